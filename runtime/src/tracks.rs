// SPDX-License-Identifier: GPL-3.0-or-later
//! The tracks of referenda: what each decides, how long it takes, and how much of the vote it needs.
//!
//! Periods are hours of `governance.hourBlocks` blocks, so that one runtime serves networks and development chains.

use crate::{origins::Origin, Balance, BlockNumber, ChainParameters, OriginCaller, RuntimeOrigin};
use alloc::borrow::Cow;
use dream_primitives::params::{ChainParameters as Parameters, GovernanceParameters};
use polkadot_sdk::*;

use frame_support::traits::Get;
use frame_system::RawOrigin;
use pallet_referenda::{Curve, Track, TrackInfo};
use sp_arithmetic::Perbill;

/// Hours for which a referendum waits for its decision to begin, then it times out.
pub const UNDECIDING_HOURS: u32 = 14 * 24;

/// Hours for which a conviction of one keeps the tokens of a vote that won.
pub const LOCKING_HOURS: u32 = 7 * 24;

/// Bytes of a track's name, as the stock referenda keep it.
const NAME_BYTES: usize = 25;

/// A track, its periods in hours.
struct Plan {
    id: u16,
    name: &'static str,
    /// Referenda that are decided at once.
    max_deciding: u32,
    /// Decision deposit, in units of `governance.decisionDeposit`.
    deposit: Balance,
    prepare: u32,
    decision: u32,
    confirm: u32,
    enactment: u32,
    /// Least share of ayes, percent: at the start of the decision, at its end.
    approval: (u32, u32),
    /// Least share of the issuance that the ayes and abstentions weigh before conviction, percent: at the start, at the end.
    support: (u32, u32),
}

/// All tracks, by id.
const PLANS: [Plan; 8] = [
    Plan {
        id: 0,
        name: "root",
        max_deciding: 1,
        deposit: 100,
        prepare: 2,
        decision: 14 * 24,
        confirm: 24,
        enactment: 24,
        approval: (100, 50),
        support: (50, 5),
    },
    Plan {
        id: 1,
        name: "recipe",
        max_deciding: 10,
        deposit: 10,
        prepare: 2,
        decision: 7 * 24,
        confirm: 12,
        enactment: 4,
        approval: (100, 50),
        support: (50, 2),
    },
    Plan {
        id: 2,
        name: "mixture",
        max_deciding: 10,
        deposit: 10,
        prepare: 2,
        decision: 7 * 24,
        confirm: 12,
        enactment: 4,
        approval: (100, 50),
        support: (50, 2),
    },
    Plan {
        id: 3,
        name: "branches",
        max_deciding: 10,
        deposit: 10,
        prepare: 2,
        decision: 7 * 24,
        confirm: 12,
        enactment: 4,
        approval: (100, 50),
        support: (50, 2),
    },
    Plan {
        id: 4,
        name: "revert",
        max_deciding: 20,
        deposit: 20,
        prepare: 1,
        decision: 2 * 24,
        confirm: 1,
        enactment: 0,
        approval: (100, 75),
        support: (50, 1),
    },
    Plan {
        id: 5,
        name: "treasury",
        max_deciding: 10,
        deposit: 20,
        prepare: 2,
        decision: 14 * 24,
        confirm: 24,
        enactment: 24,
        approval: (100, 50),
        support: (50, 5),
    },
    Plan {
        id: 6,
        name: "cancel",
        max_deciding: 20,
        deposit: 10,
        prepare: 1,
        decision: 3 * 24,
        confirm: 2,
        enactment: 0,
        approval: (100, 60),
        support: (50, 1),
    },
    Plan {
        id: 7,
        name: "kill",
        max_deciding: 20,
        deposit: 20,
        prepare: 1,
        decision: 3 * 24,
        confirm: 2,
        enactment: 0,
        approval: (100, 75),
        support: (50, 1),
    },
];

fn governance() -> GovernanceParameters {
    <ChainParameters as Get<Parameters>>::get().governance
}

/// So many hours, in blocks.
pub fn hours(count: u32) -> BlockNumber {
    governance().hour_blocks.saturating_mul(count)
}

/// A share of ayes or support that falls in a line while a decision lasts.
fn falling((first, last): (u32, u32)) -> Curve {
    Curve::LinearDecreasing {
        length: Perbill::one(),
        floor: Perbill::from_percent(last),
        ceil: Perbill::from_percent(first),
    }
}

impl Plan {
    fn track(&self, p: &GovernanceParameters) -> Track<u16, Balance, BlockNumber> {
        let mut name = [0; NAME_BYTES];
        for (to, from) in name.iter_mut().zip(self.name.bytes()) {
            *to = from;
        }
        let blocks = |hours: u32| p.hour_blocks.saturating_mul(hours).max(1);
        Track {
            id: self.id,
            info: TrackInfo {
                name,
                max_deciding: self.max_deciding,
                decision_deposit: p.decision_deposit.saturating_mul(self.deposit),
                prepare_period: blocks(self.prepare),
                decision_period: blocks(self.decision),
                confirm_period: blocks(self.confirm),
                min_enactment_period: blocks(self.enactment),
                min_approval: falling(self.approval),
                min_support: falling(self.support),
            },
        }
    }
}

/// The tracks.
pub struct Tracks;

impl pallet_referenda::TracksInfo<Balance, BlockNumber> for Tracks {
    type Id = u16;
    type RuntimeOrigin = <RuntimeOrigin as frame_support::traits::OriginTrait>::PalletsOrigin;

    fn tracks() -> impl Iterator<Item = Cow<'static, Track<u16, Balance, BlockNumber>>> {
        let p = governance();
        PLANS.iter().map(move |plan| Cow::Owned(plan.track(&p)))
    }

    fn track_for(origin: &Self::RuntimeOrigin) -> Result<u16, ()> {
        match origin {
            OriginCaller::system(RawOrigin::Root) => Ok(0),
            OriginCaller::Origins(origin) => Ok(match origin {
                Origin::Recipe => 1,
                Origin::Mixture => 2,
                Origin::Branches => 3,
                Origin::Revert => 4,
                Origin::Spend => 5,
                Origin::Cancel => 6,
                Origin::Kill => 7,
            }),
            _ => Err(()),
        }
    }
}
