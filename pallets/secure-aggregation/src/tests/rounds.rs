// SPDX-License-Identifier: GPL-3.0-or-later
//! Registration, draws, drop-outs, audits, decryption, and what silence costs.

use super::*;
use crate::{Contributors, Error, Jobs, LastEpoch, Rounds};
use polkadot_sdk::frame_support::assert_noop;

const LEFT: [AccountId; 3] = [CONTRIBUTORS[0], CONTRIBUTORS[1], CONTRIBUTORS[2]];

fn silence() -> Balance {
    literal().bonds.silence
}

fn contribution_bond() -> Balance {
    literal().bonds.contribution
}

fn phase() -> PrivatePhase {
    round(R1).phase
}

fn state_of(account: AccountId) -> Option<ContributorState> {
    Contributors::<Test>::get(R1, account).map(|c| c.state)
}

/// The phase that follows `from` is the last.
fn ends_after(from: PrivatePhase) {
    while phase() == from {
        run_blocks(1);
    }
    let over = [PrivatePhase::Closing, PrivatePhase::Closed];
    assert!(over.contains(&phase()), "{:?}", phase());
}

/// The round is over and gave nothing.
fn void() {
    run_to(R1, PrivatePhase::Closed);
    nothing_locked();
    assert_eq!(BRANCH.with_borrow(|b| b.head), base_header().hash());
    assert!(CONTRIBUTORS
        .iter()
        .all(|a| Balances::free_balance(a) == FUNDS));
}

#[test]
fn round_should_not_close_its_registration_below_the_smallest_cohort() {
    build_and_execute(|| {
        open_round();
        register(&CONTRIBUTORS[..2]);
        ends_after(PrivatePhase::Registration);
        void();
        assert_eq!(round(R1).seed, H256::zero());
    });
}

#[test]
fn account_should_be_refused_when_it_is_young_bondless_or_has_another_role() {
    build_and_execute(|| {
        open_round();
        let opened = round(R1).opened;
        let age = literal().cohort.age;
        let join = |account| Private::register(origin(account), R1);
        bond(YOUNG, opened - age + 1);
        assert_noop!(join(YOUNG), Error::<Test>::AccountTooYoung);
        bond(YOUNG, opened - age);
        assert_ok!(join(YOUNG));
        assert_noop!(join(UNBONDED), Error::<Test>::AccountTooYoung);
        Ledger::mutate(DOUBTER, |b| b.total = contribution_bond() - 1);
        assert_noop!(join(DOUBTER), Error::<Test>::BondTooSmall);
        Ledger::mutate(SECOND, |b| b.locked = b.total);
        assert_noop!(join(SECOND), Error::<Test>::BondTooSmall);
        Ledger::mutate(SECOND, |b| b.locked = 0);
        bond(SPONSOR, 1);
        assert_noop!(join(SPONSOR), Error::<Test>::OtherRole);
        assert_noop!(join(CANDIDATES[0]), Error::<Test>::OtherRole);
    });
}

#[test]
fn auditors_should_be_neither_contributors_nor_members_nor_the_sponsor() {
    build_and_execute(|| {
        // One of these is each of the three: three others are left.
        let mut all = AUDITORS[..3].to_vec();
        all.extend([CONTRIBUTORS[0], CANDIDATES[0], SPONSOR]);
        bond(SPONSOR, 1);
        VERIFIERS.set(all);
        drawn(&CONTRIBUTORS);
        let mut seated = seats();
        seated.sort_unstable();
        assert_eq!(seated, AUDITORS[..3]);
        assert!(seated.iter().all(|a| locked(*a) == literal().bonds.auditor));
    });
}

#[test]
fn round_should_end_when_there_are_not_enough_auditors() {
    build_and_execute(|| {
        VERIFIERS.set(AUDITORS[..2].to_vec());
        open_round();
        register(&CONTRIBUTORS);
        void();
    });
}

#[test]
fn larger_crowd_than_the_cohort_should_be_drawn_from_and_the_rest_freed() {
    build_and_execute(|| {
        open_round();
        let crowd: Vec<AccountId> = (100..120).collect();
        crowd.iter().for_each(|a| bond(*a, 1));
        register(&crowd);
        run_to(R1, PrivatePhase::Commitment);
        let drawn = cohort();
        assert_eq!(drawn.len(), 8);
        for account in crowd {
            let bond = if drawn.contains(&account) {
                contribution_bond()
            } else {
                0
            };
            assert_eq!(locked(account), bond);
            assert_eq!(state_of(account).is_some(), bond > 0);
        }
    });
}

#[test]
fn drop_outs_should_cost_themselves_alone_and_no_round() {
    build_and_execute(|| {
        drawn(&CONTRIBUTORS);
        // The last one never commits; three are enough.
        LEFT.iter().for_each(|a| commit(*a, some_roots(*a)));
        run_to(R1, PrivatePhase::Opening);
        LEFT.iter().for_each(|a| open(*a, some_roots(*a)));
        run_to(R1, PrivatePhase::Disclosure);
        assert_eq!(round(R1).standing, mask(&LEFT));
        assert_eq!(bonded(CONTRIBUTORS[3]), BOND - silence());
        assert_eq!(state_of(CONTRIBUTORS[3]), Some(ContributorState::Out));
        assert!(LEFT.iter().all(|a| bonded(*a) == BOND));
        // The segment is not asked of who dropped out.
        assert!(!audited().contains(&CONTRIBUTORS[3]));
    });
}

#[test]
fn cohort_should_be_given_up_when_fewer_than_the_minimum_open() {
    build_and_execute(|| {
        drawn(&CONTRIBUTORS[..3]);
        CONTRIBUTORS[..3]
            .iter()
            .for_each(|a| commit(*a, some_roots(*a)));
        run_to(R1, PrivatePhase::Opening);
        CONTRIBUTORS[..2]
            .iter()
            .for_each(|a| open(*a, some_roots(*a)));
        ends_after(PrivatePhase::Opening);
        void();
        assert_eq!(bonded(CONTRIBUTORS[2]), BOND - silence());
        assert!(round(R1).answers.is_empty());
    });
}

#[test]
fn another_s_ciphertext_should_not_be_sent_again() {
    build_and_execute(|| {
        drawn(&CONTRIBUTORS);
        let victim = CONTRIBUTORS[0];
        let copied = some_roots(victim);
        let raw = Private::raw(&victim);
        let commitment = copied.commitment(&Private::genesis(), &raw, &R1, &SALT);
        assert_ok!(Private::commit_contribution(origin(victim), R1, commitment));
        // A copied commitment binds the victim's account and opens for nobody else.
        let thief = CONTRIBUTORS[1];
        assert_ok!(Private::commit_contribution(origin(thief), R1, commitment));
        // An accomplice that guesses the roots commits to them itself.
        let accomplice = CONTRIBUTORS[2];
        commit(accomplice, copied);
        run_to(R1, PrivatePhase::Opening);
        open(victim, copied);
        assert_noop!(
            Private::open_contribution(origin(thief), R1, copied, SALT),
            Error::<Test>::WrongOpening
        );
        assert_noop!(
            Private::open_contribution(origin(accomplice), R1, copied, SALT),
            Error::<Test>::RepeatedCiphertext
        );
    });
}

#[test]
fn audited_contributor_that_opens_nothing_should_be_left_out_at_the_price_of_silence() {
    build_and_execute(|| {
        drawn(&CONTRIBUTORS);
        CONTRIBUTORS.iter().for_each(|a| commit(*a, some_roots(*a)));
        run_to(R1, PrivatePhase::Opening);
        CONTRIBUTORS.iter().for_each(|a| open(*a, some_roots(*a)));
        run_to(R1, PrivatePhase::Audit);
        let silent = audited()[0];
        vote_all(ContributionVotes::default());
        run_to(R1, PrivatePhase::Summing);
        assert_eq!(bonded(silent), BOND - silence());
        assert_eq!(round(R1).standing.count(), 3);
        assert!(!round(R1).standing.contains(place_of(silent)));
    });
}

#[test]
fn faulty_segment_should_cost_the_whole_bond_and_the_others_be_summed() {
    build_and_execute(|| {
        audit(&CONTRIBUTORS, &CONTRIBUTORS, some_roots);
        let cheat = audited()[0];
        let faulty = mask(&[cheat]);
        let accusers = &seats()[..2];
        for auditor in accusers {
            let votes = ContributionVotes {
                faulty,
                ..Default::default()
            };
            assert_ok!(Private::vote_contributions(origin(*auditor), R1, votes));
        }
        run_to(R1, PrivatePhase::Summing);
        assert_eq!(bonded(cheat), BOND - contribution_bond());
        assert_eq!(state_of(cheat), Some(ContributorState::Faulty));
        assert!(accusers
            .iter()
            .all(|a| Awards::get(a) == contribution_bond() / 4));
        assert_eq!(round(R1).standing.count(), 3);
        // The third auditor was silent.
        assert_eq!(bonded(seats()[2]), BOND - silence());
    });
}

#[test]
fn contribution_that_two_thirds_do_not_find_sound_should_be_left_out_at_no_cost() {
    build_and_execute(|| {
        audit(&CONTRIBUTORS, &CONTRIBUTORS, some_roots);
        let [gone, stays] = [CONTRIBUTORS[0], CONTRIBUTORS[1]];
        for (i, auditor) in seats().into_iter().enumerate() {
            let mut lacking = CohortMask::default();
            if i < 2 {
                lacking.insert(place_of(gone));
            } else {
                lacking.insert(place_of(stays));
            }
            let votes = ContributionVotes {
                lacking,
                ..Default::default()
            };
            assert_ok!(Private::vote_contributions(origin(auditor), R1, votes));
        }
        run_to(R1, PrivatePhase::Summing);
        assert_eq!(state_of(gone), Some(ContributorState::Out));
        assert_eq!(state_of(stays), Some(ContributorState::Standing));
        assert_eq!(bonded(gone), BOND);
    });
}

#[test]
fn contribution_of_zeros_should_be_left_out_when_its_segment_is_opened() {
    build_and_execute(|| {
        audit(&CONTRIBUTORS, &CONTRIBUTORS, some_roots);
        let idle = audited()[0];
        vote_all(ContributionVotes {
            blank: mask(&[idle]),
            ..Default::default()
        });
        run_to(R1, PrivatePhase::Summing);
        assert_eq!(state_of(idle), Some(ContributorState::Out));
        assert_eq!(bonded(idle), BOND);
    });
}

#[test]
fn nobody_should_be_asked_to_decrypt_when_the_audit_leaves_too_few() {
    build_and_execute(|| {
        audit(&CONTRIBUTORS[..3], &CONTRIBUTORS[..3], some_roots);
        vote_all(ContributionVotes {
            lacking: mask(&CONTRIBUTORS[..1]),
            ..Default::default()
        });
        ends_after(PrivatePhase::Audit);
        void();
        assert!(round(R1).sum.is_none() && round(R1).answers.is_empty());
    });
}

#[test]
fn round_should_end_without_loss_when_nobody_sums() {
    build_and_execute(|| {
        summing(some_roots);
        void();
        assert!(CONTRIBUTORS.iter().all(|a| bonded(*a) == BOND));
    });
}

#[test]
fn member_should_answer_once_and_silence_cost_the_silent_alone() {
    build_and_execute(|| {
        decrypting();
        answer(&[1]);
        assert_noop!(
            Private::answer_decryption(origin(member(1, 1)), R1, h(99), cid(99)),
            Error::<Test>::AlreadyAnswered
        );
        answer(&[0]);
        run_to(R1, PrivatePhase::Combination);
        assert_eq!(bonded(member(1, 2)), BOND - silence());
        assert_eq!(bonded(member(1, 0)), BOND);
        assert_eq!(round(R1).answers.len(), 2);
    });
}

#[test]
fn round_should_end_when_fewer_than_threshold_members_answer() {
    build_and_execute(|| {
        decrypting();
        answer(&[2]);
        void();
        assert_eq!(bonded(member(1, 0)), BOND - silence());
    });
}

#[test]
fn key_should_answer_no_more_polynomials_than_it_is_made_for() {
    build_and_execute(|| {
        let mut few = literal();
        // One round's.
        few.committee.answers = 32;
        assert_ok!(Private::set_parameters(RuntimeOrigin::root(), few));
        open_round();
        assert_eq!((epoch(1).answers, epoch(1).rounds), (0, 1));
        // Nobody was drawn: the next round may have them.
        run_to(R1, PrivatePhase::Closed);
        run_blocks(1);
        let r2 = RoundId { number: 2, ..R1 };
        assert_eq!(
            (round(r2).phase, round(r2).epoch),
            (PrivatePhase::Registration, 1)
        );
    });
}

#[test]
fn key_should_give_way_to_the_next_when_its_answers_are_used_up() {
    build_and_execute(|| {
        decrypting();
        // With answers left it serves on.
        assert_eq!(LastEpoch::<Test>::get(), 1);
    });
    build_and_execute(|| {
        let mut few = literal();
        few.committee.answers = 63;
        assert_ok!(Private::set_parameters(RuntimeOrigin::root(), few));
        decrypting();
        // The next epoch forms while the round runs.
        assert_eq!((epoch(1).answers, epoch(1).rounds), (31, 1));
        assert!(LastEpoch::<Test>::get() > 1);
        // Ciphertexts were sent: though nobody answers, none of the key is given back.
        run_to(R1, PrivatePhase::Closed);
        run_blocks(5);
        assert!(!Epochs::<Test>::contains_key(1));
        let r2 = RoundId { number: 2, ..R1 };
        assert!(Rounds::<Test>::get(r2).is_none_or(|r| r.epoch != 1));
    });
}

#[test]
fn key_should_be_kept_until_its_last_round_is_over() {
    build_and_execute(|| {
        decrypting();
        Epochs::<Test>::mutate(1, |e| {
            if let Some(e) = e {
                e.deadline = System::block_number();
            }
        });
        run_blocks(2);
        answer(&[0, 1, 2]);
        assert_eq!(phase(), PrivatePhase::Decryption);
        run_to(R1, PrivatePhase::Closed);
        run_blocks(2);
        assert!(Epochs::<Test>::get(1).is_none());
    });
}

#[test]
fn parameters_should_count_from_the_next_round() {
    build_and_execute(|| {
        open_round();
        let mut larger = literal();
        larger.cohort.minimum = 5;
        assert_ok!(Private::set_parameters(RuntimeOrigin::root(), larger));
        register(&CONTRIBUTORS);
        run_to(R1, PrivatePhase::Commitment);
    });
}

#[test]
fn escrow_should_be_released_when_the_job_ends_and_not_before_its_round() {
    build_and_execute(|| {
        open_round();
        assert_eq!(Balances::free_balance(SPONSOR), FUNDS - 1_000 * DREAM);
        assert_ok!(Private::end_job(origin(SPONSOR), 0));
        assert_eq!(Balances::free_balance(SPONSOR), FUNDS - FEE - REWARD);
        assert_noop!(
            Private::end_job(origin(SPONSOR), 0),
            Error::<Test>::RoundInMotion
        );
        run_to(R1, PrivatePhase::Closed);
        run_blocks(3);
        assert!(!Rounds::<Test>::contains_key(RoundId { number: 2, ..R1 }));
        assert_ok!(Private::end_job(origin(SPONSOR), 0));
        assert_eq!(Balances::free_balance(SPONSOR), FUNDS);
        assert!(Jobs::<Test>::get(0).is_none());
    });
}

#[test]
fn no_round_should_open_without_escrow_or_on_a_public_branch() {
    build_and_execute(|| {
        serve();
        let less = FEE + REWARD - 1;
        assert_ok!(Private::sponsor(origin(SPONSOR), 0, terms(), less));
        run_blocks(3);
        assert!(!Rounds::<Test>::contains_key(R1));
        PUBLIC.set(true);
        Jobs::<Test>::mutate(0, |job| {
            if let Some(job) = job {
                job.terms.reward -= 1;
            }
        });
        run_blocks(3);
        assert!(!Rounds::<Test>::contains_key(R1));
        PUBLIC.set(false);
        run_blocks(1);
        assert!(Rounds::<Test>::contains_key(R1));
    });
}
