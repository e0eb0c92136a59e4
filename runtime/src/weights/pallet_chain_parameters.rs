// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of `pallet_chain_parameters`, measured by scripts/weights.sh with frame-omni-bencher 0.28.0 (frame-benchmarking-cli
//! 64.0.0), 2026-11-21, 10 steps, 5 repeats, AMD EPYC. Do not edit: run it again.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::{RuntimeDbWeight, Weight};

/// Measured weights of `pallet_chain_parameters`, with the costs of the database from `Db`.
pub struct WeightInfo<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> pallet_chain_parameters::WeightInfo for WeightInfo<Db> {
    fn set_parameters(s: u32) -> Weight {
        // Least time measured: 22_484_000 picoseconds.
        Weight::from_parts(11_269_579, 1849)
            .saturating_add(Weight::from_parts(891_130, 0).saturating_mul(s.into()))
            .saturating_add(Db::get().reads(1))
            .saturating_add(Db::get().writes(1))
    }
}
