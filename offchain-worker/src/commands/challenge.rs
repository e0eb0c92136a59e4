// SPDX-License-Identifier: GPL-3.0-or-later
//! Challenging a segment of a claim.

use crate::amount;
use crate::cli::Session;
use crate::error::WorkerError;
use crate::roles::verify::challenge_bond;
use dream_chain::{At, Call};
use dream_primitives::H256;

pub(super) async fn challenge(
    session: &Session,
    claim: H256,
    segment: u16,
) -> Result<(), WorkerError> {
    let chain = &session.chain;
    let Some(record) = chain.claim(At::Finalised, claim).await? else {
        return Err(WorkerError::UnknownClaim(claim));
    };
    if segment >= record.claim.segments {
        return Err(WorkerError::Input(format!(
            "claim {claim:?} has the segments 0 to {}, not {segment}",
            record.claim.segments.saturating_sub(1)
        )));
    }
    let first = chain.parameters(At::Finalised).await?.bonds.challenge;
    let bond = challenge_bond(first, &record);
    session.submit(Call::Challenge { claim, segment }).await?;
    println!(
        "segment {segment} of claim {claim:?} goes to the jury of its profile; {} are locked: lost if the claim is upheld",
        amount(bond)
    );
    Ok(())
}
