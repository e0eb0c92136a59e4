// SPDX-License-Identifier: GPL-3.0-or-later
//! Ten thousand rounds with random mixes of actors.

use dream_simulator::*;
use std::time::Instant;

#[test]
fn ten_thousand_rounds_should_hold_every_invariant() {
    let started = Instant::now();
    let sum = run_many(20, 25, Setup::random);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} rounds, {} blocks, {} claims in {seconds:.1} s: {:.0} rounds a second",
        sum.rounds,
        sum.blocks,
        sum.outcomes.len(),
        sum.rounds as f64 / seconds
    );
}
