// SPDX-License-Identifier: GPL-3.0-or-later
//! Architectures and the ordered list of tensors that each one has.

use crate::dispute::MAX_MOMENTS;
use crate::math::{to_u32, to_u64};
use crate::state::CHUNK;
use alloc::{format, string::String, vec, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Grid exponent of a freshly made model: a parameter `n` means `n * 2^-24`.
pub const DEFAULT_GRID: u8 = 24;

/// Hyper-parameters of a LLaMA-family decoder (RMSNorm, rotary embedding, SwiGLU, grouped-query attention).
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LlamaConfig {
    /// Number of token ids; 256 for the byte-level tokeniser.
    pub vocab: u32,
    /// Width of the residual stream; a multiple of `2 * heads`.
    pub dim: u32,
    /// Number of decoder layers.
    pub layers: u32,
    /// Query heads.
    pub heads: u32,
    /// Key/value heads; divides `heads`.
    pub kv_heads: u32,
    /// Width of the SwiGLU feed-forward layer.
    pub ffn: u32,
    /// Context length in tokens.
    pub context: u32,
    /// Base of the rotary embedding's frequencies.
    pub rope_theta: u32,
    /// Whether the output head shares the embedding's weights.
    pub tied: bool,
}

/// Families of models that this chain trains.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Debug,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Architecture {
    /// LLaMA-family decoder.
    Llama(LlamaConfig),
}

/// One tensor of a manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TensorSpec {
    /// Name, as in Hugging Face LLaMA checkpoints.
    pub name: String,
    /// Shape, row-major.
    pub shape: Vec<u32>,
    /// Grid exponent s: the integer n means n * 2^-s.
    pub grid: u8,
}

impl TensorSpec {
    /// Number of parameters; `None` on overflow.
    pub fn parameters(&self) -> Option<u64> {
        self.shape
            .iter()
            .try_fold(1u64, |n, d| n.checked_mul(u64::from(*d)))
    }
}

/// Why an architecture is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArchitectureError {
    /// A size is zero or above its bound.
    Size,
    /// `dim` is not a multiple of `2 * heads`.
    HeadWidth,
    /// `kv_heads` does not divide `heads`.
    KvHeads,
    /// More chunks than a `u32` counts with [`crate::dispute::MAX_MOMENTS`] moments each.
    TooLarge,
}

impl Architecture {
    /// Checks sizes and divisibility.
    pub fn check(&self) -> Result<(), ArchitectureError> {
        let Self::Llama(c) = self;
        let sizes = [
            (c.vocab, 1 << 20),
            (c.dim, 1 << 16),
            (c.layers, 512),
            (c.heads, 1 << 10),
            (c.kv_heads, 1 << 10),
            (c.ffn, 1 << 18),
            (c.context, 1 << 17),
            (c.rope_theta, u32::MAX),
        ];
        if sizes.iter().any(|(n, max)| *n == 0 || n > max) {
            return Err(ArchitectureError::Size);
        }
        if c.heads.checked_mul(2).and_then(|w| c.dim.checked_rem(w)) != Some(0) {
            return Err(ArchitectureError::HeadWidth);
        }
        if c.heads.checked_rem(c.kv_heads) != Some(0) {
            return Err(ArchitectureError::KvHeads);
        }
        self.parameters()
            .and_then(chunks_of)
            .and_then(|chunks| chunks.checked_mul(MAX_MOMENTS))
            .map(|_| ())
            .ok_or(ArchitectureError::TooLarge)
    }

    /// Width of the key and value projections.
    fn kv_width(c: &LlamaConfig) -> u32 {
        c.dim
            .checked_div(c.heads)
            .and_then(|w| w.checked_mul(c.kv_heads))
            .unwrap_or(0)
    }

    /// The tensors in their fixed order: embedding, then each layer, final norm, head when untied.
    pub fn manifest(&self) -> Vec<TensorSpec> {
        let Self::Llama(c) = self;
        let tensor = |name: String, shape: Vec<u32>| TensorSpec {
            name,
            shape,
            grid: DEFAULT_GRID,
        };
        let kv = Self::kv_width(c);
        let mut out = vec![tensor(
            "model.embed_tokens.weight".into(),
            vec![c.vocab, c.dim],
        )];
        for i in 0..c.layers {
            let mut add = |part: &str, shape: Vec<u32>| {
                out.push(tensor(format!("model.layers.{i}.{part}.weight"), shape))
            };
            add("input_layernorm", vec![c.dim]);
            add("self_attn.q_proj", vec![c.dim, c.dim]);
            add("self_attn.k_proj", vec![kv, c.dim]);
            add("self_attn.v_proj", vec![kv, c.dim]);
            add("self_attn.o_proj", vec![c.dim, c.dim]);
            add("post_attention_layernorm", vec![c.dim]);
            add("mlp.gate_proj", vec![c.ffn, c.dim]);
            add("mlp.up_proj", vec![c.ffn, c.dim]);
            add("mlp.down_proj", vec![c.dim, c.ffn]);
        }
        out.push(tensor("model.norm.weight".into(), vec![c.dim]));
        if !c.tied {
            out.push(tensor("lm_head.weight".into(), vec![c.vocab, c.dim]));
        }
        out
    }

    /// Number of parameters, without building the manifest; `None` on overflow.
    pub fn parameters(&self) -> Option<u64> {
        let Self::Llama(c) = self;
        let [vocab, dim, layers, ffn] = [c.vocab, c.dim, c.layers, c.ffn].map(u64::from);
        let kv = u64::from(Self::kv_width(c));
        let attention = dim
            .checked_mul(dim)?
            .checked_mul(2)?
            .checked_add(kv.checked_mul(dim)?.checked_mul(2)?)?;
        let layer = attention
            .checked_add(dim.checked_mul(ffn)?.checked_mul(3)?)?
            .checked_add(dim.checked_mul(2)?)?;
        let tables = vocab
            .checked_mul(dim)?
            .checked_mul(if c.tied { 1 } else { 2 })?;
        layer
            .checked_mul(layers)?
            .checked_add(tables)?
            .checked_add(dim)
    }

    /// Number of chunks of [`CHUNK`] parameters in a state; zero when the architecture does not pass its check.
    pub fn chunks(&self) -> u32 {
        self.parameters().and_then(chunks_of).unwrap_or(0)
    }
}

/// Number of chunks for a number of parameters.
pub fn chunks_of(parameters: u64) -> Option<u32> {
    u32::try_from(parameters.div_ceil(to_u64(CHUNK))).ok()
}

/// Number of parameters in chunk `index` of a state with `parameters` parameters; zero past the end.
pub fn chunk_len(parameters: u64, index: u32) -> u32 {
    let chunk = to_u64(CHUNK);
    let start = u64::from(index).saturating_mul(chunk);
    u32::try_from(parameters.saturating_sub(start).min(chunk)).unwrap_or(to_u32(CHUNK))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn tiny(tied: bool) -> Architecture {
        Architecture::Llama(LlamaConfig {
            vocab: 256,
            dim: 128,
            layers: 4,
            heads: 4,
            kv_heads: 2,
            ffn: 384,
            context: 128,
            rope_theta: 10_000,
            tied,
        })
    }

    #[test]
    fn parameters_should_equal_the_sum_over_the_manifest() {
        for tied in [true, false] {
            let a = tiny(tied);
            let sum: u64 = a.manifest().iter().map(|t| t.parameters().unwrap()).sum();
            assert_eq!(a.parameters(), Some(sum));
            assert_eq!(u64::from(a.chunks()), sum.div_ceil(4096));
        }
    }

    #[test]
    fn check_should_name_what_is_wrong() {
        let Architecture::Llama(c) = tiny(true);
        let with = |f: fn(&mut LlamaConfig)| {
            let mut c = c;
            f(&mut c);
            Architecture::Llama(c).check()
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|c| c.dim = 0), Err(ArchitectureError::Size));
        assert_eq!(with(|c| c.dim = 130), Err(ArchitectureError::HeadWidth));
        assert_eq!(with(|c| c.kv_heads = 3), Err(ArchitectureError::KvHeads));
        assert_eq!(
            with(|c| {
                c.dim = 1 << 16;
                c.ffn = 1 << 18;
                c.layers = 512
            }),
            Err(ArchitectureError::TooLarge)
        );
    }

    #[test]
    fn chunk_len_should_be_short_only_for_the_last() {
        assert_eq!(chunk_len(4097, 0), 4096);
        assert_eq!(chunk_len(4097, 1), 1);
        assert_eq!(chunk_len(4097, 2), 0);
    }
}
