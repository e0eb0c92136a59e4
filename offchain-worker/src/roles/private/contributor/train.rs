// SPDX-License-Identifier: GPL-3.0-or-later
//! From private text to the codes that are encrypted: training, clip, noise; each written down before the next.

use super::{PrivateMiner, ROLE};
use crate::corpus::RoundBatches;
use crate::database::{Database, DatabaseError};
use crate::error::WorkerError;
use crate::folder;
use crate::roles::private::loss::{Loss, Protection};
use crate::roles::private::PrivateView;
use codec::{Decode, Encode};
use dream_primitives::claim::RoundId;
use dream_primitives::private::round::PrivatePhase;
use dream_primitives::{BlockNumber, H256};
use dream_privacy::{Clip, ContributionError, Randomness};
use dream_training::{dequantise, grid_steps, TrainingState};
use std::sync::Arc;
use tracing::{info, warn};

/// Blocks before the end of the phase at which a contributor that is not done contributes the segments that it has: it
/// still has to encrypt and to commit.
const MARGIN: BlockNumber = 8;

/// What training of a round began with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
struct Begun {
    /// Version that it starts from.
    base: H256,
    /// Secret seed of the order of the text's windows.
    order: H256,
}

impl PrivateMiner {
    fn place(&self, round: RoundId, what: &str) -> String {
        format!("{}/{what}", self.worker.key(ROLE, round))
    }

    /// Codes of a round that were made before.
    pub(super) fn kept_codes(&self, round: RoundId) -> Result<Option<Vec<i8>>, WorkerError> {
        let bytes = self
            .worker
            .database
            .get_bytes(&self.place(round, "codes"))?;
        Ok(bytes.map(|bytes| bytes.into_iter().map(u8::cast_signed).collect()))
    }

    /// The codes of the round, made once; `None` where the round moved on before they were.
    pub(super) async fn codes(
        &self,
        view: &PrivateView,
        place: u16,
    ) -> Result<Option<Vec<i8>>, WorkerError> {
        let (round, database) = (view.id(), &self.worker.database);
        if let Some(codes) = self.kept_codes(round)? {
            return Ok(Some(codes));
        }
        let Some((base, end)) = self.train(view).await? else {
            return Ok(None);
        };
        let start = dequantise(&view.architecture, &base)?;
        let steps = grid_steps(&view.architecture, &start, &end.params)?;
        let shift = view.terms.job.shift;
        let noise = self.noise(view)?;
        let codes = match (&noise, self.options.protection) {
            (Some(noise), _) => {
                let mut randomness = Randomness::from_system()?;
                noise.contribute(&steps, shift, &mut randomness)?
            }
            (None, Protection::Bare { norm }) => {
                warn!("round {}: NO NOISE is added", round.number);
                let bound = view.terms.parameters.get().data.bound;
                let clip = Clip::new(norm, bound).and_then(|clip| clip.apply(&steps, shift));
                clip.map_err(ContributionError::Clip)?
            }
            (None, _) => return Ok(None),
        };
        // Another round, on another branch too, may have spent what was left when this one was registered for.
        self.allowed(view)?;
        // In this order: a contribution that nobody accounts for must not exist.
        let loss = Loss::new(round, place, noise.as_ref());
        loss.put(database)?;
        let bytes: Vec<u8> = codes.iter().map(|c| c.cast_unsigned()).collect();
        database.put_bytes(&self.place(round, "codes"), &bytes)?;
        database.remove(&self.place(round, "snapshot"))?;
        let used = codes.iter().filter(|c| **c != 0).count();
        info!(
            "round {}: the delta has {} values, {used} of its codes are not zero",
            round.number,
            codes.len()
        );
        Ok(Some(codes))
    }

    /// The base's parameters and the state that training ended in; `None` where the round moved on.
    async fn train(
        &self,
        view: &PrivateView,
    ) -> Result<Option<(Arc<Vec<i32>>, TrainingState)>, WorkerError> {
        let (worker, round) = (&self.worker, view.id());
        let recipe = view.terms.recipe;
        let Some(base) = self.base(view).await? else {
            return Ok(None);
        };
        let base = Arc::new(base);
        let begun = self.begin(view)?;
        let window = recipe.context.saturating_add(1);
        let text = folder::read(&self.options.text, window, true)?;
        let (genesis, account) = (worker.chain.genesis(), worker.account());
        let batches = RoundBatches::local(text.bytes, genesis, begun.order, account.0, recipe);
        let start = TrainingState::from_head(&view.architecture, &base)?;
        let parameters = start.params.len();
        let key = self.place(round, "snapshot");
        let mut state = resumed(&worker.database, &key, parameters)?.unwrap_or(start);
        let steps = u64::from(recipe.steps).max(1);
        while state.step < steps.saturating_mul(recipe.segments.into()) {
            // At most the recipe's segments.
            let segment = u16::try_from(state.step / steps).unwrap_or(u16::MAX);
            let name = format!("private round {}", view.id().number);
            let model = (view.architecture, view.terms.recipe);
            let run = worker.run_segment(name, model, &base, state, batches.clone(), segment);
            state = run.await?.state;
            worker.database.put_bytes(&key, &state.to_bytes())?;
            let Some(left) = self.left(view).await? else {
                worker.show.clear();
                info!(
                    "round {} left Commitment before this contributor was done",
                    round.number
                );
                return Ok(None);
            };
            if left <= MARGIN {
                info!(
                    "round {}: time is up: contributing the {} of {} segments that are trained",
                    round.number,
                    segment.saturating_add(1),
                    recipe.segments
                );
                break;
            }
        }
        worker.show.clear();
        Ok(Some((base, state)))
    }

    /// What an earlier process began of this round, or a beginning.
    fn begin(&self, view: &PrivateView) -> Result<Begun, WorkerError> {
        let (worker, round) = (&self.worker, view.id());
        let key = self.place(round, "begun");
        let earlier: Option<Begun> = worker.database.get(&key)?;
        if let Some(begun) = earlier.filter(|b| b.base == view.round.base) {
            info!("round {}: going on with training", round.number);
            return Ok(begun);
        }
        worker.database.remove(&self.place(round, "snapshot"))?;
        let begun = Begun {
            base: view.round.base,
            order: worker.random()?,
        };
        worker.database.put(&key, &begun)?;
        info!(
            "round {}: training {} segments on text that stays here",
            round.number, view.terms.recipe.segments
        );
        Ok(begun)
    }

    /// Blocks that are left for training and all that comes after it; `None` where the round moved on.
    async fn left(&self, view: &PrivateView) -> Result<Option<BlockNumber>, WorkerError> {
        let now = PrivateView::newest(&self.worker, &self.layers).await?;
        let same =
            |v: &PrivateView| v.id() == view.id() && v.round.phase == PrivatePhase::Commitment;
        let left = |v: PrivateView| v.round.deadline.saturating_sub(v.block.number);
        Ok(now.filter(same).map(left))
    }
}

/// The state after the last segment that was finished; `None` where there is none, or none that can be read: then training
/// starts again, of which nobody knows yet.
fn resumed(
    database: &Database,
    key: &str,
    parameters: usize,
) -> Result<Option<TrainingState>, WorkerError> {
    let bytes = match database.get_bytes(key) {
        Ok(bytes) => bytes,
        Err(error @ DatabaseError::Damaged { .. }) => {
            warn!("{error}; training the round anew");
            None
        }
        Err(error) => return Err(error.into()),
    };
    Ok(bytes.and_then(|bytes| TrainingState::from_bytes(&bytes, parameters).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(step: u64) -> TrainingState {
        TrainingState {
            params: vec![0.5, -1.0],
            exp_avg: vec![0.0; 2],
            exp_avg_sq: vec![0.0; 2],
            step,
        }
    }

    #[test]
    fn snapshot_should_be_gone_on_with_unless_it_is_damaged_or_anothers() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path(), &H256::zero(), &[1; 32]).unwrap();
        let key = "contribute/0-1/snapshot";
        let read = |parameters| resumed(&database, key, parameters).unwrap();
        assert_eq!(read(2), None);
        database.put_bytes(key, &state(8).to_bytes()).unwrap();
        assert_eq!(read(2), Some(state(8)));
        assert_eq!(read(3), None);
        std::fs::write(database.folder(&format!("{key}.rec")), b"torn").unwrap();
        assert_eq!(read(2), None);
    }
}
