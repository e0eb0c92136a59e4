// SPDX-License-Identifier: GPL-3.0-or-later
//! Binary Merkle trees with domain-separated leaves and nodes, and Merkle-sum trees.
//!
//! Leaf hash: blake2b-256(0x00 || tag || data). Node: blake2b-256(0x01 || tag || left || right). A node without a
//! sibling is promoted unchanged. The leaf count is never read from a proof: the verifier knows it (from a manifest,
//! a recipe, a registry), so the shape of the tree is fixed. The root of no leaves is blake2b-256(0x04 || tag).

use crate::hashing::{Domain, Hasher};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitive_types::H256;
use scale_info::TypeInfo;

const LEAF: u8 = 0;
const NODE: u8 = 1;
const EMPTY: u8 = 4;
const SUM_ROOT: u8 = 5;

/// Longest proof: trees of up to 2^32 leaves.
pub const MAX_DEPTH: u32 = 32;

/// Hash of a leaf's data.
pub fn leaf(domain: Domain, data: &[u8]) -> H256 {
    Hasher::new(domain, LEAF).update(data).finish()
}

fn node(domain: Domain, left: &H256, right: &H256) -> H256 {
    Hasher::new(domain, NODE)
        .update(left.as_bytes())
        .update(right.as_bytes())
        .finish()
}

/// The level above `level`; `None` when `join` fails.
fn level_up<T: Copy>(level: &[T], join: impl Fn(&T, &T) -> Option<T>) -> Option<Vec<T>> {
    level
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => join(left, right),
            single => single.first().copied(),
        })
        .collect()
}

/// The nodes `levels` levels above `nodes`, where `nodes` begin at a multiple of `2^levels` and either are `2^levels` or
/// end where their level ends.
pub fn raise(domain: Domain, nodes: &[H256], levels: u32) -> Vec<H256> {
    (0..levels).fold(nodes.to_vec(), |level, _| {
        level_up(&level, |left, right| Some(node(domain, left, right))).unwrap_or_default()
    })
}

/// As [`raise`] for a Merkle-sum tree; `None` when a sum overflows.
pub fn sum_raise(domain: Domain, nodes: &[SumNode], levels: u32) -> Option<Vec<SumNode>> {
    (0..levels).try_fold(nodes.to_vec(), |level, _| {
        level_up(&level, |left, right| sum_node(domain, left, right))
    })
}

/// Root over leaf hashes (from [`leaf`]).
pub fn root(domain: Domain, leaves: &[H256]) -> H256 {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = raise(domain, &level, 1);
    }
    level
        .first()
        .copied()
        .unwrap_or_else(|| Hasher::new(domain, EMPTY).finish())
}

/// Siblings from the leaf at `index` up to the root; `None` when `index` is out of range.
pub fn prove(domain: Domain, leaves: &[H256], index: u32) -> Option<Vec<H256>> {
    let mut at = usize::try_from(index).ok()?;
    leaves.get(at)?;
    let mut proof = Vec::new();
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        if let Some(sibling) = level.get(at ^ 1) {
            proof.push(*sibling);
        }
        level = raise(domain, &level, 1);
        at /= 2;
    }
    Some(proof)
}

/// Whether `leaf_hash` is leaf `index` of the tree of `count` leaves under `expected`. A proof with too few or too
/// many siblings is refused.
pub fn verify(
    domain: Domain,
    expected: &H256,
    count: u32,
    index: u32,
    leaf_hash: &H256,
    proof: &[H256],
) -> bool {
    let join = |left: &H256, right: &H256| Some(node(domain, left, right));
    climb(count, index, *leaf_hash, proof, join).as_ref() == Some(expected)
}

/// The top of a tree of `count` leaves whose leaf `index` is `leaf` and whose siblings from there up are `proof`; `None`
/// when there is no such leaf, the number of siblings is wrong, or `join` fails.
fn climb<T: Copy>(
    count: u32,
    index: u32,
    leaf: T,
    proof: &[T],
    join: impl Fn(&T, &T) -> Option<T>,
) -> Option<T> {
    if index >= count {
        return None;
    }
    let (mut at, mut width) = (index, count);
    let mut current = leaf;
    let mut siblings = proof.iter();
    while width > 1 {
        if at ^ 1 < width {
            let sibling = siblings.next()?;
            current = if at % 2 == 0 {
                join(&current, sibling)?
            } else {
                join(sibling, &current)?
            };
        }
        at /= 2;
        width = width.div_ceil(2);
    }
    siblings.next().is_none().then_some(current)
}

/// A node of a Merkle-sum tree: a hash and the sum below it.
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SumNode {
    /// Hash of the children with their sums, or of the leaf's data.
    pub hash: H256,
    /// Sum over all leaves below.
    pub sum: u128,
}

impl SumNode {
    /// The root hash that goes on chain: it binds the top node's hash and its sum.
    pub fn root(&self, domain: Domain) -> H256 {
        Hasher::new(domain, SUM_ROOT)
            .update(self.hash.as_bytes())
            .update(&self.sum.to_le_bytes())
            .finish()
    }
}

/// Parent of two sum nodes; `None` when the sum overflows.
pub fn sum_node(domain: Domain, left: &SumNode, right: &SumNode) -> Option<SumNode> {
    let sum = left.sum.checked_add(right.sum)?;
    let hash = Hasher::new(domain, NODE)
        .update(left.hash.as_bytes())
        .update(&left.sum.to_le_bytes())
        .update(right.hash.as_bytes())
        .update(&right.sum.to_le_bytes())
        .finish();
    Some(SumNode { hash, sum })
}

/// Top of a Merkle-sum tree; `None` when there are no leaves or the sum overflows.
pub fn sum_top(domain: Domain, leaves: &[SumNode]) -> Option<SumNode> {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = sum_raise(domain, &level, 1)?;
    }
    level.first().copied()
}

/// [`sum_top`] leaf by leaf, in the memory of one path.
#[derive(Clone, Default)]
pub struct SumTree {
    /// Tops of full subtrees, each with the number of its levels: ever fewer from left to right.
    full: Vec<(u32, SumNode)>,
}

impl SumTree {
    /// Appends a leaf; `None` when the sum overflows.
    pub fn push(&mut self, domain: Domain, leaf: SumNode) -> Option<()> {
        let (mut levels, mut node) = (0u32, leaf);
        while let Some((_, left)) = self.full.pop_if(|(other, _)| *other == levels) {
            node = sum_node(domain, &left, &node)?;
            levels = levels.saturating_add(1);
        }
        self.full.push((levels, node));
        Some(())
    }

    /// The top; `None` when there are no leaves or the sum overflows.
    pub fn top(&self, domain: Domain) -> Option<SumNode> {
        // What has no sibling is promoted until it meets a full subtree on its left.
        let mut nodes = self.full.iter().rev().map(|(_, node)| node);
        let last = *nodes.next()?;
        nodes.try_fold(last, |right, left| sum_node(domain, left, &right))
    }
}

/// Siblings of leaf `index` in a Merkle-sum tree; `None` when out of range or a sum overflows.
pub fn sum_prove(domain: Domain, leaves: &[SumNode], index: u32) -> Option<Vec<SumNode>> {
    let mut at = usize::try_from(index).ok()?;
    leaves.get(at)?;
    let mut proof = Vec::new();
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        if let Some(sibling) = level.get(at ^ 1) {
            proof.push(*sibling);
        }
        level = sum_raise(domain, &level, 1)?;
        at /= 2;
    }
    Some(proof)
}

/// As [`verify`] for a Merkle-sum tree; overflowing sums are refused.
pub fn sum_verify(
    domain: Domain,
    expected_root: &H256,
    count: u32,
    index: u32,
    leaf: &SumNode,
    proof: &[SumNode],
) -> bool {
    sum_climb(domain, count, index, leaf, proof).is_some_and(|t| t.root(domain) == *expected_root)
}

/// The top node that `leaf`, as leaf `index` of `count`, and its siblings lead to; `None` when the proof does not have
/// the tree's shape or a sum overflows. The caller compares the top's [`SumNode::root`]; then its sum is the tree's.
pub fn sum_climb(
    domain: Domain,
    count: u32,
    index: u32,
    leaf: &SumNode,
    proof: &[SumNode],
) -> Option<SumNode> {
    climb(count, index, *leaf, proof, |left, right| {
        sum_node(domain, left, right)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn leaves(n: usize) -> Vec<H256> {
        (0..n)
            .map(|i| leaf(Domain::State, &(i as u64).to_le_bytes()))
            .collect()
    }

    #[test]
    fn verify_should_accept_every_leaf_and_refuse_all_else() {
        for n in 1..40u32 {
            let l = leaves(n as usize);
            let r = root(Domain::State, &l);
            for i in 0..n {
                let p = prove(Domain::State, &l, i).unwrap();
                assert!(verify(Domain::State, &r, n, i, &l[i as usize], &p));
                assert!(!verify(Domain::Data, &r, n, i, &l[i as usize], &p) || n == 1);
                for j in (0..n).filter(|j| *j != i) {
                    assert!(!verify(Domain::State, &r, n, j, &l[i as usize], &p));
                }
                assert!(!verify(Domain::State, &r, n, n, &l[i as usize], &p));
                let mut long = p.clone();
                long.push(H256::zero());
                assert!(!verify(Domain::State, &r, n, i, &l[i as usize], &long));
                if !p.is_empty() {
                    assert!(!verify(Domain::State, &r, n, i, &l[i as usize], &p[1..]));
                }
            }
            assert!(prove(Domain::State, &l, n).is_none());
        }
    }

    #[test]
    fn root_should_separate_leaf_from_node_when_shapes_could_collide() {
        let l = leaves(2);
        let r = root(Domain::State, &l);
        let joined = [l[0].as_bytes(), l[1].as_bytes()].concat();
        assert_ne!(leaf(Domain::State, &joined), r);
    }

    proptest! {
        #[test]
        fn sum_proofs_should_bind_hash_and_sum(sums in prop::collection::vec(0u128..1 << 100, 1..20), pick: prop::sample::Index) {
            let l: Vec<SumNode> = sums.iter().enumerate()
                .map(|(i, s)| SumNode { hash: leaf(Domain::Delta, &[i as u8]), sum: *s }).collect();
            let top = sum_top(Domain::Delta, &l).unwrap();
            prop_assert_eq!(top.sum, sums.iter().sum::<u128>());
            let mut tree = SumTree::default();
            l.iter().for_each(|leaf| tree.push(Domain::Delta, *leaf).unwrap());
            prop_assert_eq!(tree.top(Domain::Delta), Some(top));
            let root = top.root(Domain::Delta);
            let i = pick.index(l.len());
            let p = sum_prove(Domain::Delta, &l, i as u32).unwrap();
            prop_assert!(sum_verify(Domain::Delta, &root, l.len() as u32, i as u32, &l[i], &p));
            let forged = SumNode { sum: l[i].sum + 1, ..l[i] };
            prop_assert!(!sum_verify(Domain::Delta, &root, l.len() as u32, i as u32, &forged, &p));
        }
    }

    #[test]
    fn sum_top_should_fail_when_sum_overflows() {
        let n = SumNode {
            hash: H256::zero(),
            sum: u128::MAX,
        };
        assert!(sum_top(Domain::Delta, &[n, n]).is_none());
        let mut tree = SumTree::default();
        assert!(tree.top(Domain::Delta).is_none());
        assert!(tree.push(Domain::Delta, n).is_some());
        assert!(tree.push(Domain::Delta, n).is_none());
        assert!(!sum_verify(Domain::Delta, &H256::zero(), 2, 0, &n, &[n]));
    }
}
