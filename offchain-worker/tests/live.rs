// SPDX-License-Identifier: GPL-3.0-or-later
//! Merges on the real node with its WASM runtime, by real roles with a dummy model: a wrong merge is brought down move by
//! move, the right one becomes the head, and a claim is reverted.
//!
//! `dream-node` is looked for beside the programs of this package, where a build of the workspace puts it.

use dream_chain::{At, Call, Chain, Key, NodeClient, Options};
use dream_primitives::profile::ProfileSettings;
use dream_primitives::recipe::AggregationRule;
use dream_primitives::{state, BranchId, DREAM};
use dream_store::{BlobStore, LocalStore};
use dream_training::{SegmentRunner, TrainingError};
use dream_worker::blobs;
use dream_worker::calibration::calibrate;
use dream_worker::cli::{Global, Session};
use dream_worker::commands::{add_data, init_model, register_leaf};
use dream_worker::config::{preset, ModelConfig, Preset};
use dream_worker::database::Database;
use dream_worker::merge::Merged;
use dream_worker::roles::{self, merge::Merger, mine::Miner, verify::Verifier, Role};
use dream_worker::submit::RESEND_AFTER;
use dream_worker::worker::{DummyRunners, Runners, Silent, Stop, Worker};
use serde_json::{json, Value};
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const BRANCH: BranchId = 0;
/// Longest that a scene may take.
const PATIENCE: Duration = Duration::from_secs(900);
const BOND: u128 = 20_000 * DREAM;

fn settings() -> ProfileSettings {
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
struct Net {
    node: Child,
    folder: TempDir,
    client: NodeClient,
    config: ModelConfig,
}

impl Drop for Net {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

fn write_spec(folder: &Path) -> PathBuf {
    let exported = Command::new(node())
        .args(["export-chain-spec", "--chain", "dev"])
        .output()
        .unwrap();
    let mut spec: Value = serde_json::from_slice(&exported.stdout).unwrap();
    let parameters = "/genesis/runtimeGenesis/patch/chainParameters/parameters";
    let parameters = spec.pointer_mut(parameters).unwrap();
    for (name, value) in [
        ("trainingBlocks", 40),
        ("maxClaims", 2),
        ("newcomerSlots", 0),
        ("disputeBlocks", 20),
        ("responseBlocks", 15),
        ("retentionRounds", 4),
    ] {
        parameters["round"][name] = json!(value);
    }
    parameters["audit"]["canaryRate"] = json!(0);
    parameters["bonds"]["unbondingBlocks"] = json!(20_000);
    let path = folder.join("spec.json");
    fs::write(&path, serde_json::to_vec(&spec).unwrap()).unwrap();
    path
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

impl Net {
    /// A chain with a branch and data, and accounts that are bonded and have profiles.
    async fn start(accounts: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spec = write_spec(folder.path());
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
        let mut config = preset(Preset::Test);
        // More than 32 chunks, so that a dispute takes two answers.
        let dream_primitives::manifest::Architecture::Llama(llama) = &mut config.architecture;
        (llama.dim, llama.heads, llama.kv_heads) = (200, 4, 4);
        config.recipe.rule = AggregationRule::Median;
        let net = Self {
            node,
            folder,
            client,
            config,
        };
        let session = net.session();
        init_model(&session, &net.config, 7, Some((1_000_000, 1)))
            .await
            .unwrap();
        for account in accounts {
            let chain = net.chain(account);
            chain.submit(Call::Bond(BOND)).await.unwrap();
        }
        let leaf = net.leaf();
        for account in accounts {
            register_leaf(&*net.chain(account), BRANCH, settings(), leaf)
                .await
                .unwrap();
        }
        let text = net.folder.path().join("text");
        let bytes: Vec<u8> = (0..900u32).map(|i| (i * i % 251) as u8).collect();
        fs::write(&text, bytes).unwrap();
        add_data(&session, &text, "CC0-1.0", Some(1), false)
            .await
            .unwrap();
        net
    }

    fn chain(&self, account: &str) -> Arc<dyn Chain> {
        Arc::new(self.client.with_key(Key::from_suri(account).unwrap()))
    }

    fn store(&self) -> Arc<dyn BlobStore> {
        Arc::new(LocalStore::open(&self.folder.path().join("store")).unwrap())
    }

    fn session(&self) -> Session {
        Session {
            chain: Arc::new(self.client.with_key(Key::from_suri("//Alice").unwrap())),
            store: self.store(),
            global: Global {
                node: self.client.url().into(),
                key: None,
                suri: None,
                store: self.folder.path().join("store"),
                state: self.folder.path().join("root"),
                branch: BRANCH,
                threads: 1,
                patience: 60,
                no_challenge: false,
                json: false,
            },
            signs: true,
        }
    }

    fn leaf(&self) -> dream_primitives::H256 {
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

    fn worker(&self, account: &str, runners: Arc<dyn Runners>) -> Arc<Worker> {
        let chain = self.chain(account);
        let folder = self.folder.path().join(account.replace('/', "-"));
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

    fn plain(&self, account: &str) -> Arc<Worker> {
        self.worker(account, Arc::new(DummyRunners))
    }

    async fn until(&self, what: &str, done: impl AsyncFn() -> bool) {
        let began = Instant::now();
        while !done().await {
            let round = self
                .client
                .current_round(At::Finalised, BRANCH)
                .await
                .unwrap();
            assert!(
                began.elapsed() < PATIENCE,
                "not after {PATIENCE:?}: {what}; {round:?}"
            );
            let now = self.client.finalised().await.unwrap();
            self.client.next_finalised(now.number).await.unwrap();
        }
    }

    async fn head(&self) -> dream_primitives::version::VersionHeader {
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

    async fn bond(&self, account: &str) -> u128 {
        let who = Key::from_suri(account).unwrap().account();
        self.client.bond(At::Finalised, who).await.unwrap().total
    }
}

/// Flips one parameter of every merge.
struct WrongMerges;

impl Runners for WrongMerges {
    fn runner(
        &self,
        architecture: dream_primitives::manifest::Architecture,
        recipe: dream_primitives::recipe::Recipe,
        genesis: dream_primitives::H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        DummyRunners.runner(architecture, recipe, genesis)
    }

    fn merged(&self, mut merged: Merged) -> Merged {
        let middle = merged.state.len() / 2;
        merged.state[middle] ^= 1;
        merged.state_root = state::root(&merged.state);
        merged
    }
}

fn spawn(role: Box<dyn Role>) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = roles::run(role.as_ref()).await {
            eprintln!("{} ended: {error}", role.name());
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_merge_should_be_brought_down_and_a_claim_reverted_on_a_real_chain() {
    let wrong = "//Bob//stash";
    let accounts = [
        "//Bob",
        "//Charlie",
        "//Dave",
        "//Eve",
        "//Ferdie",
        wrong,
        "//Alice//stash",
    ];
    let net = Net::start(&accounts).await;
    let mut tasks = Vec::new();
    for verifier in ["//Dave", "//Eve", "//Ferdie"] {
        tasks.push(spawn(Box::new(Verifier::new(net.plain(verifier)))));
    }
    for miner in ["//Bob", "//Charlie"] {
        tasks.push(spawn(Box::new(Miner::new(net.plain(miner)))));
    }
    let first = net.head().await;
    let cheat = spawn(Box::new(Merger::new(
        net.worker(wrong, Arc::new(WrongMerges)),
    )));
    // The honest merger starts when the wrong merge is there.
    net.until("a posted merge", async || {
        let round = net
            .client
            .current_round(At::Finalised, BRANCH)
            .await
            .unwrap();
        round.is_some_and(|r| r.merge.is_some())
    })
    .await;
    tasks.push(spawn(Box::new(Merger::new(net.plain("//Alice//stash")))));
    net.until("the wrong merger's loss", async || {
        net.bond(wrong).await < BOND
    })
    .await;
    cheat.abort();
    net.until("version 1", async || net.head().await.number >= 1)
        .await;
    let head = net.head().await;
    let store = net.store();
    let right = blobs::version_state(&*store, &net.config.architecture, &head).await;
    assert_eq!(state::root(&right.unwrap()), head.state_root);

    // Both claims of the first round with a version are taken out.
    let round = net
        .client
        .current_round(At::Finalised, BRANCH)
        .await
        .unwrap()
        .unwrap();
    let mut merged = Vec::new();
    net.until("merged claims", async || {
        for id in net
            .client
            .round_claims(At::Finalised, round.id)
            .await
            .unwrap()
        {
            let record = net.client.claim(At::Finalised, id).await.unwrap();
            if !record.is_some_and(|r| r.merged) {
                return false;
            }
        }
        true
    })
    .await;
    merged.extend(
        net.client
            .round_claims(At::Finalised, round.id)
            .await
            .unwrap(),
    );
    let root = net.chain("//Alice");
    for id in merged {
        root.submit(Call::Sudo(Box::new(Call::RevertClaim(id))))
            .await
            .unwrap();
    }
    net.until("a lineage without them", async || {
        let head = net.head().await;
        let round = net
            .client
            .current_round(At::Finalised, BRANCH)
            .await
            .unwrap();
        let replayed = round.is_some_and(|r| r.replays.is_some());
        head.state_root == first.state_root || replayed
    })
    .await;
    for task in tasks {
        task.abort();
    }
}
