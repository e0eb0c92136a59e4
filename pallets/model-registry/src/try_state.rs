// SPDX-License-Identifier: GPL-3.0-or-later
//! Invariants of the registry.

use crate::pallet::*;
use crate::ALL_SHARES;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use dream_primitives::version::{Parent, VersionHeader};
use dream_primitives::{Balance, BranchId, H256};
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::hold::Inspect;
use polkadot_sdk::sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Indices are dense, heads and parents exist, admissions add up, deposits are held.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::try_indices()?;
        Self::try_branches()?;
        Self::try_versions()?;
        Self::try_admissions()?;
        Self::try_deposits()
    }

    fn try_indices() -> Result<(), TryRuntimeError> {
        let (models, branches) = (NextModel::<T>::get(), NextBranch::<T>::get());
        ensure!(
            (0..models).all(Models::<T>::contains_key)
                && Models::<T>::iter_keys().all(|id| id < models),
            "model-registry: models are not numbered 0..NextModel"
        );
        ensure!(
            (0..branches).all(Branches::<T>::contains_key)
                && Branches::<T>::iter_keys().all(|id| id < branches),
            "model-registry: branches are not numbered 0..NextBranch"
        );
        Ok(())
    }

    fn try_branches() -> Result<(), TryRuntimeError> {
        for (_, branch) in Branches::<T>::iter() {
            let model =
                Models::<T>::get(branch.model).ok_or("model-registry: a branch has no model")?;
            let head =
                Versions::<T>::get(branch.head).ok_or("model-registry: a branch has no head")?;
            ensure!(
                head.model == branch.model,
                "model-registry: a head is of another model"
            );
            ensure!(
                model.architecture.check().is_ok(),
                "model-registry: an architecture does not pass its check"
            );
            // Not with the present number of audited segments: parameters may ask for more than an older recipe has,
            // and the draw then takes every segment.
            ensure!(
                branch.recipe.check(0).is_ok(),
                "model-registry: a recipe does not pass its check"
            );
        }
        Ok(())
    }

    fn try_versions() -> Result<(), TryRuntimeError> {
        for (hash, header) in Versions::<T>::iter() {
            ensure!(
                header.hash() == hash,
                "model-registry: a version is not under its hash"
            );
            let branch = Branches::<T>::get(header.branch)
                .ok_or("model-registry: a version has no branch")?;
            ensure!(
                branch.model == header.model,
                "model-registry: a version is of another model than its branch"
            );
            Self::try_parent(&header)?;
        }
        Ok(())
    }

    fn try_parent(header: &VersionHeader) -> Result<(), TryRuntimeError> {
        let Parent::Local(hash) = header.parent else {
            return Ok(());
        };
        let parent: VersionHeader = Versions::<T>::get::<H256>(hash)
            .ok_or("model-registry: a version's parent is missing")?;
        ensure!(
            parent.model == header.model && parent.number.checked_add(1) == Some(header.number),
            "model-registry: a version does not follow its parent"
        );
        Ok(())
    }

    fn try_admissions() -> Result<(), TryRuntimeError> {
        let admitted: BTreeMap<BranchId, _> = Branches::<T>::iter()
            .filter_map(|(id, branch)| Some((id, branch.admission?)))
            .collect();
        let listed: Vec<BranchId> = admitted.keys().copied().collect();
        ensure!(
            Admitted::<T>::get().into_inner() == listed,
            "model-registry: Admitted is not the ascending list of admitted branches"
        );
        let shares = admitted
            .values()
            .try_fold(0u32, |sum, admission| sum.checked_add(admission.share));
        ensure!(
            shares.is_some_and(|sum| sum <= ALL_SHARES),
            "model-registry: the shares pass one million"
        );
        ensure!(
            admitted
                .values()
                .all(|admission| admission.units_per_token > 0),
            "model-registry: an admission has no units"
        );
        Ok(())
    }

    fn try_deposits() -> Result<(), TryRuntimeError> {
        let models = Models::<T>::iter_values().map(|m| (m.owner, m.deposit));
        let branches = Branches::<T>::iter_values().map(|b| (b.owner, b.deposit));
        let mut deposits: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for (owner, deposit) in models.chain(branches) {
            let sum = deposits.entry(owner).or_default();
            *sum = sum.saturating_add(deposit);
        }
        for (owner, deposit) in deposits {
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::Deposit.into(), &owner) == deposit,
                "model-registry: what is held from an owner is not the sum of its deposits"
            );
        }
        Ok(())
    }
}
