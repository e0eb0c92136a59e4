// SPDX-License-Identifier: GPL-3.0-or-later
//! Posting a merge, and taking a posted one back.

use crate::{
    Claims, Config, Disputes, Error, Event, Pallet, PostedHeaders, PostedTables, RoundClaims,
    Rounds, Terms,
};
use alloc::vec::Vec;
use dream_primitives::aggregate::pair_count;
use dream_primitives::cid::Cid;
use dream_primitives::claim::RoundId;
use dream_primitives::dispute::{base_server_root, MergeFacts, PairTable};
use dream_primitives::params::ChainParameters;
use dream_primitives::registry::{ModelRegistry, NewVersion};
use dream_primitives::round::{Phase, PostedMerge, Round, RoundEvent};
use dream_primitives::version::{contributions_root, Contribution, MergeRule};
use dream_primitives::{BlockNumber, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::Get;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// What a merge of a round holds, ascending by claim id.
    pub fn contributions(round: RoundId) -> Vec<Contribution> {
        Rounds::<T>::get(round).map_or_else(Vec::new, |round| Self::contributions_of(&round))
    }

    pub(crate) fn contributions_of(round: &RoundOf<T>) -> Vec<Contribution> {
        Self::contributing(round.source(), round.replays.is_some())
    }

    /// As [`Self::contributions`] for the round's own merge or for a replay of it.
    pub(crate) fn contributing(source: RoundId, replayed: bool) -> Vec<Contribution> {
        let mut all: Vec<Contribution> = RoundClaims::<T>::get(source)
            .into_iter()
            .filter_map(|id| Claims::<T>::get(id).map(|record| (id, record)))
            .filter(|(_, record)| record.contributes(replayed))
            .map(|(claim, record)| Contribution {
                claim,
                delta_root: record.claim.delta_root,
                weight: record.claim.segments,
            })
            .collect();
        all.sort_unstable_by_key(|c| c.claim);
        all
    }

    pub(crate) fn do_post_merge(
        merger: T::AccountId,
        id: RoundId,
        state_root: H256,
        server_root: H256,
        cid: Cid,
        server_cid: Option<Cid>,
        table: PairTable,
    ) -> DispatchResult {
        let mut round = Self::round_in(id, Phase::Merging)?;
        ensure!(round.merge.is_none(), Error::<T>::AlreadyMerged);
        let terms = Terms::<T>::get(id).ok_or(Error::<T>::UnknownRound)?;
        let stateless = terms.recipe.server.moments() == 0;
        let fits = server_root.is_zero() == stateless && server_cid.is_none() == stateless;
        ensure!(fits, Error::<T>::BadServerState);
        let contributions = Self::contributions_of(&round);
        ensure!(!contributions.is_empty(), Error::<T>::NothingToMerge);
        let pairs = pair_count(&terms.recipe.rule, contributions.len());
        ensure!(table.len() == pairs, Error::<T>::BadScalarTable);
        let new = NewVersion {
            state_root,
            server_root,
            cid,
            server_cid,
            contributions_root: contributions_root(&contributions),
        };
        let header = T::Models::next_header(id.branch, round.base, new, &terms.recipe)
            .ok_or(Error::<T>::HeadMoved)?;
        let bond = round.merge_bond(T::Parameters::get().bonds.merge);
        Self::lock(&merger, bond)?;

        let version = header.hash();
        PostedHeaders::<T>::insert(id, header);
        if !table.is_empty() {
            PostedTables::<T>::insert(id, table);
        }
        round.merge = Some(PostedMerge {
            merger: merger.clone(),
            bond,
            version,
            stands: None,
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

    /// What every proof about the posted merge of a round is checked against. The rule is that of the round's terms, which
    /// the posted header carries.
    pub(crate) fn merge_facts(round: &RoundOf<T>) -> Result<MergeFacts, Error<T>> {
        let terms = Terms::<T>::get(round.id).ok_or(Error::<T>::UnknownRound)?;
        let base = T::Models::version(round.base).ok_or(Error::<T>::HeadMoved)?;
        let parameters = terms.architecture.parameters();
        Ok(MergeFacts {
            parameters: parameters.ok_or(Error::<T>::NoSuchTree)?,
            rule: MergeRule {
                rule: terms.recipe.rule,
                server: terms.recipe.server,
            },
            state_root: base.state_root,
            server_root: base_server_root(&base, &terms.recipe.server),
            contributions: Self::contributions_of(round),
            pairs: PostedTables::<T>::get(round.id).into_inner(),
        })
    }

    /// Whether the posted merge holds other claims than a merge posted now would: a jury or a revert took one out.
    pub(crate) fn contributions_moved(round: &RoundOf<T>) -> bool {
        PostedHeaders::<T>::get(round.id).is_some_and(|header| {
            header.contributions_root != contributions_root(&Self::contributions_of(round))
        })
    }

    /// Takes the posted merge back: frees its bond and those of its disputes, and forgets its header and table.
    pub(crate) fn clear_merge(round: &mut RoundOf<T>) {
        for dispute in Disputes::<T>::take(round.id) {
            Self::unlock(&dispute.challenger, dispute.bond);
            round.disputes = round.disputes.saturating_sub(1);
        }
        Self::release_merge_bond(round);
        round.merge = None;
        PostedHeaders::<T>::remove(round.id);
        PostedTables::<T>::remove(round.id);
    }

    /// Sends a round in Merging or Dispute back to the start of Merging. Without contributions there is nothing to wait for.
    pub(crate) fn merge_anew(round: &mut RoundOf<T>, now: BlockNumber, p: &ChainParameters) {
        Self::clear_merge(round);
        if let Some(next) = round.phase.next(RoundEvent::MergeRefuted) {
            round.phase = next;
        }
        round.awaiting = u32::from(!Self::contributions_of(round).is_empty());
        round.deadline = now.saturating_add(p.round.merge_blocks);
        Self::deposit_event(Event::PhaseStarted {
            round: round.id,
            phase: round.phase,
            deadline: round.deadline,
        });
    }

    /// Whether Merging is over: a merge is posted, there is nothing to merge, or nobody merged in time. Open demands hold a
    /// round that nobody merged; a replay waits until somebody does.
    pub(crate) fn merging_over(
        round: &mut RoundOf<T>,
        now: BlockNumber,
        p: &ChainParameters,
    ) -> bool {
        if round.merge.is_some() {
            return true;
        }
        if round.awaiting > 0 && (now < round.deadline || round.disputes > 0) {
            return false;
        }
        if round.awaiting > 0 && round.replays.is_some() {
            Self::merge_anew(round, now, p);
            return false;
        }
        true
    }
}
