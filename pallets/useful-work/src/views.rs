// SPDX-License-Identifier: GPL-3.0-or-later
//! What the runtime API answers with.

use crate::{
    ActiveTrials, Claims, Config, CurrentRound, Pallet, RoundClaims, Rounds, TrialSeats, Trials,
};
use alloc::vec::Vec;
use dream_primitives::claim::RoundId;
use dream_primitives::round::Phase;
use dream_primitives::trial::{Level, Stage};
use dream_primitives::views::{AuditView, ClaimView, RoundView, TrialView};
use dream_primitives::{BranchId, H256};

impl<T: Config> Pallet<T> {
    /// A claim with its whole history; `None` when unknown or pruned.
    pub fn claim_view(id: H256) -> Option<ClaimView<T::AccountId>> {
        Claims::<T>::get(id).map(|record| ClaimView {
            id,
            record,
            trial: Trials::<T>::get(id),
        })
    }

    /// A branch's latest round; `None` when it never had one.
    pub fn round_view(branch: BranchId) -> Option<RoundView<T::AccountId>> {
        let id = RoundId {
            branch,
            number: CurrentRound::<T>::get(branch)?,
        };
        let round = Rounds::<T>::get(id)?;
        Some(RoundView {
            round,
            claims: RoundClaims::<T>::get(id).into_inner(),
        })
    }

    /// Audits of the current rounds that wait for an act of `account`.
    pub fn open_audits(account: &T::AccountId) -> Vec<AuditView> {
        Self::working_branches()
            .into_iter()
            .filter_map(Self::round_view)
            .flat_map(|view| {
                let round = view.round;
                view.claims.into_iter().filter_map(move |claim| {
                    let record = Claims::<T>::get(claim)?;
                    let seat = record.committee.iter().find(|s| s.verifier == *account)?;
                    let waits = match round.phase {
                        Phase::Availability => seat.availability.is_none(),
                        Phase::Commitment => seat.commitment.is_none(),
                        Phase::Reveal => seat.commitment.is_some() && seat.verdict.is_none(),
                        _ => false,
                    };
                    let alive = !record.starts.is_empty();
                    (waits && alive).then(|| AuditView {
                        claim,
                        round: round.id,
                        phase: round.phase,
                        deadline: round.deadline,
                        starts: record.starts.into_inner(),
                        delta_cid: record.claim.delta_cid,
                    })
                })
            })
            .collect()
    }

    /// Trials that wait for an act of `account`: as a seat, or as the miner of a challenged claim.
    pub fn open_trials(account: &T::AccountId) -> Vec<TrialView<T::AccountId>> {
        let view = |claim: H256| {
            let (trial, record) = Trials::<T>::get(claim).zip(Claims::<T>::get(claim))?;
            let seat = TrialSeats::<T>::get(claim, account);
            let waits = match trial.stage {
                Stage::Opening => record.miner == *account && trial.end.is_none(),
                Stage::Seeding => false,
                Stage::Commitment => seat.is_some_and(|s| s.commitment.is_none()),
                Stage::Reveal => seat.is_some_and(|s| s.commitment.is_some() && s.report.is_none()),
            };
            let starts = match trial.level {
                Level::Challenge => trial.start.into_iter().collect(),
                _ => record.starts.into_inner(),
            };
            waits.then_some(TrialView {
                claim,
                round: record.claim.round,
                trial,
                starts,
                delta_cid: record.claim.delta_cid,
            })
        };
        let active = ActiveTrials::<T>::get();
        active.into_iter().filter_map(view).collect()
    }
}
