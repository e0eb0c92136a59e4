// SPDX-License-Identifier: GPL-3.0-or-later
//! Types of the pallet, and what a vote adds to a tally.

use crate::Config;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dream_primitives::voting::{weight_part, AppliedVote, DelegatedVote};
use dream_primitives::Balance;
use polkadot_sdk::frame_support::traits::{Get, Polling};
use polkadot_sdk::frame_system::pallet_prelude::BlockNumberFor;
use polkadot_sdk::pallet_conviction_voting::{AccountVote, Conviction, Tally, Voting};
use polkadot_sdk::sp_runtime::traits::StaticLookup;
use polkadot_sdk::sp_runtime::ArithmeticError;
use scale_info::TypeInfo;

/// Index of a poll.
pub type PollIndex = u32;
/// An address as a call takes it.
pub type AccountIdLookupOf<T> =
    <<T as polkadot_sdk::frame_system::Config>::Lookup as StaticLookup>::Source;
/// Tally of a poll.
pub type TallyOf<T> = Tally<Balance, <T as Config>::MaxTurnout>;
/// Class of polls.
pub type ClassOf<T> = <<T as Config>::Polls as Polling<TallyOf<T>>>::Class;
/// What an account does in a class.
pub type VotingOf<T> = Voting<
    Balance,
    <T as polkadot_sdk::frame_system::Config>::AccountId,
    BlockNumberFor<T>,
    PollIndex,
    <T as Config>::MaxVotes,
>;

/// An account that delegates to another.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Delegator<AccountId> {
    /// Who.
    pub account: AccountId,
    /// How many tokens.
    pub balance: Balance,
    /// With what conviction.
    pub conviction: Conviction,
}

/// What a vote adds to the fields of a tally.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// With conviction.
    pub ayes: Balance,
    /// With conviction.
    pub nays: Balance,
    /// Before conviction: ayes and abstentions.
    pub support: Balance,
}

impl Share {
    /// Of a vote, with what is delegated to it.
    pub fn of<AccountId>(vote: AccountVote<Balance>, applied: &AppliedVote<AccountId>) -> Self {
        let weight = applied.own.weight;
        let part = |tokens| weight_part(weight, tokens, vote.balance());
        match vote {
            AccountVote::Standard { vote, .. } => {
                let own = Self::standard(vote.aye, vote.conviction, weight);
                let delegated = applied.delegated.iter();
                delegated.fold(own, |sum, d| sum.plus(Self::delegated(vote.aye, d)))
            }
            AccountVote::Split { aye, nay } => Self::split(part(aye), part(nay), 0),
            AccountVote::SplitAbstain { aye, nay, abstain } => {
                Self::split(part(aye), part(nay), part(abstain))
            }
        }
    }

    /// Of a delegation to an account that voted `aye` or nay.
    pub fn delegated<AccountId>(aye: bool, delegated: &DelegatedVote<AccountId>) -> Self {
        let conviction = Conviction::try_from(delegated.conviction).unwrap_or_default();
        Self::standard(aye, conviction, delegated.term.weight)
    }

    fn standard(aye: bool, conviction: Conviction, weight: Balance) -> Self {
        let votes = conviction.votes(weight).votes;
        if aye {
            Self {
                ayes: votes,
                nays: 0,
                support: weight,
            }
        } else {
            Self {
                nays: votes,
                ..Self::default()
            }
        }
    }

    /// A split vote has no conviction.
    fn split(aye: Balance, nay: Balance, abstain: Balance) -> Self {
        let votes = |weight| Conviction::None.votes(weight).votes;
        Self {
            ayes: votes(aye),
            nays: votes(nay),
            support: aye.saturating_add(abstain),
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            ayes: self.ayes.saturating_add(other.ayes),
            nays: self.nays.saturating_add(other.nays),
            support: self.support.saturating_add(other.support),
        }
    }

    /// Adds it to a tally.
    pub(crate) fn add_to<Total: Get<Balance>>(
        self,
        tally: &mut Tally<Balance, Total>,
    ) -> Result<(), ArithmeticError> {
        let add = |field: Balance, more| field.checked_add(more).ok_or(ArithmeticError::Overflow);
        tally.ayes = add(tally.ayes, self.ayes)?;
        tally.nays = add(tally.nays, self.nays)?;
        tally.support = add(tally.support, self.support)?;
        Ok(())
    }

    /// Takes it out of a tally.
    pub(crate) fn take_from<Total: Get<Balance>>(
        self,
        tally: &mut Tally<Balance, Total>,
    ) -> Result<(), ArithmeticError> {
        let less = |field: Balance, part| field.checked_sub(part).ok_or(ArithmeticError::Underflow);
        tally.ayes = less(tally.ayes, self.ayes)?;
        tally.nays = less(tally.nays, self.nays)?;
        tally.support = less(tally.support, self.support)?;
        Ok(())
    }
}
