// SPDX-License-Identifier: GPL-3.0-or-later
//! Many polynomials at a time, where they lie: in memory, or on a GPU.
//!
//! [`crate::ring::Backend`] works on one polynomial in memory. A batch stays on its device from the first kernel to the last, which is
//! what makes a GPU worth its transfers. [`CpuBatch`] runs the machine's best [`crate::ring::Backend`] over the rows and is the
//! reference; [`crate::cuda::CudaBatch`] (feature `cuda`) gives the same words.

mod cpu;
mod processor;
mod verify;

pub(crate) use cpu::encode_row;
pub use cpu::CpuBatch;
pub use processor::{Processor, Work};
pub use verify::{verify, VerifyError};

use crate::params::ErrorDistribution;
use crate::ring::Ring;
use crate::sample::{Block, Seed};

/// What a batch computes with: a ring, and how plaintexts are hidden in it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The ring.
    pub ring: Ring,
    /// log2 of the plaintext modulus t.
    pub width: u32,
    /// Distribution of errors.
    pub errors: ErrorDistribution,
}

/// By degree, primes, width and errors: results depend on nothing else.
impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        let primes = |settings: &Self| -> Vec<u32> {
            let tables = settings.ring.tables().iter();
            tables.map(|table| table.modulus().value()).collect()
        };
        self.ring.degree() == other.ring.degree()
            && primes(self) == primes(other)
            && (self.width, self.errors) == (other.width, other.errors)
    }
}

/// Rows of N residues on one device: row r is limb r modulo L of polynomial r / L, with L the ring's limbs. A batch may end within
/// a polynomial. Inputs and outputs are canonical, in [0, p); all devices give the same words.
///
/// # Panics
/// Every operation panics where batches differ in length, or where words are no whole rows.
pub trait Batch {
    /// Rows on the device; wiped when they go.
    type Rows;

    /// How the device fails.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Name of the device, for logs and benches.
    fn name(&self) -> &str;

    /// What it computes with.
    fn settings(&self) -> &Settings;

    /// Takes rows to the device.
    ///
    /// # Errors
    /// [`Self::Error`], as every operation.
    fn upload(&self, words: &[u32]) -> Result<Self::Rows, Self::Error>;

    /// Brings rows back.
    ///
    /// # Errors
    /// [`Self::Error`].
    fn download(&self, rows: &Self::Rows) -> Result<Vec<u32>, Self::Error>;

    /// Negacyclic transform of every row, in place: natural order to bit-reversed order.
    ///
    /// # Errors
    /// [`Self::Error`].
    fn forward(&self, rows: &mut Self::Rows) -> Result<(), Self::Error>;

    /// Inverse of [`Self::forward`], the factor 1/N included.
    ///
    /// # Errors
    /// [`Self::Error`].
    fn inverse(&self, rows: &mut Self::Rows) -> Result<(), Self::Error>;

    /// a += b.
    ///
    /// # Errors
    /// [`Self::Error`].
    fn add(&self, a: &mut Self::Rows, b: &Self::Rows) -> Result<(), Self::Error>;

    /// a -= b.
    ///
    /// # Errors
    /// [`Self::Error`].
    fn sub(&self, a: &mut Self::Rows, b: &Self::Rows) -> Result<(), Self::Error>;

    /// a *= b, entry by entry.
    ///
    /// # Errors
    /// [`Self::Error`].
    fn mul(&self, a: &mut Self::Rows, b: &Self::Rows) -> Result<(), Self::Error>;

    /// sum += a b, entry by entry.
    ///
    /// # Errors
    /// [`Self::Error`].
    fn mul_add(
        &self,
        sum: &mut Self::Rows,
        a: &Self::Rows,
        b: &Self::Rows,
    ) -> Result<(), Self::Error>;

    /// a *= factor.
    ///
    /// # Errors
    /// [`Self::Error`].
    fn scale(&self, a: &mut Self::Rows, factor: u64) -> Result<(), Self::Error>;

    /// Sum of `count` batches of one length that lie one after another in `terms`.
    ///
    /// # Errors
    /// [`Self::Error`].
    ///
    /// # Panics
    /// Also where `count` is zero, or `terms` is no `count` batches of whole polynomials.
    fn sum(&self, terms: &Self::Rows, count: usize) -> Result<Self::Rows, Self::Error>;

    /// The uniform public polynomials of `count` blocks from `first` on ([`crate::sample::uniform_polynomial`]).
    ///
    /// # Errors
    /// [`Self::Error`].
    fn uniform(&self, public: &Seed, first: Block, count: usize)
        -> Result<Self::Rows, Self::Error>;

    /// sum += a key, with a the polynomials of [`Self::uniform`] and one key of L rows for all of them. a is never written down.
    ///
    /// # Errors
    /// [`Self::Error`].
    ///
    /// # Panics
    /// Also where `sum` ends within a polynomial, or `key` is no polynomial.
    fn add_uniform_product(
        &self,
        sum: &mut Self::Rows,
        public: &Seed,
        first: Block,
        key: &Self::Rows,
    ) -> Result<(), Self::Error>;

    /// m + t e for the blocks from `first` on: `packed` holds N words m a polynomial, `seeds` the seed of each one's errors e.
    ///
    /// # Errors
    /// [`Self::Error`].
    ///
    /// # Panics
    /// Also where `packed` is not one polynomial for each seed.
    fn encode(
        &self,
        packed: &[i64],
        seeds: &[Seed],
        first: Block,
    ) -> Result<Self::Rows, Self::Error>;
}

/// Block `i` after `first`.
pub(crate) fn after(first: Block, i: usize) -> Block {
    let polynomial = u32::try_from(i)
        .ok()
        .and_then(|i| first.polynomial.checked_add(i));
    Block {
        polynomial: polynomial.expect("a segment has at most 2^32 polynomials"),
        ..first
    }
}

pub(crate) fn check_rows(ring: &Ring, words: usize) {
    assert!(
        words.is_multiple_of(ring.degree()),
        "{words} words are no whole rows of {}",
        ring.degree()
    );
}

pub(crate) fn check_polynomials(ring: &Ring, words: usize) {
    assert!(
        words.is_multiple_of(ring.degree() * ring.limbs()),
        "{words} words are no whole polynomials of {} limbs of {}",
        ring.limbs(),
        ring.degree()
    );
}

pub(crate) fn check_same(a: usize, b: usize) {
    assert_eq!(a, b, "batches of one length");
}

#[cfg(test)]
mod tests;
