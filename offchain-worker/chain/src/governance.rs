// SPDX-License-Identifier: GPL-3.0-or-later
//! Governance on the chain (docs/governance.md): calls, storage, and typed reads.
//!
//! Types are those of the runtime's referenda and votes. The node's metadata is compared with the committed one when such a
//! call or item is used, not before: training goes on where governance's types have changed.

use async_trait::async_trait;
use codec::{Compact, Decode, DecodeAll, Encode, Input};
use dream_primitives::credits::{as_of, Credits};
use dream_primitives::voting::AppliedVote;
use dream_primitives::{Balance, BlockNumber, H256};
use serde::{Deserialize, Serialize};

use crate::api::read;
use crate::{AccountId, At, Call, Chain, ChainError, Item, Receipt};

const VOTING: &str = "ConvictionVoting";
const REFERENDA: &str = "Referenda";

/// What a referendum that passes acts as; each has a track.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub enum TrackOrigin {
    /// Sets a branch's recipe.
    Recipe,
    /// Sets what a branch is trained on.
    Mixture,
    /// Admits and dismisses branches and profiles.
    Branches,
    /// Takes a claim out of a model, or freezes a branch.
    Revert,
    /// Spends the treasury.
    Spend,
    /// Cancels a referendum.
    Cancel,
    /// Kills a referendum.
    Kill,
}

/// The system's own origin, as far as it has a track.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub enum SystemOrigin {
    /// May do all.
    Root,
}

/// The origin of a proposal, by the pallet that it is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub enum ProposalOrigin {
    /// The system's.
    #[codec(index = 0)]
    System(SystemOrigin),
    /// That of a track.
    #[codec(index = 35)]
    Track(TrackOrigin),
}

/// When what passed is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub enum Enactment {
    /// At a block.
    At(BlockNumber),
    /// So many blocks after it passed.
    After(BlockNumber),
}

/// A call that the chain knows by its hash, or has whole.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub enum Proposal {
    /// Of a preimage without a length.
    Legacy(H256),
    /// The call in SCALE.
    Inline(Vec<u8>),
    /// Of a preimage.
    Lookup {
        /// blake2-256 of the call in SCALE.
        hash: H256,
        /// Its bytes.
        len: u32,
    },
}

/// A deposit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub struct Deposit {
    /// Whose.
    pub who: AccountId,
    /// How much.
    pub amount: Balance,
}

/// A referendum's decision under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub struct Deciding {
    /// Block in which it began.
    pub since: BlockNumber,
    /// Block at which it passes if it goes on like this.
    pub confirming: Option<BlockNumber>,
}

/// Sums of weights.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize, Deserialize)]
pub struct Tally {
    /// For it, with conviction.
    pub ayes: Balance,
    /// Against it, with conviction.
    pub nays: Balance,
    /// Ayes and abstentions, before conviction.
    pub support: Balance,
}

/// A referendum under way.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub struct Ongoing {
    /// Track, which is the class of the votes on it.
    pub track: u16,
    /// What it acts as when it passes.
    pub origin: ProposalOrigin,
    /// What is done then.
    pub proposal: Proposal,
    /// When.
    pub enactment: Enactment,
    /// Block in which it was submitted.
    pub submitted: BlockNumber,
    /// Of who submitted it.
    pub submission_deposit: Deposit,
    /// Without it nothing is decided.
    pub decision_deposit: Option<Deposit>,
    /// Its decision, once that has begun.
    pub deciding: Option<Deciding>,
    /// Votes.
    pub tally: Tally,
    /// Whether it waits for its turn to be decided.
    pub in_queue: bool,
    /// When the chain looks at it next, and where the scheduler keeps that.
    pub alarm: Option<(BlockNumber, (BlockNumber, u32))>,
}

/// A referendum. One that is over has the block of its end, and the deposits that were not taken back.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub enum Referendum {
    /// Takes votes.
    Ongoing(Box<Ongoing>),
    /// Passed.
    Approved(BlockNumber, Option<Deposit>, Option<Deposit>),
    /// Did not pass.
    Rejected(BlockNumber, Option<Deposit>, Option<Deposit>),
    /// Cancelled by governance.
    Cancelled(BlockNumber, Option<Deposit>, Option<Deposit>),
    /// Its decision never began.
    TimedOut(BlockNumber, Option<Deposit>, Option<Deposit>),
    /// Killed by governance.
    Killed(BlockNumber),
}

impl Referendum {
    /// The referendum if it takes votes.
    pub fn ongoing(&self) -> Option<&Ongoing> {
        match self {
            Self::Ongoing(ongoing) => Some(ongoing),
            _ => None,
        }
    }
}

/// For or against, and with what conviction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// For it.
    pub aye: bool,
    /// 0 (a tenth of the weight, no lock) to 6.
    pub conviction: u8,
}

const AYE: u8 = 0b1000_0000;

impl Encode for Vote {
    fn encode_to<O: codec::Output + ?Sized>(&self, out: &mut O) {
        out.push_byte(self.conviction | if self.aye { AYE } else { 0 });
    }
}

impl Decode for Vote {
    fn decode<I: Input>(input: &mut I) -> Result<Self, codec::Error> {
        let byte = input.read_byte()?;
        let conviction = byte & !AYE;
        if conviction > 6 {
            return Err("a conviction is 0 to 6".into());
        }
        Ok(Self {
            aye: byte & AYE != 0,
            conviction,
        })
    }
}

/// A vote, with the tokens that it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub enum AccountVote {
    /// For or against.
    Standard {
        /// Which, and with what conviction.
        vote: Vote,
        /// Tokens.
        balance: Balance,
    },
    /// Both, without conviction.
    Split {
        /// Tokens for it.
        aye: Balance,
        /// Tokens against it.
        nay: Balance,
    },
    /// Both and neither, without conviction.
    SplitAbstain {
        /// Tokens for it.
        aye: Balance,
        /// Tokens against it.
        nay: Balance,
        /// Tokens for neither.
        abstain: Balance,
    },
}

impl AccountVote {
    /// All tokens that it names.
    pub fn balance(&self) -> Balance {
        match *self {
            Self::Standard { balance, .. } => balance,
            Self::Split { aye, nay } => aye.saturating_add(nay),
            Self::SplitAbstain { aye, nay, abstain } => {
                aye.saturating_add(nay).saturating_add(abstain)
            }
        }
    }
}

/// Tokens that others delegate to an account, as wallets show them; not weights.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize, Deserialize)]
pub struct Delegations {
    /// With conviction.
    pub votes: Balance,
    /// Without.
    pub capital: Balance,
}

/// What an account does in a class of referenda.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub enum Voting {
    /// It votes.
    Casting {
        /// Referenda, ascending, and votes.
        votes: Vec<(u32, AccountVote)>,
        /// What is delegated to it.
        delegations: Delegations,
        /// Until when conviction keeps how many tokens.
        prior: (BlockNumber, Balance),
    },
    /// It delegates.
    Delegating {
        /// Tokens.
        balance: Balance,
        /// To whom.
        target: AccountId,
        /// 0 to 6.
        conviction: u8,
        /// What was delegated to it.
        delegations: Delegations,
        /// Until when conviction keeps how many tokens.
        prior: (BlockNumber, Balance),
    },
}

impl Default for Voting {
    fn default() -> Self {
        Self::Casting {
            votes: Vec::new(),
            delegations: Delegations::default(),
            prior: (0, 0),
        }
    }
}

/// An account that delegates to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub struct Delegator {
    /// Who.
    pub account: AccountId,
    /// How many tokens.
    pub balance: Balance,
    /// 0 to 6.
    pub conviction: u8,
}

/// An extrinsic of governance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GovernanceCall {
    /// Stores a call that a referendum is to be about.
    NotePreimage(Box<Call>),
    /// Submits a referendum on a call whose preimage is noted before it is to be done.
    Submit {
        /// What the call is done as.
        origin: ProposalOrigin,
        /// The call.
        proposal: Box<Call>,
        /// When it is done.
        enactment: Enactment,
    },
    /// Places the deposit without which a referendum is not decided.
    PlaceDecisionDeposit(u32),
    /// Votes, or changes a vote.
    Vote {
        /// Referendum.
        referendum: u32,
        /// The vote.
        vote: AccountVote,
    },
    /// Lets another account vote with this one's tokens and credits.
    Delegate {
        /// Track.
        class: u16,
        /// Who votes.
        to: AccountId,
        /// 0 to 6.
        conviction: u8,
        /// Tokens.
        balance: Balance,
    },
    /// Ends a delegation.
    Undelegate(u16),
    /// Frees what the votes of an account need frozen no more.
    Unlock {
        /// Track.
        class: u16,
        /// Whose.
        target: AccountId,
    },
    /// Removes a vote.
    RemoveVote {
        /// Track, needed where the referendum is over.
        class: Option<u16>,
        /// Referendum.
        referendum: u32,
    },
    /// Lowers a vote's weight to what its account still has.
    Poke {
        /// Whose vote.
        target: AccountId,
        /// Referendum.
        referendum: u32,
    },
}

/// `MultiAddress::Id`.
fn address(account: &AccountId) -> (u8, AccountId) {
    (0, *account)
}

impl GovernanceCall {
    /// Pallet and call, as the runtime names them.
    pub fn name(&self) -> (&'static str, &'static str) {
        match self {
            Self::NotePreimage(_) => ("Preimage", "note_preimage"),
            Self::Submit { .. } => (REFERENDA, "submit"),
            Self::PlaceDecisionDeposit(_) => (REFERENDA, "place_decision_deposit"),
            Self::Vote { .. } => (VOTING, "vote"),
            Self::Delegate { .. } => (VOTING, "delegate"),
            Self::Undelegate(_) => (VOTING, "undelegate"),
            Self::Unlock { .. } => (VOTING, "unlock"),
            Self::RemoveVote { .. } => (VOTING, "remove_vote"),
            Self::Poke { .. } => (VOTING, "poke"),
        }
    }

    /// The call that it is about.
    pub fn proposal(&self) -> Option<&Call> {
        match self {
            Self::NotePreimage(call) | Self::Submit { proposal: call, .. } => Some(call),
            _ => None,
        }
    }

    /// The arguments in SCALE, one after another; `proposal` is [`Self::proposal`] in SCALE.
    pub fn arguments(&self, proposal: Vec<u8>) -> Vec<u8> {
        match self {
            Self::NotePreimage(_) => proposal.encode(),
            Self::Submit {
                origin, enactment, ..
            } => {
                let lookup = Proposal::Lookup {
                    hash: H256(sp_crypto_hashing::blake2_256(&proposal)),
                    // A call is far below 4 GiB.
                    len: u32::try_from(proposal.len()).unwrap_or(u32::MAX),
                };
                (origin, lookup, enactment).encode()
            }
            Self::PlaceDecisionDeposit(referendum) => referendum.encode(),
            Self::Vote { referendum, vote } => (Compact(*referendum), vote).encode(),
            Self::Delegate {
                class,
                to,
                conviction,
                balance,
            } => (class, address(to), conviction, balance).encode(),
            Self::Undelegate(class) => class.encode(),
            Self::Unlock { class, target } => (class, address(target)).encode(),
            Self::RemoveVote { class, referendum } => (class, referendum).encode(),
            Self::Poke { target, referendum } => (address(target), Compact(*referendum)).encode(),
        }
    }
}

/// A storage item of governance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum GovernanceItem {
    /// Number of referenda: indices run from 0 to one below.
    ReferendumCount,
    /// A referendum.
    Referendum(u32),
    /// What an account does in a class.
    Voting(AccountId, u16),
    /// Tokens that an account's votes need frozen, by class.
    ClassLocks(AccountId),
    /// What a vote added to a referendum's tally.
    AppliedVote(u32, AccountId),
    /// Who delegates to an account in a class.
    Delegators(AccountId, u16),
    /// What an account's credits were.
    CreditHistory(AccountId),
    /// What the credits of all were.
    TotalHistory,
    /// All tokens.
    Issuance,
}

impl GovernanceItem {
    /// Pallet, storage item and keys in SCALE.
    pub(crate) fn place(&self) -> (&'static str, &'static str, Vec<Vec<u8>>) {
        let two = |a: Vec<u8>, b: Vec<u8>| vec![a, b];
        match self {
            Self::ReferendumCount => (REFERENDA, "ReferendumCount", Vec::new()),
            Self::Referendum(index) => (REFERENDA, "ReferendumInfoFor", vec![index.encode()]),
            Self::Voting(account, class) => {
                (VOTING, "VotingFor", two(account.encode(), class.encode()))
            }
            Self::ClassLocks(account) => (VOTING, "ClassLocksFor", vec![account.encode()]),
            Self::AppliedVote(index, account) => (
                VOTING,
                "AppliedVotes",
                two(index.encode(), account.encode()),
            ),
            Self::Delegators(account, class) => {
                (VOTING, "Delegators", two(account.encode(), class.encode()))
            }
            Self::CreditHistory(account) => ("UsefulWork", "CreditHistory", vec![account.encode()]),
            Self::TotalHistory => ("UsefulWork", "TotalHistory", Vec::new()),
            Self::Issuance => ("Balances", "TotalIssuance", Vec::new()),
        }
    }
}

impl Receipt {
    /// The referendum that was submitted.
    pub fn referendum(&self) -> Option<u32> {
        self.field(REFERENDA, "Submitted", "index")
    }
}

/// Typed reads of governance, of every [`Chain`].
#[async_trait]
pub trait GovernanceChain: Chain {
    /// Number of referenda: indices run from 0 to one below.
    async fn referendum_count(&self, at: At) -> Result<u32, ChainError> {
        found(self, at, GovernanceItem::ReferendumCount).await
    }

    /// A referendum; `None` when there is none of that index.
    async fn referendum(&self, at: At, index: u32) -> Result<Option<Referendum>, ChainError> {
        let item = Item::Governance(GovernanceItem::Referendum(index));
        read(self, at, item).await
    }

    /// What an account does in a class.
    async fn voting(&self, at: At, account: AccountId, class: u16) -> Result<Voting, ChainError> {
        found(self, at, GovernanceItem::Voting(account, class)).await
    }

    /// Tokens that an account's votes need frozen, by class.
    async fn class_locks(
        &self,
        at: At,
        account: AccountId,
    ) -> Result<Vec<(u16, Balance)>, ChainError> {
        found(self, at, GovernanceItem::ClassLocks(account)).await
    }

    /// What a vote of an account added to a referendum's tally.
    async fn applied_vote(
        &self,
        at: At,
        referendum: u32,
        account: AccountId,
    ) -> Result<Option<AppliedVote<AccountId>>, ChainError> {
        let item = Item::Governance(GovernanceItem::AppliedVote(referendum, account));
        read(self, at, item).await
    }

    /// Who delegates to an account in a class.
    async fn delegators(
        &self,
        at: At,
        account: AccountId,
        class: u16,
    ) -> Result<Vec<Delegator>, ChainError> {
        found(self, at, GovernanceItem::Delegators(account, class)).await
    }

    /// Credits of an account as of the end of an epoch that is over and kept.
    async fn credits_as_of(
        &self,
        at: At,
        account: AccountId,
        epoch: u32,
    ) -> Result<u128, ChainError> {
        let current = self.credits(at, account).await?;
        let history: Vec<Credits> = found(self, at, GovernanceItem::CreditHistory(account)).await?;
        Ok(as_of(&history, current, epoch).at(epoch))
    }

    /// Credits of all as of the end of an epoch that is over and kept.
    async fn total_credits_as_of(&self, at: At, epoch: u32) -> Result<u128, ChainError> {
        let current = self.total_credits(at).await?;
        let history: Vec<Credits> = found(self, at, GovernanceItem::TotalHistory).await?;
        Ok(as_of(&history, current, epoch).at_up(epoch))
    }

    /// All tokens.
    async fn issuance(&self, at: At) -> Result<Balance, ChainError> {
        found(self, at, GovernanceItem::Issuance).await
    }
}

impl<C: Chain + ?Sized> GovernanceChain for C {}

/// What is stored, else a default.
async fn found<C: Chain + ?Sized, T: Decode + DecodeAll + Default>(
    chain: &C,
    at: At,
    item: GovernanceItem,
) -> Result<T, ChainError> {
    let stored = read(chain, at, Item::Governance(item)).await?;
    Ok(stored.unwrap_or_default())
}
