// SPDX-License-Identifier: GPL-3.0-or-later
//! Benchmarks of the calls.

use crate::pallet::*;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::data::MAX_LICENCE;
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::recipe::*;
use dream_primitives::registry::Admission;
use dream_primitives::{Balance, BoundedVec, BranchId, H256};
use polkadot_sdk::frame_benchmarking::v2::*;
use polkadot_sdk::frame_support::traits::{fungible::Mutate, EnsureOrigin, Get};
use polkadot_sdk::frame_system::RawOrigin;
use polkadot_sdk::sp_runtime::DispatchError;

fn architecture() -> Architecture {
    Architecture::Llama(LlamaConfig {
        vocab: 256,
        dim: 64,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        ffn: 128,
        context: 128,
        rope_theta: 10_000,
        tied: true,
    })
}

fn recipe() -> Recipe {
    Recipe {
        segments: 64,
        steps: 5,
        batch: 4,
        context: 128,
        optimiser: Optimiser::AdamW {
            learning_rate: 3_000_000,
            beta1: 900_000_000,
            beta2: 950_000_000,
            epsilon: 10_000,
            weight_decay: 0,
            max_norm: 1_000_000_000,
        },
        proximal: 0,
        rule: AggregationRule::WeightedMean,
        server: ServerOptimiser::Nesterov {
            learning_rate: 45_875,
            momentum: 39_322,
        },
        delta: DeltaCodec::DenseInt8,
        error_feedback: 0,
        class: NumericClass::Exact,
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

    fn cid() -> Cid {
        Cid {
            codec: CidCodec::DagPb,
            digest: [2; 32],
        }
    }

    fn registered<T: Config>() -> Result<BranchId, DispatchError>
    where
        T::Currency: Mutate<T::AccountId, Balance = Balance>,
    {
        let licence = BoundedVec::truncate_from(alloc::vec![
            b'A';
            usize::try_from(MAX_LICENCE).unwrap_or(0)
        ]);
        let root = H256::repeat_byte(1);
        Pallet::<T>::do_register_model(rich::<T>(), architecture(), licence, recipe(), root, cid())
    }

    #[benchmark]
    fn register_model() {
        let owner = rich::<T>();
        let licence = BoundedVec::truncate_from(alloc::vec![
            b'A';
            usize::try_from(MAX_LICENCE).unwrap_or(0)
        ]);
        let root = H256::repeat_byte(1);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(owner),
            architecture(),
            licence,
            recipe(),
            root,
            cid(),
        );

        assert_eq!(NextModel::<T>::get(), 1);
    }

    #[benchmark]
    fn create_branch() -> Result<(), BenchmarkError> {
        let first = registered::<T>()?;
        let parent = Branches::<T>::get(first)
            .ok_or(BenchmarkError::Stop("no branch"))?
            .head;

        #[extrinsic_call]
        _(RawOrigin::Signed(rich::<T>()), parent, recipe());

        assert_eq!(NextBranch::<T>::get(), 2);
        Ok(())
    }

    #[benchmark]
    fn admit_branch(a: Linear<1, { T::MaxAdmitted::get() }>) -> Result<(), BenchmarkError> {
        let origin =
            T::BranchOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let admission = Admission {
            share: 1,
            units_per_token: 1,
        };
        for _ in 1..a {
            let branch = registered::<T>()?;
            Pallet::<T>::do_admit_branch(branch, admission)?;
        }
        let branch = registered::<T>()?;

        #[extrinsic_call]
        _(origin, branch, admission);

        assert!(Admitted::<T>::get().contains(&branch));
        Ok(())
    }

    #[benchmark]
    fn dismiss_branch() -> Result<(), BenchmarkError> {
        let origin =
            T::BranchOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let admission = Admission {
            share: 1,
            units_per_token: 1,
        };
        let branch = registered::<T>()?;
        Pallet::<T>::do_admit_branch(branch, admission)?;

        #[extrinsic_call]
        _(origin, branch);

        assert!(Admitted::<T>::get().is_empty());
        Ok(())
    }

    #[benchmark]
    fn set_recipe() -> Result<(), BenchmarkError> {
        let origin =
            T::RecipeOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let branch = registered::<T>()?;
        let recipe = Recipe {
            segments: 65,
            ..recipe()
        };

        #[extrinsic_call]
        _(origin, branch, recipe);

        assert_eq!(Branches::<T>::get(branch).map(|b| b.recipe), Some(recipe));
        Ok(())
    }

    #[benchmark]
    fn freeze_branch() -> Result<(), BenchmarkError> {
        let origin =
            T::FreezeOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let branch = registered::<T>()?;

        #[extrinsic_call]
        _(origin, branch);

        assert_eq!(Branches::<T>::get(branch).map(|b| b.frozen), Some(true));
        Ok(())
    }

    #[benchmark]
    fn unfreeze_branch() -> Result<(), BenchmarkError> {
        let origin =
            T::BranchOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
        let branch = registered::<T>()?;
        Pallet::<T>::do_freeze_branch(branch)?;

        #[extrinsic_call]
        _(origin, branch);

        assert_eq!(Branches::<T>::get(branch).map(|b| b.frozen), Some(false));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
