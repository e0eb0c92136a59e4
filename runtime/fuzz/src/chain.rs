// SPDX-License-Identifier: GPL-3.0-or-later
//! What all worlds share: a genesis, blocks, calls, and what must hold between them.

use codec::Encode;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::profile::{self, ProfileSettings};
use dream_primitives::recipe::*;
use dream_primitives::{BoundedVec, BranchId, DREAM, H256};
use dream_runtime::{
    AccountId, BlockNumber, Runtime, RuntimeCall, RuntimeGenesisConfig, RuntimeOrigin, Scheduler,
    SecureAggregation, System, Treasury, UsefulWork,
};
use polkadot_sdk::frame_support::dispatch::GetDispatchInfo;
use polkadot_sdk::frame_support::traits::{Hooks, UnfilteredDispatchable};
use polkadot_sdk::*;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{BuildStorage, DispatchError, Storage};

/// The branch that is trained.
pub const BRANCH: BranchId = 0;
/// Segments of the recipe.
pub const SEGMENTS: u16 = 8;
/// The profile that all share.
pub const LEAF: H256 = H256::repeat_byte(7);
/// DREAM that each account starts with.
const FUNDS: u128 = 1_000_000 * DREAM;

/// State of a chain whose accounts have funds, after `found` was called in its block `start`.
pub fn storage(
    accounts: impl Iterator<Item = Sr25519Keyring>,
    start: BlockNumber,
    change: impl FnOnce(&mut RuntimeGenesisConfig),
    found: impl FnOnce(),
) -> Storage {
    let mut genesis = RuntimeGenesisConfig::default();
    genesis.balances.balances = accounts.map(|a| (a.to_account_id(), FUNDS)).collect();
    change(&mut genesis);
    let mut storage = genesis.build_storage().expect("the genesis builds");
    sp_state_machine::BasicExternalities::execute_with_storage(&mut storage, || {
        System::set_block_number(start);
        found();
    });
    storage
}

/// Signed by an account.
pub fn signed(who: Sr25519Keyring) -> RuntimeOrigin {
    RuntimeOrigin::signed(who.to_account_id())
}

/// Makes a call that must be accepted.
pub fn must(call: impl Into<RuntimeCall>, origin: RuntimeOrigin) {
    let call = call.into();
    if let Err(error) = attempt(call.clone(), origin) {
        panic!("{call:?}: {error:?}");
    }
}

/// Makes a call. It may be refused; what it may not do is panic, break an invariant, or change something when it is refused.
pub fn attempt(call: impl Into<RuntimeCall>, origin: RuntimeOrigin) -> Result<(), DispatchError> {
    let call = call.into();
    let weight = call.get_dispatch_info().call_weight;
    assert!(weight.ref_time() > 0, "{call:?} has no weight");
    let before = fingerprint();
    let result = call.clone().dispatch_bypass_filter(origin);
    if let Err(error) = &result {
        assert!(
            before == fingerprint(),
            "{call:?} was refused ({error:?}) and changed the state"
        );
    }
    result.map(|_| ()).map_err(|e| e.error)
}

/// Makes a call that may be refused.
pub fn dispatch(call: impl Into<RuntimeCall>, origin: RuntimeOrigin) {
    let _ = attempt(call, origin);
}

/// Hash of the whole state.
fn fingerprint() -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    let mut key = Vec::new();
    while let Some(next) = sp_io::storage::next_key(&key) {
        next.hash(&mut hasher);
        sp_io::storage::get(&next).hash(&mut hasher);
        key = next;
    }
    hasher.finish()
}

/// Lets `n` blocks pass: the hooks of the pallets that have any, with randomness and an author.
pub fn blocks(n: u32) {
    for _ in 0..n {
        UsefulWork::on_finalize(System::block_number());
        let now = System::block_number().saturating_add(1);
        System::set_block_number(now);
        System::reset_events();
        let output = content_hash(Domain::Seed, &[&now.to_le_bytes()]);
        put(b"Babe", b"AuthorVrfRandomness", &Some(output.0).encode());
        let author = crate::world::Actor::of(now.to_le_bytes()[0]).account();
        put(b"Authorship", b"Author", &author.encode());
        Scheduler::on_initialize(now);
        Treasury::on_initialize(now);
        UsefulWork::on_initialize(now);
        SecureAggregation::on_initialize(now);
    }
}

/// What a block's digest would have put there.
fn put(pallet: &[u8], item: &[u8], value: &[u8]) {
    let key = frame_support::storage::storage_prefix(pallet, item);
    sp_io::storage::set(&key, value);
}

/// Checks the invariants of our pallets.
pub fn check() {
    for (name, result) in [
        ("useful work", UsefulWork::do_try_state()),
        ("models", dream_runtime::ModelRegistry::do_try_state()),
        ("data", dream_runtime::DataRegistry::do_try_state()),
        ("parameters", dream_runtime::ChainParameters::do_try_state()),
        ("private rounds", SecureAggregation::do_try_state()),
        ("votes", dream_runtime::ConvictionVoting::do_try_state()),
    ] {
        if let Err(error) = result {
            panic!("{name}: {error:?}");
        }
    }
}

/// Registers the model of the branch.
pub fn register() -> pallet_model_registry::Call<Runtime> {
    pallet_model_registry::Call::register_model {
        architecture: Architecture::Llama(LlamaConfig {
            vocab: 256,
            dim: 8,
            layers: 1,
            heads: 2,
            kv_heads: 1,
            ffn: 16,
            context: 128,
            rope_theta: 10_000,
            tied: true,
        }),
        licence: BoundedVec::truncate_from(b"CC0-1.0".to_vec()),
        recipe: recipe(),
        state_root: H256::repeat_byte(1),
        cid: cid(1),
    }
}

/// The recipe of the branch.
pub fn recipe() -> Recipe {
    Recipe {
        segments: SEGMENTS,
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

/// Commits an account to the profile that all share, with a canary secret.
pub fn commit_profile(who: &AccountId, secret: &H256) -> pallet_useful_work::Call<Runtime> {
    let commitment = profile::commitment(
        &UsefulWork::genesis(),
        who.as_ref(),
        BRANCH,
        &settings(),
        &LEAF,
        secret,
        &H256::zero(),
    );
    pallet_useful_work::Call::commit_profile {
        branch: BRANCH,
        commitment,
    }
}

/// Reveals what [`commit_profile`] committed to.
pub fn reveal_profile(secret: H256) -> pallet_useful_work::Call<Runtime> {
    pallet_useful_work::Call::reveal_profile {
        branch: BRANCH,
        settings: settings(),
        leaf: LEAF,
        secret,
        salt: H256::zero(),
    }
}

fn settings() -> ProfileSettings {
    ProfileSettings {
        isa: BoundedVec::truncate_from(b"avx2".to_vec()),
        math: BoundedVec::truncate_from(b"COMPATIBLE".to_vec()),
        library: BoundedVec::truncate_from(b"libtorch 2.11.0".to_vec()),
        threads: 1,
    }
}

/// A name that a byte makes up.
pub fn cid(byte: u8) -> Cid {
    Cid {
        codec: CidCodec::Raw,
        digest: [byte; 32],
    }
}
