// SPDX-License-Identifier: GPL-3.0-or-later
//! Posting: the version's roots go to the chain.

use super::{Merger, ROLE};
use crate::error::WorkerError;
use crate::worker::RoundView;
use dream_chain::{At, Call};

impl Merger {
    pub(super) async fn post(&self, view: &RoundView) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let (at, account) = (At::from(view.block), worker.account());
        let free = worker.chain.bond(at, account).await?.free();
        let least = worker.chain.parameters(at).await?.bonds.merge;
        let needed = view.round.merge_bond(least);
        if free < needed {
            let (free, needed) = (crate::amount(free), crate::amount(needed));
            let why = format!("the free bond of {account} is {free}, a merge locks {needed}: run `dream-worker bond AMOUNT`");
            self.told.say(ROLE, why);
            return Ok(());
        }
        let Some(record) = self.compute(view).await? else {
            return Ok(());
        };
        let id = view.round.id;
        let call = Call::PostMerge {
            round: id,
            state_root: record.state_root,
            server_root: record.server_root,
            cid: record.cid,
            server_cid: record.server_cid,
            table: Box::new(record.table),
        };
        // A round comes back to Merging, with another deadline, when its merge is refuted, a claim is excluded, or nobody
        // posts the replay of another round: then this is another posting. A refusal here mostly means that another merger
        // was faster; checking its merge shows whether it was right.
        let folder = worker.key(ROLE, id);
        let key = format!(
            "{folder}/post-{}-{:?}",
            view.round.deadline, record.contributions
        );
        self.submit(&key, call).await
    }
}
