// SPDX-License-Identifier: GPL-3.0-or-later
//! Invariants of the registry.

use crate::pallet::*;
use alloc::collections::{BTreeMap, BTreeSet};
use dream_primitives::data::MAX_OPEN_DEMANDS;
use dream_primitives::{Balance, BranchId, DatasetId};
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::hold::Inspect;
use polkadot_sdk::sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Indices are below the next one, data sets and mixtures pass their checks, uses and demands are those that there are,
    /// deposits and prices are held.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        let next = NextDataset::<T>::get();
        ensure!(
            Datasets::<T>::iter_keys().all(|id| id < next),
            "data-registry: a data set has an index that was not given yet"
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
        Self::try_uses()?;
        Self::try_demands()?;
        Self::try_deposits()
    }

    fn try_uses() -> Result<(), TryRuntimeError> {
        let named: BTreeSet<(DatasetId, BranchId)> = Mixtures::<T>::iter()
            .flat_map(|(branch, mixture)| mixture.into_iter().map(move |e| (e.dataset, branch)))
            .collect();
        let mut noted = BTreeSet::new();
        for (dataset, uses) in Uses::<T>::iter() {
            let branches: BTreeSet<BranchId> = uses.iter().map(|one| one.branch).collect();
            ensure!(
                Datasets::<T>::contains_key(dataset)
                    && !uses.is_empty()
                    && branches.len() == uses.len(),
                "data-registry: uses are kept of no data set, of no branch, or of a branch twice"
            );
            let now = uses.iter().filter(|one| one.last.is_none());
            noted.extend(now.map(|one| (dataset, one.branch)));
        }
        ensure!(
            named == noted,
            "data-registry: the uses of a data set are not the mixtures that name it"
        );
        Ok(())
    }

    fn try_demands() -> Result<(), TryRuntimeError> {
        let mut open = 0u32;
        let mut held: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
        for (dataset, all) in Demands::<T>::iter() {
            let samples: BTreeSet<u32> = all.iter().map(|d| d.sample).collect();
            let record = Datasets::<T>::get(dataset);
            ensure!(
                record.is_some_and(|r| samples.iter().all(|s| *s < r.info.samples))
                    && !all.is_empty()
                    && samples.len() == all.len(),
                "data-registry: demands are kept of no data set, of no sample, or of a sample twice"
            );
            for demand in all.into_iter().filter(|d| !d.lapsed) {
                open = open.saturating_add(1);
                let sum = held.entry(demand.demander).or_default();
                *sum = sum.saturating_add(demand.held);
            }
        }
        ensure!(
            open == OpenDemands::<T>::get() && open <= MAX_OPEN_DEMANDS,
            "data-registry: OpenDemands is not the number of open demands"
        );
        ensure!(
            Datasets::<T>::iter().all(|(dataset, record)| {
                let first = Demands::<T>::get(dataset).iter().map(|d| d.deadline).min();
                record.suspended_from == first
            }),
            "data-registry: a data set is not suspended from the end of its first demand's time"
        );
        for (demander, price) in held {
            ensure!(
                T::Currency::balance_on_hold(&HoldReason::Demand.into(), &demander) == price,
                "data-registry: what is held from a demander is not the sum of its prices"
            );
        }
        Ok(())
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
