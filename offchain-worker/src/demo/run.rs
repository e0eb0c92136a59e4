// SPDX-License-Identifier: GPL-3.0-or-later
//! The scenario.

use crate::network::{self, Network, Part, ACTORS, BOND, STEWARD};
use crate::observe::Seen;
use crate::private;
use crate::process::Process;
use crate::summary::{self, Reverted};
use crate::table::Table;
use crate::vote::Ballot;
use crate::Args;
use anyhow::{bail, ensure, Context, Result};
use dream_chain::{At, Call};
use dream_primitives::data;
use dream_report::Process as ProcessCost;
use dream_worker::cli::{connect, Session};
use dream_worker::commands::{add_data, commit_shard, init_model};
use dream_worker::config::{preset, Preset};
use dream_worker::view::report::{gather, Evaluator};
use dream_worker::view::status::Score;
use dream_worker::worker::TorchRunners;
use dream_worker::{folder, shards};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Held-out samples that each version is evaluated on.
const SAMPLES: usize = 64;
/// Rounds that are scored on a held-out shard.
const SHARDS: usize = 2;
/// Most samples of a shard.
const SHARD: usize = 32;
/// Rounds beyond those asked for in which chance may bring what the demo shows.
const EXTRA_ROUNDS: u32 = 24;
/// Blocks within which a revert must be through: the round that is open ends first, then each round is made again.
const REVERT_BLOCKS: u32 = 400;
/// Seed of the model's first parameters.
const SEED: u64 = 1;

/// Runs the demo from its beginning to its verdict.
pub async fn demo(args: &Args) -> Result<()> {
    let temporary = std::env::temp_dir().join(format!("dream-demo-{}", std::process::id()));
    let dir = args.dir.clone().unwrap_or_else(|| temporary.clone());
    let mut processes = Vec::new();
    let run = async {
        match args.private {
            true => private::scenario(args, &dir, &mut processes).await,
            false => scenario(args, &dir, &mut processes).await,
        }
    };
    let done = tokio::time::timeout(Duration::from_secs(args.patience), run)
        .await
        .unwrap_or_else(|_| bail!("not done after {} s (--patience)", args.patience));
    stop(&mut processes);
    match &done {
        Ok(()) if args.dir.is_none() => {
            fs::remove_dir_all(&temporary)
                .with_context(|| format!("cannot remove {}", temporary.display()))?;
        }
        Ok(()) => {}
        Err(_) => eprintln!(
            "dream-demo: chain, states and logs are kept in {}",
            dir.display()
        ),
    }
    done
}

/// Asks all workers to end at once and waits for each, then stops the validator, which was started first.
pub(crate) fn stop(processes: &mut Vec<Process>) {
    processes.iter_mut().skip(1).for_each(Process::terminate);
    while processes.pop().is_some() {}
}

async fn scenario(args: &Args, dir: &Path, processes: &mut Vec<Process>) -> Result<()> {
    let began = Instant::now();
    let network = Network::new(args, dir)?;
    let (text, second) = (network::text(args, dir)?, network::second_text(args, dir)?);
    println!(
        "chain: 1 validator; {} workers; text: {}",
        ACTORS.len(),
        text.display()
    );
    let spec = network.write_spec(&everybody(), network::patch)?;
    processes.push(network.start_node(&spec)?);
    let root = session(&network, processes).await?;
    prepare(&network, &root, processes, &text).await?;

    let (chain, branch) = (&*root.chain, root.global.branch);
    let evaluator = Evaluator::new(
        chain,
        root.store.clone(),
        Arc::new(TorchRunners),
        branch,
        SAMPLES,
    )
    .await?;
    ensure!(
        evaluator.samples() > 0,
        "the text holds no held-out sample: every 20th sample of {} bytes is one, so give it more text",
        preset(Preset::Demo).recipe.context + 1
    );
    let mut ballot = Ballot::prepare(&network, &second).await?;
    let names = network.names(&everybody())?;
    println!(
        "model: {} parameters; loss on {} held-out samples; + match, x mismatch, c committed, a has the blobs",
        evaluator.parameters(),
        evaluator.samples()
    );
    let (mut seen, mut table) = (Seen::default(), Table::new(names.clone(), began));
    let mut block = chain.finalised().await?;
    loop {
        processes.iter_mut().try_for_each(Process::alive)?;
        seen.look(chain, &evaluator, branch, block).await?;
        table.show(&seen);
        let done = seen.version() >= args.rounds && seen.vested() && !seen.unpaid();
        if done && seen.told() && ballot.done() {
            break;
        }
        ballot.step(block).await?;
        let round = seen.round.map_or(0, |(number, _)| number);
        ensure!(
            round <= args.rounds.saturating_add(EXTRA_ROUNDS),
            "after {EXTRA_ROUNDS} rounds more than asked for the demo has not seen {}; the vote waits for {}",
            seen.missing(),
            ballot.waits()
        );
        block = next(&root, processes, block.number).await?;
    }
    let reverted = revert(&root, &evaluator, &mut seen, &mut table, processes).await?;
    let mut data = gather(chain, &evaluator, branch, &names, &mut seen.losses).await?;
    processes.iter_mut().try_for_each(Process::alive)?;
    data.chain = "DREAM demo".into();
    data.model = "LLaMA-family, byte-level".into();
    data.wall_seconds = began.elapsed().as_secs_f64();
    data.processes = processes.iter().map(cost).collect();
    data.commands = commands(args);
    data.extras.push(ballot.extra(&names));
    let scores = chain.scores(At::Finalised, branch).await?;
    let scores: Vec<Score> = scores.iter().map(Score::from).collect();
    summary::print(&data);
    summary::print_scores(&scores);
    summary::print_stories(&seen.stories);
    summary::print_revert(&reverted);
    ballot.print(&names);
    let written = dream_report::write(&data, &args.report)
        .with_context(|| format!("cannot write the report to {}", args.report.display()))?;
    if let Some(page) = written.first() {
        println!("\nreport: {}", page.display());
    }
    summary::judge(&data, &scores, args.margin)
}

/// Has the newest merged claim taken out of the model by root, and waits until the lineage is made anew.
async fn revert(
    root: &Session,
    evaluator: &Evaluator,
    seen: &mut Seen,
    table: &mut Table,
    processes: &mut [Process],
) -> Result<Reverted> {
    let (chain, branch) = (&*root.chain, root.global.branch);
    // The chain takes claims out of the rounds that it retains only.
    let retained = chain
        .parameters(At::Finalised)
        .await?
        .round
        .retention_rounds;
    let newest = chain.current_round(At::Finalised, branch).await?;
    let newest = newest.map_or(0, |r| r.id.number);
    let target = seen
        .to_revert(newest.saturating_sub(retained))
        .context("no claim in the newest versions can be reverted")?;
    let (claim, version) = (target.claim, target.version);
    let before = seen.versions.clone();
    // All that were made since are made anew; a round in which nothing else was merged makes none.
    let remade = seen.version().saturating_sub(u32::from(target.others == 0));
    root.submit(Call::Sudo(Box::new(Call::RevertClaim(claim))))
        .await?;
    println!("\nreverting claim {claim:?}, which is in version {version:?}");
    let mut block = chain.finalised().await?;
    let first = block.number;
    loop {
        processes.iter_mut().try_for_each(Process::alive)?;
        seen.look(chain, evaluator, branch, block).await?;
        table.show(seen);
        let gone = seen.versions.iter().all(|(hash, _)| *hash != version);
        if gone && seen.version() >= remade {
            break;
        }
        ensure!(
            block.number <= first.saturating_add(REVERT_BLOCKS),
            "claim {claim:?} is not out of the model {REVERT_BLOCKS} blocks after its revert"
        );
        block = next(root, processes, block.number).await?;
    }
    Ok(Reverted {
        claim,
        before,
        after: seen.versions.clone(),
    })
}

pub(crate) fn cost(process: &Process) -> ProcessCost {
    ProcessCost {
        name: process.name().into(),
        peak_memory_mib: process.peak_mib(),
        wall_seconds: process.wall().as_secs_f64(),
    }
}

fn commands(args: &Args) -> Vec<String> {
    let text = args.text.as_ref().map(|t| format!(" TEXT={}", t.display()));
    vec![format!("make demo{}", text.unwrap_or_default())]
}

/// Waits for a block while watching the processes.
pub(crate) async fn next(
    root: &Session,
    processes: &mut [Process],
    after: u32,
) -> Result<dream_chain::BlockRef> {
    let wait = root.chain.next_finalised(after);
    tokio::pin!(wait);
    loop {
        tokio::select! {
            block = &mut wait => return Ok(block?),
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                processes.iter_mut().try_for_each(Process::alive)?;
            }
        }
    }
}

/// Connects as the chain's root once the node answers and finalises.
pub(crate) async fn session(network: &Network, processes: &mut [Process]) -> Result<Session> {
    let global = network.global(None);
    let connecting = async {
        let session = connect(&global, true).await?;
        session.chain.next_finalised(0).await?;
        Ok::<_, anyhow::Error>(session)
    };
    tokio::pin!(connecting);
    loop {
        tokio::select! {
            session = &mut connecting => return session,
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                processes.iter_mut().try_for_each(Process::alive)?;
            }
        }
    }
}

/// Model, bonds, profiles, roles, and last the data, upon which the first round opens.
async fn prepare(
    network: &Network,
    root: &Session,
    processes: &mut Vec<Process>,
    text: &Path,
) -> Result<()> {
    init_model(root, &preset(Preset::Demo), SEED, Some((1_000_000, 1))).await?;
    prepare_shards(network, root, processes, text).await?;
    for command in [&["bond", BOND][..], &["profile"]] {
        let mut running: Vec<Process> = Vec::new();
        for (name, part) in ACTORS.iter().filter(|(_, part)| part.bonds()) {
            // Bonding and profiles are honest in any case.
            let honest = match part.mines() {
                true => Part::Miner,
                false => Part::Verifier,
            };
            running.push(network.start_worker(name, honest, command)?);
        }
        finish(running, processes).await?;
    }
    println!(
        "bonded {BOND} DREAM and registered a profile each: {}",
        names()
    );
    for (name, part) in ACTORS {
        let command: &[&str] = match part {
            Part::Miner | Part::Faker | Part::Leaker => &["mine"],
            Part::Verifier | Part::Lazy => &["verify"],
            Part::VerifierAndMerger => &["all", "--roles", "verify,merge"],
            Part::Steward => &["steward"],
        };
        processes.push(network.start_worker(name, *part, command)?);
    }
    // A round draws only whom it finds enlisted when it opens.
    let verifies = |part: &Part| part.bonds() && !part.mines();
    let verifiers = ACTORS.iter().filter(|(_, part)| verifies(part)).count();
    let (chain, branch) = (&*root.chain, root.global.branch);
    let mut block = chain.finalised().await?;
    while chain.verifiers(At::Finalised, branch).await?.len() < verifiers {
        block = next(root, processes, block.number).await?;
    }
    let text: PathBuf = text.into();
    add_data(root, &text, "LicenseRef-demo", Some(1), true).await?;
    Ok(())
}

/// Waits until commands are done.
pub(crate) async fn finish(mut running: Vec<Process>, processes: &mut [Process]) -> Result<()> {
    while !running.is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
        processes.iter_mut().try_for_each(Process::alive)?;
        let mut left = Vec::new();
        for mut process in running {
            if !process.succeeded()? {
                left.push(process);
            }
        }
        running = left;
    }
    Ok(())
}

/// The steward cuts the text's held-out samples, which nobody trains on, into shards, and root commits them.
async fn prepare_shards(
    network: &Network,
    root: &Session,
    processes: &mut [Process],
    text: &Path,
) -> Result<()> {
    let window = preset(Preset::Demo).recipe.context + 1;
    let read = folder::read(text, window, true)?;
    let all = (0..).zip(read.bytes.chunks_exact(window as usize));
    let held_out: Vec<&[u8]> = all
        .filter(|(sample, _)| data::held_out(*sample))
        .map(|(_, bytes)| bytes)
        .collect();
    ensure!(
        !held_out.is_empty(),
        "the text holds no held-out sample: every {}th sample of {window} bytes is one, so give it more text",
        data::HELD_OUT_EVERY
    );
    let samples = (held_out.len() / SHARDS).clamp(1, SHARD);
    let bytes = held_out.into_iter().take(SHARDS * samples);
    let bytes: Vec<u8> = bytes.flatten().copied().collect();
    let file = network.dir.join("held-out");
    fs::write(&file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
    let path = file
        .to_str()
        .context("the demo's folder has no plain name")?;
    let samples = u32::try_from(samples)?;
    let count = samples.to_string();
    let command = ["shard", "prepare", path, "--samples", &count];
    let prepare = network.start_worker(STEWARD, Part::Steward, &command)?;
    finish(vec![prepare], processes).await?;
    let steward = network::account(STEWARD)?;
    for shard in shards::cut(root.global.branch, &bytes, window, Some(samples))? {
        commit_shard(root, Some((shard.root(), samples)), Some(steward)).await?;
    }
    Ok(())
}

/// Names of all actors.
fn everybody() -> Vec<&'static str> {
    ACTORS.iter().map(|(name, _)| *name).collect()
}

fn names() -> String {
    let bonded = ACTORS.iter().filter(|(_, part)| part.bonds());
    let names: Vec<&str> = bonded.map(|(name, _)| *name).collect();
    names.join(", ")
}
