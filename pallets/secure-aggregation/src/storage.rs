// SPDX-License-Identifier: GPL-3.0-or-later
//! Storage of the pallet.

use polkadot_sdk::frame_support::pallet_macros::pallet_section;

/// Imported into the pallet by `import_section`.
#[pallet_section]
mod storage {
    /// Parameters.
    #[pallet::storage]
    pub type Parameters<T: Config> = StorageValue<_, PrivateParameters>;

    /// Accounts that wait for a place in a committee.
    #[pallet::storage]
    pub type Candidates<T: Config> = StorageValue<
        _,
        BoundedVec<CommitteeCandidate<T::AccountId>, ConstU32<MAX_CANDIDATES>>,
        ValueQuery,
    >;

    /// Epochs that are not over.
    #[pallet::storage]
    pub type Epochs<T: Config> = StorageMap<_, Twox64Concat, u32, KeyEpoch<T::AccountId>>;

    /// Their numbers, ascending.
    #[pallet::storage]
    pub type ActiveEpochs<T: Config> =
        StorageValue<_, BoundedVec<u32, ConstU32<MAX_EPOCHS>>, ValueQuery>;

    /// Number of the last epoch that began.
    #[pallet::storage]
    pub type LastEpoch<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Epoch under whose key rounds open.
    #[pallet::storage]
    pub type ServingEpoch<T: Config> = StorageValue<_, u32>;

    /// What members dealt.
    #[pallet::storage]
    pub type Dealings<T: Config> =
        StorageDoubleMap<_, Twox64Concat, u32, Twox64Concat, u8, ShareDealing>;

    /// Complaints of an epoch.
    #[pallet::storage]
    pub type Complaints<T: Config> = StorageMap<
        _,
        Twox64Concat,
        u32,
        BoundedVec<ShareComplaint, ConstU32<MAX_COMPLAINTS>>,
        ValueQuery,
    >;

    /// Randomness that is being gathered.
    #[pallet::storage]
    pub type Gatherings<T: Config> = StorageMap<_, Twox64Concat, SeedOf, Gathering<T::AccountId>>;

    /// Jobs.
    #[pallet::storage]
    pub type Jobs<T: Config> = StorageMap<_, Twox64Concat, BranchId, PrivateJob<T::AccountId>>;

    /// Branches that have one, ascending.
    #[pallet::storage]
    pub type JobList<T: Config> =
        StorageValue<_, BoundedVec<BranchId, ConstU32<MAX_JOBS>>, ValueQuery>;

    /// Number of a branch's last private round. It stays when the job ends: no number is used twice.
    #[pallet::storage]
    pub type LastRound<T: Config> = StorageMap<_, Twox64Concat, BranchId, u32, ValueQuery>;

    /// Rounds: those in motion, and the last that are closed.
    #[pallet::storage]
    pub type Rounds<T: Config> = StorageMap<_, Twox64Concat, RoundId, PrivateRound<T::AccountId>>;

    /// What rounds in motion took when they opened.
    #[pallet::storage]
    pub type Terms<T: Config> = StorageMap<_, Twox64Concat, RoundId, PrivateTerms>;

    /// Registrants of a round, then its cohort in the order of places.
    #[pallet::storage]
    pub type Participants<T: Config> = StorageMap<
        _,
        Twox64Concat,
        RoundId,
        BoundedVec<T::AccountId, ConstU32<MAX_REGISTRANTS>>,
        ValueQuery,
    >;

    /// What is known of each.
    #[pallet::storage]
    pub type Contributors<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RoundId, Blake2_128Concat, T::AccountId, Contributor>;

    /// Roots over ciphertexts that were opened in a round: none is opened twice.
    #[pallet::storage]
    pub type OpenedRoots<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RoundId, Identity, H256, ()>;

    /// Auditors of a round.
    #[pallet::storage]
    pub type Seats<T: Config> =
        StorageMap<_, Twox64Concat, RoundId, AuditorSeats<T::AccountId>, ValueQuery>;

    /// Disputes of a round.
    #[pallet::storage]
    pub type Disputes<T: Config> =
        StorageMap<_, Twox64Concat, RoundId, PrivateDisputes<T::AccountId>, ValueQuery>;
}
