// SPDX-License-Identifier: GPL-3.0-or-later
//! Polynomials modulo X^N + 1 in residues, in a domain that the type names.

use core::marker::PhantomData;

use zeroize::Zeroize;

use super::backend::{best, Backend};
use super::crt::Crt;
use super::modulus::RingError;
use super::table::NttTable;
use super::words::Words;

/// Coefficients in natural order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coefficient {}

/// Values of the transform in bit-reversed order, where products are entry by entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ntt {}

/// A ring Z_q[X]/(X^N + 1) with q a product of primes, and the backend that computes in it.
#[derive(Clone, Debug)]
pub struct Ring {
    tables: Vec<NttTable>,
    crt: Crt,
    backend: &'static dyn Backend,
}

/// A polynomial of a ring: limb i, N words, holds the residues modulo the i-th prime.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Poly<Domain> {
    words: Words,
    degree: usize,
    domain: PhantomData<Domain>,
}

impl<Domain> Poly<Domain> {
    /// The residues modulo prime `i`.
    ///
    /// # Panics
    /// Where there is no such limb.
    pub fn limb(&self, i: usize) -> &[u32] {
        &self.words[i * self.degree..(i + 1) * self.degree]
    }

    /// [`Self::limb`], to change it. Words must stay below the prime.
    pub(crate) fn limb_mut(&mut self, i: usize) -> &mut [u32] {
        &mut self.words[i * self.degree..(i + 1) * self.degree]
    }

    /// Number of limbs.
    pub fn limbs(&self) -> usize {
        self.words.len() / self.degree
    }

    /// All limbs, one after another.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    fn into_domain<Other>(self) -> Poly<Other> {
        Poly {
            words: self.words,
            degree: self.degree,
            domain: PhantomData,
        }
    }
}

impl<Domain> Zeroize for Poly<Domain> {
    fn zeroize(&mut self) {
        self.words.zeroize();
    }
}

impl Ring {
    /// Makes the tables of every prime; computes with the machine's best backend.
    ///
    /// # Errors
    /// [`RingError`] for a degree or prime that has no transform.
    pub fn new(degree: u32, primes: &[u32]) -> Result<Self, RingError> {
        Self::with_backend(degree, primes, best())
    }

    /// [`Self::new`] with a backend of choice; results do not depend on it.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_backend(
        degree: u32,
        primes: &[u32],
        backend: &'static dyn Backend,
    ) -> Result<Self, RingError> {
        let tables = primes
            .iter()
            .map(|p| NttTable::new(degree, *p))
            .collect::<Result<Vec<_>, _>>()?;
        if tables.is_empty() {
            return Err(RingError::Degree(degree));
        }
        Ok(Self {
            tables,
            crt: Crt::new(primes)?,
            backend,
        })
    }

    /// Ring degree N.
    pub fn degree(&self) -> usize {
        self.tables[0].degree()
    }

    /// Number of primes.
    pub fn limbs(&self) -> usize {
        self.tables.len()
    }

    /// The backend that computes.
    pub fn backend(&self) -> &'static dyn Backend {
        self.backend
    }

    /// Tables of the primes, in order.
    pub fn tables(&self) -> &[NttTable] {
        &self.tables
    }

    /// Chinese remainders of the primes.
    pub fn crt(&self) -> &Crt {
        &self.crt
    }

    /// The zero polynomial.
    pub fn zero<Domain>(&self) -> Poly<Domain> {
        Poly {
            words: Words::zeros(self.degree() * self.limbs()),
            degree: self.degree(),
            domain: PhantomData,
        }
    }

    /// A polynomial of all limbs, one after another, each residue below its prime.
    ///
    /// # Panics
    /// Where there are not N words a limb.
    pub(crate) fn polynomial<Domain>(&self, words: &[u32]) -> Poly<Domain> {
        assert_eq!(
            words.len(),
            self.degree() * self.limbs(),
            "N words for every limb"
        );
        Poly {
            words: Words::from(words),
            degree: self.degree(),
            domain: PhantomData,
        }
    }

    /// A polynomial with small or wide signed coefficients, in constant time.
    ///
    /// # Panics
    /// Where there are more coefficients than the degree.
    pub fn from_signed(
        &self,
        coefficients: impl Iterator<Item = i64> + Clone,
    ) -> Poly<Coefficient> {
        let mut poly = self.zero();
        for (i, table) in self.tables.iter().enumerate() {
            let limb = poly.limb_mut(i);
            let mut entries = limb.iter_mut();
            for c in coefficients.clone() {
                let entry = entries.next().expect("at most N coefficients");
                *entry = table.modulus().from_i64(c);
            }
        }
        poly
    }

    /// To the transform domain.
    pub fn forward(&self, poly: Poly<Coefficient>) -> Poly<Ntt> {
        let mut poly = poly;
        for (i, table) in self.tables[..poly.limbs()].iter().enumerate() {
            self.backend.forward(table, poly.limb_mut(i));
        }
        poly.into_domain()
    }

    /// To coefficients.
    pub fn inverse(&self, poly: Poly<Ntt>) -> Poly<Coefficient> {
        let mut poly = poly;
        for (i, table) in self.tables[..poly.limbs()].iter().enumerate() {
            self.backend.inverse(table, poly.limb_mut(i));
        }
        poly.into_domain()
    }

    /// a += b.
    pub fn add<Domain>(&self, a: &mut Poly<Domain>, b: &Poly<Domain>) {
        assert_eq!(a.limbs(), b.limbs(), "operands of as many limbs");
        for (i, table) in self.tables[..a.limbs()].iter().enumerate() {
            self.backend.add(table.modulus(), a.limb_mut(i), b.limb(i));
        }
    }

    /// a -= b.
    pub fn sub<Domain>(&self, a: &mut Poly<Domain>, b: &Poly<Domain>) {
        assert_eq!(a.limbs(), b.limbs(), "operands of as many limbs");
        for (i, table) in self.tables[..a.limbs()].iter().enumerate() {
            self.backend.sub(table.modulus(), a.limb_mut(i), b.limb(i));
        }
    }

    /// a *= b.
    pub fn mul(&self, a: &mut Poly<Ntt>, b: &Poly<Ntt>) {
        assert_eq!(a.limbs(), b.limbs(), "operands of as many limbs");
        for (i, table) in self.tables[..a.limbs()].iter().enumerate() {
            self.backend.mul(table.modulus(), a.limb_mut(i), b.limb(i));
        }
    }

    /// sum += a b.
    pub fn mul_add(&self, sum: &mut Poly<Ntt>, a: &Poly<Ntt>, b: &Poly<Ntt>) {
        assert_eq!(sum.limbs(), a.limbs(), "operands of as many limbs");
        assert_eq!(sum.limbs(), b.limbs(), "operands of as many limbs");
        for (i, table) in self.tables[..a.limbs()].iter().enumerate() {
            self.backend
                .mul_add(table.modulus(), sum.limb_mut(i), a.limb(i), b.limb(i));
        }
    }

    /// a *= factor.
    pub fn scale<Domain>(&self, a: &mut Poly<Domain>, factor: u64) {
        for (i, table) in self.tables[..a.limbs()].iter().enumerate() {
            let modulus = table.modulus();
            let factor = modulus.shoup(modulus.from_u64(factor));
            self.backend.scale(modulus, a.limb_mut(i), factor);
        }
    }

    /// Modulus switching: drops the last prime p and divides by it, rounded so that what the coefficient holds modulo `t`
    /// (coprime to q) is multiplied by 1/p modulo t (Brakerski, Gentry, Vaikuntanathan, "Leveled FHE without
    /// bootstrapping", section 4.1): c' = (c - d) / p with d = c modulo p, d = 0 modulo t, |d| <= t p / 2. With t = 1 it
    /// is division with rounding.
    ///
    /// # Panics
    /// Where one limb is left, or p divides t.
    pub fn switch_modulus(&self, poly: &Poly<Coefficient>, t: u64) -> Poly<Coefficient> {
        let last = poly.limbs() - 1;
        assert!(last > 0, "a limb to drop and one to keep");
        let dropped = self.tables[last].modulus();
        let t_dropped = dropped.from_u64(t);
        assert!(t_dropped != 0, "a t that p does not divide");
        // r = c / t modulo p in (-p/2, p/2), so that d = t r.
        let mut r = poly.limb(last).to_vec();
        self.backend
            .scale(dropped, &mut r, dropped.shoup(dropped.inverse(t_dropped)));
        let mut out = Poly {
            words: Words::from(&poly.words[..last * poly.degree]),
            degree: poly.degree,
            domain: PhantomData,
        };
        let half = dropped.value() / 2;
        let mut d = vec![0; poly.degree];
        for (i, table) in self.tables[..last].iter().enumerate() {
            let modulus = table.modulus();
            for (d, r) in d.iter_mut().zip(&r) {
                let centred = i64::from(*r)
                    - if *r > half {
                        i64::from(dropped.value())
                    } else {
                        0
                    };
                *d = modulus.from_i64(centred);
            }
            let by_t = modulus.shoup(modulus.from_u64(t));
            let by_inverse =
                modulus.shoup(modulus.inverse(modulus.from_u64(dropped.value().into())));
            self.backend.scale(modulus, &mut d, by_t);
            self.backend.sub(modulus, out.limb_mut(i), &d);
            self.backend.scale(modulus, out.limb_mut(i), by_inverse);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use num_bigint::{BigInt, BigUint};
    use proptest::prelude::*;

    use super::*;
    use crate::params::SA_4096;
    use crate::ring::backends;
    use crate::ring::tests::residues;

    fn random(ring: &Ring, seed: u64) -> Poly<Coefficient> {
        let mut poly = ring.zero();
        for i in 0..ring.limbs() {
            let p = ring.tables()[i].modulus().value();
            let entries = residues(seed + i as u64, ring.degree(), p);
            poly.limb_mut(i).copy_from_slice(&entries);
        }
        poly
    }

    fn integer(crt: &Crt, poly: &Poly<Coefficient>, at: usize) -> BigInt {
        let limbs: Vec<u32> = (0..poly.limbs()).map(|i| poly.limb(i)[at]).collect();
        let q: BigUint = crt
            .moduli()
            .iter()
            .map(|m| BigUint::from(m.value()))
            .product();
        let x = BigUint::new(crt.wide(&limbs));
        let x = BigInt::from(x);
        let q = BigInt::from(q);
        if &x + &x > q {
            x - q
        } else {
            x
        }
    }

    #[test]
    fn ring_should_be_distributive_on_every_backend_with_equal_words() {
        let mut seen: Option<Poly<Coefficient>> = None;
        for backend in backends() {
            let ring = Ring::with_backend(1_024, SA_4096.primes, *backend).unwrap();
            let [a, b, c] = [1, 10, 20].map(|seed| ring.forward(random(&ring, seed)));
            // a (b + c) = a b + a c
            let (mut left, mut right) = (b.clone(), a.clone());
            ring.add(&mut left, &c);
            ring.mul(&mut left, &a);
            ring.mul(&mut right, &b);
            ring.mul_add(&mut right, &a, &c);
            assert_eq!(left, right, "{}", backend.name());
            ring.sub(&mut left, &right);
            assert_eq!(left, ring.zero());
            let out = ring.inverse(right);
            assert_eq!(
                *seen.get_or_insert_with(|| out.clone()),
                out,
                "{}",
                backend.name()
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn switch_modulus_should_divide_and_keep_the_residue_modulo_t(seed: u64, log_t in 0u32..40) {
            let t = 1u64 << log_t;
            let ring = Ring::new(1_024, SA_4096.primes).unwrap();
            let poly = random(&ring, seed >> 1);
            let switched = ring.switch_modulus(&poly, t);
            let kept = Crt::new(&SA_4096.primes[..2]).unwrap();
            let p = BigInt::from(SA_4096.primes[2]);
            for at in [0, 1, 511, 1_023] {
                let (before, after) = (integer(ring.crt(), &poly, at), integer(&kept, &switched, at));
                // p c' - c = -d: a multiple of t, at most t p / 2.
                let d = &before - &p * &after;
                prop_assert_eq!(&d % BigInt::from(t), BigInt::ZERO);
                prop_assert!(BigUint::from(2u32) * d.magnitude() <= BigUint::from(t) * p.magnitude());
            }
        }

        #[test]
        fn from_signed_should_give_the_integers_back(values in proptest::collection::vec(any::<i32>(), 1..50)) {
            let ring = Ring::new(1_024, SA_4096.primes).unwrap();
            let poly = ring.from_signed(values.iter().map(|v| i64::from(*v)));
            for (at, value) in values.iter().enumerate() {
                prop_assert_eq!(integer(ring.crt(), &poly, at), BigInt::from(*value));
            }
        }
    }
}
