// SPDX-License-Identifier: GPL-3.0-or-later
//! Challenging: a claim was accepted although this account's own replay of an audited segment gave something else.

use super::{Audit, Verifier, ROLE};
use crate::error::WorkerError;
use crate::submit::Sent;
use codec::{Decode, Encode};
use dream_chain::{At, BlockRef, Call, ClaimRecord};
use dream_primitives::claim::ReplayReport;
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::H256;
use tracing::warn;

/// Folder of claims that own replays contradict.
const FOLDER: &str = "suspect";

/// What was found wrong with a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
struct Suspicion {
    claim: H256,
    segment: u16,
}

/// The first segment of which a report says something else than the claim; the last one when only the delta or state 0
/// differs.
fn wrong_segment(record: &ClaimRecord, report: &ReplayReport) -> Option<u16> {
    let pairs = report.results.iter().zip(&record.ends);
    pairs
        .filter(|(found, claimed)| found != claimed)
        .map(|(found, _)| found.segment)
        .next()
        .or(record.audited.last().copied())
}

/// Whether claims of a round in this phase may be challenged.
fn open_to_challenges(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Merging | Phase::Dispute | Phase::Valuation | Phase::Paying | Phase::Vesting
    )
}

impl Verifier {
    /// Remembers that the own replay contradicts a claim.
    pub(super) fn suspect(&self, audit: &Audit, report: &ReplayReport) -> Result<(), WorkerError> {
        let Some(segment) = wrong_segment(&audit.claim, report) else {
            return Ok(());
        };
        let suspicion = Suspicion {
            claim: audit.id,
            segment,
        };
        let key = format!("{FOLDER}/{:x}/record", audit.id);
        Ok(self.worker.database.put(&key, &suspicion)?)
    }

    /// Challenges what was accepted against the own replay.
    pub(super) async fn challenge(&self, block: BlockRef) -> Result<(), WorkerError> {
        let (worker, at) = (&self.worker, At::from(block));
        for name in worker.database.list(FOLDER)? {
            let folder = format!("{FOLDER}/{name}");
            let suspicion: Option<Suspicion> = worker.database.get(&format!("{folder}/record"))?;
            let record = match suspicion {
                Some(s) => worker.chain.claim(at, s.claim).await?,
                None => None,
            };
            let over = match (suspicion, record) {
                (Some(s), Some(record)) => self.pursue(at, &folder, s, &record).await?,
                _ => true,
            };
            if over {
                worker.database.remove(&folder)?;
                worker.forget_submissions(&folder)?;
            }
        }
        Ok(())
    }

    /// Whether there is nothing more to do about a suspicion.
    async fn pursue(
        &self,
        at: At,
        folder: &str,
        suspicion: Suspicion,
        record: &ClaimRecord,
    ) -> Result<bool, WorkerError> {
        let (worker, claim) = (&self.worker, suspicion.claim);
        match record.state {
            ClaimState::Accepted | ClaimState::Merged | ClaimState::Reverted => {}
            ClaimState::Revealed
            | ClaimState::Escalated
            | ClaimState::OnTrial
            | ClaimState::Challenged => return Ok(false),
            _ => return Ok(true),
        }
        let round = worker.chain.round(at, record.claim.round).await?;
        let Some(round) = round else {
            return Ok(true);
        };
        if !open_to_challenges(round.phase) {
            return Ok(false);
        }
        let bond = worker.chain.bond(at, worker.account()).await?.free();
        let price = challenge_bond(worker.chain.parameters(at).await?.bonds.challenge, record);
        if bond < price {
            let (bond, price) = (crate::amount(bond), crate::amount(price));
            let why = format!("claim {claim:?} was accepted against this account's replay, but a challenge locks {price} and the free bond is {bond}");
            self.told.say(ROLE, why);
            return Ok(false);
        }
        let segment = suspicion.segment;
        warn!("claim {claim:?} was accepted against this account's replay: challenging segment {segment}");
        let call = Call::Challenge { claim, segment };
        let sent = worker
            .submit_once(&format!("{folder}/challenge"), call)
            .await?;
        if let Sent::Refused(why) = &sent {
            warn!("the challenge of claim {claim:?} was refused: {why}");
        }
        Ok(!matches!(sent, Sent::Pending))
    }
}

/// What the next challenge of a claim locks: doubled by each one before it.
pub fn challenge_bond(first: u128, record: &ClaimRecord) -> u128 {
    (0..record.challenges()).fold(first, |bond, _| bond.saturating_mul(2))
}
