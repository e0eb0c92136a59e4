// SPDX-License-Identifier: GPL-3.0-or-later
//! # Compute voting
//!
//! Votes on polls (referenda) whose weight comes from locked tokens and from compute credits together:
//! [`dream_primitives::voting::vote_weight`]. docs/governance.md has worked numbers and limits.
//!
//! Calls, their arguments, storage, events and the fields of the tally are those of the SDK's conviction voting, so that wallets
//! which know that pallet work with this one; mount it as `ConvictionVoting`. What differs:
//!
//! - The tally adds weights, not tokens. Credits are those as of the end of the credit epoch before the poll's submission.
//! - What a vote added is kept ([`AppliedVotes`]) and is what its removal takes out.
//! - A delegation adds a weight of its own, computed from the delegator's tokens and the delegator's credits, to every poll that
//!   its target votes on. At most [`MAX_DELEGATORS`] accounts delegate to one account in a class.
//! - [`Pallet::poke`] lowers the weight of a vote to what its account still has: credits that were revoked, tokens that were
//!   slashed. Nothing else changes the weight of a vote that stands.
//! - Tokens are frozen, not locked; held bonds can vote, and can be slashed while they do.
//! - Wallets can tell when an unlock or a delegation cannot work: those are errors here.
//!
//! ## A story
//!
//! Mia trained for a year and holds a tenth of all credits, and a tenth of the tokens: her vote weighs her tokens. Walt has nine
//! times her tokens and never trained. His vote is accepted, and weighs nothing; were he to delegate to Mia, her vote would weigh
//! what it did before. Months later a jury finds that Mia faked a claim. Her credits are gone, and anybody may poke the votes
//! that she has under way.
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

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod delegations;
mod freezes;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "try-runtime", feature = "std"))]
mod try_state;
mod types;
mod votes;
mod weighing;
pub mod weights;

pub use dream_primitives::voting::MAX_DELEGATORS;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
    use crate::types::*;
    use crate::weights::WeightInfo;
    use dream_primitives::registry::{CreditSnapshots, PollSubmission, SetAside};
    use dream_primitives::voting::{AppliedVote, MAX_DELEGATORS};
    use dream_primitives::Balance;
    use polkadot_sdk::frame_support::pallet_prelude::*;
    use polkadot_sdk::frame_support::traits::{fungible, ClassCountOf, Polling};
    use polkadot_sdk::frame_system::pallet_prelude::*;
    use polkadot_sdk::pallet_conviction_voting::{AccountVote, Conviction, UnvoteScope};
    use polkadot_sdk::sp_runtime::traits::StaticLookup;

    const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

    #[pallet::pallet]
    #[pallet::storage_version(STORAGE_VERSION)]
    pub struct Pallet<T>(_);

    #[pallet::config]
    pub trait Config: polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>> {
        /// The chain's token.
        type Currency: fungible::Inspect<Self::AccountId, Balance = Balance>
            + fungible::MutateFreeze<Self::AccountId, Id = Self::RuntimeFreezeReason>;
        /// The runtime's freeze reasons.
        type RuntimeFreezeReason: From<FreezeReason>;
        /// The polls.
        type Polls: Polling<
            TallyOf<Self>,
            Index = PollIndex,
            Votes = Balance,
            Moment = BlockNumberFor<Self>,
        >;
        /// When a poll was submitted.
        type Submissions: PollSubmission;
        /// Compute credits.
        type Credits: CreditSnapshots<Self::AccountId>;
        /// What accounts hold for others.
        type SetAside: SetAside<Self::AccountId>;
        /// The most that all weights together can be: the issuance. It is a factor of each weight.
        type MaxTurnout: Get<Balance>;
        /// Most votes of an account in a class.
        #[pallet::constant]
        type MaxVotes: Get<u32>;
        /// How long a conviction of one keeps the tokens of a vote that won.
        #[pallet::constant]
        type VoteLockingPeriod: Get<BlockNumberFor<Self>>;
        /// Weights.
        type WeightInfo: WeightInfo;
        /// Gives credits in benchmarks.
        #[cfg(feature = "runtime-benchmarks")]
        type BenchmarkHelper: crate::benchmarking::BenchmarkHelper<Self::AccountId>;
    }

    /// Why the pallet freezes tokens.
    #[pallet::composite_enum]
    pub enum FreezeReason {
        /// A vote or a delegation.
        Vote,
    }

    /// What an account does in a class of polls: it votes, or it delegates.
    #[pallet::storage]
    pub type VotingFor<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        T::AccountId,
        Twox64Concat,
        ClassOf<T>,
        VotingOf<T>,
        ValueQuery,
    >;

    /// Tokens that an account's votes need frozen, by class; the freeze is their maximum.
    #[pallet::storage]
    pub type ClassLocksFor<T: Config> = StorageMap<
        _,
        Twox64Concat,
        T::AccountId,
        BoundedVec<(ClassOf<T>, Balance), ClassCountOf<T::Polls, TallyOf<T>>>,
        ValueQuery,
    >;

    /// What a vote added to a poll's tally.
    #[pallet::storage]
    pub type AppliedVotes<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        PollIndex,
        Twox64Concat,
        T::AccountId,
        AppliedVote<T::AccountId>,
    >;

    /// Who delegates to an account in a class.
    #[pallet::storage]
    pub type Delegators<T: Config> = StorageDoubleMap<
        _,
        Twox64Concat,
        T::AccountId,
        Twox64Concat,
        ClassOf<T>,
        BoundedVec<Delegator<T::AccountId>, ConstU32<MAX_DELEGATORS>>,
        ValueQuery,
    >;

    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An account delegates to another. \[who, target, class\]
        Delegated(T::AccountId, T::AccountId, ClassOf<T>),
        /// A delegation is over: the account ended it, or a heavier one took its place. \[who, class\]
        Undelegated(T::AccountId, ClassOf<T>),
        /// An account voted.
        Voted {
            who: T::AccountId,
            vote: AccountVote<Balance>,
            poll_index: PollIndex,
        },
        /// A vote was removed.
        VoteRemoved {
            who: T::AccountId,
            vote: AccountVote<Balance>,
            poll_index: PollIndex,
        },
        /// What a class's votes do not need frozen any more was freed.
        VoteUnlocked {
            who: T::AccountId,
            class: ClassOf<T>,
        },
        /// A vote was weighed, before conviction: the voter's own weight, and that of its delegators together.
        Weighed {
            who: T::AccountId,
            poll_index: PollIndex,
            own: Balance,
            delegated: Balance,
        },
        /// A vote's weight was lowered to these, before conviction.
        Poked {
            who: T::AccountId,
            poll_index: PollIndex,
            own: Balance,
            delegated: Balance,
        },
    }

    #[pallet::error]
    pub enum Error<T> {
        /// The poll is unknown or over.
        NotOngoing,
        /// The account has no vote on this poll.
        NotVoter,
        /// Only the voter may remove a vote from a poll that is under way.
        NoPermission,
        /// Too early: the tokens are needed by a vote, or a conviction keeps them.
        NoPermissionYet,
        /// The account delegates in this class; undelegate first.
        AlreadyDelegating,
        /// The account has votes in this class; remove them first.
        AlreadyVoting,
        /// More tokens than the account has, bonds counted, what it set aside to pay others not.
        InsufficientFunds,
        /// The account does not delegate in this class.
        NotDelegating,
        /// An account cannot delegate to itself.
        Nonsense,
        /// The account has as many votes in this class as it may have; remove old ones.
        MaxVotesReached,
        /// The poll is over or unknown: name its class.
        ClassNeeded,
        /// No such class.
        BadClass,
        /// The poll was submitted longer ago than credits are kept for: it takes no votes any more.
        SnapshotExpired,
        /// The vote weighs no more than its account still has.
        NothingToPoke,
        /// The target delegates to this account.
        DelegationInCircle,
        /// The target delegates itself, so the delegation would count for nothing: name its target.
        TargetDelegates,
        /// As many as may do delegate to the target, and each weighs more than half as much as this account.
        DelegatorsFull,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn integrity_test() {
            assert!(T::MaxVotes::get() > 0, "MaxVotes is zero: nobody can vote");
            let classes = T::Polls::classes();
            assert!(
                classes.is_sorted(),
                "the classes of polls are not ascending"
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
        /// Votes on a poll, or changes a vote. `vote` may name tokens that are held or frozen already.
        #[pallet::call_index(0)]
        #[pallet::weight(T::WeightInfo::vote(MAX_DELEGATORS))]
        pub fn vote(
            origin: OriginFor<T>,
            #[pallet::compact] poll_index: PollIndex,
            vote: AccountVote<Balance>,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let delegators = Self::do_vote(&who, poll_index, vote)?;
            Ok(Some(T::WeightInfo::vote(delegators)).into())
        }

        /// Lets `to` vote with `balance` and with this account's credits in a class of polls. The account must have no votes
        /// there. The tokens stay frozen until the delegation ends, and by conviction after that.
        #[pallet::call_index(1)]
        #[pallet::weight(T::WeightInfo::delegate(T::MaxVotes::get()))]
        pub fn delegate(
            origin: OriginFor<T>,
            class: ClassOf<T>,
            to: AccountIdLookupOf<T>,
            conviction: Conviction,
            balance: Balance,
        ) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let to = T::Lookup::lookup(to)?;
            let votes = Self::do_delegate(who, class, to, conviction, balance)?;
            Ok(Some(T::WeightInfo::delegate(votes)).into())
        }

        /// Ends a delegation. By conviction the tokens stay frozen for a while.
        #[pallet::call_index(2)]
        #[pallet::weight(T::WeightInfo::undelegate(T::MaxVotes::get()))]
        pub fn undelegate(origin: OriginFor<T>, class: ClassOf<T>) -> DispatchResultWithPostInfo {
            let who = ensure_signed(origin)?;
            let votes = Self::end_delegation(&who, &class)?;
            Ok(Some(T::WeightInfo::undelegate(votes)).into())
        }

        /// Frees what the votes of `target` in a class need frozen no more. Anybody may call it.
        #[pallet::call_index(3)]
        #[pallet::weight(T::WeightInfo::unlock())]
        pub fn unlock(
            origin: OriginFor<T>,
            class: ClassOf<T>,
            target: AccountIdLookupOf<T>,
        ) -> DispatchResult {
            ensure_signed(origin)?;
            Self::do_unlock(class, T::Lookup::lookup(target)?)
        }

        /// Removes a vote; `class` is needed where the poll is over. Where the vote won, its conviction keeps the tokens frozen
        /// for so many periods after the poll's end.
        #[pallet::call_index(4)]
        #[pallet::weight(T::WeightInfo::remove_vote())]
        pub fn remove_vote(
            origin: OriginFor<T>,
            class: Option<ClassOf<T>>,
            index: PollIndex,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_remove_vote(&who, index, class, UnvoteScope::Any)
        }

        /// Removes the vote of another account from a poll that is over and keeps nothing of it frozen.
        #[pallet::call_index(5)]
        #[pallet::weight(T::WeightInfo::remove_other_vote())]
        pub fn remove_other_vote(
            origin: OriginFor<T>,
            target: AccountIdLookupOf<T>,
            class: ClassOf<T>,
            index: PollIndex,
        ) -> DispatchResult {
            let who = ensure_signed(origin)?;
            let target = T::Lookup::lookup(target)?;
            let scope = if target == who {
                UnvoteScope::Any
            } else {
                UnvoteScope::OnlyExpired
            };
            Self::do_remove_vote(&target, index, Some(class), scope)
        }

        /// Lowers the weight of a vote, and of what was delegated to it, to what the accounts still have. Anybody may call it;
        /// free of charge where it lowers something.
        #[pallet::call_index(6)]
        #[pallet::weight(T::WeightInfo::poke(MAX_DELEGATORS))]
        pub fn poke(
            origin: OriginFor<T>,
            target: AccountIdLookupOf<T>,
            #[pallet::compact] poll_index: PollIndex,
        ) -> DispatchResultWithPostInfo {
            ensure_signed(origin)?;
            let target = T::Lookup::lookup(target)?;
            let delegators = Self::do_poke(&target, poll_index)?;
            Ok((Some(T::WeightInfo::poke(delegators)), Pays::No).into())
        }
    }
}
