// SPDX-License-Identifier: GPL-3.0-or-later
//! The trees of a merge as this worker computed it.

use dream_primitives::dispute::{answer_hashes, answer_sums, Answer, DisputeError, NodeId, Tree};
use dream_primitives::hashing::Domain;
use dream_primitives::merkle::SumNode;
use dream_primitives::state;
use dream_primitives::H256;

/// Leaves of every tree that a merge has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trees {
    state: Vec<H256>,
    server: Vec<H256>,
    pairs: Vec<Vec<SumNode>>,
}

impl Trees {
    /// The trees of parameters, moments (one after another) and distances (one tree a pair of deltas).
    pub fn new(parameters: &[i32], moments: &[i32], pairs: Vec<Vec<SumNode>>) -> Self {
        Self {
            state: state::leaves(parameters),
            server: state::server_leaves(moments, parameters.len()),
            pairs,
        }
    }

    /// The nodes below `node`.
    pub fn answer(&self, tree: Tree, node: NodeId) -> Result<Answer, DisputeError> {
        match tree {
            Tree::State => answer_hashes(Domain::State, &self.state, node),
            Tree::Server => answer_hashes(Domain::Server, &self.server, node),
            Tree::Pair(pair) => {
                let leaves = self.pairs.get(usize::from(pair));
                answer_sums(leaves.ok_or(DisputeError::Pair)?, node)
            }
        }
    }
}

/// The first place at which an answer is not what these trees have below the node.
pub fn difference(own: &Answer, other: &Answer) -> Option<u32> {
    (0..)
        .map_while(|place| match (own.get(place), other.get(place)) {
            (None, None) => None,
            pair => Some((place, pair)),
        })
        .find(|(_, (own, other))| own != other)
        .map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_primitives::dispute::top;
    use dream_primitives::state::CHUNK;

    #[test]
    fn difference_should_lead_to_the_leaf_that_differs() {
        let state: Vec<i32> = (0..70 * CHUNK as i32 - 5).collect();
        let moments: Vec<i32> = state.iter().chain(&state).map(|n| n / 3).collect();
        for (tree, wrong, leaf) in [
            (Tree::State, 41 * CHUNK + 7, 41),
            (Tree::Server, 70 * CHUNK, 70),
        ] {
            let own = Trees::new(&state, &moments, Vec::new());
            let (mut p, mut m) = (state.clone(), moments.clone());
            match tree {
                Tree::State => p[wrong] ^= 1,
                _ => m[wrong] ^= 1,
            }
            let other = Trees::new(&p, &m, Vec::new());
            let mut node = top(if tree == Tree::State { 70 } else { 140 });
            let mut steps = 0;
            while node.level > 0 {
                let answers = [&own, &other].map(|t| t.answer(tree, node).unwrap());
                let place = difference(&answers[0], &answers[1]).unwrap();
                let down = node.level.min(5);
                node = NodeId {
                    level: node.level - down,
                    index: (node.index << down) + place,
                };
                steps += 1;
            }
            assert_eq!((node.index, steps), (leaf, 2));
        }
    }

    #[test]
    fn difference_should_be_none_when_answers_are_equal_and_see_missing_nodes() {
        let sums = |n: u128| {
            let nodes = (0..n).map(dream_primitives::dispute::pair_leaf);
            Answer::Sums(nodes.collect::<Vec<_>>().try_into().unwrap())
        };
        assert_eq!(difference(&sums(5), &sums(5)), None);
        assert_eq!(difference(&sums(5), &sums(4)), Some(4));
    }
}
