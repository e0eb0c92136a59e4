// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights, estimated by hand: database accesses counted, computation bounded from above. Benchmarks replace them.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::frame_system;

/// Weights of the calls.
pub trait WeightInfo {
    /// `submit`.
    fn submit() -> Weight;
    /// `set_mixture` with `entries` data sets.
    fn set_mixture(entries: u32) -> Weight;
    /// `commit_shard`.
    fn commit_shard() -> Weight;
}

/// Picoseconds of a call without database accesses: decoding, checks, one event.
const BASE: u64 = 60_000_000;
/// Picoseconds for each data set of a mixture.
const ENTRY: u64 = 2_000_000;
/// Bytes of the records that a call touches, rounded up.
const SIZE: u64 = 8_192;

impl WeightInfo for () {
    fn submit() -> Weight {
        Weight::from_parts(BASE, SIZE)
    }
    fn set_mixture(entries: u32) -> Weight {
        let each = ENTRY.saturating_mul(u64::from(entries));
        let size = SIZE.saturating_mul(u64::from(entries).saturating_add(1));
        Weight::from_parts(BASE.saturating_add(each), size)
    }
    fn commit_shard() -> Weight {
        Weight::from_parts(BASE, SIZE)
    }
}

/// Estimates with the runtime's database weights.
pub struct EstimatedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
    // Parameters, index, account, holds; data set, index, account, holds.
    fn submit() -> Weight {
        <()>::submit().saturating_add(T::DbWeight::get().reads_writes(4, 4))
    }
    // Each data set; the mixture.
    fn set_mixture(entries: u32) -> Weight {
        <()>::set_mixture(entries)
            .saturating_add(T::DbWeight::get().reads_writes(u64::from(entries), 1))
    }
    // The queue and the root; both.
    fn commit_shard() -> Weight {
        <()>::commit_shard().saturating_add(T::DbWeight::get().reads_writes(2, 2))
    }
}
