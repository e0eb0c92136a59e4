// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests by subject. What needs other processes is in `tests/replay.rs`.

mod claim_delta;
mod distance;
mod forward;
mod inputs;
mod optimiser;
mod proximal;
mod reference;
mod score;
mod training;

use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::recipe::{
    AggregationRule, DeltaCodec, NumericClass, Optimiser, Recipe, ServerOptimiser,
};

/// A decoder that trains in milliseconds.
pub fn small(kv_heads: u32, tied: bool) -> Architecture {
    Architecture::Llama(LlamaConfig {
        vocab: 256,
        dim: 32,
        layers: 2,
        heads: 4,
        kv_heads,
        ffn: 48,
        context: 24,
        rope_theta: 10_000,
        tied,
    })
}

/// Two segments of `steps` steps.
pub fn recipe(steps: u16) -> Recipe {
    Recipe {
        segments: 2,
        steps,
        batch: 4,
        context: 24,
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
    }
}

/// Batches of `recipe(_)` over a repeated sentence.
pub fn text_batch(step: u64) -> Vec<u32> {
    const TEXT: &[u8] = b"the quick brown fox jumps over the lazy dog. ";
    let at = |i: u64| u32::from(TEXT[usize::try_from(i).unwrap() % TEXT.len()]);
    (0..4)
        .flat_map(|row| (0..25).map(move |i| at((step * 4 + row) * 17 + i)))
        .collect()
}
