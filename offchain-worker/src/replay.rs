// SPDX-License-Identifier: GPL-3.0-or-later
//! A verifier's replay of the audited segments of a claim.

use crate::corpus::RoundBatches;
use dream_primitives::claim::{ReplayReport, SegmentResult};
use dream_primitives::manifest::Architecture;
use dream_primitives::{delta, BoundedVec, H256};
use dream_training::{Progress, SegmentRunner, TrainingError, TrainingState};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a replay starts from.
pub struct ReplayInputs {
    /// Architecture of the model.
    pub architecture: Architecture,
    /// The chain.
    pub genesis: H256,
    /// Parameters of the round's base.
    pub head: Arc<Vec<i32>>,
    /// Start states of the audited segments, ascending; the last is the claim's last segment.
    pub starts: Vec<(u16, TrainingState)>,
    /// The miner's batches.
    pub batches: RoundBatches,
}

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

/// Runs the segments. One that cannot be run from the state that the miner opened gives zero hashes, which match
/// nothing.
pub fn replay(
    runner: &mut dyn SegmentRunner,
    inputs: ReplayInputs,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<ReplayReport, TrainingError> {
    let ReplayInputs {
        architecture,
        genesis,
        head,
        starts,
        mut batches,
    } = inputs;
    let initial_state = TrainingState::from_head(&architecture, &head)?.hash(&genesis);
    let mut results = Vec::new();
    let mut delta_root = H256::zero();
    for (segment, start) in starts {
        // Of the last segment this stays.
        delta_root = H256::zero();
        let (mut end_state, mut digest) = (H256::zero(), H256::zero());
        match runner.run_segment(&head, start, &mut batches, segment, progress) {
            Ok(outcome) => {
                end_state = outcome.state.hash(&genesis);
                digest = outcome.digest;
                let chunks = dream_training::delta(&architecture, &head, &outcome.state.params);
                delta_root = match chunks {
                    Ok(chunks) => delta::root(&chunks).unwrap_or_default(),
                    Err(error) if claims_fault(&error) => H256::zero(),
                    Err(error) => return Err(error),
                };
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
        residual_end: None,
        step_state: None,
    })
}
