// SPDX-License-Identifier: GPL-3.0-or-later
//! Checking: are the start states and the delta of a claim to be had, and are they what the chain says?

use super::{Audit, Verifier, ROLE};
use crate::blobs::{self, BlobError};
use crate::error::WorkerError;
use crate::submit::Sent;
use crate::worker::RoundView;
use dream_chain::{Call, ClaimRecord};
use dream_primitives::claim::Availability;
use dream_primitives::round::OpenedStart;
use dream_primitives::H256;
use dream_training::TrainingState;
use std::sync::PoisonError;
use tracing::warn;

/// Blocks at which a blob must be missing before the verifier says that it lacks it: stores of others may be behind.
const PATIENCE: u32 = 3;

/// What a claim is replayed from.
pub(super) struct Evidence {
    /// Start states of the segments, ascending.
    pub starts: Vec<(u16, TrainingState)>,
    /// The residual that the claim starts from, where the last segment is among them; none for zeros.
    pub residual: Option<Vec<i32>>,
}

impl Verifier {
    /// Fetches opened start states.
    async fn starts(
        &self,
        view: &RoundView,
        opened: &[OpenedStart],
    ) -> Result<Vec<(u16, TrainingState)>, BlobError> {
        let worker = &self.worker;
        let genesis = worker.chain.genesis();
        let architecture = &view.terms.architecture;
        let mut starts = Vec::new();
        for s in opened {
            let state =
                blobs::training_state(&*worker.store, architecture, &genesis, &s.cid, s.state)
                    .await?;
            starts.push((s.segment, state));
        }
        Ok(starts)
    }

    /// Fetches what a replay needs: start states, for the last segment the residual, and, where it counts that others can
    /// merge it, the delta.
    pub(super) async fn evidence(
        &self,
        view: &RoundView,
        record: &ClaimRecord,
        opened: &[OpenedStart],
        delta: bool,
    ) -> Result<Evidence, BlobError> {
        let starts = self.starts(view, opened).await?;
        let (claim, store) = (&record.claim, &*self.worker.store);
        let architecture = &view.terms.architecture;
        if delta {
            blobs::delta(store, architecture, &claim.delta_cid, claim.delta_root).await?;
        }
        let before = claim.residual.and_then(|r| r.start);
        let last = |s: &OpenedStart| s.segment.saturating_add(1) == claim.segments;
        let residual = match before.filter(|_| opened.iter().any(last)) {
            Some(start) => Some(blobs::residual(store, architecture, &start).await?),
            None => None,
        };
        Ok(Evidence { starts, residual })
    }

    /// Counts a block at which a claim's blobs were looked for in vain; whether there were enough of them.
    pub(super) fn missed(&self, claim: H256, error: &BlobError) -> bool {
        let count = {
            let mut misses = self.misses.lock().unwrap_or_else(PoisonError::into_inner);
            let count = misses.entry(claim).or_default();
            *count += 1;
            *count
        };
        warn!("claim {claim:?}: {error} (try {count} of {PATIENCE})");
        count >= PATIENCE
    }

    async fn word(
        &self,
        view: &RoundView,
        audit: &Audit,
    ) -> Result<Option<Availability>, WorkerError> {
        let evidence = self.evidence(view, &audit.claim, &audit.claim.starts, true);
        match evidence.await {
            Ok(_) => Ok(Some(Availability::Have)),
            Err(error) if error.lacking() => {
                let lacking = self.missed(audit.id, &error);
                Ok(lacking.then_some(Availability::Lack))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn check(&self, view: &RoundView, audit: &Audit) -> Result<bool, WorkerError> {
        let Some(availability) = self.word(view, audit).await? else {
            return Ok(false);
        };
        let call = Call::VoteAvailability {
            claim: audit.id,
            availability,
        };
        let key = format!("{}/availability-{:x}", self.folder(view.round.id), audit.id);
        let sent = self.worker.submit_once(&key, call).await?;
        if let Sent::Refused(why) = &sent {
            self.told.say(
                ROLE,
                format!("the word on claim {:?} was refused: {why}", audit.id),
            );
        }
        Ok(matches!(sent, Sent::Done(_)))
    }
}
