// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use dream_primitives::data::SampleOpening;
use dream_primitives::H256;

#[test]
fn supplier_should_be_paid_what_the_demander_set_aside() {
    build_and_execute(|| {
        admitted();
        assert_ok!(demand(MIA, 0, 3));
        let before = (Balances::free_balance(MIA), Balances::free_balance(VIC));
        pass(TIME - 1);
        assert_ok!(supply(VIC, 3));
        let event = Event::SampleSupplied {
            dataset: 0,
            sample: 3,
            supplier: VIC,
            price: price(),
        };
        assert_eq!(last_event(), event.into());
        assert_eq!(Balances::free_balance(MIA), before.0);
        assert_eq!(Balances::free_balance(VIC), before.1 + price());
        assert_eq!((held_for_answers(MIA), held(CLARA)), (0, DEPOSIT));
        assert_eq!(OpenDemands::<Test>::get(), 0);
        assert!(!Demands::<Test>::contains_key(0));
        pass(TIME);
        assert_eq!(streamed(8), Some(vec![0]));
        assert_noop!(supply(VIC, 3), Error::<Test>::NoDemand);
    });
}

#[test]
fn late_answer_should_bring_the_set_back_unpaid() {
    build_and_execute(|| {
        admitted();
        assert_ok!(demand(MIA, 0, 3));
        assert_ok!(demand(MIA, 0, 4));
        pass(TIME);
        // Nobody ended the demands: the first late answer does.
        let before = Balances::free_balance(VIC);
        assert_ok!(supply(VIC, 3));
        assert_eq!((held_for_answers(MIA), held(CLARA)), (0, DEPOSIT / 2));
        assert_eq!(streamed(8), None);
        assert_ok!(supply(VIC, 4));
        assert_eq!(last_event(), Event::DatasetResumed { dataset: 0 }.into());
        assert_eq!(streamed(8), Some(vec![0]));
        assert_eq!(Balances::free_balance(VIC), before);
        assert_eq!(held(CLARA), DEPOSIT / 2);
        assert_eq!(OpenDemands::<Test>::get(), 0);
    });
}

#[test]
fn answer_in_time_should_not_bring_a_set_back_that_another_demand_suspends() {
    build_and_execute(|| {
        admitted();
        assert_ok!(demand(MIA, 0, 3));
        pass(1);
        assert_ok!(demand(MIA, 0, 4));
        pass(TIME - 1);
        let before = Balances::free_balance(VIC);
        assert_ok!(supply(VIC, 4));
        assert_eq!(Balances::free_balance(VIC), before + price());
        assert_eq!(streamed(8), None);
    });
}

#[test]
fn supply_should_fail_when_the_sample_is_wrong_or_not_demanded() {
    build_and_execute(|| {
        admitted();
        assert_noop!(supply(VIC, 3), Error::<Test>::NoDemand);
        assert_ok!(demand(MIA, 0, 3));
        let wrong = |opening: SampleOpening| {
            let call = Registry::supply_sample(RuntimeOrigin::signed(VIC), 0, 3, opening);
            assert_noop!(call, Error::<Test>::SampleProof);
        };
        wrong(opening(4));
        let mut other = opening(3);
        other.window[0] ^= 1;
        wrong(other);
        let mut short = opening(3);
        short.window.pop();
        wrong(short);
        let mut long = opening(3);
        long.proof.try_push(H256::zero()).unwrap();
        wrong(long);
        let unknown = Registry::supply_sample(RuntimeOrigin::signed(VIC), 7, 3, opening(3));
        assert_noop!(unknown, Error::<Test>::DatasetUnknown);
        let unsigned = Registry::supply_sample(RuntimeOrigin::root(), 0, 3, opening(3));
        assert_noop!(unsigned, DispatchError::BadOrigin);
        assert_ok!(supply(VIC, 3));
    });
}
