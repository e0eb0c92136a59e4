// SPDX-License-Identifier: GPL-3.0-or-later
//! A delta that is there for the audit and gone for the merge.

use async_trait::async_trait;
use dream_chain::At;
use dream_primitives::round::ClaimState;
use dream_worker::error::WorkerError;
use dream_worker::roles::Role;
use dream_worker::worker::Worker;

/// A miner that removes its delta once the claim is accepted.
pub struct Vanishing(pub Box<dyn Role>);

#[async_trait]
impl Role for Vanishing {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn worker(&self) -> &Worker {
        self.0.worker()
    }

    async fn step(&self) -> Result<(), WorkerError> {
        self.0.step().await?;
        let worker = self.0.worker();
        let (chain, branch) = (&worker.chain, worker.branch);
        let Some(round) = chain.current_round(At::Finalised, branch).await? else {
            return Ok(());
        };
        let Some(id) = chain
            .claim_of(At::Finalised, round.id, worker.account())
            .await?
        else {
            return Ok(());
        };
        let claim = chain.claim(At::Finalised, id).await?;
        if let Some(claim) = claim.filter(|c| c.state == ClaimState::Accepted) {
            worker.store.remove(&claim.claim.delta_cid).await?;
        }
        Ok(())
    }
}
