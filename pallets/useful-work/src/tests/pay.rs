// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{Credits, Event, PendingIssuance, Producers, TotalCredits};
use dream_primitives::round::Role;
use dream_primitives::{Balance, SUPPLY_CAP};
use polkadot_sdk::frame_support::traits::fungible::{Inspect, Mutate};

/// Units of a full claim: 8 segments of 2 steps, 4 sequences, 128 tokens.
const UNITS: u128 = 8 * 2 * 4 * 128;

fn paid_round() -> [Trace; 3] {
    train();
    let traces = MINERS.map(|m| Trace::new(m, R1));
    traces.iter().for_each(Trace::submit);
    audit(&traces, |t, _| {
        Some(if t.account == 3 {
            t.other_report()
        } else {
            t.report()
        })
    });
    judge(&traces[2], |_| Some(found(&traces[2])));
    run_to(R1, Phase::Merging);
    post_merge(5, R1);
    run_to(R1, Phase::Vesting);
    traces
}

/// What a jury finds of a claim whose delta is another.
fn found(trace: &Trace) -> ReplayReport {
    ReplayReport {
        delta_root: trace.other_report().delta_root,
        ..trace.trial_report()
    }
}

#[test]
fn receipts_should_split_the_emission_by_units_and_pay_right_verifiers() {
    build_and_execute(|| {
        let traces = paid_round();
        let round = Rounds::<Test>::get(R1).unwrap();
        assert_eq!(round.units, 2 * UNITS);
        assert_eq!(round.audit_units, 9 * UNITS / 4);
        let unit_price = PARAMETERS.with_borrow(|p| p.rewards.max_unit_price);
        let total = round
            .emission
            .min((round.units + round.audit_units) * unit_price);
        assert!(total > 0);
        let miners: Vec<Balance> = traces.iter().map(|t| of_role(t, Role::Miner)).collect();
        assert_eq!(miners, [total * 65 / 100 / 2, total * 65 / 100 / 2, 0]);
        for trace in &traces {
            let each = total / 5 / 9;
            assert_eq!(
                of_role(trace, Role::Verifier),
                3 * each,
                "{:?}",
                trace.record().receipts
            );
        }
        assert_eq!(Balances::balance(&777), total * 5 / 100);
    });
}

fn of_role(trace: &Trace, role: Role) -> Balance {
    trace
        .record()
        .receipts
        .iter()
        .filter(|r| r.role == role)
        .map(|r| r.amount)
        .sum()
}

#[test]
fn rewards_and_credits_should_come_only_when_the_round_vests() {
    build_and_execute(|| {
        let traces = paid_round();
        let free = Balances::balance(&1);
        let pending = PendingIssuance::<Test>::get();
        let reward = of_role(&traces[0], Role::Miner);
        assert_eq!(Credits::<Test>::get(1).amount, 0);
        run_to(R1, Phase::Closed);
        assert_eq!(Balances::balance(&1), free + reward);
        assert_eq!(Credits::<Test>::get(1).amount, UNITS);
        assert_eq!(Credits::<Test>::get(3).amount, 0);
        assert_eq!(TotalCredits::<Test>::get().amount, 2 * UNITS);
        assert!(PendingIssuance::<Test>::get() < pending);
        assert_eq!(
            states(&traces),
            [ClaimState::Vested, ClaimState::Vested, ClaimState::Slashed]
        );
        System::assert_has_event(
            Event::Vested {
                claim: traces[0].id(),
                account: 1,
                role: Role::Miner,
                amount: reward,
            }
            .into(),
        );
        assert_eq!(crate::Bonds::<Test>::get(1).unwrap().locked, 0);
    });
}

#[test]
fn issuance_should_grow_by_the_receipts_and_shares_and_nothing_else() {
    build_and_execute(|| {
        let before = Balances::total_issuance();
        let traces = paid_round();
        let receipts: Balance = traces
            .iter()
            .flat_map(|t| t.record().receipts)
            .map(|r| r.amount)
            .sum();
        let treasury = Balances::balance(&777);
        dismiss();
        run_to(R1, Phase::Closed);
        while Producers::<Test>::get().balance > 0 {
            run_blocks(1);
        }
        let authors = Balances::balance(&99);
        assert_eq!(burned(), 500 * DREAM);
        assert!(authors > 0 && treasury > 0 && receipts > 0);
        assert_eq!(
            Balances::total_issuance(),
            before + receipts + treasury + authors - burned()
        );
        assert_eq!(PendingIssuance::<Test>::get(), 0);
    });
}

#[test]
fn emission_should_stop_at_the_supply_cap() {
    build_and_execute(|| {
        let left = SUPPLY_CAP - Balances::total_issuance() - 1_000_000_000;
        Balances::mint_into(&888, left).unwrap();
        // Nothing is slashed, or what is burned would make room.
        train();
        let traces = [Trace::new(1, R1)];
        traces[0].submit();
        audit(&traces, |t, _| Some(t.report()));
        run_to(R1, Phase::Vesting);
        assert_eq!(Rounds::<Test>::get(R1).unwrap().emission, 1_000_000_000);
        assert!(of_role(&traces[0], Role::Miner) > 0);
        dismiss();
        run_to(R1, Phase::Closed);
        assert!(Balances::total_issuance() <= SUPPLY_CAP);
    });
}

#[test]
fn pay_should_be_fixed_when_paying_begins() {
    build_and_execute(|| {
        train();
        let traces = MINERS.map(|m| Trace::new(m, R1));
        traces.iter().for_each(Trace::submit);
        audit(&traces, |t, _| Some(t.report()));
        run_to(R1, Phase::Paying);
        let pay = Rounds::<Test>::get(R1).unwrap().pay.unwrap();
        assert_eq!(PendingIssuance::<Test>::get(), pay.total());
        PARAMETERS.with_borrow_mut(|p| {
            p.rewards.verifier_share = 900_000;
            p.rewards.max_unit_price *= 1000;
        });
        run_to(R1, Phase::Vesting);
        let miners: Balance = traces.iter().map(|t| of_role(t, Role::Miner)).sum();
        let verifiers: Balance = traces.iter().map(|t| of_role(t, Role::Verifier)).sum();
        assert!(miners <= pay.miners && pay.miners - miners < 3);
        assert!(verifiers <= pay.verifiers && pay.verifiers - verifiers < 9);
    });
}

#[test]
fn branch_should_gather_no_emission_while_it_has_no_round() {
    build_and_execute(|| {
        run_blocks(5000);
        paid_round();
        let round = Rounds::<Test>::get(R1).unwrap();
        let per_block = PARAMETERS.with_borrow(|p| p.rewards.emission_per_block);
        assert!(round.emission <= per_block * Balance::from(System::block_number() - round.opened));
    });
}

#[test]
fn claim_reward_should_not_pass_its_maximum() {
    build_and_execute(|| {
        PARAMETERS.with_borrow_mut(|p| p.rewards.max_claim_reward = DREAM / 100);
        let traces = paid_round();
        assert_eq!(of_role(&traces[0], Role::Miner), DREAM / 100);
    });
}

#[test]
fn verifiers_should_be_paid_when_every_claim_is_slashed() {
    build_and_execute(|| {
        train();
        let traces = [Trace::new(1, R1)];
        traces[0].submit();
        audit(&traces, |t, _| Some(t.other_report()));
        judge(&traces[0], |_| Some(found(&traces[0])));
        run_to(R1, Phase::Vesting);
        assert_eq!(of_role(&traces[0], Role::Miner), 0);
        assert!(of_role(&traces[0], Role::Verifier) > 0);
    });
}

#[test]
fn rewards_should_vest_by_the_deadline_when_no_later_round_comes() {
    build_and_execute(|| {
        let traces = paid_round();
        dismiss();
        let vests_at = traces[0].record().receipts[0].vests_at;
        let deadline = Rounds::<Test>::get(R1).unwrap().deadline;
        assert_eq!(deadline, vests_at);
        // Round 2 opened meanwhile; without claims it closes and vests round 1, or the deadline does.
        run_to(R1, Phase::Closed);
        assert!(System::block_number() <= deadline + 2);
    });
}
