// SPDX-License-Identifier: GPL-3.0-or-later
//! An epoch's key: dealings as blobs, their check, the public key.
//!
//! A dealing's blob holds the commitments in the order of the sets, then every seed, sealed to each member that holds it
//! but the dealer, by set and member.

use codec::Encode;
use dream_kernels::sample::Seed;
pub use dream_kernels::threshold::PublicKey;
use dream_kernels::threshold::{Commitment, Dealing, ThresholdError};
use dream_kernels::wire::WireError;
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::merkle;
use dream_primitives::private::committee::{
    bit, names, share_hash, DealerVotes, KeyEpoch, NamedKey, ShareDealing,
};
use dream_primitives::{BoundedVec, H256};
use dream_store::cid_of;
use thiserror::Error;

use crate::blobs::{named, BlobError};
use crate::layers::Layers;
use crate::transport::{self, TransportError, SEALED_BYTES};

/// Tag of the dealer's fresh transport keys.
const FRESH_TAG: &[u8] = b"dream-private/fresh/1";

/// What a member needs to know of an epoch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EpochFacts {
    /// Number.
    pub number: u32,
    /// Transport keys of the members, in the order of their numbers.
    pub transports: Vec<H256>,
    /// Members whose dealings count, as a mask.
    pub dealers: u8,
}

impl<AccountId> From<&KeyEpoch<AccountId>> for EpochFacts {
    fn from(epoch: &KeyEpoch<AccountId>) -> Self {
        Self {
            number: epoch.number,
            transports: epoch.members.iter().map(|m| m.transport).collect(),
            dealers: epoch.dealers,
        }
    }
}

/// What is wrong with a dealing.
#[derive(Debug, Error)]
pub enum DealingFault {
    /// It is not to be had: vote "missing".
    #[error("the dealing of member {0} is not to be had")]
    Missing(u8),
    /// Its blob is not what the dealer put on chain: vote "bad".
    #[error("the dealing of member {dealer} is bad: {fault}")]
    Bad {
        /// The dealer.
        dealer: u8,
        /// What is wrong.
        fault: BadDealing,
    },
    /// A seed that this member holds is missing or wrong: complain of it; unanswered, vote "missing".
    #[error("the share of dealer {dealer} for set {set:#b} is to be complained of: {fault}")]
    Share {
        /// The dealer.
        dealer: u8,
        /// The set.
        set: u8,
        /// What is wrong.
        fault: BadShare,
    },
}

/// Why a dealing is bad; everybody sees the same.
#[derive(Debug, Error)]
pub enum BadDealing {
    /// Length of the blob.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A commitment that cannot be read.
    #[error("the commitment to set {set:#b} is malformed: {wire}")]
    Malformed {
        /// The set.
        set: u8,
        /// What is wrong.
        wire: WireError,
    },
    /// A commitment of another dealer, set or epoch.
    #[error("the commitment at the place of set {0:#b} is another's")]
    Misplaced(u8),
    /// A seed that the dealer showed on chain does not make its commitment.
    #[error("the seed that was shown for set {0:#b} does not make its commitment")]
    Shown(u8),
}

/// Why a share is to be complained of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum BadShare {
    /// It does not open.
    #[error(transparent)]
    Sealed(#[from] TransportError),
    /// It is not the seed of the dealer's hash.
    #[error("the seed is another than the one whose hash is on chain")]
    Hash,
    /// It does not make its commitment.
    #[error("the seed does not make its commitment")]
    Commitment,
}

/// A dealing that passed the check of a member.
#[derive(Clone, Debug)]
pub struct HeldDealing {
    /// All commitments, in the order of the sets.
    pub commitments: Vec<Commitment>,
    /// (set, seed) of the shares that the member holds.
    pub shares: Vec<(u8, Seed)>,
}

fn share_context(layers: &Layers, epoch: u32, dealer: u8, set: u8, holder: u8) -> Vec<u8> {
    (layers.genesis(), epoch, dealer, set, holder).encode()
}

/// (set, holder) of every sealed seed of a dealer's blob, in its order.
fn sealed_places(layers: &Layers, dealer: u8) -> Vec<(u8, u8)> {
    let members = layers.params().get().committee.members;
    let holders = |set: u8| {
        (0..members)
            .filter(move |holder| !names(set, *holder) && *holder != dealer)
            .map(move |holder| (set, holder))
    };
    let sets = layers.keys().params().sets().iter().copied();
    sets.flat_map(holders).collect()
}

/// A dealer's blob, and what it puts on chain.
///
/// # Errors
/// [`ThresholdError`]: the dealer is no member.
pub fn publish_dealing(
    layers: &Layers,
    epoch: &EpochFacts,
    dealing: &Dealing,
    fresh: &Seed,
) -> Result<(ShareDealing, Vec<u8>), ThresholdError> {
    let (dealer, keys) = (dealing.dealer, layers.keys());
    let mut blob = vec![];
    let mut leaves = vec![];
    let mut hashes = vec![];
    for (set, share) in &dealing.shares {
        let commitment = keys.commit(epoch.number, dealer, *set, share)?;
        let bytes = keys.encode_commitment(&commitment);
        leaves.push(merkle::leaf(Domain::KeyShare, &bytes));
        blob.extend(bytes);
        let seed = H256(*share.bytes());
        hashes.push(share_hash(
            layers.genesis(),
            epoch.number,
            dealer,
            *set,
            &seed,
        ));
    }
    for (set, holder) in sealed_places(layers, dealer) {
        let context = share_context(layers, epoch.number, dealer, set, holder);
        let share = dealing.shares.iter().find(|(s, _)| *s == set);
        let transport = epoch.transports.get(usize::from(holder));
        let fresh = fresh.derive(FRESH_TAG, &context);
        let sealed = share
            .zip(transport)
            .and_then(|((_, seed), key)| transport::seal(&fresh, key, &context, seed).ok());
        // A holder whose transport key is weak can only complain; then the seed is shown to it and everybody.
        blob.extend(sealed.unwrap_or([0; SEALED_BYTES]));
    }
    let dealing = ShareDealing {
        commitments_root: merkle::root(Domain::KeyShare, &leaves),
        cid: cid_of(&blob),
        shares: BoundedVec::truncate_from(hashes),
    };
    Ok((dealing, blob))
}

/// Bytes of a dealing's blob.
pub fn dealing_bytes(layers: &Layers, dealer: u8) -> usize {
    let keys = layers.keys();
    keys.params().sets().len() * keys.commitment_bytes()
        + sealed_places(layers, dealer).len() * SEALED_BYTES
}

/// Who checks dealings of which epoch.
#[derive(Clone, Debug)]
pub struct Inspection<'a> {
    /// The layers.
    pub layers: &'a Layers,
    /// The epoch.
    pub epoch: &'a EpochFacts,
    /// Number of the member that checks.
    pub member: u8,
    /// Its transport secret.
    pub transport: Seed,
}

impl Inspection<'_> {
    /// Checks another member's dealing: `blob` as far as it is to be had, `shown` the seeds of its shares that stand on chain.
    ///
    /// # Errors
    /// [`DealingFault`] says what to do.
    pub fn check(
        &self,
        dealer: u8,
        on_chain: &ShareDealing,
        blob: Option<&[u8]>,
        shown: &[(u8, H256)],
    ) -> Result<HeldDealing, DealingFault> {
        let blob = blob.and_then(|b| named("dealing", b, &on_chain.cid).ok());
        let blob = blob.ok_or(DealingFault::Missing(dealer))?;
        let bad = |fault| DealingFault::Bad { dealer, fault };
        let commitments = self.commitments(dealer, on_chain, blob).map_err(bad)?;
        let of = |set: u8| commitments.iter().find(|c| c.set == set);
        for (set, seed) in shown {
            let seed = Seed::new(seed.0);
            let right = of(*set).is_some_and(|c| self.layers.keys().check_share(c, &seed).is_ok());
            if !right {
                return Err(bad(BadDealing::Shown(*set)));
            }
        }
        let sealed = &blob[commitments.len() * self.layers.keys().commitment_bytes()..];
        let mut shares = vec![];
        let places = sealed_places(self.layers, dealer);
        for ((set, holder), sealed) in places.into_iter().zip(sealed.chunks_exact(SEALED_BYTES)) {
            if holder != self.member {
                continue;
            }
            let shown = shown.iter().find(|(s, _)| *s == set);
            let seed = match shown {
                Some((_, seed)) => Seed::new(seed.0),
                None => self
                    .open(dealer, on_chain, set, of(set), sealed)
                    .map_err(|fault| DealingFault::Share { dealer, set, fault })?,
            };
            shares.push((set, seed));
        }
        Ok(HeldDealing {
            commitments,
            shares,
        })
    }

    fn commitments(
        &self,
        dealer: u8,
        on_chain: &ShareDealing,
        blob: &[u8],
    ) -> Result<Vec<Commitment>, BadDealing> {
        let keys = self.layers.keys();
        let expected = dealing_bytes(self.layers, dealer);
        if blob.len() != expected {
            return Err(BlobError::Length {
                blob: "dealing",
                expected,
                found: blob.len(),
            }
            .into());
        }
        let sets = keys.params().sets();
        let parts = || sets.iter().zip(blob.chunks_exact(keys.commitment_bytes()));
        let leaves: Vec<H256> = parts()
            .map(|(_, bytes)| merkle::leaf(Domain::KeyShare, bytes))
            .collect();
        let found = merkle::root(Domain::KeyShare, &leaves);
        if found != on_chain.commitments_root {
            return Err(BlobError::Root {
                blob: "dealing",
                expected: on_chain.commitments_root,
                found,
            }
            .into());
        }
        parts()
            .map(|(set, bytes)| {
                let read = keys.decode_commitment(bytes);
                let c = read.map_err(|wire| BadDealing::Malformed { set: *set, wire })?;
                if (c.dealer, c.set, c.epoch) != (dealer, *set, self.epoch.number) {
                    return Err(BadDealing::Misplaced(*set));
                }
                Ok(c)
            })
            .collect()
    }

    fn open(
        &self,
        dealer: u8,
        on_chain: &ShareDealing,
        set: u8,
        commitment: Option<&Commitment>,
        sealed: &[u8],
    ) -> Result<Seed, BadShare> {
        let number = self.epoch.number;
        let context = share_context(self.layers, number, dealer, set, self.member);
        let seed = transport::open(&self.transport, &context, sealed)?;
        let keys = self.layers.keys();
        let at = keys.params().sets().iter().position(|s| *s == set);
        let known = at.and_then(|at| on_chain.shares.get(at));
        let genesis = self.layers.genesis();
        let hash = share_hash(genesis, number, dealer, set, &H256(*seed.bytes()));
        if known != Some(&hash) {
            return Err(BadShare::Hash);
        }
        match commitment.map(|c| keys.check_share(c, &seed)) {
            Some(Ok(())) => Ok(seed),
            _ => Err(BadShare::Commitment),
        }
    }
}

/// A member's vote on the dealers.
pub fn votes<'a>(faults: impl IntoIterator<Item = &'a DealingFault>) -> DealerVotes {
    let mut votes = DealerVotes { bad: 0, missing: 0 };
    for fault in faults {
        match fault {
            DealingFault::Bad { dealer, .. } => votes.bad |= bit(*dealer),
            DealingFault::Missing(dealer) | DealingFault::Share { dealer, .. } => {
                votes.missing |= bit(*dealer);
            }
        }
    }
    votes
}

fn key_hash(layers: &Layers, bytes: &[u8]) -> H256 {
    hash(Domain::Private, layers.genesis(), &[b"public key", bytes])
}

/// A public key's bytes, and what a member names on chain.
pub fn name_key(layers: &Layers, key: &PublicKey) -> (NamedKey, Vec<u8>) {
    let bytes = layers.keys().encode_public_key(key);
    let named = NamedKey {
        hash: key_hash(layers, &bytes),
        cid: cid_of(&bytes),
    };
    (named, bytes)
}

/// Why a public key is refused.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Not the bytes that the committee named.
    #[error("the public key is not the one that the committee named: fetch it again")]
    Name,
    /// Not in its form.
    #[error("the public key is malformed: {0}")]
    Wire(#[from] WireError),
    /// A key of another epoch or other dealers.
    #[error("the public key is of epoch {epoch} and dealers {dealers:#b}, not of this epoch and its dealers")]
    Epoch {
        /// Its epoch.
        epoch: u32,
        /// Its dealers.
        dealers: u8,
    },
}

/// Reads the public key that a committee named.
///
/// # Errors
/// [`KeyError`].
pub fn read_key(
    layers: &Layers,
    epoch: u32,
    dealers: u8,
    name: &NamedKey,
    bytes: &[u8],
) -> Result<PublicKey, KeyError> {
    if name.hash != key_hash(layers, bytes) || name.cid != cid_of(bytes) {
        return Err(KeyError::Name);
    }
    let key = layers.keys().decode_public_key(bytes)?;
    if (key.epoch, key.dealers) != (epoch, dealers) {
        return Err(KeyError::Epoch {
            epoch: key.epoch,
            dealers: key.dealers,
        });
    }
    Ok(key)
}
