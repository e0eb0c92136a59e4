// SPDX-License-Identifier: GPL-3.0-or-later
//! A branch's report: lineage, claims, pay, and the held-out loss of each version.

use super::explain::{outcome, payment};
use crate::blobs;
use crate::corpus::Corpus;
use crate::error::WorkerError;
use crate::units::{DECIMALS, SYMBOL};
use crate::worker::Runners;
use dream_chain::{AccountId, At, Branch, Chain, ClaimRecord, Round};
use dream_primitives::claim::{Availability, RoundId, Verdict};
use dream_primitives::credits::step_of;
use dream_primitives::data::MixtureEntry;
use dream_primitives::manifest::Architecture;
use dream_primitives::registry::RoundTerms;
use dream_primitives::round::{ClaimState, Phase, Role};
use dream_primitives::version::{Parent, VersionHeader};
use dream_primitives::{BranchId, H256};
use dream_report::{Account, Claim, Finding, Outcome, Receipt, ReportData, Version};
use dream_store::BlobStore;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How accounts are called in a report.
pub type Names = BTreeMap<AccountId, String>;

/// A round that the chain still keeps, with its claims.
#[derive(Clone, Debug)]
pub struct RoundRecord {
    /// Round.
    pub round: Round,
    /// What it took from the registries.
    pub terms: Option<RoundTerms>,
    /// Claims by id.
    pub claims: Vec<(H256, ClaimRecord)>,
}

fn name(names: &Names, account: &AccountId) -> String {
    names
        .get(account)
        .cloned()
        .unwrap_or_else(|| account.to_string())
}

/// The head and all its ancestors on the chain, oldest first.
pub async fn lineage(
    chain: &dyn Chain,
    at: At,
    head: H256,
) -> Result<Vec<(H256, VersionHeader)>, WorkerError> {
    let (mut versions, mut next) = (Vec::new(), Some(head));
    while let Some(hash) = next {
        let Some(header) = chain.version(at, hash).await? else {
            break;
        };
        next = match header.parent {
            Parent::Local(parent) => Some(parent),
            Parent::None | Parent::Foreign { .. } => None,
        };
        versions.push((hash, header));
    }
    versions.reverse();
    Ok(versions)
}

/// All rounds of a branch that the chain keeps, oldest first.
pub async fn rounds(
    chain: &dyn Chain,
    at: At,
    branch: BranchId,
) -> Result<Vec<RoundRecord>, WorkerError> {
    let last = chain
        .current_round(at, branch)
        .await?
        .map_or(0, |r| r.id.number);
    let mut rounds = Vec::new();
    for number in 1..=last {
        let id = RoundId { branch, number };
        let Some(round) = chain.round(at, id).await? else {
            continue;
        };
        let mut claims = Vec::new();
        for claim in chain.round_claims(at, id).await? {
            if let Some(record) = chain.claim(at, claim).await? {
                claims.push((claim, record));
            }
        }
        rounds.push(RoundRecord {
            round,
            terms: chain.terms(at, id).await?,
            claims,
        });
    }
    Ok(rounds)
}

/// Evaluates versions on held-out samples.
pub struct Evaluator {
    runners: Arc<dyn Runners>,
    store: Arc<dyn BlobStore>,
    architecture: Architecture,
    branch: Branch,
    genesis: H256,
    samples: Arc<Vec<Vec<u32>>>,
}

impl Evaluator {
    /// An evaluator on at most `limit` held-out samples of the branch's mixture.
    pub async fn new(
        chain: &dyn Chain,
        store: Arc<dyn BlobStore>,
        runners: Arc<dyn Runners>,
        id: BranchId,
        limit: usize,
    ) -> Result<Self, WorkerError> {
        let mut evaluator = Self::on(chain, store, runners, id, Vec::new()).await?;
        let at = At::from(chain.finalised().await?);
        let Some(mixture) = chain.mixture(at, id).await? else {
            return Err(WorkerError::NoMixture(id));
        };
        let mixture: Vec<(MixtureEntry, u64)> = mixture.iter().map(|e| (*e, 0)).collect();
        let corpus = Corpus::load(None, chain, &*evaluator.store, &mixture).await?;
        evaluator.samples = Arc::new(corpus.held_out(limit));
        Ok(evaluator)
    }

    /// An evaluator on given samples, each of the recipe's context and one more token.
    pub async fn on(
        chain: &dyn Chain,
        store: Arc<dyn BlobStore>,
        runners: Arc<dyn Runners>,
        id: BranchId,
        samples: Vec<Vec<u32>>,
    ) -> Result<Self, WorkerError> {
        let at = At::from(chain.finalised().await?);
        let Some(branch) = chain.branch(at, id).await? else {
            let branches = chain.next_branch(at).await?;
            return Err(WorkerError::UnknownBranch {
                branch: id,
                branches,
            });
        };
        let model = chain.model(at, branch.model).await?;
        let architecture = model
            .ok_or_else(|| {
                WorkerError::Input(format!("model {} is not on this chain", branch.model))
            })?
            .architecture;
        Ok(Self {
            runners,
            store,
            architecture,
            branch,
            genesis: chain.genesis(),
            samples: Arc::new(samples),
        })
    }

    /// Number of held-out samples that are used.
    pub fn samples(&self) -> usize {
        self.samples.len()
    }

    /// Number of the model's parameters.
    pub fn parameters(&self) -> u64 {
        self.architecture.parameters().unwrap_or(0)
    }

    /// Mean loss of a version in nats per token; `None` when nothing is held out.
    pub async fn loss(&self, header: &VersionHeader) -> Result<Option<f64>, WorkerError> {
        if self.samples.is_empty() {
            return Ok(None);
        }
        let state = blobs::version_state(&*self.store, &self.architecture, header).await?;
        let (runners, samples) = (self.runners.clone(), self.samples.clone());
        let (architecture, recipe, genesis) = (self.architecture, self.branch.recipe, self.genesis);
        let loss = tokio::task::spawn_blocking(move || {
            runners
                .runner(architecture, recipe, genesis)?
                .evaluate(&state, &samples)
        });
        Ok(Some(loss.await??))
    }
}

/// Claims that a version holds; for one that a replay made, those of the round that was made again. Zero where the chain has
/// pruned the round.
fn contributions(rounds: &[RoundRecord], version: H256) -> u32 {
    let made = |r: &&RoundRecord| r.round.merge.as_ref().is_some_and(|m| m.version == version);
    let Some(round) = rounds.iter().find(made).map(|r| &r.round) else {
        return 0;
    };
    let source = rounds.iter().find(|r| r.round.id == round.source());
    let claims = source.into_iter().flat_map(|r| &r.claims);
    let count = claims
        .filter(|(_, record)| record.contributes(round.replays.is_some()))
        .count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Gathers the report of a branch. `losses` holds what was evaluated already, by version hash.
pub async fn gather(
    chain: &dyn Chain,
    evaluator: &Evaluator,
    branch: BranchId,
    names: &Names,
    losses: &mut BTreeMap<H256, f64>,
) -> Result<ReportData, WorkerError> {
    let block = chain.finalised().await?;
    let at = At::from(block);
    let head = chain
        .branch(at, branch)
        .await?
        .map(|b| b.head)
        .unwrap_or_default();
    let lineage = lineage(chain, at, head).await?;
    let rounds = rounds(chain, at, branch).await?;
    let parameters = chain.parameters(at).await?;
    let mut versions = Vec::new();
    for (hash, header) in &lineage {
        if !losses.contains_key(hash) {
            if let Some(loss) = evaluator.loss(header).await? {
                losses.insert(*hash, loss);
            }
        }
        versions.push(Version {
            number: header.number,
            block: header.block,
            hash: format!("{hash:?}"),
            parent: match header.parent {
                Parent::None => None,
                Parent::Local(parent) => Some(format!("{parent:?}")),
                Parent::Foreign { version, .. } => Some(format!("{version:?}")),
            },
            state_root: format!("{:?}", header.state_root),
            held_out_loss: losses.get(hash).copied(),
            contributions: contributions(&rounds, *hash),
        });
    }
    let mut data = ReportData {
        chain: format!("DREAM {:?}", chain.genesis()),
        model: format!("branch {branch}"),
        parameters: evaluator.parameters(),
        loss_unit: "nats per byte".into(),
        token_symbol: SYMBOL.into(),
        token_decimals: DECIMALS,
        versions,
        claims: Vec::new(),
        accounts: Vec::new(),
        receipts: Vec::new(),
        extras: Vec::new(),
        processes: Vec::new(),
        wall_seconds: 0.0,
        commands: Vec::new(),
    };
    let mut accounts: BTreeMap<AccountId, Account> = BTreeMap::new();
    for record in &rounds {
        // A version that a revert took back is in the lineage no more.
        let base = chain.version(at, record.round.base).await?;
        let base = base.map_or(0, |v| v.number);
        for (id, claim) in &record.claims {
            data.claims.push(claim_of(*id, claim, base, names));
            let vesting = record.round.phase != Phase::Closed;
            take_part(&mut accounts, claim, vesting, names);
            for receipt in &claim.receipts {
                data.receipts.push(Receipt {
                    claim: format!("{id:?}"),
                    account: name(names, &receipt.account),
                    amount: receipt.amount,
                    why: payment(
                        receipt,
                        claim,
                        Some(&record.round),
                        record.terms.as_ref(),
                        &parameters.rewards,
                    ),
                });
            }
        }
        if let Some(merge) = &record.round.merge {
            role(&mut accounts, &merge.merger, "merger", names);
        }
    }
    let step = step_of(block.number, parameters.rewards.credit_half_life);
    for (id, account) in &mut accounts {
        // Evaluation takes time: the node may have pruned `at` since.
        account.credits = chain.credits(At::Finalised, *id).await?.at(step);
    }
    data.accounts = accounts.into_values().collect();
    Ok(data)
}

fn role<'a>(
    accounts: &'a mut BTreeMap<AccountId, Account>,
    id: &AccountId,
    role: &str,
    names: &Names,
) -> &'a mut Account {
    let account = accounts.entry(*id).or_insert_with(|| Account {
        name: name(names, id),
        roles: Vec::new(),
        earned: 0,
        vesting: 0,
        credits: 0,
    });
    if !account.roles.iter().any(|r| r == role) {
        account.roles.push(role.into());
    }
    account
}

fn take_part(
    accounts: &mut BTreeMap<AccountId, Account>,
    claim: &ClaimRecord,
    vesting: bool,
    names: &Names,
) {
    role(accounts, &claim.miner, "miner", names);
    for seat in &claim.committee {
        role(accounts, &seat.verifier, "verifier", names);
    }
    for receipt in &claim.receipts {
        let as_role = match receipt.role {
            Role::Miner => "miner",
            Role::Verifier => "verifier",
        };
        let account = role(accounts, &receipt.account, as_role, names);
        account.earned = account.earned.saturating_add(receipt.amount);
        if vesting {
            account.vesting = account.vesting.saturating_add(receipt.amount);
        }
    }
}

fn claim_of(id: H256, record: &ClaimRecord, base: u32, names: &Names) -> Claim {
    let finding = |seat: &dream_chain::Seat| match (seat.verdict, seat.availability) {
        (Some(Verdict::Match), _) => Finding::Match,
        (Some(Verdict::Mismatch), _) => Finding::Mismatch,
        (None, Some(Availability::Lack)) => Finding::Lack,
        (None, _) => Finding::Silent,
    };
    // A claim that is not settled has no finding of those who are not late yet.
    let settled = !matches!(
        record.state,
        ClaimState::Claimed
            | ClaimState::Drawn
            | ClaimState::Opened
            | ClaimState::Available
            | ClaimState::Committed
            | ClaimState::Revealed
    );
    let verdicts = record
        .committee
        .iter()
        .filter(|s| settled || s.verdict.is_some())
        .map(|s| dream_report::Verdict {
            verifier: name(names, &s.verifier),
            finding: finding(s),
        })
        .collect();
    Claim {
        id: format!("{id:?}"),
        round: record.claim.round.number,
        base,
        account: name(names, &record.miner),
        segments: u32::from(record.claim.segments),
        audited_segments: record.audited.iter().map(|s| u32::from(*s)).collect(),
        state: format!("{:?}", record.state),
        outcome: match record.state {
            // Faked on duty and paid for it: not work that was verified, whatever state it has come to since.
            _ if record.flag == Some(true) => Outcome::Canary,
            // A challenge of what was reverted decides on its pay; it stays out of the model.
            state if state.accepted() && !record.reverted => Outcome::Accepted,
            ClaimState::Rejected | ClaimState::Slashed => Outcome::Refused,
            ClaimState::Canary => Outcome::Canary,
            ClaimState::Void | ClaimState::Excluded | ClaimState::Reverted => Outcome::Void,
            _ => Outcome::Open,
        },
        verdicts,
        why: outcome(record),
    }
}
