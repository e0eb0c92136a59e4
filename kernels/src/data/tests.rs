// SPDX-License-Identifier: GPL-3.0-or-later

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;
use crate::params::{ErrorDistribution, INSECURE_TEST_1024, SA_4096};
use crate::ring::backends;
use crate::ring::tests::residues;
use crate::sample::Stream;

const BLOCK: Block = Block {
    round: 3,
    segment: 2,
    polynomial: 1,
};

fn seed(n: u8) -> Seed {
    Seed::new([n; 32])
}

fn small() -> DataLayer {
    DataLayer::new(Parameters::new(INSECURE_TEST_1024).unwrap())
}

fn key(layer: &DataLayer, n: u8) -> SecretKey {
    layer.secret_key(seed(n), BLOCK.round, BLOCK.segment)
}

fn values(layer: &DataLayer, n: u64) -> Vec<i8> {
    let count = layer.params().values_per_polynomial();
    residues(n, count, 255)
        .iter()
        .map(|x| (*x as i32 - 127) as i8)
        .collect()
}

/// Encrypts for miners 1..=count, and gives the sum, the sum of keys and the sums of values.
fn cohort(layer: &DataLayer, count: u8) -> (Ciphertext, Vec<i64>, Vec<i64>) {
    let mut sums = vec![0i64; layer.params().values_per_polynomial()];
    let mut keys = vec![0i64; layer.ring().degree()];
    let mut sum: Option<Ciphertext> = None;
    for n in 1..=count {
        let plain = values(layer, n.into());
        let key = key(layer, n);
        let ciphertext = layer.encrypt(&seed(99), &key, BLOCK, &plain).unwrap();
        sums.iter_mut()
            .zip(&plain)
            .for_each(|(s, v)| *s += i64::from(*v));
        keys.iter_mut()
            .zip(key.coefficients())
            .for_each(|(s, c)| *s += i64::from(*c));
        match &mut sum {
            None => sum = Some(ciphertext),
            Some(sum) => layer.add(sum, &ciphertext).unwrap(),
        }
    }
    (sum.unwrap(), keys, sums)
}

fn sum_key(layer: &DataLayer, terms: u32, keys: &[i64]) -> SumKey {
    layer
        .sum_key(BLOCK.round, BLOCK.segment, terms, keys)
        .unwrap()
}

#[test]
fn decrypt_should_give_the_sums_when_the_cohort_is_complete() {
    for (layer, count) in [
        (small(), 8),
        (DataLayer::new(Parameters::new(SA_4096).unwrap()), 5),
    ] {
        let (sum, keys, sums) = cohort(&layer, count);
        assert_eq!(sum.terms(), count.into());
        let key = sum_key(&layer, count.into(), &keys);
        assert_eq!(layer.decrypt(&seed(99), &sum, &key).unwrap(), sums);
    }
}

#[test]
fn decrypt_should_hold_at_the_edge_of_every_value() {
    let layer = small();
    for value in [127i8, -127] {
        let plain = vec![value; layer.params().values_per_polynomial()];
        let (mut sum, mut keys) = (None, vec![0i64; 1_024]);
        for n in 1..=8 {
            let key = key(&layer, n);
            let ciphertext = layer.encrypt(&seed(99), &key, BLOCK, &plain).unwrap();
            keys.iter_mut()
                .zip(key.coefficients())
                .for_each(|(s, c)| *s += i64::from(*c));
            match &mut sum {
                None => sum = Some(ciphertext),
                Some(sum) => layer.add(sum, &ciphertext).unwrap(),
            }
        }
        let sums = layer
            .decrypt(&seed(99), &sum.unwrap(), &sum_key(&layer, 8, &keys))
            .unwrap();
        assert!(sums.iter().all(|s| *s == 8 * i64::from(value)));
    }
}

#[test]
fn noise_should_stay_below_the_worst_case_and_near_its_deviation() {
    let layer = DataLayer::new(Parameters::new(SA_4096).unwrap());
    let count = 16;
    let (sum, keys, sums) = cohort(&layer, count);
    let phase = layer.phase(&seed(99), &sum, &sum_key(&layer, count.into(), &keys));
    let crt = layer.ring().crt();
    let primes = SA_4096.primes.iter();
    let q: BigInt = primes.map(|p| BigInt::from(*p)).product();
    let packing = layer.params().packing();
    let (mut largest, mut squares) = (0i64, 0i64);
    for at in 0..4_096 {
        let limbs = [0, 1, 2].map(|i| phase.limb(i)[at]);
        let mut x = BigInt::from(num_bigint::BigUint::new(crt.wide(&limbs)));
        if &x + &x > q {
            x -= &q;
        }
        let group = &sums[4 * at..4 * at + 4];
        let plain = group
            .iter()
            .rev()
            .fold(BigInt::ZERO, |m, v| (m << packing.bits()) + *v);
        let noise = x - plain;
        let t = BigInt::from(1) << packing.width();
        assert_eq!(&noise % &t, BigInt::ZERO);
        let error = i64::try_from(noise / t).unwrap();
        largest = largest.max(error.abs());
        squares += error * error;
    }
    // Worst case 16 * 21; variance 16 * 10.5 = 168 with a deviation of 168 * sqrt(2 / 4096) = 3.7.
    assert!(largest <= i64::from(count) * 21, "{largest}");
    assert!((squares / 4_096 - 168).abs() < 19, "{squares}");
}

#[test]
fn ciphertexts_should_be_bit_equal_on_every_backend() {
    let params = Parameters::new(SA_4096).unwrap();
    let mut seen = None;
    for backend in backends() {
        let ring = Ring::with_backend(4_096, SA_4096.primes, *backend).unwrap();
        let layer = DataLayer::with_ring(params.clone(), ring);
        let bytes = layer.encode(
            &layer
                .encrypt(&seed(9), &key(&layer, 1), BLOCK, &[1i8, -1, 127])
                .unwrap(),
        );
        assert_eq!(
            *seen.get_or_insert_with(|| bytes.clone()),
            bytes,
            "{}",
            backend.name()
        );
    }
}

#[test]
fn gaussian_errors_should_serve_as_well() {
    let mut literal = INSECURE_TEST_1024;
    literal.error = ErrorDistribution::DiscreteGaussian {
        sigma_milli: 3_200,
        tail: 40,
    };
    literal.slots = 2;
    let layer = DataLayer::new(Parameters::new(literal).unwrap());
    let (sum, keys, sums) = cohort(&layer, 3);
    assert_eq!(
        layer
            .decrypt(&seed(99), &sum, &sum_key(&layer, 3, &keys))
            .unwrap(),
        sums
    );
}

#[test]
fn encrypt_should_refuse_what_is_out_of_range() {
    let layer = small();
    let key = key(&layer, 1);
    assert_eq!(
        layer
            .encrypt(&seed(9), &key, BLOCK, &[0i8, -128, -128])
            .unwrap_err(),
        DataError::PlaintextRange {
            index: 1,
            value: -128,
            bound: 127
        }
    );
    assert!(layer.encrypt(&seed(9), &key, BLOCK, &[i64::MIN]).is_err());
    assert_eq!(
        layer
            .encrypt(&seed(9), &key, BLOCK, &[0i8; 3_073])
            .unwrap_err(),
        DataError::Values {
            found: 3_073,
            limit: 3_072
        }
    );
    for block in [
        Block { round: 4, ..BLOCK },
        Block {
            segment: 3,
            ..BLOCK
        },
    ] {
        assert_eq!(
            layer.encrypt(&seed(9), &key, block, &[0i8]).unwrap_err(),
            DataError::Key
        );
    }
    let other = DataLayer::new(Parameters::new(SA_4096).unwrap());
    assert_eq!(
        other.encrypt(&seed(9), &key, BLOCK, &[0i8]).unwrap_err(),
        DataError::Key
    );
}

#[test]
fn add_should_refuse_other_blocks_and_more_than_the_largest_cohort() {
    let layer = small();
    let mut sum = cohort(&layer, 8).0;
    let before = sum.clone();
    let one = cohort(&layer, 1).0;
    assert_eq!(
        layer.add(&mut sum, &one),
        Err(DataError::Terms { terms: 9, limit: 8 })
    );
    let other = Block {
        polynomial: 2,
        ..BLOCK
    };
    let foreign = layer
        .encrypt(&seed(99), &key(&layer, 1), other, &[1i8])
        .unwrap();
    assert_eq!(layer.add(&mut sum, &foreign), Err(DataError::Block));
    assert_eq!(sum, before);
}

#[test]
fn decrypt_should_refuse_wrong_keys() {
    let layer = small();
    let (sum, keys, _) = cohort(&layer, 3);
    let wrong = |round, segment, terms| layer.sum_key(round, segment, terms, &keys).unwrap();
    for key in [wrong(4, 2, 3), wrong(3, 1, 3), wrong(3, 2, 4)] {
        assert_eq!(
            layer.decrypt(&seed(99), &sum, &key).unwrap_err(),
            DataError::Key
        );
    }
    // One miner's key is missing: what comes out is no sum of three int8 values.
    let (_, fewer, _) = cohort(&layer, 2);
    let key = sum_key(&layer, 3, &fewer);
    assert!(matches!(
        layer.decrypt(&seed(99), &sum, &key),
        Err(DataError::SumRange { bound: 381, .. })
    ));
    let mut large = keys.clone();
    large[7] = -64;
    assert_eq!(
        layer.sum_key(3, 2, 3, &large).unwrap_err(),
        DataError::KeyRange {
            index: 7,
            value: -64,
            terms: 3,
            bound: 63
        }
    );
    assert_eq!(
        layer.sum_key(3, 2, 3, &keys[1..]).unwrap_err(),
        DataError::KeyLength {
            found: 1_023,
            degree: 1_024
        }
    );
    assert_eq!(
        layer.sum_key(3, 2, 9, &keys).unwrap_err(),
        DataError::Terms { terms: 9, limit: 8 }
    );
}

#[test]
fn errors_should_change_with_the_plaintext_so_that_no_difference_leaks() {
    let layer = small();
    let key = key(&layer, 1);
    let encrypt = |v: i8| layer.encrypt(&seed(9), &key, BLOCK, &[v]).unwrap();
    let (mut a, b) = (encrypt(1), encrypt(2));
    layer.ring().sub(&mut a.body, &b.body);
    let difference = layer.ring().inverse(a.body);
    // With equal errors all but one coefficient of the difference would be zero.
    assert!(difference.limb(0).iter().filter(|x| **x == 0).count() < 200);
    assert_eq!(encrypt(1), encrypt(1));
}

#[test]
fn wire_size_should_be_below_three_bytes_a_value_in_the_default_preset() {
    let layer = DataLayer::new(Parameters::new(SA_4096).unwrap());
    assert_eq!(layer.ciphertext_bytes(), 46_128);
    assert!(layer.ciphertext_bytes() <= 3 * layer.params().values_per_polynomial());
}

#[test]
fn decode_should_refuse_everything_but_the_canonical_bytes() {
    let layer = small();
    let bytes = layer.encode(&cohort(&layer, 2).0);
    let length = layer.ciphertext_bytes();
    assert_eq!(bytes.len(), length);
    let refused = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        layer.decode(&bytes).unwrap_err()
    };
    assert_eq!(refused(&|b| b[0] = 2), WireError::Version(2));
    assert_eq!(
        refused(&|b| b[1] = 3),
        WireError::Kind {
            expected: 1,
            found: 3
        }
    );
    assert_eq!(refused(&|b| b[20] ^= 1), WireError::Parameters);
    for found in [0, 33, 34, 47, length - 1, length + 1] {
        let expected = length;
        assert_eq!(
            refused(&|b| b.resize(found, 0)),
            WireError::Length { expected, found }
        );
    }
    for terms in [0u32, 9, u32::MAX] {
        assert_eq!(
            refused(&|b| b[44..48].copy_from_slice(&terms.to_le_bytes())),
            WireError::Range {
                name: "number of summed ciphertexts",
                value: terms.into()
            }
        );
    }
    let prime = INSECURE_TEST_1024.primes[0];
    let word = |value: u32| {
        move |b: &mut Vec<u8>| {
            // The first residue fills three bytes and six bits of the fourth.
            b[48..51].copy_from_slice(&value.to_le_bytes()[..3]);
            b[51] = (b[51] & 0xC0) | (value >> 24) as u8;
        }
    };
    for value in [prime, (1 << 30) - 1] {
        let (limb, index) = (0, 0);
        assert_eq!(
            refused(&word(value)),
            WireError::Residue {
                limb,
                index,
                value,
                prime
            }
        );
    }
    let mut largest = bytes.clone();
    word(prime - 1)(&mut largest);
    assert_eq!(layer.encode(&layer.decode(&largest).unwrap()), largest);
    let other = DataLayer::new(Parameters::new(SA_4096).unwrap());
    assert_eq!(other.decode(&bytes), Err(WireError::Parameters));
}

#[test]
fn ciphertext_of_zeros_should_look_uniform() {
    // Not a proof of security, but a broken mask shows: residues of all limbs spread evenly over 16 classes.
    let layer = small();
    let body = layer
        .encrypt(&seed(9), &key(&layer, 1), BLOCK, &[0i8; 0])
        .unwrap()
        .body;
    for i in 0..2 {
        let mut counts = [0i32; 16];
        body.limb(i)
            .iter()
            .for_each(|x| counts[(x >> 26) as usize] += 1);
        assert!(counts.iter().all(|c| (c - 64).abs() < 45), "{counts:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn encoding_should_be_read_back(n: u64, terms in 1u8..4) {
        let layer = small();
        let (sum, _, _) = cohort(&layer, terms);
        prop_assert_eq!(layer.decode(&layer.encode(&sum)).unwrap(), sum);
        // Arbitrary bytes behind a good header never panic.
        let mut bytes = layer.encode(&cohort(&layer, 1).0);
        Stream::new(&seed(n as u8), Place { purpose: Purpose::Error, limb: 0, segment: 0, round: n as u32, polynomial: 0 })
            .words(4, |_, w| {
                let at = 34 + (w >> 8) as usize % (bytes.len() - 34);
                bytes[at] = w as u8;
            });
        if let Ok(ciphertext) = layer.decode(&bytes) {
            prop_assert_eq!(layer.encode(&ciphertext), bytes);
        }
    }
}
