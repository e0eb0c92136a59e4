// SPDX-License-Identifier: GPL-3.0-or-later
//! The miners' texts: what each trains on, with a canary in it, and what is held out of it.

use super::MINERS;
use crate::Args;
use anyhow::{ensure, Context, Result};
use dream_worker::folder;
use std::fs;
use std::path::{Path, PathBuf};

/// Every so many windows of a text one is held out.
const HELD_OUT_EVERY: usize = 8;
/// The canary stands once in so many bytes.
const CANARY_EVERY: usize = 4_096;
/// Most held-out windows of a text on which versions are evaluated.
const EVALUATED: usize = 16;

/// A miner's text.
pub struct PrivateText {
    /// Whose.
    pub miner: &'static str,
    /// What it is about.
    pub subject: String,
    /// Folder that the miner trains on.
    pub folder: PathBuf,
    /// Bytes in it.
    pub bytes: usize,
    /// Random text that stands in it and nowhere else.
    pub canary: String,
    /// Held-out windows, of which the demo measures the loss.
    pub evaluation: Vec<Vec<u32>>,
    /// Held-out windows for the steward.
    pub shard: Vec<Vec<u8>>,
}

/// Where the texts come from: four folders that the user gave, or parts of the project.
fn sources(args: &Args) -> Result<Vec<(String, Vec<PathBuf>)>> {
    if let Some(text) = &args.text {
        let folder = |k: usize| (format!("folder {k}"), vec![text.join(k.to_string())]);
        return Ok((1..=MINERS.len()).map(folder).collect());
    }
    let parts: [(&str, &[(&str, &str)]); 4] = [
        ("a licence", &[("LICENSE", "")]),
        ("documents", &[("docs", "md")]),
        ("Rust", &[("pallets/primitives/src", "rs")]),
        (
            "scripts and CUDA",
            &[
                ("scripts", "sh"),
                ("kernels/cuda", "cu"),
                ("kernels/cuda/host", "cpp"),
            ],
        ),
    ];
    let mut found = Vec::new();
    for (subject, places) in parts {
        let mut files = Vec::new();
        for (place, extension) in places {
            let place = Path::new(place);
            if place.is_file() {
                files.push(place.to_path_buf());
            }
            for entry in fs::read_dir(place).into_iter().flatten() {
                let path = entry?.path();
                if path.is_file() && path.extension().is_some_and(|e| e == *extension) {
                    files.push(path);
                }
            }
        }
        ensure!(
            !files.is_empty(),
            "there is no text on {subject} in the current folder: start the demo in the project's root, or give it folders 1 to 4 of text with --text FOLDER"
        );
        files.sort();
        found.push((subject.to_owned(), files));
    }
    Ok(found)
}

fn canary() -> Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|e| anyhow::anyhow!("the system gives no random numbers: {e}"))?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

/// Cuts the texts and writes what is trained on below `dir`; `window` is a sample's length in bytes.
pub fn prepare(args: &Args, dir: &Path, window: u32) -> Result<Vec<PrivateText>> {
    let mut texts = Vec::new();
    for (miner, (subject, files)) in MINERS.into_iter().zip(sources(args)?) {
        let mut bytes = Vec::new();
        for file in &files {
            bytes.extend(folder::read(file, 1, true)?.bytes);
        }
        let size = usize::try_from(window)?;
        let (mut train, mut held_out) = (Vec::new(), Vec::new());
        for (at, part) in bytes.chunks(size).enumerate() {
            if part.len() == size && at % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 {
                held_out.push(part.to_vec());
            } else {
                train.extend_from_slice(part);
            }
        }
        ensure!(
            held_out.len() >= 2,
            "the text of {miner} ({subject}) has {} bytes, at least {} are needed",
            bytes.len(),
            2 * HELD_OUT_EVERY * size
        );
        let canary = canary()?;
        let folder = dir.join("texts").join(miner);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let marked: Vec<u8> = train
            .chunks(CANARY_EVERY)
            .flat_map(|part| [part, b"\n", canary.as_bytes(), b"\n"].concat())
            .collect();
        let file = folder.join("text");
        fs::write(&file, &marked).with_context(|| format!("cannot write {}", file.display()))?;
        let (evaluation, shard): (Vec<_>, Vec<_>) = held_out
            .into_iter()
            .enumerate()
            .partition(|(at, _)| at % 2 == 0);
        texts.push(PrivateText {
            miner,
            subject,
            folder,
            bytes: marked.len(),
            canary,
            evaluation: evaluation
                .into_iter()
                .take(EVALUATED)
                .map(|(_, window)| window.into_iter().map(u32::from).collect())
                .collect(),
            shard: shard.into_iter().map(|(_, window)| window).collect(),
        });
    }
    Ok(texts)
}

/// Held-out text for `shards` shards: as many windows of every miner's text in each. Also the windows of one shard.
pub fn shards(texts: &[PrivateText], shards: usize) -> Result<(Vec<u8>, u32)> {
    let least = texts.iter().map(|t| t.shard.len()).min().unwrap_or(0);
    let each = (least / shards).min(8);
    ensure!(
        each > 0,
        "the shortest text has {least} held-out windows for {shards} shards: give it more text"
    );
    let mut bytes = Vec::new();
    for shard in 0..shards {
        for text in texts {
            let windows = text.shard.iter().skip(shard * each).take(each);
            windows.for_each(|window| bytes.extend(window));
        }
    }
    Ok((bytes, u32::try_from(each * texts.len())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn given(folder: &Path, length: usize) -> Args {
        for k in 1..=4u8 {
            let folder = folder.join("given").join(k.to_string());
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("a"), vec![b'A' + k; length]).unwrap();
        }
        let text = folder.join("given");
        Args::parse_from(["dream-demo", "--text", text.to_str().unwrap()])
    }

    #[test]
    fn texts_should_keep_what_is_held_out_from_their_miner_and_carry_a_canary_each() {
        let folder = tempfile::tempdir().unwrap();
        let texts = prepare(&given(folder.path(), 16 * 90), folder.path(), 9).unwrap();
        assert_eq!(texts.len(), 4);
        for (k, text) in (1u8..).zip(&texts) {
            let trained = fs::read(text.folder.join("text")).unwrap();
            let canary = text.canary.as_bytes();
            assert!(trained.windows(canary.len()).any(|w| w == canary));
            let own = trained.iter().filter(|b| **b == b'A' + k).count();
            // 160 windows, of which 20 are held out: ten for the steward, ten for the evaluation.
            assert_eq!((text.evaluation.len(), text.shard.len()), (10, 10));
            assert_eq!(own, 16 * 90 - 9 * 20);
            assert!(text
                .evaluation
                .iter()
                .flatten()
                .all(|t| *t == u32::from(b'A' + k)));
            let others = texts.iter().filter(|t| t.canary == text.canary).count();
            assert_eq!(others, 1);
        }
    }

    #[test]
    fn shards_should_hold_as_much_of_every_text() {
        let folder = tempfile::tempdir().unwrap();
        let texts = prepare(&given(folder.path(), 8 * 9 * 12), folder.path(), 9).unwrap();
        let (bytes, samples) = shards(&texts, 3).unwrap();
        assert_eq!((samples, bytes.len()), (8, 3 * 8 * 9));
        for shard in bytes.chunks(8 * 9) {
            for k in 1..=4u8 {
                let own = shard.iter().filter(|b| **b == b'A' + k).count();
                assert_eq!(own, 2 * 9);
            }
        }
        assert!(shards(&texts, 7).is_err());
    }

    #[test]
    fn short_text_should_be_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = prepare(&given(folder.path(), 100), folder.path(), 9).err();
        let error = error.unwrap().to_string();
        assert!(
            error.contains("miner-1") && error.contains("100"),
            "{error}"
        );
    }
}
