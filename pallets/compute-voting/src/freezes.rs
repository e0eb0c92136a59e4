// SPDX-License-Identifier: GPL-3.0-or-later
//! Tokens that votes freeze.

use crate::{ClassLocksFor, ClassOf, Config, Error, Event, FreezeReason, Pallet, VotingFor};
use dream_primitives::Balance;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::MutateFreeze;
use polkadot_sdk::frame_system;
use polkadot_sdk::pallet_conviction_voting::Voting;
use polkadot_sdk::sp_runtime::DispatchResult;

impl<T: Config> Pallet<T> {
    /// Freezes at least `amount` for a class. What is frozen already stays.
    pub(crate) fn extend_freeze(
        who: &T::AccountId,
        class: &ClassOf<T>,
        amount: Balance,
    ) -> DispatchResult {
        ClassLocksFor::<T>::try_mutate(who, |locks| {
            if let Some(lock) = locks.iter_mut().find(|lock| lock.0 == *class) {
                lock.1 = lock.1.max(amount);
                return Ok(());
            }
            let new = (class.clone(), amount);
            locks.try_push(new).map_err(|_| Error::<T>::BadClass)
        })?;
        T::Currency::extend_freeze(&FreezeReason::Vote.into(), who, amount)
    }

    /// Frees what an account's votes in a class do not need frozen any more.
    pub(crate) fn do_unlock(class: ClassOf<T>, who: T::AccountId) -> DispatchResult {
        let now = frame_system::Pallet::<T>::block_number();
        let needed = VotingFor::<T>::mutate_exists(&who, &class, |slot| {
            let Some(voting) = slot else { return 0 };
            voting.rejig(now);
            let needed = voting.locked_balance();
            let idle = matches!(voting, Voting::Casting(c) if c.votes.is_empty() && c.delegations == Default::default());
            if idle && needed == 0 {
                *slot = None;
            }
            needed
        });
        let (before, all) = ClassLocksFor::<T>::mutate_exists(&who, |slot| {
            let Some(locks) = slot else { return (0, 0) };
            let lock = locks.iter_mut().find(|lock| lock.0 == class);
            let before = lock.map_or(0, |lock| core::mem::replace(&mut lock.1, needed));
            locks.retain(|lock| lock.1 > 0);
            let all = locks.iter().map(|lock| lock.1).max().unwrap_or(0);
            if locks.is_empty() {
                *slot = None;
            }
            (before, all)
        });
        ensure!(needed == 0 || needed < before, Error::<T>::NoPermissionYet);
        T::Currency::set_freeze(&FreezeReason::Vote.into(), &who, all)?;
        Self::deposit_event(Event::VoteUnlocked { who, class });
        Ok(())
    }
}
