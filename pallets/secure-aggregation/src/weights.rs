// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights of the calls and of the hook. The runtime's are measured.

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the pallet's calls and hook.
pub trait WeightInfo {
    /// `set_parameters`.
    fn set_parameters() -> Weight;
    /// `join_committee`: a list of 256.
    fn join_committee() -> Weight;
    /// `leave_committee`: a list of 256, four epochs.
    fn leave_committee() -> Weight;
    /// `deal`: 35 hashes to write.
    fn deal() -> Weight;
    /// `complain`.
    fn complain() -> Weight;
    /// `show_share`.
    fn show_share() -> Weight;
    /// `judge_dealers`.
    fn judge_dealers() -> Weight;
    /// `name_key`.
    fn name_key() -> Weight;
    /// `sponsor`.
    fn sponsor() -> Weight;
    /// `end_job`.
    fn end_job() -> Weight;
    /// `register`: a list of 512.
    fn register() -> Weight;
    /// `commit_contribution`.
    fn commit_contribution() -> Weight;
    /// `open_contribution`.
    fn open_contribution() -> Weight;
    /// `disclose_segment`.
    fn disclose_segment() -> Weight;
    /// `vote_contributions`.
    fn vote_contributions() -> Weight;
    /// `post_sum`.
    fn post_sum() -> Weight;
    /// `dispute`.
    fn dispute() -> Weight;
    /// `answer_dispute`: hashes 32 nodes.
    fn answer_dispute() -> Weight;
    /// `narrow_dispute`.
    fn narrow_dispute() -> Weight;
    /// `prove_sum` with so many contributions: each is read, its leaf hashed with 32 nodes above it, and added.
    fn prove_sum(parts: u32) -> Weight;
    /// `prove_version`: merges one chunk of one delta.
    fn prove_version() -> Weight;
    /// `answer_decryption`.
    fn answer_decryption() -> Weight;
    /// `open_shard`.
    fn open_shard() -> Weight;
    /// `commit_report`.
    fn commit_report() -> Weight;
    /// `reveal_report`.
    fn reveal_report() -> Weight;
    /// The hook where nothing moves.
    fn idle_block() -> Weight;
    /// The hook's step of an epoch: at worst it draws seven of 256 candidates.
    fn step_epoch() -> Weight;
    /// The hook's step of a job without a round: at worst it opens one.
    fn open_round() -> Weight;
    /// The hook's visits to so many participants: at worst each is freed and paid.
    fn sweep(visited: u32) -> Weight;
    /// The hook's end of a phase: at worst it draws a cohort of 256 out of 512 registrants, and 16 of 256 verifiers.
    fn draw_round() -> Weight;
}

/// No weight, for tests.
impl WeightInfo for () {
    fn set_parameters() -> Weight {
        Weight::zero()
    }
    fn join_committee() -> Weight {
        Weight::zero()
    }
    fn leave_committee() -> Weight {
        Weight::zero()
    }
    fn deal() -> Weight {
        Weight::zero()
    }
    fn complain() -> Weight {
        Weight::zero()
    }
    fn show_share() -> Weight {
        Weight::zero()
    }
    fn judge_dealers() -> Weight {
        Weight::zero()
    }
    fn name_key() -> Weight {
        Weight::zero()
    }
    fn sponsor() -> Weight {
        Weight::zero()
    }
    fn end_job() -> Weight {
        Weight::zero()
    }
    fn register() -> Weight {
        Weight::zero()
    }
    fn commit_contribution() -> Weight {
        Weight::zero()
    }
    fn open_contribution() -> Weight {
        Weight::zero()
    }
    fn disclose_segment() -> Weight {
        Weight::zero()
    }
    fn vote_contributions() -> Weight {
        Weight::zero()
    }
    fn post_sum() -> Weight {
        Weight::zero()
    }
    fn dispute() -> Weight {
        Weight::zero()
    }
    fn answer_dispute() -> Weight {
        Weight::zero()
    }
    fn narrow_dispute() -> Weight {
        Weight::zero()
    }
    fn prove_sum(_: u32) -> Weight {
        Weight::zero()
    }
    fn prove_version() -> Weight {
        Weight::zero()
    }
    fn answer_decryption() -> Weight {
        Weight::zero()
    }
    fn open_shard() -> Weight {
        Weight::zero()
    }
    fn commit_report() -> Weight {
        Weight::zero()
    }
    fn reveal_report() -> Weight {
        Weight::zero()
    }
    fn idle_block() -> Weight {
        Weight::zero()
    }
    fn step_epoch() -> Weight {
        Weight::zero()
    }
    fn open_round() -> Weight {
        Weight::zero()
    }
    fn sweep(_: u32) -> Weight {
        Weight::zero()
    }
    fn draw_round() -> Weight {
        Weight::zero()
    }
}
