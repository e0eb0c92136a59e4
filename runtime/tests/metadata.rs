// SPDX-License-Identifier: GPL-3.0-or-later
//! The metadata that the worker's types are generated from is that of the WASM runtime built here.

// A test may do what the runtime may not.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use codec::{Decode, Encode};
use polkadot_sdk::*;
use sc_executor::{sp_wasm_interface::ExtendedHostFunctions, WasmExecutor};
use sp_core::{
    traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
    OpaqueMetadata,
};
use std::path::Path;

/// The newest version that subxt 0.51 reads; it names the hasher and the runtime APIs' types.
const VERSION: u32 = 16;

type Executor = WasmExecutor<ExtendedHostFunctions<sp_io::SubstrateHostFunctions, ()>>;

fn metadata_of_wasm() -> Vec<u8> {
    let wasm = dream_runtime::wasm_binary().unwrap();
    let code = WrappedRuntimeCode(wasm.into());
    let runtime = RuntimeCode {
        code_fetcher: &code,
        heap_pages: None,
        hash: sp_io::hashing::blake2_256(wasm).to_vec(),
    };
    let executor = Executor::builder().build();
    let mut state = sp_state_machine::BasicExternalities::new_empty();
    let answer = executor
        .call(
            &mut state,
            &runtime,
            "Metadata_metadata_at_version",
            &VERSION.encode(),
            CallContext::Offchain,
        )
        .0
        .unwrap();
    let metadata = Option::<OpaqueMetadata>::decode(&mut &answer[..]).unwrap();
    metadata.expect("the runtime serves this version").to_vec()
}

#[test]
fn committed_metadata_should_equal_that_of_the_built_runtime() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../offchain-worker/chain/metadata.scale");
    let now = metadata_of_wasm();
    assert_eq!(&now[..4], b"meta");
    if std::env::var_os("DREAM_UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let committed = std::fs::read(&path).unwrap_or_default();
    assert!(
        committed == now,
        "{} ({} bytes) is not the metadata of the built runtime ({} bytes): write it anew with DREAM_UPDATE=1",
        path.display(),
        committed.len(),
        now.len()
    );
}
