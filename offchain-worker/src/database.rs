// SPDX-License-Identifier: GPL-3.0-or-later
//! What the worker must not forget: one small file a record, replaced whole.
//!
//! A record is its SCALE bytes behind their hash. It is written to a temporary file, synced and renamed, so a kill at
//! any point leaves the old record or the new one, never a part. A lock keeps a second worker out of the folder.

use codec::{Decode, Encode};
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::H256;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Failure of the state database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Another worker holds the folder.
    #[error("the state folder {} is in use by another worker: stop it, or give this one a folder of its own with --state", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The disk or the quota is used up.
    #[error("no space left to write {}: free some space; the record before it is still whole ({source})", path.display())]
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
    /// A record whose bytes are not those that were written.
    #[error("the record {} is damaged ({why}): move it away; what it held is taken from the chain where the chain has it", path.display())]
    Damaged {
        /// The record's file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl DatabaseError {
    fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path, source }
            }
            _ => Self::Io {
                action,
                path,
                source,
            },
        }
    }
}

/// The state folder of one account on one chain.
#[derive(Debug)]
pub struct Database {
    folder: PathBuf,
    // Holds the lock until it is dropped or the process ends, however it ends.
    _lock: Option<File>,
}

impl Database {
    /// Opens the database in `folder`, made where it is missing, for `account` on the chain `genesis`.
    pub fn open(folder: &Path, genesis: &H256, account: &[u8; 32]) -> Result<Self, DatabaseError> {
        fs::create_dir_all(folder).map_err(|e| DatabaseError::io("make", folder, e))?;
        let path = folder.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| DatabaseError::io("open", &path, e))?;
        lock_file(&lock, &path, folder)?;
        let beside = Self::beside(folder, genesis, account)?;
        Ok(Self {
            _lock: Some(lock),
            ..beside
        })
    }

    /// As [`Database::open`], whether a worker holds the folder or not: for commands that add records which that worker
    /// does not write.
    pub fn beside(
        folder: &Path,
        genesis: &H256,
        account: &[u8; 32],
    ) -> Result<Self, DatabaseError> {
        let own = format!("{}-{}", short(genesis.as_bytes()), short(account));
        let folder = folder.join(own);
        fs::create_dir_all(&folder).map_err(|e| DatabaseError::io("make", &folder, e))?;
        Ok(Self {
            folder,
            _lock: None,
        })
    }

    /// Reads a record; `None` when there is none.
    pub fn get<T: Decode>(&self, key: &str) -> Result<Option<T>, DatabaseError> {
        let Some(bytes) = self.get_bytes(key)? else {
            return Ok(None);
        };
        let mut rest = bytes.as_slice();
        match T::decode(&mut rest) {
            Ok(record) if rest.is_empty() => Ok(Some(record)),
            _ => Err(DatabaseError::Damaged {
                path: self.path(key),
                why: "it was written by another version of this program",
            }),
        }
    }

    /// Writes a record, replacing the one before it.
    pub fn put<T: Encode>(&self, key: &str, record: &T) -> Result<(), DatabaseError> {
        self.put_bytes(key, &record.encode())
    }

    /// Reads the bytes of a record; `None` when there is none.
    pub fn get_bytes(&self, key: &str) -> Result<Option<Vec<u8>>, DatabaseError> {
        let path = self.path(key);
        let mut bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(DatabaseError::io("read", &path, e)),
        };
        let whole = bytes
            .split_at_checked(32)
            .is_some_and(|(hash, rest)| hash == checksum(rest).as_bytes());
        if !whole {
            return Err(DatabaseError::Damaged {
                path,
                why: "its bytes do not have its checksum",
            });
        }
        bytes.drain(..32);
        Ok(Some(bytes))
    }

    /// Writes bytes as a record: all of them or none.
    pub fn put_bytes(&self, key: &str, bytes: &[u8]) -> Result<(), DatabaseError> {
        let path = self.path(key);
        let parent = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(parent).map_err(|e| DatabaseError::io("make", parent, e))?;
        let temporary = path.with_extension("new");
        let write = || -> io::Result<()> {
            // Salts and shards are nobody else's business before their time.
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&temporary)?;
            file.write_all(checksum(bytes).as_bytes())?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(parent)?.sync_all()
        };
        write().map_err(|e| {
            // What is left of a failed write only takes space.
            let _ = fs::remove_file(&temporary);
            DatabaseError::io("write", &path, e)
        })
    }

    /// Removes a record, or a folder of records.
    pub fn remove(&self, key: &str) -> Result<(), DatabaseError> {
        for path in [self.path(key), self.folder.join(key)] {
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            match removed {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(DatabaseError::io("remove", &path, e))
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Names of the records and folders directly below the folder `key`, sorted.
    pub fn list(&self, key: &str) -> Result<Vec<String>, DatabaseError> {
        let path = self.folder.join(key);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(DatabaseError::io("list", &path, e)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| DatabaseError::io("list", &path, e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.ends_with(".new") {
                names.push(name.trim_end_matches(".rec").to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// A folder beside the records, for parties that keep their own files; it may not exist yet.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.rec"))
    }
}

fn short(bytes: &[u8]) -> String {
    bytes.iter().take(8).map(|b| format!("{b:02x}")).collect()
}

fn checksum(bytes: &[u8]) -> H256 {
    content_hash(Domain::LocalRecord, &[bytes])
}

fn lock_file(lock: &File, path: &Path, folder: &Path) -> Result<(), DatabaseError> {
    // SAFETY: the descriptor belongs to `lock`, which lives across the call.
    let locked = unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    if locked == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    if error.kind() == io::ErrorKind::WouldBlock {
        return Err(DatabaseError::Locked {
            path: folder.to_path_buf(),
        });
    }
    Err(DatabaseError::io("lock", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Database {
        Database::open(folder, &H256::repeat_byte(1), &[2; 32]).unwrap()
    }

    #[test]
    fn record_should_survive_a_new_start_and_be_gone_when_removed() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(folder.path());
        assert_eq!(db.get::<u32>("mine/0-1/record").unwrap(), None);
        db.put("mine/0-1/record", &7u32).unwrap();
        drop(db);
        let db = open(folder.path());
        assert_eq!(db.get::<u32>("mine/0-1/record").unwrap(), Some(7));
        assert_eq!(db.list("mine").unwrap(), ["0-1"]);
        db.remove("mine/0-1").unwrap();
        assert_eq!(db.list("mine").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn damaged_record_should_be_an_error_that_names_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(folder.path());
        db.put("a", &7u32).unwrap();
        let path = db.path("a");
        let mut bytes = fs::read(&path).unwrap();
        bytes[33] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let error = db.get::<u32>("a").unwrap_err().to_string();
        assert!(
            error.contains("a.rec") && error.contains("checksum"),
            "{error}"
        );
        fs::write(&path, &bytes[..10]).unwrap();
        assert!(db.get::<u32>("a").is_err());
        db.put("a", &7u32).unwrap();
        assert!(matches!(
            db.get::<u64>("a"),
            Err(DatabaseError::Damaged { .. })
        ));
    }

    #[test]
    fn half_written_record_should_leave_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(folder.path());
        db.put("a", &7u32).unwrap();
        fs::write(db.path("a").with_extension("new"), b"torn").unwrap();
        assert_eq!(db.get::<u32>("a").unwrap(), Some(7));
        db.put("a", &8u32).unwrap();
        assert_eq!(db.get::<u32>("a").unwrap(), Some(8));
    }

    #[test]
    fn second_worker_should_be_refused_while_the_first_runs() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path());
        let second = Database::open(folder.path(), &H256::zero(), &[0; 32]);
        assert!(matches!(second, Err(DatabaseError::Locked { .. })));
        drop(first);
        assert!(Database::open(folder.path(), &H256::zero(), &[0; 32]).is_ok());
    }

    #[test]
    fn record_that_is_written_beside_a_worker_should_be_read_by_it_and_by_no_other_user() {
        let folder = tempfile::tempdir().unwrap();
        let running = open(folder.path());
        let beside = Database::beside(folder.path(), &H256::repeat_byte(1), &[2; 32]).unwrap();
        beside.put("shard/a", &7u32).unwrap();
        assert_eq!(running.get::<u32>("shard/a").unwrap(), Some(7));
        let mode = fs::metadata(running.path("shard/a")).unwrap().permissions();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
            0o600
        );
    }
}
