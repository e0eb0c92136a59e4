// SPDX-License-Identifier: GPL-3.0-or-later
//! The operations on residues that exist once for each instruction set.

use std::sync::OnceLock;

use super::modulus::{Modulus, ShoupFactor};
use super::scalar::Scalar;
use super::table::NttTable;

/// Arithmetic on slices of residues modulo one prime. Inputs and outputs are canonical (in [0, p)); all backends give the
/// same words.
///
/// # Panics
/// Every operation panics where slices differ in length, and the transforms where the length is not the table's degree.
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// Name for logs and benches.
    fn name(&self) -> &'static str;
    /// Negacyclic transform in place: coefficients in natural order to values in bit-reversed order.
    fn forward(&self, table: &NttTable, a: &mut [u32]);
    /// Inverse of [`Self::forward`], the factor 1/N included.
    fn inverse(&self, table: &NttTable, a: &mut [u32]);
    /// a += b.
    fn add(&self, modulus: &Modulus, a: &mut [u32], b: &[u32]);
    /// a -= b.
    fn sub(&self, modulus: &Modulus, a: &mut [u32], b: &[u32]);
    /// a *= b, entry by entry.
    fn mul(&self, modulus: &Modulus, a: &mut [u32], b: &[u32]);
    /// sum += a b, entry by entry.
    fn mul_add(&self, modulus: &Modulus, sum: &mut [u32], a: &[u32], b: &[u32]);
    /// a *= factor.
    fn scale(&self, modulus: &Modulus, a: &mut [u32], factor: ShoupFactor);
}

pub(crate) fn check_lengths(table: &NttTable, a: &[u32]) {
    assert_eq!(
        a.len(),
        table.degree(),
        "a polynomial of the table's degree"
    );
}

/// Every backend that this machine can run, slowest first; the scalar one is always there.
pub fn backends() -> &'static [&'static dyn Backend] {
    static FOUND: OnceLock<Vec<&'static dyn Backend>> = OnceLock::new();
    FOUND.get_or_init(|| {
        #[allow(unused_mut)]
        let mut found: Vec<&'static dyn Backend> = vec![&Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(backend) = super::avx2::Avx2::detect() {
                found.push(backend);
            }
            if let Some(backend) = super::avx512::Avx512::detect() {
                found.push(backend);
            }
        }
        found
    })
}

/// The fastest backend of this machine.
pub fn best() -> &'static dyn Backend {
    backends().last().copied().unwrap_or(&Scalar)
}
