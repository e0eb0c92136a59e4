// SPDX-License-Identifier: GPL-3.0-or-later
//! Discrete Gaussian by cumulative table, made and read in integers.

/// Fraction bits of the numbers that the table is made with.
const FRACTION: u32 = 120;
const ONE: u128 = 1 << FRACTION;

/// a b for numbers of 120 fraction bits below 2^122, rounded down.
fn multiply(a: u128, b: u128) -> u128 {
    let low = u128::from(u64::MAX);
    let (a1, a0, b1, b0) = (a >> 64, a & low, b >> 64, b & low);
    let middle = a1 * b0 + ((a0 * b0) >> 64);
    let carry = (middle & low) + a0 * b1;
    let high = a1 * b1 + (middle >> 64) + (carry >> 64);
    // The product is high 2^128 + (carry mod 2^64) 2^64 + ..., shifted down by 120.
    (high << (128 - FRACTION)) | ((carry & low) >> (FRACTION - 64))
}

/// exp(-numerator / denominator) for a quotient in [0, 2], by its series.
fn exp_negative(numerator: u64, denominator: u64) -> u128 {
    let (mut positive, mut negative, mut term) = (ONE, 0u128, ONE);
    for k in 1u64..64 {
        // term x / k, with x up to 2: the quotient first, since the product would pass 128 bits.
        let divisor = u128::from(denominator) * u128::from(k);
        let (whole, rest) = (term / divisor, term % divisor);
        let numerator = u128::from(numerator);
        term = whole * numerator + rest * numerator / divisor;
        if k % 2 == 1 {
            negative += term;
        } else {
            positive += term;
        }
    }
    positive - negative
}

/// Thresholds of |X| for a discrete Gaussian cut at a tail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GaussianTable {
    /// Entry k is floor(2^63 P(|X| <= k)), for k below the tail.
    thresholds: Vec<u64>,
}

impl GaussianTable {
    /// Table for a standard deviation of `sigma_milli` / 1000, at least 0.5, and |X| <= `tail`: P(X = k) is proportional to
    /// exp(-k^2 / (2 sigma^2)). Entries are right to the last bit (errors of the series are below 2^-100).
    pub fn new(sigma_milli: u32, tail: u32) -> Self {
        let sigma = u64::from(sigma_milli.max(500));
        // weight(k + 1) = weight(k) r^(2k+1) with r = exp(-1 / (2 sigma^2)).
        let r = exp_negative(1_000_000, 2 * sigma * sigma);
        let r_squared = multiply(r, r);
        let (mut weight, mut step) = (ONE, r);
        // Sums of up to 1024 weights of 120 bits pass 128 bits, so they are kept in units of 2^-104.
        let mut sums = vec![weight >> 16];
        for _ in 0..tail {
            weight = multiply(weight, step);
            step = multiply(step, r_squared);
            let last = sums[sums.len() - 1];
            sums.push(last + ((2 * weight) >> 16));
        }
        let total = sums[tail as usize];
        let thresholds = sums[..tail as usize]
            .iter()
            .map(|sum| {
                // floor(2^63 sum / total), one bit at a time.
                let (mut quotient, mut left) = (0u64, *sum);
                for _ in 0..63 {
                    left <<= 1;
                    quotient <<= 1;
                    if left >= total {
                        left -= total;
                        quotient |= 1;
                    }
                }
                quotient
            })
            .collect();
        Self { thresholds }
    }

    /// The thresholds.
    pub fn thresholds(&self) -> &[u64] {
        &self.thresholds
    }

    /// One value from one word: bit 63 is the sign, the other bits are compared with every threshold.
    #[inline]
    pub fn draw(&self, word: u64) -> i32 {
        let uniform = word & (u64::MAX >> 1);
        let sign = (word >> 63) as i32;
        let magnitude = self.thresholds.iter().fold(0i32, |count, threshold| {
            // 1 where uniform >= threshold; both are below 2^63. Wrapping, though nothing wraps: an overflow check would
            // be a branch on the draw.
            let below = uniform.wrapping_sub(*threshold) >> 63;
            count.wrapping_add(1 ^ below as i32)
        });
        (magnitude ^ sign.wrapping_neg()).wrapping_add(sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Place, Purpose, Seed, Stream, ALL_LIMBS};

    #[test]
    fn exp_negative_should_equal_the_known_constants() {
        let billionths = |x: u128| ((x >> 60) * 1_000_000_000) >> 60;
        assert_eq!(billionths(exp_negative(1, 1)), 367_879_441);
        assert_eq!(billionths(exp_negative(1, 2)), 606_530_659);
        assert_eq!(billionths(exp_negative(2, 1)), 135_335_283);
        assert_eq!(exp_negative(0, 1), ONE);
    }

    #[test]
    fn thresholds_should_rise_and_end_below_one() {
        for (sigma, tail) in [(500, 3), (3_190, 20), (3_200, 40), (100_000, 1_024)] {
            let table = GaussianTable::new(sigma, tail);
            assert_eq!(table.thresholds().len(), tail as usize);
            assert!(table.thresholds().windows(2).all(|w| w[0] <= w[1]));
            assert!(table.thresholds().iter().all(|t| *t <= 1 << 63));
        }
    }

    #[test]
    fn draw_should_stay_within_the_tail_and_be_odd_in_the_sign_bit() {
        let table = GaussianTable::new(3_200, 20);
        assert_eq!(table.draw(0), 0);
        assert_eq!(table.draw(u64::MAX >> 1), 20);
        assert_eq!(table.draw(u64::MAX), -20);
        assert_eq!(table.draw(1 << 63), 0);
    }

    #[test]
    fn draws_should_have_the_variance_of_the_distribution() {
        let table = GaussianTable::new(3_200, 40);
        let place = Place {
            purpose: Purpose::Error,
            limb: ALL_LIMBS,
            segment: 0,
            round: 0,
            polynomial: 0,
        };
        let (mut sum, mut squares) = (0i64, 0i64);
        Stream::new(&Seed::new([9; 32]), place).words(200_000, |_, w| {
            let x = i64::from(table.draw(w));
            sum += x;
            squares += x * x;
        });
        // Variance 10.24: five deviations of the mean are 0.036, of the mean square 0.17.
        assert!(sum.abs() < 7_200, "{sum}");
        assert!((squares - 2_048_000).abs() < 34_000, "{squares}");
    }
}
