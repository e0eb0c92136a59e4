// SPDX-License-Identifier: GPL-3.0-or-later
//! The command line.

use clap::Parser;
use polkadot_sdk::*;

/// Arguments and sub-commands.
#[derive(Debug, Parser)]
pub struct Cli {
    /// What to do instead of running the node.
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,

    /// How to run the node.
    #[clap(flatten)]
    pub run: sc_cli::RunCmd,

    /// When to stop for want of disk space.
    #[clap(flatten)]
    pub storage_monitor: sc_storage_monitor::StorageMonitorParams,
}

/// Everything but running the node.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Create, inspect and insert keys.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),

    /// Write the chain specification as JSON, for people or (with --raw) for a network.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),

    /// Check a block again.
    CheckBlock(sc_cli::CheckBlockCmd),

    /// Write blocks to a file.
    ExportBlocks(sc_cli::ExportBlocksCmd),

    /// Read blocks from a file.
    ImportBlocks(sc_cli::ImportBlocksCmd),

    /// Delete the chain's database.
    PurgeChain(sc_cli::PurgeChainCmd),

    /// Go back to an earlier state, at most to the last finalised block.
    Revert(sc_cli::RevertCmd),

    /// Print the best and the finalised block of the database as JSON.
    ChainInfo(sc_cli::ChainInfoCmd),
}
