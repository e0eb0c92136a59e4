// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{ActiveRounds, Agenda, ClaimOf, CurrentRound, ProfileStakes, Terms, MAX_DRAWING};
use dream_primitives::round::Round;
use polkadot_sdk::frame_support::traits::Hooks;

#[test]
fn round_should_open_only_on_an_admitted_branch_with_a_mixture() {
    build_and_execute(|| {
        run_blocks(3);
        assert_eq!(CurrentRound::<Test>::get(0), None);
        MIXTURE.set(false);
        admit();
        run_blocks(3);
        assert_eq!(CurrentRound::<Test>::get(0), None);
        MIXTURE.set(true);
        run_blocks(1);
        assert_eq!(CurrentRound::<Test>::get(0), Some(1));
        assert_eq!(Rounds::<Test>::get(R1).unwrap().phase, Phase::Seeding);
    });
}

#[test]
fn seed_should_wait_for_enough_authors() {
    build_and_execute(|| {
        PARAMETERS.with_borrow_mut(|p| p.round.seed_authors = 2);
        admit();
        run_blocks(10);
        assert_eq!(Rounds::<Test>::get(R1).unwrap().phase, Phase::Seeding);
        AUTHOR.set(Some(98));
        run_blocks(2);
        let round = Rounds::<Test>::get(R1).unwrap();
        assert_eq!(round.phase, Phase::Training);
        assert!(!round.seed.is_zero() && round.audit_seed.is_zero());
    });
}

#[test]
fn seeds_should_differ_between_training_and_audit_and_follow_the_randomness() {
    let seeds = |skip: u64| {
        let mut out = (H256::zero(), H256::zero());
        build_and_execute(|| {
            RANDOMNESS.set(skip);
            train();
            Trace::new(1, R1).submit();
            run_to(R1, Phase::Opening);
            let round = Rounds::<Test>::get(R1).unwrap();
            out = (round.seed, round.audit_seed);
        });
        out
    };
    let (a, b) = (seeds(0), seeds(1000));
    assert_ne!(a.0, a.1);
    assert_ne!(a.0, b.0);
    assert_ne!(a.1, b.1);
}

#[test]
fn empty_round_should_close_and_the_next_open() {
    build_and_execute(|| {
        admit();
        run_to(R1, Phase::Closed);
        run_blocks(1);
        assert_eq!(CurrentRound::<Test>::get(0), Some(2));
    });
}

#[test]
fn terms_should_stay_when_the_recipe_changes_in_a_round() {
    build_and_execute(|| {
        train();
        BRANCH.with_borrow_mut(|b| b.recipe.segments = 16);
        assert_eq!(Terms::<Test>::get(R1).unwrap().recipe.segments, 8);
        run_to(R1, Phase::Closed);
        run_blocks(1);
        assert_eq!(
            Terms::<Test>::get(RoundId {
                branch: 0,
                number: 2
            })
            .unwrap()
            .recipe
            .segments,
            16
        );
    });
}

#[test]
fn rounds_should_be_pruned_and_leave_nothing() {
    build_and_execute(|| {
        train();
        let traces = MINERS.map(|m| Trace::new(m, R1));
        traces.iter().for_each(Trace::submit);
        audit(&traces, |t, _| Some(t.report()));
        let ids = traces.each_ref().map(Trace::id);
        dismiss();
        for _ in 0..2000 {
            run_blocks(1);
        }
        assert_eq!(Rounds::<Test>::get(R1), None);
        assert_eq!(Terms::<Test>::get(R1), None);
        assert_eq!(claims_of(R1), 0);
        assert!(ids.iter().all(|id| Claims::<Test>::get(id).is_none()));
        assert!(MINERS.iter().all(|m| ClaimOf::<Test>::get(R1, m).is_none()));
        assert!(ActiveRounds::<Test>::get().is_empty());
        assert_eq!(Agenda::<Test>::iter().count(), 0);
        assert_eq!(
            crate::Bonds::<Test>::iter()
                .map(|(_, b)| b.locked)
                .sum::<u128>(),
            0
        );
    });
}

#[test]
fn three_rounds_should_advance_the_head_three_times() {
    build_and_execute(|| {
        train();
        for number in 1..=3 {
            let round = RoundId { branch: 0, number };
            run_to(round, Phase::Training);
            assert_eq!(
                Rounds::<Test>::get(round).unwrap().base,
                BRANCH.with_borrow(|b| b.head)
            );
            let traces = MINERS.map(|m| Trace::new(m, round));
            traces.iter().for_each(Trace::submit);
            audit(&traces, |t, _| Some(t.report()));
            post_merge(5, round);
            run_to(round, Phase::Vesting);
            assert_eq!(HEADERS.with_borrow(|h| h.len()), number as usize);
        }
        run_blocks(2);
        assert_eq!(
            Rounds::<Test>::get(RoundId {
                branch: 0,
                number: 2
            })
            .map(|r| r.phase),
            Some(Phase::Closed)
        );
    });
}

#[test]
fn rounds_should_wait_when_as_many_read_their_verifiers_as_a_block_allows() {
    build_and_execute(|| {
        train();
        let model = Rounds::<Test>::get(R1).unwrap();
        let ids: Vec<RoundId> = (0..=MAX_DRAWING)
            .map(|i| RoundId {
                branch: 100 + i,
                number: 1,
            })
            .collect();
        for id in &ids {
            let round = Round {
                id: *id,
                phase: Phase::Merging,
                awaiting: 0,
                ..model.clone()
            };
            Rounds::<Test>::insert(id, round);
        }
        ActiveRounds::<Test>::put(BoundedVec::truncate_from(ids.clone()));
        let waiting = || {
            let phases = ids.iter().map(|id| Rounds::<Test>::get(id).unwrap().phase);
            phases.filter(|phase| *phase == Phase::Merging).count()
        };
        let now = System::block_number();
        UsefulWork::on_initialize(now + 1);
        assert_eq!(waiting(), 1);
        UsefulWork::on_initialize(now + 2);
        assert_eq!(waiting(), 0);
        // They were never opened: nothing else knows of them.
        ids.iter().for_each(Rounds::<Test>::remove);
        ActiveRounds::<Test>::put(BoundedVec::truncate_from(vec![R1]));
        let _ = Agenda::<Test>::clear(u32::MAX, None);
        let _ = ProfileStakes::<Test>::clear(u32::MAX, None);
    });
}
