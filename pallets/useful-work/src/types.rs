// SPDX-License-Identifier: GPL-3.0-or-later
//! Storage types of the pallet.

use codec::{Decode, Encode, MaxEncodedLen};
use dream_primitives::{Balance, BlockNumber, BoundedVec, ConstU32, H256};
use scale_info::TypeInfo;

pub use dream_primitives::bond::{Bond, Escrow, MAX_YOUNG};
pub use dream_primitives::profile::ProfileRecord;

/// Most distinct authors that a seed window remembers.
pub const MAX_SEED_AUTHORS: u32 = 64;

/// An account's commitment to a profile.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct ProfileCommitment {
    /// The commitment.
    pub commitment: H256,
    /// Block at which it was made; it is revealed in a later one.
    pub since: BlockNumber,
}

/// Randomness gathered for a seed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct SeedWindow<AccountId> {
    /// Running hash over the blocks' VRF outputs.
    pub mixed: H256,
    /// Blocks still wanted.
    pub left: BlockNumber,
    /// Distinct authors so far.
    pub authors: BoundedVec<AccountId, ConstU32<MAX_SEED_AUTHORS>>,
}

impl<AccountId> SeedWindow<AccountId> {
    /// An empty window of `blocks`.
    pub fn new(blocks: BlockNumber) -> Self {
        Self {
            mixed: H256::zero(),
            left: blocks,
            authors: BoundedVec::new(),
        }
    }
}

/// Block producers' share that is not paid yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct ProducerPot {
    /// What is left.
    pub balance: Balance,
    /// Paid to the author of each block until nothing is left.
    pub per_block: Balance,
}

/// A verifier that a round may draw, as it stood when training ended: before any input of the audit seed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Candidate<AccountId> {
    /// Verifier.
    pub account: AccountId,
    /// Its profile.
    pub leaf: H256,
    /// Bond that its chance is in proportion to.
    pub bond: Balance,
    /// Free part of the bond, less the seats drawn in this round.
    pub free: Balance,
}
