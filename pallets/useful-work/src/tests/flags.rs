// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{Bonds, Credits, Error};
use dream_primitives::round::{ClaimState::*, Role};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn everybody_on_duty() {
    PARAMETERS.with_borrow_mut(|p| p.audit.canary_rate = 1_000_000);
}

fn total(account: AccountId) -> u128 {
    Bonds::<Test>::get(account).map_or(0, |b| b.total)
}

/// A claim at FlagOpening whose seats reported as told.
fn flagged(report: impl Fn(&Trace, usize) -> Option<ReplayReport>) -> Trace {
    train();
    let trace = Trace::new(1, R1);
    trace.submit();
    let traces = [trace];
    audit_to_flags(&traces, report);
    let [trace] = traces;
    trace
}

#[test]
fn open_flag_should_name_what_is_wrong() {
    build_and_execute(|| {
        let trace = flagged(|t, _| Some(t.report()));
        let (id, flag_salt) = (trace.id(), salt(1));
        let open = |who, id, canary, salt, link| {
            UsefulWork::open_flag(origin(who), id, canary, salt, link)
        };
        let zero = H256::zero();
        assert_noop!(
            open(1, zero, false, flag_salt, trace.link),
            Error::<Test>::UnknownClaim
        );
        assert_noop!(
            open(2, id, false, flag_salt, trace.link),
            Error::<Test>::NotTheMiner
        );
        assert_noop!(
            open(1, id, true, flag_salt, trace.link),
            Error::<Test>::RevealMismatch
        );
        assert_noop!(
            open(1, id, false, zero, trace.link),
            Error::<Test>::RevealMismatch
        );
        assert_noop!(open(1, id, false, flag_salt, zero), Error::<Test>::BadLink);
        assert_ok!(open(1, id, false, flag_salt, trace.link));
        assert_noop!(
            open(1, id, false, flag_salt, trace.link),
            Error::<Test>::AlreadyDone
        );
        assert_eq!(Profiles::<Test>::get(0, 1).unwrap().secret, trace.link);
        run_to(R1, Phase::Merging);
        assert_noop!(
            open(1, id, false, flag_salt, trace.link),
            Error::<Test>::WrongPhase
        );
        assert_eq!(trace.record().state, Accepted);
    });
}

/// The claim of miner 2 with another flag, and the digests that go with it.
fn pretending(canary: bool) -> Trace {
    let mut trace = Trace::new(2, R1);
    let genesis = UsefulWork::genesis();
    trace.canary = canary;
    trace.claim.canary = canary_commitment(&genesis, &raw(2), &R1, canary, &salt(2));
    for i in 0..8u16 {
        let faked = canary_digest(&genesis, &trace.link, &R1, i);
        let trained = h(&(2u64, i, "digest"));
        trace.digests[usize::from(i)].0 = if canary { faked } else { trained };
    }
    trace.claim.digests_root = merkle::root(Domain::Digests, &trace.digest_leaves());
    trace
}

#[test]
fn flag_should_be_refused_when_it_is_not_what_duty_asks_for() {
    // For the flat fee without work, and for the full pay without the duty.
    for (rate, canary) in [(0, true), (1_000_000, false)] {
        build_and_execute(|| {
            PARAMETERS.with_borrow_mut(|p| p.audit.canary_rate = rate);
            train();
            let traces = [pretending(canary)];
            traces[0].submit();
            audit_to_flags(&traces, |t, _| Some(t.report()));
            assert_noop!(traces[0].open_flag(), Error::<Test>::BadFlag);
            run_to(R1, Phase::Vesting);
            assert_eq!(states(&traces), [Rejected]);
        });
    }
}

#[test]
fn claim_on_duty_should_lose_its_deposit_when_it_was_not_faked() {
    build_and_execute(|| {
        everybody_on_duty();
        train();
        // The miner knows its duty, commits to it, and trains in earnest: its digests are not the prescribed ones.
        let mut trained = Trace::new(1, R1);
        assert!(trained.canary);
        for i in 0..8u16 {
            trained.digests[usize::from(i)].0 = h(&(1u64, i, "digest"));
        }
        trained.claim.digests_root = merkle::root(Domain::Digests, &trained.digest_leaves());
        trained.submit();
        let traces = [trained];
        audit_to_flags(&traces, |t, _| Some(t.report()));
        assert_noop!(traces[0].open_flag(), Error::<Test>::BadFlag);
        run_to(R1, Phase::Vesting);
        assert_eq!(traces[0].record().state, Rejected);
        assert_eq!(total(1), 19_000 * DREAM);
        // Half is burned, the rest goes to the three that replayed it.
        for seat in traces[0].seats() {
            let third = 500 * DREAM / 3;
            assert_eq!(Balances::free_balance(seat), 80_000 * DREAM + third);
        }
    });
}

#[test]
fn duty_should_stay_as_it_was_when_the_round_opened() {
    build_and_execute(|| {
        train();
        everybody_on_duty();
        let trace = Trace::new(1, R1);
        assert!(!trace.canary);
        trace.submit();
        let traces = [trace];
        audit(&traces, |t, _| Some(t.report()));
        assert_eq!(states(&traces), [Accepted]);
    });
}

#[test]
fn canary_should_cost_whoever_confirmed_it_and_earn_a_flat_fee() {
    build_and_execute(|| {
        everybody_on_duty();
        PARAMETERS.with_borrow_mut(|p| p.rewards.canary_fee = DREAM / 100);
        train();
        let traces = [Trace::new(1, R1)];
        assert!(traces[0].canary);
        traces[0].submit();
        // Seat 0 has the miner's digests and runs nothing; the others replay.
        let copied = |t: &Trace| {
            let mut report = t.report();
            for result in report.results.iter_mut() {
                result.digest = t.digests[usize::from(result.segment)].0;
            }
            report
        };
        audit(&traces, |t, seat| {
            Some(if seat == 0 { copied(t) } else { t.report() })
        });
        let record = traces[0].record();
        assert_eq!((record.state, record.flag), (Canary, Some(true)));
        let seats = traces[0].seats();
        assert_eq!(total(seats[0]), 19_900 * DREAM);
        for seat in &seats[1..] {
            assert_eq!(total(*seat), 20_000 * DREAM);
            assert_eq!(Balances::free_balance(seat), 80_025 * DREAM);
        }
        assert!(UsefulWork::contributions(R1).is_empty());
        run_to(R1, Phase::Vesting);
        let receipts = traces[0].record().receipts;
        let of = |role| receipts.iter().filter(move |r| r.role == role);
        assert_eq!(
            of(Role::Miner).map(|r| r.amount).collect::<Vec<_>>(),
            [DREAM / 100]
        );
        let paid: Vec<AccountId> = of(Role::Verifier).map(|r| r.account).collect();
        assert_eq!(paid, seats[1..]);
        dismiss();
        run_to(R1, Phase::Closed);
        assert_eq!(traces[0].record().state, Vested);
        assert_eq!(Credits::<Test>::get(1).amount, 0);
        assert_eq!(total(1), 20_000 * DREAM);
    });
}

#[test]
fn canary_should_earn_nothing_when_only_its_digests_are_as_prescribed() {
    build_and_execute(|| {
        everybody_on_duty();
        train();
        let traces = [Trace::new(1, R1)];
        traces[0].submit();
        // The replays end in other states than the ones that the idle miner made up.
        audit(&traces, |t, _| {
            let mut report = t.report();
            report.results.last_mut().unwrap().end_state = H256::repeat_byte(0xdd);
            Some(report)
        });
        assert_eq!(traces[0].record().state, Canary);
        run_to(R1, Phase::Vesting);
        let receipts = traces[0].record().receipts;
        assert_eq!(receipts.len(), 3, "the verifiers are paid");
        assert!(receipts.iter().all(|r| r.role == Role::Verifier));
        assert_eq!(Rounds::<Test>::get(R1).unwrap().units, 0);
    });
}

#[test]
fn claim_should_lose_its_deposit_when_its_flag_stays_closed() {
    build_and_execute(|| {
        let trace = flagged(|t, _| Some(t.report()));
        run_to(R1, Phase::Vesting);
        assert_eq!(trace.record().state, Rejected);
        assert_eq!(total(1), 19_000 * DREAM);
        assert!(trace.record().receipts.is_empty());
        // The link was not shown: it serves the next round.
        assert_eq!(preimage(1), trace.link);
    });
}

#[test]
fn silent_seats_should_lose_a_part_of_their_bond_and_nobody_else_anything() {
    build_and_execute(|| {
        PARAMETERS.with_borrow_mut(|p| p.audit.committee = 4);
        let trace = flagged(|t, seat| (seat != 3).then(|| t.report()));
        let seats = trace.seats();
        assert_ok!(trace.open_flag());
        run_to(R1, Phase::Merging);
        assert_eq!(trace.record().state, Accepted);
        assert_eq!(total(seats[3]), 19_990 * DREAM);
        for account in [1, seats[0], seats[1], seats[2]] {
            assert_eq!(total(account), 20_000 * DREAM);
        }
    });
}

#[test]
fn seat_should_lose_when_it_committed_and_did_not_reveal() {
    build_and_execute(|| {
        train();
        let trace = Trace::new(1, R1);
        trace.submit();
        run_to(R1, Phase::Opening);
        trace.open_starts();
        run_to(R1, Phase::Commitment);
        let seats = trace.seats();
        for seat in &seats {
            commit(*seat, trace.id(), &trace.report());
        }
        run_to(R1, Phase::DigestOpening);
        trace.open_digests();
        run_to(R1, Phase::Reveal);
        for seat in &seats[1..] {
            let report = trace.report();
            assert_ok!(UsefulWork::reveal_replay(
                origin(*seat),
                trace.id(),
                report,
                salt(*seat)
            ));
        }
        run_to(R1, Phase::FlagOpening);
        assert_ok!(trace.open_flag());
        run_to(R1, Phase::Merging);
        assert_eq!(total(seats[0]), 19_990 * DREAM);
        assert_eq!(total(seats[1]), 20_000 * DREAM);
    });
}

#[test]
fn seat_that_lacks_the_blobs_should_lose_nothing_when_it_cannot_replay() {
    build_and_execute(|| {
        train();
        let trace = Trace::new(1, R1);
        trace.submit();
        run_to(R1, Phase::Opening);
        trace.open_starts();
        run_to(R1, Phase::Availability);
        let seats = trace.seats();
        for (seat, word) in
            seats
                .iter()
                .zip([Availability::Lack, Availability::Have, Availability::Have])
        {
            assert_ok!(UsefulWork::vote_availability(
                origin(*seat),
                trace.id(),
                word
            ));
        }
        run_to(R1, Phase::Commitment);
        for seat in &seats[1..] {
            commit(*seat, trace.id(), &trace.report());
        }
        // Nobody waits for the seat that cannot.
        run_blocks(1);
        assert_eq!(Rounds::<Test>::get(R1).unwrap().phase, Phase::DigestOpening);
        trace.open_digests();
        run_to(R1, Phase::Reveal);
        for seat in &seats[1..] {
            let report = trace.report();
            assert_ok!(UsefulWork::reveal_replay(
                origin(*seat),
                trace.id(),
                report,
                salt(*seat)
            ));
        }
        run_to(R1, Phase::FlagOpening);
        assert_ok!(trace.open_flag());
        run_to(R1, Phase::Merging);
        assert_eq!(trace.record().state, Accepted);
        assert_eq!(total(seats[0]), 20_000 * DREAM);
    });
}
