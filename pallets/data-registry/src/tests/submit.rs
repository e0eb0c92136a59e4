// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;

fn submit(info: DatasetInfo) -> polkadot_sdk::sp_runtime::DispatchResult {
    Registry::submit(RuntimeOrigin::signed(CLARA), info)
}

#[test]
fn submit_should_store_the_data_set_and_hold_the_deposit() {
    build_and_execute(|| {
        submitted(info());
        let record = Datasets::<Test>::get(0).unwrap();
        assert_eq!(
            (record.info, record.submitter, record.deposit, record.block),
            (info(), CLARA, DEPOSIT, 7)
        );
        let event = Event::DatasetSubmitted {
            dataset: 0,
            submitter: CLARA,
        };
        assert_eq!(last_event(), event.into());
        submitted(info());
        assert!(Datasets::<Test>::contains_key(1));
        assert_eq!((NextDataset::<Test>::get(), held(CLARA)), (2, 2 * DEPOSIT));
    });
}

#[test]
fn submit_should_fail_when_licence_is_empty() {
    build_and_execute(|| {
        let info = DatasetInfo {
            licence: Default::default(),
            ..info()
        };
        assert_noop!(submit(info), Error::<Test>::LicenceEmpty);
    });
}

#[test]
fn submit_should_fail_one_past_each_bound_of_the_window() {
    build_and_execute(|| {
        let with = |window| submit(DatasetInfo { window, ..info() });
        assert_noop!(with(1), Error::<Test>::WindowOutOfRange);
        assert_noop!(with(MAX_WINDOW + 1), Error::<Test>::WindowOutOfRange);
        assert_ok!(with(2));
        assert_ok!(with(MAX_WINDOW));
    });
}

#[test]
fn submit_should_fail_when_no_sample_can_be_streamed() {
    build_and_execute(|| {
        let with = |samples| submit(DatasetInfo { samples, ..info() });
        assert_noop!(with(0), Error::<Test>::NothingToStream);
        assert_ok!(with(1));
    });
}

#[test]
fn submit_should_fail_when_unsigned_poor_or_indices_are_used_up() {
    build_and_execute(|| {
        assert_noop!(
            Registry::submit(RuntimeOrigin::root(), info()),
            DispatchError::BadOrigin
        );
        assert_noop!(
            Registry::submit(RuntimeOrigin::signed(POOR), info()),
            TokenError::FundsUnavailable
        );
        NextDataset::<Test>::put(u32::MAX);
        assert_noop!(submit(info()), Error::<Test>::IdsExhausted);
        NextDataset::<Test>::kill();
    });
}
