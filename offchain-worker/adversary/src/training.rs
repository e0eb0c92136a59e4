// SPDX-License-Identifier: GPL-3.0-or-later
//! Training that is not what the claim says.

use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::H256;
use dream_training::{
    BatchSource, ClaimDelta, Progress, Scores, SegmentOutcome, SegmentRunner, TrainingError,
    TrainingState,
};
use dream_worker::worker::Runners;
use std::error::Error;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How training cheats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Training {
    /// The last segment is made up.
    FakedSegment,
    /// Half of each segment's steps.
    SkippedSteps,
    /// Batches of neighbouring steps are swapped.
    WrongOrder,
    /// A nudge before each segment.
    WrongStart,
    /// The delta of twice the training.
    WrongDelta,
    /// The delta adds a residual that nobody trained.
    FalseResidual,
    /// Scores are out of the air.
    InventedScore,
}

/// Makes runners that cheat.
pub struct CheatingRunners {
    /// What they stand on.
    pub honest: Arc<dyn Runners>,
    /// How they cheat.
    pub how: Training,
}

impl Runners for CheatingRunners {
    fn runner(
        &self,
        architecture: Architecture,
        recipe: Recipe,
        genesis: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        let honest = self.honest.runner(architecture, recipe, genesis)?;
        let how = self.how;
        Ok(Box::new(CheatingRunner {
            honest,
            recipe,
            how,
        }))
    }

    fn delta(
        &self,
        architecture: &Architecture,
        recipe: &Recipe,
        head: &[i32],
        end: &[f32],
        residual: Option<&[i32]>,
    ) -> Result<ClaimDelta, TrainingError> {
        let honest = |end: &[f32], residual: Option<&[i32]>| {
            self.honest.delta(architecture, recipe, head, end, residual)
        };
        match self.how {
            Training::WrongDelta => {
                let start = dream_training::dequantise(architecture, head)?;
                let twice: Vec<f32> = start.iter().zip(end).map(|(s, e)| 2.0 * e - s).collect();
                honest(&twice, residual)
            }
            Training::FalseResidual => {
                let made_up: Vec<i32> = head.iter().map(|n| n >> 4).collect();
                honest(end, Some(&made_up))
            }
            _ => honest(end, residual),
        }
    }
}

struct CheatingRunner {
    honest: Box<dyn SegmentRunner>,
    recipe: Recipe,
    how: Training,
}

/// Batches of steps 2n and 2n + 1, swapped.
struct Swapped<'a>(&'a mut dyn BatchSource);

impl BatchSource for Swapped<'_> {
    fn batch(&mut self, step: u64) -> Result<Vec<u32>, Box<dyn Error + Send + Sync>> {
        self.0.batch(step ^ 1)
    }
}

impl CheatingRunner {
    /// What it claims to have trained: a small change here and there, and a digest out of the air.
    fn make_up(&self, mut state: TrainingState) -> SegmentOutcome {
        state.params.iter_mut().step_by(97).for_each(|p| *p += 1e-4);
        state.step += u64::from(self.recipe.steps);
        let digest = content_hash(Domain::SegmentDigest, &[&state.step.to_le_bytes()]);
        SegmentOutcome {
            state,
            digest,
            losses: vec![0.0; usize::from(self.recipe.steps)],
            tokens: self.recipe.segment_tokens(),
        }
    }

    /// Runs half of the steps and says that it ran them all.
    fn half(
        &mut self,
        base: &[i32],
        state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError> {
        let done = state.step + u64::from(self.recipe.steps / 2);
        let end = state.step + u64::from(self.recipe.steps);
        let mut kept: Option<TrainingState> = None;
        let mut losses = Vec::new();
        let outcome =
            self.honest
                .run_segment(base, state, batches, segment, &mut |p: &Progress| {
                    losses.push(p.loss);
                    if p.step < done {
                        return progress(p);
                    }
                    kept = Some(p.state.clone());
                    ControlFlow::Break(())
                });
        let Some(mut state) = kept else {
            return outcome;
        };
        state.step = end;
        let digest = content_hash(Domain::SegmentDigest, &[&end.to_le_bytes(), b"half"]);
        Ok(SegmentOutcome {
            state,
            digest,
            losses,
            tokens: self.recipe.segment_tokens(),
        })
    }
}

impl SegmentRunner for CheatingRunner {
    fn run_segment(
        &mut self,
        base: &[i32],
        mut state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError> {
        match self.how {
            Training::FakedSegment if segment.saturating_add(1) >= self.recipe.segments => {
                Ok(self.make_up(state))
            }
            Training::SkippedSteps => self.half(base, state, batches, segment, progress),
            Training::WrongOrder => {
                let mut batches = Swapped(batches);
                self.honest
                    .run_segment(base, state, &mut batches, segment, progress)
            }
            Training::WrongStart => {
                state.params.iter_mut().for_each(|p| *p += 1e-3);
                self.honest
                    .run_segment(base, state, batches, segment, progress)
            }
            _ => self
                .honest
                .run_segment(base, state, batches, segment, progress),
        }
    }

    fn score(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<Scores, TrainingError> {
        let honest = self.honest.score(head, samples)?;
        if self.how != Training::InventedScore {
            return Ok(honest);
        }
        // The first parameter tells base and version apart, so that one of them looks worse.
        let offset = head.first().map_or(0.0, |n| (n & 7) as f32);
        let losses = honest.losses.iter().map(|loss| loss + 1.0 + offset);
        Ok(Scores {
            losses: losses.collect(),
        })
    }
}
