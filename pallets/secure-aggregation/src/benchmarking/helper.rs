// SPDX-License-Identifier: GPL-3.0-or-later
//! What the benchmarks need of the rest of the runtime.

use dream_primitives::manifest::Architecture;
use dream_primitives::registry::Branch;
use dream_primitives::version::VersionHeader;
use dream_primitives::{Balance, BranchId};

/// Puts the other pallets into the state that a benchmark starts from.
pub trait BenchmarkHelper<AccountId> {
    /// Stores a branch that has no public rounds, with its model's architecture and the header of its head.
    fn put_branch(
        id: BranchId,
        branch: Branch<AccountId>,
        architecture: Architecture,
        head: VersionHeader,
    );
    /// Gives an account tokens and a bond of `amount` that has counted since the first block.
    fn put_bond(account: &AccountId, amount: Balance);
    /// Makes the branch's list of verifiers full, with bonds that count.
    fn put_verifiers(branch: BranchId);
}
