// SPDX-License-Identifier: GPL-3.0-or-later
//! Order statistics of each coordinate: trimmed mean and median.

use super::mean::Division;
use super::MergeInput;
use crate::delta::{entries, scaled, DeltaChunk};
use crate::math::{to_u32, to_usize};
use alloc::{vec, vec::Vec};

/// Coordinates that are sorted side by side.
const BLOCK: usize = 64;
/// Most deltas whose columns are sorted by the network; it grows faster than the number of deltas, and the runtime has no
/// registers of several values.
const NETWORK_MOST: usize = 64;

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
    let divide = Division::new(to_u32(kept).max(1));
    let middle = if count <= NETWORK_MOST {
        Middle::sorted
    } else {
        Middle::selected
    };
    let mut middle_of = Middle::new(count, trim, kept);
    let mut columns: Vec<Column> = inputs.iter().map(|i| Column::new(i.chunk)).collect();
    let mut rows = vec![[0i32; BLOCK]; count];
    let mut out = Vec::with_capacity(to_usize(len));
    for start in (0..to_usize(len)).step_by(BLOCK) {
        for (row, column) in rows.iter_mut().zip(&mut columns) {
            column.fill(start, row);
        }
        let sums = middle(&mut middle_of, &mut rows);
        let left = to_usize(len).saturating_sub(start);
        out.extend(sums.iter().take(left).map(|sum| divide.round(*sum)));
    }
    out
}

/// Sums of the values from place `trim` on, `kept` of them, of each of [`BLOCK`] columns in ascending order.
struct Middle {
    trim: usize,
    kept: usize,
    network: Vec<(usize, usize)>,
    column: Vec<i32>,
}

impl Middle {
    /// `trim` is less than `count`, `kept` positive and `trim + kept` at most `count`.
    fn new(count: usize, trim: usize, kept: usize) -> Self {
        Self {
            trim,
            kept,
            network: if count <= NETWORK_MOST {
                sorting_network(count)
            } else {
                Vec::new()
            },
            column: vec![0; count],
        }
    }

    /// By sorting all columns side by side: fast where a processor has several values in a register.
    fn sorted(&mut self, rows: &mut [[i32; BLOCK]]) -> [i64; BLOCK] {
        for (low, high) in &self.network {
            if let Ok([low, high]) = rows.get_disjoint_mut([*low, *high]) {
                exchange(low, high);
            }
        }
        // At most 256 values below 2^30.
        let mut sums = [0i64; BLOCK];
        for row in rows.iter().skip(self.trim).take(self.kept) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum = sum.wrapping_add(i64::from(*value));
            }
        }
        sums
    }

    /// By partitioning one column after the other, in time linear in their length.
    fn selected(&mut self, rows: &mut [[i32; BLOCK]]) -> [i64; BLOCK] {
        let mut sums = [0i64; BLOCK];
        for (at, sum) in sums.iter_mut().enumerate() {
            for (value, row) in self.column.iter_mut().zip(rows.iter()) {
                *value = row.get(at).copied().unwrap_or(0);
            }
            self.column.select_nth_unstable(self.trim);
            let upper = self.column.get_mut(self.trim..).unwrap_or_default();
            upper.select_nth_unstable(self.kept.saturating_sub(1));
            *sum = upper.iter().take(self.kept).copied().map(i64::from).sum();
        }
        sums
    }
}

fn exchange(low: &mut [i32; BLOCK], high: &mut [i32; BLOCK]) {
    for (a, b) in low.iter_mut().zip(high) {
        (*a, *b) = ((*a).min(*b), (*a).max(*b));
    }
}

/// Comparators of Batcher's merge exchange for `n` values (Knuth, The Art of Computer Programming 3, algorithm 5.2.2M).
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
    use super::*;

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
    fn sorting_and_selecting_should_agree_with_a_sort_for_every_number_of_deltas() {
        let mut x = 1u32;
        for count in (1..40).chain([63, 64, 100, 255, 256]) {
            let mut rows = vec![[0i32; BLOCK]; count];
            for value in rows.iter_mut().flatten() {
                x = x.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
                // Many equal values, and the largest.
                *value = (x.cast_signed() >> 2) >> (x % 30);
            }
            let columns: Vec<Vec<i32>> = (0..BLOCK)
                .map(|at| {
                    let mut column: Vec<i32> = rows.iter().map(|row| row[at]).collect();
                    column.sort();
                    column
                })
                .collect();
            for trim in [0, count / 4, (count - 1) / 2] {
                let kept = count - 2 * trim;
                let expected = columns.iter().map(|c| {
                    let middle = c[trim..trim + kept].iter();
                    middle.map(|v| i64::from(*v)).sum::<i64>()
                });
                let expected: Vec<i64> = expected.collect();
                let mut middle = Middle::new(count, trim, kept);
                middle.network = sorting_network(count);
                assert_eq!(middle.selected(&mut rows.clone()).to_vec(), expected);
                assert_eq!(middle.sorted(&mut rows.clone()).to_vec(), expected);
            }
        }
    }
}
