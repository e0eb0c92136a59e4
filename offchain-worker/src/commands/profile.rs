// SPDX-License-Identifier: GPL-3.0-or-later
//! Numeric profiles.

use crate::calibration::calibrate;
use crate::canary::Secrets;
use crate::cli::Session;
use crate::error::WorkerError;
use crate::show::Terminal;
use crate::worker::{Runners, Show, Stop};
use dream_chain::{At, Call, Chain};
use dream_primitives::profile::{commitment, ProfileSettings};
use dream_primitives::{BranchId, H256};
use dream_training::numeric::NumericSettings;
use std::ops::ControlFlow;
use std::sync::Arc;

pub(super) async fn register(
    session: &Session,
    runners: Arc<dyn Runners>,
    settings: Option<&NumericSettings>,
    terminal: &Terminal,
    stop: Stop,
    admit: bool,
) -> Result<(), WorkerError> {
    let leaf = leaf_of(session, runners, settings, terminal, stop).await?;
    let (chain, id, settings) = (
        &session.chain,
        session.global.branch,
        settings_of(settings)?,
    );
    if admit {
        let admit = Call::Sudo(Box::new(Call::AdmitProfile(leaf)));
        session.submit(admit).await?;
    }
    match register_leaf(&**chain, id, settings, leaf).await? {
        true => println!(
            "{} computes under the profile {leaf:?} on branch {id}",
            chain.account()
        ),
        false => println!(
            "{} has this profile on branch {id} already: {leaf:?}",
            chain.account()
        ),
    }
    Ok(())
}

/// Runs the calibration segment of the branch; the leaf that it gives.
pub(super) async fn leaf_of(
    session: &Session,
    runners: Arc<dyn Runners>,
    settings: Option<&NumericSettings>,
    terminal: &Terminal,
    stop: Stop,
) -> Result<H256, WorkerError> {
    let settings = settings_of(settings)?;
    let (chain, id) = (&session.chain, session.global.branch);
    let branch = session.branch().await?;
    let model = chain.model(At::Finalised, branch.model).await?;
    let architecture = model
        .ok_or_else(|| WorkerError::Input(format!("model {} is not on this chain", branch.model)))?
        .architecture;
    let (genesis, recipe, own, bar) = (chain.genesis(), branch.recipe, settings, terminal.bar());
    let leaf = tokio::task::spawn_blocking(move || {
        let mut runner = runners.runner(architecture, recipe, genesis)?;
        let steps = u64::from(recipe.steps);
        let leaf = calibrate(
            runner.as_mut(),
            &genesis,
            id,
            &architecture,
            &recipe,
            &own,
            &mut |p| {
                bar.step("calibration", p.step, steps, p);
                match stop.stopped() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            },
        );
        bar.clear();
        leaf
    })
    .await??;
    Ok(leaf)
}

/// Registers a calibration leaf: first its commitment, then, in a later block, what was committed to. `false` when the
/// account has this profile already. Killed in between, the next call goes on: salt and secret follow from the key.
pub async fn register_leaf(
    chain: &dyn Chain,
    branch: BranchId,
    settings: ProfileSettings,
    leaf: H256,
) -> Result<bool, WorkerError> {
    let (genesis, account) = (chain.genesis(), chain.account());
    let secrets = Secrets::new(chain, branch);
    let known = chain.profile(At::Finalised, branch, account).await?;
    // Links that have been opened are known to everybody: a new profile goes on with those that have not.
    let known_secret = known.as_ref().map(|p| p.secret);
    let Some(secret) = secrets.to_register(known_secret.as_ref()) else {
        return Err(WorkerError::Input(format!(
            "{account} has used up all its secrets on branch {branch}: use another account"
        )));
    };
    if known.is_some_and(|p| p.leaf == leaf && p.settings == settings && p.secret == secret) {
        return Ok(false);
    }
    let salt = secrets.profile_salt(&leaf);
    let raw = account.as_bytes();
    let commitment = commitment(&genesis, raw, branch, &settings, &leaf, &secret, &salt);
    let committed = chain
        .profile_commitment(At::Finalised, branch, account)
        .await?;
    if committed.is_none_or(|(hash, _)| hash != commitment) {
        submit(chain, Call::CommitProfile { branch, commitment }).await?;
    }
    let reveal = Call::RevealProfile {
        branch,
        settings,
        leaf,
        secret,
        salt,
    };
    submit(chain, reveal).await?;
    Ok(true)
}

async fn submit(chain: &dyn Chain, call: Call) -> Result<(), WorkerError> {
    let (pallet, name) = call.name();
    let submitted = chain.submit(call).await;
    submitted.map_err(WorkerError::submitting(format!("{pallet}.{name}")))?;
    Ok(())
}

/// The pinned settings in the form of the chain.
pub(super) fn settings_of(
    settings: Option<&NumericSettings>,
) -> Result<ProfileSettings, WorkerError> {
    settings
        .map(ProfileSettings::from)
        .ok_or_else(|| WorkerError::Input("numeric settings are not pinned".into()))
}
