// SPDX-License-Identifier: GPL-3.0-or-later
//! A steward's held-out shards until they are opened: kept in its state folder, never in the blob store.

use crate::cli::hash;
use crate::database::{Database, DatabaseError};
use codec::{Decode, Encode};
use dream_chain::Shard;
use dream_primitives::value::MAX_SHARD;
use dream_primitives::{data, BranchId, H256};

/// Folder of the records.
const FOLDER: &str = "shard";

/// A shard that waits.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Prepared {
    /// Branch that it was cut for.
    pub branch: BranchId,
    /// Bytes in a sample.
    pub window: u32,
    /// Its samples, one after another.
    pub bytes: Vec<u8>,
}

/// Why text cannot be cut into shards.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ShardError {
    /// A shard of no sample, or of more than the chain takes.
    #[error("a shard of {samples} samples: it takes 1 to {MAX_SHARD} (--samples)")]
    Samples {
        /// Samples asked for.
        samples: u32,
    },
    /// Not enough text for one shard.
    #[error("the text holds {found} samples, one shard takes {samples}: give more text, or lower --samples")]
    TooShort {
        /// Samples asked for.
        samples: u32,
        /// Samples that there are.
        found: u32,
    },
}

impl Prepared {
    /// Root over the samples, as a data set's.
    pub fn root(&self) -> H256 {
        data::root(&self.bytes, self.window)
    }

    /// Number of samples.
    pub fn samples(&self) -> u32 {
        let samples = self.bytes.len().checked_div(self.window as usize);
        u32::try_from(samples.unwrap_or(0)).unwrap_or(u32::MAX)
    }

    /// Whether it is the shard that the chain speaks of.
    pub fn is(&self, shard: &Shard) -> bool {
        let size = (shard.samples as usize).saturating_mul(shard.window as usize);
        self.bytes.len() == size && self.window == shard.window && self.root() == shard.root
    }
}

/// Cuts text into as many shards of `samples` samples as it holds; without a number into one of all that it holds.
pub fn cut(
    branch: BranchId,
    bytes: &[u8],
    window: u32,
    samples: Option<u32>,
) -> Result<Vec<Prepared>, ShardError> {
    let found = bytes.len().checked_div(window as usize).unwrap_or(0);
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    let samples = samples.unwrap_or(found);
    if !(1..=MAX_SHARD).contains(&samples) {
        return Err(ShardError::Samples { samples });
    }
    if found < samples {
        return Err(ShardError::TooShort { samples, found });
    }
    let size = (samples as usize).saturating_mul(window as usize);
    let shards = bytes.chunks_exact(size).map(|bytes| Prepared {
        branch,
        window,
        bytes: bytes.to_vec(),
    });
    Ok(shards.collect())
}

fn key(root: &H256) -> String {
    format!("{FOLDER}/{root:x}")
}

/// Keeps a shard, and its root.
pub fn keep(database: &Database, shard: &Prepared) -> Result<H256, DatabaseError> {
    let root = shard.root();
    database.put(&key(&root), shard)?;
    Ok(root)
}

/// Roots of the shards that are kept.
pub fn roots(database: &Database) -> Result<Vec<H256>, DatabaseError> {
    let names = database.list(FOLDER)?;
    Ok(names.iter().filter_map(|name| hash(name).ok()).collect())
}

/// A shard that is kept.
pub fn get(database: &Database, root: &H256) -> Result<Option<Prepared>, DatabaseError> {
    database.get(&key(root))
}

/// Forgets a shard.
pub fn forget(database: &Database, root: &H256) -> Result<(), DatabaseError> {
    database.remove(&key(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_should_be_cut_into_whole_shards_that_have_the_roots_of_data_sets() {
        let text: Vec<u8> = (0..=255).collect();
        let shards = cut(3, &text, 9, Some(10)).unwrap();
        assert_eq!(shards.len(), 2);
        for (i, shard) in shards.iter().enumerate() {
            assert_eq!(shard.bytes, text[i * 90..(i + 1) * 90]);
            assert_eq!((shard.branch, shard.samples()), (3, 10));
            assert_eq!(shard.root(), data::root(&text[i * 90..(i + 1) * 90], 9));
        }
        let all = cut(3, &text, 9, None).unwrap();
        assert_eq!((all.len(), all[0].samples()), (1, 28));
        assert_eq!(all[0].bytes.len(), 28 * 9);
    }

    #[test]
    fn shard_should_be_the_chains_only_when_size_window_and_root_fit() {
        let text: Vec<u8> = (0..=255).collect();
        let shard = cut(0, &text, 9, Some(10)).unwrap().remove(0);
        let right = Shard {
            root: shard.root(),
            samples: 10,
            window: 9,
            steward: dream_chain::AccountId([1; 32]),
        };
        assert!(shard.is(&right));
        let root = H256::zero();
        assert!(!shard.is(&Shard { root, ..right }));
        assert!(!shard.is(&Shard {
            samples: 9,
            ..right
        }));
        assert!(!shard.is(&Shard {
            window: 10,
            ..right
        }));
    }

    #[test]
    fn text_that_gives_no_shard_should_be_refused_with_its_numbers() {
        let text = [1u8; 100];
        let samples = Some(12);
        let error = cut(0, &text, 9, samples).unwrap_err();
        assert_eq!(
            error,
            ShardError::TooShort {
                samples: 12,
                found: 11
            }
        );
        assert!(error.to_string().contains("11 samples"), "{error}");
        for samples in [Some(0), Some(MAX_SHARD + 1)] {
            assert!(matches!(
                cut(0, &text, 9, samples),
                Err(ShardError::Samples { .. })
            ));
        }
        assert_eq!(
            cut(0, &text, 101, None),
            Err(ShardError::Samples { samples: 0 })
        );
    }

    #[test]
    fn kept_shard_should_be_listed_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path(), &H256::zero(), &[1; 32]).unwrap();
        let shard = cut(0, &[7; 90], 9, None).unwrap().remove(0);
        let root = keep(&database, &shard).unwrap();
        assert_eq!(roots(&database).unwrap(), [root]);
        assert_eq!(get(&database, &root).unwrap(), Some(shard));
        forget(&database, &root).unwrap();
        assert_eq!(roots(&database).unwrap(), []);
        assert_eq!(get(&database, &root).unwrap(), None);
    }
}
