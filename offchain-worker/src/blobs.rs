// SPDX-License-Identifier: GPL-3.0-or-later
//! Blobs with the meaning that the chain gives them: fetched by CID, believed only by root or hash.

use bytes::Bytes;
use codec::{DecodeAll, Encode};
use dream_chain::Shard;
use dream_primitives::claim::StoredResidual;
use dream_primitives::data;
use dream_primitives::delta::{self, DeltaChunk};
use dream_primitives::dispute::base_server_root;
use dream_primitives::feedback::residual_root;
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::state::{self, CHUNK};
use dream_primitives::version::VersionHeader;
use dream_primitives::H256;
use dream_store::{text, BlobStore, Cid, StoreError};
use dream_training::{Residual, TrainingState};

/// Why a blob could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The store does not give it.
    #[error("{what}: {source}")]
    Store {
        /// What the blob should be.
        what: Box<str>,
        /// What the store said.
        source: Box<StoreError>,
    },
    /// It is what its CID says, but not what the chain says.
    #[error("{what}: blob {} has the root {found:?}, the chain says {expected:?}", text(.cid))]
    Root {
        /// What the blob should be.
        what: Box<str>,
        /// The blob.
        cid: Cid,
        /// Root on the chain.
        expected: H256,
        /// Root of the blob.
        found: H256,
    },
    /// It does not have the form of what it should be.
    #[error("{what}: blob {} is not one: {why}", text(.cid))]
    Form {
        /// What the blob should be.
        what: Box<str>,
        /// The blob.
        cid: Cid,
        /// What is wrong.
        why: String,
    },
}

impl BlobError {
    /// Whether the blob is at fault, not this machine.
    pub fn lacking(&self) -> bool {
        match self {
            Self::Root { .. } | Self::Form { .. } => true,
            Self::Store { source, .. } => lacking(source),
        }
    }
}

/// Whether a store's failure is the blob's fault, not this machine's.
pub fn lacking(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::NotFound { .. }
            | StoreError::Corrupt { .. }
            | StoreError::Truncated { .. }
            | StoreError::TooLarge { .. }
    )
}

async fn fetch(store: &dyn BlobStore, what: &str, cid: &Cid, max: u64) -> Result<Bytes, BlobError> {
    store
        .get(cid, max)
        .await
        .map_err(|source| BlobError::Store {
            what: what.into(),
            source: Box::new(source),
        })
}

fn expect_root(what: &str, cid: &Cid, expected: H256, found: H256) -> Result<(), BlobError> {
    if expected == found {
        return Ok(());
    }
    Err(BlobError::Root {
        what: what.into(),
        cid: *cid,
        expected,
        found,
    })
}

fn form(what: &str, cid: &Cid, why: impl ToString) -> BlobError {
    BlobError::Form {
        what: what.into(),
        cid: *cid,
        why: why.to_string(),
    }
}

/// Bytes of grid integers: little-endian, in manifest order.
pub fn state_bytes(state: &[i32]) -> Bytes {
    state.chunks(CHUNK).flat_map(state::chunk_bytes).collect()
}

/// Fetches `count` grid integers and checks their root.
async fn integers(
    store: &dyn BlobStore,
    what: &str,
    cid: &Cid,
    root: H256,
    count: u64,
    root_of: impl FnOnce(&[i32]) -> H256,
) -> Result<Vec<i32>, BlobError> {
    let bytes = fetch(store, what, cid, count.saturating_mul(4)).await?;
    let found = bytes.len();
    let state = state::from_bytes(&bytes, count).ok_or_else(|| {
        form(
            what,
            cid,
            format!("{found} bytes where {count} integers take 4 each"),
        )
    })?;
    expect_root(what, cid, root, root_of(&state))?;
    Ok(state)
}

/// Fetches the parameters behind a root.
pub async fn parameters(
    store: &dyn BlobStore,
    architecture: &Architecture,
    what: &str,
    cid: &Cid,
    root: H256,
) -> Result<Vec<i32>, BlobError> {
    let count = architecture.parameters().unwrap_or(0);
    integers(store, what, cid, root, count, state::root).await
}

/// Fetches the server optimiser's moments behind a root.
pub async fn moments(
    store: &dyn BlobStore,
    architecture: &Architecture,
    recipe: &Recipe,
    what: &str,
    cid: &Cid,
    root: H256,
) -> Result<Vec<i32>, BlobError> {
    let parameters = architecture.parameters().unwrap_or(0);
    let count = parameters.saturating_mul(u64::from(recipe.server.moments()));
    let root_of = |moments: &[i32]| state::server_root(moments, parameters as usize);
    integers(store, what, cid, root, count, root_of).await
}

/// Fetches the parameters of a version.
pub async fn version_state(
    store: &dyn BlobStore,
    architecture: &Architecture,
    header: &VersionHeader,
) -> Result<Vec<i32>, BlobError> {
    let what = format!("parameters of version {}", header.number);
    parameters(store, architecture, &what, &header.cid, header.state_root).await
}

/// Fetches the server optimiser's moments of a version: zeros where there has been no merge with this optimiser yet.
pub async fn version_moments(
    store: &dyn BlobStore,
    architecture: &Architecture,
    recipe: &Recipe,
    header: &VersionHeader,
) -> Result<Vec<i32>, BlobError> {
    let root = base_server_root(header, &recipe.server);
    match header.server_cid {
        Some(cid) if !root.is_zero() => {
            let what = format!("moments of version {}", header.number);
            moments(store, architecture, recipe, &what, &cid, root).await
        }
        _ => {
            let parameters = architecture.parameters().unwrap_or(0) as usize;
            Ok(crate::merge::no_moments(recipe, parameters))
        }
    }
}

/// Stores a delta.
pub async fn put_delta(store: &dyn BlobStore, chunks: &Vec<DeltaChunk>) -> Result<Cid, StoreError> {
    store.put_bytes(chunks.encode().into()).await
}

/// Stores what a claim leaves over; none for zeros.
pub async fn put_residual(
    store: &dyn BlobStore,
    left: &Residual,
) -> Result<Option<StoredResidual>, StoreError> {
    let root = left.roots.1;
    if root.is_zero() {
        return Ok(None);
    }
    let cid = store.put_bytes(state_bytes(&left.steps)).await?;
    Ok(Some(StoredResidual { root, cid }))
}

/// Fetches a residual of error feedback: grid steps in manifest order.
pub async fn residual(
    store: &dyn BlobStore,
    architecture: &Architecture,
    stored: &StoredResidual,
) -> Result<Vec<i32>, BlobError> {
    let count = architecture.parameters().unwrap_or(0);
    let (cid, root) = (&stored.cid, stored.root);
    integers(store, "residual", cid, root, count, residual_root).await
}

/// Fetches the delta of a claim and checks its form and its root.
pub async fn delta(
    store: &dyn BlobStore,
    architecture: &Architecture,
    cid: &Cid,
    root: H256,
) -> Result<Vec<DeltaChunk>, BlobError> {
    let what = "delta";
    let parameters = architecture.parameters().unwrap_or(0);
    // A sparse entry takes 2 bytes (its gap's byte and its code), a dense one 1; a gap of 255 takes one more byte, for 255
    // parameters without an entry; a chunk's header at most 12 and the list's 5.
    let max = parameters
        .saturating_mul(2)
        .saturating_add(u64::from(architecture.chunks()) * 12 + 5);
    let bytes = fetch(store, what, cid, max).await?;
    let chunks = Vec::<DeltaChunk>::decode_all(&mut &bytes[..]).map_err(|e| form(what, cid, e))?;
    delta::check(&chunks, parameters)
        .map_err(|(chunk, e)| form(what, cid, format!("chunk {chunk}: {e:?}")))?;
    expect_root(what, cid, root, delta::root(&chunks).unwrap_or_default())?;
    Ok(chunks)
}

/// Fetches the samples of an opened shard, one after another, and checks their number and their root.
pub async fn shard(store: &dyn BlobStore, cid: &Cid, shard: &Shard) -> Result<Bytes, BlobError> {
    let what = "held-out shard";
    let size = u64::from(shard.samples).saturating_mul(u64::from(shard.window));
    let bytes = fetch(store, what, cid, size).await?;
    let found = bytes.len();
    if found as u64 != size {
        let (samples, window) = (shard.samples, shard.window);
        let why = format!("{found} bytes where {samples} samples take {window} each");
        return Err(form(what, cid, why));
    }
    expect_root(what, cid, shard.root, data::root(&bytes, shard.window))?;
    Ok(bytes)
}

/// Stores a training state.
pub async fn put_training_state(
    store: &dyn BlobStore,
    state: &TrainingState,
) -> Result<Cid, StoreError> {
    store.put_bytes(state.to_bytes().into()).await
}

/// Fetches a training state and checks its hash.
pub async fn training_state(
    store: &dyn BlobStore,
    architecture: &Architecture,
    genesis: &H256,
    cid: &Cid,
    hash: H256,
) -> Result<TrainingState, BlobError> {
    let what = "training state";
    let parameters = architecture.parameters().unwrap_or(0) as usize;
    let max = TrainingState::bytes_len(parameters) as u64;
    let bytes = fetch(store, what, cid, max).await?;
    let state = TrainingState::from_bytes(&bytes, parameters).map_err(|e| form(what, cid, e))?;
    expect_root(what, cid, hash, state.hash(genesis))?;
    Ok(state)
}
