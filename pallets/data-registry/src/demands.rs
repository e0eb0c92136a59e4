// SPDX-License-Identifier: GPL-3.0-or-later
//! Demands for samples: whoever cannot get a data set has a sample put on chain at its own cost, or the set out of the rounds.

use crate::pallet::*;
use dream_primitives::data::{
    answer_bytes, suspension_penalty, verify_sample, SampleDemand, SampleDemands, SampleOpening,
    MAX_OPEN_DEMANDS,
};
use dream_primitives::registry::DatasetRecord;
use dream_primitives::registry::SetAside;
use dream_primitives::{Balance, DatasetId};
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::hold::Mutate;
use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision, Restriction};
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::sp_runtime::{DispatchResult, TokenError};

type Record<T> = DatasetRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type Demand<T> = SampleDemand<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type All<T> = SampleDemands<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_demand_sample(
        demander: T::AccountId,
        dataset: DatasetId,
        sample: u32,
    ) -> DispatchResult {
        let mut record = Self::record(dataset)?;
        let now = Self::now();
        ensure!(sample < record.info.samples, Error::<T>::NoSuchSample);
        ensure!(!record.suspended(now), Error::<T>::DatasetSuspended);
        ensure!(Self::in_use(dataset), Error::<T>::DatasetNotInUse);
        let mut all = Demands::<T>::get(dataset);
        let twice = all.iter().any(|d| d.sample == sample);
        ensure!(!twice, Error::<T>::DemandTwice);
        let open = OpenDemands::<T>::get();
        ensure!(open < MAX_OPEN_DEMANDS, Error::<T>::TooManyDemands);
        let p = T::Parameters::get();
        let bytes = answer_bytes(record.info.window);
        let price = p.bonds.chunk_byte.saturating_mul(Balance::from(bytes));
        let deadline = now.saturating_add(p.round.response_blocks);
        let demand = Demand::<T> {
            sample,
            demander: demander.clone(),
            held: price,
            deadline,
            lapsed: false,
        };
        all.try_push(demand)
            .map_err(|_| Error::<T>::TooManyDemands)?;
        // Paid in spite of freezes: what a vote froze would get out.
        ensure!(
            T::SetAside::may_set_aside(&demander, price),
            TokenError::Frozen
        );
        T::Currency::hold(&HoldReason::Demand.into(), &demander, price)?;
        OpenDemands::<T>::put(open.saturating_add(1));
        Self::put_demands(dataset, &mut record, all);
        Self::deposit_event(Event::SampleDemanded {
            dataset,
            sample,
            demander,
            price,
            deadline,
        });
        Ok(())
    }

    /// The sample is in the block's body from now on.
    pub(crate) fn do_supply_sample(
        supplier: T::AccountId,
        dataset: DatasetId,
        sample: u32,
        opening: SampleOpening,
    ) -> DispatchResult {
        let mut record = Self::record(dataset)?;
        let mut all = Demands::<T>::get(dataset);
        let at = all.iter().position(|d| d.sample == sample);
        let at = at.ok_or(Error::<T>::NoDemand)?;
        let proved = verify_sample(&record.info, sample, &opening);
        ensure!(proved, Error::<T>::SampleProof);
        let suspended = record.suspended(Self::now());
        Self::end_overdue(dataset, &mut record, &mut all)?;
        let demand = all.remove(at);
        let price = if demand.lapsed {
            0
        } else {
            Self::close_open();
            T::Currency::transfer_on_hold(
                &HoldReason::Demand.into(),
                &demand.demander,
                &supplier,
                demand.held,
                Precision::BestEffort,
                Restriction::Free,
                Fortitude::Force,
            )?
        };
        Self::put_demands(dataset, &mut record, all);
        Self::deposit_event(Event::SampleSupplied {
            dataset,
            sample,
            supplier,
            price,
        });
        if suspended && !record.suspended(Self::now()) {
            Self::deposit_event(Event::DatasetResumed { dataset });
        }
        Ok(())
    }

    pub(crate) fn do_end_demands(dataset: DatasetId) -> DispatchResult {
        let mut record = Self::record(dataset)?;
        let mut all = Demands::<T>::get(dataset);
        ensure!(all.iter().any(Self::overdue), Error::<T>::NothingToEnd);
        Self::end_overdue(dataset, &mut record, &mut all)?;
        Self::put_demands(dataset, &mut record, all);
        Ok(())
    }

    /// Whether nobody answered in time and the demand was not ended yet.
    fn overdue(demand: &Demand<T>) -> bool {
        !demand.lapsed && demand.deadline <= Self::now()
    }

    /// Ends all demands whose time is over, so that one outage costs the submitter one part of the deposit.
    fn end_overdue(dataset: DatasetId, record: &mut Record<T>, all: &mut All<T>) -> DispatchResult {
        let mut penalised = all.iter().any(|d| d.lapsed);
        for demand in all.iter_mut().filter(|d| Self::overdue(d)) {
            T::Currency::release(
                &HoldReason::Demand.into(),
                &demand.demander,
                demand.held,
                Precision::BestEffort,
            )?;
            Self::close_open();
            demand.held = 0;
            demand.lapsed = true;
            if !penalised {
                Self::penalise(dataset, record, demand.sample);
                penalised = true;
            }
        }
        Ok(())
    }

    /// Takes a part of the deposit.
    fn penalise(dataset: DatasetId, record: &mut Record<T>, sample: u32) {
        // A treasury that cannot take so little leaves it with the deposit.
        let lost = T::Currency::transfer_on_hold(
            &HoldReason::Deposit.into(),
            &record.submitter,
            &T::Treasury::get(),
            suspension_penalty(record.deposit),
            Precision::BestEffort,
            Restriction::Free,
            Fortitude::Force,
        )
        .unwrap_or(0);
        record.deposit = record.deposit.saturating_sub(lost);
        Self::deposit_event(Event::DatasetSuspended {
            dataset,
            sample,
            lost,
        });
    }

    fn close_open() {
        OpenDemands::<T>::mutate(|open| *open = open.saturating_sub(1));
    }

    /// Stores the demands, and in the record since when, or from when on, they suspend the set.
    fn put_demands(dataset: DatasetId, record: &mut Record<T>, all: All<T>) {
        record.suspended_from = all.iter().map(|d| d.deadline).min();
        Datasets::<T>::insert(dataset, record);
        if all.is_empty() {
            Demands::<T>::remove(dataset);
        } else {
            Demands::<T>::insert(dataset, all);
        }
    }
}
