// SPDX-License-Identifier: GPL-3.0-or-later
//! AdamW over one flat buffer.
//!
//! libtorch's fused kernel is not among tch's bindings, and this loop is as fast: one pass over memory. It uses only
//! operations that IEEE 754 rounds correctly, in a fixed order, so an optimiser step has the same bits on every machine.

use crate::TrainingState;
use dream_primitives::recipe::Optimiser;

/// Partial sums of the gradient norm. Fixed, because the order of additions is part of the result.
const LANES: usize = 16;

/// AdamW's constants as floats: `f32(f64(integer) * unit)`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AdamW {
    /// Learning rate.
    pub learning_rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the denominator.
    pub epsilon: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Largest gradient norm; zero means no clipping.
    pub max_norm: f32,
}

impl From<Optimiser> for AdamW {
    fn from(optimiser: Optimiser) -> Self {
        let Optimiser::AdamW {
            learning_rate,
            beta1,
            beta2,
            epsilon,
            weight_decay,
            max_norm,
        } = optimiser;
        let nano = |n: u32| (f64::from(n) * 1e-9) as f32;
        Self {
            learning_rate: nano(learning_rate),
            beta1: nano(beta1),
            beta2: nano(beta2),
            epsilon: (f64::from(epsilon) * 1e-12) as f32,
            weight_decay: nano(weight_decay),
            max_norm: nano(max_norm),
        }
    }
}

/// Euclidean norm: squares and sums in f64, in 16 interleaved partial sums that are added from first to last.
pub fn norm(values: &[f32]) -> f32 {
    let mut lanes = [0f64; LANES];
    let blocks = values.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        for (lane, v) in lanes.iter_mut().zip(block) {
            *lane += f64::from(*v) * f64::from(*v);
        }
    }
    for (lane, v) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(*v) * f64::from(*v);
    }
    lanes.iter().sum::<f64>().sqrt() as f32
}

/// `base^exponent` by squaring: the same roundings everywhere, which a library's `pow` does not promise.
fn power(base: f64, exponent: u64) -> f64 {
    let (mut out, mut square, mut left) = (1.0, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            out *= square;
        }
        square *= square;
        left >>= 1;
    }
    out
}

impl AdamW {
    /// One step (Loshchilov and Hutter 2019, algorithm 2, with the constant schedule and decay scaled by the learning
    /// rate, as every library has it): advances `state` by the gradient and returns the gradient's norm before clipping.
    ///
    /// Panics if the gradient's length differs from the state's.
    pub fn step(&self, state: &mut TrainingState, gradient: &[f32]) -> f32 {
        let n = state.params.len();
        assert!(
            gradient.len() == n && state.exp_avg.len() == n && state.exp_avg_sq.len() == n,
            "lengths differ"
        );
        let norm = norm(gradient);
        let clip = if self.max_norm > 0.0 && norm > self.max_norm {
            self.max_norm / norm
        } else {
            1.0
        };
        state.step += 1;
        let correction1 = 1.0 - power(f64::from(self.beta1), state.step);
        let correction2 = 1.0 - power(f64::from(self.beta2), state.step);
        let rate = (f64::from(self.learning_rate) / correction1) as f32;
        let scale = (1.0 / correction2.sqrt()) as f32;
        let keep = (1.0 - f64::from(self.learning_rate) * f64::from(self.weight_decay)) as f32;
        let (beta1, beta2) = (self.beta1, self.beta2);
        let (rest1, rest2) = (1.0 - beta1, 1.0 - beta2);
        let moments = state.exp_avg.iter_mut().zip(state.exp_avg_sq.iter_mut());
        for ((p, (m, v)), g) in state.params.iter_mut().zip(moments).zip(gradient) {
            let g = *g * clip;
            *m = *m * beta1 + g * rest1;
            *v = *v * beta2 + g * g * rest2;
            *p = *p * keep - rate * *m / (v.sqrt() * scale + self.epsilon);
        }
        norm
    }
}
