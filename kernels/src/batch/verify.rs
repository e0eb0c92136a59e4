// SPDX-License-Identifier: GPL-3.0-or-later
//! Whether a device computes what the scalar backend does.

use core::fmt::Debug;

use super::{Batch, CpuBatch, Settings};
use crate::ring::scalar::Scalar;
use crate::ring::Ring;
use crate::sample::{uniform_residue, Block, Place, Purpose, Seed, Stream, ALL_LIMBS};

/// Why a device is not to be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum VerifyError<E: Debug + core::fmt::Display> {
    /// It failed.
    #[error("{0}")]
    Device(E),
    /// It gave another word than the scalar backend.
    #[error("{device} gave {found} in {operation} at word {index} of {words}, where the scalar backend gives {expected}: do not use it")]
    Differs {
        /// Name of the device.
        device: String,
        /// The operation.
        operation: &'static str,
        /// Index of the first word that differs.
        index: usize,
        /// Words of the result.
        words: usize,
        /// The word.
        found: u32,
        /// The right word.
        expected: u32,
    },
    /// It gave another number of words than the scalar backend.
    #[error("{device} gave {found} words in {operation}, where the scalar backend gives {expected}: do not use it")]
    Length {
        /// Name of the device.
        device: String,
        /// The operation.
        operation: &'static str,
        /// Words of the result.
        found: usize,
        /// The right number.
        expected: usize,
    },
}

/// Operands with the residues' edges in front.
struct Operands {
    /// Rows of whole polynomials and of an unfinished one.
    a: Vec<u32>,
    b: Vec<u32>,
    sum: Vec<u32>,
    /// Words of the whole polynomials.
    whole: usize,
    /// One polynomial.
    key: Vec<u32>,
    packed: Vec<i64>,
    seeds: Vec<Seed>,
    public: Seed,
    first: Block,
}

impl Operands {
    fn new(ring: &Ring, polynomials: usize) -> Self {
        let seed = Seed::new([0x5A; 32]);
        let stream = |polynomial| {
            let place = Place {
                purpose: Purpose::Public,
                limb: ALL_LIMBS,
                segment: 0,
                round: 0,
                polynomial,
            };
            Stream::new(&seed, place)
        };
        let rows = |which: u32, rows: usize| {
            let mut words = vec![0; rows * ring.degree()];
            let mut stream = stream(which);
            for (i, row) in words.chunks_exact_mut(ring.degree()).enumerate() {
                let p = ring.tables()[i % ring.limbs()].modulus().value();
                stream.words(ring.degree(), |at, word| row[at] = uniform_residue(word, p));
                // Each operand has its edges where the others have theirs or none.
                row[..16].fill(p - 1);
                row[16 * which as usize..][..16].fill(0);
            }
            words
        };
        let all = polynomials * ring.limbs() + ring.limbs() - 1;
        let mut packed = vec![0; polynomials * ring.degree()];
        stream(5).words(packed.len(), |at, word| packed[at] = word as i64);
        for (m, edge) in packed.iter_mut().zip([i64::MIN, i64::MAX, -1, 0, 1]) {
            *m = edge;
        }
        Self {
            a: rows(1, all),
            b: rows(2, all),
            sum: rows(3, all),
            whole: polynomials * ring.limbs() * ring.degree(),
            key: rows(4, ring.limbs()),
            packed,
            seeds: (0..polynomials)
                .map(|i| seed.derive(b"verify", &i.to_le_bytes()))
                .collect(),
            public: seed.derive(b"verify", b"public"),
            first: Block {
                round: 0x0102_0304,
                segment: 0x0506,
                polynomial: 0x0708_090A,
            },
        }
    }
}

/// What a device makes of the operands, operation by operation.
fn results<B: Batch>(
    batch: &B,
    with: &Operands,
) -> Result<Vec<(&'static str, Vec<u32>)>, B::Error> {
    let mut found = vec![];
    let (a, b) = (batch.upload(&with.a)?, batch.upload(&with.b)?);
    let mut keep = |name, rows: &B::Rows| -> Result<(), B::Error> {
        found.push((name, batch.download(rows)?));
        Ok(())
    };
    let mut rows = batch.upload(&with.a)?;
    batch.forward(&mut rows)?;
    keep("forward", &rows)?;
    let mut rows = batch.upload(&with.a)?;
    batch.inverse(&mut rows)?;
    keep("inverse", &rows)?;
    let mut rows = batch.upload(&with.a)?;
    batch.add(&mut rows, &b)?;
    keep("add", &rows)?;
    let mut rows = batch.upload(&with.a)?;
    batch.sub(&mut rows, &b)?;
    keep("sub", &rows)?;
    let mut rows = batch.upload(&with.a)?;
    batch.mul(&mut rows, &b)?;
    keep("mul", &rows)?;
    let mut rows = batch.upload(&with.sum)?;
    batch.mul_add(&mut rows, &a, &b)?;
    keep("mul_add", &rows)?;
    let mut rows = batch.upload(&with.a)?;
    batch.scale(&mut rows, u64::MAX)?;
    keep("scale", &rows)?;
    let terms = [&with.a, &with.b, &with.sum].map(|words| &words[..with.whole]);
    let terms = batch.upload(&terms.concat())?;
    keep("sum", &batch.sum(&terms, 3)?)?;
    keep("sum of one", &batch.sum(&terms, 1)?)?;
    let count = with.seeds.len();
    let uniform = batch.uniform(&with.public, with.first, count)?;
    keep("uniform", &uniform)?;
    let mut rows = batch.upload(&with.sum[..with.whole])?;
    let key = batch.upload(&with.key)?;
    batch.add_uniform_product(&mut rows, &with.public, with.first, &key)?;
    keep("add_uniform_product", &rows)?;
    let rows = batch.encode(&with.packed, &with.seeds, with.first)?;
    keep("encode", &rows)?;
    Ok(found)
}

/// Runs every operation on `polynomials` polynomials (row by row also on an unfinished one) and compares with the scalar backend.
///
/// # Errors
/// [`VerifyError`] names the first operation that fails or differs.
pub fn verify<B: Batch>(batch: &B, polynomials: usize) -> Result<(), VerifyError<B::Error>> {
    let settings = batch.settings();
    let tables = settings.ring.tables();
    let primes: Vec<u32> = tables.iter().map(|t| t.modulus().value()).collect();
    let ring = Ring::with_backend(settings.ring.degree() as u32, &primes, &Scalar)
        .expect("degree and primes of a ring");
    let reference = CpuBatch::new(Settings {
        ring,
        ..settings.clone()
    });
    let operands = Operands::new(&settings.ring, polynomials);
    let Ok(expected) = results(&reference, &operands);
    let found = results(batch, &operands).map_err(VerifyError::Device)?;
    for ((operation, found), (_, expected)) in found.into_iter().zip(expected) {
        if found.len() != expected.len() {
            return Err(VerifyError::Length {
                device: batch.name().into(),
                operation,
                found: found.len(),
                expected: expected.len(),
            });
        }
        if let Some(index) = (0..found.len()).find(|i| found[*i] != expected[*i]) {
            return Err(VerifyError::Differs {
                device: batch.name().into(),
                operation,
                index,
                words: found.len(),
                found: found[index],
                expected: expected[index],
            });
        }
    }
    Ok(())
}
