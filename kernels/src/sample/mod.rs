// SPDX-License-Identifier: GPL-3.0-or-later
//! Sampling from a seekable stream: every polynomial's randomness has its own place, so that anyone who knows the seed
//! makes the same words on any machine, in any order.
//!
//! A place is a 12-byte nonce of ChaCha20 (RFC 8439) under a 32-byte seed: purpose (1 byte), limb (1), segment (2), round
//! (4), polynomial (4), little-endian. Within a place coefficient i takes a fixed number of bytes at i times that number:
//! no sampler rejects, so no draw moves another. The block counter starts at 0.

mod gaussian;

use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use chacha20::ChaCha20;
use zeroize::Zeroizing;

pub use self::gaussian::GaussianTable;
use crate::params::ErrorDistribution;
use crate::ring::{Ntt, Poly, Ring};

/// A 32-byte seed; wiped when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// Takes the bytes, which must come from a cryptographic source.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A seed for `purpose` bound to `context`: keyed BLAKE2b-256 of the tag and the context.
    pub fn derive(&self, purpose: &[u8], context: &[u8]) -> Self {
        let mut state = blake2b_simd::Params::new()
            .hash_length(32)
            .key(&*self.0)
            .to_state();
        state.update(&(purpose.len() as u64).to_le_bytes());
        state.update(purpose);
        state.update(context);
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(state.finalize().as_bytes());
        Self(seed)
    }
}

impl core::fmt::Debug for Seed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// What a stream is drawn for. Numbers are part of the format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Purpose {
    /// The public polynomial a.
    Public = 0,
    /// A secret key.
    Secret = 1,
    /// Errors of an encryption or a key.
    Error = 2,
    /// The ephemeral secret of a public-key encryption.
    Ephemeral = 3,
    /// Second errors of a public-key encryption.
    SecondError = 4,
    /// Flooding noise of a partial decryption.
    Flooding = 5,
}

/// Limb number of streams that serve all limbs.
pub const ALL_LIMBS: u8 = 0xFF;

/// Place of a stream under its seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// What for.
    pub purpose: Purpose,
    /// Limb, or [`ALL_LIMBS`].
    pub limb: u8,
    /// Key segment.
    pub segment: u16,
    /// Round.
    pub round: u32,
    /// Polynomial within the segment.
    pub polynomial: u32,
}

/// Which polynomial of which delta.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Block {
    /// Round.
    pub round: u32,
    /// Key segment.
    pub segment: u16,
    /// Polynomial within the segment.
    pub polynomial: u32,
}

impl Block {
    /// Its place for a draw of this purpose.
    pub fn place(self, purpose: Purpose, limb: u8) -> Place {
        Place {
            purpose,
            limb,
            segment: self.segment,
            round: self.round,
            polynomial: self.polynomial,
        }
    }
}

impl Place {
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[0] = self.purpose as u8;
        nonce[1] = self.limb;
        nonce[2..4].copy_from_slice(&self.segment.to_le_bytes());
        nonce[4..8].copy_from_slice(&self.round.to_le_bytes());
        nonce[8..].copy_from_slice(&self.polynomial.to_le_bytes());
        nonce
    }
}

/// Bytes of a piece of a stream that is handled at a time.
const PIECE: usize = 4_096;

/// Random 64-bit words of a place.
pub struct Stream {
    cipher: ChaCha20,
    piece: Zeroizing<[u8; PIECE]>,
}

impl Stream {
    /// The stream of a place, at its beginning.
    pub fn new(seed: &Seed, place: Place) -> Self {
        Self {
            cipher: ChaCha20::new(seed.bytes().into(), &place.nonce().into()),
            piece: Zeroizing::new([0; PIECE]),
        }
    }

    /// Goes to a 64-bit word. A place has 2^35 of them.
    ///
    /// # Panics
    /// Beyond the last word.
    pub fn seek(&mut self, word: u64) {
        self.cipher
            .seek(word.checked_mul(8).expect("a word of the stream"));
    }

    /// Hands the next `count` words to `each`, with their index.
    #[inline]
    pub fn words(&mut self, count: usize, mut each: impl FnMut(usize, u64)) {
        let mut at = 0;
        while at < count {
            let now = (count - at).min(PIECE / 8);
            let piece = &mut self.piece[..8 * now];
            piece.fill(0);
            self.cipher.apply_keystream(piece);
            for (i, bytes) in piece.chunks_exact(8).enumerate() {
                let mut word = [0; 8];
                word.copy_from_slice(bytes);
                each(at + i, u64::from_le_bytes(word));
            }
            at += now;
        }
    }
}

/// floor(word p / 2^64): uniform in [0, p) up to a relative error of p / 2^64 < 2^-34 in each probability.
#[inline]
pub fn uniform_residue(word: u64, p: u32) -> u32 {
    let p = u64::from(p);
    // The product is cut at bit 32 without loss: its low half plays no part beyond the carry.
    (((word >> 32) * p + (((word & 0xFFFF_FFFF) * p) >> 32)) >> 32) as u32
}

/// Sum of `eta` coin differences from one word: bits 0..eta less bits eta..2 eta.
#[inline]
pub fn centred_binomial(word: u64, eta: u32) -> i32 {
    let mask = (1u64 << eta) - 1;
    let (plus, minus) = (word & mask, (word >> eta) & mask);
    plus.count_ones() as i32 - minus.count_ones() as i32
}

/// -1, 0 or 1, each with probability 1/3 up to 2^-63.
#[inline]
pub fn ternary(word: u64) -> i32 {
    uniform_residue(word, 3) as i32 - 1
}

/// Signed uniform value in [-2^bits, 2^bits) from two words, for `bits` up to 126.
#[inline]
pub fn flooding(low: u64, high: u64, bits: u32) -> i128 {
    let word = (u128::from(high) << 64) | u128::from(low);
    // The top bits + 1 bits of the word, with its sign.
    (word as i128) >> (127 - bits)
}

/// The uniform public polynomial of (round, segment, polynomial), in the transform domain, where uniform is uniform.
pub fn uniform_polynomial(
    ring: &Ring,
    seed: &Seed,
    round: u32,
    segment: u16,
    polynomial: u32,
) -> Poly<Ntt> {
    let block = Block {
        round,
        segment,
        polynomial,
    };
    let mut poly = ring.zero();
    for (i, table) in ring.tables().iter().enumerate() {
        uniform_row(seed, block, i, table.modulus().value(), poly.limb_mut(i));
    }
    poly
}

/// Limb `limb` of [`uniform_polynomial`]: residues modulo `p`.
pub(crate) fn uniform_row(seed: &Seed, block: Block, limb: usize, p: u32, out: &mut [u32]) {
    Stream::new(seed, block.place(Purpose::Public, limb as u8))
        .words(out.len(), |at, word| out[at] = uniform_residue(word, p));
}

/// Draws from an error distribution, in constant time.
#[derive(Clone, Debug)]
pub enum ErrorSampler {
    /// Sum of coin differences.
    CentredBinomial {
        /// Number of coin pairs.
        eta: u32,
    },
    /// By cumulative table.
    DiscreteGaussian(GaussianTable),
}

impl ErrorSampler {
    /// Sampler of a distribution that [`crate::params::Parameters`] accepted.
    pub fn new(distribution: ErrorDistribution) -> Self {
        match distribution {
            ErrorDistribution::CentredBinomial { eta } => Self::CentredBinomial { eta },
            ErrorDistribution::DiscreteGaussian { sigma_milli, tail } => {
                Self::DiscreteGaussian(GaussianTable::new(sigma_milli, tail))
            }
        }
    }

    /// Draws `count` values from a place.
    pub fn draw(&self, seed: &Seed, place: Place, count: usize) -> Zeroizing<Vec<i32>> {
        let mut values = Zeroizing::new(vec![0; count]);
        let mut stream = Stream::new(seed, place);
        match self {
            Self::CentredBinomial { eta } => {
                stream.words(count, |at, word| values[at] = centred_binomial(word, *eta));
            }
            Self::DiscreteGaussian(table) => {
                stream.words(count, |at, word| values[at] = table.draw(word));
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::params::SA_4096;

    fn place(purpose: Purpose) -> Place {
        Place {
            purpose,
            limb: ALL_LIMBS,
            segment: 7,
            round: 8,
            polynomial: 9,
        }
    }

    fn words(seed: &Seed, place: Place, count: usize) -> Vec<u64> {
        let mut out = vec![];
        Stream::new(seed, place).words(count, |_, w| out.push(w));
        out
    }

    #[test]
    fn stream_should_be_chacha20_of_rfc_8439() {
        // RFC 8439, appendix A.1, test vector 1: key, nonce and counter zero.
        let place = Place {
            purpose: Purpose::Public,
            limb: 0,
            segment: 0,
            round: 0,
            polynomial: 0,
        };
        let first = words(&Seed::new([0; 32]), place, 1)[0];
        assert_eq!(
            first.to_le_bytes(),
            [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]
        );
    }

    #[test]
    fn streams_should_differ_when_any_coordinate_differs() {
        let seed = Seed::new([1; 32]);
        let base = place(Purpose::Error);
        let others = [
            Place {
                purpose: Purpose::Secret,
                ..base
            },
            Place { limb: 0, ..base },
            Place { segment: 6, ..base },
            Place { round: 7, ..base },
            Place {
                polynomial: 8,
                ..base
            },
        ];
        let first = words(&seed, base, 4);
        for other in others {
            assert_ne!(words(&seed, other, 4), first, "{other:?}");
        }
        assert_ne!(words(&Seed::new([2; 32]), base, 4), first);
        assert_ne!(
            words(&seed.derive(b"a", b"b"), base, 4),
            words(&seed.derive(b"", b"ab"), base, 4)
        );
    }

    #[test]
    fn debug_should_not_show_a_seed() {
        assert_eq!(format!("{:?}", Seed::new([7; 32])), "Seed(..)");
    }

    #[test]
    fn centred_binomial_should_have_its_range_and_variance() {
        assert_eq!(centred_binomial((1 << 21) - 1, 21), 21);
        assert_eq!(centred_binomial(((1 << 21) - 1) << 21, 21), -21);
        assert_eq!(centred_binomial(u64::MAX, 32), 0);
        let sampler = ErrorSampler::new(SA_4096.error);
        let draws = sampler.draw(&Seed::new([3; 32]), place(Purpose::Error), 200_000);
        let sum: i64 = draws.iter().map(|x| i64::from(*x)).sum();
        let squares: i64 = draws.iter().map(|x| i64::from(*x) * i64::from(*x)).sum();
        // Variance 10.5: the mean of 200,000 has a deviation of 0.0072, the mean square one of 0.033.
        assert!(sum.abs() < 200_000 * 36 / 1_000, "{sum}");
        assert!(
            (squares - 2_100_000).abs() < 200_000 * 165 / 1_000,
            "{squares}"
        );
    }

    #[test]
    fn ternary_should_take_three_values_equally_often() {
        let mut counts = [0i64; 3];
        Stream::new(&Seed::new([4; 32]), place(Purpose::Secret))
            .words(300_000, |_, w| counts[(ternary(w) + 1) as usize] += 1);
        // Five deviations of sqrt(300000 * 2 / 9) = 258.
        assert!(
            counts.iter().all(|c| (c - 100_000).abs() < 1_291),
            "{counts:?}"
        );
    }

    #[test]
    fn flooding_should_reach_both_ends_and_no_further() {
        for bits in [1, 63, 64, 100, 126] {
            assert_eq!(flooding(u64::MAX, u64::MAX >> 1, bits), (1i128 << bits) - 1);
            assert_eq!(flooding(0, 1 << 63, bits), -(1i128 << bits));
            assert_eq!(flooding(0, 0, bits), 0);
        }
    }

    #[test]
    fn uniform_polynomial_should_have_the_moments_of_uniform_residues() {
        let ring = Ring::new(4_096, SA_4096.primes).unwrap();
        let poly = uniform_polynomial(&ring, &Seed::new([5; 32]), 1, 2, 3);
        for (i, table) in ring.tables().iter().enumerate() {
            let p = table.modulus().value();
            let mean = poly.limb(i).iter().map(|x| u64::from(*x)).sum::<u64>() / 4_096;
            // Five deviations of p / sqrt(12 * 4096).
            assert!(
                mean.abs_diff(u64::from(p) / 2) < u64::from(p) * 5 / 221,
                "{mean}"
            );
            assert!(poly.limb(i).iter().all(|x| *x < p));
        }
        assert_ne!(poly.limb(0), poly.limb(1));
    }

    proptest! {
        #[test]
        fn uniform_residue_should_be_the_high_part_of_the_product(word: u64, p in 3u32..1 << 30) {
            let expected = (u128::from(word) * u128::from(p)) >> 64;
            prop_assert_eq!(u128::from(uniform_residue(word, p)), expected);
        }

        #[test]
        fn seek_should_give_the_same_words_as_reading_on(at in 0usize..3_000) {
            let seed = Seed::new([6; 32]);
            let all = words(&seed, place(Purpose::Error), 3_002);
            let mut stream = Stream::new(&seed, place(Purpose::Error));
            stream.seek(at as u64);
            let mut found = vec![];
            stream.words(2, |_, w| found.push(w));
            prop_assert_eq!(&found[..], &all[at..at + 2]);
        }
    }
}
