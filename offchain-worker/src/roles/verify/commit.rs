// SPDX-License-Identifier: GPL-3.0-or-later
//! Committing: the hash of the report goes to the chain before anyone's digests are open.

use super::{Audit, Verifier};
use crate::error::WorkerError;
use crate::submit::Sent;
use dream_chain::Call;

impl Verifier {
    pub(super) async fn commit(&self, audit: &Audit) -> Result<bool, WorkerError> {
        let Some(record) = &audit.record else {
            return Ok(false);
        };
        let worker = &self.worker;
        let commitment = record.report.commitment(
            &worker.chain.genesis(),
            worker.account().as_bytes(),
            &audit.id,
            &record.salt,
        );
        let call = Call::CommitReplay {
            claim: audit.id,
            commitment,
        };
        let key = format!(
            "{}/commit-{:x}",
            self.folder(audit.claim.claim.round),
            audit.id
        );
        Ok(matches!(
            worker.submit_once(&key, call).await?,
            Sent::Done(_)
        ))
    }
}
