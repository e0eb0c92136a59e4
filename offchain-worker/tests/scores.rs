// SPDX-License-Identifier: GPL-3.0-or-later
//! Rounds whose merge is scored on a held-out shard: steward and scorers, with a dummy model and with a real one.

mod common;

use common::{account, miner, Net, BOND};
use dream_chain::mock::Fault as Lost;
use dream_chain::{At, Chain, Valuation};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::recipe::Recipe;
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::value::ScoreStage;
use dream_primitives::{data, H256};
use dream_store::{cid_of, BlobStore, Cid, Fault};
use dream_training::{
    tokens, BatchSource, Progress, Scores, SegmentOutcome, SegmentRunner, TrainingError,
    TrainingState,
};
use dream_worker::blobs;
use dream_worker::commands::prepare_shards;
use dream_worker::config::ModelConfig;
use dream_worker::roles::{merge::Merger, steward::Steward, verify::Verifier, Role};
use dream_worker::shards;
use dream_worker::view::{explain, status};
use dream_worker::worker::{DummyRunners, Runners, TorchRunners};
use std::ops::ControlFlow;
use std::sync::Arc;

const STEWARD: u8 = 6;

/// [`Net::honest`] with these runners for all, and the steward last.
fn roles(net: &Net, runners: &Arc<dyn Runners>) -> Vec<Box<dyn Role>> {
    let worker = |n| net.worker(n, runners.clone(), Arc::default());
    let third = worker(3);
    vec![
        miner(worker(1)),
        miner(worker(2)),
        Box::new(Verifier::new(third.clone())),
        Box::new(Merger::new(third)),
        Box::new(Verifier::new(worker(4))),
        Box::new(Verifier::new(worker(5))),
        Box::new(Steward::new(worker(STEWARD))),
    ]
}

fn dummies() -> Arc<dyn Runners> {
    Arc::new(DummyRunners)
}

/// The bytes of the shards that [`Net::shards`] cuts.
fn shard_bytes(net: &Net) -> Vec<u8> {
    std::fs::read(net.folder.path().join("held-out")).unwrap()
}

async fn valuation(net: &Net) -> Valuation {
    let id = net.round(1).await.id;
    let found = net.root.valuation(At::Finalised, id).await.unwrap();
    found.unwrap()
}

async fn scored(net: &Net) -> bool {
    !net.scores().await.is_empty()
}

async fn vesting(net: &Net) -> bool {
    matches!(net.phase(1).await, Some(Phase::Vesting | Phase::Closed))
}

async fn nobody_lost(net: &Net) {
    for n in 1..=5 {
        let bond = net.root.bond(At::Finalised, account(n)).await.unwrap();
        assert_eq!(bond.total, BOND, "account {n}");
    }
    net.root.check_invariants();
}

#[tokio::test]
async fn round_should_be_scored_once_on_a_shard_that_was_private_until_its_opening() {
    let net = Net::new(5, 2).await;
    let roots = net.shards(STEWARD, 1, 12).await;
    let bytes = shard_bytes(&net);
    let cid = cid_of(&bytes);
    assert_eq!(roots, [data::root(&bytes, 9)]);
    let roles = roles(&net, &dummies());
    let hidden = async |n: &Net| {
        let open = n.phase(1).await == Some(Phase::Valuation);
        if !open {
            let known = n.store.has(&cid).await.unwrap();
            assert!(!known, "published before its round is scored");
        }
        open
    };
    net.drive(&roles, 300, hidden).await;
    assert_eq!(net.version().await, 0, "promoted before it is scored");
    net.drive(&roles, 300, vesting).await;
    assert!(net.store.has(&cid).await.unwrap());

    let scores = net.scores().await;
    assert_eq!(scores.len(), 1);
    assert!(scores[0].promoted && scores[0].samples == 12 && scores[0].round == 1);
    let report = scores[0].report;
    assert!(report.version.total < report.parent.total, "{report:?}");
    let seats = valuation(&net).await.seats;
    assert_eq!(seats.len(), 3);
    assert!(seats
        .iter()
        .all(|s| s.report == Some(report) && s.reward > 0));

    let shown = status::read(&net.root, 0, None).await.unwrap();
    assert_eq!(shown.scores.len(), 1);
    let (parent, version) = (shown.scores[0].parent_loss, shown.scores[0].version_loss);
    assert!((parent * 12e6 - report.parent.total as f64).abs() < 1e-3);
    assert!((version * 12e6 - report.version.total as f64).abs() < 1e-3);
    let line = format!(
        "score     round 1: {version:.4} nats a token, {parent:.4} before, on 12 samples: promoted"
    );
    assert!(shown.to_string().contains(&line), "{shown}");
    let json = serde_json::to_value(&shown).unwrap();
    assert_eq!(json["scores"][0]["promoted"], true);
    let (claim, _) = net.claims(1).await.swap_remove(0);
    let explained = explain::read(&net.root, claim).await.unwrap();
    let paid = explained
        .value
        .iter()
        .filter(|v| v.contains("paid"))
        .count();
    assert_eq!(
        (explained.value.len(), paid),
        (4, 3),
        "{:?}",
        explained.value
    );

    // The shard is used: the next round is not scored, and nothing is left of it in the steward's folder.
    net.drive(&roles, 300, async |n: &Net| n.version().await >= 2)
        .await;
    assert_eq!(net.scores().await.len(), 1);
    let kept = shards::roots(&roles[6].worker().database).unwrap();
    assert!(kept.is_empty(), "{kept:?}");
    let (_, refused) = net.landed();
    assert!(refused.is_empty(), "{refused:?}");
    nobody_lost(&net).await;
    let before = net.root.balance(At::Finalised, seats[0].scorer).await;
    let closed = async |n: &Net| n.phase(1).await == Some(Phase::Closed);
    net.drive(&roles, 300, closed).await;
    let after = net.root.balance(At::Finalised, seats[0].scorer).await;
    assert!(after.unwrap().free >= before.unwrap().free + seats[0].reward);
}

#[tokio::test]
async fn shards_should_score_rounds_in_turn_and_not_be_prepared_again() {
    let net = Net::new(5, 2).await;
    let roots = net.shards(STEWARD, 2, 5).await;
    assert_eq!(roots.len(), 2);
    let roles = roles(&net, &dummies());
    net.drive(&roles, 400, async |n: &Net| n.scores().await.len() == 2)
        .await;
    let rounds: Vec<u32> = net.scores().await.iter().map(|s| s.round).collect();
    assert_eq!(rounds, [1, 2]);
    let own = net.session_of(STEWARD);
    let text = net.folder.path().join("held-out");
    let again = prepare_shards(&own, &text, Some(5), false).await;
    let error = again.unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(error.to_string().contains("committed before"), "{error}");
}

/// Trains away from the head instead of to something better.
struct Growers;
struct Grower(Box<dyn SegmentRunner>);

impl Runners for Growers {
    fn runner(
        &self,
        a: Architecture,
        r: Recipe,
        g: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        Ok(Box::new(Grower(DummyRunners.runner(a, r, g)?)))
    }
}

impl SegmentRunner for Grower {
    fn run_segment(
        &mut self,
        base: &[i32],
        state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError> {
        let mut outcome = self
            .0
            .run_segment(base, state, batches, segment, progress)?;
        outcome.state.params.iter_mut().for_each(|p| *p *= 2.0);
        Ok(outcome)
    }

    fn score(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<Scores, TrainingError> {
        self.0.score(head, samples)
    }
}

#[tokio::test]
async fn worse_version_should_not_become_the_head_and_its_claims_be_paid_all_the_same() {
    let net = Net::with(5, 2, |p| {
        p.audit.canary_rate = 0;
        p.audit.value_margin = 0;
    })
    .await;
    net.shards(STEWARD, 1, 12).await;
    let growers: Arc<dyn Runners> = Arc::new(Growers);
    let roles = roles(&net, &growers);
    net.drive(&roles, 400, vesting).await;
    let scores = net.scores().await;
    assert_eq!(scores.len(), 1);
    assert!(!scores[0].promoted);
    let report = scores[0].report;
    assert!(report.version.total > report.parent.total, "{report:?}");
    assert_eq!(net.version().await, 0);
    for (_, record) in net.claims(1).await {
        assert_eq!(record.state, ClaimState::Accepted);
        let paid = |n: &dream_chain::AccountId| {
            let own = record.receipts.iter().filter(|r| r.account == *n);
            own.map(|r| r.amount).sum::<u128>()
        };
        assert!(paid(&record.miner) > 0);
        assert!(record.committee.iter().all(|s| paid(&s.verifier) > 0));
    }
    assert!(valuation(&net).await.seats.iter().all(|s| s.reward > 0));
    let shown = status::read(&net.root, 0, None).await.unwrap();
    assert!(shown.to_string().contains("NOT promoted"), "{shown}");
    // The next round stands on the same version; no shard waits for it.
    net.drive(&roles, 400, async |n: &Net| n.version().await == 1)
        .await;
    assert_eq!(net.round(2).await.base, net.round(1).await.base);
    assert_eq!(net.scores().await.len(), 1);
    nobody_lost(&net).await;
}

#[tokio::test]
async fn lost_shard_should_be_opened_when_it_is_prepared_again_from_the_same_text() {
    let net = Net::new(5, 2).await;
    let roots = net.shards(STEWARD, 1, 12).await;
    let roles = roles(&net, &dummies());
    shards::forget(&roles[6].worker().database, &roots[0]).unwrap();
    let valued = async |n: &Net| n.phase(1).await == Some(Phase::Valuation);
    net.drive(&roles, 300, valued).await;
    roles[6].step().await.unwrap();
    assert_eq!(valuation(&net).await.cid, None);
    let own = net.session_of(STEWARD);
    let text = net.folder.path().join("held-out");
    let again = prepare_shards(&own, &text, Some(12), false).await;
    assert_eq!(again.unwrap(), roots);
    net.drive(&roles, 300, scored).await;
}

/// A model that learns something in a second.
fn small() -> ModelConfig {
    let mut config = common::config();
    config.architecture = Architecture::Llama(LlamaConfig {
        vocab: 256,
        dim: 32,
        layers: 1,
        heads: 2,
        kv_heads: 1,
        ffn: 64,
        context: 16,
        rope_theta: 10_000,
        tied: true,
    });
    config.recipe.context = 16;
    config.recipe.segments = 4;
    config.recipe.steps = 5;
    config.recipe.batch = 4;
    config
}

#[tokio::test]
async fn trained_version_should_score_better_with_the_real_trainer_and_by_its_own_losses() {
    let net = Net::of(5, 2, small(), |p| p.audit.canary_rate = 0).await;
    net.shards(STEWARD, 1, 20).await;
    let torch: Arc<dyn Runners> = Arc::new(TorchRunners);
    let roles = roles(&net, &torch);
    net.drive(&roles, 400, scored).await;
    let record = net.scores().await[0];
    assert!(record.promoted && record.report.version.total < record.report.parent.total);
    // The same from the blobs, outside the roles.
    let (config, genesis) = (small(), net.root.genesis());
    let runner = TorchRunners.runner(config.architecture, config.recipe, genesis);
    let mut runner = runner.unwrap();
    let samples: Vec<Vec<u32>> = shard_bytes(&net).chunks_exact(17).map(tokens).collect();
    assert_eq!(samples.len(), 20);
    let base = net.round(1).await.base;
    for (hash, loss) in [
        (base, record.report.parent),
        (record.version, record.report.version),
    ] {
        let header = net.root.version(At::Finalised, hash).await.unwrap();
        let header = header.unwrap();
        let state = blobs::version_state(&*net.store, &config.architecture, &header).await;
        let scores = runner.score(&state.unwrap(), &samples).unwrap();
        assert_eq!(scores.micro_nats(), loss.total);
        assert_eq!(scores.hash(&genesis), loss.bits);
    }
    nobody_lost(&net).await;
}

/// Runs round 1 up to its Valuation with the steward away.
async fn to_valuation(net: &Net, roles: &[Box<dyn Role>]) {
    let valued = async |n: &Net| n.phase(1).await == Some(Phase::Valuation);
    net.drive(&roles[..6], 300, valued).await;
}

#[tokio::test]
async fn shard_that_nobody_can_fetch_should_be_scored_by_nobody_at_no_cost() {
    for fault in [Fault::Missing, Fault::Corrupt, Fault::TruncatedTo(10)] {
        let net = Net::new(5, 2).await;
        net.shards(STEWARD, 1, 12).await;
        let roles = roles(&net, &dummies());
        to_valuation(&net, &roles).await;
        roles[6].step().await.unwrap();
        net.store.inject(&cid_of(&shard_bytes(&net)), fault);
        net.drive(&roles, 400, vesting).await;
        let valuation = valuation(&net).await;
        assert!(valuation.cid.is_some() && valuation.stage == ScoreStage::Done);
        let silent = |s: &dream_chain::ScoreSeat| s.commitment.is_none();
        assert!(valuation.seats.len() == 3 && valuation.seats.iter().all(silent));
        assert!(net.scores().await.is_empty());
        assert_eq!(net.version().await, 1, "promoted unscored");
        nobody_lost(&net).await;
    }
}

#[tokio::test]
async fn posted_version_should_be_made_again_from_its_deltas_when_its_blob_is_gone() {
    let net = Net::new(5, 2).await;
    net.shards(STEWARD, 1, 12).await;
    let roles = roles(&net, &dummies());
    to_valuation(&net, &roles).await;
    let id = net.round(1).await.id;
    let header = net.root.posted_header(At::Finalised, id).await.unwrap();
    let gone: Cid = header.unwrap().cid;
    net.store.inject(&gone, Fault::Missing);
    net.drive(&roles, 400, scored).await;
    let record = net.scores().await[0];
    assert!(record.promoted && record.report.version.total < record.report.parent.total);
    nobody_lost(&net).await;
}

#[tokio::test]
async fn shard_should_be_forgotten_when_it_was_not_opened_in_time() {
    let net = Net::new(5, 2).await;
    net.shards(STEWARD, 1, 12).await;
    let roles = roles(&net, &dummies());
    net.drive(&roles[..6], 400, vesting).await;
    assert!(net.scores().await.is_empty());
    assert_eq!(net.version().await, 1);
    let steward = &roles[6];
    assert_eq!(shards::roots(&steward.worker().database).unwrap().len(), 1);
    steward.step().await.unwrap();
    assert!(shards::roots(&steward.worker().database)
        .unwrap()
        .is_empty());
    let known = net.store.has(&cid_of(&shard_bytes(&net))).await.unwrap();
    assert!(!known, "published although it is used up");
    let shown = status::read(&net.root, 0, None).await.unwrap();
    assert!(shown.scores.is_empty() && shown.shards == 0);
    nobody_lost(&net).await;
}

#[tokio::test]
async fn opening_and_scores_should_land_once_when_their_answers_are_lost() {
    for fault in [
        Lost::LostAfterInclusion,
        Lost::LostBeforeInclusion,
        Lost::Dropped,
    ] {
        let net = Net::new(5, 2).await;
        net.shards(STEWARD, 1, 12).await;
        let roles = roles(&net, &dummies());
        to_valuation(&net, &roles).await;
        let before = net.landed().0.len();
        for n in 3..=STEWARD {
            // Of a scorer the commitment and the reveal, or the commitment and its second try.
            (0..2).for_each(|_| net.root.as_account(account(n)).fault(fault));
        }
        net.drive(&roles, 400, scored).await;
        let (landed, refused) = net.landed();
        assert!(refused.is_empty(), "{fault:?}: {refused:?}");
        assert!(landed.len() >= before + 7, "{fault:?}");
        let seats = valuation(&net).await.seats;
        assert!(seats.iter().all(|s| s.report.is_some()), "{fault:?}");
        nobody_lost(&net).await;
    }
}
