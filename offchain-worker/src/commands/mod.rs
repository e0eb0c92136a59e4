// SPDX-License-Identifier: GPL-3.0-or-later
//! What the commands do.

mod bond;
mod challenge;
mod data;
mod enter;
mod escrow;
mod model;
mod private;
mod profile;
mod read;
mod roles;
mod shard;

pub use data::add as add_data;
pub use model::init as init_model;
pub use profile::register_leaf;
pub use shard::{commit as commit_shard, prepare as prepare_shards};

use crate::cli::{connect, Cli, Command, DataCommand, ModelCommand, Session, ShardCommand};
use crate::config::ModelConfig;
use crate::error::WorkerError;
use crate::show::Terminal;
use crate::worker::{Parts, Stop};
use dream_chain::{At, Branch, Call, Receipt};
use dream_primitives::private::round::JobTerms;
use dream_training::numeric::NumericSettings;
use std::sync::Arc;

/// Runs a command to its end.
pub async fn run(
    cli: &Cli,
    parts: Arc<dyn Parts>,
    settings: Option<&NumericSettings>,
    terminal: &Terminal,
    stop: Stop,
) -> Result<(), WorkerError> {
    if let Command::Model(ModelCommand::Init {
        config,
        print: true,
        ..
    }) = &cli.command
    {
        print_json(&ModelConfig::read(config)?);
        return Ok(());
    }
    let mut session = connect(&cli.global, cli.command.signs()).await?;
    session.chain = parts.chain(session.chain);
    session.store = parts.store(session.store);
    match &cli.command {
        Command::Model(ModelCommand::Init {
            config,
            seed,
            admit,
            share,
            units_per_token,
            ..
        }) => {
            let admission = admit.then_some((*share, *units_per_token));
            init_model(&session, &ModelConfig::read(config)?, *seed, admission)
                .await
                .map(|_| ())
        }
        Command::Data(DataCommand::Add {
            path,
            licence,
            admit,
            weight,
            skip_empty,
        }) => {
            let weight = admit.then_some(*weight);
            add_data(&session, path, licence, weight, *skip_empty)
                .await
                .map(|_| ())
        }
        Command::Data(DataCommand::List) => data::list(&session).await,
        Command::Data(DataCommand::Withdraw { dataset }) => {
            data::withdraw(&session, *dataset).await
        }
        Command::Data(DataCommand::Demand { dataset, sample }) => {
            data::demand(&session, *dataset, *sample).await
        }
        Command::Data(DataCommand::EndDemands { dataset }) => {
            data::end_demands(&session, *dataset).await
        }
        Command::Shard(ShardCommand::Prepare {
            path,
            samples,
            skip_empty,
        }) => prepare_shards(&session, path, *samples, *skip_empty)
            .await
            .map(|_| ()),
        Command::Shard(ShardCommand::Commit {
            root,
            samples,
            steward,
        }) => commit_shard(&session, root.zip(*samples), *steward).await,
        Command::Bond { amount } => bond::bond(&session, *amount).await,
        Command::Unbond { amount } => bond::unbond(&session, *amount).await,
        Command::Withdraw => bond::withdraw(&session).await,
        Command::Enter => enter::enter(&session, parts.runners(), settings, terminal, stop).await,
        Command::Fund {
            amount,
            per_round,
            unit_price,
        } => escrow::fund(&session, *amount, *per_round, *unit_price).await,
        Command::WithdrawEscrow { amount } => escrow::withdraw(&session, *amount).await,
        Command::Profile { admit } => {
            profile::register(&session, parts.runners(), settings, terminal, stop, *admit).await
        }
        Command::Committee { leave: true, .. } => private::leave(&session).await,
        Command::Sponsor {
            amount,
            fee,
            reward,
            price,
            shift,
        } => {
            let terms = JobTerms {
                fee: *fee,
                reward: *reward,
                price: *price,
                shift: *shift,
            };
            private::sponsor(&session, *amount, terms).await
        }
        Command::SponsorEnd => private::end(&session).await,
        Command::Privacy { delta } => private::privacy(&session, *delta),
        Command::Mine(_)
        | Command::Verify
        | Command::Merge
        | Command::Steward
        | Command::Committee { .. }
        | Command::Audit
        | Command::Aggregate
        | Command::All { .. } => {
            roles::run(&session, &cli.command, parts, settings, terminal, stop).await
        }
        Command::Challenge { claim, segment } => {
            challenge::challenge(&session, *claim, *segment).await
        }
        Command::Status => read::status(&session).await,
        Command::Explain(what) => read::explain(&session, what).await,
        Command::Report { out, samples } => {
            read::report(&session, parts.runners(), out, *samples).await
        }
    }
}

/// Prints a value as JSON on standard output.
pub(crate) fn print_json(value: &impl serde::Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => println!("{text}"),
        Err(error) => eprintln!("dream-worker: error: the result does not turn into JSON: {error}"),
    }
}

impl Session {
    /// The branch that the command line names.
    pub async fn branch(&self) -> Result<Branch, WorkerError> {
        let id = self.global.branch;
        match self.chain.branch(At::Finalised, id).await? {
            Some(branch) => Ok(branch),
            None => Err(WorkerError::UnknownBranch {
                branch: id,
                branches: self.chain.next_branch(At::Finalised).await?,
            }),
        }
    }

    /// Submits a call and waits until it is finalised.
    pub async fn submit(&self, call: Call) -> Result<Receipt, WorkerError> {
        let (pallet, name) = call.name();
        let submitted = self.chain.submit(call).await;
        submitted.map_err(WorkerError::submitting(format!("{pallet}.{name}")))
    }
}
