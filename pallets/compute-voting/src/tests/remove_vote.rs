// SPDX-License-Identifier: GPL-3.0-or-later
//! `remove_vote` and `remove_other_vote`.

use super::*;

fn voted(poll: u32) {
    for (who, vote) in [
        (ANNA, aye(Locked3x, 1_000 * DREAM)),
        (BERT, nay(NoConviction, 700 * DREAM)),
    ] {
        assert_ok!(ConvictionVoting::vote(signed(who), poll, vote));
    }
}

#[test]
fn remove_vote_should_restore_the_tally_exactly() {
    build_and_execute(|| {
        voted(0);
        let before = tally(0);
        for vote in [
            aye(Locked6x, 123_456_789),
            nay(NoConviction, 7),
            AccountVote::Split {
                aye: 9_999_999_999_999,
                nay: 1,
            },
            AccountVote::SplitAbstain {
                aye: 3,
                nay: 5 * DREAM,
                abstain: 11,
            },
        ] {
            assert_ok!(ConvictionVoting::vote(signed(CARA), 0, vote));
            // Whatever happens to credits and issuance in between.
            Ledger::grant(CARA, 12_345);
            assert_ok!(Balances::mint_into(&WHALE, 5 * DREAM));
            assert_ok!(ConvictionVoting::remove_vote(signed(CARA), None, 0));
            assert_eq!(tally(0), before);
            assert_eq!(AppliedVotes::<Test>::get(0, CARA), None);
            System::assert_last_event(
                Event::VoteRemoved {
                    who: CARA,
                    vote,
                    poll_index: 0,
                }
                .into(),
            );
        }
    });
}

#[test]
fn removed_vote_that_won_should_stay_frozen_for_its_conviction() {
    build_and_execute(|| {
        voted(0);
        System::set_block_number(START + 10);
        end(0, true);
        assert_ok!(ConvictionVoting::remove_vote(signed(ANNA), Some(0), 0));
        assert_eq!(AppliedVotes::<Test>::get(0, ANNA), None);
        // Locked3x is four periods.
        System::set_block_number(START + 10 + 4 * PERIOD - 1);
        assert_noop!(
            ConvictionVoting::unlock(signed(ANNA), 0, ANNA),
            Error::<Test>::NoPermissionYet
        );
        System::set_block_number(START + 10 + 4 * PERIOD);
        assert_ok!(ConvictionVoting::unlock(signed(ANNA), 0, ANNA));
        assert_eq!(frozen(ANNA), 0);
        assert!(!VotingFor::<Test>::contains_key(ANNA, 0));
        assert!(!ClassLocksFor::<Test>::contains_key(ANNA));
    });
}

#[test]
fn removed_vote_should_be_free_at_once_when_it_lost_or_the_poll_was_cancelled() {
    build_and_execute(|| {
        voted(0);
        voted(1);
        end(0, false);
        cancel(1);
        for poll in [0, 1] {
            assert_ok!(ConvictionVoting::remove_vote(signed(ANNA), Some(0), poll));
        }
        assert_ok!(ConvictionVoting::unlock(signed(ANNA), 0, ANNA));
        assert_eq!(frozen(ANNA), 0);
    });
}

#[test]
fn others_should_remove_a_vote_only_when_nothing_of_it_stays_frozen() {
    build_and_execute(|| {
        voted(0);
        let remove = |who| ConvictionVoting::remove_other_vote(signed(CARA), who, 0, 0);
        assert_noop!(remove(ANNA), Error::<Test>::NoPermission);
        end(0, true);
        assert_noop!(remove(ANNA), Error::<Test>::NoPermissionYet);
        // Bert lost.
        assert_ok!(remove(BERT));
        System::set_block_number(START + 4 * PERIOD);
        assert_ok!(remove(ANNA));
        assert_eq!(AppliedVotes::<Test>::iter().count(), 0);
    });
}
