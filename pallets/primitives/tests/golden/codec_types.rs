// SPDX-License-Identifier: GPL-3.0-or-later
//! Examples of every public codec type, every variant among them.

use crate::trials::{challenger, trial, trial_report};
use crate::{check, hex};
use codec::{Decode, Encode};
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::claim::*;
use dream_primitives::credits::Credits;
use dream_primitives::data::{DatasetInfo, DatasetUse, MixtureEntry, SampleDemand, SampleOpening};
use dream_primitives::delta::DeltaChunk;
use dream_primitives::emission::RoundPay;
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::merkle::SumNode;
use dream_primitives::params::*;
use dream_primitives::profile::ProfileSettings;
use dream_primitives::recipe::*;
use dream_primitives::registry::{Admission, Branch, DatasetRecord, Funding, Model, RoundTerms};
use dream_primitives::round::*;
use dream_primitives::trial::*;
use dream_primitives::version::{Contribution, MergeRule, Parent, VersionHeader};
use dream_primitives::views::{
    AuditView, BranchView, ClaimView, CreditsView, EpochCredits, RoundView, TrialView, VersionView,
    WeightView,
};
use dream_primitives::voting::{AppliedVote, DelegatedVote, VoteTerm};
use dream_primitives::H256;
use scale_info::{form::MetaForm, Field, TypeDef, TypeInfo};
use std::collections::BTreeSet;
use std::fmt::Write;

/// The account type of the chain, as far as its encoding goes.
pub type AccountId = [u8; 32];

pub fn h(byte: u8) -> H256 {
    H256::repeat_byte(byte)
}

pub fn cid(byte: u8) -> Cid {
    Cid {
        codec: CidCodec::DagPb,
        digest: [byte; 32],
    }
}

pub fn bounded<T: Clone + std::fmt::Debug, S: bounded_collections::Get<u32>>(
    items: &[T],
) -> dream_primitives::BoundedVec<T, S> {
    items.to_vec().try_into().unwrap()
}

pub fn llama() -> LlamaConfig {
    LlamaConfig {
        vocab: 256,
        dim: 128,
        layers: 4,
        heads: 4,
        kv_heads: 2,
        ffn: 384,
        context: 127,
        rope_theta: 10_000,
        tied: true,
    }
}

pub fn recipe() -> Recipe {
    Recipe {
        segments: 8,
        steps: 5,
        batch: 3,
        context: 127,
        optimiser: Optimiser::AdamW {
            learning_rate: 3_000_000,
            beta1: 900_000_000,
            beta2: 950_000_000,
            epsilon: 10_000,
            weight_decay: 1,
            max_norm: 1_000_000_000,
        },
        proximal: 2,
        rule: AggregationRule::WeightedMean,
        server: ServerOptimiser::Nesterov {
            learning_rate: 45_875,
            momentum: 39_322,
        },
        delta: DeltaCodec::DenseInt8,
        error_feedback: 1 << 16,
        class: NumericClass::Exact,
    }
}

pub fn round_id() -> RoundId {
    RoundId {
        branch: 7,
        number: 9,
    }
}

pub fn stored_residual(n: u8) -> StoredResidual {
    StoredResidual {
        root: h(n),
        cid: cid(70),
    }
}

pub fn residual() -> ClaimResidual {
    ClaimResidual {
        start: Some(stored_residual(6)),
        end: Some(stored_residual(7)),
    }
}

pub fn claim() -> Claim {
    Claim {
        round: round_id(),
        base: h(1),
        delta_root: h(2),
        delta_cid: cid(3),
        states_root: h(4),
        digests_root: h(5),
        segments: 8,
        residual: Some(residual()),
        profile: h(8),
        canary: h(9),
        licence: DeltaLicence::Open,
    }
}

pub fn segment_result() -> SegmentResult {
    SegmentResult {
        segment: 7,
        end_state: h(10),
        digest: h(11),
    }
}

pub fn report() -> ReplayReport {
    ReplayReport {
        initial_state: h(12),
        results: bounded(&[segment_result()]),
        delta_root: h(13),
        residual_end: Some(h(39)),
        step_state: Some(h(40)),
    }
}

pub fn header() -> VersionHeader {
    VersionHeader {
        model: 1,
        branch: 2,
        number: 3,
        parent: Parent::Local(h(14)),
        state_root: h(15),
        server_root: h(16),
        cid: cid(17),
        server_cid: Some(cid(18)),
        contributions_root: h(19),
        rule: merge_rule(),
        block: 1_000,
    }
}

fn merge_rule() -> MergeRule {
    MergeRule {
        rule: recipe().rule,
        server: recipe().server,
    }
}

pub fn settings() -> ProfileSettings {
    ProfileSettings {
        isa: bounded(b"avx2"),
        math: bounded(b"COMPATIBLE"),
        library: bounded(b"libtorch 2.11.0"),
        threads: 1,
    }
}

fn dataset() -> DatasetInfo {
    DatasetInfo {
        root: h(20),
        cid: cid(21),
        licence: bounded(b"CC0-1.0"),
        samples: 100_000,
        window: 128,
    }
}

fn entry() -> MixtureEntry {
    MixtureEntry {
        dataset: 5,
        weight: 6,
    }
}

fn admission() -> Admission {
    Admission {
        share: 500_000,
        units_per_token: 10,
    }
}

pub fn opened_start() -> OpenedStart {
    OpenedStart {
        segment: 7,
        state: h(22),
        cid: cid(23),
    }
}

pub fn seat() -> Seat<AccountId> {
    Seat {
        verifier: [24; 32],
        bond: 100,
        availability: Some(Availability::Have),
        commitment: Some(h(25)),
        verdict: Some(Verdict::Match),
        report: Some(h(41)),
        trained: true,
    }
}

pub fn receipt() -> Receipt<AccountId> {
    Receipt {
        account: [26; 32],
        role: Role::Miner,
        units: 1 << 70,
        amount: 900,
        vests_at: 2_000,
    }
}

pub fn history() -> HistoryEntry {
    HistoryEntry {
        block: 1_500,
        state: ClaimState::Drawn,
    }
}

pub fn record() -> ClaimRecord<AccountId> {
    ClaimRecord {
        claim: claim(),
        miner: [27; 32],
        state: ClaimState::Merged,
        bond: 1_000,
        audited: bounded(&[2, 7]),
        initial_state: Some(h(28)),
        starts: bounded(&[opened_start()]),
        ends: bounded(&[segment_result()]),
        committee: bounded(&[seat()]),
        history: bounded(&[history()]),
        receipts: bounded(&[receipt()]),
        secret: h(42),
        flag: Some(false),
        finding: Some(Finding::Report(h(43))),
        larger: bounded(&[[44; 32]]),
        merged: true,
        newcomer: false,
        reverted: false,
    }
}

fn posted() -> PostedMerge<AccountId> {
    PostedMerge {
        merger: [29; 32],
        bond: 100,
        version: h(30),
        stands: Some(790),
    }
}

fn round() -> Round<AccountId> {
    Round {
        id: round_id(),
        phase: Phase::Dispute,
        opened: 900,
        deadline: 1_100,
        base: h(31),
        seed: h(32),
        audit_seed: h(33),
        canary_rate: 20_000,
        claims: 3,
        awaiting: 4,
        cursor: Some(5),
        accepted: 2,
        units: 1 << 65,
        audit_units: 1 << 66,
        emission: 1_000_000,
        pay: Some(dream_primitives::emission::RoundPay {
            miners: 1,
            verifiers: 2,
            producers: 3,
            treasury: 4,
        }),
        receipted: 3,
        merge: Some(posted()),
        replays: Some(2),
        trials: 1,
        disputes: 6,
        refutations: 2,
    }
}

pub fn trace_proof() -> TraceProof {
    bounded(&[h(34), h(35)])
}

fn fields_of(fields: &[Field<MetaForm>]) -> String {
    let each: Vec<String> = fields
        .iter()
        .map(|field| {
            let kind = field.type_name.unwrap_or("?");
            field
                .name
                .map_or(kind.to_string(), |name| format!("{name}: {kind}"))
        })
        .collect();
    each.join(", ")
}

#[derive(Default)]
pub struct Dump {
    encodings: String,
    shapes: String,
    pub names: BTreeSet<String>,
}

impl Dump {
    /// Writes a type's shape and its examples. An enumeration needs an example of every variant.
    pub fn add<T: Encode + Decode + TypeInfo + PartialEq + std::fmt::Debug>(
        &mut self,
        examples: &[T],
    ) {
        let info = T::type_info();
        let name = info.path.ident().unwrap();
        let encoded: Vec<Vec<u8>> = examples.iter().map(Encode::encode).collect();
        for (example, bytes) in examples.iter().zip(&encoded) {
            assert_eq!(T::decode(&mut bytes.as_slice()).as_ref(), Ok(example));
        }
        match &info.type_def {
            TypeDef::Composite(composite) => {
                assert_eq!(examples.len(), 1, "{name}");
                writeln!(self.shapes, "{name} {{ {} }}", fields_of(&composite.fields)).unwrap();
                writeln!(self.encodings, "{name} = {}", hex(&encoded[0])).unwrap();
            }
            TypeDef::Variant(variants) => {
                let indices: Vec<u8> = variants.variants.iter().map(|v| v.index).collect();
                let firsts: Vec<u8> = encoded.iter().map(|bytes| bytes[0]).collect();
                assert_eq!(
                    firsts, indices,
                    "{name}: one example for each variant, in order"
                );
                for (variant, bytes) in variants.variants.iter().zip(&encoded) {
                    let label = format!("{name}::{}", variant.name);
                    let fields = match fields_of(&variant.fields).as_str() {
                        "" => String::new(),
                        fields => format!(" {{ {fields} }}"),
                    };
                    writeln!(self.shapes, "{label} = {}{fields}", variant.index).unwrap();
                    writeln!(self.encodings, "{label} = {}", hex(bytes)).unwrap();
                }
            }
            other => panic!("{name}: {other:?} is no type of ours"),
        }
        assert!(self.names.insert(name.to_string()), "{name} twice");
    }
}

pub fn dump() -> Dump {
    let mut d = Dump::default();
    add_enumerations(&mut d);
    add_structures(&mut d);
    add_parameters(&mut d);
    crate::dispute::add(&mut d);
    crate::newcomers::add(&mut d);
    crate::game::add(&mut d);
    crate::private::add(&mut d);
    d
}

fn add_enumerations(d: &mut Dump) {
    d.add(&[CidCodec::Raw, CidCodec::DagPb]);
    d.add(&[DeltaLicence::Open, DeltaLicence::Proprietary]);
    d.add(&[Availability::Have, Availability::Lack]);
    d.add(&[Verdict::Match, Verdict::Mismatch]);
    d.add(&[Role::Miner, Role::Verifier]);
    d.add(&[recipe().optimiser]);
    d.add(&[Architecture::Llama(llama())]);
    d.add(&[
        AggregationRule::WeightedMean,
        AggregationRule::TrimmedMean { trim: 2 },
        AggregationRule::Median,
        AggregationRule::NormClip { max_norm: 1 << 40 },
        AggregationRule::Krum {
            byzantine: 3,
            selected: 5,
        },
    ]);
    d.add(&[
        ServerOptimiser::Sgd {
            learning_rate: 65_536,
        },
        recipe().server,
        ServerOptimiser::Adam {
            learning_rate: 655,
            beta1: 58_982,
            beta2: 64_880,
            epsilon: 16,
        },
    ]);
    d.add(&[DeltaCodec::DenseInt8, DeltaCodec::TopK { per_chunk: 64 }]);
    d.add(&[
        NumericClass::Exact,
        NumericClass::Tolerant { relative: 1_000 },
    ]);
    d.add(&[
        Parent::None,
        Parent::Local(h(14)),
        Parent::Foreign {
            chain: h(36),
            version: h(37),
        },
    ]);
    d.add(&[
        DeltaChunk::Dense {
            shift: 3,
            codes: vec![-127, 0, 127],
        },
        DeltaChunk::Sparse {
            shift: 2,
            gaps: vec![1, 255, 7],
            codes: vec![-1, 5],
        },
    ]);
    d.add(&all::<Level>());
    d.add(&all::<Stage>());
    d.add(&[Finding::Report(h(43)), Finding::Faked]);
    d.add(&all::<Phase>());
    d.add(&all::<RoundEvent>());
    d.add(&all::<ClaimState>());
    d.add(&all::<ClaimEvent>());
    d.add(&all::<ParameterError>());
    d.add(&all::<RecipeError>());
}

/// All variants of an enumeration without fields, by their indices.
pub fn all<T: Decode>() -> Vec<T> {
    (0..=u8::MAX)
        .map_while(|index| T::decode(&mut [index].as_slice()).ok())
        .collect()
}

fn add_structures(d: &mut Dump) {
    d.add(&[cid(3)]);
    d.add(&[round_id()]);
    d.add(&[claim()]);
    d.add(&[StartState {
        segment: 7,
        state: h(22),
        proof: trace_proof(),
        cid: cid(23),
    }]);
    d.add(&[SegmentOpening {
        segment: 7,
        end_state: h(10),
        cid: Some(cid(23)),
        state_proof: trace_proof(),
        digest: h(11),
        salt: h(38),
        digest_proof: trace_proof(),
    }]);
    d.add(&[segment_result()]);
    d.add(&[report()]);
    d.add(&[Credits {
        amount: 1 << 80,
        step: 12,
    }]);
    let term = |tokens| VoteTerm {
        tokens,
        issuance: 1 << 70,
        weight: 5,
    };
    let delegated = DelegatedVote {
        account: [4; 32],
        term: term(7),
        conviction: 6,
    };
    d.add(&[AppliedVote {
        epoch: Some(3),
        own: term(9),
        delegated: bounded(core::slice::from_ref(&delegated)),
    }]);
    d.add(&[delegated]);
    d.add(&[term(8)]);
    d.add(&[dataset()]);
    d.add(&[entry()]);
    d.add(&[RoundPay {
        miners: 1,
        verifiers: 2,
        producers: 3,
        treasury: 4,
    }]);
    d.add(&[llama()]);
    d.add(&[SumNode {
        hash: h(39),
        sum: 1 << 100,
    }]);
    d.add(&[settings()]);
    d.add(&[recipe()]);
    d.add(&[Model::<AccountId> {
        architecture: Architecture::Llama(llama()),
        licence: bounded(b"Apache-2.0"),
        owner: [40; 32],
        deposit: 10,
    }]);
    d.add(&[admission()]);
    d.add(&[Branch::<AccountId> {
        model: 1,
        owner: [40; 32],
        recipe: recipe(),
        head: h(41),
        admission: Some(admission()),
        deposit: 10,
        frozen: true,
    }]);
    d.add(&[DatasetRecord::<AccountId> {
        info: dataset(),
        submitter: [42; 32],
        deposit: 10,
        block: 77,
        suspended_from: Some(97),
    }]);
    d.add(&[DatasetUse {
        branch: 4,
        last: Some(12),
    }]);
    d.add(&[SampleDemand::<AccountId> {
        sample: 19,
        demander: [43; 32],
        held: 8,
        deadline: 97,
        lapsed: false,
    }]);
    d.add(&[SampleOpening {
        window: bounded(&[1, 2, 3]),
        proof: bounded(&[h(44)]),
    }]);
    d.add(&[
        Funding::Emission(admission()),
        Funding::Escrow {
            per_round: 500,
            unit_price: 3,
        },
    ]);
    d.add(&[RoundTerms {
        model: 1,
        architecture: Architecture::Llama(llama()),
        recipe: recipe(),
        funding: Funding::Emission(admission()),
        mixture: bounded(&[(entry(), 100_000)]),
    }]);
    d.add(&[seat()]);
    d.add(&[opened_start()]);
    d.add(&[receipt()]);
    d.add(&[history()]);
    d.add(&[record()]);
    d.add(&[posted()]);
    d.add(&[round()]);
    d.add(&[challenger()]);
    d.add(&[TrialStep {
        segment: 7,
        step: 3,
    }]);
    d.add(&[trial_report()]);
    d.add(&[TrialSeat {
        bond: 100,
        weight: 101,
        commitment: Some(h(51)),
        report: Some(trial_report()),
        earlier: Some(h(52)),
    }]);
    d.add(&[trial()]);
    d.add(&[TrialView {
        claim: h(47),
        round: round_id(),
        trial: trial(),
        starts: vec![opened_start()],
        delta_cid: cid(3),
    }]);
    d.add(&[merge_rule()]);
    d.add(&[header()]);
    d.add(&[Contribution {
        claim: h(43),
        delta_root: h(44),
        weight: 8,
    }]);
    crate::trials::bonds(d);
    d.add(&[stored_residual(72)]);
    d.add(&[residual()]);
    d.add(&[dream_primitives::feedback::CarriedResidual {
        claim: h(71),
        residual: stored_residual(73),
    }]);
    crate::trials::valuations(d);
    d.add(&[BranchView {
        branch: 2,
        admitted: true,
        frozen: false,
        head: h(45),
        header: header(),
    }]);
    let past = EpochCredits {
        epoch: 4,
        credits: 5,
        total: 6,
    };
    d.add(&[past]);
    d.add(&[CreditsView {
        epoch: 5,
        now: 1 << 80,
        total_now: 1 << 81,
        history: vec![past],
    }]);
    d.add(&[WeightView::<AccountId> {
        epoch: Some(4),
        credits: 5,
        total: 6,
        issuance: 7,
        tokens: 8,
        weight: 9,
        applied: None,
    }]);
    d.add(&[VersionView {
        hash: h(46),
        header: header(),
    }]);
    d.add(&[ClaimView::<AccountId> {
        id: h(47),
        record: record(),
        trial: Some(trial()),
    }]);
    d.add(&[AuditView {
        claim: h(47),
        round: round_id(),
        phase: Phase::Commitment,
        deadline: 1_100,
        starts: vec![opened_start()],
        delta_cid: cid(3),
    }]);
    d.add(&[RoundView::<AccountId> {
        round: round(),
        claims: vec![h(47)],
    }]);
}

fn add_parameters(d: &mut Dump) {
    let network = ChainParameters::network();
    d.add(&[network.consensus]);
    d.add(&[network.round]);
    d.add(&[network.audit]);
    d.add(&[network.bonds]);
    d.add(&[network.rewards]);
    d.add(&[network.governance]);
    d.add(&[network]);
}

#[test]
fn encodings_should_be_the_reviewed_ones() {
    check("encodings.txt", &dump().encodings);
}

#[test]
fn shapes_should_be_the_reviewed_ones() {
    check("shapes.txt", &dump().shapes);
}
