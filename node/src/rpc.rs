// SPDX-License-Identifier: GPL-3.0-or-later
//! JSON-RPC beyond what every node serves.

mod dream;

use crate::service::{AuthoritySet, FullBackend, FullClient, Pool, SelectChain};
use dream::{Dream, DreamRpcServer};
use dream_runtime::opaque::Block;
use jsonrpsee::RpcModule;
use polkadot_sdk::*;

use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use sc_consensus_babe_rpc::{Babe, BabeApiServer};
use sc_consensus_grandpa::{FinalityProofProvider, GrandpaJustificationStream, SharedVoterState};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_sync_state_rpc::{SyncState, SyncStateApiServer};
use sp_keystore::KeystorePtr;
use std::sync::Arc;
use substrate_frame_rpc_system::{System, SystemApiServer};

/// What the methods need.
pub struct Dependencies {
    pub client: Arc<FullClient>,
    pub pool: Arc<Pool>,
    pub select_chain: SelectChain,
    pub chain_spec: Box<dyn sc_chain_spec::ChainSpec>,
    pub keystore: KeystorePtr,
    pub babe_worker: sc_consensus_babe::BabeWorkerHandle<Block>,
    pub authority_set: AuthoritySet,
    pub voter_state: SharedVoterState,
    pub justification_stream: GrandpaJustificationStream<Block>,
    pub finality: Arc<FinalityProofProvider<FullBackend, Block>>,
    pub executor: sc_rpc::SubscriptionTaskExecutor,
}

/// All methods of this node: `system`, `payment`, `babe`, `grandpa`, `sync_state` and `dream`.
///
/// # Errors
/// Two methods of one name, or a specification without room for a light client's state.
pub fn create(
    deps: Dependencies,
) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>> {
    let mut module = RpcModule::new(());
    module.merge(System::new(deps.client.clone(), deps.pool).into_rpc())?;
    module.merge(TransactionPayment::new(deps.client.clone()).into_rpc())?;
    module.merge(
        Babe::new(
            deps.client.clone(),
            deps.babe_worker.clone(),
            deps.keystore,
            deps.select_chain,
        )
        .into_rpc(),
    )?;
    module.merge(
        Grandpa::new(
            deps.executor,
            deps.authority_set.clone(),
            deps.voter_state,
            deps.justification_stream,
            deps.finality,
        )
        .into_rpc(),
    )?;
    module.merge(Dream::<_, Block>::new(deps.client.clone()).into_rpc())?;
    module.merge(
        SyncState::new(
            deps.chain_spec,
            deps.client,
            deps.authority_set,
            deps.babe_worker,
        )?
        .into_rpc(),
    )?;
    Ok(module)
}
