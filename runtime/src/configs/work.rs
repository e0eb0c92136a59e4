// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain's own pallets: parameters, models, data, useful work, secure aggregation.

use crate::origins::{Branches, Mixture, OrRoot, Recipe, Revert};
use crate::*;

use frame_support::traits::{ConstU32, Get};
use frame_system::EnsureRoot;

/// What a read and a write of the database cost.
pub(super) type DbWeight = <Runtime as frame_system::Config>::DbWeight;

/// Root alone: a referendum on the root track, or the sudo key of a development chain.
pub type Admin = EnsureRoot<AccountId>;

impl pallet_chain_parameters::Config for Runtime {
    type AdminOrigin = Admin;
    type WeightInfo = crate::weights::pallet_chain_parameters::WeightInfo<DbWeight>;
}

impl pallet_model_registry::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Parameters = ChainParameters;
    type RecipeOrigin = OrRoot<Recipe>;
    type BranchOrigin = OrRoot<Branches>;
    type FreezeOrigin = OrRoot<Revert>;
    type MaxAdmitted = ConstU32<16>;
    type WeightInfo = crate::weights::pallet_model_registry::WeightInfo<DbWeight>;
}

impl pallet_data_registry::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SetAside = super::governance::Payable;
    type Rounds = UsefulWork;
    type Treasury = configs::TreasuryAccount;
    type Parameters = ChainParameters;
    type AdminOrigin = OrRoot<Mixture>;
    type WeightInfo = crate::weights::pallet_data_registry::WeightInfo<DbWeight>;
}

/// VRF output of the parent block: BABE stores a block's own output only when the block ends.
pub struct ParentVrfOutput;

impl Get<Option<Hash>> for ParentVrfOutput {
    fn get() -> Option<Hash> {
        Babe::author_vrf_randomness().map(Hash::from)
    }
}

/// Author of the current block.
pub struct BlockAuthor;

impl Get<Option<AccountId>> for BlockAuthor {
    fn get() -> Option<AccountId> {
        Authorship::author()
    }
}

impl pallet_useful_work::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SetAside = super::governance::Payable;
    type Parameters = ChainParameters;
    type Models = ModelRegistry;
    type Data = DataRegistry;
    type BlockRandomness = ParentVrfOutput;
    type Author = BlockAuthor;
    type Treasury = configs::TreasuryAccount;
    type ProfileOrigin = OrRoot<Branches>;
    type RevertOrigin = OrRoot<Revert>;
    type Signature = Signature;
    type SweepPerBlock = ConstU32<8>;
    type WeightInfo = crate::weights::pallet_useful_work::WeightInfo<DbWeight>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Helper;
}

/// The parent block's VRF output and author, as seeds take them.
pub struct ParentBlock;

impl dream_primitives::registry::ParentRandomness<AccountId> for ParentBlock {
    fn output() -> Option<Hash> {
        ParentVrfOutput::get()
    }

    fn author() -> Option<AccountId> {
        pallet_useful_work::ParentAuthor::<Runtime>::get()
    }
}

impl pallet_secure_aggregation::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SetAside = super::governance::Payable;
    type Bonds = UsefulWork;
    type Auditors = UsefulWork;
    type Models = ModelRegistry;
    type Data = DataRegistry;
    type Randomness = ParentBlock;
    type AdminOrigin = Admin;
    type SweepPerBlock = ConstU32<16>;
    type WeightInfo = crate::weights::pallet_secure_aggregation::WeightInfo<DbWeight>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Helper;
}
