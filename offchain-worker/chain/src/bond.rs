// SPDX-License-Identifier: GPL-3.0-or-later
//! Bonds and escrows, as the runtime stores them.

use codec::{Decode, Encode};
use dream_primitives::{Balance, BlockNumber, BoundedVec, ConstU32};
use serde::{Deserialize, Serialize};

use crate::AccountId;

/// Most additions to a bond within the length of a round.
pub const MAX_YOUNG: u32 = 8;

/// An account's bond.
#[derive(Clone, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize, Deserialize)]
pub struct Bond {
    /// All that is bonded.
    pub total: Balance,
    /// Of it, locked for claims, seats and merges.
    pub locked: Balance,
    /// Of it, on its way out: amount, and the block from which it can be withdrawn.
    pub unbonding: Option<(Balance, BlockNumber)>,
    /// Block of the first addition.
    pub since: BlockNumber,
    /// Additions, by block, that a round that is open may not count yet.
    pub young: BoundedVec<(BlockNumber, Balance), ConstU32<MAX_YOUNG>>,
    /// Of it, given by genesis: never released.
    pub founding: Balance,
}

impl Bond {
    /// What is neither locked nor on its way out.
    pub fn free(&self) -> Balance {
        let unbonding = self.unbonding.map_or(0, |(amount, _)| amount);
        self.total
            .saturating_sub(self.locked)
            .saturating_sub(unbonding)
    }

    /// What counts in a round that opened at that block: what was added in or after it does not.
    pub fn counted(&self, opened: BlockNumber) -> Balance {
        let late = self.young.iter().filter(|(block, _)| *block >= opened);
        late.fold(self.total, |n, (_, amount)| n.saturating_sub(*amount))
    }

    /// The free part of what counts in a round.
    pub fn free_in(&self, opened: BlockNumber) -> Balance {
        let young = self.total.saturating_sub(self.counted(opened));
        self.free().saturating_sub(young)
    }
}

/// What the owner of a branch pays its rounds from.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub struct Escrow {
    /// Who paid it in.
    pub owner: AccountId,
    /// All of it.
    pub balance: Balance,
    /// Of it, set aside for rounds.
    pub reserved: Balance,
    /// Most that a round is paid.
    pub per_round: Balance,
    /// What a work unit is paid.
    pub unit_price: Balance,
}
