// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of `pallet_data_registry`, measured by scripts/weights.sh with frame-omni-bencher 0.28.0 (frame-benchmarking-cli
//! 64.0.0), 2026-11-21, 10 steps, 5 repeats, AMD EPYC. Do not edit: run it again.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::{RuntimeDbWeight, Weight};

/// Measured weights of `pallet_data_registry`, with the costs of the database from `Db`.
pub struct WeightInfo<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> pallet_data_registry::WeightInfo for WeightInfo<Db> {
    fn submit() -> Weight {
        // Least time measured: 58_046_000 picoseconds.
        Weight::from_parts(70_725_000, 3640)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(3))
    }
    fn set_mixture(e: u32) -> Weight {
        // Estimated: two uses a data set more than what was measured before there were uses. Run scripts/weights.sh.
        Weight::from_parts(20_000_000, 990)
            .saturating_add(Weight::from_parts(20_000_000, 0).saturating_mul(e.into()))
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().reads(36_u64.saturating_mul(e.into())))
            .saturating_add(Db::get().writes(1))
            .saturating_add(Db::get().writes(2_u64.saturating_mul(e.into())))
            .saturating_add(Weight::from_parts(0, 5356).saturating_mul(e.into()))
    }
    fn commit_shard() -> Weight {
        // Least time measured: 19_258_000 picoseconds.
        Weight::from_parts(29_253_000, 8087)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn withdraw_dataset() -> Weight {
        // Estimated from `submit` and the reads of the last rounds. Run scripts/weights.sh.
        Weight::from_parts(150_000_000, 100_000)
            .saturating_add(Db::get().reads(38))
            .saturating_add(Db::get().writes(5))
    }
    fn demand_sample() -> Weight {
        // Estimated from useful work's `demand_chunk`. Run scripts/weights.sh.
        Weight::from_parts(200_000_000, 100_000)
            .saturating_add(Db::get().reads(40))
            .saturating_add(Db::get().writes(5))
    }
    fn supply_sample(b: u32) -> Weight {
        // Estimated from useful work's `supply_chunk`, 8 ns a byte, and 8 ended demands. Run scripts/weights.sh.
        Weight::from_parts(800_000_000, 60_000)
            .saturating_add(Weight::from_parts(8_000, 0).saturating_mul(b.into()))
            .saturating_add(Db::get().reads(24))
            .saturating_add(Db::get().writes(24))
    }
    fn end_demands() -> Weight {
        // Estimated: 8 ended demands. Run scripts/weights.sh.
        Weight::from_parts(800_000_000, 60_000)
            .saturating_add(Db::get().reads(24))
            .saturating_add(Db::get().writes(24))
    }
}
