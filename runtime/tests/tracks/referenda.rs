// SPDX-License-Identifier: GPL-3.0-or-later
//! Whole referenda, by the calls that an account makes: submitted, decided, passed, enacted.

use super::within;
use codec::Encode;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::recipe::*;
use dream_primitives::registry::Admission;
use dream_primitives::value::Shard;
use dream_primitives::{BoundedVec, DREAM, H256};
use dream_runtime::genesis::{self, FOUNDING_CREDITS};
use dream_runtime::origins::Origin;
use dream_runtime::tracks::Tracks;
use dream_runtime::*;
use frame_support::genesis_builder_helper::build_state;
use frame_support::traits::{
    fungible::Inspect, schedule::DispatchTime, Bounded, Get, Hooks, StorePreimage,
    UnfilteredDispatchable,
};
use frame_system::RawOrigin;
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_referenda::{ReferendumInfo, TracksInfo};
use polkadot_sdk::*;
use serde_json::Value;
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave};

pub(super) const VOTERS: [Sr25519Keyring; 3] = [Alice, Bob, Charlie];
const FUNDS: Balance = 1_000_000 * DREAM;

/// Three accounts with nearly all tokens and credits, Dave with a hundredth of what one of them has, and a branch of Dave's; the
/// first credit epoch is over.
pub(super) fn governed(test: impl FnOnce()) {
    let found = |genesis: &mut RuntimeGenesisConfig| {
        let voters = VOTERS.map(|v| v.to_account_id());
        let dave = Dave.to_account_id();
        genesis.balances.balances = voters.iter().map(|v| (v.clone(), FUNDS)).collect();
        genesis.balances.balances.push((dave.clone(), FUNDS / 100));
        genesis.useful_work.credits = voters.into_iter().map(|v| (v, 1_000_000)).collect();
        genesis.useful_work.credits.push((dave, 10_000));
    };
    within(found, || {
        register();
        second_epoch();
        test();
    });
}

/// Dave's branch, number 0.
fn register() {
    let register = pallet_model_registry::Call::register_model {
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
        recipe: recipe(2),
        state_root: H256::repeat_byte(1),
        cid: Cid {
            codec: CidCodec::Raw,
            digest: [1; 32],
        },
    };
    must(Dave, register);
}

fn recipe(steps: u16) -> Recipe {
    Recipe {
        segments: 8,
        steps,
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

fn must(who: Sr25519Keyring, call: impl Into<RuntimeCall>) {
    let call: RuntimeCall = call.into();
    try_call(who, call.clone()).unwrap_or_else(|e| panic!("{call:?}: {e:?}"));
}

fn try_call(who: Sr25519Keyring, call: impl Into<RuntimeCall>) -> sp_runtime::DispatchResult {
    let origin = RuntimeOrigin::signed(who.to_account_id());
    let done = call.into().dispatch_bypass_filter(origin);
    done.map(|_| ()).map_err(|e| e.error)
}

/// Credits count from the epoch after that in which they were granted.
fn second_epoch() {
    let half_life = ChainParameters::get().rewards.credit_half_life;
    System::set_block_number(half_life / dream_primitives::credits::STEPS + 1);
}

pub(super) fn blocks(n: u32) {
    for _ in 0..n {
        let now = System::block_number() + 1;
        System::set_block_number(now);
        Scheduler::on_initialize(now);
    }
}

/// Submits a referendum with its preimage and its decision deposit; returns its index.
pub(super) fn submit(who: Sr25519Keyring, origin: OriginCaller, call: RuntimeCall) -> u32 {
    let bytes = call.encode();
    let proposal = Bounded::Lookup {
        hash: sp_io::hashing::blake2_256(&bytes).into(),
        len: u32::try_from(bytes.len()).unwrap(),
    };
    must(who, pallet_preimage::Call::note_preimage { bytes });
    let index = pallet_referenda::ReferendumCount::<Runtime>::get();
    must(
        who,
        pallet_referenda::Call::submit {
            proposal_origin: Box::new(origin),
            proposal,
            enactment_moment: DispatchTime::After(0),
        },
    );
    must(
        who,
        pallet_referenda::Call::place_decision_deposit { index },
    );
    index
}

pub(super) fn vote(who: Sr25519Keyring, poll_index: u32, aye: bool) {
    let conviction = Conviction::Locked1x;
    let vote = AccountVote::Standard {
        vote: Vote { aye, conviction },
        balance: Balances::free_balance(who.to_account_id()) / 2,
    };
    must(who, pallet_compute_voting::Call::vote { poll_index, vote });
}

pub(super) fn info(index: u32) -> pallet_referenda::ReferendumInfoOf<Runtime, ()> {
    pallet_referenda::ReferendumInfoFor::<Runtime>::get(index).unwrap()
}

/// Lets blocks pass until a referendum is over.
fn decided(index: u32) -> pallet_referenda::ReferendumInfoOf<Runtime, ()> {
    for _ in 0..dream_primitives::voting::MAX_POLL_HOURS {
        if !matches!(info(index), ReferendumInfo::Ongoing(_)) {
            break;
        }
        blocks(1);
    }
    info(index)
}

/// A referendum that all three vote for; it is enacted.
fn passed(origin: OriginCaller, call: RuntimeCall) -> u32 {
    let track = Tracks::track_for(&origin).unwrap();
    let index = submit(Alice, origin, call);
    VOTERS.iter().for_each(|v| vote(*v, index, true));
    let end = decided(index);
    assert!(matches!(end, ReferendumInfo::Approved(..)), "{end:?}");
    // Not before the time that the track leaves for leaving.
    blocks(Tracks::info(track).unwrap().min_enactment_period + 1);
    index
}

pub(super) fn branch() -> dream_primitives::registry::Branch<AccountId> {
    pallet_model_registry::Branches::<Runtime>::get(0).unwrap()
}

#[test]
fn referendum_on_the_root_track_should_change_a_parameter() {
    governed(|| {
        let mut parameters = ChainParameters::get();
        parameters.round.training_blocks += 1;
        let call = pallet_chain_parameters::Call::set_parameters {
            parameters: Box::new(parameters),
        };
        passed(RawOrigin::Root.into(), call.into());
        assert_eq!(ChainParameters::get(), parameters);
    });
}

#[test]
fn referendum_on_the_recipe_track_should_change_the_recipe_and_its_rule() {
    governed(|| {
        let new = Recipe {
            rule: AggregationRule::Median,
            ..recipe(3)
        };
        let call = pallet_model_registry::Call::set_recipe {
            branch: 0,
            recipe: new,
        };
        passed(Origin::Recipe.into(), call.into());
        assert_eq!(branch().recipe, new);
    });
}

#[test]
fn referendum_on_the_mixture_track_should_commit_a_shard() {
    governed(|| {
        let shard = Shard {
            root: H256::repeat_byte(12),
            samples: 4,
            window: 129,
            steward: Dave.to_account_id(),
        };
        let call = pallet_data_registry::Call::commit_shard { branch: 0, shard };
        passed(Origin::Mixture.into(), call.into());
        let shards = pallet_data_registry::Shards::<Runtime>::get(0);
        assert_eq!(shards.len(), 1);
        assert_eq!(shards[0].root, H256::repeat_byte(12));
    });
}

fn admit() -> RuntimeCall {
    let admission = Admission {
        share: 1_000_000,
        units_per_token: 1,
    };
    let branch = 0;
    pallet_model_registry::Call::admit_branch { branch, admission }.into()
}

#[test]
fn referendum_on_the_branches_track_should_admit_a_branch() {
    governed(|| {
        passed(Origin::Branches.into(), admit());
        assert_eq!(branch().admission.unwrap().share, 1_000_000);
    });
}

#[test]
fn referendum_on_the_revert_track_should_freeze_a_branch() {
    governed(|| {
        let call = pallet_model_registry::Call::freeze_branch { branch: 0 };
        passed(Origin::Revert.into(), call.into());
        assert!(branch().frozen);
    });
}

#[test]
fn referendum_on_the_treasury_track_should_spend() {
    governed(|| {
        let treasury = configs::TreasuryAccount::get();
        let funds = 100 * DREAM;
        must(
            Dave,
            pallet_balances::Call::transfer_allow_death {
                dest: treasury.into(),
                value: funds,
            },
        );
        let call = pallet_treasury::Call::spend {
            asset_kind: Box::new(()),
            amount: funds,
            beneficiary: Box::new(Bob.to_account_id()),
            valid_from: None,
        };
        passed(Origin::Spend.into(), call.into());
        let before = Balances::free_balance(Bob.to_account_id());
        must(Dave, pallet_treasury::Call::payout { index: 0 });
        let after = Balances::free_balance(Bob.to_account_id());
        assert_eq!(after, before + funds);
    });
}

#[test]
fn referendum_on_the_cancel_track_should_end_another_and_keep_its_deposits() {
    governed(|| {
        let other = submit(Dave, Origin::Branches.into(), admit());
        let call = pallet_referenda::Call::cancel { index: other };
        passed(Origin::Cancel.into(), call.into());
        let ReferendumInfo::Cancelled(_, submission, decision) = info(other) else {
            panic!("{:?}", info(other))
        };
        assert!(submission.is_some() && decision.is_some());
        must(
            Dave,
            pallet_referenda::Call::refund_decision_deposit { index: other },
        );
    });
}

#[test]
fn referendum_on_the_kill_track_should_end_another_and_take_its_deposits() {
    governed(|| {
        let treasury = || Balances::free_balance(configs::TreasuryAccount::get());
        let other = submit(Dave, Origin::Branches.into(), admit());
        let before = treasury();
        let call = pallet_referenda::Call::kill { index: other };
        passed(Origin::Kill.into(), call.into());
        assert!(matches!(info(other), ReferendumInfo::Killed(_)));
        let governance = ChainParameters::get().governance;
        let deposits = governance.submission_deposit + 10 * governance.decision_deposit;
        assert_eq!(treasury(), before + deposits);
    });
}

#[test]
fn referendum_should_fail_when_too_little_supports_it() {
    governed(|| {
        // All that vote are for it, but they weigh less than the last two hundredths.
        let index = submit(Alice, Origin::Branches.into(), admit());
        vote(Dave, index, true);
        let end = decided(index);
        assert!(matches!(end, ReferendumInfo::Rejected(..)), "{end:?}");
        blocks(10);
        assert_eq!(branch().admission, None);
    });
}

#[test]
fn referendum_should_fail_when_more_are_against_it() {
    governed(|| {
        let index = submit(Dave, Origin::Branches.into(), admit());
        vote(Alice, index, true);
        vote(Bob, index, false);
        vote(Charlie, index, false);
        let end = decided(index);
        assert!(matches!(end, ReferendumInfo::Rejected(..)), "{end:?}");
    });
}

#[test]
fn referendum_should_not_act_as_another_track_than_its_own() {
    governed(|| {
        let call = pallet_model_registry::Call::set_recipe {
            branch: 0,
            recipe: recipe(3),
        };
        passed(Origin::Branches.into(), call.into());
        assert_eq!(branch().recipe, recipe(2));
        // Nor in the name of an account.
        let proposal = <Preimage as StorePreimage>::bound(admit()).unwrap();
        let refused = Referenda::submit(
            RuntimeOrigin::signed(Alice.to_account_id()),
            Box::new(RawOrigin::Signed(Bob.to_account_id()).into()),
            proposal,
            DispatchTime::After(0),
        );
        assert_eq!(
            refused,
            Err(pallet_referenda::Error::<Runtime>::NoTrack.into())
        );
    });
}

#[test]
fn weight_and_credits_of_an_account_should_be_told_before_and_after_its_vote() {
    governed(|| {
        let alice = Alice.to_account_id();
        let credits = UsefulWork::credits_view(&alice);
        assert_eq!((credits.epoch, credits.history.len()), (1, 1));
        let first = credits.history[0];
        assert_eq!((first.epoch, first.credits), (0, 1_000_000));
        assert_eq!(first.total, 3_010_000);
        assert!(credits.now < first.credits && credits.total_now >= 3 * credits.now);

        assert_eq!(ConvictionVoting::weight_view(&alice, 0), None);
        let index = submit(Dave, Origin::Branches.into(), admit());
        let before = ConvictionVoting::weight_view(&alice, index).unwrap();
        assert_eq!((before.epoch, before.credits), (Some(0), 1_000_000));
        assert_eq!((before.total, before.tokens), (3_010_000, FUNDS));
        let whole = dream_primitives::voting::vote_weight(
            before.tokens,
            before.credits,
            Balances::total_issuance(),
            before.total,
        );
        assert_eq!((before.weight, before.applied), (whole, None));

        vote(Alice, index, true);
        let after = ConvictionVoting::weight_view(&alice, index).unwrap();
        let applied = after.applied.unwrap();
        assert_eq!(applied.own.tokens, FUNDS / 2);
        assert!(applied.own.weight < whole && applied.delegated.is_empty());
        assert_eq!(applied.epoch, after.epoch);
    });
}

/// A preset's state, as a node makes it: the patch over the defaults.
fn preset(name: &str) -> sp_io::TestExternalities {
    fn merge(into: &mut Value, patch: Value) {
        match (into, patch) {
            (Value::Object(into), Value::Object(patch)) => {
                for (key, value) in patch {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
            (into, patch) => *into = patch,
        }
    }
    let patch = genesis::preset(&name.into()).unwrap();
    let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
    merge(&mut config, serde_json::from_slice(&patch).unwrap());
    let json = serde_json::to_vec(&config).unwrap();
    let mut state = sp_io::TestExternalities::default();
    state.execute_with(|| {
        build_state::<RuntimeGenesisConfig>(json).unwrap();
        System::set_block_number(1);
    });
    state
}

#[test]
fn founders_of_the_local_network_should_admit_its_first_branch_without_a_sudo_key() {
    preset("local_testnet").execute_with(|| {
        assert_eq!(pallet_sudo::Key::<Runtime>::get(), None);
        let credits = |who: Sr25519Keyring| UsefulWork::credits_view(&who.to_account_id()).now;
        assert_eq!(VOTERS.map(credits), [FOUNDING_CREDITS; 3]);
        register();
        second_epoch();
        passed(Origin::Branches.into(), admit());
        assert_eq!(branch().admission.unwrap().share, 1_000_000);
        assert_eq!(ModelRegistry::do_try_state(), Ok(()));
    });
    preset("development").execute_with(|| {
        assert!(pallet_sudo::Key::<Runtime>::get().is_some());
        assert_eq!(pallet_useful_work::TotalCredits::<Runtime>::get().amount, 0);
    });
}

#[test]
fn conviction_should_not_be_evaded_by_paying_with_its_tokens() {
    governed(|| {
        let remark = frame_system::Call::remark { remark: vec![] };
        let index = submit(Dave, Origin::Branches.into(), remark.into());
        let vote = |balance| {
            let (aye, conviction) = (true, Conviction::Locked6x);
            let vote = Vote { aye, conviction };
            let vote = AccountVote::Standard { vote, balance };
            let poll_index = index;
            try_call(Dave, pallet_compute_voting::Call::vote { poll_index, vote })
        };
        let fund = || {
            let fund = pallet_useful_work::Call::fund_branch {
                branch: 0,
                amount: 100 * DREAM,
                per_round: 100 * DREAM,
                unit_price: 1,
            };
            try_call(Dave, fund)
        };
        let unlock = || {
            must(
                Dave,
                pallet_compute_voting::Call::unlock {
                    class: Tracks::track_for(&Origin::Branches.into()).unwrap(),
                    target: sp_runtime::MultiAddress::Id(Dave.to_account_id()),
                },
            );
        };
        let total = Balances::total_balance(&Dave.to_account_id());
        assert!(Balances::free_balance(Dave.to_account_id()) > 200 * DREAM);
        // Frozen first: it pays nobody.
        assert_eq!(vote(total), Ok(()));
        assert_eq!(fund(), Err(sp_runtime::TokenError::Frozen.into()));
        must(
            Dave,
            pallet_compute_voting::Call::remove_vote { class: None, index },
        );
        unlock();
        // Set aside first: the rest votes.
        assert_eq!(fund(), Ok(()));
        let error = pallet_compute_voting::Error::<Runtime>::InsufficientFunds;
        assert_eq!(vote(total - 100 * DREAM + 1), Err(error.into()));
        assert_eq!(vote(total - 100 * DREAM), Ok(()));
        assert_eq!(fund(), Err(sp_runtime::TokenError::Frozen.into()));
        // Both at once, as far as they go.
        assert_eq!(vote(total - 250 * DREAM), Ok(()));
        unlock();
        assert_eq!(fund(), Ok(()));
        assert_eq!(fund(), Err(sp_runtime::TokenError::Frozen.into()));
    });
}
