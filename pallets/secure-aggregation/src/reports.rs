// SPDX-License-Identifier: GPL-3.0-or-later
//! The held-out shard, the auditors' reports, and what two thirds of them settle.

use crate::{Config, Epochs, Error, Event, Pallet, Rounds, Seats, Terms};
use alloc::vec::Vec;
use dream_primitives::cid::Cid;
use dream_primitives::claim::RoundId;
use dream_primitives::emission::PARTS;
use dream_primitives::private::committee::names;
use dream_primitives::private::round::{PrivateEvent, PrivatePhase, PrivateRound, PrivateTerms};
use dream_primitives::private::settle::{
    cohort_id, common_report, fee_each, gain, reward_each, PrivateReport, VersionReport,
};
use dream_primitives::private::KEY_SEGMENTS;
use dream_primitives::registry::{ModelRegistry, NewVersion};
use dream_primitives::version::{contributions_root, Contribution};
use dream_primitives::H256;
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;

type RoundOf<T> = PrivateRound<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_open_shard(account: T::AccountId, id: RoundId, cid: Cid) -> DispatchResult {
        let mut round = Self::round_before_deadline(id, &[PrivatePhase::ShardOpening])?;
        let shard = round.shard.as_ref().ok_or(Error::<T>::NoShard)?;
        ensure!(shard.steward == account, Error::<T>::NotSteward);
        ensure!(round.shard_cid.is_none(), Error::<T>::AlreadyOpen);
        round.shard_cid = Some(cid);
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::ShardOpened { round: id, cid });
        Ok(())
    }

    pub(crate) fn do_commit_report(
        account: T::AccountId,
        id: RoundId,
        commitment: H256,
    ) -> DispatchResult {
        let mut round = Self::round_before_deadline(id, &[PrivatePhase::Combination])?;
        Self::with_seat(id, &account, |seat| {
            ensure!(seat.commitment.is_none(), Error::<T>::ReportCommitted);
            seat.commitment = Some(commitment);
            Ok(())
        })?;
        round.awaiting = round.awaiting.saturating_sub(1);
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::ReportCommitted {
            round: id,
            auditor: account,
        });
        Ok(())
    }

    /// Whether a report says what reports of this round have to say.
    fn check_report(
        round: &RoundOf<T>,
        terms: &PrivateTerms,
        report: &PrivateReport,
    ) -> Result<(), Error<T>> {
        match report {
            PrivateReport::Version(version) => {
                let stateless = terms.recipe.server.moments() == 0;
                let fits = version.server_root.is_zero() == stateless
                    && version.server_cid.is_none() == stateless;
                ensure!(fits, Error::<T>::BadServerState);
                let scored = version.score.is_some() == round.shard_cid.is_some();
                ensure!(scored, Error::<T>::BadScore);
            }
            PrivateReport::OutOfRange { segment } => {
                ensure!(*segment < KEY_SEGMENTS, Error::<T>::NoSuchSegment);
            }
            PrivateReport::Undecryptable => {}
        }
        Ok(())
    }

    pub(crate) fn do_reveal_report(
        account: T::AccountId,
        id: RoundId,
        report: PrivateReport,
        salt: H256,
    ) -> DispatchResult {
        let mut round = Self::round_before_deadline(id, &[PrivatePhase::Reveal])?;
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        Self::with_seat(id, &account, |seat| {
            let commitment = seat.commitment.ok_or(Error::<T>::NoReportCommitted)?;
            ensure!(seat.report.is_none(), Error::<T>::AlreadyRevealed);
            let right = report.commitment(&Self::genesis(), &Self::raw(&account), &id, &salt);
            ensure!(commitment == right, Error::<T>::WrongReport);
            Self::check_report(&round, &terms, &report)?;
            seat.report = Some(report);
            Ok(())
        })?;
        round.awaiting = round.awaiting.saturating_sub(1);
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::ReportRevealed {
            round: id,
            auditor: account,
        });
        Ok(())
    }

    /// What the reports come to. Whoever served the round is paid once two thirds agree, whatever on.
    pub(crate) fn settle(round: &mut RoundOf<T>, terms: &PrivateTerms) -> PrivateEvent {
        round.settled = common_report(&Seats::<T>::get(round.id));
        let Some(report) = round.settled else {
            return PrivateEvent::Empty;
        };
        let gained = Self::gained(round, &report);
        Self::deposit_event(Event::ReportSettled {
            round: round.id,
            report,
            gain: gained,
        });
        Self::pay_fee(round, terms, &report);
        match report {
            PrivateReport::Version(_) if gained > 0 => PrivateEvent::Complete,
            PrivateReport::OutOfRange { .. } => {
                round.disclosing = round.standing;
                PrivateEvent::OutOfRange
            }
            _ => PrivateEvent::Empty,
        }
    }

    fn gained(round: &RoundOf<T>, report: &PrivateReport) -> u64 {
        let score = report.version().and_then(|v| v.score);
        score
            .zip(round.shard.as_ref())
            .map_or(0, |(score, shard)| gain(&score, shard.samples))
    }

    /// Splits the fee over members that answered, auditors that agreed and the aggregator.
    fn pay_fee(round: &mut RoundOf<T>, terms: &PrivateTerms, report: &PrivateReport) {
        let fees = &terms.parameters.get().fees;
        let wrong = report.version().map_or(0, |v| v.wrong);
        let fee = core::mem::take(&mut round.fee);
        let right = round.answered() & !wrong;
        let members: Vec<T::AccountId> = Epochs::<T>::get(round.epoch).map_or_else(Vec::new, |e| {
            e.numbered()
                .filter(|(i, _)| names(right, *i))
                .map(|(_, m)| m.account.clone())
                .collect()
        });
        let auditors = Self::reporters(round);
        for (accounts, share) in [(members, fees.member_share), (auditors, fees.auditor_share)] {
            let each = fee_each(fee, share, accounts.len());
            for account in &accounts {
                Self::pay(round, account, each);
            }
        }
        let rest = PARTS
            .saturating_sub(fees.member_share)
            .saturating_sub(fees.auditor_share);
        if let Some(aggregator) = round.sum.as_ref().map(|s| s.aggregator.clone()) {
            Self::pay(round, &aggregator, fee_each(fee, rest, 1));
        }
    }

    /// The cohort's one contribution to a version.
    pub(crate) fn contribution(round: &RoundOf<T>, version: &VersionReport) -> Contribution {
        let standing = round.standing.count();
        Contribution {
            claim: cohort_id(&Self::genesis(), &round.id, &version.delta_root),
            delta_root: version.delta_root,
            weight: u16::try_from(standing).unwrap_or(u16::MAX),
        }
    }

    /// Makes the version that stood its window the head, and sets what the cohort is paid for its gain.
    pub(crate) fn promote(round: &mut RoundOf<T>, terms: &PrivateTerms) {
        let Some(report) = round.settled else {
            return;
        };
        let Some(version) = report.version() else {
            return;
        };
        let contribution = Self::contribution(round, version);
        let new = NewVersion {
            state_root: version.state_root,
            server_root: version.server_root,
            cid: version.cid,
            server_cid: version.server_cid,
            contributions_root: contributions_root(&[contribution]),
        };
        let branch = round.id.branch;
        let header = T::Models::branch(branch)
            .filter(|info| !info.frozen)
            .and_then(|_| T::Models::next_header(branch, round.base, new, &terms.recipe));
        // The branch may have been moved or frozen meanwhile: then nothing entered it, and nothing is paid.
        if let Some(head) = header.and_then(T::Models::advance) {
            let gained = Self::gained(round, &report);
            round.reward = reward_each(&terms.job, gained, round.standing.count());
            Self::deposit_event(Event::Promoted {
                round: round.id,
                version: head,
                cohort: contribution.claim,
            });
        }
    }
}
