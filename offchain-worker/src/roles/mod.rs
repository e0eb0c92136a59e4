// SPDX-License-Identifier: GPL-3.0-or-later
//! The roles: each looks at the newest finalised block, decides from the chain and its own records in which state it
//! is, and acts. Nothing that a decision rests on is kept in memory only, so a role that is killed anywhere goes on
//! where it was.

pub mod merge;
pub mod mine;
pub mod private;
pub mod steward;
pub mod verify;

use crate::error::WorkerError;
use crate::worker::Worker;
use async_trait::async_trait;
use std::sync::Mutex;

/// A role.
#[async_trait]
pub trait Role: Send + Sync {
    /// Its name, for logs.
    fn name(&self) -> &'static str;

    /// The worker that it acts for.
    fn worker(&self) -> &Worker;

    /// Does all that can be done now. Called after each finalised block that is seen.
    async fn step(&self) -> Result<(), WorkerError>;
}

/// Runs a role until it is stopped or fails.
pub async fn run(role: &dyn Role) -> Result<(), WorkerError> {
    let worker = role.worker();
    let mut block = worker.chain.finalised().await?;
    loop {
        tokio::select! {
            () = worker.stop.wait() => return Err(WorkerError::Interrupted),
            done = role.step() => done?,
        }
        block = tokio::select! {
            () = worker.stop.wait() => return Err(WorkerError::Interrupted),
            next = worker.chain.next_finalised(block.number) => next?,
        };
    }
}

/// Says a thing once, until another is said.
#[derive(Debug, Default)]
pub struct Told(Mutex<String>);

impl Told {
    /// Logs `what` unless it was the last thing said.
    pub fn say(&self, role: &str, what: String) {
        let mut last = self.0.lock().unwrap_or_else(|e| e.into_inner());
        if *last != what {
            tracing::info!("{role}: {what}");
            *last = what;
        }
    }
}
