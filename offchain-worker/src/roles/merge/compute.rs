// SPDX-License-Identifier: GPL-3.0-or-later
//! The merge itself: the base, the contributions, the recipe.

use super::{MergeRecord, Merger, ROLE};
use crate::error::WorkerError;
use crate::merge::{merge, Merged};
use crate::worker::{RoundView, Worker};
use dream_chain::{At, ClaimRecord};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::version::{contributions_root, Contribution, VersionHeader};
use dream_primitives::H256;
use futures::future::BoxFuture;
use tracing::info;

/// What a merge holds: claims with their records, ascending by claim id.
pub(super) type Contributions = Vec<(H256, ClaimRecord)>;

/// Deltas with their weights, in the order of their claims.
pub(super) type Deltas = Vec<(Vec<DeltaChunk>, u16)>;

/// What the contributions' deltas came to.
pub(super) enum Fetched {
    /// All are here and have their roots.
    All(Deltas),
    /// The delta of this claim is not to be had.
    Lacking(H256, String),
}

/// Root over contributions, as the chain puts it into the header.
pub(super) fn root_of(contributions: &Contributions) -> H256 {
    let all: Vec<Contribution> = contributions
        .iter()
        .map(|(claim, record)| Contribution {
            claim: *claim,
            delta_root: record.claim.delta_root,
            weight: record.claim.segments,
        })
        .collect();
    contributions_root(&all)
}

impl Worker {
    /// What a merge of the round holds now: its accepted claims, challenged or not; for a round that replays another, what
    /// that one merged and nobody reverted.
    pub(super) async fn contributions(
        &self,
        view: &RoundView,
    ) -> Result<Contributions, WorkerError> {
        let (chain, at) = (&self.chain, At::from(view.block));
        let replayed = view.round.replays.is_some();
        let mut all = Vec::new();
        for id in chain.round_claims(at, view.round.source()).await? {
            let Some(record) = chain.claim(at, id).await? else {
                continue;
            };
            if record.contributes(replayed) {
                all.push((id, record));
            }
        }
        all.sort_unstable_by_key(|(id, _)| *id);
        Ok(all)
    }

    /// Fetches the contributions' deltas.
    pub(super) async fn deltas(
        &self,
        view: &RoundView,
        contributions: &Contributions,
    ) -> Result<Fetched, WorkerError> {
        let mut deltas = Vec::new();
        for (id, record) in contributions {
            match self.delta(view, &record.claim).await {
                Ok(chunks) => deltas.push((chunks, record.claim.segments)),
                Err(error) if error.lacking() => {
                    return Ok(Fetched::Lacking(*id, error.to_string()))
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Fetched::All(deltas))
    }

    /// Parameters and moments of the round's base.
    pub(super) async fn merge_base(
        &self,
        view: &RoundView,
    ) -> Result<(Vec<i32>, Vec<i32>), WorkerError> {
        let header = self.header(view.block.into(), view.round.base).await?;
        let state = self.base_state(view).await?.as_ref().clone();
        Ok((state, self.version_moments(view, &header).await?))
    }

    /// A posted merge, made again from its deltas. `None` where they are not to be had or give another root.
    pub(crate) fn remerge<'a>(
        &'a self,
        view: &'a RoundView,
        header: &'a VersionHeader,
    ) -> BoxFuture<'a, Result<Option<Merged>, WorkerError>> {
        // Boxed: the base may have to be made again too.
        Box::pin(async move {
            let contributions = self.contributions(view).await?;
            if root_of(&contributions) != header.contributions_root {
                return Ok(None);
            }
            let Fetched::All(deltas) = self.deltas(view, &contributions).await? else {
                return Ok(None);
            };
            let (recipe, threads) = (view.terms.recipe, self.threads);
            let (state, moments) = self.merge_base(view).await?;
            let merge = move || merge(&recipe, state, moments, &deltas, threads);
            let merged = tokio::task::spawn_blocking(merge).await??;
            Ok((merged.state_root == header.state_root).then_some(merged))
        })
    }
}

impl Merger {
    /// Computes the merge, stores the new version and writes its roots down. `None` when there is nothing to merge or a
    /// delta is not to be had; a missing one is demanded on the chain in time.
    pub(super) async fn compute(
        &self,
        view: &RoundView,
    ) -> Result<Option<MergeRecord>, WorkerError> {
        let worker = &self.worker;
        let contributions = worker.contributions(view).await?;
        if contributions.is_empty() {
            let why = format!("round {} has nothing to merge", view.round.id.number);
            self.told.say(ROLE, why);
            return Ok(None);
        }
        let root = root_of(&contributions);
        let key = self.record_key(view.round.id, root);
        if let Some(record) = worker.database.get(&key)? {
            return Ok(Some(record));
        }
        let deltas = match worker.deltas(view, &contributions).await? {
            Fetched::All(deltas) => deltas,
            Fetched::Lacking(claim, why) => {
                self.demand(view, claim, &why).await?;
                return Ok(None);
            }
        };
        let (recipe, count) = (view.terms.recipe, deltas.len());
        let (state, moments) = worker.merge_base(view).await?;
        let threads = worker.threads;
        let merged =
            tokio::task::spawn_blocking(move || merge(&recipe, state, moments, &deltas, threads));
        let merged = worker.runners.merged(merged.await??);
        let record = self.keep(view, root, merged).await?;
        worker.database.put(&key, &record)?;
        info!(
            "round {}: {count} deltas merged into {:?}",
            view.round.id.number, record.state_root
        );
        Ok(Some(record))
    }

    async fn keep(
        &self,
        view: &RoundView,
        contributions: H256,
        merged: Merged,
    ) -> Result<MergeRecord, WorkerError> {
        let (cid, server_cid) = self.worker.keep_version(&merged).await?;
        Ok(MergeRecord {
            base: view.round.base,
            contributions,
            state_root: merged.state_root,
            server_root: merged.server_root,
            cid,
            server_cid,
            table: merged.table,
        })
    }
}
