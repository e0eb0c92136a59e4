// SPDX-License-Identifier: GPL-3.0-or-later
//! Frozen branches: no round opens, the head stands, a revert still replays.

use super::models::*;
use super::*;
use crate::{Bonds, CurrentRound, Error, Replays};
use dream_primitives::round::Role;
use polkadot_sdk::frame_support::assert_noop;

fn set_frozen(frozen: bool) {
    BRANCH.with_borrow_mut(|b| b.frozen = frozen);
}

fn head() -> H256 {
    BRANCH.with_borrow(|b| b.head)
}

fn rounds() -> Option<u32> {
    CurrentRound::<Test>::get(0)
}

#[test]
fn round_should_not_open_on_a_frozen_branch() {
    build_and_execute(|| {
        admit();
        set_frozen(true);
        run_blocks(50);
        assert_eq!(rounds(), None);
        set_frozen(false);
        run_blocks(1);
        assert_eq!(rounds(), Some(1));
    });
}

#[test]
fn round_of_a_funded_branch_should_not_open_while_it_is_frozen() {
    build_and_execute(|| {
        let fund = || UsefulWork::fund_branch(origin(1), 0, 5_000 * DREAM, 1_000 * DREAM, 1);
        set_frozen(true);
        assert_noop!(fund(), Error::<Test>::BranchFrozen);
        set_frozen(false);
        assert_ok!(fund());
        set_frozen(true);
        run_blocks(50);
        assert_eq!(rounds(), None);
        // What nothing can be trained for is its owner's.
        assert_ok!(UsefulWork::withdraw_escrow(origin(1), 0, 5_000 * DREAM));
    });
}

#[test]
fn open_round_should_be_paid_but_not_move_the_head_of_a_frozen_branch() {
    build_and_execute(|| {
        let first = real_model();
        train();
        let traces = accepted_round(1, &MINERS);
        let before = head();
        set_frozen(true);
        post_model(3, R1, &first.merged(&recipe(), &deltas_of(R1)));
        run_to(R1, Phase::Vesting);
        assert_eq!(head(), before);
        let locked = |who| Bonds::<Test>::get(who).unwrap().locked;
        assert!(traces.iter().all(|t| !t.record().merged));
        let paid = |t: &Trace| {
            let receipts = t.record().receipts;
            receipts
                .iter()
                .any(|r| r.role == Role::Miner && r.amount > 0)
        };
        assert!(traces.iter().all(paid));
        run_to(R1, Phase::Closed);
        assert_eq!(MINERS.map(locked), [0; 3]);
        assert_eq!(rounds(), Some(1));
        // The next round trains from where the head stood.
        set_frozen(false);
        run_blocks(1);
        assert_eq!(Rounds::<Test>::get(round_id(2)).unwrap().base, before);
    });
}

#[test]
fn revert_should_replay_on_a_frozen_branch() {
    build_and_execute(|| {
        PARAMETERS.with_borrow_mut(|p| p.round.retention_rounds = 4);
        let first = real_model();
        train();
        let (second, claims) = whole_round(1, &MINERS, &first);
        run_to(round_id(2), Phase::Training);
        set_frozen(true);
        assert_ok!(UsefulWork::revert_claim(RuntimeOrigin::root(), claims[&1]));
        let replay = round_id(3);
        run_to(replay, Phase::Merging);
        let clean = first.merged(&recipe(), &deltas_of(replay));
        assert_ne!(clean.state_root(), second.state_root());
        post_model(3, replay, &clean);
        run_to(replay, Phase::Vesting);
        assert_eq!(head_header().state_root, clean.state_root());
        run_blocks(50);
        assert!(Replays::<Test>::get().is_empty());
        assert_eq!(rounds(), Some(3));
    });
}
