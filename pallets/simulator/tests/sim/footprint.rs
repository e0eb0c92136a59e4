// SPDX-License-Identifier: GPL-3.0-or-later
//! What a large round leaves in the chain's state, and for how long.

use crate::detection::default_preset;
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::DREAM;
use dream_simulator::*;

/// Claims that a block sweeps.
const SWEEP: u32 = 8;

/// What outlives rounds: accounts' bonds, profiles and credits, and single values.
const LASTING: &[&str] = &[
    "Bonds",
    "Profiles",
    "Verifiers",
    "Credits",
    "TotalCredits",
    "CurrentRound",
    "Producers",
    "PendingIssuance",
    "ParentAuthor",
    "ActiveRounds",
    "ActiveTrials",
    "Exposure",
    "TicketTarget",
    "FundedBranches",
    "FoundationRetired",
];

#[test]
fn round_of_256_claims_should_stay_below_a_mebibyte_and_be_pruned() {
    let mut setup = default_preset(7);
    setup.parameters.round.max_claims = 256;
    setup.parameters.audit.canary_rate = 0;
    setup.parameters.bonds.seat = 10 * DREAM;
    setup.miners = vec![MinerKind::Honest; 256];
    setup.verifiers = vec![VerifierKind::Honest; 20];
    setup.try_state_every = 64;
    simulate(setup, |world| {
        let before: usize = chain::stored_by_item().values().sum();
        let id = world.run_to(Phase::Training);
        chain::dismiss(id.branch);
        let (mut most, mut items) = (0, Default::default());
        while world.closed == 0 {
            world.block();
            let stored = chain::stored_by_item();
            let bytes = stored.values().sum::<usize>() - before;
            if bytes > most {
                (most, items) = (bytes, stored);
            }
        }
        println!("at most {most} bytes of state for 256 claims, by item: {items:?}");
        assert_eq!(world.outcomes.len(), 256);
        assert!(world.outcomes.iter().all(|o| o.state == ClaimState::Vested));
        assert!(most < 1 << 20, "{most} bytes");
        let horizon = world.setup.parameters.round.retention_blocks();
        for _ in 0..horizon + 2 * 256 / SWEEP {
            world.block();
        }
        for (item, bytes) in chain::stored_by_item() {
            let lasting = LASTING.contains(&item.as_str());
            assert!(lasting || bytes == 0, "{item} keeps {bytes} bytes");
        }
    });
}
