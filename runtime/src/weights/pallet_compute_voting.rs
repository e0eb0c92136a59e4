// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of `pallet_compute_voting`, measured by scripts/weights.sh with frame-omni-bencher 0.28.0 (frame-benchmarking-cli
//! 64.0.0), 2026-11-22, 10 steps, 5 repeats, AMD EPYC. Do not edit: run it again.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::{RuntimeDbWeight, Weight};

/// Measured weights of `pallet_compute_voting`, with the costs of the database from `Db`.
pub struct WeightInfo<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> pallet_compute_voting::WeightInfo for WeightInfo<Db> {
    fn vote(d: u32) -> Weight {
        // Least time measured: 145_897_000 picoseconds.
        Weight::from_parts(172_148_955, 13928)
            .saturating_add(Weight::from_parts(12_402_388, 0).saturating_mul(d.into()))
            .saturating_add(Db::get().reads(13))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(d.into())))
            .saturating_add(Db::get().writes(6))
            .saturating_add(Weight::from_parts(0, 2603).saturating_mul(d.into()))
    }
    fn delegate(v: u32) -> Weight {
        // Least time measured: 493_913_000 picoseconds.
        Weight::from_parts(400_961_903, 86889)
            .saturating_add(Weight::from_parts(75_124_839, 0).saturating_mul(v.into()))
            .saturating_add(Db::get().reads(79))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(v.into())))
            .saturating_add(Db::get().writes(25))
            .saturating_add(Db::get().writes(2_u64.saturating_mul(v.into())))
            .saturating_add(Weight::from_parts(0, 5173).saturating_mul(v.into()))
    }
    fn undelegate(v: u32) -> Weight {
        // Least time measured: 70_926_000 picoseconds.
        Weight::from_parts(77_846_000, 19718)
            .saturating_add(Weight::from_parts(23_120_261, 0).saturating_mul(v.into()))
            .saturating_add(Db::get().reads(4))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(v.into())))
            .saturating_add(Db::get().writes(3))
            .saturating_add(Db::get().writes(2_u64.saturating_mul(v.into())))
            .saturating_add(Weight::from_parts(0, 5173).saturating_mul(v.into()))
    }
    fn unlock() -> Weight {
        // Least time measured: 77_465_000 picoseconds.
        Weight::from_parts(91_746_000, 10354)
            .saturating_add(Db::get().reads(6))
            .saturating_add(Db::get().writes(4))
    }
    fn remove_vote() -> Weight {
        // Least time measured: 91_797_000 picoseconds.
        Weight::from_parts(116_443_000, 13928)
            .saturating_add(Db::get().reads(4))
            .saturating_add(Db::get().writes(3))
    }
    fn remove_other_vote() -> Weight {
        // Least time measured: 62_232_000 picoseconds.
        Weight::from_parts(80_289_000, 10354)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(2))
    }
    fn poke(d: u32) -> Weight {
        // Least time measured: 104_235_000 picoseconds.
        Weight::from_parts(128_794_757, 13928)
            .saturating_add(Weight::from_parts(11_289_416, 0).saturating_mul(d.into()))
            .saturating_add(Db::get().reads(9))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(d.into())))
            .saturating_add(Db::get().writes(2))
            .saturating_add(Weight::from_parts(0, 2603).saturating_mul(d.into()))
    }
}
