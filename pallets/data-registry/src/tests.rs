// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests by call, and of the invariants.

mod commit_shard;
mod invariants;
mod set_mixture;
mod submit;

use crate::mock::*;
use crate::{Datasets, Error, Event, Mixtures, NextDataset};
use dream_primitives::data::{DatasetInfo, MAX_MIXTURE, MAX_WINDOW};
use dream_primitives::registry::DataRegistry;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use polkadot_sdk::sp_runtime::{DispatchError, TokenError};
