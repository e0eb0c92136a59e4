// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the branch, the round and the account stand.

use super::decimal;
use crate::amount;
use crate::error::WorkerError;
use crate::roles::verify::nats;
use dream_chain::{AccountId, At, BlockRef, Chain, PrivateChain, PrivateRound, Valuation};
use dream_primitives::credits::step_of;
use dream_primitives::private::round::PrivatePhase;
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::value::{ScoreRecord, ScoreStage};
use dream_primitives::{BlockNumber, BranchId, H256};
use serde::Serialize;
use std::fmt;

/// Scores that the text shows; JSON has all.
const SHOWN: usize = 8;

/// The whole status.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Genesis hash of the chain.
    pub genesis: H256,
    /// Latest finalised block.
    pub block: BlockRef,
    /// Branch.
    pub branch: BranchId,
    /// Number of the head.
    pub version: u32,
    /// Hash of the head.
    pub head: H256,
    /// Whether it earns.
    pub admitted: bool,
    /// Whether governance froze the branch: no round opens on it.
    pub frozen: bool,
    /// Newest round.
    pub round: Option<RoundStatus>,
    /// Newest private round, where the branch has a sponsor or had one.
    pub private: Option<PrivateStatus>,
    /// Improvement record of the branch, oldest first.
    pub scores: Vec<Score>,
    /// Held-out shards that wait to score the branch.
    pub shards: usize,
    /// The account of the key that was given.
    pub account: Option<AccountStatus>,
    /// What the account or the branch waits for.
    pub waiting_for: String,
}

/// A round in short.
#[derive(Clone, Debug, Serialize)]
pub struct RoundStatus {
    /// Number on the branch.
    pub number: u32,
    /// Phase.
    pub phase: Phase,
    /// First block after the phase's time.
    pub deadline: BlockNumber,
    /// Acts that the phase still waits for.
    pub awaiting: u32,
    /// Claims made.
    pub claims: u32,
    /// Claims accepted.
    pub accepted: u32,
}

/// A private round in short.
#[derive(Clone, Debug, Serialize)]
pub struct PrivateStatus {
    /// Number on the branch.
    pub number: u32,
    /// Phase.
    pub phase: PrivatePhase,
    /// First block after the phase's time.
    pub deadline: BlockNumber,
    /// Epoch whose key it uses.
    pub epoch: u32,
    /// Accounts that registered; later the cohort.
    pub participants: u32,
    /// Contributions that stand.
    pub standing: u32,
    /// Acts that the phase still waits for.
    pub awaiting: u32,
}

impl From<&PrivateRound> for PrivateStatus {
    fn from(round: &PrivateRound) -> Self {
        Self {
            number: round.id.number,
            phase: round.phase,
            deadline: round.deadline,
            epoch: round.epoch,
            participants: round.participants,
            standing: round.standing.count(),
            awaiting: round.awaiting,
        }
    }
}

/// An entry of the improvement record.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Number of the round.
    pub round: u32,
    /// The scored version.
    pub version: H256,
    /// Mean loss of its parent on the round's shard, nats a token.
    pub parent_loss: f64,
    /// Mean loss of the version, nats a token.
    pub version_loss: f64,
    /// Samples of the shard.
    pub samples: u32,
    /// Whether the version became the head.
    pub promoted: bool,
}

impl From<&ScoreRecord> for Score {
    fn from(record: &ScoreRecord) -> Self {
        Self {
            round: record.round,
            version: record.version,
            parent_loss: nats(record.report.parent.total, record.samples),
            version_loss: nats(record.report.version.total, record.samples),
            samples: record.samples,
            promoted: record.promoted,
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.promoted {
            true => "promoted",
            false => "NOT promoted",
        };
        write!(
            f,
            "round {}: {:.4} nats a token, {:.4} before, on {} samples: {outcome}",
            self.round, self.version_loss, self.parent_loss, self.samples
        )
    }
}

/// An account in short.
#[derive(Clone, Debug, Serialize)]
pub struct AccountStatus {
    /// Account.
    pub account: AccountId,
    /// Spendable tokens, smallest unit.
    #[serde(serialize_with = "decimal")]
    pub free: u128,
    /// Bonded, smallest unit.
    #[serde(serialize_with = "decimal")]
    pub bonded: u128,
    /// Of it locked, smallest unit.
    #[serde(serialize_with = "decimal")]
    pub locked: u128,
    /// Compute credits now.
    #[serde(serialize_with = "decimal")]
    pub credits: u128,
    /// Calibration leaf on the branch.
    pub profile: Option<H256>,
    /// Whether it is enlisted as a verifier.
    pub verifier: bool,
    /// Its claim in the newest round.
    pub claim: Option<(H256, ClaimState)>,
    /// Claims of the newest round that it audits.
    pub audits: Vec<H256>,
    /// Claims in whose larger committee or jury it sits.
    pub trials: Vec<H256>,
    /// Whether it is drawn to score the newest round's merge.
    pub scorer: bool,
}

/// Reads the status; `account` is left out where no key was given.
pub async fn read(
    chain: &dyn Chain,
    branch: BranchId,
    account: Option<AccountId>,
) -> Result<Status, WorkerError> {
    let block = chain.finalised().await?;
    let at = At::from(block);
    let Some(info) = chain.branch(at, branch).await? else {
        let branches = chain.next_branch(at).await?;
        return Err(WorkerError::UnknownBranch { branch, branches });
    };
    let round = chain.current_round(at, branch).await?;
    let valuation = match &round {
        Some(round) => chain.valuation(at, round.id).await?,
        None => None,
    };
    let account = match account {
        Some(account) => Some(of_account(chain, at, block, branch, account).await?),
        None => None,
    };
    let round = round.map(|r| RoundStatus {
        number: r.id.number,
        phase: r.phase,
        deadline: r.deadline,
        awaiting: r.awaiting,
        claims: r.claims,
        accepted: r.accepted,
    });
    let mixture = chain.mixture(at, branch).await?.is_some();
    let sponsored = chain.job(at, branch).await?.is_some();
    let private = chain.last_private_round(at, branch).await?;
    let private = private.as_ref().map(PrivateStatus::from);
    let training = |r: &RoundStatus| !matches!(r.phase, Phase::Vesting | Phase::Closed);
    let moving = round.as_ref().is_some_and(training)
        || private
            .as_ref()
            .is_some_and(|p| p.phase != PrivatePhase::Closed);
    let waiting_for = match &private {
        _ if info.frozen && !moving => "governance, to unfreeze the branch".into(),
        _ if !sponsored => waiting(
            info.admission.is_some(),
            mixture,
            round.as_ref(),
            valuation.as_ref(),
            account.as_ref(),
        ),
        Some(private) => waiting_private(private.phase).into(),
        None => waiting_private(PrivatePhase::Closed).into(),
    };
    let header = chain.version(at, info.head).await?;
    Ok(Status {
        genesis: chain.genesis(),
        block,
        branch,
        version: header.map_or(0, |h| h.number),
        head: info.head,
        admitted: info.admission.is_some(),
        frozen: info.frozen,
        waiting_for,
        round,
        private,
        scores: chain
            .scores(at, branch)
            .await?
            .iter()
            .map(Score::from)
            .collect(),
        shards: chain.shards(at, branch).await?.len(),
        account,
    })
}

async fn of_account(
    chain: &dyn Chain,
    at: At,
    block: BlockRef,
    branch: BranchId,
    account: AccountId,
) -> Result<AccountStatus, WorkerError> {
    let (balance, bond) = (
        chain.balance(at, account).await?,
        chain.bond(at, account).await?,
    );
    let half_life = chain.parameters(at).await?.rewards.credit_half_life;
    let round = chain.current_round(at, branch).await?;
    let claimed = match &round {
        Some(round) => chain.claim_of(at, round.id, account).await?,
        None => None,
    };
    let claim = match claimed {
        Some(id) => chain.claim(at, id).await?.map(|r| (id, r.state)),
        None => None,
    };
    let audits = chain.audits(at, branch, account).await?;
    let trials = chain.trials(at, account).await?;
    let valuation = match &round {
        Some(round) => chain.valuation(at, round.id).await?,
        None => None,
    };
    let drawn = |v: &Valuation| v.seats.iter().any(|s| s.scorer == account);
    Ok(AccountStatus {
        account,
        free: balance.free,
        bonded: bond.total,
        locked: bond.locked,
        credits: chain
            .credits(at, account)
            .await?
            .at(step_of(block.number, half_life)),
        profile: chain.profile(at, branch, account).await?.map(|p| p.leaf),
        verifier: chain.verifiers(at, branch).await?.contains(&account),
        claim,
        audits: audits.into_iter().map(|a| a.id).collect(),
        trials: trials.into_iter().map(|t| t.id).collect(),
        scorer: valuation.as_ref().is_some_and(drawn),
    })
}

fn waiting(
    admitted: bool,
    mixture: bool,
    round: Option<&RoundStatus>,
    valuation: Option<&Valuation>,
    account: Option<&AccountStatus>,
) -> String {
    if !admitted {
        return "governance, to admit the branch".into();
    }
    if !mixture {
        return "governance, to give the branch data".into();
    }
    match account {
        Some(a) if a.bonded == 0 => return "a bond: `dream-worker bond AMOUNT`".into(),
        Some(a) if a.profile.is_none() => return "a profile: `dream-worker profile`".into(),
        _ => {}
    }
    let Some(round) = round else {
        return "the first round to open".into();
    };
    let who = match round.phase {
        Phase::Seeding | Phase::Drawing => "block randomness",
        Phase::Training => "claims",
        Phase::Opening => "miners, to open start states",
        Phase::Availability => "verifiers, to say whether they have the blobs",
        Phase::Commitment => "verifiers, to replay and commit",
        Phase::DigestOpening => "miners, to open digests",
        Phase::Reveal => "verifiers, to reveal",
        Phase::FlagOpening => "miners, to open their canary flags",
        Phase::Escalation => "larger committees",
        Phase::Jury => "juries",
        Phase::Merging => "a merger",
        Phase::Dispute => "the end of the dispute window",
        Phase::Valuation => match valuation.map(|v| (v.stage, v.cid)) {
            Some((ScoreStage::Opening, None)) => "the steward, to open the held-out shard",
            Some((ScoreStage::Opening, Some(_))) => "block randomness, to draw scorers",
            Some((ScoreStage::Commitment, _)) => "scorers, to run the versions and commit",
            _ => "scorers, to reveal",
        },
        _ => "the next round",
    };
    who.into()
}

/// What a private round waits for.
fn waiting_private(phase: PrivatePhase) -> &'static str {
    match phase {
        PrivatePhase::Registration => "contributors, to register",
        PrivatePhase::Drawing | PrivatePhase::Sampling => "block randomness",
        PrivatePhase::Commitment => "contributors, to train, encrypt and commit",
        PrivatePhase::Opening => "contributors, to publish their ciphertexts",
        PrivatePhase::Disclosure => "audited contributors, to open a key segment",
        PrivatePhase::Audit => "auditors, to check the contributions",
        PrivatePhase::Summing => "an aggregator",
        PrivatePhase::SumDispute | PrivatePhase::VersionDispute => "the end of the dispute window",
        PrivatePhase::Decryption => "members of the committee, to answer",
        PrivatePhase::ShardOpening => "the steward, to open the held-out shard",
        PrivatePhase::Combination => "auditors, to combine, merge, score and commit",
        PrivatePhase::Reveal => "auditors, to reveal",
        PrivatePhase::Exposure => "contributors, to open the segment whose sum is out of range",
        PrivatePhase::Blame => "auditors, to find who sent it",
        PrivatePhase::Closing => "bonds to be freed",
        PrivatePhase::Closed => {
            "a committee's key with answers left, and an escrow that holds fee and reward"
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "chain     {:?}, finalised block {}",
            self.genesis, self.block.number
        )?;
        let admitted = if self.admitted { "" } else { " (not admitted)" };
        let frozen = if self.frozen { " (frozen)" } else { "" };
        writeln!(
            f,
            "branch    {}{admitted}{frozen}: version {} {:?}",
            self.branch, self.version, self.head
        )?;
        if let Some(r) = &self.round {
            writeln!(
                f,
                "round     {} in {:?} until block {}: {} claims, {} accepted, {} acts awaited",
                r.number, r.phase, r.deadline, r.claims, r.accepted, r.awaiting
            )?;
        }
        if let Some(p) = &self.private {
            writeln!(
                f,
                "private   round {} in {:?} until block {}: {} contributors, {} in the sum, {} acts awaited, key of epoch {}",
                p.number, p.phase, p.deadline, p.participants, p.standing, p.awaiting, p.epoch
            )?;
        }
        for score in self.scores.iter().rev().take(SHOWN).rev() {
            writeln!(f, "score     {score}")?;
        }
        if self.shards > 0 {
            writeln!(f, "shards    {} wait to score the next rounds", self.shards)?;
        }
        if let Some(a) = &self.account {
            writeln!(f, "account   {}", a.account)?;
            writeln!(
                f,
                "tokens    {} free, {} bonded, of it {} locked",
                amount(a.free),
                amount(a.bonded),
                amount(a.locked)
            )?;
            writeln!(f, "credits   {}", a.credits)?;
            match a.profile {
                Some(leaf) => writeln!(
                    f,
                    "profile   {leaf:?}{}",
                    if a.verifier { ", verifier" } else { "" }
                )?,
                None => writeln!(f, "profile   none")?,
            }
            if let Some((id, state)) = &a.claim {
                writeln!(f, "claim     {id:?} is {state:?}")?;
            }
            for id in &a.audits {
                writeln!(f, "audits    {id:?}")?;
            }
            for id in &a.trials {
                writeln!(f, "judges    {id:?}")?;
            }
            if a.scorer {
                writeln!(f, "scores    the merge of the newest round")?;
            }
        }
        write!(f, "waits for {}", self.waiting_for)
    }
}
