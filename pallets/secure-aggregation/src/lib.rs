// SPDX-License-Identifier: GPL-3.0-or-later
//! # Secure aggregation
//!
//! Private rounds: contributions from data that never leaves its owners, encrypted, summed, and paid for their measured value.
//! docs/private-rounds.md has phases, sizes and faults; the rules are in [`dream_primitives::private`].
//!
//! ## Terms
//!
//! - **Epoch**: the time of a committee and its key. Members deal shares, complain, vote on dealers, name the public key.
//! - **Job**: a branch whose owner, the sponsor, pays private rounds from an escrow.
//! - **Cohort**: the contributors that a seed drew among those who registered.
//! - **Seat**: an auditor's place in a round. Auditors vote on ciphertexts, then combine, merge and score.
//! - **Sum**: roots over the added ciphertexts, posted by an aggregator, disputed down to 1024 residues of one limb.
//!
//! ## A story
//!
//! Sol sponsors her branch. Four hospitals register, and the seed draws them. Each trains, encrypts its delta under a key of its
//! own and the key to the committee, and commits to both. When all are fixed they open; one is away and drops out. One of the three
//! that are left opens a key segment, which three auditors encrypt again. Ada adds the ciphertexts up and posts the roots; nobody
//! finds a wrong leaf. The committee decrypts the sum of the keys, which opens the sum of the deltas and nothing else. The
//! auditors merge it and score the version on a shard that was sealed until then. It is better, so it becomes the head, and the
//! three are paid for the gain.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::unwrap_used
    )
)]

extern crate alloc;

use polkadot_sdk::frame_support::pallet_macros::import_section;

pub use pallet::*;
pub use rounds::MAX_MOVING;
pub use types::*;
pub use weights::WeightInfo;

mod audits;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod closing;
mod committee;
mod contributions;
mod disputes;
mod epochs;
mod errors;
mod events;
mod jobs;
#[cfg(test)]
mod mock;
mod reports;
mod rounds;
mod storage;
mod sums;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", feature = "std"))]
mod try_state;
mod types;
pub mod weights;

#[import_section(storage::storage)]
#[import_section(events::events)]
#[import_section(errors::errors)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use crate::types::*;
    use crate::weights::WeightInfo;
    use dream_primitives::cid::Cid;
    use dream_primitives::claim::RoundId;
    use dream_primitives::dispute::{Answer, ChunkProof, NodeId};
    use dream_primitives::math::to_u32;
    use dream_primitives::private::committee::{
        CommitteeCandidate, DealerVotes, EpochPhase, KeyEpoch, NamedKey, ShareComplaint,
        ShareDealing, MAX_COMPLAINTS,
    };
    use dream_primitives::private::params::{PrivateLiteral, PrivateParameters};
    use dream_primitives::private::round::{
        AuditorSeats, CiphertextRoots, CohortMask, ContributionVotes, Contributor, JobTerms,
        PrivateJob, PrivatePhase, PrivateRound, PrivateTerms, SegmentDisclosure,
    };
    use dream_primitives::private::settle::PrivateReport;
    use dream_primitives::private::sum::{PrivateTree, SumProof};
    use dream_primitives::private::MAX_REGISTRANTS;
    use dream_primitives::registry::{
        AuditorRegistry, BondLedger, DataRegistry, ModelRegistry, ParentRandomness, SetAside,
    };
    use dream_primitives::{Balance, BlockNumber, BoundedVec, BranchId, H256};
    use polkadot_sdk::frame_support::pallet_prelude::*;
    use polkadot_sdk::frame_support::traits::fungible;
    use polkadot_sdk::frame_support::DefaultNoBound;
    use polkadot_sdk::frame_system::pallet_prelude::*;

    /// Most accounts that wait for a place in a committee.
    pub const MAX_CANDIDATES: u32 = 256;
    /// Most epochs that are not over.
    pub const MAX_EPOCHS: u32 = 4;
    /// Most jobs.
    pub const MAX_JOBS: u32 = 16;
    /// Rounds of a job whose records are kept once they are closed.
    pub const KEPT_ROUNDS: u32 = 16;

    /// Storage version.
    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The chain's token.
        type Currency: fungible::Mutate<Self::AccountId>
            + fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + fungible::Inspect<Self::AccountId, Balance = Balance>;
        /// Overarching hold reason.
        type RuntimeHoldReason: From<HoldReason>;
        /// What accounts hold to pay others, beside what is frozen.
        type SetAside: SetAside<Self::AccountId>;
        /// Bonds.
        type Bonds: BondLedger<Self::AccountId>;
        /// Verifiers and public rounds.
        type Auditors: AuditorRegistry<Self::AccountId>;
        /// Models, branches and versions.
        type Models: ModelRegistry<Self::AccountId>;
        /// Held-out shards.
        type Data: DataRegistry<Self::AccountId>;
        /// Randomness of blocks.
        type Randomness: ParentRandomness<Self::AccountId>;
        /// Sets the parameters.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Most participants swept a block.
        #[pallet::constant]
        type SweepPerBlock: Get<u32>;
        /// Weights.
        type WeightInfo: WeightInfo;
        /// Puts the other pallets into the state that a benchmark starts from.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: crate::benchmarking::BenchmarkHelper<Self::AccountId>;
    }

    /// Why the pallet holds tokens.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// What a sponsor pays private rounds from.
        Escrow,
    }

    #[pallet::genesis_config]
    #[derive(DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Parameters; none: no committee forms and no private round opens until they are set.
        pub parameters: Option<PrivateLiteral>,
        #[serde(skip)]
        #[doc(hidden)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            if let Some(literal) = &self.parameters {
                let checked = PrivateParameters::new(literal.clone());
                #[allow(clippy::expect_used)]
                Parameters::<T>::put(
                    checked.expect("a genesis has private parameters that pass their check"),
                );
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            Self::begin_block(now)
        }

        fn integrity_test() {
            assert!(
                T::SweepPerBlock::get() > 0,
                "SweepPerBlock is zero: no private round would ever move"
            );
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(
            _: BlockNumberFor<T>,
        ) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
            Self::do_try_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Sets the parameters. A round that is open keeps its own; an epoch keeps its members and threshold.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::set_parameters())]
        pub fn set_parameters(origin: OriginFor<T>, literal: PrivateLiteral) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_set_parameters(literal)
        }

        /// Offers the caller for committees. Shares are encrypted to `transport`.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::join_committee())]
        pub fn join_committee(origin: OriginFor<T>, transport: H256) -> DispatchResult {
            Self::do_join(ensure_signed(origin)?, transport)
        }

        /// Takes the caller's offer back. A place that it has stays.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::leave_committee())]
        pub fn leave_committee(origin: OriginFor<T>) -> DispatchResult {
            Self::do_leave(ensure_signed(origin)?)
        }

        /// Deals the caller's part of every share of an epoch's key.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::deal())]
        pub fn deal(origin: OriginFor<T>, epoch: u32, dealing: ShareDealing) -> DispatchResult {
            Self::do_deal(ensure_signed(origin)?, epoch, dealing)
        }

        /// Complains that a dealer's share of a set, which the caller is to hold, is missing or does not make its commitment.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::complain())]
        pub fn complain(origin: OriginFor<T>, epoch: u32, dealer: u8, set: u8) -> DispatchResult {
            Self::do_complain(ensure_signed(origin)?, epoch, dealer, set)
        }

        /// Shows the seed of a share of the caller's that was complained of. It answers every complaint of that share.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::show_share())]
        pub fn show_share(origin: OriginFor<T>, epoch: u32, set: u8, seed: H256) -> DispatchResult {
            Self::do_show_share(ensure_signed(origin)?, epoch, set, seed)
        }

        /// Votes on the dealers.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::judge_dealers())]
        pub fn judge_dealers(
            origin: OriginFor<T>,
            epoch: u32,
            votes: DealerVotes,
        ) -> DispatchResult {
            Self::do_judge(ensure_signed(origin)?, epoch, votes)
        }

        /// Names the epoch's public key.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::name_key())]
        pub fn name_key(origin: OriginFor<T>, epoch: u32, key: NamedKey) -> DispatchResult {
            Self::do_name_key(ensure_signed(origin)?, epoch, key)
        }

        /// Sponsors private rounds of a branch of the caller's: adds to the escrow and sets what the next round is paid.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::sponsor())]
        pub fn sponsor(
            origin: OriginFor<T>,
            branch: BranchId,
            terms: JobTerms,
            amount: Balance,
        ) -> DispatchResult {
            Self::do_sponsor(ensure_signed(origin)?, branch, terms, amount)
        }

        /// Ends a job: what no round has set aside is released; called again after its last round, the rest.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::end_job())]
        pub fn end_job(origin: OriginFor<T>, branch: BranchId) -> DispatchResult {
            Self::do_end_job(ensure_signed(origin)?, branch)
        }

        /// Registers for the round of a branch that is in registration.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::register())]
        pub fn register(origin: OriginFor<T>, round: RoundId) -> DispatchResult {
            Self::do_register(ensure_signed(origin)?, round)
        }

        /// Commits to the caller's ciphertexts.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::commit_contribution())]
        pub fn commit_contribution(
            origin: OriginFor<T>,
            round: RoundId,
            commitment: H256,
        ) -> DispatchResult {
            Self::do_commit_contribution(ensure_signed(origin)?, round, commitment)
        }

        /// Opens the commitment.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::open_contribution())]
        pub fn open_contribution(
            origin: OriginFor<T>,
            round: RoundId,
            roots: CiphertextRoots,
            salt: H256,
        ) -> DispatchResult {
            Self::do_open_contribution(ensure_signed(origin)?, round, roots, salt)
        }

        /// Opens the key segment that the round asks of the caller.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::disclose_segment())]
        pub fn disclose_segment(
            origin: OriginFor<T>,
            round: RoundId,
            disclosure: SegmentDisclosure,
        ) -> DispatchResult {
            Self::do_disclose(ensure_signed(origin)?, round, disclosure)
        }

        /// Votes on the contributions from the caller's seat.
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::vote_contributions())]
        pub fn vote_contributions(
            origin: OriginFor<T>,
            round: RoundId,
            votes: ContributionVotes,
        ) -> DispatchResult {
            Self::do_vote(ensure_signed(origin)?, round, votes)
        }

        /// Posts the sum of the contributions that stand.
        #[pallet::call_index(15)]
        #[pallet::weight(T::WeightInfo::post_sum())]
        pub fn post_sum(
            origin: OriginFor<T>,
            round: RoundId,
            roots: CiphertextRoots,
        ) -> DispatchResult {
            Self::do_post_sum(ensure_signed(origin)?, round, roots)
        }

        /// Disputes a tree of the posted sum, or of the version that the auditors report.
        #[pallet::call_index(16)]
        #[pallet::weight(T::WeightInfo::dispute())]
        pub fn dispute(origin: OriginFor<T>, round: RoundId, tree: PrivateTree) -> DispatchResult {
            Self::do_dispute(ensure_signed(origin)?, round, tree)
        }

        /// Shows the nodes below the questioned one: the aggregator, or an auditor that reported the version.
        #[pallet::call_index(17)]
        #[pallet::weight(T::WeightInfo::answer_dispute())]
        pub fn answer_dispute(
            origin: OriginFor<T>,
            round: RoundId,
            challenger: T::AccountId,
            nodes: Answer,
        ) -> DispatchResult {
            Self::do_answer_dispute(ensure_signed(origin)?, round, challenger, nodes)
        }

        /// Questions one of the nodes that were shown.
        #[pallet::call_index(18)]
        #[pallet::weight(T::WeightInfo::narrow_dispute())]
        pub fn narrow_dispute(origin: OriginFor<T>, round: RoundId, place: u32) -> DispatchResult {
            Self::do_narrow_dispute(ensure_signed(origin)?, round, place)
        }

        /// Proves what the questioned leaf of a sum should be.
        #[pallet::call_index(19)]
        #[pallet::weight(T::WeightInfo::prove_sum(to_u32(proof.parts.len())))]
        pub fn prove_sum(origin: OriginFor<T>, round: RoundId, proof: SumProof) -> DispatchResult {
            Self::do_prove_sum(ensure_signed(origin)?, round, proof)
        }

        /// Proves what the questioned leaf of a version should be.
        #[pallet::call_index(20)]
        #[pallet::weight(T::WeightInfo::prove_version())]
        pub fn prove_version(
            origin: OriginFor<T>,
            round: RoundId,
            proof: ChunkProof,
        ) -> DispatchResult {
            Self::do_prove_version(ensure_signed(origin)?, round, proof)
        }

        /// Answers for the sum that stands, once: the hash of the caller's partial decryptions and where they are.
        #[pallet::call_index(21)]
        #[pallet::weight(T::WeightInfo::answer_decryption())]
        pub fn answer_decryption(
            origin: OriginFor<T>,
            round: RoundId,
            hash: H256,
            cid: Cid,
        ) -> DispatchResult {
            Self::do_answer_decryption(ensure_signed(origin)?, round, hash, cid)
        }

        /// Opens the held-out shard: its steward.
        #[pallet::call_index(22)]
        #[pallet::weight(T::WeightInfo::open_shard())]
        pub fn open_shard(origin: OriginFor<T>, round: RoundId, cid: Cid) -> DispatchResult {
            Self::do_open_shard(ensure_signed(origin)?, round, cid)
        }

        /// Commits to a report from the caller's seat.
        #[pallet::call_index(23)]
        #[pallet::weight(T::WeightInfo::commit_report())]
        pub fn commit_report(
            origin: OriginFor<T>,
            round: RoundId,
            commitment: H256,
        ) -> DispatchResult {
            Self::do_commit_report(ensure_signed(origin)?, round, commitment)
        }

        /// Reveals the report.
        #[pallet::call_index(24)]
        #[pallet::weight(T::WeightInfo::reveal_report())]
        pub fn reveal_report(
            origin: OriginFor<T>,
            round: RoundId,
            report: PrivateReport,
            salt: H256,
        ) -> DispatchResult {
            Self::do_reveal_report(ensure_signed(origin)?, round, report, salt)
        }
    }
}
