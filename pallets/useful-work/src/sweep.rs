// SPDX-License-Identifier: GPL-3.0-or-later
//! What the end of a phase does to each claim of the round.

use crate::{
    Bonds, Candidate, Candidates, Config, Event, Pallet, ProfileRecord, Profiles, Verifiers,
};
use alloc::vec::Vec;
use dream_primitives::claim::Availability;
use dream_primitives::math::{to_u32, to_usize};
use dream_primitives::params::ChainParameters;
use dream_primitives::round::{ClaimEvent, ClaimRecord, ClaimState, Phase, Round, Seat};
use dream_primitives::{draw, Balance, BlockNumber, BoundedVec, BranchId, H256};

type RoundOf<T> = Round<<T as polkadot_sdk::frame_system::Config>::AccountId>;
type Record<T> = ClaimRecord<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// Moves one claim at the end of a phase; `false` when it is to be removed.
    pub(crate) fn sweep(
        round: &mut RoundOf<T>,
        id: H256,
        record: &mut Record<T>,
        parameters: &ChainParameters,
        candidates: &mut [Candidate<T::AccountId>],
    ) -> bool {
        let before = record.state;
        match round.phase {
            Phase::Drawing => Self::draw(round, id, record, parameters, candidates),
            Phase::Opening => Self::close_opening(round, id, record, parameters),
            Phase::Availability => Self::close_availability(round, record),
            Phase::Commitment => {
                let moved = Self::move_claim(record, ClaimEvent::Commit).is_some();
                round.awaiting = round.awaiting.saturating_add(u32::from(moved));
            }
            Phase::DigestOpening => {
                Self::close_digests(round, id, record, parameters);
            }
            Phase::Reveal => {
                let opened = record.state == ClaimState::Revealed;
                round.awaiting = round.awaiting.saturating_add(u32::from(opened));
            }
            Phase::FlagOpening => Self::settle(round, id, record, parameters),
            Phase::Paying => Self::write_receipts(round, id, record, parameters),
            Phase::Vesting => Self::pay_out(id, record),
            Phase::Closed => return false,
            _ => {}
        }
        if record.state != before {
            Self::deposit_event(Event::ClaimMoved {
                claim: id,
                state: record.state,
            });
        }
        true
    }

    /// Verifiers of a branch whose profile, bond and place on the list are older than a block, with what they had then. Who
    /// kept accounts off the list until a claim is judged gains nothing by it.
    pub(crate) fn verifiers_before(
        branch: BranchId,
        block: BlockNumber,
    ) -> Vec<Candidate<T::AccountId>> {
        let candidate = |account: T::AccountId| {
            let bond = Bonds::<T>::get(&account)?;
            let old = |p: &ProfileRecord| p.since < block && p.enlisted.is_some_and(|e| e < block);
            let profile = Profiles::<T>::get(branch, &account).filter(old)?;
            Some(Candidate {
                account,
                leaf: profile.leaf,
                bond: bond.counted(block),
                free: bond.free_in(block),
            })
        };
        let all = Verifiers::<T>::get(branch);
        all.into_iter().filter_map(candidate).collect()
    }

    /// Freezes the branch's verifiers as they stand now. Were they taken when the audit seed is known, an author of the
    /// seed could retire or unbond some of its own until the draw suits it.
    pub(crate) fn freeze_candidates(round: &RoundOf<T>) {
        let mut all = Self::verifiers_before(round.id.branch, round.opened);
        all.retain(|c| Self::profile_admitted(&c.leaf));
        Candidates::<T>::insert(round.id, BoundedVec::truncate_from(all));
    }

    fn draw(
        round: &mut RoundOf<T>,
        id: H256,
        record: &mut Record<T>,
        parameters: &ChainParameters,
        candidates: &mut [Candidate<T::AccountId>],
    ) {
        let genesis = Self::genesis();
        let seat_bond = parameters.bonds.seat;
        let weights: Vec<Balance> = candidates
            .iter()
            .map(|c| {
                let able = c.leaf == record.claim.profile
                    && c.account != record.miner
                    && c.free >= seat_bond;
                if able {
                    c.bond
                } else {
                    0
                }
            })
            .collect();
        let seed = &round.audit_seed;
        let size = parameters.audit.committee;
        let drawn = draw::committee(&genesis, seed, &id, &weights, size);
        if to_u32(drawn.len()) < u32::from(size) {
            // Fewer verifiers than the audit wants could all be the miner's own.
            Self::move_claim(record, ClaimEvent::Void);
            return;
        }
        for index in drawn {
            let Some(candidate) = candidates.get_mut(to_usize(index)) else {
                continue;
            };
            candidate.free = candidate.free.saturating_sub(seat_bond);
            // A verifier that spent its free bond since keeps its seat, with what bond it has left: were it left out or
            // replaced, it could choose.
            let seat = Seat {
                verifier: candidate.account.clone(),
                bond: Self::lock_up_to(&candidate.account, seat_bond),
                availability: None,
                commitment: None,
                verdict: None,
                report: None,
                trained: false,
            };
            // `check` keeps the committee within its bound.
            let _ = record.committee.try_push(seat);
        }
        let drawn = draw::segments(
            &genesis,
            seed,
            &id,
            record.claim.segments,
            Self::audited_segments(parameters, record.newcomer),
        );
        record.audited = BoundedVec::truncate_from(drawn);
        Self::move_claim(record, ClaimEvent::Draw);
        round.awaiting = round.awaiting.saturating_add(1);
        let committee = record
            .committee
            .iter()
            .map(|s| s.verifier.clone())
            .collect();
        Self::deposit_event(Event::Drawn {
            claim: id,
            segments: record.audited.clone(),
            committee: BoundedVec::truncate_from(committee),
        });
    }

    fn void_with_penalty(id: H256, record: &mut Record<T>, parameters: &ChainParameters) {
        let burned = Self::burn_locked(
            &record.miner,
            id,
            parameters.bonds.availability.min(record.bond),
        );
        record.bond = record.bond.saturating_sub(burned);
        Self::move_claim(record, ClaimEvent::Void);
    }

    fn close_opening(
        round: &mut RoundOf<T>,
        id: H256,
        record: &mut Record<T>,
        parameters: &ChainParameters,
    ) {
        match record.state {
            ClaimState::Drawn => Self::void_with_penalty(id, record, parameters),
            ClaimState::Opened => {
                round.awaiting = round
                    .awaiting
                    .saturating_add(to_u32(record.committee.len()));
            }
            _ => {}
        }
    }

    /// Lacking blobs take nothing from a miner by the word of its committee alone, which may be captured: a claim whose
    /// seats cannot replay it finds no two thirds, and comes before a jury that may lack them too.
    fn close_availability(round: &mut RoundOf<T>, record: &mut Record<T>) {
        if Self::move_claim(record, ClaimEvent::Have).is_none() {
            return;
        }
        let able = |s: &&Seat<T::AccountId>| s.availability != Some(Availability::Lack);
        let able = record.committee.iter().filter(able).count();
        // A claim that nobody can replay waits for the phase's end: somebody may still relay the blobs.
        round.awaiting = round.awaiting.saturating_add(to_u32(able).max(1));
    }

    fn close_digests(
        round: &mut RoundOf<T>,
        id: H256,
        record: &mut Record<T>,
        parameters: &ChainParameters,
    ) {
        let committed = Self::committed(record);
        match record.state {
            ClaimState::Revealed => {
                // A claim without commitments still waits for its flag: nobody is to skip that phase.
                let reveals = to_u32(committed.len()).max(1);
                round.awaiting = round.awaiting.saturating_add(reveals);
            }
            ClaimState::Committed => {
                Self::punish_silence(id, record, parameters);
                Self::move_claim(record, ClaimEvent::Reject);
                Self::forfeit_availability(id, record, committed, parameters);
            }
            _ => {}
        }
    }
}
