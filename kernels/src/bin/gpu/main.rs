// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests and measures the CUDA kernels on the GPU of this machine. One file with everything in it: it can be carried to a machine
//! that has a GPU and nothing else.
//!
//!     dream-gpu [--tests | --bench | --quick-bench]
//!
//! Without a GPU it says "skipped: no GPU" and counts nothing as passed.

mod bench;

use std::process::ExitCode;
use std::sync::Arc;

use dream_kernels::batch::{verify, Batch, Processor, Settings};
use dream_kernels::cuda::{Cuda, CudaBatch, GpuError};
use dream_kernels::data::{Block, DataLayer};
use dream_kernels::params::{ErrorDistribution, Parameters, SA_4096};
use dream_kernels::ring::Ring;
use dream_kernels::sample::Seed;
use dream_kernels::threshold::KEY_8192;

/// What a test says when it fails.
type Outcome = Result<(), String>;

/// Primes of the presets and two that serve every degree.
fn primes(degree: u32) -> Vec<u32> {
    let all = SA_4096.primes.iter().chain(KEY_8192.ring.primes);
    let mut found: Vec<u32> = all
        .chain(&[1_073_479_681, 786_433])
        .copied()
        .filter(|p| p % (2 * degree) == 1)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Settings of the first `limbs` primes of a degree.
pub(crate) fn settings(degree: u32, limbs: usize) -> Result<Settings, String> {
    let primes = primes(degree);
    let limbs = limbs.min(primes.len());
    Ok(Settings {
        ring: Ring::new(degree, &primes[..limbs]).map_err(|e| e.to_string())?,
        width: SA_4096.slots * SA_4096.slot_bits,
        errors: SA_4096.error,
    })
}

fn equal(cuda: &Arc<Cuda>, degree: u32, limbs: usize, polynomials: usize) -> Outcome {
    let settings = settings(degree, limbs)?;
    let batch = CudaBatch::new(Arc::clone(cuda), settings).map_err(|e| e.to_string())?;
    verify(&batch, polynomials).map_err(|e| e.to_string())
}

/// Two threads work through one GPU at a time.
fn from_two_threads(cuda: &Arc<Cuda>) -> Outcome {
    std::thread::scope(|scope| {
        let started = [1_024, 2_048].map(|degree| scope.spawn(move || equal(cuda, degree, 2, 5)));
        started.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err("a thread panicked".into()))
        })
    })
}

fn layer() -> Result<DataLayer, String> {
    let params = Parameters::new(SA_4096).map_err(|e| e.to_string())?;
    Ok(DataLayer::new(params))
}

/// A delta encrypted on the GPU is the one that the CPU encrypts, whatever the number of values.
fn encryption(count: usize) -> Outcome {
    let layer = layer()?;
    let gpu = Processor::detect(&layer.settings());
    if !gpu.has_gpu() {
        return Err("the processor took the CPU, though there is a GPU".into());
    }
    let first = Block {
        round: 3,
        segment: 2,
        polynomial: 1,
    };
    let key = layer.secret_key(Seed::new([2; 32]), first.round, first.segment);
    let values: Vec<i8> = (0..count).map(|i| (i * 31 % 255) as u8 as i8).collect();
    let values: Vec<i8> = values.into_iter().map(|v| v.max(-127)).collect();
    let encrypt = |processor: &Processor| {
        layer
            .encrypt_all(processor, &Seed::new([1; 32]), &key, first, &values)
            .map_err(|e| e.to_string())
    };
    let same = encrypt(&gpu)? == encrypt(&Processor::cpu(&layer.settings()))?;
    match (same, gpu.has_gpu()) {
        (true, true) => Ok(()),
        (false, _) => Err("the ciphertexts differ".into()),
        (true, false) => Err("the GPU failed, and the CPU made the ciphertexts".into()),
    }
}

/// A copy within the GPU, which the bench compares kernels with, is one.
fn copying(cuda: &Arc<Cuda>) -> Outcome {
    let batch = CudaBatch::new(Arc::clone(cuda), settings(1_024, 1)?).map_err(|e| e.to_string())?;
    let copied = || {
        let words: Vec<u32> = (0..5 * 1_024).collect();
        let (from, mut to) = (batch.upload(&words)?, batch.upload(&vec![7; words.len()])?);
        batch.copy(&mut to, &from)?;
        Ok::<_, GpuError>(batch.download(&to)? == words)
    };
    match copied() {
        Ok(true) => Ok(()),
        Ok(false) => Err("the words differ".into()),
        Err(reason) => Err(reason.to_string()),
    }
}

/// Errors from a discrete Gaussian, which no preset has, are the CPU's too.
fn gaussian_errors(cuda: &Arc<Cuda>) -> Outcome {
    let settings = Settings {
        errors: ErrorDistribution::DiscreteGaussian {
            sigma_milli: 3_200,
            tail: 20,
        },
        ..settings(1_024, 2)?
    };
    let batch = CudaBatch::new(Arc::clone(cuda), settings).map_err(|e| e.to_string())?;
    verify(&batch, 3).map_err(|e| e.to_string())
}

/// Runs all tests; says how many failed.
fn tests(cuda: &Arc<Cuda>) -> usize {
    let (mut passed, mut failed) = (0, 0);
    let mut test = |name: String, outcome: Outcome| match outcome {
        Ok(()) => {
            println!("ok: {name}");
            passed += 1;
        }
        Err(reason) => {
            println!("FAILED: {name}: {reason}");
            failed += 1;
        }
    };
    for log_degree in 10..=16 {
        for (limbs, polynomials) in [(1, 1), (1, 7), (3, 1), (3, 3)] {
            let name = format!(
                "all kernels, N = 2^{log_degree}, up to {limbs} limbs, {polynomials} polynomials"
            );
            test(name, equal(cuda, 1 << log_degree, limbs, polynomials));
        }
    }
    test("two threads".into(), from_two_threads(cuda));
    test("a copy".into(), copying(cuda));
    for count in [1, 16_384 * 7 + 5] {
        test(format!("encryption of {count} values"), encryption(count));
    }
    test(
        "all kernels, discrete Gaussian errors".into(),
        gaussian_errors(cuda),
    );
    println!("{passed} passed, {failed} failed");
    failed
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (run_tests, bench) = match words[..] {
        [] => (true, Some(bench::FULL)),
        ["--tests"] => (true, None),
        ["--bench"] => (false, Some(bench::FULL)),
        ["--quick-bench"] => (false, Some(bench::QUICK)),
        _ => {
            eprintln!(
                "dream-gpu: unknown arguments {arguments:?}: --tests, --bench or --quick-bench, or none for tests and bench"
            );
            return ExitCode::from(2);
        }
    };
    let cuda = match Cuda::open() {
        Ok(cuda) => cuda,
        Err(reason) => {
            println!("skipped: no GPU ({reason})");
            return ExitCode::SUCCESS;
        }
    };
    println!("{}", cuda.name());
    if run_tests && tests(&cuda) > 0 {
        return ExitCode::FAILURE;
    }
    if let Some(size) = bench {
        if let Err(reason) = bench::run(&cuda, &size) {
            println!("FAILED: {reason}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
