// SPDX-License-Identifier: GPL-3.0-or-later
//! Content identifiers in their on-chain form.
//!
//! The profile is pinned: CIDv1, sha2-256, UnixFS with raw leaves, 1 MiB chunks, balanced layout, fan-out 1024, a
//! single leaf collapsed. A file of at most 1 MiB has a raw CID, a larger one a dag-pb CID. Roots, not CIDs, are what
//! the chain checks; a CID only says where to fetch.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Multicodec of the CID's root block.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum CidCodec {
    /// `raw` (0x55): the bytes themselves.
    Raw,
    /// `dag-pb` (0x70): a UnixFS tree.
    DagPb,
}

/// A CIDv1 with a sha2-256 digest.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cid {
    /// Multicodec of the root block.
    pub codec: CidCodec,
    /// sha2-256 of the root block.
    pub digest: [u8; 32],
}

impl Cid {
    /// The binary CID: version, codec, hash function, length, digest (36 bytes).
    pub fn to_bytes(&self) -> [u8; 36] {
        let codec = match self.codec {
            CidCodec::Raw => 0x55,
            CidCodec::DagPb => 0x70,
        };
        let mut out = [0u8; 36];
        let head = [1u8, codec, 0x12, 0x20];
        out.iter_mut()
            .zip(head.iter().chain(self.digest.iter()))
            .for_each(|(o, b)| *o = *b);
        out
    }

    /// Reads a binary CID; `None` when it is not CIDv1 / sha2-256 with codec raw or dag-pb.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, digest) = bytes.split_at_checked(4)?;
        let codec = match head {
            [1, 0x55, 0x12, 0x20] => CidCodec::Raw,
            [1, 0x70, 0x12, 0x20] => CidCodec::DagPb,
            _ => return None,
        };
        Some(Self {
            codec,
            digest: digest.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cid_should_round_trip_when_profile_matches() {
        for codec in [CidCodec::Raw, CidCodec::DagPb] {
            let cid = Cid {
                codec,
                digest: [7; 32],
            };
            assert_eq!(Cid::from_bytes(&cid.to_bytes()), Some(cid));
        }
        assert_eq!(Cid::from_bytes(&[1, 0x55, 0x12, 0x20]), None);
        assert_eq!(Cid::from_bytes(&[0; 36]), None);
    }
}
