// SPDX-License-Identifier: GPL-3.0-or-later
//! The scenario of private rounds.

use super::collude;
use super::genesis::patch;
use super::observe::{RoundSeen, Seen};
use super::sight::Places;
use super::summary::{self, Table};
use super::texts::{self, PrivateText};
use super::{named, Part, ACTORS, DROPOUT, MINERS, SILENT, SPONSOR, STEWARD};
use crate::network::{account, Network, BOND};
use crate::process::Process;
use crate::run::{cost, finish, next, session, stop};
use crate::Args;
use anyhow::{ensure, Context, Result};
use dream_chain::{At, PrivateChain};
use dream_primitives::private::committee::EpochPhase;
use dream_primitives::private::params::PrivateParameters;
use dream_primitives::private::round::{ContributorState, PrivatePhase};
use dream_worker::cli::{connect, Session};
use dream_worker::commands::{commit_shard, init_model};
use dream_worker::config::{preset, Preset};
use dream_worker::shards;
use dream_worker::view::report::Evaluator;
use dream_worker::worker::TorchRunners;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Held-out shards: one a round, and some for rounds that make no version.
const SHARDS: usize = 4;
/// Rounds beyond those asked for.
const EXTRA_ROUNDS: u32 = 2;
/// Seed of the model's first parameters.
const SEED: u64 = 1;
/// The sponsor's terms, after the amount.
const TERMS: &[&str] = &[
    "--fee", "10", "--reward", "100", "--price", "0.0001", "--shift", "15",
];
/// What the sponsor pays in at first, too little for a round, and when all are ready; DREAM.
const ESCROW: [&str; 2] = ["1", "1000"];
/// Clip and noise of a miner that wants the model to learn from it: a norm and a variance in codes.
const NOISE: &[&str] = &["--norm", "20000", "--variance", "100"];
/// What a miner asks for that wants a promise: in a cohort of four it leaves next to nothing of what was learned. It ends
/// when the promise is used up, so it is one for more rounds than the demo has.
const PROMISE: &[&str] = &["--epsilon", "8", "--delta", "1e-6", "--rounds", "20"];
/// Who wants it.
const CAREFUL: &str = MINERS[1];

/// Runs the demo from its beginning to its verdict.
pub async fn scenario(args: &Args, dir: &Path, processes: &mut Vec<Process>) -> Result<()> {
    let began = Instant::now();
    let network = Network::new(args, dir)?;
    let window = preset(Preset::Demo).recipe.context + 1;
    let texts = texts::prepare(args, dir, window)?;
    println!("chain: 1 validator; {} workers", ACTORS.len());
    for text in &texts {
        println!(
            "  {}: {}, {} bytes that stay in its folder; held out: {} windows",
            text.miner,
            text.subject,
            text.bytes,
            text.evaluation.len() + text.shard.len()
        );
    }
    let everybody = named(None);
    let spec = network.write_spec(&everybody, patch)?;
    processes.push(network.start_node(&spec)?);
    let root = session(&network, processes).await?;
    let sponsor = connect(&network.global(Some(SPONSOR)), true).await?;
    let names = network.names(&everybody)?;
    prepare(&network, &root, &sponsor, processes, &texts).await?;

    let (chain, branch) = (&*root.chain, root.global.branch);
    let mut evaluators = Vec::new();
    for text in &texts {
        let samples = text.evaluation.clone();
        let runners = Arc::new(TorchRunners);
        let store = root.store.clone();
        evaluators.push(Evaluator::on(chain, store, runners, branch, samples).await?);
    }
    let parameters = evaluators.first().map_or(0, Evaluator::parameters);
    println!("model: {parameters} parameters; loss on held-out text of each miner");
    let (mut seen, mut table) = (Seen::default(), Table::new(began));
    let mut block = chain.finalised().await?;
    let mut faults = Faults::default();
    loop {
        processes.iter_mut().try_for_each(Process::alive)?;
        seen.look(chain, &evaluators, branch, block).await?;
        table.show(&seen);
        faults.step(&network, processes, &seen, &texts)?;
        if seen.made() >= args.rounds as usize && faults.back {
            break;
        }
        let newest = seen.newest().map_or(0, |(number, _)| number);
        ensure!(
            newest <= args.rounds.saturating_add(EXTRA_ROUNDS),
            "after {newest} rounds only {} versions were made",
            seen.made()
        );
        block = next(&root, processes, block.number).await?;
    }
    // The miners look once more, and record what the last round cost.
    for _ in 0..2 {
        block = next(&root, processes, block.number).await?;
    }
    let statements = statements(&network, processes).await?;
    let layout = chain.private_parameters(At::Finalised).await?;
    let values = segment_values(layout.as_ref(), parameters)?;
    let places = Places {
        dir,
        branch,
        segment_values: values,
        names: &names,
    };
    let made = seen.rounds.iter().find(|(_, r)| r.version.is_some());
    let (number, round) = made.context("no round has made a version")?;
    let powers = collude::measure(chain, &*root.store, &places, *number, round).await?;
    let mut costs: Vec<_> = processes.iter().map(cost).collect();
    costs.append(&mut faults.costs);
    let finalised = chain.finalised().await?;
    stop(processes);
    println!(
        "\nblock {}: everything is stopped; searching what everybody holds",
        finalised.number
    );
    let sights = places.search(&texts, &seen)?;
    let findings = summary::Findings {
        seen: &seen,
        texts: &texts,
        names: &names,
        sights: &sights,
        statements: &statements,
        powers: &powers,
        parameters,
    };
    findings.print();
    let mut data = findings.report();
    data.wall_seconds = began.elapsed().as_secs_f64();
    data.processes = costs;
    data.commands = vec![command(args)];
    let written = dream_report::write(&data, &args.report)
        .with_context(|| format!("cannot write the report to {}", args.report.display()))?;
    if let Some(page) = written.first() {
        println!(
            "\nreport: {} ({:.0} s in all)",
            page.display(),
            data.wall_seconds
        );
    }
    findings.judge(args.rounds, args.margin)
}

fn command(args: &Args) -> String {
    let text = args.text.as_ref().map(|t| format!(" TEXT={}", t.display()));
    format!("make demo-private{}", text.unwrap_or_default())
}

fn segment_values(parameters: Option<&PrivateParameters>, count: u64) -> Result<usize> {
    let layout = parameters.and_then(|p| p.layout(count));
    let values = layout
        .context("the chain has no layout for the model")?
        .segment_values;
    Ok(usize::try_from(values)?)
}

/// Who is stopped when.
#[derive(Default)]
struct Faults {
    dropped: bool,
    silent: bool,
    /// Whether the miner that dropped out is there again.
    back: bool,
    costs: Vec<dream_report::Process>,
}

impl Faults {
    /// Stops and starts processes as the first round goes on.
    fn step(
        &mut self,
        network: &Network,
        processes: &mut Vec<Process>,
        seen: &Seen,
        texts: &[PrivateText],
    ) -> Result<()> {
        let Some(round) = seen.rounds.get(&1) else {
            return Ok(());
        };
        use PrivatePhase as P;
        if !self.dropped && round.phase == P::Commitment && !round.cohort.is_empty() {
            self.dropped = true;
            let own = account(DROPOUT)?;
            let state = round
                .cohort
                .iter()
                .find(|(a, _)| *a == own)
                .map(|(_, s)| *s);
            ensure!(
                state == Some(ContributorState::Drawn),
                "{DROPOUT} is to drop out after it was drawn, but it is {state:?}"
            );
            self.take(processes, DROPOUT)?;
            println!("--- {DROPOUT} drops out: its process is stopped");
        }
        let audited = past(round, P::Disclosure);
        if !self.silent && audited {
            self.silent = true;
            ensure!(
                !past(round, P::SumDispute),
                "{SILENT} could not be stopped before the decryption"
            );
            self.take(processes, SILENT)?;
            println!("--- {SILENT} goes silent: its process is stopped");
        }
        if self.dropped && !self.back && past(round, P::Opening) {
            self.back = true;
            processes.push(start_miner(network, DROPOUT, texts)?);
            println!("--- {DROPOUT} is back, for the next round");
        }
        Ok(())
    }

    fn take(&mut self, processes: &mut Vec<Process>, name: &str) -> Result<()> {
        let at = processes.iter().position(|p| p.name() == name);
        let process = processes.remove(at.with_context(|| format!("{name} does not run"))?);
        self.costs.push(cost(&process));
        drop(process);
        Ok(())
    }
}

/// Whether a round has left a phase of its straight path.
fn past(round: &RoundSeen, phase: PrivatePhase) -> bool {
    // Phases are declared in the order in which they follow.
    round.phase as u8 > phase as u8
}

fn start_miner(network: &Network, name: &str, texts: &[PrivateText]) -> Result<Process> {
    let text = texts.iter().find(|t| t.miner == name);
    let folder = &text.with_context(|| format!("{name} has no text"))?.folder;
    let folder = folder
        .to_str()
        .context("the demo's folder has no plain name")?;
    let noise = match name {
        CAREFUL => PROMISE,
        _ => NOISE,
    };
    let command = [&["mine", "--private", folder][..], noise].concat();
    network.start_honest(name, &command)
}

/// Model, bonds, profiles, roles, and last the job, upon which the first round opens.
async fn prepare(
    network: &Network,
    root: &Session,
    sponsor: &Session,
    processes: &mut Vec<Process>,
    texts: &[PrivateText],
) -> Result<()> {
    init_model(sponsor, &preset(Preset::Demo), SEED, None).await?;
    prepare_shards(network, root, processes, texts).await?;
    let bonded: Vec<&str> = ACTORS
        .iter()
        .filter(|(_, p)| p.bonds())
        .map(|(n, _)| *n)
        .collect();
    let auditors = named(Some(Part::Auditor));
    for (command, names) in [(&["bond", BOND][..], &bonded), (&["profile"], &auditors)] {
        let start = |name: &&str| network.start_honest(name, command);
        let running: Result<Vec<Process>> = names.iter().map(start).collect();
        finish(running?, processes).await?;
    }
    println!("bonded {BOND} DREAM each: {}", bonded.join(", "));
    for (name, part) in ACTORS {
        let command: &[&str] = match part {
            Part::Member => &["committee"],
            Part::Auditor => &["audit"],
            Part::Aggregator => &["aggregate"],
            Part::Steward => &["steward"],
            Part::Miner | Part::Sponsor => continue,
        };
        processes.push(network.start_honest(name, command)?);
    }
    for name in MINERS {
        processes.push(start_miner(network, name, texts)?);
    }
    // Auditors enlist once there is a job. A round opens under a key that serves, and draws only whom it finds enlisted
    // when it opens.
    offer(network, processes, ESCROW[0]).await?;
    let (chain, branch) = (&*root.chain, root.global.branch);
    let mut block = chain.finalised().await?;
    let mut told = None;
    loop {
        let at = At::from(block);
        let enlisted = chain.verifiers(at, branch).await?.len();
        let mut phase = None;
        for number in chain.active_epochs(at).await? {
            phase = chain.epoch(at, number).await?.map(|e| (number, e.phase));
        }
        if told != phase {
            told = phase;
            let (number, phase) = phase.map_or((0, None), |(n, p)| (n, Some(p)));
            println!(
                "block {:>4}: epoch {number} of the committee: {phase:?}",
                block.number
            );
        }
        let serves = phase.is_some_and(|(_, p)| p == EpochPhase::Serving);
        if serves && enlisted >= auditors.len() {
            break;
        }
        block = next(root, processes, block.number).await?;
    }
    offer(network, processes, ESCROW[1]).await
}

/// The sponsor pays in.
async fn offer(network: &Network, processes: &mut [Process], amount: &str) -> Result<()> {
    let command = [&["sponsor", amount][..], TERMS].concat();
    let paying = network.start_honest(SPONSOR, &command)?;
    finish(vec![paying], processes).await
}

/// The steward cuts held-out text of all miners into shards, and root commits them.
async fn prepare_shards(
    network: &Network,
    root: &Session,
    processes: &mut [Process],
    texts: &[PrivateText],
) -> Result<()> {
    let window = preset(Preset::Demo).recipe.context + 1;
    let (bytes, samples) = texts::shards(texts, SHARDS)?;
    let file = network.dir.join("held-out");
    fs::write(&file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
    let path = file
        .to_str()
        .context("the demo's folder has no plain name")?;
    let count = samples.to_string();
    let command = ["shard", "prepare", path, "--samples", &count];
    let prepare = network.start_honest(STEWARD, &command)?;
    finish(vec![prepare], processes).await?;
    let steward = account(STEWARD)?;
    for shard in shards::cut(root.global.branch, &bytes, window, Some(samples))? {
        commit_shard(root, Some((shard.root(), samples)), Some(steward)).await?;
    }
    Ok(())
}

/// What `dream-worker privacy` says to a miner that wants a promise and to one that does not.
async fn statements(network: &Network, processes: &mut [Process]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (name, noise) in [(MINERS[0], NOISE), (CAREFUL, PROMISE)] {
        let mut asked = network.start_honest(name, &["privacy"])?;
        while !asked.succeeded()? {
            processes.iter_mut().try_for_each(Process::alive)?;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        lines.push(format!("{name}, mine --private {}:", noise.join(" ")));
        lines.extend(asked.tail().lines().map(str::to_owned));
    }
    Ok(lines)
}
