// SPDX-License-Identifier: GPL-3.0-or-later
//! The weight of a vote.
//!
//! `sqrt(tokens * credits * issuance / credits of all)`, in token units, rounded down. Neither tokens without credits nor credits
//! without tokens weigh anything; whoever holds the same share of both weighs its tokens; splitting an account in proportion
//! changes nothing but the rounding; and by Cauchy-Schwarz the weights of all accounts together are at most the issuance.

use crate::math::{isqrt, mul_div};
use crate::{Balance, BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use primitive_types::{U256, U512};
use scale_info::TypeInfo;

/// No referendum takes votes for longer, from its submission on: governance's periods are multiples of an hour
/// (`governance.hourBlocks`).
pub const MAX_POLL_HOURS: u32 = 720;

/// Most accounts that delegate to one account in a class of polls.
pub const MAX_DELEGATORS: u32 = 32;

/// Who takes the place of the lightest delegator in a full list weighs at least so many times as much.
pub const DISPLACEMENT: u128 = 2;

/// `floor(sqrt(tokens * credits * issuance / total))`; zero where nobody has credits. `credits` above `total` count as `total`.
pub fn vote_weight(tokens: Balance, credits: u128, issuance: Balance, total: u128) -> Balance {
    let product = U256::from(tokens).checked_mul(U256::from(credits.min(total)));
    let square = product
        .map(|product| product.full_mul(U256::from(issuance)))
        .and_then(|product: U512| product.checked_div(U512::from(total)));
    // At most tokens * issuance, so it fits 256 bits and its root 128.
    square
        .and_then(|square| U256::try_from(square).ok())
        .map_or(0, isqrt)
}

/// The part of a weight that `part` of `tokens` has, rounded down: how a split vote divides it.
pub fn weight_part(weight: Balance, part: Balance, tokens: Balance) -> Balance {
    mul_div(weight, part, tokens).unwrap_or(0)
}

/// A weight and what it was computed with, beside the credits.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VoteTerm {
    /// Tokens that counted: those of the vote, at most those that the account had.
    pub tokens: Balance,
    /// Issuance of the chain at that time.
    pub issuance: Balance,
    /// The weight, before conviction.
    pub weight: Balance,
}

/// What a delegator's weight added to a tally.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DelegatedVote<AccountId> {
    /// The delegator.
    pub account: AccountId,
    /// Its weight.
    pub term: VoteTerm,
    /// Conviction of the delegation: 0 to 6.
    pub conviction: u8,
}

/// What a vote added to its tally. A vote is taken out by taking this out, whatever has changed since.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AppliedVote<AccountId> {
    /// Credit epoch whose credits counted: that before the poll's submission. `None` for a poll of the first epoch, in which
    /// nobody weighs anything.
    pub epoch: Option<u32>,
    /// The voter's own weight, of all parts of a split vote together.
    pub own: VoteTerm,
    /// Those who delegate to the voter; empty for split votes.
    pub delegated: BoundedVec<DelegatedVote<AccountId>, ConstU32<MAX_DELEGATORS>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DREAM, SUPPLY_CAP};
    use proptest::prelude::*;

    #[test]
    fn weight_should_be_the_documented_one() {
        let w = |tokens, credits| vote_weight(tokens * DREAM, credits, 1_000_000 * DREAM, 1_000);
        // The same share of tokens and credits weighs the tokens.
        assert_eq!(w(10_000, 10), 10_000 * DREAM);
        // Four times the credits, twice the weight; four times the tokens, twice the weight.
        assert_eq!(w(10_000, 40), 20_000 * DREAM);
        assert_eq!(w(40_000, 10), 20_000 * DREAM);
        assert_eq!(w(1_000_000, 1_000), 1_000_000 * DREAM);
        assert_eq!((w(1_000_000, 0), w(0, 1_000)), (0, 0));
        assert_eq!(vote_weight(1, 1, 1, 0), 0);
        assert_eq!(
            vote_weight(u128::MAX, u128::MAX, u128::MAX, u128::MAX),
            u128::MAX
        );
        assert_eq!(
            vote_weight(u128::MAX, u128::MAX, 1, 1),
            u128::from(u64::MAX)
        );
    }

    /// Splits `whole` into the shares that `cuts` has.
    fn shares(whole: u128, cuts: &[u128]) -> Vec<u128> {
        let all: u128 = cuts.iter().sum();
        cuts.iter()
            .map(|c| mul_div(whole, *c, all.max(1)).unwrap())
            .collect()
    }

    proptest! {
        #[test]
        fn weight_should_be_the_floor_of_the_root(tokens in 0..SUPPLY_CAP, credits: u128, issuance in 1..SUPPLY_CAP, more: u64) {
            let total = credits.saturating_add(more.into());
            let weight = U512::from(vote_weight(tokens, credits, issuance, total));
            if total > 0 {
                let square = (U256::from(tokens) * U256::from(credits)).full_mul(U256::from(issuance)) / U512::from(total);
                prop_assert!(weight * weight <= square);
                prop_assert!((weight + 1) * (weight + 1) > square);
            }
        }

        #[test]
        fn weights_together_should_never_pass_the_issuance(
            tokens in proptest::collection::vec(0u128..1 << 60, 1..40),
            credits in proptest::collection::vec(0u128..1 << 80, 1..40),
            rest in 0u128..1 << 62,
        ) {
            let issuance = tokens.iter().sum::<u128>() + rest;
            let total = credits.iter().sum::<u128>();
            let sum: u128 = tokens.iter().zip(&credits).map(|(t, c)| vote_weight(*t, *c, issuance, total)).sum();
            prop_assert!(sum <= issuance);
        }

        #[test]
        fn splitting_an_account_in_proportion_should_change_nothing_but_the_rounding(
            tokens in 1u128 << 30..1 << 70, credits in 1u128 << 30..1 << 70,
            cuts in proptest::collection::vec(1u128..1 << 20, 1..20),
        ) {
            let (issuance, total) = (SUPPLY_CAP.max(tokens), credits * 3);
            let whole = vote_weight(tokens, credits, issuance, total);
            let parts = shares(tokens, &cuts).into_iter().zip(shares(credits, &cuts));
            let sum: u128 = parts.map(|(t, c)| vote_weight(t, c, issuance, total)).sum();
            prop_assert!(sum <= whole);
            // A part may lose a token unit and a credit to the rounding of the split, and a unit of weight.
            let unit = vote_weight(tokens, 1, issuance, total) + vote_weight(1, credits, issuance, total) + 1;
            prop_assert!(whole - sum <= 2 * unit * cuts.len() as u128, "{} of {}", whole - sum, whole);
        }

        #[test]
        fn splitting_out_of_proportion_should_never_gain(
            a in (0u128..1 << 70, 0u128..1 << 70), b in (0u128..1 << 70, 0u128..1 << 70),
        ) {
            let total = a.1 + b.1 + 1;
            let w = |t, c| vote_weight(t, c, SUPPLY_CAP, total);
            prop_assert!(w(a.0, a.1) + w(b.0, b.1) <= w(a.0 + b.0, a.1 + b.1));
        }

        #[test]
        fn parts_should_never_pass_the_weight(weight: u128, parts in proptest::collection::vec(0u128..1 << 90, 3)) {
            let tokens = parts.iter().sum();
            let sum = parts.iter().try_fold(0u128, |n, p| n.checked_add(weight_part(weight, *p, tokens)));
            prop_assert!(sum.is_some_and(|n| n <= weight));
        }
    }
}
