// SPDX-License-Identifier: GPL-3.0-or-later
//! The words for a vote and its weight.

use super::{Basis, Standing, Sums, VoteExplanation};
use crate::amount;
use dream_chain::{AccountVote, ProposalOrigin, Referendum, SystemOrigin};
use dream_primitives::credits::RING;
use dream_primitives::voting::with_conviction;
use dream_primitives::Balance;
use std::fmt;

/// The formula with its numbers; `again` is what it gives now, where `weight` is what it gave.
pub(super) fn formula(
    tokens: Balance,
    credits: Option<u128>,
    issuance: Balance,
    total: u128,
    weight: Balance,
    again: Balance,
) -> String {
    let Some(credits) = credits else {
        return format!(
            "{} by {} tokens named; the credits of that epoch are kept no more",
            amount(weight),
            amount(tokens)
        );
    };
    let root = format!(
        "sqrt({} x {credits} credits x {} issuance / {total} credits of all)",
        amount(tokens),
        amount(issuance)
    );
    match again == weight {
        true => format!("{root} = {}", amount(weight)),
        false => format!(
            "{} when it was cast; now {root} = {}",
            amount(weight),
            amount(again)
        ),
    }
}

/// Why a weight is nothing.
pub(super) fn zero(basis: &Basis, tokens: Balance, credits: Option<u128>) -> String {
    let Some((epoch, (_, last))) = basis.epoch.zip(basis.blocks) else {
        return "the referendum was submitted in the chain's first credit epoch: credits count as of the epoch before, and there was none, so nobody weighs anything in it".into();
    };
    match credits {
        None => format!(
            "the credits as of epoch {epoch} are kept no more (the chain keeps {RING} epochs)"
        ),
        Some(0) => format!(
            "no credits as of block {last}, the end of epoch {epoch}: claims had not vested by then, or a jury has taken the credits since; credits that came later count in later referenda"
        ),
        Some(_) if tokens == 0 => "no tokens: credits alone weigh nothing".into(),
        Some(_) => "tokens and credits are so few that the root is below the smallest unit".into(),
    }
}

/// The origin's name, as proposals give it.
fn named(origin: ProposalOrigin) -> String {
    match origin {
        ProposalOrigin::System(SystemOrigin::Root) => "Root".into(),
        ProposalOrigin::Track(track) => format!("{track:?}"),
    }
}

pub(super) fn state(info: &Referendum) -> String {
    match info {
        Referendum::Ongoing(o) => format!(
            "under way on track {} as {}, submitted in block {}{}",
            o.track,
            named(o.origin),
            o.submitted,
            match o.deciding.map(|d| d.confirming) {
                None => String::from(", not being decided yet"),
                Some(None) => String::from(", being decided"),
                Some(Some(end)) => format!(", passes at block {end} if nothing changes"),
            }
        ),
        Referendum::Approved(block, ..) => format!("approved at block {block}"),
        Referendum::Rejected(block, ..) => format!("rejected at block {block}"),
        Referendum::Cancelled(block, ..) => format!("cancelled at block {block}"),
        Referendum::TimedOut(block, ..) => format!("timed out at block {block}"),
        Referendum::Killed(block) => format!("killed at block {block}"),
    }
}

pub(super) fn says(standing: &Standing) -> String {
    match standing {
        Standing::Nothing => "nothing".into(),
        Standing::Delegates {
            to,
            balance,
            conviction,
        } => format!(
            "delegates {} with conviction {conviction} to {to}",
            amount(*balance)
        ),
        Standing::Votes(AccountVote::Standard { vote, balance }) => format!(
            "{} with {} and conviction {}",
            if vote.aye { "aye" } else { "nay" },
            amount(*balance),
            vote.conviction
        ),
        Standing::Votes(AccountVote::Split { aye, nay }) => {
            format!("split: {} aye, {} nay", amount(*aye), amount(*nay))
        }
        Standing::Votes(AccountVote::SplitAbstain { aye, nay, abstain }) => format!(
            "split: {} aye, {} nay, {} abstaining",
            amount(*aye),
            amount(*nay),
            amount(*abstain)
        ),
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ayes {}, nays {}, support {}",
            amount(self.ayes),
            amount(self.nays),
            amount(self.support)
        )
    }
}

impl fmt::Display for VoteExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "account   {}", self.account)?;
        writeln!(
            f,
            "question  referendum {}: {}",
            self.referendum, self.state
        )?;
        if let Some(tally) = &self.tally {
            writeln!(f, "tally     {tally}")?;
        }
        let frozen = match self.frozen {
            0 => String::new(),
            tokens => format!("; {} frozen on this track", amount(tokens)),
        };
        writeln!(f, "says      {}{frozen}", self.says)?;
        if let Some((epoch, (first, last))) = self.credits.epoch.zip(self.credits.blocks) {
            let total = match self.credits.total {
                Some(total) => format!("all accounts together had {total}"),
                None => "kept no more".into(),
            };
            writeln!(
                f,
                "credits   as of the end of credit epoch {epoch} (blocks {first} to {last}): {total}"
            )?;
        }
        for weight in &self.weights {
            let whose = match weight.account == self.account {
                true => "own".to_owned(),
                false => format!("of {}", weight.account),
            };
            let tense = if self.counted { "" } else { "would be: " };
            writeln!(
                f,
                "weight    {whose}: {tense}{}; conviction {} makes it {}",
                weight.formula,
                weight.conviction,
                amount(with_conviction(weight.weight, weight.conviction))
            )?;
            if let Some(zero) = &weight.zero {
                writeln!(f, "zero      {zero}")?;
            }
        }
        if self.counted {
            let poke = match (&self.poked, &self.tally) {
                (Some(poked), _) => format!("; after a poke {poked}"),
                (None, Some(_)) => "; a poke would change nothing".into(),
                (None, None) => String::new(),
            };
            writeln!(f, "adds      {}{poke}", self.adds)?;
        }
        write!(f, "why       {}", self.words())
    }
}

impl VoteExplanation {
    fn words(&self) -> String {
        match self.why.is_empty() {
            true => "sqrt(tokens x credits x issuance / credits of all) in tokens, then conviction"
                .into(),
            false => self.why.join("; "),
        }
    }
}
