// SPDX-License-Identifier: GPL-3.0-or-later
//! A runner without a model, for tests of the protocol.

use crate::grid::dequantise;
use crate::proximal::Proximal;
use crate::runner::{check_samples, check_start, checked_batch, Trace};
use crate::{
    BatchSource, Progress, Scores, SegmentOutcome, SegmentRunner, TrainingError, TrainingState,
};
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::H256;
use std::ops::ControlFlow;

/// Pretends to train: every step takes an eighth off each parameter and adds a few grid steps that depend on the
/// batch; a proximal term pulls towards the base. States, digests, losses and errors behave as with [`crate::Trainer`]: equal runs give equal bits, one other
/// token gives others, and the loss (the mean magnitude of the parameters) falls. Meant for architectures of a few
/// hundred parameters.
#[derive(Clone, Debug)]
pub struct DummyRunner {
    architecture: Architecture,
    recipe: Recipe,
    genesis: H256,
}

impl DummyRunner {
    /// A runner for a branch.
    pub fn new(
        architecture: Architecture,
        recipe: Recipe,
        genesis: H256,
    ) -> Result<Self, TrainingError> {
        crate::parameters(&architecture)?;
        Ok(Self {
            architecture,
            recipe,
            genesis,
        })
    }
}

fn magnitude(params: &[f32]) -> f64 {
    params.iter().map(|p| f64::from(p.abs())).sum::<f64>() / params.len() as f64
}

impl SegmentRunner for DummyRunner {
    fn run_segment(
        &mut self,
        base: &[i32],
        mut state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError> {
        let Architecture::Llama(config) = self.architecture;
        check_start(
            &self.recipe,
            crate::parameters(&self.architecture)?,
            base,
            &state,
            segment,
        )?;
        let proximal = Proximal::new(&self.architecture, &self.recipe, base)?;
        let mut pull = vec![0f32; state.params.len()];
        let mut trace = Trace::default();
        let mut losses = Vec::with_capacity(usize::from(self.recipe.steps));
        for _ in 0..self.recipe.steps {
            let batch = checked_batch(batches, &self.recipe, config.vocab, state.step)?;
            let noise = content_hash(
                Domain::Order,
                &[&state.step.to_le_bytes(), bytemuck::cast_slice(&batch)],
            );
            let loss = magnitude(&state.params) as f32;
            let norm = f32::from(noise.as_bytes()[0]);
            for (i, (p, m)) in state.params.iter_mut().zip(&mut state.exp_avg).enumerate() {
                let steps = f32::from(noise.as_bytes()[i % 32]) - 127.5;
                *p -= *p / 8.0;
                *p += steps / 16_777_216.0;
                *m = steps;
            }
            if let Some(proximal) = &proximal {
                pull.fill(0.0);
                proximal.add_to(&state.params, &mut pull);
                let pairs = state.params.iter_mut().zip(&pull);
                pairs.for_each(|(p, pull)| *p -= pull);
            }
            state.step += 1;
            trace.record(loss, norm);
            losses.push(loss);
            let now = Progress {
                segment,
                step: state.step,
                loss,
                norm,
                tokens_per_second: 0.0,
                state: &state,
            };
            if progress(&now).is_break() {
                return Err(TrainingError::Stopped);
            }
        }
        let digest = trace.digest(&self.genesis, segment);
        Ok(SegmentOutcome {
            state,
            digest,
            losses,
            tokens: self.recipe.segment_tokens(),
        })
    }

    fn score(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<Scores, TrainingError> {
        let Architecture::Llama(config) = self.architecture;
        check_samples(samples, config.context, config.vocab)?;
        let magnitude = magnitude(&dequantise(&self.architecture, head)?);
        // A part in a thousand depends on the sample.
        let losses = samples.iter().map(|sample| {
            let noise = content_hash(Domain::Order, &[bytemuck::cast_slice(sample)]);
            let noise = f64::from(noise.as_bytes()[0]) / 256e3;
            (magnitude * (1.0 + noise)) as f32
        });
        Ok(Scores {
            losses: losses.collect(),
        })
    }
}
