// SPDX-License-Identifier: GPL-3.0-or-later
//! Sequences of calls over the runtime, with the invariants of our pallets checked between them.
//!
//! An input is a list of steps. A step lets blocks pass, makes a call that a participant would make (sometimes with one
//! field spoiled, sometimes by the wrong account, sometimes twice), or decodes a call from the input's own bytes.

use crate::chain::{blocks, check, dispatch, BRANCH};
use crate::world::{self, Actor, ACTORS};
use crate::Source;
use codec::DecodeLimit;
use dream_runtime::{RuntimeCall, UsefulWork};
use pallet_useful_work::Call as Work;

/// Steps of an input that are run; more are ignored.
const MAX_STEPS: usize = 160;
/// Steps between two checks of the invariants.
const CHECK_EVERY: usize = 8;

/// Runs an input; returns the phases that the branch's rounds came through and the states that its claims came to.
pub fn run(data: &[u8]) -> String {
    let mut seen: Vec<String> = Vec::new();
    world::new().execute_with(|| {
        let mut source = Source::new(data);
        for number in 1..=MAX_STEPS {
            if source.is_empty() {
                break;
            }
            step(&mut source);
            let phase = UsefulWork::round_view(BRANCH).map(|v| format!("{:?}", v.round.phase));
            seen.extend(phase.filter(|p| seen.last() != Some(p)));
            if number % CHECK_EVERY == 0 {
                check();
            }
        }
        check();
        let states = pallet_useful_work::Claims::<dream_runtime::Runtime>::iter_values();
        let mut states: Vec<String> = states.map(|r| format!("{:?}", r.state)).collect();
        states.sort();
        states.dedup();
        seen.extend(states);
    });
    seen.join(" ")
}

/// One step of an input.
pub fn step(source: &mut Source) {
    let actor = Actor::of(source.byte());
    match source.byte() % 24 {
        0 | 1 => blocks(u32::from(source.byte() % 16).saturating_add(1)),
        2 => world::to_next_phase(),
        3 => {
            let len = usize::from(source.byte()).saturating_add(1);
            let mut bytes = source.take(len);
            if let Ok(call) = RuntimeCall::decode_with_depth_limit(32, &mut bytes) {
                dispatch(call, actor.origin());
            }
        }
        4 => dispatch(
            Work::bond {
                amount: u128::from(source.byte()).saturating_mul(dream_primitives::DREAM * 100),
            },
            actor.origin(),
        ),
        5 => dispatch(
            Work::unbond {
                amount: u128::from(source.byte()).saturating_mul(dream_primitives::DREAM * 100),
            },
            actor.origin(),
        ),
        6 => dispatch(Work::withdraw_unbonded {}, actor.origin()),
        7 => {
            let call = if source.byte().is_multiple_of(2) {
                Work::enlist_verifier { branch: BRANCH }
            } else {
                Work::retire_verifier { branch: BRANCH }
            };
            dispatch(call, actor.origin());
        }
        _ => act(actor, source),
    }
}

/// What a participant would do now. The next byte says whether everybody does it, and whether one field is spoiled.
fn act(actor: Actor, source: &mut Source) {
    let how = source.byte();
    let (everybody, spoiled) = (!how.is_multiple_of(4), how >= 224);
    let Some(view) = UsefulWork::round_view(BRANCH) else {
        return;
    };
    let actors = if everybody {
        ACTORS.to_vec()
    } else {
        vec![actor]
    };
    for who in actors {
        for call in world::due(who, &view, spoiled, source.byte()) {
            dispatch(call, who.origin());
        }
    }
}
