// SPDX-License-Identifier: GPL-3.0-or-later
//! Adversaries one by one: what they lose, what nobody else loses, and what the model is after.

use dream_primitives::round::ClaimState;
use dream_primitives::{Balance, DREAM};
use dream_simulator::*;
use pallet_useful_work::Bonds;

/// Three honest miners and hostile ones, without canary duty, for `rounds` rounds.
fn run(hostile: &[MinerKind], verifiers: &[VerifierKind], rounds: u32) -> Vec<Outcome> {
    run_with(setup(hostile, verifiers), rounds)
}

fn setup(hostile: &[MinerKind], verifiers: &[VerifierKind]) -> Setup {
    let mut setup = Setup::honest(11);
    setup.parameters.audit.canary_rate = 0;
    setup.miners = vec![MinerKind::Honest; 3];
    setup.miners.extend(hostile);
    setup.verifiers.extend(verifiers);
    setup
}

fn run_with(setup: Setup, rounds: u32) -> Vec<Outcome> {
    simulate(setup, |world| {
        world.run_rounds(rounds);
        let outcomes = core::mem::take(&mut world.outcomes);
        let honest = outcomes.iter().filter(|o| o.kind == MinerKind::Honest);
        assert!(honest.count() >= 3 * rounds as usize);
        outcomes
    })
}

fn of(outcomes: &[Outcome], kind: MinerKind) -> Vec<Outcome> {
    let mine: Vec<Outcome> = outcomes
        .iter()
        .filter(|o| o.kind == kind)
        .cloned()
        .collect();
    assert!(!mine.is_empty(), "{kind:?} made no claim");
    mine
}

fn all_end(outcomes: &[Outcome], state: ClaimState) {
    for o in outcomes {
        assert_eq!((o.state, o.paid), (state, 0), "{o:?}");
    }
}

fn bond(world: &World, at: usize) -> Balance {
    Bonds::<chain::Chain>::get(&world.actors[at].account).map_or(0, |b| b.total)
}

#[test]
fn stolen_delta_should_be_slashed_when_the_thief_holds_the_whole_trace() {
    let outcomes = run(&[MinerKind::Stolen], &[], 3);
    all_end(&of(&outcomes, MinerKind::Stolen), ClaimState::Slashed);
}

#[test]
fn replayed_claim_should_be_slashed_in_every_round_but_its_own() {
    let outcomes = of(&run(&[MinerKind::Replayed], &[], 4), MinerKind::Replayed);
    assert_eq!(outcomes[0].state, ClaimState::Vested);
    all_end(&outcomes[1..], ClaimState::Slashed);
}

#[test]
fn faked_segment_should_be_slashed_whenever_it_is_audited() {
    let outcomes = of(&run(&[MinerKind::Faked(3)], &[], 24), MinerKind::Faked(3));
    let (hit, missed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|o| o.hit);
    assert!(!hit.is_empty() && !missed.is_empty());
    all_end(&hit, ClaimState::Slashed);
    assert!(missed.iter().all(|o| o.state == ClaimState::Vested));
}

#[test]
fn faked_segment_should_be_slashed_when_anybody_challenges_it() {
    let mut setup = setup(&[MinerKind::Faked(1)], &[]);
    setup.challenges = 1_000;
    let outcomes = of(&run_with(setup, 12), MinerKind::Faked(1));
    assert!(outcomes.iter().any(|o| !o.hit && o.passed()));
    all_end(&outcomes, ClaimState::Slashed);
}

#[test]
fn skipped_steps_should_be_slashed_whenever_the_segment_is_audited() {
    let outcomes = of(&run(&[MinerKind::Skipped], &[], 24), MinerKind::Skipped);
    let (hit, missed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|o| o.hit);
    assert!(!hit.is_empty() && !missed.is_empty());
    all_end(&hit, ClaimState::Slashed);
}

#[test]
fn wrong_data_order_should_be_slashed() {
    let outcomes = run(&[MinerKind::WrongOrder], &[], 2);
    all_end(&of(&outcomes, MinerKind::WrongOrder), ClaimState::Slashed);
}

#[test]
fn wrong_start_state_should_be_slashed() {
    let outcomes = run(&[MinerKind::WrongStart], &[], 2);
    all_end(&of(&outcomes, MinerKind::WrongStart), ClaimState::Slashed);
}

#[test]
fn delta_that_is_not_end_minus_start_should_be_slashed() {
    let outcomes = run(&[MinerKind::WrongDelta], &[], 2);
    all_end(&of(&outcomes, MinerKind::WrongDelta), ClaimState::Slashed);
}

#[test]
fn withheld_snapshot_should_cost_the_availability_deposit() {
    simulate(setup(&[MinerKind::Withheld], &[]), |world| {
        let deposit = world.setup.parameters.bonds.availability;
        world.run_rounds(1);
        all_end(&of(&world.outcomes, MinerKind::Withheld), ClaimState::Void);
        let lost = BOND - bond(world, 3);
        assert!(lost >= deposit && lost.is_multiple_of(deposit), "{lost}");
    });
}

#[test]
fn claim_served_to_one_seat_should_be_judged_by_all_since_that_seat_relays() {
    let outcomes = of(
        &run(&[MinerKind::ServedToOne], &[], 2),
        MinerKind::ServedToOne,
    );
    assert!(outcomes
        .iter()
        .all(|o| o.state == ClaimState::Vested && o.clean));
}

#[test]
fn claim_served_to_hostile_seats_only_should_never_be_merged() {
    let hostile = [VerifierKind::Denying; 2];
    let outcomes = run(&[MinerKind::ServedToHostile; 2], &hostile, 12);
    for o in of(&outcomes, MinerKind::ServedToHostile) {
        let captured = o.passed();
        assert!(captured || o.paid == 0, "{o:?}");
    }
}

#[test]
fn miner_that_does_not_open_should_lose_its_deposit() {
    let kinds = [MinerKind::StartsClosed, MinerKind::DigestsClosed];
    simulate(setup(&kinds, &[]), |world| {
        world.run_rounds(1);
        all_end(&of(&world.outcomes, kinds[0]), ClaimState::Void);
        all_end(&of(&world.outcomes, kinds[1]), ClaimState::Rejected);
        assert!(bond(world, 3) < BOND && bond(world, 4) < BOND);
    });
}

#[test]
fn late_or_missing_reveal_should_cost_the_silence_part_and_no_claim() {
    let hostile = [VerifierKind::Silent, VerifierKind::Unrevealing];
    simulate(setup(&[], &hostile), |world| {
        let first = world.setup.miners.len() + 6;
        world.run_rounds(8);
        let silence = world.setup.parameters.bonds.silence;
        for at in [first, first + 1] {
            let lost = BOND - bond(world, at);
            assert!(lost > 0 && lost.is_multiple_of(silence), "{lost}");
        }
        assert!(world.outcomes.iter().all(|o| o.paid > 0));
    });
}

#[test]
fn lazy_verifier_that_confirms_a_canary_should_lose_its_seat_bond() {
    let mut setup = setup(&[MinerKind::Leaky(0); 2], &[VerifierKind::Lazy; 2]);
    setup.parameters.audit.canary_rate = 500_000;
    simulate(setup, |world| {
        let first = world.setup.miners.len() + 6;
        world.run_rounds(8);
        let leaky = of(&world.outcomes, MinerKind::Leaky(0));
        assert!(leaky
            .iter()
            .any(|o| o.history.contains(&ClaimState::Canary)));
        let seat = world.setup.parameters.bonds.seat;
        let lost: Vec<Balance> = (first..first + 2)
            .map(|at| BOND - bond(world, at))
            .collect();
        assert!(lost.iter().any(|l| *l >= seat), "{lost:?}");
        let canaries: Vec<&Outcome> = world.outcomes.iter().filter(|o| o.duty).collect();
        let fee = world.setup.parameters.rewards.canary_fee;
        assert!(canaries
            .iter()
            .all(|o| o.paid > 0 && o.paid <= fee && !o.merged));
    });
}

#[test]
fn canary_duty_that_is_shirked_should_be_rejected() {
    let mut setup = setup(&[MinerKind::DutyShirker], &[]);
    setup.parameters.audit.canary_rate = 500_000;
    let outcomes = of(&run_with(setup, 8), MinerKind::DutyShirker);
    let (duty, free): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|o| o.duty);
    assert!(!duty.is_empty() && !free.is_empty());
    all_end(&duty, ClaimState::Rejected);
    assert!(free.iter().all(|o| o.state == ClaimState::Vested));
}

#[test]
fn leaked_digests_should_not_save_a_faked_claim_from_a_challenge() {
    let mut setup = setup(&[MinerKind::Leaky(7)], &[]);
    // Most seats are lazy, so that first committees confirm; the jury is honest.
    setup.verifiers = vec![VerifierKind::Honest; 7];
    setup.verifiers.extend([VerifierKind::Lazy; 3]);
    setup.challenges = 1_000;
    let outcomes = of(&run_with(setup, 40), MinerKind::Leaky(7));
    assert!(
        outcomes.iter().any(Outcome::passed),
        "no committee was lazy"
    );
    all_end(&outcomes, ClaimState::Slashed);
}

#[test]
fn colluding_verifiers_below_the_bound_should_lose_what_they_stake_and_stop_nobody() {
    let mut setup = setup(&[], &[VerifierKind::Denying; 2]);
    // No larger committee: the jury meets at once.
    setup.parameters.audit.escalation = 0;
    simulate(setup, |world| {
        let first = world.setup.miners.len() + 6;
        world.run_rounds(20);
        let forced = |o: &&Outcome| o.history.contains(&ClaimState::OnTrial);
        assert!(world.outcomes.iter().filter(forced).count() > 0);
        assert!(world.outcomes.iter().all(|o| o.state == ClaimState::Vested));
        assert!(bond(world, first) < BOND || bond(world, first + 1) < BOND);
        assert!(world.ledger.awarded > 0 && world.ledger.burned > 0);
    });
}

#[test]
fn forced_escalation_should_be_overruled_and_pay_those_who_were_right() {
    let outcomes = run(&[], &[VerifierKind::Denying; 2], 20);
    let forced: Vec<&Outcome> = outcomes
        .iter()
        .filter(|o| o.history.contains(&ClaimState::Escalated))
        .collect();
    assert!(forced.iter().all(|o| o.passed() && o.verifiers_paid > 0));
    assert!(!forced.is_empty());
}

#[test]
fn verifiers_that_call_served_blobs_lacking_should_void_no_claim() {
    let mut setup = setup(&[], &[VerifierKind::Lacking; 3]);
    setup.verifiers.push(VerifierKind::Honest);
    let outcomes = run_with(setup, 30);
    assert!(outcomes.iter().all(|o| o.state == ClaimState::Vested));
}

#[test]
fn frivolous_challenge_should_cost_the_challenger_its_bond() {
    let mut setup = setup(&[], &[VerifierKind::Denying]);
    setup.challenges = 1_000;
    simulate(setup, |world| {
        let spiteful = world.setup.miners.len() + 6;
        world.run_rounds(2);
        let challenged = |o: &&Outcome| o.history.contains(&ClaimState::Challenged);
        assert!(world.outcomes.iter().filter(challenged).count() > 0);
        assert!(world.outcomes.iter().all(|o| o.state == ClaimState::Vested));
        assert!(BOND - bond(world, spiteful) >= 200 * DREAM);
    });
}

#[test]
fn rounds_should_pay_everybody_and_move_the_head_when_all_are_honest() {
    simulate(Setup::honest(1), |world| {
        let first = world.head_root();
        world.run_rounds(3);
        assert_ne!(world.head_root(), first);
        assert!(world.outcomes.len() >= 12);
        assert!(world.outcomes.iter().all(|o| o.paid > 0));
    });
}

#[test]
fn wrong_merge_should_be_refuted_and_the_right_one_become_the_head() {
    let mut setup = setup(&[], &[VerifierKind::Denying]);
    setup.wrong_merges = 1_000;
    simulate(setup, |world| {
        let poster = world.setup.miners.len() + 6;
        world.run_rounds(4);
        assert!(world.wrong_merges >= 4);
        let staked = world.setup.parameters.bonds.merge * Balance::from(world.wrong_merges);
        assert!(BOND - bond(world, poster) >= staked);
        // Every head is a state that the honest merger has made.
        assert!(world.states.contains_key(&world.head_root()));
        assert!(world
            .outcomes
            .iter()
            .all(|o| o.merged && o.state == ClaimState::Vested));
    });
}

#[test]
fn vanished_delta_should_leave_the_merge_and_cost_its_miner_the_deposit() {
    simulate(setup(&[MinerKind::VanishedDelta], &[]), |world| {
        world.run_rounds(2);
        let gone = of(&world.outcomes, MinerKind::VanishedDelta);
        all_end(&gone, ClaimState::Excluded);
        assert!(gone.iter().all(|o| !o.merged));
        assert!(bond(world, 3) < BOND);
        let honest = world
            .outcomes
            .iter()
            .filter(|o| o.kind == MinerKind::Honest);
        assert!(honest.cloned().all(|o| o.merged));
    });
}
