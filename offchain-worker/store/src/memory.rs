// SPDX-License-Identifier: GPL-3.0-or-later
//! The fake beside the trait: blobs in memory, with the faults that a protocol must survive.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use dream_primitives::cid::Cid;

use crate::cid::cid_of;
use crate::local::check;
use crate::{BlobStore, StoreError};

const NAME: &str = "the memory store";

/// What is wrong with a blob from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Reads and `has` find nothing.
    Missing,
    /// One bit differs (an empty blob gains a byte).
    Corrupt,
    /// Only the first so many bytes are left.
    TruncatedTo(usize),
    /// Reads fail with an input/output error, as of a broken disk.
    Unreadable,
}

/// Blobs in memory. Clones of the `Arc` that holds it share the content.
#[derive(Default, Debug)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Default, Debug)]
struct Inner {
    blobs: HashMap<Cid, Bytes>,
    faults: HashMap<Cid, Fault>,
    full: bool,
}

impl MemoryStore {
    /// An empty store without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Breaks the blob of this name, now or when it is put.
    pub fn inject(&self, cid: &Cid, fault: Fault) {
        self.lock().faults.insert(*cid, fault);
    }

    /// Takes the fault away again.
    pub fn heal(&self, cid: &Cid) {
        self.lock().faults.remove(cid);
    }

    /// From now on every put fails (or no longer fails) as on a full disk.
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No method leaves the maps half changed: after a panic elsewhere they are still good.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BlobStore for MemoryStore {
    async fn put_file(&self, path: &Path) -> Result<Cid, StoreError> {
        let bytes = fs::read(path).map_err(|e| StoreError::io("read", path, e))?;
        self.put_bytes(bytes.into()).await
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<Cid, StoreError> {
        let mut inner = self.lock();
        if inner.full {
            return Err(StoreError::writing(
                Path::new(NAME),
                io::ErrorKind::StorageFull.into(),
            ));
        }
        let cid = cid_of(&bytes);
        inner.blobs.insert(cid, bytes);
        Ok(cid)
    }

    async fn get(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, StoreError> {
        let inner = self.lock();
        let missing = || StoreError::NotFound {
            cid: *cid,
            store: NAME.into(),
        };
        let stored = inner.blobs.get(cid).ok_or_else(missing)?;
        let content = match inner.faults.get(cid) {
            None => stored.clone(),
            Some(Fault::Missing) => return Err(missing()),
            Some(Fault::Unreadable) => {
                return Err(StoreError::io(
                    "read",
                    Path::new(NAME),
                    io::Error::other("injected fault"),
                ))
            }
            Some(Fault::TruncatedTo(bytes)) => stored.slice(..stored.len().min(*bytes)),
            Some(Fault::Corrupt) => {
                let mut changed = stored.to_vec();
                match changed.last_mut() {
                    Some(byte) => *byte ^= 1,
                    None => changed.push(0),
                }
                changed.into()
            }
        };
        let bytes = content.len() as u64;
        if bytes > max_bytes {
            return Err(StoreError::TooLarge {
                cid: *cid,
                bytes,
                max_bytes,
            });
        }
        check(
            cid,
            cid_of(&content),
            bytes,
            Some(stored.len() as u64),
            || NAME.into(),
        )?;
        Ok(content)
    }

    async fn get_to_file(&self, cid: &Cid, path: &Path, max_bytes: u64) -> Result<u64, StoreError> {
        let content = self.get(cid, max_bytes).await?;
        fs::write(path, &content).map_err(|e| StoreError::writing(path, e))?;
        Ok(content.len() as u64)
    }

    async fn has(&self, cid: &Cid) -> Result<bool, StoreError> {
        let inner = self.lock();
        Ok(inner.blobs.contains_key(cid) && inner.faults.get(cid) != Some(&Fault::Missing))
    }

    async fn remove(&self, cid: &Cid) -> Result<bool, StoreError> {
        let mut inner = self.lock();
        let missing = inner.faults.get(cid) == Some(&Fault::Missing);
        Ok(inner.blobs.remove(cid).is_some() && !missing)
    }
}
