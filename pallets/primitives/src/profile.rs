// SPDX-License-Identifier: GPL-3.0-or-later
//! Numeric profiles: classes of machines that compute the same bits for a branch's recipe.

use crate::hashing::{hash, Domain};
use crate::recipe::Recipe;
use crate::{BlockNumber, BoundedVec, BranchId, ConstU32, H256};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Longest setting text.
pub const MAX_SETTING: u32 = 48;
/// A setting's text, as the library spells it.
pub type Setting = BoundedVec<u8, ConstU32<MAX_SETTING>>;

/// The pinned settings under which an account computes.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProfileSettings {
    /// Instruction set of the kernels, for example `avx2`.
    pub isa: Setting,
    /// Math mode of the linear algebra library, for example `COMPATIBLE`.
    pub math: Setting,
    /// Library and version, for example `libtorch 2.11.0`.
    pub library: Setting,
    /// Threads of one operation.
    pub threads: u16,
}

/// An account's numeric profile on a branch.
#[derive(
    Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProfileRecord {
    /// Settings that it computes under.
    pub settings: ProfileSettings,
    /// Calibration leaf: the profile's identity.
    pub leaf: H256,
    /// Block of the registration.
    pub since: BlockNumber,
    /// Head of the account's chain of secrets; each opened canary flag moves it by a link.
    pub secret: H256,
    /// Block since which the account has been on the branch's list of verifiers; none while it is not.
    pub enlisted: Option<BlockNumber>,
}

/// Calibration leaf: the hash of what one segment of `recipe` gave on the branch's public stream under `settings`. Accounts with equal leaves are in one profile; the leaf is the profile's identity.
pub fn calibration_leaf(
    genesis: &H256,
    branch: BranchId,
    recipe: &Recipe,
    settings: &ProfileSettings,
    end_state: &H256,
    digest: &H256,
) -> H256 {
    let (recipe, settings) = (recipe.encode(), settings.encode());
    hash(
        Domain::Calibration,
        genesis,
        &[
            &branch.to_le_bytes(),
            &recipe,
            &settings,
            end_state.as_bytes(),
            digest.as_bytes(),
        ],
    )
}

/// Commitment to a profile: made before the leaf is shown, so that nobody registers a leaf that it only read. `secret`
/// is the head of the account's chain of secrets ([`crate::claim::canary_link`]).
pub fn commitment(
    genesis: &H256,
    account: &[u8; 32],
    branch: BranchId,
    settings: &ProfileSettings,
    leaf: &H256,
    secret: &H256,
    salt: &H256,
) -> H256 {
    hash(
        Domain::Profile,
        genesis,
        &[
            account,
            &branch.to_le_bytes(),
            &settings.encode(),
            leaf.as_bytes(),
            secret.as_bytes(),
            salt.as_bytes(),
        ],
    )
}

/// Seed of a branch's public calibration stream, see [`calibration_window`].
pub fn calibration_seed(genesis: &H256, branch: BranchId) -> H256 {
    hash(Domain::Calibration, genesis, &[&branch.to_le_bytes()])
}

/// Window `slot` of calibration step `step`: `len` bytes of the branch's public stream.
pub fn calibration_window(seed: &H256, step: u64, slot: u32, len: u32) -> alloc::vec::Vec<u8> {
    let blocks = len.div_ceil(32);
    let mut out: alloc::vec::Vec<u8> = (0..blocks)
        .flat_map(|i| {
            let parts: [&[u8]; 4] = [
                seed.as_bytes(),
                &step.to_le_bytes(),
                &slot.to_le_bytes(),
                &i.to_le_bytes(),
            ];
            crate::hashing::content_hash(Domain::Calibration, &parts).0
        })
        .collect();
    out.truncate(crate::math::to_usize(len));
    out
}

/// Seed of the initial state that calibration trains from.
pub fn calibration_init(seed: &H256) -> u64 {
    u64::try_from(crate::hashing::low_u128(seed) >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_stream_should_differ_by_step_and_slot_and_have_the_length_asked_for() {
        let seed = calibration_seed(&H256::zero(), 1);
        assert_ne!(seed, calibration_seed(&H256::zero(), 2));
        let window = calibration_window(&seed, 1, 2, 129);
        assert_eq!(window.len(), 129);
        assert_ne!(window, calibration_window(&seed, 2, 1, 129));
        assert_ne!(window[..32], window[32..64]);
    }
}
