// SPDX-License-Identifier: GPL-3.0-or-later
//! The verifier: for each claim in whose committee it sits, says whether the blobs are there, replays, commits, reveals.
//!
//! | state of an audit | when | file |
//! |---|---|---|
//! | check | Availability, no word given | `check.rs` |
//! | replay | the blobs are there, no report written down | `replay.rs` |
//! | commit | Commitment, a report is written down | `commit.rs` |
//! | reveal | Reveal, committed, no verdict | `reveal.rs` |
//! | wait | everything else | `mod.rs` |
//!
//! Beside these: it judges where it is called to a larger committee or a jury (`trial.rs`), and challenges claims that
//! were accepted against its own replay (`challenge.rs`). Where it is drawn as a scorer, it scores the round's merge on a
//! held-out shard (`score.rs`).

mod challenge;
mod check;
mod commit;
mod enlist;
mod replay;
mod reveal;
mod score;
mod trial;

pub use challenge::challenge_bond;
pub use score::{nats, ScoreNote};
pub use trial::{trial_key, trial_starts, TrialRecord};

use super::{Role, Told};
use crate::error::WorkerError;
use crate::worker::{RoundView, Worker};
use async_trait::async_trait;
use codec::{Decode, Encode};
use dream_chain::{At, ClaimRecord, OpenAudit, Seat};
use dream_primitives::claim::{ReplayReport, RoundId};
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::H256;
use futures::future::try_join_all;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

pub(crate) const ROLE: &str = "verify";

/// What a verifier keeps of an audit until the round is over.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct AuditRecord {
    /// What the replay gave.
    pub report: ReplayReport,
    /// Salt of the commitment.
    pub salt: H256,
}

/// States of an audit; see the module's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Check,
    Replay,
    Commit,
    Reveal,
    Wait,
}

/// An audit of this account with what is written down of it.
pub(crate) struct Audit {
    pub id: H256,
    pub claim: ClaimRecord,
    pub seat: Seat,
    pub record: Option<AuditRecord>,
}

/// The table: what an audit needs now.
pub(crate) fn decide(phase: Phase, claim: ClaimState, seat: &Seat, replayed: bool) -> State {
    match (phase, claim) {
        (Phase::Availability, ClaimState::Opened) if seat.availability.is_none() => State::Check,
        (Phase::Availability, ClaimState::Opened | ClaimState::Available)
        | (Phase::Commitment, ClaimState::Available)
            if !replayed && seat.commitment.is_none() =>
        {
            State::Replay
        }
        (Phase::Commitment, ClaimState::Available) if seat.commitment.is_none() => State::Commit,
        (Phase::Reveal, ClaimState::Revealed)
            if seat.commitment.is_some() && seat.verdict.is_none() =>
        {
            State::Reveal
        }
        _ => State::Wait,
    }
}

/// Where an audit's [`AuditRecord`] is kept.
pub fn record_key(worker: &Worker, round: RoundId, claim: H256) -> String {
    format!("{}/{claim:x}", worker.key(ROLE, round))
}

/// The role.
pub struct Verifier {
    pub(crate) worker: Arc<Worker>,
    pub(crate) told: Told,
    /// What is said of scores.
    scoring: Told,
    /// Blocks at which a claim's blobs were looked for in vain.
    misses: Mutex<HashMap<H256, u32>>,
}

impl Verifier {
    /// A verifier.
    pub fn new(worker: Arc<Worker>) -> Self {
        Self {
            worker,
            told: Told::default(),
            scoring: Told::default(),
            misses: Mutex::default(),
        }
    }

    pub(crate) fn folder(&self, round: RoundId) -> String {
        self.worker.key(ROLE, round)
    }

    pub(crate) fn record_key(&self, audit: &Audit) -> String {
        record_key(&self.worker, audit.claim.claim.round, audit.id)
    }

    async fn look(&self) -> Result<Option<(RoundView, Vec<Audit>)>, WorkerError> {
        let worker = &self.worker;
        let Some(view) = worker.current_round().await? else {
            return Ok(None);
        };
        let at = At::from(view.block);
        let mut audits = Vec::new();
        for OpenAudit {
            id,
            record: claim,
            seat,
            ..
        } in worker
            .chain
            .audits(at, worker.branch, worker.account())
            .await?
        {
            let mut audit = Audit {
                id,
                claim,
                seat,
                record: None,
            };
            audit.record = worker.database.get(&self.record_key(&audit))?;
            audits.push(audit);
        }
        Ok(Some((view, audits)))
    }

    /// Acts on all audits once; whether looking again at once may find more to do.
    async fn act(&self, view: &RoundView, audits: &[Audit]) -> Result<bool, WorkerError> {
        let phase = view.round.phase;
        let state = |a: &Audit| decide(phase, a.claim.state, &a.seat, a.record.is_some());
        let those = |wanted: State| audits.iter().filter(move |a| state(a) == wanted);
        // Submissions wait for finality, so those of all audits go together, and replays go on meanwhile.
        let votes = try_join_all(those(State::Check).map(|a| self.check(view, a)));
        let commits = try_join_all(those(State::Commit).map(|a| self.commit(a)));
        let reveals = try_join_all(those(State::Reveal).map(|a| self.reveal(a)));
        let replays = async {
            let mut done = false;
            for audit in audits
                .iter()
                .filter(|a| matches!(state(a), State::Check | State::Replay))
            {
                done |= self.replay(view, audit).await?;
            }
            Ok(done)
        };
        let (votes, commits, reveals, replayed, judged, valued) = futures::try_join!(
            votes,
            commits,
            reveals,
            replays,
            self.judge(view.block),
            self.value(view)
        )?;
        Ok(replayed
            || judged
            || valued
            || [votes, commits, reveals]
                .iter()
                .flatten()
                .any(|acted| *acted))
    }

    /// Removes what was written down of other rounds.
    fn forget(&self, round: RoundId) -> Result<(), WorkerError> {
        let database = &self.worker.database;
        let own = format!("{}-{}", round.branch, round.number);
        let prefix = format!("{}-", round.branch);
        for name in database.list(ROLE)? {
            if name != own && name.starts_with(&prefix) {
                database.remove(&format!("{ROLE}/{name}"))?;
                self.worker.forget_submissions(&format!("{ROLE}/{name}"))?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Role for Verifier {
    fn name(&self) -> &'static str {
        ROLE
    }

    fn worker(&self) -> &Worker {
        &self.worker
    }

    async fn step(&self) -> Result<(), WorkerError> {
        if !self.enlist().await? {
            return Ok(());
        }
        let worker = &self.worker;
        loop {
            let Some((view, audits)) = self.look().await? else {
                let why = format!("branch {} has no round yet", self.worker.branch);
                self.told.say(ROLE, why);
                return Ok(());
            };
            self.forget(view.round.id)?;
            if worker.challenges {
                self.challenge(view.block).await?;
            }
            let (number, phase) = (view.round.id.number, view.round.phase);
            self.told.say(
                ROLE,
                format!("round {number} is in {phase:?}, {} audits", audits.len()),
            );
            if !self.act(&view, &audits).await? {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_chain::AccountId;
    use dream_primitives::claim::{Availability, Verdict};

    fn seat(availability: Option<Availability>, commitment: bool, verdict: bool) -> Seat {
        Seat {
            verifier: AccountId([1; 32]),
            bond: 1,
            availability,
            commitment: commitment.then(H256::zero),
            verdict: verdict.then_some(Verdict::Match),
            report: None,
            trained: false,
        }
    }

    #[test]
    fn audit_should_be_checked_replayed_committed_and_revealed_in_turn() {
        let have = Some(Availability::Have);
        let steps = [
            (
                Phase::Opening,
                ClaimState::Drawn,
                seat(None, false, false),
                false,
                State::Wait,
            ),
            (
                Phase::Availability,
                ClaimState::Opened,
                seat(None, false, false),
                false,
                State::Check,
            ),
            (
                Phase::Availability,
                ClaimState::Opened,
                seat(have, false, false),
                false,
                State::Replay,
            ),
            (
                Phase::Availability,
                ClaimState::Opened,
                seat(have, false, false),
                true,
                State::Wait,
            ),
            (
                Phase::Commitment,
                ClaimState::Available,
                seat(have, false, false),
                false,
                State::Replay,
            ),
            (
                Phase::Commitment,
                ClaimState::Available,
                seat(have, false, false),
                true,
                State::Commit,
            ),
            (
                Phase::Commitment,
                ClaimState::Available,
                seat(have, true, false),
                true,
                State::Wait,
            ),
            (
                Phase::Commitment,
                ClaimState::Void,
                seat(have, false, false),
                false,
                State::Wait,
            ),
            (
                Phase::Reveal,
                ClaimState::Revealed,
                seat(have, true, false),
                true,
                State::Reveal,
            ),
            (
                Phase::Reveal,
                ClaimState::Revealed,
                seat(have, true, true),
                true,
                State::Wait,
            ),
            (
                Phase::Reveal,
                ClaimState::Revealed,
                seat(have, false, false),
                true,
                State::Wait,
            ),
        ];
        for (phase, claim, seat, replayed, expected) in steps {
            assert_eq!(
                decide(phase, claim, &seat, replayed),
                expected,
                "{phase:?} {seat:?}"
            );
        }
    }
}
