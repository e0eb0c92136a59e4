// SPDX-License-Identifier: GPL-3.0-or-later
//! What the calls and the other pallets' reads do.

use crate::pallet::*;
use alloc::collections::BTreeSet;
use dream_primitives::data::{
    streamed, DatasetInfo, Mixture, MixtureEntry, MAX_MIXTURE, MAX_WINDOW,
};
use dream_primitives::registry::{DataRegistry, DatasetRecord};
use dream_primitives::value::{Shard, MAX_SHARD};
use dream_primitives::{BoundedVec, BranchId, ConstU32, DatasetId};
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::hold::Mutate;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_system;
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult, SaturatedConversion};

/// Shortest window: one token to predict from and one to predict.
pub(crate) const MIN_WINDOW: u32 = 2;

impl<T: Config> Pallet<T> {
    pub(crate) fn entries(mixture: &Mixture) -> u32 {
        u32::try_from(mixture.len()).unwrap_or(MAX_MIXTURE)
    }

    pub(crate) fn check_info(info: &DatasetInfo) -> Result<(), Error<T>> {
        ensure!(!info.licence.is_empty(), Error::<T>::LicenceEmpty);
        ensure!(
            (MIN_WINDOW..=MAX_WINDOW).contains(&info.window),
            Error::<T>::WindowOutOfRange
        );
        ensure!(
            streamed(u64::from(info.samples)) > 0,
            Error::<T>::NothingToStream
        );
        Ok(())
    }

    pub(crate) fn do_submit(
        submitter: T::AccountId,
        info: DatasetInfo,
    ) -> Result<DatasetId, DispatchError> {
        Self::check_info(&info)?;
        let deposit = T::Parameters::get().bonds.data_deposit;
        T::Currency::hold(&HoldReason::Deposit.into(), &submitter, deposit)?;
        let dataset = NextDataset::<T>::try_mutate(|next| {
            let id = *next;
            *next = id.checked_add(1).ok_or(Error::<T>::IdsExhausted)?;
            Ok::<_, Error<T>>(id)
        })?;
        Datasets::<T>::insert(
            dataset,
            DatasetRecord {
                info,
                submitter: submitter.clone(),
                deposit,
                block: frame_system::Pallet::<T>::block_number().saturated_into(),
            },
        );
        Self::deposit_event(Event::DatasetSubmitted { dataset, submitter });
        Ok(dataset)
    }

    /// Entries are distinct, known, weighted, and of one window.
    pub(crate) fn check_mixture(mixture: &Mixture) -> Result<(), Error<T>> {
        ensure!(!mixture.is_empty(), Error::<T>::MixtureEmpty);
        ensure!(
            mixture.iter().all(|entry| entry.weight > 0),
            Error::<T>::WeightZero
        );
        let distinct: BTreeSet<DatasetId> = mixture.iter().map(|entry| entry.dataset).collect();
        ensure!(distinct.len() == mixture.len(), Error::<T>::DatasetTwice);
        let windows = mixture
            .iter()
            .map(|entry| Datasets::<T>::get(entry.dataset).map(|record| record.info.window))
            .collect::<Option<BTreeSet<u32>>>()
            .ok_or(Error::<T>::DatasetUnknown)?;
        ensure!(windows.len() == 1, Error::<T>::WindowsDiffer);
        Ok(())
    }

    pub(crate) fn check_shard(shard: &Shard<T::AccountId>) -> Result<(), Error<T>> {
        let fits = (1..=MAX_SHARD).contains(&shard.samples)
            && (MIN_WINDOW..=MAX_WINDOW).contains(&shard.window);
        ensure!(fits, Error::<T>::ShardOutOfRange);
        Ok(())
    }

    pub(crate) fn do_commit_shard(branch: BranchId, shard: Shard<T::AccountId>) -> DispatchResult {
        Self::check_shard(&shard)?;
        let root = shard.root;
        ensure!(!ShardRoots::<T>::contains_key(root), Error::<T>::ShardTwice);
        Shards::<T>::try_append(branch, shard).map_err(|_| Error::<T>::TooManyShards)?;
        ShardRoots::<T>::insert(root, ());
        Self::deposit_event(Event::ShardCommitted { branch, root });
        Ok(())
    }

    pub(crate) fn do_set_mixture(branch: BranchId, mixture: Mixture) -> DispatchResult {
        Self::check_mixture(&mixture)?;
        Mixtures::<T>::insert(branch, mixture);
        Self::deposit_event(Event::MixtureSet { branch });
        Ok(())
    }
}

impl<T: Config> DataRegistry<T::AccountId> for Pallet<T> {
    fn take_shard(branch: BranchId, window: u32) -> Option<Shard<T::AccountId>> {
        Shards::<T>::mutate_exists(branch, |slot| {
            let waiting = slot.as_mut()?;
            let at = waiting.iter().position(|shard| shard.window == window)?;
            let shard = waiting.remove(at);
            if waiting.is_empty() {
                *slot = None;
            }
            Some(shard)
        })
    }

    fn mixture(
        branch: BranchId,
        window: u32,
    ) -> Option<BoundedVec<(MixtureEntry, u64), ConstU32<MAX_MIXTURE>>> {
        let entries = Mixtures::<T>::get(branch)?
            .into_iter()
            .map(|entry| {
                let info = Datasets::<T>::get(entry.dataset)?.info;
                (info.window == window).then_some((entry, u64::from(info.samples)))
            })
            .collect::<Option<alloc::vec::Vec<_>>>()?;
        BoundedVec::try_from(entries).ok()
    }
}
