// SPDX-License-Identifier: GPL-3.0-or-later
//! What the demo sees of the chain: one look a finalised block.

use anyhow::{Context, Result};
use dream_chain::{At, BlockRef, Chain, ClaimRecord};
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::version::VersionHeader;
use dream_primitives::{BranchId, H256};
use dream_worker::view::report::{lineage, rounds, Evaluator};
use std::collections::BTreeMap;

/// Everything that the demo has seen.
#[derive(Default)]
pub struct Seen {
    /// Latest finalised block.
    pub block: u32,
    /// Newest round and its phase.
    pub round: Option<(u32, Phase)>,
    /// Versions, oldest first.
    pub versions: Vec<(H256, VersionHeader)>,
    /// Held-out loss of each version.
    pub losses: BTreeMap<H256, f64>,
    /// Claims as last seen, whatever the chain has pruned since.
    pub claims: BTreeMap<H256, ClaimRecord>,
}

impl Seen {
    /// Looks at `block`.
    pub async fn look(
        &mut self,
        chain: &dyn Chain,
        evaluator: &Evaluator,
        branch: BranchId,
        block: BlockRef,
    ) -> Result<()> {
        let at = At::from(block);
        self.block = block.number;
        self.round = chain
            .current_round(at, branch)
            .await?
            .map(|r| (r.id.number, r.phase));
        for record in rounds(chain, at, branch).await? {
            self.claims.extend(record.claims);
        }
        let info = chain
            .branch(at, branch)
            .await?
            .context("the branch is gone")?;
        if self.versions.last().map(|(hash, _)| *hash) != Some(info.head) {
            self.versions = lineage(chain, at, info.head).await?;
        }
        for (hash, header) in &self.versions {
            if !self.losses.contains_key(hash) {
                if let Some(loss) = evaluator.loss(header).await? {
                    self.losses.insert(*hash, loss);
                }
            }
        }
        Ok(())
    }

    /// Number of the head.
    pub fn version(&self) -> u32 {
        self.versions.last().map_or(0, |(_, header)| header.number)
    }

    /// Loss of the head.
    pub fn loss(&self) -> Option<f64> {
        self.versions
            .last()
            .and_then(|(hash, _)| self.losses.get(hash))
            .copied()
    }

    /// Whether a claim has vested.
    pub fn vested(&self) -> bool {
        self.claims.values().any(|c| c.state == ClaimState::Vested)
    }

    /// Whether an accepted claim has no receipts yet.
    pub fn unpaid(&self) -> bool {
        self.claims
            .values()
            .any(|c| c.state == ClaimState::Accepted)
    }

    /// Claims in order of round and miner.
    pub fn sorted(&self) -> Vec<(H256, &ClaimRecord)> {
        let mut all: Vec<_> = self
            .claims
            .iter()
            .map(|(id, record)| (*id, record))
            .collect();
        all.sort_by_key(|(_, r)| (r.claim.round.number, r.miner));
        all
    }
}
