// SPDX-License-Identifier: GPL-3.0-or-later
//! Where the weight of a vote comes from: the formula with its numbers (docs/governance.md).

mod words;

use super::{decimal, decimals};
use crate::error::WorkerError;
use dream_chain::{AccountId, AccountVote, At, Chain, GovernanceChain, Tally, Voting};
use dream_primitives::credits::{kept, step_of, RING, STEPS};
use dream_primitives::voting::{vote_weight, weight_part, with_conviction, VoteTerm};
use dream_primitives::{Balance, BlockNumber};
use serde::Serialize;
use words::{formula, says, state, zero};

/// All that is to be said of an account's vote on a referendum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VoteExplanation {
    /// Whose vote.
    pub account: AccountId,
    /// Referendum.
    pub referendum: u32,
    /// How the referendum stands.
    pub state: String,
    /// The referendum's tally, while it takes votes.
    pub tally: Option<Sums>,
    /// What the account says, and the tokens that it names.
    pub says: String,
    /// Tokens that its votes on that track need frozen.
    #[serde(serialize_with = "decimal")]
    pub frozen: Balance,
    /// Which credits count.
    pub credits: Basis,
    /// Whether the weights stand in the tally, or are what the account would add to it now.
    pub counted: bool,
    /// The account's own weight, and those of its delegators.
    pub weights: Vec<Weight>,
    /// What these weights add to the tally.
    pub adds: Sums,
    /// What a poke would make of that, where it would lower something.
    pub poked: Option<Sums>,
    /// Why it is what it is, in words.
    pub why: Vec<String>,
}

/// Sums of weights, in the token's smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// For it, with conviction.
    #[serde(serialize_with = "decimal")]
    pub ayes: Balance,
    /// Against it, with conviction.
    #[serde(serialize_with = "decimal")]
    pub nays: Balance,
    /// Ayes and abstentions, before conviction.
    #[serde(serialize_with = "decimal")]
    pub support: Balance,
}

/// The credits that count in a referendum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Basis {
    /// Credit epoch at whose end they were counted; `None` where the referendum was submitted in the first.
    pub epoch: Option<u32>,
    /// First and last block of it.
    pub blocks: Option<(BlockNumber, BlockNumber)>,
    /// Credits of all then; `None` where the chain does not keep them any more.
    #[serde(serialize_with = "decimals")]
    pub total: Option<u128>,
}

/// A weight and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Weight {
    /// Whose tokens and credits.
    pub account: AccountId,
    /// Tokens that count.
    #[serde(serialize_with = "decimal")]
    pub tokens: Balance,
    /// Credits of the account as of the epoch; `None` where the chain does not keep them any more.
    #[serde(serialize_with = "decimals")]
    pub credits: Option<u128>,
    /// Issuance when it was weighed.
    #[serde(serialize_with = "decimal")]
    pub issuance: Balance,
    /// Weight before conviction.
    #[serde(serialize_with = "decimal")]
    pub weight: Balance,
    /// 0 (a tenth) to 6.
    pub conviction: u8,
    /// What a poke would lower the weight to; the weight where it would not.
    #[serde(serialize_with = "decimal")]
    pub poked: Balance,
    /// The formula with its numbers.
    pub formula: String,
    /// Why it is nothing.
    pub zero: Option<String>,
}

impl From<Tally> for Sums {
    fn from(tally: Tally) -> Self {
        Self {
            ayes: tally.ayes,
            nays: tally.nays,
            support: tally.support,
        }
    }
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self {
            ayes: self.ayes.saturating_add(other.ayes),
            nays: self.nays.saturating_add(other.nays),
            support: self.support.saturating_add(other.support),
        }
    }

    /// What a weight adds for or against.
    fn standard(aye: bool, conviction: u8, weight: Balance) -> Self {
        let votes = with_conviction(weight, conviction);
        match aye {
            true => Self {
                ayes: votes,
                nays: 0,
                support: weight,
            },
            false => Self {
                nays: votes,
                ..Self::default()
            },
        }
    }

    /// What the first weight adds as `vote` says, and the others where the vote is for or against.
    fn of(vote: AccountVote, weights: &[(Balance, u8)]) -> Self {
        let own = weights.first().map_or(0, |w| w.0);
        let (aye, nay, abstain) = match vote {
            AccountVote::Standard { vote, .. } => {
                let each = weights
                    .iter()
                    .map(|(w, c)| Self::standard(vote.aye, *c, *w));
                return each.fold(Self::default(), Self::plus);
            }
            AccountVote::Split { aye, nay } => (aye, nay, 0),
            AccountVote::SplitAbstain { aye, nay, abstain } => (aye, nay, abstain),
        };
        let part = |tokens| weight_part(own, tokens, vote.balance());
        Self {
            ayes: with_conviction(part(aye), 0),
            nays: with_conviction(part(nay), 0),
            support: part(aye).saturating_add(part(abstain)),
        }
    }
}

/// What an account does about a referendum.
enum Standing {
    Votes(AccountVote),
    Delegates {
        to: AccountId,
        balance: Balance,
        conviction: u8,
    },
    Nothing,
}

/// Reads at one block.
struct Reader<'a> {
    chain: &'a dyn Chain,
    at: At,
    basis: Basis,
    referendum: u32,
    ongoing: bool,
    class: Option<u16>,
}

impl Reader<'_> {
    /// Tokens of an account that a vote may name.
    async fn tokens(&self, account: AccountId) -> Result<Balance, WorkerError> {
        let balance = self.chain.balance(self.at, account).await?;
        Ok(balance.free.saturating_add(balance.held))
    }

    /// A weight that was applied, or one that would be now.
    async fn weight(
        &self,
        account: AccountId,
        term: Result<VoteTerm, Balance>,
        conviction: u8,
    ) -> Result<Weight, WorkerError> {
        let owned = self.tokens(account).await?;
        let issuance = match &term {
            Ok(term) => term.issuance,
            Err(_) => self.chain.issuance(self.at).await?,
        };
        let tokens = match &term {
            Ok(term) => term.tokens,
            Err(tokens) => owned.min(*tokens),
        };
        let credits = match (self.basis.epoch, self.basis.total) {
            (Some(epoch), Some(_)) => {
                Some(self.chain.credits_as_of(self.at, account, epoch).await?)
            }
            (None, _) => Some(0),
            (Some(_), None) => None,
        };
        let total = self.basis.total.unwrap_or(0);
        let of = |tokens| credits.map_or(0, |c| vote_weight(tokens, c, issuance, total));
        let weight = term.map_or_else(|_| of(tokens), |t| t.weight);
        let pokes = self.ongoing && credits.is_some();
        let left = match pokes {
            true => tokens.min(owned),
            false => tokens,
        };
        let poked = match pokes {
            true => weight.min(of(left)),
            false => weight,
        };
        Ok(Weight {
            account,
            tokens,
            credits,
            issuance,
            weight,
            conviction,
            poked,
            formula: formula(left, credits, issuance, total, weight, of(left)),
            zero: (weight == 0).then(|| zero(&self.basis, tokens, credits)),
        })
    }

    /// The weights that were applied with the vote of `voter`.
    async fn applied(&self, voter: AccountId, own: u8) -> Result<Vec<Weight>, WorkerError> {
        let applied = self
            .chain
            .applied_vote(self.at, self.referendum, voter)
            .await?;
        let Some(applied) = applied else {
            return Ok(Vec::new());
        };
        let mut weights = vec![self.weight(voter, Ok(applied.own), own).await?];
        for d in &applied.delegated {
            weights.push(self.weight(d.account, Ok(d.term), d.conviction).await?);
        }
        Ok(weights)
    }

    /// The referendum's vote of an account in a class.
    async fn standing(&self, account: AccountId, class: u16) -> Result<Standing, WorkerError> {
        let voting = self.chain.voting(self.at, account, class).await?;
        Ok(match voting {
            Voting::Casting { votes, .. } => {
                let mut votes = votes.into_iter();
                match votes.find(|(index, _)| *index == self.referendum) {
                    Some((_, vote)) => Standing::Votes(vote),
                    None => Standing::Nothing,
                }
            }
            Voting::Delegating {
                balance,
                target,
                conviction,
                ..
            } => Standing::Delegates {
                to: target,
                balance,
                conviction,
            },
        })
    }
}

impl Reader<'_> {
    /// Whether it is a vote on the referendum, or a delegation that was counted with one.
    async fn counted(&self, account: AccountId, standing: &Standing) -> Result<bool, WorkerError> {
        Ok(match standing {
            Standing::Votes(_) => true,
            Standing::Delegates { to, .. } => {
                let applied = self.chain.applied_vote(self.at, self.referendum, *to);
                let applied = applied.await?;
                applied.is_some_and(|a| a.delegated.iter().any(|d| d.account == account))
            }
            Standing::Nothing => false,
        })
    }
}

/// Reads a vote and explains it.
pub async fn read(
    chain: &dyn Chain,
    account: AccountId,
    referendum: u32,
) -> Result<VoteExplanation, WorkerError> {
    let block = chain.finalised().await?;
    let at = At::from(block);
    let Some(info) = chain.referendum(at, referendum).await? else {
        return Err(WorkerError::UnknownReferendum {
            referendum,
            referenda: chain.referendum_count(at).await?,
        });
    };
    let half_life = chain.parameters(at).await?.rewards.credit_half_life;
    let locks = chain.class_locks(at, account).await?;
    let ongoing = info.ongoing();
    // A referendum that is over does not name its track any more; a vote that stands has tokens frozen for it.
    let classes: Vec<u16> = match ongoing {
        Some(ongoing) => vec![ongoing.track],
        None => locks.iter().map(|(class, _)| *class).collect(),
    };
    let mut reader = Reader {
        chain,
        at,
        basis: Basis {
            epoch: None,
            blocks: None,
            total: None,
        },
        referendum,
        ongoing: ongoing.is_some(),
        class: ongoing.map(|o| o.track),
    };
    let mut standing = Standing::Nothing;
    for class in classes {
        let found = reader.standing(account, class).await?;
        if ongoing.is_some() || reader.counted(account, &found).await? {
            (standing, reader.class) = (found, Some(class));
            break;
        }
    }
    let voter = match &standing {
        Standing::Delegates { to, .. } => *to,
        _ => account,
    };
    let epoch = match ongoing {
        Some(ongoing) => step_of(ongoing.submitted, half_life).checked_sub(1),
        None => {
            let applied = chain.applied_vote(at, referendum, voter).await?;
            applied.and_then(|a| a.epoch)
        }
    };
    reader.basis = basis(chain, at, block.number, half_life, epoch).await?;
    let mut explanation = VoteExplanation {
        account,
        referendum,
        state: state(&info),
        tally: ongoing.map(|o| o.tally.into()),
        says: says(&standing),
        frozen: locks
            .iter()
            .filter(|(c, _)| Some(*c) == reader.class)
            .map(|(_, tokens)| *tokens)
            .sum(),
        credits: reader.basis,
        counted: false,
        weights: Vec::new(),
        adds: Sums::default(),
        poked: None,
        why: Vec::new(),
    };
    explanation.fill(&reader, standing).await?;
    Ok(explanation)
}

async fn basis(
    chain: &dyn Chain,
    at: At,
    now: BlockNumber,
    half_life: BlockNumber,
    epoch: Option<u32>,
) -> Result<Basis, WorkerError> {
    let length = (half_life / STEPS).max(1);
    let blocks = epoch.map(|e| {
        let first = e.saturating_mul(length);
        (first, first.saturating_add(length).saturating_sub(1))
    });
    let total = match epoch.filter(|e| kept(*e, step_of(now, half_life))) {
        Some(epoch) => Some(chain.total_credits_as_of(at, epoch).await?),
        None => None,
    };
    Ok(Basis {
        epoch,
        blocks,
        total,
    })
}

impl VoteExplanation {
    /// The weights and what follows from them.
    async fn fill(&mut self, reader: &Reader<'_>, standing: Standing) -> Result<(), WorkerError> {
        let account = self.account;
        match standing {
            Standing::Votes(vote) => {
                let own = match vote {
                    AccountVote::Standard { vote, .. } => vote.conviction,
                    _ => 0,
                };
                self.weights = reader.applied(account, own).await?;
                self.count(Some(vote));
                if !matches!(vote, AccountVote::Standard { .. }) {
                    self.why.push(
                        "a split vote has no conviction: a tenth of its weight counts, and nothing that is delegated".into(),
                    );
                }
            }
            Standing::Delegates {
                to,
                balance,
                conviction,
            } => {
                let class_vote = reader.applied(to, 0).await?;
                let mine = class_vote.into_iter().find(|w| w.account == account);
                let target = reader.target_vote(to).await?;
                match (mine, target) {
                    (Some(weight), vote @ Some(_)) => {
                        self.weights = vec![weight];
                        self.count(vote);
                        self.why.push(format!("it counts as {to} voted"));
                    }
                    (_, Some(AccountVote::Split { .. } | AccountVote::SplitAbstain { .. })) => {
                        self.why.push(format!(
                            "{to} votes split, and delegations follow votes for or against only"
                        ));
                    }
                    _ => {
                        self.would(reader, balance, conviction).await?;
                        self.why.push(format!(
                            "{to} has not voted, so nothing is counted; this is what would be"
                        ));
                    }
                }
            }
            Standing::Nothing if reader.ongoing => {
                let tokens = reader.tokens(account).await?;
                self.would(reader, tokens, 1).await?;
                self.why.push(
                    "no vote: this is what one with all tokens and conviction 1 would weigh".into(),
                );
            }
            Standing::Nothing => self
                .why
                .push("no vote of this account on it is kept".into()),
        }
        if reader.ongoing && self.credits.epoch.is_some() && self.credits.total.is_none() {
            self.why.push(format!(
                "it was submitted more than {RING} credit epochs ago: it takes no votes any more, and no poke (SnapshotExpired)"
            ));
        }
        if self.poked.is_some() {
            self.why.push(
                "credits or tokens are fewer than when it was cast: `poke`, which anybody may send, lowers it".into(),
            );
        }
        Ok(())
    }

    /// Notes what the weights add to the tally as `vote` says.
    fn count(&mut self, vote: Option<AccountVote>) {
        let Some(vote) = vote else { return };
        let sums = |of: fn(&Weight) -> Balance| {
            let weights: Vec<_> = self.weights.iter().map(|w| (of(w), w.conviction)).collect();
            Sums::of(vote, &weights)
        };
        let (adds, poked) = (sums(|w| w.weight), sums(|w| w.poked));
        (self.counted, self.adds) = (!self.weights.is_empty(), adds);
        self.poked = (adds != poked).then_some(poked);
    }

    /// Notes what the account would weigh now.
    async fn would(
        &mut self,
        reader: &Reader<'_>,
        tokens: Balance,
        conviction: u8,
    ) -> Result<(), WorkerError> {
        let weight = reader.weight(self.account, Err(tokens), conviction).await?;
        self.adds = Sums::standard(true, conviction, weight.weight);
        self.weights = vec![weight];
        Ok(())
    }
}

impl Reader<'_> {
    /// The vote of a target of delegations on the referendum.
    async fn target_vote(&self, target: AccountId) -> Result<Option<AccountVote>, WorkerError> {
        let Some(class) = self.class else {
            return Ok(None);
        };
        Ok(match self.standing(target, class).await? {
            Standing::Votes(vote) => Some(vote),
            _ => None,
        })
    }
}
