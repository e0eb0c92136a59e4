// SPDX-License-Identifier: GPL-3.0-or-later
//! Error feedback: where a claim's residual must start.

use super::models::{round_id, LARGE};
use super::*;
use crate::{Error, Residuals};
use dream_primitives::feedback::CarriedResidual;
use dream_primitives::trial::Level;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn feedback() {
    BRANCH.with_borrow_mut(|b| b.recipe.error_feedback = 1 << 16);
    train();
}

fn stored(root: H256) -> StoredResidual {
    StoredResidual { root, cid: cid(9) }
}

fn residual(start: Option<H256>, end: H256) -> Option<ClaimResidual> {
    Some(ClaimResidual {
        start: start.map(stored),
        end: Some(stored(end)),
    })
}

fn trace(account: AccountId, number: u32, start: Option<H256>, end: H256) -> Trace {
    let mut trace = Trace::new(account, round_id(number));
    trace.claim.residual = residual(start, end);
    trace
}

fn left(account: AccountId, number: u32) -> H256 {
    h(&(account, number, "residual"))
}

/// A round in which these accounts' claims are merged, each with a residual that starts at the one given.
fn merged(number: u32, miners: &[(AccountId, Option<H256>)]) -> Vec<Trace> {
    let round = round_id(number);
    run_to(round, Phase::Training);
    let claim = |(account, start): &(AccountId, Option<H256>)| {
        let trace = trace(*account, number, *start, left(*account, number));
        trace.submit();
        trace
    };
    let traces: Vec<Trace> = miners.iter().map(claim).collect();
    audit(&traces, |t, _| Some(t.report()));
    run_to(round, Phase::Merging);
    post_merge(3, round);
    run_to(round, Phase::Vesting);
    traces
}

fn carried(account: AccountId) -> Option<H256> {
    Residuals::<Test>::get(0, account).map(|c| c.residual.root)
}

fn refuse(account: AccountId, number: u32, start: Option<H256>) {
    let claim = trace(account, number, start, H256::zero()).claim;
    let refused = UsefulWork::submit_claim(origin(account), claim);
    assert_noop!(refused, Error::<Test>::BadResidual);
}

#[test]
fn residual_should_start_where_the_last_merged_claim_ended() {
    build_and_execute(|| {
        feedback();
        refuse(1, 1, Some(H256::zero()));
        refuse(1, 1, Some(left(1, 0)));
        let without = Trace::new(1, R1).claim;
        let refused = UsefulWork::submit_claim(origin(1), without);
        assert_noop!(refused, Error::<Test>::BadResidual);
        let traces = merged(1, &[(1, None), (2, None)]);
        assert_eq!(
            Residuals::<Test>::get(0, 1),
            Some(CarriedResidual {
                claim: traces[0].id(),
                residual: stored(left(1, 1))
            })
        );
        run_to(round_id(2), Phase::Training);
        refuse(1, 2, None);
        refuse(1, 2, Some(left(2, 1)));
        refuse(3, 2, Some(left(1, 1)));
        merged(2, &[(1, Some(left(1, 1))), (3, None)]);
        assert_eq!(
            [carried(1), carried(2), carried(3)],
            [Some(left(1, 2)), Some(left(2, 1)), Some(left(3, 2))],
            "account 2 sat a round out"
        );
        // A claim that sent everything leaves nothing.
        run_to(round_id(3), Phase::Training);
        let last = trace(1, 3, Some(left(1, 2)), H256::zero());
        last.submit();
        audit(&[last], |t, _| Some(t.report()));
        run_to(round_id(3), Phase::Merging);
        post_merge(3, round_id(3));
        run_to(round_id(3), Phase::Vesting);
        assert_eq!(carried(1), None);
    });
}

#[test]
fn account_should_begin_with_zeros_when_it_registers_its_profile_anew() {
    build_and_execute(|| {
        feedback();
        merged(1, &[(1, None)]);
        assert_ok!(register(1, LEAF));
        assert_eq!(carried(1), None);
        run_to(round_id(3), Phase::Training);
        refuse(1, 3, Some(left(1, 1)));
        trace(1, 3, None, left(1, 3)).submit();
    });
}

#[test]
fn residual_should_stay_when_the_claim_is_not_merged() {
    build_and_execute(|| {
        feedback();
        merged(1, &[(1, None)]);
        run_to(round_id(2), Phase::Training);
        let trace = trace(1, 2, Some(left(1, 1)), left(1, 2));
        trace.submit();
        run_to(round_id(2), Phase::Vesting);
        assert_eq!(trace.record().state, ClaimState::Void, "nothing was opened");
        assert_eq!(carried(1), Some(left(1, 1)));
    });
}

#[test]
fn claim_should_escalate_when_its_residual_ends_elsewhere() {
    build_and_execute(|| {
        feedback();
        let trace = trace(1, 1, None, left(1, 1));
        trace.submit();
        audit(&[trace], |t, _| {
            let mut report = t.report();
            report.residual_end = Some(left(2, 1));
            Some(report)
        });
        let claim = crate::ClaimOf::<Test>::get(R1, 1).unwrap();
        assert_eq!(Trials::<Test>::get(claim).unwrap().level, Level::Escalation);
    });
}

#[test]
fn residual_of_a_slashed_claim_should_be_forgotten() {
    build_and_execute(|| {
        assert_ok!(UsefulWork::bond(origin(9), 20_000 * DREAM));
        feedback();
        let traces = merged(1, &[(1, None), (2, None)]);
        let segment = traces[0].record().audited[0];
        assert_ok!(UsefulWork::challenge(origin(9), traces[0].id(), segment));
        let (start, end) = (traces[0].start(segment), traces[0].opening(segment));
        assert_ok!(UsefulWork::open_challenged(
            origin(1),
            traces[0].id(),
            start,
            end
        ));
        assert_eq!(carried(1), Some(left(1, 1)), "a challenged claim stands");
        judge(&traces[0], |_| Some(traces[0].other_trial_report()));
        assert_eq!(traces[0].record().state, ClaimState::Slashed);
        assert_eq!([carried(1), carried(2)], [None, Some(left(2, 1))]);
    });
}

#[test]
fn residual_of_a_reverted_claim_should_be_forgotten_when_the_replay_comes() {
    build_and_execute(|| {
        MODEL.set(LARGE);
        feedback();
        let traces = merged(1, &[(1, None), (2, None)]);
        run_to(round_id(2), Phase::Training);
        let revert = UsefulWork::revert_claim(RuntimeOrigin::root(), traces[0].id());
        assert_ok!(revert);
        let revert = UsefulWork::revert_claim(RuntimeOrigin::root(), traces[1].id());
        assert_ok!(revert);
        // The round that is open goes on: what trained for it may have started at the residual.
        assert_eq!(carried(1), Some(left(1, 1)));
        merged(2, &[(2, Some(left(2, 1)))]);
        run_to(round_id(3), Phase::Merging);
        assert_eq!(
            [carried(1), carried(2)],
            [None, Some(left(2, 2))],
            "account 2 built on what it had left over"
        );
    });
}
