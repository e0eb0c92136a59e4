// SPDX-License-Identifier: GPL-3.0-or-later
//! Votes: on the contributions that were opened, and on the segments that were exposed where a sum is out of range.

use super::{Auditor, ROLE};
use crate::blobs;
use crate::error::WorkerError;
use crate::roles::private::sums::{lock, Unmade};
use crate::roles::private::PrivateView;
use crate::roles::Role;
use dream_chain::PrivateCall;
use dream_primitives::claim::RoundId;
use dream_primitives::private::round::{
    CiphertextRoots, ContributionVotes, Contributor, PrivatePhase, SegmentDisclosure,
};
use dream_primitives::private::settle::PrivateReport;
use dream_private::auditor::{votes, Finding, Opened, SegmentFault};
use dream_private::blobs::{BlobError, Ciphertexts};
use dream_private::dealing::{read_key, PublicKey};
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::{info, warn};

/// Part of the phase's time for which a blob is waited for before it is called lacking: stores of others may be behind.
const PATIENCE: u32 = 2;

/// What was found of the contributions at these places.
pub(super) struct Findings {
    round: RoundId,
    phase: PrivatePhase,
    of: BTreeMap<u16, Finding>,
}

/// The segment that a contribution is asked for, and what it opened of it.
type Asked = (u16, Option<SegmentDisclosure>);

impl Auditor {
    /// Checks the contributions and votes; whether the vote is on the chain.
    pub(super) async fn vote(&self, view: &PrivateView) -> Result<bool, WorkerError> {
        let (worker, watch, phase) = (self.worker(), &self.watch, view.round.phase);
        let blame = phase == PrivatePhase::Blame;
        let name = if blame { "blame" } else { "votes" };
        let key = format!("{}/{name}", watch.folder(view));
        let votes = match worker.database.get::<ContributionVotes>(&key)? {
            Some(votes) => votes,
            None => {
                let Some(votes) = self.find(view).await? else {
                    return Ok(false);
                };
                worker.database.put(&key, &votes)?;
                votes
            }
        };
        let round = view.id();
        let call = PrivateCall::VoteContributions { round, votes };
        watch.submit(&format!("{key}-sent"), call).await
    }

    /// What this auditor finds of the contributions; `None` while something may still turn up.
    async fn find(&self, view: &PrivateView) -> Result<Option<ContributionVotes>, WorkerError> {
        let (id, phase) = (view.id(), view.round.phase);
        let known = lock(&self.findings).take();
        let known = known.filter(|f| (f.round, f.phase) == (id, phase));
        let mut of = known.map_or_else(BTreeMap::new, |f| f.of);
        let whole = view.terms.parameters.get().phases.audit_blocks;
        let left = view.round.deadline.saturating_sub(view.block.number);
        let late = left <= whole.checked_div(PATIENCE).unwrap_or(0);
        let key = match phase {
            PrivatePhase::Blame => match self.public_key(view).await {
                Ok(key) => Some(key),
                Err(Unmade::Lacking(why)) => {
                    self.watch
                        .say(view, format!("the blame cannot be told: {why}"));
                    return Ok(None);
                }
                Err(Unmade::Failed(error)) => return Err(error),
            },
            _ => None,
        };
        let standing = view.opened(self.worker()).await?;
        let standing = standing
            .into_iter()
            .filter(|(_, _, known)| view.round.standing.contains(known.place));
        let mut waits = false;
        for (account, roots, known) in standing {
            let place = known.place;
            if matches!(of.get(&place), Some(found) if !matches!(found, Finding::Lacking(_))) {
                continue;
            }
            let found = self.inspect(view, &roots, &known, key.as_ref()).await?;
            let found = match found {
                // Who could name a segment that nobody has would spoil sums at no cost.
                Finding::Lacking(_) if late && withheld(view, &known) => {
                    Finding::Faulty(SegmentFault::Withheld)
                }
                found => found,
            };
            match &found {
                Finding::Sound => {}
                Finding::Lacking(why) => {
                    let silent =
                        why.is_none() && asked(view, &known).is_some_and(|a| a.1.is_none());
                    waits |= !silent;
                    let why = why.as_ref().map(ToString::to_string);
                    let why = why.unwrap_or("what it opened is not to be had".into());
                    self.watch.say(
                        view,
                        format!("the contribution of {account} is lacking: {why}"),
                    );
                }
                Finding::Blank => warn!("{ROLE}: the opened segment of {account} holds zeros only"),
                Finding::Faulty(fault) => warn!("{ROLE}: {account} is at FAULT: {fault}"),
            }
            of.insert(place, found);
        }
        let votes = votes(of.iter().map(|(place, found)| (*place, found)));
        let count = of.len();
        let (round, of) = (id, of);
        *lock(&self.findings) = Some(Findings { round, phase, of });
        if waits && !late {
            return Ok(None);
        }
        info!(
            "private round {}: of {count} contributions {} are lacking, {} blank, {} faulty",
            id.number,
            votes.lacking.count(),
            votes.blank.count(),
            votes.faulty.count()
        );
        Ok(Some(votes))
    }

    /// The public key of the round's epoch.
    async fn public_key(&self, view: &PrivateView) -> Result<Arc<PublicKey>, Unmade> {
        let what = "the epoch's public key";
        let Some(named) = &view.epoch.key else {
            return Err(Unmade::Lacking(format!("{what} was not named")));
        };
        let max = view.layers.keys().public_key_bytes() as u64;
        let bytes = self.worker().store.get(&named.cid, max).await;
        let bytes = bytes.map_err(|e| Unmade::from(e).of(what))?;
        let (epoch, dealers) = (view.facts.epoch, view.facts.dealers);
        let key = read_key(&view.layers, epoch, dealers, named, &bytes);
        Ok(Arc::new(key.map_err(|e| Unmade::Lacking(e.to_string()))?))
    }

    /// Looks at one contribution.
    async fn inspect(
        &self,
        view: &PrivateView,
        roots: &CiphertextRoots,
        known: &Contributor,
        key: Option<&Arc<PublicKey>>,
    ) -> Result<Finding, WorkerError> {
        let store = &*self.worker().store;
        let fetched = Ciphertexts::fetch(store, &view.layers, &view.facts, roots).await;
        let ciphertexts = match fetched {
            Ok(ciphertexts) => ciphertexts,
            Err(error) => return lacking(error),
        };
        let (segment, disclosure) = match asked(view, known) {
            None => return Ok(Finding::Sound),
            Some((_, None)) => return Ok(Finding::Lacking(None)),
            Some((segment, Some(disclosure))) => (segment, disclosure),
        };
        // Values, and where keys are exposed those of the segments that lie in one polynomial.
        let values = view.facts.segment(segment).len();
        let keys = view.layers.keys_per_polynomial();
        let max = values.saturating_add(keys) as u64;
        let blob = match store.get(&disclosure.cid, max).await {
            Ok(blob) => blob,
            Err(error) => return lacking(error.into()),
        };
        let (view, key) = (view.clone(), key.cloned());
        let check = move || {
            let opened = Opened {
                layers: &view.layers,
                round: &view.facts,
                segment,
                ciphertexts: &ciphertexts,
                disclosure: &disclosure,
                blob: Some(&blob),
            };
            match &key {
                Some(key) => opened.check_exposure(key),
                None => opened.check(),
            }
        };
        Ok(tokio::task::spawn_blocking(check).await?)
    }
}

/// What a contribution is asked to open in this phase; `None` where nothing is.
fn asked(view: &PrivateView, known: &Contributor) -> Option<Asked> {
    if !view.round.disclosing.contains(known.place) {
        return None;
    }
    match (view.round.phase, view.round.settled) {
        (PrivatePhase::Blame, Some(PrivateReport::OutOfRange { segment })) => {
            Some((segment, known.exposure))
        }
        (PrivatePhase::Blame, _) => None,
        _ => known.segment.map(|segment| (segment, known.disclosure)),
    }
}

/// Whether a contribution's exposed segment, or what it is checked against, should be there: its ciphertexts were when the
/// auditors let it stand.
fn withheld(view: &PrivateView, known: &Contributor) -> bool {
    view.round.phase == PrivatePhase::Blame && asked(view, known).is_some_and(|a| a.1.is_some())
}

fn lacking(error: BlobError) -> Result<Finding, WorkerError> {
    match error {
        BlobError::Store(error) if !blobs::lacking(&error) => Err(error.into()),
        error => Ok(Finding::Lacking(Some(error))),
    }
}
