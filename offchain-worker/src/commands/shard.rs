// SPDX-License-Identifier: GPL-3.0-or-later
//! Held-out shards: cutting them, and committing them by their roots.

use crate::cli::Session;
use crate::database::Database;
use crate::error::WorkerError;
use crate::folder;
use crate::shards::{self, Prepared};
use dream_chain::{AccountId, At, Call, Chain, PrivateChain, Shard};
use dream_primitives::private::round::PrivatePhase;
use dream_primitives::value::ScoreStage;
use dream_primitives::H256;
use std::path::Path;

/// Cuts the text of a folder into held-out shards and keeps them in the account's state folder. They are not put into the
/// blob store: the steward's role does that when their time has come.
pub async fn prepare(
    session: &Session,
    path: &Path,
    samples: Option<u32>,
    skip_empty: bool,
) -> Result<Vec<H256>, WorkerError> {
    let branch = session.branch().await?;
    let (id, account) = (session.global.branch, session.chain.account());
    let window = branch.recipe.context.saturating_add(1);
    let text = folder::read(path, window, skip_empty)?;
    for file in &text.skipped {
        println!("left out: {} is empty", file.display());
    }
    let cut = shards::cut(id, &text.bytes, window, samples)
        .map_err(|e| WorkerError::Input(format!("{}: {e}", path.display())))?;
    let (database, due) = (database(session)?, due(session).await?);
    let mut roots = Vec::new();
    for shard in &cut {
        let (root, samples) = (shard.root(), shard.samples());
        let waits = due.contains(&root);
        if !waits && session.chain.shard_known(At::Finalised, root).await? {
            println!("left out: the shard {root:?} was committed before, and each is used once");
            continue;
        }
        shards::keep(&database, shard)?;
        roots.push(root);
        if waits {
            println!("shard {root:?}: committed; it is opened from here when its round is scored");
        } else {
            println!("shard {root:?}: {samples} samples of {window} bytes; who decides commits it: dream-worker shard commit {root:?} --samples {samples} --steward {account} --branch {id}");
        }
    }
    if roots.is_empty() {
        let path = path.display();
        let why = format!("every shard of {path} was committed before: take text of which no part was used, or another --samples");
        return Err(WorkerError::Input(why));
    }
    Ok(roots)
}

/// Roots of the branch's shards that the account has yet to open.
async fn due(session: &Session) -> Result<Vec<H256>, WorkerError> {
    let (chain, id, account) = (
        &session.chain,
        session.global.branch,
        session.chain.account(),
    );
    let at = At::from(chain.finalised().await?);
    let mut all = chain.shards(at, id).await?;
    if let Some(round) = chain.current_round(at, id).await? {
        let valuation = chain.valuation(at, round.id).await?;
        let opening = valuation.filter(|v| v.stage == ScoreStage::Opening && v.cid.is_none());
        all.extend(opening.map(|v| v.shard));
    }
    let private: &dyn Chain = &**chain;
    let opening = private.last_private_round(at, id).await?;
    let opening =
        opening.filter(|r| r.phase == PrivatePhase::ShardOpening && r.shard_cid.is_none());
    all.extend(opening.and_then(|round| round.shard));
    all.retain(|shard| shard.steward == account);
    Ok(all.into_iter().map(|shard| shard.root).collect())
}

/// Commits shards by sudo: the one that is named, or all that the account has prepared for the branch.
pub async fn commit(
    session: &Session,
    named: Option<(H256, u32)>,
    steward: Option<AccountId>,
) -> Result<(), WorkerError> {
    let branch = session.branch().await?;
    let (id, window) = (
        session.global.branch,
        branch.recipe.context.saturating_add(1),
    );
    let steward = steward.unwrap_or(session.chain.account());
    let of = |root: H256, samples: u32| Shard {
        root,
        samples,
        window,
        steward,
    };
    let wanted = match named {
        Some((root, samples)) => vec![of(root, samples)],
        None => {
            let prepared = own(session).await?;
            let all = prepared.iter().map(|p| of(p.root(), p.samples()));
            all.collect()
        }
    };
    for shard in wanted {
        let (root, samples) = (shard.root, shard.samples);
        let call = Call::CommitShard { branch: id, shard };
        session.submit(Call::Sudo(Box::new(call))).await?;
        println!("shard {root:?} of {samples} samples waits to score branch {id}; its steward is {steward}");
    }
    Ok(())
}

/// Shards that the account has prepared for the branch and nobody has committed.
async fn own(session: &Session) -> Result<Vec<Prepared>, WorkerError> {
    let (id, database) = (session.global.branch, database(session)?);
    let mut found = Vec::new();
    for root in shards::roots(&database)? {
        let shard = shards::get(&database, &root)?.filter(|s| s.branch == id);
        if let Some(shard) = shard {
            if !session.chain.shard_known(At::Finalised, root).await? {
                found.push(shard);
            }
        }
    }
    if found.is_empty() {
        let why = format!("no shard of branch {id} is prepared that was not committed: `dream-worker shard prepare FOLDER`, with the same key and --state");
        return Err(WorkerError::Input(why));
    }
    Ok(found)
}

fn database(session: &Session) -> Result<Database, WorkerError> {
    let (genesis, account) = (session.chain.genesis(), session.chain.account());
    let state = &session.global.state;
    Ok(Database::beside(state, &genesis, account.as_bytes())?)
}
