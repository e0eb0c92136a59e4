// SPDX-License-Identifier: GPL-3.0-or-later
//! A runtime of this pallet and balances, with values that the tests start from.

use crate as pallet_model_registry;
use crate::{Branches, Versions};
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::data::Licence;
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::params::ChainParameters;
use dream_primitives::recipe::{
    AggregationRule, DeltaCodec, NumericClass, Optimiser, Recipe, ServerOptimiser,
};
use dream_primitives::registry::Admission;
use dream_primitives::{Balance, BranchId, DREAM, H256};
use polkadot_sdk::frame_support::{
    self, assert_ok, derive_impl, parameter_types,
    traits::{ConstU128, ConstU32},
};
use polkadot_sdk::frame_system::{self, EnsureRoot};
use polkadot_sdk::pallet_balances;
use polkadot_sdk::sp_io::TestExternalities;
use polkadot_sdk::sp_runtime::BuildStorage;

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Registry: pallet_model_registry,
    }
);

parameter_types! {
    pub static Parameters: ChainParameters = ChainParameters::development();
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<1>;
}

impl pallet_model_registry::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Parameters = Parameters;
    type RecipeOrigin = EnsureRoot<u64>;
    type BranchOrigin = EnsureRoot<u64>;
    type FreezeOrigin = EnsureRoot<u64>;
    type MaxAdmitted = ConstU32<3>;
    type WeightInfo = ();
}

pub const ANNA: u64 = 1;
pub const BERT: u64 = 2;
/// Has no funds.
pub const POOR: u64 = 3;
pub const DEPOSIT: Balance = ChainParameters::development().bonds.model_deposit;

pub fn externalities() -> TestExternalities {
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: vec![(ANNA, 1_000 * DREAM), (BERT, 1_000 * DREAM)],
            ..Default::default()
        },
        ..Default::default()
    };
    config.build_storage().unwrap().into()
}

pub fn build_and_execute(test: impl FnOnce()) {
    externalities().execute_with(|| {
        System::set_block_number(7);
        test();
        Registry::do_try_state().unwrap();
    });
}

pub fn llama() -> LlamaConfig {
    LlamaConfig {
        vocab: 256,
        dim: 64,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        ffn: 128,
        context: 128,
        rope_theta: 10_000,
        tied: true,
    }
}

pub fn architecture() -> Architecture {
    Architecture::Llama(llama())
}

pub fn recipe() -> Recipe {
    Recipe {
        segments: 8,
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

/// One fault for each error of [`dream_primitives::recipe::RecipeError`], and a context past the model's.
pub fn wrong_recipes() -> Vec<(Recipe, crate::Error<Test>)> {
    use crate::Error::*;
    let good = recipe();
    let with = |change: fn(&mut Recipe)| {
        let mut recipe = good;
        change(&mut recipe);
        recipe
    };
    vec![
        (with(|r| r.segments = 1), RecipeSegments),
        (with(|r| r.steps = 0), RecipeSizes),
        (
            with(|r| {
                let Optimiser::AdamW { learning_rate, .. } = &mut r.optimiser;
                *learning_rate = 0;
            }),
            RecipeOptimiser,
        ),
        (
            with(|r| r.server = ServerOptimiser::Sgd { learning_rate: 0 }),
            RecipeServer,
        ),
        (
            with(|r| r.rule = AggregationRule::NormClip { max_norm: 0 }),
            RecipeRule,
        ),
        (
            with(|r| r.delta = DeltaCodec::TopK { per_chunk: 0 }),
            RecipeCodec,
        ),
        (with(|r| r.error_feedback = 65_537), RecipeFeedback),
        (with(|r| r.proximal = 1_000_000_000), RecipeProximal),
        (
            with(|r| r.class = NumericClass::Tolerant { relative: 0 }),
            RecipeClass,
        ),
        (
            with(|r| {
                r.class = NumericClass::Tolerant { relative: 1 };
                r.error_feedback = 1 << 16;
            }),
            RecipeTolerantFeedback,
        ),
        (
            with(|r| r.class = NumericClass::Tolerant { relative: 1 }),
            RecipeNotServed,
        ),
        (with(|r| r.context = 129), ContextTooLong),
    ]
}

pub fn licence() -> Licence {
    b"Apache-2.0".to_vec().try_into().unwrap()
}

pub fn cid() -> Cid {
    Cid {
        codec: CidCodec::DagPb,
        digest: [3; 32],
    }
}

pub fn admission(share: u32) -> Admission {
    Admission {
        share,
        units_per_token: 10,
    }
}

/// Registers a model of Anna's; returns its branch and version 0.
pub fn registered() -> (BranchId, H256) {
    assert_ok!(Registry::register_model(
        RuntimeOrigin::signed(ANNA),
        architecture(),
        licence(),
        recipe(),
        H256::repeat_byte(9),
        cid(),
    ));
    let branch = crate::NextBranch::<Test>::get() - 1;
    (branch, Branches::<Test>::get(branch).unwrap().head)
}

/// Puts a version on top of a branch's head, as the useful-work pallet does.
pub fn advanced(branch: BranchId, byte: u8) -> H256 {
    use dream_primitives::registry::{ModelRegistry, NewVersion};
    let base = Branches::<Test>::get(branch).unwrap().head;
    let version = NewVersion {
        state_root: H256::repeat_byte(byte),
        server_root: H256::repeat_byte(byte ^ 0xff),
        cid: cid(),
        server_cid: Some(cid()),
        contributions_root: H256::repeat_byte(1),
    };
    let header = Registry::next_header(branch, base, version, &recipe()).unwrap();
    let hash = Registry::advance(header).unwrap();
    assert_eq!(Versions::<Test>::get(hash), Some(header));
    hash
}

pub fn last_event() -> RuntimeEvent {
    System::events().pop().unwrap().event
}

pub fn held(who: u64) -> Balance {
    use polkadot_sdk::frame_support::traits::fungible::InspectHold;
    Balances::balance_on_hold(&crate::HoldReason::Deposit.into(), &who)
}
