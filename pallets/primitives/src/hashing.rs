// SPDX-License-Identifier: GPL-3.0-or-later
//! Domain-separated blake2b-256.
//!
//! Two forms: [`hash`] binds the chain (its genesis hash) and serves everything that is said on a chain: claims,
//! commitments, seeds, pseudo-random draws. [`content_hash`] does not bind the chain and serves what must stay equal
//! when a model or a data set moves to another chain: trees over states, deltas and data, and version hashes.

use blake2b_simd::Params;
use primitive_types::H256;

/// What a hash is for. Two domains never share an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Domain {
    /// Chunks of a model state.
    State,
    /// Chunks of a delta.
    Delta,
    /// Samples of a data set.
    Data,
    /// Accepted contributions of a version.
    Contributions,
    /// Training states after each segment.
    TrainingStates,
    /// Salted digests of each segment.
    Digests,
    /// A training state (parameters, optimiser moments, counters).
    TrainingState,
    /// Digest of the losses and gradient norms of a segment.
    SegmentDigest,
    /// A digest with its salt.
    SaltedDigest,
    /// Identity of a claim.
    Claim,
    /// A verifier's replay commitment.
    Replay,
    /// Canary flag commitment.
    Canary,
    /// Accumulation of a round's seed.
    Seed,
    /// Draw of audited segments.
    Segments,
    /// Draw of a committee.
    Committee,
    /// Order of the data.
    Order,
    /// Calibration leaf and its public stream.
    Calibration,
    /// Header of a version.
    Version,
    /// Residual of error feedback.
    Residual,
    /// Draws of a trial.
    Trial,
    /// Commitment to a profile.
    Profile,
    /// A scorer's commitment.
    Score,
    /// Checksum of a record that never leaves its machine.
    LocalRecord,
    /// Chunks of a server optimiser's moments.
    Server,
    /// Squared distances between two deltas of a merge.
    Pairs,
    /// Proof of work of a newcomer's ticket.
    Ticket,
    /// What a newcomer signs.
    Newcomer,
    /// Seed of a key share.
    KeyShare,
    /// Residues of a private contribution's ciphertexts, and of their sum.
    Residues,
    /// Draws, commitments and identities of a private round.
    Private,
}

impl Domain {
    const fn tag(self) -> &'static [u8; 16] {
        match self {
            Self::State => b"dream/state/1\0\0\0",
            Self::Delta => b"dream/delta/1\0\0\0",
            Self::Data => b"dream/data/1\0\0\0\0",
            Self::Contributions => b"dream/contrib/1\0",
            Self::TrainingStates => b"dream/tstates/1\0",
            Self::Digests => b"dream/digests/1\0",
            Self::TrainingState => b"dream/tstate/1\0\0",
            Self::SegmentDigest => b"dream/segdig/1\0\0",
            Self::SaltedDigest => b"dream/saltdig/1\0",
            Self::Claim => b"dream/claim/1\0\0\0",
            Self::Replay => b"dream/replay/1\0\0",
            Self::Canary => b"dream/canary/1\0\0",
            Self::Seed => b"dream/seed/1\0\0\0\0",
            Self::Segments => b"dream/segment/1\0",
            Self::Committee => b"dream/jury/1\0\0\0\0",
            Self::Order => b"dream/order/1\0\0\0",
            Self::Calibration => b"dream/calib/1\0\0\0",
            Self::Version => b"dream/version/1\0",
            Self::Residual => b"dream/resid/1\0\0\0",
            Self::Trial => b"dream/trial/1\0\0\0",
            Self::Profile => b"dream/profile/1\0",
            Self::Score => b"dream/score/1\0\0\0",
            Self::LocalRecord => b"dream/record/1\0\0",
            Self::Server => b"dream/server/1\0\0",
            Self::Pairs => b"dream/pairs/1\0\0\0",
            Self::Ticket => b"dream/ticket/1\0\0",
            Self::Newcomer => b"dream/newcomr/1\0",
            Self::KeyShare => b"dream/keyshar/1\0",
            Self::Residues => b"dream/residue/1\0",
            Self::Private => b"dream/private/1\0",
        }
    }
}

/// A running domain-separated hash. Parts are hashed as they are; callers hash parts of fixed width, or prefix
/// lengths by using [`hash`] and [`content_hash`].
#[derive(Clone)]
pub struct Hasher(blake2b_simd::State);

impl Hasher {
    /// Starts a hash in `domain`, with a `kind` byte that separates leaves, nodes and other uses.
    pub fn new(domain: Domain, kind: u8) -> Self {
        let mut state = Params::new().hash_length(32).to_state();
        state.update(&[kind]).update(domain.tag());
        Self(state)
    }

    /// Appends bytes.
    pub fn update(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    /// The 32-byte result.
    pub fn finish(&self) -> H256 {
        let mut out = [0u8; 32];
        out.iter_mut()
            .zip(self.0.finalize().as_bytes())
            .for_each(|(o, b)| *o = *b);
        H256(out)
    }
}

const CHAIN: u8 = 2;
const CONTENT: u8 = 3;

fn absorb(mut hasher: Hasher, parts: &[&[u8]]) -> H256 {
    for part in parts {
        let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
        hasher.update(&len.to_le_bytes()).update(part);
    }
    hasher.finish()
}

/// blake2b-256 of `parts` (each prefixed with its length as u64, little-endian) in `domain` on the chain `genesis`.
pub fn hash(domain: Domain, genesis: &H256, parts: &[&[u8]]) -> H256 {
    let mut hasher = Hasher::new(domain, CHAIN);
    hasher.update(genesis.as_bytes());
    absorb(hasher, parts)
}

/// As [`hash`], but equal on every chain.
pub fn content_hash(domain: Domain, parts: &[&[u8]]) -> H256 {
    absorb(Hasher::new(domain, CONTENT), parts)
}

/// The first 16 bytes of a hash as a number, for draws. The bias of `x % n` is below n / 2^128.
pub fn low_u128(hash: &H256) -> u128 {
    let mut out = [0u8; 16];
    out.iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(o, b)| *o = *b);
    u128::from_le_bytes(out)
}

/// The last 16 bytes of a hash as a number, for a second independent draw.
pub fn high_u128(hash: &H256) -> u128 {
    let mut out = [0u8; 16];
    out.iter_mut()
        .zip(hash.as_bytes().iter().skip(16))
        .for_each(|(o, b)| *o = *b);
    u128::from_le_bytes(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_should_differ_when_domain_chain_or_split_differs() {
        let g = H256::zero();
        let a = hash(Domain::Claim, &g, &[b"ab", b"c"]);
        assert_ne!(a, hash(Domain::Claim, &g, &[b"a", b"bc"]));
        assert_ne!(a, hash(Domain::Seed, &g, &[b"ab", b"c"]));
        assert_ne!(
            a,
            hash(Domain::Claim, &H256::repeat_byte(1), &[b"ab", b"c"])
        );
        assert_ne!(a, content_hash(Domain::Claim, &[b"ab", b"c"]));
        assert_eq!(a, hash(Domain::Claim, &g, &[b"ab", b"c"]));
    }
}
