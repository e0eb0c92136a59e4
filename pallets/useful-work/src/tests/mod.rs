// SPDX-License-Identifier: GPL-3.0-or-later
//! Tests by call, and whole rounds.

mod audit;
mod bonds;
mod challenges;
mod chunks;
mod claim;
mod credits;
mod disputes;
mod escrow;
mod flags;
mod founders;
mod freezes;
mod merge;
mod models;
mod newcomers;
mod pay;
mod profiles;
mod residuals;
mod reverts;
mod rounds;
mod supply;
mod trials;
mod valuation;

use crate::mock::*;
use crate::{Claims, ProfileCommitments, Profiles, RoundClaims, Rounds, TrialSeats, Trials};
use codec::Encode;
use dream_primitives::claim::*;
use dream_primitives::hashing::Domain;
use dream_primitives::profile::{self, ProfileSettings};
use dream_primitives::round::{ClaimRecord, ClaimState, Phase};
use dream_primitives::ticket::NewcomerAct;
use dream_primitives::trial::{Stage, Trial};
use dream_primitives::{merkle, Balance, BoundedVec, DREAM, H256};
use polkadot_sdk::frame_support::assert_ok;
use polkadot_sdk::frame_support::dispatch::DispatchResult;

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

/// Freezes so many tokens of an account, as its votes do.
pub fn freeze(account: AccountId, tokens: Balance) {
    use polkadot_sdk::frame_support::traits::{LockableCurrency, WithdrawReasons};
    Balances::set_lock(*b"frozen  ", &account, tokens, WithdrawReasons::all());
}

pub fn settings() -> ProfileSettings {
    ProfileSettings {
        isa: BoundedVec::truncate_from(b"avx2".to_vec()),
        math: BoundedVec::truncate_from(b"COMPATIBLE".to_vec()),
        library: BoundedVec::truncate_from(b"libtorch 2.11.0".to_vec()),
        threads: 1,
    }
}

/// What was burned of slashed bonds.
pub fn burned() -> u128 {
    let events = System::events().into_iter();
    let burned = |e: &RuntimeEvent| match e {
        RuntimeEvent::UsefulWork(crate::Event::BondSlashed { burned, .. }) => *burned,
        RuntimeEvent::UsefulWork(crate::Event::BondBurned { amount, .. }) => *amount,
        _ => 0,
    };
    events.map(|e| burned(&e.event)).sum()
}

/// An account's bytes as hashes take them.
pub fn raw(account: AccountId) -> [u8; 32] {
    let mut raw = [0u8; 32];
    raw[..8].copy_from_slice(&account.encode());
    raw
}

/// Link `n` of an account's chain of secrets, from its seed.
pub fn link(account: AccountId, n: u32) -> H256 {
    (0..n).fold(h(&(account, "chain")), |l, _| {
        canary_link(&UsefulWork::genesis(), &l)
    })
}

/// Links of an account's chain.
pub const LINKS: u32 = 8;

/// The link before an account's secret; a newcomer's, which has no profile, is its chain's head.
pub fn preimage(account: AccountId) -> H256 {
    let secret = Profiles::<Test>::get(0, account).map_or(link(account, LINKS), |p| p.secret);
    let n = (1..=LINKS).find(|n| link(account, *n) == secret);
    link(account, n.expect("a link is left") - 1)
}

pub fn commit_to_profile(account: AccountId, leaf: H256) -> H256 {
    let (genesis, salt) = (UsefulWork::genesis(), h(&(account, leaf)));
    let (secret, settings) = (link(account, LINKS), settings());
    profile::commitment(&genesis, &raw(account), 0, &settings, &leaf, &secret, &salt)
}

pub fn reveal_profile(account: AccountId, leaf: H256) -> DispatchResult {
    let (secret, salt) = (link(account, LINKS), h(&(account, leaf)));
    UsefulWork::reveal_profile(origin(account), 0, settings(), leaf, secret, salt)
}

/// Commits to a profile a block ago, and reveals it.
pub fn register(account: AccountId, leaf: H256) -> DispatchResult {
    let commitment = commit_to_profile(account, leaf);
    assert_ok!(UsefulWork::commit_profile(origin(account), 0, commitment));
    ProfileCommitments::<Test>::mutate(0, account, |c| {
        let c = c.as_mut().expect("the account committed");
        c.since -= 1;
    });
    reveal_profile(account, leaf)
}

/// Bonds and enlists verifiers of the common profile.
pub fn enlist(accounts: impl IntoIterator<Item = AccountId>) {
    for account in accounts {
        assert_ok!(UsefulWork::bond(origin(account), 20_000 * DREAM));
        assert_ok!(register(account, LEAF));
        assert_ok!(UsefulWork::enlist_verifier(origin(account), 0));
    }
}

/// Bonds, profiles and verifiers; then the branch is admitted and round 1 trains.
pub fn train() {
    for account in MINERS {
        assert_ok!(UsefulWork::bond(origin(account), 20_000 * DREAM));
        assert_ok!(register(account, LEAF));
    }
    enlist(VERIFIERS);
    run_blocks(1);
    admit();
    run_to(R1, Phase::Training);
}

/// What a miner keeps of its training.
pub struct Trace {
    pub account: AccountId,
    pub claim: Claim,
    /// Whether the miner is on duty to fake.
    pub canary: bool,
    /// The next link of its secrets.
    pub link: H256,
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
        let r = Rounds::<Test>::get(round).expect("the round is there");
        let base = r.base;
        let link = preimage(account);
        let canary = on_duty(&genesis, &link, &r.seed, r.canary_rate);
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
            .map(|i| {
                let trained = h(&(account, i, "digest"));
                let faked = canary_digest(&genesis, &link, &round, i);
                let digest = if canary { faked } else { trained };
                (digest, h(&(account, i, "salt")))
            })
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
                canary: canary_commitment(&genesis, &raw(account), &round, canary, &salt(account)),
                licence: DeltaLicence::Open,
            },
            canary,
            link,
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

    pub fn start(&self, segment: u16) -> StartState {
        StartState {
            segment,
            state: self.states[usize::from(segment)],
            proof: proof(&self.state_leaves(), Domain::TrainingStates, segment),
            cid: cid(2),
        }
    }

    pub fn starts(&self) -> Vec<StartState> {
        let audited = self.record().audited;
        audited.iter().map(|s| self.start(*s)).collect()
    }

    pub fn open_starts(&self) {
        let (initial, initial_proof) = self.initial();
        let starts = BoundedVec::truncate_from(self.starts());
        if self.record().newcomer {
            return newcomers::act(
                self.account,
                NewcomerAct::OpenStarts {
                    claim_id: self.id(),
                    initial_state: initial,
                    initial_proof,
                    starts,
                },
            );
        }
        assert_ok!(UsefulWork::open_start_states(
            origin(self.account),
            self.id(),
            initial,
            initial_proof,
            starts
        ));
    }

    pub fn opening(&self, segment: u16) -> SegmentOpening {
        let (states, digests) = (self.state_leaves(), self.digest_leaves());
        SegmentOpening {
            segment,
            end_state: self.states[usize::from(segment) + 1],
            cid: None,
            state_proof: proof(&states, Domain::TrainingStates, segment + 1),
            digest: self.digests[usize::from(segment)].0,
            salt: self.digests[usize::from(segment)].1,
            digest_proof: proof(&digests, Domain::Digests, segment),
        }
    }

    pub fn openings(&self) -> Vec<SegmentOpening> {
        let audited = self.record().audited;
        audited.iter().map(|s| self.opening(*s)).collect()
    }

    pub fn open_digests(&self) {
        let openings = BoundedVec::truncate_from(self.openings());
        if self.record().newcomer {
            return newcomers::act(
                self.account,
                NewcomerAct::OpenDigests {
                    claim_id: self.id(),
                    openings,
                },
            );
        }
        assert_ok!(UsefulWork::open_digests(
            origin(self.account),
            self.id(),
            openings
        ));
    }

    /// What an honest replay of the audited segments gives when the miner trained them.
    pub fn report(&self) -> ReplayReport {
        self.report_of(&self.record().audited)
    }

    fn report_of(&self, segments: &[u16]) -> ReplayReport {
        let result = |s: &u16| SegmentResult {
            segment: *s,
            end_state: self.states[usize::from(*s) + 1],
            digest: h(&(self.account, *s, "digest")),
        };
        ReplayReport {
            initial_state: self.states[0],
            results: BoundedVec::truncate_from(segments.iter().map(result).collect()),
            delta_root: self.claim.delta_root,
            residual_end: self.claim.residual.map(|r| r.end_root()),
            step_state: None,
        }
    }

    /// What an honest replay gives in the claim's trial when the miner trained what is judged.
    pub fn trial_report(&self) -> ReplayReport {
        let trial = self.trial();
        ReplayReport {
            step_state: Some(h(&(self.account, trial.step))),
            ..self.report_of(&trial.segments)
        }
    }

    /// What an honest replay gives in the claim's trial when the miner faked the last segment judged.
    pub fn other_trial_report(&self) -> ReplayReport {
        let mut report = self.trial_report();
        report.results.last_mut().unwrap().end_state = H256::repeat_byte(0xdd);
        report
    }

    pub fn trial(&self) -> Trial<AccountId> {
        Trials::<Test>::get(self.id()).expect("the claim is on trial")
    }

    pub fn open_flag(&self) -> DispatchResult {
        if self.record().newcomer {
            newcomers::act(
                self.account,
                NewcomerAct::OpenFlag {
                    claim_id: self.id(),
                    canary: self.canary,
                    salt: salt(self.account),
                    preimage: self.link,
                },
            );
            return Ok(());
        }
        UsefulWork::open_flag(
            origin(self.account),
            self.id(),
            self.canary,
            salt(self.account),
            self.link,
        )
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
    let commitment = report.commitment(
        &UsefulWork::genesis(),
        &raw(verifier),
        &claim,
        &salt(verifier),
    );
    assert_ok!(UsefulWork::commit_replay(
        origin(verifier),
        claim,
        commitment
    ));
}

/// Runs traces through the audit up to the end of FlagOpening; `report(trace, seat)` is what each seat found.
pub fn audit(traces: &[Trace], report: impl Fn(&Trace, usize) -> Option<ReplayReport>) {
    audit_to_flags(traces, report);
    let round = traces[0].claim.round;
    for trace in traces {
        assert_ok!(trace.open_flag());
    }
    run_blocks(1);
    while Rounds::<Test>::get(round).is_some_and(|r| r.phase == Phase::FlagOpening) {
        run_blocks(1);
    }
}

/// Runs blocks until the claim's trial is in a stage; panics after 500.
pub fn run_to_stage(claim: H256, stage: Stage) {
    for _ in 0..500 {
        if Trials::<Test>::get(claim).is_some_and(|t| t.stage == stage) {
            return;
        }
        run_blocks(1);
    }
    panic!("no {stage:?}: {:?}", Trials::<Test>::get(claim));
}

pub fn jurors(claim: H256) -> Vec<AccountId> {
    let mut all: Vec<AccountId> = TrialSeats::<Test>::iter_prefix(claim)
        .map(|s| s.0)
        .collect();
    all.sort_unstable();
    all
}

/// Runs one level of a claim's trial; `report(juror)` is what each seat found.
pub fn judge(trace: &Trace, report: impl Fn(AccountId) -> Option<ReplayReport>) {
    let (id, genesis) = (trace.id(), UsefulWork::genesis());
    run_to_stage(id, Stage::Commitment);
    let level = trace.trial().level;
    for juror in jurors(id) {
        if let Some(report) = report(juror) {
            let commitment = report.commitment(&genesis, &raw(juror), &id, &salt(juror));
            assert_ok!(UsefulWork::commit_verdict(origin(juror), id, commitment));
        }
    }
    run_to_stage(id, Stage::Reveal);
    for juror in jurors(id) {
        if let Some(report) = report(juror) {
            let reveal = UsefulWork::reveal_verdict(origin(juror), id, report, salt(juror));
            assert_ok!(reveal);
        }
    }
    while Trials::<Test>::get(id).is_some_and(|t| t.level == level && t.stage == Stage::Reveal) {
        run_blocks(1);
    }
}

/// Runs traces through the audit up to the end of Reveal.
pub fn audit_to_flags(traces: &[Trace], report: impl Fn(&Trace, usize) -> Option<ReplayReport>) {
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
    run_to(round, Phase::FlagOpening);
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
