// SPDX-License-Identifier: GPL-3.0-or-later
//! The engine of rounds: opens them, gathers seeds, ends phases, sweeps participants.

use crate::{
    Config, Contributors, Disputes, Epochs, Event, Gathering, Gatherings, JobList, Jobs, LastRound,
    Pallet, Parameters, Participants, Rounds, Seats, SeedOf, ServingEpoch, Terms, WeightInfo,
    KEPT_ROUNDS,
};
use alloc::vec::Vec;
use codec::Encode;
use dream_primitives::claim::RoundId;
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::math::{to_u32, to_usize};
use dream_primitives::private::committee::EpochPhase;
use dream_primitives::private::params::PrivateParameters;
use dream_primitives::private::round::{
    AuditorSeat, CohortMask, ContributorState, PrivateEvent, PrivatePhase, PrivateRound,
    PrivateTerms,
};
use dream_primitives::private::settle::{draw_cohort, draw_disclosures};
use dream_primitives::registry::{AuditorRegistry, BondLedger, ModelRegistry};
use dream_primitives::{draw, Balance, BlockNumber, BoundedVec, BranchId, H256};
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::Weight;
use polkadot_sdk::frame_system::pallet_prelude::BlockNumberFor;
use polkadot_sdk::sp_runtime::traits::SaturatedConversion;

type RoundOf<T> = PrivateRound<<T as polkadot_sdk::frame_system::Config>::AccountId>;

/// Most rounds that end a phase in a block: drawing reads the branch's verifiers, a settled report pays its auditors.
pub const MAX_MOVING: u32 = 2;

impl<T: Config> Pallet<T> {
    pub(crate) fn begin_block(now: BlockNumberFor<T>) -> Weight {
        let now: BlockNumber = now.saturated_into();
        let Some(p) = Parameters::<T>::get() else {
            return T::WeightInfo::idle_block();
        };
        let epochs = Self::step_epochs(now, &p);
        let jobs = JobList::<T>::get();
        // One budget for all rounds; who is served first changes from block to block.
        let turn = to_usize(now).checked_rem(jobs.len()).unwrap_or(0);
        let (mut swept, mut moved) = (0u32, 0u32);
        for branch in jobs.iter().cycle().skip(turn).take(jobs.len()) {
            if moved >= MAX_MOVING {
                break;
            }
            match Self::round_in_motion(*branch) {
                Some(round) => {
                    let left = T::SweepPerBlock::get().saturating_sub(swept);
                    let (visited, ended) = Self::step_round(round, now, left);
                    swept = swept.saturating_add(visited);
                    moved = moved.saturating_add(u32::from(ended));
                }
                None => Self::try_open(*branch, now, &p),
            }
        }
        Self::block_weight(epochs, to_u32(jobs.len()), swept, moved)
    }

    /// Weight of the hook in a block with so many epochs and jobs in motion, in which so many participants are visited and so many
    /// rounds end a phase.
    pub fn block_weight(epochs: u32, jobs: u32, swept: u32, moved: u32) -> Weight {
        let [epochs, jobs, moved] = [epochs, jobs, moved].map(u64::from);
        T::WeightInfo::idle_block()
            .saturating_add(T::WeightInfo::step_epoch().saturating_mul(epochs))
            .saturating_add(T::WeightInfo::open_round().saturating_mul(jobs))
            .saturating_add(T::WeightInfo::sweep(swept))
            .saturating_add(T::WeightInfo::draw_round().saturating_mul(moved))
    }

    /// Opens the next round of a job when its escrow, a key with answers left, and the branch allow one.
    fn try_open(branch: BranchId, now: BlockNumber, p: &PrivateParameters) {
        let Some(mut job) = Jobs::<T>::get(branch).filter(|j| !j.closing) else {
            return;
        };
        let per_round = job.terms.per_round();
        if job.balance.saturating_sub(job.reserved) < per_round {
            return;
        }
        let Ok(model_parameters) = Self::private_model(branch, p) else {
            return;
        };
        let answers = p.key_polynomials();
        let serving = |e: &dream_primitives::private::committee::KeyEpoch<T::AccountId>| {
            e.phase == EpochPhase::Serving && now < e.deadline && e.answers >= answers
        };
        let epoch = ServingEpoch::<T>::get().and_then(Epochs::<T>::get);
        let Some(mut epoch) = epoch.filter(serving) else {
            return;
        };
        let Some((info, layout)) = T::Models::branch(branch).zip(p.layout(model_parameters)) else {
            return;
        };
        let Some(number) = LastRound::<T>::get(branch).checked_add(1) else {
            return;
        };
        let id = RoundId { branch, number };
        epoch.answers = epoch.answers.saturating_sub(answers);
        epoch.rounds = epoch.rounds.saturating_add(1);
        job.reserved = job.reserved.saturating_add(per_round);
        let deadline = now.saturating_add(p.get().phases.registration_blocks);
        let round = PrivateRound {
            id,
            phase: PrivatePhase::Registration,
            opened: now,
            deadline,
            base: info.head,
            epoch: epoch.number,
            seed: H256::zero(),
            participants: 0,
            awaiting: 0,
            cursor: None,
            standing: CohortMask::default(),
            disclosing: CohortMask::default(),
            sum: None,
            refutations: 0,
            disputes: 0,
            answers: BoundedVec::new(),
            shard: None,
            shard_cid: None,
            settled: None,
            reserved: per_round,
            fee: job.terms.fee,
            reward: 0,
        };
        let terms = PrivateTerms {
            parameters: p.clone(),
            layout,
            model_parameters,
            recipe: info.recipe,
            job: job.terms,
        };
        if let Some(old) = number.checked_sub(KEPT_ROUNDS) {
            Rounds::<T>::remove(RoundId {
                branch,
                number: old,
            });
        }
        Self::deposit_event(Event::RoundOpened {
            round: id,
            base: info.head,
            epoch: epoch.number,
        });
        Epochs::<T>::insert(epoch.number, epoch);
        Jobs::<T>::insert(branch, job);
        LastRound::<T>::insert(branch, number);
        Terms::<T>::insert(id, terms);
        Rounds::<T>::insert(id, round);
    }

    /// Moves a round by one block and visits at most `limit` of its participants; how many it visited, and whether it did more
    /// than that.
    pub(crate) fn step_round(mut round: RoundOf<T>, now: BlockNumber, limit: u32) -> (u32, bool) {
        let id = round.id;
        let Some(terms) = Terms::<T>::get(id) else {
            return (0, false);
        };
        let p = &terms.parameters;
        let expired = round.disputes > 0 && Self::expire_disputes(&mut round, now, &terms);
        let mut moved = expired;
        if round.cursor.is_none() {
            if !Self::is_over(&mut round, now, p) {
                Rounds::<T>::insert(id, round);
                return (0, moved);
            }
            moved = true;
            round.cursor = Some(0);
        }
        let mut visited = 0u32;
        if round.phase.sweeps() {
            let from = round.cursor.unwrap_or(0);
            let all = Participants::<T>::get(id);
            let seats = Seats::<T>::get(id);
            for (place, account) in (0u32..)
                .zip(all.iter())
                .skip(to_usize(from))
                .take(to_usize(limit))
            {
                visited = visited.saturating_add(1);
                Self::visit(&mut round, place, account, &seats, p);
            }
            let to = from.saturating_add(visited);
            round.cursor = Some(to);
            if to_usize(to) < all.len() {
                Rounds::<T>::insert(id, round);
                return (visited, moved);
            }
        }
        round.cursor = None;
        let event = Self::end_phase(&mut round, &terms);
        Self::enter(&mut round, event, now, p);
        Rounds::<T>::insert(id, round);
        (visited, true)
    }

    /// Whether the phase has nothing left to wait for. Gathers randomness in the phases that draw.
    fn is_over(round: &mut RoundOf<T>, now: BlockNumber, p: &PrivateParameters) -> bool {
        let late = now >= round.deadline;
        match round.phase {
            PrivatePhase::Drawing | PrivatePhase::Sampling => {
                let authors = p.get().phases.seed_authors;
                let Some(seed) = Self::gather(SeedOf::Round(round.id), authors) else {
                    return false;
                };
                if round.phase == PrivatePhase::Drawing {
                    round.seed = seed;
                    Self::draw_round(round, p);
                } else {
                    Self::draw_segments(round, &seed, p);
                }
                true
            }
            PrivatePhase::Registration | PrivatePhase::Summing => late,
            PrivatePhase::ShardOpening => late || round.shard_cid.is_some(),
            PrivatePhase::SumDispute | PrivatePhase::VersionDispute => late && round.disputes == 0,
            PrivatePhase::Closing => true,
            PrivatePhase::Closed => false,
            _ => late || round.awaiting == 0,
        }
    }

    /// Draws cohort and auditors. The drawn registrants move to the front of the participants, and `awaiting` is their number;
    /// zero where there are not enough auditors.
    fn draw_round(round: &mut RoundOf<T>, p: &PrivateParameters) {
        let id = round.id;
        let genesis = Self::genesis();
        let seed = &round.seed;
        let registrants = Participants::<T>::get(id);
        let size = p.get().cohort.maximum;
        let drawn = draw_cohort(&genesis, seed, to_u32(registrants.len()), size);
        let member = Epochs::<T>::get(round.epoch);
        let sponsor = Jobs::<T>::get(id.branch).map(|j| j.sponsor);
        let able = |account: &T::AccountId| {
            !registrants.contains(account)
                && sponsor.as_ref() != Some(account)
                && member.as_ref().is_none_or(|e| e.place(account).is_none())
        };
        let auditors: Vec<(T::AccountId, Balance)> = T::Auditors::auditors(id.branch, round.opened)
            .into_iter()
            .filter(|(account, bond)| able(account) && *bond >= p.get().bonds.auditor)
            .collect();
        let bonds: Vec<Balance> = auditors.iter().map(|(_, bond)| *bond).collect();
        let size = p.get().auditors;
        let affair = Self::round_affair(id);
        let seats = draw::committee(&genesis, seed, &affair, &bonds, size);
        round.awaiting = 0;
        if to_u32(seats.len()) < u32::from(size) {
            // Fewer could all be one contributor's own.
            return;
        }
        let seats: Vec<AuditorSeat<T::AccountId>> = seats
            .into_iter()
            .filter_map(|at| auditors.get(to_usize(at)))
            .map(|(auditor, _)| AuditorSeat {
                auditor: auditor.clone(),
                // Who spent its free bond since keeps its seat: were it left out, it could choose.
                bond: T::Bonds::lock_up_to(auditor, p.get().bonds.auditor),
                votes: None,
                commitment: None,
                report: None,
            })
            .collect();
        let first = drawn.iter().filter_map(|at| registrants.get(to_usize(*at)));
        let rest = (0u32..)
            .zip(&registrants)
            .filter(|(at, _)| drawn.binary_search(at).is_err());
        let ordered: Vec<T::AccountId> = first.chain(rest.map(|(_, a)| a)).cloned().collect();
        Participants::<T>::insert(id, BoundedVec::truncate_from(ordered));
        round.awaiting = to_u32(drawn.len());
        Self::deposit_event(Event::CohortDrawn {
            round: id,
            cohort: round.awaiting,
            auditors: seats.iter().map(|s| s.auditor.clone()).collect(),
        });
        Seats::<T>::insert(id, BoundedVec::truncate_from(seats));
    }

    /// Draws whose key segments are opened.
    fn draw_segments(round: &mut RoundOf<T>, seed: &H256, p: &PrivateParameters) {
        let cohort = Participants::<T>::get(round.id);
        let places: Vec<u16> = (0u16..)
            .take(cohort.len())
            .filter(|place| round.standing.contains(*place))
            .collect();
        let count = p.get().cohort.audited;
        for (place, segment) in draw_disclosures(&Self::genesis(), seed, &places, count) {
            let Some(account) = cohort.get(usize::from(place)) else {
                continue;
            };
            Contributors::<T>::mutate(round.id, account, |c| {
                if let Some(c) = c {
                    c.segment = Some(segment);
                }
            });
            round.disclosing.insert(place);
            Self::deposit_event(Event::SegmentDrawn {
                round: round.id,
                place,
                segment,
            });
        }
    }

    /// What the end of a phase does to one participant.
    fn visit(
        round: &mut RoundOf<T>,
        place: u32,
        account: &T::AccountId,
        seats: &[AuditorSeat<T::AccountId>],
        p: &PrivateParameters,
    ) {
        let Some(mut contributor) = Contributors::<T>::get(round.id, account) else {
            return;
        };
        match round.phase {
            PrivatePhase::Drawing => {
                // Where no auditors could be drawn nobody is: all are freed when the round closes.
                if place < round.awaiting {
                    contributor.state = ContributorState::Drawn;
                    contributor.place = u16::try_from(place).unwrap_or(u16::MAX);
                } else if round.awaiting > 0 {
                    T::Bonds::unlock(account, contributor.bond);
                    Contributors::<T>::remove(round.id, account);
                    return;
                }
            }
            PrivatePhase::Opening => Self::close_opening(round, account, &mut contributor, p),
            PrivatePhase::Audit => Self::close_audit(round, account, &mut contributor, seats, p),
            PrivatePhase::Blame => Self::close_blame(round, account, &mut contributor, seats),
            PrivatePhase::Closing => {
                Self::release(round, account, &contributor);
                return;
            }
            _ => {}
        }
        Contributors::<T>::insert(round.id, account, contributor);
    }

    /// The event that ends a phase, with what it does to the round.
    fn end_phase(round: &mut RoundOf<T>, terms: &PrivateTerms) -> PrivateEvent {
        use PrivateEvent as E;
        let p = &terms.parameters;
        let least = p.get().cohort.minimum;
        let if_enough = |n: u32, event| if n >= least { event } else { E::Empty };
        match round.phase {
            PrivatePhase::Registration => if_enough(round.participants, E::Complete),
            PrivatePhase::Drawing => {
                if round.awaiting == 0 {
                    return E::Empty;
                }
                round.participants = round.awaiting;
                Participants::<T>::mutate(round.id, |all| {
                    all.truncate(to_usize(round.participants));
                });
                E::SeedReady
            }
            PrivatePhase::Sampling => E::SeedReady,
            PrivatePhase::Opening => if_enough(round.standing.count(), E::Complete),
            PrivatePhase::Audit => {
                Self::punish_seats(round.id, p, |s| s.votes.is_none());
                if_enough(round.standing.count(), E::Complete)
            }
            PrivatePhase::Decryption => Self::end_decryption(round, terms),
            PrivatePhase::Combination => {
                Self::punish_seats(round.id, p, |s| s.commitment.is_none());
                E::Complete
            }
            PrivatePhase::Reveal => {
                Self::punish_seats(round.id, p, |s| {
                    s.commitment.is_some() && s.report.is_none()
                });
                Self::settle(round, terms)
            }
            PrivatePhase::VersionDispute => {
                Self::promote(round, terms);
                E::Complete
            }
            PrivatePhase::Blame => {
                Self::punish_seats(round.id, p, |s| s.votes.is_none());
                E::Complete
            }
            PrivatePhase::Summing => E::Empty,
            PrivatePhase::Closing => {
                Self::close(round);
                E::Complete
            }
            _ => E::Complete,
        }
    }

    /// Takes the transition of the table and sets the next phase up.
    pub(crate) fn enter(
        round: &mut RoundOf<T>,
        event: PrivateEvent,
        now: BlockNumber,
        p: &PrivateParameters,
    ) {
        let Some(next) = round.phase.next(event) else {
            return;
        };
        let acted = round.participants.saturating_sub(round.awaiting);
        round.phase = next;
        let phases = &p.get().phases;
        let seats = || Seats::<T>::get(round.id);
        let (blocks, awaiting) = match next {
            PrivatePhase::Drawing | PrivatePhase::Sampling => {
                let gathering = Gathering::new(phases.seed_blocks);
                Gatherings::<T>::insert(SeedOf::Round(round.id), gathering);
                (phases.seed_blocks, 0)
            }
            PrivatePhase::Commitment => (phases.commitment_blocks, round.participants),
            // Those that committed.
            PrivatePhase::Opening => (phases.opening_blocks, acted),
            PrivatePhase::Disclosure => (phases.disclosure_blocks, round.disclosing.count()),
            PrivatePhase::Audit => (phases.audit_blocks, to_u32(seats().len())),
            PrivatePhase::Summing => (phases.summing_blocks, 0),
            PrivatePhase::SumDispute | PrivatePhase::VersionDispute => (phases.dispute_blocks, 0),
            PrivatePhase::Decryption => {
                let standing = Epochs::<T>::get(round.epoch).map_or(0, |e| e.standing());
                (phases.decryption_blocks, standing.count_ones())
            }
            PrivatePhase::ShardOpening => (phases.shard_blocks, 0),
            PrivatePhase::Combination => (phases.combination_blocks, to_u32(seats().len())),
            PrivatePhase::Reveal => {
                let committed = seats().iter().filter(|s| s.commitment.is_some()).count();
                (phases.reveal_blocks, to_u32(committed))
            }
            PrivatePhase::Exposure => (phases.disclosure_blocks, round.disclosing.count()),
            PrivatePhase::Blame => {
                Self::forget_votes(round.id);
                (phases.audit_blocks, to_u32(seats().len()))
            }
            PrivatePhase::Registration | PrivatePhase::Closing | PrivatePhase::Closed => (0, 0),
        };
        round.awaiting = awaiting;
        round.deadline = now.saturating_add(blocks);
        if next == PrivatePhase::Closing {
            Self::begin_closing(round);
        }
        Self::deposit_event(Event::PhaseStarted {
            round: round.id,
            phase: next,
            deadline: round.deadline,
        });
    }

    /// By what the bonds of a round are known.
    pub(crate) fn round_affair(id: RoundId) -> H256 {
        hash(Domain::Private, &Self::genesis(), &[b"round", &id.encode()])
    }

    /// Disputes of a round are gone with what they were about.
    pub(crate) fn free_disputes(round: &mut RoundOf<T>) {
        for dispute in Disputes::<T>::take(round.id) {
            T::Bonds::unlock(&dispute.challenger, dispute.bond);
        }
        round.disputes = 0;
    }
}
