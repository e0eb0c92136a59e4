// SPDX-License-Identifier: GPL-3.0-or-later
//! The steward: opens the held-out shards that it prepared, each when its round comes to be scored and not before.
//!
//! | state | when |
//! |---|---|
//! | open | Valuation, Opening, the shard is this account's and not open |
//! | forget | a valuation is past Opening: its shard is used, opened or not |
//! | open, forget | the same of a private round, in ShardOpening and after it |
//! | wait | everything else |
//!
//! Beside these it supplies the samples that are demanded of the branch's data sets.

use super::{Role, Told};
use crate::error::WorkerError;
use crate::shards;
use crate::submit::Sent;
use crate::worker::{RoundView, Worker};
use async_trait::async_trait;
use dream_chain::{At, Call, Chain, PrivateCall, PrivateChain, PrivateRound, Shard, Valuation};
use dream_primitives::claim::RoundId;
use dream_primitives::private::round::PrivatePhase;
use dream_primitives::round::Phase;
use dream_primitives::value::ScoreStage;
use dream_primitives::H256;
use dream_store::Cid;
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

    /// Opens the shard of a round that is valued. The merge that it scores cannot change any more.
    async fn open(&self, view: &RoundView, valuation: &Valuation) -> Result<(), WorkerError> {
        let (worker, round) = (&self.worker, view.round.id);
        if valuation.cid.is_some() {
            return Ok(());
        }
        let key = format!("{}/open", worker.key(ROLE, round));
        let call = |cid| Call::OpenShard { round, cid };
        let number = round.number;
        worker
            .open_shard(ROLE, &self.told, number, &valuation.shard, &key, call)
            .await
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

impl Worker {
    /// Publishes a shard of this account's that round `number` waits for, and names it to the chain; says where it is not
    /// the one that is kept here.
    async fn open_shard(
        &self,
        role: &str,
        told: &Told,
        number: u32,
        shard: &Shard,
        key: &str,
        call: impl FnOnce(Cid) -> Call,
    ) -> Result<(), WorkerError> {
        if shard.steward != self.account() {
            return Ok(());
        }
        let root = shard.root;
        let Some(prepared) = shards::get(&self.database, &root)? else {
            let why = format!("round {number} waits for the shard {root:?}, which is not in this state folder: run `dream-worker shard prepare` here on the text that it was cut from");
            told.say(role, why);
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
            told.say(role, why);
            return Ok(());
        }
        let cid = self.store.put_bytes(prepared.bytes.into()).await?;
        match self.submit_once(key, call(cid)).await? {
            Sent::Done(_) => info!("round {number}: the shard {root:?} is open"),
            Sent::Pending => {}
            Sent::Refused(why) => {
                let why = format!("the shard of round {number} was not opened: {why}");
                told.say(role, why);
            }
        }
        Ok(())
    }

    /// This account's shard of a private round: opened when the round comes to be scored, forgotten once it is used. Said as
    /// `role`; whichever of the account's roles comes first does it.
    pub(crate) async fn private_shard(
        &self,
        role: &str,
        told: &Told,
        round: &PrivateRound,
    ) -> Result<(), WorkerError> {
        let Some(shard) = round.shard.filter(|s| s.steward == self.account()) else {
            return Ok(());
        };
        let (number, root) = (round.id.number, shard.root);
        let folder = self.key("private-shards", round.id);
        if round.phase == PrivatePhase::ShardOpening {
            if round.shard_cid.is_some() || round.cursor.is_some() {
                return Ok(());
            }
            let round = round.id;
            let call = |cid| Call::Private(PrivateCall::OpenShard { round, cid });
            let key = format!("{folder}/open");
            return self
                .open_shard(role, told, number, &shard, &key, call)
                .await;
        }
        if shards::get(&self.database, &root)?.is_none() {
            return Ok(());
        }
        if round.shard_cid.is_none() {
            warn!("the shard {root:?} was not opened in time: private round {number} is not scored, and the shard is used");
        }
        shards::forget(&self.database, &root)?;
        self.forget_submissions(&folder)
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
        worker.serve_samples().await?;
        let chain: &dyn Chain = &*worker.chain;
        let private = chain
            .last_private_round(At::Finalised, worker.branch)
            .await?;
        if let Some(round) = &private {
            worker.private_shard(ROLE, &self.told, round).await?;
        }
        let kept = shards::roots(&worker.database)?;
        let Some(view) = worker.current_round().await? else {
            let (branch, left) = (worker.branch, kept.len());
            let why = match private {
                Some(_) => format!("{left} shards are prepared"),
                None => format!("branch {branch} has no round yet"),
            };
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
