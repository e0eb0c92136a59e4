// SPDX-License-Identifier: GPL-3.0-or-later
//! Value of a version: its loss on a held-out shard, next to its parent's.
//!
//! A shard is committed by its root before it is used, opened after the merge that it scores cannot change any more,
//! and used once. In the exact class a score settles like a replay: scorers of one profile get the same bits.

use crate::claim::RoundId;
use crate::draw::MAX_COMMITTEE;
use crate::hashing::{hash, Domain};
use crate::{Balance, BlockNumber, BoundedVec, ConstU32, H256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most samples of a shard.
pub const MAX_SHARD: u32 = 1 << 16;
/// Most scores that the improvement record of a branch keeps.
pub const MAX_SCORES: u32 = 256;

/// A held-out shard as it is committed.
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
pub struct Shard<AccountId> {
    /// Merkle root over the samples, as a data set's.
    pub root: H256,
    /// Number of samples.
    pub samples: u32,
    /// Bytes in a sample: the branch's context + 1 for byte-level tokens.
    pub window: u32,
    /// Who opens it.
    pub steward: AccountId,
}

/// Loss of one version on a shard.
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
pub struct Loss {
    /// Sum over the samples of the mean loss a token, in 10^-6 nats.
    pub total: u64,
    /// Hash of the bits of every sample's loss.
    pub bits: H256,
}

/// What a scorer found.
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
pub struct ScoreReport {
    /// Of the round's base.
    pub parent: Loss,
    /// Of the posted version.
    pub version: Loss,
}

impl ScoreReport {
    /// The commitment that hides the report until all have committed.
    pub fn commitment(
        &self,
        genesis: &H256,
        account: &[u8; 32],
        round: &RoundId,
        salt: &H256,
    ) -> H256 {
        hash(
            Domain::Score,
            genesis,
            &[account, &round.encode(), &self.encode(), salt.as_bytes()],
        )
    }

    /// Whether the version is worse than its parent by more than `margin` (10^-6 nats a token).
    pub fn worse(&self, samples: u32, margin: u32) -> bool {
        let slack = u64::from(samples).saturating_mul(u64::from(margin));
        self.version.total > self.parent.total.saturating_add(slack)
    }
}

/// Work units of scoring: two forward passes, each a third of the cost of training on the same tokens.
pub fn score_units(samples: u32, context: u32, units_per_token: u32) -> u128 {
    u128::from(samples)
        .saturating_mul(u128::from(context))
        .saturating_mul(u128::from(units_per_token))
        .saturating_mul(2)
        / 3
}

/// A scorer's seat.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ScoreSeat<AccountId> {
    /// Scorer.
    pub scorer: AccountId,
    /// Bond locked for the seat.
    pub bond: Balance,
    /// Commitment to the report.
    pub commitment: Option<H256>,
    /// The revealed report.
    pub report: Option<ScoreReport>,
    /// Paid out when the round vests.
    pub reward: Balance,
}

/// Stage of a valuation.
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
pub enum ScoreStage {
    /// The steward publishes the shard.
    Opening,
    /// Scorers commit.
    Commitment,
    /// Scorers reveal.
    Reveal,
    /// Over.
    Done,
}

/// Scoring of a round's merge.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Valuation<AccountId> {
    /// The shard.
    pub shard: Shard<AccountId>,
    /// Where the shard is, once opened.
    pub cid: Option<crate::cid::Cid>,
    /// Block at which it began: the merge could be disputed until then.
    pub opened: BlockNumber,
    /// Stage.
    pub stage: ScoreStage,
    /// First block after the stage's time.
    pub deadline: BlockNumber,
    /// Scorers.
    pub seats: BoundedVec<ScoreSeat<AccountId>, ConstU32<MAX_COMMITTEE>>,
    /// What at least two thirds of the seats found.
    pub settled: Option<ScoreReport>,
}

impl<AccountId> Valuation<AccountId> {
    /// The report that at least two thirds of the seats revealed.
    pub fn common(&self) -> Option<ScoreReport> {
        let seats = crate::math::to_u32(self.seats.len());
        self.seats.iter().find_map(|seat| {
            let same = self.seats.iter().filter(|s| s.report == seat.report);
            let enough = crate::draw::two_thirds(crate::math::to_u32(same.count()), seats);
            seat.report.filter(|_| enough)
        })
    }
}

/// An entry of a branch's improvement record.
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
pub struct ScoreRecord {
    /// Number of the round.
    pub round: u32,
    /// The scored version.
    pub version: H256,
    /// What the scorers found.
    pub report: ScoreReport,
    /// Samples of the shard.
    pub samples: u32,
    /// Whether the version became the head.
    pub promoted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BranchId;

    fn loss(total: u64) -> Loss {
        Loss {
            total,
            bits: H256::from_low_u64_be(total),
        }
    }

    fn valuation(reports: &[Option<u64>]) -> Valuation<u64> {
        let seat = |total: &Option<u64>| ScoreSeat {
            scorer: 0,
            bond: 0,
            commitment: None,
            report: total.map(|t| ScoreReport {
                parent: loss(9),
                version: loss(t),
            }),
            reward: 0,
        };
        Valuation {
            shard: Shard {
                root: H256::zero(),
                samples: 1,
                window: 2,
                steward: 0,
            },
            cid: None,
            opened: 0,
            stage: ScoreStage::Reveal,
            deadline: 0,
            seats: BoundedVec::truncate_from(reports.iter().map(seat).collect()),
            settled: None,
        }
    }

    #[test]
    fn report_should_be_common_only_when_two_thirds_of_all_seats_gave_it() {
        let total = |v: &Valuation<u64>| v.common().map(|r| r.version.total);
        assert_eq!(total(&valuation(&[Some(1), Some(1), Some(2)])), Some(1));
        assert_eq!(total(&valuation(&[Some(2), Some(1), Some(1)])), Some(1));
        assert_eq!(total(&valuation(&[Some(1), Some(1), None, None])), None);
        assert_eq!(total(&valuation(&[None, None, None])), None);
        assert_eq!(total(&valuation(&[])), None);
    }

    #[test]
    fn version_should_be_worse_only_past_the_margin() {
        let report = |version| ScoreReport {
            parent: loss(1_000),
            version: loss(version),
        };
        assert!(!report(1_050).worse(10, 5));
        assert!(report(1_051).worse(10, 5));
        assert!(!report(10).worse(10, 0));
    }

    #[test]
    fn commitment_should_bind_account_round_report_and_salt() {
        let commit = |account: u8, branch: BranchId, total: u64, salt: u8| {
            let report = ScoreReport {
                parent: loss(1),
                version: loss(total),
            };
            let round = RoundId { branch, number: 1 };
            report.commitment(
                &H256::zero(),
                &[account; 32],
                &round,
                &H256::repeat_byte(salt),
            )
        };
        let all = [
            commit(1, 1, 1, 1),
            commit(2, 1, 1, 1),
            commit(1, 2, 1, 1),
            commit(1, 1, 2, 1),
            commit(1, 1, 1, 2),
        ];
        assert!((0..5).all(|i| (0..i).all(|j| all[i] != all[j])));
    }

    #[test]
    fn scoring_should_count_two_thirds_of_training_on_the_same_tokens() {
        assert_eq!(score_units(30, 100, 2), 4_000);
    }
}
