// SPDX-License-Identifier: GPL-3.0-or-later
//! Twiddle factors of the negacyclic transform of one (degree, prime); the only source of them for every backend.

use super::modulus::{Modulus, RingError, ShoupFactor};
use super::words::Words;
use crate::params::DEGREES;

/// Order in which a vector of sixteen lanes takes the last stage's sixteen twiddles (see `avx512`).
const LAST_STAGE_LANES: [usize; 16] = [0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15];

/// Twiddles of a negacyclic transform of length N.
///
/// The transform takes coefficients in natural order to values in bit-reversed order: entry i is the polynomial at
/// psi^(2 rev(i) + 1). Twiddle k is psi^rev(k) with rev over log2 N bits; the butterflies of block i of the stage with m
/// blocks use twiddle m + i, so that the two halves of block k are blocks 2k and 2k + 1 (Longa and Naehrig, "Speeding up the
/// number theoretic transform", algorithms 1 and 2). The inverse needs no table: psi^-rev(m+i) = -psi^rev(m + m-1-i).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NttTable {
    modulus: Modulus,
    log_degree: u32,
    root: u32,
    values: Words,
    quotients: Words,
    last_values: Words,
    last_quotients: Words,
    scale: ShoupFactor,
    scaled_first: ShoupFactor,
}

impl NttTable {
    /// Makes the table for degree N and a prime that is 1 modulo 2N.
    ///
    /// # Errors
    /// [`RingError`] for another degree or prime.
    pub fn new(degree: u32, prime: u32) -> Result<Self, RingError> {
        if !DEGREES.contains(&degree) || !degree.is_power_of_two() {
            return Err(RingError::Degree(degree));
        }
        let modulus = Modulus::new(prime)?;
        let root = modulus.root(degree)?;
        let log_degree = degree.trailing_zeros();
        let mut values = Words::zeros(degree as usize);
        let mut power = 1;
        for exponent in 0..degree {
            values[(exponent.reverse_bits() >> (32 - log_degree)) as usize] = power;
            power = modulus.mul(power, root);
        }
        let quotients: Vec<u32> = values.iter().map(|w| modulus.shoup(*w).quotient).collect();
        let lay_out = |from: &[u32]| {
            let half = &from[degree as usize / 2..];
            half.chunks_exact(16)
                .flat_map(|block| LAST_STAGE_LANES.map(|lane| block[lane]))
                .collect::<Vec<u32>>()
        };
        let n_inverse = modulus.inverse(degree);
        Ok(Self {
            modulus,
            log_degree,
            root,
            last_values: Words::from(&lay_out(&values)[..]),
            last_quotients: Words::from(&lay_out(&quotients)[..]),
            scale: modulus.shoup(n_inverse),
            scaled_first: modulus.shoup(modulus.mul(n_inverse, values[1])),
            values,
            quotients: Words::from(&quotients[..]),
        })
    }

    /// The modulus.
    pub fn modulus(&self) -> &Modulus {
        &self.modulus
    }

    /// Ring degree N.
    pub fn degree(&self) -> usize {
        1 << self.log_degree
    }

    /// log2 N.
    pub fn log_degree(&self) -> u32 {
        self.log_degree
    }

    /// psi, a primitive 2N-th root of unity.
    pub fn root(&self) -> u32 {
        self.root
    }

    /// Twiddles, N words; word 0 is not used.
    pub fn values(&self) -> &[u32] {
        &self.values
    }

    /// Shoup quotients of the twiddles, N words.
    pub fn quotients(&self) -> &[u32] {
        &self.quotients
    }

    /// Twiddles of the stage of single steps (blocks N/2..N), in the lane order of sixteen-lane vectors.
    pub(crate) fn last_values(&self) -> &[u32] {
        &self.last_values
    }

    /// Shoup quotients of [`Self::last_values`].
    pub(crate) fn last_quotients(&self) -> &[u32] {
        &self.last_quotients
    }

    /// Twiddle k.
    #[inline]
    pub(crate) fn twiddle(&self, k: usize) -> ShoupFactor {
        ShoupFactor {
            value: self.values[k],
            quotient: self.quotients[k],
        }
    }

    /// 1 / N.
    pub fn scale(&self) -> ShoupFactor {
        self.scale
    }

    /// Twiddle 1 over N: the last stage of the inverse multiplies by it.
    pub fn scaled_first(&self) -> ShoupFactor {
        self.scaled_first
    }
}
