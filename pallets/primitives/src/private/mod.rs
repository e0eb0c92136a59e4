// SPDX-License-Identifier: GPL-3.0-or-later
//! Secure aggregation of private contributions: the chain's rules (docs/private-rounds.md).
//!
//! - [`params`]: a literal, then the checked type; sizes that follow from them;
//! - [`committee`]: an epoch's key: who deals which share, complaints, exclusion;
//! - [`round`]: phases and records of a private round;
//! - [`sum`]: trees over ciphertexts, and the leaf that an honest sum has;
//! - [`settle`]: draws, votes, reports, rewards, and the delta that a sum becomes.

pub mod committee;
pub mod params;
mod presets;
pub mod round;
pub mod settle;
pub mod sum;

/// Key segments of a delta, whatever the model's size.
pub const KEY_SEGMENTS: u16 = 64;
/// Residues of a leaf: all of one limb.
pub const LEAF_RESIDUES: u32 = 1_024;
/// Bytes of a leaf: residues of 30 bits, four in 15 bytes, as in the wire format.
pub const LEAF_BYTES: u32 = 3_840;
/// Most members of a committee.
pub const MAX_MEMBERS: u32 = 7;
/// Most shares of a key: C(7, 3).
pub const MAX_SHARES: u32 = 35;
/// Most contributors of a round.
pub const MAX_COHORT: u32 = 256;
/// Most accounts that register for a round.
pub const MAX_REGISTRANTS: u32 = 512;
/// Most auditors of a round.
pub const MAX_AUDITORS: u32 = 16;
/// Most contributions that a round audits.
pub const MAX_DISCLOSED: u32 = 16;
/// Most limbs of a ring.
pub const MAX_LIMBS: u32 = 8;
