// SPDX-License-Identifier: GPL-3.0-or-later
//! Distance of two ends of a segment.

use super::{recipe, small, text_batch};
use crate::{
    distance, init_state, silent, Distance, SegmentRunner, Trainer, TrainingError, TrainingState,
};
use dream_primitives::recipe::Recipe;
use dream_primitives::H256;

const GENESIS: H256 = H256::repeat_byte(9);

/// The start of a segment and its end.
fn segment() -> (TrainingState, TrainingState) {
    let head = init_state(&small(2, true), 5).unwrap();
    let start = TrainingState::from_head(&small(2, true), &head).unwrap();
    let mut trainer = Trainer::new(small(2, true), recipe(5), GENESIS).unwrap();
    let done = trainer
        .run_segment(&head, start.clone(), &mut text_batch, 0, &mut silent)
        .unwrap();
    (start, done.state)
}

fn measure(start: &TrainingState, a: &TrainingState, b: &TrainingState) -> Distance {
    distance(&small(2, true), &recipe(5).optimiser, start, a, b).unwrap()
}

#[test]
fn distance_should_be_zero_for_equal_ends_and_grow_with_the_share_of_the_update() {
    let (start, end) = segment();
    assert_eq!(measure(&start, &end, &end), Distance::default());
    for share in [0.001f32, 0.1, 1.0] {
        let mut other = end.clone();
        for (o, s) in other.params.iter_mut().zip(&start.params) {
            *o -= share * (*o - s);
        }
        let found = measure(&start, &end, &other);
        assert_eq!((found.exp_avg, found.direction), (0, 0));
        let expected = f64::from(share) * 1e6;
        assert!(
            (f64::from(found.params) - expected).abs() < 0.001 * expected + 5.0,
            "{found:?} for {share}"
        );
        assert!(found.within(found.params));
        assert!(!found.within(found.params - 1));
    }
}

#[test]
fn distance_should_see_moments_that_were_tampered_with() {
    let (start, end) = segment();
    let mut momentum = end.clone();
    momentum.exp_avg.iter_mut().for_each(|m| *m *= 1.5);
    let found = measure(&start, &end, &momentum);
    assert_eq!(found.params, 0);
    assert!((499_000..501_000).contains(&found.exp_avg), "{found:?}");
    assert!((499_000..501_000).contains(&found.direction), "{found:?}");
    // A second moment near zero turns a small first moment into a large step.
    let mut loaded = end.clone();
    let moments = end.exp_avg.iter().map(|m| m.abs()).enumerate();
    let (at, _) = moments.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    loaded.exp_avg_sq[at] = 0.0;
    let found = measure(&start, &end, &loaded);
    assert_eq!((found.params, found.exp_avg), (0, 0));
    assert!(found.direction > 1_000_000, "{found:?}");
    assert!(!found.within(1_000_000));
}

#[test]
fn distance_should_be_large_when_a_step_was_skipped_or_other_data_used() {
    let (start, end) = segment();
    let head = init_state(&small(2, true), 5).unwrap();
    let run = |steps: u16, shift: u64| {
        let recipe = Recipe { steps, ..recipe(5) };
        let mut trainer = Trainer::new(small(2, true), recipe, GENESIS).unwrap();
        let mut batches = |step: u64| text_batch(step + shift);
        let done = trainer.run_segment(&head, start.clone(), &mut batches, 0, &mut silent);
        done.unwrap().state
    };
    assert_eq!(measure(&start, &end, &run(5, 0)), Distance::default());
    assert!(measure(&start, &end, &run(4, 0)).params > 50_000);
    assert!(measure(&start, &end, &run(5, 1)).params > 50_000);
    assert_eq!(measure(&start, &end, &start).params, 1_000_000);
}

#[test]
fn distance_should_be_refused_when_a_state_has_another_size_or_no_number() {
    let (start, end) = segment();
    let refused = |bad: &TrainingState| {
        distance(&small(2, true), &recipe(5).optimiser, &start, &end, bad).unwrap_err()
    };
    let mut short = end.clone();
    short.exp_avg_sq.pop();
    assert!(matches!(refused(&short), TrainingError::Parameters { .. }));
    let mut nan = end.clone();
    nan.params[3] = f32::NAN;
    assert!(matches!(
        refused(&nan),
        TrainingError::NotFinite { index: 3, .. }
    ));
}
