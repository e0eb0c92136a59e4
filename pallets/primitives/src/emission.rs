// SPDX-License-Identifier: GPL-3.0-or-later
//! Emission and its split.

use crate::math::mul_div;
use crate::params::RewardParameters;
use crate::{Balance, BlockNumber};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// One million: shares are parts of it.
pub const PARTS: u32 = 1_000_000;

/// Emission a block at height `block`: it halves every half-life. A half-life of zero emits nothing.
pub fn per_block(rewards: &RewardParameters, block: BlockNumber) -> Balance {
    match block.checked_div(rewards.emission_half_life) {
        Some(halvings) => rewards
            .emission_per_block
            .checked_shr(halvings)
            .unwrap_or(0),
        None => 0,
    }
}

/// Emission of the blocks `(from, to]`, at the rate of block `to` (the lower one).
pub fn between(rewards: &RewardParameters, from: BlockNumber, to: BlockNumber) -> Balance {
    per_block(rewards, to).saturating_mul(Balance::from(to.saturating_sub(from)))
}

/// What a round pays.
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
pub struct RoundPay {
    /// To miners, by units.
    pub miners: Balance,
    /// To verifiers whose reports settled the claims.
    pub verifiers: Balance,
    /// To block producers.
    pub producers: Balance,
    /// To the treasury.
    pub treasury: Balance,
}

impl RoundPay {
    /// All of it.
    pub fn total(&self) -> Balance {
        [self.miners, self.verifiers, self.producers, self.treasury]
            .iter()
            .fold(0, |n, part| n.saturating_add(*part))
    }
}

/// The pay of a round with `units` verified work units out of at most `emission`: at most `max_unit_price` a unit, the
/// remainder is not minted. Shares are rounded down; what rounding leaves goes to the miners.
pub fn round_pay(rewards: &RewardParameters, emission: Balance, units: u128) -> RoundPay {
    let total = emission.min(units.saturating_mul(rewards.max_unit_price));
    let share = |parts: u32| mul_div(total, u128::from(parts), u128::from(PARTS)).unwrap_or(0);
    let (verifiers, producers, treasury) = (
        share(rewards.verifier_share),
        share(rewards.producer_share),
        share(rewards.treasury_share),
    );
    let miners = total
        .saturating_sub(verifiers)
        .saturating_sub(producers)
        .saturating_sub(treasury);
    RoundPay {
        miners,
        verifiers,
        producers,
        treasury,
    }
}

/// Splits `amount` in proportion to `weights`, rounded down; the rest is not paid. Zero weights get zero.
pub fn split(amount: Balance, weights: &[u128]) -> Vec<Balance> {
    let total = weights.iter().fold(0u128, |n, w| n.saturating_add(*w));
    weights
        .iter()
        .map(|w| mul_div(amount, *w, total).unwrap_or(0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rewards() -> RewardParameters {
        crate::params::ChainParameters::development().rewards
    }

    proptest! {
        #[test]
        fn round_pay_should_conserve_and_respect_the_unit_price(emission in 0u128..1 << 70, units in 0u128..1 << 50) {
            let r = rewards();
            let pay = round_pay(&r, emission, units);
            let total = pay.miners + pay.verifiers + pay.producers + pay.treasury;
            prop_assert_eq!(total, emission.min(units * r.max_unit_price));
        }

        #[test]
        fn split_should_never_pay_more_than_there_is(amount in 0u128..1 << 80, weights in prop::collection::vec(0u128..1 << 60, 0..20)) {
            let parts = split(amount, &weights);
            let sum: u128 = parts.iter().sum();
            prop_assert!(sum <= amount);
            if weights.iter().any(|w| *w > 0) { prop_assert!(amount - sum < weights.len() as u128); }
        }
    }

    #[test]
    fn emission_should_halve_and_end() {
        let mut r = rewards();
        r.emission_half_life = 10;
        r.emission_per_block = 1000;
        assert_eq!(
            (per_block(&r, 9), per_block(&r, 10), per_block(&r, 25)),
            (1000, 500, 250)
        );
        assert_eq!(per_block(&r, u32::MAX), 0);
        assert_eq!(between(&r, 5, 15), 5000);
        let total: u128 = (0..400).map(|b| per_block(&r, b)).sum();
        assert!(total <= 2 * 1000 * 10);
    }
}
