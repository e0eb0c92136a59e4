// SPDX-License-Identifier: GPL-3.0-or-later
//! Model states: integers on a grid, cut into chunks, under a Merkle root; and the server optimiser's moments beside them.
//!
//! The moments are tensors of the state's size, one after another, each cut into chunks by itself: leaf
//! `moment * chunks + chunk` of the server tree is chunk `chunk` of moment `moment`.

use crate::hashing::Domain;
use crate::merkle;
use alloc::vec::Vec;
use primitive_types::H256;

/// Parameters in a chunk of a state; the last chunk may be short.
pub const CHUNK: usize = 4096;

/// Little-endian bytes of a chunk.
pub fn chunk_bytes(chunk: &[i32]) -> Vec<u8> {
    chunk.iter().flat_map(|n| n.to_le_bytes()).collect()
}

/// Leaf hash of a chunk.
pub fn chunk_leaf(chunk: &[i32]) -> H256 {
    merkle::leaf(Domain::State, &chunk_bytes(chunk))
}

/// Leaf hashes of a whole state (all parameters in manifest order).
pub fn leaves(state: &[i32]) -> Vec<H256> {
    state.chunks(CHUNK).map(chunk_leaf).collect()
}

/// `state_root`: the binary Merkle root over the chunks.
pub fn root(state: &[i32]) -> H256 {
    merkle::root(Domain::State, &leaves(state))
}

/// Leaf hash of one chunk of one moment.
pub fn server_leaf(chunk: &[i32]) -> H256 {
    merkle::leaf(Domain::Server, &chunk_bytes(chunk))
}

/// Leaf hashes of the moments of a model of `parameters` parameters, moment after moment.
pub fn server_leaves(moments: &[i32], parameters: usize) -> Vec<H256> {
    moments
        .chunks(parameters.max(1))
        .flat_map(|moment| moment.chunks(CHUNK).map(server_leaf))
        .collect()
}

/// `server_root`: the binary Merkle root over the chunks of all moments; zero where there are no moments.
pub fn server_root(moments: &[i32], parameters: usize) -> H256 {
    if moments.is_empty() {
        return H256::zero();
    }
    merkle::root(Domain::Server, &server_leaves(moments, parameters))
}

/// Reads a state from its bytes (little-endian i32); `None` when the length is not four times `parameters`.
pub fn from_bytes(bytes: &[u8], parameters: u64) -> Option<Vec<i32>> {
    if u64::try_from(bytes.len()).ok()? != parameters.checked_mul(4)? {
        return None;
    }
    Some(
        bytes
            .chunks_exact(4)
            .map(|b| {
                b.iter()
                    .rev()
                    .fold(0u32, |n, b| (n << 8) | u32::from(*b))
                    .cast_signed()
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_should_round_trip_and_refuse_wrong_length() {
        let s: Vec<i32> = (0..5000)
            .map(|i: i32| i.wrapping_mul(-77_777_777))
            .collect();
        let bytes: Vec<u8> = s.chunks(CHUNK).flat_map(chunk_bytes).collect();
        assert_eq!(from_bytes(&bytes, 5000).unwrap(), s);
        assert!(from_bytes(&bytes[1..], 5000).is_none());
        assert!(from_bytes(&bytes, 4999).is_none());
        let mut t = s.clone();
        t[4999] ^= 1;
        assert_ne!(root(&s), root(&t));
    }

    #[test]
    fn server_leaves_should_stand_moment_by_moment() {
        let moments: Vec<i32> = (0..2 * 5000).collect();
        let leaves = server_leaves(&moments, 5000);
        let expected = [
            &moments[..CHUNK],
            &moments[CHUNK..5000],
            &moments[5000..5000 + CHUNK],
            &moments[5000 + CHUNK..],
        ];
        assert_eq!(leaves, expected.map(server_leaf));
        assert_ne!(server_leaf(&[1]), chunk_leaf(&[1]));
        assert_ne!(
            server_root(&moments, 5000),
            server_root(&moments, 10_000),
            "the cut is part of the root"
        );
        assert_eq!(server_root(&[], 5000), H256::zero());
    }
}
