// SPDX-License-Identifier: GPL-3.0-or-later
//! What the chain keeps, with the worker's accounts, and what it answers.

use codec::{Decode, DecodeAll, Encode};
use dream_primitives::claim::RoundId;
use dream_primitives::trial::{self, TrialSeat};
use dream_primitives::{bond, game, registry, round, ticket, value};
use dream_primitives::{Balance, BlockNumber, BranchId, DatasetId, ModelId, H256};
use serde::{Deserialize, Serialize};

use crate::{AccountId, GovernanceItem, PrivateItem};

/// What the owner of a branch pays its rounds from.
pub type Escrow = bond::Escrow<AccountId>;
/// A registered model.
pub type Model = registry::Model<AccountId>;
/// A branch of a model.
pub type Branch = registry::Branch<AccountId>;
/// A registered data set.
pub type DatasetRecord = registry::DatasetRecord<AccountId>;
/// A round.
pub type Round = round::Round<AccountId>;
/// All that the chain keeps of a claim.
pub type ClaimRecord = round::ClaimRecord<AccountId>;
/// A dispute of a posted merge.
pub type Dispute = game::Dispute<AccountId>;
/// A demand for a chunk of a delta.
pub type Demand = game::Demand<AccountId>;
/// A newcomer's slot.
pub type Entry = ticket::Entry<AccountId>;
/// A seat of a committee.
pub type Seat = round::Seat<AccountId>;
/// A trial of a claim.
pub type Trial = trial::Trial<AccountId>;
/// A held-out shard as it is committed.
pub type Shard = value::Shard<AccountId>;
/// Scoring of a round's merge.
pub type Valuation = value::Valuation<AccountId>;
/// A scorer's seat.
pub type ScoreSeat = value::ScoreSeat<AccountId>;

/// A block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BlockRef {
    /// Height.
    pub number: BlockNumber,
    /// Hash of the header.
    pub hash: H256,
}

/// At which block something is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum At {
    /// At the latest finalised block that the client knows.
    #[default]
    Finalised,
    /// At this block, so that several reads fit together.
    Block(H256),
}

impl From<BlockRef> for At {
    fn from(block: BlockRef) -> Self {
        Self::Block(block.hash)
    }
}

/// An account's tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, Serialize, Deserialize)]
pub struct AccountBalance {
    /// May be spent, but for what is frozen.
    pub free: Balance,
    /// Held: bonds and deposits.
    pub held: Balance,
}

/// A claim whose committee an account sits in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenAudit {
    /// Claim.
    pub id: H256,
    /// The round that it is part of.
    pub round: Round,
    /// All that the chain keeps of it.
    pub record: ClaimRecord,
    /// The account's seat.
    pub seat: Seat,
}

/// A trial in which an account has a seat.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OpenTrial {
    /// Claim.
    pub id: H256,
    /// All that the chain keeps of it.
    pub record: ClaimRecord,
    /// The trial.
    pub trial: Trial,
    /// The account's seat.
    pub seat: TrialSeat,
}

/// A storage item, by which [`Chain::raw`](crate::Chain::raw) is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item {
    /// Chain parameters.
    Parameters,
    /// Number of models registered.
    NextModel,
    /// A model.
    Model(ModelId),
    /// Number of branches.
    NextBranch,
    /// A branch.
    Branch(BranchId),
    /// Admitted branches.
    Admitted,
    /// Header of a version.
    Version(H256),
    /// Number of data sets.
    NextDataset,
    /// A data set.
    Dataset(DatasetId),
    /// A branch's mixture.
    Mixture(BranchId),
    /// Demands for samples of a data set.
    SampleDemands(DatasetId),
    /// A bond.
    Bond(AccountId),
    /// A profile.
    Profile(BranchId, AccountId),
    /// What an account's next claim on a branch must start from.
    Residual(BranchId, AccountId),
    /// Whether a profile is admitted.
    AdmittedProfile(H256),
    /// Verifiers of a branch.
    Verifiers(BranchId),
    /// Number of a branch's current round.
    CurrentRound(BranchId),
    /// A round.
    Round(RoundId),
    /// Terms of a round.
    Terms(RoundId),
    /// Claims of a round.
    RoundClaims(RoundId),
    /// An account's claim in a round.
    ClaimOf(RoundId, AccountId),
    /// A claim.
    Claim(H256),
    /// An account's commitment to a profile: hash and block.
    ProfileCommitment(BranchId, AccountId),
    /// Claims on trial.
    ActiveTrials,
    /// A claim's trial.
    Trial(H256),
    /// An account's seat in a claim's trial.
    TrialSeat(H256, AccountId),
    /// Header of a round's posted merge, until it is the head.
    PostedHeader(RoundId),
    /// Table of distances of a round's posted merge.
    PostedTable(RoundId),
    /// Disputes of a round's posted merge that are not over.
    Disputes(RoundId),
    /// Demands for chunks of a round's deltas that are not over.
    Demands(RoundId),
    /// Held-out shards of a branch that wait, the oldest first.
    Shards(BranchId),
    /// Whether a shard with this root was ever committed.
    ShardRoot(H256),
    /// Scoring of a round's merge.
    Valuation(RoundId),
    /// Improvement record of a branch.
    Scores(BranchId),
    /// What the owner of a branch pays its rounds from.
    Escrow(BranchId),
    /// The hash that a branch's next ticket must be below.
    TicketTarget(BranchId),
    /// Tickets that have slots in a branch's next round.
    Tickets(BranchId),
    /// Slots of newcomers in a round that are not used yet.
    Newcomers(RoundId),
    /// Credits of an account.
    Credits(AccountId),
    /// Credits of all.
    TotalCredits,
    /// Tokens of an account, in the form of [`AccountBalance`].
    Balance(AccountId),
    /// An item of private rounds.
    Private(PrivateItem),
    /// An item of governance.
    Governance(GovernanceItem),
}

/// A field of an event: its name and its value in SCALE.
pub type EventField = (String, Vec<u8>);

/// An event that a transaction caused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Pallet.
    pub pallet: String,
    /// Name.
    pub name: String,
    /// Fields.
    pub fields: Vec<EventField>,
}

impl Event {
    /// The value of a field; `None` when there is no such field or it is of another type.
    pub fn field<T: Decode>(&self, name: &str) -> Option<T> {
        let (_, bytes) = self.fields.iter().find(|(n, _)| n == name)?;
        T::decode_all(&mut &bytes[..]).ok()
    }
}

/// What became of a transaction that succeeded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The finalised block that holds it.
    pub block: BlockRef,
    /// Hash of the transaction.
    pub extrinsic: H256,
    /// The events that it caused, without those of fees and of the system.
    pub events: Vec<Event>,
}

impl Receipt {
    /// The field of the first event of that pallet and name.
    pub fn field<T: Decode>(&self, pallet: &str, event: &str, field: &str) -> Option<T> {
        let named = |e: &&Event| e.pallet == pallet && e.name == event;
        self.events.iter().find(named)?.field(field)
    }

    /// The model that was registered.
    pub fn model(&self) -> Option<ModelId> {
        self.field("ModelRegistry", "ModelRegistered", "model")
    }

    /// The branch that was made, by registering a model or branching off.
    pub fn branch(&self) -> Option<BranchId> {
        self.field("ModelRegistry", "ModelRegistered", "branch")
            .or_else(|| self.field("ModelRegistry", "BranchCreated", "branch"))
    }

    /// The first version of the model that was registered.
    pub fn version(&self) -> Option<H256> {
        self.field("ModelRegistry", "ModelRegistered", "version")
    }

    /// The data set that was registered.
    pub fn dataset(&self) -> Option<DatasetId> {
        self.field("DataRegistry", "DatasetSubmitted", "dataset")
    }
}
