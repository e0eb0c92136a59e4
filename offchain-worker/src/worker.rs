// SPDX-License-Identifier: GPL-3.0-or-later
//! What the roles share: the chain, the store, the state database, the runner of segments, and the way to stop.

use crate::corpus::{Corpus, RoundBatches};
use crate::database::Database;
use crate::error::WorkerError;
use crate::merge::Merged;
use crate::roles::Role;
use dream_chain::{AccountId, At, BlockRef, Chain, Round};
use dream_primitives::claim::RoundId;
use dream_primitives::manifest::Architecture;
use dream_primitives::profile::ProfileSettings;
use dream_primitives::recipe::Recipe;
use dream_primitives::registry::RoundTerms;
use dream_primitives::version::VersionHeader;
use dream_primitives::{BlockNumber, BranchId, H256};
use dream_store::BlobStore;
use dream_training::{
    claim_delta, ClaimDelta, DummyRunner, Progress, SegmentOutcome, SegmentRunner, Trainer,
    TrainingError, TrainingState,
};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Makes the runner of a branch's segments. It is made and used on one thread.
pub trait Runners: Send + Sync {
    /// A runner for this architecture and recipe on the chain `genesis`.
    fn runner(
        &self,
        architecture: Architecture,
        recipe: Recipe,
        genesis: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError>;

    /// The merge that a merger posts, from the one that it computed.
    fn merged(&self, merged: Merged) -> Merged {
        merged
    }

    /// The delta that a claim posts whose training ended in `end`, after what the account's last one left over.
    fn delta(
        &self,
        architecture: &Architecture,
        recipe: &Recipe,
        head: &[i32],
        end: &[f32],
        residual: Option<&[i32]>,
    ) -> Result<ClaimDelta, TrainingError> {
        claim_delta(architecture, recipe, head, end, residual)
    }
}

/// What a program of the worker is put together from. [`Usual`] is what users run; tests put other parts in its place.
pub trait Parts: Send + Sync {
    /// Runs segments.
    fn runners(&self) -> Arc<dyn Runners>;

    /// What the roles see as the chain.
    fn chain(&self, chain: Arc<dyn Chain>) -> Arc<dyn Chain> {
        chain
    }

    /// What the roles see as the blob store.
    fn store(&self, store: Arc<dyn BlobStore>) -> Arc<dyn BlobStore> {
        store
    }

    /// What is run as a role.
    fn role(&self, role: Box<dyn Role>) -> Box<dyn Role> {
        role
    }
}

/// The parts of `dream-worker`: training with libtorch, nothing in between.
#[derive(Debug)]
pub struct Usual;

impl Parts for Usual {
    fn runners(&self) -> Arc<dyn Runners> {
        Arc::new(TorchRunners)
    }
}

/// Trains with libtorch.
#[derive(Debug)]
pub struct TorchRunners;

impl Runners for TorchRunners {
    fn runner(
        &self,
        architecture: Architecture,
        recipe: Recipe,
        genesis: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        Ok(Box::new(Trainer::new(architecture, recipe, genesis)?))
    }
}

/// Pretends to train, for tests of the protocol.
#[derive(Debug)]
pub struct DummyRunners;

impl Runners for DummyRunners {
    fn runner(
        &self,
        architecture: Architecture,
        recipe: Recipe,
        genesis: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        Ok(Box::new(DummyRunner::new(architecture, recipe, genesis)?))
    }
}

impl Parts for DummyRunners {
    fn runners(&self) -> Arc<dyn Runners> {
        Arc::new(DummyRunners)
    }
}

/// Asks everything that shares it to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(AtomicBool, Notify)>);

impl Stop {
    /// Stops.
    pub fn stop(&self) {
        self.0 .0.store(true, Ordering::SeqCst);
        self.0 .1.notify_waiters();
    }

    /// Whether to stop.
    pub fn stopped(&self) -> bool {
        self.0 .0.load(Ordering::SeqCst)
    }

    /// Waits until something asks to stop.
    pub async fn wait(&self) {
        let notified = self.0 .1.notified();
        tokio::pin!(notified);
        // Listens before looking, so that no call of `stop` falls in between.
        notified.as_mut().enable();
        if !self.stopped() {
            notified.await;
        }
    }
}

/// Where training shows how far it is.
pub trait Show: Send + Sync {
    /// A segment is being run: `done` of `steps` steps of `what`.
    fn step(&self, what: &str, done: u64, steps: u64, progress: &Progress);
    /// Nothing is being run any more.
    fn clear(&self);
}

/// Shows nothing.
#[derive(Debug)]
pub struct Silent;

impl Show for Silent {
    fn step(&self, _: &str, _: u64, _: u64, _: &Progress) {}
    fn clear(&self) {}
}

/// A role's surroundings.
pub struct Worker {
    /// The chain, as the worker's account.
    pub chain: Arc<dyn Chain>,
    /// Blobs.
    pub store: Arc<dyn BlobStore>,
    /// What must survive a kill.
    pub database: Arc<Database>,
    /// Runs segments.
    pub runners: Arc<dyn Runners>,
    /// Settings that this process computes under.
    pub settings: ProfileSettings,
    /// The branch worked on.
    pub branch: BranchId,
    /// Whether a verifier challenges claims that were accepted against its own replay.
    pub challenges: bool,
    /// Threads of a merge.
    pub threads: usize,
    /// Blocks after which a transaction of which nothing was heard cannot come into a block any more.
    pub resend_after: BlockNumber,
    /// Progress display.
    pub show: Arc<dyn Show>,
    /// Asks to stop.
    pub stop: Stop,
    /// Verified data sets, kept between rounds.
    pub corpus: tokio::sync::Mutex<Option<Arc<Corpus>>>,
    /// The last head that was fetched, by its root.
    pub head: Mutex<Option<(H256, Arc<Vec<i32>>)>>,
}

/// A round with what it stands on, read at one block.
#[derive(Clone, Debug)]
pub struct RoundView {
    /// The block.
    pub block: BlockRef,
    /// The round.
    pub round: Round,
    /// What it took from the registries when it opened.
    pub terms: RoundTerms,
}

impl Worker {
    /// The worker's account.
    pub fn account(&self) -> AccountId {
        self.chain.account()
    }

    /// The branch's newest round at the latest finalised block; `None` before the first.
    pub async fn current_round(&self) -> Result<Option<RoundView>, WorkerError> {
        let block = self.chain.finalised().await?;
        let at = At::from(block);
        let Some(round) = self.chain.current_round(at, self.branch).await? else {
            return Ok(None);
        };
        let Some(terms) = self.chain.terms(at, round.id).await? else {
            return Ok(None);
        };
        Ok(Some(RoundView {
            block,
            round,
            terms,
        }))
    }

    /// The header of a version that the chain names.
    pub async fn header(&self, at: At, version: H256) -> Result<VersionHeader, WorkerError> {
        let header = self.chain.version(at, version).await?;
        header
            .ok_or_else(|| WorkerError::Input(format!("version {version:?} is not on this chain")))
    }

    /// The parameters of a round's base.
    pub async fn base_state(&self, view: &RoundView) -> Result<Arc<Vec<i32>>, WorkerError> {
        let header = self.header(view.block.into(), view.round.base).await?;
        let known = self
            .head
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((_, state)) = known.filter(|(root, _)| *root == header.state_root) {
            return Ok(state);
        }
        let state = self.version_state(view, &header).await?;
        let state = Arc::new(state);
        let cached = (header.state_root, state.clone());
        *self.head.lock().unwrap_or_else(PoisonError::into_inner) = Some(cached);
        Ok(state)
    }

    /// The data of a round.
    pub async fn corpus(&self, terms: &RoundTerms) -> Result<Arc<Corpus>, WorkerError> {
        let mut kept = self.corpus.lock().await;
        let corpus = Corpus::load(kept.take(), &*self.chain, &*self.store, &terms.mixture).await?;
        *kept = Some(corpus.clone());
        Ok(corpus)
    }

    /// Runs `work` on a thread of its own with a fresh runner, so that the role's other tasks go on.
    pub async fn with_runner<T: Send + 'static>(
        &self,
        terms: &RoundTerms,
        work: impl FnOnce(&mut dyn SegmentRunner) -> Result<T, TrainingError> + Send + 'static,
    ) -> Result<T, WorkerError> {
        self.with_runner_of(terms.architecture, terms.recipe, work)
            .await
    }

    /// As [`Self::with_runner`], for a model and a recipe.
    pub async fn with_runner_of<T: Send + 'static>(
        &self,
        architecture: Architecture,
        recipe: Recipe,
        work: impl FnOnce(&mut dyn SegmentRunner) -> Result<T, TrainingError> + Send + 'static,
    ) -> Result<T, WorkerError> {
        let (runners, genesis) = (self.runners.clone(), self.chain.genesis());
        let task = tokio::task::spawn_blocking(move || {
            let mut runner = runners.runner(architecture, recipe, genesis)?;
            work(runner.as_mut())
        });
        Ok(task.await??)
    }

    /// Runs a segment of a round (called `round` to the user), showing its steps, until it ends or the worker is stopped.
    pub async fn run_segment(
        &self,
        round: String,
        (architecture, recipe): (Architecture, Recipe),
        base: &Arc<Vec<i32>>,
        state: TrainingState,
        mut batches: RoundBatches,
        segment: u16,
    ) -> Result<SegmentOutcome, WorkerError> {
        let (stop, show, base) = (self.stop.clone(), self.show.clone(), base.clone());
        let steps = u64::from(recipe.segments) * u64::from(recipe.steps);
        let number = segment.saturating_add(1);
        let what = format!("{round} segment {number}/{}", recipe.segments);
        let run = move |runner: &mut dyn SegmentRunner| {
            runner.run_segment(&base, state, &mut batches, segment, &mut |p| {
                show.step(&what, p.step, steps, p);
                match stop.stopped() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            })
        };
        self.with_runner_of(architecture, recipe, run).await
    }

    /// Where records of a round are kept.
    pub fn key(&self, role: &str, round: RoundId) -> String {
        format!("{role}/{}-{}", round.branch, round.number)
    }

    /// A fresh random hash.
    pub fn random(&self) -> Result<H256, WorkerError> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes)
            .map_err(|e| WorkerError::Task(format!("the system gives no random numbers: {e}")))?;
        Ok(H256(bytes))
    }
}
