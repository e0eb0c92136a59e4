// SPDX-License-Identifier: GPL-3.0-or-later
//! Adding a cohort's ciphertexts up.

use dream_kernels::data::{Ciphertext, DataError};
use dream_kernels::threshold::{KeyCiphertext, ThresholdError};
use thiserror::Error;

use crate::blobs::{read_data, read_keys, BlobError, Ciphertexts, LeafTree};
use crate::layers::{Layers, RoundFacts};

/// Why a sum is not made.
#[derive(Debug, Error)]
pub enum SumError {
    /// A contribution is not in its form.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Too many contributions for the data layer.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Too many contributions for the key layer.
    #[error(transparent)]
    Keys(#[from] ThresholdError),
    /// Nothing to sum.
    #[error("a sum of no contributions")]
    Empty,
}

/// The sum of key trees.
///
/// # Errors
/// [`SumError`].
pub fn sum_keys<'a>(
    layers: &Layers,
    round: &RoundFacts,
    parts: impl IntoIterator<Item = &'a LeafTree>,
) -> Result<Vec<KeyCiphertext>, SumError> {
    let mut sums: Vec<KeyCiphertext> = vec![];
    for part in parts {
        add_keys(layers, &mut sums, read_keys(layers, round, part, 1)?)?;
    }
    if sums.is_empty() {
        return Err(SumError::Empty);
    }
    Ok(sums)
}

/// The tree of the sum of key trees, as an honest aggregator posts it.
///
/// # Errors
/// [`SumError`].
pub fn key_tree<'a>(
    layers: &Layers,
    round: &RoundFacts,
    parts: impl IntoIterator<Item = &'a LeafTree>,
) -> Result<LeafTree, SumError> {
    let sums = sum_keys(layers, round, parts)?;
    tree_of(layers, round, &sums)
}

/// The tree of sums of key ciphertexts.
pub(crate) fn tree_of(
    layers: &Layers,
    round: &RoundFacts,
    sums: &[KeyCiphertext],
) -> Result<LeafTree, SumError> {
    let leaves = key_leaves(layers, sums).into();
    Ok(LeafTree::new(
        "sum of keys",
        leaves,
        round.layout.key_leaves,
    )?)
}

fn add_keys(
    layers: &Layers,
    sums: &mut Vec<KeyCiphertext>,
    part: Vec<KeyCiphertext>,
) -> Result<(), SumError> {
    if sums.is_empty() {
        *sums = part;
        return Ok(());
    }
    for (sum, more) in sums.iter_mut().zip(&part) {
        layers.keys().add(sum, more)?;
    }
    Ok(())
}

/// A sum in the making: one contribution at a time, so that memory holds one and the sum.
#[derive(Clone, Debug)]
pub struct SumBuilder<'a> {
    layers: &'a Layers,
    round: &'a RoundFacts,
    data: Vec<Ciphertext>,
    keys: Vec<KeyCiphertext>,
}

impl<'a> SumBuilder<'a> {
    /// A sum of nothing yet.
    pub fn new(layers: &'a Layers, round: &'a RoundFacts) -> Self {
        Self {
            layers,
            round,
            data: vec![],
            keys: vec![],
        }
    }

    /// Contributions summed.
    pub fn terms(&self) -> u32 {
        self.data.first().map_or(0, Ciphertext::terms)
    }

    /// Adds a contribution. One that is not in its form, or more than the layers sum, change nothing.
    ///
    /// # Errors
    /// [`SumError`].
    pub fn add(&mut self, part: &Ciphertexts) -> Result<(), SumError> {
        let data = read_data(self.layers, self.round, &part.data, 1)?;
        let keys = read_keys(self.layers, self.round, &part.keys, 1)?;
        let limit = self.layers.params().get().cohort.maximum;
        if self.terms() >= limit {
            let terms = self.terms().saturating_add(1);
            return Err(DataError::Terms { terms, limit }.into());
        }
        add_keys(self.layers, &mut self.keys, keys)?;
        if self.data.is_empty() {
            self.data = data;
            return Ok(());
        }
        for (sum, more) in self.data.iter_mut().zip(&data) {
            self.layers.data().add(sum, more)?;
        }
        Ok(())
    }

    /// The sum, as it is posted.
    ///
    /// # Errors
    /// [`SumError::Empty`].
    pub fn finish(&self) -> Result<Ciphertexts, SumError> {
        if self.data.is_empty() {
            return Err(SumError::Empty);
        }
        let data = self.data.iter();
        let data = data.flat_map(|c| self.layers.data_residues(c)).collect();
        Ok(Ciphertexts::new(
            self.round,
            data,
            key_leaves(self.layers, &self.keys),
        )?)
    }
}

/// The leaves of key ciphertexts.
pub(crate) fn key_leaves(layers: &Layers, keys: &[KeyCiphertext]) -> Vec<u8> {
    keys.iter().flat_map(|c| layers.key_residues(c)).collect()
}
