// SPDX-License-Identifier: GPL-3.0-or-later
//! What one contributor has given away over all rounds on one data set.

use crate::accountant::epsilon_with_tail;
use crate::noise::{Noise, NoiseError, NoiseLiteral, Target};
use core::fmt;
use dream_primitives::private::KEY_SEGMENTS;

/// A round that a contributor took part in. The integers of it are worth storing; all else follows from them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoundLoss {
    /// The round.
    pub round: u64,
    /// Noise that was added.
    pub noise: NoiseLiteral,
    /// Whether a sum with the contribution may have been decrypted: false only if the contributor knows that none was.
    pub summed: bool,
    /// Key segments of the contribution that were opened, for an audit or because a sum was out of range.
    pub opened: Vec<u16>,
}

impl RoundLoss {
    /// A round whose sum was decrypted.
    pub fn of(round: u64, noise: &Noise, opened: Vec<u16>) -> Self {
        Self {
            round,
            noise: *noise.literal(),
            summed: true,
            opened,
        }
    }
}

/// Why a ledger refused a round or a question.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum LedgerError {
    /// Twice the same round.
    #[error("round {0} is already in the ledger")]
    Repeated(u64),
    /// No such key segment.
    #[error(
        "key segment {segment} of round {round}: there are segments 0 to 63, each opened once"
    )]
    Segment {
        /// The round.
        round: u64,
        /// The segment.
        segment: u16,
    },
    /// The noise is none.
    #[error("noise of round {round}: {error}")]
    Noise {
        /// The round.
        round: u64,
        /// What is wrong.
        error: NoiseError,
    },
    /// Delta is no chance.
    #[error("delta {0} is not between 0 and 1")]
    Delta(f64),
}

/// All rounds of a contributor on one data set. Rounds in which it was not take nothing from it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ledger {
    rounds: Vec<(RoundLoss, Noise)>,
}

impl Ledger {
    /// Adds a round.
    pub fn record(&mut self, loss: RoundLoss) -> Result<(), LedgerError> {
        let round = loss.round;
        if self.rounds.iter().any(|(other, _)| other.round == round) {
            return Err(LedgerError::Repeated(round));
        }
        for (i, segment) in loss.opened.iter().enumerate() {
            if *segment >= KEY_SEGMENTS || loss.opened[..i].contains(segment) {
                let segment = *segment;
                return Err(LedgerError::Segment { round, segment });
            }
        }
        let noise = Noise::new(loss.noise).map_err(|error| LedgerError::Noise { round, error })?;
        self.rounds.push((loss, noise));
        Ok(())
    }

    /// The rounds, in the order in which they were added.
    pub fn rounds(&self) -> impl Iterator<Item = &RoundLoss> {
        self.rounds.iter().map(|(loss, _)| loss)
    }

    /// Whether the target still holds after one more sum with this noise: a contributor asks before it takes part. The number of
    /// rounds in the target is not asked for.
    pub fn allows(&self, noise: &Noise, target: &Target) -> Result<bool, LedgerError> {
        let (rho, tail) = self.summed();
        if !(target.delta > 0.0 && target.delta < 1.0) {
            return Err(LedgerError::Delta(target.delta));
        }
        let after = epsilon_with_tail(rho + noise.rho(), target.delta, tail + noise.tail());
        Ok(after.is_some_and(|epsilon| epsilon <= target.epsilon))
    }

    /// Sums of rho and of the chances of cut noise over all decrypted sums.
    fn summed(&self) -> (f64, f64) {
        let summed = self.rounds.iter().filter(|(loss, _)| loss.summed);
        summed.fold((0.0, 0.0), |(rho, tail), (_, noise)| {
            (rho + noise.rho(), tail + noise.tail())
        })
    }

    /// What all rounds together give away, at `delta` each for what was summed and for what was opened.
    pub fn statement(&self, delta: f64) -> Result<Statement, LedgerError> {
        if !(delta > 0.0 && delta < 1.0) {
            return Err(LedgerError::Delta(delta));
        }
        let (rho, tail) = self.summed();
        let (mut opened_rho, mut opened_tail) = (0.0, 0.0);
        let mut statement = Statement {
            rounds: 0,
            max_corrupt: u32::MAX,
            delta,
            epsilon: None,
            exchanged: None,
            opened: Vec::new(),
            opened_epsilon: None,
        };
        for (loss, noise) in &self.rounds {
            if loss.summed {
                statement.rounds += 1;
                let hostile = loss.noise.task.cohort.max_corrupt;
                statement.max_corrupt = statement.max_corrupt.min(hostile);
            }
            if !loss.opened.is_empty() {
                statement.opened.push((loss.round, loss.opened.clone()));
                // The norm bounds all segments of a round together.
                opened_rho += noise.opened_rho();
                opened_tail += noise.opened_tail() * loss.opened.len() as f64;
            }
        }
        statement.epsilon = epsilon_with_tail(rho, delta, tail);
        // Another vector is at most twice the norm away.
        statement.exchanged = epsilon_with_tail(4.0 * rho, delta, tail);
        statement.opened_epsilon = epsilon_with_tail(opened_rho, delta, opened_tail);
        Ok(statement)
    }
}

/// What a contributor can be told. An epsilon is missing where there is no guarantee: it would be so large that the noise cut off at
/// the range outweighs delta.
#[derive(Clone, PartialEq, Debug)]
pub struct Statement {
    /// Rounds whose sums were decrypted.
    pub rounds: u32,
    /// Hostile contributors in each of them against which it holds.
    pub max_corrupt: u32,
    /// Delta of each epsilon.
    pub delta: f64,
    /// With against without the contributor's data (zeros in their place), for all values that were not opened.
    pub epsilon: Option<f64>,
    /// With the contributor's data against with any other.
    pub exchanged: Option<f64>,
    /// Opened key segments by round: public, and not in the statement.
    pub opened: Vec<(u64, Vec<u16>)>,
    /// With against without, for the opened values by the contributor's own noise alone.
    pub opened_epsilon: Option<f64>,
}

/// "epsilon 1.235, delta 1e-6", raised to three decimals, or that there is no guarantee.
struct Guarantee(Option<f64>, f64);

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(epsilon) => {
                let raised = (epsilon * 1_000.0).ceil() / 1_000.0;
                write!(f, "epsilon {raised:.3}, delta {:e}", self.1)
            }
            None => f.write_str("no guarantee"),
        }
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, delta, .. } = self;
        if *rounds == 0 {
            write!(f, "no sum with this contributor was decrypted")?;
        } else {
            let of = |epsilon| Guarantee(epsilon, *delta);
            let sums = if *rounds == 1 { "sum" } else { "sums" };
            writeln!(f, "{rounds} {sums} decrypted: {}", of(self.epsilon))?;
            writeln!(f, "  with this contributor's data against zeros in their place; against other data: {}", of(self.exchanged))?;
            write!(
                f,
                "  towards all who see the sums, with up to {} hostile contributors in each and a committee below its threshold",
                self.max_corrupt
            )?;
        }
        if self.opened.is_empty() {
            return Ok(());
        }
        write!(f, "\n  not covered, for it is public:")?;
        for (round, segments) in &self.opened {
            for segment in segments {
                write!(f, " key segment {segment} of round {round};")?;
            }
        }
        let own = Guarantee(self.opened_epsilon, *delta);
        write!(f, " by its own noise alone: {own}")
    }
}
