// SPDX-License-Identifier: GPL-3.0-or-later
//! What is refused, by name, with nothing half-applied.

use super::*;
use crate::{Error, Jobs};
use dream_primitives::private::params::PrivateLiteral;
use polkadot_sdk::frame_support::traits::{LockableCurrency, WithdrawReasons};
use polkadot_sdk::frame_support::{assert_err, assert_noop};
use polkadot_sdk::sp_runtime::{DispatchError, TokenError};

const FIRST: AccountId = CONTRIBUTORS[0];

#[test]
fn parameters_should_be_refused_by_name_and_for_others_than_the_admin() {
    build_and_execute(|| {
        assert_noop!(
            Private::set_parameters(origin(SPONSOR), literal()),
            DispatchError::BadOrigin
        );
        type Change = fn(&mut PrivateLiteral);
        let table: [(Change, Error<Test>); 11] = [
            (|p| p.data.degree = 3, Error::RingParameters),
            (|p| p.data.bound = 2_000, Error::SlotParameters),
            (|p| p.committee.threshold = 3, Error::CommitteeParameters),
            (|p| p.committee.answers = 1, Error::AnswerParameters),
            (|p| p.cohort.minimum = 2, Error::CohortParameters),
            (|p| p.cohort.audited = 4, Error::AuditParameters),
            (|p| p.cohort.min_parameters = 1, Error::ModelParameters),
            (|p| p.auditors = 2, Error::AuditorParameters),
            (|p| p.phases.audit_blocks = 0, Error::PhaseParameters),
            (|p| p.bonds.sum = 0, Error::BondParameters),
            (|p| p.fees.member_share = 900_000, Error::FeeParameters),
        ];
        for (change, error) in table {
            let mut changed = literal();
            change(&mut changed);
            assert_noop!(
                Private::set_parameters(RuntimeOrigin::root(), changed),
                error
            );
        }
        crate::Parameters::<Test>::kill();
        assert_noop!(
            Private::join_committee(origin(CANDIDATES[0]), h(1)),
            Error::<Test>::NoParameters
        );
        // Without parameters nothing moves.
        run_blocks(3);
        assert!(active_epochs().is_empty());
    });
}

#[test]
fn candidates_should_be_refused_by_name() {
    build_and_execute(|| {
        assert_noop!(
            Private::join_committee(origin(UNBONDED), h(1)),
            Error::<Test>::BondTooSmall
        );
        assert_noop!(
            Private::leave_committee(origin(CANDIDATES[0])),
            Error::<Test>::NotCandidate
        );
        assert_ok!(Private::join_committee(origin(CANDIDATES[0]), h(1)));
        assert_noop!(
            Private::join_committee(origin(CANDIDATES[0]), h(1)),
            Error::<Test>::AlreadyCandidate
        );
        assert_ok!(Private::leave_committee(origin(CANDIDATES[0])));
        let full: Vec<AccountId> = (1_000..1_000 + u64::from(crate::MAX_CANDIDATES)).collect();
        for account in full {
            bond(account, 1);
            assert_ok!(Private::join_committee(origin(account), h(1)));
        }
        assert_noop!(
            Private::join_committee(origin(CANDIDATES[0]), h(1)),
            Error::<Test>::TooManyCandidates
        );
    });
}

#[test]
fn acts_of_members_should_be_refused_by_name() {
    build_and_execute(|| {
        assert_noop!(
            Private::deal(origin(CANDIDATES[0]), 1, dealing(1, 0)),
            Error::<Test>::UnknownEpoch
        );
        join_all();
        run_epoch_to(1, EpochPhase::Dealing);
        let [zero, one, two] = [0, 1, 2].map(|i| member(1, i));
        let deal_of = |who, dealing| Private::deal(origin(who), 1, dealing);
        assert_noop!(deal_of(FIRST, dealing(1, 0)), Error::<Test>::NotMember);
        let mut short = dealing(1, 0);
        short.shares.pop();
        assert_noop!(deal_of(zero, short), Error::<Test>::WrongShareCount);
        assert_noop!(
            Private::complain(origin(one), 1, 0, 4),
            Error::<Test>::WrongEpochPhase
        );
        assert_ok!(deal_of(zero, dealing(1, 0)));
        assert_noop!(deal_of(zero, dealing(1, 0)), Error::<Test>::AlreadyDealt);
        assert_ok!(deal_of(one, dealing(1, 1)));
        run_epoch_to(1, EpochPhase::Complaint);
        let complain = |who, dealer, set| Private::complain(origin(who), 1, dealer, set);
        assert_noop!(complain(one, 2, 4), Error::<Test>::NotDealer);
        assert_noop!(complain(one, 1, 4), Error::<Test>::NotDealer);
        assert_noop!(complain(one, 200, 4), Error::<Test>::NotDealer);
        assert_noop!(complain(one, 0, 2), Error::<Test>::NotHolder);
        assert_noop!(complain(one, 0, 3), Error::<Test>::NotHolder);
        assert_ok!(complain(one, 0, 4));
        assert_noop!(complain(one, 0, 1), Error::<Test>::AlreadyComplained);
        assert_ok!(complain(two, 0, 1));
        run_epoch_to(1, EpochPhase::Defence);
        let show = |who, set, seed| Private::show_share(origin(who), 1, set, seed);
        assert_noop!(show(two, 4, h(1)), Error::<Test>::NotDealer);
        assert_noop!(show(one, 4, share_seed(1, 4)), Error::<Test>::NoComplaint);
        assert_noop!(show(zero, 2, share_seed(0, 2)), Error::<Test>::NoComplaint);
        assert_noop!(show(zero, 4, share_seed(0, 1)), Error::<Test>::WrongSeed);
        assert_ok!(show(zero, 4, share_seed(0, 4)));
        assert_noop!(show(zero, 4, share_seed(0, 4)), Error::<Test>::NoComplaint);
        assert_ok!(show(zero, 1, share_seed(0, 1)));
        run_epoch_to(1, EpochPhase::Judgement);
        let judge_of = |who, bad| {
            let votes = DealerVotes { bad, missing: 0 };
            Private::judge_dealers(origin(who), 1, votes)
        };
        assert_noop!(judge_of(zero, 8), Error::<Test>::VoteOutsideCommittee);
        assert_ok!(judge_of(zero, 0));
        assert_noop!(judge_of(zero, 0), Error::<Test>::AlreadyJudged);
        assert_ok!(judge_of(one, 0));
        assert_ok!(judge_of(two, 0));
        run_epoch_to(1, EpochPhase::Confirmation);
        name_key(1, &[0], 1);
        assert_noop!(
            Private::name_key(origin(zero), 1, key(1)),
            Error::<Test>::AlreadyNamed
        );
        System::set_block_number(epoch(1).deadline);
        assert_noop!(
            Private::name_key(origin(one), 1, key(1)),
            Error::<Test>::WindowClosed
        );
    });
}

#[test]
fn jobs_should_be_refused_by_name() {
    build_and_execute(|| {
        let sponsor = |who, branch, terms| Private::sponsor(origin(who), branch, terms, 10 * DREAM);
        assert_noop!(sponsor(SPONSOR, 40, terms()), Error::<Test>::UnknownBranch);
        assert_noop!(sponsor(DOUBTER, 0, terms()), Error::<Test>::NotOwner);
        let mut bad = terms();
        bad.fee = literal().fees.minimum - 1;
        assert_noop!(sponsor(SPONSOR, 0, bad), Error::<Test>::FeeTooSmall);
        bad = terms();
        bad.shift = 24;
        assert_noop!(sponsor(SPONSOR, 0, bad), Error::<Test>::ShiftTooLarge);
        PUBLIC.set(true);
        assert_noop!(sponsor(SPONSOR, 0, terms()), Error::<Test>::PublicBranch);
        PUBLIC.set(false);
        BRANCH.with_borrow_mut(|b| b.frozen = true);
        assert_noop!(sponsor(SPONSOR, 0, terms()), Error::<Test>::BranchFrozen);
        BRANCH.with_borrow_mut(|b| b.frozen = false);
        let mut larger = literal();
        larger.cohort.min_parameters = model_parameters() + 1;
        assert_ok!(Private::set_parameters(RuntimeOrigin::root(), larger));
        assert_noop!(sponsor(SPONSOR, 0, terms()), Error::<Test>::ModelSize);
        assert_ok!(Private::set_parameters(RuntimeOrigin::root(), literal()));
        assert!(Private::sponsor(origin(SPONSOR), 0, terms(), FUNDS + 1).is_err());
        // What a vote froze.
        let all = WithdrawReasons::all();
        Balances::set_lock(*b"frozen  ", &SPONSOR, Balances::free_balance(SPONSOR), all);
        assert_noop!(sponsor(SPONSOR, 0, terms()), TokenError::Frozen);
        Balances::remove_lock(*b"frozen  ", &SPONSOR);
        assert!(Jobs::<Test>::get(0).is_none());
        assert_noop!(
            Private::end_job(origin(SPONSOR), 0),
            Error::<Test>::UnknownJob
        );
        for branch in 0..crate::MAX_JOBS {
            assert_ok!(sponsor(SPONSOR, branch, terms()));
        }
        assert_noop!(
            sponsor(SPONSOR, crate::MAX_JOBS, terms()),
            Error::<Test>::TooManyJobs
        );
        assert_noop!(
            Private::end_job(origin(DOUBTER), 0),
            Error::<Test>::NotOwner
        );
    });
}

#[test]
fn job_that_is_ending_should_not_be_topped_up() {
    build_and_execute(|| {
        open_round();
        assert_ok!(Private::end_job(origin(SPONSOR), 0));
        assert_noop!(
            Private::sponsor(origin(SPONSOR), 0, terms(), DREAM),
            Error::<Test>::JobEnding
        );
    });
}

#[test]
fn acts_of_contributors_should_be_refused_by_name() {
    build_and_execute(|| {
        let register_of = |who| Private::register(origin(who), R1);
        assert_noop!(register_of(FIRST), Error::<Test>::UnknownRound);
        open_round();
        let commit_of = |who| Private::commit_contribution(origin(who), R1, h(1));
        assert_noop!(commit_of(FIRST), Error::<Test>::WrongPhase);
        register(&CONTRIBUTORS);
        assert_noop!(register_of(FIRST), Error::<Test>::AlreadyRegistered);
        System::set_block_number(round(R1).deadline);
        assert_noop!(register_of(DOUBTER), Error::<Test>::WindowClosed);
        run_to(R1, PrivatePhase::Commitment);
        assert_noop!(register_of(DOUBTER), Error::<Test>::WrongPhase);
        assert_noop!(commit_of(DOUBTER), Error::<Test>::NotInCohort);
        let roots = some_roots(FIRST);
        commit(FIRST, roots);
        assert_noop!(commit_of(FIRST), Error::<Test>::AlreadyCommitted);
        let open_of = |who, roots, salt| Private::open_contribution(origin(who), R1, roots, salt);
        assert_noop!(open_of(FIRST, roots, SALT), Error::<Test>::WrongPhase);
        CONTRIBUTORS[1..3]
            .iter()
            .for_each(|a| commit(*a, some_roots(*a)));
        run_to(R1, PrivatePhase::Opening);
        assert_noop!(open_of(FIRST, roots, h(1)), Error::<Test>::WrongOpening);
        let other = CiphertextRoots {
            data: h(1),
            ..roots
        };
        assert_noop!(open_of(FIRST, other, SALT), Error::<Test>::WrongOpening);
        assert_noop!(
            open_of(CONTRIBUTORS[3], roots, SALT),
            Error::<Test>::NotCommitted
        );
        open(FIRST, roots);
        assert_noop!(open_of(FIRST, roots, SALT), Error::<Test>::AlreadyOpened);
        CONTRIBUTORS[1..3]
            .iter()
            .for_each(|a| open(*a, some_roots(*a)));
        run_to(R1, PrivatePhase::Disclosure);
        let disclose = |who, d| Private::disclose_segment(origin(who), R1, d);
        let asked = audited()[0];
        let spared = CONTRIBUTORS[..3].iter().find(|a| **a != asked).unwrap();
        assert_noop!(
            disclose(*spared, disclosure(1)),
            Error::<Test>::NothingToDisclose
        );
        let mut with_key = disclosure(1);
        with_key.key_seed = Some(h(1));
        assert_noop!(disclose(asked, with_key), Error::<Test>::KeySeed);
        assert_ok!(disclose(asked, disclosure(1)));
        assert_noop!(
            disclose(asked, disclosure(1)),
            Error::<Test>::AlreadyDisclosed
        );
    });
}

#[test]
fn ciphertext_of_another_round_or_account_should_not_open_a_commitment() {
    build_and_execute(|| {
        drawn(&CONTRIBUTORS);
        let roots = some_roots(FIRST);
        let genesis = Private::genesis();
        let r2 = RoundId { number: 2, ..R1 };
        let other_round = roots.commitment(&genesis, &Private::raw(&FIRST), &r2, &SALT);
        assert_ok!(Private::commit_contribution(origin(FIRST), R1, other_round));
        let second = CONTRIBUTORS[1];
        let other_account = roots.commitment(&genesis, &Private::raw(&FIRST), &R1, &SALT);
        assert_ok!(Private::commit_contribution(
            origin(second),
            R1,
            other_account
        ));
        run_to(R1, PrivatePhase::Opening);
        for account in [FIRST, second] {
            assert_noop!(
                Private::open_contribution(origin(account), R1, roots, SALT),
                Error::<Test>::WrongOpening
            );
        }
    });
}

#[test]
fn acts_of_auditors_should_be_refused_by_name() {
    build_and_execute(|| {
        audit(&CONTRIBUTORS[..3], &CONTRIBUTORS[..3], some_roots);
        let auditor = seats()[0];
        let vote = |who, votes| Private::vote_contributions(origin(who), R1, votes);
        let none = ContributionVotes::default();
        assert_noop!(vote(FIRST, none), Error::<Test>::NoSeat);
        let mut outside = none;
        outside.lacking.insert(3);
        assert_noop!(vote(auditor, outside), Error::<Test>::VoteOutsideCohort);
        let asked = audited()[0];
        let spared = CONTRIBUTORS[..3].iter().find(|a| **a != asked).unwrap();
        let one = [*spared];
        for (blank, faulty) in [(&one[..], &one[..0]), (&one[..0], &one[..])] {
            let votes = ContributionVotes {
                lacking: CohortMask::default(),
                blank: mask(blank),
                faulty: mask(faulty),
            };
            assert_noop!(vote(auditor, votes), Error::<Test>::VoteOutsideAudit);
        }
        assert_ok!(vote(auditor, none));
        assert_noop!(vote(auditor, none), Error::<Test>::AlreadyVoted);
        let commit_of = |who| Private::commit_report(origin(who), R1, h(1));
        assert_noop!(commit_of(auditor), Error::<Test>::WrongPhase);
    });
}

#[test]
fn sums_and_answers_should_be_refused_by_name() {
    build_and_execute(|| {
        summing(some_roots);
        let post = |who| Private::post_sum(origin(who), R1, some_roots(99));
        assert_noop!(post(UNBONDED), Error::<Test>::BondTooSmall);
        assert_ok!(post(AGGREGATOR));
        assert_noop!(post(SECOND), Error::<Test>::AlreadySummed);
        let answer_of = |who| Private::answer_decryption(origin(who), R1, h(1), cid(1));
        let first = member(1, 0);
        assert_noop!(answer_of(first), Error::<Test>::WrongPhase);
        run_to(R1, PrivatePhase::Decryption);
        assert_noop!(post(SECOND), Error::<Test>::WrongPhase);
        assert_noop!(answer_of(FIRST), Error::<Test>::NotMember);
        // A cohort that shrank below the minimum is not decrypted, whatever made it shrink.
        let kept = round(R1);
        let mut small = kept.clone();
        small.standing.remove(0);
        crate::Rounds::<Test>::insert(R1, small);
        assert_noop!(answer_of(first), Error::<Test>::CohortTooSmall);
        crate::Rounds::<Test>::insert(R1, kept);
        assert_noop!(
            Private::open_shard(origin(STEWARD), R1, cid(1)),
            Error::<Test>::WrongPhase
        );
        // A member that was taken out does not answer.
        crate::Epochs::<Test>::mutate(1, |e| {
            if let Some(e) = e {
                e.members[0].excluded = true;
                e.dealers &= !1;
            }
        });
        assert_noop!(answer_of(first), Error::<Test>::NotMember);
    });
}

#[test]
fn reports_should_be_refused_by_name() {
    build_and_execute(|| {
        combining();
        let commit_of = |who| Private::commit_report(origin(who), R1, h(1));
        assert_noop!(commit_of(FIRST), Error::<Test>::NoSeat);
        let [one, two, three] = [0, 1, 2].map(|i| seats()[i]);
        let good = version_report(&merged(), Some(score(10, 5)));
        let version = PrivateReport::Version;
        let mut stateless = good;
        stateless.server_cid = None;
        let unscored = VersionReport {
            score: None,
            ..good
        };
        commit_report(one, version(stateless));
        assert_noop!(commit_of(one), Error::<Test>::ReportCommitted);
        commit_report(two, version(unscored));
        run_to(R1, PrivatePhase::Reveal);
        let reveal = |who, report, salt| Private::reveal_report(origin(who), R1, report, salt);
        assert_noop!(
            reveal(three, version(good), SALT),
            Error::<Test>::NoReportCommitted
        );
        assert_noop!(reveal(one, version(good), SALT), Error::<Test>::WrongReport);
        assert_noop!(
            reveal(one, version(stateless), h(1)),
            Error::<Test>::WrongReport
        );
        assert_noop!(
            reveal(one, version(stateless), SALT),
            Error::<Test>::BadServerState
        );
        assert_noop!(
            reveal(two, version(unscored), SALT),
            Error::<Test>::BadScore
        );
    });
}

#[test]
fn revealed_report_should_not_be_revealed_again_and_name_a_segment_that_there_is() {
    build_and_execute(|| {
        combining();
        let [one, two] = [0, 1].map(|i| seats()[i]);
        let beyond = PrivateReport::OutOfRange { segment: 64 };
        commit_report(one, PrivateReport::Undecryptable);
        commit_report(two, beyond);
        run_to(R1, PrivatePhase::Reveal);
        let reveal = |who, report| Private::reveal_report(origin(who), R1, report, SALT);
        assert_noop!(reveal(two, beyond), Error::<Test>::NoSuchSegment);
        assert_ok!(reveal(one, PrivateReport::Undecryptable));
        assert_err!(
            reveal(one, PrivateReport::Undecryptable),
            Error::<Test>::AlreadyRevealed
        );
    });
}
