// SPDX-License-Identifier: GPL-3.0-or-later
//! The last four stages, inside of vectors.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::lanes::{
    by_lane, lanes, load, paired, splat, store, trim, turn, unturn, unturn_first, Wide, LANES,
};
use crate::ring::modulus::ShoupFactor;
use crate::ring::table::NttTable;

/// Runs a statement for each pair of eight vectors, or of `all` sixteen.
macro_rules! pairs {
    (all $v:ident, |$x:ident, $y:ident, $pair:ident| $body:block) => {
        pairs!(@each $v, $x, $y, $pair, $body, [
            (0, 1, 0), (2, 3, 1), (4, 5, 2), (6, 7, 3), (8, 9, 4), (10, 11, 5), (12, 13, 6), (14, 15, 7)
        ])
    };
    ($v:ident, |$x:ident, $y:ident, $pair:ident| $body:block) => {
        pairs!(@each $v, $x, $y, $pair, $body, [(0, 1, 0), (2, 3, 1), (4, 5, 2), (6, 7, 3)])
    };
    (@each $v:ident, $x:ident, $y:ident, $pair:ident, $body:block, [$(($i:literal, $j:literal, $q:literal)),*]) => {
        $({
            let ($x, $y, $pair) = ($v[$i], $v[$j], $q);
            ($v[$i], $v[$j]) = $body;
        })*
    };
}

/// The last four stages (steps 8, 4, 2 and 1) of the words `from..to`, multiples of 128, and the reduction to [0, p).
///
/// A pair of vectors A, B is regrouped before each stage, so that a lane of X meets the same lane of Y. In quarters of a
/// vector: step 8: X = A0 A1 B0 B1, Y = A2 A3 B2 B3; step 4: X = A0 B0 A2 B2, Y = A1 B1 A3 B3; then inside of quarters.
/// Four pairs go side by side, since one alone would wait for its own results.
///
/// # Safety
/// `a` points to a polynomial of the table's degree, and `from..to` lies in it.
#[inline(never)]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn forward_tail(table: &NttTable, m: Wide, a: *mut u32, from: usize, to: usize) {
    let degree = table.degree();
    let (values, quotients) = (table.values().as_ptr(), table.quotients().as_ptr());
    let (last_values, last_quotients) = (
        table.last_values().as_ptr(),
        table.last_quotients().as_ptr(),
    );
    let by_8 = lanes([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
    let by_4 = lanes([0, 0, 0, 0, 2, 2, 2, 2, 1, 1, 1, 1, 3, 3, 3, 3]);
    let by_2 = lanes([0, 0, 1, 1, 4, 4, 5, 5, 2, 2, 3, 3, 6, 6, 7, 7]);
    let first = lanes([0, 16, 2, 18, 1, 17, 3, 19, 8, 24, 10, 26, 9, 25, 11, 27]);
    let second = lanes([4, 20, 6, 22, 5, 21, 7, 23, 12, 28, 14, 30, 13, 29, 15, 31]);
    let mut at = from;
    while at < to {
        // SAFETY: at + 128 <= to. Pair i = at / 32 + 0..4 takes the twiddles N/16 + 2i.., N/8 + 4i.., N/4 + 8i.. of the
        // table of N words, and words 16 i.. of the tables of N/2.
        unsafe {
            let mut v: [__m512i; 8] = core::array::from_fn(|i| load(a.add(at).add(i * LANES)));
            pairs!(v, |x, y, pair| {
                let (mut u, mut v) = (
                    _mm512_shuffle_i64x2::<0x44>(x, y),
                    _mm512_shuffle_i64x2::<0xEE>(x, y),
                );
                let read = |of: *const u32| {
                    let two = _mm_loadl_epi64(of.add(degree / 16 + at / 16).add(2 * pair).cast());
                    _mm512_permutexvar_epi32(by_8, _mm512_castsi128_si512(two))
                };
                turn(&mut u, &mut v, paired(read(values), read(quotients)), m);
                (u, v)
            });
            pairs!(v, |x, y, pair| {
                let (mut u, mut v) = (
                    _mm512_shuffle_i64x2::<0x88>(x, y),
                    _mm512_shuffle_i64x2::<0xDD>(x, y),
                );
                let read = |of: *const u32| {
                    let four = _mm_loadu_si128(of.add(degree / 8 + at / 8).add(4 * pair).cast());
                    _mm512_permutexvar_epi32(by_4, _mm512_castsi128_si512(four))
                };
                turn(&mut u, &mut v, paired(read(values), read(quotients)), m);
                (u, v)
            });
            pairs!(v, |x, y, pair| {
                let (mut u, mut v) = (_mm512_unpacklo_epi64(x, y), _mm512_unpackhi_epi64(x, y));
                let read = |of: *const u32| {
                    let eight =
                        _mm256_loadu_si256(of.add(degree / 4 + at / 4).add(8 * pair).cast());
                    _mm512_permutexvar_epi32(by_2, _mm512_castsi256_si512(eight))
                };
                turn(&mut u, &mut v, paired(read(values), read(quotients)), m);
                (u, v)
            });
            pairs!(v, |x, y, pair| {
                let (u, v) = (_mm512_castsi512_ps(x), _mm512_castsi512_ps(y));
                let mut x = _mm512_castps_si512(_mm512_shuffle_ps::<0x88>(u, v));
                let mut y = _mm512_castps_si512(_mm512_shuffle_ps::<0xDD>(u, v));
                let read = |of: *const u32| load(of.add(at / 2).add(16 * pair));
                turn(
                    &mut x,
                    &mut y,
                    by_lane(read(last_values), read(last_quotients)),
                    m,
                );
                x = trim(trim(x, m.two_p), m.p);
                y = trim(trim(y, m.two_p), m.p);
                (
                    _mm512_permutex2var_epi32(x, first, y),
                    _mm512_permutex2var_epi32(x, second, y),
                )
            });
            for (i, x) in v.iter().enumerate() {
                store(a.add(at).add(i * LANES), *x);
            }
        }
        at = at.wrapping_add(128);
    }
}

/// The inverse of a radix-16 pass and [`forward_tail`] over a block of 256 words: the last eight stages, in registers
/// throughout. `k` is the block's index, in N/256..N/128; values come out below 2p.
///
/// # Safety
/// 256 words at `a` are writable.
#[inline(never)]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn inverse_block(table: &NttTable, m: Wide, k: usize, a: *mut u32) {
    // Twiddles come from the mirrored block, in reversed order.
    let mirrored = 3 * (table.degree() / 256) - 1 - k;
    // SAFETY: sixteen vectors of the block.
    let mut v: [__m512i; 16] = core::array::from_fn(|i| unsafe { load(a.add(i * LANES)) });

    let block = (mirrored << 7) - table.degree() / 2;
    let (values, quotients) = (
        table.last_values().as_ptr(),
        table.last_quotients().as_ptr(),
    );
    let reversed = lanes([15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    let even = lanes([0, 4, 2, 6, 16, 20, 18, 22, 8, 12, 10, 14, 24, 28, 26, 30]);
    let odd = lanes([1, 5, 3, 7, 17, 21, 19, 23, 9, 13, 11, 15, 25, 29, 27, 31]);
    pairs!(all v, |x, y, pair| {
        let (mut u, mut v) = (_mm512_permutex2var_epi32(x, even, y), _mm512_permutex2var_epi32(x, odd, y));
        // SAFETY: the mirrored block's 128 last parts, which are block - N/2.. of the tables of N/2 words.
        let read = |of: *const u32| unsafe {
            _mm512_permutexvar_epi32(reversed, load(of.add(block + 16 * (7 - pair))))
        };
        unturn_first(&mut u, &mut v, by_lane(read(values), read(quotients)), m);
        (u, v)
    });
    let (values, quotients) = (table.values().as_ptr(), table.quotients().as_ptr());
    let by_2 = lanes([7, 7, 6, 6, 3, 3, 2, 2, 5, 5, 4, 4, 1, 1, 0, 0]);
    pairs!(all v, |x, y, pair| {
        let (mut u, mut v) = (_mm512_unpacklo_epi32(x, y), _mm512_unpackhi_epi32(x, y));
        // SAFETY: as many parts of the mirrored block as loaded.
        let read = |of: *const u32| unsafe {
            let eight = _mm256_loadu_si256(of.add((mirrored << 6) + 8 * (7 - pair)).cast());
            _mm512_permutexvar_epi32(by_2, _mm512_castsi256_si512(eight))
        };
        unturn(&mut u, &mut v, paired(read(values), read(quotients)), m);
        (u, v)
    });
    let by_4 = lanes([3, 3, 3, 3, 1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0]);
    pairs!(all v, |x, y, pair| {
        let (mut u, mut v) = (_mm512_unpacklo_epi64(x, y), _mm512_unpackhi_epi64(x, y));
        // SAFETY: as many parts of the mirrored block as loaded.
        let read = |of: *const u32| unsafe {
            let four = _mm_loadu_si128(of.add((mirrored << 5) + 4 * (7 - pair)).cast());
            _mm512_permutexvar_epi32(by_4, _mm512_castsi128_si512(four))
        };
        unturn(&mut u, &mut v, paired(read(values), read(quotients)), m);
        (u, v)
    });
    let by_8 = lanes([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]);
    pairs!(all v, |x, y, pair| {
        let (mut u, mut v) = (_mm512_shuffle_i64x2::<0x44>(x, y), _mm512_shuffle_i64x2::<0xEE>(x, y));
        // SAFETY: as many parts of the mirrored block as loaded.
        let read = |of: *const u32| unsafe {
            let two = _mm_loadl_epi64(of.add((mirrored << 4) + 2 * (7 - pair)).cast());
            _mm512_permutexvar_epi32(by_8, _mm512_castsi128_si512(two))
        };
        unturn(&mut u, &mut v, paired(read(values), read(quotients)), m);
        (_mm512_shuffle_i64x2::<0x88>(u, v), _mm512_shuffle_i64x2::<0xDD>(u, v))
    });

    macro_rules! across {
        ($($level:tt),*) => {$(
            let last = (mirrored << ($level - 1)) + (1 << ($level - 1)) - 1;
            let w = |t: usize| {
                // SAFETY: the mirrored block's twiddles of this level, from the last.
                let (value, quotient) = unsafe { (*values.add(last - t), *quotients.add(last - t)) };
                splat(ShoupFactor { value, quotient })
            };
            level!($level of 16, unturn, v, w, m);
        )*};
    }
    across!(4, 3, 2, 1);
    for (i, x) in v.iter().enumerate() {
        // SAFETY: as for the loads.
        unsafe { store(a.add(i * LANES), *x) };
    }
}
