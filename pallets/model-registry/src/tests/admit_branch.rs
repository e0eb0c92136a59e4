// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use dream_primitives::registry::Admission;

fn admit(branch: u32, share: u32) -> polkadot_sdk::sp_runtime::DispatchResult {
    Registry::admit_branch(RuntimeOrigin::root(), branch, admission(share))
}

#[test]
fn admit_branch_should_list_branches_in_ascending_order() {
    build_and_execute(|| {
        for _ in 0..3 {
            registered();
        }
        for branch in [2, 0, 1] {
            assert_ok!(admit(branch, 100_000));
            let event = Event::BranchAdmitted {
                branch,
                admission: admission(100_000),
            };
            assert_eq!(last_event(), event.into());
        }
        assert_eq!(<Registry as ModelRegistry<u64>>::admitted(), [0, 1, 2]);
        assert_eq!(
            Branches::<Test>::get(1).unwrap().admission,
            Some(admission(100_000))
        );
        assert!(Registry::branch_view(1).unwrap().admitted);
    });
}

#[test]
fn admit_branch_should_fail_one_past_a_million() {
    build_and_execute(|| {
        registered();
        registered();
        assert_noop!(admit(0, 1_000_001), Error::<Test>::SharesExceeded);
        assert_ok!(admit(0, 600_000));
        assert_noop!(admit(1, 400_001), Error::<Test>::SharesExceeded);
        assert_noop!(admit(1, u32::MAX), Error::<Test>::SharesExceeded);
        assert_ok!(admit(1, 400_000));
    });
}

#[test]
fn admit_branch_should_replace_the_share_when_admitted_again() {
    build_and_execute(|| {
        registered();
        registered();
        assert_ok!(admit(0, 600_000));
        assert_ok!(admit(1, 400_000));
        assert_noop!(admit(0, 600_001), Error::<Test>::SharesExceeded);
        assert_ok!(admit(0, 500_000));
        assert_eq!(Admitted::<Test>::get().into_inner(), [0, 1]);
        assert_eq!(
            Branches::<Test>::get(0).unwrap().admission.unwrap().share,
            500_000
        );
    });
}

#[test]
fn admit_branch_should_fail_when_units_are_zero() {
    build_and_execute(|| {
        registered();
        let admission = Admission {
            share: 1,
            units_per_token: 0,
        };
        assert_noop!(
            Registry::admit_branch(RuntimeOrigin::root(), 0, admission),
            Error::<Test>::NoUnits
        );
    });
}

#[test]
fn admit_branch_should_fail_when_the_list_is_full() {
    build_and_execute(|| {
        for branch in 0..3 {
            registered();
            assert_ok!(admit(branch, 1));
        }
        registered();
        assert_noop!(admit(3, 1), Error::<Test>::TooManyAdmitted);
        assert_ok!(admit(2, 2));
    });
}

#[test]
fn admit_branch_should_fail_when_unknown_or_not_admin() {
    build_and_execute(|| {
        registered();
        assert_noop!(admit(1, 1), Error::<Test>::BranchUnknown);
        assert_noop!(
            Registry::admit_branch(RuntimeOrigin::signed(ANNA), 0, admission(1)),
            DispatchError::BadOrigin
        );
    });
}
