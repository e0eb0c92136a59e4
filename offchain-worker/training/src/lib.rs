// SPDX-License-Identifier: GPL-3.0-or-later
//! Training that anyone can replay to the bit.
//!
//! A miner trains a claim segment by segment; a verifier runs one of those segments again, from a snapshot, in another
//! process on another machine, and must get the same hashes. So everything that could change a bit is fixed here: the
//! numeric settings ([`numeric::pin`], first thing in `main`), the order of every sum ([`optimiser`]), what a training
//! state is ([`TrainingState`]), and how its end becomes integers again ([`delta`]).
//!
//! The worker speaks to [`SegmentRunner`]. [`Trainer`] is the real one, on libtorch; [`DummyRunner`] stands beside it,
//! so that tests of the protocol need no model.
//!
//! ```no_run
//! use dream_primitives::{manifest::Architecture, recipe::Recipe, H256};
//! use dream_training::{delta, init_state, numeric, silent, BatchSource, SegmentRunner, Trainer, TrainingState};
//!
//! fn mine(
//!     architecture: Architecture, recipe: Recipe, genesis: H256, batches: &mut dyn BatchSource,
//! ) -> Result<(), Box<dyn std::error::Error>> {
//!     numeric::pin(1)?;
//!     let head = init_state(&architecture, 7)?;
//!     let mut trainer = Trainer::new(architecture, recipe, genesis)?;
//!     let mut state = TrainingState::from_head(&architecture, &head)?;
//!     for segment in 0..recipe.segments {
//!         let done = trainer.run_segment(&head, state, batches, segment, &mut silent)?;
//!         println!("{:?} {:?}", done.state.hash(&genesis), done.digest);
//!         state = done.state;
//!     }
//!     let chunks = delta(&architecture, &head, &state.params)?;
//!     println!("{} chunks", chunks.len());
//!     Ok(())
//! }
//! ```

mod claim_delta;
mod distance;
mod dummy;
mod error;
mod grid;
mod init;
mod model;
pub mod numeric;
pub mod optimiser;
mod proximal;
mod runner;
mod score;
mod snapshot;
#[cfg(test)]
mod tests;
mod trainer;

pub use claim_delta::{claim_delta, ClaimDelta, Residual};
pub use distance::{distance, Distance};
pub use dummy::DummyRunner;
pub use error::{SnapshotError, TrainingError};
pub use grid::{delta, dequantise, grid_steps};
pub use init::init_state;
pub use model::Model;
pub use runner::{silent, tokens, BatchSource, Progress, SegmentOutcome, SegmentRunner};
pub use score::{Scores, MAX_MICRO_NATS};
pub use snapshot::TrainingState;
pub use trainer::Trainer;

use dream_primitives::manifest::Architecture;

/// Number of parameters, once the architecture has passed its check.
pub fn parameters(architecture: &Architecture) -> Result<usize, TrainingError> {
    architecture.check().map_err(TrainingError::Architecture)?;
    architecture
        .parameters()
        .and_then(|n| usize::try_from(n).ok())
        .ok_or(TrainingError::TooLarge)
}
