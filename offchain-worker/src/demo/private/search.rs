// SPDX-License-Identifier: GPL-3.0-or-later
//! Finds many byte strings at once in all files below a folder.

use anyhow::{Context, Result};
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes by which a string is looked up; none is shorter.
const HEAD: usize = 8;
/// Bytes of a file that are read at once.
const PIECE: usize = 4 << 20;

/// The strings that are looked for.
pub struct Needles {
    strings: Vec<Vec<u8>>,
    heads: HashMap<[u8; HEAD], Vec<usize>>,
    /// Whether a string begins with these two bytes.
    likely: Vec<bool>,
    longest: usize,
}

/// What lies below a folder.
#[derive(Clone, Debug, Default)]
pub struct Haul {
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Strings that were found, by their place in the list.
    pub found: BTreeSet<usize>,
}

fn pair(bytes: &[u8]) -> usize {
    match bytes {
        [a, b, ..] => usize::from(*a) << 8 | usize::from(*b),
        _ => 0,
    }
}

impl Needles {
    /// Strings of at least eight bytes each; shorter ones are never found.
    pub fn new(strings: Vec<Vec<u8>>) -> Self {
        let mut heads: HashMap<[u8; HEAD], Vec<usize>> = HashMap::new();
        let mut likely = vec![false; 1 << 16];
        for (at, string) in strings.iter().enumerate() {
            if let Some(head) = string.first_chunk::<HEAD>() {
                heads.entry(*head).or_default().push(at);
                likely[pair(string)] = true;
            }
        }
        Self {
            longest: strings.iter().map(Vec::len).max().unwrap_or(0),
            strings,
            heads,
            likely,
        }
    }

    /// Strings that begin and end within `bytes`.
    fn scan(&self, bytes: &[u8], found: &mut BTreeSet<usize>) {
        for (at, head) in bytes.windows(HEAD).enumerate() {
            if !self.likely[pair(head)] {
                continue;
            }
            let Some(all) = head.first_chunk::<HEAD>().and_then(|h| self.heads.get(h)) else {
                continue;
            };
            for needle in all {
                if bytes[at..].starts_with(&self.strings[*needle]) {
                    found.insert(*needle);
                }
            }
        }
    }

    fn scan_file(&self, path: &Path, haul: &mut Haul) -> Result<()> {
        let reading = || format!("cannot read {}", path.display());
        let mut file = File::open(path).with_context(reading)?;
        let mut kept: Vec<u8> = Vec::new();
        haul.files += 1;
        loop {
            // A string may lie across two pieces.
            let tail = kept.len().saturating_sub(self.longest.saturating_sub(1));
            kept.drain(..tail);
            let piece = PIECE.try_into().unwrap_or(u64::MAX);
            let read = (&mut file).take(piece).read_to_end(&mut kept);
            let read = read.with_context(reading)?;
            if read == 0 {
                return Ok(());
            }
            haul.bytes += read as u64;
            self.scan(&kept, &mut haul.found);
        }
    }

    /// Searches all files below a folder, or a file; what is not there holds nothing.
    pub fn search(&self, path: &Path, haul: &mut Haul) -> Result<()> {
        for file in files(path)? {
            self.scan_file(&file, haul)?;
        }
        Ok(())
    }
}

/// All files below a folder, or the file itself.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        let reading = || format!("cannot read {}", folder.display());
        for entry in fs::read_dir(&folder).with_context(reading)? {
            let path = entry.with_context(reading)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_should_find_strings_wherever_they_lie_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let needles = [b"needle-one".to_vec(), b"needle-two!".to_vec(), vec![7; 32]];
        let needles = Needles::new(needles.to_vec());
        let inner = folder.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        // The first lies across two pieces, the second is cut.
        let mut long = vec![0u8; PIECE - 5];
        long.extend(b"needle-one");
        long.extend(b"needle-two");
        fs::write(inner.join("long"), &long).unwrap();
        let mut haul = Haul::default();
        needles.search(folder.path(), &mut haul).unwrap();
        assert_eq!(haul.found.iter().copied().collect::<Vec<_>>(), [0]);
        assert_eq!((haul.files, haul.bytes), (1, long.len() as u64));
        fs::write(folder.path().join("c"), [&[0][..], &[7; 40]].concat()).unwrap();
        needles.search(folder.path(), &mut haul).unwrap();
        assert_eq!(haul.found.iter().copied().collect::<Vec<_>>(), [0, 2]);
        let mut nothing = Haul::default();
        needles
            .search(&folder.path().join("d"), &mut nothing)
            .unwrap();
        assert_eq!((nothing.files, nothing.found.len()), (0, 0));
    }
}
