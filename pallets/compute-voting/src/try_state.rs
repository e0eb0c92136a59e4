// SPDX-License-Identifier: GPL-3.0-or-later
//! Invariants of votes.

use crate::pallet::*;
use crate::{ClassOf, PollIndex, Share};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use codec::Encode;
use dream_primitives::voting::AppliedVote;
use dream_primitives::Balance;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::InspectFreeze;
use polkadot_sdk::frame_support::traits::Polling;
use polkadot_sdk::pallet_conviction_voting::{AccountVote, Delegations, Voting};
use polkadot_sdk::sp_runtime::traits::Saturating;
use polkadot_sdk::sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Each tally is the sum of what was applied, votes and delegations agree with their indices, and what votes need is frozen.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_tallies()?;
        Self::try_delegations()?;
        Self::try_freezes()
    }

    fn try_tallies() -> Result<(), TryRuntimeError> {
        let mut sums: BTreeMap<PollIndex, Share> = BTreeMap::new();
        let mut count: usize = 0;
        for (who, class, voting) in VotingFor::<T>::iter() {
            let Voting::Casting(casting) = voting else {
                continue;
            };
            ensure!(
                casting.votes.is_sorted_by(|a, b| a.0 < b.0),
                "compute-voting: an account's votes are not ascending"
            );
            for (poll, vote) in casting.votes {
                let applied = AppliedVotes::<T>::get(poll, &who)
                    .ok_or("compute-voting: a vote was not applied")?;
                count = count.saturating_add(1);
                Self::try_applied(vote, &applied)?;
                if T::Polls::as_ongoing(poll).is_some() {
                    Self::try_delegated(&who, &class, &applied)?;
                }
                let sum = sums.entry(poll).or_default();
                *sum = sum.plus(Share::of(vote, &applied));
            }
        }
        ensure!(
            count == AppliedVotes::<T>::iter_keys().count(),
            "compute-voting: something was applied without a vote"
        );
        for (poll, sum) in sums {
            if let Some((tally, _)) = T::Polls::as_ongoing(poll) {
                ensure!(
                    (tally.ayes, tally.nays, tally.support) == (sum.ayes, sum.nays, sum.support),
                    "compute-voting: a tally is not the sum of its votes"
                );
            }
        }
        Ok(())
    }

    fn try_applied(
        vote: AccountVote<Balance>,
        applied: &AppliedVote<T::AccountId>,
    ) -> Result<(), TryRuntimeError> {
        ensure!(
            applied.delegated.is_empty() || vote.as_standard().is_some(),
            "compute-voting: a split vote carries delegations"
        );
        ensure!(
            applied.own.tokens <= vote.balance(),
            "compute-voting: more tokens count than were voted with"
        );
        let accounts: BTreeSet<Vec<u8>> = applied
            .delegated
            .iter()
            .map(|d| d.account.encode())
            .collect();
        ensure!(
            accounts.len() == applied.delegated.len(),
            "compute-voting: a delegation counts twice"
        );
        Ok(())
    }

    /// What a vote on an ongoing poll carries is delegated now. Once the poll is over its record stays while delegations end.
    fn try_delegated(
        who: &T::AccountId,
        class: &ClassOf<T>,
        applied: &AppliedVote<T::AccountId>,
    ) -> Result<(), TryRuntimeError> {
        let list = Delegators::<T>::get(who, class);
        for delegated in &applied.delegated {
            let listed = list.iter().find(|d| d.account == delegated.account);
            ensure!(
                listed.is_some_and(|d| u8::from(d.conviction) == delegated.conviction
                    && d.balance >= delegated.term.tokens),
                "compute-voting: a vote carries what nobody delegates"
            );
        }
        Ok(())
    }

    fn try_delegations() -> Result<(), TryRuntimeError> {
        let mut count: usize = 0;
        for (target, class, list) in Delegators::<T>::iter() {
            let mut sum = Delegations::<Balance>::default();
            for delegator in &list {
                count = count.saturating_add(1);
                let Voting::Delegating(d) = VotingFor::<T>::get(&delegator.account, &class) else {
                    return Err("compute-voting: a delegator does not delegate".into());
                };
                ensure!(
                    d.target == target
                        && (d.balance, d.conviction) == (delegator.balance, delegator.conviction),
                    "compute-voting: a delegator and its delegation disagree"
                );
                sum = sum.saturating_add(d.conviction.votes(d.balance));
            }
            let noted = match VotingFor::<T>::get(&target, &class) {
                Voting::Casting(casting) => casting.delegations,
                Voting::Delegating(delegating) => delegating.delegations,
            };
            ensure!(
                noted == sum,
                "compute-voting: an account's delegations are not the sum of its delegators'"
            );
        }
        let delegating = VotingFor::<T>::iter_values()
            .filter(|voting| matches!(voting, Voting::Delegating(_)))
            .count();
        ensure!(
            count == delegating,
            "compute-voting: a delegation is not on its target's list"
        );
        Ok(())
    }

    fn try_freezes() -> Result<(), TryRuntimeError> {
        for (who, class, voting) in VotingFor::<T>::iter() {
            let locks = ClassLocksFor::<T>::get(&who);
            let lock = locks.iter().find(|lock| lock.0 == class);
            ensure!(
                lock.map_or(0, |lock| lock.1) >= voting.locked_balance(),
                "compute-voting: a class's lock is below what its votes need"
            );
        }
        for (who, locks) in ClassLocksFor::<T>::iter() {
            let classes: BTreeSet<Vec<u8>> = locks.iter().map(|lock| lock.0.encode()).collect();
            ensure!(
                classes.len() == locks.len(),
                "compute-voting: a class is locked twice"
            );
            let most = locks.iter().map(|lock| lock.1).max().unwrap_or(0);
            ensure!(
                T::Currency::balance_frozen(&FreezeReason::Vote.into(), &who) == most,
                "compute-voting: what is frozen is not the largest lock"
            );
        }
        Ok(())
    }
}
