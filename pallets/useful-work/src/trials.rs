// SPDX-License-Identifier: GPL-3.0-or-later
//! Trials, block by block: seeds, seats, commitments and reveals. What they end with stands in `verdicts`.

use crate::{
    ActiveTrials, Candidate, Candidates, Claims, Config, Error, Event, Pallet, Rounds, SeedWindow,
    Terms, TrialSeats, TrialWindows, Trials, MAX_VERIFIERS,
};
use alloc::vec::Vec;
use dream_primitives::claim::ReplayReport;
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::math::{to_u32, to_usize};
use dream_primitives::params::ChainParameters;
use dream_primitives::round::{ClaimEvent, ClaimRecord, Phase, Round};
use dream_primitives::trial::{self, Level, Stage, Trial, TrialReport, TrialSeat, MAX_TRIALS};
use dream_primitives::{draw, Balance, BlockNumber, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type Record<T> = ClaimRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type TrialOf<T> = Trial<<T as polkadot_sdk::frame_system::Config>::AccountId>;

/// Most seats that trials fill or settle in a block: the largest jury.
pub const TRIAL_SEATS_PER_BLOCK: u32 = MAX_VERIFIERS;
/// What a trial that fills or settles few seats is counted as.
const LEAST_COST: u32 = 32;

impl<T: Config> Pallet<T> {
    /// How many trials may still be opened.
    pub(crate) fn room_for_trials() -> u32 {
        MAX_TRIALS.saturating_sub(to_u32(ActiveTrials::<T>::decode_len().unwrap_or(0)))
    }

    pub(crate) fn open_trial(
        round: &mut RoundOf<T>,
        id: H256,
        trial: TrialOf<T>,
    ) -> Result<(), Error<T>> {
        ActiveTrials::<T>::try_append(id).map_err(|_| Error::<T>::TooManyTrials)?;
        round.trials = round.trials.saturating_add(1);
        Self::deposit_event(Event::TrialOpened {
            claim: id,
            level: trial.level,
        });
        Trials::<T>::insert(id, trial);
        Ok(())
    }

    /// Opens the trial of a claim whose first committee came to no verdict.
    pub(crate) fn escalate(
        round: &mut RoundOf<T>,
        id: H256,
        record: &mut Record<T>,
        parameters: &ChainParameters,
    ) {
        let now = Self::now();
        let larger = parameters.audit.escalation > 0;
        let trial = Trial {
            level: if larger {
                Level::Escalation
            } else {
                Level::Jury
            },
            stage: Stage::Seeding,
            opened: now,
            deadline: now.saturating_add(parameters.round.seed_blocks),
            segments: record.audited.clone(),
            start: None,
            end: None,
            step: None,
            seats: 0,
            weight: 0,
            awaiting: 0,
            challenger: None,
        };
        if Self::open_trial(round, id, trial).is_err() {
            // Not met: a sweep takes no more claims than there is room for trials.
            return;
        }
        TrialWindows::<T>::insert(id, SeedWindow::new(parameters.round.seed_blocks));
        if larger {
            round.awaiting = round.awaiting.saturating_add(1);
        } else {
            Self::move_claim(record, ClaimEvent::Escalate);
        }
    }

    /// Moves every trial by a block; seats are filled and settled only where the block has time (`able`). Returns how many
    /// trials there are and how many seats were filled or settled.
    pub(crate) fn step_trials(
        now: BlockNumber,
        parameters: &ChainParameters,
        able: bool,
    ) -> (u32, u32) {
        let active = ActiveTrials::<T>::get();
        // One budget for all; who is served first changes from block to block.
        let turn = to_usize(now).checked_rem(active.len()).unwrap_or(0);
        let mut cost = 0u32;
        for id in active.iter().cycle().skip(turn).take(active.len()) {
            let Some(trial) = Trials::<T>::get(id) else {
                continue;
            };
            let fits = cost.saturating_add(Self::cost(&trial)) <= TRIAL_SEATS_PER_BLOCK;
            let spent = Self::step_trial(*id, trial, now, parameters, able && fits);
            cost = cost.saturating_add(spent);
        }
        (to_u32(active.len()), cost)
    }

    /// Most seats that the trial's next step fills or settles.
    fn cost(trial: &TrialOf<T>) -> u32 {
        match (trial.stage, trial.level) {
            (Stage::Seeding, Level::Jury | Level::Challenge) => MAX_VERIFIERS,
            (Stage::Reveal, _) => trial.seats.max(LEAST_COST),
            _ => LEAST_COST,
        }
    }

    /// Moves one trial; `able` says whether seats may be filled or settled in this block.
    fn step_trial(
        id: H256,
        mut trial: TrialOf<T>,
        now: BlockNumber,
        parameters: &ChainParameters,
        able: bool,
    ) -> u32 {
        let late = now >= trial.deadline;
        let cost = Self::cost(&trial);
        match trial.stage {
            Stage::Opening if trial.end.is_some() => {
                Self::seed_trial(id, &mut trial, now, parameters);
                Trials::<T>::insert(id, trial);
                0
            }
            Stage::Opening if late && able => {
                Self::conclude_unanswered(id, &trial, parameters);
                cost
            }
            Stage::Seeding if able => match Self::gather_for_trial(id, parameters) {
                Some(seed) => {
                    Self::summon(id, trial, &seed, now, parameters);
                    cost
                }
                None => 0,
            },
            Stage::Commitment if late || trial.awaiting == 0 => {
                let committed = trial.seats.saturating_sub(trial.awaiting);
                Self::enter_stage(
                    &mut trial,
                    Stage::Reveal,
                    now,
                    parameters.round.reveal_blocks,
                );
                trial.awaiting = committed;
                Trials::<T>::insert(id, trial);
                0
            }
            Stage::Reveal if able && (late || trial.awaiting == 0) => {
                Self::conclude(id, trial, now, parameters);
                cost
            }
            _ => 0,
        }
    }

    /// Begins a trial's window of block randomness.
    fn seed_trial(
        id: H256,
        trial: &mut TrialOf<T>,
        now: BlockNumber,
        parameters: &ChainParameters,
    ) {
        let blocks = parameters.round.seed_blocks;
        TrialWindows::<T>::insert(id, SeedWindow::new(blocks));
        Self::enter_stage(trial, Stage::Seeding, now, blocks);
    }

    fn enter_stage(trial: &mut TrialOf<T>, stage: Stage, now: BlockNumber, blocks: BlockNumber) {
        trial.stage = stage;
        trial.deadline = now.saturating_add(blocks);
    }

    /// Mixes the block's randomness into the trial's window; the trial's seed when the window is complete.
    fn gather_for_trial(id: H256, parameters: &ChainParameters) -> Option<H256> {
        let mut window = TrialWindows::<T>::get(id)?;
        if Self::mix(&mut window, parameters) {
            TrialWindows::<T>::remove(id);
            let parts: [&[u8]; 2] = [window.mixed.as_bytes(), id.as_bytes()];
            return Some(hash(Domain::Trial, &Self::genesis(), &parts));
        }
        TrialWindows::<T>::insert(id, window);
        None
    }

    /// Who may judge a claim: for its round's own trials the verifiers as they stood when training ended, so that nobody
    /// steps in or aside once seats are to be filled; for a challenge those that were there before it.
    fn jurors(trial: &TrialOf<T>, record: &Record<T>) -> Vec<Candidate<T::AccountId>> {
        let round = record.claim.round;
        let all = match trial.level {
            Level::Challenge => Self::verifiers_before(round.branch, trial.opened),
            _ => Candidates::<T>::get(round).into_inner(),
        };
        let able = |c: &Candidate<T::AccountId>| {
            c.leaf == record.claim.profile && c.account != record.miner
        };
        all.into_iter().filter(|c| able(c) && c.bond > 0).collect()
    }

    /// Fills the seats and draws the step. An escalation that finds too few candidates becomes a jury, with a seed of its
    /// own.
    fn summon(
        id: H256,
        mut trial: TrialOf<T>,
        seed: &H256,
        now: BlockNumber,
        parameters: &ChainParameters,
    ) {
        let Some(mut record) = Claims::<T>::get(id) else {
            return;
        };
        let jurors = Self::jurors(&trial, &record);
        let seats = Self::panel(id, &trial, &record, &jurors, seed, parameters);
        if trial.level == Level::Escalation && seats.is_empty() {
            Self::to_jury(id, &mut trial, &mut record, now, parameters);
            Claims::<T>::insert(id, record);
            Trials::<T>::insert(id, trial);
            return;
        }
        trial.seats = to_u32(seats.len());
        trial.awaiting = trial.seats;
        trial.weight = seats.iter().fold(0, |n, (_, w)| n.saturating_add(*w));
        for (account, weight) in seats {
            let old = TrialSeats::<T>::get(id, &account).unwrap_or_default();
            let missing = parameters.bonds.seat.saturating_sub(old.bond);
            let seat = TrialSeat {
                bond: old.bond.saturating_add(Self::lock_up_to(&account, missing)),
                weight,
                commitment: None,
                report: None,
                earlier: old.earlier,
            };
            TrialSeats::<T>::insert(id, account, seat);
        }
        let steps = Terms::<T>::get(record.claim.round).map_or(1, |t| t.recipe.steps);
        trial.step = trial::draw_step(&Self::genesis(), seed, &id, &trial.segments, steps);
        Self::enter_stage(
            &mut trial,
            Stage::Commitment,
            now,
            parameters.round.commit_blocks,
        );
        Self::deposit_event(Event::Summoned {
            claim: id,
            level: trial.level,
            step: trial.step,
            seats: trial.seats,
        });
        Trials::<T>::insert(id, trial);
    }

    /// Seats of a trial with their weights; none where an escalation has too few candidates outside the first committee.
    fn panel(
        id: H256,
        trial: &TrialOf<T>,
        record: &Record<T>,
        jurors: &[Candidate<T::AccountId>],
        seed: &H256,
        parameters: &ChainParameters,
    ) -> Vec<(T::AccountId, Balance)> {
        if trial.level != Level::Escalation {
            return jurors.iter().map(|c| (c.account.clone(), c.bond)).collect();
        }
        let seated =
            |c: &Candidate<T::AccountId>| record.committee.iter().any(|s| s.verifier == c.account);
        let weights: Vec<Balance> = jurors
            .iter()
            .map(|c| if seated(c) { 0 } else { c.bond })
            .collect();
        let size = parameters.audit.escalation;
        let drawn = draw::committee(&Self::genesis(), seed, &id, &weights, size);
        if to_u32(drawn.len()) < u32::from(size) {
            return Vec::new();
        }
        drawn
            .into_iter()
            .filter_map(|i| jurors.get(to_usize(i)))
            .map(|c| (c.account.clone(), 1))
            .collect()
    }

    /// Turns an escalation into a jury; its round waits for one escalation less.
    pub(crate) fn to_jury(
        id: H256,
        trial: &mut TrialOf<T>,
        record: &mut Record<T>,
        now: BlockNumber,
        parameters: &ChainParameters,
    ) {
        trial.level = Level::Jury;
        trial.step = None;
        (trial.seats, trial.weight, trial.awaiting) = (0, 0, 0);
        Self::seed_trial(id, trial, now, parameters);
        Self::move_claim(record, ClaimEvent::Escalate);
        Rounds::<T>::mutate(record.claim.round, |round| {
            if let Some(round) = round {
                Self::one_escalation_less(round);
            }
        });
        Self::deposit_event(Event::ClaimMoved {
            claim: id,
            state: record.state,
        });
    }

    pub(crate) fn one_escalation_less(round: &mut RoundOf<T>) {
        if matches!(round.phase, Phase::FlagOpening | Phase::Escalation) {
            round.awaiting = round.awaiting.saturating_sub(1);
        }
    }

    /// Loads a trial and the caller's seat for an act of a stage.
    fn seat_in(
        claim: H256,
        account: &T::AccountId,
        stage: Stage,
    ) -> Result<(TrialOf<T>, TrialSeat), Error<T>> {
        let trial = Trials::<T>::get(claim).ok_or(Error::<T>::NoTrial)?;
        ensure!(trial.stage == stage, Error::<T>::WrongStage);
        let seat = TrialSeats::<T>::get(claim, account).ok_or(Error::<T>::NotInCommittee)?;
        Ok((trial, seat))
    }

    pub(crate) fn do_commit_verdict(
        verifier: T::AccountId,
        claim: H256,
        commitment: H256,
    ) -> DispatchResult {
        let (mut trial, mut seat) = Self::seat_in(claim, &verifier, Stage::Commitment)?;
        ensure!(seat.commitment.is_none(), Error::<T>::AlreadyDone);
        seat.commitment = Some(commitment);
        trial.awaiting = trial.awaiting.saturating_sub(1);
        TrialSeats::<T>::insert(claim, &verifier, seat);
        Trials::<T>::insert(claim, trial);
        Self::deposit_event(Event::VerdictCommitted { claim, verifier });
        Ok(())
    }

    pub(crate) fn do_reveal_verdict(
        verifier: T::AccountId,
        claim: H256,
        report: ReplayReport,
        salt: H256,
    ) -> DispatchResult {
        let (mut trial, mut seat) = Self::seat_in(claim, &verifier, Stage::Reveal)?;
        ensure!(seat.report.is_none(), Error::<T>::AlreadyDone);
        let commitment = seat.commitment.ok_or(Error::<T>::NotCommitted)?;
        let genesis = Self::genesis();
        let expected = report.commitment(&genesis, &Self::raw(&verifier), &claim, &salt);
        ensure!(commitment == expected, Error::<T>::RevealMismatch);
        let record = Claims::<T>::get(claim).ok_or(Error::<T>::UnknownClaim)?;
        let verdict = trial.verdict(&record, &report);
        seat.report = Some(TrialReport {
            fingerprint: report.fingerprint(&genesis, &claim),
            plain: report.plain_fingerprint(&genesis, &claim),
            verdict,
            lack: report == ReplayReport::lack(),
        });
        trial.awaiting = trial.awaiting.saturating_sub(1);
        TrialSeats::<T>::insert(claim, &verifier, seat);
        Trials::<T>::insert(claim, trial);
        Self::deposit_event(Event::VerdictRevealed {
            claim,
            verifier,
            verdict,
        });
        Ok(())
    }
}
