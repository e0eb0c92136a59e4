// SPDX-License-Identifier: GPL-3.0-or-later
//! FedProx's term: its gradient, its centre, and nothing where the coefficient is zero.

use super::{recipe, small, text_batch};
use crate::proximal::Proximal;
use crate::{
    init_state, silent, DummyRunner, SegmentOutcome, SegmentRunner, Trainer, TrainingError,
    TrainingState,
};
use dream_primitives::recipe::{Optimiser, Recipe};
use dream_primitives::H256;

const GENESIS: H256 = H256::repeat_byte(9);

fn pulled(proximal: u32) -> Recipe {
    Recipe {
        proximal,
        ..recipe(3)
    }
}

fn runners(recipe: Recipe) -> Vec<Box<dyn SegmentRunner>> {
    vec![
        Box::new(Trainer::new(small(2, true), recipe, GENESIS).unwrap()),
        Box::new(DummyRunner::new(small(2, true), recipe, GENESIS).unwrap()),
    ]
}

fn base(seed: u64) -> Vec<i32> {
    init_state(&small(2, true), seed).unwrap()
}

/// Segment 0 from the base of seed 5, then segment 1, with `second` as its base.
fn two_segments(runner: &mut dyn SegmentRunner, second: &[i32]) -> [SegmentOutcome; 2] {
    let base = base(5);
    let start = TrainingState::from_head(&small(2, true), &base).unwrap();
    let first = runner
        .run_segment(&base, start, &mut text_batch, 0, &mut silent)
        .unwrap();
    let next = first.state.clone();
    let second = runner
        .run_segment(second, next, &mut text_batch, 1, &mut silent)
        .unwrap();
    [first, second]
}

#[test]
fn gradient_should_be_the_coefficient_times_the_distance_from_the_base() {
    let architecture = small(2, true);
    let mut base = vec![0i32; crate::parameters(&architecture).unwrap()];
    // 0.5, -0.25 and 1 on the grid of 2^-24.
    base[..3].copy_from_slice(&[1 << 23, -(1 << 22), 1 << 24]);
    let term = Proximal::new(&architecture, &pulled(250_000_000), &base)
        .unwrap()
        .unwrap();
    let mut params = vec![0f32; base.len()];
    params[..4].copy_from_slice(&[1.0, 0.25, 1.0, 8.0]);
    let mut gradient = vec![10f32; base.len()];
    term.add_to(&params, &mut gradient);
    // 10 + 0.25 * (0.5, 0.5, 0, 8, 0).
    assert_eq!(gradient[..5], [10.125, 10.125, 10.0, 12.0, 10.0]);
}

#[test]
fn step_should_use_the_gradient_of_the_whole_objective() {
    // With beta1 and beta2 zero and an epsilon that dwarfs every gradient, a step moves by -rate * gradient / epsilon,
    // so the two runs' moves differ by the term's share alone.
    let plain = Recipe {
        steps: 1,
        optimiser: Optimiser::AdamW {
            learning_rate: 500_000_000,
            beta1: 0,
            beta2: 0,
            epsilon: u32::MAX,
            weight_decay: 0,
            max_norm: 0,
        },
        ..recipe(1)
    };
    let (architecture, base) = (small(2, true), base(5));
    let mut start = TrainingState::from_head(&architecture, &base).unwrap();
    let centre = start.params.clone();
    start
        .params
        .iter_mut()
        .enumerate()
        .for_each(|(i, p)| *p += (i % 7) as f32 / 8.0);
    let moments = |proximal: u32| {
        let recipe = Recipe { proximal, ..plain };
        let mut trainer = Trainer::new(architecture, recipe, GENESIS).unwrap();
        trainer
            .run_segment(&base, start.clone(), &mut text_batch, 0, &mut silent)
            .unwrap()
    };
    let (without, with) = (moments(0), moments(500_000_000));
    assert_eq!(without.losses, with.losses, "the loss is the task's alone");
    // beta1 = 0: the first moment is the gradient.
    for (i, (g, h)) in without
        .state
        .exp_avg
        .iter()
        .zip(&with.state.exp_avg)
        .enumerate()
    {
        assert_eq!(
            *h,
            *g + 0.5 * (start.params[i] - centre[i]),
            "parameter {i}"
        );
    }
    assert_ne!(without.digest, with.digest);
}

#[test]
fn base_should_not_change_a_bit_when_the_coefficient_is_zero() {
    for mut runner in runners(recipe(3)) {
        let same = two_segments(runner.as_mut(), &base(5));
        let other = two_segments(runner.as_mut(), &base(6));
        assert_eq!(same, other);
    }
}

#[test]
fn bits_should_be_those_recorded_before_the_term_existed_when_the_coefficient_is_zero() {
    // The dummy uses no libtorch, so its bits are the same everywhere.
    let mut dummy = DummyRunner::new(small(2, true), recipe(3), GENESIS).unwrap();
    let [_, second] = two_segments(&mut dummy, &base(5));
    assert_eq!(
        format!("{:?}", second.state.hash(&GENESIS)),
        "0xf7be9c01e67e05dfb4402a39216511583d757499f28d3217a7ca1ef5256b97b9"
    );
}

#[test]
fn replay_in_the_middle_should_need_the_right_base_when_the_coefficient_is_positive() {
    for (mut runner, mut plain) in runners(pulled(100_000_000))
        .into_iter()
        .zip(runners(recipe(3)))
    {
        let right = two_segments(runner.as_mut(), &base(5));
        assert_eq!(right, two_segments(runner.as_mut(), &base(5)));
        // From the bytes of the snapshot, as a verifier has it.
        let parameters = crate::parameters(&small(2, true)).unwrap();
        let snapshot = TrainingState::from_bytes(&right[0].state.to_bytes(), parameters).unwrap();
        let replayed = runner
            .run_segment(&base(5), snapshot, &mut text_batch, 1, &mut silent)
            .unwrap();
        assert_eq!(replayed, right[1]);
        let wrong = two_segments(runner.as_mut(), &base(6));
        assert_eq!(wrong[0], right[0]);
        assert_ne!(wrong[1].state.hash(&GENESIS), right[1].state.hash(&GENESIS));
        let without = two_segments(plain.as_mut(), &base(5));
        assert_ne!(
            without[1].state.hash(&GENESIS),
            right[1].state.hash(&GENESIS)
        );
    }
}

#[test]
fn term_should_keep_the_end_nearer_to_the_base() {
    let far = |proximal: u32| {
        let mut trainer = Trainer::new(
            small(2, true),
            Recipe {
                steps: 12,
                ..pulled(proximal)
            },
            GENESIS,
        )
        .unwrap();
        let [_, end] = two_segments(&mut trainer, &base(5));
        let start = TrainingState::from_head(&small(2, true), &base(5)).unwrap();
        let pairs = end.state.params.iter().zip(&start.params);
        pairs
            .map(|(a, b)| f64::from(a - b).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    let (free, held) = (far(0), far(500_000_000));
    assert!(held < 0.8 * free, "{held} against {free}");
}

#[test]
fn base_of_another_size_should_be_refused() {
    for proximal in [0, 1] {
        for mut runner in runners(pulled(proximal)) {
            let base = base(5);
            let start = TrainingState::from_head(&small(2, true), &base).unwrap();
            let error = runner
                .run_segment(&base[1..], start, &mut text_batch, 0, &mut silent)
                .unwrap_err();
            assert!(matches!(error, TrainingError::Parameters { .. }), "{error}");
        }
    }
}
