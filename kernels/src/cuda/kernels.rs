// SPDX-License-Identifier: GPL-3.0-or-later
//! The kernels of kernels/cuda/*.cu as functions of their types. `kernels/tests/cuda_driver.rs` compares [`SIGNATURES`] with the sources: a
//! launch takes untyped arguments, so an argument of another width would otherwise be found by its consequences only.
#![allow(unsafe_code)]

use cust::error::{CudaError, CudaResult};
use cust::launch;
use cust::memory::{DeviceCopy, DevicePointer};
use cust::module::Module;
use cust::sys::{cuFuncSetAttribute, cudaError_enum, CUfunction_attribute};

use super::{Cuda, GpuError};
use crate::ring::NttTable;
use crate::sample::{Block, Purpose};

/// log2 of the block of the first inner kernel, and of the last: larger transforms are an outer kernel and an inner one over blocks
/// of [`INNER_LOG`].
pub const FIRST_LOG: u32 = 10;
pub const ONE_PASS_LOG: u32 = 14;
pub const INNER_LOG: u32 = 12;
/// Most threads of a block of a transform (`__launch_bounds__`); in an inner kernel each has eight words at a time.
pub const INNER_THREADS: u32 = 512;

/// struct Limb of ring.cuh.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Limb {
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
    /// Of a table, for the plaintext modulus 2^width.
    pub fn new(table: &NttTable, width: u32) -> Self {
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

/// struct Twiddle of ntt.cu.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub struct Twiddle {
    value: u32,
    quotient: u32,
}

// SAFETY: two words, no reference.
unsafe impl DeviceCopy for Twiddle {}

impl Twiddle {
    /// All twiddles of a table.
    pub fn of(table: &NttTable) -> Vec<Self> {
        let pairs = table.values().iter().zip(table.quotients());
        let twiddle = |(value, quotient): (&u32, &u32)| Self {
            value: *value,
            quotient: *quotient,
        };
        pairs.map(twiddle).collect()
    }
}

/// struct Place of elementwise.cu.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Place {
    purpose: u32,
    segment: u32,
    round: u32,
    polynomial: u32,
}

// SAFETY: four words, no reference.
unsafe impl DeviceCopy for Place {}

impl Place {
    /// From a block on.
    pub fn new(purpose: Purpose, first: Block) -> Self {
        Self {
            purpose: purpose as u32,
            segment: first.segment.into(),
            round: first.round,
            polynomial: first.polynomial,
        }
    }
}

type Words = DevicePointer<u32>;
type Integers = DevicePointer<i64>;
type Thresholds = DevicePointer<u64>;
type Limbs = DevicePointer<Limb>;
type Twiddles = DevicePointer<Twiddle>;

/// How many threads a kernel gets.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    blocks: u32,
    threads: u32,
    shared_bytes: u32,
}

impl Grid {
    /// Threads of a block of a kernel without shared memory.
    const THREADS: u32 = 256;

    fn of(items: usize, per_block: u32) -> Result<Self, GpuError> {
        // A grid has at most 2^31 - 1 blocks.
        let blocks = i32::try_from(items.div_ceil(per_block as usize))
            .map_err(|_| GpuError::TooLarge { words: items })?;
        Ok(Self {
            blocks: blocks.unsigned_abs(),
            threads: Self::THREADS,
            shared_bytes: 0,
        })
    }

    /// A thread for each of `items`.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`].
    pub fn threads(items: usize) -> Result<Self, GpuError> {
        Self::of(items, Self::THREADS)
    }

    /// A block of threads for each 2^log_block of `words`, which are in shared memory meanwhile.
    ///
    /// # Errors
    /// [`GpuError::TooLarge`].
    pub fn shared(words: usize, log_block: u32) -> Result<Self, GpuError> {
        Ok(Self {
            threads: INNER_THREADS.min(1 << (log_block - 3)),
            shared_bytes: shared_bytes(log_block),
            ..Self::of(words, 1 << log_block)?
        })
    }
}

const fn shared_bytes(log_block: u32) -> u32 {
    4 << log_block
}

/// Makes a function of each kernel that launches it.
macro_rules! kernels {
    ($($name:ident($($argument:ident: $type:ident),*);)*) => {
        /// Name and argument types of every kernel, in the order of its arguments.
        pub const SIGNATURES: &[(&str, &[&str])] =
            &[$((stringify!($name), &[$(stringify!($type)),*])),*];

        $(
            /// Launches the kernel of this name.
            ///
            /// # Errors
            /// [`GpuError::Device`].
            ///
            /// # Safety
            /// The pointers lead to as many items as the kernel reads and writes with these arguments and this grid.
            #[allow(clippy::too_many_arguments)]
            pub unsafe fn $name(cuda: &Cuda, grid: Grid, $($argument: $type),*) -> Result<(), GpuError> {
                cuda.call(stringify!($name), |cuda| {
                    let kernel = cuda.module.get_function(stringify!($name))?;
                    let (stream, Grid { blocks, threads, shared_bytes }) = (&cuda.stream, grid);
                    // SAFETY: the types are the kernel's, the rest is the caller's word.
                    unsafe {
                        launch!(kernel<<<blocks, threads, shared_bytes, stream>>>($($argument),*))
                    }
                })
            }
        )*
    };
}

kernels! {
    residues_add(a: Words, b: Words, limbs: Limbs, limb_count: u32, log_degree: u32, words: u64);
    residues_sub(a: Words, b: Words, limbs: Limbs, limb_count: u32, log_degree: u32, words: u64);
    residues_mul(a: Words, b: Words, limbs: Limbs, limb_count: u32, log_degree: u32, words: u64);
    residues_mul_add(sum: Words, a: Words, b: Words, limbs: Limbs, limb_count: u32, log_degree: u32, words: u64);
    residues_scale(a: Words, factors: Words, limbs: Limbs, limb_count: u32, log_degree: u32, words: u64);
    residues_sum(out: Words, terms: Words, count: u32, limbs: Limbs, limb_count: u32, log_degree: u32, words: u64);
    sample_uniform(out: Words, seed: Words, place: Place, limbs: Limbs, limb_count: u32, log_degree: u32, words: u64);
    uniform_mul_add(sum: Words, key: Words, seed: Words, place: Place, limbs: Limbs, limb_count: u32, log_degree: u32, words: u64);
    encode_with_binomial(limbs: Limbs, limb_count: u32, log_degree: u32, coefficients: u64, out: Words, packed: Integers, seeds: Words, place: Place, eta: u32);
    encode_with_gaussian(limbs: Limbs, limb_count: u32, log_degree: u32, coefficients: u64, out: Words, packed: Integers, seeds: Words, place: Place, thresholds: Thresholds, count: u32);
    ntt_forward_10(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32);
    ntt_forward_11(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32);
    ntt_forward_12(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32);
    ntt_forward_13(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32);
    ntt_forward_14(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32);
    ntt_inverse_10(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32);
    ntt_inverse_11(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32);
    ntt_inverse_12(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32);
    ntt_inverse_13(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32);
    ntt_inverse_14(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32);
    ntt_forward_outer_3(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32, rows: u32);
    ntt_forward_outer_4(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32, rows: u32);
    ntt_inverse_outer_3(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32, rows: u32);
    ntt_inverse_outer_4(data: Words, limbs: Limbs, twiddles: Twiddles, limb_count: u32, log_degree: u32, rows: u32);
}

/// A kernel of four arguments and the number of words.
pub type Pairwise =
    unsafe fn(&Cuda, Grid, Words, Words, Limbs, u32, u32, u64) -> Result<(), GpuError>;
/// An inner kernel.
pub type Inner = unsafe fn(&Cuda, Grid, Words, Limbs, Twiddles, u32, u32) -> Result<(), GpuError>;
/// An outer kernel.
pub type Outer =
    unsafe fn(&Cuda, Grid, Words, Limbs, Twiddles, u32, u32, u32) -> Result<(), GpuError>;

/// Inner kernels by log2 of their block, from [`FIRST_LOG`] to [`ONE_PASS_LOG`].
pub const FORWARD: [Inner; 5] = [
    ntt_forward_10,
    ntt_forward_11,
    ntt_forward_12,
    ntt_forward_13,
    ntt_forward_14,
];
pub const INVERSE: [Inner; 5] = [
    ntt_inverse_10,
    ntt_inverse_11,
    ntt_inverse_12,
    ntt_inverse_13,
    ntt_inverse_14,
];

/// What cust's own calls make of a code; theirs is private.
pub fn checked(code: cudaError_enum) -> CudaResult<()> {
    match code {
        cudaError_enum::CUDA_SUCCESS => Ok(()),
        cudaError_enum::CUDA_ERROR_INVALID_VALUE => Err(CudaError::InvalidValue),
        cudaError_enum::CUDA_ERROR_LAUNCH_FAILED => Err(CudaError::LaunchFailed),
        _ => Err(CudaError::UnknownError),
    }
}

/// Lets the largest inner kernels have more than the 48 KiB that a block gets unasked.
pub fn allow_shared_memory(module: &Module) -> CudaResult<()> {
    for name in ["ntt_forward_14", "ntt_inverse_14"] {
        let function = module.get_function(name)?;
        let bytes = shared_bytes(ONE_PASS_LOG) as i32;
        let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        // SAFETY: a function of a loaded module; the driver checks the number.
        checked(unsafe { cuFuncSetAttribute(function.to_raw(), attribute, bytes) })?;
    }
    Ok(())
}
