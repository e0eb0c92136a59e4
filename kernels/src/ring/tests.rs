// SPDX-License-Identifier: GPL-3.0-or-later
//! Every backend against schoolbook arithmetic and against each other.

use proptest::prelude::*;

use super::backend::backends;
use super::*;
use crate::params::{INSECURE_TEST_1024, SA_4096};

pub(crate) const DEGREES: [u32; 7] = [1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536];

/// The largest primes below 2^30 and below 2^20 (or the next size that has one) that are 1 modulo 2N, and the presets'.
pub(crate) fn primes(degree: u32) -> Vec<u32> {
    let largest = |bits: u32| {
        (0..=(1u32 << bits) / (2 * degree))
            .rev()
            .map(|k| k * 2 * degree + 1)
            .filter(|p| *p < 1 << bits)
            .find(|p| Modulus::new(*p).is_ok())
    };
    let mut found: Vec<u32> = [largest(30), largest(20), largest(24)]
        .into_iter()
        .flatten()
        .collect();
    let presets = SA_4096.primes.iter().chain(INSECURE_TEST_1024.primes);
    found.extend(presets.filter(|p| **p % (2 * degree) == 1));
    found.sort_unstable();
    found.dedup();
    found
}

/// Deterministic residues that look random.
pub(crate) fn residues(seed: u64, count: usize, p: u32) -> Vec<u32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 33) % u64::from(p)) as u32
        })
        .collect()
}

/// a b modulo X^N + 1, from the definition; `b` is given by its terms.
fn schoolbook(a: &[u32], terms: &[(usize, u32)], p: u32) -> Vec<u32> {
    let (n, q) = (a.len(), u64::from(p));
    let mut out = vec![0u64; n];
    for (shift, factor) in terms {
        for (i, x) in a.iter().enumerate() {
            let product = u64::from(*x) * u64::from(*factor) % q;
            let at = i + shift;
            let (at, product) = if at < n {
                (at, product)
            } else {
                (at - n, q - product)
            };
            out[at] = (out[at] + product) % q;
        }
    }
    out.into_iter().map(|x| x as u32).collect()
}

/// The polynomial at `x`, by Horner.
fn evaluate(a: &[u32], x: u32, p: u32) -> u32 {
    let q = u64::from(p);
    a.iter()
        .rev()
        .fold(0u64, |sum, c| (sum * u64::from(x) + u64::from(*c)) % q) as u32
}

#[test]
fn every_degree_should_have_primes_of_several_sizes() {
    for degree in DEGREES {
        assert!(primes(degree).len() >= 2, "{degree}");
    }
}

#[test]
fn machine_should_offer_the_scalar_backend_first_and_the_best_last() {
    let names: Vec<_> = backends().iter().map(|b| b.name()).collect();
    assert_eq!(names[0], "scalar");
    assert_eq!(names.last().copied(), Some(best().name()));
}

#[test]
fn forward_should_evaluate_at_odd_powers_of_the_root_when_any_backend_runs_it() {
    for degree in DEGREES {
        for p in primes(degree) {
            let table = NttTable::new(degree, p).unwrap();
            let modulus = table.modulus();
            let a = residues(u64::from(p), degree as usize, p);
            for backend in backends() {
                let mut values = Words::from(&a[..]);
                backend.forward(&table, &mut values);
                for i in [0, 1, 2, 7, 17, degree / 2 + 33, degree - 1] {
                    let reversed = i.reverse_bits() >> (32 - table.log_degree());
                    let x = modulus.pow(table.root(), 2 * reversed + 1);
                    assert_eq!(
                        values[i as usize],
                        evaluate(&a, x, p),
                        "{} N={degree} p={p} entry {i}",
                        backend.name()
                    );
                }
                backend.inverse(&table, &mut values);
                assert_eq!(&values[..], &a[..], "{} N={degree} p={p}", backend.name());
            }
        }
    }
}

#[test]
fn transforms_should_agree_when_all_values_are_at_the_edge() {
    for degree in DEGREES {
        for p in primes(degree) {
            let table = NttTable::new(degree, p).unwrap();
            let n = degree as usize;
            let alternating = (0..n).map(|i| if i % 2 == 0 { p - 1 } else { 0 }).collect();
            for a in [vec![0; n], vec![p - 1; n], alternating] {
                let mut expected = a.clone();
                scalar::Scalar.forward(&table, &mut expected);
                let mut inverse = a.clone();
                scalar::Scalar.inverse(&table, &mut inverse);
                for backend in backends() {
                    let mut out = a.clone();
                    backend.forward(&table, &mut out);
                    assert_eq!(out, expected, "{} N={degree} p={p}", backend.name());
                    let mut out = a.clone();
                    backend.inverse(&table, &mut out);
                    assert_eq!(out, inverse, "{} N={degree} p={p}", backend.name());
                    assert!(out.iter().all(|x| *x < p));
                }
            }
        }
    }
}

#[test]
fn product_should_equal_the_full_schoolbook_product_when_the_degree_is_small() {
    for p in primes(1_024) {
        let table = NttTable::new(1_024, p).unwrap();
        let (a, b) = (residues(1, 1_024, p), residues(2, 1_024, p));
        let terms: Vec<_> = b.iter().copied().enumerate().collect();
        let expected = schoolbook(&a, &terms, p);
        for backend in backends() {
            let (mut x, mut y) = (a.clone(), b.clone());
            backend.forward(&table, &mut x);
            backend.forward(&table, &mut y);
            backend.mul(table.modulus(), &mut x, &y);
            backend.inverse(&table, &mut x);
            assert_eq!(x, expected, "{} p={p}", backend.name());
        }
    }
}

#[test]
#[should_panic(expected = "a polynomial of the table's degree")]
fn forward_should_panic_when_the_length_is_not_the_degree() {
    let table = NttTable::new(1_024, SA_4096.primes[0]).unwrap();
    best().forward(&table, &mut [0; 1_023]);
}

#[test]
fn table_should_refuse_other_degrees_and_primes() {
    assert_eq!(NttTable::new(512, 12_289), Err(RingError::Degree(512)));
    assert_eq!(NttTable::new(3_000, 12_289), Err(RingError::Degree(3_000)));
    assert_eq!(
        NttTable::new(131_072, 12_289),
        Err(RingError::Degree(131_072))
    );
    assert_eq!(NttTable::new(1_024, 12_287), Err(RingError::Prime(12_287)));
    assert_eq!(
        NttTable::new(8_192, 12_289),
        Err(RingError::Root {
            prime: 12_289,
            degree: 8_192
        })
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn product_should_equal_schoolbook_for_every_degree(
        seed: u64,
        which in 0usize..7,
        terms in proptest::collection::vec((any::<usize>(), any::<u32>()), 1..4),
    ) {
        let degree = DEGREES[which];
        for p in primes(degree) {
            let table = NttTable::new(degree, p).unwrap();
            let a = residues(seed, degree as usize, p);
            let terms: Vec<_> = terms.iter().map(|(at, c)| (at % degree as usize, c % p)).collect();
            let mut b = vec![0; degree as usize];
            for (at, c) in &terms {
                b[*at] = table.modulus().add(b[*at], *c);
            }
            let expected = schoolbook(&a, &terms, p);
            for backend in backends() {
                let (mut x, mut y) = (Words::from(&a[..]), Words::from(&b[..]));
                backend.forward(&table, &mut x);
                backend.forward(&table, &mut y);
                backend.mul(table.modulus(), &mut x, &y);
                backend.inverse(&table, &mut x);
                prop_assert_eq!(&x[..], &expected[..], "{} N={} p={}", backend.name(), degree, p);
            }
        }
    }

    #[test]
    fn pointwise_operations_should_equal_wide_arithmetic_at_any_length(
        seed: u64,
        length in 0usize..200,
        factor: u32,
        which in 0usize..5,
    ) {
        let p = [3, 12_289, 786_433, 998_244_353, 1_073_692_673][which];
        let modulus = Modulus::new(p).unwrap();
        let q = u64::from(p);
        let mut a = residues(seed, length, p);
        let mut b = residues(seed ^ 1, length, p);
        // Edge values meet each other.
        for (i, (x, y)) in [(0, 0), (0, p - 1), (p - 1, 0), (p - 1, p - 1)].into_iter().enumerate() {
            if i < length {
                (a[i], b[i]) = (x, y);
            }
        }
        let sum = residues(seed ^ 2, length, p);
        let by = |f: &dyn Fn(u64, u64, u64) -> u64| -> Vec<u32> {
            let lanes = a.iter().zip(&b).zip(&sum);
            lanes.map(|((x, y), s)| f((*x).into(), (*y).into(), (*s).into()) as u32).collect()
        };
        let factor = factor % p;
        for backend in backends() {
            let mut out = a.clone();
            backend.add(&modulus, &mut out, &b);
            prop_assert_eq!(&out, &by(&|x, y, _| (x + y) % q));
            let mut out = a.clone();
            backend.sub(&modulus, &mut out, &b);
            prop_assert_eq!(&out, &by(&|x, y, _| (x + q - y) % q));
            let mut out = a.clone();
            backend.mul(&modulus, &mut out, &b);
            prop_assert_eq!(&out, &by(&|x, y, _| x * y % q));
            let mut out = sum.clone();
            backend.mul_add(&modulus, &mut out, &a, &b);
            prop_assert_eq!(&out, &by(&|x, y, s| (x * y + s) % q));
            let mut out = a.clone();
            backend.scale(&modulus, &mut out, modulus.shoup(factor));
            prop_assert_eq!(&out, &by(&|x, _, _| x * u64::from(factor) % q));
        }
    }
}
