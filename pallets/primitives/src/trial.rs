// SPDX-License-Identifier: GPL-3.0-or-later
//! Trials of claims: the larger committee, the jury, and the jury that a challenge calls.

use crate::claim::{ReplayReport, SegmentResult, Verdict};
use crate::hashing::{hash, high_u128, low_u128, Domain};
use crate::math::{mul_div, to_u64};
use crate::round::{ClaimRecord, DrawnSegments, OpenedStart};
use crate::{Balance, BlockNumber, H256};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most trials of a chain at one time.
pub const MAX_TRIALS: u32 = 128;
/// Most challenges of a claim.
pub const MAX_CHALLENGES: u32 = 4;

/// Who judges.
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
pub enum Level {
    /// A larger committee, drawn by bond. It can uphold a claim, not slash.
    Escalation,
    /// All verifiers of the profile, because a committee came to no verdict.
    Jury,
    /// All verifiers of the profile, because somebody challenged a segment.
    Challenge,
}

/// Stage of a trial.
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
pub enum Stage {
    /// The miner opens the challenged segment.
    Opening,
    /// Block randomness is mixed; then the step is drawn and the seats are filled.
    Seeding,
    /// Seats replay and commit.
    Commitment,
    /// Seats reveal.
    Reveal,
}

/// Who challenged, and with what bond.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Challenger<AccountId> {
    /// Account.
    pub account: AccountId,
    /// Bond locked for the challenge.
    pub bond: Balance,
}

/// A step of a segment: what the seats of a trial also report the training state of.
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
pub struct TrialStep {
    /// Segment.
    pub segment: u16,
    /// Step in the segment, from 0; the state wanted is the one after it.
    pub step: u16,
}

/// A trial of a claim.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Trial<AccountId> {
    /// Who judges.
    pub level: Level,
    /// Stage.
    pub stage: Stage,
    /// Block at which it began.
    pub opened: BlockNumber,
    /// First block after the stage's time.
    pub deadline: BlockNumber,
    /// Segments to be replayed, ascending.
    pub segments: DrawnSegments,
    /// Start of the challenged segment as the miner opened it; the audited segments' starts stand in the claim's record.
    pub start: Option<OpenedStart>,
    /// End of the challenged segment as the miner opened it.
    pub end: Option<SegmentResult>,
    /// The drawn step.
    pub step: Option<TrialStep>,
    /// Seats.
    pub seats: u32,
    /// Sum of the seats' weights.
    pub weight: Balance,
    /// Acts that the stage still waits for.
    pub awaiting: u32,
    /// Who challenged.
    pub challenger: Option<Challenger<AccountId>>,
}

/// A revealed report as a trial remembers it.
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
pub struct TrialReport {
    /// Fingerprint of the report.
    pub fingerprint: H256,
    /// Fingerprint of the report without the state after the drawn step: what a report of the first committee, of the
    /// same segments, is compared with.
    pub plain: H256,
    /// Whether it is what the claim says.
    pub verdict: Verdict,
    /// Whether it says that the blobs are not to be had: [`ReplayReport::lack`].
    pub lack: bool,
}

/// A seat in a trial.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TrialSeat {
    /// Bond locked for the seat.
    pub bond: Balance,
    /// What its word weighs: 1 in an escalation, its bond in a jury.
    pub weight: Balance,
    /// Commitment to the replay.
    pub commitment: Option<H256>,
    /// The revealed report.
    pub report: Option<TrialReport>,
    /// [`TrialReport::plain`] of what the account said in the escalation before the jury.
    pub earlier: Option<H256>,
}

/// How a trial ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The claim is right.
    Upheld,
    /// A jury found something else.
    Slashed,
    /// To the jury.
    Jury,
    /// To the jury the blobs were not to be had.
    Lacking,
    /// The jury came to no verdict.
    Hung,
}

/// The report that at least two thirds of all the weight that was called agree on. The silent count against each.
pub fn decided(reports: &[(TrialReport, Balance)], all: Balance) -> Option<TrialReport> {
    reports.iter().map(|(report, _)| *report).find(|report| {
        let same = |r: &&(TrialReport, Balance)| r.0.fingerprint == report.fingerprint;
        let weight = reports
            .iter()
            .filter(same)
            .fold(0u128, |n, (_, w)| n.saturating_add(*w));
        // All weights are bonds: below 2^70, so three times their sum is far from overflowing.
        all > 0 && weight.saturating_mul(3) >= all.saturating_mul(2)
    })
}

/// What a trial at `level` ends with when `decided` is what it agreed on.
pub fn outcome(level: Level, decided: Option<TrialReport>) -> Outcome {
    match (level, decided) {
        (_, Some(report)) if report.verdict == Verdict::Match => Outcome::Upheld,
        (Level::Escalation, _) => Outcome::Jury,
        (_, Some(report)) if report.lack => Outcome::Lacking,
        (_, Some(_)) => Outcome::Slashed,
        (_, None) => Outcome::Hung,
    }
}

/// Draws the step whose state the seats report too: any step of one of the segments but a segment's last, whose state
/// is the end state that is open already. With one step a segment there is no other: then it is that one. `None` when
/// there is no segment or no step.
pub fn draw_step(
    genesis: &H256,
    seed: &H256,
    claim: &H256,
    segments: &[u16],
    steps: u16,
) -> Option<TrialStep> {
    let r = hash(
        Domain::Trial,
        genesis,
        &[seed.as_bytes(), claim.as_bytes(), b"step"],
    );
    let at = low_u128(&r).checked_rem(u128::from(to_u64(segments.len())))?;
    let inner = u128::from(steps.checked_sub(1)?.max(1));
    let step = high_u128(&r).checked_rem(inner)?;
    Some(TrialStep {
        segment: *segments.get(usize::try_from(at).ok()?)?,
        step: u16::try_from(step).ok()?,
    })
}

impl<AccountId> Trial<AccountId> {
    /// Whether a report says what the claim says. A report must name the state after the drawn step. Where the last
    /// segment is not among those replayed nothing is known of the delta, and a report repeats what the claim says of it.
    pub fn verdict(&self, record: &ClaimRecord<AccountId>, report: &ReplayReport) -> Verdict {
        let ends = match self.level {
            Level::Challenge => self.end.as_slice(),
            _ => record.ends.as_slice(),
        };
        if report.step_state.is_some() && record.says(ends, report) {
            Verdict::Match
        } else {
            Verdict::Mismatch
        }
    }
}

/// What is burned of a lost bond of `amount`, rounded up; the rest goes to those who were right.
pub fn burned(amount: Balance, burn_share: u32) -> Balance {
    let kept = mul_div(
        amount,
        u128::from(crate::emission::PARTS.saturating_sub(burn_share)),
        u128::from(crate::emission::PARTS),
    );
    amount.saturating_sub(kept.unwrap_or(0))
}

/// Splits `kept` parts of several lost bonds evenly among `winners`: for each payment the loser's index, the winner's
/// index and the amount, at most `losers + winners` of them. What does not divide stays with the losers and is to be
/// burned.
pub fn split(kept: &[Balance], winners: usize) -> Vec<(usize, usize, Balance)> {
    let all = kept.iter().fold(0u128, |n, k| n.saturating_add(*k));
    let each = all.checked_div(u128::from(to_u64(winners))).unwrap_or(0);
    let mut payments = Vec::new();
    let (mut winner, mut missing) = (0usize, each);
    for (loser, kept) in kept.iter().enumerate() {
        let mut left = *kept;
        while left > 0 && missing > 0 && winner < winners {
            let paid = left.min(missing);
            payments.push((loser, winner, paid));
            left = left.saturating_sub(paid);
            missing = missing.saturating_sub(paid);
            if missing == 0 {
                winner = winner.saturating_add(1);
                missing = each;
            }
        }
    }
    payments
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn report(byte: u8, verdict: Verdict) -> TrialReport {
        TrialReport {
            fingerprint: H256::repeat_byte(byte),
            plain: H256::zero(),
            verdict,
            lack: byte == 0,
        }
    }

    #[test]
    fn decided_should_need_two_thirds_of_all_the_weight_that_was_called() {
        let (a, b) = (report(1, Verdict::Match), report(2, Verdict::Mismatch));
        assert_eq!(decided(&[(b, 1), (a, 2)], 3), Some(a));
        assert_eq!(decided(&[(a, 2)], 3), Some(a));
        assert_eq!(decided(&[(a, 199)], 300), None);
        assert_eq!(decided(&[(a, 200)], 300), Some(a));
        assert_eq!(decided(&[(a, 1), (b, 1)], 2), None);
        assert_eq!(decided(&[], 0), None);
    }

    #[test]
    fn only_a_jury_should_slash() {
        use Level::*;
        let (a, b) = (report(1, Verdict::Match), report(2, Verdict::Mismatch));
        let all = [Some(a), Some(b), Some(report(0, Verdict::Mismatch)), None];
        let of = |level| all.map(|v| outcome(level, v));
        let jury = Outcome::Jury;
        assert_eq!(of(Escalation), [Outcome::Upheld, jury, jury, jury]);
        let of_a_jury = [
            Outcome::Upheld,
            Outcome::Slashed,
            Outcome::Lacking,
            Outcome::Hung,
        ];
        assert_eq!(of(Jury), of_a_jury);
        assert_eq!(of(Challenge), of_a_jury);
    }

    #[test]
    fn drawn_step_should_never_be_the_last_of_a_segment_unless_it_is_the_only_one() {
        let draw = |seed, steps| {
            let seed = H256::from_low_u64_be(seed);
            draw_step(&H256::zero(), &seed, &H256::zero(), &[3, 7], steps)
        };
        let drawn: Vec<TrialStep> = (0..200).filter_map(|s| draw(s, 4)).collect();
        for step in 0..3 {
            for segment in [3, 7] {
                assert!(drawn.contains(&TrialStep { segment, step }));
            }
        }
        assert!(drawn.iter().all(|d| d.step < 3));
        assert_eq!(draw(1, 1).map(|d| d.step), Some(0));
        assert_eq!(draw(1, 0), None);
        assert_eq!(
            draw_step(&H256::zero(), &H256::zero(), &H256::zero(), &[], 4),
            None
        );
    }

    proptest! {
        #[test]
        fn split_should_pay_everybody_the_same_and_never_more_than_is_kept(
            kept in prop::collection::vec(0u128..1_000, 0..20), winners in 0usize..20,
        ) {
            let payments = split(&kept, winners);
            prop_assert!(payments.len() <= kept.len() + winners);
            let of = |i: usize| payments.iter().filter(|p| p.1 == i).map(|p| p.2).sum::<u128>();
            let all: u128 = kept.iter().sum();
            for i in 0..winners {
                prop_assert_eq!(of(i), all / winners as u128);
            }
            for (i, k) in kept.iter().enumerate() {
                let paid: u128 = payments.iter().filter(|p| p.0 == i).map(|p| p.2).sum();
                prop_assert!(paid <= *k);
            }
            prop_assert!(payments.iter().all(|p| p.2 > 0 && p.1 < winners));
        }

        #[test]
        fn burned_should_be_its_share_rounded_up(amount in 0u128..1 << 100, share in 1u32..=1_000_000) {
            let b = burned(amount, share);
            prop_assert!(b <= amount);
            prop_assert!(b * 1_000_000 >= amount * u128::from(share));
            prop_assert!(amount == 0 || (b - 1) * 1_000_000 < amount * u128::from(share));
        }
    }
}
