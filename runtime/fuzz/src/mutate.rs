// SPDX-License-Identifier: GPL-3.0-or-later
//! A small seeded mutator: the same seed gives the same inputs on every machine.

/// SplitMix64 (Steele, Lea and Flood 2014).
pub struct Random(u64);

impl Random {
    /// A generator of its own sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next_u64() % bound).unwrap_or(0)
    }
}

/// Longest input that a mutation makes.
pub const MAX_INPUT: usize = 4_096;

/// A mutation of one of the corpus' inputs: bytes changed, cut, repeated, inserted, or spliced with another input.
pub fn mutate(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let pick = |random: &mut Random| -> Vec<u8> {
        let at = random.below(corpus.len());
        corpus.get(at).cloned().unwrap_or_default()
    };
    let mut input = pick(random);
    for _ in 0..=random.below(4) {
        let at = random.below(input.len().saturating_add(1));
        match random.below(6) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            1 => {
                if let Some(byte) = input.get_mut(at) {
                    let edges = [0, 1, 0x7F, 0x80, 0xFE, 0xFF];
                    *byte = edges.get(random.below(edges.len())).copied().unwrap_or(0);
                }
            }
            2 => input.truncate(at),
            3 => {
                let more: Vec<u8> = (0..=random.below(16))
                    .map(|_| u8::try_from(random.below(256)).unwrap_or(0))
                    .collect();
                input.splice(at..at, more);
            }
            4 => {
                let other = pick(random);
                let from = random.below(other.len().saturating_add(1));
                input.truncate(at);
                input.extend_from_slice(other.get(from..).unwrap_or_default());
            }
            _ => {
                let tail = input.get(at..).unwrap_or_default().to_vec();
                input.extend_from_slice(&tail);
            }
        }
    }
    input.truncate(MAX_INPUT);
    input
}
