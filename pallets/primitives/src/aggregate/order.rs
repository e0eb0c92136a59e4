// SPDX-License-Identifier: GPL-3.0-or-later
//! Order statistics of each coordinate: trimmed mean and median.

use super::mean::Division;
use super::MergeInput;
use crate::delta::{entries, scaled, DeltaChunk};
use crate::math::{to_u32, to_usize};
use alloc::vec::Vec;

/// Coordinates that are sorted side by side.
const BLOCK: usize = 64;

/// Mean of each coordinate without its `trim` lowest and `trim` highest values, every delta counted once whatever its
/// weight, rounded half away from zero: within half a grid step of the exact value.
///
/// With too few deltas (n <= 2 * trim) as many are dropped as leave one or two: the median. So the median is the trimmed
/// mean with the greatest `trim`; for an even number of deltas it is the mean of the two middle values.
///
/// The chunks are canonical for `len`; there are between one and [`super::MAX_DELTAS`] of them.
pub fn trimmed_mean(len: u32, inputs: &[MergeInput], trim: usize) -> Vec<i32> {
    let count = inputs.len();
    let trim = trim.min(count.saturating_sub(1) / 2);
    let kept = count.saturating_sub(trim.saturating_mul(2));
    let network = sorting_network(count);
    let divide = Division::new(to_u32(kept).max(1));
    let mut columns: Vec<Column> = inputs.iter().map(|i| Column::new(i.chunk)).collect();
    let mut rows = alloc::vec![[0i32; BLOCK]; count];
    let mut out = Vec::with_capacity(to_usize(len));
    for start in (0..to_usize(len)).step_by(BLOCK) {
        for (row, column) in rows.iter_mut().zip(&mut columns) {
            column.fill(start, row);
        }
        for (low, high) in &network {
            if let Ok([low, high]) = rows.get_disjoint_mut([*low, *high]) {
                exchange(low, high);
            }
        }
        // At most 256 values below 2^30.
        let mut sums = [0i64; BLOCK];
        for row in rows.iter().skip(trim).take(kept) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(i64::from(*value));
            }
        }
        let left = to_usize(len).saturating_sub(start);
        out.extend(sums.iter().take(left).map(|sum| divide.round(*sum)));
    }
    out
}

fn exchange(low: &mut [i32; BLOCK], high: &mut [i32; BLOCK]) {
    for (a, b) in low.iter_mut().zip(high) {
        (*a, *b) = ((*a).min(*b), (*a).max(*b));
    }
}

/// Comparators of Batcher's merge exchange for `n` values (Knuth, The Art of Computer Programming 3, algorithm 5.2.2M):
/// the same work whatever the values, on whole blocks of coordinates at a time.
fn sorting_network(n: usize) -> Vec<(usize, usize)> {
    let mut out = Vec::new();
    let top = n.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut d) = (top, 0, p);
        loop {
            let pairs = (0..n.saturating_sub(d)).filter(|i| i & p == r);
            out.extend(pairs.map(|i| (i, i.saturating_add(d))));
            if q == p {
                break;
            }
            d = q.saturating_sub(p);
            q /= 2;
            r = p;
        }
        p /= 2;
    }
    out
}

/// Reads a chunk's grid steps block after block.
struct Column<'a> {
    chunk: &'a DeltaChunk,
    sparse: Vec<(usize, i8)>,
    read: usize,
}

impl<'a> Column<'a> {
    fn new(chunk: &'a DeltaChunk) -> Self {
        let sparse = match chunk {
            DeltaChunk::Dense { .. } => Vec::new(),
            DeltaChunk::Sparse { gaps, codes, .. } => entries(gaps, codes).collect(),
        };
        Self {
            chunk,
            sparse,
            read: 0,
        }
    }

    /// Writes the steps of the block at `start` to `row`. Blocks are read in ascending order.
    fn fill(&mut self, start: usize, row: &mut [i32; BLOCK]) {
        let shift = self.chunk.shift();
        match self.chunk {
            DeltaChunk::Dense { codes, .. } => {
                let codes = codes.get(start..).unwrap_or_default();
                for (value, code) in row.iter_mut().zip(codes) {
                    *value = scaled(*code, shift);
                }
            }
            DeltaChunk::Sparse { .. } => {
                *row = [0; BLOCK];
                while let Some((index, code)) = self.sparse.get(self.read) {
                    let Some(value) = row.get_mut(index.saturating_sub(start)) else {
                        break;
                    };
                    *value = scaled(*code, shift);
                    self.read = self.read.saturating_add(1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sorting_network;

    #[test]
    fn network_should_sort_every_sequence_of_zeros_and_ones() {
        // Knuth's zero-one principle: then it sorts everything.
        for n in 1..=16usize {
            let network = sorting_network(n);
            for bits in 0u32..1 << n {
                let mut values: Vec<u32> = (0..n).map(|i| bits >> i & 1).collect();
                for (a, b) in &network {
                    if values[*a] > values[*b] {
                        values.swap(*a, *b);
                    }
                }
                assert!(values.is_sorted(), "{n} values, {bits:b}");
            }
        }
    }

    #[test]
    fn network_should_sort_as_many_values_as_a_merge_may_have() {
        let mut x = 1u32;
        for n in [17, 31, 32, 33, 100, 255, 256] {
            let network = sorting_network(n);
            for _ in 0..50 {
                let mut values: Vec<u32> = (0..n)
                    .map(|_| {
                        x = x.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
                        x >> 24
                    })
                    .collect();
                for (a, b) in &network {
                    if values[*a] > values[*b] {
                        values.swap(*a, *b);
                    }
                }
                assert!(values.is_sorted(), "{n} values");
            }
        }
    }
}
