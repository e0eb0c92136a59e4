// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain that private rounds are called on.

use super::{everybody, PrivateCall, AUDITORS, MEMBERS, SPONSOR};
use crate::chain::*;
use dream_primitives::private::params::PrivateLiteral;
use dream_primitives::private::round::JobTerms;
use dream_primitives::value::Shard;
use dream_primitives::{DREAM, H256};
use dream_runtime::{Runtime, RuntimeGenesisConfig, RuntimeOrigin};
use pallet_useful_work::Call as Work;
use polkadot_sdk::*;
use sp_runtime::Storage;
use std::sync::OnceLock;

/// A chain with a sponsored branch, bonded accounts, auditors with one profile, and candidates for a committee.
pub fn new() -> sp_io::TestExternalities {
    static WORLD: OnceLock<Storage> = OnceLock::new();
    let storage = WORLD.get_or_init(|| {
        let change = |genesis: &mut RuntimeGenesisConfig| {
            let mut literal = PrivateLiteral::development();
            literal.cohort.audited = 2;
            genesis.secure_aggregation.parameters = Some(literal);
        };
        storage(everybody(), 1, change, found)
    });
    sp_io::TestExternalities::new(storage.clone())
}

fn found() {
    must(register(), signed(SPONSOR));
    for who in everybody() {
        let amount = 5_000 * DREAM;
        must(Work::<Runtime>::bond { amount }, signed(who));
    }
    for who in AUDITORS {
        let account = who.to_account_id();
        must(commit_profile(&account, &H256::zero()), signed(who));
    }
    blocks(1);
    for who in AUDITORS {
        must(reveal_profile(H256::zero()), signed(who));
        let enlist = Work::<Runtime>::enlist_verifier { branch: BRANCH };
        must(enlist, signed(who));
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
