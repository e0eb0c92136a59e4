// SPDX-License-Identifier: GPL-3.0-or-later
//! Multi-Krum (Blanchard et al. 2017): the deltas nearest to the others are averaged.

use super::{AggregateError, MAX_DELTAS, MAX_KRUM};
use crate::delta::{dot, DeltaChunk, MAX_SHIFT};
use crate::recipe::AggregationRule;
use alloc::vec::Vec;

/// Which deltas a merge uses, and by which rule it works chunk by chunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection {
    /// A rule that [`super::merge_chunk`] takes.
    pub rule: AggregationRule,
    /// Places of the chosen deltas, ascending.
    pub chosen: Vec<usize>,
}

/// Smallest squared distances that a score sums: n - byzantine - 2, where Krum withstands that many hostile deltas among
/// n (n >= 2 * byzantine + 3); otherwise `None`.
fn neighbours(byzantine: u16, count: usize) -> Option<usize> {
    let hostile = usize::from(byzantine);
    let least = hostile.saturating_mul(2).saturating_add(3);
    (count >= least).then(|| count.saturating_sub(hostile).saturating_sub(2))
}

/// Entries of the table of squared distances that a merge of `count` deltas by `rule` needs: one for every pair where Krum
/// chooses, none for every other rule and for a round with too few deltas for Krum.
pub fn pair_count(rule: &AggregationRule, count: usize) -> usize {
    match rule {
        AggregationRule::Krum { byzantine, .. } if neighbours(*byzantine, count).is_some() => {
            count.saturating_mul(count.saturating_sub(1)) / 2
        }
        _ => 0,
    }
}

/// Place of the pair (i, j), i < j < count, in the table: (0,1), (0,2), .., (0,count-1), (1,2), ..; `None` for no such pair.
pub fn pair_index(count: usize, i: usize, j: usize) -> Option<usize> {
    if i >= j || j >= count {
        return None;
    }
    // Rows 0..i hold count - 1, count - 2, .. entries.
    let before = count
        .saturating_mul(2)
        .saturating_sub(i)
        .saturating_sub(1)
        .saturating_mul(i)
        / 2;
    Some(before.saturating_add(j.saturating_sub(i)).saturating_sub(1))
}

/// The deltas that are merged and the rule that merges them.
///
/// Krum: the score of a delta is the sum of its n - byzantine - 2 smallest squared distances to others (`pairs`, see
/// [`pair_index`]); the `selected` deltas of the smallest scores, but no more than n - byzantine - 2 (so that an honest
/// majority is among them), are averaged with their weights. Equal scores: the lower place (deltas stand in ascending order
/// of their claims' ids) goes first.
///
/// With n < 2 * byzantine + 3 deltas Krum promises nothing, and the round is merged by the coordinate median of all:
/// it withstands any minority, and a round with few claims still ends. The table is empty then.
pub fn selection(
    rule: &AggregationRule,
    count: usize,
    pairs: &[u128],
) -> Result<Selection, AggregateError> {
    let most = match rule {
        AggregationRule::Krum { .. } => MAX_KRUM,
        _ => MAX_DELTAS,
    };
    if count == 0 || count > most {
        return Err(AggregateError::Deltas);
    }
    if pairs.len() != pair_count(rule, count) {
        return Err(AggregateError::Pairs);
    }
    let all = |rule| Selection {
        rule,
        chosen: (0..count).collect(),
    };
    let AggregationRule::Krum {
        byzantine,
        selected,
    } = *rule
    else {
        return Ok(all(*rule));
    };
    let Some(near) = neighbours(byzantine, count) else {
        return Ok(all(AggregationRule::Median));
    };
    let mut scores: Vec<(u128, usize)> = (0..count)
        .map(|i| (score(count, i, near, pairs), i))
        .collect();
    scores.sort_unstable();
    let most = usize::from(selected).clamp(1, near);
    let mut chosen: Vec<usize> = scores.iter().take(most).map(|(_, place)| *place).collect();
    chosen.sort_unstable();
    Ok(Selection {
        rule: AggregationRule::WeightedMean,
        chosen,
    })
}

fn score(count: usize, i: usize, near: usize, pairs: &[u128]) -> u128 {
    let mut distances: Vec<u128> = (0..count)
        .filter_map(|j| pair_index(count, i.min(j), i.max(j)))
        .filter_map(|at| pairs.get(at).copied())
        .collect();
    distances.sort_unstable();
    // Honest distances are below 2^106; a posted table may hold anything.
    distances
        .iter()
        .take(near)
        .fold(0, |n, d| n.saturating_add(*d))
}

/// One delta's chunk, unpacked for the distances to many others.
pub struct Unpacked {
    codes: Vec<i8>,
    shift: u32,
    squares: u128,
}

impl Unpacked {
    /// Unpacks a chunk that is canonical for `len` parameters.
    pub fn new(chunk: &DeltaChunk, len: u32) -> Self {
        Self {
            codes: chunk.dense_codes(len),
            shift: u32::from(chunk.shift()).min(MAX_SHIFT.into()),
            squares: chunk.sum_of_squares(),
        }
    }

    /// Sum over the chunk's parameters of the squared difference of two deltas' grid steps: |a|^2 + |b|^2 - 2 a.b, exact;
    /// below 2^75.
    pub fn squared_distance(&self, other: &Self) -> u128 {
        // |dot| <= 2^26 and shifts at most 23 each: twice the product is at most 2^73.
        let shift = self.shift.wrapping_add(other.shift).wrapping_add(1);
        let twice = i128::from(dot(&self.codes, &other.codes)).wrapping_shl(shift);
        let norms = self.squares.wrapping_add(other.squares);
        i128::try_from(norms)
            .unwrap_or(i128::MAX)
            .saturating_sub(twice)
            .unsigned_abs()
    }
}

/// As [`Unpacked::squared_distance`], for one pair of chunks that are canonical for `len` parameters.
pub fn squared_distance(a: &DeltaChunk, b: &DeltaChunk, len: u32) -> u128 {
    Unpacked::new(a, len).squared_distance(&Unpacked::new(b, len))
}

/// The pairs in the table's order.
pub fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |i| (i.saturating_add(1)..count).map(move |j| (i, j)))
}

/// As [`pair_count`] for the largest table.
pub const MAX_PAIRS: u32 = 496;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pair_index_should_number_the_pairs_in_the_order_of_the_table() {
        for count in 0..=MAX_KRUM {
            for (place, (i, j)) in pairs(count).enumerate() {
                assert_eq!(pair_index(count, i, j), Some(place));
            }
            assert_eq!(pair_index(count, 0, count), None);
            assert_eq!(pair_index(count, 1, 1), None);
            assert_eq!(pair_index(count, 2, 1), None);
        }
        assert_eq!(pairs(MAX_KRUM).count(), MAX_PAIRS as usize);
    }
}
