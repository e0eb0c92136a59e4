// SPDX-License-Identifier: GPL-3.0-or-later
//! Runs what the command line asks for.

use crate::{
    chain_spec,
    cli::{Cli, Subcommand},
    service,
};
use dream_runtime::opaque::Block;
use polkadot_sdk::*;

use sc_cli::SubstrateCli;
use sc_network::config::NetworkBackendType;
use sc_service::{DatabaseSource, PartialComponents};

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "DREAM node".into()
    }

    fn impl_version() -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn description() -> String {
        env!("CARGO_PKG_DESCRIPTION").into()
    }

    fn author() -> String {
        env!("CARGO_PKG_AUTHORS").into()
    }

    fn support_url() -> String {
        "see README.md of the project".into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn executable_name() -> String {
        "dream-node".into()
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
        Ok(Box::new(chain_spec::load(id)?))
    }
}

/// Parses the command line and does what it says.
pub fn run() -> sc_cli::Result<()> {
    let cli = Cli::from_args();
    match &cli.subcommand {
        Some(Subcommand::Key(command)) => command.run(&cli),
        Some(Subcommand::ExportChainSpec(command)) => command.run(cli.load_spec(&command.chain)?),
        Some(Subcommand::CheckBlock(command)) => cli.create_runner(command)?.async_run(|config| {
            let PartialComponents {
                client,
                task_manager,
                import_queue,
                ..
            } = service::new_partial(&config)?;
            Ok((command.run(client, import_queue), task_manager))
        }),
        Some(Subcommand::ExportBlocks(command)) => {
            cli.create_runner(command)?.async_run(|config| {
                let PartialComponents {
                    client,
                    task_manager,
                    ..
                } = service::new_partial(&config)?;
                Ok((command.run(client, config.database), task_manager))
            })
        }
        Some(Subcommand::ImportBlocks(command)) => {
            cli.create_runner(command)?.async_run(|config| {
                let PartialComponents {
                    client,
                    task_manager,
                    import_queue,
                    ..
                } = service::new_partial(&config)?;
                Ok((command.run(client, import_queue), task_manager))
            })
        }
        Some(Subcommand::PurgeChain(command)) => cli
            .create_runner(command)?
            .sync_run(|config| command.run(config.database)),
        Some(Subcommand::Revert(command)) => cli.create_runner(command)?.async_run(|config| {
            let PartialComponents {
                client,
                task_manager,
                backend,
                ..
            } = service::new_partial(&config)?;
            Ok((
                command.run(client, backend, Some(Box::new(service::revert_consensus))),
                task_manager,
            ))
        }),
        Some(Subcommand::ChainInfo(command)) => {
            cli.create_runner(command)?.sync_run(|config| {
                // Opening a database creates one: say instead that there is none.
                if let DatabaseSource::ParityDb { path } = &config.database {
                    if !path.exists() {
                        return Err(format!(
                            "no database at `{}`: run the node first, or give its --base-path and --chain",
                            path.display()
                        )
                        .into());
                    }
                }
                command.run::<Block>(&config)
            })
        }
        None => cli
            .create_runner(&cli.run)?
            .run_node_until_exit(|config| async move {
                let storage_monitor = cli.storage_monitor.clone();
                match config.network.network_backend {
                    NetworkBackendType::Litep2p => service::new_full::<
                        sc_network::Litep2pNetworkBackend,
                    >(config, storage_monitor),
                    NetworkBackendType::Libp2p => service::new_full::<
                        sc_network::NetworkWorker<_, _>,
                    >(config, storage_monitor),
                }
                .map_err(sc_cli::Error::Service)
            }),
    }
}
