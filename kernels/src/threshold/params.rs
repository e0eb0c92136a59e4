// SPDX-License-Identifier: GPL-3.0-or-later
//! Parameters of the key layer: a literal, then a checked type.

use crate::params::{
    noise_bits, ErrorDistribution, ParameterError, ParameterHash, Parameters, ParametersLiteral,
    SecurityClass,
};

/// Most members of a committee: replicated sharing makes C(n, t-1) shares.
pub const MAX_MEMBERS: u32 = 7;

/// Parameters of the key layer as they are written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThresholdLiteral {
    /// Ring, errors and packing. The plaintext bound is the bound of a key coefficient of the data layer.
    pub ring: ParametersLiteral,
    /// Members n of the committee.
    pub members: u32,
    /// Members t that decrypt together; t - 1 learn nothing.
    pub threshold: u32,
    /// Flooding noise is uniform in [-2^bits, 2^bits).
    pub flooding_bits: u32,
    /// Bits of statistical hiding that the flooding gives, over all answers under one key.
    pub statistical_bits: u32,
    /// Most polynomials that are decrypted under one key (an epoch's rounds times the polynomials of a round).
    pub answers: u32,
}

/// Why a literal is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ThresholdParameterError {
    /// The ring's parameters are refused.
    #[error(transparent)]
    Ring(#[from] ParameterError),
    /// A committee that is too large, needs no second member, or cannot decrypt when t - 1 members are silent.
    #[error("committee of {members} with threshold {threshold}: 2 <= t, 2 t - 1 <= n and n <= 7 are needed")]
    Committee {
        /// Members.
        members: u32,
        /// Threshold.
        threshold: u32,
    },
    /// The flooding noise does not hide what it must.
    #[error("{bits} bits of flooding noise, where {needed} are needed")]
    Flooding {
        /// Bits of the literal.
        bits: u32,
        /// Bits that would do.
        needed: u32,
    },
}

/// Checked parameters of the key layer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThresholdParameters {
    literal: ThresholdLiteral,
    ring: Parameters,
    sets: Vec<u8>,
    hash: ParameterHash,
}

/// Key layer of [`crate::params::SA_4096`] for seven members of which four decrypt: 180-bit q in six limbs at degree 8192.
pub const KEY_8192: ThresholdLiteral = ThresholdLiteral {
    ring: ParametersLiteral {
        name: "KEY_8192",
        degree: 8_192,
        primes: &KEY_8192_PRIMES,
        error: ErrorDistribution::CentredBinomial { eta: 21 },
        slots: 4,
        slot_bits: 14,
        plaintext_bound: 21,
        max_miners: 256,
        class: SecurityClass::Secure128,
    },
    members: 7,
    threshold: 4,
    flooding_bits: 100,
    statistical_bits: 40,
    answers: 1 << 11,
};

/// [`KEY_8192`] for three members of which two decrypt.
pub const KEY_8192_SMALL: ThresholdLiteral = ThresholdLiteral {
    members: 3,
    threshold: 2,
    flooding_bits: 94,
    ..KEY_8192
};

/// Largest primes below 2^30 that are 1 modulo 16384.
const KEY_8192_PRIMES: [u32; 6] = [
    1_073_692_673,
    1_073_643_521,
    1_073_479_681,
    1_073_430_529,
    1_073_299_457,
    1_073_233_921,
];

/// Small set for tests; gives no security. Key layer of [`crate::params::INSECURE_TEST_1024`].
pub const INSECURE_TEST_KEY_1024: ThresholdLiteral = ThresholdLiteral {
    ring: ParametersLiteral {
        name: "INSECURE_TEST_KEY_1024",
        degree: 1_024,
        primes: &[1_073_692_673, 1_073_668_097, 1_073_651_713],
        error: ErrorDistribution::CentredBinomial { eta: 21 },
        slots: 2,
        slot_bits: 10,
        plaintext_bound: 21,
        max_miners: 8,
        class: SecurityClass::InsecureTest,
    },
    members: 3,
    threshold: 2,
    flooding_bits: 56,
    statistical_bits: 20,
    answers: 16,
};

/// C(n, k) sets of k members of n, as bit masks, ascending.
fn subsets(members: u32, size: u32) -> Vec<u8> {
    (0..1u16 << members)
        .filter(|set| set.count_ones() == size)
        .map(|set| set as u8)
        .collect()
}

impl ThresholdParameters {
    /// Checks a literal.
    ///
    /// # Errors
    /// [`ThresholdParameterError`] names the first value that is wrong.
    pub fn new(literal: ThresholdLiteral) -> Result<Self, ThresholdParameterError> {
        let ThresholdLiteral {
            members, threshold, ..
        } = literal;
        if threshold < 2 || members > MAX_MEMBERS || threshold > members.div_ceil(2) {
            return Err(ThresholdParameterError::Committee { members, threshold });
        }
        let ring = Parameters::new(literal.ring)?;
        let sets = subsets(members, threshold - 1);
        let hidden = Self::encryption_noise(&literal, sets.len());
        let copies = u128::from(members - threshold + 1);
        let needed = hidden
            .saturating_mul(u128::from(literal.ring.degree))
            .saturating_mul(u128::from(literal.answers))
            .saturating_mul(copies);
        // hidden N answers copies / 2^(bits + 1) <= 2^-statistical
        let needed = (128 - needed.leading_zeros()).saturating_add(literal.statistical_bits) - 1;
        let bits = literal.flooding_bits;
        if bits < needed || bits > 120 || literal.answers == 0 {
            return Err(ThresholdParameterError::Flooding { bits, needed });
        }
        let errors = hidden + ((sets.len() as u128) << bits);
        let noise_bits = noise_bits(errors, ring.packing().width());
        if noise_bits + 2 > ring.modulus_bits() {
            return Err(ParameterError::Noise {
                noise_bits,
                modulus_bits: ring.modulus_bits(),
            }
            .into());
        }
        let hash = Self::hash_of(&literal, ring.hash());
        Ok(Self {
            literal,
            ring,
            sets,
            hash,
        })
    }

    /// Worst case of |e u + e0 - e1 s| summed over the largest cohort, for a public key that n members dealt in
    /// `sets` shares each: e and s are sums of n `sets` errors of at most eta and ternary secrets, u is ternary.
    fn encryption_noise(literal: &ThresholdLiteral, sets: usize) -> u128 {
        let eta = u128::from(literal.ring.error.bound());
        let dealt = u128::from(literal.members) * sets as u128;
        let product = u128::from(literal.ring.degree) * eta * dealt;
        u128::from(literal.ring.max_miners) * (2 * product + eta)
    }

    fn hash_of(literal: &ThresholdLiteral, ring: ParameterHash) -> ParameterHash {
        let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
        state.update(b"dream-kernels/threshold-parameters/1");
        state.update(&ring.0);
        let words = [
            literal.members,
            literal.threshold,
            literal.flooding_bits,
            literal.statistical_bits,
            literal.answers,
        ];
        for word in words {
            state.update(&word.to_le_bytes());
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(state.finalize().as_bytes());
        ParameterHash(hash)
    }

    /// The literal that was checked.
    pub fn literal(&self) -> &ThresholdLiteral {
        &self.literal
    }

    /// Ring, errors and packing.
    pub fn ring(&self) -> &Parameters {
        &self.ring
    }

    /// The sets of t - 1 members, as bit masks, ascending. Each has one share, held by the members outside of it.
    pub fn sets(&self) -> &[u8] {
        &self.sets
    }

    /// The sets whose shares a member holds.
    pub fn sets_of(&self, member: u8) -> impl Iterator<Item = u8> + '_ {
        self.sets
            .iter()
            .copied()
            .filter(move |set| set >> member & 1 == 0)
    }

    /// Hash of everything but the name.
    pub fn hash(&self) -> ParameterHash {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(
        change: impl FnOnce(&mut ThresholdLiteral),
    ) -> Result<ThresholdParameters, ThresholdParameterError> {
        let mut literal = KEY_8192;
        change(&mut literal);
        ThresholdParameters::new(literal)
    }

    #[test]
    fn presets_should_pass_with_the_stated_shares() {
        let seven = ThresholdParameters::new(KEY_8192).unwrap();
        assert_eq!((seven.sets().len(), seven.sets_of(6).count()), (35, 20));
        assert_eq!(seven.ring().modulus_bits(), 180);
        let three = ThresholdParameters::new(KEY_8192_SMALL).unwrap();
        assert_eq!(
            (three.sets(), three.sets_of(0).collect::<Vec<_>>()),
            (&[1, 2, 4][..], vec![2, 4])
        );
        assert!(ThresholdParameters::new(INSECURE_TEST_KEY_1024).is_ok());
        assert_ne!(seven.hash(), three.hash());
    }

    #[test]
    fn any_threshold_of_members_should_hold_every_share_and_fewer_should_miss_one() {
        for (members, threshold) in [(3, 2), (4, 2), (5, 3), (6, 3), (7, 4)] {
            let sets = subsets(members, threshold - 1);
            for group in 0..1u16 << members {
                let held = sets.iter().all(|set| group & !u16::from(*set) != 0);
                assert_eq!(
                    held,
                    group.count_ones() >= threshold,
                    "{members} {threshold} {group:b}"
                );
            }
        }
    }

    #[test]
    fn new_should_refuse_committees_that_cannot_work() {
        for (members, threshold) in [(7, 1), (7, 5), (8, 4), (2, 2), (1, 1), (0, 0), (6, 4)] {
            let refused = with(|l| (l.members, l.threshold) = (members, threshold));
            assert_eq!(
                refused,
                Err(ThresholdParameterError::Committee { members, threshold })
            );
        }
    }

    #[test]
    fn new_should_refuse_flooding_that_does_not_hide_or_does_not_fit() {
        let needed = 100;
        assert_eq!(
            with(|l| l.flooding_bits = 99),
            Err(ThresholdParameterError::Flooding { bits: 99, needed })
        );
        assert!(with(|l| l.flooding_bits = needed).is_ok());
        assert_eq!(
            with(|l| l.answers = 1 << 12),
            Err(ThresholdParameterError::Flooding {
                bits: needed,
                needed: needed + 1
            })
        );
        assert_eq!(
            with(|l| l.statistical_bits = 128),
            Err(ThresholdParameterError::Flooding {
                bits: needed,
                needed: needed + 88
            })
        );
        assert!(matches!(
            with(|l| l.flooding_bits = 118),
            Err(ThresholdParameterError::Ring(ParameterError::Noise { .. }))
        ));
    }
}
