// SPDX-License-Identifier: GPL-3.0-or-later
//! Trees over ciphertexts and their sums, and the leaf that an honest sum has.
//!
//! A leaf holds 1024 residues of one limb in the bytes of the wire format: 30 bits each, the first lowest, four in 15 bytes. Data
//! trees go by segment, polynomial and limb, key trees by polynomial, half (c0, c1) and limb.

use super::params::{Layout, PrivateLiteral};
use super::{LEAF_BYTES, LEAF_RESIDUES, MAX_COHORT};
use crate::dispute::Questioned;
use crate::hashing::Domain;
use crate::math::to_usize;
use crate::merkle::{self, MAX_DEPTH};
use crate::{BoundedVec, ConstU32, H256};
use alloc::vec;
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

const RESIDUE_BITS: u32 = 30;

/// A tree of what a private round posts.
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
pub enum PrivateTree {
    /// The sum of the data layer's ciphertexts.
    Data,
    /// The sum of the key layer's ciphertexts.
    Keys,
    /// The version's parameters.
    State,
    /// The version's moments.
    Server,
}

impl PrivateTree {
    /// Leaves of a tree over ciphertexts, and the prime of one of them; `None` for the trees of a version, and where there is
    /// no such leaf.
    pub fn residues(&self, p: &PrivateLiteral, layout: &Layout, leaf: u32) -> Option<(u32, u32)> {
        let (leaves, ring) = match self {
            Self::Data => (layout.data_leaves, &p.data),
            Self::Keys => (layout.key_leaves, &p.key),
            Self::State | Self::Server => return None,
        };
        let prime = ring.prime(leaf).filter(|_| leaf < leaves)?;
        Some((leaves, prime))
    }
}

impl Questioned for PrivateTree {
    fn hashed_for(&self) -> Domain {
        match self {
            Self::Data | Self::Keys => Domain::Residues,
            Self::State => Domain::State,
            Self::Server => Domain::Server,
        }
    }

    fn has_sums(&self) -> bool {
        false
    }
}

/// Bytes of residues below 2^30, four in 15 bytes; a number that is no multiple of four is filled up with zeros.
pub fn pack_residues(residues: &[u32]) -> Vec<u8> {
    residues
        .chunks(4)
        .flat_map(|four| {
            let joined = four.iter().rev().fold(0u128, |sum, x| {
                sum.wrapping_shl(RESIDUE_BITS) | u128::from(*x)
            });
            joined.to_le_bytes().into_iter().take(15)
        })
        .collect()
}

/// Residues of a leaf; `None` where the bytes are not those of 1024 residues below `prime`.
pub fn unpack_leaf(bytes: &[u8], prime: u32) -> Option<Vec<u32>> {
    if bytes.len() != to_usize(LEAF_BYTES) {
        return None;
    }
    let mut residues = Vec::with_capacity(to_usize(LEAF_RESIDUES));
    for group in bytes.chunks_exact(15) {
        let mut wide = [0u8; 16];
        wide.iter_mut().zip(group).for_each(|(w, b)| *w = *b);
        let mut joined = u128::from_le_bytes(wide);
        for _ in 0..4 {
            let residue = u32::try_from(joined & 0x3fff_ffff).ok()?;
            if residue >= prime {
                return None;
            }
            residues.push(residue);
            joined >>= RESIDUE_BITS;
        }
    }
    Some(residues)
}

/// Hash of a leaf's bytes.
pub fn residue_leaf(bytes: &[u8]) -> H256 {
    merkle::leaf(Domain::Residues, bytes)
}

/// A leaf of one contribution, with its siblings up to the contribution's root.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct LeafOpening {
    /// The leaf's bytes.
    pub bytes: BoundedVec<u8, ConstU32<LEAF_BYTES>>,
    /// Siblings from the leaf up.
    pub proof: BoundedVec<H256, ConstU32<MAX_DEPTH>>,
}

/// One leaf of every contribution of a sum, in the order of their places.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SumProof {
    /// Which leaf.
    pub leaf: u32,
    /// The contributions' leaves.
    pub parts: BoundedVec<LeafOpening, ConstU32<MAX_COHORT>>,
}

/// Why a proof of a sum's leaf is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SumError {
    /// Not one leaf for each contribution.
    Count,
    /// A leaf does not lie under its contribution's root.
    Proof,
}

/// What a proof of a sum's leaf shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SumLeaf {
    /// The leaf that an honest sum has.
    Right(H256),
    /// The leaf of the contribution at this place of the list is no leaf: a residue is not below its prime, or bytes are missing.
    Malformed(usize),
}

/// The leaf that an honest sum of the contributions under `roots` has, in trees of `leaves` leaves whose residues are below
/// `prime`.
///
/// # Errors
/// [`SumError`]: the proof shows nothing.
pub fn recompute_sum(
    roots: &[H256],
    leaves: u32,
    prime: u32,
    proof: &SumProof,
) -> Result<SumLeaf, SumError> {
    if roots.len() != proof.parts.len() || roots.is_empty() {
        return Err(SumError::Count);
    }
    for (root, part) in roots.iter().zip(&proof.parts) {
        let leaf = residue_leaf(&part.bytes);
        let there = merkle::verify(
            Domain::Residues,
            root,
            leaves,
            proof.leaf,
            &leaf,
            &part.proof,
        );
        if !there {
            return Err(SumError::Proof);
        }
    }
    let mut sums = vec![0u64; to_usize(LEAF_RESIDUES)];
    for (at, part) in proof.parts.iter().enumerate() {
        let Some(residues) = unpack_leaf(&part.bytes, prime) else {
            return Ok(SumLeaf::Malformed(at));
        };
        // At most 256 residues below 2^30.
        sums.iter_mut()
            .zip(residues)
            .for_each(|(sum, x)| *sum = sum.wrapping_add(u64::from(x)));
    }
    let reduced: Vec<u32> = sums
        .iter()
        .map(|sum| {
            let rest = sum.checked_rem(u64::from(prime)).unwrap_or(0);
            u32::try_from(rest).unwrap_or(0)
        })
        .collect();
    Ok(SumLeaf::Right(residue_leaf(&pack_residues(&reduced))))
}

/// The opening of leaf `leaf` by whoever has all leaves of a contribution; `None` where there is no such leaf.
pub fn open_leaf(leaves: &[Vec<u8>], leaf: u32) -> Option<LeafOpening> {
    let hashes: Vec<H256> = leaves.iter().map(|bytes| residue_leaf(bytes)).collect();
    let proof = merkle::prove(Domain::Residues, &hashes, leaf)?;
    Some(LeafOpening {
        bytes: leaves.get(to_usize(leaf))?.clone().try_into().ok()?,
        proof: proof.try_into().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispute::{answer_hashes, NodeValue};
    use crate::game::{Dispute, Turn};
    use proptest::prelude::*;

    const PRIME: u32 = 1_073_692_673;

    /// A leaf's residues by a simple generator.
    fn residues(seed: u64) -> Vec<u32> {
        let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..LEAF_RESIDUES)
            .map(|_| {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                (x % u64::from(PRIME)) as u32
            })
            .collect()
    }

    /// (leaves of each contribution, their roots, leaves of the honest sum)
    fn cohort(terms: u64, count: u64) -> (Vec<Vec<Vec<u8>>>, Vec<H256>, Vec<Vec<u8>>) {
        let values = |m: u64, l: u64| residues(m * 1_000 + l + 1);
        let parts: Vec<Vec<Vec<u8>>> = (0..terms)
            .map(|m| (0..count).map(|l| pack_residues(&values(m, l))).collect())
            .collect();
        let roots = parts.iter().map(|p| root(p)).collect();
        let sums = (0..count)
            .map(|l| {
                let all: Vec<Vec<u32>> = (0..terms).map(|m| values(m, l)).collect();
                let sum = |i: usize| {
                    let wide: u64 = all.iter().map(|v| u64::from(v[i])).sum();
                    (wide % u64::from(PRIME)) as u32
                };
                pack_residues(&(0..1_024).map(sum).collect::<Vec<_>>())
            })
            .collect();
        (parts, roots, sums)
    }

    fn root(leaves: &[Vec<u8>]) -> H256 {
        let hashes: Vec<H256> = leaves.iter().map(|l| residue_leaf(l)).collect();
        merkle::root(Domain::Residues, &hashes)
    }

    fn proof(parts: &[Vec<Vec<u8>>], leaf: u32) -> SumProof {
        let parts: Vec<_> = parts.iter().map(|p| open_leaf(p, leaf).unwrap()).collect();
        SumProof {
            leaf,
            parts: parts.try_into().unwrap(),
        }
    }

    proptest! {
        #[test]
        fn packing_should_be_read_back_and_other_residues_refused(seed: u64, at in 0usize..1_024, above in 0u32..49_151) {
            let values = residues(seed);
            let bytes = pack_residues(&values);
            prop_assert_eq!(bytes.len(), LEAF_BYTES as usize);
            prop_assert_eq!(unpack_leaf(&bytes, PRIME), Some(values.clone()));
            let mut wrong = values;
            wrong[at] = (PRIME + above).min((1 << 30) - 1);
            prop_assert_eq!(unpack_leaf(&pack_residues(&wrong), PRIME), None);
            prop_assert_eq!(unpack_leaf(&bytes[1..], PRIME), None);
        }

        #[test]
        fn leaf_of_a_sum_should_be_recomputed(terms in 1u64..9, count in 1u64..7, pick: prop::sample::Index) {
            let (parts, roots, sums) = cohort(terms, count);
            let leaf = pick.index(count as usize);
            let shown = recompute_sum(&roots, count as u32, PRIME, &proof(&parts, leaf as u32));
            prop_assert_eq!(shown, Ok(SumLeaf::Right(residue_leaf(&sums[leaf]))));
        }
    }

    #[test]
    fn proof_should_be_refused_when_a_leaf_is_another_or_one_is_missing() {
        let (parts, roots, _) = cohort(3, 5);
        let good = proof(&parts, 2);
        let check = |p: &SumProof| recompute_sum(&roots, 5, PRIME, p);
        assert!(check(&good).is_ok());
        let mut fewer = good.clone();
        fewer.parts.pop();
        assert_eq!(check(&fewer), Err(SumError::Count));
        assert_eq!(
            recompute_sum(
                &[],
                5,
                PRIME,
                &SumProof {
                    leaf: 0,
                    parts: BoundedVec::new()
                }
            ),
            Err(SumError::Count)
        );
        let mut changed = good.clone();
        changed.parts[1].bytes[7] ^= 1;
        assert_eq!(check(&changed), Err(SumError::Proof));
        let mut moved = good.clone();
        moved.leaf = 3;
        assert_eq!(check(&moved), Err(SumError::Proof));
        let mut parts = good.parts.into_inner();
        parts.swap(0, 1);
        let swapped = SumProof {
            leaf: 2,
            parts: parts.try_into().unwrap(),
        };
        assert_eq!(check(&swapped), Err(SumError::Proof));
    }

    #[test]
    fn malformed_leaf_should_name_its_contribution() {
        let (mut parts, mut roots, _) = cohort(3, 2);
        let mut values = residues(5);
        values[1_023] = PRIME;
        parts[1][0] = pack_residues(&values);
        roots[1] = root(&parts[1]);
        let shown = recompute_sum(&roots, 2, PRIME, &proof(&parts, 0));
        assert_eq!(shown, Ok(SumLeaf::Malformed(1)));
        parts[1][0] = vec![0; 15];
        roots[1] = root(&parts[1]);
        let shown = recompute_sum(&roots, 2, PRIME, &proof(&parts, 0));
        assert_eq!(shown, Ok(SumLeaf::Malformed(1)));
    }

    #[test]
    fn dispute_should_lead_to_the_one_wrong_leaf_of_a_sum() {
        let (parts, roots, mut posted) = cohort(3, 40);
        posted[33][100] ^= 1;
        let hashes: Vec<H256> = posted.iter().map(|l| residue_leaf(l)).collect();
        let top = NodeValue::Hash(root(&posted));
        let mut game = Dispute::open(1u64, 5, PrivateTree::Data, 40, top, 10);
        for place in [16, 1] {
            let nodes = answer_hashes(Domain::Residues, &hashes, game.node).unwrap();
            game.answer(nodes, 11).unwrap();
            game.narrow(place, 11).unwrap();
        }
        assert_eq!((game.turn, game.node.index), (Turn::Prove, 33));
        let shown = recompute_sum(&roots, 40, PRIME, &proof(&parts, 33));
        let right = Ok(SumLeaf::Right(residue_leaf(&cohort(3, 40).2[33])));
        assert_eq!(shown, right);
        assert_eq!(game.value, NodeValue::Hash(residue_leaf(&posted[33])));
        assert_ne!(shown, Ok(SumLeaf::Right(residue_leaf(&posted[33]))));
    }

    #[test]
    fn largest_proof_should_fit_a_block() {
        let bytes = SumProof::max_encoded_len();
        assert!(bytes <= 1_300_000, "{bytes}");
    }

    #[test]
    fn leaves_should_be_those_of_the_layout() {
        let checked =
            super::super::params::PrivateParameters::new(PrivateLiteral::network()).unwrap();
        let layout = checked.layout(10_000_000).unwrap();
        let p = checked.get();
        let at = |tree: PrivateTree, leaf| tree.residues(p, &layout, leaf);
        assert_eq!(
            at(PrivateTree::Data, 7_679),
            Some((7_680, p.data.primes[2]))
        );
        assert_eq!(at(PrivateTree::Data, 7_680), None);
        assert_eq!(at(PrivateTree::Keys, 8), Some((768, p.key.primes[1])));
        assert_eq!(at(PrivateTree::State, 0), None);
        assert_eq!(PrivateTree::Server.hashed_for(), Domain::Server);
    }
}
