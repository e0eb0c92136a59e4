// SPDX-License-Identifier: GPL-3.0-or-later
//! Votes of accounts.

use crate::{AppliedVotes, ClassOf, Config, Error, Event, Pallet, PollIndex, Share, VotingFor};
use dream_primitives::math::to_u32;
use dream_primitives::voting::AppliedVote;
use dream_primitives::Balance;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::{Get, PollStatus, Polling};
use polkadot_sdk::frame_system::{self, pallet_prelude::BlockNumberFor};
use polkadot_sdk::pallet_conviction_voting::{AccountVote, Conviction, UnvoteScope, Voting};
use polkadot_sdk::sp_runtime::traits::Saturating;
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> Pallet<T> {
    /// Votes, and returns how many delegators were weighed.
    pub(crate) fn do_vote(
        who: &T::AccountId,
        poll: PollIndex,
        vote: AccountVote<Balance>,
    ) -> Result<u32, DispatchError> {
        ensure!(
            vote.balance() <= Self::votable(who),
            Error::<T>::InsufficientFunds
        );
        let basis = Self::basis(poll)?;
        let (class, applied) = T::Polls::try_access_poll(poll, |status| {
            let (tally, class) = status.ensure_ongoing().ok_or(Error::<T>::NotOngoing)?;
            if let Some(old) = Self::record_vote(who, &class, poll, vote)? {
                Self::take_out(who, poll, old)?.take_from(tally)?;
            }
            let applied = Self::weigh(&basis, who, &class, vote);
            Share::of(vote, &applied).add_to(tally)?;
            Ok((class, applied))
        })?;
        Self::extend_freeze(who, &class, vote.balance())?;
        Self::deposit_event(Event::Voted {
            who: who.clone(),
            vote,
            poll_index: poll,
        });
        Self::deposit_event(Event::Weighed {
            who: who.clone(),
            poll_index: poll,
            own: applied.own.weight,
            delegated: delegated_weight(&applied),
        });
        let delegators = to_u32(applied.delegated.len());
        AppliedVotes::<T>::insert(poll, who, applied);
        Ok(delegators)
    }

    /// Writes a vote down; returns the one that it replaces.
    fn record_vote(
        who: &T::AccountId,
        class: &ClassOf<T>,
        poll: PollIndex,
        vote: AccountVote<Balance>,
    ) -> Result<Option<AccountVote<Balance>>, DispatchError> {
        VotingFor::<T>::try_mutate(who, class, |voting| {
            let Voting::Casting(casting) = voting else {
                return Err(Error::<T>::AlreadyDelegating.into());
            };
            match casting.votes.binary_search_by_key(&poll, |v| v.0) {
                Ok(i) => Ok(casting
                    .votes
                    .get_mut(i)
                    .map(|slot| core::mem::replace(&mut slot.1, vote))),
                Err(i) => {
                    casting
                        .votes
                        .try_insert(i, (poll, vote))
                        .map_err(|_| Error::<T>::MaxVotesReached)?;
                    Ok(None)
                }
            }
        })
    }

    /// Forgets what a vote added, and returns it.
    fn take_out(
        who: &T::AccountId,
        poll: PollIndex,
        vote: AccountVote<Balance>,
    ) -> Result<Share, DispatchError> {
        let applied = AppliedVotes::<T>::take(poll, who).ok_or(Error::<T>::NotVoter)?;
        Ok(Share::of(vote, &applied))
    }

    /// Removes a vote: at any time for the voter, for others where nothing of it stays frozen.
    pub(crate) fn do_remove_vote(
        who: &T::AccountId,
        poll: PollIndex,
        class: Option<ClassOf<T>>,
        scope: UnvoteScope,
    ) -> DispatchResult {
        let class = class
            .or_else(|| T::Polls::as_ongoing(poll).map(|(_, class)| class))
            .ok_or(Error::<T>::ClassNeeded)?;
        VotingFor::<T>::try_mutate(who, class, |voting| {
            let Voting::Casting(casting) = voting else {
                return Err(Error::<T>::NotVoter.into());
            };
            let found = casting.votes.binary_search_by_key(&poll, |v| v.0);
            let (_, vote) = casting
                .votes
                .remove(found.map_err(|_| Error::<T>::NotVoter)?);
            T::Polls::try_access_poll(poll, |status| {
                match status {
                    PollStatus::Ongoing(tally, _) => {
                        ensure!(matches!(scope, UnvoteScope::Any), Error::<T>::NoPermission);
                        Self::take_out(who, poll, vote)?.take_from(tally)?;
                        Self::deposit_event(Event::VoteRemoved {
                            who: who.clone(),
                            vote,
                            poll_index: poll,
                        });
                    }
                    PollStatus::Completed(end, approved) => {
                        if let Some((until, balance)) = Self::kept(vote, end, approved) {
                            ensure!(
                                matches!(scope, UnvoteScope::Any),
                                Error::<T>::NoPermissionYet
                            );
                            casting.prior.accumulate(until, balance);
                        }
                        AppliedVotes::<T>::remove(poll, who);
                    }
                    PollStatus::None => AppliedVotes::<T>::remove(poll, who),
                }
                Ok(())
            })
        })
    }

    /// Until when a vote's tokens stay frozen once its poll is over: where it won, and its conviction lasts.
    fn kept(
        vote: AccountVote<Balance>,
        end: BlockNumberFor<T>,
        approved: bool,
    ) -> Option<(BlockNumberFor<T>, Balance)> {
        let AccountVote::Standard { vote, balance } = vote else {
            return None;
        };
        let until = end.saturating_add(Self::lock_time(vote.conviction));
        let now = frame_system::Pallet::<T>::block_number();
        (vote.aye == approved && now < until).then_some((until, balance))
    }

    /// How long a conviction keeps tokens.
    pub(crate) fn lock_time(conviction: Conviction) -> BlockNumberFor<T> {
        T::VoteLockingPeriod::get().saturating_mul(conviction.lock_periods().into())
    }

    /// Lowers a vote's weight, and returns how many delegators were weighed.
    pub(crate) fn do_poke(who: &T::AccountId, poll: PollIndex) -> Result<u32, DispatchError> {
        let basis = Self::basis(poll)?;
        T::Polls::try_access_poll(poll, |status| {
            let (tally, class) = status.ensure_ongoing().ok_or(Error::<T>::NotOngoing)?;
            let vote = Self::vote_of(who, &class, poll).ok_or(Error::<T>::NotVoter)?;
            let old = AppliedVotes::<T>::get(poll, who).ok_or(Error::<T>::NotVoter)?;
            let new = Self::poked(&basis, who, &old);
            ensure!(new != old, Error::<T>::NothingToPoke);
            Share::of(vote, &old).take_from(tally)?;
            Share::of(vote, &new).add_to(tally)?;
            Self::deposit_event(Event::Poked {
                who: who.clone(),
                poll_index: poll,
                own: new.own.weight,
                delegated: delegated_weight(&new),
            });
            let delegators = to_u32(new.delegated.len());
            AppliedVotes::<T>::insert(poll, who, new);
            Ok(delegators)
        })
    }

    /// The vote of an account on a poll.
    pub(crate) fn vote_of(
        who: &T::AccountId,
        class: &ClassOf<T>,
        poll: PollIndex,
    ) -> Option<AccountVote<Balance>> {
        let Voting::Casting(casting) = VotingFor::<T>::get(who, class) else {
            return None;
        };
        let found = casting.votes.iter().find(|v| v.0 == poll);
        found.map(|v| v.1)
    }
}

fn delegated_weight<AccountId>(applied: &AppliedVote<AccountId>) -> Balance {
    let weights = applied.delegated.iter().map(|d| d.term.weight);
    weights.fold(0, Balance::saturating_add)
}
