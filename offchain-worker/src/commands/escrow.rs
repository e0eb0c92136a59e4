// SPDX-License-Identifier: GPL-3.0-or-later
//! Escrows of branches that their owners pay.

use crate::amount;
use crate::cli::Session;
use crate::error::WorkerError;
use dream_chain::{At, Call};
use dream_primitives::Balance;

pub(super) async fn fund(
    session: &Session,
    value: Balance,
    per_round: Balance,
    unit_price: Balance,
) -> Result<(), WorkerError> {
    own(session).await?;
    let call = Call::FundBranch {
        branch: session.global.branch,
        amount: value,
        per_round,
        unit_price,
    };
    session.submit(call).await?;
    say(session).await
}

pub(super) async fn withdraw(session: &Session, value: Balance) -> Result<(), WorkerError> {
    own(session).await?;
    let call = Call::WithdrawEscrow {
        branch: session.global.branch,
        amount: value,
    };
    session.submit(call).await?;
    say(session).await
}

/// The chain would refuse it too, but could not say who may.
async fn own(session: &Session) -> Result<(), WorkerError> {
    let owner = session.branch().await?.owner;
    let account = session.chain.account();
    if owner == account {
        return Ok(());
    }
    Err(WorkerError::Input(format!(
        "branch {} belongs to {owner}, not to {account}: only its owner can fund it",
        session.global.branch
    )))
}

async fn say(session: &Session) -> Result<(), WorkerError> {
    let branch = session.global.branch;
    match session.chain.escrow(At::Finalised, branch).await? {
        None => println!("branch {branch} has no escrow"),
        Some(escrow) => println!(
            "branch {branch}: escrow {}, of it {} set aside for rounds; at most {} a round, {} a work unit",
            amount(escrow.balance),
            amount(escrow.reserved),
            amount(escrow.per_round),
            amount(escrow.unit_price)
        ),
    }
    Ok(())
}
