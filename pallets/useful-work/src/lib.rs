// SPDX-License-Identifier: GPL-3.0-or-later
//! # Useful work
//!
//! Rounds of training that is claimed, audited by replay, merged, paid and turned into compute credits.
//!
//! ## Terms
//!
//! - **Round**: one pass from a branch's head to its next version. Its phases and what moves it stand in
//!   [`dream_primitives::round::ROUND_TABLE`].
//! - **Claim**: a miner's word, under a bond, that it trained so many segments of the recipe on the data that the
//!   round's seed gave it.
//! - **Seat**: a verifier's place in the committee that replays some segments of one claim.
//! - **Trial**: a claim judged by a larger committee, by a jury of all verifiers of its profile, or by the jury that a
//!   challenge calls. Only juries slash.
//! - **Canary**: a claim that its miner had to fake; who confirms it did not replay it.
//! - **Sweep**: the walk over a round's claims at the end of a phase, a bounded number a block.
//!
//! ## A story
//!
//! Mia bonds, commits to her profile, reveals it, and trains when a round opens. She claims before anybody knows which segments
//! will be audited. The audit seed draws three verifiers of her profile. She opens the states at the start of the
//! drawn segments; Vic, Vera and Val fetch them, replay, and commit to what they got. Then Mia opens digests and end
//! states, the three reveal, and she opens her flag: she was not on duty to fake. Since at least two thirds match, her
//! claim is accepted. A merger posts the new version; after the dispute window it is the head. Mia and her verifiers
//! have receipts, paid out when they vest; until then anybody bonded may challenge any segment of hers.
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
pub use trials::TRIAL_SEATS_PER_BLOCK;
pub use types::*;
pub use weights::WeightInfo;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod bonds;
mod challenges;
mod chunks;
mod claims;
mod credits;
mod disputes;
mod errors;
mod escrow;
mod events;
mod flags;
mod founders;
mod ledger;
mod merge;
#[cfg(test)]
mod mock;
mod newcomers;
mod pay;
mod profiles;
mod residuals;
mod reverts;
mod rounds;
mod slashing;
mod storage;
mod sweep;
#[cfg(test)]
mod tests;
mod trials;
#[cfg(any(feature = "try-runtime", feature = "std"))]
mod try_merges;
#[cfg(any(feature = "try-runtime", feature = "std"))]
mod try_state;
mod types;
mod valuation;
mod verdicts;
mod views;
pub mod weights;

#[import_section(storage::storage)]
#[import_section(events::events)]
#[import_section(errors::errors)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use crate::types::*;
    use crate::weights::WeightInfo;
    use alloc::vec::Vec;
    use dream_primitives::cid::Cid;
    use dream_primitives::claim::{
        Availability, Claim, ReplayReport, RoundId, SegmentOpening, StartState, TraceProof, Verdict,
    };
    use dream_primitives::credits::{CreditHistory as CreditRing, Credits as CreditBalance};
    use dream_primitives::dispute::{
        Answer, ChunkProof, DeltaOpening, NodeId, PairProof, PairTable, Tree,
    };
    use dream_primitives::draw::MAX_AUDITED;
    use dream_primitives::feedback::CarriedResidual;
    use dream_primitives::game;
    use dream_primitives::math::to_u32;
    use dream_primitives::params::{ChainParameters, MAX_NEWCOMERS};
    use dream_primitives::profile::ProfileSettings;
    use dream_primitives::registry::{DataRegistry, ModelRegistry, RoundTerms, SetAside};
    use dream_primitives::round::{
        ClaimRecord, ClaimState, DrawnSegments, Phase, Role, Round, MAX_CLAIMS,
    };
    use dream_primitives::ticket::{Entry, NewcomerAct, Ticket};
    use dream_primitives::trial::{Level, Trial, TrialSeat, TrialStep, MAX_TRIALS};
    use dream_primitives::value::{ScoreRecord, ScoreReport, Valuation, MAX_SCORES};
    use dream_primitives::version::VersionHeader;
    use dream_primitives::{Balance, BlockNumber, BoundedVec, BranchId, H256};
    use polkadot_sdk::frame_support::pallet_prelude::*;
    use polkadot_sdk::frame_support::traits::fungible;
    use polkadot_sdk::frame_support::DefaultNoBound;
    use polkadot_sdk::frame_system::pallet_prelude::*;
    use polkadot_sdk::sp_runtime::traits::{IdentifyAccount, Verify};

    /// Most verifiers of a branch.
    pub const MAX_VERIFIERS: u32 = 256;
    /// Most rounds that are in a phase that moves.
    pub const MAX_ACTIVE: u32 = 64;

    /// Most branches that their owners pay.
    pub const MAX_FUNDED: u32 = 16;
    /// Most rounds that draw in a block or do what costs as much: each reads its branch's verifiers, its claims, or both.
    pub const MAX_DRAWING: u32 = 3;

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
        /// The chain's parameters.
        type Parameters: Get<ChainParameters>;
        /// Models, branches and versions.
        type Models: ModelRegistry<Self::AccountId>;
        /// Data sets and mixtures.
        type Data: DataRegistry<Self::AccountId>;
        /// VRF output of the parent block, where it has one.
        type BlockRandomness: Get<Option<H256>>;
        /// Author of the current block.
        type Author: Get<Option<Self::AccountId>>;
        /// Treasury's account.
        type Treasury: Get<Self::AccountId>;
        /// Admits and dismisses profiles.
        type ProfileOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Takes claims out of models.
        type RevertOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Signature of an account that pays no fees yet.
        type Signature: Parameter + Verify<Signer: IdentifyAccount<AccountId = Self::AccountId>>;
        /// Most claims swept a block.
        #[pallet::constant]
        type SweepPerBlock: Get<u32>;
        /// Weights.
        type WeightInfo: WeightInfo;
        /// Puts the other pallets into the state that a benchmark starts from.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: crate::benchmarking::BenchmarkHelper<Self::AccountId, Self::Signature>;
    }

    /// Why the pallet holds tokens.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Bond for claims, seats, merges and disputes.
        Bond,
        /// What a branch's owner pays its rounds from.
        Escrow,
        /// Price of a demanded chunk.
        Demand,
    }

    #[pallet::genesis_config]
    #[derive(DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Founding verifiers and validators with their bonds, which are minted on top of other balances.
        pub founders: Vec<(T::AccountId, Balance)>,
        /// Compute credits of the first voters: without any nobody could admit the first branch. They decay as all do.
        pub credits: Vec<(T::AccountId, u128)>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            Pallet::<T>::build_founders(&self.founders);
            for (account, units) in &self.credits {
                Pallet::<T>::grant_credits(account, *units);
            }
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            Self::begin_block(now)
        }

        fn on_finalize(_: BlockNumberFor<T>) {
            Self::note_author();
        }

        fn integrity_test() {
            assert!(
                T::SweepPerBlock::get() > 0,
                "SweepPerBlock is zero: no round would ever move"
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
        /// Adds to the caller's bond.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::bond())]
        pub fn bond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            Self::do_bond(ensure_signed(origin)?, amount)
        }

        /// Starts to take a free part of the bond out.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::unbond())]
        pub fn unbond(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
            Self::do_unbond(ensure_signed(origin)?, amount)
        }

        /// Releases what has been unbonding long enough.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::withdraw_unbonded())]
        pub fn withdraw_unbonded(origin: OriginFor<T>) -> DispatchResult {
            Self::do_withdraw(ensure_signed(origin)?)
        }

        /// Commits to the numeric profile under which the caller computes on a branch.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::commit_profile())]
        pub fn commit_profile(
            origin: OriginFor<T>,
            branch: BranchId,
            commitment: H256,
        ) -> DispatchResult {
            Self::do_commit_profile(ensure_signed(origin)?, branch, commitment)
        }

        /// Offers the caller as a verifier of a branch's claims.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::enlist_verifier())]
        pub fn enlist_verifier(origin: OriginFor<T>, branch: BranchId) -> DispatchResult {
            Self::do_enlist(ensure_signed(origin)?, branch)
        }

        /// Takes the caller off a branch's verifiers. Seats already drawn stay.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::retire_verifier())]
        pub fn retire_verifier(origin: OriginFor<T>, branch: BranchId) -> DispatchResult {
            Self::do_retire(ensure_signed(origin)?, branch)
        }

        /// Claims work in the round that is training.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::submit_claim())]
        pub fn submit_claim(origin: OriginFor<T>, claim: Claim) -> DispatchResult {
            Self::do_submit_claim(ensure_signed(origin)?, claim, false)
        }

        /// Opens state 0 and the states at the start of the audited segments, with Merkle proofs.
        #[pallet::call_index(7)]
        #[pallet::weight(T::WeightInfo::open_start_states())]
        pub fn open_start_states(
            origin: OriginFor<T>,
            claim_id: H256,
            initial_state: H256,
            initial_proof: TraceProof,
            starts: BoundedVec<StartState, ConstU32<MAX_AUDITED>>,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_open_start_states(who, claim_id, initial_state, initial_proof, starts)
        }

        /// Says whether the start states and the delta are to be had.
        #[pallet::call_index(8)]
        #[pallet::weight(T::WeightInfo::vote_availability())]
        pub fn vote_availability(
            origin: OriginFor<T>,
            claim_id: H256,
            availability: Availability,
        ) -> DispatchResult {
            Self::do_vote_availability(ensure_signed(origin)?, claim_id, availability)
        }

        /// Commits to a replay.
        #[pallet::call_index(9)]
        #[pallet::weight(T::WeightInfo::commit_replay())]
        pub fn commit_replay(
            origin: OriginFor<T>,
            claim_id: H256,
            commitment: H256,
        ) -> DispatchResult {
            Self::do_commit_replay(ensure_signed(origin)?, claim_id, commitment)
        }

        /// Opens digests and end states of the audited segments.
        #[pallet::call_index(10)]
        #[pallet::weight(T::WeightInfo::open_digests())]
        pub fn open_digests(
            origin: OriginFor<T>,
            claim_id: H256,
            openings: BoundedVec<SegmentOpening, ConstU32<MAX_AUDITED>>,
        ) -> DispatchResult {
            Self::do_open_digests(ensure_signed(origin)?, claim_id, openings)
        }

        /// Reveals a replay; the verdict is whether it gave what the claim says.
        #[pallet::call_index(11)]
        #[pallet::weight(T::WeightInfo::reveal_replay())]
        pub fn reveal_replay(
            origin: OriginFor<T>,
            claim_id: H256,
            report: ReplayReport,
            salt: H256,
        ) -> DispatchResult {
            Self::do_reveal_replay(ensure_signed(origin)?, claim_id, report, salt)
        }

        /// Posts the version that the accepted claims make of the round's base. `table`: the squared distances of all pairs
        /// of merged claims where the rule is Krum and there are enough of them, empty otherwise.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::post_merge())]
        pub fn post_merge(
            origin: OriginFor<T>,
            round: RoundId,
            state_root: H256,
            server_root: H256,
            cid: Cid,
            server_cid: Option<Cid>,
            table: PairTable,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_post_merge(who, round, state_root, server_root, cid, server_cid, table)
        }

        /// Admits a calibration leaf.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::admit_profile())]
        pub fn admit_profile(origin: OriginFor<T>, leaf: H256) -> DispatchResult {
            T::ProfileOrigin::ensure_origin(origin)?;
            Self::do_admit_profile(leaf, true)
        }

        /// Dismisses a calibration leaf: it can be registered no more.
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::dismiss_profile())]
        pub fn dismiss_profile(origin: OriginFor<T>, leaf: H256) -> DispatchResult {
            T::ProfileOrigin::ensure_origin(origin)?;
            Self::do_admit_profile(leaf, false)
        }

        /// Reveals the profile that the caller committed to in an earlier block, with the head of its chain of secrets.
        #[pallet::call_index(15)]
        #[pallet::weight(T::WeightInfo::reveal_profile())]
        pub fn reveal_profile(
            origin: OriginFor<T>,
            branch: BranchId,
            settings: ProfileSettings,
            leaf: H256,
            secret: H256,
            salt: H256,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_reveal_profile(who, branch, settings, leaf, secret, salt)
        }

        /// Opens a claim's canary flag with the next link of the miner's secrets.
        #[pallet::call_index(16)]
        #[pallet::weight(T::WeightInfo::open_flag())]
        pub fn open_flag(
            origin: OriginFor<T>,
            claim_id: H256,
            canary: bool,
            salt: H256,
            preimage: H256,
        ) -> DispatchResult {
            Self::do_open_flag(ensure_signed(origin)?, claim_id, canary, salt, preimage)
        }

        /// Has a segment of an accepted claim judged by all verifiers of its profile.
        #[pallet::call_index(17)]
        #[pallet::weight(T::WeightInfo::challenge())]
        pub fn challenge(origin: OriginFor<T>, claim_id: H256, segment: u16) -> DispatchResult {
            Self::do_challenge(ensure_signed(origin)?, claim_id, segment)
        }

        /// Opens the challenged segment's start and end, with Merkle proofs.
        #[pallet::call_index(18)]
        #[pallet::weight(T::WeightInfo::open_challenged())]
        pub fn open_challenged(
            origin: OriginFor<T>,
            claim_id: H256,
            start: StartState,
            end: SegmentOpening,
        ) -> DispatchResult {
            Self::do_open_challenged(ensure_signed(origin)?, claim_id, start, end)
        }

        /// Commits to a replay in a trial.
        #[pallet::call_index(19)]
        #[pallet::weight(T::WeightInfo::commit_verdict())]
        pub fn commit_verdict(
            origin: OriginFor<T>,
            claim_id: H256,
            commitment: H256,
        ) -> DispatchResult {
            Self::do_commit_verdict(ensure_signed(origin)?, claim_id, commitment)
        }

        /// Reveals a replay in a trial.
        #[pallet::call_index(20)]
        #[pallet::weight(T::WeightInfo::reveal_verdict())]
        pub fn reveal_verdict(
            origin: OriginFor<T>,
            claim_id: H256,
            report: ReplayReport,
            salt: H256,
        ) -> DispatchResult {
            Self::do_reveal_verdict(ensure_signed(origin)?, claim_id, report, salt)
        }

        /// Publishes the held-out shard that scores the round's merge.
        #[pallet::call_index(33)]
        #[pallet::weight(T::WeightInfo::open_shard())]
        pub fn open_shard(origin: OriginFor<T>, round: RoundId, cid: Cid) -> DispatchResult {
            Self::do_open_shard(ensure_signed(origin)?, round, cid)
        }

        /// Commits to a score.
        #[pallet::call_index(34)]
        #[pallet::weight(T::WeightInfo::commit_score())]
        pub fn commit_score(
            origin: OriginFor<T>,
            round: RoundId,
            commitment: H256,
        ) -> DispatchResult {
            Self::do_commit_score(ensure_signed(origin)?, round, commitment)
        }

        /// Reveals a score.
        #[pallet::call_index(35)]
        #[pallet::weight(T::WeightInfo::reveal_score())]
        pub fn reveal_score(
            origin: OriginFor<T>,
            round: RoundId,
            report: ScoreReport,
            salt: H256,
        ) -> DispatchResult {
            Self::do_reveal_score(ensure_signed(origin)?, round, report, salt)
        }

        /// Pays into the escrow of the caller's branch, and says what each of its rounds pays at most and for a work unit.
        /// While the escrow holds a round's pay, rounds open on the branch; they earn no credits.
        #[pallet::call_index(29)]
        #[pallet::weight(T::WeightInfo::fund_branch())]
        pub fn fund_branch(
            origin: OriginFor<T>,
            branch: BranchId,
            amount: Balance,
            per_round: Balance,
            unit_price: Balance,
        ) -> DispatchResult {
            Self::do_fund_branch(
                ensure_signed(origin)?,
                branch,
                amount,
                per_round,
                unit_price,
            )
        }

        /// Takes out of a branch's escrow what no round has set aside.
        #[pallet::call_index(30)]
        #[pallet::weight(T::WeightInfo::withdraw_escrow())]
        pub fn withdraw_escrow(
            origin: OriginFor<T>,
            branch: BranchId,
            amount: Balance,
        ) -> DispatchResult {
            Self::do_withdraw_escrow(ensure_signed(origin)?, branch, amount)
        }

        /// Enters a ticket for a slot without bond and fees. `signature` is the account's over [`Ticket::message`].
        #[pallet::call_index(31)]
        #[pallet::weight(T::WeightInfo::enter())]
        #[pallet::authorize(Self::authorize_enter)]
        #[pallet::weight_of_authorize(T::WeightInfo::authorize_enter())]
        pub fn enter(
            origin: OriginFor<T>,
            ticket: Ticket<T::AccountId>,
            signature: T::Signature,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            let _ = signature;
            Self::do_enter(ticket)
        }

        /// Does what a miner with such a slot does in its round. `signature` is the account's over
        /// [`NewcomerAct::message`].
        #[pallet::call_index(32)]
        #[pallet::weight(T::WeightInfo::act_as_newcomer())]
        #[pallet::authorize(Self::authorize_act)]
        #[pallet::weight_of_authorize(T::WeightInfo::authorize_act_as_newcomer())]
        pub fn act_as_newcomer(
            origin: OriginFor<T>,
            act: NewcomerAct,
            account: T::AccountId,
            signature: T::Signature,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            let _ = signature;
            Self::do_act(act, account)
        }

        /// Burns the free part of a founding bond once the bootstrap issuance is reached. Anybody may call it.
        #[pallet::call_index(36)]
        #[pallet::weight(T::WeightInfo::retire_founder())]
        pub fn retire_founder(origin: OriginFor<T>, founder: T::AccountId) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_retire_founder(founder)
        }

        /// Disputes a tree of a posted merge: demands the nodes below its top.
        #[pallet::call_index(21)]
        #[pallet::weight(T::WeightInfo::dispute_merge())]
        pub fn dispute_merge(origin: OriginFor<T>, round: RoundId, tree: Tree) -> DispatchResult {
            Self::do_dispute_merge(ensure_signed(origin)?, round, tree)
        }

        /// Shows the nodes below the one that `challenger` questions. The poster's call.
        #[pallet::call_index(22)]
        #[pallet::weight(T::WeightInfo::answer_dispute())]
        pub fn answer_dispute(
            origin: OriginFor<T>,
            round: RoundId,
            challenger: T::AccountId,
            nodes: Answer,
        ) -> DispatchResult {
            Self::do_answer_dispute(ensure_signed(origin)?, round, challenger, nodes)
        }

        /// Questions the node at place `index` (from 0) of the poster's answer. The challenger's call.
        #[pallet::call_index(23)]
        #[pallet::weight(T::WeightInfo::narrow_dispute())]
        pub fn narrow_dispute(origin: OriginFor<T>, round: RoundId, index: u32) -> DispatchResult {
            Self::do_narrow_dispute(ensure_signed(origin)?, round, index)
        }

        /// Proves what the questioned chunk should be; ends the dispute either way. The challenger's call.
        #[pallet::call_index(24)]
        #[pallet::weight(T::WeightInfo::prove_chunk(to_u32(proof.deltas.len())))]
        pub fn prove_chunk(
            origin: OriginFor<T>,
            round: RoundId,
            proof: ChunkProof,
        ) -> DispatchResult {
            Self::do_prove_chunk(ensure_signed(origin)?, round, proof)
        }

        /// Proves what the questioned partial distance should be; ends the dispute either way. The challenger's call.
        #[pallet::call_index(25)]
        #[pallet::weight(T::WeightInfo::prove_pair())]
        pub fn prove_pair(
            origin: OriginFor<T>,
            round: RoundId,
            proof: PairProof,
        ) -> DispatchResult {
            Self::do_prove_pair(ensure_signed(origin)?, round, proof)
        }

        /// Demands a chunk of the delta of a claim that is about to be merged. Its price is held.
        #[pallet::call_index(26)]
        #[pallet::weight(T::WeightInfo::demand_chunk())]
        pub fn demand_chunk(origin: OriginFor<T>, claim_id: H256, chunk: u32) -> DispatchResult {
            Self::do_demand_chunk(ensure_signed(origin)?, claim_id, chunk)
        }

        /// Supplies a demanded chunk with its proof and earns its price.
        #[pallet::call_index(27)]
        #[pallet::weight(T::WeightInfo::supply_chunk())]
        pub fn supply_chunk(
            origin: OriginFor<T>,
            claim_id: H256,
            chunk: u32,
            opening: DeltaOpening,
        ) -> DispatchResult {
            Self::do_supply_chunk(ensure_signed(origin)?, claim_id, chunk, opening)
        }

        /// Takes a merged claim out of the model: the merges since its round are made again without it.
        #[pallet::call_index(28)]
        #[pallet::weight(T::WeightInfo::revert_claim())]
        pub fn revert_claim(origin: OriginFor<T>, claim_id: H256) -> DispatchResult {
            T::RevertOrigin::ensure_origin(origin)?;
            Self::do_revert_claim(claim_id)
        }
    }
}
