// SPDX-License-Identifier: GPL-3.0-or-later
//! Random initialisation of a model, directly on the grid.
//!
//! Anyone can recompute it on any machine: only ChaCha20, integer sums and the f64 operations that IEEE 754 rounds
//! correctly (multiply, divide, square root) are used; neither libtorch nor a mathematics library takes part.

use crate::grid::round_to_i32;
use crate::TrainingError;
use dream_primitives::manifest::{Architecture, TensorSpec};
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Standard deviation of freshly made weights (Radford et al. 2019, section 2.3).
const DEVIATION: f64 = 0.02;

/// Sum of twelve uniform u32 less its mean: 2^32 times a variable of mean 0 and variance 1 that is normal to within
/// an excess kurtosis of -0.1 and never beyond 6 (Irwin-Hall distribution).
fn normal(rng: &mut ChaCha20Rng) -> f64 {
    let sum: i64 = (0..12).map(|_| i64::from(rng.next_u32())).sum();
    (sum - 6 * i64::from(u32::MAX)) as f64 / 4_294_967_296.0
}

fn fill(
    spec: &TensorSpec,
    index: usize,
    seed: u64,
    layers: u32,
    out: &mut Vec<i32>,
) -> Result<(), TrainingError> {
    let count = spec
        .parameters()
        .and_then(|n| usize::try_from(n).ok())
        .ok_or(TrainingError::TooLarge)?;
    let one = 2f64.powi(i32::from(spec.grid));
    if spec.name.ends_with("norm.weight") {
        out.extend(std::iter::repeat_n(round_to_i32(one), count));
        return Ok(());
    }
    let residual = spec.name.ends_with("o_proj.weight") || spec.name.ends_with("down_proj.weight");
    let deviation = if residual {
        DEVIATION / (2.0 * f64::from(layers)).sqrt()
    } else {
        DEVIATION
    };
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = ChaCha20Rng::from_seed(key);
    rng.set_stream(index as u64);
    let steps = deviation * one;
    out.extend((0..count).map(|_| round_to_i32(normal(&mut rng) * steps)));
    Ok(())
}

/// The state of a fresh model, in manifest order, as grid integers.
///
/// Weights have deviation 0.02, those that write to the residual stream (`o_proj`, `down_proj`) 0.02 / sqrt(2 layers),
/// norms are one. Tensor `i` draws from ChaCha20 with key `seed` (little-endian, zero-padded) and stream `i`.
pub fn init_state(architecture: &Architecture, seed: u64) -> Result<Vec<i32>, TrainingError> {
    architecture.check().map_err(TrainingError::Architecture)?;
    let Architecture::Llama(config) = architecture;
    let mut state = Vec::with_capacity(crate::parameters(architecture)?);
    for (index, spec) in architecture.manifest().iter().enumerate() {
        fill(spec, index, seed, config.layers, &mut state)?;
    }
    Ok(state)
}
