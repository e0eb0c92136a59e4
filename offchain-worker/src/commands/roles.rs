// SPDX-License-Identifier: GPL-3.0-or-later
//! The roles as commands.

use super::profile::settings_of;
use crate::cli::{Command, RoleName, Session};
use crate::database::Database;
use crate::error::WorkerError;
use crate::roles::private::contributor::{Options, PrivateMiner};
use crate::roles::private::member::Committee;
use crate::roles::private::{aggregator::Aggregator, auditor::Auditor};
use crate::roles::{self, merge::Merger, mine::Miner, steward::Steward, verify::Verifier, Role};
use crate::show::Terminal;
use crate::submit::RESEND_AFTER;
use crate::worker::{Parts, Stop, Worker};
use dream_primitives::profile::ProfileSettings;
use dream_training::numeric::NumericSettings;
use std::sync::Arc;
use tracing::info;

pub(super) async fn run(
    session: &Session,
    command: &Command,
    parts: Arc<dyn Parts>,
    settings: Option<&NumericSettings>,
    terminal: &Terminal,
    stop: Stop,
) -> Result<(), WorkerError> {
    session.branch().await?;
    let chain = session.chain.clone();
    let account = chain.account();
    let database = Database::open(&session.global.state, &chain.genesis(), account.as_bytes())?;
    // Merging is integer arithmetic and belongs to no numeric profile; nor does opening a shard or decrypting.
    let settings = match settings {
        None => ProfileSettings {
            isa: Default::default(),
            math: Default::default(),
            library: Default::default(),
            threads: session.global.threads,
        },
        pinned => settings_of(pinned)?,
    };
    let worker = Arc::new(Worker {
        chain,
        store: session.store.clone(),
        database: Arc::new(database),
        runners: parts.runners(),
        settings,
        branch: session.global.branch,
        challenges: !session.global.no_challenge,
        threads: usize::from(session.global.threads),
        resend_after: RESEND_AFTER,
        show: Arc::new(terminal.bar()),
        stop,
        corpus: Default::default(),
        head: Default::default(),
    });
    let mut wanted = match command {
        Command::Mine(_) => vec![RoleName::Mine],
        Command::Verify => vec![RoleName::Verify],
        Command::Steward => vec![RoleName::Steward],
        Command::Committee { .. } => vec![RoleName::Committee],
        Command::Audit => vec![RoleName::Audit],
        Command::Aggregate => vec![RoleName::Aggregate],
        Command::All { roles } => roles.clone(),
        _ => vec![RoleName::Merge],
    };
    wanted.dedup();
    let private = match command {
        Command::Mine(options) => match &options.private {
            Some(text) => Some(Options {
                text: text.clone(),
                protection: options.protection()?,
                delta: options.delta,
            }),
            None => None,
        },
        _ => None,
    };
    let offers = !matches!(
        command,
        Command::Committee {
            serve_only: true,
            ..
        }
    );
    let roles: Vec<Box<dyn Role>> = wanted
        .into_iter()
        .map(|name| -> Box<dyn Role> {
            match name {
                RoleName::Mine => match private.clone() {
                    Some(options) => Box::new(PrivateMiner::new(worker.clone(), options)),
                    None => Box::new(Miner::new(worker.clone())),
                },
                RoleName::Verify => Box::new(Verifier::new(worker.clone())),
                RoleName::Merge => Box::new(Merger::new(worker.clone())),
                RoleName::Steward => Box::new(Steward::new(worker.clone())),
                RoleName::Committee => Box::new(Committee::new(worker.clone()).offering(offers)),
                RoleName::Audit => Box::new(Auditor::new(worker.clone())),
                RoleName::Aggregate => Box::new(Aggregator::new(worker.clone())),
            }
        })
        .map(|role| parts.role(role))
        .collect();
    let names: Vec<&str> = roles.iter().map(|r| r.name()).collect();
    info!(
        "{account}: {} on branch {}",
        names.join(", "),
        worker.branch
    );
    futures::future::try_join_all(roles.iter().map(|role| roles::run(role.as_ref()))).await?;
    Ok(())
}
