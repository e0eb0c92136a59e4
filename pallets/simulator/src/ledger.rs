// SPDX-License-Identifier: GPL-3.0-or-later
//! What must hold in every block.

use crate::actors::{MinerKind, VerifierKind};
use crate::chain::{account, AccountId, Balances, Chain, RuntimeEvent, System};
use crate::chain::{UsefulWork, AUTHORS, TREASURY};
use crate::outcome::Outcome;
use crate::world::World;
use dream_primitives::round::ClaimState;
use dream_primitives::{Balance, BlockNumber, SUPPLY_CAP};
use pallet_useful_work as work;
use polkadot_sdk::pallet_balances::Event as BalanceEvent;

/// Sums over all blocks, in plancks.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Issuance at genesis.
    pub genesis: Balance,
    /// Minted for receipts that vested.
    pub vested: Balance,
    /// Minted for block authors and the treasury.
    pub shares: Balance,
    /// Lost of bonds.
    pub lost: Balance,
    /// Burned of what was lost.
    pub burned: Balance,
    /// Given to those who were right of what was lost.
    pub awarded: Balance,
    /// Receipts written.
    pub receipts: Balance,
}

impl Ledger {
    pub(crate) fn new(genesis: Balance) -> Self {
        Self {
            genesis,
            ..Self::default()
        }
    }

    /// Adds the block's events up and returns the engine's.
    pub(crate) fn take_events(&mut self) -> Vec<work::Event<Chain>> {
        let events = System::read_events_no_consensus().collect::<Vec<_>>();
        System::reset_events();
        let mut out = Vec::new();
        for record in events {
            match record.event {
                RuntimeEvent::Balances(BalanceEvent::Minted { who, amount })
                    if takes_shares(&who) =>
                {
                    self.shares += amount;
                }
                RuntimeEvent::UsefulWork(event) => {
                    match &event {
                        work::Event::Vested { amount, .. } => self.vested += amount,
                        work::Event::Rewarded { amount, .. } => self.receipts += amount,
                        work::Event::BondBurned { amount, .. } => {
                            self.lost += amount;
                            self.burned += amount;
                        }
                        work::Event::BondSlashed { amount, burned, .. } => {
                            self.lost += amount;
                            self.burned += burned;
                        }
                        work::Event::BondAwarded { amount, .. } => self.awarded += amount,
                        _ => {}
                    }
                    out.push(event);
                }
                _ => {}
            }
        }
        out
    }

    /// What the issuance must be.
    pub fn issuance(&self) -> Balance {
        self.genesis + self.vested + self.shares - self.burned
    }
}

fn takes_shares(who: &AccountId) -> bool {
    *who == account(TREASURY) || (0..3).any(|n| *who == account(AUTHORS + n))
}

impl World {
    /// Every block: issuance is what was paid out less what was burned, and stays under the cap; what was lost of bonds is
    /// what was burned and awarded; nobody honest that was
    /// there when its turn came has lost a part of its bond. Every `try_state_every` blocks: the invariants of all pallets,
    /// among them that bonds are what is held and locks what claims, seats and merges say.
    pub(crate) fn check(&mut self, now: BlockNumber, events: &[work::Event<Chain>]) {
        let issuance = Balances::total_issuance();
        let expected = self.ledger.issuance();
        assert_eq!(issuance, expected, "issuance: {}", self.describe());
        assert!(issuance <= SUPPLY_CAP, "supply: {}", self.describe());
        let ledger = &self.ledger;
        assert_eq!(
            ledger.lost,
            ledger.burned + ledger.awarded,
            "bonds: {}",
            self.describe()
        );
        let losses = events.iter().any(|e| {
            matches!(
                e,
                work::Event::BondBurned { .. } | work::Event::BondSlashed { .. }
            )
        });
        let full = now.is_multiple_of(self.setup.try_state_every);
        if losses || full {
            self.check_honest(events);
        }
        if full {
            for result in [
                UsefulWork::do_try_state(),
                crate::chain::Models::do_try_state(),
                crate::chain::Data::do_try_state(),
            ] {
                if let Err(error) = result {
                    panic!("{error:?}: {}", self.describe());
                }
            }
        }
    }

    /// An honest miner that was there all the time is never refused; where nobody honest ever drops out, it is paid.
    pub(crate) fn check_outcome(&self, outcome: &Outcome) {
        if outcome.kind != MinerKind::Honest || !outcome.present {
            return;
        }
        let refused = matches!(outcome.state, ClaimState::Slashed | ClaimState::Rejected);
        assert!(!refused, "{outcome:?}, {}", self.describe());
        if self.setup.drop_out == 0 {
            let done = outcome.state == ClaimState::Vested;
            // Two hostile seats of three can say of a canary that its states were not trained.
            let hostile = |v: &VerifierKind| *v != VerifierKind::Honest;
            let denied = outcome.duty && self.setup.verifiers.iter().any(hostile);
            let paid = outcome.paid > 0 || denied;
            assert!(done && paid, "{outcome:?}, {}", self.describe());
        }
    }

    fn check_honest(&mut self, events: &[work::Event<Chain>]) {
        let round = self.round.number;
        for at in 0..self.actors.len() {
            let actor = &self.actors[at];
            let bond = work::Bonds::<Chain>::get(&actor.account).map_or(0, |b| b.total);
            assert!(
                bond >= actor.bond || actor.excused(round),
                "{:?} number {at} was there and lost {} of its bond, {}\n{events:#?}",
                actor.part,
                actor.bond - bond,
                self.describe()
            );
            self.actors[at].bond = bond;
        }
    }
}
