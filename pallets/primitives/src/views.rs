// SPDX-License-Identifier: GPL-3.0-or-later
//! What the runtime API `DreamApi` and the `dream` RPC namespace answer with.

use crate::cid::Cid;
use crate::claim::RoundId;
use crate::round::{ClaimRecord, OpenedStart, Phase, Round};
use crate::trial::Trial;
use crate::version::VersionHeader;
use crate::voting::AppliedVote;
use crate::{Balance, BranchId, H256};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// A branch and its head.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BranchView {
    /// Branch.
    pub branch: BranchId,
    /// Whether governance (or genesis) admitted it.
    pub admitted: bool,
    /// Whether governance froze it.
    pub frozen: bool,
    /// Hash of the head.
    pub head: H256,
    /// Header of the head.
    pub header: VersionHeader,
}

/// A version with its hash.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VersionView {
    /// Version hash.
    pub hash: H256,
    /// Header.
    pub header: VersionHeader,
}

/// A claim with its whole history.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ClaimView<AccountId> {
    /// Claim.
    pub id: H256,
    /// All that the chain keeps of it.
    pub record: ClaimRecord<AccountId>,
    /// Its trial, while it has one.
    pub trial: Option<Trial<AccountId>>,
}

/// A trial that waits for an account.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TrialView<AccountId> {
    /// Claim.
    pub claim: H256,
    /// Its round.
    pub round: RoundId,
    /// The trial: its stage says what is asked of the account now.
    pub trial: Trial<AccountId>,
    /// Start states of the segments to be replayed; empty while a challenged segment is not open.
    pub starts: Vec<OpenedStart>,
    /// Where the delta is.
    pub delta_cid: Cid,
}

/// An audit that waits for an account.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AuditView {
    /// Claim.
    pub claim: H256,
    /// Round.
    pub round: RoundId,
    /// The round's phase: what is asked of the verifier now.
    pub phase: Phase,
    /// First block after the phase's time.
    pub deadline: crate::BlockNumber,
    /// Start states of the audited segments.
    pub starts: Vec<OpenedStart>,
    /// Where the delta is.
    pub delta_cid: Cid,
}

/// A branch's current round with its claims.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RoundView<AccountId> {
    /// The round.
    pub round: Round<AccountId>,
    /// Its claims in the order in which they came.
    pub claims: Vec<H256>,
}

/// An account's compute credits.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CreditsView {
    /// Credit epoch that runs.
    pub epoch: u32,
    /// What the account has now, in work units.
    pub now: u128,
    /// What all accounts have now: at least their sum.
    pub total_now: u128,
    /// As of the end of each epoch that a vote may count, newest first.
    pub history: Vec<EpochCredits>,
}

/// Credits as of the end of an epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EpochCredits {
    /// Epoch.
    pub epoch: u32,
    /// Of the account.
    pub credits: u128,
    /// Of all accounts: at least their sum.
    pub total: u128,
}

/// Where the weight of an account's vote on a poll comes from.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WeightView<AccountId> {
    /// Credit epoch whose credits count: that before the poll's submission. `None` in the chain's first epoch: nobody weighs
    /// anything.
    pub epoch: Option<u32>,
    /// The account's credits as of the end of that epoch.
    pub credits: u128,
    /// Those of all accounts.
    pub total: u128,
    /// Issuance now.
    pub issuance: Balance,
    /// Tokens that the account may vote with: all that it has, bonds and frozen ones too, but for what is set aside to pay others.
    pub tokens: Balance,
    /// What all of them would weigh in a vote of now, before conviction.
    pub weight: Balance,
    /// What its vote added to the tally, where it voted: its own weight and those of its delegators, before conviction.
    pub applied: Option<AppliedVote<AccountId>>,
}
