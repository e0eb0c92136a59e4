// SPDX-License-Identifier: GPL-3.0-or-later
//! `poke`.

use super::*;
use polkadot_sdk::frame_support::dispatch::Pays;

#[test]
fn poke_should_take_revoked_credits_out_of_a_vote_and_cost_nothing() {
    build_and_execute(|| {
        for (who, vote) in [
            (ANNA, aye(Locked3x, 1_000 * DREAM)),
            (BERT, nay(Locked1x, 1_000 * DREAM)),
        ] {
            assert_ok!(ConvictionVoting::vote(signed(who), 0, vote));
        }
        Ledger::revoke(ANNA);
        // Nothing changes by itself.
        assert_eq!(tally(0).0, 30_000 * DREAM);
        let done = ConvictionVoting::poke(signed(CARA), ANNA, 0).unwrap();
        assert_eq!(done.pays_fee, Pays::No);
        assert_eq!(tally(0), (0, 20_000 * DREAM, 0));
        System::assert_last_event(
            Event::Poked {
                who: ANNA,
                poll_index: 0,
                own: 0,
                delegated: 0,
            }
            .into(),
        );
        // Another vote or a removal finds the tally as it must be.
        assert_ok!(ConvictionVoting::remove_vote(signed(ANNA), None, 0));
        assert_eq!(tally(0), (0, 20_000 * DREAM, 0));
    });
}

#[test]
fn poke_should_reach_what_was_delegated() {
    build_and_execute(|| {
        for who in [BERT, CARA] {
            assert_ok!(ConvictionVoting::delegate(
                signed(who),
                0,
                ANNA,
                Locked1x,
                1_000 * DREAM
            ));
        }
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            nay(Locked1x, 1_000 * DREAM)
        ));
        assert_eq!(tally(0), (0, 35_000 * DREAM, 0));
        Ledger::revoke(BERT);
        assert_ok!(ConvictionVoting::poke(signed(CARA), ANNA, 0));
        assert_eq!(tally(0), (0, 15_000 * DREAM, 0));
        assert_ok!(ConvictionVoting::undelegate(signed(BERT), 0));
        assert_eq!(tally(0), (0, 15_000 * DREAM, 0));
    });
}

#[test]
fn poke_should_never_raise_a_weight() {
    build_and_execute(|| {
        assert_ok!(ConvictionVoting::vote(
            signed(ANNA),
            0,
            aye(Locked1x, 500 * DREAM)
        ));
        let before = tally(0);
        // More credits, more tokens, more issuance, and time that passes.
        Ledger::grant(ANNA, 50_000);
        assert_ok!(Balances::mint_into(&ANNA, 50_000 * DREAM));
        System::set_block_number(START + 5 * EPOCH);
        assert_noop!(
            ConvictionVoting::poke(signed(BERT), ANNA, 0),
            Error::<Test>::NothingToPoke
        );
        assert_eq!(tally(0), before);
    });
}

#[test]
fn credits_granted_after_a_revocation_should_count_in_later_polls_only() {
    build_and_execute(|| {
        Ledger::revoke(ANNA);
        Ledger::grant(ANNA, 9_000);
        System::set_block_number(START + EPOCH);
        submit(3, 0);
        for poll in [0, 3] {
            assert_ok!(ConvictionVoting::vote(
                signed(ANNA),
                poll,
                aye(Locked1x, 1_000 * DREAM)
            ));
        }
        assert_eq!(weight(ANNA, 0), 0);
        // Half of all: 9000 new ones beside 9000 old ones that have decayed a little.
        let half = 22_360 * DREAM;
        assert!((half..half + half / 100).contains(&weight(ANNA, 3)));
    });
}

#[test]
fn tokens_of_a_slashed_bond_should_leave_their_vote_when_it_is_poked() {
    use polkadot_sdk::frame_support::traits::fungible::MutateHold;
    use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision, Restriction};
    build_and_execute(|| {
        let vote = |who, tokens| ConvictionVoting::vote(signed(who), 0, aye(Locked1x, tokens));
        assert_ok!(vote(ANNA, 1_000 * DREAM));
        // A freeze does not shield a bond, and who is paid from it may vote with its tokens again.
        let tokens = 750 * DREAM;
        assert_ok!(Balances::hold(&Held::Bond, &ANNA, tokens));
        assert_ok!(Balances::transfer_on_hold(
            &Held::Bond,
            &ANNA,
            &CARA,
            tokens,
            Precision::Exact,
            Restriction::Free,
            Fortitude::Force,
        ));
        assert_ok!(vote(CARA, 1_750 * DREAM));
        let again = weight(CARA, 0);
        assert_eq!(tally(0).0, 10_000 * DREAM + again);
        assert_ok!(ConvictionVoting::poke(signed(BERT), ANNA, 0));
        assert_eq!(tally(0).0, 5_000 * DREAM + again);
    });
}
