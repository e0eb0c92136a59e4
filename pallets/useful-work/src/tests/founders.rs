// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{Bonds, Error, Event, FoundationRetired, HoldReason};
use dream_primitives::SUPPLY_CAP;
use polkadot_sdk::frame_support::traits::fungible::{Inspect, InspectHold, Mutate};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

/// Had nothing before genesis.
const FOUNDER: AccountId = 40;
const BOND: u128 = 20_000 * DREAM;

fn reach_bootstrap() {
    let goal = PARAMETERS.with_borrow(|p| p.rewards.bootstrap_issuance);
    Balances::mint_into(&888, goal - Balances::total_issuance()).unwrap();
}

#[test]
fn founding_bond_should_be_minted_and_held_at_genesis() {
    build_with(vec![(FOUNDER, BOND), (5, BOND)], || {
        let bond = Bonds::<Test>::get(FOUNDER).unwrap();
        assert_eq!((bond.total, bond.founding, bond.since), (BOND, BOND, 0));
        assert_eq!(
            Balances::balance_on_hold(&HoldReason::Bond.into(), &FOUNDER),
            BOND
        );
        assert_eq!(Balances::balance(&FOUNDER), Balances::minimum_balance());
        assert_eq!(Balances::balance(&5), 100_000 * DREAM);
        let endowed = 12 * 100_000 * DREAM;
        let deposit = Balances::minimum_balance();
        assert_eq!(Balances::total_issuance(), endowed + 2 * BOND + deposit);
    });
}

#[test]
#[should_panic(expected = "named twice")]
fn genesis_should_not_build_when_a_founder_is_named_twice() {
    build_with(vec![(FOUNDER, BOND), (FOUNDER, BOND)], || {});
}

#[test]
#[should_panic(expected = "passes the cap")]
fn genesis_should_not_build_when_founding_bonds_pass_the_cap() {
    build_with(vec![(FOUNDER, SUPPLY_CAP)], || {});
}

#[test]
fn founding_bond_should_not_be_released() {
    build_with(vec![(5, BOND)], || {
        let all = UsefulWork::unbond(origin(5), BOND);
        assert_noop!(all, Error::<Test>::FoundingBond);
        assert_noop!(
            UsefulWork::unbond(origin(5), 1),
            Error::<Test>::FoundingBond
        );
        // What it bonds itself is its own.
        assert_ok!(UsefulWork::bond(origin(5), 10 * DREAM));
        let more = UsefulWork::unbond(origin(5), 10 * DREAM + 1);
        assert_noop!(more, Error::<Test>::FoundingBond);
        assert_ok!(UsefulWork::unbond(origin(5), 10 * DREAM));
    });
}

#[test]
fn founding_bond_should_serve_and_be_slashed_as_any_other() {
    build_with(vec![(2, BOND)], || {
        train();
        let claim = PARAMETERS.with_borrow(|p| p.bonds.claim);
        Trace::new(2, R1).submit();
        run_to(R1, Phase::Opening);
        let issuance = Balances::total_issuance();
        // It never opens its start states.
        run_to(R1, Phase::Vesting);
        let bond = Bonds::<Test>::get(2).unwrap();
        assert_eq!(bond.total, BOND + 20_000 * DREAM - claim);
        assert_eq!(Balances::total_issuance(), issuance - claim);
        // The loss is its own part's first.
        assert_eq!(bond.founding, BOND);
        let free = bond.total - BOND;
        assert_noop!(
            UsefulWork::unbond(origin(2), free + 1),
            Error::<Test>::FoundingBond
        );
    });
}

#[test]
fn founder_should_retire_when_the_bootstrap_issuance_is_reached() {
    build_with(vec![(FOUNDER, BOND)], || {
        let retire = |founder| UsefulWork::retire_founder(origin(9), founder);
        assert_noop!(retire(FOUNDER), Error::<Test>::StillFounding);
        assert_noop!(retire(3), Error::<Test>::NoFounder);
        reach_bootstrap();
        let issuance = Balances::total_issuance();
        assert_ok!(retire(FOUNDER));
        assert_eq!(Balances::total_issuance(), issuance - BOND);
        assert_eq!(Bonds::<Test>::get(FOUNDER), None);
        System::assert_last_event(
            Event::FounderRetired {
                account: FOUNDER,
                amount: BOND,
                left: 0,
            }
            .into(),
        );
        assert_noop!(retire(FOUNDER), Error::<Test>::NoFounder);
    });
}

#[test]
fn second_founder_should_retire_when_the_first_ones_burn_brought_issuance_below_the_goal() {
    build_with(vec![(FOUNDER, BOND), (41, BOND)], || {
        reach_bootstrap();
        assert_ok!(UsefulWork::retire_founder(origin(9), FOUNDER));
        assert!(FoundationRetired::<Test>::get());
        assert_ok!(UsefulWork::retire_founder(origin(9), 41));
        assert_eq!(Bonds::<Test>::get(41), None);
    });
}

#[test]
fn locked_part_of_a_founding_bond_should_follow_and_be_locked_no_more() {
    build_with(vec![(FOUNDER, BOND)], || {
        let claim = PARAMETERS.with_borrow(|p| p.bonds.claim);
        assert_ok!(UsefulWork::lock(&FOUNDER, claim));
        reach_bootstrap();
        assert_ok!(UsefulWork::retire_founder(origin(9), FOUNDER));
        let bond = Bonds::<Test>::get(FOUNDER).unwrap();
        assert_eq!(
            (bond.total, bond.founding, bond.locked),
            (claim, claim, claim)
        );
        let again = UsefulWork::retire_founder(origin(9), FOUNDER);
        assert_noop!(again, Error::<Test>::FoundingBondLocked);
        UsefulWork::unlock(&FOUNDER, claim);
        let locked = UsefulWork::lock(&FOUNDER, 1);
        assert!(matches!(locked, Err(Error::<Test>::BondTooSmall)));
        assert_ok!(UsefulWork::retire_founder(origin(9), FOUNDER));
        assert_eq!(Bonds::<Test>::get(FOUNDER), None);
    });
}
