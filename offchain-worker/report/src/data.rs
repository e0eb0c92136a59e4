// SPDX-License-Identifier: GPL-3.0-or-later
//! What a report is made from. Amounts are in the token's smallest unit and are decimal strings in JSON, since readers
//! of JSON commonly lose digits beyond 2^53.

use serde::{Deserialize, Serialize};

/// All that a report shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReportData {
    /// Name of the chain.
    pub chain: String,
    /// Name of the model.
    pub model: String,
    /// Number of the model's parameters.
    pub parameters: u64,
    /// What the loss counts, such as "nats per byte".
    pub loss_unit: String,
    /// Symbol of the token.
    pub token_symbol: String,
    /// Decimals of the token: one token is 10^decimals of the smallest unit.
    pub token_decimals: u32,
    /// The branch's versions, in any order.
    pub versions: Vec<Version>,
    /// Every claim made, whatever became of it.
    pub claims: Vec<Claim>,
    /// Who took part and what they got.
    pub accounts: Vec<Account>,
    /// Every payment.
    pub receipts: Vec<Receipt>,
    /// Tables of their own: what the rest of the page has no place for.
    #[serde(default)]
    pub extras: Vec<Extra>,
    /// What the run cost, by process.
    pub processes: Vec<Process>,
    /// Wall time of the whole run, in seconds.
    pub wall_seconds: f64,
    /// Commands that reproduce the run, one a line.
    pub commands: Vec<String>,
}

/// A version of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Number on its branch, from 0.
    pub number: u32,
    /// Block at which it became the head.
    pub block: u32,
    /// Version hash, in hexadecimal.
    pub hash: String,
    /// Hash of its parent; `None` for the first.
    pub parent: Option<String>,
    /// State root, in hexadecimal.
    pub state_root: String,
    /// Mean loss on held-out data; `None` where it was not measured. Not finite counts as not measured.
    pub held_out_loss: Option<f64>,
    /// How many claims were merged into it.
    pub contributions: u32,
}

/// A miner's claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Identifier, as the worker's commands take it.
    pub id: String,
    /// Round it was made in.
    pub round: u32,
    /// Number of the version it was trained from.
    pub base: u32,
    /// Name of the miner's account.
    pub account: String,
    /// Segments trained.
    pub segments: u32,
    /// Segments that the draw had replayed, from 0.
    pub audited_segments: Vec<u32>,
    /// Its state, in the chain's words.
    pub state: String,
    /// What that state amounts to.
    pub outcome: Outcome,
    /// What each verifier found.
    pub verdicts: Vec<Verdict>,
    /// Why it ended so, in a sentence.
    pub why: String,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Not settled yet.
    Open,
    /// Confirmed: merged or about to be.
    Accepted,
    /// Found wrong.
    Refused,
    /// Ended without a verdict, such as for missing data.
    Void,
    /// Faked on duty, to see who confirms without replaying.
    Canary,
}

/// One verifier's part in a claim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Name of the verifier's account.
    pub verifier: String,
    /// What it found.
    pub finding: Finding,
}

/// What a verifier's replay showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// The same hashes.
    Match,
    /// Other hashes.
    Mismatch,
    /// It could not get the states.
    Lack,
    /// It did not answer in time.
    Silent,
}

/// What an account got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Name, or address where it has none.
    pub name: String,
    /// Its roles, such as "miner".
    pub roles: Vec<String>,
    /// All that it was paid, what still vests included; smallest unit.
    #[serde(with = "decimal")]
    pub earned: u128,
    /// Of that, what still vests; smallest unit.
    #[serde(with = "decimal")]
    pub vesting: u128,
    /// Its compute credits.
    #[serde(with = "decimal")]
    pub credits: u128,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Claim it was paid for.
    pub claim: String,
    /// Name of the account.
    pub account: String,
    /// Smallest unit.
    #[serde(with = "decimal")]
    pub amount: u128,
    /// Why this much.
    pub why: String,
}

/// A table with a title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extra {
    /// Title.
    pub title: String,
    /// What it shows, in a sentence.
    pub lead: String,
    /// Names of the columns.
    pub head: Vec<String>,
    /// Cells of each row, at most one a column.
    pub rows: Vec<Vec<String>>,
}

/// What a process needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// What it is.
    pub name: String,
    /// Largest resident set, in MiB.
    pub peak_memory_mib: f64,
    /// Time it ran, in seconds.
    pub wall_seconds: f64,
}

impl ReportData {
    /// Versions with a finite loss, as (number, loss), in order of `versions`.
    pub(crate) fn losses(&self) -> Vec<(u32, f64)> {
        self.versions
            .iter()
            .filter_map(|v| {
                v.held_out_loss
                    .filter(|l| l.is_finite())
                    .map(|l| (v.number, l))
            })
            .collect()
    }

    /// How many claims ended so.
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.claims.iter().filter(|c| c.outcome == outcome).count()
    }
}

mod decimal {
    use serde::{de::Error, Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(value: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        let digits = String::deserialize(from)?;
        digits
            .parse()
            .map_err(|e| D::Error::custom(format!("{digits:?} is not an amount: {e}")))
    }
}
