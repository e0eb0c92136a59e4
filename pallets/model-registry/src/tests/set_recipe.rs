// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use dream_primitives::recipe::Recipe;

#[test]
fn set_recipe_should_change_the_recipe_and_nothing_else() {
    build_and_execute(|| {
        let (branch, _) = registered();
        let before = Branches::<Test>::get(branch).unwrap();
        let recipe = Recipe {
            steps: 10,
            ..recipe()
        };
        assert_ok!(Registry::set_recipe(RuntimeOrigin::root(), branch, recipe));
        assert_eq!(last_event(), Event::RecipeSet { branch }.into());
        let mut expected = before;
        expected.recipe = recipe;
        assert_eq!(
            <Registry as ModelRegistry<u64>>::branch(branch),
            Some(expected)
        );
    });
}

#[test]
fn set_recipe_should_name_what_is_wrong_when_recipe_is() {
    build_and_execute(|| {
        let (branch, _) = registered();
        for (recipe, error) in wrong_recipes() {
            assert_noop!(
                Registry::set_recipe(RuntimeOrigin::root(), branch, recipe),
                error
            );
        }
    });
}

#[test]
fn set_recipe_should_fail_when_unknown_or_not_admin() {
    build_and_execute(|| {
        let (branch, _) = registered();
        assert_noop!(
            Registry::set_recipe(RuntimeOrigin::root(), 1, recipe()),
            Error::<Test>::BranchUnknown
        );
        assert_noop!(
            Registry::set_recipe(RuntimeOrigin::signed(ANNA), branch, recipe()),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn set_recipe_should_fail_when_the_model_is_gone() {
    build_and_execute(|| {
        let (branch, _) = registered();
        let model = Models::<Test>::take(0).unwrap();
        assert_noop!(
            Registry::set_recipe(RuntimeOrigin::root(), branch, recipe()),
            Error::<Test>::ModelUnknown
        );
        Models::<Test>::insert(0, model);
    });
}
