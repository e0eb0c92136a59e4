// SPDX-License-Identifier: GPL-3.0-or-later
//! What the outside relies on, as reviewed text: indices of pallets, calls, events and errors, and prefixes of storage.
//!
//! `DREAM_UPDATE=1 cargo test --release -p dream-runtime --test golden` writes the file anew; the change then shows in review.

// A test may do what the runtime may not.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use dream_runtime::Runtime;
use frame_metadata::{
    v14::{PalletMetadata, RuntimeMetadataV14, StorageEntryType},
    RuntimeMetadata,
};
use polkadot_sdk::*;
use scale_info::{form::PortableForm, TypeDef};
use sp_io::hashing::twox_128;
use std::{fmt::Write, path::Path};

/// Pallets of this project: their calls, events, errors and storage are ours to keep. 33 is compute-voting.
fn ours(index: u8) -> bool {
    index == 33 || (50..=59).contains(&index)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn variants(out: &mut String, kind: &str, metadata: &RuntimeMetadataV14, id: u32) {
    let info = metadata
        .types
        .resolve(id)
        .expect("every type is in the registry");
    let TypeDef::Variant(all) = &info.type_def else {
        panic!("{kind} is not an enum")
    };
    for one in &all.variants {
        let fields: Vec<_> = one
            .fields
            .iter()
            .map(|field| {
                let ty = field.type_name.as_deref().unwrap_or("_");
                match &field.name {
                    Some(name) => format!("{name}: {ty}"),
                    None => ty.into(),
                }
            })
            .collect();
        writeln!(
            out,
            "  {kind} {} {}({})",
            one.index,
            one.name,
            fields.join(", ")
        )
        .unwrap();
    }
}

fn storage(out: &mut String, pallet: &PalletMetadata<PortableForm>) {
    let Some(storage) = &pallet.storage else {
        return;
    };
    for entry in &storage.entries {
        let key = format!(
            "{}{}",
            hex(&twox_128(storage.prefix.as_bytes())),
            hex(&twox_128(entry.name.as_bytes()))
        );
        let shape = match &entry.ty {
            StorageEntryType::Plain(_) => "value".into(),
            StorageEntryType::Map { hashers, .. } => format!("map by {hashers:?}"),
        };
        writeln!(
            out,
            "  storage {} {key} {:?} {shape}",
            entry.name, entry.modifier
        )
        .unwrap();
    }
}

fn dump() -> String {
    let mut out = String::from(
        "# Pallet indices; of our own pallets also calls, events, errors and storage.\n",
    );
    // Constants read the chain's parameters: an empty state gives the defaults.
    let metadata = sp_io::TestExternalities::default().execute_with(Runtime::metadata);
    let RuntimeMetadata::V14(metadata) = metadata.1 else {
        panic!("`Runtime::metadata` gives version 14")
    };
    let mut pallets: Vec<_> = metadata.pallets.iter().collect();
    pallets.sort_by_key(|pallet| pallet.index);
    for pallet in pallets {
        writeln!(out, "{} {}", pallet.index, pallet.name).unwrap();
        if !ours(pallet.index) {
            continue;
        }
        if let Some(calls) = &pallet.calls {
            variants(&mut out, "call", &metadata, calls.ty.id);
        }
        if let Some(event) = &pallet.event {
            variants(&mut out, "event", &metadata, event.ty.id);
        }
        if let Some(error) = &pallet.error {
            variants(&mut out, "error", &metadata, error.ty.id);
        }
        storage(&mut out, pallet);
    }
    for extension in &metadata.extrinsic.signed_extensions {
        writeln!(out, "extension {}", extension.identifier).unwrap();
    }
    out
}

#[test]
fn indices_and_prefixes_should_stay_when_nobody_reviewed_a_change() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/indices.txt");
    let now = dump();
    if std::env::var_os("DREAM_UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == now,
        "{} differs from the runtime: if the change is meant, write it anew with DREAM_UPDATE=1 and review it.\nThe runtime now:\n{now}",
        path.display()
    );
}
