// SPDX-License-Identifier: GPL-3.0-or-later
//! # Data registry
//!
//! Data sets and the mixture of each branch.
//!
//! Clara submits a data set: its Merkle root, where its bytes lie, its licence, how many samples of how many bytes it
//! has. A deposit is held. Governance then writes the mixture of a branch: which sets its rounds draw from, with what
//! weights. To name a set there is to admit it; nobody else decides on what a branch is trained. A round takes the mixture as
//! it is when it opens.
//!
//! Mia cannot get the bytes. She demands a sample and pays for the answer beforehand. Whoever has it puts it on chain, proves
//! that it lies under the registered root, and takes the payment. When nobody does in time, the set is suspended: rounds that
//! open from then on leave it out, Clara loses half of what is left of her deposit, and Mia gets hers back. A late answer
//! brings the set back.
//!
//! Clara takes her set back, and what is left of the deposit, when no mixture names it and the last round that may draw from
//! it is forgotten: until then its claims may be challenged, and a replay needs the data.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used
    )
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod demands;
mod impls;
#[cfg(any(feature = "try-runtime", feature = "std"))]
mod try_state;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use weights::WeightInfo;

#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::weights::WeightInfo;
    use dream_primitives::data::{DatasetInfo, DatasetUses, Mixture, SampleDemands, SampleOpening};
    use dream_primitives::math::to_u32;
    use dream_primitives::params::ChainParameters;
    use dream_primitives::registry::{DatasetRecord, RoundRegistry, SetAside};
    use dream_primitives::value::Shard;
    use dream_primitives::{Balance, BlockNumber, BranchId, DatasetId, H256};
    use polkadot_sdk::frame_support::pallet_prelude::*;
    use polkadot_sdk::frame_support::traits::fungible;
    use polkadot_sdk::frame_system::pallet_prelude::*;

    /// Most shards of a branch that wait.
    pub const MAX_SHARDS: u32 = 64;

    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Holds deposits.
        type Currency: fungible::Inspect<Self::AccountId, Balance = Balance>
            + fungible::hold::Mutate<
                Self::AccountId,
                Reason = Self::RuntimeHoldReason,
                Balance = Balance,
            >;
        /// What accounts hold to pay others, beside what is frozen.
        type SetAside: SetAside<Self::AccountId>;
        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;
        /// Rounds, which draw from the sets.
        type Rounds: RoundRegistry;
        /// Where lost deposits go.
        type Treasury: Get<Self::AccountId>;
        /// The chain's parameters: deposits, and the time for an answer.
        type Parameters: Get<ChainParameters>;
        /// Who sets mixtures.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Why this pallet holds funds.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Deposit for a data set.
        Deposit,
        /// Price of the answer to a demand for a sample.
        Demand,
    }

    /// Data sets.
    #[pallet::storage]
    pub type Datasets<T: Config> =
        StorageMap<_, Twox64Concat, DatasetId, DatasetRecord<T::AccountId>>;

    /// Index of the next data set.
    #[pallet::storage]
    pub type NextDataset<T: Config> = StorageValue<_, DatasetId, ValueQuery>;

    /// What each branch is trained on.
    #[pallet::storage]
    pub type Mixtures<T: Config> = StorageMap<_, Twox64Concat, BranchId, Mixture>;

    /// Branches that each data set serves.
    #[pallet::storage]
    pub type Uses<T: Config> = StorageMap<_, Twox64Concat, DatasetId, DatasetUses, ValueQuery>;

    /// Demands for samples, by data set.
    #[pallet::storage]
    pub type Demands<T: Config> =
        StorageMap<_, Twox64Concat, DatasetId, SampleDemands<T::AccountId>, ValueQuery>;

    /// Number of demands that were neither answered nor ended.
    #[pallet::storage]
    pub type OpenDemands<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Held-out shards that wait to be used, the oldest first.
    #[pallet::storage]
    pub type Shards<T: Config> = StorageMap<
        _,
        Twox64Concat,
        BranchId,
        BoundedVec<Shard<T::AccountId>, ConstU32<MAX_SHARDS>>,
        ValueQuery,
    >;

    /// Roots of shards that were committed: none is committed twice.
    #[pallet::storage]
    pub type ShardRoots<T: Config> = StorageMap<_, Identity, H256, ()>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A data set was submitted.
        DatasetSubmitted {
            /// Data set.
            dataset: DatasetId,
            /// Who submitted it.
            submitter: T::AccountId,
        },
        /// A data set was taken back. Its index is not given again.
        DatasetWithdrawn {
            /// Data set.
            dataset: DatasetId,
            /// What went back to the submitter.
            deposit: Balance,
        },
        /// A sample of a data set is demanded.
        SampleDemanded {
            /// Data set.
            dataset: DatasetId,
            /// Sample.
            sample: u32,
            /// Who demands it.
            demander: T::AccountId,
            /// Paid for the answer.
            price: Balance,
            /// First block after the time for the answer.
            deadline: BlockNumber,
        },
        /// A sample that was demanded is in this block's body.
        SampleSupplied {
            /// Data set.
            dataset: DatasetId,
            /// Sample.
            sample: u32,
            /// Who supplied it.
            supplier: T::AccountId,
            /// Paid to the supplier; nothing when the answer was late.
            price: Balance,
        },
        /// A demand was not answered in time: rounds leave the data set out.
        DatasetSuspended {
            /// Data set.
            dataset: DatasetId,
            /// Sample that nobody supplied.
            sample: u32,
            /// Part of the deposit that went to the treasury.
            lost: Balance,
        },
        /// All that was demanded of a suspended data set is answered: rounds take it again.
        DatasetResumed {
            /// Data set.
            dataset: DatasetId,
        },
        /// A branch's mixture changed; it counts from the next round. When it is empty, the branch opens no round.
        MixtureSet {
            /// Branch.
            branch: BranchId,
        },
        /// A held-out shard was committed.
        ShardCommitted {
            /// Branch that it will score.
            branch: BranchId,
            /// Root over its samples.
            root: H256,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The licence is empty: name an SPDX expression.
        LicenceEmpty,
        /// The window is shorter than 2 bytes or longer than the largest that is served.
        WindowOutOfRange,
        /// The data set has no sample that may be streamed.
        NothingToStream,
        /// A weight of the mixture is zero: leave that set out.
        WeightZero,
        /// The mixture names a data set twice.
        DatasetTwice,
        /// No data set with this index was submitted.
        DatasetUnknown,
        /// The data set was taken back by its submitter.
        DatasetWithdrawn,
        /// The data set is suspended: it comes back when what was demanded of it is supplied.
        DatasetSuspended,
        /// A mixture names the data set, or a round that may draw from it is kept.
        DatasetInUse,
        /// No mixture names the data set and no round that may draw from it is kept: there is no duty to supply it.
        DatasetNotInUse,
        /// Only the submitter takes a data set back.
        NotTheSubmitter,
        /// The data set serves its largest number of branches.
        TooManyUses,
        /// The data set has no such sample.
        NoSuchSample,
        /// The sample is demanded already.
        DemandTwice,
        /// The data set, or all together, have their largest number of open demands: wait until one is answered or ended.
        TooManyDemands,
        /// The sample is not demanded.
        NoDemand,
        /// A demand for a sample of the data set is open: supply it, or end it when its time is over.
        DemandOpen,
        /// There is no demand whose time is over and that was not ended before.
        NothingToEnd,
        /// The bytes are not this sample's, or the proof does not lead to the registered root.
        SampleProof,
        /// The data sets of the mixture have windows of different lengths.
        WindowsDiffer,
        /// A shard has no sample, too many, or a window that is not served.
        ShardOutOfRange,
        /// The branch has its largest number of shards that wait.
        TooManyShards,
        /// A shard with this root was committed before: a shard is used once.
        ShardTwice,
        /// No index is left for another data set.
        IdsExhausted,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(
            _: BlockNumberFor<T>,
        ) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Registers a data set. Holds the data deposit.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::submit())]
        pub fn submit(origin: OriginFor<T>, info: DatasetInfo) -> DispatchResult {
            let submitter = ensure_signed(origin)?;
            Self::do_submit(submitter, info).map(|_| ())
        }

        /// Sets what a branch is trained on from its next round. With an empty mixture it opens none.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::set_mixture(to_u32(mixture.len())))]
        pub fn set_mixture(
            origin: OriginFor<T>,
            branch: BranchId,
            mixture: Mixture,
        ) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_set_mixture(branch, mixture)
        }

        /// Commits a held-out shard by its root, to be opened by its steward after a merge of the branch and used once.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::commit_shard())]
        pub fn commit_shard(
            origin: OriginFor<T>,
            branch: BranchId,
            shard: Shard<T::AccountId>,
        ) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_commit_shard(branch, shard)
        }

        /// Takes a data set back: nothing needs it any more. Releases what is left of the deposit.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::withdraw_dataset())]
        pub fn withdraw_dataset(origin: OriginFor<T>, dataset: DatasetId) -> DispatchResult {
            let submitter = ensure_signed(origin)?;
            Self::do_withdraw_dataset(submitter, dataset)
        }

        /// Demands a sample of a data set that is in use, a held-out one as well. Holds the price of the answer.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::demand_sample())]
        pub fn demand_sample(
            origin: OriginFor<T>,
            dataset: DatasetId,
            sample: u32,
        ) -> DispatchResult {
            let demander = ensure_signed(origin)?;
            Self::do_demand_sample(demander, dataset, sample)
        }

        /// Supplies a sample that is demanded. In time it is paid; late it brings a suspended set back.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::supply_sample(to_u32(opening.window.len())))]
        pub fn supply_sample(
            origin: OriginFor<T>,
            dataset: DatasetId,
            sample: u32,
            opening: SampleOpening,
        ) -> DispatchResult {
            let supplier = ensure_signed(origin)?;
            Self::do_supply_sample(supplier, dataset, sample, opening)
        }

        /// Ends the demands whose time is over: their prices go back, and the submitter loses a part of the deposit. The set was
        /// suspended when the time was over, whether or not this is called.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::end_demands())]
        pub fn end_demands(origin: OriginFor<T>, dataset: DatasetId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_end_demands(dataset)
        }
    }
}
