// SPDX-License-Identifier: GPL-3.0-or-later
//! # Round simulator
//!
//! Runs thousands of rounds on the project's own pallets, in storage held in memory, with a dummy model in place of
//! training and seeded actors in place of people: honest ones that may drop out or be late, and one adversary for each
//! threat to a round. No rule of the protocol is written here: what a round does is what the pallets do. After every
//! block [`World`] checks what must hold whatever the adversaries try.
//!
//! ```
//! use dream_simulator::{simulate, MinerKind, Setup};
//!
//! let mut setup = Setup::honest(1);
//! setup.miners.push(MinerKind::WrongDelta);
//! let outcomes = simulate(setup, |world| {
//!     world.run_rounds(1);
//!     world.outcomes.clone()
//! });
//! assert!(outcomes.iter().all(|o| o.accepted() == (o.kind == MinerKind::Honest)));
//! ```

mod actors;
pub mod chain;
mod ledger;
mod mergers;
mod miners;
mod mix;
pub mod model;
mod outcome;
mod rng;
mod trials;
mod verifiers;
mod world;

pub use actors::{Actor, MinerKind, Part, Stage, VerifierKind};
pub use ledger::Ledger;
pub use mix::{run_many, Sum};
pub use outcome::Outcome;
pub use rng::Rng;
pub use world::{simulate, Blob, Record, Served, Setup, World, BALANCE, BOND, LEAF};
