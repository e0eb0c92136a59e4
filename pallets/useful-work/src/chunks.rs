// SPDX-License-Identifier: GPL-3.0-or-later
//! Demands for chunks of accepted deltas: whoever wants to merge or to dispute and cannot have a delta from its miner puts
//! the chunk on chain at its own cost, or the claim out of the merge.

use crate::{
    Claims, Config, CurrentRound, Demands, Error, Event, HoldReason, Pallet, Rounds, Terms,
};
use codec::Encode;
use dream_primitives::claim::RoundId;
use dream_primitives::dispute::{verify_delta_chunk, DeltaOpening};
use dream_primitives::game::{Demand, MAX_CHUNK_BYTES};
use dream_primitives::manifest::chunks_of;
use dream_primitives::math::to_u128;
use dream_primitives::params::ChainParameters;
use dream_primitives::registry::SetAside;
use dream_primitives::round::{ClaimEvent, ClaimRecord, ClaimState, HistoryEntry, Phase, Round};
use dream_primitives::{Balance, BlockNumber, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::MutateHold;
use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision, Restriction};
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::sp_runtime::TokenError;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type Record<T> = ClaimRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type DemandOf<T> = Demand<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// The round that is about to merge a claim: its own, or a replay of it.
    fn merging_round(record: &Record<T>) -> Result<RoundOf<T>, Error<T>> {
        let of = record.claim.round;
        let number = CurrentRound::<T>::get(of.branch).ok_or(Error::<T>::UnknownRound)?;
        let round = Rounds::<T>::get(RoundId { number, ..of }).ok_or(Error::<T>::UnknownRound)?;
        let merging = matches!(round.phase, Phase::Merging | Phase::Dispute);
        let its = round.source() == of && round.cursor.is_none();
        ensure!(merging && its, Error::<T>::WrongPhase);
        Ok(round)
    }

    /// Parameters of the model that a round trains.
    fn parameters_of(round: RoundId) -> Result<u64, Error<T>> {
        let terms = Terms::<T>::get(round).ok_or(Error::<T>::UnknownRound)?;
        let parameters = terms.architecture.parameters();
        parameters.ok_or(Error::<T>::NoSuchChunk)
    }

    pub(crate) fn do_demand_chunk(
        demander: T::AccountId,
        claim: H256,
        chunk: u32,
    ) -> DispatchResult {
        let record = Claims::<T>::get(claim).ok_or(Error::<T>::UnknownClaim)?;
        let mut round = Self::merging_round(&record)?;
        let now = Self::now();
        ensure!(now < round.deadline, Error::<T>::WindowClosed);
        let merged = record.contributes(round.replays.is_some());
        ensure!(merged, Error::<T>::WrongClaimState);
        let chunks = chunks_of(Self::parameters_of(round.id)?);
        ensure!(chunk < chunks.unwrap_or(0), Error::<T>::NoSuchChunk);
        let p = T::Parameters::get();
        let held = p
            .bonds
            .chunk_byte
            .saturating_mul(Balance::from(MAX_CHUNK_BYTES));
        let demand = Demand {
            claim,
            chunk,
            demander: demander.clone(),
            held,
            deadline: now.saturating_add(p.round.response_blocks),
        };
        Demands::<T>::try_mutate(round.id, |all| {
            let open = all.iter().any(|d| d.claim == claim && d.chunk == chunk);
            ensure!(!open, Error::<T>::DemandOpen);
            all.try_push(demand).map_err(|_| Error::<T>::TooManyDemands)
        })?;
        // Paid in spite of freezes: what a vote froze would get out.
        ensure!(
            T::SetAside::may_set_aside(&demander, held),
            TokenError::Frozen
        );
        T::Currency::hold(&HoldReason::Demand.into(), &demander, held)?;
        round.disputes = round.disputes.saturating_add(1);
        Self::deposit_event(Event::ChunkDemanded {
            round: round.id,
            claim,
            chunk,
            demander,
        });
        Rounds::<T>::insert(round.id, round);
        Ok(())
    }

    /// The chunk is in the block's body from now on; its supplier is paid by its size.
    pub(crate) fn do_supply_chunk(
        supplier: T::AccountId,
        claim: H256,
        chunk: u32,
        opening: DeltaOpening,
    ) -> DispatchResult {
        let record = Claims::<T>::get(claim).ok_or(Error::<T>::UnknownClaim)?;
        let mut round = Self::merging_round(&record)?;
        let demand = Demands::<T>::get(round.id)
            .into_iter()
            .find(|d| d.claim == claim && d.chunk == chunk)
            .ok_or(Error::<T>::NoDemand)?;
        let parameters = Self::parameters_of(round.id)?;
        verify_delta_chunk(parameters, &record.claim.delta_root, chunk, &opening)
            .map_err(Error::<T>::from)?;
        let bytes = to_u128(opening.chunk.encoded_size());
        let price = T::Parameters::get().bonds.chunk_byte.saturating_mul(bytes);
        let price = price.min(demand.held);
        T::Currency::transfer_on_hold(
            &HoldReason::Demand.into(),
            &demand.demander,
            &supplier,
            price,
            Precision::BestEffort,
            Restriction::Free,
            Fortitude::Force,
        )?;
        let rest = DemandOf::<T> {
            held: demand.held.saturating_sub(price),
            ..demand
        };
        Self::close_demand(&mut round, &rest);
        Self::deposit_event(Event::ChunkSupplied {
            claim,
            chunk,
            hash: opening.chunk.leaf().hash,
            supplier,
            price,
        });
        Rounds::<T>::insert(round.id, round);
        Ok(())
    }

    /// Gives back what is still held for a demand and forgets it.
    fn close_demand(round: &mut RoundOf<T>, demand: &DemandOf<T>) {
        // What is held can be released.
        let _ = T::Currency::release(
            &HoldReason::Demand.into(),
            &demand.demander,
            demand.held,
            Precision::BestEffort,
        );
        Demands::<T>::mutate_exists(round.id, |slot| {
            if let Some(all) = slot {
                all.retain(|d| d.claim != demand.claim || d.chunk != demand.chunk);
                if all.is_empty() {
                    *slot = None;
                }
            }
        });
        round.disputes = round.disputes.saturating_sub(1);
    }

    /// Ends a demand that nobody answered; whether the claim leaves the merge, which is to be posted again then. A claim
    /// under challenge waits for the verdict.
    pub(crate) fn end_demand(
        round: &mut RoundOf<T>,
        demand: DemandOf<T>,
        now: BlockNumber,
        p: &ChainParameters,
    ) -> bool {
        let Some(mut record) = Claims::<T>::get(demand.claim) else {
            Self::close_demand(round, &demand);
            return false;
        };
        if record.state == ClaimState::Challenged {
            Demands::<T>::mutate(round.id, |all| {
                let same =
                    |d: &&mut DemandOf<T>| d.claim == demand.claim && d.chunk == demand.chunk;
                if let Some(open) = all.iter_mut().find(same) {
                    open.deadline = now.saturating_add(p.round.response_blocks);
                }
            });
            return false;
        }
        Self::close_demand(round, &demand);
        if !record.contributes(round.replays.is_some()) {
            return false;
        }
        if round.replays.is_none() {
            Self::uncount_units(round, Self::units_of(&record));
            round.accepted = round.accepted.saturating_sub(1);
        }
        Self::move_claim(&mut record, ClaimEvent::Exclude);
        if round.replays.is_none() {
            Self::count_units(round, &record);
        } else {
            Self::cancel_pay(&mut record);
            Self::drop_residual(demand.claim, &record);
        }
        let penalty = p.bonds.availability.min(record.bond);
        let burned = Self::burn_locked(&record.miner, demand.claim, penalty);
        record.bond = record.bond.saturating_sub(burned);
        Claims::<T>::insert(demand.claim, record);
        Self::deposit_event(Event::ClaimMoved {
            claim: demand.claim,
            state: ClaimState::Excluded,
        });
        true
    }

    /// Gives back what is held for the demands that are open on a round: it merges nothing any more.
    pub(crate) fn close_demands(round: &mut RoundOf<T>) {
        for demand in Demands::<T>::get(round.id) {
            Self::close_demand(round, &demand);
        }
    }

    /// Cancels what a miner was to be paid for a delta that it did not keep until it was paid for it.
    fn cancel_pay(record: &mut Record<T>) {
        let vested = |h: &HistoryEntry| h.state == ClaimState::Vested;
        if record.history.iter().any(vested) {
            return;
        }
        if let Some(mut round) = Rounds::<T>::get(record.claim.round) {
            Self::cancel_receipts(&mut round, record);
            Rounds::<T>::insert(round.id, round);
        }
    }
}
