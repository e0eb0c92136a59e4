// SPDX-License-Identifier: GPL-3.0-or-later
//! Examples of what newcomers send.

use crate::codec_types::{bounded, cid, claim, h, round_id, settings, trace_proof};
use crate::codec_types::{AccountId, Dump};
use dream_primitives::claim::{SegmentOpening, StartState};
use dream_primitives::ticket::{Entry, NewcomerAct, Ticket};

fn start() -> StartState {
    StartState {
        segment: 7,
        state: h(22),
        proof: trace_proof(),
        cid: cid(23),
    }
}

fn opening() -> SegmentOpening {
    SegmentOpening {
        segment: 7,
        end_state: h(10),
        cid: Some(cid(23)),
        state_proof: trace_proof(),
        digest: h(11),
        salt: h(38),
        digest_proof: trace_proof(),
    }
}

pub fn add(d: &mut Dump) {
    d.add(&[Ticket::<AccountId> {
        account: [48; 32],
        round: round_id(),
        nonce: 49,
        settings: settings(),
        leaf: h(50),
        secret: h(51),
    }]);
    d.add(&[Entry::<AccountId> {
        work: h(52),
        account: [48; 32],
        leaf: h(50),
        secret: h(51),
    }]);
    d.add(&[
        NewcomerAct::Claim(claim()),
        NewcomerAct::OpenStarts {
            claim_id: h(47),
            initial_state: h(22),
            initial_proof: trace_proof(),
            starts: bounded(&[start()]),
        },
        NewcomerAct::OpenDigests {
            claim_id: h(47),
            openings: bounded(&[opening()]),
        },
        NewcomerAct::OpenFlag {
            claim_id: h(47),
            canary: true,
            salt: h(53),
            preimage: h(54),
        },
        NewcomerAct::OpenChallenged {
            claim_id: h(47),
            start: start(),
            end: opening(),
        },
    ]);
}
