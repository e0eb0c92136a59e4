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
//! - **Sweep**: the walk over a round's claims at the end of a phase, a bounded number a block.
//!
//! ## A story
//!
//! Mia bonds, registers her profile, and trains when a round opens. She claims before anybody knows which segments
//! will be audited. The audit seed draws three verifiers of her profile. She opens the states at the start of the
//! drawn segments; Vic, Vera and Val fetch them, replay, and commit to what they got. Then Mia opens digests and end
//! states, the three reveal, and since at least two thirds match, her claim is accepted. A merger posts the new
//! version; after the dispute window it is the head. Mia and her verifiers have receipts, paid out when they vest.
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

pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

mod bonds;
mod claims;
mod merge;
#[cfg(test)]
mod mock;
mod pay;
mod rounds;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", feature = "std"))]
mod try_state;
mod types;
mod views;
pub mod weights;

#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use crate::types::*;
    use crate::weights::WeightInfo;
    use dream_primitives::cid::Cid;
    use dream_primitives::claim::{
        Availability, Claim, ReplayReport, RoundId, SegmentOpening, StartState, TraceProof, Verdict,
    };
    use dream_primitives::credits::Credits as CreditBalance;
    use dream_primitives::draw::MAX_AUDITED;
    use dream_primitives::params::ChainParameters;
    use dream_primitives::profile::ProfileSettings;
    use dream_primitives::registry::{DataRegistry, ModelRegistry, RoundTerms};
    use dream_primitives::round::{
        ClaimRecord, ClaimState, DrawnSegments, Phase, Role, Round, MAX_CLAIMS,
    };
    use dream_primitives::version::VersionHeader;
    use dream_primitives::{Balance, BlockNumber, BoundedVec, BranchId, H256};
    use polkadot_sdk::frame_support::pallet_prelude::*;
    use polkadot_sdk::frame_support::traits::fungible;
    use polkadot_sdk::frame_system::pallet_prelude::*;

    /// Most verifiers of a branch.
    pub const MAX_VERIFIERS: u32 = 256;
    /// Most rounds that are in a phase that moves.
    pub const MAX_ACTIVE: u32 = 64;

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
        /// The chain's parameters.
        type Parameters: Get<ChainParameters>;
        /// Models, branches and versions.
        type Models: ModelRegistry<Self::AccountId>;
        /// Data sets and mixtures.
        type Data: DataRegistry;
        /// VRF output of the parent block, where it has one.
        type BlockRandomness: Get<Option<H256>>;
        /// Author of the current block.
        type Author: Get<Option<Self::AccountId>>;
        /// Treasury's account.
        type Treasury: Get<Self::AccountId>;
        /// Admits and dismisses profiles.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Most claims swept a block.
        #[pallet::constant]
        type SweepPerBlock: Get<u32>;
        /// Weights.
        type WeightInfo: WeightInfo;
    }

    /// Why the pallet holds tokens.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// Bond for claims, seats and merges.
        Bond,
    }

    /// Bonds.
    #[pallet::storage]
    pub type Bonds<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Bond>;

    /// Profile of an account on a branch.
    #[pallet::storage]
    pub type Profiles<T: Config> =
        StorageDoubleMap<_, Twox64Concat, BranchId, Blake2_128Concat, T::AccountId, ProfileRecord>;

    /// Calibration leaves that governance admitted.
    #[pallet::storage]
    pub type AdmittedProfiles<T: Config> = StorageMap<_, Identity, H256, ()>;

    /// Accounts that verify a branch's claims.
    #[pallet::storage]
    pub type Verifiers<T: Config> = StorageMap<
        _,
        Twox64Concat,
        BranchId,
        BoundedVec<T::AccountId, ConstU32<MAX_VERIFIERS>>,
        ValueQuery,
    >;

    /// Number of a branch's latest round.
    #[pallet::storage]
    pub type CurrentRound<T: Config> = StorageMap<_, Twox64Concat, BranchId, u32>;

    /// Rounds until they are pruned.
    #[pallet::storage]
    pub type Rounds<T: Config> = StorageMap<_, Twox64Concat, RoundId, Round<T::AccountId>>;

    /// What a round took from the registries when it opened.
    #[pallet::storage]
    pub type Terms<T: Config> = StorageMap<_, Twox64Concat, RoundId, RoundTerms>;

    /// Randomness that a round is gathering.
    #[pallet::storage]
    pub type SeedWindows<T: Config> =
        StorageMap<_, Twox64Concat, RoundId, SeedWindow<T::AccountId>>;

    /// Verifiers that a round draws from, frozen when its training ends; gone when it has drawn.
    #[pallet::storage]
    pub type Candidates<T: Config> = StorageMap<
        _,
        Twox64Concat,
        RoundId,
        BoundedVec<Candidate<T::AccountId>, ConstU32<MAX_VERIFIERS>>,
        ValueQuery,
    >;

    /// Claims of a round in the order in which they came.
    #[pallet::storage]
    pub type RoundClaims<T: Config> =
        StorageMap<_, Twox64Concat, RoundId, BoundedVec<H256, ConstU32<MAX_CLAIMS>>, ValueQuery>;

    /// An account's claim in a round.
    #[pallet::storage]
    pub type ClaimOf<T: Config> =
        StorageDoubleMap<_, Twox64Concat, RoundId, Blake2_128Concat, T::AccountId, H256>;

    /// Claims until they are pruned.
    #[pallet::storage]
    pub type Claims<T: Config> = StorageMap<_, Identity, H256, ClaimRecord<T::AccountId>>;

    /// Header of a posted merge until it is the head.
    #[pallet::storage]
    pub type PostedHeaders<T: Config> = StorageMap<_, Twox64Concat, RoundId, VersionHeader>;

    /// Rounds whose phase moves.
    #[pallet::storage]
    pub type ActiveRounds<T: Config> =
        StorageValue<_, BoundedVec<RoundId, ConstU32<MAX_ACTIVE>>, ValueQuery>;

    /// Rounds to wake at a block: to vest, or to be pruned.
    #[pallet::storage]
    pub type Agenda<T: Config> = StorageMap<
        _,
        Twox64Concat,
        BlockNumber,
        BoundedVec<RoundId, ConstU32<MAX_ACTIVE>>,
        ValueQuery,
    >;

    /// What is set aside for rounds and block producers but not minted yet.
    #[pallet::storage]
    pub type PendingIssuance<T: Config> = StorageValue<_, Balance, ValueQuery>;

    /// Block producers' share.
    #[pallet::storage]
    pub type Producers<T: Config> = StorageValue<_, ProducerPot, ValueQuery>;

    /// Author of the parent block.
    #[pallet::storage]
    pub type ParentAuthor<T: Config> = StorageValue<_, T::AccountId>;

    /// Compute credits.
    #[pallet::storage]
    pub type Credits<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, CreditBalance, ValueQuery>;

    /// Sum of all credits.
    #[pallet::storage]
    pub type TotalCredits<T: Config> = StorageValue<_, CreditBalance, ValueQuery>;

    #[pallet::event]
    #[pallet::generate_deposit(pub(crate) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An account bonded more.
        Bonded {
            account: T::AccountId,
            amount: Balance,
        },
        /// Part of a bond may be withdrawn from a block on.
        Unbonding {
            account: T::AccountId,
            amount: Balance,
            withdrawable: BlockNumber,
        },
        /// An unbonded amount is free.
        Withdrawn {
            account: T::AccountId,
            amount: Balance,
        },
        /// Part of a bond was burned.
        BondBurned {
            account: T::AccountId,
            claim: H256,
            amount: Balance,
        },
        /// An account registered its profile.
        ProfileRegistered {
            branch: BranchId,
            account: T::AccountId,
            leaf: H256,
        },
        /// Governance admitted a profile.
        ProfileAdmitted { leaf: H256 },
        /// Governance dismissed a profile.
        ProfileDismissed { leaf: H256 },
        /// An account verifies a branch's claims from now on.
        VerifierEnlisted {
            branch: BranchId,
            account: T::AccountId,
        },
        /// An account is drawn no more.
        VerifierRetired {
            branch: BranchId,
            account: T::AccountId,
        },
        /// A round opened.
        RoundOpened { round: RoundId, base: H256 },
        /// A round came to a phase.
        PhaseStarted {
            round: RoundId,
            phase: Phase,
            deadline: BlockNumber,
        },
        /// A claim was posted.
        Claimed {
            round: RoundId,
            claim: H256,
            miner: T::AccountId,
            segments: u16,
        },
        /// A claim's committee and segments were drawn.
        Drawn {
            claim: H256,
            segments: DrawnSegments,
            committee: BoundedVec<T::AccountId, ConstU32<16>>,
        },
        /// A miner opened the start states.
        StartStatesOpened { claim: H256 },
        /// A verifier spoke on availability.
        AvailabilityVoted {
            claim: H256,
            verifier: T::AccountId,
            availability: Availability,
        },
        /// A verifier committed to its replay.
        ReplayCommitted { claim: H256, verifier: T::AccountId },
        /// A miner opened digests and end states.
        DigestsOpened { claim: H256 },
        /// A verifier revealed its replay.
        ReplayRevealed {
            claim: H256,
            verifier: T::AccountId,
            verdict: Verdict,
        },
        /// A claim came to a state at the end of a phase.
        ClaimMoved { claim: H256, state: ClaimState },
        /// A merge was posted.
        MergePosted {
            round: RoundId,
            version: H256,
            merger: T::AccountId,
        },
        /// A round's pay was set aside.
        RoundPaid {
            round: RoundId,
            emission: Balance,
            units: u128,
            miners: Balance,
            verifiers: Balance,
        },
        /// A receipt was written.
        Rewarded {
            claim: H256,
            account: T::AccountId,
            role: Role,
            units: u128,
            amount: Balance,
        },
        /// A receipt was paid out.
        Vested {
            claim: H256,
            account: T::AccountId,
            role: Role,
            amount: Balance,
        },
        /// Credits were granted.
        Credited { account: T::AccountId, amount: u128 },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The amount is zero.
        ZeroAmount,
        /// The free bond is smaller than what this needs.
        BondTooSmall,
        /// The bond was made in or after the block at which the round opened; it counts from the next round.
        BondTooYoung,
        /// The bond was added to too often within the length of a round; wait for a round.
        TooManyAdditions,
        /// Another amount is unbonding; withdraw it first.
        AlreadyUnbonding,
        /// Nothing is unbonding.
        NothingUnbonding,
        /// The unbonding period is not over.
        StillUnbonding,
        /// No such branch.
        UnknownBranch,
        /// Neither governance admitted this calibration leaf, nor does the chain admit any.
        ProfileNotAdmitted,
        /// The account has no profile on this branch, or the claim names another.
        WrongProfile,
        /// The profile was registered in or after the block at which the round opened.
        ProfileTooYoung,
        /// The account is enlisted already.
        AlreadyEnlisted,
        /// The account is not enlisted.
        NotEnlisted,
        /// The branch has its largest number of verifiers.
        TooManyVerifiers,
        /// No such round, or it was pruned.
        UnknownRound,
        /// The round is not in the phase that this call belongs to.
        WrongPhase,
        /// The claim's base is not the round's.
        WrongBase,
        /// The account has a claim in this round.
        SecondClaim,
        /// The round has its largest number of claims.
        RoundFull,
        /// Fewer segments than are audited, or more than the recipe has.
        BadSegments,
        /// A residual is named although the recipe has no error feedback, or the other way round.
        BadResidual,
        /// No such claim, or it was pruned.
        UnknownClaim,
        /// The claim is not in the state that this call belongs to.
        WrongClaimState,
        /// The caller is not the claim's miner.
        NotTheMiner,
        /// The opened segments are not those that were drawn, in ascending order.
        WrongSegments,
        /// A Merkle proof does not verify.
        BadProof,
        /// The caller has no seat in the claim's committee.
        NotInCommittee,
        /// The verifier did this already.
        AlreadyDone,
        /// The verifier did not commit in time.
        NotCommitted,
        /// The revealed report and salt do not hash to the commitment.
        RevealMismatch,
        /// A merge was posted already.
        AlreadyMerged,
        /// Moments are named although the server optimiser has none, or the other way round.
        BadServerState,
        /// The registry refuses the version: the round's base is not the branch's head any more.
        HeadMoved,
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

        /// Registers the numeric profile under which the caller computes on a branch.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::register_profile())]
        pub fn register_profile(
            origin: OriginFor<T>,
            branch: BranchId,
            settings: ProfileSettings,
            leaf: H256,
        ) -> DispatchResult {
            Self::do_register_profile(ensure_signed(origin)?, branch, settings, leaf)
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
            Self::do_submit_claim(ensure_signed(origin)?, claim)
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

        /// Posts the version that the accepted claims make of the round's base.
        #[pallet::call_index(12)]
        #[pallet::weight(T::WeightInfo::post_merge())]
        pub fn post_merge(
            origin: OriginFor<T>,
            round: RoundId,
            state_root: H256,
            server_root: H256,
            cid: Cid,
            server_cid: Option<Cid>,
        ) -> DispatchResult {
            Self::do_post_merge(
                ensure_signed(origin)?,
                round,
                state_root,
                server_root,
                cid,
                server_cid,
            )
        }

        /// Admits a calibration leaf.
        #[pallet::call_index(13)]
        #[pallet::weight(T::WeightInfo::admit_profile())]
        pub fn admit_profile(origin: OriginFor<T>, leaf: H256) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_admit_profile(leaf, true)
        }

        /// Dismisses a calibration leaf: it can be registered no more.
        #[pallet::call_index(14)]
        #[pallet::weight(T::WeightInfo::admit_profile())]
        pub fn dismiss_profile(origin: OriginFor<T>, leaf: H256) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_admit_profile(leaf, false)
        }
    }
}
