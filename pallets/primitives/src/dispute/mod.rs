// SPDX-License-Identifier: GPL-3.0-or-later
//! Merge disputes: walking down a posted tree, and recomputing one chunk of a merge from proofs.
//!
//! A merge posts `state_root`, `server_root` and, where the rule needs it, a table of squared distances between deltas.
//! Whoever doubts one of them demands the nodes [`ANSWER_LEVELS`] levels below the top, then below the child that differs
//! from its own tree, and so on down to a leaf ([`verify_answer`] checks each answer against the node above it). The leaf is
//! what one chunk hashes to: [`recompute_chunk`] (state and server trees) or [`recompute_pair`] (a distance) computes it from
//! the base and the deltas. Where the posted leaf differs, the merge was wrong.

mod chunk;
mod node;
mod prove;
#[cfg(test)]
mod tests;

pub use chunk::{recompute_chunk, recompute_pair, verify_delta_chunk};
pub use node::{answer_hashes, answer_sums, children, height, top, verify_answer, width};
pub use prove::{pair_leaves, pair_table, prove_delta, prove_pair, Witness};

use crate::aggregate::{pair_count, MAX_PAIRS};
use crate::delta::DeltaChunk;
use crate::hashing::{content_hash, Domain};
use crate::manifest::chunks_of;
use crate::math::to_usize;
use crate::merkle::{self, SumNode, MAX_DEPTH};
use crate::recipe::ServerOptimiser;
use crate::version::{Contribution, MergeRule, VersionHeader};
use crate::{BoundedVec, ConstU32, H256};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Levels between a demanded node and the nodes of its answer.
pub const ANSWER_LEVELS: u8 = 5;
/// Most nodes in an answer: 2^[`ANSWER_LEVELS`].
pub const ANSWER_NODES: u32 = 32;
/// Most values in a chunk: [`crate::state::CHUNK`].
pub const CHUNK_VALUES: u32 = 4096;
/// Most moments of a server optimiser.
pub const MAX_MOMENTS: u32 = 2;
/// Most deltas in a proof: [`crate::aggregate::MAX_DELTAS`].
pub const MAX_OPENINGS: u32 = 256;

/// A tree of a posted merge.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Tree {
    /// The parameters, under `state_root`.
    State,
    /// The server optimiser's moments, under `server_root`.
    Server,
    /// The partial squared distances of one pair of deltas, chunk by chunk, under its entry of the table.
    Pair(u16),
}

impl Tree {
    /// Number of leaves for a model of `parameters` parameters; zero where there is no such tree.
    pub fn leaves(&self, parameters: u64, server: &ServerOptimiser) -> u32 {
        let chunks = chunks_of(parameters).unwrap_or(0);
        match self {
            Self::State | Self::Pair(_) => chunks,
            Self::Server => chunks.checked_mul(server.moments()).unwrap_or(0),
        }
    }

    /// What its hashes are for.
    pub fn domain(&self) -> Domain {
        match self {
            Self::State => Domain::State,
            Self::Server => Domain::Server,
            Self::Pair(_) => Domain::Pairs,
        }
    }
}

/// A tree whose nodes may be questioned one by one.
pub trait Questioned {
    /// What its hashes are for.
    fn hashed_for(&self) -> Domain;
    /// Whether its nodes carry sums.
    fn has_sums(&self) -> bool;
}

impl Questioned for Tree {
    fn hashed_for(&self) -> Domain {
        self.domain()
    }

    fn has_sums(&self) -> bool {
        matches!(self, Self::Pair(_))
    }
}

/// Place of a node: levels are counted from the leaves (0), places in a level from the left.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct NodeId {
    /// Level above the leaves.
    pub level: u8,
    /// Place in the level.
    pub index: u32,
}

/// What stands at a node.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum NodeValue {
    /// In the state and server trees.
    Hash(H256),
    /// In a pair's tree.
    Sum(SumNode),
}

/// The nodes below a demanded one, from left to right: [`children`] says which.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Answer {
    /// In the state and server trees.
    Hashes(BoundedVec<H256, ConstU32<ANSWER_NODES>>),
    /// In a pair's tree.
    Sums(BoundedVec<SumNode, ConstU32<ANSWER_NODES>>),
}

impl Answer {
    /// The value at `place` of the answer.
    pub fn get(&self, place: u32) -> Option<NodeValue> {
        match self {
            Self::Hashes(nodes) => nodes.get(to_usize(place)).copied().map(NodeValue::Hash),
            Self::Sums(nodes) => nodes.get(to_usize(place)).copied().map(NodeValue::Sum),
        }
    }
}

/// Siblings from a chunk up to a state or server root.
pub type ChunkPath = BoundedVec<H256, ConstU32<MAX_DEPTH>>;
/// Siblings from a chunk up to a `delta_root`.
pub type DeltaPath = BoundedVec<SumNode, ConstU32<MAX_DEPTH>>;
/// Squared distances of all pairs of a merge's deltas, in the order of [`crate::aggregate::pair_index`]; each is the top of
/// that pair's tree.
pub type PairTable = BoundedVec<SumNode, ConstU32<MAX_PAIRS>>;

/// A chunk of a state or of a moment with its proof.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct StateOpening {
    /// Grid integers.
    pub values: BoundedVec<i32, ConstU32<CHUNK_VALUES>>,
    /// Siblings up to the root.
    pub proof: ChunkPath,
}

/// A chunk of a delta with its proof.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct DeltaOpening {
    /// The chunk.
    pub chunk: DeltaChunk,
    /// Siblings up to the top of the delta's Merkle-sum tree.
    pub proof: DeltaPath,
}

/// Everything that one chunk of a merge is computed from.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ChunkProof {
    /// Chunk of the state.
    pub chunk: u32,
    /// The base's parameters.
    pub base: StateOpening,
    /// The base's moments, one opening each; none where the moments begin at zero.
    pub moments: BoundedVec<StateOpening, ConstU32<MAX_MOMENTS>>,
    /// The deltas that the merge chose, in ascending order of their claims' ids.
    pub deltas: BoundedVec<DeltaOpening, ConstU32<MAX_OPENINGS>>,
}

/// Both deltas' chunks behind one partial squared distance.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct PairProof {
    /// Place of the pair in the table.
    pub pair: u16,
    /// Chunk of the deltas.
    pub chunk: u32,
    /// The pair's first delta.
    pub first: DeltaOpening,
    /// The pair's second delta.
    pub second: DeltaOpening,
}

/// What the chain knows of a posted merge, and every proof is checked against.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MergeFacts {
    /// Parameters of the model.
    pub parameters: u64,
    /// How deltas are merged.
    pub rule: MergeRule,
    /// Root of the base's parameters.
    pub state_root: H256,
    /// Root of the base's moments; zero where they begin at zero: see [`base_server_root`].
    pub server_root: H256,
    /// The merged contributions in ascending order of claim id.
    pub contributions: Vec<Contribution>,
    /// The posted table: [`pair_count`] entries.
    pub pairs: Vec<SumNode>,
}

impl MergeFacts {
    /// Entries that the posted table must have.
    pub fn table_len(&self) -> usize {
        pair_count(&self.rule.rule, self.contributions.len())
    }
}

/// The leaves that an honest merge has for one chunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChunkOutcome {
    /// Leaf `chunk` of the state tree.
    pub state_leaf: H256,
    /// Leaf `moment * chunks + chunk` of the server tree for each moment.
    pub server_leaves: Vec<H256>,
}

/// Root of the moments that a merge onto `base` starts from: zero (all moments zero) where the base has none, or those of
/// another server optimiser.
pub fn base_server_root(base: &VersionHeader, server: &ServerOptimiser) -> H256 {
    if server.continues(&base.rule.server) {
        base.server_root
    } else {
        H256::zero()
    }
}

/// Leaf of a pair's tree: the partial squared distance in one chunk.
pub fn pair_leaf(distance: u128) -> SumNode {
    SumNode {
        hash: merkle::leaf(Domain::Pairs, &distance.to_le_bytes()),
        sum: distance,
    }
}

/// Hash by which a posted table is remembered.
pub fn table_hash(pairs: &[SumNode]) -> H256 {
    content_hash(Domain::Pairs, &[&pairs.encode()])
}

/// Why an answer or a proof is refused.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum DisputeError {
    /// The tree has no such node, or there is no such tree.
    Node,
    /// A leaf has no nodes below it: prove its chunk instead.
    Leaf,
    /// Hashes where sums belong, or sums where hashes belong.
    Kind,
    /// The answer does not have as many nodes as the tree has there.
    AnswerLength,
    /// The answer does not lead to the node.
    AnswerHash,
    /// The sums of an answer or a proof overflow.
    Overflow,
    /// The state has no such chunk.
    Chunk,
    /// No contributions, too many for the rule, not strictly ascending, or without weight.
    Contributions,
    /// The table does not have one entry for every pair.
    Table,
    /// The table has no such pair.
    Pair,
    /// The base's chunk does not have the chunk's length.
    BaseLength,
    /// The base's chunk does not lie under the base's `state_root`.
    BaseProof,
    /// Not one opening for each moment (none where the moments begin at zero).
    MomentCount,
    /// A moment's chunk does not have the chunk's length.
    MomentLength,
    /// A moment's chunk does not lie under the base's `server_root`.
    MomentProof,
    /// Not one opening for each chosen delta.
    DeltaCount,
    /// A delta's chunk is not canonical for the chunk's length.
    DeltaChunk,
    /// A delta's chunk does not lie under its `delta_root`.
    DeltaProof,
}
