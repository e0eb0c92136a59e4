// SPDX-License-Identifier: GPL-3.0-or-later
//! The committed GPU code is what the committed sources compile to, as far as their hashes tell. That nvcc gives these bytes
//! again is checked by `scripts/cuda.sh --check`.

use std::collections::BTreeMap;
use std::path::Path;

const CUDA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/cuda");

fn hash(bytes: &[u8]) -> String {
    let mut params = blake2b_simd::Params::new();
    params.hash_length(32).hash(bytes).to_hex().to_string()
}

/// File name to hash, as rlwe.hashes has them.
fn recorded() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(Path::new(CUDA).join("rlwe.hashes")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pair = |line: &str| {
        let (hash, name) = line.split_once("  ").expect("a hash and a name");
        (name.to_string(), hash.to_string())
    };
    lines.map(pair).collect()
}

fn compare(found: &[(String, Vec<u8>)], recorded: &BTreeMap<String, String>) -> Result<(), String> {
    let again = "run `make cuda` and commit what it writes";
    for (name, bytes) in found {
        match recorded.get(name) {
            Some(hash_then) if *hash_then == hash(bytes) => (),
            Some(_) => {
                return Err(format!(
                    "{name} has changed since rlwe.fatbin was compiled: {again}"
                ))
            }
            None => return Err(format!("{name} is not in rlwe.hashes: {again}")),
        }
    }
    let stale = recorded
        .keys()
        .find(|name| !found.iter().any(|(n, _)| n == *name));
    stale.map_or(Ok(()), |name| {
        Err(format!("{name}, which rlwe.hashes names, is gone: {again}"))
    })
}

fn committed() -> Vec<(String, Vec<u8>)> {
    let ends = [".cu", ".cuh", ".fatbin"];
    std::fs::read_dir(CUDA)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| ends.iter().any(|end| name.ends_with(end)))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect()
}

#[test]
fn fatbin_should_be_of_the_committed_sources() {
    compare(&committed(), &recorded()).unwrap();
}

#[test]
fn comparison_should_name_the_file_when_one_changed_came_or_went() {
    let recorded = recorded();
    for at in 0..committed().len() {
        let mut changed = committed();
        changed[at].1.push(b' ');
        let name = changed[at].0.clone();
        assert!(compare(&changed, &recorded)
            .unwrap_err()
            .starts_with(&format!("{name} has changed")));
        changed.remove(at);
        assert!(compare(&changed, &recorded)
            .unwrap_err()
            .starts_with(&format!("{name}, which")));
    }
    let mut more = committed();
    more.push(("new.cu".into(), vec![]));
    assert!(compare(&more, &recorded)
        .unwrap_err()
        .starts_with("new.cu is not in"));
}

#[test]
fn fatbin_should_begin_as_one() {
    let bytes = std::fs::read(Path::new(CUDA).join("rlwe.fatbin")).unwrap();
    // Magic number, version 1, header of 16 bytes, and the length of the rest.
    assert_eq!(bytes[..8], [0x50, 0xED, 0x55, 0xBA, 1, 0, 16, 0]);
    let length = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
    assert_eq!(length, bytes.len() as u64 - 16);
}
