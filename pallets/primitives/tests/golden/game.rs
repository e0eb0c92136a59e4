// SPDX-License-Identifier: GPL-3.0-or-later
//! Examples of the types that the chain keeps of disputes, demands and replays.

use crate::codec_types::{bounded, h, AccountId, Dump};
use dream_primitives::dispute::{Answer, NodeId, NodeValue, Tree};
use dream_primitives::game::*;

pub fn add(d: &mut Dump) {
    let answer = Answer::Hashes(bounded(&[h(60), h(61)]));
    d.add(&[Turn::Answer, Turn::Narrow(answer), Turn::Prove]);
    d.add(&[Dispute::<AccountId> {
        challenger: [62; 32],
        bond: 100,
        tree: Tree::Server,
        leaves: 98,
        node: NodeId { level: 2, index: 9 },
        value: NodeValue::Hash(h(63)),
        turn: Turn::Answer,
        deadline: 1_000,
    }]);
    d.add(&[Demand::<AccountId> {
        claim: h(64),
        chunk: 48,
        demander: [65; 32],
        held: 100,
        deadline: 1_000,
    }]);
    d.add(&[Replay {
        branch: 1,
        from: Some(2),
        next: 3,
        until: 5,
    }]);
}
