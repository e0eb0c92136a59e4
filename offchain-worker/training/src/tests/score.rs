// SPDX-License-Identifier: GPL-3.0-or-later
//! Scores: their bits, their total, and what they depend on. That another process gets the same is in `tests/replay.rs`.

use super::reference::Reference;
use super::{recipe, small, text_batch};
use crate::{init_state, DummyRunner, Scores, SegmentRunner, Trainer, MAX_MICRO_NATS};
use dream_primitives::hashing::{hash, Domain};
use dream_primitives::H256;

const GENESIS: H256 = H256::repeat_byte(9);

fn runners() -> Vec<Box<dyn SegmentRunner>> {
    vec![
        Box::new(Trainer::new(small(2, true), recipe(3), GENESIS).unwrap()),
        Box::new(DummyRunner::new(small(2, true), recipe(3), GENESIS).unwrap()),
    ]
}

/// Eleven samples: a full batch and a short one.
fn samples() -> Vec<Vec<u32>> {
    (0..11).map(|i| text_batch(i)[..25].to_vec()).collect()
}

fn head() -> Vec<i32> {
    init_state(&small(2, true), 5).unwrap()
}

#[test]
fn losses_should_be_those_of_the_reference() {
    let (head, samples) = (head(), samples());
    let mut trainer = Trainer::new(small(2, true), recipe(3), GENESIS).unwrap();
    let scores = trainer.score(&head, &samples).unwrap();
    let reference = Reference::new(&small(2, true), &head);
    assert_eq!(scores.losses.len(), 11);
    for (sample, loss) in samples.iter().zip(&scores.losses) {
        let expected = reference.loss(std::slice::from_ref(sample));
        assert!(
            (f64::from(*loss) - expected).abs() < 1e-5,
            "{loss} instead of {expected}"
        );
    }
    let mean = trainer.evaluate(&head, &samples).unwrap();
    assert!((mean - reference.loss(&samples)).abs() < 1e-5);
}

#[test]
fn hash_should_change_when_one_byte_or_one_parameter_changes() {
    for mut runner in runners() {
        let of = |runner: &mut dyn SegmentRunner, head: &[i32], samples: &[Vec<u32>]| {
            runner.score(head, samples).unwrap().hash(&GENESIS)
        };
        let honest = of(runner.as_mut(), &head(), &samples());
        assert_eq!(of(runner.as_mut(), &head(), &samples()), honest);
        for (sample, at) in [(0, 0), (7, 24), (10, 12)] {
            let mut other = samples();
            other[sample][at] ^= 1;
            assert_ne!(of(runner.as_mut(), &head(), &other), honest);
        }
        // The last parameter is of the final norm, which every token's loss depends on.
        let mut other = head();
        *other.last_mut().unwrap() += 1 << 16;
        assert_ne!(of(runner.as_mut(), &other, &samples()), honest);
    }
}

#[test]
fn loss_of_a_sample_should_have_the_same_bits_when_fewer_samples_follow() {
    for mut runner in runners() {
        let all = runner.score(&head(), &samples()).unwrap();
        for count in 1..11 {
            let first = runner.score(&head(), &samples()[..count]).unwrap();
            assert_eq!(first.losses, all.losses[..count]);
            assert_ne!(first.hash(&GENESIS), all.hash(&GENESIS));
        }
    }
}

#[test]
fn hash_should_bind_the_chain_and_the_order_and_be_no_segment_digest() {
    let scores = |losses: &[f32]| Scores {
        losses: losses.to_vec(),
    };
    let honest = scores(&[1.0, 2.0]).hash(&GENESIS);
    assert_ne!(honest, scores(&[1.0, 2.0]).hash(&H256::zero()));
    assert_ne!(honest, scores(&[2.0, 1.0]).hash(&GENESIS));
    assert_ne!(honest, scores(&[1.0]).hash(&GENESIS));
    let bits: Vec<u8> = [1f32, 2.0]
        .iter()
        .flat_map(|l| l.to_bits().to_le_bytes())
        .collect();
    for segment in 0..1024u16 {
        let digest = hash(
            Domain::SegmentDigest,
            &GENESIS,
            &[&segment.to_le_bytes(), &bits],
        );
        assert_ne!(honest, digest);
    }
}

#[test]
fn total_should_round_each_sample_half_to_even() {
    let total = |losses: &[f32]| {
        Scores {
            losses: losses.to_vec(),
        }
        .micro_nats()
    };
    assert_eq!(total(&[]), 0);
    assert_eq!(total(&[1.5, 0.25]), 1_750_000);
    // 2^-7 is 7812.5 millionths, 3 * 2^-7 is 23437.5.
    assert_eq!(total(&[0.0078125]), 7_812);
    assert_eq!(total(&[0.0234375]), 23_438);
    assert_eq!(total(&[0.0078125, 0.0234375]), 31_250);
}

#[test]
fn total_should_be_worst_when_a_loss_is_huge_or_no_number() {
    for bad in [f32::NAN, -f32::NAN, f32::INFINITY, 1e9, 1000.0] {
        let scores = Scores {
            losses: vec![1.0, bad],
        };
        assert_eq!(scores.micro_nats(), 1_000_000 + MAX_MICRO_NATS);
    }
    let hash_of = |bad: f32| Scores { losses: vec![bad] }.hash(&GENESIS);
    assert_eq!(hash_of(f32::NAN), hash_of(-f32::NAN));
    assert_eq!(hash_of(f32::NAN), hash_of(f32::from_bits(0x7fc0_1234)));
    assert_ne!(hash_of(f32::NAN), hash_of(f32::INFINITY));
}
