// SPDX-License-Identifier: GPL-3.0-or-later
//! A committee of three of whom two decrypt, and contributors, with small insecure parameters.
#![allow(dead_code)] // Each test file uses a part.

use std::path::PathBuf;

use dream_kernels::params::{ParametersLiteral, INSECURE_TEST_1024};
use dream_kernels::threshold::{
    MemberKey, PublicKey, ThresholdLiteral, ThresholdParameters, INSECURE_TEST_KEY_1024,
};
use dream_primitives::claim::RoundId;
use dream_primitives::private::committee::ShareDealing;
use dream_primitives::private::params::{PrivateLiteral, PrivateParameters, RingShape};
use dream_primitives::private::round::{CiphertextRoots, DecryptionAnswer};
use dream_primitives::{BoundedVec, H256};
use dream_private::aggregator::SumBuilder;
use dream_private::blobs::{Ciphertexts, LeafTree};
use dream_private::contributor::{Contribution, Contributor};
use dream_private::dealing::{EpochFacts, HeldDealing};
use dream_private::layers::{Layers, RoundFacts};
use dream_private::member::{Member, RoundAnswer};
use tempfile::TempDir;

pub const EPOCH: u32 = 11;
pub const PARAMETERS: u64 = 200_000;
pub const GENESIS: H256 = H256::repeat_byte(0x67);

/// The key layer's test set, with flooding for the 32 polynomials of a round.
pub const KEY: ThresholdLiteral = ThresholdLiteral {
    flooding_bits: 58,
    answers: 64,
    ..INSECURE_TEST_KEY_1024
};

fn shape(hash: [u8; 32], ring: &ParametersLiteral) -> RingShape {
    RingShape {
        hash: H256(hash),
        degree: ring.degree,
        primes: BoundedVec::truncate_from(ring.primes.to_vec()),
        slots: ring.slots,
        slot_bits: ring.slot_bits,
        bound: ring.plaintext_bound,
    }
}

pub fn layers() -> Layers {
    let data = dream_kernels::params::Parameters::new(INSECURE_TEST_1024).unwrap();
    let keys = ThresholdParameters::new(KEY).unwrap();
    let mut literal = PrivateLiteral::development();
    literal.data = shape(data.hash().0, data.literal());
    literal.key = shape(keys.hash().0, &KEY.ring);
    literal.committee.answers = 64;
    literal.cohort.maximum = 8;
    let params = PrivateParameters::new(literal).unwrap();
    Layers::with_presets(params, GENESIS, INSECURE_TEST_1024, KEY).unwrap()
}

/// Numbers of a simple generator.
pub fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x >> 11
    })
}

/// Codes over the whole range.
pub fn codes(seed: u64) -> Vec<i8> {
    let code = |x: u64| ((x % 255) as i32 - 127) as i8;
    let codes = numbers(seed).take(PARAMETERS as usize);
    codes.map(code).collect()
}

pub fn sum(parts: &[&[i8]]) -> Vec<i32> {
    let at = |i: usize| parts.iter().map(|p| i32::from(p[i])).sum();
    (0..PARAMETERS as usize).map(at).collect()
}

/// A dealing on chain, with its blob.
pub type Dealt = (ShareDealing, Vec<u8>);

pub struct Stage {
    pub folder: TempDir,
    pub layers: Layers,
    pub epoch: EpochFacts,
    pub members: Vec<Member>,
    pub dealt: Vec<Dealt>,
    pub held: Vec<Vec<(u8, HeldDealing)>>,
    pub member_keys: Vec<MemberKey>,
    pub public: PublicKey,
    pub round: RoundFacts,
}

impl Stage {
    /// A committee with its key, and a round, with the test's parameters.
    pub fn new() -> Self {
        Self::with(layers())
    }

    /// As [`Self::new`] with others, for a committee of three.
    pub fn with(layers: Layers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = |at: u8| Member::open(&member_folder(&folder, at), &GENESIS).unwrap();
        let members: Vec<Member> = (0..3).map(open).collect();
        let epoch = EpochFacts {
            number: EPOCH,
            transports: members.iter().map(Member::transport).collect(),
            dealers: 0b111,
        };
        let deal = |at: u8| members[usize::from(at)].deal(&layers, &epoch, at).unwrap();
        let dealt: Vec<Dealt> = (0..3).map(deal).collect();
        let check = |at: u8| {
            let inspection = members[usize::from(at)].inspection(&layers, &epoch, at);
            let others = (0..3u8).filter(|dealer| *dealer != at);
            others
                .map(|dealer| {
                    let (on_chain, blob) = &dealt[usize::from(dealer)];
                    let held = inspection.check(dealer, on_chain, Some(blob), &[]);
                    (dealer, held.unwrap())
                })
                .collect::<Vec<_>>()
        };
        let held: Vec<_> = (0..3).map(check).collect();
        let mut keys = (0u8..)
            .zip(&members)
            .zip(&held)
            .map(|((at, member), held)| member.keys(&layers, &epoch, at, held).unwrap());
        let (public, first) = keys.next().unwrap();
        let mut member_keys = vec![first];
        for (other, key) in keys {
            assert_eq!(other, public);
            member_keys.push(key);
        }
        let id = RoundId {
            branch: 1,
            number: 5,
        };
        let seed = H256::repeat_byte(0x73);
        let round = layers.round(id, seed, EPOCH, 0b111, PARAMETERS).unwrap();
        Self {
            folder,
            layers,
            epoch,
            members,
            dealt,
            held,
            member_keys,
            public,
            round,
        }
    }

    pub fn contributor(&self, at: usize) -> Contributor {
        Contributor::open(&self.path(&format!("contributor-{at}"))).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn encrypt(&self, at: usize, codes: &[i8]) -> Contribution {
        let contributor = self.contributor(at);
        contributor
            .encrypt(&self.layers, &self.round, &self.public, codes)
            .unwrap()
    }

    pub fn sum(&self, parts: &[&Ciphertexts]) -> Ciphertexts {
        let mut sum = SumBuilder::new(&self.layers, &self.round);
        parts.iter().for_each(|part| sum.add(part).unwrap());
        sum.finish().unwrap()
    }

    pub fn answer(&self, member: u8, posted: &CiphertextRoots, parts: &[LeafTree]) -> RoundAnswer {
        let at = usize::from(member);
        let key = &self.member_keys[at];
        let member = &self.members[at];
        let answer = member.answer(&self.layers, &self.round, key, posted, parts);
        answer.unwrap()
    }
}

fn member_folder(folder: &TempDir, at: u8) -> PathBuf {
    folder.path().join(format!("member-{at}"))
}

pub fn keys_of(parts: &[&Ciphertexts]) -> Vec<LeafTree> {
    parts.iter().map(|part| part.keys.clone()).collect()
}

pub fn with_blobs(answers: &[RoundAnswer]) -> Vec<(DecryptionAnswer, Option<&[u8]>)> {
    let pairs = answers.iter().map(|a| (a.answer, Some(&a.bytes[..])));
    pairs.collect()
}
