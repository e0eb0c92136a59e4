// SPDX-License-Identifier: GPL-3.0-or-later
//! A network in memory: chain, store, accounts, and roles that can be killed and started again.

// Each test file uses its own part of this.
#![allow(dead_code)]

use async_trait::async_trait;
use dream_chain::mock::{MockChain, Sealing};
use dream_chain::{
    AccountId, At, BlockRef, Call, Chain, ChainError, ClaimRecord, Item, Receipt, Round,
    SubmitError,
};
use dream_primitives::claim::RoundId;
use dream_primitives::dispute::DeltaOpening;
use dream_primitives::params::ChainParameters;
use dream_primitives::profile::ProfileSettings;
use dream_primitives::recipe::DeltaCodec;
use dream_primitives::round::Phase;
use dream_primitives::value::ScoreRecord;
use dream_primitives::{BranchId, DREAM, H256};
use dream_store::{BlobStore, MemoryStore};
use dream_worker::calibration::calibrate;
use dream_worker::cli::{Global, Session};
use dream_worker::commands::{add_data, commit_shard, init_model, prepare_shards, register_leaf};
use dream_worker::config::{preset, ModelConfig, Preset};
use dream_worker::database::Database;
use dream_worker::roles::{merge::Merger, mine::Miner, verify::Verifier, Role};
use dream_worker::worker::{DummyRunners, Parts, Runners, Silent, Stop, Worker};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::Notify;

pub const BRANCH: BranchId = 0;
/// What each account bonds.
pub const BOND: u128 = 50_000 * DREAM;
/// Blocks for which a note on a submission holds in these tests.
pub const RESEND_AFTER: u32 = 15;

pub fn account(n: u8) -> AccountId {
    AccountId([n; 32])
}

pub fn config() -> ModelConfig {
    preset(Preset::Test)
}

/// As [`config`], with sparse deltas and error feedback.
pub fn sparse_config() -> ModelConfig {
    let mut config = config();
    config.recipe.delta = DeltaCodec::TopK { per_chunk: 12 };
    config.recipe.error_feedback = 1 << 16;
    config
}

pub fn settings() -> ProfileSettings {
    ProfileSettings {
        isa: Default::default(),
        math: Default::default(),
        library: Default::default(),
        threads: 1,
    }
}

/// A call that was sent and what became of it.
#[derive(Clone, Debug)]
pub struct Sent {
    pub account: AccountId,
    pub call: Call,
    pub refused: Option<String>,
}

/// At which point of a chain operation a role is killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kill {
    /// Before the operation.
    Before,
    /// After it, before the role hears of it.
    After,
}

/// A chain that records submissions and kills its user at a chosen operation.
pub struct Watched {
    pub inner: MockChain,
    pub log: Arc<Mutex<Vec<Sent>>>,
    pub trap: Arc<Trap>,
}

#[derive(Default)]
pub struct Trap {
    left: Mutex<Option<(u32, Kill)>>,
    /// Every operation so far; whether it was a submission.
    pub operations: Mutex<Vec<bool>>,
    pub sprung: Notify,
}

impl Trap {
    pub fn set(&self, operation: u32, kill: Kill) {
        *self.left.lock().unwrap() = Some((operation, kill));
    }

    fn count(&self, submission: bool) -> Option<Kill> {
        self.operations.lock().unwrap().push(submission);
        let mut left = self.left.lock().unwrap();
        match left.as_mut() {
            Some((0, kill)) => {
                let kill = *kill;
                *left = None;
                Some(kill)
            }
            Some((n, _)) => {
                *n -= 1;
                None
            }
            None => None,
        }
    }

    /// Tells the test to drop the role, and never returns.
    async fn spring(&self) -> ! {
        self.sprung.notify_one();
        std::future::pending::<()>().await;
        unreachable!("pending never ends")
    }

    pub fn is_set(&self) -> bool {
        self.left.lock().unwrap().is_some()
    }
}

#[async_trait]
impl Chain for Watched {
    fn account(&self) -> AccountId {
        self.inner.account()
    }

    fn genesis(&self) -> H256 {
        self.inner.genesis()
    }

    fn secret(&self, purpose: &str) -> H256 {
        self.inner.secret(purpose)
    }

    async fn finalised(&self) -> Result<BlockRef, ChainError> {
        self.inner.finalised().await
    }

    async fn next_finalised(&self, after: u32) -> Result<BlockRef, ChainError> {
        self.inner.next_finalised(after).await
    }

    async fn raw(&self, at: At, item: Item) -> Result<Option<Vec<u8>>, ChainError> {
        if self.trap.count(false).is_some() {
            self.trap.spring().await;
        }
        self.inner.raw(at, item).await
    }

    async fn events(&self, block: u32) -> Result<Option<Vec<dream_chain::Event>>, ChainError> {
        self.inner.events(block).await
    }

    async fn supplied(
        &self,
        claim: H256,
        from: u32,
        until: BlockRef,
    ) -> Result<Vec<DeltaOpening>, ChainError> {
        self.inner.supplied(claim, from, until).await
    }

    async fn under_way(&self) -> Result<bool, ChainError> {
        if self.trap.count(false).is_some() {
            self.trap.spring().await;
        }
        self.inner.under_way().await
    }

    async fn submit(&self, call: Call) -> Result<Receipt, SubmitError> {
        let kill = self.trap.count(true);
        if kill == Some(Kill::Before) {
            self.trap.spring().await;
        }
        let result = self.inner.submit(call.clone()).await;
        let refused = match &result {
            Err(error @ SubmitError::Dispatch { .. }) => Some(error.to_string()),
            _ => None,
        };
        self.log.lock().unwrap().push(Sent {
            account: self.account(),
            call,
            refused,
        });
        if kill == Some(Kill::After) {
            self.trap.spring().await;
        }
        result
    }
}

/// The network.
pub struct Net {
    pub config: ModelConfig,
    pub root: MockChain,
    pub store: Arc<MemoryStore>,
    pub log: Arc<Mutex<Vec<Sent>>>,
    pub folder: TempDir,
}

/// A temporary folder in memory where the system has one: state databases sync every record.
fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match tempfile::tempdir_in(memory) {
        Ok(folder) => folder,
        Err(_) => tempfile::tempdir().unwrap(),
    }
}

/// A session of `chain` on `store`.
pub fn session(chain: MockChain, store: Arc<MemoryStore>, folder: &Path) -> Session {
    Session {
        chain: Arc::new(chain),
        store,
        global: Global {
            node: "mock".into(),
            key: None,
            suri: None,
            store: folder.join("store"),
            state: folder.join("root"),
            branch: BRANCH,
            threads: 1,
            patience: 1,
            no_challenge: false,
            json: false,
        },
        signs: true,
    }
}

impl Net {
    /// A chain whose branch 0 has a model and data; accounts 1 to `accounts` are bonded and have profiles. Nobody is on
    /// canary duty.
    pub async fn new(accounts: u8, max_claims: u32) -> Self {
        Self::with(accounts, max_claims, |p| p.audit.canary_rate = 0).await
    }

    /// As [`Net::new`], with other parameters.
    pub async fn with(
        accounts: u8,
        max_claims: u32,
        change: impl FnOnce(&mut ChainParameters),
    ) -> Self {
        Self::of(accounts, max_claims, config(), change).await
    }

    /// As [`Net::with`], with another model.
    pub async fn of(
        accounts: u8,
        max_claims: u32,
        config: ModelConfig,
        change: impl FnOnce(&mut ChainParameters),
    ) -> Self {
        let mut parameters = ChainParameters::development();
        parameters.round.max_claims = max_claims;
        parameters.round.dispute_blocks = 1;
        change(&mut parameters);
        let root = MockChain::new(parameters, Sealing::Instant, account(0));
        let store = Arc::new(MemoryStore::new());
        let folder = quick_folder();
        root.endow(account(0), 100_000 * DREAM);
        for n in 1..=accounts {
            root.endow(account(n), 100_000 * DREAM);
        }
        root.advance(1);
        let net = Self {
            config,
            root,
            store,
            log: Arc::default(),
            folder,
        };
        let session = net.session();
        init_model(&session, &net.config, 7, Some((1_000_000, 1)))
            .await
            .unwrap();
        let leaf = net.leaf();
        for n in 1..=accounts {
            let handle = net.root.as_account(account(n));
            handle.submit(Call::Bond(BOND)).await.unwrap();
            let new = register_leaf(&handle, BRANCH, settings(), leaf).await;
            assert!(new.unwrap());
        }
        let text = net.folder.path().join("text");
        std::fs::write(
            &text,
            (0..9 * 100)
                .map(|i: u32| (i * i % 251) as u8)
                .collect::<Vec<u8>>(),
        )
        .unwrap();
        add_data(&session, &text, "CC0-1.0", Some(1), false)
            .await
            .unwrap();
        net
    }

    pub fn session(&self) -> Session {
        session(self.root.clone(), self.store.clone(), self.folder.path())
    }

    /// A session of account `n` with the state folder of its worker.
    pub fn session_of(&self, n: u8) -> Session {
        let chain = self.root.as_account(account(n));
        let mut own = session(chain, self.store.clone(), self.folder.path());
        own.global.state = self.folder.path().join(format!("worker-{n}"));
        own
    }

    fn leaf(&self) -> H256 {
        let (config, genesis) = (&self.config, self.root.genesis());
        let mut runner = DummyRunners
            .runner(config.architecture, config.recipe, genesis)
            .unwrap();
        calibrate(
            runner.as_mut(),
            &genesis,
            BRANCH,
            &config.architecture,
            &config.recipe,
            &settings(),
            &mut dream_training::silent,
        )
        .unwrap()
    }

    /// The worker of account `n`, on its state folder, as a fresh process would make it.
    pub fn worker(&self, n: u8, runners: Arc<dyn Runners>, trap: Arc<Trap>) -> Arc<Worker> {
        let chain = self.watched(n, trap);
        self.put_together(n, runners, Arc::new(chain), self.store.clone())
    }

    /// The worker of account `n`, put together from parts as the program does it.
    pub fn worker_of(&self, n: u8, parts: &dyn Parts) -> Arc<Worker> {
        let chain = parts.chain(Arc::new(self.watched(n, Arc::default())));
        let store = parts.store(self.store.clone());
        self.put_together(n, parts.runners(), chain, store)
    }

    fn watched(&self, n: u8, trap: Arc<Trap>) -> Watched {
        Watched {
            inner: self.root.as_account(account(n)),
            log: self.log.clone(),
            trap,
        }
    }

    fn put_together(
        &self,
        n: u8,
        runners: Arc<dyn Runners>,
        chain: Arc<dyn Chain>,
        store: Arc<dyn BlobStore>,
    ) -> Arc<Worker> {
        let folder = self.folder.path().join(format!("worker-{n}"));
        let genesis = self.root.genesis();
        Arc::new(Worker {
            database: Arc::new(Database::open(&folder, &genesis, account(n).as_bytes()).unwrap()),
            chain,
            store,
            runners,
            settings: settings(),
            branch: BRANCH,
            challenges: true,
            threads: 2,
            resend_after: RESEND_AFTER,
            show: Arc::new(Silent),
            stop: Stop::default(),
            corpus: Default::default(),
            head: Default::default(),
        })
    }

    pub fn plain(&self, n: u8) -> Arc<Worker> {
        self.worker(n, Arc::new(DummyRunners), Arc::default())
    }

    /// Cuts `count` held-out shards of `samples` samples for the steward `n`, and has root commit them.
    pub async fn shards(&self, n: u8, count: u32, samples: u32) -> Vec<H256> {
        let text = self.folder.path().join("held-out");
        let bytes = count * samples * (self.config.recipe.context + 1);
        let bytes: Vec<u8> = (900..900 + bytes).map(|i| (i * i % 251) as u8).collect();
        std::fs::write(&text, bytes).unwrap();
        let own = self.session_of(n);
        let roots = prepare_shards(&own, &text, Some(samples), false)
            .await
            .unwrap();
        for root in &roots {
            let named = Some((*root, samples));
            commit_shard(&self.session(), named, Some(account(n)))
                .await
                .unwrap();
        }
        roots
    }

    pub async fn scores(&self) -> Vec<ScoreRecord> {
        self.root.scores(At::Finalised, BRANCH).await.unwrap()
    }

    pub async fn round(&self, number: u32) -> Round {
        let id = RoundId {
            branch: BRANCH,
            number,
        };
        self.root.round(At::Finalised, id).await.unwrap().unwrap()
    }

    pub async fn phase(&self, number: u32) -> Option<Phase> {
        let id = RoundId {
            branch: BRANCH,
            number,
        };
        self.root
            .round(At::Finalised, id)
            .await
            .unwrap()
            .map(|r| r.phase)
    }

    /// Lets the verifiers of [`Net::honest`] enlist before there is anything to verify.
    pub async fn enlist(&self, roles: &[Box<dyn Role>]) {
        for role in &roles[2..] {
            role.step().await.unwrap();
        }
    }

    pub async fn claims(&self, number: u32) -> Vec<(H256, ClaimRecord)> {
        let id = RoundId {
            branch: BRANCH,
            number,
        };
        let mut claims = Vec::new();
        for id in self.root.round_claims(At::Finalised, id).await.unwrap() {
            claims.push((
                id,
                self.root.claim(At::Finalised, id).await.unwrap().unwrap(),
            ));
        }
        claims
    }

    pub async fn version(&self) -> u32 {
        let branch = self
            .root
            .branch(At::Finalised, BRANCH)
            .await
            .unwrap()
            .unwrap();
        self.root
            .version(At::Finalised, branch.head)
            .await
            .unwrap()
            .unwrap()
            .number
    }

    /// Lets all roles act block by block until `done`, at most `blocks` blocks.
    pub async fn drive(
        &self,
        roles: &[Box<dyn Role>],
        blocks: u32,
        done: impl AsyncFn(&Self) -> bool,
    ) {
        for _ in 0..blocks {
            for role in roles {
                role.step().await.unwrap();
            }
            if done(self).await {
                return;
            }
            self.root.advance(1);
        }
        let round = self
            .root
            .current_round(At::Finalised, BRANCH)
            .await
            .unwrap();
        panic!("not done after {blocks} blocks: {round:?}");
    }

    /// Miners 1 and 2, verifiers 3, 4 and 5, of which 3 also merges.
    pub fn honest(&self) -> Vec<Box<dyn Role>> {
        let third = self.plain(3);
        vec![
            miner(self.plain(1)),
            miner(self.plain(2)),
            Box::new(Verifier::new(third.clone())),
            Box::new(Merger::new(third)),
            Box::new(Verifier::new(self.plain(4))),
            Box::new(Verifier::new(self.plain(5))),
        ]
    }

    /// As [`Net::honest`], with other runners for the account `n` (1 or 2).
    pub fn honest_but(&self, n: u8, runners: Arc<dyn Runners>) -> Vec<Box<dyn Role>> {
        let mut roles = self.honest();
        let at = usize::from(n) - 1;
        drop(roles.remove(at));
        roles.insert(at, miner(self.worker(n, runners, Arc::default())));
        roles
    }

    /// Every submission that landed, and those that were refused.
    pub fn landed(&self) -> (Vec<Sent>, Vec<Sent>) {
        let log = self.log.lock().unwrap();
        log.iter().cloned().partition(|s| s.refused.is_none())
    }
}

pub fn miner(worker: Arc<Worker>) -> Box<dyn Role> {
    Box::new(Miner::new(worker))
}
