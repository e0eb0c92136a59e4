// SPDX-License-Identifier: GPL-3.0-or-later
//! Scoring of a merge on a held-out shard.

use crate::{
    Candidates, Config, Error, Event, Pallet, PostedHeaders, PostedTables, Rounds, Scores,
    SeedWindow, SeedWindows, Terms, Valuations,
};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use codec::Encode;
use dream_primitives::cid::Cid;
use dream_primitives::claim::RoundId;
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::math::{mul_div, to_u32, to_usize};
use dream_primitives::params::ChainParameters;
use dream_primitives::registry::DataRegistry;
use dream_primitives::round::{Phase, Round};
use dream_primitives::value::{
    score_units, ScoreRecord, ScoreReport, ScoreSeat, ScoreStage, Valuation,
};
use dream_primitives::{draw, Balance, BlockNumber, BoundedVec, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type ValuationOf<T> = Valuation<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// Starts to score a merge that stands, if a shard waits for the branch. The verifiers are frozen before the seed
    /// that draws the scorers can be known.
    pub(crate) fn begin_valuation(
        round: &RoundOf<T>,
        now: BlockNumber,
        parameters: &ChainParameters,
    ) -> bool {
        // A replay makes an old merge again: what it is worth was scored then.
        if round.replays.is_some() {
            return false;
        }
        let window = Terms::<T>::get(round.id).and_then(|t| t.recipe.context.checked_add(1));
        let Some(shard) = window.and_then(|w| T::Data::take_shard(round.id.branch, w)) else {
            return false;
        };
        Self::freeze_candidates(round);
        SeedWindows::<T>::insert(round.id, SeedWindow::new(parameters.round.seed_blocks));
        let valuation = Valuation {
            shard,
            cid: None,
            opened: now,
            stage: ScoreStage::Opening,
            deadline: now.saturating_add(parameters.round.response_blocks),
            seats: BoundedVec::new(),
            settled: None,
        };
        Valuations::<T>::insert(round.id, valuation);
        true
    }

    /// Moves a valuation by one block; whether it is over.
    pub(crate) fn step_valuation(
        round: &mut RoundOf<T>,
        now: BlockNumber,
        parameters: &ChainParameters,
    ) -> bool {
        let Some(mut valuation) = Valuations::<T>::get(round.id) else {
            return true;
        };
        let late = now >= valuation.deadline;
        match valuation.stage {
            ScoreStage::Opening => match Self::gather(round.id, parameters) {
                // The seed is complete: the seats are filled once, whether or not the shard is open yet.
                Some(mixed) => Self::seat_scorers(round, &mut valuation, &mixed, parameters),
                None if SeedWindows::<T>::contains_key(round.id) => {}
                None if valuation.seats.is_empty() => valuation.stage = ScoreStage::Done,
                None if valuation.cid.is_some() => {
                    valuation.stage = ScoreStage::Commitment;
                    valuation.deadline = now.saturating_add(parameters.round.commit_blocks);
                }
                None if late => valuation.stage = ScoreStage::Done,
                None => {}
            },
            ScoreStage::Commitment => {
                if late || valuation.seats.iter().all(|s| s.commitment.is_some()) {
                    valuation.stage = ScoreStage::Reveal;
                    valuation.deadline = now.saturating_add(parameters.round.reveal_blocks);
                }
            }
            ScoreStage::Reveal => {
                let waiting =
                    |s: &ScoreSeat<T::AccountId>| s.commitment.is_some() && s.report.is_none();
                if late || !valuation.seats.iter().any(waiting) {
                    Self::settle_score(round, &mut valuation, parameters);
                }
            }
            ScoreStage::Done => {}
        }
        let over = valuation.stage == ScoreStage::Done;
        if over {
            Candidates::<T>::remove(round.id);
        }
        Valuations::<T>::insert(round.id, valuation);
        over
    }

    /// Draws the scorers among the verifiers of the profile that has the largest bond.
    fn seat_scorers(
        round: &RoundOf<T>,
        valuation: &mut ValuationOf<T>,
        mixed: &H256,
        parameters: &ChainParameters,
    ) {
        let candidates = Candidates::<T>::take(round.id);
        let seat_bond = parameters.bonds.seat;
        let mut profiles: BTreeMap<H256, Balance> = BTreeMap::new();
        for candidate in candidates.iter().filter(|c| c.free >= seat_bond) {
            let bond = profiles.entry(candidate.leaf).or_default();
            *bond = bond.saturating_add(candidate.bond);
        }
        let Some((leaf, _)) = profiles
            .into_iter()
            .max_by_key(|(leaf, bond)| (*bond, *leaf))
        else {
            return;
        };
        let able: Vec<Balance> = candidates
            .iter()
            .map(|c| {
                if c.leaf == leaf && c.free >= seat_bond {
                    c.bond
                } else {
                    0
                }
            })
            .collect();
        let genesis = Self::genesis();
        let purpose = hash(Domain::Score, &genesis, &[&round.id.encode()]);
        let size = parameters.audit.committee;
        let drawn = draw::committee(&genesis, mixed, &purpose, &able, size);
        if to_u32(drawn.len()) < u32::from(size) {
            return;
        }
        let accounts = drawn
            .into_iter()
            .filter_map(|index| candidates.get(to_usize(index)))
            .map(|c| c.account.clone());
        for scorer in accounts {
            // Who spent its free bond since keeps its seat, with what bond it has left: a panel must not shrink to those
            // that stay.
            let bond = Self::lock_up_to(&scorer, seat_bond);
            // `check` keeps the committee within its bound.
            let _ = valuation.seats.try_push(ScoreSeat {
                scorer,
                bond,
                commitment: None,
                report: None,
                reward: 0,
            });
        }
    }

    fn settle_score(
        round: &mut RoundOf<T>,
        valuation: &mut ValuationOf<T>,
        parameters: &ChainParameters,
    ) {
        valuation.stage = ScoreStage::Done;
        valuation.settled = valuation.common();
        let version = round.merge.as_ref().map(|m| m.version).unwrap_or_default();
        let units = Self::units_of_score(round.id, valuation);
        for seat in &mut valuation.seats {
            // Where two thirds did not agree, the shard itself may not have been to be had.
            if seat.report.is_none() && valuation.settled.is_some() {
                let lost = parameters.bonds.silence.min(seat.bond);
                let burned = Self::burn_locked(&seat.scorer, version, lost);
                seat.bond = seat.bond.saturating_sub(burned);
            } else if seat.report.is_some() && seat.report == valuation.settled {
                round.audit_units = round.audit_units.saturating_add(units);
            }
        }
    }

    fn units_of_score(round: RoundId, valuation: &ValuationOf<T>) -> u128 {
        Terms::<T>::get(round).map_or(0, |terms| {
            score_units(
                valuation.shard.samples,
                terms.recipe.context,
                terms.funding.units_per_token(),
            )
        })
    }

    /// Ends a valuation: a version that is worse than its parent by more than the margin does not become the head. Its
    /// claims are paid all the same.
    pub(crate) fn conclude_valuation(round: &mut RoundOf<T>, parameters: &ChainParameters) {
        let settled = Valuations::<T>::get(round.id)
            .and_then(|v| v.settled.map(|report| (report, v.shard.samples)));
        let Some(merge) = round.merge.as_ref() else {
            return;
        };
        let version = merge.version;
        let worse = settled
            .is_some_and(|(report, samples)| report.worse(samples, parameters.audit.value_margin));
        let promoted = !worse && Self::may_advance(round);
        if let Some((report, samples)) = settled {
            let record = ScoreRecord {
                round: round.id.number,
                version,
                report,
                samples,
                promoted,
            };
            Scores::<T>::mutate(round.id.branch, |all| {
                if all.is_full() && !all.is_empty() {
                    all.remove(0);
                }
                // There is room: the oldest was taken out.
                let _ = all.try_push(record);
            });
            Self::deposit_event(Event::Scored {
                round: round.id,
                version,
                report,
                promoted,
            });
        }
        if promoted {
            Self::promote(round);
        } else {
            PostedHeaders::<T>::remove(round.id);
            PostedTables::<T>::remove(round.id);
            Self::release_merge_bond(round);
            round.merge = None;
        }
    }

    /// Sets the scorers' rewards aside once the round's pay is fixed.
    pub(crate) fn reward_scorers(round: &mut RoundOf<T>) {
        let Some(pay) = round.pay else { return };
        Valuations::<T>::mutate(round.id, |slot| {
            let Some(valuation) = slot else { return };
            let units = Self::units_of_score(round.id, valuation);
            let amount = mul_div(pay.verifiers, units, round.audit_units).unwrap_or(0);
            let settled = valuation.settled;
            let right =
                |s: &&mut ScoreSeat<T::AccountId>| s.report.is_some() && s.report == settled;
            for seat in valuation.seats.iter_mut().filter(right) {
                seat.reward = amount;
                round.receipted = round.receipted.saturating_add(amount);
                Self::deposit_event(Event::ScorerRewarded {
                    round: round.id,
                    account: seat.scorer.clone(),
                    amount,
                });
            }
        });
    }

    /// Pays the scorers out and frees their bonds.
    pub(crate) fn pay_scorers(id: RoundId) {
        Valuations::<T>::mutate(id, |slot| {
            let Some(valuation) = slot else { return };
            for seat in &mut valuation.seats {
                Self::pay_set_aside(id, &seat.scorer, seat.reward);
                Self::unlock(&seat.scorer, seat.bond);
                (seat.reward, seat.bond) = (0, 0);
            }
        });
    }

    fn valuation_in(id: RoundId, stage: ScoreStage) -> Result<ValuationOf<T>, Error<T>> {
        let round = Rounds::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        ensure!(round.phase == Phase::Valuation, Error::<T>::WrongPhase);
        let valuation = Valuations::<T>::get(id).ok_or(Error::<T>::WrongPhase)?;
        ensure!(valuation.stage == stage, Error::<T>::WrongPhase);
        Ok(valuation)
    }

    pub(crate) fn do_open_shard(steward: T::AccountId, id: RoundId, cid: Cid) -> DispatchResult {
        let mut valuation = Self::valuation_in(id, ScoreStage::Opening)?;
        ensure!(
            valuation.shard.steward == steward,
            Error::<T>::NotTheSteward
        );
        ensure!(valuation.cid.is_none(), Error::<T>::AlreadyDone);
        valuation.cid = Some(cid);
        Valuations::<T>::insert(id, valuation);
        Self::deposit_event(Event::ShardOpened { round: id, cid });
        Ok(())
    }

    pub(crate) fn do_commit_score(
        scorer: T::AccountId,
        id: RoundId,
        commitment: H256,
    ) -> DispatchResult {
        let mut valuation = Self::valuation_in(id, ScoreStage::Commitment)?;
        let seat = Self::score_seat(&mut valuation, &scorer)?;
        ensure!(seat.commitment.is_none(), Error::<T>::AlreadyDone);
        seat.commitment = Some(commitment);
        Valuations::<T>::insert(id, valuation);
        Ok(())
    }

    pub(crate) fn do_reveal_score(
        scorer: T::AccountId,
        id: RoundId,
        report: ScoreReport,
        salt: H256,
    ) -> DispatchResult {
        let mut valuation = Self::valuation_in(id, ScoreStage::Reveal)?;
        let expected = report.commitment(&Self::genesis(), &Self::raw(&scorer), &id, &salt);
        let seat = Self::score_seat(&mut valuation, &scorer)?;
        ensure!(seat.report.is_none(), Error::<T>::AlreadyDone);
        let commitment = seat.commitment.ok_or(Error::<T>::NotCommitted)?;
        ensure!(commitment == expected, Error::<T>::RevealMismatch);
        seat.report = Some(report);
        Valuations::<T>::insert(id, valuation);
        Ok(())
    }

    fn score_seat<'a>(
        valuation: &'a mut ValuationOf<T>,
        scorer: &T::AccountId,
    ) -> Result<&'a mut ScoreSeat<T::AccountId>, Error<T>> {
        let seat = valuation.seats.iter_mut().find(|s| s.scorer == *scorer);
        seat.ok_or(Error::<T>::NotInCommittee)
    }

    /// A branch's improvement record, oldest first.
    pub fn scores(branch: dream_primitives::BranchId) -> Vec<ScoreRecord> {
        Scores::<T>::get(branch).into_inner()
    }
}
