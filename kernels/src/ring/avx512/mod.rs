// SPDX-License-Identifier: GPL-3.0-or-later
//! Sixteen lanes of 32 bits (AVX-512F).
//!
//! Forward butterflies keep values below 4p and inverse ones below 2p, with Shoup products. Several stages are done in
//! registers at a time (radix 4 to 16); from degree 8192 up, the first pass splits the polynomial into blocks that stay in
//! the first-level cache. The last four stages act inside of vectors: pairs of vectors are regrouped between stages, so
//! that every butterfly is again lane by lane.
//!
//! Safety of this module: functions marked `target_feature` are reached through [`Avx512`] only, which [`Avx512::detect`]
//! alone makes, after it saw the feature. Every pointer is made from a slice whose length was checked at the entry, and
//! each function states the range that it touches.
#![allow(unsafe_code)]

#[macro_use]
mod across;
mod lanes;
mod within;

use core::arch::x86_64::*;

use self::across::{forward_16, forward_by, inverse_by};
use self::lanes::{load, mul_shoup, splat, store, trim, wide, Wide, LANES};
use self::within::{forward_tail, inverse_block};
use super::backend::{check_lengths, Backend};
use super::modulus::{Modulus, ShoupFactor};
use super::scalar::Scalar;
use super::table::NttTable;

/// The AVX-512 backend; a value exists only where the machine has the instructions.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// The backend, where the machine can run it.
    pub fn detect() -> Option<&'static Self> {
        static BACKEND: Avx512 = Avx512(());
        std::arch::is_x86_feature_detected!("avx512f").then_some(&BACKEND)
    }
}

/// Radices (as log2) of the first pass, 0 where the polynomial is one block that fits the first-level cache, and of the
/// pass inside of such a block. The last eight stages are a radix-16 pass and the tail.
const fn plan(log_degree: u32) -> (u32, u32) {
    match log_degree {
        10..=12 => (0, log_degree - 8),
        13 => (3, 2),
        14 => (3, 3),
        15 => (4, 3),
        _ => (4, 4),
    }
}

#[target_feature(enable = "avx512f")]
fn forward(table: &NttTable, a: &mut [u32]) {
    let m = wide(table.modulus());
    let (outer, inner) = plan(table.log_degree());
    let (degree, base) = (a.len(), a.as_mut_ptr());
    let length = degree >> outer;
    // SAFETY: `a` has the table's degree (checked by the caller), and blocks tile it.
    unsafe {
        if outer > 0 {
            forward_by(outer, table, m, 1, base, degree);
        }
        for block in 0..1usize << outer {
            forward_by(
                inner,
                table,
                m,
                (1 << outer) + block,
                base.add(block * length),
                length,
            );
            for part in block * length / 256..(block + 1) * length / 256 {
                forward_16::<false>(table, m, degree / 256 + part, base.add(256 * part), LANES);
            }
            forward_tail(table, m, base, block * length, (block + 1) * length);
        }
    }
}

#[target_feature(enable = "avx512f")]
fn inverse(table: &NttTable, a: &mut [u32]) {
    let m = wide(table.modulus());
    let (outer, inner) = plan(table.log_degree());
    let (degree, base) = (a.len(), a.as_mut_ptr());
    let length = degree >> outer;
    // SAFETY: as in `forward`.
    unsafe {
        for block in 0..1usize << outer {
            for part in block * length / 256..(block + 1) * length / 256 {
                inverse_block(table, m, degree / 256 + part, base.add(256 * part));
            }
            inverse_by(
                inner,
                table,
                m,
                (1 << outer) + block,
                base.add(block * length),
                length,
            );
        }
        if outer > 0 {
            inverse_by(outer, table, m, 1, base, degree);
        }
    }
}

/// Applies `lane` to vectors of `a` and `b`; the rest, shorter than a vector, stays for the caller.
macro_rules! zip_vectors {
    ($a:ident, $b:ident, |$x:ident, $y:ident| $body:expr) => {{
        let whole = $a.len().min($b.len()) / LANES * LANES;
        let mut at = 0;
        while at < whole {
            // SAFETY: at + 16 <= whole, which is within both slices.
            unsafe {
                let ($x, $y) = (load($a.as_ptr().add(at)), load($b.as_ptr().add(at)));
                store($a.as_mut_ptr().add(at), $body);
            }
            at += LANES;
        }
        whole
    }};
}

/// a b for residues, below 3p (Barrett, see `Modulus::mul_lazy`).
#[inline]
#[target_feature(enable = "avx512f")]
fn mul_lazy(x: __m512i, y: __m512i, modulus: &Modulus, m: Wide) -> __m512i {
    let down = _mm_cvtsi32_si128(modulus.bits() as i32 - 1);
    let up = _mm_cvtsi32_si128(modulus.bits() as i32 + 1);
    let mu = _mm512_set1_epi64(i64::from(modulus.mu()));
    let even = _mm512_mul_epu32(x, y);
    let odd = _mm512_mul_epu32(_mm512_srli_epi64::<32>(x), _mm512_srli_epi64::<32>(y));
    let quotient = |product: __m512i| {
        _mm512_srl_epi64(_mm512_mul_epu32(_mm512_srl_epi64(product, down), mu), up)
    };
    let (q_even, q_odd) = (quotient(even), quotient(odd));
    let q = _mm512_mask_shuffle_epi32::<0xA0>(q_even, 0xAAAA, q_odd);
    let low = _mm512_mask_shuffle_epi32::<0xA0>(even, 0xAAAA, odd);
    _mm512_sub_epi32(low, _mm512_mullo_epi32(q, m.p))
}

#[target_feature(enable = "avx512f")]
fn add(modulus: &Modulus, a: &mut [u32], b: &[u32]) -> usize {
    let m = wide(modulus);
    zip_vectors!(a, b, |x, y| trim(_mm512_add_epi32(x, y), m.p))
}

#[target_feature(enable = "avx512f")]
fn sub(modulus: &Modulus, a: &mut [u32], b: &[u32]) -> usize {
    let m = wide(modulus);
    zip_vectors!(a, b, |x, y| {
        let difference = _mm512_sub_epi32(x, y);
        _mm512_min_epu32(difference, _mm512_add_epi32(difference, m.p))
    })
}

#[target_feature(enable = "avx512f")]
fn mul(modulus: &Modulus, a: &mut [u32], b: &[u32]) -> usize {
    let m = wide(modulus);
    zip_vectors!(a, b, |x, y| trim(
        trim(mul_lazy(x, y, modulus, m), m.two_p),
        m.p
    ))
}

#[target_feature(enable = "avx512f")]
fn mul_add(modulus: &Modulus, sum: &mut [u32], a: &[u32], b: &[u32]) -> usize {
    let m = wide(modulus);
    let whole = sum.len().min(a.len()).min(b.len()) / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        // SAFETY: at + 16 <= whole, which is within the three slices.
        unsafe {
            let product = mul_lazy(
                load(a.as_ptr().add(at)),
                load(b.as_ptr().add(at)),
                modulus,
                m,
            );
            let s = _mm512_add_epi32(product, load(sum.as_ptr().add(at)));
            store(sum.as_mut_ptr().add(at), trim(trim(s, m.two_p), m.p));
        }
    }
    whole
}

#[target_feature(enable = "avx512f")]
fn scale(modulus: &Modulus, a: &mut [u32], factor: ShoupFactor) -> usize {
    let (m, w) = (wide(modulus), splat(factor));
    let whole = a.len() / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        // SAFETY: at + 16 <= whole, which is within the slice.
        unsafe {
            let x = load(a.as_ptr().add(at));
            store(a.as_mut_ptr().add(at), trim(mul_shoup(x, w, m), m.p));
        }
    }
    whole
}

impl Backend for Avx512 {
    fn name(&self) -> &'static str {
        "avx512"
    }

    fn forward(&self, table: &NttTable, a: &mut [u32]) {
        check_lengths(table, a);
        // SAFETY: this value exists, so the machine has AVX-512F.
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
