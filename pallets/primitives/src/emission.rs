// SPDX-License-Identifier: GPL-3.0-or-later
//! Emission and its split.

use crate::math::mul_div;
use crate::params::RewardParameters;
use crate::{Balance, BlockNumber, SUPPLY_CAP};
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

/// Emission of a branch with `share` (in parts of [`PARTS`]) for the blocks `(from, to]`, when `issued` tokens exist or
/// are set aside already: at most what [`SUPPLY_CAP`] leaves.
pub fn due(
    rewards: &RewardParameters,
    from: BlockNumber,
    to: BlockNumber,
    share: u32,
    issued: Balance,
) -> Balance {
    let all = between(rewards, from, to);
    let due = mul_div(all, Balance::from(share), Balance::from(PARTS)).unwrap_or(0);
    due.min(SUPPLY_CAP.saturating_sub(issued))
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

/// The pay of a round that an escrow pays: `unit_price` a unit, at most `budget`, all of it to miners and verifiers.
pub fn escrow_pay(
    rewards: &RewardParameters,
    budget: Balance,
    unit_price: Balance,
    units: u128,
) -> RoundPay {
    let total = budget.min(units.saturating_mul(unit_price));
    let share = u128::from(rewards.verifier_share);
    let verifiers = mul_div(total, share, u128::from(PARTS)).unwrap_or(0);
    RoundPay {
        miners: total.saturating_sub(verifiers),
        verifiers,
        producers: 0,
        treasury: 0,
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
        fn escrow_pay_should_stay_within_the_budget_and_pay_workers_only(budget in 0u128..1 << 70, price in 0u128..1 << 40, units in 0u128..1 << 50) {
            let pay = escrow_pay(&rewards(), budget, price, units);
            prop_assert_eq!(pay.miners + pay.verifiers, budget.min(units * price));
            prop_assert_eq!((pay.producers, pay.treasury), (0, 0));
        }

        /// Rounds of several branches whose shares sum to one, at random times, each paying a random part of what was
        /// set aside for it; with supply from elsewhere (slashes down, genesis up) in between.
        #[test]
        fn issuance_should_never_pass_the_cap_and_equal_the_receipts(
            start in 0u128..SUPPLY_CAP,
            per_block in 1u128..1 << 70,
            half_life in 64u32..100_000,
            rounds in prop::collection::vec((1u32..50_000, 0usize..3, 0u128..1 << 70, 0u32..=1_000_000, 0u128..1 << 60), 1..60),
        ) {
            let mut r = rewards();
            r.emission_per_block = per_block;
            r.emission_half_life = half_life;
            let shares = [500_000, 300_000, 200_000];
            let (mut issued, mut pending, mut receipts, mut burned) = (start, 0u128, 0u128, 0u128);
            let (mut now, mut last) = (0u32, [0u32; 3]);
            for (blocks, branch, units, kept, burn) in rounds {
                now += blocks;
                let emission = due(&r, last[branch], now, shares[branch], issued + pending);
                last[branch] = now;
                let pay = round_pay(&r, emission, units);
                pending += pay.total();
                prop_assert!(issued + pending <= SUPPLY_CAP);
                let paid = mul_div(pay.total(), u128::from(kept), u128::from(PARTS)).unwrap();
                receipts += paid;
                issued += paid;
                pending -= pay.total();
                let burn = burn.min(issued);
                issued -= burn;
                burned += burn;
                prop_assert!(issued <= SUPPLY_CAP);
            }
            prop_assert_eq!(issued + burned, start + receipts);
            // Without burning, all that branches can ever get is twice the first half-life's emission.
            let series = 2 * per_block * u128::from(half_life);
            prop_assert!(receipts <= series);
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
