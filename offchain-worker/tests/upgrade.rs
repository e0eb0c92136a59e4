// SPDX-License-Identifier: GPL-3.0-or-later
//! A runtime upgrade on the real node, by real roles with a dummy model: workers go on through one that token holders decided,
//! and stop with a word on what to do where the new runtime's types are not those that they were built for.

mod node;

use dream_chain::{AccountId, At, Call, Chain, ChainError, ClaimRecord, Key, SubmitError};
use dream_primitives::claim::RoundId;
use dream_primitives::round::ClaimState;
use dream_primitives::{DREAM, H256};
use dream_worker::commands::add_data;
use dream_worker::config::{preset, Preset};
use dream_worker::error::{exit, WorkerError};
use dream_worker::roles::{self, merge::Merger, mine::Miner, verify::Verifier, Role};
use node::{Net, BRANCH};
use serde_json::{json, Value};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Blocks of a credit epoch.
const EPOCH: u32 = 45;
const MINERS: [&str; 2] = ["//Bob", "//Charlie"];
const VERIFIERS: [&str; 3] = ["//Dave", "//Eve", "//Ferdie"];
const MERGER: &str = "//Alice//stash";
/// Has nearly all credits and half of the tokens, so that a decision does not wait for the support that it needs to fall.
const VOTER: &str = "//One";
/// Accounts that pay through the upgrade: each payment takes some blocks, so that one of them sends in every block.
const PAYERS: u32 = 6;

fn key(name: &str) -> Key {
    Key::from_suri(name).unwrap()
}

fn payer(number: u32) -> String {
    format!("//Payer//{number}")
}

/// Short rounds, short credit epochs, a voter and payers.
fn upgradable(genesis: &mut Value) {
    let parameters = genesis.pointer_mut("/chainParameters/parameters").unwrap();
    for (name, value) in [
        ("trainingBlocks", 30),
        ("maxClaims", 2),
        ("newcomerSlots", 0),
        ("disputeBlocks", 4),
        ("responseBlocks", 15),
    ] {
        parameters["round"][name] = json!(value);
    }
    parameters["audit"]["canaryRate"] = json!(0);
    parameters["rewards"]["creditHalfLife"] = json!(64 * EPOCH);
    let voter = key(VOTER).account().to_string();
    genesis["usefulWork"]["credits"] = json!([[voter, 1_000_000_000_000u64]]);
    let balances = genesis.pointer_mut("/balances/balances").unwrap();
    let balances = balances.as_array_mut().unwrap();
    balances.push(json!([voter, 10_000_000 * DREAM]));
    for number in 0..PAYERS {
        let payer = key(&payer(number)).account().to_string();
        balances.push(json!([payer, 1_000 * DREAM]));
    }
}

/// The folder of the scripts, or why they cannot run here.
fn scripts() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/js");
    let version = Command::new("node").arg("--version").output();
    version.map_err(|e| format!("no Node.js ({e})"))?;
    match folder.join("node_modules/@polkadot/api").is_dir() {
        true => Ok(folder),
        false => Err("no JavaScript client: run scripts/setup.sh --js".into()),
    }
}

/// Runs `enact.mjs`; gives the version that the chain's runtime had, and the one that it has.
async fn enact(net: &Net, scripts: &Path, command: &str, rest: &[&str]) -> (u32, u32) {
    let child = Command::new("node")
        .arg(scripts.join("enact.mjs"))
        .args([command, net.client.url()])
        .args(rest)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let done = tokio::task::spawn_blocking(|| child.wait_with_output());
    let output = done.await.unwrap().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "enact.mjs {command}: {said}");
    // The client says something of its own when it meets an upgrade.
    let (from, to) = said.lines().last().and_then(|l| l.split_once(' ')).unwrap();
    (from.parse().unwrap(), to.parse().unwrap())
}

/// Claims of all rounds that the chain keeps.
async fn claims(net: &Net) -> Vec<(H256, ClaimRecord)> {
    let mut all = Vec::new();
    for number in 0..=round(net).await {
        let id = RoundId {
            branch: BRANCH,
            number,
        };
        for id in net.client.round_claims(At::Finalised, id).await.unwrap() {
            let record = net.client.claim(At::Finalised, id).await.unwrap();
            all.extend(record.map(|r| (id, r)));
        }
    }
    all
}

/// Number of the newest round.
async fn round(net: &Net) -> u32 {
    let current = net.client.current_round(At::Finalised, BRANCH).await;
    current.unwrap().map_or(0, |r| r.id.number)
}

/// Pays again and again until told to stop; gives how often that succeeded, and how often it was signed anew for the new runtime.
async fn pay(
    chain: Arc<dyn Chain>,
    to: AccountId,
    stop: Arc<AtomicBool>,
) -> Result<(u32, u32), SubmitError> {
    let (mut paid, mut anew) = (0, 0);
    while !stop.load(Ordering::Acquire) {
        match chain.submit(Call::Transfer { to, amount: DREAM }).await {
            Ok(_) => paid += 1,
            Err(SubmitError::Dropped { reason }) if reason.contains("runtime") => {
                anew += 1;
                let head = chain.finalised().await?;
                chain.next_finalised(head.number).await?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok((paid, anew))
}

fn run(role: impl Role + 'static) -> JoinHandle<Result<(), WorkerError>> {
    tokio::spawn(async move { roles::run(&role).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_should_go_on_through_a_runtime_upgrade_and_stop_when_its_types_differ() {
    let scripts = match scripts() {
        Ok(folder) => folder,
        // Past the test harness, which keeps what a test that passes prints.
        Err(why) => return writeln!(std::io::stderr(), "skipped: {why}").unwrap(),
    };
    let accounts: Vec<&str> = MINERS
        .into_iter()
        .chain(VERIFIERS)
        .chain([MERGER])
        .collect();
    let config = preset(Preset::Test);
    let net = Net::start(upgradable, config, Some((1_000_000, 1)), &accounts).await;
    let text = net.folder.path().join("text");
    let bytes: Vec<u8> = (0..900u32).map(|i| (i * i % 251) as u8).collect();
    fs::write(&text, bytes).unwrap();
    add_data(&net.session(), &text, "CC0-1.0", Some(1), false)
        .await
        .unwrap();
    let mut tasks = vec![run(Merger::new(net.plain(MERGER)))];
    tasks.extend(MINERS.map(|m| run(Miner::new(net.plain(m)))));
    tasks.extend(VERIFIERS.map(|v| run(Verifier::new(net.plain(v)))));

    let merged = net.until("a claim that is merged on the old runtime", async || {
        claims(&net).await.iter().any(|(_, r)| r.merged)
    });
    let decided = async {
        net.until("the end of the first credit epoch", async || {
            net.client.finalised().await.unwrap().number >= EPOCH
        })
        .await;
        enact(&net, &scripts, "vote", &[VOTER, "9000000"]).await
    };
    let ((), (old, still)) = tokio::join!(merged, decided);
    assert_eq!(old, still, "a vote alone upgrades nothing");
    let stop = Arc::new(AtomicBool::new(false));
    let to = key("//Paid").account();
    let mut payers = Vec::new();
    for number in 0..PAYERS {
        let chain = net.chain(&payer(number));
        payers.push(tokio::spawn(pay(chain, to, stop.clone())));
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    net.until("a claim under way", async || {
        let all = claims(&net).await;
        all.iter().any(|(_, r)| r.state == ClaimState::Claimed)
    })
    .await;
    let under_way: Vec<H256> = claims(&net)
        .await
        .iter()
        .filter(|(_, r)| !r.merged && r.state != ClaimState::Void)
        .map(|(id, _)| *id)
        .collect();
    let versions = enact(&net, &scripts, "apply", &[]).await;
    assert_eq!(versions, (old, old + 1));
    let unmerged = |(id, r): &(H256, ClaimRecord)| under_way.contains(id) && !r.merged;
    let all = claims(&net).await;
    assert!(all.iter().any(unmerged), "the upgrade was too late");
    let head = net.client.finalised().await.unwrap();
    net.until("blocks of the new runtime", async || {
        net.client.finalised().await.unwrap().number > head.number + 8
    })
    .await;
    let newest = round(&net).await;
    stop.store(true, Ordering::Release);
    let (mut paid, mut anew) = (0, 0);
    for payer in payers {
        let done = payer.await.unwrap().unwrap();
        (paid, anew) = (paid + done.0, anew + done.1);
    }
    let last = Call::Transfer { to, amount: DREAM };
    net.chain(&payer(0)).submit(last).await.unwrap();
    // Nothing is lost and nothing is paid twice, whichever runtime a payment was signed for.
    let got = net.client.balance(At::Finalised, to).await.unwrap();
    assert_eq!(got.free, u128::from(paid + 1) * DREAM);
    assert!(anew > 0, "no payment of {paid} met the upgrade");
    println!("{paid} payments, {anew} signed anew");

    net.until("the claims that were under way are merged", async || {
        !claims(&net).await.iter().any(unmerged)
    })
    .await;
    net.until(
        "a claim that is mined, verified and merged on the new runtime",
        async || {
            let all = claims(&net).await;
            all.iter()
                .any(|(_, r)| r.claim.round.number > newest && r.merged)
        },
    )
    .await;
    assert!(
        tasks.iter().all(|task| !task.is_finished()),
        "a worker ended"
    );

    // An error of a pallet that workers send calls to has another name.
    let forced = enact(&net, &scripts, "force", &["SecondClaim", "SecondClaiM"]).await;
    assert_eq!(forced, (old + 1, old + 2));
    for task in tasks {
        let ended = tokio::time::timeout(Duration::from_secs(60), task).await;
        let error = ended.expect("the worker stops").unwrap().unwrap_err();
        assert_eq!(error.exit_code(), exit::NODE, "{error}");
        let text = error.to_string();
        for part in [
            "UsefulWork differs",
            "install the worker of the node's release",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
    let refused = net.client.finalised().await.unwrap_err();
    assert!(
        matches!(refused, ChainError::OtherRuntime { .. }),
        "{refused}"
    );
}
