// SPDX-License-Identifier: GPL-3.0-or-later
//! Private rounds (docs/private-rounds.md): what their roles read of the chain at one block.
//!
//! The cryptography is [`dream_private`]'s; the roles decide what is due, fetch and publish blobs, and submit.

pub mod aggregator;
pub mod auditor;
pub mod contributor;
mod disputes;
pub mod loss;
pub mod member;
mod sums;

use crate::blobs;
use crate::error::WorkerError;
use crate::worker::Worker;
use bytes::Bytes;
use dream_chain::{AccountId, At, BlockRef, Chain, KeyEpoch, PrivateChain, PrivateRound};
use dream_primitives::cid::Cid;
use dream_primitives::claim::RoundId;
use dream_primitives::manifest::Architecture;
use dream_primitives::private::params::PrivateParameters;
use dream_primitives::private::round::{CiphertextRoots, Contributor, PrivatePhase, PrivateTerms};
use dream_primitives::BranchId;
use dream_private::layers::{Layers, LayersError, RoundFacts};
use dream_store::BlobStore;
use std::sync::{Arc, Mutex, PoisonError};

/// A private round with what it stands on, read at one block.
#[derive(Clone, Debug)]
pub struct PrivateView {
    /// The block.
    pub block: BlockRef,
    /// The round.
    pub round: PrivateRound,
    /// What it took when it opened.
    pub terms: PrivateTerms,
    /// The epoch whose key it uses.
    pub epoch: KeyEpoch,
    /// Architecture of the branch's model.
    pub architecture: Architecture,
    /// The layers of encryption that its parameters name.
    pub layers: Arc<Layers>,
    /// What is fixed once the cohort is drawn; before that the seed in it is zero.
    pub facts: RoundFacts,
}

/// The layers of the parameters that were seen last: making them fills tables of a few megabytes.
#[derive(Debug, Default)]
pub struct LayersCache(Mutex<Option<Arc<Layers>>>);

impl LayersCache {
    /// The layers of the parameters of `terms`.
    ///
    /// # Errors
    /// [`LayersError`]: this program does not know the parameters.
    pub fn get(
        &self,
        worker: &Worker,
        parameters: &PrivateParameters,
    ) -> Result<Arc<Layers>, LayersError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(layers) = kept.as_ref().filter(|l| l.params() == parameters) {
            return Ok(layers.clone());
        }
        let layers = Arc::new(Layers::new(parameters.clone(), worker.chain.genesis())?);
        *kept = Some(layers.clone());
        Ok(layers)
    }
}

impl PrivateView {
    /// The newest private round of the worker's branch, where it is in motion: until it is closed the chain keeps its terms
    /// and its epoch.
    pub async fn newest(worker: &Worker, cache: &LayersCache) -> Result<Option<Self>, WorkerError> {
        Self::newest_of(worker, cache, worker.branch).await
    }

    /// As [`Self::newest`], of any branch.
    pub async fn newest_of(
        worker: &Worker,
        cache: &LayersCache,
        branch: BranchId,
    ) -> Result<Option<Self>, WorkerError> {
        let block = worker.chain.finalised().await?;
        let chain: &dyn Chain = &*worker.chain;
        let round = chain.last_private_round(block.into(), branch).await?;
        match round {
            Some(round) if round.phase != PrivatePhase::Closed => {
                Self::of(worker, cache, block, round).await
            }
            _ => Ok(None),
        }
    }

    async fn of(
        worker: &Worker,
        cache: &LayersCache,
        block: BlockRef,
        round: PrivateRound,
    ) -> Result<Option<Self>, WorkerError> {
        let at = At::from(block);
        let chain: &dyn Chain = &*worker.chain;
        let terms = chain.private_terms(at, round.id).await?;
        let epoch = chain.epoch(at, round.epoch).await?;
        let Some((terms, epoch)) = terms.zip(epoch) else {
            return Ok(None);
        };
        let Some(branch) = chain.branch(at, round.id.branch).await? else {
            return Ok(None);
        };
        let Some(model) = chain.model(at, branch.model).await? else {
            return Ok(None);
        };
        let layers = cache.get(worker, &terms.parameters)?;
        let facts = layers.round(
            round.id,
            round.seed,
            epoch.number,
            epoch.dealers,
            terms.model_parameters,
        )?;
        Ok(Some(Self {
            block,
            round,
            terms,
            epoch,
            architecture: model.architecture,
            layers,
            facts,
        }))
    }

    /// Branch and number.
    pub fn id(&self) -> RoundId {
        self.round.id
    }

    /// The block as a place to read at.
    pub fn at(&self) -> At {
        self.block.into()
    }

    /// What is known of an account in the round.
    pub async fn contributor(
        &self,
        worker: &Worker,
        account: AccountId,
    ) -> Result<Option<Contributor>, WorkerError> {
        let chain: &dyn Chain = &*worker.chain;
        Ok(chain.contributor(self.at(), self.id(), account).await?)
    }

    /// The contributions that opened, by place: account, roots, and all that the chain keeps of it. Of those in
    /// `self.round.standing` the sum is made.
    pub async fn opened(
        &self,
        worker: &Worker,
    ) -> Result<Vec<(AccountId, CiphertextRoots, Contributor)>, WorkerError> {
        let chain: &dyn Chain = &*worker.chain;
        let mut found = Vec::new();
        for account in chain.participants(self.at(), self.id()).await? {
            let Some(known) = self.contributor(worker, account).await? else {
                continue;
            };
            if let Some(roots) = known.roots {
                found.push((account, roots, known));
            }
        }
        Ok(found)
    }

    /// The parameters of the round's base.
    pub async fn base_state(&self, worker: &Worker) -> Result<Vec<i32>, WorkerError> {
        let header = worker.header(self.at(), self.round.base).await?;
        Ok(blobs::version_state(&*worker.store, &self.architecture, &header).await?)
    }
}

/// A blob of at most `most` bytes; `None` where the store does not have it as it should be.
///
/// # Errors
/// The store of this machine fails.
pub(crate) async fn available(
    store: &dyn BlobStore,
    what: &str,
    cid: &Cid,
    most: u64,
) -> Result<Option<Bytes>, WorkerError> {
    let found = store.get(cid, most).await;
    let error = match found {
        Ok(bytes) => return Ok(Some(bytes)),
        Err(source) => blobs::BlobError::Store {
            what: what.into(),
            source: Box::new(source),
        },
    };
    match error.lacking() {
        true => Ok(None),
        false => Err(error.into()),
    }
}
