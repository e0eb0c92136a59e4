// SPDX-License-Identifier: GPL-3.0-or-later
//! AdamW against the paper's recurrences in f64.

use crate::optimiser::{norm, AdamW};
use crate::TrainingState;
use dream_primitives::recipe::Optimiser;

const OPTIMISER: Optimiser = Optimiser::AdamW {
    learning_rate: 3_000_000,
    beta1: 900_000_000,
    beta2: 999_000_000,
    epsilon: 10_000,
    weight_decay: 100_000_000,
    max_norm: 2_000_000_000,
};

fn gradient(step: u64, n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| ((i as f32 * 0.7 + step as f32 * 1.3).sin()) * if step == 2 { 3.0 } else { 0.1 })
        .collect()
}

#[test]
fn adamw_should_follow_the_paper_over_several_steps_with_and_without_clipping() {
    let n = 37;
    let start: Vec<f32> = (0..n).map(|i| (i as f32 - 18.0) / 10.0).collect();
    let mut state = TrainingState {
        params: start.clone(),
        exp_avg: vec![0.0; n],
        exp_avg_sq: vec![0.0; n],
        step: 0,
    };
    let mut x: Vec<f64> = start.iter().map(|p| f64::from(*p)).collect();
    let (mut m, mut v) = (vec![0f64; n], vec![0f64; n]);
    let mut clipped = 0;
    for t in 1..=6 {
        let g = gradient(t, n);
        let length = g.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let scale = if length > 2.0 { 2.0 / length } else { 1.0 };
        clipped += usize::from(length > 2.0);
        for i in 0..n {
            let g = f64::from(g[i]) * scale;
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            let m_hat = m[i] / (1.0 - 0.9f64.powi(t as i32));
            let v_hat = v[i] / (1.0 - 0.999f64.powi(t as i32));
            x[i] -= 0.003 * (m_hat / (v_hat.sqrt() + 1e-8) + 0.1 * x[i]);
        }
        let found = AdamW::from(OPTIMISER).step(&mut state, &g);
        assert!((f64::from(found) - length).abs() < 1e-6 * length);
        assert_eq!(state.step, t);
        for (p, x) in state.params.iter().zip(&x) {
            assert!(
                (f64::from(*p) - x).abs() < 2e-6,
                "{p} instead of {x} at step {t}"
            );
        }
    }
    assert_eq!(clipped, 1, "the test needs one clipped step");
}

#[test]
fn adamw_should_not_clip_when_the_recipe_has_no_largest_norm() {
    let Optimiser::AdamW {
        learning_rate,
        beta1,
        beta2,
        epsilon,
        weight_decay,
        ..
    } = OPTIMISER;
    let free = Optimiser::AdamW {
        learning_rate,
        beta1,
        beta2,
        epsilon,
        weight_decay,
        max_norm: 0,
    };
    let run = |optimiser: Optimiser| {
        let mut state = TrainingState {
            params: vec![1.0; 3],
            exp_avg: vec![0.0; 3],
            exp_avg_sq: vec![0.0; 3],
            step: 0,
        };
        AdamW::from(optimiser).step(&mut state, &[30.0, 40.0, 0.0]);
        state.exp_avg
    };
    assert_eq!(run(free)[0], 30.0f32 * (1.0 - 0.9f32));
    assert!((run(OPTIMISER)[0] - 0.12).abs() < 1e-6);
}

#[test]
fn norm_should_be_exact_for_squares_and_cover_the_rest_of_an_odd_length() {
    assert_eq!(norm(&[3.0, 4.0]), 5.0);
    assert_eq!(norm(&[1.0; 25]), 5.0);
    assert_eq!(norm(&[]), 0.0);
}
