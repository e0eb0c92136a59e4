// SPDX-License-Identifier: GPL-3.0-or-later
//! What is lost, and who gets it.

use crate::{Bonds, Config, Event, HoldReason, Pallet};
use alloc::vec::Vec;
use dream_primitives::params::ChainParameters;
use dream_primitives::round::ClaimRecord;
use dream_primitives::{trial, Balance, H256};
use polkadot_sdk::frame_support::traits::fungible::MutateHold;
use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision, Restriction};

type Record<T> = ClaimRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;

/// Bonds lost in one affair and who was right in it.
pub(crate) struct Judgement<AccountId> {
    /// Who loses how much of what it has locked.
    pub(crate) lost: Vec<(AccountId, Balance)>,
    /// Who was right.
    pub(crate) right: Vec<AccountId>,
}

impl<AccountId> Judgement<AccountId> {
    pub(crate) fn new() -> Self {
        Self {
            lost: Vec::new(),
            right: Vec::new(),
        }
    }

    /// Takes a whole bond.
    pub(crate) fn take(&mut self, account: AccountId, bond: &mut Balance) {
        let amount = core::mem::take(bond);
        if amount > 0 {
            self.lost.push((account, amount));
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Carries a judgement out: of each lost bond its burn share is burned, the rest is split evenly among those who
    /// were right; who lost something is not among them. Freezes (votes) do not shield a bond.
    pub(crate) fn carry_out(
        claim: H256,
        judgement: Judgement<T::AccountId>,
        parameters: &ChainParameters,
    ) {
        let Judgement { lost, mut right } = judgement;
        right.sort();
        right.dedup();
        right.retain(|a| lost.iter().all(|(loser, _)| loser != a));
        let share = parameters.bonds.burn_share;
        let kept: Vec<Balance> = lost
            .iter()
            .map(|(_, amount)| amount.saturating_sub(trial::burned(*amount, share)))
            .collect();
        let payments = trial::split(&kept, right.len());
        for (at, (loser, amount)) in lost.iter().enumerate() {
            let mut left = *amount;
            for (_, winner, part) in payments.iter().filter(|p| p.0 == at) {
                let Some(winner) = right.get(*winner) else {
                    continue;
                };
                left = left.saturating_sub(Self::award(claim, loser, winner, *part));
            }
            let _ = T::Currency::burn_held(
                &HoldReason::Bond.into(),
                loser,
                left,
                Precision::BestEffort,
                Fortitude::Force,
            );
            Self::forget_locked(loser, *amount);
            Self::deposit_event(Event::BondSlashed {
                account: loser.clone(),
                claim,
                amount: *amount,
                burned: left,
            });
        }
    }

    /// Moves part of a lost bond to who was right; returns what was moved. What cannot be moved is burned by the caller.
    fn award(claim: H256, from: &T::AccountId, to: &T::AccountId, amount: Balance) -> Balance {
        let moved = T::Currency::transfer_on_hold(
            &HoldReason::Bond.into(),
            from,
            to,
            amount,
            Precision::Exact,
            Restriction::Free,
            Fortitude::Force,
        )
        .unwrap_or(0);
        if moved > 0 {
            Self::deposit_event(Event::BondAwarded {
                account: to.clone(),
                claim,
                amount: moved,
            });
        }
        moved
    }

    /// Takes a locked amount that is not held any more off the books.
    pub(crate) fn forget_locked(account: &T::AccountId, amount: Balance) {
        Bonds::<T>::mutate_exists(account, |slot| {
            if let Some(bond) = slot {
                bond.locked = bond.locked.saturating_sub(amount);
                bond.lose(amount);
                if bond.total == 0 {
                    *slot = None;
                }
            }
        });
    }

    /// The miner loses its availability deposit; what is not burned goes to those whose time it wasted.
    pub(crate) fn forfeit_availability(
        id: H256,
        record: &mut Record<T>,
        right: Vec<T::AccountId>,
        parameters: &ChainParameters,
    ) {
        let amount = parameters.bonds.availability.min(record.bond);
        record.bond = record.bond.saturating_sub(amount);
        let mut judgement = Judgement::new();
        judgement.take(record.miner.clone(), &mut { amount });
        judgement.right = right;
        Self::carry_out(id, judgement, parameters);
    }

    /// Burns the silence part of the seats that did not do what they were drawn for.
    pub(crate) fn punish_silence(id: H256, record: &mut Record<T>, parameters: &ChainParameters) {
        let silent: Vec<bool> = record
            .committee
            .iter()
            .map(|s| record.was_silent(s))
            .collect();
        for (seat, _) in record.committee.iter_mut().zip(silent).filter(|s| s.1) {
            let amount = parameters.bonds.silence.min(seat.bond);
            let burned = Self::burn_locked(&seat.verifier, id, amount);
            seat.bond = seat.bond.saturating_sub(burned);
        }
    }
}
