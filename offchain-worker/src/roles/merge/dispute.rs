// SPDX-License-Identifier: GPL-3.0-or-later
//! Disputing: a posted merge that is not what this worker computed is brought down, move by move.
//!
//! A wrong table of distances is disputed before a wrong root: the chain recomputes chunks with the posted table, so that
//! with a wrong one a wrong root may look right.

use super::compute::Fetched;
use super::trees::difference;
use super::{MergeRecord, Merger, ROLE};
use crate::error::WorkerError;
use crate::submit::Sent;
use crate::worker::RoundView;
use dream_chain::{At, Call, Dispute};
use dream_primitives::aggregate::{pairs, selection};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::dispute::{base_server_root, prove_pair, PairTable, Tree, Witness};
use dream_primitives::game::{Turn, MAX_DISPUTES};
use dream_primitives::version::VersionHeader;
use tracing::{error, warn};

/// Times that one posted merge is disputed. More than one, since a dispute may be lost by a node that was away; not
/// without end, since each one that is lost costs the bond.
const TRIES: u32 = 3;

/// The tree by which a posted merge can be brought down; `None` when it is right.
pub(super) fn wrong_tree(
    own: &MergeRecord,
    header: &VersionHeader,
    table: &PairTable,
) -> Option<Tree> {
    let place = own
        .table
        .iter()
        .zip(table)
        .position(|(own, posted)| own != posted);
    if let Some(pair) = place.and_then(|place| u16::try_from(place).ok()) {
        return Some(Tree::Pair(pair));
    }
    if header.state_root != own.state_root {
        return Some(Tree::State);
    }
    (header.server_root != own.server_root).then_some(Tree::Server)
}

impl Merger {
    /// Checks the merge that another account posted; disputes it when it is wrong.
    pub(super) async fn check(
        &self,
        view: &RoundView,
        header: &VersionHeader,
    ) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let (id, at) = (view.round.id, At::from(view.block));
        let Some(own) = self.compute(view).await? else {
            return Ok(());
        };
        if own.contributions != header.contributions_root {
            let why = format!(
                "round {}: the posted merge holds other contributions than there are now",
                id.number
            );
            self.told.say(ROLE, why);
            return Ok(());
        }
        let table = worker.chain.posted_table(at, id).await?;
        let Some(tree) = wrong_tree(&own, header, &table) else {
            let why = format!("round {}: the posted merge is right", id.number);
            self.told.say(ROLE, why);
            return Ok(());
        };
        let disputes = worker.chain.disputes(at, id).await?;
        let account = worker.account();
        match disputes.iter().find(|d| d.challenger == account) {
            Some(dispute) => self.play(view, &own, dispute).await,
            None if disputes.len() >= MAX_DISPUTES as usize
                || view.block.number >= view.round.deadline =>
            {
                let why = format!(
                    "round {}: no place or no time for another dispute",
                    id.number
                );
                self.told.say(ROLE, why);
                Ok(())
            }
            None => self.open_dispute(view, &own, header, tree).await,
        }
    }

    async fn open_dispute(
        &self,
        view: &RoundView,
        own: &MergeRecord,
        header: &VersionHeader,
        tree: Tree,
    ) -> Result<(), WorkerError> {
        let worker = &self.worker;
        let (id, at, version) = (view.round.id, At::from(view.block), header.hash());
        error!(
            "round {}: the posted merge {version:?} is WRONG ({tree:?}): it has the roots {:?} and {:?}, the contributions give {:?} and {:?}",
            id.number, header.state_root, header.server_root, own.state_root, own.server_root
        );
        let free = worker.chain.bond(at, worker.account()).await?.free();
        let needed = worker.chain.parameters(at).await?.bonds.dispute;
        if free < needed {
            let (free, needed) = (crate::amount(free), crate::amount(needed));
            let why = format!("a wrong merge is not disputed: the free bond is {free}, a dispute locks {needed}: run `dream-worker bond AMOUNT`");
            self.told.say(ROLE, why);
            return Ok(());
        }
        let folder = worker.key(ROLE, id);
        // A version that was refuted may be posted again: what was tried against it before does not count.
        let posting = format!("{version:?}-{}", view.round.refutations);
        let tries = format!("{folder}/tries-{posting}");
        let tried: u32 = worker.database.get(&tries)?.unwrap_or(0);
        if tried >= TRIES {
            let why = format!(
                "round {}: {tried} disputes of {version:?} did not bring it down; another worker must",
                id.number
            );
            self.told.say(ROLE, why);
            return Ok(());
        }
        // A dispute that landed unseen is on the chain at the next look and is played on; only one that was played and
        // lost is opened again, under a key of its own.
        let key = format!("{folder}/dispute-{posting}-{tried}");
        match worker
            .submit_once(&key, Call::DisputeMerge { round: id, tree })
            .await?
        {
            Sent::Pending => {}
            Sent::Done(_) => worker.database.put(&tries, &tried.saturating_add(1))?,
            Sent::Refused(why) => {
                let why = format!("the dispute of round {} was refused: {why}", id.number);
                self.told.say(ROLE, why);
            }
        }
        Ok(())
    }

    /// This worker's next move in its own dispute.
    async fn play(
        &self,
        view: &RoundView,
        own: &MergeRecord,
        dispute: &Dispute,
    ) -> Result<(), WorkerError> {
        let id = view.round.id;
        let call = match &dispute.turn {
            Turn::Prove => self.prove(view, dispute).await?,
            Turn::Narrow(answer) => {
                let trees = self.trees(view, own).await?;
                let own = trees.answer(dispute.tree, dispute.node);
                let place = own.ok().and_then(|own| difference(&own, answer));
                place.map(|index| Call::NarrowDispute { round: id, index })
            }
            Turn::Answer => {
                let why = format!(
                    "round {}: the poster must answer for {:?} by block {}",
                    id.number, dispute.node, dispute.deadline
                );
                self.told.say(ROLE, why);
                return Ok(());
            }
        };
        let Some(call) = call else {
            warn!(
                "round {}: nothing is wrong below {:?} of {:?}: the dispute is lost",
                id.number, dispute.node, dispute.tree
            );
            return Ok(());
        };
        // The block of the deadline is another one for each move.
        let key = format!("{}/move-{}", self.worker.key(ROLE, id), dispute.deadline);
        self.submit(&key, call).await
    }

    /// The proof of the leaf that the dispute came down to; `None` when a delta is not to be had.
    async fn prove(
        &self,
        view: &RoundView,
        dispute: &Dispute,
    ) -> Result<Option<Call>, WorkerError> {
        let (id, at) = (view.round.id, At::from(view.block));
        let contributions = self.worker.contributions(view).await?;
        let deltas = match self.worker.deltas(view, &contributions).await? {
            Fetched::All(deltas) => deltas,
            Fetched::Lacking(claim, why) => {
                self.demand(view, claim, &why).await?;
                return Ok(None);
            }
        };
        let index = dispute.node.index;
        if let Tree::Pair(pair) = dispute.tree {
            let places = pairs(deltas.len()).nth(usize::from(pair));
            let proof =
                places.and_then(|(i, j)| prove_pair(pair, &deltas[i].0, &deltas[j].0, index));
            return Ok(proof.map(|proof| Call::ProvePair {
                round: id,
                proof: Box::new(proof),
            }));
        }
        let table = self.worker.chain.posted_table(at, id).await?;
        let distances: Vec<u128> = table.iter().map(|top| top.sum).collect();
        let recipe = view.terms.recipe;
        let Ok(selection) = selection(&recipe.rule, deltas.len(), &distances) else {
            return Ok(None);
        };
        let base = self.worker.header(at, view.round.base).await?;
        let (state, mut moments) = self.worker.merge_base(view).await?;
        if base_server_root(&base, &recipe.server).is_zero() {
            moments.clear();
        }
        let chosen: Vec<&[DeltaChunk]> = selection
            .chosen
            .iter()
            .filter_map(|place| deltas.get(*place))
            .map(|(chunks, _)| &chunks[..])
            .collect();
        let chunks = view.terms.architecture.chunks().max(1);
        let proof = Witness::new(&state, &moments, &chosen).prove(index % chunks);
        Ok(proof.map(|proof| Call::ProveChunk {
            round: id,
            proof: Box::new(proof),
        }))
    }
}
