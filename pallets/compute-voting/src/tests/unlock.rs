// SPDX-License-Identifier: GPL-3.0-or-later
//! `unlock`.

use super::*;

#[test]
fn unlock_should_free_down_to_what_other_votes_and_classes_need() {
    build_and_execute(|| {
        for (poll, tokens) in [(0, 1_000), (1, 600), (2, 400)] {
            let vote = aye(NoConviction, tokens * DREAM);
            assert_ok!(ConvictionVoting::vote(signed(ANNA), poll, vote));
        }
        assert_eq!(frozen(ANNA), 1_000 * DREAM);
        let free = |poll, class, left| {
            assert_ok!(ConvictionVoting::remove_vote(signed(ANNA), None, poll));
            assert_ok!(ConvictionVoting::unlock(signed(CARA), class, ANNA));
            assert_eq!(frozen(ANNA), left * DREAM);
            System::assert_last_event(Event::VoteUnlocked { who: ANNA, class }.into());
        };
        free(0, 0, 600);
        free(1, 0, 400);
        free(2, 1, 0);
        assert!(!ClassLocksFor::<Test>::contains_key(ANNA));
    });
}

#[test]
fn unlock_should_fail_when_all_of_it_is_needed() {
    build_and_execute(|| {
        let vote = aye(Locked1x, 1_000 * DREAM);
        assert_ok!(ConvictionVoting::vote(signed(ANNA), 0, vote));
        assert_ok!(ConvictionVoting::vote(signed(ANNA), 1, vote));
        assert_noop!(
            ConvictionVoting::unlock(signed(ANNA), 0, ANNA),
            Error::<Test>::NoPermissionYet
        );
        // The other vote still needs as much.
        assert_ok!(ConvictionVoting::remove_vote(signed(ANNA), None, 0));
        assert_noop!(
            ConvictionVoting::unlock(signed(ANNA), 0, ANNA),
            Error::<Test>::NoPermissionYet
        );
        assert_eq!(frozen(ANNA), 1_000 * DREAM);
    });
}

#[test]
fn unlock_of_nothing_should_write_nothing() {
    build_and_execute(|| {
        assert_ok!(ConvictionVoting::unlock(signed(ANNA), 2, BERT));
        assert!(!VotingFor::<Test>::contains_key(BERT, 2));
        assert!(!ClassLocksFor::<Test>::contains_key(BERT));
    });
}
