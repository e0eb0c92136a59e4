// SPDX-License-Identifier: GPL-3.0-or-later
//! Entry without tokens: a ticket for a slot in the next round.

use super::profile::{leaf_of, settings_of};
use crate::canary::Secrets;
use crate::cli::Session;
use crate::error::WorkerError;
use crate::show::Terminal;
use crate::ticket::Puzzle;
use crate::worker::{Runners, Stop};
use dream_chain::{At, Call, SubmitError, Ticket};
use dream_primitives::ticket::check;
use dream_training::numeric::NumericSettings;
use std::sync::Arc;
use tracing::info;

/// Hashes between two looks at the chain.
const BATCH: u64 = 1 << 22;
/// Refusals after which the ticket is ground anew: others were faster, or the round went by.
const OUTRUN: [&str; 3] = ["NoSlotLeft", "AboveTarget", "TicketOutOfTime"];

pub(super) async fn enter(
    session: &Session,
    runners: Arc<dyn Runners>,
    settings: Option<&NumericSettings>,
    terminal: &Terminal,
    stop: Stop,
) -> Result<(), WorkerError> {
    let (chain, branch) = (&session.chain, session.global.branch);
    let account = chain.account();
    let slots = chain.parameters(At::Finalised).await?.round.newcomer_slots;
    if slots == 0 {
        let text = "this chain has no slots for newcomers: it takes a bond to mine";
        return Err(WorkerError::Input(text.into()));
    }
    let leaf = leaf_of(session, runners, settings, terminal, stop.clone()).await?;
    let secrets = Secrets::new(&**chain, branch);
    let mut first: u64 = 0;
    loop {
        let block = chain.finalised().await?;
        let at = At::from(block);
        let round = chain.current_round(at, branch).await?;
        let Some(round) = round.filter(|r| !r.seed.is_zero()) else {
            chain.next_finalised(block.number).await?;
            continue;
        };
        let entries = chain.tickets(at, branch).await?;
        if let Some(entry) = entries.iter().find(|e| e.account == account) {
            println!(
                "{account} has a slot in the round after {} of branch {branch} unless better tickets come (work {:?}): run `dream-worker mine`",
                round.id.number, entry.work
            );
            return Ok(());
        }
        let seated = chain.newcomers(at, round.id).await?;
        if seated.iter().any(|e| e.account == account) {
            println!(
                "{account} has a slot in round {} of branch {branch}: run `dream-worker mine`",
                round.id.number
            );
            return Ok(());
        }
        let (target, stopped) = (chain.ticket_target(at, branch).await?, stop.clone());
        let (threads, start) = (session.global.threads, first);
        let puzzle = Puzzle {
            genesis: chain.genesis(),
            account,
            seed: round.seed,
        };
        let nonce = tokio::task::spawn_blocking(move || {
            let fits = |work: &_| check(&entries, &account, work, &target, slots).is_ok();
            let stopped = || stopped.stopped();
            puzzle.grind(start, BATCH, threads, &fits, &stopped)
        })
        .await?;
        if stop.stopped() {
            return Err(WorkerError::Interrupted);
        }
        let Some(nonce) = nonce else {
            first = first.wrapping_add(BATCH);
            info!("no ticket for round {} in {first} hashes", round.id.number);
            continue;
        };
        let ticket = Ticket {
            account,
            round: round.id,
            nonce,
            settings: settings_of(settings)?,
            leaf,
            secret: secrets.ticket(round.id.number),
        };
        match chain.submit(Call::Enter(Box::new(ticket))).await {
            // The list of tickets, read again, says whether it has a slot.
            Ok(_) => {}
            Err(SubmitError::Dispatch { error, .. }) if OUTRUN.contains(&error.as_str()) => {
                info!("the ticket came too late ({error}): grinding another");
                first = nonce.wrapping_add(1);
            }
            Err(SubmitError::Dropped { reason }) => info!("the ticket was dropped: {reason}"),
            Err(error) => return Err(WorkerError::submitting("UsefulWork.enter")(error)),
        }
    }
}
