// SPDX-License-Identifier: GPL-3.0-or-later
//! A runtime with this pallet and balances, a ledger of bonds in storage, and registries in thread-local values.

use crate as pallet_secure_aggregation;
use codec::{Decode, Encode, MaxEncodedLen};
use core::cell::RefCell;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::claim::RoundId;
use dream_primitives::data::{MixtureEntry, MAX_MIXTURE};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::private::params::PrivateLiteral;
use dream_primitives::private::round::{PrivatePhase, PrivateRound};
use dream_primitives::recipe::*;
use dream_primitives::registry::*;
use dream_primitives::value::Shard;
use dream_primitives::version::{MergeRule, Parent, VersionHeader};
use dream_primitives::{
    state, Balance, BlockNumber, BoundedVec, BranchId, ConstU32, ModelId, DREAM, H256,
};
use polkadot_sdk::frame_support::pallet_prelude::ValueQuery;
use polkadot_sdk::frame_support::Blake2_128Concat;
use polkadot_sdk::frame_support::{self, derive_impl, storage_alias, traits::Hooks};
use polkadot_sdk::sp_runtime::BuildStorage;
use polkadot_sdk::{frame_system, pallet_balances, sp_io};
use scale_info::TypeInfo;

pub type AccountId = u64;

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
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Test>;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances::Pallet<Test>;
    #[runtime::pallet_index(2)]
    pub type Private = pallet_secure_aggregation::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlockU32<Test>;
    type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = u128;
    type RuntimeHoldReason = RuntimeHoldReason;
}

pub const SPONSOR: AccountId = 1;
pub const STEWARD: AccountId = 2;
/// Bonded since block 1.
pub const CONTRIBUTORS: [AccountId; 4] = [10, 11, 12, 13];
pub const CANDIDATES: [AccountId; 3] = [20, 21, 22];
pub const AUDITORS: [AccountId; 4] = [30, 31, 32, 33];
pub const AGGREGATOR: AccountId = 40;
pub const DOUBTER: AccountId = 41;
pub const SECOND: AccountId = 42;
/// Bonded in the block in which a round may open.
pub const YOUNG: AccountId = 50;
/// Has tokens and no bond.
pub const UNBONDED: AccountId = 60;

/// A bond of the mock's ledger. What is taken is lost; awards are written down, not paid.
#[derive(Clone, Copy, Default, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct LedgerBond {
    pub since: BlockNumber,
    pub total: Balance,
    pub locked: Balance,
}

#[storage_alias]
pub type Ledger = StorageMap<MockLedger, Blake2_128Concat, AccountId, LedgerBond, ValueQuery>;
#[storage_alias]
pub type Awards = StorageMap<MockLedger, Blake2_128Concat, AccountId, Balance, ValueQuery>;

pub struct Bonds;
impl BondLedger<AccountId> for Bonds {
    fn since(account: &AccountId) -> Option<BlockNumber> {
        Ledger::contains_key(account).then(|| Ledger::get(account).since)
    }
    fn counted(account: &AccountId, opened: BlockNumber) -> Balance {
        let bond = Ledger::get(account);
        if bond.since < opened {
            bond.total
        } else {
            0
        }
    }
    fn lock(account: &AccountId, amount: Balance) -> bool {
        let bond = Ledger::get(account);
        let fits = bond.total - bond.locked >= amount;
        if fits {
            Ledger::mutate(account, |b| b.locked += amount);
        }
        fits
    }
    fn lock_up_to(account: &AccountId, amount: Balance) -> Balance {
        Ledger::mutate(account, |b| {
            let amount = amount.min(b.total - b.locked);
            b.locked += amount;
            amount
        })
    }
    fn unlock(account: &AccountId, amount: Balance) {
        if amount > 0 {
            Ledger::mutate(account, |b| b.locked -= amount);
        }
    }
    fn locked(account: &AccountId) -> Balance {
        Ledger::get(account).locked
    }
    fn slash(_: H256, lost: Vec<(AccountId, Balance)>, mut right: Vec<AccountId>) {
        right.retain(|a| lost.iter().all(|(l, _)| l != a));
        let mut kept = 0;
        for (account, amount) in lost {
            Ledger::mutate(account, |b| {
                b.total -= amount;
                b.locked -= amount;
            });
            kept += amount / 2;
        }
        for account in &right {
            Awards::mutate(account, |a| *a += kept / right.len() as u128);
        }
    }
    fn burn(_: H256, account: &AccountId, amount: Balance) -> Balance {
        Ledger::mutate(account, |b| {
            let amount = amount.min(b.locked);
            b.total -= amount;
            b.locked -= amount;
            amount
        })
    }
}

thread_local! {
    pub static BRANCH: RefCell<Branch<AccountId>> = RefCell::new(test_branch());
    pub static HEADERS: RefCell<Vec<VersionHeader>> = const { RefCell::new(Vec::new()) };
    pub static RANDOMNESS: RefCell<u64> = const { RefCell::new(0) };
    pub static SHARDS: RefCell<Vec<Shard<AccountId>>> = const { RefCell::new(Vec::new()) };
    pub static PUBLIC: RefCell<bool> = const { RefCell::new(false) };
    pub static VERIFIERS: RefCell<Vec<AccountId>> = const { RefCell::new(Vec::new()) };
    pub static MODEL: RefCell<LlamaConfig> = const { RefCell::new(SMALL) };
}

pub const SMALL: LlamaConfig = LlamaConfig {
    vocab: 256,
    dim: 16,
    layers: 1,
    heads: 2,
    kv_heads: 1,
    ffn: 32,
    context: 128,
    rope_theta: 10_000,
    tied: true,
};

pub fn cid(byte: u8) -> Cid {
    Cid {
        codec: CidCodec::Raw,
        digest: [byte; 32],
    }
}

pub fn test_recipe() -> Recipe {
    Recipe {
        segments: 8,
        steps: 2,
        batch: 4,
        context: 128,
        optimiser: Optimiser::AdamW {
            learning_rate: 3_000_000,
            beta1: 900_000_000,
            beta2: 999_000_000,
            epsilon: 10_000,
            weight_decay: 0,
            max_norm: 0,
        },
        proximal: 0,
        rule: AggregationRule::WeightedMean,
        server: ServerOptimiser::Nesterov {
            learning_rate: 1 << 15,
            momentum: 1 << 15,
        },
        delta: DeltaCodec::DenseInt8,
        error_feedback: 0,
        class: NumericClass::Exact,
    }
}

pub fn model_parameters() -> u64 {
    Architecture::Llama(SMALL).parameters().unwrap()
}

/// The base's parameters.
pub fn base_state() -> Vec<i32> {
    (0..model_parameters() as i32)
        .map(|i| (i % 977) << 10)
        .collect()
}

pub fn base_header() -> VersionHeader {
    VersionHeader {
        model: 0,
        branch: 0,
        number: 0,
        parent: Parent::None,
        state_root: state::root(&base_state()),
        server_root: H256::zero(),
        cid: cid(0),
        server_cid: None,
        contributions_root: H256::zero(),
        rule: MergeRule {
            rule: test_recipe().rule,
            server: test_recipe().server,
        },
        block: 0,
    }
}

fn test_branch() -> Branch<AccountId> {
    Branch {
        model: 0,
        owner: SPONSOR,
        recipe: test_recipe(),
        head: base_header().hash(),
        admission: None,
        deposit: 0,
        frozen: false,
    }
}

/// Small rings that give no security, short phases.
pub fn literal() -> PrivateLiteral {
    let mut p = PrivateLiteral::development();
    p.data.degree = 1_024;
    p.data.primes = BoundedVec::truncate_from(vec![1_073_692_673, 1_073_668_097]);
    (p.data.slots, p.data.slot_bits) = (3, 12);
    p.key.degree = 1_024;
    p.key.primes = BoundedVec::truncate_from(vec![1_073_692_673, 1_073_668_097, 1_073_651_713]);
    (p.key.slots, p.key.slot_bits) = (2, 10);
    p.cohort.maximum = 8;
    let c = &mut p.committee;
    c.answers = 2_048;
    for blocks in [
        &mut c.dealing_blocks,
        &mut c.complaint_blocks,
        &mut c.defence_blocks,
        &mut c.judgement_blocks,
        &mut c.confirmation_blocks,
        &mut p.phases.registration_blocks,
        &mut p.phases.commitment_blocks,
        &mut p.phases.opening_blocks,
        &mut p.phases.disclosure_blocks,
        &mut p.phases.audit_blocks,
        &mut p.phases.summing_blocks,
        &mut p.phases.dispute_blocks,
        &mut p.phases.response_blocks,
        &mut p.phases.decryption_blocks,
        &mut p.phases.shard_blocks,
        &mut p.phases.combination_blocks,
        &mut p.phases.reveal_blocks,
    ] {
        *blocks = 5;
    }
    c.serving_blocks = 400;
    p
}

pub struct Models;
impl ModelRegistry<AccountId> for Models {
    fn branch(branch: BranchId) -> Option<Branch<AccountId>> {
        (branch < 40).then(|| BRANCH.with_borrow(Clone::clone))
    }
    fn architecture(_: ModelId) -> Option<Architecture> {
        Some(Architecture::Llama(MODEL.with_borrow(|m| *m)))
    }
    fn admitted() -> Vec<BranchId> {
        Vec::new()
    }
    fn next_header(
        branch: BranchId,
        base: H256,
        new: NewVersion,
        recipe: &Recipe,
    ) -> Option<VersionHeader> {
        let number = 1 + Self::version(base)?.number;
        BRANCH
            .with_borrow(|b| b.head == base)
            .then(|| VersionHeader {
                model: 0,
                branch,
                number,
                parent: Parent::Local(base),
                state_root: new.state_root,
                server_root: new.server_root,
                cid: new.cid,
                server_cid: new.server_cid,
                contributions_root: new.contributions_root,
                rule: MergeRule {
                    rule: recipe.rule,
                    server: recipe.server,
                },
                block: System::block_number(),
            })
    }
    fn version(version: H256) -> Option<VersionHeader> {
        let first = base_header();
        if version == first.hash() {
            return Some(first);
        }
        HEADERS.with_borrow(|h| h.iter().find(|h| h.hash() == version).copied())
    }
    fn advance(header: VersionHeader) -> Option<H256> {
        BRANCH.with_borrow_mut(|b| b.head = header.hash());
        HEADERS.with_borrow_mut(|h| h.push(header));
        Some(header.hash())
    }
    fn rewind(_: BranchId, _: H256) -> Option<H256> {
        None
    }
}

pub struct Data;
impl DataRegistry<AccountId> for Data {
    fn take_shard(_: BranchId, window: u32) -> Option<Shard<AccountId>> {
        assert_eq!(window, 129);
        SHARDS.with_borrow_mut(Vec::pop)
    }
    fn mixture(
        _: BranchId,
        _: u32,
    ) -> Option<BoundedVec<(MixtureEntry, u64), ConstU32<MAX_MIXTURE>>> {
        None
    }
}

pub struct Verifiers;
impl AuditorRegistry<AccountId> for Verifiers {
    fn auditors(_: BranchId, opened: BlockNumber) -> Vec<(AccountId, Balance)> {
        let all = VERIFIERS.with_borrow(Clone::clone);
        all.into_iter()
            .map(|a| (a, Bonds::counted(&a, opened)))
            .collect()
    }
    fn has_public_rounds(_: BranchId) -> bool {
        PUBLIC.with_borrow(|p| *p)
    }
}

pub struct Vrf;
impl ParentRandomness<AccountId> for Vrf {
    fn output() -> Option<H256> {
        let n = RANDOMNESS.with_borrow_mut(|r| {
            *r += 1;
            *r
        });
        Some(H256::from_low_u64_be(n))
    }
    fn author() -> Option<AccountId> {
        Some(99)
    }
}

frame_support::parameter_types! {
    pub const SweepPerBlock: u32 = 3;
}

/// Frozen tokens have to be left.
pub struct Wallets;

impl dream_primitives::registry::SetAside<AccountId> for Wallets {
    fn set_aside(_: &AccountId) -> Balance {
        0
    }
    fn may_set_aside(who: &AccountId, more: Balance) -> bool {
        let account = System::account(who).data;
        account.frozen == 0 || account.frozen.saturating_add(more) <= account.free
    }
}

impl pallet_secure_aggregation::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SetAside = Wallets;
    type Bonds = Bonds;
    type Auditors = Verifiers;
    type Models = Models;
    type Data = Data;
    type Randomness = Vrf;
    type AdminOrigin = frame_system::EnsureRoot<AccountId>;
    type SweepPerBlock = SweepPerBlock;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Helper;
}

/// The registries as benchmarks fill them.
#[cfg(feature = "runtime-benchmarks")]
pub struct Helper;

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper<AccountId> for Helper {
    fn put_branch(
        _: BranchId,
        branch: Branch<AccountId>,
        architecture: Architecture,
        head: VersionHeader,
    ) {
        let Architecture::Llama(model) = architecture;
        MODEL.set(model);
        BRANCH.set(branch);
        HEADERS.with_borrow_mut(|headers| headers.push(head));
    }
    fn put_bond(account: &AccountId, amount: Balance) {
        if !Ledger::contains_key(account) {
            let bond = LedgerBond {
                since: 1,
                total: amount,
                locked: 0,
            };
            Ledger::insert(account, bond);
        }
    }
    fn put_verifiers(_: BranchId) {
        let all: Vec<AccountId> = (9_000..9_256).collect();
        all.iter().for_each(|a| bond(*a, 1));
        VERIFIERS.set(all);
    }
}

pub fn run_blocks(n: u32) {
    for _ in 0..n {
        let now = System::block_number() + 1;
        System::set_block_number(now);
        Private::on_initialize(now);
        crate::Pallet::<Test>::do_try_state().expect("try_state holds in every block");
    }
}

pub fn round(id: RoundId) -> PrivateRound<AccountId> {
    crate::Rounds::<Test>::get(id).expect("the round is there")
}

/// Runs blocks until the round is in `phase`; panics after 300.
pub fn run_to(id: RoundId, phase: PrivatePhase) {
    for _ in 0..300 {
        let round = crate::Rounds::<Test>::get(id);
        if round.is_some_and(|r| r.phase == phase && r.cursor.is_none()) {
            return;
        }
        run_blocks(1);
    }
    panic!(
        "{id:?} never came to {phase:?}: {:?}",
        crate::Rounds::<Test>::get(id)
    );
}

pub fn bonded(account: AccountId) -> Balance {
    Ledger::get(account).total
}

pub fn locked(account: AccountId) -> Balance {
    Ledger::get(account).locked
}

/// What every account with a bond has bonded.
pub const BOND: Balance = 10_000 * DREAM;
pub const FUNDS: Balance = 100_000 * DREAM;

pub fn bond(account: AccountId, since: BlockNumber) {
    Ledger::insert(
        account,
        LedgerBond {
            since,
            total: BOND,
            locked: 0,
        },
    );
}

/// Storage with funded and bonded accounts and parameters.
pub fn externalities() -> sp_io::TestExternalities {
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: (1..=60).map(|a| (a, FUNDS)).collect(),
            ..Default::default()
        },
        private: crate::GenesisConfig {
            parameters: Some(literal()),
            ..Default::default()
        },
        ..Default::default()
    };
    BRANCH.set(test_branch());
    HEADERS.set(Vec::new());
    SHARDS.set(Vec::new());
    PUBLIC.set(false);
    MODEL.set(SMALL);
    VERIFIERS.set(AUDITORS.to_vec());
    let mut ext =
        sp_io::TestExternalities::new(storage.build_storage().expect("the genesis builds"));
    ext.execute_with(|| {
        let groups = [
            &CONTRIBUTORS[..],
            &CANDIDATES,
            &AUDITORS,
            &[AGGREGATOR, DOUBTER, SECOND],
        ];
        groups.concat().into_iter().for_each(|a| bond(a, 1));
        System::set_block_number(10);
    });
    ext
}

pub fn build_and_execute(test: impl FnOnce()) {
    externalities().execute_with(|| {
        test();
        crate::Pallet::<Test>::do_try_state().expect("try_state holds after the test");
    });
}
