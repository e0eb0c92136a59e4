// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{Error, Profiles, Verifiers};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use polkadot_sdk::sp_runtime::DispatchError;

#[test]
fn register_profile_should_need_admission_unless_any_is_admitted() {
    build_and_execute(|| {
        let register = |leaf| UsefulWork::register_profile(origin(1), 0, settings(), leaf);
        assert_ok!(register(LEAF));
        PARAMETERS.with_borrow_mut(|p| p.audit.admit_any_profile = false);
        let other = H256::repeat_byte(8);
        assert_noop!(register(other), Error::<Test>::ProfileNotAdmitted);
        assert_noop!(
            UsefulWork::admit_profile(origin(1), other),
            DispatchError::BadOrigin
        );
        assert_ok!(UsefulWork::admit_profile(RuntimeOrigin::root(), other));
        assert_ok!(register(other));
        assert_eq!(Profiles::<Test>::get(0, 1).unwrap().leaf, other);
        assert_noop!(
            UsefulWork::dismiss_profile(origin(1), other),
            DispatchError::BadOrigin
        );
        assert_ok!(UsefulWork::dismiss_profile(RuntimeOrigin::root(), other));
        assert_noop!(register(other), Error::<Test>::ProfileNotAdmitted);
    });
}

#[test]
fn register_profile_should_fail_when_the_branch_is_unknown() {
    build_and_execute(|| {
        assert_noop!(
            UsefulWork::register_profile(origin(1), 9, settings(), LEAF),
            Error::<Test>::UnknownBranch
        );
    });
}

#[test]
fn enlist_should_need_profile_and_bond_and_happen_once() {
    build_and_execute(|| {
        assert_noop!(
            UsefulWork::enlist_verifier(origin(5), 0),
            Error::<Test>::WrongProfile
        );
        assert_ok!(UsefulWork::register_profile(origin(5), 0, settings(), LEAF));
        assert_noop!(
            UsefulWork::enlist_verifier(origin(5), 0),
            Error::<Test>::BondTooSmall
        );
        assert_ok!(UsefulWork::bond(origin(5), 100 * DREAM - 1));
        assert_noop!(
            UsefulWork::enlist_verifier(origin(5), 0),
            Error::<Test>::BondTooSmall
        );
        assert_ok!(UsefulWork::bond(origin(5), 1));
        assert_ok!(UsefulWork::enlist_verifier(origin(5), 0));
        assert_noop!(
            UsefulWork::enlist_verifier(origin(5), 0),
            Error::<Test>::AlreadyEnlisted
        );
        assert_eq!(Verifiers::<Test>::get(0).into_inner(), [5]);
        assert_noop!(
            UsefulWork::retire_verifier(origin(6), 0),
            Error::<Test>::NotEnlisted
        );
        assert_ok!(UsefulWork::retire_verifier(origin(5), 0));
        assert!(Verifiers::<Test>::get(0).is_empty());
    });
}

#[test]
fn enlist_should_fail_when_the_list_is_full() {
    build_and_execute(|| {
        let full = (1000..1000 + u64::from(crate::MAX_VERIFIERS)).collect();
        Verifiers::<Test>::insert(0, BoundedVec::truncate_from(full));
        assert_ok!(UsefulWork::register_profile(origin(5), 0, settings(), LEAF));
        assert_ok!(UsefulWork::bond(origin(5), 100 * DREAM));
        assert_noop!(
            UsefulWork::enlist_verifier(origin(5), 0),
            Error::<Test>::TooManyVerifiers
        );
    });
}
