// SPDX-License-Identifier: GPL-3.0-or-later
//! Reverts and the replays that they cause.

use super::models::*;
use super::*;
use crate::{Bases, Bonds, Credits, Error, Replays};
use dream_primitives::dispute::{answer_hashes, children, Tree};
use dream_primitives::game::Turn;
use dream_primitives::round::{ClaimEvent, Role};
use dream_primitives::state;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use polkadot_sdk::sp_runtime::DispatchError;

fn revert(claim: H256) {
    assert_ok!(UsefulWork::revert_claim(RuntimeOrigin::root(), claim));
}

fn retained(rounds: u32) {
    PARAMETERS.with_borrow_mut(|p| p.round.retention_rounds = rounds);
}

/// Three merged rounds; no fourth opens.
fn three_rounds() -> (Vec<Model>, Vec<Claimed>) {
    retained(4);
    let first = real_model();
    train();
    let (mut models, mut claims) = (vec![first], Vec::new());
    for number in 1..=3 {
        let (next, claimed) = whole_round(number, &MINERS, models.last().unwrap());
        models.push(next);
        claims.push(claimed);
        if number == 2 {
            run_to(round_id(3), Phase::Training);
            dismiss();
        }
    }
    (models, claims)
}

/// Posts the honest merge of the replay round `number` on top of `base` and waits until it is the head.
fn replayed(number: u32, base: &Model) -> Model {
    let round = round_id(number);
    run_to(round, Phase::Merging);
    let next = base.merged(&recipe(), &deltas_of(round));
    post_model(3, round, &next);
    run_to(round, Phase::Vesting);
    let newest = HEADERS.with_borrow(|h| *h.last().unwrap());
    assert_eq!(newest.state_root, next.state_root());
    assert_eq!(newest.server_root, next.server_root());
    next
}

fn idle() {
    run_blocks(5);
    assert!(Replays::<Test>::get().is_empty());
}

#[test]
fn revert_should_make_every_later_merge_again_without_the_claim() {
    build_and_execute(|| {
        BRANCH.with_borrow_mut(|b| {
            b.recipe.server = dream_primitives::recipe::ServerOptimiser::Nesterov {
                learning_rate: 1 << 15,
                momentum: 1 << 15,
            }
        });
        let (models, claims) = three_rounds();
        let old = head_header();
        revert(claims[1][&2]);
        run_blocks(1);
        assert_eq!(head_header().state_root, models[1].state_root());
        run_blocks(1);
        // Round 1 stands; rounds 2 and 3 are made again as rounds 4 and 5.
        let second = replayed(4, &models[1]);
        let deltas = |round: u32, miners: &[AccountId]| {
            let mut ids: Vec<_> = miners
                .iter()
                .map(|m| (claims[round as usize - 1][m], *m))
                .collect();
            ids.sort();
            ids.iter()
                .map(|(_, m)| delta_of(*m, round))
                .collect::<Vec<_>>()
        };
        assert_eq!(second, models[1].merged(&recipe(), &deltas(2, &[1, 3])));
        let third = replayed(5, &second);
        assert_eq!(third, second.merged(&recipe(), &deltas(3, &MINERS)));
        assert_ne!(third, models[3]);
        assert_eq!(third.moments.len(), third.state.len());
        let head = head_header();
        assert_eq!((head.number, old.number), (3, 3));
        assert_eq!(head.server_root, third.server_root());
        assert_eq!(Rounds::<Test>::get(round_id(4)).unwrap().replays, Some(2));
        assert_eq!(
            Bases::<Test>::get(round_id(3)),
            Some(HEADERS.with_borrow(|h| h[3].hash()))
        );
        idle();
        admit();
        run_to(round_id(6), Phase::Training);
        assert_eq!(Rounds::<Test>::get(round_id(6)).unwrap().base, head.hash());
    });
}

#[test]
fn first_version_should_come_back_bit_for_bit_when_everything_is_reverted() {
    build_and_execute(|| {
        let (models, claims) = three_rounds();
        for claim in claims.iter().flat_map(|c| c.values()) {
            revert(*claim);
        }
        run_blocks(10);
        assert!(Replays::<Test>::get().is_empty());
        assert_eq!(BRANCH.with_borrow(|b| b.head), HEAD);
        assert_eq!(head_header().state_root, models[0].state_root());
        assert_eq!(Rounds::<Test>::get(round_id(4)), None);
    });
}

#[test]
fn rounds_without_a_claim_that_stands_should_be_left_out() {
    build_and_execute(|| {
        let (models, claims) = three_rounds();
        for claim in claims[1].values() {
            revert(*claim);
        }
        let third = replayed(4, &models[1]);
        assert_eq!(Rounds::<Test>::get(round_id(4)).unwrap().replays, Some(3));
        assert_ne!(third, models[3]);
        idle();
        assert_eq!(head_header().number, 2);
    });
}

#[test]
fn wrong_replay_should_be_refuted_and_posted_again() {
    build_and_execute(|| {
        let (models, claims) = three_rounds();
        revert(claims[2][&1]);
        let round = round_id(4);
        run_to(round, Phase::Merging);
        let honest = models[2].merged(&recipe(), &deltas_of(round));
        // The merge as it was, with the reverted claim still in.
        post_model(3, round, &models[3]);
        run_to(round, Phase::Dispute);
        assert_ok!(UsefulWork::dispute_merge(origin(5), round, Tree::State));
        let (shown, own) = (
            state::leaves(&models[3].state),
            state::leaves(&honest.state),
        );
        loop {
            let open = crate::Disputes::<Test>::get(round)[0].clone();
            let at = |leaves| answer_hashes(Tree::State.domain(), leaves, open.node).unwrap();
            match open.turn {
                Turn::Answer => {
                    let nodes = at(&shown);
                    assert_ok!(UsefulWork::answer_dispute(origin(3), round, 5, nodes));
                }

                Turn::Narrow(nodes) => {
                    let (_, number) = children(open.leaves, open.node).unwrap();
                    let mine = at(&own);
                    let place = (0..number).find(|i| nodes.get(*i) != mine.get(*i)).unwrap();
                    assert_ok!(UsefulWork::narrow_dispute(origin(5), round, place));
                }
                Turn::Prove => {
                    let proof = chunk_proof(&models[2], round, open.node.index);
                    assert_ok!(UsefulWork::prove_chunk(origin(5), round, proof));
                    break;
                }
            }
        }
        assert_eq!(Rounds::<Test>::get(round).unwrap().phase, Phase::Merging);
        assert_eq!(replayed(4, &models[2]), honest);
        idle();
    });
}

#[test]
fn replay_should_wait_for_a_merger() {
    build_and_execute(|| {
        let (models, claims) = three_rounds();
        revert(claims[2][&1]);
        run_to(round_id(4), Phase::Merging);
        run_blocks(100);
        let round = Rounds::<Test>::get(round_id(4)).unwrap();
        assert_eq!(round.phase, Phase::Merging);
        assert!(round.deadline > System::block_number());
        replayed(4, &models[2]);
        idle();
    });
}

#[test]
fn revert_should_wait_for_the_round_that_is_open_and_replay_it_too() {
    build_and_execute(|| {
        retained(4);
        let first = real_model();
        train();
        let (second, claims) = whole_round(1, &MINERS, &first);
        let traces = accepted_round(2, &MINERS);
        revert(claims[&1]);
        assert_noop!(
            UsefulWork::revert_claim(RuntimeOrigin::root(), traces[0].id()),
            Error::<Test>::NotMerged
        );
        run_blocks(5);
        assert_eq!(head_header().state_root, second.state_root());
        dismiss();
        post_model(
            3,
            round_id(2),
            &second.merged(&recipe(), &deltas_of(round_id(2))),
        );
        run_to(round_id(2), Phase::Vesting);
        let one = replayed(3, &first);
        replayed(4, &one);
        idle();
        assert!(traces.iter().all(|t| t.record().merged));
    });
}

#[test]
fn second_revert_should_join_the_replay_or_begin_it_again() {
    build_and_execute(|| {
        let (models, claims) = three_rounds();
        revert(claims[1][&1]);
        run_to(round_id(4), Phase::Merging);
        let stale = models[1].merged(&recipe(), &deltas_of(round_id(4)));
        post_model(3, round_id(4), &stale);
        run_to(round_id(4), Phase::Dispute);
        // Of the merge that is being made again: it is taken back. Of a later one: it follows without the claim.
        revert(claims[1][&2]);
        assert_eq!(
            Rounds::<Test>::get(round_id(4)).unwrap().phase,
            Phase::Merging
        );
        revert(claims[2][&3]);
        assert_eq!(Replays::<Test>::get()[0].from, None);
        let second = replayed(4, &models[1]);
        assert_ne!(second, stale);
        run_to(round_id(5), Phase::Merging);
        assert_eq!(deltas_of(round_id(5)).len(), 2);
        // Of an earlier one: the replay begins again from there when this one is done.
        revert(claims[0][&1]);
        assert_eq!(Replays::<Test>::get()[0].from, Some(1));
        replayed(5, &second);
        let one = replayed(6, &models[0]);
        assert_eq!(Rounds::<Test>::get(round_id(6)).unwrap().replays, Some(1));
        let two = replayed(7, &one);
        let three = replayed(8, &two);
        idle();
        assert_eq!(
            (head_header().number, Rounds::<Test>::get(round_id(9))),
            (3, None)
        );
        assert_eq!(head_header().state_root, three.state_root());
    });
}

#[test]
fn revert_after_a_revert_should_stand_on_the_replayed_lineage() {
    build_and_execute(|| {
        let (models, claims) = three_rounds();
        revert(claims[1][&1]);
        let second = replayed(4, &models[1]);
        replayed(5, &second);
        idle();
        revert(claims[2][&1]);
        let third = replayed(6, &second);
        idle();
        assert_eq!(head_header().number, 3);
        assert_ne!(third, models[3]);
    });
}

#[test]
fn claim_should_be_excluded_from_a_replay_when_its_delta_is_not_kept_until_it_vests() {
    build_and_execute(|| {
        let (models, claims) = three_rounds();
        revert(claims[2][&1]);
        run_to(round_id(4), Phase::Merging);
        let lost = claims[2][&2];
        assert_ok!(UsefulWork::demand_chunk(origin(9), lost, 0));
        run_blocks(20);
        let record = Claims::<Test>::get(lost).unwrap();
        assert_eq!((record.state, record.merged), (ClaimState::Excluded, true));
        assert!(record.receipts.iter().all(|r| r.role != Role::Miner));
        let only = replayed(4, &models[2]);
        assert_eq!(only, models[2].merged(&recipe(), &[delta_of(3, 3)]));
        idle();
        run_to(round_id(3), Phase::Closed);
        assert_eq!(Claims::<Test>::get(lost).unwrap().bond, 0);
    });
}

#[test]
fn reverted_claim_should_keep_its_pay_and_credits_unless_a_jury_found_against_it() {
    build_and_execute(|| {
        let (_, claims) = three_rounds();
        let (kept, slashed) = (claims[2][&1], claims[2][&2]);
        let credits = [1, 2].map(Credits::<Test>::get);
        Claims::<Test>::mutate(slashed, |record| {
            let record = record.as_mut().unwrap();
            for event in [ClaimEvent::Challenge, ClaimEvent::Slash] {
                UsefulWork::move_claim(record, event).unwrap();
            }
        });
        revert(kept);
        revert(slashed);
        run_to(round_id(4), Phase::Merging);
        // Rounds 1 and 2 vest meanwhile; what the third adds is told apart by the state of its claims.
        let round = round_id(3);
        while Rounds::<Test>::get(round).is_some_and(|r| r.phase == Phase::Vesting) {
            run_blocks(1);
        }
        let gained = |account: AccountId, i: usize| Credits::<Test>::get(account) != credits[i];
        assert!(gained(1, 0));
        let count = |account| {
            System::events()
                .iter()
                .filter(|e| {
                    matches!(&e.event, RuntimeEvent::UsefulWork(crate::Event::Credited { account: a, .. }) if *a == account)
                })
                .count()
        };
        assert_eq!((count(1), count(2), count(3)), (3, 2, 3));
    });
}

/// A round of three merged claims, on the base that is returned; account 9 can challenge them.
fn merged_round() -> (Model, Vec<Trace>) {
    assert_ok!(UsefulWork::bond(origin(9), 20_000 * DREAM));
    retained(4);
    let first = real_model();
    train();
    let traces = accepted_round(1, &MINERS);
    dismiss();
    post_model(3, R1, &first.merged(&recipe(), &deltas_of(R1)));
    run_to(R1, Phase::Vesting);
    (first, traces)
}

fn held_by(round: RoundId) -> Vec<H256> {
    let all = UsefulWork::contributions(round);
    all.iter().map(|c| c.claim).collect()
}

fn credited(account: AccountId) -> bool {
    Credits::<Test>::get(account).amount > 0
}

#[test]
fn reverted_claim_should_be_challenged_and_slashed_and_stay_out() {
    build_and_execute(|| {
        let (first, traces) = merged_round();
        let fake = &traces[0];
        revert(fake.id());
        assert_eq!(fake.record().receipts.len(), 4);
        assert_ok!(UsefulWork::challenge(origin(9), fake.id(), 0));
        run_to(round_id(2), Phase::Merging);
        // While it is judged neither its own round's merge nor the replay holds it, and it cannot be reverted again.
        let record = fake.record();
        assert_eq!(
            (record.state, record.reverted),
            (ClaimState::Challenged, true)
        );
        for round in [R1, round_id(2)] {
            let held = held_by(round);
            assert_eq!((held.len(), held.contains(&fake.id())), (2, false));
        }
        assert_noop!(
            UsefulWork::revert_claim(RuntimeOrigin::root(), fake.id()),
            Error::<Test>::AlreadyReverted
        );
        // The miner opens nothing.
        run_blocks(PARAMETERS.with_borrow(|p| p.round.response_blocks));
        let record = fake.record();
        assert_eq!((record.state, record.bond), (ClaimState::Slashed, 0));
        assert!(record.receipts.iter().all(|r| r.role == Role::Verifier));
        assert_eq!(Bonds::<Test>::get(1).unwrap().total, 19_000 * DREAM);
        assert!(!held_by(round_id(2)).contains(&fake.id()));
        assert_noop!(
            UsefulWork::revert_claim(RuntimeOrigin::root(), fake.id()),
            Error::<Test>::AlreadyReverted
        );
        replayed(2, &first);
        run_to(R1, Phase::Closed);
        assert_eq!([1, 2, 3].map(credited), [false, true, true]);
    });
}

#[test]
fn reverted_claim_should_stay_reverted_and_be_paid_when_its_challenge_fails() {
    build_and_execute(|| {
        let (first, traces) = merged_round();
        let honest = &traces[0];
        revert(honest.id());
        assert_ok!(UsefulWork::challenge(origin(9), honest.id(), 0));
        let (start, end) = (honest.start(0), honest.opening(0));
        assert_ok!(UsefulWork::open_challenged(
            origin(1),
            honest.id(),
            start,
            end
        ));
        judge(honest, |_| Some(honest.trial_report()));
        let record = honest.record();
        assert_eq!(
            (record.state, record.reverted),
            (ClaimState::Reverted, true)
        );
        assert_eq!(record.receipts.len(), 4);
        assert_eq!(Bonds::<Test>::get(9).unwrap().total, 19_800 * DREAM);
        let second = replayed(2, &first);
        assert!(!held_by(round_id(2)).contains(&honest.id()));
        assert_eq!(head_header().state_root, second.state_root());
        run_to(R1, Phase::Closed);
        assert_eq!([1, 2, 3].map(credited), [true; 3]);
    });
}

#[test]
fn claim_that_a_jury_felled_should_not_be_challenged_again_when_it_is_reverted() {
    build_and_execute(|| {
        let (first, traces) = merged_round();
        let fake = traces[0].id();
        assert_ok!(UsefulWork::challenge(origin(9), fake, 0));
        run_blocks(PARAMETERS.with_borrow(|p| p.round.response_blocks));
        assert_eq!(traces[0].record().state, ClaimState::Slashed);
        revert(fake);
        assert_noop!(
            UsefulWork::challenge(origin(9), fake, 0),
            Error::<Test>::WrongClaimState
        );
        replayed(2, &first);
    });
}

#[test]
fn revert_claim_should_name_what_is_wrong() {
    build_and_execute(|| {
        retained(1);
        let first = real_model();
        train();
        let (second, one) = whole_round(1, &MINERS, &first);
        let root = RuntimeOrigin::root;
        let claim = one[&1];
        assert_noop!(
            UsefulWork::revert_claim(origin(1), claim),
            DispatchError::BadOrigin
        );
        assert_noop!(
            UsefulWork::revert_claim(root(), H256::zero()),
            Error::<Test>::UnknownClaim
        );
        Claims::<Test>::mutate(one[&2], |record| {
            UsefulWork::move_claim(record.as_mut().unwrap(), ClaimEvent::Challenge).unwrap()
        });
        assert_noop!(
            UsefulWork::revert_claim(root(), one[&2]),
            Error::<Test>::WrongClaimState
        );
        Claims::<Test>::mutate(one[&2], |record| {
            UsefulWork::move_claim(record.as_mut().unwrap(), ClaimEvent::Merge).unwrap()
        });
        let (_, _) = whole_round(2, &MINERS, &second);
        run_to(round_id(3), Phase::Training);
        assert_noop!(
            UsefulWork::revert_claim(root(), claim),
            Error::<Test>::RevertTooOld
        );
        let id = crate::ClaimOf::<Test>::get(round_id(2), 1).unwrap();
        revert(id);
        assert_noop!(
            UsefulWork::revert_claim(root(), id),
            Error::<Test>::AlreadyReverted
        );
    });
}

#[test]
fn rounds_that_a_replay_wants_should_not_be_pruned_before_it_is_over() {
    build_and_execute(|| {
        let (models, claims) = three_rounds();
        revert(claims[0][&1]);
        run_to(round_id(4), Phase::Merging);
        let long = 3 * PARAMETERS.with_borrow(|p| p.round.retention_blocks());
        run_blocks(long);
        assert!((1..=3).all(|n| Rounds::<Test>::contains_key(round_id(n))));
        let mut head = models[0].clone();
        for number in 4..=6 {
            head = replayed(number, &head);
        }
        run_blocks(long);
        assert!((1..=6).all(|n| !Rounds::<Test>::contains_key(round_id(n))));
        assert_eq!(
            (
                Bases::<Test>::iter().count(),
                Claims::<Test>::iter().count()
            ),
            (0, 0)
        );
        assert_eq!(head_header().state_root, head.state_root());
    });
}
