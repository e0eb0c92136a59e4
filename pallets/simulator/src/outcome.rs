// SPDX-License-Identifier: GPL-3.0-or-later
//! What became of a claim.

use crate::actors::{MinerKind, VerifierKind};
use crate::world::{Blob, Record, World};
use dream_primitives::claim::RoundId;
use dream_primitives::round::{ClaimState, Role};
use dream_primitives::{Balance, H256};

/// What became of a claim, taken when its round closed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Claim.
    pub claim: H256,
    /// Round.
    pub round: RoundId,
    /// Miner.
    pub miner: usize,
    /// How the miner behaves.
    pub kind: MinerKind,
    /// Last state.
    pub state: ClaimState,
    /// Every state that it came to.
    pub history: Vec<ClaimState>,
    /// Number of invented segments.
    pub faked: u16,
    /// Whether an audited segment was invented.
    pub hit: bool,
    /// Whether every seat of the first committee was honest and gave its verdict.
    pub clean: bool,
    /// Whether the miner was there all the time.
    pub present: bool,
    /// Whether it was on duty to fake.
    pub duty: bool,
    /// Whether it is in the merge that became the head.
    pub merged: bool,
    /// Segments that the first committee replayed.
    pub replayed: u32,
    /// What the miner was paid.
    pub paid: Balance,
    /// What all verifiers together were paid.
    pub verifiers_paid: Balance,
}

impl Outcome {
    pub(crate) fn new(world: &World, claim: H256, record: &Record, blob: &Blob) -> Self {
        let actor = &world.actors[blob.miner];
        let honest = |account| {
            let number = world.number(account);
            number.is_some_and(|n| world.actors[n].verifier() == Some(VerifierKind::Honest))
        };
        let paid = |role: Role| {
            let receipts = record.receipts.iter().filter(|r| r.role == role);
            receipts.map(|r| r.amount).sum()
        };
        Self {
            claim,
            round: record.claim.round,
            miner: blob.miner,
            kind: actor.miner().expect("claims are miners'"),
            state: record.state,
            history: record.history.iter().map(|h| h.state).collect(),
            faked: blob.faked.len() as u16,
            hit: record.audited.iter().any(|s| blob.faked.contains(s)),
            clean: record.committee.len() == usize::from(world.setup.parameters.audit.committee)
                && record
                    .committee
                    .iter()
                    .all(|s| honest(&s.verifier) && s.verdict.is_some()),
            present: !blob.missed,
            duty: blob.duty,
            merged: record.merged,
            replayed: record
                .committee
                .iter()
                .filter(|s| s.verdict.is_some())
                .count() as u32
                * record.audited.len() as u32,
            paid: paid(Role::Miner),
            verifiers_paid: paid(Role::Verifier),
        }
    }

    /// Whether the claim was ever accepted.
    pub fn passed(&self) -> bool {
        self.history.contains(&ClaimState::Accepted)
    }

    /// Whether the claim counted as verified work at the end.
    pub fn accepted(&self) -> bool {
        matches!(
            self.state,
            ClaimState::Accepted | ClaimState::Merged | ClaimState::Vested | ClaimState::Reverted
        )
    }
}
