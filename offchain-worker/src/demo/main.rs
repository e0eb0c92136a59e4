// SPDX-License-Identifier: GPL-3.0-or-later
//! `dream-demo`: a small network on this machine, from an empty chain to a better model.
//!
//! One validator, three miners of which one fakes a segment and one leaks its digests, three verifiers of which one also
//! merges and one is lazy, and a steward of held-out shards. Each is a process with its own state folder; all share one blob store. The cheaters are
//! `dream-adversary`: `dream-worker` cannot be told to cheat. With `--private` the network is another one: [`private`].

mod network;
mod observe;
mod private;
mod process;
mod run;
mod summary;
mod table;
mod vote;

use clap::Parser;
use dream_training::numeric;
use std::path::PathBuf;
use std::process::ExitCode;

/// Trains a model on a small network on this machine and proves it.
#[derive(Clone, Debug, Parser)]
#[command(name = "dream-demo", version)]
pub struct Args {
    /// Folder of text to train on; without it the project's own documents and licence, from the current folder.
    #[arg(long, value_name = "FOLDER")]
    pub text: Option<PathBuf>,
    /// Folder of the text that a vote adds; without it the rules of the protocol in Rust, from the current folder.
    #[arg(long, value_name = "FOLDER", conflicts_with = "private")]
    pub second_text: Option<PathBuf>,
    /// Private rounds: four miners whose texts never leave them; --text then names a folder with folders 1 to 4.
    #[arg(long)]
    pub private: bool,
    /// Folder of the report.
    #[arg(long, value_name = "FOLDER", default_value = "demo-report")]
    pub report: PathBuf,
    /// Versions to make.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// By how much the held-out loss must fall, in nats per byte.
    #[arg(long, default_value_t = 0.5)]
    pub margin: f64,
    /// Seconds after which the demo gives up.
    #[arg(long, default_value_t = 1200)]
    pub patience: u64,
    /// The node's program; without it `dream-node` beside this one.
    #[arg(long, value_name = "FILE")]
    pub node_bin: Option<PathBuf>,
    /// The worker's program; without it `dream-worker` beside this one.
    #[arg(long, value_name = "FILE")]
    pub worker_bin: Option<PathBuf>,
    /// The cheating worker's program; without it `dream-adversary` beside this one.
    #[arg(long, value_name = "FILE")]
    pub adversary_bin: Option<PathBuf>,
    /// Folder for chain, states and logs, which is kept; without it a temporary one, kept only after a failure.
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    // Evaluation runs the model in this process.
    if let Err(error) = numeric::pin(1) {
        eprintln!("dream-demo: error: {error}");
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("dream-demo: error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    // The main thread drives the demo and starts all processes: they end when their starter's thread ends.
    let done = runtime.block_on(async {
        tokio::select! {
            done = run::demo(&args) => done,
            () = dream_worker::cli::signalled() => Err(anyhow::anyhow!("interrupted")),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.to_string() == "interrupted" => {
            eprintln!("dream-demo: interrupted; everything that it started is stopped");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("dream-demo: FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}
