// SPDX-License-Identifier: GPL-3.0-or-later
//! Training states that are opened on the chain and served to nobody.

use async_trait::async_trait;
use bytes::Bytes;
use dream_store::{cid_of, BlobStore, Cid, StoreError};
use std::path::Path;
use std::sync::Arc;

/// First bytes of a training state's blob.
const TRAINING_STATE: &[u8] = b"DREAMTST";

/// A store that names training states and does not keep them.
pub struct Withholding(pub Arc<dyn BlobStore>);

#[async_trait]
impl BlobStore for Withholding {
    async fn put_file(&self, path: &Path) -> Result<Cid, StoreError> {
        self.0.put_file(path).await
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<Cid, StoreError> {
        match bytes.starts_with(TRAINING_STATE) {
            true => Ok(cid_of(&bytes)),
            false => self.0.put_bytes(bytes).await,
        }
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
