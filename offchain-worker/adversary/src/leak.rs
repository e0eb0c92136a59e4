// SPDX-License-Identifier: GPL-3.0-or-later
//! A miner that passes its digests to friends, and a verifier that copies them instead of replaying.

use async_trait::async_trait;
use codec::{Decode, Encode};
use dream_chain::At;
use dream_primitives::claim::{ReplayReport, SegmentResult};
use dream_primitives::trial::Stage;
use dream_primitives::{BoundedVec, H256};
use dream_worker::error::WorkerError;
use dream_worker::roles::mine::{self, MineRecord};
use dream_worker::roles::verify::{self, AuditRecord, TrialRecord};
use dream_worker::roles::Role;
use dream_worker::trace::Trace;
use dream_worker::worker::Worker;
use std::fs;
use std::path::PathBuf;
use tracing::info;

/// Where friends look: a file a claim.
#[derive(Clone, Debug)]
pub struct Leaks(PathBuf);

/// What a leaking miner tells of a claim.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Leak {
    /// States and digests, as they will be opened.
    pub trace: Trace,
    /// Root of the delta.
    pub delta_root: H256,
}

impl Leak {
    /// What an honest replay of `segments` would report if the claim were true.
    pub fn report(&self, segments: &[u16]) -> Option<ReplayReport> {
        let results: Option<Vec<SegmentResult>> = segments
            .iter()
            .map(|segment| {
                let trace = self.trace.segments.get(usize::from(*segment))?;
                Some(SegmentResult {
                    segment: *segment,
                    end_state: trace.end_state,
                    digest: trace.digest,
                })
            })
            .collect();
        Some(ReplayReport {
            initial_state: self.trace.initial_state,
            results: BoundedVec::truncate_from(results?),
            delta_root: self.delta_root,
            residual_end: None,
            step_state: None,
        })
    }
}

impl Leaks {
    /// Leaks by files in `folder`.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn path(&self, claim: &H256) -> PathBuf {
        self.0.join(format!("{claim:x}"))
    }

    /// Tells friends of a claim.
    pub fn tell(&self, claim: &H256, leak: &Leak) -> Result<(), WorkerError> {
        let path = self.path(claim);
        let part = path.with_extension("part");
        let written = fs::create_dir_all(&self.0)
            .and_then(|()| fs::write(&part, leak.encode()))
            .and_then(|()| fs::rename(&part, &path));
        written.map_err(|e| WorkerError::Task(format!("cannot leak to {}: {e}", path.display())))
    }

    /// What was told of a claim.
    pub fn of(&self, claim: &H256) -> Option<Leak> {
        let bytes = fs::read(self.path(claim)).ok()?;
        Leak::decode(&mut &bytes[..]).ok()
    }
}

/// A miner that tells.
pub struct LeakingMiner {
    inner: Box<dyn Role>,
    leaks: Leaks,
}

impl LeakingMiner {
    /// Around an honest miner.
    pub fn new(inner: Box<dyn Role>, leaks: Leaks) -> Self {
        Self { inner, leaks }
    }
}

#[async_trait]
impl Role for LeakingMiner {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn worker(&self) -> &Worker {
        self.inner.worker()
    }

    async fn step(&self) -> Result<(), WorkerError> {
        self.inner.step().await?;
        let worker = self.worker();
        let (genesis, account) = (worker.chain.genesis(), worker.account());
        let Some(round) = worker
            .chain
            .current_round(At::Finalised, worker.branch)
            .await?
        else {
            return Ok(());
        };
        let record: Option<MineRecord> =
            worker.database.get(&mine::record_key(worker, round.id))?;
        let claimed = record.and_then(|r| r.claim.map(|claim| (claim, r.trace)));
        if let Some((claim, trace)) = claimed {
            let id = claim.id(&genesis, account.as_bytes());
            let delta_root = claim.delta_root;
            self.leaks.tell(&id, &Leak { trace, delta_root })?;
        }
        Ok(())
    }
}

/// A verifier that copies what it is told and replays only where it is told nothing.
pub struct LazyVerifier {
    inner: Box<dyn Role>,
    leaks: Leaks,
}

impl LazyVerifier {
    /// Around an honest verifier.
    pub fn new(inner: Box<dyn Role>, leaks: Leaks) -> Self {
        Self { inner, leaks }
    }

    /// Writes reports down as if they had been replayed.
    async fn copy(&self) -> Result<(), WorkerError> {
        let worker = self.worker();
        let audits = worker
            .chain
            .audits(At::Finalised, worker.branch, worker.account())
            .await?;
        for audit in audits {
            let key = verify::record_key(worker, audit.record.claim.round, audit.id);
            if worker.database.get::<AuditRecord>(&key)?.is_some() {
                continue;
            }
            let leak = self.leaks.of(&audit.id);
            if let Some(report) = leak.and_then(|l| l.report(&audit.record.audited)) {
                info!("claim {:?}: digests copied from a friend", audit.id);
                let salt = worker.random()?;
                worker.database.put(&key, &AuditRecord { report, salt })?;
            }
        }
        for open in worker.chain.trials(At::Finalised, worker.account()).await? {
            let key = verify::trial_key(&open.id, &open.trial);
            let done = worker.database.get::<TrialRecord>(&key)?.is_some();
            if done || open.trial.stage != Stage::Commitment {
                continue;
            }
            let leak = self.leaks.of(&open.id);
            if let Some(report) = leak.and_then(|l| l.report(&open.trial.segments)) {
                info!("claim {:?}: verdict copied from a friend", open.id);
                // Nobody leaks states between a segment's start and its end: they are not kept.
                let step_state = Some(worker.random()?);
                let report = ReplayReport {
                    step_state,
                    ..report
                };
                let salt = worker.random()?;
                worker.database.put(&key, &TrialRecord { report, salt })?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Role for LazyVerifier {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn worker(&self) -> &Worker {
        self.inner.worker()
    }

    async fn step(&self) -> Result<(), WorkerError> {
        self.copy().await?;
        self.inner.step().await
    }
}
