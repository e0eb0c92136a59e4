// SPDX-License-Identifier: GPL-3.0-or-later
//! End to end: the real node with its WASM runtime, real training, real processes, by the demo's program.
//!
//! `dream-node` is looked for beside the programs of this package, where a build of the workspace puts it.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

fn demo() -> Command {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_dream-demo"));
    let node = program.with_file_name("dream-node");
    assert!(
        node.is_file(),
        "{} is not there: build the workspace first (make build)",
        node.display()
    );
    let mut command = Command::new(program);
    command.env_remove("RUST_LOG");
    command
}

/// Text that a model can learn something of within two rounds.
fn text(folder: &Path) -> PathBuf {
    let text = folder.join("text");
    fs::create_dir_all(text.join("more")).unwrap();
    let verse = |n: usize| {
        format!("{n} green bottles hanging on the wall, and if one green bottle should fall\n")
    };
    fs::write(text.join("a.txt"), (0..300).map(verse).collect::<String>()).unwrap();
    fs::write(
        text.join("more/b.txt"),
        (300..600).map(verse).collect::<String>(),
    )
    .unwrap();
    fs::write(text.join("empty.txt"), "").unwrap();
    text
}

/// Another text, which the demo's vote adds.
fn second_text(folder: &Path) -> PathBuf {
    let text = folder.join("second");
    fs::create_dir_all(&text).unwrap();
    let line = |n: usize| format!("fn bottle_{n}() -> usize {{ {n} }}\n");
    fs::write(text.join("b.rs"), (0..600).map(line).collect::<String>()).unwrap();
    text
}

/// Processes whose command line names the folder.
fn running(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(name) {
            found.push(line);
        }
    }
    found
}

#[test]
fn small_network_should_train_a_better_model_slash_the_fake_revert_a_claim_and_vote_on_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let output = demo()
        .args(["--rounds", "2", "--patience", "1800", "--margin", "1.0"])
        .args(["--text".as_ref(), text(folder.path()).as_os_str()])
        .args([
            "--second-text".as_ref(),
            second_text(folder.path()).as_os_str(),
        ])
        .args(["--report".as_ref(), report.as_os_str()])
        .args(["--dir".as_ref(), folder.path().join("run").as_os_str()])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{log}");
    for part in [
        "PASSED",
        "empty.txt is empty",
        "slashed by a jury",
        "two thirds of the Jury say Mismatch",
        "canary: faked on duty",
        "replay matches",
        "reverted: claim",
        "lineage before",
        "improvement record",
        "samples: promoted",
        "vote on the data",
        "in the mixture by block",
        "samples from data set 1",
        "explain vote: a vote of tokens alone",
        "zero      no credits as of block",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }

    let data: Value =
        serde_json::from_slice(&fs::read(report.join("report.json")).unwrap()).unwrap();
    let losses: Vec<f64> = data["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["held_out_loss"].as_f64().unwrap())
        .collect();
    assert!(
        losses.len() >= 2 && losses.last() < losses.first(),
        "{losses:?}"
    );
    let claims = data["claims"].as_array().unwrap();
    // The newest version is one that was made again where its round has a claim left.
    let newest = data["versions"].as_array().unwrap().last().unwrap();
    let base = newest["number"].as_u64().unwrap() - 1;
    let holds = claims
        .iter()
        .any(|c| c["state"] == "Merged" && c["base"] == base);
    assert!(
        !holds || newest["contributions"].as_u64() > Some(0),
        "{newest}"
    );
    for claim in claims.iter().filter(|c| c["outcome"] != "open") {
        let refused = claim["outcome"] == "refused";
        let on_duty = claim["outcome"] == "canary";
        let faked = claim["account"] == "faker" && !on_duty;
        assert_eq!(refused, faked, "{claim}");
        assert_eq!(claim["verdicts"].as_array().unwrap().len(), 3, "{claim}");
    }
    let vote = &data["extras"][0];
    assert_eq!(vote["title"], "Vote on the data");
    assert_eq!(vote["rows"].as_array().unwrap().len(), 3, "{vote}");
    assert!(vote["lead"].as_str().unwrap().contains("from data set 1"));
    for process in data["processes"].as_array().unwrap() {
        assert!(
            process["peak_memory_mib"].as_f64().unwrap() < 1024.0,
            "{process}"
        );
    }
    assert_eq!(running(folder.path()), Vec::<String>::new());
}

#[test]
fn interrupted_demo_should_stop_everything_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut child = demo()
        .args(["--text".as_ref(), text(folder.path()).as_os_str()])
        .args([
            "--second-text".as_ref(),
            second_text(folder.path()).as_os_str(),
        ])
        .args(["--dir".as_ref(), run.as_os_str()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    // The profile logs are made once bonds are in: validator and workers run.
    while !run.join("logs/lazy-profile.log").is_file() {
        assert!(
            began.elapsed() < Duration::from_secs(240),
            "no worker after {:?}",
            began.elapsed()
        );
        assert_eq!(child.try_wait().unwrap(), None);
        sleep(Duration::from_millis(200));
    }
    assert!(running(folder.path()).len() > 2);
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(running(folder.path()), Vec::<String>::new());
}

#[test]
fn demo_should_name_a_folder_without_text_and_a_missing_program() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo()
        .args(["--node-bin", "no-such-node"])
        .args(["--dir".as_ref(), folder.path().as_os_str()])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && errors.contains("no-such-node"),
        "{errors}"
    );
    let output = demo()
        .current_dir(folder.path())
        .args(["--dir", "run"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && errors.contains("--text FOLDER"),
        "{errors}"
    );
    assert_eq!(running(folder.path()), Vec::<String>::new());
}
