// SPDX-License-Identifier: GPL-3.0-or-later
//! Trials: the account is called to a larger committee or a jury, of this round or an earlier one.
//!
//! | state of a trial | when |
//! |---|---|
//! | replay | Commitment, no report written down |
//! | commit | Commitment, a report is written down |
//! | reveal | Reveal, committed, nothing revealed |
//! | wait | everything else |

use super::{Verifier, ROLE};
use crate::error::WorkerError;
use crate::submit::Sent;
use crate::worker::{RoundView, Worker};
use codec::{Decode, Encode};
use dream_chain::{At, BlockRef, Call, OpenTrial, Trial};
use dream_primitives::claim::ReplayReport;
use dream_primitives::round::OpenedStart;
use dream_primitives::trial::{Level, Stage, TrialSeat};
use dream_primitives::H256;
use tracing::info;

/// Folder of what is written down of trials.
const FOLDER: &str = "trial";

/// What a verifier keeps of a trial until it is over.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct TrialRecord {
    /// What the replay gave.
    pub report: ReplayReport,
    /// Salt of the commitment.
    pub salt: H256,
}

/// States of a trial; see the module's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Replay,
    Commit,
    Reveal,
    Wait,
}

fn decide(stage: Stage, seat: &TrialSeat, replayed: bool) -> State {
    match stage {
        Stage::Commitment if seat.commitment.is_some() => State::Wait,
        Stage::Commitment if replayed => State::Commit,
        Stage::Commitment => State::Replay,
        Stage::Reveal if seat.commitment.is_some() && seat.report.is_none() => State::Reveal,
        _ => State::Wait,
    }
}

/// Folder of what is written down of a trial. Level and first block tell the trials of a claim apart.
fn folder(claim: &H256, trial: &Trial) -> String {
    format!("{FOLDER}/{claim:x}-{:?}-{}", trial.level, trial.opened)
}

/// Where a trial's [`TrialRecord`] is kept.
pub fn trial_key(claim: &H256, trial: &Trial) -> String {
    format!("{}/record", folder(claim, trial))
}

/// Start states of the segments that a trial judges.
pub fn trial_starts(open: &OpenTrial) -> Vec<OpenedStart> {
    match open.trial.level {
        Level::Challenge => open.trial.start.into_iter().collect(),
        _ => open.record.starts.to_vec(),
    }
}

impl Verifier {
    /// Acts on all trials once; whether looking again at once may find more to do.
    pub(super) async fn judge(&self, block: BlockRef) -> Result<bool, WorkerError> {
        let worker = &self.worker;
        let trials = worker.chain.trials(block.into(), worker.account()).await?;
        self.forget_trials(&trials)?;
        let mut again = false;
        for open in trials {
            if open.record.claim.round.branch != worker.branch {
                continue;
            }
            let key = trial_key(&open.id, &open.trial);
            let record: Option<TrialRecord> = worker.database.get(&key)?;
            again |= match (
                decide(open.trial.stage, &open.seat, record.is_some()),
                record,
            ) {
                (State::Replay, _) => self.replay_trial(block, &open).await?,
                (State::Commit, Some(record)) => self.commit_verdict(&open, &record).await?,
                (State::Reveal, Some(record)) => self.reveal_verdict(&open, record).await?,
                (State::Reveal, None) => {
                    let why = format!(
                        "the verdict on claim {:?} was committed to from another state folder: only that folder can reveal it",
                        open.id
                    );
                    self.told.say(ROLE, why);
                    false
                }
                _ => false,
            };
        }
        Ok(again)
    }

    /// Removes what was written down of trials that are over.
    fn forget_trials(&self, trials: &[OpenTrial]) -> Result<(), WorkerError> {
        let database = &self.worker.database;
        let open: Vec<String> = trials.iter().map(|t| folder(&t.id, &t.trial)).collect();
        for name in database.list(FOLDER)? {
            let name = format!("{FOLDER}/{name}");
            if !open.contains(&name) {
                database.remove(&name)?;
                self.worker.forget_submissions(&name)?;
            }
        }
        Ok(())
    }

    async fn replay_trial(&self, block: BlockRef, open: &OpenTrial) -> Result<bool, WorkerError> {
        let worker = &self.worker;
        let Some(view) = round_of(worker, block, open).await? else {
            return Ok(false);
        };
        // A challenged claim may be merged already: then its delta is needed no more.
        let delta = open.trial.level != Level::Challenge;
        let starts = trial_starts(open);
        let evidence = self.evidence(&view, &open.record, &starts, delta);
        let report = match evidence.await {
            Ok(evidence) => {
                info!(
                    "claim {:?}: called to its {:?} of {} seats",
                    open.id, open.trial.level, open.trial.seats
                );
                self.run(&view, open.id, &open.record, evidence, open.trial.step)
                    .await?
            }
            Err(error) if error.lacking() => {
                if !self.missed(open.id, &error) {
                    return Ok(false);
                }
                ReplayReport::lack()
            }
            Err(error) => return Err(error.into()),
        };
        let record = TrialRecord {
            report,
            salt: worker.random()?,
        };
        worker
            .database
            .put(&trial_key(&open.id, &open.trial), &record)?;
        Ok(true)
    }

    async fn commit_verdict(
        &self,
        open: &OpenTrial,
        record: &TrialRecord,
    ) -> Result<bool, WorkerError> {
        let worker = &self.worker;
        let commitment = record.report.commitment(
            &worker.chain.genesis(),
            worker.account().as_bytes(),
            &open.id,
            &record.salt,
        );
        let call = Call::CommitVerdict {
            claim: open.id,
            commitment,
        };
        let key = format!("{}/commit", folder(&open.id, &open.trial));
        let sent = worker.submit_once(&key, call).await?;
        Ok(matches!(sent, Sent::Done(_)))
    }

    async fn reveal_verdict(
        &self,
        open: &OpenTrial,
        record: TrialRecord,
    ) -> Result<bool, WorkerError> {
        info!(
            "claim {:?}: verdict of the {:?}: {:?}",
            open.id,
            open.trial.level,
            open.trial.verdict(&open.record, &record.report)
        );
        let call = Call::RevealVerdict {
            claim: open.id,
            report: record.report,
            salt: record.salt,
        };
        let key = format!("{}/reveal", folder(&open.id, &open.trial));
        let sent = self.worker.submit_once(&key, call).await?;
        Ok(matches!(sent, Sent::Done(_)))
    }
}

/// The round of a claim on trial with its terms, which may be an earlier one.
async fn round_of(
    worker: &Worker,
    block: BlockRef,
    open: &OpenTrial,
) -> Result<Option<RoundView>, WorkerError> {
    let (at, id) = (At::from(block), open.record.claim.round);
    let round = worker.chain.round(at, id).await?;
    let terms = worker.chain.terms(at, id).await?;
    Ok(round.zip(terms).map(|(round, terms)| RoundView {
        block,
        round,
        terms,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_primitives::claim::Verdict;
    use dream_primitives::trial::TrialReport;

    #[test]
    fn trial_should_be_replayed_committed_and_revealed_in_turn() {
        let seat = |commitment: bool, report: bool| TrialSeat {
            commitment: commitment.then(H256::zero),
            report: report.then_some(TrialReport {
                fingerprint: H256::zero(),
                plain: H256::zero(),
                verdict: Verdict::Match,
                lack: false,
            }),
            ..TrialSeat::default()
        };
        let steps = [
            (Stage::Opening, seat(false, false), false, State::Wait),
            (Stage::Seeding, seat(false, false), false, State::Wait),
            (Stage::Commitment, seat(false, false), false, State::Replay),
            (Stage::Commitment, seat(false, false), true, State::Commit),
            (Stage::Commitment, seat(true, false), true, State::Wait),
            (Stage::Reveal, seat(false, false), true, State::Wait),
            (Stage::Reveal, seat(true, false), true, State::Reveal),
            (Stage::Reveal, seat(true, true), true, State::Wait),
        ];
        for (stage, seat, replayed, expected) in steps {
            assert_eq!(decide(stage, &seat, replayed), expected, "{stage:?}");
        }
    }
}
