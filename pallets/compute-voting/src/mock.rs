// SPDX-License-Identifier: GPL-3.0-or-later
//! A runtime with this pallet and balances; polls and credits are maps in storage, so that a failed call takes back what it wrote.

use crate as pallet_compute_voting;
use crate::{AppliedVotes, PollIndex, TallyOf};
use codec::{Decode, Encode};
use dream_primitives::credits::{as_of, kept, remember, CreditHistory, Credits};
use dream_primitives::registry::{CreditSnapshots, PollSubmission, SetAside};
use dream_primitives::{Balance, DREAM};
use polkadot_sdk::frame_support::traits::{ConstU128, ConstU32, PollStatus, Polling, VoteTally};
use polkadot_sdk::frame_support::{self, derive_impl, parameter_types, Blake2_128Concat};
use polkadot_sdk::pallet_conviction_voting::{AccountVote, Conviction, Vote};
use polkadot_sdk::sp_io::TestExternalities;
use polkadot_sdk::sp_runtime::{BuildStorage, DispatchError};
use polkadot_sdk::{frame_system, pallet_balances, pallet_conviction_voting};

pub type AccountId = u64;
pub type Class = u8;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeHoldReason,
        RuntimeFreezeReason,
        RuntimeTask
    )]
    pub struct Test;

    #[runtime::pallet_index(0)]
    pub type System = frame_system::Pallet<Test>;
    #[runtime::pallet_index(1)]
    pub type Balances = pallet_balances::Pallet<Test>;
    #[runtime::pallet_index(2)]
    pub type ConvictionVoting = pallet_compute_voting::Pallet<Test>;
    #[runtime::pallet_index(3)]
    pub type Stock = pallet_conviction_voting::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlockU32<Test>;
    type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
    type Balance = Balance;
    type ExistentialDeposit = ConstU128<1>;
    type RuntimeHoldReason = Held;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type FreezeIdentifier = RuntimeFreezeReason;
    type MaxFreezes = ConstU32<1>;
}

/// Why tokens are held in the tests.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Ord,
    PartialOrd,
    Debug,
    Encode,
    Decode,
    codec::DecodeWithMemTracking,
    codec::MaxEncodedLen,
    scale_info::TypeInfo,
)]
pub enum Held {
    Bond,
    Escrow,
}

impl frame_support::traits::VariantCount for Held {
    const VARIANT_COUNT: u32 = 2;
}

parameter_types! {
    pub Issuance: Balance = Balances::total_issuance();
}

/// Blocks of a conviction of one.
pub const PERIOD: u32 = 50;
pub const MAX_VOTES: u32 = 8;

impl pallet_compute_voting::Config for Test {
    type Currency = Balances;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type Polls = Polls;
    type Submissions = Polls;
    type Credits = Ledger;
    type SetAside = Polls;
    type MaxTurnout = Issuance;
    type MaxVotes = ConstU32<MAX_VOTES>;
    type VoteLockingPeriod = ConstU32<PERIOD>;
    type WeightInfo = ();
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = Ledger;
}

/// The pallet whose shapes wallets know, to compare with.
#[allow(deprecated)]
impl pallet_conviction_voting::Config for Test {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type Currency = Balances;
    type Polls = Polls;
    type MaxTurnout = Issuance;
    type MaxVotes = ConstU32<MAX_VOTES>;
    type VoteLockingPeriod = ConstU32<PERIOD>;
    type BlockNumberProvider = System;
    type VotingHooks = ();
}

/// A poll of the mock.
#[derive(Clone, Encode, Decode)]
pub enum Poll {
    /// Under way: tally, class, block of submission.
    Ongoing(TallyOf<Test>, Class, u32),
    /// Over since a block; whether it was approved.
    Completed(u32, bool),
}

#[frame_support::storage_alias]
type Referenda = StorageMap<Mock, Blake2_128Concat, PollIndex, Poll>;
#[frame_support::storage_alias]
type Current = StorageMap<Mock, Blake2_128Concat, AccountId, Credits>;
#[frame_support::storage_alias]
type History = StorageMap<Mock, Blake2_128Concat, AccountId, CreditHistory>;

pub struct Polls;

impl Polling<TallyOf<Test>> for Polls {
    type Index = PollIndex;
    type Votes = Balance;
    type Class = Class;
    type Moment = u32;

    fn classes() -> Vec<Class> {
        vec![0, 1, 2]
    }

    fn as_ongoing(index: PollIndex) -> Option<(TallyOf<Test>, Class)> {
        match Referenda::get(index)? {
            Poll::Ongoing(tally, class, _) => Some((tally, class)),
            Poll::Completed(..) => None,
        }
    }

    fn access_poll<R>(
        index: PollIndex,
        f: impl FnOnce(PollStatus<&mut TallyOf<Test>, u32, Class>) -> R,
    ) -> R {
        Self::try_access_poll(index, |status| Ok(f(status))).unwrap()
    }

    fn try_access_poll<R>(
        index: PollIndex,
        f: impl FnOnce(PollStatus<&mut TallyOf<Test>, u32, Class>) -> Result<R, DispatchError>,
    ) -> Result<R, DispatchError> {
        match Referenda::get(index) {
            Some(Poll::Ongoing(mut tally, class, submitted)) => {
                let result = f(PollStatus::Ongoing(&mut tally, class))?;
                Referenda::insert(index, Poll::Ongoing(tally, class, submitted));
                Ok(result)
            }
            Some(Poll::Completed(end, approved)) => f(PollStatus::Completed(end, approved)),
            None => f(PollStatus::None),
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn create_ongoing(class: Class) -> Result<PollIndex, ()> {
        let index = Referenda::iter_keys().max().map_or(0, |last| last + 1);
        submit(index, class);
        Ok(index)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn end_ongoing(index: PollIndex, approved: bool) -> Result<(), ()> {
        Self::as_ongoing(index).ok_or(())?;
        end(index, approved);
        Ok(())
    }
}

impl PollSubmission for Polls {
    fn submitted(poll: PollIndex) -> Option<u32> {
        match Referenda::get(poll)? {
            Poll::Ongoing(_, _, submitted) => Some(submitted),
            Poll::Completed(..) => None,
        }
    }
}

impl SetAside<AccountId> for Polls {
    fn set_aside(who: &AccountId) -> Balance {
        use frame_support::traits::fungible::InspectHold;
        Balances::balance_on_hold(&Held::Escrow, who)
    }
    fn may_set_aside(_: &AccountId, _: Balance) -> bool {
        true
    }
}

/// Blocks of a credit epoch.
pub const EPOCH: u32 = 100;
/// Stands for all accounts together.
const ALL: AccountId = AccountId::MAX;

/// Credits, kept by the rules of dream-primitives as the useful-work pallet keeps them.
pub struct Ledger;

fn epoch_now() -> u32 {
    System::block_number() / EPOCH
}

impl Ledger {
    fn change(who: AccountId, change: impl FnOnce(&mut Credits)) {
        let mut credits = Current::get(who).unwrap_or_default();
        let mut history = History::get(who).unwrap_or_default();
        remember(&mut history, credits, epoch_now());
        change(&mut credits);
        Current::insert(who, credits);
        History::insert(who, history);
    }

    pub fn grant(who: AccountId, units: u128) {
        let now = epoch_now();
        Self::change(who, |c| c.add(units, now));
        Self::change(ALL, |c| c.move_up(units, 0, now));
    }

    pub fn revoke(who: AccountId) {
        let now = epoch_now();
        let had = Current::take(who).unwrap_or_default().at(now);
        History::remove(who);
        Self::change(ALL, |c| c.move_up(0, had, now));
    }

    fn read(who: AccountId, epoch: u32) -> Credits {
        let history = History::get(who).unwrap_or_default();
        as_of(&history, Current::get(who).unwrap_or_default(), epoch)
    }
}

impl CreditSnapshots<AccountId> for Ledger {
    fn epoch(block: u32) -> u32 {
        block / EPOCH
    }
    fn total(epoch: u32) -> Option<u128> {
        kept(epoch, epoch_now()).then(|| Self::read(ALL, epoch).at_up(epoch))
    }
    fn credits(account: &AccountId, epoch: u32) -> u128 {
        Self::read(*account, epoch).at(epoch)
    }
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper<AccountId> for Ledger {
    fn give_credits(account: &AccountId, units: u128) {
        Self::grant(*account, units);
    }
    fn next_epoch() {
        System::set_block_number(System::block_number() + EPOCH);
    }
}

/// Each has 1000 DREAM; of the 10,000 credits ANNA has 1000, BERT 4000, CARA 250, the rest is MINER's.
pub const ANNA: AccountId = 1;
pub const BERT: AccountId = 2;
pub const CARA: AccountId = 3;
/// Has 100,000 DREAM and no credits.
pub const WHALE: AccountId = 4;
/// Has credits and no tokens.
pub const MINER: AccountId = 5;
/// Block in which the polls 0 (class 0), 1 (class 0) and 2 (class 1) are submitted.
pub const START: u32 = 3 * EPOCH;

pub fn externalities() -> TestExternalities {
    let config = RuntimeGenesisConfig {
        balances: pallet_balances::GenesisConfig {
            balances: vec![
                (ANNA, 1_000 * DREAM),
                (BERT, 1_000 * DREAM),
                (CARA, 1_000 * DREAM),
                (WHALE, 100_000 * DREAM),
                (9, 897_000 * DREAM),
            ],
            ..Default::default()
        },
        ..Default::default()
    };
    config.build_storage().unwrap().into()
}

/// A million DREAM, ten thousand credits, three polls.
pub fn build_and_execute(test: impl FnOnce()) {
    externalities().execute_with(|| {
        System::set_block_number(START - EPOCH);
        for (who, units) in [(ANNA, 1_000), (BERT, 4_000), (CARA, 250), (MINER, 4_750)] {
            Ledger::grant(who, units);
        }
        System::set_block_number(START);
        for (poll, class) in [(0, 0), (1, 0), (2, 1)] {
            submit(poll, class);
        }
        test();
        ConvictionVoting::do_try_state().unwrap();
    });
}

/// As at a block, with the credits of the epoch before.
pub fn submit(poll: PollIndex, class: Class) {
    let tally = TallyOf::<Test>::new(class);
    let now = System::block_number();
    Referenda::insert(poll, Poll::Ongoing(tally, class, now));
}

pub fn end(poll: PollIndex, approved: bool) {
    Referenda::insert(poll, Poll::Completed(System::block_number(), approved));
}

pub fn cancel(poll: PollIndex) {
    Referenda::remove(poll);
}

/// Ayes, nays, support.
pub fn tally(poll: PollIndex) -> (Balance, Balance, Balance) {
    let (tally, _) = Polls::as_ongoing(poll).unwrap();
    (tally.ayes, tally.nays, tally.support)
}

pub fn aye(conviction: Conviction, balance: Balance) -> AccountVote<Balance> {
    let vote = Vote {
        aye: true,
        conviction,
    };
    AccountVote::Standard { vote, balance }
}

pub fn nay(conviction: Conviction, balance: Balance) -> AccountVote<Balance> {
    let vote = Vote {
        aye: false,
        conviction,
    };
    AccountVote::Standard { vote, balance }
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(who)
}

pub fn frozen(who: AccountId) -> Balance {
    use polkadot_sdk::frame_support::traits::fungible::InspectFreeze;
    Balances::balance_frozen(&crate::FreezeReason::Vote.into(), &who)
}

/// Own weight of a vote, before conviction.
pub fn weight(who: AccountId, poll: PollIndex) -> Balance {
    AppliedVotes::<Test>::get(poll, who).unwrap().own.weight
}
