// SPDX-License-Identifier: GPL-3.0-or-later
//! Credits as of earlier epochs, and their removal.

use super::*;
use crate::{CreditHistory, Credits, Event, TotalHistory};
use dream_primitives::credits::{decay, RING};
use dream_primitives::registry::CreditSnapshots;

/// Makes a credit epoch so many blocks long.
fn epochs_of(blocks: u32) {
    PARAMETERS.with_borrow_mut(|p| p.rewards.credit_half_life = 64 * blocks);
}

#[test]
fn credits_should_be_told_as_of_the_end_of_each_epoch_of_the_ring() {
    build_and_execute(|| {
        epochs_of(10);
        let first = UsefulWork::credit_epoch() + 1;
        let at = |epoch: u32| System::set_block_number(epoch * 10);
        at(first);
        UsefulWork::grant_credits(&1, 600_000);
        UsefulWork::grant_credits(&2, 3_000_000);
        UsefulWork::grant_credits(&1, 400_000);
        at(first + 1);
        UsefulWork::grant_credits(&1, 500);
        at(first + 3);
        let second = decay(1_000_000, 1) + 500;
        let of = |account, epoch| UsefulWork::credits(&account, epoch);
        assert_eq!(of(1, first - 1), 0);
        assert_eq!(of(1, first), 1_000_000);
        assert_eq!(of(1, first + 1), second);
        assert_eq!(of(1, first + 2), decay(second, 1));
        assert_eq!(of(2, first + 2), decay(3_000_000, 2));
        assert_eq!(of(3, first + 2), 0);
        assert_eq!(UsefulWork::total(first), Some(4_000_000));
        // Not over yet.
        assert_eq!(UsefulWork::total(first + 3), None);
        at(first + RING);
        assert_eq!(of(1, first), 1_000_000);
        assert_eq!(UsefulWork::total(first), Some(4_000_000));
        at(first + RING + 1);
        assert_eq!(UsefulWork::total(first), None);
        assert_eq!(of(1, first + 1), second);
    });
}

#[test]
fn histories_should_stay_within_the_ring_however_often_credits_are_granted() {
    build_and_execute(|| {
        epochs_of(10);
        for epoch in 1..60 {
            System::set_block_number(epoch * 10);
            for account in [1, 2, 2] {
                UsefulWork::grant_credits(&account, 1_000);
            }
            UsefulWork::do_try_state().unwrap();
        }
        assert!(CreditHistory::<Test>::get(1).is_full());
        assert!(TotalHistory::<Test>::get().is_full());
    });
}

#[test]
fn lost_challenge_should_take_all_credits_of_the_miner_and_leave_the_totals_of_earlier_epochs() {
    build_and_execute(|| {
        epochs_of(20);
        UsefulWork::grant_credits(&1, 1_000_000);
        UsefulWork::grant_credits(&2, 2_000_000);
        let epoch = UsefulWork::credit_epoch();
        let [fake, _] = challenges::accepted();
        let before = (UsefulWork::credits(&1, epoch), UsefulWork::total(epoch));
        assert_eq!(before, (1_000_000, Some(3_000_000)));
        assert_ok!(UsefulWork::challenge(origin(9), fake.id(), 0));
        assert!(Credits::<Test>::get(1).amount > 0);
        // The miner opens nothing.
        run_blocks(PARAMETERS.with_borrow(|p| p.round.response_blocks));
        assert_eq!(fake.record().state, ClaimState::Slashed);
        assert!(!Credits::<Test>::contains_key(1));
        assert_eq!(UsefulWork::credits(&1, epoch), 0);
        assert_eq!(UsefulWork::credits(&2, epoch), 2_000_000);
        assert_eq!(UsefulWork::total(epoch), Some(3_000_000));
        let lost = System::events().into_iter().find_map(|e| match e.event {
            RuntimeEvent::UsefulWork(Event::CreditsRevoked { account: 1, amount }) => Some(amount),
            _ => None,
        });
        assert!(lost.is_some_and(|n| n > 0 && n <= 1_000_000));
        // What the account earns afterwards counts from then on.
        UsefulWork::grant_credits(&1, 7_000);
        assert_eq!(Credits::<Test>::get(1).amount, 7_000);
        assert_eq!(UsefulWork::credits(&1, epoch), 0);
    });
}
