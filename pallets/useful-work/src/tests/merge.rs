// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{Bonds, Error};
use dream_primitives::recipe::ServerOptimiser;
use dream_primitives::version::{contributions_root, Contribution};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn accepted() -> [Trace; 2] {
    train();
    let traces = [Trace::new(1, R1), Trace::new(2, R1)];
    traces.iter().for_each(Trace::submit);
    audit(&traces, |t, _| {
        Some(if t.account == 2 {
            t.other_report()
        } else {
            t.report()
        })
    });
    let other = traces[1].other_report().delta_root;
    judge(&traces[1], |_| {
        Some(ReplayReport {
            delta_root: other,
            ..traces[1].trial_report()
        })
    });
    run_to(R1, Phase::Merging);
    traces
}

#[test]
fn merge_should_become_the_head_after_the_window_and_hold_only_accepted_claims() {
    build_and_execute(|| {
        let traces = accepted();
        let base = BRANCH.with_borrow(|b| b.head);
        post_merge(3, R1);
        assert_eq!(Bonds::<Test>::get(3).unwrap().locked, 100 * DREAM);
        run_to(R1, Phase::Dispute);
        assert_eq!(BRANCH.with_borrow(|b| b.head), base);
        run_to(R1, Phase::Vesting);
        let header = HEADERS.with_borrow(|h| h[0]);
        assert_eq!(BRANCH.with_borrow(|b| b.head), header.hash());
        let only = Contribution {
            claim: traces[0].id(),
            delta_root: traces[0].claim.delta_root,
            weight: 8,
        };
        assert_eq!(header.contributions_root, contributions_root(&[only]));
        assert_eq!(states(&traces), [ClaimState::Merged, ClaimState::Slashed]);
        run_to(R1, Phase::Closed);
        assert_eq!(Bonds::<Test>::get(3).unwrap().locked, 0);
    });
}

#[test]
fn post_merge_should_name_what_is_wrong() {
    build_and_execute(|| {
        let post = |who, round, server_root, server_cid| {
            UsefulWork::post_merge(
                origin(who),
                round,
                H256::repeat_byte(1),
                server_root,
                cid(3),
                server_cid,
                BoundedVec::new(),
            )
        };
        accepted();
        let zero = H256::zero();
        assert_noop!(
            post(
                3,
                RoundId {
                    branch: 0,
                    number: 9
                },
                zero,
                None
            ),
            Error::<Test>::UnknownRound
        );
        assert_noop!(post(9, R1, zero, None), Error::<Test>::BondTooSmall);
        assert_noop!(
            post(3, R1, H256::repeat_byte(1), None),
            Error::<Test>::BadServerState
        );
        assert_noop!(
            post(3, R1, zero, Some(cid(4))),
            Error::<Test>::BadServerState
        );
        assert_ok!(post(3, R1, zero, None));
        assert_noop!(post(5, R1, zero, None), Error::<Test>::AlreadyMerged);
        run_to(R1, Phase::Dispute);
        assert_noop!(post(5, R1, zero, None), Error::<Test>::WrongPhase);
    });
}

#[test]
fn post_merge_should_need_moments_when_the_server_optimiser_has_them() {
    build_and_execute(|| {
        let server = ServerOptimiser::Nesterov {
            learning_rate: 1 << 15,
            momentum: 1 << 15,
        };
        BRANCH.with_borrow_mut(|b| b.recipe.server = server);
        accepted();
        let root = H256::repeat_byte(1);
        let post = |server_root, server_cid| {
            UsefulWork::post_merge(
                origin(3),
                R1,
                root,
                server_root,
                cid(3),
                server_cid,
                BoundedVec::new(),
            )
        };
        assert_noop!(
            post(H256::zero(), Some(cid(4))),
            Error::<Test>::BadServerState
        );
        assert_noop!(post(root, None), Error::<Test>::BadServerState);
        assert_ok!(post(root, Some(cid(4))));
    });
}

#[test]
fn merge_should_be_dropped_when_the_head_moved_under_it() {
    build_and_execute(|| {
        let traces = accepted();
        BRANCH.with_borrow_mut(|b| b.head = H256::repeat_byte(0xcc));
        let refused = UsefulWork::post_merge(
            origin(3),
            R1,
            H256::zero(),
            H256::zero(),
            cid(3),
            None,
            BoundedVec::new(),
        );
        assert_eq!(refused, Err(Error::<Test>::HeadMoved.into()));
        BRANCH.with_borrow_mut(|b| b.head = H256::repeat_byte(0xaa));
        post_merge(3, R1);
        BRANCH.with_borrow_mut(|b| b.head = H256::repeat_byte(0xcc));
        run_to(R1, Phase::Vesting);
        assert_eq!(BRANCH.with_borrow(|b| b.head), H256::repeat_byte(0xcc));
        assert_eq!(traces[0].record().state, ClaimState::Accepted);
        assert_eq!(Bonds::<Test>::get(3).unwrap().locked, 0);
    });
}

#[test]
fn round_should_go_on_to_pay_when_nobody_merges() {
    build_and_execute(|| {
        let traces = accepted();
        run_to(R1, Phase::Vesting);
        assert_eq!(traces[0].record().state, ClaimState::Accepted);
        assert!(!traces[0].record().receipts.is_empty());
    });
}
