// SPDX-License-Identifier: GPL-3.0-or-later
//! Chain specifications: the runtime's presets, or a file.

use dream_runtime::{token, wasm_binary};
use polkadot_sdk::*;

use sc_chain_spec::{ChainSpecExtension, ChainType, GenericChainSpec, Properties};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use std::path::PathBuf;

use dream_runtime::opaque::Block;

/// What a specification carries beside the genesis.
#[derive(Default, Clone, serde::Serialize, serde::Deserialize, ChainSpecExtension)]
#[serde(rename_all = "camelCase")]
pub struct Extensions {
    /// Blocks with hashes that are known for certain.
    pub fork_blocks: sc_client_api::ForkBlocks<Block>,
    /// Blocks that are refused.
    pub bad_blocks: sc_client_api::BadBlocks<Block>,
    /// Where a light client may start.
    pub light_sync_state: sc_sync_state_rpc::LightSyncStateExtension,
}

/// A specification of a DREAM chain.
pub type ChainSpec = GenericChainSpec<Extensions>;

/// The specification that `--chain` names: `dev`, `local` or a path.
///
/// # Errors
/// A message that names what is wrong: no WASM in this build, no such file, not a specification.
pub fn load(id: &str) -> Result<ChainSpec, String> {
    match id {
        "dev" => preset(
            "DREAM development",
            "dream_dev",
            ChainType::Development,
            DEV_RUNTIME_PRESET,
        ),
        "" | "local" => preset(
            "DREAM local test network",
            "dream_local",
            ChainType::Local,
            LOCAL_TESTNET_RUNTIME_PRESET,
        ),
        path => {
            let path = PathBuf::from(path);
            if !path.is_file() {
                return Err(format!(
                    "no chain specification `{}`: give `dev`, `local` or the path of a file that `export-chain-spec` wrote",
                    path.display()
                ));
            }
            ChainSpec::from_json_file(path)
        }
    }
}

fn preset(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
    Ok(ChainSpec::builder(wasm_binary()?, Extensions::default())
        .with_name(name)
        .with_id(id)
        .with_chain_type(chain_type)
        .with_protocol_id(id)
        .with_properties(properties())
        .with_genesis_config_preset_name(preset)
        .build())
}

/// What wallets show amounts with.
fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), token::SYMBOL.into());
    properties.insert("tokenDecimals".into(), token::DECIMALS.into());
    properties.insert("ss58Format".into(), token::SS58_PREFIX.into());
    properties
}

/// An error about a genesis without the whole genesis that it carries at its end.
pub fn readable(error: &str) -> &str {
    error.split(" for blob:").next().unwrap_or(error).trim_end()
}
