// SPDX-License-Identifier: GPL-3.0-or-later
//! Data sets: fixed windows over path-sorted bytes, under a Merkle root.

use crate::cid::Cid;
use crate::emission::PARTS;
use crate::hashing::Domain;
use crate::math::{mul_div, to_usize};
use crate::merkle::{self, MAX_DEPTH};
use crate::{Balance, BlockNumber, BoundedVec, BranchId, ConstU32, DatasetId};
use alloc::vec::Vec;
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
/// Most branches that a data set serves at a time.
pub const MAX_USES: u32 = 32;
/// Most demands for samples of a data set at a time: who holds it can answer them all in time.
pub const MAX_SAMPLE_DEMANDS: u32 = 8;
/// Most demands for samples of all data sets whose time is not over: with the longest windows their answers are 16 MiB.
pub const MAX_OPEN_DEMANDS: u32 = 128;
/// Part of its deposit that a data set loses each time it is suspended, in parts of [`PARTS`].
pub const SUSPENSION_SHARE: u32 = PARTS / 2;

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

/// A branch that a data set serves.
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
pub struct DatasetUse {
    /// Branch.
    pub branch: BranchId,
    /// Last round that may draw from the set; none as long as the branch's mixture names it.
    pub last: Option<u32>,
}

/// Branches that a data set serves.
pub type DatasetUses = BoundedVec<DatasetUse, ConstU32<MAX_USES>>;

/// A demand for a sample of a data set.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SampleDemand<AccountId> {
    /// Which sample.
    pub sample: u32,
    /// Who demands it.
    pub demander: AccountId,
    /// Held from the demander.
    pub held: Balance,
    /// First block after its time: from here on the set is suspended until it is answered.
    pub deadline: BlockNumber,
    /// Whether it was ended unanswered: what was held went back.
    pub lapsed: bool,
}

/// Demands for samples of a data set.
pub type SampleDemands<AccountId> =
    BoundedVec<SampleDemand<AccountId>, ConstU32<MAX_SAMPLE_DEMANDS>>;

/// A sample with its proof.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SampleOpening {
    /// Its bytes.
    pub window: BoundedVec<u8, ConstU32<MAX_WINDOW>>,
    /// Siblings up to the root.
    pub proof: BoundedVec<H256, ConstU32<MAX_DEPTH>>,
}

/// Opens a sample of `bytes`; `None` when there is no such sample.
pub fn open_sample(bytes: &[u8], window: u32, sample: u32) -> Option<SampleOpening> {
    let leaves = leaves(bytes, window);
    let proof = merkle::prove(Domain::Data, &leaves, sample)?;
    let found = bytes.chunks_exact(to_usize(window)).nth(to_usize(sample))?;
    Some(SampleOpening {
        window: found.to_vec().try_into().ok()?,
        proof: proof.try_into().ok()?,
    })
}

/// Whether an opening is that of a sample of the data set.
pub fn verify_sample(info: &DatasetInfo, sample: u32, opening: &SampleOpening) -> bool {
    let leaf = sample_leaf(&opening.window);
    opening.window.len() == to_usize(info.window)
        && merkle::verify(
            Domain::Data,
            &info.root,
            info.samples,
            sample,
            &leaf,
            &opening.proof,
        )
}

/// Most bytes of the answer to a demand: what a demander pays for.
pub fn answer_bytes(window: u32) -> u32 {
    const SIBLING: u32 = 32;
    window.saturating_add(MAX_DEPTH.saturating_mul(SIBLING))
}

/// What a data set loses of its deposit when it is suspended.
pub fn suspension_penalty(deposit: Balance) -> Balance {
    mul_div(deposit, SUSPENSION_SHARE.into(), PARTS.into()).unwrap_or(0)
}

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

/// Leaves of all whole windows of `bytes`; none for a `window` of zero.
fn leaves(bytes: &[u8], window: u32) -> Vec<H256> {
    match to_usize(window) {
        0 => Vec::new(),
        window => bytes.chunks_exact(window).map(sample_leaf).collect(),
    }
}

/// Root over all whole windows of `bytes`. A `window` of zero gives the empty root.
pub fn root(bytes: &[u8], window: u32) -> H256 {
    merkle::root(Domain::Data, &leaves(bytes, window))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cid::CidCodec;
    use proptest::prelude::*;

    fn info(bytes: &[u8], window: u32) -> DatasetInfo {
        DatasetInfo {
            root: root(bytes, window),
            cid: Cid {
                codec: CidCodec::Raw,
                digest: [0; 32],
            },
            licence: Licence::default(),
            samples: bytes.len() as u32 / window,
            window,
        }
    }

    proptest! {
        /// Every sample has a proof, which holds for it alone and only as it is.
        #[test]
        fn sample_should_be_proved_as_itself_alone(
            bytes in prop::collection::vec(any::<u8>(), 2..400),
            window in 2u32..20,
            pick: prop::sample::Index,
            flip: prop::sample::Index,
        ) {
            prop_assume!(bytes.len() >= window as usize);
            let set = info(&bytes, window);
            let sample = pick.index(set.samples as usize) as u32;
            let opening = open_sample(&bytes, window, sample).unwrap();
            let start = (sample * window) as usize;
            prop_assert_eq!(&opening.window[..], &bytes[start..start + window as usize]);
            prop_assert!(verify_sample(&set, sample, &opening));
            for other in (0..=set.samples).filter(|i| *i != sample) {
                prop_assert!(!verify_sample(&set, other, &opening));
            }
            let mut wrong = opening.clone();
            wrong.window[flip.index(window as usize)] ^= 1;
            prop_assert!(!verify_sample(&set, sample, &wrong));
            let longer = DatasetInfo { window: window + 1, ..set.clone() };
            prop_assert!(!verify_sample(&longer, sample, &opening));
            let mut long = opening.clone();
            long.proof.try_push(H256::zero()).unwrap();
            prop_assert!(!verify_sample(&set, sample, &long));
            prop_assert_eq!(open_sample(&bytes, window, set.samples), None);
            let size = window + 32 * opening.proof.len() as u32;
            prop_assert!(size <= answer_bytes(window));
        }
    }

    #[test]
    fn longest_sample_should_open_and_one_byte_more_should_not() {
        let bytes = alloc::vec![7; MAX_WINDOW as usize + 1];
        let opening = open_sample(&bytes, MAX_WINDOW, 0).unwrap();
        assert!(verify_sample(&info(&bytes, MAX_WINDOW), 0, &opening));
        assert!(opening.encoded_size() <= answer_bytes(MAX_WINDOW) as usize + 8);
        assert_eq!(open_sample(&bytes, MAX_WINDOW + 1, 0), None);
        assert_eq!(open_sample(&bytes, 0, 0), None);
    }

    #[test]
    fn suspension_should_cost_half_of_what_is_left() {
        assert_eq!(suspension_penalty(11), 5);
        assert_eq!(suspension_penalty(Balance::MAX), Balance::MAX / 2);
    }

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
