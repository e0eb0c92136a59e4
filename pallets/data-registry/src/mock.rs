// SPDX-License-Identifier: GPL-3.0-or-later
//! A runtime of this pallet and balances, with values that the tests start from.

use crate as pallet_data_registry;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::data::{DatasetInfo, Mixture, MixtureEntry};
use dream_primitives::params::ChainParameters;
use dream_primitives::{Balance, DREAM, H256};
use polkadot_sdk::frame_support::{
    self, assert_ok, derive_impl, parameter_types, traits::ConstU128,
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
        Registry: pallet_data_registry,
    }
);

parameter_types! {
    pub const Parameters: ChainParameters = ChainParameters::development();
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

impl pallet_data_registry::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Parameters = Parameters;
    type AdminOrigin = EnsureRoot<u64>;
    type WeightInfo = ();
}

pub const CLARA: u64 = 1;
/// Has no funds.
pub const POOR: u64 = 2;
pub const DEPOSIT: Balance = ChainParameters::development().bonds.data_deposit;

pub fn externalities() -> TestExternalities {
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: vec![(CLARA, 1_000 * DREAM)],
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

pub fn info() -> DatasetInfo {
    DatasetInfo {
        root: H256::repeat_byte(1),
        cid: Cid {
            codec: CidCodec::Raw,
            digest: [2; 32],
        },
        licence: b"CC0-1.0".to_vec().try_into().unwrap(),
        samples: 100,
        window: 129,
    }
}

pub fn submitted(info: DatasetInfo) {
    assert_ok!(Registry::submit(RuntimeOrigin::signed(CLARA), info));
}

/// A mixture from pairs of data set and weight.
pub fn mixture(entries: &[(u32, u32)]) -> Mixture {
    let entries: Vec<MixtureEntry> = entries
        .iter()
        .map(|(dataset, weight)| MixtureEntry {
            dataset: *dataset,
            weight: *weight,
        })
        .collect();
    entries.try_into().unwrap()
}

pub fn last_event() -> RuntimeEvent {
    System::events().pop().unwrap().event
}

pub fn held(who: u64) -> Balance {
    use polkadot_sdk::frame_support::traits::fungible::InspectHold;
    Balances::balance_on_hold(&crate::HoldReason::Deposit.into(), &who)
}
