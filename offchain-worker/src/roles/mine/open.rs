// SPDX-License-Identifier: GPL-3.0-or-later
//! Opening: the draw named segments; the states at their start are stored for the verifiers and opened on the chain.

use super::{MineRecord, Miner, Next, View, ROLE};
use crate::blobs;
use crate::error::WorkerError;
use crate::submit::Sent;
use crate::worker::RoundView;
use dream_chain::Call;
use dream_primitives::H256;
use dream_store::Cid;
use dream_training::TrainingState;

impl Miner {
    pub(super) async fn open(
        &self,
        view: &View,
        mut record: MineRecord,
        claim: H256,
        audited: &[u16],
    ) -> Result<Next, WorkerError> {
        let worker = &self.worker;
        let starts = self.store_starts(&view.at, audited).await?;
        if record.starts != starts {
            record.starts = starts;
            worker.database.put(&self.record_key(view.id()), &record)?;
        }
        let trace = &record.trace;
        let opened = trace.initial_proof().zip(trace.open_starts(&record.starts));
        let Some((initial_proof, starts)) = opened else {
            let why = format!(
                "claim {claim:?}: the draw {audited:?} is not in its trace of {} segments",
                trace.len()
            );
            self.told.say(ROLE, why);
            return Ok(Next::Wait);
        };
        let call = Call::OpenStartStates {
            claim,
            initial_state: trace.initial_state,
            initial_proof,
            starts,
        };
        let key = format!("{}/open", worker.key(ROLE, view.id()));
        match worker.submit_once(&key, call).await? {
            Sent::Done(_) => Ok(Next::Again),
            Sent::Pending | Sent::Refused(_) => Ok(Next::Wait),
        }
    }

    async fn store_starts(
        &self,
        view: &RoundView,
        audited: &[u16],
    ) -> Result<Vec<(u16, Cid)>, WorkerError> {
        let mut starts = Vec::new();
        for segment in audited {
            let state = self.start_of(view, *segment).await?;
            let cid = blobs::put_training_state(&*self.worker.store, &state).await?;
            starts.push((*segment, cid));
        }
        Ok(starts)
    }

    /// The training state before a segment of a round's claim.
    pub(super) async fn start_of(
        &self,
        view: &RoundView,
        segment: u16,
    ) -> Result<TrainingState, WorkerError> {
        match self.snapshot(view, segment)? {
            Some(state) => Ok(state),
            None if segment == 0 => {
                let head = self.worker.base_state(view).await?;
                Ok(TrainingState::from_head(&view.terms.architecture, &head)?)
            }
            None => Err(WorkerError::NotReady(format!(
                "the snapshot before segment {segment} of round {} is gone from the state folder: the claim cannot be opened",
                view.round.id.number
            ))),
        }
    }
}
