// SPDX-License-Identifier: GPL-3.0-or-later
//! Versions: their parameters and moments, from wherever they can be had.
//!
//! A header's CIDs are its poster's word and bind nobody; its roots do. What the CIDs do not lead to is made again from the
//! version before and the deltas between, and kept under the CIDs that it then has.

use crate::blobs::{self, BlobError};
use crate::error::WorkerError;
use crate::merge::Merged;
use crate::worker::{RoundView, Worker};
use dream_chain::At;
use dream_primitives::claim::RoundId;
use dream_primitives::version::VersionHeader;
use dream_primitives::H256;
use dream_store::Cid;
use tracing::warn;

/// Half of a version.
#[derive(Clone, Copy)]
enum Part {
    State,
    Moments,
}

/// CIDs of parameters and moments.
type Cids = (Cid, Option<Cid>);

fn key(state_root: H256) -> String {
    format!("versions/{state_root:x}")
}

impl Worker {
    /// Parameters of a version that stands under `view`'s round, or that its merge posted.
    pub(crate) async fn version_state(
        &self,
        view: &RoundView,
        header: &VersionHeader,
    ) -> Result<Vec<i32>, WorkerError> {
        self.version_part(view, header, Part::State).await
    }

    /// Moments of a version that stands under `view`'s round.
    pub(crate) async fn version_moments(
        &self,
        view: &RoundView,
        header: &VersionHeader,
    ) -> Result<Vec<i32>, WorkerError> {
        self.version_part(view, header, Part::Moments).await
    }

    async fn fetch(
        &self,
        view: &RoundView,
        header: &VersionHeader,
        part: Part,
    ) -> Result<Vec<i32>, BlobError> {
        let (store, terms) = (&*self.store, &view.terms);
        let architecture = &terms.architecture;
        match part {
            Part::State => blobs::version_state(store, architecture, header).await,
            Part::Moments => {
                blobs::version_moments(store, architecture, &terms.recipe, header).await
            }
        }
    }

    async fn version_part(
        &self,
        view: &RoundView,
        header: &VersionHeader,
        part: Part,
    ) -> Result<Vec<i32>, WorkerError> {
        let error = match self.fetch(view, header, part).await {
            Ok(found) => return Ok(found),
            Err(error) if error.lacking() => error,
            Err(error) => return Err(error.into()),
        };
        if let Some(kept) = self.kept(view, header, part).await? {
            return Ok(kept);
        }
        let Some(merged) = self.made_again(view, header).await? else {
            return Err(error.into());
        };
        self.keep_version(&merged).await?;
        Ok(match part {
            Part::State => merged.state,
            Part::Moments => merged.moments,
        })
    }

    /// Stores a merged version and remembers where.
    pub(crate) async fn keep_version(&self, merged: &Merged) -> Result<Cids, WorkerError> {
        let cid = self
            .store
            .put_bytes(blobs::state_bytes(&merged.state))
            .await?;
        let server_cid = match merged.moments.is_empty() {
            true => None,
            false => Some(
                self.store
                    .put_bytes(blobs::state_bytes(&merged.moments))
                    .await?,
            ),
        };
        let cids = (cid, server_cid);
        self.database.put(&key(merged.state_root), &cids)?;
        Ok(cids)
    }

    /// What this worker kept of a version: of an earlier merge of its own.
    async fn kept(
        &self,
        view: &RoundView,
        header: &VersionHeader,
        part: Part,
    ) -> Result<Option<Vec<i32>>, WorkerError> {
        let Some((cid, server_cid)) = self.database.get::<Cids>(&key(header.state_root))? else {
            return Ok(None);
        };
        let own = VersionHeader {
            cid,
            server_cid,
            ..*header
        };
        match self.fetch(view, &own, part).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.lacking() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A version made again from the one before and the deltas between; `None` where its round or a delta is gone.
    async fn made_again(
        &self,
        view: &RoundView,
        header: &VersionHeader,
    ) -> Result<Option<Merged>, WorkerError> {
        let Some(made) = self.round_of_version(view, header).await? else {
            return Ok(None);
        };
        warn!(
            "version {} is not where its header says: it is made again from the deltas of round {}",
            header.number, made.round.id.number
        );
        self.remerge(&made, header).await
    }

    /// The round whose merge a version is: `view`'s own, or an earlier one of its branch that the chain still keeps.
    async fn round_of_version(
        &self,
        view: &RoundView,
        header: &VersionHeader,
    ) -> Result<Option<RoundView>, WorkerError> {
        let (at, version) = (At::from(view.block), header.hash());
        let mut number = view.round.id.number;
        while number > 0 {
            let id = RoundId {
                number,
                ..view.round.id
            };
            let Some(round) = self.chain.round(at, id).await? else {
                return Ok(None);
            };
            if round.merge.as_ref().is_some_and(|m| m.version == version) {
                let terms = self.chain.terms(at, id).await?;
                return Ok(terms.map(|terms| RoundView {
                    block: view.block,
                    round,
                    terms,
                }));
            }
            number -= 1;
        }
        Ok(None)
    }
}
