// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use dream_primitives::recipe::{Recipe, ServerOptimiser};

fn sgd() -> Recipe {
    Recipe {
        server: ServerOptimiser::Sgd {
            learning_rate: 1 << 16,
        },
        context: 64,
        ..recipe()
    }
}

#[test]
fn create_branch_should_start_from_the_parent_version() {
    build_and_execute(|| {
        let (first, version) = registered();
        let parent = advanced(first, 1);
        advanced(first, 2);
        assert_ok!(Registry::create_branch(
            RuntimeOrigin::signed(BERT),
            parent,
            sgd()
        ));
        let branch = Branches::<Test>::get(1).unwrap();
        assert_eq!(
            (branch.model, branch.owner, branch.head, branch.recipe),
            (0, BERT, parent, sgd())
        );
        assert_eq!((branch.admission, branch.deposit), (None, DEPOSIT));
        assert_eq!((held(ANNA), held(BERT)), (DEPOSIT, DEPOSIT));
        let event = Event::BranchCreated {
            branch: 1,
            model: 0,
            owner: BERT,
            parent,
        };
        assert_eq!(last_event(), event.into());

        let head = advanced(1, 3);
        let header = Versions::<Test>::get(head).unwrap();
        assert_eq!((header.branch, header.number), (1, 2));
        assert_eq!(header.parent, Parent::Local(parent));
        assert_ne!(parent, version);
    });
}

#[test]
fn create_branch_should_fail_when_parent_is_unknown() {
    build_and_execute(|| {
        registered();
        assert_noop!(
            Registry::create_branch(RuntimeOrigin::signed(BERT), H256::zero(), sgd()),
            Error::<Test>::VersionUnknown
        );
    });
}

#[test]
fn create_branch_should_name_what_is_wrong_when_recipe_is() {
    build_and_execute(|| {
        let (_, parent) = registered();
        for (recipe, error) in wrong_recipes() {
            assert_noop!(
                Registry::create_branch(RuntimeOrigin::signed(BERT), parent, recipe),
                error
            );
        }
    });
}

#[test]
fn create_branch_should_fail_when_unsigned_poor_or_indices_are_used_up() {
    build_and_execute(|| {
        let (_, parent) = registered();
        assert_noop!(
            Registry::create_branch(RuntimeOrigin::root(), parent, sgd()),
            DispatchError::BadOrigin
        );
        assert_noop!(
            Registry::create_branch(RuntimeOrigin::signed(POOR), parent, sgd()),
            TokenError::FundsUnavailable
        );
        NextBranch::<Test>::put(u32::MAX);
        assert_noop!(
            Registry::create_branch(RuntimeOrigin::signed(BERT), parent, sgd()),
            Error::<Test>::IdsExhausted
        );
        NextBranch::<Test>::put(1);
    });
}

#[test]
fn create_branch_should_fail_when_the_model_is_gone() {
    build_and_execute(|| {
        let (_, parent) = registered();
        let model = Models::<Test>::take(0).unwrap();
        assert_noop!(
            Registry::create_branch(RuntimeOrigin::signed(BERT), parent, sgd()),
            Error::<Test>::ModelUnknown
        );
        Models::<Test>::insert(0, model);
    });
}
