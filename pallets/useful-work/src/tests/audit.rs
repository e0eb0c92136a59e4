// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{Bonds, Error};
use dream_primitives::round::ClaimState::*;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn drawn() -> Trace {
    train();
    let trace = Trace::new(1, R1);
    trace.submit();
    run_to(R1, Phase::Opening);
    trace
}

#[test]
fn draw_should_seat_verifiers_of_the_profile_and_always_take_the_last_segment() {
    build_and_execute(|| {
        assert_ok!(UsefulWork::bond(origin(10), 20_000 * DREAM));
        assert_ok!(register(10, H256::repeat_byte(8)));
        assert_ok!(UsefulWork::enlist_verifier(origin(10), 0));
        assert_ok!(UsefulWork::bond(origin(1), 100 * DREAM));
        assert_ok!(register(1, LEAF));
        assert_ok!(UsefulWork::enlist_verifier(origin(1), 0));
        let trace = drawn();
        let record = trace.record();
        assert_eq!(record.state, Drawn);
        assert_eq!(record.committee.len(), 3);
        assert_eq!(record.audited.len(), 2);
        assert_eq!(record.audited.last(), Some(&7));
        assert!(
            trace.seats().iter().all(|s| VERIFIERS.contains(s)),
            "{:?}",
            trace.seats()
        );
        for seat in trace.seats() {
            assert_eq!(Bonds::<Test>::get(seat).unwrap().locked, 100 * DREAM);
        }
    });
}

#[test]
fn draw_should_not_change_when_verifiers_come_or_go_after_training() {
    let seats = |act: fn()| {
        let mut out = Vec::new();
        build_and_execute(|| {
            RANDOMNESS.set(0);
            train();
            let trace = Trace::new(1, R1);
            trace.submit();
            run_to(R1, Phase::Drawing);
            act();
            run_to(R1, Phase::Opening);
            out = trace.seats();
        });
        out
    };
    let expected = seats(|| ());
    assert_eq!(expected.len(), 3);
    assert_eq!(
        seats(|| VERIFIERS
            .iter()
            .for_each(|v| { UsefulWork::retire_verifier(origin(*v), 0).unwrap() })),
        expected
    );
    let join = || {
        register(11, LEAF).unwrap();
        UsefulWork::bond(origin(11), 90_000 * DREAM).unwrap();
        UsefulWork::enlist_verifier(origin(11), 0).unwrap();
    };
    assert_eq!(seats(join), expected);
    // Who takes its bond out, or locks it elsewhere, is seated all the same.
    let leave = || {
        for v in VERIFIERS {
            UsefulWork::unbond(origin(v), 20_000 * DREAM).unwrap();
        }
    };
    assert_eq!(seats(leave), expected);
}

#[test]
fn verifier_should_not_be_drawn_when_it_enlisted_after_the_round_opened() {
    build_and_execute(|| {
        assert_ok!(UsefulWork::bond(origin(10), 20_000 * DREAM));
        assert_ok!(register(10, LEAF));
        train();
        assert_ok!(UsefulWork::enlist_verifier(origin(10), 0));
        Trace::new(1, R1).submit();
        run_to(R1, Phase::Drawing);
        let frozen = crate::Candidates::<Test>::get(R1);
        let accounts: Vec<AccountId> = frozen.iter().map(|c| c.account).collect();
        assert_eq!(accounts, VERIFIERS);
    });
}

#[test]
fn claim_should_be_void_without_penalty_when_nobody_can_verify_it() {
    build_and_execute(|| {
        train();
        for verifier in VERIFIERS {
            assert_ok!(UsefulWork::retire_verifier(origin(verifier), 0));
        }
        let trace = Trace::new(1, R1);
        trace.submit();
        run_to(R1, Phase::Vesting);
        assert_eq!(trace.record().state, Void);
        assert_eq!(trace.record().bond, 1_000 * DREAM);
        dismiss();
        run_to(R1, Phase::Closed);
        assert_eq!(Bonds::<Test>::get(1).unwrap().locked, 0);
        assert_eq!(Bonds::<Test>::get(1).unwrap().total, 20_000 * DREAM);
    });
}

#[test]
fn open_start_states_should_name_what_is_wrong() {
    build_and_execute(|| {
        let trace = drawn();
        let (state, proof) = trace.initial();
        let open = |who, id, state, starts: Vec<StartState>| {
            UsefulWork::open_start_states(
                origin(who),
                id,
                state,
                proof.clone(),
                BoundedVec::truncate_from(starts),
            )
        };
        let id = trace.id();
        assert_noop!(
            open(1, H256::zero(), state, trace.starts()),
            Error::<Test>::UnknownClaim
        );
        assert_noop!(
            open(2, id, state, trace.starts()),
            Error::<Test>::NotTheMiner
        );
        assert_noop!(
            open(1, id, H256::zero(), trace.starts()),
            Error::<Test>::BadProof
        );
        assert_noop!(open(1, id, state, vec![]), Error::<Test>::WrongSegments);
        let mut turned = trace.starts();
        turned.reverse();
        assert_noop!(open(1, id, state, turned), Error::<Test>::WrongSegments);
        let mut forged = trace.starts();
        forged[1].state = H256::zero();
        assert_noop!(open(1, id, state, forged), Error::<Test>::BadProof);
        assert_ok!(open(1, id, state, trace.starts()));
        assert_noop!(
            open(1, id, state, trace.starts()),
            Error::<Test>::WrongClaimState
        );
    });
}

#[test]
fn claim_should_lose_the_availability_deposit_when_not_opened() {
    build_and_execute(|| {
        let trace = drawn();
        let issued = Balances::total_issuance();
        run_to(R1, Phase::Vesting);
        assert_eq!(trace.record().state, Void);
        assert_eq!(Bonds::<Test>::get(1).unwrap().total, 19_000 * DREAM);
        assert_eq!(Balances::total_issuance(), issued - 1_000 * DREAM);
    });
}

#[test]
fn vote_availability_should_name_what_is_wrong() {
    build_and_execute(|| {
        let trace = drawn();
        let seats = trace.seats();
        let vote = |who, a| UsefulWork::vote_availability(origin(who), trace.id(), a);
        assert_noop!(
            vote(seats[0], Availability::Have),
            Error::<Test>::WrongPhase
        );
        trace.open_starts();
        run_to(R1, Phase::Availability);
        assert_noop!(vote(1, Availability::Lack), Error::<Test>::NotInCommittee);
        assert_ok!(vote(seats[0], Availability::Lack));
        assert_noop!(
            vote(seats[0], Availability::Have),
            Error::<Test>::AlreadyDone
        );
    });
}

#[test]
fn audit_should_go_on_when_one_of_three_lacks_the_blobs() {
    build_and_execute(|| {
        let trace = drawn();
        trace.open_starts();
        run_to(R1, Phase::Availability);
        assert_ok!(UsefulWork::vote_availability(
            origin(trace.seats()[0]),
            trace.id(),
            Availability::Lack
        ));
        run_to(R1, Phase::Commitment);
        assert_eq!(trace.record().state, Available);
    });
}

#[test]
fn seat_that_lacked_should_not_end_the_phase_for_others_when_it_commits_after_all() {
    build_and_execute(|| {
        let trace = drawn();
        trace.open_starts();
        run_to(R1, Phase::Availability);
        let (id, seats) = (trace.id(), trace.seats());
        let words = [Availability::Lack, Availability::Have, Availability::Have];
        for (seat, word) in seats.iter().zip(words) {
            assert_ok!(UsefulWork::vote_availability(origin(*seat), id, word));
        }
        run_to(R1, Phase::Commitment);
        commit(seats[0], id, &trace.report());
        commit(seats[1], id, &trace.report());
        run_blocks(1);
        commit(seats[2], id, &trace.report());
        run_to(R1, Phase::DigestOpening);
        let committed = trace.record().committee;
        assert!(committed.iter().all(|s| s.commitment.is_some()));
    });
}

#[test]
fn claim_should_be_accepted_when_two_thirds_match() {
    build_and_execute(|| {
        train();
        let traces = [Trace::new(1, R1)];
        traces[0].submit();
        audit(&traces, |t, seat| {
            Some(if seat == 0 {
                t.other_report()
            } else {
                t.report()
            })
        });
        assert_eq!(states(&traces), [Accepted]);
    });
}

#[test]
fn claim_should_be_void_when_the_branch_has_too_few_verifiers() {
    build_and_execute(|| {
        train();
        for verifier in [5, 6] {
            assert_ok!(UsefulWork::retire_verifier(origin(verifier), 0));
        }
        let trace = Trace::new(1, R1);
        trace.submit();
        run_to(R1, Phase::Vesting);
        assert_eq!(trace.record().state, Void);
        assert!(trace.record().committee.is_empty());
    });
}

#[test]
fn claim_should_be_rejected_when_the_digests_stay_closed() {
    build_and_execute(|| {
        let trace = drawn();
        trace.open_starts();
        run_to(R1, Phase::Commitment);
        commit(trace.seats()[0], trace.id(), &trace.report());
        run_to(R1, Phase::Vesting);
        assert_eq!(trace.record().state, Rejected);
        // Half of the deposit is burned, the rest goes to the seat that had replayed; the two silent ones lose.
        assert_eq!(Bonds::<Test>::get(1).unwrap().total, 19_000 * DREAM);
        let seats = trace.seats();
        assert_eq!(Balances::free_balance(seats[0]), 80_500 * DREAM);
        let left = |s| Bonds::<Test>::get(s).unwrap().total;
        assert_eq!(
            [left(seats[0]), left(seats[1])],
            [20_000 * DREAM, 19_990 * DREAM]
        );
    });
}

#[test]
fn commitments_and_reveals_should_name_what_is_wrong() {
    build_and_execute(|| {
        let trace = drawn();
        trace.open_starts();
        run_to(R1, Phase::Commitment);
        let (id, seats) = (trace.id(), trace.seats());
        let reveal = |who, report, salt| UsefulWork::reveal_replay(origin(who), id, report, salt);
        let foreign = UsefulWork::commit_replay(origin(1), id, H256::zero());
        assert_eq!(foreign, Err(Error::<Test>::NotInCommittee.into()));
        commit(seats[0], id, &trace.report());
        assert_noop!(
            UsefulWork::commit_replay(origin(seats[0]), id, H256::zero()),
            Error::<Test>::AlreadyDone
        );
        commit(seats[1], id, &trace.report());
        assert_noop!(
            reveal(seats[0], trace.report(), salt(seats[0])),
            Error::<Test>::WrongPhase
        );
        run_to(R1, Phase::DigestOpening);
        assert_noop!(
            UsefulWork::commit_replay(origin(seats[2]), id, H256::zero()),
            Error::<Test>::WrongPhase
        );
        let mut forged = trace.openings();
        forged[0].digest = H256::zero();
        let open = |who, o: Vec<SegmentOpening>| {
            UsefulWork::open_digests(origin(who), id, BoundedVec::truncate_from(o))
        };
        assert_noop!(open(1, forged), Error::<Test>::BadProof);
        let mut forged = trace.openings();
        forged[1].end_state = H256::zero();
        assert_noop!(open(1, forged), Error::<Test>::BadProof);
        assert_noop!(open(2, trace.openings()), Error::<Test>::NotTheMiner);
        assert_noop!(
            open(1, trace.openings()[..1].to_vec()),
            Error::<Test>::WrongSegments
        );
        trace.open_digests();
        run_to(R1, Phase::Reveal);
        assert_noop!(
            reveal(seats[0], trace.report(), H256::zero()),
            Error::<Test>::RevealMismatch
        );
        assert_noop!(
            reveal(seats[0], trace.other_report(), salt(seats[0])),
            Error::<Test>::RevealMismatch
        );
        assert_noop!(
            reveal(seats[1], trace.report(), salt(seats[0])),
            Error::<Test>::RevealMismatch
        );
        assert_noop!(
            reveal(seats[2], trace.report(), salt(seats[2])),
            Error::<Test>::NotCommitted
        );
        assert_ok!(reveal(seats[0], trace.report(), salt(seats[0])));
        assert_noop!(
            reveal(seats[0], trace.report(), salt(seats[0])),
            Error::<Test>::AlreadyDone
        );
        assert_ok!(reveal(seats[1], trace.report(), salt(seats[1])));
        run_to(R1, Phase::FlagOpening);
        assert_ok!(trace.open_flag());
        run_to(R1, Phase::Merging);
        assert_eq!(trace.record().state, Accepted);
    });
}

#[test]
fn open_audits_should_list_what_waits_for_a_verifier() {
    build_and_execute(|| {
        let trace = drawn();
        let seats = trace.seats();
        assert!(UsefulWork::open_audits(&seats[0]).is_empty());
        trace.open_starts();
        run_to(R1, Phase::Availability);
        let audits = UsefulWork::open_audits(&seats[0]);
        assert_eq!(
            (audits.len(), audits[0].claim, audits[0].starts.len()),
            (1, trace.id(), 2)
        );
        assert_ok!(UsefulWork::vote_availability(
            origin(seats[0]),
            trace.id(),
            Availability::Have
        ));
        assert!(UsefulWork::open_audits(&seats[0]).is_empty());
        assert_eq!(UsefulWork::open_audits(&seats[1]).len(), 1);
        assert!(UsefulWork::open_audits(&1).is_empty());
    });
}
