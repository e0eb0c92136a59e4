// SPDX-License-Identifier: GPL-3.0-or-later
//! Ten thousand rounds with random mixes of actors. What must hold after every block stands in `src/ledger.rs`.

use crate::detection;
use dream_primitives::round::ClaimState;
use dream_simulator::*;
use std::collections::BTreeMap;
use std::time::Instant;

const RUNS: u64 = 400;
const ROUNDS: u32 = 25;

#[test]
fn ten_thousand_rounds_should_cost_no_honest_actor_anything_and_find_what_the_formula_says() {
    let started = Instant::now();
    let sum = run_many(RUNS, ROUNDS, Setup::random);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} rounds, {} blocks, {} claims in {seconds:.1} s: {:.0} rounds a second",
        sum.rounds,
        sum.blocks,
        sum.outcomes.len(),
        sum.rounds as f64 / seconds
    );
    assert!(sum.rounds >= RUNS * u64::from(ROUNDS));
    let mut ends: BTreeMap<(String, String), u32> = BTreeMap::new();
    for o in &sum.outcomes {
        let duty = if o.duty { " on duty" } else { "" };
        let key = (format!("{:?}{duty}", o.kind), format!("{:?}", o.state));
        *ends.entry(key).or_default() += 1;
    }
    for ((kind, state), claims) in ends {
        println!("{claims:>6} {kind}: {state}");
    }
    for state in [
        ClaimState::Vested,
        ClaimState::Slashed,
        ClaimState::Void,
        ClaimState::Rejected,
    ] {
        let came = sum.outcomes.iter().any(|o| o.state == state);
        assert!(came, "no claim came to {state:?}: the mixes are too tame");
    }
    detection::check(8, 2, &sum.outcomes);
}
