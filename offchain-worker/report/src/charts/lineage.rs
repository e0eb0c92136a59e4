// SPDX-License-Identifier: GPL-3.0-or-later
//! The lineage as a graph: versions in a line; accepted claims as arcs from the version they were trained from to the
//! one they went into; refused ones hanging below their base, leading nowhere.

use crate::data::{Claim, Outcome, ReportData, Version};
use crate::svg::{Anchor, Drawing};
use crate::text::{counted, loss, shorten};

/// Versions that are drawn: the first and the latest.
const MOST_VERSIONS: usize = 24;
/// Claims that are drawn on one side of one version.
const MOST_CLAIMS: usize = 8;

const COLUMN: f64 = 134.0;
const MARGIN: f64 = 6.0;
const NODE_WIDTH: f64 = 66.0;
const NODE_HEIGHT: f64 = 44.0;
/// From one claim to the next, up or down.
const ROW: f64 = 30.0;

/// Claims that share a base, in the two directions that they are drawn in.
struct Step<'a> {
    up: Vec<&'a Claim>,
    down: Vec<&'a Claim>,
}

/// Draws the graph; its width follows from the number of versions.
pub fn lineage(data: &ReportData) -> Drawing {
    let (shown, skipped) = shown(&data.versions);
    if shown.is_empty() {
        let mut d = Drawing::new(super::NARROW, 60.0);
        d.text(
            "muted",
            super::NARROW / 2.0,
            34.0,
            14.0,
            Anchor::Middle,
            "There is no version yet",
        );
        return d;
    }
    let steps: Vec<Step> = shown
        .iter()
        .map(|v| {
            let of_base = data.claims.iter().filter(|c| c.base == v.number);
            let (down, up) = of_base.partition(|c| {
                matches!(
                    c.outcome,
                    Outcome::Refused | Outcome::Void | Outcome::Canary
                )
            });
            Step { up, down }
        })
        .collect();
    let rows = |count: fn(&Step) -> usize| {
        steps
            .iter()
            .map(count)
            .max()
            .unwrap_or(0)
            .min(MOST_CLAIMS + 1) as f64
    };
    let above = (rows(|s| s.up.len()) * ROW).max(10.0) + 16.0;
    let below = (rows(|s| s.down.len()) * ROW).max(10.0) + 16.0;
    let tail = steps
        .last()
        .is_some_and(|s| !s.up.is_empty() || !s.down.is_empty());
    let columns = shown.len() as f64 - 1.0 + if tail { 0.75 } else { 0.0 };
    let width = (MARGIN * 2.0 + NODE_WIDTH + columns * COLUMN).max(super::NARROW);
    let spine = above + NODE_HEIGHT / 2.0;
    let x = |i: usize| MARGIN + NODE_WIDTH / 2.0 + i as f64 * COLUMN;

    let mut d = Drawing::new(width, above + NODE_HEIGHT + below);
    for i in 1..shown.len() {
        let gap = skipped > 0 && i == 1;
        d.line(
            if gap { "spine-gap" } else { "spine" },
            x(i - 1),
            spine,
            x(i),
            spine,
        );
        if gap {
            let (middle, y) = (x(0) + COLUMN / 2.0, spine - 8.0);
            d.text(
                "muted",
                middle,
                y,
                11.0,
                Anchor::Middle,
                &counted(skipped, "version"),
            );
        }
    }
    for (i, step) in steps.iter().enumerate() {
        let next = (i + 1 < shown.len() && !(skipped > 0 && i == 0)).then(|| x(i + 1));
        // The arcs of the first version would end in one that is not drawn.
        if skipped == 0 || i > 0 {
            side(&mut d, &step.up, x(i), next, spine, -1.0);
            side(&mut d, &step.down, x(i), next, spine, 1.0);
        }
    }
    for (i, version) in shown.iter().enumerate() {
        node(&mut d, version, x(i), spine, i + 1 == shown.len());
    }
    d
}

/// The versions to draw, and how many are left out after the first.
fn shown(versions: &[Version]) -> (Vec<&Version>, usize) {
    let skipped = versions.len().saturating_sub(MOST_VERSIONS);
    let latest = versions.iter().skip(1 + skipped);
    (versions.iter().take(1).chain(latest).collect(), skipped)
}

/// The claims on one side (-1 up, 1 down) between a version and the next.
fn side(d: &mut Drawing, claims: &[&Claim], from: f64, next: Option<f64>, spine: f64, sign: f64) {
    let edge = spine + sign * NODE_HEIGHT / 2.0;
    let middle = from + COLUMN / 2.0;
    let more = claims.len().saturating_sub(MOST_CLAIMS);
    for (row, claim) in claims.iter().take(MOST_CLAIMS).enumerate() {
        let y = edge + sign * ROW * (row as f64 + 0.45);
        let title = format!(
            "claim {}, round {}, {}: {}. {}",
            claim.id, claim.round, claim.account, claim.state, claim.why
        );
        let name = shorten(&claim.account, 15);
        d.titled(&title, |d| {
            // Inner arcs start nearer to the gap, so that arcs do not cross.
            let start = from + 18.0 - 3.0 * row as f64;
            let out = format!(
                "M{start:.1} {edge:.1} C{start:.1} {y:.1} {:.1} {y:.1} {middle:.1} {y:.1}",
                middle - 32.0
            );
            match (claim.outcome, next) {
                (Outcome::Accepted, Some(next)) => {
                    let end = next - 18.0 + 3.0 * row as f64;
                    let back = format!(
                        " C{:.1} {y:.1} {end:.1} {y:.1} {end:.1} {edge:.1}",
                        middle + 32.0
                    );
                    d.path("arc", &(out + &back));
                    d.circle("point", middle, y, 4.5);
                    d.text("ink", middle, y - 8.0, 12.0, Anchor::Middle, &name);
                }
                (Outcome::Accepted | Outcome::Open, _) => {
                    d.path("arc-open", &out);
                    d.circle("point-open", middle, y, 4.5);
                    d.text("muted", middle, y - 8.0, 12.0, Anchor::Middle, &name);
                }
                (Outcome::Refused, _) => {
                    d.path("arc-bad", &out);
                    cross(d, middle, y);
                    d.text("bad", middle, y + 19.0, 12.0, Anchor::Middle, &name);
                }
                (ended @ (Outcome::Void | Outcome::Canary), _) => {
                    let how = match ended {
                        Outcome::Canary => "canary",
                        _ => "void",
                    };
                    d.path("arc-open", &out);
                    d.circle("point-open", middle, y, 4.5);
                    d.text(
                        "muted",
                        middle,
                        y + 19.0,
                        12.0,
                        Anchor::Middle,
                        &format!("{name} ({how})"),
                    );
                }
            }
        });
    }
    if more > 0 {
        let y = edge + sign * ROW * (MOST_CLAIMS as f64 + 0.45);
        d.text(
            "muted",
            middle,
            y + 4.0,
            12.0,
            Anchor::Middle,
            &format!("and {more} more"),
        );
    }
}

fn cross(d: &mut Drawing, x: f64, y: f64) {
    d.circle("cross-back", x, y, 8.0);
    d.line("cross", x - 3.5, y - 3.5, x + 3.5, y + 3.5);
    d.line("cross", x - 3.5, y + 3.5, x + 3.5, y - 3.5);
}

fn node(d: &mut Drawing, version: &Version, x: f64, spine: f64, head: bool) {
    let value = loss(version.held_out_loss);
    let title = format!(
        "version {}{}: block {}, held-out loss {value}, {}, {}",
        version.number,
        if head { " (head)" } else { "" },
        version.block,
        counted(version.contributions as usize, "contribution"),
        version.hash
    );
    let (left, top) = (x - NODE_WIDTH / 2.0, spine - NODE_HEIGHT / 2.0);
    d.titled(&title, |d| {
        d.rect(
            if head { "head" } else { "node" },
            left,
            top,
            NODE_WIDTH,
            NODE_HEIGHT,
            10.0,
        );
        let [name, small] = if head {
            ["on-head-strong", "on-head"]
        } else {
            ["strong", "muted"]
        };
        d.text(
            name,
            x,
            spine - 2.0,
            14.0,
            Anchor::Middle,
            &format!("v{}", version.number),
        );
        d.text(
            small,
            x,
            spine + 14.0,
            11.5,
            Anchor::Middle,
            &shorten(&value, 9),
        );
    });
}
