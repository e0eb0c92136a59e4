// SPDX-License-Identifier: GPL-3.0-or-later
//! What calls are charged: one file a pallet, written by scripts/weights.sh.

pub mod pallet_chain_parameters;
pub mod pallet_compute_voting;
pub mod pallet_data_registry;
pub mod pallet_model_registry;
pub mod pallet_secure_aggregation;
pub mod pallet_useful_work;
