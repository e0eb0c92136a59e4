// SPDX-License-Identifier: GPL-3.0-or-later
//! How often faked segments are found, beside the formula of the protocol.

use dream_primitives::draw::{detection, ONE};
use dream_primitives::params::ChainParameters;
use dream_simulator::*;
use std::collections::BTreeMap;

/// Claims with invented segments by their number: claims, and how many of them were never accepted. Counted are claims
/// of miners that were there and not on canary duty, whose first committee was honest and complete.
pub fn found(outcomes: &[Outcome]) -> BTreeMap<u16, (u64, u64)> {
    let mut by_number = BTreeMap::new();
    for o in outcomes {
        if matches!(o.kind, MinerKind::Faked(_)) && o.clean && o.present && !o.duty {
            let (claims, found) = by_number.entry(o.faked).or_insert((0, 0));
            *claims += 1;
            *found += u64::from(!o.passed());
        }
    }
    by_number
}

/// Whether `found` of `claims` lies in the middle 99.9 % of the binomial distribution with chance `p`.
fn inside(claims: u64, found: u64, p: f64) -> bool {
    if p >= 1.0 {
        return found == claims;
    }
    // Logarithms of the factorials, so that no term under- or overflows.
    let mut factorials = vec![0f64];
    for i in 1..=claims {
        factorials.push(factorials[i as usize - 1] + (i as f64).ln());
    }
    let term = |k: u64| {
        let ways = factorials[claims as usize]
            - factorials[k as usize]
            - factorials[(claims - k) as usize];
        (ways + k as f64 * p.ln() + (claims - k) as f64 * (1.0 - p).ln()).exp()
    };
    let below: f64 = (0..=found).map(term).sum();
    let above: f64 = (found..=claims).map(term).sum();
    below > 0.0005 && above > 0.0005
}

/// Prints and checks the rates of claims of `segments` segments of which `audited` were audited.
pub fn check(segments: u16, audited: u16, outcomes: &[Outcome]) {
    let by_number = found(outcomes);
    assert!(!by_number.is_empty(), "no claim was faked");
    println!("S = {segments}, q = {audited}: faked, claims, found, formula");
    for (faked, (claims, found)) in by_number {
        let p = detection(segments, audited, faked) as f64 / ONE as f64;
        let rate = found as f64 / claims as f64;
        println!(
            "{faked:>3} {claims:>6} {:>6.2} % {:>6.2} %",
            100.0 * rate,
            100.0 * p
        );
        assert!(
            inside(claims, found, p),
            "{found} of {claims} found with {faked} faked, {p:.4} expected"
        );
    }
}

/// The audit of the design's default preset on a simulated chain.
pub fn default_preset(seed: u64) -> Setup {
    let network = ChainParameters::network();
    let mut setup = Setup::honest(seed);
    setup.parameters.audit = network.audit;
    setup.parameters.audit.admit_any_profile = true;
    setup.parameters.audit.escalation = 4;
    setup.parameters.bonds.claim = network.bonds.claim;
    setup.parameters.bonds.availability = network.bonds.availability;
    setup.parameters.round.newcomer_slots = 0;
    setup.recipe.segments = network.audit.reference_segments;
    setup
}

#[test]
fn detection_should_be_that_of_the_formula_in_the_default_preset() {
    let sum = run_many(12, 24, |seed| {
        let mut setup = default_preset(1_000 + seed);
        setup.miners = [1, 4, 8, 16, 32, 16].map(MinerKind::Faked).to_vec();
        setup.verifiers = vec![VerifierKind::Honest; 4];
        setup.try_state_every = 16;
        setup
    });
    check(64, 4, &sum.outcomes);
}

#[test]
fn replays_of_a_round_should_cost_less_than_a_fifth_of_its_training() {
    let setup = default_preset(1);
    let (segments, audit) = (setup.recipe.segments, setup.parameters.audit);
    simulate(setup, |world| {
        world.run_rounds(2);
        let trained: u32 = world.outcomes.iter().map(|_| u32::from(segments)).sum();
        let replayed: u32 = world.outcomes.iter().map(|o| o.replayed).sum();
        let share = f64::from(replayed) / f64::from(trained);
        println!(
            "audit overhead of the default preset: {:.2} % (c q / S = {} x {} / {segments})",
            100.0 * share,
            audit.committee,
            audit.segments
        );
        assert!(world.outcomes.len() >= 8);
        assert!(share < 0.2, "{share}");
        let by_rule = f64::from(audit.committee * audit.segments) / f64::from(segments);
        assert!((share - by_rule).abs() < 1e-9, "{share} is not {by_rule}");
    });
}
