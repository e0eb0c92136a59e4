// SPDX-License-Identifier: GPL-3.0-or-later
//! Scores of a version over held-out samples, replayable to the bit like a segment.

use dream_primitives::hashing::{hash, Domain};
use dream_primitives::H256;

/// Keeps a score's hash apart from a segment's digest, whose first part has two bytes.
const TAG: &[u8] = b"held-out score";

/// What a sample counts at most in [`Scores::micro_nats`]: 1000 nats a token. An even guess over 2^20 tokens is 13.9.
pub const MAX_MICRO_NATS: u64 = 1_000_000_000;

/// Mean losses of samples, in their order.
#[derive(Clone, PartialEq, Debug)]
pub struct Scores {
    /// Mean loss of each sample, nats per token: the f64 sum of its tokens' f32 losses from first to last, divided by
    /// their number, rounded to f32.
    pub losses: Vec<f32>,
}

impl Scores {
    /// Hash over the bits of every sample's loss (little-endian, in order); binds the chain and the number of samples.
    /// All NaN count as one: their payload is nobody's business.
    pub fn hash(&self, genesis: &H256) -> H256 {
        let bits: Vec<u8> = self
            .losses
            .iter()
            .map(|l| if l.is_nan() { f32::NAN } else { *l })
            .flat_map(|l| l.to_bits().to_le_bytes())
            .collect();
        hash(Domain::SegmentDigest, genesis, &[TAG, &bits])
    }

    /// The sum over all samples, in 10^-6 nats. Each sample is rounded to the nearest integer, half to even; at most
    /// [`MAX_MICRO_NATS`], which also stands for a loss that is not a number, so that a diverged version is the worst.
    pub fn micro_nats(&self) -> u64 {
        self.losses.iter().map(|l| micro_nats(*l)).sum()
    }

    /// Mean over all samples, nats per token.
    pub fn mean(&self) -> f64 {
        self.losses.iter().map(|l| f64::from(*l)).sum::<f64>() / self.losses.len() as f64
    }
}

fn micro_nats(loss: f32) -> u64 {
    let micro = (f64::from(loss) * 1e6).round_ties_even();
    if micro < MAX_MICRO_NATS as f64 {
        // A cast of a negative number gives zero; a cross entropy is not negative.
        micro as u64
    } else {
        // NaN compares as not less.
        MAX_MICRO_NATS
    }
}
