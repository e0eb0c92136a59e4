// SPDX-License-Identifier: GPL-3.0-or-later
//! What contributors do.

use crate::{
    Config, Contributors, Epochs, Error, Event, Jobs, OpenedRoots, Pallet, Participants, Rounds,
    Terms,
};
use dream_primitives::claim::RoundId;
use dream_primitives::private::round::{
    CiphertextRoots, Contributor, ContributorState, PrivatePhase, PrivateRound, SegmentDisclosure,
};
use dream_primitives::private::settle::PrivateReport;
use dream_primitives::registry::BondLedger;
use dream_primitives::H256;
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;

type RoundOf<T> = PrivateRound<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// A round in one of some phases whose time is not over and which is not being swept.
    pub(crate) fn round_in(id: RoundId, phases: &[PrivatePhase]) -> Result<RoundOf<T>, Error<T>> {
        let round = Rounds::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let open = phases.contains(&round.phase) && round.cursor.is_none();
        ensure!(open, Error::<T>::WrongPhase);
        Ok(round)
    }

    /// As [`Self::round_in`], while the phase's time lasts.
    pub(crate) fn round_before_deadline(
        id: RoundId,
        phases: &[PrivatePhase],
    ) -> Result<RoundOf<T>, Error<T>> {
        let round = Self::round_in(id, phases)?;
        ensure!(Self::now() < round.deadline, Error::<T>::WindowClosed);
        Ok(round)
    }

    pub(crate) fn do_register(account: T::AccountId, id: RoundId) -> DispatchResult {
        let mut round = Self::round_before_deadline(id, &[PrivatePhase::Registration])?;
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let p = terms.parameters.get();
        let member = Epochs::<T>::get(round.epoch).is_some_and(|e| e.place(&account).is_some());
        let sponsor = Jobs::<T>::get(id.branch).is_some_and(|j| j.sponsor == account);
        ensure!(!member && !sponsor, Error::<T>::OtherRole);
        let born = round.opened.checked_sub(p.cohort.age);
        let since = T::Bonds::since(&account);
        let old = since.zip(born).is_some_and(|(since, born)| since <= born);
        ensure!(old, Error::<T>::AccountTooYoung);
        let counted = T::Bonds::counted(&account, round.opened);
        ensure!(counted >= p.bonds.contribution, Error::<T>::BondTooSmall);
        let known = Contributors::<T>::contains_key(id, &account);
        ensure!(!known, Error::<T>::AlreadyRegistered);
        let mut all = Participants::<T>::get(id);
        all.try_push(account.clone())
            .map_err(|_| Error::<T>::TooManyRegistrants)?;
        let locked = T::Bonds::lock(&account, p.bonds.contribution);
        ensure!(locked, Error::<T>::BondTooSmall);
        Participants::<T>::insert(id, all);
        Contributors::<T>::insert(
            id,
            &account,
            Contributor {
                state: ContributorState::Registered,
                bond: p.bonds.contribution,
                place: 0,
                commitment: None,
                roots: None,
                segment: None,
                disclosure: None,
                exposure: None,
            },
        );
        round.participants = round.participants.saturating_add(1);
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::Registered { round: id, account });
        Ok(())
    }

    fn drawn(id: RoundId, account: &T::AccountId) -> Result<Contributor, Error<T>> {
        Contributors::<T>::get(id, account)
            .filter(|c| c.state != ContributorState::Registered)
            .ok_or(Error::<T>::NotInCohort)
    }

    pub(crate) fn do_commit_contribution(
        account: T::AccountId,
        id: RoundId,
        commitment: H256,
    ) -> DispatchResult {
        let mut round = Self::round_before_deadline(id, &[PrivatePhase::Commitment])?;
        let mut contributor = Self::drawn(id, &account)?;
        let first = contributor.commitment.is_none();
        ensure!(first, Error::<T>::AlreadyCommitted);
        contributor.commitment = Some(commitment);
        contributor.state = ContributorState::Committed;
        Contributors::<T>::insert(id, &account, contributor);
        round.awaiting = round.awaiting.saturating_sub(1);
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::ContributionCommitted { round: id, account });
        Ok(())
    }

    pub(crate) fn do_open_contribution(
        account: T::AccountId,
        id: RoundId,
        roots: CiphertextRoots,
        salt: H256,
    ) -> DispatchResult {
        let mut round = Self::round_before_deadline(id, &[PrivatePhase::Opening])?;
        let mut contributor = Self::drawn(id, &account)?;
        let commitment = contributor.commitment.ok_or(Error::<T>::NotCommitted)?;
        ensure!(contributor.roots.is_none(), Error::<T>::AlreadyOpened);
        let right = roots.commitment(&Self::genesis(), &Self::raw(&account), &id, &salt);
        ensure!(commitment == right, Error::<T>::WrongOpening);
        let known = [roots.data, roots.keys]
            .iter()
            .any(|root| OpenedRoots::<T>::contains_key(id, root));
        ensure!(
            !known && roots.data != roots.keys,
            Error::<T>::RepeatedCiphertext
        );
        OpenedRoots::<T>::insert(id, roots.data, ());
        OpenedRoots::<T>::insert(id, roots.keys, ());
        contributor.roots = Some(roots);
        contributor.state = ContributorState::Opened;
        round.standing.insert(contributor.place);
        round.awaiting = round.awaiting.saturating_sub(1);
        Contributors::<T>::insert(id, &account, contributor);
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::ContributionOpened {
            round: id,
            account,
            roots,
        });
        Ok(())
    }

    pub(crate) fn do_disclose(
        account: T::AccountId,
        id: RoundId,
        disclosure: SegmentDisclosure,
    ) -> DispatchResult {
        let phases = [PrivatePhase::Disclosure, PrivatePhase::Exposure];
        let mut round = Self::round_before_deadline(id, &phases)?;
        let mut contributor = Self::drawn(id, &account)?;
        let asked = round.disclosing.contains(contributor.place);
        let at_fault = round.phase == PrivatePhase::Exposure;
        let segment = match round.settled {
            Some(PrivateReport::OutOfRange { segment }) => Some(segment),
            _ => contributor.segment,
        };
        let segment = segment.filter(|_| asked);
        let segment = segment.ok_or(Error::<T>::NothingToDisclose)?;
        let slot = if at_fault {
            &mut contributor.exposure
        } else {
            &mut contributor.disclosure
        };
        ensure!(slot.is_none(), Error::<T>::AlreadyDisclosed);
        let key_asked = disclosure.key_seed.is_some() == at_fault;
        ensure!(key_asked, Error::<T>::KeySeed);
        *slot = Some(disclosure);
        Contributors::<T>::insert(id, &account, contributor);
        round.awaiting = round.awaiting.saturating_sub(1);
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::SegmentDisclosed {
            round: id,
            account,
            segment,
        });
        Ok(())
    }
}
