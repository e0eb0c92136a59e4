// SPDX-License-Identifier: GPL-3.0-or-later
//! Mergers that post wrong roots.

use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::{state, H256};
use dream_training::{SegmentRunner, TrainingError};
use dream_worker::merge::Merged;
use dream_worker::worker::Runners;
use std::sync::Arc;

/// What is wrong with the merge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Merging {
    /// One parameter.
    WrongState,
    /// The root is that of no state.
    UnheldTree,
}

/// Makes honest runners whose merges are wrong.
pub struct WrongMerges {
    /// Runs segments.
    pub honest: Arc<dyn Runners>,
    /// What is wrong.
    pub how: Merging,
}

impl Runners for WrongMerges {
    fn runner(
        &self,
        architecture: Architecture,
        recipe: Recipe,
        genesis: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        self.honest.runner(architecture, recipe, genesis)
    }

    fn merged(&self, merged: Merged) -> Merged {
        let mut merged = self.honest.merged(merged);
        match self.how {
            Merging::WrongState => {
                if let Some(last) = merged.state.last_mut() {
                    *last ^= 1;
                }
                merged.state_root = state::root(&merged.state);
            }
            Merging::UnheldTree => merged.state_root = H256::repeat_byte(0xff),
        }
        merged
    }
}
