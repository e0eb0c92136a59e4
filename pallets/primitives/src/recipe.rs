// SPDX-License-Identifier: GPL-3.0-or-later
//! A branch's recipe: everything about training that a miner might otherwise choose.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most segments in a claim.
pub const MAX_SEGMENTS: u16 = 1024;

/// Inner optimiser, with its constants as integers so that every party derives the same floats:
/// `f32(f64(nano) * 1e-9)`.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Optimiser {
    /// AdamW (Loshchilov and Hutter 2019, algorithm 2), decoupled weight decay, bias correction.
    AdamW {
        /// Learning rate, 10^-9 units.
        learning_rate: u32,
        /// First-moment decay, 10^-9 units.
        beta1: u32,
        /// Second-moment decay, 10^-9 units.
        beta2: u32,
        /// Denominator's epsilon, 10^-12 units.
        epsilon: u32,
        /// Weight decay, 10^-9 units.
        weight_decay: u32,
        /// Largest global gradient norm, 10^-9 units; zero means no clipping.
        max_norm: u32,
    },
}

/// How accepted deltas become one update.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AggregationRule {
    /// Mean weighted by work (FedAvg).
    WeightedMean,
    /// Coordinate-wise mean without the lowest and highest `trim` values.
    TrimmedMean {
        /// Values dropped on each side.
        trim: u16,
    },
    /// Coordinate-wise median.
    Median,
    /// Mean of deltas scaled down to at most this norm.
    NormClip {
        /// Largest norm, in grid steps.
        max_norm: u64,
    },
    /// Multi-Krum with at most 32 claims.
    Krum {
        /// Hostile claims that the rule withstands.
        byzantine: u16,
        /// Claims that are averaged.
        selected: u16,
    },
}

/// How the update moves the head. Factors are in units of 2^-16.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ServerOptimiser {
    /// `x += lr * g`.
    Sgd {
        /// Learning rate, 2^-16 units.
        learning_rate: u32,
    },
    /// `v = m * v + g; x += lr * (g + m * v)` (Nesterov momentum as DiLoCo uses it).
    Nesterov {
        /// Learning rate, 2^-16 units.
        learning_rate: u32,
        /// Momentum, 2^-16 units.
        momentum: u32,
    },
    /// FedAdam (Reddi et al. 2021) with an integer square root.
    Adam {
        /// Learning rate, 2^-16 units.
        learning_rate: u32,
        /// First-moment decay, 2^-16 units.
        beta1: u32,
        /// Second-moment decay, 2^-16 units.
        beta2: u32,
        /// Added to the denominator, in grid steps.
        epsilon: u32,
    },
}

impl ServerOptimiser {
    /// Number of moment tensors of the size of the state.
    pub fn moments(&self) -> u32 {
        match self {
            Self::Sgd { .. } => 0,
            Self::Nesterov { .. } => 1,
            Self::Adam { .. } => 2,
        }
    }
}

/// How a delta is compressed.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum DeltaCodec {
    /// Dense int8 codes with one power-of-two shift a chunk.
    DenseInt8,
    /// The largest steps of each chunk as int8 codes.
    TopK {
        /// Steps kept in a chunk of 4096.
        per_chunk: u16,
    },
}

/// How replays are compared.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum NumericClass {
    /// Bit-equal within one profile.
    Exact,
    /// Distance relative to the size of the update.
    Tolerant {
        /// Largest relative distance, 10^-6 units.
        relative: u32,
    },
}

/// A branch's recipe.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Recipe {
    /// Segments of a full claim.
    pub segments: u16,
    /// Optimiser steps in a segment.
    pub steps: u16,
    /// Sequences in a batch.
    pub batch: u16,
    /// Tokens in a sequence.
    pub context: u32,
    /// Inner optimiser.
    pub optimiser: Optimiser,
    /// FedProx's proximal coefficient, 10^-9 units; zero means none.
    pub proximal: u32,
    /// Aggregation rule.
    pub rule: AggregationRule,
    /// Server optimiser.
    pub server: ServerOptimiser,
    /// Delta compression.
    pub delta: DeltaCodec,
    /// Whether what compression drops is added to the account's next delta.
    pub error_feedback: bool,
    /// How replays are compared.
    pub class: NumericClass,
}

/// Why a recipe is refused.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RecipeError {
    /// Segments outside 2..=[`MAX_SEGMENTS`] or fewer than are audited.
    Segments,
    /// Steps, batch or context is zero or too large.
    Sizes,
    /// An optimiser constant is out of range (rates and decays below 1, a positive learning rate).
    Optimiser,
    /// A server constant is out of range (learning rate at most 4, momentum below 1).
    Server,
    /// The rule, codec, class or option is defined but this runtime version does not serve it yet.
    NotServed,
}

const NANO: u32 = 1_000_000_000;
const ONE_Q16: u32 = 1 << 16;

impl Recipe {
    /// Checks ranges, and that this runtime serves what the recipe names.
    pub fn check(&self, audited_segments: u16) -> Result<(), RecipeError> {
        if self.segments < 2 || self.segments > MAX_SEGMENTS || self.segments < audited_segments {
            return Err(RecipeError::Segments);
        }
        let sizes_ok =
            self.steps > 0 && self.batch > 0 && self.context > 0 && self.context <= 1 << 17;
        if !sizes_ok {
            return Err(RecipeError::Sizes);
        }
        let Optimiser::AdamW {
            learning_rate,
            beta1,
            beta2,
            epsilon,
            weight_decay,
            ..
        } = self.optimiser;
        let rates_ok = learning_rate > 0 && learning_rate < NANO && beta1 < NANO && beta2 < NANO;
        if !rates_ok || epsilon == 0 || weight_decay >= NANO {
            return Err(RecipeError::Optimiser);
        }
        match self.server {
            ServerOptimiser::Sgd { learning_rate }
            | ServerOptimiser::Nesterov { learning_rate, .. }
                if learning_rate == 0 || learning_rate > ONE_Q16.saturating_mul(4) =>
            {
                return Err(RecipeError::Server)
            }
            ServerOptimiser::Nesterov { momentum, .. } if momentum >= ONE_Q16 => {
                return Err(RecipeError::Server)
            }
            ServerOptimiser::Adam { .. } => return Err(RecipeError::NotServed),
            _ => {}
        }
        let served = self.rule == AggregationRule::WeightedMean
            && self.delta == DeltaCodec::DenseInt8
            && self.class == NumericClass::Exact
            && self.proximal == 0
            && !self.error_feedback;
        if served {
            Ok(())
        } else {
            Err(RecipeError::NotServed)
        }
    }

    /// Tokens of one segment.
    pub fn segment_tokens(&self) -> u64 {
        // 2^16 * 2^16 * 2^17 < 2^64
        u64::from(self.steps)
            .saturating_mul(u64::from(self.batch))
            .saturating_mul(u64::from(self.context))
    }
}
