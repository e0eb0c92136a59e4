// SPDX-License-Identifier: GPL-3.0-or-later
//! A claim's delta: nothing is lost between what was trained, what is sent and what is kept.

use super::{recipe, small};
use crate::{claim_delta, delta, dequantise, grid_steps, init_state, ClaimDelta, TrainingError};
use dream_primitives::delta::decode_delta;
use dream_primitives::recipe::{DeltaCodec, Recipe};
use dream_primitives::{delta as rules, feedback, H256};

fn sparse(per_chunk: u16) -> Recipe {
    Recipe {
        delta: DeltaCodec::TopK { per_chunk },
        error_feedback: 1 << 16,
        ..recipe(3)
    }
}

fn base() -> Vec<i32> {
    init_state(&small(2, true), 3).unwrap()
}

/// An end whose distance from the base depends on `round` and parameter.
fn end(base: &[i32], round: usize) -> Vec<f32> {
    let start = dequantise(&small(2, true), base).unwrap();
    let moved = |i: usize| ((i * 37 + round * 101) % 1009) as f32 - 504.0;
    let pairs = start.iter().enumerate();
    pairs.map(|(i, s)| s + moved(i) * 1e-6).collect()
}

fn made(recipe: &Recipe, end: &[f32], residual: Option<&[i32]>) -> ClaimDelta {
    claim_delta(&small(2, true), recipe, &base(), end, residual).unwrap()
}

#[test]
fn sent_and_kept_should_sum_to_what_was_trained_over_several_rounds() {
    let architecture = small(2, true);
    for recipe in [
        sparse(40),
        sparse(1),
        sparse(4096),
        Recipe {
            error_feedback: 1 << 16,
            ..recipe(3)
        },
    ] {
        let n = base().len();
        let (mut trained, mut sent) = (vec![0i64; n], vec![0i64; n]);
        let mut kept: Option<Vec<i32>> = None;
        let mut last = H256::zero();
        for round in 0..4 {
            let end = end(&base(), round);
            let steps = grid_steps(
                &architecture,
                &dequantise(&architecture, &base()).unwrap(),
                &end,
            )
            .unwrap();
            let done = made(&recipe, &end, kept.as_deref());
            assert_eq!(rules::check(&done.chunks, n as u64), Ok(()));
            assert_eq!(Some(done.root), rules::root(&done.chunks));
            let decoded = decode_delta(&done.chunks, n as u64);
            for (i, (s, d)) in steps.iter().zip(&decoded).enumerate() {
                trained[i] += i64::from(*s);
                sent[i] += i64::from(*d);
            }
            let residual = done.residual.unwrap();
            for (i, rest) in residual.steps.iter().enumerate() {
                assert_eq!(trained[i], sent[i] + i64::from(*rest), "parameter {i}");
            }
            // A claim starts where the last one ended.
            assert_eq!(residual.roots.0, last);
            assert_eq!(residual.roots.1, feedback::residual_root(&residual.steps));
            last = residual.roots.1;
            kept = Some(residual.steps);
        }
    }
}

#[test]
fn delta_should_not_be_the_same_when_one_step_of_the_residual_differs() {
    let end = end(&base(), 0);
    let mut residual = vec![0i32; base().len()];
    let without = made(&sparse(40), &end, None);
    // Zeros and nothing are one.
    assert_eq!(made(&sparse(40), &end, Some(&residual)), without);
    assert_eq!(without.residual.as_ref().unwrap().roots.0, H256::zero());
    residual[5000] = 1 << 20;
    let with = made(&sparse(40), &end, Some(&residual));
    assert_ne!(with.root, without.root);
    assert_ne!(
        with.residual.unwrap().roots,
        without.residual.unwrap().roots
    );
}

#[test]
fn delta_should_be_the_plain_one_when_the_recipe_has_no_feedback() {
    let end = end(&base(), 1);
    let done = made(&recipe(3), &end, None);
    assert_eq!(done.chunks, delta(&small(2, true), &base(), &end).unwrap());
    assert_eq!(done.residual, None);
    let error = claim_delta(&small(2, true), &recipe(3), &base(), &end, Some(&base()));
    assert!(matches!(error, Err(TrainingError::Recipe(_))));
}

#[test]
fn residual_of_another_size_should_be_refused() {
    let end = end(&base(), 1);
    for found in [0, base().len() - 1, base().len() + 1] {
        let residual = vec![0; found];
        let error = claim_delta(&small(2, true), &sparse(40), &base(), &end, Some(&residual));
        assert!(matches!(error, Err(TrainingError::Parameters { found: f, .. }) if f == found));
    }
}
