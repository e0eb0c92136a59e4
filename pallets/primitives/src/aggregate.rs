// SPDX-License-Identifier: GPL-3.0-or-later
//! Integer aggregation of accepted deltas, chunk by chunk, independent of the order of the deltas.

use crate::delta::DeltaChunk;
use crate::math::{clamp_i32, scale_q16, to_usize};
use crate::recipe::{AggregationRule, ServerOptimiser};
use alloc::{vec, vec::Vec};

/// Most deltas in one merge.
pub const MAX_DELTAS: usize = 256;

/// Why a merge of a chunk is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AggregateError {
    /// No deltas, more than [`MAX_DELTAS`], or a total weight of zero.
    Deltas,
    /// A delta chunk is not canonical for this chunk's length.
    Chunk,
    /// The moments do not have the chunk's length or number.
    Moments,
    /// The rule or server optimiser is not served by this version.
    NotServed,
}

/// Mean of the deltas' grid steps, weighted: round_half_away(sum(w * step) / sum(w)).
///
/// Bound: 256 deltas of weight below 2^16 and steps below 2^30 sum to below 2^54.
pub fn weighted_mean(len: u32, deltas: &[(&DeltaChunk, u16)]) -> Result<Vec<i32>, AggregateError> {
    let common = deltas.iter().fold(0u16, |n, (_, w)| gcd(n, *w));
    // The common factor of the weights cancels; without it, equal weights need no multiplication.
    let weight = |w: u16| w.checked_div(common).unwrap_or(0);
    let total = deltas
        .iter()
        .fold(0u32, |n, (_, w)| n.saturating_add(u32::from(weight(*w))));
    if deltas.len() > MAX_DELTAS || total == 0 {
        return Err(AggregateError::Deltas);
    }
    for (chunk, _) in deltas {
        chunk.check(len).map_err(|_| AggregateError::Chunk)?;
    }
    let base = deltas
        .iter()
        .map(|(chunk, _)| chunk.shift())
        .min()
        .unwrap_or(0);
    // weight < 2^16 and shift <= 23: a factor is below 2^39, 256 of them below 2^47.
    let factor = |chunk: &DeltaChunk, w: u16| {
        u64::from(weight(w)).wrapping_shl(u32::from(chunk.shift().wrapping_sub(base)))
    };
    let factors = deltas
        .iter()
        .fold(0u64, |n, (c, w)| n.wrapping_add(factor(c, *w)));
    let divide = Division::new(total);
    if factors < 1 << 24 {
        // Sums below 127 * 2^24 fit 32 bits.
        let mut sums = vec![0i32; to_usize(len)];
        for (chunk, w) in deltas {
            let f = i32::try_from(factor(chunk, *w)).unwrap_or(i32::MAX);
            if f.count_ones() == 1 {
                let shift = f.trailing_zeros();
                add_codes(&mut sums, chunk, |sum, code| {
                    sum.wrapping_add(i32::from(code).wrapping_shl(shift))
                });
            } else {
                add_codes(&mut sums, chunk, |sum, code| {
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
        for (chunk, w) in deltas {
            let f = i64::try_from(factor(chunk, *w)).unwrap_or(i64::MAX);
            add_codes(&mut sums, chunk, |sum, code| {
                sum.wrapping_add(i64::from(code).wrapping_mul(f))
            });
        }
        Ok(sums
            .iter()
            .map(|s| divide.round(s.wrapping_shl(u32::from(base))))
            .collect())
    }
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
        DeltaChunk::Sparse { indices, codes, .. } => {
            for (index, code) in indices.iter().zip(codes) {
                if let Some(sum) = sums.get_mut(usize::from(*index)) {
                    *sum = add(*sum, *code);
                }
            }
        }
    }
}

/// Division by one divisor of many numerators below 2^56 in absolute value, rounding half away from zero, by the
/// multiply-and-shift of Granlund and Montgomery (1994, theorem 4.2): with l = ceil(log2 d) and
/// m = floor(2^(56 + l) / d) + 1, floor(n / d) = floor(n m / 2^(56 + l)) for every n below 2^56.
struct Division {
    half: u64,
    multiplier: u64,
    shift: u32,
}

impl Division {
    const BITS: u32 = 56;

    /// `divisor` is positive and below 2^24, so that the multiplier is at most 2^57.
    fn new(divisor: u32) -> Self {
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
    fn round(&self, n: i64) -> i32 {
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

/// Moves one chunk of the head by the aggregated update, and its moments with it (in place). Results clamp to i32.
pub fn apply(
    server: &ServerOptimiser,
    head: &mut [i32],
    moments: &mut [i32],
    update: &[i32],
) -> Result<(), AggregateError> {
    match server {
        ServerOptimiser::Sgd { learning_rate } => {
            if !moments.is_empty() || head.len() != update.len() {
                return Err(AggregateError::Moments);
            }
            for (x, g) in head.iter_mut().zip(update) {
                *x = clamp_i32(i64::from(*x).wrapping_add(scale_q16(*g, *learning_rate)));
            }
            Ok(())
        }
        ServerOptimiser::Nesterov {
            learning_rate,
            momentum,
        } => {
            if moments.len() != head.len() || head.len() != update.len() {
                return Err(AggregateError::Moments);
            }
            for ((x, v), g) in head.iter_mut().zip(moments.iter_mut()).zip(update) {
                *v = clamp_i32(scale_q16(*v, *momentum).wrapping_add(i64::from(*g)));
                let ahead = clamp_i32(scale_q16(*v, *momentum).wrapping_add(i64::from(*g)));
                *x = clamp_i32(i64::from(*x).wrapping_add(scale_q16(ahead, *learning_rate)));
            }
            Ok(())
        }
        ServerOptimiser::Adam { .. } => Err(AggregateError::NotServed),
    }
}

/// One chunk of a merge: aggregate by `rule`, then step the server optimiser. The worker and a fraud proof call this.
pub fn merge_chunk(
    rule: &AggregationRule,
    server: &ServerOptimiser,
    head: &mut [i32],
    moments: &mut [i32],
    deltas: &[(&DeltaChunk, u16)],
) -> Result<(), AggregateError> {
    let update = match rule {
        AggregationRule::WeightedMean => weighted_mean(crate::math::to_u32(head.len()), deltas)?,
        _ => return Err(AggregateError::NotServed),
    };
    apply(server, head, moments, &update)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::quantise_dense;
    use proptest::prelude::*;

    fn case() -> impl Strategy<Value = (Vec<DeltaChunk>, Vec<u16>)> {
        (1usize..40, 1usize..12, any::<bool>()).prop_flat_map(|(len, n, small)| {
            (
                prop::collection::vec(prop::collection::vec(-(1i32 << 29)..(1 << 29), len), n),
                prop::collection::vec(if small { 1u16..8 } else { 1..u16::MAX }, n),
                0u32..29,
            )
                .prop_map(|(rows, w, s)| {
                    (
                        rows.iter()
                            .map(|r| quantise_dense(&r.iter().map(|x| x >> s).collect::<Vec<_>>()))
                            .collect(),
                        w,
                    )
                })
        })
    }

    proptest! {
        #[test]
        fn mean_should_be_within_half_a_step_of_the_float_reference_in_any_order((chunks, weights) in case(), turn in 0usize..12) {
            let DeltaChunk::Dense { codes, .. } = &chunks[0] else { unreachable!() };
            let len = codes.len();
            let mut pairs: Vec<(&DeltaChunk, u16)> = chunks.iter().zip(weights.iter().copied()).collect();
            let mean = weighted_mean(len as u32, &pairs).unwrap();
            let n = pairs.len();
            pairs.rotate_left(turn % n);
            prop_assert_eq!(&mean, &weighted_mean(len as u32, &pairs).unwrap());
            let total: f64 = weights.iter().map(|w| *w as f64).sum();
            for (i, got) in mean.iter().enumerate() {
                let sum: f64 = pairs.iter().map(|(c, w)| c.steps(len as u32)[i] as f64 * *w as f64).sum();
                prop_assert!((*got as f64 - sum / total).abs() <= 0.5 + 1e-6);
            }
        }

        #[test]
        fn division_should_round_half_away_for_every_total(n in -(1i64 << 55)..(1i64 << 55), d in 1u32..(1 << 24), near in 0i64..4) {
            let tie = n / i64::from(d) % (1 << 29) * i64::from(d) + i64::from(d / 2) - 2 + near;
            for n in [n % (i64::from(d) << 30), tie] {
                prop_assert_eq!(i64::from(Division::new(d).round(n)), crate::math::div_round(n, i64::from(d)), "{} / {}", n, d);
            }
        }

        #[test]
        fn mean_of_equal_deltas_should_be_that_delta((chunks, weights) in case()) {
            let DeltaChunk::Dense { codes, .. } = &chunks[0] else { unreachable!() };
            let len = codes.len() as u32;
            let pairs: Vec<_> = weights.iter().map(|w| (&chunks[0], *w)).collect();
            prop_assert_eq!(weighted_mean(len, &pairs).unwrap(), chunks[0].steps(len));
        }

        #[test]
        fn nesterov_should_follow_the_float_reference(g in -(1i32 << 20)..(1 << 20), v in -(1i32 << 20)..(1 << 20), x in -(1i32 << 24)..(1 << 24)) {
            let (lr, m) = (45_875u32, 39_322u32);
            let (mut head, mut moments) = ([x], [v]);
            apply(&ServerOptimiser::Nesterov { learning_rate: lr, momentum: m }, &mut head, &mut moments, &[g]).unwrap();
            let (lr, m) = (lr as f64 / 65536.0, m as f64 / 65536.0);
            let v1 = m * v as f64 + g as f64;
            prop_assert!((moments[0] as f64 - v1).abs() <= 0.51);
            prop_assert!((head[0] as f64 - (x as f64 + lr * (g as f64 + m * v1))).abs() <= 1.7);
        }
    }

    #[test]
    fn merge_should_refuse_bad_input_by_name() {
        let chunk = quantise_dense(&[1, 2, 3]);
        assert_eq!(weighted_mean(3, &[]), Err(AggregateError::Deltas));
        assert_eq!(
            weighted_mean(3, &[(&chunk, 0)]),
            Err(AggregateError::Deltas)
        );
        assert_eq!(weighted_mean(4, &[(&chunk, 1)]), Err(AggregateError::Chunk));
        assert_eq!(
            weighted_mean(3, &vec![(&chunk, 1); 257]),
            Err(AggregateError::Deltas)
        );
        let sgd = ServerOptimiser::Sgd {
            learning_rate: 1 << 16,
        };
        assert_eq!(
            apply(&sgd, &mut [0; 3], &mut [0; 3], &[1; 3]),
            Err(AggregateError::Moments)
        );
        let nesterov = ServerOptimiser::Nesterov {
            learning_rate: 1 << 16,
            momentum: 0,
        };
        assert_eq!(
            apply(&nesterov, &mut [0; 3], &mut [], &[1; 3]),
            Err(AggregateError::Moments)
        );
        let rule = AggregationRule::Median;
        assert_eq!(
            merge_chunk(&rule, &sgd, &mut [0; 3], &mut [], &[(&chunk, 1)]),
            Err(AggregateError::NotServed)
        );
    }

    #[test]
    fn mean_should_not_overflow_at_the_bounds() {
        let chunk = quantise_dense(&[i32::MAX, i32::MIN]);
        let pairs = vec![(&chunk, u16::MAX); 256];
        assert_eq!(weighted_mean(2, &pairs).unwrap(), chunk.steps(2));
    }
}
