// SPDX-License-Identifier: GPL-3.0-or-later
//! The page: one self-contained HTML document that is also well-formed XML, so that a test can parse it strictly.

use std::fmt::Write;

use crate::charts::{self, claims_in_words, loss_in_words, NARROW, WIDE};
use crate::data::{Account, Claim, Extra, Finding, Outcome, ReportData};
use crate::svg::Drawing;
use crate::text::{
    amount, counted, duration, escape, exact_amount, grouped, loss, magnitude, short_hash, shorten,
};

const STYLE: &str = include_str!("page.css");
/// Longer lists of payments are folded.
const OPEN_RECEIPTS: usize = 12;

/// Renders the page. Versions are taken in the order given.
pub fn render(data: &ReportData) -> String {
    let mut out = String::with_capacity(64 * 1024);
    let title = escape(&format!("{} on {}", data.model, data.chain));
    put(
        &mut out,
        format_args!(
            r#"<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>{title}: training report</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
"#
        ),
    );
    header(&mut out, data);
    tiles(&mut out, data);
    let both = |out: &mut String, name: &str, draw: fn(&ReportData, f64) -> Drawing| {
        inline(out, &draw(data, WIDE), "wide", name);
        inline(out, &draw(data, NARROW), "narrow", name);
    };
    section(
        &mut out,
        "Held-out loss",
        "Measured on data that no miner trains on. Lower is better.",
        |out| {
            both(out, "Held-out loss per version", charts::loss);
        },
    );
    data.extras.iter().for_each(|e| extra(&mut out, e));
    if by_claims(data) {
        let lineage = "Each arc is an accepted claim, from the version it was trained from into the next. Refused claims hang below \
                       their base and lead nowhere.";
        section(&mut out, "Lineage", lineage, |out| {
            out.push_str("<div class=\"scroll\">");
            inline(out, &charts::lineage(data), "fixed", "Lineage of the model");
            out.push_str("</div>");
        });
        claims(&mut out, data);
    }
    section(
        &mut out,
        "Pay",
        "Who earned what. The tooltips have the exact amounts.",
        |out| {
            both(out, "Pay per account", charts::pay);
            accounts(out, data);
        },
    );
    if by_claims(data) {
        receipts(&mut out, data);
    }
    versions(&mut out, data);
    processes(&mut out, data);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Whether versions are made of claims; those of private rounds are not.
fn by_claims(data: &ReportData) -> bool {
    !data.claims.is_empty() || data.extras.is_empty()
}

fn put(out: &mut String, piece: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = out.write_fmt(piece);
}

/// An attribute with its leading space, or nothing where the value is empty.
fn attribute(name: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    format!(" {name}=\"{}\"", escape(value))
}

fn section(out: &mut String, title: &str, lead: &str, content: impl FnOnce(&mut String)) {
    put(
        out,
        format_args!("<section>\n<h2>{title}</h2>\n<p class=\"lead\">{lead}</p>\n"),
    );
    content(out);
    out.push_str("\n</section>\n");
}

fn inline(out: &mut String, drawing: &Drawing, class: &str, name: &str) {
    let (width, height) = (drawing.width, drawing.height);
    put(
        out,
        format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="{class}" role="img" aria-label="{name}" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}">
{}</svg>
"#,
            drawing.body()
        ),
    );
}

fn header(out: &mut String, data: &ReportData) {
    let refused = data.count(Outcome::Refused);
    let caught = match refused {
        0 => String::new(),
        1 => " The refused claim changed nothing and was paid nothing for its work.".to_string(),
        n => {
            format!(" The {n} refused claims changed nothing and were paid nothing for their work.")
        }
    };
    // Whether that holds is in the data: say it only where it does.
    let caught = if refused_were_paid(data) {
        String::new()
    } else {
        caught
    };
    let words = match by_claims(data) {
        true => claims_in_words(data),
        false => counted(data.versions.len(), "version"),
    };
    put(
        out,
        format_args!(
            "<header>\n<p class=\"eyebrow\">{} · {}</p>\n<h1>{}</h1>\n<p class=\"summary\">{} parameters. {}.{caught}</p>\n</header>\n",
            escape(&data.chain),
            escape(&data.model),
            escape(&loss_in_words(data)),
            magnitude(data.parameters),
            escape(&words),
        ),
    );
}

/// Whether a miner was paid for a claim of its own that was refused.
fn refused_were_paid(data: &ReportData) -> bool {
    let refused = data.claims.iter().filter(|c| c.outcome == Outcome::Refused);
    refused.into_iter().any(|c| {
        data.receipts
            .iter()
            .any(|r| r.claim == c.id && r.account == c.account && r.amount > 0)
    })
}

fn tiles(out: &mut String, data: &ReportData) {
    let losses = data.losses();
    let change = match (losses.first(), losses.last()) {
        (Some(&(_, first)), Some(&(_, last))) if losses.len() > 1 && first > 0.0 => {
            let percent = (last / first - 1.0) * 100.0;
            format!(
                "{}{:.0} %",
                if percent < 0.0 { "−" } else { "+" },
                percent.abs()
            )
        }
        _ => "–".to_string(),
    };
    let paid = data
        .accounts
        .iter()
        .fold(0u128, |sum, a| sum.saturating_add(a.earned));
    let head = data
        .versions
        .last()
        .map_or("–".to_string(), |v| format!("v{}", v.number));
    let replayed: usize = data.claims.iter().map(|c| c.audited_segments.len()).sum();
    let mut tiles = vec![
        (change, "held-out loss".to_string(), String::new()),
        (head, "head of the branch".to_string(), String::new()),
        (
            amount(paid, data.token_decimals),
            format!("{} paid", data.token_symbol),
            format!(
                "{} {}",
                exact_amount(paid, data.token_decimals),
                data.token_symbol
            ),
        ),
        (
            duration(data.wall_seconds),
            "wall time".to_string(),
            String::new(),
        ),
    ];
    if by_claims(data) {
        let accepted = format!("{} / {}", data.count(Outcome::Accepted), data.claims.len());
        let audited = grouped(replayed as u128);
        let of_claims = [(accepted, "claims accepted"), (audited, "segments audited")];
        let of_claims = of_claims.map(|(value, label)| (value, label.to_string(), String::new()));
        tiles.splice(2..2, of_claims);
    }
    out.push_str("<div class=\"tiles\">\n");
    for (value, label, title) in tiles {
        let title = attribute("title", &title);
        put(
            out,
            format_args!(
                "<div{title}><b>{}</b><span>{}</span></div>\n",
                escape(&value),
                escape(&label)
            ),
        );
    }
    out.push_str("</div>\n");
}

/// A row of a table. Cells are HTML; where there are fewer than columns, the last one takes the rest.
struct Row {
    class: &'static str,
    cells: Vec<String>,
}

impl From<Vec<String>> for Row {
    fn from(cells: Vec<String>) -> Self {
        Self { class: "", cells }
    }
}

/// A table; each column has a name and whether it holds numbers.
fn table(out: &mut String, head: &[(&str, bool)], rows: impl Iterator<Item = Row>) {
    out.push_str("<div class=\"scroll\"><table>\n<thead><tr>");
    for (name, numeric) in head {
        put(
            out,
            format_args!(
                "<th{}>{name}</th>",
                attribute("class", if *numeric { "n" } else { "" })
            ),
        );
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    let mut any = false;
    for Row { class, cells } in rows {
        any = true;
        put(out, format_args!("<tr{}>", attribute("class", class)));
        let rest = head.len() - cells.len() + 1;
        for (i, (cell, (_, numeric))) in cells.iter().zip(head).enumerate() {
            let wide = i + 1 == cells.len() && rest > 1;
            let span = if wide {
                format!(" colspan=\"{rest}\"")
            } else {
                String::new()
            };
            let class = if *numeric && !wide { "n" } else { "" };
            put(
                out,
                format_args!("<td{}{span}>{cell}</td>", attribute("class", class)),
            );
        }
        out.push_str("</tr>\n");
    }
    if !any {
        put(
            out,
            format_args!(
                "<tr><td colspan=\"{}\" class=\"none\">none yet</td></tr>\n",
                head.len()
            ),
        );
    }
    out.push_str("</tbody>\n</table></div>\n");
}

/// A name that others chose: cut, whole in the tooltip.
fn name(text: &str) -> String {
    format!(
        "<span class=\"name\" title=\"{}\">{}</span>",
        escape(text),
        escape(&shorten(text, 32))
    )
}

fn hash(text: &str) -> String {
    format!(
        "<code title=\"{}\">{}</code>",
        escape(text),
        escape(&short_hash(text))
    )
}

fn tokens(value: u128, data: &ReportData) -> String {
    let title = format!(
        "{} {}",
        exact_amount(value, data.token_decimals),
        data.token_symbol
    );
    format!(
        "<span title=\"{}\">{}</span>",
        escape(&title),
        escape(&amount(value, data.token_decimals))
    )
}

fn extra(out: &mut String, extra: &Extra) {
    let (title, lead) = (escape(&extra.title), escape(&extra.lead));
    section(out, &title, &lead, |out| {
        let names: Vec<String> = extra.head.iter().map(|n| escape(n)).collect();
        let head: Vec<(&str, bool)> = names.iter().map(|n| (&**n, false)).collect();
        let rows = extra.rows.iter().filter(|row| !row.is_empty()).map(|row| {
            let cells = row.iter().take(head.len()).map(|c| escape(c));
            Row::from(cells.collect::<Vec<String>>())
        });
        table(out, &head, rows);
    });
}

fn claims(out: &mut String, data: &ReportData) {
    let lead = "What miners claimed to have computed, which segments were drawn for replay, and what each verifier found.";
    section(out, "Claims", lead, |out| {
        for claim in data.claims.iter().filter(|c| c.outcome == Outcome::Refused) {
            put(
                out,
                format_args!(
                    "<p class=\"refusal\"><b>Refused:</b> claim {} of {} in round {}. {}</p>\n",
                    hash(&claim.id),
                    name(&claim.account),
                    claim.round,
                    escape(&claim.why)
                ),
            );
        }
        let head = [
            ("Claim", false),
            ("Miner", false),
            ("Outcome", false),
            ("Round", true),
            ("Base", true),
            ("Segments", true),
            ("Audited", false),
            ("Verifiers", false),
        ];
        table(out, &head, data.claims.iter().flat_map(claim_rows));
    });
}

/// A claim's row, and under it why it ended so.
fn claim_rows(claim: &Claim) -> [Row; 2] {
    let (class, word) = match claim.outcome {
        Outcome::Open => ("open", "open"),
        Outcome::Accepted => ("accepted", "✓ accepted"),
        Outcome::Refused => ("refused", "✕ refused"),
        Outcome::Void => ("void", "void"),
        Outcome::Canary => ("void", "canary"),
    };
    let audited: Vec<String> = claim.audited_segments.iter().map(u32::to_string).collect();
    let verdicts = claim.verdicts.iter().map(|v| {
        let (class, mark, word) = match v.finding {
            Finding::Match => ("match", "✓", "replayed it to the same hashes"),
            Finding::Mismatch => ("mismatch", "✕", "replayed it to other hashes"),
            Finding::Lack => ("silent", "?", "could not get the states"),
            Finding::Silent => ("silent", "–", "did not answer in time"),
        };
        let title = escape(&format!("{} {word}", v.verifier));
        format!(
            "<span class=\"verdict {class}\" title=\"{title}\">{mark} {}</span>",
            escape(&shorten(&v.verifier, 20))
        )
    });
    let verdicts = verdicts.collect::<Vec<_>>().join(" ");
    let outcome = format!(
        "<span class=\"badge {class}\" title=\"{}\">{word}</span>",
        escape(&claim.state)
    );
    let cells = vec![
        hash(&claim.id),
        name(&claim.account),
        outcome,
        claim.round.to_string(),
        format!("v{}", claim.base),
        claim.segments.to_string(),
        audited.join(", "),
        verdicts,
    ];
    let why = format!("<span class=\"why\">{}</span>", escape(&claim.why));
    [
        Row {
            class: "main",
            cells,
        },
        Row {
            class: "sub",
            cells: vec![String::new(), why],
        },
    ]
}

fn accounts(out: &mut String, data: &ReportData) {
    let symbol = escape(&data.token_symbol);
    let (earned, vesting) = (
        format!("Earned, {symbol}"),
        format!("Of that vesting, {symbol}"),
    );
    let head = [
        ("Account", false),
        ("Roles", false),
        (&*earned, true),
        (&*vesting, true),
        ("Compute credits", true),
    ];
    let row = |a: &Account| {
        vec![
            name(&a.name),
            escape(&a.roles.join(", ")),
            tokens(a.earned, data),
            tokens(a.vesting, data),
            grouped(a.credits),
        ]
    };
    table(out, &head, data.accounts.iter().map(|a| Row::from(row(a))));
}

fn receipts(out: &mut String, data: &ReportData) {
    section(
        out,
        "Receipts",
        "Every payment and why it was this much.",
        |out| {
            let open = if data.receipts.len() <= OPEN_RECEIPTS {
                " open=\"open\""
            } else {
                ""
            };
            put(
                out,
                format_args!(
                    "<details{open}><summary>{}</summary>\n",
                    counted(data.receipts.len(), "payment")
                ),
            );
            let amount = format!("Amount, {}", escape(&data.token_symbol));
            let head = [
                ("Claim", false),
                ("Account", false),
                (&*amount, true),
                ("Why this much", false),
            ];
            let rows = data.receipts.iter().map(|r| {
                let why = format!("<span class=\"why\">{}</span>", escape(&r.why));
                Row::from(vec![
                    hash(&r.claim),
                    name(&r.account),
                    tokens(r.amount, data),
                    why,
                ])
            });
            table(out, &head, rows);
            out.push_str("</details>");
        },
    );
}

fn versions(out: &mut String, data: &ReportData) {
    section(
        out,
        "Versions",
        "Roots and hashes as they stand on the chain; whole in the tooltips.",
        |out| {
            let head = [
                ("Version", false),
                ("Block", true),
                ("Held-out loss", true),
                ("Contributions", true),
                ("Version hash", false),
                ("Parent", false),
                ("State root", false),
            ];
            let rows = data.versions.iter().map(|v| {
                let cells = vec![
                    format!("v{}", v.number),
                    grouped(v.block.into()),
                    loss(v.held_out_loss),
                    v.contributions.to_string(),
                    hash(&v.hash),
                    v.parent.as_deref().map_or("–".to_string(), hash),
                    hash(&v.state_root),
                ];
                Row::from(cells)
            });
            table(out, &head, rows);
        },
    );
}

fn processes(out: &mut String, data: &ReportData) {
    let lead = format!("The whole run took {}.", duration(data.wall_seconds));
    section(out, "What it cost, and how to run it again", &lead, |out| {
        let head = [
            ("Process", false),
            ("Peak memory, MiB", true),
            ("Wall time", true),
        ];
        let rows = data.processes.iter().map(|p| {
            let memory = if p.peak_memory_mib.is_finite() {
                format!("{:.0}", p.peak_memory_mib)
            } else {
                "–".into()
            };
            Row::from(vec![
                name(&p.name),
                memory,
                escape(&duration(p.wall_seconds)),
            ])
        });
        table(out, &head, rows);
        put(
            out,
            format_args!("<pre>{}</pre>", escape(&data.commands.join("\n"))),
        );
    });
}
