// SPDX-License-Identifier: GPL-3.0-or-later
//! Dense int8 deltas against the largest steps of each chunk with error feedback: rounds of three miners through the
//! protocol's integer pipeline, without a chain.
//!
//! `cargo run --release -p dream-training --example sparse -- FOLDER [ROUNDS] [SEEDS] [KINDS] [KEY=VALUE]...`, where FOLDER
//! holds some 200 KB of text, SEEDS is a list such as `1,2,3` and KINDS is `dense,sparse` or one of them. KEY=VALUE changes
//! the sparse recipe (see [`change`]), `all.KEY=VALUE` the dense one too. docs/sparse.md has the figures.

mod lab;

use codec::Encode;
use dream_primitives::aggregate::{merge_chunk, MergeInput};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::recipe::{DeltaCodec, Optimiser, Recipe, ServerOptimiser};
use dream_primitives::state::CHUNK;
use dream_training::{
    claim_delta, init_state, numeric, silent, SegmentRunner, Trainer, TrainingState,
};
use lab::{Failure, Text};
use std::path::Path;

const MINERS: u8 = 3;
/// Steps kept in a chunk of 4096: the most that stay 30 times smaller than f32.
const PER_CHUNK: u16 = 268;
/// Part of the residual that is kept, 2^-16 units: 0.3.
const FEEDBACK: u32 = 19_661;

fn recipe(kind: &str, changes: &[String]) -> Result<Recipe, Failure> {
    let mut recipe = lab::recipe();
    match kind {
        "dense" => {}
        "sparse" => {
            recipe.delta = DeltaCodec::TopK {
                per_chunk: PER_CHUNK,
            };
            recipe.error_feedback = FEEDBACK;
            if let ServerOptimiser::Nesterov { learning_rate, .. } = &mut recipe.server {
                *learning_rate = 1 << 16;
            }
        }
        _ => return Err(format!("{kind:?} is neither dense nor sparse").into()),
    }
    for text in changes {
        match text.strip_prefix("all.") {
            Some(text) => change(&mut recipe, text)?,
            None if kind == "sparse" => change(&mut recipe, text)?,
            None => {}
        }
    }
    Ok(recipe)
}

/// Changes one value of a recipe, in the recipe's own unit but for the rates, which are plain numbers.
fn change(recipe: &mut Recipe, text: &str) -> Result<(), Failure> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is not KEY=VALUE"))?;
    let scaled = |unit: f64| -> Result<u32, Failure> { Ok((value.parse::<f64>()? * unit) as u32) };
    let (nano, q16) = (1e9, 65_536.0);
    let Optimiser::AdamW {
        learning_rate,
        beta2,
        epsilon,
        ..
    } = &mut recipe.optimiser;
    match (key, &mut recipe.server) {
        ("per_chunk", _) => {
            recipe.delta = DeltaCodec::TopK {
                per_chunk: value.parse()?,
            }
        }
        ("error_feedback", _) => recipe.error_feedback = scaled(q16)?,
        ("steps", _) => recipe.steps = value.parse()?,
        ("batch", _) => recipe.batch = value.parse()?,
        ("learning_rate", _) => *learning_rate = scaled(nano)?,
        ("beta2", _) => *beta2 = scaled(nano)?,
        ("epsilon", _) => *epsilon = scaled(1e12)?,
        ("proximal", _) => recipe.proximal = scaled(nano)?,
        ("sgd", server) => {
            *server = ServerOptimiser::Sgd {
                learning_rate: scaled(q16)?,
            }
        }
        ("server_rate", ServerOptimiser::Nesterov { learning_rate, .. }) => {
            *learning_rate = scaled(q16)?
        }
        ("momentum", ServerOptimiser::Nesterov { momentum, .. }) => *momentum = scaled(q16)?,
        _ => return Err(format!("{key:?} is not a value of this recipe").into()),
    }
    Ok(())
}

/// A branch with its miners.
struct Branch<'a> {
    recipe: Recipe,
    text: &'a Text,
    seed: u64,
    trainer: Trainer,
    head: Vec<i32>,
    moments: Vec<i32>,
    /// What each miner has not sent yet.
    residuals: Vec<Option<Vec<i32>>>,
}

impl<'a> Branch<'a> {
    fn new(recipe: Recipe, text: &'a Text, seed: u64) -> Result<Self, Failure> {
        let head = init_state(&lab::architecture(), seed)?;
        Ok(Self {
            trainer: Trainer::new(lab::architecture(), recipe, lab::GENESIS)?,
            moments: vec![0; head.len() * recipe.server.moments() as usize],
            residuals: vec![None; usize::from(MINERS)],
            recipe,
            text,
            seed,
            head,
        })
    }

    fn train(&mut self, round: u32, miner: u8) -> Result<Vec<DeltaChunk>, Failure> {
        let architecture = lab::architecture();
        let mut state = TrainingState::from_head(&architecture, &self.head)?;
        let seed = lab::round_seed(self.seed, round);
        let mut batches = self.text.batches(seed, miner, self.recipe.batch);
        for segment in 0..self.recipe.segments {
            let done =
                self.trainer
                    .run_segment(&self.head, state, &mut batches, segment, &mut silent)?;
            state = done.state;
        }
        let residual = &mut self.residuals[usize::from(miner)];
        let before = residual.as_deref();
        let delta = claim_delta(
            &architecture,
            &self.recipe,
            &self.head,
            &state.params,
            before,
        )?;
        *residual = delta.residual.map(|kept| kept.steps);
        Ok(delta.chunks)
    }

    fn merge(&mut self, deltas: &[Vec<DeltaChunk>]) -> Result<(), Failure> {
        let len = self.head.len();
        let moments = self.recipe.server.moments() as usize;
        for (i, head) in self.head.chunks_mut(CHUNK).enumerate() {
            let of = |moment: usize| moment * len + i * CHUNK;
            let mut own: Vec<i32> = (0..moments)
                .flat_map(|m| self.moments[of(m)..of(m) + head.len()].iter().copied())
                .collect();
            let inputs: Vec<_> = deltas
                .iter()
                .map(|delta| MergeInput {
                    chunk: &delta[i],
                    weight: self.recipe.segments,
                    norm_squared: 0,
                })
                .collect();
            merge_chunk(
                &self.recipe.rule,
                &self.recipe.server,
                head,
                &mut own,
                &inputs,
            )
            .map_err(|e| format!("chunk {i}: {e:?}"))?;
            for m in 0..moments {
                self.moments[of(m)..of(m) + head.len()]
                    .copy_from_slice(&own[m * head.len()..(m + 1) * head.len()]);
            }
        }
        Ok(())
    }

    /// Runs a round; returns the held-out loss after it and the largest blob in bytes.
    fn round(&mut self, round: u32) -> Result<(f64, usize), Failure> {
        let deltas = (0..MINERS)
            .map(|miner| self.train(round, miner))
            .collect::<Result<Vec<_>, _>>()?;
        self.merge(&deltas)?;
        let largest = deltas.iter().map(Encode::encoded_size).max().unwrap_or(0);
        let loss = self.trainer.evaluate(&self.head, &self.text.held_out())?;
        Ok((loss, largest))
    }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().ok_or("name a folder of text files")?;
    let settings = numeric::pin(1)?;
    let text = Text::read(Path::new(folder))?;
    let rounds: u32 = arguments.get(1).map_or(Ok(20), |n| n.parse())?;
    if rounds == 0 {
        return Err("0 rounds train nothing".into());
    }
    let seeds = arguments.get(2).map_or("1,2,3", String::as_str);
    let kinds = arguments.get(3).map_or("dense,sparse", String::as_str);
    println!("{settings:?}, {} windows", text.len());
    let mut table = Vec::new();
    for kind in kinds.split(',') {
        let recipe = recipe(kind, arguments.get(4..).unwrap_or_default())?;
        println!("{kind}: {recipe:?}");
        let (mut losses, mut largest) = (Vec::new(), 0);
        for seed in seeds.split(',') {
            let mut branch = Branch::new(recipe, &text, seed.parse()?)?;
            let mut last = f64::NAN;
            for round in 1..=rounds {
                let (loss, bytes) = branch.round(round)?;
                println!("{kind}, seed {seed}, round {round}: held-out loss {loss:.4}, largest blob {bytes} bytes");
                (last, largest) = (loss, largest.max(bytes));
            }
            losses.push(last);
        }
        let f32_bytes = 4 * init_state(&lab::architecture(), 0)?.len();
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        let all: Vec<String> = losses.iter().map(|l| format!("{l:.4}")).collect();
        table.push(format!(
            "| {kind} | {largest} | {:.2} | {} | {mean:.4} |",
            f32_bytes as f64 / largest as f64,
            all.join(", ")
        ));
    }
    println!("\n| delta | largest blob, bytes | times fewer than f32 | held-out loss after {rounds} rounds, seeds {seeds} | mean |");
    println!("|---|---|---|---|---|\n{}", table.join("\n"));
    Ok(())
}
