// SPDX-License-Identifier: GPL-3.0-or-later
//! A whole round in process, with a drop-out and a silent member; what goes wrong in a sum and in answers.

mod common;

use common::{codes, keys_of, sum, with_blobs, Stage, GENESIS};
use dream_kernels::data::DataLayer;
use dream_kernels::params::{Parameters, ParametersLiteral, INSECURE_TEST_1024};
use dream_kernels::sample::Seed;
use dream_primitives::delta;
use dream_primitives::dispute::NodeValue;
use dream_primitives::game::{Dispute, Turn};
use dream_primitives::private::params::{PrivateLiteral, PrivateParameters};
use dream_primitives::private::round::{CohortMask, SegmentDisclosure};
use dream_primitives::private::settle::mean_delta;
use dream_primitives::private::sum::PrivateTree;
use dream_primitives::private::sum::{recompute_sum, SumLeaf};
use dream_primitives::H256;
use dream_private::auditor::{
    combine, mean_chunks, sound, votes, Combination, Finding, Opened, SegmentFault,
};
use dream_private::blobs::{fetch_keys, sum_proof, Ciphertexts, LeafTree};
use dream_private::layers::Layers;
use dream_private::member::{answer_hash, RoundAnswer};
use dream_store::{cid_of, BlobStore, MemoryStore};

#[tokio::test]
async fn decrypted_mean_should_be_the_plain_mean_when_one_drops_out_and_one_is_silent() {
    let stage = Stage::new();
    let (layers, round) = (&stage.layers, &stage.round);
    let store = MemoryStore::new();
    let deltas: Vec<Vec<i8>> = (0..4).map(|m| codes(m + 1)).collect();

    // All four commit; the last never opens: a drop-out.
    let all: Vec<_> = (0..4).map(|m| stage.encrypt(m, &deltas[m])).collect();
    let mut opened = vec![];
    for (m, contribution) in all.iter().enumerate().take(3) {
        let account = [m as u8; 32];
        let (roots, salt) = (contribution.roots, contribution.salt);
        let commitment = roots.commitment(&GENESIS, &account, &round.id, &salt);
        let published = contribution.ciphertexts.publish(&store).await.unwrap();
        assert_eq!(
            published.commitment(&GENESIS, &account, &round.id, &salt),
            commitment
        );
        opened.push(published);
    }

    // An auditor has everything, and the second opens segment 17.
    let mut fetched = vec![];
    for roots in &opened {
        let part = Ciphertexts::fetch(&store, layers, round, roots).await;
        fetched.push(part.unwrap());
    }
    let (disclosure, blob) = stage.contributor(1).disclose(round, 17).unwrap();
    store.put_bytes(blob.into()).await.unwrap();
    let blob = store.get(&disclosure.cid, 1 << 20).await.unwrap();
    let finding = Opened {
        layers,
        round,
        segment: 17,
        ciphertexts: &fetched[1],
        disclosure: &disclosure,
        blob: Some(&blob),
    }
    .check();
    assert!(matches!(finding, Finding::Sound), "{finding:?}");
    let mut standing = CohortMask::default();
    (0..3).for_each(|place| standing.insert(place));
    let vote = votes([(0, &Finding::Sound), (1, &finding), (2, &Finding::Sound)]);
    assert_eq!(sound(&standing, &vote), standing);

    // The aggregator posts; members 0 and 2 add the keys up themselves and answer, member 1 is silent.
    let parts: Vec<&Ciphertexts> = fetched.iter().collect();
    let posted = stage.sum(&parts).publish(&store).await.unwrap();
    let mut keys = vec![];
    for roots in &opened {
        keys.push(fetch_keys(&store, layers, round, roots).await.unwrap());
    }
    let answers = [0, 2].map(|m| stage.answer(m, &posted, &keys));
    for RoundAnswer { answer, bytes } in &answers {
        assert_eq!(bytes.len(), layers.answer_bytes());
        let cid = store.put_bytes(bytes.clone().into()).await.unwrap();
        assert_eq!(answer.cid, cid);
    }

    // An auditor combines.
    let sum_of_all = Ciphertexts::fetch(&store, layers, round, &posted).await;
    let combined = combine(
        layers,
        round,
        &sum_of_all.unwrap(),
        3,
        &with_blobs(&answers),
    );
    let plain = sum(&[&deltas[0], &deltas[1], &deltas[2]]);
    let Combination::Sums { sums, wrong } = combined.unwrap() else {
        panic!("no sums");
    };
    assert!(sums == plain && wrong == 0);
    let chunks = mean_chunks(&sums, 3, 5).unwrap();
    let mean: Vec<_> = plain
        .chunks(4_096)
        .map(|c| mean_delta(c, 3, 5).unwrap())
        .collect();
    assert_eq!(delta::check(&chunks, round.parameters), Ok(()));
    assert_eq!(delta::root(&chunks), delta::root(&mean));
}

#[test]
fn development_presets_should_give_the_plain_sum_and_a_sound_exposure() {
    let params = PrivateParameters::new(PrivateLiteral::development()).unwrap();
    let stage = Stage::with(Layers::new(params, GENESIS).unwrap());
    let (layers, round) = (&stage.layers, &stage.round);
    let deltas: Vec<Vec<i8>> = (0..3).map(|m| codes(m + 20)).collect();
    let all = [0, 1, 2].map(|m| stage.encrypt(m, &deltas[m]).ciphertexts);
    let parts: Vec<&Ciphertexts> = all.iter().collect();
    let summed = stage.sum(&parts);
    let answers = [0, 1].map(|m| stage.answer(m, &summed.roots(), &keys_of(&parts)));
    assert_eq!(answers[0].bytes.len(), 2_949_656);
    let combined = combine(layers, round, &summed, 3, &with_blobs(&answers)).unwrap();
    let plain = sum(&[&deltas[0], &deltas[1], &deltas[2]]);
    let right = Combination::Sums {
        sums: plain,
        wrong: 0,
    };
    assert!(combined == right);
    let (exposure, blob) = stage.contributor(2).expose(layers, round, 63).unwrap();
    assert_eq!(blob.len(), round.segment(63).len() + 8 * 4_096);
    let finding = Opened {
        layers,
        round,
        segment: 63,
        ciphertexts: parts[2],
        disclosure: &exposure,
        blob: Some(&blob),
    }
    .check_exposure(&stage.public);
    assert!(matches!(finding, Finding::Sound), "{finding:?}");
}

/// (stage, codes of three contributors, their ciphertexts)
fn three() -> (Stage, Vec<Vec<i8>>, Vec<Ciphertexts>) {
    let stage = Stage::new();
    let deltas: Vec<Vec<i8>> = (0..3).map(|m| codes(m + 40)).collect();
    let parts = (0..3).map(|m| stage.encrypt(m, &deltas[m]).ciphertexts);
    let parts = parts.collect();
    (stage, deltas, parts)
}

/// The tree with one residue of one leaf increased by one (modulo 2^30, below the prime for what the tests have).
fn with_wrong_leaf(tree: &LeafTree, leaf: u32) -> LeafTree {
    let mut bytes = tree.bytes().to_vec();
    bytes[leaf as usize * 3_840 + 30] ^= 1;
    LeafTree::new("sum", bytes.into(), tree.leaves()).unwrap()
}

#[test]
fn wrong_sum_should_be_found_at_its_one_leaf_by_bisecting() {
    let (stage, _, parts) = three();
    let (layers, round) = (&stage.layers, &stage.round);
    let parts: Vec<&Ciphertexts> = parts.iter().collect();
    let honest = stage.sum(&parts);
    for (tree, leaf) in [(PrivateTree::Data, 201), (PrivateTree::Keys, 77)] {
        let of = |c: &Ciphertexts| match tree {
            PrivateTree::Data => c.data.clone(),
            _ => c.keys.clone(),
        };
        let trees: Vec<LeafTree> = parts.iter().map(|p| of(p)).collect();
        let roots: Vec<H256> = trees.iter().map(LeafTree::root).collect();
        let (right, wrong) = (of(&honest), with_wrong_leaf(&of(&honest), leaf));
        let (leaves, prime) = tree
            .residues(layers.params().get(), &round.layout, leaf)
            .unwrap();
        assert_eq!(leaves, right.leaves());
        // Against an honest sum there is nothing to narrow to.
        let top = dream_primitives::dispute::top(leaves);
        let answer = right.answer(top).unwrap();
        assert_eq!(right.differs(top, &answer), Ok(None));

        let value = NodeValue::Hash(wrong.root());
        let mut game = Dispute::open(1u8, 1, tree, leaves, value, 10);
        loop {
            match &game.turn {
                Turn::Answer => game.answer(wrong.answer(game.node).unwrap(), 10).unwrap(),
                Turn::Narrow(answer) => {
                    let place = right.differs(game.node, answer).unwrap();
                    game.narrow(place.unwrap(), 10).unwrap();
                }
                Turn::Prove => break,
            }
        }
        assert_eq!(game.node.index, leaf);
        let proof = sum_proof(&trees, leaf).unwrap();
        let SumLeaf::Right(found) = recompute_sum(&roots, leaves, prime, &proof).unwrap() else {
            panic!("a contribution is malformed");
        };
        assert_ne!(game.value, NodeValue::Hash(found));
        // The honest sum has that leaf, and every other that is tried.
        for leaf in [leaf, 0, leaves - 1] {
            let (_, prime) = tree
                .residues(layers.params().get(), &round.layout, leaf)
                .unwrap();
            let proof = sum_proof(&trees, leaf).unwrap();
            let honest = SumLeaf::Right(dream_primitives::private::sum::residue_leaf(
                &right.open(leaf).unwrap().bytes,
            ));
            assert_eq!(recompute_sum(&roots, leaves, prime, &proof), Ok(honest));
        }
        assert!(sum_proof(&trees, leaves).is_none());
    }
}

/// A contribution whose first value of a segment is far out of range, with what its sender shows of that segment.
fn out_of_range(
    stage: &Stage,
    at: usize,
    codes: &[i8],
    segment: u16,
) -> (Ciphertexts, SegmentDisclosure, Vec<u8>) {
    const WIDE: ParametersLiteral = ParametersLiteral {
        plaintext_bound: 500,
        max_miners: 4,
        ..INSECURE_TEST_1024
    };
    let (layers, round) = (&stage.layers, &stage.round);
    let honest = stage.encrypt(at, codes).ciphertexts;
    let (disclosure, blob) = stage.contributor(at).disclose(round, segment).unwrap();
    let wide = DataLayer::new(Parameters::new(WIDE).unwrap());
    let seed = Seed::new(disclosure.seed.0);
    let key = wide.secret_key(seed, round.id.number, segment);
    let block = dream_kernels::data::Block {
        round: round.id.number,
        segment,
        polynomial: 0,
    };
    let mut values: Vec<i64> = codes[round.segment(segment)]
        .iter()
        .map(|c| i64::from(*c))
        .take(3_072)
        .collect();
    values[0] = 500;
    let made = wide.encrypt(&round.public(), &key, block, &values).unwrap();
    let made = wide.encode(&made);
    let each = 2 * 1_024 * 30 / 8;
    let polynomial = usize::from(segment) * round.layout.polynomials as usize;
    let mut bytes = honest.data.bytes().to_vec();
    bytes[polynomial * each..(polynomial + 1) * each].copy_from_slice(&made[made.len() - each..]);
    let data = LeafTree::new("data", bytes.into(), honest.data.leaves()).unwrap();
    let keys = honest.keys;
    assert_eq!(layers.params().get().data.bound, 127);
    (Ciphertexts { data, keys }, disclosure, blob)
}

#[test]
fn values_out_of_range_should_be_found_by_the_audit() {
    let stage = Stage::new();
    let (layers, round) = (&stage.layers, &stage.round);
    let codes = codes(7);
    let (sent, disclosure, blob) = out_of_range(&stage, 0, &codes, 9);
    let opened = Opened {
        layers,
        round,
        segment: 9,
        ciphertexts: &sent,
        disclosure: &disclosure,
        blob: Some(&blob),
    };
    // It cannot show what it sent: in-range values make other ciphertexts.
    let finding = opened.check();
    assert!(
        matches!(finding, Finding::Faulty(SegmentFault::Data(0))),
        "{finding:?}"
    );
    // A value that fits a byte, but not the bound.
    let mut low = blob.clone();
    low[3] = 0x80;
    let disclosure = SegmentDisclosure {
        cid: cid_of(&low),
        ..disclosure
    };
    let finding = Opened {
        disclosure: &disclosure,
        blob: Some(&low),
        ..opened
    }
    .check();
    let expected = SegmentFault::Range {
        polynomial: 0,
        index: 3,
        value: -128,
    };
    assert!(
        matches!(&finding, Finding::Faulty(fault) if *fault == expected),
        "{finding:?}"
    );
    // With the honest ciphertexts the same opening is sound.
    let honest = stage.encrypt(0, &codes).ciphertexts;
    let (disclosure, blob) = stage.contributor(0).disclose(round, 9).unwrap();
    let finding = Opened {
        ciphertexts: &honest,
        disclosure: &disclosure,
        blob: Some(&blob),
        ..opened
    }
    .check();
    assert!(matches!(finding, Finding::Sound), "{finding:?}");
}

#[test]
fn sum_out_of_range_should_name_its_segment_and_exposure_its_sender() {
    let stage = Stage::new();
    let (layers, round) = (&stage.layers, &stage.round);
    let mut deltas: Vec<Vec<i8>> = (0..3).map(|m| codes(m + 7)).collect();
    let at = round.segment(9).start;
    deltas[1][at] = 127;
    deltas[2][at] = 127;
    let (bad, _, _) = out_of_range(&stage, 0, &deltas[0], 9);
    let honest: Vec<_> = [1, 2].map(|m| stage.encrypt(m, &deltas[m])).into();
    let parts = [&bad, &honest[0].ciphertexts, &honest[1].ciphertexts];
    let sum = stage.sum(&parts);
    let answers = [0, 1, 2].map(|m| stage.answer(m, &sum.roots(), &keys_of(&parts)));
    let combined = combine(layers, round, &sum, 3, &with_blobs(&answers));
    assert_eq!(combined.unwrap(), Combination::OutOfRange { segment: 9 });

    let mut findings = vec![];
    for (m, ciphertexts) in parts.iter().enumerate() {
        let contributor = stage.contributor(m);
        let (exposure, blob) = contributor.expose(layers, round, 9).unwrap();
        assert_eq!(blob.len(), round.segment(9).len() + 2 * 1_024);
        let opened = Opened {
            layers,
            round,
            segment: 9,
            ciphertexts,
            disclosure: &exposure,
            blob: Some(&blob),
        };
        findings.push((m as u16, opened.check_exposure(&stage.public)));
        // The exposed keys are checked too: another key of the polynomial, another seed.
        let mut other = blob.clone();
        // Segment 9 is the second of its polynomial: this is a coefficient of segment 8's key.
        let place = round.segment(9).len() + 5;
        other[place] = other[place].wrapping_add(1);
        let changed = SegmentDisclosure {
            cid: cid_of(&other),
            ..exposure
        };
        let finding = Opened {
            disclosure: &changed,
            blob: Some(&other),
            ..opened
        }
        .check_exposure(&stage.public);
        let encrypted = matches!(finding, Finding::Faulty(SegmentFault::Encrypted(4)));
        assert!(encrypted || m == 0, "{finding:?}");
        let mut own = blob.clone();
        own[place + 1_024] = own[place + 1_024].wrapping_add(1);
        let changed = SegmentDisclosure {
            cid: cid_of(&own),
            ..exposure
        };
        let finding = Opened {
            disclosure: &changed,
            blob: Some(&own),
            ..opened
        }
        .check_exposure(&stage.public);
        assert!(matches!(finding, Finding::Faulty(SegmentFault::Key)) || m == 0);
    }
    let vote = votes(findings.iter().map(|(place, finding)| (*place, finding)));
    let places = |mask: &CohortMask| (0..3).filter(|p| mask.contains(*p)).collect::<Vec<_>>();
    assert_eq!(places(&vote.faulty), [0]);
    assert_eq!((vote.lacking.count(), vote.blank.count()), (0, 0));
}

#[test]
fn zeros_and_missing_values_should_be_told_apart() {
    let stage = Stage::new();
    let (layers, round) = (&stage.layers, &stage.round);
    let mut delta = codes(3);
    delta[round.segment(2)].fill(0);
    let sent = stage.encrypt(0, &delta).ciphertexts;
    let (disclosure, blob) = stage.contributor(0).disclose(round, 2).unwrap();
    let with = |blob: Option<&[u8]>, disclosure: &SegmentDisclosure| {
        Opened {
            layers,
            round,
            segment: 2,
            ciphertexts: &sent,
            disclosure,
            blob,
        }
        .check()
    };
    assert!(matches!(with(Some(&blob), &disclosure), Finding::Blank));
    assert!(matches!(with(None, &disclosure), Finding::Lacking(None)));
    let changed = [&blob[1..], &[1]].concat();
    let refused = with(Some(&changed), &disclosure);
    let Finding::Lacking(Some(error)) = &refused else {
        panic!("{refused:?}");
    };
    assert!(error.to_string().contains("opened segment"), "{error}");
    let short = SegmentDisclosure {
        cid: cid_of(&blob[1..]),
        ..disclosure
    };
    assert!(matches!(
        with(Some(&blob[1..]), &short),
        Finding::Lacking(Some(_))
    ));
    let found = [Finding::Blank, Finding::Lacking(None)];
    let vote = votes([(4, &found[0]), (200, &found[1])]);
    assert!(vote.blank.contains(4) && vote.lacking.contains(200));
}

#[test]
fn disagreeing_member_should_be_named_when_enough_others_answer() {
    let (stage, deltas, parts) = three();
    let (layers, round) = (&stage.layers, &stage.round);
    let parts: Vec<&Ciphertexts> = parts.iter().collect();
    let sum_of_all = stage.sum(&parts);
    let posted = sum_of_all.roots();
    let answers: Vec<_> = (0..3)
        .map(|m| stage.answer(m, &posted, &keys_of(&parts)))
        .collect();
    let plain = sum(&[&deltas[0], &deltas[1], &deltas[2]]);
    let poly = 3 * 1_024 * 30 / 8;
    // Member 1 holds the shares of the sets {0} and {2}: the part of each, in the last polynomial's answer.
    let lie = |part: usize| {
        let mut lying = answers[1].clone();
        let last = layers.answer_bytes() - 2 * poly;
        lying.bytes[last + part * poly] ^= 1;
        lying.answer.hash = answer_hash(&GENESIS, &round.id, 1, &lying.bytes);
        lying.answer.cid = cid_of(&lying.bytes);
        lying
    };
    let run = |answers: &[RoundAnswer]| {
        combine(layers, round, &sum_of_all, 3, &with_blobs(answers)).unwrap()
    };
    let right = |wrong| Combination::Sums {
        sums: plain.clone(),
        wrong,
    };
    assert!(run(&answers) == right(0));
    for part in 0..2 {
        let three = [answers[0].clone(), lie(part), answers[2].clone()];
        assert!(run(&three) == right(0b010), "part {part}");
    }
    // Two answers of which one is wrong: where both hold the share they disagree, else the sum is out of range.
    let undecryptable = run(&[answers[0].clone(), lie(1)]);
    assert_eq!(undecryptable, Combination::Undecryptable);
    let garbage = run(&[answers[0].clone(), lie(0)]);
    assert_eq!(garbage, Combination::OutOfRange { segment: 62 });
    // Bytes that are not those of the hash, and none at all.
    let mut changed = answers[1].clone();
    changed.bytes[100] ^= 1;
    let three = [answers[0].clone(), changed, answers[2].clone()];
    assert!(run(&three) == right(0b010));
    let mut silent = with_blobs(&answers);
    silent[1].1 = None;
    assert!(combine(layers, round, &sum_of_all, 3, &silent).unwrap() == right(0b010));
    // Fewer than the threshold.
    assert_eq!(run(&answers[..1]), Combination::Undecryptable);
}
