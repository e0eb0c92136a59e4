// SPDX-License-Identifier: GPL-3.0-or-later
//! Bonds.

use crate::amount;
use crate::cli::Session;
use crate::error::WorkerError;
use dream_chain::{At, Call};
use dream_primitives::Balance;

pub(super) async fn bond(session: &Session, value: Balance) -> Result<(), WorkerError> {
    session.submit(Call::Bond(value)).await?;
    say(session).await
}

pub(super) async fn unbond(session: &Session, value: Balance) -> Result<(), WorkerError> {
    session.submit(Call::Unbond(value)).await?;
    say(session).await
}

pub(super) async fn withdraw(session: &Session) -> Result<(), WorkerError> {
    session.submit(Call::WithdrawUnbonded).await?;
    say(session).await
}

async fn say(session: &Session) -> Result<(), WorkerError> {
    let account = session.chain.account();
    let bond = session.chain.bond(At::Finalised, account).await?;
    println!(
        "{account}: bonded {}, locked {}, free {}",
        amount(bond.total),
        amount(bond.locked),
        amount(bond.free())
    );
    if let Some((leaving, block)) = bond.unbonding {
        println!("{} can be withdrawn from block {block} on", amount(leaving));
    }
    Ok(())
}
