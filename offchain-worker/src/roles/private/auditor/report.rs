// SPDX-License-Identifier: GPL-3.0-or-later
//! Reports: the committee's answers combined, the version that they give, its score; committed to, then revealed.

use super::{Auditor, ROLE};
use crate::blobs;
use crate::error::WorkerError;
use crate::roles::private::sums::Unmade;
use crate::roles::private::PrivateView;
use crate::roles::verify::nats;
use crate::roles::Role;
use crate::score::score;
use crate::worker::Worker;
use codec::{Decode, Encode};
use dream_chain::PrivateCall;
use dream_primitives::claim::RoundId;
use dream_primitives::delta::{self, quantise_dense, DeltaChunk};
use dream_primitives::private::settle::{PrivateReport, VersionReport};
use dream_primitives::state::CHUNK;
use dream_primitives::value::ScoreReport;
use dream_primitives::H256;
use dream_private::auditor::{combine, mean_chunks, Combination};
use dream_training::tokens;
use std::sync::Arc;
use tracing::{info, warn};

/// What an auditor keeps of its report until the next round.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ReportNote {
    /// What was found.
    pub report: PrivateReport,
    /// Salt of the commitment.
    pub salt: H256,
}

/// Where the [`ReportNote`] of a round is kept.
pub fn report_key(worker: &Worker, round: RoundId) -> String {
    format!("{}/report", worker.key(ROLE, round))
}

impl Auditor {
    /// Makes the report and writes it down; whether there is one.
    pub(super) async fn combine(&self, view: &PrivateView) -> Result<bool, WorkerError> {
        let worker = self.worker();
        let report = match self.report(view).await {
            Ok(report) => report,
            Err(Unmade::Lacking(why)) => {
                self.watch.say(view, format!("there is no report: {why}"));
                return Ok(false);
            }
            Err(Unmade::Failed(error)) => return Err(error),
        };
        let salt = worker.random()?;
        let key = report_key(worker, view.id());
        worker.database.put(&key, &ReportNote { report, salt })?;
        Ok(true)
    }

    pub(super) async fn commit(
        &self,
        view: &PrivateView,
        note: &ReportNote,
    ) -> Result<bool, WorkerError> {
        let (worker, round) = (self.worker(), view.id());
        let (genesis, account) = (worker.chain.genesis(), worker.account());
        let report = &note.report;
        let commitment = report.commitment(&genesis, account.as_bytes(), &round, &note.salt);
        let call = PrivateCall::CommitReport { round, commitment };
        let key = format!("{}/commit", self.watch.folder(view));
        self.watch.submit(&key, call).await
    }

    pub(super) async fn reveal(
        &self,
        view: &PrivateView,
        note: ReportNote,
    ) -> Result<bool, WorkerError> {
        let call = PrivateCall::RevealReport {
            round: view.id(),
            report: Box::new(note.report),
            salt: note.salt,
        };
        let key = format!("{}/reveal", self.watch.folder(view));
        self.watch.submit(&key, call).await
    }

    /// What the answers come to.
    async fn report(&self, view: &PrivateView) -> Result<PrivateReport, Unmade> {
        let terms = view.round.standing.count();
        let (sums, wrong) = match self.combined(view, terms).await? {
            Combination::Sums { sums, wrong } => (sums, wrong),
            Combination::OutOfRange { segment } => {
                warn!(
                    "private round {}: the sum of segment {segment} is out of range",
                    view.id().number
                );
                return Ok(PrivateReport::OutOfRange { segment });
            }
            Combination::Undecryptable => {
                warn!("private round {}: no answers agree", view.id().number);
                return Ok(PrivateReport::Undecryptable);
            }
        };
        let refused = || Unmade::Lacking("the decrypted sums are no delta".into());
        let chunks = mean_chunks(&sums, terms, view.terms.job.shift).ok_or_else(refused)?;
        let version = self.version(view, chunks, wrong).await?;
        Ok(PrivateReport::Version(version))
    }

    async fn combined(&self, view: &PrivateView, terms: u32) -> Result<Combination, Unmade> {
        let posted = view.round.sum.as_ref();
        let posted = posted.ok_or_else(|| Unmade::Lacking("no sum is posted".into()))?;
        let sum = self.watch.posted_sum(view, &posted.roots).await?;
        let store = &*self.worker().store;
        let max = view.layers.answer_bytes() as u64;
        let mut answers = Vec::new();
        for answer in &view.round.answers {
            let blob = match store.get(&answer.cid, max).await {
                Ok(blob) => Some(blob),
                Err(error) if blobs::lacking(&error) => {
                    let whole = view.terms.parameters.get().phases.combination_blocks;
                    let left = view.round.deadline.saturating_sub(view.block.number);
                    let why = format!("the answer of member {}: {error}", answer.member);
                    // Whose answer is not to be had is named wrong, by all that report alike: it is waited for.
                    if left > whole / 2 {
                        return Err(Unmade::Lacking(why));
                    }
                    warn!("private round {}: {why}", view.id().number);
                    None
                }
                Err(error) => return Err(error.into()),
            };
            answers.push((*answer, blob));
        }
        let view = view.clone();
        let combining = tokio::task::spawn_blocking(move || {
            let answers: Vec<_> = answers
                .iter()
                .map(|(answer, blob)| (*answer, blob.as_deref()))
                .collect();
            combine(&view.layers, &view.facts, &sum, terms, &answers)
        });
        Ok(combining.await??)
    }

    /// The version that a cohort's delta makes, with its score, and both published.
    async fn version(
        &self,
        view: &PrivateView,
        chunks: Vec<DeltaChunk>,
        wrong: u8,
    ) -> Result<VersionReport, Unmade> {
        let worker = self.worker();
        let delta_root = delta::root(&chunks).unwrap_or_default();
        let delta_cid = blobs::put_delta(&*worker.store, &chunks).await?;
        let merged = self.watch.merged(view, chunks).await?;
        let merged = worker.runners.merged(merged);
        let (cid, server_cid) = worker.keep_version(&merged).await?;
        let (state_root, server_root) = (merged.state_root, merged.server_root);
        let score = self.score(view, merged.state).await?;
        Ok(VersionReport {
            delta_root,
            delta_cid,
            state_root,
            server_root,
            cid,
            server_cid,
            wrong,
            score,
        })
    }

    /// Losses on the opened shard: of the merge without the sum, which the server optimiser moves too, and of the version.
    async fn score(
        &self,
        view: &PrivateView,
        version: Vec<i32>,
    ) -> Result<Option<ScoreReport>, Unmade> {
        let (worker, round) = (self.worker(), &view.round);
        let Some((shard, cid)) = round.shard.as_ref().zip(round.shard_cid.as_ref()) else {
            let why = "no held-out shard is open: nothing is measured, and there is no new head";
            self.watch.say(view, why);
            return Ok(None);
        };
        let bytes = blobs::shard(&*worker.store, cid, shard).await?;
        let zeros = vec![0i32; version.len()];
        let nothing = zeros.chunks(CHUNK).map(quantise_dense).collect();
        let parent = self.watch.merged(view, nothing).await?.state;
        let samples: Vec<Vec<u32>> = bytes
            .chunks_exact(shard.window as usize)
            .map(tokens)
            .collect();
        let (genesis, stop) = (worker.chain.genesis(), worker.stop.clone());
        let (architecture, recipe) = (view.architecture, view.terms.recipe);
        let (parent, version) = (Arc::new(parent), Arc::new(version));
        let scored = worker.with_runner_of(architecture, recipe, move |runner| {
            score(runner, &genesis, &parent, &version, &samples, &stop)
        });
        let report = scored.await?;
        info!(
            "private round {}: {} samples scored, {:.4} nats a token without the sum, {:.4} with it",
            view.id().number,
            shard.samples,
            nats(report.parent.total, shard.samples),
            nats(report.version.total, shard.samples)
        );
        Ok(Some(report))
    }
}
