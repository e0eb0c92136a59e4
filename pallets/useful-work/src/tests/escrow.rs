// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{
    Credits, CurrentRound, Error, Escrows, Event, FundedBranches, HoldReason, PendingIssuance,
};
use dream_primitives::round::Role;
use polkadot_sdk::frame_support::traits::fungible::{Inspect, InspectHold};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use polkadot_sdk::sp_runtime::TokenError;

/// Owns the branch.
const OWNER: AccountId = 1;
const PER_ROUND: Balance = 1_000 * DREAM;

fn fund(amount: Balance) {
    assert_ok!(UsefulWork::fund_branch(
        origin(OWNER),
        0,
        amount,
        PER_ROUND,
        DREAM / 100
    ));
}

fn on_hold() -> Balance {
    Balances::balance_on_hold(&HoldReason::Escrow.into(), &OWNER)
}

/// Bonds, profiles and verifiers, and an escrow instead of an admission; round 1 trains.
fn train_funded(amount: Balance) {
    train();
    dismiss();
    // Round 1 has the chain's terms: the funded one is the next.
    fund(amount);
    run_to(newcomers::R2, Phase::Training);
}

#[test]
fn funded_branch_should_pay_from_its_escrow_and_earn_no_credits() {
    build_and_execute(|| {
        train_funded(5_000 * DREAM);
        // Nor does a jury's verdict on such a branch take any away.
        assert!(!UsefulWork::earns_credits(newcomers::R2));
        let escrow = Escrows::<Test>::get(0).unwrap();
        assert_eq!(
            (escrow.balance, escrow.reserved),
            (5_000 * DREAM, PER_ROUND)
        );
        let traces = [2, 3].map(|m| Trace::new(m, newcomers::R2));
        traces.iter().for_each(Trace::submit);
        audit(&traces, |t, _| Some(t.report()));
        post_merge(5, newcomers::R2);
        run_to(newcomers::R2, Phase::Vesting);
        let pay = Rounds::<Test>::get(newcomers::R2).unwrap().pay.unwrap();
        let units = 2 * 8 * 2 * 4 * 128 + 6 * 2 * 2 * 4 * 128;
        assert_eq!(pay.total(), (units * DREAM / 100).min(PER_ROUND));
        assert_eq!(pay.total(), pay.miners + pay.verifiers);
        let receipts: Vec<_> = traces.iter().flat_map(|t| t.record().receipts).collect();
        let sum: Balance = receipts.iter().map(|r| r.amount).sum();
        assert!(sum > 0 && sum <= pay.total());
        assert_eq!(Escrows::<Test>::get(0).unwrap().reserved, sum + PER_ROUND);
        assert_eq!(PendingIssuance::<Test>::get(), 0);

        let issuance = Balances::total_issuance();
        let before = Balances::balance(&2);
        run_to(newcomers::R2, Phase::Closed);
        assert_eq!(Balances::total_issuance(), issuance);
        let miner = receipts
            .iter()
            .find(|r| r.account == 2 && r.role == Role::Miner)
            .unwrap();
        assert_eq!(Balances::balance(&2), before + miner.amount);
        assert_eq!(on_hold(), 5_000 * DREAM - sum);
        assert_eq!(Credits::<Test>::get(2).amount, 0);
        assert_eq!(states(&traces), [ClaimState::Vested; 2]);
    });
}

#[test]
fn rounds_should_stop_when_the_escrow_runs_dry() {
    build_and_execute(|| {
        train_funded(PER_ROUND + DREAM);
        let traces = [2, 3].map(|m| Trace::new(m, newcomers::R2));
        traces.iter().for_each(Trace::submit);
        audit(&traces, |t, _| Some(t.report()));
        run_to(newcomers::R2, Phase::Closed);
        let left = Escrows::<Test>::get(0).unwrap();
        assert!(left.balance < PER_ROUND && left.reserved == 0);
        run_blocks(50);
        assert_eq!(CurrentRound::<Test>::get(0), Some(2));
        assert_eq!(FundedBranches::<Test>::get().len(), 0);
        fund(PER_ROUND);
        run_blocks(1);
        assert_eq!(CurrentRound::<Test>::get(0), Some(3));
    });
}

#[test]
fn escrow_of_an_empty_round_should_be_free_again() {
    build_and_execute(|| {
        train_funded(PER_ROUND);
        assert_eq!(Escrows::<Test>::get(0).unwrap().free(), 0);
        run_to(newcomers::R2, Phase::Closed);
        // The next round opened at once on what came back.
        run_blocks(1);
        assert_eq!(CurrentRound::<Test>::get(0), Some(3));
        assert_eq!(Escrows::<Test>::get(0).unwrap().reserved, PER_ROUND);
    });
}

#[test]
fn withdraw_escrow_should_release_what_no_round_has_set_aside() {
    build_and_execute(|| {
        train_funded(3 * PER_ROUND);
        let withdraw = |who, amount| UsefulWork::withdraw_escrow(origin(who), 0, amount);
        assert_noop!(withdraw(2, DREAM), Error::<Test>::NotTheOwner);
        assert_noop!(withdraw(OWNER, 0), Error::<Test>::ZeroAmount);
        let much = withdraw(OWNER, 2 * PER_ROUND + 1);
        assert_noop!(much, Error::<Test>::EscrowTooSmall);
        let free = Balances::balance(&OWNER);
        assert_ok!(withdraw(OWNER, 2 * PER_ROUND));
        assert_eq!(Balances::balance(&OWNER), free + 2 * PER_ROUND);
        assert_eq!(on_hold(), PER_ROUND);
        System::assert_last_event(
            Event::EscrowWithdrawn {
                branch: 0,
                amount: 2 * PER_ROUND,
            }
            .into(),
        );
        assert_noop!(withdraw(OWNER, 1), Error::<Test>::EscrowTooSmall);
        let none = UsefulWork::withdraw_escrow(origin(OWNER), 1, 1);
        assert_noop!(none, Error::<Test>::NotFunded);
    });
}

#[test]
fn frozen_tokens_should_fund_no_branch() {
    build_and_execute(|| {
        let fund = || UsefulWork::fund_branch(origin(OWNER), 0, 5_000 * DREAM, PER_ROUND, 1);
        let all = Balances::free_balance(OWNER);
        freeze(OWNER, all - 5_000 * DREAM + 1);
        assert_noop!(fund(), TokenError::Frozen);
        freeze(OWNER, all - 5_000 * DREAM);
        assert_ok!(fund());
    });
}

#[test]
fn fund_branch_should_fail_when_it_cannot_pay_a_round_or_is_not_the_callers() {
    build_and_execute(|| {
        let fund = |who, branch, amount, per_round, price| {
            UsefulWork::fund_branch(origin(who), branch, amount, per_round, price)
        };
        assert_noop!(fund(1, 9, 10, 10, 1), Error::<Test>::UnknownBranch);
        assert_noop!(fund(2, 0, 10, 10, 1), Error::<Test>::NotTheOwner);
        assert_noop!(fund(1, 0, 9, 10, 1), Error::<Test>::EscrowTooSmall);
        assert_noop!(fund(1, 0, 10, 0, 1), Error::<Test>::ZeroAmount);
        assert_noop!(fund(1, 0, 10, 10, 0), Error::<Test>::ZeroAmount);
        assert!(fund(1, 0, 1 << 100, 10, 1).is_err());
        assert_eq!(Escrows::<Test>::get(0), None);
        admit();
        assert_noop!(fund(1, 0, 10, 10, 1), Error::<Test>::BranchAdmitted);
    });
}

#[test]
fn branch_should_displace_the_least_funded_when_the_list_is_full() {
    build_and_execute(|| {
        BRANCHES.set(crate::MAX_FUNDED + 2);
        let fund = |branch, amount| UsefulWork::fund_branch(origin(OWNER), branch, amount, 100, 1);
        for branch in 1..=crate::MAX_FUNDED {
            assert_ok!(fund(branch, 200 + Balance::from(branch)));
        }
        assert_noop!(fund(0, 201), Error::<Test>::TooManyFunded);
        assert_ok!(fund(0, 202));
        let funded = FundedBranches::<Test>::get();
        assert!(funded.contains(&0) && !funded.contains(&1));
        assert_eq!(Escrows::<Test>::get(1).unwrap().balance, 201);
        assert_ok!(UsefulWork::withdraw_escrow(origin(OWNER), 1, 201));
        assert_eq!(Escrows::<Test>::get(1), None);
    });
}

#[test]
fn emission_should_pay_when_a_funded_branch_is_admitted() {
    build_and_execute(|| {
        fund(PER_ROUND);
        admit();
        run_blocks(1);
        let terms = crate::Terms::<Test>::get(R1).unwrap();
        assert_eq!(terms.funding.share(), 1_000_000);
        assert_eq!(Escrows::<Test>::get(0).unwrap().reserved, 0);
        assert_ok!(UsefulWork::withdraw_escrow(origin(OWNER), 0, PER_ROUND));
    });
}
