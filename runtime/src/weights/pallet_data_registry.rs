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
        // Least time measured: 13_811_000 picoseconds.
        Weight::from_parts(13_002_790, 990)
            .saturating_add(Weight::from_parts(3_966_977, 0).saturating_mul(e.into()))
            .saturating_add(Db::get().reads(1_u64.saturating_mul(e.into())))
            .saturating_add(Db::get().writes(1))
            .saturating_add(Weight::from_parts(0, 2678).saturating_mul(e.into()))
    }
    fn commit_shard() -> Weight {
        // Least time measured: 19_258_000 picoseconds.
        Weight::from_parts(29_253_000, 8087)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
}
