// SPDX-License-Identifier: GPL-3.0-or-later
//! The trait by which the worker's roles see the chain.

use async_trait::async_trait;
use codec::{Decode, DecodeAll};
use dream_primitives::bond::Bond;
use dream_primitives::claim::RoundId;
use dream_primitives::credits::Credits;
use dream_primitives::data::Mixture;
use dream_primitives::dispute::{DeltaOpening, PairTable};
use dream_primitives::feedback::CarriedResidual;
use dream_primitives::params::ChainParameters;
use dream_primitives::profile::ProfileRecord;
use dream_primitives::registry::RoundTerms;
use dream_primitives::ticket;
use dream_primitives::trial::TrialSeat;
use dream_primitives::value::ScoreRecord;
use dream_primitives::version::VersionHeader;
use dream_primitives::{BlockNumber, BranchId, DatasetId, ModelId, H256};

use crate::{
    AccountBalance, AccountId, At, BlockRef, Branch, Call, ChainError, ClaimRecord, DatasetRecord,
    Demand, Dispute, Entry, Escrow, Event, Item, Model, OpenAudit, OpenTrial, Receipt, Round,
    Shard, SubmitError, Trial, Valuation,
};

/// A chain as one account sees it. Used as `Arc<dyn Chain>`.
///
/// Everything is read from finalised blocks, and a submission returns once it is finalised. Reads and submissions
/// ask again by themselves while the node is away; an error is final.
#[async_trait]
pub trait Chain: Send + Sync {
    /// The account that signs submissions.
    fn account(&self) -> AccountId;

    /// Hash of the genesis block.
    fn genesis(&self) -> H256;

    /// A secret of the account for one purpose, which follows from its key: it cannot be lost while the key is there.
    fn secret(&self, purpose: &str) -> H256;

    /// The latest finalised block.
    async fn finalised(&self) -> Result<BlockRef, ChainError>;

    /// Waits until a block above `after` is finalised and returns the latest. Blocks may be skipped.
    async fn next_finalised(&self, after: BlockNumber) -> Result<BlockRef, ChainError>;

    /// A storage item in SCALE; `None` when nothing is stored. The typed methods are what roles call.
    async fn raw(&self, at: At, item: Item) -> Result<Option<Vec<u8>>, ChainError>;

    /// Everything that happened in a finalised block, without what transactions say of fees; `None` when the node does not
    /// keep that block's state any more.
    async fn events(&self, block: BlockNumber) -> Result<Option<Vec<Event>>, ChainError>;

    /// Whether the node still holds transactions of the account that are not in a finalised block. When it does not, one
    /// that was sent and is not on the chain is lost, and the next one takes its nonce: both cannot land.
    async fn under_way(&self) -> Result<bool, ChainError>;

    /// Signs and sends a call, waits until it is finalised, and says whether it succeeded.
    ///
    /// Submissions of one client are sent one after another. A call is sent at most once: after
    /// [`SubmitError::Unknown`] the caller looks at the chain.
    async fn submit(&self, call: Call) -> Result<Receipt, SubmitError>;

    /// The chunks of a claim's delta that transactions of the blocks after `from` up to `until` hold, right or wrong.
    async fn supplied(
        &self,
        claim: H256,
        from: BlockNumber,
        until: BlockRef,
    ) -> Result<Vec<DeltaOpening>, ChainError>;

    /// Chain parameters.
    async fn parameters(&self, at: At) -> Result<ChainParameters, ChainError> {
        let stored = read(self, at, Item::Parameters).await?;
        Ok(stored.unwrap_or(ChainParameters::development()))
    }

    /// Number of models: ids run from 0 to one below.
    async fn next_model(&self, at: At) -> Result<ModelId, ChainError> {
        Ok(read(self, at, Item::NextModel).await?.unwrap_or_default())
    }

    /// A model.
    async fn model(&self, at: At, id: ModelId) -> Result<Option<Model>, ChainError> {
        read(self, at, Item::Model(id)).await
    }

    /// Number of branches: ids run from 0 to one below.
    async fn next_branch(&self, at: At) -> Result<BranchId, ChainError> {
        Ok(read(self, at, Item::NextBranch).await?.unwrap_or_default())
    }

    /// A branch.
    async fn branch(&self, at: At, id: BranchId) -> Result<Option<Branch>, ChainError> {
        read(self, at, Item::Branch(id)).await
    }

    /// Branches that governance (or genesis) admitted.
    async fn admitted(&self, at: At) -> Result<Vec<BranchId>, ChainError> {
        Ok(read(self, at, Item::Admitted).await?.unwrap_or_default())
    }

    /// Header of a version.
    async fn version(&self, at: At, hash: H256) -> Result<Option<VersionHeader>, ChainError> {
        read(self, at, Item::Version(hash)).await
    }

    /// Number of data sets: ids run from 0 to one below.
    async fn next_dataset(&self, at: At) -> Result<DatasetId, ChainError> {
        Ok(read(self, at, Item::NextDataset).await?.unwrap_or_default())
    }

    /// A data set.
    async fn dataset(&self, at: At, id: DatasetId) -> Result<Option<DatasetRecord>, ChainError> {
        read(self, at, Item::Dataset(id)).await
    }

    /// A branch's mixture.
    async fn mixture(&self, at: At, branch: BranchId) -> Result<Option<Mixture>, ChainError> {
        read(self, at, Item::Mixture(branch)).await
    }

    /// An account's bond; all zero when there is none.
    async fn bond(&self, at: At, account: AccountId) -> Result<Bond, ChainError> {
        Ok(read(self, at, Item::Bond(account))
            .await?
            .unwrap_or_default())
    }

    /// The profile that an account registered on a branch.
    async fn profile(
        &self,
        at: At,
        branch: BranchId,
        account: AccountId,
    ) -> Result<Option<ProfileRecord>, ChainError> {
        read(self, at, Item::Profile(branch, account)).await
    }

    /// What the account's last merged claim on the branch left over; none for zeros.
    async fn residual(
        &self,
        at: At,
        branch: BranchId,
        account: AccountId,
    ) -> Result<Option<CarriedResidual>, ChainError> {
        read(self, at, Item::Residual(branch, account)).await
    }

    /// Whether governance admitted a profile.
    async fn profile_admitted(&self, at: At, leaf: H256) -> Result<bool, ChainError> {
        let found: Option<()> = read(self, at, Item::AdmittedProfile(leaf)).await?;
        Ok(found.is_some())
    }

    /// Accounts that offered to verify a branch.
    async fn verifiers(&self, at: At, branch: BranchId) -> Result<Vec<AccountId>, ChainError> {
        Ok(read(self, at, Item::Verifiers(branch))
            .await?
            .unwrap_or_default())
    }

    /// The newest round of a branch; `None` before the first.
    async fn current_round(&self, at: At, branch: BranchId) -> Result<Option<Round>, ChainError> {
        let number: Option<u32> = read(self, at, Item::CurrentRound(branch)).await?;
        match number {
            Some(number) => self.round(at, RoundId { branch, number }).await,
            None => Ok(None),
        }
    }

    /// A round, while the chain keeps it.
    async fn round(&self, at: At, id: RoundId) -> Result<Option<Round>, ChainError> {
        read(self, at, Item::Round(id)).await
    }

    /// What a round took from the registries when it opened.
    async fn terms(&self, at: At, id: RoundId) -> Result<Option<RoundTerms>, ChainError> {
        read(self, at, Item::Terms(id)).await
    }

    /// Claims of a round, in the order in which they came.
    async fn round_claims(&self, at: At, id: RoundId) -> Result<Vec<H256>, ChainError> {
        Ok(read(self, at, Item::RoundClaims(id))
            .await?
            .unwrap_or_default())
    }

    /// The claim of an account in a round.
    async fn claim_of(
        &self,
        at: At,
        round: RoundId,
        account: AccountId,
    ) -> Result<Option<H256>, ChainError> {
        read(self, at, Item::ClaimOf(round, account)).await
    }

    /// A claim, while the chain keeps it.
    async fn claim(&self, at: At, id: H256) -> Result<Option<ClaimRecord>, ChainError> {
        read(self, at, Item::Claim(id)).await
    }

    /// The profile that an account has committed to and not revealed yet, and the block of the commitment.
    async fn profile_commitment(
        &self,
        at: At,
        branch: BranchId,
        account: AccountId,
    ) -> Result<Option<(H256, BlockNumber)>, ChainError> {
        read(self, at, Item::ProfileCommitment(branch, account)).await
    }

    /// Claims on trial.
    async fn active_trials(&self, at: At) -> Result<Vec<H256>, ChainError> {
        Ok(read(self, at, Item::ActiveTrials)
            .await?
            .unwrap_or_default())
    }

    /// Header of a round's posted merge, until it is the head.
    async fn posted_header(
        &self,
        at: At,
        round: RoundId,
    ) -> Result<Option<VersionHeader>, ChainError> {
        read(self, at, Item::PostedHeader(round)).await
    }

    /// Table of distances of a round's posted merge; empty where the rule reads none.
    async fn posted_table(&self, at: At, round: RoundId) -> Result<PairTable, ChainError> {
        Ok(read(self, at, Item::PostedTable(round))
            .await?
            .unwrap_or_default())
    }

    /// The trial of a claim, while it has one.
    async fn trial(&self, at: At, claim: H256) -> Result<Option<Trial>, ChainError> {
        read(self, at, Item::Trial(claim)).await
    }

    /// The seat of an account in the trial of a claim.
    async fn trial_seat(
        &self,
        at: At,
        claim: H256,
        account: AccountId,
    ) -> Result<Option<TrialSeat>, ChainError> {
        read(self, at, Item::TrialSeat(claim, account)).await
    }

    /// The trials in which `account` has a seat, whatever is asked of it now.
    async fn trials(&self, at: At, account: AccountId) -> Result<Vec<OpenTrial>, ChainError> {
        let at = match at {
            At::Finalised => self.finalised().await?.into(),
            block => block,
        };
        let mut trials = Vec::new();
        for id in self.active_trials(at).await? {
            let Some(seat) = self.trial_seat(at, id, account).await? else {
                continue;
            };
            let (trial, record) = (self.trial(at, id).await?, self.claim(at, id).await?);
            if let Some((trial, record)) = trial.zip(record) {
                trials.push(OpenTrial {
                    id,
                    record,
                    trial,
                    seat,
                });
            }
        }
        Ok(trials)
    }

    /// Disputes of a round's posted merge that are not over.
    async fn disputes(&self, at: At, round: RoundId) -> Result<Vec<Dispute>, ChainError> {
        Ok(read(self, at, Item::Disputes(round))
            .await?
            .unwrap_or_default())
    }

    /// Demands for chunks of a round's deltas that are not over.
    async fn demands(&self, at: At, round: RoundId) -> Result<Vec<Demand>, ChainError> {
        Ok(read(self, at, Item::Demands(round))
            .await?
            .unwrap_or_default())
    }

    /// Held-out shards of a branch that wait to be used, the oldest first.
    async fn shards(&self, at: At, branch: BranchId) -> Result<Vec<Shard>, ChainError> {
        Ok(read(self, at, Item::Shards(branch))
            .await?
            .unwrap_or_default())
    }

    /// Whether a shard with this root was ever committed: none is committed twice.
    async fn shard_known(&self, at: At, root: H256) -> Result<bool, ChainError> {
        let found: Option<()> = read(self, at, Item::ShardRoot(root)).await?;
        Ok(found.is_some())
    }

    /// The scoring of a round's merge, from its beginning until the chain forgets the round.
    async fn valuation(&self, at: At, round: RoundId) -> Result<Option<Valuation>, ChainError> {
        read(self, at, Item::Valuation(round)).await
    }

    /// A branch's improvement record, oldest first; what `dream_scores` answers.
    async fn scores(&self, at: At, branch: BranchId) -> Result<Vec<ScoreRecord>, ChainError> {
        Ok(read(self, at, Item::Scores(branch))
            .await?
            .unwrap_or_default())
    }

    /// What the owner of a branch pays its rounds from.
    async fn escrow(&self, at: At, branch: BranchId) -> Result<Option<Escrow>, ChainError> {
        read(self, at, Item::Escrow(branch)).await
    }

    /// The hash that a branch's next ticket must be below.
    async fn ticket_target(&self, at: At, branch: BranchId) -> Result<H256, ChainError> {
        let stored = read(self, at, Item::TicketTarget(branch)).await?;
        Ok(stored.unwrap_or_else(ticket::easiest))
    }

    /// Tickets that have slots in a branch's next round, ascending by work.
    async fn tickets(&self, at: At, branch: BranchId) -> Result<Vec<Entry>, ChainError> {
        Ok(read(self, at, Item::Tickets(branch))
            .await?
            .unwrap_or_default())
    }

    /// Slots of newcomers in a round that are not used yet.
    async fn newcomers(&self, at: At, round: RoundId) -> Result<Vec<Entry>, ChainError> {
        Ok(read(self, at, Item::Newcomers(round))
            .await?
            .unwrap_or_default())
    }

    /// The claims of a branch's newest round in whose committee `account` sits, whatever is asked of it now.
    async fn audits(
        &self,
        at: At,
        branch: BranchId,
        account: AccountId,
    ) -> Result<Vec<OpenAudit>, ChainError> {
        let at = match at {
            At::Finalised => self.finalised().await?.into(),
            block => block,
        };
        let Some(round) = self.current_round(at, branch).await? else {
            return Ok(Vec::new());
        };
        let mut audits = Vec::new();
        for id in self.round_claims(at, round.id).await? {
            let Some(record) = self.claim(at, id).await? else {
                continue;
            };
            let seat = record.committee.iter().find(|s| s.verifier == account);
            if let Some(seat) = seat.cloned() {
                let round = round.clone();
                audits.push(OpenAudit {
                    id,
                    round,
                    record,
                    seat,
                });
            }
        }
        Ok(audits)
    }

    /// Compute credits of an account, as last written: see [`Credits::at`].
    async fn credits(&self, at: At, account: AccountId) -> Result<Credits, ChainError> {
        Ok(read(self, at, Item::Credits(account))
            .await?
            .unwrap_or_default())
    }

    /// Compute credits of all accounts together.
    async fn total_credits(&self, at: At) -> Result<Credits, ChainError> {
        Ok(read(self, at, Item::TotalCredits)
            .await?
            .unwrap_or_default())
    }

    /// Tokens of an account.
    async fn balance(&self, at: At, account: AccountId) -> Result<AccountBalance, ChainError> {
        Ok(read(self, at, Item::Balance(account))
            .await?
            .unwrap_or_default())
    }
}

pub(crate) async fn read<C: Chain + ?Sized, T: Decode>(
    chain: &C,
    at: At,
    item: Item,
) -> Result<Option<T>, ChainError> {
    let Some(bytes) = chain.raw(at, item).await? else {
        return Ok(None);
    };
    match T::decode_all(&mut &bytes[..]) {
        Ok(value) => Ok(Some(value)),
        Err(cause) => Err(ChainError::Malformed {
            item: format!("{item:?}"),
            cause: cause.to_string(),
        }),
    }
}
