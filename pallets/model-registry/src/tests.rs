// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests by call, of the reads, and of the invariants.

mod admit_branch;
mod advance;
mod create_branch;
mod dismiss_branch;
mod freeze_branch;
mod invariants;
mod lineage;
mod register_model;
mod rewind;
mod set_recipe;

use crate::mock::*;
use crate::{Admitted, Branches, Error, Event, Models, NextBranch, NextModel, Versions};
use dream_primitives::registry::{ModelRegistry, NewVersion};
use dream_primitives::version::{contributions_root, MergeRule, Parent, VersionHeader};
use dream_primitives::H256;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use polkadot_sdk::sp_runtime::{DispatchError, TokenError};
