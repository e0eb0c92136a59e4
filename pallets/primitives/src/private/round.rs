// SPDX-License-Identifier: GPL-3.0-or-later
//! The state machine of private rounds, and what the chain keeps of them.

use super::committee::KeyEpoch;
use super::params::{Layout, PrivateParameters};
use super::settle::PrivateReport;
use super::{MAX_AUDITORS, MAX_COHORT, MAX_MEMBERS};
use crate::cid::Cid;
use crate::claim::RoundId;
use crate::hashing::{hash, Domain};
use crate::recipe::Recipe;
use crate::value::Shard;
use crate::{Balance, BlockNumber, BoundedVec, ConstU32, H256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Phase of a private round.
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
pub enum PrivatePhase {
    /// Accounts register.
    Registration,
    /// Block randomness is gathered that draws cohort and auditors.
    Drawing,
    /// Contributors train, encrypt and commit.
    Commitment,
    /// They open what they committed to.
    Opening,
    /// Block randomness is gathered that draws the audited segments.
    Sampling,
    /// Audited contributors open a key segment.
    Disclosure,
    /// Auditors vote on the contributions.
    Audit,
    /// Anyone bonded posts the sum.
    Summing,
    /// The sum may be disputed.
    SumDispute,
    /// Members of the committee answer.
    Decryption,
    /// The steward opens a held-out shard.
    ShardOpening,
    /// Auditors combine, merge, score, and commit to what they got.
    Combination,
    /// They reveal it.
    Reveal,
    /// The version may be disputed.
    VersionDispute,
    /// All contributors open the segment whose sum is out of range.
    Exposure,
    /// Auditors vote on what was opened.
    Blame,
    /// Bonds are freed and rewards paid.
    Closing,
    /// Over.
    Closed,
}

/// What moves a private round.
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
pub enum PrivateEvent {
    /// The window's seed is complete, and the draw succeeded.
    SeedReady,
    /// Everybody acted, or time is up.
    Complete,
    /// The round cannot go on.
    Empty,
    /// A sum was posted.
    Posted,
    /// The sum or the version was refuted.
    Refuted,
    /// A held-out shard is to be opened.
    ShardDue,
    /// The sum is out of range.
    OutOfRange,
}

/// Every transition of a private round.
#[rustfmt::skip]
pub const PRIVATE_TABLE: &[(PrivatePhase, PrivateEvent, PrivatePhase)] = &[
    (PrivatePhase::Registration, PrivateEvent::Complete, PrivatePhase::Drawing),
    (PrivatePhase::Registration, PrivateEvent::Empty, PrivatePhase::Closing),
    (PrivatePhase::Drawing, PrivateEvent::SeedReady, PrivatePhase::Commitment),
    (PrivatePhase::Drawing, PrivateEvent::Empty, PrivatePhase::Closing),
    (PrivatePhase::Commitment, PrivateEvent::Complete, PrivatePhase::Opening),
    (PrivatePhase::Opening, PrivateEvent::Complete, PrivatePhase::Sampling),
    (PrivatePhase::Opening, PrivateEvent::Empty, PrivatePhase::Closing),
    (PrivatePhase::Sampling, PrivateEvent::SeedReady, PrivatePhase::Disclosure),
    (PrivatePhase::Disclosure, PrivateEvent::Complete, PrivatePhase::Audit),
    (PrivatePhase::Audit, PrivateEvent::Complete, PrivatePhase::Summing),
    (PrivatePhase::Audit, PrivateEvent::Empty, PrivatePhase::Closing),
    (PrivatePhase::Summing, PrivateEvent::Posted, PrivatePhase::SumDispute),
    (PrivatePhase::Summing, PrivateEvent::Empty, PrivatePhase::Closing),
    (PrivatePhase::SumDispute, PrivateEvent::Refuted, PrivatePhase::Summing),
    (PrivatePhase::SumDispute, PrivateEvent::Empty, PrivatePhase::Closing),
    (PrivatePhase::SumDispute, PrivateEvent::Complete, PrivatePhase::Decryption),
    (PrivatePhase::Decryption, PrivateEvent::Complete, PrivatePhase::Combination),
    (PrivatePhase::Decryption, PrivateEvent::ShardDue, PrivatePhase::ShardOpening),
    (PrivatePhase::Decryption, PrivateEvent::Empty, PrivatePhase::Closing),
    (PrivatePhase::ShardOpening, PrivateEvent::Complete, PrivatePhase::Combination),
    (PrivatePhase::Combination, PrivateEvent::Complete, PrivatePhase::Reveal),
    (PrivatePhase::Reveal, PrivateEvent::Complete, PrivatePhase::VersionDispute),
    (PrivatePhase::Reveal, PrivateEvent::OutOfRange, PrivatePhase::Exposure),
    (PrivatePhase::Reveal, PrivateEvent::Empty, PrivatePhase::Closing),
    (PrivatePhase::VersionDispute, PrivateEvent::Complete, PrivatePhase::Closing),
    (PrivatePhase::VersionDispute, PrivateEvent::Refuted, PrivatePhase::Closing),
    (PrivatePhase::Exposure, PrivateEvent::Complete, PrivatePhase::Blame),
    (PrivatePhase::Blame, PrivateEvent::Complete, PrivatePhase::Closing),
    (PrivatePhase::Closing, PrivateEvent::Complete, PrivatePhase::Closed),
];

impl PrivatePhase {
    /// The phase after `event`; `None` when the table has no such transition.
    pub fn next(self, event: PrivateEvent) -> Option<Self> {
        PRIVATE_TABLE
            .iter()
            .find(|(from, on, _)| *from == self && *on == event)
            .map(|(_, _, to)| *to)
    }

    /// Whether the end of the phase visits every participant.
    pub fn sweeps(self) -> bool {
        matches!(
            self,
            Self::Drawing | Self::Opening | Self::Audit | Self::Blame | Self::Closing
        )
    }
}

/// A set of contributions, by their place in the cohort.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CohortMask(pub [u64; 4]);

impl CohortMask {
    fn position(place: u16) -> Option<(usize, u64)> {
        let word = usize::from(place / 64);
        let bit = 1u64.checked_shl(u32::from(place % 64))?;
        (word < 4).then_some((word, bit))
    }

    /// Whether it holds a place.
    pub fn contains(&self, place: u16) -> bool {
        Self::position(place)
            .and_then(|(word, bit)| Some(self.0.get(word)? & bit != 0))
            .unwrap_or(false)
    }

    /// Adds a place below 256.
    pub fn insert(&mut self, place: u16) {
        if let Some((word, bit)) = Self::position(place) {
            if let Some(word) = self.0.get_mut(word) {
                *word |= bit;
            }
        }
    }

    /// Takes a place out.
    pub fn remove(&mut self, place: u16) {
        if let Some((word, bit)) = Self::position(place) {
            if let Some(word) = self.0.get_mut(word) {
                *word &= !bit;
            }
        }
    }

    /// Number of places.
    pub fn count(&self) -> u32 {
        self.0
            .iter()
            .fold(0, |n: u32, word| n.saturating_add(word.count_ones()))
    }

    /// Whether every place is also in `other`.
    pub fn within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }
}

/// How far a contributor came.
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
pub enum ContributorState {
    /// Registered.
    Registered,
    /// Drawn into the cohort.
    Drawn,
    /// Committed to its ciphertexts.
    Committed,
    /// Opened the commitment.
    Opened,
    /// In the sum.
    Standing,
    /// Not in the sum: a drop-out, or left out by the auditors.
    Out,
    /// Found at fault.
    Faulty,
}

/// What a contribution's commitment opens to.
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
pub struct CiphertextRoots {
    /// Merkle root over the data layer's leaves.
    pub data: H256,
    /// Merkle root over the key layer's leaves.
    pub keys: H256,
    /// Where the ciphertexts are.
    pub cid: Cid,
}

impl CiphertextRoots {
    /// The commitment that fixes a contribution and its sender before anybody can see another's.
    pub fn commitment(
        &self,
        genesis: &H256,
        account: &[u8; 32],
        round: &RoundId,
        salt: &H256,
    ) -> H256 {
        hash(
            Domain::Private,
            genesis,
            &[
                b"contribution",
                account,
                &round.encode(),
                &self.encode(),
                salt.as_bytes(),
            ],
        )
    }
}

/// An opened key segment: with these anyone makes its ciphertexts again, bit for bit.
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
pub struct SegmentDisclosure {
    /// Seed of the segment's key and errors.
    pub seed: H256,
    /// Seed of the key layer's ciphertext that carries the segment's key; where a sum was out of range.
    pub key_seed: Option<H256>,
    /// Where the segment's values are, and the keys that lie in one polynomial with its key.
    pub cid: Cid,
}

/// What the chain keeps of a contributor.
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
pub struct Contributor {
    /// How far it came.
    pub state: ContributorState,
    /// Bond locked.
    pub bond: Balance,
    /// Place in the cohort.
    pub place: u16,
    /// Commitment to its ciphertexts.
    pub commitment: Option<H256>,
    /// What it opened the commitment to.
    pub roots: Option<CiphertextRoots>,
    /// The key segment that it is to open.
    pub segment: Option<u16>,
    /// What it opened of that.
    pub disclosure: Option<SegmentDisclosure>,
    /// What it opened of the segment whose sum is out of range.
    pub exposure: Option<SegmentDisclosure>,
}

/// An auditor's vote on the contributions.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ContributionVotes {
    /// Ciphertexts or values are not to be had, or not in their form.
    pub lacking: CohortMask,
    /// The opened segment holds nothing but zeros.
    pub blank: CohortMask,
    /// The opened segment is out of range, or not what was encrypted.
    pub faulty: CohortMask,
}

/// An auditor's seat.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AuditorSeat<AccountId> {
    /// Who.
    pub auditor: AccountId,
    /// Bond locked for the seat.
    pub bond: Balance,
    /// Vote on the contributions; on those that were exposed, where the sum is out of range.
    pub votes: Option<ContributionVotes>,
    /// Commitment to the report.
    pub commitment: Option<H256>,
    /// The revealed report.
    pub report: Option<PrivateReport>,
}

/// A posted sum.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PostedSum<AccountId> {
    /// Who posted it.
    pub aggregator: AccountId,
    /// Bond locked for it.
    pub bond: Balance,
    /// Roots of the sums, and where they are.
    pub roots: CiphertextRoots,
}

/// A member's answer: its partial decryptions of the key layer's sum.
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
pub struct DecryptionAnswer {
    /// Number of the member.
    pub member: u8,
    /// Hash of the answer's bytes.
    pub hash: H256,
    /// Where it is.
    pub cid: Cid,
}

/// What a sponsor offers.
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
pub struct JobTerms {
    /// Paid for a round's service: members, auditors, aggregator.
    pub fee: Balance,
    /// Most that a cohort is paid.
    pub reward: Balance,
    /// Paid to a cohort for a gain of 10^-6 nats a token.
    pub price: Balance,
    /// A code of a contribution counts 2^shift grid steps.
    pub shift: u8,
}

impl JobTerms {
    /// What a round sets aside.
    pub fn per_round(&self) -> Balance {
        self.fee.saturating_add(self.reward)
    }
}

/// What a round takes when it opens; a change made later counts from the next round.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PrivateTerms {
    /// Parameters of the pallet.
    pub parameters: PrivateParameters,
    /// How ciphertexts lie.
    pub layout: Layout,
    /// Parameters of the model.
    pub model_parameters: u64,
    /// Recipe of the branch.
    pub recipe: Recipe,
    /// What the sponsor offers.
    pub job: JobTerms,
}

/// A branch whose private rounds a sponsor pays.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PrivateJob<AccountId> {
    /// Who pays.
    pub sponsor: AccountId,
    /// What is offered for the next round.
    pub terms: JobTerms,
    /// Held from the sponsor.
    pub balance: Balance,
    /// Part of it that a round in motion has set aside.
    pub reserved: Balance,
    /// No round opens any more.
    pub closing: bool,
}

/// A private round.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PrivateRound<AccountId> {
    /// Branch and number.
    pub id: RoundId,
    /// Phase.
    pub phase: PrivatePhase,
    /// Block at which it opened.
    pub opened: BlockNumber,
    /// First block after the phase's time.
    pub deadline: BlockNumber,
    /// Version that it starts from.
    pub base: H256,
    /// Epoch whose key it uses.
    pub epoch: u32,
    /// Seed of the draw; the public polynomials come from it too.
    pub seed: H256,
    /// Participants: registrants, then the cohort.
    pub participants: u32,
    /// Acts that the phase waits for.
    pub awaiting: u32,
    /// Next participant of the sweep at a phase's end.
    pub cursor: Option<u32>,
    /// Contributors that opened; from the audit on, those that stand.
    pub standing: CohortMask,
    /// Contributors that are to open a segment.
    pub disclosing: CohortMask,
    /// The posted sum.
    pub sum: Option<PostedSum<AccountId>>,
    /// Sums that were refuted.
    pub refutations: u32,
    /// Open disputes.
    pub disputes: u32,
    /// Answers of the committee.
    pub answers: BoundedVec<DecryptionAnswer, ConstU32<MAX_MEMBERS>>,
    /// The held-out shard.
    pub shard: Option<Shard<AccountId>>,
    /// Where it is, once opened.
    pub shard_cid: Option<Cid>,
    /// What two thirds of the auditors report.
    pub settled: Option<PrivateReport>,
    /// Set aside by the job.
    pub reserved: Balance,
    /// Fee, while it is not paid.
    pub fee: Balance,
    /// Reward of each contributor that stands.
    pub reward: Balance,
}

impl<AccountId> PrivateRound<AccountId> {
    /// Bond of the next sum: twice as much after every one that was refuted.
    pub fn sum_bond(&self, bond: Balance) -> Balance {
        let doubled = 1u128.checked_shl(self.refutations).unwrap_or(u128::MAX);
        bond.saturating_mul(doubled)
    }

    /// Members whose answers are in, as a mask.
    pub fn answered(&self) -> u8 {
        self.answers
            .iter()
            .fold(0, |mask, a| mask | super::committee::bit(a.member))
    }

    /// Whether at least t standing members answered.
    pub fn decryptable(&self, epoch: &KeyEpoch<AccountId>) -> bool {
        epoch.enough(self.answered() & epoch.standing())
    }
}

/// Seats of a round.
pub type AuditorSeats<AccountId> = BoundedVec<AuditorSeat<AccountId>, ConstU32<MAX_AUDITORS>>;
/// Roots of the contributions of a sum, in the order of their places.
pub type SummedRoots = BoundedVec<CiphertextRoots, ConstU32<MAX_COHORT>>;

#[cfg(test)]
mod tests;
