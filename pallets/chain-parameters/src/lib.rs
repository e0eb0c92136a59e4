// SPDX-License-Identifier: GPL-3.0-or-later
//! # Chain parameters
//!
//! The values that a chain specification sets: slot time, epoch length, the phases of a round, audits, bonds, rewards.
//!
//! A network's author writes them once, under `chainParameters.parameters` of the chain specification. Genesis build
//! refuses values under which the protocol would not be sound, by the one check that dream-primitives has. Later
//! governance changes them with `set_parameters`, which makes the same check; consensus values stay as genesis set them.
//!
//! Other pallets read them through `Get<ChainParameters>`, BABE and the timestamp pallet through [`EpochDuration`] and
//! [`MinimumPeriod`].
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
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use impls::{advice, EpochDuration, MinimumPeriod};
pub use pallet::*;
pub use weights::WeightInfo;

#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use super::weights::WeightInfo;
    use alloc::boxed::Box;
    use dream_primitives::params::ChainParameters;
    use polkadot_sdk::frame_support::pallet_prelude::*;
    use polkadot_sdk::frame_system::pallet_prelude::*;

    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// Who changes the parameters.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Weights of the calls.
        type WeightInfo: WeightInfo;
    }

    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Parameters where no genesis set any.
    #[pallet::type_value]
    pub fn DefaultParameters() -> ChainParameters {
        ChainParameters::development()
    }

    /// The chain's parameters.
    #[pallet::storage]
    pub type Parameters<T: Config> =
        StorageValue<_, ChainParameters, ValueQuery, DefaultParameters>;

    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// The chain's parameters.
        pub parameters: ChainParameters,
        #[serde(skip)]
        #[doc(hidden)]
        pub _config: core::marker::PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            Self {
                parameters: ChainParameters::development(),
                _config: Default::default(),
            }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            Pallet::<T>::build_genesis(&self.parameters);
        }
    }

    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// The parameters were changed.
        ParametersSet,
    }

    /// One error for each [`dream_primitives::params::ParameterError`], by the same name.
    #[pallet::error]
    pub enum Error<T> {
        /// The consensus values differ from those of genesis.
        ConsensusIsFixed,
        /// Emission and half-lives count from genesis: another value would change what was emitted or earned before.
        EmissionIsFixed,
        /// `consensus.slotMs` is too short or odd.
        SlotMs,
        /// `consensus.epochSlots` is too small.
        EpochSlots,
        /// A phase of `round` has no block, or a round would be too long.
        PhaseBlocks,
        /// `round.seedAuthors` is out of range.
        SeedAuthors,
        /// `round.maxClaims` is out of range.
        MaxClaims,
        /// `round.retentionRounds` is out of range.
        RetentionRounds,
        /// `audit.segments` is out of range.
        AuditSegments,
        /// `audit.committee` is out of range.
        Committee,
        /// `audit.escalation` is not larger than the committee, or out of range.
        Escalation,
        /// `audit.canaryRate` is out of range.
        CanaryRate,
        /// `audit.profileLeverage` is zero.
        ProfileLeverage,
        /// A bond is zero, `bonds.availability` passes `bonds.claim`, or `bonds.silence` passes `bonds.seat`.
        Bonds,
        /// `bonds.burnShare` is out of range.
        BurnShare,
        /// `bonds.unbondingBlocks` is shorter than a round's retention.
        Unbonding,
        /// The shares of `rewards` leave nothing for miners.
        Shares,
        /// The emission could pass the supply cap.
        Emission,
        /// A value of `rewards` is zero, or a half-life too short.
        Rewards,
        /// Faking would pay under these values.
        HonestyDoesNotPay,
        /// `round.newcomerSlots` or `audit.newcomerSegments` is out of range, or faking without a bond would pay.
        NewcomerSlots,
        /// `governance.hourBlocks` or a deposit is zero, or the longest referendum outlasts the credits that are kept.
        Governance,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            Self::check_defaults();
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
        /// Changes the parameters. The consensus values must equal those of genesis.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::set_parameters(parameters.audit.reference_segments.into()))]
        pub fn set_parameters(
            origin: OriginFor<T>,
            parameters: Box<ChainParameters>,
        ) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_set_parameters(*parameters)
        }
    }
}
