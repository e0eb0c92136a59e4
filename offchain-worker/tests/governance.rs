// SPDX-License-Identifier: GPL-3.0-or-later
//! Reverting a bad actor on the real node with its WASM runtime, by real roles with a dummy model: by a referendum on the fast
//! track, which takes the poison out of the model, and by a challenge, which takes bond, pay and credits.

mod node;

use dream_chain::{
    AccountVote, At, Call, Chain, ClaimRecord, Enactment, GovernanceCall, GovernanceChain, Key,
    ProposalOrigin, Receipt, SubmitError, TrackOrigin, Vote,
};
use dream_primitives::claim::RoundId;
use dream_primitives::data::{Mixture, MixtureEntry};
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;
use dream_primitives::round::ClaimState;
use dream_primitives::version::VersionHeader;
use dream_primitives::{DREAM, H256};
use dream_training::{
    BatchSource, Progress, Scores, SegmentOutcome, SegmentRunner, TrainingError, TrainingState,
};
use dream_worker::blobs;
use dream_worker::commands::add_data;
use dream_worker::config::{preset, Preset};
use dream_worker::roles::{merge::Merger, mine::Miner, verify::Verifier};
use dream_worker::view::report::lineage;
use dream_worker::view::vote;
use dream_worker::worker::{DummyRunners, Runners};
use node::{spawn, Net, BOND, BRANCH};
use serde_json::{json, Value};
use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// Blocks of a credit epoch.
const EPOCH: u32 = 45;
/// Who votes: no worker of theirs runs.
const VOTERS: [&str; 5] = [
    "//Charlie//stash",
    "//Dave//stash",
    "//Eve//stash",
    "//Ferdie//stash",
    "//One",
];
/// Tokens without credits.
const WHALE: &str = "//Bob//stash";
const FAKERS: [&str; 2] = ["//Bob", "//Charlie"];

/// Short rounds, short credit epochs, and credits at genesis for those who vote and for the fakers.
fn governed(genesis: &mut Value) {
    let parameters = genesis.pointer_mut("/chainParameters/parameters").unwrap();
    for (name, value) in [
        ("trainingBlocks", 40),
        ("maxClaims", 2),
        ("newcomerSlots", 0),
        ("disputeBlocks", 4),
        ("responseBlocks", 15),
        ("retentionRounds", 4),
    ] {
        parameters["round"][name] = json!(value);
    }
    parameters["audit"]["canaryRate"] = json!(0);
    parameters["bonds"]["unbondingBlocks"] = json!(20_000);
    parameters["rewards"]["creditHalfLife"] = json!(64 * EPOCH);
    let address = |name: &str| Key::from_suri(name).unwrap().account().to_string();
    let credits: Vec<Value> = VOTERS
        .iter()
        .chain(&FAKERS)
        .map(|name| json!([address(name), 1_000]))
        .collect();
    genesis["usefulWork"]["credits"] = json!(credits);
    let balances = genesis.pointer_mut("/balances/balances").unwrap();
    let one = json!([address("//One"), 1_000_000_000_000_000_000u64]);
    balances.as_array_mut().unwrap().push(one);
}

/// A chain with an admitted branch and data, and accounts that are bonded and have profiles.
async fn start(segments: u16, accounts: &[&str]) -> Net {
    let mut config = preset(Preset::Test);
    config.recipe.segments = segments;
    let net = Net::start(governed, config, Some((1_000_000, 1)), accounts).await;
    let text = net.folder.path().join("text");
    let bytes: Vec<u8> = (0..900u32).map(|i| (i * i % 251) as u8).collect();
    fs::write(&text, bytes).unwrap();
    add_data(&net.session(), &text, "CC0-1.0", Some(1), false)
        .await
        .unwrap();
    net
}

async fn send(net: &Net, who: &str, call: GovernanceCall) -> Result<Receipt, SubmitError> {
    net.chain(who).submit(Call::Governance(call)).await
}

/// Submits a referendum whose decision can begin, once an epoch with credits is over.
async fn refer(net: &Net, origin: TrackOrigin, proposal: Call) -> u32 {
    net.until("the end of the first credit epoch", async || {
        net.client.finalised().await.unwrap().number >= EPOCH
    })
    .await;
    let proposal = Box::new(proposal);
    let note = GovernanceCall::NotePreimage(proposal.clone());
    send(net, "//Alice", note).await.unwrap();
    let submit = GovernanceCall::Submit {
        origin: ProposalOrigin::Track(origin),
        proposal,
        enactment: Enactment::After(1),
    };
    let receipt = send(net, "//Alice", submit).await.unwrap();
    let index = receipt.referendum().unwrap();
    let deposit = GovernanceCall::PlaceDecisionDeposit(index);
    send(net, "//Alice", deposit).await.unwrap();
    index
}

/// Votes with so many DREAM. A worker of the account may take the nonce.
async fn cast(net: &Net, who: &str, referendum: u32, aye: bool, conviction: u8, tokens: u128) {
    let vote = AccountVote::Standard {
        vote: Vote { aye, conviction },
        balance: tokens * DREAM,
    };
    let call = GovernanceCall::Vote { referendum, vote };
    for _ in 0..10 {
        match send(net, who, call.clone()).await {
            Err(SubmitError::Dropped { .. }) => tokio::time::sleep(Duration::from_secs(1)).await,
            done => return drop(done.unwrap()),
        }
    }
    panic!("the vote of {who} is dropped again and again");
}

/// Claims of all rounds that the chain keeps, with their records.
async fn claims(net: &Net) -> Vec<(H256, ClaimRecord)> {
    let mut all = Vec::new();
    let current = net.client.current_round(At::Finalised, BRANCH).await;
    let newest = current.unwrap().map_or(0, |r| r.id.number);
    for number in 0..=newest {
        let round = RoundId {
            branch: BRANCH,
            number,
        };
        for id in net.client.round_claims(At::Finalised, round).await.unwrap() {
            let record = net.client.claim(At::Finalised, id).await.unwrap();
            all.extend(record.map(|r| (id, r)));
        }
    }
    all
}

async fn record(net: &Net, claim: H256) -> ClaimRecord {
    let record = net.client.claim(At::Finalised, claim).await.unwrap();
    record.unwrap()
}

fn verify_and_merge(net: &Net) -> Vec<tokio::task::JoinHandle<()>> {
    let verifiers = ["//Dave", "//Eve", "//Ferdie"].iter();
    let mut tasks: Vec<_> = verifiers
        .map(|v| spawn(Box::new(Verifier::new(net.plain(v)))))
        .collect();
    tasks.push(spawn(Box::new(Merger::new(net.plain("//Alice//stash")))));
    tasks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claim_that_poisons_the_model_should_be_reverted_by_a_referendum_on_the_fast_track() {
    let poisoner = FAKERS[1];
    let accounts = [
        FAKERS[0],
        poisoner,
        "//Dave",
        "//Eve",
        "//Ferdie",
        "//Alice//stash",
    ];
    // In a round its poisoned segment is audited with a chance of one in 31; then it loses a claim's bond, and tries again.
    let net = start(32, &accounts).await;
    let mut tasks = verify_and_merge(&net);
    tasks.push(spawn(Box::new(Miner::new(net.plain(FAKERS[0])))));
    // Just before the last segment, which is always audited: the training after it heals what is poisoned.
    let fakes = Arc::new(Fakes {
        segment: 30,
        by: 0.5,
    });
    tasks.push(spawn(Box::new(Miner::new(net.worker(poisoner, fakes)))));
    let [honest, miner] = FAKERS.map(|name| net.chain(name).account());
    // With an honest claim in the same round, which the revert has to keep.
    let merged = async || {
        let all = claims(&net).await;
        let of = |who, round| {
            let mut merged = all
                .iter()
                .filter(|(_, r)| r.merged && r.claim.round == round);
            merged.find(|(_, r)| r.miner == who).cloned()
        };
        let rounds = all.iter().map(|(_, r)| r.claim.round);
        let mut both = rounds.filter_map(|round| of(honest, round).and(of(miner, round)));
        both.next()
    };
    net.until("a round with merged and paid claims of both", async || {
        merged().await.is_some()
    })
    .await;
    let (bad, target) = merged().await.unwrap();
    let versions = async || {
        let head = net.client.branch(At::Finalised, BRANCH).await;
        let head = head.unwrap().unwrap().head;
        lineage(&net.client, At::Finalised, head).await.unwrap()
    };
    let parent = dream_primitives::version::Parent::Local(target.claim.base);
    let before = versions().await;
    let (poisoned, version) = before.iter().find(|(_, h)| h.parent == parent).unwrap();
    let base = net.client.version(At::Finalised, target.claim.base).await;
    let base = loss(&net, &base.unwrap().unwrap()).await;
    // What people see who measure the model.
    let harmed = loss(&net, version).await;
    assert!(harmed > base, "{harmed} after {base}");

    let index = refer(&net, TrackOrigin::Revert, Call::RevertClaim(bad)).await;
    cast(&net, WHALE, index, false, 6, 900_000).await;
    // All at once: it passes a block after enough of them are in.
    let votes = VOTERS.map(|voter| cast(&net, voter, index, true, 1, 900_000));
    futures::future::join_all(votes).await;
    let whale = net.chain(WHALE).account();
    let nothing = net.client.applied_vote(At::Finalised, index, whale).await;
    assert_eq!(nothing.unwrap().unwrap().own.weight, 0);
    net.until("the revert", async || record(&net, bad).await.reverted)
        .await;
    net.until("a lineage without the claim", async || {
        let now = versions().await;
        let again = now.iter().find(|(_, h)| h.parent == parent);
        again.is_some_and(|(hash, _)| hash != poisoned)
    })
    .await;
    // The honest claim of the round is merged again, and the model is better for it.
    let after = versions().await;
    assert!(after.iter().all(|(hash, _)| hash != poisoned));
    let (_, again) = after.iter().find(|(_, h)| h.parent == parent).unwrap();
    let healed = loss(&net, again).await;
    assert!(healed < base, "{healed} after {base}");
    // A revert takes the claim out of the model, nothing else. Credits fall with a bond, when an audit or a challenge is lost.
    let credits = net.client.credits(At::Finalised, miner).await.unwrap();
    assert!(credits.amount > 0 || net.bond(poisoner).await < BOND);
    tasks.iter().for_each(|task| task.abort());
}

/// Loss of a version on a sample that nobody trains on.
async fn loss(net: &Net, version: &VersionHeader) -> f32 {
    let (architecture, recipe) = (net.config.architecture, net.config.recipe);
    let state = blobs::version_state(&*net.store(), &architecture, version).await;
    let runner = DummyRunners.runner(architecture, recipe, net.client.genesis());
    let context = recipe.context as usize;
    let scores = runner.unwrap().score(&state.unwrap(), &[vec![1; context]]);
    scores.unwrap().losses[0]
}

/// Makes one segment up, adding to every parameter, and trains as told before and after it.
#[derive(Clone, Copy)]
struct Fakes {
    segment: u16,
    by: f32,
}

struct Faker(Box<dyn SegmentRunner>, Recipe, Fakes);

impl Runners for Fakes {
    fn runner(
        &self,
        architecture: Architecture,
        recipe: Recipe,
        genesis: H256,
    ) -> Result<Box<dyn SegmentRunner>, TrainingError> {
        let honest = DummyRunners.runner(architecture, recipe, genesis)?;
        Ok(Box::new(Faker(honest, recipe, *self)))
    }
}

impl SegmentRunner for Faker {
    fn run_segment(
        &mut self,
        base: &[i32],
        mut state: TrainingState,
        batches: &mut dyn BatchSource,
        segment: u16,
        progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<SegmentOutcome, TrainingError> {
        if segment != self.2.segment {
            return self.0.run_segment(base, state, batches, segment, progress);
        }
        state.params.iter_mut().for_each(|p| *p += self.2.by);
        state.step += u64::from(self.1.steps);
        Ok(SegmentOutcome {
            digest: content_hash(Domain::SegmentDigest, &[b"made up"]),
            losses: vec![0.0; usize::from(self.1.steps)],
            tokens: self.1.segment_tokens(),
            state,
        })
    }

    fn score(&mut self, head: &[i32], samples: &[Vec<u32>]) -> Result<Scores, TrainingError> {
        self.0.score(head, samples)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn won_challenge_should_take_credits_and_pay_and_votes_under_way_be_poked() {
    let challenger = "//Alice//stash";
    let accounts = [
        FAKERS[0], FAKERS[1], "//Dave", "//Eve", "//Ferdie", challenger,
    ];
    // One segment beside the last is audited: that both fakers are caught by the draw has a chance of one in 961.
    let net = start(32, &accounts).await;
    let mut tasks = verify_and_merge(&net);
    let fakes = Fakes {
        segment: 0,
        by: 1e-4,
    };
    for faker in FAKERS {
        let worker = net.worker(faker, Arc::new(fakes));
        tasks.push(spawn(Box::new(Miner::new(worker))));
    }
    net.until("an accepted fake", async || {
        claims(&net).await.iter().any(|(_, r)| r.state.accepted())
    })
    .await;
    let all = claims(&net).await;
    let (fake, found) = all.iter().find(|(_, r)| r.state.accepted()).unwrap();
    assert!(!found.audited.contains(&0));
    let faker = FAKERS
        .into_iter()
        .find(|name| net.chain(name).account() == found.miner)
        .unwrap();

    // Its vote has weight.
    let mixture = Mixture::truncate_from(vec![MixtureEntry {
        dataset: 0,
        weight: 3,
    }]);
    let proposal = Call::SetMixture {
        branch: BRANCH,
        mixture,
    };
    let index = refer(&net, TrackOrigin::Spend, proposal).await;
    cast(&net, faker, index, true, 1, 900_000).await;
    let tally = async || {
        let info = net.client.referendum(At::Finalised, index).await.unwrap();
        info.unwrap().ongoing().unwrap().tally
    };
    assert!(tally().await.ayes > 0);
    let explain = async || vote::read(&net.client, found.miner, index).await.unwrap();
    assert_eq!(explain().await.poked, None);
    let poke = || GovernanceCall::Poke {
        target: found.miner,
        referendum: index,
    };
    let refused = send(&net, "//Alice", poke()).await.unwrap_err();
    assert!(refused.is("ConvictionVoting", "NothingToPoke"), "{refused}");

    let challenge = Call::Challenge {
        claim: *fake,
        segment: 0,
    };
    for _ in 0..10 {
        match net.chain(challenger).submit(challenge.clone()).await {
            Err(SubmitError::Dropped { .. }) => continue,
            done => {
                done.unwrap();
                break;
            }
        }
    }
    net.until("the jury's word", async || {
        record(&net, *fake).await.state == ClaimState::Slashed
    })
    .await;
    let slashed = record(&net, *fake).await;
    assert!(slashed.challenges() > 0);
    // The claim's pay is gone with it, and the credits of all epochs.
    assert!(slashed.receipts.iter().all(|r| r.account != found.miner));
    let credits = net.client.credits(At::Finalised, found.miner).await;
    assert_eq!(credits.unwrap().amount, 0);
    assert!(net.bond(faker).await < BOND);
    // What the vote weighs stands until somebody pokes it.
    assert!(tally().await.ayes > 0);
    let foretold = explain().await;
    assert!(foretold.poked.is_some_and(|p| p.ayes == 0), "{foretold}");
    send(&net, "//Alice", poke()).await.unwrap();
    assert_eq!(tally().await.ayes, 0);
    let after = explain().await;
    assert_eq!((after.poked, after.adds.ayes), (None, 0));
    tasks.iter().for_each(|task| task.abort());
}
