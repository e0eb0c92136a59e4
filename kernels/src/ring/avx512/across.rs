// SPDX-License-Identifier: GPL-3.0-or-later
//! Passes over whole vectors: two to four stages in registers.
#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::lanes::{load, mul_shoup, splat, store, trim, turn, turn_first, unturn, Wide, LANES};
use crate::ring::modulus::ShoupFactor;
use crate::ring::table::NttTable;

/// Butterflies (i, j) of a stage with twiddle t of the level: `[(i, j, t), ..]`.
macro_rules! stage {
    ($op:ident, $v:ident, $w:expr, $m:ident, [$(($i:literal, $j:literal, $t:literal)),*]) => {
        $(
            let (mut x, mut y) = ($v[$i], $v[$j]);
            $op(&mut x, &mut y, $w($t), $m);
            ($v[$i], $v[$j]) = (x, y);
        )*
    };
}

/// The four levels of a radix-16 step, and their beginnings for smaller radices.
macro_rules! level {
    (1 of 2, $op:ident, $v:ident, $w:expr, $m:ident) => {
        stage!($op, $v, $w, $m, [(0, 1, 0)])
    };
    (1 of 4, $op:ident, $v:ident, $w:expr, $m:ident) => {
        stage!($op, $v, $w, $m, [(0, 2, 0), (1, 3, 0)])
    };
    (2 of 4, $op:ident, $v:ident, $w:expr, $m:ident) => {
        stage!($op, $v, $w, $m, [(0, 1, 0), (2, 3, 1)])
    };
    (1 of 8, $op:ident, $v:ident, $w:expr, $m:ident) => {
        stage!(
            $op,
            $v,
            $w,
            $m,
            [(0, 4, 0), (1, 5, 0), (2, 6, 0), (3, 7, 0)]
        )
    };
    (2 of 8, $op:ident, $v:ident, $w:expr, $m:ident) => {
        stage!(
            $op,
            $v,
            $w,
            $m,
            [(0, 2, 0), (1, 3, 0), (4, 6, 1), (5, 7, 1)]
        )
    };
    (3 of 8, $op:ident, $v:ident, $w:expr, $m:ident) => {
        stage!(
            $op,
            $v,
            $w,
            $m,
            [(0, 1, 0), (2, 3, 1), (4, 5, 2), (6, 7, 3)]
        )
    };
    (1 of 16, $op:ident, $v:ident, $w:expr, $m:ident) => {
        stage!(
            $op,
            $v,
            $w,
            $m,
            [
                (0, 8, 0),
                (1, 9, 0),
                (2, 10, 0),
                (3, 11, 0),
                (4, 12, 0),
                (5, 13, 0),
                (6, 14, 0),
                (7, 15, 0)
            ]
        )
    };
    (2 of 16, $op:ident, $v:ident, $w:expr, $m:ident) => {
        stage!(
            $op,
            $v,
            $w,
            $m,
            [
                (0, 4, 0),
                (1, 5, 0),
                (2, 6, 0),
                (3, 7, 0),
                (8, 12, 1),
                (9, 13, 1),
                (10, 14, 1),
                (11, 15, 1)
            ]
        )
    };
    (3 of 16, $op:ident, $v:ident, $w:expr, $m:ident) => {
        stage!(
            $op,
            $v,
            $w,
            $m,
            [
                (0, 2, 0),
                (1, 3, 0),
                (4, 6, 1),
                (5, 7, 1),
                (8, 10, 2),
                (9, 11, 2),
                (12, 14, 3),
                (13, 15, 3)
            ]
        )
    };
    (4 of 16, $op:ident, $v:ident, $w:expr, $m:ident) => {
        stage!(
            $op,
            $v,
            $w,
            $m,
            [
                (0, 1, 0),
                (2, 3, 1),
                (4, 5, 2),
                (6, 7, 3),
                (8, 9, 4),
                (10, 11, 5),
                (12, 13, 6),
                (14, 15, 7)
            ]
        )
    };
}

/// A forward pass of log2($radix) stages over block `k`, whose `$radix` parts are `stride` words apart; `FIRST` where its
/// words are still below p.
macro_rules! forward_pass {
    ($name:ident, $radix:tt, [$($level:tt),*]) => {
        /// # Safety
        /// `$radix * stride` words at `a` are writable; `stride` is a multiple of 16; the block's twiddles are in the table.
        #[inline(never)]
        #[target_feature(enable = "avx512f")]
        pub(super) unsafe fn $name<const FIRST: bool>(table: &NttTable, m: Wide, k: usize, a: *mut u32, stride: usize) {
            let (values, quotients) = (table.values().as_ptr(), table.quotients().as_ptr());
            let mut at = 0;
            while at < stride {
                // SAFETY: part i begins at i * stride, and at + 16 <= stride.
                let mut v: [__m512i; $radix] =
                    core::array::from_fn(|i| unsafe { load(a.add(i.wrapping_mul(stride)).add(at)) });
                $(
                    let first = k << ($level - 1);
                    let w = |t: usize| {
                        // SAFETY: twiddle (k << (level - 1)) + t is one of the block's.
                        let (value, quotient) = unsafe { (*values.add(first + t), *quotients.add(first + t)) };
                        splat(ShoupFactor { value, quotient })
                    };
                    if FIRST && $level == 1 {
                        level!($level of $radix, turn_first, v, w, m);
                    } else {
                        level!($level of $radix, turn, v, w, m);
                    }
                )*
                for (i, x) in v.iter().enumerate() {
                    // SAFETY: as for the loads.
                    unsafe { store(a.add(i.wrapping_mul(stride)).add(at), *x) };
                }
                at = at.wrapping_add(LANES);
            }
        }
    };
}

forward_pass!(forward_4, 4, [1, 2]);
forward_pass!(forward_8, 8, [1, 2, 3]);
forward_pass!(forward_16, 16, [1, 2, 3, 4]);

/// The inverse of a forward pass; `$last` passes end the transform: their last stage scales by 1/N and reduces to [0, p).
macro_rules! inverse_pass {
    ($name:ident, $last:ident, $radix:tt, [$($level:tt),*], [$(($i:literal, $j:literal)),*]) => {
        /// # Safety
        /// As the forward pass of this radix.
        #[inline(never)]
        #[target_feature(enable = "avx512f")]
        pub(super) unsafe fn $name(table: &NttTable, m: Wide, k: usize, a: *mut u32, stride: usize) {
            inverse_pass!(@body table, m, k, a, stride, $radix, [$($level),*, 1], [])
        }

        /// # Safety
        /// As the forward pass of this radix; `k` is 1.
        #[inline(never)]
        #[target_feature(enable = "avx512f")]
        pub(super) unsafe fn $last(table: &NttTable, m: Wide, k: usize, a: *mut u32, stride: usize) {
            inverse_pass!(@body table, m, k, a, stride, $radix, [$($level),*], [$(($i, $j)),*])
        }
    };
    (@body $table:ident, $m:ident, $k:ident, $a:ident, $stride:ident, $radix:tt, [$($level:tt),*], [$(($i:literal, $j:literal)),*]) => {{
        let (values, quotients) = ($table.values().as_ptr(), $table.quotients().as_ptr());
        // Block k of a stage with `blocks` blocks takes the negated twiddle 3 blocks - 1 - k.
        let blocks = 1usize << $k.ilog2();
        let mirrored = 3 * blocks - 1 - $k;
        let _scale = (splat($table.scale()), splat($table.scaled_first()));
        let mut at = 0;
        while at < $stride {
            // SAFETY: part i begins at i * stride, and at + 16 <= stride.
            let mut v: [__m512i; $radix] =
                core::array::from_fn(|i| unsafe { load($a.add(i.wrapping_mul($stride)).add(at)) });
            $(
                let last = (mirrored << ($level - 1)) + (1 << ($level - 1)) - 1;
                let w = |t: usize| {
                    // SAFETY: the mirrored block's twiddles of this level, from the last.
                    let (value, quotient) = unsafe { (*values.add(last - t), *quotients.add(last - t)) };
                    splat(ShoupFactor { value, quotient })
                };
                level!($level of $radix, unturn, v, w, $m);
            )*
            $(
                let difference = _mm512_sub_epi32(_mm512_add_epi32(v[$j], $m.two_p), v[$i]);
                let sum = _mm512_add_epi32(v[$i], v[$j]);
                v[$i] = trim(mul_shoup(sum, _scale.0, $m), $m.p);
                v[$j] = trim(mul_shoup(difference, _scale.1, $m), $m.p);
            )*
            for (i, x) in v.iter().enumerate() {
                // SAFETY: as for the loads.
                unsafe { store($a.add(i.wrapping_mul($stride)).add(at), *x) };
            }
            at = at.wrapping_add(LANES);
        }
    }};
}

inverse_pass!(inverse_4, inverse_4_last, 4, [2], [(0, 2), (1, 3)]);
inverse_pass!(
    inverse_8,
    inverse_8_last,
    8,
    [3, 2],
    [(0, 4), (1, 5), (2, 6), (3, 7)]
);
inverse_pass!(
    inverse_16,
    inverse_16_last,
    16,
    [4, 3, 2],
    [
        (0, 8),
        (1, 9),
        (2, 10),
        (3, 11),
        (4, 12),
        (5, 13),
        (6, 14),
        (7, 15)
    ]
);

/// # Safety
/// `length` words at `a` are writable; block `k` of the table has that length.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn forward_by(
    log: u32,
    table: &NttTable,
    m: Wide,
    k: usize,
    a: *mut u32,
    length: usize,
) {
    let stride = length >> log;
    // SAFETY: the parts of the block; the strides of `plan` are multiples of 16.
    unsafe {
        match (log, k) {
            (2, 1) => forward_4::<true>(table, m, k, a, stride),
            (3, 1) => forward_8::<true>(table, m, k, a, stride),
            (_, 1) => forward_16::<true>(table, m, k, a, stride),
            (2, _) => forward_4::<false>(table, m, k, a, stride),
            (3, _) => forward_8::<false>(table, m, k, a, stride),
            (_, _) => forward_16::<false>(table, m, k, a, stride),
        }
    }
}

/// # Safety
/// As [`forward_by`].
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn inverse_by(
    log: u32,
    table: &NttTable,
    m: Wide,
    k: usize,
    a: *mut u32,
    length: usize,
) {
    let stride = length >> log;
    // SAFETY: the parts of the block; the strides of `plan` are multiples of 16.
    unsafe {
        match (log, k) {
            (2, 1) => inverse_4_last(table, m, k, a, stride),
            (3, 1) => inverse_8_last(table, m, k, a, stride),
            (_, 1) => inverse_16_last(table, m, k, a, stride),
            (2, _) => inverse_4(table, m, k, a, stride),
            (3, _) => inverse_8(table, m, k, a, stride),
            (_, _) => inverse_16(table, m, k, a, stride),
        }
    }
}
