// SPDX-License-Identifier: GPL-3.0-or-later
//! Claims of useful work and what verifiers say of them.

use crate::cid::Cid;
use crate::draw::MAX_AUDITED;
use crate::emission::PARTS;
use crate::hashing::{hash, low_u128, Domain};
use crate::{merkle, BoundedVec, BranchId, ConstU32, H256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A round of a branch.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RoundId {
    /// Branch.
    pub branch: BranchId,
    /// Number of the round on the branch, from 1.
    pub number: u32,
}

/// Licence flag of a delta.
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
pub enum DeltaLicence {
    /// May be carried to a fork.
    Open,
    /// Left out of forks, or kept as a private overlay.
    Proprietary,
}

/// A residual of error feedback that is not all zeros.
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
pub struct StoredResidual {
    /// Its root ([`crate::feedback::residual_root`]).
    pub root: H256,
    /// Where it is: little-endian `i32`, as a state's parameters.
    pub cid: Cid,
}

/// Residual of error feedback before and after a claim's training; none stands for zeros.
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
pub struct ClaimResidual {
    /// What the account's last merged claim on the branch left over.
    pub start: Option<StoredResidual>,
    /// What this claim leaves over.
    pub end: Option<StoredResidual>,
}

impl ClaimResidual {
    /// Root of the residual at the end; zero for zeros.
    pub fn end_root(&self) -> H256 {
        self.end.map(|end| end.root).unwrap_or_default()
    }
}

/// What a miner claims before the audit seed exists.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Claim {
    /// Round.
    pub round: RoundId,
    /// Version that training started from: the round's base.
    pub base: H256,
    /// Merkle-sum root of the delta.
    pub delta_root: H256,
    /// Where the delta is.
    pub delta_cid: Cid,
    /// Merkle root over the hashes of training states 0..=segments.
    pub states_root: H256,
    /// Merkle root over the salted digests of segments 0..segments.
    pub digests_root: H256,
    /// Segments done; at most the recipe's.
    pub segments: u16,
    /// Residual of error feedback, where the recipe has it.
    pub residual: Option<ClaimResidual>,
    /// Profile (calibration leaf) that it was computed under.
    pub profile: H256,
    /// Commitment to the canary flag.
    pub canary: H256,
    /// Licence flag of the delta.
    pub licence: DeltaLicence,
}

impl Claim {
    /// Identity of the claim of `account`.
    pub fn id(&self, genesis: &H256, account: &[u8; 32]) -> H256 {
        hash(Domain::Claim, genesis, &[account, &self.encode()])
    }
}

/// Commitment to a canary flag: `canary` says that the claim was faked on duty; `salt` hides the answer.
pub fn canary_commitment(
    genesis: &H256,
    account: &[u8; 32],
    round: &RoundId,
    canary: bool,
    salt: &H256,
) -> H256 {
    hash(
        Domain::Canary,
        genesis,
        &[
            account,
            &round.encode(),
            &[u8::from(canary)],
            salt.as_bytes(),
        ],
    )
}

/// The link before `link` in an account's chain of secrets: `secret_0 = canary_link^n(seed)` is registered with the
/// profile, and each claim whose flag is opened uses up one link.
pub fn canary_link(genesis: &H256, link: &H256) -> H256 {
    hash(Domain::Canary, genesis, &[b"link", link.as_bytes()])
}

/// Whether a miner whose next link is `preimage` must fake its claim in the round with this training seed; `rate` in
/// parts of [`PARTS`].
pub fn on_duty(genesis: &H256, preimage: &H256, round_seed: &H256, rate: u32) -> bool {
    let drawn = hash(
        Domain::Canary,
        genesis,
        &[b"duty", preimage.as_bytes(), round_seed.as_bytes()],
    );
    low_u128(&drawn)
        .checked_rem(u128::from(PARTS))
        .is_some_and(|r| r < u128::from(rate))
}

/// The digest that stands for a segment's in a claim faked on duty. Until the link is open it looks like any other.
pub fn canary_digest(genesis: &H256, preimage: &H256, round: &RoundId, segment: u16) -> H256 {
    hash(
        Domain::Canary,
        genesis,
        &[
            b"digest",
            preimage.as_bytes(),
            &round.encode(),
            &segment.to_le_bytes(),
        ],
    )
}

/// The segment's digest with its salt.
pub fn salted_digest(genesis: &H256, digest: &H256, salt: &H256) -> H256 {
    hash(
        Domain::SaltedDigest,
        genesis,
        &[digest.as_bytes(), salt.as_bytes()],
    )
}

/// Leaf of `states_root`: the hash of a training state.
pub fn state_leaf(state: &H256) -> H256 {
    merkle::leaf(Domain::TrainingStates, state.as_bytes())
}

/// Leaf of `digests_root`: the segment's salted digest.
pub fn digest_leaf(genesis: &H256, digest: &H256, salt: &H256) -> H256 {
    merkle::leaf(
        Domain::Digests,
        salted_digest(genesis, digest, salt).as_bytes(),
    )
}

/// Longest Merkle proof over at most [`crate::recipe::MAX_SEGMENTS`] + 1 leaves.
pub const MAX_PROOF: u32 = 11;
/// Merkle proof over a claim's states or digests.
pub type TraceProof = BoundedVec<H256, ConstU32<MAX_PROOF>>;

/// Opening of the state at the start of an audited segment.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StartState {
    /// Segment.
    pub segment: u16,
    /// Hash of the training state before the segment: leaf `segment` of `states_root`.
    pub state: H256,
    /// Proof of the leaf.
    pub proof: TraceProof,
    /// Where the training state is.
    pub cid: Cid,
}

/// Opening of an audited segment's end after all verifiers committed.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SegmentOpening {
    /// Segment.
    pub segment: u16,
    /// Hash of the training state after the segment: leaf `segment + 1` of `states_root`.
    pub end_state: H256,
    /// Where the training state is; in the tolerant class only, where replays are compared by distance.
    pub cid: Option<Cid>,
    /// Proof of the leaf.
    pub state_proof: TraceProof,
    /// Digest of the segment.
    pub digest: H256,
    /// Salt of the digest.
    pub salt: H256,
    /// Proof that the salted digest is leaf `segment` of `digests_root`.
    pub digest_proof: TraceProof,
}

/// What one replayed segment gave.
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
pub struct SegmentResult {
    /// Segment.
    pub segment: u16,
    /// Hash of the training state after it.
    pub end_state: H256,
    /// Digest of its losses and gradient norms.
    pub digest: H256,
}

/// What a verifier's replay gave.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ReplayReport {
    /// Hash of the training state that the base version dequantises to (state 0).
    pub initial_state: H256,
    /// The audited segments, ascending.
    pub results: BoundedVec<SegmentResult, ConstU32<MAX_AUDITED>>,
    /// Root of the delta quantised from the replayed last state.
    pub delta_root: H256,
    /// Residual of error feedback at the end, where the recipe has it.
    pub residual_end: Option<H256>,
    /// Hash of the training state after the step that an escalation draws; none in the first committee.
    pub step_state: Option<H256>,
}

impl ReplayReport {
    /// What a seat of a trial reports when the blobs that it needs are not to be had.
    pub fn lack() -> Self {
        Self {
            initial_state: H256::zero(),
            results: BoundedVec::new(),
            delta_root: H256::zero(),
            residual_end: None,
            step_state: None,
        }
    }

    /// What a revealed report is remembered by: equal for verifiers that found the same.
    pub fn fingerprint(&self, genesis: &H256, claim: &H256) -> H256 {
        hash(Domain::Replay, genesis, &[claim.as_bytes(), &self.encode()])
    }

    /// The fingerprint of the report without the state after a trial's drawn step.
    pub fn plain_fingerprint(&self, genesis: &H256, claim: &H256) -> H256 {
        let plain = Self {
            step_state: None,
            ..self.clone()
        };
        plain.fingerprint(genesis, claim)
    }

    /// The commitment that hides the report until the digests are open.
    pub fn commitment(
        &self,
        genesis: &H256,
        account: &[u8; 32],
        claim: &H256,
        salt: &H256,
    ) -> H256 {
        hash(
            Domain::Replay,
            genesis,
            &[account, claim.as_bytes(), &self.encode(), salt.as_bytes()],
        )
    }
}

/// A verifier's word on the start states and the delta's blobs.
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
pub enum Availability {
    /// Fetched, and the hashes are right.
    Have,
    /// Not to be had.
    Lack,
}

/// A verifier's verdict.
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
pub enum Verdict {
    /// The replay gave what the claim says.
    Match,
    /// The replay gave something else.
    Mismatch,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_trace_should_fit_its_proof() {
        let leaves = u32::from(crate::recipe::MAX_SEGMENTS) + 1;
        assert_eq!(leaves.next_power_of_two().trailing_zeros(), MAX_PROOF);
    }

    #[test]
    fn commitment_should_bind_account_claim_and_salt() {
        let report = ReplayReport {
            initial_state: H256::zero(),
            results: Default::default(),
            delta_root: H256::zero(),
            residual_end: None,
            step_state: None,
        };
        let c = |a: u8, claim: u8, s: u8| {
            report.commitment(
                &H256::zero(),
                &[a; 32],
                &H256::repeat_byte(claim),
                &H256::repeat_byte(s),
            )
        };
        let all = [c(1, 1, 1), c(2, 1, 1), c(1, 2, 1), c(1, 1, 2)];
        assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])));
    }

    #[test]
    fn duty_should_come_at_its_rate_and_depend_on_link_and_seed() {
        let g = H256::zero();
        let n = |i: u64| H256::from_low_u64_be(i);
        let hits = |rate| {
            (0..4000)
                .filter(|i| on_duty(&g, &n(*i), &n(7), rate))
                .count()
        };
        assert_eq!((hits(0), hits(PARTS)), (0, 4000));
        assert!((140..260).contains(&hits(50_000)), "{}", hits(50_000));
        let by_seed = (0..4000).filter(|i| on_duty(&g, &n(7), &n(*i), 50_000));
        assert!((140..260).contains(&by_seed.count()));
    }

    #[test]
    fn canary_digest_should_differ_by_link_round_and_segment() {
        let g = H256::zero();
        let round = |number| RoundId { branch: 1, number };
        let d = |link, r, s| canary_digest(&g, &H256::repeat_byte(link), &round(r), s);
        let all = [d(1, 1, 1), d(2, 1, 1), d(1, 2, 1), d(1, 1, 2)];
        assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])));
        assert_ne!(
            canary_link(&g, &H256::zero()),
            canary_link(&g, &H256::repeat_byte(1))
        );
    }
}
