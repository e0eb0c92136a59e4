// SPDX-License-Identifier: GPL-3.0-or-later
//! The program itself: exit codes and messages.

use std::path::Path;
use std::process::{Command, Output};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dream-worker"))
        .args(arguments)
        .env("XDG_DATA_HOME", folder)
        .env_remove("DREAM_NODE")
        .env_remove("DREAM_KEY")
        .env_remove("DREAM_SURI")
        .output()
        .unwrap()
}

fn check(arguments: &[&str], code: i32, part: &str) {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), arguments);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert!(text.contains(part), "{arguments:?}: {text}");
    assert!(!text.contains("panicked"), "{arguments:?}: {text}");
}

#[test]
fn help_should_list_roles_and_exit_codes() {
    check(&["--help"], 0, "Exit codes:");
    check(&["--help"], 0, "explain");
    check(&["--version"], 0, "dream-worker");
}

#[test]
fn wrong_command_line_should_exit_with_2() {
    check(&[], 2, "Usage");
    check(&["bond", "much"], 2, "much");
    check(&["mine", "--threads", "0"], 2, "threads");
}

#[test]
fn missing_key_should_exit_with_5() {
    check(&["bond", "1"], 5, "--key FILE");
    check(&["bond", "1", "--key", "no-such.key"], 5, "no-such.key");
    check(&["mine"], 5, "--key FILE");
}

#[test]
fn node_that_does_not_answer_should_exit_with_3_after_retries() {
    // Nobody listens on port 1.
    let arguments = ["status", "--node", "ws://127.0.0.1:1", "--patience", "2"];
    check(&arguments, 3, "ws://127.0.0.1:1");
}

#[test]
fn wrong_configuration_should_exit_with_5() {
    check(
        &["model", "init", "--print", "--config", "no-such.json"],
        5,
        "no-such.json",
    );
    check(
        &["model", "init", "--print", "--config", "demo"],
        0,
        "\"dim\": 128",
    );
}

#[test]
fn terminated_role_should_exit_with_130() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_dream-worker"))
        .args([
            "merge",
            "--suri",
            "//Alice",
            "--node",
            "ws://127.0.0.1:1",
            "--patience",
            "60",
        ])
        .env("XDG_DATA_HOME", folder.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let sent = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(text.contains("stopped"), "{text}");
}
