// SPDX-License-Identifier: GPL-3.0-or-later
//! Benchmarks of every call and of the hook, each in its worst case: lists full, trees deep.
//!
//! Under `cargo test --features runtime-benchmarks` each is a unit test.

mod disputes;
mod helper;
mod setup;

pub use helper::BenchmarkHelper;

use crate::*;
use disputes::*;
use dream_primitives::dispute::{answer_hashes, Witness};
use dream_primitives::hashing::Domain;
use dream_primitives::private::committee::{DealerVotes, EpochPhase, NamedKey, ShareComplaint};
use dream_primitives::private::round::{
    ContributionVotes, ContributorState, PrivatePhase, SegmentDisclosure,
};
use dream_primitives::private::settle::PrivateReport;
use dream_primitives::private::sum::PrivateTree;
use dream_primitives::private::{MAX_COHORT, MAX_REGISTRANTS};
use dream_primitives::BoundedVec;
use polkadot_sdk::frame_benchmarking::v2::*;
use polkadot_sdk::frame_support::traits::{EnsureOrigin, Get};
use polkadot_sdk::frame_system::RawOrigin;
use polkadot_sdk::sp_runtime::traits::SaturatedConversion;
use setup::*;

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn set_parameters() -> Result<(), BenchmarkError> {
        let origin =
            T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, parameters().get().clone());

        assert!(Parameters::<T>::get().is_some());
        Ok(())
    }

    #[benchmark]
    fn join_committee() {
        let who = prepare::<T>();
        put_candidates::<T>(MAX_CANDIDATES.saturating_sub(1));

        #[extrinsic_call]
        _(RawOrigin::Signed(who), h(1));

        assert!(Candidates::<T>::get().is_full());
    }

    #[benchmark]
    fn leave_committee() {
        let who = prepare::<T>();
        put_epoch::<T>(&who, EpochPhase::Serving);
        put_candidates::<T>(MAX_CANDIDATES);
        let last = named::<T>("candidate", MAX_CANDIDATES.saturating_sub(1));

        #[extrinsic_call]
        _(RawOrigin::Signed(last));

        assert!(!Candidates::<T>::get().is_full());
    }

    #[benchmark]
    fn deal() {
        let who = prepare::<T>();
        put_epoch::<T>(&who, EpochPhase::Dealing);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), EPOCH, dealing::<T>(CALLER));

        assert!(Dealings::<T>::contains_key(EPOCH, CALLER));
    }

    #[benchmark]
    fn complain() {
        let who = prepare::<T>();
        put_epoch::<T>(&who, EpochPhase::Complaint);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), EPOCH, 0, 0b111);

        assert_eq!(Complaints::<T>::get(EPOCH).len(), 1);
    }

    /// Every other member complains of the same share.
    #[benchmark]
    fn show_share() {
        let who = prepare::<T>();
        put_epoch::<T>(&who, EpochPhase::Defence);
        let complaints = (0..3).map(|complainer| ShareComplaint {
            complainer,
            dealer: CALLER,
            set: 0b111_000,
            seed: None,
        });
        Complaints::<T>::insert(EPOCH, BoundedVec::truncate_from(complaints.collect()));

        #[extrinsic_call]
        _(
            RawOrigin::Signed(who),
            EPOCH,
            0b111_000,
            share_seed(0b111_000),
        );

        assert!(Complaints::<T>::get(EPOCH).iter().all(|c| c.seed.is_some()));
    }

    #[benchmark]
    fn judge_dealers() {
        let who = prepare::<T>();
        put_epoch::<T>(&who, EpochPhase::Judgement);
        let votes = DealerVotes { bad: 1, missing: 2 };

        #[extrinsic_call]
        _(RawOrigin::Signed(who), EPOCH, votes);

        let epoch = Epochs::<T>::get(EPOCH);
        assert!(epoch.is_some_and(|e| e.members.iter().any(|m| m.votes.is_some())));
    }

    #[benchmark]
    fn name_key() {
        let who = prepare::<T>();
        put_epoch::<T>(&who, EpochPhase::Confirmation);
        let key = NamedKey {
            hash: h(1),
            cid: cid(1),
        };

        #[extrinsic_call]
        _(RawOrigin::Signed(who), EPOCH, key);

        let epoch = Epochs::<T>::get(EPOCH);
        assert!(epoch.is_some_and(|e| e.members.iter().any(|m| m.named.is_some())));
    }

    #[benchmark]
    fn sponsor() {
        let who = prepare::<T>();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(who),
            ROUND.branch,
            terms(),
            dream_primitives::DREAM,
        );

        assert!(Jobs::<T>::contains_key(ROUND.branch));
    }

    #[benchmark]
    fn end_job() {
        let who = prepare::<T>();
        put_job::<T>(&who, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND.branch);

        assert!(!Jobs::<T>::contains_key(ROUND.branch));
    }

    #[benchmark]
    fn register() {
        let who = prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::Registration);
        let count = MAX_REGISTRANTS.saturating_sub(1);
        put_cohort::<T>(ContributorState::Registered, count);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND);

        assert!(Participants::<T>::get(ROUND).is_full());
    }

    #[benchmark]
    fn commit_contribution() {
        prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::Commitment);
        let all = put_cohort::<T>(ContributorState::Drawn, MAX_COHORT);
        let who = all.last().cloned().expect("there is a cohort");

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), ROUND, h(1));

        let contributor = Contributors::<T>::get(ROUND, &who);
        assert!(contributor.is_some_and(|c| c.commitment.is_some()));
    }

    #[benchmark]
    fn open_contribution() {
        prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::Opening);
        let all = put_cohort::<T>(ContributorState::Committed, MAX_COHORT);
        let who = all.last().cloned().expect("there is a cohort");
        let (genesis, raw) = (Pallet::<T>::genesis(), Pallet::<T>::raw(&who));
        let commitment = roots(7).commitment(&genesis, &raw, &ROUND, &SALT);
        Contributors::<T>::mutate(ROUND, &who, |c| {
            if let Some(c) = c {
                c.commitment = Some(commitment);
            }
        });

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), ROUND, roots(7), SALT);

        let contributor = Contributors::<T>::get(ROUND, &who);
        assert!(contributor.is_some_and(|c| c.roots.is_some()));
    }

    #[benchmark]
    fn disclose_segment() {
        prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::Exposure);
        let all = put_cohort::<T>(ContributorState::Standing, MAX_COHORT);
        let who = all.last().cloned().expect("there is a cohort");
        change_round::<T>(|r| r.settled = Some(PrivateReport::OutOfRange { segment: 1 }));
        let disclosure = SegmentDisclosure {
            seed: h(1),
            key_seed: Some(h(2)),
            cid: cid(1),
        };

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), ROUND, disclosure);

        let contributor = Contributors::<T>::get(ROUND, &who);
        assert!(contributor.is_some_and(|c| c.exposure.is_some()));
    }

    #[benchmark]
    fn vote_contributions() {
        prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::Audit);
        put_cohort::<T>(ContributorState::Opened, MAX_COHORT);
        let who = put_seats::<T>();
        let mut votes = ContributionVotes::default();
        votes.faulty.insert(3);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, votes);

        assert!(Seats::<T>::get(ROUND).iter().any(|s| s.votes.is_some()));
    }

    #[benchmark]
    fn post_sum() {
        let who = prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::Summing);
        put_cohort::<T>(ContributorState::Standing, MAX_COHORT);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, roots(7));

        assert!(Rounds::<T>::get(ROUND).is_some_and(|r| r.sum.is_some()));
    }

    #[benchmark]
    fn dispute() {
        let who = disputed::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, PrivateTree::Data);

        assert!(Rounds::<T>::get(ROUND).is_some_and(|r| r.disputes > 0));
    }

    #[benchmark]
    fn answer_dispute() {
        let who = disputed::<T>();
        let leaves = questioned::<T>(&who, None);
        let top = dream_primitives::dispute::top(leaves.0);
        let nodes = answer_hashes(Domain::Residues, &leaves.1, top).expect("the tree has a top");
        let poster = named::<T>("aggregator", 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(poster), ROUND, who, nodes);

        assert!(turn_is_to_narrow::<T>());
    }

    #[benchmark]
    fn narrow_dispute() {
        let who = disputed::<T>();
        let leaves = questioned::<T>(&who, None);
        shown::<T>(&leaves.1);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, 0);

        assert!(!turn_is_to_narrow::<T>());
    }

    /// The last contribution's leaf refutes the sum.
    #[benchmark]
    fn prove_sum(p: Linear<16, { MAX_COHORT }>) {
        let who = disputed::<T>();
        let proof = summed::<T>(p);
        questioned::<T>(&who, Some(proof.leaf));

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, proof);

        assert!(Rounds::<T>::get(ROUND).is_some_and(|r| r.refutations == 1));
    }

    #[benchmark]
    fn prove_version() {
        let who = reported::<T>();
        let (base, delta) = (base_state(), reported_delta());
        let witness = Witness::new(&base, &[], &[&delta]);
        let proof = witness.prove(0).expect("there is a first chunk");

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, proof);

        assert!(Rounds::<T>::get(ROUND).is_some_and(|r| r.phase == PrivatePhase::Closing));
    }

    #[benchmark]
    fn answer_decryption() {
        let who = prepare::<T>();
        put_round::<T>(&who, PrivatePhase::Decryption);
        put_cohort::<T>(ContributorState::Standing, MAX_COHORT);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, h(1), cid(1));

        assert!(Rounds::<T>::get(ROUND).is_some_and(|r| r.answers.len() == 1));
    }

    #[benchmark]
    fn open_shard() {
        let who = prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::ShardOpening);
        change_round::<T>(|r| r.shard = Some(shard::<T>(&who)));

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, cid(1));

        assert!(Rounds::<T>::get(ROUND).is_some_and(|r| r.shard_cid.is_some()));
    }

    #[benchmark]
    fn commit_report() {
        prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::Combination);
        let who = put_seats::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, h(1));

        assert!(Seats::<T>::get(ROUND)
            .iter()
            .any(|s| s.commitment.is_some()));
    }

    #[benchmark]
    fn reveal_report() {
        prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::Reveal);
        let who = put_seats::<T>();
        let report = version::<T>();
        let (genesis, raw) = (Pallet::<T>::genesis(), Pallet::<T>::raw(&who));
        let commitment = report.commitment(&genesis, &raw, &ROUND, &SALT);
        Seats::<T>::mutate(ROUND, |seats| {
            seats
                .iter_mut()
                .for_each(|s| s.commitment = Some(commitment));
        });

        #[extrinsic_call]
        _(RawOrigin::Signed(who), ROUND, report, SALT);

        assert!(Seats::<T>::get(ROUND).iter().any(|s| s.report.is_some()));
    }

    #[benchmark]
    fn idle_block() {
        prepare::<T>();

        #[block]
        {
            Pallet::<T>::begin_block(NOW.saturated_into());
        }

        assert!(ActiveEpochs::<T>::get().is_empty());
    }

    /// The last block of randomness of an epoch comes.
    #[benchmark]
    fn step_epoch() {
        prepare::<T>();
        put_candidates::<T>(MAX_CANDIDATES);
        seeding::<T>();

        #[block]
        {
            Pallet::<T>::begin_block(NOW.saturated_into());
        }

        assert!(Epochs::<T>::get(EPOCH).is_some_and(|e| e.phase == EpochPhase::Dealing));
    }

    #[benchmark]
    fn open_round() {
        let who = prepare::<T>();
        put_epoch::<T>(&named::<T>("member", 6), EpochPhase::Serving);
        put_job::<T>(&who, 0);

        #[block]
        {
            Pallet::<T>::begin_block(NOW.saturated_into());
        }

        assert!(Rounds::<T>::contains_key(ROUND));
    }

    /// A round that is closing; one participant is left over.
    #[benchmark]
    fn sweep(v: Linear<0, 16>) {
        prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::Closing);
        put_cohort::<T>(ContributorState::Standing, v.saturating_add(1));
        change_round::<T>(|r| r.cursor = Some(0));
        let limit = v.min(T::SweepPerBlock::get());
        change_round::<T>(|r| r.reward = dream_primitives::DREAM);

        #[block]
        {
            if let Some(round) = Rounds::<T>::get(ROUND) {
                Pallet::<T>::step_round(round, NOW, limit);
            }
        }

        assert!(Rounds::<T>::get(ROUND).is_some_and(|r| r.cursor == Some(limit)));
    }

    /// Nobody is visited in the block in which the round draws.
    #[benchmark]
    fn draw_round() {
        prepare::<T>();
        put_round::<T>(&named::<T>("member", 6), PrivatePhase::Drawing);
        T::BenchmarkHelper::put_verifiers(ROUND.branch);
        put_cohort::<T>(ContributorState::Registered, MAX_REGISTRANTS);
        drawing::<T>();

        #[block]
        {
            if let Some(round) = Rounds::<T>::get(ROUND) {
                Pallet::<T>::step_round(round, NOW, 0);
            }
        }

        assert!(Rounds::<T>::get(ROUND).is_some_and(|r| r.awaiting == MAX_COHORT));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
