// SPDX-License-Identifier: GPL-3.0-or-later
//! Compute credits: verified work units that halve every half-life, computed when they are read.
//!
//! Time runs in steps of 1/64 of the half-life, so that reading often loses nothing but the rounding (down, below one
//! unit and 2^-62 of the amount a read).
//!
//! A step is also a **credit epoch**: votes weigh by the credits as of an epoch that is over. What an amount was at the end of
//! an epoch is kept only where a later epoch changed it, and at most [`RING`] epochs back ([`CreditHistory`]), so that an
//! account that nothing happens to costs nothing.

use crate::{BlockNumber, BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Steps in a half-life.
pub const STEPS: u32 = 64;

/// Credit epochs that a history answers for: those that are over, from the last one back.
pub const RING: u32 = 16;

/// What an amount was as last written in earlier epochs, ascending; the present amount is not in it.
pub type CreditHistory = BoundedVec<Credits, ConstU32<RING>>;

/// floor(2^63 * 2^(-i/64)).
const POWERS: [u64; 64] = [
    0x8000000000000000,
    0x7e9f06067a4360ba,
    0x7d41d96db915019d,
    0x7be86fb985689ddc,
    0x7a92be8a92436616,
    0x7940bb9e2cffd89c,
    0x77f25ccdee6d7ae5,
    0x76a7980f6cca15c2,
    0x75606373ee921c97,
    0x741cb5281e25ee34,
    0x72dc8373be41a454,
    0x719fc4b95f452d28,
    0x70666f76154a7088,
    0x6f307a412f074891,
    0x6dfddbcbed791baa,
    0x6cce8ae13c57ebda,
    0x6ba27e656b4eb57a,
    0x6a79ad55e7f6fd0f,
    0x69540ec8f895722d,
    0x683199ed779592ca,
    0x6712460a8fc24071,
    0x65f60a7f79393e2e,
    0x64dcdec3371793d1,
    0x63c6ba6455dcd8ae,
    0x62b39508aa836d6e,
    0x61a3666d124bb203,
    0x6096266533384a2b,
    0x5f8bccdb3d398841,
    0x5e8451cfac061b5f,
    0x5d7fad59099f22fd,
    0x5c7dd7a3b17dcf74,
    0x5b7ec8f19468bbc8,
    0x5a827999fcef3242,
    0x5988e20954889244,
    0x5891fac0e95612c7,
    0x579dbc56b48521ba,
    0x56ac1f752150a563,
    0x55bd1cdad49f699b,
    0x54d0ad5a753e077c,
    0x53e6c9da74b29ab4,
    0x52ff6b54d8a89c75,
    0x521a8ad704f3404f,
    0x513821818624b40c,
    0x50582887dcb8a7e1,
    0x4f7a993048d088d6,
    0x4e9f6cd3967fdba8,
    0x4dc69cdceaa72a9c,
    0x4cf022c9905bfd32,
    0x4c1bf828c6dc54b7,
    0x4b4a169b900c2d00,
    0x4a7a77d47f7b84b0,
    0x49ad159789f37495,
    0x48e1e9b9d588e19b,
    0x4818ee218a3358ee,
    0x47521cc5a2e6a9e0,
    0x468d6fadbf2dd4f2,
    0x45cae0f1f545eb73,
    0x450a6abaa4b77ecd,
    0x444c0740496d4293,
    0x438fb0cb4f468808,
    0x42d561b3e6243d8a,
    0x421d1461d66f2023,
    0x4166c34c5615d0eb,
    0x40b268f9de0183b9,
];

/// An account's credits as of a step.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Default,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Credits {
    /// Amount at `step`.
    pub amount: u128,
    /// Step at which the amount was true.
    pub step: u32,
}

/// Step that a block lies in. A half-life below [`STEPS`] blocks counts as [`STEPS`] blocks.
pub fn step_of(block: BlockNumber, half_life: BlockNumber) -> u32 {
    block.checked_div((half_life / STEPS).max(1)).unwrap_or(0)
}

/// `amount * 2^(-steps / 64)`, rounded down.
pub fn decay(amount: u128, steps: u32) -> u128 {
    let halved = amount.checked_shr(steps / STEPS).unwrap_or(0);
    let power = POWERS
        .get(crate::math::to_usize(steps % STEPS))
        .copied()
        .unwrap_or(0);
    crate::math::mul_div(halved, u128::from(power), 1 << 63).unwrap_or(0)
}

/// `amount * 2^(-steps / 64)`, rounded up: never below the exact value, so never below the sum of parts that [`decay`] rounds
/// down, however often each is read.
pub fn decay_up(amount: u128, steps: u32) -> u128 {
    let (halvings, odd) = (steps / STEPS, steps % STEPS);
    let lost = amount > 0 && amount.trailing_zeros() < halvings;
    let halved = amount
        .checked_shr(halvings)
        .unwrap_or(0)
        .saturating_add(u128::from(lost));
    let power = POWERS
        .get(crate::math::to_usize(odd))
        .map_or(0, |p| u128::from(*p).saturating_add(u128::from(odd > 0)));
    crate::math::mul_div_up(halved, power, 1 << 63).unwrap_or(0)
}

/// Keeps what an amount was before epoch `now` changes it, and drops what no question can need any more: all but the newest of
/// those that are older than [`RING`] epochs.
pub fn remember(history: &mut CreditHistory, before: Credits, now: u32) {
    if before.step >= now || (before.amount == 0 && history.is_empty()) {
        return;
    }
    let oldest = now.saturating_sub(RING);
    let stale = if before.step <= oldest {
        history.len()
    } else {
        let old = history.iter().filter(|c| c.step <= oldest).count();
        old.saturating_sub(1)
    };
    let kept = history.iter().skip(stale).copied();
    // The kept ones have different epochs: one at most `oldest`, the others above it and below `before.step`.
    let all = kept.chain(core::iter::once(before)).collect();
    *history = BoundedVec::truncate_from(all);
}

/// Whether histories answer for an epoch: it is over, and within the ring.
pub fn kept(epoch: u32, now: u32) -> bool {
    now.checked_sub(epoch)
        .is_some_and(|age| (1..=RING).contains(&age))
}

/// An amount as last written in epoch `epoch`, which is [`kept`], or before; a default where it was nothing.
pub fn as_of(history: &[Credits], current: Credits, epoch: u32) -> Credits {
    let all = core::iter::once(&current).chain(history.iter().rev());
    let found = all.into_iter().find(|c| c.step <= epoch).copied();
    found.unwrap_or_default()
}

impl Credits {
    /// The amount at a step; a step before `self.step` gives the amount as it is.
    pub fn at(&self, step: u32) -> u128 {
        decay(self.amount, step.saturating_sub(self.step))
    }

    /// Adds `amount` at a step.
    pub fn add(&mut self, amount: u128, step: u32) {
        self.amount = self.at(step).saturating_add(amount);
        self.step = self.step.max(step);
    }

    /// The amount at a step, rounded up: for totals.
    pub fn at_up(&self, step: u32) -> u128 {
        decay_up(self.amount, step.saturating_sub(self.step))
    }

    /// Adds `amount` to a total at a step, and takes `less` off.
    pub fn move_up(&mut self, amount: u128, less: u128, step: u32) {
        let sum = self.at_up(step).saturating_add(amount);
        self.amount = sum.saturating_sub(less);
        self.step = self.step.max(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn powers_should_be_the_roots_of_two() {
        for (i, p) in POWERS.iter().enumerate() {
            let expected = 2f64.powf(63.0 - i as f64 / 64.0);
            assert!((*p as f64 / expected - 1.0).abs() < 1e-15, "{i}");
        }
        assert_eq!(decay(1000, 64), 500);
        assert_eq!(decay(u128::MAX, 0), u128::MAX);
        assert_eq!(decay(u128::MAX, 128 * 64), 0);
        assert_eq!(decay(u128::MAX, u32::MAX), 0);
        assert_eq!(decay_up(1000, 64), 500);
        assert_eq!(decay_up(1001, 64), 501);
        assert_eq!(decay_up(1, u32::MAX), 1);
        assert_eq!(decay_up(0, 1), 0);
        assert_eq!(decay_up(u128::MAX, 0), u128::MAX);
    }

    proptest! {
        #[test]
        fn decay_should_compose_within_a_unit_a_read(amount in 0u128..1 << 90, a in 0u32..1000, b in 0u32..1000) {
            let (once, twice) = (decay(amount, a + b), decay(decay(amount, a), b));
            prop_assert!(once.abs_diff(twice) <= 2 + (amount >> 61));
            prop_assert!(decay(amount, a + 1) <= decay(amount, a));
        }

        #[test]
        fn total_should_never_be_below_the_sum_of_the_accounts(
            grants in proptest::collection::vec((0usize..5, 0u128..1 << 80, 0u32..40), 1..60),
            last in 0u32..200,
        ) {
            let (mut accounts, mut total, mut step) = ([Credits::default(); 5], Credits::default(), 0);
            for (who, amount, later) in grants {
                step += later;
                accounts[who].add(amount, step);
                total.move_up(amount, 0, step);
                let sum: u128 = accounts.iter().map(|c| c.at(step + last)).sum();
                prop_assert!(sum <= total.at_up(step + last));
                // Rounding up costs little: a unit a grant, and 2^-61 of the amount.
                prop_assert!(total.at_up(step) - accounts.iter().map(|c| c.at(step)).sum::<u128>() <= 300 + (total.amount >> 54));
            }
        }

        #[test]
        fn history_should_answer_for_every_epoch_of_the_ring(
            changes in proptest::collection::vec((0u32..6, 0u128..1 << 70), 1..80),
            idle in 0u32..20,
        ) {
            let (mut now, mut current, mut history) = (0, Credits::default(), CreditHistory::default());
            // What the amount was when each epoch ended, kept by brute force.
            let mut ends: Vec<Credits> = Vec::new();
            for (later, amount) in changes {
                ends.resize((now + later) as usize, current);
                now += later;
                remember(&mut history, current, now);
                current.add(amount, now);
                for epoch in now.saturating_sub(RING + 3)..now + idle + 2 {
                    let past = epoch < now + idle && now + idle - epoch <= RING;
                    prop_assert_eq!(kept(epoch, now + idle), past);
                    if past {
                        let end = ends.get(epoch as usize).copied().unwrap_or(current);
                        prop_assert_eq!(as_of(&history, current, epoch).at(epoch), end.at(epoch));
                    }
                }
            }
        }

        #[test]
        fn decay_up_should_bound_the_exact_value_from_above(amount in 0u128..1 << 100, steps in 0u32..9000) {
            let (down, up) = (decay(amount, steps), decay_up(amount, steps));
            prop_assert!(down <= up && up - down <= 3 + (amount >> 61));
            prop_assert!(up <= amount);
            if steps % STEPS == 0 && amount.trailing_zeros() >= steps / STEPS { prop_assert_eq!(down, up); }
        }

        #[test]
        fn add_should_keep_what_was_there(amount in 0u128..1 << 90, more in 0u128..1 << 90, step in 0u32..500) {
            let mut c = Credits { amount, step: 10 };
            let before = c.at(10 + step);
            c.add(more, 10 + step);
            prop_assert_eq!(c.at(10 + step), before + more);
        }
    }
}
