// SPDX-License-Identifier: GPL-3.0-or-later
//! Builds the runtime's WASM blob beside the native library.

fn main() {
    #[cfg(feature = "std")]
    polkadot_sdk::substrate_wasm_builder::WasmBuilder::build_using_defaults();
}
