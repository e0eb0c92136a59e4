// SPDX-License-Identifier: GPL-3.0-or-later
//! A verifier's replay of segments of a claim.

use crate::corpus::RoundBatches;
use dream_primitives::claim::{Claim, ReplayReport, SegmentResult};
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::trial::TrialStep;
use dream_primitives::{BoundedVec, H256};
use dream_training::{claim_delta, Progress, SegmentRunner, TrainingError, TrainingState};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a replay starts from.
pub struct ReplayInputs {
    /// Architecture of the model.
    pub architecture: Architecture,
    /// Recipe of the round.
    pub recipe: Recipe,
    /// The chain.
    pub genesis: H256,
    /// The claim.
    pub claim: Claim,
    /// Parameters of the round's base.
    pub head: Arc<Vec<i32>>,
    /// Start states of the segments, ascending.
    pub starts: Vec<(u16, TrainingState)>,
    /// Where the recipe has error feedback: the residual that the claim starts from, none for zeros.
    pub residual: Option<Vec<i32>>,
    /// The miner's batches.
    pub batches: RoundBatches,
    /// The step of a trial, whose state is reported too.
    pub step: Option<TrialStep>,
}

/// The residual of a segment that cannot be run: no claim's, as zero stands for zeros.
const UNKNOWN: H256 = H256::repeat_byte(0xff);

/// Whether an error of a segment is the claim's fault: training that cannot be carried on from what the miner opened.
fn claims_fault(error: &TrainingError) -> bool {
    matches!(
        error,
        TrainingError::Diverged { .. }
            | TrainingError::NotFinite { .. }
            | TrainingError::Start { .. }
            | TrainingError::Segment { .. }
    )
}

/// Steps since the head after which a trial's step is done.
fn done_at(recipe: &Recipe, step: &TrialStep) -> u64 {
    let before = u64::from(step.segment).saturating_mul(u64::from(recipe.steps));
    before
        .saturating_add(u64::from(step.step))
        .saturating_add(1)
}

/// Runs the segments. One that cannot be run from the state that the miner opened gives zero hashes, which match
/// nothing. Where the claim's last segment is not among them nothing is known of its end: the report repeats what the
/// claim says of delta and residual.
pub fn replay(
    runner: &mut dyn SegmentRunner,
    inputs: ReplayInputs,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<ReplayReport, TrainingError> {
    let ReplayInputs {
        architecture,
        recipe,
        genesis,
        claim,
        head,
        starts,
        residual,
        mut batches,
        step,
    } = inputs;
    let initial_state = TrainingState::from_head(&architecture, &head)?.hash(&genesis);
    let mut results = Vec::new();
    let mut delta_root = claim.delta_root;
    let mut residual_end = claim.residual.map(|r| r.end_root());
    let wanted = step.map(|s| done_at(&recipe, &s));
    let mut step_state = step.map(|_| H256::zero());
    for (segment, start) in starts {
        let last = segment.saturating_add(1) == claim.segments;
        if last {
            delta_root = H256::zero();
            residual_end = residual_end.map(|_| UNKNOWN);
        }
        let (mut end_state, mut digest) = (H256::zero(), H256::zero());
        let outcome =
            runner.run_segment(&head, start, &mut batches, segment, &mut |p: &Progress| {
                if Some(p.step) == wanted {
                    step_state = Some(p.state.hash(&genesis));
                }
                progress(p)
            });
        match outcome {
            Ok(outcome) => {
                end_state = outcome.state.hash(&genesis);
                digest = outcome.digest;
                if last {
                    let end = &outcome.state.params;
                    let before = residual.as_deref();
                    match claim_delta(&architecture, &recipe, &head, end, before) {
                        Ok(delta) => {
                            delta_root = delta.root;
                            residual_end = delta.residual.map(|kept| kept.roots.1);
                        }
                        Err(error) if claims_fault(&error) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) if claims_fault(&error) => {
                tracing::warn!("segment {segment} of the claim cannot be replayed: {error}");
            }
            Err(error) => return Err(error),
        }
        results.push(SegmentResult {
            segment,
            end_state,
            digest,
        });
    }
    Ok(ReplayReport {
        initial_state,
        results: BoundedVec::truncate_from(results),
        delta_root,
        residual_end,
        step_state,
    })
}
