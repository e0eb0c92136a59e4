// SPDX-License-Identifier: GPL-3.0-or-later
//! A claim's whole history, and why it was paid what it was paid.

use crate::amount;
use crate::error::WorkerError;
use dream_chain::{At, Chain, ClaimRecord, Round};
use dream_primitives::claim::{Availability, Verdict};
use dream_primitives::emission::round_pay;
use dream_primitives::params::RewardParameters;
use dream_primitives::registry::RoundTerms;
use dream_primitives::round::{ClaimState, Receipt, Role};
use dream_primitives::H256;
use serde::Serialize;
use std::fmt;

/// All that is to be said of a claim.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Claim.
    pub id: H256,
    /// All that the chain keeps of it.
    pub record: ClaimRecord,
    /// Why it ended so.
    pub why: String,
    /// Why each receipt is what it is.
    pub payments: Vec<String>,
}

/// Reads a claim and explains it.
pub async fn read(chain: &dyn Chain, id: H256) -> Result<Explanation, WorkerError> {
    let at = At::from(chain.finalised().await?);
    let Some(record) = chain.claim(at, id).await? else {
        return Err(WorkerError::UnknownClaim(id));
    };
    let round = chain.round(at, record.claim.round).await?;
    let terms = chain.terms(at, record.claim.round).await?;
    let rewards = chain.parameters(at).await?.rewards;
    let payments = record
        .receipts
        .iter()
        .map(|r| payment(r, &record, round.as_ref(), terms.as_ref(), &rewards))
        .collect();
    Ok(Explanation {
        id,
        why: outcome(&record),
        payments,
        record,
    })
}

/// Why a claim ended as it did.
pub fn outcome(record: &ClaimRecord) -> String {
    let seats = record.committee.len();
    let count = |verdict| {
        record
            .committee
            .iter()
            .filter(|s| s.verdict == Some(verdict))
            .count()
    };
    let (matching, against) = (count(Verdict::Match), count(Verdict::Mismatch));
    match record.state {
        state if state.accepted() => {
            format!("{matching} of {seats} verifiers got the same hashes; two thirds are enough")
        }
        ClaimState::Rejected if against > 0 => format!(
            "{against} of {seats} verifiers replayed segments {:?} and got other hashes than the miner claimed",
            record.audited.as_slice()
        ),
        ClaimState::Rejected => "the miner did not open its digests in time".into(),
        ClaimState::Void if seats == 0 => "no verifier of the claim's profile could be drawn".into(),
        ClaimState::Void if record.initial_state.is_none() => {
            "the miner did not open the start states in time; its availability deposit is lost".into()
        }
        ClaimState::Void => {
            let lack = |s: &dream_chain::Seat| s.availability == Some(Availability::Lack);
            match record.committee.iter().filter(|s| lack(s)).count() {
                0 => "too many verifiers were silent for a verdict".into(),
                n => format!("{n} of {seats} verifiers could not get the claim's blobs; its availability deposit is lost"),
            }
        }
        state => format!("it is {state:?}: not settled yet"),
    }
}

/// Why a receipt is what it is: the formula with its numbers.
pub fn payment(
    receipt: &Receipt<dream_chain::AccountId>,
    record: &ClaimRecord,
    round: Option<&Round>,
    terms: Option<&RoundTerms>,
    rewards: &RewardParameters,
) -> String {
    let (segments, of) = match receipt.role {
        Role::Miner => (u64::from(record.claim.segments), "trained"),
        Role::Verifier => (record.audited.len() as u64, "replayed"),
    };
    let mut text = format!("{} for {} units", amount(receipt.amount), receipt.units);
    if let Some(terms) = terms {
        let tokens = terms.recipe.segment_tokens();
        let unit = terms.funding.units_per_token();
        text += &format!(" = {segments} segments {of} x {tokens} tokens x {unit} units a token");
    }
    let Some(round) = round.filter(|r| r.emission > 0) else {
        return text;
    };
    let all = round.units.saturating_add(round.audit_units);
    let pay = round_pay(rewards, round.emission, all);
    let (pot, units, whose) = match receipt.role {
        Role::Miner => (pay.miners, round.units, "miners"),
        Role::Verifier => (pay.verifiers, round.audit_units, "verifiers"),
    };
    let total = pay.miners + pay.verifiers + pay.producers + pay.treasury;
    text += &format!(
        "; the round paid {} = min(emission {}, {all} units x {}), of it {} to {whose}; their share is {} / {units} units",
        amount(total),
        amount(round.emission),
        amount(rewards.max_unit_price),
        amount(pot),
        receipt.units,
    );
    if receipt.role == Role::Miner && receipt.amount == rewards.max_claim_reward {
        text += &format!("; capped at {} a claim", amount(rewards.max_claim_reward));
    }
    // Receipts are paid out and the claim's bond is freed in one step.
    if record.bond == 0 {
        return text + "; paid out";
    }
    text + &format!(
        "; vests at block {}, or earlier when a later round is paid",
        receipt.vests_at
    )
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (r, c) = (&self.record, &self.record.claim);
        writeln!(f, "claim     {:?}", self.id)?;
        writeln!(f, "miner     {}", r.miner)?;
        writeln!(
            f,
            "round     {} of branch {}, base {:?}",
            c.round.number, c.round.branch, c.base
        )?;
        writeln!(
            f,
            "delta     {:?} in {}",
            c.delta_root,
            dream_store::text(&c.delta_cid)
        )?;
        writeln!(
            f,
            "segments  {} trained, audited {:?}",
            c.segments,
            r.audited.as_slice()
        )?;
        writeln!(f, "bond      {} locked", amount(r.bond))?;
        for entry in &r.history {
            writeln!(f, "block {:>8}  {:?}", entry.block, entry.state)?;
        }
        for seat in &r.committee {
            let word = match seat.availability {
                Some(Availability::Have) => "has the blobs",
                Some(Availability::Lack) => "lacks the blobs",
                None => "gave no word on the blobs",
            };
            let verdict = match (seat.commitment, seat.verdict) {
                (_, Some(Verdict::Match)) => "replay matches",
                (_, Some(Verdict::Mismatch)) => "replay does NOT match",
                (Some(_), None) => "committed, not revealed",
                (None, None) => "not committed",
            };
            writeln!(f, "verifier  {}: {word}, {verdict}", seat.verifier)?;
        }
        for (receipt, why) in r.receipts.iter().zip(&self.payments) {
            writeln!(f, "paid      {:?} {}: {why}", receipt.role, receipt.account)?;
        }
        write!(f, "why       {}", self.why)
    }
}
