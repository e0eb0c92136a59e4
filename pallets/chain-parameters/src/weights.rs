// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights, estimated by hand: database accesses counted, computation bounded from above. Benchmarks replace them.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::frame_system;

/// Weights of the calls.
pub trait WeightInfo {
    /// `set_parameters` with `reference_segments` segments to try in the economic check.
    fn set_parameters(reference_segments: u32) -> Weight;
}

/// Picoseconds of the call without the economic check.
const BASE: u64 = 50_000_000;
/// Picoseconds of the economic check for one number of faked segments: at most 15 draws and two 256-bit divisions.
const CHECK: u64 = 3_000_000;
/// Bytes of the stored parameters, rounded up.
const SIZE: u64 = 512;

impl WeightInfo for () {
    fn set_parameters(reference_segments: u32) -> Weight {
        let check = CHECK.saturating_mul(u64::from(reference_segments));
        Weight::from_parts(BASE.saturating_add(check), SIZE)
    }
}

/// Estimates with the runtime's database weights.
pub struct EstimatedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
    fn set_parameters(reference_segments: u32) -> Weight {
        <()>::set_parameters(reference_segments)
            .saturating_add(T::DbWeight::get().reads_writes(1, 1))
    }
}
