// SPDX-License-Identifier: GPL-3.0-or-later
//! Benchmarks of every call and of the hook, each in its worst case: lists full, records long, trees deep.
//!
//! `scripts/weights.sh` runs them; under `cargo test --features runtime-benchmarks` each is a unit test.

mod blocks;
mod calls;
mod helper;
mod merges;
mod setup;

pub use helper::BenchmarkHelper;

use crate::*;
use blocks::*;
use calls::*;
use dream_primitives::claim::{Availability, Verdict};
use dream_primitives::dispute::{NodeId, Tree};
use dream_primitives::game::Turn;
use dream_primitives::recipe::AggregationRule;
use dream_primitives::round::{ClaimState, Phase, MAX_CLAIMS};
use dream_primitives::trial::MAX_TRIALS;
use dream_primitives::value::ScoreStage;
use dream_primitives::{BoundedVec, DREAM};
use merges::*;
use polkadot_sdk::frame_benchmarking::v2::*;
use polkadot_sdk::frame_support::pallet_prelude::TransactionSource;
use polkadot_sdk::frame_support::traits::{EnsureOrigin, Get};
use polkadot_sdk::frame_system::RawOrigin;
use setup::*;

fn accepted<Track: EnsureOrigin<O>, O>() -> Result<O, BenchmarkError> {
    Track::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn bond() {
        let who = caller::<T>();
        put_active::<T>(MAX_ACTIVE);
        let before = Bonds::<T>::get(&who).map_or(0, |b| b.total);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), DREAM);

        let after = Bonds::<T>::get(&who).map_or(0, |b| b.total);
        assert_eq!(after, before.saturating_add(DREAM));
    }

    #[benchmark]
    fn unbond() {
        let who = caller::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), DREAM);

        assert!(Bonds::<T>::get(&who).is_some_and(|b| b.unbonding.is_some()));
    }

    #[benchmark]
    fn withdraw_unbonded() {
        let who = caller::<T>();
        change_bond::<T>(&who, |b| b.unbonding = Some((DREAM, NOW)));

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()));

        assert!(Bonds::<T>::get(&who).is_some_and(|b| b.unbonding.is_none()));
    }

    #[benchmark]
    fn commit_profile() {
        let who = caller::<T>();
        put_branch::<T>(who.clone(), header(BRANCH, h(1), h(2)), None);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), BRANCH, h(1));

        assert!(ProfileCommitments::<T>::contains_key(BRANCH, &who));
    }

    #[benchmark]
    fn enlist_verifier() {
        let who = enlisting::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), BRANCH);

        assert!(Verifiers::<T>::get(BRANCH).contains(&who));
    }

    #[benchmark]
    fn retire_verifier() {
        let who = enlisted::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), BRANCH);

        assert!(!Verifiers::<T>::get(BRANCH).contains(&who));
    }

    #[benchmark]
    fn submit_claim() {
        let (who, claim) = claiming::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), claim);

        assert!(ClaimOf::<T>::contains_key(ROUND, &who));
    }

    #[benchmark]
    fn open_start_states() {
        let (who, id, trace) = traced::<T>(Phase::Opening, ClaimState::Drawn);
        let (initial, proof) = trace.initial();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, initial, proof, trace.starts());

        assert_eq!(state_of::<T>(id), Some(ClaimState::Opened));
    }

    #[benchmark]
    fn vote_availability() {
        let (who, id) = seated::<T>(Phase::Availability, ClaimState::Opened);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, Availability::Have);

        let last = Claims::<T>::get(id).and_then(|r| r.committee.last().cloned());
        assert!(last.is_some_and(|seat| seat.availability.is_some()));
    }

    #[benchmark]
    fn commit_replay() {
        let (who, id) = seated::<T>(Phase::Commitment, ClaimState::Available);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, h(1));

        let last = Claims::<T>::get(id).and_then(|r| r.committee.last().cloned());
        assert!(last.is_some_and(|seat| seat.commitment.is_some()));
    }

    #[benchmark]
    fn open_digests() {
        let (who, id, trace) = traced::<T>(Phase::DigestOpening, ClaimState::Committed);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, trace.openings());

        assert_eq!(state_of::<T>(id), Some(ClaimState::Revealed));
    }

    #[benchmark]
    fn reveal_replay() {
        let (who, id, report) = committed::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, report, SALT);

        let last = Claims::<T>::get(id).and_then(|r| r.committee.last().cloned());
        assert!(last.is_some_and(|seat| seat.verdict == Some(Verdict::Match)));
    }

    /// Krum's tables come with few claims; many claims cost more.
    #[benchmark]
    fn post_merge() {
        let signed = RawOrigin::Signed(full_round::<T>(Phase::Merging));
        let table = BoundedVec::new();

        #[extrinsic_call]
        _(signed, ROUND, h(1), h(2), cid(), Some(cid()), table);

        assert!(PostedHeaders::<T>::contains_key(ROUND));
    }

    #[benchmark]
    fn admit_profile() -> Result<(), BenchmarkError> {
        let origin = accepted::<T::ProfileOrigin, _>()?;

        #[extrinsic_call]
        _(origin, h(1));

        assert!(AdmittedProfiles::<T>::contains_key(h(1)));
        Ok(())
    }

    #[benchmark]
    fn dismiss_profile() -> Result<(), BenchmarkError> {
        let origin = accepted::<T::ProfileOrigin, _>()?;
        AdmittedProfiles::<T>::insert(h(1), ());

        #[extrinsic_call]
        _(origin, h(1));

        assert!(!AdmittedProfiles::<T>::contains_key(h(1)));
        Ok(())
    }

    #[benchmark]
    fn reveal_profile() {
        let who = profiled::<T>();
        let signed = RawOrigin::Signed(who.clone());

        #[extrinsic_call]
        _(signed, BRANCH, settings(), LEAF, h(1), SALT);

        assert!(Profiles::<T>::contains_key(BRANCH, &who));
    }

    #[benchmark]
    fn open_flag() {
        let (who, id, link) = flagged::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, true, SALT, link);

        assert_eq!(Claims::<T>::get(id).and_then(|r| r.flag), Some(true));
    }

    #[benchmark]
    fn challenge() {
        let (who, id) = challenging::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, 0);

        assert_eq!(state_of::<T>(id), Some(ClaimState::Challenged));
    }

    #[benchmark]
    fn open_challenged() {
        let (who, id, trace) = challenged::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), id, trace.start(0), trace.opening(0));

        assert!(Trials::<T>::get(id).is_some_and(|t| t.end.is_some()));
    }

    #[benchmark]
    fn commit_verdict() {
        let (who, id) = summoned::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), id, h(1));

        assert!(TrialSeats::<T>::get(id, &who).is_some_and(|s| s.commitment.is_some()));
    }

    #[benchmark]
    fn reveal_verdict() {
        let (who, id, report) = sworn::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), id, report, SALT);

        let said = TrialSeats::<T>::get(id, &who).and_then(|s| s.report);
        assert_eq!(said.map(|r| r.verdict), Some(Verdict::Match));
    }

    #[benchmark]
    fn open_shard() {
        let who = steward::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, cid());

        assert!(Valuations::<T>::get(ROUND).is_some_and(|v| v.cid.is_some()));
    }

    #[benchmark]
    fn commit_score() {
        let (who, _) = scorer::<T>(ScoreStage::Commitment);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, h(1));

        let last = Valuations::<T>::get(ROUND).and_then(|v| v.seats.last().cloned());
        assert!(last.is_some_and(|seat| seat.commitment.is_some()));
    }

    #[benchmark]
    fn reveal_score() {
        let (who, report) = scorer::<T>(ScoreStage::Reveal);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, report, SALT);

        let last = Valuations::<T>::get(ROUND).and_then(|v| v.seats.last().cloned());
        assert!(last.is_some_and(|seat| seat.report.is_some()));
    }

    /// Seven other disputes are open, each with the nodes of an answer.
    #[benchmark]
    fn dispute_merge() {
        let who = full_round::<T>(Phase::Dispute);
        put_disputes::<T>(1);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, Tree::State);

        assert!(Disputes::<T>::get(ROUND).is_full());
    }

    #[benchmark]
    fn answer_dispute() {
        let (challenger, poster, nodes) = disputed::<T>(false);

        #[extrinsic_call]
        _(RawOrigin::Signed(poster), ROUND, challenger, nodes.clone());

        let turn = Disputes::<T>::get(ROUND).last().map(|d| d.turn.clone());
        assert_eq!(turn, Some(Turn::Narrow(nodes)));
    }

    #[benchmark]
    fn narrow_dispute() {
        let (challenger, _, _) = disputed::<T>(true);
        let (level, index) = (0, 31);

        #[extrinsic_call]
        _(RawOrigin::Signed(challenger), ROUND, index);

        let node = Disputes::<T>::get(ROUND).last().map(|d| d.node);
        assert_eq!(node, Some(NodeId { level, index }));
    }

    /// Of as many claims as there may be `d` are merged. The proof refutes the merge, which ends the other disputes.
    #[benchmark]
    fn prove_chunk(d: Linear<1, { MAX_CLAIMS }>) {
        prepare::<T>();
        let proof = scene::<T>(Phase::Dispute, clipping(), d, Coding::Dense);
        let who = questioned::<T>(Tree::State);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, proof);

        assert!(refuted::<T>());
    }

    /// For comparison: the median of as many deltas.
    #[benchmark(extra)]
    fn prove_chunk_of_a_median(d: Linear<1, { MAX_CLAIMS }>) -> Result<(), BenchmarkError> {
        prepare::<T>();
        let proof = scene::<T>(Phase::Dispute, AggregationRule::Median, d, Coding::Dense);
        let who = questioned::<T>(Tree::State);

        #[block]
        {
            Pallet::<T>::do_prove_chunk(who, ROUND, proof)?;
        }

        assert!(refuted::<T>());
        Ok(())
    }

    /// For comparison: deltas of top-k that keeps everything.
    #[benchmark(extra)]
    fn prove_chunk_of_sparse_deltas(d: Linear<1, { MAX_CLAIMS }>) -> Result<(), BenchmarkError> {
        prepare::<T>();
        let proof = scene::<T>(Phase::Dispute, clipping(), d, Coding::Sparse);
        let who = questioned::<T>(Tree::State);

        #[block]
        {
            Pallet::<T>::do_prove_chunk(who, ROUND, proof)?;
        }

        assert!(refuted::<T>());
        Ok(())
    }

    #[benchmark]
    fn prove_pair() {
        let proof = paired::<T>();
        let who = questioned::<T>(Tree::Pair(0));

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, proof);

        assert!(refuted::<T>());
    }

    #[benchmark]
    fn demand_chunk() {
        let (who, claim) = demanded::<T>(1, h(1));

        #[extrinsic_call]
        _(RawOrigin::Signed(who), claim, 1_000);

        assert!(Demands::<T>::get(ROUND).is_full());
    }

    /// The largest chunk that there is.
    #[benchmark]
    fn supply_chunk() {
        let (root, opening) = supplied();
        let (who, claim) = demanded::<T>(0, root);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), claim, 0, opening);

        assert!(!Demands::<T>::get(ROUND).is_full());
    }

    #[benchmark]
    fn revert_claim() -> Result<(), BenchmarkError> {
        let origin = accepted::<T::RevertOrigin, _>()?;
        let claim = reverting::<T>();

        #[extrinsic_call]
        _(origin, claim);

        assert_eq!(state_of::<T>(claim), Some(ClaimState::Reverted));
        assert!(refuted::<T>() && Replays::<T>::get().is_full());
        Ok(())
    }

    #[benchmark]
    fn fund_branch() {
        let who = funding::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), BRANCH, 1_000 * DREAM, DREAM, 1);

        assert!(FundedBranches::<T>::get().contains(&BRANCH));
    }

    #[benchmark]
    fn withdraw_escrow() {
        let who = funded::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), BRANCH, DREAM);

        let left = Escrows::<T>::get(BRANCH).map(|e| e.balance);
        assert_eq!(left, Some(9 * DREAM));
    }

    #[benchmark]
    fn enter() {
        let (ticket, signature) = ticket::<T>();
        let account = ticket.account.clone();

        #[extrinsic_call]
        _(RawOrigin::Authorized, ticket, signature);

        let entries = Tickets::<T>::get(BRANCH);
        assert!(entries.iter().any(|e| e.account == account));
    }

    #[benchmark]
    fn authorize_enter() {
        let (ticket, signature) = ticket::<T>();
        let from = TransactionSource::External;
        let found;

        #[block]
        {
            found = Pallet::<T>::authorize_enter(from, &ticket, &signature);
        }

        assert!(found.is_ok());
    }

    #[benchmark]
    fn act_as_newcomer() {
        let (act, account, signature) = act::<T>();

        #[extrinsic_call]
        _(RawOrigin::Authorized, act, account, signature);

        let state = state_of::<T>(claim_id(ROUND, 0));
        assert_eq!(state, Some(ClaimState::Revealed));
    }

    #[benchmark]
    fn authorize_act_as_newcomer() {
        let (act, account, signature) = act::<T>();
        let from = TransactionSource::External;
        let found;

        #[block]
        {
            found = Pallet::<T>::authorize_act(from, &act, &account, &signature);
        }

        assert!(found.is_ok());
    }

    #[benchmark]
    fn retire_founder() {
        let founder = founder::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(founder.clone()), founder.clone());

        assert!(FoundationRetired::<T>::get());
    }

    /// `a` rounds move, `b` branches open one, `c` claims are paid out, `d` rounds read their claims and verifiers; the round
    /// that is paid out needs the last place among those.
    #[benchmark]
    fn begin_block(
        a: Linear<{ MAX_DRAWING + 1 }, { MAX_ACTIVE / 2 }>,
        b: Linear<0, { 2 * MAX_FUNDED }>,
        c: Linear<1, { T::SweepPerBlock::get() }>,
        d: Linear<0, { MAX_DRAWING - 1 }>,
    ) {
        busy::<T>(a, b, c, d);

        #[block]
        {
            Pallet::<T>::begin_block(NOW.into());
            Pallet::<T>::note_author();
        }

        assert_eq!((opened::<T>(b), scored::<T>(d)), (b, d));
        let mut paid = (0..c).map(|i| state_of::<T>(claim_id(ROUND, i)));
        assert!(paid.all(|state| state == Some(ClaimState::Vested)));
    }

    /// `a` trials, one of which judges with `s` seats.
    #[benchmark]
    fn step_trials(a: Linear<1, { MAX_TRIALS }>, s: Linear<1, { TRIAL_SEATS_PER_BLOCK }>) {
        let id = judged::<T>(a, s);
        let p = largest_parameters();

        #[block]
        {
            Pallet::<T>::step_trials(NOW, &p, true);
        }

        assert_eq!(state_of::<T>(id), Some(ClaimState::Slashed));
    }

    impl_benchmark_test_suite!(
        Pallet,
        crate::mock::benchmarks::externalities(),
        crate::mock::Test
    );
}
