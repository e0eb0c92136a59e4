// SPDX-License-Identifier: GPL-3.0-or-later
//! Residuals of error feedback: what an account's merged claim leaves to its next one on the branch.

use crate::{Claims, Config, Pallet, Residuals, RoundClaims};
use dream_primitives::claim::RoundId;
use dream_primitives::feedback::CarriedResidual;
use dream_primitives::round::{ClaimRecord, ClaimState};
use dream_primitives::H256;

type Record<T> = ClaimRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// Carries the residual of a claim whose merge became the head. A challenged claim stands until a jury fells it; one
    /// that was felled leaves nothing, for what it started from is sent.
    pub(crate) fn carry_residual(id: H256, record: &Record<T>) {
        if !record.merged {
            return;
        }
        let branch = record.claim.round.branch;
        let stands = matches!(record.state, ClaimState::Merged | ClaimState::Challenged);
        let left = CarriedResidual::of(id, &record.claim).filter(|_| stands);
        Residuals::<T>::mutate_exists(branch, &record.miner, |carried| *carried = left);
    }

    /// Forgets what a claim left over, where the account built nothing on it since: it was felled, or taken out.
    pub(crate) fn drop_residual(id: H256, record: &Record<T>) {
        Residuals::<T>::mutate_exists(record.claim.round.branch, &record.miner, |carried| {
            *carried = carried.filter(|c| c.claim != id);
        });
    }

    /// Forgets what the reverted claims of a round left over, where that had to wait for the replay (a claim of the round
    /// that was training may have started there); whether others of its merge stand.
    pub(crate) fn stands_without_reverted(round: RoundId) -> bool {
        let mut stands = false;
        for id in RoundClaims::<T>::get(round) {
            let Some(record) = Claims::<T>::get(id) else {
                continue;
            };
            if record.reverted {
                Self::drop_residual(id, &record);
            }
            stands |= record.contributes(true);
        }
        stands
    }
}
