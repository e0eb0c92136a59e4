// SPDX-License-Identifier: GPL-3.0-or-later
//! A development chain lives: blocks, finality, RPC, a clean stop, sub-commands on its database.

mod common;

use common::{output, stdout, text, wait_for, Node};
use serde_json::{json, Value};

#[test]
fn dev_chain_should_produce_and_finalise_blocks_when_started() {
    let mut node = Node::start(&["--dev", "--tmp"]);
    wait_for("block 5", || (node.best() >= 5).then_some(()));
    wait_for("finalised block 3", || {
        (node.finalised() >= 3).then_some(())
    });

    let properties = node.call("system_properties", json!([]));
    assert_eq!(
        properties,
        json!({"ss58Format": 42, "tokenDecimals": 12, "tokenSymbol": "DREAM"})
    );
    let methods = node.call("rpc_methods", json!([]));
    let methods: Vec<&str> = methods["methods"]
        .as_array()
        .expect("rpc_methods lists methods")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for method in [
        "author_submitExtrinsic",
        "babe_epochAuthorship",
        "chainSpec_v1_chainName",
        "dream_branchHead",
        "dream_claim",
        "dream_credits",
        "dream_lineage",
        "dream_openAudits",
        "dream_roundStatus",
        "dream_scores",
        "dream_voteWeight",
        "grandpa_proveFinality",
        "payment_queryInfo",
        "state_getMetadata",
        "sync_state_genSyncSpec",
        "system_accountNextIndex",
    ] {
        assert!(methods.contains(&method), "no {method} in {methods:?}");
    }

    let (status, log) = node.terminate();
    assert!(
        status.success(),
        "SIGTERM ended the node with {status}:\n{log}"
    );
}

#[test]
fn dev_chain_should_go_on_and_answer_sub_commands_when_stopped_and_started_again() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let base = text(dir.path());
    let run = ["--dev", "--base-path", base];

    let mut node = Node::start(&run);
    wait_for("finalised block 3", || {
        (node.finalised() >= 3).then_some(())
    });
    let (status, log) = node.terminate();
    assert!(status.success(), "{status}:\n{log}");

    let info: Value = serde_json::from_str(&stdout(&["chain-info", "--dev", "--base-path", base]))
        .expect("chain-info prints JSON");
    let best = info["best_number"].as_u64().expect("a best number");
    assert!(best >= 3, "{info}");
    assert!(info["finalized_number"].as_u64() >= Some(3), "{info}");

    stdout(&["check-block", "--dev", "--base-path", base, "1"]);

    let blocks = dir.path().join("blocks");
    stdout(&[
        "export-blocks",
        "--dev",
        "--base-path",
        base,
        "--to",
        "3",
        text(&blocks),
    ]);
    let second = tempfile::tempdir().expect("a temporary folder");
    stdout(&[
        "import-blocks",
        "--dev",
        "--base-path",
        text(second.path()),
        text(&blocks),
    ]);
    let imported: Value = serde_json::from_str(&stdout(&[
        "chain-info",
        "--dev",
        "--base-path",
        text(second.path()),
    ]))
    .expect("chain-info prints JSON");
    assert_eq!(imported["best_number"], 3);
    assert_eq!(imported["genesis_hash"], info["genesis_hash"]);

    stdout(&["revert", "--dev", "--base-path", base, "1"]);
    let mut node = Node::start(&run);
    wait_for("a block after the old best", || {
        (node.best() > best).then_some(())
    });
    let (status, log) = node.terminate();
    assert!(status.success(), "{status}:\n{log}");

    stdout(&["purge-chain", "--dev", "--base-path", base, "-y"]);
    let missing = output(&["chain-info", "--dev", "--base-path", base]);
    assert!(
        !missing.status.success(),
        "chain-info answered without a database"
    );
    let error = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(error.contains("no database at"), "{error}");
}
