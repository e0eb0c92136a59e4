// SPDX-License-Identifier: GPL-3.0-or-later
//! A claim's whole history, and why it was paid what it was paid.

use crate::amount;
use crate::error::WorkerError;
use crate::roles::verify::nats;
use dream_chain::{AccountId, At, Chain, ClaimRecord, Event, Round, Trial, Valuation};
use dream_primitives::claim::{Availability, Verdict};
use dream_primitives::emission::round_pay;
use dream_primitives::math::mul_div;
use dream_primitives::params::RewardParameters;
use dream_primitives::registry::RoundTerms;
use dream_primitives::round::{ClaimState, Finding, Phase, Receipt, Role};
use dream_primitives::trial::Level;
use dream_primitives::value::{score_units, ScoreStage};
use dream_primitives::{Balance, BlockNumber, H256};
use serde::Serialize;
use std::fmt;

/// All that is to be said of a claim.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// Claim.
    pub id: H256,
    /// All that the chain keeps of it.
    pub record: ClaimRecord,
    /// Its trial, while it has one.
    pub trial: Option<Trial>,
    /// Why it ended so.
    pub why: String,
    /// Why each receipt is what it is.
    pub payments: Vec<String>,
    /// Trials, losses and awards.
    pub affairs: Vec<Affair>,
    /// What its round's version was worth on a held-out shard, and to whom that was paid; empty where it was not scored.
    pub value: Vec<String>,
}

/// Something that happened to a claim, from the chain's events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Affair {
    /// Block.
    pub block: BlockNumber,
    /// What happened; `None` when the node keeps the block's events no more.
    pub what: Option<String>,
}

/// The events of the blocks in which the claim moved.
async fn affairs(
    chain: &dyn Chain,
    id: H256,
    record: &ClaimRecord,
) -> Result<Vec<Affair>, WorkerError> {
    // Nothing is judged before the reveals are in.
    let judged = record.history.iter().filter(|h| judged(h.state));
    let mut blocks: Vec<BlockNumber> = judged.map(|h| h.block).collect();
    blocks.dedup();
    let mut affairs = Vec::new();
    for block in blocks {
        match chain.events(block).await? {
            None => affairs.push(Affair { block, what: None }),
            Some(events) => {
                let about = |e: &&Event| e.field::<H256>("claim") == Some(id);
                let told = events.iter().filter(about).filter_map(affair);
                affairs.extend(told.map(|what| Affair {
                    block,
                    what: Some(what),
                }));
            }
        }
    }
    Ok(affairs)
}

/// Whether somebody judged when a claim came to a state.
fn judged(state: ClaimState) -> bool {
    !matches!(
        state,
        ClaimState::Claimed
            | ClaimState::Drawn
            | ClaimState::Opened
            | ClaimState::Available
            | ClaimState::Committed
            | ClaimState::Revealed
            | ClaimState::Vested
            | ClaimState::Reverted
    )
}

/// An event in words; `None` for those that the claim's record tells too.
fn affair(event: &Event) -> Option<String> {
    let who = || event.field::<AccountId>("account");
    let tokens = |name: &str| event.field::<Balance>(name).map(amount);
    match event.name.as_str() {
        "BondSlashed" => Some(format!(
            "{} loses {} of its bond, {} of it burned",
            who()?,
            tokens("amount")?,
            tokens("burned")?
        )),
        "BondBurned" => Some(format!("{} loses {}, burned", who()?, tokens("amount")?)),
        "BondAwarded" => Some(format!(
            "{} was right and gets {}",
            who()?,
            tokens("amount")?
        )),
        "TrialOpened" => Some(format!("{:?} called", event.field::<Level>("level")?)),
        "Judged" => {
            let level = event.field::<Level>("level")?;
            let verdict: Option<Verdict> = event.field("verdict")?;
            Some(match verdict {
                Some(verdict) => format!("two thirds of the {level:?} say {verdict:?}"),
                None => format!("the {level:?} came to no verdict"),
            })
        }
        "ProfileCapped" => Some(format!(
            "receipts are cut by {}: its profile's claims may earn no more on its verifiers' bonds",
            tokens("cut")?
        )),
        _ => None,
    }
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
        trial: chain.trial(at, id).await?,
        affairs: affairs(chain, id, &record).await?,
        value: match chain.valuation(at, record.claim.round).await? {
            Some(valuation) => value(&valuation, round.as_ref().map(|r| r.phase), terms.as_ref()),
            None => Vec::new(),
        },
        why: outcome(&record),
        payments,
        record,
    })
}

/// What scorers found of a round's version, and what each of them gets.
fn value(valuation: &Valuation, phase: Option<Phase>, terms: Option<&RoundTerms>) -> Vec<String> {
    let samples = valuation.shard.samples;
    let mut lines = vec![match (&valuation.settled, valuation.stage) {
        (Some(report), _) => format!(
            "the round's version has {:.4} nats a token on {samples} held-out samples, its parent {:.4}",
            nats(report.version.total, samples),
            nats(report.parent.total, samples)
        ),
        (None, ScoreStage::Done) if valuation.cid.is_none() => {
            "not scored: the held-out shard was not opened".into()
        }
        (None, ScoreStage::Done) => "not scored: no two thirds of the scorers agreed".into(),
        (None, stage) => format!("being scored on {samples} held-out samples: {stage:?}"),
    }];
    let units = terms.map_or(0, |t| {
        score_units(samples, t.recipe.context, t.funding.units_per_token())
    });
    for seat in &valuation.seats {
        let what = match (&seat.report, &valuation.settled) {
            (None, _) => "nothing revealed".into(),
            (Some(_), None) => "revealed".into(),
            (report, settled) if report != settled => "another score: not paid".into(),
            _ if seat.reward == 0 && phase == Some(Phase::Closed) => {
                format!("the agreed score, {units} units, paid out")
            }
            _ if seat.reward == 0 => format!("the agreed score, {units} units"),
            _ => format!(
                "the agreed score, paid {} for {units} units",
                amount(seat.reward)
            ),
        };
        lines.push(format!("scorer {}: {what}", seat.scorer));
    }
    lines
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
        state if state.accepted() => accepted(record, matching, seats),
        ClaimState::Canary if !record.earns() => {
            "it was faked on duty, as the miner's canary flag shows, and fewer than two thirds of the verifiers found its states to be what training gives: never merged, not paid".into()
        }
        ClaimState::Canary => format!(
            "it was faked on duty, as the miner's canary flag shows: never merged, paid a flat fee; {matching} of {seats} verifiers confirmed it without having run it and lost their seat bonds"
        ),
        ClaimState::Slashed => format!(
            "a jury of all verifiers of its profile replayed it and got other hashes than the miner claimed: the bond of the claim is lost; in the first committee {against} of {seats} had found the same"
        ),
        ClaimState::Rejected if record.ends.is_empty() => {
            "the miner did not open its digests in time; its availability deposit is lost".into()
        }
        ClaimState::Rejected => {
            "the miner did not open its canary flag in time; its availability deposit is lost".into()
        }
        ClaimState::Void if seats == 0 => "no verifier of the claim's profile could be drawn".into(),
        ClaimState::Void if record.initial_state.is_none() => {
            "the miner did not open the start states in time; its availability deposit is lost".into()
        }
        ClaimState::Void if record.newcomer && record.challenges() == 0 => format!(
            "{matching} of {seats} verifiers got the same hashes, fewer than two thirds: a newcomer's claim, which has no bond, gets no larger committee"
        ),
        ClaimState::Void => {
            let lack = |s: &dream_chain::Seat| s.availability == Some(Availability::Lack);
            match record.committee.iter().filter(|s| lack(s)).count() {
                0 => "its jury came to no verdict: nobody is slashed but the silent".into(),
                n => format!("{n} of {seats} verifiers could not get the claim's blobs, and its jury could not either, or came to no verdict"),
            }
        }
        state => format!("it is {state:?}: not settled yet"),
    }
}

/// What a trial found, in words.
fn found(finding: &Finding) -> String {
    match finding {
        Finding::Report(report) => format!("the trial agreed on the report {report:?}"),
        Finding::Faked => "an audited segment is not what the claim says".into(),
    }
}

/// Whether a claim came to a state.
fn passed(record: &ClaimRecord, state: ClaimState) -> bool {
    record.history.iter().any(|h| h.state == state)
}

/// Why an accepted claim was accepted.
fn accepted(record: &ClaimRecord, matching: usize, seats: usize) -> String {
    let mut why = if passed(record, ClaimState::OnTrial) {
        format!("{matching} of {seats} verifiers got the same hashes, so the jury of its profile judged: two thirds of its bond upheld the claim")
    } else if passed(record, ClaimState::Escalated) {
        format!("{matching} of {seats} verifiers got the same hashes, so a larger committee replayed: two thirds of it upheld the claim")
    } else {
        format!("{matching} of {seats} verifiers got the same hashes; two thirds are enough")
    };
    match record.challenges() {
        0 => {}
        n if record.state == ClaimState::Challenged => {
            why += &format!("; challenged {n} times, the last challenge is being judged");
        }
        n => why += &format!("; challenged {n} times and upheld"),
    }
    why
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
    let share = mul_div(pot, receipt.units, units).unwrap_or(0);
    let canary = record.state == ClaimState::Canary || record.flag == Some(true);
    let most = match receipt.role {
        Role::Miner if canary => rewards.canary_fee,
        Role::Miner => rewards.max_claim_reward,
        Role::Verifier => Balance::MAX,
    };
    if most < share {
        let what = if canary {
            "a canary's fee is at most"
        } else {
            "a claim is paid at most"
        };
        text += &format!("; {what} {}", amount(most));
    }
    if receipt.amount < share.min(most) {
        text += &format!(
            "; cut from {}: what the profile's claims may earn while unvested is bounded by its verifiers' bonds",
            amount(share.min(most))
        );
    }
    if round.phase == Phase::Closed {
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
        let flag = match r.flag {
            Some(true) => "canary: faked on duty",
            Some(false) => "no canary",
            None => "not open",
        };
        writeln!(f, "flag      {flag}")?;
        if let Some(trial) = &self.trial {
            writeln!(
                f,
                "trial     {:?} of {} seats, in {:?} until block {}, segments {:?}",
                trial.level,
                trial.seats,
                trial.stage,
                trial.deadline,
                trial.segments.as_slice()
            )?;
        }
        if let Some(finding) = r.finding {
            writeln!(f, "finding   {}", found(&finding))?;
        }
        for verifier in &r.larger {
            writeln!(f, "larger    {verifier}: right, in the larger committee")?;
        }
        for affair in &self.affairs {
            let what = affair.what.as_deref();
            let what = what.unwrap_or("the node keeps this block's events no more");
            writeln!(f, "block {:>8}  {what}", affair.block)?;
        }
        for line in &self.value {
            writeln!(f, "value     {line}")?;
        }
        for (receipt, why) in r.receipts.iter().zip(&self.payments) {
            writeln!(f, "paid      {:?} {}: {why}", receipt.role, receipt.account)?;
        }
        write!(f, "why       {}", self.why)
    }
}
