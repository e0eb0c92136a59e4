// SPDX-License-Identifier: GPL-3.0-or-later
//! Retention: snapshots are kept until the claim is closed, then removed.

use super::{MineRecord, Miner, View, ROLE};
use crate::error::WorkerError;
use dream_chain::At;
use dream_primitives::claim::{RoundId, StoredResidual};
use dream_primitives::round::{ClaimState, Phase};
use tracing::info;

impl Miner {
    /// Removes what earlier rounds left, once nobody can ask for it any more.
    pub(super) async fn retain(&self, view: &View) -> Result<(), WorkerError> {
        let worker = &self.worker;
        for name in worker.database.list(ROLE)? {
            let Some(round) = parse(&name) else { continue };
            if round.branch != worker.branch || round == view.id() {
                continue;
            }
            if self.needed(view, round).await? {
                continue;
            }
            let record: Option<MineRecord> = worker.database.get(&self.record_key(round))?;
            if let Some(record) = record {
                let audited = record.starts.iter().map(|(_, cid)| cid);
                for cid in audited.chain(&record.challenged) {
                    worker.store.remove(cid).await?;
                }
                for left in self.idle_residuals(view, &record).await? {
                    worker.store.remove(&left.cid).await?;
                }
            }
            worker.database.remove(&worker.key(ROLE, round))?;
            worker.forget_submissions(&worker.key(ROLE, round))?;
            info!(
                "round {} is closed for this miner: its snapshots are removed",
                round.number
            );
        }
        Ok(())
    }

    /// Residuals of a round's claim that neither the account's next claim nor another one that is kept starts from.
    async fn idle_residuals(
        &self,
        view: &View,
        record: &MineRecord,
    ) -> Result<Vec<StoredResidual>, WorkerError> {
        let of = |record: &MineRecord| {
            let residual = record.claim.as_ref().and_then(|c| c.residual);
            residual.map_or(Vec::new(), |r| r.start.into_iter().chain(r.end).collect())
        };
        let mut idle: Vec<StoredResidual> = of(record);
        if idle.is_empty() {
            return Ok(idle);
        }
        let worker = &self.worker;
        let (at, account) = (At::from(view.at.block), worker.account());
        let carried = worker.chain.residual(at, worker.branch, account).await?;
        let mut wanted: Vec<StoredResidual> = carried.map(|c| c.residual).into_iter().collect();
        for round in worker.database.list(ROLE)?.iter().filter_map(|n| parse(n)) {
            let other: Option<MineRecord> = worker.database.get(&self.record_key(round))?;
            wanted.extend(other.iter().filter(|o| *o != record).flat_map(of));
        }
        idle.retain(|left| !wanted.contains(left));
        Ok(idle)
    }

    /// Whether the claim of an earlier round may still be challenged.
    async fn needed(&self, view: &View, round: RoundId) -> Result<bool, WorkerError> {
        let (chain, at) = (&self.worker.chain, At::from(view.at.block));
        let Some(id) = chain.claim_of(at, round, self.worker.account()).await? else {
            return Ok(false);
        };
        let Some(record) = chain.claim(at, id).await? else {
            return Ok(false);
        };
        if matches!(
            record.state,
            ClaimState::Vested
                | ClaimState::Rejected
                | ClaimState::Void
                | ClaimState::Slashed
                | ClaimState::Canary
                | ClaimState::Excluded
        ) {
            return Ok(false);
        }
        let round = chain.round(at, round).await?;
        Ok(round.is_some_and(|r| r.phase != Phase::Closed))
    }
}

pub(super) fn parse(name: &str) -> Option<RoundId> {
    let (branch, number) = name.split_once('-')?;
    Some(RoundId {
        branch: branch.parse().ok()?,
        number: number.parse().ok()?,
    })
}
