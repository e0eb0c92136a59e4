// SPDX-License-Identifier: GPL-3.0-or-later
//! Benchmarks of the calls.

use crate::pallet::*;
use alloc::boxed::Box;
use polkadot_sdk::frame_benchmarking::v2::*;
use polkadot_sdk::frame_support::traits::EnsureOrigin;

#[benchmarks]
mod benches {
    use super::*;

    /// The economic check tries every number of faked segments.
    #[benchmark]
    fn set_parameters(s: Linear<16, 1024>) -> Result<(), BenchmarkError> {
        let origin =
            T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let mut parameters = Parameters::<T>::get();
        parameters.audit.reference_segments = u16::try_from(s).unwrap_or(u16::MAX);
        parameters.audit.segments = 8;
        parameters.audit.newcomer_segments = 16;
        parameters.round.newcomer_slots = 1;
        // So that the check finds every number of faked segments unprofitable and tries them all.
        parameters.bonds.claim = parameters.bonds.claim.saturating_mul(1_000);
        parameters.bonds.availability = parameters.bonds.claim;

        #[extrinsic_call]
        _(origin, Box::new(parameters));

        assert_eq!(Parameters::<T>::get(), parameters);
        Ok(())
    }

    impl_benchmark_test_suite!(
        Pallet,
        crate::mock::genesis(dream_primitives::params::ChainParameters::development()),
        crate::mock::Test
    );
}
