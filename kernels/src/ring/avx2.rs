// SPDX-License-Identifier: GPL-3.0-or-later
//! Eight lanes of 32 bits (AVX2).
//!
//! The same butterflies as in `avx512`, two stages in registers at a time; the last three stages act inside of vectors.
//!
//! Safety of this file: functions marked `target_feature` are reached through [`Avx2`] only, which [`Avx2::detect`] alone
//! makes, after it saw the feature. Every pointer is made from a slice whose length was checked at the entry, and each
//! function states the range that it touches.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::backend::{check_lengths, Backend};
use super::modulus::{Modulus, ShoupFactor};
use super::scalar::Scalar;
use super::table::NttTable;

/// The AVX2 backend; a value exists only where the machine has the instructions.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// The backend, where the machine can run it.
    pub fn detect() -> Option<&'static Self> {
        static BACKEND: Avx2 = Avx2(());
        std::arch::is_x86_feature_detected!("avx2").then_some(&BACKEND)
    }
}

/// Lanes of a vector.
const LANES: usize = 8;

/// The modulus in every lane.
#[derive(Clone, Copy)]
struct Wide {
    p: __m256i,
    two_p: __m256i,
}

/// A twiddle for every lane: values, quotients of even lanes and of odd lanes (each read from the low half of 64 bits).
#[derive(Clone, Copy)]
struct Twiddle {
    value: __m256i,
    even: __m256i,
    odd: __m256i,
}

#[inline]
#[target_feature(enable = "avx2")]
fn wide(modulus: &Modulus) -> Wide {
    Wide {
        p: _mm256_set1_epi32(modulus.value() as i32),
        two_p: _mm256_set1_epi32((modulus.value() << 1) as i32),
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn splat(factor: ShoupFactor) -> Twiddle {
    let quotient = _mm256_set1_epi32(factor.quotient as i32);
    Twiddle {
        value: _mm256_set1_epi32(factor.value as i32),
        even: quotient,
        odd: quotient,
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn by_lane(value: __m256i, quotient: __m256i) -> Twiddle {
    Twiddle {
        value,
        even: quotient,
        odd: _mm256_shuffle_epi32::<0xF5>(quotient),
    }
}

/// min(a, a - b): takes b off where a is at least b.
#[inline]
#[target_feature(enable = "avx2")]
fn trim(a: __m256i, b: __m256i) -> __m256i {
    _mm256_min_epu32(a, _mm256_sub_epi32(a, b))
}

/// a w mod p in [0, 2p) for any a.
#[inline]
#[target_feature(enable = "avx2")]
fn mul_shoup(a: __m256i, w: Twiddle, m: Wide) -> __m256i {
    let even = _mm256_mul_epu32(a, w.even);
    let odd = _mm256_mul_epu32(_mm256_shuffle_epi32::<0xF5>(a), w.odd);
    let quotient = _mm256_blend_epi32::<0xAA>(_mm256_shuffle_epi32::<0xF5>(even), odd);
    _mm256_sub_epi32(
        _mm256_mullo_epi32(a, w.value),
        _mm256_mullo_epi32(quotient, m.p),
    )
}

/// Forward butterfly: x, y < 4p before and after.
#[inline]
#[target_feature(enable = "avx2")]
fn turn(x: &mut __m256i, y: &mut __m256i, w: Twiddle, m: Wide) {
    let kept = trim(*x, m.two_p);
    let turned = mul_shoup(*y, w, m);
    *x = _mm256_add_epi32(kept, turned);
    *y = _mm256_sub_epi32(_mm256_add_epi32(kept, m.two_p), turned);
}

/// Inverse butterfly: x, y < 2p before and after; the twiddle is the negated inverse, hence y - x.
#[inline]
#[target_feature(enable = "avx2")]
fn unturn(x: &mut __m256i, y: &mut __m256i, w: Twiddle, m: Wide) {
    let difference = _mm256_sub_epi32(_mm256_add_epi32(*y, m.two_p), *x);
    *x = trim(_mm256_add_epi32(*x, *y), m.two_p);
    *y = mul_shoup(difference, w, m);
}

/// # Safety
/// Eight words at `at` are readable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load(at: *const u32) -> __m256i {
    // SAFETY: the caller's.
    unsafe { _mm256_loadu_si256(at.cast()) }
}

/// # Safety
/// Eight words at `at` are writable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store(at: *mut u32, v: __m256i) {
    // SAFETY: the caller's.
    unsafe { _mm256_storeu_si256(at.cast(), v) }
}

/// One forward stage of block `k` over two parts of `half` words.
///
/// # Safety
/// `2 * half` words at `a` are writable; `half` is a multiple of 8.
#[target_feature(enable = "avx2")]
unsafe fn forward_2(table: &NttTable, m: Wide, k: usize, a: *mut u32, half: usize) {
    let w = splat(table.twiddle(k));
    for at in (0..half).step_by(LANES) {
        // SAFETY: at + 8 <= half.
        unsafe {
            let (mut x, mut y) = (load(a.add(at)), load(a.add(half + at)));
            turn(&mut x, &mut y, w, m);
            store(a.add(at), x);
            store(a.add(half + at), y);
        }
    }
}

/// Two forward stages of block `k` over four parts of `stride` words.
///
/// # Safety
/// `4 * stride` words at `a` are writable; `stride` is a multiple of 8.
#[target_feature(enable = "avx2")]
unsafe fn forward_4(table: &NttTable, m: Wide, k: usize, a: *mut u32, stride: usize) {
    let outer = splat(table.twiddle(k));
    let (left, right) = (splat(table.twiddle(2 * k)), splat(table.twiddle(2 * k + 1)));
    for at in (0..stride).step_by(LANES) {
        // SAFETY: at + 8 <= stride.
        unsafe {
            let mut v: [__m256i; 4] = core::array::from_fn(|i| load(a.add(i * stride + at)));
            let [x0, x1, x2, x3] = &mut v;
            turn(x0, x2, outer, m);
            turn(x1, x3, outer, m);
            turn(x0, x1, left, m);
            turn(x2, x3, right, m);
            for (i, x) in v.iter().enumerate() {
                store(a.add(i * stride + at), *x);
            }
        }
    }
}

/// The inverse of [`forward_2`] for a block other than the whole.
///
/// # Safety
/// As [`forward_2`].
#[target_feature(enable = "avx2")]
unsafe fn inverse_2(table: &NttTable, m: Wide, mirrored: usize, a: *mut u32, half: usize) {
    let w = splat(table.twiddle(mirrored));
    for at in (0..half).step_by(LANES) {
        // SAFETY: at + 8 <= half.
        unsafe {
            let (mut x, mut y) = (load(a.add(at)), load(a.add(half + at)));
            unturn(&mut x, &mut y, w, m);
            store(a.add(at), x);
            store(a.add(half + at), y);
        }
    }
}

/// The inverse of [`forward_4`].
///
/// # Safety
/// As [`forward_4`].
#[target_feature(enable = "avx2")]
unsafe fn inverse_4(table: &NttTable, m: Wide, mirrored: usize, a: *mut u32, stride: usize) {
    let outer = splat(table.twiddle(mirrored));
    let left = splat(table.twiddle(2 * mirrored + 1));
    let right = splat(table.twiddle(2 * mirrored));
    for at in (0..stride).step_by(LANES) {
        // SAFETY: at + 8 <= stride.
        unsafe {
            let mut v: [__m256i; 4] = core::array::from_fn(|i| load(a.add(i * stride + at)));
            let [x0, x1, x2, x3] = &mut v;
            unturn(x0, x1, left, m);
            unturn(x2, x3, right, m);
            unturn(x0, x2, outer, m);
            unturn(x1, x3, outer, m);
            for (i, x) in v.iter().enumerate() {
                store(a.add(i * stride + at), *x);
            }
        }
    }
}

/// Lane indices of a permutation.
#[inline]
#[target_feature(enable = "avx2")]
fn lanes(of: [i32; 8]) -> __m256i {
    // SAFETY: eight words are read from an array of eight.
    unsafe { load(of.as_ptr().cast()) }
}

/// Swaps halves: (A, B) to (low of A, low of B), (high of A, high of B).
#[inline]
#[target_feature(enable = "avx2")]
fn halves(u: __m256i, v: __m256i) -> (__m256i, __m256i) {
    (
        _mm256_permute2x128_si256::<0x20>(u, v),
        _mm256_permute2x128_si256::<0x31>(u, v),
    )
}

#[inline]
#[target_feature(enable = "avx2")]
fn quarters(u: __m256i, v: __m256i) -> (__m256i, __m256i) {
    (_mm256_unpacklo_epi64(u, v), _mm256_unpackhi_epi64(u, v))
}

/// The last three stages (steps 4, 2, 1) and the reduction to [0, p).
///
/// # Safety
/// `a` points to a polynomial of the table's degree.
#[target_feature(enable = "avx2")]
unsafe fn forward_tail(table: &NttTable, m: Wide, a: *mut u32) {
    let degree = table.degree();
    let (values, quotients) = (table.values().as_ptr(), table.quotients().as_ptr());
    let by_4 = lanes([0, 0, 0, 0, 1, 1, 1, 1]);
    let by_2 = lanes([0, 0, 1, 1, 2, 2, 3, 3]);
    let by_1 = lanes([0, 2, 1, 3, 4, 6, 5, 7]);
    for pair in 0..degree / 16 {
        // SAFETY: 16 words at 16 pair lie in the polynomial; twiddles N/8 + 2 pair.., N/4 + 4 pair.., N/2 + 8 pair.. in
        // the table of N words.
        unsafe {
            let at = a.add(16 * pair);
            let (mut x, mut y) = halves(load(at), load(at.add(LANES)));
            let read = |of: *const u32| {
                let two = _mm_loadl_epi64(of.add(degree / 8 + 2 * pair).cast());
                _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(two), by_4)
            };
            turn(&mut x, &mut y, by_lane(read(values), read(quotients)), m);

            (x, y) = quarters(x, y);
            let read = |of: *const u32| {
                let four = _mm_loadu_si128(of.add(degree / 4 + 4 * pair).cast());
                _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(four), by_2)
            };
            turn(&mut x, &mut y, by_lane(read(values), read(quotients)), m);

            let (u, v) = (_mm256_castsi256_ps(x), _mm256_castsi256_ps(y));
            x = _mm256_castps_si256(_mm256_shuffle_ps::<0x88>(u, v));
            y = _mm256_castps_si256(_mm256_shuffle_ps::<0xDD>(u, v));
            let read = |of: *const u32| {
                _mm256_permutevar8x32_epi32(load(of.add(degree / 2 + 8 * pair)), by_1)
            };
            turn(&mut x, &mut y, by_lane(read(values), read(quotients)), m);

            x = trim(trim(x, m.two_p), m.p);
            y = trim(trim(y, m.two_p), m.p);
            let (u, v) = (_mm256_unpacklo_epi32(x, y), _mm256_unpackhi_epi32(x, y));
            let (u, v) = quarters(u, v);
            let (u, v) = halves(u, v);
            store(at, u);
            store(at.add(LANES), v);
        }
    }
}

/// The inverse of [`forward_tail`], values below 2p.
///
/// # Safety
/// As [`forward_tail`].
#[target_feature(enable = "avx2")]
unsafe fn inverse_tail(table: &NttTable, m: Wide, a: *mut u32) {
    let degree = table.degree();
    let (values, quotients) = (table.values().as_ptr(), table.quotients().as_ptr());
    // Twiddles come from the mirrored pair, in reversed order.
    let by_4 = lanes([1, 1, 1, 1, 0, 0, 0, 0]);
    let by_2 = lanes([3, 3, 2, 2, 1, 1, 0, 0]);
    let by_1 = lanes([7, 5, 6, 4, 3, 1, 2, 0]);
    for pair in 0..degree / 16 {
        let mirrored = degree / 16 - 1 - pair;
        // SAFETY: as in `forward_tail`, for pair and for mirrored, which is below N/16 as well.
        unsafe {
            let at = a.add(16 * pair);
            let (u, v) = halves(load(at), load(at.add(LANES)));
            let (u, v) = quarters(u, v);
            let (u, v) = (_mm256_castsi256_ps(u), _mm256_castsi256_ps(v));
            let mut x = _mm256_castps_si256(_mm256_shuffle_ps::<0x88>(u, v));
            let mut y = _mm256_castps_si256(_mm256_shuffle_ps::<0xDD>(u, v));
            let read = |of: *const u32| {
                _mm256_permutevar8x32_epi32(load(of.add(degree / 2 + 8 * mirrored)), by_1)
            };
            unturn(&mut x, &mut y, by_lane(read(values), read(quotients)), m);

            (x, y) = (_mm256_unpacklo_epi32(x, y), _mm256_unpackhi_epi32(x, y));
            let read = |of: *const u32| {
                let four = _mm_loadu_si128(of.add(degree / 4 + 4 * mirrored).cast());
                _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(four), by_2)
            };
            unturn(&mut x, &mut y, by_lane(read(values), read(quotients)), m);

            (x, y) = quarters(x, y);
            let read = |of: *const u32| {
                let two = _mm_loadl_epi64(of.add(degree / 8 + 2 * mirrored).cast());
                _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(two), by_4)
            };
            unturn(&mut x, &mut y, by_lane(read(values), read(quotients)), m);

            let (u, v) = halves(x, y);
            store(at, u);
            store(at.add(LANES), v);
        }
    }
}

#[target_feature(enable = "avx2")]
fn forward(table: &NttTable, a: &mut [u32]) {
    let m = wide(table.modulus());
    let (degree, base) = (a.len(), a.as_mut_ptr());
    // SAFETY: `a` has the table's degree (checked by the caller), blocks tile it, and strides stay multiples of 8: of the
    // log2 N - 3 stages across vectors one is done alone, a second one where the rest is odd, and the others in twos.
    unsafe {
        forward_2(table, m, 1, base, degree / 2);
        let mut blocks = 2;
        if table.log_degree() % 2 == 1 {
            for i in 0..blocks {
                forward_2(
                    table,
                    m,
                    blocks + i,
                    base.add(i * degree / blocks),
                    degree / blocks / 2,
                );
            }
            blocks *= 2;
        }
        while blocks < degree / LANES {
            for i in 0..blocks {
                forward_4(
                    table,
                    m,
                    blocks + i,
                    base.add(i * degree / blocks),
                    degree / blocks / 4,
                );
            }
            blocks *= 4;
        }
        forward_tail(table, m, base);
    }
}

#[target_feature(enable = "avx2")]
fn inverse(table: &NttTable, a: &mut [u32]) {
    let m = wide(table.modulus());
    let (degree, base) = (a.len(), a.as_mut_ptr());
    // SAFETY: as in `forward`. Block k of a stage with `blocks` blocks takes the negated twiddle 3 blocks - 1 - k.
    unsafe {
        inverse_tail(table, m, base);
        let mut blocks = degree / LANES;
        while blocks > 4 {
            blocks /= 4;
            for i in 0..blocks {
                inverse_4(
                    table,
                    m,
                    2 * blocks - 1 - i,
                    base.add(i * degree / blocks),
                    degree / blocks / 4,
                );
            }
        }
        if blocks == 4 {
            for i in 0..2 {
                inverse_2(table, m, 3 - i, base.add(i * degree / 2), degree / 4);
            }
        }
        let (scale, scaled_first) = (splat(table.scale()), splat(table.scaled_first()));
        let half = degree / 2;
        for at in (0..half).step_by(LANES) {
            let (x, y) = (load(base.add(at)), load(base.add(half + at)));
            let difference = _mm256_sub_epi32(_mm256_add_epi32(y, m.two_p), x);
            let sum = _mm256_add_epi32(x, y);
            store(base.add(at), trim(mul_shoup(sum, scale, m), m.p));
            store(
                base.add(half + at),
                trim(mul_shoup(difference, scaled_first, m), m.p),
            );
        }
    }
}

/// Applies `lane` to vectors of `a` and `b`; the rest, shorter than a vector, stays for the caller.
macro_rules! zip_vectors {
    ($a:ident, $b:ident, |$x:ident, $y:ident| $body:expr) => {{
        let whole = $a.len().min($b.len()) / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            // SAFETY: at + 8 <= whole, which is within both slices.
            unsafe {
                let ($x, $y) = (load($a.as_ptr().add(at)), load($b.as_ptr().add(at)));
                store($a.as_mut_ptr().add(at), $body);
            }
        }
        whole
    }};
}

/// a b for residues, below 3p (Barrett, see `Modulus::mul_lazy`).
#[inline]
#[target_feature(enable = "avx2")]
fn mul_lazy(x: __m256i, y: __m256i, modulus: &Modulus, m: Wide) -> __m256i {
    let down = _mm_cvtsi32_si128(modulus.bits() as i32 - 1);
    let up = _mm_cvtsi32_si128(modulus.bits() as i32 + 1);
    let mu = _mm256_set1_epi64x(i64::from(modulus.mu()));
    let even = _mm256_mul_epu32(x, y);
    let odd = _mm256_mul_epu32(
        _mm256_shuffle_epi32::<0xF5>(x),
        _mm256_shuffle_epi32::<0xF5>(y),
    );
    let quotient = |product: __m256i| {
        _mm256_srl_epi64(_mm256_mul_epu32(_mm256_srl_epi64(product, down), mu), up)
    };
    let merged = |even, odd| _mm256_blend_epi32::<0xAA>(even, _mm256_shuffle_epi32::<0xA0>(odd));
    let q = merged(quotient(even), quotient(odd));
    _mm256_sub_epi32(merged(even, odd), _mm256_mullo_epi32(q, m.p))
}

#[target_feature(enable = "avx2")]
fn add(modulus: &Modulus, a: &mut [u32], b: &[u32]) -> usize {
    let m = wide(modulus);
    zip_vectors!(a, b, |x, y| trim(_mm256_add_epi32(x, y), m.p))
}

#[target_feature(enable = "avx2")]
fn sub(modulus: &Modulus, a: &mut [u32], b: &[u32]) -> usize {
    let m = wide(modulus);
    zip_vectors!(a, b, |x, y| {
        let difference = _mm256_sub_epi32(x, y);
        _mm256_min_epu32(difference, _mm256_add_epi32(difference, m.p))
    })
}

#[target_feature(enable = "avx2")]
fn mul(modulus: &Modulus, a: &mut [u32], b: &[u32]) -> usize {
    let m = wide(modulus);
    zip_vectors!(a, b, |x, y| trim(
        trim(mul_lazy(x, y, modulus, m), m.two_p),
        m.p
    ))
}

#[target_feature(enable = "avx2")]
fn mul_add(modulus: &Modulus, sum: &mut [u32], a: &[u32], b: &[u32]) -> usize {
    let m = wide(modulus);
    let whole = sum.len().min(a.len()).min(b.len()) / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        // SAFETY: at + 8 <= whole, which is within the three slices.
        unsafe {
            let product = mul_lazy(
                load(a.as_ptr().add(at)),
                load(b.as_ptr().add(at)),
                modulus,
                m,
            );
            let s = _mm256_add_epi32(product, load(sum.as_ptr().add(at)));
            store(sum.as_mut_ptr().add(at), trim(trim(s, m.two_p), m.p));
        }
    }
    whole
}

#[target_feature(enable = "avx2")]
fn scale(modulus: &Modulus, a: &mut [u32], factor: ShoupFactor) -> usize {
    let (m, w) = (wide(modulus), splat(factor));
    let whole = a.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        // SAFETY: at + 8 <= whole, which is within the slice.
        unsafe {
            let x = load(a.as_ptr().add(at));
            store(a.as_mut_ptr().add(at), trim(mul_shoup(x, w, m), m.p));
        }
    }
    whole
}

impl Backend for Avx2 {
    fn name(&self) -> &'static str {
        "avx2"
    }

    fn forward(&self, table: &NttTable, a: &mut [u32]) {
        check_lengths(table, a);
        // SAFETY: this value exists, so the machine has AVX2.
        unsafe { forward(table, a) }
    }

    fn inverse(&self, table: &NttTable, a: &mut [u32]) {
        check_lengths(table, a);
        // SAFETY: as in `forward`.
        unsafe { inverse(table, a) }
    }

    fn add(&self, modulus: &Modulus, a: &mut [u32], b: &[u32]) {
        assert_eq!(a.len(), b.len(), "operands of one length");
        // SAFETY: as in `forward`.
        let done = unsafe { add(modulus, a, b) };
        Scalar.add(modulus, &mut a[done..], &b[done..]);
    }

    fn sub(&self, modulus: &Modulus, a: &mut [u32], b: &[u32]) {
        assert_eq!(a.len(), b.len(), "operands of one length");
        // SAFETY: as in `forward`.
        let done = unsafe { sub(modulus, a, b) };
        Scalar.sub(modulus, &mut a[done..], &b[done..]);
    }

    fn mul(&self, modulus: &Modulus, a: &mut [u32], b: &[u32]) {
        assert_eq!(a.len(), b.len(), "operands of one length");
        // SAFETY: as in `forward`.
        let done = unsafe { mul(modulus, a, b) };
        Scalar.mul(modulus, &mut a[done..], &b[done..]);
    }

    fn mul_add(&self, modulus: &Modulus, sum: &mut [u32], a: &[u32], b: &[u32]) {
        assert_eq!(sum.len(), a.len(), "operands of one length");
        assert_eq!(sum.len(), b.len(), "operands of one length");
        // SAFETY: as in `forward`.
        let done = unsafe { mul_add(modulus, sum, a, b) };
        Scalar.mul_add(modulus, &mut sum[done..], &a[done..], &b[done..]);
    }

    fn scale(&self, modulus: &Modulus, a: &mut [u32], factor: ShoupFactor) {
        // SAFETY: as in `forward`.
        let done = unsafe { scale(modulus, a, factor) };
        Scalar.scale(modulus, &mut a[done..], factor);
    }
}
