// SPDX-License-Identifier: GPL-3.0-or-later
//! A runtime of this pallet alone.

use crate as pallet_chain_parameters;
use dream_primitives::params::ChainParameters;
use polkadot_sdk::frame_support::{self, derive_impl};
use polkadot_sdk::frame_system::{self, EnsureRoot};
use polkadot_sdk::sp_io::TestExternalities;
use polkadot_sdk::sp_runtime::BuildStorage;

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Parameters: pallet_chain_parameters,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
}

impl pallet_chain_parameters::Config for Test {
    type AdminOrigin = EnsureRoot<u64>;
    type WeightInfo = ();
}

pub fn genesis(parameters: ChainParameters) -> TestExternalities {
    let config = RuntimeGenesisConfig {
        parameters: pallet_chain_parameters::GenesisConfig {
            parameters,
            _config: Default::default(),
        },
        ..Default::default()
    };
    let mut ext: TestExternalities = config.build_storage().unwrap().into();
    ext.execute_with(|| System::set_block_number(1));
    ext
}

pub fn build_and_execute(parameters: ChainParameters, test: impl FnOnce()) {
    genesis(parameters).execute_with(|| {
        test();
        Parameters::do_try_state().unwrap();
    });
}
