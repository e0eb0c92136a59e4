// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of `pallet_useful_work`, measured by scripts/weights.sh with frame-omni-bencher 0.28.0 (frame-benchmarking-cli
//! 64.0.0), 2026-11-21, 10 steps, 5 repeats, AMD EPYC. Do not edit: run it again.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::{RuntimeDbWeight, Weight};

/// Measured weights of `pallet_useful_work`, with the costs of the database from `Db`.
pub struct WeightInfo<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> pallet_useful_work::WeightInfo for WeightInfo<Db> {
    fn bond() -> Weight {
        // Least time measured: 314_857_000 picoseconds.
        Weight::from_parts(399_834_000, 183838)
            .saturating_add(Db::get().reads(67))
            .saturating_add(Db::get().writes(2))
    }
    fn unbond() -> Weight {
        // Least time measured: 17_967_000 picoseconds.
        Weight::from_parts(27_280_000, 3747)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(1))
    }
    fn withdraw_unbonded() -> Weight {
        // Least time measured: 52_628_000 picoseconds.
        Weight::from_parts(66_258_000, 3747)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn commit_profile() -> Weight {
        // Least time measured: 16_264_000 picoseconds.
        Weight::from_parts(21_622_000, 3647)
            .saturating_add(Db::get().reads(1))
            .saturating_add(Db::get().writes(1))
    }
    fn enlist_verifier() -> Weight {
        // Least time measured: 1_142_094_000 picoseconds.
        Weight::from_parts(1_347_610_000, 709539)
            .saturating_add(Db::get().reads(261))
            .saturating_add(Db::get().writes(3))
    }
    fn retire_verifier() -> Weight {
        // Least time measured: 41_952_000 picoseconds.
        Weight::from_parts(81_231_000, 11671)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn submit_claim() -> Weight {
        // Least time measured: 77_646_000 picoseconds.
        Weight::from_parts(87_319_000, 11675)
            .saturating_add(Db::get().reads(11))
            .saturating_add(Db::get().writes(5))
    }
    fn open_start_states() -> Weight {
        // Least time measured: 322_980_000 picoseconds.
        Weight::from_parts(377_701_000, 10999)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn vote_availability() -> Weight {
        // Least time measured: 45_057_000 picoseconds.
        Weight::from_parts(48_682_000, 10999)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn commit_replay() -> Weight {
        // Least time measured: 45_738_000 picoseconds.
        Weight::from_parts(50_735_000, 10999)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn open_digests() -> Weight {
        // Least time measured: 572_068_000 picoseconds.
        Weight::from_parts(614_733_000, 10999)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(2))
    }
    fn reveal_replay() -> Weight {
        // Least time measured: 85_327_000 picoseconds.
        Weight::from_parts(91_746_000, 10999)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(2))
    }
    fn post_merge() -> Weight {
        // Least time measured: 3_953_457_000 picoseconds.
        Weight::from_parts(4_341_102_000, 2563294)
            .saturating_add(Db::get().reads(263))
            .saturating_add(Db::get().writes(3))
    }
    fn admit_profile() -> Weight {
        // Least time measured: 6_730_000 picoseconds.
        Weight::from_parts(9_374_000, 0).saturating_add(Db::get().writes(1))
    }
    fn dismiss_profile() -> Weight {
        // Least time measured: 6_669_000 picoseconds.
        Weight::from_parts(8_223_000, 0).saturating_add(Db::get().writes(1))
    }
    fn reveal_profile() -> Weight {
        // Least time measured: 40_269_000 picoseconds.
        Weight::from_parts(66_459_000, 3747)
            .saturating_add(Db::get().reads(5))
            .saturating_add(Db::get().writes(3))
    }
    fn open_flag() -> Weight {
        // Least time measured: 100_039_000 picoseconds.
        Weight::from_parts(112_106_000, 10999)
            .saturating_add(Db::get().reads(4))
            .saturating_add(Db::get().writes(3))
    }
    fn challenge() -> Weight {
        // Least time measured: 77_716_000 picoseconds.
        Weight::from_parts(117_093_000, 10999)
            .saturating_add(Db::get().reads(6))
            .saturating_add(Db::get().writes(5))
    }
    fn open_challenged() -> Weight {
        // Least time measured: 97_565_000 picoseconds.
        Weight::from_parts(126_198_000, 10999)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(1))
    }
    fn commit_verdict() -> Weight {
        // Least time measured: 22_604_000 picoseconds.
        Weight::from_parts(30_896_000, 3753)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(2))
    }
    fn reveal_verdict() -> Weight {
        // Least time measured: 89_923_000 picoseconds.
        Weight::from_parts(97_244_000, 10999)
            .saturating_add(Db::get().reads(4))
            .saturating_add(Db::get().writes(2))
    }
    fn open_shard() -> Weight {
        // Least time measured: 23_104_000 picoseconds.
        Weight::from_parts(29_574_000, 6526)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(1))
    }
    fn commit_score() -> Weight {
        // Least time measured: 19_649_000 picoseconds.
        Weight::from_parts(34_160_000, 6526)
            .saturating_add(Db::get().reads(2))
            .saturating_add(Db::get().writes(1))
    }
    fn reveal_score() -> Weight {
        // Least time measured: 32_318_000 picoseconds.
        Weight::from_parts(40_350_000, 6526)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(1))
    }
    fn dispute_merge() -> Weight {
        // Least time measured: 3_137_586_000 picoseconds.
        Weight::from_parts(3_583_157_000, 2563294)
            .saturating_add(Db::get().reads(265))
            .saturating_add(Db::get().writes(3))
    }
    fn answer_dispute() -> Weight {
        // Least time measured: 164_374_000 picoseconds.
        Weight::from_parts(246_776_000, 16698)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(1))
    }
    fn narrow_dispute() -> Weight {
        // Least time measured: 107_340_000 picoseconds.
        Weight::from_parts(130_344_000, 16698)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(1))
    }
    fn prove_chunk(d: u32) -> Weight {
        // Least time measured: 6_445_885_000 picoseconds.
        Weight::from_parts(6_852_259_128, 2563294)
            .saturating_add(Weight::from_parts(99_552_225, 0).saturating_mul(d.into()))
            .saturating_add(Db::get().reads(274))
            .saturating_add(Db::get().writes(15))
    }
    fn prove_pair() -> Weight {
        // Least time measured: 1_037_690_000 picoseconds.
        Weight::from_parts(1_120_573_000, 321278)
            .saturating_add(Db::get().reads(50))
            .saturating_add(Db::get().writes(15))
    }
    fn demand_chunk() -> Weight {
        // Least time measured: 152_637_000 picoseconds.
        Weight::from_parts(186_547_000, 10999)
            .saturating_add(Db::get().reads(7))
            .saturating_add(Db::get().writes(3))
    }
    fn supply_chunk() -> Weight {
        // Least time measured: 374_526_000 picoseconds.
        Weight::from_parts(430_048_000, 10999)
            .saturating_add(Db::get().reads(8))
            .saturating_add(Db::get().writes(4))
    }
    fn revert_claim() -> Weight {
        // Least time measured: 4_578_495_000 picoseconds.
        Weight::from_parts(4_942_043_000, 2563294)
            .saturating_add(Db::get().reads(527))
            .saturating_add(Db::get().writes(16))
    }
    fn fund_branch() -> Weight {
        // Least time measured: 126_238_000 picoseconds.
        Weight::from_parts(133_788_000, 44901)
            .saturating_add(Db::get().reads(20))
            .saturating_add(Db::get().writes(3))
    }
    fn withdraw_escrow() -> Weight {
        // Least time measured: 110_203_000 picoseconds.
        Weight::from_parts(115_652_000, 44901)
            .saturating_add(Db::get().reads(19))
            .saturating_add(Db::get().writes(2))
    }
    fn enter() -> Weight {
        // Least time measured: 102_082_000 picoseconds.
        Weight::from_parts(117_525_000, 11671)
            .saturating_add(Db::get().reads(9))
            .saturating_add(Db::get().writes(1))
    }
    fn authorize_enter() -> Weight {
        // Least time measured: 95_812_000 picoseconds.
        Weight::from_parts(107_810_000, 11671).saturating_add(Db::get().reads(9))
    }
    fn act_as_newcomer() -> Weight {
        // Least time measured: 582_435_000 picoseconds.
        Weight::from_parts(626_429_000, 10999)
            .saturating_add(Db::get().reads(3))
            .saturating_add(Db::get().writes(2))
    }
    fn authorize_act_as_newcomer() -> Weight {
        // Least time measured: 792_747_000 picoseconds.
        Weight::from_parts(849_801_000, 10999).saturating_add(Db::get().reads(3))
    }
    fn retire_founder() -> Weight {
        // Least time measured: 47_631_000 picoseconds.
        Weight::from_parts(54_481_000, 3747)
            .saturating_add(Db::get().reads(5))
            .saturating_add(Db::get().writes(4))
    }
    fn begin_block(a: u32, b: u32, c: u32, d: u32) -> Weight {
        // Least time measured: 17_799_202_000 picoseconds.
        Weight::from_parts(356_497_580, 45241)
            .saturating_add(Weight::from_parts(374_857_236, 0).saturating_mul(b.into()))
            .saturating_add(Weight::from_parts(1_366_471_317, 0).saturating_mul(c.into()))
            .saturating_add(Weight::from_parts(10_470_453_842, 0).saturating_mul(d.into()))
            .saturating_add(Db::get().reads(50))
            .saturating_add(Db::get().reads(2_u64.saturating_mul(a.into())))
            .saturating_add(Db::get().reads(39_u64.saturating_mul(b.into())))
            .saturating_add(Db::get().reads(53_u64.saturating_mul(c.into())))
            .saturating_add(Db::get().reads(1028_u64.saturating_mul(d.into())))
            .saturating_add(Db::get().writes(42))
            .saturating_add(Db::get().writes(2_u64.saturating_mul(a.into())))
            .saturating_add(Db::get().writes(7_u64.saturating_mul(b.into())))
            .saturating_add(Db::get().writes(53_u64.saturating_mul(c.into())))
            .saturating_add(Db::get().writes(3_u64.saturating_mul(d.into())))
            .saturating_add(Weight::from_parts(0, 4469).saturating_mul(a.into()))
            .saturating_add(Weight::from_parts(0, 85696).saturating_mul(b.into()))
            .saturating_add(Weight::from_parts(0, 85899).saturating_mul(c.into()))
            .saturating_add(Weight::from_parts(0, 2562304).saturating_mul(d.into()))
    }
    fn step_trials(a: u32, s: u32) -> Weight {
        // Least time measured: 2_209_529_000 picoseconds.
        Weight::from_parts(2_266_984_000, 45241)
            .saturating_add(Weight::from_parts(4_788_822, 0).saturating_mul(a.into()))
            .saturating_add(Weight::from_parts(72_139_753, 0).saturating_mul(s.into()))
            .saturating_add(Db::get().reads(54))
            .saturating_add(Db::get().reads(1_u64.saturating_mul(a.into())))
            .saturating_add(Db::get().reads(3_u64.saturating_mul(s.into())))
            .saturating_add(Db::get().writes(51))
            .saturating_add(Db::get().writes(2_u64.saturating_mul(a.into())))
            .saturating_add(Db::get().writes(3_u64.saturating_mul(s.into())))
            .saturating_add(Weight::from_parts(0, 2763).saturating_mul(a.into()))
            .saturating_add(Weight::from_parts(0, 2757).saturating_mul(s.into()))
    }
}
