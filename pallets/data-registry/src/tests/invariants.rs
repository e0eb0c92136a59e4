// SPDX-License-Identifier: GPL-3.0-or-later
//! Each invariant, broken once in storage, is named by `try_state`.

use super::*;
use polkadot_sdk::frame_support::storage::with_transaction;
use polkadot_sdk::frame_support::traits::fungible::MutateHold;
use polkadot_sdk::frame_support::traits::tokens::Precision;
use polkadot_sdk::sp_runtime::{TransactionOutcome, TryRuntimeError};

fn broken(breakage: impl FnOnce(), message: &'static str) {
    build_and_execute(|| {
        submitted(info());
        submitted(info());
        assert_ok!(Registry::set_mixture(
            RuntimeOrigin::root(),
            0,
            mixture(&[(0, 1)])
        ));
        assert_ok!(Registry::do_try_state());
        let result = with_transaction(|| {
            breakage();
            TransactionOutcome::Rollback(Ok::<_, DispatchError>(Registry::do_try_state()))
        });
        assert_eq!(
            result.unwrap(),
            Err(TryRuntimeError::Other(message)),
            "{message}"
        );
    });
}

#[test]
fn try_state_should_name_gaps_in_the_numbering() {
    let message = "data-registry: data sets are not numbered 0..NextDataset";
    broken(|| NextDataset::<Test>::put(3), message);
    broken(|| NextDataset::<Test>::put(1), message);
}

#[test]
fn try_state_should_name_a_data_set_or_mixture_that_is_wrong() {
    broken(
        || Datasets::<Test>::mutate(1, |slot| slot.as_mut().unwrap().info.samples = 0),
        "data-registry: a data set does not pass its check",
    );
    broken(
        || Mixtures::<Test>::insert(0, mixture(&[(2, 1)])),
        "data-registry: a mixture does not pass its check",
    );
}

#[test]
fn try_state_should_name_deposits_that_are_not_held() {
    broken(
        || {
            let reason = crate::HoldReason::Deposit.into();
            assert_ok!(Balances::release(&reason, &CLARA, 1, Precision::Exact));
        },
        "data-registry: what is held from a submitter is not the sum of its deposits",
    );
}
