// SPDX-License-Identifier: GPL-3.0-or-later
//! What the chain keeps of a dispute over a posted merge, and of a demand for a chunk of a delta.
//!
//! A dispute is a game of turns. The poster shows the nodes below the questioned one, the challenger picks the one that is
//! not its own tree's, and so on down to a leaf, whose chunk the challenger proves. Who lets its turn pass has lost.

use crate::dispute::{
    children, top, verify_answer, Answer, DisputeError, NodeId, NodeValue, Questioned, Tree,
};
use crate::{Balance, BlockNumber, BoundedVec, BranchId, ConstU32, H256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most disputes of a merge at a time.
pub const MAX_DISPUTES: u32 = 8;
/// Most demands for chunks in a round at a time.
pub const MAX_DEMANDS: u32 = 32;
/// Most bytes of a chunk of a delta: a sparse one with a code and a gap for every parameter, and what its encoding adds.
pub const MAX_CHUNK_BYTES: u32 = 8_240;
/// Most branches that are being replayed at a time.
pub const MAX_REPLAYS: u32 = 16;

/// Whose turn it is in a dispute.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Turn {
    /// The poster shows the nodes below the questioned one.
    Answer,
    /// The challenger picks one of these.
    Narrow(Answer),
    /// The questioned node is a leaf: the challenger proves what its chunk should be.
    Prove,
}

/// A dispute over a posted merge, or over what else is posted as trees.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Dispute<AccountId, T = Tree> {
    /// Who disputes.
    pub challenger: AccountId,
    /// Bond locked for it.
    pub bond: Balance,
    /// Which tree.
    pub tree: T,
    /// Leaves of the tree.
    pub leaves: u32,
    /// The questioned node.
    pub node: NodeId,
    /// What the poster says stands there.
    pub value: NodeValue,
    /// Whose turn it is.
    pub turn: Turn,
    /// First block after the turn's time.
    pub deadline: BlockNumber,
}

/// Why a move in a dispute is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoveError {
    /// It is another turn.
    Turn,
    /// The answer is refused.
    Answer(DisputeError),
    /// The answer has no node at this place.
    Place,
}

impl<AccountId, T: Questioned> Dispute<AccountId, T> {
    /// Questions the top of `tree`, which has `leaves` leaves and at whose top `value` stands.
    pub fn open(
        challenger: AccountId,
        bond: Balance,
        tree: T,
        leaves: u32,
        value: NodeValue,
        deadline: BlockNumber,
    ) -> Self {
        let node = top(leaves);
        Self {
            challenger,
            bond,
            tree,
            leaves,
            node,
            value,
            turn: Self::turn_at(node),
            deadline,
        }
    }

    fn turn_at(node: NodeId) -> Turn {
        if node.level == 0 {
            Turn::Prove
        } else {
            Turn::Answer
        }
    }

    /// The poster's turn: shows the nodes below the questioned one.
    pub fn answer(&mut self, nodes: Answer, deadline: BlockNumber) -> Result<(), MoveError> {
        if self.turn != Turn::Answer {
            return Err(MoveError::Turn);
        }
        verify_answer(&self.tree, self.leaves, self.node, &self.value, &nodes)
            .map_err(MoveError::Answer)?;
        self.turn = Turn::Narrow(nodes);
        self.deadline = deadline;
        Ok(())
    }

    /// The challenger's turn: questions the node at `place` (from 0) of the answer.
    pub fn narrow(&mut self, place: u32, deadline: BlockNumber) -> Result<(), MoveError> {
        let Turn::Narrow(nodes) = &self.turn else {
            return Err(MoveError::Turn);
        };
        let (first, _) = children(self.leaves, self.node).map_err(MoveError::Answer)?;
        self.value = nodes.get(place).ok_or(MoveError::Place)?;
        self.node = NodeId {
            level: first.level,
            index: first.index.saturating_add(place),
        };
        self.turn = Self::turn_at(self.node);
        self.deadline = deadline;
        Ok(())
    }
}

/// A demand for a chunk of a contribution's delta.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Demand<AccountId> {
    /// Claim whose delta it is.
    pub claim: H256,
    /// Which chunk.
    pub chunk: u32,
    /// Who demands it.
    pub demander: AccountId,
    /// Held from the demander.
    pub held: Balance,
    /// First block after its time.
    pub deadline: BlockNumber,
}

/// A branch whose merges are made again without what was reverted.
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
pub struct Replay {
    /// Branch.
    pub branch: BranchId,
    /// Round before whose merge the head is to be put back; none once that is done.
    pub from: Option<u32>,
    /// Next round whose merge is made again.
    pub next: u32,
    /// Last of them.
    pub until: u32,
}

/// Disputes of a merge.
pub type Disputes<AccountId> = BoundedVec<Dispute<AccountId>, ConstU32<MAX_DISPUTES>>;
/// Demands of a round.
pub type Demands<AccountId> = BoundedVec<Demand<AccountId>, ConstU32<MAX_DEMANDS>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::{DeltaChunk, GAP_GOES_ON};
    use crate::dispute::answer_hashes;
    use crate::hashing::Domain;
    use crate::merkle;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn game_should_lead_from_the_top_to_any_leaf() {
        for count in [1u32, 2, 32, 33, 49, 1_000, 1_025] {
            let leaves: Vec<H256> = (0..count)
                .map(|i| merkle::leaf(Domain::State, &i.to_le_bytes()))
                .collect();
            let top = NodeValue::Hash(merkle::root(Domain::State, &leaves));
            for target in [0, count / 3, count - 1] {
                let mut game = Dispute::open(1u64, 5, Tree::State, count, top, 10);
                let mut rounds = 0;
                while game.turn != Turn::Prove {
                    assert_eq!(game.narrow(0, 11), Err(MoveError::Turn));
                    let nodes = answer_hashes(Domain::State, &leaves, game.node).unwrap();
                    game.answer(nodes.clone(), 11).unwrap();
                    assert_eq!(game.answer(nodes, 12), Err(MoveError::Turn));
                    let (first, number) = children(count, game.node).unwrap();
                    assert_eq!(game.narrow(number, 12), Err(MoveError::Place));
                    game.narrow((target >> first.level) - first.index, 12)
                        .unwrap();
                    rounds += 1;
                }
                assert_eq!(
                    game.node,
                    NodeId {
                        level: 0,
                        index: target
                    }
                );
                assert_eq!(game.value, NodeValue::Hash(leaves[target as usize]));
                assert!(rounds <= 3);
            }
        }
    }

    #[test]
    fn answer_should_be_refused_when_it_does_not_lead_to_the_node() {
        let leaf = |i: u8| merkle::leaf(Domain::State, &[i]);
        let leaves: Vec<H256> = (0..9).map(leaf).collect();
        let top = NodeValue::Hash(merkle::root(Domain::State, &leaves));
        let mut game = Dispute::open(1u64, 5, Tree::State, 9, top, 10);
        let mut other = leaves.clone();
        other[4] = H256::zero();
        let nodes = answer_hashes(Domain::State, &other, game.node).unwrap();
        assert_eq!(
            game.answer(nodes, 11),
            Err(MoveError::Answer(DisputeError::AnswerHash))
        );
        assert_eq!((game.turn, game.deadline), (Turn::Answer, 10));
    }

    #[test]
    fn longest_chunk_should_fit_its_bound() {
        let mut gaps = vec![0u8; 4096];
        gaps.extend([GAP_GOES_ON; 16]);
        let chunk = DeltaChunk::Sparse {
            shift: 1,
            gaps,
            codes: vec![1; 4096],
        };
        assert!(chunk.encoded_size() <= MAX_CHUNK_BYTES as usize);
    }
}
