// SPDX-License-Identifier: GPL-3.0-or-later
//! Who takes part, and how they behave.

use crate::chain::AccountId;
use crate::rng::Rng;
use dream_primitives::{Balance, H256};

/// How a miner behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MinerKind {
    /// Trains, claims, serves and opens.
    Honest,
    /// Invents so many segments, never the last.
    Faked(u16),
    /// Leaves out the last step of a segment.
    Skipped,
    /// Trains on another account's data order.
    WrongOrder,
    /// Starts from a state that is not the head.
    WrongStart,
    /// Claims a delta that is not the end minus the start.
    WrongDelta,
    /// Claims the trace of its first round in every later one.
    Replayed,
    /// Claims another miner's whole trace as its own.
    Stolen,
    /// Opens its states but serves no blob.
    Withheld,
    /// Serves its blobs to one seat of the committee.
    ServedToOne,
    /// Serves its blobs to hostile seats only, who relay nothing.
    ServedToHostile,
    /// Never opens its start states.
    StartsClosed,
    /// Never opens its digests.
    DigestsClosed,
    /// Invents so many segments and gives its trace to every verifier that would rather not replay.
    Leaky(u16),
    /// Trains, serves its committee, and answers no demand for its delta after that.
    VanishedDelta,
    /// Trains and claims by the rules, but fakes nothing when on canary duty.
    DutyShirker,
}

impl MinerKind {
    /// Every kind that is not honest.
    pub const HOSTILE: [MinerKind; 15] = [
        Self::Faked(1),
        Self::Skipped,
        Self::WrongOrder,
        Self::WrongStart,
        Self::WrongDelta,
        Self::Replayed,
        Self::Stolen,
        Self::Withheld,
        Self::ServedToOne,
        Self::ServedToHostile,
        Self::StartsClosed,
        Self::DigestsClosed,
        Self::Leaky(2),
        Self::VanishedDelta,
        Self::DutyShirker,
    ];
}

/// How a verifier behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VerifierKind {
    /// Fetches, relays, replays and reveals what it found.
    Honest,
    /// Confirms what hostile miners claim; says of all others that it found something else.
    Denying,
    /// Confirms what hostile miners claim; says of all others that their blobs lack.
    Lacking,
    /// Takes its seats and does nothing.
    Silent,
    /// Commits, and never reveals.
    Unrevealing,
    /// Confirms leaked traces without a replay, and replays the others.
    Lazy,
}

impl VerifierKind {
    /// Every kind that is not honest.
    pub const HOSTILE: [VerifierKind; 5] = [
        Self::Denying,
        Self::Lacking,
        Self::Silent,
        Self::Unrevealing,
        Self::Lazy,
    ];
}

/// What an actor is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Trains.
    Miner(MinerKind),
    /// Verifies and sits on juries.
    Verifier(VerifierKind),
    /// Posts merges, disputes wrong ones, challenges bad claims.
    Merger,
}

/// Parts of a round in which an actor may be gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// Training.
    Claim,
    /// Start states.
    Opening,
    /// Availability.
    Vote,
    /// Commitment.
    Commit,
    /// Digests.
    Digests,
    /// Reveals.
    Reveal,
    /// Canary flags.
    Flag,
    /// Escalation and jury.
    Trial,
    /// Never gone.
    Never,
}

const STAGES: [Stage; 8] = [
    Stage::Claim,
    Stage::Opening,
    Stage::Vote,
    Stage::Commit,
    Stage::Digests,
    Stage::Reveal,
    Stage::Flag,
    Stage::Trial,
];

/// A participant.
pub struct Actor {
    /// Account.
    pub account: AccountId,
    /// Part.
    pub part: Part,
    /// Stage from which on it is gone in this round.
    pub gone_from: Stage,
    /// Blocks that it waits in each phase of this round.
    pub delay: u64,
    /// Number of the latest round in which it did not act when its turn came.
    pub gone_in: Option<u32>,
    /// What its bond was when last looked at.
    pub bond: Balance,
    /// Heads of its canary chain, the next to be revealed last.
    pub links: Vec<H256>,
}

impl Actor {
    /// Whether its part is played by the rules.
    pub fn honest(&self) -> bool {
        matches!(
            self.part,
            Part::Merger | Part::Miner(MinerKind::Honest) | Part::Verifier(VerifierKind::Honest)
        )
    }

    /// Rolls what happens to it in a round: `drop_out` in a thousand of being gone from some stage on, and a delay.
    pub fn roll(&mut self, rng: &mut Rng, drop_out: u64, delays: bool) {
        self.delay = if delays { rng.next() } else { 0 };
        let gone = self.part != Part::Merger && rng.chance(drop_out);
        self.gone_from = if gone {
            *rng.pick(&STAGES)
        } else {
            Stage::Never
        };
    }

    /// Whether it acts at a stage of a round, now that its turn has come.
    pub fn acts(&mut self, stage: Stage, round: u32) -> bool {
        let here = stage < self.gone_from;
        if !here {
            self.gone_in = Some(round);
        }
        here
    }

    /// Whether it may lose something: it is hostile, or missed a turn in this round or the one before.
    pub fn excused(&self, round: u32) -> bool {
        let lately = self.gone_in.is_some_and(|gone| gone + 1 >= round);
        lately || !self.honest()
    }

    /// What a hostile one does as a verifier; `None` for all others.
    pub fn verifier(&self) -> Option<VerifierKind> {
        match self.part {
            Part::Verifier(kind) => Some(kind),
            _ => None,
        }
    }

    /// What it does as a miner.
    pub fn miner(&self) -> Option<MinerKind> {
        match self.part {
            Part::Miner(kind) => Some(kind),
            _ => None,
        }
    }
}
