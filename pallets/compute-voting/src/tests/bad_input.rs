// SPDX-License-Identifier: GPL-3.0-or-later
//! What is refused, by name.

use super::*;
use codec::{Decode, Encode};
use dream_primitives::credits::RING;
use polkadot_sdk::pallet_conviction_voting::Vote;
use polkadot_sdk::sp_runtime::DispatchResult;

fn vote(who: AccountId, poll: u32, tokens: u128) -> DispatchResult {
    let done = ConvictionVoting::vote(signed(who), poll, aye(Locked1x, tokens * DREAM));
    done.map(|_| ()).map_err(|e| e.error)
}

#[test]
fn vote_should_fail_when_the_poll_is_unknown_or_over() {
    build_and_execute(|| {
        end(1, true);
        for poll in [1, 77] {
            assert_noop!(
                ConvictionVoting::vote(signed(ANNA), poll, aye(Locked1x, DREAM)),
                Error::<Test>::NotOngoing
            );
            assert_noop!(
                ConvictionVoting::poke(signed(ANNA), ANNA, poll),
                Error::<Test>::NotOngoing
            );
        }
    });
}

#[test]
fn vote_should_fail_when_it_names_more_tokens_than_there_are() {
    build_and_execute(|| {
        let more = 1_000 * DREAM + 1;
        for vote in [
            aye(Locked1x, more),
            AccountVote::Split {
                aye: 1_000 * DREAM,
                nay: 1,
            },
            AccountVote::Split {
                aye: u128::MAX,
                nay: u128::MAX,
            },
            AccountVote::SplitAbstain {
                aye: 1,
                nay: 1,
                abstain: u128::MAX,
            },
        ] {
            assert_noop!(
                ConvictionVoting::vote(signed(ANNA), 0, vote),
                Error::<Test>::InsufficientFunds
            );
        }
        assert_noop!(
            ConvictionVoting::delegate(signed(ANNA), 0, BERT, Locked1x, more),
            Error::<Test>::InsufficientFunds
        );
        assert_ok!(vote(ANNA, 0, 1_000));
    });
}

#[test]
fn conviction_should_not_be_expressible_in_split_votes_nor_above_six() {
    let split = AccountVote::Split {
        aye: 1u128,
        nay: 2u128,
    };
    // Variant and two amounts: no place for a conviction.
    assert_eq!(split.encode().len(), 1 + 2 * 16);
    let standard = aye(Locked6x, 1).encode();
    assert_eq!(standard[..2], [0, 0b1000_0110]);
    for byte in [7, 0b1000_0111, 127, 255] {
        assert!(Vote::decode(&mut [byte].as_slice()).is_err());
        let mut wrong = standard.clone();
        wrong[1] = byte;
        assert!(AccountVote::<u128>::decode(&mut wrong.as_slice()).is_err());
    }
}

#[test]
fn delegate_should_fail_to_oneself_in_a_circle_or_to_who_delegates() {
    build_and_execute(|| {
        let delegate = |who, to| ConvictionVoting::delegate(signed(who), 0, to, Locked1x, DREAM);
        assert_noop!(delegate(ANNA, ANNA), Error::<Test>::Nonsense);
        assert_ok!(delegate(ANNA, BERT));
        assert_noop!(delegate(BERT, ANNA), Error::<Test>::DelegationInCircle);
        assert_noop!(delegate(CARA, ANNA), Error::<Test>::TargetDelegates);
        assert_noop!(delegate(ANNA, CARA), Error::<Test>::AlreadyDelegating);
        // The longer circle ends at somebody who delegates.
        assert_ok!(delegate(BERT, CARA));
        assert_noop!(delegate(CARA, ANNA), Error::<Test>::TargetDelegates);
    });
}

#[test]
fn delegate_should_fail_when_the_class_is_unknown_or_the_account_votes() {
    build_and_execute(|| {
        assert_noop!(
            ConvictionVoting::delegate(signed(ANNA), 3, BERT, Locked1x, DREAM),
            Error::<Test>::BadClass
        );
        assert_ok!(vote(ANNA, 0, 1));
        assert_noop!(
            ConvictionVoting::delegate(signed(ANNA), 0, BERT, Locked1x, DREAM),
            Error::<Test>::AlreadyVoting
        );
    });
}

#[test]
fn undelegate_should_fail_without_a_delegation() {
    build_and_execute(|| {
        assert_noop!(
            ConvictionVoting::undelegate(signed(ANNA), 0),
            Error::<Test>::NotDelegating
        );
        assert_ok!(ConvictionVoting::delegate(
            signed(ANNA),
            0,
            BERT,
            Locked1x,
            DREAM
        ));
        assert_noop!(
            ConvictionVoting::undelegate(signed(ANNA), 1),
            Error::<Test>::NotDelegating
        );
    });
}

#[test]
fn delegating_account_should_neither_vote_nor_remove_votes() {
    build_and_execute(|| {
        assert_ok!(ConvictionVoting::delegate(
            signed(ANNA),
            0,
            BERT,
            Locked1x,
            DREAM
        ));
        assert_noop!(
            ConvictionVoting::vote(signed(ANNA), 0, aye(Locked1x, DREAM)),
            Error::<Test>::AlreadyDelegating
        );
        assert_noop!(
            ConvictionVoting::remove_vote(signed(ANNA), None, 0),
            Error::<Test>::NotVoter
        );
    });
}

#[test]
fn remove_vote_should_fail_without_a_vote_or_without_the_class_of_a_poll_that_is_over() {
    build_and_execute(|| {
        assert_noop!(
            ConvictionVoting::remove_vote(signed(ANNA), None, 0),
            Error::<Test>::NotVoter
        );
        assert_ok!(vote(ANNA, 0, 1));
        assert_noop!(
            ConvictionVoting::remove_vote(signed(ANNA), Some(1), 0),
            Error::<Test>::NotVoter
        );
        end(0, false);
        assert_noop!(
            ConvictionVoting::remove_vote(signed(ANNA), None, 0),
            Error::<Test>::ClassNeeded
        );
    });
}

#[test]
fn poke_should_fail_without_a_vote_or_a_difference() {
    build_and_execute(|| {
        assert_noop!(
            ConvictionVoting::poke(signed(BERT), ANNA, 0),
            Error::<Test>::NotVoter
        );
        assert_ok!(vote(ANNA, 0, 1));
        assert_noop!(
            ConvictionVoting::poke(signed(BERT), ANNA, 0),
            Error::<Test>::NothingToPoke
        );
    });
}

#[test]
fn vote_should_fail_when_the_poll_is_older_than_the_credits_that_are_kept() {
    build_and_execute(|| {
        assert_ok!(vote(ANNA, 0, 1_000));
        // The polls count credits of the epoch before the one in which they were submitted.
        System::set_block_number(START + (RING - 1) * EPOCH + EPOCH - 1);
        assert_ok!(vote(BERT, 0, 1_000));
        let before = tally(0);
        assert_eq!(before.0, 30_000 * DREAM);
        System::set_block_number(START + RING * EPOCH);
        assert_noop!(vote(CARA, 0, 1), Error::<Test>::SnapshotExpired);
        assert_noop!(
            ConvictionVoting::poke(signed(CARA), ANNA, 0),
            Error::<Test>::SnapshotExpired
        );
        // A delegation counts nothing there, and everything that stands can be removed.
        assert_ok!(ConvictionVoting::delegate(
            signed(CARA),
            0,
            ANNA,
            Locked1x,
            DREAM
        ));
        assert_eq!(tally(0), before);
        assert_ok!(ConvictionVoting::undelegate(signed(CARA), 0));
        for who in [ANNA, BERT] {
            assert_ok!(ConvictionVoting::remove_vote(signed(who), None, 0));
        }
        assert_eq!(tally(0), (0, 0, 0));
    });
}

#[test]
fn vote_should_fail_when_the_account_has_as_many_as_it_may() {
    build_and_execute(|| {
        for poll in 10..10 + MAX_VOTES {
            submit(poll, 0);
            assert_ok!(vote(ANNA, poll, 1));
        }
        assert_noop!(vote(ANNA, 0, 1), Error::<Test>::MaxVotesReached);
        // One that stands can still be changed.
        assert_ok!(vote(ANNA, 10, 2));
    });
}

#[test]
fn calls_should_need_a_signature() {
    use polkadot_sdk::sp_runtime::DispatchError::BadOrigin;
    build_and_execute(|| {
        let (root, none) = (RuntimeOrigin::root(), RuntimeOrigin::none());
        assert_noop!(
            ConvictionVoting::vote(root.clone(), 0, aye(Locked1x, 1)),
            BadOrigin
        );
        assert_noop!(
            ConvictionVoting::delegate(none.clone(), 0, 1, Locked1x, 1),
            BadOrigin
        );
        assert_noop!(ConvictionVoting::undelegate(none.clone(), 0), BadOrigin);
        assert_noop!(ConvictionVoting::unlock(none.clone(), 0, 1), BadOrigin);
        assert_noop!(
            ConvictionVoting::remove_vote(none.clone(), None, 0),
            BadOrigin
        );
        assert_noop!(
            ConvictionVoting::remove_other_vote(none.clone(), 1, 0, 0),
            BadOrigin
        );
        assert_noop!(ConvictionVoting::poke(none, 1, 0), BadOrigin);
    });
}
