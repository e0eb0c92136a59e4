// SPDX-License-Identifier: GPL-3.0-or-later
//! What a party can read of a victim with everything that it stored, alone and with any t - 1 members of the committee.
//!
//! The decryptor takes for the missing shares of the key nothing, decrypts the victim's key ciphertexts and with what comes
//! out, or with any other key that the party has, the victim's values. Statistic, over M = 9375 values of three segments
//! that were not opened: exact matches, 2.3 by chance where slots have 12 bits, and Pearson's r of recovered and true values,
//! whose r sqrt(M) is normal by chance. Refused: more than 20 matches (probability below 10^-12) or |r sqrt(M)| above 6
//! (10^-9). With t members, or the opened segment's seed, the same decryptor finds every value.

mod common;

use common::{codes, keys_of, Stage, EPOCH};
use dream_kernels::data::DataLayer;
use dream_kernels::ring::{Ntt, Poly};
use dream_kernels::sample::{ternary, Place, Purpose, Seed, Stream, ALL_LIMBS};
use dream_kernels::threshold::PartialDecryption;
use dream_kernels::wire::{Kind, VERSION};
use dream_private::aggregator::sum_keys;
use dream_private::blobs::{read_data, Ciphertexts, LeafTree};

/// Segments that nobody opened.
const HIDDEN: [u16; 3] = [3, 30, 60];
/// The segment that every contributor opened.
const OPENED: u16 = 17;
const DEGREE: usize = 1_024;

/// A polynomial from residues in the wire format.
fn poly(layer: &DataLayer, residues: &[u8]) -> Poly<Ntt> {
    let mut bytes = vec![VERSION, Kind::DataCiphertext as u8];
    bytes.extend(layer.params().hash().0);
    bytes.extend([0; 10]);
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(residues);
    layer.decode(&bytes).unwrap().body().clone()
}

struct Decryptor<'a> {
    stage: &'a Stage,
    /// The key layer's ring.
    ring: DataLayer,
}

impl<'a> Decryptor<'a> {
    fn new(stage: &'a Stage) -> Self {
        let ring = DataLayer::new(stage.layers.keys().params().ring().clone());
        Self { stage, ring }
    }

    /// Sum of all secrets of shares that some members know, from the seeds that they dealt and were sealed to them.
    fn secret(&self, members: &[u8]) -> Vec<i64> {
        let (stage, mut known) = (self.stage, vec![]);
        for member in members {
            let at = usize::from(*member);
            for set in stage.layers.keys().params().sets() {
                let seed = stage.members[at].shown_seed(&stage.layers, EPOCH, *member, *set);
                known.push((*member, *set, Seed::new(seed.unwrap().unwrap().0)));
            }
            for (dealer, held) in &stage.held[at] {
                known.extend(
                    held.shares
                        .iter()
                        .map(|(s, seed)| (*dealer, *s, seed.clone())),
                );
            }
        }
        known.sort_by_key(|(dealer, set, _)| (*dealer, *set));
        known.dedup_by_key(|(dealer, set, _)| (*dealer, *set));
        let mut secret = vec![0i64; DEGREE];
        for (dealer, set, seed) in known {
            let place = Place {
                purpose: Purpose::Secret,
                limb: ALL_LIMBS,
                segment: u16::from_le_bytes([set, dealer]),
                round: EPOCH,
                polynomial: 0,
            };
            Stream::new(&seed, place).words(DEGREE, |at, word| {
                secret[at] += i64::from(ternary(word));
            });
        }
        secret
    }

    /// Key coefficients of a segment as a secret decrypts them.
    fn key(&self, secret: &[i64], keys: &LeafTree, segment: u16) -> Vec<i64> {
        let ring = self.ring.ring();
        let each = dream_kernels::wire::poly_bytes(ring);
        let at = self.stage.layers.key_polynomial(segment) as usize * 2 * each;
        let mut phase = poly(&self.ring, &keys.bytes()[at..at + each]);
        let mut product = poly(&self.ring, &keys.bytes()[at + each..at + 2 * each]);
        let s = ring.forward(ring.from_signed(secret.iter().copied()));
        ring.mul(&mut product, &s);
        ring.sub(&mut phase, &product);
        let phase = ring.inverse(phase);
        let packing = self.ring.params().packing();
        let (mut digits, mut values) = (vec![0; ring.limbs()], vec![]);
        for at in 0..DEGREE {
            let low = ring.crt().centred(|i| phase.limb(i)[at], &mut digits).low;
            packing.unpack(low, |v| values.push(v));
        }
        let first = self
            .stage
            .layers
            .segments_of(self.stage.layers.key_polynomial(segment));
        let from = usize::from(segment - first.start) * DEGREE;
        values[from..from + DEGREE].to_vec()
    }

    /// Values of a segment as a key decrypts them.
    fn values(&self, key: &[i64], data: &LeafTree, segment: u16) -> Vec<i64> {
        let (layer, round) = (self.stage.layers.data(), &self.stage.round);
        let ring = layer.ring();
        let s = ring.forward(ring.from_signed(key.iter().copied()));
        let all = read_data(&self.stage.layers, round, data, 1).unwrap();
        let each = round.layout.polynomials as usize;
        let (mut digits, mut values) = (vec![0; ring.limbs()], vec![]);
        for ciphertext in &all[usize::from(segment) * each..][..each] {
            let mut product = layer.public(&round.public(), ciphertext.block());
            ring.mul(&mut product, &s);
            let mut phase = ciphertext.body().clone();
            ring.sub(&mut phase, &product);
            let phase = ring.inverse(phase);
            for at in 0..DEGREE {
                let low = ring.crt().centred(|i| phase.limb(i)[at], &mut digits).low;
                layer.params().packing().unpack(low, |v| values.push(v));
            }
        }
        values.truncate(round.segment(segment).len());
        values
    }
}

/// (exact matches, r sqrt(M))
fn statistic(pairs: &[(i64, i64)]) -> (usize, f64) {
    let count = pairs.len() as f64;
    let mean = |of: fn(&(i64, i64)) -> i64| pairs.iter().map(|p| of(p) as f64).sum::<f64>() / count;
    let (a, b) = (mean(|p| p.0), mean(|p| p.1));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        let (x, y) = (*x as f64 - a, *y as f64 - b);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    let matches = pairs.iter().filter(|(x, y)| x == y).count();
    (matches, ab / (aa * bb).sqrt() * count.sqrt())
}

/// What a party has besides public blobs: for each hidden segment the keys that it may try.
type Guesses = Vec<(String, [Vec<i64>; 3])>;

#[test]
fn no_party_with_fewer_than_threshold_members_should_recover_values_better_than_chance() {
    let stage = Stage::new();
    let (layers, round) = (&stage.layers, &stage.round);
    let decryptor = Decryptor::new(&stage);
    let deltas: Vec<Vec<i8>> = (0..4).map(|m| codes(m + 90)).collect();
    let all: Vec<Ciphertexts> = (0..4)
        .map(|m| stage.encrypt(m, &deltas[m]).ciphertexts)
        .collect();
    // The last is a drop-out after its ciphertexts were seen: they are never summed.
    let parts: Vec<&Ciphertexts> = all.iter().take(3).collect();
    let posted = stage.sum(&parts).roots();
    let keys = keys_of(&parts);
    let answers: Vec<Vec<PartialDecryption>> = [0, 2]
        .map(|m| stage.answer(m, &posted, &keys))
        .iter()
        .map(|a| {
            let each = a.bytes.chunks_exact(layers.keys().answer_bytes());
            each.map(|b| layers.keys().decode_answer(b).unwrap())
                .collect()
        })
        .collect();
    let sums = sum_keys(layers, round, &keys).unwrap();
    // The keys' sums are public once two members answered.
    let sum_key = |segment: u16| {
        let at = layers.key_polynomial(segment);
        let place = at as usize;
        let parts = [answers[0][place].clone(), answers[1][place].clone()];
        let values = layers.keys().combine(&sums[place], &parts).unwrap();
        let from = usize::from(segment - layers.segments_of(at).start) * DEGREE;
        values[from..from + DEGREE].to_vec()
    };
    let own_key = |m: usize, segment: u16| {
        // A contributor's own records make its keys; `expose` reads them for one segment's polynomial only.
        let (exposure, blob) = stage.contributor(m).expose(layers, round, segment).unwrap();
        assert!(exposure.key_seed.is_some());
        let first = layers.segments_of(layers.key_polynomial(segment)).start;
        let from = round.segment(segment).len() + usize::from(segment - first) * DEGREE;
        let key = blob[from..from + DEGREE].iter();
        key.map(|c| i64::from(c.cast_signed()))
            .collect::<Vec<i64>>()
    };
    let minus = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<i64>>();

    for victim in 0..4 {
        let mut guesses: Guesses = vec![];
        for coalition in [&[][..], &[0], &[1], &[2]] {
            let secret = decryptor.secret(coalition);
            let keys = HIDDEN.map(|s| decryptor.key(&secret, &all[victim].keys, s));
            guesses.push((format!("members {coalition:?}"), keys));
        }
        guesses.push(("sum of keys".into(), HIDDEN.map(sum_key)));
        let (disclosure, _) = stage.contributor(victim).disclose(round, OPENED).unwrap();
        let seed = Seed::new(disclosure.seed.0);
        let shown = |s| layers.data().secret_key(seed.clone(), round.id.number, s);
        let shown = HIDDEN.map(|s| {
            shown(s)
                .coefficients()
                .iter()
                .map(|c| i64::from(*c))
                .collect()
        });
        guesses.push(("the opened segment's seed".into(), shown));
        for other in (0..4).filter(|m| *m != victim) {
            // One segment of each folder may be exposed: the first hidden one stands for all.
            let own = own_key(other, HIDDEN[0]);
            let rest = minus(&sum_key(HIDDEN[0]), &own);
            let alike = |key: Vec<i64>| [key.clone(), key.clone(), key];
            guesses.push((format!("key of contributor {other}"), alike(own)));
            guesses.push((format!("sum less contributor {other}"), alike(rest)));
        }
        for (who, keys) in &guesses {
            let mut pairs = vec![];
            for (segment, key) in HIDDEN.into_iter().zip(keys) {
                let found = decryptor.values(key, &all[victim].data, segment);
                let truth = &deltas[victim][round.segment(segment)];
                pairs.extend(found.into_iter().zip(truth.iter().map(|c| i64::from(*c))));
            }
            assert_eq!(pairs.len(), 9_375);
            let (matches, z) = statistic(&pairs);
            assert!(matches <= 20 && z.abs() <= 6.0, "{who}: {matches}, {z}");
        }

        // The decryptor works: t members read everything, and what was opened is open.
        for coalition in [[0, 1], [0, 2], [1, 2]] {
            let secret = decryptor.secret(&coalition);
            for segment in HIDDEN {
                let key = decryptor.key(&secret, &all[victim].keys, segment);
                let found = decryptor.values(&key, &all[victim].data, segment);
                let truth = deltas[victim][round.segment(segment)].iter();
                assert!(found.into_iter().eq(truth.map(|c| i64::from(*c))));
            }
        }
        let key = layers.data().secret_key(seed, round.id.number, OPENED);
        let key: Vec<i64> = key.coefficients().iter().map(|c| i64::from(*c)).collect();
        let found = decryptor.values(&key, &all[victim].data, OPENED);
        let truth = deltas[victim][round.segment(OPENED)].iter();
        assert!(found.into_iter().eq(truth.map(|c| i64::from(*c))));
    }
}
