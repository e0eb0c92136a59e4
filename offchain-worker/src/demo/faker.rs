// SPDX-License-Identifier: GPL-3.0-or-later
//! A miner that cheats: it skips the last segment's training and makes its end up.

use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::H256;
use dream_training::{
    BatchSource, Progress, Scores, SegmentOutcome, SegmentRunner, TrainingError, TrainingState,
};
use dream_worker::worker::{Runners, TorchRunners};
use std::ops::ControlFlow;

/// Makes runners that skip the last segment.
#[derive(Debug)]
pub struct FakingRunners;

impl Runners for FakingRunners {
    fn runner(
        &self,
        architecture: Architecture,
        recipe: Recipe,
        genesis: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        let honest = TorchRunners.runner(architecture, recipe, genesis)?;
        Ok(Box::new(FakingRunner { honest, recipe }))
    }
}

struct FakingRunner {
    honest: Box<dyn SegmentRunner>,
    recipe: Recipe,
}

impl SegmentRunner for FakingRunner {
    fn run_segment(
        &mut self,
        base: &[i32],
        mut state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError> {
        if segment.saturating_add(1) < self.recipe.segments {
            return self
                .honest
                .run_segment(base, state, batches, segment, progress);
        }
        // What it claims to have trained: a small change here and there, and a digest out of the air.
        state.params.iter_mut().step_by(97).for_each(|p| *p += 1e-4);
        state.step += u64::from(self.recipe.steps);
        let digest = content_hash(Domain::SegmentDigest, &[&state.step.to_le_bytes()]);
        Ok(SegmentOutcome {
            state,
            digest,
            losses: vec![0.0; usize::from(self.recipe.steps)],
            tokens: self.recipe.segment_tokens(),
        })
    }

    fn score(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<Scores, TrainingError> {
        self.honest.score(head, samples)
    }
}
