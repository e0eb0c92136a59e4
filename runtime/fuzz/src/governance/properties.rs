// SPDX-License-Identifier: GPL-3.0-or-later
//! What must hold of votes whatever was called. Each property is tried on the state and undone.

use super::ongoing;
use crate::chain;
use crate::world::ACTORS;
use dream_runtime::tracks::{hours, Tracks, LOCKING_HOURS};
use dream_runtime::{Balances, ConvictionVoting, Referenda, Runtime, RuntimeCall, System};
use frame_support::storage::{with_transaction, TransactionOutcome};
use frame_support::traits::fungible::InspectFreeze;
use frame_support::traits::{Polling, UnfilteredDispatchable};
use pallet_compute_voting::{
    AppliedVotes, Call, ClassLocksFor, Delegators, FreezeReason, VotingFor,
};
use pallet_conviction_voting::{Conviction, Voting};
use pallet_referenda::TracksInfo;
use polkadot_sdk::*;
use sp_runtime::DispatchError;

/// Tries all properties.
pub fn check() {
    undone(weights_are_at_most_the_issuance);
    undone(no_more_is_frozen_than_votes_need);
    undone(everybody_can_leave);
}

fn undone(property: fn()) {
    let tried = with_transaction::<_, DispatchError, _>(|| {
        property();
        TransactionOutcome::Rollback(Ok(()))
    });
    assert_eq!(tried, Ok(()), "a transaction was refused");
}

fn dispatch(call: Call<Runtime>, who: &crate::world::Actor) -> Result<(), DispatchError> {
    let result = RuntimeCall::from(call).dispatch_bypass_filter(who.origin());
    result.map(|_| ()).map_err(|e| e.error)
}

/// What is voted with that nobody has any more counts until it is poked; once it is, all weights together are at most the
/// issuance of now or of one of the votes.
fn weights_are_at_most_the_issuance() {
    for poll_index in ongoing() {
        for actor in ACTORS {
            let target = actor.account().into();
            let _ = dispatch(Call::poke { target, poll_index }, &actor);
        }
        if ConvictionVoting::weight_view(&ACTORS.map(|a| a.account())[0], poll_index).is_none() {
            // Older than the credits that are kept: it takes neither votes nor pokes.
            continue;
        }
        let (mut sum, mut most) = (0u128, Balances::total_issuance());
        for applied in AppliedVotes::<Runtime>::iter_prefix_values(poll_index) {
            for term in std::iter::once(applied.own).chain(applied.delegated.iter().map(|d| d.term))
            {
                sum = sum.saturating_add(term.weight);
                most = most.max(term.issuance);
            }
        }
        assert!(
            sum <= most,
            "poll {poll_index}: {sum} of weight, of {most} issued"
        );
    }
}

fn frozen(actor: &crate::world::Actor) -> u128 {
    Balances::balance_frozen(&FreezeReason::Vote.into(), &actor.account())
}

fn unlock_all() {
    for actor in ACTORS {
        for class in Tracks::track_ids() {
            let target = actor.account().into();
            let _ = dispatch(Call::unlock { class, target }, &actor);
        }
    }
}

fn no_more_is_frozen_than_votes_need() {
    unlock_all();
    for actor in ACTORS {
        let needs = VotingFor::<Runtime>::iter_prefix_values(actor.account());
        let most = needs.map(|voting| voting.locked_balance()).max();
        assert_eq!(
            frozen(&actor),
            most.unwrap_or(0),
            "frozen is something else than what votes need"
        );
    }
}

/// Whoever delegates or votes can end that at any time, and then nothing is left of it; in the end nothing stays frozen.
fn everybody_can_leave() {
    for actor in ACTORS {
        for (class, voting) in
            VotingFor::<Runtime>::iter_prefix(actor.account()).collect::<Vec<_>>()
        {
            match voting {
                Voting::Delegating(_) => {
                    assert_eq!(dispatch(Call::undelegate { class }, &actor), Ok(()));
                }
                Voting::Casting(casting) => {
                    for (index, _) in casting.votes {
                        let class = Some(class);
                        let remove = Call::remove_vote { class, index };
                        assert_eq!(dispatch(remove, &actor), Ok(()));
                    }
                }
            }
        }
    }
    chain::check();
    assert_eq!(AppliedVotes::<Runtime>::iter().count(), 0);
    assert_eq!(Delegators::<Runtime>::iter().count(), 0);
    for poll in ongoing() {
        let tally = Referenda::as_ongoing(poll).map(|(t, _)| (t.ayes, t.nays, t.support));
        assert_eq!(tally, Some((0, 0, 0)), "poll {poll} has votes of nobody");
    }
    let longest = Conviction::Locked6x.lock_periods();
    let later = hours(LOCKING_HOURS).saturating_mul(longest.saturating_mul(2));
    System::set_block_number(System::block_number().saturating_add(later));
    unlock_all();
    for actor in ACTORS {
        assert_eq!(frozen(&actor), 0, "something stays frozen for good");
        assert!(!ClassLocksFor::<Runtime>::contains_key(actor.account()));
    }
}
