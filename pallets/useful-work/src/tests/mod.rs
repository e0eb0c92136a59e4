// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests by call, and whole rounds.

mod audit;
mod bonds;
mod chunks;
mod claim;
mod disputes;
mod merge;
mod models;
mod pay;
mod profiles;
mod reverts;
mod rounds;

use crate::mock::*;
use crate::{Claims, RoundClaims, Rounds};
use codec::Encode;
use dream_primitives::claim::*;
use dream_primitives::hashing::Domain;
use dream_primitives::profile::ProfileSettings;
use dream_primitives::round::{ClaimRecord, ClaimState, Phase};
use dream_primitives::{merkle, BoundedVec, DREAM, H256};
use polkadot_sdk::frame_support::assert_ok;

pub const R1: RoundId = RoundId {
    branch: 0,
    number: 1,
};
pub const LEAF: H256 = H256::repeat_byte(7);
pub const MINERS: [AccountId; 3] = [1, 2, 3];
pub const VERIFIERS: [AccountId; 4] = [5, 6, 7, 8];

pub fn origin(account: AccountId) -> RuntimeOrigin {
    RuntimeOrigin::signed(account)
}

pub fn settings() -> ProfileSettings {
    ProfileSettings {
        isa: BoundedVec::truncate_from(b"avx2".to_vec()),
        math: BoundedVec::truncate_from(b"COMPATIBLE".to_vec()),
        library: BoundedVec::truncate_from(b"libtorch 2.11.0".to_vec()),
        threads: 1,
    }
}

/// Bonds, profiles and verifiers; then the branch is admitted and round 1 trains.
pub fn train() {
    for account in MINERS.into_iter().chain(VERIFIERS) {
        assert_ok!(UsefulWork::bond(origin(account), 20_000 * DREAM));
        assert_ok!(UsefulWork::register_profile(
            origin(account),
            0,
            settings(),
            LEAF
        ));
    }
    for verifier in VERIFIERS {
        assert_ok!(UsefulWork::enlist_verifier(origin(verifier), 0));
    }
    run_blocks(1);
    admit();
    run_to(R1, Phase::Training);
}

/// What a miner keeps of its training.
pub struct Trace {
    pub account: AccountId,
    pub claim: Claim,
    states: Vec<H256>,
    digests: Vec<(H256, H256)>,
}

fn h(parts: &impl Encode) -> H256 {
    merkle::leaf(Domain::TrainingState, &parts.encode())
}

fn proof(leaves: &[H256], domain: Domain, index: u16) -> TraceProof {
    BoundedVec::truncate_from(
        merkle::prove(domain, leaves, index.into()).expect("the index is in range"),
    )
}

impl Trace {
    pub fn new(account: AccountId, round: RoundId) -> Self {
        let genesis = UsefulWork::genesis();
        let base = Rounds::<Test>::get(round).expect("the round is there").base;
        let segments = test_recipe().segments;
        let states: Vec<H256> = (0..=segments)
            .map(|i| {
                if i == 0 {
                    h(&(base, "start"))
                } else {
                    h(&(account, round, i))
                }
            })
            .collect();
        let digests: Vec<(H256, H256)> = (0..segments)
            .map(|i| (h(&(account, i, "digest")), h(&(account, i, "salt"))))
            .collect();
        let mut trace = Self {
            account,
            claim: Claim {
                round,
                base,
                delta_root: h(&(account, "delta")),
                delta_cid: cid(1),
                states_root: H256::zero(),
                digests_root: H256::zero(),
                segments,
                residual: None,
                profile: LEAF,
                canary: canary_commitment(&genesis, &[0; 32], &round, false, &H256::zero()),
                licence: DeltaLicence::Open,
            },
            states,
            digests,
        };
        trace.claim.states_root = merkle::root(Domain::TrainingStates, &trace.state_leaves());
        trace.claim.digests_root = merkle::root(Domain::Digests, &trace.digest_leaves());
        trace
    }

    fn state_leaves(&self) -> Vec<H256> {
        self.states.iter().map(state_leaf).collect()
    }

    fn digest_leaves(&self) -> Vec<H256> {
        self.digests
            .iter()
            .map(|(d, s)| digest_leaf(&UsefulWork::genesis(), d, s))
            .collect()
    }

    pub fn id(&self) -> H256 {
        crate::ClaimOf::<Test>::get(self.claim.round, self.account).expect("the claim is in")
    }

    pub fn record(&self) -> ClaimRecord<AccountId> {
        Claims::<Test>::get(self.id()).expect("the claim is there")
    }

    pub fn submit(&self) {
        assert_ok!(UsefulWork::submit_claim(
            origin(self.account),
            self.claim.clone()
        ));
    }

    pub fn initial(&self) -> (H256, TraceProof) {
        (
            self.states[0],
            proof(&self.state_leaves(), Domain::TrainingStates, 0),
        )
    }

    pub fn starts(&self) -> Vec<StartState> {
        let leaves = self.state_leaves();
        let start = |segment: &u16| StartState {
            segment: *segment,
            state: self.states[usize::from(*segment)],
            proof: proof(&leaves, Domain::TrainingStates, *segment),
            cid: cid(2),
        };
        self.record().audited.iter().map(start).collect()
    }

    pub fn open_starts(&self) {
        let (initial, initial_proof) = self.initial();
        let starts = BoundedVec::truncate_from(self.starts());
        assert_ok!(UsefulWork::open_start_states(
            origin(self.account),
            self.id(),
            initial,
            initial_proof,
            starts
        ));
    }

    pub fn openings(&self) -> Vec<SegmentOpening> {
        let (states, digests) = (self.state_leaves(), self.digest_leaves());
        let opening = |segment: &u16| SegmentOpening {
            segment: *segment,
            end_state: self.states[usize::from(*segment) + 1],
            cid: None,
            state_proof: proof(&states, Domain::TrainingStates, *segment + 1),
            digest: self.digests[usize::from(*segment)].0,
            salt: self.digests[usize::from(*segment)].1,
            digest_proof: proof(&digests, Domain::Digests, *segment),
        };
        self.record().audited.iter().map(opening).collect()
    }

    pub fn open_digests(&self) {
        let openings = BoundedVec::truncate_from(self.openings());
        assert_ok!(UsefulWork::open_digests(
            origin(self.account),
            self.id(),
            openings
        ));
    }

    /// What an honest replay gives when the miner was honest.
    pub fn report(&self) -> ReplayReport {
        let result = |s: &u16| SegmentResult {
            segment: *s,
            end_state: self.states[usize::from(*s) + 1],
            digest: self.digests[usize::from(*s)].0,
        };
        ReplayReport {
            initial_state: self.states[0],
            results: BoundedVec::truncate_from(self.record().audited.iter().map(result).collect()),
            delta_root: self.claim.delta_root,
            residual_end: None,
            step_state: None,
        }
    }

    /// What an honest replay gives when the miner faked its last segment.
    pub fn other_report(&self) -> ReplayReport {
        let mut report = self.report();
        report.delta_root = H256::repeat_byte(0xee);
        report
    }

    pub fn seats(&self) -> Vec<AccountId> {
        self.record().committee.iter().map(|s| s.verifier).collect()
    }
}

pub fn salt(verifier: AccountId) -> H256 {
    H256::from_low_u64_be(verifier)
}

pub fn commit(verifier: AccountId, claim: H256, report: &ReplayReport) {
    let mut raw = [0u8; 32];
    raw[..8].copy_from_slice(&verifier.encode());
    let commitment = report.commitment(&UsefulWork::genesis(), &raw, &claim, &salt(verifier));
    assert_ok!(UsefulWork::commit_replay(
        origin(verifier),
        claim,
        commitment
    ));
}

/// Runs traces through the audit up to the end of Reveal; `report(trace, seat)` is what each seat found.
pub fn audit(traces: &[Trace], report: impl Fn(&Trace, usize) -> Option<ReplayReport>) {
    let round = traces[0].claim.round;
    run_to(round, Phase::Opening);
    traces.iter().for_each(Trace::open_starts);
    run_to(round, Phase::Availability);
    for trace in traces {
        for seat in trace.seats() {
            assert_ok!(UsefulWork::vote_availability(
                origin(seat),
                trace.id(),
                Availability::Have
            ));
        }
    }
    run_to(round, Phase::Commitment);
    for trace in traces {
        for (i, seat) in trace.seats().into_iter().enumerate() {
            if let Some(report) = report(trace, i) {
                commit(seat, trace.id(), &report);
            }
        }
    }
    run_to(round, Phase::DigestOpening);
    traces.iter().for_each(Trace::open_digests);
    run_to(round, Phase::Reveal);
    for trace in traces {
        for (i, seat) in trace.seats().into_iter().enumerate() {
            if let Some(report) = report(trace, i) {
                assert_ok!(UsefulWork::reveal_replay(
                    origin(seat),
                    trace.id(),
                    report,
                    salt(seat)
                ));
            }
        }
    }
    run_blocks(1);
    while Rounds::<Test>::get(round).is_some_and(|r| r.phase == Phase::Reveal) {
        run_blocks(1);
    }
}

pub fn post_merge(merger: AccountId, round: RoundId) {
    let root = H256::repeat_byte(0xbb);
    assert_ok!(UsefulWork::post_merge(
        origin(merger),
        round,
        root,
        H256::zero(),
        cid(3),
        None,
        BoundedVec::new()
    ));
}

pub fn states(traces: &[Trace]) -> Vec<ClaimState> {
    traces.iter().map(|t| t.record().state).collect()
}

pub fn claims_of(round: RoundId) -> usize {
    RoundClaims::<Test>::get(round).len()
}
