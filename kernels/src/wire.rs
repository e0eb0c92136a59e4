// SPDX-License-Identifier: GPL-3.0-or-later
//! Canonical bytes: one encoding for each object, everything else is refused.
//!
//! All numbers are little-endian. An object begins with a version byte, a kind byte and the 32-byte hash of its parameters.
//! A limb is a bit string of N residues of 30 bits each, the first lowest: 15 bytes for four residues.

use crate::params::ParameterHash;
use crate::ring::{Poly, Ring};

/// Version of every encoding here.
pub const VERSION: u8 = 1;

/// Bits of a residue on the wire.
const RESIDUE_BITS: usize = 30;

/// What an encoding holds. Numbers are part of the format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Ciphertext of the data layer.
    DataCiphertext = 1,
    /// Public half of a dealt key share.
    Commitment = 2,
    /// Ciphertext of the key layer.
    KeyCiphertext = 3,
    /// One member's partial decryption of a key-layer ciphertext.
    PartialDecryption = 4,
    /// Public key of an epoch.
    PublicKey = 5,
}

/// Why bytes are refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WireError {
    /// Another version.
    #[error("version {0} of the encoding is not known; this program reads version 1")]
    Version(u8),
    /// Another kind of object.
    #[error("kind {found} where kind {expected} was expected")]
    Kind {
        /// The kind asked for.
        expected: u8,
        /// The kind byte found.
        found: u8,
    },
    /// Made with other parameters.
    #[error("the object was made with other parameters")]
    Parameters,
    /// Truncated or over-long.
    #[error("{found} bytes where {expected} were expected")]
    Length {
        /// Bytes of the only valid encoding.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A residue is not below its prime.
    #[error("residue {value} at {index} of limb {limb} is not below its prime {prime}")]
    Residue {
        /// Limb.
        limb: usize,
        /// Index in the limb.
        index: usize,
        /// What was found.
        value: u32,
        /// The prime.
        prime: u32,
    },
    /// A number outside of its range.
    #[error("{name} is {value}, outside of its range")]
    Range {
        /// Which number.
        name: &'static str,
        /// What was found.
        value: u64,
    },
}

/// Bytes of the version, the kind and the hash.
pub const HEADER: usize = 34;

/// Bytes of a polynomial of the ring.
pub fn poly_bytes(ring: &Ring) -> usize {
    ring.limbs() * ring.degree() * RESIDUE_BITS / 8
}

/// Writes an object.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new(kind: Kind, hash: ParameterHash, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity);
        bytes.extend([VERSION, kind as u8]);
        bytes.extend(hash.0);
        Self(bytes)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn poly<Domain>(&mut self, poly: &Poly<Domain>) {
        for i in 0..poly.limbs() {
            for four in poly.limb(i).chunks_exact(4) {
                let joined = four
                    .iter()
                    .rev()
                    .fold(0u128, |sum, x| (sum << RESIDUE_BITS) | u128::from(*x));
                self.0.extend_from_slice(&joined.to_le_bytes()[..15]);
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads an object whose length was checked.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Checks version, kind, parameters and length, in this order, so that the error says what is really wrong.
    pub(crate) fn new(
        bytes: &'a [u8],
        kind: Kind,
        hash: ParameterHash,
        length: usize,
    ) -> Result<Self, WireError> {
        let wrong_length = WireError::Length {
            expected: length,
            found: bytes.len(),
        };
        let (head, rest) = bytes.split_at_checked(HEADER).ok_or(wrong_length)?;
        if head[0] != VERSION {
            return Err(WireError::Version(head[0]));
        }
        if head[1] != kind as u8 {
            return Err(WireError::Kind {
                expected: kind as u8,
                found: head[1],
            });
        }
        if head[2..] != hash.0 {
            return Err(WireError::Parameters);
        }
        if bytes.len() != length {
            return Err(wrong_length);
        }
        Ok(Self(rest))
    }

    /// The next bytes.
    ///
    /// # Panics
    /// Past the end, which the length check rules out for a reader that takes what the writer wrote.
    pub(crate) fn array<const L: usize>(&mut self) -> [u8; L] {
        let (now, rest) = self.0.split_at(L);
        self.0 = rest;
        let mut array = [0; L];
        array.copy_from_slice(now);
        array
    }

    pub(crate) fn poly<Domain>(&mut self, ring: &Ring) -> Result<Poly<Domain>, WireError> {
        let mut poly = ring.zero();
        for (limb, table) in ring.tables().iter().enumerate() {
            let prime = table.modulus().value();
            for (four, out) in poly.limb_mut(limb).chunks_exact_mut(4).enumerate() {
                let mut joined = [0; 16];
                joined[..15].copy_from_slice(&self.array::<15>());
                let mut joined = u128::from_le_bytes(joined);
                for (i, x) in out.iter_mut().enumerate() {
                    let value = (joined as u32) & ((1 << RESIDUE_BITS) - 1);
                    if value >= prime {
                        return Err(WireError::Residue {
                            limb,
                            index: 4 * four + i,
                            value,
                            prime,
                        });
                    }
                    *x = value;
                    joined >>= RESIDUE_BITS;
                }
            }
        }
        Ok(poly)
    }
}
