// SPDX-License-Identifier: GPL-3.0-or-later
//! Examples of the types of merge disputes.

use crate::codec_types::{all, bounded, h, Dump};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::dispute::*;
use dream_primitives::merkle::SumNode;

fn state() -> StateOpening {
    StateOpening {
        values: bounded(&[-1, 1 << 24]),
        proof: bounded(&[h(50)]),
    }
}

fn sum() -> SumNode {
    SumNode {
        hash: h(51),
        sum: 1_000,
    }
}

fn delta() -> DeltaOpening {
    DeltaOpening {
        chunk: DeltaChunk::Dense {
            shift: 3,
            codes: vec![-127, 127],
        },
        proof: bounded(&[sum()]),
    }
}

pub fn add(d: &mut Dump) {
    d.add(&[Tree::State, Tree::Server, Tree::Pair(495)]);
    d.add(&[NodeId {
        level: 5,
        index: 77,
    }]);
    d.add(&[NodeValue::Hash(h(52)), NodeValue::Sum(sum())]);
    d.add(&[
        Answer::Hashes(bounded(&[h(53), h(54)])),
        Answer::Sums(bounded(&[sum()])),
    ]);
    d.add(&[state()]);
    d.add(&[delta()]);
    d.add(&[ChunkProof {
        chunk: 7,
        base: state(),
        moments: bounded(&[state()]),
        deltas: bounded(&[delta()]),
    }]);
    d.add(&[PairProof {
        pair: 495,
        chunk: 7,
        first: delta(),
        second: delta(),
    }]);
    d.add(&all::<DisputeError>());
}
