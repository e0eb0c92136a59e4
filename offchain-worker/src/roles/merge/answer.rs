// SPDX-License-Identifier: GPL-3.0-or-later
//! Answering: whoever disputes this worker's merge is shown its trees.

use super::compute::Fetched;
use super::trees::Trees;
use super::{MergeRecord, Merger, ROLE};
use crate::blobs;
use crate::error::WorkerError;
use crate::merge::pair_leaves;
use crate::worker::RoundView;
use dream_chain::{At, Call};
use dream_primitives::game::Turn;
use dream_primitives::version::VersionHeader;
use std::sync::{Arc, PoisonError};
use tracing::warn;

impl Merger {
    /// Answers every dispute of this worker's posted merge that waits for it.
    pub(super) async fn answer(
        &self,
        view: &RoundView,
        header: &VersionHeader,
    ) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let id = view.round.id;
        let disputes = worker.chain.disputes(At::from(view.block), id).await?;
        let waiting: Vec<_> = disputes.iter().filter(|d| d.turn == Turn::Answer).collect();
        if waiting.is_empty() {
            let why = format!(
                "round {}: nothing to answer for the posted merge",
                id.number
            );
            self.told.say(ROLE, why);
            return Ok(());
        }
        let key = self.record_key(id, header.contributions_root);
        let Some(own) = worker.database.get::<MergeRecord>(&key)? else {
            let why = format!(
                "round {}: the merge was posted with another state folder: only that one can answer its disputes",
                id.number
            );
            self.told.say(ROLE, why);
            return Ok(());
        };
        let trees = match self.trees(view, &own).await {
            Ok(trees) => trees,
            Err(error) if error.lacking() => {
                let why = format!("round {}: disputes cannot be answered: {error}", id.number);
                self.told.say(ROLE, why);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let answers = waiting.into_iter().filter_map(|dispute| {
            let nodes = match trees.answer(dispute.tree, dispute.node) {
                Ok(nodes) => nodes,
                Err(error) => {
                    warn!(
                        "round {}: no answer for {:?} of {:?}: {error:?}",
                        id.number, dispute.node, dispute.tree
                    );
                    return None;
                }
            };
            let call = Call::AnswerDispute {
                round: id,
                challenger: dispute.challenger,
                nodes,
            };
            let folder = worker.key(ROLE, id);
            let key = format!(
                "{folder}/answer-{}-{}",
                dispute.challenger, dispute.deadline
            );
            Some((key, call))
        });
        // All at once: each waits until it is finalised, and the time for each answer runs.
        let sent = answers.map(|(key, call)| async move { self.submit(&key, call).await });
        futures::future::try_join_all(sent).await?;
        Ok(())
    }

    /// The trees of a merge that this worker computed.
    pub(super) async fn trees(
        &self,
        view: &RoundView,
        own: &MergeRecord,
    ) -> Result<Arc<Trees>, WorkerError> {
        let known = self
            .trees
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((_, trees)) = known.filter(|(record, _)| record == own) {
            return Ok(trees);
        }
        let (store, terms) = (&*self.worker.store, &view.terms);
        let what = "the merged version";
        let state =
            blobs::parameters(store, &terms.architecture, what, &own.cid, own.state_root).await?;
        let moments = match own.server_cid {
            Some(cid) => {
                blobs::moments(
                    store,
                    &terms.architecture,
                    &terms.recipe,
                    what,
                    &cid,
                    own.server_root,
                )
                .await?
            }
            None => Vec::new(),
        };
        let mut pairs = Vec::new();
        if !own.table.is_empty() {
            let contributions = self.worker.contributions(view).await?;
            match self.worker.deltas(view, &contributions).await? {
                Fetched::All(deltas) => {
                    pairs = pair_leaves(
                        &terms.recipe.rule,
                        &deltas,
                        state.len() as u64,
                        self.worker.threads,
                    );
                }
                Fetched::Lacking(claim, why) => {
                    warn!("the distances of claim {claim:?} cannot be shown: {why}");
                }
            }
        }
        let trees = Arc::new(Trees::new(&state, &moments, pairs));
        let kept = Some((own.clone(), trees.clone()));
        *self.trees.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        Ok(trees)
    }
}
