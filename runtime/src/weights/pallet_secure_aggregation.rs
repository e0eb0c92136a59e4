// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of `pallet_secure_aggregation`, measured by scripts/weights.sh with frame-omni-bencher 0.28.0 (frame-benchmarking-cli
//! 64.0.0), 2026-11-21, 10 steps, 5 repeats, AMD EPYC. Do not edit: run it again.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::{RuntimeDbWeight, Weight};

/// Measured weights of `pallet_secure_aggregation`, with the costs of the database from `Db`.
pub struct WeightInfo<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> pallet_secure_aggregation::WeightInfo for WeightInfo<Db> {
    fn set_parameters() -> Weight {
        // Least time measured: 7_682_000 picoseconds.
        Weight::from_parts(8_953_000, 0).saturating_add(Db::get().writes(1))
    }
    fn join_committee() -> Weight {
        // Least time measured: 119_297_000 picoseconds.
        Weight::from_parts(132_226_000, 18895)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(1))
    }
    fn leave_committee() -> Weight {
        // Least time measured: 114_350_000 picoseconds.
        Weight::from_parts(166_897_000, 18895)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(1))
    }
    fn deal() -> Weight {
        // Least time measured: 47_401_000 picoseconds.
        Weight::from_parts(60_841_000, 4617)
            .saturating_add(Db::get().reads(1))
            .saturating_add(Db::get().writes(2))
    }
    fn complain() -> Weight {
        // Least time measured: 37_505_000 picoseconds.
        Weight::from_parts(44_787_000, 4990)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(1))
    }
    fn show_share() -> Weight {
        // Least time measured: 56_184_000 picoseconds.
        Weight::from_parts(64_676_000, 4990)
            .saturating_add(Db::get().reads(4))
            .saturating_add(Db::get().writes(1))
    }
    fn judge_dealers() -> Weight {
        // Least time measured: 29_664_000 picoseconds.
        Weight::from_parts(34_962_000, 4617)
            .saturating_add(Db::get().reads(1))
            .saturating_add(Db::get().writes(1))
    }
    fn name_key() -> Weight {
        // Least time measured: 29_413_000 picoseconds.
        Weight::from_parts(33_089_000, 4617)
            .saturating_add(Db::get().reads(1))
            .saturating_add(Db::get().writes(1))
    }
    fn sponsor() -> Weight {
        // Least time measured: 132_196_000 picoseconds.
        Weight::from_parts(138_926_000, 3658)
            .saturating_add(Db::get().reads(10))
            .saturating_add(Db::get().writes(4))
    }
    fn end_job() -> Weight {
        // Least time measured: 81_931_000 picoseconds.
        Weight::from_parts(89_093_000, 4695)
            .saturating_add(Db::get().reads(6))
            .saturating_add(Db::get().writes(4))
    }
    fn register() -> Weight {
        // Least time measured: 184_434_000 picoseconds.
        Weight::from_parts(249_200_000, 19867)
            .saturating_add(Db::get().reads(8))
            .saturating_add(Db::get().writes(5))
    }
    fn commit_contribution() -> Weight {
        // Least time measured: 73_329_000 picoseconds.
        Weight::from_parts(96_514_000, 4695)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn open_contribution() -> Weight {
        // Least time measured: 105_577_000 picoseconds.
        Weight::from_parts(130_213_000, 6036)
            .saturating_add(Db::get().reads(5))
            .saturating_add(Db::get().writes(4))
    }
    fn disclose_segment() -> Weight {
        // Least time measured: 86_679_000 picoseconds.
        Weight::from_parts(98_907_000, 4695)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn vote_contributions() -> Weight {
        // Least time measured: 81_130_000 picoseconds.
        Weight::from_parts(96_603_000, 10810)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn post_sum() -> Weight {
        // Least time measured: 103_984_000 picoseconds.
        Weight::from_parts(122_442_000, 4695)
            .saturating_add(Db::get().reads(4))
            .saturating_add(Db::get().writes(3))
    }
    fn dispute() -> Weight {
        // Least time measured: 70_905_000 picoseconds.
        Weight::from_parts(85_967_000, 16682)
            .saturating_add(Db::get().reads(5))
            .saturating_add(Db::get().writes(4))
    }
    fn answer_dispute() -> Weight {
        // Least time measured: 93_829_000 picoseconds.
        Weight::from_parts(109_392_000, 16682)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(1))
    }
    fn narrow_dispute() -> Weight {
        // Least time measured: 49_734_000 picoseconds.
        Weight::from_parts(61_050_000, 16682)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(1))
    }
    fn prove_sum(p: u32) -> Weight {
        // Least time measured: 1_067_745_000 picoseconds.
        Weight::from_parts(1_127_213_000, 19867)
            .saturating_add(Weight::from_parts(51_019_156, 0).saturating_mul(p.into()))
            .saturating_add(Db::get().reads(13))
            .saturating_add(Db::get().reads(1_u64.saturating_mul(p.into())))
            .saturating_add(Db::get().writes(9))
            .saturating_add(Weight::from_parts(0, 2890).saturating_mul(p.into()))
    }
    fn prove_version() -> Weight {
        // Least time measured: 2_581_501_000 picoseconds.
        Weight::from_parts(3_311_835_000, 47859)
            .saturating_add(Db::get().reads(75))
            .saturating_add(Db::get().writes(72))
    }
    fn answer_decryption() -> Weight {
        // Least time measured: 87_199_000 picoseconds.
        Weight::from_parts(100_249_000, 4695)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(1))
    }
    fn open_shard() -> Weight {
        // Least time measured: 46_229_000 picoseconds.
        Weight::from_parts(52_418_000, 4695)
            .saturating_add(Db::get().reads(1))
            .saturating_add(Db::get().writes(1))
    }
    fn commit_report() -> Weight {
        // Least time measured: 49_543_000 picoseconds.
        Weight::from_parts(56_544_000, 10810)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn reveal_report() -> Weight {
        // Least time measured: 85_797_000 picoseconds.
        Weight::from_parts(96_493_000, 10810)
            .saturating_add(Db::get().reads(4))
            .saturating_add(Db::get().writes(2))
    }
    fn idle_block() -> Weight {
        // Least time measured: 11_758_000 picoseconds.
        Weight::from_parts(15_463_000, 18895).saturating_add(Db::get().reads(4))
    }
    fn step_epoch() -> Weight {
        // Least time measured: 1_182_394_000 picoseconds.
        Weight::from_parts(1_260_300_000, 706782)
            .saturating_add(Db::get().reads(272))
            .saturating_add(Db::get().writes(16))
    }
    fn open_round() -> Weight {
        // Least time measured: 85_036_000 picoseconds.
        Weight::from_parts(89_453_000, 18895)
            .saturating_add(Db::get().reads(14))
            .saturating_add(Db::get().writes(5))
    }
    fn sweep(v: u32) -> Weight {
        // Least time measured: 34_141_000 picoseconds.
        Weight::from_parts(76_811_433, 19867)
            .saturating_add(Weight::from_parts(75_655_844, 0).saturating_mul(v.into()))
            .saturating_add(Db::get().reads(6))
            .saturating_add(Db::get().reads(4_u64.saturating_mul(v.into())))
            .saturating_add(Db::get().writes(3))
            .saturating_add(Db::get().writes(6_u64.saturating_mul(v.into())))
            .saturating_add(Weight::from_parts(0, 2890).saturating_mul(v.into()))
    }
    fn draw_round() -> Weight {
        // Least time measured: 3_834_681_000 picoseconds.
        Weight::from_parts(4_258_699_000, 706782)
            .saturating_add(Db::get().reads(538))
            .saturating_add(Db::get().writes(36))
    }
}
