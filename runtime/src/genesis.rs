// SPDX-License-Identifier: GPL-3.0-or-later
//! Presets from which a chain starts, as JSON for `sp-genesis-builder`.
//!
//! - `development`: one validator (Alice), a sudo key (Alice), fast rounds.
//! - `local_testnet`: two validators (Alice, Bob), no sudo key, three founders (Alice, Bob, Charlie).
//!
//! The first validators are those with session keys: tools that write a network's specification replace these.

use crate::{
    configs::BABE_GENESIS_EPOCH_CONFIG, token, AccountId, BabeConfig, Balance, BalancesConfig,
    ChainParametersConfig, RuntimeGenesisConfig, SecureAggregationConfig, SessionConfig,
    SessionKeys, SudoConfig, UsefulWorkConfig,
};
use alloc::{format, string::String, vec, vec::Vec};
use dream_primitives::params::{check, ChainParameters};
use dream_primitives::private::params::{PrivateLiteral, PrivateParameters};
use polkadot_sdk::*;

use frame_support::build_struct_json_patch;
use serde_json::Value;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// What each development account starts with.
pub const ENDOWMENT: Balance = 1_000_000 * token::UNIT;

/// Founding bond of each founder of the local network.
pub const FOUNDING_BOND: Balance = 20_000 * token::UNIT;

/// Compute credits of each founder of the local network: with them it votes until others have mined. They decay as all do.
pub const FOUNDING_CREDITS: u128 = 1_000_000;

/// Names of the presets.
pub fn names() -> Vec<PresetId> {
    vec![
        PresetId::from(DEV_RUNTIME_PRESET),
        PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET),
    ]
}

/// The preset of this name, as JSON bytes.
pub fn preset(name: &PresetId) -> Option<Vec<u8>> {
    let patch = match name.as_ref() {
        DEV_RUNTIME_PRESET => development(),
        LOCAL_TESTNET_RUNTIME_PRESET => local_testnet(),
        _ => return None,
    };
    serde_json::to_vec(&patch).ok()
}

/// Refuses a genesis configuration whose parameters break a rule, before anything is written: a panic in the genesis build would say less.
///
/// # Errors
/// A sentence that names the parameter and what to change.
pub fn check_config(json: &[u8]) -> Result<(), String> {
    let config: RuntimeGenesisConfig =
        serde_json::from_slice(json).map_err(|error| format!("Invalid JSON blob: {error}"))?;
    check(&config.chain_parameters.parameters).map_err(|error| {
        format!(
            "chainParameters.parameters are refused ({error:?}): {}",
            pallet_chain_parameters::advice(error)
        )
    })?;
    if let Some(literal) = config.secure_aggregation.parameters {
        PrivateParameters::new(literal)
            .map_err(|error| format!("secureAggregation.parameters are refused: {error:?}"))?;
    }
    if config.session.keys.is_empty() {
        return Err("session.keys is empty: a chain needs at least one validator".into());
    }
    Ok(())
}

fn development() -> Value {
    chain(
        &[(
            Sr25519Keyring::AliceStash,
            Sr25519Keyring::Alice,
            Ed25519Keyring::Alice,
        )],
        Some(Sr25519Keyring::Alice.to_account_id()),
        &[],
        ChainParameters::development(),
    )
}

fn local_testnet() -> Value {
    chain(
        &[
            (
                Sr25519Keyring::AliceStash,
                Sr25519Keyring::Alice,
                Ed25519Keyring::Alice,
            ),
            (
                Sr25519Keyring::BobStash,
                Sr25519Keyring::Bob,
                Ed25519Keyring::Bob,
            ),
        ],
        None,
        &[
            Sr25519Keyring::Alice,
            Sr25519Keyring::Bob,
            Sr25519Keyring::Charlie,
        ],
        ChainParameters::development(),
    )
}

fn chain(
    validators: &[(Sr25519Keyring, Sr25519Keyring, Ed25519Keyring)],
    sudo: Option<AccountId>,
    founders: &[Sr25519Keyring],
    parameters: ChainParameters,
) -> Value {
    build_struct_json_patch!(RuntimeGenesisConfig {
        balances: BalancesConfig {
            balances: dev_accounts()
                .into_iter()
                .map(|account| (account, ENDOWMENT))
                .collect(),
        },
        babe: BabeConfig {
            epoch_config: BABE_GENESIS_EPOCH_CONFIG
        },
        session: SessionConfig {
            keys: validators
                .iter()
                .map(|(account, sr25519, ed25519)| {
                    let account = account.to_account_id();
                    (account.clone(), account, session_keys(*sr25519, *ed25519))
                })
                .collect(),
        },
        sudo: SudoConfig { key: sudo },
        chain_parameters: ChainParametersConfig { parameters },
        useful_work: UsefulWorkConfig {
            founders: founders
                .iter()
                .map(|key| (key.to_account_id(), FOUNDING_BOND))
                .collect(),
            credits: founders
                .iter()
                .map(|key| (key.to_account_id(), FOUNDING_CREDITS))
                .collect(),
        },
        secure_aggregation: SecureAggregationConfig {
            parameters: Some(PrivateLiteral::development()),
        },
    })
}

fn session_keys(sr25519: Sr25519Keyring, ed25519: Ed25519Keyring) -> SessionKeys {
    SessionKeys {
        babe: sr25519.public().into(),
        grandpa: ed25519.public().into(),
        authority_discovery: sr25519.public().into(),
    }
}

fn dev_accounts() -> Vec<AccountId> {
    use Sr25519Keyring::*;
    [
        Alice,
        Bob,
        Charlie,
        Dave,
        Eve,
        Ferdie,
        AliceStash,
        BobStash,
        CharlieStash,
        DaveStash,
        EveStash,
        FerdieStash,
    ]
    .into_iter()
    .map(|key| key.to_account_id())
    .collect()
}
