// SPDX-License-Identifier: GPL-3.0-or-later
//! Benchmarks of the chain's own pallets, for frame-omni-bencher (scripts/weights.sh).

use crate::*;
use alloc::string::String;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::data::{DatasetInfo, MixtureEntry, MAX_MIXTURE};
use dream_primitives::manifest::Architecture;
use dream_primitives::params::ChainParameters as Parameters;
use dream_primitives::registry::{Branch, DatasetRecord, Model};
use dream_primitives::value::Shard;
use dream_primitives::version::VersionHeader;
use dream_primitives::{BoundedVec, BranchId};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use frame_support::traits::{StorageInfo, StorageInfoTrait, WhitelistedStorageKeys};
use polkadot_sdk::*;

frame_benchmarking::define_benchmarks!(
    [pallet_chain_parameters, ChainParameters]
    [pallet_compute_voting, ConvictionVoting]
    [pallet_model_registry, ModelRegistry]
    [pallet_data_registry, DataRegistry]
    [pallet_useful_work, UsefulWork]
    [pallet_secure_aggregation, SecureAggregation]
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

/// The registries as the benchmarks of useful work fill them.
pub struct Helper;

/// Under which the keystore keeps the key that signs.
const KEY: sp_core::crypto::KeyTypeId = sp_core::crypto::KeyTypeId(*b"bnch");

fn cid() -> Cid {
    Cid {
        codec: CidCodec::DagPb,
        digest: [7; 32],
    }
}

impl pallet_useful_work::benchmarking::BenchmarkHelper<AccountId, Signature> for Helper {
    fn prepare(parameters: Parameters) {
        pallet_chain_parameters::Parameters::<Runtime>::put(parameters);
        pallet_model_registry::Admitted::<Runtime>::kill();
        pallet_babe::AuthorVrfRandomness::<Runtime>::put(Some([7; 32]));
    }

    fn put_branch(
        id: BranchId,
        branch: Branch<AccountId>,
        architecture: Architecture,
        head: VersionHeader,
    ) {
        let model = Model {
            architecture,
            licence: BoundedVec::truncate_from(b"GPL-3.0-or-later".to_vec()),
            owner: branch.owner.clone(),
            deposit: 0,
        };
        if branch.admission.is_some() {
            pallet_model_registry::Admitted::<Runtime>::try_append(id)
                .expect("a benchmark admits no more branches than may be");
        }
        pallet_model_registry::Models::<Runtime>::insert(branch.model, model);
        pallet_model_registry::Versions::<Runtime>::insert(branch.head, head);
        pallet_model_registry::Branches::<Runtime>::insert(id, branch);
    }

    fn put_mixture(branch: BranchId, window: u32) {
        let first = branch.saturating_mul(MAX_MIXTURE);
        let entries = (0..MAX_MIXTURE).map(|i| MixtureEntry {
            dataset: first.saturating_add(i),
            weight: 1,
        });
        let entries: Vec<MixtureEntry> = entries.collect();
        for entry in &entries {
            let record = DatasetRecord {
                info: DatasetInfo {
                    root: Hash::repeat_byte(1),
                    cid: cid(),
                    licence: BoundedVec::truncate_from(b"GPL-3.0-or-later".to_vec()),
                    samples: 1_000_000,
                    window,
                },
                submitter: AccountId::new([1; 32]),
                deposit: 0,
                block: 1,
                suspended_from: None,
            };
            pallet_data_registry::Datasets::<Runtime>::insert(entry.dataset, record);
        }
        let mixture = BoundedVec::truncate_from(entries);
        pallet_data_registry::Mixtures::<Runtime>::insert(branch, mixture);
    }

    fn put_shards(branch: BranchId, shard: Shard<AccountId>) {
        while pallet_data_registry::Shards::<Runtime>::try_append(branch, shard.clone()).is_ok() {}
    }

    fn signer() -> AccountId {
        sp_io::crypto::sr25519_generate(KEY, None).0.into()
    }

    fn sign(account: &AccountId, message: Hash) -> Signature {
        let public = sp_core::sr25519::Public::from_raw(account.clone().into());
        let signature = sp_io::crypto::sr25519_sign(KEY, &public, message.as_bytes());
        Signature::Sr25519(signature.expect("the keystore holds the signer's key"))
    }
}

impl pallet_secure_aggregation::benchmarking::BenchmarkHelper<AccountId> for Helper {
    fn put_branch(
        id: BranchId,
        branch: Branch<AccountId>,
        architecture: Architecture,
        head: VersionHeader,
    ) {
        <Self as pallet_useful_work::benchmarking::BenchmarkHelper<AccountId, Signature>>::put_branch(
            id,
            branch,
            architecture,
            head,
        );
    }

    fn put_bond(account: &AccountId, amount: Balance) {
        use frame_support::traits::fungible::{Mutate, MutateHold};
        if pallet_useful_work::Bonds::<Runtime>::contains_key(account) {
            return;
        }
        let reason = RuntimeHoldReason::UsefulWork(pallet_useful_work::HoldReason::Bond);
        Balances::set_balance(account, amount.saturating_mul(2));
        Balances::hold(&reason, account, amount).expect("the account has what it bonds");
        let bond = pallet_useful_work::Bond {
            total: amount,
            since: 1,
            ..Default::default()
        };
        pallet_useful_work::Bonds::<Runtime>::insert(account, bond);
    }

    fn put_verifiers(branch: BranchId) {
        let all = (0..pallet_useful_work::MAX_VERIFIERS).map(|i| {
            let account: AccountId = frame_benchmarking::account("verifier", i, 0);
            <Self as pallet_secure_aggregation::benchmarking::BenchmarkHelper<AccountId>>::put_bond(
                &account,
                100_000 * token::UNIT,
            );
            let profile = pallet_useful_work::ProfileRecord {
                settings: dream_primitives::profile::ProfileSettings {
                    isa: BoundedVec::truncate_from(b"avx2".to_vec()),
                    math: BoundedVec::truncate_from(b"mkl=COMPATIBLE".to_vec()),
                    threads: 1,
                    library: BoundedVec::truncate_from(b"libtorch-2.11.0".to_vec()),
                },
                leaf: Hash::repeat_byte(1),
                since: 1,
                secret: Hash::repeat_byte(2),
                enlisted: Some(1),
            };
            pallet_useful_work::Profiles::<Runtime>::insert(branch, &account, profile);
            account
        });
        let all = BoundedVec::truncate_from(all.collect());
        pallet_useful_work::Verifiers::<Runtime>::insert(branch, all);
    }
}

impl pallet_compute_voting::benchmarking::BenchmarkHelper<AccountId> for Helper {
    fn give_credits(account: &AccountId, units: u128) {
        UsefulWork::grant_credits(account, units);
    }

    fn next_epoch() {
        let half_life = ChainParameters::get().rewards.credit_half_life;
        let epoch = half_life / dream_primitives::credits::STEPS;
        let now = System::block_number();
        System::set_block_number(now.saturating_add(epoch));
    }
}
