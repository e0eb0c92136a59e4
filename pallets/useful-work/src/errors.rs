// SPDX-License-Identifier: GPL-3.0-or-later
//! Errors of the pallet.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// Imported into the pallet by `import_section`.
#[pallet_section]
mod errors {
    #[pallet::error]
    pub enum Error<T> {
        /// The amount is zero.
        ZeroAmount,
        /// The free bond is smaller than what this needs.
        BondTooSmall,
        /// The bond was made in or after the block at which the round opened; it counts from the next round.
        BondTooYoung,
        /// The bond was added to too often within the length of a round; wait for a round.
        TooManyAdditions,
        /// Another amount is unbonding; withdraw it first.
        AlreadyUnbonding,
        /// Nothing is unbonding.
        NothingUnbonding,
        /// The unbonding period is not over.
        StillUnbonding,
        /// No such branch.
        UnknownBranch,
        /// Neither governance admitted this calibration leaf, nor does the chain admit any.
        ProfileNotAdmitted,
        /// The account has no profile on this branch, or the claim names another.
        WrongProfile,
        /// The profile was registered in or after the block at which the round opened.
        ProfileTooYoung,
        /// The account is enlisted already.
        AlreadyEnlisted,
        /// The account is not enlisted.
        NotEnlisted,
        /// The branch has its largest number of verifiers.
        TooManyVerifiers,
        /// No such round, or it was pruned.
        UnknownRound,
        /// The round is not in the phase that this call belongs to.
        WrongPhase,
        /// The claim's base is not the round's.
        WrongBase,
        /// The account has a claim in this round.
        SecondClaim,
        /// The round has its largest number of claims.
        RoundFull,
        /// Fewer segments than are audited, or more than the recipe has.
        BadSegments,
        /// The claim's residual does not start where the account's last merged claim on the branch ended, or it names one
        /// although the recipe has no error feedback, or none although it has.
        BadResidual,
        /// No such claim, or it was pruned.
        UnknownClaim,
        /// The claim is not in the state that this call belongs to.
        WrongClaimState,
        /// The caller is not the claim's miner.
        NotTheMiner,
        /// The opened segments are not those that were drawn, in ascending order.
        WrongSegments,
        /// A Merkle proof does not verify.
        BadProof,
        /// The caller has no seat in the claim's committee.
        NotInCommittee,
        /// The verifier did this already.
        AlreadyDone,
        /// The verifier did not commit in time.
        NotCommitted,
        /// The revealed report and salt do not hash to the commitment.
        RevealMismatch,
        /// A merge was posted already.
        AlreadyMerged,
        /// Moments are named although the server optimiser has none, or the other way round.
        BadServerState,
        /// The caller is not the steward of the shard.
        NotTheSteward,
        /// The registry refuses the version: the round's base is not the branch's head any more.
        HeadMoved,
        /// No claim is left to be merged.
        NothingToMerge,
        /// The table of global scalars does not have one entry for every pair of merged claims, or the rule needs none.
        BadScalarTable,
        /// The window for disputes or demands is over; what is open goes on to its end.
        WindowClosed,
        /// The posted merge has no such tree.
        NoSuchTree,
        /// The caller disputes this merge already.
        SecondDispute,
        /// The merge has its largest number of open disputes; try again when one has ended.
        TooManyDisputes,
        /// The account does not dispute this merge, or its dispute has ended.
        NoDispute,
        /// The caller did not post the merge.
        NotThePoster,
        /// Something else is due in this dispute: an answer, a choice, or the proof of a leaf.
        WrongTurn,
        /// The answer has no node at this place.
        NoSuchNode,
        /// Hashes where sums belong, or sums where hashes belong.
        AnswerKind,
        /// The answer does not have as many nodes as the tree has below the questioned one.
        AnswerLength,
        /// The answer does not lead to the questioned node.
        AnswerHash,
        /// Sums of an answer overflow.
        SumOverflow,
        /// The proof is of another leaf than the questioned one.
        WrongLeaf,
        /// The model has no such chunk.
        NoSuchChunk,
        /// The base's chunk does not have the chunk's length.
        BaseLength,
        /// The base's chunk does not lie under the base's state root.
        BaseProof,
        /// Not one opening for each moment, or some although the moments begin at zero.
        MomentCount,
        /// A moment's chunk does not have the chunk's length.
        MomentLength,
        /// A moment's chunk does not lie under the base's server root.
        MomentProof,
        /// Not one opening for each merged delta, ascending by claim id.
        DeltaCount,
        /// A delta's chunk is not canonical.
        DeltaChunk,
        /// A delta's chunk does not lie under its claim's delta root.
        DeltaProof,
        /// This chunk is demanded already.
        DemandOpen,
        /// The round has its largest number of open demands; try again when one has ended.
        TooManyDemands,
        /// Nobody demands this chunk.
        NoDemand,
        /// The claim is not in a merge that became a head.
        NotMerged,
        /// The claim was reverted already.
        AlreadyReverted,
        /// More rounds than are retained opened since the claim's.
        RevertTooOld,
        /// As many branches are being replayed as may be at a time.
        TooManyReplays,
        /// Part of what was unbonding is locked for a seat; wait until the claim's round vests.
        StillLocked,
        /// The account committed to no profile on this branch.
        ProfileNotCommitted,
        /// The profile is revealed in the block of its commitment; reveal it in a later one.
        RevealTooEarly,
        /// The opened link is not the one before the secret that the account had when it claimed.
        BadLink,
        /// The canary flag is not what duty asks for, or a digest of a claim faked on duty is not the prescribed one.
        BadFlag,
        /// The claim is not on trial.
        NoTrial,
        /// The trial is not in the stage that this call belongs to.
        WrongStage,
        /// The claim was challenged as often as a claim may be.
        TooManyChallenges,
        /// The chain has as many trials as it may; try again when some are over.
        TooManyTrials,
        /// The caller is not the branch's owner.
        NotTheOwner,
        /// The branch is admitted: emission pays its rounds.
        BranchAdmitted,
        /// The branch is not admitted: it has no slots for newcomers.
        BranchNotAdmitted,
        /// The branch has no escrow.
        NotFunded,
        /// The escrow's free part is smaller than this, or than what a round pays at most.
        EscrowTooSmall,
        /// As many branches as may be are funded, none of them by less.
        TooManyFunded,
        /// The ticket is not ground on the seed of the branch's current round.
        TicketOutOfTime,
        /// The ticket's hash is not below the target.
        AboveTarget,
        /// The ticket's hash is not low enough to displace another.
        NoSlotLeft,
        /// The account has a slot already, by a hash about as low or lower.
        AlreadyEntered,
        /// The account's bond is enough for a claim: it needs no slot.
        NoNewcomer,
        /// The account has no slot in this round, or used it.
        NoSlot,
        /// The amount reaches into the founding bond, which is never released.
        FoundingBond,
        /// The account has no founding bond.
        NoFounder,
        /// The bootstrap issuance is not reached.
        StillFounding,
        /// All that is left of the founding bond is locked; call again when claims and seats have let it go.
        FoundingBondLocked,
        /// The branch is frozen: no round opens on it until governance unfreezes it.
        BranchFrozen,
    }
}
