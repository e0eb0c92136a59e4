// SPDX-License-Identifier: GPL-3.0-or-later
//! How each pallet is set.

mod accounts;
mod consensus;
mod governance;
mod work;

use crate::*;

use frame_support::weights::constants::WEIGHT_REF_TIME_PER_MILLIS;
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU32, Get},
    weights::{
        constants::{BlockExecutionWeight, ExtrinsicBaseWeight, ParityDbWeight},
        Weight,
    },
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::Perbill;

pub use accounts::{DealWithFees, ProxyType};
pub use consensus::{EpochDuration, MinimumPeriod, SlotDuration, BABE_GENESIS_EPOCH_CONFIG};
pub use governance::TreasuryAccount;

/// Shortest slot that any preset or chain specification may set, in milliseconds.
pub const SHORTEST_SLOT_MILLIS: u64 = dream_primitives::params::MIN_SLOT_MS;

/// A block's computation takes at most a third of the shortest slot. The size of its proof is not limited: there is no relay chain.
pub const MAXIMUM_BLOCK_WEIGHT: Weight = Weight::from_parts(
    WEIGHT_REF_TIME_PER_MILLIS.saturating_mul(SHORTEST_SLOT_MILLIS / 3),
    u64::MAX,
);

/// Bytes of a block, headers apart.
pub const MAXIMUM_BLOCK_LENGTH: u32 = 5 * 1024 * 1024;

/// Share of a block that ordinary transactions may fill.
pub const NORMAL_DISPATCH_RATIO: Perbill = Perbill::from_percent(75);

/// Share of a block that hooks take on average.
pub const AVERAGE_ON_INITIALIZE_RATIO: Perbill = Perbill::from_percent(5);

parameter_types! {
    pub const BlockHashCount: BlockNumber = 4_096;
    pub const SS58Prefix: u16 = token::SS58_PREFIX;
    pub RuntimeBlockWeights: BlockWeights = block_weights();
    pub RuntimeBlockLength: BlockLength = BlockLength::builder()
        .max_length(MAXIMUM_BLOCK_LENGTH)
        .modify_max_length_for_class(frame_support::dispatch::DispatchClass::Normal, |length| {
            *length = NORMAL_DISPATCH_RATIO.mul_floor(*length)
        })
        .build();
}

/// The runtime's version.
pub struct Version;

impl Get<RuntimeVersion> for Version {
    // Not folded into its callers: the blob holds the version as data alone, where scripts/js/upgrade.mjs raises it without a build.
    #[inline(never)]
    fn get() -> RuntimeVersion {
        VERSION
    }
}

fn block_weights() -> BlockWeights {
    use frame_support::dispatch::DispatchClass;

    // Both dimensions alike: what operational transactions have reserved must exceed their base weight in each.
    let normal = Weight::from_parts(
        NORMAL_DISPATCH_RATIO.mul_floor(MAXIMUM_BLOCK_WEIGHT.ref_time()),
        NORMAL_DISPATCH_RATIO.mul_floor(MAXIMUM_BLOCK_WEIGHT.proof_size()),
    );
    BlockWeights::builder()
        .base_block(BlockExecutionWeight::get())
        .for_class(DispatchClass::all(), |weights| {
            weights.base_extrinsic = ExtrinsicBaseWeight::get();
        })
        .for_class(DispatchClass::Normal, |weights| {
            weights.max_total = Some(normal);
        })
        .for_class(DispatchClass::Operational, |weights| {
            weights.max_total = Some(MAXIMUM_BLOCK_WEIGHT);
            weights.reserved = Some(MAXIMUM_BLOCK_WEIGHT.saturating_sub(normal));
        })
        .avg_block_initialization(AVERAGE_ON_INITIALIZE_RATIO)
        .build_or_panic()
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type BlockHashCount = BlockHashCount;
    type BlockWeights = RuntimeBlockWeights;
    type BlockLength = RuntimeBlockLength;
    type DbWeight = ParityDbWeight;
    type Version = Version;
    type AccountData = pallet_balances::AccountData<Balance>;
    type SS58Prefix = SS58Prefix;
    type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
    type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
    type MaxConsumers = ConstU32<64>;
    type SingleBlockMigrations = Migrations;
}
