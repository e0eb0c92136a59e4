// SPDX-License-Identifier: GPL-3.0-or-later
//! Claiming: the claim is written down, the chain does not have it yet.

use super::{Miner, Next, View, ROLE};
use crate::error::WorkerError;
use crate::submit::Sent;
use dream_chain::Call;
use dream_primitives::claim::Claim;

impl Miner {
    pub(super) async fn claim(&self, view: &View, claim: Claim) -> Result<Next, WorkerError> {
        let key = format!("{}/claim", self.worker.key(ROLE, view.id()));
        match self
            .worker
            .submit_once(&key, Call::SubmitClaim(claim))
            .await?
        {
            Sent::Done(_) => Ok(Next::Again),
            Sent::Pending => Ok(Next::Wait),
            Sent::Refused(why) => {
                let number = view.id().number;
                self.told.say(
                    ROLE,
                    format!("the claim of round {number} was refused: {why}"),
                );
                Ok(Next::Wait)
            }
        }
    }
}
