// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of `pallet_model_registry`, measured by scripts/weights.sh with frame-omni-bencher 0.28.0 (frame-benchmarking-cli
//! 64.0.0), 2026-11-22, 10 steps, 5 repeats, AMD EPYC. Do not edit: run it again.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::{RuntimeDbWeight, Weight};

/// Measured weights of `pallet_model_registry`, with the costs of the database from `Db`.
pub struct WeightInfo<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> pallet_model_registry::WeightInfo for WeightInfo<Db> {
    fn register_model() -> Weight {
        // Least time measured: 71_646_000 picoseconds.
        Weight::from_parts(85_727_000, 3676)
            .saturating_add(Db::get().reads(4))
            .saturating_add(Db::get().writes(6))
    }
    fn create_branch() -> Weight {
        // Least time measured: 94_530_000 picoseconds.
        Weight::from_parts(142_392_000, 3783)
            .saturating_add(Db::get().reads(5))
            .saturating_add(Db::get().writes(3))
    }
    fn admit_branch(a: u32) -> Weight {
        // Least time measured: 17_085_000 picoseconds.
        Weight::from_parts(22_370_837, 1550)
            .saturating_add(Weight::from_parts(5_893_266, 0).saturating_mul(a.into()))
            .saturating_add(Db::get().reads(1))
            .saturating_add(Db::get().reads(1_u64.saturating_mul(a.into())))
            .saturating_add(Db::get().writes(2))
            .saturating_add(Weight::from_parts(0, 2658).saturating_mul(a.into()))
    }
    fn dismiss_branch() -> Weight {
        // Least time measured: 16_405_000 picoseconds.
        Weight::from_parts(22_364_000, 3648)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn set_recipe() -> Weight {
        // Least time measured: 21_472_000 picoseconds.
        Weight::from_parts(36_754_000, 3648)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(1))
    }
    fn freeze_branch() -> Weight {
        // Least time measured: 13_250_000 picoseconds.
        Weight::from_parts(19_299_000, 3648)
            .saturating_add(Db::get().reads(1))
            .saturating_add(Db::get().writes(1))
    }
    fn unfreeze_branch() -> Weight {
        // Least time measured: 13_229_000 picoseconds.
        Weight::from_parts(23_525_000, 3648)
            .saturating_add(Db::get().reads(1))
            .saturating_add(Db::get().writes(1))
    }
}
