// SPDX-License-Identifier: GPL-3.0-or-later
//! Exact samples of a discrete Gaussian, in integers: Canonne, Kamath, Steinke, "The discrete Gaussian for differential
//! privacy" (2020), algorithms 1 to 3.
//!
//! The time that a sample takes depends on it. It is taken on the contributor's own machine, before anything is sent.

use crate::randomness::Randomness;

/// Largest variance: numerators and denominators stay below 2^64 then.
pub const MAX_VARIANCE: u32 = 1 << 16;

/// A variance that no noise has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("variance {0} of the noise is not in 1..={MAX_VARIANCE}")]
pub struct VarianceError(pub u32);

/// The distribution on the integers with P(x) in proportion to exp(-x^2 / (2 variance)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiscreteGaussian {
    variance: u64,
    /// Scale of the discrete Laplace that is thinned out: floor(sigma) + 1.
    scale: u64,
}

impl DiscreteGaussian {
    /// The distribution of a parameter sigma^2; the variance proper is a little smaller for small sigma.
    pub fn new(variance: u32) -> Result<Self, VarianceError> {
        if variance == 0 || variance > MAX_VARIANCE {
            return Err(VarianceError(variance));
        }
        let variance = u64::from(variance);
        Ok(Self {
            variance,
            scale: variance.isqrt() + 1,
        })
    }

    /// A sample, exactly distributed if the words are uniform (algorithm 3).
    pub fn sample(&self, randomness: &mut Randomness) -> i64 {
        loop {
            let candidate = laplace(self.scale, randomness);
            let (numerator, denominator) = self.exponent(candidate);
            if bernoulli_exp(numerator, denominator, randomness) {
                return candidate;
            }
        }
    }

    /// A candidate is kept with probability exp(-(|candidate| - variance / scale)^2 / (2 variance)): numerator and denominator of
    /// the exponent.
    fn exponent(&self, candidate: i64) -> (u64, u64) {
        let (variance, scale) = (self.variance, self.scale);
        let distance = (candidate.unsigned_abs() * scale).abs_diff(variance);
        (distance * distance, 2 * variance * scale * scale)
    }
}

/// Discrete Laplace: P(x) in proportion to exp(-|x| / scale) (algorithm 2 with s = 1).
fn laplace(scale: u64, randomness: &mut Randomness) -> i64 {
    loop {
        let low = randomness.below(scale);
        if !bernoulli_exp(low, scale, randomness) {
            continue;
        }
        let mut high = 0;
        while bernoulli_exp(1, 1, randomness) {
            high += 1;
        }
        let magnitude = (low + scale * high) as i64;
        let negative = randomness.below(2) == 1;
        // Zero would come twice as often with two signs.
        match (negative, magnitude) {
            (true, 0) => continue,
            (true, _) => return -magnitude,
            (false, _) => return magnitude,
        }
    }
}

/// True with probability exp(-numerator / denominator), exactly (algorithm 1).
fn bernoulli_exp(numerator: u64, denominator: u64, randomness: &mut Randomness) -> bool {
    let whole = numerator / denominator;
    for _ in 0..whole {
        if !bernoulli_exp_unit(1, 1, randomness) {
            return false;
        }
    }
    bernoulli_exp_unit(numerator % denominator, denominator, randomness)
}

/// As [`bernoulli_exp`] for a quotient of at most 1: the first k whose draw with chance quotient / k fails is odd.
fn bernoulli_exp_unit(numerator: u64, denominator: u64, randomness: &mut Randomness) -> bool {
    let mut k = 1;
    while randomness.below(denominator * k) < numerator {
        k += 1;
    }
    k % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws of each test.
    const DRAWS: u32 = 400_000;
    /// A right sampler with a random seed fails a test below with about this chance; the seeds are fixed.
    const FALSE_ALARM: f64 = 1e-9;

    /// Value that a chi-square of `freedom` degrees exceeds with a chance of at most [`FALSE_ALARM`] (Laurent, Massart 2000, lemma
    /// 1).
    fn chi_square_limit(freedom: f64) -> f64 {
        let x = -FALSE_ALARM.ln();
        freedom + 2.0 * (freedom * x).sqrt() + 2.0 * x
    }

    /// Chi-square of counts against expectations, and its degrees of freedom. Rare values are put together until 20 of a class
    /// are expected.
    fn chi_square(mut counts: Vec<(f64, f64)>) -> (f64, f64) {
        counts.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut classes = vec![(0.0, 0.0)];
        for (count, expected) in counts {
            let last = classes.last_mut().unwrap();
            if last.1 < 20.0 {
                *last = (last.0 + count, last.1 + expected);
            } else {
                classes.push((count, expected));
            }
        }
        let sum = classes
            .iter()
            .map(|(count, expected)| (count - expected).powi(2) / expected);
        (sum.sum(), classes.len() as f64 - 1.0)
    }

    fn check_distribution(
        seed: u8,
        weight: impl Fn(i64) -> f64,
        mut draw: impl FnMut(&mut Randomness) -> i64,
    ) {
        let range = -3_000i64..=3_000;
        let mut randomness = Randomness::from_seed(&[seed; 32]);
        let mut counts = vec![0.0; 6_001];
        for _ in 0..DRAWS {
            counts[(draw(&mut randomness) + 3_000) as usize] += 1.0;
        }
        let total: f64 = range.clone().map(&weight).sum();
        let expected = range.map(|x| weight(x) / total * f64::from(DRAWS));
        let (sum, freedom) = chi_square(counts.into_iter().zip(expected).collect());
        let limit = chi_square_limit(freedom);
        assert!(
            freedom >= 2.0 && sum <= limit,
            "{sum} over {limit}, {freedom} degrees of freedom"
        );
    }

    #[test]
    fn gaussian_should_follow_its_distribution_for_every_variance() {
        for (seed, variance) in [
            (1, 1),
            (2, 2),
            (3, 7),
            (4, 100),
            (5, 1_000),
            (6, MAX_VARIANCE),
        ] {
            let gaussian = DiscreteGaussian::new(variance).unwrap();
            let weight = |x: i64| (-(x as f64).powi(2) / (2.0 * f64::from(variance))).exp();
            check_distribution(seed, weight, |r| gaussian.sample(r));
        }
    }

    #[test]
    fn kept_candidates_should_be_gaussian_for_every_variance() {
        // -ln of the chance to be proposed and kept is x^2 / (2 variance) plus the same constant for every x.
        for variance in (1..300).chain([1_000, MAX_VARIANCE]) {
            let gaussian = DiscreteGaussian::new(variance).unwrap();
            let constant = |x: i64| {
                let (numerator, denominator) = gaussian.exponent(x);
                let proposed = x.abs() as f64 / gaussian.scale as f64;
                let wanted = (x as f64).powi(2) / (2.0 * f64::from(variance));
                proposed + numerator as f64 / denominator as f64 - wanted
            };
            for x in -2_000..2_000 {
                let off = constant(x) - constant(0);
                assert!(
                    off.abs() < 1e-9 * (1 + x * x) as f64,
                    "{variance}, {x}: {off}"
                );
            }
        }
    }

    #[test]
    fn laplace_should_follow_its_distribution_for_every_scale() {
        for (seed, scale) in [(7, 1), (8, 2), (9, 11), (10, 90)] {
            check_distribution(
                seed,
                |x| (-(x as f64).abs() / scale as f64).exp(),
                |r| laplace(scale, r),
            );
        }
    }

    #[test]
    fn bernoulli_should_have_the_chance_of_the_exponential() {
        for (seed, numerator, denominator) in [
            (11, 0, 1),
            (12, 1, 3),
            (13, 1, 1),
            (14, 7, 2),
            (15, 5 << 40, 3 << 40),
        ] {
            let mut randomness = Randomness::from_seed(&[seed; 32]);
            let hits =
                (0..DRAWS).filter(|_| bernoulli_exp(numerator, denominator, &mut randomness));
            let hits = hits.count() as f64;
            let chance = (-(numerator as f64) / denominator as f64).exp();
            let expected = chance * f64::from(DRAWS);
            // Hoeffding's bound for the false alarm.
            let slack = (-(FALSE_ALARM / 2.0).ln() * f64::from(DRAWS) / 2.0).sqrt();
            assert!(
                (hits - expected).abs() <= slack,
                "{hits} against {expected}"
            );
            assert!(numerator > 0 || hits == f64::from(DRAWS));
        }
    }

    #[test]
    fn moments_should_be_those_of_the_distribution() {
        let gaussian = DiscreteGaussian::new(100).unwrap();
        let mut randomness = Randomness::from_seed(&[16; 32]);
        let samples: Vec<f64> = (0..DRAWS)
            .map(|_| gaussian.sample(&mut randomness) as f64)
            .collect();
        let moment = |k: i32| samples.iter().map(|x| x.powi(k)).sum::<f64>() / f64::from(DRAWS);
        // 6.1 standard errors: a normal deviate is beyond with a chance of 1e-9. The variance of x^k is E x^2k - (E x^k)^2, with
        // E x^2, x^4, x^6, x^8 = s, 3 s^2, 15 s^3, 105 s^4 to within exp(-2 pi^2 s).
        let s = 100.0f64;
        for (k, mean, square) in [
            (1, 0.0, s),
            (2, s, 3.0 * s.powi(2)),
            (3, 0.0, 15.0 * s.powi(3)),
            (4, 3.0 * s.powi(2), 105.0 * s.powi(4)),
        ] {
            let error = ((square - mean * mean) / f64::from(DRAWS)).sqrt();
            let off = (moment(k) - mean).abs() / error;
            assert!(off < 6.1, "moment {k} is {} standard errors off", off);
        }
    }

    #[test]
    fn new_should_refuse_a_variance_out_of_range() {
        assert_eq!(DiscreteGaussian::new(0), Err(VarianceError(0)));
        let beyond = MAX_VARIANCE + 1;
        assert_eq!(DiscreteGaussian::new(beyond), Err(VarianceError(beyond)));
        assert!(DiscreteGaussian::new(MAX_VARIANCE).is_ok());
    }
}
