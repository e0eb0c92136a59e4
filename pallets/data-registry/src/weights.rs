// SPDX-License-Identifier: GPL-3.0-or-later
//! What the pallet's calls and hooks weigh: a runtime measures it (scripts/weights.sh).

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the calls.
pub trait WeightInfo {
    /// `submit`.
    fn submit() -> Weight;
    /// `set_mixture` with `entries` data sets.
    fn set_mixture(entries: u32) -> Weight;
    /// `commit_shard`.
    fn commit_shard() -> Weight;
    /// `withdraw_dataset`.
    fn withdraw_dataset() -> Weight;
    /// `demand_sample`.
    fn demand_sample() -> Weight;
    /// `supply_sample` of `bytes` bytes.
    fn supply_sample(bytes: u32) -> Weight;
    /// `end_demands`.
    fn end_demands() -> Weight;
}

/// No weight, for tests.
impl WeightInfo for () {
    fn submit() -> Weight {
        Weight::zero()
    }
    fn set_mixture(_: u32) -> Weight {
        Weight::zero()
    }
    fn commit_shard() -> Weight {
        Weight::zero()
    }
    fn withdraw_dataset() -> Weight {
        Weight::zero()
    }
    fn demand_sample() -> Weight {
        Weight::zero()
    }
    fn supply_sample(_: u32) -> Weight {
        Weight::zero()
    }
    fn end_demands() -> Weight {
        Weight::zero()
    }
}
