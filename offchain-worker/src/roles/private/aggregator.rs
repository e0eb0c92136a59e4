// SPDX-License-Identifier: GPL-3.0-or-later
//! The aggregator: adds up the ciphertexts that stand, posts the sum, answers who disputes it, and watches what others post.
//!
//! | state | when |
//! |---|---|
//! | post | Summing, nothing posted |
//! | watch | SumDispute: answers for its own sum, disputes another's that is wrong |
//! | wait | everything else |

use super::sums::{Unmade, Watch};
use super::PrivateView;
use crate::error::WorkerError;
use crate::roles::Role;
use crate::worker::Worker;
use async_trait::async_trait;
use dream_chain::PrivateCall;
use dream_primitives::private::round::PrivatePhase;
use std::sync::Arc;
use tracing::info;

pub(crate) const ROLE: &str = "aggregate";

/// The role.
pub struct Aggregator {
    watch: Watch,
}

impl Aggregator {
    /// An aggregator.
    pub fn new(worker: Arc<Worker>) -> Self {
        Self {
            watch: Watch::new(worker, ROLE),
        }
    }

    async fn post(&self, view: &PrivateView) -> Result<(), WorkerError> {
        let (worker, watch) = (self.worker(), &self.watch);
        let account = worker.account();
        let free = worker.chain.bond(view.at(), account).await?.free();
        let needed = view.round.sum_bond(view.terms.parameters.get().bonds.sum);
        if free < needed {
            let (free, needed) = (crate::amount(free), crate::amount(needed));
            let why = format!("the free bond of {account} is {free}, a sum locks {needed}: run `dream-worker bond AMOUNT`");
            watch.say(view, why);
            return Ok(());
        }
        let sum = match watch.own_sum(view).await {
            Ok(sum) => sum,
            Err(Unmade::Lacking(why)) => {
                watch.say(view, format!("there is no sum: {why}"));
                return Ok(());
            }
            Err(Unmade::Failed(error)) => return Err(error),
        };
        let roots = sum.publish(&*worker.store).await?;
        info!(
            "private round {}: {} contributions add up to {:?} and {:?}",
            view.id().number,
            view.round.standing.count(),
            roots.data,
            roots.keys
        );
        // After a refuted sum the phase has another deadline: then this is another posting. A refusal mostly means that
        // another aggregator was faster; watching its sum shows whether it was right.
        let key = format!("{}/post-{}", watch.folder(view), view.round.deadline);
        let round = view.id();
        let call = PrivateCall::PostSum { round, roots };
        watch.submit(&key, call).await.map(|_| ())
    }
}

#[async_trait]
impl Role for Aggregator {
    fn name(&self) -> &'static str {
        ROLE
    }

    fn worker(&self) -> &Worker {
        &self.watch.worker
    }

    async fn step(&self) -> Result<(), WorkerError> {
        let Some(view) = self.watch.newest().await? else {
            return Ok(());
        };
        match (view.round.phase, &view.round.sum) {
            (PrivatePhase::Summing, None) => self.post(&view).await,
            (PrivatePhase::SumDispute, Some(_)) => self.watch.watch_sum(&view).await,
            (phase, _) => {
                self.watch.say(&view, format!("{phase:?}"));
                Ok(())
            }
        }
    }
}
