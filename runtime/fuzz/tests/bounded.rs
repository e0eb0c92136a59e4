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

fn hold(name: &str) -> Vec<String> {
    let target = target(name);
    let corpus = seeds(name);
    let mut random = Random::new(1);
    let mut reached = Vec::new();
    for number in 0..target.mutations {
        let input = mutate(&corpus, &mut random);
        match std::panic::catch_unwind(|| (target.run)(&input)) {
            Ok(what) => reached.push(what),
            Err(_) => panic!("{name}: mutation {number} breaks it; its bytes: {input:?}"),
        }
    }
    let things: BTreeSet<&String> = reached.iter().collect();
    println!(
        "{name}: {} mutations reached {} things",
        target.mutations,
        things.len()
    );
    assert!(things.len() >= corpus.len(), "the mutations reach nothing");
    reached
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

/// Mutated sequences still vote, and referenda still pass in many of them.
#[test]
fn governance_sequences_should_keep_the_invariants_and_pass_referenda() {
    let reached = hold("governance");
    let runs = |word: &str| reached.iter().filter(|r| has(r, word)).count();
    assert!(runs("ConvictionVoting.vote") >= reached.len() / 2);
    let enacted = reached.iter().filter(|r| r.contains("Enacted."));
    assert!(enacted.count() >= reached.len() / 5);
}

fn has(reached: &str, word: &str) -> bool {
    reached.split(' ').any(|w| w == word)
}

/// Referenda of every track pass and are enacted, every call of voters is accepted somewhere and refused for each reason that six
/// accounts can give.
#[test]
fn governance_seeds_should_pass_a_referendum_on_every_track_and_reach_every_call() {
    let reached: Vec<String> = seeds("governance")
        .iter()
        .map(|s| (target("governance").run)(s))
        .collect();
    let all = reached.join(" ");
    let tracks = (0..8).flat_map(|t| [format!("Confirmed.{t}"), format!("Enacted.{t}")]);
    let calls = [
        "Rejected.5",
        "TimedOut.3",
        "Refused.1",
        "CreditsRevoked",
        "Preimage.note_preimage",
        "Treasury.payout",
        "Balances.transfer_allow_death!Funds_exist_but_are_frozen",
        "Referenda.submit",
        "Referenda.submit!NoTrack",
        "Referenda.place_decision_deposit",
        "Referenda.place_decision_deposit!HasDeposit",
        "Referenda.refund_decision_deposit",
        "Referenda.refund_submission_deposit",
        "Referenda.cancel",
        "Referenda.kill",
        "DataRegistry.submit",
        "DataRegistry.withdraw_dataset",
        "DataRegistry.withdraw_dataset!DatasetInUse",
        "DataRegistry.demand_sample",
        "DataRegistry.demand_sample!DatasetSuspended",
        "DataRegistry.supply_sample",
        "DataRegistry.supply_sample!SampleProof",
        "DataRegistry.end_demands",
    ];
    let votes = [
        "vote",
        "vote!NotOngoing",
        "vote!InsufficientFunds",
        "vote!AlreadyDelegating",
        "vote!SnapshotExpired",
        "delegate",
        "delegate!Nonsense",
        "delegate!BadClass",
        "delegate!InsufficientFunds",
        "delegate!AlreadyVoting",
        "delegate!AlreadyDelegating",
        "delegate!DelegationInCircle",
        "delegate!TargetDelegates",
        "undelegate",
        "undelegate!NotDelegating",
        "remove_vote",
        "remove_vote!NotVoter",
        "remove_vote!ClassNeeded",
        "remove_other_vote",
        "remove_other_vote!NoPermission",
        "remove_other_vote!NoPermissionYet",
        "unlock",
        "unlock!NoPermissionYet",
        "poke",
        "poke!NotOngoing",
        "poke!NotVoter",
        "poke!NothingToPoke",
    ];
    let calls = calls.into_iter().map(String::from);
    let votes = votes.map(|call| format!("ConvictionVoting.{call}"));
    let lacking: Vec<String> = tracks
        .chain(calls)
        .chain(votes)
        .filter(|word| !has(&all, word))
        .collect();
    assert!(lacking.is_empty(), "not reached: {lacking:?}");
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
        assert!(has(&all, &what), "{what} is not reached: {reached:#?}");
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
        assert!(has(&all, what), "{what} is not reached: {reached:#?}");
    }
}
