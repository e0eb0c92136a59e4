// SPDX-License-Identifier: GPL-3.0-or-later
//! Speed of the aggregation rules and server optimisers on one core, and the time of one chunk's fraud proof.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use dream_primitives::aggregate::{aggregate, apply, pairs, selection, MergeInput};
use dream_primitives::delta::{encode_delta, root, DeltaChunk};
use dream_primitives::dispute::{
    pair_table, recompute_chunk, recompute_pair, MergeFacts, PairProof, Witness,
};
use dream_primitives::recipe::{AggregationRule, DeltaCodec, ServerOptimiser};
use dream_primitives::state::{self, CHUNK};
use dream_primitives::version::{Contribution, MergeRule};
use dream_primitives::H256;
use std::hint::black_box;
use std::time::{Duration, Instant};

const CHUNKS: usize = 64;
const REPEATS: usize = 7;

const RULES: [AggregationRule; 5] = [
    AggregationRule::WeightedMean,
    AggregationRule::NormClip { max_norm: 100_000 },
    AggregationRule::TrimmedMean { trim: 1 },
    AggregationRule::Median,
    AggregationRule::Krum {
        byzantine: 3,
        selected: 8,
    },
];

const ADAM: ServerOptimiser = ServerOptimiser::Adam {
    learning_rate: 16_777,
    beta1: 58_982,
    beta2: 64_881,
    epsilon: 16,
};

fn numbers(seed: u32, bits: u32) -> Vec<i32> {
    let mut x = seed | 1;
    (0..CHUNKS * CHUNK)
        .map(|i| {
            x = x.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
            x.cast_signed() >> (32 - bits + (i / CHUNK) as u32 % 3)
        })
        .collect()
}

fn best(mut run: impl FnMut()) -> Duration {
    (0..REPEATS)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed()
        })
        .min()
        .unwrap_or_default()
}

/// Deltas of `codec` with their contributions, in ascending order of claim id.
fn deltas(count: usize, codec: &DeltaCodec) -> Vec<(Vec<DeltaChunk>, Contribution)> {
    (0..count)
        .map(|i| {
            let chunks = encode_delta(codec, &numbers(i as u32 * 7_919, 18));
            let contribution = Contribution {
                claim: H256::from_low_u64_be(i as u64),
                delta_root: root(&chunks).unwrap(),
                weight: 64 - (i % 2) as u16,
            };
            (chunks, contribution)
        })
        .collect()
}

fn bench_rules(codec: DeltaCodec, counts: &[usize]) {
    for rule in RULES {
        for count in counts.iter().filter(|n| **n <= rule.max_claims()) {
            let deltas = deltas(*count, &codec);
            let norms: Vec<u128> = deltas
                .iter()
                .map(|(chunks, _)| chunks.iter().map(DeltaChunk::sum_of_squares).sum())
                .collect();
            let time = best(|| {
                let all: Vec<&[DeltaChunk]> = deltas.iter().map(|(d, _)| &d[..]).collect();
                let table: Vec<u128> = match rule {
                    AggregationRule::Krum { .. } if *count >= 9 => {
                        pair_table(&all, (CHUNKS * CHUNK) as u64)
                            .unwrap()
                            .iter()
                            .map(|p| p.sum)
                            .collect()
                    }
                    _ => Vec::new(),
                };
                let chosen = selection(&rule, *count, &table).unwrap();
                for chunk in 0..CHUNKS {
                    let inputs: Vec<MergeInput> = chosen
                        .chosen
                        .iter()
                        .map(|at| MergeInput {
                            chunk: &deltas[*at].0[chunk],
                            weight: deltas[*at].1.weight,
                            norm_squared: norms[*at],
                        })
                        .collect();
                    black_box(aggregate(&chosen.rule, CHUNK as u32, &inputs).unwrap());
                }
            });
            println!(
                "{rule:?}, {count} deltas, {codec:?}: {:.2} ns a parameter of the model",
                time.as_secs_f64() * 1e9 / (CHUNKS * CHUNK) as f64
            );
        }
    }
}

fn bench_servers() {
    let update = numbers(5, 16);
    let nesterov = ServerOptimiser::Nesterov {
        learning_rate: 45_875,
        momentum: 39_322,
    };
    for server in [nesterov, ADAM] {
        let mut head = numbers(1, 24);
        let mut moments = vec![0; head.len() * server.moments() as usize];
        let time = best(|| apply(&server, &mut head, &mut moments, &update).unwrap());
        println!(
            "{server:?}: {:.2} ns a parameter",
            time.as_secs_f64() * 1e9 / head.len() as f64
        );
    }
}

/// The proof of one chunk in the largest round of a model of [`CHUNKS`] chunks, and of one pair's distance.
fn bench_proof() {
    let deltas = deltas(256, &DeltaCodec::DenseInt8);
    let all: Vec<&[DeltaChunk]> = deltas.iter().map(|(d, _)| &d[..]).collect();
    let (state, moments) = (numbers(2, 24), vec![77; 2 * CHUNKS * CHUNK]);
    let mut facts = MergeFacts {
        parameters: (CHUNKS * CHUNK) as u64,
        rule: MergeRule {
            rule: RULES[0],
            server: ADAM,
        },
        state_root: state::root(&state),
        server_root: state::server_root(&moments, state.len()),
        contributions: deltas.iter().map(|(_, c)| *c).collect(),
        pairs: Vec::new(),
    };
    let witness = Witness::new(&state, &moments, &all);
    for rule in &RULES[..4] {
        facts.rule.rule = *rule;
        let proof = witness.prove(9).unwrap();
        let time = best(|| drop(black_box(recompute_chunk(&facts, &proof).unwrap())));
        println!("one chunk's fraud proof, 256 dense deltas, {rule:?}, Adam: {time:.2?}");
    }
    facts.rule.rule = RULES[4];
    facts.contributions.truncate(32);
    facts.pairs = pair_table(&all[..32], facts.parameters).unwrap();
    let (i, j) = pairs(32).nth(100).unwrap();
    let open = |at: usize| witness.prove(9).unwrap().deltas[at].clone();
    let proof = PairProof {
        pair: 100,
        chunk: 9,
        first: open(i),
        second: open(j),
    };
    let time = best(|| _ = black_box(recompute_pair(&facts, &proof).unwrap()));
    println!("one pair's fraud proof, 32 deltas: {time:.2?}");
}

fn main() {
    bench_rules(DeltaCodec::DenseInt8, &[3, 8, 32]);
    bench_rules(DeltaCodec::TopK { per_chunk: 256 }, &[3, 32]);
    bench_servers();
    bench_proof();
}
