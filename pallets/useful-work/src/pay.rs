// SPDX-License-Identifier: GPL-3.0-or-later
//! Emission, receipts and vesting.

use crate::{
    Config, Event, Exposure, Pallet, ParentAuthor, PendingIssuance, ProducerPot, Producers, Terms,
};
use alloc::vec::Vec;
use dream_primitives::claim::RoundId;
use dream_primitives::emission;
use dream_primitives::math::{mul_div, to_u64};
use dream_primitives::params::ChainParameters;
use dream_primitives::registry::Funding;
use dream_primitives::round::{ClaimEvent, ClaimRecord, ClaimState, Receipt, Role, Round};
use dream_primitives::{Balance, BlockNumber, H256};
use polkadot_sdk::frame_support::traits::fungible::{Inspect, Mutate};
use polkadot_sdk::frame_support::traits::Get;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type Record<T> = ClaimRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// Work units of `segments` segments in a round.
    pub(crate) fn units(round: RoundId, segments: u64) -> u128 {
        Terms::<T>::get(round).map_or(0, |terms| {
            u128::from(segments)
                .saturating_mul(u128::from(terms.recipe.segment_tokens()))
                .saturating_mul(u128::from(terms.funding.units_per_token()))
        })
    }

    /// Units of a settled claim: of its training, where that is paid, and of its right replays.
    pub(crate) fn units_of(record: &Record<T>) -> (u128, u128) {
        let round = record.claim.round;
        let segments = if record.earns() {
            record.claim.segments
        } else {
            0
        };
        let right = record.committee.iter().filter(|s| record.was_right(s));
        let replays = to_u64(right.count()).saturating_add(to_u64(record.larger.len()));
        let replayed = replays.saturating_mul(to_u64(record.audited.len()));
        (
            Self::units(round, u64::from(segments)),
            Self::units(round, replayed),
        )
    }

    /// Adds a settled claim's units to its round's totals.
    pub(crate) fn count_units(round: &mut RoundOf<T>, record: &Record<T>) {
        let (trained, replayed) = Self::units_of(record);
        round.units = round.units.saturating_add(trained);
        round.audit_units = round.audit_units.saturating_add(replayed);
    }

    /// Takes out of a round's totals what a claim had added: its units before it was judged again.
    pub(crate) fn uncount_units(round: &mut RoundOf<T>, (trained, replayed): (u128, u128)) {
        round.units = round.units.saturating_sub(trained);
        round.audit_units = round.audit_units.saturating_sub(replayed);
    }

    /// Who pays a round.
    fn funding(round: RoundId) -> Option<Funding> {
        Terms::<T>::get(round).map(|terms| terms.funding)
    }

    /// Gives back what was set aside for a round and will not be paid.
    pub(crate) fn free_pay(round: RoundId, amount: Balance) {
        match Self::funding(round) {
            Some(Funding::Escrow { .. }) => Self::free_escrow(round.branch, amount),
            _ => PendingIssuance::<T>::mutate(|p| *p = p.saturating_sub(amount)),
        }
    }

    /// Pays what was set aside for a round: mints it, or takes it out of the escrow. `false` when the account was emptied
    /// meanwhile and its pay is below the existential deposit, which revives nobody.
    pub(crate) fn pay_set_aside(round: RoundId, to: &T::AccountId, amount: Balance) -> bool {
        match Self::funding(round) {
            Some(Funding::Escrow { .. }) => Self::pay_from_escrow(round.branch, to, amount),
            _ => {
                PendingIssuance::<T>::mutate(|p| *p = p.saturating_sub(amount));
                T::Currency::mint_into(to, amount).is_ok()
            }
        }
    }

    /// Fixes what the round pays, and counts all of it against the supply cap. Its emission is that of the blocks since
    /// it opened: a branch gathers none while it has no round. Replays are verified work like the training that they
    /// check, so their units count too.
    pub(crate) fn set_emission_aside(
        round: &mut RoundOf<T>,
        now: BlockNumber,
        parameters: &ChainParameters,
    ) {
        if round.replays.is_some() {
            return;
        }
        let units = round.units.saturating_add(round.audit_units);
        let rewards = &parameters.rewards;
        round.pay = Some(match Self::funding(round.id) {
            Some(Funding::Escrow { unit_price, .. }) => {
                emission::escrow_pay(rewards, round.emission, unit_price, units)
            }
            funding => {
                let share = funding.map_or(0, |f| f.share());
                let pending = PendingIssuance::<T>::get();
                let issued = T::Currency::total_issuance().saturating_add(pending);
                round.emission = emission::due(rewards, round.opened, now, share, issued);
                let pay = emission::round_pay(rewards, round.emission, units);
                PendingIssuance::<T>::put(pending.saturating_add(pay.total()));
                pay
            }
        });
    }

    /// Writes a claim's receipts and moves it into the merge that holds it.
    pub(crate) fn write_receipts(
        round: &mut RoundOf<T>,
        id: H256,
        record: &mut Record<T>,
        parameters: &ChainParameters,
    ) {
        if let Some(merge) = &round.merge {
            record.merged = record.contributes(false)
                || merge.stands.is_some_and(|since| record.felled_since(since));
            if record.state == ClaimState::Accepted {
                Self::move_claim(record, ClaimEvent::Merge);
            }
            Self::carry_residual(id, record);
        }
        let Some(pay) = round.pay else { return };
        let vests_at = Self::now().saturating_add(parameters.round.retention_blocks());
        let mut receipts = Vec::new();
        let canary = record.state == ClaimState::Canary;
        if record.earns() {
            let units = Self::units(round.id, u64::from(record.claim.segments));
            let amount = mul_div(pay.miners, units, round.units).unwrap_or(0);
            let most = if canary {
                parameters.rewards.canary_fee
            } else {
                parameters.rewards.max_claim_reward
            };
            receipts.push((record.miner.clone(), Role::Miner, units, amount.min(most)));
        }
        let units = Self::units(round.id, to_u64(record.audited.len()));
        let amount = mul_div(pay.verifiers, units, round.audit_units).unwrap_or(0);
        let right = record.committee.iter().filter(|s| record.was_right(s));
        let verifiers = right.map(|s| &s.verifier).chain(&record.larger);
        receipts.extend(verifiers.map(|v| (v.clone(), Role::Verifier, units, amount)));
        Self::cap_by_profile(round.id, id, record, &mut receipts, parameters);
        for (account, role, units, amount) in receipts.into_iter().filter(|r| r.3 > 0) {
            let receipt = Receipt {
                account: account.clone(),
                role,
                units,
                amount,
                vests_at,
            };
            if record.receipts.try_push(receipt).is_ok() {
                round.receipted = round.receipted.saturating_add(amount);
                Self::deposit_event(Event::Rewarded {
                    claim: id,
                    account,
                    role,
                    units,
                    amount,
                });
            }
        }
    }

    /// Cuts a claim's receipts to what its profile's claims may still earn, all in the same proportion.
    fn cap_by_profile(
        round: RoundId,
        id: H256,
        record: &Record<T>,
        receipts: &mut [(T::AccountId, Role, u128, Balance)],
        parameters: &ChainParameters,
    ) {
        let profile = record.claim.profile;
        let room = Self::room_to_earn(round, &profile, parameters);
        let all = receipts
            .iter()
            .fold(0, |n: Balance, r| n.saturating_add(r.3));
        if all > room {
            for receipt in receipts.iter_mut() {
                receipt.3 = mul_div(receipt.3, room, all).unwrap_or(0);
            }
            Self::deposit_event(Event::ProfileCapped {
                claim: id,
                profile,
                cut: all.saturating_sub(room),
            });
        }
        let promised = receipts
            .iter()
            .fold(0, |n: Balance, r| n.saturating_add(r.3));
        if promised > 0 {
            Exposure::<T>::mutate(profile, |e| *e = e.saturating_add(promised));
        }
    }

    /// Mints the treasury's share, puts the block producers' share in their pot, and gives back to the cap what no
    /// receipt was written for.
    pub(crate) fn mint_shares(round: &RoundOf<T>) {
        let Some(pay) = round.pay else { return };
        // A share below the existential deposit is not minted while the treasury has no account.
        let _ = T::Currency::mint_into(&T::Treasury::get(), pay.treasury);
        // Over as many blocks as the round took.
        let blocks = Balance::from(Self::now().saturating_sub(round.opened).max(1));
        let balance = Producers::<T>::get().balance.saturating_add(pay.producers);
        Producers::<T>::put(ProducerPot {
            balance,
            per_block: balance.div_ceil(blocks),
        });
        let kept = round.receipted.saturating_add(pay.producers);
        let set_aside = match Self::funding(round.id) {
            Some(Funding::Escrow { .. }) => round.emission,
            _ => pay.total(),
        };
        Self::free_pay(round.id, set_aside.saturating_sub(kept));
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
    pub(crate) fn pay_out(id: H256, record: &mut Record<T>) {
        // What was faked on duty is paid, but earns no voice. A revert takes a claim out of the model; pay and credits go
        // with a lost jury only.
        let canary = record.state == ClaimState::Canary;
        let round = record.claim.round;
        let stands = record.reverted && !record.was_felled();
        let vests = Self::move_claim(record, ClaimEvent::Vest).is_some() && !canary;
        if (vests || stands) && Self::earns_credits(round) {
            let units = Self::units(round, u64::from(record.claim.segments));
            Self::grant_credits(&record.miner, units);
        }
        for receipt in &record.receipts {
            Exposure::<T>::mutate_exists(record.claim.profile, |e| {
                *e = e
                    .map(|e| e.saturating_sub(receipt.amount))
                    .filter(|e| *e > 0);
            });
            if Self::pay_set_aside(round, &receipt.account, receipt.amount) {
                if record.newcomer && receipt.role == Role::Miner {
                    Self::bond_reward(&receipt.account, receipt.amount);
                }
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
}
