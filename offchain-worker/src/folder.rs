// SPDX-License-Identifier: GPL-3.0-or-later
//! A folder of text as the bytes of a data set.

use dream_primitives::data::HELD_OUT_EVERY;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Why a folder is no data set.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder or a file in it cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Folder or file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file of no bytes.
    #[error("the file {} is empty: remove it, or pass --skip-empty", path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// No file at all.
    #[error("the folder {} holds no text: it has no file (names that begin with a dot and links are left out)", path.display())]
    NoText {
        /// The folder.
        path: PathBuf,
    },
    /// Less than one sample.
    #[error("{} holds {bytes} bytes; a sample of this branch is {window} bytes and at least one is needed", path.display())]
    TooShort {
        /// Folder or file.
        path: PathBuf,
        /// Its bytes.
        bytes: usize,
        /// Bytes of a sample.
        window: u32,
    },
    /// More samples than a data set may have.
    #[error("{} holds {samples} samples; a data set has at most {}", path.display(), u32::MAX)]
    TooLong {
        /// Folder or file.
        path: PathBuf,
        /// Its samples.
        samples: usize,
    },
}

/// The bytes of a data set and where they came from.
#[derive(Debug)]
pub struct Text {
    /// All files one after another, in the order of their paths.
    pub bytes: Vec<u8>,
    /// Files that were read.
    pub files: usize,
    /// Files that were left out because they are empty.
    pub skipped: Vec<PathBuf>,
    /// Whole samples.
    pub samples: u32,
}

impl Text {
    /// Samples that are held out.
    pub fn held_out(&self) -> u64 {
        u64::from(self.samples) / HELD_OUT_EVERY
    }
}

/// Reads all files below `path` (or the file `path`) in the order of their paths, compared byte by byte with `/` between
/// names. Names that begin with a dot and links are left out. Any bytes will do: the tokeniser is byte-level.
pub fn read(path: &Path, window: u32, skip_empty: bool) -> Result<Text, FolderError> {
    let error = |path: &Path| {
        let path = path.to_path_buf();
        move |source| FolderError::Read { path, source }
    };
    let mut files = Vec::new();
    if fs::metadata(path).map_err(error(path))?.is_dir() {
        collect(path, String::new(), &mut files)?;
        files.sort();
    } else {
        files.push((String::new(), path.to_path_buf()));
    }
    if files.is_empty() {
        return Err(FolderError::NoText {
            path: path.to_path_buf(),
        });
    }
    let (mut bytes, mut skipped) = (Vec::new(), Vec::new());
    for (_, file) in &files {
        let content = fs::read(file).map_err(error(file))?;
        match (content.is_empty(), skip_empty) {
            (true, true) => skipped.push(file.clone()),
            (true, false) => return Err(FolderError::EmptyFile { path: file.clone() }),
            _ => bytes.extend_from_slice(&content),
        }
    }
    let samples = bytes.len().checked_div(window as usize).unwrap_or(0);
    if samples == 0 {
        return Err(FolderError::TooShort {
            path: path.to_path_buf(),
            bytes: bytes.len(),
            window,
        });
    }
    let samples = u32::try_from(samples).map_err(|_| FolderError::TooLong {
        path: path.to_path_buf(),
        samples,
    })?;
    Ok(Text {
        bytes,
        files: files.len() - skipped.len(),
        skipped,
        samples,
    })
}

fn collect(
    folder: &Path,
    prefix: String,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), FolderError> {
    let error = |source| FolderError::Read {
        path: folder.to_path_buf(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(error)? {
        let entry = entry.map_err(error)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let kind = entry.file_type().map_err(error)?;
        let key = format!("{prefix}{name}");
        if kind.is_dir() {
            collect(&entry.path(), format!("{key}/"), files)?;
        } else if kind.is_file() {
            files.push((key, entry.path()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn files_should_follow_one_another_in_the_order_of_their_paths() {
        let f = folder(&[
            ("b", b"3"),
            ("a/z", b"2"),
            ("a/b/c", b"1"),
            (".git/x", b"no"),
            ("a.txt", b"0"),
        ]);
        let text = read(f.path(), 2, false).unwrap();
        // '.' sorts before '/'.
        assert_eq!(text.bytes, b"0123");
        assert_eq!((text.files, text.samples), (4, 2));
    }

    #[test]
    fn bytes_that_are_not_utf8_should_be_taken() {
        let f = folder(&[("a", &[0xff, 0x00, 0xc3])]);
        assert_eq!(read(f.path(), 1, false).unwrap().bytes, [0xff, 0x00, 0xc3]);
    }

    #[test]
    fn empty_file_should_be_named_or_skipped_when_asked() {
        let f = folder(&[("a", b"abc"), ("none", b"")]);
        let error = read(f.path(), 1, false).unwrap_err().to_string();
        assert!(error.contains("none is empty"), "{error}");
        let text = read(f.path(), 1, true).unwrap();
        assert_eq!((text.files, text.skipped.len()), (1, 1));
    }

    #[test]
    fn folder_without_text_should_be_refused() {
        let f = folder(&[]);
        assert!(matches!(
            read(f.path(), 1, true),
            Err(FolderError::NoText { .. })
        ));
        let f = folder(&[("none", b"")]);
        assert!(matches!(
            read(f.path(), 1, true),
            Err(FolderError::TooShort { bytes: 0, .. })
        ));
        let missing = f.path().join("missing");
        assert!(matches!(
            read(&missing, 1, true),
            Err(FolderError::Read { .. })
        ));
        let f = folder(&[("a", b"abc")]);
        let error = read(f.path(), 129, false).unwrap_err().to_string();
        assert!(
            error.contains("3 bytes") && error.contains("129"),
            "{error}"
        );
    }
}
