// SPDX-License-Identifier: GPL-3.0-or-later
//! Versions of a model: headers, lineage, contributions.

use crate::cid::Cid;
use crate::hashing::{content_hash, Domain};
use crate::recipe::{AggregationRule, ServerOptimiser};
use crate::{merkle, BlockNumber, BranchId, ModelId, H256};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The version that a version was made from.
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
pub enum Parent {
    /// The first version of a model.
    None,
    /// A version on this chain.
    Local(H256),
    /// A version on another chain. Whether it was proved is not part of the header: a proof must not change a hash.
    Foreign {
        /// Genesis hash of the other chain.
        chain: H256,
        /// Version hash on the other chain.
        version: H256,
    },
}

/// Rule that made a version from its parent.
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
pub struct MergeRule {
    /// Aggregation rule.
    pub rule: AggregationRule,
    /// Server optimiser.
    pub server: ServerOptimiser,
}

/// Header of a version.
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
pub struct VersionHeader {
    /// Model.
    pub model: ModelId,
    /// Branch.
    pub branch: BranchId,
    /// Number on the branch, from 0.
    pub number: u32,
    /// Version that it was made from.
    pub parent: Parent,
    /// Merkle root of the parameters.
    pub state_root: H256,
    /// Merkle root of the server optimiser's moments; zero where it has none.
    pub server_root: H256,
    /// Where the parameters are.
    pub cid: Cid,
    /// Where the moments are, if there are any.
    pub server_cid: Option<Cid>,
    /// Merkle root of the contributions that were merged.
    pub contributions_root: H256,
    /// How they were merged.
    pub rule: MergeRule,
    /// Block at which the version was posted.
    pub block: BlockNumber,
}

impl VersionHeader {
    /// Identity of the version, equal on every chain that carries the same header.
    pub fn hash(&self) -> H256 {
        content_hash(Domain::Version, &[&self.encode()])
    }
}

/// One merged contribution.
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
pub struct Contribution {
    /// Claim.
    pub claim: H256,
    /// Root of its delta.
    pub delta_root: H256,
    /// Weight in the aggregation (segments done).
    pub weight: u16,
}

/// Root over contributions, in ascending order of claim id.
pub fn contributions_root(contributions: &[Contribution]) -> H256 {
    let mut sorted = contributions.to_vec();
    sorted.sort_unstable_by_key(|c| c.claim);
    let leaves: Vec<H256> = sorted
        .iter()
        .map(|c| merkle::leaf(Domain::Contributions, &c.encode()))
        .collect();
    merkle::root(Domain::Contributions, &leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contributions_root_should_not_depend_on_order() {
        let c = |n: u8| Contribution {
            claim: H256::repeat_byte(n),
            delta_root: H256::repeat_byte(n),
            weight: 1,
        };
        assert_eq!(
            contributions_root(&[c(1), c(2), c(3)]),
            contributions_root(&[c(3), c(1), c(2)])
        );
        assert_ne!(
            contributions_root(&[c(1), c(2)]),
            contributions_root(&[c(1), c(3)])
        );
    }
}
