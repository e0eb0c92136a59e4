// SPDX-License-Identifier: GPL-3.0-or-later
//! What a contributor has given away, on disk: one record a round, and what they say together.

use crate::database::Database;
use crate::error::WorkerError;
use codec::{Decode, Encode};
use dream_primitives::claim::RoundId;
use dream_primitives::private::params::PrivateLiteral;
use dream_primitives::private::round::CohortMask;
use dream_primitives::BranchId;
use dream_privacy::{
    Cohort, Ledger, LedgerError, Noise, NoiseError, NoiseLiteral, RoundLoss, Statement, Target,
    Task,
};
use serde::Serialize;
use std::fmt;
use std::ops::Range;

/// Folder of the records.
const FOLDER: &str = "private/ledger";
/// Deviations of the noise between the bound on clipped values and the range: what [`dream_privacy::VALUE_BOUND`] leaves.
const ROOM: f64 = 11.2;

/// How a contributor hides what it sends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Protection {
    /// Noise of the usual variance, with the largest norm that keeps a target.
    Calibrated(Target),
    /// A norm and a variance that were given, and the target at which to stop, if any.
    Given {
        /// Largest norm of a clipped delta, in codes.
        norm: u64,
        /// Variance of the noise, in squared codes.
        variance: u32,
        /// Where to stop.
        target: Option<Target>,
    },
    /// No noise: nothing is promised.
    Bare {
        /// Largest norm of a clipped delta, in codes.
        norm: u64,
    },
}

impl Protection {
    /// The noise for a model of `values` parameters; `None` where none is wanted.
    ///
    /// # Errors
    /// [`NoiseError`]: the cohort is too small for any, the target cannot be met, or a number is out of its range.
    pub fn noise(&self, chain: &PrivateLiteral, values: u64) -> Result<Option<Noise>, NoiseError> {
        let task = Task {
            cohort: Cohort::of(&chain.cohort),
            range: chain.data.bound,
            values,
        };
        match *self {
            Self::Calibrated(target) => Noise::calibrate(task, &target).map(Some),
            Self::Given { norm, variance, .. } => {
                // Positive, and below 2^32: a variance is.
                let room = (ROOM * f64::from(variance).sqrt()).ceil() as u32;
                let literal = NoiseLiteral {
                    task,
                    norm,
                    value_bound: task.range.saturating_sub(room),
                    variance,
                };
                Noise::new(literal).map(Some)
            }
            Self::Bare { .. } => Ok(None),
        }
    }

    /// The target at which no further round is joined.
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Calibrated(target) => Some(target),
            Self::Given { target, .. } => target.as_ref(),
            Self::Bare { .. } => None,
        }
    }
}

/// A round that the account took part in. It is on disk before anything of the contribution is given away.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Loss {
    /// Branch and number.
    pub round: RoundId,
    /// Place in the cohort.
    pub place: u16,
    /// The noise; none where none was added.
    noise: Option<NoiseLiteral>,
    /// Whether a sum with the contribution may have been decrypted.
    pub summed: bool,
    /// Key segments that were opened.
    pub opened: Vec<u16>,
    /// Whether the round is over, so that nothing of this changes any more.
    pub over: bool,
}

impl Loss {
    /// Writes down that these key segments become public.
    pub fn open(&mut self, segments: impl IntoIterator<Item = u16>) {
        for segment in segments {
            if !self.opened.contains(&segment) {
                self.opened.push(segment);
            }
        }
    }

    /// Ends the account of a round that is over: which contributions stood, and the key segments that were exposed where its
    /// sum was out of range.
    pub fn end(&mut self, standing: &CohortMask, exposed: Option<Range<u16>>) {
        self.over = true;
        // However few answers stand on chain: hostile members need not show theirs to use them.
        self.summed = standing.contains(self.place);
        if self.summed {
            // What the others exposed leaves this contributor's part, whether it exposed its own or not.
            self.open(exposed.into_iter().flatten());
        }
    }

    /// A contribution that may be decrypted from now on.
    pub fn new(round: RoundId, place: u16, noise: Option<&Noise>) -> Self {
        Self {
            round,
            place,
            noise: noise.map(|n| *n.literal()),
            summed: true,
            opened: Vec::new(),
            over: false,
        }
    }

    fn key(round: RoundId) -> String {
        format!("{FOLDER}/{}-{}", round.branch, round.number)
    }

    /// The record of a round.
    pub fn get(database: &Database, round: RoundId) -> Result<Option<Self>, WorkerError> {
        Ok(database.get(&Self::key(round))?)
    }

    /// Writes the record.
    pub fn put(&self, database: &Database) -> Result<(), WorkerError> {
        Ok(database.put(&Self::key(self.round), self)?)
    }

    /// All records of the account, of every branch.
    pub fn all(database: &Database) -> Result<Vec<Self>, WorkerError> {
        let mut all = Vec::new();
        for name in database.list(FOLDER)? {
            all.extend(database.get::<Self>(&format!("{FOLDER}/{name}"))?);
        }
        all.sort_by_key(|loss| (loss.round.branch, loss.round.number));
        Ok(all)
    }
}

fn ledger<'a>(
    losses: impl IntoIterator<Item = &'a Loss>,
    number: impl Fn(&Loss) -> u64,
) -> Result<Ledger, LedgerError> {
    let mut ledger = Ledger::default();
    for loss in losses {
        if let Some(noise) = &loss.noise {
            ledger.record(RoundLoss {
                round: number(loss),
                noise: *noise,
                summed: loss.summed,
                opened: loss.opened.clone(),
            })?;
        }
    }
    Ok(ledger)
}

/// Whether the target still holds after one more sum with this noise, whatever branches the sums before were on: one folder
/// of text may serve several.
///
/// # Errors
/// [`WorkerError::Ledger`]: the records or the target are none.
pub fn allows(losses: &[Loss], noise: &Noise, target: &Target) -> Result<bool, WorkerError> {
    let bare = |loss: &Loss| loss.summed && loss.noise.is_none();
    if losses.iter().any(bare) {
        return Ok(false);
    }
    let each = |loss: &Loss| u64::from(loss.round.branch) << 32 | u64::from(loss.round.number);
    Ok(ledger(losses, each)?.allows(noise, target)?)
}

/// What the account has given away on a branch.
#[derive(Clone, PartialEq, Debug)]
pub struct Account {
    /// Branch.
    pub branch: BranchId,
    /// What noise bounds.
    pub statement: Statement,
    /// Rounds that were, or may have been, decrypted without noise.
    pub bare: Vec<u32>,
    /// Of those, the key segments that were opened.
    pub bare_opened: Vec<(u32, Vec<u16>)>,
}

impl Account {
    /// What the records say of a branch, each epsilon at `delta`.
    ///
    /// # Errors
    /// [`WorkerError::Ledger`]: `delta` is no chance, or a record none of a round.
    pub fn of(losses: &[Loss], branch: BranchId, delta: f64) -> Result<Self, WorkerError> {
        let here = || losses.iter().filter(|l| l.round.branch == branch);
        let bare = || here().filter(|l| l.noise.is_none());
        let statement = ledger(here(), |l| l.round.number.into())?.statement(delta)?;
        Ok(Self {
            branch,
            statement,
            bare: bare()
                .filter(|l| l.summed)
                .map(|l| l.round.number)
                .collect(),
            bare_opened: bare()
                .filter(|l| !l.opened.is_empty())
                .map(|l| (l.round.number, l.opened.clone()))
                .collect(),
        })
    }

    /// As JSON has it.
    pub fn json(&self) -> AccountJson {
        let s = &self.statement;
        let promised = |epsilon: Option<f64>| epsilon.filter(|_| self.bare.is_empty());
        AccountJson {
            branch: self.branch,
            sums: s.rounds,
            delta: s.delta,
            epsilon: promised(s.epsilon),
            epsilon_against_other_data: promised(s.exchanged),
            max_corrupt: (s.rounds > 0).then_some(s.max_corrupt),
            opened: s.opened.clone(),
            epsilon_of_opened: s.opened_epsilon.filter(|_| !s.opened.is_empty()),
            without_noise: self.bare.clone(),
            opened_without_noise: self.bare_opened.clone(),
        }
    }
}

/// An [`Account`] as JSON.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AccountJson {
    /// Branch.
    pub branch: BranchId,
    /// Decrypted sums with noise.
    pub sums: u32,
    /// Delta of each epsilon.
    pub delta: f64,
    /// With the data against zeros in their place; none: no guarantee.
    pub epsilon: Option<f64>,
    /// With the data against any other.
    pub epsilon_against_other_data: Option<f64>,
    /// Hostile contributors a round against which it holds.
    pub max_corrupt: Option<u32>,
    /// Opened key segments by round.
    pub opened: Vec<(u64, Vec<u16>)>,
    /// What their own noise gives them.
    pub epsilon_of_opened: Option<f64>,
    /// Rounds without noise.
    pub without_noise: Vec<u32>,
    /// Opened key segments by round, without noise.
    pub opened_without_noise: Vec<(u32, Vec<u16>)>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bare.is_empty() {
            write!(f, "{}", self.statement)?;
        } else {
            let rounds: Vec<String> = self.bare.iter().map(u32::to_string).collect();
            write!(
                f,
                "NO NOISE was added in round {} of branch {}: nothing is promised; these sums hide this contributor among the cohort and no more",
                rounds.join(", "),
                self.branch
            )?;
            for (round, segments) in &self.statement.opened {
                for segment in segments {
                    write!(
                        f,
                        "\n  public with its own noise alone: key segment {segment} of round {round}"
                    )?;
                }
            }
        }
        for (round, segments) in &self.bare_opened {
            for segment in segments {
                write!(
                    f,
                    "\n  public as it was: key segment {segment} of round {round}"
                )?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dream_primitives::H256;

    const TARGET: Target = Target {
        epsilon: 8.0,
        delta: 1e-6,
        rounds: 2,
    };
    const VALUES: u64 = 10_000;

    fn database() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path(), &H256::zero(), &[1; 32]).unwrap();
        (folder, database)
    }

    fn round(branch: u32, number: u32) -> RoundId {
        RoundId { branch, number }
    }

    fn noise() -> Noise {
        let chain = PrivateLiteral::network();
        let noise = Protection::Calibrated(TARGET).noise(&chain, VALUES);
        noise.unwrap().unwrap()
    }

    #[test]
    fn target_should_be_used_up_after_the_rounds_that_it_was_made_for() {
        let (_folder, database) = database();
        let noise = noise();
        for number in 0..TARGET.rounds {
            let losses = Loss::all(&database).unwrap();
            assert!(allows(&losses, &noise, &TARGET).unwrap(), "{number}");
            // The same text on different branches: their losses add up.
            let loss = Loss::new(round(number, 1), 0, Some(&noise));
            loss.put(&database).unwrap();
        }
        let mut losses = Loss::all(&database).unwrap();
        assert!(!allows(&losses, &noise, &TARGET).unwrap());
        // A sum that was never decrypted costs nothing.
        losses[0].summed = false;
        assert!(allows(&losses, &noise, &TARGET).unwrap());
    }

    #[test]
    fn statement_should_follow_from_the_records_of_its_branch() {
        let (_folder, database) = database();
        let noise = noise();
        let mut loss = Loss::new(round(3, 9), 4, Some(&noise));
        loss.opened.push(17);
        loss.put(&database).unwrap();
        Loss::new(round(4, 1), 4, None).put(&database).unwrap();
        let losses = Loss::all(&database).unwrap();
        assert_eq!(losses.len(), 2);
        assert_eq!(
            Loss::get(&database, round(3, 9)).unwrap().as_ref(),
            Some(&loss)
        );
        let account = Account::of(&losses, 3, 1e-6).unwrap();
        assert_eq!(account.statement.rounds, 1);
        let epsilon = account.json().epsilon.unwrap();
        assert!(epsilon > 0.0 && epsilon < TARGET.epsilon);
        let text = account.to_string();
        assert!(text.contains("key segment 17 of round 9"), "{text}");
        assert!(!text.contains("NO NOISE"), "{text}");
    }

    #[test]
    fn round_without_noise_should_take_every_promise_back() {
        let noise = noise();
        let mut bare = Loss::new(round(0, 2), 0, None);
        let losses = [Loss::new(round(0, 1), 0, Some(&noise)), bare.clone()];
        let account = Account::of(&losses, 0, 1e-6).unwrap();
        let text = account.to_string();
        assert!(
            text.contains("NO NOISE") && text.contains("nothing is promised"),
            "{text}"
        );
        assert!(!text.contains("epsilon"), "{text}");
        assert_eq!(account.json().epsilon, None);
        assert_eq!(account.json().without_noise, [2]);
        assert!(!allows(&losses, &noise, &TARGET).unwrap());
        bare.summed = false;
        let losses = [losses[0].clone(), bare];
        let account = Account::of(&losses, 0, 1e-6).unwrap();
        assert!(account.json().epsilon.is_some());
    }

    #[test]
    fn contribution_should_count_when_it_stood_and_so_should_what_the_others_exposed() {
        let mut standing = CohortMask::default();
        standing.insert(4);
        let noise = noise();
        let of = |place| Loss::new(round(0, 1), place, Some(&noise));
        let mut stood = of(4);
        stood.open([9]);
        stood.end(&standing, Some(8..11));
        assert!(stood.over && stood.summed);
        assert_eq!(stood.opened, [9, 8, 10]);
        let mut out = of(5);
        out.end(&standing, Some(8..11));
        assert!(out.over && !out.summed);
        assert!(out.opened.is_empty());
        // Nobody exposed anything, and fewer than t answered as far as the chain shows.
        let mut undecrypted = of(4);
        undecrypted.end(&standing, None);
        assert!(undecrypted.summed && undecrypted.opened.is_empty());
    }

    #[test]
    fn opened_segments_should_be_told_of_rounds_with_and_without_noise() {
        let noise = noise();
        let mut with = Loss::new(round(0, 1), 0, Some(&noise));
        with.open([17]);
        let mut without = Loss::new(round(0, 2), 0, None);
        without.open([23]);
        let text = Account::of(&[with, without], 0, 1e-6).unwrap().to_string();
        for told in ["key segment 17 of round 1", "key segment 23 of round 2"] {
            assert!(text.contains(told), "{text}");
        }
    }

    #[test]
    fn damaged_record_should_stop_the_accounting_by_its_name() {
        let (folder, database) = database();
        Loss::new(round(0, 1), 0, None).put(&database).unwrap();
        let path = database.folder(FOLDER).join("0-1.rec");
        assert!(path.starts_with(folder.path()));
        std::fs::write(&path, b"less").unwrap();
        let error = Loss::all(&database).unwrap_err().to_string();
        assert!(error.contains("0-1.rec"), "{error}");
    }

    #[test]
    fn values_should_keep_their_room_below_the_range_whatever_the_variance() {
        let chain = PrivateLiteral::network();
        let bound = |variance| {
            let given = Protection::Given {
                norm: 1_000,
                variance,
                target: None,
            };
            let noise = given.noise(&chain, VALUES);
            noise.map(|n| n.unwrap().literal().value_bound)
        };
        assert_eq!(bound(100), Ok(dream_privacy::VALUE_BOUND));
        assert_eq!(bound(1), Ok(115));
        assert!(bound(1_000).is_err() && bound(0).is_err());
        let bare = Protection::Bare { norm: 7 };
        assert_eq!(bare.noise(&chain, VALUES), Ok(None));
        assert_eq!(bare.target(), None);
    }
}
