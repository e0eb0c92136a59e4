// SPDX-License-Identifier: GPL-3.0-or-later
//! The data sets of a round's mixture, fetched once and verified, and the batches that the protocol draws from them.

use crate::blobs::BlobError;
use crate::error::WorkerError;
use bytes::Bytes;
use dream_chain::{At, Chain};
use dream_primitives::data::{self, DatasetInfo, MixtureEntry};
use dream_primitives::order::{self, SampleRef};
use dream_primitives::recipe::Recipe;
use dream_primitives::registry::RoundTerms;
use dream_primitives::{DatasetId, H256};
use dream_store::BlobStore;
use dream_training::{tokens, BatchSource};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

/// A data set in memory.
#[derive(Debug)]
struct Set {
    bytes: Bytes,
    window: usize,
    samples: u64,
}

/// Verified data sets, shared by all that train or evaluate in this process.
#[derive(Debug, Default)]
pub struct Corpus {
    sets: BTreeMap<DatasetId, Set>,
}

impl Corpus {
    /// Fetches the data sets of `mixture` that `known` does not have yet and checks their roots.
    pub async fn load(
        known: Option<Arc<Self>>,
        chain: &dyn Chain,
        store: &dyn BlobStore,
        mixture: &[(MixtureEntry, u64)],
    ) -> Result<Arc<Self>, WorkerError> {
        let has = |c: &Self| mixture.iter().all(|(e, _)| c.sets.contains_key(&e.dataset));
        if let Some(known) = known.filter(|k| has(k)) {
            return Ok(known);
        }
        let mut corpus = Self::default();
        for (entry, _) in mixture {
            let (info, bytes) = fetch(chain, store, entry.dataset).await?;
            let set = Set {
                bytes,
                window: info.window as usize,
                samples: u64::from(info.samples),
            };
            corpus.sets.insert(entry.dataset, set);
        }
        Ok(Arc::new(corpus))
    }

    /// A corpus of one data set, for tests and tools.
    pub fn single(dataset: DatasetId, bytes: Vec<u8>, window: u32) -> Self {
        let window = window as usize;
        let samples = (bytes.len() / window.max(1)) as u64;
        let set = Set {
            bytes: bytes.into(),
            window,
            samples,
        };
        Self {
            sets: BTreeMap::from([(dataset, set)]),
        }
    }

    /// The bytes of a sample; `None` when there is no such sample.
    pub fn window(&self, sample: SampleRef) -> Option<&[u8]> {
        let set = self.sets.get(&sample.dataset)?;
        let start = usize::try_from(sample.sample)
            .ok()?
            .checked_mul(set.window)?;
        set.bytes.get(start..start.checked_add(set.window)?)
    }

    /// Tokens of the held-out samples, at most `limit`, evenly over each data set.
    pub fn held_out(&self, limit: usize) -> Vec<Vec<u32>> {
        let all: Vec<SampleRef> = self
            .sets
            .iter()
            .flat_map(|(dataset, set)| {
                let dataset = *dataset;
                (0..set.samples)
                    .filter(|i| data::held_out(*i))
                    .map(move |sample| SampleRef { dataset, sample })
            })
            .collect();
        let every = all.len().div_ceil(limit.max(1)).max(1);
        all.into_iter()
            .step_by(every)
            .filter_map(|s| self.window(s).map(tokens))
            .collect()
    }
}

/// The bytes of a data set, whose root is the registered one.
async fn verified(
    store: &dyn BlobStore,
    id: DatasetId,
    info: &DatasetInfo,
) -> Result<Bytes, BlobError> {
    let what = format!("data set {id}");
    // What lies behind the last whole sample is shorter than a sample.
    let max = (u64::from(info.samples) + 1) * u64::from(info.window);
    let bytes = store
        .get(&info.cid, max)
        .await
        .map_err(|source| BlobError::Store {
            what: what.as_str().into(),
            source: Box::new(source),
        })?;
    let samples = bytes.len() as u64 / u64::from(info.window.max(1));
    if samples != u64::from(info.samples) {
        return Err(BlobError::Form {
            what: what.into(),
            cid: info.cid,
            why: format!("it has {samples} samples, the chain says {}", info.samples),
        });
    }
    let found = data::root(&bytes, info.window);
    if found != info.root {
        return Err(BlobError::Root {
            what: what.into(),
            cid: info.cid,
            expected: info.root,
            found,
        });
    }
    Ok(bytes)
}

/// A data set's registration and its bytes, whose root is the registered one.
pub(crate) async fn fetch(
    chain: &dyn Chain,
    store: &dyn BlobStore,
    id: DatasetId,
) -> Result<(DatasetInfo, Bytes), WorkerError> {
    let Some(record) = chain.dataset(At::Finalised, id).await? else {
        return Err(WorkerError::Input(format!(
            "data set {id} is not on this chain, or was withdrawn: see `dream-worker data list`"
        )));
    };
    let bytes = verified(store, id, &record.info)
        .await
        .map_err(|source| WorkerError::Data {
            dataset: id,
            source: Box::new(source),
        })?;
    Ok((record.info, bytes))
}

/// The batches of one miner in one round.
#[derive(Clone, Debug)]
pub struct RoundBatches {
    corpus: Arc<Corpus>,
    genesis: H256,
    seed: H256,
    miner: [u8; 32],
    recipe: Recipe,
    mixture: Vec<(MixtureEntry, u64)>,
}

impl RoundBatches {
    /// Batches of `miner` in the round with `seed` and `terms`.
    pub fn new(
        corpus: Arc<Corpus>,
        genesis: H256,
        seed: H256,
        miner: [u8; 32],
        terms: &RoundTerms,
    ) -> Self {
        Self {
            corpus,
            genesis,
            seed,
            miner,
            recipe: terms.recipe,
            mixture: terms.mixture.to_vec(),
        }
    }

    /// Batches of text of this machine, cut into windows of `recipe.context` + 1 bytes, in an order that `seed` fixes.
    /// As in public data sets every 20th sample is left out.
    pub fn local(
        bytes: Vec<u8>,
        genesis: H256,
        seed: H256,
        miner: [u8; 32],
        recipe: Recipe,
    ) -> Self {
        let window = recipe.context.saturating_add(1);
        let samples = (bytes.len() / (window as usize).max(1)) as u64;
        let entry = MixtureEntry {
            dataset: 0,
            weight: 1,
        };
        Self {
            corpus: Arc::new(Corpus::single(entry.dataset, bytes, window)),
            genesis,
            seed,
            miner,
            recipe,
            mixture: vec![(entry, samples)],
        }
    }
}

impl BatchSource for RoundBatches {
    fn batch(&mut self, step: u64) -> Result<Vec<u32>, Box<dyn Error + Send + Sync>> {
        let mut batch = Vec::new();
        for slot in 0..u32::from(self.recipe.batch) {
            let drawn = order::sample(
                &self.genesis,
                &self.seed,
                &self.miner,
                step,
                slot,
                &self.mixture,
            );
            let sample = drawn.ok_or("the mixture has no sample to draw")?;
            let window = self.corpus.window(sample).ok_or_else(|| {
                format!(
                    "sample {} of data set {} is not there",
                    sample.sample, sample.dataset
                )
            })?;
            batch.extend(tokens(window));
        }
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_batches_should_be_windows_of_the_text_in_an_order_that_the_seed_fixes() {
        let Recipe { context, .. } = crate::config::preset(crate::config::Preset::Test).recipe;
        let recipe = crate::config::preset(crate::config::Preset::Test).recipe;
        let window = context as usize + 1;
        // The first byte of a window is its number.
        let text: Vec<u8> = (0..200u8)
            .flat_map(|n| std::iter::repeat_n(n, window))
            .collect();
        let of = |seed: u8, account: u8| {
            let (genesis, seed) = (H256::zero(), H256::repeat_byte(seed));
            RoundBatches::local(text.clone(), genesis, seed, [account; 32], recipe)
        };
        let (mut first, mut again, mut other) = (of(1, 1), of(1, 1), of(2, 1));
        let mut seen = std::collections::BTreeSet::new();
        let mut differs = false;
        for step in 0..4_000 {
            let batch = first.batch(step).unwrap();
            assert_eq!(batch.len(), window * usize::from(recipe.batch));
            assert_eq!(batch, again.batch(step).unwrap());
            differs |= batch != other.batch(step).unwrap();
            for sample in batch.chunks(window) {
                assert!(sample.iter().all(|t| *t == sample[0]), "not one window");
                seen.insert(sample[0]);
            }
        }
        assert!(differs);
        // Every window but each 20th, which is for looking at, not for training.
        let kept = (0..200u32).filter(|n| !data::held_out(u64::from(*n)));
        assert!(seen.into_iter().eq(kept));
    }

    #[test]
    fn held_out_should_be_every_twentieth_sample_and_respect_the_limit() {
        let bytes: Vec<u8> = (0..=255).cycle().take(2 * 100).collect();
        let corpus = Corpus::single(3, bytes, 2);
        let samples = corpus.held_out(10);
        assert_eq!(samples.len(), 5);
        assert_eq!(samples[0], [38, 39]);
        assert_eq!(corpus.held_out(2).len(), 2);
        assert_eq!(
            corpus.window(SampleRef {
                dataset: 3,
                sample: 100
            }),
            None
        );
    }
}
