// SPDX-License-Identifier: GPL-3.0-or-later
//! Compute credits: granted when claims vest, taken away when a jury finds against one, kept as of earlier epochs for votes.

use crate::{Config, CreditHistory, Credits, Event, Pallet, Terms, TotalCredits, TotalHistory};
use dream_primitives::claim::RoundId;
use dream_primitives::credits::{as_of, kept, remember, step_of, RING};
use dream_primitives::registry::{CreditSnapshots, Funding};
use dream_primitives::views::{CreditsView, EpochCredits};
use dream_primitives::BlockNumber;
use polkadot_sdk::frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// The credit epoch, which is a step of the decay.
    pub(crate) fn credit_epoch() -> u32 {
        <Self as CreditSnapshots<T::AccountId>>::epoch(Self::now())
    }

    /// Whether claims of a round earn credits.
    pub(crate) fn earns_credits(round: RoundId) -> bool {
        Terms::<T>::get(round).is_some_and(|t| matches!(t.funding, Funding::Emission(_)))
    }

    /// Grants credits. It is public for a runtime's benchmarks alone.
    pub fn grant_credits(account: &T::AccountId, units: u128) {
        let epoch = Self::credit_epoch();
        let mut credits = Credits::<T>::get(account);
        if credits.step < epoch {
            CreditHistory::<T>::mutate(account, |history| remember(history, credits, epoch));
        }
        credits.add(units, epoch);
        Credits::<T>::insert(account, credits);
        Self::move_total(units, 0, epoch);
        Self::deposit_event(Event::Credited {
            account: account.clone(),
            amount: units,
        });
    }

    /// An account's credits now and as of each epoch that a vote may count.
    pub fn credits_view(account: &T::AccountId) -> CreditsView {
        let epoch = Self::credit_epoch();
        let past = (1..=RING).map_while(|age| epoch.checked_sub(age));
        let as_of = |epoch| {
            Some(EpochCredits {
                epoch,
                credits: Self::credits(account, epoch),
                total: <Self as CreditSnapshots<T::AccountId>>::total(epoch)?,
            })
        };
        CreditsView {
            epoch,
            now: Credits::<T>::get(account).at(epoch),
            total_now: TotalCredits::<T>::get().at_up(epoch),
            history: past.filter_map(as_of).collect(),
        }
    }

    /// Takes all credits of an account away, those of earlier epochs among them: who faked one claim may have faked others that
    /// were not drawn. Totals of earlier epochs stay, so nobody else's weight changes.
    pub(crate) fn revoke_credits(account: &T::AccountId) {
        let epoch = Self::credit_epoch();
        CreditHistory::<T>::remove(account);
        let amount = Credits::<T>::take(account).at(epoch);
        if amount > 0 {
            Self::move_total(0, amount, epoch);
            Self::deposit_event(Event::CreditsRevoked {
                account: account.clone(),
                amount,
            });
        }
    }

    fn move_total(more: u128, less: u128, epoch: u32) {
        let mut total = TotalCredits::<T>::get();
        if total.step < epoch {
            TotalHistory::<T>::mutate(|history| remember(history, total, epoch));
        }
        total.move_up(more, less, epoch);
        TotalCredits::<T>::put(total);
    }
}

impl<T: Config> CreditSnapshots<T::AccountId> for Pallet<T> {
    fn epoch(block: BlockNumber) -> u32 {
        step_of(block, T::Parameters::get().rewards.credit_half_life)
    }

    fn total(epoch: u32) -> Option<u128> {
        kept(epoch, Self::credit_epoch()).then(|| {
            let (history, total) = (TotalHistory::<T>::get(), TotalCredits::<T>::get());
            as_of(&history, total, epoch).at_up(epoch)
        })
    }

    fn credits(account: &T::AccountId, epoch: u32) -> u128 {
        let credits = Credits::<T>::get(account);
        // What was written before the end of the epoch needs no history.
        let found = if credits.step <= epoch {
            credits
        } else {
            as_of(&CreditHistory::<T>::get(account), credits, epoch)
        };
        found.at(epoch)
    }
}
