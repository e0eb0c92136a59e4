// SPDX-License-Identifier: GPL-3.0-or-later
//! Where each call starts from: who calls, and with what.

use super::blocks::{put_escrow, put_trials, put_valuation, trial};
use super::helper::BenchmarkHelper;
use super::merges::*;
use super::setup::*;
use crate::*;
use alloc::vec;
use dream_primitives::claim::{
    canary_commitment, canary_digest, canary_link, Claim, ReplayReport, RoundId,
};
use dream_primitives::dispute::{Answer, NodeValue, PairProof, Tree, ANSWER_LEVELS};
use dream_primitives::draw::MAX_COMMITTEE;
use dream_primitives::emission::PARTS;
use dream_primitives::game::{Replay, Turn, MAX_REPLAYS};
use dream_primitives::math::{to_u32, to_usize};
use dream_primitives::params::MAX_NEWCOMERS;
use dream_primitives::profile;
use dream_primitives::recipe::AggregationRule;
use dream_primitives::round::{ClaimState, HistoryEntry, Phase, MAX_CLAIMS};
use dream_primitives::ticket::{work, NewcomerAct, Ticket};
use dream_primitives::trial::{Challenger, Level, Stage, TrialSeat, MAX_CHALLENGES, MAX_TRIALS};
use dream_primitives::value::{Loss, ScoreReport, ScoreStage};
use dream_primitives::{BoundedVec, DREAM, H256};
use polkadot_sdk::frame_benchmarking::v2::{account, whitelisted_caller};
use polkadot_sdk::frame_support::traits::fungible::MutateHold;

/// Rounds that a revert looks back over: the pallet's own bound.
const SPAN: u32 = 256;

fn genesis<T: Config>() -> H256 {
    Pallet::<T>::genesis()
}

/// Who makes the call, with a bond; in a prepared chain.
pub(crate) fn caller<T: Config>() -> AccountOf<T> {
    prepare::<T>();
    bonded::<T>(whitelisted_caller())
}

pub(crate) fn state_of<T: Config>(claim: H256) -> Option<ClaimState> {
    Claims::<T>::get(claim).map(|record| record.state)
}

/// Changes the round of [`BRANCH`].
fn change_round<T: Config>(change: impl FnOnce(&mut RoundOf<T>)) {
    Rounds::<T>::mutate(ROUND, |round| round.as_mut().map(change));
}

/// Changes the caller's bond.
pub(crate) fn change_bond<T: Config>(who: &AccountOf<T>, change: impl FnOnce(&mut Bond)) {
    Bonds::<T>::mutate(who, |bond| bond.as_mut().map(change));
}

pub(crate) fn founder<T: Config>() -> AccountOf<T> {
    let mut p = prepare::<T>();
    p.rewards.bootstrap_issuance = 1;
    T::BenchmarkHelper::prepare(p);
    let founder = holder::<T>("founder", 0);
    change_bond::<T>(&founder, |bond| bond.founding = bond.total);
    founder
}

/// A caller with a profile, for a list that is full, though one on it has taken its bond out.
pub(crate) fn enlisting<T: Config>() -> AccountOf<T> {
    let who = caller::<T>();
    let all = put_verifiers::<T>(BRANCH);
    all.first().into_iter().for_each(Bonds::<T>::remove);
    Profiles::<T>::insert(BRANCH, &who, profile(LEAF, h(1)));
    who
}

/// The last of a full list.
pub(crate) fn enlisted<T: Config>() -> AccountOf<T> {
    let who = caller::<T>();
    let mut all = put_verifiers::<T>(BRANCH);
    all.pop();
    all.push(who.clone());
    Verifiers::<T>::insert(BRANCH, BoundedVec::truncate_from(all));
    who
}

/// The last place of a round that is not kept for newcomers.
pub(crate) fn claiming<T: Config>() -> (AccountOf<T>, Claim) {
    let who = caller::<T>();
    let mut round = put_round::<T>(Phase::Training);
    let free = MAX_CLAIMS.saturating_sub(MAX_NEWCOMERS);
    round.claims = free.saturating_sub(1);
    let earlier = (0..round.claims).map(|i| claim_id(ROUND, i));
    RoundClaims::<T>::insert(ROUND, BoundedVec::truncate_from(earlier.collect()));
    Newcomers::<T>::insert(ROUND, entries::<T>());
    Profiles::<T>::insert(BRANCH, &who, profile(LEAF, h(1)));
    let claim = claim(ROUND, round.base);
    Rounds::<T>::insert(ROUND, round);
    (who, claim)
}

/// A claim of the caller's in this phase, with the trees that its proofs are from.
pub(crate) fn traced<T: Config>(phase: Phase, state: ClaimState) -> (AccountOf<T>, H256, Trace) {
    let who = caller::<T>();
    let trace = Trace::new(&genesis::<T>());
    let id = put_claim::<T>(phase, state, &who, |record| {
        trace.sign_off(&mut record.claim);
    });
    (who, id, trace)
}

/// The last seat of a claim's committee, empty so far.
pub(crate) fn seated<T: Config>(phase: Phase, state: ClaimState) -> (AccountOf<T>, H256) {
    let who = caller::<T>();
    let seat = empty_seat::<T>(who.clone());
    let id = put_claim::<T>(phase, state, &account("miner", 0, 0), |record| {
        take_seat::<T>(record, seat);
    });
    (who, id)
}

/// What a replay gave, of as many segments as are audited at most.
fn replay(step: Option<H256>) -> ReplayReport {
    ReplayReport {
        initial_state: h(10_000),
        results: results(),
        delta_root: claim(ROUND, h(3)).delta_root,
        residual_end: None,
        step_state: step,
    }
}

/// The last seat of a committee, with its commitment to this report.
pub(crate) fn committed<T: Config>() -> (AccountOf<T>, H256, ReplayReport) {
    let who = caller::<T>();
    let (report, raw) = (replay(None), Pallet::<T>::raw(&who));
    let mut seat = empty_seat::<T>(who.clone());
    seat.commitment = Some(report.commitment(&genesis::<T>(), &raw, &claim_id(ROUND, 0), &SALT));
    let miner = account("miner", 0, 0);
    let id = put_claim::<T>(Phase::Reveal, ClaimState::Revealed, &miner, |record| {
        take_seat::<T>(record, seat);
    });
    (who, id, report)
}

/// Settings of a committed profile, whose leaf is admitted.
pub(crate) fn profiled<T: Config>() -> AccountOf<T> {
    let who = caller::<T>();
    let (genesis, raw) = (genesis::<T>(), Pallet::<T>::raw(&who));
    let commitment = profile::commitment(&genesis, &raw, BRANCH, &settings(), &LEAF, &h(1), &SALT);
    let committed = ProfileCommitment {
        commitment,
        since: 1,
    };
    ProfileCommitments::<T>::insert(BRANCH, &who, committed);
    who
}

/// A claim faked on duty, of which every digest is to be computed; and the link that opens its flag.
pub(crate) fn flagged<T: Config>() -> (AccountOf<T>, H256, H256) {
    let who = caller::<T>();
    let (genesis, raw, link) = (genesis::<T>(), Pallet::<T>::raw(&who), h(77));
    let secret = canary_link(&genesis, &link);
    let id = put_claim::<T>(Phase::FlagOpening, ClaimState::Revealed, &who, |record| {
        record.claim.canary = canary_commitment(&genesis, &raw, &ROUND, true, &SALT);
        record.secret = secret;
        record.flag = None;
        for end in record.ends.iter_mut() {
            end.digest = canary_digest(&genesis, &link, &ROUND, end.segment);
        }
    });
    change_round::<T>(|round| round.canary_rate = PARTS);
    Profiles::<T>::insert(BRANCH, &who, profile(LEAF, secret));
    (who, id, link)
}

/// A merged claim that may be challenged once more, with one place left for challenges.
pub(crate) fn challenging<T: Config>() -> (AccountOf<T>, H256) {
    let who = caller::<T>();
    let miner = account("miner", 0, 0);
    let id = put_claim::<T>(Phase::Vesting, ClaimState::Merged, &miner, |record| {
        for _ in 1..MAX_CHALLENGES {
            let _ = record.history.try_push(HistoryEntry {
                block: 1,
                state: ClaimState::Challenged,
            });
        }
    });
    put_active::<T>(MAX_ACTIVE);
    put_trials::<T>((MAX_TRIALS / 2).saturating_sub(1));
    (who, id)
}

/// A challenged claim of the caller's.
pub(crate) fn challenged<T: Config>() -> (AccountOf<T>, H256, Trace) {
    let (who, id, trace) = traced::<T>(Phase::Vesting, ClaimState::Challenged);
    let mut opening = trial::<T>(Level::Challenge, Stage::Opening);
    opening.segments = BoundedVec::truncate_from(vec![0]);
    opening.challenger = Some(Challenger {
        account: account("challenger", 0, 0),
        bond: DREAM,
    });
    Trials::<T>::insert(id, opening);
    (who, id, trace)
}

/// A seat of a jury, empty so far.
pub(crate) fn summoned<T: Config>() -> (AccountOf<T>, H256) {
    let who = caller::<T>();
    let id = claim_id(ROUND, 0);
    Trials::<T>::insert(id, trial::<T>(Level::Jury, Stage::Commitment));
    TrialSeats::<T>::insert(id, &who, TrialSeat::default());
    (who, id)
}

/// A seat of a jury, with its commitment to this report.
pub(crate) fn sworn<T: Config>() -> (AccountOf<T>, H256, ReplayReport) {
    let who = caller::<T>();
    let miner = account("miner", 0, 0);
    let id = put_claim::<T>(Phase::Jury, ClaimState::OnTrial, &miner, |_| {});
    let (report, raw) = (replay(Some(h(1))), Pallet::<T>::raw(&who));
    let seat = TrialSeat {
        commitment: Some(report.commitment(&genesis::<T>(), &raw, &id, &SALT)),
        ..TrialSeat::default()
    };
    Trials::<T>::insert(id, trial::<T>(Level::Jury, Stage::Reveal));
    TrialSeats::<T>::insert(id, &who, seat);
    (who, id, report)
}

/// The steward of the shard that scores the round's merge.
pub(crate) fn steward<T: Config>() -> AccountOf<T> {
    prepare::<T>();
    put_round::<T>(Phase::Valuation);
    put_valuation::<T>(ROUND, ScoreStage::Opening, 0);
    Valuations::<T>::mutate(ROUND, |valuation| {
        valuation.iter_mut().for_each(|v| v.cid = None);
    });
    account("steward", 0, 0)
}

/// The last scorer, with its commitment to this report.
pub(crate) fn scorer<T: Config>(stage: ScoreStage) -> (AccountOf<T>, ScoreReport) {
    prepare::<T>();
    put_round::<T>(Phase::Valuation);
    put_valuation::<T>(ROUND, stage, 0);
    let scorer: AccountOf<T> = account("scorer", MAX_COMMITTEE.saturating_sub(1), 0);
    let loss = |total| Loss { total, bits: h(1) };
    let report = ScoreReport {
        parent: loss(2),
        version: loss(1),
    };
    let raw = Pallet::<T>::raw(&scorer);
    let commitment = report.commitment(&genesis::<T>(), &raw, &ROUND, &SALT);
    Valuations::<T>::mutate(ROUND, |valuation| {
        let seats = valuation.iter_mut().flat_map(|v| v.seats.iter_mut());
        for seat in seats.filter(|_| stage == ScoreStage::Reveal) {
            seat.commitment = Some(commitment);
        }
    });
    (scorer, report)
}

/// A round of as many claims as there may be, all accepted, which is to be merged or whose merge may be disputed.
pub(crate) fn full_round<T: Config>(phase: Phase) -> AccountOf<T> {
    let who = caller::<T>();
    scene::<T>(phase, AggregationRule::WeightedMean, 1, Coding::Dense);
    put_claims::<T>(ROUND, MAX_CLAIMS, MAX_CLAIMS, h);
    who
}

/// The caller's dispute over a pair's tree beside seven others; the poster shows `answer` or has shown it.
pub(crate) fn disputed<T: Config>(shown: bool) -> (AccountOf<T>, AccountOf<T>, Answer) {
    let challenger = caller::<T>();
    scene::<T>(
        Phase::Dispute,
        AggregationRule::WeightedMean,
        1,
        Coding::Dense,
    );
    put_disputes::<T>(1);
    let (nodes, value) = answer();
    let turn = if shown {
        Turn::Narrow(nodes.clone())
    } else {
        Turn::Answer
    };
    put_dispute::<T>(
        challenger.clone(),
        Tree::Pair(0),
        ANSWER_LEVELS,
        value,
        turn,
    );
    (challenger, account("merger", 0, 0), nodes)
}

/// A dispute of the caller's at the first leaf of a tree, at which something else stands than should.
pub(crate) fn questioned<T: Config>(tree: Tree) -> AccountOf<T> {
    let challenger = bonded::<T>(whitelisted_caller());
    put_disputes::<T>(1);
    let wrong = NodeValue::Hash(H256::zero());
    put_dispute::<T>(challenger.clone(), tree, 0, wrong, Turn::Prove);
    challenger
}

/// Whether the posted merge was taken back.
pub(crate) fn refuted<T: Config>() -> bool {
    Rounds::<T>::get(ROUND).is_some_and(|r| r.phase == Phase::Merging && r.merge.is_none())
}

/// The largest round and table of Krum, and a pair's proof.
pub(crate) fn paired<T: Config>() -> PairProof {
    prepare::<T>();
    let (table, proof, roots) = table_and_pair();
    let most = to_u32(krum().max_claims());
    scene::<T>(Phase::Dispute, krum(), 1, Coding::Dense);
    put_claims::<T>(ROUND, most, most, |i| {
        roots.get(to_usize(i)).copied().unwrap_or_default()
    });
    PostedTables::<T>::insert(ROUND, BoundedVec::truncate_from(table));
    proof
}

/// A claim with demands for its chunks; places for `free` more are left.
pub(crate) fn demanded<T: Config>(free: u32, delta_root: H256) -> (AccountOf<T>, H256) {
    let who = caller::<T>();
    scene::<T>(
        Phase::Merging,
        AggregationRule::WeightedMean,
        1,
        Coding::Dense,
    );
    let claims = put_claims::<T>(ROUND, 1, 1, |_| delta_root);
    let claim = claims.first().copied().unwrap_or_default();
    put_demands::<T>(claim, free);
    (who, claim)
}

/// A claim after whose round as many follow as a revert looks back over; the last of them makes its merge again already,
/// and is disputed.
pub(crate) fn reverting<T: Config>() -> H256 {
    let who = full_round::<T>(Phase::Dispute);
    let source = RoundId {
        number: ROUND.number.saturating_sub(SPAN),
        ..ROUND
    };
    let claims = put_claims::<T>(source, MAX_CLAIMS, MAX_CLAIMS, h);
    for claim in &claims {
        Claims::<T>::mutate(claim, |slot| {
            for record in slot.iter_mut() {
                (record.merged, record.state) = (true, ClaimState::Merged);
            }
        });
    }
    for number in source.number..ROUND.number {
        let id = RoundId { number, ..ROUND };
        let mut past = round::<T>(id, Phase::Vesting, h(3));
        past.replays = Some(1);
        Rounds::<T>::insert(id, past);
    }
    put_disputes::<T>(1);
    let (_, value) = answer();
    put_dispute::<T>(who, Tree::Pair(0), ANSWER_LEVELS, value, Turn::Answer);
    change_round::<T>(|round| round.replays = Some(source.number));
    let replay = |i| Replay {
        branch: BRANCH.saturating_add(i),
        from: None,
        next: 1,
        until: 2,
    };
    Replays::<T>::put(BoundedVec::truncate_from(
        (1..MAX_REPLAYS).map(replay).collect(),
    ));
    claims.last().copied().unwrap_or_default()
}

/// Fills the list of funded branches with others, each with an escrow of so many rounds' pay.
fn put_funded<T: Config>(rounds: u128) {
    for i in 1..=MAX_FUNDED {
        let branch = BRANCH.saturating_add(i);
        put_escrow::<T>(branch, account("owner", i, 0), rounds);
        let _ = FundedBranches::<T>::try_append(branch);
    }
}

/// A branch of the caller's that will take another's place on the list.
pub(crate) fn funding<T: Config>() -> AccountOf<T> {
    let who = caller::<T>();
    put_branch::<T>(who.clone(), header(BRANCH, h(1), h(2)), None);
    put_funded::<T>(10);
    who
}

/// A branch of the caller's that finds no place on the list, with an escrow of ten rounds' pay.
pub(crate) fn funded<T: Config>() -> AccountOf<T> {
    let who = caller::<T>();
    T::Currency::hold(&HoldReason::Escrow.into(), &who, 10 * DREAM).expect("the caller was funded");
    put_escrow::<T>(BRANCH, who.clone(), 10);
    put_funded::<T>(100);
    who
}

/// A ticket below the target that displaces another, with its signature.
pub(crate) fn ticket<T: Config>() -> (Ticket<AccountOf<T>>, T::Signature) {
    prepare::<T>();
    let owner = account("owner", 0, 0);
    put_branch::<T>(owner, header(BRANCH, h(1), h(2)), Some(ADMISSION));
    let seed = put_round::<T>(Phase::Training).seed;
    TicketTarget::<T>::insert(BRANCH, H256::repeat_byte(0xff));
    Tickets::<T>::insert(BRANCH, entries::<T>());
    let (genesis, account) = (genesis::<T>(), T::BenchmarkHelper::signer());
    let raw = Pallet::<T>::raw(&account);
    // Lower than all on the list, by the margin: one nonce in four.
    let low = |nonce: &u64| work(&genesis, &raw, &seed, *nonce) < H256::repeat_byte(0x40);
    let ticket = Ticket {
        nonce: (0..u64::MAX).find(low).unwrap_or(0),
        account: account.clone(),
        round: ROUND,
        settings: settings(),
        leaf: LEAF,
        secret: h(1),
    };
    let signature = T::BenchmarkHelper::sign(&account, ticket.message(&genesis));
    (ticket, signature)
}

/// The heaviest act of a newcomer: it opens as many digests as are audited at most.
pub(crate) fn act<T: Config>() -> (NewcomerAct, AccountOf<T>, T::Signature) {
    prepare::<T>();
    let (genesis, account) = (genesis::<T>(), T::BenchmarkHelper::signer());
    let trace = Trace::new(&genesis);
    let phase = Phase::DigestOpening;
    let claim_id = put_claim::<T>(phase, ClaimState::Committed, &account, |record| {
        record.newcomer = true;
        trace.sign_off(&mut record.claim);
    });
    let act = NewcomerAct::OpenDigests {
        claim_id,
        openings: trace.openings(),
    };
    let message = act.message(&genesis, &Pallet::<T>::raw(&account));
    let signature = T::BenchmarkHelper::sign(&account, message);
    (act, account, signature)
}
