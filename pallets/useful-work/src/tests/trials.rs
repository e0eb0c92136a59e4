// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{ActiveTrials, Bonds, Error};
use dream_primitives::round::ClaimState::*;
use dream_primitives::trial::Level;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn total(account: AccountId) -> u128 {
    Bonds::<Test>::get(account).map_or(0, |b| b.total)
}

/// A claim of miner 1 that its committee did not agree on: with four verifiers the jury judges, with eight an escalation
/// first.
fn disputed(verifiers: usize, report: impl Fn(&Trace, usize) -> Option<ReplayReport>) -> Trace {
    if verifiers > 4 {
        enlist(9..=12);
    }
    train();
    let traces = [Trace::new(1, R1)];
    traces[0].submit();
    audit(&traces, report);
    let [trace] = traces;
    trace
}

#[test]
fn claim_should_be_slashed_when_two_thirds_of_the_jury_find_one_other_thing() {
    build_and_execute(|| {
        let trace = disputed(4, |t, _| Some(t.other_report()));
        assert_eq!(trace.record().state, Escalated);
        let issued = Balances::total_issuance();
        run_to_stage(trace.id(), Stage::Commitment);
        assert_eq!(
            (trace.record().state, trace.trial().level),
            (OnTrial, Level::Jury)
        );
        assert_eq!(jurors(trace.id()), VERIFIERS);
        judge(&trace, |_| Some(found(&trace)));
        assert_eq!(trace.record().state, Slashed);
        assert_eq!(total(1), 19_000 * DREAM);
        // Half of the bond is burned, the rest is split among the four that were right.
        assert_eq!(Balances::total_issuance(), issued - 500 * DREAM);
        for juror in VERIFIERS {
            assert_eq!(Balances::free_balance(juror), 80_125 * DREAM);
        }
        assert!(ActiveTrials::<Test>::get().is_empty());
        run_to(R1, Phase::Paying);
        run_to(R1, Phase::Vesting);
        let record = trace.record();
        assert_eq!(
            record.receipts.len(),
            3,
            "the committee's replays are paid, the miner is not"
        );
        assert!(record.receipts.iter().all(|r| r.account != 1));
    });
}

fn found(trace: &Trace) -> ReplayReport {
    ReplayReport {
        delta_root: trace.other_report().delta_root,
        ..trace.trial_report()
    }
}

#[test]
fn jury_should_hang_and_slash_nobody_but_the_silent_when_just_below_two_thirds_agree() {
    build_and_execute(|| {
        let trace = disputed(4, |t, _| Some(t.other_report()));
        // One unit of bond less than two thirds: 40,000 of 80,000 speak.
        judge(&trace, |juror| (juror <= 6).then(|| found(&trace)));
        assert_eq!(trace.record().state, Void);
        assert_eq!(total(1), 20_000 * DREAM);
        assert_eq!(total(5), 20_000 * DREAM);
        assert_eq!((total(7), total(8)), (19_990 * DREAM, 19_990 * DREAM));
        run_to(R1, Phase::Vesting);
        assert!(trace.record().receipts.is_empty());
    });
}

#[test]
fn jury_should_decide_by_bond_and_not_by_heads() {
    build_and_execute(|| {
        // 5 and 6 have 80,000 of 120,000: exactly two thirds.
        for verifier in [5, 6] {
            assert_ok!(UsefulWork::bond(origin(verifier), 20_000 * DREAM));
        }
        let trace = disputed(4, |t, _| Some(t.other_report()));
        judge(&trace, |juror| (juror <= 6).then(|| found(&trace)));
        assert_eq!(trace.record().state, Slashed);
    });
}

#[test]
fn accusers_should_lose_their_seats_when_the_jury_upholds_the_claim() {
    build_and_execute(|| {
        let trace = disputed(4, |t, seat| {
            Some(if seat < 2 {
                t.other_report()
            } else {
                t.report()
            })
        });
        let seats = trace.seats();
        judge(&trace, |_| Some(trace.trial_report()));
        assert_eq!(trace.record().state, Accepted);
        assert_eq!(Rounds::<Test>::get(R1).unwrap().accepted, 1);
        for (i, seat) in seats.iter().enumerate() {
            let lost = if i < 2 { 100 * DREAM } else { 0 };
            assert_eq!(total(*seat), 20_000 * DREAM - lost);
        }
        run_to(R1, Phase::Vesting);
        let record = trace.record();
        let paid: Vec<AccountId> = record.receipts.iter().map(|r| r.account).collect();
        assert_eq!(paid, [1, seats[2]]);
    });
}

#[test]
fn escalation_should_uphold_a_claim_slash_nobody_and_be_paid() {
    build_and_execute(|| {
        let trace = disputed(8, |t, seat| {
            Some(if seat < 2 {
                t.other_report()
            } else {
                t.report()
            })
        });
        run_to_stage(trace.id(), Stage::Commitment);
        assert_eq!(
            (trace.trial().level, trace.trial().seats),
            (Level::Escalation, 5)
        );
        let larger = jurors(trace.id());
        assert!(trace.seats().iter().all(|s| !larger.contains(s)));
        assert_eq!(Rounds::<Test>::get(R1).unwrap().phase, Phase::Escalation);
        judge(&trace, |_| Some(trace.trial_report()));
        assert_eq!(trace.record().state, Accepted);
        for account in 5..=12 {
            assert_eq!(total(account), 20_000 * DREAM);
        }
        run_to(R1, Phase::Vesting);
        let record = trace.record();
        let mut paid: Vec<AccountId> = record.receipts.iter().map(|r| r.account).collect();
        paid.sort_unstable();
        let mut expected = larger;
        expected.extend([1, trace.seats()[2]]);
        expected.sort_unstable();
        assert_eq!(paid, expected);
    });
}

#[test]
fn copier_of_opened_digests_should_not_count_in_an_escalation_and_lose_before_the_jury() {
    build_and_execute(|| {
        let trace = disputed(8, |t, seat| {
            Some(if seat < 2 {
                t.other_report()
            } else {
                t.report()
            })
        });
        run_to_stage(trace.id(), Stage::Commitment);
        // All but the state after the drawn step stands on the chain.
        let copied = |juror: AccountId| ReplayReport {
            step_state: Some(h(&(juror, "guess"))),
            ..trace.trial_report()
        };
        let larger = jurors(trace.id());
        judge(&trace, |juror| {
            Some(if juror == larger[0] || juror == larger[1] {
                copied(juror)
            } else {
                trace.trial_report()
            })
        });
        // Three of five are no two thirds: the copies did not help the claim.
        run_to_stage(trace.id(), Stage::Commitment);
        assert_eq!(trace.trial().level, Level::Jury);
        assert_eq!(Rounds::<Test>::get(R1).unwrap().phase, Phase::Jury);
        assert_eq!(jurors(trace.id()), (5..=12).collect::<Vec<_>>());
        judge(&trace, |juror| {
            Some(if juror == larger[0] {
                copied(juror)
            } else {
                trace.trial_report()
            })
        });
        assert_eq!(trace.record().state, Accepted);
        assert_eq!(total(larger[0]), 19_900 * DREAM);
        assert_eq!(total(larger[2]), 20_000 * DREAM);
    });
}

#[test]
fn report_without_the_drawn_step_should_not_match() {
    build_and_execute(|| {
        let trace = disputed(4, |t, _| Some(t.other_report()));
        judge(&trace, |_| {
            Some(ReplayReport {
                step_state: None,
                ..trace.trial_report()
            })
        });
        assert_eq!(trace.record().state, Slashed);
    });
}

#[test]
fn verdicts_should_name_what_is_wrong() {
    build_and_execute(|| {
        let trace = disputed(4, |t, _| Some(t.other_report()));
        let (id, genesis) = (trace.id(), UsefulWork::genesis());
        let zero = H256::zero();
        let commit = |who, id, c| UsefulWork::commit_verdict(origin(who), id, c);
        let reveal = |who, report, salt| UsefulWork::reveal_verdict(origin(who), id, report, salt);
        assert_noop!(commit(5, zero, zero), Error::<Test>::NoTrial);
        assert_noop!(commit(5, id, zero), Error::<Test>::WrongStage);
        run_to_stage(id, Stage::Commitment);
        assert_noop!(commit(1, id, zero), Error::<Test>::NotInCommittee);
        let report = trace.trial_report();
        let commitment = report.commitment(&genesis, &raw(5), &id, &salt(5));
        assert_noop!(
            reveal(5, report.clone(), salt(5)),
            Error::<Test>::WrongStage
        );
        assert_ok!(commit(5, id, commitment));
        assert_noop!(commit(5, id, commitment), Error::<Test>::AlreadyDone);
        // Another's commitment, shown as one's own.
        assert_ok!(commit(6, id, commitment));
        run_to_stage(id, Stage::Reveal);
        assert_noop!(commit(7, id, zero), Error::<Test>::WrongStage);
        assert_noop!(
            reveal(7, report.clone(), salt(7)),
            Error::<Test>::NotCommitted
        );
        assert_noop!(
            reveal(6, report.clone(), salt(5)),
            Error::<Test>::RevealMismatch
        );
        assert_noop!(
            reveal(5, report.clone(), salt(6)),
            Error::<Test>::RevealMismatch
        );
        assert_noop!(
            reveal(9, report.clone(), salt(9)),
            Error::<Test>::NotInCommittee
        );
        assert_ok!(reveal(5, report.clone(), salt(5)));
        assert_noop!(
            reveal(5, report.clone(), salt(5)),
            Error::<Test>::AlreadyDone
        );
        run_to(R1, Phase::Paying);
        assert_noop!(reveal(5, report, salt(5)), Error::<Test>::NoTrial);
    });
}

/// A served claim whose committee says that it lacks the blobs.
fn lacking() -> Trace {
    train();
    let trace = Trace::new(1, R1);
    trace.submit();
    run_to(R1, Phase::Opening);
    trace.open_starts();
    run_to(R1, Phase::Availability);
    for seat in trace.seats() {
        let lack = UsefulWork::vote_availability(origin(seat), trace.id(), Availability::Lack);
        assert_ok!(lack);
    }
    run_to(R1, Phase::DigestOpening);
    trace.open_digests();
    run_to(R1, Phase::FlagOpening);
    assert_ok!(trace.open_flag());
    run_to(R1, Phase::Escalation);
    trace
}

#[test]
fn captured_committee_that_says_lack_should_cost_an_honest_miner_nothing() {
    build_and_execute(|| {
        let trace = lacking();
        judge(&trace, |_| Some(trace.trial_report()));
        assert_eq!(trace.record().state, Accepted);
        assert_eq!(total(1), 20_000 * DREAM);
    });
}

#[test]
fn claim_should_lose_its_deposit_only_when_two_thirds_of_the_jury_lack_its_blobs() {
    build_and_execute(|| {
        let trace = lacking();
        let issued = Balances::total_issuance();
        judge(&trace, |juror| (juror < 8).then(ReplayReport::lack));
        assert_eq!(trace.record().state, Void);
        assert_eq!(total(1), 19_000 * DREAM);
        // All of it is burned, with the silent juror's part: lacking is not to pay those who say it.
        assert_eq!(Balances::total_issuance(), issued - 1_010 * DREAM);
        assert_eq!(total(5), 20_000 * DREAM);
    });
}

#[test]
fn juror_that_lacks_the_blobs_should_lose_nothing_when_the_others_have_them() {
    build_and_execute(|| {
        let trace = lacking();
        judge(&trace, |juror| {
            Some(if juror == 8 {
                ReplayReport::lack()
            } else {
                trace.trial_report()
            })
        });
        assert_eq!(trace.record().state, Accepted);
        assert_eq!(total(8), 20_000 * DREAM);
    });
}

#[test]
fn jury_should_be_those_that_verified_when_training_ended() {
    build_and_execute(|| {
        train();
        let traces = [Trace::new(1, R1)];
        traces[0].submit();
        run_to(R1, Phase::Drawing);
        // One retires and takes its bond out, one comes: neither changes who judges.
        assert_ok!(UsefulWork::retire_verifier(origin(8), 0));
        assert_ok!(UsefulWork::unbond(origin(8), 19_000 * DREAM));
        enlist([9]);
        audit(&traces, |t, _| Some(t.other_report()));
        run_to_stage(traces[0].id(), Stage::Commitment);
        assert_eq!(jurors(traces[0].id()), VERIFIERS);
    });
}

#[test]
fn open_trials_should_list_what_waits_for_a_juror() {
    build_and_execute(|| {
        let trace = disputed(4, |t, _| Some(t.other_report()));
        assert!(UsefulWork::open_trials(&5).is_empty());
        run_to_stage(trace.id(), Stage::Commitment);
        let open = UsefulWork::open_trials(&5);
        assert_eq!(
            (open.len(), open[0].claim, open[0].starts.len()),
            (1, trace.id(), 2)
        );
        assert!(UsefulWork::open_trials(&1).is_empty());
        assert_ok!(UsefulWork::commit_verdict(
            origin(5),
            trace.id(),
            H256::zero()
        ));
        assert!(UsefulWork::open_trials(&5).is_empty());
        let view = UsefulWork::claim_view(trace.id()).unwrap();
        assert_eq!(view.trial, Some(trace.trial()));
    });
}

#[test]
fn round_should_wait_for_its_trials_and_draw_the_jury_from_the_frozen_list_only_so_long() {
    build_and_execute(|| {
        let trace = disputed(4, |t, _| Some(t.other_report()));
        run_to(R1, Phase::Jury);
        run_blocks(3);
        assert_eq!(Rounds::<Test>::get(R1).unwrap().trials, 1);
        assert!(crate::Candidates::<Test>::contains_key(R1));
        judge(&trace, |_| Some(trace.trial_report()));
        run_to(R1, Phase::Merging);
        assert!(!crate::Candidates::<Test>::contains_key(R1));
    });
}
