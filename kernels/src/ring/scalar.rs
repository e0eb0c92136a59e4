// SPDX-License-Identifier: GPL-3.0-or-later
//! Plain Rust: the reference of the other backends and the remainder of their loops.

use super::backend::{check_lengths, Backend};
use super::modulus::{Modulus, ShoupFactor};
use super::table::NttTable;

/// The portable backend.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

impl Backend for Scalar {
    fn name(&self) -> &'static str {
        "scalar"
    }

    fn forward(&self, table: &NttTable, a: &mut [u32]) {
        check_lengths(table, a);
        let modulus = table.modulus();
        let two_p = modulus.value() << 1;
        let mut blocks = 1;
        while blocks < a.len() {
            let half = a.len() / blocks / 2;
            for (i, block) in a.chunks_exact_mut(2 * half).enumerate() {
                let w = table.twiddle(blocks + i);
                let (low, high) = block.split_at_mut(half);
                for (x, y) in low.iter_mut().zip(high) {
                    // x, y < 4p before and after.
                    let kept = (*x).min(x.wrapping_sub(two_p));
                    let turned = modulus.mul_shoup_lazy(*y, w);
                    *x = kept.wrapping_add(turned);
                    *y = kept.wrapping_add(two_p).wrapping_sub(turned);
                }
            }
            blocks *= 2;
        }
        for x in a {
            *x = modulus.reduce4(*x);
        }
    }

    fn inverse(&self, table: &NttTable, a: &mut [u32]) {
        check_lengths(table, a);
        let modulus = table.modulus();
        let two_p = modulus.value() << 1;
        let mut blocks = a.len() / 2;
        while blocks > 1 {
            let half = a.len() / blocks / 2;
            for (i, block) in a.chunks_exact_mut(2 * half).enumerate() {
                let w = table.twiddle(2 * blocks - 1 - i);
                let (low, high) = block.split_at_mut(half);
                for (x, y) in low.iter_mut().zip(high) {
                    // x, y < 2p before and after; the twiddle is the negated inverse, hence y - x.
                    let sum = x.wrapping_add(*y);
                    let difference = y.wrapping_sub(*x).wrapping_add(two_p);
                    *x = sum.min(sum.wrapping_sub(two_p));
                    *y = modulus.mul_shoup_lazy(difference, w);
                }
            }
            blocks /= 2;
        }
        let (low, high) = a.split_at_mut(a.len() / 2);
        for (x, y) in low.iter_mut().zip(high) {
            let difference = y.wrapping_sub(*x).wrapping_add(two_p);
            *x = modulus.mul_shoup(x.wrapping_add(*y), table.scale());
            *y = modulus.mul_shoup(difference, table.scaled_first());
        }
    }

    fn add(&self, modulus: &Modulus, a: &mut [u32], b: &[u32]) {
        assert_eq!(a.len(), b.len(), "operands of one length");
        for (x, y) in a.iter_mut().zip(b) {
            *x = modulus.add(*x, *y);
        }
    }

    fn sub(&self, modulus: &Modulus, a: &mut [u32], b: &[u32]) {
        assert_eq!(a.len(), b.len(), "operands of one length");
        for (x, y) in a.iter_mut().zip(b) {
            *x = modulus.sub(*x, *y);
        }
    }

    fn mul(&self, modulus: &Modulus, a: &mut [u32], b: &[u32]) {
        assert_eq!(a.len(), b.len(), "operands of one length");
        for (x, y) in a.iter_mut().zip(b) {
            *x = modulus.mul(*x, *y);
        }
    }

    fn mul_add(&self, modulus: &Modulus, sum: &mut [u32], a: &[u32], b: &[u32]) {
        assert_eq!(sum.len(), a.len(), "operands of one length");
        assert_eq!(sum.len(), b.len(), "operands of one length");
        for ((s, x), y) in sum.iter_mut().zip(a).zip(b) {
            *s = modulus.reduce4(modulus.mul_lazy(*x, *y).wrapping_add(*s));
        }
    }

    fn scale(&self, modulus: &Modulus, a: &mut [u32], factor: ShoupFactor) {
        for x in a {
            *x = modulus.mul_shoup(*x, factor);
        }
    }
}
