// SPDX-License-Identifier: GPL-3.0-or-later
//! Revealing: the report itself, once the miner has opened its digests.

use super::{Audit, Verifier, ROLE};
use crate::error::WorkerError;
use crate::submit::Sent;
use dream_chain::Call;
use tracing::info;

impl Verifier {
    pub(super) async fn reveal(&self, audit: &Audit) -> Result<bool, WorkerError> {
        let Some(record) = &audit.record else {
            let why = format!(
                "the report on claim {:?} was committed to from another state folder: only that folder can reveal it",
                audit.id
            );
            self.told.say(ROLE, why);
            return Ok(false);
        };
        let report = record.report.clone();
        let right = audit.claim.says(&audit.claim.ends, &report);
        if !right {
            self.suspect(audit, &report)?;
        }
        info!(
            "claim {:?}: the replay {}",
            audit.id,
            if right { "matches" } else { "does NOT match" }
        );
        let call = Call::RevealReplay {
            claim: audit.id,
            report,
            salt: record.salt,
        };
        let key = format!(
            "{}/reveal-{:x}",
            self.folder(audit.claim.claim.round),
            audit.id
        );
        Ok(matches!(
            self.worker.submit_once(&key, call).await?,
            Sent::Done(_)
        ))
    }
}
