// SPDX-License-Identifier: GPL-3.0-or-later
//! The engine: opens rounds, gathers seeds, sweeps claims at the end of each phase.

use crate::{
    ActiveRounds, Agenda, Bases, Candidates, ClaimOf, Claims, Config, CurrentRound, Event,
    Newcomers, Pallet, ParentAuthor, PostedHeaders, PostedTables, ProfileStakes, RoundClaims,
    Rounds, SeedWindow, SeedWindows, Terms, Valuations, WeightInfo, MAX_DRAWING,
};
use codec::Encode;
use dream_primitives::claim::RoundId;
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::math::{to_u32, to_usize};
use dream_primitives::params::ChainParameters;
use dream_primitives::registry::{DataRegistry, Funding, ModelRegistry, RoundTerms};
use dream_primitives::round::{Phase, Round, RoundEvent};
use dream_primitives::{BlockNumber, BoundedVec, BranchId, H256};
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::Weight;
use polkadot_sdk::frame_system::pallet_prelude::BlockNumberFor;
use polkadot_sdk::sp_runtime::traits::SaturatedConversion;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;

/// What a round took of a block.
#[derive(Default)]
struct Work {
    swept: u32,
    /// Whether the branch's verifiers or the round's claims were read.
    drawing: bool,
}

impl<T: Config> Pallet<T> {
    pub(crate) fn begin_block(now: BlockNumberFor<T>) -> Weight {
        let now: BlockNumber = now.saturated_into();
        let parameters = T::Parameters::get();
        Self::pay_producer();
        Self::wake(now);
        let active = ActiveRounds::<T>::get();
        // One budget for all rounds; who is served first changes from block to block.
        let turn = to_usize(now).checked_rem(active.len()).unwrap_or(0);
        let (mut swept, mut drawing) = (0u32, 0u32);
        for id in active.iter().cycle().skip(turn).take(active.len()) {
            let left = T::SweepPerBlock::get().saturating_sub(swept);
            let may_draw = drawing < MAX_DRAWING;
            let work = Self::step(*id, now, &parameters, left, may_draw);
            swept = swept.saturating_add(work.swept);
            drawing = drawing.saturating_add(u32::from(work.drawing));
        }
        // Both may be heavy: a block in which a round draws fills and settles no seats of trials.
        let (trials, seats) = Self::step_trials(now, &parameters, drawing == 0);
        // A replay reads as many claims as a draw reads verifiers.
        let left = MAX_DRAWING.saturating_sub(drawing);
        drawing = drawing.saturating_add(Self::drive_replays(now, &parameters, left));
        let branches = Self::working_branches();
        for branch in &branches {
            Self::try_open(*branch, now, &parameters);
        }
        T::WeightInfo::begin_block(to_u32(active.len()), to_u32(branches.len()), swept, drawing)
            .saturating_add(T::WeightInfo::step_trials(trials, seats))
    }

    pub(crate) fn note_author() {
        ParentAuthor::<T>::set(T::Author::get());
    }

    /// Opens the next round of a branch when the last one is over and the branch has all that a round needs.
    fn try_open(branch: BranchId, now: BlockNumber, parameters: &ChainParameters) {
        if Self::replaying(branch) {
            return;
        }
        let last = CurrentRound::<T>::get(branch).unwrap_or(0);
        let busy = Rounds::<T>::get(RoundId {
            branch,
            number: last,
        })
        .is_some_and(|r| !matches!(r.phase, Phase::Vesting | Phase::Closed));
        let Some(number) = last.checked_add(1).filter(|_| !busy) else {
            return;
        };
        let Some(terms) = Self::terms(branch) else {
            return;
        };
        let Some(info) = T::Models::branch(branch) else {
            return;
        };
        let id = RoundId { branch, number };
        if ActiveRounds::<T>::try_append(id).is_err() {
            return;
        }
        let round = Round {
            id,
            phase: Phase::Seeding,
            opened: now,
            deadline: now.saturating_add(parameters.round.seed_blocks),
            base: info.head,
            seed: H256::zero(),
            audit_seed: H256::zero(),
            canary_rate: parameters.audit.canary_rate,
            claims: 0,
            awaiting: 0,
            cursor: None,
            accepted: 0,
            units: 0,
            audit_units: 0,
            emission: Self::reserve_escrow(branch, &terms.funding),
            pay: None,
            receipted: 0,
            merge: None,
            replays: None,
            trials: 0,
            disputes: 0,
            refutations: 0,
        };
        Self::seat_newcomers(id, &terms.funding, parameters);
        Terms::<T>::insert(id, terms);
        SeedWindows::<T>::insert(id, SeedWindow::new(parameters.round.seed_blocks));
        Rounds::<T>::insert(id, round);
        CurrentRound::<T>::insert(branch, number);
        Self::deposit_event(Event::RoundOpened {
            round: id,
            base: info.head,
        });
    }

    fn terms(branch: BranchId) -> Option<RoundTerms> {
        let info = T::Models::branch(branch).filter(|info| !info.frozen)?;
        let architecture = T::Models::architecture(info.model)?;
        let mixture = T::Data::mixture(branch, info.recipe.context.checked_add(1)?)?;
        let funding = match info.admission {
            Some(admission) => Funding::Emission(admission),
            None => Self::escrow_funding(branch)?,
        };
        Some(RoundTerms {
            model: info.model,
            architecture,
            recipe: info.recipe,
            funding,
            mixture,
        })
    }

    /// Moves one round by one block and sweeps at most `limit` of its claims.
    fn step(
        id: RoundId,
        now: BlockNumber,
        parameters: &ChainParameters,
        limit: u32,
        may_draw: bool,
    ) -> Work {
        let Some(mut round) = Rounds::<T>::get(id) else {
            Self::deactivate(id);
            return Work::default();
        };
        let (before, deadline) = (round.phase, round.deadline);
        // Any later phase may end with a walk over the branch's verifiers or the round's claims.
        if !may_draw && before != Phase::Seeding {
            return Work::default();
        }
        let expired = round.disputes > 0 && Self::expire(&mut round, now, parameters);
        if round.cursor.is_none() && !Self::is_over(&mut round, now, parameters) {
            // A merge that nobody posted in time was begun anew.
            let drawing = expired || round.deadline != deadline;
            Rounds::<T>::insert(id, round);
            return Work { swept: 0, drawing };
        }
        let walks = !matches!(
            round.phase,
            Phase::Seeding
                | Phase::Training
                | Phase::Escalation
                | Phase::Jury
                | Phase::Merging
                | Phase::Dispute
                | Phase::Valuation
        );
        // A settled claim may need a trial: no more are settled than there is room for.
        let limit = match round.phase {
            Phase::FlagOpening => limit.min(Self::room_for_trials()),
            _ => limit,
        };
        let claims = if walks {
            RoundClaims::<T>::get(id)
        } else {
            BoundedVec::new()
        };
        let from = match round.cursor {
            Some(from) => from,
            None => {
                round.awaiting = 0;
                0
            }
        };
        let drawing = round.phase == Phase::Drawing;
        let mut candidates = if drawing {
            Candidates::<T>::get(id)
        } else {
            BoundedVec::new()
        };
        let mut swept = 0u32;
        for claim_id in claims.iter().skip(to_usize(from)).take(to_usize(limit)) {
            swept = swept.saturating_add(1);
            if let Some(mut record) = Claims::<T>::get(claim_id) {
                let keep = Self::sweep(
                    &mut round,
                    *claim_id,
                    &mut record,
                    parameters,
                    candidates.as_mut(),
                );
                if keep {
                    Claims::<T>::insert(claim_id, record);
                } else {
                    Claims::<T>::remove(claim_id);
                    ClaimOf::<T>::remove(id, &record.miner);
                }
            }
        }
        let to = from.saturating_add(swept);
        round.cursor = Some(to);
        if drawing {
            Candidates::<T>::insert(id, candidates);
        }
        if to_usize(to) >= claims.len() {
            round.cursor = None;
            Self::finish(&mut round, now, parameters);
        }
        match round.phase {
            Phase::Closed if round.deadline == 0 => Self::prune(id),
            phase => {
                Rounds::<T>::insert(id, round);
                return Work {
                    swept,
                    drawing: drawing || expired || phase != before && Self::enters_by_walk(phase),
                };
            }
        }
        Work { swept, drawing }
    }

    /// Whether entering a phase reads the branch's verifiers or the round's claims, or pays its scorers.
    fn enters_by_walk(phase: Phase) -> bool {
        matches!(
            phase,
            Phase::Drawing | Phase::Merging | Phase::Valuation | Phase::Paying | Phase::Closed
        )
    }

    /// Whether the phase has nothing left to wait for. Gathers randomness in the seed phases.
    fn is_over(round: &mut RoundOf<T>, now: BlockNumber, parameters: &ChainParameters) -> bool {
        match round.phase {
            Phase::Seeding | Phase::Drawing => match Self::gather(round.id, parameters) {
                Some(mixed) => {
                    let seed = hash(
                        Domain::Seed,
                        &Self::genesis(),
                        &[mixed.as_bytes(), &(round.id, round.phase).encode()],
                    );
                    if round.phase == Phase::Seeding {
                        round.seed = seed;
                    } else {
                        round.audit_seed = seed;
                    }
                    true
                }
                None => false,
            },
            Phase::Training => {
                let full = round.awaiting == 0;
                now >= round.deadline
                    || (full && now >= Self::earliest_end(round.deadline, parameters))
            }
            Phase::Merging => Self::merging_over(round, now, parameters),
            Phase::Dispute => now >= round.deadline && round.disputes == 0,
            Phase::Escalation => round.awaiting == 0,
            Phase::Jury | Phase::Vesting => round.trials == 0,
            Phase::Valuation => Self::step_valuation(round, now, parameters),
            Phase::Paying | Phase::Closed => true,
            _ => now >= round.deadline || round.awaiting == 0,
        }
    }

    /// Mixes into the round's window; the mix when the window is complete.
    pub(crate) fn gather(id: RoundId, parameters: &ChainParameters) -> Option<H256> {
        let mut window = SeedWindows::<T>::get(id)?;
        if Self::mix(&mut window, parameters) {
            SeedWindows::<T>::remove(id);
            return Some(window.mixed);
        }
        SeedWindows::<T>::insert(id, window);
        None
    }

    /// Mixes the parent block's VRF output into a window; whether the window is complete.
    pub(crate) fn mix(window: &mut SeedWindow<T::AccountId>, parameters: &ChainParameters) -> bool {
        if let Some(output) = T::BlockRandomness::get() {
            window.mixed = hash(
                Domain::Seed,
                &Self::genesis(),
                &[window.mixed.as_bytes(), output.as_bytes()],
            );
            window.left = window.left.saturating_sub(1);
            if let Some(author) = ParentAuthor::<T>::get() {
                if !window.authors.contains(&author) {
                    // Only whether there are enough authors matters; the bound is above every allowed number.
                    let _ = window.authors.try_push(author);
                }
            }
        }
        window.left == 0 && to_u32(window.authors.len()) >= parameters.round.seed_authors
    }

    /// Ends a phase: takes the transition of the table and sets the next phase up.
    fn finish(round: &mut RoundOf<T>, now: BlockNumber, parameters: &ChainParameters) {
        // Before anything is taken for the merge: it is made anew.
        if round.phase == Phase::Dispute && Self::contributions_moved(round) {
            Self::merge_anew(round, now, parameters);
            return;
        }
        let event = match round.phase {
            Phase::Seeding => RoundEvent::SeedReady,
            Phase::Training if round.claims == 0 => RoundEvent::Empty,
            Phase::Drawing if round.awaiting > 0 => RoundEvent::SeedReady,
            Phase::Drawing => RoundEvent::Empty,
            Phase::Opening | Phase::DigestOpening if round.awaiting == 0 => RoundEvent::Empty,
            Phase::FlagOpening | Phase::Escalation if round.trials > 0 => RoundEvent::Escalated,
            Phase::FlagOpening | Phase::Escalation | Phase::Jury if round.accepted == 0 => {
                RoundEvent::Empty
            }
            Phase::Merging if round.merge.is_some() => RoundEvent::MergePosted,
            Phase::Merging => RoundEvent::Empty,
            Phase::Dispute if Self::begin_valuation(round, now, parameters) => RoundEvent::ScoreDue,
            _ => RoundEvent::Complete,
        };
        if round.phase == Phase::Closed {
            round.deadline = 0;
            Self::deactivate(round.id);
            return;
        }
        let left = round.phase;
        let Some(next) = round.phase.next(event) else {
            return;
        };
        round.phase = next;
        if left == Phase::Dispute {
            if let Some(merge) = round.merge.as_mut() {
                merge.stands = Some(now);
            }
        }
        match (left, next) {
            (Phase::Training, _) => {
                Newcomers::<T>::remove(round.id);
                if next == Phase::Closed {
                    Self::free_pay(round.id, round.emission);
                }
            }
            (_, Phase::Merging) => Candidates::<T>::remove(round.id),
            (Phase::Merging, Phase::Paying) => Self::close_demands(round),
            (Phase::Dispute, Phase::Paying) => Self::promote(round),
            (Phase::Valuation, _) => Self::conclude_valuation(round, parameters),
            (Phase::Vesting, _) => {
                Self::release_merge_bond(round);
                Self::pay_scorers(round.id);
            }
            _ => {}
        }
        let r = &parameters.round;
        let blocks = match next {
            Phase::Training => {
                round.awaiting = r.max_claims;
                r.training_blocks
            }
            Phase::Drawing => {
                Self::freeze_candidates(round);
                SeedWindows::<T>::insert(round.id, SeedWindow::new(r.seed_blocks));
                r.seed_blocks
            }
            Phase::Opening => r.opening_blocks,
            Phase::Availability => r.availability_blocks,
            Phase::Commitment => r.commit_blocks,
            Phase::DigestOpening => r.digest_blocks,
            Phase::Reveal => r.reveal_blocks,
            Phase::FlagOpening => r.flag_blocks,
            Phase::Escalation | Phase::Jury => r.trial_blocks(),
            Phase::Merging => {
                round.awaiting = 1;
                r.merge_blocks
            }
            Phase::Dispute => r.dispute_blocks,
            Phase::Paying => {
                Candidates::<T>::remove(round.id);
                Self::note_stakes(round.id);
                Self::set_emission_aside(round, now, parameters);
                Self::reward_scorers(round);
                0
            }
            Phase::Vesting => {
                ProfileStakes::<T>::remove(round.id);
                Self::mint_shares(round);
                r.retention_blocks()
            }
            _ => r.retention_blocks(),
        };
        round.deadline = now.saturating_add(blocks);
        Self::deposit_event(Event::PhaseStarted {
            round: round.id,
            phase: next,
            deadline: round.deadline,
        });
        if matches!(next, Phase::Vesting | Phase::Closed) {
            Self::deactivate(round.id);
            Self::schedule(round.deadline, round.id);
            if left != Phase::Vesting && round.replays.is_none() {
                Self::vest_older(round.id, parameters);
            }
        }
    }

    /// Whether the merge of a round may become its branch's head: on a frozen branch only a replay's may.
    pub(crate) fn may_advance(round: &RoundOf<T>) -> bool {
        round.replays.is_some() || T::Models::branch(round.id.branch).is_some_and(|b| !b.frozen)
    }

    pub(crate) fn promote(round: &mut RoundOf<T>) {
        PostedTables::<T>::remove(round.id);
        let advanced = PostedHeaders::<T>::take(round.id)
            .filter(|_| Self::may_advance(round))
            .and_then(T::Models::advance)
            .is_some();
        if !advanced {
            // The branch was frozen, or its head moved under the round (governance acts): nothing was merged.
            Self::release_merge_bond(round);
            round.merge = None;
        }
    }

    pub(crate) fn release_merge_bond(round: &mut RoundOf<T>) {
        if let Some(merge) = round.merge.as_mut() {
            Self::unlock(&merge.merger, merge.bond);
            merge.bond = 0;
        }
    }

    /// The round `retention_rounds` before this one vests now.
    fn vest_older(id: RoundId, parameters: &ChainParameters) {
        let Some(number) = id.number.checked_sub(parameters.round.retention_rounds) else {
            return;
        };
        let older = RoundId {
            branch: id.branch,
            number,
        };
        if Rounds::<T>::get(older).is_some_and(|r| r.phase == Phase::Vesting) {
            Self::activate(older);
        }
    }

    fn activate(id: RoundId) -> bool {
        ActiveRounds::<T>::mutate(|active| active.contains(&id) || active.try_push(id).is_ok())
    }

    fn deactivate(id: RoundId) {
        ActiveRounds::<T>::mutate(|active| active.retain(|a| *a != id));
    }

    /// Wakes the rounds whose time has come; those that find no place wait for the next block.
    fn wake(now: BlockNumber) {
        for id in Agenda::<T>::take(now) {
            let Some(round) = Rounds::<T>::get(id).filter(|r| r.deadline <= now) else {
                continue;
            };
            let wanted = round.phase == Phase::Closed && Self::wanted(id);
            if wanted || !Self::activate(id) {
                Self::schedule(now.saturating_add(1), id);
            }
        }
    }

    /// Puts a round on the agenda of the first block from `at` on that has a place.
    fn schedule(at: BlockNumber, id: RoundId) {
        let mut block = at;
        while Agenda::<T>::try_append(block, id).is_err() {
            let Some(next) = block.checked_add(1) else {
                return;
            };
            block = next;
        }
    }

    fn prune(id: RoundId) {
        Rounds::<T>::remove(id);
        Terms::<T>::remove(id);
        RoundClaims::<T>::remove(id);
        PostedHeaders::<T>::remove(id);
        Valuations::<T>::remove(id);
        SeedWindows::<T>::remove(id);
        PostedTables::<T>::remove(id);
        Bases::<T>::remove(id);
    }
}
