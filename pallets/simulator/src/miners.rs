// SPDX-License-Identifier: GPL-3.0-or-later
//! What miners do.

use crate::actors::{MinerKind, Stage};
use crate::chain::{cid_of, Chain, UsefulWork};
use crate::model::{secret, Cheat, Trace};
use crate::world::{Blob, Served, Task, World, LEAF};
use dream_primitives::claim::{canary_commitment, canary_digest, on_duty, Claim, DeltaLicence};
use dream_primitives::{BlockNumber, BoundedVec, H256};
use pallet_useful_work::Error;

impl World {
    /// Distinct segments to invent, never the last.
    fn pick_faked(&mut self, count: u16) -> Vec<u16> {
        let mut pool: Vec<u16> = (0..self.setup.recipe.segments - 1).collect();
        let mut faked = Vec::new();
        while faked.len() < usize::from(count) && !pool.is_empty() {
            let at = self.rng.below(pool.len() as u64) as usize;
            faked.push(pool.swap_remove(at));
        }
        faked.sort_unstable();
        faked
    }

    /// The trace that a miner claims, and which of its segments are invented.
    fn train(&mut self, miner: usize, kind: MinerKind) -> (Trace, Vec<u16>) {
        let account = self.actors[miner].account.clone();
        let mut job = self.job(self.round, &account);
        let mut cheat = Cheat::default();
        match kind {
            MinerKind::Faked(count) | MinerKind::Leaky(count) => {
                cheat.faked = self.pick_faked(count)
            }
            MinerKind::Skipped => {
                cheat.short = Some(self.rng.below(u64::from(job.recipe.segments)) as u16);
            }
            MinerKind::WrongOrder => {
                job.stream = *self.actors[self.merger()].account.as_ref();
            }
            MinerKind::WrongStart => cheat.start = true,
            MinerKind::WrongDelta => cheat.delta = true,
            _ => {}
        }
        let parts: [&[u8]; 2] = [account.as_ref(), &self.round.number.to_le_bytes()];
        let invented = secret(&self.genesis, &parts);
        let trace = Trace::new(&job, job.recipe.segments, &cheat, &invented);
        let faked = cheat.short.into_iter().chain(cheat.faked).collect();
        (trace, faked)
    }

    /// The trace of another miner's claim in this round, if there is one yet.
    fn stolen(&self, thief: usize) -> Option<Trace> {
        let claims = pallet_useful_work::RoundClaims::<Chain>::get(self.round);
        let other = claims.iter().find_map(|id| {
            let blob = self.blobs.get(id)?;
            (blob.miner != thief).then_some(blob)
        });
        other.map(|blob| blob.trace.clone())
    }

    pub(crate) fn claim(&mut self, miner: usize, now: BlockNumber) {
        let round = self.round;
        if !self.actors[miner].acts(Stage::Claim, round.number) {
            return;
        }
        let kind = self.actors[miner].miner().expect("only miners claim");
        let (trace, faked) = match kind {
            MinerKind::Stolen => match self.stolen(miner) {
                Some(trace) => (trace, Vec::new()),
                None if now < self.last_block(round) => {
                    return self.at(now + 1, Task::Claim(miner));
                }
                None => return,
            },
            MinerKind::Replayed if self.old.contains_key(&miner) => {
                (self.old[&miner].clone(), Vec::new())
            }
            _ => self.train(miner, kind),
        };
        let account = &self.actors[miner].account;
        let (preimage, salt) = self.flag_secrets(miner);
        let rate = self.setup.parameters.audit.canary_rate;
        let duty = on_duty(&self.genesis, &preimage, &self.stored(round).seed, rate);
        let trace = if duty && kind != MinerKind::DutyShirker {
            let segments = 0..self.setup.recipe.segments;
            let digests = segments.map(|s| canary_digest(&self.genesis, &preimage, &round, s));
            trace.with_digests(digests.collect())
        } else {
            trace
        };
        let claim = Claim {
            round,
            base: self.stored(round).base,
            delta_root: trace.delta_root(),
            delta_cid: cid_of(&trace.delta_root()),
            states_root: trace.states_root(),
            digests_root: trace.digests_root(),
            segments: self.setup.recipe.segments,
            residual: None,
            profile: LEAF,
            canary: canary_commitment(&self.genesis, account.as_ref(), &round, duty, &salt),
            licence: DeltaLicence::Open,
        };
        let id = claim.id(&self.genesis, account.as_ref());
        let result = UsefulWork::submit_claim(self.origin(miner).into(), claim);
        if let Err(error) = result {
            assert!(
                kind != MinerKind::Honest,
                "honest claim: {error:?}, {}",
                self.describe()
            );
            return;
        }
        if kind == MinerKind::Replayed {
            self.old.entry(miner).or_insert_with(|| trace.clone());
        }
        let served = match kind {
            MinerKind::Withheld | MinerKind::ServedToHostile => Served::Hostile,
            MinerKind::ServedToOne => Served::First,
            _ => Served::All,
        };
        let blob = Blob {
            miner,
            trace,
            faked,
            served,
            relayed: false,
            leaked: matches!(kind, MinerKind::Leaky(_)),
            duty,
            missed: false,
        };
        self.blobs.insert(id, blob);
    }

    /// The next link of a miner's secrets, and the salt of its flag.
    fn flag_secrets(&self, miner: usize) -> (H256, H256) {
        let actor = &self.actors[miner];
        let preimage = *actor.links.last().expect("the chain of secrets is long");
        let parts: [&[u8]; 3] = [b"flag", actor.account.as_ref(), preimage.as_bytes()];
        (preimage, secret(&self.genesis, &parts))
    }

    pub(crate) fn open_flag(&mut self, claim: H256) {
        let Some((miner, kind)) = self.miner_of(claim, Stage::Flag) else {
            return;
        };
        let (preimage, salt) = self.flag_secrets(miner);
        let duty = self.blobs[&claim].duty;
        let origin = self.origin(miner).into();
        let result = UsefulWork::open_flag(origin, claim, duty, salt, preimage);
        if duty && kind == MinerKind::DutyShirker {
            // Its digests are not those of the duty.
            assert_eq!(result, Err(Error::<Chain>::BadFlag.into()));
            return;
        }
        self.must(result, "flag");
        self.actors[miner].links.pop();
    }

    /// The claim's miner, if it acts at this stage.
    pub(crate) fn miner_of(&mut self, claim: H256, stage: Stage) -> Option<(usize, MinerKind)> {
        let number = self.record(claim).claim.round.number;
        let blob = self.blobs.get_mut(&claim)?;
        let miner = blob.miner;
        if !self.actors[miner].acts(stage, number) {
            blob.missed = true;
            return None;
        }
        Some((miner, self.actors[miner].miner()?))
    }

    pub(crate) fn open_starts(&mut self, claim: H256) {
        let Some((miner, kind)) = self.miner_of(claim, Stage::Opening) else {
            return;
        };
        if kind == MinerKind::StartsClosed {
            return;
        }
        let trace = &self.blobs[&claim].trace;
        let record = self.record(claim);
        let starts = record.audited.iter().map(|s| trace.start_state(*s));
        let starts = BoundedVec::truncate_from(starts.collect());
        let (initial, proof) = trace.initial();
        let origin = self.origin(miner).into();
        let result = UsefulWork::open_start_states(origin, claim, initial, proof, starts);
        self.must(result, "start states");
    }

    pub(crate) fn open_digests(&mut self, claim: H256) {
        let Some((miner, kind)) = self.miner_of(claim, Stage::Digests) else {
            return;
        };
        if kind == MinerKind::DigestsClosed {
            return;
        }
        let trace = &self.blobs[&claim].trace;
        let record = self.record(claim);
        let openings = record.audited.iter().map(|s| trace.end(*s));
        let openings = BoundedVec::truncate_from(openings.collect());
        let result = UsefulWork::open_digests(self.origin(miner).into(), claim, openings);
        self.must(result, "digests");
    }
}
