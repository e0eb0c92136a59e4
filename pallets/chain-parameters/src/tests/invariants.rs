// SPDX-License-Identifier: GPL-3.0-or-later
use super::*;
use polkadot_sdk::sp_runtime::TryRuntimeError;

#[test]
fn try_state_should_name_parameters_that_do_not_pass() {
    build_and_execute(ChainParameters::development(), || {
        crate::Parameters::<Test>::put(development(|p| p.round.max_claims = 0));
        assert_eq!(
            Pallet::do_try_state(),
            Err(TryRuntimeError::Other(
                "chain-parameters: the stored parameters do not pass the check"
            ))
        );
        crate::Parameters::<Test>::put(ChainParameters::development());
    });
}
