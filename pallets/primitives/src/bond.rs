// SPDX-License-Identifier: GPL-3.0-or-later
//! Bonds and escrows as the chain keeps them and the worker reads them.

use crate::{Balance, BlockNumber, BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most additions to a bond within the length of a round.
pub const MAX_YOUNG: u32 = 8;

/// An account's bond.
#[derive(
    Clone,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Bond {
    /// Held in all.
    pub total: Balance,
    /// Locked for claims, seats and merges.
    pub locked: Balance,
    /// On its way out, and the block from which it may be withdrawn.
    pub unbonding: Option<(Balance, BlockNumber)>,
    /// Block of the first addition.
    pub since: BlockNumber,
    /// Additions that a round that is open may not count yet.
    pub young: BoundedVec<(BlockNumber, Balance), ConstU32<MAX_YOUNG>>,
    /// Part of it that genesis gave: slashable, never released, burned when founding bonds retire.
    pub founding: Balance,
}

impl Bond {
    /// What is not on its way out.
    pub fn staying(&self) -> Balance {
        let leaving = self.unbonding.map_or(0, |(amount, _)| amount);
        self.total.saturating_sub(leaving)
    }

    /// What may still be locked or unbonded.
    pub fn free(&self) -> Balance {
        self.staying().saturating_sub(self.locked)
    }

    /// What may still be unbonded: not the founding part.
    pub fn releasable(&self) -> Balance {
        self.free()
            .min(self.staying().saturating_sub(self.founding))
    }

    /// Adds to the bond at a block; additions from before `oldest`, the block at which the oldest open round opened,
    /// count for every open round. `None` when there are too many younger ones.
    pub fn add(&mut self, amount: Balance, now: BlockNumber, oldest: BlockNumber) -> Option<()> {
        self.young.retain(|(block, _)| *block >= oldest);
        self.young.try_push((now, amount)).ok()?;
        self.total = self.total.saturating_add(amount);
        Some(())
    }

    /// Takes a lost amount off the bond; where it was on its way out, so much less comes out.
    pub fn lose(&mut self, amount: Balance) {
        self.total = self.total.saturating_sub(amount);
        self.unbonding = self
            .unbonding
            .map(|(leaving, at)| (leaving.min(self.total), at))
            .filter(|(leaving, _)| *leaving > 0);
        // A loss takes an account's own tokens first.
        self.founding = self.founding.min(self.staying());
    }

    /// What counts in a round that opened at a block: all of it, less what was added in or after that block, so that
    /// nobody adds to a bond once the round's seeds can be foreseen.
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

/// What a branch's owner pays its rounds from.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Escrow<AccountId> {
    /// On whose account it is held.
    pub owner: AccountId,
    /// Held in all.
    pub balance: Balance,
    /// Set aside for rounds that are open or vest.
    pub reserved: Balance,
    /// Most that a round pays.
    pub per_round: Balance,
    /// Paid for a work unit.
    pub unit_price: Balance,
}

impl<AccountId> Escrow<AccountId> {
    /// An empty escrow.
    pub fn new(owner: AccountId) -> Self {
        Self {
            owner,
            balance: 0,
            reserved: 0,
            per_round: 0,
            unit_price: 0,
        }
    }

    /// What no round has set aside.
    pub fn free(&self) -> Balance {
        self.balance.saturating_sub(self.reserved)
    }
}
