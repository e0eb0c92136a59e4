// SPDX-License-Identifier: GPL-3.0-or-later
//! Branches that their owner pays: no emission, no credits.

use crate::{
    Config, Error, Escrow, Escrows, Event, FundedBranches, HoldReason, Pallet, MAX_FUNDED,
};
use alloc::vec::Vec;
use dream_primitives::math::to_u32;
use dream_primitives::registry::SetAside;
use dream_primitives::registry::{Funding, ModelRegistry};
use dream_primitives::{Balance, BranchId};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::MutateHold;
use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision, Restriction};
use polkadot_sdk::sp_runtime::TokenError;

impl<T: Config> Pallet<T> {
    /// Branches on which rounds may open: admitted ones, then funded ones.
    pub(crate) fn working_branches() -> Vec<BranchId> {
        let mut all = T::Models::admitted();
        let funded = FundedBranches::<T>::get();
        let more: Vec<BranchId> = funded.into_iter().filter(|b| !all.contains(b)).collect();
        all.extend(more);
        all
    }

    pub(crate) fn do_fund_branch(
        owner: T::AccountId,
        branch: BranchId,
        amount: Balance,
        per_round: Balance,
        unit_price: Balance,
    ) -> DispatchResult {
        let info = T::Models::branch(branch).ok_or(Error::<T>::UnknownBranch)?;
        ensure!(info.owner == owner, Error::<T>::NotTheOwner);
        ensure!(info.admission.is_none(), Error::<T>::BranchAdmitted);
        ensure!(!info.frozen, Error::<T>::BranchFrozen);
        ensure!(per_round > 0 && unit_price > 0, Error::<T>::ZeroAmount);
        let mut escrow = Escrows::<T>::get(branch).unwrap_or_else(|| Escrow::new(owner.clone()));
        escrow.balance = escrow.balance.saturating_add(amount);
        escrow.per_round = per_round;
        escrow.unit_price = unit_price;
        ensure!(escrow.free() >= per_round, Error::<T>::EscrowTooSmall);
        Self::list_funded(branch, escrow.free())?;
        // Paid in spite of freezes: what a vote froze would get out.
        ensure!(
            T::SetAside::may_set_aside(&owner, amount),
            TokenError::Frozen
        );
        T::Currency::hold(&HoldReason::Escrow.into(), &owner, amount)?;
        Self::deposit_event(Event::BranchFunded {
            branch,
            balance: escrow.balance,
            per_round,
            unit_price,
        });
        Escrows::<T>::insert(branch, escrow);
        Ok(())
    }

    /// Puts a branch on the list; when it is full, in the place of the one with the smallest free escrow, which would
    /// otherwise keep others out at no cost.
    fn list_funded(branch: BranchId, free: Balance) -> Result<(), Error<T>> {
        FundedBranches::<T>::try_mutate(|funded| {
            if funded.contains(&branch) {
                return Ok(());
            }
            if to_u32(funded.len()) == MAX_FUNDED {
                let least = |b: &BranchId| Escrows::<T>::get(b).map_or(0, |e| e.free());
                let (at, lowest) = funded
                    .iter()
                    .map(least)
                    .enumerate()
                    .min_by_key(|(_, free)| *free)
                    .ok_or(Error::<T>::TooManyFunded)?;
                ensure!(lowest < free, Error::<T>::TooManyFunded);
                funded.remove(at);
            }
            funded
                .try_push(branch)
                .map_err(|_| Error::<T>::TooManyFunded)
        })
    }

    pub(crate) fn do_withdraw_escrow(
        owner: T::AccountId,
        branch: BranchId,
        amount: Balance,
    ) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let mut escrow = Escrows::<T>::get(branch).ok_or(Error::<T>::NotFunded)?;
        ensure!(escrow.owner == owner, Error::<T>::NotTheOwner);
        ensure!(escrow.free() >= amount, Error::<T>::EscrowTooSmall);
        let reason = HoldReason::Escrow.into();
        T::Currency::release(&reason, &owner, amount, Precision::Exact)?;
        escrow.balance = escrow.balance.saturating_sub(amount);
        Self::store_escrow(branch, escrow);
        Self::deposit_event(Event::EscrowWithdrawn { branch, amount });
        Ok(())
    }

    /// Stores an escrow; one that is empty is dropped, one that cannot pay a round leaves the list, and one that can again
    /// comes back to it, where it has a place.
    fn store_escrow(branch: BranchId, escrow: Escrow<T::AccountId>) {
        if escrow.free() < escrow.per_round {
            FundedBranches::<T>::mutate(|funded| funded.retain(|b| *b != branch));
        } else {
            let _ = Self::list_funded(branch, escrow.free());
        }
        Escrows::<T>::set(branch, (escrow.balance > 0).then_some(escrow));
    }

    /// How a branch's next round is funded; `None` when by nobody.
    pub(crate) fn escrow_funding(branch: BranchId) -> Option<Funding> {
        let escrow = Escrows::<T>::get(branch).filter(|e| e.free() >= e.per_round)?;
        Some(Funding::Escrow {
            per_round: escrow.per_round,
            unit_price: escrow.unit_price,
        })
    }

    /// Sets aside what a round that opens may pay at most; returns it.
    pub(crate) fn reserve_escrow(branch: BranchId, funding: &Funding) -> Balance {
        let Funding::Escrow { per_round, .. } = funding else {
            return 0;
        };
        Escrows::<T>::mutate(branch, |slot| {
            slot.as_mut().map_or(0, |escrow| {
                let amount = escrow.free().min(*per_round);
                escrow.reserved = escrow.reserved.saturating_add(amount);
                amount
            })
        })
    }

    /// Gives back to a branch's escrow what a round will not pay.
    pub(crate) fn free_escrow(branch: BranchId, amount: Balance) {
        let Some(mut escrow) = Escrows::<T>::get(branch) else {
            return;
        };
        escrow.reserved = escrow.reserved.saturating_sub(amount);
        Self::store_escrow(branch, escrow);
    }

    /// Pays out of what a round has set aside; `false` when the receiver cannot be paid, which leaves it to the owner.
    pub(crate) fn pay_from_escrow(branch: BranchId, to: &T::AccountId, amount: Balance) -> bool {
        let Some(mut escrow) = Escrows::<T>::get(branch) else {
            return false;
        };
        escrow.reserved = escrow.reserved.saturating_sub(amount);
        let paid = T::Currency::transfer_on_hold(
            &HoldReason::Escrow.into(),
            &escrow.owner,
            to,
            amount,
            Precision::Exact,
            Restriction::Free,
            Fortitude::Force,
        )
        .unwrap_or(0);
        escrow.balance = escrow.balance.saturating_sub(paid);
        Self::store_escrow(branch, escrow);
        paid > 0
    }
}
