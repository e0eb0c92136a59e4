// SPDX-License-Identifier: GPL-3.0-or-later
//! One plain struct into a page that shows what a network trained.
//!
//! [`write`] takes a [`ReportData`] and fills a folder: `index.html`, one self-contained page (charts are inline SVG,
//! no script, nothing is fetched, light or dark as the reader's system is); `loss.png`, `lineage.png` and `pay.png`, the
//! same charts as pictures; `report.json`, the data. Where the data comes from is not this crate's business.
//!
//! Names and reasons come from other people's machines: all text is escaped, and characters that could rearrange or
//! hide other text are replaced.
#![forbid(unsafe_code)]

mod charts;
mod data;
mod page;
mod png;
mod svg;
mod text;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use data::{
    Account, Claim, Extra, Finding, Outcome, Process, Receipt, ReportData, Verdict, Version,
};
use thiserror::Error;

/// Why a report was not written.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The folder or a file in it cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Folder or file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The data does not turn into JSON.
    #[error("cannot write the data as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A chart does not turn into a picture.
    #[error("cannot draw {chart}: {why}")]
    Draw {
        /// Which chart.
        chart: &'static str,
        /// The renderer's words.
        why: String,
    },
}

/// Writes the report into the folder `out`, which is made where it is missing, and returns the files written, the page
/// first. Files of an earlier report are replaced.
pub fn write(data: &ReportData, out: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut data = data.clone();
    data.versions.sort_by_key(|v| v.number);
    fs::create_dir_all(out).map_err(|source| ReportError::Write {
        path: out.into(),
        source,
    })?;

    let mut files = vec![
        ("index.html", page::render(&data).into_bytes()),
        ("report.json", serde_json::to_vec_pretty(&data)?),
    ];
    for chart in charts::pictures(&data) {
        files.push((chart.file, png::rasterise(&chart)?));
    }
    let mut written = Vec::with_capacity(files.len());
    for (name, content) in files {
        let path = out.join(name);
        fs::write(&path, content).map_err(|source| ReportError::Write {
            path: path.clone(),
            source,
        })?;
        written.push(path);
    }
    Ok(written)
}
