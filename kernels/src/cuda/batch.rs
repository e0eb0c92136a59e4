// SPDX-License-Identifier: GPL-3.0-or-later
//! Launches. Kernel arguments are those of the definitions in kernels/cuda/*.cu, in their order and width.
#![allow(unsafe_code)]

use std::sync::Arc;

use cust::error::{CudaError, CudaResult};
use cust::function::Function;
use cust::launch;
use cust::memory::{AsyncCopyDestination, CopyDestination, DeviceBuffer, DeviceCopy, DeviceSlice};
use cust::module::Module;
use cust::sys::{cuFuncSetAttribute, cuMemsetD8_v2, cudaError_enum, CUfunction_attribute};

use super::{Cuda, GpuError};
use crate::batch::{check_polynomials, check_rows, check_same, Batch, Settings};
use crate::params::ErrorDistribution;
use crate::ring::NttTable;
use crate::sample::{Block, GaussianTable, Purpose, Seed};

/// Largest transform that one kernel does, log2 N; larger ones are an outer kernel and an inner one over blocks of [`INNER_LOG`].
const ONE_PASS_LOG: u32 = 14;
const INNER_LOG: u32 = 12;
/// Most threads of a block of a transform (`__launch_bounds__`); in an inner kernel each has eight words at a time.
const INNER_THREADS: u32 = 512;
/// Threads of a block of the other kernels.
const THREADS: u32 = 256;

/// Inner kernels by log2 of their block, from [`FIRST_LOG`] to [`ONE_PASS_LOG`].
const FORWARD: [&str; 5] = [
    "ntt_forward_10",
    "ntt_forward_11",
    "ntt_forward_12",
    "ntt_forward_13",
    "ntt_forward_14",
];
const INVERSE: [&str; 5] = [
    "ntt_inverse_10",
    "ntt_inverse_11",
    "ntt_inverse_12",
    "ntt_inverse_13",
    "ntt_inverse_14",
];
const FIRST_LOG: u32 = 10;

/// Bytes of shared memory of an inner kernel: the words of its block.
const fn shared_bytes(log_block: u32) -> u32 {
    4 << log_block
}

/// What cust's own calls make of a code; theirs is private.
fn checked(code: cudaError_enum) -> CudaResult<()> {
    match code {
        cudaError_enum::CUDA_SUCCESS => Ok(()),
        cudaError_enum::CUDA_ERROR_INVALID_VALUE => Err(CudaError::InvalidValue),
        cudaError_enum::CUDA_ERROR_LAUNCH_FAILED => Err(CudaError::LaunchFailed),
        _ => Err(CudaError::UnknownError),
    }
}

/// Lets the largest inner kernels have more than the 48 KiB that a block gets unasked.
pub(super) fn allow_shared_memory(module: &Module) -> CudaResult<()> {
    for name in [FORWARD[4], INVERSE[4]] {
        let function = module.get_function(name)?;
        let bytes = shared_bytes(ONE_PASS_LOG) as i32;
        let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        // SAFETY: a function of a loaded module; the driver checks the number.
        checked(unsafe { cuFuncSetAttribute(function.to_raw(), attribute, bytes) })?;
    }
    Ok(())
}

/// struct Limb of ring.cuh.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Limb {
    p: u32,
    two_p: u32,
    scale: u32,
    scale_quotient: u32,
    first: u32,
    first_quotient: u32,
    bits: u32,
    mu: u32,
    t: u32,
    t_quotient: u32,
}

// SAFETY: ten words, no reference.
unsafe impl DeviceCopy for Limb {}

impl Limb {
    fn new(table: &NttTable, width: u32) -> Self {
        let modulus = table.modulus();
        let t = modulus.shoup(modulus.pow(2, width));
        Self {
            p: modulus.value(),
            two_p: 2 * modulus.value(),
            scale: table.scale().value,
            scale_quotient: table.scale().quotient,
            first: table.scaled_first().value,
            first_quotient: table.scaled_first().quotient,
            bits: modulus.bits(),
            mu: modulus.mu(),
            t: t.value,
            t_quotient: t.quotient,
        }
    }
}

/// struct Place of elementwise.cu.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct KernelPlace {
    purpose: u32,
    segment: u32,
    round: u32,
    polynomial: u32,
}

// SAFETY: four words, no reference.
unsafe impl DeviceCopy for KernelPlace {}

impl KernelPlace {
    fn new(purpose: Purpose, first: Block) -> Self {
        Self {
            purpose: purpose as u32,
            segment: first.segment.into(),
            round: first.round,
            polynomial: first.polynomial,
        }
    }
}

/// A seed as the kernels' eight words.
fn seed_words(seed: &Seed) -> impl Iterator<Item = u32> + '_ {
    let word = |bytes: &[u8; 4]| u32::from_le_bytes(*bytes);
    seed.bytes().as_chunks::<4>().0.iter().map(word)
}

/// Memory of the GPU that is wiped before it is given back.
#[derive(Debug)]
struct Memory<T: DeviceCopy> {
    // Dropped before the context that it belongs to.
    buffer: DeviceBuffer<T>,
    cuda: Arc<Cuda>,
}

impl<T: DeviceCopy> Memory<T> {
    fn from(cuda: &Arc<Cuda>, words: &[T]) -> Result<Self, GpuError> {
        let buffer = cuda.call("a copy to the GPU", |_| DeviceBuffer::from_slice(words))?;
        Ok(Self {
            cuda: Arc::clone(cuda),
            buffer,
        })
    }

    /// Without contents: for what a kernel writes whole.
    fn uninitialised(cuda: &Arc<Cuda>, words: usize) -> Result<Self, GpuError> {
        // SAFETY: the callers launch a kernel that writes every word before they hand the memory out.
        let make = |_: &Cuda| unsafe { DeviceBuffer::uninitialized(words) };
        Ok(Self {
            cuda: Arc::clone(cuda),
            buffer: cuda.call("taking memory of the GPU", make)?,
        })
    }
}

impl<T: DeviceCopy> Drop for Memory<T> {
    fn drop(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let (start, bytes) = (
            self.buffer.as_device_ptr().as_raw(),
            self.buffer.len() * size_of::<T>(),
        );
        let wiped = self.cuda.call("wiping memory of the GPU", |_| {
            // SAFETY: the bytes of the buffer, which is alive.
            checked(unsafe { cuMemsetD8_v2(start, 0, bytes) })
        });
        if let Err(reason) = wiped {
            tracing::warn!("{reason}: secrets may be left there");
        }
    }
}

/// Rows on the GPU; wiped when they go.
#[derive(Debug)]
pub struct CudaRows(Memory<u32>);

impl CudaRows {
    /// Words of all rows.
    pub fn words(&self) -> usize {
        self.0.buffer.len()
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
    /// Value and Shoup quotient in turn, limb after limb.
    twiddles: Memory<u32>,
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
        let pairs = |table: &NttTable| -> Vec<u32> {
            let pairs = table.values().iter().zip(table.quotients());
            pairs
                .flat_map(|(value, quotient)| [*value, *quotient])
                .collect()
        };
        let twiddles: Vec<u32> = tables.iter().flat_map(pairs).collect();
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
        self.cuda.call("a copy within the GPU", |cuda| {
            // SAFETY: two buffers of one length; the stream runs it before anything that is asked of them later.
            unsafe {
                let from: &DeviceSlice<u32> = &from.0.buffer;
                to.0.buffer.async_copy_from(from, &cuda.stream)
            }
        })
    }

    /// Blocks that give each of `items` threads one.
    fn grid(items: usize, threads: u32) -> Result<u32, GpuError> {
        let blocks = items.div_ceil(threads as usize);
        // A grid has at most 2^31 - 1 blocks.
        i32::try_from(blocks)
            .map(i32::unsigned_abs)
            .map_err(|_| GpuError::TooLarge { words: items })
    }

    /// Gets the kernel and runs `run` with it.
    fn with_kernel(
        &self,
        name: &'static str,
        run: impl FnOnce(&Cuda, Function<'_>) -> CudaResult<()>,
    ) -> Result<(), GpuError> {
        self.cuda
            .call(name, |cuda| run(cuda, cuda.module.get_function(name)?))
    }

    /// A kernel (a, b, limbs, limb count, log N, words) over all words of `a`, four a thread.
    fn each_word(
        &self,
        name: &'static str,
        a: &mut CudaRows,
        b: &Memory<u32>,
    ) -> Result<(), GpuError> {
        let words = a.words();
        if words == 0 {
            return Ok(());
        }
        let grid = Self::grid(words / 4, THREADS)?;
        self.with_kernel(name, |cuda, kernel| {
            let stream = &cuda.stream;
            // SAFETY: these kernels read and write below `words` in `a`, below `words` in b or two words a limb, and the limbs.
            unsafe {
                launch!(kernel<<<grid, THREADS, 0, stream>>>(
                    a.0.buffer.as_device_ptr(),
                    b.buffer.as_device_ptr(),
                    self.limbs.buffer.as_device_ptr(),
                    self.limb_count,
                    self.log_degree,
                    words as u64,
                ))
            }
        })
    }

    /// log2 of a block of the inner kernels, and the number of outer stages.
    fn phases(&self) -> (u32, u32) {
        if self.log_degree <= ONE_PASS_LOG {
            (self.log_degree, 0)
        } else {
            (INNER_LOG, self.log_degree - INNER_LOG)
        }
    }

    fn inner(&self, names: [&'static str; 5], rows: &mut CudaRows) -> Result<(), GpuError> {
        let (log_block, _) = self.phases();
        let name = names[(log_block - FIRST_LOG) as usize];
        let block = 1u32 << log_block;
        let grid = Self::grid(rows.words(), block)?;
        let threads = (block / 8).min(INNER_THREADS);
        self.with_kernel(name, |cuda, kernel| {
            let stream = &cuda.stream;
            // SAFETY: the grid is one block of threads for each block of 2^log_block words of the rows; tables and limbs are the ring's.
            unsafe {
                launch!(kernel<<<grid, threads, shared_bytes(log_block), stream>>>(
                    rows.0.buffer.as_device_ptr(),
                    self.limbs.buffer.as_device_ptr(),
                    self.twiddles.buffer.as_device_ptr(),
                    self.limb_count,
                    self.log_degree,
                ))
            }
        })
    }

    fn outer(&self, names: [&'static str; 2], rows: &mut CudaRows) -> Result<(), GpuError> {
        let (_, stages) = self.phases();
        let name = match stages {
            0 => return Ok(()),
            3 => names[0],
            _ => names[1],
        };
        let count = (rows.words() >> self.log_degree) as u32;
        let grid = Self::grid(rows.words() >> stages, THREADS)?;
        self.with_kernel(name, |cuda, kernel| {
            let stream = &cuda.stream;
            // SAFETY: a thread for every 2^stages words of the rows; the kernel stops at `count` rows. Tables and limbs are the ring's.
            unsafe {
                launch!(kernel<<<grid, THREADS, 0, stream>>>(
                    rows.0.buffer.as_device_ptr(),
                    self.limbs.buffer.as_device_ptr(),
                    self.twiddles.buffer.as_device_ptr(),
                    self.limb_count,
                    self.log_degree,
                    count,
                ))
            }
        })
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
        self.cuda.synchronize()?;
        self.cuda.call("a copy from the GPU", |_| {
            rows.0.buffer.copy_to(&mut words[..])
        })?;
        Ok(words)
    }

    fn forward(&self, rows: &mut CudaRows) -> Result<(), GpuError> {
        if rows.words() == 0 {
            return Ok(());
        }
        self.outer(["ntt_forward_outer_3", "ntt_forward_outer_4"], rows)?;
        self.inner(FORWARD, rows)
    }

    fn inverse(&self, rows: &mut CudaRows) -> Result<(), GpuError> {
        if rows.words() == 0 {
            return Ok(());
        }
        self.inner(INVERSE, rows)?;
        self.outer(["ntt_inverse_outer_3", "ntt_inverse_outer_4"], rows)
    }

    fn add(&self, a: &mut CudaRows, b: &CudaRows) -> Result<(), GpuError> {
        check_same(a.words(), b.words());
        self.each_word("residues_add", a, &b.0)
    }

    fn sub(&self, a: &mut CudaRows, b: &CudaRows) -> Result<(), GpuError> {
        check_same(a.words(), b.words());
        self.each_word("residues_sub", a, &b.0)
    }

    fn mul(&self, a: &mut CudaRows, b: &CudaRows) -> Result<(), GpuError> {
        check_same(a.words(), b.words());
        self.each_word("residues_mul", a, &b.0)
    }

    fn mul_add(&self, sum: &mut CudaRows, a: &CudaRows, b: &CudaRows) -> Result<(), GpuError> {
        check_same(sum.words(), a.words());
        check_same(sum.words(), b.words());
        let words = sum.words();
        if words == 0 {
            return Ok(());
        }
        let grid = Self::grid(words / 4, THREADS)?;
        self.with_kernel("residues_mul_add", |cuda, kernel| {
            let stream = &cuda.stream;
            // SAFETY: three buffers of `words` words; the kernel stops there.
            unsafe {
                launch!(kernel<<<grid, THREADS, 0, stream>>>(
                    sum.0.buffer.as_device_ptr(),
                    a.0.buffer.as_device_ptr(),
                    b.0.buffer.as_device_ptr(),
                    self.limbs.buffer.as_device_ptr(),
                    self.limb_count,
                    self.log_degree,
                    words as u64,
                ))
            }
        })
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
        self.each_word("residues_scale", a, &factors)
    }

    fn sum(&self, terms: &CudaRows, count: usize) -> Result<CudaRows, GpuError> {
        assert!(count > 0, "a sum of at least one batch");
        check_same(terms.words() % count, 0);
        let words = terms.words() / count;
        check_polynomials(&self.settings.ring, words);
        let terms_count = u32::try_from(count).map_err(|_| GpuError::TooLarge {
            words: terms.words(),
        })?;
        let sum = Memory::uninitialised(&self.cuda, words)?;
        if words > 0 {
            let grid = Self::grid(words / 4, THREADS)?;
            self.with_kernel("residues_sum", |cuda, kernel| {
                let stream = &cuda.stream;
                // SAFETY: `sum` has `words` words and is written whole, `terms` has `count` times as many.
                unsafe {
                    launch!(kernel<<<grid, THREADS, 0, stream>>>(
                        sum.buffer.as_device_ptr(),
                        terms.0.buffer.as_device_ptr(),
                        terms_count,
                        self.limbs.buffer.as_device_ptr(),
                        self.limb_count,
                        self.log_degree,
                        words as u64,
                    ))
                }
            })?;
        }
        Ok(CudaRows(sum))
    }

    fn uniform(&self, public: &Seed, first: Block, count: usize) -> Result<CudaRows, GpuError> {
        let words = count * self.settings.ring.limbs() * self.settings.ring.degree();
        let rows = Memory::uninitialised(&self.cuda, words)?;
        if words > 0 {
            check_last(first, count);
            let seed = Memory::from(&self.cuda, &seed_words(public).collect::<Vec<_>>())?;
            let place = KernelPlace::new(Purpose::Public, first);
            let grid = Self::grid(words / 8, THREADS)?;
            self.with_kernel("sample_uniform", |cuda, kernel| {
                let stream = &cuda.stream;
                // SAFETY: `rows` has `words` words and is written whole, the seed has eight.
                unsafe {
                    launch!(kernel<<<grid, THREADS, 0, stream>>>(
                        rows.buffer.as_device_ptr(),
                        seed.buffer.as_device_ptr(),
                        place,
                        self.limbs.buffer.as_device_ptr(),
                        self.limb_count,
                        self.log_degree,
                        words as u64,
                    ))
                }
            })?;
        }
        Ok(CudaRows(rows))
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
        let seed = Memory::from(&self.cuda, &seed_words(public).collect::<Vec<_>>())?;
        let place = KernelPlace::new(Purpose::Public, first);
        let grid = Self::grid(words / 8, THREADS)?;
        self.with_kernel("uniform_mul_add", |cuda, kernel| {
            let stream = &cuda.stream;
            // SAFETY: `sum` has `words` words, the key one polynomial, the seed eight words.
            unsafe {
                launch!(kernel<<<grid, THREADS, 0, stream>>>(
                    sum.0.buffer.as_device_ptr(),
                    key.0.buffer.as_device_ptr(),
                    seed.buffer.as_device_ptr(),
                    place,
                    self.limbs.buffer.as_device_ptr(),
                    self.limb_count,
                    self.log_degree,
                    words as u64,
                ))
            }
        })
    }

    fn encode(&self, packed: &[i64], seeds: &[Seed], first: Block) -> Result<CudaRows, GpuError> {
        let ring = &self.settings.ring;
        check_same(packed.len(), seeds.len() * ring.degree());
        let coefficients = packed.len();
        let rows = Memory::uninitialised(&self.cuda, coefficients * ring.limbs())?;
        if coefficients > 0 {
            check_last(first, seeds.len());
            let seeds: zeroize::Zeroizing<Vec<u32>> =
                zeroize::Zeroizing::new(seeds.iter().flat_map(seed_words).collect());
            let seeds = Memory::from(&self.cuda, &seeds)?;
            let packed = Memory::from(&self.cuda, packed)?;
            let place = KernelPlace::new(Purpose::Error, first);
            let grid = Self::grid(coefficients / 8, THREADS)?;
            match &self.errors {
                Errors::Binomial { eta } => {
                    self.with_kernel("encode_with_binomial", |cuda, kernel| {
                        let stream = &cuda.stream;
                        // SAFETY: `rows` has as many words as coefficients times limbs and is written whole, the seeds have eight
                        // words a polynomial.
                        unsafe {
                            launch!(kernel<<<grid, THREADS, 0, stream>>>(
                                self.limbs.buffer.as_device_ptr(),
                                self.limb_count,
                                self.log_degree,
                                coefficients as u64,
                                rows.buffer.as_device_ptr(),
                                packed.buffer.as_device_ptr(),
                                seeds.buffer.as_device_ptr(),
                                place,
                                *eta,
                            ))
                        }
                    })?;
                }
                Errors::Gaussian { thresholds } => {
                    let count = thresholds.buffer.len() as u32;
                    self.with_kernel("encode_with_gaussian", |cuda, kernel| {
                        let stream = &cuda.stream;
                        // SAFETY: as above; `count` thresholds.
                        unsafe {
                            launch!(kernel<<<grid, THREADS, 0, stream>>>(
                                self.limbs.buffer.as_device_ptr(),
                                self.limb_count,
                                self.log_degree,
                                coefficients as u64,
                                rows.buffer.as_device_ptr(),
                                packed.buffer.as_device_ptr(),
                                seeds.buffer.as_device_ptr(),
                                place,
                                thresholds.buffer.as_device_ptr(),
                                count,
                            ))
                        }
                    })?;
                }
            }
        }
        Ok(CudaRows(rows))
    }
}

/// Panics as the CPU does where a segment would have too many polynomials.
fn check_last(first: Block, count: usize) {
    let _ = crate::batch::after(first, count - 1);
}
