// SPDX-License-Identifier: GPL-3.0-or-later
//! Draws, votes, reports and rewards of a private round, and the delta that its sum becomes.

use super::round::{AuditorSeat, JobTerms};
use super::KEY_SEGMENTS;
use crate::cid::Cid;
use crate::claim::RoundId;
use crate::delta::{quantise_dense, DeltaChunk, MAX_SHIFT};
use crate::draw::two_thirds;
use crate::hashing::{hash, high_u128, low_u128, Domain};
use crate::math::{clamp_i32, div_round, mul_div, to_u128, to_u32};
use crate::value::ScoreReport;
use crate::{Balance, H256};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A version as an auditor computed it: the cohort's delta merged onto the base.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VersionReport {
    /// Root of the delta that the decrypted sum becomes.
    pub delta_root: H256,
    /// Where it is.
    pub delta_cid: Cid,
    /// Merkle root of the parameters.
    pub state_root: H256,
    /// Merkle root of the moments; zero where there are none.
    pub server_root: H256,
    /// Where the parameters are.
    pub cid: Cid,
    /// Where the moments are.
    pub server_cid: Option<Cid>,
    /// Members whose answers disagree with the sum, as a mask.
    pub wrong: u8,
    /// Losses of the base and of the version on the opened shard.
    pub score: Option<ScoreReport>,
}

/// What an auditor found when it combined the committee's answers.
// It is copied and kept inline; a box would be neither.
#[allow(clippy::large_enum_variant)]
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PrivateReport {
    /// A sum, and the version that it gives.
    Version(VersionReport),
    /// A sum of keys or values is beyond what so many contributions can give.
    OutOfRange {
        /// The first such key segment.
        segment: u16,
    },
    /// No t answers agree.
    Undecryptable,
}

impl PrivateReport {
    /// The commitment that hides the report until all have committed.
    pub fn commitment(
        &self,
        genesis: &H256,
        account: &[u8; 32],
        round: &RoundId,
        salt: &H256,
    ) -> H256 {
        hash(
            Domain::Private,
            genesis,
            &[
                b"report",
                account,
                &round.encode(),
                &self.encode(),
                salt.as_bytes(),
            ],
        )
    }

    /// The version, where there is one.
    pub fn version(&self) -> Option<&VersionReport> {
        match self {
            Self::Version(version) => Some(version),
            _ => None,
        }
    }
}

/// The report that at least two thirds of all seats revealed.
pub fn common_report<AccountId>(seats: &[AuditorSeat<AccountId>]) -> Option<PrivateReport> {
    seats.iter().find_map(|seat| {
        let report = seat.report?;
        let same = seats.iter().filter(|s| s.report == Some(report)).count();
        two_thirds(to_u32(same), to_u32(seats.len())).then_some(report)
    })
}

/// What the auditors find of a contribution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    /// Two thirds of all seats find nothing wrong: it is summed.
    Sound,
    /// Two thirds of all seats find its opened segment faulty: it loses its bond.
    Faulty,
    /// Neither: it is left out.
    Left,
}

/// What the seats' votes say of the contribution at `place`. A seat that did not vote finds nothing.
pub fn finding<AccountId>(seats: &[AuditorSeat<AccountId>], place: u16) -> Finding {
    let all = to_u32(seats.len());
    let votes = || seats.iter().filter_map(|seat| seat.votes);
    let faulty = votes().filter(|v| v.faulty.contains(place)).count();
    let sound = votes().filter(|v| {
        !v.faulty.contains(place) && !v.blank.contains(place) && !v.lacking.contains(place)
    });
    if two_thirds(to_u32(faulty), all) {
        Finding::Faulty
    } else if two_thirds(to_u32(sound.count()), all) {
        Finding::Sound
    } else {
        Finding::Left
    }
}

fn draw(genesis: &H256, seed: &H256, what: &[u8], number: u32) -> H256 {
    let parts: [&[u8]; 3] = [seed.as_bytes(), what, &number.to_le_bytes()];
    hash(Domain::Private, genesis, &parts)
}

/// Indices of at most `size` of `registrants`, ascending: each as likely as any other, without replacement.
pub fn draw_cohort(genesis: &H256, seed: &H256, registrants: u32, size: u32) -> Vec<u32> {
    let mut pool: Vec<u32> = (0..registrants).collect();
    let mut drawn = Vec::new();
    for number in 0..size.min(registrants) {
        let r = low_u128(&draw(genesis, seed, b"cohort", number));
        let Some(at) = r.checked_rem(to_u128(pool.len())) else {
            break;
        };
        drawn.push(pool.swap_remove(usize::try_from(at).unwrap_or(0)));
    }
    drawn.sort_unstable();
    drawn
}

/// At most `count` of the contributions at `places`, each with the key segment that it is to open.
pub fn draw_disclosures(
    genesis: &H256,
    seed: &H256,
    places: &[u16],
    count: u32,
) -> Vec<(u16, u16)> {
    let mut pool = places.to_vec();
    let mut drawn = Vec::new();
    for number in 0..count {
        let r = draw(genesis, seed, b"disclosure", number);
        let Some(at) = low_u128(&r).checked_rem(to_u128(pool.len())) else {
            break;
        };
        let segment = high_u128(&r)
            .checked_rem(u128::from(KEY_SEGMENTS))
            .unwrap_or(0);
        let place = pool.swap_remove(usize::try_from(at).unwrap_or(0));
        drawn.push((place, u16::try_from(segment).unwrap_or(0)));
    }
    drawn
}

/// Gain of a version over its base on a shard of `samples` samples: mean loss a token, in 10^-6 nats, rounded down. Zero where
/// it is not better.
pub fn gain(score: &ScoreReport, samples: u32) -> u64 {
    let total = score.parent.total.saturating_sub(score.version.total);
    total.checked_div(u64::from(samples)).unwrap_or(0)
}

/// Reward of each of `standing` contributors for a gain in 10^-6 nats a token.
pub fn reward_each(terms: &JobTerms, gain: u64, standing: u32) -> Balance {
    let all = u128::from(gain).saturating_mul(terms.price);
    all.min(terms.reward)
        .checked_div(u128::from(standing))
        .unwrap_or(0)
}

/// What each of `count` accounts gets of `share` parts of a million of a fee.
pub fn fee_each(fee: Balance, share: u32, count: usize) -> Balance {
    let all = mul_div(fee, u128::from(share), u128::from(crate::emission::PARTS));
    all.unwrap_or(0).checked_div(to_u128(count)).unwrap_or(0)
}

/// The delta's chunk that a chunk of decrypted sums becomes: codes that count `2^shift` grid steps, summed over `terms`
/// contributions, give their mean rounded half away from zero; then the smallest shift that holds it. `None` where there are no
/// terms, the shift is above [`MAX_SHIFT`], or a sum is beyond what `terms` codes of at most 127 can give.
pub fn mean_delta(sums: &[i32], terms: u32, shift: u8) -> Option<DeltaChunk> {
    let bound = terms.checked_mul(127).filter(|b| *b > 0)?;
    let in_range = sums.iter().all(|sum| sum.unsigned_abs() <= bound);
    if shift > MAX_SHIFT || terms > super::MAX_COHORT || !in_range {
        return None;
    }
    let steps: Vec<i32> = sums
        .iter()
        .map(|sum| {
            // Below 2^15 times 2^23.
            let scaled = i64::from(*sum).wrapping_shl(u32::from(shift));
            clamp_i32(div_round(scaled, i64::from(terms)))
        })
        .collect();
    Some(quantise_dense(&steps))
}

/// Identity of a cohort's contribution to a version: what a revert takes out.
pub fn cohort_id(genesis: &H256, round: &RoundId, delta_root: &H256) -> H256 {
    hash(
        Domain::Private,
        genesis,
        &[b"cohort id", &round.encode(), delta_root.as_bytes()],
    )
}

#[cfg(test)]
mod tests {
    use super::super::round::{CohortMask, ContributionVotes};
    use super::*;
    use crate::value::Loss;
    use proptest::prelude::*;

    fn h(n: u64) -> H256 {
        H256::from_low_u64_be(n)
    }

    fn seat(votes: Option<(u64, u64, u64)>, report: Option<u16>) -> AuditorSeat<u8> {
        let mask = |bits| CohortMask([bits, 0, 0, 0]);
        AuditorSeat {
            auditor: 0,
            bond: 1,
            votes: votes.map(|(lacking, blank, faulty)| ContributionVotes {
                lacking: mask(lacking),
                blank: mask(blank),
                faulty: mask(faulty),
            }),
            commitment: None,
            report: report.map(|segment| PrivateReport::OutOfRange { segment }),
        }
    }

    proptest! {
        #[test]
        fn cohort_should_be_distinct_and_in_range(registrants in 0u32..600, size in 0u32..300, seed: u64) {
            let drawn = draw_cohort(&h(0), &h(seed), registrants, size);
            prop_assert_eq!(drawn.len() as u32, size.min(registrants));
            prop_assert!(drawn.windows(2).all(|w| w[0] < w[1]));
            prop_assert!(drawn.iter().all(|i| *i < registrants));
        }

        #[test]
        fn disclosures_should_be_of_distinct_standing_contributions(
            places in prop::collection::btree_set(0u16..256, 0..40), count in 0u32..20, seed: u64,
        ) {
            let places: Vec<u16> = places.into_iter().collect();
            let drawn = draw_disclosures(&h(0), &h(seed), &places, count);
            prop_assert_eq!(drawn.len(), places.len().min(count as usize));
            let mut distinct: Vec<u16> = drawn.iter().map(|d| d.0).collect();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), drawn.len());
            prop_assert!(drawn.iter().all(|(place, segment)| places.contains(place) && *segment < KEY_SEGMENTS));
        }

        #[test]
        fn mean_should_be_within_half_a_code_of_the_exact_mean(
            sums in prop::collection::vec(-381i32..=381, 1..50), shift in 0u8..=23,
        ) {
            let chunk = mean_delta(&sums, 3, shift).unwrap();
            prop_assert_eq!(chunk.check(sums.len() as u32), Ok(()));
            // Rounding to a grid step, then to a code.
            let slack = (1i64 << chunk.shift()) + 1;
            for (sum, step) in sums.iter().zip(chunk.steps(sums.len() as u32)) {
                let exact = i64::from(*sum) << shift;
                prop_assert!((6 * i64::from(step) - 2 * exact).abs() <= 3 * slack);
            }
        }

        #[test]
        fn rewards_should_never_pass_what_was_offered(reward: u64, price: u64, gain: u64, standing in 1u32..=256) {
            let terms = JobTerms { fee: 0, reward: reward.into(), price: price.into(), shift: 0 };
            let each = reward_each(&terms, gain, standing);
            prop_assert!(each * u128::from(standing) <= u128::from(reward));
            prop_assert!(each * u128::from(standing) <= u128::from(gain) * u128::from(price));
        }

        #[test]
        fn fee_shares_should_never_pass_the_fee(fee: u64, first in 0u32..=1_000_000, a in 1usize..8, b in 1usize..17) {
            let each = |share, count| fee_each(fee.into(), share, count) * count as u128;
            prop_assert!(each(first, a) + each(1_000_000 - first, b) <= u128::from(fee));
        }
    }

    #[test]
    fn every_registrant_should_be_as_likely_as_any_other() {
        let mut hits = [0u32; 6];
        for seed in 0..3_000 {
            for i in draw_cohort(&h(0), &h(seed), 6, 2) {
                hits[i as usize] += 1;
            }
        }
        assert!(hits.iter().all(|n| (900..1_100).contains(n)), "{hits:?}");
    }

    #[test]
    fn every_segment_should_be_drawn() {
        let drawn: std::collections::BTreeSet<u16> = (0..1_000)
            .flat_map(|seed| draw_disclosures(&h(0), &h(seed), &[3], 1))
            .map(|d| d.1)
            .collect();
        assert_eq!(drawn.len(), usize::from(KEY_SEGMENTS));
    }

    #[test]
    fn finding_should_need_two_thirds_of_all_seats() {
        let sound = Some((0, 0, 0));
        let of = |votes: [Option<(u64, u64, u64)>; 3]| finding(&votes.map(|v| seat(v, None)), 1);
        assert_eq!(of([sound, sound, None]), Finding::Sound);
        assert_eq!(of([sound, None, None]), Finding::Left);
        assert_eq!(
            of([Some((0, 0, 2)), Some((0, 0, 2)), sound]),
            Finding::Faulty
        );
        assert_eq!(of([Some((0, 0, 2)), sound, sound]), Finding::Sound);
        assert_eq!(of([Some((2, 0, 0)), Some((0, 2, 0)), sound]), Finding::Left);
        // A vote on another place.
        assert_eq!(of([Some((1, 1, 1)), Some((1, 1, 1)), None]), Finding::Sound);
    }

    #[test]
    fn private_report_should_be_common_only_when_two_thirds_of_all_seats_gave_it() {
        let common = |reports: [Option<u16>; 3]| common_report(&reports.map(|r| seat(None, r)));
        let out = |segment| Some(PrivateReport::OutOfRange { segment });
        assert_eq!(common([Some(1), Some(2), Some(2)]), out(2));
        assert_eq!(common([Some(1), Some(2), None]), None);
        assert_eq!(common([None, None, None]), None);
        assert_eq!(common_report::<u8>(&[]), None);
    }

    #[test]
    fn gain_should_be_zero_when_the_version_is_not_better() {
        let score = |parent, version| {
            let loss = |total| Loss {
                total,
                bits: H256::zero(),
            };
            ScoreReport {
                parent: loss(parent),
                version: loss(version),
            }
        };
        assert_eq!(gain(&score(1_000, 900), 10), 10);
        assert_eq!(gain(&score(1_000, 991), 10), 0);
        assert_eq!(gain(&score(1_000, 1_000), 10), 0);
        assert_eq!(gain(&score(1_000, 2_000), 10), 0);
        assert_eq!(gain(&score(1_000, 0), 0), 0);
    }

    #[test]
    fn mean_should_be_refused_when_a_sum_is_out_of_range() {
        assert!(mean_delta(&[381, -381], 3, 0).is_some());
        assert_eq!(mean_delta(&[382], 3, 0), None);
        assert_eq!(mean_delta(&[i32::MIN], 256, 0), None);
        assert_eq!(mean_delta(&[1], 0, 0), None);
        assert_eq!(mean_delta(&[1], 257, 0), None);
        assert_eq!(mean_delta(&[1], 3, MAX_SHIFT + 1), None);
        let zeros = mean_delta(&[0, 0], 3, 5).unwrap();
        assert_eq!(zeros.steps(2), [0, 0]);
    }

    #[test]
    fn report_commitment_should_bind_account_round_report_and_salt() {
        let of = |account: u8, number, segment, salt: u8| {
            PrivateReport::OutOfRange { segment }.commitment(
                &h(0),
                &[account; 32],
                &RoundId { branch: 1, number },
                &H256::repeat_byte(salt),
            )
        };
        let all = [
            of(1, 1, 1, 1),
            of(2, 1, 1, 1),
            of(1, 2, 1, 1),
            of(1, 1, 2, 1),
            of(1, 1, 1, 2),
        ];
        assert!((0..5).all(|i| (0..i).all(|j| all[i] != all[j])));
    }
}
