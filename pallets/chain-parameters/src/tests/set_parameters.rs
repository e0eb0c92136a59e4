// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use dream_primitives::SUPPLY_CAP;
use polkadot_sdk::sp_runtime::DispatchError;

fn set(parameters: ChainParameters) -> polkadot_sdk::sp_runtime::DispatchResult {
    Parameters::set_parameters(RuntimeOrigin::root(), Box::new(parameters))
}

#[test]
fn set_parameters_should_store_and_tell() {
    build_and_execute(ChainParameters::development(), || {
        let parameters = development(|p| p.round.training_blocks = 50);
        assert_ok!(set(parameters));
        assert_eq!(crate::Parameters::<Test>::get(), parameters);
        let event = System::events().pop().unwrap().event;
        assert_eq!(event, Event::ParametersSet.into());
    });
}

#[test]
fn set_parameters_should_fail_when_consensus_changes() {
    build_and_execute(ChainParameters::development(), || {
        for change in [(|p| p.consensus.slot_ms = 2_000) as Change, |p| {
            p.consensus.epoch_slots = 100
        }] {
            assert_noop!(set(development(change)), Error::<Test>::ConsensusIsFixed);
        }
    });
}

#[test]
fn set_parameters_should_fail_when_emission_or_half_lives_change() {
    build_and_execute(ChainParameters::development(), || {
        for change in [
            (|p| p.rewards.emission_per_block -= 1) as Change,
            |p| p.rewards.emission_half_life /= 2,
            |p| p.rewards.credit_half_life *= 2,
        ] {
            assert_noop!(set(development(change)), Error::<Test>::EmissionIsFixed);
        }
    });
}

#[test]
fn set_parameters_should_fail_when_not_admin() {
    build_and_execute(ChainParameters::development(), || {
        assert_noop!(
            Parameters::set_parameters(
                RuntimeOrigin::signed(1),
                Box::new(ChainParameters::development())
            ),
            DispatchError::BadOrigin
        );
    });
}

#[test]
fn set_parameters_should_name_the_wrong_value() {
    use Error::*;
    let cases: [(Change, Error<Test>); 13] = [
        (|p| p.round.opening_blocks = 0, PhaseBlocks),
        (|p| p.round.seed_authors = 65, SeedAuthors),
        (|p| p.round.max_claims = 0, MaxClaims),
        (|p| p.round.retention_rounds = 65, RetentionRounds),
        (|p| p.audit.segments = 17, AuditSegments),
        (|p| p.audit.committee = 0, Committee),
        (|p| p.audit.profile_leverage = 0, ProfileLeverage),
        (|p| p.bonds.merge = 0, Bonds),
        (|p| p.bonds.unbonding_blocks = 1, Unbonding),
        (|p| p.rewards.treasury_share = 1_000_000, Shares),
        (|p| p.rewards.emission_per_block = SUPPLY_CAP, Emission),
        (|p| p.rewards.emission_half_life = 63, Rewards),
        (|p| p.audit.seed_bias_bits = 4, HonestyDoesNotPay),
    ];
    build_and_execute(ChainParameters::development(), || {
        for (change, error) in cases {
            assert_noop!(set(development(change)), error);
        }
    });
}

#[test]
fn set_parameters_should_name_consensus_values_when_genesis_left_them_wrong() {
    let cases: [(Change, Error<Test>); 2] = [
        (|p| p.consensus.slot_ms = 0, Error::SlotMs),
        (|p| p.consensus.epoch_slots = 0, Error::EpochSlots),
    ];
    build_and_execute(ChainParameters::development(), || {
        for (change, error) in cases {
            crate::Parameters::<Test>::put(development(change));
            assert_noop!(set(development(change)), error);
        }
        crate::Parameters::<Test>::put(ChainParameters::development());
    });
}
