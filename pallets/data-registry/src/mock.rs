// SPDX-License-Identifier: GPL-3.0-or-later
//! A runtime of this pallet and balances, with values that the tests start from.

use crate as pallet_data_registry;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::data::{self, DatasetInfo, Mixture, MixtureEntry, SampleOpening};
use dream_primitives::params::ChainParameters;
use dream_primitives::registry::RoundRegistry;
use dream_primitives::{Balance, BranchId, DREAM, H256};
use polkadot_sdk::frame_support::{
    self, assert_ok, derive_impl, parameter_types, traits::ConstU128,
};
use polkadot_sdk::frame_system::{self, EnsureRoot};
use polkadot_sdk::pallet_balances;
use polkadot_sdk::sp_io::TestExternalities;
use polkadot_sdk::sp_runtime::BuildStorage;
use std::cell::RefCell;
use std::collections::BTreeMap;

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
    pub const Treasury: u64 = TREASURY;
}

thread_local! {
    static ROUNDS: RefCell<BTreeMap<BranchId, (u32, Vec<u32>)>> = const { RefCell::new(BTreeMap::new()) };
}

/// Rounds as a test sets them.
pub struct Rounds;
impl RoundRegistry for Rounds {
    fn latest(branch: BranchId) -> Option<u32> {
        ROUNDS.with_borrow(|all| all.get(&branch).map(|(latest, _)| *latest))
    }
    fn kept(branch: BranchId, number: u32) -> bool {
        ROUNDS.with_borrow(|all| {
            all.get(&branch)
                .is_some_and(|(_, kept)| kept.contains(&number))
        })
    }
}

/// Says that a branch's latest round is `latest` and which rounds are kept.
pub fn rounds(branch: BranchId, latest: u32, kept: &[u32]) {
    ROUNDS.with_borrow_mut(|all| all.insert(branch, (latest, kept.to_vec())));
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

/// Frozen tokens have to be left.
pub struct Wallets;

impl dream_primitives::registry::SetAside<u64> for Wallets {
    fn set_aside(_: &u64) -> Balance {
        0
    }
    fn may_set_aside(who: &u64, more: Balance) -> bool {
        let account = System::account(who).data;
        account.frozen == 0 || account.frozen.saturating_add(more) <= account.free
    }
}

impl pallet_data_registry::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SetAside = Wallets;
    type Rounds = Rounds;
    type Treasury = Treasury;
    type Parameters = Parameters;
    type AdminOrigin = EnsureRoot<u64>;
    type WeightInfo = ();
}

pub const CLARA: u64 = 1;
/// Has no funds.
pub const POOR: u64 = 2;
pub const MIA: u64 = 3;
pub const VIC: u64 = 4;
pub const TREASURY: u64 = 5;
/// Blocks for an answer.
pub const TIME: u32 = ChainParameters::development().round.response_blocks;
pub const DEPOSIT: Balance = ChainParameters::development().bonds.data_deposit;

pub fn externalities() -> TestExternalities {
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: vec![
                (CLARA, 1_000 * DREAM),
                (MIA, 1_000 * DREAM),
                (VIC, 1_000 * DREAM),
            ],
            ..Default::default()
        },
        ..Default::default()
    };
    config.build_storage().unwrap().into()
}

pub fn build_and_execute(test: impl FnOnce()) {
    ROUNDS.with_borrow_mut(BTreeMap::clear);
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

/// Bytes of a set of 100 samples of 8 bytes.
pub fn text() -> Vec<u8> {
    (0..800u32).map(|i| (i % 251) as u8).collect()
}

/// What the submitter says of [`text`].
pub fn true_info() -> DatasetInfo {
    DatasetInfo {
        root: data::root(&text(), 8),
        samples: 100,
        window: 8,
        ..info()
    }
}

/// Opens a sample of [`text`].
pub fn opening(sample: u32) -> SampleOpening {
    data::open_sample(&text(), 8, sample).unwrap()
}

/// Price of the answer to a demand for a sample of [`text`].
pub fn price() -> Balance {
    let bytes = Balance::from(data::answer_bytes(8));
    bytes * ChainParameters::development().bonds.chunk_byte
}

pub fn pass(blocks: u32) {
    System::set_block_number(System::block_number() + blocks);
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

fn on_hold(reason: crate::HoldReason, who: u64) -> Balance {
    use polkadot_sdk::frame_support::traits::fungible::InspectHold;
    Balances::balance_on_hold(&reason.into(), &who)
}

/// Deposits for data sets.
pub fn held(who: u64) -> Balance {
    on_hold(crate::HoldReason::Deposit, who)
}

/// Prices of answers.
pub fn held_for_answers(who: u64) -> Balance {
    on_hold(crate::HoldReason::Demand, who)
}
