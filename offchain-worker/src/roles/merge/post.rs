// SPDX-License-Identifier: GPL-3.0-or-later
//! Posting: the version's roots go to the chain.

use super::{Merger, ROLE};
use crate::error::WorkerError;
use crate::submit::Sent;
use crate::worker::RoundView;
use dream_chain::{At, Call};

impl Merger {
    pub(super) async fn post(&self, view: &RoundView) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let (at, account) = (At::from(view.block), worker.account());
        let free = worker.chain.bond(at, account).await?.free();
        let needed = worker.chain.parameters(at).await?.bonds.merge;
        if free < needed {
            let (free, needed) = (crate::amount(free), crate::amount(needed));
            let why = format!("the free bond of {account} is {free}, a merge locks {needed}: run `dream-worker bond AMOUNT`");
            self.told.say(ROLE, why);
            return Ok(());
        }
        let Some(record) = self.compute(view).await? else {
            return Ok(());
        };
        let call = Call::PostMerge {
            round: view.round.id,
            state_root: record.state_root,
            server_root: record.server_root,
            cid: record.cid,
            server_cid: record.server_cid,
        };
        let key = format!("{}/post", worker.key(ROLE, view.round.id));
        if let Sent::Refused(why) = worker.submit_once(&key, call).await? {
            // Another merger may have been faster; comparing shows whether it was right.
            self.told.say(
                ROLE,
                format!(
                    "the merge of round {} was refused: {why}",
                    view.round.id.number
                ),
            );
        }
        Ok(())
    }
}
