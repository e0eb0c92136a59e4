// SPDX-License-Identifier: GPL-3.0-or-later
//! `dream-fuzz TARGET [SECONDS [SEED]]`: mutates the target's seeds until the time is up (without SECONDS: until it is
//! stopped) or an input breaks something; that input's bytes are printed. Inputs that reach something new are kept and
//! mutated in turn. Exit code 1: broken; 2: wrong usage.

use dream_fuzz::mutate::{mutate, Random};
use dream_fuzz::{seeds, TARGETS};
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).map(|a| a.parse::<u64>()).transpose();
    let target = TARGETS
        .iter()
        .find(|t| Some(t.name) == arguments.first().map(String::as_str));
    let (Some(target), Ok(seconds), Ok(seed)) = (target, number(1), number(2)) else {
        let names: Vec<&str> = TARGETS.iter().map(|t| t.name).collect();
        eprintln!("usage: dream-fuzz {} [SECONDS [SEED]]", names.join("|"));
        return ExitCode::from(2);
    };
    let end = seconds.map(|s| Instant::now() + Duration::from_secs(s));
    let mut random = Random::new(seed.unwrap_or(1));
    let mut corpus = seeds(target.name);
    let mut seen: BTreeSet<String> = corpus.iter().map(|input| (target.run)(input)).collect();
    let mut runs = 0u64;
    while end.is_none_or(|end| Instant::now() < end) {
        let input = mutate(&corpus, &mut random);
        runs = runs.saturating_add(1);
        match std::panic::catch_unwind(|| (target.run)(&input)) {
            Ok(reached) => {
                if seen.insert(reached) {
                    corpus.push(input);
                }
            }
            Err(_) => {
                println!("{}: broken after {runs} runs by {input:?}", target.name);
                return ExitCode::FAILURE;
            }
        }
    }
    println!(
        "{}: {runs} runs held; {} inputs reached something new",
        target.name,
        corpus.len()
    );
    ExitCode::SUCCESS
}
