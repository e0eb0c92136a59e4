// SPDX-License-Identifier: GPL-3.0-or-later
//! Nodes of a tree whose leaf count is known, and answers to demands.

use super::{Answer, DisputeError, NodeId, NodeValue, Questioned, ANSWER_LEVELS};
use crate::hashing::Domain;
use crate::math::to_usize;
use crate::merkle::{self, SumNode};
use crate::H256;

/// Number of nodes in a level of the tree over `count` leaves: each level has half as many as the one below, rounded up,
/// since a node without a sibling is promoted.
pub fn width(count: u32, level: u8) -> u32 {
    let nodes = u64::from(count).div_ceil(1u64.checked_shl(level.into()).unwrap_or(u64::MAX));
    u32::try_from(nodes).unwrap_or(u32::MAX)
}

/// Level of the top node; zero for a tree of one leaf (or none).
pub fn height(count: u32) -> u8 {
    let bits = u32::BITS.saturating_sub(count.saturating_sub(1).leading_zeros());
    u8::try_from(bits).unwrap_or(u8::MAX)
}

/// The top node.
pub fn top(count: u32) -> NodeId {
    NodeId {
        level: height(count),
        index: 0,
    }
}

/// The nodes that answer a demand for `node`: the leftmost, and how many. They lie [`ANSWER_LEVELS`] levels below, or at the
/// leaves where those are nearer; at the right edge there are fewer.
pub fn children(count: u32, node: NodeId) -> Result<(NodeId, u32), DisputeError> {
    if node.level > height(count) || node.index >= width(count, node.level) {
        return Err(DisputeError::Node);
    }
    let down = node.level.min(ANSWER_LEVELS);
    if down == 0 {
        return Err(DisputeError::Leaf);
    }
    let level = node.level.saturating_sub(down);
    // Below the level's width, since the node is.
    let index = node.index.wrapping_shl(down.into());
    let most = 1u32.wrapping_shl(down.into());
    let number = width(count, level).saturating_sub(index).min(most);
    Ok((NodeId { level, index }, number))
}

/// Checks that `answer` holds the nodes below `node` of the tree over `count` leaves, at which `value` stands.
pub fn verify_answer(
    tree: &impl Questioned,
    count: u32,
    node: NodeId,
    value: &NodeValue,
    answer: &Answer,
) -> Result<(), DisputeError> {
    let (first, number) = children(count, node)?;
    let levels = u32::from(node.level.saturating_sub(first.level));
    let sums = tree.has_sums();
    let found = match answer {
        Answer::Hashes(nodes) if !sums => {
            if nodes.len() != to_usize(number) {
                return Err(DisputeError::AnswerLength);
            }
            let raised = merkle::raise(tree.hashed_for(), nodes, levels);
            raised.first().copied().map(NodeValue::Hash)
        }
        Answer::Sums(nodes) if sums => {
            if nodes.len() != to_usize(number) {
                return Err(DisputeError::AnswerLength);
            }
            let raised = merkle::sum_raise(tree.hashed_for(), nodes, levels);
            let raised = raised.ok_or(DisputeError::Overflow)?;
            raised.first().copied().map(NodeValue::Sum)
        }
        _ => return Err(DisputeError::Kind),
    };
    if found.as_ref() == Some(value) {
        Ok(())
    } else {
        Err(DisputeError::AnswerHash)
    }
}

/// The answer for `node` of a state or server tree, by whoever has all its leaves.
pub fn answer_hashes(
    domain: Domain,
    leaves: &[H256],
    node: NodeId,
) -> Result<Answer, DisputeError> {
    let count = u32::try_from(leaves.len()).map_err(|_| DisputeError::Node)?;
    let (first, number) = children(count, node)?;
    let level = merkle::raise(domain, leaves, first.level.into());
    let nodes = level.into_iter().skip(to_usize(first.index));
    let nodes: alloc::vec::Vec<H256> = nodes.take(to_usize(number)).collect();
    let nodes = nodes.try_into().map_err(|_| DisputeError::AnswerLength)?;
    Ok(Answer::Hashes(nodes))
}

/// The answer for `node` of a pair's tree, by whoever has all its leaves.
pub fn answer_sums(leaves: &[SumNode], node: NodeId) -> Result<Answer, DisputeError> {
    let count = u32::try_from(leaves.len()).map_err(|_| DisputeError::Node)?;
    let (first, number) = children(count, node)?;
    let level = merkle::sum_raise(Domain::Pairs, leaves, first.level.into());
    let nodes = level.ok_or(DisputeError::Overflow)?;
    let nodes = nodes.into_iter().skip(to_usize(first.index));
    let nodes: alloc::vec::Vec<SumNode> = nodes.take(to_usize(number)).collect();
    let nodes = nodes.try_into().map_err(|_| DisputeError::AnswerLength)?;
    Ok(Answer::Sums(nodes))
}
