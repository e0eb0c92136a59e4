// SPDX-License-Identifier: GPL-3.0-or-later
//! Examples of bonds, profiles, trials and valuations.

use crate::codec_types::{
    bounded, cid, h, opened_start, segment_result, settings, AccountId, Dump,
};
use dream_primitives::bond::{Bond, Escrow};
use dream_primitives::claim::Verdict;
use dream_primitives::profile::ProfileRecord;
use dream_primitives::trial::*;
use dream_primitives::value::*;

pub fn challenger() -> Challenger<AccountId> {
    Challenger {
        account: [48; 32],
        bond: 200,
    }
}

pub fn trial_report() -> TrialReport {
    TrialReport {
        fingerprint: h(49),
        plain: h(50),
        verdict: Verdict::Mismatch,
        lack: true,
    }
}

pub fn trial() -> Trial<AccountId> {
    Trial {
        level: Level::Challenge,
        stage: Stage::Reveal,
        opened: 1_600,
        deadline: 1_700,
        segments: bounded(&[7]),
        start: Some(opened_start()),
        end: Some(segment_result()),
        step: Some(TrialStep {
            segment: 7,
            step: 3,
        }),
        seats: 6,
        weight: 1 << 75,
        awaiting: 4,
        challenger: Some(challenger()),
    }
}

pub fn valuations(d: &mut Dump) {
    let loss = |n| Loss {
        total: n,
        bits: h(60),
    };
    let report = ScoreReport {
        parent: loss(5_000_000),
        version: loss(4_000_000),
    };
    let shard = Shard {
        root: h(61),
        samples: 64,
        window: 129,
        steward: [62; 32],
    };
    let seat = ScoreSeat {
        scorer: [63; 32],
        bond: 100,
        commitment: Some(h(64)),
        report: Some(report),
        reward: 7,
    };
    d.add(&[loss(1)]);
    d.add(&[report]);
    d.add(&[shard]);
    d.add(&[seat.clone()]);
    d.add(&[
        ScoreStage::Opening,
        ScoreStage::Commitment,
        ScoreStage::Reveal,
        ScoreStage::Done,
    ]);
    d.add(&[Valuation {
        shard,
        cid: Some(cid(66)),
        opened: 1_150,
        stage: ScoreStage::Reveal,
        deadline: 1_200,
        seats: bounded(&[seat]),
        settled: Some(report),
    }]);
    d.add(&[ScoreRecord {
        round: 3,
        version: h(65),
        report,
        samples: 64,
        promoted: true,
    }]);
}

pub fn bonds(d: &mut Dump) {
    d.add(&[Bond {
        total: 1_000,
        locked: 300,
        unbonding: Some((200, 1_900)),
        since: 800,
        young: bounded(&[(850, 40)]),
        founding: 100,
    }]);
    d.add(&[Escrow::<AccountId> {
        owner: [67; 32],
        balance: 900,
        reserved: 300,
        per_round: 150,
        unit_price: 2,
    }]);
    d.add(&[ProfileRecord {
        settings: settings(),
        leaf: h(68),
        since: 810,
        secret: h(69),
        enlisted: Some(820),
    }]);
}
