// SPDX-License-Identifier: GPL-3.0-or-later
//! What the pallet's calls and hooks weigh: a runtime measures it (scripts/weights.sh).

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the pallet's calls.
pub trait WeightInfo {
    /// `bond`.
    fn bond() -> Weight;
    /// `unbond`.
    fn unbond() -> Weight;
    /// `withdraw_unbonded`.
    fn withdraw_unbonded() -> Weight;
    /// `commit_profile`.
    fn commit_profile() -> Weight;
    /// `enlist_verifier`.
    fn enlist_verifier() -> Weight;
    /// `retire_verifier`.
    fn retire_verifier() -> Weight;
    /// `submit_claim`.
    fn submit_claim() -> Weight;
    /// `open_start_states`: 17 proofs of 11 hashes.
    fn open_start_states() -> Weight;
    /// `vote_availability`.
    fn vote_availability() -> Weight;
    /// `commit_replay`.
    fn commit_replay() -> Weight;
    /// `open_digests`: 32 proofs of 11 hashes.
    fn open_digests() -> Weight;
    /// `reveal_replay`.
    fn reveal_replay() -> Weight;
    /// `post_merge`: reads up to 256 claims.
    fn post_merge() -> Weight;
    /// `open_shard`.
    fn open_shard() -> Weight;
    /// `commit_score`.
    fn commit_score() -> Weight;
    /// `reveal_score`.
    fn reveal_score() -> Weight;
    /// `dispute_merge`: reads up to 256 claims.
    fn dispute_merge() -> Weight;
    /// `answer_dispute`: hashes 32 nodes.
    fn answer_dispute() -> Weight;
    /// `narrow_dispute`.
    fn narrow_dispute() -> Weight;
    /// `prove_chunk` with so many deltas: reads up to 256 claims, merges one chunk.
    fn prove_chunk(deltas: u32) -> Weight;
    /// `prove_pair`: reads up to 256 claims.
    fn prove_pair() -> Weight;
    /// `demand_chunk`.
    fn demand_chunk() -> Weight;
    /// `supply_chunk`: hashes a chunk and 32 nodes.
    fn supply_chunk() -> Weight;
    /// `revert_claim`: reads up to 256 rounds and, where its round is being replayed, 256 claims.
    fn revert_claim() -> Weight;
    /// `admit_profile`.
    fn admit_profile() -> Weight;
    /// `dismiss_profile`.
    fn dismiss_profile() -> Weight;
    /// `reveal_profile`.
    fn reveal_profile() -> Weight;
    /// `open_flag`: 16 digests.
    fn open_flag() -> Weight;
    /// `challenge`.
    fn challenge() -> Weight;
    /// `open_challenged`: 3 proofs of 11 hashes.
    fn open_challenged() -> Weight;
    /// `commit_verdict`.
    fn commit_verdict() -> Weight;
    /// `reveal_verdict`.
    fn reveal_verdict() -> Weight;
    /// The hook's trials: so many in motion, so many seats filled or settled.
    fn step_trials(active: u32, seats: u32) -> Weight;
    /// `fund_branch`.
    fn fund_branch() -> Weight;
    /// `withdraw_escrow`.
    fn withdraw_escrow() -> Weight;
    /// `enter`.
    fn enter() -> Weight;
    /// Validation of `enter`: a hash of work, a list of 64, a signature.
    fn authorize_enter() -> Weight;
    /// `act_as_newcomer`: the heaviest act.
    fn act_as_newcomer() -> Weight;
    /// Validation of `act_as_newcomer`: a signature, and the act on trial.
    fn authorize_act_as_newcomer() -> Weight;
    /// `retire_founder`.
    fn retire_founder() -> Weight;
    /// The hook, for so many active rounds, admitted branches, swept claims and rounds that read their verifiers.
    fn begin_block(active: u32, branches: u32, swept: u32, drawing: u32) -> Weight;
}

/// No weight, for tests.
impl WeightInfo for () {
    fn bond() -> Weight {
        Weight::zero()
    }
    fn unbond() -> Weight {
        Weight::zero()
    }
    fn withdraw_unbonded() -> Weight {
        Weight::zero()
    }
    fn commit_profile() -> Weight {
        Weight::zero()
    }
    fn enlist_verifier() -> Weight {
        Weight::zero()
    }
    fn retire_verifier() -> Weight {
        Weight::zero()
    }
    fn submit_claim() -> Weight {
        Weight::zero()
    }
    fn open_start_states() -> Weight {
        Weight::zero()
    }
    fn vote_availability() -> Weight {
        Weight::zero()
    }
    fn commit_replay() -> Weight {
        Weight::zero()
    }
    fn open_digests() -> Weight {
        Weight::zero()
    }
    fn reveal_replay() -> Weight {
        Weight::zero()
    }
    fn post_merge() -> Weight {
        Weight::zero()
    }
    fn open_shard() -> Weight {
        Weight::zero()
    }
    fn commit_score() -> Weight {
        Weight::zero()
    }
    fn reveal_score() -> Weight {
        Weight::zero()
    }
    fn dispute_merge() -> Weight {
        Weight::zero()
    }
    fn answer_dispute() -> Weight {
        Weight::zero()
    }
    fn narrow_dispute() -> Weight {
        Weight::zero()
    }
    fn prove_chunk(_: u32) -> Weight {
        Weight::zero()
    }
    fn prove_pair() -> Weight {
        Weight::zero()
    }
    fn demand_chunk() -> Weight {
        Weight::zero()
    }
    fn supply_chunk() -> Weight {
        Weight::zero()
    }
    fn revert_claim() -> Weight {
        Weight::zero()
    }
    fn admit_profile() -> Weight {
        Weight::zero()
    }
    fn dismiss_profile() -> Weight {
        Weight::zero()
    }
    fn reveal_profile() -> Weight {
        Weight::zero()
    }
    fn open_flag() -> Weight {
        Weight::zero()
    }
    fn challenge() -> Weight {
        Weight::zero()
    }
    fn open_challenged() -> Weight {
        Weight::zero()
    }
    fn commit_verdict() -> Weight {
        Weight::zero()
    }
    fn reveal_verdict() -> Weight {
        Weight::zero()
    }
    fn step_trials(_: u32, _: u32) -> Weight {
        Weight::zero()
    }
    fn fund_branch() -> Weight {
        Weight::zero()
    }
    fn withdraw_escrow() -> Weight {
        Weight::zero()
    }
    fn enter() -> Weight {
        Weight::zero()
    }
    fn authorize_enter() -> Weight {
        Weight::zero()
    }
    fn act_as_newcomer() -> Weight {
        Weight::zero()
    }
    fn authorize_act_as_newcomer() -> Weight {
        Weight::zero()
    }
    fn retire_founder() -> Weight {
        Weight::zero()
    }
    fn begin_block(_: u32, _: u32, _: u32, _: u32) -> Weight {
        Weight::zero()
    }
}
