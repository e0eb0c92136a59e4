// SPDX-License-Identifier: GPL-3.0-or-later
//! Batches in memory, by the backends of `ring`.

use core::convert::Infallible;

use zeroize::Zeroizing;

use super::{after, check_polynomials, check_rows, check_same, Batch, Settings};
use crate::ring::{Backend, Modulus, NttTable, Words};
use crate::sample::{uniform_row, Block, ErrorSampler, Purpose, Seed, ALL_LIMBS};

/// The CPU, with the backend of the ring.
#[derive(Debug)]
pub struct CpuBatch {
    settings: Settings,
    errors: ErrorSampler,
}

impl CpuBatch {
    /// Computes with the backend of `settings.ring`.
    pub fn new(settings: Settings) -> Self {
        Self {
            errors: ErrorSampler::new(settings.errors),
            settings,
        }
    }

    fn backend(&self) -> &'static dyn Backend {
        self.settings.ring.backend()
    }

    /// Hands out the rows with their tables.
    fn each_row(&self, rows: &mut [u32], mut each: impl FnMut(usize, &NttTable, &mut [u32])) {
        let tables = self.settings.ring.tables();
        let rows = rows.chunks_exact_mut(self.settings.ring.degree());
        for (i, row) in rows.enumerate() {
            each(i, &tables[i % tables.len()], row);
        }
    }

    /// Row i of a batch.
    fn row<'a>(&self, rows: &'a [u32], i: usize) -> &'a [u32] {
        let degree = self.settings.ring.degree();
        &rows[i * degree..(i + 1) * degree]
    }
}

/// m + t e modulo one prime, with t = 2^width, in constant time.
pub(crate) fn encode_row(
    modulus: &Modulus,
    width: u32,
    packed: &[i64],
    errors: &[i32],
    out: &mut [u32],
) {
    let t = modulus.shoup(modulus.pow(2, width));
    for ((x, m), e) in out.iter_mut().zip(packed).zip(errors) {
        // e mod p without a branch: p is added where e is negative.
        let e = (*e as u32).wrapping_add(modulus.value() & ((*e >> 31) as u32));
        *x = modulus.add(modulus.from_i64(*m), modulus.mul_shoup(e, t));
    }
}

impl Batch for CpuBatch {
    type Rows = Zeroizing<Words>;
    type Error = Infallible;

    fn name(&self) -> &str {
        self.backend().name()
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn upload(&self, words: &[u32]) -> Result<Self::Rows, Infallible> {
        check_rows(&self.settings.ring, words.len());
        Ok(Zeroizing::new(Words::from(words)))
    }

    fn download(&self, rows: &Self::Rows) -> Result<Vec<u32>, Infallible> {
        Ok(rows.to_vec())
    }

    fn forward(&self, rows: &mut Self::Rows) -> Result<(), Infallible> {
        self.each_row(rows, |_, table, row| self.backend().forward(table, row));
        Ok(())
    }

    fn inverse(&self, rows: &mut Self::Rows) -> Result<(), Infallible> {
        self.each_row(rows, |_, table, row| self.backend().inverse(table, row));
        Ok(())
    }

    fn add(&self, a: &mut Self::Rows, b: &Self::Rows) -> Result<(), Infallible> {
        check_same(a.len(), b.len());
        self.each_row(a, |i, table, row| {
            self.backend().add(table.modulus(), row, self.row(b, i));
        });
        Ok(())
    }

    fn sub(&self, a: &mut Self::Rows, b: &Self::Rows) -> Result<(), Infallible> {
        check_same(a.len(), b.len());
        self.each_row(a, |i, table, row| {
            self.backend().sub(table.modulus(), row, self.row(b, i));
        });
        Ok(())
    }

    fn mul(&self, a: &mut Self::Rows, b: &Self::Rows) -> Result<(), Infallible> {
        check_same(a.len(), b.len());
        self.each_row(a, |i, table, row| {
            self.backend().mul(table.modulus(), row, self.row(b, i));
        });
        Ok(())
    }

    fn mul_add(
        &self,
        sum: &mut Self::Rows,
        a: &Self::Rows,
        b: &Self::Rows,
    ) -> Result<(), Infallible> {
        check_same(sum.len(), a.len());
        check_same(sum.len(), b.len());
        self.each_row(sum, |i, table, row| {
            let (a, b) = (self.row(a, i), self.row(b, i));
            self.backend().mul_add(table.modulus(), row, a, b);
        });
        Ok(())
    }

    fn scale(&self, a: &mut Self::Rows, factor: u64) -> Result<(), Infallible> {
        self.each_row(a, |_, table, row| {
            let modulus = table.modulus();
            let factor = modulus.shoup(modulus.from_u64(factor));
            self.backend().scale(modulus, row, factor);
        });
        Ok(())
    }

    fn sum(&self, terms: &Self::Rows, count: usize) -> Result<Self::Rows, Infallible> {
        assert!(count > 0, "a sum of at least one batch");
        check_same(terms.len() % count, 0);
        let words = terms.len() / count;
        check_polynomials(&self.settings.ring, words);
        let mut sum = Zeroizing::new(Words::from(&terms[..words]));
        for term in 1..count {
            let term = &terms[term * words..(term + 1) * words];
            self.each_row(&mut sum, |i, table, row| {
                self.backend().add(table.modulus(), row, self.row(term, i));
            });
        }
        Ok(sum)
    }

    fn uniform(&self, public: &Seed, first: Block, count: usize) -> Result<Self::Rows, Infallible> {
        let ring = &self.settings.ring;
        let mut rows = Zeroizing::new(Words::zeros(count * ring.limbs() * ring.degree()));
        self.each_row(&mut rows, |i, table, row| {
            let (block, limb) = (after(first, i / ring.limbs()), i % ring.limbs());
            uniform_row(public, block, limb, table.modulus().value(), row);
        });
        Ok(rows)
    }

    fn add_uniform_product(
        &self,
        sum: &mut Self::Rows,
        public: &Seed,
        first: Block,
        key: &Self::Rows,
    ) -> Result<(), Infallible> {
        let ring = &self.settings.ring;
        check_polynomials(ring, sum.len());
        check_same(key.len(), ring.limbs() * ring.degree());
        let mut a = Words::zeros(ring.degree());
        self.each_row(sum, |i, table, row| {
            let (block, limb) = (after(first, i / ring.limbs()), i % ring.limbs());
            uniform_row(public, block, limb, table.modulus().value(), &mut a);
            let key = self.row(key, limb);
            self.backend().mul_add(table.modulus(), row, &a, key);
        });
        Ok(())
    }

    fn encode(
        &self,
        packed: &[i64],
        seeds: &[Seed],
        first: Block,
    ) -> Result<Self::Rows, Infallible> {
        let ring = &self.settings.ring;
        check_same(packed.len(), seeds.len() * ring.degree());
        let mut rows = Zeroizing::new(Words::zeros(packed.len() * ring.limbs()));
        let polynomials = rows.chunks_exact_mut(ring.limbs() * ring.degree());
        let packed = packed.chunks_exact(ring.degree());
        for (i, ((rows, packed), seed)) in polynomials.zip(packed).zip(seeds).enumerate() {
            let place = after(first, i).place(Purpose::Error, ALL_LIMBS);
            let errors = self.errors.draw(seed, place, ring.degree());
            self.each_row(rows, |_, table, row| {
                encode_row(table.modulus(), self.settings.width, packed, &errors, row);
            });
        }
        Ok(rows)
    }
}
