// SPDX-License-Identifier: GPL-3.0-or-later
//! What accounts weigh in a poll.

use crate::{AppliedVotes, ClassOf, Config, Delegator, Delegators, Error, Pallet, PollIndex};
use alloc::vec::Vec;
use dream_primitives::registry::{CreditSnapshots, PollSubmission, SetAside};
use dream_primitives::views::WeightView;
use dream_primitives::voting::{vote_weight, AppliedVote, DelegatedVote, VoteTerm};
use dream_primitives::{Balance, BoundedVec};
use polkadot_sdk::frame_support::traits::fungible::Inspect;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_system;
use polkadot_sdk::pallet_conviction_voting::AccountVote;
use polkadot_sdk::sp_runtime::traits::SaturatedConversion;
use polkadot_sdk::sp_runtime::DispatchError;

/// What the weights of a poll have in common.
#[derive(Clone, Copy)]
pub(crate) struct Basis {
    /// Credit epoch whose credits count; `None`: before the first, when nobody had any.
    pub(crate) epoch: Option<u32>,
    /// Credits of all.
    pub(crate) total: u128,
    /// Issuance now.
    pub(crate) issuance: Balance,
}

impl<T: Config> Pallet<T> {
    /// Basis of a poll: the credit epoch before its submission.
    pub(crate) fn basis(poll: PollIndex) -> Result<Basis, DispatchError> {
        let submitted = T::Submissions::submitted(poll).ok_or(Error::<T>::NotOngoing)?;
        Self::basis_before(T::Credits::epoch(submitted))
    }

    /// Basis of what is submitted now.
    pub(crate) fn newest_basis() -> Result<Basis, DispatchError> {
        let now = frame_system::Pallet::<T>::block_number();
        Self::basis_before(T::Credits::epoch(now.saturated_into()))
    }

    fn basis_before(epoch: u32) -> Result<Basis, DispatchError> {
        let epoch = epoch.checked_sub(1);
        let total = epoch.map_or(Some(0), T::Credits::total);
        Ok(Basis {
            epoch,
            total: total.ok_or(Error::<T>::SnapshotExpired)?,
            issuance: T::MaxTurnout::get(),
        })
    }

    /// Where the weight of an account's vote on a poll comes from; `None` when the poll is unknown, over, or older than the
    /// credits that are kept.
    pub fn weight_view(who: &T::AccountId, poll: PollIndex) -> Option<WeightView<T::AccountId>> {
        let basis = Self::basis(poll).ok()?;
        let term = Self::term(&basis, who, Self::votable(who));
        Some(WeightView {
            epoch: basis.epoch,
            credits: Self::credits(&basis, who),
            total: basis.total,
            issuance: basis.issuance,
            tokens: term.tokens,
            weight: term.weight,
            applied: AppliedVotes::<T>::get(poll, who),
        })
    }

    fn credits(basis: &Basis, who: &T::AccountId) -> u128 {
        // A basis stands for an epoch that is kept.
        basis.epoch.map_or(0, |e| T::Credits::credits(who, e))
    }

    /// Tokens that an account may vote with: what it has, but for what it set aside to pay others.
    pub(crate) fn votable(who: &T::AccountId) -> Balance {
        let all = T::Currency::total_balance(who);
        all.saturating_sub(T::SetAside::set_aside(who))
    }

    /// Weight of `tokens` of an account, of which at most those count that it has.
    pub(crate) fn term(basis: &Basis, who: &T::AccountId, tokens: Balance) -> VoteTerm {
        let credits = Self::credits(basis, who);
        let tokens = tokens.min(T::Currency::total_balance(who));
        VoteTerm {
            tokens,
            issuance: basis.issuance,
            weight: vote_weight(tokens, credits, basis.issuance, basis.total),
        }
    }

    /// What a delegation adds.
    pub(crate) fn delegated_vote(
        basis: &Basis,
        delegator: &Delegator<T::AccountId>,
    ) -> DelegatedVote<T::AccountId> {
        DelegatedVote {
            account: delegator.account.clone(),
            term: Self::term(basis, &delegator.account, delegator.balance),
            conviction: delegator.conviction.into(),
        }
    }

    /// Weighs a vote and, where it is not split, all that is delegated to the voter.
    pub(crate) fn weigh(
        basis: &Basis,
        who: &T::AccountId,
        class: &ClassOf<T>,
        vote: AccountVote<Balance>,
    ) -> AppliedVote<T::AccountId> {
        let delegated: Vec<_> = if vote.as_standard().is_some() {
            let list = Delegators::<T>::get(who, class);
            list.iter()
                .map(|delegator| Self::delegated_vote(basis, delegator))
                .collect()
        } else {
            Vec::new()
        };
        AppliedVote {
            epoch: basis.epoch,
            own: Self::term(basis, who, vote.balance()),
            // The list has the same bound.
            delegated: BoundedVec::truncate_from(delegated),
        }
    }

    /// A term as its account would get it now, where that is less.
    fn lowered(basis: &Basis, who: &T::AccountId, term: VoteTerm) -> VoteTerm {
        // With the issuance of then, so that nothing but credits and tokens can make a difference.
        let then = Basis {
            issuance: term.issuance,
            ..*basis
        };
        let new = Self::term(&then, who, term.tokens);
        if new.weight < term.weight {
            new
        } else {
            term
        }
    }

    /// What was applied, lowered to what the accounts still have.
    pub(crate) fn poked(
        basis: &Basis,
        who: &T::AccountId,
        applied: &AppliedVote<T::AccountId>,
    ) -> AppliedVote<T::AccountId> {
        let mut new = applied.clone();
        new.own = Self::lowered(basis, who, applied.own);
        for d in &mut new.delegated {
            d.term = Self::lowered(basis, &d.account, d.term);
        }
        new
    }
}
