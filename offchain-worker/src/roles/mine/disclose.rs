// SPDX-License-Identifier: GPL-3.0-or-later
//! Disclosing: the verifiers have committed; digests and end states of the audited segments are opened.

use super::{MineRecord, Miner, Next, View, ROLE};
use crate::error::WorkerError;
use crate::submit::Sent;
use dream_chain::Call;
use dream_primitives::H256;

impl Miner {
    pub(super) async fn disclose(
        &self,
        view: &View,
        record: MineRecord,
        claim: H256,
        audited: &[u16],
    ) -> Result<Next, WorkerError> {
        let worker = &self.worker;
        let Some(openings) = record.trace.open_digests(&worker.chain.genesis(), audited) else {
            let done = record.trace.len();
            let why = format!(
                "claim {claim:?}: the draw {audited:?} is not in its trace of {done} segments"
            );
            self.told.say(ROLE, why);
            return Ok(Next::Wait);
        };
        let key = format!("{}/disclose", worker.key(ROLE, view.id()));
        let call = Call::OpenDigests { claim, openings };
        match worker.submit_once(&key, call).await? {
            Sent::Done(_) => Ok(Next::Again),
            Sent::Pending | Sent::Refused(_) => Ok(Next::Wait),
        }
    }
}
