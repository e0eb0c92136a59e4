// SPDX-License-Identifier: GPL-3.0-or-later
//! The random words that noise is made of: ChaCha20 (RFC 8439) under a secret seed.

use chacha20::cipher::{KeyIvInit, StreamCipher};
use chacha20::ChaCha20;
use zeroize::Zeroizing;

/// Words made at once.
const BUFFER_WORDS: usize = 512;
const WORD_BYTES: usize = 8;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}; no noise is made without them")]
pub struct NoSystemRandomness(getrandom::Error);

/// A stream of random words under a 32-byte seed.
///
/// Whoever knows the seed can take the noise away: it is not the seed of a key segment, which an audit opens.
pub struct Randomness {
    cipher: ChaCha20,
    buffer: Zeroizing<[u8; BUFFER_WORDS * WORD_BYTES]>,
    /// Bytes of the buffer that were used.
    used: usize,
}

impl Randomness {
    /// A stream under a fresh seed of the operating system.
    pub fn from_system() -> Result<Self, NoSystemRandomness> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(NoSystemRandomness)?;
        Ok(Self::from_seed(&seed))
    }

    /// The stream of a seed, the same words each time: for tests, and for a contribution that is made again after a crash. One
    /// seed serves one contribution, or two sums show the difference of what they hide.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let buffer = Zeroizing::new([0; BUFFER_WORDS * WORD_BYTES]);
        let used = buffer.len();
        Self {
            cipher: ChaCha20::new(seed.into(), &[0; 12].into()),
            buffer,
            used,
        }
    }

    /// A uniform word. A stream has 2^35 of them; after that it panics.
    pub(crate) fn word(&mut self) -> u64 {
        if self.used == self.buffer.len() {
            self.buffer.fill(0);
            self.cipher.apply_keystream(&mut *self.buffer);
            self.used = 0;
        }
        let mut bytes = [0; WORD_BYTES];
        bytes.copy_from_slice(&self.buffer[self.used..self.used + WORD_BYTES]);
        self.used += WORD_BYTES;
        u64::from_le_bytes(bytes)
    }

    /// A uniform number below `bound`, exactly (Lemire, "Fast random integer generation in an interval", 2019).
    ///
    /// # Panics
    ///
    /// If `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number is below 0");
        loop {
            let product = u128::from(self.word()) * u128::from(bound);
            let low = product as u64;
            // 2^64 mod bound of the low halves are one too many.
            if low >= bound || low >= bound.wrapping_neg() % bound {
                return (product >> 64) as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_should_repeat_for_a_seed_and_differ_between_seeds() {
        let words = |seed: u8| {
            let mut randomness = Randomness::from_seed(&[seed; 32]);
            (0..2_000).map(|_| randomness.word()).collect::<Vec<_>>()
        };
        assert_eq!(words(1), words(1));
        assert!(words(1).iter().zip(words(2)).all(|(a, b)| *a != b));
        let mut distinct = words(1);
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 2_000);
    }

    #[test]
    fn first_word_should_be_the_published_key_stream_when_the_seed_is_zero() {
        // RFC 8439, appendix A.1, test vector 1.
        let first = [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90];
        let word = Randomness::from_seed(&[0; 32]).word();
        assert_eq!(word.to_le_bytes(), first);
    }

    #[test]
    fn system_should_give_another_stream_each_time() {
        let word = || Randomness::from_system().unwrap().word();
        assert_ne!(word(), word());
    }

    #[test]
    fn below_should_stay_below_and_reach_every_number() {
        let mut randomness = Randomness::from_seed(&[3; 32]);
        for bound in [1, 2, 3, 7, 100] {
            let mut seen = vec![0u32; bound as usize];
            for _ in 0..1_000 * bound {
                seen[randomness.below(bound) as usize] += 1;
            }
            // A count has deviation 32: six of them are a chance of 2e-9 each.
            assert!(seen.iter().all(|n| (808..=1_192).contains(n)), "{seen:?}");
        }
        // Three quarters of all words: without rejection multiples of three would come twice as often as others.
        let bound = 3 << 62;
        let threes = (0..6_000).filter(|_| randomness.below(bound) % 3 == 0);
        let threes = threes.count();
        // 2,000 expected, deviation 37.
        assert!((1_780..=2_220).contains(&threes), "{threes}");
    }
}
