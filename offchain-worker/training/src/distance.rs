// SPDX-License-Identifier: GPL-3.0-or-later
//! How far two replays of one segment are apart, for the tolerant class.

use crate::grid::{first_not_finite, round_to_i32, to_grid};
use crate::{TrainingError, TrainingState};
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Optimiser;
use dream_primitives::tolerance::relative_distance_ppm;

/// Distances in parts per million, rounded up. `u32::MAX` stands for all that is larger.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Distance {
    /// Parameters on the model's grid: |replayed - claimed| / |replayed - start|.
    pub params: u32,
    /// First moment: |replayed - claimed| / |replayed|.
    pub exp_avg: u32,
    /// Direction of the next step, exp_avg / (sqrt(exp_avg_sq) + epsilon): |replayed - claimed| / |replayed|. Without
    /// it a claim could put its damage into the moments, and the next segment's honest steps would do it.
    pub direction: u32,
}

impl Distance {
    /// Whether every part is at most `relative` parts per million.
    pub fn within(&self, relative: u32) -> bool {
        self.largest() <= relative
    }

    /// The largest part.
    pub fn largest(&self) -> u32 {
        self.params.max(self.exp_avg).max(self.direction)
    }
}

/// Values on a power-of-two grid on which the largest of `reference` is between 2^24 and 2^25; none where a value passes
/// the grid's 2^31, 64 times the largest: clamping would hide it in the sum.
fn on_grid_of(reference: &[f32], values: &[f32]) -> Option<Vec<i32>> {
    let largest = reference.iter().fold(0f32, |n, v| n.max(v.abs()));
    // The exponent's bits: exact on every machine, which a logarithm is not.
    let exponent = i32::try_from(largest.to_bits() >> 23).unwrap_or(0) - 127;
    let scale = 2f64.powi(24 - exponent);
    let inside = |x: &f64| x.abs() < f64::from(i32::MAX);
    let scaled = values.iter().map(|v| f64::from(*v) * scale);
    scaled
        .map(|x| inside(&x).then(|| round_to_i32(x)))
        .collect()
}

fn direction(state: &TrainingState, epsilon: f32) -> Vec<f32> {
    let moments = state.exp_avg.iter().zip(&state.exp_avg_sq);
    moments.map(|(m, v)| m / (v.sqrt() + epsilon)).collect()
}

fn check(architecture: &Architecture, state: &TrainingState) -> Result<(), TrainingError> {
    let expected = crate::parameters(architecture)?;
    for (what, part) in [
        ("a parameter", &state.params),
        ("a first moment", &state.exp_avg),
        ("a second moment", &state.exp_avg_sq),
    ] {
        if part.len() != expected {
            return Err(TrainingError::Parameters {
                expected,
                found: part.len(),
            });
        }
        if let Some(index) = first_not_finite(part) {
            return Err(TrainingError::NotFinite { what, index });
        }
    }
    Ok(())
}

/// Distance of the end state that a claim published from the one that this verifier's replay gave; both began at
/// `start`. The sums are over integers, so that verifiers whose replays are equal measure the same.
///
/// Errors where a state has another size or a value that is not finite. Step counters are compared by the caller.
pub fn distance(
    architecture: &Architecture,
    optimiser: &Optimiser,
    start: &TrainingState,
    replayed: &TrainingState,
    claimed: &TrainingState,
) -> Result<Distance, TrainingError> {
    for state in [start, replayed, claimed] {
        check(architecture, state)?;
    }
    let Optimiser::AdamW { epsilon, .. } = optimiser;
    let epsilon = (f64::from(*epsilon) * 1e-12) as f32;
    let zeros = vec![0i32; start.params.len()];
    let ppm = |a: &[i32], b: &[i32], start: &[i32]| {
        // The lengths were checked.
        relative_distance_ppm(a, b, start).unwrap_or(u32::MAX)
    };
    let own = |a: &[f32], b: &[f32]| match (on_grid_of(a, a), on_grid_of(a, b)) {
        (Some(a), Some(b)) => ppm(&a, &b, &zeros),
        _ => u32::MAX,
    };
    let [from, a, b] = [start, replayed, claimed].map(|s| to_grid(architecture, &s.params));
    Ok(Distance {
        params: ppm(&a?, &b?, &from?),
        exp_avg: own(&replayed.exp_avg, &claimed.exp_avg),
        direction: own(&direction(replayed, epsilon), &direction(claimed, epsilon)),
    })
}
