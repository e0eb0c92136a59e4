// SPDX-License-Identifier: GPL-3.0-or-later
//! Enlisting: the account offers itself as a verifier of the branch.

use super::{Verifier, ROLE};
use crate::error::WorkerError;
use crate::roles::Told;
use crate::submit::Sent;
use crate::worker::Worker;
use dream_chain::{At, Call};

/// Verifiers that the chain lists for a branch.
const FULL: usize = 256;

impl Verifier {
    pub(super) async fn enlist(&self) -> Result<bool, WorkerError> {
        self.worker.enlist(ROLE, &self.told).await
    }
}

impl Worker {
    /// Whether there may be something to verify: the account is enlisted, or a full list has no place for it any more
    /// and it may have seats from before. Enlists it when it can be; what keeps it out is said as `role`.
    pub(crate) async fn enlist(&self, role: &str, told: &Told) -> Result<bool, WorkerError> {
        let worker = self;
        let (branch, account) = (worker.branch, worker.account());
        let at = At::from(worker.chain.finalised().await?);
        let Some(profile) = worker.chain.profile(at, branch, account).await? else {
            let why = format!("{account} has no profile on branch {branch}: run `dream-worker profile --branch {branch}`");
            told.say(role, why);
            return Ok(false);
        };
        if profile.settings != worker.settings {
            return Err(WorkerError::NotReady(format!(
                "{account} registered the profile {:?}, this process computes under {:?}: use the same --threads, or run `dream-worker profile` again",
                profile.settings, worker.settings
            )));
        }
        let verifiers = worker.chain.verifiers(at, branch).await?;
        if verifiers.contains(&account) {
            return Ok(true);
        }
        let full = verifiers.len() >= FULL;
        let bond = worker.chain.bond(at, account).await?;
        let seat = worker.chain.parameters(at).await?.bonds.seat;
        if bond.free() < seat {
            let (free, seat) = (crate::amount(bond.free()), crate::amount(seat));
            let why = format!("the free bond of {account} is {free}, a seat locks {seat}: run `dream-worker bond AMOUNT`");
            told.say(role, why);
            return Ok(full);
        }
        let key = if full {
            // Only a larger bond finds a place: one try a round.
            let round = worker.chain.current_round(at, branch).await?;
            format!("enlist/{branch}-{}", round.map_or(0, |r| r.id.number))
        } else {
            format!("enlist/{branch}")
        };
        match worker
            .submit_once(&key, Call::EnlistVerifier(branch))
            .await?
        {
            Sent::Done(_) => Ok(true),
            Sent::Pending => Ok(full),
            Sent::Refused(_) if full => Ok(true),
            Sent::Refused(why) => {
                // The next start tries again: what was wrong may be mended by then.
                worker.forget_submissions("enlist")?;
                Err(WorkerError::NotReady(format!(
                    "the chain refuses {account} as a verifier of branch {branch}: {why}"
                )))
            }
        }
    }
}
