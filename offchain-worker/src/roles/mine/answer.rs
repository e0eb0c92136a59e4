// SPDX-License-Identifier: GPL-3.0-or-later
//! Answering: somebody challenged a segment of a claim that has not vested; its start is stored and opened with its end.

use super::retain::parse;
use super::{MineRecord, Miner, ROLE};
use crate::blobs;
use crate::error::WorkerError;
use crate::worker::RoundView;
use dream_chain::{At, BlockRef, Call, Trial};
use dream_primitives::claim::RoundId;
use dream_primitives::trial::Stage;
use dream_primitives::H256;
use tracing::warn;

impl Miner {
    /// Opens what is challenged of all rounds that are kept.
    pub(super) async fn answer(&self, block: BlockRef) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let at = At::from(block);
        let active = worker.chain.active_trials(at).await?;
        if active.is_empty() {
            return Ok(());
        }
        let (genesis, account) = (worker.chain.genesis(), worker.account());
        for name in worker.database.list(ROLE)? {
            let Some(round) = parse(&name).filter(|r| r.branch == worker.branch) else {
                continue;
            };
            let record: Option<MineRecord> = worker.database.get(&self.record_key(round))?;
            let claimed = record.and_then(|r| r.claim.clone().map(|claim| (r, claim)));
            let Some((record, claim)) = claimed else {
                continue;
            };
            let id = claim.id(&genesis, account.as_bytes());
            if !active.contains(&id) {
                continue;
            }
            // Once it is open the stage changes only in the next block.
            let asked = |t: &Trial| t.stage == Stage::Opening && t.end.is_none();
            if let Some(trial) = worker.chain.trial(at, id).await?.filter(asked) {
                self.open_challenged(block, round, record, id, &trial)
                    .await?;
            }
        }
        Ok(())
    }

    async fn open_challenged(
        &self,
        block: BlockRef,
        id: RoundId,
        mut record: MineRecord,
        claim: H256,
        trial: &Trial,
    ) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let at = At::from(block);
        let round = worker.chain.round(at, id).await?;
        let terms = worker.chain.terms(at, id).await?;
        let (Some((round, terms)), Some(segment)) = (round.zip(terms), trial.segments.first())
        else {
            return Ok(());
        };
        warn!("segment {segment} of claim {claim:?} is challenged: opening it");
        let view = RoundView {
            block,
            round,
            terms,
        };
        let state = self.start_of(&view, *segment).await?;
        let cid = blobs::put_training_state(&*worker.store, &state).await?;
        if !record.challenged.contains(&cid) {
            record.challenged.push(cid);
            worker.database.put(&self.record_key(id), &record)?;
        }
        let trace = &record.trace;
        let start = trace.open_starts(&[(*segment, cid)]);
        let end = trace.open_digests(&worker.chain.genesis(), &[*segment]);
        let start = start.and_then(|s| s.first().cloned());
        let end = end.and_then(|e| e.first().cloned());
        let Some((start, end)) = start.zip(end) else {
            let done = trace.len();
            let why = format!(
                "claim {claim:?}: the challenged segment {segment} is not in its trace of {done} segments"
            );
            self.told.say(ROLE, why);
            return Ok(());
        };
        // The block at which it was opened tells one challenge of a claim from the next.
        let key = format!("{}/challenged-{}", worker.key(ROLE, id), trial.opened);
        let call = Call::OpenChallenged { claim, start, end };
        worker.submit_once(&key, call).await?;
        Ok(())
    }
}
