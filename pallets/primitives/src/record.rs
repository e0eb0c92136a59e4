// SPDX-License-Identifier: GPL-3.0-or-later
//! What the chain keeps of a claim.

use crate::cid::Cid;
use crate::claim::{Availability, Claim, ReplayReport, SegmentResult, Verdict};
use crate::draw::{two_thirds, MAX_AUDITED, MAX_COMMITTEE};
use crate::math::to_u32;
use crate::round::{ClaimEvent, ClaimState};
use crate::{Balance, BlockNumber, BoundedVec, ConstU32, H256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most entries in a claim's history: no path through [`crate::round::CLAIM_TABLE`] is longer.
pub const MAX_HISTORY: u32 = 24;
/// Most receipts of a claim: its miner, its committee and the larger one.
pub const MAX_RECEIPTS: u32 = MAX_COMMITTEE.saturating_mul(2).saturating_add(1);

/// A seat of a committee.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Seat<AccountId> {
    /// Verifier.
    pub verifier: AccountId,
    /// Bond locked for the seat.
    pub bond: Balance,
    /// Word on the blobs.
    pub availability: Option<Availability>,
    /// Commitment to the replay.
    pub commitment: Option<H256>,
    /// Verdict, from the revealed report.
    pub verdict: Option<Verdict>,
    /// Fingerprint of the revealed report.
    pub report: Option<H256>,
    /// Whether the revealed report found the claim's states, delta and residual, whatever its digests.
    pub trained: bool,
}

/// An opened start state.
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
pub struct OpenedStart {
    /// Segment.
    pub segment: u16,
    /// Hash of the training state before it.
    pub state: H256,
    /// Where the training state is.
    pub cid: Cid,
}

/// In what role an account is paid.
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
pub enum Role {
    /// Trained.
    Miner,
    /// Replayed.
    Verifier,
}

/// A payment for a claim.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Receipt<AccountId> {
    /// Who is paid.
    pub account: AccountId,
    /// For what.
    pub role: Role,
    /// Work units that the payment is for.
    pub units: u128,
    /// Amount.
    pub amount: Balance,
    /// Block from which it is paid out.
    pub vests_at: BlockNumber,
}

/// A step in a claim's history.
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
pub struct HistoryEntry {
    /// Block.
    pub block: BlockNumber,
    /// State that the claim came to.
    pub state: ClaimState,
}

/// Bounded lists of a claim's record.
pub type Committee<AccountId> = BoundedVec<Seat<AccountId>, ConstU32<MAX_COMMITTEE>>;
/// Segments that the audit seed drew.
pub type DrawnSegments = BoundedVec<u16, ConstU32<MAX_AUDITED>>;

/// What a trial found of a claim.
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
pub enum Finding {
    /// The report of the audited segments with this fingerprint.
    Report(H256),
    /// One audited segment is not what the claim says.
    Faked,
}

/// Everything that the chain keeps of a claim.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClaimRecord<AccountId> {
    /// What was claimed.
    pub claim: Claim,
    /// Who claimed it.
    pub miner: AccountId,
    /// State.
    pub state: ClaimState,
    /// Bond locked for the claim.
    pub bond: Balance,
    /// Audited segments, ascending.
    pub audited: DrawnSegments,
    /// State 0 as the miner opened it.
    pub initial_state: Option<H256>,
    /// Opened start states, one an audited segment.
    pub starts: BoundedVec<OpenedStart, ConstU32<MAX_AUDITED>>,
    /// Opened end states and digests, one an audited segment.
    pub ends: BoundedVec<SegmentResult, ConstU32<MAX_AUDITED>>,
    /// Verifiers.
    pub committee: Committee<AccountId>,
    /// Every state that the claim came to.
    pub history: BoundedVec<HistoryEntry, ConstU32<MAX_HISTORY>>,
    /// Payments.
    pub receipts: BoundedVec<Receipt<AccountId>, ConstU32<MAX_RECEIPTS>>,
    /// The miner's secret when it claimed: its canary flag is opened with the link before it.
    pub secret: H256,
    /// The canary flag as the miner opened it.
    pub flag: Option<bool>,
    /// What a trial found.
    pub finding: Option<Finding>,
    /// Seats of the larger committee that were right; paid like the first committee's.
    pub larger: BoundedVec<AccountId, ConstU32<MAX_COMMITTEE>>,
    /// Whether it is in the merge that became the head, though it may have been reverted since.
    pub merged: bool,
    /// Whether it was claimed without a bond.
    pub newcomer: bool,
    /// Whether governance took it out of the model: it comes back into no merge, whatever a challenge says of it since.
    pub reverted: bool,
}

impl<AccountId> ClaimRecord<AccountId> {
    /// Whether a report says what the claim says of the segments with these ends.
    pub fn says(&self, ends: &[SegmentResult], report: &ReplayReport) -> bool {
        ends == report.results.as_slice() && self.begins_and_ends_as(report)
    }

    /// Whether a report found the states, the delta and the residual of the claim, whatever it says of digests.
    pub fn trained_as(&self, report: &ReplayReport) -> bool {
        let state = |r: &SegmentResult| (r.segment, r.end_state);
        let (claimed, found) = (self.ends.iter(), report.results.iter());
        claimed.map(state).eq(found.map(state)) && self.begins_and_ends_as(report)
    }

    /// Whether a report names the claim's state 0, delta and residual.
    fn begins_and_ends_as(&self, report: &ReplayReport) -> bool {
        self.initial_state == Some(report.initial_state)
            && self.claim.delta_root == report.delta_root
            && self.claim.residual.map(|r| r.end_root()) == report.residual_end
    }

    /// Whether a merge holds the claim: the round's own merge every accepted one (a challenge does not change a merge while
    /// it is open), a replay every one that was merged and not taken out since.
    pub fn contributes(&self, replayed: bool) -> bool {
        let out = self.reverted || self.state == ClaimState::Excluded;
        let accepted = matches!(self.state, ClaimState::Accepted | ClaimState::Challenged);
        !out && (self.merged || (accepted && !replayed))
    }

    /// Whether the claim earns what its training is worth, up to the flat fee of a fake on duty: of that, all but the
    /// digests must be what training gives, or idle accounts would claim on duty only.
    pub fn earns(&self) -> bool {
        let canary = self.state == ClaimState::Canary;
        self.state.accepted() || canary && self.two_thirds_of_seats(|s| s.trained)
    }

    /// What the first committee's verdicts decide once the flag is open: a fake on duty is one whatever they say;
    /// otherwise accepted when at least two thirds of the seats match, and escalated else. A newcomer's is void instead:
    /// without a bond at stake, junk would call larger committees and juries for nothing.
    pub fn settlement(&self) -> ClaimEvent {
        match self.flag {
            None => ClaimEvent::Reject,
            Some(true) => ClaimEvent::Sing,
            _ if self.two_thirds_said(Verdict::Match) => ClaimEvent::Accept,
            _ if self.newcomer => ClaimEvent::Void,
            _ => ClaimEvent::Escalate,
        }
    }

    /// Whether at least two thirds of the first committee's seats gave a verdict.
    pub fn two_thirds_said(&self, verdict: Verdict) -> bool {
        self.two_thirds_of_seats(|s| s.verdict == Some(verdict))
    }

    fn two_thirds_of_seats(&self, holds: impl Fn(&Seat<AccountId>) -> bool) -> bool {
        let count = self.committee.iter().filter(|s| holds(s)).count();
        two_thirds(to_u32(count), to_u32(self.committee.len()))
    }

    /// Whether a seat was drawn and did not do its part, though it could: it never said that the blobs are lacking, yet
    /// gave no commitment or, where there was something to reveal, no report.
    pub fn was_silent(&self, seat: &Seat<AccountId>) -> bool {
        let revealing = !self.ends.is_empty();
        let reported = seat.commitment.is_some() && (seat.verdict.is_some() || !revealing);
        seat.availability != Some(Availability::Lack) && !reported
    }

    /// Whether a seat's report is what was found of the settled claim.
    pub fn was_right(&self, seat: &Seat<AccountId>) -> bool {
        let mismatch = seat.verdict == Some(Verdict::Mismatch);
        match (self.flag, self.finding) {
            (Some(true), _) | (_, Some(Finding::Faked)) => mismatch,
            (_, Some(Finding::Report(plain))) => seat.report == Some(plain),
            (_, None) => {
                // A claim felled by a challenge outside the audited segments was audited rightly; so was one whose delta is
                // not to be had any more.
                let felled = matches!(self.state, ClaimState::Slashed | ClaimState::Void);
                let judged = self.state.accepted()
                    || self.state == ClaimState::Excluded
                    || felled && self.challenges() > 0;
                judged && seat.verdict == Some(Verdict::Match)
            }
        }
    }

    /// Whether a seat said something else than what was found.
    pub fn was_wrong(&self, seat: &Seat<AccountId>) -> bool {
        seat.verdict.is_some() && !self.was_right(seat)
    }

    /// Whether a challenge felled the accepted claim in or after a block: too late to leave a merge that stood then.
    pub fn felled_since(&self, block: BlockNumber) -> bool {
        let felled = |s| matches!(s, ClaimState::Slashed | ClaimState::Void);
        let felled = self.history.last().filter(|h| felled(h.state));
        self.challenges() > 0 && felled.is_some_and(|h| h.block >= block)
    }

    /// Whether a trial went against the claim, or came to nothing, at any time.
    pub fn was_felled(&self) -> bool {
        let felled = |h: &HistoryEntry| matches!(h.state, ClaimState::Slashed | ClaimState::Void);
        self.history.iter().any(felled)
    }

    /// How often the claim was challenged.
    pub fn challenges(&self) -> u32 {
        let challenged = |h: &&HistoryEntry| h.state == ClaimState::Challenged;
        to_u32(self.history.iter().filter(challenged).count())
    }
}
