// SPDX-License-Identifier: GPL-3.0-or-later
//! Data sets: fixed windows over path-sorted bytes, under a Merkle root.

use crate::cid::Cid;
use crate::hashing::Domain;
use crate::{merkle, BoundedVec, ConstU32, DatasetId};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitive_types::H256;
use scale_info::TypeInfo;

/// Every 20th sample is held out and never streamed.
pub const HELD_OUT_EVERY: u64 = 20;
/// Most data sets in a mixture.
pub const MAX_MIXTURE: u32 = 32;
/// Longest window, in bytes.
pub const MAX_WINDOW: u32 = 1 << 17;
/// Longest licence identifier.
pub const MAX_LICENCE: u32 = 64;

/// SPDX licence expression.
pub type Licence = BoundedVec<u8, ConstU32<MAX_LICENCE>>;

/// What a submitter says of a data set. The bytes are those of all files, in the order of their paths, one after
/// another; sample i is the window `[i * window, (i + 1) * window)`; a shorter rest is not used.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DatasetInfo {
    /// Merkle root over the samples.
    pub root: H256,
    /// Where the bytes are.
    pub cid: Cid,
    /// SPDX licence expression.
    pub licence: Licence,
    /// Number of samples.
    pub samples: u32,
    /// Bytes in a sample: the branch's context + 1 for byte-level tokens.
    pub window: u32,
}

/// One data set's share of a branch's mixture.
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
pub struct MixtureEntry {
    /// Data set.
    pub dataset: DatasetId,
    /// Weight; the share is weight / sum of weights.
    pub weight: u32,
}

/// A branch's mixture.
pub type Mixture = BoundedVec<MixtureEntry, ConstU32<MAX_MIXTURE>>;

/// Whether a sample is held out.
pub fn held_out(sample: u64) -> bool {
    sample % HELD_OUT_EVERY == HELD_OUT_EVERY.wrapping_sub(1)
}

/// Number of samples, of `samples`, that may be streamed.
pub fn streamed(samples: u64) -> u64 {
    samples.saturating_sub(samples / HELD_OUT_EVERY)
}

/// The n-th sample that is not held out.
pub fn nth_streamed(n: u64) -> u64 {
    const KEPT: u64 = HELD_OUT_EVERY - 1;
    n.saturating_add(n / KEPT)
}

/// Leaf hash of a sample.
pub fn sample_leaf(window: &[u8]) -> H256 {
    merkle::leaf(Domain::Data, window)
}

/// Root over all whole windows of `bytes`. A `window` of zero gives the empty root.
pub fn root(bytes: &[u8], window: u32) -> H256 {
    let window = crate::math::to_usize(window);
    let leaves: alloc::vec::Vec<H256> = if window == 0 {
        alloc::vec::Vec::new()
    } else {
        bytes.chunks_exact(window).map(sample_leaf).collect()
    };
    merkle::root(Domain::Data, &leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nth_streamed_should_walk_all_samples_that_are_not_held_out() {
        let expected: alloc::vec::Vec<u64> = (0..103).filter(|i| !held_out(*i)).collect();
        let got: alloc::vec::Vec<u64> = (0..streamed(103)).map(nth_streamed).collect();
        assert_eq!(got, expected);
        assert_eq!(expected.len(), 103 - 5);
    }

    #[test]
    fn root_should_ignore_the_rest_and_see_every_byte() {
        let bytes: alloc::vec::Vec<u8> = (0..100u8).collect();
        assert_eq!(root(&bytes, 30), root(&bytes[..90], 30));
        let mut other = bytes.clone();
        other[89] = 0;
        assert_ne!(root(&bytes, 30), root(&other, 30));
    }
}
