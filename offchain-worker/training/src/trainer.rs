// SPDX-License-Identifier: GPL-3.0-or-later
//! The real runner.

use crate::grid::dequantise;
use crate::optimiser::AdamW;
use crate::proximal::Proximal;
use crate::runner::{check_samples, check_start, checked_batch, Trace};
use crate::{
    BatchSource, Model, Progress, Scores, SegmentOutcome, SegmentRunner, TrainingError,
    TrainingState,
};
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::H256;
use std::ops::ControlFlow;
use std::time::Instant;
use tch::{Reduction, TchError, Tensor};

/// Samples in a batch of an evaluation. Fixed, because kernels depend on shapes: the last batch is filled up with its
/// last sample.
const EVALUATION_BATCH: usize = 8;

/// Trains and evaluates with libtorch on the CPU. Keeps nothing between segments: all state is in [`TrainingState`].
#[derive(Debug)]
pub struct Trainer {
    architecture: Architecture,
    recipe: Recipe,
    genesis: H256,
    optimiser: AdamW,
    model: Model,
    parameters: usize,
}

fn rows(tokens: impl Iterator<Item = u32>, width: usize) -> Result<Tensor, TchError> {
    let tokens: Vec<i64> = tokens.map(i64::from).collect();
    Tensor::f_from_slice(&tokens)?.f_view([-1, width as i64])
}

impl Trainer {
    /// A trainer for a branch of the chain with genesis hash `genesis`.
    pub fn new(
        architecture: Architecture,
        recipe: Recipe,
        genesis: H256,
    ) -> Result<Self, TrainingError> {
        let parameters = crate::parameters(&architecture)?;
        let Architecture::Llama(config) = architecture;
        if recipe.context > config.context {
            return Err(TrainingError::Context {
                recipe: recipe.context,
                model: config.context,
            });
        }
        if recipe.steps == 0 || recipe.batch == 0 || recipe.context == 0 {
            return Err(TrainingError::Recipe(
                "steps, batch and context must be positive",
            ));
        }
        let model = Model::new(&architecture)?;
        Ok(Self {
            architecture,
            recipe,
            genesis,
            optimiser: recipe.optimiser.into(),
            model,
            parameters,
        })
    }

    /// Mean loss of the batch, nats per token, and its gradient, which is written to `gradient`.
    pub(crate) fn gradient(
        &self,
        params: &[f32],
        batch: &[u32],
        gradient: &mut [f32],
    ) -> Result<f32, TchError> {
        let rows = rows(batch.iter().copied(), self.recipe.context as usize + 1)?;
        let leaf = Tensor::f_from_slice(params)?.f_set_requires_grad(true)?;
        let loss = self.model.loss(&leaf, &rows, Reduction::Mean)?;
        let gradients = Tensor::f_run_backward(&[&loss], &[&leaf], false, false)?;
        let found = gradients
            .first()
            .ok_or_else(|| TchError::Shape("no gradient came back".into()))?;
        found.f_copy_data(gradient, params.len())?;
        Ok(loss.f_double_value(&[])? as f32)
    }
}

impl SegmentRunner for Trainer {
    fn run_segment(
        &mut self,
        base: &[i32],
        mut state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError> {
        let Architecture::Llama(config) = self.architecture;
        check_start(&self.recipe, self.parameters, base, &state, segment)?;
        let proximal = Proximal::new(&self.architecture, &self.recipe, base)?;
        let mut trace = Trace::default();
        let mut losses = Vec::with_capacity(usize::from(self.recipe.steps));
        let mut gradient = vec![0f32; self.parameters];
        let (began, mut tokens) = (Instant::now(), 0u64);
        for _ in 0..self.recipe.steps {
            let batch = checked_batch(batches, &self.recipe, config.vocab, state.step)?;
            let loss = self.gradient(&state.params, &batch, &mut gradient)?;
            if let Some(proximal) = &proximal {
                proximal.add_to(&state.params, &mut gradient);
            }
            let norm = self.optimiser.step(&mut state, &gradient);
            if !loss.is_finite() || !norm.is_finite() {
                return Err(TrainingError::Diverged {
                    step: state.step,
                    loss,
                    norm,
                });
            }
            trace.record(loss, norm);
            losses.push(loss);
            tokens += u64::from(self.recipe.batch) * u64::from(self.recipe.context);
            let tokens_per_second = tokens as f64 / began.elapsed().as_secs_f64().max(1e-9);
            if progress(&Progress {
                segment,
                step: state.step,
                loss,
                norm,
                tokens_per_second,
                state: &state,
            })
            .is_break()
            {
                return Err(TrainingError::Stopped);
            }
        }
        let digest = trace.digest(&self.genesis, segment);
        Ok(SegmentOutcome {
            state,
            digest,
            losses,
            tokens,
        })
    }

    fn score(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<Scores, TrainingError> {
        let Architecture::Llama(config) = self.architecture;
        let width = check_samples(samples, config.context, config.vocab)?;
        let params = Tensor::f_from_slice(&dequantise(&self.architecture, head)?)?;
        let mut per_token = vec![0f32; EVALUATION_BATCH * (width - 1)];
        let mut losses = Vec::with_capacity(samples.len());
        for batch in samples.chunks(EVALUATION_BATCH) {
            let filled = (0..EVALUATION_BATCH).filter_map(|i| batch.get(i).or(batch.last()));
            let rows = rows(filled.flatten().copied(), width)?;
            let found = tch::no_grad(|| self.model.loss(&params, &rows, Reduction::None))?;
            found.f_copy_data(&mut per_token, EVALUATION_BATCH * (width - 1))?;
            let rows = per_token.chunks_exact(width - 1).take(batch.len());
            losses.extend(rows.map(|row| {
                let sum: f64 = row.iter().map(|l| f64::from(*l)).sum();
                (sum / row.len() as f64) as f32
            }));
        }
        Ok(Scores { losses })
    }
}
