// SPDX-License-Identifier: GPL-3.0-or-later
//! Bonds and verifiers as private rounds see them.

use crate::slashing::Judgement;
use crate::{Bonds, Config, CurrentRound, FundedBranches, OutsideLocks, Pallet, Rounds};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use dream_primitives::claim::RoundId;
use dream_primitives::registry::{AuditorRegistry, BondLedger, ModelRegistry, RoundRegistry};
use dream_primitives::round::Phase;
use dream_primitives::{Balance, BlockNumber, BranchId, H256};
use polkadot_sdk::frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    fn note_outside(account: &T::AccountId, change: impl FnOnce(Balance) -> Balance) {
        OutsideLocks::<T>::mutate_exists(account, |slot| {
            *slot = Some(change(slot.unwrap_or(0))).filter(|locked| *locked > 0);
        });
    }
}

impl<T: Config> BondLedger<T::AccountId> for Pallet<T> {
    fn since(account: &T::AccountId) -> Option<BlockNumber> {
        Bonds::<T>::get(account).map(|bond| bond.since)
    }

    fn counted(account: &T::AccountId, opened: BlockNumber) -> Balance {
        Bonds::<T>::get(account).map_or(0, |bond| bond.counted(opened))
    }

    fn lock(account: &T::AccountId, amount: Balance) -> bool {
        let locked = Self::lock(account, amount).is_ok();
        if locked {
            Self::note_outside(account, |n| n.saturating_add(amount));
        }
        locked
    }

    fn lock_up_to(account: &T::AccountId, amount: Balance) -> Balance {
        let locked = Self::lock_up_to(account, amount);
        Self::note_outside(account, |n| n.saturating_add(locked));
        locked
    }

    fn unlock(account: &T::AccountId, amount: Balance) {
        Self::unlock(account, amount);
        Self::note_outside(account, |n| n.saturating_sub(amount));
    }

    fn locked(account: &T::AccountId) -> Balance {
        OutsideLocks::<T>::get(account)
    }

    fn slash(affair: H256, lost: Vec<(T::AccountId, Balance)>, right: Vec<T::AccountId>) {
        let mut judgement = Judgement::new();
        for (account, mut amount) in lost {
            Self::note_outside(&account, |n| n.saturating_sub(amount));
            judgement.take(account, &mut amount);
        }
        judgement.right = right;
        Self::carry_out(affair, judgement, &T::Parameters::get());
    }

    fn burn(affair: H256, account: &T::AccountId, amount: Balance) -> Balance {
        let burned = Self::burn_locked(account, affair, amount);
        Self::note_outside(account, |n| n.saturating_sub(burned));
        burned
    }
}

impl<T: Config> AuditorRegistry<T::AccountId> for Pallet<T> {
    fn auditors(branch: BranchId, opened: BlockNumber) -> Vec<(T::AccountId, Balance)> {
        let mut all = Self::verifiers_before(branch, opened);
        all.retain(|c| Self::profile_admitted(&c.leaf));
        let mut profiles: BTreeMap<H256, Balance> = BTreeMap::new();
        for candidate in &all {
            let bond = profiles.entry(candidate.leaf).or_default();
            *bond = bond.saturating_add(candidate.bond);
        }
        let leaf = profiles
            .into_iter()
            .max_by_key(|(leaf, bond)| (*bond, *leaf))
            .map(|(leaf, _)| leaf);
        all.into_iter()
            .filter(|c| Some(c.leaf) == leaf)
            .map(|c| (c.account, c.bond))
            .collect()
    }

    fn has_public_rounds(branch: BranchId) -> bool {
        let admitted = T::Models::branch(branch).is_some_and(|b| b.admission.is_some());
        let open = CurrentRound::<T>::get(branch)
            .and_then(|number| Rounds::<T>::get(RoundId { branch, number }))
            .is_some_and(|r| !matches!(r.phase, Phase::Vesting | Phase::Closed));
        admitted || open || FundedBranches::<T>::get().contains(&branch) || Self::replaying(branch)
    }
}

impl<T: Config> RoundRegistry for Pallet<T> {
    fn latest(branch: BranchId) -> Option<u32> {
        CurrentRound::<T>::get(branch)
    }

    fn kept(branch: BranchId, number: u32) -> bool {
        Rounds::<T>::contains_key(RoundId { branch, number })
    }
}
