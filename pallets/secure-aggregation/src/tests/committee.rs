// SPDX-License-Identifier: GPL-3.0-or-later
//! Epochs: dealing, complaints, exclusion, keys.

use super::*;
use crate::{Complaints, Error, ServingEpoch};
use polkadot_sdk::frame_support::assert_noop;

fn silence() -> Balance {
    literal().bonds.silence
}

fn member_bond() -> Balance {
    literal().bonds.member
}

#[test]
fn committee_should_serve_when_members_deal_and_name_one_key() {
    build_and_execute(|| {
        serve();
        let e = epoch(1);
        assert_eq!((e.dealers, e.standing(), e.key), (7, 7, Some(key(7))));
        assert_eq!(ServingEpoch::<Test>::get(), Some(1));
        let accounts: std::collections::BTreeSet<AccountId> =
            e.members.iter().map(|m| m.account).collect();
        assert_eq!(accounts, CANDIDATES.into_iter().collect());
        for account in CANDIDATES {
            assert_eq!((bonded(account), locked(account)), (BOND, member_bond()));
        }
    });
}

#[test]
fn committee_should_be_drawn_only_among_candidates_older_than_the_epoch() {
    build_and_execute(|| {
        for account in &CANDIDATES[..2] {
            assert_ok!(Private::join_committee(origin(*account), h(1)));
        }
        run_blocks(20);
        assert!(active_epochs().is_empty());
        assert_ok!(Private::join_committee(origin(CANDIDATES[2]), h(1)));
        // The epoch begins in the next block, and ends without members once a candidate's bond is gone.
        run_blocks(1);
        assert_eq!(epoch(1).phase, EpochPhase::Seeding);
        assert_noop!(
            Private::leave_committee(origin(CANDIDATES[0])),
            Error::<Test>::DrawUnderWay
        );
        Ledger::mutate(CANDIDATES[0], |b| b.total = member_bond() - 1);
        run_blocks(3);
        assert!(Epochs::<Test>::get(1).is_none());
        assert!(CANDIDATES.iter().all(|a| locked(*a) == 0));
    });
}

#[test]
fn dealer_of_a_bad_share_should_be_complained_of_and_lose_its_bond() {
    build_and_execute(|| {
        join_all();
        run_epoch_to(1, EpochPhase::Dealing);
        deal(1, &[0, 1, 2]);
        run_epoch_to(1, EpochPhase::Complaint);
        // Member 1 holds the shares of the sets {0} and {2}.
        assert_ok!(Private::complain(origin(member(1, 1)), 1, 0, 0b100));
        run_epoch_to(1, EpochPhase::Defence);
        let dealer = member(1, 0);
        assert_ok!(Private::show_share(
            origin(dealer),
            1,
            0b100,
            share_seed(0, 0b100)
        ));
        assert_eq!(
            Complaints::<Test>::get(1)[0].seed,
            Some(share_seed(0, 0b100))
        );
        run_epoch_to(1, EpochPhase::Judgement);
        // Both others made the commitment again: it is another. The dealer's own word does not save it.
        judge(1, &[1, 2], 0b001, 0);
        judge(1, &[0], 0b110, 0);
        run_epoch_to(1, EpochPhase::Confirmation);
        let e = epoch(1);
        assert_eq!((e.dealers, e.standing()), (0b110, 0b110));
        assert_eq!(bonded(dealer), BOND - member_bond());
        assert!(Awards::get(member(1, 1)) > 0 && Awards::get(member(1, 2)) > 0);
        assert_noop!(
            Private::name_key(origin(dealer), 1, key(1)),
            Error::<Test>::NotMember
        );
        name_key(1, &[1, 2], 5);
        run_epoch_to(1, EpochPhase::Serving);
        assert_eq!(epoch(1).key, Some(key(5)));
    });
}

#[test]
fn dealer_that_answers_no_complaint_should_be_excluded_at_the_price_of_silence() {
    build_and_execute(|| {
        join_all();
        run_epoch_to(1, EpochPhase::Dealing);
        deal(1, &[0, 1, 2]);
        run_epoch_to(1, EpochPhase::Complaint);
        assert_ok!(Private::complain(origin(member(1, 2)), 1, 1, 0b001));
        run_epoch_to(1, EpochPhase::Judgement);
        assert_eq!((epoch(1).dealers, epoch(1).standing()), (0b101, 0b101));
        assert_eq!(bonded(member(1, 1)), BOND - silence());
    });
}

#[test]
fn honest_dealer_should_stay_whatever_fewer_than_threshold_members_say() {
    build_and_execute(|| {
        join_all();
        run_epoch_to(1, EpochPhase::Dealing);
        deal(1, &[0, 1, 2]);
        run_epoch_to(1, EpochPhase::Complaint);
        assert_ok!(Private::complain(origin(member(1, 1)), 1, 0, 0b100));
        run_epoch_to(1, EpochPhase::Defence);
        let seed = share_seed(0, 0b100);
        assert_ok!(Private::show_share(origin(member(1, 0)), 1, 0b100, seed));
        run_epoch_to(1, EpochPhase::Judgement);
        judge(1, &[1], 0b101, 0b101);
        judge(1, &[0, 2], 0, 0);
        run_epoch_to(1, EpochPhase::Confirmation);
        assert_eq!(epoch(1).dealers, 7);
        assert_eq!(bonded(member(1, 0)), BOND);
    });
}

#[test]
fn member_that_deals_nothing_should_pay_for_silence_and_the_others_go_on() {
    build_and_execute(|| {
        join_all();
        run_epoch_to(1, EpochPhase::Dealing);
        deal(1, &[0, 2]);
        run_epoch_to(1, EpochPhase::Judgement);
        assert_eq!((epoch(1).dealers, epoch(1).standing()), (0b101, 7));
        judge(1, &[0, 1, 2], 0, 0b010);
        run_epoch_to(1, EpochPhase::Confirmation);
        // It has no dealing to lose, and still holds the shares of the others.
        assert_eq!((epoch(1).dealers, epoch(1).standing()), (0b101, 7));
        assert_eq!(bonded(member(1, 1)), BOND - silence());
        name_key(1, &[0, 1], 3);
        run_epoch_to(1, EpochPhase::Serving);
        assert_eq!(bonded(member(1, 2)), BOND - silence());
    });
}

#[test]
fn epoch_should_fail_and_free_bonds_when_too_few_deal_or_no_key_is_common() {
    build_and_execute(|| {
        join_all();
        run_epoch_to(1, EpochPhase::Dealing);
        deal(1, &[0]);
        let silent = [member(1, 1), member(1, 2)];
        run_epoch_to(2, EpochPhase::Dealing);
        assert!(silent.iter().all(|a| bonded(*a) == BOND - silence()));
        deal(2, &[0, 1, 2]);
        run_epoch_to(2, EpochPhase::Judgement);
        judge(2, &[0, 1, 2], 0, 0);
        run_epoch_to(2, EpochPhase::Confirmation);
        for place in 0..3 {
            name_key(2, &[place], place);
        }
        run_blocks(1);
        assert!(Epochs::<Test>::get(2).is_none());
        assert!(CANDIDATES.iter().all(|a| locked(*a) == 0));
        assert_eq!(ServingEpoch::<Test>::get(), None);
    });
}

#[test]
fn next_epoch_should_form_before_the_serving_one_ends_and_take_over() {
    build_and_execute(|| {
        serve();
        run_epoch_to(2, EpochPhase::Dealing);
        assert!(System::block_number() < epoch(1).deadline);
        deal(2, &[0, 1, 2]);
        run_epoch_to(2, EpochPhase::Judgement);
        judge(2, &[0, 1, 2], 0, 0);
        run_epoch_to(2, EpochPhase::Confirmation);
        name_key(2, &[0, 1, 2], 9);
        run_epoch_to(2, EpochPhase::Serving);
        assert_eq!(ServingEpoch::<Test>::get(), Some(2));
        run_blocks(40);
        assert_eq!(active_epochs(), [2]);
    });
}
