// SPDX-License-Identifier: GPL-3.0-or-later
//! Draws from the audit seed, and what they detect.

use crate::hashing::{hash, low_u128, Domain};
use crate::math::to_u64;
use crate::{Balance, H256};
use alloc::vec::Vec;

/// Most audited segments of a claim.
pub const MAX_AUDITED: u32 = 16;
/// Most members of a committee.
pub const MAX_COMMITTEE: u32 = 16;
/// 1.0 in the fixed point of [`detection`].
pub const ONE: u64 = 1 << 32;

/// The audited segments of a claim of `segments` segments: the last, and `audited - 1` others drawn evenly without
/// replacement. Ascending. All segments when `audited >= segments`.
pub fn segments(
    genesis: &H256,
    seed: &H256,
    claim: &H256,
    segments: u16,
    audited: u16,
) -> Vec<u16> {
    let Some(last) = segments.checked_sub(1) else {
        return Vec::new();
    };
    let mut pool: Vec<u16> = (0..last).collect();
    let mut drawn = Vec::new();
    for i in 1..audited {
        let n = to_u64(pool.len());
        let r = hash(
            Domain::Segments,
            genesis,
            &[seed.as_bytes(), claim.as_bytes(), &i.to_le_bytes()],
        );
        let Some(at) = low_u128(&r).checked_rem(u128::from(n)) else {
            break;
        };
        drawn.push(pool.swap_remove(usize::try_from(at).unwrap_or(0)));
    }
    drawn.push(last);
    drawn.sort_unstable();
    drawn
}

/// Indices of a committee of at most `size` drawn from `bonds` without replacement, each time with a chance in
/// proportion to the bond. Candidates with no bond are never drawn.
pub fn committee(
    genesis: &H256,
    seed: &H256,
    claim: &H256,
    bonds: &[Balance],
    size: u16,
) -> Vec<u32> {
    let mut pool: Vec<(u32, Balance)> = (0u32..)
        .zip(bonds.iter().copied())
        .filter(|(_, b)| *b > 0)
        .collect();
    let mut drawn = Vec::new();
    for i in 0..size {
        let total = pool.iter().fold(0u128, |n, (_, b)| n.saturating_add(*b));
        let r = hash(
            Domain::Committee,
            genesis,
            &[seed.as_bytes(), claim.as_bytes(), &i.to_le_bytes()],
        );
        let Some(mut at) = low_u128(&r).checked_rem(total) else {
            break;
        };
        let hit = pool.iter().position(|(_, b)| match at.checked_sub(*b) {
            Some(rest) => {
                at = rest;
                false
            }
            None => true,
        });
        let Some(hit) = hit else { break };
        drawn.push(pool.remove(hit).0);
    }
    drawn
}

/// Chance, in units of 2^-32 rounded down, that an audit of `audited` of `segments` segments (always the last) meets
/// one of `faked` faked segments when the last is not faked: 1 - C(S-1-F, q-1) / C(S-1, q-1).
pub fn detection(segments: u16, audited: u16, faked: u16) -> u64 {
    let others = u64::from(segments).saturating_sub(1);
    let drawn = u64::from(audited).saturating_sub(1);
    let faked = u64::from(faked).min(others);
    // Missing all draws: product over i < drawn of (others - faked - i) / (others - i), each factor rounded up.
    let miss = (0..drawn.min(others)).fold(ONE, |miss, i| {
        let clean = others.saturating_sub(faked).saturating_sub(i);
        let left = others.saturating_sub(i);
        // miss <= 2^32 and clean < 2^16
        miss.saturating_mul(clean)
            .checked_next_multiple_of(left)
            .unwrap_or(u64::MAX)
            .checked_div(left)
            .unwrap_or(0)
    });
    ONE.saturating_sub(miss)
}

/// Detection left when the author of the seed may choose the best of 2^`bits` seeds: p^(2^bits), rounded down.
pub fn biased(detection: u64, bits: u8) -> u64 {
    (0..bits).fold(detection, |p, _| {
        u64::try_from((u128::from(p).wrapping_mul(u128::from(p))) >> 32).unwrap_or(ONE)
    })
}

/// Whether at least two thirds of `all` are `yes`; never when `all` is zero.
pub fn two_thirds(yes: u32, all: u32) -> bool {
    all > 0 && u64::from(yes).saturating_mul(3) >= u64::from(all).saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn h(n: u64) -> H256 {
        H256::from_low_u64_be(n)
    }

    proptest! {
        #[test]
        fn segments_should_be_distinct_in_range_and_hold_the_last(s in 1u16..200, q in 1u16..16, seed: u64) {
            let drawn = segments(&h(0), &h(seed), &h(1), s, q);
            prop_assert_eq!(drawn.len(), usize::from(q.min(s)));
            prop_assert!(drawn.windows(2).all(|w| w[0] < w[1]));
            prop_assert_eq!(*drawn.last().unwrap(), s - 1);
        }

        #[test]
        fn committee_should_be_distinct_and_bonded(bonds in prop::collection::vec(0u128..1000, 0..40), size in 1u16..16, seed: u64) {
            let drawn = committee(&h(0), &h(seed), &h(1), &bonds, size);
            let able = bonds.iter().filter(|b| **b > 0).count();
            prop_assert_eq!(drawn.len(), able.min(usize::from(size)));
            let mut sorted = drawn.clone();
            sorted.sort_unstable();
            sorted.dedup();
            prop_assert_eq!(sorted.len(), drawn.len());
            prop_assert!(drawn.iter().all(|i| bonds[*i as usize] > 0));
        }
    }

    #[test]
    fn committee_should_follow_the_bonds() {
        let hits = (0..3000u64)
            .filter(|s| committee(&h(0), &h(*s), &h(1), &[300, 100], 1) == [0])
            .count();
        assert!((2100..2400).contains(&hits), "{hits} of 3000");
    }

    #[test]
    fn detection_should_be_the_figures_of_the_design() {
        let p = |f| detection(64, 4, f) as f64 / ONE as f64;
        assert!((p(16) - 0.5917).abs() < 0.0001, "{}", p(16));
        assert!((1.0 - (1.0 - p(16)).powi(3) - 0.93).abs() < 0.01);
        assert!((p(1) - 3.0 / 63.0).abs() < 1e-6);
        assert_eq!(detection(64, 1, 10), 0);
        assert_eq!(detection(8, 8, 1), ONE);
        assert_eq!(biased(ONE, 3), ONE);
        assert_eq!(biased(ONE / 2, 1), ONE / 4);
    }

    #[test]
    fn detection_should_match_the_draws() {
        let faked = [1u16, 5];
        let found = (0..4000u64)
            .filter(|s| {
                segments(&h(0), &h(*s), &h(1), 8, 3)
                    .iter()
                    .any(|i| faked.contains(i))
            })
            .count();
        let expected = detection(8, 3, 2) as f64 / ONE as f64 * 4000.0;
        assert!(
            (found as f64 - expected).abs() < 130.0,
            "{found} against {expected}"
        );
    }

    #[test]
    fn two_thirds_should_hold_from_the_exact_bound() {
        assert!(two_thirds(2, 3) && !two_thirds(1, 3) && two_thirds(4, 6) && !two_thirds(3, 5));
        assert!(!two_thirds(0, 0));
    }
}
