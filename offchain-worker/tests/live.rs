// SPDX-License-Identifier: GPL-3.0-or-later
//! Merges on the real node with its WASM runtime, by real roles with a dummy model: a wrong merge is brought down move by
//! move, the right one becomes the head, and a claim is reverted.

mod node;

use dream_chain::{At, Call, Chain};
use dream_primitives::claim::RoundId;
use dream_primitives::recipe::AggregationRule;
use dream_primitives::{state, H256};
use dream_training::{SegmentRunner, TrainingError};
use dream_worker::blobs;
use dream_worker::commands::add_data;
use dream_worker::config::{preset, Preset};
use dream_worker::merge::Merged;
use dream_worker::roles::{merge::Merger, mine::Miner, verify::Verifier};
use dream_worker::worker::{DummyRunners, Runners};
use node::{spawn, Net, BOND, BRANCH};
use serde_json::{json, Value};
use std::fs;
use std::sync::Arc;

fn short_rounds(genesis: &mut Value) {
    let parameters = genesis.pointer_mut("/chainParameters/parameters").unwrap();
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
}

/// A chain with an admitted branch and data, and accounts that are bonded and have profiles.
async fn start(accounts: &[&str]) -> Net {
    let mut config = preset(Preset::Test);
    // More than 32 chunks, so that a dispute takes two answers.
    let dream_primitives::manifest::Architecture::Llama(llama) = &mut config.architecture;
    (llama.dim, llama.heads, llama.kv_heads) = (200, 4, 4);
    config.recipe.rule = AggregationRule::Median;
    let net = Net::start(short_rounds, config, Some((1_000_000, 1)), accounts).await;
    let text = net.folder.path().join("text");
    let bytes: Vec<u8> = (0..900u32).map(|i| (i * i % 251) as u8).collect();
    fs::write(&text, bytes).unwrap();
    add_data(&net.session(), &text, "CC0-1.0", Some(1), false)
        .await
        .unwrap();
    net
}

/// Flips one parameter of every merge.
struct WrongMerges;

impl Runners for WrongMerges {
    fn runner(
        &self,
        architecture: dream_primitives::manifest::Architecture,
        recipe: dream_primitives::recipe::Recipe,
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

/// Claims of the first round that was merged and paid. The current round may be a later one, without a claim so far.
async fn first_merged(net: &Net) -> Vec<H256> {
    let current = net.client.current_round(At::Finalised, BRANCH).await;
    let current = current.unwrap().unwrap().id;
    for number in 0..=current.number {
        let round = RoundId { number, ..current };
        let claims = net.client.round_claims(At::Finalised, round).await.unwrap();
        let mut merged = Vec::new();
        for id in claims {
            let record = net.client.claim(At::Finalised, id).await.unwrap();
            if record.is_some_and(|r| r.merged) {
                merged.push(id);
            }
        }
        if !merged.is_empty() {
            return merged;
        }
    }
    Vec::new()
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
    let net = start(&accounts).await;
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

    // Every claim of the round that made version 1 is taken out. They count as merged once they are paid.
    net.until("paid claims", async || !first_merged(&net).await.is_empty())
        .await;
    let merged = first_merged(&net).await;
    let root = net.chain("//Alice");
    for id in merged {
        root.submit(Call::Sudo(Box::new(Call::RevertClaim(id))))
            .await
            .unwrap();
        let record = net.client.claim(At::Finalised, id).await.unwrap();
        assert!(record.is_some_and(|r| r.reverted), "{id:?}");
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
