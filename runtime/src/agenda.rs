// SPDX-License-Identifier: GPL-3.0-or-later
//! The scheduler as referenda use it: what finds no place in a block's agenda goes to the next block that has one.
//!
//! An agenda is bounded, and referenda forget what is refused: the enactment of what passed, or the call that frees a place in
//! its track. Whoever pays for as many referenda as an agenda holds could choose the block. Nothing here moves what is scheduled.

use crate::{BlockNumber, OriginCaller, RuntimeCall, Scheduler, System};
use frame_support::traits::schedule::v3::{Anon, Named, TaskName};
use frame_support::traits::schedule::{DispatchTime, Period, Priority};
use frame_support::traits::Bounded;
use polkadot_sdk::*;
use sp_runtime::{DispatchError, DispatchResult};

/// Blocks that are tried: to fill them all costs thousands of deposits.
const TRIED: BlockNumber = 200;

type Address = <Scheduler as Anon<BlockNumber, RuntimeCall, OriginCaller>>::Address;
type Hasher = <Scheduler as Anon<BlockNumber, RuntimeCall, OriginCaller>>::Hasher;
type Task = Bounded<RuntimeCall, Hasher>;
type When = DispatchTime<BlockNumber>;

/// Schedules at the first block from a time on that has a place.
pub struct NextPlace;

impl NextPlace {
    fn find(
        when: When,
        schedule: impl Fn(When) -> Result<Address, DispatchError>,
    ) -> Result<Address, DispatchError> {
        let first = match when {
            DispatchTime::At(block) => block,
            // As the scheduler counts: the block that is under way is over.
            DispatchTime::After(blocks) => System::block_number()
                .saturating_add(blocks)
                .saturating_add(1),
        };
        let later = (0..TRIED).map(|n| schedule(DispatchTime::At(first.saturating_add(n))));
        let mut found = later.skip_while(|result| *result == Err(DispatchError::Exhausted));
        found.next().unwrap_or(Err(DispatchError::Exhausted))
    }
}

impl Anon<BlockNumber, RuntimeCall, OriginCaller> for NextPlace {
    type Address = Address;
    type Hasher = Hasher;

    fn schedule(
        when: When,
        maybe_periodic: Option<Period<BlockNumber>>,
        priority: Priority,
        origin: OriginCaller,
        call: Task,
    ) -> Result<Address, DispatchError> {
        Self::find(when, |when| {
            let (origin, call) = (origin.clone(), call.clone());
            <Scheduler as Anon<_, _, _>>::schedule(when, maybe_periodic, priority, origin, call)
        })
    }

    fn cancel(address: Address) -> DispatchResult {
        <Scheduler as Anon<_, RuntimeCall, OriginCaller>>::cancel(address)
    }

    fn reschedule(address: Address, when: When) -> Result<Address, DispatchError> {
        <Scheduler as Anon<_, RuntimeCall, OriginCaller>>::reschedule(address, when)
    }

    fn next_dispatch_time(address: Address) -> Result<BlockNumber, DispatchError> {
        <Scheduler as Anon<_, RuntimeCall, OriginCaller>>::next_dispatch_time(address)
    }
}

impl Named<BlockNumber, RuntimeCall, OriginCaller> for NextPlace {
    type Address = Address;
    type Hasher = Hasher;

    fn schedule_named(
        id: TaskName,
        when: When,
        maybe_periodic: Option<Period<BlockNumber>>,
        priority: Priority,
        origin: OriginCaller,
        call: Task,
    ) -> Result<Address, DispatchError> {
        Self::find(when, |when| {
            let (origin, call) = (origin.clone(), call.clone());
            <Scheduler as Named<_, _, _>>::schedule_named(
                id,
                when,
                maybe_periodic,
                priority,
                origin,
                call,
            )
        })
    }

    fn cancel_named(id: TaskName) -> DispatchResult {
        <Scheduler as Named<_, RuntimeCall, OriginCaller>>::cancel_named(id)
    }

    fn reschedule_named(id: TaskName, when: When) -> Result<Address, DispatchError> {
        <Scheduler as Named<_, RuntimeCall, OriginCaller>>::reschedule_named(id, when)
    }

    fn next_dispatch_time(id: TaskName) -> Result<BlockNumber, DispatchError> {
        <Scheduler as Named<_, RuntimeCall, OriginCaller>>::next_dispatch_time(id)
    }
}
