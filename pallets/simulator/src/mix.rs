// SPDX-License-Identifier: GPL-3.0-or-later
//! Random mixes of actors, and many runs at a time.

use crate::actors::{MinerKind, VerifierKind};
use crate::outcome::Outcome;
use crate::rng::Rng;
use crate::world::{simulate, Setup};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

impl Setup {
    /// Two to four honest miners, up to three hostile ones of any kind; six to nine verifiers of equal bonds, less than a
    /// third of them hostile in any way. In half of the runs honest actors drop out, in half they are late.
    pub fn random(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x6d69_7865_645f_7275);
        let mut miners = vec![MinerKind::Honest; 2 + rng.below(3) as usize];
        for _ in 0..rng.below(4) {
            miners.push(match rng.below(2) {
                0 => MinerKind::Faked(1 + rng.below(6) as u16),
                _ => *rng.pick(&MinerKind::HOSTILE),
            });
        }
        let all = 6 + rng.below(4) as usize;
        // The largest number below a third of all.
        let hostile = rng.below((all as u64).div_ceil(3)) as usize;
        let mut verifiers = vec![VerifierKind::Honest; all];
        for verifier in verifiers.iter_mut().take(hostile) {
            *verifier = *rng.pick(&VerifierKind::HOSTILE);
        }
        Self {
            miners,
            verifiers,
            drop_out: if rng.chance(500) { 30 } else { 0 },
            delays: rng.chance(500),
            challenges: 200,
            wrong_merges: 200,
            try_state_every: 8,
            ..Self::honest(seed)
        }
    }
}

/// What many runs gave.
#[derive(Default)]
pub struct Sum {
    /// Claims of all runs.
    pub outcomes: Vec<Outcome>,
    /// Rounds run.
    pub rounds: u64,
    /// Blocks run.
    pub blocks: u64,
}

/// Runs `runs` chains of `rounds` rounds each on all cores: seeds `0..runs`, each with the setup that `setup` gives.
pub fn run_many(runs: u64, rounds: u32, setup: impl Fn(u64) -> Setup + Sync) -> Sum {
    let (next, sum) = (AtomicU64::new(0), Mutex::new(Sum::default()));
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= runs {
                    return;
                }
                let (outcomes, closed, blocks) = simulate(setup(seed), |world| {
                    world.run_rounds(rounds);
                    let outcomes = core::mem::take(&mut world.outcomes);
                    (outcomes, world.closed, world.blocks)
                });
                let mut sum = sum.lock().expect("no run panics while it adds up");
                sum.outcomes.extend(outcomes);
                sum.rounds += u64::from(closed);
                sum.blocks += blocks;
            });
        }
    });
    sum.into_inner().expect("no run panics while it adds up")
}
