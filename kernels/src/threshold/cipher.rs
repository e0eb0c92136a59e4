// SPDX-License-Identifier: GPL-3.0-or-later
//! Encryption to the committee, sums, partial decryption with flooding, combination.

use zeroize::Zeroizing;

use super::{KeyLayer, MemberKey, PublicKey, ThresholdError};
use crate::params::ParameterHash;
use crate::ring::{Coefficient, Ntt, Poly};
use crate::sample::{flooding, ternary, Place, Purpose, Seed, Stream, ALL_LIMBS};
use crate::wire::{poly_bytes, Kind, Reader, WireError, Writer, HEADER};

/// Tag of the seed of an encryption.
const ENCRYPT_TAG: &[u8] = b"dream-kernels/threshold/encrypt/1";
/// Tag of the seed of an answer's flooding.
const FLOODING_TAG: &[u8] = b"dream-kernels/threshold/flooding/1";
/// Tag of the digest of a ciphertext.
const DIGEST_TAG: &[u8] = b"dream-kernels/threshold/ciphertext/1";

/// A ciphertext, or a sum of `terms` ciphertexts, of packed key coefficients: c0 = b u + t e0 + m, c1 = a u + t e1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyCiphertext {
    hash: ParameterHash,
    epoch: u32,
    dealers: u8,
    round: u32,
    polynomial: u32,
    terms: u32,
    c0: Poly<Ntt>,
    c1: Poly<Ntt>,
}

/// One member's answer: for each of its sets A, c1 s_A + t f with flooding noise f.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartialDecryption {
    hash: ParameterHash,
    member: u8,
    digest: [u8; 32],
    parts: Vec<(u8, Poly<Ntt>)>,
}

impl KeyCiphertext {
    /// Number of ciphertexts summed.
    pub fn terms(&self) -> u32 {
        self.terms
    }
}

impl PartialDecryption {
    /// The member that answers.
    pub fn member(&self) -> u8 {
        self.member
    }
}

#[cfg(test)]
impl KeyCiphertext {
    pub(super) fn c0_for_tests(&self) -> Poly<Ntt> {
        self.c0.clone()
    }

    pub(super) fn c1_for_tests(&self) -> Poly<Ntt> {
        self.c1.clone()
    }

    /// c1 = 0, so that an answer is its noise alone.
    pub(super) fn clear_for_tests(&mut self) {
        for i in 0..self.c1.limbs() {
            self.c1.limb_mut(i).fill(0);
        }
    }
}

#[cfg(test)]
impl PartialDecryption {
    pub(super) fn parts_for_tests(&self) -> Vec<Poly<Ntt>> {
        self.parts.iter().map(|(_, part)| part.clone()).collect()
    }
}

impl KeyLayer {
    /// Key coefficients that one ciphertext carries.
    pub fn values_per_ciphertext(&self) -> usize {
        self.params.ring().values_per_polynomial()
    }

    /// Encrypts up to [`Self::values_per_ciphertext`] coefficients of the data layer's keys; missing ones are zeros. `seed`
    /// must be secret and fresh for the round; the randomness also depends on the plaintext.
    ///
    /// # Errors
    /// [`ThresholdError::Plaintext`], [`ThresholdError::Parameters`].
    pub fn encrypt(
        &self,
        key: &PublicKey,
        seed: &Seed,
        round: u32,
        polynomial: u32,
        coefficients: &[i32],
    ) -> Result<KeyCiphertext, ThresholdError> {
        if key.hash != self.params.hash() {
            return Err(ThresholdError::Parameters);
        }
        let limit = self.values_per_ciphertext();
        let bound = self.params.ring().literal().plaintext_bound;
        let largest = coefficients.iter().fold(0, |m, c| c.unsigned_abs().max(m));
        if coefficients.len() > limit || largest > bound {
            let wrong = coefficients.iter().position(|c| c.unsigned_abs() > bound);
            return Err(ThresholdError::Plaintext {
                index: wrong.unwrap_or(limit),
            });
        }
        let packing = self.params.ring().packing();
        let mut packed = Zeroizing::new(vec![0i64; self.ring.degree()]);
        for (group, out) in coefficients.chunks(packing.slots()).zip(packed.iter_mut()) {
            *out = packing.pack(group.iter().map(|c| i64::from(*c)));
        }
        let mut context = Zeroizing::new(key.epoch.to_le_bytes().to_vec());
        packed.iter().for_each(|m| context.extend(m.to_le_bytes()));
        let seed = seed.derive(ENCRYPT_TAG, &context);
        let place = |purpose| Place {
            purpose,
            limb: ALL_LIMBS,
            segment: 0,
            round,
            polynomial,
        };
        let degree = self.ring.degree();
        let mut ephemeral = Zeroizing::new(vec![0i64; degree]);
        Stream::new(&seed, place(Purpose::Ephemeral)).words(degree, |at, word| {
            ephemeral[at] = i64::from(ternary(word));
        });
        let u = self.ring.from_signed(ephemeral.iter().copied());
        let u = Zeroizing::new(self.ring.forward(u));
        let masked = |message: Poly<Coefficient>, purpose, by: &Poly<Ntt>| {
            let mut poly = message;
            self.add_scaled_errors(&mut poly, &self.errors.draw(&seed, place(purpose), degree));
            let mut poly = self.ring.forward(poly);
            self.ring.mul_add(&mut poly, by, &u);
            poly
        };
        let message = self.ring.from_signed(packed.iter().copied());
        Ok(KeyCiphertext {
            hash: self.params.hash(),
            epoch: key.epoch,
            dealers: key.dealers,
            round,
            polynomial,
            terms: 1,
            c0: masked(message, Purpose::Error, &key.body),
            c1: masked(
                self.ring.zero(),
                Purpose::SecondError,
                &self.public(key.epoch),
            ),
        })
    }

    /// sum += other.
    ///
    /// # Errors
    /// [`ThresholdError::Parameters`], [`ThresholdError::Block`], [`ThresholdError::Terms`]; the sum is unchanged then.
    pub fn add(
        &self,
        sum: &mut KeyCiphertext,
        other: &KeyCiphertext,
    ) -> Result<(), ThresholdError> {
        let hash = self.params.hash();
        if sum.hash != hash || other.hash != hash {
            return Err(ThresholdError::Parameters);
        }
        let block = |c: &KeyCiphertext| (c.epoch, c.dealers, c.round, c.polynomial);
        if block(sum) != block(other) {
            return Err(ThresholdError::Block);
        }
        let terms = sum.terms.saturating_add(other.terms);
        self.check_terms(terms)?;
        self.ring.add(&mut sum.c0, &other.c0);
        self.ring.add(&mut sum.c1, &other.c1);
        sum.terms = terms;
        Ok(())
    }

    fn check_terms(&self, terms: u32) -> Result<(), ThresholdError> {
        let limit = self.params.ring().literal().max_miners;
        if terms == 0 || terms > limit {
            return Err(ThresholdError::Terms { terms, limit });
        }
        Ok(())
    }

    /// BLAKE2b-256 of the ciphertext's canonical bytes.
    pub fn digest(&self, ciphertext: &KeyCiphertext) -> [u8; 32] {
        let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
        state.update(DIGEST_TAG);
        state.update(&self.encode(ciphertext));
        let mut digest = [0; 32];
        digest.copy_from_slice(state.finalize().as_bytes());
        digest
    }

    /// A member's answer for a sum of ciphertexts. The flooding noise comes from `seed`, a long-term secret of the member, the
    /// ciphertext's digest and the set: asked again for the same sum a member gives the same answer, and asked for another
    /// sum other noise. A member must answer for one sum of each (round, polynomial) only.
    ///
    /// # Errors
    /// [`ThresholdError::Parameters`], [`ThresholdError::Epoch`], [`ThresholdError::Block`] where the key sums other dealers'
    /// shares than the public key did.
    pub fn partial_decrypt(
        &self,
        key: &MemberKey,
        seed: &Seed,
        sum: &KeyCiphertext,
    ) -> Result<PartialDecryption, ThresholdError> {
        let hash = self.params.hash();
        if key.hash != hash || sum.hash != hash {
            return Err(ThresholdError::Parameters);
        }
        if key.epoch != sum.epoch {
            return Err(ThresholdError::Epoch {
                expected: key.epoch,
                found: sum.epoch,
            });
        }
        if key.dealers != sum.dealers {
            return Err(ThresholdError::Block);
        }
        let digest = self.digest(sum);
        let parts = key.shares.iter().map(|(set, share)| {
            let mut part = self
                .ring
                .forward(self.scaled_flooding(seed, &digest, *set, sum));
            self.ring.mul_add(&mut part, &sum.c1, share);
            (*set, part)
        });
        Ok(PartialDecryption {
            hash,
            member: key.member,
            digest,
            parts: parts.collect(),
        })
    }

    /// t f, two words of the stream for each coefficient of f.
    fn scaled_flooding(
        &self,
        seed: &Seed,
        digest: &[u8; 32],
        set: u8,
        sum: &KeyCiphertext,
    ) -> Poly<Coefficient> {
        let seed = seed.derive(FLOODING_TAG, digest);
        let place = Place {
            purpose: Purpose::Flooding,
            limb: ALL_LIMBS,
            segment: set.into(),
            round: sum.round,
            polynomial: sum.polynomial,
        };
        let bits = self.params.literal().flooding_bits;
        let width = self.params.ring().packing().width();
        let degree = self.ring.degree();
        let mut words = Zeroizing::new(vec![0u64; 2 * degree]);
        Stream::new(&seed, place).words(2 * degree, |at, word| words[at] = word);
        let mut poly = self.ring.zero();
        for (i, table) in self.ring.tables().iter().enumerate() {
            let modulus = table.modulus();
            let t = modulus.shoup(modulus.pow(2, width));
            let two_64 = modulus.shoup(modulus.pow(2, 64));
            for (x, pair) in poly.limb_mut(i).iter_mut().zip(words.chunks_exact(2)) {
                let f = flooding(pair[0], pair[1], bits);
                let high = modulus.mul_shoup(modulus.from_i64((f >> 64) as i64), two_64);
                let residue = modulus.add(high, modulus.from_u64(f as u64));
                *x = modulus.mul_shoup(residue, t);
            }
        }
        poly
    }

    /// Combines at least t members' answers: the sums of the key coefficients, all
    /// [`Self::values_per_ciphertext`] of them. Where several members answer for a share, their parts must agree.
    ///
    /// # Errors
    /// [`ThresholdError::BelowThreshold`], [`ThresholdError::RepeatedAnswer`], [`ThresholdError::OtherCiphertext`],
    /// [`ThresholdError::Parameters`], [`ThresholdError::Disagreement`], [`ThresholdError::SumRange`].
    pub fn combine(
        &self,
        sum: &KeyCiphertext,
        answers: &[PartialDecryption],
    ) -> Result<Vec<i64>, ThresholdError> {
        if sum.hash != self.params.hash() {
            return Err(ThresholdError::Parameters);
        }
        let digest = self.digest(sum);
        for (i, answer) in answers.iter().enumerate() {
            if answer.hash != self.params.hash() {
                return Err(ThresholdError::Parameters);
            }
            self.check_member(answer.member)?;
            if answers[..i]
                .iter()
                .any(|other| other.member == answer.member)
            {
                return Err(ThresholdError::RepeatedAnswer(answer.member));
            }
            if answer.digest != digest {
                return Err(ThresholdError::OtherCiphertext(answer.member));
            }
        }
        let (threshold, found) = (self.params.literal().threshold, answers.len() as u32);
        if found < threshold {
            return Err(ThresholdError::BelowThreshold { threshold, found });
        }
        let mut phase = sum.c0.clone();
        for set in self.params.sets() {
            let mut parts = answers.iter().filter_map(|answer| {
                let part = answer.parts.iter().find(|(s, _)| s == set);
                part.map(|(_, part)| (answer.member, part))
            });
            // Any t members hold every share.
            let (first, part) = parts
                .next()
                .ok_or(ThresholdError::BelowThreshold { threshold, found })?;
            for (second, other) in parts {
                if !self.agree(part, other) {
                    return Err(ThresholdError::Disagreement {
                        set: *set,
                        first,
                        second,
                    });
                }
            }
            self.ring.sub(&mut phase, part);
        }
        self.unpack(sum, &self.ring.inverse(phase))
    }

    /// Whether two parts differ by t (f - f') with |f - f'| < 2^(bits + 1).
    fn agree(&self, part: &Poly<Ntt>, other: &Poly<Ntt>) -> bool {
        let mut difference = part.clone();
        self.ring.sub(&mut difference, other);
        let difference = self.ring.inverse(difference);
        let width = self.params.ring().packing().width();
        let bits = self.params.literal().flooding_bits;
        let factors: Vec<_> = self
            .ring
            .tables()
            .iter()
            .map(|table| {
                let modulus = table.modulus();
                let inverse = modulus.inverse(modulus.pow(2, width));
                (*modulus, modulus.shoup(inverse), modulus.pow(2, bits + 1))
            })
            .collect();
        (0..self.ring.degree()).all(|at| {
            // (f - f') + 2^(bits + 1) lies in (0, 2^(bits + 2)).
            let residues: Vec<u32> = factors
                .iter()
                .enumerate()
                .map(|(i, (modulus, by, shift))| {
                    modulus.add(modulus.mul_shoup(difference.limb(i)[at], *by), *shift)
                })
                .collect();
            let words = self.ring.crt().wide(&residues);
            let top = words.last().map_or(0, |w| 32 - w.leading_zeros());
            top + 32 * (words.len() as u32).saturating_sub(1) <= bits + 2
        })
    }

    fn unpack(
        &self,
        sum: &KeyCiphertext,
        phase: &Poly<Coefficient>,
    ) -> Result<Vec<i64>, ThresholdError> {
        let crt = self.ring.crt();
        let packing = self.params.ring().packing();
        let unused = 64 - packing.width();
        let mut digits = vec![0; crt.limbs()];
        let mut values = Vec::with_capacity(self.values_per_ciphertext());
        for at in 0..self.ring.degree() {
            let centred = crt.centred(|i| phase.limb(i)[at], &mut digits);
            // Modulo t, centred.
            let low = ((centred.low << unused) as i64) >> unused;
            packing.unpack(low as u64, |v| values.push(v));
        }
        let bound = i64::from(sum.terms) * i64::from(self.params.ring().literal().plaintext_bound);
        if let Some(index) = values.iter().position(|v| v.abs() > bound) {
            return Err(ThresholdError::SumRange {
                index,
                value: values[index],
                bound,
            });
        }
        Ok(values)
    }

    /// Bytes of a ciphertext.
    pub fn ciphertext_bytes(&self) -> usize {
        HEADER + 17 + 2 * poly_bytes(&self.ring)
    }

    /// Canonical bytes: header, epoch (4), dealers (1), round (4), polynomial (4), terms (4), c0, c1.
    pub fn encode(&self, ciphertext: &KeyCiphertext) -> Vec<u8> {
        let mut writer = Writer::new(
            Kind::KeyCiphertext,
            ciphertext.hash,
            self.ciphertext_bytes(),
        );
        writer.bytes(&ciphertext.epoch.to_le_bytes());
        writer.bytes(&[ciphertext.dealers]);
        writer.bytes(&ciphertext.round.to_le_bytes());
        writer.bytes(&ciphertext.polynomial.to_le_bytes());
        writer.bytes(&ciphertext.terms.to_le_bytes());
        writer.poly(&ciphertext.c0);
        writer.poly(&ciphertext.c1);
        writer.finish()
    }

    /// Reads [`Self::encode`]'s bytes.
    ///
    /// # Errors
    /// [`WireError`] for anything else.
    pub fn decode(&self, bytes: &[u8]) -> Result<KeyCiphertext, WireError> {
        let hash = self.params.hash();
        let mut reader = Reader::new(bytes, Kind::KeyCiphertext, hash, self.ciphertext_bytes())?;
        let epoch = u32::from_le_bytes(reader.array());
        let [dealers] = reader.array();
        let round = u32::from_le_bytes(reader.array());
        let polynomial = u32::from_le_bytes(reader.array());
        let terms = u32::from_le_bytes(reader.array());
        self.check_terms(terms).map_err(|_| WireError::Range {
            name: "number of summed ciphertexts",
            value: terms.into(),
        })?;
        Ok(KeyCiphertext {
            hash,
            epoch,
            dealers,
            round,
            polynomial,
            terms,
            c0: reader.poly(&self.ring)?,
            c1: reader.poly(&self.ring)?,
        })
    }

    /// Bytes of a member's answer: as many polynomials as a member holds shares, whatever the model's size.
    pub fn answer_bytes(&self) -> usize {
        HEADER + 33 + self.params.sets_of(0).count() * poly_bytes(&self.ring)
    }

    /// Canonical bytes: header, member (1), digest (32), the parts in the order of the member's sets.
    pub fn encode_answer(&self, answer: &PartialDecryption) -> Vec<u8> {
        let mut writer = Writer::new(Kind::PartialDecryption, answer.hash, self.answer_bytes());
        writer.bytes(&[answer.member]);
        writer.bytes(&answer.digest);
        for (_, part) in &answer.parts {
            writer.poly(part);
        }
        writer.finish()
    }

    /// Reads [`Self::encode_answer`]'s bytes.
    ///
    /// # Errors
    /// [`WireError`] for anything else.
    pub fn decode_answer(&self, bytes: &[u8]) -> Result<PartialDecryption, WireError> {
        let hash = self.params.hash();
        let mut reader = Reader::new(bytes, Kind::PartialDecryption, hash, self.answer_bytes())?;
        let [member] = reader.array();
        self.check_member(member).map_err(|_| WireError::Range {
            name: "member",
            value: member.into(),
        })?;
        let digest = reader.array();
        let parts = self
            .params
            .sets_of(member)
            .map(|set| Ok((set, reader.poly(&self.ring)?)));
        let parts = parts.collect::<Result<_, WireError>>()?;
        Ok(PartialDecryption {
            hash,
            member,
            digest,
            parts,
        })
    }
}
