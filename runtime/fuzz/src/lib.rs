// SPDX-License-Identifier: GPL-3.0-or-later
//! Fuzz targets. Each takes bytes and panics when something that must hold does not.
//!
//! `cargo test -p dream-fuzz` runs the committed seeds and a bounded number of mutations of them; `make fuzz` runs the
//! same targets until it is stopped.

pub mod calls;
mod chain;
pub mod decoders;
pub mod governance;
pub mod mutate;
pub mod private;
mod world;

use std::path::Path;

/// A target.
pub struct Target {
    /// Its name, and its folder of seeds.
    pub name: &'static str,
    /// Runs an input; returns what it reached. Panics when something that must hold does not.
    pub run: fn(&[u8]) -> String,
    /// Mutations that a test runs.
    pub mutations: u32,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "decoders",
        run: decoders::run,
        mutations: 200_000,
    },
    Target {
        name: "calls",
        run: calls::run,
        mutations: 20,
    },
    Target {
        name: "governance",
        run: governance::run,
        mutations: 60,
    },
    Target {
        name: "private",
        run: private::run,
        mutations: 20,
    },
];

/// The committed inputs of a target, in the order of their names.
///
/// # Panics
/// When they cannot be read.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            std::fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        })
        .collect()
}

/// Bytes read as numbers; zeros when they are used up.
pub struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    /// Reads from the start of `data`.
    pub fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// Whether all bytes are used up.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// A number below `bound`, from two bytes.
    pub fn below(&mut self, bound: usize) -> usize {
        let n = usize::from(u16::from_le_bytes([self.byte(), self.byte()]));
        n.checked_rem(bound).unwrap_or(0)
    }

    /// The next `n` bytes, fewer at the end.
    pub fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        head
    }
}
