// SPDX-License-Identifier: GPL-3.0-or-later
//! A small chain to call into: a model, a branch, a data set, six actors that mine and verify, and what each of them
//! would call next.

use codec::Encode;
use dream_primitives::cid::{Cid, CidCodec};
use dream_primitives::claim::{
    canary_commitment, digest_leaf, state_leaf, Availability, Claim, DeltaLicence, ReplayReport,
    RoundId, SegmentOpening, SegmentResult, StartState, TraceProof,
};
use dream_primitives::data::{DatasetInfo, MixtureEntry};
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::profile::{self, ProfileSettings};
use dream_primitives::recipe::*;
use dream_primitives::registry::Admission;
use dream_primitives::round::{ClaimRecord, ClaimState, Phase};
use dream_primitives::views::RoundView;
use dream_primitives::{merkle, BoundedVec, BranchId, DREAM, H256};
use dream_runtime::{
    AccountId, Runtime, RuntimeCall, RuntimeGenesisConfig, RuntimeOrigin, System, UsefulWork,
};
use pallet_useful_work::Call as Work;
use polkadot_sdk::*;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{BuildStorage, Storage};
use std::sync::OnceLock;

/// The branch that is trained.
pub const BRANCH: BranchId = 0;
/// Everybody.
pub const ACTORS: [Actor; 6] = [
    Actor(Sr25519Keyring::Alice),
    Actor(Sr25519Keyring::Bob),
    Actor(Sr25519Keyring::Charlie),
    Actor(Sr25519Keyring::Dave),
    Actor(Sr25519Keyring::Eve),
    Actor(Sr25519Keyring::Ferdie),
];
/// Segments of the recipe.
const SEGMENTS: u16 = 8;
/// The profile that all share.
const LEAF: H256 = H256::repeat_byte(7);
/// Most blocks that a phase of the development parameters lasts.
const LONGEST_PHASE: u32 = 160;

/// One of the six.
#[derive(Clone, Copy)]
pub struct Actor(Sr25519Keyring);

impl Actor {
    /// The actor that a byte names.
    pub fn of(byte: u8) -> Self {
        let at = usize::from(byte) % ACTORS.len();
        ACTORS
            .get(at)
            .copied()
            .unwrap_or(Self(Sr25519Keyring::Alice))
    }

    /// Its account.
    pub fn account(self) -> AccountId {
        self.0.to_account_id()
    }

    /// Signed by it.
    pub fn origin(self) -> RuntimeOrigin {
        RuntimeOrigin::signed(self.account())
    }

    fn raw(self) -> [u8; 32] {
        self.account().into()
    }
}

/// A chain on which all actors are bonded, profiled and enlisted, a block before its first round opens.
pub fn new() -> sp_io::TestExternalities {
    static WORLD: OnceLock<Storage> = OnceLock::new();
    let storage = WORLD.get_or_init(|| {
        let mut genesis = RuntimeGenesisConfig::default();
        genesis.balances.balances = ACTORS
            .iter()
            .map(|a| (a.account(), 1_000_000 * DREAM))
            .collect();
        let mut storage = genesis.build_storage().expect("the genesis builds");
        sp_state_machine::BasicExternalities::execute_with_storage(&mut storage, || {
            System::set_block_number(1);
            found();
        });
        storage
    });
    sp_io::TestExternalities::new(storage.clone())
}

fn must(call: RuntimeCall, origin: RuntimeOrigin) {
    use polkadot_sdk::frame_support::traits::UnfilteredDispatchable;
    call.clone()
        .dispatch_bypass_filter(origin)
        .unwrap_or_else(|e| panic!("{call:?}: {:?}", e.error));
}

fn found() {
    use pallet_data_registry::Call as Data;
    use pallet_model_registry::Call as Models;
    let owner = Actor::of(0);
    let register = Models::register_model {
        architecture: Architecture::Llama(LlamaConfig {
            vocab: 256,
            dim: 8,
            layers: 1,
            heads: 2,
            kv_heads: 1,
            ffn: 16,
            context: 128,
            rope_theta: 10_000,
            tied: true,
        }),
        licence: BoundedVec::truncate_from(b"CC0-1.0".to_vec()),
        recipe: recipe(),
        state_root: H256::repeat_byte(1),
        cid: cid(1),
    };
    must(RuntimeCall::ModelRegistry(register), owner.origin());
    let admission = Admission {
        share: 1_000_000,
        units_per_token: 1,
    };
    let admit = Models::admit_branch {
        branch: BRANCH,
        admission,
    };
    must(RuntimeCall::ModelRegistry(admit), RuntimeOrigin::root());
    let info = DatasetInfo {
        root: H256::repeat_byte(2),
        cid: cid(2),
        licence: BoundedVec::truncate_from(b"CC0-1.0".to_vec()),
        samples: 1_000,
        window: 129,
    };
    must(
        RuntimeCall::DataRegistry(Data::submit { info }),
        owner.origin(),
    );
    for actor in ACTORS {
        let bond = Work::bond {
            amount: 20_000 * DREAM,
        };
        must(RuntimeCall::UsefulWork(bond), actor.origin());
        let commit = Work::commit_profile {
            branch: BRANCH,
            commitment: profile_commitment(actor),
        };
        must(RuntimeCall::UsefulWork(commit), actor.origin());
    }
    blocks(1);
    for actor in ACTORS {
        let reveal = Work::reveal_profile {
            branch: BRANCH,
            settings: settings(),
            leaf: LEAF,
            secret: link(actor, CHAIN),
            salt: H256::zero(),
        };
        must(RuntimeCall::UsefulWork(reveal), actor.origin());
        let enlist = Work::enlist_verifier { branch: BRANCH };
        must(RuntimeCall::UsefulWork(enlist), actor.origin());
    }
    blocks(1);
    let mixture = BoundedVec::truncate_from(vec![MixtureEntry {
        dataset: 0,
        weight: 1,
    }]);
    must(
        RuntimeCall::DataRegistry(Data::set_mixture {
            branch: BRANCH,
            mixture,
        }),
        RuntimeOrigin::root(),
    );
}

/// Links in an actor's chain of canary secrets.
const CHAIN: u32 = 64;

fn link(actor: Actor, position: u32) -> H256 {
    let start = content_hash(Domain::Canary, &[&actor.raw()]);
    (0..position).fold(start, |x, _| {
        dream_primitives::claim::canary_link(&UsefulWork::genesis(), &x)
    })
}

fn profile_commitment(actor: Actor) -> H256 {
    profile::commitment(
        &UsefulWork::genesis(),
        &actor.raw(),
        BRANCH,
        &settings(),
        &LEAF,
        &link(actor, CHAIN),
        &H256::zero(),
    )
}

fn settings() -> ProfileSettings {
    ProfileSettings {
        isa: BoundedVec::truncate_from(b"avx2".to_vec()),
        math: BoundedVec::truncate_from(b"COMPATIBLE".to_vec()),
        library: BoundedVec::truncate_from(b"libtorch 2.11.0".to_vec()),
        threads: 1,
    }
}

fn cid(byte: u8) -> Cid {
    Cid {
        codec: CidCodec::Raw,
        digest: [byte; 32],
    }
}

/// The recipe of the branch.
pub fn recipe() -> Recipe {
    Recipe {
        segments: SEGMENTS,
        steps: 2,
        batch: 4,
        context: 128,
        optimiser: Optimiser::AdamW {
            learning_rate: 3_000_000,
            beta1: 900_000_000,
            beta2: 999_000_000,
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

/// Lets `n` blocks pass: their hooks, with randomness and an author.
pub fn blocks(n: u32) {
    use frame_support::traits::Hooks;
    for _ in 0..n {
        UsefulWork::on_finalize(System::block_number());
        let now = System::block_number().saturating_add(1);
        System::set_block_number(now);
        System::reset_events();
        let output = content_hash(Domain::Seed, &[&now.to_le_bytes()]);
        put(b"Babe", b"AuthorVrfRandomness", &Some(output.0).encode());
        let author = Actor::of(now.to_le_bytes()[0]).account();
        put(b"Authorship", b"Author", &author.encode());
        UsefulWork::on_initialize(now);
    }
}

/// What a block's digest would have put there.
fn put(pallet: &[u8], item: &[u8], value: &[u8]) {
    let key = frame_support::storage::storage_prefix(pallet, item);
    sp_io::storage::set(&key, value);
}

/// Lets blocks pass until the branch's round is in another phase.
pub fn to_next_phase() {
    let phase = || UsefulWork::round_view(BRANCH).map(|v| (v.round.id, v.round.phase));
    let before = phase();
    for _ in 0..LONGEST_PHASE {
        blocks(1);
        if phase() != before {
            return;
        }
    }
}

/// What a miner keeps of its training, made up from its name and the round.
pub struct Trace {
    states: Vec<H256>,
    digests: Vec<(H256, H256)>,
}

fn made_up(parts: &impl Encode) -> H256 {
    content_hash(Domain::TrainingState, &[&parts.encode()])
}

fn proof(leaves: &[H256], domain: Domain, index: u16) -> TraceProof {
    let siblings = merkle::prove(domain, leaves, index.into()).unwrap_or_default();
    BoundedVec::truncate_from(siblings)
}

impl Trace {
    /// The trace of an honest miner, or of one on duty.
    pub fn new(actor: Actor, round: RoundId, base: H256, duty: Option<H256>) -> Self {
        let genesis = UsefulWork::genesis();
        let state = |i: u16| match i {
            0 => made_up(&(base, "start")),
            _ => made_up(&(actor.raw(), round, i)),
        };
        let digest = |i: u16| match duty {
            Some(preimage) => {
                dream_primitives::claim::canary_digest(&genesis, &preimage, &round, i)
            }
            None => made_up(&(actor.raw(), round, i, "digest")),
        };
        let salt = |i: u16| made_up(&(actor.raw(), i, "salt"));
        Self {
            states: (0..=SEGMENTS).map(state).collect(),
            digests: (0..SEGMENTS).map(|i| (digest(i), salt(i))).collect(),
        }
    }

    fn state(&self, index: u16) -> H256 {
        let at = self.states.get(usize::from(index));
        at.copied().unwrap_or_default()
    }

    fn digest(&self, index: u16) -> (H256, H256) {
        let at = self.digests.get(usize::from(index));
        at.copied().unwrap_or_default()
    }

    fn state_leaves(&self) -> Vec<H256> {
        self.states.iter().map(state_leaf).collect()
    }

    fn digest_leaves(&self) -> Vec<H256> {
        let genesis = UsefulWork::genesis();
        let leaf = |(d, s): &(H256, H256)| digest_leaf(&genesis, d, s);
        self.digests.iter().map(leaf).collect()
    }

    fn start(&self, segment: u16) -> StartState {
        StartState {
            segment,
            state: self.state(segment),
            proof: proof(&self.state_leaves(), Domain::TrainingStates, segment),
            cid: cid(3),
        }
    }

    fn opening(&self, segment: u16) -> SegmentOpening {
        let (digest, salt) = self.digest(segment);
        SegmentOpening {
            segment,
            end_state: self.state(segment.saturating_add(1)),
            cid: None,
            state_proof: proof(
                &self.state_leaves(),
                Domain::TrainingStates,
                segment.saturating_add(1),
            ),
            digest,
            salt,
            digest_proof: proof(&self.digest_leaves(), Domain::Digests, segment),
        }
    }
}

fn preimage(actor: Actor) -> Option<H256> {
    let record = pallet_useful_work::Profiles::<Runtime>::get(BRANCH, actor.account())?;
    (0..CHAIN)
        .map(|at| link(actor, at))
        .find(|x| dream_primitives::claim::canary_link(&UsefulWork::genesis(), x) == record.secret)
}

fn duty(actor: Actor, seed: &H256) -> Option<H256> {
    use frame_support::traits::Get;
    let rate = dream_runtime::ChainParameters::get().audit.canary_rate;
    preimage(actor)
        .filter(|x| dream_primitives::claim::on_duty(&UsefulWork::genesis(), x, seed, rate))
}

/// The trace behind a record: whoever replays it finds the same, unless it was faked on duty.
fn replay(record: &ClaimRecord<AccountId>, honest: bool) -> ReplayReport {
    let miner = ACTORS
        .into_iter()
        .find(|a| a.account() == record.miner)
        .unwrap_or(Actor::of(0));
    let trace = Trace::new(miner, record.claim.round, record.claim.base, None);
    let result = |segment: &u16| SegmentResult {
        segment: *segment,
        end_state: trace.state(segment.saturating_add(1)),
        digest: if honest {
            trace.digest(*segment).0
        } else {
            H256::zero()
        },
    };
    ReplayReport {
        initial_state: trace.state(0),
        results: BoundedVec::truncate_from(record.audited.iter().map(result).collect()),
        delta_root: record.claim.delta_root,
        residual_end: None,
        step_state: None,
    }
}

/// What `actor` would call now. `spoiled` makes something of it wrong; `choice` picks among what is possible.
pub fn due(
    actor: Actor,
    view: &RoundView<AccountId>,
    spoiled: bool,
    choice: u8,
) -> Vec<RuntimeCall> {
    let round = &view.round;
    let records = view.claims.iter().filter_map(|id| {
        let record = pallet_useful_work::Claims::<Runtime>::get(id)?;
        Some((*id, record))
    });
    let calls: Vec<Work<Runtime>> = match round.phase {
        Phase::Training => vec![claim(actor, round.id, round.base, &round.seed, spoiled)],
        Phase::Merging => vec![merge(round.id, spoiled)],
        Phase::Vesting | Phase::Dispute => {
            let segment = u16::from(choice) % SEGMENTS;
            let all = records.map(|(claim_id, _)| Work::challenge { claim_id, segment });
            all.skip(usize::from(choice) % 4).take(1).collect()
        }
        _ => records
            .flat_map(|(id, record)| {
                for_claim(actor, round.phase, &round.seed, id, &record, spoiled)
            })
            .collect(),
    };
    let trials = trial_calls(actor, spoiled);
    calls
        .into_iter()
        .chain(trials)
        .map(RuntimeCall::UsefulWork)
        .collect()
}

fn claim(actor: Actor, round: RoundId, base: H256, seed: &H256, spoiled: bool) -> Work<Runtime> {
    let duty = duty(actor, seed);
    let trace = Trace::new(actor, round, base, duty);
    let genesis = UsefulWork::genesis();
    let canary = canary_commitment(
        &genesis,
        &actor.raw(),
        &round,
        duty.is_some(),
        &H256::zero(),
    );
    Work::submit_claim {
        claim: Claim {
            round,
            base: if spoiled { H256::zero() } else { base },
            delta_root: made_up(&(actor.raw(), round, "delta")),
            delta_cid: cid(4),
            states_root: merkle::root(Domain::TrainingStates, &trace.state_leaves()),
            digests_root: merkle::root(Domain::Digests, &trace.digest_leaves()),
            segments: SEGMENTS,
            residual: None,
            profile: LEAF,
            canary,
            licence: DeltaLicence::Open,
        },
    }
}

fn merge(round: RoundId, spoiled: bool) -> Work<Runtime> {
    let server_root = if spoiled {
        H256::repeat_byte(1)
    } else {
        H256::zero()
    };
    Work::post_merge {
        round,
        state_root: made_up(&(round, "merge")),
        server_root,
        cid: cid(5),
        server_cid: None,
        table: BoundedVec::new(),
    }
}

fn for_claim(
    actor: Actor,
    phase: Phase,
    seed: &H256,
    claim_id: H256,
    record: &ClaimRecord<AccountId>,
    spoiled: bool,
) -> Vec<Work<Runtime>> {
    let mine = record.miner == actor.account();
    let duty = duty(actor, seed);
    let trace = Trace::new(actor, record.claim.round, record.claim.base, duty);
    let report = replay(record, !spoiled);
    let genesis = UsefulWork::genesis();
    let call = match phase {
        Phase::Opening if mine => Work::open_start_states {
            claim_id,
            initial_state: trace.state(0),
            initial_proof: proof(&trace.state_leaves(), Domain::TrainingStates, 0),
            starts: BoundedVec::truncate_from(
                record
                    .audited
                    .iter()
                    .skip(usize::from(spoiled))
                    .map(|s| trace.start(*s))
                    .collect(),
            ),
        },
        Phase::Availability => Work::vote_availability {
            claim_id,
            availability: if spoiled {
                Availability::Lack
            } else {
                Availability::Have
            },
        },
        Phase::Commitment => Work::commit_replay {
            claim_id,
            commitment: report.commitment(&genesis, &actor.raw(), &claim_id, &H256::zero()),
        },
        Phase::DigestOpening if mine && record.state == ClaimState::Committed => {
            Work::open_digests {
                claim_id,
                openings: BoundedVec::truncate_from(
                    record.audited.iter().map(|s| trace.opening(*s)).collect(),
                ),
            }
        }
        Phase::Reveal => Work::reveal_replay {
            claim_id,
            report,
            salt: H256::zero(),
        },
        Phase::FlagOpening if mine => Work::open_flag {
            claim_id,
            canary: duty.is_some(),
            salt: H256::zero(),
            preimage: preimage(actor).unwrap_or_default(),
        },
        _ => return Vec::new(),
    };
    vec![call]
}

fn trial_calls(actor: Actor, spoiled: bool) -> Vec<Work<Runtime>> {
    use dream_primitives::trial::Stage;
    let genesis = UsefulWork::genesis();
    pallet_useful_work::Trials::<Runtime>::iter()
        .filter_map(|(claim_id, trial)| {
            let record = pallet_useful_work::Claims::<Runtime>::get(claim_id)?;
            let mut judged = record.clone();
            judged.audited = trial.segments.clone();
            let report = ReplayReport {
                step_state: trial
                    .step
                    .map(|step| made_up(&(record.miner.clone(), step))),
                ..replay(&judged, !spoiled)
            };
            let miner = ACTORS.into_iter().find(|a| a.account() == record.miner)?;
            let trace = Trace::new(miner, record.claim.round, record.claim.base, None);
            match trial.stage {
                Stage::Opening if miner.account() == actor.account() => {
                    let segment = *trial.segments.first()?;
                    Some(Work::open_challenged {
                        claim_id,
                        start: trace.start(segment),
                        end: trace.opening(segment),
                    })
                }
                Stage::Commitment => Some(Work::commit_verdict {
                    claim_id,
                    commitment: report.commitment(&genesis, &actor.raw(), &claim_id, &H256::zero()),
                }),
                Stage::Reveal => Some(Work::reveal_verdict {
                    claim_id,
                    report,
                    salt: H256::zero(),
                }),
                _ => None,
            }
        })
        .collect()
}
