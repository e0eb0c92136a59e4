// SPDX-License-Identifier: GPL-3.0-or-later
//! Numeric profiles: committed to, revealed, admitted; and what their claims may earn.

use crate::{
    AdmittedProfiles, Bonds, Config, Error, Event, Exposure, Pallet, ProfileCommitment,
    ProfileCommitments, ProfileRecord, ProfileStakes, Profiles, Residuals, Verifiers,
};
use alloc::collections::BTreeMap;
use dream_primitives::claim::RoundId;
use dream_primitives::params::ChainParameters;
use dream_primitives::profile::{self, ProfileSettings};
use dream_primitives::registry::ModelRegistry;
use dream_primitives::{Balance, BoundedVec, BranchId, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// Whether a calibration leaf may be computed under now.
    pub(crate) fn profile_admitted(leaf: &H256) -> bool {
        T::Parameters::get().audit.admit_any_profile || AdmittedProfiles::<T>::contains_key(leaf)
    }

    pub(crate) fn do_commit_profile(
        account: T::AccountId,
        branch: BranchId,
        commitment: H256,
    ) -> DispatchResult {
        ensure!(
            T::Models::branch(branch).is_some(),
            Error::<T>::UnknownBranch
        );
        let record = ProfileCommitment {
            commitment,
            since: Self::now(),
        };
        ProfileCommitments::<T>::insert(branch, &account, record);
        Self::deposit_event(Event::ProfileCommitted { branch, account });
        Ok(())
    }

    pub(crate) fn do_reveal_profile(
        account: T::AccountId,
        branch: BranchId,
        settings: ProfileSettings,
        leaf: H256,
        secret: H256,
        salt: H256,
    ) -> DispatchResult {
        let committed = ProfileCommitments::<T>::get(branch, &account)
            .ok_or(Error::<T>::ProfileNotCommitted)?;
        let now = Self::now();
        ensure!(now > committed.since, Error::<T>::RevealTooEarly);
        let (genesis, raw) = (Self::genesis(), Self::raw(&account));
        let expected =
            profile::commitment(&genesis, &raw, branch, &settings, &leaf, &secret, &salt);
        let same = expected == committed.commitment;
        ensure!(same, Error::<T>::RevealMismatch);
        let admitted = Self::profile_admitted(&leaf);
        ensure!(admitted, Error::<T>::ProfileNotAdmitted);
        let old = Profiles::<T>::get(branch, &account);
        let record = ProfileRecord {
            settings,
            leaf,
            since: now,
            secret,
            enlisted: old.and_then(|p| p.enlisted),
        };
        Profiles::<T>::insert(branch, &account, record);
        ProfileCommitments::<T>::remove(branch, &account);
        // The way back for who lost its residual: it sits out the round that is open, and begins with zeros.
        Residuals::<T>::remove(branch, &account);
        Self::deposit_event(Event::ProfileRegistered {
            branch,
            account,
            leaf,
        });
        Ok(())
    }

    pub(crate) fn do_admit_profile(leaf: H256, admit: bool) -> DispatchResult {
        if admit {
            AdmittedProfiles::<T>::insert(leaf, ());
            Self::deposit_event(Event::ProfileAdmitted { leaf });
        } else {
            AdmittedProfiles::<T>::remove(leaf);
            Self::deposit_event(Event::ProfileDismissed { leaf });
        }
        Ok(())
    }

    /// Notes what the verifiers of each calibration leaf have bonded, for the receipts that are about to be written.
    pub(crate) fn note_stakes(id: RoundId) {
        let mut stakes: BTreeMap<H256, Balance> = BTreeMap::new();
        for account in Verifiers::<T>::get(id.branch) {
            let profile = Profiles::<T>::get(id.branch, &account);
            if let Some((bond, profile)) = Bonds::<T>::get(&account).zip(profile) {
                let stake = stakes.entry(profile.leaf).or_default();
                *stake = stake.saturating_add(bond.staying());
            }
        }
        // One entry a verifier at most.
        let stakes = BoundedVec::truncate_from(stakes.into_iter().collect());
        ProfileStakes::<T>::insert(id, stakes);
    }

    /// What claims of a leaf may still be promised: so many times its verifiers' bonds, less what they were promised and
    /// have not been paid.
    pub(crate) fn room_to_earn(id: RoundId, leaf: &H256, parameters: &ChainParameters) -> Balance {
        let stakes = ProfileStakes::<T>::get(id);
        let stake = stakes.iter().find(|(l, _)| l == leaf).map_or(0, |s| s.1);
        let most = stake.saturating_mul(parameters.audit.profile_leverage.into());
        most.saturating_sub(Exposure::<T>::get(leaf))
    }
}
