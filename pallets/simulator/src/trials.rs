// SPDX-License-Identifier: GPL-3.0-or-later
//! What seats of trials, challengers and challenged miners do.

use crate::actors::{MinerKind, Stage, VerifierKind};
use crate::chain::{AccountId, Chain, UsefulWork};
use crate::world::{Record, Task, World};
use dream_primitives::claim::{ReplayReport, RoundId};
use dream_primitives::round::ClaimState;
use dream_primitives::trial::{self, Trial};
use dream_primitives::{BlockNumber, BoundedVec, H256};
use pallet_useful_work as work;

impl World {
    fn trial(&self, claim: H256) -> Trial<AccountId> {
        work::Trials::<Chain>::get(claim).expect("the trial is open")
    }

    /// Plans the acts of every trial that has come to a new stage.
    pub(crate) fn plan_trials(&mut self, now: BlockNumber) {
        for claim in work::ActiveTrials::<Chain>::get() {
            let trial = self.trial(claim);
            let key = (claim, trial.level as u8, trial.stage as u8, trial.deadline);
            if trial.stage == trial::Stage::Seeding || !self.stages.insert(key) {
                continue;
            }
            let last = trial.deadline.saturating_sub(1);
            if trial.stage == trial::Stage::Opening {
                let miner = self.blobs[&claim].miner;
                self.within(now, last, miner, Task::OpenChallenged(claim));
                continue;
            }
            for (account, seat) in work::TrialSeats::<Chain>::iter_prefix(claim) {
                let who = self.number(&account).expect("seats are actors'");
                let task = if trial.stage == trial::Stage::Commitment {
                    Task::CommitVerdict(claim, who)
                } else if seat.commitment.is_some() {
                    Task::RevealVerdict(claim, who)
                } else {
                    continue;
                };
                self.within(now, last, who, task);
            }
        }
    }

    /// State after the trial's step, and a report of the trial's segments, from a replay.
    fn replay_trial(&self, claim: H256, record: &Record, trial: &Trial<AccountId>) -> ReplayReport {
        let miner = &self.actors[self.blobs[&claim].miner].account;
        let job = self.job(record.claim.round, miner);
        let starts: Vec<(u16, H256)> = match &trial.start {
            Some(start) => vec![(start.segment, start.state)],
            None => record.starts.iter().map(|s| (s.segment, s.state)).collect(),
        };
        let mut report = job.replay(record.claim.segments, &starts);
        if !starts.iter().any(|s| s.0 + 1 == record.claim.segments) {
            report.delta_root = record.claim.delta_root;
        }
        report.residual_end = record.claim.residual.map(|r| r.end_root());
        report.step_state = trial.step.map(|step| {
            let start = starts.iter().find(|s| s.0 == step.segment);
            let start = start.expect("the step is in a segment of the trial").1;
            let states = job.segment(&start, step.segment, job.recipe.steps).states;
            states[usize::from(step.step)]
        });
        report
    }

    /// What a claim says of a trial's segments; where the drawn step was never run, its state is what friends agreed on.
    fn claimed_in_trial(
        &self,
        claim: H256,
        record: &Record,
        trial: &Trial<AccountId>,
    ) -> ReplayReport {
        let mut report = self.claimed(claim, record);
        if let Some(end) = trial.end {
            report.results = BoundedVec::truncate_from(vec![end]);
        }
        report.step_state = Some(H256::repeat_byte(0x51));
        report
    }

    fn trial_report(&self, claim: H256, who: usize, kind: VerifierKind) -> Option<ReplayReport> {
        let record = self.record(claim);
        let trial = self.trial(claim);
        let fetched = self.can_fetch(claim, who, &record);
        let friendly = self.friendly(claim);
        match kind {
            VerifierKind::Silent => None,
            // The digests are open by now: it copies them and guesses the rest.
            VerifierKind::Lazy => Some(self.claimed_in_trial(claim, &record, &trial)),
            VerifierKind::Honest if fetched => Some(self.replay_trial(claim, &record, &trial)),
            VerifierKind::Honest => Some(ReplayReport::lack()),
            _ if friendly => Some(self.claimed_in_trial(claim, &record, &trial)),
            VerifierKind::Lacking => Some(ReplayReport::lack()),
            _ => {
                let mut report = self.replay_trial(claim, &record, &trial);
                report.initial_state = H256::repeat_byte(0xdd);
                Some(report)
            }
        }
    }

    /// How a seat's holder behaves in a trial, if it is there.
    fn juror(&mut self, who: usize) -> Option<VerifierKind> {
        let number = self.round.number;
        let here = self.actors[who].acts(Stage::Trial, number);
        self.actors[who].verifier().filter(|_| here)
    }

    pub(crate) fn commit_verdict(&mut self, claim: H256, who: usize) {
        let Some(kind) = self.juror(who) else { return };
        let Some(report) = self.trial_report(claim, who, kind) else {
            return;
        };
        if kind == VerifierKind::Honest && report != ReplayReport::lack() {
            self.blobs.get_mut(&claim).expect("on trial").relayed = true;
        }
        let salt = self.salt(who, claim);
        let account = self.actors[who].account.as_ref();
        let commitment = report.commitment(&self.genesis, account, &claim, &salt);
        self.told.insert((claim, who), report);
        let result = UsefulWork::commit_verdict(self.origin(who).into(), claim, commitment);
        self.must(result, "verdict's commitment");
    }

    pub(crate) fn reveal_verdict(&mut self, claim: H256, who: usize) {
        let Some(kind) = self.juror(who) else { return };
        let Some(report) = self.told.remove(&(claim, who)) else {
            return;
        };
        if kind == VerifierKind::Unrevealing {
            return;
        }
        let salt = self.salt(who, claim);
        let result = UsefulWork::reveal_verdict(self.origin(who).into(), claim, report, salt);
        self.must(result, "verdict's reveal");
    }

    /// Some accepted claims are challenged: by the merger, who replays all of them and finds every invented segment, and
    /// by hostile verifiers, out of spite.
    pub(crate) fn plan_challenges(&mut self, round: RoundId, now: BlockNumber) {
        if self.setup.challenges == 0 {
            return;
        }
        for claim in work::RoundClaims::<Chain>::get(round) {
            let judged = matches!(
                self.record(claim).state,
                ClaimState::Accepted | ClaimState::Merged
            );
            if !judged || !self.rng.chance(self.setup.challenges) {
                continue;
            }
            let faked = self.blobs[&claim].faked.first().copied();
            let merger = self.merger();
            let spiteful = (0..self.actors.len()).find(|at| {
                let kind = self.actors[*at].verifier();
                kind.is_some_and(|kind| kind != VerifierKind::Honest)
            });
            let segments = u64::from(self.setup.recipe.segments);
            if let Some(segment) = faked {
                self.at(now + 1, Task::Challenge(claim, merger, segment));
            } else if let Some(who) = spiteful.filter(|_| !self.friendly(claim)) {
                let segment = self.rng.below(segments) as u16;
                self.at(now + 1, Task::Challenge(claim, who, segment));
            }
        }
    }

    pub(crate) fn challenge(&mut self, claim: H256, who: usize, segment: u16) {
        let result = UsefulWork::challenge(self.origin(who).into(), claim, segment);
        if who == self.merger() {
            self.must(result, "challenge");
        }
    }

    pub(crate) fn open_challenged(&mut self, claim: H256) {
        let Some((miner, kind)) = self.miner_of(claim, Stage::Trial) else {
            return;
        };
        if matches!(kind, MinerKind::DigestsClosed | MinerKind::StartsClosed) {
            return;
        }
        let trace = &self.blobs[&claim].trace;
        let segment = self.trial(claim).segments[0];
        let (start, end) = (trace.start_state(segment), trace.end(segment));
        let result = UsefulWork::open_challenged(self.origin(miner).into(), claim, start, end);
        self.must(result, "challenged segment");
    }
}
