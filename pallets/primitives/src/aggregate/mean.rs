// SPDX-License-Identifier: GPL-3.0-or-later
//! Weighted mean and the weighted mean of clipped deltas.

use super::{AggregateError, MergeInput};
use crate::delta::{entries, DeltaChunk};
use crate::math::{div_round, to_usize};
use alloc::{vec, vec::Vec};

/// Mean of the deltas' grid steps, weighted: round_half_away(sum(w * step) / sum(w)). Equal to the exact mean within half
/// a grid step.
///
/// Bound: 256 deltas of weight below 2^16 and steps below 2^30 sum to below 2^54. The chunks are canonical for `len`.
pub fn weighted_mean(len: u32, inputs: &[MergeInput]) -> Result<Vec<i32>, AggregateError> {
    let common = inputs.iter().fold(0u16, |n, input| gcd(n, input.weight));
    // The common factor of the weights cancels; without it, equal weights need no multiplication.
    let weight = |w: u16| w.checked_div(common).unwrap_or(0);
    let total = inputs.iter().fold(0u32, |n, input| {
        n.saturating_add(u32::from(weight(input.weight)))
    });
    if total == 0 {
        return Err(AggregateError::Deltas);
    }
    let base = lowest_shift(inputs);
    // weight < 2^16 and shift <= 23: a factor is below 2^39, 256 of them below 2^47.
    let factor = |input: &MergeInput| {
        let above = u32::from(input.chunk.shift().wrapping_sub(base));
        u64::from(weight(input.weight)).wrapping_shl(above)
    };
    let factors = inputs
        .iter()
        .fold(0u64, |n, input| n.wrapping_add(factor(input)));
    let divide = Division::new(total);
    if factors < 1 << 24 {
        // Sums below 127 * 2^24 fit 32 bits.
        let mut sums = vec![0i32; to_usize(len)];
        for input in inputs {
            let f = i32::try_from(factor(input)).unwrap_or(i32::MAX);
            if f.count_ones() == 1 {
                let shift = f.trailing_zeros();
                add_codes(&mut sums, input.chunk, |sum, code| {
                    sum.wrapping_add(i32::from(code).wrapping_shl(shift))
                });
            } else {
                add_codes(&mut sums, input.chunk, |sum, code| {
                    sum.wrapping_add(i32::from(code).wrapping_mul(f))
                });
            }
        }
        Ok(sums
            .iter()
            .map(|s| divide.round(i64::from(*s).wrapping_shl(u32::from(base))))
            .collect())
    } else {
        let mut sums = vec![0i64; to_usize(len)];
        for input in inputs {
            let f = i64::try_from(factor(input)).unwrap_or(i64::MAX);
            add_codes(&mut sums, input.chunk, |sum, code| {
                sum.wrapping_add(i64::from(code).wrapping_mul(f))
            });
        }
        Ok(sums
            .iter()
            .map(|s| divide.round(s.wrapping_shl(u32::from(base))))
            .collect())
    }
}

/// The factor that brings a norm down to `max_norm` (grid steps), in units of 2^-32: 2^32 for a norm within the bound,
/// otherwise max_norm / sqrt(norm_squared) rounded down: below the exact factor by less than 1.001 units.
pub fn clip_factor(norm_squared: u128, max_norm: u64) -> u64 {
    const ONE: u64 = 1 << 32;
    let max = u128::from(max_norm);
    // A product of two 64-bit numbers.
    if norm_squared <= max.wrapping_mul(max) {
        return ONE;
    }
    // With its highest bits in use the square has a root of 2^63 at least: rounded up, too large by 2^-63 of itself.
    let spare = norm_squared.leading_zeros() / 2;
    let norm = norm_squared
        .wrapping_shl(spare.wrapping_mul(2))
        .isqrt()
        .wrapping_add(1);
    // max_norm < sqrt(norm_squared) < 2^(64 - spare): the numerator is below 2^96.
    let factor = max.wrapping_shl(spare.wrapping_add(32)).checked_div(norm);
    factor.map_or(ONE, |f| u64::try_from(f).unwrap_or(ONE))
}

/// Weighted mean of the deltas, each scaled down to a norm of at most `max_norm` (grid steps) where it is longer:
/// round_half_away(sum(w * f * step) / (2^32 * sum(w))) with f from [`clip_factor`]. Within 0.76 grid steps of the exact
/// value: 0.5 for the rounding, 0.26 for the factor's error on steps below 2^30. Without a delta beyond the bound this is the weighted
/// mean to the bit.
pub fn clipped_mean(
    len: u32,
    inputs: &[MergeInput],
    max_norm: u64,
) -> Result<Vec<i32>, AggregateError> {
    if inputs
        .iter()
        .all(|input| clip_factor(input.norm_squared, max_norm) == 1 << 32)
    {
        return weighted_mean(len, inputs);
    }
    let total = inputs
        .iter()
        .fold(0u64, |n, input| n.wrapping_add(u64::from(input.weight)));
    if total == 0 {
        return Err(AggregateError::Deltas);
    }
    let base = lowest_shift(inputs);
    // weight < 2^16, factor <= 2^32, shift <= 23: below 2^71, 256 of them below 2^79.
    let factor = |input: &MergeInput| {
        let above = u32::from(input.chunk.shift().wrapping_sub(base));
        u128::from(input.weight)
            .wrapping_mul(u128::from(clip_factor(input.norm_squared, max_norm)))
            .wrapping_shl(above)
    };
    let factors = inputs
        .iter()
        .fold(0u128, |n, input| n.wrapping_add(factor(input)));
    // total < 2^24 and base <= 23: the denominator, with the common shift taken out, is below 2^56.
    let denominator = total.wrapping_shl(32u32.wrapping_sub(u32::from(base)));
    let denominator = i64::try_from(denominator).unwrap_or(i64::MAX);
    if factors < 1 << 56 {
        // Sums below 127 * 2^56 fit 64 bits.
        let mut sums = vec![0i64; to_usize(len)];
        for input in inputs {
            let f = i64::try_from(factor(input)).unwrap_or(i64::MAX);
            add_codes(&mut sums, input.chunk, |sum, code| {
                sum.wrapping_add(i64::from(code).wrapping_mul(f))
            });
        }
        // A mean of steps below 2^30 is below 2^30.
        let round = |sum: &i64| i32::try_from(div_round(*sum, denominator)).unwrap_or(i32::MAX);
        Ok(sums.iter().map(round).collect())
    } else {
        let mut sums = vec![0i128; to_usize(len)];
        for input in inputs {
            let f = i128::try_from(factor(input)).unwrap_or(i128::MAX);
            add_codes(&mut sums, input.chunk, |sum, code| {
                sum.wrapping_add(i128::from(code).wrapping_mul(f))
            });
        }
        let denominator = i128::from(denominator);
        Ok(sums
            .iter()
            .map(|sum| divide_wide(*sum, denominator))
            .collect())
    }
}

/// `sum / denominator` rounded half away from zero; `sum` below 2^86, a positive denominator, a quotient below 2^30.
fn divide_wide(sum: i128, denominator: i128) -> i32 {
    let half = denominator / 2;
    let rounded = sum
        .wrapping_abs()
        .wrapping_add(half)
        .checked_div(denominator)
        .unwrap_or(0);
    i32::try_from(rounded.wrapping_mul(sum.signum())).unwrap_or(i32::MAX)
}

fn lowest_shift(inputs: &[MergeInput]) -> u8 {
    let shifts = inputs.iter().map(|input| input.chunk.shift());
    shifts.min().unwrap_or(0)
}

fn gcd(a: u16, b: u16) -> u16 {
    match a.checked_rem(b) {
        None => a,
        Some(rest) => gcd(b, rest),
    }
}

/// Folds every code of a chunk into the sum of its parameter.
#[inline(always)]
fn add_codes<T: Copy>(sums: &mut [T], chunk: &DeltaChunk, add: impl Fn(T, i8) -> T) {
    match chunk {
        DeltaChunk::Dense { codes, .. } => {
            for (sum, code) in sums.iter_mut().zip(codes) {
                *sum = add(*sum, *code);
            }
        }
        DeltaChunk::Sparse { gaps, codes, .. } => {
            for (index, code) in entries(gaps, codes) {
                if let Some(sum) = sums.get_mut(index) {
                    *sum = add(*sum, code);
                }
            }
        }
    }
}

/// Division by one divisor of many numerators below 2^56 in absolute value, rounding half away from zero, by the
/// multiply-and-shift of Granlund and Montgomery (1994, theorem 4.2): with l = ceil(log2 d) and
/// m = floor(2^(56 + l) / d) + 1, floor(n / d) = floor(n m / 2^(56 + l)) for every n below 2^56.
pub(super) struct Division {
    half: u64,
    multiplier: u64,
    shift: u32,
}

impl Division {
    const BITS: u32 = 56;

    /// `divisor` is positive and below 2^24, so that the multiplier is at most 2^57.
    pub(super) fn new(divisor: u32) -> Self {
        let log = divisor.next_power_of_two().trailing_zeros();
        let shift = Self::BITS.wrapping_add(log);
        let quotient = 1u128
            .wrapping_shl(shift)
            .checked_div(u128::from(divisor))
            .unwrap_or(0);
        let multiplier = u64::try_from(quotient).unwrap_or(u64::MAX).wrapping_add(1);
        Self {
            half: u64::from(divisor / 2),
            multiplier,
            shift,
        }
    }

    #[inline(always)]
    pub(super) fn round(&self, n: i64) -> i32 {
        let magnitude = u128::from(n.unsigned_abs().wrapping_add(self.half));
        let quotient = magnitude
            .wrapping_mul(u128::from(self.multiplier))
            .wrapping_shr(self.shift);
        // A mean of steps below 2^30 is below 2^30.
        let quotient = i32::try_from(quotient).unwrap_or(i32::MAX);
        if n < 0 {
            quotient.wrapping_neg()
        } else {
            quotient
        }
    }
}
