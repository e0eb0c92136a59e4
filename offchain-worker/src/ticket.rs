// SPDX-License-Identifier: GPL-3.0-or-later
//! Grinding the proof of work of a newcomer's ticket.

use dream_chain::AccountId;
use dream_primitives::ticket::work;
use dream_primitives::H256;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;

/// What a ticket's work is done on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Puzzle {
    /// Genesis hash of the chain.
    pub genesis: H256,
    /// Who asks for a slot.
    pub account: AccountId,
    /// Seed of the round.
    pub seed: H256,
}

impl Puzzle {
    /// The work of a nonce.
    pub fn work(&self, nonce: u64) -> H256 {
        work(&self.genesis, self.account.as_bytes(), &self.seed, nonce)
    }

    /// Looks for one of `tries` nonces from `first` on whose work passes `fits`, over `threads` threads. `None` when there is
    /// none, or `stopped` says so (asked every few thousand tries).
    pub fn grind(
        &self,
        first: u64,
        tries: u64,
        threads: u16,
        fits: &(dyn Fn(&H256) -> bool + Sync),
        stopped: &(dyn Fn() -> bool + Sync),
    ) -> Option<u64> {
        const ASK_EVERY: u64 = 1 << 12;
        let (found, over) = (Mutex::new(None), AtomicBool::new(false));
        let threads = u64::from(threads.max(1));
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let (found, over) = (&found, &over);
                scope.spawn(move || {
                    for n in (thread..tries).step_by(threads as usize) {
                        let asked = (n / threads) % ASK_EVERY == 0;
                        if asked && (over.load(Ordering::Relaxed) || stopped()) {
                            return;
                        }
                        let nonce = first.wrapping_add(n);
                        if fits(&self.work(nonce)) {
                            let mut found = found.lock().unwrap_or_else(|e| e.into_inner());
                            // The lowest found by any thread, so that the result does not depend on who was faster to say so.
                            *found = Some(found.map_or(n, |other: u64| other.min(n)));
                            over.store(true, Ordering::Relaxed);
                            return;
                        }
                    }
                });
            }
        });
        let found = found.into_inner().unwrap_or_else(|e| e.into_inner());
        found.map(|n| first.wrapping_add(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_primitives::ticket::{check, easiest, EASIEST};

    #[test]
    fn grind_should_find_a_ticket_that_the_chain_takes() {
        let puzzle = Puzzle {
            genesis: H256::zero(),
            account: AccountId([7; 32]),
            seed: H256::repeat_byte(3),
        };
        let fits = |work: &H256| check(&[], &puzzle.account, work, &easiest(), 1).is_ok();
        for threads in [1, 3] {
            let nonce = puzzle.grind(5, EASIEST * 40, threads, &fits, &|| false);
            assert!(puzzle.work(nonce.unwrap()) < easiest());
        }
        // No try is left out or added, and it ends when it is told to.
        for (target, threads, stop, found) in [
            (5, 3, false, true),
            (11, 3, false, true),
            (104, 3, false, true),
            (105, 3, false, false),
            (4, 1, false, false),
            (11, 2, true, false),
        ] {
            let only = |work: &H256| *work == puzzle.work(target);
            let nonce = puzzle.grind(5, 100, threads, &only, &|| stop);
            assert_eq!(nonce, found.then_some(target));
        }
    }
}
