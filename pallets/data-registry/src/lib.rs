// SPDX-License-Identifier: GPL-3.0-or-later
//! # Data registry
//!
//! Data sets and the mixture of each branch.
//!
//! Clara submits a data set: its Merkle root, where its bytes lie, its licence, how many samples of how many bytes it
//! has. A deposit is held. Governance then writes the mixture of a branch: which sets its rounds draw from, with what
//! weights. Nobody else decides on what a branch is trained. A round takes the mixture as it is when it opens.
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
    use dream_primitives::data::{DatasetInfo, Mixture};
    use dream_primitives::params::ChainParameters;
    use dream_primitives::registry::DatasetRecord;
    use dream_primitives::value::Shard;
    use dream_primitives::{Balance, BranchId, DatasetId, H256};
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
        /// The runtime's hold reasons.
        type RuntimeHoldReason: From<HoldReason>;
        /// The chain's parameters: the deposit.
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
        /// A branch's mixture changed; it counts from the next round.
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
        /// The mixture has no entry.
        MixtureEmpty,
        /// A weight of the mixture is zero: leave that set out.
        WeightZero,
        /// The mixture names a data set twice.
        DatasetTwice,
        /// The mixture names a data set that is not registered.
        DatasetUnknown,
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

        /// Sets what a branch is trained on from its next round.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::set_mixture(Pallet::<T>::entries(mixture)))]
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
    }
}
