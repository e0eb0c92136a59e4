// SPDX-License-Identifier: GPL-3.0-or-later
//! Dense int8 deltas against the largest steps of each chunk with error feedback: rounds of three miners through the
//! protocol's integer pipeline, without a chain.

mod lab;

use codec::Encode;
use dream_primitives::aggregate::merge_chunk;
use dream_primitives::delta::{quantise, quantise_dense, DeltaChunk};
use dream_primitives::recipe::{DeltaCodec, Recipe, ServerOptimiser};
use dream_primitives::state::CHUNK;
use dream_training::{
    dequantise, grid_steps, init_state, numeric, silent, SegmentRunner, Trainer, TrainingState,
};
use lab::{Failure, Text};
use std::path::PathBuf;

const MINERS: u8 = 3;

fn encode(codec: DeltaCodec, steps: &[i32]) -> Vec<DeltaChunk> {
    let DeltaCodec::TopK { per_chunk } = codec else {
        return quantise(steps);
    };
    steps
        .chunks(CHUNK)
        .map(|c| {
            let mut order: Vec<usize> = (0..c.len()).collect();
            order.sort_by_key(|i| (std::cmp::Reverse(c[*i].unsigned_abs()), *i));
            order.truncate(per_chunk as usize);
            order.sort();
            let kept: Vec<i32> = order.iter().map(|i| c[*i]).collect();
            let DeltaChunk::Dense { shift, codes } = quantise_dense(&kept) else {
                unreachable!()
            };
            let (indices, codes): (Vec<u16>, Vec<i8>) = order
                .iter()
                .zip(codes)
                .filter(|(_, c)| *c != 0)
                .map(|(i, c)| (*i as u16, c))
                .unzip();
            DeltaChunk::Sparse {
                shift,
                indices,
                codes,
            }
        })
        .collect()
}

fn run(text: &Text, seed: u64, rounds: u32, recipe: Recipe) -> Result<(), Failure> {
    let architecture = lab::architecture();
    let mut trainer = Trainer::new(architecture, recipe, lab::GENESIS)?;
    let held_out = text.held_out();
    let mut head = init_state(&architecture, seed)?;
    let mut moments = vec![0i32; head.len() * recipe.server.moments() as usize];
    let mut residuals = vec![vec![0i32; head.len()]; MINERS as usize];
    let mut bytes = 0usize;
    for round in 1..=rounds {
        let mut deltas = Vec::new();
        for miner in 0..MINERS {
            let mut state = TrainingState::from_head(&architecture, &head)?;
            let mut batches = text.batches(lab::round_seed(seed, round), miner);
            for segment in 0..recipe.segments {
                state = trainer
                    .run_segment(&head, state, &mut batches, segment, &mut silent)?
                    .state;
            }
            let mut steps = grid_steps(
                &architecture,
                &dequantise(&architecture, &head)?,
                &state.params,
            )?;
            let residual = &mut residuals[miner as usize];
            if recipe.error_feedback {
                for (s, r) in steps.iter_mut().zip(residual.iter()) {
                    *s = s.saturating_add(*r);
                }
            }
            let chunks = encode(recipe.delta, &steps);
            if recipe.error_feedback {
                let sent = chunks
                    .iter()
                    .zip(steps.chunks(CHUNK))
                    .flat_map(|(c, s)| c.steps(s.len() as u32));
                for ((r, s), d) in residual.iter_mut().zip(&steps).zip(sent) {
                    *r = s - d;
                }
            }
            bytes = chunks.encoded_size();
            deltas.push(chunks);
        }
        for i in 0..deltas[0].len() {
            let range = i * CHUNK..((i + 1) * CHUNK).min(head.len());
            let pairs: Vec<_> = deltas.iter().map(|d| (&d[i], 8)).collect();
            let m = if moments.is_empty() {
                &mut [][..]
            } else {
                &mut moments[range.clone()]
            };
            merge_chunk(&recipe.rule, &recipe.server, &mut head[range], m, &pairs)
                .map_err(|e| format!("{e:?}"))?;
        }
        println!(
            "seed {seed} round {round} loss {:.4} bytes {bytes} ratio {:.2}",
            trainer.evaluate(&head, &held_out)?,
            4.0 * head.len() as f64 / bytes as f64
        );
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    numeric::pin(1)?;
    let a: Vec<String> = std::env::args().skip(1).collect();
    let text = Text::read(&PathBuf::from(&a[0]))?;
    println!("{} windows", text.len());
    for config in &a[3..] {
        let mut recipe = lab::recipe();
        let w: Vec<&str> = config.split(',').collect();
        let k: u16 = w[0].parse()?;
        if k > 0 {
            recipe.delta = DeltaCodec::TopK { per_chunk: k };
            recipe.error_feedback = w[3] == "ef";
        }
        let lr: f64 = w[1].parse()?;
        let m: f64 = w[2].parse()?;
        let lr = (lr * 65536.0).round() as u32;
        recipe.server = if m > 0.0 {
            ServerOptimiser::Nesterov {
                learning_rate: lr,
                momentum: (m * 65536.0).round() as u32,
            }
        } else {
            ServerOptimiser::Sgd { learning_rate: lr }
        };
        let dream_primitives::recipe::Optimiser::AdamW {
            learning_rate,
            epsilon,
            ..
        } = &mut recipe.optimiser;
        if let Some(x) = w.get(4) {
            *learning_rate = (x.parse::<f64>()? * 1e9) as u32;
        }
        if let Some(x) = w.get(5) {
            *epsilon = (x.parse::<f64>()? * 1e12) as u32;
        }
        if let Some(x) = w.get(6) {
            recipe.proximal = (x.parse::<f64>()? * 1e9) as u32;
        }
        println!("config {config}");
        for seed in a[2].split(',') {
            run(&text, seed.parse()?, a[1].parse()?, recipe)?;
        }
    }
    Ok(())
}
