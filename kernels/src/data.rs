// SPDX-License-Identifier: GPL-3.0-or-later
//! The data layer: key-additive symmetric RLWE (docs/cryptography.md, section "Data layer").
//!
//! A miner encrypts a block of packed values as b = a s + t e + m, where a is public and the same for all miners of a round.
//! The sum of ciphertexts is a ciphertext of the sum of the values under the sum of the keys, and only that sum is ever
//! given to a decryptor.
//!
//! ```
//! use dream_kernels::data::{Block, DataLayer};
//! use dream_kernels::params::{Parameters, SA_4096};
//! use dream_kernels::sample::Seed;
//!
//! let layer = DataLayer::new(Parameters::new(SA_4096)?);
//! let public = Seed::new([1; 32]);
//! let block = Block { round: 5, segment: 0, polynomial: 0 };
//! let mut sum = None;
//! let mut keys = vec![0i64; 4096];
//! for (miner, values) in [[1i8, -2, 3], [10, 20, -30]].iter().enumerate() {
//!     let key = layer.secret_key(Seed::new([2 + miner as u8; 32]), block.round, block.segment);
//!     let ciphertext = layer.encrypt(&public, &key, block, values)?;
//!     match &mut sum {
//!         None => sum = Some(ciphertext),
//!         Some(sum) => layer.add(sum, &ciphertext)?,
//!     }
//!     keys.iter_mut().zip(key.coefficients()).for_each(|(k, c)| *k += i64::from(*c));
//! }
//! let key = layer.sum_key(block.round, block.segment, 2, &keys)?;
//! assert_eq!(layer.decrypt(&public, &sum.unwrap(), &key)?[..4], [11, 18, -27, 0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod all;

use zeroize::Zeroizing;

use crate::batch::encode_row;
use crate::params::{ParameterHash, Parameters};
use crate::ring::{Coefficient, Ntt, Poly, Ring};
pub use crate::sample::Block;
use crate::sample::{uniform_polynomial, ErrorSampler, Place, Purpose, Seed, ALL_LIMBS};
use crate::wire::{poly_bytes, Kind, Reader, WireError, Writer, HEADER};

/// Tag of the seed of a block's errors.
const ERROR_TAG: &[u8] = b"dream-kernels/data/error/1";

/// Why the data layer refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DataError {
    /// More values than a polynomial carries.
    #[error("{found} values do not fit one polynomial of {limit}")]
    Values {
        /// Values given.
        found: usize,
        /// Values that fit.
        limit: usize,
    },
    /// A plaintext beyond its bound.
    #[error("value {value} at {index} is beyond the plaintext bound {bound}")]
    PlaintextRange {
        /// Index of the first such value.
        index: usize,
        /// The value.
        value: i64,
        /// Largest absolute value.
        bound: u32,
    },
    /// A key of another round or segment, or made with other parameters.
    #[error("the key is for another round, segment or set of parameters")]
    Key,
    /// Ciphertexts of different blocks or parameters.
    #[error("ciphertexts of different blocks or parameters do not add up")]
    Block,
    /// A sum of more ciphertexts than the parameters allow.
    #[error("a sum of {terms} ciphertexts passes the largest cohort of {limit}")]
    Terms {
        /// Ciphertexts in the sum.
        terms: u32,
        /// Largest cohort.
        limit: u32,
    },
    /// Not N coefficients.
    #[error("{found} key coefficients where the degree is {degree}")]
    KeyLength {
        /// Coefficients given.
        found: usize,
        /// The degree.
        degree: usize,
    },
    /// A sum of keys beyond what that many keys can give.
    #[error(
        "key coefficient {value} at {index} is beyond {bound}, the most that {terms} keys can give"
    )]
    KeyRange {
        /// Index of the first such coefficient.
        index: usize,
        /// The coefficient.
        value: i64,
        /// Keys in the sum.
        terms: u32,
        /// Largest absolute value.
        bound: i64,
    },
    /// A decrypted sum beyond what that many plaintexts can give: a contribution was out of range, or the key is wrong.
    #[error("sum {value} at {index} is beyond {bound}: a contribution was out of range, or the keys do not belong to it")]
    SumRange {
        /// Index of the first such value.
        index: usize,
        /// The sum.
        value: i64,
        /// Largest absolute value.
        bound: i64,
    },
}

/// The data layer of one set of parameters.
#[derive(Clone, Debug)]
pub struct DataLayer {
    params: Parameters,
    ring: Ring,
    errors: ErrorSampler,
}

/// One miner's key for one segment of one round. Seed and key must serve no other round.
pub struct SecretKey {
    hash: ParameterHash,
    round: u32,
    segment: u16,
    seed: Seed,
    coefficients: Zeroizing<Vec<i32>>,
    values: Zeroizing<Poly<Ntt>>,
}

/// The sum of a cohort's keys for one segment of one round.
#[derive(Clone, Debug)]
pub struct SumKey {
    hash: ParameterHash,
    round: u32,
    segment: u16,
    terms: u32,
    values: Poly<Ntt>,
}

/// A ciphertext, or a sum of `terms` ciphertexts, of one block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ciphertext {
    hash: ParameterHash,
    block: Block,
    terms: u32,
    body: Poly<Ntt>,
}

impl SecretKey {
    /// Coefficients of the key, for the key layer to encrypt. At most the error bound in absolute value.
    pub fn coefficients(&self) -> &[i32] {
        &self.coefficients
    }
}

impl core::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SecretKey")
            .field("round", &self.round)
            .field("segment", &self.segment)
            .finish_non_exhaustive()
    }
}

impl Ciphertext {
    /// The block that it belongs to.
    pub fn block(&self) -> Block {
        self.block
    }

    /// Number of ciphertexts summed.
    pub fn terms(&self) -> u32 {
        self.terms
    }

    /// The residues, in the transform domain.
    pub fn body(&self) -> &Poly<Ntt> {
        &self.body
    }
}

/// The seed of a block's errors: bound to key and values, so that no two plaintexts of a block ever share errors.
fn error_seed(key: &SecretKey, packed: &[i64]) -> Seed {
    let mut context = Zeroizing::new(Vec::with_capacity(8 * packed.len()));
    packed.iter().for_each(|m| context.extend(m.to_le_bytes()));
    key.seed.derive(ERROR_TAG, &context)
}

impl DataLayer {
    /// The layer for checked parameters.
    pub fn new(params: Parameters) -> Self {
        let ring =
            Ring::new(params.degree(), params.primes()).expect("checked parameters have a ring");
        Self::with_ring(params, ring)
    }

    pub(crate) fn with_ring(params: Parameters, ring: Ring) -> Self {
        Self {
            errors: ErrorSampler::new(params.literal().error),
            ring,
            params,
        }
    }

    /// The parameters.
    pub fn params(&self) -> &Parameters {
        &self.params
    }

    /// The ring.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// A miner's key of a segment: drawn from the error distribution at the segment's place under the miner's seed. The
    /// seed must be fresh for this segment and round: whoever learns it, as an audit does, can make key and errors again.
    pub fn secret_key(&self, seed: Seed, round: u32, segment: u16) -> SecretKey {
        let place = Place {
            purpose: Purpose::Secret,
            limb: ALL_LIMBS,
            segment,
            round,
            polynomial: 0,
        };
        let coefficients = self.errors.draw(&seed, place, self.ring.degree());
        let values = self
            .ring
            .from_signed(coefficients.iter().map(|c| i64::from(*c)));
        SecretKey {
            hash: self.params.hash(),
            round,
            segment,
            seed,
            values: Zeroizing::new(self.ring.forward(values)),
            coefficients,
        }
    }

    /// The key of a sum of `terms` ciphertexts, from the sum of the keys' coefficients.
    ///
    /// # Errors
    /// [`DataError::KeyLength`], [`DataError::KeyRange`], [`DataError::Terms`].
    pub fn sum_key(
        &self,
        round: u32,
        segment: u16,
        terms: u32,
        coefficients: &[i64],
    ) -> Result<SumKey, DataError> {
        if coefficients.len() != self.ring.degree() {
            return Err(DataError::KeyLength {
                found: coefficients.len(),
                degree: self.ring.degree(),
            });
        }
        self.check_terms(terms)?;
        let bound = i64::from(terms) * i64::from(self.params.literal().error.bound());
        if let Some(index) = coefficients
            .iter()
            .position(|c| c.unsigned_abs() > bound as u64)
        {
            return Err(DataError::KeyRange {
                index,
                value: coefficients[index],
                terms,
                bound,
            });
        }
        let values = self.ring.from_signed(coefficients.iter().copied());
        Ok(SumKey {
            hash: self.params.hash(),
            round,
            segment,
            terms,
            values: self.ring.forward(values),
        })
    }

    /// The public polynomial a of a block.
    pub fn public(&self, seed: &Seed, block: Block) -> Poly<Ntt> {
        let Block {
            round,
            segment,
            polynomial,
        } = block;
        uniform_polynomial(&self.ring, seed, round, segment, polynomial)
    }

    /// Encrypts up to [`Parameters::values_per_polynomial`] values; missing ones are zeros. The errors are drawn under a seed
    /// derived from the key's seed and the values, so that no two plaintexts of a block ever share them.
    ///
    /// # Errors
    /// [`DataError::Values`], [`DataError::PlaintextRange`], [`DataError::Key`].
    pub fn encrypt<Value: Copy + Into<i64>>(
        &self,
        public: &Seed,
        key: &SecretKey,
        block: Block,
        values: &[Value],
    ) -> Result<Ciphertext, DataError> {
        if (key.hash, key.round, key.segment) != (self.params.hash(), block.round, block.segment) {
            return Err(DataError::Key);
        }
        let packed = self.pack(values)?;
        let mut body = self
            .ring
            .forward(self.plaintext_with_errors(key, block, &packed));
        let a = self.public(public, block);
        self.ring.mul_add(&mut body, &a, &key.values);
        Ok(Ciphertext {
            hash: self.params.hash(),
            block,
            terms: 1,
            body,
        })
    }

    fn pack<Value: Copy + Into<i64>>(
        &self,
        values: &[Value],
    ) -> Result<Zeroizing<Vec<i64>>, DataError> {
        let limit = self.params.values_per_polynomial();
        if values.len() > limit {
            return Err(DataError::Values {
                found: values.len(),
                limit,
            });
        }
        self.check_range(values)?;
        let packing = self.params.packing();
        let mut packed = Zeroizing::new(vec![0; self.ring.degree()]);
        for (group, out) in values.chunks(packing.slots()).zip(packed.iter_mut()) {
            *out = packing.pack(group.iter().map(|v| (*v).into()));
        }
        Ok(packed)
    }

    fn check_range<Value: Copy + Into<i64>>(&self, values: &[Value]) -> Result<(), DataError> {
        let bound = self.params.literal().plaintext_bound;
        // One flag for all, so that time tells nothing about the values of a valid block.
        let largest = values
            .iter()
            .fold(0u64, |m, v| m.max((*v).into().unsigned_abs()));
        if largest > u64::from(bound) {
            let wrong = |v: &Value| (*v).into().unsigned_abs() > u64::from(bound);
            let index = values.iter().position(wrong).unwrap_or(0);
            return Err(DataError::PlaintextRange {
                index,
                value: values[index].into(),
                bound,
            });
        }
        Ok(())
    }

    /// m + t e in residues.
    fn plaintext_with_errors(
        &self,
        key: &SecretKey,
        block: Block,
        packed: &[i64],
    ) -> Poly<Coefficient> {
        let seed = error_seed(key, packed);
        let place = block.place(Purpose::Error, ALL_LIMBS);
        let errors = self.errors.draw(&seed, place, self.ring.degree());
        let mut poly = self.ring.zero();
        let width = self.params.packing().width();
        for (i, table) in self.ring.tables().iter().enumerate() {
            encode_row(table.modulus(), width, packed, &errors, poly.limb_mut(i));
        }
        poly
    }

    /// sum += other.
    ///
    /// # Errors
    /// [`DataError::Block`], [`DataError::Terms`]; the sum is unchanged then.
    pub fn add(&self, sum: &mut Ciphertext, other: &Ciphertext) -> Result<(), DataError> {
        let ours = self.params.hash();
        if sum.hash != ours || other.hash != ours || sum.block != other.block {
            return Err(DataError::Block);
        }
        let terms = sum.terms.saturating_add(other.terms);
        self.check_terms(terms)?;
        self.ring.add(&mut sum.body, &other.body);
        sum.terms = terms;
        Ok(())
    }

    fn check_terms(&self, terms: u32) -> Result<(), DataError> {
        let limit = self.params.literal().max_miners;
        if terms == 0 || terms > limit {
            return Err(DataError::Terms { terms, limit });
        }
        Ok(())
    }

    /// Decrypts a sum with the sum of the keys: all [`Parameters::values_per_polynomial`] sums, in order.
    ///
    /// # Errors
    /// [`DataError::Key`] where the key is of another block or another number of miners, [`DataError::SumRange`].
    pub fn decrypt(
        &self,
        public: &Seed,
        sum: &Ciphertext,
        key: &SumKey,
    ) -> Result<Vec<i64>, DataError> {
        let ours = (
            self.params.hash(),
            sum.block.round,
            sum.block.segment,
            sum.terms,
        );
        if sum.hash != ours.0 || (key.hash, key.round, key.segment, key.terms) != ours {
            return Err(DataError::Key);
        }
        let phase = self.phase(public, sum, key);
        let crt = self.ring.crt();
        let packing = self.params.packing();
        let mut digits = vec![0; crt.limbs()];
        let mut values = Vec::with_capacity(self.params.values_per_polynomial());
        for at in 0..self.ring.degree() {
            let centred = crt.centred(|i| phase.limb(i)[at], &mut digits);
            packing.unpack(centred.low, |v| values.push(v));
        }
        let bound = i64::from(sum.terms) * i64::from(self.params.literal().plaintext_bound);
        if let Some(index) = values.iter().position(|v| v.abs() > bound) {
            return Err(DataError::SumRange {
                index,
                value: values[index],
                bound,
            });
        }
        Ok(values)
    }

    /// b - a S = t E + M.
    fn phase(&self, public: &Seed, sum: &Ciphertext, key: &SumKey) -> Poly<Coefficient> {
        let mut product = self.public(public, sum.block);
        self.ring.mul(&mut product, &key.values);
        let mut phase = sum.body.clone();
        self.ring.sub(&mut phase, &product);
        self.ring.inverse(phase)
    }

    /// Bytes of a ciphertext.
    pub fn ciphertext_bytes(&self) -> usize {
        HEADER + 14 + poly_bytes(&self.ring)
    }

    /// Canonical bytes: header, round (4), segment (2), polynomial (4), terms (4), residues.
    pub fn encode(&self, ciphertext: &Ciphertext) -> Vec<u8> {
        let mut writer = Writer::new(
            Kind::DataCiphertext,
            ciphertext.hash,
            self.ciphertext_bytes(),
        );
        writer.bytes(&ciphertext.block.round.to_le_bytes());
        writer.bytes(&ciphertext.block.segment.to_le_bytes());
        writer.bytes(&ciphertext.block.polynomial.to_le_bytes());
        writer.bytes(&ciphertext.terms.to_le_bytes());
        writer.poly(&ciphertext.body);
        writer.finish()
    }

    /// Reads [`Self::encode`]'s bytes.
    ///
    /// # Errors
    /// [`WireError`] for anything else, a number of terms that the parameters do not allow included.
    pub fn decode(&self, bytes: &[u8]) -> Result<Ciphertext, WireError> {
        let hash = self.params.hash();
        let mut reader = Reader::new(bytes, Kind::DataCiphertext, hash, self.ciphertext_bytes())?;
        let block = Block {
            round: u32::from_le_bytes(reader.array()),
            segment: u16::from_le_bytes(reader.array()),
            polynomial: u32::from_le_bytes(reader.array()),
        };
        let terms = u32::from_le_bytes(reader.array());
        self.check_terms(terms).map_err(|_| WireError::Range {
            name: "number of summed ciphertexts",
            value: terms.into(),
        })?;
        Ok(Ciphertext {
            hash,
            block,
            terms,
            body: reader.poly(&self.ring)?,
        })
    }
}

#[cfg(test)]
mod tests;
