// SPDX-License-Identifier: GPL-3.0-or-later
//! Replaying: the audited segments are run again, and what they give is written down before it is committed to.

use super::{Audit, AuditRecord, Verifier, ROLE};
use crate::corpus::RoundBatches;
use crate::error::WorkerError;
use crate::replay::{replay, ReplayInputs};
use crate::worker::RoundView;
use std::ops::ControlFlow;
use std::sync::Arc;
use tracing::info;

impl Verifier {
    /// Whether a report was made.
    pub(super) async fn replay(
        &self,
        view: &RoundView,
        audit: &Audit,
    ) -> Result<bool, WorkerError> {
        let worker = &self.worker;
        if audit.record.is_some() {
            return Ok(false);
        }
        let starts = match self.starts(view, audit).await {
            Ok(starts) => starts,
            Err(error) if error.lacking() => {
                self.told.say(
                    ROLE,
                    format!("claim {:?} cannot be replayed: {error}", audit.id),
                );
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        let inputs = ReplayInputs {
            architecture: view.terms.architecture,
            genesis: worker.chain.genesis(),
            head: worker.base_state(view).await?,
            starts,
            batches: RoundBatches::new(
                worker.corpus(&view.terms).await?,
                worker.chain.genesis(),
                view.round.seed,
                audit.claim.miner.0,
                &view.terms,
            ),
        };
        let (stop, show) = (worker.stop.clone(), Arc::clone(&worker.show));
        let steps = u64::from(view.terms.recipe.steps);
        let id = audit.id;
        let report = worker
            .with_runner(&view.terms, move |runner| {
                replay(runner, inputs, &mut |p| {
                    let done = (p.step - 1) % steps + 1;
                    show.step(
                        &format!("replay {id:?} segment {}", p.segment),
                        done,
                        steps,
                        p,
                    );
                    match stop.stopped() {
                        true => ControlFlow::Break(()),
                        false => ControlFlow::Continue(()),
                    }
                })
            })
            .await?;
        worker.show.clear();
        info!("claim {id:?}: {} segments replayed", report.results.len());
        let record = AuditRecord {
            report,
            salt: worker.random()?,
        };
        worker.database.put(&self.record_key(audit), &record)?;
        Ok(true)
    }
}
