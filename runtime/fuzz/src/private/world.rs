// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain that private rounds are called on.

use super::{everybody, signed, PrivateCall, AUDITORS, BRANCH, MEMBERS, SPONSOR};
use codec::Encode;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::private::params::PrivateLiteral;
use dream_primitives::private::round::JobTerms;
use dream_primitives::profile::{self, ProfileSettings};
use dream_primitives::value::Shard;
use dream_primitives::{BoundedVec, DREAM, H256};
use dream_runtime::{
    Runtime, RuntimeCall, RuntimeGenesisConfig, RuntimeOrigin, SecureAggregation, System,
    UsefulWork,
};
use pallet_useful_work::Call as Work;
use polkadot_sdk::*;
use sp_runtime::{BuildStorage, Storage};
use std::sync::OnceLock;

const LEAF: H256 = H256::repeat_byte(7);

fn must(call: impl Into<RuntimeCall>, origin: RuntimeOrigin) {
    use frame_support::traits::UnfilteredDispatchable;
    let call = call.into();
    call.clone()
        .dispatch_bypass_filter(origin)
        .unwrap_or_else(|e| panic!("{call:?}: {:?}", e.error));
}

/// Lets `n` blocks pass: the hooks of both pallets, with randomness and an author.
pub fn blocks(n: u32) {
    use frame_support::traits::Hooks;
    for _ in 0..n {
        UsefulWork::on_finalize(System::block_number());
        let now = System::block_number().saturating_add(1);
        System::set_block_number(now);
        System::reset_events();
        let output = content_hash(Domain::Seed, &[&now.to_le_bytes()]);
        let put = |pallet: &[u8], item: &[u8], value: &[u8]| {
            sp_io::storage::set(&frame_support::storage::storage_prefix(pallet, item), value);
        };
        put(b"Babe", b"AuthorVrfRandomness", &Some(output.0).encode());
        put(b"Authorship", b"Author", &SPONSOR.to_account_id().encode());
        UsefulWork::on_initialize(now);
        SecureAggregation::on_initialize(now);
    }
}

/// A name that a byte makes up.
pub fn cid(byte: u8) -> Cid {
    Cid {
        codec: CidCodec::Raw,
        digest: [byte; 32],
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

/// A chain with a sponsored branch, bonded accounts, auditors with one profile, and candidates for a committee.
pub fn new() -> sp_io::TestExternalities {
    static WORLD: OnceLock<Storage> = OnceLock::new();
    let storage = WORLD.get_or_init(|| {
        let mut genesis = RuntimeGenesisConfig::default();
        genesis.balances.balances = everybody()
            .map(|a| (a.to_account_id(), 1_000_000 * DREAM))
            .collect();
        let mut literal = PrivateLiteral::development();
        literal.cohort.audited = 2;
        genesis.secure_aggregation.parameters = Some(literal);
        let mut storage = genesis.build_storage().expect("the genesis builds");
        sp_state_machine::BasicExternalities::execute_with_storage(&mut storage, || {
            System::set_block_number(1);
            found();
        });
        storage
    });
    sp_io::TestExternalities::new(storage.clone())
}

fn found() {
    let register = pallet_model_registry::Call::<Runtime>::register_model {
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
        recipe: crate::world::recipe(),
        state_root: H256::repeat_byte(1),
        cid: cid(1),
    };
    must(register, signed(SPONSOR));
    for who in everybody() {
        let amount = 5_000 * DREAM;
        must(Work::<Runtime>::bond { amount }, signed(who));
    }
    for who in AUDITORS {
        let commitment = profile::commitment(
            &UsefulWork::genesis(),
            &who.to_account_id().into(),
            BRANCH,
            &settings(),
            &LEAF,
            &H256::zero(),
            &H256::zero(),
        );
        let branch = BRANCH;
        must(
            Work::<Runtime>::commit_profile { branch, commitment },
            signed(who),
        );
    }
    blocks(1);
    for who in AUDITORS {
        let reveal = Work::<Runtime>::reveal_profile {
            branch: BRANCH,
            settings: settings(),
            leaf: LEAF,
            secret: H256::zero(),
            salt: H256::zero(),
        };
        must(reveal, signed(who));
        must(
            Work::<Runtime>::enlist_verifier { branch: BRANCH },
            signed(who),
        );
    }
    for who in MEMBERS {
        let transport = H256::repeat_byte(9);
        must(PrivateCall::join_committee { transport }, signed(who));
    }
    for root in [12, 13, 14] {
        let shard = Shard {
            root: H256::repeat_byte(root),
            samples: 4,
            window: 129,
            steward: SPONSOR.to_account_id(),
        };
        let branch = BRANCH;
        let commit = pallet_data_registry::Call::<Runtime>::commit_shard { branch, shard };
        must(commit, RuntimeOrigin::root());
    }
    must(sponsor(1_000), signed(SPONSOR));
    blocks(8);
}

/// Adds so many DREAM to the job.
pub fn sponsor(amount: u128) -> PrivateCall {
    PrivateCall::sponsor {
        branch: BRANCH,
        terms: JobTerms {
            fee: 10 * DREAM,
            reward: 20 * DREAM,
            price: DREAM / 1_000,
            shift: 6,
        },
        amount: amount.saturating_mul(DREAM),
    }
}
