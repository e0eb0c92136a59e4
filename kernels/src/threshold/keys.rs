// SPDX-License-Identifier: GPL-3.0-or-later
//! Dealing of shares, their check, and the keys that come of them.

use zeroize::Zeroizing;

use super::{KeyLayer, ThresholdError};
use crate::params::ParameterHash;
use crate::ring::{Ntt, Poly};
use crate::sample::{ternary, Place, Purpose, Seed, Stream, ALL_LIMBS};
use crate::wire::{poly_bytes, Kind, Reader, WireError, Writer, HEADER};

/// Tag of the seed of a share.
const SHARE_TAG: &[u8] = b"dream-kernels/threshold/share/1";

/// What a member deals: a seed for every set of t - 1 members, to be sent to the members outside of the set, and nobody
/// else. The seed is the share: secret and error are drawn from it.
#[derive(Clone, Debug)]
pub struct Dealing {
    /// Who deals.
    pub dealer: u8,
    /// For which epoch.
    pub epoch: u32,
    /// (set, share), in the order of the parameters' sets.
    pub shares: Vec<(u8, Seed)>,
}

/// What a dealer publishes for a share: b = a s + t e.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commitment {
    pub(super) hash: ParameterHash,
    /// Who dealt the share.
    pub dealer: u8,
    /// The set of members that do not hold it.
    pub set: u8,
    /// For which epoch.
    pub epoch: u32,
    pub(super) body: Poly<Ntt>,
}

/// The public key of an epoch: the sum of all dealers' commitments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    pub(super) hash: ParameterHash,
    /// The epoch.
    pub epoch: u32,
    /// The dealers whose shares it sums, as a bit mask.
    pub dealers: u8,
    pub(super) body: Poly<Ntt>,
}

/// What a member holds in an epoch: for each of its sets the sum of the dealers' secrets.
pub struct MemberKey {
    pub(super) hash: ParameterHash,
    /// The member.
    pub member: u8,
    /// The epoch.
    pub epoch: u32,
    /// The dealers whose shares it sums, as a bit mask.
    pub dealers: u8,
    pub(super) shares: Vec<(u8, Zeroizing<Poly<Ntt>>)>,
}

impl core::fmt::Debug for MemberKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MemberKey")
            .field("member", &self.member)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl KeyLayer {
    /// A member's dealing of an epoch, from its long-term seed.
    ///
    /// # Errors
    /// [`ThresholdError::Member`].
    pub fn deal(&self, dealer: u8, seed: &Seed, epoch: u32) -> Result<Dealing, ThresholdError> {
        self.check_member(dealer)?;
        let share = |set: &u8| {
            let mut context = self.params.hash().0.to_vec();
            context.extend(epoch.to_le_bytes());
            context.extend([dealer, *set]);
            (*set, seed.derive(SHARE_TAG, &context))
        };
        Ok(Dealing {
            dealer,
            epoch,
            shares: self.params.sets().iter().map(share).collect(),
        })
    }

    fn share_place(&self, purpose: Purpose, epoch: u32, dealer: u8, set: u8) -> Place {
        Place {
            purpose,
            limb: ALL_LIMBS,
            segment: u16::from_le_bytes([set, dealer]),
            round: epoch,
            polynomial: 0,
        }
    }

    /// The ternary secret of a share, in the transform domain.
    fn share_secret(&self, epoch: u32, dealer: u8, set: u8, share: &Seed) -> Zeroizing<Poly<Ntt>> {
        let mut coefficients = Zeroizing::new(vec![0i64; self.ring.degree()]);
        let place = self.share_place(Purpose::Secret, epoch, dealer, set);
        Stream::new(share, place).words(self.ring.degree(), |at, word| {
            coefficients[at] = i64::from(ternary(word));
        });
        let poly = self.ring.from_signed(coefficients.iter().copied());
        Zeroizing::new(self.ring.forward(poly))
    }

    /// The commitment to a share.
    ///
    /// # Errors
    /// [`ThresholdError::Member`], and [`ThresholdError::Missing`] for a set that has no share.
    pub fn commit(
        &self,
        epoch: u32,
        dealer: u8,
        set: u8,
        share: &Seed,
    ) -> Result<Commitment, ThresholdError> {
        self.check_member(dealer)?;
        if !self.params.sets().contains(&set) {
            return Err(ThresholdError::Missing { dealer, set });
        }
        let place = self.share_place(Purpose::Error, epoch, dealer, set);
        let errors = self.errors.draw(share, place, self.ring.degree());
        let mut scaled = self.ring.zero();
        self.add_scaled_errors(&mut scaled, &errors);
        let mut body = self.ring.forward(scaled);
        let secret = self.share_secret(epoch, dealer, set, share);
        self.ring.mul_add(&mut body, &self.public(epoch), &secret);
        Ok(Commitment {
            hash: self.params.hash(),
            dealer,
            set,
            epoch,
            body,
        })
    }

    /// Checks a share that a member got against the dealer's commitment.
    ///
    /// # Errors
    /// [`ThresholdError::Share`]: the dealer is to be complained of, with the share as evidence. [`ThresholdError::Parameters`].
    pub fn check_share(&self, commitment: &Commitment, share: &Seed) -> Result<(), ThresholdError> {
        let Commitment {
            dealer, set, epoch, ..
        } = *commitment;
        if commitment.hash != self.params.hash() {
            return Err(ThresholdError::Parameters);
        }
        if self.commit(epoch, dealer, set, share)? != *commitment {
            return Err(ThresholdError::Share { dealer, set });
        }
        Ok(())
    }

    /// The members of a mask, after a check that there are at least t.
    fn dealers(&self, mask: u8) -> Result<impl Iterator<Item = u8> + Clone, ThresholdError> {
        let threshold = self.params.literal().threshold;
        self.check_member(7 - mask.leading_zeros().min(7) as u8)?;
        if mask.count_ones() < threshold {
            return Err(ThresholdError::Dealers {
                threshold,
                found: mask.count_ones(),
            });
        }
        Ok((0..8).filter(move |dealer| mask >> dealer & 1 == 1))
    }

    /// The public key of the dealers in `mask`: every dealer's commitment to every set, once. At least t dealers are needed,
    /// of whom one is honest; a dealer that was complained of is left out of the mask and of the commitments.
    ///
    /// # Errors
    /// [`ThresholdError::Dealers`], [`ThresholdError::Missing`], [`ThresholdError::Repeated`], [`ThresholdError::Epoch`],
    /// [`ThresholdError::Parameters`].
    pub fn public_key(
        &self,
        epoch: u32,
        mask: u8,
        commitments: &[Commitment],
    ) -> Result<PublicKey, ThresholdError> {
        let dealers = self.dealers(mask)?;
        let mut body = self.ring.zero();
        let mut seen = vec![];
        for commitment in commitments {
            let Commitment {
                dealer,
                set,
                epoch: found,
                ..
            } = *commitment;
            if commitment.hash != self.params.hash() {
                return Err(ThresholdError::Parameters);
            }
            if found != epoch {
                return Err(ThresholdError::Epoch {
                    expected: epoch,
                    found,
                });
            }
            if seen.contains(&(dealer, set)) {
                return Err(ThresholdError::Repeated { dealer, set });
            }
            if !dealers.clone().any(|d| d == dealer) || !self.params.sets().contains(&set) {
                return Err(ThresholdError::Missing { dealer, set });
            }
            seen.push((dealer, set));
            self.ring.add(&mut body, &commitment.body);
        }
        for dealer in dealers {
            for set in self.params.sets() {
                if !seen.contains(&(dealer, *set)) {
                    return Err(ThresholdError::Missing { dealer, set: *set });
                }
            }
        }
        Ok(PublicKey {
            hash: self.params.hash(),
            epoch,
            dealers: mask,
            body,
        })
    }

    /// A member's key: `shares` holds (dealer, set, share) for every dealer in `mask` and every set of the member, once. Each
    /// share must have passed [`Self::check_share`].
    ///
    /// # Errors
    /// [`ThresholdError::Member`], [`ThresholdError::Dealers`], [`ThresholdError::Missing`], [`ThresholdError::Repeated`].
    pub fn member_key(
        &self,
        member: u8,
        epoch: u32,
        mask: u8,
        shares: &[(u8, u8, Seed)],
    ) -> Result<MemberKey, ThresholdError> {
        self.check_member(member)?;
        let dealers = self.dealers(mask)?;
        for (i, (dealer, set, _)) in shares.iter().enumerate() {
            let (dealer, set) = (*dealer, *set);
            if shares[..i]
                .iter()
                .any(|(d, s, _)| (*d, *s) == (dealer, set))
            {
                return Err(ThresholdError::Repeated { dealer, set });
            }
            let wanted = dealers.clone().any(|d| d == dealer)
                && self.params.sets_of(member).any(|s| s == set);
            if !wanted {
                return Err(ThresholdError::Missing { dealer, set });
            }
        }
        let mut sums = vec![];
        for set in self.params.sets_of(member) {
            let mut sum = Zeroizing::new(self.ring.zero());
            for dealer in dealers.clone() {
                let found = shares.iter().find(|(d, s, _)| (*d, *s) == (dealer, set));
                let (_, _, share) = found.ok_or(ThresholdError::Missing { dealer, set })?;
                let secret = self.share_secret(epoch, dealer, set, share);
                self.ring.add(&mut sum, &secret);
            }
            sums.push((set, sum));
        }
        Ok(MemberKey {
            hash: self.params.hash(),
            member,
            epoch,
            dealers: mask,
            shares: sums,
        })
    }

    /// Bytes of a commitment.
    pub fn commitment_bytes(&self) -> usize {
        HEADER + 6 + poly_bytes(&self.ring)
    }

    /// Canonical bytes: header, epoch (4), dealer (1), set (1), residues.
    pub fn encode_commitment(&self, commitment: &Commitment) -> Vec<u8> {
        let mut writer = Writer::new(Kind::Commitment, commitment.hash, self.commitment_bytes());
        writer.bytes(&commitment.epoch.to_le_bytes());
        writer.bytes(&[commitment.dealer, commitment.set]);
        writer.poly(&commitment.body);
        writer.finish()
    }

    /// Reads [`Self::encode_commitment`]'s bytes.
    ///
    /// # Errors
    /// [`WireError`] for anything else.
    pub fn decode_commitment(&self, bytes: &[u8]) -> Result<Commitment, WireError> {
        let hash = self.params.hash();
        let mut reader = Reader::new(bytes, Kind::Commitment, hash, self.commitment_bytes())?;
        let epoch = u32::from_le_bytes(reader.array());
        let [dealer, set] = reader.array();
        let range = |name, value: u8| WireError::Range {
            name,
            value: value.into(),
        };
        self.check_member(dealer)
            .map_err(|_| range("dealer", dealer))?;
        if !self.params.sets().contains(&set) {
            return Err(range("set", set));
        }
        Ok(Commitment {
            hash,
            dealer,
            set,
            epoch,
            body: reader.poly(&self.ring)?,
        })
    }

    /// Bytes of a public key.
    pub fn public_key_bytes(&self) -> usize {
        HEADER + 5 + poly_bytes(&self.ring)
    }

    /// Canonical bytes: header, epoch (4), dealers (1), residues.
    pub fn encode_public_key(&self, key: &PublicKey) -> Vec<u8> {
        let mut writer = Writer::new(Kind::PublicKey, key.hash, self.public_key_bytes());
        writer.bytes(&key.epoch.to_le_bytes());
        writer.bytes(&[key.dealers]);
        writer.poly(&key.body);
        writer.finish()
    }

    /// Reads [`Self::encode_public_key`]'s bytes.
    ///
    /// # Errors
    /// [`WireError`] for anything else, fewer dealers than the threshold or others than the committee has included.
    pub fn decode_public_key(&self, bytes: &[u8]) -> Result<PublicKey, WireError> {
        let hash = self.params.hash();
        let mut reader = Reader::new(bytes, Kind::PublicKey, hash, self.public_key_bytes())?;
        let epoch = u32::from_le_bytes(reader.array());
        let [dealers] = reader.array();
        if self.dealers(dealers).is_err() {
            return Err(WireError::Range {
                name: "dealers",
                value: dealers.into(),
            });
        }
        Ok(PublicKey {
            hash,
            epoch,
            dealers,
            body: reader.poly(&self.ring)?,
        })
    }
}
