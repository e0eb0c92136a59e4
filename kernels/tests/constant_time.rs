// SPDX-License-Identifier: GPL-3.0-or-later
//! No branch and no index depends on a secret: secrets are marked as uninitialised, and valgrind's memcheck reports every
//! jump and address that such a byte reaches (the method of ctgrind, Langley 2010).
//!
//! Valgrind knows no AVX-512, so this checks the AVX2 and the scalar code.
#![cfg(target_arch = "x86_64")]

use std::process::Command;

use dream_kernels::data::{Block, DataLayer};
use dream_kernels::params::{ErrorDistribution, Parameters, INSECURE_TEST_1024};
use dream_kernels::ring::{backends, NttTable};
use dream_kernels::sample::{ErrorSampler, Place, Purpose, Seed, ALL_LIMBS};
use dream_kernels::threshold::{KeyLayer, ThresholdParameters, INSECURE_TEST_KEY_1024};

const MAKE_UNDEFINED: u64 = 0x4D43_0001;
const MAKE_DEFINED: u64 = 0x4D43_0002;
const RUNNING_ON_VALGRIND: u64 = 0x1001;

/// A client request of valgrind (valgrind.h, amd64): outside of valgrind a sequence without effect.
fn request(number: u64, address: u64, length: u64) -> u64 {
    let arguments = [number, address, length, 0, 0, 0];
    let mut result = 0u64;
    // SAFETY: four rotations by 128 bits together leave rdi as it was, the exchange is of a register with itself; valgrind reads
    // the six words at rax and writes rdx.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") result,
            out("rdi") _,
        );
    }
    result
}

fn poison<T>(words: &[T]) {
    request(
        MAKE_UNDEFINED,
        words.as_ptr() as u64,
        size_of_val(words) as u64,
    );
}

fn publish<T>(words: &[T]) {
    request(
        MAKE_DEFINED,
        words.as_ptr() as u64,
        size_of_val(words) as u64,
    );
}

fn secret_seed(n: u8) -> Seed {
    let seed = Seed::new([n; 32]);
    poison(seed.bytes());
    seed
}

/// Run by the test below, under valgrind.
#[test]
#[ignore = "the other test runs it under valgrind"]
fn work_on_poisoned_secrets() {
    assert_eq!(request(RUNNING_ON_VALGRIND, 0, 0), 1, "not under valgrind");
    let public = Seed::new([1; 32]);

    if std::env::var_os("DREAM_LEAK").is_some() {
        let seed = secret_seed(2);
        if seed.bytes()[0] == 2 {
            eprintln!("a branch on a secret");
        }
        return;
    }

    let table = NttTable::new(1_024, INSECURE_TEST_1024.primes[0]).unwrap();
    for backend in backends() {
        let (mut a, b) = (vec![5u32; 1_024], vec![7u32; 1_024]);
        poison(&a);
        backend.forward(&table, &mut a);
        backend.mul(table.modulus(), &mut a, &b);
        backend.inverse(&table, &mut a);
        backend.add(table.modulus(), &mut a, &b);
        backend.sub(table.modulus(), &mut a, &b);
    }

    let place = Place {
        purpose: Purpose::Error,
        limb: ALL_LIMBS,
        segment: 0,
        round: 0,
        polynomial: 0,
    };
    let gaussian = ErrorDistribution::DiscreteGaussian {
        sigma_milli: 3_200,
        tail: 20,
    };
    for distribution in [gaussian, INSECURE_TEST_1024.error] {
        ErrorSampler::new(distribution).draw(&secret_seed(3), place, 600);
    }

    let layer = DataLayer::new(Parameters::new(INSECURE_TEST_1024).unwrap());
    let block = Block {
        round: 1,
        segment: 2,
        polynomial: 3,
    };
    let key = layer.secret_key(secret_seed(4), block.round, block.segment);
    // The values are not poisoned here: whether they are in range is told. Their path is the seed's.
    let ciphertext = layer.encrypt(&public, &key, block, &[5i8; 3_072]).unwrap();
    (0..2).for_each(|i| publish(ciphertext.body().limb(i)));

    let params = ThresholdParameters::new(INSECURE_TEST_KEY_1024).unwrap();
    let key_layer = KeyLayer::new(params, &public);
    let mut shares = vec![];
    let mut commitments = vec![];
    for dealer in 0..3 {
        for (set, share) in key_layer
            .deal(dealer, &secret_seed(5 + dealer), 1)
            .unwrap()
            .shares
        {
            let commitment = key_layer.commit(1, dealer, set, &share).unwrap();
            let bytes = key_layer.encode_commitment(&commitment);
            publish(&bytes);
            commitments.push(key_layer.decode_commitment(&bytes).unwrap());
            shares.push((dealer, set, share));
        }
    }
    let public_key = key_layer.public_key(1, 7, &commitments).unwrap();
    let hidden = key_layer
        .encrypt(&public_key, &secret_seed(9), 1, 0, &[3; 2_048])
        .unwrap();
    let bytes = key_layer.encode(&hidden);
    publish(&bytes);
    let hidden = key_layer.decode(&bytes).unwrap();
    let held: Vec<_> = shares
        .into_iter()
        .filter(|(_, set, _)| set & 1 == 0)
        .collect();
    let member = key_layer.member_key(0, 1, 7, &held).unwrap();
    let answer = key_layer
        .partial_decrypt(&member, &secret_seed(10), &hidden)
        .unwrap();
    let bytes = key_layer.encode_answer(&answer);
    publish(&bytes);
    key_layer.decode_answer(&bytes).unwrap();
}

fn under_valgrind(leak: bool) -> Option<(bool, String)> {
    let mut command = Command::new("valgrind");
    command
        .args(["--error-exitcode=99", "--leak-check=no", "--quiet"])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "work_on_poisoned_secrets",
            "--test-threads=1",
        ]);
    if leak {
        command.env("DREAM_LEAK", "1");
    }
    let output = command.output().ok()?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Some((output.status.success(), text))
}

#[test]
fn secrets_should_steer_no_branch_and_no_index() {
    let Some((found, report)) = under_valgrind(true) else {
        eprintln!("skipped: no valgrind");
        return;
    };
    assert!(
        !found && report.contains("uninitialised"),
        "a planted leak is not seen: {report}"
    );
    let (clean, report) = under_valgrind(false).unwrap();
    assert!(clean && report.contains("1 passed"), "{report}");
}
