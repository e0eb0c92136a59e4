// SPDX-License-Identifier: GPL-3.0-or-later
//! What a claim sends: the delta under the recipe's codec, and what error feedback keeps for the next one.

use crate::grid::{dequantise, expect_len, grid_steps};
use crate::TrainingError;
use dream_primitives::delta::{self, encode_delta, DeltaChunk};
use dream_primitives::feedback;
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::H256;

/// A claim's delta, made by its miner and again by every verifier of the last segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimDelta {
    /// Chunks under the recipe's codec.
    pub chunks: Vec<DeltaChunk>,
    /// The claim's `delta_root`.
    pub root: H256,
    /// Where the recipe has error feedback: what the chunks leave out, and the claim's `residual`.
    pub residual: Option<Residual>,
}

/// Residual of error feedback after a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Residual {
    /// Grid steps that were trained and not sent yet, in manifest order: the start of the account's next claim, once
    /// this one is merged.
    pub steps: Vec<i32>,
    /// Roots of the residual at start and end, as the claim states them.
    pub roots: (H256, H256),
}

/// The delta from `base` (grid integers) to `end` (f32 parameters after the last segment), plus `residual`, the steps that
/// the account's last merged claim on the branch left over; none stands for zeros.
///
/// Steps are quantise(end - dequantise(base)) (see [`crate::grid_steps`]), the rest is integer arithmetic that loses
/// nothing: sent + left over = trained + residual, unless a sum passes `i32`; of what is left over the recipe's
/// `error_feedback` is kept. Errors where a size is wrong, a value is not finite, or a residual is given although the
/// recipe has no error feedback.
pub fn claim_delta(
    architecture: &Architecture,
    recipe: &Recipe,
    base: &[i32],
    end: &[f32],
    residual: Option<&[i32]>,
) -> Result<ClaimDelta, TrainingError> {
    if let Some(residual) = residual {
        if !recipe.has_feedback() {
            return Err(TrainingError::Recipe(
                "a residual is given, the recipe has no error feedback",
            ));
        }
        expect_len(residual.len(), base.len())?;
    }
    let trained = grid_steps(architecture, &dequantise(architecture, base)?, end)?;
    let before = residual.unwrap_or_default();
    let steps = feedback::compensate(&trained, before);
    let chunks = encode_delta(&recipe.delta, &steps);
    let residual = recipe.has_feedback().then(|| {
        let kept = feedback::residual(&steps, &chunks, recipe.error_feedback);
        Residual {
            roots: (
                feedback::residual_root(before),
                feedback::residual_root(&kept),
            ),
            steps: kept,
        }
    });
    // An architecture that passes its check has chunks, and sums of squares below 2^72 a chunk.
    let root = delta::root(&chunks).ok_or(TrainingError::TooLarge)?;
    Ok(ClaimDelta {
        chunks,
        root,
        residual,
    })
}
