// SPDX-License-Identifier: GPL-3.0-or-later
//! The auditor: votes on contributions, makes the version of the decrypted sum and scores it, and watches what others post.
//!
//! | state | when | file |
//! |---|---|---|
//! | vote | Audit or Blame, a seat that has not voted | `votes.rs` |
//! | open, forget | ShardOpening or later, the shard is this account's | `../../steward.rs` |
//! | combine | Combination, a seat, no report written down | `report.rs` |
//! | commit | Combination, a report is written down, no commitment | `report.rs` |
//! | reveal | Reveal, committed, nothing revealed | `report.rs` |
//! | watch | SumDispute, VersionDispute, with a seat or without | `../disputes.rs` |
//! | wait | everything else | `mod.rs` |
//!
//! Auditors are drawn among the branch's verifiers; where the branch has a sponsor the role enlists its account.

mod report;
mod votes;

pub use report::{report_key, ReportNote};

use super::sums::{Unmade, Watch};
use super::PrivateView;
use crate::error::WorkerError;
use crate::roles::{Role, Told};
use crate::worker::Worker;
use async_trait::async_trait;
use dream_chain::{At, AuditorSeat, Chain, PrivateChain};
use dream_primitives::private::round::PrivatePhase;
use std::sync::{Arc, Mutex};

pub(crate) const ROLE: &str = "audit";

/// States of an audit; see the module's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Vote,
    Combine,
    Commit,
    Reveal,
    Prepare,
    WatchSum,
    WatchVersion,
    Wait,
}

/// The table: what a round needs now of an account with this seat.
fn decide(phase: PrivatePhase, seat: Option<&AuditorSeat>, reported: bool) -> State {
    use PrivatePhase as P;
    match (phase, seat) {
        (P::Audit | P::Blame, Some(seat)) if seat.votes.is_none() => State::Vote,
        (P::Combination, Some(seat)) if seat.commitment.is_none() => match reported {
            true => State::Commit,
            false => State::Combine,
        },
        (P::Reveal, Some(seat)) if seat.commitment.is_some() && seat.report.is_none() => {
            State::Reveal
        }
        (P::Summing, _) => State::Prepare,
        (P::SumDispute, _) => State::WatchSum,
        (P::VersionDispute, _) => State::WatchVersion,
        _ => State::Wait,
    }
}

/// The role.
pub struct Auditor {
    watch: Watch,
    /// What is said of enlisting.
    enlisting: Told,
    /// What was found of contributions in this phase.
    findings: Mutex<Option<votes::Findings>>,
}

impl Auditor {
    /// An auditor.
    pub fn new(worker: Arc<Worker>) -> Self {
        Self {
            watch: Watch::new(worker, ROLE),
            enlisting: Told::default(),
            findings: Mutex::default(),
        }
    }

    /// Enlists the account where the branch has a sponsor. On another branch a verifier replays claims: that is `verify`'s.
    async fn enlist(&self) -> Result<(), WorkerError> {
        let worker = self.worker();
        let chain: &dyn Chain = &*worker.chain;
        if chain.job(At::Finalised, worker.branch).await?.is_some() {
            worker.enlist(ROLE, &self.enlisting).await?;
        }
        Ok(())
    }

    /// Does what the round asks for; whether looking again at once may find more to do.
    async fn act(&self, view: &PrivateView) -> Result<bool, WorkerError> {
        let (worker, told) = (self.worker(), &self.watch.told);
        worker.private_shard(ROLE, told, &view.round).await?;
        // The chain is taking the phase down.
        if view.round.cursor.is_some() {
            return Ok(false);
        }
        let chain: &dyn Chain = &*worker.chain;
        let seats = chain.auditors(view.at(), view.id()).await?;
        let account = worker.account();
        let seat = seats.iter().find(|s| s.auditor == account);
        let note = worker
            .database
            .get::<ReportNote>(&report_key(worker, view.id()))?;
        match (decide(view.round.phase, seat, note.is_some()), note) {
            (State::Vote, _) => self.vote(view).await,
            (State::Combine, _) => self.combine(view).await,
            (State::Commit, Some(note)) => self.commit(view, &note).await,
            (State::Reveal, Some(note)) => self.reveal(view, note).await,
            (State::Reveal, None) => {
                let why = "the report was committed to from another state folder: only that folder can reveal it";
                self.watch.say(view, why);
                Ok(false)
            }
            (State::WatchSum, _) => self.watch.watch_sum(view).await.map(|()| false),
            (State::WatchVersion, _) => self.watch.watch_version(view).await.map(|()| false),
            // The window for a dispute is short: this worker's own sum is made ready.
            (State::Prepare, _) => match self.watch.own_sum(view).await {
                Err(Unmade::Failed(error)) => Err(error),
                Err(Unmade::Lacking(why)) => {
                    self.watch.say(view, format!("there is no sum: {why}"));
                    Ok(false)
                }
                Ok(_) => Ok(false),
            },
            _ => {
                let seat = if seat.is_some() { "a" } else { "no" };
                let phase = view.round.phase;
                self.watch
                    .say(view, format!("{phase:?}, this account has {seat} seat"));
                Ok(false)
            }
        }
    }
}

#[async_trait]
impl Role for Auditor {
    fn name(&self) -> &'static str {
        ROLE
    }

    fn worker(&self) -> &Worker {
        &self.watch.worker
    }

    async fn step(&self) -> Result<(), WorkerError> {
        self.enlist().await?;
        while let Some(view) = self.watch.newest().await? {
            if !self.act(&view).await? {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_chain::AccountId;
    use dream_primitives::private::round::ContributionVotes;
    use dream_primitives::private::settle::PrivateReport;
    use dream_primitives::H256;

    fn seat(voted: bool, committed: bool, revealed: bool) -> AuditorSeat {
        AuditorSeat {
            auditor: AccountId([1; 32]),
            bond: 1,
            votes: voted.then(ContributionVotes::default),
            commitment: committed.then(H256::zero),
            report: revealed.then_some(PrivateReport::Undecryptable),
        }
    }

    #[test]
    fn auditor_should_vote_combine_commit_and_reveal_in_turn() {
        use PrivatePhase as P;
        let steps = [
            (P::Disclosure, seat(false, false, false), false, State::Wait),
            (P::Audit, seat(false, false, false), false, State::Vote),
            (P::Audit, seat(true, false, false), false, State::Wait),
            (P::Summing, seat(true, false, false), false, State::Prepare),
            (
                P::SumDispute,
                seat(true, false, false),
                false,
                State::WatchSum,
            ),
            (
                P::ShardOpening,
                seat(true, false, false),
                false,
                State::Wait,
            ),
            (
                P::Combination,
                seat(true, false, false),
                false,
                State::Combine,
            ),
            (
                P::Combination,
                seat(true, false, false),
                true,
                State::Commit,
            ),
            (P::Combination, seat(true, true, false), true, State::Wait),
            (P::Reveal, seat(true, false, false), true, State::Wait),
            (P::Reveal, seat(true, true, false), true, State::Reveal),
            (P::Reveal, seat(true, true, true), true, State::Wait),
            (
                P::VersionDispute,
                seat(true, true, true),
                true,
                State::WatchVersion,
            ),
            (P::Blame, seat(false, true, true), true, State::Vote),
        ];
        for (phase, seat, reported, expected) in steps {
            assert_eq!(decide(phase, Some(&seat), reported), expected, "{phase:?}");
        }
    }

    #[test]
    fn account_without_a_seat_should_only_watch() {
        use PrivatePhase as P;
        for (phase, expected) in [
            (P::Audit, State::Wait),
            (P::SumDispute, State::WatchSum),
            (P::ShardOpening, State::Wait),
            (P::Combination, State::Wait),
            (P::Reveal, State::Wait),
            (P::VersionDispute, State::WatchVersion),
            (P::Blame, State::Wait),
        ] {
            assert_eq!(decide(phase, None, false), expected, "{phase:?}");
        }
    }
}
