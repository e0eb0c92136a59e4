// SPDX-License-Identifier: GPL-3.0-or-later
//! The largest proofs.

use super::*;

/// The node that `leaf`, at `index` of its level, and its siblings lead to. No node is promoted on the way.
fn climb(domain: Domain, index: u32, leaf: H256, siblings: &[H256]) -> H256 {
    (0u32..).zip(siblings).fold(leaf, |node, (level, sibling)| {
        let pair = match (index >> level) % 2 {
            0 => [node, *sibling],
            _ => [*sibling, node],
        };
        merkle::raise(domain, &pair, 1)[0]
    })
}

/// Chunks of the largest model: its server tree has 2^32 - 2 leaves.
const MOST_CHUNKS: u32 = u32::MAX / MAX_MOMENTS;

/// The proof of chunk 0 in a round of `openings` dense deltas of the largest model under Adam. The siblings are free, and
/// the roots follow from them.
fn largest(rule: AggregationRule, openings: u32) -> (MergeFacts, ChunkProof) {
    let mut numbers = Numbers(3);
    let mut path = |length| -> Vec<H256> {
        (0..length)
            .map(|_| H256::from_low_u64_be(numbers.next()))
            .collect()
    };
    let (above_chunk, above_moment) = (path(31), path(30));
    let (mut first, mut second, shared) = (above_moment.clone(), path(30), path(1));
    let deltas: Vec<Vec<H256>> = (0..openings).map(|_| path(31)).collect();

    let values = numbers.values(CHUNK, 24);
    let state_root = climb(Domain::State, 0, state::chunk_leaf(&values), &above_chunk);
    let base = StateOpening {
        values: values.try_into().unwrap(),
        proof: above_chunk.try_into().unwrap(),
    };
    // Leaves 0 and 2^31 - 1 meet in the level below the top's left child.
    let moments = [numbers.values(CHUNK, 18), vec![1 << 20; CHUNK]];
    let of = |at, chunk: &[i32], path: &[H256]| {
        climb(Domain::Server, at, state::server_leaf(chunk), path)
    };
    let halves = [
        of(0, &moments[0], &first),
        of(MOST_CHUNKS, &moments[1], &second),
    ];
    let left = merkle::raise(Domain::Server, &halves, 1)[0];
    let server_root = merkle::raise(Domain::Server, &[left, shared[0]], 1)[0];
    first.extend([halves[1], shared[0]]);
    second.extend([halves[0], shared[0]]);
    let moments: Vec<StateOpening> = moments
        .into_iter()
        .zip([first, second])
        .map(|(values, proof)| StateOpening {
            values: values.try_into().unwrap(),
            proof: proof.try_into().unwrap(),
        })
        .collect();

    let (mut contributions, mut openings) = (Vec::new(), Vec::new());
    for (i, path) in (0u16..).zip(deltas) {
        let chunk = crate::delta::quantise_dense(&numbers.values(CHUNK, 14 + u32::from(i % 3)));
        let sum = |hash| SumNode { hash, sum: 1 << 40 };
        let proof: Vec<SumNode> = path.into_iter().map(sum).collect();
        let top = merkle::sum_climb(Domain::Delta, MOST_CHUNKS, 0, &chunk.leaf(), &proof).unwrap();
        contributions.push(Contribution {
            claim: H256::from_low_u64_be(i.into()),
            delta_root: top.root(Domain::Delta),
            weight: 64 - i % 3,
        });
        openings.push(DeltaOpening {
            chunk,
            proof: proof.try_into().unwrap(),
        });
    }
    let server = SERVERS[2];
    let facts = MergeFacts {
        parameters: u64::from(MOST_CHUNKS) * to_u64(CHUNK),
        rule: MergeRule { rule, server },
        state_root,
        server_root,
        contributions,
        pairs: Vec::new(),
    };
    let proof = ChunkProof {
        chunk: 0,
        base,
        moments: moments.try_into().unwrap(),
        deltas: openings.try_into().unwrap(),
    };
    (facts, proof)
}

/// What a block's normal class leaves for one proof: under half of its 3.75 MiB.
const MOST_BYTES: usize = 3 << 19;

#[test]
fn proof_of_the_largest_round_should_fit_a_block_and_one_delta_more_be_refused() {
    for rule in [
        RULES[0],
        RULES[1],
        RULES[2],
        AggregationRule::NormClip { max_norm: 500_000 },
    ] {
        let (facts, proof) = largest(rule, MAX_OPENINGS);
        let encoded = proof.encode();
        assert!(encoded.len() < MOST_BYTES, "{} bytes", encoded.len());
        let began = std::time::Instant::now();
        let decoded = ChunkProof::decode_all(&mut &encoded[..]).unwrap();
        let outcome = recompute_chunk(&facts, &decoded).unwrap();
        let elapsed = began.elapsed();
        println!(
            "{rule:?}: a proof of {} bytes, recomputed in {elapsed:?}",
            encoded.len()
        );
        let inputs: Vec<MergeInput> = proof
            .deltas
            .iter()
            .zip(&facts.contributions)
            .map(|(opening, contribution)| MergeInput {
                chunk: &opening.chunk,
                weight: contribution.weight,
                norm_squared: opening.chunk.sum_of_squares() + (31 << 40),
            })
            .collect();
        let mut head = proof.base.values.to_vec();
        let mut moments = proof
            .moments
            .iter()
            .flat_map(|m| m.values.to_vec())
            .collect::<Vec<_>>();
        merge_chunk(&rule, &facts.rule.server, &mut head, &mut moments, &inputs).unwrap();
        assert_eq!(outcome.state_leaf, state::chunk_leaf(&head));
    }
    let (mut facts, proof) = largest(RULES[0], MAX_OPENINGS);
    let mut openings = proof.deltas.to_vec();
    openings.push(openings[0].clone());
    let head = (proof.chunk, proof.base.clone(), proof.moments.clone());
    let too_many = (head.clone(), openings.clone()).encode();
    assert!(ChunkProof::decode_all(&mut &too_many[..]).is_err());
    openings.pop();
    let bytes = (head, openings).encode();
    assert_eq!(ChunkProof::decode_all(&mut &bytes[..]), Ok(proof.clone()));
    let last = Contribution {
        claim: H256::repeat_byte(255),
        ..facts.contributions[0]
    };
    facts.contributions.push(last);
    assert_eq!(
        recompute_chunk(&facts, &proof),
        Err(DisputeError::Contributions)
    );
}

#[test]
fn largest_model_should_be_the_last_whose_trees_can_be_counted() {
    let parameters = u64::from(MOST_CHUNKS) * to_u64(CHUNK);
    for server in SERVERS {
        assert!(server.moments() <= MAX_MOMENTS);
        let leaves = Tree::Server.leaves(parameters, &server);
        assert_eq!(
            u64::from(leaves),
            u64::from(MOST_CHUNKS) * u64::from(server.moments())
        );
    }
    assert_eq!(
        Tree::Server.leaves(parameters + 2 * to_u64(CHUNK), &SERVERS[2]),
        0
    );
    assert_eq!(
        (height(u32::MAX), width(u32::MAX, 32), width(0, 0)),
        (32, 1, 0)
    );
}
