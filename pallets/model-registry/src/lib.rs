// SPDX-License-Identifier: GPL-3.0-or-later
//! # Model registry
//!
//! Models, their branches, and the lineage of versions.
//!
//! A model is an architecture with a licence and an owner. A branch of it has one head and one recipe; each round of
//! training puts a new version on top of the head. A version's hash names it on every chain that carries its header.
//!
//! Anna registers a model: the call stores its first version (number 0, no parent) and its first branch, and holds a
//! deposit. Bert thinks that another recipe serves better: he makes a branch of his own from any version of Anna's and
//! pays a deposit too. Governance admits a branch with a share of the emission; the useful-work pallet then trains it
//! and calls [`dream_primitives::registry::ModelRegistry::advance`] for every merge.
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

/// All shares of the emission together, in parts of it.
pub const ALL_SHARES: u32 = dream_primitives::emission::PARTS;
/// Most versions that [`Pallet::lineage`] walks.
pub const MAX_LINEAGE: u32 = 256;

#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::weights::WeightInfo;
    use dream_primitives::cid::Cid;
    use dream_primitives::data::Licence;
    use dream_primitives::manifest::Architecture;
    use dream_primitives::params::ChainParameters;
    use dream_primitives::recipe::Recipe;
    use dream_primitives::registry::{Admission, Branch, Model};
    use dream_primitives::version::VersionHeader;
    use dream_primitives::{Balance, BranchId, ModelId, H256};
    use polkadot_sdk::frame_support::pallet_prelude::*;
    use polkadot_sdk::frame_support::traits::fungible;
    use polkadot_sdk::frame_system::pallet_prelude::*;

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
        /// The chain's parameters: deposits, and the audit that a recipe must allow.
        type Parameters: Get<ChainParameters>;
        /// Who changes recipes.
        type RecipeOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Who admits and dismisses branches, and unfreezes them.
        type BranchOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Who freezes branches.
        type FreezeOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Most admitted branches.
        #[pallet::constant]
        type MaxAdmitted: Get<u32>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Why this pallet holds funds.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Deposit for a model or a branch.
        Deposit,
    }

    /// Models.
    #[pallet::storage]
    pub type Models<T: Config> = StorageMap<_, Twox64Concat, ModelId, Model<T::AccountId>>;

    /// Branches.
    #[pallet::storage]
    pub type Branches<T: Config> = StorageMap<_, Twox64Concat, BranchId, Branch<T::AccountId>>;

    /// Headers of all versions by their hash.
    #[pallet::storage]
    pub type Versions<T: Config> = StorageMap<_, Blake2_128Concat, H256, VersionHeader>;

    /// Index of the next model.
    #[pallet::storage]
    pub type NextModel<T: Config> = StorageValue<_, ModelId, ValueQuery>;

    /// Index of the next branch.
    #[pallet::storage]
    pub type NextBranch<T: Config> = StorageValue<_, BranchId, ValueQuery>;

    /// Admitted branches, ascending.
    #[pallet::storage]
    pub type Admitted<T: Config> =
        StorageValue<_, BoundedVec<BranchId, T::MaxAdmitted>, ValueQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A model was registered with its first branch and version.
        ModelRegistered {
            /// Model.
            model: ModelId,
            /// Its first branch.
            branch: BranchId,
            /// Who registered it.
            owner: T::AccountId,
            /// Hash of version 0.
            version: H256,
        },
        /// A branch was created.
        BranchCreated {
            /// Branch.
            branch: BranchId,
            /// Model.
            model: ModelId,
            /// Who created it.
            owner: T::AccountId,
            /// Version that it starts from.
            parent: H256,
        },
        /// A branch earns from now on, or its admission changed.
        BranchAdmitted {
            /// Branch.
            branch: BranchId,
            /// What it was granted.
            admission: Admission,
        },
        /// A branch earns no more.
        BranchDismissed {
            /// Branch.
            branch: BranchId,
        },
        /// No round opens on a branch any more, and none that is open moves its head.
        BranchFrozen {
            /// Branch.
            branch: BranchId,
        },
        /// Rounds open on a branch again.
        BranchUnfrozen {
            /// Branch.
            branch: BranchId,
        },
        /// A branch's recipe changed; it counts from the next round.
        RecipeSet {
            /// Branch.
            branch: BranchId,
        },
        /// A branch has a new head.
        HeadAdvanced {
            /// Branch.
            branch: BranchId,
            /// Number of the new version.
            number: u32,
            /// Hash of the new version.
            version: H256,
            /// Hash of the version that it was made from.
            parent: H256,
        },
        /// An earlier version is a branch's head again: something is taken out of the model.
        HeadRewound {
            /// Branch.
            branch: BranchId,
            /// The head until then.
            from: H256,
            /// The head now.
            to: H256,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// There is no such branch.
        BranchUnknown,
        /// There is no version with this hash.
        VersionUnknown,
        /// The branch's model is not in the registry.
        ModelUnknown,
        /// The licence is empty: name an SPDX expression.
        LicenceEmpty,
        /// A size of the architecture is zero or too large.
        ArchitectureSize,
        /// `dim` of the architecture is not a multiple of `2 * heads`.
        HeadWidth,
        /// `kv_heads` of the architecture does not divide `heads`.
        KvHeads,
        /// The architecture has too many parameters.
        ArchitectureTooLarge,
        /// The recipe has fewer segments than are audited, fewer than 2, or too many.
        RecipeSegments,
        /// Steps, batch or context of the recipe is zero or too large.
        RecipeSizes,
        /// A constant of the recipe's optimiser is out of range.
        RecipeOptimiser,
        /// A constant of the recipe's server optimiser is out of range.
        RecipeServer,
        /// A constant of the recipe's aggregation rule is out of range.
        RecipeRule,
        /// The recipe's context is longer than the model's.
        ContextTooLong,
        /// The shares of all admitted branches would pass one million.
        SharesExceeded,
        /// The admission's `units_per_token` is zero.
        NoUnits,
        /// There are as many admitted branches as there may be: dismiss one first.
        TooManyAdmitted,
        /// The branch is not admitted.
        NotAdmitted,
        /// No index is left for another model or branch.
        IdsExhausted,
        /// The recipe's top-k keeps none of a chunk's steps, or more than a chunk has.
        RecipeCodec,
        /// The recipe's error feedback keeps more than all: it is above 2^16.
        RecipeFeedback,
        /// The recipe's proximal coefficient is not below 1.
        RecipeProximal,
        /// The distance of the recipe's tolerant class is zero, or not below 1.
        RecipeClass,
        /// The recipe names error feedback in the tolerant class: its residuals could not be checked.
        RecipeTolerantFeedback,
        /// The recipe asks for the tolerant class, which rounds do not serve.
        RecipeNotServed,
        /// The branch is frozen already.
        BranchFrozen,
        /// The branch is not frozen.
        NotFrozen,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MaxAdmitted::get() > 0, "MaxAdmitted must be positive");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(
            _: BlockNumberFor<T>,
        ) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Registers a model with its first branch and version 0, whose parameters have `state_root` and lie at `cid`.
        /// Holds the model deposit.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::register_model())]
        pub fn register_model(
            origin: OriginFor<T>,
            architecture: Architecture,
            licence: Licence,
            recipe: Recipe,
            state_root: H256,
            cid: Cid,
        ) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_register_model(owner, architecture, licence, recipe, state_root, cid)
                .map(|_| ())
        }

        /// Creates a branch whose head is the version `parent`. Holds the model deposit.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::create_branch())]
        pub fn create_branch(origin: OriginFor<T>, parent: H256, recipe: Recipe) -> DispatchResult {
            let owner = ensure_signed(origin)?;
            Self::do_create_branch(owner, parent, recipe)
        }

        /// Lets a branch earn emission and credits, or changes what it was granted.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::admit_branch(T::MaxAdmitted::get()))]
        pub fn admit_branch(
            origin: OriginFor<T>,
            branch: BranchId,
            admission: Admission,
        ) -> DispatchResult {
            T::BranchOrigin::ensure_origin(origin)?;
            Self::do_admit_branch(branch, admission)
        }

        /// Ends a branch's emission and credits; a round that is open goes on.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::dismiss_branch())]
        pub fn dismiss_branch(origin: OriginFor<T>, branch: BranchId) -> DispatchResult {
            T::BranchOrigin::ensure_origin(origin)?;
            Self::do_dismiss_branch(branch)
        }

        /// Changes a branch's recipe from the next round.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::set_recipe())]
        pub fn set_recipe(
            origin: OriginFor<T>,
            branch: BranchId,
            recipe: Recipe,
        ) -> DispatchResult {
            T::RecipeOrigin::ensure_origin(origin)?;
            Self::do_set_recipe(branch, recipe)
        }

        /// Stops a branch: no round opens on it, and a round that is open is judged and paid but does not move the head. A
        /// revert's replay still does.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::freeze_branch())]
        pub fn freeze_branch(origin: OriginFor<T>, branch: BranchId) -> DispatchResult {
            T::FreezeOrigin::ensure_origin(origin)?;
            Self::do_freeze_branch(branch)
        }

        /// Lets rounds open on a frozen branch again.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::unfreeze_branch())]
        pub fn unfreeze_branch(origin: OriginFor<T>, branch: BranchId) -> DispatchResult {
            T::BranchOrigin::ensure_origin(origin)?;
            Self::do_unfreeze_branch(branch)
        }
    }
}
