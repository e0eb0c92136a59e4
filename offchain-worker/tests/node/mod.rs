// SPDX-License-Identifier: GPL-3.0-or-later
//! A real node of a development chain, and workers of its accounts.
//!
//! `dream-node` is looked for beside the programs of this package, where a build of the workspace puts it.
#![allow(dead_code)] // Each test file uses a part.

use dream_chain::{At, Call, Chain, Key, NodeClient, Options, PrivateChain};
use dream_primitives::profile::ProfileSettings;
use dream_primitives::{BranchId, DREAM};
use dream_store::{BlobStore, LocalStore};
use dream_worker::calibration::calibrate;
use dream_worker::cli::{Global, Session};
use dream_worker::commands::{init_model, register_leaf};
use dream_worker::config::ModelConfig;
use dream_worker::database::Database;
use dream_worker::roles::{self, Role};
use dream_worker::submit::RESEND_AFTER;
use dream_worker::worker::{DummyRunners, Runners, Silent, Stop, Worker};
use serde_json::Value;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const BRANCH: BranchId = 0;
/// Longest that a scene may take.
const PATIENCE: Duration = Duration::from_secs(900);
pub const BOND: u128 = 20_000 * DREAM;

pub fn settings() -> ProfileSettings {
    ProfileSettings {
        isa: Default::default(),
        math: Default::default(),
        library: Default::default(),
        threads: 1,
    }
}

fn node() -> PathBuf {
    let node = PathBuf::from(env!("CARGO_BIN_EXE_dream-worker")).with_file_name("dream-node");
    let path = node.display();
    assert!(
        node.is_file(),
        "{path} is not there: build the workspace first (make build)"
    );
    node
}

/// A node of a development chain with short rounds; it dies with the value.
pub struct Net {
    node: Child,
    pub folder: TempDir,
    pub client: NodeClient,
    pub config: ModelConfig,
}

impl Drop for Net {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

fn write_spec(folder: &Path, change: fn(&mut Value)) -> PathBuf {
    let exported = Command::new(node())
        .args(["export-chain-spec", "--chain", "dev"])
        .output()
        .unwrap();
    let mut spec: Value = serde_json::from_slice(&exported.stdout).unwrap();
    change(spec.pointer_mut("/genesis/runtimeGenesis/patch").unwrap());
    let path = folder.join("spec.json");
    fs::write(&path, serde_json::to_vec(&spec).unwrap()).unwrap();
    path
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

impl Net {
    /// A chain whose genesis `change` changes, with a branch of this model (`admission`: its share of the emission and units a
    /// token), and accounts that are bonded and have profiles.
    pub async fn start(
        change: fn(&mut Value),
        config: ModelConfig,
        admission: Option<(u32, u32)>,
        accounts: &[&str],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = write_spec(folder.path(), change);
        let (rpc, port) = (free_port().to_string(), free_port().to_string());
        let log = File::create(folder.path().join("node.log")).unwrap();
        let node = Command::new(node())
            .args([
                "--validator",
                "--alice",
                "--no-telemetry",
                "--no-prometheus",
                "--no-mdns",
            ])
            .args([
                "--rpc-port",
                &rpc,
                "--port",
                &port,
                "--rpc-max-connections",
                "100",
            ])
            .args(["--node-key", &"07".repeat(32)])
            .args(["--chain".as_ref(), spec.as_os_str()])
            .args([
                "--base-path".as_ref(),
                folder.path().join("chain").as_os_str(),
            ])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let root = Key::from_suri("//Alice").unwrap();
        let url = format!("ws://127.0.0.1:{rpc}");
        let client = NodeClient::connect(&url, root, Options::default()).await;
        let client = client.unwrap_or_else(|error| {
            let log = fs::read_to_string(folder.path().join("node.log"));
            panic!("{error}\n{}", log.unwrap_or_default())
        });
        let net = Self {
            node,
            folder,
            client,
            config,
        };
        let session = net.session();
        init_model(&session, &net.config, 7, admission)
            .await
            .unwrap();
        let leaf = net.leaf();
        // All at once: each waits until it is finalised.
        let entered = accounts.iter().map(|account| {
            let chain = net.chain(account);
            async move {
                chain.submit(Call::Bond(BOND)).await.unwrap();
                register_leaf(&*chain, BRANCH, settings(), leaf)
                    .await
                    .unwrap();
            }
        });
        futures::future::join_all(entered).await;
        net
    }

    pub fn chain(&self, account: &str) -> Arc<dyn Chain> {
        Arc::new(self.client.with_key(Key::from_suri(account).unwrap()))
    }

    pub fn store(&self) -> Arc<dyn BlobStore> {
        Arc::new(LocalStore::open(&self.folder.path().join("store")).unwrap())
    }

    /// What commands of the chain's root act with.
    pub fn session(&self) -> Session {
        self.session_of("//Alice", "root")
    }

    /// What commands of an account act with whose state is in this folder.
    pub fn session_of(&self, account: &str, state: &str) -> Session {
        Session {
            chain: self.chain(account),
            store: self.store(),
            global: Global {
                node: self.client.url().into(),
                key: None,
                suri: None,
                store: self.folder.path().join("store"),
                state: self.folder.path().join(state),
                branch: BRANCH,
                threads: 1,
                patience: 60,
                no_challenge: false,
                json: false,
            },
            signs: true,
        }
    }

    pub fn leaf(&self) -> dream_primitives::H256 {
        let (config, genesis) = (&self.config, self.client.genesis());
        let mut runner = DummyRunners
            .runner(config.architecture, config.recipe, genesis)
            .unwrap();
        let (architecture, recipe) = (&config.architecture, &config.recipe);
        let silent = &mut dream_training::silent;
        calibrate(
            runner.as_mut(),
            &genesis,
            BRANCH,
            architecture,
            recipe,
            &settings(),
            silent,
        )
        .unwrap()
    }

    pub fn worker(&self, account: &str, runners: Arc<dyn Runners>) -> Arc<Worker> {
        let chain = self.chain(account);
        let folder = self.folder.path().join(state_of(account));
        let own = chain.account();
        let database = Database::open(&folder, &chain.genesis(), own.as_bytes()).unwrap();
        Arc::new(Worker {
            chain,
            store: self.store(),
            database: Arc::new(database),
            runners,
            settings: settings(),
            branch: BRANCH,
            challenges: true,
            threads: 1,
            resend_after: RESEND_AFTER,
            show: Arc::new(Silent),
            stop: Stop::default(),
            corpus: Default::default(),
            head: Default::default(),
        })
    }

    pub fn plain(&self, account: &str) -> Arc<Worker> {
        self.worker(account, Arc::new(DummyRunners))
    }

    pub async fn until(&self, what: &str, done: impl AsyncFn() -> bool) {
        let began = Instant::now();
        while !done().await {
            let chain: &dyn Chain = &self.client;
            let round = chain.current_round(At::Finalised, BRANCH).await.unwrap();
            let private = chain.last_private_round(At::Finalised, BRANCH).await;
            let private = private.unwrap();
            assert!(
                began.elapsed() < PATIENCE,
                "not after {PATIENCE:?}: {what}; {round:?}; {private:?}"
            );
            let now = self.client.finalised().await.unwrap();
            self.client.next_finalised(now.number).await.unwrap();
        }
    }

    pub async fn head(&self) -> dream_primitives::version::VersionHeader {
        let branch = self
            .client
            .branch(At::Finalised, BRANCH)
            .await
            .unwrap()
            .unwrap();
        let head = self
            .client
            .version(At::Finalised, branch.head)
            .await
            .unwrap();
        head.unwrap()
    }

    pub async fn bond(&self, account: &str) -> u128 {
        let who = Key::from_suri(account).unwrap().account();
        self.client.bond(At::Finalised, who).await.unwrap().total
    }
}

/// Folder of an account's state.
pub fn state_of(account: &str) -> String {
    account.replace('/', "-")
}

pub fn spawn(role: Box<dyn Role>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = roles::run(role.as_ref()).await {
            eprintln!("{} ended: {error}", role.name());
        }
    })
}
