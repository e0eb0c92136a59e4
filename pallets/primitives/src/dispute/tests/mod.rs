// SPDX-License-Identifier: GPL-3.0-or-later
//! Walks and recomputed chunks against whole merges.

mod size;

use super::*;
use crate::aggregate::{merge_chunk, selection, MergeInput, Selection, MAX_DELTAS, MAX_KRUM};
use crate::delta::{encode_delta, root};
use crate::math::to_u64;
use crate::recipe::{AggregationRule, DeltaCodec};
use crate::state::{self, CHUNK};
use codec::DecodeAll;
use proptest::prelude::*;

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
            facts.pairs = pair_table(&all, facts.parameters).unwrap();
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

/// Recomputes every chunk of a merge and compares its leaves with the whole merge's.
fn assert_recomputes(case: &Case) {
    let (state, moments) = case.merged();
    let server = case.facts.rule.server;
    let leaves = state::leaves(&state);
    let server_leaves = state::server_leaves(&moments, state.len());
    let deltas = case.chosen_deltas();
    let witness = Witness::new(&case.state, &case.moments, &deltas);
    for (chunk, leaf) in leaves.iter().enumerate() {
        let proof = witness.prove(chunk as u32).unwrap();
        let outcome = recompute_chunk(&case.facts, &proof).unwrap();
        assert_eq!(outcome.state_leaf, *leaf, "{:?}", case.facts.rule);
        let expected: Vec<H256> = (0..server.moments() as usize)
            .map(|moment| server_leaves[moment * leaves.len() + chunk])
            .collect();
        assert_eq!(outcome.server_leaves, expected, "{:?}", case.facts.rule);
    }
    assert!(witness.prove(leaves.len() as u32).is_none());
}

#[test]
fn honest_merge_should_recompute_to_its_own_leaves_under_every_rule_and_server() {
    for (seed, rule) in RULES.into_iter().enumerate() {
        for server in SERVERS {
            let rule = MergeRule { rule, server };
            assert_recomputes(&Case::new(2 * CHUNK + 77, 7, rule, &CODECS, seed as u64));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn honest_merge_should_recompute_to_its_own_leaves_whatever_its_sizes(
        parameters in 1usize..4 * CHUNK, count in 1usize..12, seed: u64, rule in 0..RULES.len(), server in 0..SERVERS.len(),
        top_k in 1u16..999,
    ) {
        let rule = MergeRule { rule: RULES[rule], server: SERVERS[server] };
        let codecs = [DeltaCodec::TopK { per_chunk: top_k }, DeltaCodec::DenseInt8];
        assert_recomputes(&Case::new(parameters, count, rule, &codecs, seed));
    }
}

#[test]
fn recompute_should_start_from_zero_moments_when_the_base_has_none() {
    for server in SERVERS {
        let rule = MergeRule {
            rule: RULES[0],
            server,
        };
        let mut case = Case::new(CHUNK + 5, 3, rule, &CODECS, 9);
        case.facts.server_root = H256::zero();
        let proof = case.proof(1);
        let refused = recompute_chunk(&case.facts, &proof);
        if server.moments() > 0 {
            assert_eq!(refused, Err(DisputeError::MomentCount));
        }
        case.moments.clear();
        let (state, moments) = case.merged();
        let outcome = recompute_chunk(&case.facts, &case.proof(1)).unwrap();
        assert_eq!(outcome.state_leaf, state::leaves(&state)[1]);
        let leaves = state::server_leaves(&moments, state.len());
        let expected: Vec<H256> = leaves.into_iter().skip(1).step_by(2).collect();
        assert_eq!(outcome.server_leaves, expected);
    }
}

#[test]
fn base_should_lend_its_moments_to_the_same_optimiser_only() {
    let rule = MergeRule {
        rule: RULES[0],
        server: SERVERS[1],
    };
    let header = VersionHeader {
        model: 0,
        branch: 0,
        number: 1,
        parent: crate::version::Parent::None,
        state_root: H256::repeat_byte(1),
        server_root: H256::repeat_byte(2),
        cid: crate::cid::Cid {
            codec: crate::cid::CidCodec::Raw,
            digest: [0; 32],
        },
        server_cid: None,
        contributions_root: H256::zero(),
        rule,
        block: 0,
    };
    assert_eq!(base_server_root(&header, &SERVERS[1]), header.server_root);
    assert_eq!(base_server_root(&header, &SERVERS[2]), H256::zero());
}

#[test]
fn walk_should_reach_every_leaf_of_every_tree() {
    for count in (1..70u32).chain([1_023, 1_024, 1_025, 2_049]) {
        let leaves: Vec<H256> = (0..count)
            .map(|i| merkle::leaf(Domain::State, &i.to_le_bytes()))
            .collect();
        let sums: Vec<SumNode> = (0..count).map(|i| pair_leaf(i.into())).collect();
        let root = NodeValue::Hash(merkle::root(Domain::State, &leaves));
        let entry = NodeValue::Sum(merkle::sum_top(Domain::Pairs, &sums).unwrap());
        let mut open = vec![
            (Tree::State, top(count), root),
            (Tree::Pair(3), top(count), entry),
        ];
        let mut reached = [0u32; 2];
        while let Some((tree, node, value)) = open.pop() {
            if node.level == 0 {
                let (place, expected) = match tree {
                    Tree::State => (0, NodeValue::Hash(leaves[node.index as usize])),
                    _ => (1, NodeValue::Sum(sums[node.index as usize])),
                };
                assert_eq!(value, expected);
                reached[place] += 1;
                assert_eq!(children(count, node), Err(DisputeError::Leaf));
                continue;
            }
            let answer = match tree {
                Tree::State => answer_hashes(Domain::State, &leaves, node).unwrap(),
                _ => answer_sums(&sums, node).unwrap(),
            };
            assert_eq!(verify_answer(&tree, count, node, &value, &answer), Ok(()));
            let (first, number) = children(count, node).unwrap();
            assert!(number <= ANSWER_NODES && answer.get(number).is_none());
            for place in 0..number {
                let index = first.index + place;
                let child = NodeId { index, ..first };
                open.push((tree, child, answer.get(place).unwrap()));
            }
        }
        assert_eq!(reached, [count; 2], "{count} leaves");
    }
}

#[test]
fn answer_should_be_refused_by_name() {
    let count = 70u32;
    let leaves: Vec<H256> = (0..count)
        .map(|i| merkle::leaf(Domain::State, &i.to_le_bytes()))
        .collect();
    let node = top(count);
    assert_eq!((node.level, children(count, node).unwrap().1), (7, 18));
    let value = NodeValue::Hash(merkle::root(Domain::State, &leaves));
    let answer = answer_hashes(Domain::State, &leaves, node).unwrap();
    let check = |tree, node, answer: &Answer| verify_answer(&tree, count, node, &value, answer);
    assert_eq!(check(Tree::State, node, &answer), Ok(()));
    assert_eq!(
        check(Tree::Server, node, &answer),
        Err(DisputeError::AnswerHash)
    );
    assert_eq!(check(Tree::Pair(0), node, &answer), Err(DisputeError::Kind));
    let Answer::Hashes(nodes) = &answer else {
        unreachable!()
    };
    let with = |change: fn(&mut Vec<H256>)| {
        let mut nodes = nodes.to_vec();
        change(&mut nodes);
        Answer::Hashes(nodes.try_into().unwrap())
    };
    let refused = |answer| check(Tree::State, node, &answer).unwrap_err();
    assert_eq!(refused(with(|n| n.swap(3, 4))), DisputeError::AnswerHash);
    assert_eq!(
        refused(with(|n| n.truncate(17))),
        DisputeError::AnswerLength
    );
    assert_eq!(refused(with(|n| n.push(n[0]))), DisputeError::AnswerLength);
    for (level, index) in [(8, 0), (7, 1), (0, 70), (6, 2), (255, 0)] {
        let node = NodeId { level, index };
        assert_eq!(check(Tree::State, node, &answer), Err(DisputeError::Node));
    }
    let leaf = NodeId {
        level: 0,
        index: 69,
    };
    assert_eq!(check(Tree::State, leaf, &answer), Err(DisputeError::Leaf));
    // Sums that overflow.
    let full = SumNode {
        hash: H256::zero(),
        sum: u128::MAX,
    };
    let answer = Answer::Sums(vec![full; 2].try_into().unwrap());
    let refused = verify_answer(&Tree::Pair(0), 2, top(2), &NodeValue::Sum(full), &answer);
    assert_eq!(refused, Err(DisputeError::Overflow));
    let one_more = vec![H256::zero(); ANSWER_NODES as usize + 1];
    assert!(BoundedVec::<H256, ConstU32<ANSWER_NODES>>::try_from(one_more).is_err());
}

#[test]
fn proof_should_be_refused_by_name() {
    let rule = MergeRule {
        rule: RULES[4],
        server: SERVERS[2],
    };
    let case = Case::new(2 * CHUNK + 77, 7, rule, &CODECS, 5);
    let (facts, good) = (&case.facts, case.proof(2));
    assert!(recompute_chunk(facts, &good).is_ok());
    let other = case.proof(1);
    let with = |change: &dyn Fn(&mut ChunkProof)| {
        let mut proof = good.clone();
        change(&mut proof);
        recompute_chunk(facts, &proof).unwrap_err()
    };
    use DisputeError::*;
    assert_eq!(with(&|p| p.chunk = 3), Chunk);
    assert_eq!(with(&|p| p.chunk = 1), BaseLength);
    assert_eq!(with(&|p| p.base = other.base.clone()), BaseLength);
    assert_eq!(with(&|p| p.base = p.moments[0].clone()), BaseProof);
    assert_eq!(with(&|p| p.base.values[0] ^= 1), BaseProof);
    assert_eq!(with(&|p| p.base.proof.truncate(0)), BaseProof);
    assert_eq!(with(&|p| drop(p.moments.pop())), MomentCount);
    assert_eq!(
        with(&|p| p.moments[1] = other.moments[1].clone()),
        MomentLength
    );
    assert_eq!(with(&|p| p.moments[1].values[76] ^= 1), MomentProof);
    assert_eq!(with(&|p| p.moments[1] = p.moments[0].clone()), MomentProof);
    assert_eq!(with(&|p| p.moments[1] = p.base.clone()), MomentProof);
    assert_eq!(with(&|p| drop(p.deltas.pop())), DeltaCount);
    assert_eq!(
        with(&|p| p.deltas.force_push(p.deltas[0].clone())),
        DeltaCount
    );
    assert_eq!(with(&|p| p.deltas[0] = p.deltas[1].clone()), DeltaProof);
    assert_eq!(with(&|p| p.deltas[0].proof[0].sum += 1), DeltaProof);
    assert_eq!(with(&|p| p.deltas[0].proof[0].sum = u128::MAX), DeltaProof);
    assert_eq!(with(&|p| p.deltas[0] = other.deltas[0].clone()), DeltaChunk);

    let with = |change: &dyn Fn(&mut MergeFacts)| {
        let mut facts = facts.clone();
        change(&mut facts);
        recompute_chunk(&facts, &good).unwrap_err()
    };
    assert_eq!(with(&|f| f.pairs.truncate(1)), Table);
    assert_eq!(with(&|f| f.pairs.push(f.pairs[0])), Table);
    assert_eq!(with(&|f| f.contributions.clear()), Contributions);
    assert_eq!(with(&|f| f.contributions.swap(0, 1)), Contributions);
    assert_eq!(
        with(&|f| f.contributions[1] = f.contributions[0]),
        Contributions
    );
    assert_eq!(with(&|f| f.parameters = 0), Chunk);
    assert_eq!(with(&|f| f.parameters = u64::MAX), Chunk);
    let weightless = |f: &mut MergeFacts| f.contributions.iter_mut().for_each(|c| c.weight = 0);
    assert_eq!(with(&weightless), Contributions);
}

#[test]
fn distance_should_be_recomputed_or_refused_by_name() {
    let rule = MergeRule {
        rule: RULES[4],
        server: SERVERS[0],
    };
    let case = Case::new(2 * CHUNK + 77, 6, rule, &CODECS, 6);
    let facts = &case.facts;
    let pairs: Vec<(usize, usize)> = crate::aggregate::pairs(6).collect();
    for (pair, (i, j)) in (0u16..).zip(&pairs) {
        let (first, second) = (&case.deltas[*i][..], &case.deltas[*j][..]);
        let leaves = pair_leaves(first, second, facts.parameters);
        assert_eq!(
            merkle::sum_top(Domain::Pairs, &leaves),
            Some(facts.pairs[usize::from(pair)])
        );
        for chunk in 0..3u32 {
            let proof = prove_pair(pair, first, second, chunk).unwrap();
            assert_eq!(recompute_pair(facts, &proof), Ok(leaves[chunk as usize]));
        }
    }
    let good = prove_pair(2, &case.deltas[0], &case.deltas[3], 2).unwrap();
    let with = |change: &dyn Fn(&mut PairProof)| {
        let mut proof = good.clone();
        change(&mut proof);
        recompute_pair(facts, &proof)
    };
    assert!(with(&|_| ()).is_ok());
    assert_eq!(with(&|p| p.pair = 3), Err(DisputeError::DeltaProof));
    assert_eq!(with(&|p| p.pair = 15), Err(DisputeError::Pair));
    assert_eq!(with(&|p| p.chunk = 3), Err(DisputeError::Chunk));
    assert_eq!(with(&|p| p.chunk = 1), Err(DisputeError::DeltaChunk));
    assert_eq!(
        with(&|p| p.first = p.second.clone()),
        Err(DisputeError::DeltaProof)
    );
    let mean = MergeRule {
        rule: RULES[0],
        ..rule
    };
    let without = MergeFacts {
        rule: mean,
        pairs: Vec::new(),
        ..facts.clone()
    };
    assert_eq!(recompute_pair(&without, &good), Err(DisputeError::Pair));
}

#[test]
fn wrong_table_entry_should_lead_to_a_leaf_that_is_not_the_distance() {
    let rule = MergeRule {
        rule: RULES[4],
        server: SERVERS[0],
    };
    let mut case = Case::new(40 * CHUNK + 1, 5, rule, &CODECS[..1], 7);
    let pair = 4u16;
    let (first, second) = (case.deltas[1].clone(), case.deltas[2].clone());
    let honest = pair_leaves(&first, &second, case.facts.parameters);
    // A merger understates the distance in one chunk, to have its friends chosen.
    let mut posted = honest.clone();
    posted[33] = pair_leaf(0);
    let entry = merkle::sum_top(Domain::Pairs, &posted).unwrap();
    case.facts.pairs[usize::from(pair)] = entry;
    let count = Tree::Pair(pair).leaves(case.facts.parameters, &rule.server);
    let (mut node, mut value) = (top(count), NodeValue::Sum(entry));
    while node.level > 0 {
        let answer = answer_sums(&posted, node).unwrap();
        assert_eq!(
            verify_answer(&Tree::Pair(pair), count, node, &value, &answer),
            Ok(())
        );
        let (first, number) = children(count, node).unwrap();
        let own = answer_sums(&honest, node).unwrap();
        let place = (0..number)
            .find(|at| own.get(*at) != answer.get(*at))
            .unwrap();
        value = answer.get(place).unwrap();
        node = NodeId {
            index: first.index + place,
            ..first
        };
    }
    assert_eq!(node.index, 33);
    let proof = prove_pair(pair, &first, &second, 33).unwrap();
    let right = recompute_pair(&case.facts, &proof).unwrap();
    assert_ne!(NodeValue::Sum(right), value);
}

#[test]
fn recompute_should_refuse_every_single_byte_that_changed() {
    for (rule, server) in [
        (RULES[3], SERVERS[2]),
        (RULES[4], SERVERS[1]),
        (RULES[2], SERVERS[0]),
    ] {
        let rule = MergeRule { rule, server };
        let case = Case::new(CHUNK + 23, 5, rule, &CODECS, 8);
        let encoded = case.proof(1).encode();
        let good = recompute_chunk(&case.facts, &case.proof(1)).unwrap();
        for at in 0..encoded.len() {
            for bit in 0..8 {
                let mut bytes = encoded.clone();
                bytes[at] ^= 1 << bit;
                let Ok(proof) = ChunkProof::decode_all(&mut &bytes[..]) else {
                    continue;
                };
                let outcome = recompute_chunk(&case.facts, &proof);
                assert!(
                    outcome.is_err(),
                    "byte {at}, bit {bit}: {outcome:?}, {good:?}"
                );
            }
        }
    }
}
