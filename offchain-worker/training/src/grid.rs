// SPDX-License-Identifier: GPL-3.0-or-later
//! Between the integer grid of the chain and the floats of training.

use crate::TrainingError;
use dream_primitives::delta::{self, DeltaChunk};
use dream_primitives::manifest::Architecture;

/// Rounds half to even and clamps to `i32`. NaN, which callers exclude, would give zero.
pub(crate) fn round_to_i32(x: f64) -> i32 {
    // A float-to-integer cast saturates.
    x.round_ties_even() as i32
}

/// The first value that is NaN or infinite.
pub(crate) fn first_not_finite(values: &[f32]) -> Option<usize> {
    // The exponent's bits are all ones for NaN and infinities only; this form vectorises.
    let bad = values.iter().fold(false, |bad, v| bad | !v.is_finite());
    if bad {
        values.iter().position(|v| !v.is_finite())
    } else {
        None
    }
}

pub(crate) fn expect_len(found: usize, expected: usize) -> Result<(), TrainingError> {
    if found == expected {
        Ok(())
    } else {
        Err(TrainingError::Parameters { expected, found })
    }
}

/// Calls `f` with the value of one grid step and the range of each tensor.
fn per_tensor(
    architecture: &Architecture,
    mut f: impl FnMut(f64, std::ops::Range<usize>),
) -> Result<(), TrainingError> {
    let mut start = 0usize;
    for spec in architecture.manifest() {
        let count = spec
            .parameters()
            .and_then(|n| usize::try_from(n).ok())
            .ok_or(TrainingError::TooLarge)?;
        f(2f64.powi(-i32::from(spec.grid)), start..start + count);
        start += count;
    }
    Ok(())
}

/// The floats that training starts from: `n * 2^-s`, rounded once to f32.
pub fn dequantise(architecture: &Architecture, state: &[i32]) -> Result<Vec<f32>, TrainingError> {
    let count = crate::parameters(architecture)?;
    expect_len(state.len(), count)?;
    let mut out = vec![0f32; count];
    per_tensor(architecture, |step, range| {
        for (o, n) in out[range.clone()].iter_mut().zip(&state[range]) {
            *o = (f64::from(*n) * step) as f32;
        }
    })?;
    Ok(out)
}

/// Grid steps from `start` to `end` (f32 parameters in manifest order): `(end - start) * 2^s` in f64, which is exact but
/// for the subtraction's rounding at 2^-53, then rounded half to even and clamped to `i32`.
pub fn grid_steps(
    architecture: &Architecture,
    start: &[f32],
    end: &[f32],
) -> Result<Vec<i32>, TrainingError> {
    let count = crate::parameters(architecture)?;
    expect_len(start.len(), count)?;
    expect_len(end.len(), count)?;
    for (what, values) in [("the start state", start), ("the end state", end)] {
        if let Some(index) = first_not_finite(values) {
            return Err(TrainingError::NotFinite { what, index });
        }
    }
    let mut out = vec![0i32; count];
    per_tensor(architecture, |step, range| {
        let pairs = end[range.clone()].iter().zip(&start[range.clone()]);
        for (o, (e, s)) in out[range].iter_mut().zip(pairs) {
            *o = round_to_i32((f64::from(*e) - f64::from(*s)) / step);
        }
    })?;
    Ok(out)
}

/// The integers nearest to f32 parameters: `x * 2^s`, rounded half to even and clamped to `i32`.
pub(crate) fn to_grid(
    architecture: &Architecture,
    params: &[f32],
) -> Result<Vec<i32>, TrainingError> {
    let zeros = vec![0f32; params.len()];
    grid_steps(architecture, &zeros, params)
}

/// The dense delta of a claim without error feedback: quantise(state_S - state_0), where state_0 is what `head`
/// dequantises to. [`crate::claim_delta`] makes what a recipe asks for.
pub fn delta(
    architecture: &Architecture,
    head: &[i32],
    end: &[f32],
) -> Result<Vec<DeltaChunk>, TrainingError> {
    let start = dequantise(architecture, head)?;
    Ok(delta::quantise(&grid_steps(architecture, &start, end)?))
}
