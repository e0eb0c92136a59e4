// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;

fn head(branch: u32) -> H256 {
    Branches::<Test>::get(branch).unwrap().head
}

#[test]
fn rewind_should_make_an_ancestor_the_head_and_keep_every_version() {
    build_and_execute(|| {
        let (branch, first) = registered();
        let second = advanced(branch, 1);
        let third = advanced(branch, 2);
        assert_eq!(Registry::rewind(branch, first), Some(third));
        assert_eq!(head(branch), first);
        let event = Event::HeadRewound {
            branch,
            from: third,
            to: first,
        };
        assert_eq!(last_event(), event.into());
        assert!([second, third].iter().all(Versions::<Test>::contains_key));
        let again = advanced(branch, 3);
        assert_eq!(Versions::<Test>::get(again).unwrap().number, 1);
        assert_eq!(Registry::version(again), Versions::<Test>::get(again));
        assert_eq!(Registry::version(H256::zero()), None);
    });
}

#[test]
fn rewind_should_go_back_across_branches_and_no_further_than_the_lineage() {
    build_and_execute(|| {
        let (branch, first) = registered();
        let second = advanced(branch, 1);
        assert_ok!(Registry::create_branch(
            RuntimeOrigin::signed(BERT),
            second,
            recipe()
        ));
        let third = advanced(1, 2);
        let other = advanced(branch, 3);
        let refused = |branch, to| {
            assert_noop!(Registry::rewind(branch, to).ok_or(()), ());
        };
        refused(1, other);
        refused(branch, third);
        refused(1, H256::zero());
        refused(2, first);
        assert_eq!(Registry::rewind(1, first), Some(third));
        assert_eq!((head(1), head(branch)), (first, other));
        refused(1, third);
    });
}

#[test]
fn rewind_should_change_nothing_when_the_version_is_the_head() {
    build_and_execute(|| {
        let (branch, _) = registered();
        let second = advanced(branch, 1);
        let events = System::events().len();
        assert_eq!(Registry::rewind(branch, second), Some(second));
        assert_eq!(System::events().len(), events);
    });
}

#[test]
fn rewind_should_refuse_when_the_version_is_further_back_than_the_bound() {
    build_and_execute(|| {
        let (branch, first) = registered();
        for i in 0..crate::MAX_LINEAGE {
            advanced(branch, i as u8);
        }
        let second = Registry::lineage(head(branch), u32::MAX)
            .pop()
            .unwrap()
            .hash;
        advanced(branch, 0);
        assert_noop!(Registry::rewind(branch, first).ok_or(()), ());
        assert!(Registry::rewind(branch, second).is_some());
    });
}
