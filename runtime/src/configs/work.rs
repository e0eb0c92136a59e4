// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain's own pallets: parameters, models, data, useful work.

use crate::*;

use frame_support::traits::{ConstU32, Get};
use frame_system::EnsureRoot;

/// Who decides until token holders vote: root, which is the sudo key of a development chain.
pub type Admin = EnsureRoot<AccountId>;

impl pallet_chain_parameters::Config for Runtime {
    type AdminOrigin = Admin;
    type WeightInfo = pallet_chain_parameters::weights::EstimatedWeight<Runtime>;
}

impl pallet_model_registry::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Parameters = ChainParameters;
    type AdminOrigin = Admin;
    type MaxAdmitted = ConstU32<16>;
    type WeightInfo = pallet_model_registry::weights::EstimatedWeight<Runtime>;
}

impl pallet_data_registry::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Parameters = ChainParameters;
    type AdminOrigin = Admin;
    type WeightInfo = pallet_data_registry::weights::EstimatedWeight<Runtime>;
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
    type Parameters = ChainParameters;
    type Models = ModelRegistry;
    type Data = DataRegistry;
    type BlockRandomness = ParentVrfOutput;
    type Author = BlockAuthor;
    type Treasury = configs::TreasuryAccount;
    type AdminOrigin = Admin;
    type Signature = Signature;
    type SweepPerBlock = ConstU32<8>;
    type WeightInfo = pallet_useful_work::weights::EstimatedWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = crate::benchmarks::Helper;
}
