// SPDX-License-Identifier: GPL-3.0-or-later
//! Scoring of merges on held-out shards.

use super::*;
use crate::{Bonds, Candidates, Error, PendingIssuance, Scores, SeedWindows, Valuations};
use dream_primitives::value::{Loss, ScoreReport, ScoreStage, Shard};
use polkadot_sdk::frame_support::assert_noop;

const STEWARD: AccountId = 12;

fn report(parent: u64, version: u64) -> ScoreReport {
    let loss = |total| Loss {
        total,
        bits: H256::from_low_u64_be(total),
    };
    ScoreReport {
        parent: loss(parent),
        version: loss(version),
    }
}

fn salt(account: AccountId) -> H256 {
    H256::from_low_u64_be(account)
}

fn shard() {
    SHARDS.with_borrow_mut(|all| {
        all.push(Shard {
            root: H256::repeat_byte(3),
            samples: 10,
            window: 129,
            steward: STEWARD,
        })
    });
}

fn stage() -> ScoreStage {
    Valuations::<Test>::get(R1).unwrap().stage
}

fn run_to_stage(wanted: ScoreStage) {
    for _ in 0..200 {
        if stage() == wanted {
            return;
        }
        run_blocks(1);
    }
    panic!("{wanted:?} is never reached");
}

fn scorers() -> Vec<AccountId> {
    let valuation = Valuations::<Test>::get(R1).unwrap();
    valuation.seats.iter().map(|s| s.scorer).collect()
}

/// A round with three accepted claims whose merge is to be scored.
fn merged() -> Vec<Trace> {
    train();
    merge_claims()
}

fn merge_claims() -> Vec<Trace> {
    shard();
    let traces: Vec<Trace> = MINERS.map(|m| Trace::new(m, R1)).into();
    traces.iter().for_each(Trace::submit);
    audit(&traces, |t, _| Some(t.report()));
    post_merge(5, R1);
    run_to(R1, Phase::Valuation);
    traces
}

fn commit(account: AccountId, report: ScoreReport) {
    let genesis = UsefulWork::genesis();
    let raw = UsefulWork::raw(&account);
    let commitment = report.commitment(&genesis, &raw, &R1, &salt(account));
    assert_ok!(UsefulWork::commit_score(origin(account), R1, commitment));
}

fn score(of: impl Fn(usize) -> Option<ScoreReport>) {
    run_to_stage(ScoreStage::Opening);
    assert_ok!(UsefulWork::open_shard(origin(STEWARD), R1, cid(9)));
    run_to_stage(ScoreStage::Commitment);
    let scorers = scorers();
    for (i, account) in scorers.iter().enumerate() {
        if let Some(report) = of(i) {
            commit(*account, report);
        }
    }
    run_to_stage(ScoreStage::Reveal);
    for (i, account) in scorers.iter().enumerate() {
        if let Some(report) = of(i) {
            let reveal = UsefulWork::reveal_score(origin(*account), R1, report, salt(*account));
            assert_ok!(reveal);
        }
    }
}

#[test]
fn better_version_should_be_promoted_and_its_scorers_paid_when_all_agree() {
    build_and_execute(|| {
        merged();
        let before = BRANCH.with_borrow(|b| b.head);
        score(|_| Some(report(2_000, 1_000)));
        run_to(R1, Phase::Vesting);
        let head = BRANCH.with_borrow(|b| b.head);
        assert_ne!(head, before);
        let record = Scores::<Test>::get(0);
        assert_eq!(record.len(), 1);
        assert!(record[0].promoted && record[0].version == head && record[0].samples == 10);
        let seats = Valuations::<Test>::get(R1).unwrap().seats;
        assert_eq!(seats.len(), 3);
        assert!(seats.iter().all(|s| s.reward > 0 && s.bond > 0));
        let balance = Balances::free_balance(seats[0].scorer);
        run_to(R1, Phase::Closed);
        assert!(Balances::free_balance(seats[0].scorer) >= balance + seats[0].reward);
        assert!(Valuations::<Test>::get(R1)
            .unwrap()
            .seats
            .iter()
            .all(|s| s.bond == 0));
        assert_eq!(
            PendingIssuance::<Test>::get(),
            crate::Producers::<Test>::get().balance
        );
    });
}

#[test]
fn worse_version_should_not_be_promoted_and_its_claims_paid_all_the_same() {
    build_and_execute(|| {
        let traces = merged();
        let before = BRANCH.with_borrow(|b| b.head);
        let margin = 10 * u64::from(PARAMETERS.with_borrow(|p| p.audit.value_margin));
        score(|_| Some(report(1_000, 1_001 + margin)));
        run_to(R1, Phase::Vesting);
        assert_eq!(BRANCH.with_borrow(|b| b.head), before);
        assert!(!Scores::<Test>::get(0)[0].promoted);
        for trace in &traces {
            let record = trace.record();
            assert_eq!(record.state, ClaimState::Accepted);
            assert!(record
                .receipts
                .iter()
                .any(|r| r.account == trace.account && r.amount > 0));
        }
        // The poster did what the rules ask: its bond is free.
        assert_eq!(Rounds::<Test>::get(R1).unwrap().merge, None);
    });
}

#[test]
fn version_at_the_margin_should_be_promoted() {
    build_and_execute(|| {
        merged();
        let before = BRANCH.with_borrow(|b| b.head);
        let margin = 10 * u64::from(PARAMETERS.with_borrow(|p| p.audit.value_margin));
        score(|_| Some(report(1_000, 1_000 + margin)));
        run_to(R1, Phase::Vesting);
        assert_ne!(BRANCH.with_borrow(|b| b.head), before);
    });
}

#[test]
fn lone_lie_should_be_unpaid_and_silence_cost_a_part_of_the_bond() {
    build_and_execute(|| {
        merged();
        let worse = report(1, u64::MAX);
        score(|i| [Some(report(9, 8)), Some(report(9, 8)), Some(worse)][i]);
        run_to(R1, Phase::Vesting);
        assert!(Scores::<Test>::get(0)[0].promoted);
        let seats = Valuations::<Test>::get(R1).unwrap().seats;
        assert!(seats[0].reward > 0 && seats[1].reward > 0 && seats[2].reward == 0);
        assert_eq!(seats[2].bond, PARAMETERS.with_borrow(|p| p.bonds.seat));
    });
    build_and_execute(|| {
        merged();
        let total = |a: AccountId| Bonds::<Test>::get(a).unwrap().total;
        score(|i| (i != 2).then(|| report(9, 8)));
        let silent = scorers()[2];
        let before = total(silent);
        run_to(R1, Phase::Vesting);
        let lost = PARAMETERS.with_borrow(|p| p.bonds.silence);
        assert_eq!(total(silent), before - lost);
        assert!(Scores::<Test>::get(0)[0].promoted);
    });
}

#[test]
fn version_should_be_promoted_unscored_when_the_steward_or_the_scorers_fail() {
    build_and_execute(|| {
        merged();
        let before = BRANCH.with_borrow(|b| b.head);
        run_to(R1, Phase::Vesting);
        assert_ne!(BRANCH.with_borrow(|b| b.head), before);
        assert!(Scores::<Test>::get(0).is_empty());
    });
    build_and_execute(|| {
        merged();
        let before = BRANCH.with_borrow(|b| b.head);
        score(|i| Some(report(1, 100 + i as u64)));
        run_to(R1, Phase::Vesting);
        assert_ne!(BRANCH.with_borrow(|b| b.head), before);
        assert!(Scores::<Test>::get(0).is_empty());
    });
}

#[test]
fn shard_should_be_used_once() {
    build_and_execute(|| {
        merged();
        assert!(SHARDS.with_borrow(Vec::is_empty));
        score(|_| Some(report(9, 8)));
        run_to(R1, Phase::Vesting);
        let second = RoundId {
            branch: 0,
            number: 2,
        };
        run_to(second, Phase::Training);
        let traces = MINERS.map(|m| Trace::new(m, second));
        traces.iter().for_each(Trace::submit);
        audit(&traces, |t, _| Some(t.report()));
        post_merge(5, second);
        run_to(second, Phase::Vesting);
        assert_eq!(Valuations::<Test>::get(second), None);
        assert_eq!(Scores::<Test>::get(0).len(), 1);
    });
}

#[test]
fn score_calls_should_refuse_bad_input_by_name() {
    build_and_execute(|| {
        let open = |who| UsefulWork::open_shard(origin(who), R1, cid(9));
        assert_noop!(open(STEWARD), Error::<Test>::UnknownRound);
        merged();
        let commit_as = |who| UsefulWork::commit_score(origin(who), R1, H256::zero());
        assert_noop!(commit_as(5), Error::<Test>::WrongPhase);
        assert_noop!(open(5), Error::<Test>::NotTheSteward);
        assert_ok!(open(STEWARD));
        assert_noop!(open(STEWARD), Error::<Test>::AlreadyDone);
        run_to_stage(ScoreStage::Commitment);
        assert_noop!(open(STEWARD), Error::<Test>::WrongPhase);
        assert_noop!(commit_as(STEWARD), Error::<Test>::NotInCommittee);
        let seats = scorers();
        let right = report(9, 8);
        let reveal = |who, r, s| UsefulWork::reveal_score(origin(who), R1, r, salt(s));
        assert_noop!(reveal(seats[0], right, seats[0]), Error::<Test>::WrongPhase);
        commit(seats[0], right);
        assert_noop!(commit_as(seats[0]), Error::<Test>::AlreadyDone);
        run_to_stage(ScoreStage::Reveal);
        assert_noop!(commit_as(seats[1]), Error::<Test>::WrongPhase);
        assert_noop!(
            reveal(seats[1], right, seats[1]),
            Error::<Test>::NotCommitted
        );
        assert_noop!(
            reveal(seats[0], right, seats[1]),
            Error::<Test>::RevealMismatch
        );
        assert_noop!(
            reveal(seats[0], report(9, 7), seats[0]),
            Error::<Test>::RevealMismatch
        );
        assert_ok!(reveal(seats[0], right, seats[0]));
        assert_noop!(
            reveal(seats[0], right, seats[0]),
            Error::<Test>::AlreadyDone
        );
    });
}

#[test]
fn scorers_of_a_funded_branch_should_be_paid_from_its_escrow() {
    build_and_execute(|| {
        for account in MINERS {
            assert_ok!(UsefulWork::bond(origin(account), 20_000 * DREAM));
            assert_ok!(register(account, LEAF));
        }
        enlist(VERIFIERS);
        run_blocks(1);
        let fund = UsefulWork::fund_branch(origin(1), 0, 2_000 * DREAM, 1_000 * DREAM, DREAM / 100);
        assert_ok!(fund);
        run_to(R1, Phase::Training);
        merge_claims();
        score(|_| Some(report(2_000, 1_000)));
        run_to(R1, Phase::Vesting);
        let seats = Valuations::<Test>::get(R1).unwrap().seats;
        let rewards: u128 = seats.iter().map(|s| s.reward).sum();
        let receipted = Rounds::<Test>::get(R1).unwrap().receipted;
        assert!(rewards > 0 && receipted > rewards);
        let issuance = Balances::total_issuance();
        run_to(R1, Phase::Closed);
        assert_eq!(Balances::total_issuance(), issuance);
        let escrow = crate::Escrows::<Test>::get(0).unwrap();
        assert_eq!(escrow.balance, 2_000 * DREAM - receipted);
    });
}

#[test]
fn scorers_should_lose_nothing_when_the_opened_shard_is_not_to_be_had() {
    build_and_execute(|| {
        merged();
        let total = |a: &AccountId| Bonds::<Test>::get(a).unwrap().total;
        score(|_| None);
        let scorers = scorers();
        let before: Vec<_> = scorers.iter().map(total).collect();
        run_to(R1, Phase::Vesting);
        assert_eq!(scorers.iter().map(total).collect::<Vec<_>>(), before);
        assert!(Scores::<Test>::get(0).is_empty());
    });
}

#[test]
fn drawn_scorers_should_keep_their_seats_when_they_unbond_before_the_draw() {
    build_and_execute(|| {
        merged();
        let before = BRANCH.with_borrow(|b| b.head);
        for verifier in &VERIFIERS[..3] {
            let free = Bonds::<Test>::get(verifier).unwrap().free();
            assert_ok!(UsefulWork::unbond(origin(*verifier), free));
        }
        // Two thirds of the seats are two of three, however few would rather sit.
        score(|i| (i == 0).then(|| report(1, u64::MAX)));
        let seats = Valuations::<Test>::get(R1).unwrap().seats;
        assert_eq!(seats.len(), 3);
        let seat = PARAMETERS.with_borrow(|p| p.bonds.seat);
        assert!(seats.iter().all(|s| s.bond == seat));
        run_to(R1, Phase::Vesting);
        assert!(Scores::<Test>::get(0).is_empty());
        assert_ne!(BRANCH.with_borrow(|b| b.head), before);
    });
}

#[test]
fn shard_should_wait_when_a_claim_falls_in_the_dispute_window() {
    build_and_execute(|| {
        PARAMETERS.with_borrow_mut(|p| p.round.response_blocks = 2);
        assert_ok!(UsefulWork::bond(origin(9), 1_000 * DREAM));
        train();
        shard();
        let traces = MINERS.map(|m| Trace::new(m, R1));
        traces.iter().for_each(Trace::submit);
        audit(&traces, |t, _| Some(t.report()));
        post_merge(5, R1);
        run_to(R1, Phase::Dispute);
        // Its miner does not open what is challenged.
        assert_ok!(UsefulWork::challenge(origin(9), traces[0].id(), 0));
        run_to(R1, Phase::Merging);
        assert_eq!(traces[0].record().state, ClaimState::Slashed);
        assert_eq!(SHARDS.with_borrow(Vec::len), 1);
        assert!(!Valuations::<Test>::contains_key(R1));
        assert!(!SeedWindows::<Test>::contains_key(R1));
        assert!(!Candidates::<Test>::contains_key(R1));
        post_merge(6, R1);
        run_to(R1, Phase::Valuation);
        assert_eq!(SHARDS.with_borrow(Vec::len), 0);
        assert_eq!(stage(), ScoreStage::Opening);
    });
}
