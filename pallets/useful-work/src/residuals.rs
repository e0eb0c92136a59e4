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

    /// Forgets what the reverted claims of a round left over. Where a round is in motion this waits for the replay: a claim
    /// of that round may have started there.
    pub(crate) fn drop_reverted_residuals(round: RoundId) {
        for id in RoundClaims::<T>::get(round) {
            if let Some(record) = Claims::<T>::get(id).filter(|r| r.reverted) {
                Self::drop_residual(id, &record);
            }
        }
    }
}
