// SPDX-License-Identifier: GPL-3.0-or-later
//! Emission, receipts, vesting and credits.

use crate::{
    Config, Credits, Event, LastPaid, Pallet, ParentAuthor, PendingIssuance, ProducerPot,
    Producers, Terms, TotalCredits,
};
use dream_primitives::claim::{RoundId, Verdict};
use dream_primitives::emission::{self, RoundPay, PARTS};
use dream_primitives::math::{mul_div, to_u64};
use dream_primitives::params::ChainParameters;
use dream_primitives::round::{ClaimEvent, ClaimRecord, ClaimState, Receipt, Role, Round};
use dream_primitives::{credits, Balance, BlockNumber, H256, SUPPLY_CAP};
use polkadot_sdk::frame_support::traits::fungible::{Inspect, Mutate};
use polkadot_sdk::frame_support::traits::Get;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type Record<T> = ClaimRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// Work units of `segments` segments in a round.
    fn units(round: RoundId, segments: u64) -> u128 {
        Terms::<T>::get(round).map_or(0, |terms| {
            u128::from(segments)
                .saturating_mul(u128::from(terms.recipe.segment_tokens()))
                .saturating_mul(u128::from(terms.admission.units_per_token))
        })
    }

    /// The verdict that turned out right, if the claim has one.
    fn right_verdict(state: ClaimState) -> Option<Verdict> {
        match state {
            ClaimState::Rejected | ClaimState::Slashed => Some(Verdict::Mismatch),
            state if state.accepted() => Some(Verdict::Match),
            _ => None,
        }
    }

    /// Adds a settled claim's units to its round's totals.
    pub(crate) fn count_units(round: &mut RoundOf<T>, record: &Record<T>) {
        let Some(right) = Self::right_verdict(record.state) else {
            return;
        };
        if right == Verdict::Match {
            round.units = round
                .units
                .saturating_add(Self::units(round.id, u64::from(record.claim.segments)));
        }
        let seat = Self::units(round.id, to_u64(record.audited.len()));
        for _ in record.committee.iter().filter(|s| s.verdict == Some(right)) {
            round.audit_units = round.audit_units.saturating_add(seat);
        }
    }

    /// Sets aside the branch's emission since its last paid round, within the supply cap.
    pub(crate) fn set_emission_aside(
        round: &mut RoundOf<T>,
        now: BlockNumber,
        parameters: &ChainParameters,
    ) {
        let branch = round.id.branch;
        let from = LastPaid::<T>::get(branch).unwrap_or(round.opened);
        LastPaid::<T>::insert(branch, now);
        let share = Terms::<T>::get(round.id).map_or(0, |t| t.admission.share);
        let all = emission::between(&parameters.rewards, from, now);
        let due = mul_div(all, Balance::from(share), Balance::from(PARTS)).unwrap_or(0);
        let issued = T::Currency::total_issuance().saturating_add(PendingIssuance::<T>::get());
        round.emission = due.min(SUPPLY_CAP.saturating_sub(issued));
    }

    /// What the round pays. Replays are verified work like the training that they check, so their units count too.
    pub(crate) fn round_pay(round: &RoundOf<T>, parameters: &ChainParameters) -> RoundPay {
        let units = round.units.saturating_add(round.audit_units);
        emission::round_pay(&parameters.rewards, round.emission, units)
    }

    /// Writes a claim's receipts and moves it into the merge that holds it.
    pub(crate) fn write_receipts(
        round: &mut RoundOf<T>,
        id: H256,
        record: &mut Record<T>,
        parameters: &ChainParameters,
    ) {
        if record.state == ClaimState::Accepted && round.merge.is_some() {
            Self::move_claim(record, ClaimEvent::Merge);
        }
        let Some(right) = Self::right_verdict(record.state) else {
            return;
        };
        let pay = Self::round_pay(round, parameters);
        let vests_at = Self::now().saturating_add(parameters.round.retention_blocks());
        let mut write = |account: &T::AccountId, role: Role, units: u128, amount: Balance| {
            let receipt = Receipt {
                account: account.clone(),
                role,
                units,
                amount,
                vests_at,
            };
            if amount > 0 && record.receipts.try_push(receipt).is_ok() {
                PendingIssuance::<T>::mutate(|p| *p = p.saturating_add(amount));
                Self::deposit_event(Event::Rewarded {
                    claim: id,
                    account: account.clone(),
                    role,
                    units,
                    amount,
                });
            }
        };
        if right == Verdict::Match {
            let units = Self::units(round.id, u64::from(record.claim.segments));
            let amount = mul_div(pay.miners, units, round.units).unwrap_or(0);
            write(
                &record.miner,
                Role::Miner,
                units,
                amount.min(parameters.rewards.max_claim_reward),
            );
        }
        let units = Self::units(round.id, to_u64(record.audited.len()));
        let amount = mul_div(pay.verifiers, units, round.audit_units).unwrap_or(0);
        for seat in record.committee.iter().filter(|s| s.verdict == Some(right)) {
            write(&seat.verifier, Role::Verifier, units, amount);
        }
    }

    /// Mints the treasury's share and puts the block producers' share in their pot.
    pub(crate) fn mint_shares(round: &RoundOf<T>, parameters: &ChainParameters) {
        let pay = Self::round_pay(round, parameters);
        // A share below the existential deposit is not minted while the treasury has no account.
        let _ = T::Currency::mint_into(&T::Treasury::get(), pay.treasury);
        if pay.producers > 0 {
            let blocks = Balance::from(parameters.round.length().unwrap_or(1).max(1));
            let pot = Producers::<T>::get();
            let balance = pot.balance.saturating_add(pay.producers);
            Producers::<T>::put(ProducerPot {
                balance,
                per_block: balance.div_ceil(blocks),
            });
            PendingIssuance::<T>::mutate(|p| *p = p.saturating_add(pay.producers));
        }
        Self::deposit_event(Event::RoundPaid {
            round: round.id,
            emission: round.emission,
            units: round.units,
            miners: pay.miners,
            verifiers: pay.verifiers,
        });
    }

    /// Pays the parent block's author from the producers' pot.
    pub(crate) fn pay_producer() {
        let pot = Producers::<T>::get();
        let amount = pot.per_block.min(pot.balance);
        let Some(author) = ParentAuthor::<T>::get().filter(|_| amount > 0) else {
            return;
        };
        if T::Currency::mint_into(&author, amount).is_ok() {
            Producers::<T>::put(ProducerPot {
                balance: pot.balance.saturating_sub(amount),
                ..pot
            });
            PendingIssuance::<T>::mutate(|p| *p = p.saturating_sub(amount));
        }
    }

    /// Pays a claim's receipts out, grants the miner's credits, and frees all bonds of the claim.
    pub(crate) fn pay_out(id: H256, record: &mut Record<T>, parameters: &ChainParameters) {
        if Self::move_claim(record, ClaimEvent::Vest).is_some() {
            let units = Self::units(record.claim.round, u64::from(record.claim.segments));
            Self::grant_credits(&record.miner, units, parameters);
        }
        for receipt in &record.receipts {
            PendingIssuance::<T>::mutate(|p| *p = p.saturating_sub(receipt.amount));
            // An account that was emptied meanwhile and whose pay is below the existential deposit is not revived.
            if T::Currency::mint_into(&receipt.account, receipt.amount).is_ok() {
                Self::deposit_event(Event::Vested {
                    claim: id,
                    account: receipt.account.clone(),
                    role: receipt.role,
                    amount: receipt.amount,
                });
            }
        }
        Self::unlock(&record.miner, record.bond);
        record.bond = 0;
        for seat in &mut record.committee {
            Self::unlock(&seat.verifier, seat.bond);
            seat.bond = 0;
        }
    }

    fn grant_credits(account: &T::AccountId, units: u128, parameters: &ChainParameters) {
        let step = credits::step_of(Self::now(), parameters.rewards.credit_half_life);
        Credits::<T>::mutate(account, |c| c.add(units, step));
        TotalCredits::<T>::mutate(|c| c.add(units, step));
        Self::deposit_event(Event::Credited {
            account: account.clone(),
            amount: units,
        });
    }
}
