// SPDX-License-Identifier: GPL-3.0-or-later
//! Data sets: registering, listing, withdrawing, demanding samples.

use super::print_json;
use crate::amount;
use crate::cli::Session;
use crate::error::WorkerError;
use crate::folder;
use crate::view::data as listing;
use dream_chain::{At, Call};
use dream_primitives::data::{self, DatasetInfo, Licence, Mixture, MixtureEntry};
use dream_primitives::DatasetId;
use std::path::Path;

/// Registers the bytes of a folder as a data set; with `weight` also puts it into the branch's mixture.
pub async fn add(
    session: &Session,
    path: &Path,
    licence: &str,
    weight: Option<u32>,
    skip_empty: bool,
) -> Result<DatasetId, WorkerError> {
    let licence = Licence::try_from(licence.as_bytes().to_vec()).map_err(|_| {
        WorkerError::Input(format!("the licence {licence:?} has more than 64 bytes"))
    })?;
    let branch = session.branch().await?;
    let window = branch.recipe.context.saturating_add(1);
    let text = folder::read(path, window, skip_empty)?;
    for file in &text.skipped {
        println!("left out: {} is empty", file.display());
    }
    let root = data::root(&text.bytes, window);
    let cid = session.store.put_bytes(text.bytes.clone().into()).await?;
    let info = DatasetInfo {
        root,
        cid,
        licence,
        samples: text.samples,
        window,
    };
    let receipt = session.submit(Call::SubmitDataset(info)).await?;
    let dataset = receipt.dataset().ok_or_else(|| {
        WorkerError::Input(
            "the chain registered the data set but did not name it: see `dream-worker status`"
                .into(),
        )
    })?;
    println!(
        "data set {dataset}: {} files, {} samples of {window} bytes, {} held out ({})",
        text.files,
        text.samples,
        text.held_out(),
        dream_store::text(&cid)
    );
    if text.held_out() == 0 {
        println!(
            "no sample is held out: fewer than {} samples, so no loss can be measured on it",
            data::HELD_OUT_EVERY
        );
    }
    let Some(weight) = weight else {
        println!("governance must put it into a branch's mixture before it is trained on");
        return Ok(dataset);
    };
    let id = session.global.branch;
    let mut mixture = session
        .chain
        .mixture(At::Finalised, id)
        .await?
        .unwrap_or_default()
        .to_vec();
    mixture.push(MixtureEntry { dataset, weight });
    let mixture = Mixture::try_from(mixture).map_err(|_| {
        WorkerError::Input(format!(
            "branch {id} has {} data sets in its mixture already",
            data::MAX_MIXTURE
        ))
    })?;
    let call = Call::SetMixture {
        branch: id,
        mixture,
    };
    session.submit(Call::Sudo(Box::new(call))).await?;
    println!("it is in the mixture of branch {id} from the next round on");
    Ok(dataset)
}

pub(super) async fn list(session: &Session) -> Result<(), WorkerError> {
    let list = listing::read(&*session.chain).await?;
    match session.global.json {
        true => print_json(&list),
        false => println!("{list}"),
    }
    Ok(())
}

pub(super) async fn withdraw(session: &Session, dataset: DatasetId) -> Result<(), WorkerError> {
    let receipt = session.submit(Call::WithdrawDataset(dataset)).await?;
    let deposit = receipt.field("DataRegistry", "DatasetWithdrawn", "deposit");
    let deposit = deposit.map_or_else(String::new, |d| format!(", {} came back", amount(d)));
    println!("data set {dataset} is withdrawn{deposit}");
    Ok(())
}

pub(super) async fn demand(
    session: &Session,
    dataset: DatasetId,
    sample: u32,
) -> Result<(), WorkerError> {
    let call = Call::DemandSample { dataset, sample };
    let receipt = session.submit(call).await?;
    let price = receipt.field("DataRegistry", "SampleDemanded", "price");
    let price = price.map_or_else(String::new, |p| format!(" for {}", amount(p)));
    let deadline: Option<u32> = receipt.field("DataRegistry", "SampleDemanded", "deadline");
    let until = deadline.map_or_else(String::new, |d| format!(" before block {d}"));
    println!("sample {sample} of data set {dataset} is demanded{price}; who does not see it supplied{until} runs: dream-worker data end-demands {dataset}");
    Ok(())
}

pub(super) async fn end_demands(session: &Session, dataset: DatasetId) -> Result<(), WorkerError> {
    session.submit(Call::EndDemands(dataset)).await?;
    println!(
        "data set {dataset} is suspended: rounds leave it out until what was demanded is supplied"
    );
    Ok(())
}
