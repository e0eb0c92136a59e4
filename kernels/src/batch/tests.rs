// SPDX-License-Identifier: GPL-3.0-or-later
//! Batches against single polynomials, and a device that is wrong.

use core::cell::Cell;
use core::convert::Infallible;

use zeroize::Zeroizing;

use super::*;
use crate::data::{Ciphertext, DataError, DataLayer};
use crate::params::{Parameters, INSECURE_TEST_1024, SA_4096};
use crate::ring::{backends, Coefficient, Words};
use crate::sample::uniform_polynomial;

fn settings(literal: crate::params::ParametersLiteral) -> Settings {
    DataLayer::new(Parameters::new(literal).unwrap()).settings()
}

const FIRST: Block = Block {
    round: 7,
    segment: 3,
    polynomial: 9,
};

#[test]
fn every_backend_should_pass_verification() {
    for literal in [INSECURE_TEST_1024, SA_4096] {
        for backend in backends() {
            let ring = Ring::with_backend(literal.degree, literal.primes, *backend).unwrap();
            let batch = CpuBatch::new(Settings {
                ring,
                ..settings(literal)
            });
            assert_eq!(batch.name(), backend.name());
            for polynomials in [1, 3] {
                verify(&batch, polynomials).unwrap();
            }
        }
    }
}

#[test]
fn batch_should_equal_the_ring_polynomial_by_polynomial() {
    let settings = settings(INSECURE_TEST_1024);
    let (ring, batch) = (&settings.ring, CpuBatch::new(settings.clone()));
    let polynomials: Vec<_> = (0..3i64)
        .map(|k| ring.from_signed((0..1_024).map(move |i| i * 77 - k)))
        .collect();
    let words: Vec<u32> = polynomials
        .iter()
        .flat_map(|p| p.words().to_vec())
        .collect();
    let mut rows = batch.upload(&words).unwrap();
    batch.forward(&mut rows).unwrap();
    let forward: Vec<_> = polynomials
        .iter()
        .map(|p| ring.forward(p.clone()))
        .collect();
    let of = |each: &[crate::ring::Poly<crate::ring::Ntt>]| -> Vec<u32> {
        each.iter().flat_map(|p| p.words().to_vec()).collect()
    };
    assert_eq!(batch.download(&rows).unwrap(), of(&forward));
    batch.inverse(&mut rows).unwrap();
    assert_eq!(batch.download(&rows).unwrap(), words);

    let seed = Seed::new([4; 32]);
    let a: Vec<_> = (0..3)
        .map(|i| {
            uniform_polynomial(
                ring,
                &seed,
                FIRST.round,
                FIRST.segment,
                FIRST.polynomial + i,
            )
        })
        .collect();
    let uniform = batch.uniform(&seed, FIRST, 3).unwrap();
    assert_eq!(batch.download(&uniform).unwrap(), of(&a));
    let mut products = forward.clone();
    for (sum, a) in products.iter_mut().zip(&a) {
        ring.mul_add(sum, a, &forward[0]);
    }
    let mut rows = batch.upload(&of(&forward)).unwrap();
    let key = batch.upload(forward[0].words()).unwrap();
    batch
        .add_uniform_product(&mut rows, &seed, FIRST, &key)
        .unwrap();
    assert_eq!(batch.download(&rows).unwrap(), of(&products));
}

#[test]
fn encode_should_leave_the_plaintext_when_the_errors_are_taken_off() {
    let settings = settings(INSECURE_TEST_1024);
    let (ring, batch) = (&settings.ring, CpuBatch::new(settings.clone()));
    let packed: Vec<i64> = (0..2_048).map(|i| i * 1_000_003 - 5).collect();
    let seeds = [Seed::new([1; 32]), Seed::new([2; 32])];
    let rows = batch.encode(&packed, &seeds, FIRST).unwrap();
    let errors = crate::sample::ErrorSampler::new(settings.errors);
    for (i, seed) in seeds.iter().enumerate() {
        let place = crate::sample::Place {
            purpose: crate::sample::Purpose::Error,
            limb: crate::sample::ALL_LIMBS,
            segment: FIRST.segment,
            round: FIRST.round,
            polynomial: FIRST.polynomial + i as u32,
        };
        let e = errors.draw(seed, place, 1_024);
        let mut left = ring.polynomial::<Coefficient>(&rows[i * 2_048..(i + 1) * 2_048]);
        let mut te = ring.from_signed(e.iter().map(|e| i64::from(*e)));
        ring.scale(&mut te, 1 << settings.width);
        ring.sub(&mut left, &te);
        let plain = packed[i * 1_024..(i + 1) * 1_024].iter().copied();
        assert_eq!(left, ring.from_signed(plain));
    }
}

/// Encrypts block by block.
fn one_by_one(
    layer: &DataLayer,
    seeds: (&Seed, &Seed),
    first: Block,
    values: &[i8],
) -> Vec<Ciphertext> {
    let key = layer.secret_key(seeds.1.clone(), first.round, first.segment);
    let each = layer.params().values_per_polynomial();
    let blocks = values.chunks(each).enumerate();
    blocks
        .map(|(i, values)| {
            layer
                .encrypt(seeds.0, &key, after(first, i), values)
                .unwrap()
        })
        .collect()
}

#[test]
fn encrypt_all_should_make_the_ciphertexts_of_encrypt() {
    let layer = DataLayer::new(Parameters::new(INSECURE_TEST_1024).unwrap());
    let processor = Processor::detect(&layer.settings());
    let seeds = (&Seed::new([1; 32]), &Seed::new([2; 32]));
    let key = layer.secret_key(seeds.1.clone(), FIRST.round, FIRST.segment);
    let each = layer.params().values_per_polynomial();
    // None, less than one, exactly two, more than two polynomials, and more than one batch of 512.
    for count in [0, 5, 2 * each, 2 * each + 1, 513 * each + 7] {
        let values: Vec<i8> = (0..count)
            .map(|i| (i % 255) as u8 as i8)
            .map(|v| v.max(-127))
            .collect();
        let found = layer
            .encrypt_all(&processor, seeds.0, &key, FIRST, &values)
            .unwrap();
        assert!(
            found == one_by_one(&layer, seeds, FIRST, &values),
            "{count} values"
        );
    }
}

#[test]
fn encrypt_all_should_refuse_what_encrypt_refuses_and_an_overfull_segment() {
    let layer = DataLayer::new(Parameters::new(INSECURE_TEST_1024).unwrap());
    let processor = Processor::cpu(&layer.settings());
    let public = Seed::new([1; 32]);
    let key = layer.secret_key(Seed::new([2; 32]), FIRST.round, FIRST.segment);
    let each = layer.params().values_per_polynomial();
    let encrypt =
        |first, values: &[i16]| layer.encrypt_all(&processor, &public, &key, first, values);
    let mut values = vec![0i16; each + 3];
    values[each + 1] = 128;
    assert_eq!(
        encrypt(FIRST, &values),
        Err(DataError::PlaintextRange {
            index: each + 1,
            value: 128,
            bound: 127
        })
    );
    let other = Block { round: 8, ..FIRST };
    assert_eq!(encrypt(other, &values[..3]), Err(DataError::Key));
    let last = Block {
        polynomial: u32::MAX,
        ..FIRST
    };
    assert_eq!(encrypt(last, &values[..each]).unwrap()[0].block(), last);
    assert_eq!(
        encrypt(last, &values),
        Err(DataError::Values {
            found: each + 3,
            limit: each
        })
    );
}

#[test]
#[should_panic(expected = "a processor of this layer's parameters")]
fn encrypt_all_should_panic_when_the_processor_is_of_other_parameters() {
    let layer = DataLayer::new(Parameters::new(INSECURE_TEST_1024).unwrap());
    let processor = Processor::cpu(&settings(SA_4096));
    let key = layer.secret_key(Seed::new([2; 32]), FIRST.round, FIRST.segment);
    let _ = layer.encrypt_all(&processor, &Seed::new([1; 32]), &key, FIRST, &[1i8]);
}

/// The CPU, with one wrong word in the result of one download.
struct Wrong {
    cpu: CpuBatch,
    downloads: Cell<usize>,
    wrong_at: usize,
}

macro_rules! pass_on {
    ($($name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        $(fn $name(&self, $($argument: $type),*) -> Result<$out, Infallible> {
            self.cpu.$name($($argument),*)
        })*
    };
}

type Rows = Zeroizing<Words>;

impl Batch for Wrong {
    type Rows = Rows;
    type Error = Infallible;

    fn name(&self) -> &str {
        "wrong"
    }

    fn settings(&self) -> &Settings {
        self.cpu.settings()
    }

    fn download(&self, rows: &Rows) -> Result<Vec<u32>, Infallible> {
        let Ok(mut words) = self.cpu.download(rows);
        if self.downloads.replace(self.downloads.get() + 1) == self.wrong_at {
            let last = words.len() - 1;
            words[last] ^= 1;
        }
        Ok(words)
    }

    pass_on! {
        upload(words: &[u32]) -> Rows;
        forward(rows: &mut Rows) -> ();
        inverse(rows: &mut Rows) -> ();
        add(a: &mut Rows, b: &Rows) -> ();
        sub(a: &mut Rows, b: &Rows) -> ();
        mul(a: &mut Rows, b: &Rows) -> ();
        mul_add(sum: &mut Rows, a: &Rows, b: &Rows) -> ();
        scale(a: &mut Rows, factor: u64) -> ();
        sum(terms: &Rows, count: usize) -> Rows;
        uniform(public: &Seed, first: Block, count: usize) -> Rows;
        add_uniform_product(sum: &mut Rows, public: &Seed, first: Block, key: &Rows) -> ();
        encode(packed: &[i64], seeds: &[Seed], first: Block) -> Rows;
    }
}

#[test]
fn verification_should_name_the_operation_when_one_word_is_wrong() {
    let operations = [
        "forward",
        "inverse",
        "add",
        "sub",
        "mul",
        "mul_add",
        "scale",
        "sum",
        "sum of one",
        "uniform",
        "add_uniform_product",
        "encode",
    ];
    for (wrong_at, name) in operations.into_iter().enumerate() {
        let wrong = Wrong {
            cpu: CpuBatch::new(settings(INSECURE_TEST_1024)),
            downloads: Cell::new(0),
            wrong_at,
        };
        let Err(VerifyError::Differs { operation, .. }) = verify(&wrong, 1) else {
            panic!("a wrong {name} was not seen");
        };
        assert_eq!(operation, name);
    }
}

#[test]
#[should_panic(expected = "batches of one length")]
fn add_should_panic_when_the_batches_differ_in_length() {
    let batch = CpuBatch::new(settings(INSECURE_TEST_1024));
    let (mut a, b) = (
        batch.upload(&[0; 2_048]).unwrap(),
        batch.upload(&[0; 1_024]).unwrap(),
    );
    let _ = batch.add(&mut a, &b);
}

#[test]
#[should_panic(expected = "no whole rows")]
fn upload_should_panic_when_a_row_is_cut() {
    let batch = CpuBatch::new(settings(INSECURE_TEST_1024));
    let _ = batch.upload(&[0; 1_023]);
}
