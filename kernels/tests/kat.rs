// SPDX-License-Identifier: GPL-3.0-or-later
//! Known answers: `kat/vectors.txt`, which the independent script `kat/make.py` prints.

use std::process::{Command, Stdio};

use dream_kernels::data::{Block, DataLayer};
use dream_kernels::params::{ErrorDistribution, Parameters, INSECURE_TEST_1024, SA_4096};
use dream_kernels::ring::{backends, NttTable, Words};
use dream_kernels::sample::{
    flooding, ternary, uniform_residue, ErrorSampler, GaussianTable, Place, Purpose, Seed, Stream,
    ALL_LIMBS,
};
use dream_kernels::threshold::{
    KeyLayer, ThresholdParameters, INSECURE_TEST_KEY_1024, KEY_8192, KEY_8192_SMALL,
};

const VECTORS: &str = include_str!("kat/vectors.txt");

fn digest(bytes: &[u8]) -> String {
    blake2b_simd::Params::new()
        .hash_length(32)
        .hash(bytes)
        .to_hex()
        .to_string()
}

/// First four entries and the digest of all.
fn show<T: Copy + ToString, const L: usize>(values: &[T], bytes: impl Fn(T) -> [u8; L]) -> String {
    let all: Vec<u8> = values.iter().flat_map(|v| bytes(*v)).collect();
    let mut words: Vec<String> = values[..4].iter().map(T::to_string).collect();
    words.push(digest(&all));
    words.join(" ")
}

/// The lines that begin with `name`, without it.
fn lines(name: &str) -> Vec<&'static str> {
    let found: Vec<_> = VECTORS
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .collect();
    assert!(!found.is_empty(), "no vector {name}");
    found
}

/// Splits numbers off the front.
fn numbers<const L: usize>(line: &str) -> ([u64; L], String) {
    let mut words = line.split(' ');
    let numbers = core::array::from_fn(|_| words.next().unwrap().parse().unwrap());
    (numbers, words.collect::<Vec<_>>().join(" "))
}

fn counting_seed() -> Seed {
    Seed::new(core::array::from_fn(|i| i as u8))
}

fn place(purpose: Purpose) -> Place {
    Place {
        purpose,
        limb: 3,
        segment: 0x0102,
        round: 0x0304_0506,
        polynomial: 0x0708_090A,
    }
}

fn words(purpose: Purpose, count: usize) -> Vec<u64> {
    let mut words = vec![];
    Stream::new(&counting_seed(), place(purpose)).words(count, |_, w| words.push(w));
    words
}

#[test]
fn transforms_should_give_the_known_answers_on_every_backend() {
    let vectors = lines("ntt");
    assert!(vectors.len() >= 7 * 3);
    for line in vectors {
        let ([degree, p, root], expected) = numbers(line);
        let table = NttTable::new(degree as u32, p as u32).unwrap();
        assert_eq!(u64::from(table.root()), root);
        let entry = |i: u64| {
            let cubic = u128::from(i) * u128::from(i) * u128::from(i) + 5 * u128::from(i) + 1;
            (cubic * 2_654_435_761 % (1 << 32)) as u32 % p as u32
        };
        let start: Vec<u32> = (0..degree).map(entry).collect();
        for backend in backends() {
            let mut a = Words::from(&start[..]);
            backend.forward(&table, &mut a);
            assert_eq!(
                show(&a, u32::to_le_bytes),
                expected,
                "{} N={degree} p={p}",
                backend.name()
            );
            backend.inverse(&table, &mut a);
            assert_eq!(&a[..], &start[..], "{} N={degree} p={p}", backend.name());
        }
    }
}

#[test]
fn samplers_should_give_the_known_answers() {
    assert_eq!(
        lines("stream"),
        [show(&words(Purpose::Public, 5_000), u64::to_le_bytes)]
    );
    for line in lines("uniform") {
        let ([p], expected) = numbers(line);
        let draws: Vec<u32> = words(Purpose::Public, 5_000)
            .iter()
            .map(|w| uniform_residue(*w, p as u32))
            .collect();
        assert_eq!(show(&draws, u32::to_le_bytes), expected);
    }
    let errors = |distribution| {
        let draws =
            ErrorSampler::new(distribution).draw(&counting_seed(), place(Purpose::Error), 5_000);
        show(&draws, i32::to_le_bytes)
    };
    for line in lines("binomial") {
        let ([eta], expected) = numbers(line);
        let eta = eta as u32;
        assert_eq!(errors(ErrorDistribution::CentredBinomial { eta }), expected);
    }
    let draws: Vec<i32> = words(Purpose::Secret, 5_000)
        .iter()
        .map(|w| ternary(*w))
        .collect();
    assert_eq!(lines("ternary"), [show(&draws, i32::to_le_bytes)]);
    for line in lines("thresholds") {
        let ([sigma, tail], expected) = numbers(line);
        let table = GaussianTable::new(sigma as u32, tail as u32);
        let bytes: Vec<u8> = table
            .thresholds()
            .iter()
            .flat_map(|t| t.to_le_bytes())
            .collect();
        assert_eq!(digest(&bytes), expected, "sigma {sigma}");
    }
    for line in lines("gaussian") {
        let ([sigma, tail], expected) = numbers(line);
        let (sigma_milli, tail) = (sigma as u32, tail as u32);
        assert_eq!(
            errors(ErrorDistribution::DiscreteGaussian { sigma_milli, tail }),
            expected
        );
    }
    for line in lines("flooding") {
        let ([bits], expected) = numbers(line);
        let words = words(Purpose::Flooding, 10_000);
        let draws: Vec<i128> = words
            .chunks(2)
            .map(|w| flooding(w[0], w[1], bits as u32))
            .collect();
        assert_eq!(show(&draws, i128::to_le_bytes), expected);
    }
    let derived = counting_seed().derive(b"tag", b"context");
    let hex: String = derived.bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(lines("derive"), [hex]);
}

#[test]
fn parameter_hashes_should_be_the_known_ones() {
    let hex = |hash: [u8; 32]| hash.iter().map(|b| format!("{b:02x}")).collect::<String>();
    for literal in [SA_4096, INSECURE_TEST_1024] {
        let hash = Parameters::new(literal).unwrap().hash();
        assert_eq!(
            lines(&format!("parameters {}", literal.name)),
            [hex(hash.0)]
        );
    }
    let committees = [
        ("KEY_8192", KEY_8192),
        ("KEY_8192_SMALL", KEY_8192_SMALL),
        ("INSECURE_TEST_KEY_1024", INSECURE_TEST_KEY_1024),
    ];
    for (name, literal) in committees {
        let hash = ThresholdParameters::new(literal).unwrap().hash();
        assert_eq!(lines(&format!("committee {name}")), [hex(hash.0)]);
    }
}

#[test]
fn data_ciphertexts_should_be_the_known_bytes() {
    let values: Vec<i32> = (0..3_000).map(|i| (i * 37 + 11) % 255 - 127).collect();
    let block = Block {
        round: 0x0102_0304,
        segment: 0x0506,
        polynomial: 7,
    };
    for literal in [SA_4096, INSECURE_TEST_1024] {
        let layer = DataLayer::new(Parameters::new(literal).unwrap());
        let key = layer.secret_key(Seed::new([2; 32]), block.round, block.segment);
        let ciphertext = layer
            .encrypt(&Seed::new([1; 32]), &key, block, &values)
            .unwrap();
        let bytes = layer.encode(&ciphertext);
        let first: String = bytes[48..56].iter().map(|b| format!("{b:02x}")).collect();
        let found = format!("{} {first} {}", bytes.len(), digest(&bytes));
        assert_eq!(lines(&format!("data-ciphertext {}", literal.name)), [found]);
    }
}

#[test]
fn key_layer_should_give_the_known_bytes() {
    let epoch = 0x0A0B;
    let params = ThresholdParameters::new(INSECURE_TEST_KEY_1024).unwrap();
    let layer = KeyLayer::new(params, &Seed::new([3; 32]));
    let (mut shares, mut commitments) = (vec![], vec![]);
    for dealer in 0..3u8 {
        for (set, share) in layer
            .deal(dealer, &Seed::new([16 + dealer; 32]), epoch)
            .unwrap()
            .shares
        {
            commitments.push(layer.commit(epoch, dealer, set, &share).unwrap());
            shares.push((dealer, set, share));
        }
    }
    let at = shares
        .iter()
        .position(|(d, s, _)| (*d, *s) == (1, 4))
        .unwrap();
    let hex: String = shares[at]
        .2
        .bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(lines("share 1 4"), [hex]);
    let sized = |bytes: Vec<u8>| format!("{} {}", bytes.len(), digest(&bytes));
    assert_eq!(
        lines("commitment 1 4"),
        [sized(layer.encode_commitment(&commitments[at]))]
    );

    let key = layer.public_key(epoch, 7, &commitments).unwrap();
    assert_eq!(lines("public-key"), [sized(layer.encode_public_key(&key))]);
    let coefficients: Vec<i32> = (0..1_500).map(|i| (i * 5 + 2) % 43 - 21).collect();
    let ciphertext = layer
        .encrypt(&key, &Seed::new([4; 32]), 9, 6, &coefficients)
        .unwrap();
    assert_eq!(lines("key-ciphertext"), [sized(layer.encode(&ciphertext))]);

    let mut answers = vec![];
    for member in 0..3u8 {
        let held = shares.iter().filter(|(_, set, _)| set >> member & 1 == 0);
        let key = layer
            .member_key(member, epoch, 7, &held.cloned().collect::<Vec<_>>())
            .unwrap();
        let answer = layer
            .partial_decrypt(&key, &Seed::new([32 + member; 32]), &ciphertext)
            .unwrap();
        assert_eq!(
            lines(&format!("answer {member}")),
            [sized(layer.encode_answer(&answer))]
        );
        answers.push(answer);
    }
    let found = layer.combine(&ciphertext, &answers).unwrap();
    assert!(found[..1_500]
        .iter()
        .zip(&coefficients)
        .all(|(a, b)| *a == i64::from(*b)));
}

#[test]
fn vectors_should_be_what_the_script_prints() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kat/make.py");
    let run = Command::new("python3")
        .arg(script)
        .stderr(Stdio::inherit())
        .output();
    match run {
        Ok(output) => {
            assert!(output.status.success());
            assert_eq!(String::from_utf8(output.stdout).unwrap(), VECTORS);
        }
        Err(error) => eprintln!("skipped: no python3 ({error})"),
    }
    // Streams of all limbs are part of the format.
    assert_eq!(ALL_LIMBS, 0xFF);
}
