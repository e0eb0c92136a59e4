// SPDX-License-Identifier: GPL-3.0-or-later
//! The live table, what was found, and whether it is good enough.

use super::collude::Power;
use super::observe::{RoundSeen, Seen};
use super::sight::{Sights, HEAD};
use super::texts::PrivateText;
use super::{named, Part, ACTORS, DROPOUT, SILENT};
use anyhow::{ensure, Context, Result};
use dream_chain::AccountId;
use dream_primitives::private::round::ContributorState;
use dream_primitives::version::Parent;
use dream_primitives::Balance;
use dream_report::{Account, Extra, ReportData, Version};
use dream_worker::amount;
use dream_worker::units::{DECIMALS, SYMBOL};
use std::collections::BTreeMap;
use std::time::Instant;

type Names = BTreeMap<AccountId, String>;

fn name(names: &Names, account: &AccountId) -> String {
    let name = names.get(account).cloned();
    name.unwrap_or_else(|| account.to_string())
}

fn list(names: &Names, accounts: &[AccountId]) -> String {
    let named: Vec<String> = accounts.iter().map(|a| name(names, a)).collect();
    match named.is_empty() {
        true => "nobody".into(),
        false => named.join(", "),
    }
}

/// A line for each change.
pub struct Table {
    began: Instant,
    last: String,
}

impl Table {
    /// A table whose time runs from `began`.
    pub fn new(began: Instant) -> Self {
        Self {
            began,
            last: String::new(),
        }
    }

    /// Shows what changed.
    pub fn show(&mut self, seen: &Seen) {
        let epochs = seen.epochs.iter().rev().take(2);
        let epochs: Vec<String> = epochs.map(|(n, phase)| format!("{n} {phase:?}")).collect();
        let round = seen.newest().map(|(number, round)| {
            let states: String = round.cohort.iter().map(|(_, state)| sign(*state)).collect();
            let answers = round.answered.len();
            format!(
                "round {number} {:<14} [{states}] {answers} answers",
                format!("{:?}", round.phase)
            )
        });
        let round = round.unwrap_or_else(|| "no round yet".into());
        let version = seen.versions.last().map_or(0, |(_, header)| header.number);
        let line = format!(
            "{round:<42} version {version}  epochs {}",
            epochs.join(", ")
        );
        if line == self.last {
            return;
        }
        let seconds = self.began.elapsed().as_secs();
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        println!("{minutes:>3}:{seconds:02}  block {:>4}  {line}", seen.block);
        if !self.last.contains(&format!("version {version} ")) {
            if let Some((hash, _)) = seen.versions.last() {
                let losses = seen.losses.get(hash).map(|l| row(l)).unwrap_or_default();
                println!("           version {version}: held-out loss by text {losses}");
            }
        }
        self.last = line;
    }
}

/// How far a contributor came, in a sign.
fn sign(state: ContributorState) -> char {
    match state {
        ContributorState::Registered => 'r',
        ContributorState::Drawn => '.',
        ContributorState::Committed => 'c',
        ContributorState::Opened => 'o',
        ContributorState::Standing => '+',
        ContributorState::Out => '-',
        ContributorState::Faulty => 'x',
    }
}

fn row(losses: &[f64]) -> String {
    let each: Vec<String> = losses.iter().map(|l| format!("{l:.4}")).collect();
    each.join("  ")
}

fn mean(losses: &[f64]) -> Option<f64> {
    let count = losses.len();
    (count > 0).then(|| losses.iter().sum::<f64>() / count as f64)
}

/// Everything that the demo found.
pub struct Findings<'a> {
    /// Blocks and events.
    pub seen: &'a Seen,
    /// The texts, in the order of the losses.
    pub texts: &'a [PrivateText],
    /// Accounts by name.
    pub names: &'a Names,
    /// Who holds what.
    pub sights: &'a Sights,
    /// What miners are told of their privacy, line by line.
    pub statements: &'a [String],
    /// What members could read together.
    pub powers: &'a [Power],
    /// Parameters of the model.
    pub parameters: u64,
}

impl Findings<'_> {
    fn rounds(&self) -> Vec<Vec<String>> {
        let seen = self.seen;
        let each = seen.rounds.iter().map(|(number, round)| {
            let gain = round.gain.map(|g| format!("{:.4}", g as f64 / 1e6));
            let reward: Balance = seen
                .paid
                .iter()
                .filter(|p| p.round == *number)
                .fold(0, |sum, p| sum.saturating_add(p.amount));
            let opened: Vec<String> = round
                .disclosed
                .iter()
                .map(|(a, s)| format!("{s} of {}", name(self.names, a)))
                .collect();
            let blocks = match round.blocks {
                (from, Some(to)) => format!("{from} to {to}"),
                (from, None) => format!("from {from}"),
            };
            vec![
                number.to_string(),
                blocks,
                list(self.names, &round.standing()),
                list(self.names, &missing(round)),
                opened.join(", "),
                round
                    .aggregator
                    .map(|a| name(self.names, &a))
                    .unwrap_or_default(),
                list(self.names, &round.answered),
                gain.unwrap_or_else(|| "none".into()),
                amount(reward),
                match (round.version, self.sights.exact.contains(number)) {
                    (Some(_), true) => "promoted; exactly the mean".into(),
                    (Some(_), false) => "promoted; NOT the mean of what was recorded".into(),
                    (None, _) => format!("{:?}, no version", round.phase),
                },
            ]
        });
        each.collect()
    }

    fn losses(&self) -> Vec<Vec<String>> {
        let each = self.seen.versions.iter().map(|(hash, header)| {
            let losses = self.seen.losses.get(hash).cloned().unwrap_or_default();
            let mut row = vec![header.number.to_string(), header.block.to_string()];
            row.extend(losses.iter().map(|l| format!("{l:.4}")));
            row.extend(mean(&losses).map(|m| format!("{m:.4}")));
            row
        });
        each.collect()
    }

    fn pay(&self) -> Vec<Vec<String>> {
        let of = |party: &&str| {
            let own = self.names.iter().find(|(_, n)| n == party);
            own.map(|(account, _)| {
                let paid = Seen::total(&self.seen.paid, account);
                let lost = Seen::total(&self.seen.silence, account);
                vec![(*party).to_owned(), amount(paid), amount(lost)]
            })
        };
        named(None).iter().filter_map(of).collect()
    }

    fn extras(&self) -> Vec<Extra> {
        let heads = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let mut losses = heads(&["version", "block"]);
        losses.extend(
            self.texts
                .iter()
                .map(|t| format!("{} ({})", t.miner, t.subject)),
        );
        losses.push("mean".into());
        vec![
            Extra {
                title: "Private rounds".into(),
                lead: "Contributions are encrypted; only the sum of those that stand is decrypted, by two of three members.".into(),
                head: heads(&["round", "blocks", "in the sum", "left out", "opened segment", "summed by", "decrypted by", "gain, nats", "paid", "version"]),
                rows: self.rounds(),
            },
            Extra {
                title: "Held-out loss by text".into(),
                lead: "Nats per byte on text of each miner that nobody trained on.".into(),
                head: losses,
                rows: self.losses(),
            },
            Extra {
                title: "Who could see what".into(),
                lead: "After the run every state folder, log, blob and block was searched for each text's canary, for 32 bytes of every key segment of every delta, and for the secrets of contributions and members. What was found where:".into(),
                head: heads(&HEAD),
                rows: self.sights.rows(),
            },
            Extra {
                title: "What members could do together".into(),
                lead: "Honest members answer for sums only. Here the demo had them answer for one miner's ciphertexts, with the secrets of their folders.".into(),
                head: heads(&["members", "contribution", "values read"]),
                rows: self.powers.iter().map(power).collect(),
            },
            Extra {
                title: "Who was paid, and what silence cost".into(),
                lead: "From the sponsor's escrow, by the chain's events.".into(),
                head: heads(&["party", "paid", "lost by silence"]),
                rows: self.pay(),
            },
            Extra {
                title: "What miners are promised".into(),
                lead: "As dream-worker privacy says it to one that took little noise for what it learned, and to one that asked for epsilon 8.".into(),
                head: heads(&["statement"]),
                rows: self.statements.iter().map(|l| vec![l.clone()]).collect(),
            },
        ]
    }

    /// Prints all.
    pub fn print(&self) {
        for extra in self.extras() {
            println!("\n{}: {}", extra.title.to_lowercase(), extra.lead);
            for line in aligned(&extra.head, &extra.rows) {
                println!("  {line}");
            }
        }
    }

    /// What the report shows.
    pub fn report(&self) -> ReportData {
        let versions = self.seen.versions.iter().map(|(hash, header)| {
            let round = self.seen.rounds.values().find(|r| r.version == Some(*hash));
            let standing = round.map_or(0, |r| r.standing().len());
            let losses = self.seen.losses.get(hash);
            Version {
                number: header.number,
                block: header.block,
                hash: format!("{hash:?}"),
                parent: match header.parent {
                    Parent::Local(parent) => Some(format!("{parent:?}")),
                    Parent::Foreign { version, .. } => Some(format!("{version:?}")),
                    Parent::None => None,
                },
                state_root: format!("{:?}", header.state_root),
                held_out_loss: losses.and_then(|l| mean(l)),
                contributions: u32::try_from(standing).unwrap_or(u32::MAX),
            }
        });
        let accounts = ACTORS.iter().filter_map(|(party, part)| {
            let (account, _) = self.names.iter().find(|(_, n)| n == party)?;
            Some(Account {
                name: (*party).into(),
                roles: vec![part.word().into()],
                earned: Seen::total(&self.seen.paid, account),
                vesting: 0,
                credits: 0,
            })
        });
        ReportData {
            chain: "DREAM demo of private rounds".into(),
            model: "LLaMA-family, byte-level".into(),
            parameters: self.parameters,
            loss_unit: "nats per byte".into(),
            token_symbol: SYMBOL.into(),
            token_decimals: DECIMALS,
            versions: versions.collect(),
            claims: Vec::new(),
            accounts: accounts.filter(|a| a.earned > 0).collect(),
            receipts: Vec::new(),
            extras: self.extras(),
            processes: Vec::new(),
            wall_seconds: 0.0,
            commands: Vec::new(),
        }
    }

    fn account(&self, party: &str) -> Result<AccountId> {
        let found = self.names.iter().find(|(_, n)| *n == party);
        found
            .map(|(account, _)| *account)
            .with_context(|| format!("{party} has no account"))
    }

    /// Fails when the demo did not show what it promises.
    pub fn judge(&self, rounds: u32, margin: f64) -> Result<()> {
        let seen = self.seen;
        ensure!(
            seen.made() >= rounds as usize,
            "{} versions were made, {rounds} asked",
            seen.made()
        );
        let loss = |at: Option<&(dream_primitives::H256, _)>| {
            at.and_then(|(hash, _)| seen.losses.get(hash))
        };
        let (first, last) = (loss(seen.versions.first()), loss(seen.versions.last()));
        let (first, last) = first.zip(last).context("no loss was measured")?;
        ensure!(
            first.len() == self.texts.len(),
            "not every text was measured"
        );
        for (text, (before, after)) in self.texts.iter().zip(first.iter().zip(last)) {
            ensure!(
                before - after >= margin,
                "the held-out loss on the text of {} ({}) fell from {before:.4} to {after:.4}; by at least {margin} was expected",
                text.miner,
                text.subject
            );
        }
        for (number, round) in seen.rounds.iter().filter(|(_, r)| r.version.is_some()) {
            ensure!(
                self.sights.exact.contains(number),
                "the version of round {number} is not made of the mean of the contributions that stood"
            );
            let cohort: Balance = round.standing().iter().fold(0, |sum, a| {
                let own = seen
                    .paid
                    .iter()
                    .filter(|p| p.round == *number && p.account == *a);
                own.fold(sum, |sum, p| sum.saturating_add(p.amount))
            });
            ensure!(
                cohort > 0,
                "the cohort of round {number} made a version and was paid nothing"
            );
        }
        let first = seen.rounds.get(&1).context("there was no round 1")?;
        let (dropout, silent) = (self.account(DROPOUT)?, self.account(SILENT)?);
        ensure!(
            missing(first).contains(&dropout) && Seen::total(&seen.silence, &dropout) > 0,
            "{DROPOUT} was to drop out of round 1 at a price"
        );
        ensure!(
            !first.answered.contains(&silent) && Seen::total(&seen.silence, &silent) > 0,
            "{SILENT} was to stay silent in round 1 at a price"
        );
        for member in named(Some(Part::Member)).iter().filter(|m| **m != SILENT) {
            let member = self.account(member)?;
            ensure!(
                first.answered.contains(&member),
                "not all other members answered"
            );
        }
        for p in self.powers {
            let expected = if p.members.len() < 2 { 0 } else { p.of };
            ensure!(
                p.read == expected,
                "{} read {} of {} values of {}, {expected} were expected",
                p.members.join(" and "),
                p.read,
                p.of,
                p.victim
            );
        }
        self.sights.check(seen, self.names)?;
        println!(
            "\nPASSED: {} versions from private texts; the loss on held-out text of each of the {} miners fell by at least {margin} nats per byte; {} secrets looked for in {} places, each found with its owner and, but for what the audit opened, nowhere else",
            seen.made(),
            self.texts.len(),
            self.sights.secrets.len(),
            self.sights.all.len()
        );
        Ok(())
    }
}

fn power(p: &Power) -> Vec<String> {
    vec![
        p.members.join(" and "),
        format!("{} round {}", p.victim, p.round),
        format!("{} of {}", p.read, p.of),
    ]
}

/// Drawn, but not in the sum.
fn missing(round: &RoundSeen) -> Vec<AccountId> {
    let out = |(_, state): &&(AccountId, ContributorState)| *state != ContributorState::Standing;
    round.cohort.iter().filter(out).map(|(a, _)| *a).collect()
}

/// Rows under their heads, columns aligned.
fn aligned(head: &[String], rows: &[Vec<String>]) -> Vec<String> {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|r| r.get(at)).chain(head.get(at));
        cells.map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(c, w)| format!("{c:<w$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    std::iter::once(&head.to_vec())
        .chain(rows)
        .map(line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_should_be_as_wide_as_their_widest_cell() {
        let cells = |row: &[&str]| row.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
        let lines = aligned(&cells(&["a", "head"]), &[cells(&["long", "x"])]);
        assert_eq!(lines, ["a     head", "long  x"]);
    }
}
