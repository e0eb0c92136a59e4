// SPDX-License-Identifier: GPL-3.0-or-later
//! Segments: learning, resuming, digests, refusals; the dummy behaves alike.

use super::{recipe, small, text_batch};
use crate::{
    delta, init_state, silent, DummyRunner, SegmentOutcome, SegmentRunner, Trainer, TrainingError,
    TrainingState,
};
use dream_primitives::recipe::Recipe;
use dream_primitives::H256;
use std::ops::ControlFlow;

const GENESIS: H256 = H256::repeat_byte(9);

fn runners(recipe: Recipe) -> Vec<Box<dyn SegmentRunner>> {
    let architecture = small(2, true);
    vec![
        Box::new(Trainer::new(architecture, recipe, GENESIS).unwrap()),
        Box::new(DummyRunner::new(architecture, recipe, GENESIS).unwrap()),
    ]
}

fn head() -> Vec<i32> {
    init_state(&small(2, true), 5).unwrap()
}

fn start() -> TrainingState {
    TrainingState::from_head(&small(2, true), &head()).unwrap()
}

fn run(runner: &mut dyn SegmentRunner, state: TrainingState, segment: u16) -> SegmentOutcome {
    runner
        .run_segment(&head(), state, &mut text_batch, segment, &mut silent)
        .unwrap()
}

#[test]
fn loss_should_fall_when_a_tiny_text_is_learnt_and_the_delta_should_carry_the_gain() {
    let (architecture, recipe) = (small(2, true), recipe(150));
    let head = init_state(&architecture, 5).unwrap();
    let mut trainer = Trainer::new(architecture, recipe, GENESIS).unwrap();
    let samples = [text_batch(40)[..25].to_vec(), text_batch(41)[..25].to_vec()];
    let before = trainer.evaluate(&head, &samples).unwrap();
    assert!(
        (before - 256f64.ln()).abs() < 0.2,
        "a fresh model guesses evenly: {before}"
    );
    let done = run(&mut trainer, start(), 0);
    assert_eq!((done.losses.len(), done.tokens), (150, 150 * 4 * 24));
    let chunks = delta(&architecture, &head, &done.state.params).unwrap();
    let steps: Vec<i32> = chunks.iter().flat_map(|c| c.steps(4096)).collect();
    let merged: Vec<i32> = head.iter().zip(&steps).map(|(n, d)| n + d).collect();
    let after = trainer.evaluate(&merged, &samples).unwrap();
    assert!(after < 0.35 * before, "{before} to {after}");
    assert!(f64::from(done.losses[149]) < 0.35 * before);
}

#[test]
fn segments_should_give_the_same_bits_when_resumed_from_bytes() {
    for mut runner in runners(recipe(4)) {
        let first = run(runner.as_mut(), start(), 0);
        let bytes = first.state.to_bytes();
        let through = run(runner.as_mut(), first.state, 1);
        let parameters = crate::parameters(&small(2, true)).unwrap();
        let resumed = run(
            runner.as_mut(),
            TrainingState::from_bytes(&bytes, parameters).unwrap(),
            1,
        );
        assert_eq!(resumed.digest, through.digest);
        assert_eq!(resumed.state.hash(&GENESIS), through.state.hash(&GENESIS));
        assert_eq!(through.state.step, 8);
    }
}

#[test]
fn hashes_should_change_when_one_token_of_data_changes() {
    for mut runner in runners(recipe(3)) {
        let honest = run(runner.as_mut(), start(), 0);
        let mut tampered = |step: u64| {
            let mut batch = text_batch(step);
            if step == 1 {
                batch[30] ^= 1;
            }
            batch
        };
        let other = runner
            .run_segment(&head(), start(), &mut tampered, 0, &mut silent)
            .unwrap();
        assert_ne!(other.state.hash(&GENESIS), honest.state.hash(&GENESIS));
        assert_ne!(other.digest, honest.digest);
    }
}

#[test]
fn digest_should_bind_the_segment_the_chain_and_every_step() {
    let mut trace = crate::runner::Trace::default();
    trace.record(1.0, 2.0);
    let digest = trace.digest(&GENESIS, 3);
    assert_ne!(digest, trace.digest(&GENESIS, 4));
    assert_ne!(digest, trace.digest(&H256::zero(), 3));
    trace.record(0.0, 0.0);
    assert_ne!(digest, trace.digest(&GENESIS, 3));
}

#[test]
fn segment_should_be_refused_when_the_state_is_not_its_start() {
    for mut runner in runners(recipe(3)) {
        let error = runner
            .run_segment(&head(), start(), &mut text_batch, 1, &mut silent)
            .unwrap_err();
        assert!(
            matches!(
                error,
                TrainingError::Start {
                    segment: 1,
                    expected: 3,
                    found: 0
                }
            ),
            "{error}"
        );
        let error = runner
            .run_segment(&head(), start(), &mut text_batch, 2, &mut silent)
            .unwrap_err();
        assert!(
            matches!(
                error,
                TrainingError::Segment {
                    segment: 2,
                    segments: 2
                }
            ),
            "{error}"
        );
        let mut short = start();
        short.exp_avg.pop();
        let error = runner
            .run_segment(&head(), short, &mut text_batch, 0, &mut silent)
            .unwrap_err();
        assert!(matches!(error, TrainingError::Parameters { .. }), "{error}");
    }
}

#[test]
fn batch_should_be_refused_when_it_has_another_size_or_a_foreign_token() {
    for mut runner in runners(recipe(3)) {
        let mut short = |step: u64| text_batch(step)[1..].to_vec();
        let error = runner
            .run_segment(&head(), start(), &mut short, 0, &mut silent)
            .unwrap_err();
        assert!(
            matches!(
                error,
                TrainingError::Batch {
                    step: 0,
                    expected: 100,
                    found: 99
                }
            ),
            "{error}"
        );
        let mut foreign = |step: u64| {
            let mut batch = text_batch(step);
            batch[7] = 256;
            batch
        };
        let error = runner
            .run_segment(&head(), start(), &mut foreign, 0, &mut silent)
            .unwrap_err();
        assert!(
            matches!(
                error,
                TrainingError::Token {
                    token: 256,
                    vocab: 256
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn failure_of_the_source_should_name_the_step() {
    struct Broken;
    impl crate::BatchSource for Broken {
        fn batch(
            &mut self,
            step: u64,
        ) -> Result<Vec<u32>, Box<dyn std::error::Error + Send + Sync>> {
            if step == 1 {
                Err("blob is missing".into())
            } else {
                Ok(text_batch(step))
            }
        }
    }
    for mut runner in runners(recipe(3)) {
        let error = runner
            .run_segment(&head(), start(), &mut Broken, 0, &mut silent)
            .unwrap_err();
        assert_eq!(error.to_string(), "no batch for step 1: blob is missing");
    }
}

#[test]
fn progress_should_see_every_step_and_be_able_to_stop() {
    for mut runner in runners(recipe(3)) {
        let mut steps = vec![];
        let mut watch = |p: &crate::Progress| {
            steps.push(p.step);
            if p.step == 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let error = runner
            .run_segment(&head(), start(), &mut text_batch, 0, &mut watch)
            .unwrap_err();
        assert!(matches!(error, TrainingError::Stopped));
        assert_eq!(steps, [1, 2]);
    }
}

#[test]
fn progress_should_hold_the_state_after_each_step() {
    for mut runner in runners(recipe(3)) {
        let mut states = vec![];
        let mut watch = |p: &crate::Progress| {
            states.push(p.state.clone());
            ControlFlow::Continue(())
        };
        let outcome = runner
            .run_segment(&head(), start(), &mut text_batch, 0, &mut watch)
            .unwrap();
        assert_eq!(states.last(), Some(&outcome.state));
        let steps: Vec<u64> = states.iter().map(|s| s.step).collect();
        assert_eq!(steps, [1, 2, 3]);
        assert!(states.windows(2).all(|w| w[0].params != w[1].params));
    }
}

#[test]
fn divergence_should_be_an_error_that_names_the_step() {
    let mut state = start();
    state.params.iter_mut().for_each(|p| *p *= 1e30);
    let mut trainer = Trainer::new(small(2, true), recipe(3), GENESIS).unwrap();
    let error = trainer
        .run_segment(&head(), state, &mut text_batch, 0, &mut silent)
        .unwrap_err();
    assert!(
        matches!(error, TrainingError::Diverged { step: 1, .. }),
        "{error}"
    );
}

#[test]
fn samples_should_be_refused_when_missing_uneven_or_too_long() {
    let head = init_state(&small(2, true), 5).unwrap();
    for mut runner in runners(recipe(3)) {
        let mut refused = |samples: &[Vec<u32>], at: usize| {
            let error = runner.evaluate(&head, samples).unwrap_err();
            assert!(
                matches!(error, TrainingError::Sample { index, longest: 25, .. } if index == at),
                "{error}"
            );
        };
        refused(&[], 0);
        refused(&[vec![1]], 0);
        refused(&[vec![1; 26]], 0);
        refused(&[vec![1; 25], vec![1; 24]], 1);
        let error = runner.evaluate(&head, &[vec![1, 999]]).unwrap_err();
        assert!(
            matches!(error, TrainingError::Token { token: 999, .. }),
            "{error}"
        );
    }
}

#[test]
fn trainer_should_refuse_recipes_that_it_does_not_serve() {
    let refused = |change: fn(&mut Recipe)| {
        let mut recipe = recipe(3);
        change(&mut recipe);
        Trainer::new(small(2, true), recipe, GENESIS).unwrap_err()
    };
    assert!(matches!(
        refused(|r| r.context = 25),
        TrainingError::Context {
            recipe: 25,
            model: 24
        }
    ));
    assert!(matches!(refused(|r| r.batch = 0), TrainingError::Recipe(_)));
}

#[test]
fn dummy_loss_should_fall_so_that_protocol_tests_can_see_progress() {
    let (architecture, recipe) = (small(2, true), recipe(3));
    let head = init_state(&architecture, 5).unwrap();
    let mut dummy = DummyRunner::new(architecture, recipe, GENESIS).unwrap();
    let done = run(&mut dummy, start(), 0);
    let chunks = delta(&architecture, &head, &done.state.params).unwrap();
    let steps: Vec<i32> = chunks.iter().flat_map(|c| c.steps(4096)).collect();
    let merged: Vec<i32> = head.iter().zip(&steps).map(|(n, d)| n + d).collect();
    let samples = [vec![1, 2, 3]];
    assert!(dummy.evaluate(&merged, &samples).unwrap() < dummy.evaluate(&head, &samples).unwrap());
}
