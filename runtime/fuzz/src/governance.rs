// SPDX-License-Identifier: GPL-3.0-or-later
//! Sequences of governance over the runtime: referenda on every track, votes, delegations, data sets; beside them the work that
//! earns credits and the verdicts that take them. Checked between steps: the pallets' invariants and [`properties`].

mod properties;
mod proposals;

use crate::chain::{attempt, blocks, check};
use crate::world::{self, Actor, ACTORS};
use crate::{calls, Source};
use codec::Encode;
use dream_runtime::{Balances, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, System};
use frame_support::traits::schedule::DispatchTime;
use frame_support::traits::{Bounded, GetCallMetadata};
use pallet_compute_voting::Call as Voting;
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_data_registry::Call as Data;
use pallet_referenda::{Call as Referenda, Event as ReferendumEvent, ReferendumInfo};
use polkadot_sdk::*;
use sp_runtime::DispatchError;
use std::collections::{BTreeMap, BTreeSet};

/// Steps of an input that are run; more are ignored.
const MAX_STEPS: usize = 160;
/// Steps between two checks.
const CHECK_EVERY: usize = 8;
/// Blocks that a step waits at most for the end of a referendum.
const LONGEST_WAIT: u32 = 100;
/// Bytes that a proposal may have to be part of its referendum.
const MAX_INLINE: usize = 128;

/// Runs an input; returns the calls that were accepted, as `Pallet.call`, those that were refused, as `Pallet.call!Error`, and how
/// referenda of each track ended, as `End.track`.
pub fn run(data: &[u8]) -> String {
    let mut course = Course::default();
    world::new().execute_with(|| {
        let mut source = Source::new(data);
        for number in 1..=MAX_STEPS {
            if source.is_empty() {
                break;
            }
            course.step(&mut source);
            if number % CHECK_EVERY == 0 {
                hold();
            }
        }
        hold();
    });
    course.seen.into_iter().collect::<Vec<_>>().join(" ")
}

fn hold() {
    check();
    properties::check();
}

/// Referenda that are under way, by number.
fn ongoing() -> Vec<u32> {
    let all = pallet_referenda::ReferendumInfoFor::<Runtime>::iter();
    let open = all.filter(|(_, info)| matches!(info, ReferendumInfo::Ongoing(_)));
    let mut numbers: Vec<u32> = open.map(|(number, _)| number).collect();
    numbers.sort_unstable();
    numbers
}

/// What came of an input.
#[derive(Default)]
struct Course {
    seen: BTreeSet<String>,
    /// Tracks of the referenda that were submitted.
    tracks: BTreeMap<u32, u16>,
}

impl Course {
    fn make(&mut self, call: impl Into<RuntimeCall>, origin: RuntimeOrigin) -> bool {
        let call = call.into();
        let names = call.get_call_metadata();
        let mut word = format!("{}.{}", names.pallet_name, names.function_name);
        let result = attempt(call, origin);
        if let Err(error) = result {
            let why = match error {
                DispatchError::Module(error) => error.message.unwrap_or("Other"),
                error => error.into(),
            };
            word = format!("{word}!{why}");
        }
        self.seen.insert(word.replace(' ', "_"));
        result.is_ok()
    }

    /// Lets blocks pass and notes what becomes of referenda.
    fn wait(&mut self, count: u32) {
        for _ in 0..count {
            blocks(1);
            for record in System::events() {
                self.note(record.event);
            }
        }
    }

    fn note(&mut self, event: RuntimeEvent) {
        let (end, index) = match event {
            RuntimeEvent::Referenda(ReferendumEvent::Confirmed { index, .. }) => {
                ("Confirmed", index)
            }
            RuntimeEvent::Referenda(ReferendumEvent::Rejected { index, .. }) => ("Rejected", index),
            RuntimeEvent::Referenda(ReferendumEvent::TimedOut { index, .. }) => ("TimedOut", index),
            RuntimeEvent::Scheduler(pallet_scheduler::Event::Dispatched {
                id: Some(id),
                result,
                ..
            }) => {
                let enacted = |index: &&u32| {
                    let name = (*b"assembly", "enactment", **index);
                    name.using_encoded(sp_io::hashing::blake2_256) == id
                };
                let Some(index) = self.tracks.keys().find(enacted) else {
                    return;
                };
                let end = if result.is_ok() { "Enacted" } else { "Refused" };
                (end, *index)
            }
            RuntimeEvent::UsefulWork(pallet_useful_work::Event::CreditsRevoked { .. }) => {
                self.seen.insert("CreditsRevoked".into());
                return;
            }
            _ => return,
        };
        if let Some(track) = self.tracks.get(&index) {
            self.seen.insert(format!("{end}.{track}"));
        }
    }

    /// Lets blocks pass until a referendum that is under way is over.
    fn wait_for_an_end(&mut self) {
        let before = ongoing();
        for _ in 0..LONGEST_WAIT {
            self.wait(1);
            if before.iter().any(|index| !ongoing().contains(index)) {
                return;
            }
        }
    }

    fn step(&mut self, source: &mut Source) {
        let actor = Actor::of(source.byte());
        match source.byte() % 20 {
            0..=2 => calls::step(source),
            3 => self.wait(u32::from(source.byte() % 32).saturating_add(1)),
            4 => self.wait_for_an_end(),
            5 => self.wait(u32::from(source.byte()).saturating_mul(4)),
            6 => drop(self.submit(actor, source)),
            7 => {
                if let Some(index) = self.submit(actor, source) {
                    self.everybody(index, source);
                }
            }
            8 => {
                let index = poll(source);
                self.everybody(index, source);
            }
            9 | 10 => {
                let index = poll(source);
                self.vote(actor, index, source.byte(), source.byte());
            }
            11 => self.delegate(actor, source),
            12 => {
                let class = class(source.byte());
                self.make(Voting::undelegate { class }, actor.origin());
            }
            13 => self.remove(actor, source),
            14 => {
                let target = Actor::of(source.byte()).account().into();
                let class = class(source.byte());
                self.make(Voting::unlock { class, target }, actor.origin());
            }
            15 => {
                let poll_index = poll(source);
                for target in ACTORS {
                    let target = target.account().into();
                    self.make(Voting::poke { target, poll_index }, actor.origin());
                }
            }
            16 => self.deposits(actor, source),
            17 => self.data(actor, source),
            18 => {
                // What a referendum of that track would do now.
                let track = u16::from(source.byte() % 8);
                let call = proposals::proposal(proposals::chosen(track, source.byte()), source);
                let origin = proposals::origin(track).into();
                self.make(call, origin);
            }
            _ => {
                let transfer = pallet_balances::Call::transfer_allow_death {
                    dest: Actor::of(source.byte()).account().into(),
                    value: share(actor, source.byte()),
                };
                self.make(transfer, actor.origin());
            }
        }
    }

    /// Submits a referendum. Some are of no track, some have another track's proposal, some a proposal that nobody knows, some no
    /// decision deposit.
    fn submit(&mut self, actor: Actor, source: &mut Source) -> Option<u32> {
        let (track, how) = (u16::from(source.byte() % 8), source.byte());
        let call = proposals::proposal(proposals::chosen(track, how), source);
        let bytes = call.encode();
        let proposal = if bytes.len() <= MAX_INLINE && how & 8 == 0 {
            Bounded::Inline(frame_support::BoundedVec::truncate_from(bytes))
        } else {
            let hash = sp_io::hashing::blake2_256(&bytes).into();
            let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            if how % 32 != 9 {
                self.make(
                    pallet_preimage::Call::note_preimage { bytes },
                    actor.origin(),
                );
            }
            Bounded::Lookup { hash, len }
        };
        let proposal_origin = if how % 32 == 10 {
            frame_system::RawOrigin::Signed(actor.account()).into()
        } else {
            proposals::origin(track)
        };
        let submit = Referenda::submit {
            proposal_origin: Box::new(proposal_origin),
            proposal,
            enactment_moment: DispatchTime::After(u32::from(how >> 6)),
        };
        let index = pallet_referenda::ReferendumCount::<Runtime>::get();
        if !self.make(submit, actor.origin()) {
            return None;
        }
        self.tracks.insert(index, track);
        if how % 32 != 11 {
            self.make(Referenda::place_decision_deposit { index }, actor.origin());
        }
        Some(index)
    }

    /// Everybody votes aye, but for one sometimes.
    fn everybody(&mut self, index: u32, source: &mut Source) {
        let (how, tokens, other) = (source.byte(), source.byte(), source.byte());
        for (at, actor) in ACTORS.into_iter().enumerate() {
            // Kinds below 5 are ayes.
            let kind = how.saturating_sub(how % 8).saturating_add(how % 5);
            let kind = if usize::from(other) == at { how } else { kind };
            self.vote(actor, index, kind, tokens % 192);
        }
    }

    fn vote(&mut self, actor: Actor, poll_index: u32, kind: u8, tokens: u8) {
        let balance = share(actor, tokens);
        let part = |parts: u128| balance.checked_div(parts).unwrap_or(0);
        let vote = match kind % 8 {
            n @ 0..=5 => AccountVote::Standard {
                vote: Vote {
                    aye: n < 5,
                    conviction: conviction(kind / 8),
                },
                balance,
            },
            6 => AccountVote::Split {
                aye: part(2),
                nay: part(3),
            },
            _ => AccountVote::SplitAbstain {
                aye: part(2),
                nay: part(4),
                abstain: part(5),
            },
        };
        self.make(Voting::vote { poll_index, vote }, actor.origin());
    }

    fn delegate(&mut self, actor: Actor, source: &mut Source) {
        let (to, how) = (Actor::of(source.byte()).account(), source.byte());
        // The class of a poll that is under way, or any.
        let class = match self.tracks.get(&poll(source)) {
            Some(track) if how < 192 => *track,
            _ => class(source.byte()),
        };
        let delegate = Voting::delegate {
            class,
            to: to.into(),
            conviction: conviction(how),
            balance: share(actor, source.byte()),
        };
        self.make(delegate, actor.origin());
    }

    /// Removes votes: one, all of the actor's, or one of somebody else's.
    fn remove(&mut self, actor: Actor, source: &mut Source) {
        let (how, index) = (source.byte(), poll(source));
        let known = self.tracks.get(&index).copied();
        let target = Actor::of(source.byte()).account().into();
        match how % 4 {
            0 => {
                let class = None;
                self.make(Voting::remove_vote { class, index }, actor.origin());
            }
            1 => {
                let class = known;
                self.make(Voting::remove_vote { class, index }, actor.origin());
            }
            2 => {
                for (index, class) in self.tracks.clone() {
                    let class = Some(class);
                    self.make(Voting::remove_vote { class, index }, actor.origin());
                }
            }
            _ => {
                let class = known.unwrap_or_default();
                let remove = Voting::remove_other_vote {
                    target,
                    class,
                    index,
                };
                self.make(remove, actor.origin());
            }
        }
    }

    fn deposits(&mut self, actor: Actor, source: &mut Source) {
        let (how, byte) = (source.byte(), source.byte());
        let all = pallet_referenda::ReferendumCount::<Runtime>::get();
        let index = u32::from(byte).checked_rem(all).unwrap_or(0);
        let call: RuntimeCall = match how % 4 {
            0 => Referenda::place_decision_deposit { index }.into(),
            1 => Referenda::refund_decision_deposit { index }.into(),
            2 => Referenda::refund_submission_deposit { index }.into(),
            _ => pallet_treasury::Call::payout { index: byte.into() }.into(),
        };
        self.make(call, actor.origin());
    }

    fn data(&mut self, actor: Actor, source: &mut Source) {
        let (how, dataset) = (source.byte(), u32::from(source.byte() % 4));
        // Mostly the first: it is in use.
        let dataset = if how < 160 { 0 } else { dataset };
        let sample = u32::from(source.byte() % 4);
        let call = match how % 5 {
            0 => Data::submit {
                info: world::dataset(how < 128),
            },
            1 => Data::withdraw_dataset { dataset },
            2 => Data::demand_sample { dataset, sample },
            3 => {
                let opened = world::open_sample(sample.saturating_add(u32::from(how >= 240)));
                let Some(opening) = opened else { return };
                Data::supply_sample {
                    dataset,
                    sample,
                    opening,
                }
            }
            _ => Data::end_demands { dataset },
        };
        self.make(call, actor.origin());
    }
}

/// A referendum: mostly one that is under way.
fn poll(source: &mut Source) -> u32 {
    let byte = source.byte();
    let all = pallet_referenda::ReferendumCount::<Runtime>::get();
    match byte {
        0..=223 => {
            let open = ongoing();
            let newest = usize::from(byte).checked_rem(open.len()).unwrap_or(0);
            open.iter().rev().nth(newest).copied().unwrap_or(all)
        }
        224..=250 => u32::from(byte).checked_rem(all).unwrap_or(0),
        _ => all,
    }
}

/// A class of referenda; there are eight.
fn class(byte: u8) -> u16 {
    u16::from(byte % 9)
}

/// From 200 on more than the account has.
fn share(actor: Actor, byte: u8) -> u128 {
    use frame_support::traits::fungible::Inspect;
    let all = Balances::total_balance(&actor.account());
    (all / 200).saturating_mul(u128::from(byte).saturating_add(1))
}

fn conviction(byte: u8) -> Conviction {
    Conviction::try_from(byte % 7).unwrap_or_default()
}
