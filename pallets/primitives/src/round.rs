// SPDX-License-Identifier: GPL-3.0-or-later
//! The state machine of rounds and claims: one table each.

use crate::claim::RoundId;
use crate::emission::RoundPay;
use crate::{Balance, BlockNumber, H256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

pub use crate::record::*;

/// Most claims of a round.
pub const MAX_CLAIMS: u32 = 256;

/// Phase of a round.
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
pub enum Phase {
    /// Block randomness of a window is mixed into the training seed.
    Seeding,
    /// Miners train and claim.
    Training,
    /// Block randomness of a later window is mixed into the audit seed; then committees are drawn.
    Drawing,
    /// Miners open the states at the start of the audited segments.
    Opening,
    /// Verifiers say whether the blobs are there.
    Availability,
    /// Verifiers replay and commit.
    Commitment,
    /// Miners open digests and end states.
    DigestOpening,
    /// Verifiers reveal.
    Reveal,
    /// Miners open their canary flags.
    FlagOpening,
    /// A larger committee replays.
    Escalation,
    /// All verifiers of the profile judge.
    Jury,
    /// Anyone bonded posts the merge.
    Merging,
    /// The merge may be disputed.
    Dispute,
    /// The new version is scored on a held-out shard.
    Valuation,
    /// Rewards are computed.
    Paying,
    /// Rewards wait until they vest; claims may be challenged.
    Vesting,
    /// Over.
    Closed,
}

/// What moves a round.
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
pub enum RoundEvent {
    /// The window's seed is complete.
    SeedReady,
    /// Everybody acted, or time is up.
    Complete,
    /// There is nothing left for the next phases to do.
    Empty,
    /// At least one claim is on trial.
    Escalated,
    /// A merge was posted.
    MergePosted,
    /// The posted merge was proved wrong or its tree is not held.
    MergeRefuted,
    /// The model is to be scored.
    ScoreDue,
}

/// Every transition of a round.
#[rustfmt::skip]
pub const ROUND_TABLE: &[(Phase, RoundEvent, Phase)] = &[
    (Phase::Seeding, RoundEvent::SeedReady, Phase::Training),
    (Phase::Training, RoundEvent::Complete, Phase::Drawing),
    (Phase::Training, RoundEvent::Empty, Phase::Closed),
    (Phase::Drawing, RoundEvent::SeedReady, Phase::Opening),
    (Phase::Drawing, RoundEvent::Empty, Phase::Paying),
    (Phase::Opening, RoundEvent::Complete, Phase::Availability),
    (Phase::Opening, RoundEvent::Empty, Phase::Paying),
    (Phase::Availability, RoundEvent::Complete, Phase::Commitment),
    (Phase::Commitment, RoundEvent::Complete, Phase::DigestOpening),
    (Phase::DigestOpening, RoundEvent::Complete, Phase::Reveal),
    (Phase::DigestOpening, RoundEvent::Empty, Phase::Paying),
    (Phase::Reveal, RoundEvent::Complete, Phase::FlagOpening),
    (Phase::FlagOpening, RoundEvent::Complete, Phase::Merging),
    (Phase::FlagOpening, RoundEvent::Empty, Phase::Paying),
    (Phase::FlagOpening, RoundEvent::Escalated, Phase::Escalation),
    (Phase::Escalation, RoundEvent::Complete, Phase::Merging),
    (Phase::Escalation, RoundEvent::Empty, Phase::Paying),
    (Phase::Escalation, RoundEvent::Escalated, Phase::Jury),
    (Phase::Jury, RoundEvent::Complete, Phase::Merging),
    (Phase::Jury, RoundEvent::Empty, Phase::Paying),
    (Phase::Merging, RoundEvent::MergePosted, Phase::Dispute),
    (Phase::Merging, RoundEvent::Empty, Phase::Paying),
    (Phase::Dispute, RoundEvent::Complete, Phase::Paying),
    (Phase::Dispute, RoundEvent::MergeRefuted, Phase::Merging),
    (Phase::Dispute, RoundEvent::ScoreDue, Phase::Valuation),
    (Phase::Valuation, RoundEvent::Complete, Phase::Paying),
    (Phase::Paying, RoundEvent::Complete, Phase::Vesting),
    (Phase::Vesting, RoundEvent::Complete, Phase::Closed),
];

impl Phase {
    /// The phase after `event`; `None` when the table has no such transition.
    pub fn next(self, event: RoundEvent) -> Option<Phase> {
        ROUND_TABLE
            .iter()
            .find(|(from, on, _)| *from == self && *on == event)
            .map(|(_, _, to)| *to)
    }
}

/// State of a claim.
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
pub enum ClaimState {
    /// Posted with a bond.
    Claimed,
    /// Committee and segments are drawn.
    Drawn,
    /// The miner opened the start states.
    Opened,
    /// The verifiers have spoken on the blobs; they replay.
    Available,
    /// The verifiers' commitments are in.
    Committed,
    /// The miner opened digests and end states.
    Revealed,
    /// Verified.
    Accepted,
    /// Refused: the miner did not open its digests or its canary flag.
    Rejected,
    /// Not judged: start states not opened or blobs not to be had for a jury (the availability deposit is lost), no
    /// verifier, a jury without a verdict, or a newcomer's that its first committee did not accept.
    Void,
    /// A larger committee replays it.
    Escalated,
    /// All verifiers of the profile judge it.
    OnTrial,
    /// A jury found against it: the bond is slashed.
    Slashed,
    /// A claim faked on duty: earns a flat fee, never merged.
    Canary,
    /// Left out of the merge because a chunk of its delta was not to be had.
    Excluded,
    /// In a posted merge.
    Merged,
    /// Challenged before its rewards vested.
    Challenged,
    /// Rewards paid out, bond free.
    Vested,
    /// Taken out of the model.
    Reverted,
}

/// What moves a claim.
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
pub enum ClaimEvent {
    /// Committee and segments are drawn.
    Draw,
    /// The miner opens.
    Open,
    /// The verifiers have spoken on the blobs.
    Have,
    /// Time is up, nobody can audit, a jury lacks the blobs or a verdict, or a committee does not accept a newcomer's.
    Void,
    /// The commitments are in.
    Commit,
    /// At least two thirds of the seats match.
    Accept,
    /// The claim is refused.
    Reject,
    /// No clear verdict.
    Escalate,
    /// A jury found against the miner.
    Slash,
    /// The canary flag is opened.
    Sing,
    /// The delta is not to be had.
    Exclude,
    /// A merge holds it.
    Merge,
    /// Challenged.
    Challenge,
    /// Rewards vest.
    Vest,
    /// Taken out of the model; a claim that was comes back to that when a challenge of it fails.
    Revert,
}

/// Every transition of a claim.
#[rustfmt::skip]
pub const CLAIM_TABLE: &[(ClaimState, ClaimEvent, ClaimState)] = &[
    (ClaimState::Claimed, ClaimEvent::Draw, ClaimState::Drawn),
    (ClaimState::Claimed, ClaimEvent::Void, ClaimState::Void),
    (ClaimState::Drawn, ClaimEvent::Open, ClaimState::Opened),
    (ClaimState::Drawn, ClaimEvent::Void, ClaimState::Void),
    (ClaimState::Opened, ClaimEvent::Have, ClaimState::Available),
    (ClaimState::Available, ClaimEvent::Commit, ClaimState::Committed),
    (ClaimState::Committed, ClaimEvent::Open, ClaimState::Revealed),
    (ClaimState::Committed, ClaimEvent::Reject, ClaimState::Rejected),
    (ClaimState::Revealed, ClaimEvent::Accept, ClaimState::Accepted),
    (ClaimState::Revealed, ClaimEvent::Reject, ClaimState::Rejected),
    (ClaimState::Revealed, ClaimEvent::Sing, ClaimState::Canary),
    (ClaimState::Revealed, ClaimEvent::Escalate, ClaimState::Escalated),
    (ClaimState::Revealed, ClaimEvent::Void, ClaimState::Void),
    (ClaimState::Escalated, ClaimEvent::Accept, ClaimState::Accepted),
    (ClaimState::Escalated, ClaimEvent::Escalate, ClaimState::OnTrial),
    (ClaimState::OnTrial, ClaimEvent::Accept, ClaimState::Accepted),
    (ClaimState::OnTrial, ClaimEvent::Void, ClaimState::Void),
    (ClaimState::OnTrial, ClaimEvent::Slash, ClaimState::Slashed),
    (ClaimState::Accepted, ClaimEvent::Merge, ClaimState::Merged),
    (ClaimState::Accepted, ClaimEvent::Exclude, ClaimState::Excluded),
    (ClaimState::Accepted, ClaimEvent::Challenge, ClaimState::Challenged),
    (ClaimState::Accepted, ClaimEvent::Vest, ClaimState::Vested),
    (ClaimState::Merged, ClaimEvent::Exclude, ClaimState::Excluded),
    (ClaimState::Merged, ClaimEvent::Challenge, ClaimState::Challenged),
    (ClaimState::Merged, ClaimEvent::Vest, ClaimState::Vested),
    (ClaimState::Merged, ClaimEvent::Revert, ClaimState::Reverted),
    (ClaimState::Canary, ClaimEvent::Vest, ClaimState::Vested),
    (ClaimState::Challenged, ClaimEvent::Accept, ClaimState::Accepted),
    (ClaimState::Challenged, ClaimEvent::Merge, ClaimState::Merged),
    (ClaimState::Challenged, ClaimEvent::Revert, ClaimState::Reverted),
    (ClaimState::Challenged, ClaimEvent::Slash, ClaimState::Slashed),
    (ClaimState::Challenged, ClaimEvent::Void, ClaimState::Void),
    (ClaimState::Void, ClaimEvent::Exclude, ClaimState::Excluded),
    (ClaimState::Void, ClaimEvent::Revert, ClaimState::Reverted),
    (ClaimState::Vested, ClaimEvent::Exclude, ClaimState::Excluded),
    (ClaimState::Vested, ClaimEvent::Revert, ClaimState::Reverted),
    (ClaimState::Slashed, ClaimEvent::Exclude, ClaimState::Excluded),
    (ClaimState::Slashed, ClaimEvent::Revert, ClaimState::Reverted),
    (ClaimState::Reverted, ClaimEvent::Challenge, ClaimState::Challenged),
];

impl ClaimState {
    /// The state after `event`; `None` when the table has no such transition.
    pub fn next(self, event: ClaimEvent) -> Option<ClaimState> {
        CLAIM_TABLE
            .iter()
            .find(|(from, on, _)| *from == self && *on == event)
            .map(|(_, _, to)| *to)
    }

    /// Whether the claim counts as verified work.
    pub fn accepted(self) -> bool {
        matches!(
            self,
            Self::Accepted | Self::Merged | Self::Challenged | Self::Vested
        )
    }
}

/// A merge that was posted.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PostedMerge<AccountId> {
    /// Who posted it.
    pub merger: AccountId,
    /// Bond locked for it.
    pub bond: Balance,
    /// Hash of the version's header.
    pub version: H256,
    /// Block at which its disputes ended: a claim that is felled from then on stays in it.
    pub stands: Option<BlockNumber>,
}

/// A round.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Round<AccountId> {
    /// Identity.
    pub id: RoundId,
    /// Phase.
    pub phase: Phase,
    /// Block at which the round opened; what an account registered counts only if it is older.
    pub opened: BlockNumber,
    /// First block after the phase's time.
    pub deadline: BlockNumber,
    /// Version that training starts from.
    pub base: H256,
    /// Seed of the data order; zero until it is complete.
    pub seed: H256,
    /// Seed of the audit; zero until it is complete.
    pub audit_seed: H256,
    /// Chance that a claim is faked on duty, in parts of a million, as it was when the round opened.
    pub canary_rate: u32,
    /// Number of claims.
    pub claims: u32,
    /// Acts that the phase still waits for.
    pub awaiting: u32,
    /// Next claim to be swept at the phase's end.
    pub cursor: Option<u32>,
    /// Accepted claims.
    pub accepted: u32,
    /// Verified work units of the accepted claims.
    pub units: u128,
    /// Work units of right replays.
    pub audit_units: u128,
    /// Emission set aside for the round.
    pub emission: Balance,
    /// What the round pays, fixed when its paying begins.
    pub pay: Option<RoundPay>,
    /// What its receipts say so far.
    pub receipted: Balance,
    /// The posted merge.
    pub merge: Option<PostedMerge<AccountId>>,
    /// Number of the round whose merge this one makes again, without what was reverted.
    pub replays: Option<u32>,
    /// Escalations, juries and challenges of its claims that are not over.
    pub trials: u32,
    /// Disputes of its merge and demands for chunks that are not over.
    pub disputes: u32,
    /// Merges that were refuted.
    pub refutations: u32,
}

impl<AccountId> Round<AccountId> {
    /// The round whose claims its merge holds: itself, or the one that it makes again.
    pub fn source(&self) -> RoundId {
        RoundId {
            number: self.replays.unwrap_or(self.id.number),
            ..self.id
        }
    }

    /// Bond of the next merge: `least`, and twice as much after each refuted one, so that nobody halts a branch with wrong
    /// merges at a flat price.
    pub fn merge_bond(&self, least: Balance) -> Balance {
        (0..self.refutations.min(32)).fold(least, |bond, _| bond.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    #[test]
    fn tables_should_be_functions() {
        for (i, a) in ROUND_TABLE.iter().enumerate() {
            assert!(
                ROUND_TABLE
                    .iter()
                    .skip(i + 1)
                    .all(|b| (a.0, a.1) != (b.0, b.1)),
                "{a:?}"
            );
        }
        for (i, a) in CLAIM_TABLE.iter().enumerate() {
            assert!(
                CLAIM_TABLE
                    .iter()
                    .skip(i + 1)
                    .all(|b| (a.0, a.1) != (b.0, b.1)),
                "{a:?}"
            );
        }
    }

    #[test]
    fn every_phase_should_be_reached_and_lead_to_closed() {
        let mut seen = vec![Phase::Seeding];
        let mut todo = seen.clone();
        while let Some(p) = todo.pop() {
            for (_, _, to) in ROUND_TABLE.iter().filter(|(from, _, _)| *from == p) {
                if !seen.contains(to) {
                    seen.push(*to);
                    todo.push(*to);
                }
            }
        }
        assert_eq!(seen.len(), 17);
        assert!(seen
            .iter()
            .all(|p| *p == Phase::Closed || ROUND_TABLE.iter().any(|(from, _, _)| from == p)));
    }

    #[test]
    fn claim_paths_should_fit_the_history() {
        fn longest(state: ClaimState, seen: &mut Vec<ClaimState>) -> usize {
            let nexts: Vec<ClaimState> = CLAIM_TABLE
                .iter()
                .filter(|(f, _, _)| *f == state)
                .map(|(_, _, t)| *t)
                .collect();
            let mut best = 0;
            for to in nexts {
                if !seen.contains(&to) {
                    seen.push(to);
                    best = best.max(1 + longest(to, seen));
                    seen.pop();
                }
            }
            best
        }
        // Each challenge that fails leads back: two more entries, of which the longest path holds one pair.
        let challenges = 2 * crate::trial::MAX_CHALLENGES as usize;
        assert!(
            1 + longest(ClaimState::Claimed, &mut vec![ClaimState::Claimed]) + challenges
                <= MAX_HISTORY as usize
        );
    }

    #[test]
    fn next_should_be_none_when_out_of_order() {
        assert_eq!(Phase::Training.next(RoundEvent::MergePosted), None);
        assert_eq!(ClaimState::Claimed.next(ClaimEvent::Accept), None);
        assert_eq!(ClaimState::Rejected.next(ClaimEvent::Vest), None);
    }
}
