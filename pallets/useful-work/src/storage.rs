// SPDX-License-Identifier: GPL-3.0-or-later
//! Storage of the pallet.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// Imported into the pallet by `import_section`.
#[pallet_section]
mod storage {
    /// Bonds.
    #[pallet::storage]
    pub type Bonds<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Bond>;

    /// Parts of bonds that another pallet has locked.
    #[pallet::storage]
    pub type OutsideLocks<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Balance, ValueQuery>;

    /// Profile of an account on a branch.
    #[pallet::storage]
    pub type Profiles<T: Config> =
        StorageDoubleMap<_, Twox64Concat, BranchId, Blake2_128Concat, T::AccountId, ProfileRecord>;

    /// Commitment of an account to the profile that it will reveal on a branch.
    #[pallet::storage]
    pub type ProfileCommitments<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        BranchId,
        Blake2_128Concat,
        T::AccountId,
        ProfileCommitment,
    >;

    /// Calibration leaves that governance admitted.
    #[pallet::storage]
    pub type AdmittedProfiles<T: Config> = StorageMap<_, Identity, H256, ()>;

    /// Accounts that verify a branch's claims.
    #[pallet::storage]
    pub type Verifiers<T: Config> = StorageMap<
        _,
        Twox64Concat,
        BranchId,
        BoundedVec<T::AccountId, ConstU32<MAX_VERIFIERS>>,
        ValueQuery,
    >;

    /// Number of a branch's latest round.
    #[pallet::storage]
    pub type CurrentRound<T: Config> = StorageMap<_, Twox64Concat, BranchId, u32>;

    /// Rounds until they are pruned.
    #[pallet::storage]
    pub type Rounds<T: Config> = StorageMap<_, Twox64Concat, RoundId, Round<T::AccountId>>;

    /// What a round took from the registries when it opened.
    #[pallet::storage]
    pub type Terms<T: Config> = StorageMap<_, Twox64Concat, RoundId, RoundTerms>;

    /// Randomness that a round is gathering.
    #[pallet::storage]
    pub type SeedWindows<T: Config> =
        StorageMap<_, Twox64Concat, RoundId, SeedWindow<T::AccountId>>;

    /// Verifiers that a round draws from, frozen when its training ends; gone when its claims are settled.
    #[pallet::storage]
    pub type Candidates<T: Config> = StorageMap<
        _,
        Twox64Concat,
        RoundId,
        BoundedVec<Candidate<T::AccountId>, ConstU32<MAX_VERIFIERS>>,
        ValueQuery,
    >;

    /// Claims of a round in the order in which they came.
    #[pallet::storage]
    pub type RoundClaims<T: Config> =
        StorageMap<_, Twox64Concat, RoundId, BoundedVec<H256, ConstU32<MAX_CLAIMS>>, ValueQuery>;

    /// An account's claim in a round.
    #[pallet::storage]
    pub type ClaimOf<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RoundId, Blake2_128Concat, T::AccountId, H256>;

    /// Claims until they are pruned.
    #[pallet::storage]
    pub type Claims<T: Config> = StorageMap<_, Identity, H256, ClaimRecord<T::AccountId>>;

    /// Residual of error feedback that an account's next claim on a branch must start from; none for zeros.
    #[pallet::storage]
    pub type Residuals<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        BranchId,
        Blake2_128Concat,
        T::AccountId,
        CarriedResidual,
    >;

    /// Header of a posted merge until it is the head.
    #[pallet::storage]
    pub type PostedHeaders<T: Config> = StorageMap<_, Twox64Concat, RoundId, VersionHeader>;

    /// Scoring of a round's merge.
    #[pallet::storage]
    pub type Valuations<T: Config> = StorageMap<_, Twox64Concat, RoundId, Valuation<T::AccountId>>;

    /// Improvement record of a branch: the scores of its latest versions, oldest first.
    #[pallet::storage]
    pub type Scores<T: Config> = StorageMap<
        _,
        Twox64Concat,
        BranchId,
        BoundedVec<ScoreRecord, ConstU32<MAX_SCORES>>,
        ValueQuery,
    >;
    /// Table of global scalars of a posted merge, where its rule needs one, until the merge is the head.
    #[pallet::storage]
    pub type PostedTables<T: Config> = StorageMap<_, Twox64Concat, RoundId, PairTable, ValueQuery>;

    /// Open disputes of a round's posted merge.
    #[pallet::storage]
    pub type Disputes<T: Config> =
        StorageMap<_, Twox64Concat, RoundId, game::Disputes<T::AccountId>, ValueQuery>;

    /// Open demands for chunks of the claims that a round merges.
    #[pallet::storage]
    pub type Demands<T: Config> =
        StorageMap<_, Twox64Concat, RoundId, game::Demands<T::AccountId>, ValueQuery>;

    /// Branches that are being replayed, or will be when their current round is paid.
    #[pallet::storage]
    pub type Replays<T: Config> =
        StorageValue<_, BoundedVec<game::Replay, ConstU32<{ game::MAX_REPLAYS }>>, ValueQuery>;

    /// Version that a replayed round's merge stands on now; of other rounds it is the round's base.
    #[pallet::storage]
    pub type Bases<T: Config> = StorageMap<_, Twox64Concat, RoundId, H256>;

    /// Rounds whose phase moves.
    #[pallet::storage]
    pub type ActiveRounds<T: Config> =
        StorageValue<_, BoundedVec<RoundId, ConstU32<MAX_ACTIVE>>, ValueQuery>;

    /// Rounds to wake at a block: to vest, or to be pruned.
    #[pallet::storage]
    pub type Agenda<T: Config> = StorageMap<
        _,
        Twox64Concat,
        BlockNumber,
        BoundedVec<RoundId, ConstU32<MAX_ACTIVE>>,
        ValueQuery,
    >;

    /// What is set aside for rounds and block producers but not minted yet.
    #[pallet::storage]
    pub type PendingIssuance<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// Block producers' share.
    #[pallet::storage]
    pub type Producers<T: Config> = StorageValue<_, ProducerPot, ValueQuery>;

    /// Author of the parent block.
    #[pallet::storage]
    pub type ParentAuthor<T: Config> = StorageValue<_, T::AccountId>;

    /// Compute credits.
    #[pallet::storage]
    pub type Credits<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, CreditBalance, ValueQuery>;

    /// Credits of all accounts, rounded up when they decay.
    #[pallet::storage]
    pub type TotalCredits<T: Config> = StorageValue<_, CreditBalance, ValueQuery>;

    /// What an account's credits were in earlier epochs.
    #[pallet::storage]
    pub type CreditHistory<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, CreditRing, ValueQuery>;

    /// What the credits of all were in earlier epochs.
    #[pallet::storage]
    pub type TotalHistory<T: Config> = StorageValue<_, CreditRing, ValueQuery>;

    /// Trials of claims.
    #[pallet::storage]
    pub type Trials<T: Config> = StorageMap<_, Identity, H256, Trial<T::AccountId>>;

    /// Seats of a trial.
    #[pallet::storage]
    pub type TrialSeats<T: Config> =
        StorageDoubleMap<_, Identity, H256, Blake2_128Concat, T::AccountId, TrialSeat>;

    /// Randomness that a trial is gathering.
    #[pallet::storage]
    pub type TrialWindows<T: Config> = StorageMap<_, Identity, H256, SeedWindow<T::AccountId>>;

    /// Claims that are on trial.
    #[pallet::storage]
    pub type ActiveTrials<T: Config> =
        StorageValue<_, BoundedVec<H256, ConstU32<MAX_TRIALS>>, ValueQuery>;

    /// What claims of a calibration leaf are to be paid and have not been yet.
    #[pallet::storage]
    pub type Exposure<T: Config> = StorageMap<_, Identity, H256, Balance, ValueQuery>;

    /// Summed bonds of the verifiers of each calibration leaf when the paying of a round began; gone when it is over.
    #[pallet::storage]
    pub type ProfileStakes<T: Config> = StorageMap<
        _,
        Twox64Concat,
        RoundId,
        BoundedVec<(H256, Balance), ConstU32<MAX_VERIFIERS>>,
        ValueQuery,
    >;
    /// Escrows of branches that their owners pay.
    #[pallet::storage]
    pub type Escrows<T: Config> = StorageMap<_, Twox64Concat, BranchId, Escrow<T::AccountId>>;

    /// Branches whose escrow holds at least a round's pay.
    #[pallet::storage]
    pub type FundedBranches<T: Config> =
        StorageValue<_, BoundedVec<BranchId, ConstU32<MAX_FUNDED>>, ValueQuery>;

    /// The lowest tickets for a branch's next round, ascending by their work.
    #[pallet::storage]
    pub type Tickets<T: Config> = StorageMap<
        _,
        Twox64Concat,
        BranchId,
        BoundedVec<Entry<T::AccountId>, ConstU32<MAX_NEWCOMERS>>,
        ValueQuery,
    >;

    /// What a branch's next ticket must be below; the easiest target where there is none.
    #[pallet::storage]
    pub type TicketTarget<T: Config> = StorageMap<_, Twox64Concat, BranchId, H256>;

    /// Slots of a round that training has not used yet.
    #[pallet::storage]
    pub type Newcomers<T: Config> = StorageMap<
        _,
        Twox64Concat,
        RoundId,
        BoundedVec<Entry<T::AccountId>, ConstU32<MAX_NEWCOMERS>>,
    >;

    /// Whether the bootstrap issuance was reached: founding bonds are locked no more, and burned.
    #[pallet::storage]
    pub type FoundationRetired<T: Config> = StorageValue<_, bool, ValueQuery>;
}
