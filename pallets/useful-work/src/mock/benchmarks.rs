// SPDX-License-Identifier: GPL-3.0-or-later
//! The registries as benchmarks fill them.

use super::*;
use crate::benchmarking::BenchmarkHelper;
use polkadot_sdk::sp_runtime::testing::TestSignature;

pub struct Helper;

impl BenchmarkHelper<AccountId, TestSignature> for Helper {
    fn prepare(parameters: ChainParameters) {
        PARAMETERS.set(parameters);
        MORE.with_borrow_mut(BTreeMap::clear);
        HEADERS.set(Vec::new());
        SHARDS.set(Vec::new());
    }

    fn put_branch(
        id: BranchId,
        branch: Branch<AccountId>,
        architecture: Architecture,
        head: VersionHeader,
    ) {
        MORE.with_borrow_mut(|more| more.insert(id, (branch, architecture)));
        HEADERS.with_borrow_mut(|headers| headers.push(head));
    }

    fn put_mixture(_: BranchId, _: u32) {}

    fn put_shards(_: BranchId, shard: Shard<AccountId>) {
        SHARDS.with_borrow_mut(|shards| shards.push(shard));
    }

    fn signer() -> AccountId {
        5
    }

    fn sign(account: &AccountId, message: H256) -> TestSignature {
        TestSignature(*account, message.as_bytes().to_vec())
    }
}

pub fn externalities() -> sp_io::TestExternalities {
    let storage = RuntimeGenesisConfig::default().build_storage();
    sp_io::TestExternalities::new(storage.expect("the genesis builds"))
}
