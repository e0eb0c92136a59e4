// SPDX-License-Identifier: GPL-3.0-or-later
//! Comparing: a version that became a head must have the roots that this worker computed, whoever posted it.

use super::{MergeRecord, Merger, ROLE};
use crate::error::WorkerError;
use dream_chain::At;
use dream_primitives::claim::RoundId;
use tracing::{error, info};

impl Merger {
    /// Compares all merges that this worker computed and that have become versions since.
    pub(super) async fn compare(&self) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let at = At::from(worker.chain.finalised().await?);
        let current = worker
            .chain
            .current_round(at, worker.branch)
            .await?
            .map(|r| r.id.number);
        for name in worker.database.list(ROLE)? {
            let Some(number) = name
                .strip_prefix(&format!("{}-", worker.branch))
                .and_then(|n| n.parse().ok())
            else {
                continue;
            };
            let id = RoundId {
                branch: worker.branch,
                number,
            };
            let folder = worker.key(ROLE, id);
            let compared = format!("{folder}/compared");
            let done = worker.database.get::<bool>(&compared)?.is_some();
            let round = worker.chain.round(at, id).await?;
            if current != Some(number) && (done || round.is_none()) {
                worker.database.remove(&folder)?;
                worker.forget_submissions(&folder)?;
                continue;
            }
            let (Some(round), false) = (round, done) else {
                continue;
            };
            let Some(posted) = round.merge else { continue };
            let Some(header) = worker.chain.version(at, posted.version).await? else {
                continue;
            };
            let key = self.record_key(id, header.contributions_root);
            let Some(own) = worker.database.get::<MergeRecord>(&key)? else {
                continue;
            };
            if header.state_root == own.state_root && header.server_root == own.server_root {
                info!(
                    "round {number}: version {} of {} is right",
                    header.number, posted.merger
                );
            } else {
                error!(
                    "round {number}: version {} of {} is WRONG: it has the roots {:?} and {:?}, the accepted deltas give {:?} and {:?}",
                    header.number, posted.merger, header.state_root, header.server_root, own.state_root, own.server_root
                );
            }
            worker.database.put(&compared, &true)?;
        }
        Ok(())
    }
}
