// SPDX-License-Identifier: GPL-3.0-or-later
//! Noise for a cohort: a literal, then a checked type; and the contribution that it makes of a delta.

use crate::accountant;
use crate::clip::{Clip, ClipError};
use crate::gaussian::{DiscreteGaussian, VarianceError};
use crate::randomness::Randomness;
use codec::{Decode, Encode};
use dream_primitives::private::params::CohortParameters;
use dream_primitives::private::KEY_SEGMENTS;

/// Variance of a contributor's noise, in squared codes, that [`Noise::calibrate`] takes.
pub const VARIANCE: u32 = 100;
/// Bound on a clipped value that [`Noise::calibrate`] takes: up to 127 it leaves 11 deviations of the noise.
pub const VALUE_BOUND: u32 = 15;

/// What the chain guarantees of a cohort.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Cohort {
    /// Fewest contributions that are ever summed: drop-outs are already left out.
    pub minimum: u32,
    /// Hostile contributors that there may be among them. They know, or leave out, their own noise.
    pub max_corrupt: u32,
    /// Contributions of which a key segment is opened: their noise on it is gone for the others.
    pub audited: u32,
}

impl Cohort {
    /// Takes a chain's parameters.
    pub fn of(parameters: &CohortParameters) -> Self {
        Self {
            minimum: parameters.minimum,
            max_corrupt: parameters.max_corrupt,
            audited: parameters.audited,
        }
    }

    /// Contributors whose noise nobody can take out of any decrypted value, the protected one among them: the fewest that are
    /// summed, less the hostile, less those opened, should all have opened one segment. 0 if nobody is left.
    pub fn shares(&self) -> u32 {
        self.minimum
            .saturating_sub(self.max_corrupt)
            .saturating_sub(self.audited)
    }
}

/// What noise is needed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Task {
    /// The cohort.
    pub cohort: Cohort,
    /// Largest absolute value that may be encrypted (P), at most 127.
    pub range: u32,
    /// Values of a contribution: the model's parameters.
    pub values: u64,
}

/// A guarantee that is asked for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Target {
    /// Largest epsilon.
    pub epsilon: f64,
    /// Delta.
    pub delta: f64,
    /// Rounds that a contributor takes part in.
    pub rounds: u32,
}

/// Noise as it is written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct NoiseLiteral {
    /// What it is for.
    pub task: Task,
    /// Largest Euclidean norm of a clipped contribution, in codes.
    pub norm: u64,
    /// Largest absolute value of a clipped contribution, in codes.
    pub value_bound: u32,
    /// Parameter sigma^2 of each contributor's discrete Gaussian, in squared codes.
    pub variance: u32,
}

/// Why noise is refused.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum NoiseError {
    /// All noise in a sum may be known to somebody.
    #[error("of at least {minimum} contributions {max_corrupt} may be hostile and {audited} opened: no noise is left that hides anybody; raise the minimum of the cohort", minimum = .0.minimum, max_corrupt = .0.max_corrupt, audited = .0.audited)]
    Cohort(Cohort),
    /// The range is no code's, or has no room for noise.
    #[error(
        "range {range} is above 127 or leaves no room for noise over values of up to {value_bound}"
    )]
    Range {
        /// Range of what is encrypted.
        range: u32,
        /// Bound on the clipped values.
        value_bound: u32,
    },
    /// There is nothing to contribute.
    #[error("a contribution has no values")]
    Values,
    /// The clip.
    #[error(transparent)]
    Clip(#[from] ClipError),
    /// The variance.
    #[error(transparent)]
    Variance(#[from] VarianceError),
    /// No number, or none that can be reached.
    #[error("no norm of at least 1 gives epsilon {epsilon} at delta {delta} over {rounds} rounds: allow more, or raise the minimum of the cohort", epsilon = .0.epsilon, delta = .0.delta, rounds = .0.rounds)]
    Target(Target),
}

/// Why a delta gave no contribution.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ContributionError {
    /// More values than the noise was made for.
    #[error("a delta of {given} values, the noise is made for at most {values}")]
    Values {
        /// Values of the delta.
        given: u64,
        /// Values that the noise is for.
        values: u64,
    },
    /// The shift.
    #[error(transparent)]
    Clip(#[from] ClipError),
}

/// Clip and noise that were checked against a cohort.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Noise {
    literal: NoiseLiteral,
    clip: Clip,
    gaussian: DiscreteGaussian,
}

impl Noise {
    /// Checks a literal.
    pub fn new(literal: NoiseLiteral) -> Result<Self, NoiseError> {
        let NoiseLiteral {
            task, value_bound, ..
        } = literal;
        if task.cohort.shares() == 0 {
            return Err(NoiseError::Cohort(task.cohort));
        }
        let range = task.range;
        if range > 127 || value_bound >= range {
            return Err(NoiseError::Range { range, value_bound });
        }
        if task.values == 0 {
            return Err(NoiseError::Values);
        }
        Ok(Self {
            literal,
            clip: Clip::new(literal.norm, value_bound)?,
            gaussian: DiscreteGaussian::new(literal.variance)?,
        })
    }

    /// The noise that fits the range of the task, with the largest norm at which a contributor's loss over the target's rounds stays
    /// within it. Opened segments are not in that statement.
    pub fn calibrate(task: Task, target: &Target) -> Result<Self, NoiseError> {
        let literal = |norm| NoiseLiteral {
            task,
            norm,
            value_bound: VALUE_BOUND,
            variance: VARIANCE,
        };
        let sound = target.epsilon > 0.0 && target.delta > 0.0 && target.delta < 1.0;
        if !sound || target.rounds == 0 {
            return Err(NoiseError::Target(*target));
        }
        let meets = |norm| -> Result<bool, NoiseError> {
            let noise = Self::new(literal(norm))?;
            let rounds = f64::from(target.rounds);
            let (rho, tail) = (noise.rho() * rounds, noise.tail() * rounds);
            let epsilon = accountant::epsilon_with_tail(rho, target.delta, tail);
            Ok(epsilon.is_some_and(|epsilon| epsilon <= target.epsilon))
        };
        let (mut most, mut beyond) = (0, u64::from(u32::MAX) + 1);
        while most + 1 < beyond {
            let middle = most + (beyond - most) / 2;
            if meets(middle)? {
                most = middle;
            } else {
                beyond = middle;
            }
        }
        if most == 0 {
            return Err(NoiseError::Target(*target));
        }
        Self::new(literal(most))
    }

    /// The literal.
    pub fn literal(&self) -> &NoiseLiteral {
        &self.literal
    }

    /// What a contributor encrypts for a delta in grid steps where a code counts 2^shift of them: clipped codes plus noise, cut to
    /// the range.
    pub fn contribute(
        &self,
        steps: &[i32],
        shift: u8,
        randomness: &mut Randomness,
    ) -> Result<Vec<i8>, ContributionError> {
        let (given, values) = (steps.len() as u64, self.literal.task.values);
        if given > values {
            return Err(ContributionError::Values { given, values });
        }
        let range = i64::from(self.literal.task.range);
        let mut codes = self.clip.apply(steps, shift)?;
        for code in &mut codes {
            let noisy = i64::from(*code) + self.gaussian.sample(randomness);
            // The range is at most 127.
            *code = noisy.clamp(-range, range) as i8;
        }
        Ok(codes)
    }

    /// zCDP's rho of one sum, for what was not opened.
    pub fn rho(&self) -> f64 {
        let NoiseLiteral { task, .. } = self.literal;
        let shares = task.cohort.shares();
        accountant::rho(
            self.literal.norm,
            shares,
            self.literal.variance,
            task.values,
        )
    }

    /// zCDP's rho of the contributor's own values with its own noise alone: what is opened.
    pub fn opened_rho(&self) -> f64 {
        accountant::rho(self.literal.norm, 1, self.literal.variance, 0)
    }

    /// Chance that cutting to the range changes any of the noisy values that the guarantee of a sum counts on.
    pub fn tail(&self) -> f64 {
        let task = self.literal.task;
        self.value_tail() * f64::from(task.cohort.shares()) * task.values as f64
    }

    /// Chance that cutting to the range changes a value of a key segment that the contributor opens.
    pub fn opened_tail(&self) -> f64 {
        let values = self.literal.task.values.div_ceil(KEY_SEGMENTS.into());
        self.value_tail() * values as f64
    }

    fn value_tail(&self) -> f64 {
        let room = self.literal.task.range - self.literal.value_bound;
        accountant::tail(self.literal.variance, room)
    }
}
