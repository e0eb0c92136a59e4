// SPDX-License-Identifier: GPL-3.0-or-later
//! What the calls and the other pallets' reads do.

use crate::pallet::*;
use alloc::collections::BTreeSet;
use dream_primitives::data::{
    streamed, DatasetInfo, DatasetUse, Mixture, MixtureEntry, MAX_MIXTURE, MAX_WINDOW,
};
use dream_primitives::registry::{DataRegistry, DatasetRecord, RoundRegistry};
use dream_primitives::value::{Shard, MAX_SHARD};
use dream_primitives::{BlockNumber, BoundedVec, BranchId, ConstU32, DatasetId};
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::hold::Mutate;
use polkadot_sdk::frame_support::traits::tokens::Precision;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_system;
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult, SaturatedConversion};

/// Shortest window: one token to predict from and one to predict.
pub(crate) const MIN_WINDOW: u32 = 2;

impl<T: Config> Pallet<T> {
    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// A data set's record; the error says whether there never was one or it was taken back.
    pub(crate) fn record(dataset: DatasetId) -> Result<DatasetRecord<T::AccountId>, Error<T>> {
        Datasets::<T>::get(dataset).ok_or_else(|| {
            if dataset < NextDataset::<T>::get() {
                Error::<T>::DatasetWithdrawn
            } else {
                Error::<T>::DatasetUnknown
            }
        })
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
                block: Self::now(),
                suspended_from: None,
            },
        );
        Self::deposit_event(Event::DatasetSubmitted { dataset, submitter });
        Ok(dataset)
    }

    /// Entries are distinct, known, weighted, and of one window.
    pub(crate) fn check_mixture(mixture: &Mixture) -> Result<(), Error<T>> {
        ensure!(
            mixture.iter().all(|entry| entry.weight > 0),
            Error::<T>::WeightZero
        );
        ensure!(
            Self::named(mixture).len() == mixture.len(),
            Error::<T>::DatasetTwice
        );
        let windows = mixture
            .iter()
            .map(|entry| Self::record(entry.dataset).map(|record| record.info.window))
            .collect::<Result<BTreeSet<u32>, _>>()?;
        ensure!(windows.len() <= 1, Error::<T>::WindowsDiffer);
        Ok(())
    }

    fn named(mixture: &Mixture) -> BTreeSet<DatasetId> {
        mixture.iter().map(|entry| entry.dataset).collect()
    }

    /// Whether a mixture names the set or the last round that may draw from it is kept. Rounds of a branch are forgotten in
    /// their order.
    fn needed(one: &DatasetUse) -> bool {
        one.last
            .is_none_or(|round| T::Rounds::kept(one.branch, round))
    }

    /// Whether anything needs a data set.
    pub(crate) fn in_use(dataset: DatasetId) -> bool {
        Uses::<T>::get(dataset).iter().any(Self::needed)
    }

    /// Notes that a branch's mixture names a data set.
    fn begin_use(dataset: DatasetId, branch: BranchId) -> Result<(), Error<T>> {
        Uses::<T>::try_mutate(dataset, |uses| {
            uses.retain(|one| one.branch != branch);
            if uses.is_full() {
                uses.retain(Self::needed);
            }
            uses.try_push(DatasetUse { branch, last: None })
                .map_err(|_| Error::<T>::TooManyUses)
        })
    }

    /// Notes that a branch's mixture does not name a data set any more: its latest round is the last that may draw from it.
    fn end_use(dataset: DatasetId, branch: BranchId) {
        let last = T::Rounds::latest(branch);
        Uses::<T>::mutate_exists(dataset, |slot| {
            let mut uses = slot.take().unwrap_or_default();
            uses.retain(|one| one.branch != branch || last.is_some());
            for one in uses.iter_mut().filter(|one| one.branch == branch) {
                one.last = last;
            }
            *slot = (!uses.is_empty()).then_some(uses);
        });
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
        let before = Self::named(&Mixtures::<T>::get(branch).unwrap_or_default());
        let after = Self::named(&mixture);
        for dataset in before.difference(&after) {
            Self::end_use(*dataset, branch);
        }
        for dataset in after.difference(&before) {
            Self::begin_use(*dataset, branch)?;
        }
        if mixture.is_empty() {
            Mixtures::<T>::remove(branch);
        } else {
            Mixtures::<T>::insert(branch, mixture);
        }
        Self::deposit_event(Event::MixtureSet { branch });
        Ok(())
    }

    pub(crate) fn do_withdraw_dataset(
        submitter: T::AccountId,
        dataset: DatasetId,
    ) -> DispatchResult {
        let record = Self::record(dataset)?;
        ensure!(record.submitter == submitter, Error::<T>::NotTheSubmitter);
        ensure!(!Self::in_use(dataset), Error::<T>::DatasetInUse);
        let open = Demands::<T>::get(dataset).iter().any(|d| !d.lapsed);
        ensure!(!open, Error::<T>::DemandOpen);
        T::Currency::release(
            &HoldReason::Deposit.into(),
            &submitter,
            record.deposit,
            Precision::Exact,
        )?;
        Datasets::<T>::remove(dataset);
        Uses::<T>::remove(dataset);
        Demands::<T>::remove(dataset);
        Self::deposit_event(Event::DatasetWithdrawn {
            dataset,
            deposit: record.deposit,
        });
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
        let now = Self::now();
        let mut entries = BoundedVec::new();
        for entry in Mixtures::<T>::get(branch)? {
            let record = Datasets::<T>::get(entry.dataset)?;
            if record.info.window != window {
                return None;
            }
            if !record.suspended(now) {
                let samples = u64::from(record.info.samples);
                entries.try_push((entry, samples)).ok()?;
            }
        }
        (!entries.is_empty()).then_some(entries)
    }
}
