// SPDX-License-Identifier: GPL-3.0-or-later
//! Benchmarks of the calls: lists of votes and of delegators are full where no component says otherwise.

use crate::*;
use alloc::vec::Vec;
use dream_primitives::credits::RING;
use dream_primitives::{Balance, DREAM};
use polkadot_sdk::frame_benchmarking::v2::*;
use polkadot_sdk::frame_benchmarking::{self, whitelist_account};
use polkadot_sdk::frame_support::traits::fungible::Mutate;
use polkadot_sdk::frame_support::traits::tokens::{Fortitude, Precision, Preservation};
use polkadot_sdk::frame_support::traits::{Get, Polling};
use polkadot_sdk::frame_system::{self, RawOrigin};
use polkadot_sdk::pallet_conviction_voting::{AccountVote, Conviction, Vote};
use polkadot_sdk::sp_runtime::traits::Saturating;
use polkadot_sdk::sp_runtime::traits::StaticLookup;

/// Gives credits in benchmarks.
pub trait BenchmarkHelper<AccountId> {
    /// Grants credits now.
    fn give_credits(account: &AccountId, units: u128);
    /// Goes on to the next credit epoch.
    fn next_epoch();
}

const TOKENS: Balance = 1_000 * DREAM;
const UNITS: u128 = 1 << 60;

type AccountOf<T> = <T as polkadot_sdk::frame_system::Config>::AccountId;

fn choice(aye: bool) -> AccountVote<Balance> {
    AccountVote::Standard {
        vote: Vote {
            aye,
            conviction: Conviction::Locked6x,
        },
        balance: TOKENS,
    }
}

fn address<T: Config>(who: &AccountOf<T>) -> AccountIdLookupOf<T> {
    T::Lookup::unlookup(who.clone())
}

/// Accounts with tokens, and with credits that changed in every epoch that is kept.
fn accounts<T: Config>(count: u32) -> Vec<AccountOf<T>>
where
    T::Currency: Mutate<AccountOf<T>>,
{
    let all: Vec<AccountOf<T>> = (0..count).map(|i| account("voter", i, 0)).collect();
    for _ in 0..=RING {
        for who in &all {
            T::BenchmarkHelper::give_credits(who, UNITS);
        }
        T::BenchmarkHelper::next_epoch();
    }
    for who in &all {
        T::Currency::set_balance(who, TOKENS);
    }
    all
}

fn class<T: Config>() -> ClassOf<T> {
    T::Polls::max_ongoing().0
}

/// So many polls. `max_ongoing` counts those that are decided at once; an account may vote on others of the class too.
fn polls<T: Config>(count: u32) -> Result<Vec<PollIndex>, BenchmarkError> {
    let new = (0..count).map(|_| T::Polls::create_ongoing(class::<T>()));
    let all: Result<Vec<PollIndex>, ()> = new.collect();
    all.map_err(|()| BenchmarkError::Stop("a poll cannot be created"))
}

fn delegate_to<T: Config>(
    target: &AccountOf<T>,
    delegators: &[AccountOf<T>],
) -> Result<(), BenchmarkError> {
    for who in delegators {
        Pallet::<T>::do_delegate(
            who.clone(),
            class::<T>(),
            target.clone(),
            Conviction::Locked6x,
            TOKENS,
        )?;
    }
    Ok(())
}

/// A voter with votes on so many polls and so many delegators; the voter comes first, the last account does nothing yet.
fn put<T: Config>(
    votes: u32,
    delegators: u32,
) -> Result<(Vec<AccountOf<T>>, Vec<PollIndex>), BenchmarkError>
where
    T::Currency: Mutate<AccountOf<T>>,
{
    let all = accounts::<T>(delegators.saturating_add(2));
    let polls = polls::<T>(votes)?;
    let voter = voter::<T>(&all)?;
    let delegators = all.iter().skip(1).take(all.len().saturating_sub(2));
    delegate_to::<T>(&voter, &delegators.cloned().collect::<Vec<_>>())?;
    for poll in &polls {
        Pallet::<T>::do_vote(&voter, *poll, choice(true))?;
    }
    // A block passes: what is measured moves the alarm of a referendum out of the scheduler's agenda of the last block.
    let now = frame_system::Pallet::<T>::block_number();
    frame_system::Pallet::<T>::set_block_number(now.saturating_add(1u32.into()));
    Ok((all, polls))
}

fn voter<T: Config>(all: &[AccountOf<T>]) -> Result<AccountOf<T>, BenchmarkError> {
    let first = all.first().cloned();
    first.ok_or(BenchmarkError::Stop("there is no account"))
}

fn last<I: Clone>(all: &[I]) -> Result<I, BenchmarkError> {
    let last = all.last().cloned();
    last.ok_or(BenchmarkError::Stop("there is none"))
}

/// Takes half of the tokens away, as a slash does.
fn slash<T: Config>(who: &AccountOf<T>) -> Result<(), BenchmarkError>
where
    T::Currency: Mutate<AccountOf<T>>,
{
    let half = TOKENS >> 1;
    T::Currency::burn_from(
        who,
        half,
        Preservation::Preserve,
        Precision::BestEffort,
        Fortitude::Force,
    )?;
    Ok(())
}

#[benchmarks(where T::Currency: Mutate<T::AccountId>)]
mod benches {
    use super::*;

    #[benchmark]
    fn vote(d: Linear<0, MAX_DELEGATORS>) -> Result<(), BenchmarkError> {
        let (all, polls) = put::<T>(T::MaxVotes::get(), d)?;
        let (voter, poll) = (voter::<T>(&all)?, last(&polls)?);
        whitelist_account!(voter);

        #[extrinsic_call]
        _(RawOrigin::Signed(voter.clone()), poll, choice(false));

        let applied = AppliedVotes::<T>::get(poll, &voter);
        assert_eq!(applied.map(|a| a.delegated.len()), usize::try_from(d).ok());
        assert_eq!(
            T::Polls::as_ongoing(poll).map(|(tally, _)| tally.ayes),
            Some(0)
        );
        Ok(())
    }

    #[benchmark]
    fn delegate(v: Linear<1, { T::MaxVotes::get() }>) -> Result<(), BenchmarkError> {
        let (all, polls) = put::<T>(v, MAX_DELEGATORS)?;
        let (target, who) = (voter::<T>(&all)?, last(&all)?);
        // Heavy enough to displace the lightest; in the epoch that counts for that and in no poll's.
        T::BenchmarkHelper::give_credits(&who, UNITS << 8);
        T::BenchmarkHelper::next_epoch();
        whitelist_account!(who);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(who.clone()),
            class::<T>(),
            address::<T>(&target),
            Conviction::Locked6x,
            TOKENS,
        );

        let list = Delegators::<T>::get(&target, class::<T>());
        assert!(list.is_full() && list.iter().any(|d| d.account == who));
        let applied = AppliedVotes::<T>::get(last(&polls)?, &target);
        assert!(applied.is_some_and(|a| a.delegated.iter().any(|d| d.account == who)));
        Ok(())
    }

    #[benchmark]
    fn undelegate(v: Linear<1, { T::MaxVotes::get() }>) -> Result<(), BenchmarkError> {
        let (all, _) = put::<T>(v, MAX_DELEGATORS)?;
        let target = voter::<T>(&all)?;
        let who = all.get(1).cloned();
        let who = who.ok_or(BenchmarkError::Stop("there is no delegator"))?;
        whitelist_account!(who);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), class::<T>());

        assert!(!Delegators::<T>::get(&target, class::<T>()).is_full());
        Ok(())
    }

    #[benchmark]
    fn unlock() -> Result<(), BenchmarkError> {
        let (all, polls) = put::<T>(T::MaxVotes::get(), 0)?;
        let voter = voter::<T>(&all)?;
        for other in T::Polls::classes() {
            Pallet::<T>::extend_freeze(&voter, &other, 1)?;
        }
        for poll in &polls {
            let smaller = AccountVote::Split { aye: 1, nay: 1 };
            Pallet::<T>::do_vote(&voter, *poll, smaller)?;
        }
        whitelist_account!(voter);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(voter.clone()),
            class::<T>(),
            address::<T>(&voter),
        );

        let locks = ClassLocksFor::<T>::get(&voter);
        assert!(locks.iter().all(|lock| lock.1 <= 2));
        Ok(())
    }

    #[benchmark]
    fn remove_vote() -> Result<(), BenchmarkError> {
        let (all, polls) = put::<T>(T::MaxVotes::get(), MAX_DELEGATORS)?;
        let (voter, poll) = (voter::<T>(&all)?, last(&polls)?);
        whitelist_account!(voter);

        #[extrinsic_call]
        _(RawOrigin::Signed(voter.clone()), Some(class::<T>()), poll);

        assert!(!AppliedVotes::<T>::contains_key(poll, &voter));
        Ok(())
    }

    #[benchmark]
    fn remove_other_vote() -> Result<(), BenchmarkError> {
        let (all, polls) = put::<T>(T::MaxVotes::get(), MAX_DELEGATORS)?;
        let (voter, caller, poll) = (voter::<T>(&all)?, last(&all)?, last(&polls)?);
        // The vote lost.
        T::Polls::end_ongoing(poll, false)
            .map_err(|()| BenchmarkError::Stop("the poll cannot end"))?;

        #[extrinsic_call]
        _(
            RawOrigin::Signed(caller),
            address::<T>(&voter),
            class::<T>(),
            poll,
        );

        assert!(!AppliedVotes::<T>::contains_key(poll, &voter));
        Ok(())
    }

    #[benchmark]
    fn poke(d: Linear<0, MAX_DELEGATORS>) -> Result<(), BenchmarkError> {
        let (all, polls) = put::<T>(T::MaxVotes::get(), d)?;
        let (voter, caller, poll) = (voter::<T>(&all)?, last(&all)?, last(&polls)?);
        let before = T::Polls::as_ongoing(poll).map(|(tally, _)| tally.support);
        for who in &all {
            slash::<T>(who)?;
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), address::<T>(&voter), poll);

        let after = T::Polls::as_ongoing(poll).map(|(tally, _)| tally.support);
        assert!(after < before);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
