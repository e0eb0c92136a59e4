// SPDX-License-Identifier: GPL-3.0-or-later
//! Open challenges: any bonded account may have any segment of a claim judged until its rewards begin to vest.

use crate::{ActiveRounds, ActiveTrials, Claims, Config, Error, Event, Pallet, Rounds, Trials};
use dream_primitives::claim::{SegmentOpening, SegmentResult, StartState};
use dream_primitives::math::to_u32;
use dream_primitives::round::{ClaimEvent, ClaimState, OpenedStart, Phase, Round};
use dream_primitives::trial::{Challenger, Level, Stage, Trial, MAX_CHALLENGES, MAX_TRIALS};
use dream_primitives::{BoundedVec, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::Get;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// Whether the round's claims may be challenged: from their verdict on, until they are about to vest.
    fn challengeable(round: &RoundOf<T>) -> bool {
        let open = match round.phase {
            Phase::Merging | Phase::Dispute | Phase::Valuation | Phase::Paying => true,
            Phase::Vesting => {
                Self::now() < round.deadline && !ActiveRounds::<T>::get().contains(&round.id)
            }
            _ => false,
        };
        open && round.cursor.is_none()
    }

    pub(crate) fn do_challenge(
        challenger: T::AccountId,
        claim_id: H256,
        segment: u16,
    ) -> DispatchResult {
        let mut record = Claims::<T>::get(claim_id).ok_or(Error::<T>::UnknownClaim)?;
        let id = record.claim.round;
        let mut round = Rounds::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        ensure!(Self::challengeable(&round), Error::<T>::WrongPhase);
        // A revert takes a claim out of the model, not out of the reach of a jury.
        let judged = matches!(
            record.state,
            ClaimState::Accepted | ClaimState::Merged | ClaimState::Reverted
        );
        ensure!(judged && !record.was_felled(), Error::<T>::WrongClaimState);
        ensure!(segment < record.claim.segments, Error::<T>::BadSegments);
        let earlier = record.challenges();
        ensure!(earlier < MAX_CHALLENGES, Error::<T>::TooManyChallenges);
        // The other half is kept for claims whose committees came to no verdict.
        let active = to_u32(ActiveTrials::<T>::decode_len().unwrap_or(0));
        ensure!(active < MAX_TRIALS / 2, Error::<T>::TooManyTrials);
        let parameters = T::Parameters::get();
        // Doubled each time: or a miner would use the challenges up itself, cheaply, on segments that it did not fake.
        let bond = (0..earlier).fold(parameters.bonds.challenge, |b, _| b.saturating_mul(2));
        Self::lock(&challenger, bond)?;

        let now = Self::now();
        let trial = Trial {
            level: Level::Challenge,
            stage: Stage::Opening,
            opened: now,
            deadline: now.saturating_add(parameters.round.response_blocks),
            segments: BoundedVec::truncate_from(alloc::vec![segment]),
            start: None,
            end: None,
            step: None,
            seats: 0,
            weight: 0,
            awaiting: 1,
            challenger: Some(Challenger {
                account: challenger.clone(),
                bond,
            }),
        };
        Self::open_trial(&mut round, claim_id, trial)?;
        Self::move_claim(&mut record, ClaimEvent::Challenge).ok_or(Error::<T>::WrongClaimState)?;
        Rounds::<T>::insert(id, round);
        Claims::<T>::insert(claim_id, record);
        Self::deposit_event(Event::Challenged {
            claim: claim_id,
            challenger,
            segment,
        });
        Ok(())
    }

    pub(crate) fn do_open_challenged(
        miner: T::AccountId,
        claim_id: H256,
        start: StartState,
        end: SegmentOpening,
    ) -> DispatchResult {
        let record = Claims::<T>::get(claim_id).ok_or(Error::<T>::UnknownClaim)?;
        let mut trial = Trials::<T>::get(claim_id).ok_or(Error::<T>::NoTrial)?;
        ensure!(trial.stage == Stage::Opening, Error::<T>::WrongStage);
        ensure!(record.miner == miner, Error::<T>::NotTheMiner);
        ensure!(trial.end.is_none(), Error::<T>::AlreadyDone);
        let challenged = trial.segments.as_slice();
        let named = challenged == [start.segment] && challenged == [end.segment];
        ensure!(named, Error::<T>::WrongSegments);
        let proved = Self::state_proved(
            &record,
            u32::from(start.segment),
            &start.state,
            &start.proof,
        ) && Self::end_proved(&record, &end);
        ensure!(proved, Error::<T>::BadProof);
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
        trial.awaiting = 0;
        Trials::<T>::insert(claim_id, trial);
        Self::deposit_event(Event::ChallengeAnswered { claim: claim_id });
        Ok(())
    }
}
