// SPDX-License-Identifier: GPL-3.0-or-later
//! Deltas of claims: fetched from the store, put together from what the chain was shown, and supplied to the chain when
//! somebody demands a chunk.

use crate::blobs;
use crate::error::WorkerError;
use crate::roles::merge::ROLE;
use crate::submit::Sent;
use crate::worker::{RoundView, Worker};
use dream_chain::{At, Call};
use dream_primitives::claim::{Claim, RoundId};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::dispute::prove_delta;
use dream_primitives::H256;
use dream_store::Cid;
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::{info, warn};

/// Where a chunk that was supplied on the chain is kept.
pub(crate) fn collected_key(round: RoundId, claim: H256, chunk: u32) -> String {
    format!(
        "{ROLE}/{}-{}/chunk-{claim:?}-{chunk}",
        round.branch, round.number
    )
}

/// Where it is written down which blob holds a delta that was put together from the chain.
fn whole_key(root: H256) -> String {
    format!("delta/{root:?}")
}

impl Worker {
    /// The delta of a claim: from the blob that the claim names, else from one that this worker put together.
    pub(crate) async fn delta(
        &self,
        view: &RoundView,
        claim: &Claim,
    ) -> Result<Vec<DeltaChunk>, WorkerError> {
        let (store, architecture) = (&*self.store, &view.terms.architecture);
        let named = blobs::delta(store, architecture, &claim.delta_cid, claim.delta_root).await;
        let error = match named {
            Err(error) if error.lacking() => error,
            other => return Ok(other?),
        };
        match self.database.get::<Cid>(&whole_key(claim.delta_root))? {
            Some(cid) => Ok(blobs::delta(store, architecture, &cid, claim.delta_root).await?),
            None => Err(error.into()),
        }
    }

    /// Keeps a delta that was put together from what the chain was shown.
    pub(crate) async fn take_in(
        &self,
        view: &RoundView,
        claim: H256,
        chunks: &Vec<DeltaChunk>,
    ) -> Result<(), WorkerError> {
        let Some(record) = self.chain.claim(view.block.into(), claim).await? else {
            return Ok(());
        };
        let cid = blobs::put_delta(&*self.store, chunks).await?;
        self.database
            .put(&whole_key(record.claim.delta_root), &cid)?;
        info!("the delta of claim {claim:?} is whole: all its chunks were shown to the chain");
        Ok(())
    }

    /// Supplies the chunks that are demanded of claims of the round: of this account's own at once, of others' (with
    /// `all`) when half of the time has passed, so that usually only one account pays for the answer.
    pub(crate) async fn supply(
        &self,
        role: &str,
        view: &RoundView,
        all: bool,
    ) -> Result<(), WorkerError> {
        let at = At::from(view.block);
        let demands = self.chain.demands(at, view.round.id).await?;
        if demands.is_empty() {
            return Ok(());
        }
        let patience = self.chain.parameters(at).await?.round.response_blocks / 2;
        let mut known: BTreeMap<H256, Option<Arc<Vec<DeltaChunk>>>> = BTreeMap::new();
        let mut answers = Vec::new();
        for demand in demands {
            let (claim, chunk) = (demand.claim, demand.chunk);
            let Some(record) = self.chain.claim(at, claim).await? else {
                continue;
            };
            let own = record.miner == self.account();
            let late = demand.deadline <= view.block.number.saturating_add(patience);
            if !(own || all && late) {
                continue;
            }
            let chunks = match known.get(&claim) {
                Some(chunks) => chunks.clone(),
                None => {
                    let chunks = self.held(view, claim, &record.claim, own).await?;
                    known.insert(claim, chunks.clone());
                    chunks
                }
            };
            let Some(opening) = chunks.and_then(|chunks| prove_delta(&chunks, chunk)) else {
                continue;
            };
            let folder = self.key(role, view.round.id);
            let key = format!("{folder}/supply-{claim:?}-{chunk}-{}", demand.deadline);
            let call = Call::SupplyChunk {
                claim,
                chunk,
                opening: Box::new(opening),
            };
            answers.push(async move {
                if let Sent::Refused(why) = self.submit_once(&key, call).await? {
                    info!("chunk {chunk} of claim {claim:?} was not taken: {why}");
                }
                Ok::<(), WorkerError>(())
            });
        }
        // All at once: each waits until it is finalised, and the time for each answer runs.
        futures::future::try_join_all(answers).await?;
        Ok(())
    }

    /// The delta of a claim whose chunk is demanded, if it is here.
    async fn held(
        &self,
        view: &RoundView,
        id: H256,
        claim: &Claim,
        own: bool,
    ) -> Result<Option<Arc<Vec<DeltaChunk>>>, WorkerError> {
        match self.delta(view, claim).await {
            Ok(chunks) => Ok(Some(Arc::new(chunks))),
            Err(error) if error.lacking() => {
                if own {
                    warn!("a chunk of this account's claim {id:?} is demanded, and its delta is gone: {error}");
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
