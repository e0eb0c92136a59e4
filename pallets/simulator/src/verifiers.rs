// SPDX-License-Identifier: GPL-3.0-or-later
//! What verifiers and the merger do.

use crate::actors::{MinerKind, Stage, VerifierKind};
use crate::chain::{AccountId, UsefulWork};
use crate::model::secret;
use crate::world::{Record, Served, Task, World};
use dream_primitives::claim::{Availability, ReplayReport, SegmentResult};
use dream_primitives::round::{ClaimState, Seat};
use dream_primitives::{BlockNumber, BoundedVec, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;

impl World {
    /// Panics when the chain refuses what must be taken.
    pub(crate) fn must(&self, result: DispatchResult, what: &str) {
        if let Err(error) = result {
            panic!("{what}: {error:?}, {}", self.describe());
        }
    }

    /// How a seat's holder behaves towards a claim, if it acts at this stage.
    fn seat(&mut self, claim: H256, who: usize, stage: Stage) -> Option<VerifierKind> {
        let number = self.record(claim).claim.round.number;
        let here = self.actors[who].acts(stage, number);
        self.actors[who].verifier().filter(|_| here)
    }

    /// Whether a claim's miner is in league with the hostile verifiers.
    pub(crate) fn friendly(&self, claim: H256) -> bool {
        self.actors[self.blobs[&claim].miner].miner() != Some(MinerKind::Honest)
    }

    /// Whether a verifier can fetch a claim's blobs.
    pub(crate) fn can_fetch(&self, claim: H256, who: usize, record: &Record) -> bool {
        let blob = &self.blobs[&claim];
        let hostile = self.actors[who].verifier() != Some(VerifierKind::Honest);
        let first = || {
            let seat = record.committee.first();
            seat.and_then(|s| self.number(&s.verifier)) == Some(who)
        };
        let served = match blob.served {
            Served::All => true,
            Served::Hostile => hostile,
            Served::First => first(),
        };
        served || blob.relayed
    }

    pub(crate) fn vote(&mut self, claim: H256, who: usize, now: BlockNumber) {
        let Some(kind) = self.seat(claim, who, Stage::Vote) else {
            return;
        };
        let record = self.record(claim);
        let fetched = self.can_fetch(claim, who, &record);
        let word = match kind {
            VerifierKind::Silent => return,
            VerifierKind::Lacking if !self.friendly(claim) => Availability::Lack,
            VerifierKind::Lacking | VerifierKind::Denying | VerifierKind::Unrevealing => {
                Availability::Have
            }
            VerifierKind::Honest | VerifierKind::Lazy if fetched => Availability::Have,
            _ => {
                // Somebody may still relay: ask again in the last block.
                let last = self.last_block(record.claim.round);
                if now < last {
                    return self.at(last, Task::Vote(claim, who));
                }
                Availability::Lack
            }
        };
        if kind == VerifierKind::Honest && word == Availability::Have {
            self.blobs.get_mut(&claim).expect("seen above").relayed = true;
        }
        let result = UsefulWork::vote_availability(self.origin(who).into(), claim, word);
        self.must(result, "availability");
    }

    /// What a replay of the audited segments gives.
    pub(crate) fn replay(&self, claim: H256, record: &Record) -> ReplayReport {
        let miner = &self.actors[self.blobs[&claim].miner].account;
        let starts: Vec<(u16, H256)> = record.starts.iter().map(|s| (s.segment, s.state)).collect();
        self.job(record.claim.round, miner)
            .replay(record.claim.segments, &starts)
    }

    /// What the claim says, as its miner's friends know it.
    pub(crate) fn claimed(&self, claim: H256, record: &Record) -> ReplayReport {
        let trace = &self.blobs[&claim].trace;
        let results = record.audited.iter().map(|s| SegmentResult {
            segment: *s,
            end_state: trace.states[usize::from(*s) + 1],
            digest: trace.digests[usize::from(*s)],
        });
        ReplayReport {
            initial_state: trace.states[0],
            results: BoundedVec::truncate_from(results.collect()),
            delta_root: record.claim.delta_root,
            residual_end: record.claim.residual.map(|r| r.end_root()),
            step_state: None,
        }
    }

    /// The report that a verifier commits to; `None` when it has none.
    pub(crate) fn report(
        &self,
        claim: H256,
        who: usize,
        kind: VerifierKind,
    ) -> Option<ReplayReport> {
        let record = self.record(claim);
        let fetched = self.can_fetch(claim, who, &record);
        match kind {
            VerifierKind::Silent => None,
            VerifierKind::Honest => fetched.then(|| self.replay(claim, &record)),
            VerifierKind::Lazy if self.blobs[&claim].leaked => Some(self.claimed(claim, &record)),
            VerifierKind::Lazy => fetched.then(|| self.replay(claim, &record)),
            _ if self.friendly(claim) => Some(self.claimed(claim, &record)),
            _ => {
                let mut report = self.replay(claim, &record);
                report.delta_root = H256::repeat_byte(0xdd);
                Some(report)
            }
        }
    }

    pub(crate) fn salt(&self, who: usize, claim: H256) -> H256 {
        let account: &[u8] = self.actors[who].account.as_ref();
        secret(&self.genesis, &[b"salt", account, claim.as_bytes()])
    }

    pub(crate) fn commit(&mut self, claim: H256, who: usize) {
        let Some(kind) = self.seat(claim, who, Stage::Commit) else {
            return;
        };
        let record = self.record(claim);
        let mine = |s: &&Seat<AccountId>| self.number(&s.verifier) == Some(who);
        let seat = record.committee.iter().find(mine);
        let lacked = seat.is_some_and(|s| s.availability == Some(Availability::Lack));
        if lacked && record.state != ClaimState::Available {
            // Nobody waits for a seat that said it lacks the blobs.
            return;
        }
        let Some(report) = self.report(claim, who, kind) else {
            return;
        };
        let account = self.actors[who].account.as_ref();
        let salt = self.salt(who, claim);
        let commitment = report.commitment(&self.genesis, account, &claim, &salt);
        let result = UsefulWork::commit_replay(self.origin(who).into(), claim, commitment);
        self.must(result, "commitment");
    }

    pub(crate) fn reveal(&mut self, claim: H256, who: usize) {
        let Some(kind) = self.seat(claim, who, Stage::Reveal) else {
            return;
        };
        let seats = self.record(claim).committee;
        let committed = seats
            .iter()
            .any(|s| s.commitment.is_some() && self.number(&s.verifier) == Some(who));
        if kind == VerifierKind::Unrevealing || !committed {
            return;
        }
        let report = self.report(claim, who, kind).expect("it committed to one");
        let salt = self.salt(who, claim);
        let result = UsefulWork::reveal_replay(self.origin(who).into(), claim, report, salt);
        self.must(result, "reveal");
    }
}
