// SPDX-License-Identifier: GPL-3.0-or-later
//! What the experiments share: the demo's model and recipe, a text in windows, rounds' batches.

use dream_primitives::data::{self, MixtureEntry};
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::order;
use dream_primitives::recipe::{
    AggregationRule, DeltaCodec, NumericClass, Optimiser, Recipe, ServerOptimiser,
};
use dream_primitives::H256;
use dream_training::tokens;
use std::path::Path;

/// Whatever stops an experiment.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Genesis hash of the experiments: there is no chain.
pub const GENESIS: H256 = H256::zero();
/// Tokens in a sequence.
pub const CONTEXT: u32 = 128;

/// The demo's model, 885,888 parameters.
pub fn architecture() -> Architecture {
    Architecture::Llama(LlamaConfig {
        vocab: 256,
        dim: 128,
        layers: 4,
        heads: 4,
        kv_heads: 2,
        ffn: 384,
        context: CONTEXT,
        rope_theta: 10_000,
        tied: true,
    })
}

/// The demo's recipe.
pub fn recipe() -> Recipe {
    Recipe {
        segments: 8,
        steps: 5,
        batch: 8,
        context: CONTEXT,
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
        // 0.7 and 0.6 in units of 2^-16.
        server: ServerOptimiser::Nesterov {
            learning_rate: 45_875,
            momentum: 39_322,
        },
        delta: DeltaCodec::DenseInt8,
        error_feedback: 0,
        class: NumericClass::Exact,
    }
}

/// The bytes of a folder's regular files in the order of their paths, cut into windows of one sequence and its targets.
pub struct Text {
    windows: Vec<Vec<u32>>,
}

impl Text {
    /// Reads `folder`; links and subfolders are left out.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                paths.push(entry.path());
            }
        }
        paths.sort();
        let mut bytes = Vec::new();
        for path in &paths {
            bytes.extend(std::fs::read(path)?);
        }
        let windows: Vec<_> = bytes
            .chunks_exact(CONTEXT as usize + 1)
            .map(tokens)
            .collect();
        match windows.len() {
            0..1000 => Err(format!(
                "{} has {} windows of text; give a folder with at least 1000 ({} bytes)",
                folder.display(),
                windows.len(),
                1000 * (CONTEXT + 1)
            )
            .into()),
            _ => Ok(Self { windows }),
        }
    }

    /// Number of windows.
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// The windows that are never trained on.
    pub fn held_out(&self) -> Vec<Vec<u32>> {
        let all = (0u64..).zip(&self.windows);
        all.filter(|(i, _)| data::held_out(*i))
            .map(|(_, window)| window.clone())
            .collect()
    }

    /// Batches of `size` of `miner` in the round with `seed`, as the protocol draws them.
    pub fn batches(&self, seed: H256, miner: u8, size: u16) -> impl FnMut(u64) -> Vec<u32> + '_ {
        let entry = MixtureEntry {
            dataset: 0,
            weight: 1,
        };
        let mixture = [(entry, self.windows.len() as u64)];
        move |step| {
            (0..u32::from(size))
                .flat_map(|slot| {
                    let drawn = order::sample(&GENESIS, &seed, &[miner; 32], step, slot, &mixture);
                    let drawn = drawn.expect("the text has windows to stream");
                    self.windows[drawn.sample as usize].iter().copied()
                })
                .collect()
        }
    }
}

/// Seed of a round of the experiment with seed `experiment`.
pub fn round_seed(experiment: u64, round: u32) -> H256 {
    let parts: [&[u8]; 2] = [&experiment.to_le_bytes(), &round.to_le_bytes()];
    hash(Domain::Seed, &GENESIS, &parts)
}
