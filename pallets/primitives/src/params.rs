// SPDX-License-Identifier: GPL-3.0-or-later
//! Chain parameters and the one check that they must pass everywhere.

use crate::credits::{RING, STEPS};
use crate::draw::{self, MAX_AUDITED, MAX_COMMITTEE};
use crate::emission::PARTS;
use crate::math::mul_div;
use crate::round::MAX_CLAIMS;
use crate::voting::MAX_POLL_HOURS;
use crate::{Balance, BlockNumber, SUPPLY_CAP};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Shortest slot that a chain spec may set, in milliseconds. The runtime's block weight is a third of it.
pub const MIN_SLOT_MS: u64 = 1_000;

/// Most claims of a round that need neither bond nor fees.
pub const MAX_NEWCOMERS: u32 = 64;

/// Consensus values: genesis only, never changed later.
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
pub struct ConsensusParameters {
    /// Slot duration, milliseconds.
    pub slot_ms: u64,
    /// Slots in an epoch.
    pub epoch_slots: u32,
}

/// Durations of a round's phases, in blocks, and its size.
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
pub struct RoundParameters {
    /// Blocks whose randomness makes a seed.
    pub seed_blocks: BlockNumber,
    /// Distinct authors that a seed needs; its window grows until it has them.
    pub seed_authors: u32,
    /// Training and claims.
    pub training_blocks: BlockNumber,
    /// Opening of start states.
    pub opening_blocks: BlockNumber,
    /// Availability votes.
    pub availability_blocks: BlockNumber,
    /// Replay and commitments.
    pub commit_blocks: BlockNumber,
    /// Opening of digests.
    pub digest_blocks: BlockNumber,
    /// Reveals.
    pub reveal_blocks: BlockNumber,
    /// Opening of canary flags.
    pub flag_blocks: BlockNumber,
    /// Posting of a merge.
    pub merge_blocks: BlockNumber,
    /// Disputes of a merge.
    pub dispute_blocks: BlockNumber,
    /// Time for one answer: to a dispute, to a demand for a chunk, to a challenge, to open a held-out shard.
    pub response_blocks: BlockNumber,
    /// Claims of a round; training ends early when they are in.
    pub max_claims: u32,
    /// Rounds for which states and traces are kept and rewards vest.
    pub retention_rounds: u32,
    /// Claims of a round that need neither bond nor fees.
    pub newcomer_slots: u32,
}

/// The audit.
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
pub struct AuditParameters {
    /// Segments audited of a claim (q), the last always among them.
    pub segments: u16,
    /// Segments audited of a claim without a bond: at least twice as many.
    pub newcomer_segments: u16,
    /// Verifiers of a claim (c).
    pub committee: u16,
    /// Verifiers of a claim whose first committee came to no verdict; zero sends it to the jury at once.
    pub escalation: u16,
    /// Chance that a claim is faked on duty, in parts of [`PARTS`].
    pub canary_rate: u32,
    /// How much worse than its parent a version may score and still become the head, in 10^-6 nats a token.
    pub value_margin: u32,
    /// Bits of bias that an author of the seed may have.
    pub seed_bias_bits: u8,
    /// Segments of the recipe that the economics are checked for.
    pub reference_segments: u16,
    /// What a profile's claims may earn while unvested, as a multiple of its verifiers' bonds.
    pub profile_leverage: u32,
    /// Whether any profile may register (development only), or only those that governance admitted.
    pub admit_any_profile: bool,
}

/// Bonds and deposits.
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
pub struct BondParameters {
    /// Locked for a claim until its rewards vest.
    pub claim: Balance,
    /// Part of a claim's bond that is lost when its miner does not open what it must, or its blobs are not to be had. A
    /// cheater that sees an unlucky draw may choose this loss, so the economics are checked with it.
    pub availability: Balance,
    /// Locked for a seat in a committee.
    pub seat: Balance,
    /// Locked for a posted merge.
    pub merge: Balance,
    /// Locked by whoever challenges a claim.
    pub challenge: Balance,
    /// Locked by whoever disputes a merge.
    pub dispute: Balance,
    /// Part of a seat's bond that is lost by silence.
    pub silence: Balance,
    /// Part of a lost bond that is burned, in parts of [`PARTS`]; the rest goes to those who were right.
    pub burn_share: u32,
    /// Price of a byte of a delta's chunk that is demanded on chain.
    pub chunk_byte: Balance,
    /// Blocks between unbonding and withdrawal.
    pub unbonding_blocks: BlockNumber,
    /// Held for a registered model or branch.
    pub model_deposit: Balance,
    /// Held for a registered data set.
    pub data_deposit: Balance,
}

/// Rewards. Shares are parts of [`PARTS`].
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
pub struct RewardParameters {
    /// Emission a block at genesis.
    pub emission_per_block: Balance,
    /// Blocks after which emission halves.
    pub emission_half_life: BlockNumber,
    /// Most that a work unit is paid.
    pub max_unit_price: Balance,
    /// Most that a claim can be paid.
    pub max_claim_reward: Balance,
    /// Most that a claim faked on duty is paid.
    pub canary_fee: Balance,
    /// Share of verifiers.
    pub verifier_share: u32,
    /// Share of block producers.
    pub producer_share: u32,
    /// Share of the treasury.
    pub treasury_share: u32,
    /// Blocks after which credits halve.
    pub credit_half_life: BlockNumber,
    /// Issuance at which founding bonds retire.
    pub bootstrap_issuance: Balance,
}

/// Governance. Periods of all tracks are multiples of an hour.
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
pub struct GovernanceParameters {
    /// Blocks that count as an hour. A development chain makes hours short.
    pub hour_blocks: BlockNumber,
    /// Held from whoever submits a referendum.
    pub submission_deposit: Balance,
    /// Held from whoever asks for a decision; each track takes a multiple.
    pub decision_deposit: Balance,
}

/// All parameters of a chain.
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
pub struct ChainParameters {
    /// Consensus; genesis only.
    pub consensus: ConsensusParameters,
    /// Rounds.
    pub round: RoundParameters,
    /// Audits.
    pub audit: AuditParameters,
    /// Bonds.
    pub bonds: BondParameters,
    /// Rewards.
    pub rewards: RewardParameters,
    /// Governance.
    pub governance: GovernanceParameters,
}

/// Why parameters are refused.
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
pub enum ParameterError {
    /// `consensus.slotMs` is below [`MIN_SLOT_MS`] or odd.
    SlotMs,
    /// `consensus.epochSlots` is below 4.
    EpochSlots,
    /// A phase of `round` has no block, or a round would last more than 2^24 blocks.
    PhaseBlocks,
    /// `round.seedAuthors` is zero or above 64.
    SeedAuthors,
    /// `round.maxClaims` is zero or above 256.
    MaxClaims,
    /// `round.retentionRounds` is zero or above 64.
    RetentionRounds,
    /// `audit.segments` is zero, above 16 or above `audit.referenceSegments`.
    AuditSegments,
    /// `audit.committee` is zero or above 16.
    Committee,
    /// `audit.escalation` is neither zero nor above `audit.committee` and at most 16.
    Escalation,
    /// `audit.canaryRate` is above half a million.
    CanaryRate,
    /// `audit.profileLeverage` is zero.
    ProfileLeverage,
    /// A bond is zero, `bonds.availability` is above `bonds.claim`, or `bonds.silence` above `bonds.seat`.
    Bonds,
    /// `bonds.burnShare` is zero or above one million: an accuser would take all that the accused loses.
    BurnShare,
    /// `bonds.unbondingBlocks` is shorter than the retention of a round.
    Unbonding,
    /// The shares pass one million, or leave nothing for miners.
    Shares,
    /// `rewards.emissionPerBlock` over all halvings could pass the supply cap.
    Emission,
    /// `rewards.maxUnitPrice`, `maxClaimReward` or a half-life is zero, a half-life below 64 blocks, or `canaryFee` above
    /// `maxClaimReward`.
    Rewards,
    /// Faking some number of segments would pay: `bonds.availability` is too small for `rewards.maxClaimReward` at the
    /// detection that `audit` gives.
    HonestyDoesNotPay,
    /// With `round.newcomerSlots`: they are above 64 or not below `round.maxClaims`, `audit.newcomerSegments` is below twice `audit.segments` or above
    /// 16, or faking without a bond would pay.
    NewcomerSlots,
    /// `governance.hourBlocks` or a deposit is zero, or the longest referendum (720 hours) outlasts the credits that are kept
    /// (`rewards.creditHalfLife` / 4 blocks).
    Governance,
}

impl RoundParameters {
    /// Longest that a round lasts when no seed window is extended and no merge is refuted: its own phases, an escalation
    /// and a jury, and the scoring. `None` on overflow.
    pub fn length(&self) -> Option<BlockNumber> {
        let trial = self.trial_blocks();
        let scoring = self.response_blocks.checked_add(trial)?;
        self.phases()
            .iter()
            .chain(&[self.seed_blocks, trial, trial, scoring])
            .try_fold(0u32, |n, b| n.checked_add(*b))
    }

    /// A trial's seed, replays and reveals; saturating.
    pub fn trial_blocks(&self) -> BlockNumber {
        self.seed_blocks
            .saturating_add(self.commit_blocks)
            .saturating_add(self.reveal_blocks)
    }

    /// Every duration.
    fn phases(&self) -> [BlockNumber; 11] {
        [
            self.seed_blocks,
            self.training_blocks,
            self.opening_blocks,
            self.availability_blocks,
            self.commit_blocks,
            self.digest_blocks,
            self.reveal_blocks,
            self.flag_blocks,
            self.merge_blocks,
            self.dispute_blocks,
            self.response_blocks,
        ]
    }

    /// Blocks after a round's end for which its data are kept and its rewards vest.
    pub fn retention_blocks(&self) -> BlockNumber {
        self.length()
            .unwrap_or(BlockNumber::MAX)
            .saturating_mul(self.retention_rounds)
    }
}

fn ensure(condition: bool, error: ParameterError) -> Result<(), ParameterError> {
    condition.then_some(()).ok_or(error)
}

/// Checks sizes and economics. Genesis build, every change, and every preset's test call this one function.
pub fn check(p: &ChainParameters) -> Result<(), ParameterError> {
    ensure(
        p.consensus.slot_ms >= MIN_SLOT_MS && p.consensus.slot_ms.is_multiple_of(2),
        ParameterError::SlotMs,
    )?;
    ensure(p.consensus.epoch_slots >= 4, ParameterError::EpochSlots)?;
    check_round(&p.round)?;
    check_audit(&p.audit)?;
    check_bonds(&p.bonds, &p.round)?;
    check_rewards(&p.rewards)?;
    check_governance(&p.governance, &p.rewards)?;
    check_honesty(p)
}

fn check_round(r: &RoundParameters) -> Result<(), ParameterError> {
    let length_ok = r.length().is_some_and(|n| n <= 1 << 24);
    ensure(
        r.phases().iter().all(|b| *b > 0) && length_ok,
        ParameterError::PhaseBlocks,
    )?;
    ensure(
        (1..=64).contains(&r.seed_authors),
        ParameterError::SeedAuthors,
    )?;
    ensure(
        (1..=MAX_CLAIMS).contains(&r.max_claims),
        ParameterError::MaxClaims,
    )?;
    ensure(
        (1..=64).contains(&r.retention_rounds),
        ParameterError::RetentionRounds,
    )
}

fn check_audit(a: &AuditParameters) -> Result<(), ParameterError> {
    let segments_ok = a.segments > 0
        && u32::from(a.segments) <= MAX_AUDITED
        && a.segments <= a.reference_segments;
    ensure(segments_ok, ParameterError::AuditSegments)?;
    ensure(
        a.committee > 0 && u32::from(a.committee) <= MAX_COMMITTEE,
        ParameterError::Committee,
    )?;
    let larger = a.escalation > a.committee && u32::from(a.escalation) <= MAX_COMMITTEE;
    ensure(a.escalation == 0 || larger, ParameterError::Escalation)?;
    ensure(a.canary_rate <= PARTS / 2, ParameterError::CanaryRate)?;
    ensure(a.profile_leverage > 0, ParameterError::ProfileLeverage)
}

fn check_bonds(b: &BondParameters, r: &RoundParameters) -> Result<(), ParameterError> {
    let all = [
        b.claim,
        b.availability,
        b.seat,
        b.merge,
        b.challenge,
        b.dispute,
        b.chunk_byte,
        b.model_deposit,
        b.data_deposit,
    ];
    let ordered = b.availability <= b.claim && b.silence <= b.seat;
    ensure(all.iter().all(|x| *x > 0) && ordered, ParameterError::Bonds)?;
    ensure(
        (1..=PARTS).contains(&b.burn_share),
        ParameterError::BurnShare,
    )?;
    ensure(
        b.unbonding_blocks >= r.retention_blocks(),
        ParameterError::Unbonding,
    )
}

fn check_rewards(r: &RewardParameters) -> Result<(), ParameterError> {
    let shares = [r.verifier_share, r.producer_share, r.treasury_share];
    let sum = shares.iter().try_fold(0u32, |n, s| n.checked_add(*s));
    ensure(sum.is_some_and(|s| s < PARTS), ParameterError::Shares)?;
    let positive =
        r.max_unit_price > 0 && r.max_claim_reward > 0 && r.canary_fee <= r.max_claim_reward;
    ensure(
        positive && r.emission_half_life >= 64 && r.credit_half_life >= 64,
        ParameterError::Rewards,
    )?;
    // Geometric series: at most twice the first half-life.
    let all = r
        .emission_per_block
        .checked_mul(Balance::from(r.emission_half_life))
        .and_then(|n| n.checked_mul(2));
    ensure(
        all.is_some_and(|n| n <= SUPPLY_CAP),
        ParameterError::Emission,
    )
}

/// The longest referendum must end while the credits that it counts are kept.
fn check_governance(g: &GovernanceParameters, r: &RewardParameters) -> Result<(), ParameterError> {
    let deposits = g.submission_deposit > 0 && g.decision_deposit > 0;
    let longest = g.hour_blocks.checked_mul(MAX_POLL_HOURS);
    let kept = (r.credit_half_life / STEPS).saturating_mul(RING);
    ensure(
        deposits && g.hour_blocks > 0 && longest.is_some_and(|n| n <= kept),
        ParameterError::Governance,
    )
}

/// For every number F of faked segments (the last not among them): detection x what is lost must pass the cost saved,
/// which is at most F / S of the largest reward of a claim (training that costs more than it earns is not done at all).
/// A bonded claim loses at least the availability deposit; one without a bond loses its reward alone, and is audited
/// twice as hard.
fn check_honesty(p: &ChainParameters) -> Result<(), ParameterError> {
    let segments = p.audit.reference_segments;
    let pays = |audited: u16, lost: Balance| {
        (1..segments).all(|faked| {
            let found = draw::biased(
                draw::detection(segments, audited, faked),
                p.audit.seed_bias_bits,
            );
            let saved = mul_div(
                p.rewards.max_claim_reward,
                u128::from(faked),
                u128::from(segments),
            );
            let lost = mul_div(lost, u128::from(found), u128::from(draw::ONE));
            lost.zip(saved).is_some_and(|(lost, saved)| lost > saved)
        })
    };
    ensure(
        pays(p.audit.segments, p.bonds.availability),
        ParameterError::HonestyDoesNotPay,
    )?;
    let audited = p.audit.newcomer_segments;
    let slots_ok = p.round.newcomer_slots <= MAX_NEWCOMERS
        && p.round.newcomer_slots < p.round.max_claims
        && audited >= p.audit.segments.saturating_mul(2)
        && u32::from(audited) <= MAX_AUDITED
        && pays(audited, p.rewards.max_claim_reward);
    ensure(
        p.round.newcomer_slots == 0 || slots_ok,
        ParameterError::NewcomerSlots,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DREAM;

    fn with(change: fn(&mut ChainParameters)) -> Result<(), ParameterError> {
        let mut p = ChainParameters::development();
        change(&mut p);
        check(&p)
    }

    #[test]
    fn presets_should_pass() {
        assert_eq!(check(&ChainParameters::development()), Ok(()));
        assert_eq!(check(&ChainParameters::network()), Ok(()));
    }

    #[test]
    fn check_should_name_the_wrong_value() {
        use ParameterError as E;
        assert_eq!(with(|p| p.consensus.slot_ms = 998), Err(E::SlotMs));
        assert_eq!(with(|p| p.consensus.slot_ms = 1001), Err(E::SlotMs));
        assert_eq!(with(|p| p.consensus.epoch_slots = 3), Err(E::EpochSlots));
        assert_eq!(with(|p| p.round.reveal_blocks = 0), Err(E::PhaseBlocks));
        assert_eq!(
            with(|p| p.round.training_blocks = u32::MAX),
            Err(E::PhaseBlocks)
        );
        assert_eq!(with(|p| p.round.seed_authors = 0), Err(E::SeedAuthors));
        assert_eq!(with(|p| p.round.max_claims = 257), Err(E::MaxClaims));
        assert_eq!(
            with(|p| p.round.retention_rounds = 0),
            Err(E::RetentionRounds)
        );
        assert_eq!(with(|p| p.audit.segments = 0), Err(E::AuditSegments));
        assert_eq!(with(|p| p.audit.segments = 17), Err(E::AuditSegments));
        assert_eq!(with(|p| p.audit.segments = 9), Err(E::AuditSegments));
        assert_eq!(with(|p| p.audit.committee = 17), Err(E::Committee));
        assert_eq!(
            with(|p| p.audit.profile_leverage = 0),
            Err(E::ProfileLeverage)
        );
        assert_eq!(with(|p| p.bonds.seat = 0), Err(E::Bonds));
        assert_eq!(
            with(|p| p.bonds.availability = p.bonds.claim + 1),
            Err(E::Bonds)
        );
        assert_eq!(with(|p| p.bonds.unbonding_blocks = 100), Err(E::Unbonding));
        assert_eq!(with(|p| p.rewards.verifier_share = 900_000), Err(E::Shares));
        assert_eq!(
            with(|p| p.rewards.emission_per_block = SUPPLY_CAP),
            Err(E::Emission)
        );
        assert_eq!(with(|p| p.rewards.max_unit_price = 0), Err(E::Rewards));
        assert_eq!(with(|p| p.rewards.credit_half_life = 63), Err(E::Rewards));
        assert_eq!(
            with(|p| p.bonds.availability = 500 * DREAM),
            Err(E::HonestyDoesNotPay)
        );
        assert_eq!(with(|p| p.governance.hour_blocks = 0), Err(E::Governance));
        assert_eq!(with(|p| p.governance.hour_blocks = 35), Err(E::Governance));
        assert_eq!(
            with(|p| p.rewards.credit_half_life = 2_879),
            Err(E::Governance)
        );
        assert_eq!(with(|p| p.rewards.credit_half_life = 2_880), Ok(()));
        assert_eq!(
            with(|p| p.governance.decision_deposit = 0),
            Err(E::Governance)
        );
        assert_eq!(with(|p| p.audit.escalation = 3), Err(E::Escalation));
        assert_eq!(with(|p| p.audit.escalation = 17), Err(E::Escalation));
        assert_eq!(with(|p| p.audit.canary_rate = 500_001), Err(E::CanaryRate));
        assert_eq!(with(|p| p.bonds.silence = p.bonds.seat + 1), Err(E::Bonds));
        assert_eq!(with(|p| p.bonds.burn_share = 0), Err(E::BurnShare));
        assert_eq!(with(|p| p.bonds.burn_share = 1_000_001), Err(E::BurnShare));
        assert_eq!(
            with(|p| p.rewards.canary_fee = 901 * DREAM),
            Err(E::Rewards)
        );
        assert_eq!(with(|p| p.round.newcomer_slots = 65), Err(E::NewcomerSlots));
        assert_eq!(with(|p| p.round.max_claims = 2), Err(E::NewcomerSlots));
        assert_eq!(
            with(|p| p.audit.newcomer_segments = 3),
            Err(E::NewcomerSlots)
        );
        let mut biased = ChainParameters::network();
        biased.audit.newcomer_segments = 8;
        assert_eq!(check(&biased), Err(E::NewcomerSlots));
        assert_eq!(with(|p| p.audit.segments = 1), Err(E::HonestyDoesNotPay));
    }
}
