// SPDX-License-Identifier: GPL-3.0-or-later
//! Submitting once, whatever happens in between.
//!
//! Before a transaction is sent, the block at which this happens is written down. A worker that finds such a note (it
//! was killed, or never heard of the transaction) and does not see the effect on the chain asks the node whether
//! anything of the account is still under way. If not, the transaction is lost; the worker looks at the chain once more
//! and sends again, with the nonce of the lost one, so that both cannot land. Otherwise it waits, at most until the
//! transaction cannot come into a block any more.

use crate::error::WorkerError;
use crate::worker::Worker;
use codec::{Decode, Encode};
use dream_chain::{At, Call, Entry, Receipt, SubmitError};
use dream_primitives::claim::RoundId;
use dream_primitives::BlockNumber;
use tracing::{debug, info, warn};

/// Finalised blocks after which a transaction that nothing was heard of cannot come into a block any more: the client's
/// signatures are good for 64 blocks, and signing may lag behind the note by a few.
pub const RESEND_AFTER: BlockNumber = 72;

/// That a transaction was sent.
#[derive(Clone, Copy, Debug, Encode, Decode)]
struct Note {
    /// Finalised block at that time.
    sent: BlockNumber,
    /// Whether it is known to be lost.
    lost: bool,
}

/// What became of a submission.
#[derive(Debug)]
pub enum Sent {
    /// It is on the chain and succeeded.
    Done(Receipt),
    /// Nothing is known yet, or nothing was sent: look again at the next block.
    Pending,
    /// The runtime refused it.
    Refused(String),
}

impl Worker {
    /// Submits `call` unless a submission under `key` may still be under way. The caller has just seen, at a finalised
    /// block, that the call's effect is not on the chain.
    pub async fn submit_once(&self, key: &str, call: Call) -> Result<Sent, WorkerError> {
        let note = format!("sent/{key}");
        let refused = format!("refused/{key}");
        let call = self.routed(call).await?;
        if let Some(why) = self.database.get::<String>(&refused)? {
            return Ok(Sent::Refused(why));
        }
        let now = self.chain.finalised().await?.number;
        if let Some(earlier) = self.database.get::<Note>(&note)? {
            let over = now > earlier.sent.saturating_add(self.resend_after);
            if !earlier.lost && !over {
                self.look_for(key, &note, earlier).await?;
                return Ok(Sent::Pending);
            }
        }
        let sent = Note {
            sent: now,
            lost: false,
        };
        self.database.put(&note, &sent)?;
        let (pallet, name) = call.name();
        match self.chain.submit(call).await {
            Ok(receipt) => {
                self.database.remove(&note)?;
                info!("{pallet}.{name} is in block {}", receipt.block.number);
                Ok(Sent::Done(receipt))
            }
            Err(SubmitError::Unknown { cause, .. }) => {
                warn!("{pallet}.{name}: the result is not known ({cause}); looking at the chain");
                Ok(Sent::Pending)
            }
            Err(SubmitError::Dropped { reason }) => {
                self.database.remove(&note)?;
                warn!("{pallet}.{name} was dropped ({reason}); trying again at the next block");
                Ok(Sent::Pending)
            }
            Err(error @ SubmitError::Dispatch { .. }) => {
                let why = error.to_string();
                warn!("{pallet}.{name} was refused: {why}");
                self.database.put(&refused, &why)?;
                self.database.remove(&note)?;
                Ok(Sent::Refused(why))
            }
            Err(error) => {
                self.database.remove(&note)?;
                Err(WorkerError::submitting(format!("{pallet}.{name}"))(error))
            }
        }
    }

    /// What a newcomer does in its round goes without fees, as [`Call::ActAsNewcomer`]; everything else as it is.
    async fn routed(&self, call: Call) -> Result<Call, WorkerError> {
        let newcomer = match &call {
            Call::SubmitClaim(claim) => self.slot(At::Finalised, claim.round).await?.is_some(),
            Call::OpenStartStates { claim, .. }
            | Call::OpenDigests { claim, .. }
            | Call::OpenFlag { claim, .. }
            | Call::OpenChallenged { claim, .. } => {
                let record = self.chain.claim(At::Finalised, *claim).await?;
                record.is_some_and(|r| r.newcomer)
            }
            _ => false,
        };
        Ok(if newcomer { call.as_newcomer() } else { call })
    }

    /// The account's slot as a newcomer in a round, until its claim uses it.
    pub async fn slot(&self, at: At, round: RoundId) -> Result<Option<Entry>, WorkerError> {
        let all = self.chain.newcomers(at, round).await?;
        Ok(all.into_iter().find(|e| e.account == self.account()))
    }

    /// Finds out whether the transaction of a note is lost. The caller must look at the chain again before it sends
    /// another one: this one may have landed since it looked.
    async fn look_for(&self, key: &str, note: &str, earlier: Note) -> Result<(), WorkerError> {
        if self.chain.under_way().await? {
            debug!("{key}: sent at block {}, not finalised yet", earlier.sent);
            return Ok(());
        }
        info!(
            "{key}: nothing is left of what was sent at block {}",
            earlier.sent
        );
        let lost = Note {
            lost: true,
            ..earlier
        };
        self.database.put(note, &lost)?;
        Ok(())
    }

    /// Forgets all notes on submissions whose key begins with the folder `key`.
    pub fn forget_submissions(&self, key: &str) -> Result<(), WorkerError> {
        self.database.remove(&format!("sent/{key}"))?;
        self.database.remove(&format!("refused/{key}"))?;
        Ok(())
    }
}
