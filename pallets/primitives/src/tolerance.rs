// SPDX-License-Identifier: GPL-3.0-or-later
//! Distance of two replays of one segment, for the tolerant class: relative to the size of the update, in integers.

use crate::math::mul_div;

/// One, in parts per million.
pub const PPM: u128 = 1_000_000;

/// Sum of the squared differences, each below 2^64: fewer than 2^44 parameters sum to below 2^108. `None` when the
/// lengths differ.
fn squared_distance(a: &[i32], b: &[i32]) -> Option<u128> {
    if a.len() != b.len() {
        return None;
    }
    Some(a.iter().zip(b).fold(0u128, |sum, (x, y)| {
        let square = u64::from(x.abs_diff(*y)).saturating_mul(u64::from(x.abs_diff(*y)));
        sum.saturating_add(u128::from(square))
    }))
}

/// `|a - b| / |a - start|` (Euclidean norms) in parts per million, rounded up: zero only when `a` equals `b`.
///
/// `a` is the replay that the other one, `b`, is measured against; `start` is where both began; all are integers on one
/// grid. What passes `u32` is `u32::MAX`; so is a difference where `a` did not move. `None` when the lengths differ.
pub fn relative_distance_ppm(a: &[i32], b: &[i32], start: &[i32]) -> Option<u32> {
    let (apart, update) = (squared_distance(a, b)?, squared_distance(a, start)?);
    if apart == 0 {
        return Some(0);
    }
    // Floors, of the ratio and of the root: together below the exact value by less than one.
    let squared = mul_div(apart, PPM.saturating_mul(PPM), update).unwrap_or(u128::MAX);
    let root = squared.isqrt();
    let exact = root.saturating_mul(root) == squared
        && mul_div(squared, update, PPM.saturating_mul(PPM)) == Some(apart);
    let rounded = root.saturating_add(u128::from(!exact));
    Some(u32::try_from(rounded).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn distance_should_follow_the_float_reference_rounded_up(
            rows in prop::collection::vec((any::<i32>(), any::<i32>(), any::<i32>()), 1..60), shift in 0u32..31,
        ) {
            let column = |pick: fn(&(i32, i32, i32)) -> i32| -> Vec<i32> { rows.iter().map(pick).collect() };
            let (a, start) = (column(|r| r.0), column(|r| r.2));
            let b: Vec<i32> = rows.iter().map(|r| r.0.wrapping_add(r.1 >> shift)).collect();
            let norm = |x: &[i32], y: &[i32]| -> f64 {
                x.iter().zip(y).map(|(x, y)| (*x as f64 - *y as f64).powi(2)).sum::<f64>().sqrt()
            };
            prop_assume!(a != start);
            let exact = (norm(&a, &b) / norm(&a, &start) * 1e6).min(u32::MAX as f64);
            let found = relative_distance_ppm(&a, &b, &start).unwrap() as f64;
            prop_assert!(found >= exact - 1e-6 * exact && found <= exact + 1.0 + 1e-6 * exact, "{} for {}", found, exact);
        }

        #[test]
        fn distance_should_not_change_when_all_is_shifted_or_reordered(
            rows in prop::collection::vec((-1000i32..1000, -1000i32..1000, -1000i32..1000), 1..60), by in -(1i32 << 30)..(1 << 30), turn in 0usize..60,
        ) {
            let column = |pick: fn(&(i32, i32, i32)) -> i32, turn: usize, by: i32| -> Vec<i32> {
                let mut column: Vec<i32> = rows.iter().map(|r| pick(r) + by).collect();
                column.rotate_left(turn % rows.len());
                column
            };
            let at = |turn, by| relative_distance_ppm(&column(|r| r.0, turn, by), &column(|r| r.1, turn, by), &column(|r| r.2, turn, by));
            prop_assert_eq!(at(0, 0), at(turn, by));
        }
    }

    #[test]
    fn distance_should_be_exact_where_the_root_is_whole_and_rounded_up_elsewhere() {
        // |a - b| = 5, |a - start| = 50.
        assert_eq!(
            relative_distance_ppm(&[30, 40], &[33, 44], &[0, 0]),
            Some(100_000)
        );
        // sqrt(1/3) = 0.577350269...
        assert_eq!(
            relative_distance_ppm(&[1, 1, 1], &[1, 1, 0], &[0, 0, 0]),
            Some(577_351)
        );
        assert_eq!(
            relative_distance_ppm(&[1 << 30], &[(1 << 30) + 1], &[0]),
            Some(1)
        );
    }

    #[test]
    fn distance_should_be_zero_only_when_both_ends_are_equal() {
        assert_eq!(relative_distance_ppm(&[7, -7], &[7, -7], &[0, 0]), Some(0));
        assert_eq!(relative_distance_ppm(&[7], &[7], &[7]), Some(0));
        assert_eq!(relative_distance_ppm(&[7], &[8], &[7]), Some(u32::MAX));
        assert_eq!(
            relative_distance_ppm(&[i32::MAX], &[i32::MAX - 1], &[i32::MIN]),
            Some(1)
        );
    }

    #[test]
    fn distance_should_saturate_and_not_overflow_at_the_extremes() {
        let (low, high) = (vec![i32::MIN; 4096], vec![i32::MAX; 4096]);
        assert_eq!(relative_distance_ppm(&low, &high, &high), Some(1_000_000));
        let near: Vec<i32> = low.iter().map(|n| n + 1).collect();
        assert_eq!(relative_distance_ppm(&low, &high, &near), Some(u32::MAX));
    }

    #[test]
    fn distance_should_be_none_when_lengths_differ() {
        assert_eq!(relative_distance_ppm(&[1, 2], &[1], &[1, 2]), None);
        assert_eq!(relative_distance_ppm(&[1, 2], &[1, 2], &[1]), None);
    }
}
