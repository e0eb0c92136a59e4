// SPDX-License-Identifier: GPL-3.0-or-later
//! Phases and masks.

use super::*;
use crate::cid::CidCodec;
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #[test]
    fn mask_should_hold_what_was_put_in(places in prop::collection::btree_set(0u16..256, 0..60), more in 0u16..600) {
        let mut mask = CohortMask::default();
        places.iter().for_each(|p| mask.insert(*p));
        prop_assert_eq!(mask.count() as usize, places.len());
        prop_assert!((0..300).all(|p| mask.contains(p) == places.contains(&p)));
        let mut larger = mask;
        for p in &places {
            let mut without = mask;
            without.remove(*p);
            prop_assert!(!without.contains(*p) && without.count() + 1 == mask.count());
        }
        larger.insert(more);
        prop_assert!(mask.within(&larger));
        prop_assert_eq!(larger.within(&mask), more >= 256 || places.contains(&more));
    }
}

#[test]
fn every_phase_should_be_reached_from_registration_and_lead_to_closed() {
    let mut reached = vec![PrivatePhase::Registration];
    let mut seen: BTreeSet<u8> = BTreeSet::new();
    while let Some(phase) = reached.pop() {
        if !seen.insert(phase.encode()[0]) {
            continue;
        }
        let next: Vec<_> = PRIVATE_TABLE.iter().filter(|t| t.0 == phase).collect();
        assert_eq!(next.is_empty(), phase == PrivatePhase::Closed, "{phase:?}");
        reached.extend(next.iter().map(|t| t.2));
    }
    assert_eq!(
        seen.len(),
        usize::from(PrivatePhase::Closed.encode()[0]) + 1
    );
    for (from, on, to) in PRIVATE_TABLE {
        assert_eq!(from.next(*on), Some(*to));
    }
}

/// Nobody is asked to decrypt before the sum could be disputed, and no sum is made before the audit.
#[test]
fn decryption_should_be_reached_only_through_audit_and_dispute() {
    let before = |phase| {
        PRIVATE_TABLE
            .iter()
            .filter(move |t| t.2 == phase)
            .map(|t| t.0)
    };
    assert!(before(PrivatePhase::Decryption).eq([PrivatePhase::SumDispute]));
    assert!(before(PrivatePhase::Summing)
        .all(|p| matches!(p, PrivatePhase::Audit | PrivatePhase::SumDispute)));
}

#[test]
fn commitment_should_bind_account_round_roots_and_salt() {
    let of = |account: u8, number: u32, data: u8, keys: u8, salt: u8| {
        let roots = CiphertextRoots {
            data: H256::repeat_byte(data),
            keys: H256::repeat_byte(keys),
            cid: Cid {
                codec: CidCodec::Raw,
                digest: [1; 32],
            },
        };
        let round = RoundId { branch: 1, number };
        roots.commitment(
            &H256::zero(),
            &[account; 32],
            &round,
            &H256::repeat_byte(salt),
        )
    };
    let all = [
        of(1, 1, 1, 1, 1),
        of(2, 1, 1, 1, 1),
        of(1, 2, 1, 1, 1),
        of(1, 1, 2, 1, 1),
        of(1, 1, 1, 2, 1),
        of(1, 1, 1, 1, 2),
    ];
    assert!((0..6).all(|i| (0..i).all(|j| all[i] != all[j])));
}
