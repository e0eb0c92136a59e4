// SPDX-License-Identifier: GPL-3.0-or-later
//! Who validates: the validators of genesis, with the keys that they hold now.

use crate::{AccountId, Runtime};
use alloc::vec::Vec;
use polkadot_sdk::*;

use pallet_session::{historical, NextKeys, QueuedKeys, Validators};
use sp_runtime::traits::Convert;
use sp_staking::SessionIndex;

/// A validator is identified by its account alone.
pub struct AccountIdentification;

impl Convert<AccountId, Option<()>> for AccountIdentification {
    fn convert(_: AccountId) -> Option<()> {
        Some(())
    }
}

/// Keeps the validators of genesis.
///
/// A session is announced as changed only when a validator rotated its keys (or when the one before has no historical root yet): an unchanged
/// session copies the root, and GRANDPA keeps its authority set.
pub struct GenesisValidators;

impl GenesisValidators {
    fn plan(new_index: SessionIndex) -> Option<Vec<AccountId>> {
        let validators = Validators::<Runtime>::get();
        if validators.is_empty() {
            // Genesis: pallet-session takes the validators from its own keys.
            return None;
        }
        let root_before =
            historical::HistoricalSessions::<Runtime>::contains_key(new_index.saturating_sub(1));
        let keys_kept = QueuedKeys::<Runtime>::get()
            .iter()
            .all(|(validator, queued)| {
                NextKeys::<Runtime>::get(validator).as_ref() == Some(queued)
            });
        (!root_before || !keys_kept).then_some(validators)
    }
}

impl pallet_session::SessionManager<AccountId> for GenesisValidators {
    fn new_session(new_index: SessionIndex) -> Option<Vec<AccountId>> {
        Self::plan(new_index)
    }
    fn start_session(_: SessionIndex) {}
    fn end_session(_: SessionIndex) {}
}

impl historical::SessionManager<AccountId, ()> for GenesisValidators {
    fn new_session(new_index: SessionIndex) -> Option<Vec<(AccountId, ())>> {
        Self::plan(new_index).map(|all| all.into_iter().map(|one| (one, ())).collect())
    }
    fn start_session(_: SessionIndex) {}
    fn end_session(_: SessionIndex) {}
}
