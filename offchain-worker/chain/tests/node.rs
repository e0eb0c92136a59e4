// SPDX-License-Identifier: GPL-3.0-or-later
//! The client against a running node of a development chain.
//!
//! The node is the binary that `DREAM_NODE` names, else `dream-node` beside the folder of this test's binary, where a
//! build of the workspace puts it. Without one the tests fail.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use dream_chain::{At, Call, Chain, ChainError, Key, NodeClient, Options, SubmitError};
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::data::{DatasetInfo, MixtureEntry};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::params::ChainParameters;
use dream_primitives::profile::{commitment, ProfileSettings};
use dream_primitives::recipe::{
    AggregationRule, DeltaCodec, NumericClass, Optimiser, Recipe, ServerOptimiser,
};
use dream_primitives::registry::Admission;
use dream_primitives::round::Phase;
use dream_primitives::version::Parent;
use dream_primitives::{BoundedVec, DREAM, H256};

const CID: Cid = Cid {
    codec: CidCodec::Raw,
    digest: [1; 32],
};

fn binary() -> PathBuf {
    let named = std::env::var_os("DREAM_NODE").map(PathBuf::from);
    let built = || {
        let test = std::env::current_exe().expect("a test has a binary");
        let folder = test.ancestors().nth(2).expect("deps lies in a folder");
        folder.join("dream-node")
    };
    let path = named.unwrap_or_else(built);
    assert!(
        path.is_file(),
        "no node at {}: build it (cargo build --release -p dream-node), or set DREAM_NODE",
        path.display()
    );
    path
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// A development node that dies with the value.
struct Node(Child);

impl Node {
    fn start(base: &Path, rpc_port: u16) -> Self {
        let path = base.join("node.log");
        let log = File::options().create(true).append(true).open(path);
        let log = log.expect("the folder can be written");
        let child = Command::new(binary())
            .args([
                "--dev",
                "--no-prometheus",
                "--no-telemetry",
                "--no-mdns",
                "--base-path",
            ])
            .arg(base)
            .args([
                "--rpc-port",
                &rpc_port.to_string(),
                "--port",
                &free_port().to_string(),
            ])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        Self(child.expect("the node starts"))
    }

    /// Ends it as a power cut would.
    fn kill(&mut self) {
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it ends");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Network {
    node: Node,
    base: tempfile::TempDir,
    port: u16,
}

impl Network {
    fn start() -> Self {
        let base = tempfile::tempdir().expect("a folder");
        let port = free_port();
        Self {
            node: Node::start(base.path(), port),
            base,
            port,
        }
    }

    fn restart(&mut self) {
        self.node.kill();
        self.node = Node::start(self.base.path(), self.port);
    }

    async fn client(&self, uri: &str) -> NodeClient {
        let url = format!("ws://127.0.0.1:{}", self.port);
        let key = Key::from_suri(uri).unwrap();
        match NodeClient::connect(&url, key, Options::default()).await {
            Ok(client) => client,
            Err(error) => {
                let log = std::fs::read_to_string(self.base.path().join("node.log"));
                panic!("{error}\n{}", log.unwrap_or_default());
            }
        }
    }
}

fn recipe() -> Recipe {
    Recipe {
        segments: 8,
        steps: 2,
        batch: 2,
        context: 16,
        optimiser: Optimiser::AdamW {
            learning_rate: 3_000_000,
            beta1: 900_000_000,
            beta2: 950_000_000,
            epsilon: 10_000,
            weight_decay: 0,
            max_norm: 1_000_000_000,
        },
        proximal: 0,
        rule: AggregationRule::WeightedMean,
        server: ServerOptimiser::Nesterov {
            learning_rate: 45_875,
            momentum: 39_322,
        },
        delta: DeltaCodec::DenseInt8,
        error_feedback: 0,
        class: NumericClass::Exact,
    }
}

fn architecture() -> Architecture {
    Architecture::Llama(LlamaConfig {
        vocab: 256,
        dim: 16,
        layers: 1,
        heads: 2,
        kv_heads: 2,
        ffn: 32,
        context: 16,
        rope_theta: 10_000,
        tied: true,
    })
}

fn sudo(call: Call) -> Call {
    Call::Sudo(Box::new(call))
}

/// Registers a model and a data set, admits the branch and sets its mixture; returns the branch.
async fn branch_with_data(alice: &NodeClient) -> u32 {
    let licence = BoundedVec::truncate_from(b"CC0-1.0".to_vec());
    let register = Call::RegisterModel {
        architecture: architecture(),
        licence: licence.clone(),
        recipe: recipe(),
        state_root: H256([9; 32]),
        cid: CID,
    };
    let registered = alice.submit(register).await.unwrap();
    let (model, branch) = (registered.model().unwrap(), registered.branch().unwrap());
    let at = At::from(registered.block);
    let stored = alice.model(at, model).await.unwrap().unwrap();
    assert_eq!(
        (stored.architecture, stored.owner),
        (architecture(), alice.account())
    );
    let stored = alice.branch(at, branch).await.unwrap().unwrap();
    assert_eq!((stored.model, stored.recipe), (model, recipe()));
    assert_eq!(stored.head, registered.version().unwrap());
    let header = alice.version(at, stored.head).await.unwrap().unwrap();
    assert_eq!(
        (header.state_root, header.parent),
        (H256([9; 32]), Parent::None)
    );
    assert_eq!(header.hash(), stored.head);
    assert_eq!(alice.next_branch(at).await.unwrap(), branch + 1);

    let info = DatasetInfo {
        root: H256([3; 32]),
        cid: CID,
        licence,
        samples: 100,
        window: 17,
    };
    let submitted = alice
        .submit(Call::SubmitDataset(info.clone()))
        .await
        .unwrap();
    let dataset = submitted.dataset().unwrap();
    let stored = alice
        .dataset(submitted.block.into(), dataset)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((stored.info, stored.submitter), (info, alice.account()));

    let entries = vec![MixtureEntry { dataset, weight: 2 }];
    let mixture = BoundedVec::truncate_from(entries);
    let set = Call::SetMixture {
        branch,
        mixture: mixture.clone(),
    };
    let refused = alice.submit(set.clone()).await.unwrap_err();
    assert!(refused.is("System", "BadOrigin"), "{refused}");
    alice.submit(sudo(set)).await.unwrap();
    assert_eq!(
        alice.mixture(At::Finalised, branch).await.unwrap(),
        Some(mixture)
    );
    let admission = Admission {
        share: 500_000,
        units_per_token: 3,
    };
    let admit = |branch| Call::AdmitBranch { branch, admission };
    let refused = alice.submit(sudo(admit(999))).await.unwrap_err();
    assert!(refused.is("ModelRegistry", "BranchUnknown"), "{refused}");
    alice.submit(sudo(admit(branch))).await.unwrap();
    assert_eq!(alice.admitted(At::Finalised).await.unwrap(), [branch]);
    branch
}

#[tokio::test]
async fn client_should_serve_a_branch_from_registration_to_its_first_round() {
    let network = Network::start();
    let alice = network.client("//Alice").await;
    let bob = alice.with_key(Key::from_suri("//Bob").unwrap());
    let start = alice.finalised().await.unwrap();
    assert_eq!(
        alice.parameters(start.into()).await.unwrap(),
        ChainParameters::development()
    );

    let before = bob.balance(start.into(), bob.account()).await.unwrap();
    let bonded = bob.submit(Call::Bond(5_000 * DREAM)).await.unwrap();
    assert!(bonded.block.number > start.number);
    let bond = bob.bond(bonded.block.into(), bob.account()).await.unwrap();
    assert_eq!(
        (bond.total, bond.free(), bond.since),
        (5_000 * DREAM, 5_000 * DREAM, bonded.block.number)
    );
    let after = bob
        .balance(bonded.block.into(), bob.account())
        .await
        .unwrap();
    assert_eq!(after.held, 5_000 * DREAM);
    assert!(after.free < before.free - 5_000 * DREAM, "no fee was paid");
    assert_eq!(
        bob.bond(start.into(), bob.account()).await.unwrap().total,
        0
    );

    let refused = bob.submit(Call::Unbond(6_000 * DREAM)).await.unwrap_err();
    assert!(refused.is("UsefulWork", "BondTooSmall"), "{refused}");
    assert!(refused.to_string().contains("free bond"), "{refused}");
    let refused = bob
        .submit(sudo(Call::AdmitProfile(H256([1; 32]))))
        .await
        .unwrap_err();
    assert!(refused.is("Sudo", "RequireSudo"), "{refused}");
    let poor = alice.with_key(Key::from_suri("//Nobody").unwrap());
    let refused = poor.submit(Call::WithdrawUnbonded).await.unwrap_err();
    assert!(matches!(refused, SubmitError::Invalid { .. }), "{refused}");

    let branch = branch_with_data(&alice).await;
    let settings = ProfileSettings {
        isa: BoundedVec::truncate_from(b"avx2".to_vec()),
        math: Default::default(),
        library: Default::default(),
        threads: 1,
    };
    let leaf = H256([7; 32]);
    let (secret, salt) = (H256([8; 32]), H256([9; 32]));
    let (genesis, raw) = (bob.genesis(), bob.account().0);
    let commitment = commitment(&genesis, &raw, branch, &settings, &leaf, &secret, &salt);
    let commit = Call::CommitProfile { branch, commitment };
    let block = bob.submit(commit).await.unwrap().block.number;
    let committed = bob.profile_commitment(At::Finalised, branch, bob.account());
    assert_eq!(committed.await.unwrap(), Some((commitment, block)));
    let reveal = Call::RevealProfile {
        branch,
        settings: settings.clone(),
        leaf,
        secret,
        salt,
    };
    bob.submit(reveal).await.unwrap();
    assert!(bob.active_trials(At::Finalised).await.unwrap().is_empty());
    bob.submit(Call::EnlistVerifier(branch)).await.unwrap();
    let profile = bob
        .profile(At::Finalised, branch, bob.account())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((profile.settings, profile.leaf), (settings, leaf));
    assert_eq!(
        bob.verifiers(At::Finalised, branch).await.unwrap(),
        [bob.account()]
    );
    alice.submit(sudo(Call::AdmitProfile(leaf))).await.unwrap();
    assert!(alice.profile_admitted(At::Finalised, leaf).await.unwrap());
    assert!(!alice
        .profile_admitted(At::Finalised, H256::zero())
        .await
        .unwrap());

    let mut seen = alice.finalised().await.unwrap();
    let round = loop {
        let round = alice.current_round(seen.into(), branch).await.unwrap();
        match round {
            Some(round) if round.phase == Phase::Training => break round,
            _ => seen = alice.next_finalised(seen.number).await.unwrap(),
        }
        assert!(seen.number < 200, "no round trains");
    };
    assert!(!round.seed.is_zero() && round.audit_seed.is_zero());
    let head = alice
        .branch(seen.into(), branch)
        .await
        .unwrap()
        .unwrap()
        .head;
    assert_eq!(round.base, head);
    let terms = alice.terms(seen.into(), round.id).await.unwrap().unwrap();
    assert_eq!((terms.recipe, terms.mixture[0].1), (recipe(), 100));
    assert!(alice
        .round_claims(seen.into(), round.id)
        .await
        .unwrap()
        .is_empty());
    assert_eq!(
        alice
            .claim_of(seen.into(), round.id, bob.account())
            .await
            .unwrap(),
        None
    );
    assert!(alice
        .audits(seen.into(), branch, bob.account())
        .await
        .unwrap()
        .is_empty());
    let unknown = alice.branch(At::Block(H256([5; 32])), branch).await;
    assert_eq!(unknown, Err(ChainError::UnknownBlock(H256([5; 32]))));
}

#[tokio::test]
async fn submissions_should_all_land_once_when_they_race_and_the_node_is_killed() {
    let mut network = Network::start();
    let alice = network.client("//Alice").await;
    // Another process with the same key: its nonces are not ordered with the first client's.
    let other = network.client("//Alice").await;
    let to = Key::from_suri("//Somebody").unwrap().account();
    let pay = |client: &NodeClient| {
        let client = client.with_key(Key::from_suri("//Alice").unwrap());
        async move { client.submit(Call::Transfer { to, amount: DREAM }).await }
    };
    let results = tokio::join!(pay(&alice), pay(&other), pay(&alice), pay(&other));
    for result in [results.0, results.1, results.2, results.3] {
        result.unwrap();
    }
    let got = alice.balance(At::Finalised, to).await.unwrap().free;
    assert_eq!(got, 4 * DREAM);

    // Sent and in the pool, then the node dies without a word.
    let pending = tokio::spawn(pay(&alice));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let head = alice.finalised().await.unwrap();
    network.restart();
    let answer = alice.next_finalised(head.number);
    let next = tokio::time::timeout(Duration::from_secs(90), answer).await;
    next.expect("the node comes back").unwrap();
    let receipt = tokio::time::timeout(Duration::from_secs(120), pending).await;
    receipt.expect("it lands").unwrap().unwrap();
    assert_eq!(
        alice.balance(At::Finalised, to).await.unwrap().free,
        5 * DREAM
    );
}
