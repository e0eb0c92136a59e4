// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of `pallet_compute_voting`, measured by scripts/weights.sh with frame-omni-bencher 0.28.0 (frame-benchmarking-cli
//! 64.0.0), 2026-11-22, 20 steps, 8 repeats, AMD EPYC. Do not edit: run it again.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::{RuntimeDbWeight, Weight};

/// Measured weights of `pallet_compute_voting`, with the costs of the database from `Db`.
pub struct WeightInfo<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> pallet_compute_voting::WeightInfo for WeightInfo<Db> {
    fn vote(d: u32) -> Weight {
        // Least time measured: 214_458_000 picoseconds.
        Weight::from_parts(234_359_522, 18486)
            .saturating_add(Weight::from_parts(12_527_252, 0).saturating_mul(d.into()))
            .saturating_add(Db::get().reads(15))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(d.into())))
            .saturating_add(Db::get().writes(7))
            .saturating_add(Weight::from_parts(0, 2603).saturating_mul(d.into()))
    }
    fn delegate(v: u32) -> Weight {
        // Least time measured: 527_002_000 picoseconds.
        Weight::from_parts(364_408_824, 84909)
            .saturating_add(Weight::from_parts(81_333_227, 0).saturating_mul(v.into()))
            .saturating_add(Db::get().reads(78))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(v.into())))
            .saturating_add(Db::get().writes(7))
            .saturating_add(Db::get().writes(3_u64.saturating_mul(v.into())))
            .saturating_add(Weight::from_parts(0, 5173).saturating_mul(v.into()))
    }
    fn undelegate(v: u32) -> Weight {
        // Least time measured: 108_121_000 picoseconds.
        Weight::from_parts(111_806_000, 12934)
            .saturating_add(Weight::from_parts(53_386_155, 0).saturating_mul(v.into()))
            .saturating_add(Db::get().reads(6))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(v.into())))
            .saturating_add(Db::get().writes(5))
            .saturating_add(Db::get().writes(3_u64.saturating_mul(v.into())))
            .saturating_add(Weight::from_parts(0, 5173).saturating_mul(v.into()))
    }
    fn unlock() -> Weight {
        // Least time measured: 71_456_000 picoseconds.
        Weight::from_parts(85_597_000, 6962)
            .saturating_add(Db::get().reads(5))
            .saturating_add(Db::get().writes(3))
    }
    fn remove_vote() -> Weight {
        // Least time measured: 138_706_000 picoseconds.
        Weight::from_parts(189_851_000, 18486)
            .saturating_add(Db::get().reads(6))
            .saturating_add(Db::get().writes(5))
    }
    fn remove_other_vote() -> Weight {
        // Least time measured: 59_278_000 picoseconds.
        Weight::from_parts(79_518_000, 6962)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(2))
    }
    fn poke(d: u32) -> Weight {
        // Least time measured: 150_554_000 picoseconds.
        Weight::from_parts(161_222_144, 18486)
            .saturating_add(Weight::from_parts(15_869_756, 0).saturating_mul(d.into()))
            .saturating_add(Db::get().reads(11))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(d.into())))
            .saturating_add(Db::get().writes(4))
            .saturating_add(Weight::from_parts(0, 2603).saturating_mul(d.into()))
    }
}
