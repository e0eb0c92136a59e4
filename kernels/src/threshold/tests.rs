// SPDX-License-Identifier: GPL-3.0-or-later

use super::*;
use crate::data::{Block, DataLayer};
use crate::params::{Parameters, INSECURE_TEST_1024};
use crate::ring::tests::residues;
use crate::wire::WireError;

const EPOCH: u32 = 11;

fn seed(n: u8) -> Seed {
    Seed::new([n; 32])
}

fn layer(literal: ThresholdLiteral) -> KeyLayer {
    KeyLayer::new(ThresholdParameters::new(literal).unwrap(), &seed(77))
}

struct Committee {
    layer: KeyLayer,
    dealings: Vec<Dealing>,
    commitments: Vec<Commitment>,
    mask: u8,
}

fn committee(literal: ThresholdLiteral) -> Committee {
    let layer = layer(literal);
    let mask = ((1u16 << literal.members) - 1) as u8;
    let deal = |dealer: u32| {
        layer
            .deal(dealer as u8, &seed(dealer as u8 + 1), EPOCH)
            .unwrap()
    };
    let dealings: Vec<Dealing> = (0..literal.members).map(deal).collect();
    let commitments = dealings
        .iter()
        .flat_map(|d| {
            d.shares
                .iter()
                .map(|(set, share)| layer.commit(EPOCH, d.dealer, *set, share).unwrap())
        })
        .collect();
    Committee {
        layer,
        dealings,
        commitments,
        mask,
    }
}

impl Committee {
    fn shares(&self, member: u8) -> Vec<(u8, u8, Seed)> {
        let of = |d: &Dealing| {
            let dealer = d.dealer;
            let mine = d
                .shares
                .iter()
                .filter(move |(set, _)| set >> member & 1 == 0);
            mine.map(move |(set, share)| (dealer, *set, share.clone()))
                .collect::<Vec<_>>()
        };
        self.dealings.iter().flat_map(of).collect()
    }

    fn member_key(&self, member: u8) -> MemberKey {
        self.layer
            .member_key(member, EPOCH, self.mask, &self.shares(member))
            .unwrap()
    }

    fn public_key(&self) -> PublicKey {
        self.layer
            .public_key(EPOCH, self.mask, &self.commitments)
            .unwrap()
    }

    fn sum(&self, miners: u8) -> (KeyCiphertext, Vec<i64>) {
        let key = self.public_key();
        let count = self.layer.values_per_ciphertext();
        let (mut total, mut sums) = (None, vec![0i64; count]);
        for miner in 0..miners {
            let plain: Vec<i32> = residues(miner.into(), count, 43)
                .iter()
                .map(|x| *x as i32 - 21)
                .collect();
            sums.iter_mut()
                .zip(&plain)
                .for_each(|(s, v)| *s += i64::from(*v));
            let ciphertext = self
                .layer
                .encrypt(&key, &seed(100 + miner), 5, 0, &plain)
                .unwrap();
            match &mut total {
                None => total = Some(ciphertext),
                Some(total) => self.layer.add(total, &ciphertext).unwrap(),
            }
        }
        (total.unwrap(), sums)
    }

    fn answer(&self, member: u8, sum: &KeyCiphertext) -> PartialDecryption {
        self.layer
            .partial_decrypt(&self.member_key(member), &seed(200 + member), sum)
            .unwrap()
    }
}

#[test]
fn any_threshold_of_members_should_decrypt_the_sum() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let (sum, expected) = c.sum(8);
    for members in [[0, 1], [0, 2], [1, 2]] {
        let answers = members.map(|m| c.answer(m, &sum));
        assert_eq!(
            c.layer.combine(&sum, &answers).unwrap(),
            expected,
            "{members:?}"
        );
    }
    let all = [0, 1, 2].map(|m| c.answer(m, &sum));
    assert_eq!(c.layer.combine(&sum, &all).unwrap(), expected);
}

#[test]
fn seven_members_should_decrypt_with_any_four_in_the_secure_preset() {
    let c = committee(KEY_8192);
    let (sum, expected) = c.sum(2);
    let answers = [1, 3, 4, 6].map(|m| c.answer(m, &sum));
    assert_eq!(c.layer.combine(&sum, &answers).unwrap(), expected);
    assert_eq!(c.layer.answer_bytes(), 34 + 33 + 20 * 6 * 8_192 * 30 / 8);
}

#[test]
fn worst_case_plaintexts_should_decrypt_when_the_cohort_is_full() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let key = c.public_key();
    for value in [21, -21] {
        let plain = vec![value; c.layer.values_per_ciphertext()];
        let mut sum = c.layer.encrypt(&key, &seed(1), 5, 0, &plain).unwrap();
        for miner in 2..9 {
            let more = c.layer.encrypt(&key, &seed(miner), 5, 0, &plain).unwrap();
            c.layer.add(&mut sum, &more).unwrap();
        }
        let sums = c
            .layer
            .combine(&sum, &[c.answer(2, &sum), c.answer(0, &sum)])
            .unwrap();
        assert!(sums.iter().all(|s| *s == 8 * i64::from(value)));
    }
}

#[test]
fn both_layers_should_give_the_sum_of_the_deltas() {
    let data = DataLayer::new(Parameters::new(INSECURE_TEST_1024).unwrap());
    let c = committee(INSECURE_TEST_KEY_1024);
    let public_key = c.public_key();
    let block = Block {
        round: 5,
        segment: 0,
        polynomial: 0,
    };
    let (mut deltas, mut keys, mut expected) = (None, None, vec![0i64; 3_072]);
    for miner in 0..6u8 {
        let values: Vec<i8> = residues(miner.into(), 3_072, 255)
            .iter()
            .map(|x| (*x as i32 - 127) as i8)
            .collect();
        expected
            .iter_mut()
            .zip(&values)
            .for_each(|(s, v)| *s += i64::from(*v));
        let key = data.secret_key(seed(miner), block.round, block.segment);
        let delta = data.encrypt(&seed(50), &key, block, &values).unwrap();
        let hidden = c
            .layer
            .encrypt(&public_key, &seed(60 + miner), 5, 0, key.coefficients())
            .unwrap();
        match (&mut deltas, &mut keys) {
            (Some(deltas), Some(keys)) => {
                data.add(deltas, &delta).unwrap();
                c.layer.add(keys, &hidden).unwrap();
            }
            _ => (deltas, keys) = (Some(delta), Some(hidden)),
        }
    }
    let (deltas, keys) = (deltas.unwrap(), keys.unwrap());
    // Member 1 is silent.
    let sums = c
        .layer
        .combine(&keys, &[c.answer(0, &keys), c.answer(2, &keys)])
        .unwrap();
    let key = data
        .sum_key(block.round, block.segment, 6, &sums[..1_024])
        .unwrap();
    assert_eq!(data.decrypt(&seed(50), &deltas, &key).unwrap(), expected);
}

#[test]
fn fewer_than_the_threshold_should_recover_nothing() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let (sum, expected) = c.sum(3);
    for member in 0..3 {
        let answer = c.answer(member, &sum);
        assert_eq!(
            c.layer
                .combine(&sum, std::slice::from_ref(&answer))
                .unwrap_err(),
            ThresholdError::BelowThreshold {
                threshold: 2,
                found: 1
            }
        );
        // With all that one member holds the phase still looks uniform: the plaintext bound is met by chance only.
        let key = c.member_key(member);
        let mut phase = sum.c0_for_tests();
        for (_, share) in &key.shares {
            let mut product = sum.c1_for_tests();
            c.layer.ring.mul(&mut product, share);
            c.layer.ring.sub(&mut phase, &product);
        }
        let phase = c.layer.ring.inverse(phase);
        let crt = c.layer.ring.crt();
        let (mut digits, mut values) = (vec![0; 3], vec![]);
        for at in 0..1_024 {
            let low = crt.centred(|i| phase.limb(i)[at], &mut digits).low;
            c.layer
                .params
                .ring()
                .packing()
                .unpack(low, |v| values.push(v));
        }
        // Ten-bit slots: a guess is right once in 1024; 2048 of them, with room for chance.
        let right = values.iter().zip(&expected).filter(|(a, b)| a == b).count();
        assert!(right < 16, "{right}");
    }
}

#[test]
fn check_share_should_name_the_dealer_of_a_bad_share() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let (set, share) = &c.dealings[1].shares[0];
    let commitment = c
        .commitments
        .iter()
        .find(|k| k.dealer == 1 && k.set == *set)
        .unwrap();
    assert_eq!(c.layer.check_share(commitment, share), Ok(()));
    assert_eq!(
        c.layer.check_share(commitment, &seed(9)),
        Err(ThresholdError::Share {
            dealer: 1,
            set: *set
        })
    );
}

#[test]
fn a_dealer_that_was_complained_of_should_be_left_out() {
    let mut c = committee(INSECURE_TEST_KEY_1024);
    c.dealings.retain(|d| d.dealer != 1);
    c.commitments.retain(|k| k.dealer != 1);
    c.mask = 0b101;
    let (sum, expected) = c.sum(3);
    // Member 1 still holds shares that others dealt.
    let answers = [c.answer(1, &sum), c.answer(2, &sum)];
    assert_eq!(c.layer.combine(&sum, &answers).unwrap(), expected);
}

#[test]
fn keys_should_refuse_incomplete_or_repeated_shares() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let key = |mask, commitments: &[Commitment]| {
        c.layer.public_key(EPOCH, mask, commitments).unwrap_err()
    };
    let all = &c.commitments;
    assert_eq!(
        key(7, &all[1..]),
        ThresholdError::Missing { dealer: 0, set: 1 }
    );
    let mut twice = all.clone();
    twice.push(all[0].clone());
    assert_eq!(
        key(7, &twice),
        ThresholdError::Repeated { dealer: 0, set: 1 }
    );
    assert_eq!(key(6, all), ThresholdError::Missing { dealer: 0, set: 1 });
    assert_eq!(
        key(4, all),
        ThresholdError::Dealers {
            threshold: 2,
            found: 1
        }
    );
    assert_eq!(
        key(0, all),
        ThresholdError::Dealers {
            threshold: 2,
            found: 0
        }
    );
    assert_eq!(
        key(15, all),
        ThresholdError::Member {
            member: 3,
            members: 3
        }
    );
    let other = c.layer.commit(12, 0, 1, &seed(1)).unwrap();
    assert_eq!(
        key(7, &[other]),
        ThresholdError::Epoch {
            expected: 11,
            found: 12
        }
    );

    let member = |shares: &[(u8, u8, Seed)]| c.layer.member_key(0, EPOCH, 7, shares).unwrap_err();
    let shares = c.shares(0);
    assert_eq!(
        member(&shares[1..]),
        ThresholdError::Missing { dealer: 0, set: 2 }
    );
    let mut twice = shares.clone();
    twice.push(shares[0].clone());
    assert_eq!(
        member(&twice),
        ThresholdError::Repeated { dealer: 0, set: 2 }
    );
    // A share that member 0 must not hold.
    assert_eq!(
        member(&[(1, 1, seed(3))]),
        ThresholdError::Missing { dealer: 1, set: 1 }
    );
    assert_eq!(
        c.layer.deal(3, &seed(1), EPOCH).unwrap_err(),
        ThresholdError::Member {
            member: 3,
            members: 3
        }
    );
    assert_eq!(
        c.layer.commit(EPOCH, 0, 3, &seed(1)).unwrap_err(),
        ThresholdError::Missing { dealer: 0, set: 3 }
    );
}

#[test]
fn combine_should_refuse_repeated_foreign_and_wrong_answers() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let (sum, _) = c.sum(3);
    let (other, _) = c.sum(2);
    let [a, b] = [0, 1].map(|m| c.answer(m, &sum));
    assert_eq!(
        c.layer.combine(&sum, &[a.clone(), a.clone()]),
        Err(ThresholdError::RepeatedAnswer(0))
    );
    assert_eq!(
        c.layer.combine(&sum, &[a.clone(), c.answer(1, &other)]),
        Err(ThresholdError::OtherCiphertext(1))
    );
    // A member that answers with another key: where somebody else holds the share, it shows who differs.
    let mut wrong = c.member_key(1);
    wrong.shares[1] = (4, zeroize::Zeroizing::new(c.layer.ring.zero()));
    let wrong = c.layer.partial_decrypt(&wrong, &seed(201), &sum).unwrap();
    assert_eq!(
        c.layer.combine(&sum, &[a.clone(), wrong.clone()]),
        Err(ThresholdError::Disagreement {
            set: 4,
            first: 0,
            second: 1
        })
    );
    // Where it is the only copy, the sum is out of range.
    let mut alone = c.member_key(1);
    alone.shares[0] = (1, zeroize::Zeroizing::new(c.layer.ring.zero()));
    let alone = c.layer.partial_decrypt(&alone, &seed(201), &sum).unwrap();
    assert!(matches!(
        c.layer.combine(&sum, &[a.clone(), alone]),
        Err(ThresholdError::SumRange { bound: 63, .. })
    ));
    let mut literal = INSECURE_TEST_KEY_1024;
    literal.answers = 15;
    let foreign = layer(literal);
    assert_eq!(
        foreign.combine(&sum, &[a, b]),
        Err(ThresholdError::Parameters)
    );
}

#[test]
fn answers_should_repeat_for_one_sum_and_differ_for_another() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let (sum, _) = c.sum(3);
    assert_eq!(c.answer(0, &sum), c.answer(0, &sum));
    // The same noise under two ciphertexts would show c1 s without any.
    let zero = |terms: u8| {
        let (mut sum, _) = c.sum(terms);
        sum.clear_for_tests();
        c.answer(0, &sum)
    };
    assert_ne!(zero(1).parts_for_tests(), zero(2).parts_for_tests());
    let mut key = c.member_key(0);
    key.epoch = 12;
    assert_eq!(
        c.layer.partial_decrypt(&key, &seed(1), &sum),
        Err(ThresholdError::Epoch {
            expected: 12,
            found: 11
        })
    );
    let mut key = c.member_key(0);
    key.dealers = 3;
    assert_eq!(
        c.layer.partial_decrypt(&key, &seed(1), &sum),
        Err(ThresholdError::Block)
    );
}

#[test]
fn flooding_should_fill_its_range_in_every_answer() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let (mut sum, _) = c.sum(1);
    sum.clear_for_tests();
    // With c1 = 0 an answer is t f: its largest entry is close to 2^56, and no larger.
    let answer = c.answer(0, &sum);
    let crt = c.layer.ring.crt();
    for part in answer.parts_for_tests() {
        let mut part = part.clone();
        let inverse = |i: usize| {
            let modulus = c.layer.ring.tables()[i].modulus();
            modulus.inverse(modulus.pow(2, 20))
        };
        for i in 0..3 {
            let modulus = *c.layer.ring.tables()[i].modulus();
            let by = inverse(i);
            part.limb_mut(i)
                .iter_mut()
                .for_each(|x| *x = modulus.mul(*x, by));
        }
        let f = c.layer.ring.inverse(part);
        let mut digits = vec![0; 3];
        let largest = (0..1_024)
            .map(|at| (crt.centred(|i| f.limb(i)[at], &mut digits).low as i64).unsigned_abs())
            .max();
        assert!(
            (1 << 55..=1 << 56).contains(&largest.unwrap()),
            "{largest:?}"
        );
    }
}

#[test]
fn encrypt_and_add_should_refuse_what_is_out_of_range() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let key = c.public_key();
    let encrypt = |plain: &[i32]| c.layer.encrypt(&key, &seed(1), 5, 0, plain);
    assert_eq!(
        encrypt(&[0, 22]).unwrap_err(),
        ThresholdError::Plaintext { index: 1 }
    );
    assert_eq!(
        encrypt(&[i32::MIN]).unwrap_err(),
        ThresholdError::Plaintext { index: 0 }
    );
    assert_eq!(
        encrypt(&[0; 2_049]).unwrap_err(),
        ThresholdError::Plaintext { index: 2_048 }
    );
    let (mut sum, _) = c.sum(8);
    let before = sum.clone();
    let one = encrypt(&[1]).unwrap();
    assert_eq!(
        c.layer.add(&mut sum, &one),
        Err(ThresholdError::Terms { terms: 9, limit: 8 })
    );
    let other = c.layer.encrypt(&key, &seed(1), 6, 0, &[1]).unwrap();
    assert_eq!(c.layer.add(&mut sum, &other), Err(ThresholdError::Block));
    assert_eq!(sum, before);
}

#[test]
fn encodings_should_be_read_back_and_everything_else_refused() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let (sum, _) = c.sum(2);
    let answer = c.answer(1, &sum);
    let l = &c.layer;
    let (s, a, k) = (
        l.encode(&sum),
        l.encode_answer(&answer),
        l.encode_commitment(&c.commitments[4]),
    );
    assert_eq!(l.decode(&s).unwrap(), sum);
    assert_eq!(l.decode_answer(&a).unwrap(), answer);
    assert_eq!(l.decode_commitment(&k).unwrap(), c.commitments[4]);
    let kind = |expected, found| WireError::Kind { expected, found };
    assert_eq!(l.decode(&a).unwrap_err(), kind(3, 4));
    assert_eq!(l.decode_answer(&k).unwrap_err(), kind(4, 2));
    assert_eq!(l.decode_commitment(&s).unwrap_err(), kind(2, 3));
    for bytes in [&s, &a, &k] {
        let short = &bytes[..bytes.len() - 1];
        let long = [&bytes[..], &[0]].concat();
        for wrong in [short, &long] {
            let refused = [
                l.decode(wrong).err(),
                l.decode_answer(wrong).err(),
                l.decode_commitment(wrong).err(),
            ];
            assert!(
                refused
                    .iter()
                    .any(|e| matches!(e, Some(WireError::Length { .. }))),
                "{refused:?}"
            );
            assert!(refused.iter().all(Option::is_some));
        }
        let mut large = bytes.clone();
        let end = large.len();
        large[end - 4..].fill(0xFF);
        let refused = [
            l.decode(&large).err(),
            l.decode_answer(&large).err(),
            l.decode_commitment(&large).err(),
        ];
        assert!(refused.iter().any(|e| matches!(
            e,
            Some(WireError::Residue {
                limb: 2,
                index: 1_023,
                ..
            })
        )));
    }
    let changed = |bytes: &[u8], at: usize, value: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = value;
        bytes
    };
    let range = |name, value| WireError::Range { name, value };
    assert_eq!(
        l.decode_answer(&changed(&a, 34, 3)).unwrap_err(),
        range("member", 3)
    );
    assert_eq!(
        l.decode_commitment(&changed(&k, 38, 3)).unwrap_err(),
        range("dealer", 3)
    );
    assert_eq!(
        l.decode_commitment(&changed(&k, 39, 3)).unwrap_err(),
        range("set", 3)
    );
    assert_eq!(
        l.decode(&changed(&s, 47, 9)).unwrap_err(),
        range("number of summed ciphertexts", 9)
    );
    assert_eq!(
        l.decode(&changed(&s, 5, s[5] ^ 1)).unwrap_err(),
        WireError::Parameters
    );
}

#[test]
fn public_key_should_be_read_back_and_everything_else_refused() {
    let c = committee(INSECURE_TEST_KEY_1024);
    let (l, key) = (&c.layer, c.public_key());
    let bytes = l.encode_public_key(&key);
    assert_eq!(bytes.len(), l.public_key_bytes());
    assert_eq!(l.decode_public_key(&bytes).unwrap(), key);
    let changed = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        l.decode_public_key(&bytes).unwrap_err()
    };
    // One dealer of the two that are needed; a fourth of three.
    for dealers in [1, 8 | 3] {
        assert_eq!(
            changed(38, dealers),
            WireError::Range {
                name: "dealers",
                value: dealers.into()
            }
        );
    }
    assert_eq!(changed(5, bytes[5] ^ 1), WireError::Parameters);
    let end = bytes.len();
    assert!(matches!(
        l.decode_public_key(&bytes[..end - 1]).unwrap_err(),
        WireError::Length { .. }
    ));
    let mut large = bytes.clone();
    large[end - 4..].fill(0xFF);
    assert!(matches!(
        l.decode_public_key(&large).unwrap_err(),
        WireError::Residue { limb: 2, .. }
    ));
}
