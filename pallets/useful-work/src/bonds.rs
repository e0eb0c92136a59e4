// SPDX-License-Identifier: GPL-3.0-or-later
//! Bonds and the list of verifiers.

use crate::{
    ActiveRounds, Bond, Bonds, Config, Error, Event, FoundationRetired, HoldReason, Pallet,
    Profiles, Rounds, Verifiers, MAX_VERIFIERS,
};
use codec::Encode;
use dream_primitives::math::to_u32;
use dream_primitives::round::Phase;
use dream_primitives::{Balance, BlockNumber, BoundedVec, BranchId, ConstU32, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::MutateHold;
use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision};
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_system;
use polkadot_sdk::sp_runtime::traits::{SaturatedConversion, Zero};

impl<T: Config> Pallet<T> {
    /// Current block as the protocol's block number.
    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// Genesis hash: what binds hashes to this chain.
    pub fn genesis() -> H256 {
        let hash = frame_system::Pallet::<T>::block_hash(
            polkadot_sdk::frame_system::pallet_prelude::BlockNumberFor::<T>::zero(),
        );
        let mut out = H256::zero();
        out.0
            .iter_mut()
            .zip(hash.as_ref())
            .for_each(|(o, b)| *o = *b);
        out
    }

    /// An account's 32 bytes as hashes take them.
    pub(crate) fn raw(account: &T::AccountId) -> [u8; 32] {
        let mut out = [0u8; 32];
        out.iter_mut()
            .zip(account.encode())
            .for_each(|(o, b)| *o = b);
        out
    }

    /// Block at which the oldest round opened that may still draw or judge; the current one where there is none.
    fn oldest_open(now: BlockNumber) -> BlockNumber {
        let active = ActiveRounds::<T>::get();
        let rounds = active.iter().filter_map(Rounds::<T>::get);
        let open = rounds.filter(|r| !matches!(r.phase, Phase::Vesting | Phase::Closed));
        open.map(|r| r.opened).min().unwrap_or(now)
    }

    pub(crate) fn do_bond(account: T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let now = Self::now();
        let new = || Bond {
            since: now,
            ..Default::default()
        };
        let mut bond = Bonds::<T>::get(&account).unwrap_or_else(new);
        bond.add(amount, now, Self::oldest_open(now))
            .ok_or(Error::<T>::TooManyAdditions)?;
        T::Currency::hold(&HoldReason::Bond.into(), &account, amount)?;
        Bonds::<T>::insert(&account, bond);
        Self::deposit_event(Event::Bonded { account, amount });
        Ok(())
    }

    pub(crate) fn do_unbond(account: T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let withdrawable = Self::now().saturating_add(T::Parameters::get().bonds.unbonding_blocks);
        Bonds::<T>::try_mutate(&account, |bond| {
            let bond = bond.as_mut().ok_or(Error::<T>::BondTooSmall)?;
            ensure!(bond.unbonding.is_none(), Error::<T>::AlreadyUnbonding);
            ensure!(bond.free() >= amount, Error::<T>::BondTooSmall);
            ensure!(bond.releasable() >= amount, Error::<T>::FoundingBond);
            bond.unbonding = Some((amount, withdrawable));
            Ok::<(), Error<T>>(())
        })?;
        Self::deposit_event(Event::Unbonding {
            account,
            amount,
            withdrawable,
        });
        Ok(())
    }

    pub(crate) fn do_withdraw(account: T::AccountId) -> DispatchResult {
        let bond = Bonds::<T>::get(&account).ok_or(Error::<T>::NothingUnbonding)?;
        let (amount, withdrawable) = bond.unbonding.ok_or(Error::<T>::NothingUnbonding)?;
        ensure!(Self::now() >= withdrawable, Error::<T>::StillUnbonding);
        // A seat may have locked what was on its way out.
        let loose = bond.total.saturating_sub(bond.locked);
        ensure!(amount <= loose, Error::<T>::StillLocked);
        let released = T::Currency::release(
            &HoldReason::Bond.into(),
            &account,
            amount,
            Precision::BestEffort,
        )?;
        let total = bond.total.saturating_sub(amount);
        Bonds::<T>::set(
            &account,
            (total > 0).then_some(Bond {
                total,
                unbonding: None,
                ..bond
            }),
        );
        Self::deposit_event(Event::Withdrawn {
            account,
            amount: released,
        });
        Ok(())
    }

    /// The part of a bond that waits to be burned and is locked no more.
    fn retiring(bond: &Bond) -> Balance {
        let retired = bond.founding > 0 && FoundationRetired::<T>::get();
        if retired {
            bond.founding
        } else {
            0
        }
    }

    /// Locks a free part of a bond.
    pub(crate) fn lock(account: &T::AccountId, amount: Balance) -> Result<(), Error<T>> {
        Bonds::<T>::try_mutate(account, |bond| {
            let bond = bond.as_mut().ok_or(Error::<T>::BondTooSmall)?;
            let free = bond.free().saturating_sub(Self::retiring(bond));
            ensure!(free >= amount, Error::<T>::BondTooSmall);
            bond.locked = bond.locked.saturating_add(amount);
            Ok(())
        })
    }

    /// Locks as much of `amount` as is not locked yet, also of what is on its way out: who is drawn cannot step aside by
    /// unbonding. Returns what was locked.
    pub(crate) fn lock_up_to(account: &T::AccountId, amount: Balance) -> Balance {
        Bonds::<T>::mutate(account, |bond| {
            bond.as_mut().map_or(0, |bond| {
                let loose = bond.total.saturating_sub(bond.locked);
                let amount = amount.min(loose.saturating_sub(Self::retiring(bond)));
                bond.locked = bond.locked.saturating_add(amount);
                amount
            })
        })
    }

    /// Frees what was locked.
    pub(crate) fn unlock(account: &T::AccountId, amount: Balance) {
        Bonds::<T>::mutate(account, |bond| {
            if let Some(bond) = bond {
                bond.locked = bond.locked.saturating_sub(amount);
            }
        });
    }

    /// Burns part of what is locked; returns what was burned. Freezes (votes) do not shield a bond.
    pub(crate) fn burn_locked(account: &T::AccountId, claim: H256, amount: Balance) -> Balance {
        let reason = HoldReason::Bond.into();
        let burned = T::Currency::burn_held(
            &reason,
            account,
            amount,
            Precision::BestEffort,
            Fortitude::Force,
        )
        .unwrap_or(0);
        Self::forget_locked(account, burned);
        Self::deposit_event(Event::BondBurned {
            account: account.clone(),
            claim,
            amount: burned,
        });
        burned
    }

    pub(crate) fn do_enlist(account: T::AccountId, branch: BranchId) -> DispatchResult {
        ensure!(
            Profiles::<T>::contains_key(branch, &account),
            Error::<T>::WrongProfile
        );
        let seat = T::Parameters::get().bonds.seat;
        let bond = Bonds::<T>::get(&account).ok_or(Error::<T>::BondTooSmall)?;
        ensure!(bond.free() >= seat, Error::<T>::BondTooSmall);
        Verifiers::<T>::try_mutate(branch, |all| {
            ensure!(!all.contains(&account), Error::<T>::AlreadyEnlisted);
            if to_u32(all.len()) == MAX_VERIFIERS {
                Self::make_room(branch, all, bond.staying())?;
            }
            all.try_push(account.clone())
                .map_err(|_| Error::<T>::TooManyVerifiers)
        })?;
        Self::note_enlisted(branch, &account, Some(Self::now()));
        Self::deposit_event(Event::VerifierEnlisted { branch, account });
        Ok(())
    }

    fn note_enlisted(branch: BranchId, account: &T::AccountId, since: Option<BlockNumber>) {
        Profiles::<T>::mutate(branch, account, |profile| {
            if let Some(profile) = profile {
                profile.enlisted = since;
            }
        });
    }

    /// Takes the smallest bond off a full list, of equals the one that came last, where the newcomer's is larger: else
    /// accounts that have little more than a seat could keep everybody else out. Seats already drawn stay.
    fn make_room(
        branch: BranchId,
        all: &mut BoundedVec<T::AccountId, ConstU32<MAX_VERIFIERS>>,
        bond: Balance,
    ) -> Result<(), Error<T>> {
        let staying = |a: &T::AccountId| Bonds::<T>::get(a).map_or(0, |b| b.staying());
        let bonds = all.iter().map(staying).enumerate();
        let (at, _) = bonds
            .rev()
            .min_by_key(|(_, staying)| *staying)
            .filter(|(_, smallest)| *smallest < bond)
            .ok_or(Error::<T>::TooManyVerifiers)?;
        let account = all.remove(at);
        Self::note_enlisted(branch, &account, None);
        Self::deposit_event(Event::VerifierRetired { branch, account });
        Ok(())
    }

    pub(crate) fn do_retire(account: T::AccountId, branch: BranchId) -> DispatchResult {
        Verifiers::<T>::try_mutate(branch, |all| {
            let at = all
                .iter()
                .position(|a| *a == account)
                .ok_or(Error::<T>::NotEnlisted)?;
            all.remove(at);
            Ok::<(), Error<T>>(())
        })?;
        Self::note_enlisted(branch, &account, None);
        Self::deposit_event(Event::VerifierRetired { branch, account });
        Ok(())
    }
}
