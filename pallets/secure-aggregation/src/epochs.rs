// SPDX-License-Identifier: GPL-3.0-or-later
//! Epochs: when one begins, what ends its phases, and what that does to its members.

use crate::{
    ActiveEpochs, Candidates, Complaints, Config, Dealings, Epochs, Event, Gathering, Gatherings,
    LastEpoch, Pallet, SeedOf, ServingEpoch,
};
use alloc::vec::Vec;
use codec::Encode;
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::math::{to_u32, to_usize};
use dream_primitives::private::committee::{
    bit, names, CommitteeCandidate, EpochEvent, EpochPhase, KeyEpoch, Member,
};
use dream_primitives::private::params::PrivateParameters;
use dream_primitives::registry::{BondLedger, ParentRandomness};
use dream_primitives::{draw, Balance, BlockNumber, BoundedVec, H256};

type EpochOf<T> = KeyEpoch<<T as polkadot_sdk::frame_system::Config>::AccountId>;

impl<T: Config> Pallet<T> {
    /// Moves every epoch by one block and begins one where it is time; how many moved.
    pub(crate) fn step_epochs(now: BlockNumber, p: &PrivateParameters) -> u32 {
        let active = ActiveEpochs::<T>::get();
        for number in &active {
            Self::step_epoch(*number, now, p);
        }
        Self::try_open_epoch(now, p);
        to_u32(active.len())
    }

    fn step_epoch(number: u32, now: BlockNumber, p: &PrivateParameters) {
        let Some(mut epoch) = Epochs::<T>::get(number) else {
            ActiveEpochs::<T>::mutate(|all| all.retain(|n| *n != number));
            return;
        };
        let Some(event) = Self::epoch_event(&mut epoch, now, p) else {
            return;
        };
        let Some(next) = epoch.phase.next(event) else {
            return;
        };
        epoch.phase = next;
        let c = &p.get().committee;
        let blocks = match next {
            EpochPhase::Seeding | EpochPhase::Retired | EpochPhase::Failed => 0,
            EpochPhase::Dealing => c.dealing_blocks,
            EpochPhase::Complaint => c.complaint_blocks,
            EpochPhase::Defence => c.defence_blocks,
            EpochPhase::Judgement => c.judgement_blocks,
            EpochPhase::Confirmation => c.confirmation_blocks,
            EpochPhase::Serving => c.serving_blocks,
        };
        epoch.deadline = now.saturating_add(blocks);
        Self::deposit_event(Event::EpochMoved {
            epoch: number,
            phase: next,
            deadline: epoch.deadline,
        });
        if next == EpochPhase::Serving {
            ServingEpoch::<T>::put(number);
        }
        if next.over() {
            Self::close_epoch(epoch);
        } else {
            Epochs::<T>::insert(number, epoch);
        }
    }

    /// What ends the epoch's phase, if anything does, with what that costs its members.
    fn epoch_event(
        epoch: &mut EpochOf<T>,
        now: BlockNumber,
        p: &PrivateParameters,
    ) -> Option<EpochEvent> {
        let late = now >= epoch.deadline;
        let standing = epoch.standing();
        match epoch.phase {
            EpochPhase::Seeding => {
                let of = SeedOf::Epoch(epoch.number);
                let seed = Self::gather(of, p.get().phases.seed_authors)?;
                Some(Self::draw_members(epoch, &seed, p))
            }
            EpochPhase::Dealing => {
                let all = epoch.dealers == standing;
                (all || late).then(|| {
                    let silent = standing & !epoch.dealers;
                    Self::punish_members(epoch, silent, p);
                    Self::complete_if(epoch.enough(epoch.dealers))
                })
            }
            EpochPhase::Complaint => late.then(|| {
                if Complaints::<T>::get(epoch.number).is_empty() {
                    EpochEvent::Complete
                } else {
                    EpochEvent::Contested
                }
            }),
            EpochPhase::Defence => {
                let complaints = Complaints::<T>::get(epoch.number);
                let open = || complaints.iter().filter(|c| c.seed.is_none());
                (late || open().next().is_none()).then(|| {
                    let silent = open().fold(0, |mask, c| mask | bit(c.dealer));
                    Self::punish_members(epoch, silent, p);
                    Self::exclude(epoch, silent);
                    EpochEvent::Complete
                })
            }
            EpochPhase::Judgement => {
                let silent = Self::members_without(epoch, |m| m.votes.is_some());
                (late || silent == 0).then(|| {
                    Self::punish_members(epoch, silent, p);
                    Self::judge(epoch);
                    let able = epoch.enough(epoch.dealers) && epoch.enough(epoch.standing());
                    Self::complete_if(able)
                })
            }
            EpochPhase::Confirmation => {
                let silent = Self::members_without(epoch, |m| m.named.is_some());
                (late || silent == 0).then(|| {
                    Self::punish_members(epoch, silent, p);
                    epoch.key = epoch.common_key();
                    if let Some(key) = epoch.key {
                        Self::deposit_event(Event::KeyNamed {
                            epoch: epoch.number,
                            key,
                            dealers: epoch.dealers,
                        });
                    }
                    Self::complete_if(epoch.key.is_some())
                })
            }
            EpochPhase::Serving => {
                let done = late || epoch.answers < p.key_polynomials();
                (done && epoch.rounds == 0).then_some(EpochEvent::Complete)
            }
            EpochPhase::Retired | EpochPhase::Failed => None,
        }
    }

    fn complete_if(able: bool) -> EpochEvent {
        if able {
            EpochEvent::Complete
        } else {
            EpochEvent::Empty
        }
    }

    /// Standing members for whom `done` does not hold, as a mask.
    fn members_without(epoch: &EpochOf<T>, done: impl Fn(&Member<T::AccountId>) -> bool) -> u8 {
        epoch
            .numbered()
            .filter(|(_, m)| !m.excluded && !done(m))
            .fold(0, |mask, (i, _)| mask | bit(i))
    }

    /// Burns the silence part of the bonds of the members in a mask.
    pub(crate) fn punish_members(epoch: &mut EpochOf<T>, mask: u8, p: &PrivateParameters) {
        let affair = Self::epoch_affair(epoch.number);
        for (i, member) in (0u8..).zip(epoch.members.iter_mut()) {
            if names(mask, i) {
                Self::punish_silence(affair, &member.account, &mut member.bond, p);
            }
        }
    }

    fn exclude(epoch: &mut EpochOf<T>, mask: u8) {
        epoch.dealers &= !mask;
        for (i, member) in (0u8..).zip(epoch.members.iter_mut()) {
            if names(mask, i) && !member.excluded {
                member.excluded = true;
                Self::deposit_event(Event::MemberExcluded {
                    epoch: epoch.number,
                    member: i,
                });
            }
        }
    }

    /// Takes out whom the votes call bad, with their bonds, or missing.
    fn judge(epoch: &mut EpochOf<T>) {
        let verdict = epoch.verdict();
        let bad = verdict.bad & epoch.standing();
        let mut lost: Vec<(T::AccountId, Balance)> = Vec::new();
        for (i, member) in (0u8..).zip(epoch.members.iter_mut()) {
            if names(bad, i) {
                lost.push((member.account.clone(), core::mem::take(&mut member.bond)));
            }
        }
        let right = epoch
            .members
            .iter()
            .filter(|m| m.votes.is_some_and(|v| v.bad & bad != 0))
            .map(|m| m.account.clone())
            .collect();
        T::Bonds::slash(Self::epoch_affair(epoch.number), lost, right);
        // Who dealt nothing is no dealer; that others call it missing takes it out no further.
        Self::exclude(epoch, bad | (verdict.missing & epoch.dealers));
    }

    /// Draws the members by bond among those that offered themselves before the epoch began.
    fn draw_members(epoch: &mut EpochOf<T>, seed: &H256, p: &PrivateParameters) -> EpochEvent {
        let size = p.get().committee.members;
        let least = p.get().bonds.member;
        let candidates = Candidates::<T>::get();
        let bonds: Vec<Balance> = candidates
            .iter()
            .map(|c| {
                let counted = T::Bonds::counted(&c.account, epoch.opened);
                let able = c.since < epoch.opened && counted >= least;
                if able {
                    counted
                } else {
                    0
                }
            })
            .collect();
        let affair = Self::epoch_affair(epoch.number);
        let drawn = draw::committee(&Self::genesis(), seed, &affair, &bonds, size.into());
        if to_u32(drawn.len()) < u32::from(size) {
            return EpochEvent::Empty;
        }
        let members = drawn
            .into_iter()
            .filter_map(|at| candidates.get(to_usize(at)))
            .map(
                |CommitteeCandidate {
                     account, transport, ..
                 }| Member {
                    account: account.clone(),
                    transport: *transport,
                    // Who spent its free bond since keeps its place: were it left out, it could choose.
                    bond: T::Bonds::lock_up_to(account, least),
                    excluded: false,
                    votes: None,
                    named: None,
                },
            )
            .collect();
        epoch.members = BoundedVec::truncate_from(members);
        Self::deposit_event(Event::CommitteeDrawn {
            epoch: epoch.number,
            members: epoch.members.iter().map(|m| m.account.clone()).collect(),
        });
        EpochEvent::SeedReady
    }

    /// Begins an epoch when none is forming, and the serving one ends before another could be ready or has no answers left
    /// for a round.
    fn try_open_epoch(now: BlockNumber, p: &PrivateParameters) {
        let c = &p.get().committee;
        if to_u32(Candidates::<T>::decode_len().unwrap_or(0)) < u32::from(c.members) {
            return;
        }
        let forming = |n: &u32| Epochs::<T>::get(n).is_some_and(|e| e.phase != EpochPhase::Serving);
        let soon = now.saturating_add(p.formation_blocks());
        let served = ServingEpoch::<T>::get()
            .and_then(Epochs::<T>::get)
            .is_some_and(|e| e.deadline > soon && e.answers >= p.key_polynomials());
        if served || ActiveEpochs::<T>::get().iter().any(forming) {
            return;
        }
        let Some(number) = LastEpoch::<T>::get().checked_add(1) else {
            return;
        };
        if ActiveEpochs::<T>::try_append(number).is_err() {
            return;
        }
        LastEpoch::<T>::put(number);
        let seed_blocks = p.get().phases.seed_blocks;
        Gatherings::<T>::insert(SeedOf::Epoch(number), Gathering::new(seed_blocks));
        Epochs::<T>::insert(
            number,
            KeyEpoch {
                number,
                phase: EpochPhase::Seeding,
                opened: now,
                deadline: now.saturating_add(seed_blocks),
                threshold: c.threshold,
                members: BoundedVec::new(),
                dealers: 0,
                key: None,
                answers: c.answers,
                rounds: 0,
            },
        );
        Self::deposit_event(Event::EpochOpened { epoch: number });
    }

    fn close_epoch(epoch: EpochOf<T>) {
        let number = epoch.number;
        for (i, member) in (0u8..).zip(epoch.members) {
            T::Bonds::unlock(&member.account, member.bond);
            Dealings::<T>::remove(number, i);
        }
        Complaints::<T>::remove(number);
        Epochs::<T>::remove(number);
        ActiveEpochs::<T>::mutate(|all| all.retain(|n| *n != number));
        if ServingEpoch::<T>::get() == Some(number) {
            ServingEpoch::<T>::kill();
        }
    }

    /// By what the bonds of an epoch are known.
    pub(crate) fn epoch_affair(number: u32) -> H256 {
        hash(
            Domain::Private,
            &Self::genesis(),
            &[b"epoch", &number.encode()],
        )
    }

    /// Mixes the parent block's output into a seed; the seed, once it has its blocks and authors.
    pub(crate) fn gather(of: SeedOf, authors: u32) -> Option<H256> {
        let mut gathering = Gatherings::<T>::get(of)?;
        if let Some(output) = T::Randomness::output() {
            gathering.mix(&Self::genesis(), &output, T::Randomness::author());
        }
        if gathering.complete(authors) {
            Gatherings::<T>::remove(of);
            return Some(hash(
                Domain::Seed,
                &Self::genesis(),
                &[gathering.mixed.as_bytes(), b"private", &of.encode()],
            ));
        }
        Gatherings::<T>::insert(of, gathering);
        None
    }
}
