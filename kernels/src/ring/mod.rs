// SPDX-License-Identifier: GPL-3.0-or-later
//! Polynomials modulo X^N + 1 over small primes: transforms, residue number system, packing.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod backend;
pub mod crt;
pub mod modulus;
pub mod packing;
pub mod poly;
pub mod scalar;
pub mod table;
pub mod words;

#[cfg(test)]
pub(crate) mod tests;

pub use backend::{backends, best, Backend};
pub use crt::Crt;
pub use modulus::{Modulus, RingError, ShoupFactor};
pub use packing::Packing;
pub use poly::{Coefficient, Ntt, Poly, Ring};
pub use table::NttTable;
pub use words::Words;
