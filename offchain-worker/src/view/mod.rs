// SPDX-License-Identifier: GPL-3.0-or-later
//! What the read commands show: plain data, from the chain, as text or JSON.

pub mod data;
pub mod explain;
pub mod report;
pub mod status;
pub mod vote;

use serde::Serializer;

/// Amounts as decimal strings: readers of JSON commonly lose digits beyond 2^53.
pub(crate) fn decimal<S: Serializer>(value: &u128, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// The same of a value that may be missing.
pub(crate) fn decimals<S: Serializer>(value: &Option<u128>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => decimal(value, to),
        None => to.serialize_none(),
    }
}
