// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;

#[test]
fn lineage_should_walk_to_the_root_across_branches_newest_first() {
    build_and_execute(|| {
        let (branch, first) = registered();
        let second = advanced(branch, 1);
        assert_ok!(Registry::create_branch(
            RuntimeOrigin::signed(BERT),
            second,
            recipe()
        ));
        let third = advanced(1, 2);
        advanced(branch, 3);
        let hashes = |max| -> Vec<H256> {
            Registry::lineage(third, max)
                .into_iter()
                .map(|view| {
                    assert_eq!(view.header.hash(), view.hash);
                    view.hash
                })
                .collect()
        };
        assert_eq!(hashes(10), [third, second, first]);
        assert_eq!(hashes(2), [third, second]);
        assert_eq!(hashes(0), []);
        assert!(Registry::lineage(H256::zero(), 10).is_empty());
    });
}

#[test]
fn lineage_should_stop_at_its_bound() {
    build_and_execute(|| {
        let (branch, _) = registered();
        let mut head = H256::zero();
        for i in 0..crate::MAX_LINEAGE {
            head = advanced(branch, i as u8);
        }
        let walked = Registry::lineage(head, u32::MAX);
        assert_eq!(walked.len(), crate::MAX_LINEAGE as usize);
        assert_eq!(walked.last().unwrap().header.number, 1);
    });
}

#[test]
fn lineage_should_end_at_a_foreign_parent() {
    build_and_execute(|| {
        let (_, version) = registered();
        let header = VersionHeader {
            parent: Parent::Foreign {
                chain: H256::repeat_byte(1),
                version,
            },
            ..Versions::<Test>::get(version).unwrap()
        };
        Versions::<Test>::insert(header.hash(), header);
        let walked = Registry::lineage(header.hash(), 10);
        assert_eq!(walked.len(), 1);
    });
}
