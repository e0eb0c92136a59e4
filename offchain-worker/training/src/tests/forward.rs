// SPDX-License-Identifier: GPL-3.0-or-later
//! The model against the plain reference, and against the manifest.

use super::reference::Reference;
use super::{recipe, small, text_batch};
use crate::{dequantise, init_state, Model, SegmentRunner, Trainer};
use dream_primitives::manifest::Architecture;
use dream_primitives::H256;
use tch::Tensor;

/// A state with larger and more varied weights than a fresh one, so that attention and gates are far from linear.
fn lively(architecture: &Architecture) -> Vec<i32> {
    let mut state = init_state(architecture, 11).unwrap();
    state
        .iter_mut()
        .enumerate()
        .for_each(|(i, n)| *n = *n * 6 + (i % 97) as i32 * 10_000);
    state
}

fn rows() -> Vec<Vec<u32>> {
    text_batch(3).chunks(25).map(<[u32]>::to_vec).collect()
}

#[test]
fn logits_should_equal_a_plain_f64_decoder_when_heads_are_shared_or_not_and_head_is_tied_or_not() {
    for (kv_heads, tied) in [(4, true), (2, false), (1, true)] {
        let architecture = small(kv_heads, tied);
        let state = lively(&architecture);
        let params = Tensor::from_slice(&dequantise(&architecture, &state).unwrap());
        let rows = rows();
        let inputs: Vec<i64> = rows
            .iter()
            .flat_map(|r| r[..24].iter().map(|t| i64::from(*t)))
            .collect();
        let inputs = Tensor::from_slice(&inputs).view([4, 24]);
        let logits = Model::new(&architecture)
            .unwrap()
            .logits(&params, &inputs)
            .unwrap();
        assert_eq!(logits.size(), [96, 256]);
        let found: Vec<f32> = logits.reshape(-1).try_into().unwrap();
        let reference = Reference::new(&architecture, &state);
        let expected: Vec<f64> = rows
            .iter()
            .flat_map(|r| reference.logits(&r[..24]))
            .flatten()
            .collect();
        let largest = expected.iter().fold(0f64, |m, e| m.max(e.abs()));
        assert!(
            largest > 1.0,
            "the test needs logits that are far from zero, the largest is {largest}"
        );
        for (f, e) in found.iter().zip(&expected) {
            assert!(
                (f64::from(*f) - e).abs() < 1e-4 * largest,
                "{f} instead of {e} (kv {kv_heads}, tied {tied})"
            );
        }
    }
}

#[test]
fn logits_should_not_depend_on_later_tokens() {
    let architecture = small(2, true);
    let params = Tensor::from_slice(&dequantise(&architecture, &lively(&architecture)).unwrap());
    let model = Model::new(&architecture).unwrap();
    let run = |last: i64| -> Vec<f32> {
        let inputs = Tensor::from_slice(&[5i64, 9, 200, last]).view([1, 4]);
        model
            .logits(&params, &inputs)
            .unwrap()
            .narrow(0, 0, 3)
            .reshape(-1)
            .try_into()
            .unwrap()
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn views_should_follow_the_manifest() {
    for (kv_heads, tied) in [(4, true), (2, false)] {
        let architecture = small(kv_heads, tied);
        let model = Model::new(&architecture).unwrap();
        let mut expected: Vec<i64> = vec![];
        let mut last = String::new();
        for spec in architecture.manifest() {
            // k and v join q, up joins gate: they read the same input and lie side by side.
            let joined = match spec.name.rsplit('.').nth(1).unwrap() {
                "k_proj" => last.ends_with("q_proj.weight"),
                "v_proj" => last.ends_with("k_proj.weight"),
                "up_proj" => last.ends_with("gate_proj.weight"),
                _ => false,
            };
            let count = spec.parameters().unwrap() as i64;
            match expected.last_mut() {
                Some(group) if joined => *group += count,
                _ => expected.push(count),
            }
            last = spec.name;
        }
        assert_eq!(model.splits(), expected);
        assert_eq!(
            expected.iter().sum::<i64>() as u64,
            architecture.parameters().unwrap()
        );
    }
}

#[test]
fn gradient_should_equal_central_differences_of_the_plain_decoder() {
    let architecture = small(2, true);
    let state = lively(&architecture);
    let params = dequantise(&architecture, &state).unwrap();
    let trainer = Trainer::new(architecture, recipe(1), H256::zero()).unwrap();
    let batch = text_batch(3);
    let mut gradient = vec![0f32; params.len()];
    let loss = trainer.gradient(&params, &batch, &mut gradient).unwrap();
    let exact: Vec<f64> = params.iter().map(|p| f64::from(*p)).collect();
    let at = |i: usize, h: f64| {
        let mut moved = exact.clone();
        moved[i] += h;
        Reference::from_params(&architecture, &moved).loss(&rows())
    };
    assert!((f64::from(loss) - at(0, 0.0)).abs() < 1e-4);
    let scale = gradient.iter().fold(0f32, |m, g| m.max(g.abs()));
    // One parameter of every tensor: its largest gradient.
    let mut start = 0;
    for spec in architecture.manifest() {
        let count = spec.parameters().unwrap() as usize;
        let i = (start..start + count)
            .max_by(|a, b| gradient[*a].abs().total_cmp(&gradient[*b].abs()))
            .unwrap();
        let expected = (at(i, 1e-6) - at(i, -1e-6)) / 2e-6;
        let found = f64::from(gradient[i]);
        assert!(
            expected != 0.0 && (found - expected).abs() < 1e-4 * f64::from(scale),
            "{}: {found} {expected}",
            spec.name
        );
        start += count;
    }
}

#[test]
fn evaluation_should_be_the_mean_over_all_tokens_when_the_last_batch_is_short() {
    let architecture = small(2, false);
    let state = lively(&architecture);
    let samples: Vec<Vec<u32>> = (0..11).map(|i| text_batch(i)[..20].to_vec()).collect();
    let mut trainer = Trainer::new(architecture, recipe(1), H256::zero()).unwrap();
    let found = trainer.evaluate(&state, &samples).unwrap();
    let expected = Reference::new(&architecture, &state).loss(&samples);
    assert!(
        (found - expected).abs() < 1e-4,
        "{found} instead of {expected}"
    );
}
