// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests by call, of genesis, of the readers, and of the invariants.

mod genesis;
mod invariants;
mod readers;
mod set_parameters;

use crate::mock::*;
use crate::{Error, Event};
use dream_primitives::params::ChainParameters;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

type Pallet = crate::Pallet<Test>;
type Change = fn(&mut ChainParameters);

fn development(change: impl FnOnce(&mut ChainParameters)) -> ChainParameters {
    let mut parameters = ChainParameters::development();
    change(&mut parameters);
    parameters
}
