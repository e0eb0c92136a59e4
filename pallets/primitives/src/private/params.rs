// SPDX-License-Identifier: GPL-3.0-or-later
//! Parameters of secure aggregation: a literal, then a checked type; and the sizes that follow from them.

use super::{
    KEY_SEGMENTS, LEAF_RESIDUES, MAX_AUDITORS, MAX_COHORT, MAX_DISCLOSED, MAX_LIMBS, MAX_MEMBERS,
};
use crate::emission::PARTS;
use crate::math::to_u32;
use crate::{Balance, BlockNumber, BoundedVec, ConstU32, H256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A ring and how values lie in it, as far as the chain has to know it.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase", deny_unknown_fields)
)]
pub struct RingShape {
    /// Hash of the layer's parameters, which every ciphertext carries.
    pub hash: H256,
    /// Degree N.
    pub degree: u32,
    /// RNS primes, each below 2^30 and 1 modulo 2N.
    pub primes: BoundedVec<u32, ConstU32<MAX_LIMBS>>,
    /// Values in a coefficient.
    pub slots: u32,
    /// Bits of a value in a coefficient.
    pub slot_bits: u32,
    /// Largest absolute value of one contributor's plaintext.
    pub bound: u32,
}

impl RingShape {
    /// Values that a polynomial carries.
    pub fn values(&self) -> u64 {
        u64::from(self.degree).saturating_mul(u64::from(self.slots))
    }

    /// Leaves of a limb of a polynomial.
    pub fn leaves_per_limb(&self) -> u32 {
        self.degree / LEAF_RESIDUES
    }

    /// Leaves of a polynomial.
    pub fn leaves(&self) -> u32 {
        to_u32(self.primes.len()).saturating_mul(self.leaves_per_limb())
    }

    /// The prime that the residues of a leaf are below, for a tree whose polynomials lie one after another.
    pub fn prime(&self, leaf: u32) -> Option<u32> {
        let limb = leaf.checked_div(self.leaves_per_limb())?;
        let limb = limb.checked_rem(to_u32(self.primes.len()))?;
        self.primes.get(crate::math::to_usize(limb)).copied()
    }

    fn sound(&self) -> bool {
        let prime =
            |p: &u32| *p < 1 << 30 && p.checked_rem(self.degree.saturating_mul(2)) == Some(1);
        let mut distinct = self.primes.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        (1_024..=65_536).contains(&self.degree)
            && self.degree.is_power_of_two()
            && !self.primes.is_empty()
            && distinct.len() == self.primes.len()
            && self.primes.iter().all(prime)
            && (2..=32).contains(&self.slot_bits)
            && (1..=64).contains(&self.slots.saturating_mul(self.slot_bits))
    }

    /// Whether the sum over `terms` plaintexts stays in its slot.
    fn holds(&self, terms: u32) -> bool {
        let sum = u64::from(terms).saturating_mul(u64::from(self.bound));
        let half = 1u64.checked_shl(self.slot_bits.saturating_sub(1));
        self.bound > 0 && half.is_some_and(|h| sum < h)
    }
}

/// The committee of an epoch.
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
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase", deny_unknown_fields)
)]
pub struct CommitteeParameters {
    /// Members n.
    pub members: u8,
    /// Members t that decrypt together; t - 1 learn nothing.
    pub threshold: u8,
    /// Polynomials of the key layer that one key may decrypt: what its flooding is made for.
    pub answers: u32,
    /// Blocks for dealing.
    pub dealing_blocks: BlockNumber,
    /// Blocks for complaints.
    pub complaint_blocks: BlockNumber,
    /// Blocks for answers to complaints.
    pub defence_blocks: BlockNumber,
    /// Blocks for votes on dealers.
    pub judgement_blocks: BlockNumber,
    /// Blocks for naming the public key.
    pub confirmation_blocks: BlockNumber,
    /// Blocks in which rounds may open under a key.
    pub serving_blocks: BlockNumber,
}

/// The cohort of a round.
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
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase", deny_unknown_fields)
)]
pub struct CohortParameters {
    /// Fewest contributions that are ever summed.
    pub minimum: u32,
    /// Most contributors that are drawn.
    pub maximum: u32,
    /// Hostile contributors for which the noise of differential privacy is calibrated.
    pub max_corrupt: u32,
    /// Blocks that an account must have been bonded before the round opened.
    pub age: BlockNumber,
    /// Contributions of which a key segment is opened.
    pub audited: u32,
    /// Fewest parameters of a model: a smaller one has few values in each of the key segments.
    pub min_parameters: u64,
}

/// Durations of a private round, in blocks.
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
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase", deny_unknown_fields)
)]
pub struct PrivatePhases {
    /// Block randomness mixed into a seed.
    pub seed_blocks: BlockNumber,
    /// Distinct authors of a seed.
    pub seed_authors: u32,
    /// Registration.
    pub registration_blocks: BlockNumber,
    /// Training and encryption.
    pub commitment_blocks: BlockNumber,
    /// Opening of roots.
    pub opening_blocks: BlockNumber,
    /// Opening of audited segments, and of those at fault.
    pub disclosure_blocks: BlockNumber,
    /// Votes of the auditors.
    pub audit_blocks: BlockNumber,
    /// Summing.
    pub summing_blocks: BlockNumber,
    /// Window in which a sum or a version may be disputed.
    pub dispute_blocks: BlockNumber,
    /// A turn of a dispute.
    pub response_blocks: BlockNumber,
    /// Answers of the committee.
    pub decryption_blocks: BlockNumber,
    /// Opening of the held-out shard.
    pub shard_blocks: BlockNumber,
    /// Combination, merge and scoring by the auditors.
    pub combination_blocks: BlockNumber,
    /// Reveal of their reports.
    pub reveal_blocks: BlockNumber,
}

impl PrivatePhases {
    fn all(&self) -> [BlockNumber; 13] {
        [
            self.seed_blocks,
            self.registration_blocks,
            self.commitment_blocks,
            self.opening_blocks,
            self.disclosure_blocks,
            self.audit_blocks,
            self.summing_blocks,
            self.dispute_blocks,
            self.response_blocks,
            self.decryption_blocks,
            self.shard_blocks,
            self.combination_blocks,
            self.reveal_blocks,
        ]
    }
}

/// Bonds, and what is lost by silence.
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
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase", deny_unknown_fields)
)]
pub struct PrivateBonds {
    /// Locked for a place in a committee.
    pub member: Balance,
    /// Locked for a contribution.
    pub contribution: Balance,
    /// Locked for an auditor's seat.
    pub auditor: Balance,
    /// Locked for a posted sum.
    pub sum: Balance,
    /// Locked by whoever disputes a sum or a version.
    pub dispute: Balance,
    /// Lost by silence.
    pub silence: Balance,
}

/// How a round's fee is split, in parts of [`PARTS`]; the rest is the aggregator's.
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
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase", deny_unknown_fields)
)]
pub struct FeeParameters {
    /// Least fee of a round.
    pub minimum: Balance,
    /// Share of the members that answered.
    pub member_share: u32,
    /// Share of the auditors that agreed.
    pub auditor_share: u32,
}

/// Parameters as they are written down.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase", deny_unknown_fields)
)]
pub struct PrivateLiteral {
    /// Ring of the data layer.
    pub data: RingShape,
    /// Ring of the key layer.
    pub key: RingShape,
    /// The committee.
    pub committee: CommitteeParameters,
    /// The cohort.
    pub cohort: CohortParameters,
    /// Seats of auditors in a round.
    pub auditors: u16,
    /// Durations.
    pub phases: PrivatePhases,
    /// Bonds.
    pub bonds: PrivateBonds,
    /// Fees.
    pub fees: FeeParameters,
}

/// Why a literal is refused.
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
pub enum PrivateParameterError {
    /// `data` or `key`: the degree is no power of two in 1024..=65536, the primes are not 1 to 8 distinct numbers below 2^30
    /// that are 1 modulo twice the degree, or the slots do not fit 64 bits.
    Ring,
    /// A sum over `cohort.maximum` contributions does not fit a slot of `data` or `key`.
    Slots,
    /// `committee`: 2 <= t, 2 t - 1 <= n and n <= 7 are needed.
    Committee,
    /// `committee.answers` is below the polynomials of one round.
    Answers,
    /// `cohort`: maxCorrupt + 2 <= minimum <= maximum <= 256 are needed.
    Cohort,
    /// `cohort.audited` is above 16 or above `cohort.minimum`.
    Audited,
    /// `cohort.minParameters` is zero, or below the 64 key segments.
    MinParameters,
    /// `auditors` is below 3 or above 16.
    Auditors,
    /// A phase has no block, or all of them together more than 2^24.
    Phases,
    /// `phases.seedAuthors` is zero or above 64.
    SeedAuthors,
    /// A bond is zero, or `bonds.silence` is above one of those that it is taken from.
    Bonds,
    /// The shares of the fee pass one million.
    Shares,
}

/// Checked parameters.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct PrivateParameters(PrivateLiteral);

fn ensure(condition: bool, error: PrivateParameterError) -> Result<(), PrivateParameterError> {
    condition.then_some(()).ok_or(error)
}

impl PrivateParameters {
    /// Checks a literal.
    ///
    /// # Errors
    /// [`PrivateParameterError`] names the first value that is wrong.
    pub fn new(literal: PrivateLiteral) -> Result<Self, PrivateParameterError> {
        use PrivateParameterError as E;
        let (committee, cohort, phases) = (&literal.committee, &literal.cohort, &literal.phases);
        ensure(literal.data.sound() && literal.key.sound(), E::Ring)?;
        let (n, t) = (u32::from(committee.members), u32::from(committee.threshold));
        let both_decrypt_and_spare = t.saturating_mul(2).saturating_sub(1) <= n;
        ensure(
            t >= 2 && both_decrypt_and_spare && n <= MAX_MEMBERS,
            E::Committee,
        )?;
        let least = cohort.max_corrupt.checked_add(2);
        ensure(
            least.is_some_and(|l| l <= cohort.minimum)
                && cohort.minimum <= cohort.maximum
                && cohort.maximum <= MAX_COHORT,
            E::Cohort,
        )?;
        ensure(
            literal.data.holds(cohort.maximum) && literal.key.holds(cohort.maximum),
            E::Slots,
        )?;
        ensure(
            cohort.audited <= MAX_DISCLOSED && cohort.audited <= cohort.minimum,
            E::Audited,
        )?;
        ensure(
            cohort.min_parameters >= u64::from(KEY_SEGMENTS),
            E::MinParameters,
        )?;
        ensure(
            (3..=MAX_AUDITORS).contains(&u32::from(literal.auditors)),
            E::Auditors,
        )?;
        let steps = [
            committee.dealing_blocks,
            committee.complaint_blocks,
            committee.defence_blocks,
            committee.judgement_blocks,
            committee.confirmation_blocks,
            committee.serving_blocks,
        ];
        let all = || phases.all().into_iter().chain(steps);
        let length = all().try_fold(0u32, |n, b| n.checked_add(b));
        ensure(
            all().all(|b| b > 0) && length.is_some_and(|n| n <= 1 << 24),
            E::Phases,
        )?;
        ensure((1..=64).contains(&phases.seed_authors), E::SeedAuthors)?;
        let b = &literal.bonds;
        let silenced = [b.member, b.contribution, b.auditor];
        ensure(
            silenced.iter().all(|x| *x >= b.silence)
                && [b.sum, b.dispute, b.silence].iter().all(|x| *x > 0),
            E::Bonds,
        )?;
        let fees = &literal.fees;
        let shares = fees.member_share.checked_add(fees.auditor_share);
        ensure(shares.is_some_and(|s| s <= PARTS), E::Shares)?;
        let checked = Self(literal);
        ensure(
            checked.key_polynomials() <= checked.get().committee.answers,
            E::Answers,
        )?;
        Ok(checked)
    }

    /// What was checked.
    pub fn get(&self) -> &PrivateLiteral {
        &self.0
    }

    /// Polynomials of the key layer that carry a contributor's keys: what a member answers for in a round.
    pub fn key_polynomials(&self) -> u32 {
        let coefficients = u64::from(KEY_SEGMENTS).saturating_mul(u64::from(self.0.data.degree));
        let polynomials = coefficients.div_ceil(self.0.key.values().max(1));
        u32::try_from(polynomials).unwrap_or(u32::MAX)
    }

    /// Blocks from an epoch's beginning to its serving, when its seed is not late.
    pub fn formation_blocks(&self) -> BlockNumber {
        let c = &self.0.committee;
        [
            self.0.phases.seed_blocks,
            c.dealing_blocks,
            c.complaint_blocks,
            c.defence_blocks,
            c.judgement_blocks,
            c.confirmation_blocks,
        ]
        .iter()
        .fold(0, |n: BlockNumber, b| n.saturating_add(*b))
    }

    /// How the ciphertexts of a model lie; `None` where the model is too small, or too large for trees of 2^32 leaves.
    pub fn layout(&self, parameters: u64) -> Option<Layout> {
        if parameters < self.0.cohort.min_parameters {
            return None;
        }
        let segment_values = parameters.div_ceil(u64::from(KEY_SEGMENTS));
        let polynomials = segment_values.checked_div(self.0.data.values())?;
        let exact = polynomials.checked_mul(self.0.data.values()) == Some(segment_values);
        let polynomials = u32::try_from(polynomials).ok()?;
        let polynomials = polynomials.checked_add(u32::from(!exact))?;
        Some(Layout {
            segment_values,
            polynomials,
            data_leaves: u32::from(KEY_SEGMENTS)
                .checked_mul(polynomials)?
                .checked_mul(self.0.data.leaves())?,
            key_leaves: self
                .key_polynomials()
                .checked_mul(2)?
                .checked_mul(self.0.key.leaves())?,
        })
    }
}

/// How a contribution's ciphertexts lie.
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
pub struct Layout {
    /// Parameters of a key segment; the last may be short.
    pub segment_values: u64,
    /// Polynomials of a key segment in the data layer.
    pub polynomials: u32,
    /// Leaves of a data tree.
    pub data_leaves: u32,
    /// Leaves of a key tree.
    pub key_leaves: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: fn(&mut PrivateLiteral)) -> Result<(), PrivateParameterError> {
        let mut literal = PrivateLiteral::network();
        change(&mut literal);
        PrivateParameters::new(literal).map(|_| ())
    }

    #[test]
    fn private_presets_should_pass_with_the_stated_sizes() {
        let network = PrivateParameters::new(PrivateLiteral::network()).unwrap();
        assert_eq!(network.key_polynomials(), 8);
        assert!(PrivateParameters::new(PrivateLiteral::development()).is_ok());
        let ten_million = network.layout(10_000_000).unwrap();
        assert_eq!(
            ten_million,
            Layout {
                segment_values: 156_250,
                polynomials: 10,
                data_leaves: 64 * 10 * 12,
                key_leaves: 8 * 2 * 48,
            }
        );
        // Partial decryptions do not grow with the model.
        assert_eq!(
            network.layout(1 << 20).unwrap().key_leaves,
            ten_million.key_leaves
        );
        assert_eq!(network.layout((1 << 20) - 1), None);
        assert_eq!(network.layout(u64::MAX), None);
        let exact = network.layout(64 * 16_384).unwrap();
        assert_eq!((exact.polynomials, exact.segment_values), (1, 16_384));
        assert_eq!(network.layout(64 * 16_384 + 1).unwrap().polynomials, 2);
    }

    #[test]
    fn prime_should_follow_the_limb_of_a_leaf() {
        let ring = PrivateLiteral::network().data;
        assert_eq!((ring.leaves_per_limb(), ring.leaves()), (4, 12));
        for leaf in 0..100 {
            assert_eq!(ring.prime(leaf), Some(ring.primes[(leaf as usize / 4) % 3]));
        }
    }

    #[test]
    fn new_should_name_the_wrong_private_parameter() {
        use PrivateParameterError as E;
        assert_eq!(with(|l| l.data.degree = 5_000), Err(E::Ring));
        assert_eq!(with(|l| l.data.degree = 512), Err(E::Ring));
        assert_eq!(with(|l| l.key.primes = BoundedVec::new()), Err(E::Ring));
        assert_eq!(with(|l| l.key.primes[1] = l.key.primes[0]), Err(E::Ring));
        assert_eq!(with(|l| l.key.primes[1] += 2), Err(E::Ring));
        assert_eq!(with(|l| l.data.slots = 5), Err(E::Ring));
        assert_eq!(with(|l| l.data.bound = 128), Err(E::Slots));
        assert_eq!(with(|l| l.data.bound = 0), Err(E::Slots));
        for (members, threshold) in [(7u8, 1u8), (7, 5), (8, 4), (2, 2), (6, 4), (0, 0)] {
            let mut literal = PrivateLiteral::network();
            (literal.committee.members, literal.committee.threshold) = (members, threshold);
            assert_eq!(PrivateParameters::new(literal), Err(E::Committee));
        }
        assert_eq!(with(|l| l.committee.answers = 7), Err(E::Answers));
        assert_eq!(
            with(|l| l.cohort.minimum = l.cohort.max_corrupt + 1),
            Err(E::Cohort)
        );
        assert_eq!(with(|l| l.cohort.maximum = 257), Err(E::Cohort));
        assert_eq!(with(|l| l.cohort.max_corrupt = u32::MAX), Err(E::Cohort));
        assert_eq!(with(|l| l.cohort.audited = 17), Err(E::Audited));
        assert_eq!(
            with(|l| l.cohort.min_parameters = 63),
            Err(E::MinParameters)
        );
        assert_eq!(with(|l| l.auditors = 2), Err(E::Auditors));
        assert_eq!(with(|l| l.auditors = 17), Err(E::Auditors));
        assert_eq!(with(|l| l.phases.reveal_blocks = 0), Err(E::Phases));
        assert_eq!(
            with(|l| l.committee.serving_blocks = u32::MAX),
            Err(E::Phases)
        );
        assert_eq!(with(|l| l.phases.seed_authors = 65), Err(E::SeedAuthors));
        assert_eq!(with(|l| l.bonds.dispute = 0), Err(E::Bonds));
        assert_eq!(
            with(|l| l.bonds.silence = l.bonds.auditor + 1),
            Err(E::Bonds)
        );
        assert_eq!(with(|l| l.fees.member_share = 999_999), Err(E::Shares));
    }
}
