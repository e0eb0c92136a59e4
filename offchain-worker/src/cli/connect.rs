// SPDX-License-Identifier: GPL-3.0-or-later
//! Key, store and node of a command.

use super::Global;
use crate::error::WorkerError;
use dream_chain::{AccountId, Chain, Key, NodeClient, Options};
use dream_store::{BlobStore, LocalStore};
use std::sync::Arc;
use std::time::Duration;

/// Key of read commands that were given none. It never signs.
const READER: &str = "//reader";

/// What a command works with.
pub struct Session {
    /// The chain, as the account of the key.
    pub chain: Arc<dyn Chain>,
    /// Blobs.
    pub store: Arc<dyn BlobStore>,
    /// The command line's common part.
    pub global: Global,
    /// Whether a key was given.
    pub signs: bool,
}

/// The account of a secret URI.
pub fn account_of(suri: &str) -> Result<AccountId, WorkerError> {
    Ok(from_suri(suri)?.account())
}

fn from_suri(suri: &str) -> Result<Key, WorkerError> {
    Key::from_suri(suri).map_err(|e| WorkerError::Input(format!("--suri: {e}")))
}

/// The key that the command line names; `None` when it names none.
fn key(global: &Global) -> Result<Option<Key>, WorkerError> {
    match (&global.key, &global.suri) {
        (Some(file), _) => {
            let key = Key::from_file(file).map_err(|e| WorkerError::Input(e.to_string()))?;
            Ok(Some(key))
        }
        (None, Some(suri)) => from_suri(suri).map(Some),
        (None, None) => Ok(None),
    }
}

/// Reads the key, opens the store and connects to the node, in this order: what is wrong here is said at once.
pub async fn connect(global: &Global, must_sign: bool) -> Result<Session, WorkerError> {
    let key = key(global)?;
    let signs = key.is_some();
    let key = match key {
        Some(key) => key,
        None if must_sign => {
            let text = "this command signs: name the account's key with --key FILE or --suri URI";
            return Err(WorkerError::Input(text.into()));
        }
        None => from_suri(READER)?,
    };
    let store = LocalStore::open(&global.store)?;
    let options = Options {
        patience: Duration::from_secs(global.patience),
    };
    let chain = NodeClient::connect(&global.node, key, options).await?;
    Ok(Session {
        chain: Arc::new(chain),
        store: Arc::new(store),
        global: global.clone(),
        signs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn global() -> (Global, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let global = Global {
            node: "nonsense".into(),
            key: None,
            suri: None,
            store: folder.path().join("store"),
            state: folder.path().join("state"),
            branch: 0,
            threads: 1,
            patience: 1,
            no_challenge: false,
            json: false,
        };
        (global, folder)
    }

    async fn refusal(global: &Global, must_sign: bool) -> WorkerError {
        match connect(global, must_sign).await {
            Ok(_) => panic!("it connected"),
            Err(error) => error,
        }
    }

    #[tokio::test]
    async fn missing_or_unreadable_key_should_be_named_before_anything_else() {
        let (mut g, folder) = global();
        let error = refusal(&g, true).await;
        assert_eq!(error.exit_code(), 5);
        assert!(error.to_string().contains("--key"), "{error}");
        g.key = Some(folder.path().join("missing.key"));
        let error = refusal(&g, true).await;
        assert_eq!(error.exit_code(), 5);
        assert!(error.to_string().contains("missing.key"), "{error}");
        g.key = None;
        g.suri = Some("not a key".into());
        let error = refusal(&g, true).await;
        assert_eq!(error.exit_code(), 5);
        assert!(!error.to_string().contains("not a key"), "{error}");
    }

    #[tokio::test]
    async fn unusable_store_and_address_should_be_named() {
        let (mut g, folder) = global();
        let error = refusal(&g, false).await;
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("nonsense"), "{error}");
        let file = folder.path().join("file");
        std::fs::write(&file, b"x").unwrap();
        g.store = PathBuf::from(&file);
        let error = refusal(&g, false).await;
        assert_eq!(error.exit_code(), 8);
        assert!(error.to_string().contains("file"), "{error}");
    }
}
