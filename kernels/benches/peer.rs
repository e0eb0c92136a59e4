// SPDX-License-Identifier: GPL-3.0-or-later
//! Encryption and sums beside TenSEAL's on one core, in turns: `cargo bench -p dream-kernels --bench peer`.
//!
//! TENSEAL_PYTHON names a Python that has TenSEAL (`scripts/bench.sh` makes one); without it nothing is compared.

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use dream_kernels::data::{Block, Ciphertext, DataLayer};
use dream_kernels::params::{Parameters, SA_4096};
use dream_kernels::sample::Seed;

/// Turns of the peer's program and ours.
const TURNS: usize = 3;
const REPEATS: usize = 15;
/// Ciphertexts that are added: 24 MiB, more than a core's caches.
const CIPHERTEXTS: usize = 512;

fn block(polynomial: usize) -> Block {
    Block {
        round: 1,
        segment: 0,
        polynomial: polynomial as u32,
    }
}

/// Nanoseconds of the fastest run, per value.
fn nanoseconds(values: usize, mut run: impl FnMut()) -> f64 {
    let once = |run: &mut dyn FnMut()| {
        let started = Instant::now();
        run();
        started.elapsed().as_secs_f64() * 1e9 / values as f64
    };
    (0..REPEATS)
        .map(|_| once(&mut run))
        .fold(f64::INFINITY, f64::min)
}

/// Ours: encryption and sum.
fn ours() -> [f64; 2] {
    let layer = DataLayer::new(Parameters::new(SA_4096).expect("a preset"));
    let public = Seed::new([1; 32]);
    let key = layer.secret_key(Seed::new([2; 32]), 1, 0);
    let each = layer.params().values_per_polynomial();
    let values: Vec<i8> = (0..each).map(|i| ((31 * i) % 255) as u8 as i8).collect();
    let values: Vec<i8> = values.into_iter().map(|v| v.max(-127)).collect();
    let encrypt = |i| -> Ciphertext {
        layer
            .encrypt(&public, &key, block(i), &values)
            .expect("values in range")
    };
    let encryption = nanoseconds(each, || {
        black_box(encrypt(0));
    });
    let one: Vec<Ciphertext> = (0..CIPHERTEXTS).map(encrypt).collect();
    let mut sums = one.clone();
    let sum = nanoseconds(each * CIPHERTEXTS, || {
        for (sum, other) in sums.iter_mut().zip(&one) {
            layer
                .add(sum, other)
                .expect("fewer than the largest cohort");
        }
    });
    [encryption, sum]
}

/// Lines `SCHEME OPERATION NANOSECONDS` of the peer's program.
fn theirs(python: &str) -> Vec<(String, f64)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/tenseal_peer.py");
    let output = Command::new(python)
        .arg(script)
        .output()
        .expect("TENSEAL_PYTHON is a Python");
    let (said, error) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{script}: {error}");
    let line = |line: &str| {
        let (name, figure) = line.rsplit_once(' ').expect("a name and a figure");
        (name.to_string(), figure.parse().expect("nanoseconds"))
    };
    said.lines().map(line).collect()
}

fn main() {
    // Cargo passes flags of its own to a bench.
    let Ok(python) = std::env::var("TENSEAL_PYTHON") else {
        println!("skipped: TENSEAL_PYTHON names no Python with TenSEAL");
        return;
    };
    let mut best = [f64::INFINITY; 2];
    let mut peer: Vec<(String, f64)> = vec![];
    for _ in 0..TURNS {
        for (best, found) in best.iter_mut().zip(ours()) {
            *best = best.min(found);
        }
        for (name, found) in theirs(&python) {
            match peer.iter_mut().find(|(n, _)| *n == name) {
                Some((_, figure)) => *figure = figure.min(found),
                None => peer.push((name, found)),
            }
        }
    }
    println!("| operation | ours, ns a value | TenSEAL | ns a value | times as fast |");
    println!("|---|---|---|---|---|");
    for (name, theirs) in peer {
        let (ours, what) = if name.ends_with("encrypt") {
            (best[0], "encryption")
        } else {
            (best[1], "sum of two ciphertexts")
        };
        println!(
            "| {what} | {ours:.2} | {name} | {theirs:.2} | {:.1} |",
            theirs / ours
        );
    }
}
