// SPDX-License-Identifier: GPL-3.0-or-later
//! Sponsors' escrows, what is paid from them, and bonds that silence costs.

use crate::{Config, Error, Event, HoldReason, JobList, Jobs, LastRound, Pallet, Rounds};
use codec::Encode;
use dream_primitives::claim::RoundId;
use dream_primitives::delta::MAX_SHIFT;
use dream_primitives::private::params::PrivateParameters;
use dream_primitives::private::round::{JobTerms, PrivateJob, PrivatePhase, PrivateRound};
use dream_primitives::registry::SetAside;
use dream_primitives::registry::{AuditorRegistry, BondLedger, ModelRegistry};
use dream_primitives::{Balance, BlockNumber, BranchId, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::fungible::MutateHold;
use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision, Restriction};
use polkadot_sdk::frame_system;
use polkadot_sdk::frame_system::pallet_prelude::BlockNumberFor;
use polkadot_sdk::sp_runtime::traits::{SaturatedConversion, Zero};
use polkadot_sdk::sp_runtime::TokenError;

type RoundOf<T> = PrivateRound<<T as frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// Current block as the protocol's block number.
    pub(crate) fn now() -> BlockNumber {
        frame_system::Pallet::<T>::block_number().saturated_into()
    }

    /// Genesis hash: what binds hashes to this chain.
    pub fn genesis() -> H256 {
        let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
        let mut out = H256::zero();
        out.0
            .iter_mut()
            .zip(hash.as_ref())
            .for_each(|(o, b)| *o = *b);
        out
    }

    /// An account's 32 bytes as hashes take them.
    pub(crate) fn raw(account: &T::AccountId) -> [u8; 32] {
        let mut out = [0u8; 32];
        out.iter_mut()
            .zip(account.encode())
            .for_each(|(o, b)| *o = b);
        out
    }

    /// Parameters of the branch's model; an error where it can have no private rounds.
    pub(crate) fn private_model(branch: BranchId, p: &PrivateParameters) -> Result<u64, Error<T>> {
        let info = T::Models::branch(branch).ok_or(Error::<T>::UnknownBranch)?;
        let public = info.admission.is_some() || T::Auditors::has_public_rounds(branch);
        ensure!(!public, Error::<T>::PublicBranch);
        ensure!(!info.frozen, Error::<T>::BranchFrozen);
        let architecture = T::Models::architecture(info.model).ok_or(Error::<T>::UnknownBranch)?;
        let parameters = architecture.parameters().ok_or(Error::<T>::ModelSize)?;
        p.layout(parameters).ok_or(Error::<T>::ModelSize)?;
        Ok(parameters)
    }

    pub(crate) fn do_sponsor(
        sponsor: T::AccountId,
        branch: BranchId,
        terms: JobTerms,
        amount: Balance,
    ) -> DispatchResult {
        let p = Self::parameters()?;
        Self::private_model(branch, &p)?;
        let owner = T::Models::branch(branch).map(|b| b.owner);
        ensure!(owner.as_ref() == Some(&sponsor), Error::<T>::NotOwner);
        ensure!(terms.fee >= p.get().fees.minimum, Error::<T>::FeeTooSmall);
        ensure!(terms.shift <= MAX_SHIFT, Error::<T>::ShiftTooLarge);
        let mut list = JobList::<T>::get();
        let job = match Jobs::<T>::get(branch) {
            Some(job) => {
                // What is held is held from whoever opened the job.
                ensure!(job.sponsor == sponsor, Error::<T>::NotOwner);
                ensure!(!job.closing, Error::<T>::JobEnding);
                PrivateJob {
                    terms,
                    balance: job.balance.saturating_add(amount),
                    ..job
                }
            }
            None => {
                let at = list.partition_point(|b| *b < branch);
                list.try_insert(at, branch)
                    .map_err(|_| Error::<T>::TooManyJobs)?;
                PrivateJob {
                    sponsor: sponsor.clone(),
                    terms,
                    balance: amount,
                    reserved: 0,
                    closing: false,
                }
            }
        };
        // Paid in spite of freezes: what a vote froze would get out.
        ensure!(
            T::SetAside::may_set_aside(&sponsor, amount),
            TokenError::Frozen
        );
        T::Currency::hold(&HoldReason::Escrow.into(), &sponsor, amount)?;
        JobList::<T>::put(list);
        Jobs::<T>::insert(branch, job);
        Self::deposit_event(Event::Sponsored {
            branch,
            amount,
            terms,
        });
        Ok(())
    }

    pub(crate) fn do_end_job(sponsor: T::AccountId, branch: BranchId) -> DispatchResult {
        let mut job = Jobs::<T>::get(branch).ok_or(Error::<T>::UnknownJob)?;
        ensure!(job.sponsor == sponsor, Error::<T>::NotOwner);
        let free = job.balance.saturating_sub(job.reserved);
        let idle = Self::round_in_motion(branch).is_none();
        ensure!(idle || free > 0 || !job.closing, Error::<T>::RoundInMotion);
        T::Currency::release(
            &HoldReason::Escrow.into(),
            &sponsor,
            free,
            Precision::BestEffort,
        )?;
        if idle {
            Jobs::<T>::remove(branch);
            JobList::<T>::mutate(|all| all.retain(|b| *b != branch));
        } else {
            job.balance = job.reserved;
            job.closing = true;
            Jobs::<T>::insert(branch, job);
        }
        Self::deposit_event(Event::EscrowReleased {
            branch,
            amount: free,
        });
        Ok(())
    }

    /// The branch's round that is not closed.
    pub(crate) fn round_in_motion(branch: BranchId) -> Option<RoundOf<T>> {
        let number = LastRound::<T>::get(branch);
        Rounds::<T>::get(RoundId { branch, number }).filter(|r| r.phase != PrivatePhase::Closed)
    }

    /// Pays an account from what the round has set aside; returns what was paid.
    pub(crate) fn pay(round: &mut RoundOf<T>, account: &T::AccountId, amount: Balance) -> Balance {
        let amount = amount.min(round.reserved);
        let Some(mut job) = Jobs::<T>::get(round.id.branch).filter(|_| amount > 0) else {
            return 0;
        };
        let paid = if *account == job.sponsor {
            T::Currency::release(
                &HoldReason::Escrow.into(),
                account,
                amount,
                Precision::Exact,
            )
        } else {
            T::Currency::transfer_on_hold(
                &HoldReason::Escrow.into(),
                &job.sponsor,
                account,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )
        };
        let paid = paid.unwrap_or(0);
        round.reserved = round.reserved.saturating_sub(paid);
        job.reserved = job.reserved.saturating_sub(paid);
        job.balance = job.balance.saturating_sub(paid);
        Jobs::<T>::insert(round.id.branch, job);
        if paid > 0 {
            Self::deposit_event(Event::Paid {
                round: round.id,
                account: account.clone(),
                amount: paid,
            });
        }
        paid
    }

    /// Gives back to the escrow what the round did not pay.
    pub(crate) fn give_back(round: &mut RoundOf<T>) {
        let left = core::mem::take(&mut round.reserved);
        Jobs::<T>::mutate(round.id.branch, |job| {
            if let Some(job) = job {
                job.reserved = job.reserved.saturating_sub(left);
            }
        });
    }

    /// Burns the silence part of a bond.
    pub(crate) fn punish_silence(
        affair: H256,
        account: &T::AccountId,
        bond: &mut Balance,
        p: &PrivateParameters,
    ) {
        let amount = p.get().bonds.silence.min(*bond);
        let burned = T::Bonds::burn(affair, account, amount);
        *bond = bond.saturating_sub(burned);
        Self::deposit_event(Event::SilencePunished {
            account: account.clone(),
            amount: burned,
        });
    }
}
