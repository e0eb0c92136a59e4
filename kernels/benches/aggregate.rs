// SPDX-License-Identifier: GPL-3.0-or-later
//! Encryption, sums and decryption of the data layer on one core: `cargo bench -p dream-kernels --bench aggregate`.

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use dream_kernels::data::{Block, Ciphertext, DataLayer};
use dream_kernels::params::{Parameters, SA_4096};
use dream_kernels::sample::Seed;

/// int8 values of the delta that is encrypted whole.
const VALUES: usize = 10_000_000;

fn block(polynomial: usize) -> Block {
    Block {
        round: 1,
        segment: 0,
        polynomial: polynomial as u32,
    }
}

fn aggregate(criterion: &mut Criterion) {
    let layer = DataLayer::new(Parameters::new(SA_4096).expect("a preset"));
    let public = Seed::new([1; 32]);
    let key = layer.secret_key(Seed::new([2; 32]), 1, 0);
    let values: Vec<i8> = (0..VALUES)
        .map(|i| (i * 31 % 255) as u8 as i8)
        .map(|v| v.max(-127))
        .collect();
    let encrypt = |values: &[i8]| -> Vec<Ciphertext> {
        let polynomials = values
            .chunks(layer.params().values_per_polynomial())
            .enumerate();
        let one = |(i, chunk)| {
            layer
                .encrypt(&public, &key, block(i), chunk)
                .expect("values in range")
        };
        polynomials.map(one).collect()
    };

    let mut group = criterion.benchmark_group("SA_4096");
    group.sample_size(10);
    group.throughput(Throughput::Elements(VALUES as u64));
    group.bench_function("encrypt 10M int8", |b| {
        b.iter(|| black_box(encrypt(&values)))
    });

    let ciphertexts = encrypt(&values);
    let mut sums = ciphertexts.clone();
    // A sum reads two ciphertexts and writes one.
    let bytes = 3 * 4 * 3 * 4_096 * ciphertexts.len();
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("add ciphertexts of 10M", |b| {
        b.iter(|| {
            for (sum, other) in sums.iter_mut().zip(&ciphertexts) {
                if layer.add(sum, other).is_err() {
                    *sum = other.clone();
                }
            }
        });
    });
    let source = vec![1u32; 3 * 4_096 * ciphertexts.len()];
    let mut target = source.clone();
    group.throughput(Throughput::Bytes(2 * 4 * source.len() as u64));
    group.bench_function("copy as many words", |b| {
        b.iter(|| black_box(&mut target).copy_from_slice(black_box(&source)));
    });

    let coefficients: Vec<i64> = key.coefficients().iter().map(|c| i64::from(*c)).collect();
    let sum_key = layer.sum_key(1, 0, 1, &coefficients).expect("one key");
    group.throughput(Throughput::Elements(
        layer.params().values_per_polynomial() as u64
    ));
    group.bench_function("decrypt a polynomial", |b| {
        b.iter(|| {
            layer
                .decrypt(&public, &ciphertexts[0], &sum_key)
                .expect("its key")
        });
    });
    let bytes = layer.encode(&ciphertexts[0]);
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode a ciphertext", |b| {
        b.iter(|| layer.encode(&ciphertexts[0]))
    });
    group.bench_function("decode a ciphertext", |b| {
        b.iter(|| layer.decode(&bytes).expect("canonical bytes"));
    });
    group.finish();
}

criterion_group!(benches, aggregate);
criterion_main!(benches);
