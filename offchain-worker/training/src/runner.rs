// SPDX-License-Identifier: GPL-3.0-or-later
//! What the worker asks of training: run a segment, evaluate a state.

use crate::{Scores, TrainingError, TrainingState};
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::recipe::Recipe;
use dream_primitives::H256;
use std::ops::ControlFlow;

/// Where batches come from.
pub trait BatchSource {
    /// Tokens of the batch of `step`, counted over all segments: shape [batch, context + 1], row-major. A row's first
    /// `context` tokens are the input, its last `context` the targets.
    fn batch(&mut self, step: u64) -> Result<Vec<u32>, Box<dyn std::error::Error + Send + Sync>>;
}

impl<F: FnMut(u64) -> Vec<u32>> BatchSource for F {
    fn batch(&mut self, step: u64) -> Result<Vec<u32>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self(step))
    }
}

/// Byte-level tokens: token `b` is the byte `b`.
pub fn tokens(bytes: &[u8]) -> Vec<u32> {
    bytes.iter().map(|b| u32::from(*b)).collect()
}

/// What is known after each step.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Progress<'a> {
    /// Segment that runs.
    pub segment: u16,
    /// Steps done since the head, over all segments.
    pub step: u64,
    /// Mean loss of the step's batch, nats per token, before the update.
    pub loss: f32,
    /// Gradient norm before clipping.
    pub norm: f32,
    /// Mean speed since the segment began.
    pub tokens_per_second: f64,
    /// State after the step.
    pub state: &'a TrainingState,
}

/// A progress callback that shows nothing and never stops.
pub fn silent(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// What a segment gave.
#[derive(Clone, PartialEq, Debug)]
pub struct SegmentOutcome {
    /// State after the segment.
    pub state: TrainingState,
    /// Hash over the bits of every step's loss and gradient norm.
    pub digest: H256,
    /// Loss of every step, nats per token.
    pub losses: Vec<f32>,
    /// Tokens trained on.
    pub tokens: u64,
}

/// Runs segments. One run gives the same bits in every process of one numeric profile, wherever it starts from.
pub trait SegmentRunner {
    /// Runs segment `segment` (from zero) from `state`, which is the end of the segment before or state 0. `base` is the
    /// version that the round started from (grid integers), wherever the segment begins: the centre of the proximal
    /// term. `progress` is called after each step and can stop the run.
    fn run_segment(
        &mut self,
        base: &[i32],
        state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError>;

    /// Mean loss of `head` (grid integers) over each of `samples`, which have one length of 2 to context + 1 tokens.
    fn score(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<Scores, TrainingError>;

    /// Mean loss of `head` over all `samples`, nats per token.
    fn evaluate(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<f64, TrainingError> {
        Ok(self.score(head, samples)?.mean())
    }
}

/// Collects the bits of every step for the digest.
#[derive(Default)]
pub(crate) struct Trace(Vec<u8>);

impl Trace {
    pub(crate) fn record(&mut self, loss: f32, norm: f32) {
        self.0.extend_from_slice(&loss.to_bits().to_le_bytes());
        self.0.extend_from_slice(&norm.to_bits().to_le_bytes());
    }

    /// The digest binds the chain, the segment's index and, by its length, the number of steps.
    pub(crate) fn digest(&self, genesis: &H256, segment: u16) -> H256 {
        hash(
            Domain::SegmentDigest,
            genesis,
            &[&segment.to_le_bytes(), &self.0],
        )
    }
}

/// Checks that `state` is where `segment` begins, and the size of `base`.
pub(crate) fn check_start(
    recipe: &Recipe,
    parameters: usize,
    base: &[i32],
    state: &TrainingState,
    segment: u16,
) -> Result<(), TrainingError> {
    if segment >= recipe.segments {
        return Err(TrainingError::Segment {
            segment,
            segments: recipe.segments,
        });
    }
    let parts = [&state.params, &state.exp_avg, &state.exp_avg_sq].map(Vec::len);
    for found in parts.into_iter().chain([base.len()]) {
        if found != parameters {
            return Err(TrainingError::Parameters {
                expected: parameters,
                found,
            });
        }
    }
    let expected = u64::from(segment) * u64::from(recipe.steps);
    if state.step != expected {
        return Err(TrainingError::Start {
            segment,
            expected,
            found: state.step,
        });
    }
    Ok(())
}

/// Fetches the batch of `step` and checks its size and tokens.
pub(crate) fn checked_batch(
    batches: &mut dyn BatchSource,
    recipe: &Recipe,
    vocab: u32,
    step: u64,
) -> Result<Vec<u32>, TrainingError> {
    let batch = batches
        .batch(step)
        .map_err(|source| TrainingError::Data { step, source })?;
    let expected = usize::from(recipe.batch) * (recipe.context as usize + 1);
    if batch.len() != expected {
        return Err(TrainingError::Batch {
            step,
            expected,
            found: batch.len(),
        });
    }
    check_tokens(&batch, vocab)?;
    Ok(batch)
}

/// Checks that every token is in the vocabulary.
pub(crate) fn check_tokens(tokens: &[u32], vocab: u32) -> Result<(), TrainingError> {
    match tokens.iter().find(|t| **t >= vocab) {
        Some(token) => Err(TrainingError::Token {
            token: *token,
            vocab,
        }),
        None => Ok(()),
    }
}

/// Checks samples for evaluation and returns their common length.
pub(crate) fn check_samples(
    samples: &[Vec<u32>],
    context: u32,
    vocab: u32,
) -> Result<usize, TrainingError> {
    let longest = context as usize + 1;
    let first = samples.first().map_or(0, Vec::len);
    if !(2..=longest).contains(&first) {
        return Err(TrainingError::Sample {
            index: 0,
            found: first,
            longest,
        });
    }
    for (index, sample) in samples.iter().enumerate() {
        if sample.len() != first {
            return Err(TrainingError::Sample {
                index,
                found: sample.len(),
                longest,
            });
        }
        check_tokens(sample, vocab)?;
    }
    Ok(first)
}
