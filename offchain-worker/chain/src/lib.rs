// SPDX-License-Identifier: GPL-3.0-or-later
//! The chain as the worker sees it.
//!
//! Roles are written against one object-safe trait, [`Chain`]: typed reads at finalised blocks, and [`Chain::submit`],
//! which signs a [`Call`], waits for its finality and then for its success. All types are those of `dream-primitives`,
//! with [`AccountId`] as the account.
#![forbid(unsafe_code)]

mod account;
mod api;
mod call;
mod data;
mod error;
mod governance;
mod key;
pub mod mock;
mod node;
mod private;
mod types;

pub use account::{AccountError, AccountId, SS58_PREFIX};
pub use api::Chain;
pub use call::{Call, Openings, StartStates, Ticket};
pub use data::{DataChain, SampleDemands};
pub use dream_primitives::bond::Bond;
pub use dream_primitives::profile::ProfileRecord;
pub use error::{ChainError, SubmitError};
pub use governance::{
    AccountVote, Deciding, Delegations, Delegator, Deposit, Enactment, GovernanceCall,
    GovernanceChain, GovernanceItem, Ongoing, Proposal, ProposalOrigin, Referendum, SystemOrigin,
    Tally, TrackOrigin, Vote, Voting,
};
pub use key::{Key, KeyError};
pub use node::{NodeClient, Options};
pub use private::{
    AuditorSeat, CommitteeCandidate, KeyEpoch, PrivateCall, PrivateChain, PrivateDispute,
    PrivateItem, PrivateJob, PrivateRound,
};
pub use types::{
    AccountBalance, At, BlockRef, Branch, ClaimRecord, DatasetRecord, Demand, Dispute, Entry,
    Escrow, Event, EventField, Item, Model, OpenAudit, OpenTrial, Receipt, Round, ScoreSeat, Seat,
    Shard, Trial, Valuation,
};
