// SPDX-License-Identifier: GPL-3.0-or-later
//! The live table: redrawn in place on a terminal, a line for each change otherwise.

use crate::observe::Seen;
use dream_chain::ClaimRecord;
use dream_primitives::claim::Verdict;
use dream_primitives::H256;
use dream_worker::view::report::Names;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Instant;

/// Claims shown on a terminal.
const ROWS: usize = 9;

/// The table.
pub struct Table {
    names: Names,
    began: Instant,
    drawn: usize,
    interactive: bool,
    last: (Option<String>, u32, BTreeMap<H256, String>),
}

/// A claim in short.
pub fn verdicts(record: &ClaimRecord) -> String {
    let signs: String = record
        .committee
        .iter()
        .map(
            |seat| match (seat.verdict, seat.commitment, seat.availability) {
                (Some(Verdict::Match), ..) => '+',
                (Some(Verdict::Mismatch), ..) => 'x',
                (None, Some(_), _) => 'c',
                (None, None, Some(_)) => 'a',
                (None, None, None) => '.',
            },
        )
        .collect();
    format!("{:?} [{signs}]", record.state)
}

impl Table {
    /// A table whose time runs from `began`.
    pub fn new(names: Names, began: Instant) -> Self {
        Self {
            names,
            began,
            drawn: 0,
            interactive: io::stdout().is_terminal(),
            last: Default::default(),
        }
    }

    fn name(&self, record: &ClaimRecord) -> String {
        self.names
            .get(&record.miner)
            .cloned()
            .unwrap_or_else(|| record.miner.to_string())
    }

    fn head(&self, seen: &Seen) -> String {
        let round = match seen.round {
            Some((number, phase)) => format!("round {number} {phase:?}"),
            None => "no round yet".into(),
        };
        let loss = seen
            .loss()
            .map_or_else(|| "-".into(), |l| format!("{l:.4}"));
        let seconds = self.began.elapsed().as_secs();
        format!(
            "{:>3}:{:02}  block {:>4} finalised  {round:<24} version {}  held-out loss {loss}",
            seconds / 60,
            seconds % 60,
            seen.block,
            seen.version()
        )
    }

    /// Shows what changed.
    pub fn show(&mut self, seen: &Seen) {
        if self.interactive {
            self.redraw(seen);
        } else {
            self.lines(seen);
        }
        // A closed standard output is no reason to stop the demo.
        let _ = io::stdout().flush();
    }

    fn redraw(&mut self, seen: &Seen) {
        let mut lines = vec![self.head(seen)];
        let claims = seen.sorted();
        for (id, record) in claims.iter().skip(claims.len().saturating_sub(ROWS)) {
            lines.push(format!(
                "    round {:<2} {:<11} {:.10}  audited {:<8} {}",
                record.claim.round.number,
                self.name(record),
                format!("{id:?}"),
                format!("{:?}", record.audited.as_slice()),
                verdicts(record)
            ));
        }
        let mut out = String::new();
        if self.drawn > 0 {
            out += &format!("\x1b[{}A", self.drawn);
        }
        for line in &lines {
            out += &format!("\x1b[2K{line}\n");
        }
        self.drawn = lines.len();
        print!("{out}\x1b[J");
    }

    fn lines(&mut self, seen: &Seen) {
        let round = seen.round.map(|r| format!("{r:?}"));
        let version = seen.version();
        if round != self.last.0 || version != self.last.1 {
            println!("{}", self.head(seen));
            (self.last.0, self.last.1) = (round, version);
        }
        for (id, record) in seen.sorted() {
            let text = verdicts(record);
            if self.last.2.get(&id) != Some(&text) {
                println!(
                    "    round {} {}: {id:?} {text}",
                    record.claim.round.number,
                    self.name(record)
                );
                self.last.2.insert(id, text);
            }
        }
    }
}
