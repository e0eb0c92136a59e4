// SPDX-License-Identifier: GPL-3.0-or-later
//! Differential privacy of private contributions (docs/privacy.md).
//!
//! A contributor clips its delta to a norm ([`Clip`]), adds a discrete Gaussian to every value ([`DiscreteGaussian`]) and
//! encrypts the result. Nobody sees more than the sum over the cohort, in which the noise of the honest adds up. A [`Noise`] is
//! checked against the cohort that the chain guarantees; a [`Ledger`] says what all rounds together give away.
//!
//! Noise and clipping are integers and exact. The accountant computes in `f64` and rounds against itself.
//!
//! ```
//! use dream_primitives::private::params::PrivateLiteral;
//! use dream_privacy::{Cohort, Ledger, Noise, Randomness, RoundLoss, Target, Task};
//!
//! let chain = PrivateLiteral::network();
//! let task = Task {
//!     cohort: Cohort::of(&chain.cohort),
//!     range: chain.data.bound,
//!     values: 1_048_576,
//! };
//! let target = Target { epsilon: 8.0, delta: 1e-6, rounds: 10 };
//! let noise = Noise::calibrate(task, &target)?;
//!
//! let mut randomness = Randomness::from_system()?;
//! let grid_steps = [70_000, -3, 0, 512];
//! let codes = noise.contribute(&grid_steps, 4, &mut randomness)?;
//! assert_eq!(codes.len(), 4);
//!
//! let mut ledger = Ledger::default();
//! ledger.record(RoundLoss::of(1, &noise, vec![17]))?;
//! let statement = ledger.statement(target.delta)?;
//! assert!(statement.epsilon.unwrap() < target.epsilon);
//! println!("{statement}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod accountant;
mod clip;
mod gaussian;
mod ledger;
mod noise;
mod randomness;

pub use self::clip::{Clip, ClipError};
pub use self::gaussian::{DiscreteGaussian, VarianceError, MAX_VARIANCE};
pub use self::ledger::{Ledger, LedgerError, RoundLoss, Statement};
pub use self::noise::{
    Cohort, ContributionError, Noise, NoiseError, NoiseLiteral, Target, Task, VALUE_BOUND, VARIANCE,
};
pub use self::randomness::{NoSystemRandomness, Randomness};
