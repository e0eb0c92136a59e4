// SPDX-License-Identifier: GPL-3.0-or-later
//! What the parties of a private round compute and store (docs/private-rounds.md). No chain client, no model: bytes in,
//! bytes out, and a folder of what a party must not decide twice.
//!
//! - [`layers`]: the two layers of encryption that a chain's parameters name, and the facts of a round;
//! - [`blobs`]: ciphertexts as blobs and trees: roots, answers in a dispute, leaves as evidence;
//! - [`dealing`], [`transport`]: shares of an epoch's key, sealed to their holders, checked, complained of;
//! - [`member`]: deals, checks, answers once a round;
//! - [`contributor`]: encrypts a delta once a round, opens the segment that an audit draws;
//! - [`aggregator`]: adds a cohort up;
//! - [`auditor`]: checks opened segments, combines answers, makes the delta;
//! - [`record`]: files that are written once.
#![forbid(unsafe_code)]

pub mod aggregator;
pub mod auditor;
pub mod blobs;
pub mod contributor;
pub mod dealing;
pub mod layers;
pub mod member;
pub mod record;
pub mod transport;
