// SPDX-License-Identifier: GPL-3.0-or-later
//! The dummy model: a training state is a hash, a step hashes the state with the samples of its batch, and the delta is
//! drawn from the last state. What a replay gives is so decided by head, seed, miner and step, as with real training.

use dream_primitives::claim::{digest_leaf, state_leaf};
use dream_primitives::claim::{
    ReplayReport, SegmentOpening, SegmentResult, StartState, TraceProof,
};
use dream_primitives::data::{MixtureEntry, MAX_MIXTURE};
use dream_primitives::delta::{self, DeltaChunk};
use dream_primitives::hashing::{content_hash, hash, Domain};
use dream_primitives::manifest::{Architecture, LlamaConfig};
use dream_primitives::recipe::*;
use dream_primitives::{merkle, order, BoundedVec, ConstU32, H256};

/// The smallest model that the registry takes.
pub fn architecture() -> Architecture {
    Architecture::Llama(LlamaConfig {
        vocab: 2,
        dim: 2,
        layers: 1,
        heads: 1,
        kv_heads: 1,
        ffn: 2,
        context: 1,
        rope_theta: 10_000,
        tied: true,
    })
}

/// Parameters of the first version.
pub fn initial() -> Vec<i32> {
    let parameters = architecture().parameters().expect("the model is small");
    vec![0; parameters as usize]
}

/// Eight segments of two steps; a batch is one sample.
pub fn recipe() -> Recipe {
    Recipe {
        segments: 8,
        steps: 2,
        batch: 1,
        context: 1,
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

/// What training depends on.
#[derive(Clone)]
pub struct Job {
    /// Genesis hash.
    pub genesis: H256,
    /// Root of the parameters that it starts from.
    pub state_root: H256,
    /// The round's seed.
    pub seed: H256,
    /// Miner whose data order it is.
    pub stream: [u8; 32],
    /// Recipe.
    pub recipe: Recipe,
    /// Mixture of the round.
    pub mixture: BoundedVec<(MixtureEntry, u64), ConstU32<MAX_MIXTURE>>,
}

/// One segment.
pub struct Segment {
    /// State after each step.
    pub states: Vec<H256>,
    /// Digest.
    pub digest: H256,
}

impl Job {
    /// State 0: what the head dequantises to.
    pub fn start(&self) -> H256 {
        content_hash(
            Domain::TrainingState,
            &[b"start", self.state_root.as_bytes()],
        )
    }

    fn step(&self, state: &H256, step: u64) -> H256 {
        let mut samples = Vec::new();
        for slot in 0..u32::from(self.recipe.batch) {
            let at = order::sample(
                &self.genesis,
                &self.seed,
                &self.stream,
                step,
                slot,
                &self.mixture,
            )
            .expect("the mixture has samples");
            samples.extend_from_slice(&at.sample.to_le_bytes());
        }
        content_hash(Domain::TrainingState, &[state.as_bytes(), &samples])
    }

    /// Runs `steps` steps of a segment; the recipe's number is the honest one.
    pub fn segment(&self, start: &H256, segment: u16, steps: u16) -> Segment {
        let first = u64::from(segment) * u64::from(self.recipe.steps);
        let mut states = Vec::new();
        let mut state = *start;
        for i in 0..u64::from(steps) {
            state = self.step(&state, first + i);
            states.push(state);
        }
        let bytes: Vec<u8> = states.iter().flat_map(|s| s.0).collect();
        Segment {
            digest: content_hash(Domain::SegmentDigest, &[&bytes]),
            states,
        }
    }

    /// The delta between the state after the last segment and the head.
    pub fn delta(&self, end: &H256) -> Vec<DeltaChunk> {
        let steps: Vec<i32> = (0..initial().len())
            .map(|i| {
                let h = content_hash(Domain::Delta, &[end.as_bytes(), &(i as u32).to_le_bytes()]);
                i32::from(i16::from_le_bytes([h.0[0], h.0[1]]))
            })
            .collect();
        delta::quantise(&steps)
    }

    /// Replays audited segments from their start states.
    pub fn replay(&self, last: u16, starts: &[(u16, H256)]) -> ReplayReport {
        let mut results = Vec::new();
        let mut delta_root = H256::zero();
        for (segment, start) in starts {
            let done = self.segment(start, *segment, self.recipe.steps);
            let end_state = *done.states.last().unwrap_or(start);
            if segment + 1 == last {
                delta_root = delta::root(&self.delta(&end_state)).expect("the model has a chunk");
            }
            results.push(SegmentResult {
                segment: *segment,
                end_state,
                digest: done.digest,
            });
        }
        ReplayReport {
            initial_state: self.start(),
            results: BoundedVec::truncate_from(results),
            delta_root,
            residual_end: None,
            step_state: None,
        }
    }
}

/// How a trace differs from an honest one.
#[derive(Clone, Default)]
pub struct Cheat {
    /// Segments whose steps were not run: end state and digest are invented.
    pub faked: Vec<u16>,
    /// A segment of which the last step was left out.
    pub short: Option<u16>,
    /// The delta is not the one of the last state.
    pub delta: bool,
    /// State 0 is invented.
    pub start: bool,
    /// Digest of every segment, on canary duty.
    pub digests: Option<fn(&H256, u16) -> H256>,
}

/// What a miner keeps of its training.
#[derive(Clone)]
pub struct Trace {
    genesis: H256,
    /// States 0..=segments.
    pub states: Vec<H256>,
    /// Digests of the segments.
    pub digests: Vec<H256>,
    salts: Vec<H256>,
    /// The delta.
    pub chunks: Vec<DeltaChunk>,
    state_leaves: Vec<H256>,
    digest_leaves: Vec<H256>,
}

impl Trace {
    /// Trains `segments` segments. `invented` is what inventions and salts are drawn from.
    pub fn new(job: &Job, segments: u16, cheat: &Cheat, invented: &H256) -> Self {
        let fake = |what: &[u8], i: u16| {
            content_hash(
                Domain::LocalRecord,
                &[invented.as_bytes(), what, &i.to_le_bytes()],
            )
        };
        let start = if cheat.start {
            fake(b"start", 0)
        } else {
            job.start()
        };
        let (mut states, mut digests) = (vec![start], Vec::new());
        for i in 0..segments {
            let start = states[usize::from(i)];
            if cheat.faked.contains(&i) {
                states.push(fake(b"state", i));
                digests.push(fake(b"digest", i));
                continue;
            }
            let steps = job.recipe.steps - u16::from(cheat.short == Some(i));
            let done = job.segment(&start, i, steps);
            states.push(*done.states.last().unwrap_or(&start));
            digests.push(done.digest);
        }
        let end = states[usize::from(segments)];
        let chunks = job.delta(&if cheat.delta { fake(b"delta", 0) } else { end });
        let salts = (0..segments).map(|i| fake(b"salt", i)).collect();
        Self::from_parts(job.genesis, states, digests, salts, chunks)
    }

    /// Builds the trees.
    pub fn from_parts(
        genesis: H256,
        states: Vec<H256>,
        digests: Vec<H256>,
        salts: Vec<H256>,
        chunks: Vec<DeltaChunk>,
    ) -> Self {
        let state_leaves = states.iter().map(state_leaf).collect();
        let leaf = |(d, s): (&H256, &H256)| digest_leaf(&genesis, d, s);
        let digest_leaves = digests.iter().zip(&salts).map(leaf).collect();
        Self {
            genesis,
            states,
            digests,
            salts,
            chunks,
            state_leaves,
            digest_leaves,
        }
    }

    /// The same trace with other digests.
    pub fn with_digests(self, digests: Vec<H256>) -> Self {
        Self::from_parts(self.genesis, self.states, digests, self.salts, self.chunks)
    }

    /// Root over the states.
    pub fn states_root(&self) -> H256 {
        merkle::root(Domain::TrainingStates, &self.state_leaves)
    }

    /// Root over the salted digests.
    pub fn digests_root(&self) -> H256 {
        merkle::root(Domain::Digests, &self.digest_leaves)
    }

    /// Root of the delta.
    pub fn delta_root(&self) -> H256 {
        delta::root(&self.chunks).expect("the model has a chunk")
    }

    /// State 0 with its proof.
    pub fn initial(&self) -> (H256, TraceProof) {
        (self.states[0], self.state_proof(0))
    }

    fn state_proof(&self, index: u16) -> TraceProof {
        proof(&self.state_leaves, Domain::TrainingStates, index)
    }

    /// Opening of the start of a segment.
    pub fn start_state(&self, segment: u16) -> StartState {
        let state = self.states[usize::from(segment)];
        StartState {
            segment,
            state,
            proof: self.state_proof(segment),
            cid: crate::chain::cid_of(&state),
        }
    }

    /// Opening of the end of a segment.
    pub fn end(&self, segment: u16) -> SegmentOpening {
        let i = usize::from(segment);
        SegmentOpening {
            segment,
            end_state: self.states[i + 1],
            cid: None,
            state_proof: self.state_proof(segment + 1),
            digest: self.digests[i],
            salt: self.salts[i],
            digest_proof: proof(&self.digest_leaves, Domain::Digests, segment),
        }
    }
}

fn proof(leaves: &[H256], domain: Domain, index: u16) -> TraceProof {
    let siblings = merkle::prove(domain, leaves, index.into()).expect("the index is in range");
    BoundedVec::truncate_from(siblings)
}

/// A salt or invention of an actor.
pub fn secret(genesis: &H256, parts: &[&[u8]]) -> H256 {
    hash(Domain::LocalRecord, genesis, parts)
}
