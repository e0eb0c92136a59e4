// SPDX-License-Identifier: GPL-3.0-or-later
//! Each preset starts a chain, in the WASM runtime that was built.

// A test may do what the runtime may not.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use dream_primitives::params::check;
use dream_runtime::{
    configs, genesis, token, AccountId, ChainParameters, DataRegistry, ModelRegistry, Runtime,
    RuntimeGenesisConfig, UsefulWork,
};
use polkadot_sdk::*;
use sc_chain_spec::GenesisConfigBuilderRuntimeCaller;
use serde_json::Value;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{BuildStorage, Storage};
use std::{collections::BTreeMap, sync::OnceLock};

fn caller() -> GenesisConfigBuilderRuntimeCaller<'static> {
    GenesisConfigBuilderRuntimeCaller::new(dream_runtime::wasm_binary().unwrap())
}

/// The state of a preset. The executor compiles the runtime for each caller, so each state is built once.
fn state(name: &str) -> Storage {
    static STATES: OnceLock<BTreeMap<String, Storage>> = OnceLock::new();
    let states = STATES.get_or_init(|| {
        let caller = caller();
        let names = caller.preset_names().unwrap();
        assert_eq!(names, genesis::names());
        names
            .into_iter()
            .map(|name| {
                let name = name.to_string();
                let storage = caller.get_storage_for_named_preset(Some(&name)).unwrap();
                (name, storage)
            })
            .collect()
    });
    states[name].clone()
}

fn within<R>(name: &str, question: impl FnOnce() -> R) -> R {
    sp_io::TestExternalities::new(state(name)).execute_with(question)
}

/// What the founders of a preset hold.
fn founding(name: &str) -> u128 {
    within(name, || {
        pallet_useful_work::Bonds::<Runtime>::iter_values()
            .map(|bond| bond.founding)
            .sum()
    })
}

#[test]
fn local_network_should_have_as_many_founders_as_a_committee_has_seats() {
    let seats = u128::from(
        dream_primitives::params::ChainParameters::development()
            .audit
            .committee,
    );
    assert_eq!(founding("local_testnet"), seats * genesis::FOUNDING_BOND);
    assert_eq!(founding("development"), 0);
}

#[test]
fn every_preset_should_pass_the_check_and_endow_its_accounts_when_built() {
    let names = genesis::names();
    assert_eq!(names.len(), 2);
    for name in names {
        let (parameters, issuance, alice) = within(name.as_ref(), || {
            (
                pallet_chain_parameters::Parameters::<Runtime>::get(),
                pallet_balances::TotalIssuance::<Runtime>::get(),
                pallet_balances::Pallet::<Runtime>::free_balance(
                    Sr25519Keyring::Alice.to_account_id(),
                ),
            )
        });
        assert_eq!(check(&parameters), Ok(()), "{name}");
        assert!(parameters.consensus.slot_ms >= configs::SHORTEST_SLOT_MILLIS);
        assert_eq!(alice, genesis::ENDOWMENT);
        // The treasury pallet opens its account with the existential deposit.
        assert_eq!(
            issuance,
            genesis::ENDOWMENT * 12 + token::EXISTENTIAL_DEPOSIT + founding(name.as_ref())
        );
    }
}

#[test]
fn every_pallet_of_ours_should_have_a_sound_state_when_a_preset_was_built() {
    for name in genesis::names() {
        within(name.as_ref(), || {
            ChainParameters::do_try_state().unwrap();
            ModelRegistry::do_try_state().unwrap();
            DataRegistry::do_try_state().unwrap();
            UsefulWork::do_try_state().unwrap();
        });
    }
}

#[test]
fn preset_should_have_its_validators_and_its_sudo_key_when_built() {
    let alice: AccountId = Sr25519Keyring::Alice.to_account_id();
    let validators = || pallet_session::Validators::<Runtime>::get();
    assert_eq!(
        within("development", validators),
        vec![Sr25519Keyring::AliceStash.to_account_id()]
    );
    assert_eq!(
        within("local_testnet", validators),
        vec![
            Sr25519Keyring::AliceStash.to_account_id(),
            Sr25519Keyring::BobStash.to_account_id()
        ]
    );
    let key = || pallet_sudo::Key::<Runtime>::get();
    assert_eq!(within("development", key), Some(alice));
    assert_eq!(within("local_testnet", key), None);
    let authorities = || pallet_babe::Pallet::<Runtime>::authorities().len();
    assert_eq!(within("local_testnet", authorities), 2);
}

#[test]
fn validators_of_genesis_should_be_those_with_session_keys_when_a_tool_replaced_them() {
    let mut patch = caller()
        .get_named_preset(Some(&"local_testnet".to_string()))
        .unwrap();
    let keys = patch["session"]["keys"].as_array_mut().unwrap();
    keys.truncate(1);
    let storage = caller().get_storage_for_patch(patch).unwrap();
    let validators = sp_io::TestExternalities::new(storage).execute_with(|| {
        (
            pallet_session::Validators::<Runtime>::get().len(),
            pallet_babe::Pallet::<Runtime>::authorities().len(),
        )
    });
    assert_eq!(validators, (1, 1));
}

#[test]
fn default_genesis_should_be_valid_json_for_the_builder() {
    let default: Value = caller().get_default_config().unwrap();
    assert!(default.get("balances").is_some());
    RuntimeGenesisConfig::default().build_storage().unwrap();
}

#[test]
fn block_weight_should_be_at_most_a_third_of_the_shortest_slot() {
    let third = configs::SHORTEST_SLOT_MILLIS
        * frame_support::weights::constants::WEIGHT_REF_TIME_PER_MILLIS
        / 3;
    assert!(configs::MAXIMUM_BLOCK_WEIGHT.ref_time() <= third);
}
