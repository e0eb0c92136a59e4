// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use dream_primitives::manifest::{Architecture, LlamaConfig};

fn register(who: u64, architecture: Architecture) -> polkadot_sdk::sp_runtime::DispatchResult {
    Registry::register_model(
        RuntimeOrigin::signed(who),
        architecture,
        licence(),
        recipe(),
        H256::zero(),
        cid(),
    )
}

#[test]
fn register_model_should_store_model_branch_and_version_0() {
    build_and_execute(|| {
        let (branch, version) = registered();
        let header = VersionHeader {
            model: 0,
            branch: 0,
            number: 0,
            parent: Parent::None,
            state_root: H256::repeat_byte(9),
            server_root: H256::zero(),
            cid: cid(),
            server_cid: None,
            contributions_root: contributions_root(&[]),
            rule: MergeRule {
                rule: recipe().rule,
                server: recipe().server,
            },
            block: 7,
        };
        assert_eq!((branch, version), (0, header.hash()));
        assert_eq!(Versions::<Test>::get(version), Some(header));

        let model = Models::<Test>::get(0).unwrap();
        assert_eq!(
            (
                model.architecture,
                model.licence,
                model.owner,
                model.deposit
            ),
            (architecture(), licence(), ANNA, DEPOSIT)
        );
        let branch = Branches::<Test>::get(0).unwrap();
        assert_eq!(
            (branch.model, branch.owner, branch.recipe, branch.admission),
            (0, ANNA, recipe(), None)
        );
        assert_eq!(held(ANNA), DEPOSIT);
        let event = Event::ModelRegistered {
            model: 0,
            branch: 0,
            owner: ANNA,
            version,
        };
        assert_eq!(last_event(), event.into());
    });
}

#[test]
fn register_model_should_number_models_and_branches_when_called_again() {
    build_and_execute(|| {
        let (first, a) = registered();
        let (second, b) = registered();
        assert_eq!((first, second), (0, 1));
        assert_ne!(a, b);
        assert_eq!(Versions::<Test>::get(b).unwrap().model, 1);
        assert_eq!(held(ANNA), 2 * DEPOSIT);
    });
}

#[test]
fn register_model_should_fail_when_unsigned_or_root() {
    build_and_execute(|| {
        for origin in [RuntimeOrigin::none(), RuntimeOrigin::root()] {
            assert_noop!(
                Registry::register_model(
                    origin,
                    architecture(),
                    licence(),
                    recipe(),
                    H256::zero(),
                    cid()
                ),
                DispatchError::BadOrigin
            );
        }
    });
}

#[test]
fn register_model_should_fail_when_licence_is_empty() {
    build_and_execute(|| {
        assert_noop!(
            Registry::register_model(
                RuntimeOrigin::signed(ANNA),
                architecture(),
                Default::default(),
                recipe(),
                H256::zero(),
                cid()
            ),
            Error::<Test>::LicenceEmpty
        );
    });
}

#[test]
fn register_model_should_name_what_is_wrong_when_architecture_is() {
    build_and_execute(|| {
        let with = |change: fn(&mut LlamaConfig)| {
            let mut config = llama();
            change(&mut config);
            register(ANNA, Architecture::Llama(config))
        };
        assert_noop!(with(|c| c.vocab = 0), Error::<Test>::ArchitectureSize);
        assert_noop!(with(|c| c.dim = 66), Error::<Test>::HeadWidth);
        assert_noop!(with(|c| c.kv_heads = 3), Error::<Test>::KvHeads);
        assert_noop!(
            with(|c| (c.dim, c.ffn, c.layers) = (1 << 16, 1 << 18, 512)),
            Error::<Test>::ArchitectureTooLarge
        );
    });
}

#[test]
fn register_model_should_name_what_is_wrong_when_recipe_is() {
    build_and_execute(|| {
        for (recipe, error) in wrong_recipes() {
            assert_noop!(
                Registry::register_model(
                    RuntimeOrigin::signed(ANNA),
                    architecture(),
                    licence(),
                    recipe,
                    H256::zero(),
                    cid()
                ),
                error
            );
        }
    });
}

#[test]
fn register_model_should_fail_when_recipe_has_fewer_segments_than_are_audited() {
    build_and_execute(|| {
        let mut parameters = Parameters::get();
        parameters.audit.segments = recipe().segments;
        Parameters::set(parameters);
        registered();
        parameters.audit.segments += 1;
        Parameters::set(parameters);
        assert_noop!(
            register(ANNA, architecture()),
            Error::<Test>::RecipeSegments
        );
    });
}

#[test]
fn register_model_should_fail_when_owner_cannot_pay_the_deposit() {
    build_and_execute(|| {
        assert_noop!(register(POOR, architecture()), TokenError::FundsUnavailable);
    });
}

#[test]
fn register_model_should_fail_when_indices_are_used_up() {
    build_and_execute(|| {
        NextModel::<Test>::put(u32::MAX);
        assert_noop!(register(ANNA, architecture()), Error::<Test>::IdsExhausted);
        NextModel::<Test>::kill();
        NextBranch::<Test>::put(u32::MAX);
        assert_noop!(register(ANNA, architecture()), Error::<Test>::IdsExhausted);
        NextBranch::<Test>::kill();
    });
}
