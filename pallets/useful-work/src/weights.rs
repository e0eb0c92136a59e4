// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights, estimated from above by counting reads, writes and hashes; measured ones replace them.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::Weight;
use polkadot_sdk::frame_system;

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

/// Picoseconds of a call's own work.
const CALL: u64 = 30_000_000;
/// Picoseconds of a hash in the WASM runtime.
const HASH: u64 = 1_500_000;
/// Picoseconds of a signature's check.
const SIGNATURE: u64 = 60_000_000;

/// Estimates with the chain's database weights.
pub struct EstimatedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> EstimatedWeight<T> {
    fn of(hashes: u64, proof: u64, reads: u64, writes: u64) -> Weight {
        Weight::from_parts(CALL.saturating_add(HASH.saturating_mul(hashes)), proof)
            .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }
}

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
    fn bond() -> Weight {
        // 64 active rounds, to know which is the oldest.
        Self::of(0, 60_000, 69, 4)
    }
    fn unbond() -> Weight {
        Self::of(0, 4_000, 2, 1)
    }
    fn withdraw_unbonded() -> Weight {
        Self::of(0, 4_000, 4, 4)
    }
    fn commit_profile() -> Weight {
        Self::of(0, 8_000, 3, 1)
    }
    fn enlist_verifier() -> Weight {
        // A full list of bonds; its own profile and that of whom it displaces.
        Self::of(0, 62_000, 262, 3)
    }
    fn retire_verifier() -> Weight {
        Self::of(0, 17_000, 3, 2)
    }
    fn submit_claim() -> Weight {
        Self::of(4, 24_000, 10, 6)
    }
    fn open_start_states() -> Weight {
        Self::of(17 * 13, 8_000, 3, 2)
    }
    fn vote_availability() -> Weight {
        Self::of(0, 8_000, 2, 2)
    }
    fn commit_replay() -> Weight {
        Self::of(0, 8_000, 2, 2)
    }
    fn open_digests() -> Weight {
        Self::of(32 * 13, 8_000, 3, 2)
    }
    fn reveal_replay() -> Weight {
        Self::of(2, 8_000, 3, 2)
    }
    fn post_merge() -> Weight {
        Self::of(512, 1_500_000, 264, 4)
    }
    fn open_shard() -> Weight {
        Self::of(0, 8_000, 2, 1)
    }
    fn commit_score() -> Weight {
        Self::of(0, 8_000, 2, 1)
    }
    fn reveal_score() -> Weight {
        Self::of(1, 8_000, 2, 1)
    }
    fn dispute_merge() -> Weight {
        Self::of(0, 1_500_000, 268, 4)
    }
    fn answer_dispute() -> Weight {
        Self::of(64, 30_000, 3, 1)
    }
    fn narrow_dispute() -> Weight {
        Self::of(0, 30_000, 3, 1)
    }
    fn prove_chunk(deltas: u32) -> Weight {
        // Base and moments are three chunks of 16 KiB, the sum over the deltas and the optimiser's step; a delta is 4 KiB
        // to decode, to hash with 32 nodes above it, and to add.
        let merge = Weight::from_parts(2_000_000_000, 0);
        let delta = Weight::from_parts(150_000_000, 0);
        Self::of(512, 1_600_000, 536, 16)
            .saturating_add(merge)
            .saturating_add(delta.saturating_mul(u64::from(deltas)))
    }
    fn prove_pair() -> Weight {
        Self::of(512, 1_600_000, 536, 16).saturating_add(Weight::from_parts(400_000_000, 0))
    }
    fn demand_chunk() -> Weight {
        Self::of(0, 40_000, 7, 5)
    }
    fn supply_chunk() -> Weight {
        Self::of(64, 40_000, 8, 5).saturating_add(Weight::from_parts(150_000_000, 0))
    }
    fn revert_claim() -> Weight {
        Self::of(512, 1_600_000, 533, 17)
    }
    fn admit_profile() -> Weight {
        Self::of(0, 1_000, 0, 1)
    }
    fn dismiss_profile() -> Weight {
        Self::admit_profile()
    }
    fn reveal_profile() -> Weight {
        Self::of(2, 9_000, 6, 3)
    }
    fn open_flag() -> Weight {
        Self::of(20, 20_000, 4, 3)
    }
    fn challenge() -> Weight {
        Self::of(0, 30_000, 7, 6)
    }
    fn open_challenged() -> Weight {
        Self::of(3 * 13, 20_000, 3, 1)
    }
    fn commit_verdict() -> Weight {
        Self::of(0, 8_000, 2, 2)
    }
    fn reveal_verdict() -> Weight {
        Self::of(3, 20_000, 4, 2)
    }
    fn step_trials(active: u32, seats: u32) -> Weight {
        let [active, seats] = [active, seats].map(u64::from);
        // A trial in motion and its window.
        let trials = Self::of(3, 8_000, 3, 2).saturating_mul(active);
        // A seat: the seat itself, the verifier's bond, its hold and its balance.
        let filled = Self::of(1, 2_000, 4, 4).saturating_mul(seats);
        trials.saturating_add(filled)
    }
    fn fund_branch() -> Weight {
        Self::of(0, 8_000, 22, 5)
    }
    fn withdraw_escrow() -> Weight {
        Self::of(0, 8_000, 5, 5)
    }
    fn enter() -> Weight {
        Self::of(2, 16_000, 8, 1)
    }
    fn authorize_enter() -> Weight {
        Self::of(4, 16_000, 8, 0).saturating_add(Weight::from_parts(SIGNATURE, 0))
    }
    fn act_as_newcomer() -> Weight {
        Self::of(32 * 13, 24_000, 12, 6)
    }
    fn authorize_act_as_newcomer() -> Weight {
        Self::act_as_newcomer().saturating_add(Weight::from_parts(SIGNATURE, 0))
    }
    fn retire_founder() -> Weight {
        Self::of(0, 8_000, 6, 5)
    }
    fn begin_block(active: u32, branches: u32, swept: u32, drawing: u32) -> Weight {
        let [active, branches, swept, drawing] = [active, branches, swept, drawing].map(u64::from);
        let rounds = Self::of(4, 4_000, 6, 5).saturating_mul(active);
        // A swept claim may draw among 256 verifiers and lock 16 seats, or pay 17 receipts out and unlock as many, or be paid
        // for and leave a residual.
        let claims = Self::of(64, 60_000, 61, 61).saturating_mul(swept);
        // 256 claims, and 256 verifiers with bond and profile, their frozen list and who of them reports.
        let draws = Self::of(0, 240_000, 1_040, 4).saturating_mul(drawing);
        let fixed = Self::of(0, 4_000, 6, 4);
        rounds
            .saturating_add(claims)
            .saturating_add(draws)
            .saturating_add(fixed)
            .saturating_add(Self::of(0, 8_000, 8, 6).saturating_mul(branches))
    }
}
