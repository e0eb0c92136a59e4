// SPDX-License-Identifier: GPL-3.0-or-later
//! Arithmetic modulo one prime below 2^30.

use crate::params::{is_prime, MAX_PRIME};

/// Why a modulus or a degree is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RingError {
    /// Not a prime below 2^30.
    #[error("{0} is not an odd prime below 2^30")]
    Prime(u32),
    /// Not a power of two between 1024 and 65536.
    #[error("degree {0} is not a power of two in 1024..=65536")]
    Degree(u32),
    /// The prime has no primitive 2N-th root of unity.
    #[error("prime {prime} is not 1 modulo twice the degree {degree}")]
    Root {
        /// The prime.
        prime: u32,
        /// The ring degree N.
        degree: u32,
    },
}

/// A prime p < 2^30 with its Barrett constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Modulus {
    p: u32,
    bits: u32,
    mu: u32,
}

/// A fixed factor w with floor(w 2^32 / p), for Shoup's multiplication.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ShoupFactor {
    /// The factor, below p.
    pub value: u32,
    /// floor(value 2^32 / p).
    pub quotient: u32,
}

impl Modulus {
    /// Takes an odd prime below 2^30.
    ///
    /// # Errors
    /// [`RingError::Prime`].
    pub fn new(p: u32) -> Result<Self, RingError> {
        if !(3..MAX_PRIME).contains(&p) || !is_prime(p) {
            return Err(RingError::Prime(p));
        }
        let bits = 32 - p.leading_zeros();
        let mu = ((1u64 << (2 * bits)) / u64::from(p)) as u32;
        Ok(Self { p, bits, mu })
    }

    /// The prime.
    pub fn value(&self) -> u32 {
        self.p
    }

    /// Bits k of the prime: 2^(k-1) < p < 2^k.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Barrett's constant floor(4^k / p), below 2^(k+1).
    pub fn mu(&self) -> u32 {
        self.mu
    }

    /// a b mod p, up to two times p too large, for a b < 4^k (Barrett; the estimate of the quotient is at most two
    /// too small: Handbook of Applied Cryptography, note 14.44).
    #[inline]
    pub(crate) fn mul_lazy(&self, a: u32, b: u32) -> u32 {
        // Wrapping, though nothing wraps: an overflow check would be a branch on the operands.
        let product = u64::from(a).wrapping_mul(u64::from(b));
        let quotient = (product >> (self.bits - 1)).wrapping_mul(u64::from(self.mu));
        let quotient = (quotient >> (self.bits + 1)) as u32;
        (product as u32).wrapping_sub(quotient.wrapping_mul(self.p))
    }

    /// Brings a value below 4p into [0, p), without a branch.
    #[inline]
    pub(crate) fn reduce4(&self, a: u32) -> u32 {
        let a = a.min(a.wrapping_sub(self.p << 1));
        a.min(a.wrapping_sub(self.p))
    }

    /// a + b for residues.
    #[inline]
    pub fn add(&self, a: u32, b: u32) -> u32 {
        let sum = a.wrapping_add(b);
        sum.min(sum.wrapping_sub(self.p))
    }

    /// a - b for residues.
    #[inline]
    pub fn sub(&self, a: u32, b: u32) -> u32 {
        let difference = a.wrapping_sub(b);
        difference.min(difference.wrapping_add(self.p))
    }

    /// a b for residues.
    #[inline]
    pub fn mul(&self, a: u32, b: u32) -> u32 {
        self.reduce4(self.mul_lazy(a, b))
    }

    /// a^e.
    pub fn pow(&self, a: u32, mut e: u32) -> u32 {
        let (mut base, mut result) = (a % self.p, 1);
        while e > 0 {
            if e & 1 == 1 {
                result = self.mul(result, base);
            }
            base = self.mul(base, base);
            e >>= 1;
        }
        result
    }

    /// 1 / a for a residue that is not zero (Fermat).
    pub fn inverse(&self, a: u32) -> u32 {
        self.pow(a, self.p - 2)
    }

    /// Residue of a signed 64-bit value, in constant time for a secret value.
    #[inline]
    pub fn from_i64(&self, a: i64) -> u32 {
        // 2^63 modulo p is added as a multiple of p, so that the value is not negative.
        let magnitude = a.unsigned_abs();
        let sign = (a >> 63) as u32;
        let residue = self.from_u64(magnitude);
        let negated = self.sub(0, residue);
        (residue & !sign) | (negated & sign)
    }

    /// Residue of an unsigned 64-bit value without a division.
    #[inline]
    pub fn from_u64(&self, a: u64) -> u32 {
        // Words in base 2^(k-1): each step is a product below 4^k.
        let low_bits = self.bits - 1;
        let base = 1u32 << low_bits;
        let mask = u64::from(base - 1);
        let mut residue = 0u32;
        let mut left = 64u32.div_ceil(low_bits);
        while left > 0 {
            left -= 1;
            let word = ((a >> (left * low_bits)) & mask) as u32;
            residue = self.add(self.mul(residue, base), word);
        }
        residue
    }

    /// Precomputes a factor for [`Self::mul_shoup`].
    pub fn shoup(&self, value: u32) -> ShoupFactor {
        ShoupFactor {
            value,
            quotient: ((u64::from(value) << 32) / u64::from(self.p)) as u32,
        }
    }

    /// a w mod p in [0, 2p) for any a below 2^32 (Shoup; Harvey, "Faster arithmetic for number-theoretic transforms",
    /// section 2).
    #[inline]
    pub(crate) fn mul_shoup_lazy(&self, a: u32, w: ShoupFactor) -> u32 {
        let quotient = ((u64::from(a) * u64::from(w.quotient)) >> 32) as u32;
        a.wrapping_mul(w.value)
            .wrapping_sub(quotient.wrapping_mul(self.p))
    }

    /// a w mod p for any a below 2^32.
    #[inline]
    pub fn mul_shoup(&self, a: u32, w: ShoupFactor) -> u32 {
        let lazy = self.mul_shoup_lazy(a, w);
        lazy.min(lazy.wrapping_sub(self.p))
    }

    /// The 2N-th root of unity of the transform: g^((p-1)/2N) for the least quadratic non-residue g. Its order is exactly
    /// 2N, because 2N is a power of two and g is no square.
    ///
    /// # Errors
    /// [`RingError::Root`] unless p is 1 modulo 2N.
    pub fn root(&self, degree: u32) -> Result<u32, RingError> {
        if self.p % (2 * degree) != 1 {
            return Err(RingError::Root {
                prime: self.p,
                degree,
            });
        }
        let mut g = 2;
        while self.pow(g, (self.p - 1) / 2) == 1 {
            g += 1;
        }
        Ok(self.pow(g, (self.p - 1) / (2 * degree)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PRIMES: [u32; 5] = [3, 12_289, 786_433, 998_244_353, 1_073_692_673];

    #[test]
    fn new_should_refuse_what_is_no_prime_below_two_to_the_thirty() {
        for p in [0, 1, 2, 9, 1_073_692_675, (1 << 30) + 3, u32::MAX] {
            assert_eq!(Modulus::new(p), Err(RingError::Prime(p)));
        }
    }

    #[test]
    fn root_should_have_order_two_n_or_be_refused() {
        let modulus = Modulus::new(1_073_692_673).unwrap();
        let root = modulus.root(4_096).unwrap();
        assert_eq!(modulus.pow(root, 4_096), modulus.value() - 1);
        assert_eq!(
            Modulus::new(12_289).unwrap().root(4_096),
            Err(RingError::Root {
                prime: 12_289,
                degree: 4_096
            })
        );
    }

    proptest! {
        #[test]
        fn arithmetic_should_equal_wide_arithmetic(which in 0usize..5, a: u32, b: u32, wide: i64) {
            let p = PRIMES[which];
            let modulus = Modulus::new(p).unwrap();
            let (x, y) = (a % p, b % p);
            let q = u64::from(p);
            prop_assert_eq!(u64::from(modulus.add(x, y)), (u64::from(x) + u64::from(y)) % q);
            prop_assert_eq!(u64::from(modulus.sub(x, y)), (u64::from(x) + q - u64::from(y)) % q);
            prop_assert_eq!(u64::from(modulus.mul(x, y)), u64::from(x) * u64::from(y) % q);
            prop_assert_eq!(u64::from(modulus.mul_shoup(a, modulus.shoup(y))), u64::from(a) * u64::from(y) % q);
            prop_assert_eq!(i64::from(modulus.from_i64(wide)), wide.rem_euclid(i64::from(p)));
            prop_assert_eq!(u64::from(modulus.from_u64(wide as u64)), wide as u64 % q);
            if x != 0 {
                prop_assert_eq!(modulus.mul(x, modulus.inverse(x)), 1);
            }
        }
    }

    #[test]
    fn edge_values_should_reduce() {
        for p in PRIMES {
            let modulus = Modulus::new(p).unwrap();
            for (a, b) in [(0, 0), (0, p - 1), (p - 1, p - 1), (1, p - 1)] {
                assert_eq!(
                    u64::from(modulus.mul(a, b)),
                    u64::from(a) * u64::from(b) % u64::from(p)
                );
            }
            for wide in [i64::MIN, i64::MAX, -1, 0, 1] {
                assert_eq!(
                    i64::from(modulus.from_i64(wide)),
                    wide.rem_euclid(i64::from(p))
                );
            }
        }
    }
}
