// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests by call, and of the invariants.

mod commit_shard;
mod demand_sample;
mod end_demands;
mod invariants;
mod sequences;
mod set_mixture;
mod submit;
mod supply_sample;
mod withdraw_dataset;

use crate::mock::*;
use crate::{Datasets, Demands, Error, Event, Mixtures, NextDataset, OpenDemands, Uses};
use dream_primitives::data::{
    DatasetInfo, DatasetUse, MAX_MIXTURE, MAX_OPEN_DEMANDS, MAX_SAMPLE_DEMANDS, MAX_USES,
    MAX_WINDOW,
};
use dream_primitives::registry::DataRegistry;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use polkadot_sdk::sp_runtime::DispatchResult;
use polkadot_sdk::sp_runtime::{DispatchError, TokenError};

fn set_mixture(branch: u32, entries: &[(u32, u32)]) -> DispatchResult {
    Registry::set_mixture(RuntimeOrigin::root(), branch, mixture(entries))
}

/// A set whose bytes are there, in the mixture of branch 4.
fn admitted() {
    submitted(true_info());
    assert_ok!(set_mixture(4, &[(0, 1)]));
}

fn demand(who: u64, dataset: u32, sample: u32) -> DispatchResult {
    Registry::demand_sample(RuntimeOrigin::signed(who), dataset, sample)
}

fn supply(who: u64, sample: u32) -> DispatchResult {
    Registry::supply_sample(RuntimeOrigin::signed(who), 0, sample, opening(sample))
}

fn end(dataset: u32) -> DispatchResult {
    Registry::end_demands(RuntimeOrigin::signed(VIC), dataset)
}

fn withdraw(who: u64, dataset: u32) -> DispatchResult {
    Registry::withdraw_dataset(RuntimeOrigin::signed(who), dataset)
}

/// Data sets that a round of branch 4 that opens now draws from.
fn streamed(window: u32) -> Option<Vec<u32>> {
    let mixture = Registry::mixture(4, window)?;
    Some(mixture.iter().map(|(entry, _)| entry.dataset).collect())
}
