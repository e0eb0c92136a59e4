// SPDX-License-Identifier: GPL-3.0-or-later
//! Every target holds on its committed seeds and on a bounded number of mutations of them.

use dream_fuzz::mutate::{mutate, Random};
use dream_fuzz::{seeds, Target, TARGETS};
use dream_primitives::private::committee::EPOCH_TABLE;
use dream_primitives::private::round::PRIVATE_TABLE;
use std::collections::BTreeSet;

fn target(name: &str) -> &'static Target {
    let found = TARGETS.iter().find(|t| t.name == name);
    found.expect("there is such a target")
}

fn hold(name: &str) {
    let target = target(name);
    let corpus = seeds(name);
    let mut random = Random::new(1);
    let mut reached = BTreeSet::new();
    for number in 0..target.mutations {
        let input = mutate(&corpus, &mut random);
        match std::panic::catch_unwind(|| (target.run)(&input)) {
            Ok(what) => drop(reached.insert(what)),
            Err(_) => panic!("{name}: mutation {number} breaks it; its bytes: {input:?}"),
        }
    }
    println!(
        "{name}: {} mutations reached {} things",
        target.mutations,
        reached.len()
    );
    assert!(reached.len() >= corpus.len(), "the mutations reach nothing");
}

#[test]
fn decoders_should_hold_on_mutated_seeds() {
    hold("decoders");
}

#[test]
fn call_sequences_should_keep_the_invariants() {
    hold("calls");
}

#[test]
fn private_sequences_should_keep_the_invariants() {
    hold("private");
}

/// The sequences come through every phase of an epoch and of a round.
#[test]
fn private_seeds_should_reach_every_phase() {
    let reached: Vec<String> = seeds("private")
        .iter()
        .map(|s| (target("private").run)(s))
        .collect();
    let all = reached.join(" ");
    let epoch = EPOCH_TABLE.iter().map(|(from, _, _)| format!("{from:?}"));
    let round = PRIVATE_TABLE.iter().map(|(from, _, _)| format!("{from:?}"));
    for what in epoch.chain(round) {
        assert!(
            all.split(' ').any(|w| w == what),
            "{what} is not reached: {reached:#?}"
        );
    }
}

/// A seed that no longer decodes tests nothing: write it anew after a change of encodings.
#[test]
fn every_decoder_seed_should_decode() {
    let reached: Vec<String> = seeds("decoders")
        .iter()
        .map(|s| (target("decoders").run)(s))
        .collect();
    assert!(reached.iter().all(|r| r.ends_with("true")), "{reached:?}");
    let kinds: BTreeSet<&String> = reached.iter().collect();
    assert!(kinds.len() >= 14, "{kinds:?}");
}

/// The sequences reach what they are for: claims are made, audited, escalated, merged, paid and challenged.
#[test]
fn call_seeds_should_reach_the_phases_of_a_round_and_the_states_of_a_claim() {
    let reached: Vec<String> = seeds("calls")
        .iter()
        .map(|s| (target("calls").run)(s))
        .collect();
    let all = reached.join(" ");
    for what in [
        "Training",
        "Drawing",
        "Opening",
        "Availability",
        "Commitment",
        "DigestOpening",
        "Reveal",
        "FlagOpening",
        "Jury",
        "Merging",
        "Dispute",
        "Merged",
        "Vested",
    ] {
        assert!(
            all.split(' ').any(|w| w == what),
            "{what} is not reached: {reached:#?}"
        );
    }
}
