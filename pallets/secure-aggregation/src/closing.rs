// SPDX-License-Identifier: GPL-3.0-or-later
//! The end of a round: bonds freed, rewards paid, records removed.

use crate::{
    Config, Contributors, Epochs, Gatherings, OpenedRoots, Pallet, Participants, Seats, SeedOf,
    Terms,
};
use dream_primitives::private::round::{Contributor, ContributorState, PrivateRound};
use dream_primitives::registry::BondLedger;

type RoundOf<T> = PrivateRound<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// What is freed at once: seats, the sum, disputes, the epoch.
    pub(crate) fn begin_closing(round: &mut RoundOf<T>) {
        for seat in Seats::<T>::take(round.id) {
            T::Bonds::unlock(&seat.auditor, seat.bond);
        }
        Self::free_disputes(round);
        Self::free_sum(round);
        Gatherings::<T>::remove(SeedOf::Round(round.id));
        let answers = Terms::<T>::get(round.id).map_or(0, |t| t.parameters.key_polynomials());
        Epochs::<T>::mutate(round.epoch, |epoch| {
            if let Some(epoch) = epoch {
                epoch.rounds = epoch.rounds.saturating_sub(1);
                // Before the draw nobody encrypts. Later on, a key ciphertext could be sent again in the next round.
                if round.seed.is_zero() {
                    epoch.answers = epoch.answers.saturating_add(answers);
                }
            }
        });
    }

    /// Frees a participant's bond, pays its reward, and forgets it.
    pub(crate) fn release(
        round: &mut RoundOf<T>,
        account: &T::AccountId,
        contributor: &Contributor,
    ) {
        T::Bonds::unlock(account, contributor.bond);
        let reward = round.reward;
        if contributor.state == ContributorState::Standing && reward > 0 {
            Self::pay(round, account, reward);
        }
        if let Some(roots) = contributor.roots {
            OpenedRoots::<T>::remove(round.id, roots.data);
            OpenedRoots::<T>::remove(round.id, roots.keys);
        }
        Contributors::<T>::remove(round.id, account);
    }

    /// Gives back what was not paid, and removes what only a round in motion needs.
    pub(crate) fn close(round: &mut RoundOf<T>) {
        Self::give_back(round);
        Participants::<T>::remove(round.id);
        Terms::<T>::remove(round.id);
    }
}
