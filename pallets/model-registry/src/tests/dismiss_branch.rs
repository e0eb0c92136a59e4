// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;

#[test]
fn dismiss_branch_should_take_the_admission_and_free_the_share() {
    build_and_execute(|| {
        registered();
        registered();
        for branch in [0, 1] {
            assert_ok!(Registry::admit_branch(
                RuntimeOrigin::root(),
                branch,
                admission(500_000)
            ));
        }
        assert_ok!(Registry::dismiss_branch(RuntimeOrigin::root(), 0));
        assert_eq!(last_event(), Event::BranchDismissed { branch: 0 }.into());
        assert_eq!(Branches::<Test>::get(0).unwrap().admission, None);
        assert_eq!(Admitted::<Test>::get().into_inner(), [1]);
        assert!(!Registry::branch_view(0).unwrap().admitted);
        assert_ok!(Registry::admit_branch(
            RuntimeOrigin::root(),
            1,
            admission(1_000_000)
        ));
    });
}

#[test]
fn dismiss_branch_should_fail_when_unknown_not_admitted_or_not_admin() {
    build_and_execute(|| {
        registered();
        assert_noop!(
            Registry::dismiss_branch(RuntimeOrigin::root(), 1),
            Error::<Test>::BranchUnknown
        );
        assert_noop!(
            Registry::dismiss_branch(RuntimeOrigin::root(), 0),
            Error::<Test>::NotAdmitted
        );
        assert_ok!(Registry::admit_branch(
            RuntimeOrigin::root(),
            0,
            admission(1)
        ));
        assert_noop!(
            Registry::dismiss_branch(RuntimeOrigin::signed(ANNA), 0),
            DispatchError::BadOrigin
        );
    });
}
