// SPDX-License-Identifier: GPL-3.0-or-later
//! Real models, deltas and merges for rounds of the mock: every root on chain is of values that a test holds.

use super::*;
use dream_primitives::aggregate::{merge_chunk, selection, MergeInput};
use dream_primitives::cid::Cid;
use dream_primitives::delta::{quantise, root, DeltaChunk};
use dream_primitives::dispute::{pair_table, PairTable, Witness};
use dream_primitives::manifest::LlamaConfig;
use dream_primitives::recipe::Recipe;
use dream_primitives::registry::ModelRegistry;
use dream_primitives::state::{self, CHUNK};
use std::collections::BTreeMap;

/// A model of 49 chunks: a dispute takes two answers.
pub const LARGE: LlamaConfig = LlamaConfig {
    vocab: 256,
    dim: 128,
    layers: 1,
    heads: 4,
    kv_heads: 4,
    ffn: 256,
    context: 128,
    rope_theta: 10_000,
    tied: true,
};

/// Parameters and moments of a version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    pub state: Vec<i32>,
    pub moments: Vec<i32>,
}

impl Model {
    /// Version 0.
    pub fn first() -> Self {
        let architecture = Models::architecture(0).unwrap();
        let parameters = architecture.parameters().unwrap() as i32;
        Self {
            state: (0..parameters).map(|i| i % 1_000 - 500).collect(),
            moments: Vec::new(),
        }
    }

    pub fn state_root(&self) -> H256 {
        state::root(&self.state)
    }

    pub fn server_root(&self) -> H256 {
        state::server_root(&self.moments, self.state.len())
    }

    /// What the recipe makes of this base and these deltas (ascending by claim id), each of weight 8.
    pub fn merged(&self, recipe: &Recipe, deltas: &[Vec<DeltaChunk>]) -> Self {
        let slices: Vec<&[DeltaChunk]> = deltas.iter().map(Vec::as_slice).collect();
        let table = table_of(recipe, &slices);
        let distances: Vec<u128> = table.iter().map(|entry| entry.sum).collect();
        let chosen = selection(&recipe.rule, deltas.len(), &distances).unwrap();
        let moments = recipe.server.moments() as usize;
        let mut next = self.clone();
        next.moments.resize(moments * self.state.len(), 0);
        let norms: Vec<u128> = deltas
            .iter()
            .map(|d| d.iter().map(DeltaChunk::sum_of_squares).sum())
            .collect();
        for chunk in 0..self.state.len().div_ceil(CHUNK) {
            let range = chunk * CHUNK..(chunk * CHUNK + CHUNK).min(self.state.len());
            let moment = |m: usize| {
                let from = m * self.state.len();
                from + range.start..from + range.end
            };
            let mut head = next.state[range.clone()].to_vec();
            let mut all: Vec<i32> = (0..moments)
                .flat_map(|m| next.moments[moment(m)].to_vec())
                .collect();
            let inputs: Vec<MergeInput> = chosen
                .chosen
                .iter()
                .map(|i| MergeInput {
                    chunk: &deltas[*i][chunk],
                    weight: 8,
                    norm_squared: norms[*i],
                })
                .collect();
            merge_chunk(&chosen.rule, &recipe.server, &mut head, &mut all, &inputs).unwrap();
            next.state[range.clone()].copy_from_slice(&head);
            for m in 0..moments {
                let at = moment(m);
                next.moments[at].copy_from_slice(&all[m * head.len()..(m + 1) * head.len()]);
            }
        }
        next
    }
}

fn table_of(recipe: &Recipe, deltas: &[&[DeltaChunk]]) -> PairTable {
    let wanted = dream_primitives::aggregate::pair_count(&recipe.rule, deltas.len());
    if wanted == 0 {
        return PairTable::new();
    }
    pair_table(deltas, parameters())
        .unwrap()
        .try_into()
        .unwrap()
}

/// Parameters of the mock's model.
pub fn parameters() -> u64 {
    Models::architecture(0).unwrap().parameters().unwrap()
}

/// The delta that a miner trained in a round.
pub fn delta_of(account: AccountId, round: u32) -> Vec<DeltaChunk> {
    let parameters = Models::architecture(0).unwrap().parameters().unwrap() as i32;
    let (step, shift) = (account as i32 * 7 + round as i32, round as i32 * 13);
    let steps: Vec<i32> = (0..parameters)
        .map(|i| (i.wrapping_mul(step).wrapping_add(shift)).rem_euclid(241) - 120)
        .collect();
    quantise(&steps)
}

/// Deltas of what a round merges, ascending by claim id.
pub fn deltas_of(round: RoundId) -> Vec<Vec<DeltaChunk>> {
    UsefulWork::contributions(round)
        .iter()
        .map(|c| {
            let record = Claims::<Test>::get(c.claim).unwrap();
            delta_of(record.miner, record.claim.round.number)
        })
        .collect()
}

pub fn round_id(number: u32) -> RoundId {
    RoundId { branch: 0, number }
}

/// Sets version 0 up as a model with real roots.
pub fn real_model() -> Model {
    MODEL.set(LARGE);
    let first = Model::first();
    FIRST.with_borrow_mut(|f| f.state_root = first.state_root());
    first
}

/// The miners train, claim with real deltas, and are audited without a fault: the round is in Merging.
pub fn accepted_round(number: u32, miners: &[AccountId]) -> Vec<Trace> {
    let round = round_id(number);
    run_to(round, Phase::Training);
    let traces: Vec<Trace> = miners
        .iter()
        .map(|miner| {
            let mut trace = Trace::new(*miner, round);
            trace.claim.delta_root = root(&delta_of(*miner, number)).unwrap();
            trace.submit();
            trace
        })
        .collect();
    audit(&traces, |trace, _| Some(trace.report()));
    run_to(round, Phase::Merging);
    traces
}

pub fn recipe() -> Recipe {
    BRANCH.with_borrow(|b| b.recipe)
}

pub fn server_cid() -> Option<Cid> {
    (recipe().server.moments() > 0).then(|| cid(4))
}

/// Posts a model as the merge of a round.
pub fn post_model(merger: AccountId, round: RoundId, model: &Model) {
    let deltas = deltas_of(round);
    let slices: Vec<&[DeltaChunk]> = deltas.iter().map(Vec::as_slice).collect();
    post_table(merger, round, model, table_of(&recipe(), &slices));
}

pub fn post_table(merger: AccountId, round: RoundId, model: &Model, table: PairTable) {
    assert_ok!(UsefulWork::post_merge(
        origin(merger),
        round,
        model.state_root(),
        model.server_root(),
        cid(3),
        server_cid(),
        table
    ));
}

/// The honest table of a round.
pub fn table(round: RoundId) -> PairTable {
    let deltas = deltas_of(round);
    let slices: Vec<&[DeltaChunk]> = deltas.iter().map(Vec::as_slice).collect();
    table_of(&recipe(), &slices)
}

/// Proof of a chunk of a round's merge.
pub fn chunk_proof(
    base: &Model,
    round: RoundId,
    chunk: u32,
) -> dream_primitives::dispute::ChunkProof {
    let deltas = deltas_of(round);
    let slices: Vec<&[DeltaChunk]> = deltas.iter().map(Vec::as_slice).collect();
    let distances: Vec<u128> = table(round).iter().map(|entry| entry.sum).collect();
    let chosen = selection(&recipe().rule, deltas.len(), &distances).unwrap();
    let chosen: Vec<&[DeltaChunk]> = chosen.chosen.iter().map(|i| slices[*i]).collect();
    Witness::new(&base.state, &base.moments, &chosen)
        .prove(chunk)
        .unwrap()
}

/// Runs a whole round up to Vesting on top of `base`; returns the new version and the claims by miner.
pub fn whole_round(number: u32, miners: &[AccountId], base: &Model) -> (Model, Claimed) {
    let traces = accepted_round(number, miners);
    let round = round_id(number);
    let next = base.merged(&recipe(), &deltas_of(round));
    post_model(3, round, &next);
    run_to(round, Phase::Vesting);
    let head = HEADERS.with_borrow(|h| *h.last().unwrap());
    assert_eq!(head.state_root, next.state_root());
    assert_eq!(BRANCH.with_borrow(|b| b.head), head.hash());
    (next, traces.iter().map(|t| (t.account, t.id())).collect())
}

pub type Claimed = BTreeMap<AccountId, H256>;

pub fn head_header() -> dream_primitives::version::VersionHeader {
    Models::version(BRANCH.with_borrow(|b| b.head)).unwrap()
}
