// SPDX-License-Identifier: GPL-3.0-or-later
mod trials;
mod valuation;

use codec::Encode;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::claim::{
    canary_commitment, canary_link, digest_leaf, state_leaf, Availability, Claim, DeltaLicence,
    ReplayReport, RoundId, SegmentOpening, SegmentResult, StartState,
};
use dream_primitives::data::{DatasetInfo, MixtureEntry};
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::params::ChainParameters;
use dream_primitives::profile::{commitment, ProfileSettings};
use dream_primitives::recipe::{
    AggregationRule, DeltaCodec, NumericClass, Optimiser, Recipe, ServerOptimiser,
};
use dream_primitives::registry::Admission;
use dream_primitives::round::{ClaimState, Phase};
use dream_primitives::{merkle, BoundedVec, DREAM, H256};

use super::{Fault, MockChain, Sealing};
use crate::{AccountId, At, Call, Chain, ChainError, SubmitError};

const LEAF: H256 = H256([7; 32]);
const CID: Cid = Cid {
    codec: CidCodec::Raw,
    digest: [1; 32],
};
const SEGMENTS: u16 = 4;
/// The link that the first canary flag of an account is opened with.
const LINK: H256 = H256([6; 32]);
const FLAG_SALT: H256 = H256([11; 32]);

fn account(n: u8) -> AccountId {
    AccountId([n; 32])
}

fn recipe() -> Recipe {
    Recipe {
        segments: SEGMENTS,
        steps: 2,
        batch: 2,
        context: 16,
        optimiser: Optimiser::AdamW {
            learning_rate: 3_000_000,
            beta1: 900_000_000,
            beta2: 950_000_000,
            epsilon: 10_000,
            weight_decay: 0,
            max_norm: 0,
        },
        proximal: 0,
        rule: AggregationRule::WeightedMean,
        server: ServerOptimiser::Sgd {
            learning_rate: 1 << 16,
        },
        delta: DeltaCodec::DenseInt8,
        error_feedback: 0,
        class: NumericClass::Exact,
    }
}

/// Registers the common profile; the account's chain of secrets begins with [`LINK`].
async fn register(handle: &MockChain, settings: ProfileSettings) {
    let (genesis, raw) = (handle.genesis(), handle.account().0);
    let secret = canary_link(&genesis, &LINK);
    let salt = H256([3; 32]);
    let reveal = |leaf| Call::RevealProfile {
        branch: 0,
        settings: settings.clone(),
        leaf,
        secret,
        salt,
    };
    let refused = handle.submit(reveal(LEAF)).await.unwrap_err();
    assert!(refused.is("UsefulWork", "NotCommitted"), "{refused}");
    let commit = Call::CommitProfile {
        branch: 0,
        commitment: commitment(&genesis, &raw, 0, &settings, &LEAF, &secret, &salt),
    };
    handle.submit(commit).await.unwrap();
    let refused = handle.submit(reveal(H256([8; 32]))).await.unwrap_err();
    assert!(refused.is("UsefulWork", "RevealMismatch"), "{refused}");
    handle.submit(reveal(LEAF)).await.unwrap();
}

/// A chain with an admitted branch 0 on data set 0, a miner 1 and verifiers 2..=4 with bonds and profiles.
async fn prepared() -> MockChain {
    let mut parameters = ChainParameters::development();
    parameters.audit.canary_rate = 0;
    let root = MockChain::new(parameters, Sealing::Instant, account(0));
    for n in 0..5 {
        root.endow(account(n), 10_000 * DREAM);
    }
    for n in 1..5 {
        root.as_account(account(n))
            .submit(Call::Bond(5_000 * DREAM))
            .await
            .unwrap();
    }
    let architecture = Architecture::Llama(LlamaConfig {
        vocab: 256,
        dim: 16,
        layers: 1,
        heads: 2,
        kv_heads: 2,
        ffn: 32,
        context: 16,
        rope_theta: 10_000,
        tied: true,
    });
    let licence = BoundedVec::truncate_from(b"CC0-1.0".to_vec());
    let model = Call::RegisterModel {
        architecture,
        licence: licence.clone(),
        recipe: recipe(),
        state_root: H256([9; 32]),
        cid: CID,
    };
    let receipt = root.submit(model).await.unwrap();
    assert_eq!((receipt.model(), receipt.branch()), (Some(0), Some(0)));
    for n in 1..5 {
        let handle = root.as_account(account(n));
        let settings = ProfileSettings {
            isa: Default::default(),
            math: Default::default(),
            library: Default::default(),
            threads: 1,
        };
        register(&handle, settings).await;
        if n > 1 {
            handle.submit(Call::EnlistVerifier(0)).await.unwrap();
        }
    }
    let info = DatasetInfo {
        root: H256([3; 32]),
        cid: CID,
        licence,
        samples: 100,
        window: 17,
    };
    let dataset = root
        .submit(Call::SubmitDataset(info))
        .await
        .unwrap()
        .dataset();
    let mixture = vec![MixtureEntry {
        dataset: dataset.unwrap(),
        weight: 1,
    }];
    let mixture = Call::SetMixture {
        branch: 0,
        mixture: BoundedVec::truncate_from(mixture),
    };
    root.submit(Call::Sudo(Box::new(mixture))).await.unwrap();
    let admission = Admission {
        share: 1_000_000,
        units_per_token: 1,
    };
    let admit = Call::AdmitBranch {
        branch: 0,
        admission,
    };
    root.submit(Call::Sudo(Box::new(admit))).await.unwrap();
    root.check_invariants();
    root
}

/// A miner's trace: hashes stand for what training would give.
struct Trace {
    states: Vec<H256>,
    digests: Vec<(H256, H256)>,
}

impl Trace {
    fn new(seed: u8) -> Self {
        let h = |kind: &[u8], i: u16| content_hash(Domain::State, &[kind, &[seed], &i.encode()]);
        Self {
            states: (0..=SEGMENTS).map(|i| h(b"state", i)).collect(),
            digests: (0..SEGMENTS)
                .map(|i| (h(b"digest", i), h(b"salt", i)))
                .collect(),
        }
    }

    fn state_leaves(&self) -> Vec<H256> {
        self.states.iter().map(state_leaf).collect()
    }

    fn digest_leaves(&self, genesis: &H256) -> Vec<H256> {
        self.digests
            .iter()
            .map(|(d, s)| digest_leaf(genesis, d, s))
            .collect()
    }

    fn state_proof(&self, index: u16) -> BoundedVec<H256, dream_primitives::ConstU32<11>> {
        let proof = merkle::prove(Domain::TrainingStates, &self.state_leaves(), index.into());
        BoundedVec::truncate_from(proof.unwrap())
    }

    fn claim(&self, genesis: &H256, round: RoundId, base: H256) -> Claim {
        Claim {
            round,
            base,
            delta_root: H256([8; 32]),
            delta_cid: CID,
            states_root: merkle::root(Domain::TrainingStates, &self.state_leaves()),
            digests_root: merkle::root(Domain::Digests, &self.digest_leaves(genesis)),
            segments: SEGMENTS,
            residual: None,
            profile: LEAF,
            canary: canary_commitment(genesis, &account(1).0, &round, false, &FLAG_SALT),
            licence: DeltaLicence::Open,
        }
    }

    fn starts(&self, claim: H256, audited: &[u16]) -> Call {
        let start = |segment: &u16| StartState {
            segment: *segment,
            state: self.states[usize::from(*segment)],
            proof: self.state_proof(*segment),
            cid: CID,
        };
        Call::OpenStartStates {
            claim,
            initial_state: self.states[0],
            initial_proof: self.state_proof(0),
            starts: BoundedVec::truncate_from(audited.iter().map(start).collect()),
        }
    }

    fn openings(&self, genesis: &H256, claim: H256, audited: &[u16]) -> Call {
        let leaves = self.digest_leaves(genesis);
        let open = |segment: &u16| {
            let (digest, salt) = self.digests[usize::from(*segment)];
            let proof = merkle::prove(Domain::Digests, &leaves, u32::from(*segment));
            SegmentOpening {
                segment: *segment,
                end_state: self.states[usize::from(*segment) + 1],
                cid: None,
                state_proof: self.state_proof(segment + 1),
                digest,
                salt,
                digest_proof: BoundedVec::truncate_from(proof.unwrap()),
            }
        };
        Call::OpenDigests {
            claim,
            openings: BoundedVec::truncate_from(audited.iter().map(open).collect()),
        }
    }

    fn report(&self, audited: &[u16]) -> ReplayReport {
        let result = |segment: &u16| SegmentResult {
            segment: *segment,
            end_state: self.states[usize::from(*segment) + 1],
            digest: self.digests[usize::from(*segment)].0,
        };
        ReplayReport {
            initial_state: self.states[0],
            results: BoundedVec::truncate_from(audited.iter().map(result).collect()),
            delta_root: H256([8; 32]),
            residual_end: None,
            step_state: None,
        }
    }
}

async fn until(chain: &MockChain, phase: Phase) -> RoundId {
    for _ in 0..400 {
        let round = chain.current_round(At::Finalised, 0).await.unwrap();
        match round {
            Some(round) if round.phase == phase => return round.id,
            _ => chain.advance(1),
        }
    }
    panic!("{phase:?} did not come");
}

/// Runs a round with one claim in which verifier `n` reports `reports(n)`, up to the end of the reveals.
async fn audited_round(chain: &MockChain, reports: impl Fn(u8) -> Trace) -> (RoundId, H256) {
    let genesis = chain.genesis();
    let miner = chain.as_account(account(1));
    let trace = Trace::new(1);
    let id = until(chain, Phase::Training).await;
    let round = chain.round(At::Finalised, id).await.unwrap().unwrap();
    assert!(!round.seed.is_zero());
    let claim = trace.claim(&genesis, id, round.base);
    miner
        .submit(Call::SubmitClaim(claim.clone()))
        .await
        .unwrap();
    let refused = miner
        .submit(Call::SubmitClaim(claim.clone()))
        .await
        .unwrap_err();
    assert!(refused.is("UsefulWork", "SecondClaim"), "{refused}");
    let claim_id = claim.id(&genesis, &account(1).0);
    assert_eq!(
        chain.claim_of(At::Finalised, id, account(1)).await.unwrap(),
        Some(claim_id)
    );

    until(chain, Phase::Opening).await;
    let record = chain.claim(At::Finalised, claim_id).await.unwrap().unwrap();
    let audited = record.audited.to_vec();
    assert_eq!(audited.len(), 2);
    assert_eq!(audited.last(), Some(&(SEGMENTS - 1)));
    let refused = miner
        .submit(Trace::new(2).starts(claim_id, &audited))
        .await
        .unwrap_err();
    assert!(refused.is("UsefulWork", "BadProof"), "{refused}");
    let refused = miner
        .submit(trace.starts(claim_id, &audited[1..]))
        .await
        .unwrap_err();
    assert!(refused.is("UsefulWork", "WrongSegments"), "{refused}");
    miner
        .submit(trace.starts(claim_id, &audited))
        .await
        .unwrap();

    until(chain, Phase::Availability).await;
    let seats: Vec<AccountId> = record.committee.iter().map(|s| s.verifier).collect();
    assert_eq!(seats.len(), 3);
    for seat in &seats {
        let audits = chain.audits(At::Finalised, 0, *seat).await.unwrap();
        assert_eq!((audits.len(), audits[0].id), (1, claim_id));
        let vote = Call::VoteAvailability {
            claim: claim_id,
            availability: Availability::Have,
        };
        chain.as_account(*seat).submit(vote).await.unwrap();
    }
    until(chain, Phase::Commitment).await;
    let salt = H256([5; 32]);
    for seat in &seats {
        let report = reports(seat.0[0]).report(&audited);
        let commitment = report.commitment(&genesis, &seat.0, &claim_id, &salt);
        let commit = Call::CommitReplay {
            claim: claim_id,
            commitment,
        };
        chain.as_account(*seat).submit(commit).await.unwrap();
    }
    until(chain, Phase::DigestOpening).await;
    miner
        .submit(trace.openings(&genesis, claim_id, &audited))
        .await
        .unwrap();
    until(chain, Phase::Reveal).await;
    for seat in &seats {
        let reveal = |salt: H256| Call::RevealReplay {
            claim: claim_id,
            report: reports(seat.0[0]).report(&audited),
            salt,
        };
        let handle = chain.as_account(*seat);
        let refused = handle.submit(reveal(H256::zero())).await.unwrap_err();
        assert!(refused.is("UsefulWork", "RevealMismatch"), "{refused}");
        handle.submit(reveal(salt)).await.unwrap();
    }
    until(chain, Phase::FlagOpening).await;
    let flag = |canary, preimage| Call::OpenFlag {
        claim: claim_id,
        canary,
        salt: FLAG_SALT,
        preimage,
    };
    let refused = miner.submit(flag(false, H256::zero())).await.unwrap_err();
    assert!(refused.is("UsefulWork", "BadLink"), "{refused}");
    let refused = miner.submit(flag(true, LINK)).await.unwrap_err();
    assert!(refused.is("UsefulWork", "RevealMismatch"), "{refused}");
    miner.submit(flag(false, LINK)).await.unwrap();
    let profile = miner.profile(At::Finalised, 0, account(1)).await.unwrap();
    assert_eq!(profile.unwrap().secret, LINK);
    chain.advance(1);
    chain.check_invariants();
    (id, claim_id)
}

#[tokio::test]
async fn honest_round_should_advance_the_head_and_pay() {
    let chain = prepared().await;
    let (round, claim_id) = audited_round(&chain, |_| Trace::new(1)).await;
    let state = |c: &MockChain| {
        let c = c.clone();
        async move { c.claim(At::Finalised, claim_id).await.unwrap().unwrap() }
    };
    assert_eq!(state(&chain).await.state, ClaimState::Accepted);
    until(&chain, Phase::Merging).await;
    let merge = |server_cid| Call::PostMerge {
        round,
        state_root: H256([4; 32]),
        server_root: H256::zero(),
        cid: CID,
        server_cid,
        table: Default::default(),
    };
    let merger = chain.as_account(account(2));
    let refused = merger.submit(merge(Some(CID))).await.unwrap_err();
    assert!(refused.is("UsefulWork", "BadServerState"), "{refused}");
    let posted = merger.submit(merge(None)).await.unwrap();
    let version: H256 = posted
        .field("UsefulWork", "MergePosted", "version")
        .unwrap();
    for _ in 0..20 {
        chain.advance(1);
        chain.check_invariants();
    }
    let branch = chain.branch(At::Finalised, 0).await.unwrap().unwrap();
    assert_eq!(branch.head, version);
    let header = chain
        .version(At::Finalised, version)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((header.number, header.state_root), (1, H256([4; 32])));
    let paid = state(&chain).await;
    assert_eq!(paid.state, ClaimState::Merged);
    assert_eq!(paid.receipts.len(), 4);
    assert!(
        chain
            .credits(At::Finalised, account(1))
            .await
            .unwrap()
            .amount
            == 0
    );

    // Nobody claims in the next rounds; the first vests at the latest after the retention.
    let before = chain.balance(At::Finalised, account(1)).await.unwrap().free;
    let vests_at = paid.receipts[0].vests_at;
    let now = chain.finalised().await.unwrap().number;
    chain.advance(vests_at + 1 - now);
    assert_eq!(state(&chain).await.state, ClaimState::Vested);
    let after = chain.balance(At::Finalised, account(1)).await.unwrap().free;
    assert_eq!(after - before, paid.receipts[0].amount);
    assert_eq!(
        chain
            .credits(At::Finalised, account(1))
            .await
            .unwrap()
            .amount,
        paid.receipts[0].units
    );
    assert_eq!(
        chain.bond(At::Finalised, account(1)).await.unwrap().locked,
        0
    );
    chain.check_invariants();
}

#[tokio::test]
async fn claim_should_lose_the_availability_deposit_when_its_miner_is_silent() {
    let chain = prepared().await;
    let id = until(&chain, Phase::Training).await;
    let base = chain.round(At::Finalised, id).await.unwrap().unwrap().base;
    let claim = Trace::new(1).claim(&chain.genesis(), id, base);
    let claim_id = claim.id(&chain.genesis(), &account(1).0);
    chain
        .as_account(account(1))
        .submit(Call::SubmitClaim(claim))
        .await
        .unwrap();
    until(&chain, Phase::Paying).await;
    chain.check_invariants();
    let record = chain.claim(At::Finalised, claim_id).await.unwrap().unwrap();
    assert_eq!(record.state, ClaimState::Void);
    let bond = chain.bond(At::Finalised, account(1)).await.unwrap();
    let deposit = ChainParameters::development().bonds.availability;
    assert_eq!(bond.total, 5_000 * DREAM - deposit);
}

#[tokio::test]
async fn latecomers_should_wait_for_the_next_round() {
    let chain = prepared().await;
    let id = until(&chain, Phase::Training).await;
    let late = chain.as_account(account(9));
    chain.endow(account(9), 10_000 * DREAM);
    late.submit(Call::Bond(2_000 * DREAM)).await.unwrap();
    let settings = chain
        .profile(At::Finalised, 0, account(1))
        .await
        .unwrap()
        .unwrap()
        .settings;
    register(&late, settings).await;
    let base = chain.round(At::Finalised, id).await.unwrap().unwrap().base;
    let claim = Trace::new(9).claim(&chain.genesis(), id, base);
    let refused = late.submit(Call::SubmitClaim(claim)).await.unwrap_err();
    assert!(refused.is("UsefulWork", "ProfileTooYoung"), "{refused}");

    // A miner that locked its bond cannot fill it up for the round that is open.
    let miner = chain.as_account(account(1));
    miner.submit(Call::Unbond(4_500 * DREAM)).await.unwrap();
    miner.submit(Call::Bond(1_000 * DREAM)).await.unwrap();
    let claim = Trace::new(1).claim(&chain.genesis(), id, base);
    let refused = miner.submit(Call::SubmitClaim(claim)).await.unwrap_err();
    assert!(refused.is("UsefulWork", "BondTooYoung"), "{refused}");
    let opened = chain
        .round(At::Finalised, id)
        .await
        .unwrap()
        .unwrap()
        .opened;
    let bond = chain.bond(At::Finalised, account(1)).await.unwrap();
    assert_eq!(bond.counted(opened), 5_000 * DREAM);
    assert_eq!(
        (bond.free(), bond.free_in(opened)),
        (1_500 * DREAM, 500 * DREAM)
    );
    for _ in 0..7 {
        late.submit(Call::Bond(DREAM)).await.unwrap();
    }
    let refused = late.submit(Call::Bond(DREAM)).await.unwrap_err();
    assert!(refused.is("UsefulWork", "TooManyAdditions"), "{refused}");
}

#[tokio::test]
async fn faults_should_show_as_a_lost_connection_would() {
    let chain = MockChain::new(ChainParameters::development(), Sealing::Instant, account(0));
    chain.endow(account(0), 10 * DREAM);
    let free = || async { chain.balance(At::Finalised, account(1)).await.unwrap().free };
    let pay = || {
        chain.submit(Call::Transfer {
            to: account(1),
            amount: DREAM,
        })
    };
    chain.fault(Fault::LostAfterInclusion);
    assert!(matches!(pay().await, Err(SubmitError::Unknown { .. })));
    assert_eq!(free().await, DREAM);
    chain.fault(Fault::LostBeforeInclusion);
    assert!(matches!(pay().await, Err(SubmitError::Unknown { .. })));
    chain.fault(Fault::Dropped);
    assert!(matches!(pay().await, Err(SubmitError::Dropped { .. })));
    assert_eq!(free().await, DREAM);
    chain.fault(Fault::Down(2));
    assert!(matches!(
        pay().await,
        Err(SubmitError::Chain(ChainError::Unreachable { .. }))
    ));
    let down = chain.finalised().await.unwrap_err();
    assert!(matches!(down, ChainError::Unreachable { .. }));
    pay().await.unwrap();
    assert_eq!((free().await, chain.sent()), (2 * DREAM, 4));
}

#[tokio::test]
async fn failed_calls_should_leave_no_trace_and_reads_should_hold_at_their_block() {
    let chain = MockChain::new(ChainParameters::development(), Sealing::Manual, account(0));
    chain.endow(account(0), 10 * DREAM);
    chain.advance(1);
    let before = chain.finalised().await.unwrap();
    let (too_much, bond, waits) = tokio::join!(
        chain.submit(Call::Bond(11 * DREAM)),
        chain.submit(Call::Bond(4 * DREAM)),
        async {
            while chain.waiting() < 2 {
                tokio::task::yield_now().await;
            }
            chain.advance(1);
            chain.next_finalised(before.number).await
        }
    );
    assert!(too_much.unwrap_err().is("Token", "FundsUnavailable"));
    let block = bond.unwrap().block;
    assert_eq!(waits.unwrap(), block);
    let total = |at: At| {
        let chain = chain.clone();
        async move { chain.bond(at, account(0)).await.unwrap().total }
    };
    assert_eq!(total(before.into()).await, 0);
    assert_eq!(total(At::Finalised).await, 4 * DREAM);
    let gone = chain.bond(At::Block(H256([1; 32])), account(0)).await;
    assert_eq!(gone, Err(ChainError::UnknownBlock(H256([1; 32]))));
    let root_only = chain.as_account(account(3));
    let (refused, ()) = tokio::join!(
        root_only.submit(Call::Sudo(Box::new(Call::AdmitProfile(LEAF)))),
        async {
            while chain.waiting() < 1 {
                tokio::task::yield_now().await;
            }
            chain.advance(1);
        }
    );
    assert!(refused.unwrap_err().is("Sudo", "RequireSudo"));
    chain.check_invariants();
}
