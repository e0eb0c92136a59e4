// SPDX-License-Identifier: GPL-3.0-or-later
//! Blobs that are not what was to be stored.

use async_trait::async_trait;
use bytes::Bytes;
use dream_store::{BlobStore, Cid, StoreError};
use std::path::Path;
use std::sync::Arc;

/// A store into which whatever is put comes with its first bit flipped: a steward that stores its shard there opens
/// another one than it committed to.
pub struct Spoiling(pub Arc<dyn BlobStore>);

#[async_trait]
impl BlobStore for Spoiling {
    async fn put_file(&self, path: &Path) -> Result<Cid, StoreError> {
        self.0.put_file(path).await
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<Cid, StoreError> {
        let mut spoiled = bytes.to_vec();
        if let Some(first) = spoiled.first_mut() {
            *first ^= 1;
        }
        self.0.put_bytes(spoiled.into()).await
    }

    async fn get(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, StoreError> {
        self.0.get(cid, max_bytes).await
    }

    async fn get_to_file(&self, cid: &Cid, path: &Path, max_bytes: u64) -> Result<u64, StoreError> {
        self.0.get_to_file(cid, path, max_bytes).await
    }

    async fn has(&self, cid: &Cid) -> Result<bool, StoreError> {
        self.0.has(cid).await
    }

    async fn remove(&self, cid: &Cid) -> Result<bool, StoreError> {
        self.0.remove(cid).await
    }
}
