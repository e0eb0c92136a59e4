// SPDX-License-Identifier: GPL-3.0-or-later
//! FedProx's proximal term (Li et al. 2020, equation 2).

use crate::grid::dequantise;
use crate::TrainingError;
use dream_primitives::manifest::Architecture;
use dream_primitives::recipe::Recipe;

/// Adds `mu / 2 * |w - w_base|^2` to the local objective: a pull towards the version that the round started from.
///
/// The centre is the dequantised base, not the state that a segment starts from: so a replay that begins in the middle
/// needs the base too.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Proximal {
    mu: f32,
    centre: Vec<f32>,
}

impl Proximal {
    /// The recipe's term around `base` (grid integers); none where the coefficient is zero.
    pub(crate) fn new(
        architecture: &Architecture,
        recipe: &Recipe,
        base: &[i32],
    ) -> Result<Option<Self>, TrainingError> {
        if recipe.proximal == 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            mu: (f64::from(recipe.proximal) * 1e-9) as f32,
            centre: dequantise(architecture, base)?,
        }))
    }

    /// Adds the term's gradient, `mu * (w - w_base)`: a subtraction, a product and a sum, each rounded to f32.
    pub(crate) fn add_to(&self, params: &[f32], gradient: &mut [f32]) {
        let pairs = params.iter().zip(&self.centre);
        for (g, (p, c)) in gradient.iter_mut().zip(pairs) {
            *g += self.mu * (*p - *c);
        }
    }
}
