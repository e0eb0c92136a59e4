// SPDX-License-Identifier: GPL-3.0-or-later
//! Blocks in which the hook has as much to do as it may have.

use super::helper::BenchmarkHelper;
use super::merges::post;
use super::setup::*;
use crate::*;
use alloc::vec;
use alloc::vec::Vec;
use dream_primitives::claim::{RoundId, Verdict};
use dream_primitives::credits::{Credits as CreditBalance, RING};
use dream_primitives::draw::MAX_COMMITTEE;
use dream_primitives::recipe::AggregationRule;
use dream_primitives::record::{Receipt, Role};
use dream_primitives::round::{ClaimState, Phase, MAX_CLAIMS};
use dream_primitives::trial::{Challenger, Level, Stage, Trial, TrialReport, TrialSeat};
use dream_primitives::value::{ScoreSeat, ScoreStage, Shard, Valuation};
use dream_primitives::{BoundedVec, BranchId, DREAM, H256};
use polkadot_sdk::frame_benchmarking::v2::account;

/// Branches by what their rounds do in the block.
const IDLE: BranchId = 10_000;
const ENDING: BranchId = 20_000;
const OPENING: BranchId = 30_000;

fn only(branch: BranchId) -> RoundId {
    RoundId { branch, number: 1 }
}

fn shard<T: Config>() -> Shard<AccountOf<T>> {
    Shard {
        root: h(1),
        samples: 1_000,
        window: 129,
        steward: account("steward", 0, 0),
    }
}

/// A seed window that will not be complete in this block.
fn window<T: Config>() -> SeedWindow<AccountOf<T>> {
    let authors = (0..MAX_SEED_AUTHORS).map(|i| account("author", i, 0));
    SeedWindow {
        mixed: h(1),
        left: 10,
        authors: BoundedVec::truncate_from(authors.collect()),
    }
}

/// A round that gathers its seed.
fn put_seeding<T: Config>(branch: BranchId) -> RoundId {
    let id = only(branch);
    Rounds::<T>::insert(id, round::<T>(id, Phase::Seeding, h(3)));
    SeedWindows::<T>::insert(id, window::<T>());
    id
}

/// A round whose merge stands from this block on and is to be scored: its claims are read, and the branch's verifiers
/// frozen.
fn put_ending<T: Config>(branch: BranchId) -> RoundId {
    let id = only(branch);
    let head = header(branch, h(1), h(2));
    let base = put_branch::<T>(account("owner", 0, 0), head, None);
    T::BenchmarkHelper::put_shards(branch, shard::<T>());
    put_verifiers::<T>(branch);
    put_terms::<T>(id, AggregationRule::WeightedMean);
    put_claims::<T>(id, MAX_CLAIMS, MAX_CLAIMS, h);
    let mut round = round::<T>(id, Phase::Dispute, base);
    round.deadline = NOW;
    post::<T>(&mut round, head);
    CurrentRound::<T>::insert(branch, id.number);
    Rounds::<T>::insert(id, round);
    id
}

/// A round whose claims vest from this block on: each pays a newcomer, its committee and a larger one, and frees their
/// bonds; then the scorers are paid, and the round is over.
fn put_vesting<T: Config>(claims: u32) -> RoundId {
    let id = ROUND;
    let mut round = round::<T>(id, Phase::Vesting, h(3));
    round.deadline = NOW;
    Rounds::<T>::insert(id, round);
    put_terms::<T>(id, AggregationRule::WeightedMean);
    let ids = put_claims::<T>(id, claims, claims, h);
    for (place, claim) in (0u32..).zip(ids) {
        let seat = |i: u32| place.saturating_mul(MAX_COMMITTEE).saturating_add(i);
        let miner: AccountOf<T> = rich::<T>("miner", place);
        put_credits::<T>(&miner);
        let mut record = record::<T>(id, miner.clone(), ClaimState::Merged);
        record.newcomer = true;
        record.merged = true;
        record.receipts = BoundedVec::new();
        for (at, place) in record.committee.iter_mut().zip(0u32..) {
            at.verifier = holder::<T>("seat", seat(place));
        }
        let larger = (0..MAX_COMMITTEE).map(|i| rich::<T>("larger", seat(i)));
        record.larger = BoundedVec::truncate_from(larger.collect());
        let verifiers = record.committee.iter().map(|s| &s.verifier);
        let verifiers = verifiers.chain(&record.larger).map(|v| (v, Role::Verifier));
        let receipts = core::iter::once((&miner, Role::Miner)).chain(verifiers);
        let receipts: Vec<Receipt<AccountOf<T>>> = receipts
            .map(|(account, role)| Receipt {
                account: account.clone(),
                role,
                units: 1,
                amount: DREAM,
                vests_at: NOW,
            })
            .collect();
        record.receipts = BoundedVec::truncate_from(receipts);
        Claims::<T>::insert(claim, record);
    }
    Exposure::<T>::insert(LEAF, 1_000_000 * DREAM);
    put_valuation::<T>(id, ScoreStage::Done, DREAM);
    id
}

/// Credits that changed in each of the last epochs, so that the next grant changes a full history.
fn put_credits<T: Config>(account: &AccountOf<T>) {
    let last = Pallet::<T>::credit_epoch().saturating_sub(1);
    let at = |age: u32| CreditBalance {
        amount: 1 << 60,
        step: last.saturating_sub(age),
    };
    Credits::<T>::insert(account, at(0));
    let history = (1..=RING).rev().map(at).collect();
    CreditHistory::<T>::insert(account, BoundedVec::truncate_from(history));
}

/// A valuation with all seats taken.
pub(crate) fn put_valuation<T: Config>(id: RoundId, stage: ScoreStage, reward: u128) {
    let seat = |i| ScoreSeat {
        scorer: holder::<T>("scorer", i),
        bond: DREAM,
        commitment: None,
        report: None,
        reward,
    };
    let valuation = Valuation {
        shard: shard::<T>(),
        cid: Some(cid()),
        opened: 1,
        stage,
        deadline: NOW.saturating_add(100),
        seats: BoundedVec::truncate_from((0..MAX_COMMITTEE).map(seat).collect()),
        settled: None,
    };
    Valuations::<T>::insert(id, valuation);
}

/// A branch whose last round is over and whose next one opens in this block, for all newcomers that there may be. The first
/// branches earn emission, the others are paid from escrows.
fn put_opening<T: Config>(place: u32) {
    let branch = OPENING.saturating_add(place);
    let owner: AccountOf<T> = account("owner", 0, 0);
    let admission = (place >= MAX_FUNDED).then_some(ADMISSION);
    put_branch::<T>(owner.clone(), header(branch, h(1), h(2)), admission);
    let last = only(branch);
    let over = round::<T>(last, Phase::Vesting, h(3));
    CurrentRound::<T>::insert(branch, last.number);
    Rounds::<T>::insert(last, over);
    Tickets::<T>::insert(branch, entries::<T>());
    if admission.is_none() {
        put_escrow::<T>(branch, owner, 10);
        let _ = FundedBranches::<T>::try_append(branch);
    }
}

/// An escrow that holds so many rounds' pay.
pub(crate) fn put_escrow<T: Config>(branch: BranchId, owner: AccountOf<T>, rounds: u128) {
    let escrow = Escrow {
        owner,
        balance: rounds.saturating_mul(DREAM),
        reserved: 0,
        per_round: DREAM,
        unit_price: 1,
    };
    Escrows::<T>::insert(branch, escrow);
}

/// A block with so many rounds that move, one of which pays `swept` claims out and `ending` of which read their claims and
/// verifiers; and so many branches that open a round.
pub(crate) fn busy<T: Config>(active: u32, branches: u32, swept: u32, ending: u32) {
    prepare::<T>();
    let author = rich::<T>("producer", 0);
    ParentAuthor::<T>::put(author);
    Producers::<T>::put(ProducerPot {
        balance: 1_000 * DREAM,
        per_block: DREAM,
    });
    PendingIssuance::<T>::put(1_000_000 * DREAM);
    TotalCredits::<T>::put(CreditBalance::default());
    // It comes from the agenda to the end of the list.
    let vesting = put_vesting::<T>(swept);
    Agenda::<T>::insert(NOW, BoundedVec::truncate_from(vec![vesting]));
    let idle = active.saturating_sub(ending).saturating_sub(1);
    let ending = (0..ending).map(|i| put_ending::<T>(ENDING.saturating_add(i)));
    let mut all: Vec<RoundId> = ending.collect();
    all.extend((0..idle).map(|i| put_seeding::<T>(IDLE.saturating_add(i))));
    ActiveRounds::<T>::put(BoundedVec::truncate_from(all));
    (0..branches).for_each(put_opening::<T>);
}

/// How many of the branches of [`busy`] opened a round.
pub(crate) fn opened<T: Config>(branches: u32) -> u32 {
    let new = |place: &u32| {
        let branch = OPENING.saturating_add(*place);
        CurrentRound::<T>::get(branch) == Some(2)
    };
    (0..branches)
        .filter(new)
        .fold(0, |n, _| n.saturating_add(1))
}

/// How many of the ending rounds of [`busy`] are being scored.
pub(crate) fn scored<T: Config>(ending: u32) -> u32 {
    let scored = |place: &u32| {
        let id = only(ENDING.saturating_add(*place));
        let verifiers = Candidates::<T>::get(id).is_full();
        let phase = Rounds::<T>::get(id).map(|r| r.phase);
        verifiers && phase == Some(Phase::Valuation)
    };
    (0..ending)
        .filter(scored)
        .fold(0, |n, _| n.saturating_add(1))
}

/// A trial of [`ROUND`]'s claims at this level.
pub(crate) fn trial<T: Config>(level: Level, stage: Stage) -> Trial<AccountOf<T>> {
    Trial {
        level,
        stage,
        opened: NOW.saturating_sub(10),
        deadline: NOW.saturating_add(100),
        segments: BoundedVec::truncate_from((0..16).collect()),
        start: None,
        end: None,
        step: None,
        seats: 0,
        weight: 0,
        awaiting: 0,
        challenger: None,
    }
}

/// Lists so many trials: of the claims at the places from 1 on, each answered in this block.
pub(crate) fn put_trials<T: Config>(count: u32) -> Vec<H256> {
    let ids: Vec<H256> = (1..=count).map(|i| claim_id(ROUND, i)).collect();
    for id in &ids {
        let mut trial = trial::<T>(Level::Challenge, Stage::Opening);
        trial.end = results().first().copied();
        Trials::<T>::insert(id, trial);
    }
    ActiveTrials::<T>::put(BoundedVec::truncate_from(ids.clone()));
    ids
}

/// `active` trials, one of which is a jury of so many seats that have all revealed: just two thirds agree, against the
/// claim, its committee and the other seats.
pub(crate) fn judged<T: Config>(active: u32, seats: u32) -> H256 {
    prepare::<T>();
    let miner = holder::<T>("miner", 0);
    let id = put_claim::<T>(Phase::Jury, ClaimState::OnTrial, &miner, |record| {
        for (seat, i) in record.committee.iter_mut().zip(0u32..) {
            seat.verifier = holder::<T>("seat", i);
        }
    });
    let mut ids = put_trials::<T>(active.saturating_sub(1));
    ids.push(id);
    ActiveTrials::<T>::put(BoundedVec::truncate_from(ids));
    let mut jury = trial::<T>(Level::Jury, Stage::Reveal);
    (jury.seats, jury.weight) = (seats, u128::from(seats));
    jury.challenger = Some(Challenger {
        account: holder::<T>("challenger", 0),
        bond: DREAM,
    });
    Trials::<T>::insert(id, jury);
    let agreed = seats.saturating_mul(2).div_ceil(3);
    for i in 0..seats {
        let said = h(if i < agreed { 0 } else { i });
        let report = TrialReport {
            fingerprint: said,
            plain: said,
            verdict: Verdict::Mismatch,
            lack: false,
        };
        let seat = TrialSeat {
            bond: 100 * DREAM,
            weight: 1,
            commitment: Some(h(i)),
            report: Some(report),
            earlier: None,
        };
        TrialSeats::<T>::insert(id, holder::<T>("juror", i), seat);
    }
    Rounds::<T>::mutate(ROUND, |round| {
        if let Some(round) = round {
            round.trials = 1;
        }
    });
    id
}
