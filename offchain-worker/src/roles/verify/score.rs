// SPDX-License-Identifier: GPL-3.0-or-later
//! Scoring: the account is drawn to score the round's merge on a held-out shard.
//!
//! | state | when |
//! |---|---|
//! | score | the shard is open, no score written down, Opening or Commitment |
//! | commit | Commitment, a score is written down |
//! | reveal | Reveal, committed, nothing revealed |
//! | wait | everything else |
//!
//! A shard that is not what its steward committed to is not scored: nothing is committed, and nobody loses anything where
//! two thirds do the same.

use super::{Verifier, ROLE};
use crate::blobs;
use crate::error::WorkerError;
use crate::score::score;
use crate::submit::Sent;
use crate::worker::RoundView;
use codec::{Decode, Encode};
use dream_chain::{At, Call, ScoreSeat, Valuation};
use dream_primitives::round::Phase;
use dream_primitives::value::{ScoreReport, ScoreStage};
use dream_primitives::H256;
use dream_training::{tokens, TrainingError};
use tracing::info;

/// What a scorer keeps until the round is over.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct ScoreNote {
    /// What was found.
    pub report: ScoreReport,
    /// Salt of the commitment.
    pub salt: H256,
}

/// States of a score; see the module's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Score,
    Commit,
    Reveal,
    Wait,
}

fn decide(stage: ScoreStage, open: bool, seat: &ScoreSeat, scored: bool) -> State {
    match stage {
        ScoreStage::Opening if open && !scored => State::Score,
        ScoreStage::Commitment if seat.commitment.is_some() => State::Wait,
        ScoreStage::Commitment if scored => State::Commit,
        ScoreStage::Commitment if open => State::Score,
        ScoreStage::Reveal if seat.commitment.is_some() && seat.report.is_none() => State::Reveal,
        _ => State::Wait,
    }
}

/// Why there is no score.
enum Unscored {
    /// Something that it takes is not to be had, or not what the chain says.
    Lacking(String),
    /// This machine failed.
    Failed(WorkerError),
}

impl From<WorkerError> for Unscored {
    fn from(error: WorkerError) -> Self {
        match error {
            error if error.lacking() => Self::Lacking(error.to_string()),
            // The steward's bytes are no samples for this model.
            WorkerError::Training(
                error @ (TrainingError::Token { .. } | TrainingError::Sample { .. }),
            ) => Self::Lacking(format!("the shard: {error}")),
            error => Self::Failed(error),
        }
    }
}

impl Verifier {
    /// Does what the account's seat among the scorers asks for; whether looking again at once may find more to do.
    pub(super) async fn value(&self, view: &RoundView) -> Result<bool, WorkerError> {
        if view.round.phase != Phase::Valuation {
            return Ok(false);
        }
        let (worker, id) = (&self.worker, view.round.id);
        let Some(valuation) = worker.chain.valuation(view.block.into(), id).await? else {
            return Ok(false);
        };
        let account = worker.account();
        let Some(seat) = valuation.seats.iter().find(|s| s.scorer == account) else {
            return Ok(false);
        };
        // The root tells the shards of a round apart whose first merge was posted anew.
        let key = format!("{}/score-{:x}", self.folder(id), valuation.shard.root);
        let note: Option<ScoreNote> = worker.database.get(&key)?;
        let state = decide(
            valuation.stage,
            valuation.cid.is_some(),
            seat,
            note.is_some(),
        );
        let number = id.number;
        match (state, note) {
            (State::Score, _) => match self.find_score(view, &valuation).await {
                Ok(report) => {
                    let salt = worker.random()?;
                    worker.database.put(&key, &ScoreNote { report, salt })?;
                    Ok(true)
                }
                Err(Unscored::Lacking(why)) => {
                    let why = format!("round {number} cannot be scored: {why}");
                    self.scoring.say(ROLE, why);
                    Ok(false)
                }
                Err(Unscored::Failed(error)) => Err(error),
            },
            (State::Commit, Some(note)) => {
                let (genesis, raw) = (worker.chain.genesis(), account.as_bytes());
                let commitment = note.report.commitment(&genesis, raw, &id, &note.salt);
                let round = id;
                let call = Call::CommitScore { round, commitment };
                self.tell_score(&format!("{key}-commit"), call).await
            }
            (State::Reveal, Some(ScoreNote { report, salt })) => {
                let call = Call::RevealScore {
                    round: id,
                    report,
                    salt,
                };
                self.tell_score(&format!("{key}-reveal"), call).await
            }
            (State::Reveal, None) => {
                let why = format!("the score of round {number} was committed to from another state folder: only that folder can reveal it");
                self.scoring.say(ROLE, why);
                Ok(false)
            }
            _ => Ok(false),
        }
    }

    async fn tell_score(&self, key: &str, call: Call) -> Result<bool, WorkerError> {
        let (pallet, name) = call.name();
        let sent = self.worker.submit_once(key, call).await?;
        if let Sent::Refused(why) = &sent {
            let why = format!("{pallet}.{name} was refused: {why}");
            self.scoring.say(ROLE, why);
        }
        Ok(matches!(sent, Sent::Done(_)))
    }

    /// Runs base and posted version on the shard.
    async fn find_score(
        &self,
        view: &RoundView,
        valuation: &Valuation,
    ) -> Result<ScoreReport, Unscored> {
        let (worker, shard, number) = (&self.worker, &valuation.shard, view.round.id.number);
        let Some(cid) = &valuation.cid else {
            return Err(Unscored::Lacking("its shard is not open".into()));
        };
        let bytes = blobs::shard(&*worker.store, cid, shard).await;
        let bytes = bytes.map_err(WorkerError::from)?;
        let parent = worker.base_state(view).await?;
        let version = self.posted_state(view).await?;
        let window = shard.window as usize;
        let samples: Vec<Vec<u32>> = bytes.chunks_exact(window).map(tokens).collect();
        let (genesis, stop) = (worker.chain.genesis(), worker.stop.clone());
        let scored = worker.with_runner(&view.terms, move |runner| {
            score(runner, &genesis, &parent, &version, &samples, &stop)
        });
        let report = scored.await?;
        info!(
            "round {number}: {} samples scored, {:.4} nats a token before, {:.4} after",
            shard.samples,
            nats(report.parent.total, shard.samples),
            nats(report.version.total, shard.samples)
        );
        Ok(report)
    }

    /// The parameters of the posted merge: from the blob that it names, else made again from the round's deltas.
    async fn posted_state(&self, view: &RoundView) -> Result<Vec<i32>, Unscored> {
        let (worker, at, id) = (&self.worker, At::from(view.block), view.round.id);
        let header = worker.chain.posted_header(at, id).await;
        let Some(header) = header.map_err(WorkerError::from)? else {
            return Err(Unscored::Lacking("no merge is posted".into()));
        };
        Ok(worker.version_state(view, &header).await?)
    }
}

/// Mean loss a token of a score: `total` is the sum of the samples' means in 10^-6 nats.
pub fn nats(total: u64, samples: u32) -> f64 {
    total as f64 / 1e6 / f64::from(samples.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_chain::AccountId;
    use dream_primitives::value::Loss;

    #[test]
    fn score_should_be_found_committed_and_revealed_in_turn() {
        let loss = Loss {
            total: 1,
            bits: H256::zero(),
        };
        let report = ScoreReport {
            parent: loss,
            version: loss,
        };
        let seat = |commitment: bool, revealed: bool| ScoreSeat {
            scorer: AccountId([1; 32]),
            bond: 1,
            commitment: commitment.then(H256::zero),
            report: revealed.then_some(report),
            reward: 0,
        };
        use ScoreStage::{Commitment, Done, Opening, Reveal};
        let steps = [
            (Opening, false, seat(false, false), false, State::Wait),
            (Opening, true, seat(false, false), false, State::Score),
            (Opening, true, seat(false, false), true, State::Wait),
            (Commitment, true, seat(false, false), false, State::Score),
            (Commitment, true, seat(false, false), true, State::Commit),
            (Commitment, true, seat(true, false), true, State::Wait),
            (Commitment, true, seat(true, false), false, State::Wait),
            (Reveal, true, seat(false, false), true, State::Wait),
            (Reveal, true, seat(true, false), true, State::Reveal),
            (Reveal, true, seat(true, true), true, State::Wait),
            (Done, true, seat(true, true), true, State::Wait),
        ];
        for (stage, open, seat, scored, expected) in steps {
            assert_eq!(decide(stage, open, &seat, scored), expected, "{stage:?}");
        }
    }

    #[test]
    fn nats_should_be_the_mean_over_samples() {
        assert_eq!(nats(6_000_000, 4), 1.5);
    }
}
