// SPDX-License-Identifier: GPL-3.0-or-later
//! Examples of applied votes, and of what is told of credits and weights.

use crate::codec_types::{bounded, AccountId, Dump};
use dream_primitives::views::{CreditsView, EpochCredits, WeightView};
use dream_primitives::voting::{AppliedVote, DelegatedVote, VoteTerm};

pub fn applied(d: &mut Dump) {
    let term = |tokens| VoteTerm {
        tokens,
        issuance: 1 << 70,
        weight: 5,
    };
    let delegated = DelegatedVote {
        account: [4; 32],
        term: term(7),
        conviction: 6,
    };
    d.add(&[AppliedVote {
        epoch: Some(3),
        own: term(9),
        delegated: bounded(core::slice::from_ref(&delegated)),
    }]);
    d.add(&[delegated]);
    d.add(&[term(8)]);
}

pub fn views(d: &mut Dump) {
    let past = EpochCredits {
        epoch: 4,
        credits: 5,
        total: 6,
    };
    d.add(&[past]);
    d.add(&[CreditsView {
        epoch: 5,
        now: 1 << 80,
        total_now: 1 << 81,
        history: vec![past],
    }]);
    d.add(&[WeightView::<AccountId> {
        epoch: Some(4),
        credits: 5,
        total: 6,
        issuance: 7,
        tokens: 8,
        weight: 9,
        applied: None,
    }]);
}
