// SPDX-License-Identifier: GPL-3.0-or-later
//! A runtime with this pallet, balances, and registries held in thread-local values.

use crate as pallet_useful_work;
use core::cell::RefCell;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::claim::RoundId;
use dream_primitives::data::{MixtureEntry, MAX_MIXTURE};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::params::ChainParameters;
use dream_primitives::recipe::*;
use dream_primitives::registry::*;
use dream_primitives::value::Shard;
use dream_primitives::version::{MergeRule, Parent, VersionHeader};
use dream_primitives::{BoundedVec, BranchId, ConstU32, ModelId, DREAM, H256};
use polkadot_sdk::frame_support::{self, derive_impl, traits::Hooks};
use polkadot_sdk::sp_runtime::BuildStorage;
use polkadot_sdk::{frame_system, pallet_balances, sp_io};
use std::collections::BTreeMap;

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
    pub type UsefulWork = pallet_useful_work::Pallet<Test>;
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

thread_local! {
    pub static PARAMETERS: RefCell<ChainParameters> = const { RefCell::new(test_parameters()) };
    pub static BRANCH: RefCell<Branch<AccountId>> = RefCell::new(test_branch());
    pub static HEADERS: RefCell<Vec<VersionHeader>> = const { RefCell::new(Vec::new()) };
    pub static RANDOMNESS: RefCell<u64> = const { RefCell::new(0) };
    pub static AUTHOR: RefCell<Option<AccountId>> = const { RefCell::new(Some(99)) };
    pub static SHARDS: RefCell<Vec<Shard<AccountId>>> = const { RefCell::new(Vec::new()) };
    pub static MIXTURE: RefCell<bool> = const { RefCell::new(true) };
    /// How many branches there are, all like the first.
    pub static BRANCHES: RefCell<u32> = const { RefCell::new(1) };
    pub static MODEL: RefCell<LlamaConfig> = const { RefCell::new(SMALL) };
    pub static FIRST: RefCell<VersionHeader> = RefCell::new(first_version());
    /// Branches of benchmarks beside the first.
    pub static MORE: RefCell<BTreeMap<BranchId, (Branch<AccountId>, Architecture)>> = const { RefCell::new(BTreeMap::new()) };
}

const fn test_parameters() -> ChainParameters {
    let mut p = ChainParameters::development();
    p.round.retention_rounds = 1;
    p.audit.canary_rate = 0;
    p.round.max_claims = 4;
    p.round.training_blocks = 10;
    p.round.commit_blocks = 10;
    p
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
        server: ServerOptimiser::Sgd {
            learning_rate: 1 << 16,
        },
        delta: DeltaCodec::DenseInt8,
        error_feedback: 0,
        class: NumericClass::Exact,
    }
}

/// What the mock's registry calls version 0, whatever its header.
pub const HEAD: H256 = H256::repeat_byte(0xaa);

const SMALL: LlamaConfig = LlamaConfig {
    vocab: 256,
    dim: 8,
    layers: 1,
    heads: 2,
    kv_heads: 1,
    ffn: 16,
    context: 128,
    rope_theta: 10_000,
    tied: true,
};

fn first_version() -> VersionHeader {
    VersionHeader {
        model: 0,
        branch: 0,
        number: 0,
        parent: Parent::None,
        state_root: H256::zero(),
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
        owner: 1,
        recipe: test_recipe(),
        head: HEAD,
        admission: Some(Admission {
            share: 1_000_000,
            units_per_token: 1,
        }),
        deposit: 0,
        frozen: false,
    }
}

pub fn cid(byte: u8) -> Cid {
    Cid {
        codec: CidCodec::Raw,
        digest: [byte; 32],
    }
}

pub struct Parameters;
impl frame_support::traits::Get<ChainParameters> for Parameters {
    fn get() -> ChainParameters {
        PARAMETERS.with_borrow(|p| *p)
    }
}

pub struct Models;
impl ModelRegistry<AccountId> for Models {
    fn branch(branch: BranchId) -> Option<Branch<AccountId>> {
        if let Some((more, _)) = MORE.with_borrow(|more| more.get(&branch).cloned()) {
            return Some(more);
        }
        (branch < BRANCHES.with_borrow(|n| *n)).then(|| BRANCH.with_borrow(Clone::clone))
    }
    fn architecture(model: ModelId) -> Option<Architecture> {
        // Each of these branches has a model of the same number.
        if let Some((_, more)) = MORE.with_borrow(|more| more.get(&model).cloned()) {
            return Some(more);
        }
        Some(Architecture::Llama(MODEL.with_borrow(|m| *m)))
    }
    fn admitted() -> Vec<BranchId> {
        if MORE.with_borrow(|more| !more.is_empty()) {
            return MORE.with_borrow(|more| {
                let admitted = more.iter().filter(|(_, (b, _))| b.admission.is_some());
                admitted.map(|(id, _)| *id).collect()
            });
        }
        BRANCH.with_borrow(|b| b.admission.map(|_| vec![0]).unwrap_or_default())
    }
    fn next_header(
        branch: BranchId,
        base: H256,
        new: NewVersion,
        recipe: &Recipe,
    ) -> Option<VersionHeader> {
        Self::branch(branch).and_then(|b| {
            (b.head == base).then(|| VersionHeader {
                model: 0,
                branch,
                number: 1 + Self::version(base).map_or(0, |v| v.number),
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
        })
    }
    fn version(version: H256) -> Option<VersionHeader> {
        if version == HEAD {
            return Some(FIRST.with_borrow(|f| *f));
        }
        HEADERS.with_borrow(|h| h.iter().find(|h| h.hash() == version).copied())
    }
    fn advance(header: VersionHeader) -> Option<H256> {
        BRANCH.with_borrow_mut(|b| {
            (header.parent == Parent::Local(b.head)).then(|| {
                b.head = header.hash();
                HEADERS.with_borrow_mut(|h| h.push(header));
                b.head
            })
        })
    }
    fn rewind(_: BranchId, to: H256) -> Option<H256> {
        BRANCH.with_borrow_mut(|b| {
            let from = b.head;
            let mut at = from;
            while at != to {
                match Self::version(at)?.parent {
                    Parent::Local(parent) => at = parent,
                    _ => return None,
                }
            }
            b.head = to;
            Some(from)
        })
    }
}

pub struct Data;
impl DataRegistry<AccountId> for Data {
    fn take_shard(_: BranchId, _: u32) -> Option<Shard<AccountId>> {
        SHARDS.with_borrow_mut(Vec::pop)
    }

    fn mixture(
        branch: BranchId,
        window: u32,
    ) -> Option<BoundedVec<(MixtureEntry, u64), ConstU32<MAX_MIXTURE>>> {
        let entry = (
            MixtureEntry {
                dataset: 0,
                weight: 1,
            },
            1000,
        );
        if MORE.with_borrow(|more| more.contains_key(&branch)) {
            return Some(BoundedVec::truncate_from(vec![entry; 32]));
        }
        let set = branch == 0 && window == 129 && MIXTURE.with_borrow(|m| *m);
        set.then(|| BoundedVec::truncate_from(vec![entry]))
    }
}

pub struct Vrf;
impl frame_support::traits::Get<Option<H256>> for Vrf {
    fn get() -> Option<H256> {
        let n = RANDOMNESS.with_borrow_mut(|r| {
            *r += 1;
            *r
        });
        Some(H256::from_low_u64_be(n))
    }
}

pub struct Author;
impl frame_support::traits::Get<Option<AccountId>> for Author {
    fn get() -> Option<AccountId> {
        AUTHOR.with_borrow(|a| *a)
    }
}

frame_support::parameter_types! {
    pub const Treasury: AccountId = 777;
    pub const SweepPerBlock: u32 = 3;
}

/// Frozen tokens have to be left.
pub struct Wallets;

impl dream_primitives::registry::SetAside<AccountId> for Wallets {
    fn set_aside(_: &AccountId) -> u128 {
        0
    }
    fn may_set_aside(who: &AccountId, more: u128) -> bool {
        let account = System::account(who).data;
        account.frozen == 0 || account.frozen.saturating_add(more) <= account.free
    }
}

impl pallet_useful_work::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type SetAside = Wallets;
    type Parameters = Parameters;
    type Models = Models;
    type Data = Data;
    type BlockRandomness = Vrf;
    type Author = Author;
    type Treasury = Treasury;
    type ProfileOrigin = frame_system::EnsureRoot<AccountId>;
    type RevertOrigin = frame_system::EnsureRoot<AccountId>;
    type Signature = polkadot_sdk::sp_runtime::testing::TestSignature;
    type SweepPerBlock = SweepPerBlock;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = benchmarks::Helper;
}

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarks;

pub fn run_blocks(n: u32) {
    for _ in 0..n {
        let now = System::block_number();
        UsefulWork::on_finalize(now);
        System::set_block_number(now + 1);
        UsefulWork::on_initialize(now + 1);
        crate::Pallet::<Test>::do_try_state().expect("try_state holds in every block");
    }
}

/// Runs blocks until the round is in `phase`; panics after 2000.
pub fn run_to(round: RoundId, phase: dream_primitives::round::Phase) {
    for _ in 0..2000 {
        let r = crate::Rounds::<Test>::get(round);
        if r.as_ref()
            .is_some_and(|r| r.phase == phase && r.cursor.is_none())
        {
            return;
        }
        run_blocks(1);
    }
    panic!(
        "{round:?} never came to {phase:?}: {:?}",
        crate::Rounds::<Test>::get(round)
    );
}

/// A chain with funded accounts 1..=12 and a branch that is not admitted yet, at block 1.
pub fn build_and_execute(test: impl FnOnce()) {
    build_with(Vec::new(), test);
}

/// The same with founders.
pub fn build_with(founders: Vec<(AccountId, u128)>, test: impl FnOnce()) {
    let balances = (1..=12).map(|a| (a, 100_000 * DREAM)).collect();
    let storage = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances,
            ..Default::default()
        },
        useful_work: crate::GenesisConfig {
            founders,
            ..Default::default()
        },
        ..Default::default()
    };
    PARAMETERS.set(test_parameters());
    BRANCH.set(Branch {
        admission: None,
        ..test_branch()
    });
    HEADERS.set(Vec::new());
    SHARDS.set(Vec::new());
    MODEL.set(SMALL);
    FIRST.set(first_version());
    AUTHOR.set(Some(99));
    MIXTURE.set(true);
    BRANCHES.set(1);
    let mut ext =
        sp_io::TestExternalities::new(storage.build_storage().expect("the genesis builds"));
    ext.execute_with(|| {
        System::set_block_number(1);
        test();
        crate::Pallet::<Test>::do_try_state().expect("try_state holds after the test");
    });
}

/// Admits the branch: its first round opens in the next block.
pub fn admit() {
    BRANCH.with_borrow_mut(|b| {
        b.admission = Some(Admission {
            share: 1_000_000,
            units_per_token: 1,
        })
    });
}

/// Dismisses the branch: no further round opens.
pub fn dismiss() {
    BRANCH.with_borrow_mut(|b| b.admission = None);
}
