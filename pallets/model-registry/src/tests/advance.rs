// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;

fn new_version() -> NewVersion {
    NewVersion {
        state_root: H256::repeat_byte(4),
        server_root: H256::repeat_byte(5),
        cid: cid(),
        server_cid: Some(cid()),
        contributions_root: H256::repeat_byte(6),
    }
}

/// The pallet refuses and writes nothing.
fn refused(header: VersionHeader) {
    assert_noop!(Registry::advance(header).ok_or(()), ());
}

#[test]
fn next_header_should_follow_the_head() {
    build_and_execute(|| {
        let (branch, base) = registered();
        let new = new_version();
        let header = Registry::next_header(branch, base, new, &recipe()).unwrap();
        assert_eq!(
            header,
            VersionHeader {
                model: 0,
                branch,
                number: 1,
                parent: Parent::Local(base),
                state_root: new.state_root,
                server_root: new.server_root,
                cid: new.cid,
                server_cid: new.server_cid,
                contributions_root: new.contributions_root,
                rule: MergeRule {
                    rule: recipe().rule,
                    server: recipe().server,
                },
                block: 7,
            }
        );
        assert_eq!(Registry::next_header(1, base, new, &recipe()), None);
        assert_eq!(
            Registry::next_header(branch, H256::zero(), new, &recipe()),
            None
        );
        advanced(branch, 1);
        assert_eq!(
            Registry::next_header(branch, base, new, &recipe()),
            None,
            "a version that is no longer the head"
        );
    });
}

#[test]
fn advance_should_move_the_head_of_its_branch_only() {
    build_and_execute(|| {
        let (branch, parent) = registered();
        assert_ok!(Registry::create_branch(
            RuntimeOrigin::signed(BERT),
            parent,
            recipe()
        ));
        let header = Registry::next_header(branch, parent, new_version(), &recipe()).unwrap();
        let version = Registry::advance(header).unwrap();
        assert_eq!(version, header.hash());
        assert_eq!(Branches::<Test>::get(branch).unwrap().head, version);
        assert_eq!(Branches::<Test>::get(1).unwrap().head, parent);
        assert_eq!(Versions::<Test>::get(version), Some(header));
        let event = Event::HeadAdvanced {
            branch,
            number: 1,
            version,
            parent,
        };
        assert_eq!(last_event(), event.into());
        let view = Registry::branch_view(branch).unwrap();
        assert_eq!((view.head, view.header), (version, header));
        assert_eq!(Registry::branch_view(2), None);
    });
}

#[test]
fn advance_should_refuse_when_the_header_does_not_follow_the_head() {
    build_and_execute(|| {
        let (branch, base) = registered();
        registered();
        let header = Registry::next_header(branch, base, new_version(), &recipe()).unwrap();
        refused(VersionHeader {
            parent: Parent::None,
            ..header
        });
        refused(VersionHeader {
            parent: Parent::Local(H256::zero()),
            ..header
        });
        refused(VersionHeader {
            number: 2,
            ..header
        });
        refused(VersionHeader { model: 1, ..header });
        refused(VersionHeader {
            branch: 1,
            ..header
        });
        refused(VersionHeader {
            branch: 2,
            ..header
        });
        assert!(Registry::advance(header).is_some());
        refused(header);
    });
}

#[test]
fn architecture_should_be_that_of_the_model() {
    build_and_execute(|| {
        registered();
        let of = <Registry as ModelRegistry<u64>>::architecture;
        assert_eq!((of(0), of(1)), (Some(architecture()), None));
    });
}
