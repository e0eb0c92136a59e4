// SPDX-License-Identifier: GPL-3.0-or-later
//! Demanding: a contribution's delta that is not to be had is asked for on the chain, chunk by chunk.
//!
//! A miner that does not answer loses its place in the merge; one that does pays for every chunk with a block's space, and
//! is paid for it. What was answered is kept, so that the whole delta is put together in the end.

use super::{Merger, ROLE};
use crate::error::WorkerError;
use crate::supply::collected_key;
use crate::worker::RoundView;
use dream_chain::{At, Call};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::dispute::{verify_delta_chunk, DeltaOpening};
use dream_primitives::game::MAX_DEMANDS;
use dream_primitives::round::Phase;
use dream_primitives::{BlockNumber, H256};
use std::collections::BTreeMap;
use tracing::warn;

/// Part of the phase's time for which a blob is waited for before its first chunk is demanded.
const PATIENCE: BlockNumber = 4;

impl Merger {
    /// Demands the chunks that are missing of a claim's delta that is not to be had, as many as may be open at a time.
    pub(super) async fn demand(
        &self,
        view: &RoundView,
        claim: H256,
        lacking: &str,
    ) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let (round, at) = (&view.round, At::from(view.block));
        let (number, now) = (round.id.number, view.block.number);
        let why = format!("round {number} cannot be merged yet: claim {claim:?}: {lacking}");
        self.told.say(ROLE, why);
        let limits = worker.chain.parameters(at).await?.round;
        let phase = match round.phase {
            Phase::Merging => limits.merge_blocks,
            Phase::Dispute => limits.dispute_blocks,
            _ => return Ok(()),
        };
        let left = round.deadline.saturating_sub(now);
        if left == 0 || left > phase.saturating_sub(phase / PATIENCE) {
            return Ok(());
        }
        let missing = self.collect(view, claim).await?;
        let open = worker.chain.demands(at, round.id).await?;
        let places = (MAX_DEMANDS as usize).saturating_sub(open.len());
        let wanted = missing
            .into_iter()
            .filter(|chunk| open.iter().all(|d| (d.claim, d.chunk) != (claim, *chunk)))
            .take(places);
        let mut demands = Vec::new();
        for chunk in wanted {
            warn!("round {number}: chunk {chunk} of claim {claim:?} is demanded on the chain");
            let key = format!("{}/demand-{claim:?}-{chunk}", worker.key(ROLE, round.id));
            let asked = asked_key(view, claim, chunk);
            if worker.database.get::<BlockNumber>(&asked)?.is_none() {
                worker.database.put(&asked, &now)?;
            }
            let call = Call::DemandChunk { claim, chunk };
            demands.push(async move { self.submit(&key, call).await });
        }
        futures::future::try_join_all(demands).await?;
        Ok(())
    }

    /// Takes in what was supplied; the chunks that are still missing.
    async fn collect(&self, view: &RoundView, claim: H256) -> Result<Vec<u32>, WorkerError> {
        let worker = &self.worker;
        let record = worker.chain.claim(view.block.into(), claim).await?;
        let root = record.map_or(H256::zero(), |r| r.claim.delta_root);
        let architecture = &view.terms.architecture;
        let parameters = architecture.parameters().unwrap_or(0);
        let (mut all, mut asked) = (BTreeMap::new(), Vec::new());
        for chunk in 0..architecture.chunks() {
            let key = collected_key(view.round.id, claim, chunk);
            if let Some(found) = worker.database.get::<DeltaChunk>(&key)? {
                all.insert(chunk, found);
            } else if let Some(at) = worker.database.get(&asked_key(view, claim, chunk))? {
                asked.push((chunk, at));
            }
        }
        let since: Option<BlockNumber> = asked.iter().map(|(_, at)| *at).min();
        if let Some(since) = since {
            let supplied = worker.chain.supplied(claim, since, view.block).await?;
            for (chunk, _) in asked {
                let right =
                    |o: &&DeltaOpening| verify_delta_chunk(parameters, &root, chunk, o).is_ok();
                if let Some(opening) = supplied.iter().find(right) {
                    let key = collected_key(view.round.id, claim, chunk);
                    worker.database.put(&key, &opening.chunk)?;
                    all.insert(chunk, opening.chunk.clone());
                }
            }
        }
        let missing: Vec<u32> = (0..architecture.chunks())
            .filter(|chunk| !all.contains_key(chunk))
            .collect();
        if missing.is_empty() {
            let whole = all.into_values().collect();
            worker.take_in(view, claim, &whole).await?;
        }
        Ok(missing)
    }
}

fn asked_key(view: &RoundView, claim: H256, chunk: u32) -> String {
    let id = view.round.id;
    format!("{ROLE}/{}-{}/asked-{claim:?}-{chunk}", id.branch, id.number)
}
