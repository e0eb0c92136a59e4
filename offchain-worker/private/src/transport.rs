// SPDX-License-Identifier: GPL-3.0-or-later
//! Seeds of key shares, encrypted to their holders.
//!
//! X25519 (RFC 7748) between a fresh key of the dealer and the holder's transport key, HKDF with SHA-256 (RFC 5869) over the
//! shared secret, ChaCha20-Poly1305 (RFC 8439). The derived key depends on both public keys and on what is sent, and serves
//! one message. Crates: `x25519-dalek` (BSD-3-Clause), `hkdf`, `sha2` and `chacha20poly1305` (MIT or Apache-2.0).

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use dream_kernels::sample::Seed;
use dream_primitives::H256;
use hkdf::Hkdf;
use sha2::Sha256;
use thiserror::Error;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

/// Bytes of a sealed seed: the dealer's fresh public key, the seed, a tag of 16 bytes.
pub const SEALED_BYTES: usize = 32 + 32 + 16;

const TAG: &[u8] = b"dream-private/transport/1";

/// Why a seed cannot be sealed or opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum TransportError {
    /// A public key of small order: everybody would know the shared secret.
    #[error("transport key {0:?} is of small order: its owner made it wrongly")]
    WeakKey(H256),
    /// Not sealed for this holder and share, or changed on the way.
    #[error("the sealed seed does not open: it is for another holder or share, or was changed")]
    Sealed,
}

/// The public half of a transport key.
pub fn transport_key(secret: &Seed) -> H256 {
    H256(PublicKey::from(&StaticSecret::from(*secret.bytes())).to_bytes())
}

fn cipher(
    ours: &StaticSecret,
    theirs: &H256,
    sender: &H256,
    holder: &H256,
    context: &[u8],
) -> Result<ChaCha20Poly1305, TransportError> {
    let shared = ours.diffie_hellman(&PublicKey::from(theirs.0));
    if !shared.was_contributory() {
        return Err(TransportError::WeakKey(*theirs));
    }
    let mut key = Zeroizing::new([0; 32]);
    let info = [TAG, sender.as_bytes(), holder.as_bytes(), context];
    Hkdf::<Sha256>::new(None, shared.as_bytes())
        .expand_multi_info(&info, &mut *key)
        .expect("32 bytes are fewer than 255 hashes");
    let key: &[u8; 32] = &key;
    Ok(ChaCha20Poly1305::new(key.into()))
}

/// Seals `seed` to the owner of `holder`; `context` says which share it is, `fresh` must serve no other message.
///
/// # Errors
/// [`TransportError::WeakKey`].
pub fn seal(
    fresh: &Seed,
    holder: &H256,
    context: &[u8],
    seed: &Seed,
) -> Result<[u8; SEALED_BYTES], TransportError> {
    let secret = StaticSecret::from(*fresh.bytes());
    let sender = transport_key(fresh);
    let sealed = cipher(&secret, holder, &sender, holder, context)?
        .encrypt(&Nonce::default(), &seed.bytes()[..])
        .expect("32 bytes are within the cipher's limit");
    let mut out = [0; SEALED_BYTES];
    out[..32].copy_from_slice(sender.as_bytes());
    out[32..].copy_from_slice(&sealed);
    Ok(out)
}

/// Opens what [`seal`] made for the owner of `secret`.
///
/// # Errors
/// [`TransportError`].
pub fn open(secret: &Seed, context: &[u8], sealed: &[u8]) -> Result<Seed, TransportError> {
    let (sender, sealed) = sealed
        .split_first_chunk::<32>()
        .ok_or(TransportError::Sealed)?;
    let (sender, holder) = (H256(*sender), transport_key(secret));
    let ours = StaticSecret::from(*secret.bytes());
    let opened = cipher(&ours, &sender, &sender, &holder, context)?
        .decrypt(&Nonce::default(), sealed)
        .map_err(|_| TransportError::Sealed)?;
    let opened = Zeroizing::new(opened);
    let bytes = <[u8; 32]>::try_from(&opened[..]).map_err(|_| TransportError::Sealed)?;
    Ok(Seed::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(n: u8) -> Seed {
        Seed::new([n; 32])
    }

    #[test]
    fn sealed_seed_should_open_for_its_holder_and_share_only() {
        let holder = transport_key(&seed(1));
        let sealed = seal(&seed(2), &holder, b"share", &seed(3)).unwrap();
        assert_eq!(open(&seed(1), b"share", &sealed), Ok(seed(3)));
        assert_eq!(
            open(&seed(4), b"share", &sealed),
            Err(TransportError::Sealed)
        );
        assert_eq!(
            open(&seed(1), b"other", &sealed),
            Err(TransportError::Sealed)
        );
        for at in 0..SEALED_BYTES {
            let mut changed = sealed;
            changed[at] ^= 1;
            // The top bit of an X25519 key is ignored by the curve, not by the derivation.
            assert!(open(&seed(1), b"share", &changed).is_err(), "{at}");
        }
        assert_eq!(
            open(&seed(1), b"share", &sealed[..31]),
            Err(TransportError::Sealed)
        );
        assert_eq!(
            open(&seed(1), b"share", &sealed[..60]),
            Err(TransportError::Sealed)
        );
    }

    #[test]
    fn seal_should_refuse_a_key_of_small_order() {
        let zero = H256::zero();
        assert_eq!(
            seal(&seed(2), &zero, b"share", &seed(3)),
            Err(TransportError::WeakKey(zero))
        );
    }
}
