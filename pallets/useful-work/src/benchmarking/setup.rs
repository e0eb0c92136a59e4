// SPDX-License-Identifier: GPL-3.0-or-later
//! State at its bounds: the pallet's storage is written as it stands after months of use, not played up to.

use super::helper::BenchmarkHelper;
use crate::*;
use alloc::vec;
use alloc::vec::Vec;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::claim::{
    digest_leaf, state_leaf, Availability, Claim, DeltaLicence, RoundId, SegmentOpening,
    SegmentResult, StartState, TraceProof, Verdict,
};
use dream_primitives::data::{MixtureEntry, MAX_MIXTURE};
use dream_primitives::draw::{MAX_AUDITED, MAX_COMMITTEE};
use dream_primitives::hashing::Domain;
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::math::to_usize;
use dream_primitives::params::{ChainParameters, MAX_NEWCOMERS};
use dream_primitives::profile::ProfileSettings;
use dream_primitives::recipe::*;
use dream_primitives::record::{OpenedStart, Receipt, Role, Seat, MAX_RECEIPTS};
use dream_primitives::registry::{Admission, Branch, Funding, RoundTerms};
use dream_primitives::round::{ClaimRecord, ClaimState, HistoryEntry, Phase, Round, MAX_CLAIMS};
use dream_primitives::ticket::Entry;
use dream_primitives::version::{MergeRule, Parent, VersionHeader};
use dream_primitives::{merkle, Balance, BlockNumber, BoundedVec, BranchId, ConstU32, DREAM, H256};
use polkadot_sdk::frame_benchmarking::v2::account;
use polkadot_sdk::frame_support::traits::fungible::{Mutate, MutateHold};
use polkadot_sdk::frame_system;

pub(crate) type AccountOf<T> = <T as frame_system::Config>::AccountId;
pub(crate) type RoundOf<T> = Round<AccountOf<T>>;
pub(crate) type RecordOf<T> = ClaimRecord<AccountOf<T>>;

/// Block of every benchmark.
pub(crate) const NOW: BlockNumber = 100_000;
/// Branch of every benchmark that is about one round; no genesis has it.
pub(crate) const BRANCH: BranchId = 1_000;
/// The round of [`BRANCH`].
pub(crate) const ROUND: RoundId = RoundId {
    branch: BRANCH,
    number: 1_000,
};
/// Calibration leaf of everybody who has no other.
pub(crate) const LEAF: H256 = H256::repeat_byte(0x1e);
/// Salt of all commitments.
pub(crate) const SALT: H256 = H256::repeat_byte(0x5a);
/// Bond of everybody, half of which is locked.
const BOND: Balance = 1_000_000 * DREAM;
/// History of a claim that leaves room for what is to come.
const HISTORY: u32 = 18;

/// Parameters whose lists are as long as they may be.
pub(crate) fn largest_parameters() -> ChainParameters {
    let mut p = ChainParameters::network();
    p.audit.segments = 16;
    p.audit.newcomer_segments = 16;
    p.audit.committee = 16;
    p.audit.escalation = 16;
    p.round.max_claims = MAX_CLAIMS;
    p.round.newcomer_slots = MAX_NEWCOMERS;
    p
}

/// Block, parameters and empty registries; returns the parameters.
pub(crate) fn prepare<T: Config>() -> ChainParameters {
    frame_system::Pallet::<T>::set_block_number(NOW.into());
    let parameters = largest_parameters();
    T::BenchmarkHelper::prepare(parameters);
    AdmittedProfiles::<T>::insert(LEAF, ());
    parameters
}

fn word(n: u64) -> H256 {
    let mut bytes = [0; 32];
    let low = bytes.iter_mut().rev().zip(n.to_le_bytes());
    low.for_each(|(to, from)| *to = from);
    H256(bytes)
}

pub(crate) fn h(n: u32) -> H256 {
    word(n.into())
}

pub(crate) fn cid() -> Cid {
    Cid {
        codec: CidCodec::DagPb,
        digest: [7; 32],
    }
}

/// An account with tokens.
pub(crate) fn rich<T: Config>(name: &'static str, index: u32) -> AccountOf<T> {
    let who: AccountOf<T> = account(name, index, 0);
    fund::<T>(&who);
    who
}

pub(crate) fn fund<T: Config>(who: &AccountOf<T>) {
    T::Currency::set_balance(who, BOND.saturating_mul(2));
}

/// A bond of [`BOND`], half of it locked, with every addition to it still listed.
pub(crate) fn bond() -> Bond {
    Bond {
        total: BOND,
        locked: BOND / 2,
        unbonding: None,
        since: 1,
        young: BoundedVec::truncate_from(vec![(1, 1); to_usize(MAX_YOUNG)]),
        founding: 0,
    }
}

/// Gives an account tokens and a bond.
pub(crate) fn bonded<T: Config>(who: AccountOf<T>) -> AccountOf<T> {
    fund::<T>(&who);
    T::Currency::hold(&HoldReason::Bond.into(), &who, BOND).expect("the account was funded");
    Bonds::<T>::insert(&who, bond());
    who
}

/// An account of this name with tokens and a bond.
pub(crate) fn holder<T: Config>(name: &'static str, index: u32) -> AccountOf<T> {
    bonded::<T>(account(name, index, 0))
}

pub(crate) fn settings() -> ProfileSettings {
    let text = || BoundedVec::truncate_from(vec![b'x'; 48]);
    ProfileSettings {
        isa: text(),
        math: text(),
        library: text(),
        threads: 1,
    }
}

pub(crate) fn profile(leaf: H256, secret: H256) -> ProfileRecord {
    ProfileRecord {
        settings: settings(),
        leaf,
        since: 1,
        secret,
        enlisted: Some(1),
    }
}

/// Fills a branch's list of verifiers, each with a bond and an admitted profile of its own.
pub(crate) fn put_verifiers<T: Config>(branch: BranchId) -> Vec<AccountOf<T>> {
    let all: Vec<AccountOf<T>> = (0..MAX_VERIFIERS)
        .map(|i| {
            let who = account("verifier", i, branch);
            let leaf = h(branch.saturating_mul(MAX_VERIFIERS).saturating_add(i));
            Bonds::<T>::insert(&who, bond());
            Profiles::<T>::insert(branch, &who, profile(leaf, h(0)));
            AdmittedProfiles::<T>::insert(leaf, ());
            who
        })
        .collect();
    Verifiers::<T>::insert(branch, BoundedVec::truncate_from(all.clone()));
    all
}

/// A model whose trees are as deep as they may be: 2^31 chunks, but for one in 128.
pub(crate) fn deepest() -> Architecture {
    Architecture::Llama(LlamaConfig {
        vocab: 256,
        dim: 1 << 16,
        layers: 127,
        heads: 1 << 10,
        kv_heads: 1 << 10,
        ffn: 1 << 18,
        context: 128,
        rope_theta: 10_000,
        tied: true,
    })
}

pub(crate) fn adam() -> ServerOptimiser {
    ServerOptimiser::Adam {
        learning_rate: 16_777,
        beta1: 58_982,
        beta2: 64_881,
        epsilon: 16,
    }
}

pub(crate) fn recipe(rule: AggregationRule) -> Recipe {
    Recipe {
        segments: MAX_SEGMENTS,
        steps: 5,
        batch: 8,
        context: 128,
        optimiser: Optimiser::AdamW {
            learning_rate: 3_000_000,
            beta1: 900_000_000,
            beta2: 950_000_000,
            epsilon: 10_000,
            weight_decay: 0,
            max_norm: 1_000_000_000,
        },
        proximal: 0,
        rule,
        server: adam(),
        delta: DeltaCodec::DenseInt8,
        error_feedback: 0,
        class: NumericClass::Exact,
    }
}

/// Head of a branch under these roots.
pub(crate) fn header(branch: BranchId, state_root: H256, server_root: H256) -> VersionHeader {
    let recipe = recipe(AggregationRule::WeightedMean);
    VersionHeader {
        model: branch,
        branch,
        number: 7,
        parent: Parent::None,
        state_root,
        server_root,
        cid: cid(),
        server_cid: Some(cid()),
        contributions_root: H256::zero(),
        rule: MergeRule {
            rule: recipe.rule,
            server: recipe.server,
        },
        block: 1,
    }
}

pub(crate) const ADMISSION: Admission = Admission {
    share: 10_000,
    units_per_token: 1,
};

/// Stores a branch with this head, its mixture too; returns the head's hash.
pub(crate) fn put_branch<T: Config>(
    owner: AccountOf<T>,
    head: VersionHeader,
    admission: Option<Admission>,
) -> H256 {
    let recipe = recipe(AggregationRule::WeightedMean);
    let branch = Branch {
        model: head.model,
        owner,
        recipe,
        head: head.hash(),
        admission,
        deposit: 0,
        frozen: false,
    };
    T::BenchmarkHelper::put_branch(head.branch, branch, deepest(), head);
    T::BenchmarkHelper::put_mixture(head.branch, recipe.context.saturating_add(1));
    head.hash()
}

/// Stores what a round took from the registries.
pub(crate) fn put_terms<T: Config>(id: RoundId, rule: AggregationRule) {
    let entry = |dataset| (MixtureEntry { dataset, weight: 1 }, 1_000);
    let terms = RoundTerms {
        model: id.branch,
        architecture: deepest(),
        recipe: recipe(rule),
        funding: Funding::Emission(ADMISSION),
        mixture: BoundedVec::truncate_from((0..MAX_MIXTURE).map(entry).collect()),
    };
    Terms::<T>::insert(id, terms);
}

/// A round whose phase has time left.
pub(crate) fn round<T: Config>(id: RoundId, phase: Phase, base: H256) -> RoundOf<T> {
    Round {
        id,
        phase,
        opened: NOW.saturating_sub(100),
        deadline: NOW.saturating_add(100),
        base,
        seed: h(1),
        audit_seed: h(2),
        canary_rate: 0,
        claims: MAX_CLAIMS,
        awaiting: MAX_CLAIMS,
        cursor: None,
        accepted: MAX_CLAIMS,
        units: 1 << 40,
        audit_units: 1 << 40,
        emission: DREAM,
        pay: None,
        receipted: 0,
        merge: None,
        replays: None,
        trials: 0,
        disputes: 0,
        refutations: 0,
    }
}

/// Stores a round of [`BRANCH`] in `phase`, its terms, and that it is the current one.
pub(crate) fn put_round<T: Config>(phase: Phase) -> RoundOf<T> {
    let round = round::<T>(ROUND, phase, h(3));
    put_terms::<T>(ROUND, AggregationRule::WeightedMean);
    CurrentRound::<T>::insert(BRANCH, ROUND.number);
    Rounds::<T>::insert(ROUND, &round);
    round
}

/// Fills the list of rounds that move.
pub(crate) fn put_active<T: Config>(count: u32) {
    let ids = (1..=count).map(|number| RoundId {
        branch: 2_000,
        number,
    });
    let ids: Vec<RoundId> = ids.collect();
    for id in &ids {
        Rounds::<T>::insert(id, round::<T>(*id, Phase::Training, h(3)));
    }
    ActiveRounds::<T>::put(BoundedVec::truncate_from(ids));
}

/// A claim for as many segments as there may be.
pub(crate) fn claim(round: RoundId, base: H256) -> Claim {
    Claim {
        round,
        base,
        delta_root: h(4),
        delta_cid: cid(),
        states_root: h(5),
        digests_root: h(6),
        segments: MAX_SEGMENTS,
        residual: None,
        profile: LEAF,
        canary: h(7),
        licence: DeltaLicence::Open,
    }
}

fn segments() -> impl Iterator<Item = u16> {
    (0..MAX_SEGMENTS).take(to_usize(MAX_AUDITED))
}

/// What the audited segments of a claim gave.
pub(crate) fn results() -> BoundedVec<SegmentResult, ConstU32<MAX_AUDITED>> {
    let result = |segment: u16| SegmentResult {
        segment,
        end_state: state_at(u32::from(segment).saturating_add(1)),
        digest: digest_of(segment),
    };
    BoundedVec::truncate_from(segments().map(result).collect())
}

/// A record whose lists are full but for the history, which has room for what is to come.
pub(crate) fn record<T: Config>(
    round: RoundId,
    miner: AccountOf<T>,
    state: ClaimState,
) -> RecordOf<T> {
    let seat = |i| Seat {
        verifier: account("seat", i, 0),
        bond: DREAM,
        availability: Some(Availability::Have),
        commitment: Some(h(i)),
        verdict: Some(Verdict::Match),
        report: Some(h(i)),
        trained: true,
    };
    let start = |segment: u16| OpenedStart {
        segment,
        state: state_at(segment.into()),
        cid: cid(),
    };
    let entry = HistoryEntry {
        block: 1,
        state: ClaimState::Claimed,
    };
    let receipt = |i| Receipt {
        account: account("seat", i, 0),
        role: Role::Verifier,
        units: 1,
        amount: DREAM,
        vests_at: NOW,
    };
    ClaimRecord {
        claim: claim(round, h(3)),
        miner,
        state,
        bond: 10 * DREAM,
        audited: BoundedVec::truncate_from(segments().collect()),
        initial_state: Some(state_at(0)),
        starts: BoundedVec::truncate_from(segments().map(start).collect()),
        ends: results(),
        committee: BoundedVec::truncate_from((0..MAX_COMMITTEE).map(seat).collect()),
        history: BoundedVec::truncate_from(vec![entry; to_usize(HISTORY)]),
        receipts: BoundedVec::truncate_from((0..MAX_RECEIPTS).map(receipt).collect()),
        secret: h(8),
        flag: Some(false),
        finding: None,
        larger: BoundedVec::truncate_from(
            (0..MAX_COMMITTEE)
                .map(|i| account("larger", i, 0))
                .collect(),
        ),
        merged: false,
        newcomer: false,
        reverted: false,
    }
}

/// Stores as many claims as a round may hold, their ids ascending: the first `accepted` are accepted, the others slashed.
/// `delta_root` says what each claims.
pub(crate) fn put_claims<T: Config>(
    id: RoundId,
    count: u32,
    accepted: u32,
    delta_root: impl Fn(u32) -> H256,
) -> Vec<H256> {
    let ids: Vec<H256> = (0..count).map(|i| claim_id(id, i)).collect();
    let mut record = record::<T>(id, account("miner", 0, 0), ClaimState::Accepted);
    for (i, claim) in (0u32..).zip(&ids) {
        record.miner = account("miner", i, 0);
        record.state = if i < accepted {
            ClaimState::Accepted
        } else {
            ClaimState::Slashed
        };
        record.claim.delta_root = delta_root(i);
        Claims::<T>::insert(claim, &record);
    }
    RoundClaims::<T>::insert(id, BoundedVec::truncate_from(ids.clone()));
    ids
}

/// Id of a round's claim of this place.
pub(crate) fn claim_id(round: RoundId, place: u32) -> H256 {
    let high = u64::from(round.branch) << 32 | u64::from(round.number);
    word(high.wrapping_mul(1 << 10).wrapping_add(place.into()))
}

/// One claim of `miner` in a round in this phase, with a full record that `change` may change.
pub(crate) fn put_claim<T: Config>(
    phase: Phase,
    state: ClaimState,
    miner: &AccountOf<T>,
    change: impl FnOnce(&mut RecordOf<T>),
) -> H256 {
    put_round::<T>(phase);
    let mut record = record::<T>(ROUND, miner.clone(), state);
    change(&mut record);
    let id = claim_id(ROUND, 0);
    RoundClaims::<T>::insert(ROUND, BoundedVec::truncate_from(vec![id]));
    Claims::<T>::insert(id, record);
    id
}

/// Gives a verifier the last seat of a claim, with what it has done so far.
pub(crate) fn take_seat<T: Config>(record: &mut RecordOf<T>, seat: Seat<AccountOf<T>>) {
    record.committee.pop();
    let _ = record.committee.try_push(seat);
}

pub(crate) fn empty_seat<T: Config>(verifier: AccountOf<T>) -> Seat<AccountOf<T>> {
    Seat {
        verifier,
        bond: DREAM,
        availability: None,
        commitment: None,
        verdict: None,
        report: None,
        trained: false,
    }
}

/// Slots of newcomers, or tickets for them, all taken; their works are ascending and as high as works may be.
pub(crate) fn entries<T: Config>() -> BoundedVec<Entry<AccountOf<T>>, ConstU32<MAX_NEWCOMERS>> {
    let entry = |i: u32| Entry {
        work: H256::repeat_byte(u8::try_from(i).unwrap_or(0).saturating_add(0x80)),
        account: account("newcomer", i, 0),
        leaf: LEAF,
        secret: h(i),
    };
    BoundedVec::truncate_from((0..MAX_NEWCOMERS).map(entry).collect())
}

fn state_at(index: u32) -> H256 {
    h(index.saturating_add(10_000))
}

fn digest_of(segment: u16) -> H256 {
    h(u32::from(segment).saturating_add(20_000))
}

/// The trees of a claim for as many segments as there may be.
pub(crate) struct Trace {
    states: Vec<H256>,
    digests: Vec<H256>,
}

impl Trace {
    pub(crate) fn new(genesis: &H256) -> Self {
        let states = 0..=u32::from(MAX_SEGMENTS);
        let leaf = |segment| digest_leaf(genesis, &digest_of(segment), &SALT);
        Self {
            states: states.map(|i| state_leaf(&state_at(i))).collect(),
            digests: (0..MAX_SEGMENTS).map(leaf).collect(),
        }
    }

    /// Writes the roots into a claim.
    pub(crate) fn sign_off(&self, claim: &mut Claim) {
        claim.states_root = merkle::root(Domain::TrainingStates, &self.states);
        claim.digests_root = merkle::root(Domain::Digests, &self.digests);
    }

    fn state_proof(&self, index: u32) -> TraceProof {
        let proof = merkle::prove(Domain::TrainingStates, &self.states, index);
        BoundedVec::truncate_from(proof.unwrap_or_default())
    }

    pub(crate) fn initial(&self) -> (H256, TraceProof) {
        (state_at(0), self.state_proof(0))
    }

    pub(crate) fn start(&self, segment: u16) -> StartState {
        StartState {
            segment,
            state: state_at(segment.into()),
            proof: self.state_proof(segment.into()),
            cid: cid(),
        }
    }

    pub(crate) fn opening(&self, segment: u16) -> SegmentOpening {
        let index = u32::from(segment);
        let proof = merkle::prove(Domain::Digests, &self.digests, index);
        SegmentOpening {
            segment,
            end_state: state_at(index.saturating_add(1)),
            cid: None,
            state_proof: self.state_proof(index.saturating_add(1)),
            digest: digest_of(segment),
            salt: SALT,
            digest_proof: BoundedVec::truncate_from(proof.unwrap_or_default()),
        }
    }

    pub(crate) fn starts(&self) -> BoundedVec<StartState, ConstU32<MAX_AUDITED>> {
        BoundedVec::truncate_from(segments().map(|s| self.start(s)).collect())
    }

    pub(crate) fn openings(&self) -> BoundedVec<SegmentOpening, ConstU32<MAX_AUDITED>> {
        BoundedVec::truncate_from(segments().map(|s| self.opening(s)).collect())
    }
}
