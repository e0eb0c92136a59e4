// SPDX-License-Identifier: GPL-3.0-or-later
//! Wire stability: encodings, shapes, bounds, hashes and draws against the reviewed text files beside this one.
//!
//! A change here is a change of the protocol. `DREAM_UPDATE=1 cargo test -p dream-primitives --test golden` writes the
//! files anew; the difference is then read before it is committed.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod bounds;
mod codec_types;
mod dispute;
mod game;
mod newcomers;
mod private;
mod rules;
mod sources;
mod trials;
mod votes;

use std::fmt::Write;
use std::path::PathBuf;

/// `0x` and the bytes as hexadecimal digits.
fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold("0x".into(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

/// Compares `text` with the golden file, or writes the file when `DREAM_UPDATE` is 1.
fn check(file: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file);
    if std::env::var("DREAM_UPDATE").as_deref() == Ok("1") {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let hint = "when the change is meant, run again with DREAM_UPDATE=1 and review the difference";
    let mut expected = golden.lines();
    for (number, line) in (1..).zip(text.lines()) {
        assert_eq!(Some(line), expected.next(), "{file}:{number}: {hint}");
    }
    assert_eq!(expected.next(), None, "{file}: a line is gone: {hint}");
}
