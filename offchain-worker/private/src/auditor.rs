// SPDX-License-Identifier: GPL-3.0-or-later
//! An auditor: checks what was opened, combines the committee's answers, makes the delta.

use dream_kernels::data::{Ciphertext, DataError};
use dream_kernels::sample::Seed;
use dream_kernels::threshold::{KeyCiphertext, PartialDecryption, PublicKey, ThresholdError};
use dream_primitives::cid::Cid;
use dream_primitives::delta::DeltaChunk;
use dream_primitives::private::committee::bit;
use dream_primitives::private::round::{
    CohortMask, ContributionVotes, DecryptionAnswer, SegmentDisclosure,
};
use dream_primitives::private::settle::mean_delta;
use dream_primitives::state::CHUNK;
use dream_store::cid_of;
use thiserror::Error;

use crate::blobs::{named, read_data, read_keys, BlobError, Ciphertexts};
use crate::layers::{Layers, RoundFacts};
use crate::member::answer_hash;

/// What is wrong with a segment that a contributor opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum SegmentFault {
    /// A value beyond the bound.
    #[error("value {value} at {index} of polynomial {polynomial} is out of range")]
    Range {
        /// Polynomial of the segment.
        polynomial: u32,
        /// Index in the polynomial.
        index: usize,
        /// The value.
        value: i64,
    },
    /// Seed and values make another ciphertext than the one that was sent.
    #[error("seed and values do not make polynomial {0} of the segment")]
    Data(u32),
    /// What was said to be exposed is not to be had.
    #[error("the exposed segment is not to be had")]
    Withheld,
    /// The segment's key is not what lies in the key layer's polynomial.
    #[error("the segment's key is not the one among the exposed keys")]
    Key,
    /// The exposed keys are out of range or do not make the key layer's ciphertext.
    #[error("the exposed keys do not make polynomial {0} of the key layer")]
    Encrypted(u32),
}

/// What an auditor finds of a contribution.
#[derive(Debug)]
pub enum Finding {
    /// Nothing wrong.
    Sound,
    /// Ciphertexts or values are not to be had, or not in their form.
    Lacking(Option<BlobError>),
    /// The opened segment holds nothing but zeros.
    Blank,
    /// The opened segment is out of range, or not what was sent.
    Faulty(SegmentFault),
}

/// Votes from the findings on contributions, each at its place in the cohort.
pub fn votes<'a>(findings: impl IntoIterator<Item = (u16, &'a Finding)>) -> ContributionVotes {
    let mut votes = ContributionVotes::default();
    for (place, finding) in findings {
        match finding {
            Finding::Sound => {}
            Finding::Lacking(_) => votes.lacking.insert(place),
            Finding::Blank => votes.blank.insert(place),
            Finding::Faulty(_) => votes.faulty.insert(place),
        }
    }
    votes
}

/// The contributions that a vote finds nothing wrong with.
pub fn sound(standing: &CohortMask, votes: &ContributionVotes) -> CohortMask {
    let mut sound = *standing;
    for place in 0..256 {
        let masks = [&votes.lacking, &votes.blank, &votes.faulty];
        if masks.iter().any(|mask| mask.contains(place)) {
            sound.remove(place);
        }
    }
    sound
}

fn opened<'a>(blob: Option<&'a [u8]>, cid: &Cid, expected: usize) -> Result<&'a [u8], Finding> {
    let blob = blob.ok_or(Finding::Lacking(None))?;
    let name = "opened segment";
    let blob = named(name, blob, cid).map_err(|e| Finding::Lacking(Some(e)))?;
    if blob.len() != expected {
        return Err(Finding::Lacking(Some(BlobError::Length {
            blob: name,
            expected,
            found: blob.len(),
        })));
    }
    Ok(blob)
}

/// One opened segment of one contribution.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'a> {
    /// The layers.
    pub layers: &'a Layers,
    /// The round.
    pub round: &'a RoundFacts,
    /// The key segment.
    pub segment: u16,
    /// The contribution's ciphertexts, which were checked.
    pub ciphertexts: &'a Ciphertexts,
    /// What the contributor put on chain.
    pub disclosure: &'a SegmentDisclosure,
    /// The blob, as far as it is to be had.
    pub blob: Option<&'a [u8]>,
}

impl Opened<'_> {
    /// Makes the audited segment's ciphertexts again and compares them bit for bit.
    pub fn check(&self) -> Finding {
        let count = self.round.segment(self.segment).len();
        let values = match opened(self.blob, &self.disclosure.cid, count) {
            Ok(blob) => blob,
            Err(finding) => return finding,
        };
        match self.check_values(values) {
            Err(fault) => Finding::Faulty(fault),
            Ok(()) if count > 0 && values.iter().all(|v| *v == 0) => Finding::Blank,
            Ok(()) => Finding::Sound,
        }
    }

    /// As [`Self::check`] for a segment whose sum is out of range, with the key layer's polynomial that carries its key.
    pub fn check_exposure(&self, key: &PublicKey) -> Finding {
        let count = self.round.segment(self.segment).len();
        let segments = self.segments();
        let expected = count + segments.len() * self.layers.data().ring().degree();
        let (blob, seed) = match opened(self.blob, &self.disclosure.cid, expected) {
            Err(finding) => return finding,
            Ok(blob) => match self.disclosure.key_seed {
                Some(seed) => (blob, Seed::new(seed.0)),
                None => return Finding::Lacking(None),
            },
        };
        let (values, keys) = blob.split_at(count);
        let found = self.check_values(values);
        match found.and_then(|()| self.check_keys(key, &seed, keys)) {
            Ok(()) => Finding::Sound,
            Err(fault) => Finding::Faulty(fault),
        }
    }

    fn segments(&self) -> core::ops::Range<u16> {
        let polynomial = self.layers.key_polynomial(self.segment);
        self.layers.segments_of(polynomial)
    }

    fn check_values(&self, values: &[u8]) -> Result<(), SegmentFault> {
        let (layers, round) = (self.layers, self.round);
        let values: Vec<i8> = values.iter().map(|v| v.cast_signed()).collect();
        let seed = Seed::new(self.disclosure.seed.0);
        let key = layers
            .data()
            .secret_key(seed, round.id.number, self.segment);
        let each = layers.data().params().values_per_polynomial();
        let bytes = layers.data_poly_bytes();
        for polynomial in 0..round.layout.polynomials {
            let part = values.chunks(each).nth(polynomial as usize);
            let at = u32::from(self.segment) * round.layout.polynomials + polynomial;
            let block = round.block(at);
            let made =
                layers
                    .data()
                    .encrypt(&round.public(), &key, block, part.unwrap_or_default());
            let made = made.map_err(|e| match e {
                DataError::PlaintextRange { index, value, .. } => SegmentFault::Range {
                    polynomial,
                    index,
                    value,
                },
                _ => SegmentFault::Data(polynomial),
            })?;
            let at = at as usize * bytes;
            let sent = self.ciphertexts.data.bytes().get(at..at + bytes);
            if sent != Some(&layers.data_residues(&made)[..]) {
                return Err(SegmentFault::Data(polynomial));
            }
        }
        Ok(())
    }

    fn check_keys(&self, key: &PublicKey, seed: &Seed, keys: &[u8]) -> Result<(), SegmentFault> {
        let (layers, round) = (self.layers, self.round);
        let coefficients: Vec<i32> = keys.iter().map(|k| k.cast_signed().into()).collect();
        let degree = layers.data().ring().degree();
        let own = usize::from(self.segment - self.segments().start) * degree;
        let segment_seed = Seed::new(self.disclosure.seed.0);
        let secret = layers
            .data()
            .secret_key(segment_seed, round.id.number, self.segment);
        if coefficients[own..own + degree] != *secret.coefficients() {
            return Err(SegmentFault::Key);
        }
        let at = layers.key_polynomial(self.segment);
        let made = layers
            .keys()
            .encrypt(key, seed, round.id.number, at, &coefficients)
            .map_err(|_| SegmentFault::Encrypted(at))?;
        let bytes = layers.key_poly_bytes();
        let from = at as usize * bytes;
        let sent = self.ciphertexts.keys.bytes().get(from..from + bytes);
        if sent != Some(&layers.key_residues(&made)[..]) {
            return Err(SegmentFault::Encrypted(at));
        }
        Ok(())
    }
}

/// What the committee's answers come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Combination {
    /// The sum.
    Sums {
        /// Sums of codes, one for each parameter.
        sums: Vec<i32>,
        /// Members whose answers disagree with the sum or are not to be had, as a mask.
        wrong: u8,
    },
    /// A sum of keys or values is beyond what so many contributions can give.
    OutOfRange {
        /// The first such key segment.
        segment: u16,
    },
    /// No t answers agree.
    Undecryptable,
}

/// Why t answers give no sums.
enum Failure {
    /// They are not answers to this sum, or disagree.
    Answers,
    /// A sum is out of range.
    Range(u16),
}

/// A member's answers, one for each polynomial.
type Answers = Vec<PartialDecryption>;

struct Combiner<'a> {
    layers: &'a Layers,
    round: &'a RoundFacts,
    data: Vec<Ciphertext>,
    keys: Vec<KeyCiphertext>,
    terms: u32,
}

impl Combiner<'_> {
    fn key_sums(
        &self,
        polynomial: usize,
        answers: &[&Answers],
    ) -> Result<Vec<i64>, ThresholdError> {
        let parts: Vec<_> = answers.iter().map(|a| a[polynomial].clone()).collect();
        self.layers.keys().combine(&self.keys[polynomial], &parts)
    }

    fn agree(&self, answers: &[&Answers]) -> bool {
        (0..self.keys.len()).all(|at| self.key_sums(at, answers).is_ok())
    }

    fn sums(&self, answers: &[&Answers]) -> Result<Vec<i32>, Failure> {
        let data = self.layers.data();
        let (public, degree) = (self.round.public(), data.ring().degree());
        let mut sums = Vec::with_capacity(self.round.parameters as usize);
        for polynomial in 0..self.keys.len() {
            let segments = self.layers.segments_of(polynomial as u32);
            let keys = self.key_sums(polynomial, answers).map_err(|e| match e {
                ThresholdError::SumRange { index, .. } => {
                    let last = segments.end.saturating_sub(1);
                    Failure::Range((segments.start + (index / degree) as u16).min(last))
                }
                _ => Failure::Answers,
            })?;
            for (segment, keys) in segments.zip(keys.chunks_exact(degree)) {
                let range = |_| Failure::Range(segment);
                let number = self.round.id.number;
                let key = data.sum_key(number, segment, self.terms, keys);
                let key = key.map_err(range)?;
                let each = self.round.layout.polynomials as usize;
                let first = usize::from(segment) * each;
                let mut left = self.round.segment(segment).len();
                for ciphertext in &self.data[first..first + each] {
                    let values = data.decrypt(&public, ciphertext, &key).map_err(range)?;
                    let count = left.min(values.len());
                    left -= count;
                    // Within terms times the bound, which fits a slot.
                    sums.extend(values[..count].iter().map(|v| *v as i32));
                }
            }
        }
        Ok(sums)
    }
}

/// Combines the committee's answers for a sum of `terms` contributions and decrypts it. `answers` are those on chain with
/// their blobs, as far as they are to be had. Every auditor that has the same blobs comes to the same result: the first t
/// answers that decrypt to a sum in range, in the order of the members, fix it; whoever disagrees with them is wrong.
///
/// # Errors
/// [`BlobError`]: the sum is not in its form.
pub fn combine(
    layers: &Layers,
    round: &RoundFacts,
    sum: &Ciphertexts,
    terms: u32,
    answers: &[(DecryptionAnswer, Option<&[u8]>)],
) -> Result<Combination, BlobError> {
    let combiner = Combiner {
        layers,
        round,
        data: read_data(layers, round, &sum.data, terms)?,
        keys: read_keys(layers, round, &sum.keys, terms)?,
        terms,
    };
    let mut wrong = 0u8;
    let mut read: Vec<(u8, Answers)> = vec![];
    for (answer, blob) in answers {
        match blob.and_then(|bytes| read_answer(layers, round, answer, bytes)) {
            Some(parts) => read.push((answer.member, parts)),
            None => wrong |= bit(answer.member),
        }
    }
    read.sort_by_key(|(member, _)| *member);
    let threshold = u32::from(layers.params().get().committee.threshold);
    let mut out_of_range = None;
    for chosen in (0u16..1 << read.len()).filter(|c| c.count_ones() == threshold) {
        let (inside, outside): (Vec<_>, Vec<_>) =
            (0..read.len()).partition(|at| chosen >> at & 1 == 1);
        let quorum: Vec<&Answers> = inside.iter().map(|at| &read[*at].1).collect();
        match combiner.sums(&quorum) {
            Ok(sums) => {
                for at in outside {
                    let mut more = quorum.clone();
                    more.push(&read[at].1);
                    if !combiner.agree(&more) {
                        wrong |= bit(read[at].0);
                    }
                }
                return Ok(Combination::Sums { sums, wrong });
            }
            Err(Failure::Range(segment)) => out_of_range = out_of_range.or(Some(segment)),
            Err(Failure::Answers) => {}
        }
    }
    Ok(match out_of_range {
        Some(segment) => Combination::OutOfRange { segment },
        None => Combination::Undecryptable,
    })
}

fn read_answer(
    layers: &Layers,
    round: &RoundFacts,
    answer: &DecryptionAnswer,
    bytes: &[u8],
) -> Option<Answers> {
    let hash = answer_hash(layers.genesis(), &round.id, answer.member, bytes);
    let right =
        hash == answer.hash && cid_of(bytes) == answer.cid && bytes.len() == layers.answer_bytes();
    if !right {
        return None;
    }
    let parts = bytes.chunks_exact(layers.keys().answer_bytes());
    let parts: Option<Answers> = parts
        .map(|part| layers.keys().decode_answer(part).ok())
        .collect();
    parts.filter(|parts| parts.iter().all(|p| p.member() == answer.member))
}

/// The delta that decrypted sums become, chunk by chunk: the mean of `terms` contributions at a round's shift. `None` where
/// the primitives' `mean_delta` refuses a chunk.
pub fn mean_chunks(sums: &[i32], terms: u32, shift: u8) -> Option<Vec<DeltaChunk>> {
    sums.chunks(CHUNK)
        .map(|chunk| mean_delta(chunk, terms, shift))
        .collect()
}
