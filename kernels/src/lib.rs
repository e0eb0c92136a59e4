// SPDX-License-Identifier: GPL-3.0-or-later
//! RLWE for private contributions (docs/protocol.md, section "Private contributions").
//!
//! What is here now: the parameters of the secure-aggregation scheme, as a [`ParametersLiteral`] that becomes
//! immutable, checked [`Parameters`]. A set that is too small for 128 bits of security, or whose noise could overflow
//! for the stated number of miners, cannot be constructed.
//!
//! ```
//! use dream_kernels::params::{Parameters, SA_4096};
//! let params = Parameters::new(SA_4096)?;
//! assert_eq!(params.degree(), 4096);
//! assert!(params.modulus_bits() <= 109);
//! # Ok::<(), dream_kernels::params::ParameterError>(())
//! ```
#![deny(unsafe_code)]

pub mod data;
pub mod params;
pub mod ring;
pub mod sample;
pub mod threshold;
pub mod wire;
