// SPDX-License-Identifier: GPL-3.0-or-later
//! What miners and verifiers do with a claim.

use codec::Encode;
use dream_primitives::claim::{
    digest_leaf, state_leaf, Claim, RoundId, SegmentOpening, SegmentResult, StartState,
};
use dream_primitives::hashing::Domain;
use dream_primitives::round::{ClaimEvent, ClaimState, HistoryEntry, OpenedStart, Phase};
use dream_primitives::version::Contribution;
use dream_primitives::{feedback, merkle, BoundedVec, H256};

use super::calls::{ensure, work, Done};
use super::rounds::move_claim;
use super::{Refusal, World};
use crate::{AccountId, ClaimRecord, Round, Seat};

pub(super) fn state_proved(record: &ClaimRecord, index: u32, state: &H256, proof: &[H256]) -> bool {
    let count = u32::from(record.claim.segments) + 1;
    let root = &record.claim.states_root;
    merkle::verify(
        Domain::TrainingStates,
        root,
        count,
        index,
        &state_leaf(state),
        proof,
    )
}

/// Whether an opening's end state and digest are leaves of the claim's trees.
pub(super) fn end_proved(record: &ClaimRecord, genesis: &H256, o: &SegmentOpening) -> bool {
    let (index, count) = (u32::from(o.segment), u32::from(record.claim.segments));
    let leaf = digest_leaf(genesis, &o.digest, &o.salt);
    let root = &record.claim.digests_root;
    merkle::verify(Domain::Digests, root, count, index, &leaf, &o.digest_proof)
        && state_proved(record, index + 1, &o.end_state, &o.state_proof)
}

pub(super) fn seat<'a>(
    record: &'a mut ClaimRecord,
    who: &AccountId,
) -> Result<&'a mut Seat, Refusal> {
    let mut seats = record.committee.iter_mut();
    seats
        .find(|s| s.verifier == *who)
        .ok_or(work("NotInCommittee"))
}

impl World {
    pub(super) fn round_in(&self, id: RoundId, phase: Phase) -> Result<&Round, Refusal> {
        let round = self.rounds.get(&id).ok_or(work("UnknownRound"))?;
        ensure(round.phase == phase, work("WrongPhase"))?;
        Ok(round)
    }

    /// What a merge of a round holds.
    pub(super) fn contributions(&self, round: &Round) -> Vec<Contribution> {
        let claims = self.round_claims.get(&round.source());
        let claims = claims.into_iter().flatten();
        let records = claims.map(|id| (*id, &self.claims[id]));
        records
            .filter(|(_, r)| r.contributes(round.replays.is_some()))
            .map(|(claim, r)| Contribution {
                claim,
                delta_root: r.claim.delta_root,
                weight: r.claim.segments,
            })
            .collect()
    }

    pub(super) fn submit_claim(&mut self, who: AccountId, claim: Claim) -> Done {
        let id = claim.round;
        let round = self.round_in(id, Phase::Training)?;
        let (opened, base, claims) = (round.opened, round.base, round.claims);
        let recipe = self.terms.get(&id).ok_or(work("UnknownRound"))?.recipe;
        let p = self.parameters;
        ensure(claim.base == base, work("WrongBase"))?;
        ensure(!self.claim_of.contains_key(&(id, who)), work("SecondClaim"))?;
        ensure(claims < p.round.max_claims, work("RoundFull"))?;
        let enough = claim.segments >= p.audit.segments.max(1);
        ensure(
            enough && claim.segments <= recipe.segments,
            work("BadSegments"),
        )?;
        let carried = self.residuals.get(&(id.branch, who));
        ensure(
            feedback::continues(&claim, recipe.has_feedback(), carried),
            work("BadResidual"),
        )?;
        let profile = self
            .profiles
            .get(&(id.branch, who))
            .ok_or(work("WrongProfile"))?;
        ensure(profile.leaf == claim.profile, work("WrongProfile"))?;
        ensure(profile.since < opened, work("ProfileTooYoung"))?;
        let secret = profile.secret;
        let bond = self.bonds.get(&who).ok_or(work("BondTooSmall"))?;
        ensure(bond.free() >= p.bonds.claim, work("BondTooSmall"))?;
        ensure(bond.free_in(opened) >= p.bonds.claim, work("BondTooYoung"))?;
        self.lock_bond(&who, p.bonds.claim)?;

        let claim_id = claim.id(&self.genesis, &who.0);
        self.round_claims.entry(id).or_default().push(claim_id);
        self.claim_of.insert((id, who), claim_id);
        if let Some(round) = self.rounds.get_mut(&id) {
            round.claims += 1;
            round.awaiting = round.awaiting.saturating_sub(1);
        }
        let history = vec![HistoryEntry {
            block: self.number,
            state: ClaimState::Claimed,
        }];
        let record = ClaimRecord {
            claim,
            miner: who,
            state: ClaimState::Claimed,
            bond: p.bonds.claim,
            audited: BoundedVec::new(),
            initial_state: None,
            starts: BoundedVec::new(),
            ends: BoundedVec::new(),
            committee: BoundedVec::new(),
            history: BoundedVec::truncate_from(history),
            receipts: BoundedVec::new(),
            secret,
            flag: None,
            finding: None,
            larger: BoundedVec::new(),
            merged: false,
            newcomer: false,
            reverted: false,
        };
        self.claims.insert(claim_id, record);
        self.event("UsefulWork", "Claimed", &[("claim", &|| claim_id.encode())]);
        Ok(())
    }

    /// One act on a claim in its phase: loads it, runs `act` with the block and the genesis hash, counts the act.
    pub(super) fn act(
        &mut self,
        id: H256,
        phase: Phase,
        state: ClaimState,
        act: impl FnOnce(&mut ClaimRecord, u32, &H256) -> Done,
    ) -> Done {
        let mut record = self.claims.get(&id).ok_or(work("UnknownClaim"))?.clone();
        self.round_in(record.claim.round, phase)?;
        ensure(record.state == state, work("WrongClaimState"))?;
        act(&mut record, self.number, &self.genesis)?;
        if let Some(round) = self.rounds.get_mut(&record.claim.round) {
            round.awaiting = round.awaiting.saturating_sub(1);
        }
        self.claims.insert(id, record);
        Ok(())
    }
}

pub(super) fn open_starts(
    record: &mut ClaimRecord,
    who: AccountId,
    now: u32,
    initial_state: H256,
    initial_proof: &[H256],
    starts: &[StartState],
) -> Done {
    ensure(record.miner == who, work("NotTheMiner"))?;
    let segments = starts.iter().map(|s| s.segment);
    ensure(
        segments.eq(record.audited.iter().copied()),
        work("WrongSegments"),
    )?;
    let first = state_proved(record, 0, &initial_state, initial_proof);
    let proved = |s: &StartState| state_proved(record, u32::from(s.segment), &s.state, &s.proof);
    ensure(first && starts.iter().all(proved), work("BadProof"))?;
    record.initial_state = Some(initial_state);
    let opened = starts.iter().map(|s| OpenedStart {
        segment: s.segment,
        state: s.state,
        cid: s.cid,
    });
    record.starts = BoundedVec::truncate_from(opened.collect());
    move_claim(record, ClaimEvent::Open, now);
    Ok(())
}

pub(super) fn open_digests(
    record: &mut ClaimRecord,
    who: AccountId,
    now: u32,
    genesis: &H256,
    openings: &[SegmentOpening],
) -> Done {
    ensure(record.miner == who, work("NotTheMiner"))?;
    let segments = openings.iter().map(|o| o.segment);
    ensure(
        segments.eq(record.audited.iter().copied()),
        work("WrongSegments"),
    )?;
    let proved = openings.iter().all(|o| end_proved(record, genesis, o));
    ensure(proved, work("BadProof"))?;
    let ends = openings.iter().map(|o| SegmentResult {
        segment: o.segment,
        end_state: o.end_state,
        digest: o.digest,
    });
    record.ends = BoundedVec::truncate_from(ends.collect());
    move_claim(record, ClaimEvent::Open, now);
    Ok(())
}
