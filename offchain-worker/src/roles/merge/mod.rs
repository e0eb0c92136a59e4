// SPDX-License-Identifier: GPL-3.0-or-later
//! The merger: once a round's claims are settled, computes the next version, posts it, and checks those of others.
//!
//! | state | when | file |
//! |---|---|---|
//! | post | Merging, nothing posted | `post.rs` |
//! | compare | a merge was posted that this worker has not compared with its own | `compare.rs` |
//! | wait | everything else | `mod.rs` |

mod compare;
mod compute;
mod post;

use super::{Role, Told};
use crate::error::WorkerError;
use crate::worker::{RoundView, Worker};
use async_trait::async_trait;
use codec::{Decode, Encode};
use dream_primitives::round::Phase;
use dream_primitives::H256;
use dream_store::Cid;
use std::sync::Arc;

pub(crate) const ROLE: &str = "merge";

/// What a merger keeps of a round until its version is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct MergeRecord {
    /// Root of the merged parameters.
    pub state_root: H256,
    /// Root of the merged moments; zero where there are none.
    pub server_root: H256,
    /// Where the parameters are.
    pub cid: Cid,
    /// Where the moments are.
    pub server_cid: Option<Cid>,
}

/// The role.
pub struct Merger {
    pub(crate) worker: Arc<Worker>,
    pub(crate) told: Told,
}

impl Merger {
    /// A merger.
    pub fn new(worker: Arc<Worker>) -> Self {
        Self {
            worker,
            told: Told::default(),
        }
    }

    pub(crate) fn record_key(&self, view: &RoundView) -> String {
        format!("{}/record", self.worker.key(ROLE, view.round.id))
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
            (Phase::Merging, None) => self.post(&view).await,
            // Another merger was first: this one's own result is written down to be compared.
            (Phase::Merging | Phase::Dispute, Some(_)) => self.compute(&view).await.map(|_| ()),
            (phase, _) => {
                self.told.say(
                    ROLE,
                    format!("round {} is in {phase:?}", view.round.id.number),
                );
                Ok(())
            }
        }
    }
}
