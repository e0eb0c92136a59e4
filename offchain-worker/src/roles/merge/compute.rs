// SPDX-License-Identifier: GPL-3.0-or-later
//! The merge itself: the base, the accepted deltas, the recipe.

use super::{MergeRecord, Merger, ROLE};
use crate::blobs;
use crate::error::WorkerError;
use crate::merge::{merge, Merged};
use crate::worker::RoundView;
use dream_chain::{At, ClaimRecord};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::H256;
use tracing::info;

impl Merger {
    /// The accepted claims in ascending order of their ids.
    async fn accepted(&self, view: &RoundView) -> Result<Vec<(H256, ClaimRecord)>, WorkerError> {
        let (chain, at) = (&self.worker.chain, At::from(view.block));
        let mut accepted = Vec::new();
        for id in chain.round_claims(at, view.round.id).await? {
            if let Some(record) = chain.claim(at, id).await?.filter(|r| r.state.accepted()) {
                accepted.push((id, record));
            }
        }
        accepted.sort_unstable_by_key(|(id, _)| *id);
        Ok(accepted)
    }

    /// Computes the merge, stores the new version and writes its roots down. `None` when a delta is not to be had.
    pub(super) async fn compute(
        &self,
        view: &RoundView,
    ) -> Result<Option<MergeRecord>, WorkerError> {
        let worker = &self.worker;
        let key = self.record_key(view);
        if let Some(record) = worker.database.get(&key)? {
            return Ok(Some(record));
        }
        let (architecture, recipe) = (view.terms.architecture, view.terms.recipe);
        let mut deltas: Vec<(Vec<DeltaChunk>, u16)> = Vec::new();
        for (id, record) in self.accepted(view).await? {
            let claim = &record.claim;
            match blobs::delta(
                &*worker.store,
                &architecture,
                &claim.delta_cid,
                claim.delta_root,
            )
            .await
            {
                Ok(chunks) => deltas.push((chunks, claim.segments)),
                Err(error) if error.lacking() => {
                    let why = format!(
                        "round {} cannot be merged: claim {id:?}: {error}",
                        view.round.id.number
                    );
                    self.told.say(ROLE, why);
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let header = worker.header(view.block.into(), view.round.base).await?;
        let state = worker.base_state(view).await?.as_ref().clone();
        let moments =
            blobs::version_moments(&*worker.store, &architecture, &recipe, &header).await?;
        let threads = worker.threads;
        let count = deltas.len();
        let merged =
            tokio::task::spawn_blocking(move || merge(&recipe, state, moments, &deltas, threads));
        let record = self.keep(merged.await??).await?;
        worker.database.put(&key, &record)?;
        info!(
            "round {}: {count} deltas merged into {:?}",
            view.round.id.number, record.state_root
        );
        Ok(Some(record))
    }

    async fn keep(&self, merged: Merged) -> Result<MergeRecord, WorkerError> {
        let store = &self.worker.store;
        let cid = store.put_bytes(blobs::state_bytes(&merged.state)).await?;
        let server_cid = match merged.moments.is_empty() {
            true => None,
            false => Some(store.put_bytes(blobs::state_bytes(&merged.moments)).await?),
        };
        Ok(MergeRecord {
            state_root: merged.state_root,
            server_root: merged.server_root,
            cid,
            server_cid,
        })
    }
}
