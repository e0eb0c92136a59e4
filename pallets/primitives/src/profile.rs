// SPDX-License-Identifier: GPL-3.0-or-later
//! Numeric profiles: classes of machines that compute the same bits for a branch's recipe.

use crate::hashing::{hash, Domain};
use crate::{BoundedVec, BranchId, ConstU32, H256};
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

/// Calibration leaf: the hash of what one segment of the branch's recipe gave on the branch's public stream under
/// `settings`. Accounts with equal leaves are in one profile; the leaf is the profile's identity.
pub fn calibration_leaf(
    genesis: &H256,
    branch: BranchId,
    settings: &ProfileSettings,
    end_state: &H256,
    digest: &H256,
) -> H256 {
    let settings = settings.encode();
    hash(
        Domain::Calibration,
        genesis,
        &[
            &branch.to_le_bytes(),
            &settings,
            end_state.as_bytes(),
            digest.as_bytes(),
        ],
    )
}

/// Seed of a branch's public calibration stream; the stream's miner is the zero account.
pub fn calibration_seed(genesis: &H256, branch: BranchId) -> H256 {
    hash(Domain::Calibration, genesis, &[&branch.to_le_bytes()])
}
