// SPDX-License-Identifier: GPL-3.0-or-later
//! Replaying: segments are run again, and what they give is written down before it is committed to.

use super::check::Evidence;
use super::{Audit, AuditRecord, Verifier, ROLE};
use crate::corpus::RoundBatches;
use crate::error::WorkerError;
use crate::replay::{replay, ReplayInputs};
use crate::worker::RoundView;
use dream_chain::ClaimRecord;
use dream_primitives::claim::ReplayReport;
use dream_primitives::trial::TrialStep;
use dream_primitives::H256;
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
        if audit.record.is_some() {
            return Ok(false);
        }
        let evidence = self.evidence(view, &audit.claim, &audit.claim.starts, true);
        let evidence = match evidence.await {
            Ok(evidence) => evidence,
            Err(error) if error.lacking() => {
                self.told.say(
                    ROLE,
                    format!("claim {:?} cannot be replayed: {error}", audit.id),
                );
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        let report = self
            .run(view, audit.id, &audit.claim, evidence, None)
            .await?;
        let record = AuditRecord {
            report,
            salt: self.worker.random()?,
        };
        self.worker.database.put(&self.record_key(audit), &record)?;
        Ok(true)
    }

    /// Runs segments of a claim from their start states.
    pub(super) async fn run(
        &self,
        view: &RoundView,
        id: H256,
        record: &ClaimRecord,
        evidence: Evidence,
        step: Option<TrialStep>,
    ) -> Result<ReplayReport, WorkerError> {
        let worker = &self.worker;
        let inputs = ReplayInputs {
            architecture: view.terms.architecture,
            recipe: view.terms.recipe,
            genesis: worker.chain.genesis(),
            claim: record.claim.clone(),
            head: worker.base_state(view).await?,
            starts: evidence.starts,
            residual: evidence.residual,
            batches: RoundBatches::new(
                worker.corpus(&view.terms).await?,
                worker.chain.genesis(),
                view.round.seed,
                record.miner.0,
                &view.terms,
            ),
            step,
        };
        let (stop, show) = (worker.stop.clone(), Arc::clone(&worker.show));
        let steps = u64::from(view.terms.recipe.steps);
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
        Ok(report)
    }
}
