// SPDX-License-Identifier: GPL-3.0-or-later
//! What the demo sees of the chain: one look a finalised block.

use anyhow::{Context, Result};
use dream_chain::{At, BlockRef, Chain, ClaimRecord};
use dream_primitives::claim::Verdict;
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::version::{Parent, VersionHeader};
use dream_primitives::{BranchId, H256};
use dream_worker::view::explain::{self, Explanation};
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
    /// What `dream-worker explain` says of the first claim of each kind, taken down while the chain keeps the claim.
    pub stories: BTreeMap<Story, Explanation>,
}

/// A claim to take out of the model.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Claim.
    pub claim: H256,
    /// The version that its round made.
    pub version: H256,
    /// Claims of the round that stay.
    pub others: usize,
}

/// Kinds of claims that the demo tells of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Story {
    /// Faked, and slashed by a jury.
    Slashed,
    /// Faked on duty, and confirmed by a lazy verifier.
    Canary,
    /// Paid.
    Paid,
}

impl Story {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Slashed, Self::Canary, Self::Paid];

    /// What it shows.
    pub fn title(self) -> &'static str {
        match self {
            Self::Slashed => "a cheater's bond, slashed by a jury",
            Self::Canary => "a canary, confirmed by a verifier that did not replay it",
            Self::Paid => "a claim that was paid",
        }
    }

    /// Whether a claim is of the kind, as far as its record tells.
    fn fits(self, record: &ClaimRecord) -> bool {
        let confirmed = |s: &dream_chain::Seat| s.verdict == Some(Verdict::Match);
        match self {
            Self::Slashed => record.state == ClaimState::Slashed,
            Self::Canary => {
                record.state == ClaimState::Canary && record.committee.iter().any(confirmed)
            }
            Self::Paid => {
                let honest = record.flag == Some(false) && record.state == ClaimState::Vested;
                honest && !record.receipts.is_empty()
            }
        }
    }
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
        let newest = chain.current_round(at, branch).await?;
        self.round = newest.map(|r| (r.id.number, r.phase));
        for record in rounds(chain, at, branch).await? {
            self.claims.extend(record.claims);
        }
        for story in Story::ALL {
            if self.stories.contains_key(&story) {
                continue;
            }
            let found = self.claims.iter().find(|(_, record)| story.fits(record));
            let Some(id) = found.map(|(id, _)| *id) else {
                continue;
            };
            // A claim that the chain has pruned is told of no more; another one comes.
            if chain.claim(at, id).await?.is_some() {
                self.stories.insert(story, explain::read(chain, id).await?);
            }
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

    /// Whether every kind of claim has been seen.
    pub fn told(&self) -> bool {
        Story::ALL.iter().all(|s| self.stories.contains_key(s))
    }

    /// What has not been seen yet.
    pub fn missing(&self) -> String {
        let missing = Story::ALL.iter().filter(|s| !self.stories.contains_key(s));
        let titles: Vec<&str> = missing.map(|s| s.title()).collect();
        match titles.is_empty() {
            true => "enough versions".into(),
            false => titles.join(", nor "),
        }
    }

    /// A merged claim to take out of a round from `oldest` on, of the newest with another one if there is such a round, and
    /// the version that it is in.
    pub fn to_revert(&self, oldest: u32) -> Option<Target> {
        let merged = |r: &ClaimRecord| {
            r.merged && r.state == ClaimState::Merged && r.claim.round.number >= oldest
        };
        let claims: Vec<_> = self.claims.iter().filter(|(_, r)| merged(r)).collect();
        let others = |round| {
            claims
                .iter()
                .filter(|(_, r)| r.claim.round == round)
                .count()
                - 1
        };
        let best = |r: &ClaimRecord| (others(r.claim.round), r.claim.round.number);
        let (claim, record) = claims.iter().max_by_key(|(_, r)| best(r))?;
        let parent = Parent::Local(record.claim.base);
        let (version, _) = self.versions.iter().find(|(_, h)| h.parent == parent)?;
        Some(Target {
            claim: **claim,
            version: *version,
            others: others(record.claim.round),
        })
    }

    /// Whether an accepted claim has no receipts yet. Claims of a version that was not promoted stay accepted, and are paid.
    pub fn unpaid(&self) -> bool {
        let unpaid = |c: &ClaimRecord| c.state == ClaimState::Accepted && c.receipts.is_empty();
        self.claims.values().any(unpaid)
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
