// SPDX-License-Identifier: GPL-3.0-or-later
//! Reports, gains, pay; sums out of range.

use super::*;
use crate::{Contributors, Error, Jobs, LastRound};
use dream_primitives::version::{contributions_root, Contribution};
use polkadot_sdk::frame_support::assert_noop;

const PARTS: [AccountId; 3] = [CONTRIBUTORS[0], CONTRIBUTORS[1], CONTRIBUTORS[2]];

fn earned(account: AccountId) -> Balance {
    Balances::free_balance(account) - FUNDS
}

fn head() -> H256 {
    BRANCH.with_borrow(|b| b.head)
}

/// All auditors report the cohort's version with a score; the round runs to its end.
fn scored(parent: u64, version: u64) -> VersionReport {
    combining();
    let report = version_report(&merged(), Some(score(parent, version)));
    report_all(PrivateReport::Version(report));
    run_to(R1, PrivatePhase::Closed);
    nothing_locked();
    report
}

#[test]
fn whole_round_should_promote_the_cohort_s_version_and_pay_its_gain() {
    build_and_execute(|| {
        let issued = Balances::total_issuance();
        let report = scored(1_000_000, 900_000);
        // 100 samples: a gain of 1000 x 10^-6 nats a token, at PRICE each, split over three.
        let each = 1_000 * PRICE / 3;
        assert!(PARTS.iter().all(|a| earned(*a) == each));
        // The fee: four tenths for three members, half for three auditors, the rest for the aggregator.
        assert!(CANDIDATES.iter().all(|a| earned(*a) == FEE * 4 / 10 / 3));
        let paid: Balance = AUDITORS.iter().map(|a| earned(*a)).sum();
        assert_eq!(paid, FEE / 2 / 3 * 3);
        assert_eq!(earned(AGGREGATOR), FEE / 10);
        let header = HEADERS.with_borrow(|h| h[0]);
        assert_eq!(head(), header.hash());
        let contribution = Contribution {
            claim: cohort_id(&Private::genesis(), &R1, &report.delta_root),
            delta_root: report.delta_root,
            weight: 3,
        };
        assert_eq!(
            header.contributions_root,
            contributions_root(&[contribution])
        );
        assert_eq!(header.state_root, report.state_root);
        // Nothing was minted, and what was not earned is the sponsor's.
        assert_eq!(Balances::total_issuance(), issued);
        let job = Jobs::<Test>::get(0).unwrap();
        let spent = 3 * each + FEE * 4 / 10 / 3 * 3 + paid + FEE / 10;
        assert_eq!(job.balance, 1_000 * DREAM - spent);
        // The next round opens on the new head.
        run_blocks(1);
        let r2 = RoundId { number: 2, ..R1 };
        assert_eq!(round(r2).base, head());
    });
}

#[test]
fn gain_should_be_paid_no_more_than_the_reward() {
    build_and_execute(|| {
        scored(100_000_000, 0);
        assert!(PARTS.iter().all(|a| earned(*a) == REWARD / 3));
    });
}

#[test]
fn zeros_and_noise_should_earn_nothing_and_change_no_head() {
    // The version of zeros is the base; noise makes it worse.
    for version in [1_000_000u64, 1_000_001, 5_000_000] {
        build_and_execute(|| {
            scored(1_000_000, version);
            assert!(PARTS.iter().all(|a| earned(*a) == 0));
            assert_eq!(head(), base_header().hash());
            // Those who served are paid.
            assert_eq!(earned(AGGREGATOR), FEE / 10);
        });
    }
}

#[test]
fn unmeasured_version_should_earn_nothing_and_change_no_head() {
    build_and_execute(|| {
        decrypting();
        answer(&[0, 1, 2]);
        run_to(R1, PrivatePhase::Combination);
        let report = version_report(&merged(), None);
        report_all(PrivateReport::Version(report));
        run_to(R1, PrivatePhase::Closed);
        assert!(PARTS.iter().all(|a| earned(*a) == 0));
        assert_eq!(head(), base_header().hash());
    });
}

#[test]
fn steward_that_opens_nothing_should_leave_the_round_unmeasured() {
    build_and_execute(|| {
        decrypting();
        SHARDS.set(vec![shard()]);
        answer(&[0, 1, 2]);
        run_to(R1, PrivatePhase::ShardOpening);
        assert_noop!(
            Private::open_shard(origin(DOUBTER), R1, cid(1)),
            Error::<Test>::NotSteward
        );
        run_to(R1, PrivatePhase::Combination);
        let report = version_report(&merged(), Some(score(10, 5)));
        let auditor = seats()[0];
        commit_report(auditor, PrivateReport::Version(report));
        run_to(R1, PrivatePhase::Reveal);
        assert_noop!(
            Private::reveal_report(origin(auditor), R1, PrivateReport::Version(report), SALT),
            Error::<Test>::BadScore
        );
    });
}

#[test]
fn lone_lie_should_be_unpaid_and_the_silent_auditor_punished() {
    build_and_execute(|| {
        decrypting();
        SHARDS.set(vec![shard()]);
        answer(&[0, 1]);
        run_to(R1, PrivatePhase::ShardOpening);
        assert_ok!(Private::open_shard(origin(STEWARD), R1, cid(3)));
        run_to(R1, PrivatePhase::Combination);
        let truth = PrivateReport::Version(version_report(&merged(), Some(score(1_000, 500))));
        let all = seats();
        commit_report(all[0], truth);
        commit_report(all[1], truth);
        commit_report(all[2], PrivateReport::Undecryptable);
        run_to(R1, PrivatePhase::Reveal);
        for (auditor, report) in [(all[0], truth), (all[1], truth)] {
            assert_ok!(Private::reveal_report(origin(auditor), R1, report, SALT));
        }
        run_to(R1, PrivatePhase::VersionDispute);
        // The third committed and did not reveal.
        assert_eq!(bonded(all[2]), BOND - literal().bonds.silence);
        assert_eq!(
            (earned(all[0]), earned(all[1]), earned(all[2])),
            (FEE / 4, FEE / 4, 0)
        );
        // The silent member is not paid either.
        let members: Vec<AccountId> = (0..3).map(|i| member(1, i)).collect();
        assert_eq!(earned(members[0]), FEE * 4 / 10 / 2);
        assert_eq!(earned(members[2]), 0);
    });
}

#[test]
fn member_whose_answer_disagrees_should_get_no_part_of_the_fee() {
    build_and_execute(|| {
        combining();
        let mut report = version_report(&merged(), Some(score(1_000, 500)));
        report.wrong = 0b010;
        report_all(PrivateReport::Version(report));
        run_to(R1, PrivatePhase::Closed);
        assert_eq!(earned(member(1, 1)), 0);
        assert_eq!(earned(member(1, 0)), FEE * 4 / 10 / 2);
    });
}

#[test]
fn nothing_should_be_merged_or_paid_when_auditors_do_not_agree() {
    build_and_execute(|| {
        combining();
        let of = |loss| PrivateReport::Version(version_report(&merged(), Some(score(1_000, loss))));
        let all: Vec<_> = seats().into_iter().zip([1, 2, 3].map(of)).collect();
        all.iter().for_each(|(a, r)| commit_report(*a, *r));
        run_to(R1, PrivatePhase::Reveal);
        for (auditor, report) in &all {
            assert_ok!(Private::reveal_report(origin(*auditor), R1, *report, SALT));
        }
        run_to(R1, PrivatePhase::Closed);
        assert_eq!(head(), base_header().hash());
        assert_eq!(Jobs::<Test>::get(0).unwrap().balance, 1_000 * DREAM);
    });
}

#[test]
fn version_should_not_be_promoted_when_the_branch_moved_meanwhile() {
    build_and_execute(|| {
        combining();
        let report = version_report(&merged(), Some(score(1_000_000, 900_000)));
        report_all(PrivateReport::Version(report));
        run_to(R1, PrivatePhase::VersionDispute);
        BRANCH.with_borrow_mut(|b| b.head = h(1));
        run_to(R1, PrivatePhase::Closed);
        assert_eq!(head(), h(1));
        assert!(PARTS.iter().all(|a| earned(*a) == 0));
    });
}

#[test]
fn version_should_not_be_promoted_when_the_branch_was_frozen_meanwhile() {
    build_and_execute(|| {
        combining();
        let report = version_report(&merged(), Some(score(1_000_000, 900_000)));
        report_all(PrivateReport::Version(report));
        run_to(R1, PrivatePhase::VersionDispute);
        BRANCH.with_borrow_mut(|b| b.frozen = true);
        run_to(R1, PrivatePhase::Closed);
        assert_eq!(head(), base_header().hash());
        assert!(PARTS.iter().all(|a| earned(*a) == 0));
        // No round follows while it is frozen.
        run_blocks(20);
        assert_eq!(LastRound::<Test>::get(0), 1);
        BRANCH.with_borrow_mut(|b| b.frozen = false);
        run_blocks(1);
        assert_eq!(LastRound::<Test>::get(0), 2);
    });
}

/// A round whose auditors found segment 5 out of range.
fn out_of_range() {
    combining();
    report_all(PrivateReport::OutOfRange { segment: 5 });
    run_to(R1, PrivatePhase::Exposure);
}

fn exposure(byte: u8) -> SegmentDisclosure {
    SegmentDisclosure {
        key_seed: Some(h(byte)),
        ..disclosure(byte)
    }
}

#[test]
fn sum_out_of_range_should_void_the_cohort_and_cost_who_sent_it_or_hides() {
    build_and_execute(|| {
        out_of_range();
        let [cheat, hider, honest] = PARTS;
        // All are asked, those too that were audited before; with the seed of the key's ciphertext.
        assert_noop!(
            Private::disclose_segment(origin(cheat), R1, disclosure(1)),
            Error::<Test>::KeySeed
        );
        for account in [cheat, honest] {
            assert_ok!(Private::disclose_segment(origin(account), R1, exposure(1)));
        }
        run_to(R1, PrivatePhase::Blame);
        vote_all(ContributionVotes {
            faulty: mask(&[cheat]),
            ..Default::default()
        });
        run_to(R1, PrivatePhase::Closed);
        let bond = literal().bonds.contribution;
        assert_eq!(
            (bonded(cheat), bonded(hider), bonded(honest)),
            (BOND - bond, BOND - bond, BOND)
        );
        assert_eq!(head(), base_header().hash());
        assert!(PARTS.iter().all(|a| earned(*a) == 0));
        nothing_locked();
        assert!(PARTS
            .iter()
            .all(|a| !Contributors::<Test>::contains_key(R1, a)));
    });
}

#[test]
fn honest_cohort_should_lose_nothing_but_the_round_when_two_thirds_lie_about_its_range() {
    build_and_execute(|| {
        out_of_range();
        for account in PARTS {
            assert_ok!(Private::disclose_segment(origin(account), R1, exposure(1)));
        }
        run_to(R1, PrivatePhase::Blame);
        vote_all(ContributionVotes::default());
        run_to(R1, PrivatePhase::Closed);
        assert!(PARTS.iter().all(|a| bonded(*a) == BOND));
    });
}
