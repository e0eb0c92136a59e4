// SPDX-License-Identifier: GPL-3.0-or-later
//! The calibration segment: one segment of the branch's recipe on its public stream. Accounts whose machines give equal
//! bits get equal leaves, and only they check one another.

use dream_primitives::manifest::Architecture;
use dream_primitives::profile::{
    calibration_init, calibration_leaf, calibration_seed, calibration_window, ProfileSettings,
};
use dream_primitives::recipe::Recipe;
use dream_primitives::{BranchId, H256};
use dream_training::{tokens, Progress, SegmentRunner, TrainingError, TrainingState};
use std::ops::ControlFlow;

/// Runs the calibration segment and returns the leaf.
pub fn calibrate(
    runner: &mut dyn SegmentRunner,
    genesis: &H256,
    branch: BranchId,
    architecture: &Architecture,
    recipe: &Recipe,
    settings: &ProfileSettings,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<H256, TrainingError> {
    let seed = calibration_seed(genesis, branch);
    let head = dream_training::init_state(architecture, calibration_init(&seed))?;
    let start = TrainingState::from_head(architecture, &head)?;
    let (batch, window) = (u32::from(recipe.batch), recipe.context.saturating_add(1));
    let mut batches = |step: u64| -> Vec<u32> {
        (0..batch)
            .flat_map(|slot| tokens(&calibration_window(&seed, step, slot, window)))
            .collect()
    };
    let outcome = runner.run_segment(&head, start, &mut batches, 0, progress)?;
    let end_state = outcome.state.hash(genesis);
    Ok(calibration_leaf(
        genesis,
        branch,
        recipe,
        settings,
        &end_state,
        &outcome.digest,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{preset, Preset};
    use crate::worker::{DummyRunners, Runners};

    fn leaf(branch: BranchId, threads: u16) -> H256 {
        let config = preset(Preset::Test);
        let settings = ProfileSettings {
            isa: Default::default(),
            math: Default::default(),
            library: Default::default(),
            threads,
        };
        let genesis = H256::repeat_byte(5);
        let mut runner = DummyRunners
            .runner(config.architecture, config.recipe, genesis)
            .unwrap();
        calibrate(
            runner.as_mut(),
            &genesis,
            branch,
            &config.architecture,
            &config.recipe,
            &settings,
            &mut dream_training::silent,
        )
        .unwrap()
    }

    #[test]
    fn leaf_should_be_repeatable_and_differ_by_branch_and_settings() {
        assert_eq!(leaf(0, 1), leaf(0, 1));
        assert_ne!(leaf(0, 1), leaf(1, 1));
        assert_ne!(leaf(0, 1), leaf(0, 2));
    }
}
