// SPDX-License-Identifier: GPL-3.0-or-later
//! What can go wrong in a store, one variant a cause.

use std::io;
use std::path::{Path, PathBuf};

use dream_primitives::cid::Cid;
use thiserror::Error;

use crate::cid::text;

/// Failure of a [`crate::BlobStore`].
#[derive(Debug, Error)]
pub enum StoreError {
    /// No blob of this name.
    #[error("blob {} is not in {store}: fetch it from a worker that has it, or give the store that holds it", text(.cid))]
    NotFound {
        /// Name asked for.
        cid: Cid,
        /// The store, in words.
        store: String,
    },
    /// The content does not hash to its name.
    #[error(
        "blob {} in {store} is corrupt: its {bytes} bytes hash to {}; remove it and fetch it again",
        text(.expected),
        text(.found)
    )]
    Corrupt {
        /// Name asked for.
        expected: Cid,
        /// Name of what is there.
        found: Cid,
        /// Length of what is there.
        bytes: u64,
        /// The store, in words.
        store: String,
    },
    /// Less is there than was stored.
    #[error(
        "blob {} in {store} is truncated: {found_bytes} of {expected_bytes} bytes are there; remove it and fetch it again",
        text(.cid)
    )]
    Truncated {
        /// Name asked for.
        cid: Cid,
        /// Length when it was stored, in bytes.
        expected_bytes: u64,
        /// Length of what is there.
        found_bytes: u64,
        /// The store, in words.
        store: String,
    },
    /// Longer than the caller allows.
    #[error("blob {} has at least {bytes} bytes, more than the {max_bytes} allowed here", text(.cid))]
    TooLarge {
        /// Name asked for.
        cid: Cid,
        /// Length seen so far, in bytes.
        bytes: u64,
        /// The caller's bound.
        max_bytes: u64,
    },
    /// The disk, the quota or the file size limit is used up. Nothing was stored.
    #[error("no space left to write {}: free some space or choose another folder; nothing was stored ({source})", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Any other failure of the file system.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The async runtime is shutting down; the operation may or may not have happened.
    #[error("the program is stopping; the store did not finish its work")]
    Stopped,
}

impl StoreError {
    /// Sorts a failed write: a full disk is told apart from the rest.
    pub(crate) fn writing(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::DiskFull { path, source },
            _ => Self::Io {
                action: "write",
                path,
                source,
            },
        }
    }

    /// A failure that is not a write.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    }
}
