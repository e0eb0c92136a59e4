// SPDX-License-Identifier: GPL-3.0-or-later
//! `dream-adversary MODE[=FOLDER] COMMAND..`: `dream-worker COMMAND..` that cheats in one way. For tests and the demo
//! only. A leaking miner and its lazy friends pass digests by files in FOLDER.

use clap::ValueEnum;
use dream_adversary::{Cheat, Mode};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let first = arguments
        .get(1)
        .and_then(|a| a.to_str())
        .unwrap_or_default();
    let (mode, leaks) = match first.split_once('=') {
        Some((mode, folder)) => (mode, Some(PathBuf::from(folder))),
        None => (first, None),
    };
    let Ok(mode) = Mode::from_str(mode, false) else {
        let modes = Mode::value_variants().iter();
        let names: Vec<_> = modes.filter_map(|m| m.to_possible_value()).collect();
        let names: Vec<&str> = names.iter().map(|v| v.get_name()).collect();
        eprintln!(
            "dream-adversary: error: the first argument is the way to cheat, one of: {}",
            names.join(", ")
        );
        return ExitCode::from(2);
    };
    let cheat = match Cheat::new(mode, leaks) {
        Ok(cheat) => cheat,
        Err(why) => {
            eprintln!("dream-adversary: error: {why}: write MODE=FOLDER");
            return ExitCode::from(5);
        }
    };
    let worker = std::iter::once("dream-worker".into());
    let rest = arguments.into_iter().skip(2);
    dream_worker::cli::main_with(worker.chain(rest).collect(), Arc::new(cheat))
}
