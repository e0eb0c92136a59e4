// SPDX-License-Identifier: GPL-3.0-or-later
//! Every call of ours fits a block at its largest, and so does what blocks do by themselves.

use dream_runtime::{configs::RuntimeBlockWeights, Runtime};
use frame_support::{
    dispatch::DispatchClass,
    traits::{Get, GetCallName},
    weights::Weight,
};
use polkadot_sdk::*;
use std::collections::BTreeSet;

/// One part in so many of a block is the most that one pallet's hook may take.
const HOOK: u64 = 2;

fn largest_calls() -> Vec<(&'static str, Weight)> {
    use pallet_chain_parameters::WeightInfo as Parameters;
    use pallet_compute_voting::WeightInfo as Votes;
    use pallet_data_registry::WeightInfo as Data;
    use pallet_model_registry::WeightInfo as Models;
    use pallet_secure_aggregation::WeightInfo as Private;
    use pallet_useful_work::WeightInfo as Work;
    type P = <Runtime as pallet_chain_parameters::Config>::WeightInfo;
    type M = <Runtime as pallet_model_registry::Config>::WeightInfo;
    type D = <Runtime as pallet_data_registry::Config>::WeightInfo;
    type V = <Runtime as pallet_compute_voting::Config>::WeightInfo;
    type S = <Runtime as pallet_secure_aggregation::Config>::WeightInfo;
    type W = <Runtime as pallet_useful_work::Config>::WeightInfo;
    let admitted = <Runtime as pallet_model_registry::Config>::MaxAdmitted::get();

    let delegators = pallet_compute_voting::MAX_DELEGATORS;
    let votes = <Runtime as pallet_compute_voting::Config>::MaxVotes::get();

    vec![
        ("vote", V::vote(delegators)),
        ("delegate", V::delegate(votes)),
        ("undelegate", V::undelegate(votes)),
        ("unlock", V::unlock()),
        ("remove_vote", V::remove_vote()),
        ("remove_other_vote", V::remove_other_vote()),
        ("poke", V::poke(delegators)),
        ("set_parameters", P::set_parameters(u16::MAX.into())),
        ("register_model", M::register_model()),
        ("create_branch", M::create_branch()),
        ("admit_branch", M::admit_branch(admitted)),
        ("dismiss_branch", M::dismiss_branch()),
        ("set_recipe", M::set_recipe()),
        ("freeze_branch", M::freeze_branch()),
        ("unfreeze_branch", M::unfreeze_branch()),
        ("submit", D::submit()),
        (
            "set_mixture",
            D::set_mixture(dream_primitives::data::MAX_MIXTURE),
        ),
        ("withdraw_dataset", D::withdraw_dataset()),
        ("demand_sample", D::demand_sample()),
        (
            "supply_sample",
            D::supply_sample(dream_primitives::data::MAX_WINDOW),
        ),
        ("end_demands", D::end_demands()),
        ("bond", W::bond()),
        ("unbond", W::unbond()),
        ("withdraw_unbonded", W::withdraw_unbonded()),
        ("commit_profile", W::commit_profile()),
        ("reveal_profile", W::reveal_profile()),
        ("open_flag", W::open_flag()),
        ("challenge", W::challenge()),
        ("open_challenged", W::open_challenged()),
        ("commit_verdict", W::commit_verdict()),
        ("reveal_verdict", W::reveal_verdict()),
        ("enlist_verifier", W::enlist_verifier()),
        ("retire_verifier", W::retire_verifier()),
        ("submit_claim", W::submit_claim()),
        ("open_start_states", W::open_start_states()),
        ("vote_availability", W::vote_availability()),
        ("commit_replay", W::commit_replay()),
        ("open_digests", W::open_digests()),
        ("reveal_replay", W::reveal_replay()),
        ("post_merge", W::post_merge()),
        ("commit_shard", D::commit_shard()),
        ("open_shard", W::open_shard()),
        ("commit_score", W::commit_score()),
        ("reveal_score", W::reveal_score()),
        ("dispute_merge", W::dispute_merge()),
        ("answer_dispute", W::answer_dispute()),
        ("narrow_dispute", W::narrow_dispute()),
        (
            "prove_chunk",
            W::prove_chunk(dream_primitives::dispute::MAX_OPENINGS),
        ),
        ("prove_pair", W::prove_pair()),
        ("demand_chunk", W::demand_chunk()),
        ("supply_chunk", W::supply_chunk()),
        ("revert_claim", W::revert_claim()),
        ("dismiss_profile", W::dismiss_profile()),
        ("admit_profile", W::admit_profile()),
        ("fund_branch", W::fund_branch()),
        ("withdraw_escrow", W::withdraw_escrow()),
        ("enter", W::enter().saturating_add(W::authorize_enter())),
        (
            "act_as_newcomer",
            W::act_as_newcomer().saturating_add(W::authorize_act_as_newcomer()),
        ),
        ("retire_founder", W::retire_founder()),
        ("set_parameters", S::set_parameters()),
        ("join_committee", S::join_committee()),
        ("leave_committee", S::leave_committee()),
        ("deal", S::deal()),
        ("complain", S::complain()),
        ("show_share", S::show_share()),
        ("judge_dealers", S::judge_dealers()),
        ("name_key", S::name_key()),
        ("sponsor", S::sponsor()),
        ("end_job", S::end_job()),
        ("register", S::register()),
        ("commit_contribution", S::commit_contribution()),
        ("open_contribution", S::open_contribution()),
        ("disclose_segment", S::disclose_segment()),
        ("vote_contributions", S::vote_contributions()),
        ("post_sum", S::post_sum()),
        ("dispute", S::dispute()),
        ("answer_dispute", S::answer_dispute()),
        ("narrow_dispute", S::narrow_dispute()),
        (
            "prove_sum",
            S::prove_sum(dream_primitives::private::MAX_COHORT),
        ),
        ("prove_version", S::prove_version()),
        ("answer_decryption", S::answer_decryption()),
        ("open_shard", S::open_shard()),
        ("commit_report", S::commit_report()),
        ("reveal_report", S::reveal_report()),
    ]
}

fn call_names() -> BTreeSet<&'static str> {
    let all = [
        pallet_chain_parameters::Call::<Runtime>::get_call_names(),
        pallet_model_registry::Call::<Runtime>::get_call_names(),
        pallet_compute_voting::Call::<Runtime>::get_call_names(),
        pallet_data_registry::Call::<Runtime>::get_call_names(),
        pallet_useful_work::Call::<Runtime>::get_call_names(),
        pallet_secure_aggregation::Call::<Runtime>::get_call_names(),
    ];
    all.into_iter().flatten().copied().collect()
}

#[test]
fn every_call_should_fit_a_block_when_it_is_at_its_largest() {
    let weights = RuntimeBlockWeights::get();
    let limit = weights
        .get(DispatchClass::Normal)
        .max_extrinsic
        .expect("normal transactions are limited");
    let calls = largest_calls();
    let known: BTreeSet<&str> = calls.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, call_names());
    for (name, weight) in calls {
        assert!(
            weight.all_lte(limit),
            "{name}: {weight:?} is above {limit:?}"
        );
    }
}

/// The hook of useful work at its worst, by what it does in that block.
fn useful_work_at_worst() -> [Weight; 2] {
    use pallet_useful_work::WeightInfo;
    let admitted: u32 = <Runtime as pallet_model_registry::Config>::MaxAdmitted::get();
    let swept = <Runtime as pallet_useful_work::Config>::SweepPerBlock::get();
    type W = <Runtime as pallet_useful_work::Config>::WeightInfo;
    let trials = dream_primitives::trial::MAX_TRIALS;
    // A block in which a round draws fills and settles no seats of trials.
    let branches = admitted.saturating_add(pallet_useful_work::MAX_FUNDED);
    [
        (pallet_useful_work::MAX_DRAWING, 0),
        (0, pallet_useful_work::TRIAL_SEATS_PER_BLOCK),
    ]
    .map(|(drawing, seats)| {
        W::begin_block(pallet_useful_work::MAX_ACTIVE, branches, swept, drawing)
            .saturating_add(W::step_trials(trials, seats))
    })
}

fn private_rounds_at_worst() -> Weight {
    pallet_secure_aggregation::Pallet::<Runtime>::block_weight(
        pallet_secure_aggregation::MAX_EPOCHS,
        pallet_secure_aggregation::MAX_JOBS,
        <Runtime as pallet_secure_aggregation::Config>::SweepPerBlock::get(),
        pallet_secure_aggregation::MAX_MOVING,
    )
}

#[test]
fn a_hook_should_leave_half_of_a_block_when_everything_moves_at_once() {
    let block = RuntimeBlockWeights::get().max_block;
    let [drawing, trials] = useful_work_at_worst();
    for worst in [drawing, trials, private_rounds_at_worst()] {
        assert!(
            worst.ref_time() <= block.ref_time() / HOOK,
            "{worst:?} of {block:?}"
        );
    }
}

#[test]
fn the_hooks_together_should_leave_a_third_of_a_block_when_both_are_at_their_worst() {
    let block = RuntimeBlockWeights::get().max_block;
    for worst in useful_work_at_worst() {
        let both = worst.saturating_add(private_rounds_at_worst());
        assert!(
            both.ref_time() <= block.ref_time() / 3 * 2,
            "{both:?} of {block:?}"
        );
    }
}
