// SPDX-License-Identifier: GPL-3.0-or-later
//! What the pallet's calls and hooks weigh: a runtime measures it (scripts/weights.sh).

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the calls.
pub trait WeightInfo {
    /// `register_model`.
    fn register_model() -> Weight;
    /// `create_branch`.
    fn create_branch() -> Weight;
    /// `admit_branch` with at most `admitted` admitted branches.
    fn admit_branch(admitted: u32) -> Weight;
    /// `dismiss_branch`.
    fn dismiss_branch() -> Weight;
    /// `set_recipe`.
    fn set_recipe() -> Weight;
    /// `freeze_branch`.
    fn freeze_branch() -> Weight;
    /// `unfreeze_branch`.
    fn unfreeze_branch() -> Weight;
}

/// No weight, for tests.
impl WeightInfo for () {
    fn register_model() -> Weight {
        Weight::zero()
    }
    fn create_branch() -> Weight {
        Weight::zero()
    }
    fn admit_branch(_: u32) -> Weight {
        Weight::zero()
    }
    fn dismiss_branch() -> Weight {
        Weight::zero()
    }
    fn set_recipe() -> Weight {
        Weight::zero()
    }
    fn freeze_branch() -> Weight {
        Weight::zero()
    }
    fn unfreeze_branch() -> Weight {
        Weight::zero()
    }
}
