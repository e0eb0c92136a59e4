// SPDX-License-Identifier: GPL-3.0-or-later
//! The extrinsics that a worker sends, by pallet and call name, with their arguments in SCALE.

use codec::{Compact, Encode};
use dream_primitives::cid::Cid;
use dream_primitives::claim::{
    Availability, Claim, ReplayReport, RoundId, SegmentOpening, StartState, TraceProof,
};
use dream_primitives::data::{DatasetInfo, Licence, Mixture, SampleOpening};
use dream_primitives::dispute::{Answer, ChunkProof, DeltaOpening, PairProof, PairTable, Tree};
use dream_primitives::draw::MAX_AUDITED;
use dream_primitives::manifest::Architecture;
use dream_primitives::profile::ProfileSettings;
use dream_primitives::recipe::Recipe;
use dream_primitives::registry::Admission;
use dream_primitives::ticket::{self, NewcomerAct};
use dream_primitives::value::ScoreReport;
use dream_primitives::{Balance, BoundedVec, BranchId, ConstU32, DatasetId, H256};

use crate::{AccountId, GovernanceCall, PrivateCall, Shard};

/// Start states of a claim, one an audited segment, ascending.
pub type StartStates = BoundedVec<StartState, ConstU32<MAX_AUDITED>>;
/// Openings of a claim, one an audited segment, ascending.
pub type Openings = BoundedVec<SegmentOpening, ConstU32<MAX_AUDITED>>;

/// A newcomer's request for a slot.
pub type Ticket = ticket::Ticket<AccountId>;

/// An extrinsic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Adds to the account's bond.
    Bond(Balance),
    /// Starts to unbond.
    Unbond(Balance),
    /// Takes back what has been unbonded.
    WithdrawUnbonded,
    /// Commits to the numeric profile that the account computes under.
    CommitProfile {
        /// Branch.
        branch: BranchId,
        /// [`dream_primitives::profile::commitment`].
        commitment: H256,
    },
    /// Reveals the profile, in a later block.
    RevealProfile {
        /// Branch.
        branch: BranchId,
        /// Settings.
        settings: ProfileSettings,
        /// Calibration leaf.
        leaf: H256,
        /// Head of the account's chain of secrets.
        secret: H256,
        /// Salt of the commitment.
        salt: H256,
    },
    /// Offers the account as a verifier of a branch.
    EnlistVerifier(BranchId),
    /// Takes the offer back.
    RetireVerifier(BranchId),
    /// Claims work.
    SubmitClaim(Claim),
    /// Opens the states at the start of the audited segments.
    OpenStartStates {
        /// Claim.
        claim: H256,
        /// Leaf 0 of the claim's `states_root`.
        initial_state: H256,
        /// Its proof.
        initial_proof: TraceProof,
        /// One an audited segment, ascending.
        starts: StartStates,
    },
    /// Says whether the blobs of a claim are there.
    VoteAvailability {
        /// Claim.
        claim: H256,
        /// Word.
        availability: Availability,
    },
    /// Commits to a replay.
    CommitReplay {
        /// Claim.
        claim: H256,
        /// [`ReplayReport::commitment`].
        commitment: H256,
    },
    /// Opens digests and end states of the audited segments.
    OpenDigests {
        /// Claim.
        claim: H256,
        /// One an audited segment, ascending.
        openings: Openings,
    },
    /// Reveals a replay.
    RevealReplay {
        /// Claim.
        claim: H256,
        /// What the replay gave.
        report: ReplayReport,
        /// Salt of the commitment.
        salt: H256,
    },
    /// Opens a claim's canary flag.
    OpenFlag {
        /// Claim.
        claim: H256,
        /// Whether the claim was faked on duty.
        canary: bool,
        /// Salt of the flag's commitment.
        salt: H256,
        /// The link before the secret that the claim was made under.
        preimage: H256,
    },
    /// Challenges a segment of an accepted claim.
    Challenge {
        /// Claim.
        claim: H256,
        /// Segment.
        segment: u16,
    },
    /// Opens a challenged segment.
    OpenChallenged {
        /// Claim.
        claim: H256,
        /// State before it.
        start: StartState,
        /// State and digest after it.
        end: SegmentOpening,
    },
    /// Commits to a replay in a trial.
    CommitVerdict {
        /// Claim.
        claim: H256,
        /// [`ReplayReport::commitment`].
        commitment: H256,
    },
    /// Reveals a replay in a trial.
    RevealVerdict {
        /// Claim.
        claim: H256,
        /// What the replay gave.
        report: ReplayReport,
        /// Salt of the commitment.
        salt: H256,
    },
    /// Posts a round's merge.
    PostMerge {
        /// Round.
        round: RoundId,
        /// Root of the new parameters.
        state_root: H256,
        /// Root of the new moments; zero where there are none.
        server_root: H256,
        /// Where the parameters are.
        cid: Cid,
        /// Where the moments are.
        server_cid: Option<Cid>,
        /// Squared distances of the deltas; empty where the rule reads none.
        table: Box<PairTable>,
    },
    /// Disputes a posted merge.
    DisputeMerge {
        /// Round.
        round: RoundId,
        /// The tree that is wrong.
        tree: Tree,
    },
    /// Answers a dispute of the account's own merge.
    AnswerDispute {
        /// Round.
        round: RoundId,
        /// Who disputes.
        challenger: AccountId,
        /// The nodes below the one that was asked for.
        nodes: Answer,
    },
    /// Goes on with the account's own dispute at a node of the answer.
    NarrowDispute {
        /// Round.
        round: RoundId,
        /// Place in the answer.
        index: u32,
    },
    /// Proves that the leaf is wrong to which the account's dispute of a state or server tree came down.
    ProveChunk {
        /// Round.
        round: RoundId,
        /// What the chunk is computed from.
        proof: Box<ChunkProof>,
    },
    /// Proves that the leaf is wrong to which the account's dispute of a distance came down.
    ProvePair {
        /// Round.
        round: RoundId,
        /// What the distance is computed from.
        proof: Box<PairProof>,
    },
    /// Demands a chunk of a claim's delta on the chain.
    DemandChunk {
        /// Claim.
        claim: H256,
        /// Chunk.
        chunk: u32,
    },
    /// Supplies the chunk that is demanded of a claim's delta.
    SupplyChunk {
        /// Claim.
        claim: H256,
        /// Chunk.
        chunk: u32,
        /// The chunk with its proof.
        opening: Box<DeltaOpening>,
    },
    /// Publishes the held-out shard that scores a round's merge.
    OpenShard {
        /// Round.
        round: RoundId,
        /// Where its samples are, one after another.
        cid: Cid,
    },
    /// Commits to a score.
    CommitScore {
        /// Round.
        round: RoundId,
        /// [`ScoreReport::commitment`].
        commitment: H256,
    },
    /// Reveals a score.
    RevealScore {
        /// Round.
        round: RoundId,
        /// What the scorer found.
        report: ScoreReport,
        /// Salt of the commitment.
        salt: H256,
    },
    /// Takes a claim out of the model (governance).
    RevertClaim(H256),
    /// Pays a branch's rounds from an escrow.
    FundBranch {
        /// Branch; the account is its owner.
        branch: BranchId,
        /// Added to the escrow.
        amount: Balance,
        /// Most that a round is paid.
        per_round: Balance,
        /// What a work unit is paid.
        unit_price: Balance,
    },
    /// Takes back what no round has set aside.
    WithdrawEscrow {
        /// Branch.
        branch: BranchId,
        /// Amount.
        amount: Balance,
    },
    /// Asks for a newcomer's slot. Signed within the call, free of fees.
    Enter(Box<Ticket>),
    /// What a newcomer does in its round. Signed within the call, free of fees.
    ActAsNewcomer(Box<NewcomerAct>),
    /// Admits a profile (governance).
    AdmitProfile(H256),
    /// Dismisses a profile (governance).
    DismissProfile(H256),
    /// Registers a model with its first branch and version 0.
    RegisterModel {
        /// Architecture.
        architecture: Architecture,
        /// SPDX licence expression.
        licence: Licence,
        /// Recipe of the first branch.
        recipe: Recipe,
        /// Root of the initial parameters.
        state_root: H256,
        /// Where they are.
        cid: Cid,
    },
    /// Branches off a version.
    CreateBranch {
        /// Version.
        parent: H256,
        /// Recipe of the branch.
        recipe: Recipe,
    },
    /// Admits a branch to emission and credits (governance).
    AdmitBranch {
        /// Branch.
        branch: BranchId,
        /// Terms.
        admission: Admission,
    },
    /// Sets the recipe from the next round on (governance).
    SetRecipe {
        /// Branch.
        branch: BranchId,
        /// Recipe.
        recipe: Recipe,
    },
    /// Registers a data set.
    SubmitDataset(DatasetInfo),
    /// Takes a data set of the account's back.
    WithdrawDataset(DatasetId),
    /// Demands a sample of a data set on the chain.
    DemandSample {
        /// Data set.
        dataset: DatasetId,
        /// Sample.
        sample: u32,
    },
    /// Supplies a sample that is demanded.
    SupplySample {
        /// Data set.
        dataset: DatasetId,
        /// Sample.
        sample: u32,
        /// Its bytes and proof.
        opening: Box<SampleOpening>,
    },
    /// Ends the demands for samples of a data set whose time is over.
    EndDemands(DatasetId),
    /// Sets a branch's mixture (governance).
    SetMixture {
        /// Branch.
        branch: BranchId,
        /// Mixture.
        mixture: Mixture,
    },
    /// Commits a held-out shard of a branch by its root (governance).
    CommitShard {
        /// Branch that it scores.
        branch: BranchId,
        /// The shard.
        shard: Shard,
    },
    /// Pays tokens to an account.
    Transfer {
        /// Who is paid.
        to: AccountId,
        /// Amount.
        amount: Balance,
    },
    /// A call of private rounds.
    Private(PrivateCall),
    /// A call of governance.
    Governance(GovernanceCall),
    /// Acts as root, on chains with the sudo pallet.
    Sudo(Box<Call>),
}

impl Call {
    /// Pallet and call, as the runtime names them.
    pub fn name(&self) -> (&'static str, &'static str) {
        const WORK: &str = "UsefulWork";
        const MODELS: &str = "ModelRegistry";
        const DATA: &str = "DataRegistry";
        match self {
            Self::Bond(_) => (WORK, "bond"),
            Self::Unbond(_) => (WORK, "unbond"),
            Self::WithdrawUnbonded => (WORK, "withdraw_unbonded"),
            Self::CommitProfile { .. } => (WORK, "commit_profile"),
            Self::RevealProfile { .. } => (WORK, "reveal_profile"),
            Self::EnlistVerifier(_) => (WORK, "enlist_verifier"),
            Self::RetireVerifier(_) => (WORK, "retire_verifier"),
            Self::SubmitClaim(_) => (WORK, "submit_claim"),
            Self::OpenStartStates { .. } => (WORK, "open_start_states"),
            Self::VoteAvailability { .. } => (WORK, "vote_availability"),
            Self::CommitReplay { .. } => (WORK, "commit_replay"),
            Self::OpenDigests { .. } => (WORK, "open_digests"),
            Self::RevealReplay { .. } => (WORK, "reveal_replay"),
            Self::OpenFlag { .. } => (WORK, "open_flag"),
            Self::Challenge { .. } => (WORK, "challenge"),
            Self::OpenChallenged { .. } => (WORK, "open_challenged"),
            Self::CommitVerdict { .. } => (WORK, "commit_verdict"),
            Self::RevealVerdict { .. } => (WORK, "reveal_verdict"),
            Self::PostMerge { .. } => (WORK, "post_merge"),
            Self::DisputeMerge { .. } => (WORK, "dispute_merge"),
            Self::AnswerDispute { .. } => (WORK, "answer_dispute"),
            Self::NarrowDispute { .. } => (WORK, "narrow_dispute"),
            Self::ProveChunk { .. } => (WORK, "prove_chunk"),
            Self::ProvePair { .. } => (WORK, "prove_pair"),
            Self::DemandChunk { .. } => (WORK, "demand_chunk"),
            Self::SupplyChunk { .. } => (WORK, "supply_chunk"),
            Self::OpenShard { .. } => (WORK, "open_shard"),
            Self::CommitScore { .. } => (WORK, "commit_score"),
            Self::RevealScore { .. } => (WORK, "reveal_score"),
            Self::RevertClaim(_) => (WORK, "revert_claim"),
            Self::FundBranch { .. } => (WORK, "fund_branch"),
            Self::WithdrawEscrow { .. } => (WORK, "withdraw_escrow"),
            Self::Enter(_) => (WORK, "enter"),
            Self::ActAsNewcomer(_) => (WORK, "act_as_newcomer"),
            Self::AdmitProfile(_) => (WORK, "admit_profile"),
            Self::DismissProfile(_) => (WORK, "dismiss_profile"),
            Self::RegisterModel { .. } => (MODELS, "register_model"),
            Self::CreateBranch { .. } => (MODELS, "create_branch"),
            Self::AdmitBranch { .. } => (MODELS, "admit_branch"),
            Self::SetRecipe { .. } => (MODELS, "set_recipe"),
            Self::SubmitDataset(_) => (DATA, "submit"),
            Self::WithdrawDataset(_) => (DATA, "withdraw_dataset"),
            Self::DemandSample { .. } => (DATA, "demand_sample"),
            Self::SupplySample { .. } => (DATA, "supply_sample"),
            Self::EndDemands(_) => (DATA, "end_demands"),
            Self::SetMixture { .. } => (DATA, "set_mixture"),
            Self::CommitShard { .. } => (DATA, "commit_shard"),
            Self::Transfer { .. } => ("Balances", "transfer_keep_alive"),
            Self::Private(call) => call.name(),
            Self::Governance(call) => call.name(),
            Self::Sudo(_) => ("Sudo", "sudo"),
        }
    }

    /// The call as a newcomer makes it, where there is such a form.
    pub fn as_newcomer(self) -> Self {
        Self::ActAsNewcomer(Box::new(match self {
            Self::SubmitClaim(claim) => NewcomerAct::Claim(claim),
            Self::OpenStartStates {
                claim,
                initial_state,
                initial_proof,
                starts,
            } => NewcomerAct::OpenStarts {
                claim_id: claim,
                initial_state,
                initial_proof,
                starts,
            },
            Self::OpenDigests { claim, openings } => NewcomerAct::OpenDigests {
                claim_id: claim,
                openings,
            },
            Self::OpenFlag {
                claim,
                canary,
                salt,
                preimage,
            } => NewcomerAct::OpenFlag {
                claim_id: claim,
                canary,
                salt,
                preimage,
            },
            Self::OpenChallenged { claim, start, end } => NewcomerAct::OpenChallenged {
                claim_id: claim,
                start,
                end,
            },
            other => return other,
        }))
    }

    /// What `account` signs within the call on the chain `genesis`; `None` for the calls that are signed as transactions.
    pub fn message(&self, genesis: &H256, account: &AccountId) -> Option<H256> {
        match self {
            Self::Enter(ticket) => Some(ticket.message(genesis)),
            Self::ActAsNewcomer(act) => Some(act.message(genesis, &account.0)),
            _ => None,
        }
    }

    /// The arguments of a call that is signed within, by `account` (sr25519).
    pub fn signed_arguments(&self, account: &AccountId, signature: &[u8; 64]) -> Option<Vec<u8>> {
        // MultiSignature::Sr25519 is variant 1.
        let signature = (1u8, signature);
        match self {
            Self::Enter(ticket) => Some((ticket, signature).encode()),
            Self::ActAsNewcomer(act) => Some((act, account, signature).encode()),
            _ => None,
        }
    }

    /// The arguments in SCALE, one after another; `None` for [`Call::Sudo`] and [`Call::Governance`], which are about calls,
    /// and for those that are signed within.
    pub fn arguments(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Bond(amount) | Self::Unbond(amount) => amount.encode(),
            Self::WithdrawUnbonded => Vec::new(),
            Self::CommitProfile { branch, commitment } => (branch, commitment).encode(),
            Self::RevealProfile {
                branch,
                settings,
                leaf,
                secret,
                salt,
            } => (branch, settings, leaf, secret, salt).encode(),
            Self::EnlistVerifier(branch) | Self::RetireVerifier(branch) => branch.encode(),
            Self::SubmitClaim(claim) => claim.encode(),
            Self::OpenStartStates {
                claim,
                initial_state,
                initial_proof,
                starts,
            } => (claim, initial_state, initial_proof, starts).encode(),
            Self::VoteAvailability {
                claim,
                availability,
            } => (claim, availability).encode(),
            Self::CommitReplay { claim, commitment }
            | Self::CommitVerdict { claim, commitment } => (claim, commitment).encode(),
            Self::OpenDigests { claim, openings } => (claim, openings).encode(),
            Self::RevealReplay {
                claim,
                report,
                salt,
            }
            | Self::RevealVerdict {
                claim,
                report,
                salt,
            } => (claim, report, salt).encode(),
            Self::OpenFlag {
                claim,
                canary,
                salt,
                preimage,
            } => (claim, canary, salt, preimage).encode(),
            Self::Challenge { claim, segment } => (claim, segment).encode(),
            Self::OpenChallenged { claim, start, end } => (claim, start, end).encode(),
            Self::PostMerge {
                round,
                state_root,
                server_root,
                cid,
                server_cid,
                table,
            } => (round, state_root, server_root, cid, server_cid, table).encode(),
            Self::DisputeMerge { round, tree } => (round, tree).encode(),
            Self::AnswerDispute {
                round,
                challenger,
                nodes,
            } => (round, challenger, nodes).encode(),
            Self::NarrowDispute { round, index } => (round, index).encode(),
            Self::ProveChunk { round, proof } => (round, proof).encode(),
            Self::ProvePair { round, proof } => (round, proof).encode(),
            Self::DemandChunk { claim, chunk } => (claim, chunk).encode(),
            Self::SupplyChunk {
                claim,
                chunk,
                opening,
            } => (claim, chunk, opening).encode(),
            Self::OpenShard { round, cid } => (round, cid).encode(),
            Self::CommitScore { round, commitment } => (round, commitment).encode(),
            Self::RevealScore {
                round,
                report,
                salt,
            } => (round, report, salt).encode(),
            Self::RevertClaim(claim) => claim.encode(),
            Self::FundBranch {
                branch,
                amount,
                per_round,
                unit_price,
            } => (branch, amount, per_round, unit_price).encode(),
            Self::WithdrawEscrow { branch, amount } => (branch, amount).encode(),
            Self::Enter(_) | Self::ActAsNewcomer(_) => return None,
            Self::AdmitProfile(leaf) | Self::DismissProfile(leaf) => leaf.encode(),
            Self::RegisterModel {
                architecture,
                licence,
                recipe,
                state_root,
                cid,
            } => (architecture, licence, recipe, state_root, cid).encode(),
            Self::CreateBranch { parent, recipe } => (parent, recipe).encode(),
            Self::AdmitBranch { branch, admission } => (branch, admission).encode(),
            Self::SetRecipe { branch, recipe } => (branch, recipe).encode(),
            Self::SubmitDataset(info) => info.encode(),
            Self::WithdrawDataset(dataset) | Self::EndDemands(dataset) => dataset.encode(),
            Self::DemandSample { dataset, sample } => (dataset, sample).encode(),
            Self::SupplySample {
                dataset,
                sample,
                opening,
            } => (dataset, sample, opening).encode(),
            Self::SetMixture { branch, mixture } => (branch, mixture).encode(),
            Self::CommitShard { branch, shard } => (branch, shard).encode(),
            // MultiAddress::Id is variant 0.
            Self::Transfer { to, amount } => (0u8, to, Compact(*amount)).encode(),
            Self::Private(call) => call.arguments(),
            Self::Governance(_) | Self::Sudo(_) => return None,
        })
    }
}
