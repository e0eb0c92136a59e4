// SPDX-License-Identifier: GPL-3.0-or-later
//! Private rounds on the chain (docs/private-rounds.md): calls, storage, and typed reads.

use async_trait::async_trait;
use codec::{Decode, Encode};
use dream_primitives::cid::Cid;
use dream_primitives::claim::RoundId;
use dream_primitives::dispute::{Answer, ChunkProof};
use dream_primitives::game;
use dream_primitives::private::committee::{
    self, DealerVotes, NamedKey, ShareComplaint, ShareDealing,
};
use dream_primitives::private::params::{PrivateLiteral, PrivateParameters};
use dream_primitives::private::round::{
    self, CiphertextRoots, ContributionVotes, Contributor, JobTerms, PrivateTerms,
    SegmentDisclosure,
};
use dream_primitives::private::settle::PrivateReport;
use dream_primitives::private::sum::{PrivateTree, SumProof};
use dream_primitives::{Balance, BranchId, H256};

use crate::api::read;
use crate::{AccountId, At, Chain, ChainError, Item};

/// Name of the pallet.
const PRIVATE: &str = "SecureAggregation";

/// An account that waits for a place in a committee.
pub type CommitteeCandidate = committee::CommitteeCandidate<AccountId>;
/// An epoch of the key layer.
pub type KeyEpoch = committee::KeyEpoch<AccountId>;
/// A private round.
pub type PrivateRound = round::PrivateRound<AccountId>;
/// A branch whose private rounds a sponsor pays.
pub type PrivateJob = round::PrivateJob<AccountId>;
/// An auditor's seat.
pub type AuditorSeat = round::AuditorSeat<AccountId>;
/// A dispute of a sum or of a version.
pub type PrivateDispute = game::Dispute<AccountId, PrivateTree>;

/// An extrinsic of private rounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivateCall {
    /// Sets the parameters (governance).
    SetParameters(Box<PrivateLiteral>),
    /// Offers the account for committees.
    JoinCommittee {
        /// X25519 key to which shares are encrypted.
        transport: H256,
    },
    /// Takes the offer back.
    LeaveCommittee,
    /// Deals the account's part of every share of an epoch's key.
    Deal {
        /// Epoch.
        epoch: u32,
        /// Hashes, root and name.
        dealing: ShareDealing,
    },
    /// Complains of a share that the account is to hold.
    Complain {
        /// Epoch.
        epoch: u32,
        /// Who dealt it.
        dealer: u8,
        /// The set whose share it is.
        set: u8,
    },
    /// Shows the seed of a share that was complained of.
    ShowShare {
        /// Epoch.
        epoch: u32,
        /// The set whose share it is.
        set: u8,
        /// The seed.
        seed: H256,
    },
    /// Votes on the dealers.
    JudgeDealers {
        /// Epoch.
        epoch: u32,
        /// The votes.
        votes: DealerVotes,
    },
    /// Names the epoch's public key.
    NameKey {
        /// Epoch.
        epoch: u32,
        /// The key.
        key: NamedKey,
    },
    /// Sponsors private rounds of a branch of the account's.
    Sponsor {
        /// Branch.
        branch: BranchId,
        /// What the next round is paid.
        terms: JobTerms,
        /// Added to the escrow.
        amount: Balance,
    },
    /// Ends a job.
    EndJob(BranchId),
    /// Registers for a round.
    Register(RoundId),
    /// Commits to ciphertexts.
    CommitContribution {
        /// Round.
        round: RoundId,
        /// [`CiphertextRoots::commitment`].
        commitment: H256,
    },
    /// Opens the commitment.
    OpenContribution {
        /// Round.
        round: RoundId,
        /// What it opens to.
        roots: CiphertextRoots,
        /// Its salt.
        salt: H256,
    },
    /// Opens the key segment that the round asks for.
    DiscloseSegment {
        /// Round.
        round: RoundId,
        /// What is opened.
        disclosure: SegmentDisclosure,
    },
    /// Votes on the contributions from a seat.
    VoteContributions {
        /// Round.
        round: RoundId,
        /// The votes.
        votes: ContributionVotes,
    },
    /// Posts the sum.
    PostSum {
        /// Round.
        round: RoundId,
        /// Roots of the sums, and where they are.
        roots: CiphertextRoots,
    },
    /// Disputes a tree of the sum or of the version.
    Dispute {
        /// Round.
        round: RoundId,
        /// The tree.
        tree: PrivateTree,
    },
    /// Shows the nodes below the questioned one.
    AnswerDispute {
        /// Round.
        round: RoundId,
        /// Who disputes.
        challenger: AccountId,
        /// The nodes.
        nodes: Answer,
    },
    /// Questions one of the nodes that were shown.
    NarrowDispute {
        /// Round.
        round: RoundId,
        /// Place in the answer.
        place: u32,
    },
    /// Proves what the questioned leaf of a sum should be.
    ProveSum {
        /// Round.
        round: RoundId,
        /// That leaf of every contribution.
        proof: Box<SumProof>,
    },
    /// Proves what the questioned leaf of a version should be.
    ProveVersion {
        /// Round.
        round: RoundId,
        /// What the chunk is computed from.
        proof: Box<ChunkProof>,
    },
    /// Answers for the sum that stands, as a member.
    AnswerDecryption {
        /// Round.
        round: RoundId,
        /// Hash of the partial decryptions.
        hash: H256,
        /// Where they are.
        cid: Cid,
    },
    /// Opens the held-out shard.
    OpenShard {
        /// Round.
        round: RoundId,
        /// Where its samples are.
        cid: Cid,
    },
    /// Commits to a report from a seat.
    CommitReport {
        /// Round.
        round: RoundId,
        /// [`PrivateReport::commitment`].
        commitment: H256,
    },
    /// Reveals the report.
    RevealReport {
        /// Round.
        round: RoundId,
        /// The report.
        report: Box<PrivateReport>,
        /// Salt of the commitment.
        salt: H256,
    },
}

impl PrivateCall {
    /// Pallet and call, as the runtime names them.
    pub fn name(&self) -> (&'static str, &'static str) {
        let call = match self {
            Self::SetParameters(_) => "set_parameters",
            Self::JoinCommittee { .. } => "join_committee",
            Self::LeaveCommittee => "leave_committee",
            Self::Deal { .. } => "deal",
            Self::Complain { .. } => "complain",
            Self::ShowShare { .. } => "show_share",
            Self::JudgeDealers { .. } => "judge_dealers",
            Self::NameKey { .. } => "name_key",
            Self::Sponsor { .. } => "sponsor",
            Self::EndJob(_) => "end_job",
            Self::Register(_) => "register",
            Self::CommitContribution { .. } => "commit_contribution",
            Self::OpenContribution { .. } => "open_contribution",
            Self::DiscloseSegment { .. } => "disclose_segment",
            Self::VoteContributions { .. } => "vote_contributions",
            Self::PostSum { .. } => "post_sum",
            Self::Dispute { .. } => "dispute",
            Self::AnswerDispute { .. } => "answer_dispute",
            Self::NarrowDispute { .. } => "narrow_dispute",
            Self::ProveSum { .. } => "prove_sum",
            Self::ProveVersion { .. } => "prove_version",
            Self::AnswerDecryption { .. } => "answer_decryption",
            Self::OpenShard { .. } => "open_shard",
            Self::CommitReport { .. } => "commit_report",
            Self::RevealReport { .. } => "reveal_report",
        };
        (PRIVATE, call)
    }

    /// The arguments in SCALE, one after another.
    pub fn arguments(&self) -> Vec<u8> {
        match self {
            Self::SetParameters(literal) => literal.encode(),
            Self::JoinCommittee { transport } => transport.encode(),
            Self::LeaveCommittee => Vec::new(),
            Self::Deal { epoch, dealing } => (epoch, dealing).encode(),
            Self::Complain { epoch, dealer, set } => (epoch, dealer, set).encode(),
            Self::ShowShare { epoch, set, seed } => (epoch, set, seed).encode(),
            Self::JudgeDealers { epoch, votes } => (epoch, votes).encode(),
            Self::NameKey { epoch, key } => (epoch, key).encode(),
            Self::Sponsor {
                branch,
                terms,
                amount,
            } => (branch, terms, amount).encode(),
            Self::EndJob(branch) => branch.encode(),
            Self::Register(round) => round.encode(),
            Self::CommitContribution { round, commitment }
            | Self::CommitReport { round, commitment } => (round, commitment).encode(),
            Self::OpenContribution { round, roots, salt } => (round, roots, salt).encode(),
            Self::DiscloseSegment { round, disclosure } => (round, disclosure).encode(),
            Self::VoteContributions { round, votes } => (round, votes).encode(),
            Self::PostSum { round, roots } => (round, roots).encode(),
            Self::Dispute { round, tree } => (round, tree).encode(),
            Self::AnswerDispute {
                round,
                challenger,
                nodes,
            } => (round, challenger, nodes).encode(),
            Self::NarrowDispute { round, place } => (round, place).encode(),
            Self::ProveSum { round, proof } => (round, proof).encode(),
            Self::ProveVersion { round, proof } => (round, proof).encode(),
            Self::AnswerDecryption { round, hash, cid } => (round, hash, cid).encode(),
            Self::OpenShard { round, cid } => (round, cid).encode(),
            Self::RevealReport {
                round,
                report,
                salt,
            } => (round, report, salt).encode(),
        }
    }
}

/// A storage item of private rounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PrivateItem {
    /// Parameters.
    Parameters,
    /// Accounts that wait for a place in a committee.
    Candidates,
    /// An epoch that is not over.
    Epoch(u32),
    /// Numbers of those epochs, ascending.
    ActiveEpochs,
    /// Epoch under whose key rounds open.
    ServingEpoch,
    /// What a member dealt in an epoch.
    Dealing(u32, u8),
    /// Complaints of an epoch.
    Complaints(u32),
    /// The job of a branch.
    Job(BranchId),
    /// Branches that have one, ascending.
    Jobs,
    /// Number of a branch's last private round.
    LastRound(BranchId),
    /// A round.
    Round(RoundId),
    /// What a round in motion took when it opened.
    Terms(RoundId),
    /// Registrants of a round, then its cohort in the order of places.
    Participants(RoundId),
    /// What is known of one of them.
    Contributor(RoundId, AccountId),
    /// Auditors of a round.
    Seats(RoundId),
    /// Disputes of a round.
    Disputes(RoundId),
}

impl PrivateItem {
    /// Pallet, storage item and keys in SCALE.
    pub(crate) fn place(&self) -> (&'static str, &'static str, Vec<Vec<u8>>) {
        let (name, keys) = match self {
            Self::Parameters => ("Parameters", Vec::new()),
            Self::Candidates => ("Candidates", Vec::new()),
            Self::Epoch(number) => ("Epochs", vec![number.encode()]),
            Self::ActiveEpochs => ("ActiveEpochs", Vec::new()),
            Self::ServingEpoch => ("ServingEpoch", Vec::new()),
            Self::Dealing(epoch, dealer) => ("Dealings", vec![epoch.encode(), dealer.encode()]),
            Self::Complaints(epoch) => ("Complaints", vec![epoch.encode()]),
            Self::Job(branch) => ("Jobs", vec![branch.encode()]),
            Self::Jobs => ("JobList", Vec::new()),
            Self::LastRound(branch) => ("LastRound", vec![branch.encode()]),
            Self::Round(id) => ("Rounds", vec![id.encode()]),
            Self::Terms(id) => ("Terms", vec![id.encode()]),
            Self::Participants(id) => ("Participants", vec![id.encode()]),
            Self::Contributor(id, account) => ("Contributors", vec![id.encode(), account.encode()]),
            Self::Seats(id) => ("Seats", vec![id.encode()]),
            Self::Disputes(id) => ("Disputes", vec![id.encode()]),
        };
        (PRIVATE, name, keys)
    }
}

/// Typed reads of private rounds, of every [`Chain`].
#[async_trait]
pub trait PrivateChain: Chain {
    /// Parameters; `None` on a chain without private rounds.
    async fn private_parameters(&self, at: At) -> Result<Option<PrivateParameters>, ChainError> {
        found(self, at, PrivateItem::Parameters).await
    }

    /// Accounts that wait for a place in a committee.
    async fn committee_candidates(&self, at: At) -> Result<Vec<CommitteeCandidate>, ChainError> {
        list(self, at, PrivateItem::Candidates).await
    }

    /// An epoch that is not over.
    async fn epoch(&self, at: At, number: u32) -> Result<Option<KeyEpoch>, ChainError> {
        found(self, at, PrivateItem::Epoch(number)).await
    }

    /// Numbers of the epochs that are not over, ascending.
    async fn active_epochs(&self, at: At) -> Result<Vec<u32>, ChainError> {
        list(self, at, PrivateItem::ActiveEpochs).await
    }

    /// The epoch under whose key rounds open.
    async fn serving_epoch(&self, at: At) -> Result<Option<u32>, ChainError> {
        found(self, at, PrivateItem::ServingEpoch).await
    }

    /// What a member dealt in an epoch.
    async fn dealing(
        &self,
        at: At,
        epoch: u32,
        dealer: u8,
    ) -> Result<Option<ShareDealing>, ChainError> {
        found(self, at, PrivateItem::Dealing(epoch, dealer)).await
    }

    /// Complaints of an epoch.
    async fn complaints(&self, at: At, epoch: u32) -> Result<Vec<ShareComplaint>, ChainError> {
        list(self, at, PrivateItem::Complaints(epoch)).await
    }

    /// The job of a branch.
    async fn job(&self, at: At, branch: BranchId) -> Result<Option<PrivateJob>, ChainError> {
        found(self, at, PrivateItem::Job(branch)).await
    }

    /// Branches that have a job, ascending.
    async fn jobs(&self, at: At) -> Result<Vec<BranchId>, ChainError> {
        list(self, at, PrivateItem::Jobs).await
    }

    /// The newest private round of a branch; `None` before the first, and when the chain has forgotten it.
    async fn last_private_round(
        &self,
        at: At,
        branch: BranchId,
    ) -> Result<Option<PrivateRound>, ChainError> {
        let number: Option<u32> = found(self, at, PrivateItem::LastRound(branch)).await?;
        match number {
            Some(number) => self.private_round(at, RoundId { branch, number }).await,
            None => Ok(None),
        }
    }

    /// A private round, while the chain keeps it.
    async fn private_round(&self, at: At, id: RoundId) -> Result<Option<PrivateRound>, ChainError> {
        found(self, at, PrivateItem::Round(id)).await
    }

    /// What a round in motion took when it opened.
    async fn private_terms(&self, at: At, id: RoundId) -> Result<Option<PrivateTerms>, ChainError> {
        found(self, at, PrivateItem::Terms(id)).await
    }

    /// Registrants of a round, then its cohort in the order of places.
    async fn participants(&self, at: At, id: RoundId) -> Result<Vec<AccountId>, ChainError> {
        list(self, at, PrivateItem::Participants(id)).await
    }

    /// What is known of a participant.
    async fn contributor(
        &self,
        at: At,
        id: RoundId,
        account: AccountId,
    ) -> Result<Option<Contributor>, ChainError> {
        found(self, at, PrivateItem::Contributor(id, account)).await
    }

    /// Auditors of a round.
    async fn auditors(&self, at: At, id: RoundId) -> Result<Vec<AuditorSeat>, ChainError> {
        list(self, at, PrivateItem::Seats(id)).await
    }

    /// Disputes of a round.
    async fn private_disputes(
        &self,
        at: At,
        id: RoundId,
    ) -> Result<Vec<PrivateDispute>, ChainError> {
        list(self, at, PrivateItem::Disputes(id)).await
    }
}

impl<C: Chain + ?Sized> PrivateChain for C {}

async fn found<C: Chain + ?Sized, T: Decode>(
    chain: &C,
    at: At,
    item: PrivateItem,
) -> Result<Option<T>, ChainError> {
    read(chain, at, Item::Private(item)).await
}

async fn list<C: Chain + ?Sized, T: Decode>(
    chain: &C,
    at: At,
    item: PrivateItem,
) -> Result<Vec<T>, ChainError> {
    Ok(found(chain, at, item).await?.unwrap_or_default())
}
