// SPDX-License-Identifier: GPL-3.0-or-later
//! Invariants, checked after every test and by `try-runtime`.

use crate::{
    ActiveRounds, ActiveTrials, Bonds, Candidates, ClaimOf, Claims, Config, CreditHistory, Credits,
    CurrentRound, Escrows, Exposure, FundedBranches, HoldReason, Newcomers, OutsideLocks, Pallet,
    PendingIssuance, Producers, ProfileStakes, Profiles, Residuals, RoundClaims, Rounds, Terms,
    Tickets, TotalCredits, TrialSeats, TrialWindows, Trials, Valuations, Verifiers,
};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use codec::Encode;
use dream_primitives::claim::RoundId;
use dream_primitives::credits::RING;
use dream_primitives::feedback::CarriedResidual;
use dream_primitives::math::{to_u32, to_usize};
use dream_primitives::registry::{CreditSnapshots, Funding};
use dream_primitives::round::{ClaimRecord, ClaimState, Phase, Round, MAX_CLAIMS};
use dream_primitives::ticket::Entry;
use dream_primitives::trial::Stage;
use dream_primitives::{Balance, BranchId, H256, SUPPLY_CAP};
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::{Inspect, InspectHold};
use polkadot_sdk::sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Bonds equal holds and locks, receipts equal what is pending, the supply stays under its cap, and rounds,
    /// claims and indices agree.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let mut locks: BTreeMap<Vec<u8>, Balance> = BTreeMap::new();
        let mut lock = |account: &T::AccountId, amount: Balance| {
            let entry = locks.entry(account.encode()).or_default();
            *entry = entry.saturating_add(amount);
        };
        let mut exposure: BTreeMap<H256, Balance> = BTreeMap::new();
        let mut trials: BTreeMap<RoundId, u32> = BTreeMap::new();
        for (claim, verifier, seat) in TrialSeats::<T>::iter() {
            ensure!(
                Trials::<T>::contains_key(claim),
                "a seat outlives its trial"
            );
            lock(&verifier, seat.bond);
        }
        OutsideLocks::<T>::iter().for_each(|(account, amount)| lock(&account, amount));
        let active = ActiveTrials::<T>::get();
        ensure!(
            active.len() == Trials::<T>::iter_keys().count()
                && active.iter().all(Trials::<T>::contains_key),
            "a trial does not move"
        );
        for (branch, account, profile) in Profiles::<T>::iter() {
            ensure!(
                Verifiers::<T>::get(branch).contains(&account) == profile.enlisted.is_some(),
                "a profile and the list of verifiers disagree"
            );
        }
        for (branch, account, carried) in Residuals::<T>::iter() {
            let record = Claims::<T>::get(carried.claim);
            let left = |r: &ClaimRecord<T::AccountId>| {
                let claim = &r.claim;
                r.merged
                    && (claim.round.branch, &r.miner) == (branch, &account)
                    && CarriedResidual::of(carried.claim, claim) == Some(carried)
                    && !matches!(r.state, ClaimState::Slashed | ClaimState::Void)
            };
            ensure!(
                record.is_none_or(|r| left(&r)),
                "a residual is not its claim's"
            );
        }
        let mut pending = Producers::<T>::get().balance;
        for (id, record) in Claims::<T>::iter() {
            let round = Rounds::<T>::get(record.claim.round).ok_or("a claim's round is unknown")?;
            ensure!(
                ClaimOf::<T>::get(record.claim.round, &record.miner) == Some(id),
                "a claim is not its miner's"
            );
            ensure!(
                RoundClaims::<T>::get(record.claim.round).contains(&id) || round.cursor.is_some(),
                "a claim is not in its round"
            );
            lock(&record.miner, record.bond);
            for seat in &record.committee {
                ensure!(seat.verifier != record.miner, "a miner audits itself");
                ensure!(
                    seat.verdict.is_none() || seat.commitment.is_some(),
                    "a verdict without a commitment"
                );
                lock(&seat.verifier, seat.bond);
            }
            let paid_out = Self::paid_out(&round, &id);
            if !paid_out {
                let promised = record
                    .receipts
                    .iter()
                    .fold(0, |n: Balance, r| n.saturating_add(r.amount));
                if !Self::escrow_paid(&record.claim.round) {
                    pending = pending.saturating_add(promised);
                }
                let entry = exposure.entry(record.claim.profile).or_default();
                *entry = entry.saturating_add(promised);
            }
            let out = matches!(
                record.state,
                ClaimState::Reverted
                    | ClaimState::Challenged
                    | ClaimState::Slashed
                    | ClaimState::Void
            );
            let reverted = record.state == ClaimState::Reverted;
            ensure!(
                record.reverted || !reverted,
                "a reverted claim is not marked"
            );
            ensure!(
                !record.reverted || out && record.merged,
                "a claim that was taken out is back"
            );
            let on_trial = matches!(
                record.state,
                ClaimState::Escalated | ClaimState::OnTrial | ClaimState::Challenged
            );
            ensure!(
                on_trial == Trials::<T>::contains_key(id),
                "a trial and its claim disagree"
            );
            if let Some(trial) = Trials::<T>::get(id) {
                let count = trials.entry(record.claim.round).or_default();
                *count = count.saturating_add(1u32);
                if let Some(challenger) = trial.challenger {
                    lock(&challenger.account, challenger.bond);
                }
                ensure!(
                    (trial.stage == Stage::Seeding) == TrialWindows::<T>::contains_key(id),
                    "a trial's window and its stage disagree"
                );
            }
            ensure!(
                record.history.last().map(|h| h.state) == Some(record.state),
                "a claim's history is behind"
            );
        }
        for (id, valuation) in Valuations::<T>::iter() {
            ensure!(
                Rounds::<T>::contains_key(id),
                "a valuation outlives its round"
            );
            for seat in &valuation.seats {
                lock(&seat.scorer, seat.bond);
                if !Self::escrow_paid(&id) {
                    pending = pending.saturating_add(seat.reward);
                }
            }
        }
        for id in Candidates::<T>::iter_keys() {
            let settled = |phase| {
                matches!(
                    phase,
                    Phase::Merging
                        | Phase::Dispute
                        | Phase::Paying
                        | Phase::Vesting
                        | Phase::Closed
                )
            };
            let open = Rounds::<T>::get(id).is_some_and(|r| !settled(r.phase));
            ensure!(open, "candidates outlive what is drawn from them");
        }
        for (id, round) in Rounds::<T>::iter() {
            ensure!(Terms::<T>::contains_key(id), "a round has no terms");
            ensure!(
                round.claims == to_u32(RoundClaims::<T>::get(id).len()),
                "a round's claims do not add up"
            );
            ensure!(round.claims <= MAX_CLAIMS, "a round has too many claims");
            ensure!(
                CurrentRound::<T>::get(id.branch) >= Some(id.number),
                "a round is from the future"
            );
            let idle = matches!(round.phase, Phase::Vesting | Phase::Closed);
            ensure!(
                idle || ActiveRounds::<T>::get().contains(&id),
                "a moving round is not active"
            );
            let paying = round.phase == Phase::Paying && !Self::escrow_paid(&id);
            if let Some(pay) = round.pay.filter(|_| paying) {
                pending = pending.saturating_add(pay.total().saturating_sub(round.receipted));
            }
            ensure!(
                round.trials == trials.get(&id).copied().unwrap_or(0),
                "a round's trials do not add up"
            );
            let paying = round.phase == Phase::Paying;
            ensure!(
                paying || !ProfileStakes::<T>::contains_key(id),
                "stakes outlive the paying"
            );
            if let Some(merge) = &round.merge {
                lock(&merge.merger, merge.bond);
            }
        }
        Self::try_merges(&mut lock)?;
        for (account, bond) in Bonds::<T>::iter() {
            let held = T::Currency::balance_on_hold(&HoldReason::Bond.into(), &account);
            ensure!(held == bond.total, "a bond is not what is held");
            let leaving = bond.unbonding.map_or(0, |(amount, _)| amount);
            ensure!(
                bond.founding <= bond.staying(),
                "a founding bond is on its way out"
            );
            ensure!(
                bond.locked.max(leaving) <= bond.total,
                "more is locked or leaving than bonded"
            );
            let locked = locks.remove(&account.encode()).unwrap_or(0);
            ensure!(locked == bond.locked, "a bond's locks do not add up");
        }
        ensure!(
            locks.values().all(|l| *l == 0),
            "something is locked without a bond"
        );
        Self::check_escrows()?;
        Self::check_newcomers()?;
        Self::check_credits()?;
        ensure!(
            pending == PendingIssuance::<T>::get(),
            "receipts are not what is pending"
        );
        for (leaf, amount) in Exposure::<T>::iter() {
            ensure!(
                exposure.remove(&leaf) == Some(amount),
                "a profile's exposure is not what its claims are promised"
            );
        }
        ensure!(
            exposure.values().all(|e| *e == 0),
            "a profile's exposure is missing"
        );
        let issued = T::Currency::total_issuance().saturating_add(pending);
        ensure!(issued <= SUPPLY_CAP, "the supply passes its cap");
        Ok(())
    }

    /// Whether a claim's receipts are paid out.
    fn paid_out(round: &Round<T::AccountId>, claim: &H256) -> bool {
        let claims = RoundClaims::<T>::get(round.id);
        let index = claims.iter().position(|c| c == claim);
        let swept = index.is_some_and(|i| round.cursor.is_some_and(|c| i < to_usize(c)));
        round.phase == Phase::Closed || round.phase == Phase::Vesting && swept
    }

    fn escrow_paid(round: &RoundId) -> bool {
        Terms::<T>::get(round).is_some_and(|t| matches!(t.funding, Funding::Escrow { .. }))
    }

    /// An escrow is what is held of its owner, and what it has set aside is what its rounds still may pay.
    fn check_escrows() -> Result<(), TryRuntimeError> {
        let mut reserved: BTreeMap<BranchId, Balance> = BTreeMap::new();
        let mut held: BTreeMap<Vec<u8>, (T::AccountId, Balance)> = BTreeMap::new();
        for (id, round) in Rounds::<T>::iter().filter(|(id, _)| Self::escrow_paid(id)) {
            let entry = reserved.entry(id.branch).or_default();
            if !matches!(round.phase, Phase::Vesting | Phase::Closed) {
                *entry = entry.saturating_add(round.emission);
                continue;
            }
            let unpaid = RoundClaims::<T>::get(id)
                .into_iter()
                .filter(|claim| !Self::paid_out(&round, claim))
                .filter_map(Claims::<T>::get)
                .flat_map(|r| r.receipts);
            *entry = unpaid.fold(*entry, |n, r| n.saturating_add(r.amount));
            let seats = Valuations::<T>::get(id)
                .map(|v| v.seats)
                .unwrap_or_default();
            *entry = seats.iter().fold(*entry, |n, s| n.saturating_add(s.reward));
        }
        for (branch, escrow) in Escrows::<T>::iter() {
            let expected = reserved.remove(&branch).unwrap_or(0);
            ensure!(
                escrow.reserved == expected && expected <= escrow.balance,
                "an escrow has not set aside what its rounds may pay"
            );
            let entry = held
                .entry(escrow.owner.encode())
                .or_insert((escrow.owner.clone(), 0));
            entry.1 = entry.1.saturating_add(escrow.balance);
        }
        ensure!(
            reserved.values().all(|r| *r == 0),
            "a round is to be paid from no escrow"
        );
        for (owner, sum) in held.values() {
            let hold = T::Currency::balance_on_hold(&HoldReason::Escrow.into(), owner);
            ensure!(hold == *sum, "an escrow is not what is held");
        }
        // A branch may stay on the list while its own round has set aside what the next one needs.
        let pays = |b: &BranchId| {
            Escrows::<T>::get(b).is_some_and(|e| e.free() >= e.per_round || e.reserved > 0)
        };
        let funded = FundedBranches::<T>::get();
        ensure!(funded.iter().all(pays), "a funded branch cannot pay");
        Ok(())
    }

    /// The credits of all are never less than those of each, now and in every epoch that is kept; histories are ascending.
    fn check_credits() -> Result<(), TryRuntimeError> {
        let now = Self::credit_epoch();
        let sum = |of: &dyn Fn(&T::AccountId) -> u128| {
            Credits::<T>::iter_keys().fold(0u128, |n, who| n.saturating_add(of(&who)))
        };
        let all = sum(&|who| Credits::<T>::get(who).at(now));
        ensure!(
            all <= TotalCredits::<T>::get().at_up(now),
            "credits are more than their total"
        );
        for epoch in now.saturating_sub(RING)..now {
            let total = Self::total(epoch).ok_or("an epoch of the ring is not kept")?;
            let all = sum(&|who| Self::credits(who, epoch));
            ensure!(all <= total, "credits were more than their total");
        }
        for (who, history) in CreditHistory::<T>::iter() {
            let last = Credits::<T>::get(who).step;
            ensure!(
                history.is_sorted_by(|a, b| a.step < b.step)
                    && history.iter().all(|c| c.step < last),
                "a credit history is out of order"
            );
        }
        Ok(())
    }

    /// Tickets are ascending, one an account; slots exist only until training ends.
    fn check_newcomers() -> Result<(), TryRuntimeError> {
        let sound = |entries: &[Entry<T::AccountId>]| {
            let mut accounts: Vec<&T::AccountId> = entries.iter().map(|e| &e.account).collect();
            accounts.sort();
            accounts.dedup();
            accounts.len() == entries.len() && entries.is_sorted_by_key(|e| e.work)
        };
        ensure!(
            Tickets::<T>::iter_values().all(|entries| sound(&entries)),
            "tickets are out of order"
        );
        for (id, entries) in Newcomers::<T>::iter() {
            let open = Rounds::<T>::get(id)
                .is_some_and(|r| matches!(r.phase, Phase::Seeding | Phase::Training));
            ensure!(open && sound(&entries), "slots outlive training");
        }
        Ok(())
    }
}
