// SPDX-License-Identifier: GPL-3.0-or-later
//! Ciphertexts of a contribution, or their sum, as blobs and as trees.
//!
//! Three blobs: the leaves of the data tree, the leaves of the key tree, and an index with the names of both, whose own name
//! goes on chain. So a member fetches keys only.

use bytes::Bytes;
use codec::{DecodeAll, Encode};
use dream_kernels::data::Ciphertext;
use dream_kernels::threshold::KeyCiphertext;
use dream_kernels::wire::WireError;
use dream_primitives::cid::Cid;
use dream_primitives::dispute::{answer_hashes, Answer, DisputeError, NodeId, NodeValue};
use dream_primitives::hashing::Domain;
use dream_primitives::merkle;
use dream_primitives::private::round::CiphertextRoots;
use dream_primitives::private::sum::{residue_leaf, LeafOpening, SumProof};
use dream_primitives::private::LEAF_BYTES;
use dream_primitives::H256;
use dream_store::{cid_of, BlobStore, StoreError};
use thiserror::Error;

use crate::layers::{Layers, RoundFacts};

/// Bytes of an index: version, codec and digest of both names.
const INDEX_BYTES: u64 = 1 + 2 * 33;
/// Version of the index.
const INDEX_VERSION: u8 = 1;

/// Why a blob of a private round is refused.
#[derive(Debug, Error)]
pub enum BlobError {
    /// It cannot be fetched, or is not what its name says.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The bytes hash to another name.
    #[error("the {blob} is not the blob that the chain names: fetch it again")]
    Name {
        /// What it should be.
        blob: &'static str,
    },
    /// Truncated or over-long.
    #[error("the {blob} has {found} bytes where {expected} were expected")]
    Length {
        /// What it should be.
        blob: &'static str,
        /// Bytes of the only valid encoding.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The index is not in its form.
    #[error("the index of ciphertexts is not in its form: version 1 and two names are expected")]
    Index,
    /// The leaves make another root.
    #[error("the {blob} makes root {found:?}, the chain has {expected:?}")]
    Root {
        /// What it should be.
        blob: &'static str,
        /// Root on chain.
        expected: H256,
        /// Root of the bytes.
        found: H256,
    },
    /// A residue is not below its prime.
    #[error("the polynomial from leaf {leaf} of the {blob} is malformed: {wire}")]
    Malformed {
        /// What it should be.
        blob: &'static str,
        /// First leaf of the polynomial.
        leaf: u32,
        /// What is wrong.
        wire: WireError,
    },
}

const DATA: &str = "blob of data ciphertexts";
const KEYS: &str = "blob of key ciphertexts";

/// Whole leaves, in the order of their tree, and their hashes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeafTree {
    bytes: Bytes,
    hashes: Vec<H256>,
}

impl LeafTree {
    /// The tree over `bytes`, which must be `leaves` leaves.
    ///
    /// # Errors
    /// [`BlobError::Length`]; `blob` names it.
    pub fn new(blob: &'static str, bytes: Bytes, leaves: u32) -> Result<Self, BlobError> {
        let expected = leaves as usize * LEAF_BYTES as usize;
        if bytes.len() != expected {
            return Err(BlobError::Length {
                blob,
                expected,
                found: bytes.len(),
            });
        }
        let hashes = bytes
            .chunks_exact(LEAF_BYTES as usize)
            .map(residue_leaf)
            .collect();
        Ok(Self { bytes, hashes })
    }

    fn under(self, blob: &'static str, expected: H256) -> Result<Self, BlobError> {
        let found = self.root();
        if found != expected {
            return Err(BlobError::Root {
                blob,
                expected,
                found,
            });
        }
        Ok(self)
    }

    /// All leaves.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Number of leaves.
    pub fn leaves(&self) -> u32 {
        self.hashes.len() as u32
    }

    /// Merkle root.
    pub fn root(&self) -> H256 {
        merkle::root(Domain::Residues, &self.hashes)
    }

    /// The answer to a demand for `node` in a dispute.
    ///
    /// # Errors
    /// As [`answer_hashes`]: there is no such node.
    pub fn answer(&self, node: NodeId) -> Result<Answer, DisputeError> {
        answer_hashes(Domain::Residues, &self.hashes, node)
    }

    /// The first place of another's answer for `node` that differs from this tree; `None` where none does.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn differs(&self, node: NodeId, answer: &Answer) -> Result<Option<u32>, DisputeError> {
        let ours = self.answer(node)?;
        let mut places = (0u32..).map_while(|at| ours.get(at).map(|value| (at, value)));
        Ok(places
            .find(|(at, value): &(u32, NodeValue)| answer.get(*at) != Some(*value))
            .map(|(at, _)| at))
    }

    /// The opening of a leaf; `None` where there is none.
    pub fn open(&self, leaf: u32) -> Option<LeafOpening> {
        let proof = merkle::prove(Domain::Residues, &self.hashes, leaf)?;
        let at = leaf as usize * LEAF_BYTES as usize;
        let bytes = self.bytes.get(at..at + LEAF_BYTES as usize)?;
        Some(LeafOpening {
            bytes: bytes.to_vec().try_into().ok()?,
            proof: proof.try_into().ok()?,
        })
    }
}

/// One leaf of every contribution of a sum, which shows what an honest sum has there; `None` where there is no such leaf.
pub fn sum_proof<'a>(parts: impl IntoIterator<Item = &'a LeafTree>, leaf: u32) -> Option<SumProof> {
    let parts: Option<Vec<_>> = parts.into_iter().map(|tree| tree.open(leaf)).collect();
    Some(SumProof {
        leaf,
        parts: parts?.try_into().ok()?,
    })
}

/// The ciphertexts of one contribution, or a sum of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ciphertexts {
    /// The data layer's.
    pub data: LeafTree,
    /// The key layer's.
    pub keys: LeafTree,
}

impl Ciphertexts {
    pub(crate) fn new(round: &RoundFacts, data: Vec<u8>, keys: Vec<u8>) -> Result<Self, BlobError> {
        Ok(Self {
            data: LeafTree::new(DATA, data.into(), round.layout.data_leaves)?,
            keys: LeafTree::new(KEYS, keys.into(), round.layout.key_leaves)?,
        })
    }

    fn index(&self) -> Vec<u8> {
        (
            INDEX_VERSION,
            cid_of(&self.data.bytes),
            cid_of(&self.keys.bytes),
        )
            .encode()
    }

    /// What goes on chain.
    pub fn roots(&self) -> CiphertextRoots {
        CiphertextRoots {
            data: self.data.root(),
            keys: self.keys.root(),
            cid: cid_of(&self.index()),
        }
    }

    /// Stores the three blobs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn publish(&self, store: &dyn BlobStore) -> Result<CiphertextRoots, StoreError> {
        store.put_bytes(self.data.bytes.clone()).await?;
        store.put_bytes(self.keys.bytes.clone()).await?;
        store.put_bytes(self.index().into()).await?;
        Ok(self.roots())
    }

    /// Fetches ciphertexts and checks their form: lengths, roots, every residue below its prime.
    ///
    /// # Errors
    /// [`BlobError`]: an auditor votes "lacking".
    pub async fn fetch(
        store: &dyn BlobStore,
        layers: &Layers,
        round: &RoundFacts,
        roots: &CiphertextRoots,
    ) -> Result<Self, BlobError> {
        let (data, _) = fetch_index(store, &roots.cid).await?;
        let leaves = round.layout.data_leaves;
        let bytes = fetch_leaves(store, &data, leaves).await?;
        let data = LeafTree::new(DATA, bytes, leaves)?.under(DATA, roots.data)?;
        read_data(layers, round, &data, 1)?;
        let keys = fetch_keys(store, layers, round, roots).await?;
        Ok(Self { data, keys })
    }
}

async fn fetch_index(store: &dyn BlobStore, cid: &Cid) -> Result<(Cid, Cid), BlobError> {
    let bytes = store.get(cid, INDEX_BYTES).await?;
    let decoded = <(u8, Cid, Cid)>::decode_all(&mut &bytes[..]);
    match decoded {
        Ok((INDEX_VERSION, data, keys)) => Ok((data, keys)),
        _ => Err(BlobError::Index),
    }
}

async fn fetch_leaves(store: &dyn BlobStore, cid: &Cid, leaves: u32) -> Result<Bytes, BlobError> {
    let most = u64::from(leaves) * u64::from(LEAF_BYTES);
    Ok(store.get(cid, most).await?)
}

/// Fetches the key layer's ciphertexts alone, which is all that a member needs, and checks them.
///
/// # Errors
/// [`BlobError`].
pub async fn fetch_keys(
    store: &dyn BlobStore,
    layers: &Layers,
    round: &RoundFacts,
    roots: &CiphertextRoots,
) -> Result<LeafTree, BlobError> {
    let (_, keys) = fetch_index(store, &roots.cid).await?;
    let leaves = round.layout.key_leaves;
    let bytes = fetch_leaves(store, &keys, leaves).await?;
    let keys = LeafTree::new(KEYS, bytes, leaves)?.under(KEYS, roots.keys)?;
    read_keys(layers, round, &keys, 1)?;
    Ok(keys)
}

fn read<T>(
    blob: &'static str,
    tree: &LeafTree,
    leaves: u32,
    poly_bytes: usize,
    decode: impl Fn(u32, &[u8]) -> Result<T, WireError>,
) -> Result<Vec<T>, BlobError> {
    let expected = leaves as usize * LEAF_BYTES as usize;
    if tree.bytes.len() != expected {
        return Err(BlobError::Length {
            blob,
            expected,
            found: tree.bytes.len(),
        });
    }
    let polys = (0u32..).zip(tree.bytes.chunks_exact(poly_bytes));
    polys
        .map(|(at, residues)| {
            decode(at, residues).map_err(|wire| {
                let leaves = (poly_bytes / LEAF_BYTES as usize) as u32;
                BlobError::Malformed {
                    blob,
                    leaf: at * leaves,
                    wire,
                }
            })
        })
        .collect()
}

/// The data ciphertexts of a tree, polynomial after polynomial, each a sum of `terms`.
///
/// # Errors
/// [`BlobError::Length`], [`BlobError::Malformed`].
pub fn read_data(
    layers: &Layers,
    round: &RoundFacts,
    tree: &LeafTree,
    terms: u32,
) -> Result<Vec<Ciphertext>, BlobError> {
    let leaves = round.layout.data_leaves;
    read(DATA, tree, leaves, layers.data_poly_bytes(), |at, bytes| {
        layers.data_ciphertext(round, at, terms, bytes)
    })
}

/// The key ciphertexts of a tree; as [`read_data`].
///
/// # Errors
/// As [`read_data`].
pub fn read_keys(
    layers: &Layers,
    round: &RoundFacts,
    tree: &LeafTree,
    terms: u32,
) -> Result<Vec<KeyCiphertext>, BlobError> {
    let leaves = round.layout.key_leaves;
    read(KEYS, tree, leaves, layers.key_poly_bytes(), |at, bytes| {
        layers.key_ciphertext(round, at, terms, bytes)
    })
}

/// Bytes under a name that the chain gives.
pub(crate) fn named<'a>(
    blob: &'static str,
    bytes: &'a [u8],
    cid: &Cid,
) -> Result<&'a [u8], BlobError> {
    if cid_of(bytes) == *cid {
        Ok(bytes)
    } else {
        Err(BlobError::Name { blob })
    }
}
