// SPDX-License-Identifier: GPL-3.0-or-later
//! Votes of the auditors, and what becomes of a contributor at the end of a phase.

use crate::{Config, Error, Event, Pallet, Seats};
use alloc::vec;
use alloc::vec::Vec;
use dream_primitives::claim::RoundId;
use dream_primitives::private::params::PrivateParameters;
use dream_primitives::private::round::{
    AuditorSeat, ContributionVotes, Contributor, ContributorState, PrivatePhase, PrivateRound,
};
use dream_primitives::private::settle::{finding, Finding};
use dream_primitives::registry::BondLedger;
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;

type RoundOf<T> = PrivateRound<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// Changes the caller's seat.
    pub(crate) fn with_seat(
        id: RoundId,
        account: &T::AccountId,
        act: impl FnOnce(&mut AuditorSeat<T::AccountId>) -> Result<(), Error<T>>,
    ) -> Result<(), Error<T>> {
        Seats::<T>::try_mutate(id, |seats| {
            let seat = seats.iter_mut().find(|s| s.auditor == *account);
            act(seat.ok_or(Error::<T>::NoSeat)?)
        })
    }

    pub(crate) fn do_vote(
        account: T::AccountId,
        id: RoundId,
        votes: ContributionVotes,
    ) -> DispatchResult {
        let phases = [PrivatePhase::Audit, PrivatePhase::Blame];
        let mut round = Self::round_before_deadline(id, &phases)?;
        Self::with_seat(id, &account, |seat| {
            ensure!(seat.votes.is_none(), Error::<T>::AlreadyVoted);
            let all = [votes.lacking, votes.blank, votes.faulty];
            let within = all.iter().all(|mask| mask.within(&round.standing));
            ensure!(within, Error::<T>::VoteOutsideCohort);
            let audited = [votes.blank, votes.faulty];
            let audited = audited.iter().all(|mask| mask.within(&round.disclosing));
            ensure!(audited, Error::<T>::VoteOutsideAudit);
            seat.votes = Some(votes);
            Ok(())
        })?;
        round.awaiting = round.awaiting.saturating_sub(1);
        crate::Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::ContributionsJudged {
            round: id,
            auditor: account,
        });
        Ok(())
    }

    /// Votes on what was exposed begin anew.
    pub(crate) fn forget_votes(id: RoundId) {
        Seats::<T>::mutate(id, |seats| seats.iter_mut().for_each(|s| s.votes = None));
    }

    /// Burns the silence part of the bonds of the seats that a condition names.
    pub(crate) fn punish_seats(
        id: RoundId,
        p: &PrivateParameters,
        silent: impl Fn(&AuditorSeat<T::AccountId>) -> bool,
    ) {
        let affair = Self::round_affair(id);
        Seats::<T>::mutate(id, |seats| {
            for seat in seats.iter_mut().filter(|s| silent(s)) {
                Self::punish_silence(affair, &seat.auditor, &mut seat.bond, p);
            }
        });
    }

    /// Who was drawn and did not open is a drop-out.
    pub(crate) fn close_opening(
        round: &RoundOf<T>,
        account: &T::AccountId,
        contributor: &mut Contributor,
        p: &PrivateParameters,
    ) {
        if contributor.state != ContributorState::Opened {
            let affair = Self::round_affair(round.id);
            Self::punish_silence(affair, account, &mut contributor.bond, p);
            Self::leave_out(round.id, account, contributor, ContributorState::Out);
        }
    }

    fn leave_out(
        id: RoundId,
        account: &T::AccountId,
        contributor: &mut Contributor,
        state: ContributorState,
    ) {
        contributor.state = state;
        Self::deposit_event(Event::ContributionLeftOut {
            round: id,
            account: account.clone(),
            faulty: state == ContributorState::Faulty,
        });
    }

    /// Takes a contributor's whole bond; part of it goes to those who showed the fault.
    pub(crate) fn condemn(
        id: RoundId,
        account: &T::AccountId,
        contributor: &mut Contributor,
        right: Vec<T::AccountId>,
    ) {
        let bond = core::mem::take(&mut contributor.bond);
        let lost = vec![(account.clone(), bond)];
        T::Bonds::slash(Self::round_affair(id), lost, right);
        Self::leave_out(id, account, contributor, ContributorState::Faulty);
    }

    fn accusers(seats: &[AuditorSeat<T::AccountId>], place: u16) -> Vec<T::AccountId> {
        seats
            .iter()
            .filter(|s| s.votes.is_some_and(|v| v.faulty.contains(place)))
            .map(|s| s.auditor.clone())
            .collect()
    }

    /// Who stands after the audit is summed.
    pub(crate) fn close_audit(
        round: &mut RoundOf<T>,
        account: &T::AccountId,
        contributor: &mut Contributor,
        seats: &[AuditorSeat<T::AccountId>],
        p: &PrivateParameters,
    ) {
        if contributor.state != ContributorState::Opened {
            return;
        }
        let place = contributor.place;
        let silent = round.disclosing.contains(place) && contributor.disclosure.is_none();
        if silent {
            let affair = Self::round_affair(round.id);
            Self::punish_silence(affair, account, &mut contributor.bond, p);
            Self::leave_out(round.id, account, contributor, ContributorState::Out);
        } else {
            match finding(seats, place) {
                Finding::Sound => contributor.state = ContributorState::Standing,
                Finding::Left => {
                    Self::leave_out(round.id, account, contributor, ContributorState::Out);
                }
                Finding::Faulty => {
                    let right = Self::accusers(seats, place);
                    Self::condemn(round.id, account, contributor, right);
                }
            }
        }
        if contributor.state != ContributorState::Standing {
            round.standing.remove(place);
        }
    }

    /// Where a sum is out of range, who hides its segment or sent a faulty one loses its bond; the cohort is void.
    pub(crate) fn close_blame(
        round: &RoundOf<T>,
        account: &T::AccountId,
        contributor: &mut Contributor,
        seats: &[AuditorSeat<T::AccountId>],
    ) {
        if contributor.state != ContributorState::Standing {
            return;
        }
        let place = contributor.place;
        if contributor.exposure.is_none() {
            Self::condemn(round.id, account, contributor, Vec::new());
        } else if finding(seats, place) == Finding::Faulty {
            let right = Self::accusers(seats, place);
            Self::condemn(round.id, account, contributor, right);
        } else {
            Self::leave_out(round.id, account, contributor, ContributorState::Out);
        }
    }
}
