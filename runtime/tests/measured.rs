// SPDX-License-Identifier: GPL-3.0-or-later
//! Every call of ours is charged what frame-omni-bencher measured of it: no default, no estimate, no other call's weight.

// A test may do what the runtime may not.
#![allow(clippy::unwrap_used)]

use codec::Decode;
use dream_runtime::{weights, Runtime, RuntimeCall};
use frame_support::dispatch::GetDispatchInfo;
use frame_support::traits::{Get, GetCallIndex, GetCallName};
use frame_support::weights::RuntimeDbWeight;
use polkadot_sdk::*;
use sp_runtime::traits::TrailingZeroInput;
use std::any::type_name;
use std::path::Path;

/// A pallet of ours.
struct Ours {
    name: &'static str,
    folder: &'static str,
    /// Its index in the runtime.
    index: u8,
    calls: &'static [&'static str],
    indices: &'static [u8],
    /// What the runtime charges its calls by.
    weights: &'static str,
}

macro_rules! ours {
    ($name:ident, $folder:literal, $index:literal) => {
        Ours {
            name: stringify!($name),
            folder: $folder,
            index: $index,
            calls: $name::Call::<Runtime>::get_call_names(),
            indices: $name::Call::<Runtime>::get_call_indices(),
            weights: type_name::<<Runtime as $name::Config>::WeightInfo>(),
        }
    };
}

fn pallets() -> [Ours; 6] {
    [
        ours!(pallet_compute_voting, "compute-voting", 33),
        ours!(pallet_chain_parameters, "chain-parameters", 50),
        ours!(pallet_model_registry, "model-registry", 51),
        ours!(pallet_data_registry, "data-registry", 52),
        ours!(pallet_useful_work, "useful-work", 53),
        ours!(pallet_secure_aggregation, "secure-aggregation", 54),
    ]
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Picoseconds that the generated file says were measured of a function; `None` where it has none.
fn measured(generated: &str, function: &str) -> Option<u64> {
    let (_, body) = generated.split_once(&format!("    fn {function}("))?;
    let body = body.split("\n    }\n").next()?;
    let (_, line) = body.split_once("// Least time measured: ")?;
    let (figure, _) = line.split_once(" picoseconds.")?;
    figure.replace('_', "").parse().ok()
}

#[test]
fn every_call_should_be_charged_by_its_own_measured_weight() {
    for pallet in pallets() {
        let generated = read(&format!("src/weights/{}.rs", pallet.name));
        let source = read(&format!("../pallets/{}/src/lib.rs", pallet.folder));
        assert_eq!(pallet.calls.len(), pallet.indices.len());
        for (call, index) in pallet.calls.iter().zip(pallet.indices) {
            let name = format!("{}::{call}", pallet.name);
            let time = measured(&generated, call).unwrap_or(0);
            assert!(time > 0, "{name}: not measured, run scripts/weights.sh");

            let (before, _) = source.split_once(&format!("pub fn {call}(")).unwrap();
            let (_, weight) = before.rsplit_once("#[pallet::weight(").unwrap();
            let own = format!("T::WeightInfo::{call}(");
            assert!(weight.starts_with(&own), "{name} is charged by {weight}");

            let bytes = [pallet.index, *index];
            let called = RuntimeCall::decode(&mut TrailingZeroInput::new(&bytes));
            let called = called.unwrap_or_else(|e| panic!("{name}: {e}"));
            // A microsecond: less than any call takes.
            let charged = called.get_dispatch_info().call_weight.ref_time();
            assert!(charged > 1_000_000, "{name} is charged {charged} ps");
        }
    }
}

#[test]
fn every_weight_should_be_measured_when_no_call_names_it_too() {
    for pallet in pallets() {
        let generated = read(&format!("src/weights/{}.rs", pallet.name));
        let declared = read(&format!("../pallets/{}/src/weights.rs", pallet.folder));
        let (_, declared) = declared.split_once("pub trait WeightInfo {").unwrap();
        let (declared, _) = declared.split_once("\n}\n").unwrap();
        let functions = declared.lines().filter_map(|line| {
            let (name, _) = line.trim().strip_prefix("fn ")?.split_once('(')?;
            Some(name.to_string())
        });
        let functions: Vec<String> = functions.collect();
        assert!(functions.len() >= pallet.calls.len());
        for function in functions {
            let time = measured(&generated, &function).unwrap_or(0);
            assert!(time > 0, "{}::{function}: not measured", pallet.name);
        }
    }
}

#[test]
fn runtime_should_charge_by_the_generated_files() {
    for pallet in pallets() {
        let file = format!("dream_runtime::weights::{}::WeightInfo<", pallet.name);
        assert!(
            pallet.weights.starts_with(&file),
            "{}: {}",
            pallet.name,
            pallet.weights
        );
    }
}

#[test]
fn fraud_proof_of_the_largest_round_should_take_less_than_50_ms_without_the_database() {
    use pallet_useful_work::WeightInfo;
    // `()` is a database that costs nothing.
    type Computed = weights::pallet_useful_work::WeightInfo<()>;
    let largest = dream_primitives::dispute::MAX_OPENINGS;
    let time = Computed::prove_chunk(largest).ref_time();
    assert!(time < 50_000_000_000, "{time} ps");
    assert!(time > Computed::prove_chunk(1).ref_time());
}

/// A database in which a write takes a picosecond and a read nothing.
struct Writes;

impl Get<RuntimeDbWeight> for Writes {
    fn get() -> RuntimeDbWeight {
        RuntimeDbWeight { read: 0, write: 1 }
    }
}

/// Computation in picoseconds, and writes.
macro_rules! cost {
    ($call:ident ( $($argument:expr)? )) => {{
        use pallet_compute_voting::WeightInfo;
        type Computed = weights::pallet_compute_voting::WeightInfo<()>;
        type Written = weights::pallet_compute_voting::WeightInfo<Writes>;
        let computed = Computed::$call($($argument)?).ref_time();
        (computed, Written::$call($($argument)?).ref_time() - computed)
    }};
}

#[test]
fn votes_should_cost_little_when_every_list_is_full() {
    const LIMIT: u64 = 200_000_000;
    /// What referenda take to move an alarm in the scheduler: `remove_vote` was measured with it and without.
    const ALARM: u64 = 62_000_000;
    for (name, (time, writes)) in [("vote", cost!(vote(0))), ("poke", cost!(poke(0)))] {
        assert!(
            time - ALARM < LIMIT && writes <= 8,
            "{name}: {time} ps, {writes} writes"
        );
    }
    let delegators = pallet_compute_voting::MAX_DELEGATORS;
    let votes = <Runtime as pallet_compute_voting::Config>::MaxVotes::get();
    for (name, count, none, all) in [
        (
            "vote, a delegator",
            delegators,
            cost!(vote(0)),
            cost!(vote(delegators)),
        ),
        (
            "poke, a delegator",
            delegators,
            cost!(poke(0)),
            cost!(poke(delegators)),
        ),
        (
            "delegate, a vote",
            votes,
            cost!(delegate(0)),
            cost!(delegate(votes)),
        ),
        (
            "undelegate, a vote",
            votes,
            cost!(undelegate(0)),
            cost!(undelegate(votes)),
        ),
    ] {
        let each = |all: u64, none: u64| (all - none).div_ceil(u64::from(count));
        let (time, writes) = (each(all.0, none.0), each(all.1, none.1));
        assert!(
            time < LIMIT && writes <= 8,
            "{name}: {time} ps, {writes} writes"
        );
    }
}
