// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{ShardRoots, Shards, MAX_SHARDS};
use dream_primitives::value::{Shard, MAX_SHARD};
use dream_primitives::H256;

fn shard(number: u64) -> Shard<u64> {
    Shard {
        root: H256::from_low_u64_be(number),
        samples: 64,
        window: 129,
        steward: CLARA,
    }
}

fn commit(shard: Shard<u64>) -> polkadot_sdk::sp_runtime::DispatchResult {
    Registry::commit_shard(RuntimeOrigin::root(), 4, shard)
}

#[test]
fn shards_should_be_taken_once_and_oldest_first_of_the_window_asked_for() {
    build_and_execute(|| {
        assert_ok!(commit(shard(1)));
        let other = Shard {
            window: 65,
            ..shard(2)
        };
        assert_ok!(commit(other));
        assert_ok!(commit(shard(3)));
        assert_eq!(
            last_event(),
            Event::ShardCommitted {
                branch: 4,
                root: shard(3).root
            }
            .into()
        );
        assert_eq!(Registry::take_shard(5, 129), None);
        assert_eq!(Registry::take_shard(4, 129), Some(shard(1)));
        assert_eq!(Registry::take_shard(4, 129), Some(shard(3)));
        assert_eq!(Registry::take_shard(4, 129), None);
        assert_eq!(Registry::take_shard(4, 65), Some(other));
        assert!(!Shards::<Test>::contains_key(4));
    });
}

#[test]
fn shard_should_be_refused_when_its_root_was_committed_before_even_if_it_was_used() {
    build_and_execute(|| {
        assert_ok!(commit(shard(1)));
        assert_noop!(commit(shard(1)), Error::<Test>::ShardTwice);
        assert!(Registry::take_shard(4, 129).is_some());
        assert_noop!(commit(shard(1)), Error::<Test>::ShardTwice);
        assert!(ShardRoots::<Test>::contains_key(shard(1).root));
    });
}

#[test]
fn shard_should_be_refused_out_of_range_past_the_queue_and_by_others_than_the_admin() {
    build_and_execute(|| {
        for wrong in [
            Shard {
                samples: 0,
                ..shard(1)
            },
            Shard {
                samples: MAX_SHARD + 1,
                ..shard(1)
            },
            Shard {
                window: 1,
                ..shard(1)
            },
            Shard {
                window: MAX_WINDOW + 1,
                ..shard(1)
            },
        ] {
            assert_noop!(commit(wrong), Error::<Test>::ShardOutOfRange);
        }
        assert_noop!(
            Registry::commit_shard(RuntimeOrigin::signed(CLARA), 4, shard(1)),
            DispatchError::BadOrigin
        );
        for number in 0..u64::from(MAX_SHARDS) {
            assert_ok!(commit(shard(number)));
        }
        assert_noop!(commit(shard(99)), Error::<Test>::TooManyShards);
    });
}
