// SPDX-License-Identifier: GPL-3.0-or-later
//! Server optimisers: how the aggregated update moves the head.

use super::AggregateError;
use crate::math::{clamp_i32, div_round, scale_q16};
use crate::recipe::ServerOptimiser;

/// Adam's moments are in units of 2^-8 grid steps.
pub const ADAM_FRACTION: u32 = 8;

/// Moves one chunk of the head by the aggregated update g (grid steps), and its moments with it, in place. Results clamp to
/// `i32`; every rounding is half away from zero.
///
/// - SGD: `x += lr * g`; within half a grid step.
/// - Nesterov: moment v in grid steps.
/// - Adam (Reddi et al. 2021, algorithm 2, without bias correction, moments from zero): the first moment m and the square
///   root r of the second moment, both `i32` in units of 2^-8 grid steps:
///   m = b1 m + (1 - b1) g; r = sqrt(b2 r^2 + (1 - b2) g^2); x += lr * m / (r + epsilon), with lr and epsilon in grid steps.
///   |g| is taken as at most 2^23 grid steps. m is within 0.5 / (1 - b1) units of the exact moment after any number of
///   rounds; r within 0.51 / (1 - sqrt(b2)) units, since a step shrinks an error by at least sqrt(b2). (Of the second moment
///   itself `i32` could not hold the squares of both small and large updates.)
pub fn apply(
    server: &ServerOptimiser,
    head: &mut [i32],
    moments: &mut [i32],
    update: &[i32],
) -> Result<(), AggregateError> {
    let expected = head
        .len()
        .checked_mul(crate::math::to_usize(server.moments()));
    if expected != Some(moments.len()) || head.len() != update.len() {
        return Err(AggregateError::Moments);
    }
    match *server {
        ServerOptimiser::Sgd { learning_rate } => {
            for (x, g) in head.iter_mut().zip(update) {
                *x = clamp_i32(i64::from(*x).wrapping_add(scale_q16(*g, learning_rate)));
            }
        }
        ServerOptimiser::Nesterov {
            learning_rate,
            momentum,
        } => {
            for ((x, v), g) in head.iter_mut().zip(moments.iter_mut()).zip(update) {
                *v = clamp_i32(scale_q16(*v, momentum).wrapping_add(i64::from(*g)));
                let ahead = clamp_i32(scale_q16(*v, momentum).wrapping_add(i64::from(*g)));
                *x = clamp_i32(i64::from(*x).wrapping_add(scale_q16(ahead, learning_rate)));
            }
        }
        ServerOptimiser::Adam {
            learning_rate,
            beta1,
            beta2,
            epsilon,
        } => {
            let epsilon = i64::from(epsilon).wrapping_shl(ADAM_FRACTION).max(1);
            let (first, roots) = moments.split_at_mut_checked(head.len()).unwrap_or_default();
            for (((x, m), r), g) in head.iter_mut().zip(first).zip(roots).zip(update) {
                let g = clamp_i32(i64::from(*g).wrapping_shl(ADAM_FRACTION));
                *m = mix(*m, g, beta1);
                *r = root_mean(*r, g, beta2);
                // Below 2^32 * 2^31; the denominator is at most 2^31 + 2^40.
                let step = i64::from(learning_rate).wrapping_mul(i64::from(*m));
                let step = div_round(step, i64::from(*r).wrapping_add(epsilon));
                *x = clamp_i32(i64::from(*x).saturating_add(step));
            }
        }
    }
    Ok(())
}

/// `decay * old + (1 - decay) * new`, decay in units of 2^-16 and at most 1.
fn mix(old: i32, new: i32, decay: u32) -> i32 {
    let decay = i64::from(decay.min(1 << 16));
    let fresh = (1i64 << 16).wrapping_sub(decay);
    // Both products are below 2^47, their sum at most 2^16 * 2^31.
    let sum = decay
        .wrapping_mul(i64::from(old))
        .wrapping_add(fresh.wrapping_mul(i64::from(new)));
    clamp_i32(sum.wrapping_add(1 << 15).wrapping_add(sum >> 63) >> 16)
}

/// `sqrt(decay * old^2 + (1 - decay) * new^2)`, decay in units of 2^-16 and at most 1; within 0.51.
fn root_mean(old: i32, new: i32, decay: u32) -> i32 {
    let square = |n: i32| u64::from(n.unsigned_abs()).wrapping_mul(u64::from(n.unsigned_abs()));
    let decay = u128::from(decay.min(1 << 16));
    let fresh = (1u128 << 16).wrapping_sub(decay);
    // Squares are at most 2^62, the sum at most 2^78, in units of 2^-16; its root at most 2^39, in units of 2^-8.
    let sum = decay
        .wrapping_mul(u128::from(square(old)))
        .wrapping_add(fresh.wrapping_mul(u128::from(square(new))));
    let root = u64::try_from(sum).map_or_else(
        |_| u64::try_from(sum.isqrt()).unwrap_or(u64::MAX),
        u64::isqrt,
    );
    let rounded = root.wrapping_add(1 << 7) >> 8;
    i32::try_from(rounded).unwrap_or(i32::MAX)
}
