// SPDX-License-Identifier: GPL-3.0-or-later
//! Errors of the pallet.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// Imported into the pallet by `import_section`.
#[pallet_section]
mod errors {
    #[pallet::error]
    pub enum Error<T> {
        /// `data` or `key`: degree, primes or slots are not those of a ring.
        RingParameters,
        /// A sum over the largest cohort does not fit a slot.
        SlotParameters,
        /// `committee`: 2 <= t, 2 t - 1 <= n and n <= 7 are needed.
        CommitteeParameters,
        /// `committee.answers` is below the polynomials of one round.
        AnswerParameters,
        /// `cohort`: maxCorrupt + 2 <= minimum <= maximum <= 256 are needed.
        CohortParameters,
        /// `cohort.audited` is above 16 or above `cohort.minimum`.
        AuditParameters,
        /// `cohort.minParameters` is below the 64 key segments.
        ModelParameters,
        /// `auditors` is below 3 or above 16.
        AuditorParameters,
        /// A phase has no block, or all of them together more than 2^24; or no seed author, or more than 64.
        PhaseParameters,
        /// A bond is zero, or `bonds.silence` above one that it is taken from.
        BondParameters,
        /// The shares of the fee pass one million.
        FeeParameters,
        /// The chain has no parameters for private rounds; governance sets them.
        NoParameters,
        /// The free bond is smaller than what this needs.
        BondTooSmall,
        /// The account is a candidate already.
        AlreadyCandidate,
        /// The account is no candidate.
        NotCandidate,
        /// The list of candidates is full.
        TooManyCandidates,
        /// An epoch's members are being drawn: leave when they are.
        DrawUnderWay,
        /// No such epoch, or it is over.
        UnknownEpoch,
        /// The epoch is in another phase.
        WrongEpochPhase,
        /// The account is no member of this committee, or was taken out.
        NotMember,
        /// The member dealt already.
        AlreadyDealt,
        /// Not one hash for each set of t - 1 members.
        WrongShareCount,
        /// There is no such set, or the complainer is in it and holds no share of it.
        NotHolder,
        /// That member dealt nothing, or is the complainer itself.
        NotDealer,
        /// The member complained of this dealer already.
        AlreadyComplained,
        /// Nobody complained of this share, or it was shown.
        NoComplaint,
        /// The seed is not the one whose hash was dealt.
        WrongSeed,
        /// The member voted already.
        AlreadyJudged,
        /// The vote names somebody who is no member.
        VoteOutsideCommittee,
        /// The member named a key already.
        AlreadyNamed,
        /// No such branch, or its model is unknown.
        UnknownBranch,
        /// The account does not own the branch.
        NotOwner,
        /// The branch has public rounds, or can have: a job is public or private, never both.
        PublicBranch,
        /// The model is smaller than `cohort.minParameters`, or too large.
        ModelSize,
        /// The fee is below `fees.minimum`.
        FeeTooSmall,
        /// The shift is above 23.
        ShiftTooLarge,
        /// The list of jobs is full.
        TooManyJobs,
        /// The branch has no job.
        UnknownJob,
        /// The job is ending.
        JobEnding,
        /// The escrow does not hold what a round in motion set aside: end the job after it.
        RoundInMotion,
        /// No such round, or its records are gone.
        UnknownRound,
        /// The round is in another phase.
        WrongPhase,
        /// The phase's time is over.
        WindowClosed,
        /// The account's bond is younger than `cohort.age`.
        AccountTooYoung,
        /// The account is a member of the committee or the sponsor: it takes no other part.
        OtherRole,
        /// The account registered already.
        AlreadyRegistered,
        /// The round has its largest number of registrants.
        TooManyRegistrants,
        /// The account was not drawn into the cohort.
        NotInCohort,
        /// The contributor committed already.
        AlreadyCommitted,
        /// The contributor did not commit.
        NotCommitted,
        /// The contribution was opened already.
        AlreadyOpened,
        /// Account, round, roots and salt do not give the commitment.
        WrongOpening,
        /// Another contribution of the round has this root.
        RepeatedCiphertext,
        /// No segment is asked of the account.
        NothingToDisclose,
        /// The segment was opened already.
        AlreadyDisclosed,
        /// The seed of the key's ciphertext is shown where it is asked for, and only there.
        KeySeed,
        /// The account has no seat in this round.
        NoSeat,
        /// The seat voted already.
        AlreadyVoted,
        /// The vote names a contribution that does not stand.
        VoteOutsideCohort,
        /// The vote calls a contribution faulty or blank that opened no segment.
        VoteOutsideAudit,
        /// A sum is posted already.
        AlreadySummed,
        /// Fewer contributions stand than `cohort.minimum`.
        CohortTooSmall,
        /// What is disputed now has no such tree.
        NoSuchTree,
        /// The account has a dispute open already.
        SecondDispute,
        /// There are as many disputes as there may be.
        TooManyDisputes,
        /// The account has no dispute open.
        NoDispute,
        /// The account did not post what is disputed.
        NotThePoster,
        /// It is another turn of the dispute.
        WrongTurn,
        /// The answer has no node at this place.
        NoSuchNode,
        /// The answer has sums where hashes belong.
        AnswerKind,
        /// The answer does not have as many nodes as the tree has there.
        AnswerLength,
        /// The answer does not lead to the node.
        AnswerHash,
        /// The proof is of another leaf.
        WrongLeaf,
        /// Not one leaf for each contribution that stands.
        PartCount,
        /// A leaf does not lie under its contribution's root.
        PartProof,
        /// The proof of the version's chunk is not one: base, moments or delta do not fit it.
        ChunkProof,
        /// The member answered already: one answer a round.
        AlreadyAnswered,
        /// The round has no shard to open.
        NoShard,
        /// The account is not the shard's steward.
        NotSteward,
        /// The shard was opened already.
        AlreadyOpen,
        /// The seat committed to a report already.
        ReportCommitted,
        /// The seat committed to no report.
        NoReportCommitted,
        /// The seat revealed its report already.
        AlreadyRevealed,
        /// Account, round, report and salt do not give the commitment.
        WrongReport,
        /// Moments are reported where the optimiser has none, or none where it has.
        BadServerState,
        /// A score is reported without an opened shard, or none with one.
        BadScore,
        /// There is no such key segment.
        NoSuchSegment,
        /// The branch is frozen: no round opens on it until governance unfreezes it.
        BranchFrozen,
    }
}
