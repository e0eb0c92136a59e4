// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of `pallet_compute_voting`, measured by scripts/weights.sh with frame-omni-bencher 0.28.0 (frame-benchmarking-cli
//! 64.0.0), 2026-11-22, 10 steps, 5 repeats, AMD EPYC. Do not edit: run it again.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::{RuntimeDbWeight, Weight};

/// Measured weights of `pallet_compute_voting`, with the costs of the database from `Db`.
pub struct WeightInfo<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> pallet_compute_voting::WeightInfo for WeightInfo<Db> {
    fn vote(d: u32, ) -> Weight {
        // Least time measured: 98_727_000 picoseconds.
        Weight::from_parts(115_075_161, 30706)
            .saturating_add(Weight::from_parts(11_772_250, 0).saturating_mul(d.into()))
            .saturating_add(Db::get().reads(12))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(d.into())))
            .saturating_add(Db::get().writes(6))
            .saturating_add(Weight::from_parts(0, 2603).saturating_mul(d.into()))
    }
    fn delegate(v: u32, ) -> Weight {
        // Least time measured: 495_245_000 picoseconds.
        Weight::from_parts(1_292_946_766, 90138)
            .saturating_add(Weight::from_parts(1_088_878, 0).saturating_mul(v.into()))
            .saturating_add(Db::get().reads(106))
            .saturating_add(Db::get().writes(49))
            .saturating_add(Weight::from_parts(0, 94).saturating_mul(v.into()))
    }
    fn undelegate(v: u32, ) -> Weight {
        // Least time measured: 71_035_000 picoseconds.
        Weight::from_parts(272_013_387, 70491)
            .saturating_add(Weight::from_parts(277_242, 0).saturating_mul(v.into()))
            .saturating_add(Db::get().reads(31))
            .saturating_add(Db::get().writes(30))
            .saturating_add(Weight::from_parts(0, 94).saturating_mul(v.into()))
    }
    fn unlock() -> Weight {
        // Least time measured: 55_312_000 picoseconds.
        Weight::from_parts(79_088_000, 30706)
            .saturating_add(Db::get().reads(6))
            .saturating_add(Db::get().writes(4))
    }
    fn remove_vote() -> Weight {
        // Least time measured: 54_821_000 picoseconds.
        Weight::from_parts(69_413_000, 30706)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(3))
    }
    fn remove_other_vote() -> Weight {
        // Least time measured: 44_406_000 picoseconds.
        Weight::from_parts(54_712_000, 30706)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(2))
    }
    fn poke(d: u32, ) -> Weight {
        // Least time measured: 65_287_000 picoseconds.
        Weight::from_parts(82_949_501, 30706)
            .saturating_add(Weight::from_parts(11_348_838, 0).saturating_mul(d.into()))
            .saturating_add(Db::get().reads(8))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(d.into())))
            .saturating_add(Db::get().writes(2))
            .saturating_add(Weight::from_parts(0, 2603).saturating_mul(d.into()))
    }
}
