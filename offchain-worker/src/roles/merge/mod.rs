// SPDX-License-Identifier: GPL-3.0-or-later
//! The merger: once a round's claims are settled, computes the next version, posts it, and checks those of others.
//!
//! | state | when | file |
//! |---|---|---|
//! | post | Merging, nothing posted | `post.rs` |
//! | check, dispute | Dispute, another account's merge is posted | `dispute.rs` |
//! | answer | Dispute, this account's merge is posted | `answer.rs` |
//! | demand | a contribution's delta is not to be had | `demand.rs` |
//! | supply | somebody demands a chunk that this worker holds | `../../supply.rs` |
//! | compare | a merge became a version | `compare.rs` |
//! | wait | everything else | `mod.rs` |

mod answer;
mod compare;
mod compute;
mod demand;
mod dispute;
mod post;
pub(crate) mod trees;

use super::{Role, Told};
use crate::error::WorkerError;
use crate::submit::Sent;
use crate::worker::{RoundView, Worker};
use async_trait::async_trait;
use codec::{Decode, Encode};
use dream_chain::{At, Call};
use dream_primitives::claim::RoundId;
use dream_primitives::dispute::PairTable;
use dream_primitives::round::Phase;
use dream_primitives::H256;
use dream_store::Cid;
use std::sync::{Arc, Mutex};
use trees::Trees;

pub(crate) const ROLE: &str = "merge";

/// What a merger keeps of a round until its version is compared.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct MergeRecord {
    /// Version that the merge stands on.
    pub base: H256,
    /// Root over what was merged.
    pub contributions: H256,
    /// Root of the merged parameters.
    pub state_root: H256,
    /// Root of the merged moments; zero where there are none.
    pub server_root: H256,
    /// Where the parameters are.
    pub cid: Cid,
    /// Where the moments are.
    pub server_cid: Option<Cid>,
    /// Squared distances of the deltas; empty where the rule reads none.
    pub table: PairTable,
}

/// The role.
pub struct Merger {
    pub(crate) worker: Arc<Worker>,
    pub(crate) told: Told,
    /// The trees of the last merge that was looked into.
    trees: Mutex<Option<(MergeRecord, Arc<Trees>)>>,
}

impl Merger {
    /// A merger.
    pub fn new(worker: Arc<Worker>) -> Self {
        Self {
            worker,
            told: Told::default(),
            trees: Mutex::default(),
        }
    }

    /// Where the merge of these contributions is written down.
    pub(crate) fn record_key(&self, round: RoundId, contributions: H256) -> String {
        format!("{}/record-{contributions:?}", self.worker.key(ROLE, round))
    }

    /// Submits once, and says why when it is refused.
    async fn submit(&self, key: &str, call: Call) -> Result<(), WorkerError> {
        let (pallet, name) = call.name();
        if let Sent::Refused(why) = self.worker.submit_once(key, call).await? {
            self.told
                .say(ROLE, format!("{pallet}.{name} was refused: {why}"));
        }
        Ok(())
    }

    /// What there is to do for the posted merge.
    async fn watch(&self, view: &RoundView) -> Result<(), WorkerError> {
        let (worker, id) = (&self.worker, view.round.id);
        let header = worker.chain.posted_header(At::from(view.block), id).await?;
        match (&view.round.merge, header) {
            (Some(merge), Some(header)) if merge.merger == worker.account() => {
                self.answer(view, &header).await
            }
            (Some(_), Some(header)) => self.check(view, &header).await,
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Role for Merger {
    fn name(&self) -> &'static str {
        ROLE
    }

    fn worker(&self) -> &Worker {
        &self.worker
    }

    async fn step(&self) -> Result<(), WorkerError> {
        self.compare().await?;
        let Some(view) = self.worker.current_round().await? else {
            let why = format!("branch {} has no round yet", self.worker.branch);
            self.told.say(ROLE, why);
            return Ok(());
        };
        match (view.round.phase, &view.round.merge) {
            (Phase::Merging, None) => {
                self.worker.supply(ROLE, &view, true).await?;
                self.post(&view).await
            }
            // It cannot be disputed yet; this worker's own result is made ready.
            (Phase::Merging, Some(_)) => self.compute(&view).await.map(|_| ()),
            (Phase::Dispute, _) => {
                self.worker.supply(ROLE, &view, true).await?;
                self.watch(&view).await
            }
            (phase, _) => {
                let number = view.round.id.number;
                self.told
                    .say(ROLE, format!("round {number} is in {phase:?}"));
                Ok(())
            }
        }
    }
}
