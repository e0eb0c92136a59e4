// SPDX-License-Identifier: GPL-3.0-or-later
//! Referenda while somebody fills the agenda of the block that they need.

use super::referenda::*;
use dream_runtime::*;
use frame_support::traits::Get;
use frame_system::RawOrigin;
use pallet_referenda::ReferendumInfo;
use polkadot_sdk::*;
use sp_keyring::Sr25519Keyring::{Alice, Dave};

/// Fills the agenda of the block after the next one: so many referenda end their preparation there.
fn crowd() {
    let place = <Runtime as pallet_scheduler::Config>::MaxScheduledPerBlock::get();
    for i in 0..place {
        let remark = i.to_le_bytes().to_vec();
        let call = frame_system::Call::remark { remark }.into();
        submit(Alice, origins::Origin::Branches.into(), call);
    }
    let agenda = pallet_scheduler::Agenda::<Runtime>::get(System::block_number() + 2);
    assert_eq!(u32::try_from(agenda.iter().flatten().count()), Ok(place));
}

fn deciding(index: u32) -> Option<pallet_referenda::DecidingStatus<u32>> {
    match info(index) {
        ReferendumInfo::Ongoing(status) => status.deciding,
        _ => None,
    }
}

#[test]
fn root_track_should_decide_again_when_a_full_agenda_followed_a_decision() {
    governed(|| {
        let remark = frame_system::Call::remark { remark: vec![] };
        let index = submit(Dave, RawOrigin::Root.into(), remark.into());
        blocks(2);
        let end = deciding(index).unwrap().since + period(0);
        blocks(end - 1 - System::block_number());
        crowd();
        blocks(1);
        assert!(matches!(info(index), ReferendumInfo::Rejected(..)));
        blocks(5);
        assert_eq!(pallet_referenda::DecidingCount::<Runtime>::get(0), 0);
    });
}

#[test]
fn decision_should_be_enacted_when_the_agenda_of_its_block_is_full() {
    governed(|| {
        let call = pallet_model_registry::Call::freeze_branch { branch: 0 };
        let index = submit(Alice, origins::Origin::Revert.into(), call.into());
        VOTERS.iter().for_each(|v| vote(*v, index, true));
        let confirmed = loop {
            blocks(1);
            if let Some(block) = deciding(index).and_then(|d| d.confirming) {
                break block;
            }
        };
        assert_eq!(confirmed, System::block_number() + 1);
        crowd();
        blocks(1);
        assert!(matches!(info(index), ReferendumInfo::Approved(..)));
        blocks(5);
        assert!(branch().frozen);
    });
}

fn period(track: u16) -> u32 {
    use pallet_referenda::TracksInfo;
    tracks::Tracks::info(track).unwrap().decision_period
}
