// SPDX-License-Identifier: GPL-3.0-or-later
//! How far honest replays under other instruction sets end up from each other, and what a threshold made of that leaves
//! to an attacker: `cargo run --release -p dream-training --example tolerant -- FOLDER [SEEDS]`, where FOLDER holds some
//! 200 KB of text.
//!
//! Each setting runs in a process of its own, which is this program again with [`JOB`] set.

mod lab;

use dream_primitives::recipe::{Optimiser, Recipe};
use dream_training::{
    dequantise, distance, init_state, numeric, parameters, silent, Distance, SegmentRunner,
    Trainer, TrainingState,
};
use lab::{Failure, Text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names a child's job: "FOLDER-OF-STATES SEED FIRST-STEP SETTING".
const JOB: &str = "DREAM_TOLERANT_JOB";
/// Lengths of segments, in steps.
const LENGTHS: [u64; 5] = [1, 2, 5, 10, 40];
/// Steps before the second start, and the longest length.
const CLAIM: u64 = 40;
/// The threshold is this many times the largest honest distance.
const MARGIN: u32 = 4;

/// A setting: its name, `ATEN_CPU_CAPABILITY`, `MKL_CBWR`, `ONEDNN_MAX_CPU_ISA`. The first is what miners pin.
type Setting = (&'static str, &'static str, &'static str, &'static str);
const SETTINGS: [Setting; 5] = [
    ("avx2 strict", "avx2", "AVX2,STRICT", "AVX2"),
    ("avx512 strict", "avx512", "AVX512,STRICT", "AVX512_CORE"),
    ("avx2 compatible", "avx2", "COMPATIBLE", "AVX2"),
    ("avx512 compatible", "avx512", "COMPATIBLE", "AVX512_CORE"),
    ("sse compatible", "default", "COMPATIBLE", "SSE41"),
];

/// Segments of one step, so that a state can be had after any.
fn single_steps() -> Recipe {
    Recipe {
        segments: 1024,
        steps: 1,
        ..lab::recipe()
    }
}

fn file(folder: &Path, setting: usize, step: u64) -> PathBuf {
    folder.join(format!("state-{setting}-{step}"))
}

fn read(path: &Path) -> Result<TrainingState, Failure> {
    let bytes = std::fs::read(path)?;
    Ok(TrainingState::from_bytes(
        &bytes,
        parameters(&lab::architecture())?,
    )?)
}

/// Trains [`CLAIM`] steps from the state at the first step, and writes the states at [`LENGTHS`].
fn child(job: &str, text: &Text) -> Result<(), Failure> {
    let words: Vec<&str> = job.split(' ').collect();
    let [folder, seed, first, setting] = words[..] else {
        return Err(format!("{JOB} is {job:?}").into());
    };
    let (folder, seed) = (Path::new(folder), seed.parse()?);
    let (first, setting): (u64, usize) = (first.parse()?, setting.parse()?);
    tch::set_num_threads(1);
    let architecture = lab::architecture();
    let head = init_state(&architecture, seed)?;
    let mut state = match first {
        0 => TrainingState::from_head(&architecture, &head)?,
        _ => read(&file(folder, 0, first))?,
    };
    let mut trainer = Trainer::new(architecture, single_steps(), lab::GENESIS)?;
    let mut batches = text.batches(lab::round_seed(seed, 1), 0, single_steps().batch);
    for step in first..first + CLAIM {
        let segment = u16::try_from(step)?;
        state = trainer
            .run_segment(&head, state, &mut batches, segment, &mut silent)?
            .state;
        if LENGTHS.contains(&(step + 1 - first)) {
            std::fs::write(file(folder, setting, step + 1), state.to_bytes())?;
        }
    }
    Ok(())
}

/// Runs every setting that this processor has from `first`; returns their indices.
fn run_all(folder: &Path, seed: u64, first: u64) -> Result<Vec<usize>, Failure> {
    let mut ran = Vec::new();
    for (i, (name, aten, mkl, onednn)) in SETTINGS.into_iter().enumerate() {
        if aten == "avx512" && !is_x86_feature_detected!("avx512dq") {
            println!("skipped: {name}: this processor has no AVX-512");
            continue;
        }
        let status = Command::new(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .env(JOB, format!("{} {seed} {first} {i}", folder.display()))
            .env("ATEN_CPU_CAPABILITY", aten)
            .env("MKL_CBWR", mkl)
            .env("ONEDNN_MAX_CPU_ISA", onednn)
            .status()?;
        if !status.success() {
            return Err(format!("{name}: {status}").into());
        }
        ran.push(i);
    }
    Ok(ran)
}

fn norm(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

/// The gradient of the held-out loss at `params`: the first moment after one step that keeps nothing and clips nothing.
fn held_out_gradient(params: &[f32], text: &Text) -> Result<Vec<f32>, Failure> {
    let held_out = text.held_out();
    let Optimiser::AdamW {
        learning_rate,
        beta2,
        epsilon,
        weight_decay,
        ..
    } = lab::recipe().optimiser;
    let recipe = Recipe {
        batch: u16::try_from(held_out.len())?,
        optimiser: Optimiser::AdamW {
            learning_rate,
            beta1: 0,
            beta2,
            epsilon,
            weight_decay,
            max_norm: 0,
        },
        ..single_steps()
    };
    let start = TrainingState {
        params: params.to_vec(),
        exp_avg: vec![0.0; params.len()],
        exp_avg_sq: vec![0.0; params.len()],
        step: 0,
    };
    let mut batches = |_: u64| held_out.concat();
    let base = vec![0; params.len()];
    let mut trainer = Trainer::new(lab::architecture(), recipe, lab::GENESIS)?;
    let done = trainer.run_segment(&base, start, &mut batches, 0, &mut silent)?;
    Ok(done.state.exp_avg)
}

fn held_out_loss(params: &[f32], text: &Text) -> Result<f64, Failure> {
    // 2^24 steps in a unit: the model's grid.
    let head: Vec<i32> = params
        .iter()
        .map(|p| (f64::from(*p) * 16_777_216.0).round() as i32)
        .collect();
    let mut trainer = Trainer::new(lab::architecture(), lab::recipe(), lab::GENESIS)?;
    Ok(trainer.evaluate(&head, &text.held_out())?)
}

/// What was measured for one length from one kind of start, over seeds and pairs of settings.
#[derive(Default)]
struct Row {
    distances: Vec<Distance>,
    /// Norm of the update, one a seed.
    updates: Vec<f64>,
}

impl Row {
    fn largest(&self) -> Distance {
        self.distances
            .iter()
            .fold(Distance::default(), |a, b| Distance {
                params: a.params.max(b.params),
                exp_avg: a.exp_avg.max(b.exp_avg),
                direction: a.direction.max(b.direction),
            })
    }

    fn median(&self) -> u32 {
        let mut all: Vec<u32> = self.distances.iter().map(|d| d.params).collect();
        all.sort_unstable();
        all[all.len() / 2]
    }
}

/// A whole claim of one seed under the first setting, and where it could be pushed.
struct Claim {
    end: Vec<f32>,
    update: f64,
    before: f64,
    after: f64,
    uphill: Vec<f32>,
}

impl Claim {
    fn new(folder: &Path, seed: u64, text: &Text) -> Result<Self, Failure> {
        let architecture = lab::architecture();
        let start = dequantise(&architecture, &init_state(&architecture, seed)?)?;
        let end = read(&file(folder, 0, CLAIM))?.params;
        Ok(Self {
            update: norm(&end, &start),
            before: held_out_loss(&start, text)?,
            after: held_out_loss(&end, text)?,
            uphill: held_out_gradient(&end, text)?,
            end,
        })
    }

    /// Held-out loss when the end is moved by `by` (Euclidean) straight up the held-out loss.
    fn pushed(&self, by: f64, text: &Text) -> Result<f64, Failure> {
        let length = norm(&self.uphill, &vec![0.0; self.uphill.len()]);
        let pairs = self.end.iter().zip(&self.uphill);
        let moved: Vec<f32> = pairs
            .map(|(p, g)| (f64::from(*p) + f64::from(*g) * by / length) as f32)
            .collect();
        held_out_loss(&moved, text)
    }
}

fn measure(
    folder: &Path,
    seed: u64,
    first: u64,
    rows: &mut BTreeMap<(u64, u64), Row>,
) -> Result<(), Failure> {
    let architecture = lab::architecture();
    let head = init_state(&architecture, seed)?;
    let start = match first {
        0 => TrainingState::from_head(&architecture, &head)?,
        _ => read(&file(folder, 0, first))?,
    };
    let ran = run_all(folder, seed, first)?;
    for length in LENGTHS {
        let ends = ran.iter().map(|i| read(&file(folder, *i, first + length)));
        let ends = ends.collect::<Result<Vec<_>, _>>()?;
        let row = rows.entry((first, length)).or_default();
        row.updates.push(norm(&ends[0].params, &start.params));
        for (i, a) in ends.iter().enumerate() {
            for (j, b) in ends.iter().enumerate().skip(i + 1) {
                let found = distance(&architecture, &lab::recipe().optimiser, &start, a, b)?;
                println!(
                    "seed {seed} from step {first}, {length} steps, {} and {}: parameters {}, first moment {}, direction {}",
                    SETTINGS[ran[i]].0, SETTINGS[ran[j]].0, found.params, found.exp_avg, found.direction
                );
                row.distances.push(found);
            }
        }
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments.first().ok_or("name a folder of text files")?;
    let text = Text::read(Path::new(folder))?;
    if let Ok(job) = std::env::var(JOB) {
        return child(&job, &text);
    }
    let settings = numeric::pin(1)?;
    let seeds: u64 = arguments.get(1).map_or(Ok(3), |n| n.parse())?;
    println!("{settings:?}, {} windows, distances in ppm", text.len());
    let mut rows = BTreeMap::new();
    let mut claims = Vec::new();
    for seed in 1..=seeds {
        let states = tempfile::tempdir()?;
        measure(states.path(), seed, 0, &mut rows)?;
        claims.push(Claim::new(states.path(), seed, &text)?);
        measure(states.path(), seed, CLAIM, &mut rows)?;
    }
    println!("\n| start | steps | parameters: median | largest | first moment | direction | norm of the update |");
    println!("|---|---|---|---|---|---|---|");
    for ((first, length), row) in &rows {
        let largest = row.largest();
        println!(
            "| {} | {length} | {} | {} | {} | {} | {:.3} |",
            if *first == 0 { "fresh" } else { "step 40" },
            row.median(),
            largest.params,
            largest.exp_avg,
            largest.direction,
            row.updates.iter().sum::<f64>() / row.updates.len() as f64
        );
    }
    println!("\n| steps | segments | threshold | of a segment's update | of the claim's update | held-out loss | of the claim's gain |");
    println!("|---|---|---|---|---|---|---|");
    for length in LENGTHS {
        let of = |first: u64| &rows[&(first, length)];
        let largest = of(0).largest().largest().max(of(CLAIM).largest().largest());
        let threshold = largest.saturating_mul(MARGIN);
        let share = f64::from(threshold) * 1e-6;
        let segments = CLAIM / length;
        let (mut of_claim, mut loss, mut of_gain) = (0.0f64, 0.0f64, 0.0f64);
        for (i, claim) in claims.iter().enumerate() {
            // The largest segment's update stands for all: the first one is longer than those that follow.
            let update = of(0).updates[i].max(of(CLAIM).updates[i]);
            let by = segments as f64 * share * update;
            let gained = claim.pushed(by, &text)? - claim.after;
            of_claim = of_claim.max(by / claim.update);
            loss = loss.max(gained);
            of_gain = of_gain.max(gained / (claim.before - claim.after));
        }
        println!(
            "| {length} | {segments} | {threshold} | {:.4} % | {:.4} % | +{loss:.5} | {:.4} % |",
            100.0 * share,
            100.0 * of_claim,
            100.0 * of_gain
        );
    }
    Ok(())
}
