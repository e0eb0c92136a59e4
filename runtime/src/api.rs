// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain's own runtime API: what the `dream` RPC namespace reads.

use alloc::vec::Vec;
use codec::Codec;
use dream_primitives::{
    value::ScoreRecord,
    views::{
        AuditView, BranchView, ClaimView, CreditsView, RoundView, TrialView, VersionView,
        WeightView,
    },
    BranchId, H256,
};
use polkadot_sdk::*;

/// Most versions that one answer of [`DreamApi::lineage`] holds.
pub const MAX_LINEAGE: u32 = 1_024;

sp_api::decl_runtime_apis! {
    /// Questions about models, claims, audits, rounds and votes.
    pub trait DreamApi<AccountId>
    where
        AccountId: Codec,
    {
        /// A branch with its head, or nothing where there is no such branch.
        fn branch_head(branch: BranchId) -> Option<BranchView>;

        /// A version and its ancestors, the version itself first, at most `max` and at most [`MAX_LINEAGE`]; empty where it is unknown.
        fn lineage(version: H256, max: u32) -> Vec<VersionView>;

        /// A claim with its whole history and its receipts.
        fn claim(id: H256) -> Option<ClaimView<AccountId>>;

        /// Audits in which the account still has something to do.
        fn open_audits(account: AccountId) -> Vec<AuditView>;

        /// Trials in which the account still has something to do, as a seat or as the miner of a challenged claim.
        fn open_trials(account: AccountId) -> Vec<TrialView<AccountId>>;

        /// The branch's current round with its claims.
        fn round_status(branch: BranchId) -> Option<RoundView<AccountId>>;

        /// The branch's improvement record, oldest first.
        fn scores(branch: BranchId) -> Vec<ScoreRecord>;

        /// The account's compute credits, now and as of each epoch that a vote may count.
        fn credits(account: AccountId) -> CreditsView;

        /// Where the weight of the account's vote on a referendum comes from, whether it voted or not; nothing where the referendum
        /// is unknown, over, or older than the credits that are kept.
        fn vote_weight(account: AccountId, poll: u32) -> Option<WeightView<AccountId>>;
    }
}
