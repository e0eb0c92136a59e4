// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of `pallet_data_registry`, measured by scripts/weights.sh with frame-omni-bencher 0.28.0 (frame-benchmarking-cli
//! 64.0.0), 2026-11-22, 10 steps, 5 repeats, AMD EPYC. Do not edit: run it again.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::{RuntimeDbWeight, Weight};

/// Measured weights of `pallet_data_registry`, with the costs of the database from `Db`.
pub struct WeightInfo<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> pallet_data_registry::WeightInfo for WeightInfo<Db> {
    fn submit() -> Weight {
        // Least time measured: 59_058_000 picoseconds.
        Weight::from_parts(84_695_000, 3676)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(3))
    }
    fn set_mixture(e: u32) -> Weight {
        // Least time measured: 33_760_000 picoseconds.
        Weight::from_parts(12_355_044, 3734)
            .saturating_add(Weight::from_parts(17_691_179, 0).saturating_mul(e.into()))
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().reads(3_u64.saturating_mul(e.into())))
            .saturating_add(Db::get().writes(1))
            .saturating_add(Db::get().writes(2_u64.saturating_mul(e.into())))
            .saturating_add(Weight::from_parts(0, 5552).saturating_mul(e.into()))
    }
    fn commit_shard() -> Weight {
        // Least time measured: 19_699_000 picoseconds.
        Weight::from_parts(28_142_000, 8087)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn withdraw_dataset() -> Weight {
        // Least time measured: 112_136_000 picoseconds.
        Weight::from_parts(123_373_000, 89557)
            .saturating_add(Db::get().reads(35))
            .saturating_add(Db::get().writes(4))
    }
    fn demand_sample() -> Weight {
        // Least time measured: 132_767_000 picoseconds.
        Weight::from_parts(177_594_000, 89557)
            .saturating_add(Db::get().reads(37))
            .saturating_add(Db::get().writes(4))
    }
    fn supply_sample(b: u32) -> Weight {
        // Least time measured: 468_254_000 picoseconds.
        Weight::from_parts(653_207_054, 25164)
            .saturating_add(Weight::from_parts(7_864, 0).saturating_mul(b.into()))
            .saturating_add(Db::get().reads(21))
            .saturating_add(Db::get().writes(21))
    }
    fn end_demands() -> Weight {
        // Least time measured: 399_463_000 picoseconds.
        Weight::from_parts(557_948_000, 25164)
            .saturating_add(Db::get().reads(21))
            .saturating_add(Db::get().writes(21))
    }
}
