// SPDX-License-Identifier: GPL-3.0-or-later
//! Batches of a ring on a GPU.
#![allow(unsafe_code)]

use std::sync::Arc;

use zeroize::Zeroizing;

use super::kernels::{self, Grid, Inner, Limb, Outer, Pairwise, Place, Twiddle};
use super::memory::Memory;
use super::{Cuda, GpuError};
use crate::batch::{check_polynomials, check_rows, check_same, Batch, Settings};
use crate::params::ErrorDistribution;
use crate::ring::NttTable;
use crate::sample::{Block, GaussianTable, Purpose, Seed};

/// A seed as the kernels' eight words.
fn seed_words(seed: &Seed) -> impl Iterator<Item = u32> + '_ {
    let word = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
    seed.bytes().as_chunks::<4>().0.iter().map(word)
}

/// Rows on the GPU; wiped when they go.
#[derive(Debug)]
pub struct CudaRows(Memory<u32>);

impl CudaRows {
    /// Words of all rows.
    pub fn words(&self) -> usize {
        self.0.len()
    }
}

/// How the encoding kernels draw errors.
#[derive(Debug)]
enum Errors {
    Binomial { eta: u32 },
    Gaussian { thresholds: Memory<u64> },
}

/// A GPU with the tables of one ring.
#[derive(Debug)]
pub struct CudaBatch {
    cuda: Arc<Cuda>,
    settings: Settings,
    errors: Errors,
    limb_count: u32,
    log_degree: u32,
    limbs: Memory<Limb>,
    /// Limb after limb.
    twiddles: Memory<Twiddle>,
}

impl CudaBatch {
    /// Takes the tables of the ring to the GPU.
    ///
    /// # Errors
    /// [`GpuError::Device`].
    pub fn new(cuda: Arc<Cuda>, settings: Settings) -> Result<Self, GpuError> {
        let errors = match settings.errors {
            ErrorDistribution::CentredBinomial { eta } => Errors::Binomial { eta },
            ErrorDistribution::DiscreteGaussian { sigma_milli, tail } => {
                let table = GaussianTable::new(sigma_milli, tail);
                Errors::Gaussian {
                    thresholds: Memory::from(&cuda, table.thresholds())?,
                }
            }
        };
        let tables = settings.ring.tables();
        let limbs: Vec<Limb> = tables
            .iter()
            .map(|t| Limb::new(t, settings.width))
            .collect();
        let twiddles: Vec<Twiddle> = tables.iter().flat_map(Twiddle::of).collect();
        Ok(Self {
            errors,
            limb_count: tables.len() as u32,
            log_degree: tables[0].log_degree(),
            limbs: Memory::from(&cuda, &limbs)?,
            twiddles: Memory::from(&cuda, &twiddles)?,
            cuda,
            settings,
        })
    }

    /// The GPU.
    pub fn cuda(&self) -> &Cuda {
        &self.cuda
    }

    /// Copies rows within the GPU, which is what benches compare kernels with.
    ///
    /// # Errors
    /// [`GpuError::Device`].
    ///
    /// # Panics
    /// Where the batches differ in length.
    pub fn copy(&self, to: &mut CudaRows, from: &CudaRows) -> Result<(), GpuError> {
        check_same(to.words(), from.words());
        to.0.copy_from(&from.0)
    }

    /// A kernel over all words of `a`, four a thread, with words of `b`.
    fn each_word(
        &self,
        kernel: Pairwise,
        a: &mut CudaRows,
        b: &Memory<u32>,
    ) -> Result<(), GpuError> {
        let words = a.words();
        if words == 0 {
            return Ok(());
        }
        let grid = Grid::threads(words / 4)?;
        let (at, limbs) = (a.0.at(), self.limbs.at());
        let (count, log) = (self.limb_count, self.log_degree);
        // SAFETY: these kernels read and write below `words` in a, and read below it in b, or two words a limb.
        unsafe {
            kernel(
                &self.cuda,
                grid,
                at,
                b.at(),
                limbs,
                count,
                log,
                words as u64,
            )
        }
    }

    /// log2 of a block of the inner kernels, and the number of outer stages.
    fn phases(&self) -> (u32, u32) {
        if self.log_degree <= kernels::ONE_PASS_LOG {
            (self.log_degree, 0)
        } else {
            (kernels::INNER_LOG, self.log_degree - kernels::INNER_LOG)
        }
    }

    fn inner(&self, kernels: [Inner; 5], rows: &mut CudaRows) -> Result<(), GpuError> {
        let (log_block, _) = self.phases();
        let kernel = kernels[(log_block - kernels::FIRST_LOG) as usize];
        let grid = Grid::shared(rows.words(), log_block)?;
        let (limbs, twiddles) = (self.limbs.at(), self.twiddles.at());
        let (count, log) = (self.limb_count, self.log_degree);
        // SAFETY: a block of threads for each block of 2^log_block words of the rows; limbs and twiddles are the ring's.
        unsafe { kernel(&self.cuda, grid, rows.0.at(), limbs, twiddles, count, log) }
    }

    fn outer(&self, kernels: [Outer; 2], rows: &mut CudaRows) -> Result<(), GpuError> {
        let (_, stages) = self.phases();
        let kernel = match stages {
            0 => return Ok(()),
            3 => kernels[0],
            _ => kernels[1],
        };
        let grid = Grid::threads(rows.words() >> stages)?;
        let of = (rows.words() >> self.log_degree) as u32;
        let (limbs, twiddles) = (self.limbs.at(), self.twiddles.at());
        let (count, log) = (self.limb_count, self.log_degree);
        // SAFETY: a thread for every 2^stages words of the rows, and the kernel stops behind the last row; limbs and twiddles are the
        // ring's.
        unsafe {
            kernel(
                &self.cuda,
                grid,
                rows.0.at(),
                limbs,
                twiddles,
                count,
                log,
                of,
            )
        }
    }

    /// Memory for `words` words, and what fills it; nothing is launched for none.
    fn filled(
        &self,
        words: usize,
        fill: impl FnOnce(&Memory<u32>) -> Result<(), GpuError>,
    ) -> Result<CudaRows, GpuError> {
        // SAFETY: handed out only once a kernel that writes all of it was launched.
        let rows = unsafe { Memory::uninitialised(&self.cuda, words) }?;
        if words > 0 {
            fill(&rows)?;
        }
        Ok(CudaRows(rows))
    }

    fn seed(&self, seed: &Seed) -> Result<Memory<u32>, GpuError> {
        let words: Zeroizing<Vec<u32>> = Zeroizing::new(seed_words(seed).collect());
        Memory::from(&self.cuda, &words)
    }
}

impl Batch for CudaBatch {
    type Rows = CudaRows;
    type Error = GpuError;

    fn name(&self) -> &str {
        self.cuda.name()
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn upload(&self, words: &[u32]) -> Result<CudaRows, GpuError> {
        check_rows(&self.settings.ring, words.len());
        Ok(CudaRows(Memory::from(&self.cuda, words)?))
    }

    fn download(&self, rows: &CudaRows) -> Result<Vec<u32>, GpuError> {
        let mut words = vec![0; rows.words()];
        rows.0.copy_to(&mut words)?;
        Ok(words)
    }

    fn forward(&self, rows: &mut CudaRows) -> Result<(), GpuError> {
        if rows.words() == 0 {
            return Ok(());
        }
        self.outer(
            [kernels::ntt_forward_outer_3, kernels::ntt_forward_outer_4],
            rows,
        )?;
        self.inner(kernels::FORWARD, rows)
    }

    fn inverse(&self, rows: &mut CudaRows) -> Result<(), GpuError> {
        if rows.words() == 0 {
            return Ok(());
        }
        self.inner(kernels::INVERSE, rows)?;
        self.outer(
            [kernels::ntt_inverse_outer_3, kernels::ntt_inverse_outer_4],
            rows,
        )
    }

    fn add(&self, a: &mut CudaRows, b: &CudaRows) -> Result<(), GpuError> {
        check_same(a.words(), b.words());
        self.each_word(kernels::residues_add, a, &b.0)
    }

    fn sub(&self, a: &mut CudaRows, b: &CudaRows) -> Result<(), GpuError> {
        check_same(a.words(), b.words());
        self.each_word(kernels::residues_sub, a, &b.0)
    }

    fn mul(&self, a: &mut CudaRows, b: &CudaRows) -> Result<(), GpuError> {
        check_same(a.words(), b.words());
        self.each_word(kernels::residues_mul, a, &b.0)
    }

    fn mul_add(&self, sum: &mut CudaRows, a: &CudaRows, b: &CudaRows) -> Result<(), GpuError> {
        check_same(sum.words(), a.words());
        check_same(sum.words(), b.words());
        let words = sum.words();
        if words == 0 {
            return Ok(());
        }
        let grid = Grid::threads(words / 4)?;
        let (a, b, limbs) = (a.0.at(), b.0.at(), self.limbs.at());
        let (count, log) = (self.limb_count, self.log_degree);
        // SAFETY: three times `words` words; the kernel stops there.
        unsafe {
            kernels::residues_mul_add(
                &self.cuda,
                grid,
                sum.0.at(),
                a,
                b,
                limbs,
                count,
                log,
                words as u64,
            )
        }
    }

    fn scale(&self, a: &mut CudaRows, factor: u64) -> Result<(), GpuError> {
        let of_limb = |table: &NttTable| {
            let factor = table.modulus().shoup(table.modulus().from_u64(factor));
            [factor.value, factor.quotient]
        };
        let factors: Vec<u32> = self
            .settings
            .ring
            .tables()
            .iter()
            .flat_map(of_limb)
            .collect();
        let factors = Memory::from(&self.cuda, &factors)?;
        self.each_word(kernels::residues_scale, a, &factors)
    }

    fn sum(&self, terms: &CudaRows, count: usize) -> Result<CudaRows, GpuError> {
        assert!(count > 0, "a sum of at least one batch");
        check_same(terms.words() % count, 0);
        let words = terms.words() / count;
        check_polynomials(&self.settings.ring, words);
        let terms_count = u32::try_from(count).map_err(|_| GpuError::TooLarge {
            words: terms.words(),
        })?;
        self.filled(words, |sum| {
            let grid = Grid::threads(words / 4)?;
            let (sum, terms, limbs) = (sum.at(), terms.0.at(), self.limbs.at());
            let (count, log) = (self.limb_count, self.log_degree);
            // SAFETY: `words` words of the sum, all written, and `terms_count` times as many of the terms.
            unsafe {
                kernels::residues_sum(
                    &self.cuda,
                    grid,
                    sum,
                    terms,
                    terms_count,
                    limbs,
                    count,
                    log,
                    words as u64,
                )
            }
        })
    }

    fn uniform(&self, public: &Seed, first: Block, count: usize) -> Result<CudaRows, GpuError> {
        let words = count * self.settings.ring.limbs() * self.settings.ring.degree();
        self.filled(words, |rows| {
            check_last(first, count);
            let (grid, seed) = (Grid::threads(words / 8)?, self.seed(public)?);
            let place = Place::new(Purpose::Public, first);
            let (limbs, limb_count, log) = (self.limbs.at(), self.limb_count, self.log_degree);
            // SAFETY: `words` words, all written; the seed has eight.
            unsafe {
                kernels::sample_uniform(
                    &self.cuda,
                    grid,
                    rows.at(),
                    seed.at(),
                    place,
                    limbs,
                    limb_count,
                    log,
                    words as u64,
                )
            }
        })
    }

    fn add_uniform_product(
        &self,
        sum: &mut CudaRows,
        public: &Seed,
        first: Block,
        key: &CudaRows,
    ) -> Result<(), GpuError> {
        let ring = &self.settings.ring;
        check_polynomials(ring, sum.words());
        check_same(key.words(), ring.limbs() * ring.degree());
        let words = sum.words();
        if words == 0 {
            return Ok(());
        }
        check_last(first, words / key.words());
        let (grid, seed) = (Grid::threads(words / 8)?, self.seed(public)?);
        let place = Place::new(Purpose::Public, first);
        let (limbs, count, log) = (self.limbs.at(), self.limb_count, self.log_degree);
        // SAFETY: `words` words of the sum, one polynomial of the key, eight words of the seed.
        unsafe {
            kernels::uniform_mul_add(
                &self.cuda,
                grid,
                sum.0.at(),
                key.0.at(),
                seed.at(),
                place,
                limbs,
                count,
                log,
                words as u64,
            )
        }
    }

    fn encode(&self, packed: &[i64], seeds: &[Seed], first: Block) -> Result<CudaRows, GpuError> {
        let ring = &self.settings.ring;
        check_same(packed.len(), seeds.len() * ring.degree());
        let coefficients = packed.len();
        self.filled(coefficients * ring.limbs(), |rows| {
            check_last(first, seeds.len());
            let words: Zeroizing<Vec<u32>> =
                Zeroizing::new(seeds.iter().flat_map(seed_words).collect());
            let seeds = Memory::from(&self.cuda, &words)?;
            let packed = Memory::from(&self.cuda, packed)?;
            let place = Place::new(Purpose::Error, first);
            let grid = Grid::threads(coefficients / 8)?;
            let (limbs, count, log) = (self.limbs.at(), self.limb_count, self.log_degree);
            let (out, packed, seeds) = (rows.at(), packed.at(), seeds.at());
            let coefficients = coefficients as u64;
            match &self.errors {
                // SAFETY: a word for each coefficient and limb, all written, and eight words of seed a polynomial.
                Errors::Binomial { eta } => unsafe {
                    kernels::encode_with_binomial(
                        &self.cuda,
                        grid,
                        limbs,
                        count,
                        log,
                        coefficients,
                        out,
                        packed,
                        seeds,
                        place,
                        *eta,
                    )
                },
                // SAFETY: as above, and as many thresholds as it is told.
                Errors::Gaussian { thresholds } => unsafe {
                    kernels::encode_with_gaussian(
                        &self.cuda,
                        grid,
                        limbs,
                        count,
                        log,
                        coefficients,
                        out,
                        packed,
                        seeds,
                        place,
                        thresholds.at(),
                        thresholds.len() as u32,
                    )
                },
            }
        })
    }
}

/// Panics as the CPU does where a segment would have too many polynomials.
fn check_last(first: Block, count: usize) {
    let _ = crate::batch::after(first, count - 1);
}
