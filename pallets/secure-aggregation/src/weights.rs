// SPDX-License-Identifier: GPL-3.0-or-later
//! Weights, estimated from above by counting reads, writes and hashes; measured ones replace them.

use core::marker::PhantomData;
use polkadot_sdk::frame_support::traits::Get;
use polkadot_sdk::frame_support::weights::Weight;
use polkadot_sdk::frame_system;

/// Weights of the pallet's calls.
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
    /// The hook, for so many epochs, jobs, participants visited and rounds that end a phase.
    fn begin_block(epochs: u32, jobs: u32, swept: u32, moved: u32) -> Weight;
}

/// Picoseconds of a call's own work.
const CALL: u64 = 30_000_000;
/// Picoseconds of a hash in the WASM runtime.
const HASH: u64 = 1_500_000;
/// Bytes of a round's record, terms and seats.
const ROUND: u64 = 24_000;

/// Estimates with the chain's database weights.
pub struct EstimatedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> EstimatedWeight<T> {
    fn of(hashes: u64, proof: u64, reads: u64, writes: u64) -> Weight {
        Weight::from_parts(CALL.saturating_add(HASH.saturating_mul(hashes)), proof)
            .saturating_add(T::DbWeight::get().reads_writes(reads, writes))
    }
}

impl<T: frame_system::Config> WeightInfo for EstimatedWeight<T> {
    fn set_parameters() -> Weight {
        Self::of(0, 2_000, 0, 1)
    }
    fn join_committee() -> Weight {
        Self::of(0, 24_000, 3, 1)
    }
    fn leave_committee() -> Weight {
        Self::of(0, 32_000, 6, 1)
    }
    fn deal() -> Weight {
        Self::of(0, 8_000, 1, 2)
    }
    fn complain() -> Weight {
        Self::of(0, 8_000, 2, 1)
    }
    fn show_share() -> Weight {
        Self::of(2, 12_000, 3, 1)
    }
    fn judge_dealers() -> Weight {
        Self::of(0, 4_000, 1, 1)
    }
    fn name_key() -> Weight {
        Self::of(0, 4_000, 1, 1)
    }
    fn sponsor() -> Weight {
        Self::of(0, 12_000, 9, 4)
    }
    fn end_job() -> Weight {
        Self::of(0, ROUND, 6, 4)
    }
    fn register() -> Weight {
        Self::of(0, ROUND.saturating_add(24_000), 9, 5)
    }
    fn commit_contribution() -> Weight {
        Self::of(0, ROUND, 2, 2)
    }
    fn open_contribution() -> Weight {
        Self::of(2, ROUND, 5, 4)
    }
    fn disclose_segment() -> Weight {
        Self::of(0, ROUND, 2, 2)
    }
    fn vote_contributions() -> Weight {
        Self::of(0, ROUND, 2, 2)
    }
    fn post_sum() -> Weight {
        Self::of(0, ROUND, 4, 3)
    }
    fn dispute() -> Weight {
        Self::of(0, ROUND.saturating_add(12_000), 5, 3)
    }
    fn answer_dispute() -> Weight {
        Self::of(64, ROUND.saturating_add(12_000), 4, 1)
    }
    fn narrow_dispute() -> Weight {
        Self::of(0, ROUND.saturating_add(12_000), 3, 1)
    }
    fn prove_sum(parts: u32) -> Weight {
        // A leaf's 3840 bytes to decode, to hash, to unpack and to add.
        let part = Self::of(33, 600, 1, 0).saturating_add(Weight::from_parts(60_000_000, 0));
        Self::of(64, ROUND.saturating_add(24_000), 30, 30)
            .saturating_add(part.saturating_mul(u64::from(parts)))
    }
    fn prove_version() -> Weight {
        // Base, moments and delta are chunks of 4096 parameters, each under 32 nodes.
        let merge = Weight::from_parts(2_000_000_000, 0);
        Self::of(256, ROUND.saturating_add(24_000), 60, 60).saturating_add(merge)
    }
    fn answer_decryption() -> Weight {
        Self::of(0, ROUND, 3, 1)
    }
    fn open_shard() -> Weight {
        Self::of(0, ROUND, 1, 1)
    }
    fn commit_report() -> Weight {
        Self::of(0, ROUND, 2, 2)
    }
    fn reveal_report() -> Weight {
        Self::of(2, ROUND, 3, 2)
    }
    fn begin_block(epochs: u32, jobs: u32, swept: u32, moved: u32) -> Weight {
        let [epochs, jobs, swept, moved] = [epochs, jobs, swept, moved].map(u64::from);
        // An epoch that draws reads 256 candidates' bonds and locks seven; one that closes frees as many.
        let one_epoch = Self::of(16, 48_000, 530, 40).saturating_mul(epochs);
        let one_job = Self::of(4, ROUND.saturating_add(4_000), 8, 4).saturating_mul(jobs);
        // A participant: its record, its bond, hold and balance, a payment from the escrow.
        let visit = Self::of(0, 2_000, 12, 12).saturating_mul(swept);
        // A round that draws reads 256 verifiers and locks 16 seats; one that settles pays 24 accounts.
        let ended = Self::of(640, 120_000, 760, 260).saturating_mul(moved);
        let fixed = Self::of(0, 4_000, 4, 2);
        fixed
            .saturating_add(one_epoch)
            .saturating_add(one_job)
            .saturating_add(visit)
            .saturating_add(ended)
    }
}
