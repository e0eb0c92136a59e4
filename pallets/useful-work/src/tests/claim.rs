// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::Error;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

#[test]
fn submit_claim_should_lock_the_bond_and_be_found() {
    build_and_execute(|| {
        train();
        let trace = Trace::new(1, R1);
        trace.submit();
        assert_eq!(crate::Bonds::<Test>::get(1).unwrap().locked, 1_000 * DREAM);
        assert_eq!(claims_of(R1), 1);
        let record = trace.record();
        assert_eq!(
            (record.state, record.miner, record.bond),
            (ClaimState::Claimed, 1, 1_000 * DREAM)
        );
        assert_eq!(record.claim, trace.claim);
    });
}

#[test]
fn submit_claim_should_name_what_is_wrong() {
    build_and_execute(|| {
        train();
        let refuse = |change: fn(&mut Claim), error: Error<Test>| {
            let mut claim = Trace::new(1, R1).claim;
            change(&mut claim);
            assert_noop!(UsefulWork::submit_claim(origin(1), claim), error);
        };
        refuse(|c| c.base = H256::zero(), Error::WrongBase);
        refuse(|c| c.round.number = 2, Error::UnknownRound);
        refuse(|c| c.round.branch = 1, Error::UnknownRound);
        refuse(|c| c.segments = 9, Error::BadSegments);
        refuse(|c| c.segments = 1, Error::BadSegments);
        refuse(
            |c| {
                c.residual = Some(ClaimResidual {
                    start: None,
                    end: None,
                })
            },
            Error::BadResidual,
        );
        refuse(|c| c.profile = H256::zero(), Error::WrongProfile);
        let claim = Trace::new(9, R1).claim;
        assert_noop!(
            UsefulWork::submit_claim(origin(9), claim.clone()),
            Error::<Test>::WrongProfile
        );
        assert_ok!(register(9, LEAF));
        assert_noop!(
            UsefulWork::submit_claim(origin(9), claim),
            Error::<Test>::ProfileTooYoung
        );
        let mut slow = Trace::new(1, R1).claim;
        slow.segments = 2;
        assert_ok!(UsefulWork::submit_claim(origin(1), slow));
    });
}

#[test]
fn submit_claim_should_fail_when_the_bond_is_small_or_young() {
    build_and_execute(|| {
        assert_ok!(register(9, LEAF));
        assert_ok!(register(10, LEAF));
        assert_ok!(UsefulWork::bond(origin(10), 1_000 * DREAM - 1));
        train();
        let claim = |a| Trace::new(a, R1).claim;
        assert_noop!(
            UsefulWork::submit_claim(origin(9), claim(9)),
            Error::<Test>::BondTooSmall
        );
        assert_noop!(
            UsefulWork::submit_claim(origin(10), claim(10)),
            Error::<Test>::BondTooSmall
        );
        assert_ok!(UsefulWork::bond(origin(9), 5_000 * DREAM));
        assert_noop!(
            UsefulWork::submit_claim(origin(9), claim(9)),
            Error::<Test>::BondTooYoung
        );
    });
}

#[test]
fn additions_should_count_only_for_rounds_that_open_later() {
    build_and_execute(|| {
        assert_ok!(UsefulWork::bond(origin(9), 999 * DREAM));
        assert_ok!(register(9, LEAF));
        train();
        let claim = Trace::new(9, R1).claim;
        assert_ok!(UsefulWork::bond(origin(9), DREAM));
        assert_noop!(
            UsefulWork::submit_claim(origin(9), claim.clone()),
            Error::<Test>::BondTooYoung
        );
        let bond = crate::Bonds::<Test>::get(9).unwrap();
        let opened = Rounds::<Test>::get(R1).unwrap().opened;
        assert_eq!(
            (
                bond.counted(opened),
                bond.counted(System::block_number() + 1)
            ),
            (999 * DREAM, 1_000 * DREAM)
        );
        let second = RoundId {
            branch: 0,
            number: 2,
        };
        run_to(second, Phase::Training);
        let claim = Trace::new(9, second).claim;
        assert_ok!(UsefulWork::submit_claim(origin(9), claim));
    });
}

#[test]
fn verifiers_should_be_drawn_by_the_bond_that_they_had_before_the_round() {
    build_and_execute(|| {
        train();
        Trace::new(1, R1).submit();
        assert_ok!(UsefulWork::bond(origin(VERIFIERS[0]), 70_000 * DREAM));
        let opened = Rounds::<Test>::get(R1).unwrap().opened;
        let bond = crate::Bonds::<Test>::get(VERIFIERS[0]).unwrap();
        assert_eq!(
            (bond.total, bond.counted(opened)),
            (90_000 * DREAM, 20_000 * DREAM)
        );
        assert_eq!(bond.free_in(opened), 20_000 * DREAM);
    });
}

#[test]
fn submit_claim_should_fail_when_it_is_the_second_or_out_of_phase() {
    build_and_execute(|| {
        train();
        let trace = Trace::new(1, R1);
        trace.submit();
        assert_noop!(
            UsefulWork::submit_claim(origin(1), trace.claim.clone()),
            Error::<Test>::SecondClaim
        );
        let late = Trace::new(2, R1).claim;
        run_to(R1, Phase::Opening);
        assert_noop!(
            UsefulWork::submit_claim(origin(2), late),
            Error::<Test>::WrongPhase
        );
    });
}

#[test]
fn training_should_close_early_when_the_round_is_full() {
    build_and_execute(|| {
        PARAMETERS.with_borrow_mut(|p| p.round.max_claims = 2);
        train();
        let third = Trace::new(3, R1).claim;
        Trace::new(1, R1).submit();
        Trace::new(2, R1).submit();
        assert_noop!(
            UsefulWork::submit_claim(origin(3), third),
            Error::<Test>::RoundFull
        );
        run_blocks(1);
        assert_eq!(Rounds::<Test>::get(R1).unwrap().phase, Phase::Drawing);
    });
}
