// SPDX-License-Identifier: GPL-3.0-or-later
//! Results of the protocol's rules for fixed inputs.

use crate::codec_types::{cid, claim, h, header, llama, report, round_id, settings};
use crate::{check, hex};
use codec::Encode;
use dream_primitives::aggregate::{merge_chunk, MergeInput};
use dream_primitives::claim::{
    canary_commitment, canary_digest, canary_link, digest_leaf, salted_digest, state_leaf,
};
use dream_primitives::data::{self, MixtureEntry};
use dream_primitives::delta::{self, DeltaChunk};
use dream_primitives::hashing::{content_hash, hash, high_u128, low_u128, Domain};
use dream_primitives::manifest::Architecture;
use dream_primitives::merkle::{self, SumNode};
use dream_primitives::recipe::{AggregationRule, ServerOptimiser};
use dream_primitives::version::{contributions_root, Contribution};
use dream_primitives::{
    aggregate, credits, dispute, draw, emission, feedback, order, params, profile, state, H256,
};
use std::fmt::Write;

const GENESIS: H256 = H256([0xd7; 32]);
const ACCOUNT: [u8; 32] = [0xac; 32];

const DOMAINS: [Domain; 30] = [
    Domain::State,
    Domain::Delta,
    Domain::Data,
    Domain::Contributions,
    Domain::TrainingStates,
    Domain::Digests,
    Domain::TrainingState,
    Domain::SegmentDigest,
    Domain::SaltedDigest,
    Domain::Claim,
    Domain::Replay,
    Domain::Canary,
    Domain::Seed,
    Domain::Segments,
    Domain::Committee,
    Domain::Order,
    Domain::Calibration,
    Domain::Version,
    Domain::Residual,
    Domain::LocalRecord,
    Domain::Server,
    Domain::Pairs,
    Domain::Score,
    Domain::Trial,
    Domain::Profile,
    Domain::Ticket,
    Domain::Newcomer,
    Domain::KeyShare,
    Domain::Residues,
    Domain::Private,
];

/// Integers that look like a training step's: small and large, of both signs.
fn numbers(count: i32, factor: i32) -> Vec<i32> {
    (0..count)
        .map(|i| (i.wrapping_mul(factor) % 4_001).wrapping_mul(if i % 50 == 0 { 3 } else { 1 }))
        .collect()
}

#[test]
fn hashes_should_be_the_reviewed_ones() {
    let mut text = String::new();
    let mut line = |name: String, value: H256| writeln!(text, "{name} = {}", hex(value)).unwrap();
    for domain in DOMAINS {
        line(format!("leaf {domain:?}"), merkle::leaf(domain, b"data"));
        line(
            format!("hash {domain:?}"),
            hash(domain, &GENESIS, &[b"a", b"bc"]),
        );
        line(
            format!("content_hash {domain:?}"),
            content_hash(domain, &[b"a", b"bc"]),
        );
    }
    check("hashes.txt", &text);
}

#[test]
fn domains_should_never_share_a_hash() {
    let all: std::collections::BTreeSet<H256> = DOMAINS
        .iter()
        .flat_map(|domain| {
            [
                merkle::leaf(*domain, b""),
                merkle::root(*domain, &[]),
                hash(*domain, &GENESIS, &[]),
                content_hash(*domain, &[]),
            ]
        })
        .collect();
    assert_eq!(all.len(), 4 * DOMAINS.len());
}

#[test]
fn identities_should_be_the_reviewed_ones() {
    let mut text = String::new();
    let mut line = |name: &str, value: H256| writeln!(text, "{name} = {}", hex(value)).unwrap();
    line("claim id", claim().id(&GENESIS, &ACCOUNT));
    line("version hash", header().hash());
    line(
        "replay commitment",
        report().commitment(&GENESIS, &ACCOUNT, &h(1), &h(2)),
    );
    line(
        "canary commitment true",
        canary_commitment(&GENESIS, &ACCOUNT, &round_id(), true, &h(2)),
    );
    line(
        "canary commitment false",
        canary_commitment(&GENESIS, &ACCOUNT, &round_id(), false, &h(2)),
    );
    line("canary link", canary_link(&GENESIS, &h(1)));
    line(
        "canary digest",
        canary_digest(&GENESIS, &h(1), &round_id(), 7),
    );
    line(
        "profile commitment",
        profile::commitment(&GENESIS, &ACCOUNT, 3, &settings(), &h(1), &h(2), &h(3)),
    );
    line(
        "plain fingerprint",
        report().plain_fingerprint(&GENESIS, &h(1)),
    );
    line("salted digest", salted_digest(&GENESIS, &h(1), &h(2)));
    line("state leaf", state_leaf(&h(1)));
    line("digest leaf", digest_leaf(&GENESIS, &h(1), &h(2)));
    let seed = profile::calibration_seed(&GENESIS, 3);
    line("calibration seed", seed);
    line(
        "calibration leaf",
        profile::calibration_leaf(
            &GENESIS,
            3,
            &crate::codec_types::recipe(),
            &settings(),
            &h(4),
            &h(5),
        ),
    );
    writeln!(
        text,
        "calibration init = {}",
        profile::calibration_init(&seed)
    )
    .unwrap();
    let window = profile::calibration_window(&seed, 6, 7, 40);
    writeln!(text, "calibration window = {}", hex(window)).unwrap();
    writeln!(text, "cid = {}", hex(cid(3).to_bytes())).unwrap();
    check("identities.txt", &text);
}

#[test]
fn roots_should_be_the_reviewed_ones() {
    let mut text = String::new();
    let mut line = |name: String, value: H256| writeln!(text, "{name} = {}", hex(value)).unwrap();
    let leaves: Vec<H256> = (0..8u8)
        .map(|i| merkle::leaf(Domain::State, &[i]))
        .collect();
    for count in [0, 1, 2, 3, 5, 8] {
        line(
            format!("root of {count} leaves"),
            merkle::root(Domain::State, &leaves[..count]),
        );
    }
    let sums: Vec<SumNode> = leaves
        .iter()
        .zip(1u128..)
        .map(|(hash, sum)| SumNode {
            hash: *hash,
            sum: sum << 60,
        })
        .collect();
    for count in [1, 2, 3, 5, 8] {
        let top = merkle::sum_top(Domain::Delta, &sums[..count]).unwrap();
        line(
            format!("sum root of {count} leaves"),
            top.root(Domain::Delta),
        );
    }
    let contributions: Vec<Contribution> = (1..=3u8)
        .map(|i| Contribution {
            claim: h(i),
            delta_root: h(i + 100),
            weight: i.into(),
        })
        .collect();
    for count in [0, 1, 3] {
        line(
            format!("contributions root of {count}"),
            contributions_root(&contributions[..count]),
        );
    }
    line("state root".into(), state::root(&numbers(9_000, 77_777)));
    line(
        "delta root".into(),
        delta::root(&delta::quantise(&numbers(9_000, 37))).unwrap(),
    );
    let bytes: Vec<u8> = (0..=255).cycle().take(1_000).collect();
    line("data root".into(), data::root(&bytes, 129));
    check("roots.txt", &text);
}

#[test]
fn proofs_should_be_the_reviewed_ones() {
    let leaves: Vec<H256> = (0..5u8)
        .map(|i| merkle::leaf(Domain::Digests, &[i]))
        .collect();
    let mut text = String::new();
    for index in 0..5 {
        let proof = merkle::prove(Domain::Digests, &leaves, index).unwrap();
        let root = merkle::root(Domain::Digests, &leaves);
        let leaf = &leaves[index as usize];
        assert!(merkle::verify(
            Domain::Digests,
            &root,
            5,
            index,
            leaf,
            &proof
        ));
        let siblings: Vec<String> = proof.iter().map(hex).collect();
        writeln!(text, "proof of leaf {index} of 5 = {}", siblings.join(" ")).unwrap();
    }
    check("proofs.txt", &text);
}

#[test]
fn draws_should_be_the_reviewed_ones() {
    let mut text = String::new();
    for (segments, audited) in [(1, 1), (8, 2), (64, 4), (1_024, 16)] {
        let drawn = draw::segments(&GENESIS, &h(1), &h(2), segments, audited);
        writeln!(text, "segments {audited} of {segments} = {drawn:?}").unwrap();
    }
    let bonds: Vec<u128> = (0..20u128).map(|i| i * 1_000_000_000_000).collect();
    for size in [1, 3, 16] {
        let drawn = draw::committee(&GENESIS, &h(1), &h(2), &bonds, size);
        writeln!(text, "committee of {size} = {drawn:?}").unwrap();
    }
    for (segments, audited, faked) in [(64, 4, 16), (64, 4, 1), (8, 2, 1), (1_024, 16, 100)] {
        let found = draw::detection(segments, audited, faked);
        let biased = draw::biased(found, 2);
        writeln!(
            text,
            "detection {audited} of {segments}, {faked} faked = {found}, with 2 bits of bias {biased}"
        )
        .unwrap();
    }
    writeln!(
        text,
        "low u128 = {}",
        low_u128(&claim().id(&GENESIS, &ACCOUNT))
    )
    .unwrap();
    writeln!(
        text,
        "high u128 = {}",
        high_u128(&claim().id(&GENESIS, &ACCOUNT))
    )
    .unwrap();
    check("draws.txt", &text);
}

#[test]
fn sample_order_should_be_the_reviewed_one() {
    let mixture = [(0, 3, 1_000), (4, 1, 21), (2, 5, 4_000_000_000)]
        .map(|(dataset, weight, samples)| (MixtureEntry { dataset, weight }, samples));
    let mut text = String::new();
    for step in [0, 1, 39, 1 << 40] {
        for slot in 0..4 {
            let at = order::sample(&GENESIS, &h(1), &ACCOUNT, step, slot, &mixture).unwrap();
            writeln!(
                text,
                "step {step} slot {slot} = data set {} sample {}",
                at.dataset, at.sample
            )
            .unwrap();
        }
    }
    check("order.txt", &text);
}

#[test]
fn aggregation_should_be_the_reviewed_one() {
    let deltas: Vec<DeltaChunk> = [3, -7, 11, 1_000]
        .iter()
        .map(|factor| delta::quantise_dense(&numbers(256, *factor)))
        .collect();
    let weighted: Vec<MergeInput> = deltas
        .iter()
        .zip([8, 8, 3, 1])
        .map(|(chunk, weight)| MergeInput {
            chunk,
            weight,
            norm_squared: chunk.sum_of_squares(),
        })
        .collect();
    let mut text = String::new();
    for input in &weighted {
        let weight = input.weight;
        let leaf = input.chunk.leaf();
        let encoded = hex(input.chunk.encode());
        writeln!(text, "delta of weight {weight} = {encoded}").unwrap();
        writeln!(text, "its leaf = {} sum {}", hex(leaf.hash), leaf.sum).unwrap();
    }
    let sgd = ServerOptimiser::Sgd {
        learning_rate: 45_875,
    };
    let nesterov = ServerOptimiser::Nesterov {
        learning_rate: 45_875,
        momentum: 39_322,
    };
    for (server, moments) in [(sgd, vec![]), (nesterov, numbers(256, 5))] {
        let (mut head, mut moments) = (numbers(256, 1_234_567), moments);
        merge_chunk(
            &AggregationRule::WeightedMean,
            &server,
            &mut head,
            &mut moments,
            &weighted,
        )
        .unwrap();
        writeln!(text, "{server:?} head = {}", hex(state::chunk_bytes(&head))).unwrap();
        let moments = hex(state::chunk_bytes(&moments));
        writeln!(text, "{server:?} moments = {moments}").unwrap();
    }
    check("aggregation.txt", &text);
}

#[test]
fn merges_should_be_the_reviewed_ones() {
    let deltas: Vec<DeltaChunk> = (1..8)
        .map(|n| match n % 2 {
            0 => delta::quantise_dense(&numbers(256, n * 37)),
            _ => delta::quantise_sparse(&numbers(256, n * 41), 20),
        })
        .collect();
    let inputs: Vec<MergeInput> = deltas
        .iter()
        .zip(3..)
        .map(|(chunk, weight)| MergeInput {
            chunk,
            weight,
            norm_squared: chunk.sum_of_squares(),
        })
        .collect();
    let mut text = String::new();
    for delta in &deltas {
        writeln!(text, "delta = {}", hex(delta.encode())).unwrap();
    }
    let table: Vec<SumNode> = aggregate::pairs(7)
        .map(|(i, j)| aggregate::squared_distance(&deltas[i], &deltas[j], 256))
        .map(dispute::pair_leaf)
        .collect();
    for pair in &table {
        writeln!(text, "distance = {}, leaf {}", pair.sum, hex(pair.hash)).unwrap();
    }
    writeln!(text, "table = {}", hex(dispute::table_hash(&table))).unwrap();
    let distances: Vec<u128> = table.iter().map(|pair| pair.sum).collect();
    for rule in [
        AggregationRule::WeightedMean,
        AggregationRule::TrimmedMean { trim: 2 },
        AggregationRule::Median,
        AggregationRule::NormClip { max_norm: 9_000 },
        AggregationRule::Krum {
            byzantine: 2,
            selected: 3,
        },
    ] {
        let table = &distances[..aggregate::pair_count(&rule, 7)];
        let selection = aggregate::selection(&rule, 7, table).unwrap();
        writeln!(text, "{rule:?} chooses {:?}", selection.chosen).unwrap();
        let chosen: Vec<MergeInput> = selection.chosen.iter().map(|at| inputs[*at]).collect();
        let update = aggregate::aggregate(&selection.rule, 256, &chosen).unwrap();
        writeln!(text, "update = {}", hex(state::chunk_bytes(&update))).unwrap();
        let server = ServerOptimiser::Adam {
            learning_rate: 16_777,
            beta1: 58_982,
            beta2: 64_881,
            epsilon: 16,
        };
        let (mut head, mut moments) = (numbers(256, 1_234_567), vec![1_000; 512]);
        merge_chunk(&selection.rule, &server, &mut head, &mut moments, &chosen).unwrap();
        writeln!(text, "head = {}", hex(state::chunk_leaf(&head))).unwrap();
        let root = state::server_root(&moments, 256);
        writeln!(text, "server root = {}", hex(root)).unwrap();
    }
    let residual = feedback::residual(&numbers(256, 41), &deltas[..1], 1 << 15);
    let root = feedback::residual_root(&residual);
    writeln!(text, "residual root = {}", hex(root)).unwrap();
    check("merges.txt", &text);
}

#[test]
fn figures_should_be_the_reviewed_ones() {
    let mut text = String::new();
    for steps in [0, 1, 63, 64, 65, 1_000, 8_000] {
        let left = credits::decay(1_000_000_000_000_000_000_000_000, steps);
        writeln!(text, "10^24 credits after {steps} steps = {left}").unwrap();
    }
    let rewards = params::ChainParameters::network().rewards;
    for block in [0, 9_999_999, 10_000_000, 25_000_000] {
        let emission = emission::per_block(&rewards, block);
        writeln!(text, "emission at block {block} = {emission}").unwrap();
    }
    let pay = emission::round_pay(&rewards, 1_234_567_890_123, 1_000_003);
    writeln!(text, "pay = {pay:?}").unwrap();
    let parts = emission::split(pay.miners, &[1, 2, 0, 7]);
    writeln!(text, "split = {parts:?}").unwrap();
    let architecture = Architecture::Llama(llama());
    let parameters = architecture.parameters().unwrap();
    let chunks = architecture.chunks();
    writeln!(text, "parameters = {parameters}, chunks = {chunks}").unwrap();
    for tensor in architecture.manifest() {
        writeln!(
            text,
            "{} {:?} 2^-{}",
            tensor.name, tensor.shape, tensor.grid
        )
        .unwrap();
    }
    check("figures.txt", &text);
}
