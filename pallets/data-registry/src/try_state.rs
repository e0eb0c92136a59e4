// SPDX-License-Identifier: GPL-3.0-or-later
//! Invariants of the registry.

use crate::pallet::*;
use alloc::collections::BTreeMap;
use dream_primitives::Balance;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::hold::Inspect;
use polkadot_sdk::sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Indices are dense, data sets and mixtures pass their checks, deposits are held.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let next = NextDataset::<T>::get();
        ensure!(
            (0..next).all(Datasets::<T>::contains_key)
                && Datasets::<T>::iter_keys().all(|id| id < next),
            "data-registry: data sets are not numbered 0..NextDataset"
        );
        ensure!(
            Datasets::<T>::iter_values().all(|record| Self::check_info(&record.info).is_ok()),
            "data-registry: a data set does not pass its check"
        );
        ensure!(
            Mixtures::<T>::iter_values().all(|mixture| Self::check_mixture(&mixture).is_ok()),
            "data-registry: a mixture does not pass its check"
        );
        ensure!(
            Shards::<T>::iter_values()
                .flatten()
                .all(|shard| Self::check_shard(&shard).is_ok()
                    && ShardRoots::<T>::contains_key(shard.root)),
            "data-registry: a shard that waits does not pass its check or its root is not kept"
        );
        Self::try_deposits()
    }

    fn try_deposits() -> Result<(), TryRuntimeError> {
        let mut deposits: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for record in Datasets::<T>::iter_values() {
            let sum = deposits.entry(record.submitter).or_default();
            *sum = sum.saturating_add(record.deposit);
        }
        for (submitter, deposit) in deposits {
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::Deposit.into(), &submitter) == deposit,
                "data-registry: what is held from a submitter is not the sum of its deposits"
            );
        }
        Ok(())
    }
}
