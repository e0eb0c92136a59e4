// SPDX-License-Identifier: GPL-3.0-or-later
//! Reverts: a claim is taken out by making the merges since again without it, one replay round for each.
//!
//! A revert waits until the branch's current round has been paid. Then the head goes back to the version before the reverted
//! claim's round, and for that round and each later one whose merge held a claim that still stands a replay round opens, in
//! order, in Merging: anybody posts its merge, anybody disputes it, nobody is paid for it.

use crate::{
    ActiveRounds, Bases, Claims, Config, CurrentRound, Error, Event, Pallet, Replays, Rounds, Terms,
};
use alloc::vec::Vec;
use dream_primitives::claim::RoundId;
use dream_primitives::game::Replay;
use dream_primitives::math::{to_u32, to_usize};
use dream_primitives::params::ChainParameters;
use dream_primitives::registry::ModelRegistry;
use dream_primitives::round::{ClaimEvent, ClaimState, Phase, Round};
use dream_primitives::{BlockNumber, BranchId, H256};
use polkadot_sdk::frame_support::dispatch::DispatchResult;
use polkadot_sdk::frame_support::ensure;
use polkadot_sdk::frame_support::traits::Get;

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;

/// Most round numbers, replays among them, that a revert looks back over.
const MAX_SPAN: u32 = 256;

impl<T: Config> Pallet<T> {
    pub(crate) fn do_revert_claim(claim: H256) -> DispatchResult {
        let mut record = Claims::<T>::get(claim).ok_or(Error::<T>::UnknownClaim)?;
        ensure!(!record.reverted, Error::<T>::AlreadyReverted);
        ensure!(record.merged, Error::<T>::NotMerged);
        // Its verdict comes first.
        let judged = record.state != ClaimState::Challenged;
        ensure!(judged, Error::<T>::WrongClaimState);
        let id = record.claim.round;
        ensure!(Self::within_retention(id), Error::<T>::RevertTooOld);
        Self::move_claim(&mut record, ClaimEvent::Revert).ok_or(Error::<T>::WrongClaimState)?;
        Self::queue(id)?;
        let training = Self::moving(id.branch).is_some_and(|r| r.replays.is_none());
        if !training {
            Self::drop_residual(claim, &record);
        }
        record.reverted = true;
        Claims::<T>::insert(claim, record);
        Self::deposit_event(Event::ClaimReverted { claim, round: id });
        Self::leave_replay(id);
        Ok(())
    }

    /// Whether at most `retention_rounds` rounds of training opened on the branch after this one.
    fn within_retention(id: RoundId) -> bool {
        let latest = CurrentRound::<T>::get(id.branch).unwrap_or(0);
        let retained = T::Parameters::get().round.retention_rounds;
        if latest.saturating_sub(id.number) > MAX_SPAN {
            return false;
        }
        let mut later = 0u32;
        for number in id.number.saturating_add(1)..=latest {
            let trained =
                Rounds::<T>::get(RoundId { number, ..id }).is_some_and(|r| r.replays.is_none());
            later = later.saturating_add(u32::from(trained));
        }
        later <= retained
    }

    /// The round of a branch that moves, if one does.
    fn moving(branch: BranchId) -> Option<RoundOf<T>> {
        let number = CurrentRound::<T>::get(branch)?;
        Rounds::<T>::get(RoundId { branch, number })
            .filter(|r| !matches!(r.phase, Phase::Vesting | Phase::Closed))
    }

    /// Queues the replay of a branch from a round on. A replay that is under way begins again only where that round's merge
    /// has been made again already: the others follow without the claim anyway.
    fn queue(id: RoundId) -> Result<(), Error<T>> {
        Replays::<T>::try_mutate(|all| {
            let new = Replay {
                branch: id.branch,
                from: Some(id.number),
                next: id.number,
                until: id.number,
            };
            let Some(replay) = all.iter_mut().find(|r| r.branch == id.branch) else {
                return all.try_push(new).map_err(|_| Error::<T>::TooManyReplays);
            };
            let merging = |r: &RoundOf<T>| matches!(r.phase, Phase::Merging | Phase::Dispute);
            let current = Self::moving(id.branch).filter(merging);
            let first = current.and_then(|r| r.replays).unwrap_or(replay.next);
            let ahead = id.number >= first;
            replay.from = match replay.from {
                Some(from) => Some(from.min(id.number)),
                None if ahead => None,
                None => Some(id.number),
            };
            Ok(())
        })
    }

    /// Takes back the posted merge of the replay that is under way, if it holds a claim that was just reverted.
    fn leave_replay(id: RoundId) {
        let Some(mut round) = Self::moving(id.branch).filter(|r| r.replays == Some(id.number))
        else {
            return;
        };
        if matches!(round.phase, Phase::Merging | Phase::Dispute) {
            let p = T::Parameters::get();
            Self::merge_anew(&mut round, Self::now(), &p);
            Rounds::<T>::insert(round.id, round);
        }
    }

    /// Whether a branch is being replayed: no round of training opens on it.
    pub(crate) fn replaying(branch: BranchId) -> bool {
        Replays::<T>::get().iter().any(|r| r.branch == branch)
    }

    /// Whether a round may still be wanted by a replay, so that it is not pruned.
    pub(crate) fn wanted(id: RoundId) -> bool {
        Replays::<T>::get().iter().any(|r| {
            let first = r.from.map_or(r.next, |from| from.min(r.next));
            // The one under way is `next - 1`.
            r.branch == id.branch && id.number.saturating_add(1) >= first
        })
    }

    /// Moves at most so many of the replays whose branch has no moving round by one round; returns how many it moved.
    pub(crate) fn drive_replays(now: BlockNumber, p: &ChainParameters, most: u32) -> u32 {
        let mut all = Replays::<T>::get();
        let idle = all.iter().map(|replay| replay.branch);
        let idle = idle.filter(|branch| Self::moving(*branch).is_none());
        let moved: Vec<BranchId> = idle.take(to_usize(most)).collect();
        if moved.is_empty() {
            return 0;
        }
        all.retain(|replay| {
            !moved.contains(&replay.branch) || replay.from.is_some() || replay.next <= replay.until
        });
        for replay in all.iter_mut() {
            if moved.contains(&replay.branch) {
                Self::drive(replay, now, p);
            }
        }
        for replay in Replays::<T>::get() {
            if !all.iter().any(|r| r.branch == replay.branch) {
                Self::deposit_event(Event::ReplayFinished {
                    branch: replay.branch,
                });
            }
        }
        Replays::<T>::put(all);
        to_u32(moved.len())
    }

    /// Puts the head back, or opens the next replay round. A round without a claim that still stands is left out.
    fn drive(replay: &mut Replay, now: BlockNumber, p: &ChainParameters) {
        let branch = replay.branch;
        if let Some(number) = replay.from.take() {
            replay.next = number;
            replay.until = CurrentRound::<T>::get(branch).unwrap_or(number);
            let id = RoundId { branch, number };
            let base = Bases::<T>::get(id).or_else(|| Rounds::<T>::get(id).map(|r| r.base));
            match base.filter(|base| T::Models::rewind(branch, *base).is_some()) {
                Some(head) => Self::deposit_event(Event::ReplayStarted {
                    branch,
                    from: number,
                    head,
                }),
                // The branch's head went elsewhere (a governance act): there is nothing to make again.
                None => replay.until = 0,
            }
            return;
        }
        let id = RoundId {
            branch,
            number: replay.next,
        };
        if Self::open_replay(id, now, p) {
            replay.next = replay.next.saturating_add(1);
        }
    }

    /// Opens the replay of a round, where its merge held a claim that still stands; `false` when it has to wait.
    fn open_replay(source: RoundId, now: BlockNumber, p: &ChainParameters) -> bool {
        let Some(round) = Rounds::<T>::get(source).filter(|r| r.replays.is_none()) else {
            return true;
        };
        let (Some(terms), Some(branch)) =
            (Terms::<T>::get(source), T::Models::branch(source.branch))
        else {
            return true;
        };
        if !Self::stands_without_reverted(source) {
            return true;
        }
        let last = CurrentRound::<T>::get(source.branch).unwrap_or(0);
        let Some(number) = last.checked_add(1) else {
            return true;
        };
        let id = RoundId { number, ..source };
        if ActiveRounds::<T>::try_append(id).is_err() {
            return false;
        }
        let deadline = now.saturating_add(p.round.merge_blocks);
        let replay = Round {
            id,
            phase: Phase::Merging,
            opened: now,
            deadline,
            base: branch.head,
            claims: 0,
            awaiting: 1,
            cursor: None,
            accepted: 0,
            units: 0,
            audit_units: 0,
            emission: 0,
            pay: None,
            receipted: 0,
            merge: None,
            replays: Some(source.number),
            trials: 0,
            disputes: 0,
            refutations: 0,
            ..round
        };
        Bases::<T>::insert(source, branch.head);
        Terms::<T>::insert(id, terms);
        Rounds::<T>::insert(id, replay);
        CurrentRound::<T>::insert(source.branch, number);
        Self::deposit_event(Event::RoundOpened {
            round: id,
            base: branch.head,
        });
        Self::deposit_event(Event::PhaseStarted {
            round: id,
            phase: Phase::Merging,
            deadline,
        });
        true
    }
}
