// SPDX-License-Identifier: GPL-3.0-or-later
//! The key layer: additively homomorphic RLWE whose key a committee holds in replicated shares (docs/cryptography.md,
//! section "Key layer").
//!
//! The committee of an epoch has n members. For every set A of t - 1 members there is a share s_A that exactly the members
//! outside of A hold; the secret key is the sum of the shares. Any t members hold every share, t - 1 miss one. Every
//! member deals a part of every share, and publishes a commitment b = a s + t e that is also its part of the public key:
//! who gets a share makes the commitment again and compares.
//!
//! - [`keys`]: dealing, checking, public key, member keys;
//! - [`cipher`]: encryption of a miner's key coefficients, sums, partial decryption, combination.

pub mod cipher;
pub mod keys;
mod params;

pub use cipher::{KeyCiphertext, PartialDecryption};
pub use keys::{Commitment, Dealing, MemberKey, PublicKey};
pub use params::{
    ThresholdLiteral, ThresholdParameterError, ThresholdParameters, INSECURE_TEST_KEY_1024,
    KEY_8192, KEY_8192_SMALL, MAX_MEMBERS,
};

use crate::ring::{Coefficient, Ntt, Poly, Ring};
use crate::sample::{uniform_polynomial, ErrorSampler, Seed};

/// Why the key layer refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ThresholdError {
    /// A member number outside of the committee.
    #[error("member {member} of a committee of {members}")]
    Member {
        /// The number.
        member: u8,
        /// Members, numbered from 0.
        members: u32,
    },
    /// An object made with other parameters.
    #[error("the object was made with other parameters")]
    Parameters,
    /// An object of another epoch.
    #[error("an object of epoch {found} where epoch {expected} was expected")]
    Epoch {
        /// Expected.
        expected: u32,
        /// Found.
        found: u32,
    },
    /// A share that does not make its commitment: the dealer is to be complained of.
    #[error("the share of dealer {dealer} for set {set:#b} does not make its commitment")]
    Share {
        /// Who dealt it.
        dealer: u8,
        /// The set of members that do not hold it.
        set: u8,
    },
    /// The same share or commitment twice.
    #[error("the share of dealer {dealer} for set {set:#b} is there twice")]
    Repeated {
        /// Who dealt it.
        dealer: u8,
        /// The set of members that do not hold it.
        set: u8,
    },
    /// A share or commitment that is not there, or not to be there.
    #[error("the share of dealer {dealer} for set {set:#b} is missing or does not belong here")]
    Missing {
        /// Who dealt it.
        dealer: u8,
        /// The set of members that do not hold it.
        set: u8,
    },
    /// No dealer.
    #[error("a key needs at least {threshold} dealers, so that one of them is honest; {found} are there")]
    Dealers {
        /// Dealers needed.
        threshold: u32,
        /// Dealers found.
        found: u32,
    },
    /// Too many coefficients for one ciphertext, or one beyond its bound.
    #[error("key coefficient {index} is beyond the bound or the ciphertext's room")]
    Plaintext {
        /// Index of the coefficient.
        index: usize,
    },
    /// Ciphertexts of different rounds, epochs or polynomials.
    #[error("ciphertexts of different rounds, epochs or polynomials do not add up")]
    Block,
    /// A sum of more ciphertexts than the parameters allow.
    #[error("a sum of {terms} ciphertexts passes the largest cohort of {limit}")]
    Terms {
        /// Ciphertexts in the sum.
        terms: u32,
        /// Largest cohort.
        limit: u32,
    },
    /// Fewer members answered than the threshold.
    #[error("{found} members answered, {threshold} are needed")]
    BelowThreshold {
        /// Members needed.
        threshold: u32,
        /// Members found.
        found: u32,
    },
    /// A member's answer twice.
    #[error("member {0} answered twice")]
    RepeatedAnswer(u8),
    /// An answer to another ciphertext.
    #[error("member {0} answered for another ciphertext")]
    OtherCiphertext(u8),
    /// Two members' parts of one share differ by more than their noise: one of them is wrong.
    #[error(
        "members {first} and {second} disagree on the share of set {set:#b}: one of them is wrong"
    )]
    Disagreement {
        /// The set.
        set: u8,
        /// The first member.
        first: u8,
        /// The second member.
        second: u8,
    },
    /// A combined sum that no cohort can give.
    #[error("sum {value} at {index} is beyond {bound}: a ciphertext or an answer was wrong")]
    SumRange {
        /// Index of the coefficient.
        index: usize,
        /// The sum.
        value: i64,
        /// Largest absolute value.
        bound: i64,
    },
}

/// The key layer of one set of parameters and one public seed.
#[derive(Clone, Debug)]
pub struct KeyLayer {
    params: ThresholdParameters,
    ring: Ring,
    errors: ErrorSampler,
    public: Seed,
}

/// Tag of the seed of the public polynomial.
const PUBLIC_TAG: &[u8] = b"dream-kernels/threshold/public/1";

impl KeyLayer {
    /// The layer for checked parameters; `public` is the public seed of the chain, from which every epoch's a comes.
    pub fn new(params: ThresholdParameters, public: &Seed) -> Self {
        let ring = Ring::new(params.ring().degree(), params.ring().primes())
            .expect("checked parameters have a ring");
        Self {
            errors: ErrorSampler::new(params.ring().literal().error),
            public: public.derive(PUBLIC_TAG, &params.hash().0),
            ring,
            params,
        }
    }

    /// The parameters.
    pub fn params(&self) -> &ThresholdParameters {
        &self.params
    }

    /// The ring.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// The public polynomial a of an epoch.
    pub fn public(&self, epoch: u32) -> Poly<Ntt> {
        uniform_polynomial(&self.ring, &self.public, epoch, 0, 0)
    }

    fn check_member(&self, member: u8) -> Result<(), ThresholdError> {
        let members = self.params.literal().members;
        if u32::from(member) >= members {
            return Err(ThresholdError::Member { member, members });
        }
        Ok(())
    }

    /// poly += t e for small e.
    fn add_scaled_errors(&self, poly: &mut Poly<Coefficient>, errors: &[i32]) {
        let width = self.params.ring().packing().width();
        for (i, table) in self.ring.tables().iter().enumerate() {
            let modulus = table.modulus();
            let t = modulus.shoup(modulus.pow(2, width));
            for (x, e) in poly.limb_mut(i).iter_mut().zip(errors) {
                // e mod p without a branch: p is added where e is negative.
                let e = (*e as u32).wrapping_add(modulus.value() & ((*e >> 31) as u32));
                *x = modulus.add(*x, modulus.mul_shoup(e, t));
            }
        }
    }
}

#[cfg(test)]
mod tests;
