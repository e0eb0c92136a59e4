// SPDX-License-Identifier: GPL-3.0-or-later
//! Bonds, profiles and the list of verifiers.

use crate::{
    AdmittedProfiles, Bond, Bonds, Config, Error, Event, HoldReason, Pallet, ProfileRecord,
    Profiles, Verifiers, MAX_VERIFIERS,
};
use codec::Encode;
use dream_primitives::emission::PARTS;
use dream_primitives::math::{mul_div, to_u128, to_u32};
use dream_primitives::profile::ProfileSettings;
use dream_primitives::registry::ModelRegistry;
use dream_primitives::{Balance, BlockNumber, BranchId, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::MutateHold;
use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision, Restriction};
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

    pub(crate) fn do_bond(account: T::AccountId, amount: Balance) -> DispatchResult {
        ensure!(amount > 0, Error::<T>::ZeroAmount);
        let now = Self::now();
        let longest = T::Parameters::get()
            .round
            .length()
            .unwrap_or(BlockNumber::MAX);
        let new = || Bond {
            since: now,
            ..Default::default()
        };
        let mut bond = Bonds::<T>::get(&account).unwrap_or_else(new);
        bond.add(amount, now, longest)
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

    /// Locks a free part of a bond.
    pub(crate) fn lock(account: &T::AccountId, amount: Balance) -> Result<(), Error<T>> {
        Bonds::<T>::try_mutate(account, |bond| {
            let bond = bond.as_mut().ok_or(Error::<T>::BondTooSmall)?;
            ensure!(bond.free() >= amount, Error::<T>::BondTooSmall);
            bond.locked = bond.locked.saturating_add(amount);
            Ok(())
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
        Self::shrink(account, burned);
        Self::deposit_event(Event::BondBurned {
            account: account.clone(),
            claim,
            amount: burned,
        });
        burned
    }

    /// Takes `amount` of what an account has locked: `burn_share` parts of a million, and what does not divide, are burned;
    /// the rest goes to the winners in equal parts. Without winners all of it is burned. Returns what each winner got.
    /// Freezes (votes) do not shield a bond.
    pub(crate) fn split_loss(
        account: &T::AccountId,
        amount: Balance,
        burn_share: u32,
        winners: &[T::AccountId],
    ) -> Balance {
        let reason = HoldReason::Bond.into();
        let kept = PARTS.saturating_sub(burn_share);
        let prize = mul_div(amount, Balance::from(kept), Balance::from(PARTS)).unwrap_or(0);
        let each = prize.checked_div(to_u128(winners.len())).unwrap_or(0);
        let mut left = amount;
        for winner in winners {
            // A winner whose account is gone, and whose part is below the existential deposit, leaves it to be burned.
            let moved = T::Currency::transfer_on_hold(
                &reason,
                account,
                winner,
                each,
                Precision::BestEffort,
                Restriction::Free,
                Fortitude::Force,
            );
            left = left.saturating_sub(moved.unwrap_or(0));
        }
        let burned = T::Currency::burn_held(
            &reason,
            account,
            left,
            Precision::BestEffort,
            Fortitude::Force,
        )
        .unwrap_or(0);
        let lost = amount.saturating_sub(left).saturating_add(burned);
        Self::shrink(account, lost);
        Self::deposit_event(Event::BondLost {
            account: account.clone(),
            burned,
            paid: lost.saturating_sub(burned),
        });
        each
    }

    /// Takes what is gone from a bond's books.
    fn shrink(account: &T::AccountId, lost: Balance) {
        Bonds::<T>::mutate_exists(account, |slot| {
            if let Some(bond) = slot {
                bond.locked = bond.locked.saturating_sub(lost);
                bond.total = bond.total.saturating_sub(lost);
                if bond.total == 0 {
                    *slot = None;
                }
            }
        });
    }

    /// Whether a calibration leaf may be computed under now.
    pub(crate) fn profile_admitted(leaf: &H256) -> bool {
        T::Parameters::get().audit.admit_any_profile || AdmittedProfiles::<T>::contains_key(leaf)
    }

    pub(crate) fn do_register_profile(
        account: T::AccountId,
        branch: BranchId,
        settings: ProfileSettings,
        leaf: H256,
    ) -> DispatchResult {
        ensure!(
            T::Models::branch(branch).is_some(),
            Error::<T>::UnknownBranch
        );
        let admitted = Self::profile_admitted(&leaf);
        ensure!(admitted, Error::<T>::ProfileNotAdmitted);
        let record = ProfileRecord {
            settings,
            leaf,
            since: Self::now(),
        };
        Profiles::<T>::insert(branch, &account, record);
        Self::deposit_event(Event::ProfileRegistered {
            branch,
            account,
            leaf,
        });
        Ok(())
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
                // Those that have taken their bond out keep no place.
                all.retain(|a| Bonds::<T>::get(a).is_some_and(|b| b.staying() >= seat));
            }
            all.try_push(account.clone())
                .map_err(|_| Error::<T>::TooManyVerifiers)
        })?;
        Self::deposit_event(Event::VerifierEnlisted { branch, account });
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
        Self::deposit_event(Event::VerifierRetired { branch, account });
        Ok(())
    }

    pub(crate) fn do_admit_profile(leaf: H256, admit: bool) -> DispatchResult {
        if admit {
            AdmittedProfiles::<T>::insert(leaf, ());
            Self::deposit_event(Event::ProfileAdmitted { leaf });
        } else {
            AdmittedProfiles::<T>::remove(leaf);
            Self::deposit_event(Event::ProfileDismissed { leaf });
        }
        Ok(())
    }
}
