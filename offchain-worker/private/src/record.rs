// SPDX-License-Identifier: GPL-3.0-or-later
//! Files that are written once: what a party must not decide twice.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use dream_primitives::hashing::{content_hash, Domain};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why a record cannot be kept or read.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The file system refuses.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The content is not what was written.
    #[error("{} is damaged: restore it from a copy; without it this party must not act again in what it records", .0.display())]
    Damaged(PathBuf),
}

/// A folder of records, readable by its owner only.
#[derive(Clone, Debug)]
pub struct Records {
    folder: PathBuf,
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> RecordError {
    RecordError::Io {
        action,
        path: path.to_path_buf(),
        source,
    }
}

impl Records {
    /// Opens a folder, made where there is none.
    ///
    /// # Errors
    /// [`RecordError::Io`].
    pub fn open(folder: &Path) -> Result<Self, RecordError> {
        fs::create_dir_all(folder).map_err(|e| io_error("make", folder, e))?;
        Ok(Self {
            folder: folder.to_path_buf(),
        })
    }

    /// The record of a name; `None` where there is none.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, RecordError> {
        let path = self.folder.join(name);
        let bytes = match fs::read(&path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io_error("read", &path, e)),
        };
        match bytes.split_last_chunk::<32>() {
            Some((body, sum)) if content_hash(Domain::LocalRecord, &[body]).0 == *sum => {
                Ok(Some(Zeroizing::new(body.to_vec())))
            }
            _ => Err(RecordError::Damaged(path)),
        }
    }

    /// Keeps a record on disk before it returns. What is there already stays: the answer is the record that counts.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn keep(&self, name: &str, body: &[u8]) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        let path = self.folder.join(name);
        let write = |e| io_error("write", &path, e);
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(write)?;
        file.write_all(body).map_err(write)?;
        let sum = content_hash(Domain::LocalRecord, &[body]);
        file.write_all(sum.as_bytes()).map_err(write)?;
        file.as_file().sync_all().map_err(write)?;
        match file.persist_noclobber(&path) {
            Ok(_) => {
                let folder = File::open(&self.folder).map_err(write)?;
                folder.sync_all().map_err(write)?;
                Ok(Zeroizing::new(body.to_vec()))
            }
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => self
                .read(name)?
                .ok_or_else(|| RecordError::Damaged(path.clone())),
            Err(e) => Err(write(e.error)),
        }
    }

    /// The record of a name, or the one that `make` gives, kept.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn or_keep(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, RecordError>,
    ) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        match self.read(name)? {
            Some(record) => Ok(record),
            None => self.keep(name, &make()?),
        }
    }

    /// 32 bytes from the system's random source.
    pub(crate) fn random(&self) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        let mut bytes = Zeroizing::new(vec![0; 32]);
        getrandom::fill(&mut bytes)
            .map_err(|e| io_error("draw random bytes for", &self.folder, e.into()))?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_should_stay_what_it_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(folder.path()).unwrap();
        assert!(records.read("a").unwrap().is_none());
        assert_eq!(records.keep("a", b"first").unwrap()[..], *b"first");
        assert_eq!(records.keep("a", b"second").unwrap()[..], *b"first");
        let again = Records::open(folder.path()).unwrap();
        assert_eq!(again.read("a").unwrap().unwrap()[..], *b"first");
    }

    #[test]
    fn damaged_record_should_be_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(folder.path()).unwrap();
        records.keep("a", b"first").unwrap();
        let path = folder.path().join("a");
        let whole = fs::read(&path).unwrap();
        for bytes in [&whole[..3], &whole[1..], b""] {
            fs::remove_file(&path).unwrap();
            fs::write(&path, bytes).unwrap();
            let refused = [records.read("a").err(), records.keep("a", b"x").err()];
            for error in refused {
                assert!(matches!(error, Some(RecordError::Damaged(p)) if p == path));
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn records_should_be_readable_by_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(folder.path()).unwrap();
        records.keep("a", b"first").unwrap();
        let mode = fs::metadata(folder.path().join("a")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o077, 0);
    }
}
