// SPDX-License-Identifier: GPL-3.0-or-later
//! What the calls weigh: a runtime measures it (scripts/weights.sh).

use polkadot_sdk::frame_support::weights::Weight;

/// Weights of the calls. A list of votes is at `MaxVotes` where nothing else is said.
pub trait WeightInfo {
    /// `vote` that changes a vote to which so many accounts delegate.
    fn vote(delegators: u32) -> Weight;
    /// `delegate` to an account with so many votes and a full list of delegators, one of which is displaced.
    fn delegate(votes: u32) -> Weight;
    /// `undelegate` from an account with so many votes and a full list of delegators.
    fn undelegate(votes: u32) -> Weight;
    /// `unlock`.
    fn unlock() -> Weight;
    /// `remove_vote` from a poll that is under way, with a full list of delegators.
    fn remove_vote() -> Weight;
    /// `remove_other_vote` from a poll that is over.
    fn remove_other_vote() -> Weight;
    /// `poke` of a vote to which so many accounts delegate.
    fn poke(delegators: u32) -> Weight;
}

/// No weight, for tests.
impl WeightInfo for () {
    fn vote(_: u32) -> Weight {
        Weight::zero()
    }
    fn delegate(_: u32) -> Weight {
        Weight::zero()
    }
    fn undelegate(_: u32) -> Weight {
        Weight::zero()
    }
    fn unlock() -> Weight {
        Weight::zero()
    }
    fn remove_vote() -> Weight {
        Weight::zero()
    }
    fn remove_other_vote() -> Weight {
        Weight::zero()
    }
    fn poke(_: u32) -> Weight {
        Weight::zero()
    }
}
