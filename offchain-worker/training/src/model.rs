// SPDX-License-Identifier: GPL-3.0-or-later
//! The LLaMA-family decoder (Touvron et al. 2023) over one flat parameter buffer.
//!
//! The parameters are one leaf tensor that is split into views; so the gradient comes back as one flat tensor too, and
//! the optimiser, hashes and quantisation never see single tensors. Projections that read the same input are adjacent in
//! the manifest (q, k, v; gate, up) and are multiplied as one matrix.
//!
//! Only operations whose CPU kernels have a fixed order of additions are used: matrix products, reductions over rows,
//! element-wise operations and the embedding, whose backward pass sums the occurrences of a token in their order.

use crate::TrainingError;
use dream_primitives::manifest::{Architecture, LlamaConfig};
use tch::{Reduction, TchError, Tensor};

/// Epsilon of RMSNorm.
pub const NORM_EPSILON: f64 = 1e-5;

/// A decoder for byte or sub-word tokens. Holds no parameters; every call is given them.
#[derive(Debug)]
pub struct Model {
    config: LlamaConfig,
    /// Parameters of each view of the flat buffer, in manifest order.
    splits: Vec<i64>,
    /// Rotary embedding, shape [context, head width] each; the sine carries the sign of the rotation.
    cos: Tensor,
    sin: Tensor,
}

/// Cosines and signed sines for every position and channel: channel i and i + width/2 are rotated together by
/// `position * theta^(-2i/width)` (Su et al. 2021, in the half-split order of Hugging Face checkpoints).
fn rotary(config: &LlamaConfig) -> (Vec<f32>, Vec<f32>) {
    let width = config.dim / config.heads;
    let half = width / 2;
    let (mut cos, mut sin) = (Vec::new(), Vec::new());
    for position in 0..config.context {
        for channel in 0..width {
            let exponent = f64::from(2 * (channel % half)) / f64::from(width);
            // A pure-Rust library: the system's differs between machines in the last bit.
            let angle = f64::from(position) / libm::pow(f64::from(config.rope_theta), exponent);
            let sign = if channel < half { -1.0 } else { 1.0 };
            cos.push(libm::cos(angle) as f32);
            sin.push((sign * libm::sin(angle)) as f32);
        }
    }
    (cos, sin)
}

/// Takes the views of the flat buffer in their order.
struct Views(std::vec::IntoIter<Tensor>);

impl Views {
    fn matrix(&mut self, columns: u32) -> Result<Tensor, TchError> {
        self.vector()?.f_view([-1, i64::from(columns)])
    }

    fn vector(&mut self) -> Result<Tensor, TchError> {
        self.0.next().ok_or_else(|| {
            TchError::Shape("more tensors are read than the architecture has".into())
        })
    }
}

/// `x` times the transpose of `weight`, which has shape [out, in].
fn linear(x: &Tensor, weight: &Tensor) -> Result<Tensor, TchError> {
    x.f_linear(weight, None::<Tensor>)
}

/// Two views; their gradients are joined by one copy.
fn split(x: &Tensor, sizes: [i64; 2], dim: i64) -> Result<[Tensor; 2], TchError> {
    x.f_split_with_sizes(sizes, dim)?
        .try_into()
        .map_err(|_| TchError::Shape("a split in two gave another number".into()))
}

impl Model {
    /// Prepares the tables for an architecture.
    pub fn new(architecture: &Architecture) -> Result<Self, TrainingError> {
        crate::parameters(architecture)?;
        let Architecture::Llama(config) = *architecture;
        let [vocab, dim, ffn] = [config.vocab, config.dim, config.ffn].map(i64::from);
        let kv = dim / i64::from(config.heads) * i64::from(config.kv_heads);
        let mut splits = vec![vocab * dim];
        for _ in 0..config.layers {
            splits.extend([
                dim,
                (dim + 2 * kv) * dim,
                dim * dim,
                dim,
                2 * ffn * dim,
                dim * ffn,
            ]);
        }
        splits.push(dim);
        if !config.tied {
            splits.push(vocab * dim);
        }
        let (cos, sin) = rotary(&config);
        let shape = [i64::from(config.context), dim / i64::from(config.heads)];
        let table = |values: &[f32]| Tensor::f_from_slice(values)?.f_view(shape);
        Ok(Self {
            config,
            splits,
            cos: table(&cos)?,
            sin: table(&sin)?,
        })
    }

    #[cfg(test)]
    pub(crate) fn splits(&self) -> &[i64] {
        &self.splits
    }

    /// x / sqrt(mean(x^2) + epsilon) * weight over the last dimension (Zhang and Sennrich 2019).
    fn norm(&self, x: &Tensor, weight: &Tensor) -> Result<Tensor, TchError> {
        x.f_rms_norm(i64::from(self.config.dim), Some(weight), NORM_EPSILON)
    }

    /// Rotates queries or keys, shape [batch, heads, length, width].
    fn rotate(&self, x: &Tensor, length: i64, width: i64) -> Result<Tensor, TchError> {
        let (cos, sin) = (
            self.cos.f_narrow(0, 0, length)?,
            self.sin.f_narrow(0, 0, length)?,
        );
        x.f_mul(&cos)?.f_add(&x.f_roll(width / 2, 3)?.f_mul(&sin)?)
    }

    /// Causal grouped-query attention; `qkv` has shape [batch * length, (heads + 2 kv_heads) * width].
    ///
    /// libtorch's fused kernel works a (batch, head) pair at a time in blocks of a size that depends on the shape only,
    /// so its order of additions is fixed; it is a tenth faster than separate products and keeps no score matrix.
    fn attention(&self, qkv: &Tensor, batch: i64, length: i64) -> Result<Tensor, TchError> {
        let [heads, kv, dim] =
            [self.config.heads, self.config.kv_heads, self.config.dim].map(i64::from);
        let width = dim / heads;
        let heads_first = qkv
            .f_view([batch, length, heads + 2 * kv, width])?
            .f_transpose(1, 2)?;
        let [turning, v] = split(&heads_first, [heads + kv, kv], 1)?;
        let [q, k] = split(&self.rotate(&turning, length, width)?, [heads, kv], 1)?;
        let mixed = Tensor::f_scaled_dot_product_attention(
            &q,
            &k,
            &v,
            None::<Tensor>,
            0.0,
            true,
            None,
            kv != heads,
        )?;
        mixed.f_transpose(1, 2)?.f_reshape([batch * length, dim])
    }

    /// SwiGLU (Shazeer 2020): silu(gate) * up; `wide` has shape [rows, 2 * ffn].
    fn gated(&self, wide: &Tensor) -> Result<Tensor, TchError> {
        let [gate, up] = split(wide, [i64::from(self.config.ffn); 2], 1)?;
        gate.f_silu()?.f_mul(&up)
    }

    /// Logits, shape [batch * length, vocab], for `inputs` of shape [batch, length] (i64) and the flat parameters.
    pub fn logits(&self, parameters: &Tensor, inputs: &Tensor) -> Result<Tensor, TchError> {
        let (batch, length) = inputs.size2()?;
        let config = &self.config;
        let mut views = Views(parameters.f_split_with_sizes(&self.splits, 0)?.into_iter());
        let embedding = views.matrix(config.dim)?;
        let mut x = Tensor::f_embedding(&embedding, &inputs.f_reshape(-1)?, -1, false, false)?;
        for _ in 0..config.layers {
            let normed = self.norm(&x, &views.vector()?)?;
            let mixed =
                self.attention(&linear(&normed, &views.matrix(config.dim)?)?, batch, length)?;
            x = x.f_add(&linear(&mixed, &views.matrix(config.dim)?)?)?;
            let normed = self.norm(&x, &views.vector()?)?;
            let gated = self.gated(&linear(&normed, &views.matrix(config.dim)?)?)?;
            x = x.f_add(&linear(&gated, &views.matrix(config.ffn)?)?)?;
        }
        let normed = self.norm(&x, &views.vector()?)?;
        let head = if config.tied {
            embedding
        } else {
            views.matrix(config.dim)?
        };
        linear(&normed, &head)
    }

    /// Cross entropy in nats for `rows`, shape [batch, length + 1]: the mean, or one value a token.
    pub(crate) fn loss(
        &self,
        parameters: &Tensor,
        rows: &Tensor,
        reduction: Reduction,
    ) -> Result<Tensor, TchError> {
        let (_, width) = rows.size2()?;
        let logits = self.logits(parameters, &rows.f_narrow(1, 0, width - 1)?)?;
        let targets = rows.f_narrow(1, 1, width - 1)?.f_reshape(-1)?;
        logits.f_cross_entropy_loss(&targets, None::<Tensor>, reduction, -100, 0.0)
    }
}
