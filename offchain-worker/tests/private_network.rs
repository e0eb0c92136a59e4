// SPDX-License-Identifier: GPL-3.0-or-later
//! Private rounds end to end: the real node with its WASM runtime, real training and encryption, real processes, by the
//! demo's program.
//!
//! `dream-node` is looked for beside the programs of this package, where a build of the workspace puts it.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn demo() -> Command {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_dream-demo"));
    let node = program.with_file_name("dream-node");
    assert!(
        node.is_file(),
        "{} is not there: build the workspace first (make build)",
        node.display()
    );
    let mut command = Command::new(program);
    command.env_remove("RUST_LOG").arg("--private");
    command
}

/// Four texts of which a model can learn something within two rounds.
fn texts(folder: &Path) -> PathBuf {
    let text = folder.join("given");
    let songs: [fn(usize) -> String; 4] = [
        |n| format!("{n} green bottles hanging on the wall, and if one green bottle should fall\n"),
        |n| format!("let x{n} = (y{n} + {n}) * z{n}; assert!(x{n} > 0 && x{n} < {n}_000);\n"),
        |n| {
            format!(
                "<tr><td>{n}</td><td>{}</td><td class=\"sum\">{}</td></tr>\n",
                n * n,
                n * 7
            )
        },
        |n| {
            format!(
                "MOV R{}, #{n}\nADD R1, R{}, R2\nJNZ LABEL_{n}\n",
                n % 16,
                n % 16
            )
        },
    ];
    for (k, song) in (1..).zip(songs) {
        let folder = text.join(k.to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("text"), (0..700).map(song).collect::<String>()).unwrap();
    }
    text
}

fn cell<'a>(table: &'a Value, party: &str, column: &str) -> &'a str {
    let head = table["head"].as_array().unwrap();
    let at = head.iter().position(|name| name == column).unwrap();
    let rows = table["rows"].as_array().unwrap();
    let row = rows
        .iter()
        .find(|row| row[0].as_str().unwrap().starts_with(party));
    row.unwrap_or_else(|| panic!("no {party} in {table}"))[at]
        .as_str()
        .unwrap()
}

#[test]
fn private_rounds_should_train_a_better_model_and_show_nobody_anothers_text_or_delta() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let output = demo()
        .args(["--rounds", "2", "--patience", "1800", "--margin", "0.1"])
        .args(["--text".as_ref(), texts(folder.path()).as_os_str()])
        .args(["--report".as_ref(), report.as_os_str()])
        .args(["--dir".as_ref(), folder.path().join("run").as_os_str()])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{log}");
    for part in [
        "PASSED: 2 versions from private texts",
        "miner-4 drops out",
        "member-3 goes silent",
        "miner-4 is back",
        "promoted; exactly the mean",
        "who could see what",
        "decrypted",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }

    let data: Value =
        serde_json::from_slice(&fs::read(report.join("report.json")).unwrap()).unwrap();
    let table = |title: &str| {
        let extras = data["extras"].as_array().unwrap();
        extras.iter().find(|e| e["title"] == title).unwrap()
    };
    let seen = table("Who could see what");
    for miner in ["miner-1", "miner-2", "miner-3", "miner-4"] {
        assert_eq!(cell(seen, miner, "private text"), miner);
        let deltas = cell(seen, miner, "whole deltas");
        let own = deltas.split(", ").all(|d| d.starts_with(miner));
        assert!(own, "{miner} holds {deltas}");
    }
    for party in [
        "member-1",
        "auditor-1",
        "aggregator",
        "sponsor",
        "steward",
        "anyone",
    ] {
        assert_eq!(cell(seen, party, "private text"), "none", "{party}");
        assert_eq!(cell(seen, party, "whole deltas"), "none", "{party}");
    }
    // An audit opened one segment a round, for everybody.
    assert!(cell(seen, "anyone", "single segments").starts_with("miner-"));
    assert_eq!(cell(seen, "member-2", "secrets"), "key share of member-2");

    let rounds = table("Private rounds");
    assert_eq!(cell(rounds, "1", "left out"), "miner-4");
    let answered = cell(rounds, "1", "decrypted by");
    assert!(
        !answered.contains("member-3") && answered.contains(','),
        "{answered}"
    );

    let paid = table("Who was paid, and what silence cost");
    assert_eq!(cell(paid, "miner-1", "lost by silence"), "0 DREAM");
    assert_ne!(cell(paid, "miner-1", "paid"), "0 DREAM");
    for silent in ["miner-4", "member-3"] {
        assert_ne!(cell(paid, silent, "lost by silence"), "0 DREAM");
    }

    let page = fs::read_to_string(report.join("index.html")).unwrap();
    assert!(page.contains("<h2>Who could see what</h2>"));
}

#[test]
fn demo_should_name_a_private_text_that_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo()
        .args(["--text".as_ref(), folder.path().as_os_str()])
        .args(["--dir".as_ref(), folder.path().join("run").as_os_str()])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let named = folder.path().join("1");
    assert!(
        !output.status.success() && errors.contains(named.to_str().unwrap()),
        "{errors}"
    );
}
