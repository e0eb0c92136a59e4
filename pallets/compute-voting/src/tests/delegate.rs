// SPDX-License-Identifier: GPL-3.0-or-later
//! `delegate` and `undelegate`.

use super::*;
use polkadot_sdk::pallet_conviction_voting::{Delegations, Voting};

fn delegate(who: AccountId, to: AccountId, conviction: Conviction, tokens: u128) {
    assert_ok!(ConvictionVoting::delegate(
        signed(who),
        0,
        to,
        conviction,
        tokens * DREAM
    ));
}

#[test]
fn delegation_should_add_the_delegators_own_weight_and_conviction() {
    build_and_execute(|| {
        // Before the vote of the target, and after it.
        delegate(BERT, ANNA, Locked3x, 1_000);
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            aye(Locked1x, 1_000 * DREAM)
        ));
        assert_eq!(tally(0), (70_000 * DREAM, 0, 30_000 * DREAM));
        delegate(CARA, ANNA, NoConviction, 1_000);
        assert_eq!(tally(0), (70_500 * DREAM, 0, 35_000 * DREAM));
        // What wallets show is the tokens.
        let Delegations { votes, capital } = delegations(ANNA);
        assert_eq!((votes, capital), (3_100 * DREAM, 2_000 * DREAM));
        // It follows the target's vote.
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            nay(Locked1x, 1_000 * DREAM)
        ));
        assert_eq!(tally(0), (0, 70_500 * DREAM, 0));
        // Not a split one, and not in other classes.
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            AccountVote::Split {
                aye: 1_000 * DREAM,
                nay: 0
            }
        ));
        assert_eq!(tally(0), (1_000 * DREAM, 0, 10_000 * DREAM));
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            2,
            aye(Locked1x, 1_000 * DREAM)
        ));
        assert_eq!(tally(2), (10_000 * DREAM, 0, 10_000 * DREAM));
    });
}

#[test]
fn whale_and_miner_should_not_make_weight_of_two_zeros() {
    build_and_execute(|| {
        delegate(WHALE, MINER, Locked6x, 100_000);
        assert_ok!(ConvictionVoting::vote(signed(MINER), 0, aye(Locked6x, 0)));
        assert_eq!(tally(0), (0, 0, 0));
        assert_ok!(ConvictionVoting::undelegate(signed(WHALE), 0));
        assert_ok!(ConvictionVoting::remove_vote(signed(MINER), None, 0));
        // Nor the other way round.
        assert_ok!(ConvictionVoting::delegate(
            signed(MINER),
            0,
            WHALE,
            Locked6x,
            0
        ));
        assert_ok!(ConvictionVoting::vote(
            signed(WHALE),
            0,
            aye(Locked6x, 100_000 * DREAM)
        ));
        assert_eq!(tally(0), (0, 0, 0));
    });
}

#[test]
fn undelegate_should_restore_the_tallies_exactly_and_keep_the_tokens_for_the_conviction() {
    build_and_execute(|| {
        for (poll, vote) in [(0, aye(Locked1x, 77 * DREAM)), (1, nay(Locked6x, 1_000))] {
            assert_ok!(ConvictionVoting::vote(signed(ANNA), poll, vote));
        }
        let before = (tally(0), tally(1));
        delegate(BERT, ANNA, Locked1x, 333);
        let during = (tally(0), tally(1));
        assert!(before.0 .0 < during.0 .0 && before.1 .1 < during.1 .1);
        Ledger::grant(BERT, 5_000);
        assert_ok!(Balances::mint_into(&WHALE, 5 * DREAM));
        assert_ok!(ConvictionVoting::undelegate(signed(BERT), 0));
        System::assert_last_event(Event::Undelegated(BERT, 0).into());
        assert_eq!((tally(0), tally(1)), before);
        assert!(!Delegators::<Test>::contains_key(ANNA, 0));
        System::set_block_number(START + PERIOD - 1);
        assert_noop!(
            ConvictionVoting::unlock(signed(BERT), 0, BERT),
            Error::<Test>::NoPermissionYet
        );
        System::set_block_number(START + PERIOD);
        assert_ok!(ConvictionVoting::unlock(signed(BERT), 0, BERT));
        assert_eq!(frozen(BERT), 0);
    });
}

#[test]
fn delegation_should_leave_polls_alone_that_are_over() {
    build_and_execute(|| {
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            aye(Locked1x, DREAM)
        ));
        end(0, true);
        delegate(BERT, ANNA, Locked1x, 10);
        assert_ok!(ConvictionVoting::undelegate(signed(BERT), 0));
        let applied = AppliedVotes::<Test>::get(0, ANNA).unwrap();
        assert!(applied.delegated.is_empty());
    });
}

#[test]
fn delegation_should_come_alive_again_when_its_target_stops_to_delegate() {
    build_and_execute(|| {
        delegate(CARA, BERT, Locked1x, 1_000);
        delegate(BERT, ANNA, Locked1x, 1_000);
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            aye(Locked1x, 1_000 * DREAM)
        ));
        // Only the first step counts.
        assert_eq!(tally(0).0, 30_000 * DREAM);
        assert_ok!(ConvictionVoting::undelegate(signed(BERT), 0));
        assert_ok!(ConvictionVoting::vote(
            signed(BERT),
            0,
            aye(Locked1x, 1_000 * DREAM)
        ));
        assert_eq!(tally(0).0, 35_000 * DREAM);
    });
}

/// Has four times the tokens and as many credits as the lightest of a [`crowd`]: it weighs just twice as much.
const TWICE: AccountId = 99;

/// So many delegators of Anna's with 100 DREAM and `units` credits each, in a poll of its own.
fn crowd(units: u128) {
    System::set_block_number(START + EPOCH);
    for i in 0..u64::from(MAX_DELEGATORS) {
        assert_ok!(Balances::mint_into(&(100 + i), 100 * DREAM));
        // The first is the lightest.
        Ledger::grant(100 + i, units + u128::from(i));
    }
    assert_ok!(Balances::mint_into(&TWICE, 400 * DREAM));
    Ledger::grant(TWICE, units);
    System::set_block_number(START + 2 * EPOCH);
    submit(3, 0);
    for i in 0..u64::from(MAX_DELEGATORS) {
        delegate(100 + i, ANNA, NoConviction, 100);
    }
    assert_ok!(ConvictionVoting::vote(
        signed(ANNA),
        3,
        aye(Locked1x, 1_000 * DREAM)
    ));
}

#[test]
fn heavier_delegator_should_take_the_place_of_the_lightest_when_the_list_is_full() {
    build_and_execute(|| {
        crowd(10);
        let before = tally(3);
        // Tokens alone displace nobody.
        assert_noop!(
            ConvictionVoting::delegate(signed(WHALE), 0, ANNA, Locked6x, 100_000 * DREAM),
            Error::<Test>::DelegatorsFull
        );
        let bert = weight_of(BERT);
        let lightest = delegated(100);
        assert!(bert > 2 * lightest);
        delegate(BERT, ANNA, Locked1x, 1_000);
        System::assert_has_event(Event::Undelegated(100, 0).into());
        assert_eq!(
            tally(3),
            (
                before.0 - lightest / 10 + bert,
                0,
                before.2 - lightest + bert
            )
        );
        assert_ok!(ConvictionVoting::unlock(signed(BERT), 0, 100));
        assert_eq!(frozen(100), 0);
    });
}

#[test]
fn delegator_should_be_refused_when_it_is_not_twice_as_heavy_as_the_lightest() {
    build_and_execute(|| {
        crowd(5_000);
        assert_noop!(
            ConvictionVoting::delegate(signed(TWICE), 0, ANNA, Locked6x, 399 * DREAM),
            Error::<Test>::DelegatorsFull
        );
        delegate(TWICE, ANNA, NoConviction, 400);
        System::assert_has_event(Event::Undelegated(100, 0).into());
    });
}

#[test]
fn weightless_delegators_should_keep_nobody_out_when_they_fill_the_list() {
    build_and_execute(|| {
        for i in 0..u64::from(MAX_DELEGATORS) {
            delegate(100 + i, ANNA, Locked6x, 0);
        }
        // One more of them finds no place; who weighs anything does.
        assert_noop!(
            ConvictionVoting::delegate(signed(WHALE), 0, ANNA, Locked6x, 100_000 * DREAM),
            Error::<Test>::DelegatorsFull
        );
        assert_ok!(ConvictionVoting::delegate(
            signed(CARA),
            0,
            ANNA,
            NoConviction,
            1
        ));
        let list = Delegators::<Test>::get(ANNA, 0);
        assert!(list.is_full() && list.iter().any(|d| d.account == CARA));
    });
}

#[test]
fn later_delegation_should_not_shorten_the_lock_of_an_earlier_one() {
    build_and_execute(|| {
        delegate(BERT, ANNA, Locked3x, 700);
        assert_ok!(ConvictionVoting::undelegate(signed(BERT), 0));
        let free = START + 4 * PERIOD;
        // Neither do a delegation and a vote without conviction, of fewer tokens.
        delegate(BERT, CARA, NoConviction, 1);
        System::set_block_number(START + PERIOD);
        assert_ok!(ConvictionVoting::undelegate(signed(BERT), 0));
        let vote = aye(NoConviction, DREAM);
        assert_ok!(ConvictionVoting::vote(signed(BERT), 0, vote));
        assert_ok!(ConvictionVoting::remove_vote(signed(BERT), None, 0));
        System::set_block_number(free - 1);
        assert_noop!(
            ConvictionVoting::unlock(signed(BERT), 0, BERT),
            Error::<Test>::NoPermissionYet
        );
        assert_eq!(frozen(BERT), 700 * DREAM);
        System::set_block_number(free);
        assert_ok!(ConvictionVoting::unlock(signed(BERT), 0, BERT));
        assert_eq!(frozen(BERT), 0);
    });
}

#[test]
fn record_of_a_poll_that_is_over_should_stay_when_a_delegation_ends() {
    build_and_execute(|| {
        delegate(BERT, ANNA, Locked1x, 1_000);
        let vote = aye(Locked1x, 1_000 * DREAM);
        assert_ok!(ConvictionVoting::vote(signed(ANNA), 0, vote));
        let applied = AppliedVotes::<Test>::get(0, ANNA);
        end(0, true);
        assert_ok!(ConvictionVoting::undelegate(signed(BERT), 0));
        assert_eq!(AppliedVotes::<Test>::get(0, ANNA), applied);
        assert_ok!(ConvictionVoting::do_try_state());
        assert_ok!(ConvictionVoting::remove_vote(signed(ANNA), Some(0), 0));
        assert_eq!(AppliedVotes::<Test>::get(0, ANNA), None);
    });
}

/// What 1000 DREAM of an account weigh in poll 3.
fn weight_of(who: AccountId) -> u128 {
    let basis = ConvictionVoting::basis(3).unwrap();
    ConvictionVoting::term(&basis, &who, 1_000 * DREAM).weight
}

/// What an account adds to Anna's vote in poll 3.
fn delegated(who: AccountId) -> u128 {
    let applied = AppliedVotes::<Test>::get(3, ANNA).unwrap();
    let found = applied.delegated.iter().find(|d| d.account == who);
    found.unwrap().term.weight
}

fn delegations(who: AccountId) -> Delegations<u128> {
    match VotingFor::<Test>::get(who, 0) {
        Voting::Casting(casting) => casting.delegations,
        Voting::Delegating(delegating) => delegating.delegations,
    }
}
