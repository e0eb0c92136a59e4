// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights, estimated by hand: database accesses counted, computation bounded from above. Benchmarks replace them.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};
use polkadot_sdk::frame_system;

/// Weights of the calls.
pub trait WeightInfo {
    /// `register_model`.
    fn register_model() -> Weight;
    /// `create_branch`.
    fn create_branch() -> Weight;
    /// `admit_branch` with at most `admitted` admitted branches.
    fn admit_branch(admitted: u32) -> Weight;
    /// `dismiss_branch`.
    fn dismiss_branch() -> Weight;
    /// `set_recipe`.
    fn set_recipe() -> Weight;
}

/// Picoseconds of a call without database accesses: decoding, checks, one hash, one event.
const BASE: u64 = 60_000_000;
/// Picoseconds for each other admitted branch that `admit_branch` decodes.
const OTHER: u64 = 2_000_000;
/// Bytes of the records that a call touches, rounded up.
const SIZE: u64 = 8_192;

impl WeightInfo for () {
    fn register_model() -> Weight {
        Weight::from_parts(BASE, SIZE)
    }
    fn create_branch() -> Weight {
        Weight::from_parts(BASE, SIZE)
    }
    fn admit_branch(admitted: u32) -> Weight {
        let others = OTHER.saturating_mul(u64::from(admitted));
        let size = SIZE.saturating_mul(u64::from(admitted).saturating_add(1));
        Weight::from_parts(BASE.saturating_add(others), size)
    }
    fn dismiss_branch() -> Weight {
        Weight::from_parts(BASE, SIZE)
    }
    fn set_recipe() -> Weight {
        Weight::from_parts(BASE, SIZE)
    }
}

/// Estimates with the runtime's database weights.
pub struct EstimatedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
    // Parameters (twice), indices, account, holds; model, version, branch, indices, account, holds.
    fn register_model() -> Weight {
        <()>::register_model().saturating_add(T::DbWeight::get().reads_writes(6, 7))
    }
    // Version, model, parameters (twice), index, account, holds; branch, index, account, holds.
    fn create_branch() -> Weight {
        <()>::create_branch().saturating_add(T::DbWeight::get().reads_writes(7, 4))
    }
    // The branch, the list and each listed branch; the branch and the list.
    fn admit_branch(admitted: u32) -> Weight {
        <()>::admit_branch(admitted).saturating_add(
            T::DbWeight::get().reads_writes(u64::from(admitted).saturating_add(2), 2),
        )
    }
    fn dismiss_branch() -> Weight {
        <()>::dismiss_branch().saturating_add(T::DbWeight::get().reads_writes(2, 2))
    }
    // Branch, model, parameters; branch.
    fn set_recipe() -> Weight {
        <()>::set_recipe().saturating_add(T::DbWeight::get().reads_writes(3, 1))
    }
}
