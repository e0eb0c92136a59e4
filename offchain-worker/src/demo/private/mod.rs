// SPDX-License-Identifier: GPL-3.0-or-later
//! Private rounds on this machine: four miners with a text each that never leaves them, a committee of three of whom two
//! decrypt, three auditors, an aggregator, a steward and a sponsor.
//!
//! One miner stops after it was drawn and before it commits, and comes back for the next round; one member stops before
//! it decrypts, and stays away. At the end every blob, folder, log and block is searched for what should be private.

mod collude;
mod genesis;
mod observe;
mod run;
mod search;
mod sight;
mod summary;
mod texts;

pub use run::scenario;

/// What an actor does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Owns the branch and pays its rounds.
    Sponsor,
    /// Holds a share of the key.
    Member,
    /// Trains on a text of its own.
    Miner,
    /// Checks contributions, combines answers, makes the version.
    Auditor,
    /// Adds the contributions up.
    Aggregator,
    /// Opens the held-out shards.
    Steward,
}

/// Everybody but the validator: name (and derivation of its key) and part.
pub const ACTORS: &[(&str, Part)] = &[
    (SPONSOR, Part::Sponsor),
    ("member-1", Part::Member),
    ("member-2", Part::Member),
    (SILENT, Part::Member),
    ("auditor-1", Part::Auditor),
    ("auditor-2", Part::Auditor),
    ("auditor-3", Part::Auditor),
    ("aggregator", Part::Aggregator),
    (STEWARD, Part::Steward),
    (MINERS[0], Part::Miner),
    (MINERS[1], Part::Miner),
    (MINERS[2], Part::Miner),
    (MINERS[3], Part::Miner),
];

/// Who pays.
pub const SPONSOR: &str = "sponsor";
/// Who opens the held-out shards.
pub const STEWARD: &str = "steward";
/// The miners.
pub const MINERS: [&str; 4] = ["miner-1", "miner-2", "miner-3", "miner-4"];
/// The miner that drops out of the first round.
pub const DROPOUT: &str = MINERS[3];
/// The member that answers nothing.
pub const SILENT: &str = "member-3";

impl Part {
    /// What it is, in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sponsor => "sponsor",
            Self::Member => "member",
            Self::Miner => "miner",
            Self::Auditor => "auditor",
            Self::Aggregator => "aggregator",
            Self::Steward => "steward",
        }
    }

    /// Whether it has a bond.
    pub fn bonds(self) -> bool {
        !matches!(self, Self::Sponsor | Self::Steward)
    }
}

/// Names of the actors with a part, or of all.
pub fn named(part: Option<Part>) -> Vec<&'static str> {
    let wanted = |p: &Part| part.is_none_or(|part| part == *p);
    let found = ACTORS.iter().filter(|(_, p)| wanted(p));
    found.map(|(name, _)| *name).collect()
}
