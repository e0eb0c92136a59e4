// SPDX-License-Identifier: GPL-3.0-or-later
//! The DREAM runtime: the rules that every node applies to every block.
//!
//! [`configs`] wires the pallets, [`apis`] answers the node's questions, [`api`] declares the chain's own runtime API, [`genesis`] holds the presets
//! from which a chain starts and [`sessions`] keeps the validators. Values that differ from chain to chain (slot time, epoch length, round phases, bonds)
//! are genesis values of `pallet-chain-parameters`, so that one runtime serves every chain.

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "512"]

extern crate alloc;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

pub mod agenda;
pub mod api;
mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod genesis;
pub mod origins;
pub mod sessions;
pub mod tracks;
pub mod weights;

use alloc::{borrow::Cow, vec::Vec};
use polkadot_sdk::*;

use sp_runtime::{
    generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
    MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

pub use apis::{RuntimeApi, RUNTIME_API_VERSIONS};

/// A signature by any of the supported schemes.
pub type Signature = MultiSignature;
/// Who signed: 32 bytes.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How a call names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// Token amounts in the smallest unit: 10^-12 DREAM.
pub type Balance = u128;
/// Number of transactions of an account.
pub type Nonce = u32;
/// Hash of blocks and tries.
pub type Hash = sp_core::H256;
/// Height of a block.
pub type BlockNumber = u32;
/// Milliseconds since the Unix epoch.
pub type Moment = u64;
/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block with decoded transactions.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// What wraps every transaction's call, in the order in which it is checked.
pub type TxExtension = (
    frame_system::AuthorizeCall<Runtime>,
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);

/// A transaction as it travels.
pub type UncheckedExtrinsic =
    generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// Migrations of this release: none yet.
pub type Migrations = ();

/// What runs blocks.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

/// Types that the node uses without knowing calls: they stay valid across runtime upgrades.
pub mod opaque {
    use super::*;
    pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;

    /// A block whose transactions are bytes.
    pub type Block = generic::Block<Header, UncheckedExtrinsic>;
}

impl_opaque_keys! {
    /// What a validator signs with: blocks, finality votes, its address records.
    pub struct SessionKeys {
        pub babe: Babe,
        pub grandpa: Grandpa,
        pub authority_discovery: AuthorityDiscovery,
    }
}

/// Identity and version of this runtime.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("dream"),
    impl_name: Cow::Borrowed("dream"),
    authoring_version: 1,
    spec_version: 1,
    impl_version: 1,
    apis: RUNTIME_API_VERSIONS,
    transaction_version: 1,
    system_version: 3,
};

/// Symbol, decimals and address prefix of the token.
pub mod token {
    use super::Balance;

    /// Ticker that wallets show.
    pub const SYMBOL: &str = "DREAM";
    /// Digits after the point.
    pub const DECIMALS: u8 = 12;
    /// Prefix of addresses in SS58.
    pub const SS58_PREFIX: u16 = 42;
    /// One DREAM.
    pub const UNIT: Balance = 1_000_000_000_000;
    /// A thousandth of a DREAM.
    pub const MILLI: Balance = 1_000_000_000;
    /// A millionth of a DREAM.
    pub const MICRO: Balance = 1_000_000;
    /// The least that an account holds.
    pub const EXISTENTIAL_DEPOSIT: Balance = MILLI;

    /// Deposit for `items` entries of `bytes` bytes together in the chain's state.
    pub const fn deposit(items: u32, bytes: u32) -> Balance {
        // u32 fits u128; `From` is not const.
        #[allow(clippy::as_conversions)]
        let (items, bytes) = (items as Balance, bytes as Balance);
        UNIT.saturating_div(10)
            .saturating_mul(items)
            .saturating_add(MILLI.saturating_mul(bytes))
    }
}

#[frame_support::runtime]
mod runtime {
    use super::*;

    /// The chain's state machine.
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;
    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;
    #[runtime::pallet_index(2)]
    pub type Babe = pallet_babe;
    #[runtime::pallet_index(3)]
    pub type Authorship = pallet_authorship;

    #[runtime::pallet_index(5)]
    pub type Balances = pallet_balances;
    #[runtime::pallet_index(6)]
    pub type TransactionPayment = pallet_transaction_payment;

    #[runtime::pallet_index(10)]
    pub type Offences = pallet_offences;
    #[runtime::pallet_index(11)]
    pub type Historical = pallet_session::historical;
    #[runtime::pallet_index(12)]
    pub type Session = pallet_session;
    #[runtime::pallet_index(13)]
    pub type Grandpa = pallet_grandpa;
    #[runtime::pallet_index(14)]
    pub type AuthorityDiscovery = pallet_authority_discovery;

    #[runtime::pallet_index(20)]
    pub type Utility = pallet_utility;
    #[runtime::pallet_index(21)]
    pub type Proxy = pallet_proxy;
    #[runtime::pallet_index(22)]
    pub type Multisig = pallet_multisig;

    #[runtime::pallet_index(30)]
    pub type Scheduler = pallet_scheduler;
    #[runtime::pallet_index(31)]
    pub type Preimage = pallet_preimage;
    #[runtime::pallet_index(32)]
    pub type Treasury = pallet_treasury;
    #[runtime::pallet_index(33)]
    pub type ConvictionVoting = pallet_compute_voting;
    #[runtime::pallet_index(34)]
    pub type Referenda = pallet_referenda;
    #[runtime::pallet_index(35)]
    pub type Origins = crate::origins;
    #[runtime::pallet_index(40)]
    pub type Sudo = pallet_sudo;

    #[runtime::pallet_index(50)]
    pub type ChainParameters = pallet_chain_parameters;
    #[runtime::pallet_index(51)]
    pub type ModelRegistry = pallet_model_registry;
    #[runtime::pallet_index(52)]
    pub type DataRegistry = pallet_data_registry;
    #[runtime::pallet_index(53)]
    pub type UsefulWork = pallet_useful_work;
    #[runtime::pallet_index(54)]
    pub type SecureAggregation = pallet_secure_aggregation;
}

/// Proof that a session key belonged to a validator.
pub(crate) type KeyOwnerProof = sp_session::MembershipProof;

/// Bytes of the runtime's WASM blob.
///
/// # Errors
/// A message, where this library was built with `SKIP_WASM_BUILD`.
#[cfg(feature = "std")]
pub fn wasm_binary() -> Result<&'static [u8], &'static str> {
    WASM_BINARY.ok_or("this build carries no WASM runtime: build it again without SKIP_WASM_BUILD")
}

/// Names of the presets in [`genesis`].
pub fn preset_names() -> Vec<sp_genesis_builder::PresetId> {
    genesis::names()
}
