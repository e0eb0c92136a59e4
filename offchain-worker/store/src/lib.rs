// SPDX-License-Identifier: GPL-3.0-or-later
//! Content-addressed blob store of the worker.
//!
//! States, deltas and data sets are files that never enter the chain; the chain carries their roots and, to say where
//! to fetch, their [`Cid`]. This crate turns bytes into CIDs by the pinned profile ([`cid`]) and keeps them behind one
//! trait, [`BlobStore`], which is used as `Arc<dyn BlobStore>`:
//!
//! - [`LocalStore`]: a folder that several worker processes share;
//! - [`MemoryStore`]: in memory, with faults on demand, for tests of protocols.
//!
//! Whoever reads trusts nothing: every read recomputes the CID, and bytes that do not hash to the name that was asked
//! for are an error, never a result.
//!
//! ```
//! # async fn example() -> Result<(), dream_store::StoreError> {
//! use dream_store::{text, BlobStore, MemoryStore};
//! use std::sync::Arc;
//!
//! let store: Arc<dyn BlobStore> = Arc::new(MemoryStore::new());
//! let cid = store.put_bytes(b"hello".to_vec().into()).await?;
//! assert_eq!(text(&cid), "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq");
//! assert_eq!(&store.get(&cid, 1024).await?[..], b"hello");
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```
#![forbid(unsafe_code)]

pub mod cid;
mod error;
mod local;
mod memory;

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;

pub use cid::{cid_of, parse, text, CidHasher, CidTextError};
pub use dream_primitives::cid::{Cid, CidCodec};
pub use error::StoreError;
pub use local::LocalStore;
pub use memory::{Fault, MemoryStore};

/// Where blobs are kept, addressed by what they contain.
///
/// Every method may be called from several tasks and, for stores on disk, from several processes at once. Putting what
/// is already there is not an error and repairs a damaged copy.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Stores a copy of the file at `path` and returns its CID. The file is streamed, not loaded.
    async fn put_file(&self, path: &Path) -> Result<Cid, StoreError>;

    /// Stores `bytes` and returns their CID.
    async fn put_bytes(&self, bytes: Bytes) -> Result<Cid, StoreError>;

    /// Reads the whole blob into memory and verifies it.
    ///
    /// `max_bytes` bounds what is read, since a name does not tell how long its content is: a longer blob is
    /// [`StoreError::TooLarge`].
    async fn get(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, StoreError>;

    /// Streams the blob into the file at `path`, verifies it and returns its length in bytes.
    ///
    /// The file appears (or is replaced) whole and verified, or not at all. `max_bytes` as for [`BlobStore::get`].
    async fn get_to_file(&self, cid: &Cid, path: &Path, max_bytes: u64) -> Result<u64, StoreError>;

    /// Whether the store holds a blob of this name. Does not read it: only a `get` verifies.
    async fn has(&self, cid: &Cid) -> Result<bool, StoreError>;

    /// Removes the blob; `false` when there was none.
    async fn remove(&self, cid: &Cid) -> Result<bool, StoreError>;
}
