// SPDX-License-Identifier: GPL-3.0-or-later
//! Wrong merges, merges whose tree nobody holds, frivolous disputes, missing deltas and reverts, in memory.

mod common;

use common::{account, config, miner, Kill, Net, Trap, BRANCH};
use dream_chain::{At, Call, Chain, ClaimRecord};
use dream_primitives::claim::RoundId;
use dream_primitives::delta::DeltaChunk;
use dream_primitives::dispute::Tree;
use dream_primitives::manifest::Architecture;
use dream_primitives::merkle::SumNode;
use dream_primitives::params::ChainParameters;
use dream_primitives::recipe::{AggregationRule, Recipe, ServerOptimiser};
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::state;
use dream_primitives::version::VersionHeader;
use dream_primitives::H256;
use dream_store::{BlobStore, MemoryStore};
use dream_training::{SegmentRunner, TrainingError};
use dream_worker::blobs;
use dream_worker::config::ModelConfig;
use dream_worker::merge::{merge, no_moments, Merged};
use dream_worker::roles::{merge::Merger, verify::Verifier, Role};
use dream_worker::worker::{DummyRunners, Runners, Worker};
use std::sync::Arc;

/// Blocks to dispute a merge: every submission makes one.
const WINDOW: u32 = 40;

fn window(parameters: &mut ChainParameters) {
    parameters.round.dispute_blocks = WINDOW;
    parameters.audit.canary_rate = 0;
}

/// A model of more than 32 chunks, so that a dispute of its state takes two answers.
fn large(rule: AggregationRule, server: ServerOptimiser) -> ModelConfig {
    let mut config = config();
    let Architecture::Llama(llama) = &mut config.architecture;
    (llama.dim, llama.heads, llama.kv_heads, llama.ffn) = (200, 4, 4, 8);
    config.recipe.rule = rule;
    config.recipe.server = server;
    config
}

/// How a merger is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wrong {
    /// One parameter.
    State,
    /// One moment.
    Moments,
    /// A squared distance, and whatever follows from it.
    Distance,
    /// The root of a state that does not exist.
    Unheld,
}

/// Merges wrongly.
struct WrongMerges(Wrong);

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
        let parameters = merged.state.len();
        match self.0 {
            Wrong::State => {
                merged.state[parameters * 3 / 4] ^= 1;
                merged.state_root = state::root(&merged.state);
            }
            Wrong::Moments => {
                let last = merged.moments.len() - 1;
                merged.moments[last] ^= 1;
                merged.server_root = state::server_root(&merged.moments, parameters);
            }
            Wrong::Distance => {
                let entry = &mut merged.table.as_mut()[1];
                *entry = SumNode {
                    hash: entry.hash,
                    sum: entry.sum + 1,
                };
            }
            Wrong::Unheld => merged.state_root = H256::repeat_byte(7),
        }
        merged
    }
}

fn verifier(worker: Arc<Worker>) -> Box<dyn Role> {
    Box::new(Verifier::new(worker))
}

fn merger(worker: Arc<Worker>) -> Box<dyn Role> {
    Box::new(Merger::new(worker))
}

/// Miners 1 to `miners`, verifiers 4, 5 and 6.
fn without_mergers(net: &Net, miners: u8) -> Vec<Box<dyn Role>> {
    let mut roles: Vec<Box<dyn Role>> = (1..=miners).map(|n| miner(net.plain(n))).collect();
    roles.extend((4..=6).map(|n| verifier(net.plain(n))));
    roles
}

async fn bond(net: &Net, n: u8) -> u128 {
    net.root
        .bond(At::Finalised, account(n))
        .await
        .unwrap()
        .total
}

async fn head(net: &Net) -> VersionHeader {
    let branch = net
        .root
        .branch(At::Finalised, BRANCH)
        .await
        .unwrap()
        .unwrap();
    net.root
        .version(At::Finalised, branch.head)
        .await
        .unwrap()
        .unwrap()
}

/// The version that round 1 stands on.
async fn base(net: &Net) -> VersionHeader {
    let base = net.round(1).await.base;
    let version = net.root.version(At::Finalised, base).await.unwrap();
    version.unwrap()
}

/// The roots of the integer merge of `claims` onto `base`.
async fn merged(net: &Net, base: &VersionHeader, claims: &[(H256, ClaimRecord)]) -> Merged {
    let (architecture, recipe) = (net.config.architecture, net.config.recipe);
    let store = &*net.store;
    let state = blobs::version_state(store, &architecture, base)
        .await
        .unwrap();
    let moments = blobs::version_moments(store, &architecture, &recipe, base)
        .await
        .unwrap();
    let mut sorted = claims.to_vec();
    sorted.sort_by_key(|(id, _)| *id);
    let mut deltas: Vec<(Vec<DeltaChunk>, u16)> = Vec::new();
    for (_, record) in &sorted {
        let claim = &record.claim;
        let chunks = blobs::delta(store, &architecture, &claim.delta_cid, claim.delta_root).await;
        deltas.push((chunks.unwrap(), claim.segments));
    }
    merge(&recipe, state, moments, &deltas, 1).unwrap()
}

/// A wrong merger that is faster than the honest one: it loses its bond, and the head is right.
async fn refuted(config: ModelConfig, miners: u8, wrong: Wrong) -> Net {
    let net = Net::of(8, u32::from(miners), config, window).await;
    let mut roles = without_mergers(&net, miners);
    roles.push(once(net.worker(
        7,
        Arc::new(WrongMerges(wrong)),
        Arc::default(),
    )));
    roles.push(merger(net.plain(8)));
    let before = bond(&net, 7).await;
    net.drive(&roles, 600, async |n: &Net| n.version().await >= 1)
        .await;
    net.root.check_invariants();
    let limits = net.root.parameters(At::Finalised).await.unwrap();
    assert_eq!(
        bond(&net, 7).await,
        before - limits.bonds.merge,
        "{wrong:?}"
    );
    // Half of it is burned, the other half is the challenger's.
    let free = net
        .root
        .balance(At::Finalised, account(8))
        .await
        .unwrap()
        .free;
    let burned = limits.bonds.merge * u128::from(limits.bonds.burn_share) / 1_000_000;
    assert_eq!(
        free,
        50_000 * dream_primitives::DREAM + limits.bonds.merge - burned
    );
    let version = base(&net).await;
    let right = merged(&net, &version, &net.claims(1).await).await;
    let head = head(&net).await;
    assert_eq!(
        (head.state_root, head.server_root),
        (right.state_root, right.server_root)
    );
    net
}

const NESTEROV: ServerOptimiser = ServerOptimiser::Nesterov {
    learning_rate: 45_875,
    momentum: 39_322,
};
const ADAM: ServerOptimiser = ServerOptimiser::Adam {
    learning_rate: 1 << 15,
    beta1: 58_982,
    beta2: 64_881,
    epsilon: 4,
};
const KRUM: AggregationRule = AggregationRule::Krum {
    byzantine: 0,
    selected: 1,
};

fn moves(net: &Net, name: &str) -> usize {
    let (landed, _) = net.landed();
    landed.iter().filter(|s| s.call.name().1 == name).count()
}

#[tokio::test]
async fn wrong_state_should_be_refuted_and_the_merge_posted_again() {
    let net = refuted(
        large(AggregationRule::WeightedMean, NESTEROV),
        2,
        Wrong::State,
    )
    .await;
    assert!(
        moves(&net, "narrow_dispute") >= 2,
        "the tree was not walked"
    );
    assert_eq!(moves(&net, "narrow_dispute"), moves(&net, "answer_dispute"));
    assert!(moves(&net, "prove_chunk") >= 1);
}

#[tokio::test]
async fn wrong_moments_should_be_refuted_and_the_merge_posted_again() {
    let rule = AggregationRule::NormClip { max_norm: 50 };
    let net = refuted(large(rule, ADAM), 2, Wrong::Moments).await;
    assert!(moves(&net, "prove_chunk") >= 1);
}

#[tokio::test]
async fn wrong_distance_should_be_refuted_and_the_merge_posted_again() {
    let net = refuted(large(KRUM, NESTEROV), 3, Wrong::Distance).await;
    // The tree of a distance whose sum is wrong cannot be shown.
    assert_eq!(
        (moves(&net, "answer_dispute"), moves(&net, "prove_pair")),
        (0, 0)
    );
}

#[tokio::test]
async fn wrong_state_of_one_chunk_should_be_refuted_without_narrowing() {
    let net = refuted(config(), 2, Wrong::State).await;
    assert_eq!(
        (moves(&net, "narrow_dispute"), moves(&net, "prove_chunk")),
        (0, 1)
    );
}

#[tokio::test]
async fn merge_whose_tree_nobody_holds_should_be_refuted_by_silence() {
    let net = refuted(large(AggregationRule::Median, NESTEROV), 2, Wrong::Unheld).await;
    assert_eq!(moves(&net, "answer_dispute"), 0);
}

#[tokio::test]
async fn frivolous_dispute_should_cost_the_challenger_its_bond_and_the_poster_nothing() {
    let net = Net::of(8, 2, large(AggregationRule::WeightedMean, NESTEROV), window).await;
    let mut roles = without_mergers(&net, 2);
    roles.push(merger(net.plain(7)));
    net.drive(&roles, 400, async |n: &Net| {
        n.phase(1).await == Some(Phase::Dispute)
    })
    .await;
    let before = (bond(&net, 7).await, bond(&net, 8).await);
    let round = RoundId {
        branch: BRANCH,
        number: 1,
    };
    let call = Call::DisputeMerge {
        round,
        tree: Tree::Server,
    };
    net.root.as_account(account(8)).submit(call).await.unwrap();
    net.drive(&roles, 400, async |n: &Net| n.version().await >= 1)
        .await;
    net.root.check_invariants();
    let limits = net.root.parameters(At::Finalised).await.unwrap();
    assert_eq!(moves(&net, "answer_dispute"), 1);
    assert_eq!(bond(&net, 7).await, before.0);
    assert_eq!(bond(&net, 8).await, before.1 - limits.bonds.dispute);
    let (_, refused) = net.landed();
    assert!(refused.is_empty(), "{refused:?}");
}

/// Takes the delta of miner 1's claim out of the common store when the round comes to its merge.
async fn without_delta(net: &Net, roles: &[Box<dyn Role>]) -> (H256, bytes::Bytes) {
    net.drive(&roles[..6.min(roles.len())], 400, async |n: &Net| {
        n.phase(1).await == Some(Phase::Merging)
    })
    .await;
    let claims = net.claims(1).await;
    let (id, record) = claims.iter().find(|(_, r)| r.miner == account(1)).unwrap();
    let cid = record.claim.delta_cid;
    let bytes = net.store.get(&cid, u64::MAX).await.unwrap();
    assert!(net.store.remove(&cid).await.unwrap());
    (*id, bytes)
}

#[tokio::test]
async fn claim_whose_delta_is_not_to_be_had_should_be_excluded_and_the_others_merged() {
    let net = Net::of(8, 3, large(AggregationRule::WeightedMean, NESTEROV), window).await;
    let mut roles = without_mergers(&net, 3);
    let (id, _) = without_delta(&net, &roles).await;
    roles.push(merger(net.plain(8)));
    net.drive(&roles, 400, async |n: &Net| n.version().await >= 1)
        .await;
    net.root.check_invariants();
    let claims = net.claims(1).await;
    let (excluded, others): (Vec<_>, Vec<_>) = claims.into_iter().partition(|(c, _)| *c == id);
    assert_eq!(excluded[0].1.state, ClaimState::Excluded);
    let base = base(&net).await;
    let right = merged(&net, &base, &others).await;
    assert_eq!(head(&net).await.state_root, right.state_root);
    assert_eq!(moves(&net, "supply_chunk"), 0);
}

#[tokio::test]
async fn delta_that_only_its_miner_holds_should_be_put_together_from_the_chain() {
    let net = Net::of(8, 2, large(AggregationRule::WeightedMean, NESTEROV), |p| {
        window(p);
        // Every demand and every answer makes a block.
        p.round.response_blocks = 100;
        p.round.merge_blocks = 400;
    })
    .await;
    let mut roles = without_mergers(&net, 2);
    let (id, bytes) = without_delta(&net, &roles).await;
    // The miner starts again with a store of its own.
    drop(roles.remove(0));
    let own = Arc::new(MemoryStore::new());
    own.put_bytes(bytes).await.unwrap();
    let base = net.round(1).await.base;
    let base = net
        .root
        .version(At::Finalised, base)
        .await
        .unwrap()
        .unwrap();
    let head = net.store.get(&base.cid, u64::MAX).await.unwrap();
    own.put_bytes(head).await.unwrap();
    let mut first = net.plain(1);
    Arc::get_mut(&mut first).unwrap().store = own;
    roles.push(miner(first));
    roles.push(merger(net.plain(8)));
    net.drive(&roles, 2_000, async |n: &Net| n.version().await >= 1)
        .await;
    net.root.check_invariants();
    let claims = net.claims(1).await;
    assert!(
        claims.iter().all(|(_, r)| r.state.accepted()),
        "{id:?} was left out"
    );
    let chunks = net.config.architecture.chunks() as usize;
    assert_eq!(
        (moves(&net, "demand_chunk"), moves(&net, "supply_chunk")),
        (chunks, chunks)
    );
    let (_, refused) = net.landed();
    assert!(refused.is_empty(), "{refused:?}");
}

/// Drives until the branch's newest round replays nothing and `versions` are there.
async fn settled(net: &Net, roles: &[Box<dyn Role>], replays: u32) {
    net.drive(roles, 2_000, async |n: &Net| {
        let round = n
            .root
            .current_round(At::Finalised, BRANCH)
            .await
            .unwrap()
            .unwrap();
        round.id.number > replays && round.replays.is_none()
    })
    .await;
    net.root.check_invariants();
}

#[tokio::test]
async fn revert_should_replay_the_lineage_without_the_claim() {
    let net = Net::of(8, 2, large(AggregationRule::WeightedMean, NESTEROV), window).await;
    let mut roles = without_mergers(&net, 2);
    roles.push(merger(net.plain(8)));
    net.drive(&roles, 600, async |n: &Net| {
        n.phase(3).await == Some(Phase::Vesting)
    })
    .await;
    let first = base(&net).await;
    let mut rounds = Vec::new();
    for number in 1..=3 {
        rounds.push(net.claims(number).await);
    }
    let taken = rounds[0][0].0;
    let before = head(&net).await;
    net.root
        .submit(Call::Sudo(Box::new(Call::RevertClaim(taken))))
        .await
        .unwrap();
    let last = net
        .root
        .current_round(At::Finalised, BRANCH)
        .await
        .unwrap()
        .unwrap()
        .id
        .number;
    settled(&net, &roles, last).await;

    rounds[0].remove(0);
    for number in 4..=last {
        rounds.push(net.claims(number).await);
    }
    let recipe = net.config.recipe;
    let mut state = blobs::version_state(&*net.store, &net.config.architecture, &first)
        .await
        .unwrap();
    let mut moments = no_moments(&recipe, state.len());
    for claims in &rounds {
        let mut sorted = claims.clone();
        sorted.retain(|(_, r)| r.state.accepted());
        if sorted.is_empty() {
            continue;
        }
        let mut deltas = Vec::new();
        for (_, r) in &sorted {
            let c = &r.claim;
            let chunks = blobs::delta(
                &*net.store,
                &net.config.architecture,
                &c.delta_cid,
                c.delta_root,
            );
            deltas.push((chunks.await.unwrap(), c.segments));
        }
        let next = merge(&recipe, state, moments, &deltas, 1).unwrap();
        (state, moments) = (next.state, next.moments);
    }
    let head = head(&net).await;
    assert_ne!(head.state_root, before.state_root);
    assert_eq!(head.state_root, state::root(&state));
    assert_eq!(head.server_root, state::server_root(&moments, state.len()));
}

#[tokio::test]
async fn reverting_everything_should_give_the_first_version_again() {
    let net = Net::new(8, 2).await;
    let mut roles = without_mergers(&net, 2);
    roles.push(merger(net.plain(8)));
    let first = head(&net).await;
    net.drive(&roles, 600, async |n: &Net| {
        n.phase(2).await == Some(Phase::Vesting)
    })
    .await;
    assert_ne!(head(&net).await.state_root, first.state_root);
    for number in 1..=2 {
        for (id, record) in net.claims(number).await {
            assert!(record.merged);
            net.root
                .submit(Call::Sudo(Box::new(Call::RevertClaim(id))))
                .await
                .unwrap();
        }
    }
    // The round that is open has not merged anything: only verifiers go on, so that it ends without a merge.
    let idle = &roles[2..5];
    net.drive(idle, 400, async |n: &Net| {
        head(n).await.state_root == first.state_root
    })
    .await;
    assert_eq!(head(&net).await.server_root, first.server_root);
}

/// Lets `others` and the role that `fresh` makes act until version 1, the role from Merging on; it is killed at
/// `operation` and started again. Returns for each of its operations whether it was a submission.
async fn killed(net: &Net, others: &[Box<dyn Role>], operation: Option<(u32, Kill)>) -> Vec<bool> {
    net.drive(&others[..5], 400, async |n: &Net| {
        n.phase(1).await == Some(Phase::Merging)
    })
    .await;
    let trap = Arc::new(Trap::default());
    if let Some((operation, kill)) = operation {
        trap.set(operation, kill);
    }
    let fresh = || merger(net.worker(8, Arc::new(DummyRunners), trap.clone()));
    let mut tested = Some(fresh());
    for _ in 0..400 {
        for other in others {
            other.step().await.unwrap();
        }
        let running = tested.take().unwrap();
        let killed = tokio::select! {
            done = running.step() => {
                done.unwrap();
                false
            }
            () = trap.sprung.notified() => true,
        };
        tested = Some(if killed {
            drop(running);
            fresh()
        } else {
            running
        });
        if net.version().await >= 1 {
            net.root.check_invariants();
            return trap.operations.lock().unwrap().clone();
        }
        net.root.advance(1);
    }
    panic!(
        "killed at {operation:?}: no version; {:?}",
        net.round(1).await
    );
}

/// Plays a scene once unharmed, then once for every place where the worker can be killed.
async fn everywhere<F: AsyncFn(Option<(u32, Kill)>) -> Vec<bool>>(scene: F) {
    let operations = scene(None).await;
    assert!(operations.iter().any(|submission| *submission));
    for (operation, submission) in (0u32..).zip(operations) {
        let kills: &[Kill] = match submission {
            true => &[Kill::Before, Kill::After],
            false => &[Kill::Before],
        };
        for kill in kills {
            scene(Some((operation, *kill))).await;
        }
    }
}

/// How often each call of account 8 landed.
fn landed_once(net: &Net, calls: &[&str], what: &str) {
    let (landed, refused) = net.landed();
    assert!(refused.is_empty(), "{what}: {refused:?}");
    for name in calls {
        let own = landed.iter().filter(|s| s.account == account(8));
        assert_eq!(
            own.filter(|s| s.call.name().1 == *name).count(),
            1,
            "{what}: {name}"
        );
    }
}

#[tokio::test]
async fn challenger_should_move_once_when_killed_at_any_operation() {
    everywhere(async |operation| {
        let net = Net::of(8, 2, config(), window).await;
        let mut others = without_mergers(&net, 2);
        let wrong = Arc::new(WrongMerges(Wrong::State));
        others.push(once(net.worker(7, wrong, Arc::default())));
        let operations = killed(&net, &others, operation).await;
        let what = format!("killed at {operation:?}");
        landed_once(&net, &["dispute_merge", "prove_chunk", "post_merge"], &what);
        operations
    })
    .await;
}

#[tokio::test]
async fn poster_should_answer_once_when_killed_at_any_operation() {
    everywhere(async |operation| {
        let mut config = config();
        let Architecture::Llama(llama) = &mut config.architecture;
        llama.dim = 40;
        let net = Net::of(8, 2, config, window).await;
        let mut others = without_mergers(&net, 2);
        others.push(Box::new(Frivolous(net.plain(7))));
        let operations = killed(&net, &others, operation).await;
        let what = format!("killed at {operation:?}");
        landed_once(&net, &["post_merge", "answer_dispute"], &what);
        operations
    })
    .await;
}

/// A merger that stops once a wrong merge has cost it a bond. Else it would go on as long as it has bonds.
struct Once(Merger);

fn once(worker: Arc<Worker>) -> Box<dyn Role> {
    Box::new(Once(Merger::new(worker)))
}

#[async_trait::async_trait]
impl Role for Once {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn worker(&self) -> &Worker {
        self.0.worker()
    }

    async fn step(&self) -> Result<(), dream_worker::WorkerError> {
        let mine = self.worker().account();
        let bond = self.worker().chain.bond(At::Finalised, mine).await?.total;
        if bond < 50_000 * dream_primitives::DREAM {
            return Ok(());
        }
        self.0.step().await
    }
}

/// Disputes whatever is posted, once, and says nothing more.
struct Frivolous(Arc<Worker>);

#[async_trait::async_trait]
impl Role for Frivolous {
    fn name(&self) -> &'static str {
        "frivolous"
    }

    fn worker(&self) -> &Worker {
        &self.0
    }

    async fn step(&self) -> Result<(), dream_worker::WorkerError> {
        let chain = &self.0.chain;
        let bond = chain.bond(At::Finalised, self.0.account()).await?;
        let round = chain.current_round(At::Finalised, BRANCH).await?;
        let open = round.filter(|r| r.phase == Phase::Dispute && r.disputes == 0);
        if let Some(round) = open.filter(|_| bond.total >= 50_000 * dream_primitives::DREAM) {
            let (round, tree) = (round.id, Tree::State);
            let call = Call::DisputeMerge { round, tree };
            chain
                .submit(call)
                .await
                .map_err(|e| dream_worker::WorkerError::Task(e.to_string()))?;
        }
        Ok(())
    }
}
