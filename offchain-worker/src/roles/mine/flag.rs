// SPDX-License-Identifier: GPL-3.0-or-later
//! The flag: the verifiers have revealed; the miner says whether the claim was faked on duty.

use super::{MineRecord, Miner, Next, View, ROLE};
use crate::error::WorkerError;
use crate::submit::Sent;
use dream_chain::Call;
use dream_primitives::H256;

impl Miner {
    pub(super) async fn flag(
        &self,
        view: &View,
        record: MineRecord,
        claim: H256,
    ) -> Result<Next, WorkerError> {
        let key = format!("{}/flag", self.worker.key(ROLE, view.id()));
        let call = Call::OpenFlag {
            claim,
            canary: record.duty,
            salt: record.canary_salt,
            preimage: record.preimage,
        };
        match self.worker.submit_once(&key, call).await? {
            Sent::Done(_) => Ok(Next::Again),
            Sent::Pending | Sent::Refused(_) => Ok(Next::Wait),
        }
    }
}
