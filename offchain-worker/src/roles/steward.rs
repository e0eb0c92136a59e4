// SPDX-License-Identifier: GPL-3.0-or-later
//! The steward: opens the held-out shards that it prepared, each when its round comes to be scored and not before.
//!
//! | state | when |
//! |---|---|
//! | open | Valuation, Opening, the shard is this account's and not open |
//! | forget | a valuation is past Opening: its shard is used, opened or not |
//! | wait | everything else |

use super::{Role, Told};
use crate::error::WorkerError;
use crate::shards;
use crate::submit::Sent;
use crate::worker::{RoundView, Worker};
use async_trait::async_trait;
use dream_chain::{At, Call, Valuation};
use dream_primitives::claim::RoundId;
use dream_primitives::round::Phase;
use dream_primitives::value::ScoreStage;
use dream_primitives::H256;
use std::sync::Arc;
use tracing::{info, warn};

pub(crate) const ROLE: &str = "steward";

/// The role.
pub struct Steward {
    worker: Arc<Worker>,
    told: Told,
}

impl Steward {
    /// A steward.
    pub fn new(worker: Arc<Worker>) -> Self {
        Self {
            worker,
            told: Told::default(),
        }
    }

    /// Publishes a shard and names it to the chain. The merge that it scores cannot change any more.
    async fn open(&self, view: &RoundView, valuation: &Valuation) -> Result<(), WorkerError> {
        let (worker, round) = (&self.worker, view.round.id);
        let (number, shard) = (round.number, &valuation.shard);
        if valuation.cid.is_some() || shard.steward != worker.account() {
            return Ok(());
        }
        let root = shard.root;
        let Some(prepared) = shards::get(&worker.database, &root)? else {
            let why = format!("round {number} waits for the shard {root:?}, which is not in this state folder: run `dream-worker shard prepare` here on the text that it was cut from");
            self.told.say(ROLE, why);
            return Ok(());
        };
        if !prepared.is(shard) {
            let why = format!(
                "round {number} waits for the shard {root:?} of {} samples of {} bytes; the one here has {} of {}",
                shard.samples,
                shard.window,
                prepared.samples(),
                prepared.window
            );
            self.told.say(ROLE, why);
            return Ok(());
        }
        let cid = worker.store.put_bytes(prepared.bytes.into()).await?;
        let key = format!("{}/open", worker.key(ROLE, round));
        let call = Call::OpenShard { round, cid };
        match worker.submit_once(&key, call).await? {
            Sent::Done(_) => info!("round {number}: the shard {root:?} is open"),
            Sent::Pending => {}
            Sent::Refused(why) => {
                let why = format!("the shard of round {number} was not opened: {why}");
                self.told.say(ROLE, why);
            }
        }
        Ok(())
    }

    /// Forgets the shard of a round whose valuation is past its opening.
    async fn forget(&self, at: At, round: RoundId, kept: &[H256]) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let Some(valuation) = worker.chain.valuation(at, round).await? else {
            return Ok(());
        };
        let root = valuation.shard.root;
        if valuation.stage == ScoreStage::Opening || !kept.contains(&root) {
            return Ok(());
        }
        if valuation.cid.is_none() {
            let number = round.number;
            warn!("the shard {root:?} was not opened in time: round {number} is not scored, and the shard is used");
        }
        shards::forget(&worker.database, &root)?;
        worker.forget_submissions(&worker.key(ROLE, round))
    }
}

#[async_trait]
impl Role for Steward {
    fn name(&self) -> &'static str {
        ROLE
    }

    fn worker(&self) -> &Worker {
        &self.worker
    }

    async fn step(&self) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let kept = shards::roots(&worker.database)?;
        let Some(view) = worker.current_round().await? else {
            let why = format!("branch {} has no round yet", worker.branch);
            self.told.say(ROLE, why);
            return Ok(());
        };
        let (at, round) = (At::from(view.block), view.round.id);
        let opening = match view.round.phase {
            Phase::Valuation => worker.chain.valuation(at, round).await?,
            _ => None,
        };
        if let Some(valuation) = opening.filter(|v| v.stage == ScoreStage::Opening) {
            return self.open(&view, &valuation).await;
        }
        if kept.is_empty() {
            let why = "no shard is prepared: `dream-worker shard prepare FOLDER`".into();
            self.told.say(ROLE, why);
            return Ok(());
        }
        // A round may be paid and the next one open before this role looks again.
        let last = round.number.saturating_sub(1);
        for number in [last, round.number] {
            self.forget(at, RoundId { number, ..round }, &kept).await?;
        }
        let left = shards::roots(&worker.database)?.len();
        self.told.say(ROLE, format!("{left} shards are prepared"));
        Ok(())
    }
}
