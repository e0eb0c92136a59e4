// SPDX-License-Identifier: GPL-3.0-or-later
//! How rounds move from block to block.

use codec::Encode;
use dream_primitives::claim::{Availability, RoundId, Verdict};
use dream_primitives::feedback::CarriedResidual;
use dream_primitives::hashing::{content_hash, hash, Domain};
use dream_primitives::math::mul_div;
use dream_primitives::registry::{Funding, RoundTerms};
use dream_primitives::round::{
    ClaimEvent, ClaimState, HistoryEntry, Phase, Receipt, Role, RoundEvent,
};
use dream_primitives::trial::Level;
use dream_primitives::{credits, draw, emission, Balance, BoundedVec, BranchId, H256};

use super::{SeedWindow, World};
use crate::{AccountId, ClaimRecord, ProfileRecord, Round, Seat, Trial};

/// Authors that take turns in making blocks.
const AUTHORS: u32 = 64;

/// Whether the branch may open its next round.
pub(super) fn over(phase: Phase) -> bool {
    matches!(phase, Phase::Vesting | Phase::Closed)
}

/// Moves a claim by the table and writes its history.
pub(super) fn move_claim(record: &mut ClaimRecord, event: ClaimEvent, block: u32) -> bool {
    let Some(state) = record.state.next(event) else {
        return false;
    };
    record.state = state;
    let entry = HistoryEntry { block, state };
    record
        .history
        .try_push(entry)
        .expect("no path through the table is longer than the history");
    true
}

/// Whether a round waits for a merge however long it takes.
fn held(round: &Round) -> bool {
    round.disputes > 0 || round.replays.is_some()
}

impl World {
    pub(super) fn begin_block(&mut self) {
        self.step_trials();
        let ids: Vec<RoundId> = self.rounds.keys().copied().collect();
        for id in ids {
            let Some(round) = self.rounds.get(&id) else {
                continue;
            };
            if matches!(round.phase, Phase::Merging | Phase::Dispute) {
                self.expire(id);
            }
            let Some(round) = self.rounds.get(&id) else {
                continue;
            };
            let due = self.due.contains(&id) || self.number >= round.deadline;
            if !over(round.phase) || due {
                self.step(round.clone());
            }
        }
        for branch in self.admitted() {
            self.try_open(branch);
        }
    }

    fn round_terms(&self, branch: BranchId) -> Option<RoundTerms> {
        let info = self.branch(branch)?;
        Some(RoundTerms {
            model: info.model,
            architecture: self.models[info.model as usize].architecture,
            recipe: info.recipe,
            funding: Funding::Emission(info.admission?),
            mixture: self.streamed_mixture(branch, info.recipe.context + 1)?,
        })
    }

    fn try_open(&mut self, branch: BranchId) {
        if self.drive_replay(branch) {
            return;
        }
        let number = self.current.get(&branch).copied().unwrap_or(0);
        let last = self.rounds.get(&RoundId { branch, number });
        if last.is_some_and(|r| !over(r.phase)) {
            return;
        }
        let Some(terms) = self.round_terms(branch) else {
            return;
        };
        let number = number + 1;
        let id = RoundId { branch, number };
        let blocks = self.parameters.round.seed_blocks;
        let round = Round {
            id,
            phase: Phase::Seeding,
            opened: self.number,
            deadline: self.number + blocks,
            base: self.branches[branch as usize].head,
            seed: H256::zero(),
            audit_seed: H256::zero(),
            canary_rate: self.parameters.audit.canary_rate,
            claims: 0,
            awaiting: 0,
            cursor: None,
            accepted: 0,
            units: 0,
            audit_units: 0,
            emission: 0,
            pay: None,
            receipted: 0,
            merge: None,
            replays: None,
            trials: 0,
            disputes: 0,
            refutations: 0,
        };
        self.windows.insert(id, new_window(blocks));
        self.terms.insert(id, terms);
        self.rounds.insert(id, round);
        self.current.insert(branch, number);
        let now = self.number;
        self.last_paid.entry(branch).or_insert(now);
    }

    fn step(&mut self, mut round: Round) {
        if !self.is_over(&mut round) {
            self.rounds.insert(round.id, round);
            return;
        }
        round.awaiting = 0;
        if round.phase == Phase::Closed {
            self.prune(round.id);
            return;
        }
        for id in self
            .round_claims
            .get(&round.id)
            .cloned()
            .unwrap_or_default()
        {
            if let Some(mut record) = self.claims.remove(&id) {
                self.sweep(&mut round, id, &mut record);
                self.claims.insert(id, record);
            }
        }
        self.finish(&mut round);
        self.rounds.insert(round.id, round);
    }

    fn is_over(&mut self, round: &mut Round) -> bool {
        match round.phase {
            Phase::Seeding | Phase::Drawing => {
                let Some(mixed) = self.gather(round.id) else {
                    return false;
                };
                let parts = [mixed.as_bytes(), &(round.id, round.phase).encode()];
                let seed = hash(Domain::Seed, &self.genesis, &parts);
                if round.phase == Phase::Seeding {
                    round.seed = seed;
                } else {
                    round.audit_seed = seed;
                }
                true
            }
            Phase::Dispute => self.number >= round.deadline && round.disputes == 0,
            Phase::Merging if round.merge.is_none() && held(round) => false,
            Phase::Escalation => {
                let here = |c: &H256| self.claims[c].claim.round == round.id;
                let judged = |(c, t): (&H256, &Trial)| here(c) && t.level == Level::Escalation;
                !self.trials.iter().any(judged)
            }
            Phase::Jury | Phase::Vesting => round.trials == 0,
            Phase::Valuation => self.step_valuation(round),
            Phase::Paying | Phase::Closed => true,
            _ => self.number >= round.deadline || round.awaiting == 0,
        }
    }

    pub(super) fn gather(&mut self, id: RoundId) -> Option<H256> {
        let output = content_hash(Domain::Seed, &[b"mock vrf", self.hash.as_bytes()]);
        let window = self.windows.get_mut(&id)?;
        let parts = [window.mixed.as_bytes(), output.as_bytes()];
        window.mixed = hash(Domain::Seed, &self.genesis, &parts);
        window.left = window.left.saturating_sub(1);
        window.authors.insert(self.number % AUTHORS);
        let wanted = self.parameters.round.seed_authors as usize;
        if window.left > 0 || window.authors.len() < wanted {
            return None;
        }
        self.windows.remove(&id).map(|w| w.mixed)
    }

    fn sweep(&mut self, round: &mut Round, id: H256, record: &mut ClaimRecord) {
        let now = self.number;
        let seats = record.committee.len() as u32;
        match (round.phase, record.state) {
            (Phase::Drawing, _) => self.draw(round, id, record),
            (Phase::Opening, ClaimState::Drawn) => self.void_with_penalty(id, record),
            (Phase::Opening, ClaimState::Opened) => round.awaiting += seats,
            (Phase::Availability, ClaimState::Opened) => {
                move_claim(record, ClaimEvent::Have, now);
                let able = |s: &&Seat| s.availability != Some(Availability::Lack);
                round.awaiting += (record.committee.iter().filter(able).count() as u32).max(1);
            }
            (Phase::Commitment, _) => {
                round.awaiting += u32::from(move_claim(record, ClaimEvent::Commit, now));
            }
            (Phase::DigestOpening, ClaimState::Revealed) => {
                let committed = record.committee.iter().filter(|s| s.commitment.is_some());
                round.awaiting += committed.count() as u32;
            }
            (Phase::DigestOpening, _) => {
                move_claim(record, ClaimEvent::Reject, now);
            }
            (Phase::Reveal, ClaimState::Revealed) => round.awaiting += 1,
            (Phase::FlagOpening, ClaimState::Revealed) => self.settle(round, id, record),
            (Phase::Paying, _) => self.write_receipts(round, record),
            (Phase::Vesting, _) => self.pay_out(record),
            _ => {}
        }
    }

    fn draw(&mut self, round: &mut Round, id: H256, record: &mut ClaimRecord) {
        let branch = round.id.branch;
        let seat_bond = self.parameters.bonds.seat;
        let all = self.verifiers.get(&branch).cloned().unwrap_or_default();
        let weight = |account: &AccountId| -> Balance {
            let profile = self.profiles.get(&(branch, *account));
            // The pallet asks for the same of the place on the list. Here accounts come to verify in a round that is open.
            let old = |p: &&ProfileRecord| p.since < round.opened;
            let fits = profile
                .filter(old)
                .is_some_and(|p| p.leaf == record.claim.profile);
            match self.bonds.get(account) {
                Some(b)
                    if fits && *account != record.miner && b.free_in(round.opened) >= seat_bond =>
                {
                    b.counted(round.opened)
                }
                _ => 0,
            }
        };
        let weights: Vec<Balance> = all.iter().map(weight).collect();
        let (genesis, seed) = (self.genesis, round.audit_seed);
        let size = self.parameters.audit.committee;
        let drawn = draw::committee(&genesis, &seed, &id, &weights, size);
        if drawn.len() < usize::from(size) {
            move_claim(record, ClaimEvent::Void, self.number);
            return;
        }
        for index in drawn {
            let verifier = all[index as usize];
            if self.lock_bond(&verifier, seat_bond).is_ok() {
                let seat = Seat {
                    verifier,
                    bond: seat_bond,
                    availability: None,
                    commitment: None,
                    verdict: None,
                    report: None,
                    trained: false,
                };
                record
                    .committee
                    .try_push(seat)
                    .expect("the parameters bound the committee");
            }
        }
        if record.committee.is_empty() {
            move_claim(record, ClaimEvent::Void, self.number);
            return;
        }
        let audited = self.parameters.audit.segments;
        let drawn = draw::segments(&genesis, &seed, &id, record.claim.segments, audited);
        record.audited = BoundedVec::truncate_from(drawn);
        move_claim(record, ClaimEvent::Draw, self.number);
        round.awaiting += 1;
    }

    fn void_with_penalty(&mut self, id: H256, record: &mut ClaimRecord) {
        self.take_availability(id, record);
        move_claim(record, ClaimEvent::Void, self.number);
    }

    pub(super) fn take_availability(&mut self, id: H256, record: &mut ClaimRecord) {
        let lost = self.parameters.bonds.availability.min(record.bond);
        record.bond -= lost;
        self.lose(id, &record.miner, lost, lost);
    }

    fn settle(&mut self, round: &mut Round, id: H256, record: &mut ClaimRecord) {
        let silence = self.parameters.bonds.silence;
        let mut committee = std::mem::take(&mut record.committee);
        let silent = |s: &&mut Seat| record.was_silent(s);
        for seat in committee.iter_mut().filter(silent) {
            let lost = silence.min(seat.bond);
            seat.bond -= lost;
            if lost > 0 {
                self.lose(id, &seat.verifier, lost, lost);
            }
        }
        let confirmed = |s: &&mut Seat| s.verdict == Some(Verdict::Match);
        if record.flag == Some(true) {
            for seat in committee.iter_mut().filter(confirmed) {
                let lost = std::mem::take(&mut seat.bond);
                self.lose(id, &seat.verifier, lost, lost);
            }
        }
        record.committee = committee;
        move_claim(record, record.settlement(), self.number);
        match record.state {
            ClaimState::Rejected => self.take_availability(id, record),
            ClaimState::Escalated => self.escalate(round, id, record),
            _ => self.count(round, record),
        }
    }

    /// Counts the work units of a settled claim and of those who were right about it.
    pub(super) fn count(&mut self, round: &mut Round, record: &ClaimRecord) {
        if record.state == ClaimState::Accepted {
            round.accepted += 1;
        }
        if record.earns() {
            round.units += self.units(round.id, record.claim.segments.into());
        }
        let seat_units = self.units(round.id, record.audited.len() as u64);
        let right = record.committee.iter().filter(|s| record.was_right(s));
        round.audit_units += seat_units * right.count() as u128;
    }

    fn units(&self, round: RoundId, segments: u64) -> u128 {
        self.terms.get(&round).map_or(0, |terms| {
            u128::from(segments)
                * u128::from(terms.recipe.segment_tokens())
                * u128::from(terms.funding.units_per_token())
        })
    }

    fn finish(&mut self, round: &mut Round) {
        let left = round.phase;
        let event = match left {
            Phase::Seeding => RoundEvent::SeedReady,
            Phase::Training if round.claims == 0 => RoundEvent::Empty,
            Phase::Drawing if round.awaiting > 0 => RoundEvent::SeedReady,
            Phase::Drawing | Phase::Opening | Phase::Availability if round.awaiting == 0 => {
                RoundEvent::Empty
            }
            Phase::FlagOpening if round.trials > 0 => RoundEvent::Escalated,
            Phase::Escalation if round.trials > 0 => RoundEvent::Escalated,
            Phase::FlagOpening | Phase::Escalation | Phase::Jury if round.accepted == 0 => {
                RoundEvent::Empty
            }
            Phase::Merging if round.merge.is_some() => RoundEvent::MergePosted,
            Phase::Merging => RoundEvent::Empty,
            Phase::Dispute if self.begin_valuation(round) => RoundEvent::ScoreDue,
            _ => RoundEvent::Complete,
        };
        let next = left.next(event).expect("the event belongs to the phase");
        round.phase = next;
        match (left, next) {
            (Phase::Dispute, Phase::Paying) => self.promote(round),
            (Phase::Valuation, _) => self.conclude_valuation(round),
            (Phase::Vesting, _) => self.pay_scorers(round.id),
            _ => {}
        }
        let r = self.parameters.round;
        let blocks = match next {
            Phase::Training => {
                round.awaiting = r.max_claims;
                r.training_blocks
            }
            Phase::Drawing => {
                self.windows.insert(round.id, new_window(r.seed_blocks));
                r.seed_blocks
            }
            Phase::Opening => r.opening_blocks,
            Phase::Availability => r.availability_blocks,
            Phase::Commitment => r.commit_blocks,
            Phase::DigestOpening => r.digest_blocks,
            Phase::Reveal => r.reveal_blocks,
            Phase::FlagOpening => r.flag_blocks,
            Phase::Merging => {
                round.awaiting = 1;
                r.merge_blocks
            }
            Phase::Dispute => r.dispute_blocks,
            Phase::Paying => {
                let branch = round.id.branch;
                let from = self
                    .last_paid
                    .insert(branch, self.number)
                    .unwrap_or(round.opened);
                let all = emission::between(&self.parameters.rewards, from, self.number);
                let share = self.terms[&round.id].funding.share();
                let parts = Balance::from(emission::PARTS);
                round.emission = mul_div(all, Balance::from(share), parts).unwrap_or(0);
                self.reward_scorers(round);
                0
            }
            Phase::Vesting => {
                self.release_merge_bond(round);
                r.retention_blocks()
            }
            _ => r.retention_blocks(),
        };
        round.deadline = self.number + blocks;
        self.due.remove(&round.id);
        if over(next) && left != Phase::Vesting {
            let number = round.id.number.checked_sub(r.retention_rounds);
            let older = number.map(|number| RoundId { number, ..round.id });
            self.due.extend(older.filter(|id| {
                self.rounds
                    .get(id)
                    .is_some_and(|r| r.phase == Phase::Vesting)
            }));
        }
    }

    pub(super) fn promote(&mut self, round: &mut Round) {
        let header = self.posted.remove(&round.id);
        let branch = &mut self.branches[round.id.branch as usize];
        match header {
            Some(header) if branch.head == round.base => {
                branch.head = header.hash();
                self.versions.insert(branch.head, header);
            }
            _ => {
                self.release_merge_bond(round);
                round.merge = None;
            }
        }
    }

    pub(super) fn release_merge_bond(&mut self, round: &mut Round) {
        if let Some(merge) = round.merge.as_mut() {
            self.unlock(&merge.merger, std::mem::take(&mut merge.bond));
        }
    }

    pub(super) fn unlock(&mut self, account: &AccountId, amount: Balance) {
        if let Some(bond) = self.bonds.get_mut(account) {
            bond.locked -= amount;
        }
    }

    fn write_receipts(&mut self, round: &Round, record: &mut ClaimRecord) {
        if record.state == ClaimState::Accepted && round.merge.is_some() {
            move_claim(record, ClaimEvent::Merge, self.number);
            record.merged = true;
            let id = record.claim.id(&self.genesis, &record.miner.0);
            let place = (round.id.branch, record.miner);
            match CarriedResidual::of(id, &record.claim) {
                Some(left) => self.residuals.insert(place, left),
                None => self.residuals.remove(&place),
            };
        }
        let rewards = &self.parameters.rewards;
        let pay = emission::round_pay(rewards, round.emission, round.units + round.audit_units);
        let vests_at = self.number + self.parameters.round.retention_blocks();
        let mut receipts = Vec::new();
        let mut write = |account: AccountId, role, units, amount| {
            if amount > 0 {
                receipts.push(Receipt {
                    account,
                    role,
                    units,
                    amount,
                    vests_at,
                });
            }
        };
        let canary = record.state == ClaimState::Canary;
        if record.earns() {
            let most = match canary {
                true => rewards.canary_fee,
                false => rewards.max_claim_reward,
            };
            let units = self.units(round.id, record.claim.segments.into());
            let amount = mul_div(pay.miners, units, round.units).unwrap_or(0);
            write(record.miner, Role::Miner, units, amount.min(most));
        }
        let units = self.units(round.id, record.audited.len() as u64);
        let amount = mul_div(pay.verifiers, units, round.audit_units).unwrap_or(0);
        for seat in record.committee.iter().filter(|s| record.was_right(s)) {
            write(seat.verifier, Role::Verifier, units, amount);
        }
        record.receipts = BoundedVec::truncate_from(receipts);
    }

    fn pay_out(&mut self, record: &mut ClaimRecord) {
        if move_claim(record, ClaimEvent::Vest, self.number) {
            let units = self.units(record.claim.round, record.claim.segments.into());
            let step = credits::step_of(self.number, self.parameters.rewards.credit_half_life);
            self.credits
                .entry(record.miner)
                .or_default()
                .add(units, step);
            self.total_credits.add(units, step);
        }
        for receipt in &record.receipts {
            self.balances.entry(receipt.account).or_default().free += receipt.amount;
        }
        self.unlock(&record.miner, std::mem::take(&mut record.bond));
        for seat in record.committee.iter_mut() {
            self.unlock(&seat.verifier, std::mem::take(&mut seat.bond));
        }
    }

    fn prune(&mut self, id: RoundId) {
        for claim in self.round_claims.remove(&id).unwrap_or_default() {
            if let Some(record) = self.claims.remove(&claim) {
                self.claim_of.remove(&(id, record.miner));
            }
        }
        self.rounds.remove(&id);
        self.terms.remove(&id);
        self.posted.remove(&id);
        self.valuations.remove(&id);
        self.due.remove(&id);
    }
}

pub(super) fn new_window(left: u32) -> SeedWindow {
    SeedWindow {
        left,
        ..SeedWindow::default()
    }
}
