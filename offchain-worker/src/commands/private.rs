// SPDX-License-Identifier: GPL-3.0-or-later
//! Private rounds: sponsors, members that leave, and what a contributor has given away.

use super::print_json;
use crate::amount;
use crate::cli::Session;
use crate::database::Database;
use crate::error::WorkerError;
use crate::roles::private::loss::{Account, Loss};
use dream_chain::{At, Call, Chain, PrivateCall, PrivateChain};
use dream_primitives::private::round::JobTerms;
use dream_primitives::Balance;

/// Takes back the account's offer to sit in committees.
pub(super) async fn leave(session: &Session) -> Result<(), WorkerError> {
    let call = Call::Private(PrivateCall::LeaveCommittee);
    session.submit(call).await?;
    let account = session.chain.account();
    println!("{account} waits for no place in a committee any more; where it sits already it serves to the end of the epoch");
    Ok(())
}

/// Offers private rounds of a branch, or changes what they are paid.
pub(super) async fn sponsor(
    session: &Session,
    value: Balance,
    terms: JobTerms,
) -> Result<(), WorkerError> {
    let (branch, account) = (session.branch().await?, session.chain.account());
    let id = session.global.branch;
    // The chain would refuse it too, but could not say who may, or what is in the way.
    if branch.owner != account {
        return Err(WorkerError::Input(format!(
            "branch {id} belongs to {}, not to {account}: only its owner can sponsor it",
            branch.owner
        )));
    }
    if branch.admission.is_some() {
        return Err(WorkerError::Input(format!(
            "branch {id} is admitted and has public rounds: private rounds take a branch that is not"
        )));
    }
    let call = PrivateCall::Sponsor {
        branch: id,
        terms,
        amount: value,
    };
    session.submit(Call::Private(call)).await?;
    say(session).await
}

/// Ends a job.
pub(super) async fn end(session: &Session) -> Result<(), WorkerError> {
    let call = PrivateCall::EndJob(session.global.branch);
    session.submit(Call::Private(call)).await?;
    say(session).await
}

async fn say(session: &Session) -> Result<(), WorkerError> {
    let branch = session.global.branch;
    let chain: &dyn Chain = &*session.chain;
    match chain.job(At::Finalised, branch).await? {
        None => println!("branch {branch} has no sponsor"),
        Some(job) => {
            let ending = match job.closing {
                true => "; it ends with the round in motion: then run `sponsor-end` again",
                false => "",
            };
            println!(
                "branch {branch}: escrow {}, of it {} set aside; a round pays a fee of {} and at most {} for its gain, {} for 10^-6 nats a token; a code counts 2^{} grid steps{ending}",
                amount(job.balance),
                amount(job.reserved),
                amount(job.terms.fee),
                amount(job.terms.reward),
                amount(job.terms.price),
                job.terms.shift
            );
        }
    }
    Ok(())
}

/// Prints what the account has given away, from its state folder, whether a worker runs there or not.
pub(super) fn privacy(session: &Session, delta: f64) -> Result<(), WorkerError> {
    let (chain, global) = (&session.chain, &session.global);
    let own = chain.account();
    let database = Database::beside(&global.state, &chain.genesis(), own.as_bytes())?;
    let account = Account::of(&Loss::all(&database)?, global.branch, delta)?;
    match global.json {
        true => print_json(&account.json()),
        false => println!("{account}"),
    }
    Ok(())
}
