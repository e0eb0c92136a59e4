// SPDX-License-Identifier: GPL-3.0-or-later
//! Delegations.

use crate::{
    AppliedVotes, ClassOf, Config, Delegator, Delegators, Error, Event, Pallet, PollIndex, Share,
    VotingFor,
};
use alloc::vec::Vec;
use dream_primitives::math::to_u32;
use dream_primitives::voting::DISPLACEMENT;
use dream_primitives::Balance;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::{PollStatus, Polling};
use polkadot_sdk::frame_system;
use polkadot_sdk::pallet_conviction_voting::{
    AccountVote, Casting, Conviction, Delegating, Delegations, Voting,
};
use polkadot_sdk::sp_runtime::traits::Saturating;
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> Pallet<T> {
    /// Delegates, and returns how many votes the target has in the class.
    pub(crate) fn do_delegate(
        who: T::AccountId,
        class: ClassOf<T>,
        target: T::AccountId,
        conviction: Conviction,
        balance: Balance,
    ) -> Result<u32, DispatchError> {
        ensure!(who != target, Error::<T>::Nonsense);
        ensure!(
            T::Polls::classes().binary_search(&class).is_ok(),
            Error::<T>::BadClass
        );
        ensure!(
            balance <= Self::votable(&who),
            Error::<T>::InsufficientFunds
        );
        VotingFor::<T>::try_mutate(&who, &class, |voting| -> DispatchResult {
            let Voting::Casting(Casting {
                votes,
                delegations,
                prior,
            }) = voting
            else {
                return Err(Error::<T>::AlreadyDelegating.into());
            };
            ensure!(votes.is_empty(), Error::<T>::AlreadyVoting);
            *voting = Voting::Delegating(Delegating {
                balance,
                target: target.clone(),
                conviction,
                delegations: *delegations,
                prior: *prior,
            });
            Ok(())
        })?;
        if let Voting::Delegating(further) = VotingFor::<T>::get(&target, &class) {
            return Err(if further.target == who {
                Error::<T>::DelegationInCircle.into()
            } else {
                Error::<T>::TargetDelegates.into()
            });
        }
        let delegator = Delegator {
            account: who.clone(),
            balance,
            conviction,
        };
        Self::make_room(&target, &class, &delegator)?;
        Delegators::<T>::try_append(&target, &class, delegator.clone())
            .map_err(|()| Error::<T>::DelegatorsFull)?;
        let tokens = conviction.votes(balance);
        let votes = Self::change_delegations(&target, &class, |d| d.saturating_add(tokens));
        for (poll, aye) in &votes {
            Self::apply(&target, *poll, *aye, &delegator)?;
        }
        Self::extend_freeze(&who, &class, balance)?;
        Self::deposit_event(Event::Delegated(who, target, class));
        Ok(to_u32(votes.len()))
    }

    /// Ends the lightest delegation where the list is full, if the new one is heavy enough to take its place.
    fn make_room(
        target: &T::AccountId,
        class: &ClassOf<T>,
        new: &Delegator<T::AccountId>,
    ) -> DispatchResult {
        let list = Delegators::<T>::get(target, class);
        if !list.is_full() {
            return Ok(());
        }
        let basis = Self::newest_basis()?;
        let weight = |d: &Delegator<T::AccountId>| Self::term(&basis, &d.account, d.balance).weight;
        let lightest = list.iter().map(|d| (weight(d), &d.account));
        let lightest = lightest.min_by_key(|(weight, _)| *weight);
        let (least, account) = lightest.ok_or(Error::<T>::DelegatorsFull)?;
        // Above the least, so that nothing displaces nothing.
        let needed = least.saturating_mul(DISPLACEMENT).max(1);
        ensure!(weight(new) >= needed, Error::<T>::DelegatorsFull);
        Self::end_delegation(account, class).map(|_| ())
    }

    /// Ends a delegation, and returns how many votes its target has in the class.
    pub(crate) fn end_delegation(
        who: &T::AccountId,
        class: &ClassOf<T>,
    ) -> Result<u32, DispatchError> {
        let now = frame_system::Pallet::<T>::block_number();
        let (target, tokens) = VotingFor::<T>::try_mutate(who, class, |voting| {
            let Voting::Delegating(old) = voting else {
                return Err(Error::<T>::NotDelegating);
            };
            let mut prior = old.prior;
            let until = now.saturating_add(Self::lock_time(old.conviction));
            prior.accumulate(until, old.balance);
            let ended = (old.target.clone(), old.conviction.votes(old.balance));
            *voting = Voting::Casting(Casting {
                votes: Default::default(),
                delegations: old.delegations,
                prior,
            });
            Ok(ended)
        })?;
        Delegators::<T>::mutate_exists(&target, class, |slot| {
            if let Some(list) = slot {
                list.retain(|d| d.account != *who);
                if list.is_empty() {
                    *slot = None;
                }
            }
        });
        let votes = Self::change_delegations(&target, class, |d| d.saturating_sub(tokens));
        for (poll, aye) in &votes {
            Self::withdraw(&target, *poll, *aye, who)?;
        }
        Self::deposit_event(Event::Undelegated(who.clone(), class.clone()));
        Ok(to_u32(votes.len()))
    }

    /// Changes the tokens that are delegated to an account, as wallets show them; returns the polls that it votes on, with
    /// whether its vote is aye, but for split ones.
    fn change_delegations(
        target: &T::AccountId,
        class: &ClassOf<T>,
        change: impl FnOnce(Delegations<Balance>) -> Delegations<Balance>,
    ) -> Vec<(PollIndex, bool)> {
        VotingFor::<T>::mutate(target, class, |voting| match voting {
            Voting::Delegating(delegating) => {
                delegating.delegations = change(delegating.delegations);
                Vec::new()
            }
            Voting::Casting(casting) => {
                casting.delegations = change(casting.delegations);
                let standard = |(poll, vote): &(PollIndex, AccountVote<Balance>)| {
                    vote.as_standard().map(|aye| (*poll, aye))
                };
                casting.votes.iter().filter_map(standard).collect()
            }
        })
    }

    /// Adds a delegator's weight to a vote of its target. Polls that are over, or too old to be weighed, stay as they are.
    fn apply(
        target: &T::AccountId,
        poll: PollIndex,
        aye: bool,
        delegator: &Delegator<T::AccountId>,
    ) -> DispatchResult {
        let Ok(basis) = Self::basis(poll) else {
            return Ok(());
        };
        let delegated = Self::delegated_vote(&basis, delegator);
        T::Polls::try_access_poll(poll, |status| {
            let PollStatus::Ongoing(tally, _) = status else {
                return Ok(());
            };
            AppliedVotes::<T>::try_mutate(poll, target, |slot| {
                let applied = slot.as_mut().ok_or(Error::<T>::NotVoter)?;
                Share::delegated(aye, &delegated).add_to(tally)?;
                applied
                    .delegated
                    .try_push(delegated)
                    .map_err(|_| Error::<T>::DelegatorsFull.into())
            })
        })
    }

    /// Takes a delegator's weight out of a vote of its target.
    fn withdraw(
        target: &T::AccountId,
        poll: PollIndex,
        aye: bool,
        who: &T::AccountId,
    ) -> DispatchResult {
        T::Polls::try_access_poll(poll, |status| {
            let PollStatus::Ongoing(tally, _) = status else {
                return Ok(());
            };
            AppliedVotes::<T>::try_mutate(poll, target, |slot| {
                let applied = slot.as_mut().ok_or(Error::<T>::NotVoter)?;
                if let Some(at) = applied.delegated.iter().position(|d| d.account == *who) {
                    Share::delegated(aye, &applied.delegated.remove(at)).take_from(tally)?;
                }
                Ok(())
            })
        })
    }
}
