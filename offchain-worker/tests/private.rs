// SPDX-License-Identifier: GPL-3.0-or-later
//! A private round on the real node with its WASM runtime: committee, auditors and aggregators are real roles, the
//! contributors send known codes, the model is a dummy. The first sum that is posted is wrong in one leaf: an auditor brings
//! it down move by move, an honest sum follows, and what the head is made of is exactly the contributors' mean. In other
//! rounds two of three auditors report a wrong version, and a contributor's ciphertexts are out of range, whose keys it exposes
//! or withholds.

mod node;

use dream_chain::{At, Call, Chain, PrivateCall, PrivateChain, PrivateRound};
use dream_primitives::delta::{self, DeltaChunk};
use dream_primitives::game::Turn;
use dream_primitives::manifest::Architecture;
use dream_primitives::private::round::{JobTerms, PrivatePhase};
use dream_primitives::private::settle::PrivateReport;
use dream_primitives::private::{KEY_SEGMENTS, LEAF_BYTES};
use dream_primitives::recipe::Recipe;
use dream_primitives::{state, DREAM, H256};
use dream_private::aggregator::SumBuilder;
use dream_private::auditor::mean_chunks;
use dream_private::blobs::{Ciphertexts, LeafTree};
use dream_private::contributor::{codes_at, Contributor};
use dream_private::dealing::read_key;
use dream_training::{SegmentRunner, TrainingError};
use dream_worker::blobs;
use dream_worker::commands::{commit_shard, prepare_shards};
use dream_worker::config::{preset, Preset};
use dream_worker::merge::{merge, no_moments, Merged};
use dream_worker::roles::private::aggregator::Aggregator;
use dream_worker::roles::private::auditor::Auditor;
use dream_worker::roles::private::member::Committee;
use dream_worker::roles::private::{LayersCache, PrivateView};
use dream_worker::worker::{DummyRunners, Runners, Worker};
use node::{spawn, state_of, Net, BOND, BRANCH};
use serde_json::{json, Value};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use tokio::task::JoinHandle;

const MEMBERS: [&str; 3] = ["//Bob", "//Charlie", "//Dave"];
const CONTRIBUTORS: [&str; 3] = ["//Eve", "//Ferdie", "//Alice//stash"];
const AUDITORS: [&str; 3] = ["//Bob//stash", "//Charlie//stash", "//Dave//stash"];
const WRONG: &str = "//Eve//stash";
const HONEST: &str = "//Ferdie//stash";
const SHIFT: u8 = 10;

fn short_phases(genesis: &mut Value) {
    let parameters = genesis.pointer_mut("/secureAggregation/parameters");
    let parameters = parameters.unwrap();
    parameters["committee"]["complaintBlocks"] = json!(3);
    parameters["phases"]["summingBlocks"] = json!(120);
}

/// No segment is audited, so that only the sum shows a fault.
fn unaudited(genesis: &mut Value) {
    short_phases(genesis);
    let audited = genesis.pointer_mut("/secureAggregation/parameters/cohort/audited");
    *audited.unwrap() = json!(0);
}

/// The codes that pull every parameter a little towards zero, each contributor by its own part: the dummy's loss is the
/// parameters' magnitude.
fn codes(base: &[i32], place: usize) -> Vec<i8> {
    let part = 8 + place as i32;
    let steps: Vec<i32> = base.iter().map(|n| -n / part).collect();
    codes_at(&steps, SHIFT).unwrap()
}

async fn newest(net: &Net) -> Option<PrivateRound> {
    let chain: &dyn Chain = &net.client;
    chain
        .last_private_round(At::Finalised, BRANCH)
        .await
        .unwrap()
}

async fn phase(net: &Net) -> Option<PrivatePhase> {
    newest(net).await.map(|round| round.phase)
}

/// Submits a call of private rounds.
async fn call(worker: &Worker, call: PrivateCall) {
    let name = call.name().1;
    if let Err(error) = worker.chain.submit(Call::Private(call)).await {
        panic!("{name}: {error}");
    }
}

/// What a contributor does wrong.
#[derive(Clone, Copy)]
struct Cheat {
    /// What it encrypts in this key segment is no polynomial of values in range.
    segment: u16,
    /// Whether the keys that it then exposes lie under a name that nobody stores.
    withholds: bool,
}

/// A contributor with known codes, from registration to the opened segments.
async fn contribute(worker: Arc<Worker>, folder: PathBuf, place: usize, cheat: Option<Cheat>) {
    let cache = LayersCache::default();
    let own = Contributor::open(&folder).unwrap();
    let (account, store) = (worker.account(), worker.store.clone());
    loop {
        let now = worker.chain.finalised().await.unwrap();
        if let Some(view) = PrivateView::newest(&worker, &cache).await.unwrap() {
            let known = view.contributor(&worker, account).await.unwrap();
            let (id, facts) = (view.id(), &view.facts);
            let contribution = || async {
                let named = view.epoch.key.unwrap();
                let bytes = store.get(&named.cid, 1 << 20).await.unwrap();
                let (epoch, dealers) = (facts.epoch, facts.dealers);
                let key = read_key(&view.layers, epoch, dealers, &named, &bytes).unwrap();
                let base = view.base_state(&worker).await.unwrap();
                let codes = codes(&base, place);
                let made = own.encrypt(&view.layers, facts, &key, &codes).unwrap();
                let mut sent = made.ciphertexts;
                if let Some(cheat) = cheat {
                    let each = sent.data.leaves() / u32::from(KEY_SEGMENTS);
                    sent.data = with_wrong_leaf(&sent.data, u32::from(cheat.segment) * each);
                }
                (sent, made.salt)
            };
            match (view.round.phase, known) {
                (PrivatePhase::Registration, None) => {
                    call(&worker, PrivateCall::Register(id)).await;
                }
                (PrivatePhase::Commitment, Some(c)) if c.commitment.is_none() => {
                    let (sent, salt) = contribution().await;
                    let roots = sent.publish(&*store).await.unwrap();
                    let (genesis, raw) = (worker.chain.genesis(), account.as_bytes());
                    let commitment = roots.commitment(&genesis, raw, &id, &salt);
                    let round = id;
                    call(
                        &worker,
                        PrivateCall::CommitContribution { round, commitment },
                    )
                    .await;
                }
                (PrivatePhase::Opening, Some(c)) if c.roots.is_none() => {
                    let (sent, salt) = contribution().await;
                    let (round, roots) = (id, sent.roots());
                    call(
                        &worker,
                        PrivateCall::OpenContribution { round, roots, salt },
                    )
                    .await;
                }
                (PrivatePhase::Disclosure, Some(c)) if c.disclosure.is_none() => {
                    if let Some(segment) = c.segment {
                        let (disclosure, blob) = own.disclose(facts, segment).unwrap();
                        store.put_bytes(blob.into()).await.unwrap();
                        let round = id;
                        call(&worker, PrivateCall::DiscloseSegment { round, disclosure }).await;
                    }
                }
                (PrivatePhase::Exposure, Some(c)) if c.exposure.is_none() => {
                    if let Some(PrivateReport::OutOfRange { segment }) = view.round.settled {
                        let exposed = own.expose(&view.layers, facts, segment);
                        let (disclosure, blob) = exposed.unwrap();
                        if !cheat.is_some_and(|cheat| cheat.withholds) {
                            store.put_bytes(blob.into()).await.unwrap();
                        }
                        let round = id;
                        call(&worker, PrivateCall::DiscloseSegment { round, disclosure }).await;
                    }
                }
                _ => {}
            }
        }
        worker.chain.next_finalised(now.number).await.unwrap();
    }
}

/// The tree with the first residue of a leaf changed.
fn with_wrong_leaf(tree: &LeafTree, leaf: u32) -> LeafTree {
    let mut bytes = tree.bytes().to_vec();
    bytes[(leaf * LEAF_BYTES) as usize] ^= 1;
    LeafTree::new("wrong leaf", bytes.into(), tree.leaves()).unwrap()
}

/// Posts the sum with one residue of the middle data leaf changed.
async fn post_wrong_sum(worker: &Worker) {
    let cache = LayersCache::default();
    let view = PrivateView::newest(worker, &cache).await.unwrap().unwrap();
    let mut sum = SumBuilder::new(&view.layers, &view.facts);
    for (_, roots, known) in view.opened(worker).await.unwrap() {
        if view.round.standing.contains(known.place) {
            let part = Ciphertexts::fetch(&*worker.store, &view.layers, &view.facts, &roots);
            sum.add(&part.await.unwrap()).unwrap();
        }
    }
    let mut sum = sum.finish().unwrap();
    sum.data = with_wrong_leaf(&sum.data, sum.data.leaves() / 2);
    let roots = sum.publish(&*worker.store).await.unwrap();
    let round = view.id();
    call(worker, PrivateCall::PostSum { round, roots }).await;
}

fn dummies() -> Arc<dyn Runners> {
    Arc::new(DummyRunners)
}

/// Sponsors the branch and commits a shard; committee, auditors (with these runners) and contributors at work.
async fn stage(
    net: &Net,
    runners: [Arc<dyn Runners>; 3],
    cheat: Option<Cheat>,
) -> Vec<JoinHandle<()>> {
    // The first auditor is the steward of the shard.
    let text = net.folder.path().join("held-out");
    let bytes: Vec<u8> = (0..90u32).map(|i| (i * i % 251) as u8).collect();
    std::fs::write(&text, bytes).unwrap();
    let steward = net.session_of(AUDITORS[0], &state_of(AUDITORS[0]));
    let shards = prepare_shards(&steward, &text, None, false).await.unwrap();
    let named = Some((shards[0], 10));
    let who = steward.chain.account();
    commit_shard(&net.session(), named, Some(who))
        .await
        .unwrap();
    let terms = JobTerms {
        fee: 10 * DREAM,
        reward: 100 * DREAM,
        price: DREAM,
        shift: SHIFT,
    };
    let job = PrivateCall::Sponsor {
        branch: BRANCH,
        terms,
        amount: 500 * DREAM,
    };
    let root = net.chain("//Alice");
    root.submit(Call::Private(job)).await.unwrap();

    let mut tasks = Vec::new();
    for member in MEMBERS {
        tasks.push(spawn(Box::new(Committee::new(net.plain(member)))));
    }
    for (auditor, runners) in AUDITORS.into_iter().zip(runners) {
        let worker = net.worker(auditor, runners);
        tasks.push(spawn(Box::new(Auditor::new(worker))));
    }
    for (place, contributor) in CONTRIBUTORS.into_iter().enumerate() {
        let folder = net.folder.path().join(format!("contributor-{place}"));
        // The first is the one that cheats.
        let cheat = cheat.filter(|_| place == 0);
        let task = contribute(net.plain(contributor), folder, place, cheat);
        tasks.push(tokio::spawn(task));
    }
    tasks
}

/// Waits for a dispute to end with `done`; whether it came down to the proof of a leaf.
async fn proved(net: &Net, what: &str, done: impl Fn(&PrivateRound) -> bool) -> bool {
    let chain: &dyn Chain = &net.client;
    let proved = AtomicBool::new(false);
    let over = async || {
        let round = newest(net).await.unwrap();
        let disputes = chain
            .private_disputes(At::Finalised, round.id)
            .await
            .unwrap();
        let leaf = disputes.iter().any(|d| d.turn == Turn::Prove);
        proved.fetch_or(leaf, Ordering::Relaxed);
        done(&round)
    };
    net.until(what, over).await;
    proved.into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_sum_should_be_brought_down_and_the_cohorts_mean_become_the_head_on_a_real_chain() {
    let accounts: Vec<&str> = [&MEMBERS[..], &CONTRIBUTORS, &AUDITORS, &[WRONG, HONEST]].concat();
    let config = preset(Preset::Test);
    let net = Net::start(short_phases, config, None, &accounts).await;
    let genesis = net.head().await;

    let mut tasks = stage(&net, [dummies(), dummies(), dummies()], None).await;
    let summing = async || phase(&net).await == Some(PrivatePhase::Summing);
    net.until("a cohort that stands", summing).await;
    let round = newest(&net).await.unwrap().id;

    let wrong = net.plain(WRONG);
    post_wrong_sum(&wrong).await;
    // It answers for its sum as the honest one would.
    tasks.push(spawn(Box::new(Aggregator::new(wrong.clone()))));
    let refuted = |round: &PrivateRound| round.refutations == 1;
    let proved = proved(&net, "a refuted sum", refuted).await;
    assert!(proved, "refuted by silence, not by a proof");
    tasks.push(spawn(Box::new(Aggregator::new(net.plain(HONEST)))));
    let decrypted = async || {
        let round = newest(&net).await.unwrap();
        round.phase == PrivatePhase::Combination
    };
    net.until("a decrypted sum", decrypted).await;
    assert!(net.bond(WRONG).await < BOND, "a wrong sum costs its bond");
    for auditor in AUDITORS {
        assert!(net.bond(auditor).await >= BOND, "{auditor} lost");
    }
    let closed = async || {
        let newest = newest(&net).await.unwrap();
        newest.id != round || newest.phase == PrivatePhase::Closed
    };
    net.until("a closed round", closed).await;
    for task in tasks {
        task.abort();
    }

    let chain: &dyn Chain = &net.client;
    let done = chain
        .private_round(At::Finalised, round)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((done.standing.count(), done.refutations), (3, 1));
    let Some(PrivateReport::Version(report)) = done.settled else {
        panic!("no version was reported: {done:?}");
    };
    assert_eq!(report.wrong, 0, "a member's answer was called wrong");
    let score = report.score.unwrap();
    assert!(score.version.total < score.parent.total);
    let base = blobs::version_state(&*net.store(), &net.config.architecture, &genesis).await;
    let base = base.unwrap();
    let all: Vec<Vec<i8>> = (0..CONTRIBUTORS.len()).map(|p| codes(&base, p)).collect();
    let sums: Vec<i32> = (0..base.len())
        .map(|at| {
            let all = all.iter().map(|codes| i32::from(codes[at]));
            all.sum()
        })
        .collect();
    let mean: Vec<DeltaChunk> = mean_chunks(&sums, 3, SHIFT).unwrap();
    assert_eq!(report.delta_root, delta::root(&mean).unwrap());
    let recipe = &net.config.recipe;
    let moments = no_moments(recipe, base.len());
    let merged = merge(recipe, base, moments, &[(mean, 3)], 1).unwrap();
    let head = net.head().await;
    assert_eq!(head.number, genesis.number + 1);
    assert_eq!(
        (head.state_root, head.server_root),
        (merged.state_root, merged.server_root)
    );
    assert!(done.reward > 0, "a gain is paid");
}

/// Flips one parameter of every version.
struct WrongMerges;

impl Runners for WrongMerges {
    fn runner(
        &self,
        architecture: Architecture,
        recipe: Recipe,
        genesis: H256,
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_version_of_two_thirds_should_cost_their_bonds_and_change_no_head_on_a_real_chain() {
    let accounts: Vec<&str> = [&MEMBERS[..], &CONTRIBUTORS, &AUDITORS, &[HONEST]].concat();
    let mut config = preset(Preset::Test);
    // More than 32 chunks, so that a dispute takes two answers.
    let Architecture::Llama(llama) = &mut config.architecture;
    (llama.dim, llama.heads, llama.kv_heads) = (200, 4, 4);
    let net = Net::start(short_phases, config, None, &accounts).await;
    let genesis = net.head().await;
    let wrong: [Arc<dyn Runners>; 2] = [Arc::new(WrongMerges), Arc::new(WrongMerges)];
    let [first, second] = wrong;
    let mut tasks = stage(&net, [first, second, dummies()], None).await;
    tasks.push(spawn(Box::new(Aggregator::new(net.plain(HONEST)))));
    let reported = async || phase(&net).await == Some(PrivatePhase::VersionDispute);
    net.until("a reported version", reported).await;
    let round = newest(&net).await.unwrap();
    let version = round.settled.and_then(|r| r.version().copied()).unwrap();
    let over = |now: &PrivateRound| now.id != round.id || now.phase == PrivatePhase::Closed;
    let proved = proved(&net, "a refuted version", over).await;
    assert!(proved, "refuted by silence, not by a proof");
    for task in tasks {
        task.abort();
    }
    let chain: &dyn Chain = &net.client;
    let done = chain
        .private_round(At::Finalised, round.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((done.settled, done.reward), (None, 0));
    let branch = chain.branch(At::Finalised, BRANCH).await.unwrap().unwrap();
    let head = chain
        .version(At::Finalised, branch.head)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(head, genesis, "{:?} became the head", version.state_root);
    for wrong in &AUDITORS[..2] {
        assert!(net.bond(wrong).await < BOND, "{wrong} lost nothing");
    }
    assert!(net.bond(AUDITORS[2]).await >= BOND);
}

/// A round whose sum is out of range: its sender alone pays.
async fn sum_out_of_range(withholds: bool) {
    const SEGMENT: u16 = 9;
    let accounts: Vec<&str> = [&MEMBERS[..], &CONTRIBUTORS, &AUDITORS, &[HONEST]].concat();
    let net = Net::start(unaudited, preset(Preset::Test), None, &accounts).await;
    let genesis = net.head().await;
    let honest = [dummies(), dummies(), dummies()];
    let cheat = Cheat {
        segment: SEGMENT,
        withholds,
    };
    let mut tasks = stage(&net, honest, Some(cheat)).await;
    tasks.push(spawn(Box::new(Aggregator::new(net.plain(HONEST)))));
    let blamed = async || phase(&net).await == Some(PrivatePhase::Blame);
    net.until("a sum out of range", blamed).await;
    let round = newest(&net).await.unwrap();
    let segment = SEGMENT;
    assert_eq!(round.settled, Some(PrivateReport::OutOfRange { segment }));
    let closed = async || {
        let newest = newest(&net).await.unwrap();
        newest.id != round.id || newest.phase == PrivatePhase::Closed
    };
    net.until("a closed round", closed).await;
    for task in tasks {
        task.abort();
    }
    let chain: &dyn Chain = &net.client;
    let bonds = chain.private_parameters(At::Finalised).await.unwrap();
    let contribution = bonds.unwrap().get().bonds.contribution;
    assert_eq!(net.bond(CONTRIBUTORS[0]).await, BOND - contribution);
    for honest in CONTRIBUTORS[1..].iter().chain(&AUDITORS).chain(&MEMBERS) {
        assert!(net.bond(honest).await >= BOND, "{honest} lost");
    }
    assert_eq!(net.head().await, genesis);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sum_out_of_range_should_cost_its_sender_the_bond_and_nobody_else_on_a_real_chain() {
    sum_out_of_range(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exposed_keys_that_nobody_has_should_cost_their_owner_the_bond_on_a_real_chain() {
    sum_out_of_range(true).await;
}
