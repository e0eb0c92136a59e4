// SPDX-License-Identifier: GPL-3.0-or-later
//! Benchmarks of the calls.

use crate::pallet::*;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::data::{DatasetInfo, MixtureEntry, MAX_LICENCE, MAX_MIXTURE};
use dream_primitives::value::{Shard, MAX_SHARD};
use dream_primitives::{Balance, BoundedVec, H256};
use polkadot_sdk::frame_benchmarking::v2::*;
use polkadot_sdk::frame_support::traits::{fungible::Mutate, EnsureOrigin};
use polkadot_sdk::frame_system::RawOrigin;

fn info() -> DatasetInfo {
    DatasetInfo {
        root: H256::repeat_byte(1),
        cid: Cid {
            codec: CidCodec::DagPb,
            digest: [2; 32],
        },
        licence: BoundedVec::truncate_from(
            alloc::vec![b'A'; usize::try_from(MAX_LICENCE).unwrap_or(0)],
        ),
        samples: 1_000_000,
        window: 129,
    }
}

#[benchmarks(where T::Currency: Mutate<T::AccountId, Balance = Balance>)]
mod benches {
    use super::*;

    fn rich<T: Config>() -> T::AccountId
    where
        T::Currency: Mutate<T::AccountId, Balance = Balance>,
    {
        let account = whitelisted_caller();
        T::Currency::set_balance(&account, Balance::from(u64::MAX));
        account
    }

    #[benchmark]
    fn submit() {
        let submitter = rich::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(submitter), info());

        assert_eq!(NextDataset::<T>::get(), 1);
    }

    #[benchmark]
    fn set_mixture(e: Linear<1, { MAX_MIXTURE }>) -> Result<(), BenchmarkError> {
        let origin =
            T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let submitter = rich::<T>();
        for _ in 0..e {
            Pallet::<T>::do_submit(submitter.clone(), info())?;
        }
        let entries = (0..e).map(|dataset| MixtureEntry { dataset, weight: 1 });
        let mixture = BoundedVec::truncate_from(entries.collect());

        #[extrinsic_call]
        _(origin, 0, mixture);

        assert!(Mixtures::<T>::contains_key(0));
        Ok(())
    }

    /// There is one place left.
    #[benchmark]
    fn commit_shard() -> Result<(), BenchmarkError> {
        let origin =
            T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let shard = |root| Shard {
            root: H256::repeat_byte(root),
            samples: MAX_SHARD,
            window: 129,
            steward: whitelisted_caller(),
        };
        for root in 1..u8::try_from(MAX_SHARDS).unwrap_or(u8::MAX) {
            Pallet::<T>::do_commit_shard(0, shard(root))?;
        }

        #[extrinsic_call]
        _(origin, 0, shard(0));

        assert!(Shards::<T>::get(0).is_full());
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
