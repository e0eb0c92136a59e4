// SPDX-License-Identifier: GPL-3.0-or-later
//! The worker: everything of DREAM that runs beside the chain.
//!
//! Three roles share one account, one blob store and one state folder ([`roles`]): a miner trains a round's segments and
//! claims them, a verifier replays what the audit drew, a merger computes the next version. Each decides from the newest
//! finalised block and from what it wrote down ([`database`]), so it may be killed anywhere and goes on where it was;
//! [`submit`] sees to it that nothing is submitted twice. [`cli`] is the program `dream-worker`.
//!
//! Every boundary has a trait and a fake beside it: `dream_chain::Chain` and its mock, `dream_store::BlobStore` and its
//! memory store, [`worker::Runners`] and [`worker::DummyRunners`].

pub mod blobs;
pub mod calibration;
pub mod canary;
pub mod cli;
pub mod commands;
pub mod config;
pub mod corpus;
pub mod database;
pub mod error;
pub mod folder;
pub mod merge;
pub mod replay;
pub mod roles;
mod samples;
pub mod score;
pub mod shards;
pub mod show;
pub mod submit;
mod supply;
pub mod ticket;
pub mod trace;
pub mod units;
mod version;
pub mod view;
pub mod worker;

pub use error::WorkerError;
pub use units::amount;
