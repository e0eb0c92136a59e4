// SPDX-License-Identifier: GPL-3.0-or-later
//! Who may import whom. Reads `cargo metadata` and `docs/layout.md`; fails on an import that the table does not allow.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a member of the workspace may depend on, whether to build, to run or to test.
struct Rule {
    member: &'static str,
    folder: &'static str,
    /// Members that it may import.
    ours: &'static [&'static str],
    /// Crates from outside that only the members that name them may import, see [`RESERVED`].
    reserved: &'static [&'static str],
}

/// Crates from outside that are kept behind a boundary.
const RESERVED: &[&str] = &[
    "cust",
    "polkadot-sdk",
    "sp-crypto-hashing",
    "subxt",
    "subxt-signer",
    "tch",
    "torch-sys",
];

/// Crates of the SDK come through the umbrella; one beside it would bring a second generation of types.
const UMBRELLA_PREFIXES: &[&str] = &["frame-", "pallet-", "sc-", "sp-", "substrate-", "cumulus-"];
/// Not part of the SDK in spite of its name: it only describes metadata.
const NOT_UMBRELLA: &[&str] = &["frame-metadata"];

const SDK: &[&str] = &["polkadot-sdk"];
const PRIMITIVES: &[&str] = &["dream-primitives"];

const RULES: &[Rule] = &[
    Rule {
        member: "dream-primitives",
        folder: "pallets/primitives",
        ours: &[],
        reserved: &[],
    },
    Rule {
        member: "pallet-chain-parameters",
        folder: "pallets/chain-parameters",
        ours: PRIMITIVES,
        reserved: SDK,
    },
    Rule {
        member: "pallet-model-registry",
        folder: "pallets/model-registry",
        ours: PRIMITIVES,
        reserved: SDK,
    },
    Rule {
        member: "pallet-data-registry",
        folder: "pallets/data-registry",
        ours: PRIMITIVES,
        reserved: SDK,
    },
    Rule {
        member: "pallet-useful-work",
        folder: "pallets/useful-work",
        ours: PRIMITIVES,
        reserved: SDK,
    },
    Rule {
        member: "pallet-secure-aggregation",
        folder: "pallets/secure-aggregation",
        ours: PRIMITIVES,
        reserved: SDK,
    },
    Rule {
        member: "pallet-compute-voting",
        folder: "pallets/compute-voting",
        ours: PRIMITIVES,
        reserved: SDK,
    },
    Rule {
        member: "dream-simulator",
        folder: "pallets/simulator",
        ours: &[
            "dream-primitives",
            "pallet-data-registry",
            "pallet-model-registry",
            "pallet-useful-work",
        ],
        reserved: SDK,
    },
    Rule {
        member: "dream-fuzz",
        folder: "runtime/fuzz",
        ours: &[
            "dream-primitives",
            "dream-runtime",
            "pallet-chain-parameters",
            "pallet-compute-voting",
            "pallet-data-registry",
            "pallet-model-registry",
            "pallet-secure-aggregation",
            "pallet-useful-work",
        ],
        reserved: SDK,
    },
    Rule {
        member: "dream-runtime",
        folder: "runtime",
        ours: &[
            "dream-primitives",
            "pallet-chain-parameters",
            "pallet-compute-voting",
            "pallet-data-registry",
            "pallet-model-registry",
            "pallet-secure-aggregation",
            "pallet-useful-work",
        ],
        reserved: SDK,
    },
    Rule {
        member: "dream-node",
        folder: "node",
        ours: &["dream-primitives", "dream-runtime"],
        reserved: SDK,
    },
    Rule {
        member: "dream-kernels",
        folder: "kernels",
        ours: &[],
        reserved: &["cust"],
    },
    Rule {
        member: "dream-adversary",
        folder: "offchain-worker/adversary",
        ours: &[
            "dream-chain",
            "dream-primitives",
            "dream-store",
            "dream-training",
            "dream-worker",
        ],
        reserved: &[],
    },
    Rule {
        member: "dream-chain",
        folder: "offchain-worker/chain",
        ours: PRIMITIVES,
        // Storage keys are hashes; that crate of the SDK holds the hash functions and no type.
        reserved: &["sp-crypto-hashing", "subxt", "subxt-signer"],
    },
    Rule {
        member: "dream-privacy",
        folder: "offchain-worker/privacy",
        ours: PRIMITIVES,
        reserved: &[],
    },
    Rule {
        member: "dream-private",
        folder: "offchain-worker/private",
        ours: &["dream-kernels", "dream-primitives", "dream-store"],
        reserved: &[],
    },
    Rule {
        member: "dream-report",
        folder: "offchain-worker/report",
        ours: &[],
        reserved: &[],
    },
    Rule {
        member: "dream-store",
        folder: "offchain-worker/store",
        ours: PRIMITIVES,
        reserved: &[],
    },
    Rule {
        member: "dream-training",
        folder: "offchain-worker/training",
        ours: PRIMITIVES,
        reserved: &["tch", "torch-sys"],
    },
    Rule {
        member: "dream-worker",
        folder: "offchain-worker",
        ours: &[
            "dream-chain",
            "dream-kernels",
            "dream-primitives",
            "dream-privacy",
            "dream-private",
            "dream-report",
            "dream-store",
            "dream-training",
        ],
        reserved: &[],
    },
];

/// A member of the workspace as `cargo metadata` tells it.
struct Member {
    name: String,
    folder: String,
    imports: BTreeSet<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn members() -> Vec<Member> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {error}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(member).collect()
}

fn member(package: &serde_json::Value) -> Member {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_string();
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    let folder = manifest.parent().unwrap().strip_prefix(root()).unwrap();
    let imports = package["dependencies"].as_array().unwrap();
    Member {
        name: text(&package["name"]),
        folder: folder.to_str().unwrap().to_string(),
        imports: imports.iter().map(|import| text(&import["name"])).collect(),
    }
}

/// Every import that the rules do not allow, every member without a rule, every rule without a member.
fn offences(members: &[Member]) -> Vec<String> {
    let rules: BTreeMap<&str, &Rule> = RULES.iter().map(|rule| (rule.member, rule)).collect();
    let names: BTreeSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut found: Vec<String> = rules
        .keys()
        .filter(|name| !names.contains(*name))
        .map(|name| format!("{name} has a rule but is no member"))
        .collect();
    for member in members {
        let name = &member.name;
        let Some(rule) = rules.get(name.as_str()) else {
            found.push(format!(
                "{name} has no rule: add one here and a row to docs/layout.md"
            ));
            continue;
        };
        if member.folder != rule.folder {
            found.push(format!(
                "{name} lies in {}, not {}",
                member.folder, rule.folder
            ));
        }
        let forbidden = |import: &&String| {
            let import = import.as_str();
            if names.contains(import) || rules.contains_key(import) {
                !rule.ours.contains(&import)
            } else if RESERVED.contains(&import) {
                !rule.reserved.contains(&import)
            } else {
                UMBRELLA_PREFIXES
                    .iter()
                    .any(|prefix| import.starts_with(prefix))
                    && !NOT_UMBRELLA.contains(&import)
            }
        };
        let imports = member.imports.iter().filter(forbidden);
        found.extend(imports.map(|import| format!("{name} must not import {import}")));
    }
    found
}

#[test]
fn members_should_import_only_what_they_may() {
    assert_eq!(offences(&members()), Vec::<String>::new());
}

#[test]
fn offences_should_name_each_forbidden_import() {
    let cases = [
        ("dream-primitives", "dream-store"),
        ("dream-primitives", "polkadot-sdk"),
        ("pallet-useful-work", "pallet-model-registry"),
        ("pallet-compute-voting", "pallet-useful-work"),
        ("pallet-model-registry", "frame-support"),
        ("dream-runtime", "sp-core"),
        ("dream-node", "sc-service"),
        ("dream-kernels", "dream-primitives"),
        ("dream-chain", "dream-runtime"),
        ("dream-worker", "pallet-useful-work"),
        ("dream-worker", "polkadot-sdk"),
        ("dream-worker", "tch"),
        ("dream-worker", "cust"),
        ("dream-store", "dream-training"),
        ("dream-training", "subxt"),
        ("dream-worker", "sp-crypto-hashing"),
    ];
    for (name, import) in cases {
        let mut members = members();
        let member = members.iter_mut().find(|member| member.name == name);
        assert!(member.unwrap().imports.insert(import.to_string()));
        assert_eq!(
            offences(&members),
            [format!("{name} must not import {import}")]
        );
    }
}

#[test]
fn offences_should_name_members_and_rules_that_do_not_match() {
    let mut list = members();
    let at = list.iter().position(|m| m.name == "dream-kernels").unwrap();
    list[at].name = "dream-extra".into();
    assert_eq!(
        offences(&list),
        [
            "dream-kernels has a rule but is no member",
            "dream-extra has no rule: add one here and a row to docs/layout.md"
        ]
    );
    let mut list = members();
    list[at].folder = "elsewhere".into();
    assert_eq!(
        offences(&list),
        ["dream-kernels lies in elsewhere, not kernels"]
    );
}

/// Rows of the table in `docs/layout.md`: crate, folder, and the crates of ours that it may import.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let text = std::fs::read_to_string(root().join("docs/layout.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, folder, purpose, imports] = cells.as_slice() else {
            panic!("docs/layout.md: a row has four cells: {row}");
        };
        assert!(!purpose.is_empty(), "docs/layout.md: {name} for what?");
        let unquoted = |cell: &str| cell.trim_matches('`').to_string();
        let imports = imports.split(',').map(|import| unquoted(import.trim()));
        let imports = imports.filter(|import| import != "none").collect();
        (unquoted(name), (unquoted(folder), imports))
    })
    .collect()
}

#[test]
fn layout_page_should_say_what_the_rules_say() {
    let rules: BTreeMap<String, (String, BTreeSet<String>)> = RULES
        .iter()
        .map(|rule| {
            let ours = rule.ours.iter().map(ToString::to_string).collect();
            (rule.member.to_string(), (rule.folder.to_string(), ours))
        })
        .collect();
    assert_eq!(documented(), rules);
}
