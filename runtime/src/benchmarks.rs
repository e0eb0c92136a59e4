// SPDX-License-Identifier: GPL-3.0-or-later
//! Benchmarks of the chain's own pallets, for frame-omni-bencher (scripts/weights.sh).

use crate::*;
use alloc::string::String;
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList, Benchmarking};
use frame_support::traits::{StorageInfo, StorageInfoTrait, WhitelistedStorageKeys};
use polkadot_sdk::*;

frame_benchmarking::define_benchmarks!(
    [pallet_chain_parameters, ChainParameters]
    [pallet_model_registry, ModelRegistry]
    [pallet_data_registry, DataRegistry]
);

pub(crate) fn metadata(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
    let mut list = Vec::new();
    list_benchmarks!(list, extra);
    (list, AllPalletsWithSystem::storage_info())
}

pub(crate) fn dispatch(config: BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
    let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
    let mut batches = Vec::new();
    let params = (&config, &whitelist);
    add_benchmarks!(params, batches);
    Ok(batches)
}
