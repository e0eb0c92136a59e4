// SPDX-License-Identifier: GPL-3.0-or-later
//! What ends a command, and the exit code that it ends with.

use crate::blobs::BlobError;
use crate::database::DatabaseError;
use crate::folder::FolderError;
use crate::merge::MergeError;
use dream_chain::{ChainError, SubmitError};
use dream_primitives::{BranchId, DatasetId, H256};
use dream_privacy::{ContributionError, LedgerError, NoSystemRandomness, NoiseError};
use dream_private::contributor::ContributorError;
use dream_private::layers::LayersError;
use dream_private::member::MemberError;
use dream_private::record::RecordError;
use dream_store::StoreError;
use dream_training::TrainingError;
use std::path::PathBuf;

/// Exit codes, stable: scripts may rely on them.
pub mod exit {
    /// Done.
    pub const OK: u8 = 0;
    /// Anything that has no code of its own.
    pub const FAILED: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 2;
    /// The node cannot be reached, or runs another runtime.
    pub const NODE: u8 = 3;
    /// The chain refused a transaction.
    pub const REFUSED: u8 = 4;
    /// A file, folder, key or value given by the user is wrong.
    pub const INPUT: u8 = 5;
    /// A blob is missing, truncated or corrupt.
    pub const BLOB: u8 = 6;
    /// A transaction was sent and its result is not known.
    pub const UNKNOWN: u8 = 7;
    /// The disk is full, or the state folder or the store cannot be used.
    pub const DISK: u8 = 8;
    /// Stopped by Ctrl-C or SIGTERM.
    pub const INTERRUPTED: u8 = 130;
}

/// The exit codes, for `--help`.
pub const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed; 2 wrong command line; 3 node unreachable or of another \
runtime; 4 refused by the chain; 5 wrong file, key or value; 6 blob missing or corrupt; 7 transaction sent, result \
unknown; 8 disk full, state folder or store unusable; 130 interrupted.";

/// Why a command or a role ended.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The chain could not be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A transaction did not succeed.
    #[error("{what}: {source}")]
    Submit {
        /// What was submitted.
        what: String,
        /// Why not.
        source: Box<SubmitError>,
    },
    /// The state database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A blob could not be had.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A data set could not be had.
    #[error("{source}")]
    Data {
        /// The data set.
        dataset: DatasetId,
        /// Why not.
        source: Box<BlobError>,
    },
    /// The blob store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Training failed.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A merge is not possible.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The chain's parameters of private rounds cannot be served.
    #[error(transparent)]
    Layers(#[from] LayersError),
    /// A record of a private round failed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A member of the key committee cannot act.
    #[error(transparent)]
    Member(#[from] MemberError),
    /// A contributor cannot act.
    #[error(transparent)]
    Contributor(#[from] ContributorError),
    /// The privacy that was asked for cannot be had.
    #[error("{0} (--norm, --epsilon, --delta, --rounds, --variance)")]
    Noise(#[from] NoiseError),
    /// The records of what was given away are none.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A delta gave no contribution.
    #[error(transparent)]
    Contribution(#[from] ContributionError),
    /// No noise without randomness.
    #[error(transparent)]
    Randomness(#[from] NoSystemRandomness),
    /// A folder is no data set.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The branch does not exist.
    #[error("branch {branch} is not on this chain: {} (see `dream-worker status`)", known(*.branches))]
    UnknownBranch {
        /// Branch asked for.
        branch: BranchId,
        /// Number of branches on the chain.
        branches: BranchId,
    },
    /// The claim does not exist.
    #[error("claim {0:?} is not on this chain")]
    UnknownClaim(H256),
    /// The referendum does not exist.
    #[error("referendum {referendum} is not on this chain: {}", match .referenda { 0 => "it had none so far".to_owned(), n => format!("it had {n} so far, counted from 0") })]
    UnknownReferendum {
        /// Referendum asked for.
        referendum: u32,
        /// Number of referenda so far.
        referenda: u32,
    },
    /// The branch has no mixture.
    #[error("branch {0} has no data: governance must set its mixture first (on a development chain: `dream-worker data add FOLDER --branch {0} --admit`)")]
    NoMixture(BranchId),
    /// A file cannot be read or does not hold what it should.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A value given by the user is wrong.
    #[error("{0}")]
    Input(String),
    /// The account is not ready for the role.
    #[error("{0}")]
    NotReady(String),
    /// A background task ended without a result.
    #[error("a background task ended: {0}")]
    Task(String),
    /// Ctrl-C or SIGTERM.
    #[error("stopped")]
    Interrupted,
}

fn known(branches: BranchId) -> String {
    match branches {
        0 => "it has no branch yet; `dream-worker model init` makes one".into(),
        1 => "its only branch is 0".into(),
        n => format!("its branches are 0 to {}", n - 1),
    }
}

fn blob_code(error: &BlobError) -> u8 {
    match error {
        BlobError::Store { source, .. } => store_code(source),
        _ => exit::BLOB,
    }
}

fn store_code(error: &StoreError) -> u8 {
    match error {
        StoreError::NotFound { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Truncated { .. }
        | StoreError::TooLarge { .. } => exit::BLOB,
        StoreError::DiskFull { .. } | StoreError::Io { .. } => exit::DISK,
        StoreError::Stopped => exit::INTERRUPTED,
    }
}

impl WorkerError {
    /// The exit code of a command that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Chain(_) => exit::NODE,
            Self::Submit { source, .. } => match source.as_ref() {
                SubmitError::Chain(_) => exit::NODE,
                SubmitError::Unknown { .. } => exit::UNKNOWN,
                _ => exit::REFUSED,
            },
            Self::Database(_) | Self::Record(_) => exit::DISK,
            Self::Store(error) => store_code(error),
            Self::Blob(source) => blob_code(source),
            Self::Data { source, .. } => blob_code(source),
            Self::Folder(_)
            | Self::UnknownBranch { .. }
            | Self::UnknownClaim(_)
            | Self::UnknownReferendum { .. }
            | Self::File { .. }
            | Self::Input(_)
            | Self::NotReady(_)
            | Self::Noise(_)
            | Self::Ledger(_)
            | Self::NoMixture(_) => exit::INPUT,
            Self::Training(TrainingError::Stopped) | Self::Interrupted => exit::INTERRUPTED,
            Self::Layers(_) => exit::NODE,
            Self::Training(_)
            | Self::Merge(_)
            | Self::Task(_)
            | Self::Member(_)
            | Self::Contributor(_)
            | Self::Contribution(_)
            | Self::Randomness(_) => exit::FAILED,
        }
    }

    /// Whether it is a blob that is at fault, not this machine.
    pub fn lacking(&self) -> bool {
        match self {
            Self::Blob(error) => error.lacking(),
            Self::Data { source, .. } => source.lacking(),
            _ => false,
        }
    }

    /// Names what was submitted.
    pub fn submitting(what: impl Into<String>) -> impl FnOnce(SubmitError) -> Self {
        let what = what.into();
        move |source| Self::Submit {
            what,
            source: Box::new(source),
        }
    }
}

impl From<tokio::task::JoinError> for WorkerError {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Task(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn exit_codes_should_stay_as_documented() {
        let unreachable = || ChainError::Unreachable {
            url: "ws://127.0.0.1:1".into(),
            after: Duration::from_secs(1),
            cause: "refused".into(),
        };
        let refused = WorkerError::Submit {
            what: "bond".into(),
            source: Box::new(SubmitError::Invalid {
                reason: "fees".into(),
            }),
        };
        let unknown = WorkerError::Submit {
            what: "bond".into(),
            source: Box::new(SubmitError::Unknown {
                extrinsic: H256::zero(),
                cause: "gone".into(),
            }),
        };
        let cid = dream_store::cid_of(b"x");
        let missing = StoreError::NotFound {
            cid,
            store: "here".into(),
        };
        let full = StoreError::DiskFull {
            path: "x".into(),
            source: std::io::ErrorKind::StorageFull.into(),
        };
        let cases = [
            (WorkerError::Chain(unreachable()), 3),
            (refused, 4),
            (unknown, 7),
            (
                WorkerError::UnknownBranch {
                    branch: 3,
                    branches: 1,
                },
                5,
            ),
            (WorkerError::Store(missing), 6),
            (WorkerError::Store(full), 8),
            (WorkerError::Interrupted, 130),
        ];
        for (error, code) in cases {
            assert_eq!(error.exit_code(), code, "{error}");
            assert!(EXIT_CODES.contains(&format!(" {code} ")), "{code}");
        }
    }

    #[test]
    fn unknown_branch_should_say_which_there_are() {
        let text = |branches| {
            WorkerError::UnknownBranch {
                branch: 7,
                branches,
            }
            .to_string()
        };
        assert!(text(0).contains("model init"));
        assert!(text(3).contains("branch 7") && text(3).contains("0 to 2"));
    }
}
