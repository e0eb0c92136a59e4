// SPDX-License-Identifier: GPL-3.0-or-later
//! Numeric profiles.

use crate::calibration::calibrate;
use crate::cli::Session;
use crate::error::WorkerError;
use crate::show::Terminal;
use crate::worker::{Runners, Show, Stop};
use dream_chain::{At, Call};
use dream_primitives::profile::ProfileSettings;
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
    let settings = settings_of(settings)?;
    let (chain, id) = (&session.chain, session.global.branch);
    let branch = session.branch().await?;
    let model = chain.model(At::Finalised, branch.model).await?;
    let architecture = model
        .ok_or_else(|| WorkerError::Input(format!("model {} is not on this chain", branch.model)))?
        .architecture;
    let (genesis, recipe, own, bar) = (
        chain.genesis(),
        branch.recipe,
        settings.clone(),
        terminal.bar(),
    );
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
    let known = chain.profile(At::Finalised, id, chain.account()).await?;
    if known.is_some_and(|p| p.leaf == leaf && p.settings == settings) {
        println!(
            "{} has this profile on branch {id} already: {leaf:?}",
            chain.account()
        );
        return Ok(());
    }
    if admit {
        session
            .submit(Call::Sudo(Box::new(Call::AdmitProfile(leaf))))
            .await?;
    }
    session
        .submit(Call::RegisterProfile {
            branch: id,
            settings,
            leaf,
        })
        .await?;
    println!(
        "{} computes under the profile {leaf:?} on branch {id}",
        chain.account()
    );
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
