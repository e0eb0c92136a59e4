// SPDX-License-Identifier: GPL-3.0-or-later
//! Each invariant, broken once in storage, is named by `try_state`.

use super::*;
use polkadot_sdk::frame_support::traits::fungible::MutateHold;
use polkadot_sdk::frame_support::traits::tokens::Precision;
use polkadot_sdk::sp_runtime::TryRuntimeError;

/// Two models; branch 0 advanced once; branches 0 and 1 admitted. Then `breakage`, seen and rolled back.
fn broken(breakage: impl FnOnce(), message: &'static str) {
    build_and_execute(|| {
        registered();
        registered();
        advanced(0, 1);
        for branch in [0, 1] {
            assert_ok!(Registry::admit_branch(
                RuntimeOrigin::root(),
                branch,
                admission(500_000)
            ));
        }
        assert_ok!(Registry::do_try_state());
        let result = polkadot_sdk::frame_support::storage::with_transaction(|| {
            breakage();
            polkadot_sdk::sp_runtime::TransactionOutcome::Rollback(Ok::<_, DispatchError>(
                Registry::do_try_state(),
            ))
        });
        assert_eq!(
            result.unwrap(),
            Err(TryRuntimeError::Other(message)),
            "{message}"
        );
    });
}

fn edit_branch(branch: u32, change: impl FnOnce(&mut dream_primitives::registry::Branch<u64>)) {
    Branches::<Test>::mutate(branch, |slot| change(slot.as_mut().unwrap()));
}

#[test]
fn try_state_should_name_gaps_in_the_numbering() {
    let models = "model-registry: models are not numbered 0..NextModel";
    broken(|| NextModel::<Test>::put(3), models);
    broken(|| NextModel::<Test>::put(1), models);
    let branches = "model-registry: branches are not numbered 0..NextBranch";
    broken(|| NextBranch::<Test>::put(3), branches);
    broken(|| NextBranch::<Test>::put(1), branches);
}

#[test]
fn try_state_should_name_a_branch_that_is_wrong() {
    broken(
        || edit_branch(0, |b| b.model = 2),
        "model-registry: a branch has no model",
    );
    broken(
        || edit_branch(0, |b| b.head = H256::zero()),
        "model-registry: a branch has no head",
    );
    broken(
        || edit_branch(0, |b| b.head = Branches::<Test>::get(1).unwrap().head),
        "model-registry: a head is of another model",
    );
    broken(
        || edit_branch(0, |b| b.recipe.steps = 0),
        "model-registry: a recipe does not pass its check",
    );
    broken(
        || {
            Models::<Test>::mutate(0, |slot| {
                let dream_primitives::manifest::Architecture::Llama(config) =
                    &mut slot.as_mut().unwrap().architecture;
                config.dim = 0;
            })
        },
        "model-registry: an architecture does not pass its check",
    );
}

#[test]
fn try_state_should_name_a_version_that_is_wrong() {
    let head = || Branches::<Test>::get(0).unwrap().head;
    let insert = |change: fn(&mut VersionHeader)| {
        let mut header = Versions::<Test>::get(head()).unwrap();
        change(&mut header);
        Versions::<Test>::insert(header.hash(), header);
    };
    broken(
        || {
            let header = Versions::<Test>::get(head()).unwrap();
            Versions::<Test>::insert(H256::zero(), header);
        },
        "model-registry: a version is not under its hash",
    );
    broken(
        || insert(|h| h.branch = 2),
        "model-registry: a version has no branch",
    );
    broken(
        || insert(|h| h.branch = 1),
        "model-registry: a version is of another model than its branch",
    );
    broken(
        || insert(|h| h.parent = Parent::Local(H256::zero())),
        "model-registry: a version's parent is missing",
    );
    broken(
        || insert(|h| h.number = 2),
        "model-registry: a version does not follow its parent",
    );
}

#[test]
fn try_state_should_name_admissions_that_do_not_add_up() {
    broken(
        || edit_branch(0, |b| b.admission = None),
        "model-registry: Admitted is not the ascending list of admitted branches",
    );
    broken(
        Admitted::<Test>::kill,
        "model-registry: Admitted is not the ascending list of admitted branches",
    );
    broken(
        || edit_branch(0, |b| b.admission = Some(admission(500_001))),
        "model-registry: the shares pass one million",
    );
    broken(
        || edit_branch(0, |b| b.admission.as_mut().unwrap().units_per_token = 0),
        "model-registry: an admission has no units",
    );
}

#[test]
fn try_state_should_name_deposits_that_are_not_held() {
    broken(
        || {
            let reason = crate::HoldReason::Deposit.into();
            assert_ok!(Balances::release(&reason, &ANNA, 1, Precision::Exact));
        },
        "model-registry: what is held from an owner is not the sum of its deposits",
    );
}
