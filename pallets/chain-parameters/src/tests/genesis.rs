// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use polkadot_sdk::frame_support::traits::BuildGenesisConfig;

#[test]
fn genesis_should_store_what_it_is_given() {
    build_and_execute(ChainParameters::network(), || {
        assert_eq!(crate::Parameters::<Test>::get(), ChainParameters::network());
    });
}

#[test]
fn genesis_should_panic_with_the_name_and_what_to_change() {
    let cases: [(Change, &str, &str); 3] = [
        (
            |p| p.consensus.slot_ms = 999,
            "SlotMs",
            "consensus.slotMs must be even and at least 1000",
        ),
        (
            |p| p.bonds.unbonding_blocks = 0,
            "Unbonding",
            "bonds.unbondingBlocks must be at least",
        ),
        (
            |p| p.bonds.availability /= 2,
            "HonestyDoesNotPay",
            "raise bonds.availability",
        ),
    ];
    for (change, name, advice) in cases {
        let parameters = development(change);
        let panic = std::panic::catch_unwind(|| genesis(parameters))
            .err()
            .unwrap();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(
            message.contains(&format!("chainParameters.parameters: {name}: {advice}")),
            "{message}"
        );
    }
}

#[test]
fn genesis_should_read_camel_case_and_refuse_unknown_names() {
    let json = serde_json::to_value(ChainParameters::network()).unwrap();
    assert_eq!(json["audit"]["admitAnyProfile"], false);
    let read = |json: serde_json::Value| {
        serde_json::from_value::<crate::GenesisConfig<Test>>(
            serde_json::json!({ "parameters": json }),
        )
    };
    let config = read(json.clone()).unwrap();
    assert_eq!(config.parameters, ChainParameters::network());
    polkadot_sdk::sp_io::TestExternalities::default().execute_with(|| {
        config.build();
        assert_eq!(crate::Parameters::<Test>::get(), ChainParameters::network());
    });

    let mut unknown = json;
    unknown["audit"]["admitAnyProfil"] = true.into();
    assert!(read(unknown)
        .err()
        .unwrap()
        .to_string()
        .contains("unknown field `admitAnyProfil`"));
}
