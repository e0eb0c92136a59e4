// SPDX-License-Identifier: GPL-3.0-or-later
//! Every call of the runtime by every origin.

use super::within;
use codec::Decode;
use dream_runtime::origins::Origin;
use dream_runtime::*;
use frame_metadata::RuntimeMetadata;
use frame_support::traits::UnfilteredDispatchable;
use frame_system::RawOrigin;
use polkadot_sdk::*;
use scale_info::TypeDef;
use sp_runtime::{DispatchError, TransactionOutcome};
use std::collections::{BTreeMap, BTreeSet};

/// Origins by name: root, those of the tracks, an account, nobody.
fn origins() -> [(&'static str, OriginCaller); 10] {
    let account = AccountId::new([9; 32]);
    [
        ("root", RawOrigin::Root.into()),
        ("recipe", Origin::Recipe.into()),
        ("mixture", Origin::Mixture.into()),
        ("branches", Origin::Branches.into()),
        ("revert", Origin::Revert.into()),
        ("spend", Origin::Spend.into()),
        ("cancel", Origin::Cancel.into()),
        ("kill", Origin::Kill.into()),
        ("account", RawOrigin::Signed(account).into()),
        ("nobody", RawOrigin::None.into()),
    ]
}

/// Any origin.
const ANY: &str = "root recipe mixture branches revert spend cancel kill account nobody";

/// Any origin but nobody's: what these call is called with the same origin.
const ANYBODY: &str = "root recipe mixture branches revert spend cancel kill account";

/// Who may make a call, of all calls that others than accounts alone may make. Calls that nobody here may make have an
/// authorisation in their arguments.
const TABLE: &[(&str, &str)] = &[
    ("Babe.report_equivocation_unsigned", "nobody"),
    ("Balances.force_adjust_total_issuance", "root"),
    ("Balances.force_set_balance", "root"),
    ("Balances.force_transfer", "root"),
    ("Balances.force_unreserve", "root"),
    ("ChainParameters.set_parameters", "root"),
    ("DataRegistry.commit_shard", "root mixture"),
    ("DataRegistry.set_mixture", "root mixture"),
    ("Grandpa.note_stalled", "root"),
    ("Grandpa.report_equivocation_unsigned", "nobody"),
    ("ModelRegistry.admit_branch", "root branches"),
    ("ModelRegistry.dismiss_branch", "root branches"),
    ("ModelRegistry.freeze_branch", "root revert"),
    ("ModelRegistry.set_recipe", "root recipe"),
    ("ModelRegistry.unfreeze_branch", "root branches"),
    ("Preimage.note_preimage", "root account"),
    ("Preimage.request_preimage", "root"),
    ("Preimage.unnote_preimage", "root account"),
    ("Preimage.unrequest_preimage", "root"),
    ("Referenda.cancel", "root cancel"),
    ("Referenda.kill", "root kill"),
    ("Referenda.nudge_referendum", "root"),
    ("Referenda.one_fewer_deciding", "root"),
    ("Referenda.refund_decision_deposit", "root account"),
    ("Referenda.refund_submission_deposit", "root account"),
    ("Scheduler.cancel", "root"),
    ("Scheduler.cancel_named", "root"),
    ("Scheduler.cancel_retry", "root"),
    ("Scheduler.cancel_retry_named", "root"),
    ("Scheduler.schedule", "root"),
    ("Scheduler.schedule_after", "root"),
    ("Scheduler.schedule_named", "root"),
    ("Scheduler.schedule_named_after", "root"),
    ("Scheduler.set_retry", "root"),
    ("Scheduler.set_retry_named", "root"),
    ("SecureAggregation.set_parameters", "root"),
    ("Sudo.remove_key", "root"),
    ("Sudo.set_key", "root"),
    ("Sudo.sudo", "root"),
    ("Sudo.sudo_as", "root"),
    ("Sudo.sudo_unchecked_weight", "root"),
    ("System.apply_authorized_upgrade", ANY),
    ("System.authorize_upgrade", "root"),
    ("System.authorize_upgrade_without_checks", "root"),
    ("System.kill_prefix", "root"),
    ("System.kill_storage", "root"),
    ("System.remark", ANY),
    ("System.set_code", "root"),
    ("System.set_code_without_checks", "root"),
    ("System.set_heap_pages", "root"),
    ("System.set_storage", "root"),
    ("Timestamp.set", "nobody"),
    ("Treasury.remove_approval", "root spend"),
    ("Treasury.spend", "root spend"),
    ("Treasury.spend_local", "root spend"),
    ("Treasury.void_spend", "root spend"),
    ("UsefulWork.act_as_newcomer", ""),
    ("UsefulWork.admit_profile", "root branches"),
    ("UsefulWork.dismiss_profile", "root branches"),
    ("UsefulWork.enter", ""),
    ("UsefulWork.revert_claim", "root revert"),
    ("Utility.batch", ANYBODY),
    ("Utility.batch_all", ANYBODY),
    ("Utility.dispatch_as", "root"),
    ("Utility.dispatch_as_fallible", "root"),
    ("Utility.force_batch", ANYBODY),
    ("Utility.if_else", ANYBODY),
    ("Utility.with_weight", "root"),
];

/// Calls that zeros do not encode: it changes how often blocks are made, and asks for root.
const UNTRIED: &[&str] = &["Babe.plan_config_change"];

/// Every call, its arguments zeros; those that zeros do not encode come without.
fn calls() -> Vec<(String, Option<RuntimeCall>)> {
    let RuntimeMetadata::V14(metadata) = Runtime::metadata().1 else {
        panic!("`Runtime::metadata` gives version 14")
    };
    let mut all = Vec::new();
    for pallet in &metadata.pallets {
        let Some(calls) = &pallet.calls else { continue };
        let TypeDef::Variant(variants) = &metadata.types.resolve(calls.ty.id).unwrap().type_def
        else {
            panic!("calls are an enum")
        };
        for call in &variants.variants {
            let mut bytes = vec![0; 2_000];
            (bytes[0], bytes[1]) = (pallet.index, call.index);
            let decoded = RuntimeCall::decode(&mut &bytes[..]).ok();
            all.push((format!("{}.{}", pallet.name, call.name), decoded));
        }
    }
    all
}

/// Whether a call's origin is right, whatever else is wrong with the call. Nothing stays of it.
fn may(call: &RuntimeCall, origin: OriginCaller) -> bool {
    let set_code = matches!(
        call,
        RuntimeCall::System(frame_system::Call::set_code { .. })
    );
    if set_code && origin == RawOrigin::Root.into() {
        // It would ask the host for the code's version, and there is no code.
        return true;
    }
    let result = frame_support::storage::with_transaction_unchecked(|| {
        let result = call.clone().dispatch_bypass_filter(origin.into());
        TransactionOutcome::Rollback(result)
    });
    let sudo = pallet_sudo::Error::<Runtime>::RequireSudo.into();
    let error = result.map_err(|e| e.error).err();
    error != Some(DispatchError::BadOrigin) && error != Some(sudo)
}

fn who_may(call: &RuntimeCall) -> String {
    let able = origins().into_iter().filter(|(_, o)| may(call, o.clone()));
    let names: Vec<&str> = able.map(|(name, _)| name).collect();
    names.join(" ")
}

#[test]
fn every_call_should_be_open_to_whom_the_table_names_and_to_nobody_else() {
    within(
        |_| {},
        || {
            let mut found = BTreeMap::new();
            let mut untried = BTreeSet::new();
            for (name, call) in calls() {
                match call {
                    Some(call) => {
                        let who = who_may(&call);
                        if who != "account" {
                            found.insert(name, who);
                        }
                    }
                    None => {
                        untried.insert(name);
                    }
                }
            }
            let text: String = found
                .iter()
                .map(|(name, who)| format!("    ({name:?}, {who:?}),\n"))
                .collect();
            let table: BTreeMap<String, String> = TABLE
                .iter()
                .map(|(name, who)| (name.to_string(), who.to_string()))
                .collect();
            assert!(found == table, "found:\n{text}");
            assert_eq!(untried, UNTRIED.iter().map(|s| s.to_string()).collect());
        },
    );
}

/// Whose calls `account` of [`origins`] may make as a proxy.
fn real() -> AccountId {
    AccountId::new([8; 32])
}

/// A call inside each call that makes another.
fn wrapped(call: &RuntimeCall) -> Vec<RuntimeCall> {
    use pallet_utility::Call as Utility;
    let call = Box::new(call.clone());
    let calls = vec![(*call).clone()];
    let mut all: Vec<RuntimeCall> = vec![
        Utility::batch {
            calls: calls.clone(),
        }
        .into(),
        Utility::force_batch {
            calls: calls.clone(),
        }
        .into(),
        Utility::batch_all { calls }.into(),
        Utility::if_else {
            main: call.clone(),
            fallback: call.clone(),
        }
        .into(),
        Utility::as_derivative {
            index: 0,
            call: call.clone(),
        }
        .into(),
        pallet_proxy::Call::proxy {
            real: real().into(),
            force_proxy_type: None,
            call: call.clone(),
        }
        .into(),
        pallet_multisig::Call::as_multi_threshold_1 {
            other_signatories: vec![real()],
            call: call.clone(),
        }
        .into(),
        pallet_scheduler::Call::schedule {
            when: 100,
            maybe_periodic: None,
            priority: 0,
            call: call.clone(),
        }
        .into(),
        pallet_sudo::Call::sudo { call: call.clone() }.into(),
    ];
    for (_, origin) in origins() {
        let as_origin = Box::new(origin);
        let (call, other) = (call.clone(), call.clone());
        all.push(
            Utility::dispatch_as {
                as_origin: as_origin.clone(),
                call,
            }
            .into(),
        );
        all.push(
            Utility::dispatch_as_fallible {
                as_origin,
                call: other,
            }
            .into(),
        );
    }
    all
}

/// Whether a call that makes another is refused for its origin, or made the other and that was.
fn refused(call: &RuntimeCall, origin: OriginCaller) -> bool {
    let origin_is_wrong = |error: &DispatchError| {
        let filtered = frame_system::Error::<Runtime>::CallFiltered.into();
        let sudo = pallet_sudo::Error::<Runtime>::RequireSudo.into();
        [DispatchError::BadOrigin, filtered, sudo].contains(error)
    };
    let (result, events) = frame_support::storage::with_transaction_unchecked(|| {
        System::reset_events();
        let result = call.clone().dispatch_bypass_filter(origin.into());
        TransactionOutcome::Rollback((result, System::events()))
    });
    let inner = events.into_iter().find_map(|e| match e.event {
        RuntimeEvent::Utility(
            pallet_utility::Event::BatchInterrupted { error, .. }
            | pallet_utility::Event::ItemFailed { error },
        ) => Some(error),
        RuntimeEvent::Proxy(pallet_proxy::Event::ProxyExecuted { result }) => result.err(),
        _ => None,
    });
    let error = result.err().map(|e| e.error).or(inner);
    error.is_some_and(|e| origin_is_wrong(&e))
}

#[test]
fn wrapped_call_should_be_open_to_nobody_who_may_not_make_it() {
    let funded = |genesis: &mut RuntimeGenesisConfig| {
        genesis.balances.balances = vec![(real(), 1_000 * token::UNIT)];
    };
    within(funded, || {
        let proxy = pallet_proxy::Call::<Runtime>::add_proxy {
            delegate: AccountId::new([9; 32]).into(),
            proxy_type: configs::ProxyType::Any,
            delay: 0,
        };
        let origin = RuntimeOrigin::signed(real());
        RuntimeCall::from(proxy)
            .dispatch_bypass_filter(origin)
            .unwrap();
        let mut tried = 0;
        for (name, call) in calls() {
            let governed = TABLE.iter().any(|(n, who)| *n == name && *who != ANY);
            let Some(call) = call.filter(|_| governed) else {
                continue;
            };
            // Root may do all, in whose name it likes.
            for (who, origin) in origins().into_iter().skip(1) {
                if may(&call, origin.clone()) {
                    continue;
                }
                for wrapper in wrapped(&call) {
                    assert!(
                        refused(&wrapper, origin.clone()),
                        "{who} makes {name} by {wrapper:?}"
                    );
                    tried += 1;
                }
            }
        }
        assert!(tried > 1_000, "{tried}");
    });
}
