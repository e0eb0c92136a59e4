// SPDX-License-Identifier: GPL-3.0-or-later
//! Held-out shards, and the scoring of merges on them.

use codec::Encode;
use dream_primitives::cid::Cid;
use dream_primitives::claim::RoundId;
use dream_primitives::data::MAX_WINDOW;
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::math::mul_div;
use dream_primitives::round::Phase;
use dream_primitives::value::{
    score_units, ScoreRecord, ScoreReport, ScoreStage, MAX_SCORES, MAX_SHARD,
};
use dream_primitives::{draw, emission, Balance, BoundedVec, BranchId, H256};
use std::collections::BTreeMap;

use super::calls::{data, ensure, work, Done};
use super::rounds::new_window;
use super::{Refusal, World};
use crate::{AccountId, Round, ScoreSeat, Shard, Valuation};

/// Most shards of a branch that wait.
const MAX_SHARDS: usize = 64;

/// A verifier as it stood when a valuation began.
#[derive(Clone)]
pub(super) struct Candidate {
    account: AccountId,
    leaf: H256,
    bond: Balance,
    free: Balance,
}

impl World {
    pub(super) fn commit_shard(&mut self, branch: BranchId, shard: Shard) -> Done {
        let fits =
            (1..=MAX_SHARD).contains(&shard.samples) && (2..=MAX_WINDOW).contains(&shard.window);
        ensure(fits, data("ShardOutOfRange"))?;
        let root = shard.root;
        ensure(!self.shard_roots.contains(&root), data("ShardTwice"))?;
        let waiting = self.shards.entry(branch).or_default();
        ensure(waiting.len() < MAX_SHARDS, data("TooManyShards"))?;
        waiting.push(shard);
        self.shard_roots.insert(root);
        let fields: [(&str, &dyn Fn() -> Vec<u8>); 2] =
            [("branch", &|| branch.encode()), ("root", &|| root.encode())];
        self.event("DataRegistry", "ShardCommitted", &fields);
        Ok(())
    }

    fn take_shard(&mut self, branch: BranchId, window: u32) -> Option<Shard> {
        let waiting = self.shards.get_mut(&branch)?;
        let at = waiting.iter().position(|shard| shard.window == window)?;
        Some(waiting.remove(at))
    }

    /// Starts to score a merge that stands, if a shard waits for the branch.
    pub(super) fn begin_valuation(&mut self, round: &Round) -> bool {
        if round.replays.is_some() {
            return false;
        }
        let branch = round.id.branch;
        let window = self.terms[&round.id].recipe.context + 1;
        let Some(shard) = self.take_shard(branch, window) else {
            return false;
        };
        let verifiers = self.verifiers.get(&branch).cloned().unwrap_or_default();
        let candidate = |account: AccountId| {
            let profile = self.profiles.get(&(branch, account))?;
            let bond = self.bonds.get(&account)?;
            (profile.since < round.opened).then(|| Candidate {
                account,
                leaf: profile.leaf,
                bond: bond.counted(round.opened),
                free: bond.free_in(round.opened),
            })
        };
        let frozen = verifiers.into_iter().filter_map(candidate).collect();
        self.candidates.insert(round.id, frozen);
        let r = self.parameters.round;
        self.windows.insert(round.id, new_window(r.seed_blocks));
        let valuation = Valuation {
            shard,
            cid: None,
            opened: self.number,
            stage: ScoreStage::Opening,
            deadline: self.number + r.response_blocks,
            seats: BoundedVec::new(),
            settled: None,
        };
        self.valuations.insert(round.id, valuation);
        true
    }

    /// Moves a valuation by one block; whether it is over.
    pub(super) fn step_valuation(&mut self, round: &mut Round) -> bool {
        let Some(mut valuation) = self.valuations.get(&round.id).cloned() else {
            return true;
        };
        let (now, r) = (self.number, self.parameters.round);
        let late = now >= valuation.deadline;
        match valuation.stage {
            ScoreStage::Opening if self.windows.contains_key(&round.id) => {
                if let Some(mixed) = self.gather(round.id) {
                    self.seat_scorers(round, &mut valuation, &mixed);
                }
            }
            ScoreStage::Opening if valuation.seats.is_empty() => valuation.stage = ScoreStage::Done,
            ScoreStage::Opening if valuation.cid.is_some() => {
                valuation.stage = ScoreStage::Commitment;
                valuation.deadline = now + r.commit_blocks;
            }
            ScoreStage::Opening if late => valuation.stage = ScoreStage::Done,
            ScoreStage::Commitment => {
                if late || valuation.seats.iter().all(|s| s.commitment.is_some()) {
                    valuation.stage = ScoreStage::Reveal;
                    valuation.deadline = now + r.reveal_blocks;
                }
            }
            ScoreStage::Reveal => {
                let waiting = |s: &ScoreSeat| s.commitment.is_some() && s.report.is_none();
                if late || !valuation.seats.iter().any(waiting) {
                    self.settle_score(round, &mut valuation);
                }
            }
            ScoreStage::Opening | ScoreStage::Done => {}
        }
        let over = valuation.stage == ScoreStage::Done;
        if over {
            self.candidates.remove(&round.id);
        }
        self.valuations.insert(round.id, valuation);
        over
    }

    fn seat_scorers(&mut self, round: &Round, valuation: &mut Valuation, mixed: &H256) {
        let seat_bond = self.parameters.bonds.seat;
        let candidates = self.candidates.remove(&round.id).unwrap_or_default();
        let mut profiles: BTreeMap<H256, Balance> = BTreeMap::new();
        for candidate in candidates.iter().filter(|c| c.free >= seat_bond) {
            *profiles.entry(candidate.leaf).or_default() += candidate.bond;
        }
        let largest = profiles
            .into_iter()
            .max_by_key(|(leaf, bond)| (*bond, *leaf));
        let Some((leaf, _)) = largest else { return };
        let able = |c: &Candidate| c.leaf == leaf && c.free >= seat_bond;
        let weights: Vec<Balance> = candidates
            .iter()
            .map(|c| if able(c) { c.bond } else { 0 })
            .collect();
        let purpose = hash(Domain::Score, &self.genesis, &[&round.id.encode()]);
        let size = self.parameters.audit.committee;
        let drawn = draw::committee(&self.genesis, mixed, &purpose, &weights, size);
        if drawn.len() < usize::from(size) {
            return;
        }
        for index in drawn {
            let scorer = candidates[index as usize].account;
            if self.lock_bond(&scorer, seat_bond).is_ok() {
                let seat = ScoreSeat {
                    scorer,
                    bond: seat_bond,
                    commitment: None,
                    report: None,
                    reward: 0,
                };
                valuation
                    .seats
                    .try_push(seat)
                    .expect("the parameters bound the committee");
            }
        }
    }

    fn settle_score(&mut self, round: &mut Round, valuation: &mut Valuation) {
        valuation.stage = ScoreStage::Done;
        valuation.settled = valuation.common();
        let version = round.merge.as_ref().map(|m| m.version).unwrap_or_default();
        let units = self.units_of_score(round.id, valuation);
        let silence = self.parameters.bonds.silence;
        for seat in &mut valuation.seats {
            // Where two thirds did not agree, the shard itself may not have been to be had.
            if seat.report.is_none() && valuation.settled.is_some() {
                let lost = silence.min(seat.bond);
                seat.bond -= lost;
                self.lose(version, &seat.scorer, lost, lost);
            } else if seat.report.is_some() && seat.report == valuation.settled {
                round.audit_units += units;
            }
        }
    }

    fn units_of_score(&self, round: RoundId, valuation: &Valuation) -> u128 {
        let terms = &self.terms[&round];
        score_units(
            valuation.shard.samples,
            terms.recipe.context,
            terms.funding.units_per_token(),
        )
    }

    /// Ends a valuation: the version becomes the head unless it is worse than its parent by more than the margin.
    pub(super) fn conclude_valuation(&mut self, round: &mut Round) {
        let (id, margin) = (round.id, self.parameters.audit.value_margin);
        let valuation = &self.valuations[&id];
        let (samples, settled) = (valuation.shard.samples, valuation.settled);
        let version = round.merge.as_ref().map(|m| m.version).unwrap_or_default();
        let promoted = !settled.is_some_and(|report| report.worse(samples, margin));
        if let Some(report) = settled {
            let record = ScoreRecord {
                round: id.number,
                version,
                report,
                samples,
                promoted,
            };
            let all = self.scores.entry(id.branch).or_default();
            if all.len() >= MAX_SCORES as usize {
                all.remove(0);
            }
            all.push(record);
            let fields: [(&str, &dyn Fn() -> Vec<u8>); 4] = [
                ("round", &|| id.encode()),
                ("version", &|| version.encode()),
                ("report", &|| report.encode()),
                ("promoted", &|| promoted.encode()),
            ];
            self.event("UsefulWork", "Scored", &fields);
        }
        if promoted {
            self.promote(round);
        } else {
            self.posted.remove(&id);
            self.tables.remove(&id);
            self.release_merge_bond(round);
            round.merge = None;
        }
    }

    /// Sets the scorers' rewards aside once the round's emission is known.
    pub(super) fn reward_scorers(&mut self, round: &Round) {
        let Some(mut valuation) = self.valuations.remove(&round.id) else {
            return;
        };
        let all = round.units + round.audit_units;
        let pay = emission::round_pay(&self.parameters.rewards, round.emission, all);
        let units = self.units_of_score(round.id, &valuation);
        let amount = mul_div(pay.verifiers, units, round.audit_units).unwrap_or(0);
        let settled = valuation.settled;
        let right = |s: &&mut ScoreSeat| s.report.is_some() && s.report == settled;
        for seat in valuation.seats.iter_mut().filter(right) {
            seat.reward = amount;
            let fields: [(&str, &dyn Fn() -> Vec<u8>); 3] = [
                ("round", &|| round.id.encode()),
                ("account", &|| seat.scorer.encode()),
                ("amount", &|| amount.encode()),
            ];
            self.event("UsefulWork", "ScorerRewarded", &fields);
        }
        self.valuations.insert(round.id, valuation);
    }

    /// Pays the scorers out and frees their bonds.
    pub(super) fn pay_scorers(&mut self, id: RoundId) {
        let Some(mut valuation) = self.valuations.remove(&id) else {
            return;
        };
        for seat in &mut valuation.seats {
            let (reward, bond) = (
                std::mem::take(&mut seat.reward),
                std::mem::take(&mut seat.bond),
            );
            self.balances.entry(seat.scorer).or_default().free += reward;
            self.unlock(&seat.scorer, bond);
        }
        self.valuations.insert(id, valuation);
    }

    fn valuation_in(&self, id: RoundId, stage: ScoreStage) -> Result<Valuation, Refusal> {
        self.round_in(id, Phase::Valuation)?;
        let valuation = self.valuations.get(&id).ok_or(work("WrongPhase"))?;
        ensure(valuation.stage == stage, work("WrongPhase"))?;
        Ok(valuation.clone())
    }

    pub(super) fn open_shard(&mut self, who: AccountId, id: RoundId, cid: Cid) -> Done {
        let mut valuation = self.valuation_in(id, ScoreStage::Opening)?;
        ensure(valuation.shard.steward == who, work("NotTheSteward"))?;
        ensure(valuation.cid.is_none(), work("AlreadyDone"))?;
        valuation.cid = Some(cid);
        self.valuations.insert(id, valuation);
        let fields: [(&str, &dyn Fn() -> Vec<u8>); 2] =
            [("round", &|| id.encode()), ("cid", &|| cid.encode())];
        self.event("UsefulWork", "ShardOpened", &fields);
        Ok(())
    }

    pub(super) fn commit_score(&mut self, who: AccountId, id: RoundId, commitment: H256) -> Done {
        let mut valuation = self.valuation_in(id, ScoreStage::Commitment)?;
        let seat = score_seat(&mut valuation, &who)?;
        ensure(seat.commitment.is_none(), work("AlreadyDone"))?;
        seat.commitment = Some(commitment);
        self.valuations.insert(id, valuation);
        Ok(())
    }

    pub(super) fn reveal_score(
        &mut self,
        who: AccountId,
        id: RoundId,
        report: ScoreReport,
        salt: H256,
    ) -> Done {
        let mut valuation = self.valuation_in(id, ScoreStage::Reveal)?;
        let expected = report.commitment(&self.genesis, who.as_bytes(), &id, &salt);
        let seat = score_seat(&mut valuation, &who)?;
        ensure(seat.report.is_none(), work("AlreadyDone"))?;
        let commitment = seat.commitment.ok_or(work("NotCommitted"))?;
        ensure(commitment == expected, work("RevealMismatch"))?;
        seat.report = Some(report);
        self.valuations.insert(id, valuation);
        Ok(())
    }
}

fn score_seat<'a>(
    valuation: &'a mut Valuation,
    who: &AccountId,
) -> Result<&'a mut ScoreSeat, Refusal> {
    let mut seats = valuation.seats.iter_mut();
    seats
        .find(|s| s.scorer == *who)
        .ok_or(work("NotInCommittee"))
}
