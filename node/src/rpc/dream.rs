// SPDX-License-Identifier: GPL-3.0-or-later
//! The `dream` namespace: models, claims, audits, rounds and votes as JSON, read through the runtime API at the best block or at a given one.

use dream_primitives::{
    value::ScoreRecord,
    views::{
        AuditView, BranchView, ClaimView, CreditsView, RoundView, TrialView, VersionView,
        WeightView,
    },
    BranchId, H256,
};
use dream_runtime::{api::DreamApi, AccountId};
use jsonrpsee::{core::RpcResult, proc_macros::rpc, types::ErrorObjectOwned};
use polkadot_sdk::*;

use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_runtime::traits::Block as BlockT;
use std::{marker::PhantomData, sync::Arc};

/// JSON-RPC code of an answer that the runtime could not give.
const RUNTIME_ERROR: i32 = 8_001;

/// Methods of the namespace. `at` is a block hash; without it the best block answers.
#[rpc(server, namespace = "dream")]
pub trait DreamRpc<BlockHash> {
    /// A branch with its head; null where there is no such branch.
    #[method(name = "branchHead")]
    fn branch_head(&self, branch: BranchId, at: Option<BlockHash>)
        -> RpcResult<Option<BranchView>>;

    /// A version and at most `max - 1` of its ancestors, the version itself first.
    #[method(name = "lineage")]
    fn lineage(
        &self,
        version: H256,
        max: Option<u32>,
        at: Option<BlockHash>,
    ) -> RpcResult<Vec<VersionView>>;

    /// A claim with its whole history and its receipts; null where it is unknown or pruned.
    #[method(name = "claim")]
    fn claim(&self, id: H256, at: Option<BlockHash>) -> RpcResult<Option<ClaimView<AccountId>>>;

    /// Audits in which the account still has something to do.
    #[method(name = "openAudits")]
    fn open_audits(&self, account: AccountId, at: Option<BlockHash>) -> RpcResult<Vec<AuditView>>;

    /// Trials in which the account still has something to do: its seats, and its claims that are challenged.
    #[method(name = "openTrials")]
    fn open_trials(
        &self,
        account: AccountId,
        at: Option<BlockHash>,
    ) -> RpcResult<Vec<TrialView<AccountId>>>;

    /// The branch's current round with its claims; null where it never had one.
    #[method(name = "roundStatus")]
    fn round_status(
        &self,
        branch: BranchId,
        at: Option<BlockHash>,
    ) -> RpcResult<Option<RoundView<AccountId>>>;

    /// The branch's improvement record: the scores of its latest versions, oldest first.
    #[method(name = "scores")]
    fn scores(&self, branch: BranchId, at: Option<BlockHash>) -> RpcResult<Vec<ScoreRecord>>;

    /// The account's compute credits, now and as of each epoch that a vote may count.
    #[method(name = "credits")]
    fn credits(&self, account: AccountId, at: Option<BlockHash>) -> RpcResult<CreditsView>;

    /// Where the weight of the account's vote on a referendum comes from; null where the referendum is unknown, over, or older
    /// than the credits that are kept.
    #[method(name = "voteWeight")]
    fn vote_weight(
        &self,
        account: AccountId,
        poll: u32,
        at: Option<BlockHash>,
    ) -> RpcResult<Option<WeightView<AccountId>>>;
}

/// Answers from a client.
pub struct Dream<Client, Block> {
    client: Arc<Client>,
    block: PhantomData<Block>,
}

impl<Client, Block> Dream<Client, Block> {
    /// Answers from this client.
    pub fn new(client: Arc<Client>) -> Self {
        Self {
            client,
            block: PhantomData,
        }
    }
}

fn refused(error: sp_api::ApiError) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(
        RUNTIME_ERROR,
        "the runtime did not answer: is `at` a block whose state this node keeps?",
        Some(error.to_string()),
    )
}

impl<Client, Block> DreamRpcServer<Block::Hash> for Dream<Client, Block>
where
    Block: BlockT,
    Client: ProvideRuntimeApi<Block> + HeaderBackend<Block> + Send + Sync + 'static,
    Client::Api: DreamApi<Block, AccountId>,
{
    fn branch_head(
        &self,
        branch: BranchId,
        at: Option<Block::Hash>,
    ) -> RpcResult<Option<BranchView>> {
        let at = at.unwrap_or_else(|| self.client.info().best_hash);
        self.client
            .runtime_api()
            .branch_head(at, branch)
            .map_err(refused)
    }

    fn lineage(
        &self,
        version: H256,
        max: Option<u32>,
        at: Option<Block::Hash>,
    ) -> RpcResult<Vec<VersionView>> {
        let at = at.unwrap_or_else(|| self.client.info().best_hash);
        let max = max.unwrap_or(dream_runtime::api::MAX_LINEAGE);
        self.client
            .runtime_api()
            .lineage(at, version, max)
            .map_err(refused)
    }

    fn claim(&self, id: H256, at: Option<Block::Hash>) -> RpcResult<Option<ClaimView<AccountId>>> {
        let at = at.unwrap_or_else(|| self.client.info().best_hash);
        self.client.runtime_api().claim(at, id).map_err(refused)
    }

    fn open_audits(
        &self,
        account: AccountId,
        at: Option<Block::Hash>,
    ) -> RpcResult<Vec<AuditView>> {
        let at = at.unwrap_or_else(|| self.client.info().best_hash);
        self.client
            .runtime_api()
            .open_audits(at, account)
            .map_err(refused)
    }

    fn open_trials(
        &self,
        account: AccountId,
        at: Option<Block::Hash>,
    ) -> RpcResult<Vec<TrialView<AccountId>>> {
        let at = at.unwrap_or_else(|| self.client.info().best_hash);
        self.client
            .runtime_api()
            .open_trials(at, account)
            .map_err(refused)
    }

    fn round_status(
        &self,
        branch: BranchId,
        at: Option<Block::Hash>,
    ) -> RpcResult<Option<RoundView<AccountId>>> {
        let at = at.unwrap_or_else(|| self.client.info().best_hash);
        self.client
            .runtime_api()
            .round_status(at, branch)
            .map_err(refused)
    }

    fn scores(&self, branch: BranchId, at: Option<Block::Hash>) -> RpcResult<Vec<ScoreRecord>> {
        let at = at.unwrap_or_else(|| self.client.info().best_hash);
        self.client
            .runtime_api()
            .scores(at, branch)
            .map_err(refused)
    }

    fn credits(&self, account: AccountId, at: Option<Block::Hash>) -> RpcResult<CreditsView> {
        let at = at.unwrap_or_else(|| self.client.info().best_hash);
        self.client
            .runtime_api()
            .credits(at, account)
            .map_err(refused)
    }

    fn vote_weight(
        &self,
        account: AccountId,
        poll: u32,
        at: Option<Block::Hash>,
    ) -> RpcResult<Option<WeightView<AccountId>>> {
        let at = at.unwrap_or_else(|| self.client.info().best_hash);
        self.client
            .runtime_api()
            .vote_weight(at, account, poll)
            .map_err(refused)
    }
}
