// SPDX-License-Identifier: GPL-3.0-or-later
//! Encryption of whole deltas, on the machine's fastest device.

use zeroize::Zeroizing;

use super::{error_seed, Ciphertext, DataError, DataLayer, SecretKey};
use crate::batch::{after, Batch, Processor, Settings, Work};
use crate::sample::{Block, Seed};

/// Polynomials that are on the device at a time: 25 MiB of residues in `SA_4096`.
const POLYNOMIALS: usize = 512;

/// Some blocks of one key, packed.
struct Blocks<'a> {
    public: &'a Seed,
    key: &'a [u32],
    first: Block,
    packed: Zeroizing<Vec<i64>>,
    seeds: Vec<Seed>,
}

impl Work for Blocks<'_> {
    type Output = Vec<u32>;

    fn run<B: Batch>(&self, batch: &B) -> Result<Vec<u32>, B::Error> {
        let key = batch.upload(self.key)?;
        let mut rows = batch.encode(&self.packed, &self.seeds, self.first)?;
        batch.forward(&mut rows)?;
        batch.add_uniform_product(&mut rows, self.public, self.first, &key)?;
        batch.download(&rows)
    }
}

impl DataLayer {
    /// What a [`Processor`] for this layer computes with.
    pub fn settings(&self) -> Settings {
        Settings {
            ring: self.ring.clone(),
            width: self.params.packing().width(),
            errors: self.params.literal().error,
        }
    }

    /// Encrypts values of any number into the blocks from `first` on: the ciphertexts that [`Self::encrypt`] makes of them block by
    /// block, whatever the device.
    ///
    /// # Errors
    /// As [`Self::encrypt`]; [`DataError::Values`] where the segment has no polynomials left for them. Nothing is encrypted then.
    ///
    /// # Panics
    /// Where the processor was made for other parameters.
    pub fn encrypt_all<Value: Copy + Into<i64>>(
        &self,
        processor: &Processor,
        public: &Seed,
        key: &SecretKey,
        first: Block,
        values: &[Value],
    ) -> Result<Vec<Ciphertext>, DataError> {
        assert!(
            *processor.settings() == self.settings(),
            "a processor of this layer's parameters"
        );
        if (key.hash, key.round, key.segment) != (self.params.hash(), first.round, first.segment) {
            return Err(DataError::Key);
        }
        let each = self.params.values_per_polynomial();
        let left = (u32::MAX - first.polynomial) as usize + 1;
        if values.len().div_ceil(each) > left {
            return Err(DataError::Values {
                found: values.len(),
                limit: left.saturating_mul(each),
            });
        }
        self.check_range(values)?;
        let mut ciphertexts = Vec::with_capacity(values.len().div_ceil(each));
        for values in values.chunks(each * POLYNOMIALS) {
            let first = after(first, ciphertexts.len());
            let mut packed = Zeroizing::new(Vec::with_capacity(
                values.len().div_ceil(each) * self.ring.degree(),
            ));
            let mut seeds = vec![];
            for values in values.chunks(each) {
                let polynomial = self.pack(values)?;
                seeds.push(error_seed(key, &polynomial));
                packed.extend_from_slice(&polynomial);
            }
            let words = processor.run(&Blocks {
                public,
                key: key.values.words(),
                first,
                packed,
                seeds,
            });
            let bodies = words.chunks_exact(self.ring.degree() * self.ring.limbs());
            for (i, body) in bodies.enumerate() {
                ciphertexts.push(Ciphertext {
                    hash: self.params.hash(),
                    block: after(first, i),
                    terms: 1,
                    body: self.ring.polynomial(body),
                });
            }
        }
        Ok(ciphertexts)
    }
}
