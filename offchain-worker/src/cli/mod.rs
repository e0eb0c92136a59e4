// SPDX-License-Identifier: GPL-3.0-or-later
//! The command line of `dream-worker`.

mod args;
mod connect;
mod explain;

pub use args::{
    hash, Cli, Command, DataCommand, Global, MineOptions, ModelCommand, RoleName, ShardCommand,
};
pub use connect::{account_of, connect, Session};
pub use explain::{ExplainCommand, ExplainOptions};

use crate::commands;
use crate::error::{exit, WorkerError};
use crate::show::Terminal;
use crate::worker::{Parts, Stop, Usual};
use clap::Parser;
use dream_training::numeric;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

/// The program: reads the command line of this process, runs the command, says what went wrong.
pub fn main() -> ExitCode {
    main_with(std::env::args_os().collect(), Arc::new(Usual))
}

/// As [`main`], with another command line and put together from other parts.
pub fn main_with(arguments: Vec<OsString>, parts: Arc<dyn Parts>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come here too; there is nobody left to tell if printing fails.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() {
                exit::USAGE
            } else {
                exit::OK
            });
        }
    };
    // Before anything else, since it may start the program again (see `numeric`).
    let settings = match cli
        .command
        .trains()
        .then(|| numeric::pin(cli.global.threads))
        .transpose()
    {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("dream-worker: error: {error}");
            return ExitCode::from(exit::INPUT);
        }
    };
    let terminal = Terminal::new();
    terminal.start_logs();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("dream-worker: error: cannot start: {error}");
            return ExitCode::from(exit::FAILED);
        }
    };
    let stop = Stop::default();
    let done = runtime.block_on(async {
        let command = commands::run(&cli, parts, settings.as_ref(), &terminal, stop.clone());
        tokio::select! {
            done = command => done,
            () = signalled() => {
                stop.stop();
                Err(WorkerError::Interrupted)
            }
        }
    });
    // Segments that run on threads of their own see `stop` after their step.
    runtime.shutdown_timeout(std::time::Duration::from_secs(10));
    match done {
        Ok(()) => ExitCode::from(exit::OK),
        Err(WorkerError::Interrupted) => {
            eprintln!("dream-worker: stopped; the next start goes on from here");
            ExitCode::from(exit::INTERRUPTED)
        }
        Err(error) => {
            eprintln!("dream-worker: error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn signalled() {
    use tokio::signal::unix::{signal, SignalKind};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        caught = tokio::signal::ctrl_c() => {
            if caught.is_err() {
                std::future::pending::<()>().await;
            }
        }
        _ = terminated => {}
    }
}
