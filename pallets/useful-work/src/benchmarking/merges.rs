// SPDX-License-Identifier: GPL-3.0-or-later
//! Posted merges of the largest round of the deepest model, their disputes, and proofs. Only the path of one chunk of each
//! tree exists: the siblings beside it are free, and the roots follow from them.

use super::setup::*;
use crate::*;
use alloc::vec;
use alloc::vec::Vec;
use dream_primitives::delta::{quantise_dense, DeltaChunk};
use dream_primitives::dispute::{
    height, pair_leaf, Answer, ChunkProof, DeltaOpening, DeltaPath, NodeId, NodeValue, PairProof,
    StateOpening, Tree, ANSWER_LEVELS, ANSWER_NODES, MAX_MOMENTS,
};
use dream_primitives::game::{Demand, Dispute, Turn, MAX_DEMANDS, MAX_DISPUTES};
use dream_primitives::hashing::Domain;
use dream_primitives::math::to_usize;
use dream_primitives::merkle::{self, SumNode};
use dream_primitives::recipe::AggregationRule;
use dream_primitives::round::{Phase, PostedMerge};
use dream_primitives::state::{chunk_leaf, server_leaf, CHUNK};
use dream_primitives::version::{contributions_root, Parent};
use dream_primitives::{BoundedVec, DREAM, H256};
use polkadot_sdk::frame_benchmarking::v2::account;
use polkadot_sdk::frame_support::traits::fungible::MutateHold;

/// The largest norm of [`clipping`]: only the first delta of a round is longer.
const MAX_NORM: u64 = 1 << 40;

/// A rule that scales every delta by a factor of its own; its sums need 128 bits where the deltas' shifts are far apart.
pub(crate) fn clipping() -> AggregationRule {
    AggregationRule::NormClip { max_norm: MAX_NORM }
}

/// Krum with as many hostile claims as it withstands.
pub(crate) fn krum() -> AggregationRule {
    AggregationRule::Krum {
        byzantine: 14,
        selected: 16,
    }
}

/// Chunks of the deepest model.
fn chunks() -> u32 {
    deepest().chunks()
}

/// Repeatable integers.
struct Numbers(u64);

impl Numbers {
    /// An integer of about `bits` bits.
    fn next(&mut self, bits: u32) -> i32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let high = u32::try_from(self.0 >> 33).unwrap_or(0);
        high.cast_signed()
            .wrapping_sub(1 << 30)
            .wrapping_shr(30u32.saturating_sub(bits))
    }

    fn chunk(&mut self, bits: u32) -> Vec<i32> {
        (0..CHUNK).map(|_| self.next(bits)).collect()
    }
}

/// Siblings from each of some leaves up to the root of a tree of `count` leaves, and the root.
fn paths(domain: Domain, count: u32, leaves: &[(u32, H256)]) -> (H256, Vec<Vec<H256>>) {
    let mut nodes = leaves.to_vec();
    let mut out = vec![Vec::new(); leaves.len()];
    let mut width = count;
    while width > 1 {
        let sibling = |at: u32| {
            let known = nodes.iter().find(|(other, _)| *other == at ^ 1);
            (at ^ 1 < width).then(|| known.map_or(h(at), |(_, hash)| *hash))
        };
        let siblings: Vec<Option<H256>> = nodes.iter().map(|(at, _)| sibling(*at)).collect();
        for ((at, hash), (sibling, path)) in nodes.iter_mut().zip(siblings.iter().zip(&mut out)) {
            if let Some(sibling) = sibling {
                path.push(*sibling);
                let pair = if *at % 2 == 0 {
                    [*hash, *sibling]
                } else {
                    [*sibling, *hash]
                };
                *hash = merkle::raise(domain, &pair, 1)
                    .first()
                    .copied()
                    .unwrap_or_default();
            }
            *at /= 2;
        }
        width = width.div_ceil(2);
    }
    (nodes.first().map(|n| n.1).unwrap_or_default(), out)
}

/// A chunk of the delta at this place of a round, with its path; and the delta's root. The first delta of a round has a norm
/// beyond [`MAX_NORM`].
fn delta(place: u32, coding: Coding) -> (H256, DeltaOpening) {
    let chunk = delta_chunk(place, coding);
    let sibling = |i: u8| SumNode {
        hash: h(i.into()),
        sum: if place == 0 { 1 << 84 } else { 1 << 30 },
    };
    let proof: Vec<SumNode> = (0..height(chunks())).map(sibling).collect();
    let top = merkle::sum_climb(Domain::Delta, chunks(), 0, &chunk.leaf(), &proof);
    let root = top.map(|top| top.root(Domain::Delta)).unwrap_or_default();
    let proof: DeltaPath = BoundedVec::truncate_from(proof);
    (root, DeltaOpening { chunk, proof })
}

/// How the chunks of a benchmark's deltas are encoded.
#[derive(Clone, Copy)]
pub(crate) enum Coding {
    /// A code for every parameter.
    Dense,
    /// A gap and a code for every parameter: what top-k of everything sends.
    Sparse,
}

/// A whole chunk of a delta; `place` makes the shifts of a round's chunks differ.
fn delta_chunk(place: u32, coding: Coding) -> DeltaChunk {
    // One in a hundred is large, so that sums need more bits than a register has.
    let bits = if place % 100 == 1 { 29 } else { 9 };
    let mut steps = Numbers(place.into()).chunk(bits);
    steps.iter_mut().for_each(|s| *s |= 1);
    let dense = quantise_dense(&steps);
    let (Coding::Sparse, DeltaChunk::Dense { shift, codes }) = (coding, &dense) else {
        return dense;
    };
    DeltaChunk::Sparse {
        shift: *shift,
        gaps: vec![0; codes.len()],
        codes: codes.iter().map(|c| if *c == 0 { 1 } else { *c }).collect(),
    }
}

/// One delta's opening and root.
pub(crate) fn supplied() -> (H256, DeltaOpening) {
    delta(0, Coding::Sparse)
}

/// A round of as many claims as there may be, `deltas` of them accepted, in `phase`: its base, terms, claims, and, from
/// Dispute on, the posted merge. Returns the proof of chunk 0.
pub(crate) fn scene<T: Config>(
    phase: Phase,
    rule: AggregationRule,
    deltas: u32,
    coding: Coding,
) -> ChunkProof {
    let mut numbers = Numbers(1);
    let values = numbers.chunk(24);
    let (state_root, state_paths) = paths(Domain::State, chunks(), &[(0, chunk_leaf(&values))]);
    let opening = |values: Vec<i32>, path: Vec<H256>| StateOpening {
        values: BoundedVec::truncate_from(values),
        proof: BoundedVec::truncate_from(path),
    };
    let base = opening(values, state_paths.into_iter().next().unwrap_or_default());
    let root_moment: Vec<i32> = numbers
        .chunk(18)
        .iter()
        .map(|n| n.saturating_abs())
        .collect();
    let moments = [numbers.chunk(18), root_moment];
    let leaves: Vec<(u32, H256)> = [0, chunks()]
        .into_iter()
        .zip(moments.iter().map(|m| server_leaf(m)))
        .collect();
    let server_leaves = chunks().saturating_mul(MAX_MOMENTS);
    let (server_root, server_paths) = paths(Domain::Server, server_leaves, &leaves);
    let moments = moments.into_iter().zip(server_paths);
    let moments = moments.map(|(values, path)| opening(values, path));

    let head = header(BRANCH, state_root, server_root);
    let base_hash = put_branch::<T>(account("owner", 0, 0), head, Some(ADMISSION));
    let (roots, openings): (Vec<H256>, Vec<DeltaOpening>) =
        (0..deltas).map(|i| delta(i, coding)).unzip();
    put_terms::<T>(ROUND, rule);
    let most = u32::try_from(rule.max_claims()).unwrap_or(u32::MAX);
    put_claims::<T>(ROUND, most, deltas, |i| {
        roots.get(to_usize(i)).copied().unwrap_or_default()
    });
    let mut round = round::<T>(ROUND, phase, base_hash);
    if phase == Phase::Dispute {
        let posted = dream_primitives::version::VersionHeader {
            parent: Parent::Local(base_hash),
            number: head.number.saturating_add(1),
            ..head
        };
        post::<T>(&mut round, posted);
    }
    CurrentRound::<T>::insert(BRANCH, ROUND.number);
    Rounds::<T>::insert(ROUND, round);
    ChunkProof {
        chunk: 0,
        base,
        moments: BoundedVec::truncate_from(moments.collect()),
        deltas: BoundedVec::truncate_from(openings),
    }
}

/// Posts a merge of what the round holds.
pub(crate) fn post<T: Config>(
    round: &mut RoundOf<T>,
    header: dream_primitives::version::VersionHeader,
) {
    let header = dream_primitives::version::VersionHeader {
        contributions_root: contributions_root(&Pallet::<T>::contributions_of(round)),
        ..header
    };
    PostedHeaders::<T>::insert(round.id, header);
    round.merge = Some(PostedMerge {
        merger: holder::<T>("merger", 0),
        bond: 100 * DREAM,
        version: header.hash(),
        stands: None,
    });
}

/// A dispute that stands at `turn`, over the node `level` levels above the leaves.
fn dispute<T: Config>(
    challenger: AccountOf<T>,
    tree: Tree,
    level: u8,
    value: NodeValue,
    turn: Turn,
) -> Dispute<AccountOf<T>> {
    Dispute {
        challenger,
        bond: 100 * DREAM,
        tree,
        leaves: chunks(),
        node: NodeId { level, index: 0 },
        value,
        turn,
        deadline: NOW.saturating_add(100),
    }
}

/// Answers' nodes, of which a pair's are the largest, and what stands above them.
pub(crate) fn answer() -> (Answer, NodeValue) {
    let node = |i: u32| pair_leaf(i.into());
    let nodes: Vec<SumNode> = (0..ANSWER_NODES).map(node).collect();
    let top = merkle::sum_raise(Domain::Pairs, &nodes, ANSWER_LEVELS.into());
    let top = top
        .and_then(|level| level.first().copied())
        .unwrap_or(pair_leaf(0));
    (
        Answer::Sums(BoundedVec::truncate_from(nodes)),
        NodeValue::Sum(top),
    )
}

/// Opens as many disputes of [`ROUND`] as there may be but `free`: each waits for its challenger to pick a node.
pub(crate) fn put_disputes<T: Config>(free: u32) {
    let (nodes, value) = answer();
    let others = (free..MAX_DISPUTES).map(|i| {
        let turn = Turn::Narrow(nodes.clone());
        let who = holder::<T>("disputer", i);
        dispute::<T>(who, Tree::Pair(0), ANSWER_LEVELS, value, turn)
    });
    Disputes::<T>::insert(ROUND, BoundedVec::truncate_from(others.collect()));
    count_disputes::<T>();
}

/// Adds a dispute of this challenger.
pub(crate) fn put_dispute<T: Config>(
    challenger: AccountOf<T>,
    tree: Tree,
    level: u8,
    value: NodeValue,
    turn: Turn,
) {
    let mine = dispute::<T>(challenger, tree, level, value, turn);
    Disputes::<T>::mutate(ROUND, |all| {
        let _ = all.try_push(mine);
    });
    count_disputes::<T>();
}

/// Opens demands for chunks of a claim, as many as there may be but `free`; the first is for chunk 0.
pub(crate) fn put_demands<T: Config>(claim: H256, free: u32) {
    let all = (0..MAX_DEMANDS.saturating_sub(free)).map(|chunk| Demand {
        claim,
        chunk,
        demander: holder::<T>("demander", chunk),
        held: DREAM,
        deadline: NOW.saturating_add(100),
    });
    let all: Vec<Demand<AccountOf<T>>> = all.collect();
    for demand in &all {
        let reason = HoldReason::Demand.into();
        T::Currency::hold(&reason, &demand.demander, demand.held).expect("the demander was funded");
    }
    Demands::<T>::insert(ROUND, BoundedVec::truncate_from(all));
    count_disputes::<T>();
}

fn count_disputes<T: Config>() {
    let disputes = Disputes::<T>::get(ROUND).len();
    let open = disputes.saturating_add(Demands::<T>::get(ROUND).len());
    Rounds::<T>::mutate(ROUND, |round| {
        if let Some(round) = round {
            round.disputes = u32::try_from(open).unwrap_or(u32::MAX);
        }
    });
}

/// A table of as many pairs as there may be, and the proof of its first pair's first chunk, whose deltas' roots come with
/// it.
pub(crate) fn table_and_pair() -> (Vec<SumNode>, PairProof, [H256; 2]) {
    let most = u32::try_from(krum().max_claims()).unwrap_or(0);
    let pairs = most.saturating_mul(most.saturating_sub(1)) / 2;
    let table = (0..pairs).map(|i| pair_leaf(u128::from(i).wrapping_mul(7_919) % 10_007));
    let [(first_root, first), (second_root, second)] = [0, 1].map(|i| delta(i, Coding::Dense));
    let proof = PairProof {
        pair: 0,
        chunk: 0,
        first,
        second,
    };
    (table.collect(), proof, [first_root, second_root])
}
