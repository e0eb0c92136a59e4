// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{Bonds, Error, Event, HoldReason};
use polkadot_sdk::frame_support::traits::fungible::InspectHold;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn bond_should_hold_tokens_and_add_up() {
    build_and_execute(|| {
        assert_ok!(UsefulWork::bond(origin(1), 5 * DREAM));
        assert_ok!(UsefulWork::bond(origin(1), 7 * DREAM));
        assert_eq!(Bonds::<Test>::get(1).unwrap().total, 12 * DREAM);
        assert_eq!(
            Balances::balance_on_hold(&HoldReason::Bond.into(), &1),
            12 * DREAM
        );
        System::assert_last_event(
            Event::Bonded {
                account: 1,
                amount: 7 * DREAM,
            }
            .into(),
        );
    });
}

#[test]
fn bond_should_fail_when_zero_or_above_the_balance() {
    build_and_execute(|| {
        assert_noop!(UsefulWork::bond(origin(1), 0), Error::<Test>::ZeroAmount);
        assert!(UsefulWork::bond(origin(1), 200_000 * DREAM).is_err());
        assert_eq!(Bonds::<Test>::get(1), None);
    });
}

#[test]
fn bond_should_fail_when_added_to_too_often_in_a_round() {
    build_and_execute(|| {
        for _ in 0..crate::MAX_YOUNG {
            assert_ok!(UsefulWork::bond(origin(1), DREAM));
        }
        assert_noop!(
            UsefulWork::bond(origin(1), DREAM),
            Error::<Test>::TooManyAdditions
        );
        System::set_block_number(2);
        assert_ok!(UsefulWork::bond(origin(1), DREAM));
        assert_eq!(Bonds::<Test>::get(1).unwrap().young.len(), 1);
    });
}

#[test]
fn unbond_should_free_tokens_only_after_the_period() {
    build_and_execute(|| {
        let period = PARAMETERS.with_borrow(|p| p.bonds.unbonding_blocks);
        assert_ok!(UsefulWork::bond(origin(1), 12 * DREAM));
        assert_noop!(UsefulWork::unbond(origin(1), 0), Error::<Test>::ZeroAmount);
        assert_noop!(
            UsefulWork::unbond(origin(1), 13 * DREAM),
            Error::<Test>::BondTooSmall
        );
        assert_noop!(
            UsefulWork::unbond(origin(2), DREAM),
            Error::<Test>::BondTooSmall
        );
        assert_noop!(
            UsefulWork::withdraw_unbonded(origin(1)),
            Error::<Test>::NothingUnbonding
        );
        assert_ok!(UsefulWork::unbond(origin(1), 5 * DREAM));
        assert_noop!(
            UsefulWork::unbond(origin(1), DREAM),
            Error::<Test>::AlreadyUnbonding
        );
        System::set_block_number(period);
        assert_noop!(
            UsefulWork::withdraw_unbonded(origin(1)),
            Error::<Test>::StillUnbonding
        );
        System::set_block_number(period + 1);
        assert_ok!(UsefulWork::withdraw_unbonded(origin(1)));
        assert_eq!(Bonds::<Test>::get(1).unwrap().total, 7 * DREAM);
        assert_eq!(
            Balances::balance_on_hold(&HoldReason::Bond.into(), &1),
            7 * DREAM
        );
        assert_ok!(UsefulWork::unbond(origin(1), 7 * DREAM));
        System::set_block_number(2 * period + 2);
        assert_ok!(UsefulWork::withdraw_unbonded(origin(1)));
        assert_eq!(Bonds::<Test>::get(1), None);
    });
}

#[test]
fn unbond_should_fail_when_the_bond_is_locked_for_a_claim() {
    build_and_execute(|| {
        train();
        Trace::new(1, R1).submit();
        assert_noop!(
            UsefulWork::unbond(origin(1), 19_001 * DREAM),
            Error::<Test>::BondTooSmall
        );
        assert_ok!(UsefulWork::unbond(origin(1), 19_000 * DREAM));
    });
}

#[test]
fn seat_should_reach_what_is_unbonding_and_hold_it_until_the_round_vests() {
    build_and_execute(|| {
        train();
        let trace = Trace::new(1, R1);
        trace.submit();
        run_to(R1, Phase::Drawing);
        for v in VERIFIERS {
            assert_ok!(UsefulWork::unbond(origin(v), 20_000 * DREAM));
        }
        run_to(R1, Phase::Opening);
        let seat = trace.seats()[0];
        assert_eq!(Bonds::<Test>::get(seat).unwrap().locked, 100 * DREAM);
        let now = System::block_number();
        let period = PARAMETERS.with_borrow(|p| p.bonds.unbonding_blocks);
        System::set_block_number(now + period);
        assert_noop!(
            UsefulWork::withdraw_unbonded(origin(seat)),
            Error::<Test>::StillLocked
        );
        System::set_block_number(now);
    });
}

#[test]
fn outside_lock_should_take_a_free_part_and_give_it_back() {
    use dream_primitives::registry::BondLedger;
    type Ledger = crate::Pallet<Test>;
    build_and_execute(|| {
        let locked = |account| Bonds::<Test>::get(account).unwrap().locked;
        assert!(!<Ledger as BondLedger<u64>>::lock(&1, DREAM));
        assert_ok!(UsefulWork::bond(origin(1), 10 * DREAM));
        assert_eq!(<Ledger as BondLedger<u64>>::since(&1), Some(1));
        assert_eq!(<Ledger as BondLedger<u64>>::counted(&1, 1), 0);
        assert_eq!(<Ledger as BondLedger<u64>>::counted(&1, 2), 10 * DREAM);
        assert!(!<Ledger as BondLedger<u64>>::lock(&1, 11 * DREAM));
        assert!(<Ledger as BondLedger<u64>>::lock(&1, 6 * DREAM));
        let more = <Ledger as BondLedger<u64>>::lock_up_to(&1, 6 * DREAM);
        assert_eq!((more, locked(1)), (4 * DREAM, 10 * DREAM));
        assert_noop!(
            UsefulWork::unbond(origin(1), DREAM),
            Error::<Test>::BondTooSmall
        );
        <Ledger as BondLedger<u64>>::unlock(&1, 9 * DREAM);
        assert_eq!(
            (<Ledger as BondLedger<u64>>::locked(&1), locked(1)),
            (DREAM, DREAM)
        );
        <Ledger as BondLedger<u64>>::unlock(&1, DREAM);
        assert!(!crate::OutsideLocks::<Test>::contains_key(1));
    });
}

#[test]
fn outside_lock_should_be_slashed_and_burned_as_any_other() {
    use dream_primitives::registry::BondLedger;
    type Ledger = crate::Pallet<Test>;
    build_and_execute(|| {
        for account in [1, 2] {
            assert_ok!(UsefulWork::bond(origin(account), 10 * DREAM));
            assert!(<Ledger as BondLedger<u64>>::lock(&account, 8 * DREAM));
        }
        let before = Balances::free_balance(3);
        <Ledger as BondLedger<u64>>::slash(H256::zero(), vec![(1, 4 * DREAM)], vec![1, 3]);
        // Half is burned; who lost something is not among those who were right.
        assert_eq!(Balances::free_balance(3) - before, 2 * DREAM);
        assert_eq!(
            <Ledger as BondLedger<u64>>::burn(H256::zero(), &2, DREAM),
            DREAM
        );
        let of = |a| Bonds::<Test>::get(a).map(|b| (b.total, b.locked)).unwrap();
        assert_eq!(of(1), (6 * DREAM, 4 * DREAM));
        assert_eq!(of(2), (9 * DREAM, 7 * DREAM));
        assert_eq!(<Ledger as BondLedger<u64>>::locked(&1), 4 * DREAM);
        assert_eq!(<Ledger as BondLedger<u64>>::locked(&2), 7 * DREAM);
    });
}
