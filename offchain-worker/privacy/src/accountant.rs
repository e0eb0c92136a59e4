// SPDX-License-Identifier: GPL-3.0-or-later
//! What sums with noise give away, as concentrated differential privacy (zCDP: Bun, Steinke 2016), and what that means as (epsilon,
//! delta).
//!
//! - CKS: Canonne, Kamath, Steinke, "The discrete Gaussian for differential privacy" (2020);
//! - KLS: Kairouz, Liu, Steinke, "The distributed discrete Gaussian mechanism for federated learning with secure aggregation"
//!   (2021).
//!
//! `tests/figures.py` computes the same figures in other ways.

use std::f64::consts::PI;

/// By how much results are raised: far more than the rounding errors of a few hundred operations.
const OUTWARD: f64 = 1.0 + 1e-9;
/// The part of delta that may go to noise beyond the range of a code.
const TAIL_PART: f64 = 1.0 / 16.0;

/// Bound tau on |ln(P(x) / Q(x))|, where P is the sum of `shares` discrete Gaussians of parameter `variance` and Q the discrete
/// Gaussian of `shares` x `variance` (KLS, theorem 1: 10 times the sum of exp(-2 pi^2 variance k / (k + 1)), k = 1 to
/// shares - 1). `variance` is at least 1/4.
pub fn sum_divergence(shares: u32, variance: u32) -> f64 {
    let term = |k: u32| {
        let k = f64::from(k);
        (-2.0 * PI * PI * f64::from(variance) * k / (k + 1.0)).exp()
    };
    10.0 * (1..shares).map(term).sum::<f64>() * OUTWARD
}

/// zCDP's rho of a sum of vectors of `values` integers in which one vector of norm at most `norm` is there or not, under the noise
/// of `shares` contributors (KLS, proposition 14).
pub fn rho(norm: u64, shares: u32, variance: u32, values: u64) -> f64 {
    let tau = sum_divergence(shares, variance);
    let ratio = norm as f64 / (f64::from(shares) * f64::from(variance)).sqrt();
    let by_values = ratio * ratio / 2.0 + tau * values as f64;
    let by_root = (ratio + tau * (values as f64).sqrt()).powi(2) / 2.0;
    by_values.min(by_root) * OUTWARD
}

/// The epsilon at `delta` of a mechanism that satisfies `rho`-zCDP: the least over alpha > 1 of alpha rho + (ln(1 / delta) +
/// (alpha - 1) ln(1 - 1 / alpha) - ln(alpha)) / (alpha - 1) (CKS, proposition 12 with the Rényi divergence alpha rho). Each alpha
/// gives a true bound, so that an imperfect search errs to the safe side.
pub fn epsilon(rho: f64, delta: f64) -> f64 {
    if rho == 0.0 {
        return 0.0;
    }
    let at = |log: f64| {
        let order = log.exp();
        let alpha = 1.0 + order;
        let correction = order * (order / alpha).ln() - alpha.ln();
        alpha * rho + (correction - delta.ln()) / order
    };
    const STEP: f64 = 0.1;
    let grid = (-300..=300).map(|i| f64::from(i) * STEP);
    let start = grid.min_by(|a, b| at(*a).total_cmp(&at(*b)));
    let start = start.expect("the grid has points");
    let (mut low, mut high) = (start - STEP, start + STEP);
    for _ in 0..60 {
        let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if at(left) < at(right) {
            high = right;
        } else {
            low = left;
        }
    }
    at(low).min(at(start)).max(0.0) * OUTWARD
}

/// Chance that the absolute value of a discrete Gaussian of parameter `variance` is above `room`.
pub fn tail(variance: u32, room: u32) -> f64 {
    let double = 2.0 * f64::from(variance);
    let weight = |x: u32| (-f64::from(x).powi(2) / double).exp();
    // 40 deviations on the weights are below the least positive number.
    let end = 40 * (variance.isqrt() + 1);
    let total = 1.0 + 2.0 * (1..=end).map(weight).sum::<f64>();
    let beyond = (room.saturating_add(1)..=end)
        .rev()
        .map(weight)
        .sum::<f64>();
    2.0 * beyond / total * OUTWARD
}

/// The epsilon at `delta` of a mechanism that differs from one with `rho`-zCDP with a chance of at most `difference`.
///
/// With M at a total variation of at most b from an (e, d)-private one, M is (e, d + (1 + exp(e)) b)-private. Nothing, where b
/// takes more than a sixteenth of `delta`.
pub fn epsilon_with_tail(rho: f64, delta: f64, difference: f64) -> Option<f64> {
    let epsilon = epsilon(rho, delta * (1.0 - TAIL_PART));
    let spent = (1.0 + epsilon.exp()) * difference * OUTWARD;
    (spent <= delta * TAIL_PART).then_some(epsilon)
}
