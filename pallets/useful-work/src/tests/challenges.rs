// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{ActiveTrials, Bonds, Error, Exposure, PendingIssuance};
use dream_primitives::round::{ClaimState::*, Role};
use dream_primitives::trial::{Level, MAX_TRIALS};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

fn total(account: AccountId) -> u128 {
    Bonds::<Test>::get(account).map_or(0, |b| b.total)
}

/// Two claims that their committees accepted, at Merging. Account 9 has a bond to challenge with.
pub(super) fn accepted() -> [Trace; 2] {
    assert_ok!(UsefulWork::bond(origin(9), 20_000 * DREAM));
    train();
    let traces = [Trace::new(1, R1), Trace::new(2, R1)];
    traces.iter().for_each(Trace::submit);
    audit(&traces, |t, _| Some(t.report()));
    run_to(R1, Phase::Merging);
    traces
}

fn challenge(who: AccountId, trace: &Trace, segment: u16) -> DispatchResult {
    UsefulWork::challenge(origin(who), trace.id(), segment)
}

fn open(trace: &Trace, segment: u16) -> DispatchResult {
    let (start, end) = (trace.start(segment), trace.opening(segment));
    UsefulWork::open_challenged(origin(trace.account), trace.id(), start, end)
}

/// A segment of a claim that was not audited.
fn unaudited(trace: &Trace) -> u16 {
    let audited = trace.record().audited;
    (0..8).find(|s| !audited.contains(s)).unwrap()
}

#[test]
fn challenge_should_overturn_a_captured_committee() {
    build_and_execute(|| {
        // Five more verifiers: the three hostile seats are under a third of the profile when challenged.
        enlist(10..=12);
        let [fake, _] = accepted();
        let segment = fake.record().audited[0];
        let seats = fake.seats();
        assert_ok!(challenge(9, &fake, segment));
        assert_eq!(fake.record().state, Challenged);
        assert_ok!(open(&fake, segment));
        run_to_stage(fake.id(), Stage::Commitment);
        assert_eq!(jurors(fake.id()), [5, 6, 7, 8, 10, 11, 12]);
        let hostile = &seats[..2];
        judge(&fake, |juror| {
            Some(if hostile.contains(&juror) {
                fake.trial_report()
            } else {
                fake.other_trial_report()
            })
        });
        assert_eq!(fake.record().state, Slashed);
        assert_eq!(total(1), 19_000 * DREAM);
        // All three seats confirmed it; two of them defended it before the jury.
        for (i, seat) in seats.iter().enumerate() {
            let lost = if i < 2 { 200 } else { 100 };
            assert_eq!(total(*seat), (20_000 - lost) * DREAM);
        }
        assert_eq!(total(9), 20_000 * DREAM);
        assert!(Balances::free_balance(9) > 80_000 * DREAM);
        run_to(R1, Phase::Vesting);
        assert!(fake.record().receipts.is_empty());
        assert_eq!(Rounds::<Test>::get(R1).unwrap().accepted, 1);
    });
}

#[test]
fn claim_should_be_in_its_merge_and_revertible_when_it_is_felled_as_the_merge_becomes_the_head() {
    build_and_execute(|| {
        PARAMETERS.with_borrow_mut(|p| {
            p.round.dispute_blocks = 60;
            p.round.reveal_blocks = 60;
        });
        assert_ok!(UsefulWork::bond(origin(9), 20_000 * DREAM));
        assert_ok!(UsefulWork::bond(origin(10), 20_000 * DREAM));
        assert_ok!(register(10, LEAF));
        train();
        // The fake is swept a block after the others.
        let traces = [1, 2, 3, 10].map(|account| Trace::new(account, R1));
        traces.iter().for_each(Trace::submit);
        audit(&traces, |t, _| Some(t.report()));
        run_to(R1, Phase::Merging);
        let fake = &traces[3];
        let (id, segment) = (fake.id(), fake.record().audited[0]);
        post_merge(3, R1);
        assert_ok!(challenge(9, fake, segment));
        assert_ok!(open(fake, segment));
        run_to_stage(id, Stage::Commitment);
        let report = fake.other_trial_report();
        for juror in jurors(id) {
            let genesis = UsefulWork::genesis();
            let commitment = report.commitment(&genesis, &raw(juror), &id, &salt(juror));
            assert_ok!(UsefulWork::commit_verdict(origin(juror), id, commitment));
        }
        run_to_stage(id, Stage::Reveal);
        let mut all = jurors(id);
        let last = all.pop().unwrap();
        let reveal = |juror| {
            let report = report.clone();
            assert_ok!(UsefulWork::reveal_verdict(
                origin(juror),
                id,
                report,
                salt(juror)
            ));
        };
        all.into_iter().for_each(reveal);
        let deadline = Rounds::<Test>::get(R1).unwrap().deadline;
        while System::block_number() + 1 < deadline {
            run_blocks(1);
        }
        assert_eq!(Rounds::<Test>::get(R1).unwrap().phase, Phase::Dispute);
        reveal(last);
        run_blocks(2);
        assert_eq!(Rounds::<Test>::get(R1).unwrap().phase, Phase::Paying);
        assert_eq!(fake.record().state, Slashed);
        run_to(R1, Phase::Vesting);
        assert!(fake.record().merged);
        assert!(fake.record().receipts.is_empty());
        assert_ok!(UsefulWork::revert_claim(RuntimeOrigin::root(), id));
    });
}

#[test]
fn round_should_count_only_right_replays_when_a_challenge_finds_a_fake_before_the_pay_is_fixed() {
    build_and_execute(|| {
        assert_ok!(UsefulWork::bond(origin(9), 20_000 * DREAM));
        train();
        let traces = [Trace::new(1, R1), Trace::new(2, R1)];
        traces.iter().for_each(Trace::submit);
        let dissents = |t: &Trace, seat: usize| t.account == 1 && seat == 2;
        audit(&traces, |t, seat| {
            Some(if dissents(t, seat) {
                t.other_report()
            } else {
                t.report()
            })
        });
        run_to(R1, Phase::Merging);
        let round = || Rounds::<Test>::get(R1).unwrap();
        let replay = UsefulWork::units(R1, 2);
        let trained = UsefulWork::units(R1, 8);
        assert_eq!(
            (round().units, round().audit_units),
            (2 * trained, 5 * replay)
        );
        let [fake, _] = traces;
        let segment = fake.record().audited[0];
        assert_ok!(challenge(9, &fake, segment));
        assert_ok!(open(&fake, segment));
        judge(&fake, |_| Some(fake.other_trial_report()));
        assert_eq!(fake.record().state, Slashed);
        assert_eq!(round().pay, None);
        // The other claim's three, and the seat that had found the fake.
        assert_eq!((round().units, round().audit_units), (trained, 4 * replay));
    });
}

#[test]
fn larger_committee_should_lose_its_pay_when_a_challenge_finds_faked_what_it_confirmed() {
    build_and_execute(|| {
        enlist(9..=12);
        train();
        let traces = [Trace::new(1, R1)];
        traces[0].submit();
        audit(&traces, |t, seat| {
            Some(if seat < 2 {
                t.other_report()
            } else {
                t.report()
            })
        });
        let [fake] = traces;
        judge(&fake, |_| Some(fake.trial_report()));
        assert_eq!(fake.record().larger.len(), 5);
        run_to(R1, Phase::Vesting);
        // The miner, the seat that matched, and the larger committee.
        assert_eq!(fake.record().receipts.len(), 7);
        let segment = fake.record().audited[0];
        assert_ok!(challenge(2, &fake, segment));
        assert_ok!(open(&fake, segment));
        judge(&fake, |_| Some(fake.other_trial_report()));
        let record = fake.record();
        assert_eq!((record.state, record.larger.len()), (Slashed, 0));
        assert!(record.receipts.is_empty(), "{:?}", record.receipts);
        assert_eq!(Exposure::<Test>::get(LEAF), 0);
    });
}

#[test]
fn jury_of_a_challenge_should_be_those_that_were_enlisted_before_it() {
    build_and_execute(|| {
        // Old enough, and kept off the list until they are of use.
        for account in 10..=12 {
            assert_ok!(UsefulWork::bond(origin(account), 20_000 * DREAM));
            assert_ok!(register(account, LEAF));
        }
        let [fake, _] = accepted();
        assert_ok!(UsefulWork::enlist_verifier(origin(10), 0));
        run_blocks(1);
        assert_ok!(UsefulWork::enlist_verifier(origin(11), 0));
        assert_ok!(challenge(9, &fake, 0));
        assert_ok!(UsefulWork::enlist_verifier(origin(12), 0));
        assert_ok!(open(&fake, 0));
        run_to_stage(fake.id(), Stage::Commitment);
        assert_eq!(jurors(fake.id()), [5, 6, 7, 8, 10]);
    });
}

#[test]
fn committee_should_keep_bond_and_pay_when_the_fake_was_outside_its_segments() {
    build_and_execute(|| {
        let [fake, _] = accepted();
        post_merge(3, R1);
        run_to(R1, Phase::Vesting);
        let segment = unaudited(&fake);
        let pending = PendingIssuance::<Test>::get();
        let receipts = fake.record().receipts;
        assert_eq!(receipts.len(), 4);
        let mined = receipts
            .iter()
            .find(|r| r.role == Role::Miner)
            .unwrap()
            .amount;
        let exposure = Exposure::<Test>::get(LEAF);
        assert_ok!(challenge(9, &fake, segment));
        assert_ok!(open(&fake, segment));
        judge(&fake, |_| Some(fake.other_trial_report()));
        let record = fake.record();
        assert_eq!((record.state, record.merged), (Slashed, true));
        assert_eq!(record.receipts.len(), 3);
        assert!(record.receipts.iter().all(|r| r.role == Role::Verifier));
        // Producers are paid meanwhile.
        assert!(PendingIssuance::<Test>::get() <= pending - mined);
        assert_eq!(Exposure::<Test>::get(LEAF), exposure - mined);
        for seat in fake.seats() {
            assert_eq!(total(seat), 20_000 * DREAM);
        }
        dismiss();
        run_to(R1, Phase::Closed);
        assert_eq!(crate::Credits::<Test>::get(1).amount, 0);
    });
}

#[test]
fn failed_challenge_should_cost_its_bond_and_leave_the_claim_as_it_was() {
    build_and_execute(|| {
        let [honest, _] = accepted();
        let segment = unaudited(&honest);
        assert_ok!(challenge(9, &honest, segment));
        assert_eq!(UsefulWork::contributions(R1).len(), 2);
        post_merge(3, R1);
        assert_ok!(open(&honest, segment));
        judge(&honest, |juror| (juror != 8).then(|| honest.trial_report()));
        assert_eq!(total(9), 19_800 * DREAM);
        // 100 burned of the challenger's, 10 of the silent juror's; 100 to the miner and three jurors.
        assert_eq!(burned(), 110 * DREAM);
        assert_eq!(Balances::free_balance(1), 80_025 * DREAM);
        assert_eq!(Balances::free_balance(5), 80_025 * DREAM);
        run_to(R1, Phase::Vesting);
        let record = honest.record();
        assert_eq!((record.state, record.merged), (Merged, true));
        assert_eq!(record.receipts.len(), 4);
    });
}

#[test]
fn challenge_should_cost_nobody_but_the_silent_when_the_jury_hangs() {
    build_and_execute(|| {
        let [honest, _] = accepted();
        assert_ok!(challenge(9, &honest, 0));
        assert_ok!(open(&honest, 0));
        judge(&honest, |juror| (juror < 7).then(|| honest.trial_report()));
        assert_eq!(
            (total(9), total(1), total(5)),
            (20_000 * DREAM, 20_000 * DREAM, 20_000 * DREAM)
        );
        assert_eq!(total(8), 19_990 * DREAM);
        assert!(honest.record().state.accepted());
    });
}

#[test]
fn miner_should_be_slashed_when_it_does_not_open_what_is_challenged() {
    build_and_execute(|| {
        let [fake, other] = accepted();
        assert_ok!(challenge(9, &fake, 3));
        let response = PARAMETERS.with_borrow(|p| p.round.response_blocks);
        run_blocks(response - 1);
        assert_eq!(fake.record().state, Challenged);
        run_blocks(1);
        assert_eq!(fake.record().state, Slashed);
        assert_eq!(total(1), 19_000 * DREAM);
        // Half is burned: never all to the accuser.
        assert_eq!(Balances::free_balance(9), 80_500 * DREAM);
        assert_eq!(total(9), 20_000 * DREAM);
        for seat in fake.seats() {
            assert_eq!(total(seat), 20_000 * DREAM);
        }
        let only: Vec<H256> = UsefulWork::contributions(R1)
            .iter()
            .map(|c| c.claim)
            .collect();
        assert_eq!(only, [other.id()]);
    });
}

#[test]
fn claim_should_be_void_when_two_thirds_of_the_jury_lack_the_challenged_state() {
    build_and_execute(|| {
        let [claim, _] = accepted();
        assert_ok!(challenge(9, &claim, 3));
        assert_ok!(open(&claim, 3));
        judge(&claim, |_| Some(ReplayReport::lack()));
        assert_eq!(claim.record().state, Void);
        assert_eq!((total(1), total(9)), (19_000 * DREAM, 20_000 * DREAM));
        run_to(R1, Phase::Vesting);
        assert_eq!(
            claim.record().receipts.len(),
            3,
            "the committee did its work"
        );
    });
}

#[test]
fn challenge_should_name_what_is_wrong() {
    build_and_execute(|| {
        assert_ok!(UsefulWork::bond(origin(9), 20_000 * DREAM));
        assert_ok!(UsefulWork::bond(origin(10), 199 * DREAM));
        train();
        let trace = Trace::new(1, R1);
        trace.submit();
        assert_noop!(challenge(9, &trace, 0), Error::<Test>::WrongPhase);
        let traces = [trace];
        audit(&traces, |t, _| Some(t.report()));
        run_to(R1, Phase::Merging);
        let [trace] = traces;
        assert_noop!(
            UsefulWork::challenge(origin(9), H256::zero(), 0),
            Error::<Test>::UnknownClaim
        );
        assert_noop!(challenge(9, &trace, 8), Error::<Test>::BadSegments);
        assert_noop!(challenge(10, &trace, 0), Error::<Test>::BondTooSmall);
        assert_noop!(challenge(12, &trace, 0), Error::<Test>::BondTooSmall);
        assert_noop!(open(&trace, 0), Error::<Test>::NoTrial);
        assert_ok!(challenge(9, &trace, 0));
        assert_eq!(Bonds::<Test>::get(9).unwrap().locked, 200 * DREAM);
        assert_noop!(challenge(9, &trace, 1), Error::<Test>::WrongClaimState);

        let call =
            |who, start, end| UsefulWork::open_challenged(origin(who), trace.id(), start, end);
        let (start, end) = (trace.start(0), trace.opening(0));
        assert_noop!(
            call(2, start.clone(), end.clone()),
            Error::<Test>::NotTheMiner
        );
        assert_noop!(open(&trace, 1), Error::<Test>::WrongSegments);
        assert_noop!(
            call(1, start.clone(), trace.opening(1)),
            Error::<Test>::WrongSegments
        );
        let mut forged = start.clone();
        forged.state = H256::zero();
        assert_noop!(call(1, forged, end.clone()), Error::<Test>::BadProof);
        let mut forged = end.clone();
        forged.digest = H256::zero();
        assert_noop!(call(1, start.clone(), forged), Error::<Test>::BadProof);
        let mut forged = end.clone();
        forged.end_state = H256::zero();
        assert_noop!(call(1, start, forged), Error::<Test>::BadProof);
        assert_ok!(open(&trace, 0));
        assert_noop!(open(&trace, 0), Error::<Test>::AlreadyDone);
        run_to_stage(trace.id(), Stage::Commitment);
        assert_noop!(open(&trace, 0), Error::<Test>::WrongStage);
        assert_eq!(trace.trial().level, Level::Challenge);
    });
}

#[test]
fn challenges_should_cost_twice_as_much_each_time_and_end_after_four() {
    build_and_execute(|| {
        let [honest, _] = accepted();
        for n in 0..4 {
            let before = total(9);
            assert_ok!(challenge(9, &honest, n));
            assert_ok!(open(&honest, n));
            judge(&honest, |_| Some(honest.trial_report()));
            assert_eq!(before - total(9), (200 << n) * DREAM);
        }
        assert_eq!(honest.record().challenges(), 4);
        assert_noop!(challenge(9, &honest, 5), Error::<Test>::TooManyChallenges);
        run_to(R1, Phase::Vesting);
        assert_noop!(challenge(9, &honest, 5), Error::<Test>::TooManyChallenges);
    });
}

#[test]
fn challenge_should_hold_vesting_back_and_be_refused_once_it_began() {
    build_and_execute(|| {
        let [first, second] = accepted();
        post_merge(3, R1);
        run_to(R1, Phase::Vesting);
        dismiss();
        // Round 2 is open: when it closes empty, round 1 vests.
        let next = RoundId {
            branch: 0,
            number: 2,
        };
        run_to(next, Phase::Training);
        let ends = Rounds::<Test>::get(next).unwrap().deadline;
        while System::block_number() < ends - 1 {
            run_blocks(1);
        }
        assert_ok!(challenge(9, &first, 0));
        run_blocks(2);
        assert!(crate::ActiveRounds::<Test>::get().contains(&R1));
        assert_eq!(first.record().state, Challenged);
        assert_noop!(challenge(9, &second, 0), Error::<Test>::WrongPhase);
        assert_ok!(open(&first, 0));
        judge(&first, |_| Some(first.trial_report()));
        run_to(R1, Phase::Closed);
        assert_eq!(states(&[first, second]), [Vested, Vested]);
    });
}

#[test]
fn challenge_should_be_refused_at_the_block_from_which_the_round_vests() {
    build_and_execute(|| {
        let [first, _] = accepted();
        run_to(R1, Phase::Vesting);
        let deadline = Rounds::<Test>::get(R1).unwrap().deadline;
        let now = System::block_number();
        System::set_block_number(deadline);
        assert_noop!(challenge(9, &first, 0), Error::<Test>::WrongPhase);
        System::set_block_number(deadline - 1);
        assert_ok!(challenge(9, &first, 0));
        System::set_block_number(now);
    });
}

#[test]
fn challenges_should_leave_room_for_trials_of_rounds() {
    build_and_execute(|| {
        let [trace, other] = accepted();
        // As many trials as challenges may take: the other half is kept for claims without a verdict.
        assert_ok!(challenge(9, &other, 0));
        let real = ActiveTrials::<Test>::get();
        let fill = (1..u64::from(MAX_TRIALS / 2)).map(H256::from_low_u64_be);
        let full: Vec<H256> = real.iter().copied().chain(fill).collect();
        ActiveTrials::<Test>::put(BoundedVec::truncate_from(full));
        assert_noop!(challenge(9, &trace, 0), Error::<Test>::TooManyTrials);
        ActiveTrials::<Test>::put(real);
        assert_ok!(challenge(9, &trace, 0));
    });
}
