// SPDX-License-Identifier: GPL-3.0-or-later
//! Recomputing one chunk of a merge, or of a distance, from proofs.

use super::{
    pair_leaf, ChunkOutcome, ChunkProof, DeltaOpening, DisputeError, MergeFacts, PairProof, Tree,
};
use crate::aggregate::{
    merge_chunk, pairs, selection, squared_distance, AggregateError, MergeInput, Selection,
};
use crate::hashing::Domain;
use crate::manifest::{chunk_len, chunks_of};
use crate::math::to_usize;
use crate::merkle::{self, SumNode};
use crate::state::{chunk_leaf, server_leaf};
use crate::version::Contribution;
use crate::H256;
use alloc::{vec, vec::Vec};

impl From<AggregateError> for DisputeError {
    fn from(error: AggregateError) -> Self {
        match error {
            AggregateError::Deltas | AggregateError::Unselected => Self::Contributions,
            AggregateError::Chunk => Self::DeltaChunk,
            AggregateError::Moments => Self::MomentLength,
            AggregateError::Pairs => Self::Table,
        }
    }
}

/// The leaves that an honest merge of these facts has for one chunk.
pub fn recompute_chunk(
    facts: &MergeFacts,
    proof: &ChunkProof,
) -> Result<ChunkOutcome, DisputeError> {
    let chunks = chunks(facts, proof.chunk)?;
    let len = to_usize(chunk_len(facts.parameters, proof.chunk));
    let selection = choose(facts)?;
    if proof.base.values.len() != len {
        return Err(DisputeError::BaseLength);
    }
    let leaf = chunk_leaf(&proof.base.values);
    let under_root = merkle::verify(
        Domain::State,
        &facts.state_root,
        chunks,
        proof.chunk,
        &leaf,
        &proof.base.proof,
    );
    if !under_root {
        return Err(DisputeError::BaseProof);
    }
    let mut moments = moments(facts, proof, chunks, len)?;
    let inputs = inputs(facts, proof, &selection)?;
    let mut head: Vec<i32> = proof.base.values.to_vec();
    merge_chunk(
        &selection.rule,
        &facts.rule.server,
        &mut head,
        &mut moments,
        &inputs,
    )?;
    Ok(ChunkOutcome {
        state_leaf: chunk_leaf(&head),
        server_leaves: moments.chunks(len.max(1)).map(server_leaf).collect(),
    })
}

/// The leaf that an honest table's tree of one pair has for one chunk.
pub fn recompute_pair(facts: &MergeFacts, proof: &PairProof) -> Result<SumNode, DisputeError> {
    chunks(facts, proof.chunk)?;
    choose(facts)?;
    let at = usize::from(proof.pair);
    if at >= facts.table_len() {
        return Err(DisputeError::Pair);
    }
    let count = facts.contributions.len();
    let (first, second) = pairs(count).nth(at).ok_or(DisputeError::Pair)?;
    for (place, opening) in [(first, &proof.first), (second, &proof.second)] {
        let contribution = facts.contributions.get(place).ok_or(DisputeError::Pair)?;
        let root = &contribution.delta_root;
        verify_delta_chunk(facts.parameters, root, proof.chunk, opening)?;
    }
    let len = chunk_len(facts.parameters, proof.chunk);
    let distance = squared_distance(&proof.first.chunk, &proof.second.chunk, len);
    Ok(pair_leaf(distance))
}

/// Checks that a delta's chunk is canonical and lies under its `delta_root`; returns the top of the delta's Merkle-sum tree,
/// whose sum is the delta's squared norm.
pub fn verify_delta_chunk(
    parameters: u64,
    delta_root: &H256,
    chunk: u32,
    opening: &DeltaOpening,
) -> Result<SumNode, DisputeError> {
    let count = chunks_of(parameters).unwrap_or(0);
    if chunk >= count {
        return Err(DisputeError::Chunk);
    }
    let checked = opening.chunk.check(chunk_len(parameters, chunk));
    checked.map_err(|_| DisputeError::DeltaChunk)?;
    let leaf = opening.chunk.leaf();
    merkle::sum_climb(Domain::Delta, count, chunk, &leaf, &opening.proof)
        .filter(|top| top.root(Domain::Delta) == *delta_root)
        .ok_or(DisputeError::DeltaProof)
}

/// Number of chunks, `chunk` being one of them.
fn chunks(facts: &MergeFacts, chunk: u32) -> Result<u32, DisputeError> {
    let count = Tree::State.leaves(facts.parameters, &facts.rule.server);
    if chunk < count {
        Ok(count)
    } else {
        Err(DisputeError::Chunk)
    }
}

fn choose(facts: &MergeFacts) -> Result<Selection, DisputeError> {
    let claims = facts.contributions.iter().map(|c| c.claim);
    if !claims.is_sorted_by(|a, b| a < b) {
        return Err(DisputeError::Contributions);
    }
    let distances: Vec<u128> = facts.pairs.iter().map(|pair| pair.sum).collect();
    Ok(selection(
        &facts.rule.rule,
        facts.contributions.len(),
        &distances,
    )?)
}

/// The chunk's moments, one after another.
fn moments(
    facts: &MergeFacts,
    proof: &ChunkProof,
    chunks: u32,
    len: usize,
) -> Result<Vec<i32>, DisputeError> {
    let expected = facts.rule.server.moments();
    if facts.server_root.is_zero() {
        return if proof.moments.is_empty() {
            Ok(vec![0; len.saturating_mul(to_usize(expected))])
        } else {
            Err(DisputeError::MomentCount)
        };
    }
    if proof.moments.len() != to_usize(expected) {
        return Err(DisputeError::MomentCount);
    }
    let leaves = Tree::Server.leaves(facts.parameters, &facts.rule.server);
    let mut out = Vec::with_capacity(len.saturating_mul(to_usize(expected)));
    for (moment, opening) in (0u32..).zip(proof.moments.iter()) {
        if opening.values.len() != len {
            return Err(DisputeError::MomentLength);
        }
        let index = moment.saturating_mul(chunks).saturating_add(proof.chunk);
        let leaf = server_leaf(&opening.values);
        let root = &facts.server_root;
        if !merkle::verify(Domain::Server, root, leaves, index, &leaf, &opening.proof) {
            return Err(DisputeError::MomentProof);
        }
        out.extend_from_slice(&opening.values);
    }
    Ok(out)
}

/// The chosen deltas' chunks with their weights and norms.
fn inputs<'a>(
    facts: &MergeFacts,
    proof: &'a ChunkProof,
    selection: &Selection,
) -> Result<Vec<MergeInput<'a>>, DisputeError> {
    if proof.deltas.len() != selection.chosen.len() {
        return Err(DisputeError::DeltaCount);
    }
    let chosen: Vec<&Contribution> = selection
        .chosen
        .iter()
        .filter_map(|place| facts.contributions.get(*place))
        .collect();
    chosen
        .into_iter()
        .zip(proof.deltas.iter())
        .map(|(contribution, opening)| {
            let root = &contribution.delta_root;
            let top = verify_delta_chunk(facts.parameters, root, proof.chunk, opening)?;
            Ok(MergeInput {
                chunk: &opening.chunk,
                weight: contribution.weight,
                norm_squared: top.sum,
            })
        })
        .collect()
}
