// SPDX-License-Identifier: GPL-3.0-or-later
//! Times of the kernels beside a copy within the GPU, which is as fast as memory goes. Transfers are reported apart.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use dream_kernels::batch::{Batch, CpuBatch, Processor};
use dream_kernels::cuda::{Cuda, CudaBatch, CudaRows};
use dream_kernels::data::{Block, DataLayer};
use dream_kernels::params::{Parameters, SA_4096};
use dream_kernels::sample::Seed;

use crate::settings;

/// How much is measured.
pub struct Size {
    /// Words of a batch.
    pub words: usize,
    /// Calls that a mean is taken over.
    pub repeats: u32,
    /// Means that the smallest is taken of.
    pub means: u32,
    /// int8 values that are encrypted.
    pub values: usize,
}

/// 256 MiB, several times the largest cache.
pub const FULL: Size = Size {
    words: 1 << 26,
    repeats: 20,
    means: 5,
    values: 10_000_000,
};

/// For a test that the bench runs at all.
pub const QUICK: Size = Size {
    words: 1 << 16,
    repeats: 1,
    means: 1,
    values: 20_000,
};

const FIRST: Block = Block {
    round: 1,
    segment: 0,
    polynomial: 0,
};

type Outcome = Result<(), Box<dyn Error>>;

impl Size {
    /// Seconds of one call: the smallest mean.
    fn seconds(
        &self,
        cuda: &Cuda,
        mut call: impl FnMut() -> Outcome,
    ) -> Result<f64, Box<dyn Error>> {
        call()?;
        cuda.synchronize()?;
        let mut best = f64::INFINITY;
        for _ in 0..self.means {
            let started = Instant::now();
            for _ in 0..self.repeats {
                call()?;
            }
            cuda.synchronize()?;
            best = best.min(started.elapsed().as_secs_f64() / f64::from(self.repeats));
        }
        Ok(best)
    }
}

/// A line of the table: bytes are those that the operation must read and write.
fn line(name: &str, seconds: f64, bytes: usize, copy: f64, more: &str) {
    let rate = bytes as f64 / seconds / 1e9;
    println!(
        "| {name} | {:.3} ms | {rate:.0} GB/s | {:.0} % | {more} |",
        seconds * 1e3,
        100.0 * rate / copy
    );
}

/// A batch of `words` words without a run of zeros.
fn filled(batch: &CudaBatch, words: usize) -> Result<CudaRows, Box<dyn Error>> {
    let ring = &batch.settings().ring;
    let count = words / ring.degree() / ring.limbs();
    Ok(batch.uniform(&Seed::new([9; 32]), FIRST, count)?)
}

pub fn run(cuda: &Arc<Cuda>, size: &Size) -> Outcome {
    let batch = CudaBatch::new(Arc::clone(cuda), settings(4_096, 1)?)?;
    let from = filled(&batch, size.words)?;
    let mut to = filled(&batch, size.words)?;
    let bytes = 4 * size.words;
    let copied = size.seconds(cuda, || Ok(batch.copy(&mut to, &from)?))?;
    let copy = 2.0 * bytes as f64 / copied / 1e9;
    println!("batches of {} KiB", bytes >> 10);
    println!("| operation | time | rate, reads and writes | of a copy's | |");
    println!("|---|---|---|---|---|");
    line("copy", copied, 2 * bytes, copy, "");

    for log_degree in [12, 13, 14, 16] {
        let batch = CudaBatch::new(Arc::clone(cuda), settings(1 << log_degree, 1)?)?;
        let mut rows = filled(&batch, size.words)?;
        // From 2^15 on the words pass through memory twice.
        let passes = if log_degree > 14 { 2 } else { 1 };
        let millions = |time: f64| {
            format!(
                "{:.1} M a second",
                (size.words >> log_degree) as f64 / time / 1e6
            )
        };
        let time = size.seconds(cuda, || Ok(batch.forward(&mut rows)?))?;
        let name = format!("forward, N = 2^{log_degree}");
        line(&name, time, 2 * bytes * passes, copy, &millions(time));
        let time = size.seconds(cuda, || Ok(batch.inverse(&mut rows)?))?;
        let name = format!("inverse, N = 2^{log_degree}");
        line(&name, time, 2 * bytes * passes, copy, &millions(time));
    }

    let mut sum = filled(&batch, size.words)?;
    let time = size.seconds(cuda, || Ok(batch.add(&mut sum, &from)?))?;
    line("a += b", time, 3 * bytes, copy, "");
    let time = size.seconds(cuda, || Ok(batch.mul(&mut sum, &from)?))?;
    line("a *= b", time, 3 * bytes, copy, "");
    let time = size.seconds(cuda, || Ok(batch.mul_add(&mut sum, &from, &to)?))?;
    line("sum += a b", time, 4 * bytes, copy, "");
    // Wiping the sum and giving it back is part of it.
    let time = size.seconds(cuda, || Ok(batch.sum(&from, 16).map(drop)?))?;
    let moved = bytes + bytes / 16;
    line(
        "sum of 16 batches",
        time,
        moved,
        copy,
        "with taking and wiping of its memory",
    );
    let time = size.seconds(cuda, || {
        let count = size.words / batch.settings().ring.degree();
        Ok(batch.uniform(&Seed::new([3; 32]), FIRST, count).map(drop)?)
    })?;
    line(
        "uniform polynomials",
        time,
        bytes,
        copy,
        "with taking and wiping of their memory",
    );
    drop((from, to, sum));
    transfers(&batch, size, copy)?;
    encryption(cuda, size)
}

fn transfers(batch: &CudaBatch, size: &Size, copy: f64) -> Outcome {
    let words = vec![1u32; size.words];
    let time = size.seconds(batch.cuda(), || Ok(batch.upload(&words).map(drop)?))?;
    line("to the GPU", time, 4 * size.words, copy, "pageable memory");
    let rows = batch.upload(&words)?;
    let time = size.seconds(batch.cuda(), || Ok(batch.download(&rows).map(drop)?))?;
    line(
        "from the GPU",
        time,
        4 * size.words,
        copy,
        "pageable memory",
    );
    Ok(())
}

/// int8 values, from values to ciphertexts in memory, and the kernels alone.
fn encryption(cuda: &Arc<Cuda>, size: &Size) -> Outcome {
    let layer = DataLayer::new(Parameters::new(SA_4096)?);
    let key = layer.secret_key(Seed::new([2; 32]), FIRST.round, FIRST.segment);
    let public = Seed::new([1; 32]);
    let values = vec![-77i8; size.values];
    for processor in [
        Processor::detect(&layer.settings()),
        Processor::cpu(&layer.settings()),
    ] {
        let device = if processor.has_gpu() { "GPU" } else { "CPU" };
        let time = size.seconds(cuda, || {
            layer.encrypt_all(&processor, &public, &key, FIRST, &values)?;
            Ok(())
        })?;
        println!(
            "encrypting {} int8 values, transfers included, {device}: {:.1} ms",
            values.len(),
            time * 1e3
        );
    }
    let batch = CudaBatch::new(Arc::clone(cuda), layer.settings())?;
    let polynomials = values
        .len()
        .div_ceil(layer.params().values_per_polynomial());
    let packed = vec![-77i64; polynomials * layer.ring().degree()];
    let seeds = vec![Seed::new([5; 32]); polynomials];
    let limbs = CpuBatch::new(layer.settings());
    let Ok(key) = limbs.uniform(&public, FIRST, 1);
    let key = batch.upload(&key)?;
    let mut rows = batch.encode(&packed, &seeds, FIRST)?;
    let transform = size.seconds(cuda, || Ok(batch.forward(&mut rows)?))?;
    let product = size.seconds(cuda, || {
        Ok(batch.add_uniform_product(&mut rows, &public, FIRST, &key)?)
    })?;
    let encode = size.seconds(cuda, || {
        Ok(batch.encode(&packed, &seeds, FIRST).map(drop)?)
    })?;
    println!(
        "of that the kernels: errors and encoding, with their transfer, {:.2} ms; transforms {:.2} ms; product with a {:.2} ms",
        encode * 1e3,
        transform * 1e3,
        product * 1e3
    );
    Ok(())
}
