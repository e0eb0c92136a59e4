// SPDX-License-Identifier: GPL-3.0-or-later
//! Error feedback (Seide et al. 2014, Karimireddy et al. 2019): what compression drops is added to the next delta.
//!
//! A miner trains steps d, sends the chunks of d + e, where e is the residual of its last merged claim, and keeps the new
//! residual e' = b (d + e - decode(chunks)), where b is the recipe's `error_feedback`. All are grid steps, exact integers,
//! so that with b = 1 over any number of rounds the sum of what was sent plus the last residual is the sum of what was
//! trained (unless a sum passes `i32` and clamps). With local training b below 1 serves better: from a base that did not
//! move where nothing was sent, a miner trains the same movement again.

use crate::claim::{Claim, StoredResidual};
use crate::delta::{decode_delta, DeltaChunk};
use crate::hashing::Domain;
use crate::math::{clamp_i32, to_u64};
use crate::merkle;
use crate::state::{chunk_bytes, CHUNK};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitive_types::H256;
use scale_info::TypeInfo;

/// What an account's last merged claim on a branch left over: where its next claim there must start.
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
pub struct CarriedResidual {
    /// The claim.
    pub claim: H256,
    /// Its residual at the end; never zeros, which are not carried.
    pub residual: StoredResidual,
}

impl CarriedResidual {
    /// What a merged claim leaves to the account's next one; none for zeros and without error feedback.
    pub fn of(id: H256, claim: &Claim) -> Option<Self> {
        let end = claim.residual.and_then(|r| r.end);
        let residual = end.filter(|end| !end.root.is_zero())?;
        Some(Self {
            claim: id,
            residual,
        })
    }
}

/// Whether a claim's residual starts at what is carried, under a recipe that has error feedback; without, it has none.
pub fn continues(claim: &Claim, has_feedback: bool, carried: Option<&CarriedResidual>) -> bool {
    let start = claim.residual.map(|r| r.start);
    start == has_feedback.then(|| carried.map(|c| c.residual))
}

/// Grid steps to be sent: the trained steps plus the residual, clamped to `i32`. An empty residual is all zeros.
pub fn compensate(steps: &[i32], residual: &[i32]) -> Vec<i32> {
    let residual = residual.iter().copied().chain(core::iter::repeat(0));
    steps
        .iter()
        .zip(residual)
        .map(|(step, rest)| step.saturating_add(rest))
        .collect()
}

/// What the chunks leave out of the steps that were to be sent (from [`compensate`]), of it `keep` (2^-16 units, at most
/// 2^16), rounded towards zero and clamped to `i32`. Chunks that encode these very steps never clamp: a decoded step has
/// its step's sign and is within 2^30 of zero.
pub fn residual(steps: &[i32], chunks: &[DeltaChunk], keep: u32) -> Vec<i32> {
    let sent = decode_delta(chunks, to_u64(steps.len()));
    let sent = sent.into_iter().chain(core::iter::repeat(0));
    steps
        .iter()
        .zip(sent)
        .map(|(step, sent)| {
            let left = i64::from(*step).wrapping_sub(i64::from(sent));
            // |left| < 2^32 and keep <= 2^16.
            clamp_i32(left.saturating_mul(i64::from(keep)) / 65_536)
        })
        .collect()
}

/// Root of a residual: the Merkle root over its chunks of [`CHUNK`] little-endian `i32`, and [`H256::zero`] for a residual
/// of zeros, whatever its length: an account without a merged claim starts there.
pub fn residual_root(residual: &[i32]) -> H256 {
    if residual.iter().all(|rest| *rest == 0) {
        return H256::zero();
    }
    let leaves: Vec<H256> = residual
        .chunks(CHUNK)
        .map(|chunk| merkle::leaf(Domain::Residual, &chunk_bytes(chunk)))
        .collect();
    merkle::root(Domain::Residual, &leaves)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::encode_delta;
    use crate::recipe::DeltaCodec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_sent_and_kept_should_sum_to_what_was_trained(
            rounds in (1usize..5_000).prop_flat_map(|len| prop::collection::vec(
                prop::collection::vec(-(1i32 << 27)..(1 << 27), len), 1..8)),
            scale in 0u32..27,
            per_chunk in prop::option::of(1u16..64),
        ) {
            let codec = per_chunk.map_or(DeltaCodec::DenseInt8, |per_chunk| DeltaCodec::TopK { per_chunk });
            let len = rounds[0].len();
            let (mut trained, mut sent, mut rest) = (vec![0i64; len], vec![0i64; len], Vec::new());
            for steps in &rounds {
                let steps: Vec<i32> = steps.iter().map(|s| s >> scale).collect();
                let whole = compensate(&steps, &rest);
                let chunks = encode_delta(&codec, &whole);
                rest = residual(&whole, &chunks, 1 << 16);
                trained.iter_mut().zip(&steps).for_each(|(t, s)| *t += i64::from(*s));
                sent.iter_mut().zip(decode_delta(&chunks, len as u64)).for_each(|(t, s)| *t += i64::from(s));
            }
            for ((trained, sent), rest) in trained.iter().zip(&sent).zip(&rest) {
                prop_assert_eq!(*trained, sent + i64::from(*rest));
            }
        }
    }

    #[test]
    fn extremes_should_clamp_instead_of_overflowing() {
        assert_eq!(
            compensate(&[i32::MAX, i32::MIN, 5], &[1, -1]),
            [i32::MAX, i32::MIN, 5]
        );
        for step in [i32::MAX, i32::MIN] {
            let chunks = encode_delta(&DeltaCodec::DenseInt8, &[step]);
            let rest = residual(&[step], &chunks, 1 << 16);
            let sent = decode_delta(&chunks, 1);
            assert_eq!(
                i64::from(step),
                i64::from(sent[0]) + i64::from(rest[0]),
                "nothing is lost at {step}"
            );
        }
        let opposite = encode_delta(&DeltaCodec::DenseInt8, &[i32::MIN]);
        assert_eq!(residual(&[i32::MAX], &opposite, 1 << 16), [i32::MAX]);
    }

    #[test]
    fn residual_should_keep_its_part_rounded_towards_zero() {
        let chunks = encode_delta(&DeltaCodec::TopK { per_chunk: 1 }, &[100, 7, -7, 1]);
        let kept = |keep| residual(&[100, 7, -7, 1], &chunks, keep);
        assert_eq!(kept(1 << 16), [0, 7, -7, 1]);
        assert_eq!(kept(1 << 15), [0, 3, -3, 0]);
        assert_eq!(kept(0), [0; 4]);
    }

    #[test]
    fn residual_root_should_be_zero_for_zeros_only() {
        assert_eq!(residual_root(&[]), H256::zero());
        assert_eq!(residual_root(&[0; 5_000]), H256::zero());
        let mut one = vec![0; 5_000];
        one[4_999] = 1;
        let root = residual_root(&one);
        assert_ne!(root, H256::zero());
        one.swap(4_999, 0);
        assert_ne!(residual_root(&one), root);
        assert_ne!(root, crate::state::root(&one));
    }
}
