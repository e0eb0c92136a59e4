// SPDX-License-Identifier: GPL-3.0-or-later
//! The three charts, once for the page and once as pictures.

mod lineage;
mod loss;
mod pay;

pub use lineage::lineage;
pub use loss::loss;
pub use pay::pay;

use crate::data::ReportData;
use crate::svg::Drawing;
use crate::text::{counted, loss as show_loss, magnitude};
use crate::Outcome;

/// Width of the charts on a desktop page and in the pictures, in pixels.
pub const WIDE: f64 = 760.0;
/// Width of the charts on a phone.
pub const NARROW: f64 = 340.0;

/// A chart that stands alone.
pub struct Picture {
    /// Name of its file.
    pub file: &'static str,
    /// Heading inside the picture.
    pub title: String,
    /// What it shows, in a line.
    pub caption: String,
    pub drawing: Drawing,
}

/// The charts as pictures.
pub fn pictures(data: &ReportData) -> [Picture; 3] {
    let of = format!(
        "{}, {} parameters, on {}",
        data.model,
        magnitude(data.parameters),
        data.chain
    );
    [
        Picture {
            file: "loss.png",
            title: loss_in_words(data),
            caption: format!("Held-out loss in {}, by version. {of}.", data.loss_unit),
            drawing: loss(data, WIDE),
        },
        Picture {
            file: "lineage.png",
            title: format!(
                "{}, {}",
                counted(data.versions.len(), "version"),
                claims_in_words(data)
            ),
            caption: format!("Lineage: what went into each version. {of}."),
            drawing: lineage(data),
        },
        Picture {
            file: "pay.png",
            title: format!("Who earned what, in {}", data.token_symbol),
            caption: "All that was paid; the light part still vests.".to_string(),
            drawing: pay(data, WIDE),
        },
    ]
}

/// "Held-out loss fell from 6.740 to 1.860 over 5 new versions", or what else happened.
pub fn loss_in_words(data: &ReportData) -> String {
    let losses = data.losses();
    let (Some(&(_, first)), Some(&(_, last))) = (losses.first(), losses.last()) else {
        return "Held-out loss has not been measured".to_string();
    };
    let steps = losses.len() - 1;
    if steps == 0 {
        return format!("Held-out loss starts at {}", show_loss(Some(first)));
    }
    let [from, to] = [first, last].map(|l| show_loss(Some(l)));
    let over = counted(steps, "new version");
    match to == from {
        true => format!("Held-out loss stayed at {from} over {over}"),
        false => format!(
            "Held-out loss {} from {from} to {to} over {over}",
            if last < first { "fell" } else { "rose" }
        ),
    }
}

/// "15 claims accepted, 1 refused", and what else there is.
pub fn claims_in_words(data: &ReportData) -> String {
    let mut words = format!(
        "{} accepted, {} refused",
        counted(data.count(Outcome::Accepted), "claim"),
        data.count(Outcome::Refused)
    );
    let others = [
        (Outcome::Canary, "canary"),
        (Outcome::Void, "void"),
        (Outcome::Open, "open"),
    ];
    for (outcome, name) in others {
        match data.count(outcome) {
            0 => {}
            n => words.push_str(&format!(", {n} {name}")),
        }
    }
    words
}

/// Steps of 1, 2 or 5 times a power of ten that cut `range` into at most `count` parts, for axes.
pub(crate) fn nice_step(range: f64, count: f64) -> f64 {
    let rough = range / count;
    if !rough.is_normal() || rough <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|f| f * power >= rough * 0.999_999)
        .unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::nice_step;

    #[test]
    fn step_should_be_round_and_enough() {
        assert_eq!(nice_step(10.0, 5.0), 2.0);
        assert_eq!(nice_step(4.88, 5.0), 1.0);
        assert!((nice_step(0.013, 4.0) - 0.005).abs() < 1e-12);
        assert_eq!(nice_step(0.0, 5.0), 1.0);
        assert_eq!(nice_step(f64::NAN, 5.0), 1.0);
        assert_eq!(nice_step(f64::INFINITY, 5.0), 1.0);
    }
}
