// SPDX-License-Identifier: GPL-3.0-or-later
//! A small chain to call into: a model, a branch, a data set, six actors that mine and verify, and what each of them
//! would call next.

use crate::chain::*;
use codec::Encode;
use dream_primitives::claim::{
    canary_commitment, digest_leaf, state_leaf, Availability, Claim, DeltaLicence, ReplayReport,
    RoundId, SegmentOpening, SegmentResult, StartState, TraceProof,
};
use dream_primitives::credits::{RING, STEPS};
use dream_primitives::data::{self, DatasetInfo, MixtureEntry, SampleOpening};
use dream_primitives::hashing::{content_hash, Domain};
use dream_primitives::registry::Admission;
use dream_primitives::round::{ClaimRecord, ClaimState, Phase};
use dream_primitives::views::RoundView;
use dream_primitives::voting::MAX_POLL_HOURS;
use dream_primitives::{merkle, BoundedVec, DREAM, H256};
use dream_runtime::{
    AccountId, BlockNumber, Runtime, RuntimeCall, RuntimeGenesisConfig, RuntimeOrigin, UsefulWork,
};
use pallet_useful_work::Call as Work;
use polkadot_sdk::*;
use sp_keyring::Sr25519Keyring;
use sp_runtime::Storage;
use std::sync::OnceLock;

/// Everybody.
pub const ACTORS: [Actor; 6] = [
    Actor(Sr25519Keyring::Alice),
    Actor(Sr25519Keyring::Bob),
    Actor(Sr25519Keyring::Charlie),
    Actor(Sr25519Keyring::Dave),
    Actor(Sr25519Keyring::Eve),
    Actor(Sr25519Keyring::Ferdie),
];
/// Credits at the start.
const CREDITS: [u128; 6] = [40_000, 30_000, 20_000, 10_000, 5_000, 0];
/// Blocks after which credits are half: an hour of governance may be one block, or two.
const HALF_LIFE: BlockNumber = 2 * (STEPS / RING) * MAX_POLL_HOURS;
/// Samples of the text.
const SAMPLES: u32 = 256;
/// Bytes of a sample.
const WINDOW: u32 = 129;
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
        signed(self.0)
    }

    fn raw(self) -> [u8; 32] {
        self.account().into()
    }
}

/// The text that is trained on: bytes that a counter makes up.
fn text() -> &'static [u8] {
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    TEXT.get_or_init(|| {
        let bytes = (0..SAMPLES * WINDOW).map(|i| i.to_le_bytes());
        bytes.map(|[a, b, ..]| a ^ b).collect()
    })
}

/// The opening of a sample of the text.
pub fn open_sample(sample: u32) -> Option<SampleOpening> {
    data::open_sample(text(), WINDOW, sample)
}

/// A data set: the text, or one that nobody can supply.
pub fn dataset(real: bool) -> DatasetInfo {
    let root = if real {
        data::root(text(), WINDOW)
    } else {
        H256::repeat_byte(2)
    };
    DatasetInfo {
        root,
        cid: cid(2),
        licence: BoundedVec::truncate_from(b"CC0-1.0".to_vec()),
        samples: SAMPLES,
        window: WINDOW,
    }
}

/// A chain on which all actors are bonded, profiled and enlisted and all but the last have credits, a block before its first
/// round opens. Its first credit epoch is over.
pub fn new() -> sp_io::TestExternalities {
    static WORLD: OnceLock<Storage> = OnceLock::new();
    let storage = WORLD.get_or_init(|| {
        let change = |genesis: &mut RuntimeGenesisConfig| {
            let treasury = dream_runtime::configs::TreasuryAccount::get();
            let balances = &mut genesis.balances.balances;
            balances.push((treasury, 10_000 * DREAM));
            let parameters = &mut genesis.chain_parameters.parameters;
            parameters.rewards.credit_half_life = HALF_LIFE;
            let credits = ACTORS.iter().zip(CREDITS);
            genesis.useful_work.credits = credits.map(|(a, n)| (a.account(), n)).collect();
        };
        let epoch = HALF_LIFE / STEPS;
        storage(ACTORS.map(|a| a.0).into_iter(), epoch, change, found)
    });
    sp_io::TestExternalities::new(storage.clone())
}

fn found() {
    use pallet_data_registry::Call as Data;
    use pallet_model_registry::Call as Models;
    let owner = Actor::of(0);
    must(register(), owner.origin());
    let admission = Admission {
        share: 1_000_000,
        units_per_token: 1,
    };
    let admit = Models::admit_branch {
        branch: BRANCH,
        admission,
    };
    must(admit, RuntimeOrigin::root());
    let info = dataset(true);
    must(Data::submit { info }, owner.origin());
    for actor in ACTORS {
        let bond = Work::bond {
            amount: 20_000 * DREAM,
        };
        must(bond, actor.origin());
        let commit = commit_profile(&actor.account(), &last_secret(actor));
        must(commit, actor.origin());
    }
    blocks(1);
    for actor in ACTORS {
        must(reveal_profile(last_secret(actor)), actor.origin());
        let enlist = Work::enlist_verifier { branch: BRANCH };
        must(enlist, actor.origin());
    }
    blocks(1);
    let mixture = BoundedVec::truncate_from(vec![MixtureEntry {
        dataset: 0,
        weight: 1,
    }]);
    let set = Data::set_mixture {
        branch: BRANCH,
        mixture,
    };
    must(set, RuntimeOrigin::root());
}

/// Links in an actor's chain of canary secrets.
const CHAIN: usize = 64;

/// An actor's chain of canary secrets, each the preimage of the next.
fn secrets(actor: Actor) -> impl Iterator<Item = H256> {
    let genesis = UsefulWork::genesis();
    let start = content_hash(Domain::Canary, &[&actor.raw()]);
    std::iter::successors(Some(start), move |x| {
        Some(dream_primitives::claim::canary_link(&genesis, x))
    })
}

/// The last link, to which an actor commits.
fn last_secret(actor: Actor) -> H256 {
    secrets(actor).nth(CHAIN).unwrap_or_default()
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
    let mut chain = secrets(actor).take(CHAIN.saturating_add(1));
    let mut link = chain.next()?;
    for next in chain {
        if next == record.secret {
            return Some(link);
        }
        link = next;
    }
    None
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
