// SPDX-License-Identifier: GPL-3.0-or-later
//! What the calls, genesis and the readers do.

use crate::pallet::*;
use core::marker::PhantomData;
use dream_primitives::params::{check, ChainParameters, ParameterError};
use polkadot_sdk::frame_support::{ensure, traits::Get};
use polkadot_sdk::sp_runtime::DispatchResult;

/// Least time between two blocks, in milliseconds: half a slot, as the timestamp pallet wants it.
pub struct MinimumPeriod<T>(PhantomData<T>);

impl<T: Config> Get<u64> for MinimumPeriod<T> {
    fn get() -> u64 {
        Parameters::<T>::get().consensus.slot_ms / 2
    }
}

/// Slots in an epoch, as BABE wants it.
pub struct EpochDuration<T>(PhantomData<T>);

impl<T: Config> Get<u64> for EpochDuration<T> {
    fn get() -> u64 {
        u64::from(Parameters::<T>::get().consensus.epoch_slots)
    }
}

impl<T: Config> Get<ChainParameters> for Pallet<T> {
    fn get() -> ChainParameters {
        Parameters::<T>::get()
    }
}

impl<T: Config> From<ParameterError> for Error<T> {
    fn from(error: ParameterError) -> Self {
        match error {
            ParameterError::SlotMs => Self::SlotMs,
            ParameterError::EpochSlots => Self::EpochSlots,
            ParameterError::PhaseBlocks => Self::PhaseBlocks,
            ParameterError::SeedAuthors => Self::SeedAuthors,
            ParameterError::MaxClaims => Self::MaxClaims,
            ParameterError::RetentionRounds => Self::RetentionRounds,
            ParameterError::AuditSegments => Self::AuditSegments,
            ParameterError::Committee => Self::Committee,
            ParameterError::Escalation => Self::Escalation,
            ParameterError::CanaryRate => Self::CanaryRate,
            ParameterError::ProfileLeverage => Self::ProfileLeverage,
            ParameterError::Bonds => Self::Bonds,
            ParameterError::BurnShare => Self::BurnShare,
            ParameterError::Unbonding => Self::Unbonding,
            ParameterError::Shares => Self::Shares,
            ParameterError::Emission => Self::Emission,
            ParameterError::Rewards => Self::Rewards,
            ParameterError::HonestyDoesNotPay => Self::HonestyDoesNotPay,
            ParameterError::NewcomerSlots => Self::NewcomerSlots,
            ParameterError::Governance => Self::Governance,
        }
    }
}

/// What to change so that the check passes, for the author of a chain specification.
pub fn advice(error: ParameterError) -> &'static str {
    match error {
        ParameterError::SlotMs => "consensus.slotMs must be even and at least 1000",
        ParameterError::EpochSlots => "consensus.epochSlots must be at least 4",
        ParameterError::PhaseBlocks => {
            "every phase of round needs at least 1 block, and all together at most 2^24"
        }
        ParameterError::SeedAuthors => "round.seedAuthors must be in 1..=64",
        ParameterError::MaxClaims => "round.maxClaims must be in 1..=256",
        ParameterError::RetentionRounds => "round.retentionRounds must be in 1..=64",
        ParameterError::AuditSegments => {
            "audit.segments must be in 1..=16 and at most audit.referenceSegments"
        }
        ParameterError::Committee => "audit.committee must be in 1..=16",
        ParameterError::Escalation => {
            "audit.escalation must be 0, or above audit.committee and at most 16"
        }
        ParameterError::CanaryRate => "audit.canaryRate must be at most 500000 (one claim in two)",
        ParameterError::ProfileLeverage => "audit.profileLeverage must be at least 1",
        ParameterError::Bonds => {
            "every bond and deposit must be positive, bonds.availability at most bonds.claim, and bonds.silence at most bonds.seat"
        }
        ParameterError::BurnShare => "bonds.burnShare must be in 1..=1000000",
        ParameterError::Unbonding => {
            "bonds.unbondingBlocks must be at least the blocks of round.retentionRounds rounds"
        }
        ParameterError::Shares => {
            "rewards.verifierShare, producerShare and treasuryShare together must be below 1000000"
        }
        ParameterError::Emission => {
            "rewards.emissionPerBlock * emissionHalfLife * 2 must not pass the supply cap of 10^21"
        }
        ParameterError::Rewards => {
            "rewards.maxUnitPrice and maxClaimReward must be positive, half-lives at least 64 blocks, and canaryFee at most maxClaimReward"
        }
        ParameterError::HonestyDoesNotPay => {
            "raise bonds.availability or audit.segments, or lower rewards.maxClaimReward: faking segments would pay"
        }
        ParameterError::NewcomerSlots => {
            "round.newcomerSlots must be at most 64; with slots audit.newcomerSegments must be at least twice audit.segments and at most 16, and large enough that faking without a bond does not pay"
        }
        ParameterError::Governance => {
            "governance.hourBlocks and its deposits must be positive, and 720 hours at most a quarter of rewards.creditHalfLife"
        }
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn build_genesis(parameters: &ChainParameters) {
        if let Err(error) = check(parameters) {
            panic!(
                "chainParameters.parameters: {error:?}: {}; got {parameters:?}",
                advice(error)
            );
        }
        Parameters::<T>::put(parameters);
    }

    pub(crate) fn check_defaults() {
        for preset in [
            DefaultParameters::get(),
            ChainParameters::development(),
            ChainParameters::network(),
        ] {
            assert_eq!(check(&preset), Ok(()), "{preset:?}");
        }
    }

    pub(crate) fn do_set_parameters(parameters: ChainParameters) -> DispatchResult {
        ensure!(
            parameters.consensus == Parameters::<T>::get().consensus,
            Error::<T>::ConsensusIsFixed
        );
        check(&parameters).map_err(Error::<T>::from)?;
        let fixed = |p: &ChainParameters| {
            let r = p.rewards;
            (
                r.emission_per_block,
                r.emission_half_life,
                r.credit_half_life,
            )
        };
        ensure!(
            fixed(&parameters) == fixed(&Parameters::<T>::get()),
            Error::<T>::EmissionIsFixed
        );
        Parameters::<T>::put(parameters);
        Self::deposit_event(Event::ParametersSet);
        Ok(())
    }

    /// The stored parameters pass the check.
    #[cfg(any(feature = "try-runtime", feature = "std"))]
    pub fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
        check(&Parameters::<T>::get())
            .map_err(|_| "chain-parameters: the stored parameters do not pass the check".into())
    }
}
