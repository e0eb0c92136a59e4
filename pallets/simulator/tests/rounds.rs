// SPDX-License-Identifier: GPL-3.0-or-later
//! Whole rounds.

use dream_simulator::*;

#[test]
fn honest_rounds_should_pay_everybody_and_move_the_head() {
    simulate(Setup::honest(1), |world| {
        let first = world.head_root();
        world.run_rounds(3);
        assert_ne!(world.head_root(), first);
        assert!(world.outcomes.len() >= 12);
        assert!(world.outcomes.iter().all(|o| o.accepted() && o.paid > 0));
    });
}
