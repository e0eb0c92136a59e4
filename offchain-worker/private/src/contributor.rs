// SPDX-License-Identifier: GPL-3.0-or-later
//! A contributor: encrypts its delta once a round, opens the one segment that an audit draws.

use std::path::Path;

use codec::{Decode, DecodeAll, Encode};
use dream_kernels::data::DataError;
use dream_kernels::sample::Seed;
use dream_kernels::threshold::{PublicKey, ThresholdError};
use dream_primitives::claim::RoundId;
use dream_primitives::delta::MAX_SHIFT;
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::private::round::{CiphertextRoots, SegmentDisclosure};
use dream_primitives::private::KEY_SEGMENTS;
use dream_primitives::H256;
use dream_store::cid_of;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::aggregator::key_leaves;
use crate::blobs::{BlobError, Ciphertexts};
use crate::layers::{Layers, RoundFacts};
use crate::record::{RecordError, Records};

const SEGMENT_TAG: &[u8] = b"dream-private/segment/1";
const KEY_TAG: &[u8] = b"dream-private/key-polynomial/1";
const SALT_TAG: &[u8] = b"dream-private/salt/1";

/// Why a contributor does not act.
#[derive(Debug, Error)]
pub enum ContributorError {
    /// Its records.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The data layer.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The key layer.
    #[error(transparent)]
    Keys(#[from] ThresholdError),
    /// Its own ciphertexts.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Not one code for each parameter.
    #[error("{found} codes for a model of {expected} parameters")]
    Codes {
        /// Parameters.
        expected: u64,
        /// Codes given.
        found: usize,
    },
    /// A code that the chain's parameters forbid.
    #[error("code {value} at {index} is beyond the bound {bound}: clip it")]
    Range {
        /// Index of the first such code.
        index: usize,
        /// The code.
        value: i8,
        /// Largest absolute value.
        bound: u32,
    },
    /// Another delta, or the same under another key or seed: two ciphertexts under one secret show it.
    #[error("another delta, seed or key was already encrypted for round {} of branch {}: nothing else is encrypted for it", .0.number, .0.branch)]
    OtherDelta(RoundId),
    /// Nothing was encrypted for the round.
    #[error("nothing was encrypted for round {} of branch {} from this folder", .0.number, .0.branch)]
    NothingEncrypted(RoundId),
    /// No such key segment.
    #[error("key segment {0}: there are 64, from 0")]
    NoSuchSegment(u16),
    /// Asked to open a second segment.
    #[error("segment {opened} of round {} of branch {} was opened; segment {asked} is not", .round.number, .round.branch)]
    AlreadyOpened {
        /// The round.
        round: RoundId,
        /// The segment that was opened.
        opened: u16,
        /// The other segment.
        asked: u16,
    },
}

/// Codes of a delta's grid steps at a round's shift: rounded half away from zero, clipped to 127. `None` where the shift
/// passes what a delta may have.
pub fn codes_at(steps: &[i32], shift: u8) -> Option<Vec<i8>> {
    if shift > MAX_SHIFT {
        return None;
    }
    let half = (1i64 << shift) / 2;
    let code = |step: &i32| {
        let magnitude = (i64::from(*step).abs() + half) >> shift;
        (magnitude.min(127) * i64::from(step.signum())) as i8
    };
    Some(steps.iter().map(code).collect())
}

/// A contribution: ciphertexts, and the salt of the commitment to their roots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contribution {
    /// The ciphertexts.
    pub ciphertexts: Ciphertexts,
    /// What goes on chain when all have committed.
    pub roots: CiphertextRoots,
    /// Salt of the commitment.
    pub salt: H256,
}

/// What is recorded of a contribution before anything of it is given away.
#[derive(Decode)]
struct Kept {
    secret: [u8; 32],
    digest: H256,
    codes: Vec<i8>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
        zeroize::Zeroize::zeroize(&mut self.codes);
    }
}

impl Kept {
    fn seed(&self, tag: &[u8], at: u32) -> Seed {
        Seed::new(self.secret).derive(tag, &at.to_le_bytes())
    }
}

/// A contributor, and the folder in which it keeps what it encrypted.
#[derive(Clone, Debug)]
pub struct Contributor {
    records: Records,
}

/// A secret drawn for one round hides one delta under one public polynomial and one key. Anything else under it would show
/// the difference, so it is fixed by all of them.
fn digest(layers: &Layers, round: &RoundFacts, key: &PublicKey, codes: &[i8]) -> H256 {
    let facts = (
        layers.genesis(),
        (
            layers.params().get().data.hash,
            layers.params().get().key.hash,
        ),
        (round.id, round.seed, round.epoch, round.dealers),
        round.parameters,
    );
    let key = layers.keys().encode_public_key(key);
    let codes: Vec<u8> = codes.iter().map(|c| c.cast_unsigned()).collect();
    content_hash(Domain::LocalRecord, &[&facts.encode(), &key, &codes])
}

impl Contributor {
    /// Opens a contributor's folder.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn open(folder: &Path) -> Result<Self, RecordError> {
        Ok(Self {
            records: Records::open(folder)?,
        })
    }

    fn name(round: &RoundFacts) -> String {
        format!("contribution-{}-{}", round.id.branch, round.id.number)
    }

    fn kept(&self, round: &RoundFacts) -> Result<Kept, ContributorError> {
        let name = Self::name(round);
        let record = self.records.read(&name)?;
        let record = record.ok_or(ContributorError::NothingEncrypted(round.id))?;
        let kept = Kept::decode_all(&mut &record[..]);
        Ok(kept.map_err(|_| RecordError::Damaged(name.into()))?)
    }

    /// Encrypts a delta's codes for a round, one for each parameter. Secret and codes are on disk before the result is
    /// there; asked again with the same arguments it gives the same ciphertexts, with others it refuses.
    ///
    /// # Errors
    /// [`ContributorError::Codes`], [`ContributorError::Range`], [`ContributorError::OtherDelta`].
    pub fn encrypt(
        &self,
        layers: &Layers,
        round: &RoundFacts,
        key: &PublicKey,
        codes: &[i8],
    ) -> Result<Contribution, ContributorError> {
        if codes.len() as u64 != round.parameters {
            return Err(ContributorError::Codes {
                expected: round.parameters,
                found: codes.len(),
            });
        }
        let bound = layers.params().get().data.bound;
        let outside = |c: &i8| u32::from(c.unsigned_abs()) > bound;
        if let Some(index) = codes.iter().position(outside) {
            return Err(ContributorError::Range {
                index,
                value: codes[index],
                bound,
            });
        }
        let digest = digest(layers, round, key, codes);
        let name = Self::name(round);
        self.records.or_keep(&name, || {
            let secret = self.records.random()?;
            let kept = (H256::from_slice(&secret), digest, codes.to_vec());
            Ok(Zeroizing::new(kept.encode()))
        })?;
        let kept = self.kept(round)?;
        if kept.digest != digest {
            return Err(ContributorError::OtherDelta(round.id));
        }
        let ciphertexts = make(layers, round, key, &kept)?;
        Ok(Contribution {
            roots: ciphertexts.roots(),
            ciphertexts,
            salt: H256(*kept.seed(SALT_TAG, 0).bytes()),
        })
    }

    /// Opens the segment that an audit drew: what goes on chain, and the blob, the segment's values as bytes.
    ///
    /// # Errors
    /// [`ContributorError::AlreadyOpened`] for another segment than the first time.
    pub fn disclose(
        &self,
        round: &RoundFacts,
        segment: u16,
    ) -> Result<(SegmentDisclosure, Vec<u8>), ContributorError> {
        let kept = self.opening(round, segment, "disclosure")?;
        let blob = values(round, &kept, segment);
        let disclosure = SegmentDisclosure {
            seed: H256(*kept.seed(SEGMENT_TAG, segment.into()).bytes()),
            key_seed: None,
            cid: cid_of(&blob),
        };
        Ok((disclosure, blob))
    }

    /// Opens a segment whose sum is out of range, with the key layer's polynomial that carries its key: the blob holds the
    /// segment's values, then the coefficients of all keys of that polynomial.
    ///
    /// # Errors
    /// As [`Self::disclose`].
    pub fn expose(
        &self,
        layers: &Layers,
        round: &RoundFacts,
        segment: u16,
    ) -> Result<(SegmentDisclosure, Vec<u8>), ContributorError> {
        let kept = self.opening(round, segment, "exposure")?;
        let polynomial = layers.key_polynomial(segment);
        let mut blob = values(round, &kept, segment);
        for segment in layers.segments_of(polynomial) {
            let seed = kept.seed(SEGMENT_TAG, segment.into());
            let key = layers.data().secret_key(seed, round.id.number, segment);
            // Within the error bound, which is at most 32.
            blob.extend(
                key.coefficients()
                    .iter()
                    .map(|c| (*c as i8).cast_unsigned()),
            );
        }
        let exposure = SegmentDisclosure {
            seed: H256(*kept.seed(SEGMENT_TAG, segment.into()).bytes()),
            key_seed: Some(H256(*kept.seed(KEY_TAG, polynomial).bytes())),
            cid: cid_of(&blob),
        };
        Ok((exposure, blob))
    }

    /// Records that a segment is opened, before it is.
    fn opening(
        &self,
        round: &RoundFacts,
        segment: u16,
        what: &str,
    ) -> Result<Kept, ContributorError> {
        if segment >= KEY_SEGMENTS {
            return Err(ContributorError::NoSuchSegment(segment));
        }
        let kept = self.kept(round)?;
        let name = format!("{what}-{}-{}", round.id.branch, round.id.number);
        let record = self.records.keep(&name, &segment.to_le_bytes())?;
        let opened = <[u8; 2]>::try_from(&record[..]);
        let opened = opened.map_err(|_| RecordError::Damaged(name.into()))?;
        let opened = u16::from_le_bytes(opened);
        if opened != segment {
            return Err(ContributorError::AlreadyOpened {
                round: round.id,
                opened,
                asked: segment,
            });
        }
        Ok(kept)
    }
}

fn values(round: &RoundFacts, kept: &Kept, segment: u16) -> Vec<u8> {
    let codes = &kept.codes[round.segment(segment)];
    codes.iter().map(|c| c.cast_unsigned()).collect()
}

fn make(
    layers: &Layers,
    round: &RoundFacts,
    key: &PublicKey,
    kept: &Kept,
) -> Result<Ciphertexts, ContributorError> {
    let public = round.public();
    let mut data = Vec::with_capacity(layers.data_poly_bytes());
    let mut coefficients: Zeroizing<Vec<i32>> = Zeroizing::new(Vec::with_capacity(
        usize::from(KEY_SEGMENTS) * layers.data().ring().degree(),
    ));
    for segment in 0..KEY_SEGMENTS {
        let seed = kept.seed(SEGMENT_TAG, segment.into());
        let secret = layers.data().secret_key(seed, round.id.number, segment);
        coefficients.extend(secret.coefficients());
        let codes = &kept.codes[round.segment(segment)];
        for at in 0..round.layout.polynomials {
            let block = round.block(u32::from(segment) * round.layout.polynomials + at);
            let each = layers.data().params().values_per_polynomial();
            let values = codes.chunks(each).nth(at as usize).unwrap_or_default();
            let ciphertext = layers.data().encrypt(&public, &secret, block, values)?;
            data.extend(layers.data_residues(&ciphertext));
        }
    }
    let keys: Result<Vec<_>, _> = (0u32..)
        .zip(coefficients.chunks(layers.keys_per_polynomial()))
        .map(|(at, part)| {
            let seed = kept.seed(KEY_TAG, at);
            layers.keys().encrypt(key, &seed, round.id.number, at, part)
        })
        .collect();
    Ok(Ciphertexts::new(round, data, key_leaves(layers, &keys?))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_should_round_half_away_from_zero_and_clip() {
        assert_eq!(
            codes_at(&[0, 1, -1, 7, 8, -8, 24, -24, 23], 4).unwrap(),
            [0, 0, 0, 0, 1, -1, 2, -2, 1]
        );
        assert_eq!(
            codes_at(&[127, -127, 128, i32::MIN], 0).unwrap(),
            [127, -127, 127, -127]
        );
        assert_eq!(
            codes_at(&[i32::MAX, i32::MIN], MAX_SHIFT).unwrap(),
            [127, -127]
        );
        assert_eq!(codes_at(&[1], MAX_SHIFT + 1), None);
    }
}
