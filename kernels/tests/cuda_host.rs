// SPDX-License-Identifier: GPL-3.0-or-later
//! The CUDA kernels on the CPU: `kernels/cuda/*.cu` compiled by the system's C++ compiler through `cuda/host/shim.h`, against
//! the scalar backend and the samplers. Odd batches, thread counts that divide nothing, shuffled threads and blocks.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use dream_kernels::params::{ErrorDistribution, INSECURE_TEST_1024, SA_4096};
use dream_kernels::ring::scalar::Scalar;
use dream_kernels::ring::{Backend, NttTable, Ring};
use dream_kernels::sample::{
    uniform_polynomial, ErrorSampler, GaussianTable, Place, Purpose, Seed, ALL_LIMBS,
};
use dream_kernels::threshold::KEY_8192;

const CUDA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cuda");
/// log2 of the plaintext modulus in the limbs' constants.
const WIDTH: u32 = 64;

/// Compiles the host program; None where there is no compiler.
fn compile(name: &str, flags: &[&str]) -> Option<PathBuf> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let output = Command::new(&compiler)
        .args([
            "-std=c++17",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-unknown-pragmas",
        ])
        .args(["-DDREAM_HOST_SHIM", "-x", "c++", "-I", CUDA])
        .args(flags)
        .arg(Path::new(CUDA).join("host/main.cpp"))
        .arg("-o")
        .arg(&program)
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: no C++ compiler ({compiler})");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(program)
}

fn host() -> Option<&'static Path> {
    static HOST: OnceLock<Option<PathBuf>> = OnceLock::new();
    HOST.get_or_init(|| compile("cuda-host", &[])).as_deref()
}

fn run(program: &Path, arguments: &[String], words: &[u32]) -> Vec<u32> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", output.status);
    let word = |b: &[u8]| u32::from_le_bytes(b.try_into().unwrap());
    output.stdout.chunks_exact(4).map(word).collect()
}

fn arguments(
    operation: &str,
    tables: &[NttTable],
    rows: usize,
    threads: usize,
    numbers: &[u32],
) -> Vec<String> {
    let mut out = vec![operation.to_string()];
    let shuffle = rows * 31 + threads;
    let sizes = [
        tables[0].log_degree() as usize,
        tables.len(),
        rows,
        threads,
        shuffle,
    ];
    out.extend(sizes.iter().map(ToString::to_string));
    out.extend(numbers.iter().map(ToString::to_string));
    out
}

fn tables(degree: u32, primes: &[u32]) -> Vec<NttTable> {
    primes
        .iter()
        .map(|p| NttTable::new(degree, *p).unwrap())
        .collect()
}

/// Primes of the sets that serve every degree up to 65536, and one for all degrees.
fn primes(degree: u32) -> Vec<u32> {
    let all = SA_4096
        .primes
        .iter()
        .chain(KEY_8192.ring.primes)
        .chain(&[1_073_479_681, 786_433]);
    let mut found: Vec<u32> = all.copied().filter(|p| p % (2 * degree) == 1).collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(3);
    found
}

/// Ten words a limb, as struct Limb of ring.cuh.
fn limbs(tables: &[NttTable]) -> Vec<u32> {
    let limb = |table: &NttTable| {
        let m = table.modulus();
        let t = m.shoup(m.pow(2, WIDTH));
        let (scale, first) = (table.scale(), table.scaled_first());
        let fixed = [
            m.value(),
            2 * m.value(),
            scale.value,
            scale.quotient,
            first.value,
            first.quotient,
        ];
        [&fixed[..], &[m.bits(), m.mu(), t.value, t.quotient]].concat()
    };
    tables.iter().flat_map(limb).collect()
}

fn rows(tables: &[NttTable], rows: usize, seed: u32) -> Vec<u32> {
    let mut state = u64::from(seed) + 1;
    let mut words = vec![];
    for row in 0..rows {
        let p = tables[row % tables.len()].modulus().value();
        for i in 0..tables[0].degree() {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            // The first words of a row are edges.
            words.push(match i {
                0..8 => p - 1,
                8..16 => 0,
                _ => ((state >> 33) % u64::from(p)) as u32,
            });
        }
    }
    words
}

fn transform_input(tables: &[NttTable], data: &[u32]) -> Vec<u32> {
    let mut words = limbs(tables);
    for table in tables {
        let pairs = table.values().iter().zip(table.quotients());
        words.extend(pairs.flat_map(|(value, quotient)| [*value, *quotient]));
    }
    words.extend(data);
    words
}

#[test]
fn transforms_should_equal_the_scalar_backend_for_every_degree() {
    let Some(host) = host() else { return };
    for (log, threads) in (10..=16).zip([128, 100, 512, 96, 1_024, 250, 256]) {
        let tables = tables(1 << log, &primes(1 << log));
        assert!(!tables.is_empty());
        for count in [1, tables.len() * 2 + 1] {
            let data = rows(&tables, count, log);
            let (mut forward, mut inverse) = (data.clone(), data.clone());
            for (i, (f, g)) in forward
                .chunks_mut(1 << log)
                .zip(inverse.chunks_mut(1 << log))
                .enumerate()
            {
                Scalar.forward(&tables[i % tables.len()], f);
                Scalar.inverse(&tables[i % tables.len()], g);
            }
            let input = transform_input(&tables, &data);
            let call = |operation| {
                run(
                    host,
                    &arguments(operation, &tables, count, threads, &[]),
                    &input,
                )
            };
            assert!(
                call("forward") == forward,
                "forward, N = 2^{log}, {count} rows"
            );
            assert!(
                call("inverse") == inverse,
                "inverse, N = 2^{log}, {count} rows"
            );
        }
    }
}

#[test]
fn a_missing_barrier_should_show() {
    let Some(host) = compile(
        "cuda-host-unsynchronised",
        &["-DDREAM_SHIM_WITHOUT_BARRIERS"],
    ) else {
        return;
    };
    let tables = tables(1_024, &primes(1_024));
    let data = rows(&tables, 1, 5);
    let mut forward = data.clone();
    Scalar.forward(&tables[0], &mut forward);
    let input = transform_input(&tables, &data);
    assert!(run(&host, &arguments("forward", &tables, 1, 128, &[]), &input) != forward);
}

#[test]
fn entry_by_entry_operations_should_equal_the_scalar_backend() {
    let Some(host) = host() else { return };
    let tables = tables(1_024, &primes(1_024));
    let count = tables.len() + 2;
    let [a, b, sum] = [1, 2, 3].map(|seed| rows(&tables, count, seed));
    let expected = |start: &[u32], operation: &dyn Fn(&NttTable, &mut [u32], usize)| {
        let mut out = start.to_vec();
        for (i, row) in out.chunks_mut(1_024).enumerate() {
            operation(&tables[i % tables.len()], row, i * 1_024);
        }
        out
    };
    let row = |words: &[u32], at: usize| words[at..at + 1_024].to_vec();
    let call = |operation, operands: &[&[u32]]| {
        let input = [&[&limbs(&tables)[..]], operands].concat().concat();
        run(
            host,
            &arguments(operation, &tables, count, 200, &[]),
            &input,
        )
    };
    let added = expected(&a, &|t, x, at| Scalar.add(t.modulus(), x, &row(&b, at)));
    assert_eq!(call("add", &[&a, &b]), added);
    let subtracted = expected(&a, &|t, x, at| Scalar.sub(t.modulus(), x, &row(&b, at)));
    assert_eq!(call("sub", &[&a, &b]), subtracted);
    let multiplied = expected(&a, &|t, x, at| Scalar.mul(t.modulus(), x, &row(&b, at)));
    assert_eq!(call("mul", &[&a, &b]), multiplied);
    let accumulated = expected(&sum, &|t, x, at| {
        Scalar.mul_add(t.modulus(), x, &row(&a, at), &row(&b, at))
    });
    assert_eq!(call("mul_add", &[&sum, &a, &b]), accumulated);
    let factors: Vec<_> = tables
        .iter()
        .map(|t| t.modulus().shoup(t.modulus().from_u64(u64::MAX)))
        .collect();
    let scaled = expected(&a, &|t, x, at| {
        let limb = at / 1_024 % tables.len();
        Scalar.scale(t.modulus(), x, factors[limb]);
    });
    let words: Vec<u32> = factors.iter().flat_map(|f| [f.value, f.quotient]).collect();
    assert_eq!(call("scale", &[&words, &a]), scaled);
}

#[test]
fn sums_should_equal_the_scalar_backend_for_any_number_of_terms() {
    let Some(host) = host() else { return };
    let tables = tables(1_024, &primes(1_024));
    let count = tables.len() + 1;
    for terms in [1, 2, 7] {
        let batches: Vec<Vec<u32>> = (0..terms).map(|i| rows(&tables, count, i)).collect();
        let mut sum = batches[0].clone();
        for other in &batches[1..] {
            let (sums, others) = (sum.chunks_mut(1_024), other.chunks(1_024));
            for (i, (sum, other)) in sums.zip(others).enumerate() {
                Scalar.add(tables[i % tables.len()].modulus(), sum, other);
            }
        }
        let input = [limbs(&tables), batches.concat()].concat();
        let found = run(
            host,
            &arguments("sum", &tables, count, 90, &[terms]),
            &input,
        );
        assert_eq!(found, sum, "{terms} terms");
    }
}

fn seed_words(seed: &Seed) -> Vec<u32> {
    let word = |b: &[u8]| u32::from_le_bytes(b.try_into().unwrap());
    seed.bytes().chunks(4).map(word).collect()
}

#[test]
fn uniform_polynomials_should_be_the_samplers() {
    let Some(host) = host() else { return };
    let ring = Ring::new(1_024, INSECURE_TEST_1024.primes).unwrap();
    let (seed, polynomials) = (Seed::new([7; 32]), 3);
    let tables = ring.tables();
    let numbers = [Purpose::Public as u32, 0x0102, 0x0304_0506, 9];
    let input = [limbs(tables), seed_words(&seed)].concat();
    let found = run(
        host,
        &arguments("uniform", tables, polynomials * 2, 50, &numbers),
        &input,
    );
    let expected: Vec<u32> = (0..polynomials as u32)
        .map(|i| uniform_polynomial(&ring, &seed, 0x0304_0506, 0x0102, 9 + i))
        .flat_map(|poly| [poly.limb(0), poly.limb(1)].concat())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn products_with_uniform_polynomials_should_be_added_to_the_sum() {
    let Some(host) = host() else { return };
    let ring = Ring::new(1_024, INSECURE_TEST_1024.primes).unwrap();
    let (seed, polynomials, tables) = (Seed::new([8; 32]), 3, ring.tables());
    let (sum, key) = (rows(tables, polynomials * 2, 1), rows(tables, 2, 2));
    let numbers = [Purpose::Public as u32, 0x0102, 0x0304_0506, 9];
    let input = [limbs(tables), seed_words(&seed), key.clone(), sum.clone()].concat();
    let found = run(
        host,
        &arguments("uniform_mul_add", tables, polynomials * 2, 50, &numbers),
        &input,
    );
    let mut expected = sum;
    for (row, sum) in expected.chunks_mut(1_024).enumerate() {
        let limb = row % 2;
        let a = uniform_polynomial(&ring, &seed, 0x0304_0506, 0x0102, 9 + row as u32 / 2);
        let key = &key[limb * 1_024..(limb + 1) * 1_024];
        Scalar.mul_add(tables[limb].modulus(), sum, a.limb(limb), key);
    }
    assert_eq!(found, expected);
}

/// Compares m + t e, with errors that an operation of the host program draws by `parameter` (eta, or the number of thresholds).
fn compare_encoding(
    operation: &str,
    distribution: ErrorDistribution,
    parameter: u32,
    thresholds: &[u64],
) {
    let Some(host) = host() else { return };
    let tables = tables(1_024, &primes(1_024));
    let polynomials = 3u32;
    let place = Place {
        purpose: Purpose::Error,
        limb: ALL_LIMBS,
        segment: 0x0102,
        round: 0x0304_0506,
        polynomial: 9,
    };
    let numbers = [Purpose::Error as u32, 0x0102, 0x0304_0506, 9, parameter];
    let sampler = ErrorSampler::new(distribution);
    let (mut seeds, mut packed, mut expected) = (vec![], vec![], vec![]);
    for i in 0..polynomials {
        let seed = Seed::new([i as u8 + 1; 32]);
        let polynomial = place.polynomial + i;
        let errors = sampler.draw(
            &seed,
            Place {
                polynomial,
                ..place
            },
            1_024,
        );
        let edges = [i64::MIN, i64::MAX, -1, 0, 1];
        let plain: Vec<i64> = (0..1_024i64)
            .map(|at| {
                edges
                    .get(at as usize)
                    .copied()
                    .unwrap_or(at.wrapping_mul(0x9E37_79B9_7F4A_7C15u64 as i64))
            })
            .collect();
        for table in &tables {
            let m = table.modulus();
            let t = m.pow(2, WIDTH);
            let coefficient = |(plain, e): (&i64, &i32)| {
                m.add(m.from_i64(*plain), m.mul(t, m.from_i64((*e).into())))
            };
            expected.extend(plain.iter().zip(errors.iter()).map(coefficient));
        }
        seeds.extend(seed_words(&seed));
        packed.extend(plain.iter().flat_map(|m| [*m as u32, (*m >> 32) as u32]));
    }
    let thresholds = thresholds
        .iter()
        .flat_map(|t| [*t as u32, (*t >> 32) as u32])
        .collect();
    let input = [limbs(&tables), seeds, packed, thresholds].concat();
    let found = run(
        host,
        &arguments(operation, &tables, polynomials as usize, 50, &numbers),
        &input,
    );
    assert_eq!(found, expected);
}

#[test]
fn encoded_plaintexts_should_be_m_plus_t_e_when_errors_are_centred_binomial() {
    for eta in [1, 21, 32] {
        let distribution = ErrorDistribution::CentredBinomial { eta };
        compare_encoding("binomial", distribution, eta, &[]);
    }
}

#[test]
fn encoded_plaintexts_should_be_m_plus_t_e_when_errors_are_discrete_gaussian() {
    for (sigma_milli, tail) in [(500, 3), (3_200, 20)] {
        let distribution = ErrorDistribution::DiscreteGaussian { sigma_milli, tail };
        let table = GaussianTable::new(sigma_milli, tail);
        compare_encoding("gaussian", distribution, tail, table.thresholds());
    }
}

#[test]
fn every_kernel_should_be_called_by_the_host_program() {
    let read = |name: &str| std::fs::read_to_string(Path::new(CUDA).join(name)).unwrap();
    let program = read("host/main.cpp");
    let sources = read("ntt.cu") + &read("elementwise.cu");
    let kernels: Vec<&str> = sources
        .split("KERNEL void ")
        .skip(1)
        .map(|rest| rest.split('(').next().unwrap())
        .collect();
    assert_eq!(kernels.len(), 24);
    for kernel in kernels {
        assert!(program.contains(kernel), "{kernel} is not tested");
    }
}
