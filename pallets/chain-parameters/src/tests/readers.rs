// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use crate::{EpochDuration, MinimumPeriod};
use polkadot_sdk::frame_support::traits::Hooks;

#[test]
fn readers_should_give_what_is_stored() {
    let network = ChainParameters::network();
    build_and_execute(network, || {
        assert_eq!(<Pallet as Get<ChainParameters>>::get(), network);
        assert_eq!(MinimumPeriod::<Test>::get(), 3_000);
        assert_eq!(EpochDuration::<Test>::get(), 600);
    });
}

#[test]
fn readers_should_give_the_development_values_when_nothing_is_stored() {
    polkadot_sdk::sp_io::TestExternalities::default().execute_with(|| {
        assert_eq!(
            <Pallet as Get<ChainParameters>>::get(),
            ChainParameters::development()
        );
        assert_eq!(MinimumPeriod::<Test>::get(), 500);
        assert_eq!(EpochDuration::<Test>::get(), 60);
    });
}

#[test]
fn integrity_test_should_pass() {
    <Pallet as Hooks<u32>>::integrity_test();
}
