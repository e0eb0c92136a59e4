// SPDX-License-Identifier: GPL-3.0-or-later
//! `vote`: what it weighs, freezes and replaces.

use super::*;

#[test]
fn votes_should_weigh_tokens_and_credits_together() {
    build_and_execute(|| {
        // A million DREAM are issued. 1000 DREAM with 10 %, 40 % and 2.5 % of the credits:
        // sqrt(1000 * 1000000 * 0.1) = 10000, and so on.
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            aye(Locked1x, 1_000 * DREAM)
        ));
        assert_eq!(tally(0), (10_000 * DREAM, 0, 10_000 * DREAM));
        assert_ok!(ConvictionVoting::vote(
            signed(BERT),
            0,
            nay(Locked3x, 1_000 * DREAM)
        ));
        assert_eq!(
            tally(0),
            (10_000 * DREAM, 3 * 20_000 * DREAM, 10_000 * DREAM)
        );
        assert_ok!(ConvictionVoting::vote(
            signed(CARA),
            0,
            aye(NoConviction, 1_000 * DREAM)
        ));
        assert_eq!(tally(0), (10_500 * DREAM, 60_000 * DREAM, 15_000 * DREAM));
        // A quarter of the tokens weighs half.
        assert_ok!(ConvictionVoting::vote(
            signed(BERT),
            1,
            aye(Locked1x, 250 * DREAM)
        ));
        assert_eq!(tally(1), (10_000 * DREAM, 0, 10_000 * DREAM));
    });
}

#[test]
fn vote_should_be_accepted_and_weigh_nothing_when_tokens_or_credits_are_missing() {
    build_and_execute(|| {
        assert_ok!(ConvictionVoting::vote(
            signed(WHALE),
            0,
            aye(Locked6x, 100_000 * DREAM)
        ));
        assert_ok!(ConvictionVoting::vote(signed(MINER), 0, aye(Locked6x, 0)));
        assert_eq!(tally(0), (0, 0, 0));
        assert_eq!(frozen(WHALE), 100_000 * DREAM);
        assert_eq!(
            VotingFor::<Test>::get(WHALE, 0).locked_balance(),
            100_000 * DREAM
        );
    });
}

#[test]
fn split_votes_should_divide_one_weight_in_proportion_and_have_no_conviction() {
    build_and_execute(|| {
        let (aye, nay) = (300 * DREAM, 100 * DREAM);
        // 400 DREAM and 40 % of the credits weigh sqrt(400 * 1000000 * 0.4) = 12649.11...
        let weight = 12_649_110_640_673_517;
        assert_ok!(ConvictionVoting::vote(
            signed(BERT),
            0,
            AccountVote::Split { aye, nay }
        ));
        let (three, one) = (weight / 4 * 3, weight / 4);
        let (ayes, nays, support) = tally(0);
        assert_eq!((ayes / 10, nays / 10), (three / 100, one / 100));
        assert!(support.abs_diff(three) <= 3);
        let abstain = 400 * DREAM;
        assert_ok!(ConvictionVoting::vote(
            signed(BERT),
            0,
            AccountVote::SplitAbstain { aye, nay, abstain }
        ));
        // 800 DREAM: ayes 3/8, nays 1/8, and half of the weight abstains, which is support.
        let weight = 17_888_543_819_998_317;
        let (ayes, nays, support) = tally(0);
        assert_eq!(
            (ayes / 10, nays / 10),
            (weight * 3 / 8 / 100, weight / 8 / 100)
        );
        assert!(support.abs_diff(weight / 8 * 7) <= 8);
    });
}

#[test]
fn changed_vote_should_leave_nothing_of_the_old_one() {
    build_and_execute(|| {
        for vote in [
            aye(Locked6x, 1_000 * DREAM),
            AccountVote::Split { aye: 5, nay: 77 },
            nay(Locked3x, 400 * DREAM),
            aye(Locked1x, 0),
        ] {
            assert_ok!(ConvictionVoting::vote(signed(ANNA), 0, vote));
        }
        assert_eq!(tally(0), (0, 0, 0));
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            aye(Locked1x, 1_000 * DREAM)
        ));
        assert_eq!(tally(0), (10_000 * DREAM, 0, 10_000 * DREAM));
        assert_eq!(frozen(ANNA), 1_000 * DREAM);
    });
}

#[test]
fn credits_should_count_as_of_the_epoch_before_the_submission() {
    build_and_execute(|| {
        // Granted in the epoch of the submission: too late for the polls that are open.
        Ledger::grant(WHALE, 10_000);
        assert_ok!(ConvictionVoting::vote(
            signed(WHALE),
            0,
            aye(Locked1x, 100_000 * DREAM)
        ));
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            aye(Locked1x, 1_000 * DREAM)
        ));
        assert_eq!(tally(0), (10_000 * DREAM, 0, 10_000 * DREAM));
        System::set_block_number(START + EPOCH);
        assert_eq!(weight(ANNA, 0), 10_000 * DREAM);
        submit(3, 0);
        assert_ok!(ConvictionVoting::vote(
            signed(WHALE),
            3,
            aye(Locked1x, 100_000 * DREAM)
        ));
        // Half of the credits, but for what the older half has decayed.
        let half = 223_606 * DREAM;
        assert!((half..half + half / 100).contains(&weight(WHALE, 3)));
        let vote = AppliedVotes::<Test>::get(3, WHALE).unwrap();
        assert_eq!(vote.epoch, Some(3));
        assert_eq!(vote.own.issuance, 1_000_000 * DREAM);
    });
}

#[test]
fn nobody_should_weigh_anything_in_polls_of_the_first_epoch() {
    build_and_execute(|| {
        System::set_block_number(EPOCH - 1);
        submit(3, 0);
        System::set_block_number(START);
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            3,
            aye(Locked1x, 1_000 * DREAM)
        ));
        assert_eq!(tally(3), (0, 0, 0));
        assert_eq!(AppliedVotes::<Test>::get(3, ANNA).unwrap().epoch, None);
    });
}

#[test]
fn frozen_tokens_should_not_be_transferred_and_vote_again() {
    build_and_execute(|| {
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            aye(NoConviction, 1_000 * DREAM)
        ));
        assert_noop!(
            Balances::transfer_allow_death(signed(ANNA), BERT, DREAM),
            TokenError::Frozen
        );
        // Off the tally first, then free.
        assert_ok!(ConvictionVoting::remove_vote(signed(ANNA), None, 0));
        assert_ok!(ConvictionVoting::unlock(signed(BERT), 0, ANNA));
        assert_ok!(Balances::transfer_allow_death(signed(ANNA), BERT, DREAM));
        assert_eq!(tally(0), (0, 0, 0));
    });
}

#[test]
fn tokens_that_are_set_aside_for_others_should_not_vote() {
    use polkadot_sdk::frame_support::traits::fungible::MutateHold;
    build_and_execute(|| {
        assert_ok!(Balances::hold(&Held::Escrow, &ANNA, 400 * DREAM));
        let too_many = 600 * DREAM + 1;
        assert_noop!(
            ConvictionVoting::vote(signed(ANNA), 0, aye(Locked6x, too_many)),
            Error::<Test>::InsufficientFunds
        );
        assert_noop!(
            ConvictionVoting::delegate(signed(ANNA), 0, BERT, Locked6x, too_many),
            Error::<Test>::InsufficientFunds
        );
        let view = ConvictionVoting::weight_view(&ANNA, 0).unwrap();
        assert_eq!(view.tokens, 600 * DREAM);
        let vote = aye(Locked6x, 600 * DREAM);
        assert_ok!(ConvictionVoting::vote(signed(ANNA), 0, vote));
        assert_eq!(weight(ANNA, 0), view.weight);
    });
}

#[test]
fn held_bond_should_vote_and_be_slashed_while_it_is_frozen() {
    use polkadot_sdk::frame_support::traits::fungible::{InspectHold, MutateHold};
    use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision};
    build_and_execute(|| {
        assert_ok!(Balances::hold(&Held::Bond, &ANNA, 900 * DREAM));
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            aye(Locked1x, 1_000 * DREAM)
        ));
        let slashed = Balances::burn_held(
            &Held::Bond,
            &ANNA,
            750 * DREAM,
            Precision::BestEffort,
            Fortitude::Force,
        );
        assert_eq!(slashed, Ok(750 * DREAM));
        assert_eq!(Balances::balance_on_hold(&Held::Bond, &ANNA), 150 * DREAM);
        // A quarter of the tokens is left: half of the weight.
        assert_ok!(ConvictionVoting::poke(signed(BERT), ANNA, 0));
        assert_eq!(tally(0), (5_000 * DREAM, 0, 5_000 * DREAM));
    });
}

#[test]
fn vote_should_say_what_it_weighs() {
    build_and_execute(|| {
        assert_ok!(ConvictionVoting::delegate(
            signed(BERT),
            0,
            ANNA,
            Locked1x,
            1_000 * DREAM
        ));
        let vote = aye(Locked6x, 1_000 * DREAM);
        assert_ok!(ConvictionVoting::vote(signed(ANNA), 0, vote));
        System::assert_has_event(
            Event::Voted {
                who: ANNA,
                vote,
                poll_index: 0,
            }
            .into(),
        );
        System::assert_has_event(
            Event::Weighed {
                who: ANNA,
                poll_index: 0,
                own: 10_000 * DREAM,
                delegated: 20_000 * DREAM,
            }
            .into(),
        );
    });
}
