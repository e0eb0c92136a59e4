// SPDX-License-Identifier: GPL-3.0-or-later
//! Posting a merge.

use crate::{Claims, Config, Error, Event, Pallet, PostedHeaders, RoundClaims, Rounds, Terms};
use alloc::vec::Vec;
use dream_primitives::cid::Cid;
use dream_primitives::claim::RoundId;
use dream_primitives::registry::{ModelRegistry, NewVersion};
use dream_primitives::round::{ClaimState, Phase, PostedMerge};
use dream_primitives::version::{contributions_root, Contribution};
use dream_primitives::H256;
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::Get;

impl<T: Config> Pallet<T> {
    /// The accepted claims of a round: what a merge of it holds. A claim that a challenge felled after the merge was
    /// posted stays in that merge, which is disputed as it was posted.
    pub fn contributions(round: RoundId) -> Vec<Contribution> {
        let posted = PostedHeaders::<T>::get(round).map(|header| header.block);
        RoundClaims::<T>::get(round)
            .into_iter()
            .filter_map(|id| Claims::<T>::get(id).map(|record| (id, record)))
            .filter(|(_, record)| match record.state {
                ClaimState::Accepted | ClaimState::Challenged => true,
                ClaimState::Slashed | ClaimState::Void => record.felled_after(posted),
                _ => false,
            })
            .map(|(claim, record)| Contribution {
                claim,
                delta_root: record.claim.delta_root,
                weight: record.claim.segments,
            })
            .collect()
    }

    pub(crate) fn do_post_merge(
        merger: T::AccountId,
        id: RoundId,
        state_root: H256,
        server_root: H256,
        cid: Cid,
        server_cid: Option<Cid>,
    ) -> DispatchResult {
        let mut round = Self::round_in(id, Phase::Merging)?;
        ensure!(round.merge.is_none(), Error::<T>::AlreadyMerged);
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let stateless = terms.recipe.server.moments() == 0;
        let fits = server_root.is_zero() == stateless && server_cid.is_none() == stateless;
        ensure!(fits, Error::<T>::BadServerState);
        let contributions_root = contributions_root(&Self::contributions(id));
        let new = NewVersion {
            state_root,
            server_root,
            cid,
            server_cid,
            contributions_root,
        };
        let header = T::Models::next_header(id.branch, round.base, new, &terms.recipe)
            .ok_or(Error::<T>::HeadMoved)?;
        let bond = T::Parameters::get().bonds.merge;
        Self::lock(&merger, bond)?;

        let version = header.hash();
        PostedHeaders::<T>::insert(id, header);
        round.merge = Some(PostedMerge {
            merger: merger.clone(),
            bond,
            version,
        });
        round.awaiting = 0;
        Rounds::<T>::insert(id, round);
        Self::deposit_event(Event::MergePosted {
            round: id,
            version,
            merger,
        });
        Ok(())
    }
}
