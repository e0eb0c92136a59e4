// SPDX-License-Identifier: GPL-3.0-or-later
//! The supply over random sequences of rounds.

use super::*;
use crate::{CurrentRound, Event, PendingIssuance, Producers};
use dream_primitives::{Balance, SUPPLY_CAP};
use polkadot_sdk::frame_support::traits::fungible::{Inspect, Mutate};

/// A small generator: the sequence is the seed's.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn latest() -> RoundId {
    RoundId {
        branch: 0,
        number: CurrentRound::<Test>::get(0).unwrap(),
    }
}

/// What events say was paid out and burned since the last call.
fn receipts_and_burns(paid: &mut Balance, burned: &mut Balance) {
    for record in System::events() {
        if let RuntimeEvent::UsefulWork(event) = record.event {
            match event {
                Event::Vested { amount, .. } => *paid += amount,
                Event::BondBurned { amount, .. } => *burned += amount,
                Event::BondSlashed { burned: amount, .. } => *burned += amount,
                _ => {}
            }
        }
    }
    System::reset_events();
}

/// Random rounds near the cap; every block checks the invariants, the cap among them.
fn random_rounds(seed: u64) {
    build_and_execute(|| {
        let mut random = Random(seed);
        PARAMETERS.with_borrow_mut(|p| p.rewards.emission_half_life = 200);
        // So near that some sequences meet the cap.
        let near = Balance::from(random.below(4_000)) * DREAM;
        let filler = SUPPLY_CAP - Balances::total_issuance() - near;
        Balances::mint_into(&888, filler).unwrap();
        let start = Balances::total_issuance();
        let (mut paid, mut burned) = (0, 0);
        train();
        for _ in 0..6 {
            let round = latest();
            run_to(round, Phase::Training);
            let count = random.below(4) as usize;
            let traces: Vec<Trace> = MINERS[..count]
                .iter()
                .map(|m| Trace::new(*m, round))
                .collect();
            traces.iter().for_each(Trace::submit);
            if !traces.is_empty() && random.below(5) == 0 {
                // They vanish after their claims.
                run_to(round, Phase::Vesting);
            } else if !traces.is_empty() {
                let honest = random.below(4) > 0;
                audit(&traces, |t, seat| match (honest, seat) {
                    (true, _) => Some(t.report()),
                    (false, 0) => None,
                    (false, _) => Some(t.other_report()),
                });
                let merging = Rounds::<Test>::get(round).unwrap().phase == Phase::Merging;
                if merging && random.below(2) == 0 {
                    post_merge(5, round);
                }
                run_to(round, Phase::Vesting);
            }
            while latest() == round {
                run_blocks(1);
            }
            receipts_and_burns(&mut paid, &mut burned);
        }
        dismiss();
        let last = latest();
        run_to(last, Phase::Closed);
        run_blocks(2);
        while PendingIssuance::<Test>::get() > 0 {
            run_blocks(1);
        }
        receipts_and_burns(&mut paid, &mut burned);
        assert_eq!(Producers::<Test>::get().balance, 0);
        let shares = Balances::balance(&777) + Balances::balance(&99);
        let issued = Balances::total_issuance();
        assert_eq!(issued, start + paid + shares - burned, "seed {seed}");
        assert!(issued <= SUPPLY_CAP, "seed {seed}");
    });
}

#[test]
fn issuance_should_never_pass_the_cap_and_equal_the_receipts_over_random_rounds() {
    (0..12).for_each(random_rounds);
}
