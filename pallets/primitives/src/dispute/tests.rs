// SPDX-License-Identifier: GPL-3.0-or-later
//! Walks and recomputed chunks against whole merges.

use super::*;
use crate::aggregate::{merge_chunk, selection, MergeInput, MAX_DELTAS, MAX_KRUM};
use crate::delta::{encode_delta, root};
use crate::math::to_u64;
use crate::recipe::{AggregationRule, DeltaCodec};
use crate::state::{self, CHUNK};

#[test]
fn bounds_should_be_those_of_merges() {
    assert_eq!(MAX_OPENINGS as usize, MAX_DELTAS);
    assert_eq!(CHUNK_VALUES as usize, CHUNK);
    assert_eq!(ANSWER_NODES, 1 << ANSWER_LEVELS);
    assert_eq!(MAX_PAIRS as usize, MAX_KRUM * (MAX_KRUM - 1) / 2);
}

/// Repeatable integers.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0 >> 33
    }

    /// Values of about `bits` bits.
    fn values(&mut self, count: usize, bits: u32) -> Vec<i32> {
        (0..count)
            .map(|_| (self.next() as i32 - (1 << 30)) >> (30 - bits))
            .collect()
    }
}

/// A merge with everything that belongs to it.
struct Case {
    facts: MergeFacts,
    state: Vec<i32>,
    moments: Vec<i32>,
    deltas: Vec<Vec<DeltaChunk>>,
}

impl Case {
    fn new(
        parameters: usize,
        count: usize,
        rule: MergeRule,
        codecs: &[DeltaCodec],
        seed: u64,
    ) -> Self {
        let mut numbers = Numbers(seed);
        let state = numbers.values(parameters, 24);
        let mut moments = numbers.values(parameters * rule.server.moments() as usize, 18);
        if let ServerOptimiser::Adam { .. } = rule.server {
            moments[parameters..]
                .iter_mut()
                .for_each(|root| *root = root.abs());
        }
        let deltas: Vec<Vec<DeltaChunk>> = (0..count)
            .map(|i| {
                let bits = 8 + (numbers.next() % 12) as u32;
                encode_delta(&codecs[i % codecs.len()], &numbers.values(parameters, bits))
            })
            .collect();
        let contributions = (0u8..)
            .zip(&deltas)
            .map(|(i, chunks)| Contribution {
                claim: H256::repeat_byte(i),
                delta_root: root(chunks).unwrap(),
                weight: (numbers.next() % 64) as u16 + 1,
            })
            .collect();
        let mut facts = MergeFacts {
            parameters: to_u64(parameters),
            rule,
            state_root: state::root(&state),
            server_root: state::server_root(&moments, parameters),
            contributions,
            pairs: Vec::new(),
        };
        if facts.table_len() > 0 {
            let all: Vec<&[DeltaChunk]> = deltas.iter().map(|d| &d[..]).collect();
            facts.pairs = pair_table(&all).unwrap();
        }
        Self {
            facts,
            state,
            moments,
            deltas,
        }
    }

    fn chosen(&self) -> Selection {
        let distances: Vec<u128> = self.facts.pairs.iter().map(|p| p.sum).collect();
        selection(&self.facts.rule.rule, self.deltas.len(), &distances).unwrap()
    }

    fn chosen_deltas(&self) -> Vec<&[DeltaChunk]> {
        let places = self.chosen().chosen;
        places.iter().map(|at| &self.deltas[*at][..]).collect()
    }

    fn proof(&self, chunk: u32) -> ChunkProof {
        Witness::new(&self.state, &self.moments, &self.chosen_deltas())
            .prove(chunk)
            .unwrap()
    }

    /// The whole merge, parameter by parameter over one long "chunk" at a time: new parameters and moments.
    fn merged(&self) -> (Vec<i32>, Vec<i32>) {
        let (parameters, chosen) = (self.state.len(), self.chosen());
        let (mut state, mut moments) = (self.state.clone(), self.moments.clone());
        let tensors = self.facts.rule.server.moments() as usize;
        if self.facts.server_root.is_zero() {
            moments = vec![0; parameters * tensors];
        }
        for (index, start) in (0..parameters).step_by(CHUNK).enumerate() {
            let end = (start + CHUNK).min(parameters);
            let of = |moment: usize| moment * parameters + start..moment * parameters + end;
            let mut part: Vec<i32> = (0..tensors).flat_map(|t| moments[of(t)].to_vec()).collect();
            let inputs: Vec<MergeInput> = chosen
                .chosen
                .iter()
                .map(|at| MergeInput {
                    chunk: &self.deltas[*at][index],
                    weight: self.facts.contributions[*at].weight,
                    norm_squared: self.deltas[*at].iter().map(|c| c.sum_of_squares()).sum(),
                })
                .collect();
            let server = &self.facts.rule.server;
            merge_chunk(
                &chosen.rule,
                server,
                &mut state[start..end],
                &mut part,
                &inputs,
            )
            .unwrap();
            for (t, new) in part.chunks(end - start).enumerate() {
                moments[of(t)].copy_from_slice(new);
            }
        }
        (state, moments)
    }
}

use crate::aggregate::Selection;

const RULES: [AggregationRule; 7] = [
    AggregationRule::WeightedMean,
    AggregationRule::TrimmedMean { trim: 1 },
    AggregationRule::Median,
    AggregationRule::NormClip { max_norm: 20_000 },
    AggregationRule::Krum {
        byzantine: 1,
        selected: 3,
    },
    AggregationRule::Krum {
        byzantine: 2,
        selected: 1,
    },
    AggregationRule::Krum {
        byzantine: 14,
        selected: 9,
    },
];

const SERVERS: [ServerOptimiser; 3] = [
    ServerOptimiser::Sgd {
        learning_rate: 1 << 16,
    },
    ServerOptimiser::Nesterov {
        learning_rate: 45_875,
        momentum: 39_322,
    },
    ServerOptimiser::Adam {
        learning_rate: 16_777,
        beta1: 58_982,
        beta2: 64_881,
        epsilon: 16,
    },
];

const CODECS: [DeltaCodec; 2] = [DeltaCodec::DenseInt8, DeltaCodec::TopK { per_chunk: 200 }];

#[test]
fn honest_merge_should_recompute_to_its_own_leaves_under_every_rule_and_server() {
    let parameters = 2 * CHUNK + 77;
    for (seed, rule) in RULES.into_iter().enumerate() {
        for server in SERVERS {
            let rule = MergeRule { rule, server };
            let case = Case::new(parameters, 7, rule, &CODECS, seed as u64);
            let (state, moments) = case.merged();
            let leaves = state::leaves(&state);
            let server_leaves = state::server_leaves(&moments, parameters);
            for chunk in 0..3u32 {
                let outcome = recompute_chunk(&case.facts, &case.proof(chunk)).unwrap();
                assert_eq!(outcome.state_leaf, leaves[chunk as usize], "{rule:?}");
                let expected: Vec<H256> = (0..server.moments())
                    .map(|moment| server_leaves[(moment * 3 + chunk) as usize])
                    .collect();
                assert_eq!(outcome.server_leaves, expected, "{rule:?}");
            }
        }
    }
}
