// SPDX-License-Identifier: GPL-3.0-or-later
//! Merges, right and wrong; disputes of them; demands for deltas that vanished.

use crate::actors::MinerKind;
use crate::chain::{cid_of, Chain, UsefulWork};
use crate::world::{Task, World};
use dream_primitives::aggregate::{merge_chunk, MergeInput};
use dream_primitives::claim::RoundId;
use dream_primitives::delta::DeltaChunk;
use dream_primitives::dispute::{Tree, Witness};
use dream_primitives::state::{root, CHUNK};
use dream_primitives::{BlockNumber, H256};
use pallet_useful_work as work;

impl World {
    /// Parameters that a round's contributions make of its base.
    pub fn merged(&self, round: RoundId) -> Vec<i32> {
        let job = self.job(round, &self.actors[0].account);
        let mut state = self.states[&job.state_root].clone();
        let contributions = UsefulWork::contributions(round);
        for (i, chunk) in state.chunks_mut(CHUNK).enumerate() {
            let inputs = contributions.iter().map(|c| {
                let chunks = &self.blobs[&c.claim].trace.chunks;
                MergeInput {
                    chunk: &chunks[i],
                    weight: c.weight,
                    norm_squared: chunks.iter().map(DeltaChunk::sum_of_squares).sum(),
                }
            });
            let inputs: Vec<_> = inputs.collect();
            merge_chunk(
                &job.recipe.rule,
                &job.recipe.server,
                chunk,
                &mut [],
                &inputs,
            )
            .expect("the contributions merge");
        }
        state
    }

    /// Hostile verifiers may be first with a wrong merge, once a round. The merger demands what it cannot fetch.
    pub(crate) fn plan_merge(&mut self, round: RoundId, now: BlockNumber) {
        let mut verifiers = self.miners().end..self.merger();
        let hostile = verifiers.find(|at| !self.actors[*at].honest());
        let wrong = self.setup.wrong_merges;
        if let Some(who) = hostile.filter(|_| self.rng.chance(wrong)) {
            if self.tried.insert(round) {
                self.at(now, Task::WrongMerge(round, who));
            }
        }
        for contribution in UsefulWork::contributions(round) {
            let miner = self.blobs[&contribution.claim].miner;
            if self.actors[miner].miner() == Some(MinerKind::VanishedDelta) {
                let origin = self.origin(self.merger()).into();
                let result = UsefulWork::demand_chunk(origin, contribution.claim, 0);
                self.must(result, "demand");
            }
        }
        self.after_delay(round, now, self.merger(), Task::Merge(round));
    }

    fn post(&mut self, round: RoundId, who: usize, state_root: H256) {
        let origin = self.origin(who).into();
        let cid = cid_of(&state_root);
        let table = Default::default();
        let result =
            UsefulWork::post_merge(origin, round, state_root, H256::zero(), cid, None, table);
        self.must(result, "merge");
    }

    pub(crate) fn wrong_merge(&mut self, round: RoundId, who: usize) {
        let bonds = self.setup.parameters.bonds;
        let free = work::Bonds::<Chain>::get(&self.actors[who].account).map_or(0, |b| b.free());
        let stored = self.stored(round);
        let (posted, needed) = (stored.merge.is_some(), stored.merge_bond(bonds.merge));
        if free >= needed && !posted && !UsefulWork::contributions(round).is_empty() {
            let mut state = self.merged(round);
            state[0] += 1;
            self.post(round, who, root(&state));
            self.wrong_merges += 1;
        }
    }

    pub(crate) fn merge(&mut self, round: RoundId, now: BlockNumber) {
        let stored = self.stored(round);
        if stored.merge.is_some() || UsefulWork::contributions(round).is_empty() {
            return;
        }
        if stored.disputes > 0 {
            // A demand is open: what is to be merged is not known yet.
            return self.at(now + 1, Task::Merge(round));
        }
        let state = self.merged(round);
        let right = root(&state);
        self.states.insert(right, state);
        self.post(round, self.merger(), right);
    }

    /// The merger makes every posted merge itself; where it is another, it disputes it and proves its only chunk.
    pub(crate) fn watch_merge(&mut self, round: RoundId) {
        let Some(posted) = work::PostedHeaders::<Chain>::get(round) else {
            return;
        };
        let empty = UsefulWork::contributions(round).is_empty();
        if empty || posted.state_root == root(&self.merged(round)) {
            return;
        }
        let merger = self.merger();
        let result = UsefulWork::dispute_merge(self.origin(merger).into(), round, Tree::State);
        self.must(result, "dispute");
        let job = self.job(round, &self.actors[0].account);
        let mut contributions = UsefulWork::contributions(round);
        contributions.sort_unstable_by_key(|c| c.claim);
        let chunks = |claim| self.blobs[claim].trace.chunks.as_slice();
        let deltas: Vec<&[DeltaChunk]> = contributions.iter().map(|c| chunks(&c.claim)).collect();
        let proof = Witness::new(&self.states[&job.state_root], &[], &deltas)
            .prove(0)
            .expect("the model has a chunk");
        let result = UsefulWork::prove_chunk(self.origin(merger).into(), round, proof);
        self.must(result, "proof");
    }
}
