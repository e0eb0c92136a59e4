// SPDX-License-Identifier: GPL-3.0-or-later
//! The files that a report consists of, read back by parsers that know nothing of how they were written.

use std::fs;
use std::path::Path;

use dream_report::{
    write, Account, Claim, Extra, Finding, Outcome, Process, Receipt, ReportData, ReportError,
    Verdict, Version,
};
use resvg::tiny_skia::Pixmap;
use resvg::usvg::roxmltree::{Document, ParsingOptions};

const TOKEN: u128 = 1_000_000_000_000;

fn hash(n: u32) -> String {
    let word = u128::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    format!("0x{word:032x}{:032x}", word.rotate_left(61))
}

/// A run of five rounds with three miners, one of which fakes a claim in the second.
fn sample() -> ReportData {
    let losses = [6.741, 2.752, 2.348, 2.117, 1.986, 1.861];
    let miners = ["Alice", "Bob", "Mallory"];
    let verifiers = ["Vera", "Viktor", "Violet"];
    let versions = (0u32..6).map(|n| Version {
        number: n,
        block: n * 37,
        hash: hash(n),
        parent: n.checked_sub(1).map(hash),
        state_root: hash(100 + n),
        held_out_loss: Some(losses[n as usize]),
        contributions: match n {
            0 => 0,
            2 => 2,
            _ => 3,
        },
    });
    let mut claims = Vec::new();
    let mut receipts = Vec::new();
    for round in 0u32..5 {
        for (m, miner) in miners.into_iter().enumerate() {
            let fake = round == 1 && miner == "Mallory";
            let id = hash(1000 + round * 3 + m as u32);
            if !fake {
                receipts.push(Receipt {
                    claim: id.clone(),
                    account: miner.into(),
                    amount: 41 * TOKEN + 66_600_000_000,
                    why: format!(
                        "{} of {} work units of the round, 80 % for miners",
                        10_240 * 4,
                        10_240 * 12
                    ),
                });
            }
            claims.push(Claim {
                id,
                round,
                base: round,
                account: miner.into(),
                segments: 8,
                audited_segments: vec![2, 7],
                state: if fake { "Rejected" } else { "Merged" }.into(),
                outcome: if fake { Outcome::Refused } else { Outcome::Accepted },
                verdicts: verifiers
                    .iter()
                    .map(|v| Verdict {
                        verifier: v.to_string(),
                        finding: if fake { Finding::Mismatch } else { Finding::Match },
                    })
                    .collect(),
                why: if fake {
                    "Segment 2 replays to another end state: 3 of 3 verifiers disagree with the claim.".into()
                } else {
                    "3 of 3 verifiers replayed the drawn segments to the claimed hashes.".into()
                },
            });
        }
    }
    let account = |name: &str, role: &str, earned: u128, vesting: u128| Account {
        name: name.into(),
        roles: vec![role.into()],
        earned: earned * TOKEN,
        vesting: vesting * TOKEN,
        credits: earned * 1000,
    };
    ReportData {
        chain: "DREAM Demo".into(),
        model: "llama-bytes".into(),
        parameters: 842_112,
        loss_unit: "nats per byte".into(),
        token_symbol: "DREAM".into(),
        token_decimals: 12,
        versions: versions.rev().collect(),
        claims,
        accounts: vec![
            account("Alice", "miner", 208, 125),
            account("Bob", "miner", 206, 124),
            account("Mallory", "miner", 166, 83),
            account("Vera", "verifier", 31, 12),
            account("Viktor", "verifier", 30, 12),
            account("Violet", "verifier", 28, 11),
            account("Validator", "validator", 64, 0),
        ],
        receipts,
        extras: vec![],
        processes: vec![
            Process {
                name: "dream-node".into(),
                peak_memory_mib: 312.4,
                wall_seconds: 402.0,
            },
            Process {
                name: "dream-worker mine (Alice)".into(),
                peak_memory_mib: 455.9,
                wall_seconds: 390.5,
            },
        ],
        wall_seconds: 418.7,
        commands: vec!["make setup".into(), "make demo".into()],
    }
}

fn written(data: &ReportData) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/er");
    let files = write(data, &out).unwrap();
    let names: Vec<_> = files
        .iter()
        .map(|f| f.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "index.html",
            "report.json",
            "loss.png",
            "lineage.png",
            "pay.png"
        ]
    );
    let page = fs::read_to_string(&files[0]).unwrap();
    (folder, page)
}

/// Strict parsing: every element closed, every attribute quoted, every character allowed.
fn parse(page: &str) -> Document<'_> {
    Document::parse_with_options(
        page,
        ParsingOptions {
            allow_dtd: true,
            ..Default::default()
        },
    )
    .unwrap()
}

/// The texts of the body's cells, a vector a row.
fn rows(document: &Document) -> Vec<Vec<String>> {
    let text = |n: resvg::usvg::roxmltree::Node| {
        n.descendants()
            .filter_map(|d| d.is_text().then(|| d.text())?)
            .collect()
    };
    let body = document.descendants().filter(|n| n.has_tag_name("tr"));
    body.map(|r| {
        r.children()
            .filter(|c| c.has_tag_name("td"))
            .map(text)
            .collect()
    })
    .collect()
}

fn titles(document: &Document) -> Vec<String> {
    let attribute = document
        .descendants()
        .filter_map(|n| n.attribute("title"))
        .map(str::to_string);
    let element = document
        .descendants()
        .filter(|n| n.has_tag_name("title"))
        .filter_map(|n| n.text());
    attribute.chain(element.map(str::to_string)).collect()
}

#[test]
fn page_should_hold_every_row_of_the_data() {
    let data = sample();
    let (_folder, page) = written(&data);
    let document = parse(&page);
    let (rows, titles) = (rows(&document), titles(&document));
    let row = |cells: &[&str]| {
        let found = rows
            .iter()
            .any(|r| cells.iter().all(|c| r.iter().any(|cell| cell == c)));
        assert!(found, "no row with {cells:?}");
    };
    let title = |text: &str| {
        assert!(
            titles.iter().any(|t| t.contains(text)),
            "no title with {text}"
        )
    };
    for v in &data.versions {
        row(&[
            &format!("v{}", v.number),
            &format!("{:.3}", v.held_out_loss.unwrap()),
            &v.contributions.to_string(),
        ]);
        title(&v.hash);
        title(&v.state_root);
    }
    for c in &data.claims {
        let outcome = if c.outcome == Outcome::Accepted {
            "✓ accepted"
        } else {
            "✕ refused"
        };
        row(&[&c.account, &c.round.to_string(), "2, 7", outcome]);
        row(&[&c.why]);
        title(&c.id);
    }
    for a in &data.accounts {
        row(&[
            &a.name,
            &a.roles[0],
            &(a.earned / TOKEN).to_string(),
            &(a.vesting / TOKEN).to_string(),
        ]);
    }
    for r in &data.receipts {
        row(&[&r.account, "41.0666", &r.why]);
    }
    row(&["dream-node", "312", "6 min 42 s"]);
    assert!(page.contains("<pre>make setup\nmake demo</pre>"));
    assert!(page.contains("<h1>Held-out loss fell from 6.741 to 1.861 over 5 new versions</h1>"));
    assert!(page.contains("<p class=\"summary\">0.84 M parameters. 14 claims accepted, 1 refused. The refused claim changed nothing and was paid nothing"));
    title("41.0666 DREAM");
}

#[test]
fn page_should_fetch_nothing_and_run_nothing() {
    let (_folder, page) = written(&sample());
    let document = parse(&page);
    for node in document.descendants() {
        assert!(
            !["script", "link", "img", "iframe", "object", "base", "a", "use", "image"]
                .contains(&node.tag_name().name())
        );
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(
                !name.starts_with("on") && name != "href" && name != "src" && name != "style",
                "{name}"
            );
        }
    }
    assert!(!page.contains("url(") && !page.contains("@import"));
}

#[test]
fn headline_should_not_say_unpaid_when_a_refused_miner_was_paid() {
    let mut data = sample();
    let refused = data
        .claims
        .iter()
        .find(|c| c.outcome == Outcome::Refused)
        .unwrap();
    data.receipts.push(Receipt {
        claim: refused.id.clone(),
        account: refused.account.clone(),
        amount: 1,
        why: "?".into(),
    });
    let (_folder, page) = written(&data);
    assert!(!page.contains("paid nothing"));
}

#[test]
fn headline_should_say_what_happened_when_loss_did_not_fall() {
    let headline = |losses: &[Option<f64>]| {
        let mut data = sample();
        data.versions.sort_by_key(|v| v.number);
        data.versions.truncate(losses.len());
        data.versions
            .iter_mut()
            .zip(losses)
            .for_each(|(v, l)| v.held_out_loss = *l);
        let (_folder, page) = written(&data);
        page.split("<h1>")
            .nth(1)
            .unwrap()
            .split("</h1>")
            .next()
            .unwrap()
            .to_string()
    };
    assert_eq!(
        headline(&[Some(2.0), Some(3.0)]),
        "Held-out loss rose from 2.000 to 3.000 over 1 new version"
    );
    assert_eq!(
        headline(&[Some(2.0), Some(2.0), Some(2.0)]),
        "Held-out loss stayed at 2.000 over 2 new versions"
    );
    assert_eq!(headline(&[Some(2.0)]), "Held-out loss starts at 2.000");
    assert_eq!(
        headline(&[None, Some(f64::NAN)]),
        "Held-out loss has not been measured"
    );
}

#[test]
fn names_should_be_escaped_when_they_are_hostile() {
    let evil = "</title><script>alert('x')</script>\"><img src=x onerror=y>&amp;\u{0}\u{1b}\u{202e}]]>--><!--";
    let mut data = sample();
    for text in [
        &mut data.chain,
        &mut data.model,
        &mut data.loss_unit,
        &mut data.token_symbol,
    ] {
        *text = evil.into();
    }
    for v in &mut data.versions {
        (v.hash, v.parent, v.state_root) = (evil.into(), Some(evil.into()), evil.into());
    }
    for c in &mut data.claims {
        (c.id, c.account, c.state, c.why) = (evil.into(), evil.into(), evil.into(), evil.into());
        c.verdicts.iter_mut().for_each(|v| v.verifier = evil.into());
    }
    for a in &mut data.accounts {
        (a.name, a.roles) = (evil.into(), vec![evil.into()]);
    }
    for r in &mut data.receipts {
        (r.claim, r.account, r.why) = (evil.into(), evil.into(), evil.into());
    }
    data.processes.iter_mut().for_each(|p| p.name = evil.into());
    data.commands = vec![evil.into()];

    let (folder, page) = written(&data);
    let document = parse(&page);
    assert!(document
        .descendants()
        .all(|n| !["script", "img"].contains(&n.tag_name().name())));
    assert!(document
        .descendants()
        .all(|n| n.attribute("onerror").is_none()));
    assert!(!page.contains(['\u{0}', '\u{1b}', '\u{202e}']));
    let pre = document
        .descendants()
        .find(|n| n.has_tag_name("pre"))
        .unwrap()
        .text()
        .unwrap();
    assert_eq!(
        pre,
        evil.replace(['\u{0}', '\u{1b}', '\u{202e}'], "\u{fffd}"),
        "the text itself is whole"
    );
    for name in ["loss.png", "lineage.png", "pay.png"] {
        picture(&folder.path().join("deep/er").join(name));
    }
}

/// Decodes the picture and checks that something is on it. Returns its size.
fn picture(path: &Path) -> (u32, u32) {
    let pixmap = Pixmap::decode_png(&fs::read(path).unwrap()).unwrap();
    let pixels = pixmap.pixels();
    assert!(
        pixels.iter().all(|p| p.alpha() == 255),
        "{path:?} has a background"
    );
    let ink = pixels
        .iter()
        .filter(|p| (p.red(), p.green(), p.blue()) != (255, 255, 255))
        .count();
    assert!(
        ink * 200 > pixels.len(),
        "{path:?} is blank: {ink} of {} pixels drawn",
        pixels.len()
    );
    (pixmap.width(), pixmap.height())
}

#[test]
fn pictures_should_have_their_size_and_text() {
    let (folder, _) = written(&sample());
    let out = folder.path().join("deep/er");
    // 760 pixels and a margin of 28 on both sides, twice as dense; heights follow from the charts.
    assert_eq!(
        picture(&out.join("loss.png")),
        (2 * (760 + 56), 2 * (300 + 62 + 56))
    );
    assert_eq!(
        picture(&out.join("pay.png")),
        (2 * (760 + 56), 2 * (30 + 7 * 40 + 62 + 56))
    );
    assert_eq!(picture(&out.join("lineage.png")).0, 2 * (760 + 56));

    // The title's line: dark pixels there mean that the embedded font was found.
    let loss = Pixmap::decode_png(&fs::read(out.join("loss.png")).unwrap()).unwrap();
    let dark = (56..96).flat_map(|y| (56..800).map(move |x| (x, y)));
    assert!(
        dark.filter(|&(x, y)| loss.pixel(x, y).unwrap().red() < 100)
            .count()
            > 1000
    );
}

#[test]
fn report_should_be_written_when_there_is_nothing_yet() {
    let empty = ReportData {
        versions: vec![],
        claims: vec![],
        accounts: vec![],
        receipts: vec![],
        extras: vec![],
        processes: vec![],
        commands: vec![],
        ..sample()
    };
    let (_folder, page) = written(&empty);
    parse(&page);
    assert!(
        page.contains("There is no version yet") && page.contains("No loss has been measured yet")
    );
}

#[test]
fn report_should_be_written_when_a_run_is_long_and_odd() {
    let mut data = sample();
    let like = data.versions[0].clone();
    let claim = data.claims[0].clone();
    data.versions = (0..500)
        .map(|n| Version {
            number: n,
            held_out_loss: [Some(f64::INFINITY), None, Some(-1e300), Some(f64::from(n))]
                [n as usize % 4],
            ..like.clone()
        })
        .collect();
    data.claims = (0..500u32)
        .flat_map(|base| (0..40).map(move |i| (base, i)))
        .map(|(base, i)| Claim {
            base,
            outcome: [
                Outcome::Accepted,
                Outcome::Refused,
                Outcome::Void,
                Outcome::Open,
            ][i % 4],
            ..claim.clone()
        })
        .collect();
    data.accounts
        .iter_mut()
        .for_each(|a| (a.earned, a.vesting) = (u128::MAX, u128::MAX));
    data.token_decimals = 77;
    data.wall_seconds = f64::NAN;
    let (folder, page) = written(&data);
    assert!(!page.contains("NaN") && !page.contains("inf\""));
    parse(&page);
    let (width, height) = picture(&folder.path().join("deep/er/lineage.png"));
    // 24 versions and three quarters of a column for the claims on the head.
    assert_eq!(
        f64::from(width),
        2.0 * (6.0 * 2.0 + 66.0 + 23.75 * 134.0 + 56.0_f64).ceil()
    );
    assert!(height < 2000, "{height}");
}

#[test]
fn json_should_read_back_equal() {
    let mut data = sample();
    data.accounts[0].earned = u128::MAX;
    let (folder, _) = written(&data);
    let json = fs::read_to_string(folder.path().join("deep/er/report.json")).unwrap();
    data.versions.sort_by_key(|v| v.number);
    assert_eq!(serde_json::from_str::<ReportData>(&json).unwrap(), data);
    assert!(json.contains(&format!("\"{}\"", u128::MAX)));
    assert!(
        serde_json::from_str::<ReportData>(&json.replace(&u128::MAX.to_string(), "-1")).is_err()
    );
}

#[test]
fn error_should_name_the_folder_when_it_cannot_be_made() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = write(&sample(), &file.path().join("x")).unwrap_err();
    assert!(matches!(&error, ReportError::Write { .. }));
    assert!(
        error
            .to_string()
            .contains(&file.path().display().to_string()),
        "{error}"
    );
}

/// Leaves the sample where it can be looked at: `DREAM_REPORT_SAMPLE=<folder> cargo test -p dream-report`.
#[test]
fn files_should_be_replaced_when_the_folder_has_an_older_report() {
    let scratch = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("DREAM_REPORT_SAMPLE").map(std::path::PathBuf::from);
    let out = kept.unwrap_or(scratch.path().into());
    let mut older = sample();
    older.model = "an older model".into();
    write(&older, &out).unwrap();
    for file in write(&sample(), &out).unwrap() {
        let content = fs::read(&file).unwrap();
        assert!(!content.is_empty());
        assert!(
            !String::from_utf8_lossy(&content).contains("an older model"),
            "{file:?}"
        );
    }
}

#[test]
fn report_without_claims_should_show_its_own_tables_and_speak_of_no_claims() {
    let mut data = sample();
    data.claims.clear();
    data.receipts.clear();
    data.extras = vec![Extra {
        title: "Who could <see> what".into(),
        lead: "Found & counted.".into(),
        head: vec!["party".into(), "holds".into()],
        rows: vec![vec!["miner".into(), "own <b>text</b>".into()], vec![]],
    }];
    let (_folder, page) = written(&data);
    let document = parse(&page);
    let found = rows(&document);
    assert!(
        found.contains(&vec!["miner".to_string(), "own <b>text</b>".to_string()]),
        "{found:?}"
    );
    assert!(page.contains("<h2>Who could &lt;see&gt; what</h2>"));
    assert!(!page.contains("claims accepted") && !page.contains("<h2>Lineage</h2>"));
    let with = written(&sample()).1;
    assert!(with.contains("claims accepted") && with.contains("<h2>Lineage</h2>"));
}
