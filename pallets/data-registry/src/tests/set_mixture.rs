// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;

fn set(entries: &[(u32, u32)]) -> polkadot_sdk::sp_runtime::DispatchResult {
    Registry::set_mixture(RuntimeOrigin::root(), 4, mixture(entries))
}

#[test]
fn set_mixture_should_serve_entries_with_their_samples() {
    build_and_execute(|| {
        submitted(info());
        submitted(DatasetInfo {
            samples: 55,
            ..info()
        });
        assert_ok!(set(&[(1, 3), (0, 1)]));
        assert_eq!(last_event(), Event::MixtureSet { branch: 4 }.into());
        let entries = mixture(&[(1, 3), (0, 1)]);
        let expected = vec![(entries[0], 55), (entries[1], 100)];
        assert_eq!(Registry::mixture(4, 129).unwrap().into_inner(), expected);
        assert_eq!(Registry::mixture(4, 128), None);
        assert_eq!(Registry::mixture(5, 129), None);

        assert_ok!(set(&[(0, 1)]));
        assert_eq!(Mixtures::<Test>::get(4), Some(mixture(&[(0, 1)])));
    });
}

#[test]
fn set_mixture_should_serve_as_many_entries_as_it_may_have() {
    build_and_execute(|| {
        let entries: Vec<(u32, u32)> = (0..MAX_MIXTURE).map(|i| (i, u32::MAX)).collect();
        for _ in &entries {
            submitted(info());
        }
        assert_ok!(set(&entries));
        let served = Registry::mixture(4, 129).unwrap();
        assert_eq!(served.len(), MAX_MIXTURE as usize);
    });
}

#[test]
fn set_mixture_should_fail_when_an_entry_is_wrong() {
    build_and_execute(|| {
        submitted(info());
        submitted(DatasetInfo {
            window: 130,
            ..info()
        });
        assert_ok!(set(&[(0, 1)]));
        assert_noop!(set(&[(0, 0)]), Error::<Test>::WeightZero);
        assert_noop!(set(&[(0, 1), (0, 2)]), Error::<Test>::DatasetTwice);
        assert_noop!(set(&[(0, 1), (2, 1)]), Error::<Test>::DatasetUnknown);
        assert_noop!(set(&[(0, 1), (1, 1)]), Error::<Test>::WindowsDiffer);
    });
}

#[test]
fn set_mixture_should_fail_when_not_admin() {
    build_and_execute(|| {
        submitted(info());
        assert_noop!(
            Registry::set_mixture(RuntimeOrigin::signed(CLARA), 4, mixture(&[(0, 1)])),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn set_mixture_should_end_a_branchs_rounds_when_it_is_empty() {
    build_and_execute(|| {
        submitted(info());
        assert_ok!(set(&[(0, 1)]));
        assert_ok!(set(&[]));
        assert_eq!(last_event(), Event::MixtureSet { branch: 4 }.into());
        assert!(!Mixtures::<Test>::contains_key(4));
        assert_eq!(Registry::mixture(4, 129), None);
        assert_ok!(set(&[]));
    });
}

#[test]
fn set_mixture_should_note_the_last_round_that_may_draw_from_a_set() {
    build_and_execute(|| {
        submitted(info());
        submitted(info());
        let uses = |dataset| Uses::<Test>::get(dataset).into_inner();
        let of = |last| vec![DatasetUse { branch: 4, last }];
        assert_ok!(set(&[(0, 1), (1, 1)]));
        rounds(4, 9, &[8, 9]);
        assert_ok!(set(&[(1, 2)]));
        assert_eq!((uses(0), uses(1)), (of(Some(9)), of(None)));
        assert_ok!(set(&[(0, 1)]));
        assert_eq!((uses(0), uses(1)), (of(None), of(Some(9))));
        // No round of branch 5 ever drew from it.
        assert_ok!(set_mixture(5, &[(1, 1)]));
        assert_eq!(uses(1).len(), 2);
        assert_ok!(set_mixture(5, &[]));
        assert_eq!(uses(1), of(Some(9)));
    });
}

#[test]
fn set_mixture_should_fail_when_a_set_serves_as_many_branches_as_it_may() {
    build_and_execute(|| {
        submitted(info());
        for branch in 0..MAX_USES {
            rounds(branch, 1, &[1]);
            assert_ok!(set_mixture(branch, &[(0, 1)]));
        }
        assert_noop!(set_mixture(99, &[(0, 1)]), Error::<Test>::TooManyUses);
        assert_ok!(set_mixture(7, &[]));
        assert_noop!(set_mixture(99, &[(0, 1)]), Error::<Test>::TooManyUses);
        rounds(7, 2, &[2]);
        assert_ok!(set_mixture(99, &[(0, 1)]));
    });
}
