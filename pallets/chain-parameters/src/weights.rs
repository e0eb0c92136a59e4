// SPDX-License-Identifier: GPL-3.0-or-later
//! What the pallet's calls and hooks weigh: a runtime measures it (scripts/weights.sh).

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the calls.
pub trait WeightInfo {
    /// `set_parameters` with `reference_segments` segments to try in the economic check.
    fn set_parameters(reference_segments: u32) -> Weight;
}

/// No weight, for tests.
impl WeightInfo for () {
    fn set_parameters(_: u32) -> Weight {
        Weight::zero()
    }
}
