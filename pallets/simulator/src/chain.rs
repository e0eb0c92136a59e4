// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain: the project's pallets as they are, in storage held in memory.

use crate::model;
use core::cell::RefCell;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::data::{DatasetInfo, MixtureEntry};
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::params::ChainParameters;
use dream_primitives::recipe::Recipe;
use dream_primitives::registry::Admission;
use dream_primitives::{Balance, BlockNumber, BranchId, DREAM, H256};
use polkadot_sdk::frame_support::traits::{
    ConstU128, ConstU32, Get, OnFinalize, OnInitialize, StorageInfoTrait,
};
use polkadot_sdk::frame_support::{self, derive_impl, parameter_types};
use polkadot_sdk::frame_system::{self, EnsureRoot};
use polkadot_sdk::sp_runtime::traits::IdentityLookup;
use polkadot_sdk::sp_runtime::{AccountId32, BuildStorage, MultiSignature};
use polkadot_sdk::sp_state_machine::BasicExternalities;
use polkadot_sdk::{pallet_balances, sp_io};
use std::collections::BTreeMap;

/// Account.
pub type AccountId = AccountId32;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeHoldReason,
        RuntimeFreezeReason,
        RuntimeTask
    )]
    pub struct Chain;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Chain>;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances::Pallet<Chain>;
    #[runtime::pallet_index(2)]
    pub type Models = pallet_model_registry::Pallet<Chain>;
    #[runtime::pallet_index(3)]
    pub type Data = pallet_data_registry::Pallet<Chain>;
    #[runtime::pallet_index(4)]
    pub type UsefulWork = pallet_useful_work::Pallet<Chain>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Chain {
    type Block = frame_system::mocking::MockBlockU32<Chain>;
    type AccountId = AccountId;
    type Lookup = IdentityLookup<AccountId>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Chain {
    type AccountStore = System;
    type Balance = Balance;
    type RuntimeHoldReason = RuntimeHoldReason;
    type ExistentialDeposit = ConstU128<1>;
}

impl pallet_model_registry::Config for Chain {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Parameters = Parameters;
    type RecipeOrigin = EnsureRoot<AccountId>;
    type BranchOrigin = EnsureRoot<AccountId>;
    type FreezeOrigin = EnsureRoot<AccountId>;
    type MaxAdmitted = ConstU32<4>;
    type WeightInfo = ();
}

impl pallet_data_registry::Config for Chain {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SetAside = ();
    type Parameters = Parameters;
    type Rounds = UsefulWork;
    type Treasury = Treasury;
    type AdminOrigin = EnsureRoot<AccountId>;
    type WeightInfo = ();
}

parameter_types! {
    pub Treasury: AccountId = account(TREASURY);
    pub const SweepPerBlock: u32 = 8;
}

impl pallet_useful_work::Config for Chain {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SetAside = ();
    type Parameters = Parameters;
    type Models = Models;
    type Data = Data;
    type BlockRandomness = Vrf;
    type Author = Author;
    type Treasury = Treasury;
    type ProfileOrigin = EnsureRoot<AccountId>;
    type RevertOrigin = EnsureRoot<AccountId>;
    type Signature = MultiSignature;
    type SweepPerBlock = SweepPerBlock;
    type WeightInfo = ();
}

thread_local! {
    static PARAMETERS: RefCell<ChainParameters> = const { RefCell::new(parameters()) };
    static RANDOMNESS: RefCell<(u64, u64)> = const { RefCell::new((0, 0)) };
}

/// Number of the treasury's account.
pub const TREASURY: u32 = 1 << 20;
/// Number of the account that owns model, branch and data.
pub const OWNER: u32 = TREASURY + 1;
/// Number of the first block author's account.
pub const AUTHORS: u32 = TREASURY + 2;

/// The account with a number.
pub fn account(number: u32) -> AccountId {
    let mut bytes = [0x5a; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    AccountId32::new(bytes)
}

/// Short phases; all else as on a development chain.
pub const fn parameters() -> ChainParameters {
    let mut p = ChainParameters::development();
    p.round.seed_blocks = 1;
    p.round.training_blocks = 3;
    p.round.opening_blocks = 3;
    p.round.availability_blocks = 3;
    p.round.commit_blocks = 3;
    p.round.digest_blocks = 3;
    p.round.reveal_blocks = 3;
    p.round.flag_blocks = 2;
    p.round.merge_blocks = 3;
    p.round.dispute_blocks = 2;
    p.round.response_blocks = 2;
    p.round.retention_rounds = 1;
    p
}

/// The parameters of this thread's chain.
pub struct Parameters;
impl Get<ChainParameters> for Parameters {
    fn get() -> ChainParameters {
        PARAMETERS.with_borrow(|p| *p)
    }
}

/// VRF output of the parent block.
pub struct Vrf;
impl Get<Option<H256>> for Vrf {
    fn get() -> Option<H256> {
        let (seed, drawn) = RANDOMNESS.with_borrow_mut(|(seed, drawn)| {
            *drawn += 1;
            (*seed, *drawn)
        });
        let parts: [&[u8]; 2] = [&seed.to_le_bytes(), &drawn.to_le_bytes()];
        Some(content_hash(Domain::Seed, &parts))
    }
}

/// Author of the current block: three take turns.
pub struct Author;
impl Get<Option<AccountId>> for Author {
    fn get() -> Option<AccountId> {
        Some(account(AUTHORS + System::block_number() % 3))
    }
}

/// Storage of a chain.
pub struct Storage(BasicExternalities);

impl Storage {
    /// Runs `f` on the chain. The parameters and the randomness are those of the thread: one chain a thread at a time.
    pub fn run<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.0.execute_with(f)
    }
}

/// A chain at block 1 where the accounts `0..accounts` hold `balance` each, and branch 0 with `recipe` is not admitted
/// yet. Its first version is all zeros.
pub fn build(
    seed: u64,
    parameters: ChainParameters,
    recipe: Recipe,
    accounts: u32,
    balance: Balance,
) -> Storage {
    dream_primitives::params::check(&parameters).expect("the simulator's parameters are sound");
    PARAMETERS.set(parameters);
    RANDOMNESS.set((seed, 0));
    let mut balances: Vec<(AccountId, Balance)> =
        (0..accounts).map(|n| (account(n), balance)).collect();
    balances.push((account(OWNER), 1_000 * DREAM));
    let genesis = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances,
            ..Default::default()
        },
        ..Default::default()
    };
    let storage = genesis.build_storage().expect("the genesis builds");
    let mut storage = Storage(BasicExternalities::new(storage));
    storage.run(|| {
        System::set_block_number(1);
        register(recipe);
    });
    storage
}

/// A CID that only this content has.
pub fn cid_of(content: &H256) -> Cid {
    Cid {
        codec: CidCodec::Raw,
        digest: content.0,
    }
}

fn register(recipe: Recipe) {
    let licence = || {
        b"CC0-1.0"
            .to_vec()
            .try_into()
            .expect("the licence is short")
    };
    let state_root = dream_primitives::state::root(&model::initial());
    let owner = || RuntimeOrigin::signed(account(OWNER));
    Models::register_model(
        owner(),
        model::architecture(),
        licence(),
        recipe,
        state_root,
        cid_of(&state_root),
    )
    .expect("the model registers");
    let info = DatasetInfo {
        root: H256::repeat_byte(1),
        cid: cid_of(&H256::repeat_byte(1)),
        licence: licence(),
        samples: 10_000,
        window: recipe.context + 1,
    };
    Data::submit(owner(), info).expect("the data set registers");
    let entry = MixtureEntry {
        dataset: 0,
        weight: 1,
    };
    let mixture = vec![entry].try_into().expect("one entry fits");
    Data::set_mixture(RuntimeOrigin::root(), 0, mixture).expect("the mixture is set");
}

/// Admits a branch with all of the emission: its first round opens in the next block.
pub fn admit(branch: BranchId) {
    let admission = Admission {
        share: 1_000_000,
        units_per_token: 1_000,
    };
    Models::admit_branch(RuntimeOrigin::root(), branch, admission).expect("the branch is admitted");
}

/// Ends the current block and begins the next; returns its number.
pub fn next_block() -> BlockNumber {
    let now = System::block_number();
    AllPalletsWithoutSystem::on_finalize(now);
    System::set_block_number(now + 1);
    AllPalletsWithoutSystem::on_initialize(now + 1);
    now + 1
}

/// Ends a branch's emission: no further round of it opens.
pub fn dismiss(branch: BranchId) {
    Models::dismiss_branch(RuntimeOrigin::root(), branch).expect("the branch is admitted");
}

/// Bytes of keys and values of each storage item of the engine.
pub fn stored_by_item() -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for item in UsefulWork::storage_info() {
        let name = String::from_utf8_lossy(&item.storage_name).into_owned();
        all.insert(name, stored_bytes(&item.prefix));
    }
    all
}

fn stored_bytes(prefix: &[u8]) -> usize {
    let size = |key: &[u8]| sp_io::storage::get(key).map(|value| key.len() + value.len());
    let mut bytes = size(prefix).unwrap_or(0);
    let mut key = prefix.to_vec();
    while let Some(next) = sp_io::storage::next_key(&key).filter(|k| k.starts_with(prefix)) {
        bytes += size(&next).unwrap_or(0);
        key = next;
    }
    bytes
}
