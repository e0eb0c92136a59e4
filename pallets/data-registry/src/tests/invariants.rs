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
fn try_state_should_name_an_index_that_was_not_given() {
    let message = "data-registry: a data set has an index that was not given yet";
    broken(|| NextDataset::<Test>::put(1), message);
}

#[test]
fn try_state_should_name_uses_that_are_not_the_mixtures() {
    let message = "data-registry: the uses of a data set are not the mixtures that name it";
    broken(|| Uses::<Test>::remove(0), message);
    broken(
        || Uses::<Test>::mutate(0, |all| all[0].last = Some(1)),
        message,
    );
    broken(|| Mixtures::<Test>::remove(0), message);
    let message = "data-registry: uses are kept of no data set, of no branch, or of a branch twice";
    broken(
        || Uses::<Test>::mutate(0, |all| all.try_push(all[0]).unwrap()),
        message,
    );
    broken(|| Uses::<Test>::insert(1, Uses::<Test>::get(7)), message);
}

#[test]
fn try_state_should_name_demands_that_do_not_fit() {
    let with = |breakage: fn()| {
        move || {
            assert_ok!(demand(MIA, 0, 3));
            breakage();
        }
    };
    broken(
        with(|| OpenDemands::<Test>::put(0)),
        "data-registry: OpenDemands is not the number of open demands",
    );
    broken(
        with(|| Demands::<Test>::mutate(0, |all| all[0].sample = 100)),
        "data-registry: demands are kept of no data set, of no sample, or of a sample twice",
    );
    broken(
        with(|| Datasets::<Test>::mutate(0, |slot| slot.as_mut().unwrap().suspended_from = None)),
        "data-registry: a data set is not suspended from the end of its first demand's time",
    );
    broken(
        with(|| Demands::<Test>::mutate(0, |all| all[0].held += 1)),
        "data-registry: what is held from a demander is not the sum of its prices",
    );
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
