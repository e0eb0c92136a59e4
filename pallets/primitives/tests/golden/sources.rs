// SPDX-License-Identifier: GPL-3.0-or-later
//! That no codec type of the sources is missing among the examples.

use crate::codec_types::dump;
use std::collections::BTreeSet;

/// Names of the public types of the crate's sources that derive `Encode`.
fn codec_types_of_the_sources() -> BTreeSet<String> {
    let mut paths = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut names = BTreeSet::new();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let mut derives = String::new();
        for line in text.lines() {
            let item = ["pub struct ", "pub enum "]
                .iter()
                .find_map(|head| line.strip_prefix(head));
            match item {
                Some(rest) if derives.split([',', '(', ' ']).any(|word| word == "Encode") => {
                    let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap();
                    names.insert(rest[..end].to_string());
                }
                _ => {}
            }
            match line {
                "" | "}" => derives.clear(),
                _ => derives.push_str(line),
            }
        }
    }
    names
}

#[test]
fn every_codec_type_should_have_an_example() {
    let sources = codec_types_of_the_sources();
    assert!(sources.contains("Claim") && sources.contains("Phase"));
    assert_eq!(sources, dump().names);
}
