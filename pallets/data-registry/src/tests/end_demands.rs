// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;

#[test]
fn unanswered_demand_should_suspend_the_set_and_leave_the_others_weights() {
    build_and_execute(|| {
        submitted(true_info());
        submitted(true_info());
        assert_ok!(set_mixture(4, &[(0, 1), (1, 3)]));
        assert_ok!(demand(MIA, 0, 3));
        let before = Registry::mixture(4, 8).unwrap();
        pass(TIME - 1);
        assert_eq!(Registry::mixture(4, 8).unwrap(), before);
        assert_noop!(end(0), Error::<Test>::NothingToEnd);
        pass(1);
        // From here on, whether or not anybody ends the demand.
        assert_eq!(Registry::mixture(4, 8).unwrap().to_vec(), before[1..]);
        assert_eq!(Registry::mixture(4, 9), None);

        let mia = Balances::free_balance(MIA);
        assert_ok!(end(0));
        let event = Event::DatasetSuspended {
            dataset: 0,
            sample: 3,
            lost: DEPOSIT / 2,
        };
        assert_eq!(last_event(), event.into());
        assert_eq!(Balances::free_balance(MIA), mia + price());
        assert_eq!(Balances::free_balance(TREASURY), DEPOSIT / 2);
        assert_eq!(held(CLARA), DEPOSIT + DEPOSIT / 2);
        assert_eq!(streamed(8), Some(vec![1]));
        assert_noop!(end(0), Error::<Test>::NothingToEnd);
    });
}

#[test]
fn branch_should_have_no_mixture_when_all_its_sets_are_suspended() {
    build_and_execute(|| {
        admitted();
        assert_ok!(demand(MIA, 0, 3));
        pass(TIME);
        assert_eq!(Registry::mixture(4, 8), None);
    });
}

#[test]
fn one_outage_should_cost_one_part_of_the_deposit_and_the_next_another() {
    build_and_execute(|| {
        admitted();
        assert_ok!(demand(MIA, 0, 3));
        pass(1);
        assert_ok!(demand(MIA, 0, 4));
        pass(TIME - 1);
        assert_ok!(end(0));
        assert_eq!((held(CLARA), held_for_answers(MIA)), (DEPOSIT / 2, price()));
        pass(1);
        assert_ok!(end(0));
        assert_eq!((held(CLARA), held_for_answers(MIA)), (DEPOSIT / 2, 0));
        assert_ok!(supply(VIC, 3));
        assert_eq!(streamed(8), None);
        assert_ok!(supply(VIC, 4));
        assert_eq!(streamed(8), Some(vec![0]));

        assert_ok!(demand(MIA, 0, 5));
        pass(TIME);
        assert_ok!(end(0));
        assert_eq!(held(CLARA), DEPOSIT / 4);
    });
}

#[test]
fn end_should_fail_when_there_is_nothing_to_end() {
    build_and_execute(|| {
        admitted();
        assert_noop!(end(1), Error::<Test>::DatasetUnknown);
        assert_noop!(end(0), Error::<Test>::NothingToEnd);
        assert_noop!(
            Registry::end_demands(RuntimeOrigin::root(), 0),
            DispatchError::BadOrigin
        );
    });
}
