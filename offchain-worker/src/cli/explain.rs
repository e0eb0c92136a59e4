// SPDX-License-Identifier: GPL-3.0-or-later
//! Arguments of `explain`.

use super::hash;
use clap::{Args, Subcommand};
use dream_chain::AccountId;
use dream_primitives::H256;

/// What is explained.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ExplainOptions {
    /// Claim, in hexadecimal.
    #[arg(value_parser = hash, required = true)]
    pub claim: Option<H256>,
    /// Something else.
    #[command(subcommand)]
    pub other: Option<ExplainCommand>,
}

/// What is explained beside claims.
#[derive(Clone, Debug, Subcommand)]
pub enum ExplainCommand {
    /// Where the weight of an account's vote on a referendum comes from, or what it would weigh.
    Vote {
        /// Account, by its SS58 address.
        account: AccountId,
        /// Referendum, from 0.
        referendum: u32,
    },
}
