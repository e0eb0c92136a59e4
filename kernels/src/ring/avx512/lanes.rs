// SPDX-License-Identifier: GPL-3.0-or-later
//! Sixteen-lane arithmetic: products by fixed factors and butterflies.
#![allow(unsafe_code)]

use core::arch::asm;
use core::arch::x86_64::*;

use crate::ring::modulus::{Modulus, ShoupFactor};

/// Lanes of a vector.
pub(super) const LANES: usize = 16;

/// The modulus in every lane.
#[derive(Clone, Copy)]
pub(super) struct Wide {
    pub(super) p: __m512i,
    pub(super) two_p: __m512i,
}

/// A twiddle for every lane: values, quotients of even lanes and of odd lanes (each read from the low half of 64 bits).
#[derive(Clone, Copy)]
pub(super) struct Twiddle {
    pub(super) value: __m512i,
    pub(super) even: __m512i,
    pub(super) odd: __m512i,
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn wide(modulus: &Modulus) -> Wide {
    Wide {
        p: _mm512_set1_epi32(modulus.value() as i32),
        two_p: _mm512_set1_epi32((modulus.value() << 1) as i32),
    }
}

/// One factor for all lanes.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn splat(factor: ShoupFactor) -> Twiddle {
    let quotient = _mm512_set1_epi32(factor.quotient as i32);
    Twiddle {
        value: _mm512_set1_epi32(factor.value as i32),
        even: quotient,
        odd: quotient,
    }
}

/// Factors of which lanes 2i and 2i + 1 are equal.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn paired(value: __m512i, quotient: __m512i) -> Twiddle {
    Twiddle {
        value,
        even: quotient,
        odd: quotient,
    }
}

/// Factors that differ from lane to lane.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn by_lane(value: __m512i, quotient: __m512i) -> Twiddle {
    Twiddle {
        value,
        even: quotient,
        odd: _mm512_shuffle_epi32::<0xF5>(quotient),
    }
}

/// min(a, a - b): takes b off where a is at least b.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn trim(a: __m512i, b: __m512i) -> __m512i {
    _mm512_min_epu32(a, _mm512_sub_epi32(a, b))
}

/// a w mod p in [0, 2p) for any a.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn mul_shoup(a: __m512i, w: Twiddle, m: Wide) -> __m512i {
    let even = _mm512_mul_epu32(a, w.even);
    let odd = _mm512_mul_epu32(_mm512_shuffle_epi32::<0xF5>(a), w.odd);
    let mut quotient = odd;
    // Written as an intrinsic the compiler makes a two-source permutation of it, of which the machine does fewer a cycle.
    // SAFETY: an AVX-512F instruction on registers alone.
    unsafe {
        asm!(
            "vmovshdup {quotient}{{{mask}}}, {even}",
            quotient = inout(zmm_reg) quotient,
            even = in(zmm_reg) even,
            mask = in(kreg) 0x5555u16,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    _mm512_sub_epi32(
        _mm512_mullo_epi32(a, w.value),
        _mm512_mullo_epi32(quotient, m.p),
    )
}

/// Forward butterfly: x, y < 4p before and after.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn turn(x: &mut __m512i, y: &mut __m512i, w: Twiddle, m: Wide) {
    let kept = trim(*x, m.two_p);
    let turned = mul_shoup(*y, w, m);
    *x = _mm512_add_epi32(kept, turned);
    *y = _mm512_sub_epi32(_mm512_add_epi32(kept, m.two_p), turned);
}

/// [`turn`] for x, y < p.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn turn_first(x: &mut __m512i, y: &mut __m512i, w: Twiddle, m: Wide) {
    let turned = mul_shoup(*y, w, m);
    *y = _mm512_sub_epi32(_mm512_add_epi32(*x, m.two_p), turned);
    *x = _mm512_add_epi32(*x, turned);
}

/// [`unturn`] for x, y < p.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn unturn_first(x: &mut __m512i, y: &mut __m512i, w: Twiddle, m: Wide) {
    let difference = _mm512_sub_epi32(_mm512_add_epi32(*y, m.two_p), *x);
    *x = _mm512_add_epi32(*x, *y);
    *y = mul_shoup(difference, w, m);
}

/// Inverse butterfly: x, y < 2p before and after; the twiddle is the negated inverse, hence y - x.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn unturn(x: &mut __m512i, y: &mut __m512i, w: Twiddle, m: Wide) {
    let difference = _mm512_sub_epi32(_mm512_add_epi32(*y, m.two_p), *x);
    *x = trim(_mm512_add_epi32(*x, *y), m.two_p);
    *y = mul_shoup(difference, w, m);
}

/// # Safety
/// Sixteen words at `at` are readable.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn load(at: *const u32) -> __m512i {
    // SAFETY: the caller's.
    unsafe { _mm512_loadu_si512(at.cast()) }
}

/// # Safety
/// Sixteen words at `at` are writable.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn store(at: *mut u32, v: __m512i) {
    // SAFETY: the caller's.
    unsafe { _mm512_storeu_si512(at.cast(), v) }
}

/// Lane indices of a shuffle.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn lanes(of: [i32; 16]) -> __m512i {
    // SAFETY: sixteen words are read from an array of sixteen.
    unsafe { load(of.as_ptr().cast()) }
}
