// SPDX-License-Identifier: GPL-3.0-or-later
//! Founding bonds: held from genesis, slashable, never released, burned when the chain stands on its own.

use crate::{Bond, Bonds, Config, Error, Event, FoundationRetired, HoldReason, Pallet};
use dream_primitives::{Balance, SUPPLY_CAP};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::{Inspect, Mutate, MutateHold};
use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision};
use polkadot_sdk::frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// Mints and holds the founders' bonds. An account that does not exist yet gets the existential deposit on top.
    ///
    /// # Panics
    /// When a founder is named twice, a bond is zero or cannot be held, or the supply would pass its cap: a chain that
    /// does not keep its promises must not start.
    pub(crate) fn build_founders(founders: &[(T::AccountId, Balance)]) {
        for (account, amount) in founders {
            assert!(
                *amount > 0 && !Bonds::<T>::contains_key(account),
                "founder {account:?}: its bond is zero or it is named twice"
            );
            let least = T::Currency::minimum_balance();
            let deposit = least.saturating_sub(T::Currency::balance(account));
            T::Currency::mint_into(account, amount.saturating_add(deposit))
                .expect("a founding bond is minted");
            T::Currency::hold(&HoldReason::Bond.into(), account, *amount)
                .expect("a founding bond is held");
            Bonds::<T>::insert(
                account,
                Bond {
                    total: *amount,
                    founding: *amount,
                    ..Default::default()
                },
            );
        }
        assert!(
            T::Currency::total_issuance() <= SUPPLY_CAP,
            "the genesis supply with the founding bonds passes the cap of {SUPPLY_CAP}"
        );
    }

    /// Burns the free part of a founding bond once the chain has issued enough. What is locked for claims and seats
    /// follows with a later call; it can be locked no more.
    pub(crate) fn do_retire_founder(account: T::AccountId) -> DispatchResult {
        let mut bond = Bonds::<T>::get(&account).ok_or(Error::<T>::NoFounder)?;
        ensure!(bond.founding > 0, Error::<T>::NoFounder);
        if !FoundationRetired::<T>::get() {
            let goal = T::Parameters::get().rewards.bootstrap_issuance;
            let reached = T::Currency::total_issuance() >= goal;
            ensure!(reached, Error::<T>::StillFounding);
            FoundationRetired::<T>::put(true);
        }
        let amount = bond.founding.min(bond.free());
        ensure!(amount > 0, Error::<T>::FoundingBondLocked);
        T::Currency::burn_held(
            &HoldReason::Bond.into(),
            &account,
            amount,
            Precision::Exact,
            Fortitude::Force,
        )?;
        bond.total = bond.total.saturating_sub(amount);
        bond.founding = bond.founding.saturating_sub(amount);
        let left = bond.founding;
        Bonds::<T>::set(&account, (bond.total > 0).then_some(bond));
        Self::deposit_event(Event::FounderRetired {
            account,
            amount,
            left,
        });
        Ok(())
    }
}
