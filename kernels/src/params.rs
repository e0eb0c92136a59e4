// SPDX-License-Identifier: GPL-3.0-or-later
//! Parameters of the additive RLWE layer: a literal, then a checked type.

use crate::ring::Packing;

/// Smallest and largest ring degree.
pub const DEGREES: core::ops::RangeInclusive<u32> = 1_024..=65_536;
/// Primes are below 2^30, so that a lazy sum of four residues fits a `u32`.
pub const MAX_PRIME: u32 = 1 << 30;
/// Most limbs: log2 q stays below 2^10.
pub const MAX_LIMBS: usize = 32;

/// Most coin pairs of a centred binomial: one draw of 64 bits holds them.
pub const MAX_ETA: u32 = 32;
/// Largest tail of a discrete Gaussian: the constant-time table has one entry more.
pub const MAX_TAIL: u32 = 1_024;

/// Distribution of the error polynomial.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorDistribution {
    /// Sum of `eta` coin differences: variance eta / 2, at most `eta` in absolute value.
    CentredBinomial {
        /// Number of coin pairs.
        eta: u32,
    },
    /// Discrete Gaussian, cut at `tail` in absolute value.
    DiscreteGaussian {
        /// Standard deviation in thousandths.
        sigma_milli: u32,
        /// Largest absolute value.
        tail: u32,
    },
}

impl ErrorDistribution {
    /// Largest absolute value.
    pub fn bound(&self) -> u32 {
        match self {
            Self::CentredBinomial { eta } => *eta,
            Self::DiscreteGaussian { tail, .. } => *tail,
        }
    }

    /// Whether the sampler can draw it: within [`MAX_ETA`], or a tail of at least six standard deviations.
    fn can_be_drawn(&self) -> bool {
        match self {
            Self::CentredBinomial { eta } => (1..=MAX_ETA).contains(eta),
            Self::DiscreteGaussian { sigma_milli, tail } => {
                (500..=100_000).contains(sigma_milli)
                    && *tail <= MAX_TAIL
                    && u64::from(*tail) * 1_000 >= 6 * u64::from(*sigma_milli)
            }
        }
    }

    /// Whether the standard deviation is at least 3.19 (8 / sqrt(2 pi)), for which the security table was made.
    fn wide_enough(&self) -> bool {
        match self {
            // sigma^2 = eta / 2 >= 10.18
            Self::CentredBinomial { eta } => *eta >= 21,
            Self::DiscreteGaussian { sigma_milli, .. } => *sigma_milli >= 3_190,
        }
    }
}

/// What a set of parameters is for; only a test set may be insecure, and says so in its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecurityClass {
    /// At least 128 bits against classical attackers.
    Secure128,
    /// For tests only.
    InsecureTest,
}

/// Parameters as they are written down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParametersLiteral {
    /// Name of the set, for messages; not part of the hash.
    pub name: &'static str,
    /// Ring degree N: polynomials modulo X^N + 1.
    pub degree: u32,
    /// RNS primes, each 1 modulo 2N.
    pub primes: &'static [u32],
    /// Distribution of errors and secrets.
    pub error: ErrorDistribution,
    /// Values packed into one coefficient.
    pub slots: u32,
    /// Bits of a packed value, sign and room for sums included. The plaintext modulus is t = 2^(slots slot_bits).
    pub slot_bits: u32,
    /// Largest absolute value of one miner's plaintext.
    pub plaintext_bound: u32,
    /// Most miners in a cohort.
    pub max_miners: u32,
    /// What the set is for.
    pub class: SecurityClass,
}

/// Why a literal is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParameterError {
    /// The degree is not a power of two in 1024..=65536.
    #[error("degree {0} is not a power of two in 1024..=65536")]
    Degree(u32),
    /// No primes, too many, or one twice.
    #[error("{0} primes: between 1 and 32 distinct primes are needed")]
    Limbs(usize),
    /// A modulus is not prime, is 2^30 or more, or is not 1 modulo 2N.
    #[error("modulus {0} must be a prime below 2^30 that is 1 modulo twice the degree")]
    Prime(u32),
    /// The error distribution cannot be drawn.
    #[error("error distribution {0:?}: eta must be in 1..=32, sigma in 0.5..=100 with a tail of at least six sigma and at most 1024")]
    Error(ErrorDistribution),
    /// The slots do not fit 64 bits.
    #[error(
        "{slots} slots of {bits} bits: at least one slot of 2 to 32 bits, at most 64 bits together"
    )]
    Packing {
        /// Values in a coefficient.
        slots: u32,
        /// Bits of a value.
        bits: u32,
    },
    /// log2 q passes the 128-bit limit of the degree, or the error is too narrow.
    #[error("log2 q = {bits} with this error is below 128 bits of security at degree {degree}: at most {limit} bits and a standard deviation of 3.19")]
    Security {
        /// Ring degree.
        degree: u32,
        /// Bits of q.
        bits: u32,
        /// Most bits for 128-bit security.
        limit: u32,
    },
    /// The sum over the largest cohort does not fit a slot.
    #[error("a sum of {miners} plaintexts of at most {bound} does not fit a slot of {bits} bits")]
    Plaintext {
        /// Largest cohort.
        miners: u32,
        /// Largest plaintext.
        bound: u32,
        /// Bits of a slot.
        bits: u32,
    },
    /// The worst-case noise of the sum reaches q / 2.
    #[error("worst-case noise of {noise_bits} bits reaches half of q ({modulus_bits} bits)")]
    Noise {
        /// Bits of the worst-case noise.
        noise_bits: u32,
        /// Bits of q.
        modulus_bits: u32,
    },
}

/// Checked parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameters {
    literal: ParametersLiteral,
    packing: Packing,
    modulus_bits: u32,
    hash: ParameterHash,
}

/// BLAKE2b-256 of what the parameters determine; ciphertexts carry it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ParameterHash(pub [u8; 32]);

/// Preset of the data layer: 90-bit q in three u32 limbs at degree 4096; four int8 values a coefficient, sums over up to
/// 256 miners; 2.8 bytes a value on the wire.
pub const SA_4096: ParametersLiteral = ParametersLiteral {
    name: "SA_4096",
    degree: 4_096,
    primes: &[1_073_692_673, 1_073_668_097, 1_073_651_713],
    error: ErrorDistribution::CentredBinomial { eta: 21 },
    slots: 4,
    slot_bits: 16,
    plaintext_bound: 127,
    max_miners: 256,
    class: SecurityClass::Secure128,
};

/// Small set for tests; gives no security.
pub const INSECURE_TEST_1024: ParametersLiteral = ParametersLiteral {
    name: "INSECURE_TEST_1024",
    degree: 1_024,
    primes: &[1_073_692_673, 1_073_668_097],
    error: ErrorDistribution::CentredBinomial { eta: 21 },
    slots: 3,
    slot_bits: 12,
    plaintext_bound: 127,
    max_miners: 8,
    class: SecurityClass::InsecureTest,
};

/// Most bits of q for 128 bits of classical security with a ternary secret and a standard deviation of 3.19
/// (HomomorphicEncryption.org security standard, 2018, table 1). The table ends at 32768; larger degrees take its last
/// limit, which is on the safe side.
fn limit_128(degree: u32) -> u32 {
    match degree {
        0..=1_023 => 0,
        1_024..=2_047 => 27,
        2_048..=4_095 => 54,
        4_096..=8_191 => 109,
        8_192..=16_383 => 218,
        16_384..=32_767 => 438,
        _ => 881,
    }
}

/// Trial division: moduli are below 2^30.
pub(crate) fn is_prime(n: u32) -> bool {
    n >= 2
        && (2..)
            .take_while(|d: &u32| d.saturating_mul(*d) <= n)
            .all(|d| !n.is_multiple_of(d))
}

/// Little-endian product of the primes in 32-bit words.
fn product(primes: &[u32]) -> Vec<u32> {
    primes.iter().fold(vec![1u32], |words, prime| {
        let mut carry = 0u64;
        let mut out: Vec<u32> = words
            .iter()
            .map(|word| {
                let wide = u64::from(*word) * u64::from(*prime) + carry;
                carry = wide >> 32;
                wide as u32
            })
            .collect();
        if carry > 0 {
            out.push(carry as u32);
        }
        out
    })
}

fn bits_of(words: &[u32]) -> u32 {
    let top = words.last().map_or(0, |w| 32 - w.leading_zeros());
    32 * (words.len() as u32).saturating_sub(1) + top
}

/// Bits of the worst case of |t errors + m| with |m| < t / 2, for t = 2^width.
pub(crate) fn noise_bits(errors: u128, width: u32) -> u32 {
    // t (errors + 1/2) < t 2^bits(errors)
    (128 - errors.leading_zeros()).max(1) + width
}

fn hash_of(literal: &ParametersLiteral) -> [u8; 32] {
    let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
    state.update(b"dream-kernels/parameters/1");
    state.update(&literal.degree.to_le_bytes());
    state.update(&(literal.primes.len() as u32).to_le_bytes());
    for prime in literal.primes {
        state.update(&prime.to_le_bytes());
    }
    let (kind, first, second) = match literal.error {
        ErrorDistribution::CentredBinomial { eta } => (0u32, eta, 0),
        ErrorDistribution::DiscreteGaussian { sigma_milli, tail } => (1, sigma_milli, tail),
    };
    let class = match literal.class {
        SecurityClass::Secure128 => 0u32,
        SecurityClass::InsecureTest => 1,
    };
    let rest = [
        kind,
        first,
        second,
        literal.slots,
        literal.slot_bits,
        literal.plaintext_bound,
        literal.max_miners,
        class,
    ];
    for word in rest {
        state.update(&word.to_le_bytes());
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(state.finalize().as_bytes());
    hash
}

impl Parameters {
    /// Checks a literal.
    ///
    /// # Errors
    /// [`ParameterError`] names the first value that is wrong.
    pub fn new(literal: ParametersLiteral) -> Result<Self, ParameterError> {
        let ParametersLiteral { degree, primes, .. } = literal;
        if !DEGREES.contains(&degree) || !degree.is_power_of_two() {
            return Err(ParameterError::Degree(degree));
        }
        let distinct = primes
            .iter()
            .enumerate()
            .all(|(i, p)| !primes[..i].contains(p));
        if primes.is_empty() || primes.len() > MAX_LIMBS || !distinct {
            return Err(ParameterError::Limbs(primes.len()));
        }
        let bad = |p: &&u32| **p >= MAX_PRIME || **p % (2 * degree) != 1 || !is_prime(**p);
        if let Some(prime) = primes.iter().find(bad) {
            return Err(ParameterError::Prime(*prime));
        }
        if !literal.error.can_be_drawn() {
            return Err(ParameterError::Error(literal.error));
        }
        let packing =
            Packing::new(literal.slots, literal.slot_bits).ok_or(ParameterError::Packing {
                slots: literal.slots,
                bits: literal.slot_bits,
            })?;
        let modulus_bits = bits_of(&product(primes));
        let limit = limit_128(degree);
        let secure = modulus_bits <= limit && literal.error.wide_enough();
        if literal.class == SecurityClass::Secure128 && !secure {
            return Err(ParameterError::Security {
                degree,
                bits: modulus_bits,
                limit,
            });
        }
        let sum = u64::from(literal.max_miners) * u64::from(literal.plaintext_bound);
        if literal.max_miners == 0 || sum > packing.limit() as u64 {
            return Err(ParameterError::Plaintext {
                miners: literal.max_miners,
                bound: literal.plaintext_bound,
                bits: literal.slot_bits,
            });
        }
        let errors = u128::from(literal.max_miners) * u128::from(literal.error.bound());
        let noise_bits = noise_bits(errors, packing.width());
        if noise_bits + 2 > modulus_bits {
            return Err(ParameterError::Noise {
                noise_bits,
                modulus_bits,
            });
        }
        Ok(Self {
            literal,
            packing,
            modulus_bits,
            hash: ParameterHash(hash_of(&literal)),
        })
    }

    /// Ring degree N.
    pub fn degree(&self) -> u32 {
        self.literal.degree
    }

    /// RNS primes.
    pub fn primes(&self) -> &'static [u32] {
        self.literal.primes
    }

    /// Bits of q.
    pub fn modulus_bits(&self) -> u32 {
        self.modulus_bits
    }

    /// How values lie in a coefficient.
    pub fn packing(&self) -> Packing {
        self.packing
    }

    /// Values that one polynomial carries.
    pub fn values_per_polynomial(&self) -> usize {
        self.literal.degree as usize * self.packing.slots()
    }

    /// Hash of degree, primes, error distribution, packing, plaintext bound, cohort and class.
    pub fn hash(&self) -> ParameterHash {
        self.hash
    }

    /// The literal that was checked.
    pub fn literal(&self) -> &ParametersLiteral {
        &self.literal
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(change: impl FnOnce(&mut ParametersLiteral)) -> Result<Parameters, ParameterError> {
        let mut literal = SA_4096;
        change(&mut literal);
        Parameters::new(literal)
    }

    #[test]
    fn presets_should_pass_and_have_the_stated_size() {
        let sa = Parameters::new(SA_4096).unwrap();
        assert_eq!((sa.modulus_bits(), sa.primes().len()), (90, 3));
        assert!(Parameters::new(INSECURE_TEST_1024).is_ok());
    }

    #[test]
    fn new_should_name_the_wrong_value() {
        assert_eq!(
            with(|l| l.degree = 4_095),
            Err(ParameterError::Degree(4_095))
        );
        assert_eq!(with(|l| l.degree = 512), Err(ParameterError::Degree(512)));
        assert_eq!(with(|l| l.primes = &[]), Err(ParameterError::Limbs(0)));
        let twice: &[u32] = &[1_073_692_673, 1_073_692_673];
        assert_eq!(with(|l| l.primes = twice), Err(ParameterError::Limbs(2)));
        assert_eq!(
            with(|l| l.primes = &[1_073_692_675]),
            Err(ParameterError::Prime(1_073_692_675))
        );
        assert_eq!(
            with(|l| l.primes = &[65_537 * 8_193]),
            Err(ParameterError::Prime(65_537 * 8_193))
        );
        assert!(matches!(
            with(|l| l.max_miners = 259),
            Err(ParameterError::Plaintext { miners: 259, .. })
        ));
        assert_eq!(
            with(|l| l.slots = 5),
            Err(ParameterError::Packing { slots: 5, bits: 16 })
        );
        // 64 bits of packing and 13 of errors do not fit 60 bits.
        assert_eq!(
            with(|l| l.primes = &SA_4096.primes[..2]),
            Err(ParameterError::Noise {
                noise_bits: 77,
                modulus_bits: 60
            })
        );
        let wide = ErrorDistribution::CentredBinomial { eta: 33 };
        assert_eq!(with(|l| l.error = wide), Err(ParameterError::Error(wide)));
        let short = ErrorDistribution::DiscreteGaussian {
            sigma_milli: 3_200,
            tail: 19,
        };
        assert_eq!(with(|l| l.error = short), Err(ParameterError::Error(short)));
    }

    #[test]
    fn new_should_refuse_what_is_below_128_bits_unless_it_is_a_named_test_set() {
        let narrow = ErrorDistribution::CentredBinomial { eta: 20 };
        assert!(matches!(
            with(|l| l.error = narrow),
            Err(ParameterError::Security {
                bits: 90,
                limit: 109,
                ..
            })
        ));
        let mut claimed = INSECURE_TEST_1024;
        claimed.class = SecurityClass::Secure128;
        assert!(matches!(
            Parameters::new(claimed),
            Err(ParameterError::Security { limit: 27, .. })
        ));
    }

    #[test]
    fn hash_should_change_with_every_value_but_the_name() {
        let small = |change: fn(&mut ParametersLiteral)| {
            with(|l| {
                l.max_miners = 100;
                l.class = SecurityClass::InsecureTest;
                change(l);
            })
            .unwrap()
            .hash()
        };
        let base = small(|_| ());
        let changed: [fn(&mut ParametersLiteral); 9] = [
            |l| l.degree = 2_048,
            |l| l.primes = &[1_073_668_097, 1_073_692_673, 1_073_651_713],
            |l| l.error = ErrorDistribution::CentredBinomial { eta: 22 },
            |l| l.slots = 3,
            |l| l.slot_bits = 15,
            |l| l.plaintext_bound = 60,
            |l| l.max_miners = 99,
            |l| l.class = SecurityClass::Secure128,
            |l| {
                l.error = ErrorDistribution::DiscreteGaussian {
                    sigma_milli: 3_200,
                    tail: 21,
                }
            },
        ];
        for (i, change) in changed.into_iter().enumerate() {
            assert_ne!(small(change), base, "change {i}");
        }
        assert_eq!(small(|l| l.name = "other"), base);
    }

    proptest! {
        #[test]
        fn product_should_equal_wide_arithmetic(a in 2u32.., b in 2u32.., c in 2u32..) {
            let expected = u128::from(a) * u128::from(b) * u128::from(c);
            prop_assert_eq!(bits_of(&product(&[a, b, c])), 128 - expected.leading_zeros());
        }
    }
}
