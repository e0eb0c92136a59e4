// SPDX-License-Identifier: GPL-3.0-or-later
//! A folder of blobs that several processes share.
//!
//! Layout: `blobs/<two characters>/<cid>` is the content as it is, `<cid>.len` beside it its length in decimal, and
//! `tmp/` what is being written. Blobs are sharded by the next-to-last two characters of their names, since the first
//! ones are the same for all. A blob is written to `tmp/`, synced and renamed, so that no reader and no crash sees half
//! of one; two writers of one blob write the same bytes. The length only tells a truncated blob from a corrupt one: the
//! CID alone decides whether content is good.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use dream_primitives::cid::Cid;
use tempfile::NamedTempFile;

use crate::cid::{text, CidHasher, CHUNK_BYTES};
use crate::{BlobStore, StoreError};

/// What a killed writer left behind in `tmp/` is removed when it is this old.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// Blobs in a local folder.
#[derive(Clone, Debug)]
pub struct LocalStore {
    folder: PathBuf,
}

impl LocalStore {
    /// Opens the store in `folder`, which is made where it is missing. Fails where it cannot be written.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self {
            folder: folder.into(),
        };
        for part in [store.blobs(), store.tmp()] {
            fs::create_dir_all(&part).map_err(|e| StoreError::writing(&part, e))?;
        }
        store.remove_stale()?;
        Ok(store)
    }

    /// The folder that the store was opened in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the blob is or would be. Built from the CID's own text only: no path can lead out of the folder.
    pub fn path_of(&self, cid: &Cid) -> PathBuf {
        let name = text(cid);
        let shard = &name[name.len() - 3..name.len() - 1];
        self.blobs().join(shard).join(&name)
    }

    fn length_path_of(&self, cid: &Cid) -> PathBuf {
        self.path_of(cid).with_extension("len")
    }

    fn blobs(&self) -> PathBuf {
        self.folder.join("blobs")
    }

    fn tmp(&self) -> PathBuf {
        self.folder.join("tmp")
    }

    fn name(&self) -> String {
        format!("the local store {}", self.folder.display())
    }

    fn remove_stale(&self) -> Result<(), StoreError> {
        let tmp = self.tmp();
        let entries = fs::read_dir(&tmp).map_err(|e| StoreError::io("list", &tmp, e))?;
        for entry in entries {
            let entry = entry.map_err(|e| StoreError::io("list", &tmp, e))?;
            // Another process may finish or remove the file in between: what cannot be read is not stale.
            let age = entry
                .metadata()
                .and_then(|m| m.modified())
                .map(|t| SystemTime::now().duration_since(t).unwrap_or_default());
            if age.is_ok_and(|age| age > STALE) {
                if let Err(e) = fs::remove_file(entry.path()) {
                    if e.kind() != io::ErrorKind::NotFound {
                        return Err(StoreError::io("remove", &entry.path(), e));
                    }
                }
            }
        }
        Ok(())
    }

    /// Copies `source` (named `from` in errors) into the store.
    fn put(&self, mut source: impl Read, from: &Path) -> Result<Cid, StoreError> {
        let tmp = self.tmp();
        let mut file = temporary(&tmp)?;
        let mut hasher = CidHasher::new();
        copy(&mut source, from, file.as_file_mut(), &tmp, |piece| {
            hasher.update(piece);
            Ok(())
        })?;
        let bytes = hasher.bytes();
        let cid = hasher.finalize();
        let path = self.path_of(&cid);
        let shard = path.parent().unwrap_or(&path);
        fs::create_dir_all(shard).map_err(|e| StoreError::writing(shard, e))?;
        self.put_length(&cid, bytes)?;
        publish(file, &path)?;
        Ok(cid)
    }

    fn put_length(&self, cid: &Cid, bytes: u64) -> Result<(), StoreError> {
        let path = self.length_path_of(cid);
        let mut file = temporary(&self.tmp())?;
        file.write_all(bytes.to_string().as_bytes())
            .map_err(|e| StoreError::writing(&path, e))?;
        file.persist(&path)
            .map_err(|e| StoreError::writing(&path, e.error))?;
        Ok(())
    }

    /// Streams the blob through `sink` and verifies it; the caller drops what it got when this fails.
    fn read(
        &self,
        cid: &Cid,
        max_bytes: u64,
        mut sink: impl Write,
        to: &Path,
    ) -> Result<u64, StoreError> {
        let path = self.path_of(cid);
        let file = File::open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => StoreError::NotFound {
                cid: *cid,
                store: self.name(),
            },
            _ => StoreError::io("open", &path, e),
        })?;
        let length = file
            .metadata()
            .map_err(|e| StoreError::io("read", &path, e))?
            .len();
        let too_large = |bytes| StoreError::TooLarge {
            cid: *cid,
            bytes,
            max_bytes,
        };
        if length > max_bytes {
            return Err(too_large(length));
        }
        let mut hasher = CidHasher::new();
        copy(&mut &file, &path, &mut sink, to, |piece| {
            hasher.update(piece);
            // The file may grow while it is read.
            if hasher.bytes() > max_bytes {
                return Err(too_large(hasher.bytes()));
            }
            Ok(())
        })?;
        let bytes = hasher.bytes();
        let recorded = fs::read_to_string(self.length_path_of(cid))
            .ok()
            .and_then(|t| t.parse().ok());
        check(cid, hasher.finalize(), bytes, recorded, || self.name())?;
        Ok(bytes)
    }
}

/// Compares what was read with what was asked for. `recorded` is the length when the blob was stored, where known.
pub(crate) fn check(
    expected: &Cid,
    found: Cid,
    bytes: u64,
    recorded: Option<u64>,
    store: impl Fn() -> String,
) -> Result<(), StoreError> {
    match recorded {
        _ if found == *expected => Ok(()),
        Some(expected_bytes) if bytes < expected_bytes => Err(StoreError::Truncated {
            cid: *expected,
            expected_bytes,
            found_bytes: bytes,
            store: store(),
        }),
        _ => Err(StoreError::Corrupt {
            expected: *expected,
            found,
            bytes,
            store: store(),
        }),
    }
}

/// Copies all of `source` to `sink`, chunk by chunk, after `each` has seen and allowed the piece.
fn copy(
    source: &mut impl Read,
    from: &Path,
    sink: &mut impl Write,
    to: &Path,
    mut each: impl FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let piece = match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => &buffer[..n],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(StoreError::io("read", from, e)),
        };
        each(piece)?;
        sink.write_all(piece)
            .map_err(|e| StoreError::writing(to, e))?;
    }
}

/// A new file in `folder` that goes away unless it is published. Readable by other users, as far as the umask allows.
fn temporary(folder: &Path) -> Result<NamedTempFile, StoreError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("put-");
    #[cfg(unix)]
    let mode = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    #[cfg(unix)]
    builder.permissions(mode);
    builder
        .tempfile_in(folder)
        .map_err(|e| StoreError::writing(folder, e))
}

/// Syncs `file`, gives it its name, and syncs the folder, so that a power cut loses either nothing or the whole.
fn publish(file: NamedTempFile, path: &Path) -> Result<(), StoreError> {
    file.as_file()
        .sync_all()
        .map_err(|e| StoreError::writing(path, e))?;
    file.persist(path)
        .map_err(|e| StoreError::writing(path, e.error))?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)
            .and_then(|f| f.sync_all())
            .map_err(|e| StoreError::writing(folder, e))?;
    }
    Ok(())
}

/// Runs file work away from the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(StoreError::Stopped),
        },
    }
}

#[async_trait]
impl BlobStore for LocalStore {
    async fn put_file(&self, path: &Path) -> Result<Cid, StoreError> {
        let (store, path) = (self.clone(), path.to_path_buf());
        blocking(move || {
            let file = File::open(&path).map_err(|e| StoreError::io("open", &path, e))?;
            store.put(file, &path)
        })
        .await
    }

    async fn put_bytes(&self, bytes: Bytes) -> Result<Cid, StoreError> {
        let store = self.clone();
        blocking(move || store.put(bytes.as_ref(), Path::new("bytes in memory"))).await
    }

    async fn get(&self, cid: &Cid, max_bytes: u64) -> Result<Bytes, StoreError> {
        let (store, cid) = (self.clone(), *cid);
        blocking(move || {
            let mut content = Vec::new();
            store.read(&cid, max_bytes, &mut content, Path::new("memory"))?;
            Ok(content.into())
        })
        .await
    }

    async fn get_to_file(&self, cid: &Cid, path: &Path, max_bytes: u64) -> Result<u64, StoreError> {
        let (store, cid, path) = (self.clone(), *cid, path.to_path_buf());
        blocking(move || {
            let folder = match path.parent() {
                Some(parent) if parent != Path::new("") => parent,
                _ => Path::new("."),
            };
            let mut file = temporary(folder)?;
            let bytes = store.read(&cid, max_bytes, file.as_file_mut(), &path)?;
            publish(file, &path)?;
            Ok(bytes)
        })
        .await
    }

    async fn has(&self, cid: &Cid) -> Result<bool, StoreError> {
        let path = self.path_of(cid);
        blocking(move || {
            path.try_exists()
                .map_err(|e| StoreError::io("look up", &path, e))
        })
        .await
    }

    async fn remove(&self, cid: &Cid) -> Result<bool, StoreError> {
        let (blob, length) = (self.path_of(cid), self.length_path_of(cid));
        blocking(move || {
            let gone = |path: &Path| match fs::remove_file(path) {
                Ok(()) => Ok(true),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(e) => Err(StoreError::io("remove", path, e)),
            };
            let was_there = gone(&blob)?;
            gone(&length)?;
            Ok(was_there)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cid_of;

    #[cfg(target_os = "linux")]
    #[test]
    fn full_disk_should_be_told_apart_when_the_system_says_so() {
        let full = Path::new("/dev/full");
        let mut sink = File::options().write(true).open(full).unwrap();
        let error = copy(
            &mut [1u8; 10].as_slice(),
            Path::new("x"),
            &mut sink,
            full,
            |_| Ok(()),
        )
        .unwrap_err();
        assert!(
            matches!(&error, StoreError::DiskFull { path, .. } if path == full),
            "{error:?}"
        );
        assert!(error.to_string().contains("/dev/full"), "{error}");
    }

    #[test]
    fn path_should_stay_in_the_folder_for_any_cid() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        let path = store.path_of(&cid_of(b"hello"));
        assert_eq!(
            path.strip_prefix(folder.path()).unwrap(),
            Path::new("blobs/ye/bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq")
        );
    }

    #[test]
    fn stale_temporaries_should_go_when_the_store_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalStore::open(folder.path()).unwrap();
        let (old, new) = (store.tmp().join("put-old"), store.tmp().join("put-new"));
        File::create(&old)
            .unwrap()
            .set_modified(SystemTime::now() - STALE - STALE)
            .unwrap();
        File::create(&new).unwrap();
        LocalStore::open(folder.path()).unwrap();
        assert!(!old.exists());
        assert!(new.exists(), "another process may be writing it");
    }
}
