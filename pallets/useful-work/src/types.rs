// SPDX-License-Identifier: GPL-3.0-or-later
//! Storage types of the pallet.

use codec::{Decode, Encode, MaxEncodedLen};
use dream_primitives::profile::ProfileSettings;
use dream_primitives::{Balance, BlockNumber, BoundedVec, ConstU32, H256};
use scale_info::TypeInfo;

/// Most distinct authors that a seed window remembers.
pub const MAX_SEED_AUTHORS: u32 = 64;

/// An account's bond.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Bond {
    /// Held in all.
    pub total: Balance,
    /// Locked for claims, seats and merges.
    pub locked: Balance,
    /// On its way out, and the block from which it may be withdrawn.
    pub unbonding: Option<(Balance, BlockNumber)>,
    /// Block of the first bond; a round counts it when it is older than the round.
    pub since: BlockNumber,
}

impl Bond {
    /// What may still be locked or unbonded.
    pub fn free(&self) -> Balance {
        let leaving = self.unbonding.map_or(0, |(amount, _)| amount);
        self.total
            .saturating_sub(self.locked)
            .saturating_sub(leaving)
    }
}

/// An account's numeric profile on a branch.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct ProfileRecord {
    /// Settings that it computes under.
    pub settings: ProfileSettings,
    /// Calibration leaf: the profile's identity.
    pub leaf: H256,
    /// Block of the registration.
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
