// SPDX-License-Identifier: GPL-3.0-or-later
//! Commands that only read.

use super::print_json;
use crate::cli::{ExplainCommand, ExplainOptions, Session};
use crate::error::WorkerError;
use crate::view::{explain as explanation, report as reporting, status as standing, vote};
use crate::worker::Runners;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

pub(super) async fn status(session: &Session) -> Result<(), WorkerError> {
    let account = session.signs.then(|| session.chain.account());
    let status = standing::read(&*session.chain, session.global.branch, account).await?;
    show(session, &status);
    Ok(())
}

pub(super) async fn explain(session: &Session, what: &ExplainOptions) -> Result<(), WorkerError> {
    match (what.claim, &what.other) {
        (
            _,
            Some(ExplainCommand::Vote {
                account,
                referendum,
            }),
        ) => show(
            session,
            &vote::read(&*session.chain, *account, *referendum).await?,
        ),
        (Some(claim), None) => show(session, &explanation::read(&*session.chain, claim).await?),
        (None, None) => {
            return Err(WorkerError::Input(
                "name a claim, or `vote ACCOUNT REFERENDUM`".into(),
            ))
        }
    }
    Ok(())
}

fn show(session: &Session, what: &(impl serde::Serialize + std::fmt::Display)) {
    match session.global.json {
        true => print_json(what),
        false => println!("{what}"),
    }
}

pub(super) async fn report(
    session: &Session,
    runners: Arc<dyn Runners>,
    out: &Path,
    samples: usize,
) -> Result<(), WorkerError> {
    let began = Instant::now();
    let (chain, branch) = (&*session.chain, session.global.branch);
    let evaluator =
        reporting::Evaluator::new(chain, session.store.clone(), runners, branch, samples).await?;
    let names = BTreeMap::new();
    let mut data =
        reporting::gather(chain, &evaluator, branch, &names, &mut BTreeMap::new()).await?;
    data.wall_seconds = began.elapsed().as_secs_f64();
    data.commands = vec![format!(
        "dream-worker report --branch {branch} --samples {samples}"
    )];
    let written = dream_report::write(&data, out).map_err(|e| WorkerError::File {
        path: out.to_path_buf(),
        why: e.to_string(),
    })?;
    match session.global.json {
        true => print_json(&data),
        false => {
            for file in written {
                println!("{}", file.display());
            }
        }
    }
    Ok(())
}
