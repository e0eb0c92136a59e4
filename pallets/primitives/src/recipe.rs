// SPDX-License-Identifier: GPL-3.0-or-later
//! A branch's recipe: everything about training that a miner might otherwise choose.

use crate::aggregate::{MAX_DELTAS, MAX_KRUM};
use crate::state::CHUNK;
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
    /// Coordinate-wise mean without the lowest and highest `trim` values; weights are ignored. A round with too few claims
    /// drops as many as leave one or two.
    TrimmedMean {
        /// Values dropped on each side.
        trim: u16,
    },
    /// Coordinate-wise median; weights are ignored.
    Median,
    /// Weighted mean of deltas scaled down to at most this norm.
    NormClip {
        /// Largest norm, in grid steps.
        max_norm: u64,
    },
    /// Multi-Krum with at most 32 claims; a round with fewer than `2 * byzantine + 3` claims is merged by the median.
    Krum {
        /// Hostile claims that the rule withstands.
        byzantine: u16,
        /// Claims that are averaged; never more than all but `byzantine + 2` of a round's.
        selected: u16,
    },
}

impl AggregationRule {
    fn in_range(&self) -> bool {
        match *self {
            Self::WeightedMean | Self::Median => true,
            Self::TrimmedMean { trim } => (1..=MAX_TRIM).contains(&trim),
            Self::NormClip { max_norm } => max_norm > 0,
            Self::Krum {
                byzantine,
                selected,
            } => byzantine <= MAX_BYZANTINE && selected > 0 && usize::from(selected) <= MAX_KRUM,
        }
    }

    /// Most claims that a round under this rule may merge.
    pub fn max_claims(&self) -> usize {
        match self {
            Self::Krum { .. } => MAX_KRUM,
            _ => MAX_DELTAS,
        }
    }
}

/// How the update moves the head. Factors are in units of 2^-16; [`crate::aggregate::apply`] has the formulas.
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
    /// FedAdam (Reddi et al. 2021) with an integer square root: `x += lr * m / (sqrt(v) + epsilon)`.
    Adam {
        /// Learning rate, in grid steps (the quotient has no unit): 16,777 is 0.001 on a grid of 2^-24.
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

    fn in_range(&self) -> bool {
        let rate = |rate: u32, most: u32| rate > 0 && rate <= most;
        match *self {
            Self::Sgd { learning_rate } => rate(learning_rate, ONE_Q16.saturating_mul(4)),
            Self::Nesterov {
                learning_rate,
                momentum,
            } => rate(learning_rate, ONE_Q16.saturating_mul(4)) && momentum < ONE_Q16,
            Self::Adam {
                learning_rate,
                beta1,
                beta2,
                epsilon,
            } => {
                rate(learning_rate, MAX_ADAM_RATE)
                    && rate(epsilon, MAX_ADAM_EPSILON)
                    && beta1 < ONE_Q16
                    && beta2 < ONE_Q16
            }
        }
    }

    /// Whether the moments that `other` left behind are this optimiser's (its constants may differ). Otherwise they begin
    /// at zero.
    pub fn continues(&self, other: &Self) -> bool {
        core::mem::discriminant(self) == core::mem::discriminant(other)
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
        /// Steps kept in a chunk.
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
    /// Part of what compression drops that is added to the account's next delta, 2^-16 units: zero means no error
    /// feedback, 2^16 that nothing is lost.
    pub error_feedback: u32,
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
    /// A server constant is out of range (a positive learning rate of at most 4, for Adam of at most 2^24 grid steps; decays
    /// below 1; an epsilon of 1..=2^20 grid steps).
    Server,
    /// A constant of the rule is out of range (trim 1..=[`MAX_TRIM`], a positive norm, at most [`MAX_BYZANTINE`] hostile
    /// claims, 1..=[`MAX_KRUM`] selected).
    Rule,
    /// Top-k keeps none of a chunk's steps, or more than a chunk has.
    Codec,
    /// Error feedback keeps more than all.
    Feedback,
    /// The proximal coefficient is not below 1.
    Proximal,
    /// The tolerant class's distance is zero, or not below 1.
    Class,
    /// Error feedback in the tolerant class: replays that differ have different residuals, which nobody could check.
    TolerantFeedback,
}

/// Most values that a trimmed mean drops on each side: of 256 one must be left.
pub const MAX_TRIM: u16 = 127;
/// Most hostile claims that Krum withstands: 2 * 14 + 3 <= [`MAX_KRUM`].
pub const MAX_BYZANTINE: u16 = 14;
/// Largest per-round step of Adam, in grid steps.
const MAX_ADAM_RATE: u32 = 1 << 24;
const MAX_ADAM_EPSILON: u32 = 1 << 20;
const MILLION: u32 = 1_000_000;

const NANO: u32 = 1_000_000_000;
const ONE_Q16: u32 = 1 << 16;

impl Recipe {
    /// Checks ranges, and that the options go together.
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
        if !self.server.in_range() {
            return Err(RecipeError::Server);
        }
        if !self.rule.in_range() {
            return Err(RecipeError::Rule);
        }
        if self.error_feedback > ONE_Q16 {
            return Err(RecipeError::Feedback);
        }
        if let DeltaCodec::TopK { per_chunk } = self.delta {
            if per_chunk == 0 || usize::from(per_chunk) > CHUNK {
                return Err(RecipeError::Codec);
            }
        }
        if self.proximal >= NANO {
            return Err(RecipeError::Proximal);
        }
        match self.class {
            NumericClass::Tolerant { relative } if relative == 0 || relative >= MILLION => {
                Err(RecipeError::Class)
            }
            NumericClass::Tolerant { .. } if self.has_feedback() => {
                Err(RecipeError::TolerantFeedback)
            }
            _ => Ok(()),
        }
    }

    /// Whether what compression drops is carried to the account's next delta.
    pub fn has_feedback(&self) -> bool {
        self.error_feedback > 0
    }

    /// Tokens of one segment.
    pub fn segment_tokens(&self) -> u64 {
        // 2^16 * 2^16 * 2^17 < 2^64
        u64::from(self.steps)
            .saturating_mul(u64::from(self.batch))
            .saturating_mul(u64::from(self.context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Recipe {
        Recipe {
            segments: 8,
            steps: 5,
            batch: 8,
            context: 128,
            optimiser: Optimiser::AdamW {
                learning_rate: 3_000_000,
                beta1: 900_000_000,
                beta2: 950_000_000,
                epsilon: 10_000,
                weight_decay: 0,
                max_norm: 0,
            },
            proximal: 0,
            rule: AggregationRule::WeightedMean,
            server: ServerOptimiser::Sgd {
                learning_rate: ONE_Q16,
            },
            delta: DeltaCodec::DenseInt8,
            error_feedback: 0,
            class: NumericClass::Exact,
        }
    }

    /// What the change does to a good recipe.
    fn with(change: impl Fn(&mut Recipe)) -> Result<(), RecipeError> {
        let mut recipe = good();
        change(&mut recipe);
        recipe.check(2)
    }

    #[test]
    fn recipe_should_be_served_when_it_stands_at_its_bounds() {
        let krum = |byzantine, selected| AggregationRule::Krum {
            byzantine,
            selected,
        };
        for rule in [
            AggregationRule::Median,
            AggregationRule::TrimmedMean { trim: 1 },
            AggregationRule::TrimmedMean { trim: 127 },
            AggregationRule::NormClip { max_norm: 1 },
            AggregationRule::NormClip { max_norm: u64::MAX },
            krum(0, 1),
            krum(14, 32),
        ] {
            assert_eq!(with(|r| r.rule = rule), Ok(()), "{rule:?}");
        }
        for server in [
            ServerOptimiser::Sgd {
                learning_rate: ONE_Q16 * 4,
            },
            ServerOptimiser::Nesterov {
                learning_rate: 1,
                momentum: ONE_Q16 - 1,
            },
            ServerOptimiser::Adam {
                learning_rate: 1 << 24,
                beta1: ONE_Q16 - 1,
                beta2: 0,
                epsilon: 1 << 20,
            },
        ] {
            assert_eq!(with(|r| r.server = server), Ok(()), "{server:?}");
        }
        for per_chunk in [1, 4096] {
            let change = |r: &mut Recipe| {
                r.delta = DeltaCodec::TopK { per_chunk };
                r.error_feedback = 1 << 16;
            };
            assert_eq!(with(change), Ok(()));
        }
        assert_eq!(with(|r| r.error_feedback = 1 << 16), Ok(()));
        assert_eq!(
            with(|r| r.error_feedback = (1 << 16) + 1),
            Err(RecipeError::Feedback)
        );
        assert_eq!(with(|r| r.proximal = NANO - 1), Ok(()));
        for relative in [1, MILLION - 1] {
            let class = NumericClass::Tolerant { relative };
            assert_eq!(with(|r| r.class = class), Ok(()));
        }
    }

    #[test]
    fn recipe_should_be_refused_by_name_when_it_stands_one_beyond() {
        use RecipeError::*;
        let krum = |byzantine, selected| AggregationRule::Krum {
            byzantine,
            selected,
        };
        for rule in [
            AggregationRule::TrimmedMean { trim: 0 },
            AggregationRule::TrimmedMean { trim: 128 },
            AggregationRule::NormClip { max_norm: 0 },
            krum(15, 1),
            krum(1, 0),
            krum(1, 33),
        ] {
            assert_eq!(with(|r| r.rule = rule), Err(Rule), "{rule:?}");
        }
        let adam = |learning_rate, beta1, beta2, epsilon| ServerOptimiser::Adam {
            learning_rate,
            beta1,
            beta2,
            epsilon,
        };
        for server in [
            ServerOptimiser::Sgd { learning_rate: 0 },
            ServerOptimiser::Sgd {
                learning_rate: ONE_Q16 * 4 + 1,
            },
            ServerOptimiser::Nesterov {
                learning_rate: 0,
                momentum: 0,
            },
            ServerOptimiser::Nesterov {
                learning_rate: 1,
                momentum: ONE_Q16,
            },
            adam(0, 0, 0, 1),
            adam((1 << 24) + 1, 0, 0, 1),
            adam(1, ONE_Q16, 0, 1),
            adam(1, 0, ONE_Q16, 1),
            adam(1, 0, 0, 0),
            adam(1, 0, 0, (1 << 20) + 1),
        ] {
            assert_eq!(with(|r| r.server = server), Err(Server), "{server:?}");
        }
        for per_chunk in [0, 4097] {
            let delta = DeltaCodec::TopK { per_chunk };
            assert_eq!(with(|r| r.delta = delta), Err(Codec));
        }
        assert_eq!(with(|r| r.proximal = NANO), Err(Proximal));
        for relative in [0, MILLION] {
            let class = NumericClass::Tolerant { relative };
            assert_eq!(with(|r| r.class = class), Err(Class));
        }
        let both = |r: &mut Recipe| {
            r.class = NumericClass::Tolerant { relative: 9 };
            r.error_feedback = 1 << 16;
        };
        assert_eq!(with(both), Err(TolerantFeedback));
        assert_eq!(with(|r| r.segments = 1), Err(Segments));
        assert_eq!(with(|r| r.context = (1 << 17) + 1), Err(Sizes));
        let broken = |r: &mut Recipe| {
            let super::Optimiser::AdamW { beta1, .. } = &mut r.optimiser;
            *beta1 = NANO;
        };
        assert_eq!(with(broken), Err(RecipeError::Optimiser));
    }

    #[test]
    fn moments_should_continue_under_the_same_optimiser_only() {
        let sgd = ServerOptimiser::Sgd { learning_rate: 1 };
        let nesterov = |momentum| ServerOptimiser::Nesterov {
            learning_rate: 1,
            momentum,
        };
        assert!(nesterov(1).continues(&nesterov(2)));
        assert!(!nesterov(1).continues(&sgd));
    }
}
