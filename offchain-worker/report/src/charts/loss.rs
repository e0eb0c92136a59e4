// SPDX-License-Identifier: GPL-3.0-or-later
//! Held-out loss per version, as a line.

use super::nice_step;
use crate::data::ReportData;
use crate::svg::{Anchor, Drawing};
use crate::text::loss as show;

/// Draws the chart `width` pixels wide.
pub fn loss(data: &ReportData, width: f64) -> Drawing {
    let height = if width < 500.0 { 240.0 } else { 300.0 };
    let mut d = Drawing::new(width, height);
    let losses = data.losses();
    let (Some(&(first, _)), Some(&(last, _))) = (losses.first(), losses.last()) else {
        d.text(
            "muted",
            width / 2.0,
            height / 2.0,
            14.0,
            Anchor::Middle,
            "No loss has been measured yet",
        );
        return d;
    };

    let (left, right, top, bottom) = (44.0, 56.0, 34.0, 40.0);
    let low = losses.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let high = losses.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    let step = nice_step(
        if high > low {
            high - low
        } else {
            high.abs().max(1.0)
        },
        4.0,
    );
    let floor = (low / step).floor() * step;
    let ceiling = ((high / step).ceil() * step).max(floor + step);
    let x = |number: u32| {
        let range = f64::from(last.saturating_sub(first)).max(1.0);
        left + 8.0 + (width - left - right - 8.0) * f64::from(number - first) / range
    };
    let y = |value: f64| top + (height - top - bottom) * (ceiling - value) / (ceiling - floor);

    d.text("muted", 0.0, 14.0, 12.0, Anchor::Start, &data.loss_unit);
    let digits = if step >= 1.0 {
        0
    } else {
        (-step.log10().floor()).clamp(0.0, 8.0) as usize
    };
    let ticks = ((ceiling - floor) / step).round() as u32;
    for i in 0..=ticks {
        let value = floor + step * f64::from(i);
        d.line(
            if i == 0 { "axis" } else { "grid" },
            left,
            y(value),
            width - right + 20.0,
            y(value),
        );
        d.text(
            "muted",
            left - 8.0,
            y(value) + 4.0,
            12.0,
            Anchor::End,
            &format!("{value:.digits$}"),
        );
    }

    let points: Vec<String> = losses
        .iter()
        .map(|&(n, l)| format!("{:.1} {:.1}", x(n), y(l)))
        .collect();
    let curve = points.join(" L");
    d.path(
        "area",
        &format!(
            "M{:.1} {:.1} L{curve} L{:.1} {:.1} Z",
            x(first),
            y(floor),
            x(last),
            y(floor)
        ),
    );
    d.path("curve", &format!("M{curve}"));

    let room = ((width - left - right) / 64.0) as usize + 1;
    let every = losses.len().div_ceil(room);
    for (i, &(number, value)) in losses.iter().enumerate() {
        let end = i == 0 || i + 1 == losses.len();
        d.titled(&format!("version {number}: {}", show(Some(value))), |d| {
            d.circle("point", x(number), y(value), 4.5);
            // A regular label that would stand next to the last one makes way for it.
            if end || (i % every == 0 && i + every.div_ceil(2) < losses.len()) {
                let class = if end { "strong" } else { "ink" };
                d.text(
                    class,
                    x(number) + 7.0,
                    y(value) - 8.0,
                    12.0,
                    Anchor::Start,
                    &show(Some(value)),
                );
                d.text(
                    "muted",
                    x(number),
                    height - bottom + 20.0,
                    12.0,
                    Anchor::Middle,
                    &format!("v{number}"),
                );
            }
        });
    }
    d.text(
        "muted",
        (left + width - right) / 2.0,
        height - 4.0,
        12.0,
        Anchor::Middle,
        "version",
    );
    d
}
