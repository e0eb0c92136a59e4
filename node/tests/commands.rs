// SPDX-License-Identifier: GPL-3.0-or-later
//! Sub-commands that need no running chain, and specifications that are refused.

mod common;

use common::{output, stdout, text, Node};
use serde_json::{json, Value};

fn exported(arguments: &[&str]) -> Value {
    let mut all = vec!["export-chain-spec"];
    all.extend_from_slice(arguments);
    serde_json::from_str(&stdout(&all)).expect("a specification is JSON")
}

#[test]
fn export_chain_spec_should_print_the_preset_when_the_chain_is_local() {
    let spec = exported(&["--chain", "local"]);
    assert_eq!(spec["id"], "dream_local");
    assert_eq!(
        spec["properties"],
        json!({"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "DREAM"})
    );
    let keys = spec["genesis"]["runtimeGenesis"]["patch"]["session"]["keys"]
        .as_array()
        .expect("session keys in the patch")
        .len();
    assert_eq!(keys, 2, "Alice and Bob validate");
    assert_eq!(
        spec["genesis"]["runtimeGenesis"]["patch"]["sudo"]["key"],
        Value::Null,
        "only the development preset has a sudo key"
    );
}

#[test]
fn export_chain_spec_should_read_its_own_output_when_given_the_file() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let plain = dir.path().join("plain.json");
    let raw = dir.path().join("raw.json");
    stdout(&[
        "export-chain-spec",
        "--chain",
        "local",
        "--output",
        text(&plain),
    ]);
    stdout(&[
        "export-chain-spec",
        "--chain",
        text(&plain),
        "--raw",
        "--output",
        text(&raw),
    ]);
    let from_file = exported(&["--chain", text(&raw), "--raw"]);
    let from_preset = exported(&["--chain", "local", "--raw"]);
    assert_eq!(
        from_file["genesis"]["raw"]["top"],
        from_preset["genesis"]["raw"]["top"]
    );
}

#[test]
fn key_generate_should_print_a_key_when_asked_for_json() {
    let key: Value = serde_json::from_str(&stdout(&["key", "generate", "--output-type", "json"]))
        .expect("key generate prints JSON");
    let address = key["ss58Address"].as_str().expect("an address");
    assert!(
        address.starts_with('5'),
        "SS58 42 addresses start with 5: {address}"
    );
}

#[test]
fn node_should_name_the_path_when_the_specification_does_not_exist() {
    let refused = output(&["--chain", "/does/not/exist.json", "--tmp"]);
    assert!(!refused.status.success());
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("/does/not/exist.json"), "{error}");
}

#[test]
fn node_should_say_what_is_wrong_when_the_specification_is_no_json() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("broken.json");
    std::fs::write(&path, "{ \"name\": ").expect("the folder takes a file");
    let refused = output(&["--chain", text(&path), "--tmp"]);
    assert!(!refused.status.success());
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("Error parsing spec file"), "{error}");
}

#[test]
fn node_should_start_from_a_file_when_the_specification_was_exported() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("mine.json");
    let mut spec = exported(&["--chain", "dev"]);
    spec["name"] = json!("A chain of one's own");
    spec["id"] = json!("mine");
    std::fs::write(&path, spec.to_string()).expect("the folder takes a file");

    let mut node = Node::start(&[
        "--chain",
        text(&path),
        "--alice",
        "--force-authoring",
        "--unsafe-force-node-key-generation",
        "--tmp",
    ]);
    common::wait_for("block 2", || (node.best() >= 2).then_some(()));
    assert_eq!(
        node.call("system_chain", json!([])),
        json!("A chain of one's own")
    );
    let (status, log) = node.terminate();
    assert!(status.success(), "{status}:\n{log}");
}

/// The local preset with one value changed, and what the node says to it when it exports or starts.
fn refused(change: impl FnOnce(&mut Value)) -> [String; 2] {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("wrong.json");
    let mut spec = exported(&["--chain", "local"]);
    change(&mut spec["genesis"]["runtimeGenesis"]["patch"]);
    std::fs::write(&path, spec.to_string()).expect("the folder takes a file");
    let chain = text(&path);
    [
        output(&["export-chain-spec", "--chain", chain, "--raw"]),
        output(&[
            "--chain",
            chain,
            "--tmp",
            "--no-prometheus",
            "--no-telemetry",
        ]),
    ]
    .map(|output| {
        assert!(!output.status.success(), "a wrong specification was taken");
        String::from_utf8_lossy(&output.stderr).into_owned()
    })
}

#[test]
fn node_should_name_the_parameter_when_a_specification_breaks_a_rule() {
    let errors = refused(|patch| {
        patch["chainParameters"]["parameters"]["consensus"]["slotMs"] = json!(500);
    });
    for error in errors {
        assert!(
            error.contains("consensus.slotMs must be even and at least 1000"),
            "{error}"
        );
        assert!(
            !error.contains("for blob"),
            "the whole genesis was printed: {error}"
        );
    }
}

#[test]
fn node_should_refuse_when_faking_would_pay() {
    let errors = refused(|patch| {
        patch["chainParameters"]["parameters"]["bonds"]["availability"] =
            json!(20_000_000_000_000_u64);
    });
    for error in errors {
        assert!(error.contains("HonestyDoesNotPay"), "{error}");
    }
}

#[test]
fn node_should_name_the_field_when_a_specification_misspells_it() {
    let errors = refused(|patch| {
        patch["chainParameters"]["parameters"]["round"]["trainingBlock"] = json!(9);
    });
    for error in errors {
        assert!(error.contains("trainingBlock"), "{error}");
    }
}

#[test]
fn node_should_refuse_when_nobody_validates() {
    let errors = refused(|patch| patch["session"]["keys"] = json!([]));
    for error in errors {
        assert!(error.contains("session.keys is empty"), "{error}");
    }
}
