// SPDX-License-Identifier: GPL-3.0-or-later
//! The program `dream-worker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    dream_worker::cli::main()
}
