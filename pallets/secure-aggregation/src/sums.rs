// SPDX-License-Identifier: GPL-3.0-or-later
//! Posting the sum, and the committee's answers for it.

use crate::{Config, Contributors, Epochs, Error, Event, Pallet, Participants, Rounds, Terms};
use alloc::vec::Vec;
use dream_primitives::cid::Cid;
use dream_primitives::claim::RoundId;
use dream_primitives::private::committee::names;
use dream_primitives::private::params::PrivateParameters;
use dream_primitives::private::round::{
    CiphertextRoots, Contributor, DecryptionAnswer, PostedSum, PrivateEvent, PrivatePhase,
    PrivateRound, PrivateTerms,
};
use dream_primitives::registry::{BondLedger, DataRegistry};
use dream_primitives::H256;
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;

type RoundOf<T> = PrivateRound<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_post_sum(
        aggregator: T::AccountId,
        id: RoundId,
        roots: CiphertextRoots,
    ) -> DispatchResult {
        let mut round = Self::round_in(id, &[PrivatePhase::Summing, PrivatePhase::SumDispute])?;
        ensure!(round.sum.is_none(), Error::<T>::AlreadySummed);
        ensure!(Self::now() < round.deadline, Error::<T>::WindowClosed);
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let p = &terms.parameters;
        let bond = round.sum_bond(p.get().bonds.sum);
        ensure!(T::Bonds::lock(&aggregator, bond), Error::<T>::BondTooSmall);
        round.sum = Some(PostedSum {
            aggregator: aggregator.clone(),
            bond,
            roots,
        });
        Self::deposit_event(Event::SumPosted {
            round: id,
            aggregator,
            contributions: round.standing,
            roots,
        });
        Self::enter(&mut round, PrivateEvent::Posted, Self::now(), p);
        Rounds::<T>::insert(id, round);
        Ok(())
    }

    /// The contributions that stand, in the order of their places.
    pub(crate) fn summed(round: &RoundOf<T>) -> Vec<(T::AccountId, Contributor)> {
        Participants::<T>::get(round.id)
            .into_iter()
            .filter_map(|account| {
                Some((account.clone(), Contributors::<T>::get(round.id, account)?))
            })
            .filter(|(_, c)| round.standing.contains(c.place))
            .collect()
    }

    pub(crate) fn do_answer_decryption(
        account: T::AccountId,
        id: RoundId,
        hash: H256,
        cid: Cid,
    ) -> DispatchResult {
        let mut round = Self::round_before_deadline(id, &[PrivatePhase::Decryption])?;
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let least = terms.parameters.get().cohort.minimum;
        // The phases see to it; the check stands where it would matter most.
        ensure!(round.standing.count() >= least, Error::<T>::CohortTooSmall);
        let epoch = Epochs::<T>::get(round.epoch).ok_or(Error::<T>::UnknownEpoch)?;
        let member = epoch.place(&account).ok_or(Error::<T>::NotMember)?;
        ensure!(names(epoch.standing(), member), Error::<T>::NotMember);
        ensure!(
            !names(round.answered(), member),
            Error::<T>::AlreadyAnswered
        );
        round
            .answers
            .try_push(DecryptionAnswer { member, hash, cid })
            .map_err(|_| Error::<T>::AlreadyAnswered)?;
        round.awaiting = round.awaiting.saturating_sub(1);
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::DecryptionAnswered {
            round: id,
            member,
            hash,
            cid,
        });
        Ok(())
    }

    /// Silent members pay; with t answers the sum can be opened, on a shard where one waits.
    pub(crate) fn end_decryption(round: &mut RoundOf<T>, terms: &PrivateTerms) -> PrivateEvent {
        let p: &PrivateParameters = &terms.parameters;
        let Some(mut epoch) = Epochs::<T>::get(round.epoch) else {
            return PrivateEvent::Empty;
        };
        let silent = epoch.standing() & !round.answered();
        Self::punish_members(&mut epoch, silent, p);
        let decryptable = round.decryptable(&epoch);
        Epochs::<T>::insert(round.epoch, epoch);
        if !decryptable {
            return PrivateEvent::Empty;
        }
        let window = terms.recipe.context.checked_add(1);
        round.shard = window.and_then(|w| T::Data::take_shard(round.id.branch, w));
        if round.shard.is_some() {
            PrivateEvent::ShardDue
        } else {
            PrivateEvent::Complete
        }
    }
}
