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

    #[test]
    fn sample_should_follow_the_weights() {
        let mixture = [
            (
                MixtureEntry {
                    dataset: 0,
                    weight: 3,
                },
                100,
            ),
            (
                MixtureEntry {
                    dataset: 1,
                    weight: 1,
                },
                100,
            ),
        ];
        let hits = (0..4000).filter(|s| {
            sample(&H256::zero(), &H256::zero(), &[0; 32], *s, 0, &mixture)
                .unwrap()
                .dataset
                == 0
        });
        let hits = hits.count();
        assert!((2850..3150).contains(&hits), "{hits} of 4000");
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
