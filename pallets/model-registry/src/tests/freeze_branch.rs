// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;

#[test]
fn freeze_branch_should_be_shown_and_end_with_unfreeze_branch() {
    build_and_execute(|| {
        let (branch, head) = registered();
        assert!(!Registry::branch_view(branch).unwrap().frozen);
        assert_ok!(Registry::freeze_branch(RuntimeOrigin::root(), branch));
        assert_eq!(last_event(), Event::BranchFrozen { branch }.into());
        assert!(Registry::branch_view(branch).unwrap().frozen);
        // All else can be done with it.
        assert_ok!(Registry::admit_branch(
            RuntimeOrigin::root(),
            branch,
            admission(1)
        ));
        assert_ok!(Registry::set_recipe(
            RuntimeOrigin::root(),
            branch,
            recipe()
        ));
        assert_ok!(Registry::create_branch(
            RuntimeOrigin::signed(BERT),
            head,
            recipe()
        ));
        assert!(Branches::<Test>::get(branch).unwrap().frozen);
        assert!(!Branches::<Test>::get(branch + 1).unwrap().frozen);
        assert_ok!(Registry::unfreeze_branch(RuntimeOrigin::root(), branch));
        assert_eq!(last_event(), Event::BranchUnfrozen { branch }.into());
        assert!(!Registry::branch_view(branch).unwrap().frozen);
    });
}

#[test]
fn freezing_should_name_what_is_wrong() {
    build_and_execute(|| {
        let (branch, _) = registered();
        let (freeze, unfreeze) = (Registry::freeze_branch, Registry::unfreeze_branch);
        let root = RuntimeOrigin::root;
        assert_noop!(freeze(root(), 1), Error::<Test>::BranchUnknown);
        assert_noop!(unfreeze(root(), 1), Error::<Test>::BranchUnknown);
        assert_noop!(unfreeze(root(), branch), Error::<Test>::NotFrozen);
        assert_ok!(freeze(root(), branch));
        assert_noop!(freeze(root(), branch), Error::<Test>::BranchFrozen);
        for call in [freeze, unfreeze] {
            assert_noop!(
                call(RuntimeOrigin::signed(ANNA), branch),
                DispatchError::BadOrigin
            );
        }
    });
}
