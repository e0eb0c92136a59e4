// SPDX-License-Identifier: GPL-3.0-or-later
//! Clipping of a delta to a norm and to a range, exactly and in integers.

/// Binary digits of the scale.
const SCALE_BITS: u32 = 32;

/// A bound that no clip has, or a shift that no round has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClipError {
    /// The norm's bound is 0, or its square does not fit 64 bits.
    #[error("norm {0} of a clip is not in 1..2^32")]
    Norm(u64),
    /// The values' bound is 0 or no code.
    #[error("bound {0} of a clip's values is not in 1..=127")]
    Bound(u32),
    /// A code cannot count so many grid steps.
    #[error("a code cannot count 2^{0} grid steps: at most 2^31")]
    Shift(u8),
}

/// Takes any vector of grid steps to a vector of codes whose Euclidean norm is at most `norm` and whose values are at most
/// `bound` in absolute value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Clip {
    norm: u64,
    bound: u32,
}

impl Clip {
    /// A clip to a norm and to a bound on every value.
    pub fn new(norm: u64, bound: u32) -> Result<Self, ClipError> {
        if norm == 0 || norm > u64::from(u32::MAX) {
            return Err(ClipError::Norm(norm));
        }
        if bound == 0 || bound > 127 {
            return Err(ClipError::Bound(bound));
        }
        Ok(Self { norm, bound })
    }

    /// Codes of a delta: each counts 2^shift grid steps, rounded half away from zero, then cut to the bound. If their norm is
    /// above that of the clip, the delta is first scaled down by the largest k / 2^32 at which it is not.
    ///
    /// The steps should be as fine as there are: where all values are equal, all round to zero at once.
    pub fn apply(&self, steps: &[i32], shift: u8) -> Result<Vec<i8>, ClipError> {
        let shift = u32::from(shift);
        if shift >= SCALE_BITS {
            return Err(ClipError::Shift(shift as u8));
        }
        // Rounding and cutting are monotone in k, so that the norm is: bisection finds the largest.
        let (mut fits, mut top) = (0, 1u64 << (SCALE_BITS - shift));
        while fits < top {
            let middle = fits + (top - fits).div_ceil(2);
            if self.holds(steps, middle) {
                fits = middle;
            } else {
                top = middle - 1;
            }
        }
        let codes = steps.iter().map(|step| {
            // At most 127.
            let code = self.magnitude(*step, fits) as i8;
            if *step < 0 {
                -code
            } else {
                code
            }
        });
        Ok(codes.collect())
    }

    /// |step| k / 2^32, rounded half up, at most the bound.
    fn magnitude(&self, step: i32, k: u64) -> u64 {
        // |step| <= 2^31 and k <= 2^32: the product is below 2^64 with the half added.
        let scaled = (u64::from(step.unsigned_abs()) * k + (1 << (SCALE_BITS - 1))) >> SCALE_BITS;
        scaled.min(self.bound.into())
    }

    fn holds(&self, steps: &[i32], k: u64) -> bool {
        let most = self.norm * self.norm;
        let mut sum = 0u64;
        steps.iter().all(|step| {
            let magnitude = self.magnitude(*step, k);
            // Before the addition the sum was below 2^64 - 2^33, and a square is below 2^14.
            sum += magnitude * magnitude;
            sum <= most
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn square(codes: &[i8]) -> u64 {
        codes
            .iter()
            .map(|c| u64::from(c.unsigned_abs()).pow(2))
            .sum()
    }

    proptest! {
        #[test]
        fn norm_and_values_should_stay_in_bounds_whatever_the_delta(
            steps in prop::collection::vec(prop_oneof![any::<i32>(), -200i32..200, Just(i32::MIN), Just(0)], 0..300),
            norm in 1u64..5_000, bound in 1u32..=127, shift in 0u8..32,
        ) {
            let codes = Clip::new(norm, bound).unwrap().apply(&steps, shift).unwrap();
            prop_assert_eq!(codes.len(), steps.len());
            prop_assert!(square(&codes) <= norm * norm);
            for (code, step) in codes.iter().zip(&steps) {
                prop_assert!(u32::from(code.unsigned_abs()) <= bound);
                prop_assert!(*code == 0 || (*code < 0) == (*step < 0));
            }
        }

        #[test]
        fn scale_should_be_the_largest_that_fits(
            steps in prop::collection::vec(-100_000i32..100_000, 1..50), norm in 1u64..2_000,
        ) {
            let clip = Clip::new(norm, 127).unwrap();
            let codes = clip.apply(&steps, 0).unwrap();
            // The scale found by trying: one more than any that gives these codes would give a norm beyond the clip's.
            let at = |k: u64| -> Vec<i8> {
                steps.iter().map(|s| {
                    let exact = (i128::from(*s).abs() * i128::from(k) * 2 + (1 << 32)) / (1i128 << 33);
                    (exact.min(127) * i128::from(s.signum())) as i8
                }).collect()
            };
            if square(&at(1 << 32)) <= norm * norm {
                prop_assert_eq!(codes, at(1 << 32));
            } else {
                let largest = (0..=32).rev().fold(0u64, |k, bit| {
                    let more = k | 1 << bit;
                    if more <= 1 << 32 && square(&at(more)) <= norm * norm { more } else { k }
                });
                prop_assert_eq!(codes, at(largest));
            }
        }
    }

    #[test]
    fn delta_within_the_bounds_should_only_be_rounded() {
        let clip = Clip::new(100, 27).unwrap();
        let steps = [0, 7, 8, -7, -8, 24, -25, 160];
        assert_eq!(clip.apply(&steps, 4).unwrap(), [0, 0, 1, 0, -1, 2, -2, 10]);
        assert_eq!(clip.apply(&[1_000], 4).unwrap(), [27]);
        assert_eq!(clip.apply(&[i32::MIN, i32::MAX], 31).unwrap(), [-1, 1]);
    }

    #[test]
    fn delta_beyond_the_norm_should_be_scaled_down() {
        let clip = Clip::new(5, 127).unwrap();
        assert_eq!(clip.apply(&[300, -400, 0], 0).unwrap(), [3, -4, 0]);
        assert_eq!(clip.apply(&[i32::MAX, i32::MIN], 0).unwrap(), [3, -4]);
    }

    #[test]
    fn new_and_apply_should_name_what_is_out_of_range() {
        assert_eq!(Clip::new(0, 1), Err(ClipError::Norm(0)));
        assert_eq!(Clip::new(1 << 32, 1), Err(ClipError::Norm(1 << 32)));
        assert_eq!(Clip::new(1, 0), Err(ClipError::Bound(0)));
        assert_eq!(Clip::new(1, 128), Err(ClipError::Bound(128)));
        let clip = Clip::new(u32::MAX.into(), 127).unwrap();
        assert_eq!(clip.apply(&[1], 32), Err(ClipError::Shift(32)));
        assert_eq!(clip.apply(&[1 << 30], 31), Ok(vec![1]));
    }
}
