// SPDX-License-Identifier: GPL-3.0-or-later
//! Benchmarks of the calls.

use crate::pallet::*;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::data::{
    sample_leaf, DatasetInfo, DatasetUse, DatasetUses, Mixture, MixtureEntry, SampleOpening,
    MAX_LICENCE, MAX_MIXTURE, MAX_SAMPLE_DEMANDS, MAX_USES, MAX_WINDOW,
};
use dream_primitives::hashing::Domain;
use dream_primitives::math::to_usize;
use dream_primitives::merkle;
use dream_primitives::value::{Shard, MAX_SHARD};
use dream_primitives::{Balance, BoundedVec, BranchId, DatasetId, H256};
use polkadot_sdk::frame_benchmarking::v2::*;
use polkadot_sdk::frame_support::traits::{fungible::Mutate, EnsureOrigin, Get};
use polkadot_sdk::frame_system::{self, RawOrigin};

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

fn mixture(first: DatasetId, entries: u32) -> Mixture {
    let entries = first..first.saturating_add(entries);
    let entries = entries.map(|dataset| MixtureEntry { dataset, weight: 1 });
    BoundedVec::truncate_from(entries.collect())
}

/// Fills a data set's uses, but for one, with branches whose last round is forgotten.
fn fill_uses<T: Config>(dataset: DatasetId) {
    let past = |branch: BranchId| DatasetUse {
        branch,
        last: Some(0),
    };
    let first = BranchId::MAX.saturating_sub(MAX_USES);
    let all = (first..BranchId::MAX).skip(1).map(past).collect();
    Uses::<T>::insert(dataset, DatasetUses::truncate_from(all));
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

    /// A data set with as many demands as it may have, of as many accounts, whose time is over.
    fn overdue<T: Config>(
        submitter: &T::AccountId,
        set: DatasetInfo,
    ) -> Result<DatasetId, BenchmarkError>
    where
        T::Currency: Mutate<T::AccountId, Balance = Balance>,
    {
        let dataset = Pallet::<T>::do_submit(submitter.clone(), set)?;
        Pallet::<T>::do_set_mixture(0, mixture(dataset, 1))?;
        for sample in 0..MAX_SAMPLE_DEMANDS {
            let demander: T::AccountId = account("demander", sample, 0);
            T::Currency::set_balance(&demander, Balance::from(u64::MAX));
            Pallet::<T>::do_demand_sample(demander, dataset, sample)?;
        }
        let time = T::Parameters::get().round.response_blocks;
        let now = frame_system::Pallet::<T>::block_number();
        frame_system::Pallet::<T>::set_block_number(now + time.into());
        Ok(dataset)
    }

    #[benchmark]
    fn submit() {
        let submitter = rich::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(submitter), info());

        assert_eq!(NextDataset::<T>::get(), 1);
    }

    /// The mixture until then names as many other sets.
    #[benchmark]
    fn set_mixture(e: Linear<1, { MAX_MIXTURE }>) -> Result<(), BenchmarkError> {
        let origin =
            T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let submitter = rich::<T>();
        for _ in 0..e.saturating_mul(2) {
            let dataset = Pallet::<T>::do_submit(submitter.clone(), info())?;
            fill_uses::<T>(dataset);
        }
        Pallet::<T>::do_set_mixture(0, mixture(0, e))?;

        #[extrinsic_call]
        _(origin, 0, mixture(e, e));

        assert_eq!(Mixtures::<T>::get(0), Some(mixture(e, e)));
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

    /// It served as many branches as it may.
    #[benchmark]
    fn withdraw_dataset() -> Result<(), BenchmarkError> {
        let submitter = rich::<T>();
        let dataset = Pallet::<T>::do_submit(submitter.clone(), info())?;
        fill_uses::<T>(dataset);

        #[extrinsic_call]
        _(RawOrigin::Signed(submitter), dataset);

        assert!(!Datasets::<T>::contains_key(dataset));
        Ok(())
    }

    /// There is one place left, and the branch that needs the set is the last to be looked at.
    #[benchmark]
    fn demand_sample() -> Result<(), BenchmarkError> {
        let submitter = rich::<T>();
        let dataset = Pallet::<T>::do_submit(submitter.clone(), info())?;
        fill_uses::<T>(dataset);
        Pallet::<T>::do_set_mixture(0, mixture(dataset, 1))?;
        for sample in 1..MAX_SAMPLE_DEMANDS {
            Pallet::<T>::do_demand_sample(submitter.clone(), dataset, sample)?;
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(submitter), dataset, 0);

        assert!(Demands::<T>::get(dataset).is_full());
        Ok(())
    }

    /// The answer is late: all demands of the set are ended with it.
    #[benchmark]
    fn supply_sample(b: Linear<2, { MAX_WINDOW }>) -> Result<(), BenchmarkError> {
        let submitter = rich::<T>();
        let window = alloc::vec![7u8; to_usize(b)];
        let leaves = alloc::vec![sample_leaf(&window); 1 << 12];
        let proof = merkle::prove(Domain::Data, &leaves, 0).ok_or("the leaf is there")?;
        let set = DatasetInfo {
            root: merkle::root(Domain::Data, &leaves),
            samples: 1 << 12,
            window: b,
            ..info()
        };
        let dataset = overdue::<T>(&submitter, set)?;
        let opening = SampleOpening {
            window: BoundedVec::truncate_from(window),
            proof: BoundedVec::truncate_from(proof),
        };

        #[extrinsic_call]
        _(RawOrigin::Signed(submitter), dataset, 0, opening);

        assert_eq!(OpenDemands::<T>::get(), 0);
        Ok(())
    }

    /// As many as may be open at a time.
    #[benchmark]
    fn end_demands() -> Result<(), BenchmarkError> {
        let submitter = rich::<T>();
        let dataset = overdue::<T>(&submitter, info())?;

        #[extrinsic_call]
        _(RawOrigin::Signed(submitter), dataset);

        assert_eq!(OpenDemands::<T>::get(), 0);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
