// SPDX-License-Identifier: GPL-3.0-or-later
//! Trials: escalations, juries and challenges.

use codec::Encode;
use dream_primitives::claim::{ReplayReport, SegmentOpening, SegmentResult, StartState};
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::round::{ClaimEvent, ClaimState, Finding, OpenedStart, Phase};
use dream_primitives::trial::{
    burned, decided, draw_step, outcome, split, Challenger, Level, Outcome, Stage, TrialReport,
    TrialSeat,
};
use dream_primitives::{draw, Balance, BoundedVec, H256};

use super::calls::{ensure, work, Done};
use super::claims::{end_proved, state_proved};
use super::rounds::move_claim;
use super::{Refusal, World};
use crate::{AccountId, ClaimRecord, Round, Trial};

/// Bonds that are lost, and who was right.
#[derive(Default)]
struct Judgement {
    lost: Vec<(AccountId, Balance)>,
    right: Vec<AccountId>,
}

impl World {
    fn new_trial(&self, level: Level, stage: Stage, segments: Vec<u16>, blocks: u32) -> Trial {
        Trial {
            level,
            stage,
            opened: self.number,
            deadline: self.number + blocks,
            segments: BoundedVec::truncate_from(segments),
            start: None,
            end: None,
            step: None,
            seats: 0,
            weight: 0,
            awaiting: 0,
            challenger: None,
        }
    }

    /// Opens the trial of a claim whose first committee came to no verdict.
    pub(super) fn escalate(&mut self, round: &mut Round, id: H256, record: &mut ClaimRecord) {
        let level = match self.parameters.audit.escalation {
            0 => Level::Jury,
            _ => Level::Escalation,
        };
        if level == Level::Jury {
            move_claim(record, ClaimEvent::Escalate, self.number);
        }
        let blocks = self.parameters.round.seed_blocks;
        let trial = self.new_trial(level, Stage::Seeding, record.audited.to_vec(), blocks);
        self.trials.insert(id, trial);
        round.trials += 1;
    }

    pub(super) fn step_trials(&mut self) {
        let ids: Vec<H256> = self.trials.keys().copied().collect();
        for id in ids {
            let mut trial = self.trials[&id].clone();
            let late = self.number >= trial.deadline;
            let r = self.parameters.round;
            match trial.stage {
                Stage::Opening if trial.end.is_some() => {
                    trial.stage = Stage::Seeding;
                    trial.deadline = self.number + r.seed_blocks;
                }
                Stage::Opening if late => {
                    self.end_trial(id, trial, Outcome::Slashed, None);
                    continue;
                }
                Stage::Seeding if late => self.summon(id, &mut trial),
                Stage::Commitment if late || trial.awaiting == 0 => {
                    trial.awaiting = trial.seats - trial.awaiting;
                    trial.stage = Stage::Reveal;
                    trial.deadline = self.number + r.reveal_blocks;
                }
                Stage::Reveal if late || trial.awaiting == 0 => {
                    self.conclude(id, trial);
                    continue;
                }
                _ => {}
            }
            self.trials.insert(id, trial);
        }
    }

    fn summon(&mut self, id: H256, trial: &mut Trial) {
        let mut record = self.claims[&id].clone();
        let branch = record.claim.round.branch;
        let seed = content_hash(Domain::Seed, &[b"mock trial", self.hash.as_bytes(), &id.0]);
        let all = self.verifiers.get(&branch).cloned().unwrap_or_default();
        let bond = |account: &AccountId| -> Balance {
            let profile = self.profiles.get(&(branch, *account));
            let fits = profile.is_some_and(|p| p.leaf == record.claim.profile);
            let bond = self
                .bonds
                .get(account)
                .map_or(0, |b| b.counted(trial.opened));
            if fits && *account != record.miner {
                bond
            } else {
                0
            }
        };
        let jurors: Vec<(AccountId, Balance)> = all.iter().map(|a| (*a, bond(a))).collect();
        let mut seats = Vec::new();
        if trial.level == Level::Escalation {
            let seated = |a: &AccountId| record.committee.iter().any(|s| s.verifier == *a);
            let outside = jurors.iter().map(|(a, w)| if seated(a) { 0 } else { *w });
            let weights: Vec<Balance> = outside.collect();
            let size = self.parameters.audit.escalation;
            let drawn = draw::committee(&self.genesis, &seed, &id, &weights, size);
            if drawn.len() < usize::from(size) {
                trial.level = Level::Jury;
                move_claim(&mut record, ClaimEvent::Escalate, self.number);
            } else {
                seats = drawn.iter().map(|i| (jurors[*i as usize].0, 1)).collect();
            }
        }
        if trial.level != Level::Escalation {
            seats = jurors.into_iter().filter(|(_, w)| *w > 0).collect();
        }
        trial.seats = seats.len() as u32;
        trial.awaiting = trial.seats;
        trial.weight = seats.iter().map(|(_, w)| w).sum();
        for (account, weight) in seats {
            let old = self.trial_seats.remove(&(id, account)).unwrap_or_default();
            let free = self.bonds[&account].free();
            let more = (self.parameters.bonds.seat - old.bond).min(free);
            let locked = self.lock_bond(&account, more).is_ok();
            let seat = TrialSeat {
                bond: old.bond + if locked { more } else { 0 },
                weight,
                ..TrialSeat::default()
            };
            self.trial_seats.insert((id, account), seat);
        }
        let steps = self.terms[&record.claim.round].recipe.steps;
        trial.step = draw_step(&self.genesis, &seed, &id, &trial.segments, steps);
        trial.stage = Stage::Commitment;
        trial.deadline = self.number + self.parameters.round.commit_blocks;
        self.claims.insert(id, record);
    }

    fn seats_of(&self, id: H256) -> Vec<(AccountId, TrialSeat)> {
        let seats = self.trial_seats.iter().filter(|((c, _), _)| *c == id);
        seats.map(|((_, a), seat)| (*a, *seat)).collect()
    }

    fn conclude(&mut self, id: H256, mut trial: Trial) {
        let seats = self.seats_of(id);
        let said = seats
            .iter()
            .filter_map(|(_, s)| Some((s.report?, s.weight)));
        let reports: Vec<(TrialReport, Balance)> = said.collect();
        let found = decided(&reports, trial.weight);
        let outcome = outcome(trial.level, found);
        if outcome == Outcome::Jury {
            trial.level = Level::Jury;
            trial.stage = Stage::Seeding;
            trial.step = None;
            trial.deadline = self.number + self.parameters.round.seed_blocks;
            if let Some(mut record) = self.claims.remove(&id) {
                move_claim(&mut record, ClaimEvent::Escalate, self.number);
                self.claims.insert(id, record);
            }
            self.trials.insert(id, trial);
            return;
        }
        self.end_trial(id, trial, outcome, found);
    }

    fn end_trial(&mut self, id: H256, trial: Trial, outcome: Outcome, found: Option<TrialReport>) {
        self.trials.remove(&id);
        let mut record = self.claims.remove(&id).expect("a trial has its claim");
        if outcome == Outcome::Lacking {
            self.take_availability(id, &mut record);
        }
        // Where the blobs were not to be had nothing is known of anybody's word.
        let found = found.filter(|f| !f.lack);
        let mut judgement = Judgement::default();
        let audited = trial.level != Level::Challenge;
        for (account, mut seat) in self.seats_of(id) {
            self.trial_seats.remove(&(id, account));
            let right =
                found.is_some_and(|f| seat.report.map(|r| r.fingerprint) == Some(f.fingerprint));
            let lost = match seat.report {
                None => self.parameters.bonds.silence.min(seat.bond),
                Some(r) if found.is_some() && !right && !r.lack => seat.bond,
                Some(_) => 0,
            };
            seat.bond -= lost;
            judgement.lost.push((account, lost));
            self.unlock(&account, seat.bond);
            if right {
                judgement.right.push(account);
            }
        }
        record.finding = match (outcome, found) {
            (Outcome::Slashed, _) if !audited => record
                .audited
                .contains(&trial.segments[0])
                .then_some(Finding::Faked),
            (_, Some(found)) if audited => Some(Finding::Report(found.plain)),
            _ => record.finding,
        };
        let event = match (outcome, audited) {
            (Outcome::Slashed, _) => ClaimEvent::Slash,
            (Outcome::Lacking, _) | (Outcome::Hung, true) => ClaimEvent::Void,
            (_, true) => ClaimEvent::Accept,
            (_, false) if record.reverted => ClaimEvent::Revert,
            (_, false) if self.was_merged(&record) => ClaimEvent::Merge,
            (_, false) => ClaimEvent::Accept,
        };
        move_claim(&mut record, event, self.number);
        if outcome == Outcome::Slashed {
            judgement
                .lost
                .push((record.miner, std::mem::take(&mut record.bond)));
            record.receipts = BoundedVec::new();
        }
        if let Some(Challenger { account, bond }) = trial.challenger {
            if outcome == Outcome::Upheld {
                judgement.lost.push((account, bond));
                judgement.right.push(record.miner);
            } else {
                self.unlock(&account, bond);
                judgement.right.push(account);
            }
        }
        if found.is_some() && (audited || record.finding.is_some()) {
            let mut committee = std::mem::take(&mut record.committee);
            for seat in committee.iter_mut().filter(|s| record.was_wrong(s)) {
                judgement
                    .lost
                    .push((seat.verifier, std::mem::take(&mut seat.bond)));
            }
            record.committee = committee;
        }
        self.carry_out(id, judgement);
        let mut round = self
            .rounds
            .remove(&record.claim.round)
            .expect("a claim has its round");
        round.trials -= 1;
        if audited {
            self.count(&mut round, &record);
        }
        self.rounds.insert(round.id, round);
        self.claims.insert(id, record);
    }

    fn was_merged(&self, record: &ClaimRecord) -> bool {
        let before = record.history.iter().rev().nth(1);
        before.is_some_and(|h| h.state == ClaimState::Merged)
    }

    /// Takes the lost bonds, burns their share and splits the rest among those who were right and lost nothing.
    fn carry_out(&mut self, claim: H256, judgement: Judgement) {
        let share = self.parameters.bonds.burn_share;
        let Judgement { lost, mut right } = judgement;
        right.sort();
        right.dedup();
        right.retain(|a| lost.iter().all(|(loser, n)| loser != a || *n == 0));
        let kept: Vec<Balance> = lost.iter().map(|(_, n)| n - burned(*n, share)).collect();
        let payments = split(&kept, right.len());
        for (at, (account, amount)) in lost.iter().enumerate().filter(|(_, (_, n))| *n > 0) {
            let moved: Balance = payments.iter().filter(|p| p.0 == at).map(|p| p.2).sum();
            self.lose(claim, account, *amount, amount - moved);
        }
        for (_, winner, paid) in payments {
            self.balances.entry(right[winner]).or_default().free += paid;
            let fields: [(&str, &dyn Fn() -> Vec<u8>); 3] = [
                ("account", &|| right[winner].encode()),
                ("claim", &|| claim.encode()),
                ("amount", &|| paid.encode()),
            ];
            self.event("UsefulWork", "BondAwarded", &fields);
        }
    }

    /// An account loses a locked part of its bond for a claim.
    pub(super) fn lose(
        &mut self,
        claim: H256,
        account: &AccountId,
        amount: Balance,
        burned: Balance,
    ) {
        self.forfeit(account, amount);
        let fields: [(&str, &dyn Fn() -> Vec<u8>); 4] = [
            ("account", &|| account.encode()),
            ("claim", &|| claim.encode()),
            ("amount", &|| amount.encode()),
            ("burned", &|| burned.encode()),
        ];
        self.event("UsefulWork", "BondSlashed", &fields);
    }

    /// Takes a locked part of a bond away.
    fn forfeit(&mut self, account: &AccountId, lost: Balance) {
        if let Some(bond) = self.bonds.get_mut(account) {
            bond.locked -= lost;
            bond.total -= lost;
        }
        if let Some(balance) = self.balances.get_mut(account) {
            balance.held -= lost;
        }
    }

    pub(super) fn challenge(&mut self, who: AccountId, id: H256, segment: u16) -> Done {
        let mut record = self.claims.get(&id).ok_or(work("UnknownClaim"))?.clone();
        let round = &self.rounds[&record.claim.round];
        let open = match round.phase {
            Phase::Merging | Phase::Dispute | Phase::Valuation | Phase::Paying => true,
            Phase::Vesting => self.number < round.deadline && !self.due.contains(&round.id),
            _ => false,
        };
        ensure(open, work("WrongPhase"))?;
        let judged = matches!(
            record.state,
            ClaimState::Accepted | ClaimState::Merged | ClaimState::Reverted
        );
        ensure(judged && !record.was_felled(), work("WrongClaimState"))?;
        ensure(segment < record.claim.segments, work("BadSegments"))?;
        let doubled = 1 << record.challenges();
        let bond = self.parameters.bonds.challenge * doubled;
        self.lock_bond(&who, bond)?;
        let blocks = self.parameters.round.response_blocks;
        let mut trial = self.new_trial(Level::Challenge, Stage::Opening, vec![segment], blocks);
        trial.challenger = Some(Challenger { account: who, bond });
        self.trials.insert(id, trial);
        move_claim(&mut record, ClaimEvent::Challenge, self.number);
        if let Some(round) = self.rounds.get_mut(&record.claim.round) {
            round.trials += 1;
        }
        self.claims.insert(id, record);
        Ok(())
    }

    pub(super) fn open_challenged(
        &mut self,
        who: AccountId,
        id: H256,
        start: &StartState,
        end: &SegmentOpening,
    ) -> Done {
        let record = self.claims.get(&id).ok_or(work("UnknownClaim"))?;
        let trial = self.trials.get_mut(&id).ok_or(work("NoTrial"))?;
        ensure(trial.stage == Stage::Opening, work("WrongStage"))?;
        ensure(record.miner == who, work("NotTheMiner"))?;
        ensure(trial.end.is_none(), work("AlreadyDone"))?;
        let named = [start.segment, end.segment] == [trial.segments[0]; 2];
        ensure(named, work("WrongSegments"))?;
        let index = u32::from(start.segment);
        let proved = state_proved(record, index, &start.state, &start.proof)
            && end_proved(record, &self.genesis, end);
        ensure(proved, work("BadProof"))?;
        trial.start = Some(OpenedStart {
            segment: start.segment,
            state: start.state,
            cid: start.cid,
        });
        trial.end = Some(SegmentResult {
            segment: end.segment,
            end_state: end.end_state,
            digest: end.digest,
        });
        Ok(())
    }

    fn seat_in(&mut self, who: AccountId, id: H256, stage: Stage) -> Result<TrialSeat, Refusal> {
        let trial = self.trials.get(&id).ok_or(work("NoTrial"))?;
        ensure(trial.stage == stage, work("WrongStage"))?;
        let seat = self.trial_seats.get(&(id, who));
        seat.copied().ok_or(work("NotInCommittee"))
    }

    fn seated(&mut self, who: AccountId, id: H256, seat: TrialSeat) -> Done {
        self.trial_seats.insert((id, who), seat);
        let trial = self.trials.get_mut(&id).ok_or(work("NoTrial"))?;
        trial.awaiting = trial.awaiting.saturating_sub(1);
        Ok(())
    }

    pub(super) fn commit_verdict(&mut self, who: AccountId, id: H256, commitment: H256) -> Done {
        let mut seat = self.seat_in(who, id, Stage::Commitment)?;
        ensure(seat.commitment.is_none(), work("AlreadyDone"))?;
        seat.commitment = Some(commitment);
        self.seated(who, id, seat)
    }

    pub(super) fn reveal_verdict(
        &mut self,
        who: AccountId,
        id: H256,
        report: &ReplayReport,
        salt: H256,
    ) -> Done {
        let mut seat = self.seat_in(who, id, Stage::Reveal)?;
        ensure(seat.report.is_none(), work("AlreadyDone"))?;
        let commitment = seat.commitment.ok_or(work("NotCommitted"))?;
        let genesis = self.genesis;
        let expected = report.commitment(&genesis, who.as_bytes(), &id, &salt);
        ensure(commitment == expected, work("RevealMismatch"))?;
        let verdict = self.trials[&id].verdict(&self.claims[&id], report);
        seat.report = Some(TrialReport {
            fingerprint: report.fingerprint(&genesis, &id),
            plain: report.plain_fingerprint(&genesis, &id),
            verdict,
            lack: *report == ReplayReport::lack(),
        });
        self.seated(who, id, seat)
    }
}
