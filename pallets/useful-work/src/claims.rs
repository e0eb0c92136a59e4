// SPDX-License-Identifier: GPL-3.0-or-later
//! What miners and verifiers do with a claim, phase by phase.

use crate::{
    Bonds, ClaimOf, Claims, Config, Error, Event, Pallet, Profiles, Residuals, RoundClaims, Rounds,
    Terms,
};
use dream_primitives::claim::{
    digest_leaf, state_leaf, Availability, Claim, ReplayReport, RoundId, SegmentOpening,
    SegmentResult, StartState, TraceProof, Verdict,
};
use dream_primitives::draw::MAX_AUDITED;
use dream_primitives::hashing::Domain;
use dream_primitives::math::to_u32;
use dream_primitives::round::{
    ClaimEvent, ClaimRecord, ClaimState, HistoryEntry, OpenedStart, Phase, Round, Seat,
};
use dream_primitives::{feedback, merkle, BoundedVec, ConstU32, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::Get;

type Record<T> = ClaimRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// The round, if it is in `phase` and not at the phase's end.
    pub(crate) fn round_in(id: RoundId, phase: Phase) -> Result<RoundOf<T>, Error<T>> {
        let round = Rounds::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        ensure!(
            round.phase == phase && round.cursor.is_none(),
            Error::<T>::WrongPhase
        );
        Ok(round)
    }

    /// Moves a claim by the table and writes its history; `None` when the table has no such transition.
    pub(crate) fn move_claim(record: &mut Record<T>, event: ClaimEvent) -> Option<ClaimState> {
        let state = record.state.next(event)?;
        record.state = state;
        // The history holds the longest path through the table (a test of the primitives).
        let _ = record.history.try_push(HistoryEntry {
            block: Self::now(),
            state,
        });
        Some(state)
    }

    /// Loads a claim for one act of its phase, runs `act`, stores it and counts the act.
    pub(crate) fn act(
        claim_id: H256,
        phase: Phase,
        state: ClaimState,
        act: impl FnOnce(&RoundOf<T>, &mut Record<T>) -> Result<(), Error<T>>,
    ) -> DispatchResult {
        let awaited =
            |round: &RoundOf<T>, record: &mut Record<T>| act(round, record).map(|()| true);
        Self::act_counted(claim_id, phase, state, awaited)
    }

    /// As [`Self::act`], for an act that says whether the phase waited for it.
    fn act_counted(
        claim_id: H256,
        phase: Phase,
        state: ClaimState,
        act: impl FnOnce(&RoundOf<T>, &mut Record<T>) -> Result<bool, Error<T>>,
    ) -> DispatchResult {
        let mut record = Claims::<T>::get(claim_id).ok_or(Error::<T>::UnknownClaim)?;
        let mut round = Self::round_in(record.claim.round, phase)?;
        ensure!(record.state == state, Error::<T>::WrongClaimState);
        let awaited = act(&round, &mut record)?;
        round.awaiting = round.awaiting.saturating_sub(u32::from(awaited));
        Rounds::<T>::insert(record.claim.round, round);
        Claims::<T>::insert(claim_id, record);
        Ok(())
    }

    fn seat<'a>(
        record: &'a mut Record<T>,
        verifier: &T::AccountId,
    ) -> Result<&'a mut Seat<T::AccountId>, Error<T>> {
        record
            .committee
            .iter_mut()
            .find(|s| s.verifier == *verifier)
            .ok_or(Error::<T>::NotInCommittee)
    }

    /// A newcomer's claim uses its slot instead of a bond and a profile of the account.
    pub(crate) fn do_submit_claim(
        miner: T::AccountId,
        claim: Claim,
        newcomer: bool,
    ) -> DispatchResult {
        let id = claim.round;
        let mut round = Self::round_in(id, Phase::Training)?;
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let parameters = T::Parameters::get();
        ensure!(claim.base == round.base, Error::<T>::WrongBase);
        ensure!(
            !ClaimOf::<T>::contains_key(id, &miner),
            Error::<T>::SecondClaim
        );
        let reserved = if newcomer {
            0
        } else {
            Self::reserved_slots(id)
        };
        let most = to_u32(terms.recipe.rule.max_claims()).min(parameters.round.max_claims);
        ensure!(
            round.claims.saturating_add(reserved) < most,
            Error::<T>::RoundFull
        );
        let audited = Self::audited_segments(&parameters, newcomer);
        let enough = claim.segments >= audited.min(terms.recipe.segments).max(1);
        ensure!(
            enough && claim.segments <= terms.recipe.segments,
            Error::<T>::BadSegments
        );
        let carried = Residuals::<T>::get(id.branch, &miner);
        ensure!(
            feedback::continues(&claim, terms.recipe.has_feedback(), carried.as_ref()),
            Error::<T>::BadResidual
        );
        let (bond, secret) = if newcomer {
            (0, Self::use_slot(&miner, &claim)?)
        } else {
            let profile = Profiles::<T>::get(id.branch, &miner).ok_or(Error::<T>::WrongProfile)?;
            ensure!(profile.leaf == claim.profile, Error::<T>::WrongProfile);
            ensure!(profile.since < round.opened, Error::<T>::ProfileTooYoung);
            let admitted = Self::profile_admitted(&profile.leaf);
            ensure!(admitted, Error::<T>::ProfileNotAdmitted);
            let bond = Bonds::<T>::get(&miner).ok_or(Error::<T>::BondTooSmall)?;
            ensure!(
                bond.free() >= parameters.bonds.claim,
                Error::<T>::BondTooSmall
            );
            ensure!(
                bond.free_in(round.opened) >= parameters.bonds.claim,
                Error::<T>::BondTooYoung
            );
            Self::lock(&miner, parameters.bonds.claim)?;
            (parameters.bonds.claim, profile.secret)
        };

        let claim_id = claim.id(&Self::genesis(), &Self::raw(&miner));
        RoundClaims::<T>::try_append(id, claim_id).map_err(|_| Error::<T>::RoundFull)?;
        ClaimOf::<T>::insert(id, &miner, claim_id);
        round.claims = round.claims.saturating_add(1);
        round.awaiting = round.awaiting.saturating_sub(1);
        Rounds::<T>::insert(id, round);
        let segments = claim.segments;
        let mut record = ClaimRecord {
            claim,
            miner: miner.clone(),
            state: ClaimState::Claimed,
            bond,
            audited: BoundedVec::new(),
            initial_state: None,
            starts: BoundedVec::new(),
            ends: BoundedVec::new(),
            committee: BoundedVec::new(),
            history: BoundedVec::new(),
            receipts: BoundedVec::new(),
            secret,
            flag: None,
            finding: None,
            larger: BoundedVec::new(),
            merged: false,
            newcomer,
            reverted: false,
        };
        let _ = record.history.try_push(HistoryEntry {
            block: Self::now(),
            state: ClaimState::Claimed,
        });
        Claims::<T>::insert(claim_id, record);
        Self::deposit_event(Event::Claimed {
            round: id,
            claim: claim_id,
            miner,
            segments,
        });
        Ok(())
    }

    pub(crate) fn do_open_start_states(
        miner: T::AccountId,
        claim_id: H256,
        initial_state: H256,
        initial_proof: TraceProof,
        starts: BoundedVec<StartState, ConstU32<MAX_AUDITED>>,
    ) -> DispatchResult {
        Self::act(claim_id, Phase::Opening, ClaimState::Drawn, |_, record| {
            ensure!(record.miner == miner, Error::<T>::NotTheMiner);
            ensure!(
                starts
                    .iter()
                    .map(|s| s.segment)
                    .eq(record.audited.iter().copied()),
                Error::<T>::WrongSegments
            );
            ensure!(
                Self::state_proved(record, 0, &initial_state, &initial_proof),
                Error::<T>::BadProof
            );
            let proved = |s: &StartState| {
                Self::state_proved(record, u32::from(s.segment), &s.state, &s.proof)
            };
            ensure!(starts.iter().all(proved), Error::<T>::BadProof);
            record.initial_state = Some(initial_state);
            let opened = starts.iter().map(|s| OpenedStart {
                segment: s.segment,
                state: s.state,
                cid: s.cid,
            });
            record.starts = BoundedVec::truncate_from(opened.collect());
            Self::move_claim(record, ClaimEvent::Open).ok_or(Error::<T>::WrongClaimState)?;
            Ok(())
        })?;
        Self::deposit_event(Event::StartStatesOpened { claim: claim_id });
        Ok(())
    }

    /// Whether `state` is leaf `index` of the claim's `states_root` (segments + 1 leaves).
    pub(crate) fn state_proved(
        record: &Record<T>,
        index: u32,
        state: &H256,
        proof: &[H256],
    ) -> bool {
        let count = u32::from(record.claim.segments).saturating_add(1);
        let root = &record.claim.states_root;
        merkle::verify(
            Domain::TrainingStates,
            root,
            count,
            index,
            &state_leaf(state),
            proof,
        )
    }

    /// Whether an opening's end state and salted digest are the claim's.
    pub(crate) fn end_proved(record: &Record<T>, o: &SegmentOpening) -> bool {
        let index = u32::from(o.segment);
        let leaf = digest_leaf(&Self::genesis(), &o.digest, &o.salt);
        let count = u32::from(record.claim.segments);
        let root = &record.claim.digests_root;
        merkle::verify(Domain::Digests, root, count, index, &leaf, &o.digest_proof)
            && Self::state_proved(
                record,
                index.saturating_add(1),
                &o.end_state,
                &o.state_proof,
            )
    }

    pub(crate) fn do_vote_availability(
        verifier: T::AccountId,
        claim_id: H256,
        availability: Availability,
    ) -> DispatchResult {
        Self::act(
            claim_id,
            Phase::Availability,
            ClaimState::Opened,
            |_, record| {
                let seat = Self::seat(record, &verifier)?;
                ensure!(seat.availability.is_none(), Error::<T>::AlreadyDone);
                seat.availability = Some(availability);
                Ok(())
            },
        )?;
        Self::deposit_event(Event::AvailabilityVoted {
            claim: claim_id,
            verifier,
            availability,
        });
        Ok(())
    }

    pub(crate) fn do_commit_replay(
        verifier: T::AccountId,
        claim_id: H256,
        commitment: H256,
    ) -> DispatchResult {
        Self::act_counted(
            claim_id,
            Phase::Commitment,
            ClaimState::Available,
            |_, record| {
                let seat = Self::seat(record, &verifier)?;
                ensure!(seat.commitment.is_none(), Error::<T>::AlreadyDone);
                seat.commitment = Some(commitment);
                // Nobody waits for a seat that lacked the blobs: counted, it would end the phase before another's turn.
                Ok(seat.availability != Some(Availability::Lack))
            },
        )?;
        Self::deposit_event(Event::ReplayCommitted {
            claim: claim_id,
            verifier,
        });
        Ok(())
    }

    pub(crate) fn do_open_digests(
        miner: T::AccountId,
        claim_id: H256,
        openings: BoundedVec<SegmentOpening, ConstU32<MAX_AUDITED>>,
    ) -> DispatchResult {
        Self::act(
            claim_id,
            Phase::DigestOpening,
            ClaimState::Committed,
            |_, record| {
                ensure!(record.miner == miner, Error::<T>::NotTheMiner);
                let segments = openings.iter().map(|o| o.segment);
                ensure!(
                    segments.eq(record.audited.iter().copied()),
                    Error::<T>::WrongSegments
                );
                let proved = |o: &SegmentOpening| Self::end_proved(record, o);
                ensure!(openings.iter().all(proved), Error::<T>::BadProof);
                let ends = openings.iter().map(|o| SegmentResult {
                    segment: o.segment,
                    end_state: o.end_state,
                    digest: o.digest,
                });
                record.ends = BoundedVec::truncate_from(ends.collect());
                Self::move_claim(record, ClaimEvent::Open).ok_or(Error::<T>::WrongClaimState)?;
                Ok(())
            },
        )?;
        Self::deposit_event(Event::DigestsOpened { claim: claim_id });
        Ok(())
    }

    pub(crate) fn do_reveal_replay(
        verifier: T::AccountId,
        claim_id: H256,
        report: ReplayReport,
        salt: H256,
    ) -> DispatchResult {
        let expected = report.commitment(&Self::genesis(), &Self::raw(&verifier), &claim_id, &salt);
        let fingerprint = report.fingerprint(&Self::genesis(), &claim_id);
        let mut verdict = Verdict::Mismatch;
        Self::act(
            claim_id,
            Phase::Reveal,
            ClaimState::Revealed,
            |_, record| {
                let same = record.says(&record.ends, &report) && report.step_state.is_none();
                let trained = record.trained_as(&report);
                verdict = if same {
                    Verdict::Match
                } else {
                    Verdict::Mismatch
                };
                let seat = Self::seat(record, &verifier)?;
                ensure!(seat.verdict.is_none(), Error::<T>::AlreadyDone);
                let commitment = seat.commitment.ok_or(Error::<T>::NotCommitted)?;
                ensure!(commitment == expected, Error::<T>::RevealMismatch);
                seat.verdict = Some(verdict);
                seat.report = Some(fingerprint);
                seat.trained = trained;
                Ok(())
            },
        )?;
        Self::deposit_event(Event::ReplayRevealed {
            claim: claim_id,
            verifier,
            verdict,
        });
        Ok(())
    }
}
