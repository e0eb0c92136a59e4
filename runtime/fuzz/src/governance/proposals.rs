// SPDX-License-Identifier: GPL-3.0-or-later
//! What referenda propose.

use crate::chain::{recipe, BRANCH};
use crate::world::Actor;
use crate::Source;
use dream_primitives::data::MixtureEntry;
use dream_primitives::recipe::{AggregationRule, Recipe};
use dream_primitives::registry::Admission;
use dream_primitives::value::Shard;
use dream_primitives::{BoundedVec, DREAM, H256};
use dream_runtime::origins::Origin;
use dream_runtime::{ChainParameters, OriginCaller, Runtime, RuntimeCall};
use frame_support::traits::Get;
use frame_system::RawOrigin;
use pallet_data_registry::Call as Data;
use pallet_model_registry::Call as Models;
use pallet_referenda::Call as Referenda;
use polkadot_sdk::*;

/// The origin of a track.
pub fn origin(track: u16) -> OriginCaller {
    let origin = match track {
        0 => return RawOrigin::Root.into(),
        1 => Origin::Recipe,
        2 => Origin::Mixture,
        3 => Origin::Branches,
        4 => Origin::Revert,
        5 => Origin::Spend,
        6 => Origin::Cancel,
        _ => Origin::Kill,
    };
    origin.into()
}

/// The track whose proposal a referendum of `track` has: mostly its own.
pub fn chosen(track: u16, how: u8) -> u16 {
    match how % 16 {
        15 => u16::from(how / 16) % 8,
        _ => track,
    }
}

/// Something that a track decides.
pub fn proposal(track: u16, source: &mut Source) -> RuntimeCall {
    let byte = source.byte();
    match track {
        0 => parameters(byte),
        1 => Models::set_recipe {
            branch: BRANCH,
            recipe: changed(byte),
        }
        .into(),
        2 => data(byte),
        3 => branches(byte),
        4 => revert(byte),
        5 => pallet_treasury::Call::spend {
            asset_kind: Box::new(()),
            amount: u128::from(byte).saturating_mul(DREAM),
            beneficiary: Box::new(Actor::of(byte).account()),
            valid_from: None,
        }
        .into(),
        6 => Referenda::cancel { index: some(byte) }.into(),
        _ => Referenda::kill { index: some(byte) }.into(),
    }
}

/// A referendum that is under way.
fn some(byte: u8) -> u32 {
    let open = super::ongoing();
    let at = usize::from(byte).checked_rem(open.len()).unwrap_or(0);
    open.get(at).copied().unwrap_or_default()
}

fn parameters(byte: u8) -> RuntimeCall {
    let mut p = ChainParameters::get();
    match byte % 4 {
        // An hour of one block becomes one of two, and back.
        0 => p.governance.hour_blocks = 3u32.saturating_sub(p.governance.hour_blocks),
        1 => p.governance.decision_deposit = DREAM.saturating_mul(u128::from(byte)),
        2 => p.round.training_blocks = p.round.training_blocks.saturating_add(1),
        // Refused: it counts from genesis.
        _ => p.rewards.credit_half_life = p.rewards.credit_half_life.saturating_mul(2),
    }
    let parameters = Box::new(p);
    pallet_chain_parameters::Call::set_parameters { parameters }.into()
}

fn changed(byte: u8) -> Recipe {
    Recipe {
        rule: if byte.is_multiple_of(2) {
            AggregationRule::Median
        } else {
            AggregationRule::WeightedMean
        },
        // Without a step it is refused.
        steps: u16::from(byte % 8 / 2),
        ..recipe()
    }
}

fn data(byte: u8) -> RuntimeCall {
    let branch = BRANCH;
    if byte % 4 == 3 {
        let shard = Shard {
            root: H256::repeat_byte(byte),
            samples: 4,
            window: 129,
            steward: Actor::of(byte).account(),
        };
        return Data::commit_shard { branch, shard }.into();
    }
    // Its bits are data sets; none: the branch opens no round.
    let sets = (0u32..3).filter(|set| (byte >> 2) & (1 << set) != 0);
    let entry = |dataset| MixtureEntry { dataset, weight: 1 };
    let mixture = BoundedVec::truncate_from(sets.map(entry).collect());
    Data::set_mixture { branch, mixture }.into()
}

fn branches(byte: u8) -> RuntimeCall {
    let branch = BRANCH;
    let admission = Admission {
        share: 500_000,
        units_per_token: 1,
    };
    match byte % 4 {
        0 => Models::dismiss_branch { branch },
        1 => Models::unfreeze_branch { branch },
        _ => Models::admit_branch { branch, admission },
    }
    .into()
}

fn revert(byte: u8) -> RuntimeCall {
    let mut claims = pallet_useful_work::Claims::<Runtime>::iter_keys();
    match claims.nth(usize::from(byte % 8)) {
        Some(claim_id) => pallet_useful_work::Call::revert_claim { claim_id }.into(),
        None => Models::freeze_branch { branch: BRANCH }.into(),
    }
}
