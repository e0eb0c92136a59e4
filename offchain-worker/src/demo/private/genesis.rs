// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain of the demo: the development preset with short phases and a small cohort.

use anyhow::{Context, Result};
use serde_json::{json, Value};

/// Fewest contributions of a sum.
pub const MINIMUM: u32 = 3;

/// Changes the genesis of the development preset.
pub fn patch(genesis: &mut Value) -> Result<()> {
    let parameters = genesis
        .pointer_mut("/secureAggregation/parameters")
        .context("the genesis has no secureAggregation.parameters")?;
    // Phases in which everybody has acted end at once; these windows are waited for whatever happens.
    let values: [(&str, &[(&str, u32)]); 3] = [
        (
            "phases",
            &[
                ("registrationBlocks", 12),
                ("commitmentBlocks", 60),
                ("disputeBlocks", 8),
                ("decryptionBlocks", 20),
            ],
        ),
        ("committee", &[("complaintBlocks", 10)]),
        (
            "cohort",
            &[("minimum", MINIMUM), ("maximum", 4), ("maxCorrupt", 1)],
        ),
    ];
    for (group, values) in values {
        let group = parameters
            .get_mut(group)
            .with_context(|| format!("the genesis has no secureAggregation.parameters.{group}"))?;
        for (name, value) in values {
            group[*name] = json!(value);
        }
    }
    Ok(())
}
