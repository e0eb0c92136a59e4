// SPDX-License-Identifier: GPL-3.0-or-later
//! The order of the data: a pseudo-random function of the round's seed, the miner and the step.

use crate::data::{self, MixtureEntry};
use crate::hashing::{hash, high_u128, low_u128, Domain};
use crate::{DatasetId, H256};

/// A training sample: which window of which data set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SampleRef {
    /// Data set.
    pub dataset: DatasetId,
    /// Window of the data set; never a held-out one.
    pub sample: u64,
}

/// The sample in `slot` of the batch of `step` (counted over all segments) of `miner` in the round with `seed`.
///
/// The data set is drawn by weight, the sample evenly among those that are not held out. `mixture` carries each
/// set's number of samples. `None` when the mixture has no weight or a set has no sample that may be streamed.
pub fn sample(
    genesis: &H256,
    seed: &H256,
    miner: &[u8; 32],
    step: u64,
    slot: u32,
    mixture: &[(MixtureEntry, u64)],
) -> Option<SampleRef> {
    let draw = hash(
        Domain::Order,
        genesis,
        &[
            seed.as_bytes(),
            miner,
            &step.to_le_bytes(),
            &slot.to_le_bytes(),
        ],
    );
    let total = mixture
        .iter()
        .try_fold(0u128, |n, (e, _)| n.checked_add(u128::from(e.weight)))?;
    let mut at = low_u128(&draw).checked_rem(total)?;
    for (entry, samples) in mixture {
        match at.checked_sub(u128::from(entry.weight)) {
            Some(rest) => at = rest,
            None => {
                let streamed = data::streamed(*samples);
                let nth = high_u128(&draw).checked_rem(u128::from(streamed))?;
                let sample = data::nth_streamed(u64::try_from(nth).ok()?);
                return Some(SampleRef {
                    dataset: entry.dataset,
                    sample,
                });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sample_should_never_be_held_out_and_differ_between_miners(seed: [u8; 32], step: u64, samples in 20u64..100_000) {
            let mixture = [(MixtureEntry { dataset: 3, weight: 1 }, samples), (MixtureEntry { dataset: 9, weight: 0 }, 5)];
            let seed = H256(seed);
            let mut differs = false;
            for slot in 0..16 {
                let a = sample(&H256::zero(), &seed, &[1; 32], step, slot, &mixture).unwrap();
                let b = sample(&H256::zero(), &seed, &[2; 32], step, slot, &mixture).unwrap();
                prop_assert_eq!(a.dataset, 3);
                prop_assert!(a.sample < samples && !data::held_out(a.sample));
                differs |= a != b;
            }
            prop_assert!(differs);
        }
    }

    proptest! {
        /// Whatever the mixture: what is drawn stands in it, lies in its set, and is not held out.
        #[test]
        fn sample_should_be_one_of_its_mixture_and_never_held_out(
            sets in prop::collection::vec((1..=u32::MAX, 1u64..1 << 33), 1..32),
            seed: [u8; 32], miner: [u8; 32], step: u64, slot: u32,
        ) {
            let mixture: alloc::vec::Vec<(MixtureEntry, u64)> = (7..).zip(&sets)
                .map(|(dataset, (weight, samples))| (MixtureEntry { dataset, weight: *weight }, *samples))
                .collect();
            let drawn = sample(&H256::zero(), &H256(seed), &miner, step, slot, &mixture).unwrap();
            let (_, samples) = mixture.iter().find(|(e, _)| e.dataset == drawn.dataset).unwrap();
            prop_assert!(drawn.sample < *samples && !data::held_out(drawn.sample));
        }

        /// Each set is drawn as often as its weight says: within six standard deviations of the binomial count, and ten for
        /// the tail of rare sets.
        #[test]
        fn sample_should_follow_the_weights(
            weights in prop::collection::vec(1u32..100, 1..6), seed: [u8; 32],
        ) {
            const DRAWS: u64 = 2_000;
            let mixture: alloc::vec::Vec<(MixtureEntry, u64)> = (0..).zip(&weights)
                .map(|(dataset, weight)| (MixtureEntry { dataset, weight: *weight }, 100))
                .collect();
            let mut hits = alloc::vec![0u32; weights.len()];
            for step in 0..DRAWS {
                let drawn = sample(&H256::zero(), &H256(seed), &[0; 32], step, 0, &mixture).unwrap();
                hits[drawn.dataset as usize] += 1;
            }
            let total = f64::from(weights.iter().sum::<u32>());
            for (hits, weight) in hits.iter().zip(&weights) {
                let share = f64::from(*weight) / total;
                let expected = share * DRAWS as f64;
                let deviation = (expected * (1.0 - share)).sqrt();
                let off = (f64::from(*hits) - expected).abs();
                prop_assert!(off <= 6.0 * deviation + 10.0, "{hits} of {DRAWS} for a share of {share}");
            }
        }
    }

    #[test]
    fn sample_should_be_none_when_nothing_can_be_drawn() {
        assert_eq!(
            sample(&H256::zero(), &H256::zero(), &[0; 32], 0, 0, &[]),
            None
        );
        let empty = [(
            MixtureEntry {
                dataset: 0,
                weight: 1,
            },
            0,
        )];
        assert_eq!(
            sample(&H256::zero(), &H256::zero(), &[0; 32], 0, 0, &empty),
            None
        );
    }
}
