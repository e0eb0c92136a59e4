// SPDX-License-Identifier: GPL-3.0-or-later
//! The extrinsics that a worker sends, by pallet and call name, with their arguments in SCALE.

use codec::{Compact, Encode};
use dream_primitives::cid::Cid;
use dream_primitives::claim::{
    Availability, Claim, ReplayReport, RoundId, SegmentOpening, StartState, TraceProof,
};
use dream_primitives::data::{DatasetInfo, Licence, Mixture};
use dream_primitives::draw::MAX_AUDITED;
use dream_primitives::manifest::Architecture;
use dream_primitives::profile::ProfileSettings;
use dream_primitives::recipe::Recipe;
use dream_primitives::registry::Admission;
use dream_primitives::{Balance, BoundedVec, BranchId, ConstU32, H256};

use crate::AccountId;

/// Start states of a claim, one an audited segment, ascending.
pub type StartStates = BoundedVec<StartState, ConstU32<MAX_AUDITED>>;
/// Openings of a claim, one an audited segment, ascending.
pub type Openings = BoundedVec<SegmentOpening, ConstU32<MAX_AUDITED>>;

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
    },
    /// Takes a claim out of the model (governance).
    RevertClaim(H256),
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
    /// Sets a branch's mixture (governance).
    SetMixture {
        /// Branch.
        branch: BranchId,
        /// Mixture.
        mixture: Mixture,
    },
    /// Pays tokens to an account.
    Transfer {
        /// Who is paid.
        to: AccountId,
        /// Amount.
        amount: Balance,
    },
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
            Self::RevertClaim(_) => (WORK, "revert_claim"),
            Self::AdmitProfile(_) => (WORK, "admit_profile"),
            Self::DismissProfile(_) => (WORK, "dismiss_profile"),
            Self::RegisterModel { .. } => (MODELS, "register_model"),
            Self::CreateBranch { .. } => (MODELS, "create_branch"),
            Self::AdmitBranch { .. } => (MODELS, "admit_branch"),
            Self::SetRecipe { .. } => (MODELS, "set_recipe"),
            Self::SubmitDataset(_) => (DATA, "submit"),
            Self::SetMixture { .. } => (DATA, "set_mixture"),
            Self::Transfer { .. } => ("Balances", "transfer_keep_alive"),
            Self::Sudo(_) => ("Sudo", "sudo"),
        }
    }

    /// The arguments in SCALE, one after another; `None` for [`Call::Sudo`], whose argument is a call.
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
            } => (round, state_root, server_root, cid, server_cid).encode(),
            Self::RevertClaim(claim) => claim.encode(),
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
            Self::SetMixture { branch, mixture } => (branch, mixture).encode(),
            // MultiAddress::Id is variant 0.
            Self::Transfer { to, amount } => (0u8, to, Compact(*amount)).encode(),
            Self::Sudo(_) => return None,
        })
    }
}
