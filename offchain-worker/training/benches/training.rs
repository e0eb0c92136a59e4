// SPDX-License-Identifier: GPL-3.0-or-later
//! Speed of one segment, cost of its replay, peak memory, and the integer merge beside the same merge in libtorch's
//! floats: `cargo bench -p dream-training -- [dim] [layers] [steps] [threads]`. One thread unless told otherwise.

use dream_primitives::aggregate::{merge_chunk, MergeInput};
use dream_primitives::delta::{quantise, DeltaChunk};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::recipe::{
    AggregationRule, DeltaCodec, NumericClass, Optimiser, Recipe, ServerOptimiser,
};
use dream_primitives::state::CHUNK;
use dream_primitives::H256;
use dream_training::{init_state, numeric, silent, tokens, SegmentRunner, Trainer, TrainingState};
use std::time::Instant;
use tch::{Kind, Tensor};

const BATCH: usize = 8;
const CONTEXT: usize = 128;

fn argument(nth: usize, default: u32) -> Result<u32, String> {
    let words = std::env::args().filter(|word| word != "--bench");
    match words.into_iter().nth(nth) {
        Some(text) => text
            .parse()
            .map_err(|e| format!("argument {nth} is {text:?}: {e}")),
        None => Ok(default),
    }
}

/// Processor time of this process's first thread, seconds; it leaves out what other programs take.
fn processor_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    Ok(text
        .split(' ')
        .next()
        .ok_or("/proc/self/schedstat is empty")?
        .parse::<f64>()?
        * 1e-9)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (dim, layers, steps, threads) = (
        argument(1, 128)?,
        argument(2, 4)?,
        argument(3, 40)?,
        argument(4, 1)?,
    );
    let settings = numeric::pin(u16::try_from(threads)?)?;
    let architecture = Architecture::Llama(LlamaConfig {
        vocab: 256,
        dim,
        layers,
        heads: 4,
        kv_heads: 4,
        ffn: dim * 3,
        context: 128,
        rope_theta: 10_000,
        tied: true,
    });
    let recipe = Recipe {
        segments: 2,
        steps: u16::try_from(steps)?,
        batch: 8,
        context: 128,
        optimiser: Optimiser::AdamW {
            learning_rate: 3_000_000,
            beta1: 900_000_000,
            beta2: 950_000_000,
            epsilon: 10_000,
            weight_decay: 100_000_000,
            max_norm: 1_000_000_000,
        },
        proximal: 0,
        rule: AggregationRule::WeightedMean,
        server: ServerOptimiser::Sgd {
            learning_rate: 1 << 16,
        },
        delta: DeltaCodec::DenseInt8,
        error_feedback: 0,
        class: NumericClass::Exact,
    };
    let genesis = H256::zero();
    let head = init_state(&architecture, 7)?;
    let start = TrainingState::from_head(&architecture, &head)?;
    let text = include_bytes!("training.rs");
    let mut batches = |step: u64| -> Vec<u32> {
        let row = |i: usize| (step as usize * BATCH + i) * 7919 % (text.len() - CONTEXT - 1);
        (0..BATCH)
            .flat_map(|i| tokens(&text[row(i)..row(i) + CONTEXT + 1]))
            .collect()
    };
    let mut trainer = Trainer::new(architecture, recipe, genesis)?;
    let (wall, processor) = (Instant::now(), processor_seconds()?);
    let done = trainer.run_segment(&head, start, &mut batches, 0, &mut silent)?;
    let (wall, processor) = (
        wall.elapsed().as_secs_f64(),
        processor_seconds()? - processor,
    );
    // What a verifier does beside the steps: read the start, hash the end.
    let bytes = done.state.to_bytes();
    let extra = Instant::now();
    let read = TrainingState::from_bytes(&bytes, head.len())?;
    let hash = read.hash(&genesis);
    let extra = extra.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status
        .lines()
        .find(|l| l.starts_with("VmHWM"))
        .ok_or("no VmHWM in /proc/self/status")?;
    println!(
        "{settings:?}, {} parameters, {} tokens",
        head.len(),
        done.tokens
    );
    println!(
        "loss {:.3} to {:.3}, state {hash:?}",
        done.losses[0],
        done.losses[done.losses.len() - 1]
    );
    println!(
        "{:.0} tokens/s by the clock, {:.0} by processor time",
        done.tokens as f64 / wall,
        done.tokens as f64 / processor
    );
    println!("replay costs {:.4} segments", 1.0 + extra / wall);
    println!("{peak}");
    for count in [3, 8, 32] {
        merge(count)?;
    }
    Ok(())
}

/// Parameters of the merged model.
const PARAMETERS: usize = 1 << 22;
/// Runs of which the best counts.
const RUNS: usize = 5;

/// A repeatable delta whose chunks differ in their shifts.
fn random_delta(seed: u32) -> Vec<DeltaChunk> {
    let mut x = seed | 1;
    let steps: Vec<i32> = (0..PARAMETERS)
        .map(|i| {
            x = x.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            x.cast_signed() >> (14 + (i / CHUNK) % 3)
        })
        .collect();
    quantise(&steps)
}

fn best(mut run: impl FnMut()) -> Result<f64, Box<dyn std::error::Error>> {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let started = processor_seconds()?;
        run();
        best = best.min(processor_seconds()? - started);
    }
    Ok(best)
}

/// Weighted mean and Nesterov step of `count` int8 deltas: ours in integers, and the peer's in libtorch's floats (the
/// peer reads the same codes and one scale a delta).
fn merge(count: u32) -> Result<(), Box<dyn std::error::Error>> {
    let deltas: Vec<_> = (0..count).map(|i| random_delta(i * 7919 + 1)).collect();
    let server = ServerOptimiser::Nesterov {
        learning_rate: 45_875,
        momentum: 39_322,
    };
    let mut head = vec![0i32; PARAMETERS];
    let mut moments = vec![0i32; PARAMETERS];
    let ours = best(|| {
        let chunks = head.chunks_mut(CHUNK).zip(moments.chunks_mut(CHUNK));
        for (i, (h, m)) in chunks.enumerate() {
            let inputs: Vec<_> = deltas
                .iter()
                .map(|d| MergeInput {
                    chunk: &d[i],
                    weight: 64,
                    norm_squared: 0,
                })
                .collect();
            merge_chunk(&AggregationRule::WeightedMean, &server, h, m, &inputs)
                .expect("the deltas are canonical");
        }
    })?;
    let codes: Vec<Tensor> = deltas
        .iter()
        .map(|delta| {
            let all: Vec<i8> = delta
                .iter()
                .flat_map(|chunk| match chunk {
                    DeltaChunk::Dense { codes, .. } | DeltaChunk::Sparse { codes, .. } => codes,
                })
                .copied()
                .collect();
            Tensor::from_slice(&all)
        })
        .collect();
    let mut x = Tensor::zeros([PARAMETERS as i64], (Kind::Float, tch::Device::Cpu));
    let mut v = x.zeros_like();
    let theirs = best(|| {
        let mut g = x.zeros_like();
        for code in &codes {
            g += code.to_kind(Kind::Float) * (1.0 / f64::from(count));
        }
        v = &v * 0.6 + &g;
        x += (g + &v * 0.6) * 0.7;
    })?;
    let rate = |seconds: f64| f64::from(count) * PARAMETERS as f64 / seconds / 1e9;
    println!(
        "merge of {count} deltas of {PARAMETERS} parameters: {:.2} GB/s of deltas, libtorch floats {:.2} GB/s, ratio {:.2}",
        rate(ours),
        rate(theirs),
        theirs / ours
    );
    Ok(())
}
