// SPDX-License-Identifier: GPL-3.0-or-later
//! The sum of a cohort's ciphertexts: whoever looks after a round makes it, and compares what was posted.

use super::{LayersCache, PrivateView};
use crate::blobs;
use crate::error::WorkerError;
use crate::roles::merge::trees::Trees;
use crate::roles::Told;
use crate::submit::Sent;
use crate::worker::Worker;
use dream_chain::{AccountId, Call, PrivateCall};
use dream_primitives::claim::RoundId;
use dream_primitives::private::round::{CiphertextRoots, CohortMask};
use dream_primitives::private::sum::PrivateTree;
use dream_primitives::H256;
use dream_private::aggregator::{SumBuilder, SumError};
use dream_private::blobs::{BlobError, Ciphertexts};
use dream_store::StoreError;
use dream_training::TrainingError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;

/// Folder of the notes on what an account submits in disputes. Its roles share it: none makes the other's move again.
const DISPUTES: &str = "private-disputes";

/// Why something of a round cannot be made.
#[derive(Debug)]
pub(super) enum Unmade {
    /// Something that it takes is not to be had, or not what the chain says.
    Lacking(String),
    /// This machine failed.
    Failed(WorkerError),
}

impl From<WorkerError> for Unmade {
    fn from(error: WorkerError) -> Self {
        match error {
            error if error.lacking() => Self::Lacking(error.to_string()),
            // The steward's bytes are no samples for this model.
            WorkerError::Training(
                error @ (TrainingError::Token { .. } | TrainingError::Sample { .. }),
            ) => Self::Lacking(format!("the held-out shard: {error}")),
            error => Self::Failed(error),
        }
    }
}

impl From<BlobError> for Unmade {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Store(error) if !blobs::lacking(&error) => Self::Failed(error.into()),
            error => Self::Lacking(error.to_string()),
        }
    }
}

impl From<SumError> for Unmade {
    fn from(error: SumError) -> Self {
        match error {
            SumError::Blob(error) => error.into(),
            error => Self::Lacking(error.to_string()),
        }
    }
}

impl From<blobs::BlobError> for Unmade {
    fn from(error: blobs::BlobError) -> Self {
        WorkerError::from(error).into()
    }
}

impl From<StoreError> for Unmade {
    fn from(error: StoreError) -> Self {
        BlobError::from(error).into()
    }
}

impl From<tokio::task::JoinError> for Unmade {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Failed(error.into())
    }
}

impl Unmade {
    /// Says what is lacking.
    pub fn of(self, what: &str) -> Self {
        match self {
            Self::Lacking(why) => Self::Lacking(format!("{what}: {why}")),
            failed => failed,
        }
    }
}

/// What a round's sum is made of.
type SumKey = (RoundId, CohortMask);

/// Base and root of a delta, and the roots of state and moments that they make.
type MadeRoots = ((H256, H256), [H256; 2]);

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What auditors and aggregators share: reading a round, its sum, and the disputes of what was posted.
pub(super) struct Watch {
    pub worker: Arc<Worker>,
    /// The role that it acts for, for logs.
    pub role: &'static str,
    pub told: Told,
    layers: LayersCache,
    /// The last sum that was made.
    sum: Mutex<Option<(SumKey, Arc<Ciphertexts>)>>,
    /// The trees of the last version that was looked into, by their roots.
    pub(super) version: Mutex<Option<([H256; 2], Arc<Trees>)>>,
    /// The roots that the last reported delta made of the base.
    pub(super) made: Mutex<Option<MadeRoots>>,
}

impl Watch {
    pub fn new(worker: Arc<Worker>, role: &'static str) -> Self {
        Self {
            worker,
            role,
            told: Told::default(),
            layers: LayersCache::default(),
            sum: Mutex::default(),
            version: Mutex::default(),
            made: Mutex::default(),
        }
    }

    /// Says a thing of a round once.
    pub fn say(&self, view: &PrivateView, what: impl std::fmt::Display) {
        let number = view.id().number;
        self.told
            .say(self.role, format!("private round {number}: {what}"));
    }

    /// The branch's private round in motion. What was written down of others is forgotten.
    pub async fn newest(&self) -> Result<Option<PrivateView>, WorkerError> {
        let (worker, role) = (&self.worker, self.role);
        let Some(view) = PrivateView::newest(worker, &self.layers).await? else {
            let why = format!("branch {} has no private round in motion", worker.branch);
            self.told.say(role, why);
            return Ok(None);
        };
        let own = format!("{}-{}", view.id().branch, view.id().number);
        let prefix = format!("{}-", view.id().branch);
        for folder in [role, DISPUTES] {
            let mut names = worker.database.list(folder)?;
            for notes in ["sent", "refused"] {
                names.extend(worker.database.list(&format!("{notes}/{folder}"))?);
            }
            for name in names {
                if name != own && name.starts_with(&prefix) {
                    let key = format!("{folder}/{name}");
                    worker.database.remove(&key)?;
                    worker.forget_submissions(&key)?;
                }
            }
        }
        Ok(Some(view))
    }

    /// Where this role's records of a round are.
    pub fn folder(&self, view: &PrivateView) -> String {
        self.worker.key(self.role, view.id())
    }

    /// Where notes on a round's disputes are.
    pub fn disputes(&self, view: &PrivateView) -> String {
        self.worker.key(DISPUTES, view.id())
    }

    /// Submits once, and says why when it is refused; whether it is on the chain.
    pub async fn submit(&self, key: &str, call: PrivateCall) -> Result<bool, WorkerError> {
        let (pallet, name) = call.name();
        match self.worker.submit_once(key, Call::Private(call)).await? {
            Sent::Done(_) => Ok(true),
            Sent::Pending => Ok(false),
            Sent::Refused(why) => {
                self.told
                    .say(self.role, format!("{pallet}.{name} was refused: {why}"));
                Ok(false)
            }
        }
    }

    /// The contributions that stand, in the order of their places.
    pub async fn standing(
        &self,
        view: &PrivateView,
    ) -> Result<Vec<(AccountId, CiphertextRoots)>, WorkerError> {
        let opened = view.opened(&self.worker).await?;
        Ok(opened
            .into_iter()
            .filter(|(_, _, known)| view.round.standing.contains(known.place))
            .map(|(account, roots, _)| (account, roots))
            .collect())
    }

    /// The sum of the contributions that stand, made here.
    pub async fn own_sum(&self, view: &PrivateView) -> Result<Arc<Ciphertexts>, Unmade> {
        let key = (view.id(), view.round.standing);
        let known = lock(&self.sum).clone();
        if let Some((_, sum)) = known.filter(|(of, _)| *of == key) {
            return Ok(sum);
        }
        let contributions = self.standing(view).await?;
        let (store, layers, facts) = (self.worker.store.clone(), view.layers.clone(), view.facts);
        let handle = Handle::current();
        // Fetched one after another, so that memory holds one of them and the sum.
        let made = tokio::task::spawn_blocking(move || {
            let mut sum = SumBuilder::new(&layers, &facts);
            for (account, roots) in &contributions {
                let of = |e: Unmade| e.of(&format!("the contribution of {account}"));
                let part = handle.block_on(Ciphertexts::fetch(&*store, &layers, &facts, roots));
                let part = part.map_err(|e| of(e.into()))?;
                sum.add(&part).map_err(|e| of(e.into()))?;
            }
            Ok::<_, Unmade>(sum.finish()?)
        });
        let sum = Arc::new(made.await??);
        *lock(&self.sum) = Some((key, sum.clone()));
        Ok(sum)
    }

    /// The posted sum: this worker's own where it has its roots, since a name on the chain binds nobody.
    pub async fn posted_sum(
        &self,
        view: &PrivateView,
        posted: &CiphertextRoots,
    ) -> Result<Arc<Ciphertexts>, Unmade> {
        let own = self.own_sum(view).await;
        if let Err(Unmade::Failed(error)) = own {
            return Err(error.into());
        }
        if let Some(own) = own.ok().filter(|own| differs(own, posted).is_none()) {
            return Ok(own);
        }
        let fetched = Ciphertexts::fetch(&*self.worker.store, &view.layers, &view.facts, posted);
        let fetched = fetched.await;
        let fetched = fetched.map_err(|e| Unmade::from(e).of("the posted sum"))?;
        Ok(Arc::new(fetched))
    }
}

/// The tree by which a posted sum can be brought down; `None` when it is right.
pub(super) fn differs(own: &Ciphertexts, posted: &CiphertextRoots) -> Option<PrivateTree> {
    // A wrong sum of keys is what would show somebody's values.
    if own.keys.root() != posted.keys {
        return Some(PrivateTree::Keys);
    }
    (own.data.root() != posted.data).then_some(PrivateTree::Data)
}
