// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;

#[test]
fn withdrawal_should_give_the_deposit_back_and_not_the_index_again() {
    build_and_execute(|| {
        submitted(info());
        assert_ok!(withdraw(CLARA, 0));
        let event = Event::DatasetWithdrawn {
            dataset: 0,
            deposit: DEPOSIT,
        };
        assert_eq!(last_event(), event.into());
        assert_eq!((held(CLARA), Datasets::<Test>::contains_key(0)), (0, false));
        assert_noop!(withdraw(CLARA, 0), Error::<Test>::DatasetWithdrawn);
        assert_noop!(set_mixture(4, &[(0, 1)]), Error::<Test>::DatasetWithdrawn);
        submitted(info());
        assert!(Datasets::<Test>::contains_key(1));
    });
}

#[test]
fn withdrawal_should_wait_until_no_mixture_and_no_kept_round_needs_the_set() {
    build_and_execute(|| {
        submitted(info());
        submitted(info());
        assert_ok!(set_mixture(4, &[(0, 1), (1, 1)]));
        assert_ok!(set_mixture(5, &[(0, 1)]));
        rounds(4, 9, &[8, 9]);
        assert_noop!(withdraw(CLARA, 0), Error::<Test>::DatasetInUse);
        assert_ok!(set_mixture(4, &[(1, 1)]));
        assert_ok!(set_mixture(5, &[]));
        assert_noop!(withdraw(CLARA, 0), Error::<Test>::DatasetInUse);
        // Round 8 is forgotten, round 9 may still be challenged.
        rounds(4, 11, &[9, 10, 11]);
        assert_noop!(withdraw(CLARA, 0), Error::<Test>::DatasetInUse);
        rounds(4, 12, &[10, 11, 12]);
        assert_ok!(withdraw(CLARA, 0));
        assert!(!Uses::<Test>::contains_key(0));
    });
}

#[test]
fn withdrawal_should_fail_when_it_is_anothers_set_or_none() {
    build_and_execute(|| {
        submitted(info());
        assert_noop!(withdraw(MIA, 0), Error::<Test>::NotTheSubmitter);
        assert_noop!(withdraw(CLARA, 1), Error::<Test>::DatasetUnknown);
        assert_noop!(
            Registry::withdraw_dataset(RuntimeOrigin::root(), 0),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn withdrawal_should_not_escape_a_demand() {
    build_and_execute(|| {
        admitted();
        assert_ok!(demand(MIA, 0, 3));
        assert_ok!(set_mixture(4, &[]));
        assert_noop!(withdraw(CLARA, 0), Error::<Test>::DemandOpen);
        pass(TIME);
        assert_noop!(withdraw(CLARA, 0), Error::<Test>::DemandOpen);
        assert_ok!(end(0));
        assert_ok!(withdraw(CLARA, 0));
        assert_eq!(
            (held(CLARA), Balances::free_balance(TREASURY)),
            (0, DEPOSIT / 2)
        );
        assert!(!Demands::<Test>::contains_key(0));
    });
}
