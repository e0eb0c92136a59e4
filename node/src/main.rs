// SPDX-License-Identifier: GPL-3.0-or-later
//! `dream-node`: produces, finalises and serves the DREAM chain.

// The SDK's errors are large; one is made once, when the program ends.
#![allow(clippy::result_large_err)]

mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;

use std::process::ExitCode;

fn main() -> ExitCode {
    match command::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {}", chain_spec::readable(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}
