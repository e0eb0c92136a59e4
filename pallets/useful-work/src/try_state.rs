// SPDX-License-Identifier: GPL-3.0-or-later
//! Invariants, checked after every test and by `try-runtime`.

use crate::{
    ActiveRounds, Bonds, Candidates, ClaimOf, Claims, Config, CurrentRound, HoldReason, Pallet,
    PendingIssuance, Producers, RoundClaims, Rounds, Terms,
};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use codec::Encode;
use dream_primitives::math::to_u32;
use dream_primitives::round::{Phase, MAX_CLAIMS};
use dream_primitives::{Balance, SUPPLY_CAP};
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
            let paid_out =
                round.phase == Phase::Closed || record.committee.iter().all(|s| s.bond == 0);
            if !paid_out {
                pending = record
                    .receipts
                    .iter()
                    .fold(pending, |n, r| n.saturating_add(r.amount));
            }
            ensure!(
                record.history.last().map(|h| h.state) == Some(record.state),
                "a claim's history is behind"
            );
        }
        for id in Candidates::<T>::iter_keys() {
            let drawing = Rounds::<T>::get(id).is_some_and(|r| r.phase == Phase::Drawing);
            ensure!(drawing, "candidates outlive the draw");
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
            if let Some(pay) = round.pay.filter(|_| round.phase == Phase::Paying) {
                pending = pending.saturating_add(pay.total().saturating_sub(round.receipted));
            }
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
                bond.locked.saturating_add(leaving) <= bond.total,
                "more is locked than bonded"
            );
            let locked = locks.remove(&account.encode()).unwrap_or(0);
            ensure!(locked == bond.locked, "a bond's locks do not add up");
        }
        ensure!(
            locks.values().all(|l| *l == 0),
            "something is locked without a bond"
        );
        ensure!(
            pending == PendingIssuance::<T>::get(),
            "receipts are not what is pending"
        );
        let issued = T::Currency::total_issuance().saturating_add(pending);
        ensure!(issued <= SUPPLY_CAP, "the supply passes its cap");
        Ok(())
    }
}
