// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests by call, of bad input, of the shapes that wallets know, and of properties over random calls.

mod bad_input;
mod delegate;
mod poke;
mod properties;
mod remove_vote;
mod stock;
mod unlock;
mod vote;

use crate::mock::*;
use crate::{AppliedVotes, ClassLocksFor, Delegators, Error, Event, VotingFor, MAX_DELEGATORS};
use dream_primitives::DREAM;
use polkadot_sdk::frame_support::traits::fungible::Mutate;
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use polkadot_sdk::pallet_conviction_voting::{AccountVote, Conviction};
use polkadot_sdk::sp_runtime::TokenError;
use Conviction::{Locked1x, Locked3x, Locked6x, None as NoConviction};
