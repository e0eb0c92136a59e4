// SPDX-License-Identifier: GPL-3.0-or-later
//! Making the proofs, by whoever holds the base and the deltas.

use super::{
    pair_leaf, ChunkProof, DeltaOpening, PairProof, StateOpening, CHUNK_VALUES, MAX_MOMENTS,
};
use crate::aggregate::{pairs, squared_distance, Unpacked};
use crate::delta::DeltaChunk;
use crate::hashing::Domain;
use crate::manifest::{chunk_len, chunks_of};
use crate::math::to_usize;
use crate::merkle::{self, SumNode, SumTree};
use crate::state::{self, CHUNK};
use crate::{BoundedVec, ConstU32, H256};
use alloc::{vec, vec::Vec};

/// What the proof of any chunk of a merge is made from. Its trees are built once.
pub struct Witness<'a> {
    state: &'a [i32],
    state_leaves: Vec<H256>,
    moments: &'a [i32],
    server_leaves: Vec<H256>,
    deltas: Vec<(&'a [DeltaChunk], Vec<SumNode>)>,
}

impl<'a> Witness<'a> {
    /// `state`: the base's parameters. `moments`: the base's moments one after another, empty where they begin at zero.
    /// `deltas`: the chosen ones in ascending order of their claims' ids.
    pub fn new(state: &'a [i32], moments: &'a [i32], deltas: &[&'a [DeltaChunk]]) -> Self {
        let leaves = |chunks: &[DeltaChunk]| chunks.iter().map(DeltaChunk::leaf).collect();
        Self {
            state,
            state_leaves: state::leaves(state),
            moments,
            server_leaves: state::server_leaves(moments, state.len()),
            deltas: deltas.iter().map(|d| (*d, leaves(d))).collect(),
        }
    }

    /// The proof of chunk `chunk`; `None` when there is no such chunk or there are more deltas than a merge may have.
    pub fn prove(&self, chunk: u32) -> Option<ChunkProof> {
        let base = opening(Domain::State, self.state, &self.state_leaves, chunk, chunk)?;
        let chunks = u32::try_from(self.state_leaves.len()).ok()?;
        let moments: Vec<StateOpening> = (0u32..)
            .zip(self.moments.chunks(self.state.len().max(1)))
            .map(|(moment, values)| {
                let leaf = moment.checked_mul(chunks)?.checked_add(chunk)?;
                opening(Domain::Server, values, &self.server_leaves, chunk, leaf)
            })
            .collect::<Option<_>>()?;
        let moments: BoundedVec<_, ConstU32<MAX_MOMENTS>> = moments.try_into().ok()?;
        let deltas: Vec<DeltaOpening> = self
            .deltas
            .iter()
            .map(|(chunks, leaves)| open_delta(chunks, leaves, chunk))
            .collect::<Option<_>>()?;
        Some(ChunkProof {
            chunk,
            base,
            moments,
            deltas: deltas.try_into().ok()?,
        })
    }
}

fn opening(
    domain: Domain,
    values: &[i32],
    leaves: &[H256],
    chunk: u32,
    leaf: u32,
) -> Option<StateOpening> {
    let values: BoundedVec<i32, ConstU32<CHUNK_VALUES>> = values
        .chunks(CHUNK)
        .nth(to_usize(chunk))?
        .to_vec()
        .try_into()
        .ok()?;
    let proof = merkle::prove(domain, leaves, leaf)?.try_into().ok()?;
    Some(StateOpening { values, proof })
}

fn open_delta(chunks: &[DeltaChunk], leaves: &[SumNode], chunk: u32) -> Option<DeltaOpening> {
    let proof = merkle::sum_prove(Domain::Delta, leaves, chunk)?;
    Some(DeltaOpening {
        chunk: chunks.get(to_usize(chunk))?.clone(),
        proof: proof.try_into().ok()?,
    })
}

/// A chunk of a delta with its proof, for a demand of that chunk; `None` when there is no such chunk.
pub fn prove_delta(chunks: &[DeltaChunk], chunk: u32) -> Option<DeltaOpening> {
    let leaves: Vec<SumNode> = chunks.iter().map(DeltaChunk::leaf).collect();
    open_delta(chunks, &leaves, chunk)
}

/// The proof of a pair's partial distance in one chunk. `pair` is the table's place of (first, second).
pub fn prove_pair(
    pair: u16,
    first: &[DeltaChunk],
    second: &[DeltaChunk],
    chunk: u32,
) -> Option<PairProof> {
    Some(PairProof {
        pair,
        chunk,
        first: prove_delta(first, chunk)?,
        second: prove_delta(second, chunk)?,
    })
}

/// Leaves of a pair's tree, for two deltas of a model of `parameters` parameters.
pub fn pair_leaves(first: &[DeltaChunk], second: &[DeltaChunk], parameters: u64) -> Vec<SumNode> {
    (0u32..)
        .zip(first.iter().zip(second))
        .map(|(i, (a, b))| pair_leaf(squared_distance(a, b, chunk_len(parameters, i))))
        .collect()
}

/// The whole table of a merge, for checked deltas in ascending order of their claims' ids; `None` when there are no chunks
/// or a sum overflows.
pub fn pair_table(deltas: &[&[DeltaChunk]], parameters: u64) -> Option<Vec<SumNode>> {
    let mut trees = vec![SumTree::default(); pairs(deltas.len()).count()];
    for chunk in 0..chunks_of(parameters)? {
        let len = chunk_len(parameters, chunk);
        let unpacked: Vec<Unpacked> = deltas
            .iter()
            .map(|delta| Some(Unpacked::new(delta.get(to_usize(chunk))?, len)))
            .collect::<Option<_>>()?;
        for ((i, j), tree) in pairs(deltas.len()).zip(&mut trees) {
            let distance = unpacked.get(i)?.squared_distance(unpacked.get(j)?);
            tree.push(Domain::Pairs, pair_leaf(distance))?;
        }
    }
    trees.iter().map(|tree| tree.top(Domain::Pairs)).collect()
}
