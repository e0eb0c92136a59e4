// SPDX-License-Identifier: GPL-3.0-or-later
//! docs/threats.md names tests: each of them must be there.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every `path.rs::name` in inline code.
fn named(page: &str) -> Vec<(String, String)> {
    let code = page.split('`').skip(1).step_by(2);
    code.filter_map(|c| c.split_once("::"))
        .filter(|(file, _)| file.ends_with(".rs"))
        .map(|(file, name)| (file.to_string(), name.to_string()))
        .collect()
}

/// Whether `source` has the test `name`: a function under `#[test]`, or in a `proptest!`.
fn has_test(source: &str, name: &str) -> bool {
    let head = format!("fn {name}(");
    let mut marked = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if line.starts_with("fn ") || line.starts_with("async fn ") {
            if marked && line.contains(&head) {
                return true;
            }
            marked = false;
        }
    }
    false
}

fn missing(page: &str) -> Vec<String> {
    let absent = |(file, name): &(String, String)| {
        let source = fs::read_to_string(root().join(file)).unwrap_or_default();
        !has_test(&source, name)
    };
    let named = named(page).into_iter().filter(absent);
    named
        .map(|(file, name)| format!("{file}::{name}"))
        .collect()
}

/// The threats of the design, in its order.
const THREATS: &[&str] = &[
    "stolen or copied delta",
    "replayed claim",
    "faked segment",
    "skipped steps",
    "wrong data order",
    "wrong start state",
    "false residual",
    "delta not equal to end minus start",
    "withheld snapshot",
    "served to some verifiers only",
    "captured or invented profile",
    "lazy verifier",
    "leaked digests",
    "colluding verifiers below the bound",
    "late or missing reveal",
    "forced escalation",
    "wrong merge",
    "merge whose tree nobody holds",
    "vanished delta blob",
    "wrong global scalar",
    "poisoned delta within norm",
    "emission to an owner's own branch",
    "sybil newcomers",
    "identity ground after the seed",
    "held-out shard guessed or reused",
    "private noise or zeros",
    "victim isolated in a cohort",
    "vote splitting",
    "vote, transfer, vote again",
    "weight from two zeros by delegation",
    "selective poke",
    "revert abuse",
    "data set withheld",
    "oversized or malformed blob",
    "malformed SCALE",
    "equivocating validator",
    "session key reused on a fork",
    "node killed at any point",
    "worker killed at any point",
    "runtime upgrade mid-round",
];

#[test]
fn threats_page_should_have_a_row_for_every_threat_and_name_only_tests_that_exist() {
    let page =
        fs::read_to_string(root().join("docs/threats.md")).expect("docs/threats.md is there");
    assert!(named(&page).len() >= 20, "the page names too few tests");
    assert_eq!(missing(&page), Vec::<String>::new());
    let rows: Vec<&str> = page.lines().filter(|l| l.starts_with("| ")).collect();
    for threat in THREATS {
        let has_row = rows
            .iter()
            .any(|r| r[2..].starts_with(&format!("{threat} |")));
        assert!(has_row, "docs/threats.md has no row for: {threat}");
    }
}

#[test]
fn missing_test_should_be_found() {
    let here = "pallets/simulator/tests/sim/page.rs";
    assert_eq!(
        missing(&format!("`{here}::missing_test_should_be_found`")).len(),
        0
    );
    assert_eq!(missing(&format!("`{here}::no_such_test`")).len(), 1);
    assert_eq!(missing(&format!("`{here}::root`")).len(), 1);
    assert_eq!(
        missing("`pallets/no_such_file.rs::missing_test_should_be_found`").len(),
        1
    );
}
