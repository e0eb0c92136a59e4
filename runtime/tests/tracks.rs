// SPDX-License-Identifier: GPL-3.0-or-later
//! Tracks and their origins: what each may do, how long it takes, and that nothing gives it more.

// A test may do what the runtime may not.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

#[path = "tracks/agenda.rs"]
mod agenda;
#[path = "tracks/origins.rs"]
mod origins;
#[path = "tracks/referenda.rs"]
mod referenda;

use dream_primitives::params::ChainParameters as Parameters;
use dream_primitives::voting::MAX_POLL_HOURS;
use dream_primitives::DREAM;
use dream_runtime::tracks::{Tracks, LOCKING_HOURS, UNDECIDING_HOURS};
use dream_runtime::*;
use pallet_referenda::{Curve, TracksInfo};
use polkadot_sdk::*;
use sp_runtime::BuildStorage;
use std::collections::BTreeSet;

/// A chain with the parameters of development but for `change`, in block 1.
fn within<R>(change: impl FnOnce(&mut RuntimeGenesisConfig), test: impl FnOnce() -> R) -> R {
    let mut genesis = RuntimeGenesisConfig::default();
    genesis.chain_parameters.parameters = Parameters::development();
    change(&mut genesis);
    sp_io::TestExternalities::new(genesis.build_storage().unwrap()).execute_with(|| {
        System::set_block_number(1);
        test()
    })
}

/// Blocks that count as an hour of governance.
fn hour_of(blocks: u32) -> impl FnOnce(&mut RuntimeGenesisConfig) {
    move |genesis| {
        let parameters = &mut genesis.chain_parameters.parameters;
        parameters.governance.hour_blocks = blocks;
        parameters.rewards.credit_half_life = blocks * MAX_POLL_HOURS * 4;
    }
}

#[test]
fn tracks_should_pass_their_own_check_and_have_distinct_names() {
    within(
        |_| {},
        || {
            assert_eq!(Tracks::check_integrity(), Ok(()));
            let ids: Vec<u16> = Tracks::tracks().map(|t| t.id).collect();
            assert_eq!(ids, (0..8).collect::<Vec<_>>());
            let names: BTreeSet<_> = Tracks::tracks().map(|t| t.info.name).collect();
            assert_eq!(names.len(), ids.len());
        },
    );
}

#[test]
fn referendum_of_every_track_should_end_within_the_credits_that_are_kept() {
    within(
        |_| {},
        || {
            // Preparing lies inside the time after which what is not being decided times out. A referendum that waits in a
            // full track's queue may last longer; votes on it are then refused.
            for track in Tracks::tracks() {
                let info = &track.info;
                let longest = UNDECIDING_HOURS + info.decision_period + info.confirm_period;
                assert!(longest <= MAX_POLL_HOURS, "{}: {longest}", track.id);
                assert!(info.prepare_period < UNDECIDING_HOURS);
            }
        },
    );
}

#[test]
fn periods_should_be_hours_of_the_chain_s_parameter() {
    let periods = || {
        let of = |t: &pallet_referenda::TrackInfo<_, u32>| {
            [t.prepare_period, t.decision_period, t.confirm_period]
        };
        let tracks: Vec<_> = Tracks::tracks().map(|t| of(&t.info)).collect();
        let timeout = <Runtime as pallet_referenda::Config>::UndecidingTimeout::get();
        let locking = <Runtime as pallet_compute_voting::Config>::VoteLockingPeriod::get();
        (tracks, timeout, locking)
    };
    let (hours, timeout, locking) = within(hour_of(1), periods);
    assert_eq!((timeout, locking), (UNDECIDING_HOURS, LOCKING_HOURS));
    let (blocks, timeout, locking) = within(hour_of(600), periods);
    assert_eq!(
        (timeout, locking),
        (600 * UNDECIDING_HOURS, 600 * LOCKING_HOURS)
    );
    let scaled: Vec<_> = hours.iter().map(|t| t.map(|h| 600 * h)).collect();
    assert_eq!(blocks, scaled);
}

/// A row of the table in docs/governance.md.
fn row(id: u16) -> String {
    let info = Tracks::info(id).unwrap();
    let hours = |blocks: u32| blocks / 600;
    let ends = |curve: &Curve| match curve {
        Curve::LinearDecreasing {
            length,
            floor,
            ceil,
        } if length.is_one() => {
            let percent = |p: &sp_runtime::Perbill| p.deconstruct() / 10_000_000;
            format!("{} to {} %", percent(ceil), percent(floor))
        }
        other => panic!("{other:?} is no line over the whole decision"),
    };
    let name = String::from_utf8(info.name.to_vec()).unwrap();
    format!(
        "| {id} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        name.trim_end_matches('\0'),
        info.max_deciding,
        info.decision_deposit / DREAM,
        hours(info.prepare_period),
        hours(info.decision_period),
        hours(info.confirm_period),
        hours(info.min_enactment_period),
        ends(&info.min_approval),
        ends(&info.min_support),
    )
}

#[test]
fn tracks_should_be_as_documented() {
    let docs = docs();
    within(hour_of(600), || {
        for id in Tracks::track_ids() {
            let row = row(id);
            assert!(docs.contains(&row), "docs/governance.md has no row\n{row}");
        }
    });
}

fn docs() -> String {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/governance.md");
    std::fs::read_to_string(docs).unwrap()
}

#[test]
fn origin_should_have_the_track_that_is_documented() {
    use dream_runtime::origins::Origin::*;
    let docs = docs();
    within(
        |_| {},
        || {
            let named = [Recipe, Mixture, Branches, Revert, Spend, Cancel, Kill];
            let origins = named.map(|o| (format!("`Origins::{o:?}`"), OriginCaller::from(o)));
            let root = ("root".into(), frame_system::RawOrigin::Root.into());
            let mut ids = BTreeSet::new();
            for (name, origin) in origins.into_iter().chain([root]) {
                let id = Tracks::track_for(&origin).unwrap();
                let track = Tracks::info(id).unwrap().name;
                let track = String::from_utf8(track.to_vec()).unwrap();
                let row = format!("| {id} | {} | {name} |", track.trim_end_matches('\0'));
                assert!(docs.contains(&row), "docs/governance.md has no row {row}");
                ids.insert(id);
            }
            assert_eq!(ids, Tracks::track_ids().collect());
            let account = frame_system::RawOrigin::Signed(AccountId::new([9; 32]));
            assert_eq!(Tracks::track_for(&account.into()), Err(()));
        },
    );
}
