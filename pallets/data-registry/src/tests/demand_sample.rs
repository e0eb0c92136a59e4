// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use polkadot_sdk::frame_support::traits::{LockableCurrency, WithdrawReasons};

#[test]
fn demand_should_hold_the_price_of_the_answer_and_set_its_time() {
    build_and_execute(|| {
        admitted();
        assert_ok!(demand(MIA, 0, 3));
        let event = Event::SampleDemanded {
            dataset: 0,
            sample: 3,
            demander: MIA,
            price: price(),
            deadline: 7 + TIME,
        };
        assert_eq!(last_event(), event.into());
        assert_eq!(
            (held_for_answers(MIA), OpenDemands::<Test>::get()),
            (price(), 1)
        );
        let record = Datasets::<Test>::get(0).unwrap();
        assert_eq!(record.suspended_from, Some(7 + TIME));
        assert_eq!(streamed(8), Some(vec![0]));
    });
}

#[test]
fn held_out_sample_should_be_demanded_as_any_other() {
    build_and_execute(|| {
        admitted();
        assert!(dream_primitives::data::held_out(19));
        assert_ok!(demand(MIA, 0, 19));
        assert_ok!(supply(VIC, 19));
    });
}

#[test]
fn demand_should_fail_when_its_set_or_sample_is_wrong() {
    build_and_execute(|| {
        submitted(true_info());
        assert_noop!(demand(MIA, 1, 0), Error::<Test>::DatasetUnknown);
        assert_noop!(demand(MIA, 0, 0), Error::<Test>::DatasetNotInUse);
        assert_ok!(set_mixture(4, &[(0, 1)]));
        assert_noop!(demand(MIA, 0, 100), Error::<Test>::NoSuchSample);
        assert_noop!(demand(POOR, 0, 99), TokenError::FundsUnavailable);
        let all = Balances::free_balance(MIA);
        Balances::set_lock(*b"frozen  ", &MIA, all, WithdrawReasons::all());
        assert_noop!(demand(MIA, 0, 99), TokenError::Frozen);
        Balances::remove_lock(*b"frozen  ", &MIA);
        assert_noop!(
            Registry::demand_sample(RuntimeOrigin::root(), 0, 99),
            DispatchError::BadOrigin
        );
        assert_ok!(demand(MIA, 0, 99));
        assert_noop!(demand(VIC, 0, 99), Error::<Test>::DemandTwice);
        pass(TIME);
        assert_noop!(demand(MIA, 0, 98), Error::<Test>::DatasetSuspended);
        assert_ok!(end(0));
        assert_ok!(set_mixture(4, &[]));
        assert_ok!(withdraw(CLARA, 0));
        assert_noop!(demand(MIA, 0, 98), Error::<Test>::DatasetWithdrawn);
    });
}

#[test]
fn demand_should_be_possible_as_long_as_a_round_is_kept_that_may_draw_from_the_set() {
    build_and_execute(|| {
        admitted();
        rounds(4, 9, &[8, 9]);
        assert_ok!(set_mixture(4, &[]));
        assert_ok!(demand(MIA, 0, 1));
        rounds(4, 12, &[10, 11, 12]);
        assert_noop!(demand(MIA, 0, 2), Error::<Test>::DatasetNotInUse);
    });
}

#[test]
fn demands_should_be_bounded_for_each_set_and_altogether() {
    build_and_execute(|| {
        let sets = MAX_OPEN_DEMANDS / MAX_SAMPLE_DEMANDS + 1;
        for _ in 0..sets {
            submitted(true_info());
        }
        let entries: Vec<(u32, u32)> = (0..sets).map(|i| (i, 1)).collect();
        assert_ok!(set_mixture(4, &entries));
        for dataset in 0..sets - 1 {
            for sample in 0..MAX_SAMPLE_DEMANDS {
                assert_ok!(demand(MIA, dataset, sample));
            }
            let more = demand(MIA, dataset, MAX_SAMPLE_DEMANDS);
            assert_eq!(more, Err(Error::<Test>::TooManyDemands.into()));
        }
        assert_noop!(demand(MIA, sets - 1, 0), Error::<Test>::TooManyDemands);
        assert_ok!(supply(VIC, 0));
        assert_ok!(demand(MIA, sets - 1, 0));
        assert_noop!(demand(MIA, sets - 1, 1), Error::<Test>::TooManyDemands);
    });
}
