// SPDX-License-Identifier: GPL-3.0-or-later
//! The key that signs submissions.

use std::fmt;
use std::path::{Path, PathBuf};

use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::H256;
use subxt_signer::sr25519::Keypair;
use subxt_signer::{DeriveJunction, SecretUri};

use crate::AccountId;

/// An sr25519 key pair.
#[derive(Clone)]
pub struct Key(Keypair);

/// Why a key cannot be used. No text holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a secret URI.
    #[error(
        "not a secret URI: {cause}; write a mnemonic, 0x and a 32-byte hex seed, or a development key such as //Alice"
    )]
    Uri {
        /// What is wrong with it.
        cause: String,
    },
    /// The file cannot be read.
    #[error("cannot read the key file {path:?}: {cause}")]
    Unreadable {
        /// Path.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The first line is empty.
    #[error("the first line of the key file {path:?} is empty; it should hold a secret URI or a hex seed")]
    Empty {
        /// Path.
        path: PathBuf,
    },
    /// The first line is no secret URI.
    #[error("the first line of the key file {path:?} is {cause}")]
    File {
        /// Path.
        path: PathBuf,
        /// What is wrong with it.
        cause: Box<KeyError>,
    },
}

impl Key {
    /// The key of a secret URI: a mnemonic or a hex seed, with derivation path and password, or a development key such
    /// as `//Alice`.
    pub fn from_suri(uri: &str) -> Result<Self, KeyError> {
        let wrong = |cause: &dyn fmt::Display| KeyError::Uri {
            cause: cause.to_string(),
        };
        let bare_seed = uri.len() == 64 && uri.bytes().all(|b| b.is_ascii_hexdigit());
        let uri = if bare_seed {
            format!("0x{uri}")
        } else {
            uri.to_owned()
        };
        if uri.trim().is_empty() {
            return Err(wrong(&"it is empty"));
        }
        let uri: SecretUri = uri.parse().map_err(|e| wrong(&e))?;
        Keypair::from_uri(&uri).map(Self).map_err(|e| wrong(&e))
    }

    /// The key whose secret URI or hex seed stands on the first line of the file.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref().to_owned();
        let text = std::fs::read_to_string(&path).map_err(|cause| KeyError::Unreadable {
            path: path.clone(),
            cause,
        })?;
        let line = text.lines().next().unwrap_or_default().trim();
        if line.is_empty() {
            return Err(KeyError::Empty { path });
        }
        Self::from_suri(line).map_err(|cause| KeyError::File {
            path,
            cause: Box::new(cause),
        })
    }

    /// The account that the key owns.
    pub fn account(&self) -> AccountId {
        AccountId(self.0.public_key().0)
    }

    /// A secret of the account for one purpose, the same wherever the key is used: the public key of a hard-derived
    /// child, which nobody without the secret key can compute. The child is never used to sign.
    pub fn secret(&self, purpose: &str) -> H256 {
        let child = self.0.derive([DeriveJunction::hard(purpose)]);
        content_hash(Domain::LocalRecord, &[b"secret", &child.public_key().0])
    }

    pub(crate) fn pair(&self) -> &Keypair {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.account())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    const ALICE_SEED: &str = "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";

    #[test]
    fn key_should_be_the_well_known_one_from_uri_seed_and_file() {
        let account = |uri: &str| Key::from_suri(uri).unwrap().account().to_string();
        assert_eq!(account("//Alice"), ALICE);
        assert_eq!(account(ALICE_SEED), ALICE);
        assert_eq!(account(&format!("0x{ALICE_SEED}")), ALICE);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, format!("  {ALICE_SEED}\r\n# a note\n")).unwrap();
        let key = Key::from_file(&path).unwrap();
        assert_eq!(key.account().to_string(), ALICE);
        assert_eq!(format!("{key:?}"), format!("Key({ALICE})"));
    }

    #[test]
    fn secret_should_follow_from_key_and_purpose_alone() {
        let secret = |uri: &str, purpose: &str| Key::from_suri(uri).unwrap().secret(purpose);
        let alice = secret("//Alice", "canary");
        assert_eq!(alice, secret(ALICE_SEED, "canary"));
        assert_ne!(alice, secret("//Bob", "canary"));
        assert_ne!(alice, secret("//Alice", "other"));
    }

    #[test]
    fn key_errors_should_name_the_path_and_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("miner.key");
        let error = |path: &Path| Key::from_file(path).unwrap_err().to_string();
        assert!(error(&path).contains("miner.key") && error(&path).contains("cannot read"));
        std::fs::write(&path, "\n//Alice\n").unwrap();
        assert!(matches!(Key::from_file(&path), Err(KeyError::Empty { .. })));
        std::fs::write(&path, "correct horse battery staple").unwrap();
        let text = error(&path);
        assert!(
            text.contains("miner.key") && !text.contains("horse"),
            "{text}"
        );
        assert!(matches!(Key::from_suri(" "), Err(KeyError::Uri { .. })));
        assert!(matches!(
            Key::from_suri("0x1234"),
            Err(KeyError::Uri { .. })
        ));
    }
}
