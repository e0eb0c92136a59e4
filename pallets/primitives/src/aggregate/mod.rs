// SPDX-License-Identifier: GPL-3.0-or-later
//! Integer aggregation of accepted deltas, chunk by chunk, independent of the order of the deltas.
//!
//! A merge is made in three steps. [`selection`] says which deltas are used and by which rule that works chunk by chunk:
//! all of them, except for Krum, which chooses by the table of pairwise distances. [`merge_chunk`] then aggregates one
//! chunk of the chosen deltas and lets the server optimiser move the head's chunk and its moments. The worker calls it
//! for every chunk, a fraud proof for one.

mod krum;
mod mean;
mod order;
mod server;
#[cfg(test)]
mod tests;

pub use krum::{
    pair_count, pair_index, pairs, selection, squared_distance, Selection, Unpacked, MAX_PAIRS,
};
pub use mean::{clip_factor, clipped_mean, weighted_mean};
pub use order::trimmed_mean;
pub use server::{apply, ADAM_FRACTION};

use crate::delta::DeltaChunk;
use crate::math::{to_u32, to_usize};
use crate::recipe::{AggregationRule, ServerOptimiser};

/// Most deltas in one merge.
pub const MAX_DELTAS: usize = 256;
/// Most deltas in one merge by Krum, whose table grows with their square.
pub const MAX_KRUM: usize = 32;

/// Why a merge of a chunk is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AggregateError {
    /// No deltas, more than [`MAX_DELTAS`] ([`MAX_KRUM`] for Krum), or a total weight of zero.
    Deltas,
    /// A delta chunk is not canonical for this chunk's length.
    Chunk,
    /// The moments do not have the chunk's length or number.
    Moments,
    /// The table of distances does not have one entry for every pair of deltas.
    Pairs,
    /// Krum does not work chunk by chunk: the rule to merge by comes from [`selection`].
    Unselected,
}

/// One delta's part in the merge of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct MergeInput<'a> {
    /// The delta's chunk.
    pub chunk: &'a DeltaChunk,
    /// Weight (segments done). Trimmed mean and median ignore it.
    pub weight: u16,
    /// Sum of squares over the whole delta, in squared grid steps: the top of its Merkle-sum tree. Norm clip reads it.
    pub norm_squared: u128,
}

/// Aggregates one chunk of `len` parameters by a rule that works chunk by chunk; grid steps.
pub fn aggregate(
    rule: &AggregationRule,
    len: u32,
    inputs: &[MergeInput],
) -> Result<alloc::vec::Vec<i32>, AggregateError> {
    if inputs.is_empty() || inputs.len() > MAX_DELTAS {
        return Err(AggregateError::Deltas);
    }
    for input in inputs {
        input.chunk.check(len).map_err(|_| AggregateError::Chunk)?;
    }
    match rule {
        AggregationRule::WeightedMean => weighted_mean(len, inputs),
        AggregationRule::NormClip { max_norm } => clipped_mean(len, inputs, *max_norm),
        AggregationRule::TrimmedMean { trim } => Ok(trimmed_mean(len, inputs, usize::from(*trim))),
        AggregationRule::Median => Ok(trimmed_mean(len, inputs, usize::MAX)),
        AggregationRule::Krum { .. } => Err(AggregateError::Unselected),
    }
}

/// One chunk of a merge: aggregates the chosen deltas by `rule` (both from [`selection`]), then steps the server
/// optimiser. `moments` holds the chunk of each moment, one after another, each of the head's length. On an error nothing
/// has changed.
pub fn merge_chunk(
    rule: &AggregationRule,
    server: &ServerOptimiser,
    head: &mut [i32],
    moments: &mut [i32],
    inputs: &[MergeInput],
) -> Result<(), AggregateError> {
    let expected = head.len().checked_mul(to_usize(server.moments()));
    if expected != Some(moments.len()) {
        return Err(AggregateError::Moments);
    }
    let update = aggregate(rule, to_u32(head.len()), inputs)?;
    apply(server, head, moments, &update)
}
