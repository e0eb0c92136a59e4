// SPDX-License-Identifier: GPL-3.0-or-later
//! How trials end: who loses what, who gets it, and where the claim goes.

use crate::slashing::Judgement;
use crate::{ActiveTrials, Claims, Config, Event, Exposure, Pallet, Rounds, TrialSeats, Trials};
use alloc::vec::Vec;
use dream_primitives::claim::Verdict;
use dream_primitives::params::ChainParameters;
use dream_primitives::round::{ClaimEvent, ClaimRecord, Finding, Phase, Receipt, Role, Round};
use dream_primitives::trial::{self, Level, Outcome, Trial, TrialReport, TrialSeat};
use dream_primitives::{Balance, BlockNumber, H256};

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type Record<T> = ClaimRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type TrialOf<T> = Trial<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type JudgementOf<T> = Judgement<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type Seats<T> = Vec<(
    <T as polkadot_sdk::frame_system::Config>::AccountId,
    TrialSeat,
)>;

impl<T: Config> Pallet<T> {
    /// Ends a trial whose reveals are in, or sends an escalation to the jury.
    pub(crate) fn conclude(
        id: H256,
        mut trial: TrialOf<T>,
        now: BlockNumber,
        parameters: &ChainParameters,
    ) {
        let Some(mut record) = Claims::<T>::get(id) else {
            return;
        };
        let mut seats: Seats<T> = TrialSeats::<T>::iter_prefix(id).collect();
        for (account, seat) in seats.iter_mut().filter(|(_, s)| s.report.is_none()) {
            let amount = parameters.bonds.silence.min(seat.bond);
            let burned = Self::burn_locked(account, id, amount);
            seat.bond = seat.bond.saturating_sub(burned);
        }
        let reports: Vec<(TrialReport, Balance)> = seats
            .iter()
            .filter_map(|(_, s)| s.report.map(|r| (r, s.weight)))
            .collect();
        let decided = trial::decided(&reports, trial.weight);
        let outcome = trial::outcome(trial.level, decided);
        Self::deposit_event(Event::Judged {
            claim: id,
            level: trial.level,
            verdict: decided.map(|r| r.verdict),
        });
        if outcome == Outcome::Jury {
            for (account, seat) in seats {
                let kept = TrialSeat {
                    bond: seat.bond,
                    earlier: seat.report.filter(|r| !r.lack).map(|r| r.plain),
                    ..Default::default()
                };
                TrialSeats::<T>::insert(id, account, kept);
            }
            Self::to_jury(id, &mut trial, &mut record, now, parameters);
            Claims::<T>::insert(id, record);
            Trials::<T>::insert(id, trial);
            return;
        }
        if outcome == Outcome::Lacking {
            let amount = parameters.bonds.availability.min(record.bond);
            let burned = Self::burn_locked(&record.miner, id, amount);
            record.bond = record.bond.saturating_sub(burned);
        }
        // A finding changes who was right: what the round counted for the claim is what it says before.
        let counted = Self::units_of(&record);
        // Where the blobs were not to be had nothing is known of anybody's word.
        let decided = decided.filter(|r| !r.lack);
        let judgement = match trial.level {
            Level::Challenge => Self::judge_challenge(&trial, &mut record, &mut seats, decided),
            level => Self::judge_claim(level, &mut record, &mut seats, decided),
        };
        Self::close(id, &trial, record, counted, outcome, judgement, parameters);
        for (account, seat) in seats {
            Self::unlock(&account, seat.bond);
            TrialSeats::<T>::remove(id, account);
        }
    }

    /// A miner that does not open what was challenged is slashed as if a jury had found against it; its committee is not.
    pub(crate) fn conclude_unanswered(id: H256, trial: &TrialOf<T>, parameters: &ChainParameters) {
        let Some(mut record) = Claims::<T>::get(id) else {
            return;
        };
        let counted = Self::units_of(&record);
        let mut judgement = Judgement::new();
        judgement.take(record.miner.clone(), &mut record.bond);
        if let Some(challenger) = &trial.challenger {
            judgement.right.push(challenger.account.clone());
            Self::unlock(&challenger.account, challenger.bond);
        }
        let outcome = Outcome::Slashed;
        Self::close(id, trial, record, counted, outcome, judgement, parameters);
    }

    /// Seats of the trial that said what was decided win; the others that spoke lose their seat bond, but for those that
    /// lacked the blobs.
    fn judge_seats(seats: &mut Seats<T>, decided: &TrialReport, judgement: &mut JudgementOf<T>) {
        for (account, seat) in seats {
            let Some(report) = seat.report else { continue };
            if report.fingerprint == decided.fingerprint {
                judgement.right.push(account.clone());
            } else if !report.lack {
                judgement.take(account.clone(), &mut seat.bond);
            }
        }
    }

    /// An escalation that upholds a claim takes nothing from anybody: only a jury slashes.
    fn judge_claim(
        level: Level,
        record: &mut Record<T>,
        seats: &mut Seats<T>,
        decided: Option<TrialReport>,
    ) -> JudgementOf<T> {
        let mut judgement = Judgement::new();
        let Some(decided) = decided else {
            return judgement;
        };
        record.finding = Some(Finding::Report(decided.plain));
        if level == Level::Escalation {
            for (account, seat) in seats.iter() {
                let same = |r: TrialReport| r.fingerprint == decided.fingerprint;
                if seat.report.is_some_and(same) {
                    let _ = record.larger.try_push(account.clone());
                }
            }
            return judgement;
        }
        Self::judge_seats(seats, &decided, &mut judgement);
        for (account, seat) in seats.iter_mut() {
            match seat.earlier {
                Some(plain) if plain == decided.plain => {
                    // No more than an escalation has seats; the bound is that of a committee.
                    let _ = record.larger.try_push(account.clone());
                }
                Some(_) => judgement.take(account.clone(), &mut seat.bond),
                None => {}
            }
        }
        if decided.verdict == Verdict::Mismatch {
            judgement.take(record.miner.clone(), &mut record.bond);
        }
        Self::judge_committee(record, &mut judgement);
        judgement
    }

    fn judge_committee(record: &mut Record<T>, judgement: &mut JudgementOf<T>) {
        let words: Vec<(bool, bool)> = record
            .committee
            .iter()
            .map(|s| (record.was_right(s), record.was_wrong(s)))
            .collect();
        for (seat, (right, wrong)) in record.committee.iter_mut().zip(words) {
            if right {
                judgement.right.push(seat.verifier.clone());
            }
            if wrong {
                judgement.take(seat.verifier.clone(), &mut seat.bond);
            }
        }
    }

    fn judge_challenge(
        trial: &TrialOf<T>,
        record: &mut Record<T>,
        seats: &mut Seats<T>,
        decided: Option<TrialReport>,
    ) -> JudgementOf<T> {
        let mut judgement = Judgement::new();
        let challenger = trial.challenger.as_ref();
        let Some(decided) = decided else {
            challenger.inspect(|c| Self::unlock(&c.account, c.bond));
            return judgement;
        };
        Self::judge_seats(seats, &decided, &mut judgement);
        if decided.verdict == Verdict::Match {
            judgement.right.push(record.miner.clone());
            if let Some(challenger) = challenger {
                judgement.take(challenger.account.clone(), &mut { challenger.bond });
            }
            return judgement;
        }
        if let Some(challenger) = challenger {
            judgement.right.push(challenger.account.clone());
            Self::unlock(&challenger.account, challenger.bond);
        }
        judgement.take(record.miner.clone(), &mut record.bond);
        if trial.segments.iter().any(|s| record.audited.contains(s)) {
            record.finding = Some(Finding::Faked);
            // They confirmed the fake; their seats are free since.
            record.larger.clear();
            Self::judge_committee(record, &mut judgement);
        }
        judgement
    }

    /// Carries the judgement out, moves the claim, and takes the trial off the books; `counted` are the claim's units before
    /// it was judged.
    fn close(
        id: H256,
        trial: &TrialOf<T>,
        mut record: Record<T>,
        counted: (u128, u128),
        outcome: Outcome,
        judgement: JudgementOf<T>,
        parameters: &ChainParameters,
    ) {
        Self::carry_out(id, judgement, parameters);
        if outcome == Outcome::Slashed && Self::earns_credits(record.claim.round) {
            Self::revoke_credits(&record.miner);
        }
        if let Some(mut round) = Rounds::<T>::get(record.claim.round) {
            round.trials = round.trials.saturating_sub(1);
            match trial.level {
                Level::Challenge => {
                    Self::settle_challenge(&mut round, id, &mut record, counted, outcome);
                }
                level => {
                    if level == Level::Escalation {
                        Self::one_escalation_less(&mut round);
                    }
                    Self::settle_claim(&mut round, &mut record, outcome);
                }
            }
            Rounds::<T>::insert(record.claim.round, round);
        }
        Self::deposit_event(Event::ClaimMoved {
            claim: id,
            state: record.state,
        });
        Claims::<T>::insert(id, record);
        Trials::<T>::remove(id);
        ActiveTrials::<T>::mutate(|active| active.retain(|a| *a != id));
    }

    fn settle_claim(round: &mut RoundOf<T>, record: &mut Record<T>, outcome: Outcome) {
        let event = match outcome {
            Outcome::Upheld => ClaimEvent::Accept,
            Outcome::Slashed => ClaimEvent::Slash,
            Outcome::Lacking | Outcome::Hung | Outcome::Jury => ClaimEvent::Void,
        };
        Self::move_claim(record, event);
        round.accepted = round
            .accepted
            .saturating_add(u32::from(record.state.accepted()));
        Self::count_units(round, record);
    }

    /// Back to what the claim was, or felled: then its units are taken out of a round that is not paid yet, and its
    /// receipts out of one that is.
    fn settle_challenge(
        round: &mut RoundOf<T>,
        id: H256,
        record: &mut Record<T>,
        counted: (u128, u128),
        outcome: Outcome,
    ) {
        let felled = match outcome {
            Outcome::Slashed => Some(ClaimEvent::Slash),
            Outcome::Lacking => Some(ClaimEvent::Void),
            Outcome::Upheld | Outcome::Hung | Outcome::Jury => None,
        };
        let Some(felled) = felled else {
            let event = if record.reverted {
                ClaimEvent::Revert
            } else if record.merged {
                ClaimEvent::Merge
            } else {
                ClaimEvent::Accept
            };
            Self::move_claim(record, event);
            return;
        };
        if round.pay.is_none() {
            Self::uncount_units(round, counted);
            round.accepted = round.accepted.saturating_sub(1);
        }
        Self::move_claim(record, felled);
        Self::drop_residual(id, record);
        if round.pay.is_none() {
            Self::count_units(round, record);
        } else {
            Self::cancel_receipts(round, record);
        }
    }

    /// Cancels the receipts of a slashed or excluded claim but those of verifiers that were right.
    pub(crate) fn cancel_receipts(round: &mut RoundOf<T>, record: &mut Record<T>) {
        let earned = |receipt: &Receipt<T::AccountId>| {
            let seat = record
                .committee
                .iter()
                .find(|s| s.verifier == receipt.account);
            let right = record.larger.contains(&receipt.account)
                || seat.is_some_and(|s| record.was_right(s));
            receipt.role == Role::Verifier && right
        };
        let keep: Vec<bool> = record.receipts.iter().map(earned).collect();
        let mut cancelled: Balance = 0;
        let mut keep = keep.into_iter();
        record.receipts.retain(|receipt| {
            let kept = keep.next().unwrap_or(false);
            if !kept {
                cancelled = cancelled.saturating_add(receipt.amount);
            }
            kept
        });
        Exposure::<T>::mutate_exists(record.claim.profile, |e| {
            *e = e.map(|e| e.saturating_sub(cancelled)).filter(|e| *e > 0);
        });
        if round.phase == Phase::Paying {
            // What no receipt says goes back to the cap when the shares are minted.
            round.receipted = round.receipted.saturating_sub(cancelled);
        } else {
            Self::free_pay(round.id, cancelled);
        }
    }
}
