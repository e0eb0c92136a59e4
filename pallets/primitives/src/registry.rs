// SPDX-License-Identifier: GPL-3.0-or-later
//! Models, branches, and the traits by which pallets see each other.

use crate::cid::Cid;
use crate::data::{Licence, MixtureEntry, MAX_MIXTURE};
use crate::manifest::Architecture;
use crate::recipe::Recipe;
use crate::value::Shard;
use crate::version::VersionHeader;
use crate::{Balance, BlockNumber, BoundedVec, BranchId, ConstU32, ModelId, H256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A registered model. Its manifest follows from the architecture.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Model<AccountId> {
    /// Architecture.
    pub architecture: Architecture,
    /// SPDX licence expression.
    pub licence: Licence,
    /// Who registered it.
    pub owner: AccountId,
    /// Held from the owner.
    pub deposit: Balance,
}

/// What governance (or genesis) grants a branch.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Admission {
    /// Share of the emission, in parts of a million. All shares together are at most a million.
    pub share: u32,
    /// Work units of one trained token, measured by the cost of the branch's model.
    pub units_per_token: u32,
}

/// Who pays a branch's rounds.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Funding {
    /// The chain: emission and credits.
    Emission(Admission),
    /// The branch owner's escrow; no credits. A trained token is one work unit.
    Escrow {
        /// Most that a round pays.
        per_round: Balance,
        /// Paid for a work unit.
        unit_price: Balance,
    },
}

impl Funding {
    /// Work units of one trained token.
    pub fn units_per_token(&self) -> u32 {
        match self {
            Self::Emission(admission) => admission.units_per_token,
            Self::Escrow { .. } => 1,
        }
    }

    /// Share of the emission, in parts of a million.
    pub fn share(&self) -> u32 {
        match self {
            Self::Emission(admission) => admission.share,
            Self::Escrow { .. } => 0,
        }
    }
}

/// A branch of a model: one head, one recipe.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Branch<AccountId> {
    /// Model.
    pub model: ModelId,
    /// Who created it.
    pub owner: AccountId,
    /// Recipe of the next round.
    pub recipe: Recipe,
    /// Version hash of the head.
    pub head: H256,
    /// Emission and credits, when admitted.
    pub admission: Option<Admission>,
    /// Held from the owner.
    pub deposit: Balance,
    /// Whether governance froze it: no round opens, and its head moves by a revert's replay alone.
    pub frozen: bool,
}

/// A registered data set.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DatasetRecord<AccountId> {
    /// What the submitter says of it.
    pub info: crate::data::DatasetInfo,
    /// Who submitted it.
    pub submitter: AccountId,
    /// Held from the submitter.
    pub deposit: Balance,
    /// Block of the submission.
    pub block: BlockNumber,
    /// Block from which on it is suspended: when the time of a demand that nobody answered was over, or will be.
    pub suspended_from: Option<BlockNumber>,
}

impl<AccountId> DatasetRecord<AccountId> {
    /// Whether a round that opens in this block leaves it out.
    pub fn suspended(&self, now: BlockNumber) -> bool {
        self.suspended_from.is_some_and(|from| from <= now)
    }
}

/// What a round takes from the registries when it opens; a change made later counts from the next round.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RoundTerms {
    /// Model of the branch.
    pub model: ModelId,
    /// Architecture of the model.
    pub architecture: Architecture,
    /// Recipe.
    pub recipe: Recipe,
    /// Who pays.
    pub funding: Funding,
    /// Mixture with each set's number of samples.
    pub mixture: BoundedVec<(MixtureEntry, u64), ConstU32<MAX_MIXTURE>>,
}

/// A version about to become a branch's head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewVersion {
    /// Merkle root of the parameters.
    pub state_root: H256,
    /// Merkle root of the server optimiser's moments; zero where it has none.
    pub server_root: H256,
    /// Where the parameters are.
    pub cid: Cid,
    /// Where the moments are.
    pub server_cid: Option<Cid>,
    /// Merkle root of the merged contributions.
    pub contributions_root: H256,
}

/// How the useful-work pallet sees the model registry.
pub trait ModelRegistry<AccountId> {
    /// A branch; `None` when unknown.
    fn branch(branch: BranchId) -> Option<Branch<AccountId>>;
    /// Architecture of a model; `None` when unknown.
    fn architecture(model: ModelId) -> Option<Architecture>;
    /// Admitted branches, ascending, at most the registry's bound.
    fn admitted() -> alloc::vec::Vec<BranchId>;
    /// The header that [`Self::advance`] would store on top of the head; `None` when the branch is unknown or `base` is
    /// not its head.
    fn next_header(
        branch: BranchId,
        base: H256,
        version: NewVersion,
        recipe: &Recipe,
    ) -> Option<VersionHeader>;
    /// Header of a version; `None` when unknown.
    fn version(version: H256) -> Option<VersionHeader>;
    /// Makes `header` the branch's head; `None` when its parent is not the head.
    fn advance(header: VersionHeader) -> Option<H256>;
    /// Makes `to`, the branch's head or an ancestor of it on this chain, the head again and returns the head until then.
    /// `None` when the branch is unknown or `to` is no ancestor that the registry walks to. Versions are kept.
    fn rewind(branch: BranchId, to: H256) -> Option<H256>;
}

/// How the useful-work pallet sees the data registry.
pub trait DataRegistry<AccountId> {
    /// The mixture of a branch, without the sets that are suspended, with each set's number of samples; `None` when there is
    /// none, all its sets are suspended, or a set's window is not `window` bytes.
    fn mixture(
        branch: BranchId,
        window: u32,
    ) -> Option<BoundedVec<(MixtureEntry, u64), ConstU32<MAX_MIXTURE>>>;
    /// Takes the branch's next held-out shard whose windows are `window` bytes: no shard is given twice.
    fn take_shard(branch: BranchId, window: u32) -> Option<Shard<AccountId>>;
}

/// How the data registry sees rounds.
pub trait RoundRegistry {
    /// Number of the branch's latest round; `None` when it never had one.
    fn latest(branch: BranchId) -> Option<u32>;
    /// Whether a round is kept: it is open, or its claims may still be challenged.
    fn kept(branch: BranchId, number: u32) -> bool;
}

/// How private rounds see bonds: another pallet holds them. What is locked through this trait stays apart from what that pallet
/// locks itself.
pub trait BondLedger<AccountId> {
    /// Block since which the account has had a bond.
    fn since(account: &AccountId) -> Option<BlockNumber>;
    /// What counts of the bond in something that opened at a block.
    fn counted(account: &AccountId, opened: BlockNumber) -> Balance;
    /// Locks a free part of the bond; `false`, and nothing locked, when it is too small.
    fn lock(account: &AccountId, amount: Balance) -> bool;
    /// Locks as much of `amount` as there is, also of what is on its way out; returns what was locked.
    fn lock_up_to(account: &AccountId, amount: Balance) -> Balance;
    /// Frees what was locked.
    fn unlock(account: &AccountId, amount: Balance);
    /// Locked through this trait.
    fn locked(account: &AccountId) -> Balance;
    /// Takes lost parts of what is locked: the chain's burn share of each is burned, the rest split evenly among those who were
    /// right and lost nothing; burned as well where there are none.
    fn slash(
        affair: H256,
        lost: alloc::vec::Vec<(AccountId, Balance)>,
        right: alloc::vec::Vec<AccountId>,
    );
    /// Burns a part of what is locked whole; returns what was burned.
    fn burn(affair: H256, account: &AccountId, amount: Balance) -> Balance;
}

/// How private rounds see verifiers and public rounds.
pub trait AuditorRegistry<AccountId> {
    /// Verifiers of a branch with the bonds that counted at a block, all of one numeric profile: that with the largest bond.
    fn auditors(branch: BranchId, opened: BlockNumber) -> alloc::vec::Vec<(AccountId, Balance)>;
    /// Whether the branch has public rounds, or can have: no branch has both.
    fn has_public_rounds(branch: BranchId) -> bool;
}

/// How votes see compute credits.
pub trait CreditSnapshots<AccountId> {
    /// Credit epoch that a block lies in.
    fn epoch(block: BlockNumber) -> u32;
    /// Credits of all accounts together as of the end of an epoch, never less than their sum; `None` when the epoch is not over
    /// or older than the ring.
    fn total(epoch: u32) -> Option<u128>;
    /// Credits of an account as of the end of an epoch that [`Self::total`] answers for; of another epoch it says nothing right.
    fn credits(account: &AccountId, epoch: u32) -> u128;
}

/// How votes see polls, beside what the SDK's `Polling` says of them.
pub trait PollSubmission {
    /// Block in which an ongoing poll was submitted; `None` when the poll is unknown or over.
    fn submitted(poll: u32) -> Option<BlockNumber>;
}

/// What accounts hold to pay others, which a freeze does not stop, beside what their votes freeze.
pub trait SetAside<AccountId> {
    /// Tokens of an account that are held to pay others: they cannot vote.
    fn set_aside(who: &AccountId) -> Balance;
    /// Whether an account may set so many more aside: when all of it is paid, what is frozen has to be left.
    fn may_set_aside(who: &AccountId, more: Balance) -> bool;
}

/// Where nothing is frozen.
impl<AccountId> SetAside<AccountId> for () {
    fn set_aside(_: &AccountId) -> Balance {
        0
    }
    fn may_set_aside(_: &AccountId, _: Balance) -> bool {
        true
    }
}

/// Randomness of the parent block.
pub trait ParentRandomness<AccountId> {
    /// Its VRF output, where it has one.
    fn output() -> Option<H256>;
    /// Who made it.
    fn author() -> Option<AccountId>;
}
