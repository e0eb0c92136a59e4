// SPDX-License-Identifier: GPL-3.0-or-later
//! The rules of DREAM as pure functions.
//!
//! Everything that the runtime and the worker must agree on to the bit lives here once: the SCALE types that enter
//! the chain, the Merkle trees, the delta codec, integer aggregation, the pseudo-random data order, the audit draws,
//! credit decay, emission, and the checks of chain parameters. The crate is `no_std`, knows nothing of FRAME, and
//! uses no floating point.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::unwrap_used
    )
)]

extern crate alloc;

pub mod aggregate;
pub mod bond;
pub mod cid;
pub mod claim;
pub mod credits;
pub mod data;
pub mod delta;
pub mod dispute;
pub mod draw;
pub mod emission;
pub mod feedback;
pub mod game;
pub mod hashing;
pub mod manifest;
pub mod math;
pub mod merkle;
pub mod order;
pub mod params;
mod presets;
pub mod private;
pub mod profile;
pub mod recipe;
pub mod record;
pub mod registry;
pub mod round;
pub mod state;
pub mod ticket;
pub mod tolerance;
pub mod trial;
pub mod value;
pub mod version;
pub mod views;
pub mod voting;

pub use bounded_collections::{BoundedVec, ConstU32};
pub use primitive_types::H256;

/// Block height.
pub type BlockNumber = u32;
/// Token amount in the smallest unit (10^-12 DREAM).
pub type Balance = u128;
/// Index of a model in the model registry.
pub type ModelId = u32;
/// Index of a branch in the model registry.
pub type BranchId = u32;
/// Index of a data set in the data registry.
pub type DatasetId = u32;

/// One DREAM in the smallest unit.
pub const DREAM: Balance = 1_000_000_000_000;
/// No more than 10^9 DREAM can ever exist.
pub const SUPPLY_CAP: Balance = 1_000_000_000_000_000_000_000;
