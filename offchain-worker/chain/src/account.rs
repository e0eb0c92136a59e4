// SPDX-License-Identifier: GPL-3.0-or-later
//! Account identifiers and their SS58 text form.

use std::fmt;
use std::str::FromStr;

use codec::{Decode, Encode, MaxEncodedLen};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// SS58 prefix of the text form: that of a substrate chain without a registered one.
pub const SS58_PREFIX: u8 = 42;

const CHECKSUM_DOMAIN: &[u8] = b"SS58PRE";
const CHECKSUM: usize = 2;

/// The public key that owns an account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, MaxEncodedLen)]
pub struct AccountId(pub [u8; 32]);

/// Why a text is no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// Not base58.
    #[error("{text:?} is no SS58 address: not base58")]
    Base58 {
        /// What was read.
        text: String,
    },
    /// Not a prefix, 32 bytes and a checksum.
    #[error("{text:?} is no SS58 address of an account: {bytes} bytes where there should be 35")]
    Length {
        /// What was read.
        text: String,
        /// Bytes that it decodes to.
        bytes: usize,
    },
    /// An address for another network.
    #[error("{text:?} has the SS58 prefix {found}; this chain's addresses have the prefix {SS58_PREFIX}")]
    Prefix {
        /// What was read.
        text: String,
        /// Its prefix.
        found: u8,
    },
    /// A letter is wrong.
    #[error("{text:?} is no SS58 address: its checksum does not fit, so a letter is wrong")]
    Checksum {
        /// What was read.
        text: String,
    },
}

fn checksum(payload: &[u8]) -> [u8; CHECKSUM] {
    let mut state = blake2b_simd::State::new();
    state.update(CHECKSUM_DOMAIN).update(payload);
    let hash = state.finalize();
    [hash.as_bytes()[0], hash.as_bytes()[1]]
}

impl AccountId {
    /// The raw public key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for AccountId {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![SS58_PREFIX];
        bytes.extend_from_slice(&self.0);
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        f.pad(&bs58::encode(bytes).into_string())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for AccountId {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let owned = || text.to_owned();
        let bytes = bs58::decode(text)
            .into_vec()
            .map_err(|_| AccountError::Base58 { text: owned() })?;
        let length = || AccountError::Length {
            text: owned(),
            bytes: bytes.len(),
        };
        let (payload, sum) = bytes.split_last_chunk::<CHECKSUM>().ok_or_else(length)?;
        let (prefix, key) = payload.split_first().ok_or_else(length)?;
        let key: [u8; 32] = key.try_into().map_err(|_| length())?;
        if *sum != checksum(payload) {
            return Err(AccountError::Checksum { text: owned() });
        }
        if *prefix != SS58_PREFIX {
            return Err(AccountError::Prefix {
                text: owned(),
                found: *prefix,
            });
        }
        Ok(Self(key))
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The well-known development account //Alice (sr25519).
    const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
    const ALICE_KEY: [u8; 32] = [
        0xd4, 0x35, 0x93, 0xc7, 0x15, 0xfd, 0xd3, 0x1c, 0x61, 0x14, 0x1a, 0xbd, 0x04, 0xa9, 0x9f,
        0xd6, 0x82, 0x2c, 0x85, 0x58, 0x85, 0x4c, 0xcd, 0xe3, 0x9a, 0x56, 0x84, 0xe7, 0xa5, 0x6d,
        0xa2, 0x7d,
    ];

    #[test]
    fn account_should_have_the_well_known_text_form() {
        assert_eq!(AccountId(ALICE_KEY).to_string(), ALICE);
        assert_eq!(ALICE.parse(), Ok(AccountId(ALICE_KEY)));
        assert_eq!(
            serde_json::to_string(&AccountId(ALICE_KEY)).unwrap(),
            format!("\"{ALICE}\"")
        );
        let read: AccountId = serde_json::from_str(&format!("\"{ALICE}\"")).unwrap();
        assert_eq!(read, AccountId(ALICE_KEY));
        assert_eq!(AccountId(ALICE_KEY).encode(), ALICE_KEY);
    }

    #[test]
    fn parse_should_name_what_is_wrong_when_text_is_no_account() {
        let parse = |s: &str| s.parse::<AccountId>().unwrap_err();
        assert!(matches!(parse("0OIl"), AccountError::Base58 { .. }));
        assert!(matches!(parse(""), AccountError::Length { bytes: 0, .. }));
        assert!(matches!(
            parse(&ALICE[1..]),
            AccountError::Length { .. } | AccountError::Checksum { .. }
        ));
        let typo = ALICE.replace("Gr", "rG");
        assert!(matches!(parse(&typo), AccountError::Checksum { .. }));
        // The same key as a Polkadot address (prefix 0).
        let polkadot = "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5";
        assert!(matches!(
            parse(polkadot),
            AccountError::Prefix { found: 0, .. }
        ));
    }
}
