// SPDX-License-Identifier: GPL-3.0-or-later
//! A vote on what the model is trained on: a second text, a referendum, votes that weigh tokens and credits, and the batches of the
//! next round.

use crate::network::{self, Network, LEAKER, MINER, STEWARD};
use anyhow::{bail, ensure, Context, Result};
use dream_chain::{
    AccountId, AccountVote, At, BlockRef, Call, Chain, Enactment, GovernanceCall, GovernanceChain,
    ProposalOrigin, Referendum, Round, SubmitError, TrackOrigin, Vote,
};
use dream_primitives::credits::step_of;
use dream_primitives::data::{Mixture, MixtureEntry};
use dream_primitives::order;
use dream_primitives::registry::RoundTerms;
use dream_primitives::{DatasetId, DREAM, H256};
use dream_report::Extra;
use dream_worker::cli::{connect, Session};
use dream_worker::commands::add_data;
use dream_worker::view::report::Names;
use dream_worker::view::vote::{self, VoteExplanation};
use std::path::Path;

/// Blocks after the approval at which the mixture changes: the least that the track allows.
const ENACTMENT: u32 = 4;
/// Blocks within which a referendum must be through.
const REFERENDUM_BLOCKS: u32 = 120;
/// What voters leave unfrozen for fees.
const FEES: u128 = 1_000 * DREAM;
/// Times that a call is sent: a worker of the same account may take its nonce.
const TRIES: u32 = 5;

/// Data sets of a miner's samples in the first segment of a round.
pub struct Drawn {
    round: u32,
    miner: AccountId,
    /// Samples from each set of the round's terms.
    samples: Vec<(DatasetId, usize)>,
}

/// How far the vote is.
enum Stage {
    /// Nobody had credits when the last credit epoch ended.
    Waiting,
    /// Votes are in.
    Voted {
        referendum: u32,
        submitted: u32,
    },
    /// The mixture is set.
    Enacted {
        block: u32,
    },
    Done,
}

/// The vote.
pub struct Ballot {
    dataset: DatasetId,
    voters: Vec<(Session, AccountVote)>,
    steward: Session,
    stage: Stage,
    before: Option<Drawn>,
    after: Option<Drawn>,
    track: Vec<String>,
    votes: Vec<VoteExplanation>,
}

/// An amount without its fraction.
fn whole(amount: u128) -> String {
    format!("{} DREAM", amount / DREAM)
}

/// Sends a call of an account whose worker sends too.
async fn send(session: &Session, call: GovernanceCall) -> Result<dream_chain::Receipt> {
    let call = Call::Governance(call);
    let (pallet, name) = call.name();
    let mut tries = 1;
    loop {
        match session.chain.submit(call.clone()).await {
            Err(SubmitError::Dropped { .. }) if tries < TRIES => tries += 1,
            done => return done.with_context(|| format!("{pallet}.{name}")),
        }
    }
}

impl Ballot {
    /// Registers the second text; miners with credits will vote for it, and the validator, which has none, against it.
    pub async fn prepare(network: &Network, text: &Path) -> Result<Self> {
        let steward = connect(&network.global(Some(STEWARD)), true).await?;
        let dataset = add_data(&steward, text, "GPL-3.0-or-later", None, true).await?;
        let mut voters = Vec::new();
        for (name, aye, conviction) in [
            (Some(MINER), true, 1),
            (Some(LEAKER), true, 2),
            (None, false, 6),
        ] {
            let session = connect(&network.global(name), true).await?;
            let vote = Vote { aye, conviction };
            voters.push((session, AccountVote::Standard { vote, balance: 0 }));
        }
        Ok(Self {
            dataset,
            voters,
            steward,
            stage: Stage::Waiting,
            before: None,
            after: None,
            track: Vec::new(),
            votes: Vec::new(),
        })
    }

    /// Whether the outcome has shown in a round.
    pub fn done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    /// What it waits for.
    pub fn waits(&self) -> &'static str {
        match self.stage {
            Stage::Waiting => "credits of a miner at the end of a credit epoch",
            Stage::Voted { .. } => "the new mixture",
            Stage::Enacted { .. } => "a round with the new mixture",
            Stage::Done => "nothing",
        }
    }

    /// Goes on as far as the chain lets it at `block`.
    pub async fn step(&mut self, block: BlockRef) -> Result<()> {
        match self.stage {
            Stage::Waiting => self.begin(block).await,
            Stage::Voted {
                referendum,
                submitted,
            } => self.enacted(block, referendum, submitted).await,
            Stage::Enacted { block: enacted } => self.shown(block, enacted).await,
            Stage::Done => Ok(()),
        }
    }

    /// Submits the referendum once a miner had credits when an epoch ended, and has everybody vote.
    async fn begin(&mut self, block: BlockRef) -> Result<()> {
        let (chain, at) = (&*self.steward.chain, At::from(block));
        let half_life = chain.parameters(at).await?.rewards.credit_half_life;
        let Some(epoch) = step_of(block.number, half_life).checked_sub(1) else {
            return Ok(());
        };
        let miner = network::account(MINER)?;
        if chain.credits_as_of(at, miner, epoch).await? == 0 {
            return Ok(());
        }
        let branch = self.steward.global.branch;
        let round = chain.current_round(at, branch).await?;
        self.before = match round {
            Some(round) => drawn(chain, at, &round, miner).await?,
            None => None,
        };
        if self.before.is_none() {
            return Ok(());
        }
        let mut mixture = chain.mixture(at, branch).await?.unwrap_or_default();
        let entry = MixtureEntry {
            dataset: self.dataset,
            weight: mixture.iter().map(|e| e.weight).max().unwrap_or(1),
        };
        mixture
            .try_push(entry)
            .map_err(|_| anyhow::anyhow!("the mixture of branch {branch} is full"))?;
        let referendum = self.submit(branch, mixture).await?;
        self.vote(referendum).await?;
        self.count(referendum).await
    }

    async fn submit(&mut self, branch: u32, mixture: Mixture) -> Result<u32> {
        println!(
            "\nvote: data set {} into the mixture of branch {branch}, by referendum",
            self.dataset
        );
        let proposal = Box::new(Call::SetMixture { branch, mixture });
        let steward = &self.steward;
        send(steward, GovernanceCall::NotePreimage(proposal.clone())).await?;
        let submit = GovernanceCall::Submit {
            origin: ProposalOrigin::Track(TrackOrigin::Mixture),
            proposal,
            enactment: Enactment::After(ENACTMENT),
        };
        let receipt = send(steward, submit).await?;
        let referendum = receipt
            .referendum()
            .context("the chain did not name the referendum")?;
        send(steward, GovernanceCall::PlaceDecisionDeposit(referendum)).await?;
        self.stage = Stage::Voted {
            referendum,
            submitted: receipt.block.number,
        };
        Ok(referendum)
    }

    async fn vote(&mut self, referendum: u32) -> Result<()> {
        for (session, vote) in &mut self.voters {
            let account = session.chain.account();
            let owned = session.chain.balance(At::Finalised, account).await?;
            let all = owned.free.saturating_add(owned.held);
            if let AccountVote::Standard { balance, .. } = vote {
                *balance = all.saturating_sub(FEES) / DREAM * DREAM;
            }
        }
        let sent = self.voters.iter().map(|(session, vote)| {
            let vote = *vote;
            send(session, GovernanceCall::Vote { referendum, vote })
        });
        futures::future::try_join_all(sent).await?;
        Ok(())
    }

    /// What each vote weighs and why; together they must be the tally.
    async fn count(&mut self, referendum: u32) -> Result<()> {
        let chain = &*self.steward.chain;
        let mut votes = Vec::new();
        for (session, _) in &self.voters {
            votes.push(vote::read(chain, session.chain.account(), referendum).await?);
        }
        let Some(tally) = votes.first().and_then(|v| v.tally) else {
            bail!("referendum {referendum} takes votes no more before they were counted");
        };
        let sum = |of: fn(&VoteExplanation) -> u128| votes.iter().map(of).sum::<u128>();
        let sums = (
            sum(|v| v.adds.ayes),
            sum(|v| v.adds.nays),
            sum(|v| v.adds.support),
        );
        ensure!(
            sums == (tally.ayes, tally.nays, tally.support),
            "the votes explain {sums:?}, the tally is {tally}"
        );
        let (first, against) = (votes.first(), votes.last());
        ensure!(
            first.is_some_and(|v| v.adds.ayes > 0),
            "the vote of {MINER}, which has tokens and credits, weighs nothing"
        );
        let nothing = |v: &VoteExplanation| v.counted && v.adds.nays == 0;
        ensure!(
            against.is_some_and(nothing) && tally.nays == 0,
            "a vote of tokens without credits weighs something: {tally}"
        );
        let share = 100.0 * tally.support as f64 / chain.issuance(At::Finalised).await? as f64;
        self.track.push(format!(
            "tally: ayes {}, nays {}, support {} ({share:.1} % of the issuance); {} by an account without credits weighs nothing",
            whole(tally.ayes),
            whole(tally.nays),
            whole(tally.support),
            votes.last().map(|v| v.says.clone()).unwrap_or_default()
        ));
        self.votes = votes;
        Ok(())
    }

    /// Waits until the referendum has passed and is done.
    async fn enacted(&mut self, block: BlockRef, referendum: u32, submitted: u32) -> Result<()> {
        let (chain, at) = (&*self.steward.chain, At::from(block));
        let info = chain.referendum(at, referendum).await?;
        let over = block.number > submitted.saturating_add(REFERENDUM_BLOCKS);
        match &info {
            Some(Referendum::Ongoing(_)) if !over => return Ok(()),
            Some(Referendum::Approved(approved, ..)) => {
                let branch = self.steward.global.branch;
                let mixture = chain.mixture(at, branch).await?.unwrap_or_default();
                if mixture.iter().any(|e| e.dataset == self.dataset) {
                    self.track.push(format!(
                        "submitted in block {submitted}, approved at block {approved}, in the mixture by block {}",
                        block.number
                    ));
                    self.stage = Stage::Enacted {
                        block: block.number,
                    };
                    return Ok(());
                }
                if !over {
                    return Ok(());
                }
            }
            _ => {}
        }
        bail!(
            "referendum {referendum} has not changed the mixture by block {}: {info:?}",
            block.number
        )
    }

    /// Looks for a round that opened after the change, and at what it draws.
    async fn shown(&mut self, block: BlockRef, enacted: u32) -> Result<()> {
        let (chain, at) = (&*self.steward.chain, At::from(block));
        let round = chain.current_round(at, self.steward.global.branch).await?;
        let Some(round) = round.filter(|r| r.opened > enacted) else {
            return Ok(());
        };
        let after = drawn(chain, at, &round, network::account(MINER)?).await?;
        let (Some(before), Some(after)) = (&self.before, after) else {
            return Ok(());
        };
        let of = |drawn: &Drawn| {
            let new = drawn.samples.iter().find(|(set, _)| *set == self.dataset);
            new.map_or(0, |(_, samples)| *samples)
        };
        ensure!(
            of(before) == 0,
            "round {} drew from data set {} before the vote",
            before.round,
            self.dataset
        );
        ensure!(
            of(&after) > 0,
            "round {} draws nothing from data set {}, which governance put into the mixture",
            after.round,
            self.dataset
        );
        self.after = Some(after);
        self.stage = Stage::Done;
        Ok(())
    }

    /// Prints the tally, why votes weigh what they do, and the data before and after.
    pub fn print(&self, names: &Names) {
        println!("\nvote on the data");
        self.track.iter().for_each(|line| println!("  {line}"));
        for drawn in [&self.before, &self.after].into_iter().flatten() {
            println!("  {}", drawn.told(names));
        }
        for (what, vote) in [
            ("a vote of tokens and credits", self.votes.first()),
            ("a vote of tokens alone", self.votes.last()),
        ] {
            if let Some(vote) = vote {
                println!("\nexplain vote: {what}\n{vote}");
            }
        }
    }

    /// The vote as a table of the report.
    pub fn extra(&self, names: &Names) -> Extra {
        let drawn = [&self.before, &self.after].into_iter().flatten();
        let mut lead: Vec<String> = self.track.clone();
        lead.extend(drawn.map(|d| d.told(names)));
        let row = |v: &VoteExplanation| {
            let own = v.weights.first();
            let credits = own.and_then(|w| w.credits);
            vec![
                names
                    .get(&v.account)
                    .cloned()
                    .unwrap_or_else(|| v.account.to_string()),
                v.says.clone(),
                credits.map_or_else(String::new, |c| c.to_string()),
                own.map_or_else(String::new, |w| whole(w.weight)),
                whole(v.adds.ayes.saturating_add(v.adds.nays)),
            ]
        };
        Extra {
            title: "Vote on the data".into(),
            lead: lead.join(". ") + ".",
            head: ["account", "says", "credits", "weight", "with conviction"]
                .map(String::from)
                .to_vec(),
            rows: self.votes.iter().map(row).collect(),
        }
    }
}

impl Drawn {
    fn told(&self, names: &Names) -> String {
        let all: usize = self.samples.iter().map(|(_, samples)| samples).sum();
        let sets: Vec<String> = self
            .samples
            .iter()
            .map(|(set, samples)| format!("{samples} of {all} samples from data set {set}"))
            .collect();
        let miner = names.get(&self.miner).cloned();
        format!(
            "round {}, first segment of {}: {}",
            self.round,
            miner.unwrap_or_else(|| self.miner.to_string()),
            sets.join(", ")
        )
    }
}

/// What the protocol draws for a miner's first segment in a round; `None` before its seed is complete.
async fn drawn(
    chain: &dyn Chain,
    at: At,
    round: &Round,
    miner: AccountId,
) -> Result<Option<Drawn>> {
    let terms = chain.terms(at, round.id).await?;
    let Some(terms) = terms.filter(|_| round.seed != H256::zero()) else {
        return Ok(None);
    };
    Ok(Some(Drawn {
        round: round.id.number,
        miner,
        samples: samples(&chain.genesis(), &round.seed, &miner, &terms)?,
    }))
}

/// Samples of a miner's first segment by data set.
fn samples(
    genesis: &H256,
    seed: &H256,
    miner: &AccountId,
    terms: &RoundTerms,
) -> Result<Vec<(DatasetId, usize)>> {
    let (recipe, mixture) = (&terms.recipe, &terms.mixture);
    let mut counts: Vec<_> = mixture.iter().map(|(e, _)| (e.dataset, 0)).collect();
    for step in 0..u64::from(recipe.steps) {
        for slot in 0..u32::from(recipe.batch) {
            let drawn = order::sample(genesis, seed, miner.as_bytes(), step, slot, mixture);
            let drawn = drawn.context("the mixture has no sample to draw")?;
            let count = counts.iter_mut().find(|(set, _)| *set == drawn.dataset);
            let (_, count) = count.context("a sample of a set that is not in the mixture")?;
            *count += 1;
        }
    }
    Ok(counts)
}
