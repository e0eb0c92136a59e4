// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of `pallet_compute_voting`, measured by scripts/weights.sh with frame-omni-bencher 0.28.0 (frame-benchmarking-cli
//! 64.0.0), 2026-11-22, 8 steps, 4 repeats, AMD EPYC. Do not edit: run it again.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::{RuntimeDbWeight, Weight};

/// Measured weights of `pallet_compute_voting`, with the costs of the database from `Db`.
pub struct WeightInfo<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> pallet_compute_voting::WeightInfo for WeightInfo<Db> {
    fn vote(d: u32) -> Weight {
        // Least time measured: 275_148_000 picoseconds.
        Weight::from_parts(373_361_339, 30706)
            .saturating_add(Weight::from_parts(12_182_046, 0).saturating_mul(d.into()))
            .saturating_add(Db::get().reads(13))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(d.into())))
            .saturating_add(Db::get().writes(6))
            .saturating_add(Weight::from_parts(0, 2603).saturating_mul(d.into()))
    }
    fn delegate(v: u32) -> Weight {
        // Least time measured: 541_984_000 picoseconds.
        Weight::from_parts(1_077_707_081, 90138)
            .saturating_add(Weight::from_parts(76_302_210, 0).saturating_mul(v.into()))
            .saturating_add(Db::get().reads(79))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(v.into())))
            .saturating_add(Db::get().writes(39))
            .saturating_add(Db::get().writes(2_u64.saturating_mul(v.into())))
            .saturating_add(Weight::from_parts(0, 5173).saturating_mul(v.into()))
    }
    fn undelegate(v: u32) -> Weight {
        // Least time measured: 102_021_000 picoseconds.
        Weight::from_parts(114_941_000, 60422)
            .saturating_add(Weight::from_parts(37_105_452, 0).saturating_mul(v.into()))
            .saturating_add(Db::get().reads(5))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(v.into())))
            .saturating_add(Db::get().writes(3))
            .saturating_add(Db::get().writes(2_u64.saturating_mul(v.into())))
            .saturating_add(Weight::from_parts(0, 5173).saturating_mul(v.into()))
    }
    fn unlock() -> Weight {
        // Least time measured: 149_301_000 picoseconds.
        Weight::from_parts(198_885_000, 30706)
            .saturating_add(Db::get().reads(6))
            .saturating_add(Db::get().writes(4))
    }
    fn remove_vote() -> Weight {
        // Least time measured: 171_164_000 picoseconds.
        Weight::from_parts(236_221_000, 30706)
            .saturating_add(Db::get().reads(4))
            .saturating_add(Db::get().writes(3))
    }
    fn remove_other_vote() -> Weight {
        // Least time measured: 120_970_000 picoseconds.
        Weight::from_parts(160_438_000, 30706)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(2))
    }
    fn poke(d: u32) -> Weight {
        // Least time measured: 225_875_000 picoseconds.
        Weight::from_parts(262_974_461, 30706)
            .saturating_add(Weight::from_parts(16_286_260, 0).saturating_mul(d.into()))
            .saturating_add(Db::get().reads(9))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(d.into())))
            .saturating_add(Db::get().writes(2))
            .saturating_add(Weight::from_parts(0, 2603).saturating_mul(d.into()))
    }
}
