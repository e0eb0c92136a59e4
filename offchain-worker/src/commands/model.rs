// SPDX-License-Identifier: GPL-3.0-or-later
//! New models.

use crate::blobs;
use crate::cli::Session;
use crate::config::ModelConfig;
use crate::error::WorkerError;
use dream_chain::Call;
use dream_primitives::registry::Admission;
use dream_primitives::{state, BranchId};

/// Makes the state, stores it, registers the model; with `admission` (share, units per token) also admits its branch.
pub async fn init(
    session: &Session,
    config: &ModelConfig,
    seed: u64,
    admission: Option<(u32, u32)>,
) -> Result<BranchId, WorkerError> {
    let licence = config.licence().map_err(WorkerError::Input)?;
    let parameters = dream_training::init_state(&config.architecture, seed)?;
    let cid = session
        .store
        .put_bytes(blobs::state_bytes(&parameters))
        .await?;
    let receipt = session
        .submit(Call::RegisterModel {
            architecture: config.architecture,
            licence,
            recipe: config.recipe,
            state_root: state::root(&parameters),
            cid,
        })
        .await?;
    let branch = receipt.branch().ok_or_else(|| {
        WorkerError::Input(
            "the chain registered the model but named no branch: see `dream-worker status`".into(),
        )
    })?;
    let version = receipt.version().unwrap_or_default();
    println!(
        "model {} with {} parameters, branch {branch}, version 0 {version:?} ({})",
        receipt.model().unwrap_or_default(),
        parameters.len(),
        dream_store::text(&cid)
    );
    match admission {
        Some((share, units_per_token)) => {
            let admission = Admission {
                share,
                units_per_token,
            };
            let call = Call::AdmitBranch { branch, admission };
            session.submit(Call::Sudo(Box::new(call))).await?;
            println!("branch {branch} is admitted with {share} millionths of the emission");
        }
        None => {
            println!("branch {branch} has rounds once governance admits it and gives it data, or its owner funds it or sponsors private rounds")
        }
    }
    Ok(branch)
}
