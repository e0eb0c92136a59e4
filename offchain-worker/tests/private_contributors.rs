// SPDX-License-Identifier: GPL-3.0-or-later
//! A whole private round on the real node with its WASM runtime, of real roles with a dummy model: contributors train on
//! text of their own, one of them is stopped and goes on, the sum becomes the head, the ledgers say what it gave away, and
//! who has used up its epsilon joins no further round.

mod node;

use dream_chain::{At, Call, Chain, PrivateCall, PrivateChain, PrivateRound};
use dream_primitives::private::round::{JobTerms, PrivatePhase};
use dream_primitives::private::settle::PrivateReport;
use dream_primitives::DREAM;
use dream_privacy::Target;
use dream_worker::commands::{commit_shard, prepare_shards};
use dream_worker::config::{preset, Preset};
use dream_worker::roles::private::aggregator::Aggregator;
use dream_worker::roles::private::auditor::Auditor;
use dream_worker::roles::private::contributor::{Options, PrivateMiner};
use dream_worker::roles::private::loss::{Account, Loss, Protection};
use dream_worker::roles::private::member::Committee;
use dream_worker::roles::{self, Role};
use node::{spawn, state_of, Net, BOND, BRANCH};
use serde_json::{json, Value};
use std::fs;
use std::path::Path;

const MEMBERS: [&str; 3] = ["//Bob", "//Charlie", "//Dave"];
const CONTRIBUTORS: [&str; 3] = ["//Eve", "//Ferdie", "//Alice//stash"];
const AUDITORS: [&str; 3] = ["//Bob//stash", "//Charlie//stash", "//Dave//stash"];
const AGGREGATOR: &str = "//Eve//stash";
/// Stands in every private text and nowhere else.
const CANARY: &str = "the heron keeps its secret";

fn short_complaints(genesis: &mut Value) {
    let parameters = genesis.pointer_mut("/secureAggregation/parameters");
    parameters.unwrap()["committee"]["complaintBlocks"] = json!(3);
}

/// The first contributor's epsilon is for one round; the others' noise is small and their norm large.
fn protection(place: usize) -> Protection {
    match place {
        0 => Protection::Calibrated(Target {
            epsilon: 8.0,
            delta: 1e-6,
            rounds: 1,
        }),
        _ => Protection::Given {
            norm: 60_000,
            variance: 1,
            target: None,
        },
    }
}

fn text_of(net: &Net, place: usize) -> std::path::PathBuf {
    net.folder.path().join(format!("private-text-{place}"))
}

fn contributor(net: &Net, place: usize) -> Box<dyn Role> {
    let options = Options {
        text: text_of(net, place),
        protection: protection(place),
        delta: 1e-6,
    };
    let worker = net.plain(CONTRIBUTORS[place]);
    Box::new(PrivateMiner::new(worker, options))
}

async fn newest(net: &Net) -> Option<PrivateRound> {
    let chain: &dyn Chain = &net.client;
    let newest = chain.last_private_round(At::Finalised, BRANCH).await;
    newest.unwrap()
}

/// Files below a folder whose bytes hold a string, but for the private texts.
fn holding(folder: &Path, what: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with("private-text") {
            found.extend(holding(&path, what));
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            if bytes.windows(what.len()).any(|w| w == what.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contributors_should_make_a_version_and_account_for_it_on_a_real_chain() {
    let accounts: Vec<&str> = [&MEMBERS[..], &CONTRIBUTORS, &AUDITORS, &[AGGREGATOR]].concat();
    let net = Net::start(short_complaints, preset(Preset::Test), None, &accounts).await;
    let first = net.head().await;
    for place in 0..CONTRIBUTORS.len() {
        fs::create_dir(text_of(&net, place)).unwrap();
        let text = format!("{place}: {CANARY}. ").repeat(40);
        fs::write(text_of(&net, place).join("text"), text).unwrap();
    }
    let held_out = net.folder.path().join("held-out");
    let bytes: Vec<u8> = (0..90u32).map(|i| (i * i % 251) as u8).collect();
    fs::write(&held_out, bytes).unwrap();
    let steward = net.session_of(AUDITORS[0], &state_of(AUDITORS[0]));
    let shards = prepare_shards(&steward, &held_out, None, false).await;
    let named = Some((shards.unwrap()[0], 10));
    let who = Some(steward.chain.account());
    commit_shard(&net.session(), named, who).await.unwrap();
    let job = PrivateCall::Sponsor {
        branch: BRANCH,
        terms: JobTerms {
            fee: 10 * DREAM,
            reward: 90 * DREAM,
            price: DREAM,
            shift: 10,
        },
        amount: 500 * DREAM,
    };
    let root = net.chain("//Alice");
    root.submit(Call::Private(job)).await.unwrap();

    let mut tasks = Vec::new();
    for member in MEMBERS {
        tasks.push(spawn(Box::new(Committee::new(net.plain(member)))));
    }
    for auditor in AUDITORS {
        tasks.push(spawn(Box::new(Auditor::new(net.plain(auditor)))));
    }
    tasks.push(spawn(Box::new(Aggregator::new(net.plain(AGGREGATOR)))));
    let careful = contributor(&net, 0);
    let careful = tokio::spawn(async move {
        let ended = roles::run(careful.as_ref()).await;
        ended.unwrap_err().to_string()
    });
    tasks.push(spawn(contributor(&net, 2)));
    let stopped = spawn(contributor(&net, 1));
    let committing = async || {
        let round = newest(&net).await;
        round.is_some_and(|r| r.phase == PrivatePhase::Commitment)
    };
    net.until("a cohort", committing).await;
    let round = newest(&net).await.unwrap().id;
    stopped.abort();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    tasks.push(spawn(contributor(&net, 1)));

    let over = async || {
        let newest = newest(&net).await.unwrap();
        newest.id != round || newest.phase == PrivatePhase::Closed
    };
    net.until("the end of the round", over).await;
    let chain: &dyn Chain = &net.client;
    let done = chain.private_round(At::Finalised, round).await.unwrap();
    let done = done.unwrap();
    assert_eq!(done.standing.count(), 3, "{done:?}");
    let Some(PrivateReport::Version(report)) = done.settled else {
        panic!("no version was reported: {done:?}");
    };
    assert_eq!(report.wrong, 0, "a member's answer was called wrong");
    assert_eq!(net.head().await.number, first.number + 1);
    assert!(done.reward > 0, "a gain is paid");

    // The next round opens under the next epoch's key, and is not joined by who has nothing left to give.
    let began = std::time::Instant::now();
    let again = async || careful.is_finished() || began.elapsed().as_secs() > 600;
    net.until("the end of the careful contributor", again).await;
    assert!(careful.is_finished(), "it joined another round");
    let why = careful.await.unwrap();
    assert!(
        why.contains("used up") && why.contains("epsilon 8"),
        "{why}"
    );
    for task in tasks {
        task.abort();
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    for (place, account) in CONTRIBUTORS.into_iter().enumerate() {
        assert_eq!(net.bond(account).await, BOND, "{account} lost");
        let database = &net.plain(account).database;
        let loss = Loss::get(database, round).unwrap().unwrap();
        assert!(loss.over && loss.summed);
        let losses = Loss::all(database).unwrap();
        let account = Account::of(&losses, BRANCH, 1e-6).unwrap();
        assert!(account.bare.is_empty());
        let epsilon = account.json().epsilon;
        match place {
            0 => assert!(epsilon.is_some_and(|e| e > 0.0 && e <= 8.0), "{account}"),
            _ => assert_eq!(epsilon, None, "{account}"),
        }
    }
    let audited = (0..CONTRIBUTORS.len()).filter(|place| {
        let database = &net.plain(CONTRIBUTORS[*place]).database;
        !Loss::get(database, round)
            .unwrap()
            .unwrap()
            .opened
            .is_empty()
    });
    assert_eq!(audited.count(), 1, "one contribution is audited a round");
    let private = holding(&text_of(&net, 0), CANARY);
    assert_eq!(private.len(), 1, "the search itself finds it");
    assert_eq!(
        holding(net.folder.path(), CANARY),
        Vec::<std::path::PathBuf>::new()
    );
}
