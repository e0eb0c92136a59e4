// SPDX-License-Identifier: GPL-3.0-or-later
//! What the benchmarks need of the rest of the runtime.

use dream_primitives::manifest::Architecture;
use dream_primitives::params::ChainParameters;
use dream_primitives::registry::Branch;
use dream_primitives::value::Shard;
use dream_primitives::version::VersionHeader;
use dream_primitives::{BranchId, H256};

/// Puts the other pallets into the state that a benchmark starts from.
pub trait BenchmarkHelper<AccountId, Signature> {
    /// Sets the chain's parameters, whether or not they pass the check; empties the list of admitted branches; gives the
    /// block a VRF output of its parent.
    fn prepare(parameters: ChainParameters);
    /// Stores a branch with its model's architecture and the header of its head; where it has an admission, it is listed.
    fn put_branch(
        id: BranchId,
        branch: Branch<AccountId>,
        architecture: Architecture,
        head: VersionHeader,
    );
    /// Sets the branch's mixture: as many data sets as one may hold, its own, with samples of `window` bytes.
    fn put_mixture(branch: BranchId, window: u32);
    /// Commits held-out shards for a branch until it has as many as may wait.
    fn put_shards(branch: BranchId, shard: Shard<AccountId>);
    /// An account that can sign.
    fn signer() -> AccountId;
    /// Its signature.
    fn sign(account: &AccountId, message: H256) -> Signature;
}
