// SPDX-License-Identifier: GPL-3.0-or-later
//! Chinese remainders: residues modulo the limbs' primes to integers, by mixed radix digits (Garner; Knuth, TAOCP volume 2,
//! section 4.3.2).

use super::modulus::{Modulus, RingError, ShoupFactor};

/// An integer modulo q = p_0 p_1 ..., as digits d_i < p_i: d_0 + d_1 p_0 + d_2 p_0 p_1 + ...
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Crt {
    moduli: Vec<Modulus>,
    /// `inverses[i]` is 1 / (p_0 ... p_{i-1}) modulo p_i.
    inverses: Vec<ShoupFactor>,
    /// `weights[i][j]` is p_0 ... p_{j-1} modulo p_i, for j < i.
    weights: Vec<Vec<ShoupFactor>>,
    /// p_0 ... p_{i-1} modulo 2^64; one more than there are moduli, the last being q.
    low_weights: Vec<u64>,
    /// Digits of (q - 1) / 2.
    half: Vec<u32>,
}

/// An integer in (-q/2, q/2) as far as decryption needs it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Centred {
    /// The integer modulo 2^64.
    pub low: u64,
    /// Whether it is below zero.
    pub negative: bool,
}

impl Crt {
    /// Prepares for distinct odd primes.
    ///
    /// # Errors
    /// [`RingError::Prime`] names what is no odd prime below 2^30, or the second of two equal ones.
    pub fn new(primes: &[u32]) -> Result<Self, RingError> {
        let moduli = primes
            .iter()
            .map(|p| Modulus::new(*p))
            .collect::<Result<Vec<_>, _>>()?;
        let (mut inverses, mut weights, mut low_weights) = (vec![], vec![], vec![1u64]);
        for (i, modulus) in moduli.iter().enumerate() {
            let mut row = vec![];
            let mut weight = 1 % modulus.value();
            for p in &primes[..i] {
                if *p == modulus.value() {
                    return Err(RingError::Prime(*p));
                }
                row.push(modulus.shoup(weight));
                weight = modulus.mul(weight, p % modulus.value());
            }
            inverses.push(modulus.shoup(modulus.inverse(weight)));
            weights.push(row);
            low_weights.push(low_weights[i].wrapping_mul(u64::from(modulus.value())));
        }
        let mut crt = Self {
            moduli,
            inverses,
            weights,
            low_weights,
            half: vec![],
        };
        // (q - 1) / 2 is -1/2 modulo every prime.
        let half: Vec<u32> = primes.iter().map(|p| (p - 1) / 2).collect();
        crt.half = vec![0; primes.len()];
        let mut digits = vec![0; primes.len()];
        crt.digits(|i| half[i], &mut digits);
        crt.half = digits;
        Ok(crt)
    }

    /// Number of limbs.
    pub fn limbs(&self) -> usize {
        self.moduli.len()
    }

    /// The moduli.
    pub fn moduli(&self) -> &[Modulus] {
        &self.moduli
    }

    /// Digits of the integer whose residue modulo p_i is `residue(i)`.
    #[inline]
    pub fn digits(&self, residue: impl Fn(usize) -> u32, digits: &mut [u32]) {
        for (i, modulus) in self.moduli.iter().enumerate() {
            let mut known = 0;
            for (digit, weight) in digits.iter().zip(&self.weights[i]) {
                known = modulus.add(known, modulus.mul_shoup(*digit, *weight));
            }
            digits[i] = modulus.mul_shoup(modulus.sub(residue(i), known), self.inverses[i]);
        }
    }

    /// The integer in (-q/2, q/2) with these residues; `digits` is scratch of as many words as limbs.
    #[inline]
    pub fn centred(&self, residue: impl Fn(usize) -> u32, digits: &mut [u32]) -> Centred {
        self.digits(residue, digits);
        let negative = digits.iter().rev().gt(self.half.iter().rev());
        let low = digits
            .iter()
            .zip(&self.low_weights)
            .fold(0u64, |sum, (d, w)| {
                sum.wrapping_add(u64::from(*d).wrapping_mul(*w))
            });
        let q = self.low_weights[self.moduli.len()];
        Centred {
            low: if negative { low.wrapping_sub(q) } else { low },
            negative,
        }
    }

    /// The integer in [0, q) with these residues, as little-endian 32-bit words without leading zeros.
    ///
    /// # Panics
    /// Where there are not as many residues as limbs.
    pub fn wide(&self, residues: &[u32]) -> Vec<u32> {
        assert_eq!(residues.len(), self.limbs(), "a residue of every limb");
        let mut digits = vec![0; self.limbs()];
        self.digits(|i| residues[i], &mut digits);
        // Horner over the digits, from the highest.
        let mut words: Vec<u32> = vec![];
        for (digit, modulus) in digits.iter().zip(&self.moduli).rev() {
            let mut carry = u64::from(*digit);
            for word in &mut words {
                carry += u64::from(*word) * u64::from(modulus.value());
                *word = carry as u32;
                carry >>= 32;
            }
            if carry > 0 {
                words.push(carry as u32);
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;
    use proptest::prelude::*;

    use super::*;

    const PRIMES: [u32; 7] = [
        12_289,
        1_073_692_673,
        1_073_668_097,
        1_073_651_713,
        998_244_353,
        786_433,
        3,
    ];

    #[test]
    fn new_should_refuse_equal_primes() {
        assert_eq!(
            Crt::new(&[12_289, 3, 12_289]),
            Err(RingError::Prime(12_289))
        );
        assert_eq!(Crt::new(&[12_289, 4]), Err(RingError::Prime(4)));
    }

    proptest! {
        #[test]
        fn integers_should_survive_the_residues(
            limbs in 1usize..=7,
            seed in proptest::collection::vec(any::<u32>(), 7),
            edge in 0u32..6,
        ) {
            let primes = &PRIMES[..limbs];
            let crt = Crt::new(primes).unwrap();
            let q: BigUint = primes.iter().map(|p| BigUint::from(*p)).product();
            let half = (&q - 1u32) / 2u32;
            let x = match edge {
                0 => BigUint::ZERO,
                1 => &q - 1u32,
                2 => half.clone(),
                3 => &half + 1u32,
                _ => BigUint::new(seed) % &q,
            };
            let residues: Vec<u32> = primes
                .iter()
                .map(|p| (&x % *p).to_u32_digits().first().copied().unwrap_or(0))
                .collect();
            prop_assert_eq!(crt.wide(&residues), x.to_u32_digits());
            let centred = crt.centred(|i| residues[i], &mut vec![0; limbs]);
            prop_assert_eq!(centred.negative, x > half);
            let low = |y: &BigUint| y.to_u64_digits().first().copied().unwrap_or(0);
            let expected = if x > half { low(&(&q - &x)).wrapping_neg() } else { low(&x) };
            prop_assert_eq!(centred.low, expected);
        }
    }
}
