// SPDX-License-Identifier: GPL-3.0-or-later
//! Transforms against crate tfhe-ntt in one process on one core: `cargo bench -p dream-kernels --bench ntt`.
//!
//! One iteration is a forward and an inverse transform. Ours ends with the factor 1/N applied; tfhe-ntt leaves that to a
//! later call, which is not counted against it.

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion, Throughput};
use dream_kernels::ring::{backends, NttTable, Words};
use tfhe_ntt::prime32::Plan;

/// 1 modulo 2^17, so that it serves every degree.
const PRIME: u32 = 1_073_479_681;

fn transforms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("forward and inverse");
    for degree in [4_096u32, 8_192, 16_384, 65_536] {
        group.throughput(Throughput::Elements(u64::from(degree)));
        let table = NttTable::new(degree, PRIME).expect("the prime serves the degree");
        let plan = Plan::try_new(degree as usize, PRIME).expect("the prime serves the degree");
        let words: Vec<u32> = (0..degree)
            .map(|i| i.wrapping_mul(2_654_435_761) % PRIME)
            .collect();
        let start = Words::from(&words[..]);
        let mut polynomial = start.clone();
        group.bench_function(BenchmarkId::new("tfhe-ntt", degree), |bencher| {
            bencher.iter(|| {
                plan.fwd(black_box(&mut polynomial));
                plan.inv(black_box(&mut polynomial));
            });
        });
        for backend in backends().iter().rev() {
            let mut polynomial = start.clone();
            group.bench_function(BenchmarkId::new(backend.name(), degree), |bencher| {
                bencher.iter(|| {
                    backend.forward(&table, black_box(&mut polynomial));
                    backend.inverse(&table, black_box(&mut polynomial));
                });
            });
            assert_eq!(polynomial, start, "a round trip gives the polynomial back");
        }
    }
    group.finish();
}

criterion_group!(benches, transforms);
criterion_main!(benches);
