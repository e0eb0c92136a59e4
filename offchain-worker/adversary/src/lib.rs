// SPDX-License-Identifier: GPL-3.0-or-later
//! Workers that cheat, one way each, for tests and the demo.
//!
//! `dream-worker` does not depend on this crate, so it cannot be told to cheat. Each [`Mode`] puts one dishonest part
//! between the honest roles and a boundary that they have anyway: the runner of segments ([`training`]), the chain
//! ([`silence`]), the blob store ([`withholding`], [`spoiling`]), or a role itself ([`leak`], [`vanish`]); [`merging`] spoils merges.

pub mod leak;
pub mod merging;
pub mod silence;
pub mod spoiling;
pub mod training;
pub mod vanish;
pub mod withholding;

use clap::ValueEnum;
use dream_chain::Chain;
use dream_store::BlobStore;
use dream_worker::roles::Role;
use dream_worker::worker::{Parts, Runners, Usual};
use leak::{LazyVerifier, LeakingMiner, Leaks};
use merging::{Merging, WrongMerges};
use silence::Silent;
use spoiling::Spoiling;
use std::path::PathBuf;
use std::sync::Arc;
use training::{CheatingRunners, Training};
use vanish::Vanishing;
use withholding::Withholding;

/// Ways to cheat.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Mode {
    /// Makes the last segment up instead of training it.
    FakedSegment,
    /// Trains half of each segment's steps.
    SkippedSteps,
    /// Trains on its data in another order.
    WrongOrder,
    /// Begins each segment from another state than the one before ended in.
    WrongStart,
    /// Posts a delta that is not what training gave.
    WrongDelta,
    /// Adds a residual to its delta that is not what its last merged claim left over.
    FalseResidual,
    /// Claims honestly, and passes digests to friends before they are open.
    LeakingMiner,
    /// Makes the last segment up, and passes the digests to friends that confirm them.
    Colluder,
    /// Confirms friends' claims without replaying them.
    LazyVerifier,
    /// Claims and never opens anything.
    SilentMiner,
    /// Opens all but its canary flag.
    FlaglessMiner,
    /// Takes its seats and says nothing.
    SilentVerifier,
    /// Commits to replays and does not reveal them.
    UnrevealingVerifier,
    /// Opens its start states and does not serve them.
    WithheldSnapshot,
    /// Removes its delta once the claim is accepted.
    VanishingDelta,
    /// Posts merges in which a parameter is wrong, and defends them.
    WrongMerge,
    /// Posts the roots of states that do not exist.
    UnheldTree,
    /// Reports scores that it made up.
    InventedScore,
    /// Opens a shard of which a byte is wrong.
    WrongShard,
    /// Never opens its shard.
    SilentSteward,
}

/// A worker's parts, one of them dishonest.
pub struct Cheat {
    mode: Mode,
    honest: Arc<dyn Parts>,
    leaks: Leaks,
}

impl Cheat {
    /// A cheating `dream-worker`; `leaks` is the folder that a leaking miner shares with its friends.
    pub fn new(mode: Mode, leaks: Option<PathBuf>) -> Result<Self, String> {
        Self::around(mode, leaks, Arc::new(Usual))
    }

    /// Cheats around other honest parts.
    pub fn around(
        mode: Mode,
        leaks: Option<PathBuf>,
        honest: Arc<dyn Parts>,
    ) -> Result<Self, String> {
        let leaking = matches!(
            mode,
            Mode::LeakingMiner | Mode::Colluder | Mode::LazyVerifier
        );
        if leaking && leaks.is_none() {
            return Err(format!("{mode:?} needs a folder for leaked digests"));
        }
        Ok(Self {
            mode,
            honest,
            leaks: Leaks::new(leaks.unwrap_or_default()),
        })
    }

    fn training(&self) -> Option<Training> {
        match self.mode {
            Mode::FakedSegment | Mode::Colluder => Some(Training::FakedSegment),
            Mode::SkippedSteps => Some(Training::SkippedSteps),
            Mode::WrongOrder => Some(Training::WrongOrder),
            Mode::WrongStart => Some(Training::WrongStart),
            Mode::WrongDelta => Some(Training::WrongDelta),
            Mode::FalseResidual => Some(Training::FalseResidual),
            Mode::InventedScore => Some(Training::InventedScore),
            _ => None,
        }
    }
}

impl Parts for Cheat {
    fn runners(&self) -> Arc<dyn Runners> {
        let honest = self.honest.runners();
        let merging = match self.mode {
            Mode::WrongMerge => Some(Merging::WrongState),
            Mode::UnheldTree => Some(Merging::UnheldTree),
            _ => None,
        };
        match (self.training(), merging) {
            (Some(how), _) => Arc::new(CheatingRunners { honest, how }),
            (None, Some(how)) => Arc::new(WrongMerges { honest, how }),
            (None, None) => honest,
        }
    }

    fn chain(&self, chain: Arc<dyn Chain>) -> Arc<dyn Chain> {
        let chain = self.honest.chain(chain);
        let unsaid: &[&str] = match self.mode {
            Mode::SilentMiner => &["open_start_states", "open_digests", "open_flag"],
            Mode::FlaglessMiner => &["open_flag"],
            Mode::SilentVerifier => &["commit_replay", "commit_verdict", "commit_score"],
            Mode::UnrevealingVerifier => &["reveal_replay", "reveal_verdict", "reveal_score"],
            Mode::SilentSteward => &["open_shard"],
            _ => return chain,
        };
        Arc::new(Silent::new(chain, unsaid))
    }

    fn store(&self, store: Arc<dyn BlobStore>) -> Arc<dyn BlobStore> {
        let store = self.honest.store(store);
        match self.mode {
            Mode::WithheldSnapshot => Arc::new(Withholding(store)),
            Mode::WrongShard => Arc::new(Spoiling(store)),
            _ => store,
        }
    }

    fn role(&self, role: Box<dyn Role>) -> Box<dyn Role> {
        let role = self.honest.role(role);
        match (self.mode, role.name()) {
            (Mode::LeakingMiner | Mode::Colluder, "mine") => {
                Box::new(LeakingMiner::new(role, self.leaks.clone()))
            }
            (Mode::LazyVerifier, "verify") => Box::new(LazyVerifier::new(role, self.leaks.clone())),
            (Mode::VanishingDelta, "mine") => Box::new(Vanishing(role)),
            _ => role,
        }
    }
}
