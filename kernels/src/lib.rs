// SPDX-License-Identifier: GPL-3.0-or-later
//! RLWE for private contributions (docs/cryptography.md).
//!
//! A scheme's parameters are a [`params::ParametersLiteral`] that becomes immutable, checked [`params::Parameters`]: a set that is
//! too small for 128 bits of security, or whose noise could overflow for the stated number of miners, cannot be constructed. [`ring`]
//! computes with single polynomials on the CPU, [`batch`] with many at a time, on a GPU where there is one (feature `cuda`); [`data`]
//! and [`threshold`] are the two layers of encryption.
//!
//! ```
//! use dream_kernels::params::{Parameters, SA_4096};
//! let params = Parameters::new(SA_4096)?;
//! assert_eq!(params.degree(), 4096);
//! assert!(params.modulus_bits() <= 109);
//! # Ok::<(), dream_kernels::params::ParameterError>(())
//! ```
#![deny(unsafe_code)]

pub mod batch;
#[cfg(feature = "cuda")]
pub mod cuda;
pub mod data;
pub mod params;
pub mod ring;
pub mod sample;
pub mod threshold;
pub mod wire;
